//! Backchannel authentication (OpenID Connect Client-Initiated Backchannel Authentication Core 1.0): a client asks for a
//! person who is not in its browser, the host asks them on a device of theirs, and the client fetches its tokens.

mod host;
mod object;
mod ping;
mod request;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Map, Value, json};

pub use host::{
    Backchannel, BackchannelAuthentication, BackchannelHint, BackchannelRequest, Hinted, PendingBackchannel,
};
pub(super) use ping::Pinger;

use self::request::AuthenticationRequest;
use super::authorize::{Approval, Denial};
use super::context::{Arrival, Context};
use super::core::Core;
use super::deferred::{self, Draft, Kind, Waiting};
use super::format::opaque;
use super::{client_auth, device, refusal};
use crate::client::Client;
use crate::error::{Error, Reason, Rejection, Result};
use crate::event::{Endpoint, EventKind};
use crate::limiter::LimitPoint;
use crate::secret::{Secret, TokenHash};
use crate::store::Decision;
use crate::types::{GrantType, Params, Subject};
use crate::wire::{Request, RequestHead, Response, cors, form_post, reply};

/// The answer to a client (section 7.3).
#[derive(Clone)]
#[non_exhaustive]
pub struct BackchannelResponse {
    /// What the client polls with.
    pub auth_req_id: Secret,
    /// How long the request waits.
    pub expires_in: Duration,
    /// How long the client leaves between two polls.
    pub interval: Duration,
}

/// Leaves out the `auth_req_id`.
impl fmt::Debug for BackchannelResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackchannelResponse").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

impl BackchannelResponse {
    fn to_response(&self) -> Response {
        let body = json!({
            "auth_req_id": self.auth_req_id.expose(),
            "expires_in": self.expires_in.as_secs(),
            "interval": self.interval.as_secs(),
        });
        reply::json(StatusCode::OK, &body)
    }
}

/// What the person, or the host, answered.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum BackchannelDecision {
    /// Yes.
    Approved(Approval),
    /// No.
    Denied(Denial),
}

/// Answers a client on the wire; errors become the body of section 13.
pub(crate) async fn respond(core: &Core, request: &Request) -> Response {
    if let Some(preflight) = cors::preflight(request, "POST") {
        return preflight;
    }
    let arrival = Arrival::at(Endpoint::BackchannelAuthentication, core);
    let cx = arrival.context();
    let outcome = answer(core, &cx, request).await;
    refusal::answered(&cx, request, outcome)
}

/// Answers a client whose request came by another transport.
pub(crate) async fn begin(core: &Core, head: &RequestHead, params: Params) -> Result<BackchannelResponse> {
    let arrival = Arrival::at(Endpoint::BackchannelAuthentication, core);
    let cx = arrival.context();
    cx.reported(begun(core, &cx, head, params).await)
}

async fn answer(core: &Core, cx: &Context<'_>, request: &Request) -> Result<Response> {
    let params = form_post(request)?;
    let head = RequestHead::read(request)?;
    Ok(begun(core, cx, &head, params).await?.to_response())
}

/// The order matters: nothing is written and nobody bothered for a client that has not authenticated, or a request that
/// could not be answered.
async fn begun(
    core: &Core,
    cx: &Context<'_>,
    head: &RequestHead,
    params: Params,
) -> Result<BackchannelResponse> {
    let settings = core.backchannel.as_ref().ok_or(Reason::NotFound)?;
    let client = client_auth::authenticate(core, cx, head, &params).await?;
    let client = client.client();
    if !client.allows_grant(&GrantType::Ciba) {
        return Err(Reason::GrantTypeNotAllowed.into());
    }
    core.admit(cx, LimitPoint::BackchannelAuthentication, client.id()).await?;
    let asked = request::read(core, cx, settings, (client, params)).await?;
    device::check_answers(core, cx, client, &asked.scope).await?;
    let subject = resolve(core, cx, settings, (client, &asked)).await?;
    let draft = Draft {
        kind: Kind::Backchannel,
        client: client.id().clone(),
        lifetime: asked.lifetime,
        scope: asked.scope.clone(),
        resources: asked.resources.clone(),
        subject: Some(subject.clone()),
        notification_token: asked.notification_token.clone(),
    };
    let kept = deferred::keep(core, cx, &draft, settings.limit, |_| Ok(None)).await?;
    let (auth_req_id, waiting) = kept.ok_or(Reason::BackchannelCrowded)?;
    let pending = pending(client, asked, (auth_req_id, &waiting), subject);
    ask(core, cx, settings, &pending).await?;
    cx.emit(&cx.event(EventKind::RequestDeferred));
    Ok(BackchannelResponse {
        auth_req_id: pending.auth_req_id,
        expires_in: draft.lifetime,
        interval: cx.config.poll_interval,
    })
}

/// Whom the hint names, if they are still there.
async fn resolve(
    core: &Core,
    cx: &Context<'_>,
    settings: &Backchannel,
    (client, asked): (&Client, &AuthenticationRequest),
) -> Result<Subject> {
    let request = BackchannelRequest {
        client,
        hint: &asked.hint,
        scope: &asked.scope,
        binding_message: asked.binding_message.as_deref(),
        user_code: asked.user_code.as_ref(),
        acr_values: &asked.acr_values,
    };
    let hinted = settings.host.resolve(&request).await.map_err(unavailable)?;
    let subject = hinted.person()?;
    match deferred::check_account(core, cx, client, &subject).await {
        Err(error) if error.reason() == Reason::ApprovalSubjectGone => {
            Err(Reason::BackchannelUserUnknown.into())
        }
        outcome => outcome.map(|()| subject),
    }
}

fn pending(
    client: &Client,
    asked: AuthenticationRequest,
    (auth_req_id, waiting): (Secret, &Waiting),
    subject: Subject,
) -> PendingBackchannel {
    PendingBackchannel {
        auth_req_id,
        client: client.clone(),
        subject,
        scope: asked.scope,
        resources: asked.resources,
        binding_message: asked.binding_message,
        acr_values: asked.acr_values,
        expires_at: waiting.expires_at,
    }
}

/// Lets the host ask. Where it cannot, the request waits no more.
async fn ask(
    core: &Core,
    cx: &Context<'_>,
    settings: &Backchannel,
    pending: &PendingBackchannel,
) -> Result<()> {
    let Err(error) = settings.host.begin(pending).await else { return Ok(()) };
    let key = TokenHash::of(pending.auth_req_id.expose());
    // Should this fail too, it waits for nobody until its time is over.
    deferred::store(core)?.decide(&key, Decision::Denied, cx.now).await.ok();
    Err(unavailable(error))
}

fn unavailable(error: crate::error::BoxError) -> Error {
    Rejection::caused(Reason::HostUnavailable, error).into()
}

/// Takes the answer of the person, and tells the client that there is one.
pub(super) async fn complete(
    core: &Arc<Core>,
    auth_req_id: &Secret,
    decision: BackchannelDecision,
) -> Result<()> {
    let arrival = Arrival::at(Endpoint::BackchannelAuthentication, core);
    let cx = arrival.context();
    cx.reported(completed(core, &cx, auth_req_id, decision).await)
}

async fn completed(
    core: &Arc<Core>,
    cx: &Context<'_>,
    auth_req_id: &Secret,
    decision: BackchannelDecision,
) -> Result<()> {
    let (kind, prefix) = Kind::Backchannel.credential(cx);
    if !opaque::is_ours(cx.secrets, kind, (prefix, cx.issuer()), auth_req_id.expose()) {
        return Err(Reason::DeferredUnknown.into());
    }
    let key = TokenHash::of(auth_req_id.expose());
    let record = deferred::store(core)?.deferred(&key, cx.now).await?.ok_or(Reason::DeferredAnswered)?;
    let waiting = deferred::open(cx, &record).filter(|waiting| waiting.kind == Kind::Backchannel);
    let waiting = waiting.ok_or(Reason::DeferredUnreadable)?;
    let client = core.stores.clients.client(&waiting.client, cx.now).await?;
    let client = client.filter(|client| !client.settings().disabled).ok_or(Reason::DeferredUnknown)?;
    cx.note_client(&client);
    match decision {
        BackchannelDecision::Approved(approval) => {
            deferred::approve(core, cx, &client, (&key, &waiting), approval).await?;
        }
        BackchannelDecision::Denied(denial) => deferred::deny(core, cx, &key, denial).await?,
    }
    ping::tell(core, cx, &client, (waiting.notification_token.as_ref(), auth_req_id));
    Ok(())
}

/// What discovery says of it (section 4).
pub(super) fn describe(core: &Core, metadata: &mut Map<String, Value>) {
    let Some(settings) = &core.backchannel else { return };
    let modes: &[&str] = if settings.pings() { &["poll", "ping"] } else { &["poll"] };
    metadata.insert("backchannel_token_delivery_modes_supported".to_owned(), json!(modes));
    let algs: Vec<_> = core.request_objects.algorithms().iter().map(|alg| alg.as_str()).collect();
    let name = "backchannel_authentication_request_signing_alg_values_supported";
    metadata.insert(name.to_owned(), json!(algs));
    metadata.insert("backchannel_user_code_parameter_supported".to_owned(), true.into());
}
