//! A key and an algorithm, ready to verify.

use std::fmt;
use std::sync::Arc;

use super::engine::{EngineError, EngineVerifier};
use super::{JoseError, Jwk, SigningAlg};

/// One public key for one algorithm, parsed. Cheap to clone.
#[derive(Clone)]
pub struct Verifier {
    alg: SigningAlg,
    engine: Arc<EngineVerifier>,
}

impl Verifier {
    /// The verifier of `key` for `alg`. The key keeps what was built, so that asking again costs nothing.
    ///
    /// # Errors
    /// [`JoseError::NoKey`] when the key is not for this algorithm.
    pub fn new(key: &Jwk, alg: SigningAlg) -> Result<Self, JoseError> {
        key.verifier(alg).ok_or(JoseError::NoKey)
    }

    pub(super) const fn from_engine(alg: SigningAlg, engine: Arc<EngineVerifier>) -> Self {
        Self { alg, engine }
    }

    /// The algorithm: the only one that a token may name.
    #[must_use]
    pub const fn algorithm(&self) -> SigningAlg {
        self.alg
    }

    /// Checks that `signature` is this key's over `message`.
    ///
    /// # Errors
    /// [`JoseError::Signature`] when it is not, [`JoseError::Panicked`] when the library failed.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), JoseError> {
        self.engine.verify(message, signature).map_err(|error| match error {
            EngineError::Panicked => JoseError::Panicked,
            EngineError::Refused => JoseError::Signature,
        })
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({})", self.alg)
    }
}

#[cfg(test)]
impl Verifier {
    /// Whether both hold one parsed key.
    pub(super) fn shares_key_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.engine, &other.engine)
    }
}
