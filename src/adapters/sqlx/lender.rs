//! Connections from one verb to the next.
//!
//! A pool tests every connection that it is given back: one round trip more for each verb. Of a connection whose last
//! answer was read to its end nothing has to be tested, so it waits here for the next verb, which takes it from the hands of
//! the last one where several wait. The pool has it back soon after the last verb, and now and then in between.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use sqlx::Pool;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use super::dialect::Dialect;
use super::failure::Failure;
use super::lent::Lent;
use super::row::Row;
use super::statements::Text;
use super::value::Value;

/// How often connections that wait are looked at: one that was there the last time goes back.
const LOOKED_AT: Duration = Duration::from_millis(50);

/// The same where others use the pool, who may wait for it.
const LOOKED_AT_SHARED: Duration = Duration::from_millis(2);

/// One that waited for longer, because nobody could look, goes through the pool before it is used.
const LONGEST: Duration = Duration::from_millis(500);

/// After so many verbs a connection goes through the pool, which knows how old it may become.
const MOST_VERBS: u32 = 256;

/// The same where others may wait for it.
const MOST_VERBS_SCARCE: u32 = 16;

/// Lends the connections of a pool. Clones share those that wait.
pub(super) struct Lender<E: Dialect> {
    pool: Pool<E::Database>,
    shelf: Arc<Shelf<E>>,
    /// As many as the pool has connections, so that verbs wait for each other here, in their order.
    places: Arc<Semaphore>,
    /// Whether others use the pool.
    shared: bool,
}

impl<E: Dialect> Clone for Lender<E> {
    fn clone(&self) -> Self {
        let (pool, shelf, places) = (self.pool.clone(), Arc::clone(&self.shelf), Arc::clone(&self.places));
        Self { pool, shelf, places, shared: self.shared }
    }
}

impl<E: Dialect> Lender<E> {
    /// Over a pool that nobody else uses.
    pub(super) fn own(pool: Pool<E::Database>) -> Self {
        Self::of(pool, LOOKED_AT, false)
    }

    /// Over a pool of the host's. Others who wait for a connection have it soon: one that no verb needs goes back within
    /// milliseconds, and where there is no other, after a few verbs.
    pub(super) fn hosted(pool: Pool<E::Database>) -> Self {
        Self::of(pool, LOOKED_AT_SHARED, true)
    }

    fn of(pool: Pool<E::Database>, looked_at: Duration, shared: bool) -> Self {
        let most = usize::try_from(pool.options().get_max_connections()).unwrap_or(usize::MAX);
        let places = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        let stock = Stock { idle: Vec::new(), runtime: None, looked_after: false };
        let shelf = Arc::new(Shelf { looked_at, stock: Mutex::new(stock) });
        Self { pool, shelf, places, shared }
    }

    /// A connection for one verb, within the time that the pool is told to wait for one.
    pub(super) async fn lend(&self) -> Result<Lent<E>, Failure> {
        let lent = timeout(self.pool.options().get_acquire_timeout(), self.lend_in_turn());
        lent.await.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(Failure::of::<E>)
    }

    async fn lend_in_turn(&self) -> Result<Lent<E>, sqlx::Error> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed)?;
        let lent = if self.pool.is_closed() {
            self.shelf.give_back();
            None
        } else {
            self.shelf.take()
        };
        let lent = match lent {
            Some(lent) => lent,
            None => Lent::of(&self.pool).await?,
        };
        Ok(lent.at(place))
    }

    /// Takes it back for the next verb, or leaves it to the pool.
    pub(super) fn take_back(&self, lent: Lent<E>) {
        let lent = lent.after_a_verb();
        let keeps = lent.is_clean() && lent.verbs() < self.most_verbs() && !self.pool.is_closed();
        if keeps {
            self.shelf.put(lent);
        }
    }

    /// How many verbs a connection serves before the pool has it in between: all go through a pool of the host's that is
    /// told to test each before it is used.
    fn most_verbs(&self) -> u32 {
        match self.shared {
            true if self.pool.options().get_test_before_acquire() => 0,
            true if !self.has_more() => MOST_VERBS_SCARCE,
            _ => MOST_VERBS,
        }
    }

    /// The rows of one statement.
    pub(super) async fn rows(
        &self,
        text: &'static Text,
        values: &[Value<'_>],
    ) -> Result<Vec<Row<E>>, Failure> {
        let mut lent = self.lend().await?;
        let rows = lent.rows(text, values).await?;
        self.take_back(lent);
        Ok(rows)
    }

    /// Runs one statement, and says how many rows it wrote.
    pub(super) async fn write(&self, text: &'static Text, values: &[Value<'_>]) -> Result<u64, Failure> {
        let mut lent = self.lend().await?;
        let rows = lent.write(text, values).await?;
        self.take_back(lent);
        Ok(rows)
    }

    /// Closes the pool, which waits for every connection.
    pub(super) async fn close(&self) {
        let closing = self.pool.close();
        self.shelf.give_back();
        closing.await;
    }

    /// Whether the pool has another connection, or may open one.
    fn has_more(&self) -> bool {
        self.pool.num_idle() > 0 || self.pool.size() < self.pool.options().get_max_connections()
    }
}

/// Where connections wait for a verb.
struct Shelf<E: Dialect> {
    /// How often they are looked at.
    looked_at: Duration,
    stock: Mutex<Stock<E>>,
}

struct Stock<E: Dialect> {
    /// The one that was used last is the first to be used again.
    idle: Vec<Idle<E>>,
    /// Where the last one came from. A task looks at them there as long as there are some.
    runtime: Option<Handle>,
    looked_after: bool,
}

struct Idle<E: Dialect> {
    lent: Lent<E>,
    since: Instant,
}

impl<E: Dialect> Shelf<E> {
    fn stock(&self) -> MutexGuard<'_, Stock<E>> {
        self.stock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one that was used last.
    fn take(&self) -> Option<Lent<E>> {
        let mut stock = self.stock();
        let last = stock.idle.pop()?;
        if last.since.elapsed() < LONGEST {
            return Some(last.lent);
        }
        // The others have waited for longer.
        stock.idle.push(last);
        drop(stock);
        self.give_back();
        None
    }

    /// Keeps a connection, if there is a runtime to look after it: otherwise it goes to the pool.
    fn put(self: &Arc<Self>, lent: Lent<E>) {
        let Ok(runtime) = Handle::try_current() else { return };
        let mut stock = self.stock();
        let (lent, place) = lent.without_place();
        stock.idle.push(Idle { lent, since: Instant::now() });
        stock.runtime = Some(runtime.clone());
        let is_looked_after = mem::replace(&mut stock.looked_after, true);
        // A runtime that has ended drops the task at once, and with it the mark, which takes the lock.
        drop(stock);
        drop(place);
        if !is_looked_after {
            // The task is not joined: it ends with the connections, or with its runtime.
            drop(runtime.spawn(look_after(LookingAfter(Arc::downgrade(self)), self.looked_at)));
        }
    }

    /// Gives back those that were there the last time. Returns whether there are more.
    fn look(&self) -> bool {
        let mut stock = self.stock();
        let gone: Vec<_> = stock.idle.extract_if(.., |idle| idle.since.elapsed() >= self.looked_at).collect();
        stock.looked_after = !stock.idle.is_empty();
        let goes_on = stock.looked_after;
        drop(stock);
        go_back(gone, &Handle::current());
        goes_on
    }

    /// Gives all of them back.
    fn give_back(&self) {
        let mut stock = self.stock();
        let (gone, stored) = (mem::take(&mut stock.idle), stock.runtime.clone());
        drop(stock);
        // This may be called, and dropped, outside of every runtime.
        if let Some(runtime) = Handle::try_current().ok().or(stored) {
            go_back(gone, &runtime);
        }
    }
}

/// Gives connections back from a runtime, which may have ended.
fn go_back<E: Dialect>(gone: Vec<Idle<E>>, runtime: &Handle) {
    let _entered = (!gone.is_empty()).then(|| runtime.enter());
    for idle in gone {
        // Nobody waits for it: in a runtime that has ended the connection is dropped at once.
        drop(runtime.spawn(idle.lent.go_back()));
    }
}

impl<E: Dialect> Drop for Shelf<E> {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// The mark that a task looks after the connections. When the task ends before them, so do they: their runtime ends.
struct LookingAfter<E: Dialect>(Weak<Shelf<E>>);

impl<E: Dialect> Drop for LookingAfter<E> {
    fn drop(&mut self) {
        if let Some(shelf) = self.0.upgrade() {
            shelf.stock().looked_after = false;
            shelf.give_back();
        }
    }
}

async fn look_after<E: Dialect>(mut mark: LookingAfter<E>, looked_at: Duration) {
    loop {
        sleep(looked_at).await;
        if !mark.0.upgrade().is_some_and(|shelf| shelf.look()) {
            // The next task may have begun: the mark is its own.
            mark.0 = Weak::new();
            return;
        }
    }
}

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests {
    use futures_util::FutureExt as _;
    use futures_util::future::join_all;
    use sqlx::SqlitePool;
    use sqlx::sqlite::SqlitePoolOptions;

    use super::*;
    use crate::adapters::sqlx::Sqlite;

    /// By when a connection that waits has long been given back.
    const LONG: Duration = Duration::from_secs(20);

    static NOTHING: Text = Text::numbered("SELECT 1");

    fn pool(connections: u32) -> SqlitePool {
        let options = SqlitePoolOptions::new().max_connections(connections).acquire_timeout(LONG);
        options.test_before_acquire(false).connect_lazy("sqlite::memory:").unwrap()
    }

    async fn verb(lender: &Lender<Sqlite>) {
        lender.rows(&NOTHING, &[]).await.unwrap();
    }

    fn waiting(lender: &Lender<Sqlite>) -> usize {
        lender.shelf.stock().idle.len()
    }

    /// Whoever shares the pool has all of it soon.
    async fn all_come_back(pool: &SqlitePool) {
        let all = join_all((0..pool.options().get_max_connections()).map(|_| pool.acquire()));
        for connection in timeout(LONG, all).await.expect("they come back") {
            drop(connection.unwrap());
        }
        let at_rest = async {
            while pool.num_idle() < pool.size() as usize {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(LONG, at_rest).await.expect("nobody has one");
    }

    #[tokio::test]
    async fn a_connection_waits_for_the_next_verb_and_then_goes_back() {
        let pool = pool(2);
        for lender in [Lender::own(pool.clone()), Lender::hosted(pool.clone())] {
            // A task looks after it, and then another one.
            for _ in 0..2 {
                for _ in 0..3 {
                    verb(&lender).await;
                    assert_eq!(waiting(&lender), 1);
                }
                all_come_back(&pool).await;
                assert_eq!(waiting(&lender), 0);
            }
        }
        assert_eq!(pool.size(), 2);
    }

    #[tokio::test]
    async fn verbs_hand_their_connection_to_each_other() {
        let lender = Lender::<Sqlite>::own(pool(1));
        let mut lent = lender.lend().await.unwrap();
        lent.rows(&NOTHING, &[]).await.unwrap();
        let mut next = Box::pin(lender.lend());
        assert!(next.as_mut().now_or_never().is_none(), "there is one");
        lender.take_back(lent);
        let handed = next.now_or_never().expect("it does not go by the pool").unwrap();
        assert_eq!(handed.verbs(), 1);
    }

    /// Where nothing is left of a pool, whoever shares it has a connection after a few verbs, though more are waiting.
    #[tokio::test]
    async fn whoever_shares_a_pool_has_its_turn() {
        for connections in [1, 3] {
            let pool = pool(connections);
            let lender = Lender::<Sqlite>::hosted(pool.clone());
            let mut all = Vec::new();
            for _ in 0..connections {
                all.push(lender.lend().await.unwrap());
            }
            let other = tokio::spawn(async move { drop(pool.acquire().await.unwrap()) });
            tokio::task::yield_now().await;
            all.into_iter().for_each(|lent| lender.take_back(lent));
            let mut verbs = 0;
            while !other.is_finished() {
                assert!(verbs < 2 * MOST_VERBS_SCARCE, "it has none after {verbs} verbs");
                verb(&lender).await;
                verbs += 1;
            }
            other.await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_host_that_shares_all_of_its_pool_has_it_back_soon() {
        let pool = pool(8);
        let lender = Lender::<Sqlite>::hosted(pool.clone());
        let lent: Vec<_> = join_all((0..8).map(|_| lender.lend())).await;
        lent.into_iter().for_each(|lent| lender.take_back(lent.unwrap()));
        assert_eq!(waiting(&lender), 8);
        assert_eq!(lender.shelf.looked_at, LOOKED_AT_SHARED);
        all_come_back(&pool).await;
        assert_eq!(waiting(&lender), 0);
    }

    #[tokio::test]
    async fn a_pool_that_tests_each_connection_keeps_all_of_them() {
        let pool = SqlitePoolOptions::new().max_connections(2).connect_lazy("sqlite::memory:").unwrap();
        let lender = Lender::hosted(pool);
        verb(&lender).await;
        assert_eq!(waiting(&lender), 0);
    }

    #[tokio::test]
    async fn after_many_verbs_the_pool_has_it_in_between() {
        let lender = Lender::own(pool(1));
        for _ in 1..MOST_VERBS {
            verb(&lender).await;
            assert_eq!(waiting(&lender), 1);
        }
        verb(&lender).await;
        assert_eq!(waiting(&lender), 0);
    }

    #[tokio::test]
    async fn one_that_waited_for_too_long_goes_through_the_pool() {
        let lender = Lender::own(pool(1));
        verb(&lender).await;
        lender.shelf.stock().idle[0].since -= LONGEST;
        assert_eq!(lender.lend().await.unwrap().verbs(), 0);
    }

    #[tokio::test]
    async fn a_transaction_that_was_not_ended_is_not_kept() {
        let lender = Lender::own(pool(2));
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
        static LONG_WORK: Text = Text::numbered(
            "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT 1000000) \
             SELECT MAX(n) FROM numbers",
        );
        let lender = Lender::own(pool(2));
        let mut lent = lender.lend().await.unwrap();
        assert!(lent.rows(&LONG_WORK, &[]).now_or_never().is_none(), "it is dropped before it has an answer");
        lender.take_back(lent);
        assert_eq!(waiting(&lender), 0);
    }

    #[tokio::test]
    async fn whoever_waits_for_too_long_is_told_so() {
        let options = SqlitePoolOptions::new().max_connections(1).acquire_timeout(Duration::from_millis(1));
        let lender = Lender::<Sqlite>::own(options.connect_lazy("sqlite::memory:").unwrap());
        let held = timeout(LONG, async {
            loop {
                // Opening it may take longer, too.
                if let Ok(lent) = lender.lend().await {
                    break lent;
                }
            }
        });
        let held = held.await.unwrap();
        assert!(lender.lend().await.is_err());
        lender.take_back(held);
        lender.lend().await.unwrap();
    }

    #[tokio::test]
    async fn closing_does_not_wait_for_what_waits() {
        let lender = Lender::<Sqlite>::own(pool(2));
        verb(&lender).await;
        let mut closing = Box::pin(lender.close());
        let _ = closing.as_mut().now_or_never();
        assert_eq!(waiting(&lender), 0, "it is not left to who looks after it");
        timeout(LONG, closing).await.expect("all come back");
        assert!(lender.lend().await.is_err());
    }

    #[tokio::test]
    async fn a_host_may_close_its_pool() {
        let pool = pool(2);
        let lender = Lender::<Sqlite>::hosted(pool.clone());
        verb(&lender).await;
        timeout(LONG, pool.close()).await.expect("all come back");
        assert!(lender.lend().await.is_err());
    }

    /// A host drops its stores after its runtime, or outside of it.
    #[test]
    fn what_waits_may_be_dropped_anywhere() {
        for runtime_first in [true, false] {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let lender = runtime.block_on(async {
                let lender = Lender::own(pool(2));
                verb(&lender).await;
                lender
            });
            if runtime_first {
                drop(runtime);
            }
            drop(lender);
        }
    }

    /// A store that was opened in one runtime, as for a migration, serves in another.
    #[test]
    fn what_waits_ends_with_its_runtime() {
        let begun = || tokio::runtime::Runtime::new().unwrap();
        let runtime = begun();
        let (pool, lender) = runtime.block_on(async {
            let pool = pool(2);
            let lender = Lender::own(pool.clone());
            verb(&lender).await;
            assert_eq!(waiting(&lender), 1);
            (pool, lender)
        });
        drop(runtime);
        assert_eq!(waiting(&lender), 0);
        begun().block_on(async {
            verb(&lender).await;
            all_come_back(&pool).await;
        });
    }

    /// SQLite answers from a thread of its own, so a verb may end where the runtime has ended.
    #[test]
    fn a_verb_may_end_after_its_runtime() {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let handle = runtime.handle().clone();
        let (lender, lent) = runtime.block_on(async {
            let lender = Lender::own(pool(2));
            let lent = lender.lend().await.unwrap();
            (lender, lent)
        });
        drop(runtime);
        let _entered = handle.enter();
        lender.take_back(lent);
        assert_eq!(waiting(&lender), 0, "nobody would look after it");
    }
}
