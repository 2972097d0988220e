//! Limits around stores: a store that is slow or gone must not take everything else with it.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Around, Stores, allowance};
use crate::error::{StoreError, StoreErrorKind};
use crate::runtime::{Places, Runtime, within};

/// How long a store may take to answer, and how many may wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreLimits {
    /// How long all calls of one request may take, one after the other: 100 milliseconds to 60 seconds, default 3 seconds.
    /// A call that is under way then is dropped; what became of it is not known, so the caller is told `Unavailable`. None
    /// is begun after it, but one that revokes: it has as long for itself, since what it ends must not outlive a slow store
    /// (RFC 6749 section 4.1.2), and is not counted. So it is with a call that belongs to no request to an endpoint: those
    /// of the host's own pages, and of what the host calls itself, as `Provider::redeem`.
    pub deadline: Duration,
    /// How many calls each port may have under way: 1 to 65535, default 256. One more is not begun.
    pub at_once: u16,
}

impl Default for StoreLimits {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(3), at_once: 256 }
    }
}

impl StoreLimits {
    /// How long the calls of one request may take: 100 milliseconds to 60 seconds.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How many calls each port may have under way, at least one.
    #[must_use]
    pub const fn with_at_once(mut self, at_once: u16) -> Self {
        self.at_once = at_once;
        self
    }
}

impl Stores {
    /// The same stores within `limits`.
    ///
    /// Every port has places of its own, so that one backend that hangs does not keep others from answering.
    #[must_use]
    pub(crate) fn guarded(self, runtime: &Arc<dyn Runtime>, limits: StoreLimits) -> Self {
        self.surrounded(|| {
            let places = Places::new(usize::from(limits.at_once));
            Arc::new(Guard { runtime: Arc::clone(runtime), deadline: limits.deadline, places })
        })
    }
}

/// The limits of one port.
#[derive(Debug)]
struct Guard {
    runtime: Arc<dyn Runtime>,
    deadline: Duration,
    places: Places,
}

impl Guard {
    /// How long a call may take that shares the time of its request; `None` when the request has had all of it.
    fn left(&self) -> Option<Duration> {
        self.deadline.checked_sub(allowance::waited()).filter(|left| !left.is_zero())
    }
}

#[async_trait]
impl Around for Guard {
    async fn around(
        &self,
        verb: &'static str,
        mut call: Pin<&mut (dyn Future<Output = Result<(), StoreError>> + Send + '_)>,
    ) -> Result<(), StoreError> {
        let unavailable = |why: &'static str| Err(StoreError::new(StoreErrorKind::Unavailable, why));
        let Some(_place) = self.places.take() else { return unavailable("too many calls are under way") };
        let shares = !verb.starts_with("revoke");
        let left = if shares { self.left() } else { Some(self.deadline) };
        let Some(left) = left else { return unavailable("the request has had its time") };
        let mut begun = None;
        let timed = poll_fn(|cx| {
            let answer = call.as_mut().poll(cx);
            if answer.is_pending() {
                begun.get_or_insert_with(|| self.runtime.elapsed());
            }
            answer
        });
        let answer = within(&*self.runtime, left, timed).await;
        // One that answered at once, as a store in memory does, has not read the clock.
        if let Some(begun) = begun.filter(|_| shares) {
            allowance::has_waited(self.runtime.elapsed().saturating_sub(begun));
        }
        answer.unwrap_or_else(|| unavailable("the store did not answer in its time"))
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Mutex;

    use super::*;
    use crate::store::allowance::one_request;
    use crate::testing::{ManualRuntime, block_on};

    type Outcome = Arc<Mutex<Option<Result<(), StoreErrorKind>>>>;

    /// Begins a call in the background; the outcome is there once it has one.
    fn begin(
        runtime: &ManualRuntime,
        guard: &Arc<Guard>,
        call: impl Future<Output = Result<(), StoreError>> + Send + 'static,
    ) -> Outcome {
        let outcome = Outcome::default();
        let (kept, guard) = (Arc::clone(&outcome), Arc::clone(guard));
        runtime.spawn(Box::pin(async move {
            let mut call = Box::pin(call);
            let answer = guard.around("verb", call.as_mut()).await;
            *kept.lock().unwrap() = Some(answer.map_err(|error| error.kind()));
        }));
        runtime.run();
        outcome
    }

    fn guard(runtime: &Arc<ManualRuntime>, at_once: usize) -> Arc<Guard> {
        let places = Places::new(at_once);
        Arc::new(Guard { runtime: runtime.clone(), deadline: Duration::from_secs(3), places })
    }

    fn answer(outcome: &Outcome) -> Option<Result<(), StoreErrorKind>> {
        *outcome.lock().unwrap()
    }

    #[test]
    fn a_call_that_hangs_is_dropped_at_the_deadline() {
        let runtime = Arc::new(ManualRuntime::new());
        let guard = guard(&runtime, 1);
        let dropped = Arc::new(());
        let held = Arc::clone(&dropped);
        let outcome = begin(&runtime, &guard, async move {
            let _held = held;
            pending().await
        });
        runtime.advance(Duration::from_millis(2999));
        assert_eq!(answer(&outcome), None);
        assert_eq!(runtime.advance(Duration::from_millis(1)), 0);
        assert_eq!(answer(&outcome), Some(Err(StoreErrorKind::Unavailable)));
        assert_eq!(Arc::strong_count(&dropped), 1);
        assert_eq!(
            answer(&begin(&runtime, &guard, async { Ok(()) })),
            Some(Ok(())),
            "the place is free again"
        );
    }

    /// Calls of one request, each of which takes `pace`; what became of them.
    fn one_after_the_other(pace: Duration, verbs: &'static [&'static str]) -> Vec<bool> {
        let runtime = Arc::new(ManualRuntime::new());
        let guard = guard(&runtime, 1);
        let answers = Arc::new(Mutex::new(Vec::new()));
        let (kept, sleeps) = (Arc::clone(&answers), Arc::clone(&runtime));
        runtime.spawn(Box::pin(one_request(async move {
            for verb in verbs {
                let mut call = Box::pin(async {
                    sleeps.sleep(pace).await;
                    Ok(())
                });
                let answer = guard.around(verb, call.as_mut()).await;
                kept.lock().unwrap().push(answer.is_ok());
            }
        })));
        runtime.run();
        for _ in 0..60 {
            runtime.advance(Duration::from_millis(500));
        }
        Arc::try_unwrap(answers).unwrap().into_inner().unwrap()
    }

    #[test]
    fn the_calls_of_a_request_share_its_time() {
        let seconds = Duration::from_secs_f64;
        let taken = |pace| one_after_the_other(seconds(pace), &["a", "b", "c", "d"]);
        assert_eq!(taken(0.5), [true; 4]);
        assert_eq!(taken(1.0), [true, true, true, false], "the third answers at the last moment");
        assert_eq!(taken(2.0), [true, false, false, false]);
        assert_eq!(taken(60.0), [false; 4]);
    }

    #[test]
    fn what_revokes_has_time_of_its_own() {
        let verbs = &["consume_code", "insert", "revoke", "revoke_some", "grant"];
        let answers = one_after_the_other(Duration::from_secs(2), verbs);
        assert_eq!(answers, [true, false, true, true, false]);
        // However many there are: what follows them has the time that was left.
        let verbs = &["revoke_some", "revoke_some", "revoke_some", "unregister", "grant"];
        let answers = one_after_the_other(Duration::from_secs(2), verbs);
        assert_eq!(answers, [true, true, true, true, false]);
    }

    #[test]
    fn one_call_too_many_is_not_begun() {
        let runtime = Arc::new(ManualRuntime::new());
        let guard = guard(&runtime, 2);
        let waiting = [begin(&runtime, &guard, pending()), begin(&runtime, &guard, pending())];
        let refused = begin(&runtime, &guard, async { panic!("it was begun") });
        assert_eq!(answer(&refused), Some(Err(StoreErrorKind::Unavailable)));
        assert!(waiting.iter().all(|outcome| answer(outcome).is_none()));
        runtime.advance(Duration::from_secs(3));
        assert_eq!(answer(&begin(&runtime, &guard, async { Ok(()) })), Some(Ok(())));
    }

    #[test]
    fn what_the_store_says_is_passed_on() {
        let runtime = Arc::new(ManualRuntime::new());
        let guard = guard(&runtime, 1);
        let mut call = Box::pin(async { Err(StoreErrorKind::Conflict.into()) });
        let answer = block_on(guard.around("verb", call.as_mut()));
        assert_eq!(answer.unwrap_err().kind(), StoreErrorKind::Conflict);
    }
}
