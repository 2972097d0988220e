//! One row of every kind, and what its own verbs say of it.

use std::time::Duration;

use crate::seal::Sealed;
use crate::secret::{SecretId, TokenHash};
use crate::store::{
    ClientRecord, CodeRecord, ConsentRecord, Consumed, Deferral, DeferredRecord, GrantRecord, GrantedToken,
    Insertion, Issued, Remembered, Replacement, RowKind, RowName, SealedRow, Stores, TicketRecord,
    TokenRecord, WaitingLimit,
};
use crate::testing::store_suite::answered;
use crate::testing::store_suite::draw::{self, NOW, at};
use crate::types::GrantId;

/// The rows of one secret, beside the records with which they were made.
pub(super) struct Rows {
    pub(super) rows: Vec<SealedRow>,
    kept: Vec<Kept>,
}

/// A record as it was inserted.
enum Kept {
    Client(ClientRecord),
    Code(TokenHash, CodeRecord),
    Consent(ConsentRecord),
    Deferred(DeferredRecord),
    Grant(GrantRecord),
    Granted(GrantedToken),
    KeySet(Sealed),
    Ticket(TokenHash, TicketRecord),
    Token(TokenRecord),
}

impl SealedRow {
    pub(super) fn is_key_set(&self) -> bool {
        self.name.kind == RowKind::KeySet
    }
}

pub(super) fn consent_name(record: &ConsentRecord) -> RowName {
    let key = [record.subject.as_bytes(), record.client.as_str().as_bytes()].concat();
    RowName::new(RowKind::Consent, key)
}

/// The key of a row that is not there, of the same kind.
pub(super) fn other_key(name: &RowName) -> Vec<u8> {
    match name.kind {
        RowKind::Client => draw::client().as_str().into(),
        RowKind::Consent => consent_name(&draw::consent(draw::subject(), &draw::client())).key,
        RowKind::Grant => draw::grant_id().as_bytes().to_vec(),
        _ => draw::key().as_bytes().to_vec(),
    }
}

impl Kept {
    fn name(&self) -> RowName {
        match self {
            Self::Client(record) => RowName::new(RowKind::Client, record.id.as_str()),
            Self::Code(key, _) => RowName::new(RowKind::Code, *key.as_bytes()),
            Self::Consent(record) => consent_name(record),
            Self::Deferred(record) => RowName::new(RowKind::Deferred, *record.key.as_bytes()),
            Self::Grant(record) => RowName::new(RowKind::Grant, *record.id.as_bytes()),
            Self::Granted(granted) => RowName::new(RowKind::Token, *granted.token.key.as_bytes()),
            Self::KeySet(_) => RowName::new(RowKind::KeySet, []),
            Self::Ticket(key, _) => RowName::new(RowKind::Ticket, *key.as_bytes()),
            Self::Token(record) => RowName::new(RowKind::Token, *record.key.as_bytes()),
        }
    }

    fn payload(&mut self) -> &mut Sealed {
        match self {
            Self::Client(record) => &mut record.payload,
            Self::Code(_, record) => &mut record.payload,
            Self::Consent(record) => &mut record.payload,
            Self::Deferred(record) => &mut record.payload,
            Self::Grant(record) => &mut record.payload,
            Self::Granted(granted) => &mut granted.token.payload,
            Self::KeySet(payload) => payload,
            Self::Ticket(_, record) => &mut record.payload,
            Self::Token(record) => &mut record.payload,
        }
    }
}

/// A row of every port that `stores` has.
fn draw_all(stores: &Stores) -> Vec<Kept> {
    let grant = draw::any_grant();
    let mut all = vec![
        Kept::Code(draw::key(), draw::code(&draw::client())),
        Kept::Consent(draw::consent(draw::subject(), &draw::client())),
        Kept::Token(draw::token(&grant)),
        Kept::Grant(grant),
        Kept::Granted(draw::granted()),
    ];
    if stores.registry.is_some() {
        let (id, registration_token) = (draw::client(), draw::key());
        all.push(Kept::Client(ClientRecord { id, registration_token, payload: draw::payload() }));
    }
    if stores.deferred.is_some() {
        all.push(Kept::Deferred(DeferredRecord {
            key: draw::key(),
            user_code: Some(draw::key()),
            client: draw::client(),
            subject: Some(draw::subject()),
            interval: Duration::from_secs(5),
            expires_at: at(600),
            retain_until: at(4000),
            payload: draw::payload(),
        }));
    }
    if stores.key_sets.is_some() {
        all.push(Kept::KeySet(draw::payload()));
    }
    if stores.tickets.is_some() {
        all.push(Kept::Ticket(draw::key(), draw::ticket()));
    }
    all
}

impl Rows {
    /// Makes rows under `secret`.
    pub(super) async fn insert(stores: &Stores, secret: SecretId) -> Self {
        let mut kept = draw_all(stores);
        // A token is inserted after its grant.
        kept.sort_by_key(|kept| kept.name().kind);
        for row in &mut kept {
            *row.payload() = draw::payload_under(secret);
        }
        for row in &kept {
            row.insert(stores).await;
        }
        let rows =
            kept.iter_mut().map(|kept| SealedRow { name: kept.name(), payload: kept.payload().clone() });
        Self { rows: rows.collect(), kept }
    }

    /// The `n`th row has another payload now.
    pub(super) fn moved(&mut self, n: usize, payload: Sealed) {
        *self.kept[n].payload() = payload.clone();
        self.rows[n].payload = payload;
    }

    /// Every verb gives its row as it was inserted, but for the payload that it has now.
    pub(super) async fn check(self, stores: &Stores) {
        for row in self.kept {
            row.check(stores).await;
        }
    }
}

impl Kept {
    async fn insert(&self, stores: &Stores) {
        let clause = "a new row is kept";
        match self {
            Self::Client(record) => {
                let registry = stores.registry.as_ref().expect("drawn where there is one");
                answered(clause, registry.register(record.clone(), NOW).await);
            }
            Self::Code(key, record) => {
                answered(clause, stores.codes.insert_code(*key, record.clone(), NOW).await);
            }
            Self::Consent(record) => {
                let written = answered(clause, stores.consents.remember(record.clone(), None, NOW).await);
                assert_eq!(written, Remembered::Written, "{clause}");
            }
            Self::Deferred(record) => {
                let deferred = stores.deferred.as_ref().expect("drawn where there is one");
                let limit = WaitingLimit { of_client: u16::MAX, of_all: u16::MAX };
                let waits = answered(clause, deferred.insert_deferred(record.clone(), limit, NOW).await);
                assert_eq!(waits, Deferral::Waiting, "{clause}");
            }
            Self::Grant(record) => {
                answered(clause, stores.tokens.insert_grant(record.clone(), NOW).await);
            }
            Self::Granted(granted) => {
                answered(clause, stores.tokens.insert_granted_token(granted.clone(), NOW).await);
            }
            Self::KeySet(payload) => {
                let key_sets = stores.key_sets.as_ref().expect("drawn where there is one");
                let seen = answered(clause, key_sets.key_set(NOW).await).map(|stored| stored.version);
                let written = answered(clause, key_sets.replace_key_set(payload.clone(), seen, NOW).await);
                assert_eq!(written, Replacement::Written, "{clause}");
            }
            Self::Ticket(key, record) => {
                let tickets = stores.tickets.as_ref().expect("drawn where there is one");
                answered(clause, tickets.put(*key, record.clone(), NOW).await);
            }
            Self::Token(record) => insert_token(stores, record).await,
        }
    }

    async fn check(self, stores: &Stores) {
        let clause = "moving a payload changes nothing else";
        match self {
            Self::Client(record) => {
                let registry = stores.registry.as_ref().expect("drawn where there is one");
                let found = answered(clause, registry.registered(&record.id, NOW).await);
                let found = found.map(|stored| (stored.version.0, stored.record));
                assert_eq!(found, Some((1, record)), "{clause}: a client");
            }
            Self::Code(key, record) => {
                let consumed = answered(clause, stores.codes.consume_code(&key, &record.client, NOW).await);
                assert_eq!(consumed, Consumed::Fresh(record), "{clause}: a code");
            }
            Self::Consent(record) => {
                let found = stores.consents.remembered(&record.subject, &record.client, NOW).await;
                let found = answered(clause, found);
                assert_eq!(found, Some(record), "{clause}: a consent");
            }
            Self::Deferred(record) => {
                let deferred = stores.deferred.as_ref().expect("drawn where there is one");
                let found = answered(clause, deferred.deferred(&record.key, NOW).await);
                assert_eq!(found, Some(record), "{clause}: a request that waits");
            }
            Self::Grant(record) => {
                assert_eq!(grant(stores, &record.id).await, Some(record), "{clause}: a grant")
            }
            Self::Granted(granted) => {
                let found = answered(clause, stores.tokens.access_token(&granted.token.key, NOW).await);
                assert_eq!(found.as_ref(), Some(&granted.token), "{clause}: a token with its grant");
                let found = grant(stores, &granted.token.grant).await;
                assert_eq!(found, Some(granted.into_grant()), "{clause}: a grant with its token");
            }
            Self::KeySet(payload) => {
                let key_sets = stores.key_sets.as_ref().expect("drawn where there is one");
                let found = answered(clause, key_sets.key_set(NOW).await).map(|stored| stored.payload);
                assert_eq!(found, Some(payload), "{clause}: the key set");
            }
            Self::Ticket(key, record) => {
                let tickets = stores.tickets.as_ref().expect("drawn where there is one");
                let found = answered(clause, tickets.get(&key, NOW).await);
                assert_eq!(found, Some(record), "{clause}: a ticket");
            }
            Self::Token(record) => {
                let found = answered(clause, stores.tokens.access_token(&record.key, NOW).await);
                assert_eq!(found, Some(record), "{clause}: a token");
            }
        }
    }
}

async fn insert_token(stores: &Stores, record: &TokenRecord) {
    let issued = Issued { access: Some(record.clone()), family: None };
    let inserted = stores.tokens.insert_tokens(&record.grant, issued, NOW).await;
    assert_eq!(
        answered("insert_tokens answers", inserted),
        Insertion::Inserted,
        "a live grant takes a token"
    );
}

async fn grant(stores: &Stores, id: &GrantId) -> Option<GrantRecord> {
    let found = answered("grant answers", stores.tokens.grant(id, NOW).await);
    let untouched = found.as_ref().is_none_or(|found| found.revoked_at.is_none() && found.head.is_none());
    assert!(untouched, "moving a payload leaves the state of a grant");
    found.map(|found| found.record)
}
