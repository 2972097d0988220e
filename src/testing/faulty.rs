//! A store that fails when told to, and counts what it is asked.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::error::{StoreError, StoreErrorKind};
use crate::seal::Sealed;
use crate::secret::{SecretId, TokenHash};
use crate::store::memory::MemoryStore;
use crate::store::{
    ClientRecord, ClientRegistry, ClientVersion, CodeRecord, CodeStore, ConsentFilter, ConsentRecord,
    ConsentStore, ConsentVersion, Consumed, Decision, Deferral, DeferredRecord, DeferredStore, Filter,
    GrantRecord, GrantStore, GrantedToken, Insertion, Issued, KeySetStore, KeySetVersion, Listing, Page,
    Polled, RefreshUse, Refreshed, Remembered, Replacement, ReplayStore, Reseal, RevokedGrants, SealedRow,
    StoredClient, StoredGrant, StoredKeySet, Stores, SubjectKey, TicketRecord, TicketStore, TokenRecord,
    TokenStore, WaitingLimit,
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
        let (registry, deferred) = (store.clone(), store.clone());
        let (key_sets, reseal) = (store.clone(), store.clone());
        Stores::new(clients, store.clone(), store.clone(), store)
            .with_registry(registry)
            .with_replays(replays)
            .with_tickets(tickets)
            .with_deferred(deferred)
            .with_key_sets(key_sets)
            .with_reseal(reseal)
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

/// The ports, each verb as the inner store has it with the faults around it.
macro_rules! around {
    ($($port:ident { $(async fn $verb:ident($($name:ident: $type:ty),*) -> $answer:ty;)* })*) => {$(
        #[async_trait]
        impl $port for FaultyStore {$(
            async fn $verb(&self, $($name: $type),*) -> Result<$answer, StoreError> {
                self.faults.around(stringify!($verb), self.inner.$verb($($name),*)).await
            }
        )*}
    )*};
}

around! {
    CodeStore {
        async fn insert_code(key: TokenHash, code: CodeRecord, now: Timestamp) -> ();
        async fn consume_code(key: &TokenHash, client: &ClientId, now: Timestamp) -> Consumed;
    }
    GrantStore {
        async fn insert_grant(grant: GrantRecord, now: Timestamp) -> ();
        async fn grant(id: &GrantId, now: Timestamp) -> Option<StoredGrant>;
        async fn grants(of: &Filter, revoked: RevokedGrants, page: &Page, now: Timestamp) -> Listing<StoredGrant>;
        async fn revoke(of: &Filter, now: Timestamp) -> u64;
        async fn revoke_some(of: &Filter, limit: u16, now: Timestamp) -> u16;
    }
    TokenStore {
        async fn insert_granted_token(granted: GrantedToken, now: Timestamp) -> ();
        async fn insert_tokens(grant: &GrantId, issued: Issued, now: Timestamp) -> Insertion;
        async fn use_refresh_token(
            grant: &GrantId, used: RefreshUse, issued: Option<TokenRecord>, now: Timestamp
        ) -> Refreshed;
        async fn access_token(key: &TokenHash, now: Timestamp) -> Option<TokenRecord>;
        async fn revoke_token(key: &TokenHash, now: Timestamp) -> ();
    }
    ConsentStore {
        async fn remember(record: ConsentRecord, seen: Option<ConsentVersion>, now: Timestamp) -> Remembered;
        async fn remembered(subject: &SubjectKey, client: &ClientId, now: Timestamp) -> Option<ConsentRecord>;
        async fn consents(of: &ConsentFilter, page: &Page, now: Timestamp) -> Listing<ConsentRecord>;
        async fn forget(subject: &SubjectKey, client: &ClientId, now: Timestamp) -> bool;
    }
    ReplayStore {
        async fn first_use(space: &'static str, id: &TokenHash, until: Timestamp, now: Timestamp) -> bool;
    }
    ClientRegistry {
        async fn register(client: ClientRecord, now: Timestamp) -> ();
        async fn registered(id: &ClientId, now: Timestamp) -> Option<StoredClient>;
        async fn replace_registered(client: ClientRecord, seen: ClientVersion, now: Timestamp) -> Replacement;
        async fn unregister(id: &ClientId, now: Timestamp) -> bool;
        async fn registered_clients(page: &Page, now: Timestamp) -> Listing<StoredClient>;
    }
    DeferredStore {
        async fn insert_deferred(record: DeferredRecord, limit: WaitingLimit, now: Timestamp) -> Deferral;
        async fn deferred(key: &TokenHash, now: Timestamp) -> Option<DeferredRecord>;
        async fn by_user_code(user_code: &TokenHash, now: Timestamp) -> Option<DeferredRecord>;
        async fn decide(key: &TokenHash, decision: Decision, now: Timestamp) -> bool;
        async fn poll(key: &TokenHash, client: &ClientId, now: Timestamp) -> Polled;
    }
    KeySetStore {
        async fn key_set(now: Timestamp) -> Option<StoredKeySet>;
        async fn replace_key_set(payload: Sealed, seen: Option<KeySetVersion>, now: Timestamp) -> Replacement;
    }
    Reseal {
        async fn sealed_under(secret: SecretId, page: &Page, now: Timestamp) -> Listing<SealedRow>;
        async fn reseal(row: &SealedRow, new: Sealed, now: Timestamp) -> bool;
    }
    TicketStore {
        async fn put(key: TokenHash, ticket: TicketRecord, now: Timestamp) -> ();
        async fn get(key: &TokenHash, now: Timestamp) -> Option<TicketRecord>;
        async fn take(key: &TokenHash, now: Timestamp) -> Option<TicketRecord>;
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
