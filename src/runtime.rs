//! What the library needs of an async runtime, as a port.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
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
