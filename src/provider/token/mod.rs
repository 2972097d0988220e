//! The token endpoint (RFC 6749 section 3.2).

mod request;
mod response;

pub use request::{AuthenticatedClient, TokenRequest};
pub use response::TokenResponse;

use super::client_auth;
use super::context::{Arrival, Context};
use super::core::Core;
use super::grant::GrantHandler;
use super::{issue, proof, refusal};
use crate::client::Client;
use crate::error::{Reason, Result};
use crate::event::Endpoint;
use crate::limiter::LimitPoint;
use crate::types::{GrantType, Params};
use crate::wire::{Request, RequestHead, Response, cors, form_post};

/// Answers a request on the wire; errors become the body of RFC 6749 section 5.2.
pub(crate) async fn respond(core: &Core, request: &Request) -> Response {
    if let Some(preflight) = cors::preflight(request, "POST") {
        return preflight;
    }
    let arrival = Arrival::at(Endpoint::Token, core);
    let cx = arrival.context();
    let outcome = answer(core, &cx, request).await;
    refusal::answered(&cx, request, outcome)
}

/// Answers a request that came by another transport.
pub(crate) async fn redeem(core: &Core, head: &RequestHead, params: Params) -> Result<TokenResponse> {
    let arrival = Arrival::at(Endpoint::Token, core);
    let cx = arrival.context();
    cx.reported(tokens(core, &cx, head, params).await)
}

async fn answer(core: &Core, cx: &Context<'_>, request: &Request) -> Result<Response> {
    let params = form_post(request)?;
    let head = RequestHead::read(request)?;
    Ok(tokens(core, cx, &head, params).await?.to_response())
}

/// The order matters: what a handler consumes is consumed for a client that has authenticated, whose proof of
/// possession is sound, and nothing is issued before it is written.
async fn tokens(core: &Core, cx: &Context<'_>, head: &RequestHead, params: Params) -> Result<TokenResponse> {
    let client = client_auth::authenticate(core, cx, head, &params).await?;
    let handler = handler(core, client.client(), params.one("grant_type")?)?;
    core.admit(cx, LimitPoint::Token, client.client().id()).await?;
    let confirmation = proof::confirm(core, cx, (head, &client)).await?;
    let request = TokenRequest { client, params, confirmation };
    let issuance = Box::new(handler.redeem(cx, &request).await?);
    Box::pin(issue::issue(core, cx, (request.client.client(), confirmation), issuance)).await
}

/// The handler of the grant type, which the client must have registered.
fn handler<'a>(
    core: &'a Core,
    client: &Client,
    grant_type: Option<&str>,
) -> Result<&'a dyn GrantHandler, Reason> {
    let grant_type = GrantType::from(grant_type.ok_or(Reason::GrantTypeMissing)?);
    let handler = core.grants.get(&grant_type).ok_or(Reason::GrantTypeUnsupported)?;
    if !client.allows_grant(&grant_type) {
        return Err(Reason::GrantTypeNotAllowed);
    }
    Ok(&**handler)
}
