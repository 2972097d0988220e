//! A connection while a verb has it, and the one place where statements are run.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, Pool, SqlSafeStr as _, Transaction};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::dialect::{ConnectionOf, Dialect};
use super::failure::Failure;
use super::row::Row;
use super::statements::Text;
use super::value::Value;
use crate::error::{StoreError, StoreErrorKind};

/// How long a server may take to answer a test; then it is taken to be gone.
const PATIENCE: Duration = Duration::from_secs(2);

/// A row that must have been written, in a transaction that has seen to it.
pub(super) fn written(rows: u64) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreErrorKind::Unavailable.into()) }
}

/// A connection for one verb.
pub(super) struct Lent<E: Dialect> {
    connection: PoolConnection<E::Database>,
    under_way: UnderWay,
    /// How many verbs it has served since the pool gave it.
    verbs: u32,
    /// Among the verbs that have a connection, as long as it is for one.
    place: Option<OwnedSemaphorePermit>,
}

/// What is known of a connection when it is given back.
#[derive(Default)]
struct UnderWay {
    /// A statement has been sent whose answer has not been read to its end.
    waiting: bool,
    /// It leads to a server that does not write: the next one may lead to another.
    only_reads: bool,
    /// A transaction was begun that is not known to have ended.
    open: bool,
}

impl UnderWay {
    /// Waits for `statement`; who drops this on the way leaves the mark behind.
    async fn wait<E: Dialect, T>(
        &mut self,
        statement: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, Failure> {
        self.waiting = true;
        let answer = statement.await;
        self.waiting = false;
        answer.map_err(|error| {
            self.only_reads |= E::only_reads(&error);
            Failure::of::<E>(error)
        })
    }
}

impl<E: Dialect> Lent<E> {
    pub(super) async fn of(pool: &Pool<E::Database>) -> Result<Self, sqlx::Error> {
        let connection = pool.acquire().await?;
        Ok(Self { connection, under_way: UnderWay::default(), verbs: 0, place: None })
    }

    /// The same for a verb that has this place.
    pub(super) fn at(mut self, place: OwnedSemaphorePermit) -> Self {
        self.place = Some(place);
        self
    }

    /// The same when no verb has it, and the place of the last one.
    pub(super) fn without_place(mut self) -> (Self, Option<OwnedSemaphorePermit>) {
        let place = self.place.take();
        (self, place)
    }

    pub(super) fn after_a_verb(mut self) -> Self {
        self.verbs = self.verbs.saturating_add(1);
        self
    }

    pub(super) const fn verbs(&self) -> u32 {
        self.verbs
    }

    /// Whether nothing is left of what it was used for.
    pub(super) const fn is_clean(&self) -> bool {
        !self.under_way.waiting && !self.under_way.open && !self.under_way.only_reads
    }

    pub(super) async fn rows(
        &mut self,
        text: &'static Text,
        values: &[Value<'_>],
    ) -> Result<Vec<Row<E>>, Failure> {
        let rows = self.under_way.wait::<E, _>(E::rows(&mut self.connection, text, values)).await?;
        Ok(rows.into_iter().map(Row::of).collect())
    }

    pub(super) async fn write(&mut self, text: &'static Text, values: &[Value<'_>]) -> Result<u64, Failure> {
        self.under_way.wait::<E, _>(E::execute(&mut self.connection, text, values)).await
    }

    /// Begins a transaction. Where there is one writer at a time it holds the lock from its first moment, so that no
    /// other can write between its statements, and none of them fails for having read too early.
    ///
    /// A transaction that is dropped, with the future that holds it or by an early return, is rolled back.
    pub(super) async fn begin(&mut self) -> Result<Writing<'_, E>, Failure> {
        let Self { connection, under_way, .. } = self;
        let connection: &mut ConnectionOf<E> = connection;
        under_way.open = true;
        let transaction = under_way.wait::<E, _>(connection.begin_with(E::BEGIN.into_sql_str())).await?;
        Ok(Writing { transaction, under_way })
    }

    /// Goes back to the pool, which tests it, after a test of its own: that of the pool has no end where the server is gone
    /// without a word. One that did not answer is closed.
    pub(super) async fn go_back(mut self) {
        drop(timeout(PATIENCE, self.under_way.wait::<E, _>(self.connection.ping())).await);
    }
}

impl<E: Dialect> Drop for Lent<E> {
    fn drop(&mut self) {
        let left = self.under_way.waiting && E::CLOSES_WHAT_IS_DROPPED;
        if left || self.under_way.only_reads {
            self.connection.close_on_drop();
        }
    }
}

/// A transaction.
pub(super) struct Writing<'c, E: Dialect> {
    transaction: Transaction<'c, E::Database>,
    under_way: &'c mut UnderWay,
}

impl<E: Dialect> Writing<'_, E> {
    pub(super) async fn write(&mut self, text: &'static Text, values: &[Value<'_>]) -> Result<u64, Failure> {
        self.under_way.wait::<E, _>(E::execute(&mut self.transaction, text, values)).await
    }

    pub(super) async fn find(
        &mut self,
        text: &'static Text,
        values: &[Value<'_>],
    ) -> Result<Option<Row<E>>, Failure> {
        let rows = self.under_way.wait::<E, _>(E::rows(&mut self.transaction, text, values)).await?;
        Ok(rows.into_iter().map(Row::of).next_back())
    }

    /// Runs the statements of a text, for migrations.
    pub(super) async fn run(&mut self, text: &'static str) -> Result<(), Failure> {
        self.under_way.wait::<E, _>(E::run(&mut self.transaction, text)).await
    }

    /// Commits. That it failed to for a conflict with another is known; of every other failure the outcome is not.
    pub(super) async fn commit(self) -> Result<(), Failure> {
        let Self { transaction, under_way } = self;
        under_way.wait::<E, _>(transaction.commit()).await?;
        under_way.open = false;
        Ok(())
    }

    pub(super) async fn roll_back(self) -> Result<(), Failure> {
        let Self { transaction, under_way } = self;
        under_way.wait::<E, _>(transaction.rollback()).await?;
        under_way.open = false;
        Ok(())
    }
}
