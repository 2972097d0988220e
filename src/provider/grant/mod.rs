//! What the token endpoint redeems: one handler for each grant type.

mod authorization_code;
mod client_credentials;
mod deferred;
mod jwt_bearer;
mod refresh_token;
mod token_exchange;

use std::fmt::Debug;

use async_trait::async_trait;

pub(crate) use authorization_code::AuthorizationCodeGrant;
pub(crate) use client_credentials::ClientCredentialsGrant;
pub(crate) use deferred::{DeferredGrant, Redemption};
pub(crate) use jwt_bearer::JwtBearerGrant;
pub(crate) use refresh_token::{RefreshTokenGrant, rotation};
pub(crate) use token_exchange::{ExchangeTokens, TokenExchangeGrant};

use super::authorization_details;
use super::context::Context;
use super::issue::{IdTokenIssuance, Issuance};
use super::release::Asked;
use super::resources;
use super::token::TokenRequest;
use crate::accounts::{AccountQuery, Accounts};
use crate::error::{Reason, Rejection, Result};
use crate::store::Grant;
use crate::types::{AuthorizationDetails, Claims, Confirmation, GrantType, Scope};

/// Decides what a token request of one grant type gets; minting and writing are not its business.
///
/// When it is called, the client has authenticated and has registered the grant type. What it consumes, it
/// consumes in one step that names the client; what it returns is issued by one function, whose last step is the
/// write.
#[async_trait]
pub trait GrantHandler: Debug + Send + Sync {
    /// The `grant_type` that it answers; the builder refuses two handlers of one type.
    fn grant_type(&self) -> GrantType;

    /// Decides.
    ///
    /// # Errors
    /// The [`Reason`](crate::error::Reason) of the refusal; a host's own are
    /// [`Reason::Custom`](crate::error::Reason::Custom).
    async fn redeem(&self, cx: &Context<'_>, request: &TokenRequest) -> Result<Issuance>;
}

const _: fn(&dyn GrantHandler) = |_| ();

/// Asks whether the person who gave the grant is still there, and for the claims that the ID token is to carry.
///
/// Asked with or without `openid`, so that whoever is disabled gets nothing more (attack 118, attack 133). The claims
/// of the scope are not asked for: they come from userinfo.
async fn person(accounts: &dyn Accounts, cx: &Context<'_>, grant: &Grant) -> Result<Claims> {
    let Some(authentication) = &grant.authentication else { return Ok(Claims::new()) };
    let none = Scope::empty();
    let query = AccountQuery::new(&authentication.subject, &grant.client, &none, cx.now)
        .with_claims(&grant.claims.id_token)
        .with_claims_locales(&grant.claims_locales);
    account(accounts, query).await
}

/// The claims of an account that is still there.
async fn account(accounts: &dyn Accounts, query: AccountQuery<'_>) -> Result<Claims> {
    match accounts.claims(query).await {
        Ok(Some(claims)) => Ok(claims),
        Ok(None) => Err(Reason::SubjectGone.into()),
        Err(error) => Err(Rejection::caused(Reason::AccountsUnavailable, error).into()),
    }
}

/// Whether the request proved the key that what it redeems is bound to.
fn check_confirmation(bound: Option<&Confirmation>, request: &TokenRequest) -> Result<(), Reason> {
    match (bound, &request.confirmation) {
        (None, _) => Ok(()),
        (Some(_), None) => Err(Reason::ConfirmationMissing),
        (Some(bound), Some(proved)) if bound == proved => Ok(()),
        (Some(_), Some(_)) => Err(Reason::ConfirmationMismatch),
    }
}

/// The ID token that goes with an access token of this scope, if any.
fn id_token(
    grant: &Grant,
    scope: &Scope,
    (nonce, account): (Option<String>, &Claims),
) -> Option<IdTokenIssuance> {
    let wanted = grant.authentication.is_some() && scope.contains(Scope::OPENID);
    // With an access token at hand, the client gets the claims of the scope from userinfo (OpenID Connect Core 1.0
    // section 5.4).
    let asked = Asked { scope: &Scope::empty(), names: &grant.claims.id_token };
    wanted.then(|| IdTokenIssuance { nonce, claims: asked.released(account), ..IdTokenIssuance::default() })
}

/// The resources of a token: those asked for, which must be granted, or all that are (RFC 8707 section 2.2).
fn narrowed_resources(cx: &Context<'_>, grant: &Grant, asked: Vec<String>) -> Result<Vec<String>, Reason> {
    if asked.is_empty() {
        return Ok(resources::by_default(cx.config, &grant.resources));
    }
    resources::check_token(cx.config, &asked)?;
    let granted = grant.resources_or(&cx.config.default_audience);
    match asked.iter().all(|resource| granted.contains(resource)) {
        true => Ok(asked),
        false => Err(Reason::ResourceNotGranted),
    }
}

/// The authorization details of a token: those asked for, which must be granted, or all that are (RFC 9396 section 6).
fn narrowed_details(
    cx: &Context<'_>,
    grant: &Grant,
    asked: Option<AuthorizationDetails>,
) -> Result<AuthorizationDetails, Reason> {
    authorization_details::narrowed(cx.details, &grant.authorization_details, asked)
}
