//! `urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 section 3.4), and what else a client polls for.

use std::sync::Arc;

use async_trait::async_trait;

use super::{GrantHandler, id_token, narrowed_resources, person};
use crate::accounts::Accounts;
use crate::client::{Client, TokenDeliveryMode};
use crate::clock::Timestamp;
use crate::error::{Error, Reason, Result};
use crate::provider::context::Context;
use crate::provider::deferred::{self, Kind};
use crate::provider::format::opaque;
use crate::provider::issue::Issuance;
use crate::provider::records;
use crate::provider::token::TokenRequest;
use crate::secret::TokenHash;
use crate::store::{DeferredRecord, DeferredStore, Filter, Grant, Polled, TokenStore};
use crate::types::{GrantId, GrantType};

/// By which way the tokens of a request reach its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Fetched,
    Pushed,
}

/// A request that is to be redeemed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Redemption<'a> {
    /// The request.
    pub(crate) key: &'a TokenHash,
    /// The client that gets the tokens.
    pub(crate) client: &'a Client,
    /// When that was decided.
    pub(crate) at: Timestamp,
}

/// Redeems what a person approved elsewhere, once.
///
/// With sound syntax and from its own client, an approved request is spent whatever is found wrong after that, and its
/// grant revoked, as that of an authorization code.
#[derive(Debug)]
pub(crate) struct DeferredGrant {
    kind: Kind,
    way: Way,
    requests: Arc<dyn DeferredStore>,
    tokens: Arc<dyn TokenStore>,
    accounts: Arc<dyn Accounts>,
}

impl DeferredGrant {
    pub(crate) fn new(
        kind: Kind,
        requests: Arc<dyn DeferredStore>,
        tokens: Arc<dyn TokenStore>,
        accounts: Arc<dyn Accounts>,
    ) -> Self {
        Self { kind, way: Way::Fetched, requests, tokens, accounts }
    }

    /// Redeems what is pushed, and nothing else, in place of what is fetched.
    #[must_use]
    pub(crate) const fn pushing(mut self) -> Self {
        self.way = Way::Pushed;
        self
    }

    /// Spends a request: of any number of calls, one gets what was approved.
    ///
    /// # Errors
    /// What became of it instead; [`Reason::SubjectGone`]; faults.
    pub(crate) async fn spend(
        &self,
        cx: &Context<'_>,
        redeemed: Redemption<'_>,
        resources: Vec<String>,
    ) -> Result<Issuance> {
        let (id, record) = self.poll(cx, redeemed).await?;
        let outcome = match self.grant(cx, id, &record).await {
            Ok(grant) => self.weigh(cx, grant, resources).await,
            Err(error) => Err(error),
        };
        if let Err(Error::Rejected(_)) = &outcome {
            self.revoke(cx, id).await?;
        }
        outcome
    }

    /// Asks what became of the request: of any number of polls, one gets what was approved.
    async fn poll(
        &self,
        cx: &Context<'_>,
        Redemption { key, client, at }: Redemption<'_>,
    ) -> Result<(GrantId, DeferredRecord)> {
        let refused = match self.requests.poll(key, client.id(), at).await? {
            Polled::Approved { grant, record } => {
                cx.note_grant_id(grant);
                return Ok((grant, record));
            }
            Polled::Replayed { grant } => {
                cx.note_grant_id(grant);
                // One of the two who sent it is not the client. Revoked before it is answered (attack 222).
                self.revoke(cx, grant).await?;
                Reason::DeferredReplayed
            }
            Polled::Denied => Reason::DeferredDenied,
            Polled::Expired => Reason::DeferredExpired,
            Polled::Foreign => Reason::DeferredForeign,
            Polled::Pending => Reason::DeferredPending,
            Polled::SlowDown => Reason::DeferredTooEarly,
            Polled::Absent => Reason::DeferredUnknown,
        };
        Err(refused.into())
    }

    async fn revoke(&self, cx: &Context<'_>, grant: GrantId) -> Result<()> {
        self.tokens.revoke(&Filter::Id(grant), cx.now).await?;
        Ok(())
    }

    /// The grant that was approved, if the record says so under its seal.
    async fn grant(&self, cx: &Context<'_>, id: GrantId, record: &DeferredRecord) -> Result<Grant> {
        let waiting = deferred::open(cx, record).ok_or(Reason::DeferredUnreadable)?;
        if waiting.grant != Some(id) || waiting.kind != self.kind {
            return Err(Reason::DeferredUnreadable.into());
        }
        // A client that changed its mode meanwhile gets its tokens by the way that it asked for them, or not at all.
        if waiting.push.is_some() != (self.way == Way::Pushed) {
            return Err(Reason::BackchannelPushed.into());
        }
        let stored = self.tokens.grant(&id, cx.now).await?.ok_or(Reason::GrantUnknown)?;
        if stored.revoked_at.is_some() {
            return Err(Reason::GrantRevoked.into());
        }
        let grant = records::open_grant(cx, &stored.record).ok_or(Reason::DeferredUnreadable)?;
        match grant.client == record.client && grant.grant_type == self.kind.grant_type() {
            true => Ok(grant),
            false => Err(Reason::DeferredUnreadable.into()),
        }
    }

    /// What the request is good for, now that it is spent.
    async fn weigh(&self, cx: &Context<'_>, grant: Grant, resources: Vec<String>) -> Result<Issuance> {
        cx.note_grant(&grant);
        let resources = narrowed_resources(cx, &grant, resources)?;
        let account = person(&*self.accounts, cx, &grant).await?;
        let id_token = id_token(&grant, &grant.scope, (None, &account));
        let mut issuance = Issuance::under(grant);
        issuance.resources = resources;
        issuance.id_token = id_token;
        Ok(issuance)
    }
}

#[async_trait]
impl GrantHandler for DeferredGrant {
    fn grant_type(&self) -> GrantType {
        self.kind.grant_type()
    }

    async fn redeem(&self, cx: &Context<'_>, request: &TokenRequest) -> Result<Issuance> {
        let (parameter, missing) = self.kind.parameter();
        let presented = request.params.one(parameter)?.ok_or(missing)?;
        request.without_authorization_details()?;
        let resources = request.resources()?;
        let (kind, prefix) = self.kind.credential(cx);
        if !opaque::is_ours(cx.secrets, kind, (prefix, cx.issuer()), presented) {
            return Err(Reason::DeferredMalformed.into());
        }
        let client = request.client.client();
        // Whoever polls has the `auth_req_id` alone, and a push goes where the client is (CIBA Core section 11).
        if self.kind == Kind::Backchannel
            && client.metadata().backchannel_token_delivery_mode == Some(TokenDeliveryMode::Push)
        {
            return Err(Reason::BackchannelPushed.into());
        }
        let redeemed = Redemption { key: &TokenHash::of(presented), client, at: cx.now };
        self.spend(cx, redeemed, resources).await
    }
}
