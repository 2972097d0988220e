//! Clients that registered themselves.

use std::collections::hash_map::Entry;

use async_trait::async_trait;

use super::MemoryStore;
use crate::clock::Timestamp;
use crate::error::{StoreError, StoreErrorKind};
use crate::store::{ClientRecord, ClientRegistry, ClientVersion, Replacement, StoredClient};
use crate::types::ClientId;

#[async_trait]
impl ClientRegistry for MemoryStore {
    async fn register(&self, client: ClientRecord, _now: Timestamp) -> Result<(), StoreError> {
        let mut space = self.space();
        let Entry::Vacant(vacant) = space.registry.entry(client.id.clone()) else {
            return Err(StoreErrorKind::Conflict.into());
        };
        vacant.insert(StoredClient { record: client, version: ClientVersion::FIRST });
        Ok(())
    }

    async fn registered(&self, id: &ClientId, _now: Timestamp) -> Result<Option<StoredClient>, StoreError> {
        Ok(self.space().registry.get(id).cloned())
    }

    async fn replace_registered(
        &self,
        client: ClientRecord,
        seen: ClientVersion,
        _now: Timestamp,
    ) -> Result<Replacement, StoreError> {
        let mut space = self.space();
        let Some(stored) = space.registry.get_mut(&client.id) else { return Ok(Replacement::Absent) };
        if stored.version != seen {
            return Ok(Replacement::Stale);
        }
        let version = seen.next().ok_or(StoreErrorKind::Corrupt)?;
        *stored = StoredClient { record: client, version };
        Ok(Replacement::Written)
    }

    async fn unregister(&self, id: &ClientId, _now: Timestamp) -> Result<bool, StoreError> {
        Ok(self.space().registry.remove(id).is_some())
    }
}
