//! What the tests of the SQL stores share: records, and what holds for each of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use vouchsafe::adapters::sqlx::{Engine, SqlStore};
use vouchsafe::adapters::tokio::TokioRuntime;
use vouchsafe::clock::Timestamp;
use vouchsafe::entropy::{OsEntropy, random};
use vouchsafe::error::{StoreError, StoreErrorKind};
use vouchsafe::seal::Sealed;
use vouchsafe::secret::{SecretId, TokenHash};
use vouchsafe::store::memory::Clients;
use vouchsafe::store::{
    Advance, ClientRecord, ClientRegistry, ClientVersion, CodeRecord, CodeStore, ConsentFilter,
    ConsentRecord, ConsentStore, ConsentVersion, Consumed, Decision, DeferredRecord, DeferredStore, Filter,
    Grace, GrantRecord, GrantStore, GrantedToken, Insertion, Issued, KeySetStore, NewFamily, Page,
    RefreshUse, Refreshed, Replacement, ReplayStore, Reseal, RevokedGrants, RowKind, RowName, SealedRow,
    SessionKey, Stores, SubjectKey, Sweep, TicketRecord, TicketStore, TokenRecord, TokenStore, WaitingLimit,
};
use vouchsafe::testing::store_suite as suite;
use vouchsafe::types::{ClientId, GrantId};

pub(super) const NOW: Timestamp = Timestamp::from_unix(1_700_000_000);

pub(super) fn at(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

pub(super) fn payload() -> Sealed {
    Sealed::from_parts(SecretId::from_bytes([7; 4]), b"sealed".to_vec())
}

pub(super) fn client() -> ClientId {
    ClientId::new("client").unwrap()
}

pub(super) fn key() -> TokenHash {
    TokenHash::from_bytes(random(&OsEntropy).unwrap())
}

pub(super) fn grant() -> GrantRecord {
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
pub(super) fn granted() -> GrantedToken {
    let GrantRecord { subject, session, created_at, keep_until, .. } = grant();
    GrantedToken { token: token(&grant()), subject, session, created_at, keep_until }
}

pub(super) fn token(grant: &GrantRecord) -> TokenRecord {
    TokenRecord { key: key(), grant: grant.id, client: client(), expires_at: at(600), payload: payload() }
}

pub(super) fn code(grant: &GrantRecord) -> CodeRecord {
    let (expires_at, retain_until) = (at(60), at(4000));
    CodeRecord { grant: grant.id, client: client(), expires_at, retain_until, payload: payload() }
}

pub(super) fn consent() -> ConsentRecord {
    let (subject, version) = (SubjectKey::from_bytes([1; 32]), ConsentVersion(0));
    ConsentRecord { subject, client: client(), version, expires_at: at(1000), payload: payload() }
}

pub(super) fn deferred() -> DeferredRecord {
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

pub(super) fn rotation(seq: u64) -> RefreshUse {
    RefreshUse { seq, advance: Advance::Rotate, grace: Grace::UntilSuccessorUsed, idle_until: at(900) }
}

/// A grant with a family whose head is at `seq`.
pub(super) async fn family_at<E: Engine>(store: &SqlStore<E>, seq: u64) -> GrantRecord {
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

pub(super) fn kind<T>(result: Result<T, StoreError>) -> Option<StoreErrorKind> {
    result.err().map(|error| error.kind())
}

/// How every verb that writes fails, by its name.
pub(super) async fn writing_verbs<E: Engine>(
    store: &SqlStore<E>,
) -> Vec<(&'static str, Option<StoreErrorKind>)> {
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
        ("revoke_some", kind(store.revoke_some(&Filter::Client(client()), 10, NOW).await)),
        ("replace_key_set", kind(store.replace_key_set(payload(), None, NOW).await)),
        ("reseal", kind(store.reseal(&sealed(), payload(), NOW).await)),
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
        ("register", kind(store.register(registered(), NOW).await)),
        ("replace_registered", kind(replace(store, &registered()).await)),
        ("unregister", kind(store.unregister(&registered().id, NOW).await)),
        ("sweep", kind(store.sweep(10, NOW).await)),
    ]
}

/// How every verb that only reads fails, by its name.
pub(super) async fn reading_verbs<E: Engine>(
    store: &SqlStore<E>,
) -> Vec<(&'static str, Option<StoreErrorKind>)> {
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
        ("registered", kind(store.registered(&client(), NOW).await)),
        ("registered_clients", kind(store.registered_clients(&page, NOW).await)),
        ("key_set", kind(store.key_set(NOW).await)),
        ("sealed_under", kind(store.sealed_under(payload().secret(), &page, NOW).await)),
    ]
}

/// A client that registers itself.
pub(super) fn registered() -> ClientRecord {
    let id = GrantId::generate(&OsEntropy, NOW).unwrap();
    let id = ClientId::new(id.to_string()).unwrap();
    ClientRecord { id, registration_token: key(), payload: payload() }
}

/// A row that is not there.
fn sealed() -> SealedRow {
    SealedRow { name: RowName::new(RowKind::Code, *key().as_bytes()), payload: payload() }
}

async fn replace<E: Engine>(store: &SqlStore<E>, client: &ClientRecord) -> Result<Replacement, StoreError> {
    store.replace_registered(client.clone(), ClientVersion::FIRST, NOW).await
}

/// The whole contract, by several nodes.
pub(super) async fn contract<E: Engine>(nodes: &[Arc<SqlStore<E>>]) {
    let runtime = TokioRuntime::current().unwrap();
    suite::all(nodes, &runtime).await;
    suite::registry(nodes, &runtime).await;
    suite::deferred(nodes, &runtime).await;
    suite::key_sets(nodes, &runtime).await;
    let stores: Vec<Stores> = nodes.iter().cloned().map(stores).collect();
    suite::reseal(&stores, &runtime).await;
}

fn stores<E: Engine>(store: Arc<SqlStore<E>>) -> Stores {
    Stores::new(Arc::new(Clients::default()), store.clone(), store.clone(), store.clone())
        .with_registry(store.clone())
        .with_tickets(store.clone())
        .with_deferred(store.clone())
        .with_key_sets(store.clone())
        .with_reseal(store)
}

/// A row of another tenant is not found. The names differ in what collations of databases make equal.
pub(super) async fn namespaces<E: Engine>(store: &SqlStore<E>) {
    let grant = grant();
    for name in ["a", "b", "a ", "A", "\u{e4}", "a\u{308}"] {
        let tenant = store.namespace(name);
        tenant.insert_grant(grant.clone(), NOW).await.unwrap();
        assert_eq!(tenant.revoke(&Filter::Client(client()), NOW).await.unwrap(), 1, "{name}");
        suite::tickets(&tenant).await;
        suite::sweep(&tenant).await;
    }
    assert_eq!(store.grant(&grant.id, NOW).await.unwrap(), None);
}

/// What was used stays used when every process has ended.
pub(super) async fn restart<E: Engine>(before: SqlStore<E>, after: impl AsyncFnOnce() -> SqlStore<E>) {
    let (codes, jti) = (key(), key());
    let grant = family_at(&before, 3).await;
    before.insert_code(codes, code(&grant), NOW).await.unwrap();
    let consumed = before.consume_code(&codes, &client(), NOW).await.unwrap();
    assert_eq!(consumed, Consumed::Fresh(code(&grant)));
    assert!(before.first_use("test", &jti, at(60), NOW).await.unwrap());
    let (revoked, rotated) = (family_at(&before, 0).await, family_at(&before, 1).await);
    before.revoke(&Filter::Id(revoked.id), NOW).await.unwrap();
    before.close().await;

    let after = after().await;
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

/// The moment given decides, not the clock of a machine.
pub(super) async fn moments<E: Engine>(store: &SqlStore<E>) {
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

/// A store that cannot be asked says so, whatever it would have answered.
pub(super) async fn unavailable<E: Engine>(store: &SqlStore<E>) {
    let verbs = [writing_verbs(store).await, reading_verbs(store).await].concat();
    for (verb, kind) in verbs {
        assert_eq!(kind, Some(StoreErrorKind::Unavailable), "{verb}");
    }
}

/// Every verb answers.
pub(super) async fn available<E: Engine>(store: &SqlStore<E>) {
    let verbs = [writing_verbs(store).await, reading_verbs(store).await].concat();
    for (verb, kind) in verbs {
        assert_eq!(kind, None, "{verb}");
    }
}

/// A key that exists is a conflict, and nothing is changed.
pub(super) async fn conflicts<E: Engine>(store: &SqlStore<E>) {
    let conflict = Some(StoreErrorKind::Conflict);
    let (grant, key, granted) = (family_at(store, 0).await, key(), granted());
    store.insert_code(key, code(&grant), NOW).await.unwrap();
    assert_eq!(kind(store.insert_code(key, code(&grant), NOW).await), conflict);
    assert_eq!(kind(store.insert_grant(grant.clone(), NOW).await), conflict);
    store.insert_granted_token(granted.clone(), NOW).await.unwrap();
    assert_eq!(kind(store.insert_granted_token(granted.clone(), NOW).await), conflict);

    let mut taken = token(&grant);
    taken.key = granted.token.key;
    let refresh = store.use_refresh_token(&grant.id, rotation(0), Some(taken.clone()), NOW).await;
    assert_eq!(kind(refresh), conflict);
    let head = store.grant(&grant.id, NOW).await.unwrap().unwrap().head.unwrap();
    assert_eq!(head.seq, 0, "a refresh whose token was not inserted has not moved the head");
    let issued = Issued { access: Some(taken), family: None };
    assert_eq!(kind(store.insert_tokens(&grant.id, issued, NOW).await), conflict);
    let family = Some(NewFamily { key, idle_until: at(900) });
    let issued = Issued { access: Some(token(&grant)), family };
    let key = issued.access.as_ref().unwrap().key;
    assert_eq!(kind(store.insert_tokens(&grant.id, issued, NOW).await), conflict);
    assert_eq!(
        store.access_token(&key, NOW).await.unwrap(),
        None,
        "no token beside a family that was refused"
    );

    let client = registered();
    store.register(client.clone(), NOW).await.unwrap();
    assert_eq!(kind(store.register(client, NOW).await), conflict);
}

/// Sweeping beside every other verb removes nothing that a verb still answers from, and stands in nobody's way.
pub(super) async fn sweeping<E: Engine>(store: &SqlStore<E>) {
    let (busy, stop) = (store.clone(), Arc::new(AtomicBool::new(false)));
    let sweeps = {
        let stop = Arc::clone(&stop);
        tokio::spawn(async move {
            let mut swept = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                swept += u64::from(busy.sweep(1000, at(3000)).await.unwrap());
            }
            swept
        })
    };
    for _ in 0..40 {
        let (used, jti) = (key(), key());
        let record = CodeRecord { retain_until: at(4000), ..code(&grant()) };
        store.insert_code(used, record.clone(), NOW).await.unwrap();
        assert_eq!(store.consume_code(&used, &client(), NOW).await.unwrap(), Consumed::Fresh(record.clone()));
        let replayed = Consumed::Replayed { grant: record.grant };
        assert_eq!(store.consume_code(&used, &client(), NOW).await.unwrap(), replayed);
        // Both the sweep and this write over what has ended; exactly one of two uses is the first.
        assert!(store.first_use("swept", &jti, at(1), NOW).await.unwrap());
        assert!(store.first_use("swept", &jti, at(4000), at(2)).await.unwrap());
        assert!(!store.first_use("swept", &jti, at(4000), at(3)).await.unwrap());
        store.insert_code(key(), CodeRecord { retain_until: at(60), ..record }, NOW).await.unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    assert!(sweeps.await.unwrap() >= 40, "what has ended is removed");
}
