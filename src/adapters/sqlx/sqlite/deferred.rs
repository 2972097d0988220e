//! Requests that wait for their person.

use std::time::Duration;

use async_trait::async_trait;

use super::row::{Row, counted};
use super::{SqliteStore, statements};
use crate::adapters::sqlx::failure::corrupt;
use crate::clock::Timestamp;
use crate::error::{StoreError, StoreErrorKind};
use crate::secret::TokenHash;
use crate::store::{
    Decision, Deferral, DeferredRecord, DeferredStore, MAX_INTERVAL, Polled, SLOW_DOWN, SubjectKey,
    WaitingLimit,
};
use crate::types::ClientId;

/// What the column `state` holds.
const OPEN: i64 = 0;
const APPROVED: i64 = 1;
const DENIED: i64 = 2;

#[async_trait]
impl DeferredStore for SqliteStore {
    async fn insert_deferred(
        &self,
        record: DeferredRecord,
        limit: WaitingLimit,
        now: Timestamp,
    ) -> Result<Deferral, StoreError> {
        let insert = sqlx::query(statements::INSERT_DEFERRED)
            .bind(&*self.namespace)
            .bind(&record.key.as_bytes()[..])
            .bind(record.user_code.as_ref().map(|code| &code.as_bytes()[..]))
            .bind(record.client.as_str())
            .bind(record.subject.as_ref().map(|subject| &subject.as_bytes()[..]))
            .bind(seconds(record.interval)?)
            .bind(record.expires_at.unix())
            .bind(record.retain_until.unix())
            .bind(&record.payload.secret().as_bytes()[..])
            .bind(record.payload.as_bytes())
            .bind(now.unix())
            .bind(i64::from(limit.of_client))
            .bind(i64::from(limit.of_all));
        if self.connections.write(insert).await? == 1 {
            return Ok(Deferral::Waiting);
        }
        Ok(Deferral::Crowded)
    }

    async fn deferred(&self, key: &TokenHash, now: Timestamp) -> Result<Option<DeferredRecord>, StoreError> {
        self.waiting(statements::DEFERRED, key, now).await
    }

    async fn by_user_code(
        &self,
        user_code: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<DeferredRecord>, StoreError> {
        self.waiting(statements::BY_USER_CODE, user_code, now).await
    }

    async fn decide(&self, key: &TokenHash, decision: Decision, now: Timestamp) -> Result<bool, StoreError> {
        let (state, grant, retain_until, payload) = match &decision {
            Decision::Approved { grant, retain_until, payload } => {
                (APPROVED, Some(grant), Some(retain_until), Some(payload))
            }
            Decision::Denied => (DENIED, None, None, None),
        };
        let decide = sqlx::query(statements::DECIDE)
            .bind(&*self.namespace)
            .bind(&key.as_bytes()[..])
            .bind(now.unix())
            .bind(state)
            .bind(grant.map(|grant| &grant.as_bytes()[..]))
            .bind(payload.as_ref().map(|payload| payload.secret().as_bytes().to_vec()))
            .bind(payload.map(|payload| payload.as_bytes()))
            .bind(retain_until.map(|end| end.unix()));
        Ok(self.connections.write(decide).await? == 1)
    }

    async fn poll(&self, key: &TokenHash, client: &ClientId, now: Timestamp) -> Result<Polled, StoreError> {
        let poll = sqlx::query(statements::POLL)
            .bind(&*self.namespace)
            .bind(&key.as_bytes()[..])
            .bind(client.as_str())
            .bind(now.unix())
            .bind(seconds(SLOW_DOWN)?)
            .bind(seconds(MAX_INTERVAL)?);
        if let Some(row) = self.connections.write_returning(poll).await? {
            return answer(&row);
        }
        let look = sqlx::query(statements::UNPOLLED)
            .bind(&*self.namespace)
            .bind(&key.as_bytes()[..])
            .bind(now.unix());
        match self.connections.find(look).await? {
            None => Ok(Polled::Absent),
            Some(row) => refusal(&row, client, now),
        }
    }
}

impl SqliteStore {
    async fn waiting(
        &self,
        text: &'static str,
        key: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<DeferredRecord>, StoreError> {
        let look = sqlx::query(text).bind(&*self.namespace).bind(&key.as_bytes()[..]).bind(now.unix());
        self.connections.find(look).await?.as_ref().map(record).transpose()
    }
}

fn seconds(interval: Duration) -> Result<i64, StoreError> {
    counted(interval.as_secs()).ok_or_else(|| StoreErrorKind::Corrupt.into())
}

fn record(row: &Row) -> Result<DeferredRecord, StoreError> {
    Ok(DeferredRecord {
        key: row.hash("id")?,
        user_code: row.maybe_bytes("user_code")?.map(TokenHash::from_bytes),
        client: row.client()?,
        subject: row.maybe_bytes("subject")?.map(SubjectKey::from_bytes),
        interval: Duration::from_secs(row.count("pace")?),
        expires_at: row.time("expires_at")?,
        retain_until: row.time("retain_until")?,
        payload: row.payload()?,
    })
}

/// What the row of a poll that was taken note of says.
fn answer(row: &Row) -> Result<Polled, StoreError> {
    match (row.integer("state")?, row.integer("hurried")?) {
        (APPROVED, _) => Ok(Polled::Approved { grant: row.grant_id("grant_id")?, record: record(row)? }),
        (OPEN, 0) => Ok(Polled::Pending),
        (OPEN, _) => Ok(Polled::SlowDown),
        _ => Err(corrupt("a row of another state was polled")),
    }
}

/// Why the request in this row was not polled.
fn refusal(row: &Row, client: &ClientId, now: Timestamp) -> Result<Polled, StoreError> {
    if row.client()? != *client {
        return Ok(Polled::Foreign);
    }
    if row.maybe_time("used_at")?.is_some() {
        return Ok(Polled::Replayed { grant: row.grant_id("grant_id")? });
    }
    if row.integer("state")? == DENIED {
        return Ok(Polled::Denied);
    }
    if row.time("expires_at")?.has_passed(now) {
        return Ok(Polled::Expired);
    }
    // It was inserted after it was looked for.
    Ok(Polled::Absent)
}
