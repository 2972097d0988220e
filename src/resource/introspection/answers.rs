//! Answers of introspection, kept for a while: one question at a time for each token, and bounded.

use std::collections::HashMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};

use super::{Asked, Unknown};
use crate::clock::Timestamp;
use crate::error::Reason;
use crate::resource::access::Known;
use crate::secret::{Secret, TokenHash};

/// Most answers that are kept of active tokens, and of others. They have shelves of their own, so that whoever makes tokens
/// up drives no good one out (attack 194).
const MAX_ANSWERS: usize = 4096;

/// What introspection said, under the hash of the token. Proofs of possession are no part of it: they are checked anew for
/// each request.
pub(in crate::resource) struct Answers {
    shelves: Arc<Mutex<Shelves>>,
    lifetime: Duration,
}

type Landing = Result<Arc<Known>, Unknown>;

type Flight = BoxFuture<'static, Landing>;

#[derive(Default)]
struct Shelves {
    active: Shelf<Arc<Known>>,
    refused: Shelf<Reason>,
    flights: HashMap<TokenHash, (u64, WeakShared<Flight>)>,
    begun: u64,
}

impl Answers {
    /// Answers that are kept for `lifetime`, and never longer than their token lives.
    pub(in crate::resource) fn new(lifetime: Duration) -> Self {
        Self { shelves: Arc::default(), lifetime }
    }

    /// What is known of `token`: from a moment ago, or because its issuer says so now.
    ///
    /// # Errors
    /// Why nothing is. The time of a token is checked whenever it is presented.
    pub(in crate::resource) async fn known(
        &self,
        asked: &Arc<Asked>,
        token: &Secret,
        now: Timestamp,
    ) -> Landing {
        let key = TokenHash::of(token.expose());
        let landing = {
            let mut shelves = self.shelves();
            match shelves.kept(&key, now) {
                Some(Ok(known)) => return unexpired(known, now),
                Some(Err(reason)) => return Err(reason.into()),
                None => shelves.flight(key, |number| self.begin(asked, token, (key, number), now)),
            }
        };
        unexpired(landing.await?, now)
    }

    /// A question that nobody has asked yet. Whoever waits for the answer carries it on; where nobody does, it is dropped.
    fn begin(
        &self,
        asked: &Arc<Asked>,
        token: &Secret,
        (key, number): (TokenHash, u64),
        now: Timestamp,
    ) -> Shared<Flight> {
        let (asked, token, lifetime) = (Arc::clone(asked), token.clone(), self.lifetime);
        let ending = Ending { shelves: Arc::clone(&self.shelves), key, number };
        let landing = async move {
            let answered = AssertUnwindSafe(asked.ask(&token, now)).catch_unwind().await;
            let answered = answered.unwrap_or_else(|_| Err(Reason::IntrospectionPanicked.into()));
            let landed = answered.map(Arc::new);
            ending.keep(&landed, (now, lifetime));
            landed
        };
        landing.boxed().shared()
    }

    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

fn unexpired(known: Arc<Known>, now: Timestamp) -> Landing {
    match known.has_expired(now) {
        true => Err(Reason::AccessTokenExpired.into()),
        false => Ok(known),
    }
}

/// The end of one question: its answer, or that nobody waits any more.
struct Ending {
    shelves: Arc<Mutex<Shelves>>,
    key: TokenHash,
    number: u64,
}

impl Ending {
    fn keep(&self, landed: &Landing, (now, lifetime): (Timestamp, Duration)) {
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        let until = now.plus(lifetime);
        match landed {
            Ok(known) => shelves.active.put(self.key, (Arc::clone(known), now, until)),
            Err(unknown) if unknown.lasts() => shelves.refused.put(self.key, (unknown.reason, now, until)),
            Err(_) => {}
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        if shelves.flights.get(&self.key).is_some_and(|(number, _)| *number == self.number) {
            shelves.flights.remove(&self.key);
        }
    }
}

impl Shelves {
    fn kept(&mut self, key: &TokenHash, now: Timestamp) -> Option<Result<Arc<Known>, Reason>> {
        let active = self.active.get(key, now).map(Ok);
        active.or_else(|| self.refused.get(key, now).map(Err))
    }

    /// The question about a token that is under way, or a new one.
    fn flight(&mut self, key: TokenHash, begin: impl FnOnce(u64) -> Shared<Flight>) -> Shared<Flight> {
        if let Some(flight) = self.flights.get(&key).and_then(|(_, flight)| flight.upgrade()) {
            return flight;
        }
        self.begun += 1;
        let flight = begin(self.begun);
        if let Some(weak) = flight.downgrade() {
            self.flights.insert(key, (self.begun, weak));
        }
        flight
    }
}

/// A value, since when it is here, and until when it is good.
type Kept<V> = (V, Timestamp, Timestamp);

/// A bounded number of values. What was not asked for since the last change of generation goes at the next.
struct Shelf<V> {
    young: HashMap<TokenHash, Kept<V>>,
    old: HashMap<TokenHash, Kept<V>>,
}

impl<V> Default for Shelf<V> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

impl<V: Clone> Shelf<V> {
    /// The value, while it is good. Where the clock was set back it is not.
    fn get(&mut self, key: &TokenHash, now: Timestamp) -> Option<V> {
        let good = |(_, since, until): &Kept<V>| *since <= now && !until.has_passed(now);
        if let Some(kept) = self.young.get(key) {
            return good(kept).then(|| kept.0.clone());
        }
        let kept = self.old.remove(key).filter(good)?;
        let value = kept.0.clone();
        self.put(*key, kept);
        Some(value)
    }

    fn put(&mut self, key: TokenHash, kept: Kept<V>) {
        if self.young.len() >= MAX_ANSWERS / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// attack 194: whoever makes tokens up does not fill the memory, and what is used stays.
    #[test]
    fn a_shelf_is_bounded_and_keeps_what_is_asked_for() {
        let mut shelf = Shelf::default();
        let now = Timestamp::from_unix(1000);
        let key = |number: usize| TokenHash::of(&number.to_string());
        for number in 0..3 * MAX_ANSWERS {
            shelf.put(key(number), (number, now, now.plus(Duration::from_secs(30))));
            assert_eq!(shelf.get(&key(0), now), Some(0));
            assert!(shelf.young.len() + shelf.old.len() <= MAX_ANSWERS);
        }
        assert_eq!(shelf.get(&key(1), now), None);
    }

    #[test]
    fn a_value_is_good_for_its_time_alone() {
        let mut shelf = Shelf::default();
        let (key, at) = (TokenHash::of("a"), Timestamp::from_unix);
        shelf.put(key, ('a', at(1000), at(1030)));
        let seen = [999, 1000, 1029, 1030].map(|now| shelf.get(&key, at(now)));
        assert_eq!(seen, [None, Some('a'), Some('a'), None]);
    }
}
