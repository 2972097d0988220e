//! What holds for the stores of every database that is a server, as tests for each of them: [`served`](crate::served).

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use vouchsafe::adapters::sqlx::{Engine, SchemaError, SqlOptions, SqlStore};
use vouchsafe::clock::Timestamp;
use vouchsafe::entropy::{OsEntropy, random};
use vouchsafe::error::StoreErrorKind;
use vouchsafe::store::{
    CodeStore, ConsentRecord, ConsentStore, Consumed, Deferral, DeferredRecord, DeferredStore, GrantStore,
    Page, Refreshed, Remembered, Reseal, RowKind, SubjectKey, Sweep, TokenStore, WaitingLimit,
};
use vouchsafe::testing::store_suite as suite;

use super::crowd::{crowd, drop_after};
use super::deadlock::Rival;
use super::proxy::{Proxy, Wire};
use super::sql::{
    self, NOW, client, code, consent, deferred, family_at, grant, key, kind, payload, rotation,
};

type Store<S> = SqlStore<<S as Server>::Engine>;

/// A place of its own for the tables of one test, on a server.
pub(super) trait Server: Sized {
    type Engine: Engine;
    type Rival: Rival;

    /// Inserts consents of the subjects 02 and 04, of one byte each, which are no subjects.
    const FOREIGN_CONSENTS: [&'static str; 2];

    async fn new() -> Self;

    fn url(&self) -> String;

    /// The host and port of the server, as they stand in the URL.
    fn address(&self) -> String;

    async fn connect(url: &str, options: &SqlOptions) -> Result<Store<Self>, SchemaError>;

    /// A store over up to eight connections of the host's own, which waits for one for so long.
    fn hosted(url: &str, patience: Duration) -> Store<Self>;

    /// A transaction, and a store whose verbs are those that the server fails when it and they wait for each other.
    async fn rivals(&self) -> (Self::Rival, Store<Self>);

    /// Runs statements that are not the store's.
    async fn execute(&self, text: &'static str);

    /// One more node on the database.
    async fn node(&self) -> Store<Self> {
        let store = Self::connect(&self.url(), &SqlOptions::new()).await.unwrap();
        store.migrate().await.unwrap();
        store
    }

    /// A wire to the server, and the URL that goes by it.
    async fn wire(&self) -> (Proxy, String) {
        let proxy = Proxy::before(self.address()).await;
        let url = self.url().replacen(&self.address(), &proxy.address.to_string(), 1);
        (proxy, url)
    }
}

/// The tests of a server.
#[macro_export]
macro_rules! served {
    ($server:ty) => {
        /// attack 109, attack 124, attack 131, attack 220, attack 222: two nodes on one database.
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn the_contract_holds_on_two_nodes() {
            let server = <$server>::new().await;
            sql::contract(&[Arc::new(server.node().await), Arc::new(server.node().await)]).await;
        }

        /// attack 320: a rotation that the server fails for a deadlock is tried again, and nobody is told.
        #[tokio::test]
        async fn a_rotation_in_a_deadlock_is_tried_again() {
            let (rival, store) = <$server>::new().await.rivals().await;
            deadlock::rotated(&store, rival).await;
        }

        /// attack 320: the same of a revocation, where all that is revoked is counted.
        #[tokio::test]
        async fn a_revocation_in_a_deadlock_is_tried_again() {
            let (rival, store) = <$server>::new().await.rivals().await;
            deadlock::revoked(&store, rival).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn the_contract_holds_over_connections_of_the_host() {
            let server = <$server>::new().await;
            server.node().await;
            let store = <$server>::hosted(&server.url(), Duration::from_secs(30));
            sql::contract(&[Arc::new(store)]).await;
        }

        #[tokio::test]
        async fn random_questions_are_answered_as_by_the_model() {
            let store = <$server>::new().await.node().await;
            for seed in 100..104 {
                suite::model(&store, seed, 500).await;
            }
        }

        /// attack 120: dropped between any two of its steps a verb has happened as a whole or not at all.
        #[tokio::test]
        async fn a_dropped_verb_has_happened_or_it_has_not() {
            suite::cancelled(&<$server>::new().await.node().await).await;
        }

        #[tokio::test]
        async fn a_dropped_verb_leaves_no_lock() {
            served::dropped::<$server>().await;
        }

        /// attack 317: a row of another tenant is not found.
        #[tokio::test]
        async fn two_namespaces_are_two_stores() {
            sql::namespaces(&<$server>::new().await.node().await).await;
        }

        /// attack 132, attack 316: what was used stays used when every process has ended.
        #[tokio::test]
        async fn a_restart_opens_nothing_again() {
            let server = <$server>::new().await;
            sql::restart(server.node().await, async || server.node().await).await;
        }

        /// attack 321: a key that exists is a conflict, so that the caller draws another.
        #[tokio::test]
        async fn a_key_that_exists_is_a_conflict() {
            sql::conflicts(&<$server>::new().await.node().await).await;
        }

        /// attack 322
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn a_sweep_beside_other_verbs_removes_what_none_of_them_sees() {
            sql::sweeping(&<$server>::new().await.node().await).await;
        }

        #[tokio::test]
        async fn a_sweep_removes_a_thousand_rows_at_most() {
            capped::sweep(&<$server>::new().await.node().await).await;
        }

        #[tokio::test]
        async fn a_revocation_in_steps_revokes_a_thousand_grants_at_most() {
            capped::revoke_some(&<$server>::new().await.node().await).await;
        }

        /// attack 323: the moment given decides, not the clock of the machine.
        #[tokio::test]
        async fn any_time_may_be_the_present() {
            sql::moments(&<$server>::new().await.node().await).await;
        }

        /// attack 314: a server that is gone is `Unavailable`, and used again when it is back.
        #[tokio::test]
        async fn a_server_that_is_gone_is_unavailable_until_it_is_back() {
            served::gone::<$server>().await;
        }

        /// attack 314: a host that is gone without a word holds up nobody once it is back.
        #[tokio::test]
        async fn a_server_that_is_silent_holds_no_connection() {
            served::silent::<$server>().await;
        }

        /// attack 317: a row that was tampered with keeps no other from being moved to another secret.
        #[tokio::test]
        async fn a_row_that_cannot_be_read_does_not_stop_the_moving_of_others() {
            served::resealing_goes_on::<$server>().await;
        }

        #[tokio::test]
        async fn a_table_that_cannot_be_swept_keeps_no_other() {
            served::sweeping_goes_on::<$server>().await;
        }

        /// attack 317: a name too long for a key is still one of its own.
        #[tokio::test]
        async fn a_namespace_may_be_of_any_length() {
            served::long_namespaces::<$server>().await;
        }

        #[tokio::test]
        async fn a_connection_that_was_lost_while_idle_is_replaced() {
            served::lost_while_idle::<$server>().await;
        }

        /// attack 315: what was done and not told is `Unavailable`, and stays done.
        #[tokio::test]
        async fn an_answer_that_is_lost_is_never_a_second_success() {
            served::lost_answer::<$server>().await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn many_nodes_may_start_at_once_on_a_new_database() {
            served::together::<$server>().await;
        }

        #[tokio::test]
        async fn tables_of_a_later_release_are_refused() {
            served::later_tables::<$server>().await;
        }

        #[tokio::test]
        async fn tables_may_be_made_by_tools_of_the_host() {
            served::foreign_tools::<$server>().await;
        }

        #[tokio::test]
        async fn a_sequence_that_would_overflow_is_corrupt_and_stays() {
            served::overflow::<$server>().await;
        }

        #[tokio::test]
        async fn a_server_that_cannot_be_reached_is_an_error() {
            let options = SqlOptions::new().with_acquire_timeout(Duration::from_millis(200));
            let url = <$server>::new().await.url();
            let (scheme, _) = url.split_once(':').unwrap();
            for url in [&format!("{scheme}://nobody@127.0.0.1:1/none"), "ftp://127.0.0.1/none", "x://["] {
                let refused = <$server>::connect(url, &options).await;
                assert!(matches!(refused, Err(SchemaError::Connect(_))), "{url}");
            }
        }

        #[tokio::test]
        async fn a_database_that_is_not_opened_does_not_tell_the_password() {
            served::discreet::<$server>().await;
        }
    };
}

/// What an error of connecting tells, with its sources, is written into logs: of the URL the password must not be in it.
pub(super) async fn discreet<S: Server>() {
    let (place, options) = (S::new().await, SqlOptions::new().with_acquire_timeout(Duration::from_secs(5)));
    let url = place.url();
    let (scheme, _) = url.split_once(':').unwrap();
    let address = place.address();
    for url in [
        format!("{scheme}://nobody:wonderland@{address}/none"),
        format!("{scheme}://nobody:wonderland@127.0.0.1:1/none"),
        format!("{scheme}://nobody:wonderland@127.0.0.1:port/none"),
        format!("{scheme}://nobody:wonderland@[::/none"),
        format!("{scheme}://nobody:wonder%ffland@127.0.0.1:1/none"),
        format!("{scheme}://nobody:wonderland@127.0.0.1:1/none?ssl-mode=strange&sslmode=strange"),
    ] {
        let error = S::connect(&url, &options).await.unwrap_err();
        assert!(matches!(error, SchemaError::Connect(_)), "{url}: {error:?}");
        let (mut told, mut source) = (format!("{error:?} {error}"), std::error::Error::source(&error));
        while let Some(error) = source {
            told = format!("{told} {error:?} {error}");
            source = error.source();
        }
        assert!(told.contains("could not connect to the database"), "{told}");
        assert!(!told.contains("wonder") && !told.contains("land@"), "{told}");
    }
}

/// What a verb that was dropped had locked is free again: another is about the same subject.
pub(super) async fn dropped<S: Server>() {
    let server = S::new().await;
    let (dropped, other) = (server.node().await, server.node().await);
    let limit = WaitingLimit { of_client: 9, of_all: 9 };
    for suspensions in 0..12 {
        let subject = Some(SubjectKey::from_bytes(random(&OsEntropy).unwrap()));
        let record = || DeferredRecord { subject, ..deferred() };
        drop_after(suspensions, dropped.insert_deferred(record(), limit, NOW)).await;
        let next = other.insert_deferred(record(), limit, NOW);
        let next = tokio::time::timeout(Duration::from_secs(4), next).await;
        assert_eq!(next.unwrap().unwrap(), Deferral::Waiting, "after {suspensions}");
    }
}

pub(super) async fn gone<S: Server>() {
    let server = S::new().await;
    server.node().await;
    let (proxy, url) = server.wire().await;
    let patience = SqlOptions::new().with_acquire_timeout(Duration::from_millis(300));
    let store = S::connect(&url, &patience).await.unwrap();
    sql::available(&store).await;
    proxy.set(Wire::Cut);
    sql::unavailable(&S::hosted(&url, Duration::from_millis(100))).await;
    // The store that was in use says the same, until it may have new connections.
    sql::unavailable(&store).await;
    proxy.set(Wire::Whole);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    sql::available(&store).await;
}

/// A server that vanishes without a word takes no connection of the pool with it: verbs that were dropped while they waited
/// for it give theirs back, and new ones are made when it can be reached again.
pub(super) async fn silent<S: Server>() {
    let server = S::new().await;
    server.node().await;
    let (proxy, url) = server.wire().await;
    let options = SqlOptions::new().with_connections(2).with_acquire_timeout(Duration::from_secs(8));
    let store = S::connect(&url, &options).await.unwrap();
    sql::available(&store).await;
    proxy.set(Wire::Silent);
    let verbs = (0..2).map(async |_| {
        let id = grant().id;
        let verb = store.grant(&id, NOW);
        tokio::time::timeout(Duration::from_millis(300), verb).await.is_err()
    });
    assert_eq!(join_all(verbs).await, [true, true]);
    proxy.set(Wire::Whole);
    let verbs = async || join_all((0..2).map(async |_| store.grant(&grant().id, NOW).await.unwrap())).await;
    assert_eq!(verbs().await, [None, None]);
    // The same where it vanishes while nobody waits for it, and comes back after the connections were to go back.
    proxy.set(Wire::Silent);
    tokio::time::sleep(Duration::from_millis(300)).await;
    proxy.set(Wire::Whole);
    assert_eq!(verbs().await, [None, None]);
}

/// A connection that was lost while nobody used it fails no verb.
pub(super) async fn lost_while_idle<S: Server>() {
    let server = S::new().await;
    server.node().await;
    let (proxy, url) = server.wire().await;
    let store = S::connect(&url, &SqlOptions::new()).await.unwrap();
    sql::available(&store).await;
    proxy.set(Wire::Cut);
    proxy.set(Wire::Whole);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    sql::available(&store).await;
}

pub(super) async fn lost_answer<S: Server>() {
    let server = S::new().await;
    let direct = server.node().await;
    let (proxy, url) = server.wire().await;
    let store = S::connect(&url, &SqlOptions::new().with_connections(1)).await.unwrap();
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

pub(super) async fn together<S: Server>() {
    let server = S::new().await;
    let (url, options) = (server.url(), SqlOptions::new());
    let nodes = (0..8).map(async |_| {
        let store = S::connect(&url, &options).await?;
        store.migrate().await?;
        store.check().await
    });
    for node in join_all(nodes).await {
        node.unwrap();
    }
}

pub(super) async fn later_tables<S: Server>() {
    let server = S::new().await;
    let store = server.node().await;
    server.execute("INSERT INTO vouchsafe_schema (version, name) VALUES (1000, 'later')").await;
    let again = S::connect(&server.url(), &SqlOptions::new()).await;
    for refused in [store.migrate().await, store.check().await, again.map(drop)] {
        assert!(matches!(refused, Err(SchemaError::Newer { found: 1000, .. })), "{refused:?}");
    }
}

pub(super) async fn foreign_tools<S: Server>() {
    let server = S::new().await;
    let store = S::connect(&server.url(), &SqlOptions::new()).await.unwrap();
    let missing = store.check().await;
    assert!(matches!(missing, Err(SchemaError::Older { found: 0, .. })), "{missing:?}");
    for migration in Store::<S>::migrations() {
        server.execute(migration.sql).await;
    }
    store.check().await.unwrap();
    store.migrate().await.unwrap();
    suite::codes(&store).await;
}

pub(super) async fn overflow<S: Server>() {
    let server = S::new().await;
    let store = server.node().await;
    let grant = family_at(&store, 1).await;
    server.execute("UPDATE vouchsafe_issued SET seq = 9223372036854775807").await;
    let before = store.grant(&grant.id, NOW).await.unwrap();
    let last = i64::MAX as u64;
    let outcome = store.use_refresh_token(&grant.id, rotation(last), None, NOW).await;
    assert_eq!(kind(outcome), Some(StoreErrorKind::Corrupt));
    assert_eq!(store.grant(&grant.id, NOW).await.unwrap(), before);
    let outcome = store.use_refresh_token(&grant.id, rotation(last + 1), None, NOW).await.unwrap();
    assert_eq!(outcome, Refreshed::Ahead);
}

/// Rows whose subject is no subject, at the beginning, in the middle and at the end of a page.
pub(super) async fn resealing_goes_on<S: Server>() {
    let server = S::new().await;
    let store = server.node().await;
    let mut subjects = Vec::new();
    for first in [1, 3, 5, 7] {
        let subject = SubjectKey::from_bytes([first; 32]);
        let written = store.remember(ConsentRecord { subject, ..consent() }, None, NOW).await.unwrap();
        assert_eq!(written, Remembered::Written);
        subjects.push(subject);
    }
    for text in S::FOREIGN_CONSENTS {
        server.execute(text).await;
    }
    for size in [2, 3, 4] {
        let (mut listed, mut page) = (Vec::new(), Page::first(size));
        loop {
            let listing = store.sealed_under(payload().secret(), &page, NOW).await.unwrap();
            listed.extend(listing.items.into_iter().filter(|row| row.name.kind == RowKind::Consent));
            let Some(next) = listing.next else { break };
            page = Page { after: Some(next), ..page };
        }
        let listed: Vec<&[u8]> = listed.iter().map(|row| &row.name.key[..32]).collect();
        let expected: Vec<&[u8]> = subjects.iter().map(|subject| &subject.as_bytes()[..]).collect();
        assert_eq!(listed, expected, "pages of {size}");
    }
}

pub(super) async fn long_namespaces<S: Server>() {
    let store = S::new().await.node().await;
    let [one, other] = [3000, 3001].map(|length| store.namespace(&"n".repeat(length)));
    let grant = grant();
    one.insert_grant(grant.clone(), NOW).await.unwrap();
    assert_eq!(other.grant(&grant.id, NOW).await.unwrap(), None);
    assert!(one.grant(&grant.id, NOW).await.unwrap().is_some());
}

/// A connection that leads to a server that does not write any more is not used again: this is the only one.
pub(super) async fn demoted<E: Engine>(store: &SqlStore<E>) {
    let refused = store.insert_code(key(), code(&grant()), NOW).await;
    assert_eq!(kind(refused), Some(StoreErrorKind::Unavailable));
    store.insert_code(key(), code(&grant()), NOW).await.unwrap();
}

/// The first table is not there.
pub(super) async fn sweeping_goes_on<S: Server>() {
    let server = S::new().await;
    let store = server.node().await;
    store.insert_code(key(), code(&grant()), NOW).await.unwrap();
    server.execute("DROP TABLE vouchsafe_replays").await;
    let late = Timestamp::from_unix(i64::MAX);
    assert_eq!(store.sweep(10, late).await.unwrap(), 1);
    assert_eq!(kind(store.sweep(10, late).await), Some(StoreErrorKind::Unavailable));
}

/// A row that no statement of the store wrote is an error, never an answer. Each change makes one.
pub(super) async fn tampered<S: Server>(changes: &[&'static str]) {
    let server = S::new().await;
    let store = server.node().await;
    for change in changes {
        let grant = family_at(&store, 0).await;
        server.execute(change).await;
        assert_eq!(kind(store.grant(&grant.id, NOW).await), Some(StoreErrorKind::Corrupt), "{change}");
        server.execute("DELETE FROM vouchsafe_issued").await;
    }
}

/// Verbs that meet under an isolation level that lets not all of them through: each answers as it should, or that it
/// cannot answer, and never anything else.
pub(super) async fn meeting<E: Engine>(store: SqlStore<E>) {
    let store = Arc::new(store);
    for _ in 0..10 {
        one_of_a_crowd_redeems(&store).await;
        one_of_a_crowd_rotates(&store).await;
        no_more_than_may_wait(&store).await;
    }
}

async fn one_of_a_crowd_redeems<E: Engine>(store: &Arc<SqlStore<E>>) {
    let (key, code) = (key(), code(&grant()));
    store.insert_code(key, code.clone(), NOW).await.unwrap();
    let answers = crowd(store, move |store| async move { store.consume_code(&key, &client(), NOW).await });
    let answers = answers.await;
    let (mut fresh, replayed) = (0, Consumed::Replayed { grant: code.grant });
    for answer in &answers {
        match answer {
            Ok(Consumed::Fresh(record)) if *record == code => fresh += 1,
            Ok(answer) => assert_eq!(*answer, replayed, "{answers:?}"),
            Err(kind) => assert_eq!(*kind, StoreErrorKind::Unavailable, "{answers:?}"),
        }
    }
    // Nobody is told that somebody else has redeemed it, unless somebody has.
    assert_eq!(fresh, 1, "{answers:?}");
}

async fn one_of_a_crowd_rotates<E: Engine>(store: &Arc<SqlStore<E>>) {
    let id = family_at(store, 0).await.id;
    let answers =
        crowd(store, move |store| async move { store.use_refresh_token(&id, rotation(0), None, NOW).await });
    let answers = answers.await;
    let mut rotated = 0;
    for answer in &answers {
        match answer {
            Ok(Refreshed::Rotated) => rotated += 1,
            Ok(answer) => assert_eq!(*answer, Refreshed::Retried { head: 1 }, "{answers:?}"),
            Err(kind) => assert_eq!(*kind, StoreErrorKind::Unavailable, "{answers:?}"),
        }
    }
    assert_eq!(rotated, 1, "{answers:?}");
}

async fn no_more_than_may_wait<E: Engine>(store: &Arc<SqlStore<E>>) {
    let subject = Some(SubjectKey::from_bytes(random(&OsEntropy).unwrap()));
    let limit = WaitingLimit { of_client: 3, of_all: 3 };
    let answers = crowd(store, move |store| async move {
        let record = DeferredRecord { subject, ..deferred() };
        store.insert_deferred(record, limit, NOW).await
    });
    let answers = answers.await;
    let waiting = answers.iter().filter(|answer| **answer == Ok(Deferral::Waiting)).count();
    assert!((1..=3).contains(&waiting), "{answers:?}");
}
