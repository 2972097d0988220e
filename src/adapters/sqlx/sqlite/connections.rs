//! The connections, and the one place where statements are run.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Sqlite, SqlitePool, Transaction};

use super::row::Row;
use crate::adapters::sqlx::failure::failed;
use crate::error::StoreError;

/// How long a statement waits for a writer of another process, and a verb for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many verbs read at once.
const READERS: u32 = 8;

/// SQLite has one writer at a time: with one connection for writing, the verbs of one process queue for it in order
/// instead of contending for the lock, and the busy timeout is for other processes.
#[derive(Clone)]
pub(super) struct Connections {
    readers: SqlitePool,
    writer: SqlitePool,
}

impl Connections {
    pub(super) async fn open(database: &str) -> Result<Self, StoreError> {
        let options = if database.starts_with("sqlite:") {
            SqliteConnectOptions::from_str(database).map_err(failed)?
        } else {
            SqliteConnectOptions::new().filename(database).create_if_missing(true)
        };
        let options = options
            .busy_timeout(PATIENCE)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        // Connections are tested when they come back. A test before each use would cost every verb a round trip,
        // and a verb that is dropped within it the connection.
        let pool = || SqlitePoolOptions::new().acquire_timeout(PATIENCE).test_before_acquire(false);
        // A database in memory ends with its last connection, so this one is not closed for being idle or old.
        let single = pool().max_connections(1).min_connections(1).idle_timeout(None).max_lifetime(None);
        let writer = single.connect_with(options.clone()).await.map_err(failed)?;
        if database.contains(":memory:") || database.contains("mode=memory") {
            return Ok(Self::shared(writer));
        }
        let readers = pool().max_connections(READERS).connect_lazy_with(options.pragma("query_only", "ON"));
        Ok(Self { readers, writer })
    }

    pub(super) fn shared(pool: SqlitePool) -> Self {
        Self { readers: pool.clone(), writer: pool }
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// The rows of a statement that only reads.
    pub(super) async fn read(
        &self,
        query: Query<'_, Sqlite, SqliteArguments>,
    ) -> Result<Vec<Row>, StoreError> {
        let rows = query.fetch_all(&self.readers).await.map_err(failed)?;
        Ok(rows.into_iter().map(Row::from).collect())
    }

    /// The one row, if there is one, of a statement that only reads by a key.
    pub(super) async fn find(
        &self,
        query: Query<'_, Sqlite, SqliteArguments>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.read(query).await?.pop())
    }

    /// Runs a statement that writes, as a transaction of its own, and says how many rows it wrote.
    pub(super) async fn write(&self, query: Query<'_, Sqlite, SqliteArguments>) -> Result<u64, StoreError> {
        Ok(query.execute(&self.writer).await.map_err(failed)?.rows_affected())
    }

    /// Runs a statement that writes the row of a key and returns it.
    ///
    /// All rows are fetched though there is one at most: the statement commits when it comes to its end, and an
    /// error on the way there must be seen before anybody is told that the row is theirs.
    pub(super) async fn write_returning(
        &self,
        query: Query<'_, Sqlite, SqliteArguments>,
    ) -> Result<Option<Row>, StoreError> {
        let rows = query.fetch_all(&self.writer).await.map_err(failed)?;
        Ok(rows.into_iter().map(Row::from).next_back())
    }

    /// Begins a transaction that holds the write lock from its first moment, so that no other can write between its
    /// statements, and none of them fails for having read too early.
    ///
    /// A transaction that is dropped, with the future that holds it or by an early return, is rolled back.
    pub(super) async fn begin(&self) -> Result<Writing, StoreError> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map(Writing).map_err(failed)
    }
}

/// A transaction.
pub(super) struct Writing(Transaction<'static, Sqlite>);

impl Writing {
    pub(super) async fn write(
        &mut self,
        query: Query<'_, Sqlite, SqliteArguments>,
    ) -> Result<u64, StoreError> {
        Ok(query.execute(&mut *self.0).await.map_err(failed)?.rows_affected())
    }

    pub(super) async fn find(
        &mut self,
        query: Query<'_, Sqlite, SqliteArguments>,
    ) -> Result<Option<Row>, StoreError> {
        let rows = query.fetch_all(&mut *self.0).await.map_err(failed)?;
        Ok(rows.into_iter().map(Row::from).next_back())
    }

    /// Runs the statements of a text, for migrations.
    pub(super) async fn run(&mut self, text: &'static str) -> Result<(), StoreError> {
        sqlx::raw_sql(text).execute(&mut *self.0).await.map(drop).map_err(failed)
    }

    pub(super) async fn commit(self) -> Result<(), StoreError> {
        self.0.commit().await.map_err(failed)
    }
}
