//! Connections from one verb to the next.
//!
//! A pool tests every connection that it is given back: one round trip more for each verb. Of a connection whose last
//! answer was read to its end nothing has to be tested, so it waits here for the next verb. The pool has it back soon
//! after the last one, now and then in between, and at once when it has no other left, for whoever else uses the pool.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use sqlx::Pool;
use tokio::runtime::Handle;

use super::dialect::Dialect;
use super::failure::Failure;
use super::lent::Lent;

/// How often connections that wait are looked at: one that was there the last time goes back.
const LOOKED_AT: Duration = Duration::from_millis(50);

/// After so many verbs a connection goes through the pool, which knows how old it may become.
const MOST_VERBS: u32 = 256;

/// Lends the connections of a pool. Clones share those that wait.
pub(super) struct Lender<E: Dialect> {
    pool: Pool<E::Database>,
    waiting: Arc<Waiting<E>>,
}

impl<E: Dialect> Clone for Lender<E> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), waiting: Arc::clone(&self.waiting) }
    }
}

impl<E: Dialect> Lender<E> {
    pub(super) fn of(pool: Pool<E::Database>) -> Self {
        Self { pool, waiting: Arc::new(Waiting(Mutex::default())) }
    }

    /// A connection for one verb.
    pub(super) async fn lend(&self) -> Result<Lent<E>, Failure> {
        if self.pool.is_closed() {
            self.waiting.give_back();
        }
        match self.waiting.take() {
            Some(lent) => Ok(lent),
            None => Lent::of(&self.pool).await,
        }
    }

    /// Takes it back for the next verb, or leaves it to the pool.
    pub(super) fn take_back(&self, mut lent: Lent<E>) {
        lent.verbs += 1;
        let keeps = lent.is_clean() && lent.verbs < MOST_VERBS && !self.pool.is_closed() && self.has_more();
        if let (true, Ok(runtime)) = (keeps, Handle::try_current()) {
            self.waiting.put(lent, runtime);
        }
    }

    /// Closes the pool, which waits for every connection.
    pub(super) async fn close(&self) {
        let closing = self.pool.close();
        self.waiting.give_back();
        closing.await;
    }

    /// Whether the pool has another connection, or may open one.
    fn has_more(&self) -> bool {
        self.pool.num_idle() > 0 || self.pool.size() < self.pool.options().get_max_connections()
    }
}

/// The connections that wait for a verb.
struct Waiting<E: Dialect>(Mutex<Shelf<E>>);

struct Shelf<E: Dialect> {
    /// The one that was used last is the first to be used again.
    idle: Vec<Idle<E>>,
    /// Where they are given back, once there was one. A task looks at them there as long as there are some.
    runtime: Option<Handle>,
    looked_after: bool,
}

struct Idle<E: Dialect> {
    lent: Lent<E>,
    seen: bool,
}

impl<E: Dialect> Default for Shelf<E> {
    fn default() -> Self {
        Self { idle: Vec::new(), runtime: None, looked_after: false }
    }
}

impl<E: Dialect> Waiting<E> {
    fn shelf(&self) -> MutexGuard<'_, Shelf<E>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Lent<E>> {
        self.shelf().idle.pop().map(|idle| idle.lent)
    }

    fn put(self: &Arc<Self>, lent: Lent<E>, runtime: Handle) {
        let mut shelf = self.shelf();
        shelf.idle.push(Idle { lent, seen: false });
        if !shelf.looked_after {
            shelf.looked_after = true;
            // The task is not joined: it ends with the connections, or with its runtime.
            drop(runtime.spawn(look_after(LookingAfter(Arc::downgrade(self)))));
        }
        shelf.runtime = Some(runtime);
    }

    /// Gives back those that were there the last time. Returns whether there are more.
    fn look(&self) -> bool {
        let mut shelf = self.shelf();
        let gone: Vec<_> = shelf.idle.extract_if(.., |idle| idle.seen).collect();
        shelf.idle.iter_mut().for_each(|idle| idle.seen = true);
        shelf.looked_after = !shelf.idle.is_empty();
        let goes_on = shelf.looked_after;
        drop(shelf);
        drop(gone);
        goes_on
    }

    fn give_back(&self) {
        let mut shelf = self.shelf();
        let (gone, runtime) = (std::mem::take(&mut shelf.idle), shelf.runtime.clone());
        drop(shelf);
        // Giving one back takes a runtime, and this may be called, and dropped, outside of it.
        let _entered = runtime.as_ref().map(Handle::enter);
        drop(gone);
    }
}

impl<E: Dialect> Drop for Waiting<E> {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// The mark that a task looks after the connections; it goes with the task, however that ends.
struct LookingAfter<E: Dialect>(Weak<Waiting<E>>);

impl<E: Dialect> Drop for LookingAfter<E> {
    fn drop(&mut self) {
        if let Some(waiting) = self.0.upgrade() {
            waiting.shelf().looked_after = false;
        }
    }
}

async fn look_after<E: Dialect>(mut mark: LookingAfter<E>) {
    loop {
        tokio::time::sleep(LOOKED_AT).await;
        if !mark.0.upgrade().is_some_and(|waiting| waiting.look()) {
            // The next task may have begun: the mark is its own.
            mark.0 = Weak::new();
            return;
        }
    }
}

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests {
    use sqlx::SqlitePool;
    use sqlx::sqlite::SqlitePoolOptions;
    use tokio::time::timeout;

    use super::*;
    use crate::adapters::sqlx::Sqlite;
    use crate::adapters::sqlx::statements::Text;

    /// By when a connection that waits has long been given back.
    const LONG: Duration = Duration::from_secs(20);

    static NOTHING: Text = Text::numbered("SELECT 1");

    fn pool(connections: u32) -> SqlitePool {
        let options = SqlitePoolOptions::new().max_connections(connections).acquire_timeout(LONG);
        options.connect_lazy("sqlite::memory:").unwrap()
    }

    async fn verb(lender: &Lender<Sqlite>) {
        let mut lent = lender.lend().await.unwrap();
        lent.rows(&NOTHING, &[]).await.unwrap();
        lender.take_back(lent);
    }

    fn waiting(lender: &Lender<Sqlite>) -> usize {
        lender.waiting.shelf().idle.len()
    }

    #[tokio::test]
    async fn a_connection_waits_for_the_next_verb_and_then_goes_back() {
        let pool = pool(2);
        let lender = Lender::of(pool.clone());
        for _ in 0..3 {
            verb(&lender).await;
            assert_eq!((waiting(&lender), pool.size()), (1, 1), "it is used again");
        }
        let both = timeout(LONG, async { [pool.acquire().await.unwrap(), pool.acquire().await.unwrap()] });
        drop(both.await.expect("whoever shares the pool has all of it soon"));
        assert_eq!(waiting(&lender), 0);
        verb(&lender).await;
        assert_eq!(waiting(&lender), 1, "another task looks after it");
        drop(timeout(LONG, pool.acquire()).await.unwrap().unwrap());
    }

    #[tokio::test]
    async fn the_last_connection_of_a_pool_is_never_kept() {
        let lender = Lender::of(pool(1));
        verb(&lender).await;
        assert_eq!(waiting(&lender), 0);
    }

    #[tokio::test]
    async fn after_many_verbs_the_pool_has_it_in_between() {
        let lender = Lender::of(pool(2));
        let mut lent = lender.lend().await.unwrap();
        lent.verbs = MOST_VERBS - 2;
        lender.take_back(lent);
        assert_eq!(waiting(&lender), 1);
        verb(&lender).await;
        assert_eq!(waiting(&lender), 0);
    }

    #[tokio::test]
    async fn a_transaction_that_was_not_ended_is_not_kept() {
        let lender = Lender::of(pool(2));
        let mut lent = lender.lend().await.unwrap();
        drop(lent.begin().await.unwrap());
        lender.take_back(lent);
        assert_eq!(waiting(&lender), 0);
        for commits in [true, false] {
            let mut lent = lender.lend().await.unwrap();
            let writing = lent.begin().await.unwrap();
            if commits { writing.commit().await } else { writing.roll_back().await }.unwrap();
            lender.take_back(lent);
            assert_eq!(waiting(&lender), 1);
        }
    }

    #[tokio::test]
    async fn a_verb_that_was_dropped_half_way_is_not_kept() {
        let lender = Lender::of(pool(2));
        let mut lent = lender.lend().await.unwrap();
        let rows = lent.rows(&NOTHING, &[]);
        assert!(timeout(Duration::ZERO, rows).await.is_err(), "it was dropped");
        lender.take_back(lent);
        assert_eq!(waiting(&lender), 0);
    }

    #[tokio::test]
    async fn closing_does_not_wait_for_what_waits() {
        for closed_by_the_host in [true, false] {
            let pool = pool(2);
            let lender = Lender::<Sqlite>::of(pool.clone());
            verb(&lender).await;
            let closing =
                async { if closed_by_the_host { pool.close().await } else { lender.close().await } };
            timeout(LONG, closing).await.expect("it has all of its connections");
            assert!(lender.lend().await.is_err());
        }
    }

    /// A host drops its stores after its runtime, or outside of it.
    #[test]
    fn what_waits_may_be_dropped_anywhere() {
        for runtime_first in [true, false] {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let lender = runtime.block_on(async {
                let lender = Lender::of(pool(2));
                verb(&lender).await;
                lender
            });
            if runtime_first {
                runtime.shutdown_background();
            }
            drop(lender);
        }
    }
}
