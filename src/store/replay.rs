//! Values that may be seen once.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::secret::TokenHash;

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
