//! Clients that registered themselves.

use std::collections::btree_map::Entry;
use std::ops::Bound;

use async_trait::async_trait;

use super::MemoryStore;
use crate::clock::Timestamp;
use crate::error::{StoreError, StoreErrorKind};
use crate::store::{ClientRecord, ClientRegistry, ClientVersion, Listing, Page, Replacement, StoredClient};
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

    async fn registered_clients(
        &self,
        page: &Page,
        _now: Timestamp,
    ) -> Result<Listing<StoredClient>, StoreError> {
        let after = page.after.as_deref().map(ClientId::new).transpose();
        let after = after.map_err(|error| StoreError::new(StoreErrorKind::Corrupt, error))?;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let (space, size) = (self.space(), usize::from(page.size()));
        let clients = space.registry.range((from, Bound::Unbounded)).map(|(_, client)| client);
        let mut items: Vec<StoredClient> = clients.take(size + 1).cloned().collect();
        let more = items.len() > size;
        items.truncate(size);
        let next = items.last().filter(|_| more).map(|client| client.record.id.to_string());
        Ok(Listing { items, next })
    }
}
