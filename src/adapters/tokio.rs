//! [`Runtime`] over tokio.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use tokio::runtime::{Handle, TryCurrentError};
use tokio::time::Instant;

use crate::runtime::Runtime;

/// A tokio runtime as the library's [`Runtime`]. It needs the runtime's time driver.
#[derive(Clone, Debug)]
pub struct TokioRuntime {
    handle: Handle,
    started: Instant,
}

impl TokioRuntime {
    /// The runtime behind `handle`.
    #[must_use]
    pub fn new(handle: Handle) -> Self {
        Self { handle, started: Instant::now() }
    }

    /// The runtime that this is called in.
    ///
    /// # Errors
    /// [`TryCurrentError`] when it is called outside of one.
    pub fn current() -> Result<Self, TryCurrentError> {
        Handle::try_current().map(Self::new)
    }
}

#[async_trait]
impl Runtime for TokioRuntime {
    fn spawn(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>) {
        // The task is not joined: it runs on without its handle.
        drop(self.handle.spawn(task));
    }

    async fn sleep(&self, duration: Duration) {
        let sleep = {
            // The caller may be on another executor; the timer has to be this runtime's.
            let _entered = self.handle.enter();
            tokio::time::sleep(duration)
        };
        sleep.await;
    }

    async fn blocking(&self, work: Box<dyn FnOnce() + Send>) {
        // An error says that the work panicked or the runtime ends: either way it left no result to see.
        let _ended = self.handle.spawn_blocking(work).await;
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, mpsc};

    use super::*;

    #[tokio::test]
    async fn a_panic_in_blocking_work_stays_there() {
        let runtime = TokioRuntime::current().unwrap();
        runtime.blocking(Box::new(|| panic!("the work dies"))).await;
        let done = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&done);
        runtime.blocking(Box::new(move || flag.store(true, Ordering::SeqCst))).await;
        assert!(done.load(Ordering::SeqCst));
    }

    #[test]
    fn it_serves_callers_outside_of_it() {
        let tokio =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
        let runtime = TokioRuntime::new(tokio.handle().clone());
        let (sent, received) = mpsc::channel();
        let before = runtime.elapsed();
        runtime.spawn(Box::pin(async move { sent.send(()).unwrap() }));
        received.recv().unwrap();
        assert!(TokioRuntime::current().is_err());
        assert!(runtime.elapsed() >= before);
    }
}
