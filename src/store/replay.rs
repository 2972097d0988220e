//! Values that may be seen once.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::proof::dpop::SoundProof;
use crate::secret::TokenHash;

/// Where used `jti` values of DPoP proofs are kept.
const PROOF_SPACE: &str = "dpop proof";

/// Remembers that a value was used: the `jti` of a client assertion, a `code_challenge`.
#[async_trait]
pub trait ReplayStore: Debug + Send + Sync {
    /// Whether this is the first use of `id` in `space`; a first use is remembered until `until`, and from then on
    /// the next is a first again. Where `until` has passed already, nothing is remembered.
    ///
    /// Of any number of concurrent calls exactly one gets `true`. An entry must not be dropped before `until`: a
    /// store that cannot promise that must answer `Unavailable`.
    async fn first_use(
        &self,
        space: &'static str,
        id: &TokenHash,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
}

const _: fn(&dyn ReplayStore) = |_| ();

/// Whether this is the first use of a DPoP proof: of any number of requests with one proof, one goes on (RFC 9449 section
/// 11.1).
pub(crate) async fn use_proof(
    replays: &dyn ReplayStore,
    proof: &SoundProof,
    now: Timestamp,
) -> Result<bool, StoreError> {
    replays.first_use(PROOF_SPACE, &proof.id, proof.remember_until, now).await
}
