//! The suite itself: a store that breaks one clause of the contract is found out.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use vouchsafe::adapters::tokio::TokioRuntime;
use vouchsafe::clock::Timestamp;
use vouchsafe::error::StoreError;
use vouchsafe::seal::Sealed;
use vouchsafe::secret::{SecretId, TokenHash};
use vouchsafe::store::memory::{Clients, MemoryStore};
use vouchsafe::store::{
    ClientRecord, ClientRegistry, ClientVersion, CodeRecord, CodeStore, ConsentFilter, ConsentRecord,
    ConsentStore, ConsentVersion, Consumed, Decision, Deferral, DeferredRecord, DeferredStore, Filter, Grace,
    GrantRecord, GrantStore, GrantedToken, Insertion, Issued, KeySetStore, KeySetVersion, Listing, Page,
    Polled, RefreshUse, Refreshed, Remembered, Replacement, ReplayStore, Reseal, RevokedGrants, RowKind,
    SealedRow, StoredClient, StoredGrant, StoredKeySet, Stores, SubjectKey, Sweep, TicketRecord, TicketStore,
    TokenRecord, TokenStore, WaitingLimit,
};
use vouchsafe::testing::store_suite as suite;
use vouchsafe::types::{ClientId, GrantId};

/// What is wrong with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    AbsentClientIsMade,
    AbsentKeySetIsMade,
    ApprovalIsForgottenLikeARefusal,
    BatchGoesBeyondItsLimit,
    BatchStopsShort,
    ClientIdsAreFolded,
    ClientIsListedAsItWasFirst,
    ClientIsReplacedInTwoSteps,
    ClientIsReplacedUnseen,
    ClientKeepsItsToken,
    ClientListingLosesAnItem,
    ClientListingRepeatsAnItem,
    ClientVersionStandsStill,
    CodeLivesASecondLonger,
    CodeOfAnotherIsAbsent,
    ConsentIsWrittenUnseen,
    DecisionIsWrittenOver,
    DeferredIsForgottenWhenRedeemed,
    DeferredLivesASecondLonger,
    DeferredOfAnotherIsAbsent,
    ExpiredGrantIsForgotten,
    FirstUseEndsASecondEarly,
    FirstUseThatIsOverIsRemembered,
    GraceIsASecondLonger,
    KeySetHasTwoSteps,
    KeySetIsWrittenUnseen,
    KeySetVersionStandsStill,
    PageRepeatsAnItem,
    PayloadLosesItsEnd,
    PollHasTwoSteps,
    PollIsNeverTooEarly,
    RegistrationOverwrites,
    RemovalIsToldTwice,
    RemovedClientStays,
    ReplayIsNotTold,
    ReplayedCodeIsExpired,
    ResealEndsWithThePage,
    ResealForgetsTokens,
    ResealHasTwoSteps,
    ResealIsAnotherVersion,
    ResealIsUnseen,
    RevocationStopsAtTheFirst,
    RevokedGrantIsAbsent,
    RevokedGrantIsNeverListed,
    RotationHasTwoSteps,
    StaleClientIsWritten,
    SweepComesASecondEarly,
    SweepGoesBeyondItsLimit,
    TakingHasTwoSteps,
    TicketIsTakenAgain,
    TokenLivesASecondLonger,
    TokenSurvivesRevocation,
    UserCodeIsFoundAfterItsAnswer,
    WaitingIsNotCounted,
}

const FAULTS: [Fault; 54] = [
    Fault::AbsentClientIsMade,
    Fault::AbsentKeySetIsMade,
    Fault::ApprovalIsForgottenLikeARefusal,
    Fault::BatchGoesBeyondItsLimit,
    Fault::BatchStopsShort,
    Fault::ClientIdsAreFolded,
    Fault::ClientIsListedAsItWasFirst,
    Fault::ClientIsReplacedInTwoSteps,
    Fault::ClientIsReplacedUnseen,
    Fault::ClientKeepsItsToken,
    Fault::ClientListingLosesAnItem,
    Fault::ClientListingRepeatsAnItem,
    Fault::ClientVersionStandsStill,
    Fault::CodeLivesASecondLonger,
    Fault::CodeOfAnotherIsAbsent,
    Fault::ConsentIsWrittenUnseen,
    Fault::DecisionIsWrittenOver,
    Fault::DeferredIsForgottenWhenRedeemed,
    Fault::DeferredLivesASecondLonger,
    Fault::DeferredOfAnotherIsAbsent,
    Fault::ExpiredGrantIsForgotten,
    Fault::FirstUseEndsASecondEarly,
    Fault::FirstUseThatIsOverIsRemembered,
    Fault::GraceIsASecondLonger,
    Fault::KeySetHasTwoSteps,
    Fault::KeySetIsWrittenUnseen,
    Fault::KeySetVersionStandsStill,
    Fault::PageRepeatsAnItem,
    Fault::PayloadLosesItsEnd,
    Fault::PollHasTwoSteps,
    Fault::PollIsNeverTooEarly,
    Fault::RegistrationOverwrites,
    Fault::RemovalIsToldTwice,
    Fault::RemovedClientStays,
    Fault::ReplayIsNotTold,
    Fault::ReplayedCodeIsExpired,
    Fault::ResealEndsWithThePage,
    Fault::ResealForgetsTokens,
    Fault::ResealHasTwoSteps,
    Fault::ResealIsAnotherVersion,
    Fault::ResealIsUnseen,
    Fault::RevocationStopsAtTheFirst,
    Fault::RevokedGrantIsAbsent,
    Fault::RevokedGrantIsNeverListed,
    Fault::RotationHasTwoSteps,
    Fault::StaleClientIsWritten,
    Fault::SweepComesASecondEarly,
    Fault::SweepGoesBeyondItsLimit,
    Fault::TakingHasTwoSteps,
    Fault::TicketIsTakenAgain,
    Fault::TokenLivesASecondLonger,
    Fault::TokenSurvivesRevocation,
    Fault::UserCodeIsFoundAfterItsAnswer,
    Fault::WaitingIsNotCounted,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_fault_is_found() {
    let runtime = TokioRuntime::current().unwrap();
    for fault in FAULTS {
        let nodes = [Arc::new(Faulty::with(Some(fault)))];
        let passed = AssertUnwindSafe(everything(&nodes, &runtime)).catch_unwind().await.is_ok();
        assert!(!passed, "{fault:?} is not found");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_store_without_fault_passes() {
    let nodes = [Arc::new(Faulty::with(None))];
    everything(&nodes, &TokioRuntime::current().unwrap()).await;
}

async fn everything(nodes: &[Arc<Faulty>], runtime: &TokioRuntime) {
    suite::all(nodes, runtime).await;
    suite::registry(nodes, runtime).await;
    suite::deferred(nodes, runtime).await;
    suite::key_sets(nodes, runtime).await;
    let stores: Vec<Stores> = nodes.iter().map(stores).collect();
    suite::reseal(&stores, runtime).await;
}

/// Every port over one store.
fn stores(store: &Arc<Faulty>) -> Stores {
    Stores::new(Arc::new(Clients::default()), store.clone(), store.clone(), store.clone())
        .with_registry(store.clone())
        .with_replays(store.clone())
        .with_tickets(store.clone())
        .with_deferred(store.clone())
        .with_key_sets(store.clone())
        .with_reseal(store.clone())
}

/// A store in memory with one fault, or none.
#[derive(Debug)]
struct Faulty {
    store: MemoryStore,
    fault: Option<Fault>,
    inserted: Mutex<HashMap<TokenHash, DeferredRecord>>,
    redeemed: Mutex<HashMap<TokenHash, Polled>>,
}

impl Faulty {
    fn with(fault: Option<Fault>) -> Self {
        let store = MemoryStore::new();
        Self { store, fault, inserted: Mutex::default(), redeemed: Mutex::default() }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn earlier_if(&self, fault: Fault, now: Timestamp) -> Timestamp {
        if self.has(fault) { now.minus(Duration::from_secs(1)) } else { now }
    }

    fn later_if(&self, fault: Fault, now: Timestamp) -> Timestamp {
        if self.has(fault) { now.plus(Duration::from_secs(1)) } else { now }
    }
}

#[async_trait]
impl CodeStore for Faulty {
    async fn insert_code(
        &self,
        key: TokenHash,
        mut code: CodeRecord,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if self.has(Fault::PayloadLosesItsEnd) {
            let (_, shorter) = code.payload.as_bytes().split_last().expect("a payload is not empty");
            code.payload = Sealed::from_parts(code.payload.secret(), shorter.to_vec());
        }
        self.store.insert_code(key, code, now).await
    }

    async fn consume_code(
        &self,
        key: &TokenHash,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<Consumed, StoreError> {
        let now = self.earlier_if(Fault::CodeLivesASecondLonger, now);
        match self.store.consume_code(key, client, now).await? {
            Consumed::Foreign if self.has(Fault::CodeOfAnotherIsAbsent) => Ok(Consumed::Absent),
            Consumed::Replayed { .. } if self.has(Fault::ReplayedCodeIsExpired) => Ok(Consumed::Expired),
            consumed => Ok(consumed),
        }
    }
}

#[async_trait]
impl GrantStore for Faulty {
    async fn insert_grant(&self, grant: GrantRecord, now: Timestamp) -> Result<(), StoreError> {
        self.store.insert_grant(grant, now).await
    }

    async fn grant(&self, id: &GrantId, now: Timestamp) -> Result<Option<StoredGrant>, StoreError> {
        let grant = self.store.grant(id, now).await?;
        let forgets = self.has(Fault::ExpiredGrantIsForgotten);
        Ok(grant.filter(|grant| !forgets || !grant.record.expires_at.has_passed(now)))
    }

    async fn grants(
        &self,
        of: &Filter,
        revoked: RevokedGrants,
        page: &Page,
        now: Timestamp,
    ) -> Result<Listing<StoredGrant>, StoreError> {
        let never = self.has(Fault::RevokedGrantIsNeverListed);
        let revoked = if never { RevokedGrants::LeftOut } else { revoked };
        let mut listing = self.store.grants(of, revoked, page, now).await?;
        if let (true, [.., before, _]) = (self.has(Fault::PageRepeatsAnItem), &*listing.items) {
            listing.next = listing.next.map(|_| before.record.id.to_string());
        }
        Ok(listing)
    }

    async fn revoke(&self, of: &Filter, now: Timestamp) -> Result<u64, StoreError> {
        if !self.has(Fault::RevocationStopsAtTheFirst) {
            return self.store.revoke(of, now).await;
        }
        match self.store.grants(of, RevokedGrants::LeftOut, &Page::first(1), now).await?.items.first() {
            None => Ok(0),
            Some(first) => self.store.revoke(&Filter::Id(first.record.id), now).await,
        }
    }

    async fn revoke_some(&self, of: &Filter, limit: u16, now: Timestamp) -> Result<u16, StoreError> {
        if self.has(Fault::BatchStopsShort) {
            return self.store.revoke_some(of, limit.saturating_sub(1), now).await;
        }
        let beyond = if self.has(Fault::BatchGoesBeyondItsLimit) { limit + 1 } else { limit };
        self.store.revoke_some(of, beyond, now).await
    }
}

#[async_trait]
impl TokenStore for Faulty {
    async fn insert_granted_token(&self, granted: GrantedToken, now: Timestamp) -> Result<(), StoreError> {
        self.store.insert_granted_token(granted, now).await
    }

    async fn insert_tokens(
        &self,
        grant: &GrantId,
        issued: Issued,
        now: Timestamp,
    ) -> Result<Insertion, StoreError> {
        match self.store.insert_tokens(grant, issued, now).await? {
            Insertion::GrantRevoked if self.has(Fault::RevokedGrantIsAbsent) => Ok(Insertion::GrantAbsent),
            insertion => Ok(insertion),
        }
    }

    async fn use_refresh_token(
        &self,
        grant: &GrantId,
        mut used: RefreshUse,
        issued: Option<TokenRecord>,
        now: Timestamp,
    ) -> Result<Refreshed, StoreError> {
        if let (Grace::For(grace), true) = (used.grace, self.has(Fault::GraceIsASecondLonger)) {
            used.grace = Grace::For(grace + Duration::from_secs(1));
        }
        if self.has(Fault::RotationHasTwoSteps) {
            let stored = self.store.grant(grant, now).await?;
            tokio::task::yield_now().await;
            if used.outcome(stored.as_ref(), now) == Refreshed::Rotated {
                let head = self.store.grant(grant, now).await?.and_then(|grant| grant.head);
                used.seq = head.map_or(used.seq, |head| head.seq);
            }
        }
        match self.store.use_refresh_token(grant, used, issued, now).await? {
            Refreshed::Replayed if self.has(Fault::ReplayIsNotTold) => Ok(Refreshed::GrantRevoked),
            outcome => Ok(outcome),
        }
    }

    async fn access_token(&self, key: &TokenHash, now: Timestamp) -> Result<Option<TokenRecord>, StoreError> {
        self.store.access_token(key, self.earlier_if(Fault::TokenLivesASecondLonger, now)).await
    }

    async fn revoke_token(&self, key: &TokenHash, now: Timestamp) -> Result<(), StoreError> {
        if self.has(Fault::TokenSurvivesRevocation) {
            return Ok(());
        }
        self.store.revoke_token(key, now).await
    }
}

#[async_trait]
impl ConsentStore for Faulty {
    async fn remember(
        &self,
        record: ConsentRecord,
        seen: Option<ConsentVersion>,
        now: Timestamp,
    ) -> Result<Remembered, StoreError> {
        let stored = self.store.remembered(&record.subject, &record.client, now).await?;
        let stored = stored.map(|stored| stored.version);
        let seen = if self.has(Fault::ConsentIsWrittenUnseen) { stored } else { seen };
        self.store.remember(record, seen, now).await
    }

    async fn remembered(
        &self,
        subject: &SubjectKey,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<Option<ConsentRecord>, StoreError> {
        self.store.remembered(subject, client, now).await
    }

    async fn consents(
        &self,
        of: &ConsentFilter,
        page: &Page,
        now: Timestamp,
    ) -> Result<Listing<ConsentRecord>, StoreError> {
        self.store.consents(of, page, now).await
    }

    async fn forget(
        &self,
        subject: &SubjectKey,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.store.forget(subject, client, now).await
    }
}

#[async_trait]
impl ReplayStore for Faulty {
    async fn first_use(
        &self,
        space: &'static str,
        id: &TokenHash,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut until = self.earlier_if(Fault::FirstUseEndsASecondEarly, until);
        if until == now {
            until = self.later_if(Fault::FirstUseThatIsOverIsRemembered, until);
        }
        self.store.first_use(space, id, until, now).await
    }
}

#[async_trait]
impl ClientRegistry for Faulty {
    async fn register(&self, client: ClientRecord, now: Timestamp) -> Result<(), StoreError> {
        if self.has(Fault::RegistrationOverwrites) {
            self.store.unregister(&client.id, now).await?;
        }
        self.store.register(client, now).await
    }

    async fn registered(&self, id: &ClientId, now: Timestamp) -> Result<Option<StoredClient>, StoreError> {
        let mut stored = self.store.registered(id, now).await?;
        if stored.is_none() && self.has(Fault::ClientIdsAreFolded) {
            let all = self.store.registered_clients(&Page::first(1000), now).await?.items;
            let folded = |client: &StoredClient| client.record.id.as_str().eq_ignore_ascii_case(id.as_str());
            stored = all.into_iter().find(folded);
        }
        if let (Some(stored), true) = (&mut stored, self.has(Fault::ClientVersionStandsStill)) {
            stored.version = ClientVersion::FIRST;
        }
        Ok(stored)
    }

    async fn replace_registered(
        &self,
        mut client: ClientRecord,
        mut seen: ClientVersion,
        now: Timestamp,
    ) -> Result<Replacement, StoreError> {
        let stored = self.store.registered(&client.id, now).await?;
        match stored {
            None if self.has(Fault::AbsentClientIsMade) => {
                return self.store.register(client, now).await.map(|()| Replacement::Written);
            }
            Some(stored) if self.has(Fault::ClientKeepsItsToken) => {
                client.registration_token = stored.record.registration_token;
            }
            Some(stored) if self.has(Fault::ClientIsReplacedUnseen) => seen = stored.version,
            Some(stored) if self.has(Fault::ClientIsReplacedInTwoSteps) && stored.version == seen => {
                tokio::task::yield_now().await;
                let now_there = self.store.registered(&client.id, now).await?;
                seen = now_there.map_or(seen, |there| there.version);
            }
            _ => {}
        }
        let replacement = self.store.replace_registered(client.clone(), seen, now).await?;
        let there = self.store.registered(&client.id, now).await?;
        if let (Replacement::Stale, Some(there), true) =
            (replacement, there, self.has(Fault::StaleClientIsWritten))
        {
            let _written = self.store.replace_registered(client, there.version, now).await?;
        }
        Ok(replacement)
    }

    async fn unregister(&self, id: &ClientId, now: Timestamp) -> Result<bool, StoreError> {
        if self.has(Fault::RemovedClientStays) {
            return Ok(self.store.registered(id, now).await?.is_some());
        }
        Ok(self.store.unregister(id, now).await? || self.has(Fault::RemovalIsToldTwice))
    }

    async fn registered_clients(
        &self,
        page: &Page,
        now: Timestamp,
    ) -> Result<Listing<StoredClient>, StoreError> {
        let mut listing = self.store.registered_clients(page, now).await?;
        if self.has(Fault::ClientIsListedAsItWasFirst) {
            listing.items.iter_mut().for_each(|client| client.version = ClientVersion::FIRST);
        }
        if let (true, [.., before, _]) = (self.has(Fault::ClientListingRepeatsAnItem), &*listing.items) {
            listing.next = listing.next.map(|_| before.record.id.to_string());
        }
        if self.has(Fault::ClientListingLosesAnItem) && listing.next.is_some() && listing.items.len() > 1 {
            listing.items.pop();
        }
        Ok(listing)
    }
}

#[async_trait]
impl TicketStore for Faulty {
    async fn put(&self, key: TokenHash, ticket: TicketRecord, now: Timestamp) -> Result<(), StoreError> {
        self.store.put(key, ticket, now).await
    }

    async fn get(&self, key: &TokenHash, now: Timestamp) -> Result<Option<TicketRecord>, StoreError> {
        self.store.get(key, now).await
    }

    async fn take(&self, key: &TokenHash, now: Timestamp) -> Result<Option<TicketRecord>, StoreError> {
        let there = self.store.get(key, now).await?;
        if self.has(Fault::TakingHasTwoSteps) {
            tokio::task::yield_now().await;
            return Ok(self.store.take(key, now).await?.or(there));
        }
        let taken = self.store.take(key, now).await?;
        if let (Some(ticket), true) = (&taken, self.has(Fault::TicketIsTakenAgain)) {
            self.store.put(*key, ticket.clone(), now).await?;
        }
        Ok(taken)
    }
}

#[async_trait]
impl DeferredStore for Faulty {
    async fn insert_deferred(
        &self,
        record: DeferredRecord,
        limit: WaitingLimit,
        now: Timestamp,
    ) -> Result<Deferral, StoreError> {
        let endless = WaitingLimit { of_client: u16::MAX, of_all: u16::MAX };
        let limit = if self.has(Fault::WaitingIsNotCounted) { endless } else { limit };
        self.inserted.lock().expect("no test panics here").insert(record.key, record.clone());
        self.store.insert_deferred(record, limit, now).await
    }

    async fn deferred(&self, key: &TokenHash, now: Timestamp) -> Result<Option<DeferredRecord>, StoreError> {
        self.store.deferred(key, self.earlier_if(Fault::DeferredLivesASecondLonger, now)).await
    }

    async fn by_user_code(
        &self,
        user_code: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<DeferredRecord>, StoreError> {
        let found = self.store.by_user_code(user_code, now).await?;
        if found.is_some() || !self.has(Fault::UserCodeIsFoundAfterItsAnswer) {
            return Ok(found);
        }
        let inserted = self.inserted.lock().expect("no test panics here");
        let mut known = inserted.values().filter(|record| record.user_code == Some(*user_code));
        Ok(known.find(|record| !record.expires_at.has_passed(now)).cloned())
    }

    async fn decide(&self, key: &TokenHash, decision: Decision, now: Timestamp) -> Result<bool, StoreError> {
        let mut decision = decision;
        if let Decision::Approved { retain_until, .. } = &mut decision
            && self.has(Fault::ApprovalIsForgottenLikeARefusal)
        {
            let inserted = self.inserted.lock().expect("no test panics here");
            *retain_until = inserted.get(key).map_or(*retain_until, |record| record.retain_until);
        }
        Ok(self.store.decide(key, decision, now).await? || self.has(Fault::DecisionIsWrittenOver))
    }

    async fn poll(&self, key: &TokenHash, client: &ClientId, now: Timestamp) -> Result<Polled, StoreError> {
        let polled = self.store.poll(key, client, now).await?;
        match polled {
            Polled::Foreign if self.has(Fault::DeferredOfAnotherIsAbsent) => Ok(Polled::Absent),
            Polled::Replayed { .. } if self.has(Fault::DeferredIsForgottenWhenRedeemed) => Ok(Polled::Absent),
            Polled::SlowDown if self.has(Fault::PollIsNeverTooEarly) => Ok(Polled::Pending),
            Polled::Approved { .. } if self.has(Fault::PollHasTwoSteps) => {
                self.redeemed.lock().expect("no test panics here").insert(*key, polled.clone());
                Ok(polled)
            }
            Polled::Replayed { .. } if self.has(Fault::PollHasTwoSteps) => {
                Ok(self.redeemed.lock().expect("no test panics here").remove(key).unwrap_or(polled))
            }
            polled => Ok(polled),
        }
    }
}

#[async_trait]
impl Sweep for Faulty {
    async fn sweep(&self, limit: u16, now: Timestamp) -> Result<u16, StoreError> {
        let limit = if self.has(Fault::SweepGoesBeyondItsLimit) { limit + 1 } else { limit };
        self.store.sweep(limit, self.later_if(Fault::SweepComesASecondEarly, now)).await
    }
}

#[async_trait]
impl KeySetStore for Faulty {
    async fn key_set(&self, now: Timestamp) -> Result<Option<StoredKeySet>, StoreError> {
        let mut stored = self.store.key_set(now).await?;
        if let (Some(stored), true) = (&mut stored, self.has(Fault::KeySetVersionStandsStill)) {
            stored.version = KeySetVersion::FIRST;
        }
        Ok(stored)
    }

    async fn replace_key_set(
        &self,
        payload: Sealed,
        mut seen: Option<KeySetVersion>,
        now: Timestamp,
    ) -> Result<Replacement, StoreError> {
        let there = self.store.key_set(now).await?.map(|stored| stored.version);
        if there.is_none() && self.has(Fault::AbsentKeySetIsMade) || self.has(Fault::KeySetIsWrittenUnseen) {
            seen = there;
        }
        if there == seen && self.has(Fault::KeySetHasTwoSteps) {
            tokio::task::yield_now().await;
            seen = self.store.key_set(now).await?.map(|stored| stored.version);
        }
        self.store.replace_key_set(payload, seen, now).await
    }
}

/// The subject and client of a consent's row.
fn consent_of(row: &SealedRow) -> Option<(SubjectKey, ClientId)> {
    let (subject, client) = row.name.key.split_first_chunk::<32>()?;
    let client = ClientId::new(std::str::from_utf8(client).ok()?).ok()?;
    (row.name.kind == RowKind::Consent).then_some((SubjectKey::from_bytes(*subject), client))
}

#[async_trait]
impl Reseal for Faulty {
    async fn sealed_under(
        &self,
        secret: SecretId,
        page: &Page,
        now: Timestamp,
    ) -> Result<Listing<SealedRow>, StoreError> {
        let mut listing = self.store.sealed_under(secret, page, now).await?;
        if self.has(Fault::ResealForgetsTokens) {
            listing.items.retain(|row| row.name.kind != RowKind::Token);
        }
        if self.has(Fault::ResealEndsWithThePage) {
            listing.next = None;
        }
        Ok(listing)
    }

    async fn reseal(&self, row: &SealedRow, new: Sealed, now: Timestamp) -> Result<bool, StoreError> {
        let mut row = row.clone();
        if self.has(Fault::ResealIsUnseen) {
            let all = self.store.sealed_under(row.payload.secret(), &Page::first(1000), now).await?.items;
            let there = all.into_iter().find(|there| there.name == row.name);
            row = there.unwrap_or(row);
        }
        let Some((subject, client)) = consent_of(&row) else {
            return self.store.reseal(&row, new, now).await;
        };
        let there = self.store.remembered(&subject, &client, now).await?;
        let Some(there) = there.filter(|there| there.payload == row.payload) else { return Ok(false) };
        if self.has(Fault::ResealHasTwoSteps) {
            tokio::task::yield_now().await;
            let there = self.store.remembered(&subject, &client, now).await?;
            row.payload = there.map_or(row.payload, |there| there.payload);
        }
        if self.has(Fault::ResealIsAnotherVersion) {
            let (seen, record) = (there.version, ConsentRecord { payload: new, ..there });
            return Ok(self.store.remember(record, Some(seen), now).await? == Remembered::Written);
        }
        self.store.reseal(&row, new, now).await
    }
}
