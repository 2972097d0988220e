//! Encrypted tokens: what they are forged with, and what the library makes of them.

mod findings;
mod framing;
mod keys;
mod library;
mod padding;
mod points;
mod vectors;

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::super::{
    Content, ContentEnc, DecryptionKey, Encrypter, ExpectedEncryption, JoseError, Jwe, KeyAlg,
};
use super::{base64url, unbase64url};
use crate::entropy::OsEntropy;
use crate::secret::Secret;

/// Everything that exists is expected.
const ANY: ExpectedEncryption<'static> = ExpectedEncryption::new(KeyAlg::ALL, ContentEnc::ALL);

const CLAIMS: &[u8] = br#"{"sub":"alice"}"#;

/// The private key of RFC 7518 appendix C, which is Bob's.
fn p256() -> Value {
    json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
        "y": "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
        "d": "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw",
    })
}

/// The private key of RFC 7748 section 6.1, which is Bob's; RFC 8037 appendix A.6 has its public half.
fn x25519() -> Value {
    json!({
        "kty": "OKP",
        "crv": "X25519",
        "x": "3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08",
        "d": "XasIfmJKikt54X-Lg4AO5m87sSkmGLb9HC-LJ_-I4Os",
    })
}

fn read(jwk: &Value, alg: KeyAlg) -> DecryptionKey {
    DecryptionKey::from_jwk(&Secret::new(jwk.to_string()), alg).unwrap()
}

/// A key for every algorithm, on the two curves that are met most, and RSA of RFC 7515 appendix A.2.
fn keys() -> Vec<DecryptionKey> {
    let agreements = [KeyAlg::EcdhEs, KeyAlg::EcdhEsA128Kw, KeyAlg::EcdhEsA256Kw];
    let mut keys = vec![read(&super::vectors::rsa(), KeyAlg::RsaOaep256)];
    keys.extend(agreements.into_iter().flat_map(|alg| [read(&p256(), alg), read(&x25519(), alg)]));
    keys
}

fn encrypter(key: &DecryptionKey, enc: ContentEnc) -> Encrypter {
    Encrypter::new(key.public_key(), key.algorithm(), enc).unwrap()
}

/// A token as [`Encrypter::encrypt`] writes it.
fn token(key: &DecryptionKey, enc: ContentEnc) -> String {
    encrypter(key, enc).encrypt(Content::Claims(CLAIMS), &OsEntropy).unwrap()
}

/// What the recipient says of `token`.
fn verdict(token: &str, key: &DecryptionKey) -> Result<Vec<u8>, JoseError> {
    key.decrypt(&Jwe::parse(token)?, &ANY).map(|decrypted| decrypted.unverified_payload().to_vec())
}

/// The five parts of a token, which can be bent and put together again.
#[derive(Clone)]
struct Parts([Vec<u8>; 5]);

const ENCRYPTED_KEY: usize = 1;
const IV: usize = 2;
const CIPHERTEXT: usize = 3;
const TAG: usize = 4;

impl Parts {
    fn of(token: &str) -> Self {
        let parts: Vec<_> = token.split('.').map(unbase64url).collect();
        Self(parts.try_into().unwrap())
    }

    fn with(&self, part: usize, bytes: &[u8]) -> Self {
        let mut parts = self.clone();
        parts.0[part] = bytes.to_vec();
        parts
    }

    fn token(&self) -> String {
        self.0.each_ref().map(base64url).join(".")
    }
}

/// A token whose sender knows the rules and breaks them: the header is what `bend` makes of the right one, and
/// everything is properly encrypted and authenticated under the key that was properly sent.
fn forged(
    key: &DecryptionKey,
    enc: ContentEnc,
    plaintext: &[u8],
    bend: impl FnOnce(&mut Map<String, Value>) -> Option<String>,
) -> String {
    let drawn = Zeroizing::new((0..64).map(|n| n ^ 0x5a).take(enc.key_len()).collect());
    let sent = key.public_key().encrypter(key.algorithm()).unwrap().send(enc, drawn).unwrap();
    let header = json!({"alg": key.algorithm(), "enc": enc, "epk": sent.epk});
    let mut header = header.as_object().unwrap().clone();
    header.retain(|_, member| !member.is_null());
    let written = bend(&mut header).unwrap_or_else(|| Value::Object(header).to_string());
    let protected = base64url(written);
    let iv = vec![7; enc.iv_len()];
    let (ciphertext, tag) = enc.encrypt(&sent.key, &iv, protected.as_bytes(), plaintext).unwrap();
    let rest = [sent.encrypted_key, iv, ciphertext, tag].map(base64url).join(".");
    format!("{protected}.{rest}")
}

/// [`forged`] with one more member in the header.
fn with_member(key: &DecryptionKey, name: &str, member: Value) -> String {
    forged(key, ContentEnc::A256Gcm, CLAIMS, |header| {
        header.insert(name.to_owned(), member);
        None
    })
}
