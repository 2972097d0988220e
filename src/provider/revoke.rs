//! Revocation (RFC 7009): a client gives a token back.

use http::StatusCode;

use super::client_auth;
use super::context::{Arrival, Context};
use super::core::Core;
use super::format::Presented;
use super::format::refresh::RefreshToken;
use super::refusal;
use crate::client::Client;
use crate::error::{Error, Reason, Result};
use crate::event::{Endpoint, EventKind};
use crate::secret::TokenHash;
use crate::store::Filter;
use crate::types::Params;
use crate::wire::{Request, RequestHead, Response, cors, form_post, reply};

/// Answers a request on the wire: 200 without a body, also for a token that is not known or not the client's
/// (section 2.2), so that nobody learns which tokens there are.
pub(crate) async fn respond(core: &Core, request: &Request) -> Response {
    if let Some(preflight) = cors::preflight(request, "POST") {
        return preflight;
    }
    let arrival = Arrival::at(Endpoint::Revocation, core);
    let cx = arrival.context();
    let outcome = answer(core, &cx, request).await;
    refusal::answered(&cx, request, outcome)
}

/// Answers a request that came by another transport.
pub(crate) async fn revoke(core: &Core, head: &RequestHead, params: &Params) -> Result<()> {
    let arrival = Arrival::at(Endpoint::Revocation, core);
    let cx = arrival.context();
    cx.reported(revocation(core, &cx, head, params).await)
}

async fn answer(core: &Core, cx: &Context<'_>, request: &Request) -> Result<Response> {
    let params = form_post(request)?;
    let head = RequestHead::read(request)?;
    revocation(core, cx, &head, &params).await?;
    Ok(reply::empty(StatusCode::OK))
}

async fn revocation(core: &Core, cx: &Context<'_>, head: &RequestHead, params: &Params) -> Result<()> {
    let client = client_auth::authenticate(core, cx, head, params).await?;
    let token = params.one("token")?.ok_or(Reason::TokenMissing)?;
    // The hint only says where to look first (section 2.1), and every token says by itself what it is.
    params.one("token_type_hint")?;
    match ended(core, cx, client.client(), token).await {
        Ok(()) => {
            cx.emit(&cx.event(EventKind::Revoked));
            Ok(())
        }
        Err(Error::Rejected(rejection)) if is_silent(rejection.reason()) => {
            cx.emit(&cx.event(EventKind::Refused(rejection.reason())));
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Whether the client is told the same as if the token had been revoked.
const fn is_silent(reason: Reason) -> bool {
    matches!(reason, Reason::RefreshTokenForged | Reason::TokenForeign | Reason::TokenUnknown)
}

/// Ends the token: a refresh token with its whole grant, an access token by itself.
async fn ended(core: &Core, cx: &Context<'_>, client: &Client, token: &str) -> Result<()> {
    let prefix = cx.config.prefixes.refresh_token.as_str();
    if token.starts_with(prefix) {
        let token = RefreshToken::decode(cx.secrets, (prefix, cx.issuer()), token);
        return end_grant(core, cx, client, &token.ok_or(Reason::TokenUnknown)?).await;
    }
    match core.formats.read(cx, token).await.ok_or(Reason::TokenUnknown)? {
        Presented::Recorded(key) => end_token(core, cx, client, &key).await,
        Presented::Stateless(token) if token.client != *client.id() => Err(Reason::TokenForeign.into()),
        Presented::Stateless(_) => Err(Reason::TokenNotRevocable.into()),
    }
}

/// Any token of the family ends it, used up or not: whoever gives one back wants the access to be over.
async fn end_grant(core: &Core, cx: &Context<'_>, client: &Client, token: &RefreshToken) -> Result<()> {
    let stored = core.stores.tokens.grant(&token.grant(), cx.now).await?;
    let stored = stored.ok_or(Reason::TokenUnknown)?;
    if !token.is_of(&stored) {
        return Err(Reason::RefreshTokenForged.into());
    }
    cx.note_grant_id(stored.record.id);
    if stored.record.client != *client.id() {
        return Err(Reason::TokenForeign.into());
    }
    core.stores.tokens.revoke(&Filter::Id(stored.record.id), cx.now).await?;
    Ok(())
}

async fn end_token(core: &Core, cx: &Context<'_>, client: &Client, key: &TokenHash) -> Result<()> {
    let record = core.stores.tokens.access_token(key, cx.now).await?.ok_or(Reason::TokenUnknown)?;
    cx.note_grant_id(record.grant);
    if record.client != *client.id() {
        return Err(Reason::TokenForeign.into());
    }
    core.stores.tokens.revoke_token(key, cx.now).await?;
    Ok(())
}
