//! Dynamic registration (RFC 7591) and the management of what registered (RFC 7592), at one endpoint.
//!
//! The configuration of a client is the registration endpoint with its `client_id` in the query, so that every path of
//! the provider stays one that is compared byte for byte.

mod answer;
mod encryption;
mod initial;
mod manage;
mod record;
mod settings;
mod validate;

use http::header::{ALLOW, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, StatusCode};

pub(crate) use initial::mint as mint_initial_token;
pub(crate) use manage::{client, remove_by_host, set_settings};
pub(crate) use record::RegisteredClients;
pub use settings::{InitialTokenUses, Registration, RegistrationPolicy};

use self::answer::Information;
use self::record::Registered;
use super::context::{Arrival, Context};
use super::core::Core;
use super::refusal;
use crate::client::{ClientMetadata, ClientSecret};
use crate::error::{Error, ErrorCode, Reason, Result};
use crate::event::{Endpoint, EventKind};
use crate::limiter::LimitPoint;
use crate::secret::{Secret, generate};
use crate::types::ClientId;
use crate::wire::challenge::Challenge;
use crate::wire::{Authorization, Request, RequestHead, Response, json_object, reply};

/// The methods of the endpoint.
const METHODS: &str = "GET, POST, PUT, DELETE";

/// Bits of randomness in a `client_id`.
const CLIENT_ID_BITS: usize = 128;

/// Answers a request on the wire.
pub(crate) async fn respond(core: &Core, request: &Request) -> Response {
    let arrival = Arrival::at(Endpoint::Registration, core);
    let cx = arrival.context();
    match answer(core, &cx, request).await {
        Ok(response) => response,
        Err(error) => {
            cx.report(&error);
            refuse(&cx, request, &error)
        }
    }
}

async fn answer(core: &Core, cx: &Context<'_>, request: &Request) -> Result<Response> {
    match *request.method() {
        Method::POST => Ok(register(core, cx, request).await?.respond(cx, StatusCode::CREATED)),
        Method::GET => Ok(manage::read(core, cx, request).await?.respond(cx, StatusCode::OK)),
        Method::PUT => Ok(manage::update(core, cx, request).await?.respond(cx, StatusCode::OK)),
        Method::DELETE => {
            manage::remove(core, cx, request).await.map(|()| reply::empty(StatusCode::NO_CONTENT))
        }
        _ => Err(Reason::MethodNotAllowed.into()),
    }
}

/// Registers a client. An initial access token that is good once is used up when all else has been found sound.
async fn register(core: &Core, cx: &Context<'_>, request: &Request) -> Result<Information> {
    let registration = core.registration.as_ref().ok_or(Reason::NotFound)?;
    core.admit_key(cx, LimitPoint::Registration, "").await?;
    if request.uri().query().is_some_and(|query| !query.is_empty()) {
        return Err(Reason::ParameterInQuery.into());
    }
    let admission = initial::admit(core, cx, registration, request).await?;
    let members = json_object(request)?;
    let metadata = validate::metadata(&validate::Rules::of(core, registration), &members)?;
    let metadata = encryption::registered(core, &members, metadata)?;
    let metadata = registration.reviewed(cx, None, metadata).await?;
    let (client_secret, secrets) = issued_secret(cx, &metadata)?;
    let token = record::mint_token(cx)?;
    let id =
        ClientId::new(generate(cx.entropy, CLIENT_ID_BITS)?.expose()).map_err(|_| Reason::InternalFault)?;
    let registered =
        Registered::new(&token, cx.now, metadata, registration.client_settings().clone(), secrets);
    let client = registered.client(&id).map_err(|refused| validate::refusal(&refused))?;
    let record = registered.record(cx, &id)?;
    initial::use_up(core, cx, admission).await?;
    record::registry(core)?.register(record, cx.now).await?;
    cx.note_client(&client);
    cx.emit(&cx.event(EventKind::ClientRegistered));
    Ok(Information { client_id: id, registered, client_secret, token })
}

/// A new secret, for a client whose method rests on one.
fn issued_secret(cx: &Context<'_>, metadata: &ClientMetadata) -> Result<(Option<Secret>, Vec<ClientSecret>)> {
    if !metadata.token_endpoint_auth_method.uses_secret() {
        return Ok((None, Vec::new()));
    }
    let (text, kept) = ClientSecret::generate(cx.secrets, cx.entropy)?;
    Ok((Some(text), vec![kept]))
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
