//! The verbs of a store, one by one, and the flows that they make.

use std::hint::black_box;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use vouchsafe::clock::Timestamp;
use vouchsafe::entropy::{OsEntropy, random};
use vouchsafe::error::StoreError;
use vouchsafe::seal::Sealed;
use vouchsafe::secret::{SecretId, TokenHash};
use vouchsafe::store::{
    Advance, CodeRecord, CodeStore, ConsentRecord, ConsentStore, ConsentVersion, Filter, Grace, GrantRecord,
    GrantedToken, Issued, NewFamily, RefreshUse, ReplayStore, SubjectKey, TicketRecord, TicketStore,
    TokenRecord, TokenStore,
};
use vouchsafe::types::{ClientId, GrantId};

pub(crate) const NOW: Timestamp = Timestamp::from_unix(1_700_000_000);

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Verb {
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
    pub(crate) const ALL: [Self; 16] = [
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
    pub(crate) const fn needs(self) -> &'static [Self] {
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
pub(crate) struct Rows {
    pub(crate) grant: GrantRecord,
    pub(crate) token: TokenRecord,
    pub(crate) next_token: TokenRecord,
    pub(crate) family: NewFamily,
    pub(crate) code: CodeRecord,
    pub(crate) consent: ConsentRecord,
    pub(crate) ticket: TicketRecord,
}

pub(crate) fn later(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn bytes<const N: usize>() -> [u8; N] {
    random(&OsEntropy).expect("a machine has a random source")
}

impl Rows {
    pub(crate) fn new(client: &ClientId) -> Self {
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
pub(crate) trait Verbs {
    async fn run(&self, verb: Verb, rows: Rows);
}

/// A store, by its ports.
pub(crate) struct Ported<S>(pub(crate) S);

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
pub(crate) async fn time<V: Verbs>(store: &V, verb: Verb, times: u64) -> Duration {
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

/// What clients ask for, as the verbs that it takes.
const FLOWS: [(&str, &[Verb]); 4] = [
    ("client credentials", &[Verb::InsertNew]),
    ("code to tokens", &[Verb::ConsumeCode, Verb::InsertExisting]),
    ("refresh", &[Verb::Grant, Verb::Refresh]),
    ("introspection", &[Verb::AccessToken]),
];

/// Prints the rate of each flow through `ours` over that of the same statements through `bare`: the medians of turns that
/// they take. Without `--bench` one of each is run.
pub(crate) fn ratios<O: Verbs, B: Verbs>(runtime: &Runtime, database: &str, ours: &O, bare: &B) {
    let (turns, times) =
        if std::env::args().any(|argument| argument == "--bench") { (9, 300) } else { (1, 1) };
    for (flow, verbs) in FLOWS {
        let mut taken = [Vec::new(), Vec::new()];
        for _ in 0..turns {
            taken[0].push(runtime.block_on(all(ours, verbs, times)));
            taken[1].push(runtime.block_on(all(bare, verbs, times)));
        }
        let [ours, bare] = taken.map(|mut turns| {
            turns.sort_unstable();
            turns[turns.len() / 2] / u32::try_from(times).expect("a small number")
        });
        let ratio = bare.as_secs_f64() / ours.as_secs_f64();
        println!("{flow} on {database}: {ours:?}, the bare statements {bare:?}: {ratio:.2} of their rate");
    }
}

async fn all<V: Verbs>(store: &V, verbs: &[Verb], times: u64) -> Duration {
    let mut sum = Duration::ZERO;
    for verb in verbs {
        sum += time(store, *verb, times).await;
    }
    sum
}
