//! Values that wait to be picked up.

use async_trait::async_trait;

use super::row::Row;
use super::{SqliteStore, statements};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::secret::TokenHash;
use crate::store::{TicketRecord, TicketStore};

#[async_trait]
impl TicketStore for SqliteStore {
    async fn put(&self, key: TokenHash, ticket: TicketRecord, _now: Timestamp) -> Result<(), StoreError> {
        let put = sqlx::query(statements::PUT)
            .bind(&*self.namespace)
            .bind(&key.as_bytes()[..])
            .bind(ticket.open_until.unix())
            .bind(ticket.keep_until.unix())
            .bind(&ticket.payload.secret().as_bytes()[..])
            .bind(ticket.payload.as_bytes());
        self.connections.write(put).await.map(drop)
    }

    async fn get(&self, key: &TokenHash, now: Timestamp) -> Result<Option<TicketRecord>, StoreError> {
        let get =
            sqlx::query(statements::GET).bind(&*self.namespace).bind(&key.as_bytes()[..]).bind(now.unix());
        self.connections.find(get).await?.as_ref().map(ticket).transpose()
    }

    async fn take(&self, key: &TokenHash, now: Timestamp) -> Result<Option<TicketRecord>, StoreError> {
        let take =
            sqlx::query(statements::TAKE).bind(&*self.namespace).bind(&key.as_bytes()[..]).bind(now.unix());
        self.connections.write_returning(take).await?.as_ref().map(ticket).transpose()
    }
}

fn ticket(row: &Row) -> Result<TicketRecord, StoreError> {
    Ok(TicketRecord {
        open_until: row.time("open_until")?,
        keep_until: row.time("keep_until")?,
        payload: row.payload()?,
    })
}
