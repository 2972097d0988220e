//! The keys by which a client is known, and how a token of its own is verified by them.

use super::{JoseError, JwkSet, Jws, SigningAlg};
use crate::types::ClientId;

/// What a client is registered with.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct RegisteredKeys<'a> {
    client_id: &'a ClientId,
    keys: &'a JwkSet,
    alg: Option<SigningAlg>,
}

impl<'a> RegisteredKeys<'a> {
    /// The client and its keys.
    pub const fn new(client_id: &'a ClientId, keys: &'a JwkSet) -> Self {
        Self { client_id, keys, alg: None }
    }

    /// The one algorithm that the client is registered with for tokens of this purpose
    /// (`token_endpoint_auth_signing_alg`, `request_object_signing_alg`), if there is one.
    pub const fn with_algorithm(mut self, alg: Option<SigningAlg>) -> Self {
        self.alg = alg;
        self
    }

    pub(super) const fn client_id(&self) -> &'a ClientId {
        self.client_id
    }

    /// The payload that one of the keys signed. `algs` are accepted where none is registered, and beyond them no
    /// registered one counts.
    pub(super) fn verify<'j>(&self, jws: &'j Jws, algs: &[SigningAlg]) -> Result<&'j [u8], JoseError> {
        let alg = jws.header().alg().ok_or(JoseError::Algorithm)?;
        if self.alg.is_some_and(|pinned| pinned != alg) {
            return Err(JoseError::Algorithm);
        }
        verify_by(self.keys, jws, algs)
    }
}

/// The payload that one of `keys` signed by one of `algs`.
pub(super) fn verify_by<'j>(keys: &JwkSet, jws: &'j Jws, algs: &[SigningAlg]) -> Result<&'j [u8], JoseError> {
    let alg = jws.header().alg().filter(|alg| algs.contains(alg)).ok_or(JoseError::Algorithm)?;
    let candidates = keys.candidates(jws.header().kid(), alg);
    jws.verify_any(candidates.filter_map(|key| key.verifier(alg)))
}
