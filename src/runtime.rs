//! What the library needs of an async runtime, as a port.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
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

/// What `call` answers within `bound`; `None` when it has not answered by then.
///
/// One that answers at once, as a store in memory does, costs no timer.
pub(crate) async fn within<T>(
    runtime: &dyn Runtime,
    bound: Duration,
    mut call: impl Future<Output = T> + Unpin,
) -> Option<T> {
    let mut sleep = None;
    poll_fn(|cx| {
        if let Poll::Ready(answer) = Pin::new(&mut call).poll(cx) {
            return Poll::Ready(Some(answer));
        }
        sleep.get_or_insert_with(|| runtime.sleep(bound)).as_mut().poll(cx).map(|()| None)
    })
    .await
}

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

/// Places of which each key may have a share and no more.
#[derive(Debug)]
pub(crate) struct Shares<K: Ord> {
    taken: Arc<Mutex<BTreeMap<K, usize>>>,
    of_each: usize,
}

/// One taken place of a key's share, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Share<K: Ord> {
    taken: Arc<Mutex<BTreeMap<K, usize>>>,
    key: K,
}

impl<K: Clone + Ord> Shares<K> {
    /// `of_each` places for every key.
    pub(crate) fn new(of_each: usize) -> Self {
        Self { taken: Arc::default(), of_each }
    }

    /// Takes a place of the share of `key`; `None` when it has none left.
    pub(crate) fn take(&self, key: &K) -> Option<Share<K>> {
        let mut taken = lock(&self.taken);
        let count = taken.entry(key.clone()).or_default();
        if *count >= self.of_each {
            return None;
        }
        *count += 1;
        drop(taken);
        Some(Share { taken: Arc::clone(&self.taken), key: key.clone() })
    }
}

impl<K: Ord> Drop for Share<K> {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        if let Some(count) = taken.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.key);
            }
        }
    }
}

fn lock<K>(taken: &Mutex<BTreeMap<K, usize>>) -> MutexGuard<'_, BTreeMap<K, usize>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_keys_own_and_comes_back() {
        let shares = Shares::new(2);
        let first = shares.take(&"a");
        let second = shares.take(&"a");
        assert!(first.is_some() && second.is_some() && shares.take(&"a").is_none());
        assert!(shares.take(&"b").is_some());
        drop(first);
        assert!(shares.take(&"a").is_some());
        drop(second);
        assert!(lock(&shares.taken).is_empty(), "nothing is kept of who has nothing");
    }
}
