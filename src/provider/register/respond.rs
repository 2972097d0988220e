//! The endpoint on the wire.

use http::header::{ALLOW, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, StatusCode};

use super::{ClientInformation, enroll, manage};
use crate::error::{Error, ErrorCode, Reason, Result};
use crate::event::Endpoint;
use crate::provider::context::{Arrival, Context};
use crate::provider::core::Core;
use crate::provider::refusal;
use crate::secret::Secret;
use crate::types::{ClientId, Params};
use crate::wire::challenge::Challenge;
use crate::wire::{Authorization, Request, RequestHead, Response, cors, json_object, reply};

/// The methods of the endpoint.
const METHODS: &str = "GET, POST, PUT, DELETE";

/// Answers a request on the wire. A browser may read the answer from an origin of the client that it is about; until
/// there is one, nobody's may.
pub(crate) async fn respond(core: &Core, request: &Request) -> Response {
    if let Some(preflight) = cors::preflight(request, METHODS) {
        return preflight;
    }
    let arrival = Arrival::at(Endpoint::Registration, core);
    let cx = arrival.context();
    let outcome = cx.reported(answer(core, &cx, request).await);
    let mut response = outcome.unwrap_or_else(|error| refuse(&cx, request, &error));
    refusal::share(&cx, request, &mut response);
    response
}

async fn answer(core: &Core, cx: &Context<'_>, request: &Request) -> Result<Response> {
    let told = |status, information: &ClientInformation| reply::json(status, &information.to_json());
    match *request.method() {
        Method::POST => Ok(told(StatusCode::CREATED, &register(core, cx, request).await?)),
        Method::GET => {
            let (id, token) = credentials(request)?;
            Ok(told(StatusCode::OK, &manage::read(core, cx, (&id, &token)).await?))
        }
        Method::PUT => {
            let (id, token) = credentials(request)?;
            let members = json_object(request)?;
            Ok(told(StatusCode::OK, &manage::update(core, cx, (&id, &token), &members).await?))
        }
        Method::DELETE => {
            let (id, token) = credentials(request)?;
            manage::remove(core, cx, (&id, &token)).await.map(|()| reply::empty(StatusCode::NO_CONTENT))
        }
        _ => Err(Reason::MethodNotAllowed.into()),
    }
}

async fn register(core: &Core, cx: &Context<'_>, request: &Request) -> Result<ClientInformation> {
    if request.uri().query().is_some_and(|query| !query.is_empty()) {
        return Err(Reason::ParameterInQuery.into());
    }
    let token = bearer(request)?;
    enroll(core, cx, token.as_ref(), || json_object(request)).await
}

/// Which client the configuration URL names, and the token that comes along.
fn credentials(request: &Request) -> Result<(ClientId, Secret), Reason> {
    let token = bearer(request)?.ok_or(Reason::RegistrationTokenMissing)?;
    let query = Params::parse(request.uri().query().unwrap_or_default().as_bytes())?;
    let named = query.one("client_id")?.ok_or(Reason::ClientIdMissing)?;
    let id = ClientId::new(named).map_err(|_| Reason::RegistrationClientGone)?;
    Ok((id, token))
}

/// The token in the `Authorization` header, the one place where it is looked for.
fn bearer(request: &Request) -> Result<Option<Secret>, Reason> {
    Ok(match RequestHead::read(request)?.authorization {
        Some(Authorization::Bearer(token)) => Some(token),
        _ => None,
    })
}

/// The refusal, with a challenge where a token was wanted (RFC 6750 section 3).
fn refuse(cx: &Context<'_>, request: &Request, error: &Error) -> Response {
    let reason = error.reason();
    let mut response = refusal::json(cx, request, error);
    if reason == Reason::MethodNotAllowed {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(METHODS));
    }
    if reason.wire().0 == ErrorCode::InvalidToken {
        let missing = matches!(reason, Reason::InitialTokenMissing | Reason::RegistrationTokenMissing);
        let challenge = Challenge::bearer(cx.issuer());
        let challenge = if missing { challenge } else { challenge.with_reason(reason) };
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge.header_value());
    }
    response
}
