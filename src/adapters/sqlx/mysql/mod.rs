//! MySQL and MariaDB.

mod statements;

use std::str::{FromStr as _, from_utf8};
use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlRow};
use sqlx::{AssertSqlSafe, Executor as _, MySqlPool, Row as _, SqlSafeStr as _};

use super::connections::Connections;
use super::dialect::{Dialect, bound};
use super::lender::Lender;
use super::options::SqlOptions;
use super::schema::{Migration, SchemaError};
use super::server::pool;
use super::statements::{Statements, Text};
use super::store::SqlStore;
use super::value::Value;

/// `ER_LOCK_DEADLOCK`; `ER_LOCK_WAIT_TIMEOUT`, which is how a deadlock ends where the server does not look for them; and
/// `ER_CHECKREAD`, by which MariaDB refuses to write over what has changed since it was read.
const TRANSIENT: [u16; 3] = [1213, 1205, 1020];

/// `ER_OPTION_PREVENTS_STATEMENT` and `ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION`.
const ONLY_READS: [u16; 2] = [1290, 1792];

/// The server closes no connection that was idle for less.
const LEAST_WAIT: Duration = Duration::from_secs(30);

/// MySQL or MariaDB, as a parameter of [`SqlStore`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Mysql;

/// The stores in a MySQL or MariaDB database.
///
/// Tested with MariaDB 10.11; what is written for both is said to work in MySQL 8.0 and later, where it was not tested.
///
/// Keys are kept as bytes, so no collation makes two of them equal. What one statement cannot do is a short
/// transaction. A deadlock, and a lock that did not come in time, is tried again, three times in all, after pauses that
/// differ; then the verb is `Unavailable`. The tables are InnoDB's: Galera and group replication work as far as a
/// statement that reads is sent to the node that was written to.
pub type MysqlStore = SqlStore<Mysql>;

impl SqlStore<Mysql> {
    /// Connects to a database by its URL: `mysql://user:password@host/database`.
    ///
    /// Up to ten connections, each at READ COMMITTED, with a strict `sql_mode`, `innodb_lock_wait_timeout` at five
    /// seconds and `wait_timeout` at thirty: for so long a node that vanished inside a transaction holds its locks. A verb
    /// that is dropped half-way closes its connection, and the server rolls back what it had not committed: what is left of
    /// an answer cannot be told from the next one.
    ///
    /// Connections that were idle for a second or more are tested before they are used. When the server restarts, the
    /// verbs under way fail, and one for each connection that was in use a moment ago; then new connections are made. A
    /// server that refuses to write because it is no longer the primary is left too: the URL must lead to the primary.
    ///
    /// # Errors
    /// [`SchemaError::Newer`] when a later release has migrated the tables, [`SchemaError::Connect`] when the
    /// database cannot be reached. Tables that are not there yet are no error: see [`SqlStore::migrate`].
    pub async fn connect(url: &str) -> Result<Self, SchemaError> {
        Self::connect_with(url, &SqlOptions::new()).await
    }

    /// The same with options of the host.
    ///
    /// # Errors
    /// As of [`MysqlStore::connect`].
    pub async fn connect_with(url: &str, options: &SqlOptions) -> Result<Self, SchemaError> {
        let session = MySqlConnectOptions::from_str(url).map_err(SchemaError::connecting)?;
        let settings = settings(options);
        let pool = pool::<sqlx::MySql>(options)
            // The pool closes a connection before the server does.
            .idle_timeout(wait(options) / 2)
            .after_connect(move |connection, _| {
                let settings = settings.clone();
                Box::pin(async move {
                    connection.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").await?;
                    connection.execute(AssertSqlSafe(settings)).await.map(drop)
                })
            })
            .connect_with(session.pipes_as_concat(false).no_engine_substitution(false))
            .await
            .map_err(SchemaError::connecting)?;
        Self::opened(Connections::of(Lender::own(pool))).await
    }

    /// Uses the connections of the host, which must be at READ COMMITTED and have a strict `sql_mode`.
    ///
    /// How they are opened is the host's decision: what [`MysqlStore::connect`] says is what is advised.
    #[must_use]
    pub fn new(pool: MySqlPool) -> Self {
        Self::over(Connections::of(Lender::hosted(pool)))
    }
}

/// How long the server waits for the next statement of a connection.
fn wait(options: &SqlOptions) -> Duration {
    options.statement_timeout.max(LEAST_WAIT)
}

/// What a session is given.
fn settings(options: &SqlOptions) -> String {
    let lock = options.lock_timeout.as_secs().max(1);
    let wait = wait(options).as_secs();
    format!(
        "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', innodb_lock_wait_timeout = {lock}, \
         wait_timeout = {wait}"
    )
}

fn is_one_of(error: &sqlx::Error, numbers: &[u16]) -> bool {
    let error = error.as_database_error().and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>());
    error.is_some_and(|error| numbers.contains(&error.number()))
}

impl Dialect for Mysql {
    type Database = sqlx::MySql;

    const STORE: &'static str = "MysqlStore";

    const MIGRATIONS: &'static [Migration] = &[
        Migration { version: 1, name: "stores", sql: include_str!("../migrations/mysql/0001_stores.sql") },
        Migration {
            version: 2,
            name: "deferred",
            sql: include_str!("../migrations/mysql/0002_deferred.sql"),
        },
        Migration { version: 3, name: "keys", sql: include_str!("../migrations/mysql/0003_keys.sql") },
    ];

    const BEGIN: &'static str = "START TRANSACTION";

    const CLOSES_WHAT_IS_DROPPED: bool = true;

    /// Nothing: a table is made outside of any transaction, and each step may be run by several nodes at once.
    const LOCK_SCHEMA: &'static [&'static str] = &[];

    fn statements() -> &'static Statements {
        &statements::STATEMENTS
    }

    fn is_transient(error: &sqlx::Error) -> bool {
        is_one_of(error, &TRANSIENT)
    }

    fn only_reads(error: &sqlx::Error) -> bool {
        is_one_of(error, &ONLY_READS)
    }

    async fn rows(
        connection: &mut MySqlConnection,
        text: &'static Text,
        values: &[Value<'_>],
    ) -> Result<Vec<MySqlRow>, sqlx::Error> {
        bound::<sqlx::MySql>(text, values).fetch_all(connection).await
    }

    async fn execute(
        connection: &mut MySqlConnection,
        text: &'static Text,
        values: &[Value<'_>],
    ) -> Result<u64, sqlx::Error> {
        Ok(bound::<sqlx::MySql>(text, values).execute(connection).await?.rows_affected())
    }

    async fn run(connection: &mut MySqlConnection, text: &'static str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(text.into_sql_str()).execute(connection).await.map(drop)
    }

    /// Texts are kept as bytes.
    fn text<'r>(row: &'r MySqlRow, column: &str) -> Result<&'r str, sqlx::Error> {
        from_utf8(row.try_get(column)?).map_err(|error| sqlx::Error::Decode(error.into()))
    }

    fn bytes<'r>(row: &'r MySqlRow, column: &str) -> Result<Option<&'r [u8]>, sqlx::Error> {
        row.try_get(column)
    }

    fn integer(row: &MySqlRow, column: &str) -> Result<Option<i64>, sqlx::Error> {
        row.try_get(column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The locks of a node that vanished go with its connection, which by default the server would keep for eight hours.
    #[test]
    fn the_server_gives_up_a_connection_that_nobody_uses() {
        for (statement, wait) in [(1, 30), (10, 30), (90, 90)] {
            let options = SqlOptions::new().with_statement_timeout(Duration::from_secs(statement));
            assert!(settings(&options).ends_with(&format!(" wait_timeout = {wait}")));
        }
    }
}
