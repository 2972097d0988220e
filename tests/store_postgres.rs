//! The storage contract, run by the store in PostgreSQL, and what is its own: isolation levels, locks, and what a server
//! refuses. `tests/services run` has the server.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "sql/capped.rs"]
mod capped;
#[path = "sql/crowd.rs"]
mod crowd;
#[path = "sql/deadlock.rs"]
mod deadlock;
#[path = "sql/proxy.rs"]
mod proxy;
#[path = "sql/served.rs"]
mod served;
mod sql;

use std::env;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use deadlock::Rival;
use futures_util::future::join_all;
use served::Server;
use sql::{NOW, client, code, family_at, key, rotation, writing_verbs};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Executor as _, PgPool, Postgres as Driver, Row as _, Transaction};
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

/// A transaction, and its process in the server.
struct Holder {
    transaction: Transaction<'static, Driver>,
    process: i32,
    pool: PgPool,
}

impl Rival for Holder {
    fn literal(hex: &str) -> String {
        format!("'\\x{hex}'")
    }

    async fn run(&mut self, text: String) -> usize {
        self.transaction.fetch_all(AssertSqlSafe(text)).await.unwrap().len()
    }

    async fn is_waited_for(&self) -> bool {
        waiting(&self.pool, self.process).await > 0
    }

    async fn roll_back(self) {
        self.transaction.rollback().await.unwrap();
    }
}

/// How many wait for this process.
async fn waiting(pool: &PgPool, process: i32) -> i64 {
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))";
    sqlx::query_scalar(waiting).bind(process).fetch_one(pool).await.unwrap()
}

impl Server for Place {
    type Engine = Postgres;
    type Rival = Holder;

    const FOREIGN_CONSENTS: [&'static str; 2] = [
        "INSERT INTO vouchsafe_consents (namespace, subject, client, version, expires_at, secret, payload) \
         SELECT namespace, '\\x02', client, version, expires_at, secret, payload FROM vouchsafe_consents \
         WHERE subject > '\\x02' AND client = 'client' ORDER BY subject LIMIT 1",
        "INSERT INTO vouchsafe_consents (namespace, subject, client, version, expires_at, secret, payload) \
         SELECT namespace, '\\x04', client, version, expires_at, secret, payload FROM vouchsafe_consents \
         WHERE subject > '\\x04' AND client = 'client' ORDER BY subject LIMIT 1",
    ];

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

    /// A transaction that never looks for deadlocks, and a store that looks after two seconds: the server fails who looks.
    async fn rivals(&self) -> (Holder, PostgresStore) {
        self.node().await;
        let pool = self.pool().await;
        let mut transaction = pool.begin().await.unwrap();
        transaction.execute("SET LOCAL deadlock_timeout = '1h'").await.unwrap();
        let process =
            sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *transaction).await.unwrap();
        let store = Self::hosted(&self.with("-c deadlock_timeout=2s"), Duration::from_secs(30));
        (Holder { transaction, process, pool }, store)
    }
}

served!(Place);

/// Fault R7: a database that does not keep what it has acknowledged can be warned of at start.
#[tokio::test]
async fn settings_that_lose_what_was_acknowledged_are_named() {
    let place = Place::new().await;
    for (settings, told) in [("-c synchronous_commit=on", false), ("-c synchronous_commit=off", true)] {
        let store = PostgresStore::connect(&place.with(settings)).await.unwrap();
        let lossy: Vec<_> = store.lossy_settings().await.unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(lossy.contains(&"synchronous_commit = off".to_owned()), told, "{lossy:?}");
    }
}

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
    let holder: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *held).await.unwrap();
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
    let both_wait = async {
        while waiting(&pool, holder).await < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(4), both_wait).await.unwrap();
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

/// attack 135: what a database plans that has never looked at its tables, and keeps: rows of a key are found by the key, and
/// what has ended by its end.
#[tokio::test]
async fn a_new_database_finds_its_rows_by_their_keys() {
    let place = Place::new().await;
    let url = place.with("-c plan_cache_mode=force_generic_plan");
    let pool = PgPoolOptions::new().max_connections(1).connect(&url).await.unwrap();
    let store = PostgresStore::new(pool.clone());
    store.migrate().await.unwrap();
    writing_verbs(&store).await;
    sql::reading_verbs(&store).await;
    let prepared = "SELECT name, statement, cardinality(parameter_types) FROM pg_prepared_statements \
                    WHERE statement LIKE '%vouchsafe_%' AND statement NOT LIKE '%vouchsafe_schema%'";
    let prepared: Vec<(String, String, i32)> = sqlx::query_as(prepared).fetch_all(&pool).await.unwrap();
    assert!(prepared.len() > 35, "{}", prepared.len());
    for (name, text, values) in prepared {
        let nulls = vec!["NULL"; usize::try_from(values).unwrap()].join(", ");
        let explain = sqlx::raw_sql(AssertSqlSafe(format!("EXPLAIN EXECUTE {name} ({nulls})")));
        let plan = explain.fetch_all(&pool).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|line| line.get(0)).collect();
        let plan = plan.join("\n");
        assert!(!plan.contains("Seq Scan on vouchsafe_"), "{text}\n{plan}");
        assert_eq!(plan.contains("_end "), text.starts_with("WITH ended"), "{text}\n{plan}");
        for (key, index) in [("id = $2", "_pkey "), ("grant_id = $2", "vouchsafe_issued_grant ")] {
            let by_key = text.contains(&format!("namespace = $1 AND {key}"));
            assert!(!by_key || plan.contains(index), "{text}\n{plan}");
        }
    }
}

/// attack 314: after a switch-over a connection to what was the primary is given up.
#[tokio::test]
async fn a_connection_that_only_reads_is_replaced() {
    let place = Place::new().await;
    place.node().await;
    let pool = PgPoolOptions::new().max_connections(1).connect(&place.url()).await.unwrap();
    pool.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY").await.unwrap();
    served::demoted(&PostgresStore::new(pool)).await;
}

/// Nodes of a new release start at once on tables of an earlier one: whoever waited sees what was done, under every level.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_nodes_may_migrate_at_once_under_every_isolation_level() {
    for level in ["repeatable\\ read", "serializable"] {
        let place = Place::new().await;
        for migration in &PostgresStore::migrations()[..2] {
            place.execute(migration.sql).await;
        }
        place.execute("INSERT INTO vouchsafe_schema (version, name) VALUES (0, 'none')").await;
        let url = place.with(&format!("-c default_transaction_isolation={level}"));
        // Each makes the table once, or finds it: without a look at what was done meanwhile, each but the first is refused.
        let nodes = (0..8).map(async |_| {
            let store = PostgresStore::connect(&url).await?;
            store.migrate().await?;
            store.check().await
        });
        for node in join_all(nodes).await {
            node.unwrap();
        }
    }
}

/// attack 317: a row that no statement of the store wrote is an error, never an answer.
#[tokio::test]
async fn a_row_that_was_tampered_with_is_corrupt() {
    served::tampered::<Place>(&[
        "UPDATE vouchsafe_issued SET client = ''",
        "UPDATE vouchsafe_issued SET client = U&'\\00e9'",
        "UPDATE vouchsafe_issued SET family = '\\x00'",
        "UPDATE vouchsafe_issued SET family = NULL",
        "UPDATE vouchsafe_issued SET seq = -1",
        "UPDATE vouchsafe_issued SET seq = NULL",
        "UPDATE vouchsafe_issued SET idle_until = NULL",
        "UPDATE vouchsafe_issued SET created_at = NULL",
        "UPDATE vouchsafe_issued SET kind = 3",
        "UPDATE vouchsafe_issued SET secret = '\\x0102'",
        "UPDATE vouchsafe_issued SET subject = '\\x0102'",
    ])
    .await;
}

/// attack 317: nor is such a row taken for a replay, which would end a grant that nobody has misused.
#[tokio::test]
async fn a_family_that_was_tampered_with_is_neither_used_nor_ended() {
    let place = Place::new().await;
    let store = place.node().await;
    let mended =
        "UPDATE vouchsafe_issued SET family = grant_id || grant_id, seq = 0, idle_until = expires_at";
    for (change, expected) in [
        ("UPDATE vouchsafe_issued SET seq = NULL", Err(StoreErrorKind::Corrupt)),
        ("UPDATE vouchsafe_issued SET idle_until = NULL", Err(StoreErrorKind::Corrupt)),
        ("UPDATE vouchsafe_issued SET family = NULL", Ok(Refreshed::Absent)),
    ] {
        let grant = family_at(&store, 0).await;
        place.execute(change).await;
        let used = store.use_refresh_token(&grant.id, rotation(0), None, NOW).await;
        assert_eq!(used.map_err(|error| error.kind()), expected, "{change}");
        place.execute(mended).await;
        let used = store.use_refresh_token(&grant.id, rotation(0), None, NOW).await;
        assert_eq!(used.unwrap(), Refreshed::Rotated, "{change} has ended it");
        place.execute("DELETE FROM vouchsafe_issued").await;
    }
}
