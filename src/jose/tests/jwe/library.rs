//! Beside the library's own encrypting and decrypting of sound messages.

use josekit::jwe::enc::{A128CBC_HS256, A128GCM, A256CBC_HS512, A256GCM};
use josekit::jwe::{
    ECDH_ES, ECDH_ES_A128KW, ECDH_ES_A256KW, JweDecrypter, JweEncrypter, JweHeader, RSA_OAEP_256,
    deserialize_compact, serialize_compact,
};
use josekit::jwk::Jwk as LibraryJwk;
use proptest::prelude::*;

use super::super::super::{Content, ContentEnc, DecryptionKey, KeyAlg};
use super::{encrypter, keys, verdict};
use crate::entropy::OsEntropy;

fn their_key(jwk: &str) -> LibraryJwk {
    LibraryJwk::from_bytes(jwk).unwrap()
}

fn their_encrypter(key: &DecryptionKey) -> Box<dyn JweEncrypter> {
    let mut jwk = their_key(&key.public_key().to_value().to_string());
    jwk.set_key_operations(vec!["deriveKey", "encrypt"]);
    match key.algorithm() {
        KeyAlg::EcdhEs => Box::new(ECDH_ES.encrypter_from_jwk(&jwk).unwrap()),
        KeyAlg::EcdhEsA128Kw => Box::new(ECDH_ES_A128KW.encrypter_from_jwk(&jwk).unwrap()),
        KeyAlg::EcdhEsA256Kw => Box::new(ECDH_ES_A256KW.encrypter_from_jwk(&jwk).unwrap()),
        KeyAlg::RsaOaep256 => Box::new(RSA_OAEP_256.encrypter_from_jwk(&jwk).unwrap()),
    }
}

fn their_decrypter(key: &DecryptionKey) -> Box<dyn JweDecrypter> {
    let jwk = their_key(key.export().expose());
    match key.algorithm() {
        KeyAlg::EcdhEs => Box::new(ECDH_ES.decrypter_from_jwk(&jwk).unwrap()),
        KeyAlg::EcdhEsA128Kw => Box::new(ECDH_ES_A128KW.decrypter_from_jwk(&jwk).unwrap()),
        KeyAlg::EcdhEsA256Kw => Box::new(ECDH_ES_A256KW.decrypter_from_jwk(&jwk).unwrap()),
        KeyAlg::RsaOaep256 => Box::new(RSA_OAEP_256.decrypter_from_jwk(&jwk).unwrap()),
    }
}

/// Texts around the borders of blocks, and longer ones.
fn texts() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![prop::collection::vec(any::<u8>(), 0..50), prop::collection::vec(any::<u8>(), 50..2000)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_library_reads_what_is_encrypted_here(text in texts()) {
        for key in keys() {
            let theirs = their_decrypter(&key);
            for enc in ContentEnc::ALL {
                let token = encrypter(&key, *enc).encrypt(Content::Claims(&text), &OsEntropy).unwrap();
                let (read, _) = deserialize_compact(&token, &*theirs).unwrap();
                prop_assert_eq!(&read, &text);
                prop_assert_eq!(verdict(&token, &key), Ok(text.clone()));
            }
        }
    }

    #[test]
    fn what_the_library_encrypts_is_read_here(text in texts()) {
        for key in keys() {
            let theirs = their_encrypter(&key);
            for enc in ContentEnc::ALL {
                let mut header = JweHeader::new();
                header.set_content_encryption(enc.as_str());
                let token = serialize_compact(&text, &header, &*theirs).unwrap();
                prop_assert_eq!(verdict(&token, &key), Ok(text.clone()));
            }
        }
    }

    /// The content encryptions alone, under any key and vector.
    #[test]
    fn contents_are_encrypted_alike(key in any::<[u8; 64]>(), iv in any::<[u8; 16]>(), aad in texts(), text in texts()) {
        use josekit::jwe::JweContentEncryption as _;
        for enc in ContentEnc::ALL {
            let (key, iv) = (&key[..enc.key_len()], &iv[..enc.iv_len()]);
            let theirs = match enc {
                ContentEnc::A128CbcHs256 => A128CBC_HS256.encrypt(key, Some(iv), &text, &aad),
                ContentEnc::A128Gcm => A128GCM.encrypt(key, Some(iv), &text, &aad),
                ContentEnc::A256CbcHs512 => A256CBC_HS512.encrypt(key, Some(iv), &text, &aad),
                ContentEnc::A256Gcm => A256GCM.encrypt(key, Some(iv), &text, &aad),
            };
            let (ciphertext, tag) = theirs.unwrap();
            let ours = enc.encrypt(key, iv, &aad, &text);
            prop_assert_eq!(ours, Ok((ciphertext, tag.unwrap())));
        }
    }
}
