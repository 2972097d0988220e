//! Values that wait to be picked up.

use async_trait::async_trait;

use super::connections::Seen;
use super::dialect::{Dialect, Engine};
use super::row::Row;
use super::store::SqlStore;
use super::value::values;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::secret::TokenHash;
use crate::store::{TicketRecord, TicketStore};

#[async_trait]
impl<E: Engine> TicketStore for SqlStore<E> {
    async fn put(&self, key: TokenHash, ticket: TicketRecord, _now: Timestamp) -> Result<(), StoreError> {
        let secret = ticket.payload.secret();
        let values = values![
            self.tenant(),
            &key,
            ticket.open_until,
            ticket.keep_until,
            &secret,
            ticket.payload.as_bytes(),
        ];
        self.connections.write(&E::statements().put, &values).await.map(drop)
    }

    async fn get(&self, key: &TokenHash, now: Timestamp) -> Result<Option<TicketRecord>, StoreError> {
        let values = values![self.tenant(), key, now];
        self.connections.find(&E::statements().get, &values).await?.as_ref().map(ticket).transpose()
    }

    async fn take(&self, key: &TokenHash, now: Timestamp) -> Result<Option<TicketRecord>, StoreError> {
        let values = values![self.tenant(), key, now];
        match self.connections.guarded(&E::statements().take, &values).await? {
            Seen::Written(row) => ticket(&row).map(Some),
            Seen::Absent | Seen::Left(_) => Ok(None),
        }
    }
}

fn ticket<E: Dialect>(row: &Row<E>) -> Result<TicketRecord, StoreError> {
    Ok(TicketRecord {
        open_until: row.time("open_until")?,
        keep_until: row.time("keep_until")?,
        payload: row.payload()?,
    })
}
