//! Imported slow hashes of client secrets: a bounded number at once, each paid once.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crate::client::SlowHash;
use crate::error::{Internal, Reason, Rejection, Result};
use crate::provider::context::Context;
use crate::runtime::Runtime;
use crate::secret::{Secret, mac};

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
    free: Arc<AtomicUsize>,
    verified: Mutex<Verified>,
}

impl SlowHashes {
    /// At most `at_once` hashes are computed at a time.
    pub(crate) fn new(hasher: Arc<dyn SlowHash>, runtime: Arc<dyn Runtime>, at_once: usize) -> Self {
        let free = Arc::new(AtomicUsize::new(at_once));
        Self { hasher, runtime, free, verified: Mutex::default() }
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
        if self.lock(|verified| verified.seen.contains(&digest)) {
            return Ok(true);
        }
        let matches = self.compute(hash.to_owned(), presented.clone()).await?;
        if matches {
            self.lock(|verified| verified.remember(digest));
        }
        Ok(matches)
    }

    async fn compute(&self, hash: String, presented: Secret) -> Result<bool> {
        let slot = Slot::take(&self.free)
            .ok_or_else(|| Rejection::from(Reason::HashingBusy).with_retry_after(BUSY))?;
        let (hasher, answer) = (Arc::clone(&self.hasher), Arc::new(OnceLock::new()));
        let work = {
            let answer = Arc::clone(&answer);
            Box::new(move || {
                // The slot is given back when the work ends, also when nobody waits for it any more.
                let _slot = slot;
                answer.get_or_init(|| hasher.verify(&hash, presented.expose().as_bytes()));
            })
        };
        self.runtime.blocking(work).await;
        match answer.get() {
            Some(matches) => Ok(*matches),
            None => Err(Internal::new("could not verify a hash", "the work left no result").into()),
        }
    }

    fn lock<T>(&self, work: impl FnOnce(&mut Verified) -> T) -> T {
        work(&mut self.verified.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for SlowHashes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlowHashes").field("hasher", &self.hasher).finish_non_exhaustive()
    }
}

/// Keyed digests of pairs of hash and secret that were found to match. A removed hash is never asked for again.
#[derive(Default)]
struct Verified {
    seen: HashSet<[u8; 32]>,
    order: VecDeque<[u8; 32]>,
}

impl Verified {
    fn remember(&mut self, digest: [u8; 32]) {
        if self.seen.insert(digest) {
            self.order.push_back(digest);
        }
        if self.order.len() > MAX_VERIFIED
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
    }
}

/// One of the places in which a hash may be computed.
struct Slot(Arc<AtomicUsize>);

impl Slot {
    fn take(free: &Arc<AtomicUsize>) -> Option<Self> {
        let taken = free.fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| free.checked_sub(1));
        taken.is_ok().then(|| Self(Arc::clone(free)))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}
