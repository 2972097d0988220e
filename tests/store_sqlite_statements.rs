//! How many statements each verb of the SQLite store runs, counted by what the driver reports of each.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fmt::Debug;
use std::mem;
use std::sync::{Mutex, Once};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Connection as _, SqlitePool};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use vouchsafe::adapters::sqlx::SqliteStore;
use vouchsafe::clock::Timestamp;
use vouchsafe::entropy::{OsEntropy, random};
use vouchsafe::error::{StoreError, StoreErrorKind};
use vouchsafe::seal::Sealed;
use vouchsafe::secret::{SecretId, TokenHash};
use vouchsafe::store::{
    Advance, CodeRecord, CodeStore, ConsentFilter, ConsentRecord, ConsentStore, ConsentVersion, Consumed,
    Decision, Deferral, DeferredRecord, DeferredStore, Filter, Grace, GrantRecord, GrantStore, GrantedToken,
    Insertion, Issued, NewFamily, Page, Polled, RefreshUse, Refreshed, Remembered, ReplayStore,
    RevokedGrants, SessionKey, SubjectKey, Sweep, TicketRecord, TicketStore, TokenRecord, TokenStore,
    WaitingLimit,
};
use vouchsafe::types::{ClientId, GrantId};

const NOW: Timestamp = Timestamp::from_unix(1_700_000_000);
const SUBJECT: SubjectKey = SubjectKey::from_bytes([1; 32]);

/// What the driver reported of statements that have ended.
static REPORTED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Tests take turns: a report does not say whose statement it was.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Keeps the driver's reports. BEGIN and COMMIT are not among them.
struct Reports;

impl Subscriber for Reports {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut summary = Summary::default();
        event.record(&mut summary);
        REPORTED.lock().unwrap().push(summary.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The field of a report that says how its statement begins.
#[derive(Default)]
struct Summary(String);

impl Visit for Summary {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "summary" {
            self.0 = format!("{value:?}");
        }
    }
}

/// A store on one connection, whose statements are counted.
struct Counted {
    store: SqliteStore,
    pool: SqlitePool,
    _turn: tokio::sync::MutexGuard<'static, ()>,
}

impl Counted {
    async fn new() -> Self {
        static LISTENING: Once = Once::new();
        LISTENING.call_once(|| tracing::subscriber::set_global_default(Reports).unwrap());
        let turn = TURN.lock().await;
        let options = SqliteConnectOptions::new().in_memory(true);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
        let store = SqliteStore::new(pool.clone());
        store.migrate().await.unwrap();
        Self { store, pool, _turn: turn }
    }

    /// The answer of a verb, which must have run this many statements.
    async fn within<T>(&self, statements: usize, verb: impl Future<Output = Result<T, StoreError>>) -> T {
        self.drain().await;
        let answer = verb.await.unwrap();
        let reported = self.drain().await;
        assert_eq!(reported.len(), statements, "{reported:#?}");
        answer
    }

    /// What was reported since the last time. The driver reports a statement before it turns to the next command.
    async fn drain(&self) -> Vec<String> {
        self.pool.acquire().await.unwrap().ping().await.unwrap();
        mem::take(&mut *REPORTED.lock().unwrap())
    }
}

fn at(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
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
        subject: Some(SUBJECT),
        session: Some(SessionKey::from_bytes([2; 32])),
        created_at: NOW,
        expires_at: at(1000),
        keep_until: at(2000),
        token: None,
        payload: payload(),
    }
}

fn issued(grant: &GrantRecord, family: Option<NewFamily>) -> Issued {
    let (expires_at, payload) = (at(600), payload());
    Issued {
        access: Some(TokenRecord { key: key(), grant: grant.id, client: client(), expires_at, payload }),
        family,
    }
}

/// A token that brings its grant along.
fn granted() -> GrantedToken {
    let GrantRecord { subject, session, created_at, keep_until, .. } = grant();
    let token = issued(&grant(), None).access.unwrap();
    GrantedToken { token, subject, session, created_at, keep_until }
}

fn family() -> NewFamily {
    NewFamily { key: key(), idle_until: at(500) }
}

fn used(seq: u64, advance: Advance) -> RefreshUse {
    RefreshUse { seq, advance, grace: Grace::UntilSuccessorUsed, idle_until: at(500) }
}

#[tokio::test]
async fn client_credentials_take_one_statement() {
    let counted = Counted::new().await;
    counted.within(1, counted.store.insert_granted_token(granted(), NOW)).await;
}

#[tokio::test]
async fn an_approval_takes_three_statements_with_its_consent() {
    let (counted, grant) = (Counted::new().await, grant());
    let store = &counted.store;
    assert!(counted.within(1, store.remembered(&SUBJECT, &client(), NOW)).await.is_none());
    counted.within(1, store.insert_grant(grant.clone(), NOW)).await;
    let (expires_at, retain_until) = (at(60), at(4000));
    let code = CodeRecord { grant: grant.id, client: client(), expires_at, retain_until, payload: payload() };
    counted.within(1, store.insert_code(key(), code, NOW)).await;
    let (subject, version) = (SUBJECT, ConsentVersion(0));
    let consent =
        ConsentRecord { subject, client: client(), version, expires_at: at(1000), payload: payload() };
    let written = counted.within(1, store.remember(consent.clone(), None, NOW)).await;
    assert_eq!(written, Remembered::Written);
    let seen = counted.within(1, store.remembered(&SUBJECT, &client(), NOW)).await.unwrap().version;
    let written = counted.within(1, store.remember(consent, Some(seen), NOW)).await;
    assert_eq!(written, Remembered::Written);
}

#[tokio::test]
async fn a_code_becomes_tokens_in_three_statements() {
    let (counted, grant, key) = (Counted::new().await, grant(), key());
    let store = &counted.store;
    store.insert_grant(grant.clone(), NOW).await.unwrap();
    let (expires_at, retain_until) = (at(60), at(4000));
    let code = CodeRecord { grant: grant.id, client: client(), expires_at, retain_until, payload: payload() };
    store.insert_code(key, code.clone(), NOW).await.unwrap();
    let consumed = counted.within(1, store.consume_code(&key, &client(), NOW)).await;
    assert_eq!(consumed, Consumed::Fresh(code));
    let insert = store.insert_tokens(&grant.id, issued(&grant, Some(family())), NOW);
    assert_eq!(counted.within(2, insert).await, Insertion::Inserted);
    let insert = store.insert_tokens(&grant.id, issued(&grant, None), NOW);
    assert_eq!(counted.within(1, insert).await, Insertion::Inserted);

    let replayed = counted.within(2, store.consume_code(&key, &client(), NOW)).await;
    assert_eq!(replayed, Consumed::Replayed { grant: grant.id });
    assert_eq!(counted.within(1, store.revoke(&Filter::Id(grant.id), NOW)).await, 1);
}

#[tokio::test]
async fn a_refresh_takes_three_statements() {
    let (counted, grant) = (Counted::new().await, grant());
    let store = &counted.store;
    store.insert_grant(grant.clone(), NOW).await.unwrap();
    let inserted = store.insert_tokens(&grant.id, issued(&grant, Some(family())), NOW).await;
    assert_eq!(inserted.unwrap(), Insertion::Inserted);
    counted.drain().await;
    assert!(counted.within(1, store.grant(&grant.id, NOW)).await.is_some());
    let token = || issued(&grant, None).access;
    for (seq, advance, statements, expected) in [
        (0, Advance::Keep, 2, Refreshed::Kept),
        (0, Advance::Rotate, 2, Refreshed::Rotated),
        (0, Advance::Rotate, 3, Refreshed::Retried { head: 1 }),
        (9, Advance::Rotate, 2, Refreshed::Ahead),
        (1, Advance::Rotate, 2, Refreshed::Rotated),
        (0, Advance::Rotate, 3, Refreshed::Replayed),
        (2, Advance::Rotate, 2, Refreshed::GrantRevoked),
    ] {
        let refresh = store.use_refresh_token(&grant.id, used(seq, advance), token(), NOW);
        assert_eq!(counted.within(statements, refresh).await, expected);
    }
}

#[tokio::test]
async fn introspection_takes_one_statement_and_revocation_two() {
    let (counted, grant, granted) = (Counted::new().await, grant(), granted());
    let store = &counted.store;
    let issued = issued(&grant, None);
    let keys = [granted.token.key, issued.access.as_ref().unwrap().key];
    store.insert_granted_token(granted, NOW).await.unwrap();
    store.insert_grant(grant.clone(), NOW).await.unwrap();
    assert_eq!(store.insert_tokens(&grant.id, issued, NOW).await.unwrap(), Insertion::Inserted);
    counted.drain().await;
    for key in keys {
        assert!(counted.within(1, store.access_token(&key, NOW)).await.is_some());
        counted.within(1, store.revoke_token(&key, NOW)).await;
        assert!(counted.within(1, store.access_token(&key, NOW)).await.is_none());
    }
}

#[tokio::test]
async fn listings_take_one_statement() {
    let counted = Counted::new().await;
    let store = &counted.store;
    let page = Page::first(10);
    let session = SessionKey::from_bytes([2; 32]);
    for filter in [
        Filter::Id(grant().id),
        Filter::Client(client()),
        Filter::Session(session),
        Filter::Subject(SUBJECT),
        Filter::SubjectAndClient(SUBJECT, client()),
    ] {
        for revoked in [RevokedGrants::Included, RevokedGrants::LeftOut] {
            counted.within(1, store.grants(&filter, revoked, &page, NOW)).await;
        }
        counted.within(1, store.revoke(&filter, NOW)).await;
    }
    for filter in [ConsentFilter::Client(client()), ConsentFilter::Subject(SUBJECT)] {
        counted.within(1, store.consents(&filter, &page, NOW)).await;
    }
    counted.within(1, store.forget(&SUBJECT, &client(), NOW)).await;
}

#[tokio::test]
async fn what_is_picked_up_once_takes_one_statement_each() {
    let (counted, key) = (Counted::new().await, key());
    let store = &counted.store;
    let ticket = TicketRecord { open_until: at(60), keep_until: at(120), payload: payload() };
    counted.within(1, store.put(key, ticket.clone(), NOW)).await;
    assert_eq!(counted.within(1, store.get(&key, NOW)).await, Some(ticket.clone()));
    assert_eq!(counted.within(1, store.take(&key, NOW)).await, Some(ticket));
    assert!(counted.within(1, store.first_use("test", &key, at(60), NOW)).await);
    assert!(!counted.within(1, store.first_use("test", &key, at(60), NOW)).await);
    counted.within(6, store.sweep(1000, at(60))).await;
}

#[tokio::test]
async fn what_is_answered_elsewhere_takes_one_statement_for_each_step() {
    let (counted, grant) = (Counted::new().await, GrantId::generate(&OsEntropy, NOW).unwrap());
    let store = &counted.store;
    let limit = WaitingLimit { of_client: 1, of_all: 5 };
    let record = DeferredRecord {
        key: key(),
        user_code: Some(key()),
        client: client(),
        subject: Some(SUBJECT),
        interval: Duration::from_secs(5),
        expires_at: at(600),
        retain_until: at(4000),
        payload: payload(),
    };
    let crowded = DeferredRecord { key: key(), user_code: None, ..record.clone() };
    let (waiting, code) = (record.key, record.user_code.unwrap());
    assert_eq!(counted.within(1, store.insert_deferred(record, limit, NOW)).await, Deferral::Waiting);
    assert_eq!(counted.within(1, store.insert_deferred(crowded, limit, NOW)).await, Deferral::Crowded);
    assert!(counted.within(1, store.deferred(&waiting, NOW)).await.is_some());
    assert!(counted.within(1, store.by_user_code(&code, NOW)).await.is_some());
    assert_eq!(counted.within(1, store.poll(&waiting, &client(), NOW)).await, Polled::Pending);
    assert_eq!(counted.within(1, store.poll(&waiting, &client(), NOW)).await, Polled::SlowDown);
    let approved = Decision::Approved { grant, retain_until: at(5000), payload: payload() };
    assert!(counted.within(1, store.decide(&waiting, approved, NOW)).await);
    let approved = counted.within(1, store.poll(&waiting, &client(), NOW)).await;
    assert!(matches!(approved, Polled::Approved { .. }), "{approved:?}");
    let replayed = counted.within(2, store.poll(&waiting, &client(), NOW)).await;
    assert_eq!(replayed, Polled::Replayed { grant });
}

#[tokio::test]
async fn refusals_take_one_statement_more() {
    let (counted, grant) = (Counted::new().await, grant());
    let store = &counted.store;
    let absent = store.insert_tokens(&grant.id, issued(&grant, Some(family())), NOW);
    assert_eq!(counted.within(2, absent).await, Insertion::GrantAbsent);
    let absent = counted.within(2, store.consume_code(&key(), &client(), NOW)).await;
    assert_eq!(absent, Consumed::Absent);
    store.insert_grant(grant.clone(), NOW).await.unwrap();
    counted.drain().await;
    let again = store.insert_grant(grant.clone(), NOW).await;
    assert_eq!(again.unwrap_err().kind(), StoreErrorKind::Conflict);
    assert_eq!(counted.drain().await.len(), 1);
}
