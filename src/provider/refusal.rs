//! What a client is told of a refusal, and what the host is told of it.

use http::StatusCode;
use http::header::{AUTHORIZATION, ORIGIN, WWW_AUTHENTICATE};

use super::context::Context;
use super::proof;
use crate::error::{Error, ErrorCode, Result};
use crate::event::Endpoint;
use crate::wire::challenge::Challenge;
use crate::wire::{Request, Response, cors, reply};

/// What an endpoint that clients call by themselves answers: the response, or the refusal, which the event sink is told
/// of; with the nonce for the next proof, and for a browser of the client to read.
pub(super) fn answered(cx: &Context<'_>, request: &Request, outcome: Result<Response>) -> Response {
    let mut response = cx.reported(outcome).unwrap_or_else(|error| json(cx, request, &error));
    proof::answer_nonce(cx, &mut response);
    share(cx, request, &mut response);
    response
}

/// The body of RFC 6749 section 5.2.
///
/// A failed authentication is challenged where `Basic` was tried, whatever was wrong with it.
pub(super) fn json(cx: &Context<'_>, request: &Request, error: &Error) -> Response {
    let reason = error.reason();
    let mut response = reply::error_json(reason);
    cx.comeback.tell(&mut response);
    if let Error::Rejected(rejection) = error
        && let Some(wait) = rejection.retry_after()
    {
        reply::retry_after(&mut response, wait);
    }
    if reason.wire().0 == ErrorCode::InvalidClient && tried_basic(request) {
        response.headers_mut().insert(WWW_AUTHENTICATE, Challenge::basic(cx.issuer()).header_value());
    }
    response
}

fn tried_basic(request: &Request) -> bool {
    let mut headers = request.headers().get_all(AUTHORIZATION).iter();
    headers
        .any(|header| header.as_bytes().get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"basic")))
}

/// Lets a browser of the client that sent the request read the response (attack 328).
///
/// Not where client authentication failed: that would tell which clients there are. At userinfo a client is noted once
/// its token was found to be valid, and has to see which nonce its proof is to carry.
pub(super) fn share(cx: &Context<'_>, request: &Request, response: &mut Response) {
    let refused = response.status() == StatusCode::UNAUTHORIZED && cx.endpoint != Endpoint::Userinfo;
    if let Some(client) = cx.noted_client().filter(|_| !refused) {
        let origin = request.headers().get(ORIGIN).and_then(|origin| origin.to_str().ok());
        cors::allow(response.headers_mut(), origin, cors::AllowedOrigins::Listed(client.origins()));
    }
}
