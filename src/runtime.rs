//! What the library needs of an async runtime, as a port.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;

/// Spawning, waiting and blocking work, given by the host.
///
/// Only parts that run in the background, wait, or hash slowly need one; `build()` refuses a provider that
/// needs one and has none. The feature `tokio` has an adapter.
#[async_trait]
pub trait Runtime: Debug + Send + Sync {
    /// Runs `task` to its end in the background. It may be dropped when the process ends.
    fn spawn(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>);

    /// Waits for at least `duration`.
    async fn sleep(&self, duration: Duration);

    /// Runs `work` where it may occupy a thread, and waits for it.
    ///
    /// A panic in `work` must not reach the caller as a panic; the caller sees that no result was left.
    async fn blocking(&self, work: Box<dyn FnOnce() + Send>);

    /// Time since some fixed moment of this process. It must never go back.
    fn elapsed(&self) -> Duration;
}

const _: fn(&dyn Runtime) = |_| ();

/// A bounded number of places, each for one piece of work at a time.
#[derive(Clone, Debug)]
pub(crate) struct Places(Arc<AtomicUsize>);

/// One taken place, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place(Places);

impl Places {
    /// `count` places, all of them free.
    pub(crate) fn new(count: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(count)))
    }

    /// Takes a place; `None` when there is none.
    pub(crate) fn take(&self) -> Option<Place> {
        let taken = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| free.checked_sub(1));
        taken.is_ok().then(|| Place(self.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::AcqRel);
    }
}
