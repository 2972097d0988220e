//! The storage contract, run by the store in MySQL or MariaDB, and what is its own: isolation levels, locks, and what a server
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
use served::Server;
use sql::{NOW, client, code, family_at, key, kind, rotation, writing_verbs};
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::{AssertSqlSafe, Executor as _, MySql, MySqlPool, Transaction};
use vouchsafe::adapters::sqlx::{Mysql, MysqlStore, SchemaError, SqlOptions};
use vouchsafe::entropy::{OsEntropy, random};
use vouchsafe::error::StoreErrorKind;
use vouchsafe::store::{CodeStore, Consumed, TokenStore};
use vouchsafe::testing::store_suite as suite;

/// A database of its own for one test.
struct Place {
    url: String,
}

impl Place {
    async fn pool(&self) -> MySqlPool {
        MySqlPool::connect(&self.url).await.unwrap()
    }
}

/// A transaction, and the number of its connection.
struct Holder {
    transaction: Transaction<'static, MySql>,
    connection: u64,
    pool: MySqlPool,
}

impl Rival for Holder {
    fn literal(hex: &str) -> String {
        format!("x'{hex}'")
    }

    async fn run(&mut self, text: String) -> usize {
        self.transaction.fetch_all(AssertSqlSafe(text)).await.unwrap().len()
    }

    async fn is_waited_for(&self) -> bool {
        let waiting = "SELECT COUNT(*) FROM information_schema.innodb_lock_waits \
                       JOIN information_schema.innodb_trx ON trx_id = blocking_trx_id \
                       WHERE trx_mysql_thread_id = ?";
        sqlx::query_scalar::<_, i64>(waiting).bind(self.connection).fetch_one(&self.pool).await.unwrap() > 0
    }

    async fn roll_back(self) {
        self.transaction.rollback().await.unwrap();
    }
}

/// Connections to `url` that begin with a statement.
fn beginning(url: &str, statement: &'static str, patience: Duration) -> MysqlStore {
    let options = MySqlPoolOptions::new().max_connections(8).acquire_timeout(patience);
    let options = options.after_connect(move |connection, _| {
        Box::pin(async move { connection.execute(statement).await.map(drop) })
    });
    MysqlStore::new(options.connect_lazy(url).unwrap())
}

impl Server for Place {
    type Engine = Mysql;
    type Rival = Holder;

    const FOREIGN_CONSENTS: [&'static str; 2] = [
        "INSERT INTO vouchsafe_consents (namespace, subject, client, version, expires_at, secret, payload) \
         SELECT namespace, x'02', client, version, expires_at, secret, payload FROM vouchsafe_consents \
         WHERE subject > x'02' AND client = 'client' ORDER BY subject LIMIT 1",
        "INSERT INTO vouchsafe_consents (namespace, subject, client, version, expires_at, secret, payload) \
         SELECT namespace, x'04', client, version, expires_at, secret, payload FROM vouchsafe_consents \
         WHERE subject > x'04' AND client = 'client' ORDER BY subject LIMIT 1",
    ];

    async fn new() -> Self {
        let server = env::var("VOUCHSAFE_MYSQL").expect("tests/services sets VOUCHSAFE_MYSQL");
        let name = format!("test_{:016x}", u64::from_be_bytes(random(&OsEntropy).unwrap()));
        let pool = MySqlPool::connect(&server).await.unwrap();
        pool.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
        let (server, _) = server.rsplit_once('/').unwrap();
        Self { url: format!("{server}/{name}") }
    }

    fn url(&self) -> String {
        self.url.clone()
    }

    fn address(&self) -> String {
        let server = MySqlConnectOptions::from_str(&self.url).unwrap();
        format!("{}:{}", server.get_host(), server.get_port())
    }

    async fn connect(url: &str, options: &SqlOptions) -> Result<MysqlStore, SchemaError> {
        MysqlStore::connect_with(url, options).await
    }

    fn hosted(url: &str, patience: Duration) -> MysqlStore {
        beginning(url, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", patience)
    }

    async fn execute(&self, text: &'static str) {
        self.pool().await.execute(text).await.unwrap();
    }

    /// A transaction that has written more than any verb of the store: the server fails who has written less.
    async fn rivals(&self) -> (Holder, MysqlStore) {
        self.node().await;
        let store = Self::hosted(&self.url, Duration::from_secs(30));
        let pool = self.pool().await;
        let mut transaction = pool.begin().await.unwrap();
        let written =
            "INSERT INTO vouchsafe_schema (version, name) SELECT 1000 + seq, 'none' FROM seq_1_to_500";
        transaction.execute(written).await.unwrap();
        let connection =
            sqlx::query_scalar("SELECT CONNECTION_ID()").fetch_one(&mut *transaction).await.unwrap();
        (Holder { transaction, connection, pool }, store)
    }
}

served!(Place);

/// Fault R7: a database that does not keep what it has acknowledged can be warned of at start.
#[tokio::test]
async fn settings_that_lose_what_was_acknowledged_are_named() {
    let place = Place::new().await;
    let store = place.node().await;
    let pool = place.pool().await;
    let set: i64 = sqlx::query_scalar("SELECT CAST(@@GLOBAL.innodb_flush_log_at_trx_commit AS SIGNED)")
        .fetch_one(&pool)
        .await
        .unwrap();
    let mut told = Vec::new();
    for value in [1, 2, set] {
        let statement = format!("SET GLOBAL innodb_flush_log_at_trx_commit = {value}");
        pool.execute(AssertSqlSafe(statement)).await.unwrap();
        let lossy = store.lossy_settings().await.unwrap();
        told.extend(lossy.iter().map(ToString::to_string).filter(|setting| setting.starts_with("innodb")));
        if value == 2 {
            assert_eq!(told, ["innodb_flush_log_at_trx_commit = 2"]);
        }
    }
}

/// attack 320: whatever meets, a verb answers as it should, or that it cannot answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn verbs_that_meet_answer_or_say_that_they_cannot() {
    for level in [
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    ] {
        let place = Place::new().await;
        place.node().await;
        served::meeting(beginning(&place.url, level, Duration::from_secs(30))).await;
    }
}

/// attack 320: a lock that did not come in time is waited for once more, and nobody is told.
#[tokio::test]
async fn a_lock_that_did_not_come_in_time_is_waited_for_again() {
    let place = Place::new().await;
    let direct = place.node().await;
    let (key, grant) = (key(), family_at(&direct, 0).await);
    direct.insert_code(key, code(&grant), NOW).await.unwrap();
    let options = SqlOptions::new().with_lock_timeout(Duration::from_secs(1));
    let store = MysqlStore::connect_with(&place.url, &options).await.unwrap();
    let pool = place.pool().await;
    let mut held = pool.begin().await.unwrap();
    held.execute("SELECT * FROM vouchsafe_codes FOR UPDATE").await.unwrap();
    let consume = tokio::spawn(async move { store.consume_code(&key, &client(), NOW).await });
    tokio::time::sleep(Duration::from_millis(1500)).await;
    held.rollback().await.unwrap();
    assert_eq!(consume.await.unwrap().unwrap(), Consumed::Fresh(code(&grant)));
}

/// attack 314, attack 320: a verb that cannot get a lock is `Unavailable`, and holds none afterwards.
#[tokio::test]
async fn a_lock_that_does_not_end_is_unavailable() {
    let place = Place::new().await;
    let direct = place.node().await;
    let (key, grant) = (key(), family_at(&direct, 0).await);
    direct.insert_code(key, code(&grant), NOW).await.unwrap();
    let options = SqlOptions::new().with_lock_timeout(Duration::from_secs(1));
    let store = MysqlStore::connect_with(&place.url, &options).await.unwrap();
    let pool = place.pool().await;
    let mut held = pool.begin().await.unwrap();
    for table in ["codes", "issued"] {
        let lock = format!("SELECT * FROM vouchsafe_{table} FOR UPDATE");
        held.execute(AssertSqlSafe(lock)).await.unwrap();
    }
    let consumed = store.consume_code(&key, &client(), NOW).await;
    assert_eq!(kind(consumed), Some(StoreErrorKind::Unavailable));
    let refreshed = store.use_refresh_token(&grant.id, rotation(0), None, NOW).await;
    assert_eq!(kind(refreshed), Some(StoreErrorKind::Unavailable));
    for (verb, kind) in sql::reading_verbs(&store).await {
        assert_eq!(kind, None, "{verb}: readers do not wait for a writer");
    }
    held.rollback().await.unwrap();
    sql::available(&store).await;
    let consumed = store.consume_code(&key, &client(), NOW).await.unwrap();
    assert_eq!(consumed, Consumed::Fresh(code(&grant)));
}

/// attack 314: a database that only reads answers what it can, and fails the rest.
#[tokio::test]
async fn a_database_that_only_reads_is_unavailable_for_writing() {
    let place = Place::new().await;
    place.node().await;
    let store = beginning(&place.url, "SET SESSION TRANSACTION READ ONLY", Duration::from_secs(30));
    // Where the first statement only looks, and finds nothing to write, the answer is one.
    for (verb, kind) in writing_verbs(&store).await {
        let looks = ["take", "poll", "replace_registered"].contains(&verb);
        assert!(kind == Some(StoreErrorKind::Unavailable) || looks, "{verb}");
    }
    for (verb, kind) in sql::reading_verbs(&store).await {
        assert_eq!(kind, None, "{verb}");
    }
}

/// attack 314: after a switch-over a connection to what was the primary is given up.
#[tokio::test]
async fn a_connection_that_only_reads_is_replaced() {
    let place = Place::new().await;
    place.node().await;
    let pool = MySqlPoolOptions::new().max_connections(1).connect(&place.url).await.unwrap();
    pool.execute("SET SESSION TRANSACTION READ ONLY").await.unwrap();
    served::demoted(&MysqlStore::new(pool)).await;
}

/// attack 317: a row that no statement of the store wrote is an error, never an answer.
#[tokio::test]
async fn a_row_that_was_tampered_with_is_corrupt() {
    served::tampered::<Place>(&[
        "UPDATE vouchsafe_issued SET client = ''",
        "UPDATE vouchsafe_issued SET client = x'c3a9'",
        "UPDATE vouchsafe_issued SET family = x'00'",
        "UPDATE vouchsafe_issued SET seq = -1",
        "UPDATE vouchsafe_issued SET secret = x'0102'",
        "UPDATE vouchsafe_issued SET subject = x'0102'",
    ])
    .await;
}
