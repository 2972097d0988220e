//! The signing keys.

use async_trait::async_trait;

use super::row::counted;
use super::{SqliteStore, statements};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::seal::Sealed;
use crate::store::{KeySetStore, KeySetVersion, Replacement, StoredKeySet};

#[async_trait]
impl KeySetStore for SqliteStore {
    async fn key_set(&self, _now: Timestamp) -> Result<Option<StoredKeySet>, StoreError> {
        let find = sqlx::query(statements::KEY_SET).bind(&*self.namespace);
        let Some(row) = self.connections.find(find).await? else { return Ok(None) };
        let version = KeySetVersion(row.count("version")?);
        Ok(Some(StoredKeySet { version, payload: row.payload()? }))
    }

    async fn replace_key_set(
        &self,
        payload: Sealed,
        seen: Option<KeySetVersion>,
        now: Timestamp,
    ) -> Result<Replacement, StoreError> {
        let (text, version) = match seen {
            None => (statements::INSERT_KEY_SET, KeySetVersion::FIRST),
            // A version that no column holds compares with NULL, and nothing is written.
            Some(seen) => (statements::REPLACE_KEY_SET, seen),
        };
        let write = sqlx::query(text)
            .bind(&*self.namespace)
            .bind(counted(version.0))
            .bind(&payload.secret().as_bytes()[..])
            .bind(payload.as_bytes());
        if self.connections.write(write).await? == 1 {
            return Ok(Replacement::Written);
        }
        let there = seen.is_none() || self.key_set(now).await?.is_some();
        Ok(if there { Replacement::Stale } else { Replacement::Absent })
    }
}
