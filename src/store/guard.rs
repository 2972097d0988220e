//! Limits around stores: a store that is slow or gone must not take everything else with it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Around, Stores};
use crate::error::{StoreError, StoreErrorKind};
use crate::runtime::{Places, Runtime, within};

/// How long a store may take to answer, and how many may wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreLimits {
    /// How long a call may take: 100 milliseconds to 60 seconds, default 3 seconds. Then it is dropped; what became of
    /// it is not known, so the caller is told `Unavailable`.
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
    /// How long a call may take: 100 milliseconds to 60 seconds.
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

#[async_trait]
impl Around for Guard {
    async fn around(
        &self,
        _: &'static str,
        call: Pin<&mut (dyn Future<Output = Result<(), StoreError>> + Send + '_)>,
    ) -> Result<(), StoreError> {
        let Some(_place) = self.places.take() else {
            return Err(StoreError::new(StoreErrorKind::Unavailable, "too many calls are under way"));
        };
        within(&*self.runtime, self.deadline, call).await.unwrap_or_else(|| {
            Err(StoreError::new(StoreErrorKind::Unavailable, "the store did not answer in its time"))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Mutex;

    use super::*;
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
