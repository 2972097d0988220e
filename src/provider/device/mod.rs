//! Device authorization (RFC 8628): a device asks for a code, a person types it elsewhere and agrees, and the device
//! fetches its tokens.

mod form;
mod pending;
mod user_code;
mod visit;

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use serde_json::json;

pub use pending::{DeviceRequests, PendingDevice};
pub(super) use visit::{Step, Visit, Visitor, visit};

use super::authorize;
use super::context::{Arrival, Context};
use super::core::Core;
use super::deferred::{self, Draft, Kind};
use super::{client_auth, refusal};
use crate::client::Client;
use crate::error::{Reason, Result, StoreError, StoreErrorKind};
use crate::event::{Endpoint, EventKind};
use crate::limiter::LimitPoint;
use crate::secret::Secret;
use crate::store::WaitingLimit;
use crate::types::{GrantType, Params, Scope};
use crate::wire::{Request, RequestHead, Response, cors, form_post, reply};

/// Nobody is known yet whom a device could bother.
const NO_LIMIT: WaitingLimit = WaitingLimit { of_client: u16::MAX, of_all: u16::MAX };

/// The answer to a device (RFC 8628 section 3.2).
#[derive(Clone)]
#[non_exhaustive]
pub struct DeviceResponse {
    /// What the device polls with.
    pub device_code: Secret,
    /// What the person types: eight letters in two groups.
    pub user_code: String,
    /// Where they type it.
    pub verification_uri: String,
    /// The same with the code in it, to be shown as a picture.
    pub verification_uri_complete: String,
    /// How long the device waits.
    pub expires_in: Duration,
    /// How long it leaves between two polls.
    pub interval: Duration,
}

/// Leaves out both codes.
impl fmt::Debug for DeviceResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceResponse")
            .field("verification_uri", &self.verification_uri)
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

impl DeviceResponse {
    fn to_response(&self) -> Response {
        let body = json!({
            "device_code": self.device_code.expose(),
            "user_code": self.user_code,
            "verification_uri": self.verification_uri,
            "verification_uri_complete": self.verification_uri_complete,
            "expires_in": self.expires_in.as_secs(),
            "interval": self.interval.as_secs(),
        });
        reply::json(StatusCode::OK, &body)
    }
}

/// Answers a device on the wire; errors become the body of RFC 6749 section 5.2.
pub(crate) async fn respond(core: &Core, request: &Request) -> Response {
    if let Some(preflight) = cors::preflight(request, "POST") {
        return preflight;
    }
    let arrival = Arrival::at(Endpoint::DeviceAuthorization, core);
    let cx = arrival.context();
    let outcome = answer(core, &cx, request).await;
    refusal::answered(&cx, request, outcome)
}

/// Answers a device whose request came by another transport.
pub(crate) async fn begin(core: &Core, head: &RequestHead, params: Params) -> Result<DeviceResponse> {
    let arrival = Arrival::at(Endpoint::DeviceAuthorization, core);
    let cx = arrival.context();
    cx.reported(begun(core, &cx, head, params).await)
}

async fn answer(core: &Core, cx: &Context<'_>, request: &Request) -> Result<Response> {
    let params = form_post(request)?;
    let head = RequestHead::read(request)?;
    Ok(begun(core, cx, &head, params).await?.to_response())
}

/// The order matters: nothing is written for a client that has not authenticated, and nobody types a code for a request
/// that could not be answered.
async fn begun(core: &Core, cx: &Context<'_>, head: &RequestHead, params: Params) -> Result<DeviceResponse> {
    let client = client_auth::authenticate(core, cx, head, &params).await?;
    let client = client.client();
    if !client.allows_grant(&GrantType::DeviceCode) {
        return Err(Reason::GrantTypeNotAllowed.into());
    }
    core.admit(cx, LimitPoint::DeviceAuthorization, client.id()).await?;
    let asked = authorize::read_elsewhere(core, client, params)?;
    check_answers(core, cx, client, asked.scope()).await?;
    let draft = Draft {
        kind: Kind::Device,
        client: client.id().clone(),
        lifetime: cx.config.device_code_lifetime,
        scope: asked.scope().clone(),
        resources: asked.resources().to_owned(),
        subject: None,
        notification_token: None,
        push: None,
    };
    let kept = deferred::keep(core, cx, &draft, NO_LIMIT, |cx| user_code::draw(cx).map(Some)).await?;
    // Nobody is counted whom no device names.
    let (device_code, waiting) = kept.ok_or(StoreError::from(StoreErrorKind::Unavailable))?;
    cx.emit(&cx.event(EventKind::RequestDeferred));
    let verification_uri = cx.config.issuer.endpoint(&cx.config.paths.device_verification);
    let user_code = waiting.user_code.unwrap_or_default();
    Ok(DeviceResponse {
        verification_uri_complete: format!("{verification_uri}?user_code={user_code}"),
        device_code,
        user_code,
        verification_uri,
        expires_in: cx.config.device_code_lifetime,
        interval: cx.config.poll_interval,
    })
}

/// Noticed when the device comes for its tokens, what cannot be answered would have cost the person's time.
pub(super) async fn check_answers(
    core: &Core,
    cx: &Context<'_>,
    client: &Client,
    scope: &Scope,
) -> Result<()> {
    if scope.contains(Scope::OPENID) {
        core.check_answers(client)?;
        core.recipients().check(cx, client).await?;
    }
    Ok(())
}
