//! The storage contract, run by the store in SQLite, and what is its own: files, restarts, locks, migrations.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "sql/capped.rs"]
mod capped;
mod sql;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sql::{NOW, family_at, grant, granted, kind, rotation, token, writing_verbs};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Executor as _, SqlitePool};
use vouchsafe::adapters::sqlx::{SchemaError, SqlOptions, SqliteStore};
use vouchsafe::adapters::tokio::TokioRuntime;
use vouchsafe::entropy::OsEntropy;
use vouchsafe::error::StoreErrorKind;
use vouchsafe::secret::{SystemSecrets, TokenHash};
use vouchsafe::store::{
    GrantRecord, GrantStore, Insertion, Issued, Refreshed, SessionKey, SubjectKey, TokenStore,
};
use vouchsafe::testing::store_suite as suite;
use vouchsafe::types::{GrantId, SessionId, Subject};

/// A directory for the files of one database, removed in the end.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        let name = GrantId::generate(&OsEntropy, NOW).unwrap();
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("sqlite-{name}"));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> String {
        self.0.join("vouchsafe.db").to_str().unwrap().to_owned()
    }

    /// One more node on the database.
    async fn node(&self) -> SqliteStore {
        let store = SqliteStore::connect(&self.file()).await.unwrap();
        store.migrate().await.unwrap();
        store
    }

    /// Connections of the host's own, which wait `patience` for a lock.
    async fn pool(&self, connections: u32, patience: Duration) -> SqlitePool {
        let options = SqliteConnectOptions::new().filename(self.file()).busy_timeout(patience);
        SqlitePoolOptions::new().max_connections(connections).connect_with(options).await.unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn the_contract_holds_on_a_file() {
    let place = Place::new();
    let store = place.node().await;
    suite::codes(&store).await;
    suite::grants(&store).await;
    suite::tokens(&store).await;
    suite::refresh(&store).await;
    suite::consents(&store).await;
    suite::replays(&store).await;
    suite::tickets(&store).await;
    suite::sweep(&store).await;
}

/// attack 109, attack 124, attack 131, attack 220, attack 222: two nodes on one file.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_contract_holds_on_two_nodes() {
    let place = Place::new();
    sql::contract(&[Arc::new(place.node().await), Arc::new(place.node().await)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_contract_holds_over_connections_of_the_host() {
    let place = Place::new();
    place.node().await;
    let store = Arc::new(SqliteStore::new(place.pool(4, Duration::from_secs(30)).await));
    suite::all(&[store], &TokioRuntime::current().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_contract_holds_in_memory() {
    let store = SqliteStore::connect("sqlite::memory:").await.unwrap();
    store.migrate().await.unwrap();
    suite::all(&[Arc::new(store)], &TokioRuntime::current().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn random_questions_are_answered_as_by_the_model() {
    let store = SqliteStore::connect("sqlite::memory:").await.unwrap();
    store.migrate().await.unwrap();
    for seed in 100..110 {
        suite::model(&store, seed, 1000).await;
    }
}

#[tokio::test]
async fn a_sweep_removes_a_thousand_rows_at_most() {
    let store = SqliteStore::connect("sqlite::memory:").await.unwrap();
    store.migrate().await.unwrap();
    capped::sweep(&store).await;
}

#[tokio::test]
async fn a_revocation_in_steps_revokes_a_thousand_grants_at_most() {
    let store = SqliteStore::connect("sqlite::memory:").await.unwrap();
    store.migrate().await.unwrap();
    capped::revoke_some(&store).await;
}

/// attack 120: dropped between any two of its steps a verb has happened as a whole or not at all.
#[tokio::test]
async fn a_dropped_verb_has_happened_or_it_has_not() {
    let place = Place::new();
    suite::cancelled(&place.node().await).await;
}

/// attack 317: a row of another tenant is not found.
#[tokio::test]
async fn two_namespaces_are_two_stores() {
    let place = Place::new();
    sql::namespaces(&place.node().await).await;
}

/// attack 132, attack 316: what was used stays used when every process has ended.
#[tokio::test]
async fn a_restart_opens_nothing_again() {
    let place = Place::new();
    sql::restart(place.node().await, async || place.node().await).await;
}

/// attack 321: a key that exists is a conflict, so that the caller draws another.
#[tokio::test]
async fn a_key_that_exists_is_a_conflict() {
    let place = Place::new();
    sql::conflicts(&place.node().await).await;
}

/// attack 322
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_beside_other_verbs_removes_what_none_of_them_sees() {
    let place = Place::new();
    sql::sweeping(&place.node().await).await;
}

/// attack 318: who reads the files finds no token, subject or session.
#[tokio::test]
async fn the_files_show_hashes_alone() {
    let place = Place::new();
    let store = place.node().await;
    let secrets = SystemSecrets::generate(&OsEntropy).unwrap();
    let (issuer, secret) = ("https://login.example", "at_a-whole-token-that-nobody-may-read");
    let (subject, session) =
        (Subject::new("alice@people").unwrap(), SessionId::new("login-of-alice").unwrap());
    let mut granted = granted();
    granted.subject = Some(SubjectKey::of(&secrets, issuer, &subject));
    granted.session = Some(SessionKey::of(&secrets, issuer, &session));
    granted.token.key = TokenHash::of(secret);
    let token = granted.token.clone();
    store.insert_granted_token(granted, NOW).await.unwrap();
    store.close().await;

    let mut files = Vec::new();
    for entry in fs::read_dir(&place.0).unwrap() {
        files.extend(fs::read(entry.unwrap().path()).unwrap());
    }
    let holds = |text: &[u8]| files.windows(text.len()).any(|window| window == text);
    assert!(holds(token.key.as_bytes()), "the row is in the files that were read");
    for hidden in [secret, subject.as_str(), session.as_str()] {
        assert!(!holds(hidden.as_bytes()), "{hidden}");
    }
}

/// attack 317: a row that no statement of the store wrote is an error, never an answer.
#[tokio::test]
async fn a_row_that_was_tampered_with_is_corrupt() {
    let place = Place::new();
    let store = place.node().await;
    let pool = place.pool(1, Duration::from_secs(5)).await;
    let access = |grant: &GrantRecord| Issued { access: Some(token(grant)), family: None };
    for (change, family) in [
        ("UPDATE vouchsafe_issued SET client = '' WHERE kind = 0", 0),
        ("UPDATE vouchsafe_issued SET client = char(233) WHERE kind = 0", 0),
        ("UPDATE vouchsafe_issued SET family = x'00' WHERE kind = 0", 0),
        ("UPDATE vouchsafe_issued SET seq = -1 WHERE kind = 0", 0),
        ("UPDATE vouchsafe_issued SET secret = x'0102' WHERE kind = 0", 0),
        ("UPDATE vouchsafe_issued SET subject = x'0102' WHERE kind = 0", 0),
    ] {
        let grant = family_at(&store, family).await;
        pool.execute(change).await.unwrap();
        assert_eq!(kind(store.grant(&grant.id, NOW).await), Some(StoreErrorKind::Corrupt), "{change}");
        let refreshed = store.use_refresh_token(&grant.id, rotation(7), None, NOW).await;
        assert_eq!(kind(refreshed), Some(StoreErrorKind::Corrupt), "{change}");
        pool.execute("DELETE FROM vouchsafe_issued").await.unwrap();
    }
    for change in [
        "UPDATE vouchsafe_issued SET secret = x'' WHERE kind = 1",
        "UPDATE vouchsafe_issued SET client = 'a' || char(10) WHERE kind = 1",
    ] {
        let grant = grant();
        let issued = access(&grant);
        let key = issued.access.as_ref().unwrap().key;
        store.insert_grant(grant.clone(), NOW).await.unwrap();
        assert_eq!(store.insert_tokens(&grant.id, issued, NOW).await.unwrap(), Insertion::Inserted);
        pool.execute(change).await.unwrap();
        assert_eq!(kind(store.access_token(&key, NOW).await), Some(StoreErrorKind::Corrupt), "{change}");
        pool.execute("DELETE FROM vouchsafe_issued").await.unwrap();
    }
}

#[tokio::test]
async fn a_sequence_that_would_overflow_is_corrupt_and_stays() {
    let place = Place::new();
    let store = place.node().await;
    let pool = place.pool(1, Duration::from_secs(5)).await;
    let grant = family_at(&store, 1).await;
    pool.execute("UPDATE vouchsafe_issued SET seq = 9223372036854775807").await.unwrap();
    let before = store.grant(&grant.id, NOW).await.unwrap();
    let last = i64::MAX as u64;
    let outcome = store.use_refresh_token(&grant.id, rotation(last), None, NOW).await;
    assert_eq!(kind(outcome), Some(StoreErrorKind::Corrupt));
    assert_eq!(store.grant(&grant.id, NOW).await.unwrap(), before);
    let outcome = store.use_refresh_token(&grant.id, rotation(last + 1), None, NOW).await.unwrap();
    assert_eq!(outcome, Refreshed::Ahead);
}

/// attack 314, attack 320: a verb that cannot get the lock is `Unavailable`, whatever it would have answered.
#[tokio::test]
async fn a_lock_that_does_not_end_is_unavailable() {
    let place = Place::new();
    place.node().await;
    let store = SqliteStore::new(place.pool(2, Duration::from_millis(1)).await);
    let holder = place.pool(1, Duration::from_secs(5)).await;
    let held = holder.begin_with("BEGIN IMMEDIATE").await.unwrap();
    for (verb, kind) in writing_verbs(&store).await {
        assert_eq!(kind, Some(StoreErrorKind::Unavailable), "{verb}");
    }
    for (verb, kind) in sql::reading_verbs(&store).await {
        assert_eq!(kind, None, "{verb}: readers do not wait for a writer");
    }
    held.rollback().await.unwrap();
    // Nothing is left of the time of the lock.
    sql::available(&store).await;
}

/// attack 320: a verb that meets a writer of another process waits for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_ends_is_waited_for() {
    let place = Place::new();
    let store = place.node().await;
    let grant = family_at(&store, 0).await;
    let holder = place.pool(1, Duration::from_secs(5)).await;
    for seq in 0..5 {
        let mut held = holder.begin_with("BEGIN IMMEDIATE").await.unwrap();
        let (node, id) = (store.clone(), grant.id);
        let verb = tokio::spawn(async move { node.use_refresh_token(&id, rotation(seq), None, NOW).await });
        held.execute("UPDATE vouchsafe_schema SET name = name").await.unwrap();
        held.commit().await.unwrap();
        assert_eq!(verb.await.unwrap().unwrap(), Refreshed::Rotated);
    }
}

/// attack 314: a store that cannot be asked says so.
#[tokio::test]
async fn a_closed_store_is_unavailable() {
    let place = Place::new();
    let store = place.node().await;
    store.close().await;
    sql::unavailable(&store).await;
}

/// attack 323: the moment given decides, not the clock of the machine.
#[tokio::test]
async fn any_time_may_be_the_present() {
    let place = Place::new();
    sql::moments(&place.node().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_nodes_may_start_at_once_on_a_new_file() {
    let place = Place::new();
    let nodes = (0..8).map(|_| {
        let file = place.file();
        tokio::spawn(async move {
            let store = SqliteStore::connect(&file).await?;
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
    let place = Place::new();
    let store = place.node().await;
    let pool = place.pool(1, Duration::from_secs(5)).await;
    pool.execute("INSERT INTO vouchsafe_schema (version, name) VALUES (1000, 'later')").await.unwrap();
    for refused in
        [store.migrate().await, store.check().await, SqliteStore::connect(&place.file()).await.map(drop)]
    {
        assert!(matches!(refused, Err(SchemaError::Newer { found: 1000, known: 3 })), "{refused:?}");
    }
    let message = store.check().await.unwrap_err().to_string();
    assert_eq!(message, "the database has tables of version 1000, and this release knows 3 and those before");
}

#[tokio::test]
async fn tables_may_be_made_by_tools_of_the_host() {
    let place = Place::new();
    let store = SqliteStore::connect(&place.file()).await.unwrap();
    let missing = store.check().await;
    assert!(matches!(missing, Err(SchemaError::Older { found: 0, known: 3 })), "{missing:?}");
    let pool = place.pool(1, Duration::from_secs(5)).await;
    for migration in SqliteStore::migrations() {
        pool.execute(migration.sql).await.unwrap();
    }
    store.check().await.unwrap();
    store.migrate().await.unwrap();
    suite::codes(&store).await;
}

#[tokio::test]
async fn a_database_that_cannot_be_opened_is_an_error() {
    let place = Place::new();
    fs::write(
        place.file(),
        "this is a text and not a database, and has been one for all its life".repeat(20),
    )
    .unwrap();
    for database in [&place.file(), "sqlite:/no/such/directory/vouchsafe.db", "sqlite:x?mode=strange"] {
        let refused = SqliteStore::connect(database).await;
        assert!(matches!(refused, Err(SchemaError::Connect(_))), "{database}");
    }
}

/// Fault R7: a database that does not keep what it has acknowledged can be warned of at start.
#[tokio::test]
async fn settings_that_lose_what_was_acknowledged_are_named() {
    let place = Place::new();
    assert_eq!(place.node().await.lossy_settings().await.unwrap(), []);
    for (mode, told) in [(SqliteSynchronous::Normal, "NORMAL"), (SqliteSynchronous::Off, "OFF")] {
        let options = SqliteConnectOptions::new().filename(place.file()).synchronous(mode);
        let store = SqliteStore::new(SqlitePool::connect_with(options).await.unwrap());
        let [setting] = &*store.lossy_settings().await.unwrap() else { panic!("{told} is not named") };
        assert_eq!(setting.to_string(), format!("synchronous = {told}"));
    }
}

/// attack 314: a verb that gets no connection in time is `Unavailable`, and what it waited for is not lost.
#[tokio::test]
async fn patience_is_an_option() {
    let place = Place::new();
    place.node().await;
    let options = SqlOptions::new().with_connections(1).with_acquire_timeout(Duration::from_secs(2));
    let options = options.with_lock_timeout(Duration::from_millis(100));
    let store = SqliteStore::connect_with(&place.file(), &options).await.unwrap();
    let holder = place.pool(1, Duration::from_secs(5)).await;
    let held = holder.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let refused = store.insert_grant(grant(), NOW).await;
    assert_eq!(kind(refused), Some(StoreErrorKind::Unavailable));
    held.rollback().await.unwrap();
    sql::available(&store).await;
}
