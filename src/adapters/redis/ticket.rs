//! Values that wait to be picked up.

use async_trait::async_trait;

use super::row::{Row, unknown};
use super::script::{Call, INSERT, TAKE};
use super::{RedisStore, moment};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::secret::TokenHash;
use crate::store::{TicketRecord, TicketStore};

/// The fields of a ticket, in the order in which they are read.
const FIELDS: [&str; 4] = ["until", "open_until", "secret", "payload"];

#[async_trait]
impl TicketStore for RedisStore {
    async fn put(&self, key: TokenHash, ticket: TicketRecord, now: Timestamp) -> Result<(), StoreError> {
        let put = Call::new(&INSERT)
            .key(self.keys.ticket(&key))
            .arg(moment::expiry(ticket.keep_until, now))
            .field("open_until", moment::written(ticket.open_until))
            .field("until", moment::written(ticket.keep_until))
            .field("secret", ticket.payload.secret().as_bytes())
            .field("payload", ticket.payload.as_bytes());
        self.insert(put).await
    }

    async fn get(&self, key: &TokenHash, now: Timestamp) -> Result<Option<TicketRecord>, StoreError> {
        let row = self.connection.fields(&self.keys.ticket(key), &FIELDS).await?;
        Ok(ticket(row)?.filter(|ticket| !ticket.open_until.has_passed(now)))
    }

    async fn take(&self, key: &TokenHash, now: Timestamp) -> Result<Option<TicketRecord>, StoreError> {
        let take = Call::new(&TAKE).key(self.keys.ticket(key)).arg(moment::written(now));
        let (outcome, row) = self.run(take).await?;
        match outcome.as_str() {
            "taken" => ticket(row),
            "absent" => Ok(None),
            other => Err(unknown(other)),
        }
    }
}

fn ticket(mut row: Row) -> Result<Option<TicketRecord>, StoreError> {
    let Some(keep_until) = row.maybe_time()? else { return Ok(None) };
    let (open_until, payload) = (row.time()?, row.payload()?);
    Ok(Some(TicketRecord { open_until, keep_until, payload }))
}
