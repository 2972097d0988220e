//! Requests that wait for their person.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, VacantEntry};

use async_trait::async_trait;

use super::MemoryStore;
use super::space::Row;
use crate::clock::Timestamp;
use crate::error::{StoreError, StoreErrorKind};
use crate::seal::Sealed;
use crate::secret::TokenHash;
use crate::store::{
    Decision, Deferral, DeferredRecord, DeferredStore, MAX_INTERVAL, Polled, SLOW_DOWN, WaitingLimit,
};
use crate::types::{ClientId, GrantId};

/// The requests of one namespace, also by what the person types.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Deferred {
    rows: HashMap<TokenHash, Waiting>,
    by_user_code: HashMap<TokenHash, TokenHash>,
}

#[derive(Clone, PartialEq, Eq)]
struct Waiting {
    record: DeferredRecord,
    polled_at: Option<Timestamp>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Approved(GrantId),
    Denied,
    Redeemed(GrantId),
}

impl Waiting {
    fn waits(&self, now: Timestamp) -> bool {
        self.state == State::Open && !self.record.expires_at.has_passed(now)
    }

    fn poll(&mut self, client: &ClientId, now: Timestamp) -> Polled {
        if self.record.client != *client {
            return Polled::Foreign;
        }
        match self.state {
            State::Redeemed(grant) => Polled::Replayed { grant },
            State::Denied => Polled::Denied,
            _ if self.record.expires_at.has_passed(now) => Polled::Expired,
            State::Approved(grant) => {
                self.state = State::Redeemed(grant);
                Polled::Approved { grant, record: self.record.clone() }
            }
            State::Open => {
                let interval = self.record.interval;
                let early = self.polled_at.is_some_and(|last| !last.plus(interval).has_passed(now));
                self.polled_at = Some(now);
                if !early {
                    return Polled::Pending;
                }
                self.record.interval = (interval + SLOW_DOWN).min(MAX_INTERVAL.max(interval));
                Polled::SlowDown
            }
        }
    }
}

impl Deferred {
    pub(super) fn rows(&self) -> impl Iterator<Item = &DeferredRecord> {
        self.rows.values().map(|row| &row.record)
    }

    pub(super) fn payload_mut(&mut self, key: &TokenHash) -> Option<&mut Sealed> {
        self.rows.get_mut(key).map(|row| &mut row.record.payload)
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Removes a request that need not be remembered any more.
    pub(super) fn remove_ended(&mut self, key: &TokenHash, now: Timestamp) {
        if !self.rows.get(key).is_some_and(|row| row.record.retain_until.has_passed(now)) {
            return;
        }
        if let Some(code) = self.rows.remove(key).and_then(|row| row.record.user_code) {
            self.by_user_code.remove(&code);
        }
    }

    fn is_crowded(&self, record: &DeferredRecord, limit: WaitingLimit, now: Timestamp) -> bool {
        let Some(subject) = record.subject else { return false };
        let waiting = self.rows.values().filter(|row| row.record.subject == Some(subject) && row.waits(now));
        let (of_all, of_client) = waiting.fold((0_usize, 0_usize), |(all, client), row| {
            (all + 1, client + usize::from(row.record.client == record.client))
        });
        of_all >= usize::from(limit.of_all) || of_client >= usize::from(limit.of_client)
    }

    fn waiting(&self, key: &TokenHash, now: Timestamp) -> Option<DeferredRecord> {
        self.rows.get(key).filter(|row| row.waits(now)).map(|row| row.record.clone())
    }
}

fn vacant(
    rows: &mut HashMap<TokenHash, Waiting>,
    key: TokenHash,
) -> Option<VacantEntry<'_, TokenHash, Waiting>> {
    match rows.entry(key) {
        Entry::Vacant(vacant) => Some(vacant),
        Entry::Occupied(_) => None,
    }
}

#[async_trait]
impl DeferredStore for MemoryStore {
    async fn insert_deferred(
        &self,
        record: DeferredRecord,
        limit: WaitingLimit,
        now: Timestamp,
    ) -> Result<Deferral, StoreError> {
        let mut space = self.space();
        let space = &mut *space;
        if space.deferred.is_crowded(&record, limit, now) {
            return Ok(Deferral::Crowded);
        }
        let Deferred { rows, by_user_code } = &mut space.deferred;
        let taken = record.user_code.is_some_and(|code| by_user_code.contains_key(&code));
        let Some(vacant) = vacant(rows, record.key).filter(|_| !taken) else {
            return Err(StoreErrorKind::Conflict.into());
        };
        space.ends.add(record.retain_until, Row::Deferred(record.key));
        by_user_code.extend(record.user_code.map(|code| (code, record.key)));
        vacant.insert(Waiting { record, polled_at: None, state: State::Open });
        Ok(Deferral::Waiting)
    }

    async fn deferred(&self, key: &TokenHash, now: Timestamp) -> Result<Option<DeferredRecord>, StoreError> {
        Ok(self.space().deferred.waiting(key, now))
    }

    async fn by_user_code(
        &self,
        user_code: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<DeferredRecord>, StoreError> {
        let space = self.space();
        let key = space.deferred.by_user_code.get(user_code);
        Ok(key.and_then(|key| space.deferred.waiting(key, now)))
    }

    async fn decide(&self, key: &TokenHash, decision: Decision, now: Timestamp) -> Result<bool, StoreError> {
        let mut space = self.space();
        let space = &mut *space;
        let Some(row) = space.deferred.rows.get_mut(key).filter(|row| row.waits(now)) else {
            return Ok(false);
        };
        row.state = match decision {
            Decision::Approved { grant, retain_until, payload } => {
                space.ends.remove(row.record.retain_until, &Row::Deferred(*key));
                space.ends.add(retain_until, Row::Deferred(*key));
                (row.record.retain_until, row.record.payload) = (retain_until, payload);
                State::Approved(grant)
            }
            Decision::Denied => State::Denied,
        };
        Ok(true)
    }

    async fn poll(&self, key: &TokenHash, client: &ClientId, now: Timestamp) -> Result<Polled, StoreError> {
        let mut space = self.space();
        let row = space.deferred.rows.get_mut(key).filter(|row| !row.record.retain_until.has_passed(now));
        Ok(row.map_or(Polled::Absent, |row| row.poll(client, now)))
    }
}
