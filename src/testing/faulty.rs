//! A store that fails when told to, and counts what it is asked.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::error::{StoreError, StoreErrorKind};
use crate::secret::TokenHash;
use crate::store::memory::MemoryStore;
use crate::store::{
    CodeRecord, CodeStore, ConsentFilter, ConsentRecord, ConsentStore, ConsentVersion, Consumed, Filter,
    GrantRecord, GrantStore, GrantedToken, Insertion, Issued, Listing, Page, RefreshUse, Refreshed,
    Remembered, ReplayStore, StoredGrant, Stores, SubjectKey, TicketRecord, TicketStore, TokenRecord,
    TokenStore,
};
use crate::types::{ClientId, GrantId};

/// How a call to a store goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "tests go through all of them")]
pub enum Fault {
    /// Nothing is done, and the caller is told that the store is not there.
    Unavailable,
    /// It is done, and the caller is told that the store is not there: its answer was lost.
    AnswerLost,
    /// Nothing is done, and the caller is told that the key exists.
    Conflict,
}

/// What goes wrong in the stores of a provider, and what they were asked. Clones share it.
///
/// Clients are not among it: they are in memory.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    calls: Vec<&'static str>,
    /// By the number of the call, counted from the beginning.
    planned: BTreeMap<usize, Fault>,
    /// By verb, for every call.
    verbs: BTreeMap<&'static str, Fault>,
    pausing: bool,
}

impl Faults {
    /// Nothing goes wrong yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The stores of a provider over `memory`, to be given to a harness.
    #[must_use]
    pub fn stores(&self, memory: &MemoryStore) -> Stores {
        let store = Arc::new(FaultyStore { inner: memory.clone(), faults: self.clone() });
        let (clients, replays, tickets) = (Arc::new(memory.clone()), store.clone(), store.clone());
        Stores::new(clients, store.clone(), store.clone(), store).with_replays(replays).with_tickets(tickets)
    }

    /// Lets the `nth` call from now, 0 being the next, go wrong.
    pub fn plan(&self, nth: usize, fault: Fault) {
        let mut state = self.state();
        let at = state.calls.len() + nth;
        state.planned.insert(at, fault);
    }

    /// Lets every call of `verb` go wrong.
    pub fn break_verb(&self, verb: &'static str, fault: Fault) {
        self.state().verbs.insert(verb, fault);
    }

    /// Lets nothing go wrong from here on.
    pub fn mend(&self) {
        let mut state = self.state();
        state.planned.clear();
        state.verbs.clear();
    }

    /// Lets every call wait once before and once after it is done, so that a future can be dropped there.
    pub fn pause(&self) {
        self.state().pausing = true;
    }

    /// The verbs that were called since this was last asked.
    #[must_use]
    pub fn calls(&self) -> Vec<&'static str> {
        let mut state = self.state();
        state.planned.clear();
        std::mem::take(&mut state.calls)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call and says how it goes wrong.
    fn begin(&self, verb: &'static str) -> Option<Fault> {
        let mut state = self.state();
        let at = state.calls.len();
        state.calls.push(verb);
        state.planned.remove(&at).or_else(|| state.verbs.get(verb).copied())
    }

    async fn wait(&self) {
        let mut waits = self.state().pausing;
        poll_fn(|cx| {
            if !std::mem::take(&mut waits) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    async fn around<T>(
        &self,
        verb: &'static str,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let fault = self.begin(verb);
        self.wait().await;
        match fault {
            Some(Fault::Conflict) => return Err(StoreErrorKind::Conflict.into()),
            Some(Fault::Unavailable) => return Err(StoreErrorKind::Unavailable.into()),
            Some(Fault::AnswerLost) | None => {}
        }
        let answer = call.await;
        self.wait().await;
        match fault {
            Some(_) => Err(StoreErrorKind::Unavailable.into()),
            None => answer,
        }
    }
}

/// Every port over another store, with what its [`Faults`] say.
#[derive(Debug)]
struct FaultyStore {
    inner: MemoryStore,
    faults: Faults,
}

#[async_trait]
impl CodeStore for FaultyStore {
    async fn insert_code(&self, key: TokenHash, code: CodeRecord, now: Timestamp) -> Result<(), StoreError> {
        self.faults.around("insert_code", self.inner.insert_code(key, code, now)).await
    }

    async fn consume_code(
        &self,
        key: &TokenHash,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<Consumed, StoreError> {
        self.faults.around("consume_code", self.inner.consume_code(key, client, now)).await
    }
}

#[async_trait]
impl GrantStore for FaultyStore {
    async fn insert_grant(&self, grant: GrantRecord, now: Timestamp) -> Result<(), StoreError> {
        self.faults.around("insert_grant", self.inner.insert_grant(grant, now)).await
    }

    async fn grant(&self, id: &GrantId, now: Timestamp) -> Result<Option<StoredGrant>, StoreError> {
        self.faults.around("grant", self.inner.grant(id, now)).await
    }

    async fn grants(
        &self,
        of: &Filter,
        page: &Page,
        now: Timestamp,
    ) -> Result<Listing<StoredGrant>, StoreError> {
        self.faults.around("grants", self.inner.grants(of, page, now)).await
    }

    async fn revoke(&self, of: &Filter, now: Timestamp) -> Result<u64, StoreError> {
        self.faults.around("revoke", self.inner.revoke(of, now)).await
    }
}

#[async_trait]
impl TokenStore for FaultyStore {
    async fn insert_granted_token(&self, granted: GrantedToken, now: Timestamp) -> Result<(), StoreError> {
        self.faults.around("insert_granted_token", self.inner.insert_granted_token(granted, now)).await
    }

    async fn insert_tokens(
        &self,
        grant: &GrantId,
        issued: Issued,
        now: Timestamp,
    ) -> Result<Insertion, StoreError> {
        self.faults.around("insert_tokens", self.inner.insert_tokens(grant, issued, now)).await
    }

    async fn use_refresh_token(
        &self,
        grant: &GrantId,
        used: RefreshUse,
        issued: Option<TokenRecord>,
        now: Timestamp,
    ) -> Result<Refreshed, StoreError> {
        self.faults.around("use_refresh_token", self.inner.use_refresh_token(grant, used, issued, now)).await
    }

    async fn access_token(&self, key: &TokenHash, now: Timestamp) -> Result<Option<TokenRecord>, StoreError> {
        self.faults.around("access_token", self.inner.access_token(key, now)).await
    }

    async fn revoke_token(&self, key: &TokenHash, now: Timestamp) -> Result<(), StoreError> {
        self.faults.around("revoke_token", self.inner.revoke_token(key, now)).await
    }
}

#[async_trait]
impl ConsentStore for FaultyStore {
    async fn remember(
        &self,
        record: ConsentRecord,
        seen: Option<ConsentVersion>,
        now: Timestamp,
    ) -> Result<Remembered, StoreError> {
        self.faults.around("remember", self.inner.remember(record, seen, now)).await
    }

    async fn remembered(
        &self,
        subject: &SubjectKey,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<Option<ConsentRecord>, StoreError> {
        self.faults.around("remembered", self.inner.remembered(subject, client, now)).await
    }

    async fn consents(
        &self,
        of: &ConsentFilter,
        page: &Page,
        now: Timestamp,
    ) -> Result<Listing<ConsentRecord>, StoreError> {
        self.faults.around("consents", self.inner.consents(of, page, now)).await
    }

    async fn forget(
        &self,
        subject: &SubjectKey,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.faults.around("forget", self.inner.forget(subject, client, now)).await
    }
}

#[async_trait]
impl ReplayStore for FaultyStore {
    async fn first_use(
        &self,
        space: &'static str,
        id: &TokenHash,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.faults.around("first_use", self.inner.first_use(space, id, until, now)).await
    }
}

#[async_trait]
impl TicketStore for FaultyStore {
    async fn put(&self, key: TokenHash, ticket: TicketRecord, now: Timestamp) -> Result<(), StoreError> {
        self.faults.around("put", self.inner.put(key, ticket, now)).await
    }

    async fn get(&self, key: &TokenHash, now: Timestamp) -> Result<Option<TicketRecord>, StoreError> {
        self.faults.around("get", self.inner.get(key, now)).await
    }

    async fn take(&self, key: &TokenHash, now: Timestamp) -> Result<Option<TicketRecord>, StoreError> {
        self.faults.around("take", self.inner.take(key, now)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::block_on;

    #[test]
    fn a_call_fails_before_or_after_it_is_done() {
        let (memory, faults, now) = (MemoryStore::new(), Faults::new(), Timestamp::from_unix(0));
        let replays = faults.stores(&memory).replays.unwrap();
        let first =
            |id: &str| block_on(replays.first_use("space", &TokenHash::of(id), Timestamp::NEVER, now));
        faults.plan(1, Fault::Unavailable);
        faults.plan(2, Fault::AnswerLost);
        assert!(first("a").unwrap());
        assert_eq!(first("b").unwrap_err().kind(), StoreErrorKind::Unavailable);
        assert_eq!(first("c").unwrap_err().kind(), StoreErrorKind::Unavailable);
        assert!(first("b").unwrap(), "nothing was done before");
        assert!(!first("c").unwrap(), "it was done before the answer was lost");
        assert_eq!(faults.calls(), ["first_use"; 5]);
        faults.break_verb("first_use", Fault::Conflict);
        assert_eq!(first("d").unwrap_err().kind(), StoreErrorKind::Conflict);
        faults.mend();
        assert!(first("d").unwrap());
    }
}
