//! The storage contract, run by the store in MySQL or MariaDB, and what is its own: nodes that migrate at once,
//! locks, deadlocks, and servers that are gone. `tests/services run` has the server.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "sql/crowd.rs"]
mod crowd;
#[path = "sql/proxy.rs"]
mod proxy;
mod sql;

use std::env;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use crowd::{crowd, drop_after};
use proxy::{Proxy, Wire};
use sql::{NOW, client, code, deferred, family_at, grant, key, kind, rotation, writing_verbs};
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::{AssertSqlSafe, Executor as _, MySqlPool};
use vouchsafe::adapters::sqlx::{MysqlStore, SchemaError, SqlOptions};
use vouchsafe::entropy::{OsEntropy, random};
use vouchsafe::error::StoreErrorKind;
use vouchsafe::store::{
    CodeStore, Consumed, Deferral, DeferredStore, GrantStore, Refreshed, TicketStore, TokenStore,
    WaitingLimit,
};
use vouchsafe::testing::store_suite as suite;

/// A database of its own for one test.
struct Place {
    url: String,
    server: String,
}

impl Place {
    async fn new() -> Self {
        let server = env::var("VOUCHSAFE_MYSQL").expect("tests/services sets VOUCHSAFE_MYSQL");
        let name = format!("test_{:016x}", u64::from_be_bytes(random(&OsEntropy).unwrap()));
        let pool = MySqlPool::connect(&server).await.unwrap();
        pool.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
        let (url, _) = server.rsplit_once('/').unwrap();
        Self { url: format!("{url}/{name}"), server }
    }

    /// One more node on the database.
    async fn node(&self) -> MysqlStore {
        let store = MysqlStore::connect(&self.url).await.unwrap();
        store.migrate().await.unwrap();
        store
    }

    /// Connections of the host's own, at an isolation level.
    async fn pool(&self, level: &'static str) -> MySqlPool {
        let options = MySqlPoolOptions::new().max_connections(8).after_connect(move |connection, _| {
            let level = format!("SET SESSION TRANSACTION ISOLATION LEVEL {level}");
            Box::pin(async move { connection.execute(AssertSqlSafe(level)).await.map(drop) })
        });
        options.connect(&self.url).await.unwrap()
    }

    /// A wire to the server, and the URL that goes by it.
    async fn wire(&self) -> (Proxy, String) {
        let server = MySqlConnectOptions::from_str(&self.server).unwrap();
        let address = format!("{}:{}", server.get_host(), server.get_port());
        let proxy = Proxy::before(address.clone()).await;
        let url = self.url.replacen(&address, &proxy.address.to_string(), 1);
        (proxy, url)
    }
}

/// attack 109, attack 124, attack 131, attack 220, attack 222: two nodes on one database.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_contract_holds_on_two_nodes() {
    let place = Place::new().await;
    sql::contract(&[Arc::new(place.node().await), Arc::new(place.node().await)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_contract_holds_over_connections_of_the_host() {
    let place = Place::new().await;
    place.node().await;
    sql::contract(&[Arc::new(MysqlStore::new(place.pool("READ COMMITTED").await))]).await;
}

#[tokio::test]
async fn random_questions_are_answered_as_by_the_model() {
    let place = Place::new().await;
    let store = place.node().await;
    for seed in 100..104 {
        suite::model(&store, seed, 500).await;
    }
}

/// attack 120: dropped between any two of its steps a verb has happened as a whole or not at all.
#[tokio::test]
async fn a_dropped_verb_has_happened_or_it_has_not() {
    let place = Place::new().await;
    suite::cancelled(&place.node().await).await;
}

/// attack 317: a row of another tenant is not found.
#[tokio::test]
async fn two_namespaces_are_two_stores() {
    let place = Place::new().await;
    sql::namespaces(&place.node().await).await;
}

/// attack 132, attack 316: what was used stays used when every process has ended.
#[tokio::test]
async fn a_restart_opens_nothing_again() {
    let place = Place::new().await;
    sql::restart(place.node().await, async || place.node().await).await;
}

/// attack 321: a key that exists is a conflict, so that the caller draws another.
#[tokio::test]
async fn a_key_that_exists_is_a_conflict() {
    let place = Place::new().await;
    sql::conflicts(&place.node().await).await;
}

/// attack 322
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_beside_other_verbs_removes_what_none_of_them_sees() {
    let place = Place::new().await;
    sql::sweeping(&place.node().await).await;
}

/// attack 323: the moment given decides, not the clock of the machine.
#[tokio::test]
async fn any_time_may_be_the_present() {
    let place = Place::new().await;
    sql::moments(&place.node().await).await;
}

/// attack 320: whatever meets, a verb answers as it should, or that it cannot answer, and never anything else.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn verbs_that_meet_answer_or_say_that_they_cannot() {
    for level in ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"] {
        let place = Place::new().await;
        place.node().await;
        let store = Arc::new(MysqlStore::new(place.pool(level).await));
        for _ in 0..10 {
            one_of_a_crowd_redeems(&store).await;
            one_of_a_crowd_rotates(&store).await;
            no_more_than_may_wait(&store).await;
        }
    }
}

async fn one_of_a_crowd_redeems(store: &Arc<MysqlStore>) {
    let (key, code) = (key(), code(&grant()));
    store.insert_code(key, code.clone(), NOW).await.unwrap();
    let answers =
        crowd(store, move |store| async move { store.consume_code(&key, &client(), NOW).await }).await;
    let replayed = Consumed::Replayed { grant: code.grant };
    let fresh = answers.iter().filter(|answer| **answer == Ok(Consumed::Fresh(code.clone()))).count();
    let others = |answer: &Result<Consumed, StoreErrorKind>| match answer {
        Ok(answer) => *answer == replayed || *answer == Consumed::Fresh(code.clone()),
        Err(kind) => *kind == StoreErrorKind::Unavailable,
    };
    assert!(fresh <= 1 && answers.iter().all(others), "{answers:?}");
}

async fn one_of_a_crowd_rotates(store: &Arc<MysqlStore>) {
    let id = family_at(store, 0).await.id;
    let answers =
        crowd(store, move |store| async move { store.use_refresh_token(&id, rotation(0), None, NOW).await });
    let answers = answers.await;
    let rotated = answers.iter().filter(|answer| **answer == Ok(Refreshed::Rotated)).count();
    let others = |answer: &Result<Refreshed, StoreErrorKind>| {
        matches!(
            answer,
            Ok(Refreshed::Rotated | Refreshed::Retried { head: 1 }) | Err(StoreErrorKind::Unavailable)
        )
    };
    assert!(rotated <= 1 && answers.iter().all(others), "{answers:?}");
}

async fn no_more_than_may_wait(store: &Arc<MysqlStore>) {
    let subject = Some(vouchsafe::store::SubjectKey::from_bytes(random(&OsEntropy).unwrap()));
    let limit = WaitingLimit { of_client: 3, of_all: 3 };
    let answers = crowd(store, move |store| async move {
        let mut record = deferred();
        record.subject = subject;
        store.insert_deferred(record, limit, NOW).await
    });
    let answers = answers.await;
    let waiting = answers.iter().filter(|answer| **answer == Ok(Deferral::Waiting)).count();
    assert!(waiting <= 3, "{answers:?}");
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
    let pool = place.pool("READ COMMITTED").await;
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
    let options = MySqlPoolOptions::new().after_connect(|connection, _| {
        let read_only = "SET SESSION TRANSACTION READ ONLY";
        Box::pin(async move { connection.execute(read_only).await.map(drop) })
    });
    let store = MysqlStore::new(options.connect(&place.url).await.unwrap());
    // Where the first statement only looks, and finds nothing to write, the answer is one.
    for (verb, kind) in writing_verbs(&store).await {
        let looks = ["take", "poll", "replace_registered"].contains(&verb);
        assert!(kind == Some(StoreErrorKind::Unavailable) || looks, "{verb}");
    }
    for (verb, kind) in sql::reading_verbs(&store).await {
        assert_eq!(kind, None, "{verb}");
    }
}

/// attack 314: a server that is gone is `Unavailable`, and used again when it is back.
#[tokio::test]
async fn a_server_that_is_gone_is_unavailable_until_it_is_back() {
    let place = Place::new().await;
    place.node().await;
    let (proxy, url) = place.wire().await;
    let options = SqlOptions::new().with_acquire_timeout(Duration::from_millis(100));
    let store = MysqlStore::connect_with(&url, &options).await.unwrap();
    sql::available(&store).await;
    proxy.set(Wire::Cut);
    sql::unavailable(&store).await;
    proxy.set(Wire::Whole);
    sql::available(&store).await;
}

/// A connection that was lost while nobody used it fails no verb.
#[tokio::test]
async fn a_connection_that_was_lost_while_idle_is_replaced() {
    let place = Place::new().await;
    let (proxy, url) = place.wire().await;
    place.node().await;
    let store = MysqlStore::connect(&url).await.unwrap();
    sql::available(&store).await;
    proxy.set(Wire::Cut);
    proxy.set(Wire::Whole);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    sql::available(&store).await;
}

/// attack 315: what was done and not told is `Unavailable`, and stays done.
#[tokio::test]
async fn an_answer_that_is_lost_is_never_a_second_success() {
    let place = Place::new().await;
    let direct = place.node().await;
    let (proxy, url) = place.wire().await;
    let one = SqlOptions::new().with_connections(1);
    let store = MysqlStore::connect_with(&url, &one).await.unwrap();
    // The statement is prepared, so that what is lost is the answer to its execution.
    assert_eq!(store.consume_code(&key(), &client(), NOW).await.unwrap(), Consumed::Absent);
    let (key, grant) = (key(), family_at(&direct, 0).await);
    direct.insert_code(key, code(&grant), NOW).await.unwrap();
    proxy.set(Wire::Deaf);
    let lost = store.consume_code(&key, &client(), NOW).await;
    assert_eq!(kind(lost), Some(StoreErrorKind::Unavailable));
    let again = direct.consume_code(&key, &client(), NOW).await.unwrap();
    assert_eq!(again, Consumed::Replayed { grant: grant.id });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_nodes_may_start_at_once_on_a_new_database() {
    let place = Arc::new(Place::new().await);
    let nodes = (0..8).map(|_| {
        let place = Arc::clone(&place);
        tokio::spawn(async move {
            let store = MysqlStore::connect(&place.url).await?;
            store.migrate().await?;
            store.check().await
        })
    });
    for node in nodes.collect::<Vec<_>>() {
        node.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn tables_of_a_later_release_are_refused() {
    let place = Place::new().await;
    let store = place.node().await;
    let pool = place.pool("READ COMMITTED").await;
    pool.execute("INSERT INTO vouchsafe_schema (version, name) VALUES (1000, 'later')").await.unwrap();
    let again = MysqlStore::connect(&place.url).await;
    for refused in [store.migrate().await, store.check().await, again.map(drop)] {
        assert!(matches!(refused, Err(SchemaError::Newer { found: 1000, .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn tables_may_be_made_by_tools_of_the_host() {
    let place = Place::new().await;
    let store = MysqlStore::connect(&place.url).await.unwrap();
    let missing = store.check().await;
    assert!(matches!(missing, Err(SchemaError::Older { found: 0, .. })), "{missing:?}");
    let pool = place.pool("READ COMMITTED").await;
    for migration in MysqlStore::migrations() {
        pool.execute(migration.sql).await.unwrap();
    }
    store.check().await.unwrap();
    store.migrate().await.unwrap();
    suite::codes(&store).await;
}

/// attack 317: a row that no statement of the store wrote is an error, never an answer.
#[tokio::test]
async fn a_row_that_was_tampered_with_is_corrupt() {
    let place = Place::new().await;
    let store = place.node().await;
    let pool = place.pool("READ COMMITTED").await;
    for change in [
        "UPDATE vouchsafe_issued SET client = ''",
        "UPDATE vouchsafe_issued SET client = x'c3a9'",
        "UPDATE vouchsafe_issued SET family = x'00'",
        "UPDATE vouchsafe_issued SET seq = -1",
        "UPDATE vouchsafe_issued SET secret = x'0102'",
        "UPDATE vouchsafe_issued SET subject = x'0102'",
    ] {
        let grant = family_at(&store, 0).await;
        pool.execute(change).await.unwrap();
        assert_eq!(kind(store.grant(&grant.id, NOW).await), Some(StoreErrorKind::Corrupt), "{change}");
        pool.execute("DELETE FROM vouchsafe_issued").await.unwrap();
    }
}

#[tokio::test]
async fn a_sequence_that_would_overflow_is_corrupt_and_stays() {
    let place = Place::new().await;
    let store = place.node().await;
    let grant = family_at(&store, 1).await;
    place
        .pool("READ COMMITTED")
        .await
        .execute("UPDATE vouchsafe_issued SET seq = 9223372036854775807")
        .await
        .unwrap();
    let before = store.grant(&grant.id, NOW).await.unwrap();
    let last = i64::MAX as u64;
    let outcome = store.use_refresh_token(&grant.id, rotation(last), None, NOW).await;
    assert_eq!(kind(outcome), Some(StoreErrorKind::Corrupt));
    assert_eq!(store.grant(&grant.id, NOW).await.unwrap(), before);
    let outcome = store.use_refresh_token(&grant.id, rotation(last + 1), None, NOW).await.unwrap();
    assert_eq!(outcome, Refreshed::Ahead);
}

/// What a verb that was dropped had locked is free again: a ticket can be taken by another at once.
#[tokio::test]
async fn a_dropped_verb_leaves_no_lock() {
    let place = Place::new().await;
    let (dropped, other) = (place.node().await, place.node().await);
    for suspensions in 0..12 {
        let subject = vouchsafe::store::SubjectKey::from_bytes(random(&OsEntropy).unwrap());
        let record = || {
            let mut record = deferred();
            record.subject = Some(subject);
            record
        };
        let limit = WaitingLimit { of_client: 9, of_all: 9 };
        drop_after(suspensions, dropped.insert_deferred(record(), limit, NOW)).await;
        let next = tokio::time::timeout(Duration::from_secs(2), other.insert_deferred(record(), limit, NOW));
        assert_eq!(next.await.unwrap().unwrap(), Deferral::Waiting, "after {suspensions}");
    }
    assert!(other.take(&key(), NOW).await.unwrap().is_none());
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_an_error() {
    let options = SqlOptions::new().with_acquire_timeout(Duration::from_millis(200));
    for url in ["mysql://nobody@127.0.0.1:1/none", "postgres://127.0.0.1/none", "mysql://["] {
        let refused = MysqlStore::connect_with(url, &options).await;
        assert!(matches!(refused, Err(SchemaError::Store(_))), "{url}");
    }
}
