//! Values that wait to be picked up.

use std::collections::hash_map::Entry;

use async_trait::async_trait;

use super::MemoryStore;
use super::space::Row;
use crate::clock::Timestamp;
use crate::error::{StoreError, StoreErrorKind};
use crate::secret::TokenHash;
use crate::store::{TicketRecord, TicketStore};

#[async_trait]
impl TicketStore for MemoryStore {
    async fn put(&self, key: TokenHash, ticket: TicketRecord, _now: Timestamp) -> Result<(), StoreError> {
        let mut space = self.space();
        let space = &mut *space;
        let Entry::Vacant(vacant) = space.tickets.entry(key) else {
            return Err(StoreErrorKind::Conflict.into());
        };
        space.ends.add(ticket.keep_until, Row::Ticket(key));
        vacant.insert(ticket);
        Ok(())
    }

    async fn get(&self, key: &TokenHash, now: Timestamp) -> Result<Option<TicketRecord>, StoreError> {
        let space = self.space();
        Ok(space.tickets.get(key).filter(|ticket| !ticket.open_until.has_passed(now)).cloned())
    }

    async fn take(&self, key: &TokenHash, now: Timestamp) -> Result<Option<TicketRecord>, StoreError> {
        Ok(self.space().tickets.remove(key).filter(|ticket| !ticket.keep_until.has_passed(now)))
    }
}
