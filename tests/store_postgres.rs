//! The storage contract, run by the store in PostgreSQL, and what is its own: isolation levels, locks, and what a server
//! refuses. `tests/services run` has the server.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "sql/crowd.rs"]
mod crowd;
#[path = "sql/proxy.rs"]
mod proxy;
#[path = "sql/served.rs"]
mod served;
mod sql;

use std::env;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use served::Server;
use sql::{NOW, client, code, family_at, key, rotation, writing_verbs};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Executor as _, PgPool};
use vouchsafe::adapters::sqlx::{Postgres, PostgresStore, SchemaError, SqlOptions};
use vouchsafe::entropy::{OsEntropy, random};
use vouchsafe::error::StoreErrorKind;
use vouchsafe::store::{CodeStore, Consumed, Refreshed, TokenStore};
use vouchsafe::testing::store_suite as suite;

/// A schema of its own for the tables of one test.
struct Place {
    server: String,
    name: String,
}

impl Place {
    /// The URL with settings of the session.
    fn with(&self, settings: &str) -> String {
        let options = format!("-c search_path={} {settings}", self.name);
        format!("{}?options={}", self.server, options.replace(' ', "%20").replace('=', "%3D"))
    }

    async fn pool(&self) -> PgPool {
        PgPool::connect(&self.url()).await.unwrap()
    }
}

impl Server for Place {
    type Engine = Postgres;

    async fn new() -> Self {
        let server = env::var("VOUCHSAFE_POSTGRES").expect("tests/services sets VOUCHSAFE_POSTGRES");
        let name = format!("test_{:016x}", u64::from_be_bytes(random(&OsEntropy).unwrap()));
        let pool = PgPool::connect(&server).await.unwrap();
        pool.execute(AssertSqlSafe(format!("CREATE SCHEMA {name}"))).await.unwrap();
        Self { server, name }
    }

    fn url(&self) -> String {
        self.with("")
    }

    fn address(&self) -> String {
        let server = PgConnectOptions::from_str(&self.server).unwrap();
        format!("{}:{}", server.get_host(), server.get_port())
    }

    async fn connect(url: &str, options: &SqlOptions) -> Result<PostgresStore, SchemaError> {
        PostgresStore::connect_with(url, options).await
    }

    fn hosted(url: &str, patience: Duration) -> PostgresStore {
        let options = PgPoolOptions::new().max_connections(8).acquire_timeout(patience);
        PostgresStore::new(options.connect_lazy(url).unwrap())
    }

    async fn execute(&self, text: &'static str) {
        self.pool().await.execute(text).await.unwrap();
    }
}

served!(Place);

/// attack 320: under a level that refuses what it cannot serialise, a verb tries again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_contract_holds_under_every_isolation_level() {
    for level in ["repeatable\\ read", "serializable"] {
        let place = Place::new().await;
        place.node().await;
        let url = place.with(&format!("-c default_transaction_isolation={level}"));
        let store = Place::hosted(&url, Duration::from_secs(30));
        suite::codes(&store).await;
        suite::grants(&store).await;
        suite::tokens(&store).await;
        suite::refresh(&store).await;
        suite::consents(&store).await;
        suite::replays(&store).await;
        suite::tickets(&store).await;
        suite::sweep(&store).await;
        suite::cancelled(&store).await;
        suite::model(&store, 7, 400).await;
        served::meeting(store).await;
    }
}

/// attack 320: what could not be serialised is tried again, and nobody is told.
#[tokio::test]
async fn what_could_not_be_serialised_is_tried_again() {
    let place = Place::new().await;
    let direct = place.node().await;
    let (key, grant) = (key(), family_at(&direct, 0).await);
    direct.insert_code(key, code(&grant), NOW).await.unwrap();
    let store = Place::hosted(
        &place.with("-c default_transaction_isolation=repeatable\\ read"),
        Duration::from_secs(30),
    );
    let pool = place.pool().await;
    let mut held = pool.begin().await.unwrap();
    for table in ["codes", "issued"] {
        let touch = format!("UPDATE vouchsafe_{table} SET client = client");
        held.execute(AssertSqlSafe(touch)).await.unwrap();
    }
    let consume = {
        let store = store.clone();
        tokio::spawn(async move { store.consume_code(&key, &client(), NOW).await })
    };
    let refresh = {
        let (store, id) = (store.clone(), grant.id);
        tokio::spawn(async move { store.use_refresh_token(&id, rotation(0), None, NOW).await })
    };
    // Both have begun and wait for the rows, which change under them.
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity \
                   WHERE wait_event_type = 'Lock' AND query LIKE '%vouchsafe_%' AND datname = current_database()";
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&pool).await.unwrap() < 2 {}
    held.commit().await.unwrap();
    assert_eq!(consume.await.unwrap().unwrap(), Consumed::Fresh(code(&grant)));
    assert_eq!(refresh.await.unwrap().unwrap(), Refreshed::Rotated);
}

/// attack 314, attack 320: a verb that cannot get a lock is `Unavailable`, and holds none afterwards.
#[tokio::test]
async fn a_lock_that_does_not_end_is_unavailable() {
    let place = Place::new().await;
    place.node().await;
    let options = SqlOptions::new().with_lock_timeout(Duration::from_millis(20));
    let store = PostgresStore::connect_with(&place.url(), &options).await.unwrap();
    let pool = place.pool().await;
    let mut held = pool.begin().await.unwrap();
    for table in ["codes", "issued", "consents", "replays", "tickets", "clients", "deferred", "keys"] {
        let lock = format!("LOCK TABLE vouchsafe_{table} IN EXCLUSIVE MODE");
        held.execute(AssertSqlSafe(lock)).await.unwrap();
    }
    for (verb, kind) in writing_verbs(&store).await {
        assert_eq!(kind, Some(StoreErrorKind::Unavailable), "{verb}");
    }
    for (verb, kind) in sql::reading_verbs(&store).await {
        assert_eq!(kind, None, "{verb}: readers do not wait for a writer");
    }
    held.rollback().await.unwrap();
    sql::available(&store).await;
}

/// attack 314: a database that only reads answers what it can, and fails the rest.
#[tokio::test]
async fn a_database_that_only_reads_is_unavailable_for_writing() {
    let place = Place::new().await;
    place.node().await;
    let url = place.with("-c default_transaction_read_only=on");
    let store = PostgresStore::connect(&url).await.unwrap();
    for (verb, kind) in writing_verbs(&store).await {
        assert_eq!(kind, Some(StoreErrorKind::Unavailable), "{verb}");
    }
    for (verb, kind) in sql::reading_verbs(&store).await {
        assert_eq!(kind, None, "{verb}");
    }
}

/// attack 317: a row that no statement of the store wrote is an error, never an answer.
#[tokio::test]
async fn a_row_that_was_tampered_with_is_corrupt() {
    served::tampered::<Place>(&[
        "UPDATE vouchsafe_issued SET client = ''",
        "UPDATE vouchsafe_issued SET client = U&'\\00e9'",
        "UPDATE vouchsafe_issued SET family = '\\x00'",
        "UPDATE vouchsafe_issued SET seq = -1",
        "UPDATE vouchsafe_issued SET secret = '\\x0102'",
        "UPDATE vouchsafe_issued SET subject = '\\x0102'",
    ])
    .await;
}
