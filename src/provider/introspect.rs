//! Introspection (RFC 7662): a resource server asks what a token is good for.

mod signed;

use http::StatusCode;
use serde_json::{Map, Value};

use super::client_auth;
use super::context::{Arrival, Context};
use super::core::Core;
use super::format::jwt;
use super::format::refresh::RefreshToken;
use super::grant::rotation;
use super::{records, refusal, subject};
use crate::client::Client;
use crate::error::{Error, Reason, Result};
use crate::event::{Endpoint, EventKind};
use crate::limiter::LimitPoint;
use crate::policy::Rotation;
use crate::secret::Secret;
use crate::store::{AccessToken, RefreshUse, Refreshed, StoredGrant};
use crate::types::{AuthorizationDetails, Claims, ClientId, Confirmation, Introspection, Params, Scope};
use crate::wire::{Request, RequestHead, Response, form_post, reply};

/// Answers a request on the wire.
pub(crate) async fn respond(core: &Core, request: &Request) -> Response {
    let arrival = Arrival::at(Endpoint::Introspection, core);
    let cx = arrival.context();
    let outcome = answer(core, &cx, request).await;
    cx.reported(outcome).unwrap_or_else(|error| refusal::json(&cx, request, &error))
}

/// Answers a request that came by another transport.
pub(crate) async fn introspect(core: &Core, head: &RequestHead, params: &Params) -> Result<Introspection> {
    let arrival = Arrival::at(Endpoint::Introspection, core);
    let cx = arrival.context();
    cx.reported(introspection(core, &cx, head, params).await)
}

async fn answer(core: &Core, cx: &Context<'_>, request: &Request) -> Result<Response> {
    let params = form_post(request)?;
    let head = RequestHead::read(request)?;
    let members = introspection(core, cx, &head, &params).await?.into_members();
    match cx.noted_client().filter(|_| signed::is_wanted(core, request)) {
        Some(caller) => Box::pin(signed::respond(core, cx, caller, members)).await,
        None => Ok(reply::json(StatusCode::OK, &members)),
    }
}

async fn introspection(
    core: &Core,
    cx: &Context<'_>,
    head: &RequestHead,
    params: &Params,
) -> Result<Introspection> {
    let caller = client_auth::authenticate(core, cx, head, params).await?;
    let caller = caller.client();
    if !caller.is_confidential() {
        return Err(Reason::ClientNotConfidential.into());
    }
    let token = params.one("token")?.ok_or(Reason::TokenMissing)?;
    // The hint only says where to look first (section 2.1), and every token says by itself what it is.
    params.one("token_type_hint")?;
    core.admit(cx, LimitPoint::Introspection, caller.id()).await?;
    answered(cx, described(core, cx, caller, token).await)
}

/// What a token that the host presents is good for.
pub(crate) async fn introspection_of(core: &Core, token: &Secret) -> Result<Introspection> {
    let arrival = Arrival::at(Endpoint::Introspection, core);
    let cx = arrival.context();
    let described = match core.presented(&cx, token.expose()).await {
        Ok(Some(token)) => access_token(core, &cx, None, &token).await,
        Ok(None) => Err(Reason::TokenUnknown.into()),
        Err(fault) => Err(fault),
    };
    let answered = answered(&cx, described);
    answered.inspect_err(|fault| cx.report(fault))
}

/// The answer, and the event that tells of it.
fn answered(cx: &Context<'_>, described: Result<Claims>) -> Result<Introspection> {
    match described {
        Ok(claims) => {
            cx.emit(&cx.event(EventKind::Introspected));
            Ok(Introspection::Active(claims))
        }
        Err(Error::Rejected(rejection)) => {
            cx.emit(&cx.event(EventKind::Refused(rejection.reason())));
            Ok(Introspection::Inactive)
        }
        Err(fault) => Err(fault),
    }
}

/// The members that describe the token.
///
/// # Errors
/// Why the caller is told that it is inactive, and nothing else; or a fault.
async fn described(core: &Core, cx: &Context<'_>, caller: &Client, token: &str) -> Result<Claims> {
    let prefix = cx.config.prefixes.refresh_token.as_str();
    if token.starts_with(prefix) {
        let token = RefreshToken::decode(cx.secrets, (prefix, cx.issuer()), token);
        return refresh_token(core, cx, caller, &token.ok_or(Reason::TokenUnknown)?).await;
    }
    let token = core.presented(cx, token).await?.ok_or(Reason::TokenUnknown)?;
    access_token(core, cx, Some(caller), &token).await
}

/// Without a `caller` it is the host that asks.
async fn access_token(
    core: &Core,
    cx: &Context<'_>,
    caller: Option<&Client>,
    token: &AccessToken,
) -> Result<Claims> {
    cx.note_grant_id(token.grant);
    if caller.is_some_and(|caller| !core.policy.may_introspect(caller, &token.client, &token.audience)) {
        return Err(Reason::TokenForeign.into());
    }
    let owner = live_owner(core, cx, (caller, &token.client)).await?;
    let mut claims = members(cx, &token.client, &token.scope);
    let token_type = Confirmation::token_type(token.confirmation.as_ref());
    claims.insert("token_type".to_owned(), token_type.into());
    claims.insert("sub".to_owned(), jwt::subject_of(cx, &owner, token).into());
    claims.insert("iat".to_owned(), token.issued_at.unix().into());
    claims.insert("exp".to_owned(), token.expires_at.unix().into());
    if !token.audience.is_empty() {
        claims.insert("aud".to_owned(), jwt::audience(&token.audience));
    }
    let details = match caller {
        Some(caller) => shown(caller, &token.client, &token.authorization_details),
        None => token.authorization_details.clone(),
    };
    jwt::insert_details(&mut claims, &details);
    jwt::insert_authentication(&mut claims, token.authentication.as_ref());
    jwt::insert_confirmation(&mut claims, token.confirmation.as_ref());
    jwt::insert_actors(&mut claims, (cx, &owner), &token.actors);
    for (name, value) in token.extra.iter() {
        claims.entry(name).or_insert_with(|| value.clone());
    }
    Ok(claims.into())
}

/// Only the newest refresh token of a family, and the one before it as long as it would be answered, are active.
async fn refresh_token(
    core: &Core,
    cx: &Context<'_>,
    caller: &Client,
    token: &RefreshToken,
) -> Result<Claims> {
    let stored = core.stores.tokens.grant(&token.grant(), cx.now).await?;
    let stored = stored.ok_or(Reason::TokenUnknown)?;
    if !token.is_of(&stored) {
        return Err(Reason::RefreshTokenForged.into());
    }
    cx.note_grant_id(stored.record.id);
    if !core.policy.may_introspect(caller, &stored.record.client, &[]) {
        return Err(Reason::TokenForeign.into());
    }
    let owner = live_owner(core, cx, (Some(caller), &stored.record.client)).await?;
    if !would_be_answered(core, cx, &owner, (&stored, token)) {
        return Err(Reason::TokenUnknown.into());
    }
    let grant = records::open_grant(cx, &stored.record).ok_or(Reason::GrantUnreadable)?;
    let idle_until = stored.head.as_ref().map_or(grant.expires_at, |head| head.idle_until);
    let mut claims = members(cx, &grant.client, &grant.scope);
    claims.insert("exp".to_owned(), idle_until.min(grant.expires_at).unix().into());
    if let Some(authentication) = &grant.authentication {
        claims.insert("sub".to_owned(), subject::of_person(cx, &owner, &authentication.subject).into());
    }
    jwt::insert_details(&mut claims, &shown(caller, &grant.client, &grant.authorization_details));
    jwt::insert_authentication(&mut claims, grant.authentication.as_ref());
    jwt::insert_confirmation(&mut claims, token.confirmation());
    Ok(claims.into())
}

/// What of the details the caller is told: a resource server, those that are for it (RFC 9396 section 9.2).
fn shown(caller: &Client, owner: &ClientId, details: &AuthorizationDetails) -> AuthorizationDetails {
    match caller.id() == owner {
        true => details.clone(),
        false => details.for_audience(&caller.settings().introspects),
    }
}

fn would_be_answered(
    core: &Core,
    cx: &Context<'_>,
    owner: &Client,
    (stored, token): (&StoredGrant, &RefreshToken),
) -> bool {
    let Rotation { advance, grace } = rotation(&*core.policy, cx, (owner, token));
    let used = RefreshUse { seq: token.seq(), advance, grace, idle_until: stored.record.expires_at };
    matches!(
        used.outcome(Some(stored), cx.now),
        Refreshed::Kept | Refreshed::Retried { .. } | Refreshed::Rotated
    )
}

/// The client to which the token was issued, if it is still there and not shut out.
async fn live_owner(
    core: &Core,
    cx: &Context<'_>,
    (caller, owner): (Option<&Client>, &ClientId),
) -> Result<Client> {
    if let Some(caller) = caller.filter(|caller| caller.id() == owner) {
        return Ok(caller.clone());
    }
    let owner = core.stores.clients.client(owner, cx.now).await?;
    Ok(owner.filter(|owner| !owner.settings().disabled).ok_or(Reason::TokenUnknown)?)
}

fn members(cx: &Context<'_>, client: &ClientId, scope: &Scope) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("iss".to_owned(), cx.issuer().into());
    members.insert("client_id".to_owned(), client.as_str().into());
    if !scope.is_empty() {
        members.insert("scope".to_owned(), scope.to_string().into());
    }
    members
}
