//! The storage contract, run by the stores in Redis, and what is their own: servers that end, hang, forget, or may drop
//! what they were told to keep.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../sql/capped.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod capped;
mod checks;
mod line;
mod mix;
mod server;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use redis::aio::MultiplexedConnection;
use vouchsafe::adapters::redis::{DEFAULT_REPLAY_WINDOW, RedisConnectError, RedisOptions, RedisStore};
use vouchsafe::adapters::sqlx::{Engine, MysqlStore, PostgresStore, SqlStore, SqliteStore};
use vouchsafe::adapters::tokio::TokioRuntime;
use vouchsafe::clock::Timestamp;
use vouchsafe::entropy::{OsEntropy, random};
use vouchsafe::error::{StoreError, StoreErrorKind};
use vouchsafe::provider::Config;
use vouchsafe::seal::Sealed;
use vouchsafe::secret::{SecretId, TokenHash};
use vouchsafe::store::{
    CodeRecord, CodeStore, Consumed, Decision, Deferral, DeferredRecord, DeferredStore, Polled, ReplayStore,
    SubjectKey, Sweep, TicketRecord, TicketStore, WaitingLimit,
};
use vouchsafe::testing::store_suite as suite;
use vouchsafe::types::{ClientId, GrantId};

use line::Line;
use mix::{Lasting, Mix};
use server::Server;

const NOW: Timestamp = Timestamp::from_unix(1_700_000_000);

const LIMIT: WaitingLimit = WaitingLimit { of_client: 2, of_all: 5 };

fn at(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn key() -> TokenHash {
    TokenHash::from_bytes(random(&OsEntropy).unwrap())
}

fn client() -> ClientId {
    ClientId::new("client").unwrap()
}

fn payload() -> Sealed {
    Sealed::from_parts(SecretId::from_bytes([7; 4]), b"sealed".to_vec())
}

fn code() -> CodeRecord {
    let grant = GrantId::generate(&OsEntropy, NOW).unwrap();
    CodeRecord { grant, client: client(), expires_at: at(60), retain_until: at(4000), payload: payload() }
}

fn ticket() -> TicketRecord {
    TicketRecord { open_until: at(60), keep_until: at(120), payload: payload() }
}

fn deferred() -> DeferredRecord {
    DeferredRecord {
        key: key(),
        user_code: Some(key()),
        client: client(),
        subject: Some(SubjectKey::from_bytes(random(&OsEntropy).unwrap())),
        interval: Duration::from_secs(5),
        expires_at: at(600),
        retain_until: at(1000),
        payload: payload(),
    }
}

fn kind<T>(result: Result<T, StoreError>) -> Option<StoreErrorKind> {
    result.err().map(|error| error.kind())
}

/// The server that all tests share.
fn shared() -> String {
    std::env::var("VOUCHSAFE_REDIS").expect("VOUCHSAFE_REDIS names a server: tests/services run")
}

/// Nodes on the shared server, in a namespace of their own.
async fn nodes(count: usize) -> Vec<Arc<RedisStore>> {
    let name = GrantId::generate(&OsEntropy, NOW).unwrap().to_string();
    let mut nodes = Vec::new();
    for _ in 0..count {
        nodes.push(Arc::new(RedisStore::connect(&shared()).await.unwrap().namespace(&name)));
    }
    nodes[0].initialize().await.unwrap();
    nodes
}

/// How every verb fails, by its name.
async fn verbs(store: &RedisStore) -> Vec<(&'static str, Option<StoreErrorKind>)> {
    vec![
        ("insert_code", kind(store.insert_code(key(), code(), NOW).await)),
        ("consume_code", kind(store.consume_code(&key(), &client(), NOW).await)),
        ("put", kind(store.put(key(), ticket(), NOW).await)),
        ("get", kind(store.get(&key(), NOW).await)),
        ("take", kind(store.take(&key(), NOW).await)),
        ("first_use", kind(store.first_use("test", &key(), at(60), NOW).await)),
        ("insert_deferred", kind(store.insert_deferred(deferred(), LIMIT, NOW).await)),
        ("deferred", kind(store.deferred(&key(), NOW).await)),
        ("by_user_code", kind(store.by_user_code(&key(), NOW).await)),
        ("decide", kind(store.decide(&key(), Decision::Denied, NOW).await)),
        ("poll", kind(store.poll(&key(), &client(), NOW).await)),
        ("sweep", kind(store.sweep(10, NOW).await)),
    ]
}

async fn command<T: redis::FromRedisValue>(raw: &mut MultiplexedConnection, words: &[&str]) -> T {
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    command.query_async(raw).await.unwrap()
}

/// attack 109, attack 220, attack 222: each port, on two nodes, several times on one database.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_contract_of_each_port_holds_on_two_nodes() {
    let nodes = nodes(2).await;
    for node in &nodes {
        suite::codes(&**node).await;
        suite::replays(&**node).await;
        suite::tickets(&**node).await;
    }
    suite::deferred(&nodes, &TokioRuntime::current().unwrap()).await;
}

/// attack 109, attack 120: races, dropped futures and random questions, with what lasts in SQL.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_whole_contract_holds_beside_sqlite() {
    beside(SqliteStore::connect("sqlite::memory:").await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_whole_contract_holds_beside_postgresql() {
    beside(PostgresStore::connect(&url("VOUCHSAFE_POSTGRES")).await.unwrap().namespace("redis")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_whole_contract_holds_beside_mariadb() {
    beside(MysqlStore::connect(&url("VOUCHSAFE_MYSQL")).await.unwrap().namespace("redis")).await;
}

fn url(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| panic!("{variable} must name a server: tests/services run"))
}

async fn beside<E: Engine>(lasting: SqlStore<E>)
where
    SqlStore<E>: Lasting,
{
    lasting.migrate().await.unwrap();
    let lasting = Arc::new(lasting);
    let mixed = |passing: Arc<RedisStore>| {
        Arc::new(Mix { passing: (*passing).clone(), lasting: Arc::clone(&lasting) })
    };
    let nodes: Vec<_> = nodes(2).await.into_iter().map(mixed).collect();
    suite::all(&nodes, &TokioRuntime::current().unwrap()).await;
    suite::deferred(&nodes, &TokioRuntime::current().unwrap()).await;
}

/// All keys of a verb are in one slot, also those that a script makes up by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_namespace_lives_on_one_shard_of_a_cluster() {
    let server = Server::start(&["--cluster-enabled yes"]).await;
    command::<()>(&mut server.raw().await, &["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).await;
    let store = RedisStore::connect_with(server.options()).await.unwrap().namespace("{tenant} one");
    let mut attempts = 0;
    while store.initialize().await.is_err() {
        attempts += 1;
        assert!(attempts < 200, "the cluster comes up");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    suite::codes(&store).await;
    suite::replays(&store).await;
    suite::tickets(&store).await;
    suite::deferred(&[Arc::new(store)], &TokioRuntime::current().unwrap()).await;
    let mut raw = server.raw().await;
    let mut slots = HashSet::new();
    for key in command::<Vec<String>>(&mut raw, &["KEYS", "*"]).await {
        slots.insert(command::<u16>(&mut raw, &["CLUSTER", "KEYSLOT", &key]).await);
    }
    assert_eq!(slots.len(), 1);
}

/// attack 317: a row of another tenant is not found.
#[tokio::test]
async fn two_namespaces_are_two_stores() {
    let node = nodes(1).await.remove(0);
    let (shared, name) = (code(), GrantId::generate(&OsEntropy, NOW).unwrap());
    let id = key();
    for tenant in ["", "a", "b", "a ", "A", "{a}", "*"] {
        let tenant = node.namespace(&format!("{name}{tenant}"));
        assert!(tenant.initialize().await.unwrap(), "it remembers nothing of another's");
        assert!(tenant.first_use("test", &id, at(60), NOW).await.unwrap());
        tenant.insert_code(id, shared.clone(), NOW).await.unwrap();
        let fresh = tenant.consume_code(&id, &client(), NOW).await.unwrap();
        assert_eq!(fresh, Consumed::Fresh(shared.clone()));
    }
    let tenant = node.namespace(&format!("{name}"));
    assert_eq!(tenant.sweep(1000, Timestamp::NEVER).await.unwrap(), 1, "a sweep keeps to its namespace");
}

#[tokio::test]
async fn a_sweep_removes_a_thousand_rows_at_most() {
    capped::sweep(&*nodes(1).await[0]).await;
}

/// attack 316, R35: after the database was emptied no value counts as new until those from before have expired.
#[tokio::test]
async fn after_a_flush_no_value_is_new_for_a_window() {
    let server = Server::start(&[]).await;
    let store = server.store().await;
    let id = key();
    assert!(store.first_use("test", &id, at(300), NOW).await.unwrap());
    command::<()>(&mut server.raw().await, &["FLUSHALL"]).await;
    let window = DEFAULT_REPLAY_WINDOW.as_secs();
    for seconds in [1, 2, window / 2, window] {
        let answer = store.first_use("test", &id, at(3000), at(seconds)).await;
        assert_eq!(kind(answer), Some(StoreErrorKind::Unavailable), "{seconds} seconds later");
    }
    assert!(store.first_use("test", &id, at(3000), at(window + 1)).await.unwrap());
    assert!(!store.first_use("test", &id, at(3000), at(window + 1)).await.unwrap());
}

/// attack 316: a restart without files is found as a flush is.
#[tokio::test]
async fn a_server_that_kept_nothing_is_found() {
    let mut server = Server::start(&[]).await;
    let store = server.store().await;
    let id = key();
    assert!(store.first_use("test", &id, at(300), NOW).await.unwrap());
    server.kill();
    server.revive().await;
    for _ in 0..3 {
        let answer = store.first_use("test", &id, at(300), NOW).await;
        assert_eq!(kind(answer), Some(StoreErrorKind::Unavailable), "never a first use");
    }
}

/// The window is the host's to set; a new database needs none when its owner says that it is one.
#[tokio::test]
async fn a_new_database_answers_after_its_window_or_when_it_is_declared_new() {
    let server = Server::start(&[]).await;
    let window = Duration::from_secs(4000);
    let store = RedisStore::connect_with(server.options().with_replay_window(window)).await.unwrap();
    let first = async |now| kind(store.first_use("test", &key(), at(9000), now).await);
    assert_eq!(first(NOW).await, Some(StoreErrorKind::Unavailable));
    assert_eq!(first(at(3999)).await, Some(StoreErrorKind::Unavailable));
    assert_eq!(first(at(4000)).await, None);
    command::<()>(&mut server.raw().await, &["FLUSHALL"]).await;
    assert!(store.initialize().await.unwrap());
    assert_eq!(first(NOW).await, None);
    assert_eq!(first(Timestamp::from_unix(-5)).await, None);
    assert!(!store.initialize().await.unwrap(), "once");
    assert_eq!(first(NOW).await, None);
}

/// attack 316: a flush that somebody has noticed already is not declared away, as by a flag that stayed set.
#[tokio::test]
async fn a_mark_that_is_young_stays_young() {
    let server = Server::start(&[]).await;
    let store = RedisStore::connect_with(server.options()).await.unwrap();
    let first = async |now| kind(store.first_use("test", &key(), at(9000), now).await);
    assert_eq!(first(NOW).await, Some(StoreErrorKind::Unavailable));
    assert!(!store.initialize().await.unwrap());
    assert_eq!(first(NOW).await, Some(StoreErrorKind::Unavailable));
}

/// attack 316: a client assertion ends `assertion_lifetime` after now by a clock that is `clock_skew` behind, is
/// accepted for `clock_skew` after its end, and by a node whose clock is 120 seconds behind.
#[test]
fn the_window_is_longer_than_an_assertion_is_accepted() {
    let config = Config::new("https://login.example".parse().unwrap());
    let (most_skew, nodes) = (60, 120);
    let accepted = config.assertion_lifetime.as_secs() + 2 * most_skew + nodes;
    assert!(
        DEFAULT_REPLAY_WINDOW.as_secs() > accepted,
        "{DEFAULT_REPLAY_WINDOW:?} is not beyond {accepted} s"
    );
}

/// attack 316, attack 132: what was used stays used when the power fails.
#[tokio::test]
async fn a_restart_opens_nothing_again() {
    let mut server = Server::durable().await;
    let store = server.store().await;
    let (id, record, request) = (key(), code(), deferred());
    store.insert_code(id, record.clone(), NOW).await.unwrap();
    assert_eq!(store.consume_code(&id, &client(), NOW).await.unwrap(), Consumed::Fresh(record.clone()));
    assert!(store.first_use("test", &id, at(300), NOW).await.unwrap());
    store.put(id, ticket(), NOW).await.unwrap();
    assert!(store.take(&id, NOW).await.unwrap().is_some());
    let waits = store.insert_deferred(request.clone(), LIMIT, NOW).await.unwrap();
    assert_eq!(waits, Deferral::Waiting);
    let (grant, retain_until) = (record.grant, at(2000));
    let approved = Decision::Approved { grant, retain_until, payload: payload() };
    assert!(store.decide(&request.key, approved, NOW).await.unwrap());
    let redeemed = store.poll(&request.key, &client(), NOW).await.unwrap();
    assert!(matches!(redeemed, Polled::Approved { .. }), "{redeemed:?}");

    server.kill();
    server.revive().await;
    for store in [store.clone(), RedisStore::connect_with(server.options()).await.unwrap()] {
        // The first verb finds that the old connection is gone; nothing is sent twice.
        let _lost = store.get(&key(), NOW).await;
        assert_eq!(store.consume_code(&id, &client(), NOW).await.unwrap(), Consumed::Replayed { grant });
        assert!(!store.first_use("test", &id, at(300), NOW).await.unwrap());
        assert_eq!(store.take(&id, NOW).await.unwrap(), None);
        assert_eq!(store.poll(&request.key, &client(), NOW).await.unwrap(), Polled::Replayed { grant });
    }
}

/// attack 314: a server that is not there is `Unavailable`, and the store finds it again by itself.
#[tokio::test]
async fn a_server_that_ends_is_unavailable_until_it_is_back() {
    let mut server = Server::durable().await;
    let store = server.store().await;
    server.kill();
    for (verb, kind) in verbs(&store).await {
        assert_eq!(kind, Some(StoreErrorKind::Unavailable), "{verb}");
    }
    let refused = RedisStore::connect_with(server.options()).await;
    assert!(matches!(refused, Err(RedisConnectError::Unreachable(_))), "{refused:?}");
    server.revive().await;
    for (verb, kind) in verbs(&store).await {
        assert_eq!(kind, None, "{verb}");
    }
}

/// attack 315, R4: the answer is lost, the code was used; whoever tries again is told so. A store that has waited in vain
/// leaves the connection, on which nobody may ever answer, and whoever comes next is served.
#[tokio::test]
async fn a_lost_answer_is_never_turned_into_a_second_success() {
    let server = Server::start(&[]).await;
    let line = Line::to(server.port()).await;
    let options = RedisOptions::new(&format!("redis://127.0.0.1:{}", line.port())).unwrap();
    let options = options.with_response_timeout(Duration::from_millis(300));
    let store = RedisStore::connect_with(options).await.unwrap();
    let (id, record) = (key(), code());
    store.insert_code(id, record.clone(), NOW).await.unwrap();
    // The server has the script: what it is sent it will do.
    assert_eq!(store.consume_code(&key(), &client(), NOW).await.unwrap(), Consumed::Absent);
    for lost in 1..=3 {
        line.lose_answers();
        let consumed = store.consume_code(&id, &client(), NOW).await;
        assert_eq!(kind(consumed), Some(StoreErrorKind::Unavailable));
        let again = store.consume_code(&id, &client(), NOW).await.unwrap();
        assert_eq!(again, Consumed::Replayed { grant: record.grant }, "it was used, and not sent twice");
        assert_eq!(line.opened(), lost + 1, "one connection for each that is lost");
    }
}

/// attack 314: a server that hangs holds nobody for longer than the timeout.
#[tokio::test]
async fn a_server_that_hangs_is_unavailable_in_time() {
    let server = Server::start(&[]).await;
    let store = server.store().await;
    server.signal("-STOP");
    let id = key();
    let verbs = tokio::time::timeout(Duration::from_secs(5), async {
        tokio::join!(store.get(&id, NOW), store.take(&id, NOW), store.put(id, ticket(), NOW))
    });
    let (get, take, put) = verbs.await.expect("nobody waits for long");
    let unavailable = Some(StoreErrorKind::Unavailable);
    assert_eq!((kind(get), kind(take), kind(put)), (unavailable, unavailable, unavailable));
    let late = tokio::time::timeout(Duration::from_secs(5), store.get(&id, NOW)).await;
    assert_eq!(kind(late.expect("nor does who has to connect first")), unavailable);
    server.signal("-CONT");
    assert_eq!(kind(store.get(&key(), NOW).await), None);
}

/// A server that has too many clients for a while is asked again.
#[tokio::test]
async fn a_refused_reconnection_is_not_the_last() {
    let server = Server::start(&["--maxclients 2"]).await;
    let store = server.store().await;
    let mut raw = server.raw().await;
    command::<()>(&mut raw, &["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await;
    let other = server.raw().await;
    for _ in 0..3 {
        assert_eq!(kind(store.get(&key(), NOW).await), Some(StoreErrorKind::Unavailable));
    }
    drop(other);
    let mut failed = 0;
    while kind(store.get(&key(), NOW).await).is_some() {
        failed += 1;
        assert!(failed < 100, "the store finds the server again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A server that has lost its scripts, as after a restart or by `SCRIPT FLUSH`, is given them again.
#[tokio::test]
async fn scripts_that_are_gone_are_sent_again() {
    let server = Server::start(&[]).await;
    let store = server.store().await;
    for _ in 0..2 {
        for (verb, kind) in verbs(&store).await {
            assert_eq!(kind, None, "{verb}");
        }
        command::<()>(&mut server.raw().await, &["SCRIPT", "FLUSH"]).await;
    }
}

/// attack 316: with a full memory nothing is dropped: what has to be written is `Unavailable`, and nothing of it is.
#[tokio::test]
async fn a_full_memory_is_unavailable_and_changes_nothing() {
    let server = Server::start(&[]).await;
    let store = server.store().await;
    let (id, record, request, open) = (key(), code(), deferred(), deferred());
    store.insert_code(id, record.clone(), NOW).await.unwrap();
    let _waits = store.insert_deferred(open.clone(), LIMIT, NOW).await.unwrap();
    let mut raw = server.raw().await;
    command::<()>(&mut raw, &["CONFIG", "SET", "maxmemory", "1"]).await;
    let unavailable = Some(StoreErrorKind::Unavailable);
    assert_eq!(kind(store.consume_code(&id, &client(), NOW).await), unavailable);
    assert_eq!(kind(store.first_use("test", &id, at(60), NOW).await), unavailable);
    assert_eq!(kind(store.insert_deferred(request.clone(), LIMIT, NOW).await), unavailable);
    assert_eq!(kind(store.decide(&open.key, Decision::Denied, NOW).await), unavailable);
    assert_eq!(kind(store.poll(&open.key, &client(), NOW).await), unavailable);
    command::<()>(&mut raw, &["CONFIG", "SET", "maxmemory", "0"]).await;
    assert_eq!(store.consume_code(&id, &client(), NOW).await.unwrap(), Consumed::Fresh(record));
    assert!(store.first_use("test", &id, at(60), NOW).await.unwrap());
    assert_eq!(store.insert_deferred(request, LIMIT, NOW).await.unwrap(), Deferral::Waiting);
    assert_eq!(store.poll(&open.key, &client(), NOW).await.unwrap(), Polled::Pending);
    assert!(store.decide(&open.key, Decision::Denied, NOW).await.unwrap());
}

/// R7: a verb that demands replicas does not answer before they have it.
#[tokio::test]
async fn replicas_that_are_demanded_have_what_was_answered() {
    let primary = Server::start(&[]).await;
    let replica = Server::start(&[&format!("--replicaof 127.0.0.1 {}", primary.port())]).await;
    let store = RedisStore::connect_with(primary.options().with_replicas(1)).await.unwrap();
    let (id, record) = (key(), code());
    let mut attempts = 0;
    while store.insert_code(key(), record.clone(), NOW).await.is_err() {
        attempts += 1;
        assert!(attempts < 60, "the replica follows");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    store.insert_code(id, record.clone(), NOW).await.unwrap();
    assert_eq!(store.consume_code(&id, &client(), NOW).await.unwrap(), Consumed::Fresh(record.clone()));
    let mut raw = replica.raw().await;
    let mut used = 0;
    for name in command::<Vec<String>>(&mut raw, &["KEYS", "*code:*"]).await {
        let at: Option<String> = command(&mut raw, &["HGET", &name, "used_at"]).await;
        used += usize::from(at.is_some());
    }
    assert_eq!(used, 1, "the replica knows that the code was used");
    drop(raw);
    drop(replica);
    let id = key();
    assert_eq!(kind(store.insert_code(id, record.clone(), NOW).await), Some(StoreErrorKind::Unavailable));
    assert_eq!(
        kind(store.initialize().await),
        Some(StoreErrorKind::Unavailable),
        "nor is a mark one of the primary"
    );
    let without = RedisStore::connect_with(primary.options()).await.unwrap();
    let there = without.consume_code(&id, &client(), NOW).await.unwrap();
    assert_eq!(
        there,
        Consumed::Fresh(record),
        "that it is unavailable does not say that it has not happened"
    );
}

/// attack 323: by the clock of the server no row goes before a node, whose clock may be behind, is done with it.
#[tokio::test]
async fn rows_end_by_themselves_and_not_too_early() {
    let server = Server::start(&[]).await;
    let store = server.store().await;
    let mut raw = server.raw().await;
    let far = |seconds: i64| Timestamp::from_unix(4_000_000_000 + seconds);
    let (begin, margin) = (far(0), 240);
    let mut record = code();
    (record.expires_at, record.retain_until) = (far(60), far(4000));
    store.insert_code(key(), record.clone(), begin).await.unwrap();
    let held = TicketRecord { open_until: far(60), keep_until: far(120), ..ticket() };
    store.put(key(), held, begin).await.unwrap();
    assert!(store.first_use("test", &key(), far(300), begin).await.unwrap());
    let mut request = deferred();
    (request.expires_at, request.retain_until) = (far(600), far(1000));
    let _waits = store.insert_deferred(request.clone(), LIMIT, begin).await.unwrap();
    let ends = [
        ("*:code:*", 4000),
        ("*:ticket:*", 120),
        ("*:used:*", 300),
        ("*:deferred:*", 1000),
        ("*:user_code:*", 1000),
        ("*:waiting:*", 600),
    ];
    for (pattern, seconds) in ends {
        for left in expiries(&mut raw, pattern).await {
            assert!((seconds + margin - 30..=seconds + margin).contains(&left), "{pattern}: {left}");
        }
    }
    // An approval is remembered for longer, and its user code with it.
    let (grant, retain_until) = (record.grant, far(90_000));
    let approved = Decision::Approved { grant, retain_until, payload: payload() };
    assert!(store.decide(&request.key, approved, far(10)).await.unwrap());
    for pattern in ["*:deferred:*", "*:user_code:*"] {
        for left in expiries(&mut raw, pattern).await {
            assert!((90_000..=90_230).contains(&left), "{pattern}: {left}");
        }
    }
    assert_eq!(expiries(&mut raw, "*:waiting:*").await, [] as [i64; 0], "an answered request does not wait");
    assert_eq!(expiries(&mut raw, "*:since").await, [-1], "the mark stays");
    command::<()>(&mut raw, &["FLUSHALL"]).await;
    (record.expires_at, record.retain_until) = (Timestamp::NEVER, Timestamp::NEVER);
    store.insert_code(key(), record, begin).await.unwrap();
    assert_eq!(expiries(&mut raw, "*:code:*").await, [-1], "what never ends stays");
}

/// In how many seconds the keys of a pattern go, at least one where the pattern is one of rows that are there.
async fn expiries(raw: &mut MultiplexedConnection, pattern: &str) -> Vec<i64> {
    let keys: Vec<String> = command(raw, &["KEYS", pattern]).await;
    let mut left = Vec::new();
    for key in keys {
        left.push(command(raw, &["TTL", &key]).await);
    }
    left
}

/// A person who is asked again and again leaves no trail behind.
#[tokio::test]
async fn those_that_waited_in_vain_are_forgotten() {
    let server = Server::start(&[]).await;
    let store = server.store().await;
    let mut raw = server.raw().await;
    let subject = deferred().subject;
    for round in 0..20_u64 {
        let request = DeferredRecord { subject, expires_at: at(round * 1000 + 600), ..deferred() };
        let waits = store.insert_deferred(request.clone(), LIMIT, at(round * 1000)).await.unwrap();
        assert_eq!(waits, Deferral::Waiting);
        // The server ends the row long after; here it is gone at once.
        let rows: Vec<String> = command(&mut raw, &["KEYS", "*:deferred:*"]).await;
        command::<()>(&mut raw, &["DEL", &rows[0]]).await;
    }
    let waiting: Vec<String> = command(&mut raw, &["KEYS", "*:waiting:*"]).await;
    assert_eq!(waiting.len(), 2, "of all and of the client: {waiting:?}");
    for key in waiting {
        let members: u64 = command(&mut raw, &["ZCARD", &key]).await;
        assert!(members <= 2, "{members}");
    }
}

/// attack 317: a value that no verb wrote is an error, never an answer.
#[tokio::test]
async fn a_value_that_was_tampered_with_is_corrupt() {
    let server = Server::start(&[]).await;
    let store = server.store().await;
    let mut raw = server.raw().await;
    for (field, value) in [
        ("client", None),
        ("grant", Some("short")),
        ("expires_at", None),
        ("expires_at", Some("99999999999999999999")),
        ("until", Some("soon")),
        ("secret", Some("toolong")),
        ("payload", None),
    ] {
        let id = key();
        store.insert_code(id, code(), NOW).await.unwrap();
        let row: Vec<String> = command(&mut raw, &["KEYS", "*:code:*"]).await;
        match value {
            Some(value) => command::<()>(&mut raw, &["HSET", &row[0], field, value]).await,
            None => command::<()>(&mut raw, &["HDEL", &row[0], field]).await,
        }
        let consumed = store.consume_code(&id, &client(), NOW).await;
        assert_eq!(kind(consumed), Some(StoreErrorKind::Corrupt), "{field} {value:?}");
        command::<()>(&mut raw, &["DEL", &row[0]]).await;
        store.insert_code(id, code(), NOW).await.unwrap();
        command::<()>(&mut raw, &["SET", &row[0], "a text"]).await;
        assert_eq!(kind(store.consume_code(&id, &client(), NOW).await), Some(StoreErrorKind::Corrupt));
        command::<()>(&mut raw, &["DEL", &row[0]]).await;
    }
    for field in ["client", "pace", "expires_at", "state"] {
        let request = deferred();
        let _waits = store.insert_deferred(request.clone(), LIMIT, NOW).await.unwrap();
        let row: Vec<String> = command(&mut raw, &["KEYS", "*:deferred:*"]).await;
        command::<()>(&mut raw, &["HDEL", &row[0], field]).await;
        let polled = store.poll(&request.key, &client(), NOW).await;
        assert_eq!(kind(polled), Some(StoreErrorKind::Corrupt), "{field}");
        command::<()>(&mut raw, &["DEL", &row[0]]).await;
    }
}

/// attack 318: who reads the files of the server finds no token; what was used up has lost its payload.
#[tokio::test]
async fn the_files_show_hashes_alone() {
    let server = Server::durable().await;
    let store = server.store().await;
    let secrets = ["code-that-nobody-may-read", "device-that-nobody-may-read", "user-that-nobody-may-read"];
    let [id, device, user_code] = secrets.map(TokenHash::of);
    store.insert_code(id, code(), NOW).await.unwrap();
    assert!(store.first_use("test", &id, at(300), NOW).await.unwrap());
    let request = DeferredRecord { key: device, user_code: Some(user_code), ..deferred() };
    let _waits = store.insert_deferred(request, LIMIT, NOW).await.unwrap();
    let files = server.files();
    let holds = |text: &[u8]| files.windows(text.len()).any(|window| window == text);
    for hash in [id, device, user_code] {
        assert!(holds(BASE64_URL_SAFE_NO_PAD.encode(hash.as_bytes()).as_bytes()), "the row is in the files");
    }
    for secret in secrets {
        assert!(!holds(secret.as_bytes()), "{secret}");
    }
    let _fresh = store.consume_code(&id, &client(), NOW).await.unwrap();
    let mut raw = server.raw().await;
    let row: Vec<String> = command(&mut raw, &["KEYS", "*:code:*"]).await;
    let fields: HashSet<String> = command(&mut raw, &["HKEYS", &row[0]]).await;
    assert!(fields.contains("used_at") && !fields.contains("payload"), "{fields:?}");
}

/// What is printed holds no address, which may hold a password.
#[tokio::test]
async fn nothing_that_is_printed_shows_the_password() {
    let server = Server::start(&["--requirepass hunter2"]).await;
    let options =
        |password: &str| RedisOptions::new(&format!("redis://:{password}@127.0.0.1:{}", server.port()));
    let store = RedisStore::connect_with(options("hunter2").unwrap()).await.unwrap();
    let refused = RedisStore::connect_with(options("letmein9").unwrap()).await.unwrap_err();
    let wrong = RedisStore::connect("redis://:hunter2@[bad/").await.unwrap_err();
    assert!(matches!(wrong, RedisConnectError::Url), "{wrong:?}");
    let printed = format!("{store:?} {:?} {refused:?} {refused} {wrong:?}", options("hunter2").unwrap());
    for hidden in ["hunter2", "letmein9", &server.port().to_string()] {
        assert!(!printed.contains(hidden), "{printed}");
    }
    let insecure = RedisStore::connect("rediss://127.0.0.1/#insecure").await;
    assert!(matches!(insecure, Err(RedisConnectError::Url)), "TLS looks at certificates");
}
