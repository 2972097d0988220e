//! Requests that were pushed, where they are read and where the browser brings their reference (RFC 9126).

use super::draft::{self, Draft, Settled};
use super::request::AuthorizationRequest;
use super::respond::Failure;
use super::{read, request_object};
use crate::client::Client;
use crate::error::{Reason, Result};
use crate::provider::context::Context;
use crate::provider::core::Core;
use crate::provider::pushed::{self, PushedRequest, PushedRequests};
use crate::types::{Confirmation, Params, Thumbprint};

/// Reads a request that is pushed as one that arrives in a browser: from plain parameters or a request object.
///
/// # Errors
/// What a browser would be shown, or the client told through it.
pub(in crate::provider) async fn read_pushed(
    core: &Core,
    cx: &Context<'_>,
    client: &Client,
    (params, proved): (Params, Option<Confirmation>),
) -> Result<PushedRequest> {
    let plain = Draft { client: client.clone(), params, watched: None, settled: None, pushed: None };
    let whole = async {
        draft::check_decisive(&plain.params)?;
        let draft = request_object::resolve(core, cx, plain).await?;
        read(core, cx, &draft).await
    };
    let (_, request, params) = whole.await.map_err(Failure::into_error)?;
    let jkt = bound_to(&request, proved)?.map(|thumbprint| thumbprint.to_string());
    // A client that authenticates need not name itself in the form.
    let others = params.iter().filter(|(name, _)| !["client_id", "dpop_jkt"].contains(name));
    let named = [("client_id", client.id().as_str())].into_iter();
    let bound = jkt.iter().map(|jkt| ("dpop_jkt", jkt.as_str()));
    let params = Params::from_pairs(others.chain(named).chain(bound));
    Ok(PushedRequest::new(client.id().clone(), &params, request.scope, request.id_token_hint))
}

/// The key that the code will be bound to: that of `dpop_jkt`, that of a proof beside it, or both where they are one
/// (RFC 9449 section 10.1).
fn bound_to(
    request: &AuthorizationRequest,
    proved: Option<Confirmation>,
) -> Result<Option<Thumbprint>, Reason> {
    match (request.dpop_jkt, proved) {
        (Some(named), Some(Confirmation::Jkt(proved))) if named != proved => Err(Reason::DpopKeyMismatch),
        (_, Some(Confirmation::Jkt(proved))) => Ok(Some(proved)),
        (named, _) => Ok(named),
    }
}

/// The pushed request that `plain` refers to; `None` where it is a request itself.
///
/// Nothing beside the reference and `client_id` counts (attack 63).
///
/// # Errors
/// To be shown, since where a response would go was not pushed: [`Reason::PushedRequestRequired`] (attack 64),
/// [`Reason::RequestSourcesCombined`], [`Reason::PushedRequestUnknown`], [`Reason::PushedRequestForeign`].
pub(super) async fn referred(core: &Core, cx: &Context<'_>, plain: &Draft) -> Result<Option<Draft>, Failure> {
    // A reference that stands twice is refused as any parameter that does.
    let request_uri = plain.params.one("request_uri").ok().flatten();
    let request_uri = request_uri.filter(|uri| pushed::is_reference(core, uri));
    let Some(request_uri) = request_uri else {
        return if must_push(core, &plain.client) {
            Err(Reason::PushedRequestRequired.into())
        } else {
            Ok(None)
        };
    };
    if plain.has("request") {
        return Err(Reason::RequestSourcesCombined.into());
    }
    let PushedRequest { params, scope, hint, .. } =
        pushed::visit(core, cx, (plain.client.id(), request_uri)).await?;
    Ok(Some(Draft {
        client: plain.client.clone(),
        params: Params::from_pairs(params),
        watched: plain.watched.clone(),
        settled: Some(Settled { scope, hint }),
        pushed: Some(request_uri.to_owned()),
    }))
}

/// Whether a request of the client that was not pushed is refused. Where nothing can be pushed, such a client is
/// refused whatever it sends.
fn must_push(core: &Core, client: &Client) -> bool {
    core.pushed_requests == Some(PushedRequests::Required)
        || client.metadata().require_pushed_authorization_requests
}
