//! Authorization codes.

use async_trait::async_trait;

use super::row::Row;
use super::{SqliteStore, statements};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::secret::TokenHash;
use crate::store::{CodeRecord, CodeStore, Consumed};
use crate::types::ClientId;

#[async_trait]
impl CodeStore for SqliteStore {
    async fn insert_code(&self, key: TokenHash, code: CodeRecord, _now: Timestamp) -> Result<(), StoreError> {
        let insert = sqlx::query(statements::INSERT_CODE)
            .bind(&*self.namespace)
            .bind(&key.as_bytes()[..])
            .bind(&code.grant.as_bytes()[..])
            .bind(code.client.as_str())
            .bind(code.expires_at.unix())
            .bind(code.retain_until.unix())
            .bind(&code.payload.secret().as_bytes()[..])
            .bind(code.payload.as_bytes());
        self.connections.write(insert).await.map(drop)
    }

    async fn consume_code(
        &self,
        key: &TokenHash,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<Consumed, StoreError> {
        let consume = sqlx::query(statements::CONSUME_CODE)
            .bind(&*self.namespace)
            .bind(&key.as_bytes()[..])
            .bind(client.as_str())
            .bind(now.unix());
        if let Some(row) = self.connections.write_returning(consume).await? {
            return Ok(Consumed::Fresh(record(&row)?));
        }
        let look =
            sqlx::query(statements::CODE).bind(&*self.namespace).bind(&key.as_bytes()[..]).bind(now.unix());
        match self.connections.find(look).await? {
            None => Ok(Consumed::Absent),
            Some(row) => refusal(&row, client, now),
        }
    }
}

fn record(row: &Row) -> Result<CodeRecord, StoreError> {
    Ok(CodeRecord {
        grant: row.grant_id("grant_id")?,
        client: row.client()?,
        expires_at: row.time("expires_at")?,
        retain_until: row.time("retain_until")?,
        payload: row.payload()?,
    })
}

/// Why the code in this row was not consumed.
fn refusal(row: &Row, client: &ClientId, now: Timestamp) -> Result<Consumed, StoreError> {
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
