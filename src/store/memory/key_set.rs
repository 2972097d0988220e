//! The signing keys.

use async_trait::async_trait;

use super::MemoryStore;
use crate::clock::Timestamp;
use crate::error::{StoreError, StoreErrorKind};
use crate::seal::Sealed;
use crate::store::{KeySetStore, KeySetVersion, Replacement, StoredKeySet};

#[async_trait]
impl KeySetStore for MemoryStore {
    async fn key_set(&self, _now: Timestamp) -> Result<Option<StoredKeySet>, StoreError> {
        Ok(self.space().key_set.clone())
    }

    async fn replace_key_set(
        &self,
        payload: Sealed,
        seen: Option<KeySetVersion>,
        _now: Timestamp,
    ) -> Result<Replacement, StoreError> {
        let mut space = self.space();
        let version = match (space.key_set.as_ref().map(|stored| stored.version), seen) {
            (None, None) => KeySetVersion::FIRST,
            (None, Some(_)) => return Ok(Replacement::Absent),
            (Some(stored), Some(seen)) if stored == seen => seen.next().ok_or(StoreErrorKind::Corrupt)?,
            (Some(_), _) => return Ok(Replacement::Stale),
        };
        space.key_set = Some(StoredKeySet { version, payload });
        Ok(Replacement::Written)
    }
}
