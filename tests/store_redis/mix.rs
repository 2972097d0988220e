//! What passes in Redis, what lasts in SQL: as a host would mix them.

use std::sync::Arc;

use async_trait::async_trait;
use vouchsafe::adapters::redis::RedisStore;
use vouchsafe::clock::Timestamp;
use vouchsafe::error::StoreError;
use vouchsafe::secret::TokenHash;
use vouchsafe::store::{
    CodeRecord, CodeStore, ConsentFilter, ConsentRecord, ConsentStore, ConsentVersion, Consumed, Decision,
    Deferral, DeferredRecord, DeferredStore, Filter, GrantRecord, GrantStore, GrantedToken, Insertion,
    Issued, Listing, Page, Polled, RefreshUse, Refreshed, Remembered, ReplayStore, RevokedGrants,
    StoredGrant, SubjectKey, Sweep, TicketRecord, TicketStore, TokenRecord, TokenStore, WaitingLimit,
};
use vouchsafe::types::{ClientId, GrantId};

/// What lasts.
pub(crate) trait Lasting: ConsentStore + Sweep + TokenStore {}

impl<L: ConsentStore + Sweep + TokenStore> Lasting for L {}

#[derive(Debug)]
pub(crate) struct Mix<L> {
    pub(crate) passing: RedisStore,
    pub(crate) lasting: Arc<L>,
}

/// The ports, each verb as the one of the two stores has it.
macro_rules! of {
    ($($port:ident of $store:ident {
        $(async fn $verb:ident($($name:ident: $type:ty),*) -> $answer:ty;)*
    })*) => {$(
        #[async_trait]
        impl<L: Lasting> $port for Mix<L> {$(
            async fn $verb(&self, $($name: $type),*) -> Result<$answer, StoreError> {
                self.$store.$verb($($name),*).await
            }
        )*}
    )*};
}

of! {
    CodeStore of passing {
        async fn insert_code(key: TokenHash, code: CodeRecord, now: Timestamp) -> ();
        async fn consume_code(key: &TokenHash, client: &ClientId, now: Timestamp) -> Consumed;
    }
    GrantStore of lasting {
        async fn insert_grant(grant: GrantRecord, now: Timestamp) -> ();
        async fn grant(id: &GrantId, now: Timestamp) -> Option<StoredGrant>;
        async fn grants(of: &Filter, revoked: RevokedGrants, page: &Page, now: Timestamp) -> Listing<StoredGrant>;
        async fn revoke(of: &Filter, now: Timestamp) -> u64;
        async fn revoke_some(of: &Filter, limit: u16, now: Timestamp) -> u16;
    }
    TokenStore of lasting {
        async fn insert_granted_token(granted: GrantedToken, now: Timestamp) -> ();
        async fn insert_tokens(grant: &GrantId, issued: Issued, now: Timestamp) -> Insertion;
        async fn use_refresh_token(
            grant: &GrantId, used: RefreshUse, issued: Option<TokenRecord>, now: Timestamp
        ) -> Refreshed;
        async fn access_token(key: &TokenHash, now: Timestamp) -> Option<TokenRecord>;
        async fn revoke_token(key: &TokenHash, now: Timestamp) -> ();
    }
    ConsentStore of lasting {
        async fn remember(record: ConsentRecord, seen: Option<ConsentVersion>, now: Timestamp) -> Remembered;
        async fn remembered(subject: &SubjectKey, client: &ClientId, now: Timestamp) -> Option<ConsentRecord>;
        async fn consents(of: &ConsentFilter, page: &Page, now: Timestamp) -> Listing<ConsentRecord>;
        async fn forget(subject: &SubjectKey, client: &ClientId, now: Timestamp) -> bool;
    }
    ReplayStore of passing {
        async fn first_use(space: &'static str, id: &TokenHash, until: Timestamp, now: Timestamp) -> bool;
    }
    DeferredStore of passing {
        async fn insert_deferred(record: DeferredRecord, limit: WaitingLimit, now: Timestamp) -> Deferral;
        async fn deferred(key: &TokenHash, now: Timestamp) -> Option<DeferredRecord>;
        async fn by_user_code(user_code: &TokenHash, now: Timestamp) -> Option<DeferredRecord>;
        async fn decide(key: &TokenHash, decision: Decision, now: Timestamp) -> bool;
        async fn poll(key: &TokenHash, client: &ClientId, now: Timestamp) -> Polled;
    }
    TicketStore of passing {
        async fn put(key: TokenHash, ticket: TicketRecord, now: Timestamp) -> ();
        async fn get(key: &TokenHash, now: Timestamp) -> Option<TicketRecord>;
        async fn take(key: &TokenHash, now: Timestamp) -> Option<TicketRecord>;
    }
}

#[async_trait]
impl<L: Lasting> Sweep for Mix<L> {
    async fn sweep(&self, limit: u16, now: Timestamp) -> Result<u16, StoreError> {
        let limit = limit.min(1000);
        let swept = self.passing.sweep(limit, now).await?;
        Ok(swept + self.lasting.sweep(limit - swept, now).await?)
    }
}
