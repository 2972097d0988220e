//! Imported slow hashes of client secrets: a bounded number at once, each paid once.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crate::client::SlowHash;
use crate::error::{Internal, Reason, Rejection, Result};
use crate::provider::context::Context;
use crate::runtime::{Places, Runtime};
use crate::secret::{Secret, mac};
use crate::types::Remembered;

/// Most verified secrets that are remembered; the oldest goes first.
const MAX_VERIFIED: usize = 4096;

/// Longest secret that is hashed slowly.
const MAX_SECRET_BYTES: usize = 1024;

/// After how long to try again when all places are taken: about the time of one slow hash.
const BUSY: Duration = Duration::from_secs(1);

/// Verifies presented secrets against imported hashes, away from the threads that serve requests.
pub(crate) struct SlowHashes {
    hasher: Arc<dyn SlowHash>,
    runtime: Arc<dyn Runtime>,
    places: Places,
    /// Keyed digests of pairs of hash and secret that were found to match. A removed hash is never asked for again.
    verified: Mutex<Remembered<[u8; 32], ()>>,
}

impl SlowHashes {
    /// At most `at_once` hashes are computed at a time.
    pub(crate) fn new(hasher: Arc<dyn SlowHash>, runtime: Arc<dyn Runtime>, at_once: usize) -> Self {
        let verified = Mutex::new(Remembered::up_to(MAX_VERIFIED));
        Self { hasher, runtime, places: Places::new(at_once), verified }
    }

    /// Whether `hash` is of the presented secret.
    ///
    /// # Errors
    /// [`Reason::HashingBusy`] when all places are taken.
    pub(crate) async fn matches(&self, cx: &Context<'_>, hash: &str, presented: &Secret) -> Result<bool> {
        if presented.expose().len() > MAX_SECRET_BYTES {
            return Ok(false);
        }
        let digest =
            mac(cx.secrets.pepper().1, &[b"verified", hash.as_bytes(), presented.expose().as_bytes()]);
        if self.lock(|verified| verified.get(&digest).is_some()) {
            return Ok(true);
        }
        let matches = self.compute(hash.to_owned(), presented.clone()).await?;
        if matches {
            self.lock(|verified| verified.remember(digest, ()));
        }
        Ok(matches)
    }

    async fn compute(&self, hash: String, presented: Secret) -> Result<bool> {
        let place =
            self.places.take().ok_or_else(|| Rejection::from(Reason::HashingBusy).with_retry_after(BUSY))?;
        let (hasher, answer) = (Arc::clone(&self.hasher), Arc::new(OnceLock::new()));
        let work = {
            let answer = Arc::clone(&answer);
            Box::new(move || {
                // The place is given back when the work ends, also when nobody waits for it any more.
                let _place = place;
                answer.get_or_init(|| hasher.verify(&hash, presented.expose().as_bytes()));
            })
        };
        self.runtime.blocking(work).await;
        match answer.get() {
            Some(matches) => Ok(*matches),
            None => Err(Internal::new("could not verify a hash", "the work left no result").into()),
        }
    }

    fn lock<T>(&self, work: impl FnOnce(&mut Remembered<[u8; 32], ()>) -> T) -> T {
        work(&mut self.verified.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for SlowHashes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlowHashes").field("hasher", &self.hasher).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;

    use super::*;
    use crate::event::Endpoint;
    use crate::provider::context::Arrival;
    use crate::testing::{Harness, abandon, block_on};

    /// A hash that is its secret; counts what it costs.
    #[derive(Debug, Default)]
    struct Plain(AtomicUsize);

    impl SlowHash for Plain {
        fn verify(&self, hash: &str, secret: &[u8]) -> bool {
            self.0.fetch_add(1, Ordering::SeqCst);
            assert_ne!(hash, "broken", "this hash breaks the hasher");
            hash.as_bytes() == secret
        }
    }

    /// A runtime whose blocking work waits until it is let go.
    #[derive(Default)]
    struct Stalled(Mutex<Vec<Box<dyn FnOnce() + Send>>>);

    #[async_trait]
    impl Runtime for Stalled {
        fn spawn(&self, _: Pin<Box<dyn Future<Output = ()> + Send>>) {}

        async fn sleep(&self, _: Duration) {}

        async fn blocking(&self, work: Box<dyn FnOnce() + Send>) {
            self.0.lock().unwrap().push(work);
            std::future::pending().await
        }

        fn elapsed(&self) -> Duration {
            Duration::ZERO
        }
    }

    impl fmt::Debug for Stalled {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Stalled")
        }
    }

    fn with_context(check: impl FnOnce(&Harness, &Context<'_>)) {
        let h = Harness::new();
        let arrival = Arrival::at(Endpoint::Token, &h.provider().0);
        check(&h, &arrival.context());
    }

    #[test]
    fn a_hash_is_paid_once_for_each_secret_that_matches() {
        with_context(|_, cx| {
            let hasher = Arc::new(Plain::default());
            let runtime = Arc::new(crate::testing::ManualRuntime::new());
            let slow = SlowHashes::new(hasher.clone(), runtime, 1);
            let ask =
                |hash: &str, secret: &str| block_on(slow.matches(cx, hash, &Secret::new(secret))).unwrap();
            assert!(ask("a", "a") && ask("a", "a"));
            assert_eq!(hasher.0.load(Ordering::SeqCst), 1);
            assert!(!ask("a", "b") && !ask("a", "b"));
            assert_eq!(hasher.0.load(Ordering::SeqCst), 3);
            assert!(!ask("b", "a"), "a match counts for its own hash alone");
            assert!(!ask("x", &"x".repeat(MAX_SECRET_BYTES + 1)));
            assert_eq!(hasher.0.load(Ordering::SeqCst), 4);
        });
    }

    /// A request that is gone holds its place until the work that it began has ended, and not longer.
    #[test]
    fn beyond_the_bound_clients_are_sent_away() {
        with_context(|_, cx| {
            let runtime = Arc::new(Stalled::default());
            let slow = SlowHashes::new(Arc::new(Plain::default()), runtime.clone(), 1);
            let secret = Secret::new("a");
            assert!(abandon(slow.matches(cx, "a", &secret), 1).is_none());
            let busy = block_on(slow.matches(cx, "a", &secret)).unwrap_err();
            assert_eq!(busy.reason(), Reason::HashingBusy);
            let begun = std::mem::take(&mut *runtime.0.lock().unwrap());
            begun.into_iter().for_each(|work| work());
            assert!(abandon(slow.matches(cx, "a", &secret), 1).is_none());
            assert_eq!(runtime.0.lock().unwrap().len(), 1);
        });
    }

    #[test]
    fn a_hasher_that_panics_lets_nobody_in_and_gives_its_place_back() {
        with_context(|_, cx| {
            let runtime = Arc::new(crate::testing::ManualRuntime::new());
            let slow = SlowHashes::new(Arc::new(Plain::default()), runtime, 1);
            let failed = block_on(slow.matches(cx, "broken", &Secret::new("a"))).unwrap_err();
            assert_eq!(failed.reason(), Reason::InternalFault);
            assert!(block_on(slow.matches(cx, "a", &Secret::new("a"))).unwrap());
        });
    }
}
