//! josekit's own readers of compact tokens, for comparing ours with them, and a writer that takes any header. Nothing but
//! the fuzz targets calls them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use josekit::jwe::{ECDH_ES, ECDH_ES_A128KW, ECDH_ES_A256KW, JweDecrypter, RSA_OAEP_256};
use josekit::jwk::Jwk;
use josekit::jws::{EdDSA, deserialize_compact};
use josekit::{JoseError, jwe};
use serde_json::{Map, Value};

use super::{ContentEnc, KeyAlg};

/// The payload, when josekit takes `token` for one that the Ed25519 key of `members` signed; `None` when it refuses
/// or panics.
pub(crate) fn read_compact(token: &str, members: &Map<String, Value>) -> Option<Vec<u8>> {
    let verifier = EdDSA.verifier_from_jwk(&Jwk::from_map(members.clone()).ok()?).ok()?;
    let read = catch_unwind(AssertUnwindSafe(|| deserialize_compact(token, &verifier).ok()));
    read.ok().flatten().map(|(payload, _)| payload)
}

/// The content, when josekit decrypts `token` with the private key of `members`; `None` when it refuses or panics.
pub(crate) fn decrypt_compact(token: &str, members: &Map<String, Value>, alg: KeyAlg) -> Option<Vec<u8>> {
    let jwk = Jwk::from_map(members.clone()).ok()?;
    let decrypter: Result<Box<dyn JweDecrypter>, JoseError> = match alg {
        KeyAlg::EcdhEs => ECDH_ES.decrypter_from_jwk(&jwk).map(|key| Box::new(key) as _),
        KeyAlg::EcdhEsA128Kw => ECDH_ES_A128KW.decrypter_from_jwk(&jwk).map(|key| Box::new(key) as _),
        KeyAlg::EcdhEsA256Kw => ECDH_ES_A256KW.decrypter_from_jwk(&jwk).map(|key| Box::new(key) as _),
        KeyAlg::RsaOaep256 => RSA_OAEP_256.decrypter_from_jwk(&jwk).map(|key| Box::new(key) as _),
    };
    let decrypter = decrypter.ok()?;
    let read = catch_unwind(AssertUnwindSafe(|| jwe::deserialize_compact(token, &*decrypter).ok()));
    read.ok().flatten().map(|(payload, _)| payload)
}

/// A compact JWE of any header and encrypted key, whose content is properly encrypted under `key`.
pub(crate) fn encrypt_compact(
    enc: ContentEnc,
    key: &[u8],
    header: &[u8],
    encrypted_key: &[u8],
    plaintext: &[u8],
) -> Option<String> {
    let protected = BASE64_URL_SAFE_NO_PAD.encode(header);
    let iv = vec![0x5a; enc.iv_len()];
    let (ciphertext, tag) = enc.encrypt(key, &iv, protected.as_bytes(), plaintext).ok()?;
    let rest = [encrypted_key, &iv, &ciphertext, &tag].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
    Some(format!("{protected}.{}", rest.join(".")))
}
