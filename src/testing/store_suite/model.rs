//! Random sequences of verbs, beside a slow and obvious model.

use std::time::Duration;

use super::draw;
use super::reference::{Reference, Seen};
use crate::clock::Timestamp;
use crate::error::{StoreError, StoreErrorKind};
use crate::secret::TokenHash;
use crate::store::{
    Advance, CodeRecord, CodeStore, ConsentFilter, ConsentRecord, ConsentStore, ConsentVersion, Filter,
    Grace, GrantRecord, GrantedToken, Issued, NewFamily, Page, RefreshUse, ReplayStore, RevokedGrants,
    SessionKey, SubjectKey, Sweep, TicketRecord, TicketStore, TokenRecord, TokenStore,
};
use crate::types::{ClientId, GrantId};

/// Asks the store and a model the same `steps` random questions; both must give the same answers.
///
/// The keys are drawn anew for each run, and are few, so that the questions concern each other. Time goes forward
/// only. Keys of rows that have had their time are not inserted again: whether they are free is the store's affair.
///
/// # Panics
/// At the first answer that differs. The message names the question and `seed`, with which it is asked again.
pub async fn model<S>(store: &S, seed: u64, steps: u32)
where
    S: CodeStore + ConsentStore + ReplayStore + Sweep + TicketStore + TokenStore,
{
    let mut run =
        Run { store, model: Reference::default(), now: draw::NOW, dice: Dice(seed), names: Names::draw() };
    for step in 0..steps {
        if let Err(difference) = run.ask().await {
            panic!("seed {seed}, step {step}: {difference}");
        }
    }
}

/// A sequence of numbers that a seed determines (SplitMix64).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn of(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(super) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let n = self.below(items.len() as u64);
        &items[usize::try_from(n).expect("an index fits")]
    }

    pub(super) fn maybe<T>(&mut self, value: T) -> Option<T> {
        (self.below(2) == 0).then_some(value)
    }
}

/// The few names that a run is about.
struct Names {
    keys: Vec<TokenHash>,
    grants: Vec<GrantId>,
    clients: Vec<ClientId>,
    subjects: Vec<SubjectKey>,
    sessions: Vec<SessionKey>,
}

impl Names {
    fn draw() -> Self {
        Self {
            keys: (0..6).map(|_| draw::key()).collect(),
            grants: (0..5).map(|_| draw::grant_id()).collect(),
            clients: (0..2).map(|_| draw::client()).collect(),
            subjects: (0..2).map(|_| draw::subject()).collect(),
            sessions: (0..2).map(|_| draw::session()).collect(),
        }
    }
}

struct Run<'a, S> {
    store: &'a S,
    model: Reference,
    now: Timestamp,
    dice: Dice,
    names: Names,
}

/// Compares the answers of the store and of the model.
macro_rules! compare {
    ($question:expr, $store:expr, $model:expr) => {{
        let (answer, expected) = (kind($store), $model);
        if answer == expected {
            Ok(())
        } else {
            Err(format!("{}: the store answered {answer:?}, the model {expected:?}", $question))
        }
    }};
}

impl<S> Run<'_, S>
where
    S: CodeStore + ConsentStore + ReplayStore + Sweep + TicketStore + TokenStore,
{
    async fn ask(&mut self) -> Result<(), String> {
        match self.dice.below(20) {
            0..=2 => self.now = self.soon(30),
            3 => return self.sweep().await,
            4..=6 => return self.ask_codes().await,
            7..=8 => return self.ask_tickets().await,
            9 => return self.ask_replays().await,
            10..=11 => return self.ask_consents().await,
            12..=13 => return self.ask_grants().await,
            14..=16 => return self.insert_tokens().await,
            17..=18 => return self.use_refresh_token().await,
            _ => return self.ask_tokens().await,
        }
        Ok(())
    }

    /// A moment between now and `within` seconds later.
    fn soon(&mut self, within: u64) -> Timestamp {
        self.now.plus(Duration::from_secs(self.dice.below(within)))
    }

    fn key(&mut self) -> TokenHash {
        *self.dice.pick(&self.names.keys)
    }

    fn client(&mut self) -> ClientId {
        self.dice.pick(&self.names.clients).clone()
    }

    fn subject(&mut self) -> SubjectKey {
        *self.dice.pick(&self.names.subjects)
    }

    fn grant_id(&mut self) -> GrantId {
        *self.dice.pick(&self.names.grants)
    }

    fn grant(&mut self) -> GrantRecord {
        let expires_at = self.soon(600);
        let (subject, session) = (self.subject(), *self.dice.pick(&self.names.sessions));
        GrantRecord {
            id: self.grant_id(),
            client: self.client(),
            subject: self.dice.maybe(subject),
            session: self.dice.maybe(session),
            created_at: self.now,
            expires_at,
            keep_until: expires_at.plus(Duration::from_secs(self.dice.below(100))),
            token: None,
            payload: draw::payload(),
        }
    }

    fn token(&mut self, grant: GrantId) -> TokenRecord {
        let (key, client, expires_at) = (self.key(), self.client(), self.soon(300));
        TokenRecord { key, grant, client, expires_at, payload: draw::payload() }
    }

    async fn sweep(&mut self) -> Result<(), String> {
        let limit = u16::try_from(self.dice.below(5)).expect("a number below 5 fits");
        match self.store.sweep(limit, self.now).await {
            Ok(swept) if swept <= limit => Ok(()),
            other => Err(format!("sweep {limit}: the store answered {other:?}")),
        }
    }

    async fn ask_codes(&mut self) -> Result<(), String> {
        let (key, client, now) = (self.key(), self.client(), self.now);
        if self.dice.below(2) == 0 {
            let question = format!("consume_code {key:?} {client:?} at {now:?}");
            let answer = self.store.consume_code(&key, &client, now).await;
            return compare!(question, answer, Ok(self.model.consume_code(&key, &client, now)));
        }
        if self.model.code_has_ended(&key, now) {
            return Ok(());
        }
        let expires_at = self.soon(60);
        let retain_until = expires_at.plus(Duration::from_secs(self.dice.below(100)));
        let code =
            CodeRecord { grant: self.grant_id(), client, expires_at, retain_until, payload: draw::payload() };
        let question = format!("insert_code {key:?} {code:?} at {now:?}");
        let answer = self.store.insert_code(key, code.clone(), now).await;
        compare!(question, answer, self.model.insert_code(key, code))
    }

    async fn ask_tickets(&mut self) -> Result<(), String> {
        let (key, now) = (self.key(), self.now);
        match self.dice.below(3) {
            0 => {
                let answer = self.store.get(&key, now).await;
                compare!(format!("get {key:?} at {now:?}"), answer, Ok(self.model.get(&key, now)))
            }
            1 => {
                let answer = self.store.take(&key, now).await;
                compare!(format!("take {key:?} at {now:?}"), answer, Ok(self.model.take(&key, now)))
            }
            _ if self.model.ticket_has_ended(&key, now) => Ok(()),
            _ => {
                let open_until = self.soon(60);
                let keep_until = open_until.plus(Duration::from_secs(self.dice.below(60)));
                let ticket = TicketRecord { open_until, keep_until, payload: draw::payload() };
                let question = format!("put {key:?} {ticket:?} at {now:?}");
                let answer = self.store.put(key, ticket.clone(), now).await;
                compare!(question, answer, self.model.put(key, ticket))
            }
        }
    }

    async fn ask_replays(&mut self) -> Result<(), String> {
        let (key, now, until) = (self.key(), self.now, self.soon(60));
        let space = *self.dice.pick(&["left", "right"]);
        let question = format!("first_use {space} {key:?} until {until:?} at {now:?}");
        let answer = self.store.first_use(space, &key, until, now).await;
        compare!(question, answer, Ok(self.model.first_use(space, &key, until, now)))
    }

    async fn ask_consents(&mut self) -> Result<(), String> {
        let (subject, client, now) = (self.subject(), self.client(), self.now);
        match self.dice.below(5) {
            0 => {
                let answer = self.store.forget(&subject, &client, now).await;
                let expected = self.model.forget(&subject, &client, now);
                compare!(format!("forget {client:?} at {now:?}"), answer, Ok(expected))
            }
            1 => {
                let filters = [ConsentFilter::Client(client), ConsentFilter::Subject(subject)];
                let filter = self.dice.pick(&filters);
                let answer = self.store.consents(filter, &Page::first(1000), now).await.map(|listing| {
                    let mut items: Vec<_> = listing.items.into_iter().map(unversioned).collect();
                    items.sort_by_key(|record| (record.subject, record.client.clone()));
                    items
                });
                compare!(
                    format!("consents {filter:?} at {now:?}"),
                    answer,
                    Ok(self.model.consents(filter, now))
                )
            }
            2 => {
                let answer = self.store.remembered(&subject, &client, now).await;
                let answer = answer.map(|record| record.map(unversioned));
                let expected = self.model.remembered(&subject, &client, now);
                compare!(format!("remembered {client:?} at {now:?}"), answer, Ok(expected))
            }
            _ => {
                let stored = self.store.remembered(&subject, &client, now).await;
                let stored = stored.ok().flatten().map(|record| record.version);
                let (seen, version) = match (stored, self.dice.below(3)) {
                    (_, 0) => (Seen::Nothing, None),
                    (Some(version), 1) => (Seen::Stored, Some(version)),
                    (version, _) => {
                        (Seen::Other, Some(ConsentVersion(version.map_or(1, |version| version.0 - 1))))
                    }
                };
                let expires_at = self.soon(200);
                let (payload, first) = (draw::payload(), draw::version());
                let record = ConsentRecord { subject, client, version: first, expires_at, payload };
                let question = format!("remember {record:?} seen {seen:?} at {now:?}");
                let answer = self.store.remember(record.clone(), version, now).await;
                compare!(question, answer, Ok(self.model.remember(unversioned(record), seen, now)))
            }
        }
    }

    fn filter(&mut self) -> Filter {
        match self.dice.below(5) {
            0 => Filter::Client(self.client()),
            1 => Filter::Session(*self.dice.pick(&self.names.sessions)),
            2 => Filter::Subject(self.subject()),
            3 => Filter::SubjectAndClient(self.subject(), self.client()),
            _ => Filter::Id(self.grant_id()),
        }
    }

    async fn ask_grants(&mut self) -> Result<(), String> {
        let (filter, now) = (self.filter(), self.now);
        match self.dice.below(7) {
            6 => {
                let limit = u16::try_from(self.dice.below(4)).expect("a number below 4 fits") + 1;
                let answer = self.revoke_in_batches(&filter, limit).await;
                let question = format!("revoke_some {filter:?} by {limit} at {now:?}");
                compare!(question, answer, Ok(self.model.revoke(&filter, now)))
            }
            0 => {
                let answer = self.store.revoke(&filter, now).await;
                compare!(format!("revoke {filter:?} at {now:?}"), answer, Ok(self.model.revoke(&filter, now)))
            }
            1 => {
                let revoked = *self.dice.pick(&[RevokedGrants::Included, RevokedGrants::LeftOut]);
                let answer = self.store.grants(&filter, revoked, &Page::first(1000), now).await;
                let answer = answer.map(|listing| listing.items);
                let question = format!("grants {filter:?}, revoked ones {revoked:?}, at {now:?}");
                compare!(question, answer, Ok(self.model.grants(&filter, revoked, now)))
            }
            2..=3 => {
                let id = self.grant_id();
                let answer = self.store.grant(&id, now).await;
                compare!(format!("grant {id:?} at {now:?}"), answer, Ok(self.model.grant(&id, now)))
            }
            _ => {
                let grant = self.grant();
                if self.model.grant_has_ended(&grant.id, now) {
                    self.rename_grant(grant.id);
                    return Ok(());
                }
                let question = format!("insert_grant {grant:?} at {now:?}");
                let answer = self.store.insert_grant(grant.clone(), now).await;
                compare!(question, answer, self.model.insert_grant(grant))
            }
        }
    }

    /// Which grants a batch revokes is the store's affair, so it is asked until it has revoked them all.
    async fn revoke_in_batches(&self, of: &Filter, limit: u16) -> Result<u64, StoreError> {
        let mut revoked = 0;
        loop {
            let batch = self.store.revoke_some(of, limit, self.now).await?;
            revoked += u64::from(batch);
            if batch < limit {
                return Ok(revoked);
            }
        }
    }

    /// Ids of grants that have ended leave the game.
    fn rename_grant(&mut self, ended: GrantId) {
        self.names.grants.retain(|id| *id != ended);
        self.names.grants.push(draw::grant_id());
    }

    /// Keys of tokens that are not active any more leave the game.
    fn rename_key(&mut self, ended: TokenHash) {
        self.names.keys.retain(|key| *key != ended);
        self.names.keys.push(draw::key());
    }

    async fn insert_tokens(&mut self) -> Result<(), String> {
        let (now, grant) = (self.now, self.grant());
        let id = grant.id;
        if self.model.grant_has_ended(&id, now) {
            self.rename_grant(id);
            return Ok(());
        }
        let (token, family) = (self.token(id), NewFamily { key: draw::key(), idle_until: self.soon(200) });
        if self.model.token_has_ended(&token.key, now) {
            self.rename_key(token.key);
            return Ok(());
        }
        if self.dice.below(2) == 0 {
            let GrantRecord { subject, session, created_at, .. } = grant;
            let keep_until = token.expires_at.plus(Duration::from_secs(self.dice.below(100)));
            let granted = GrantedToken { token, subject, session, created_at, keep_until };
            let question = format!("insert_granted_token {granted:?} at {now:?}");
            let answer = self.store.insert_granted_token(granted.clone(), now).await;
            return compare!(question, answer, self.model.insert_granted_token(granted));
        }
        let issued = Issued { access: self.dice.maybe(token), family: self.dice.maybe(family) };
        let question = format!("insert_tokens {id:?} {issued:?} at {now:?}");
        let answer = self.store.insert_tokens(&id, issued.clone(), now).await;
        compare!(question, answer, self.model.insert_tokens(&id, issued, now))
    }

    async fn use_refresh_token(&mut self) -> Result<(), String> {
        let (now, id) = (self.now, self.grant_id());
        let graces = [Grace::UntilSuccessorUsed, Grace::For(Duration::from_secs(self.dice.below(60)))];
        let used = RefreshUse {
            seq: self.model.head(&id).map_or(0, |head| (head + 1).saturating_sub(self.dice.below(4))),
            advance: *self.dice.pick(&[Advance::Keep, Advance::Rotate]),
            grace: *self.dice.pick(&graces),
            idle_until: self.soon(200),
        };
        let token = self.token(id);
        if self.model.token_has_ended(&token.key, now) {
            self.rename_key(token.key);
            return Ok(());
        }
        let issued = self.dice.maybe(token);
        let question = format!("use_refresh_token {id:?} {used:?} {issued:?} at {now:?}");
        let answer = self.store.use_refresh_token(&id, used.clone(), issued.clone(), now).await;
        compare!(question, answer, self.model.use_refresh_token(&id, &used, issued, now))
    }

    async fn ask_tokens(&mut self) -> Result<(), String> {
        let (key, now) = (self.key(), self.now);
        if self.dice.below(4) > 0 {
            let answer = self.store.access_token(&key, now).await;
            let expected = self.model.access_token(&key, now);
            return compare!(format!("access_token {key:?} at {now:?}"), answer, Ok(expected));
        }
        let answer = self.store.revoke_token(&key, now).await;
        self.model.revoke_token(&key, now);
        compare!(format!("revoke_token {key:?} at {now:?}"), answer, Ok(()))
    }
}

/// Versions are the store's own.
const UNVERSIONED: ConsentVersion = ConsentVersion(0);

fn unversioned(record: ConsentRecord) -> ConsentRecord {
    ConsentRecord { version: UNVERSIONED, ..record }
}

fn kind<T>(result: Result<T, StoreError>) -> Result<T, StoreErrorKind> {
    result.map_err(|error| error.kind())
}
