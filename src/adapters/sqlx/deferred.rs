//! Requests that wait for their person.

use std::time::Duration;

use async_trait::async_trait;

use super::connections::Seen;
use super::dialect::{Dialect, Engine};
use super::failure::{Failure, corrupt, tried};
use super::row::Row;
use super::statements::Text;
use super::store::SqlStore;
use super::value::{Value, counted, values};
use crate::clock::Timestamp;
use crate::error::{StoreError, StoreErrorKind};
use crate::seal::Sealed;
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
impl<E: Engine> DeferredStore for SqlStore<E> {
    async fn insert_deferred(
        &self,
        record: DeferredRecord,
        limit: WaitingLimit,
        now: Timestamp,
    ) -> Result<Deferral, StoreError> {
        let statements = E::statements();
        let secret = record.payload.secret();
        let values = values![
            self.tenant(),
            &record.key,
            record.user_code.as_ref(),
            &record.client,
            record.subject.as_ref(),
            seconds(record.interval)?,
            record.expires_at,
            record.retain_until,
            &secret,
            record.payload.as_bytes(),
            now,
            limit.of_client,
            limit.of_all,
        ];
        let rows = match &statements.lock_subject {
            Some(lock) if record.subject.is_some() => tried!(self.insert_locked(lock, &values))?,
            _ => self.connections.write(&statements.insert_deferred, &values).await?,
        };
        Ok(if rows == 1 { Deferral::Waiting } else { Deferral::Crowded })
    }

    async fn deferred(&self, key: &TokenHash, now: Timestamp) -> Result<Option<DeferredRecord>, StoreError> {
        self.waiting(&E::statements().deferred, key, now).await
    }

    async fn by_user_code(
        &self,
        user_code: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<DeferredRecord>, StoreError> {
        self.waiting(&E::statements().by_user_code, user_code, now).await
    }

    async fn decide(&self, key: &TokenHash, decision: Decision, now: Timestamp) -> Result<bool, StoreError> {
        let (state, grant, retain_until, payload) = match &decision {
            Decision::Approved { grant, retain_until, payload } => {
                (APPROVED, Some(grant), Some(retain_until), Some(payload))
            }
            Decision::Denied => (DENIED, None, None, None),
        };
        let secret = payload.map(Sealed::secret);
        let values = values![
            self.tenant(),
            key,
            now,
            state,
            grant,
            secret.as_ref(),
            payload.map(Sealed::as_bytes),
            retain_until.copied(),
        ];
        Ok(self.connections.write(&E::statements().decide, &values).await? == 1)
    }

    async fn poll(&self, key: &TokenHash, client: &ClientId, now: Timestamp) -> Result<Polled, StoreError> {
        let values = values![self.tenant(), key, client, now, seconds(SLOW_DOWN)?, seconds(MAX_INTERVAL)?];
        match self.connections.guarded(&E::statements().poll, &values).await? {
            Seen::Absent => Ok(Polled::Absent),
            Seen::Left(row) => refusal(&row, client, now),
            Seen::Written(row) => answer(&row),
        }
    }
}

impl<E: Engine> SqlStore<E> {
    /// Counts and inserts in a second statement, which begins once the row of the subject is locked.
    ///
    /// Counting in one statement would not do under READ COMMITTED: what a statement counts is what was committed when
    /// it began, and two that begin together count the same.
    async fn insert_locked(&self, lock: &'static Text, values: &[Value<'_>]) -> Result<u64, Failure> {
        let mut lent = self.connections.lend().await?;
        let mut writing = lent.begin().await?;
        writing.write(lock, values).await?;
        let rows = writing.write(&E::statements().insert_deferred, values).await?;
        writing.commit().await?;
        self.connections.take_back(lent);
        Ok(rows)
    }

    async fn waiting(
        &self,
        text: &'static Text,
        key: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<DeferredRecord>, StoreError> {
        let values = values![self.tenant(), key, now];
        self.connections.find(text, &values).await?.as_ref().map(record).transpose()
    }
}

fn seconds(interval: Duration) -> Result<i64, StoreError> {
    counted(interval.as_secs()).ok_or_else(|| StoreErrorKind::Corrupt.into())
}

fn record<E: Dialect>(row: &Row<E>) -> Result<DeferredRecord, StoreError> {
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
fn answer<E: Dialect>(row: &Row<E>) -> Result<Polled, StoreError> {
    match (row.integer("state")?, row.integer("hurried")?) {
        (APPROVED, _) => Ok(Polled::Approved { grant: row.grant_id("grant_id")?, record: record(row)? }),
        (OPEN, 0) => Ok(Polled::Pending),
        (OPEN, _) => Ok(Polled::SlowDown),
        _ => Err(corrupt("a row of another state was polled")),
    }
}

/// Why the request in this row was not polled.
fn refusal<E: Dialect>(row: &Row<E>, client: &ClientId, now: Timestamp) -> Result<Polled, StoreError> {
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
