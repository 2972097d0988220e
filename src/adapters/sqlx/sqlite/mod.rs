//! SQLite.

mod statements;

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{Row as _, SqlSafeStr as _, SqlitePool};

use super::connections::Connections;
use super::dialect::{Dialect, bound};
use super::lender::Lender;
use super::options::SqlOptions;
use super::schema::{Migration, SchemaError};
use super::statements::{Statements, Text};
use super::store::SqlStore;
use super::value::Value;

/// How many verbs read at once.
const READERS: u32 = 8;

/// SQLite, as a parameter of [`SqlStore`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Sqlite;

/// The stores in a SQLite database.
///
/// One process, or several on one machine, may use one file. A verb that waits longer than the busy timeout for
/// another writer is `Unavailable`.
pub type SqliteStore = SqlStore<Sqlite>;

impl SqlStore<Sqlite> {
    /// Opens a database: a file, which is created where there is none, or a URL that begins with `sqlite:`.
    ///
    /// The connections use a write-ahead log, flush it to the disk at every commit (`synchronous = FULL`, so that
    /// a code that was used stays used when the power fails), and wait five seconds for other writers. One
    /// connection writes and up to eight read. A database in memory has one connection for both, and ends with it.
    ///
    /// # Errors
    /// [`SchemaError::Newer`] when a later release has migrated the tables, [`SchemaError::Connect`] when the
    /// database cannot be opened. Tables that are not there yet are no error: see [`SqlStore::migrate`].
    pub async fn connect(database: &str) -> Result<Self, SchemaError> {
        Self::connect_with(database, &SqlOptions::new()).await
    }

    /// The same with options of the host.
    ///
    /// # Errors
    /// As of [`SqliteStore::connect`].
    pub async fn connect_with(database: &str, options: &SqlOptions) -> Result<Self, SchemaError> {
        Self::opened(open(database, options).await?).await
    }

    /// Uses the connections of the host for reading and writing.
    ///
    /// How they are opened is the host's decision: what [`SqliteStore::connect`] says is what is advised.
    #[must_use]
    pub fn new(pool: SqlitePool) -> Self {
        Self::over(Connections::of(Lender::hosted(pool)))
    }
}

/// SQLite has one writer at a time: with one connection for writing, the verbs of one process queue for it in order
/// instead of contending for the lock, and the busy timeout is for other processes.
async fn open(database: &str, options: &SqlOptions) -> Result<Connections<Sqlite>, SchemaError> {
    let file = if database.starts_with("sqlite:") {
        SqliteConnectOptions::from_str(database).map_err(SchemaError::connecting)?
    } else {
        SqliteConnectOptions::new().filename(database).create_if_missing(true)
    };
    let file = file
        .busy_timeout(options.lock_timeout)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    // Connections are tested when they come back to the pool. A test before each use would cost every verb a round trip,
    // and a verb that is dropped within it the connection.
    let pool = || {
        let patience: Duration = options.acquire_timeout;
        SqlitePoolOptions::new().acquire_timeout(patience).test_before_acquire(false)
    };
    // A database in memory ends with its last connection, so this one is not closed for being idle or old.
    let single = pool().max_connections(1).min_connections(1).idle_timeout(None).max_lifetime(None);
    let writer = single.connect_with(file.clone()).await.map_err(SchemaError::connecting)?;
    if database.contains(":memory:") || database.contains("mode=memory") {
        return Ok(Connections::of(Lender::own(writer)));
    }
    let readers = pool().max_connections(options.connections.unwrap_or(READERS));
    let readers = readers.connect_lazy_with(file.pragma("query_only", "ON"));
    Ok(Connections::split(Lender::own(readers), Lender::own(writer)))
}

impl Dialect for Sqlite {
    type Database = sqlx::Sqlite;

    const STORE: &'static str = "SqliteStore";

    const MIGRATIONS: &'static [Migration] = &[
        Migration { version: 1, name: "stores", sql: include_str!("../migrations/sqlite/0001_stores.sql") },
        Migration {
            version: 2,
            name: "deferred",
            sql: include_str!("../migrations/sqlite/0002_deferred.sql"),
        },
        Migration { version: 3, name: "keys", sql: include_str!("../migrations/sqlite/0003_keys.sql") },
    ];

    const BEGIN: &'static str = "BEGIN IMMEDIATE";

    const CLOSES_WHAT_IS_DROPPED: bool = false;

    /// Nothing: the lock is held from the beginning of the transaction.
    const LOCK_SCHEMA: &'static [&'static str] = &[];

    fn statements() -> &'static Statements {
        &statements::STATEMENTS
    }

    /// Never: the busy timeout is the repetition.
    fn is_transient(_error: &sqlx::Error) -> bool {
        false
    }

    /// A file that only reads does so on every connection.
    fn only_reads(_: &sqlx::Error) -> bool {
        false
    }

    async fn rows(
        connection: &mut SqliteConnection,
        text: &'static Text,
        values: &[Value<'_>],
    ) -> Result<Vec<SqliteRow>, sqlx::Error> {
        bound::<sqlx::Sqlite>(text, values).fetch_all(connection).await
    }

    async fn execute(
        connection: &mut SqliteConnection,
        text: &'static Text,
        values: &[Value<'_>],
    ) -> Result<u64, sqlx::Error> {
        Ok(bound::<sqlx::Sqlite>(text, values).execute(connection).await?.rows_affected())
    }

    async fn run(connection: &mut SqliteConnection, text: &'static str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(text.into_sql_str()).execute(connection).await.map(drop)
    }

    fn text<'r>(row: &'r SqliteRow, column: &str) -> Result<&'r str, sqlx::Error> {
        row.try_get(column)
    }

    fn bytes<'r>(row: &'r SqliteRow, column: &str) -> Result<Option<&'r [u8]>, sqlx::Error> {
        row.try_get(column)
    }

    fn integer(row: &SqliteRow, column: &str) -> Result<Option<i64>, sqlx::Error> {
        row.try_get(column)
    }
}

#[cfg(test)]
mod tests;
