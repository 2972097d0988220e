//! A store that fails when told to, and counts what it is asked.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use async_trait::async_trait;

use crate::error::{StoreError, StoreErrorKind};
use crate::store::memory::MemoryStore;
use crate::store::{Around, Stores};

/// How a call to a store goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "tests go through all of them")]
pub enum Fault {
    /// Nothing is done, and the caller is told that the store is not there.
    Unavailable,
    /// It is done, and the caller is told that the store is not there: its answer was lost.
    AnswerLost,
    /// Nothing is done, and the caller is told that the key exists.
    Conflict,
}

/// What goes wrong in the stores of a provider, and what they were asked. Clones share it.
///
/// Clients are not among it: they are in memory.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    calls: Vec<&'static str>,
    /// By the number of the call, counted from the beginning.
    planned: BTreeMap<usize, Fault>,
    /// By verb, for every call.
    verbs: BTreeMap<&'static str, Fault>,
    pausing: bool,
}

impl Faults {
    /// Nothing goes wrong yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The stores of a provider over `memory`, to be given to a harness.
    #[must_use]
    pub fn stores(&self, memory: &MemoryStore) -> Stores {
        let store = Arc::new(memory.clone());
        Stores::of(store.clone())
            .with_registry(store.clone())
            .with_replays(store.clone())
            .with_tickets(store.clone())
            .with_deferred(store.clone())
            .with_key_sets(store.clone())
            .with_reseal(store)
            .around(Arc::new(self.clone()))
    }

    /// Lets the `nth` call from now, 0 being the next, go wrong.
    pub fn plan(&self, nth: usize, fault: Fault) {
        let mut state = self.state();
        let at = state.calls.len() + nth;
        state.planned.insert(at, fault);
    }

    /// Lets every call of `verb` go wrong.
    pub fn break_verb(&self, verb: &'static str, fault: Fault) {
        self.state().verbs.insert(verb, fault);
    }

    /// Lets nothing go wrong from here on.
    pub fn mend(&self) {
        let mut state = self.state();
        state.planned.clear();
        state.verbs.clear();
    }

    /// Lets every call wait once before and once after it is done, so that a future can be dropped there.
    pub fn pause(&self) {
        self.state().pausing = true;
    }

    /// The verbs that were called since this was last asked.
    #[must_use]
    pub fn calls(&self) -> Vec<&'static str> {
        let mut state = self.state();
        state.planned.clear();
        std::mem::take(&mut state.calls)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call and says how it goes wrong.
    fn begin(&self, verb: &'static str) -> Option<Fault> {
        let mut state = self.state();
        let at = state.calls.len();
        state.calls.push(verb);
        state.planned.remove(&at).or_else(|| state.verbs.get(verb).copied())
    }

    async fn wait(&self) {
        let mut waits = self.state().pausing;
        poll_fn(|cx| {
            if !std::mem::take(&mut waits) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

#[async_trait]
impl Around for Faults {
    async fn around(
        &self,
        verb: &'static str,
        call: Pin<&mut (dyn Future<Output = Result<(), StoreError>> + Send + '_)>,
    ) -> Result<(), StoreError> {
        if verb == CLIENT_LOOK_UP {
            return call.await;
        }
        let fault = self.begin(verb);
        self.wait().await;
        match fault {
            Some(Fault::Conflict) => return Err(StoreErrorKind::Conflict.into()),
            Some(Fault::Unavailable) => return Err(StoreErrorKind::Unavailable.into()),
            Some(Fault::AnswerLost) | None => {}
        }
        let answer = call.await;
        self.wait().await;
        match fault {
            Some(_) => Err(StoreErrorKind::Unavailable.into()),
            None => answer,
        }
    }
}

/// The verb by which clients are found.
const CLIENT_LOOK_UP: &str = "client";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::secret::TokenHash;
    use crate::testing::block_on;

    #[test]
    fn a_call_fails_before_or_after_it_is_done() {
        let (memory, faults, now) = (MemoryStore::new(), Faults::new(), Timestamp::from_unix(0));
        let replays = faults.stores(&memory).replays.unwrap();
        let first =
            |id: &str| block_on(replays.first_use("space", &TokenHash::of(id), Timestamp::NEVER, now));
        faults.plan(1, Fault::Unavailable);
        faults.plan(2, Fault::AnswerLost);
        assert!(first("a").unwrap());
        assert_eq!(first("b").unwrap_err().kind(), StoreErrorKind::Unavailable);
        assert_eq!(first("c").unwrap_err().kind(), StoreErrorKind::Unavailable);
        assert!(first("b").unwrap(), "nothing was done before");
        assert!(!first("c").unwrap(), "it was done before the answer was lost");
        assert_eq!(faults.calls(), ["first_use"; 5]);
        faults.break_verb("first_use", Fault::Conflict);
        assert_eq!(first("d").unwrap_err().kind(), StoreErrorKind::Conflict);
        faults.mend();
        assert!(first("d").unwrap());
    }
}
