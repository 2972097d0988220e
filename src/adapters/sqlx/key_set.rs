//! The signing keys.

use async_trait::async_trait;

use super::connections::Seen;
use super::dialect::Engine;
use super::store::SqlStore;
use super::value::{counted, values};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::seal::Sealed;
use crate::store::{KeySetStore, KeySetVersion, Replacement, StoredKeySet};

#[async_trait]
impl<E: Engine> KeySetStore for SqlStore<E> {
    async fn key_set(&self, _now: Timestamp) -> Result<Option<StoredKeySet>, StoreError> {
        let values = [self.tenant()];
        let Some(row) = self.connections.find(&E::statements().key_set, &values).await? else {
            return Ok(None);
        };
        let version = KeySetVersion(row.count("version")?);
        Ok(Some(StoredKeySet { version, payload: row.payload()? }))
    }

    async fn replace_key_set(
        &self,
        payload: Sealed,
        seen: Option<KeySetVersion>,
        _now: Timestamp,
    ) -> Result<Replacement, StoreError> {
        let statements = E::statements();
        let secret = payload.secret();
        // A version that no column holds compares with NULL, and nothing is written.
        let version = counted(seen.unwrap_or(KeySetVersion::FIRST).0);
        let values = values![self.tenant(), version, &secret, payload.as_bytes()];
        if seen.is_none() {
            let inserted = self.connections.insert(&statements.insert_key_set, &values).await?;
            return Ok(if inserted { Replacement::Written } else { Replacement::Stale });
        }
        match self.connections.guarded(&statements.replace_key_set, &values).await? {
            Seen::Absent => Ok(Replacement::Absent),
            Seen::Left(_) => Ok(Replacement::Stale),
            Seen::Written(_) => Ok(Replacement::Written),
        }
    }
}
