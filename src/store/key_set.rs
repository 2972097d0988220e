//! The signing keys that all nodes share.

use std::fmt::Debug;

use async_trait::async_trait;

use super::Replacement;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::seal::Sealed;

/// Which writing of the key set this is: 1 at first, and one more each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "a store reads it back from a column")]
pub struct KeySetVersion(pub u64);

impl KeySetVersion {
    /// The version of a key set that was written once.
    pub const FIRST: Self = Self(1);

    /// The version that follows; `None` when there is none.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(next) => Some(Self(next)),
            None => None,
        }
    }
}

/// The key set as a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a store makes it of its columns")]
pub struct StoredKeySet {
    /// Its version, for the one who writes over it.
    pub version: KeySetVersion,
    /// The ring of signing keys, sealed.
    pub payload: Sealed,
}

/// The one set of signing keys of a provider, which all its nodes read.
///
/// It must be of the most durable kind: a key set that is lost takes every token with it that was signed by its keys.
#[async_trait]
pub trait KeySetStore: Debug + Send + Sync {
    /// The key set, if one was written.
    async fn key_set(&self, now: Timestamp) -> Result<Option<StoredKeySet>, StoreError>;

    /// Writes the key set, if it still has the version that was `seen`; `None` means that there was none. Of any number
    /// of concurrent calls that saw one version exactly one is `Written`.
    ///
    /// The first writing has [`KeySetVersion::FIRST`], each other the next version. `Absent` where a version was seen
    /// and there is no key set, `Stale` where another is there than was seen.
    async fn replace_key_set(
        &self,
        payload: Sealed,
        seen: Option<KeySetVersion>,
        now: Timestamp,
    ) -> Result<Replacement, StoreError>;
}

const _: fn(&dyn KeySetStore) = |_| ();
