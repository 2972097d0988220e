//! Every verb on the store in memory and on SQLite, beside a bare script of the same statements over the same pool.
//!
//! The difference between `sqlite` and `bare` is what the store adds to its statements. `map` beside `InsertNew` is
//! the insertion of the same record into one locked map.

mod bare;

use std::collections::HashMap;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use tokio::runtime::Runtime;
use vouchsafe::adapters::sqlx::SqliteStore;
use vouchsafe::clock::Timestamp;
use vouchsafe::entropy::{OsEntropy, random};
use vouchsafe::error::StoreError;
use vouchsafe::seal::Sealed;
use vouchsafe::secret::{SecretId, TokenHash};
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::store::{
    Advance, CodeRecord, CodeStore, ConsentRecord, ConsentStore, ConsentVersion, Filter, Grace, GrantRecord,
    GrantedToken, Issued, NewFamily, RefreshUse, ReplayStore, SubjectKey, TicketRecord, TicketStore,
    TokenRecord, TokenStore,
};
use vouchsafe::types::{ClientId, GrantId};

const NOW: Timestamp = Timestamp::from_unix(1_700_000_000);

/// What is measured.
#[derive(Clone, Copy, Debug)]
enum Verb {
    /// `insert_granted_token`: client credentials.
    InsertNew,
    InsertGrant,
    InsertCode,
    ConsumeCode,
    /// `insert_tokens`, with a token and a family: the redemption of a code.
    InsertExisting,
    Grant,
    /// `use_refresh_token` that rotates, with a token.
    Refresh,
    AccessToken,
    Revoke,
    RevokeToken,
    Put,
    Get,
    Take,
    FirstUse,
    Remember,
    Remembered,
}

impl Verb {
    const ALL: [Self; 16] = [
        Self::InsertNew,
        Self::InsertGrant,
        Self::InsertCode,
        Self::ConsumeCode,
        Self::InsertExisting,
        Self::Grant,
        Self::Refresh,
        Self::AccessToken,
        Self::Revoke,
        Self::RevokeToken,
        Self::Put,
        Self::Get,
        Self::Take,
        Self::FirstUse,
        Self::Remember,
        Self::Remembered,
    ];

    /// What has to be there before.
    const fn needs(self) -> &'static [Self] {
        match self {
            Self::ConsumeCode => &[Self::InsertCode],
            Self::InsertExisting | Self::Grant | Self::Revoke => &[Self::InsertGrant],
            Self::Refresh => &[Self::InsertGrant, Self::InsertExisting],
            Self::AccessToken | Self::RevokeToken => &[Self::InsertNew],
            Self::Get | Self::Take => &[Self::Put],
            Self::Remembered => &[Self::Remember],
            _ => &[],
        }
    }
}

/// The rows of one grant, as large as those of a usual one.
#[derive(Clone)]
struct Rows {
    grant: GrantRecord,
    token: TokenRecord,
    next_token: TokenRecord,
    family: NewFamily,
    code: CodeRecord,
    consent: ConsentRecord,
    ticket: TicketRecord,
}

fn later(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn bytes<const N: usize>() -> [u8; N] {
    random(&OsEntropy).expect("a machine has a random source")
}

impl Rows {
    fn new(client: &ClientId) -> Self {
        let payload = Sealed::from_parts(SecretId::from_bytes([1; 4]), bytes::<320>().to_vec());
        let (id, subject) = (GrantId::from_bytes(bytes()), SubjectKey::from_bytes(bytes()));
        let token = |payload: &Sealed| TokenRecord {
            key: TokenHash::from_bytes(bytes()),
            grant: id,
            client: client.clone(),
            expires_at: later(3600),
            payload: payload.clone(),
        };
        Self {
            grant: GrantRecord {
                id,
                client: client.clone(),
                subject: Some(subject),
                session: None,
                created_at: NOW,
                expires_at: later(86_400),
                keep_until: later(86_400),
                token: None,
                payload: payload.clone(),
            },
            token: token(&payload),
            next_token: token(&payload),
            family: NewFamily { key: TokenHash::from_bytes(bytes()), idle_until: later(86_400) },
            code: CodeRecord {
                grant: id,
                client: client.clone(),
                expires_at: later(60),
                retain_until: later(3600),
                payload: payload.clone(),
            },
            consent: ConsentRecord {
                subject,
                client: client.clone(),
                version: ConsentVersion(0),
                expires_at: later(86_400),
                payload: payload.clone(),
            },
            ticket: TicketRecord { open_until: later(60), keep_until: later(120), payload },
        }
    }
}

/// Whatever runs the verbs.
trait Verbs {
    async fn run(&self, verb: Verb, rows: Rows);
}

/// A store, by its ports.
struct Ported<S>(S);

impl<S> Verbs for Ported<S>
where
    S: CodeStore + ConsentStore + ReplayStore + TicketStore + TokenStore,
{
    async fn run(&self, verb: Verb, rows: Rows) {
        let (store, key) = (&self.0, rows.token.key);
        match verb {
            Verb::InsertNew => {
                let GrantRecord { subject, session, created_at, keep_until, .. } = rows.grant;
                let token = rows.token;
                let granted = GrantedToken { token, subject, session, created_at, keep_until };
                taken(store.insert_granted_token(granted, NOW).await);
            }
            Verb::InsertGrant => taken(store.insert_grant(rows.grant, NOW).await),
            Verb::InsertCode => taken(store.insert_code(key, rows.code, NOW).await),
            Verb::ConsumeCode => taken(store.consume_code(&key, &rows.code.client, NOW).await),
            Verb::InsertExisting => {
                let issued = Issued { access: Some(rows.token), family: Some(rows.family) };
                taken(store.insert_tokens(&rows.grant.id, issued, NOW).await);
            }
            Verb::Grant => taken(store.grant(&rows.grant.id, NOW).await),
            Verb::Refresh => {
                let (advance, grace) = (Advance::Rotate, Grace::UntilSuccessorUsed);
                let used = RefreshUse { seq: 0, advance, grace, idle_until: later(86_400) };
                taken(store.use_refresh_token(&rows.grant.id, used, Some(rows.next_token), NOW).await);
            }
            Verb::AccessToken => taken(store.access_token(&key, NOW).await),
            Verb::Revoke => taken(store.revoke(&Filter::Id(rows.grant.id), NOW).await),
            Verb::RevokeToken => taken(store.revoke_token(&key, NOW).await),
            Verb::Put => taken(store.put(key, rows.ticket, NOW).await),
            Verb::Get => taken(store.get(&key, NOW).await),
            Verb::Take => taken(store.take(&key, NOW).await),
            Verb::FirstUse => taken(store.first_use("bench", &key, later(60), NOW).await),
            Verb::Remember => taken(store.remember(rows.consent, None, NOW).await),
            Verb::Remembered => {
                taken(store.remembered(&rows.consent.subject, &rows.consent.client, NOW).await);
            }
        }
    }
}

/// Takes an answer as one who uses it would.
fn taken<T>(answer: Result<T, StoreError>) {
    black_box(answer.expect("a store on this machine answers"));
}

/// The time that `verb` takes `times` times, on rows that are there for it.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
async fn time<V: Verbs>(store: &V, verb: Verb, times: u64) -> Duration {
    let client = ClientId::new("s6BhdRkqt3").expect("this is a client id");
    let mut rows = Vec::new();
    for _ in 0..times {
        let these = Rows::new(&client);
        for needed in verb.needs() {
            store.run(*needed, these.clone()).await;
        }
        rows.push(these);
    }
    let start = Instant::now();
    for these in rows {
        store.run(verb, these).await;
    }
    start.elapsed()
}

fn measure<V: Verbs>(c: &mut Criterion, runtime: &Runtime, name: &str, open: impl Fn() -> V) {
    for verb in Verb::ALL {
        c.bench_function(&format!("store/{verb:?}/{name}"), |b| {
            b.iter_custom(|times| {
                let store = open();
                runtime.block_on(time(&store, verb, times))
            });
        });
    }
}

/// One locked map, which is the least that any store in memory has to do.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn map(c: &mut Criterion) {
    c.bench_function("store/InsertNew/map", |b| {
        b.iter_custom(|times| {
            let client = ClientId::new("s6BhdRkqt3").expect("this is a client id");
            let rows: Vec<Rows> = (0..times).map(|_| Rows::new(&client)).collect();
            let map = Mutex::new(HashMap::new());
            let start = Instant::now();
            for Rows { grant, token, .. } in rows {
                map.lock().expect("nobody panics").insert(token.key, (grant, token));
            }
            start.elapsed()
        });
    });
}

/// A new database on disk, with the settings that `SqliteStore::connect` advises and one connection.
async fn pool(directory: &Path) -> SqlitePool {
    fs::create_dir_all(directory).expect("the target directory is writable");
    let options = SqliteConnectOptions::new()
        .filename(directory.join("bench.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let pool = SqlitePoolOptions::new().max_connections(1).test_before_acquire(false);
    let pool = pool.connect_with(options).await.expect("the database can be opened");
    SqliteStore::new(pool.clone()).migrate().await.expect("a new database can be migrated");
    pool
}

fn verbs(c: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime can be made");
    map(c);
    measure(c, &runtime, "memory", || Ported(MemoryStore::new()));
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-store");
    let pool = runtime.block_on(pool(&directory));
    measure(c, &runtime, "sqlite", || Ported(SqliteStore::new(pool.clone())));
    measure(c, &runtime, "bare", || bare::Bare(pool.clone()));
    runtime.block_on(pool.close());
    fs::remove_dir_all(&directory).expect("the bench's own directory can be removed");
}

criterion_group! {
    name = store;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = verbs
}
criterion_main!(store);
