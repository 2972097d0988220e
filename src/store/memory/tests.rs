use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;

use super::MemoryStore;
use crate::clock::Timestamp;
use crate::error::StoreErrorKind;
use crate::seal::Sealed;
use crate::secret::{SecretId, TokenHash};
use crate::store::{
    Advance, ConsentRecord, ConsentStore, ConsentVersion, Grace, GrantRecord, GrantStore, GrantedToken,
    Insertion, Issued, NewFamily, RefreshUse, ReplayStore, SubjectKey, Sweep, TicketRecord, TicketStore,
    TokenRecord, TokenStore,
};
use crate::types::{ClientId, GrantId};

const NOW: Timestamp = Timestamp::from_unix(1_700_000_000);

fn later(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn payload() -> Sealed {
    Sealed::from_parts(SecretId::from_bytes([1; 4]), vec![1, 2, 3])
}

fn key(n: u8) -> TokenHash {
    TokenHash::from_bytes([n; 32])
}

fn client() -> ClientId {
    ClientId::new("client").unwrap()
}

fn grant(n: u8) -> GrantRecord {
    GrantRecord {
        id: GrantId::from_bytes([n; 16]),
        client: client(),
        subject: Some(SubjectKey::from_bytes([n; 32])),
        session: None,
        created_at: NOW,
        expires_at: later(100),
        keep_until: later(200),
        token: None,
        payload: payload(),
    }
}

fn consent(expires_at: Timestamp) -> ConsentRecord {
    ConsentRecord {
        subject: SubjectKey::from_bytes([1; 32]),
        client: client(),
        version: ConsentVersion(0),
        expires_at,
        payload: payload(),
    }
}

/// Every future of this store is ready at once.
fn ready<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("the memory store never waits")
}

/// Whether nothing is left, of rows and of what finds them.
fn is_empty(store: &MemoryStore) -> bool {
    let space = store.space();
    space.codes.is_empty()
        && space.replays.is_empty()
        && space.tickets.is_empty()
        && space.tokens.is_empty()
        && space.grants.is_empty()
        && space.consents.is_empty()
        && space.ends.is_empty()
}

#[test]
fn sweeping_leaves_nothing_behind() {
    let store = MemoryStore::new();
    for n in 0..20 {
        let token = |key| TokenRecord {
            key,
            grant: grant(n).id,
            client: client(),
            expires_at: later(50),
            payload: payload(),
        };
        let GrantRecord { subject, session, created_at, keep_until, .. } = grant(n);
        let granted = GrantedToken { token: token(key(n)), subject, session, created_at, keep_until };
        ready(store.insert_granted_token(granted, NOW)).unwrap();
        let issued = Issued { access: Some(token(key(n + 100))), family: None };
        assert_eq!(ready(store.insert_tokens(&grant(n).id, issued, NOW)).unwrap(), Insertion::Inserted);
        let ticket = TicketRecord { open_until: later(1), keep_until: later(2), payload: payload() };
        ready(store.put(key(n), ticket, NOW)).unwrap();
        assert!(ready(store.first_use("space", &key(n), later(5), NOW)).unwrap());
    }
    ready(store.take(&key(3), NOW)).unwrap();
    let _ = ready(store.remember(consent(later(9)), None, NOW)).unwrap();
    assert!(!is_empty(&store));
    while ready(store.sweep(7, later(200))).unwrap() == 7 {}
    assert!(is_empty(&store));
}

#[test]
fn a_consent_that_is_written_often_is_listed_once() {
    let store = MemoryStore::new();
    for second in 0..1000 {
        let seen = ready(store.remembered(&consent(NOW).subject, &client(), NOW)).unwrap();
        let _ =
            ready(store.remember(consent(later(second + 1)), seen.map(|seen| seen.version), NOW)).unwrap();
    }
    assert_eq!(store.space().ends.len(), 1);
    ready(store.forget(&consent(NOW).subject, &client(), NOW)).unwrap();
    assert!(is_empty(&store));
}

#[test]
fn a_sequence_that_would_overflow_is_corrupt_and_stays() {
    let store = MemoryStore::new();
    let family = NewFamily { key: key(1), idle_until: later(50) };
    let issued = Issued { access: None, family: Some(family) };
    let id = grant(1).id;
    ready(store.insert_grant(grant(1), NOW)).unwrap();
    assert_eq!(ready(store.insert_tokens(&id, issued, NOW)).unwrap(), Insertion::Inserted);
    store.space().grants.kept_mut(&id, NOW).and_then(|row| row.head.as_mut()).unwrap().seq = u64::MAX;
    let used = RefreshUse {
        seq: u64::MAX,
        advance: Advance::Rotate,
        grace: Grace::UntilSuccessorUsed,
        idle_until: later(60),
    };
    let before = ready(store.grant(&id, NOW)).unwrap();
    let error = ready(store.use_refresh_token(&id, used, None, NOW)).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    assert_eq!(ready(store.grant(&id, NOW)).unwrap(), before);
}

#[test]
fn a_panic_under_the_lock_does_not_stop_the_others() {
    let store = Arc::new(MemoryStore::new());
    let held = Arc::clone(&store);
    let died = std::thread::spawn(move || {
        let _space = held.space();
        panic!("a request dies");
    });
    assert!(died.join().is_err());
    assert!(ready(store.first_use("space", &key(1), later(5), NOW)).unwrap());
}

#[test]
fn a_namespace_is_reached_by_its_name_alone() {
    let store = MemoryStore::new();
    ready(store.namespace("a").insert_grant(grant(1), NOW)).unwrap();
    assert_eq!(ready(store.grant(&grant(1).id, NOW)).unwrap(), None);
    assert_eq!(ready(store.namespace("b").grant(&grant(1).id, NOW)).unwrap(), None);
    assert!(ready(store.namespace("b").namespace("a").grant(&grant(1).id, NOW)).unwrap().is_some());
    ready(store.namespace("").insert_grant(grant(2), NOW)).unwrap();
    assert!(ready(store.grant(&grant(2).id, NOW)).unwrap().is_some());
}
