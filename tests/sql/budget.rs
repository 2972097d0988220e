//! How many statements each verb runs, counted by what the driver reports of each: one table for all databases.

use std::fmt::Debug;
use std::mem;
use std::sync::{Mutex, Once};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use vouchsafe::adapters::sqlx::{Engine, SqlStore};
use vouchsafe::error::{StoreError, StoreErrorKind};
use vouchsafe::store::{
    Advance, ClientRegistry, ClientVersion, CodeStore, ConsentFilter, ConsentStore, Consumed, Decision,
    Deferral, DeferredRecord, DeferredStore, Filter, Grace, GrantStore, Insertion, Issued, KeySetStore,
    KeySetVersion, NewFamily, Page, Polled, RefreshUse, Refreshed, Remembered, Replacement, ReplayStore,
    Reseal, RevokedGrants, RowKind, RowName, SealedRow, SessionKey, SubjectKey, Sweep, TicketRecord,
    TicketStore, TokenStore, WaitingLimit,
};

use super::sql::{NOW, at, client, code, consent, deferred, grant, granted, key, payload, registered, token};

/// Each verb with the number of its statements in SQLite, PostgreSQL and MySQL; BEGIN and COMMIT are not counted.
const BUDGET: &[(&str, [usize; 3])] = &[
    ("insert_granted_token", [1, 1, 1]),
    ("insert_grant", [1, 1, 1]),
    ("insert_grant: Conflict", [1, 1, 1]),
    ("grant", [1, 1, 1]),
    ("insert_code", [1, 1, 1]),
    ("consume_code: Fresh", [1, 1, 2]),
    ("consume_code: Replayed", [2, 2, 2]),
    ("consume_code: Absent", [2, 2, 2]),
    ("insert_tokens: token and family", [2, 1, 2]),
    ("insert_tokens: token", [1, 1, 1]),
    ("insert_tokens: GrantAbsent", [2, 2, 2]),
    ("use_refresh_token: Kept", [2, 1, 2]),
    ("use_refresh_token: Rotated", [2, 1, 2]),
    ("use_refresh_token: Retried", [3, 2, 3]),
    ("use_refresh_token: Ahead", [2, 2, 2]),
    ("use_refresh_token: Replayed", [3, 2, 3]),
    ("use_refresh_token: GrantRevoked", [2, 2, 2]),
    ("access_token", [1, 1, 1]),
    ("revoke_token", [1, 1, 1]),
    ("grants", [1, 1, 1]),
    ("revoke", [1, 1, 1]),
    ("revoke_some", [1, 1, 1]),
    ("remember: first", [1, 1, 1]),
    ("remember: again", [1, 1, 1]),
    ("remember: Stale", [1, 1, 3]),
    ("remembered", [1, 1, 1]),
    ("consents", [1, 1, 1]),
    ("forget", [1, 1, 1]),
    ("first_use", [1, 1, 1]),
    ("first_use: not the first", [1, 1, 3]),
    ("put", [1, 1, 1]),
    ("get", [1, 1, 1]),
    ("take", [1, 1, 2]),
    ("take: absent", [1, 1, 1]),
    ("insert_deferred", [1, 1, 1]),
    ("insert_deferred: about a subject", [1, 2, 2]),
    ("insert_deferred: Crowded", [1, 2, 2]),
    ("deferred", [1, 1, 1]),
    ("by_user_code", [1, 1, 1]),
    ("decide", [1, 1, 1]),
    ("poll: Pending", [1, 1, 2]),
    ("poll: SlowDown", [1, 1, 2]),
    ("poll: Approved", [1, 1, 2]),
    ("poll: Replayed", [2, 1, 1]),
    ("poll: Absent", [2, 1, 1]),
    ("register", [1, 1, 1]),
    ("registered", [1, 1, 1]),
    ("registered_clients", [1, 1, 1]),
    ("replace_registered: Written", [1, 1, 2]),
    ("replace_registered: Stale", [2, 1, 1]),
    ("unregister", [1, 1, 1]),
    ("key_set", [1, 1, 1]),
    ("replace_key_set: first", [1, 1, 1]),
    ("replace_key_set: Written", [1, 1, 2]),
    ("sealed_under", [1, 1, 1]),
    ("reseal", [1, 1, 1]),
    ("sweep", [6, 7, 7]),
];

/// What the driver reported of statements that have ended.
static REPORTED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Keeps the driver's reports.
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

/// The stores in the order of the table's columns.
const STORES: [&str; 3] = ["SqliteStore", "PostgresStore", "MysqlStore"];

/// A store whose statements are counted. All of its verbs go by one connection, or by one after the other.
pub(super) struct Counted<E: Engine, W> {
    pub(super) store: SqlStore<E>,
    /// Waits until the driver has reported what it was asked before.
    wait: W,
    column: usize,
    seen: Mutex<Vec<String>>,
}

impl<E: Engine, W: AsyncFn()> Counted<E, W> {
    pub(super) fn new(store: SqlStore<E>, wait: W) -> Self {
        static LISTENING: Once = Once::new();
        LISTENING.call_once(|| tracing::subscriber::set_global_default(Reports).unwrap());
        let name = format!("{store:?}");
        let column = STORES.iter().position(|store| name.starts_with(store)).unwrap();
        Self { store, wait, column, seen: Mutex::default() }
    }

    /// Every verb, with most of its outcomes.
    pub(super) async fn measure(&self) {
        println!("{:<48} {:>10}  transaction", "verb", "statements");
        self.codes().await;
        self.tokens().await;
        self.refresh().await;
        self.grants().await;
        self.consents().await;
        self.once().await;
        self.deferred().await;
        self.clients().await;
        self.keys().await;
        self.has_measured(BUDGET);
    }

    pub(super) fn has_measured(&self, budget: &[(&str, [usize; 3])]) {
        let seen = self.seen.lock().unwrap();
        for (name, _) in budget {
            assert!(seen.iter().any(|seen| seen == name), "{name} is not measured");
        }
    }

    /// The answer of a verb, which must have run as many statements as the table says.
    async fn run<T>(&self, name: &'static str, verb: impl Future<Output = Result<T, StoreError>>) -> T {
        self.attempt(name, verb).await.unwrap()
    }

    /// What `asked` answers, how many statements it ran, which `budget` must say of `name`, and how often a transaction
    /// was begun or ended.
    pub(super) async fn counted<T>(
        &self,
        budget: &[(&str, [usize; 3])],
        name: &str,
        asked: impl Future<Output = T>,
    ) -> (T, usize, usize) {
        let (_, columns) = budget.iter().find(|(known, _)| *known == name).unwrap();
        (self.wait)().await;
        REPORTED.lock().unwrap().clear();
        let answer = asked.await;
        (self.wait)().await;
        let reported = mem::take(&mut *REPORTED.lock().unwrap());
        let frame = |text: &&String| {
            let text = text.to_uppercase();
            ["BEGIN", "START", "COMMIT", "ROLLBACK"].iter().any(|word| text.contains(word))
        };
        let frames = reported.iter().filter(frame).count();
        let statements = reported.len() - frames;
        println!("{name:<48} {statements:>10}  {}", if frames > 0 { "yes" } else { "" });
        assert_eq!(statements, columns[self.column], "{name}: {reported:#?}");
        self.seen.lock().unwrap().push(name.to_owned());
        (answer, statements, frames)
    }

    async fn attempt<T>(
        &self,
        name: &'static str,
        verb: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let (answer, _, frames) = self.counted(BUDGET, name, verb).await;
        // In PostgreSQL nothing else goes over the wire, but for requests about a person.
        let plain = STORES[self.column] == "PostgresStore" && !name.starts_with("insert_deferred");
        assert!(!plain || frames == 0, "{name}");
        answer
    }

    async fn codes(&self) {
        let (store, grant, key) = (&self.store, grant(), key());
        self.run("insert_grant", store.insert_grant(grant.clone(), NOW)).await;
        let again = self.attempt("insert_grant: Conflict", store.insert_grant(grant.clone(), NOW)).await;
        assert_eq!(again.unwrap_err().kind(), StoreErrorKind::Conflict);
        self.run("insert_code", store.insert_code(key, code(&grant), NOW)).await;
        let consumed = self.run("consume_code: Fresh", store.consume_code(&key, &client(), NOW)).await;
        assert_eq!(consumed, Consumed::Fresh(code(&grant)));
        let consumed = self.run("consume_code: Replayed", store.consume_code(&key, &client(), NOW)).await;
        assert_eq!(consumed, Consumed::Replayed { grant: grant.id });
        let absent = super::sql::key();
        let consumed = self.run("consume_code: Absent", store.consume_code(&absent, &client(), NOW)).await;
        assert_eq!(consumed, Consumed::Absent);
    }

    async fn tokens(&self) {
        let (store, grant, granted) = (&self.store, grant(), granted());
        store.insert_grant(grant.clone(), NOW).await.unwrap();
        let family = || Some(NewFamily { key: key(), idle_until: at(500) });
        let issued = |family| Issued { access: Some(token(&grant)), family };
        let insert = store.insert_tokens(&grant.id, issued(family()), NOW);
        let inserted = self.run("insert_tokens: token and family", insert).await;
        assert_eq!(inserted, Insertion::Inserted);
        let inserted =
            self.run("insert_tokens: token", store.insert_tokens(&grant.id, issued(None), NOW)).await;
        assert_eq!(inserted, Insertion::Inserted);
        let mut absent = issued(family());
        let other = super::sql::grant().id;
        absent.access.as_mut().unwrap().grant = other;
        let refused = self.run("insert_tokens: GrantAbsent", store.insert_tokens(&other, absent, NOW)).await;
        assert_eq!(refused, Insertion::GrantAbsent);

        let key = granted.token.key;
        self.run("insert_granted_token", store.insert_granted_token(granted, NOW)).await;
        assert!(self.run("access_token", store.access_token(&key, NOW)).await.is_some());
        self.run("revoke_token", store.revoke_token(&key, NOW)).await;
        assert!(self.run("access_token", store.access_token(&key, NOW)).await.is_none());
    }

    async fn refresh(&self) {
        let (store, grant) = (&self.store, super::sql::family_at(&self.store, 0).await);
        assert!(self.run("grant", store.grant(&grant.id, NOW)).await.is_some());
        let used = |seq, advance| {
            let (grace, idle_until) = (Grace::UntilSuccessorUsed, at(500));
            RefreshUse { seq, advance, grace, idle_until }
        };
        for (name, seq, advance, expected) in [
            ("use_refresh_token: Kept", 0, Advance::Keep, Refreshed::Kept),
            ("use_refresh_token: Rotated", 0, Advance::Rotate, Refreshed::Rotated),
            ("use_refresh_token: Retried", 0, Advance::Rotate, Refreshed::Retried { head: 1 }),
            ("use_refresh_token: Ahead", 9, Advance::Rotate, Refreshed::Ahead),
            ("use_refresh_token: Rotated", 1, Advance::Rotate, Refreshed::Rotated),
            ("use_refresh_token: Replayed", 0, Advance::Rotate, Refreshed::Replayed),
            ("use_refresh_token: GrantRevoked", 2, Advance::Rotate, Refreshed::GrantRevoked),
        ] {
            let issued = Some(token(&grant));
            let refresh = store.use_refresh_token(&grant.id, used(seq, advance), issued, NOW);
            assert_eq!(self.run(name, refresh).await, expected);
        }
    }

    async fn grants(&self) {
        let (store, subject) = (&self.store, SubjectKey::from_bytes([1; 32]));
        let page = Page::first(10);
        for filter in [
            Filter::Id(grant().id),
            Filter::Client(client()),
            Filter::Session(SessionKey::from_bytes([2; 32])),
            Filter::Subject(subject),
            Filter::SubjectAndClient(subject, client()),
        ] {
            for revoked in [RevokedGrants::Included, RevokedGrants::LeftOut] {
                self.run("grants", store.grants(&filter, revoked, &page, NOW)).await;
            }
            self.run("revoke_some", store.revoke_some(&filter, 1, NOW)).await;
            self.run("revoke", store.revoke(&filter, NOW)).await;
        }
    }

    async fn consents(&self) {
        let (store, subject) = (&self.store, SubjectKey::from_bytes([1; 32]));
        let first = self.run("remember: first", store.remember(consent(), None, NOW)).await;
        assert_eq!(first, Remembered::Written);
        let stale = self.run("remember: Stale", store.remember(consent(), None, NOW)).await;
        assert_eq!(stale, Remembered::Stale);
        let seen = self.run("remembered", store.remembered(&subject, &client(), NOW)).await;
        let seen = seen.map(|seen| seen.version);
        let again = self.run("remember: again", store.remember(consent(), seen, NOW)).await;
        assert_eq!(again, Remembered::Written);
        let page = Page::first(10);
        for filter in [ConsentFilter::Client(client()), ConsentFilter::Subject(subject)] {
            self.run("consents", store.consents(&filter, &page, NOW)).await;
        }
        assert!(self.run("forget", store.forget(&subject, &client(), NOW)).await);
    }

    async fn once(&self) {
        let (store, key) = (&self.store, key());
        let ticket = TicketRecord { open_until: at(60), keep_until: at(120), payload: payload() };
        self.run("put", store.put(key, ticket.clone(), NOW)).await;
        assert_eq!(self.run("get", store.get(&key, NOW)).await, Some(ticket.clone()));
        assert_eq!(self.run("take", store.take(&key, NOW)).await, Some(ticket));
        assert_eq!(self.run("take: absent", store.take(&key, NOW)).await, None);
        assert!(self.run("first_use", store.first_use("test", &key, at(60), NOW)).await);
        let again = store.first_use("test", &key, at(60), NOW);
        assert!(!self.run("first_use: not the first", again).await);
        self.run("sweep", store.sweep(1000, at(60))).await;
    }

    async fn deferred(&self) {
        let (store, grant, limit) = (&self.store, grant().id, WaitingLimit { of_client: 1, of_all: 5 });
        let nobody = DeferredRecord { subject: None, ..deferred() };
        let inserted = self.run("insert_deferred", store.insert_deferred(nobody, limit, NOW)).await;
        assert_eq!(inserted, Deferral::Waiting);
        let (record, crowded) = (deferred(), deferred());
        let (waiting, code) = (record.key, record.user_code.unwrap());
        let insert = store.insert_deferred(record, limit, NOW);
        assert_eq!(self.run("insert_deferred: about a subject", insert).await, Deferral::Waiting);
        let insert = store.insert_deferred(crowded, limit, NOW);
        assert_eq!(self.run("insert_deferred: Crowded", insert).await, Deferral::Crowded);
        assert!(self.run("deferred", store.deferred(&waiting, NOW)).await.is_some());
        assert!(self.run("by_user_code", store.by_user_code(&code, NOW)).await.is_some());
        let poll = async |name, key| self.run(name, store.poll(&key, &client(), NOW)).await;
        assert_eq!(poll("poll: Pending", waiting).await, Polled::Pending);
        assert_eq!(poll("poll: SlowDown", waiting).await, Polled::SlowDown);
        let decision = Decision::Approved { grant, retain_until: at(5000), payload: payload() };
        assert!(self.run("decide", store.decide(&waiting, decision, NOW)).await);
        let approved = poll("poll: Approved", waiting).await;
        assert!(matches!(approved, Polled::Approved { .. }), "{approved:?}");
        assert_eq!(poll("poll: Replayed", waiting).await, Polled::Replayed { grant });
        assert_eq!(poll("poll: Absent", key()).await, Polled::Absent);
    }

    async fn clients(&self) {
        let (store, client) = (&self.store, registered());
        self.run("register", store.register(client.clone(), NOW)).await;
        assert!(self.run("registered", store.registered(&client.id, NOW)).await.is_some());
        self.run("registered_clients", store.registered_clients(&Page::first(10), NOW)).await;
        for (name, expected) in [
            ("replace_registered: Written", Replacement::Written),
            ("replace_registered: Stale", Replacement::Stale),
        ] {
            let replace = store.replace_registered(client.clone(), ClientVersion::FIRST, NOW);
            assert_eq!(self.run(name, replace).await, expected);
        }
        assert!(self.run("unregister", store.unregister(&client.id, NOW)).await);
    }

    async fn keys(&self) {
        let (store, key, first) = (&self.store, key(), KeySetVersion::FIRST);
        assert!(self.run("key_set", store.key_set(NOW)).await.is_none());
        let written = self.run("replace_key_set: first", store.replace_key_set(payload(), None, NOW)).await;
        assert_eq!(written, Replacement::Written);
        let replace = store.replace_key_set(payload(), Some(first), NOW);
        assert_eq!(self.run("replace_key_set: Written", replace).await, Replacement::Written);
        self.run("sealed_under", store.sealed_under(payload().secret(), &Page::first(10), NOW)).await;
        store.insert_code(key, code(&grant()), NOW).await.unwrap();
        let row = SealedRow { name: RowName::new(RowKind::Code, *key.as_bytes()), payload: payload() };
        assert!(self.run("reseal", store.reseal(&row, payload(), NOW)).await);
    }
}
