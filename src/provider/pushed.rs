//! Pushed authorization requests (RFC 9126): a client sends the request itself, and the browser a reference to it.
//!
//! What is pushed is read as a request in a browser would be, and then waits, sealed, as a ticket. Visits leave it there;
//! the approval takes it, so that it is answered once.

use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::authorize::{self, HintedSubject};
use super::context::{Arrival, Context};
use super::core::Core;
use super::format::opaque::{self, TokenKind};
use super::payload::{self, Kind};
use super::{client_auth, proof, refusal};
use crate::error::{Reason, Result};
use crate::event::{Endpoint, EventKind};
use crate::limiter::LimitPoint;
use crate::secret::TokenHash;
use crate::store::{TicketRecord, TicketStore};
use crate::types::{ClientId, Params, Scope};
use crate::wire::{Request, RequestHead, Response, cors, form_post, reply};

/// How every `request_uri` of a pushed request begins (RFC 9126 section 2.2).
const URN: &str = "urn:ietf:params:oauth:request_uri:";

/// Whether requests have to be pushed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PushedRequests {
    /// They may be; those of clients with `require_pushed_authorization_requests` have to be. The default.
    #[default]
    Accepted,
    /// They all have to be (RFC 9126 section 5).
    Required,
}

/// The answer to a request that was pushed (RFC 9126 section 2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PushedResponse {
    /// What the client sends through the browser instead of the request. It is good for one answer.
    pub request_uri: String,
    /// How long a browser may come with it.
    pub expires_in: Duration,
}

/// A request that was read and waits.
#[derive(Serialize, Deserialize)]
pub(super) struct PushedRequest {
    client: ClientId,
    pub(super) params: Vec<(String, String)>,
    pub(super) scope: Scope,
    pub(super) hint: HintedSubject,
}

impl PushedRequest {
    pub(super) fn new(client: ClientId, params: &Params, scope: Scope, hint: HintedSubject) -> Self {
        let params = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { client, params, scope, hint }
    }
}

impl PushedResponse {
    fn to_response(&self) -> Response {
        let body = json!({ "request_uri": self.request_uri, "expires_in": self.expires_in.as_secs() });
        reply::json(StatusCode::CREATED, &body)
    }
}

/// Answers a request on the wire; errors become the body of RFC 6749 section 5.2.
pub(crate) async fn respond(core: &Core, request: &Request) -> Response {
    if let Some(preflight) = cors::preflight(request, "POST") {
        return preflight;
    }
    let arrival = Arrival::at(Endpoint::PushedAuthorization, core);
    let cx = arrival.context();
    let outcome = answer(core, &cx, request).await;
    refusal::answered(&cx, request, outcome)
}

/// Answers a request that came by another transport.
pub(crate) async fn push(core: &Core, head: &RequestHead, params: Params) -> Result<PushedResponse> {
    let arrival = Arrival::at(Endpoint::PushedAuthorization, core);
    let cx = arrival.context();
    cx.reported(pushed(core, &cx, head, params).await)
}

async fn answer(core: &Core, cx: &Context<'_>, request: &Request) -> Result<Response> {
    let params = form_post(request)?;
    let head = RequestHead::read(request)?;
    Ok(pushed(core, cx, &head, params).await?.to_response())
}

/// The order matters: nothing is read for a client that has not authenticated, and nothing is written for a request
/// that could not be answered.
async fn pushed(core: &Core, cx: &Context<'_>, head: &RequestHead, params: Params) -> Result<PushedResponse> {
    let client = client_auth::authenticate(core, cx, head, &params).await?;
    let client = client.client();
    if params.one("request_uri")?.is_some() {
        return Err(Reason::PushedRequestUri.into());
    }
    core.admit(cx, LimitPoint::PushedAuthorization, client.id()).await?;
    let proved = proof::proved(core, cx, head).await?;
    let request = authorize::read_pushed(core, cx, client, (params, proved)).await?;
    let lifetime = cx.config.pushed_request_lifetime;
    let request_uri = opaque::mint(cx.secrets, cx.entropy, TokenKind::PushedRequest, (URN, cx.issuer()))?;
    let key = TokenHash::of(request_uri.expose());
    let open_until = cx.now.plus(lifetime);
    let ticket = TicketRecord {
        open_until,
        // A browser that came in time has its own time then.
        keep_until: open_until.plus(cx.config.pending_lifetime),
        payload: payload::seal(cx, Kind::PushedRequest, key.as_bytes(), &request)?,
    };
    tickets(core)?.put(key, ticket, cx.now).await?;
    cx.emit(&cx.event(EventKind::RequestPushed));
    Ok(PushedResponse { request_uri: request_uri.expose().to_owned(), expires_in: lifetime })
}

/// Whether `request_uri` is the reference of a pushed request, where there are any.
pub(super) fn is_reference(core: &Core, request_uri: &str) -> bool {
    core.pushed_requests.is_some() && request_uri.starts_with(URN)
}

/// The request that waits under `request_uri`; it goes on waiting (attack 61).
///
/// # Errors
/// [`Reason::PushedRequestUnknown`], [`Reason::PushedRequestForeign`], or a store that fails.
pub(super) async fn visit(
    core: &Core,
    cx: &Context<'_>,
    (client, request_uri): (&ClientId, &str),
) -> Result<PushedRequest> {
    if !opaque::is_ours(cx.secrets, TokenKind::PushedRequest, (URN, cx.issuer()), request_uri) {
        return Err(Reason::PushedRequestUnknown.into());
    }
    let key = TokenHash::of(request_uri);
    let ticket = tickets(core)?.get(&key, cx.now).await?.ok_or(Reason::PushedRequestUnknown)?;
    let waiting: Option<PushedRequest> =
        payload::open(cx, Kind::PushedRequest, key.as_bytes(), &ticket.payload);
    let waiting = waiting.ok_or(Reason::PushedRequestUnknown)?;
    if waiting.client != *client {
        return Err(Reason::PushedRequestForeign.into());
    }
    Ok(waiting)
}

/// Takes the request under `request_uri`, which is now answered: of many approvals one gets it (attack 60).
///
/// # Errors
/// [`Reason::PushedRequestSpent`], or a store that fails.
pub(super) async fn spend(core: &Core, cx: &Context<'_>, request_uri: &str) -> Result<()> {
    let taken = tickets(core)?.take(&TokenHash::of(request_uri), cx.now).await?;
    taken.map(drop).ok_or_else(|| Reason::PushedRequestSpent.into())
}

fn tickets(core: &Core) -> Result<&dyn TicketStore, Reason> {
    core.stores.tickets.as_deref().ok_or(Reason::PushedRequestUnknown)
}
