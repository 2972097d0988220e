//! The harness of faults of a node: failpoints around every call of a store, a clock that is off, and a random source that
//! fails or repeats itself.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use vouchsafe::async_trait;
use vouchsafe::clock::{Clock, SystemClock, Timestamp};
use vouchsafe::entropy::{Entropy, EntropyError, OsEntropy};
use vouchsafe::error::StoreError;
use vouchsafe::store::Around;

use super::orders::{Orders, Told};

/// The verb by which clients are found. They are configured, so no fault of a database reaches it.
const CLIENT_LOOK_UP: &str = "client";

/// The faults of one node. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Arc<State>);

#[derive(Debug, Default)]
struct State {
    orders: RwLock<Arc<Orders>>,
    /// Failpoints passed since the orders were given.
    passed: AtomicU64,
    calls: AtomicU64,
    injected: AtomicU64,
    drawn: Mutex<Drawn>,
}

/// What the random source gave last.
#[derive(Debug, Default)]
struct Drawn {
    bytes: Vec<u8>,
    given_again: bool,
}

impl Faults {
    /// Misbehaves as ordered from here on.
    pub(crate) fn obey(&self, orders: Orders) {
        self.0.passed.store(0, Ordering::SeqCst);
        *self.0.orders.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(orders);
    }

    /// What was ordered last.
    pub(crate) fn orders(&self) -> Arc<Orders> {
        Arc::clone(&self.0.orders.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What there is to tell.
    pub(crate) fn told(&self) -> Told {
        let count = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        Told { calls: count(&self.0.calls), faults: count(&self.0.injected), ..Told::default() }
    }

    fn injected(&self) {
        self.0.injected.fetch_add(1, Ordering::SeqCst);
    }

    /// A place between two steps, where a process dies or a panic begins.
    fn failpoint(&self, orders: &Orders) {
        let passed = self.0.passed.fetch_add(1, Ordering::SeqCst);
        if orders.dies_at.is_some_and(|at| passed >= at) {
            // As by kill -9: nothing is flushed, nothing is dropped.
            std::process::abort();
        }
        if orders.panics_one_in > 0 && passed.is_multiple_of(orders.panics_one_in) {
            self.injected();
            panic!("a failpoint panics");
        }
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
        let orders = self.orders();
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        self.failpoint(&orders);
        if orders.store_delay_ms > 0 {
            self.injected();
            tokio::time::sleep(Duration::from_millis(orders.store_delay_ms)).await;
        }
        let answer = call.await;
        self.failpoint(&orders);
        answer
    }
}

impl Clock for Faults {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(SystemClock.now().unix() + self.orders().clock_offset)
    }
}

impl Entropy for Faults {
    fn fill(&self, dest: &mut [u8]) -> Result<(), EntropyError> {
        let orders = self.orders();
        if orders.entropy_fails {
            self.injected();
            return Err(EntropyError);
        }
        if !orders.entropy_repeats {
            return OsEntropy.fill(dest);
        }
        let mut drawn = self.0.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        if drawn.bytes.len() == dest.len() && !drawn.given_again {
            self.injected();
            dest.copy_from_slice(&drawn.bytes);
            drawn.given_again = true;
            return Ok(());
        }
        OsEntropy.fill(dest)?;
        *drawn = Drawn { bytes: dest.to_vec(), given_again: false };
        Ok(())
    }
}
