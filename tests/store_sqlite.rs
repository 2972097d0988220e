//! The storage contract, run by the store in SQLite, and what is its own: files, restarts, locks, migrations.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Executor as _, SqlitePool};
use vouchsafe::adapters::sqlx::{SchemaError, SqliteStore};
use vouchsafe::adapters::tokio::TokioRuntime;
use vouchsafe::clock::Timestamp;
use vouchsafe::entropy::{OsEntropy, random};
use vouchsafe::error::{StoreError, StoreErrorKind};
use vouchsafe::seal::Sealed;
use vouchsafe::secret::{SecretId, SystemSecrets, TokenHash};
use vouchsafe::store::memory::Clients;
use vouchsafe::store::{
    Advance, CodeRecord, CodeStore, ConsentFilter, ConsentRecord, ConsentStore, ConsentVersion, Consumed,
    Decision, DeferredRecord, DeferredStore, Filter, Grace, GrantRecord, GrantStore, GrantedToken, Insertion,
    Issued, NewFamily, Page, RefreshUse, Refreshed, ReplayStore, RevokedGrants, SessionKey, Stores,
    SubjectKey, Sweep, TicketRecord, TicketStore, TokenRecord, TokenStore, WaitingLimit,
};
use vouchsafe::testing::store_suite as suite;
use vouchsafe::types::{ClientId, GrantId, SessionId, Subject};

const NOW: Timestamp = Timestamp::from_unix(1_700_000_000);

fn at(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

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

fn payload() -> Sealed {
    Sealed::from_parts(SecretId::from_bytes([7; 4]), b"sealed".to_vec())
}

fn client() -> ClientId {
    ClientId::new("client").unwrap()
}

fn key() -> TokenHash {
    TokenHash::from_bytes(random(&OsEntropy).unwrap())
}

fn grant() -> GrantRecord {
    GrantRecord {
        id: GrantId::generate(&OsEntropy, NOW).unwrap(),
        client: client(),
        subject: Some(SubjectKey::from_bytes([1; 32])),
        session: Some(SessionKey::from_bytes([2; 32])),
        created_at: NOW,
        expires_at: at(1000),
        keep_until: at(2000),
        token: None,
        payload: payload(),
    }
}

/// A token that brings its grant along.
fn granted() -> GrantedToken {
    let GrantRecord { subject, session, created_at, keep_until, .. } = grant();
    GrantedToken { token: token(&grant()), subject, session, created_at, keep_until }
}

fn token(grant: &GrantRecord) -> TokenRecord {
    TokenRecord { key: key(), grant: grant.id, client: client(), expires_at: at(600), payload: payload() }
}

fn code(grant: &GrantRecord) -> CodeRecord {
    let (expires_at, retain_until) = (at(60), at(4000));
    CodeRecord { grant: grant.id, client: client(), expires_at, retain_until, payload: payload() }
}

fn consent() -> ConsentRecord {
    let (subject, version) = (SubjectKey::from_bytes([1; 32]), ConsentVersion(0));
    ConsentRecord { subject, client: client(), version, expires_at: at(1000), payload: payload() }
}

fn deferred() -> DeferredRecord {
    DeferredRecord {
        key: key(),
        user_code: Some(key()),
        client: client(),
        subject: Some(SubjectKey::from_bytes([1; 32])),
        interval: Duration::from_secs(5),
        expires_at: at(600),
        retain_until: at(4000),
        payload: payload(),
    }
}

fn rotation(seq: u64) -> RefreshUse {
    RefreshUse { seq, advance: Advance::Rotate, grace: Grace::UntilSuccessorUsed, idle_until: at(900) }
}

/// A grant with a family whose head is at `seq`.
async fn family_at(store: &SqliteStore, seq: u64) -> GrantRecord {
    let grant = grant();
    let family = NewFamily { key: key(), idle_until: at(900) };
    let issued = Issued { access: None, family: Some(family) };
    store.insert_grant(grant.clone(), NOW).await.unwrap();
    assert_eq!(store.insert_tokens(&grant.id, issued, NOW).await.unwrap(), Insertion::Inserted);
    for seq in 0..seq {
        let outcome = store.use_refresh_token(&grant.id, rotation(seq), None, NOW).await.unwrap();
        assert_eq!(outcome, Refreshed::Rotated);
    }
    grant
}

fn kind<T>(result: Result<T, StoreError>) -> Option<StoreErrorKind> {
    result.err().map(|error| error.kind())
}

/// How every verb that writes fails, by its name.
async fn writing_verbs(store: &SqliteStore) -> Vec<(&'static str, Option<StoreErrorKind>)> {
    let (grant, key) = (grant(), key());
    let with_token = Issued { access: Some(token(&grant)), family: None };
    let ticket = TicketRecord { open_until: at(60), keep_until: at(120), payload: payload() };
    let subject = SubjectKey::from_bytes([1; 32]);
    let limit = WaitingLimit { of_client: 1, of_all: 1 };
    vec![
        ("insert_code", kind(store.insert_code(key, code(&grant), NOW).await)),
        ("consume_code", kind(store.consume_code(&key, &client(), NOW).await)),
        ("insert_grant", kind(store.insert_grant(grant.clone(), NOW).await)),
        ("revoke", kind(store.revoke(&Filter::Client(client()), NOW).await)),
        ("insert_granted_token", kind(store.insert_granted_token(granted(), NOW).await)),
        ("insert_tokens", kind(store.insert_tokens(&grant.id, with_token, NOW).await)),
        ("use_refresh_token", kind(store.use_refresh_token(&grant.id, rotation(0), None, NOW).await)),
        ("revoke_token", kind(store.revoke_token(&key, NOW).await)),
        ("remember", kind(store.remember(consent(), None, NOW).await)),
        ("forget", kind(store.forget(&subject, &client(), NOW).await)),
        ("first_use", kind(store.first_use("test", &key, at(60), NOW).await)),
        ("put", kind(store.put(key, ticket, NOW).await)),
        ("take", kind(store.take(&key, NOW).await)),
        ("insert_deferred", kind(store.insert_deferred(deferred(), limit, NOW).await)),
        ("decide", kind(store.decide(&key, Decision::Denied, NOW).await)),
        ("poll", kind(store.poll(&key, &client(), NOW).await)),
        ("sweep", kind(store.sweep(10, NOW).await)),
    ]
}

/// How every verb that only reads fails, by its name.
async fn reading_verbs(store: &SqliteStore) -> Vec<(&'static str, Option<StoreErrorKind>)> {
    let (grant, subject) = (grant(), SubjectKey::from_bytes([1; 32]));
    let (page, filter) = (Page::first(10), Filter::Subject(subject));
    vec![
        ("grant", kind(store.grant(&grant.id, NOW).await)),
        ("grants", kind(store.grants(&filter, RevokedGrants::Included, &page, NOW).await)),
        ("access_token", kind(store.access_token(&key(), NOW).await)),
        ("remembered", kind(store.remembered(&subject, &client(), NOW).await)),
        ("consents", kind(store.consents(&ConsentFilter::Subject(subject), &page, NOW).await)),
        ("get", kind(store.get(&key(), NOW).await)),
        ("deferred", kind(store.deferred(&key(), NOW).await)),
        ("by_user_code", kind(store.by_user_code(&key(), NOW).await)),
    ]
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clients_are_registered_and_written_over_by_who_saw_them() {
    let place = Place::new();
    let nodes = [Arc::new(place.node().await), Arc::new(place.node().await)];
    suite::registry(&nodes, &TokioRuntime::current().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_key_set_is_written_by_who_saw_it() {
    let place = Place::new();
    let nodes = [Arc::new(place.node().await), Arc::new(place.node().await)];
    suite::key_sets(&nodes, &TokioRuntime::current().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn payloads_move_to_another_secret_beside_every_other_verb() {
    let place = Place::new();
    let nodes = [stores(place.node().await), stores(place.node().await)];
    suite::reseal(&nodes, &TokioRuntime::current().unwrap()).await;
}

fn stores(store: SqliteStore) -> Stores {
    let store = Arc::new(store);
    Stores::new(Arc::new(Clients::default()), store.clone(), store.clone(), store.clone())
        .with_registry(store.clone())
        .with_tickets(store.clone())
        .with_deferred(store.clone())
        .with_key_sets(store.clone())
        .with_reseal(store)
}

/// attack 220, attack 222: how often a client polls and who redeems is decided between nodes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_that_wait_are_answered_and_redeemed_once() {
    let place = Place::new();
    let nodes = [Arc::new(place.node().await), Arc::new(place.node().await)];
    suite::deferred(&nodes, &TokioRuntime::current().unwrap()).await;
}

/// attack 109, attack 124, attack 131: two nodes on one file.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_contract_holds_on_two_nodes() {
    let place = Place::new();
    let nodes = [Arc::new(place.node().await), Arc::new(place.node().await)];
    suite::all(&nodes, &TokioRuntime::current().unwrap()).await;
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
    let store = place.node().await;
    let grant = grant();
    for name in ["a", "b", "a ", "A"] {
        let tenant = store.namespace(name);
        tenant.insert_grant(grant.clone(), NOW).await.unwrap();
        assert_eq!(tenant.revoke(&Filter::Client(client()), NOW).await.unwrap(), 1, "{name}");
        suite::tickets(&tenant).await;
        suite::sweep(&tenant).await;
    }
    assert_eq!(store.grant(&grant.id, NOW).await.unwrap(), None);
}

/// attack 132, attack 316: what was used stays used when every process has ended.
#[tokio::test]
async fn a_restart_opens_nothing_again() {
    let place = Place::new();
    let (before, codes, jti) = (place.node().await, key(), key());
    let grant = family_at(&before, 3).await;
    before.insert_code(codes, code(&grant), NOW).await.unwrap();
    let consumed = before.consume_code(&codes, &client(), NOW).await.unwrap();
    assert_eq!(consumed, Consumed::Fresh(code(&grant)));
    assert!(before.first_use("test", &jti, at(60), NOW).await.unwrap());
    let (revoked, rotated) = (family_at(&before, 0).await, family_at(&before, 1).await);
    before.revoke(&Filter::Id(revoked.id), NOW).await.unwrap();
    before.close().await;

    let after = place.node().await;
    let consumed = after.consume_code(&codes, &client(), NOW).await.unwrap();
    assert_eq!(consumed, Consumed::Replayed { grant: grant.id });
    assert!(!after.first_use("test", &jti, at(60), NOW).await.unwrap());
    let outcome = after.use_refresh_token(&revoked.id, rotation(0), None, NOW).await.unwrap();
    assert_eq!(outcome, Refreshed::GrantRevoked);
    let outcome = after.use_refresh_token(&rotated.id, rotation(0), None, NOW).await.unwrap();
    assert_eq!(outcome, Refreshed::Retried { head: 1 });
    let outcome = after.use_refresh_token(&grant.id, rotation(0), None, NOW).await.unwrap();
    assert_eq!(outcome, Refreshed::Replayed);
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
    for (verb, kind) in reading_verbs(&store).await {
        assert_eq!(kind, None, "{verb}: readers do not wait for a writer");
    }
    held.rollback().await.unwrap();
    for (verb, kind) in writing_verbs(&store).await {
        assert_eq!(kind, None, "{verb}: nothing is left of the time of the lock");
    }
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
    let verbs = [writing_verbs(&store).await, reading_verbs(&store).await].concat();
    for (verb, kind) in verbs {
        assert_eq!(kind, Some(StoreErrorKind::Unavailable), "{verb}");
    }
}

/// attack 323: the moment given decides, not the clock of the machine.
#[tokio::test]
async fn any_time_may_be_the_present() {
    let place = Place::new();
    let store = place.node().await;
    for now in [-1_000_000, 0, 1_000_000_000, 4_000_000_000, i64::MAX - 10_000].map(Timestamp::from_unix) {
        let after = |seconds| now.plus(Duration::from_secs(seconds));
        let (record, key) =
            (CodeRecord { expires_at: after(60), retain_until: after(4000), ..code(&grant()) }, key());
        store.insert_code(key, record.clone(), now).await.unwrap();
        store.sweep(1000, now).await.unwrap();
        assert_eq!(store.consume_code(&key, &client(), after(60)).await.unwrap(), Consumed::Expired);
        assert_eq!(store.consume_code(&key, &client(), after(59)).await.unwrap(), Consumed::Fresh(record));
        assert_eq!(store.consume_code(&key, &client(), after(4000)).await.unwrap(), Consumed::Absent);
    }
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
        assert!(matches!(refused, Err(SchemaError::Store(_))), "{database}");
    }
}
