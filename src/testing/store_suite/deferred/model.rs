//! Random questions about requests that wait, beside a slow and obvious model.

use std::time::Duration;

use super::super::draw;
use super::super::model::Dice;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::error::StoreErrorKind::{self, Conflict};
use crate::secret::TokenHash;
use crate::store::{
    Decision, Deferral, DeferredRecord, DeferredStore, Polled, SubjectKey, Sweep, WaitingLimit,
};
use crate::types::{ClientId, GrantId};

/// What the model knows of a request.
struct Known {
    record: DeferredRecord,
    decided: Option<Option<GrantId>>,
    redeemed: bool,
    polled_at: Option<Timestamp>,
}

impl Known {
    fn waits(&self, now: Timestamp) -> bool {
        self.decided.is_none() && now < self.record.expires_at
    }
}

/// Asks the store and a model the same `steps` random questions; time goes forward only.
pub(super) async fn model<S: DeferredStore + Sweep>(store: &S, seed: u64, steps: u32) {
    let mut run = Run {
        known: Vec::new(),
        now: draw::NOW,
        dice: Dice::of(seed),
        clients: (0..2).map(|_| draw::client()).collect(),
        subjects: (0..2).map(|_| draw::subject()).collect(),
    };
    for step in 0..steps {
        if let Err(difference) = run.ask(store).await {
            panic!("seed {seed}, step {step}: {difference}");
        }
    }
}

struct Run {
    known: Vec<Known>,
    now: Timestamp,
    dice: Dice,
    clients: Vec<ClientId>,
    subjects: Vec<SubjectKey>,
}

fn same<T: PartialEq + std::fmt::Debug>(
    question: &str,
    answer: Result<T, StoreError>,
    expected: &Result<T, StoreErrorKind>,
) -> Result<(), String> {
    let answer = answer.map_err(|error| error.kind());
    if answer == *expected {
        return Ok(());
    }
    Err(format!("{question}: the store answered {answer:?}, the model {expected:?}"))
}

impl Run {
    async fn ask<S: DeferredStore + Sweep>(&mut self, store: &S) -> Result<(), String> {
        match self.dice.below(12) {
            0..=1 => self.now = self.soon(12),
            2 => return same("sweep 0", store.sweep(0, self.now).await, &Ok(0)),
            3..=4 => return self.insert(store).await,
            5 => return self.look(store).await,
            6..=7 => return self.decide(store).await,
            _ => return self.poll(store).await,
        }
        Ok(())
    }

    fn soon(&mut self, within: u64) -> Timestamp {
        self.now.plus(Duration::from_secs(self.dice.below(within)))
    }

    /// One of the last requests, or one that was never inserted.
    fn key(&mut self) -> (TokenHash, TokenHash) {
        let back = usize::try_from(self.dice.below(4)).expect("an index fits") + 1;
        let found = self.known.len().checked_sub(back).and_then(|at| self.known.get(at));
        found.map_or((draw::key(), draw::key()), |known| {
            (known.record.key, known.record.user_code.unwrap_or(known.record.key))
        })
    }

    async fn insert<S: DeferredStore>(&mut self, store: &S) -> Result<(), String> {
        let (used_key, used_code) = self.key();
        let expires_at = self.soon(120).plus(Duration::from_secs(1));
        let (client, subject) = (self.dice.pick(&self.clients).clone(), *self.dice.pick(&self.subjects));
        let record = DeferredRecord {
            key: if self.dice.below(8) == 0 { used_key } else { draw::key() },
            user_code: Some(if self.dice.below(8) == 0 { used_code } else { draw::key() }),
            client,
            subject: self.dice.maybe(subject),
            interval: Duration::from_secs(1 + self.dice.below(9)),
            expires_at,
            retain_until: expires_at.plus(Duration::from_secs(100_000)),
            payload: draw::payload(),
        };
        let limit = WaitingLimit { of_client: 2, of_all: 3 };
        let answer = store.insert_deferred(record.clone(), limit, self.now).await;
        let expected = self.expected(&record, limit);
        if expected == Ok(Deferral::Waiting) {
            self.known.push(Known { record, decided: None, redeemed: false, polled_at: None });
        }
        same(&format!("insert_deferred at {:?}", self.now), answer, &expected)
    }

    fn expected(&self, record: &DeferredRecord, limit: WaitingLimit) -> Result<Deferral, StoreErrorKind> {
        let waiting = self.known.iter().filter(|known| known.waits(self.now));
        let about: Vec<_> = waiting.filter(|known| known.record.subject == record.subject).collect();
        let of_client = about.iter().filter(|known| known.record.client == record.client).count();
        let full = about.len() >= usize::from(limit.of_all) || of_client >= usize::from(limit.of_client);
        if record.subject.is_some() && full {
            return Ok(Deferral::Crowded);
        }
        let clash =
            |known: &Known| known.record.key == record.key || known.record.user_code == record.user_code;
        if self.known.iter().any(clash) { Err(Conflict) } else { Ok(Deferral::Waiting) }
    }

    async fn look<S: DeferredStore>(&mut self, store: &S) -> Result<(), String> {
        let (now, (key, code)) = (self.now, self.key());
        let waiting = |is: &dyn Fn(&DeferredRecord) -> bool| {
            let found = self.known.iter().find(|known| is(&known.record) && known.waits(now));
            found.map(|known| known.record.clone())
        };
        let by_key = waiting(&|record| record.key == key);
        same(&format!("deferred at {now:?}"), store.deferred(&key, now).await, &Ok(by_key))?;
        let by_code = waiting(&|record| record.user_code == Some(code));
        same(&format!("by_user_code at {now:?}"), store.by_user_code(&code, now).await, &Ok(by_code))
    }

    async fn decide<S: DeferredStore>(&mut self, store: &S) -> Result<(), String> {
        let (now, (key, _), grant) = (self.now, self.key(), draw::grant_id());
        let grant = self.dice.maybe(grant);
        let payload = draw::payload();
        let retain_until = now.plus(Duration::from_secs(200_000));
        let decision = match grant {
            Some(grant) => Decision::Approved { grant, retain_until, payload: payload.clone() },
            None => Decision::Denied,
        };
        let answer = store.decide(&key, decision, now).await;
        let found = self.known.iter_mut().find(|known| known.record.key == key && known.waits(now));
        let expected = found.is_some();
        if let Some(known) = found {
            known.decided = Some(grant);
            if grant.is_some() {
                (known.record.retain_until, known.record.payload) = (retain_until, payload);
            }
        }
        same(&format!("decide at {now:?}"), answer, &Ok(expected))
    }

    async fn poll<S: DeferredStore>(&mut self, store: &S) -> Result<(), String> {
        let (now, (key, _)) = (self.now, self.key());
        let client = self.dice.pick(&self.clients).clone();
        let answer = store.poll(&key, &client, now).await;
        let found = self.known.iter_mut().find(|known| known.record.key == key);
        let expected = found.map_or(Polled::Absent, |known| polled(known, &client, now));
        same(&format!("poll at {now:?}"), answer, &Ok(expected))
    }
}

fn polled(known: &mut Known, client: &ClientId, now: Timestamp) -> Polled {
    if known.record.client != *client {
        return Polled::Foreign;
    }
    if let (Some(Some(grant)), true) = (known.decided, known.redeemed) {
        return Polled::Replayed { grant };
    }
    if known.decided == Some(None) {
        return Polled::Denied;
    }
    if now >= known.record.expires_at {
        return Polled::Expired;
    }
    if let Some(Some(grant)) = known.decided {
        known.redeemed = true;
        return Polled::Approved { grant, record: known.record.clone() };
    }
    let early = known.polled_at.is_some_and(|last| now < last.plus(known.record.interval));
    known.polled_at = Some(now);
    if early {
        known.record.interval += Duration::from_secs(5);
        return Polled::SlowDown;
    }
    Polled::Pending
}
