//! Our own keys with what is expected of the tokens that come to them.

use std::sync::Arc;

use super::{DecryptionKeyState, DecryptionKeys, ExpectedEncryption, Jwe};
use crate::jose::{ContentEnc, JoseError, Jwk, Jws, KeyAlg};

/// Our own keys and the algorithms that are accepted with them: takes signed tokens out of encrypted ones.
/// Cheap to clone; what changes in the keys changes here.
#[derive(Clone, Debug)]
pub struct Decrypter {
    keys: DecryptionKeys,
    algs: Arc<[KeyAlg]>,
    encs: Arc<[ContentEnc]>,
}

impl Decrypter {
    /// Accepts any of `algs` with any of `encs`. Keys of other algorithms are neither shown nor used.
    #[must_use]
    pub fn new(keys: DecryptionKeys, algs: &[KeyAlg], encs: &[ContentEnc]) -> Self {
        Self { keys, algs: algs.into(), encs: encs.into() }
    }

    /// The accepted algorithms that there is a published key for, each once.
    #[must_use]
    pub fn algorithms(&self) -> Vec<KeyAlg> {
        self.keys.algorithms().into_iter().filter(|alg| self.algs.contains(alg)).collect()
    }

    /// The accepted content encryptions.
    #[must_use]
    pub fn content_encryptions(&self) -> &[ContentEnc] {
        &self.encs
    }

    /// The public halves of the published keys that are for an accepted algorithm, each with `kid`, `use` of
    /// `enc` and `alg`.
    #[must_use]
    pub fn public_keys(&self) -> Vec<Jwk> {
        let keys = self.keys.keys();
        let published = keys.iter().filter(|key| key.state() == DecryptionKeyState::Published);
        let accepted = published.filter(|key| self.algs.contains(&key.key().algorithm()));
        accepted.map(|key| key.key().public_key().clone()).collect()
    }

    /// A number that grows with every change of the keys.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.keys.version()
    }

    /// The signed token inside of `token`, still to be verified. Where its sender is registered with a pair
    /// of algorithms, no other pair is accepted.
    ///
    /// # Errors
    /// [`JoseError`]. Who sent the token must not be told which, but for [`JoseError::Panicked`] in an alarm
    /// of our own.
    pub fn open(&self, token: &str, registered: Option<(KeyAlg, ContentEnc)>) -> Result<Jws, JoseError> {
        let jwe = Jwe::parse(token)?;
        let decrypted = match registered {
            None => self.keys.decrypt(&jwe, &ExpectedEncryption::new(&self.algs, &self.encs))?,
            Some((alg, enc)) if self.algs.contains(&alg) && self.encs.contains(&enc) => {
                self.keys.decrypt(&jwe, &ExpectedEncryption::new(&[alg], &[enc]))?
            }
            Some(_) => return Err(JoseError::Algorithm),
        };
        decrypted.jws()
    }
}
