//! Requests that wait for their person.

use std::time::Duration;

use async_trait::async_trait;

use super::row::{Row, unknown};
use super::script::{BY_USER_CODE, Call, DECIDE, INSERT_DEFERRED, POLL};
use super::{RedisStore, keys, moment};
use crate::clock::Timestamp;
use crate::error::{StoreError, StoreErrorKind};
use crate::secret::TokenHash;
use crate::store::{
    Decision, Deferral, DeferredRecord, DeferredStore, MAX_INTERVAL, Polled, SLOW_DOWN, SubjectKey,
    WaitingLimit,
};
use crate::types::ClientId;

/// The field that says how far a request has come.
const STATE: &str = "state";

/// A request that is not answered.
const WAITING: &str = "waiting";

/// The fields of a record, in the order in which they are read.
const FIELDS: [&str; 8] =
    ["user_code", "client", "subject", "pace", "expires_at", "until", "secret", "payload"];

#[async_trait]
impl DeferredStore for RedisStore {
    async fn insert_deferred(
        &self,
        record: DeferredRecord,
        limit: WaitingLimit,
        now: Timestamp,
    ) -> Result<Deferral, StoreError> {
        match self.run(self.inserting(&record, limit, now)).await?.0.as_str() {
            "kept" => Ok(Deferral::Waiting),
            "crowded" => Ok(Deferral::Crowded),
            "conflict" => Err(StoreErrorKind::Conflict.into()),
            other => Err(unknown(other)),
        }
    }

    async fn deferred(&self, key: &TokenHash, now: Timestamp) -> Result<Option<DeferredRecord>, StoreError> {
        let fields: Vec<_> = [STATE].into_iter().chain(FIELDS).collect();
        waiting(self.connection.fields(&self.keys.deferred(key), &fields).await?, *key, now)
    }

    async fn by_user_code(
        &self,
        user_code: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<DeferredRecord>, StoreError> {
        let find = Call::new(&BY_USER_CODE)
            .key(self.keys.user_code(Some(user_code)))
            .arg(self.keys.deferred_prefix())
            .args(&[STATE])
            .args(&FIELDS);
        let mut row = Row::new(self.connection.run(&find).await?);
        match row.maybe_name()? {
            Some(key) => waiting(row, TokenHash::from_bytes(key), now),
            None => Ok(None),
        }
    }

    async fn decide(&self, key: &TokenHash, decision: Decision, now: Timestamp) -> Result<bool, StoreError> {
        let decide = Call::new(&DECIDE)
            .key(self.keys.deferred(key))
            .arg(moment::written(now))
            .arg(keys::name(key.as_bytes()))
            .arg(self.keys.prefix());
        let decide = match decision {
            Decision::Approved { grant, retain_until, payload } => decide
                .arg("approved")
                .arg(grant.as_bytes())
                .arg(moment::written(retain_until))
                .arg(payload.secret().as_bytes())
                .arg(payload.as_bytes())
                .arg(moment::expiry(retain_until, now)),
            Decision::Denied => decide.arg("denied"),
        };
        match self.run(decide).await?.0.as_str() {
            "decided" => Ok(true),
            "unchanged" => Ok(false),
            other => Err(unknown(other)),
        }
    }

    async fn poll(&self, key: &TokenHash, client: &ClientId, now: Timestamp) -> Result<Polled, StoreError> {
        let poll = Call::new(&POLL)
            .key(self.keys.deferred(key))
            .arg(client.as_str())
            .arg(moment::written(now))
            .arg(now.unix().to_string())
            .arg(SLOW_DOWN.as_secs().to_string())
            .arg(MAX_INTERVAL.as_secs().to_string())
            .args(&FIELDS);
        let (outcome, mut row) = self.run(poll).await?;
        match outcome.as_str() {
            "approved" => Ok(Polled::Approved { grant: row.grant()?, record: record(&mut row, *key)? }),
            "denied" => Ok(Polled::Denied),
            "expired" => Ok(Polled::Expired),
            "foreign" => Ok(Polled::Foreign),
            "pending" => Ok(Polled::Pending),
            "replayed" => Ok(Polled::Replayed { grant: row.grant()? }),
            "slow_down" => Ok(Polled::SlowDown),
            "absent" => Ok(Polled::Absent),
            other => Err(unknown(other)),
        }
    }
}

impl RedisStore {
    fn inserting(&self, record: &DeferredRecord, limit: WaitingLimit, now: Timestamp) -> Call {
        let (subject, user_code) = (record.subject.as_ref(), record.user_code.as_ref());
        let name = keys::name(record.key.as_bytes());
        let expires_at = moment::written(record.expires_at);
        let insert = Call::new(&INSERT_DEFERRED)
            .key(self.keys.deferred(&record.key))
            .key(self.keys.user_code(user_code))
            .key(self.keys.waiting(subject))
            .key(self.keys.waiting_of(subject, &record.client))
            .arg(moment::written(now))
            .arg(moment::expiry(record.retain_until, now))
            .arg(moment::expiry(record.expires_at, now))
            .arg(limit.of_client.to_string())
            .arg(limit.of_all.to_string())
            .arg(flag(subject.is_some()))
            .arg(flag(user_code.is_some()))
            .arg(&name)
            .arg(format!("{expires_at}:{name}"))
            .arg(self.keys.deferred_prefix())
            .field(STATE, WAITING)
            .field("client", record.client.as_str())
            .field("pace", record.interval.as_secs().to_string())
            .field("expires_at", &expires_at)
            .field("until", moment::written(record.retain_until))
            .field("secret", record.payload.secret().as_bytes())
            .field("payload", record.payload.as_bytes());
        let insert = subject
            .into_iter()
            .fold(insert, |insert, subject| insert.field("subject", keys::name(subject.as_bytes())));
        user_code
            .into_iter()
            .fold(insert, |insert, code| insert.field("user_code", keys::name(code.as_bytes())))
    }
}

const fn flag(set: bool) -> &'static str {
    if set { "1" } else { "0" }
}

/// The request in a row that begins with its state, if it waits.
fn waiting(mut row: Row, key: TokenHash, now: Timestamp) -> Result<Option<DeferredRecord>, StoreError> {
    if row.maybe_bytes().is_none_or(|state| state != WAITING.as_bytes()) {
        return Ok(None);
    }
    let record = record(&mut row, key)?;
    Ok(Some(record).filter(|record| !record.expires_at.has_passed(now)))
}

fn record(row: &mut Row, key: TokenHash) -> Result<DeferredRecord, StoreError> {
    Ok(DeferredRecord {
        key,
        user_code: row.maybe_name()?.map(TokenHash::from_bytes),
        client: row.client()?,
        subject: row.maybe_name()?.map(SubjectKey::from_bytes),
        interval: Duration::from_secs(row.count()?),
        expires_at: row.time()?,
        retain_until: row.time()?,
        payload: row.payload()?,
    })
}
