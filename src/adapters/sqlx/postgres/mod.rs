//! PostgreSQL.

mod statements;

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{PgPool, Row as _, SqlSafeStr as _};

use super::connections::Connections;
use super::dialect::{Dialect, bound};
use super::lender::Lender;
use super::options::SqlOptions;
use super::schema::{Migration, SchemaError};
use super::server::pool;
use super::statements::{Statements, Text};
use super::store::SqlStore;
use super::value::Value;

/// PostgreSQL, as a parameter of [`SqlStore`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Postgres;

/// The stores in a PostgreSQL database.
///
/// Every verb is one statement and one round trip. A second one says why a code, a refresh token or a grant was refused, or
/// repeats the answer to a refresh token whose first was lost; inserting a request about a person who is known
/// ([`DeferredStore::insert_deferred`](crate::store::DeferredStore::insert_deferred)) is a transaction of two, and a
/// [`Sweep`](crate::store::Sweep) one statement for each table. The guarantees hold under every isolation level: under
/// READ COMMITTED by row locks, under the higher ones by trying again what the database could not serialise, three times
/// at most, after pauses that differ; then the verb is `Unavailable`.
///
/// The texts name nothing but tables, so databases that speak PostgreSQL's dialect may serve. CockroachDB needs
/// `enable_multiple_modifications_of_table = on` for the role, because a refresh writes two rows of one table.
pub type PostgresStore = SqlStore<Postgres>;

impl SqlStore<Postgres> {
    /// Connects to a database by its URL: `postgres://user:password@host/database`.
    ///
    /// Up to ten connections, each with `default_transaction_isolation` at READ COMMITTED, `lock_timeout` at five seconds,
    /// `statement_timeout` and `idle_in_transaction_session_timeout` at ten; what the `options` of the URL set stays. So a
    /// verb that was left alone holds no locks for longer. A pooler that refuses such parameters at the start of a
    /// connection is for [`PostgresStore::new`].
    ///
    /// A verb that is dropped half-way closes its connection, for the server may be gone without a word, and would be
    /// waited for.
    ///
    /// Connections that were idle for a second or more are tested before they are used. When the server restarts, the
    /// verbs under way fail, and one for each connection that was in use a moment ago; then new connections are made. A
    /// server that refuses to write because it is no longer the primary is left too. The URL must lead to the primary,
    /// by its name or a proxy: `target_session_attrs` is not known to the driver.
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
    /// As of [`PostgresStore::connect`].
    pub async fn connect_with(url: &str, options: &SqlOptions) -> Result<Self, SchemaError> {
        let session = PgConnectOptions::from_str(url).map_err(SchemaError::connecting)?;
        let pool = pool(options)
            .connect_with(with_session(session, options))
            .await
            .map_err(SchemaError::connecting)?;
        Self::opened(Connections::of(Lender::own(pool))).await
    }

    /// Uses the connections of the host.
    ///
    /// How they are opened is the host's decision: what [`PostgresStore::connect`] says is what is advised.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self::over(Connections::of(Lender::hosted(pool)))
    }
}

/// Adds what a session is given, but for what the URL gives it.
fn with_session(session: PgConnectOptions, options: &SqlOptions) -> PgConnectOptions {
    let given = session.get_options().unwrap_or_default().to_owned();
    let milliseconds = |limit: Duration| limit.as_millis().to_string();
    let statement = milliseconds(options.statement_timeout);
    let settings = [
        ("default_transaction_isolation", "read committed".to_owned()),
        ("idle_in_transaction_session_timeout", statement.clone()),
        ("lock_timeout", milliseconds(options.lock_timeout)),
        ("statement_timeout", statement),
    ];
    session.options(settings.into_iter().filter(|(name, _)| !sets(&given, name)))
}

/// Whether options as the server takes them, `-c name=value` or `--name=value`, set this one.
fn sets(options: &str, name: &str) -> bool {
    options.split_ascii_whitespace().any(|word| {
        let word = word.strip_prefix("-c").or_else(|| word.strip_prefix("--")).unwrap_or(word);
        let set = word.split_once('=').map(|(set, _)| set.replace('-', "_"));
        set.is_some_and(|set| set.eq_ignore_ascii_case(name))
    })
}

impl Dialect for Postgres {
    type Database = sqlx::Postgres;

    const STORE: &'static str = "PostgresStore";

    const MIGRATIONS: &'static [Migration] = &[
        Migration { version: 1, name: "stores", sql: include_str!("../migrations/postgres/0001_stores.sql") },
        Migration {
            version: 2,
            name: "deferred",
            sql: include_str!("../migrations/postgres/0002_deferred.sql"),
        },
        Migration { version: 3, name: "keys", sql: include_str!("../migrations/postgres/0003_keys.sql") },
        Migration { version: 4, name: "room", sql: include_str!("../migrations/postgres/0004_room.sql") },
    ];

    const BEGIN: &'static str = "BEGIN";

    const CLOSES_WHAT_IS_DROPPED: bool = true;

    /// A row of the table of versions is the lock: version 0, which is that of no tables. Who has waited for it must see
    /// what was done meanwhile, whatever the isolation of the session.
    const LOCK_SCHEMA: &'static [&'static str] = &[
        "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
        "SET LOCAL statement_timeout = 0",
        "SET LOCAL lock_timeout = 0",
        "CREATE TABLE IF NOT EXISTS vouchsafe_schema \
         (version BIGINT NOT NULL PRIMARY KEY, name TEXT COLLATE \"C\" NOT NULL)",
        "INSERT INTO vouchsafe_schema (version, name) VALUES (0, 'none') ON CONFLICT (version) DO NOTHING",
        "SELECT version FROM vouchsafe_schema WHERE version = 0 FOR UPDATE",
    ];

    fn statements() -> &'static Statements {
        &statements::STATEMENTS
    }

    /// `serialization_failure`, which CockroachDB uses for all that is to be tried again, and `deadlock_detected`; of a
    /// migration that met another, `duplicate_table` and `duplicate_object`.
    fn is_transient(error: &sqlx::Error) -> bool {
        let code = error.as_database_error().and_then(|error| error.code());
        matches!(code.as_deref(), Some("40001" | "40P01" | "42P07" | "42710"))
    }

    /// `read_only_sql_transaction`.
    fn only_reads(error: &sqlx::Error) -> bool {
        let code = error.as_database_error().and_then(|error| error.code());
        code.as_deref() == Some("25006")
    }

    async fn rows(
        connection: &mut PgConnection,
        text: &'static Text,
        values: &[Value<'_>],
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        bound::<sqlx::Postgres>(text, values).fetch_all(connection).await
    }

    async fn execute(
        connection: &mut PgConnection,
        text: &'static Text,
        values: &[Value<'_>],
    ) -> Result<u64, sqlx::Error> {
        Ok(bound::<sqlx::Postgres>(text, values).execute(connection).await?.rows_affected())
    }

    async fn run(connection: &mut PgConnection, text: &'static str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(text.into_sql_str()).execute(connection).await.map(drop)
    }

    fn text<'r>(row: &'r PgRow, column: &str) -> Result<&'r str, sqlx::Error> {
        row.try_get(column)
    }

    fn bytes<'r>(row: &'r PgRow, column: &str) -> Result<Option<&'r [u8]>, sqlx::Error> {
        row.try_get(column)
    }

    fn integer(row: &PgRow, column: &str) -> Result<Option<i64>, sqlx::Error> {
        row.try_get(column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the host has set stays; a name that is only a part of what it set is not set.
    #[test]
    fn what_is_given_stays_and_nothing_else_does() {
        for (given, stays) in [
            ("", 0),
            ("-c idle_in_transaction_session_timeout=1", 1),
            ("-c lock_timeout=1 -c search_path=statement_timeout", 1),
            ("-cstatement_timeout=1 --lock-timeout=2", 2),
            ("-c my.statement_timeout=1", 0),
            ("-c LOCK_TIMEOUT=1", 1),
        ] {
            let session = PgConnectOptions::from_str(&format!(
                "postgres://host/base?options={}",
                given.replace(' ', "%20").replace('=', "%3D")
            ));
            let session = with_session(session.unwrap(), &SqlOptions::new());
            let options = session.get_options().unwrap();
            assert_eq!(options.matches("-c ").count(), given.matches("-c ").count() + 4 - stays, "{options}");
        }
    }
}
