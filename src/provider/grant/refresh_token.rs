//! `refresh_token` (RFC 6749 section 6, RFC 9700 section 4.14).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{GrantHandler, check_confirmation, id_token, narrowed_details, narrowed_resources, person};
use crate::accounts::Accounts;
use crate::client::Client;
use crate::clock::NODE_SKEW;
use crate::error::{Internal, Reason, Result};
use crate::event::EventKind;
use crate::policy::{Issuing, Policy, Rotation};
use crate::provider::authorization_details::DetailsFor;
use crate::provider::context::Context;
use crate::provider::format::refresh::RefreshToken;
use crate::provider::issue::{self, Issuance, RefreshIssuance, Write};
use crate::provider::lifetimes::Lasting;
use crate::provider::records;
use crate::provider::token::TokenRequest;
use crate::store::{Advance, Filter, Grace, Grant, RefreshUse, Refreshed, StoredGrant, TokenStore};
use crate::types::{GrantType, Scope};

/// Longest time for which the predecessor of a public client's refresh token is answered.
const MAX_GRACE: Duration = Duration::from_secs(60);

/// Redeems refresh tokens.
///
/// The order of its checks is that of what they may reveal and do: the MAC before the store is asked, the family key
/// and the client before anything is said of the grant, and the sequence number last, because it alone can revoke.
/// The decision about it is the store's, in the step that writes the new tokens.
#[derive(Debug)]
pub(crate) struct RefreshTokenGrant {
    tokens: Arc<dyn TokenStore>,
    accounts: Arc<dyn Accounts>,
    policy: Arc<dyn Policy>,
}

impl RefreshTokenGrant {
    pub(crate) fn new(
        tokens: Arc<dyn TokenStore>,
        accounts: Arc<dyn Accounts>,
        policy: Arc<dyn Policy>,
    ) -> Self {
        Self { tokens, accounts, policy }
    }

    /// The row of the token's family, if the token is of that family and of this client.
    async fn family(&self, cx: &Context<'_>, token: &RefreshToken, client: &Client) -> Result<StoredGrant> {
        let stored = self.tokens.grant(&token.grant(), cx.now).await?.ok_or(Reason::RefreshTokenUnknown)?;
        cx.note_grant_id(stored.record.id);
        if stored.head.is_none() {
            return Err(Reason::RefreshTokenUnknown.into());
        }
        if !token.is_of(&stored) {
            return Err(Reason::RefreshTokenForged.into());
        }
        if stored.record.client != *client.id() {
            return Err(Reason::RefreshTokenForeign.into());
        }
        if stored.revoked_at.is_some() {
            return Err(Reason::GrantRevoked.into());
        }
        Ok(stored)
    }

    /// How the store is to use the token, for this client.
    fn using(
        &self,
        cx: &Context<'_>,
        token: &RefreshToken,
        (client, grant): (&Client, &Grant),
    ) -> RefreshUse {
        let Rotation { advance, grace } = rotation(&*self.policy, cx, (client, token));
        let audience = grant.resources_or(&cx.config.default_audience);
        let issuing = Issuing::new(client, &grant.grant_type, &grant.scope, audience);
        let lasting = Lasting::new(&*self.policy, cx.config, issuing).at(&GrantType::RefreshToken);
        let idle_until = cx.now.plus(lasting.refresh_idle()).min(grant.expires_at);
        RefreshUse { seq: token.seq(), advance, grace, idle_until }
    }

    /// Refuses a token that will not be accepted, before anything is minted for it.
    ///
    /// A token that was used up ends its grant. The store says so again by what it holds now, and revokes.
    async fn precheck(&self, cx: &Context<'_>, stored: &StoredGrant, used: &RefreshUse) -> Result<()> {
        match used.outcome(Some(stored), cx.now) {
            Refreshed::Kept | Refreshed::Retried { .. } | Refreshed::Rotated => Ok(()),
            Refreshed::Replayed => {
                let grant = &stored.record.id;
                let told = match self.tokens.use_refresh_token(grant, used.clone(), None, cx.now).await {
                    Ok(told) => told,
                    Err(error) => {
                        // The request may have had its time, which a revocation does not share.
                        self.tokens.revoke(&Filter::Id(*grant), cx.now).await?;
                        return Err(error.into());
                    }
                };
                match told {
                    Refreshed::Kept | Refreshed::Retried { .. } | Refreshed::Rotated => {
                        Err(Internal::new("could not refuse a refresh token", "its family went back").into())
                    }
                    refused => Err(issue::refusal(refused).into()),
                }
            }
            refused => Err(issue::refusal(refused).into()),
        }
    }
}

#[async_trait]
impl GrantHandler for RefreshTokenGrant {
    fn grant_type(&self) -> GrantType {
        GrantType::RefreshToken
    }

    async fn redeem(&self, cx: &Context<'_>, request: &TokenRequest) -> Result<Issuance> {
        let client = request.client.client();
        let presented = request.params.one("refresh_token")?.ok_or(Reason::RefreshTokenMissing)?;
        let (asked, resources) = (request.scope()?, request.resources()?);
        let details = request.authorization_details(cx, DetailsFor::Person)?;
        let form = (cx.config.prefixes.refresh_token.as_str(), cx.issuer());
        let token = RefreshToken::decode(cx.secrets, form, presented).ok_or(Reason::RefreshTokenMalformed)?;
        let stored = self.family(cx, &token, client).await?;
        check_confirmation(token.confirmation(), request)?;
        let grant = records::open_grant(cx, &stored.record).ok_or(Reason::GrantUnreadable)?;
        cx.note_grant(&grant);
        report_skew(cx, &stored);
        let account = person(&*self.accounts, cx, &grant).await?;
        let used = self.using(cx, &token, (client, &grant));
        self.precheck(cx, &stored, &used).await?;
        let scope = narrowed_scope(&grant, asked)?;
        let resources = narrowed_resources(cx, &grant, resources)?;
        let authorization_details = narrowed_details(cx, &grant, details)?;
        let id_token = id_token(&grant, &scope, (None, &account));
        let write = Write::Refresh(RefreshIssuance { presented: token, used });
        Ok(Issuance { grant, write, scope, resources, authorization_details, id_token, exchanged: None })
    }
}

/// Tells the event sink where the row was written at a time that has yet to come: the clocks of two nodes differ by more
/// than what was used is remembered for beyond its limit.
fn report_skew(cx: &Context<'_>, stored: &StoredGrant) {
    let head = stored.head.as_ref();
    let moved = head.and_then(|head| head.rotated_at.max(head.first_used_at));
    let written = moved.map_or(stored.record.created_at, |moved| moved.max(stored.record.created_at));
    let ahead = written.since(cx.now);
    if ahead > NODE_SKEW {
        cx.emit(&cx.event(EventKind::ClockSkew { ahead }));
    }
}

/// The policy's rotation, within what is safe: the tokens of a public client rotate unless they are bound to a key,
/// since nothing else tells a thief from it, and its grace has an end, or both could walk the chain in lockstep unseen.
pub(crate) fn rotation(
    policy: &dyn Policy,
    cx: &Context<'_>,
    (client, token): (&Client, &RefreshToken),
) -> Rotation {
    // A thief without the key, or without the secret of the client, cannot use it (RFC 9700 section 4.14.2).
    if client.is_confidential() || token.confirmation().is_some() {
        let default = Rotation { advance: Advance::Keep, grace: Grace::UntilSuccessorUsed };
        return policy.rotation(client, default);
    }
    let bounded = Grace::For(cx.config.rotation_grace.min(MAX_GRACE));
    let chosen = policy.rotation(client, Rotation { advance: Advance::Rotate, grace: bounded });
    let grace = match chosen.grace {
        Grace::For(grace) => Grace::For(grace.min(MAX_GRACE)),
        Grace::UntilSuccessorUsed => bounded,
    };
    Rotation { advance: Advance::Rotate, grace }
}

/// The scope asked for, which may be narrower than the grant's and never wider (RFC 6749 section 6).
fn narrowed_scope(grant: &Grant, asked: Option<Scope>) -> Result<Scope, Reason> {
    match asked {
        None => Ok(grant.scope.clone()),
        Some(asked) if asked.is_subset(&grant.scope) => Ok(asked),
        Some(_) => Err(Reason::ScopeNotGranted),
    }
}

#[cfg(test)]
mod tests;
