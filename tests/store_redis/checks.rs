//! Which servers are used: those that keep what they are told to keep.

use vouchsafe::adapters::redis::{RedisConnectError, RedisStore};
use vouchsafe::error::StoreErrorKind;
use vouchsafe::store::TicketStore;
use vouchsafe::testing::store_suite as suite;

use super::server::Server;
use super::{NOW, command, key, kind, ticket, verbs};

/// attack 316: a server that may drop a used value to make room is not used, whatever else it says.
#[tokio::test]
async fn a_server_that_may_drop_keys_is_refused() {
    for policy in ["allkeys-lru", "volatile-ttl", "volatile-lru", "allkeys-random"] {
        let server = Server::start(&["--maxmemory-policy", policy]).await;
        let refused = RedisStore::connect_with(server.options()).await;
        assert!(matches!(refused, Err(RedisConnectError::Evicts { policy: found }) if found == policy));
    }
    let server = Server::start(&["--rename-command INFO hidden"]).await;
    RedisStore::connect_with(server.options()).await.unwrap();
    let server = Server::start(&["--rename-command INFO hidden", "--rename-command CONFIG hidden2"]).await;
    let refused = RedisStore::connect_with(server.options()).await;
    assert!(matches!(refused, Err(RedisConnectError::EvictionUnknown)), "{refused:?}");
    RedisStore::connect_with(server.options().dangerous_skip_server_checks()).await.unwrap();
}

/// attack 316: a server that comes back from a snapshot remembers what was long ago, and not what was just used.
#[tokio::test]
async fn a_server_that_writes_snapshots_alone_is_refused() {
    let server = Server::start(&["--save 3600 1"]).await;
    let refused = RedisStore::connect_with(server.options()).await;
    assert!(matches!(refused, Err(RedisConnectError::Snapshots)), "{refused:?}");
    let server = Server::start(&["--save 3600 1", "--appendonly yes"]).await;
    RedisStore::connect_with(server.options()).await.unwrap();
}

/// attack 316: what a server tells in the form of RESP3 is read as what it tells in that of RESP2.
#[tokio::test]
async fn a_server_that_is_asked_by_resp3_is_looked_at_as_well() {
    let server = Server::start(&["--save 3600 1"]).await;
    let refused = RedisStore::connect_with(server.options_by("protocol=resp3")).await;
    assert!(matches!(refused, Err(RedisConnectError::Snapshots)), "{refused:?}");
    let server = Server::start(&["--rename-command INFO hidden", "--maxmemory-policy allkeys-lru"]).await;
    let refused = RedisStore::connect_with(server.options_by("protocol=resp3")).await;
    assert!(matches!(refused, Err(RedisConnectError::Evicts { .. })), "{refused:?}");
    let server = Server::start(&[]).await;
    let store = RedisStore::connect_with(server.options_by("protocol=resp3")).await.unwrap();
    assert!(store.initialize().await.unwrap());
    for (verb, kind) in verbs(&store).await {
        assert_eq!(kind, None, "{verb}");
    }
    suite::codes(&store).await;
    suite::replays(&store).await;
}

/// attack 316: who may not ask for settings learns from `INFO` whether there is a log. Without one nothing says that
/// there are no snapshots.
#[tokio::test]
async fn a_user_who_may_not_see_the_settings_needs_a_log() {
    for (options, has_log) in
        [(&["--save 3600 1"][..], false), (&["--save 3600 1", "--appendonly yes"], true)]
    {
        let server = Server::start(options).await;
        let allowed = ["ACL", "SETUSER", "login", "on", ">secret", "~*", "+@all", "-config"];
        command::<()>(&mut server.raw().await, &allowed).await;
        let url = format!("redis://login:secret@127.0.0.1:{}", server.port());
        let connected = RedisStore::connect(&url).await;
        match connected {
            Ok(_) => assert!(has_log, "a server that writes snapshots alone"),
            Err(error) => assert!(!has_log && matches!(error, RedisConnectError::Snapshots), "{error:?}"),
        }
    }
}

/// attack 316: a server that has become a replica, as after a failover, answers nothing: not from what it has either,
/// since the new primary knows more.
#[tokio::test]
async fn a_replica_is_refused_and_a_server_that_becomes_one_answers_nothing() {
    let (server, successor) = (Server::start(&[]).await, Server::start(&[]).await);
    let store = server.store().await;
    let unchecked = server.options().dangerous_skip_server_checks();
    let unchecked = RedisStore::connect_with(unchecked).await.unwrap();
    let id = key();
    store.put(id, ticket(), NOW).await.unwrap();
    let port = successor.port().to_string();
    command::<()>(&mut server.raw().await, &["REPLICAOF", "127.0.0.1", &port]).await;
    for store in [&unchecked, &store] {
        for (verb, kind) in verbs(store).await {
            assert_eq!(kind, Some(StoreErrorKind::Unavailable), "{verb}");
        }
        assert_eq!(kind(store.get(&id, NOW).await), Some(StoreErrorKind::Unavailable));
        assert_eq!(kind(store.initialize().await), Some(StoreErrorKind::Unavailable));
    }
    for options in [server.options(), server.options_by("protocol=resp3")] {
        let refused = RedisStore::connect_with(options).await;
        let is_replica = |role: &str| role == "slave";
        assert!(
            matches!(&refused, Err(RedisConnectError::NotPrimary { role }) if is_replica(role)),
            "{refused:?}"
        );
    }
    command::<()>(&mut server.raw().await, &["REPLICAOF", "NO", "ONE"]).await;
    assert_eq!(kind(store.get(&key(), NOW).await), None, "it is a primary again");
}

/// A server that does not tell its role by `INFO` is asked for it.
#[tokio::test]
async fn a_replica_that_hides_its_information_is_refused() {
    let primary = Server::start(&[]).await;
    let follows = format!("--replicaof 127.0.0.1 {}", primary.port());
    let server = Server::start(&["--rename-command INFO hidden", &follows]).await;
    let refused = RedisStore::connect_with(server.options()).await;
    assert!(matches!(refused, Err(RedisConnectError::NotPrimary { .. })), "{refused:?}");
    let server = Server::start(&["--rename-command INFO hidden", "--rename-command ROLE hidden2"]).await;
    let refused = RedisStore::connect_with(server.options()).await;
    assert!(matches!(refused, Err(RedisConnectError::RoleUnknown)), "{refused:?}");
}

/// attack 316: what the server was when it was connected is looked at again at each reconnection.
#[tokio::test]
async fn a_server_that_begins_to_drop_keys_is_found_when_it_comes_back() {
    let server = Server::start(&[]).await;
    let store = server.store().await;
    let mut raw = server.raw().await;
    command::<()>(&mut raw, &["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).await;
    command::<()>(&mut raw, &["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await;
    let _lost = store.get(&key(), NOW).await;
    assert_eq!(kind(store.get(&key(), NOW).await), Some(StoreErrorKind::Unavailable));
    command::<()>(&mut raw, &["CONFIG", "SET", "maxmemory-policy", "noeviction"]).await;
    assert_eq!(kind(store.get(&key(), NOW).await), None);
}
