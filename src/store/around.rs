//! Something around every verb of every port: limits, measurements, faults in tests.

use std::fmt::Debug;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;

use async_trait::async_trait;

use super::{
    ClientRecord, ClientRegistry, ClientStore, ClientVersion, CodeRecord, CodeStore, ConsentFilter,
    ConsentRecord, ConsentStore, ConsentVersion, Consumed, Decision, Deferral, DeferredRecord, DeferredStore,
    Filter, GrantRecord, GrantStore, GrantedToken, Insertion, Issued, KeySetStore, KeySetVersion, Listing,
    Page, Polled, RefreshUse, Refreshed, Remembered, Replacement, ReplayStore, Reseal, RevokedGrants,
    SealedRow, StoredClient, StoredGrant, StoredKeySet, Stores, SubjectKey, TicketRecord, TicketStore,
    TokenRecord, TokenStore, WaitingLimit,
};
use crate::client::Client;
use crate::clock::Timestamp;
use crate::error::{StoreError, StoreErrorKind};
use crate::seal::Sealed;
use crate::secret::{SecretId, TokenHash};
use crate::types::{ClientId, GrantId};

/// What is done around each call of a store; see [`Stores::around`].
///
/// It sees which verb is called and whether it succeeded, never a record.
#[async_trait]
pub trait Around: Debug + Send + Sync {
    /// Carries out a call of `verb`, such as `consume_code`, by awaiting `call`, once and to its end.
    ///
    /// What it answers is answered to the caller: the error of `call`, or one of its own. If it answers `Ok` without
    /// having awaited `call` to its end, the caller is told `Unavailable`.
    ///
    /// # Errors
    /// `Unavailable` when it did not carry the call out, or no longer knows what became of it.
    async fn around(
        &self,
        verb: &'static str,
        call: Pin<&mut (dyn Future<Output = Result<(), StoreError>> + Send + '_)>,
    ) -> Result<(), StoreError>;
}

const _: fn(&dyn Around) = |_| ();

impl Stores {
    /// The same stores with something around every verb of all ports that are there.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "given away like every port, though each of them shares it"
    )]
    pub fn around(self, around: Arc<dyn Around>) -> Self {
        self.surrounded(|| Arc::clone(&around))
    }

    /// The same stores, each port with what `around` makes for it.
    pub(super) fn surrounded(self, around: impl Fn() -> Arc<dyn Around>) -> Self {
        let resealing = self.reseal.into_iter();
        Self {
            clients: Arc::new(Surrounded { inner: self.clients, around: around() }),
            codes: Arc::new(Surrounded { inner: self.codes, around: around() }),
            tokens: Arc::new(Surrounded { inner: self.tokens, around: around() }),
            consents: Arc::new(Surrounded { inner: self.consents, around: around() }),
            registry: self.registry.map(|inner| Arc::new(Surrounded { inner, around: around() }) as _),
            replays: self.replays.map(|inner| Arc::new(Surrounded { inner, around: around() }) as _),
            tickets: self.tickets.map(|inner| Arc::new(Surrounded { inner, around: around() }) as _),
            deferred: self.deferred.map(|inner| Arc::new(Surrounded { inner, around: around() }) as _),
            key_sets: self.key_sets.map(|inner| Arc::new(Surrounded { inner, around: around() }) as _),
            reseal: resealing.map(|inner| Arc::new(Surrounded { inner, around: around() }) as _).collect(),
        }
    }
}

/// A port with something around each of its verbs.
#[derive(Debug)]
struct Surrounded<P: ?Sized> {
    inner: Arc<P>,
    around: Arc<dyn Around>,
}

/// The ports, each verb as the inner store has it.
macro_rules! surrounded {
    ($($port:ident { $(async fn $verb:ident($($name:ident: $type:ty),*) -> $answer:ty;)* })*) => {$(
        #[async_trait]
        impl<P: $port + ?Sized> $port for Surrounded<P> {$(
            async fn $verb(&self, $($name: $type),*) -> Result<$answer, StoreError> {
                let mut answer = None;
                let call = async {
                    answer = Some(self.inner.$verb($($name),*).await?);
                    Ok(())
                };
                self.around.around(stringify!($verb), pin!(call)).await?;
                answer.ok_or_else(|| StoreErrorKind::Unavailable.into())
            }
        )*}
    )*};
}

surrounded! {
    ClientStore {
        async fn client(id: &ClientId, now: Timestamp) -> Option<Client>;
    }
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
    use crate::store::memory::MemoryStore;
    use crate::testing::block_on;

    /// Says yes to everything and does nothing.
    #[derive(Debug)]
    struct Idle;

    #[async_trait]
    impl Around for Idle {
        async fn around(
            &self,
            _: &'static str,
            _: Pin<&mut (dyn Future<Output = Result<(), StoreError>> + Send + '_)>,
        ) -> Result<(), StoreError> {
            Ok(())
        }
    }

    #[test]
    fn a_call_that_was_not_carried_out_is_no_success() {
        let memory = Arc::new(MemoryStore::new());
        let stores = Stores::of(Arc::clone(&memory)).with_replays(memory).around(Arc::new(Idle));
        let now = Timestamp::from_unix(0);
        let used = stores.replays.unwrap();
        let answer = block_on(used.first_use("space", &TokenHash::of("a"), Timestamp::NEVER, now));
        assert_eq!(answer.unwrap_err().kind(), StoreErrorKind::Unavailable);
    }
}
