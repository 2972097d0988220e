//! Authorization codes.

use async_trait::async_trait;

use super::connections::Seen;
use super::dialect::{Dialect, Engine};
use super::row::Row;
use super::store::SqlStore;
use super::value::values;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::secret::TokenHash;
use crate::store::{CodeRecord, CodeStore, Consumed};
use crate::types::ClientId;

#[async_trait]
impl<E: Engine> CodeStore for SqlStore<E> {
    async fn insert_code(&self, key: TokenHash, code: CodeRecord, _now: Timestamp) -> Result<(), StoreError> {
        let secret = code.payload.secret();
        let values = values![
            self.tenant(),
            &key,
            &code.grant,
            &code.client,
            code.expires_at,
            code.retain_until,
            &secret,
            code.payload.as_bytes(),
        ];
        self.connections.write(&E::statements().insert_code, &values).await.map(drop)
    }

    async fn consume_code(
        &self,
        key: &TokenHash,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<Consumed, StoreError> {
        let values = values![self.tenant(), key, client, now];
        match self.connections.guarded(&E::statements().consume_code, &values).await? {
            Seen::Absent => Ok(Consumed::Absent),
            Seen::Left(row) => refusal(&row, client, now),
            Seen::Written(row) => Ok(Consumed::Fresh(record(&row)?)),
        }
    }
}

fn record<E: Dialect>(row: &Row<E>) -> Result<CodeRecord, StoreError> {
    Ok(CodeRecord {
        grant: row.grant_id("grant_id")?,
        client: row.client()?,
        expires_at: row.time("expires_at")?,
        retain_until: row.time("retain_until")?,
        payload: row.payload()?,
    })
}

/// Why the code in this row was not consumed.
fn refusal<E: Dialect>(row: &Row<E>, client: &ClientId, now: Timestamp) -> Result<Consumed, StoreError> {
    if row.client()? != *client {
        return Ok(Consumed::Foreign);
    }
    if row.maybe_time("used_at")?.is_some() {
        return Ok(Consumed::Replayed { grant: row.grant_id("grant_id")? });
    }
    if row.time("expires_at")?.has_passed(now) {
        return Ok(Consumed::Expired);
    }
    // It was inserted after it was looked for.
    Ok(Consumed::Absent)
}
