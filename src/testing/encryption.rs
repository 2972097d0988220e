//! Keys to encrypt to, made once for all tests of a process, and what was encrypted to them.

use std::sync::{Arc, OnceLock};

use super::{Harness, HarnessBuilder};
use crate::jose::{
    AgreementCurve, Content, ContentEnc, DecryptionKey, DecryptionKeyState, DecryptionKeys,
    DecryptionRingKey, Encrypter, ExpectedEncryption, Jwe, JweHeader, KeyAlg,
};
use crate::provider::Encryption;

/// The keys of the clients of a test: one for RSA-OAEP-256, and for each way of key agreement one on P-256
/// and one on X25519, in this order. The keys are the same for every caller, the ring is not.
///
/// # Panics
/// When OpenSSL cannot make a key.
#[must_use]
pub fn client_decryption_keys() -> DecryptionKeys {
    static KEYS: OnceLock<Vec<Arc<DecryptionKey>>> = OnceLock::new();
    ring(KEYS.get_or_init(made))
}

/// The keys of the provider of a test, as [`client_decryption_keys`] has them.
///
/// # Panics
/// When OpenSSL cannot make a key.
#[must_use]
pub fn decryption_keys() -> DecryptionKeys {
    static KEYS: OnceLock<Vec<Arc<DecryptionKey>>> = OnceLock::new();
    ring(KEYS.get_or_init(made))
}

/// What is in a token that was encrypted to one of the [`client_decryption_keys`], and the header around it.
///
/// # Panics
/// When it was not.
#[must_use]
#[track_caller]
pub fn decrypted(token: &str) -> (JweHeader, String) {
    let jwe = Jwe::parse(token).expect("the token is a compact JWE");
    let expected = ExpectedEncryption::new(KeyAlg::ALL, ContentEnc::ALL);
    let decrypted = client_decryption_keys().decrypt(&jwe, &expected).expect("the client has the key");
    let content = String::from_utf8(decrypted.unverified_payload().to_vec());
    (jwe.header().clone(), content.expect("the content is text"))
}

impl HarnessBuilder {
    /// Turns encryption on, with the [`decryption_keys`] and all algorithms.
    ///
    /// # Panics
    /// When OpenSSL cannot make a key.
    pub fn encryption(self) -> Self {
        let encryption = Encryption::new().with_decryption_keys(decryption_keys()).with_128_bits();
        self.provider(|builder| builder.with_encryption(encryption))
    }
}

impl Harness {
    /// Encrypts a signed token to the provider, by the first of the [`decryption_keys`] that is for `alg`.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    #[track_caller]
    pub fn encrypted(&self, token: &str, alg: KeyAlg, enc: ContentEnc) -> String {
        let keys = decryption_keys().public_keys();
        let encrypter = keys.iter().find_map(|key| Encrypter::new(key, alg, enc).ok());
        let encrypter = encrypter.expect("there is a key for this algorithm");
        encrypter.encrypt(Content::Jws(token), self.entropy()).expect("OpenSSL encrypts")
    }
}

fn made() -> Vec<Arc<DecryptionKey>> {
    let mut keys = vec![DecryptionKey::generate(KeyAlg::RsaOaep256)];
    for alg in [KeyAlg::EcdhEs, KeyAlg::EcdhEsA256Kw, KeyAlg::EcdhEsA128Kw] {
        for curve in [AgreementCurve::P256, AgreementCurve::X25519] {
            keys.push(DecryptionKey::generate_on(curve, alg));
        }
    }
    keys.into_iter().map(|key| Arc::new(key.expect("OpenSSL makes a key"))).collect()
}

fn ring(keys: &[Arc<DecryptionKey>]) -> DecryptionKeys {
    let published =
        |key: &Arc<DecryptionKey>| DecryptionRingKey::new(Arc::clone(key), DecryptionKeyState::Published);
    DecryptionKeys::new(keys.iter().map(published).collect()).expect("different keys make a ring")
}
