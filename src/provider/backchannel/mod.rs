//! Backchannel authentication (OpenID Connect Client-Initiated Backchannel Authentication Core 1.0): a client asks for a
//! person who is not in its browser, the host asks them on a device of theirs, and the client fetches its tokens.

mod host;
mod notice;
mod object;
mod push;
mod request;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Map, Value, json};

pub use host::{
    Backchannel, BackchannelAuthentication, BackchannelHint, BackchannelRequest, Hinted, PendingBackchannel,
};
pub(super) use notice::Notifier;

use self::notice::{Addressee, Message};
use self::push::Approved;
use self::request::AuthenticationRequest;
use super::authorize::{Approval, Denial, asked_key};
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
use crate::wire::{Request, RequestHead, Response, form_post, reply};

/// The answer to a client (section 7.3).
#[derive(Clone)]
#[non_exhaustive]
pub struct BackchannelResponse {
    /// What the client polls with, or its tokens come with.
    pub auth_req_id: Secret,
    /// How long the request waits.
    pub expires_in: Duration,
    /// How long the client leaves between two polls; `None` of one that must not poll, since its tokens are pushed.
    pub interval: Option<Duration>,
}

/// Leaves out the `auth_req_id`.
impl fmt::Debug for BackchannelResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackchannelResponse").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

impl BackchannelResponse {
    fn to_response(&self) -> Response {
        let mut body = json!({
            "auth_req_id": self.auth_req_id.expose(),
            "expires_in": self.expires_in.as_secs(),
        });
        if let Some(interval) = self.interval {
            body["interval"] = interval.as_secs().into();
        }
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
pub(crate) async fn respond(core: &Arc<Core>, request: &Request) -> Response {
    let arrival = Arrival::at(Endpoint::BackchannelAuthentication, core);
    let cx = arrival.context();
    let outcome = answer(core, &cx, request).await;
    refusal::answered(&cx, request, outcome)
}

/// Answers a client whose request came by another transport.
pub(crate) async fn begin(
    core: &Arc<Core>,
    head: &RequestHead,
    params: Params,
) -> Result<BackchannelResponse> {
    let arrival = Arrival::at(Endpoint::BackchannelAuthentication, core);
    let cx = arrival.context();
    cx.reported(begun(core, &cx, head, params).await)
}

async fn answer(core: &Arc<Core>, cx: &Context<'_>, request: &Request) -> Result<Response> {
    let params = form_post(request)?;
    let head = RequestHead::read(request)?;
    Ok(begun(core, cx, &head, params).await?.to_response())
}

/// The order matters: nothing is written and nobody bothered for a client that has not authenticated, or a request that
/// could not be answered.
async fn begun(
    core: &Arc<Core>,
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
    // A certificate that is missing costs the client no signed request, which is good once.
    let push = push::asked(core, head, client)?;
    let asked = request::read(core, cx, settings, (client, params)).await?;
    device::check_answers(core, cx, client, &asked.scope).await?;
    let subject = resolve(core, cx, settings, (client, &asked)).await?;
    let person = format!("{} {}", asked_key(cx, &subject), client.id());
    core.admit_key(cx, LimitPoint::BackchannelPerson, &person).await?;
    let draft = Draft {
        kind: Kind::Backchannel,
        client: client.id().clone(),
        lifetime: asked.lifetime,
        scope: asked.scope.clone(),
        resources: asked.resources.clone(),
        subject: Some(subject.clone()),
        notification_token: asked.notification_token.clone(),
        push,
    };
    let kept = deferred::keep(core, cx, &draft, settings.limit, |_| Ok(None)).await?;
    let (auth_req_id, waiting) = kept.ok_or(Reason::BackchannelCrowded)?;
    let pending = pending(client, asked, (auth_req_id, &waiting), subject);
    ask(core, cx, settings, &pending).await?;
    push::watch(core, (&waiting, &pending.auth_req_id));
    cx.emit(&cx.event(EventKind::RequestDeferred));
    Ok(BackchannelResponse {
        auth_req_id: pending.auth_req_id,
        expires_in: draft.lifetime,
        interval: waiting.push.is_none().then_some(cx.config.poll_interval),
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

/// Takes the answer of the person, and lets the client be told.
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
    let addressee = Addressee::of(core, &client, (waiting.notification_token.as_ref(), auth_req_id));
    let message = match decision {
        BackchannelDecision::Approved(approval) => {
            if waiting.push.is_some() {
                let reachable = addressee.as_ref().ok().and_then(Option::as_ref);
                push::check(core, &client, (reachable, &approval))?;
            }
            deferred::approve(core, cx, &client, (&key, &waiting), approval).await?;
            waiting.push.map_or(Message::Ping, |push| Message::Tokens(Approved { push, at: cx.now }))
        }
        BackchannelDecision::Denied(denial) => {
            deferred::deny(core, cx, &key, denial).await?;
            waiting.push.map_or(Message::Ping, |_| Message::Refusal(Reason::DeferredDenied))
        }
    };
    // Nothing may come between the decision and this: it is the one delivery that follows from it.
    match addressee {
        Ok(Some(addressee)) => addressee.tell(core, message),
        Ok(None) => {}
        Err(busy) => notice::fail(cx, &busy.into()),
    }
    Ok(())
}

/// What discovery says of it (section 4).
pub(super) fn describe(core: &Core, metadata: &mut Map<String, Value>) {
    let Some(settings) = &core.backchannel else { return };
    metadata.insert("backchannel_token_delivery_modes_supported".to_owned(), json!(settings.modes()));
    let algs: Vec<_> = core.request_objects.algorithms().iter().map(|alg| alg.as_str()).collect();
    let name = "backchannel_authentication_request_signing_alg_values_supported";
    metadata.insert(name.to_owned(), json!(algs));
    metadata.insert("backchannel_user_code_parameter_supported".to_owned(), true.into());
}
