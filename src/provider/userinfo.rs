//! Userinfo (OpenID Connect Core 1.0 section 5.3): what an access token lets its client know of a person.

use http::header::ALLOW;
use http::{HeaderValue, Method, StatusCode};
use serde_json::Value;

use super::context::{Arrival, Context};
use super::core::Core;
use super::encryption::{self, Answer};
use super::proof;
use super::release::Asked;
use super::{refusal, subject};
use crate::accounts::AccountQuery;
use crate::client::Client;
use crate::error::{Error, Internal, Reason, Rejection, Result};
use crate::event::Endpoint;
use crate::jose::{self, Content, SigningAlg, SigningHeader};
use crate::proof::possession::Presentation;
use crate::secret::Secret;
use crate::store::AccessToken;
use crate::types::{Authentication, Claims, Params, Scope};
use crate::wire::token_refusal::{TokenRefusal, TokenTaker};
use crate::wire::{Authorization, Request, RequestHead, Response, cors, form_post, reply};

/// The parameter that carries a token in a form (RFC 6750 section 2.2).
const ACCESS_TOKEN: &str = "access_token";

/// Answers a request on the wire.
pub(crate) async fn respond(core: &Core, request: &Request) -> Response {
    if let Some(preflight) = cors::preflight(request, "GET, POST") {
        return preflight;
    }
    let arrival = Arrival::at(Endpoint::Userinfo, core);
    let cx = arrival.context();
    let outcome = cx.reported(answer(core, &cx, request).await);
    let mut response = outcome.unwrap_or_else(|error| refuse(core, &cx, (request, &error)));
    proof::answer_nonce(&cx, &mut response);
    refusal::share(&cx, request, &mut response);
    response
}

/// Answers for a token that came by another transport.
pub(crate) async fn userinfo(core: &Core, token: &Secret) -> Result<Claims> {
    let arrival = Arrival::at(Endpoint::Userinfo, core);
    let cx = arrival.context();
    cx.reported(unproved(core, &cx, token).await)
}

/// The claims that a token lets its client know, where nothing but the token came.
async fn unproved(core: &Core, cx: &Context<'_>, token: &Secret) -> Result<Claims> {
    let token = valid(core, cx, token).await?;
    if token.confirmation.is_some() {
        return Err(Reason::AccessTokenBound.into());
    }
    let client = owner(core, cx, &token).await?;
    claims(core, cx, (&client, &token)).await
}

async fn answer(core: &Core, cx: &Context<'_>, request: &Request) -> Result<Response> {
    let head = RequestHead::read(request)?;
    let (presentation, text) = presented(core, request, &head)?;
    let token = valid(core, cx, &text).await?;
    let client = owner(core, cx, &token).await?;
    proof::check(core, cx, &head, (presentation, text.expose(), &token)).await?;
    let claims = claims(core, cx, (&client, &token)).await?;
    let encrypter = core.recipients().encrypter(cx, &client, Answer::Userinfo).await?;
    let signing = client.metadata().userinfo_signed_response_alg;
    let jwt = match (signing, encrypter) {
        (Some(alg), encrypter) => {
            let signed = Box::pin(signed(core, cx, &client, (alg, claims))).await?;
            encryption::nested(cx, encrypter.as_ref(), signed)?
        }
        (None, Some(encrypter)) => {
            let claims = Value::Object(claims.into_map()).to_string();
            encrypter.encrypt(Content::Claims(claims.as_bytes()), cx.entropy)?
        }
        (None, None) => return Ok(reply::json(StatusCode::OK, &claims)),
    };
    Ok(reply::jwt(StatusCode::OK, jwt))
}

/// The claims as a JWT for the client (OpenID Connect Core 1.0 section 5.3.2). It has neither `iat` nor `exp` nor
/// `nonce`, so that nobody takes it for an ID token (attack 161).
async fn signed(
    core: &Core,
    cx: &Context<'_>,
    client: &Client,
    (alg, mut claims): (SigningAlg, Claims),
) -> Result<String> {
    let signer = core.keyring.signer(alg);
    let missing = || Internal::new("could not sign a userinfo response", format!("no active {alg} key"));
    let signer = signer.ok_or_else(missing)?;
    claims.insert("iss", cx.issuer());
    claims.insert("aud", client.id().as_str());
    let payload = Value::Object(claims.into_map()).to_string();
    Ok(jose::sign(&SigningHeader::new(), payload.as_bytes(), &*signer).await?)
}

/// The one token that the request carries: in the header, or in the form of a POST, never in the query, where it would
/// end up in logs and histories (attack 203, attack 204).
fn presented(core: &Core, request: &Request, head: &RequestHead) -> Result<(Presentation, Secret), Reason> {
    if !matches!(*request.method(), Method::GET | Method::POST) {
        return Err(Reason::MethodNotAllowed);
    }
    let query = Params::parse(request.uri().query().unwrap_or_default().as_bytes())?;
    if query.iter().any(|(name, _)| name == ACCESS_TOKEN) {
        return Err(Reason::AccessTokenInQuery);
    }
    let in_header = match &head.authorization {
        Some(Authorization::Bearer(token)) => Some((Presentation::Bearer, token.clone())),
        Some(Authorization::Dpop(token)) if core.dpop.is_some() => Some((Presentation::Dpop, token.clone())),
        _ => None,
    };
    // A client that sends the header may POST without a form.
    let form = match request.body().is_empty() || request.method() == Method::GET {
        true => Params::default(),
        false => form_post(request)?,
    };
    match (in_header, form.one(ACCESS_TOKEN)?) {
        (Some(_), Some(_)) => Err(Reason::AccessTokenTwice),
        (Some(presented), None) => Ok(presented),
        (None, Some(token)) => Ok((Presentation::Bearer, Secret::new(token))),
        (None, None) => Err(Reason::AccessTokenMissing),
    }
}

async fn valid(core: &Core, cx: &Context<'_>, token: &Secret) -> Result<AccessToken> {
    let token = core.presented(cx, token.expose()).await?.ok_or(Reason::AccessTokenInvalid)?;
    cx.note_grant_id(token.grant);
    Ok(token)
}

/// The client that the token was issued to.
async fn owner(core: &Core, cx: &Context<'_>, token: &AccessToken) -> Result<Client> {
    let client = core.stores.clients.client(&token.client, cx.now).await?;
    let client = client.filter(|client| !client.settings().disabled).ok_or(Reason::AccessTokenClientGone)?;
    cx.note_client(&client);
    Ok(client)
}

async fn claims(core: &Core, cx: &Context<'_>, (client, token): (&Client, &AccessToken)) -> Result<Claims> {
    // A client that acts for itself has no person to tell of, whatever scope it has (attack 202).
    let Some(authentication) = token.authentication.as_ref().filter(|_| token.scope.contains(Scope::OPENID))
    else {
        return Err(Reason::AccessTokenScope.into());
    };
    let account = account(core, cx, (token, authentication)).await?;
    // Of the account the client gets what scope and `claims` parameter let it know, nothing else.
    let asked = Asked { scope: &token.scope, names: &token.userinfo };
    let mut claims = asked.released(&account);
    claims.insert("sub", subject::of_person(cx, client, &authentication.subject));
    Ok(claims)
}

async fn account(
    core: &Core,
    cx: &Context<'_>,
    (token, authentication): (&AccessToken, &Authentication),
) -> Result<Claims> {
    let accounts = core.accounts.as_deref().ok_or(Reason::AccessTokenSubjectGone)?;
    let query = AccountQuery::new(&authentication.subject, &token.client, &token.scope, cx.now)
        .with_claims(&token.userinfo)
        .with_claims_locales(&token.claims_locales);
    match accounts.claims(query).await {
        Ok(Some(claims)) => Ok(claims),
        Ok(None) => Err(Reason::AccessTokenSubjectGone.into()),
        Err(error) => Err(Rejection::caused(Reason::AccountsUnavailable, error).into()),
    }
}

/// The refusal with its challenge.
fn refuse(core: &Core, cx: &Context<'_>, (request, error): (&Request, &Error)) -> Response {
    let reason = error.reason();
    let openid = Scope::parse(Scope::OPENID).unwrap_or_default();
    let described = core.resource_documents.url_for(&cx.config.issuer.endpoint(&cx.config.paths.userinfo));
    let taker = TokenTaker {
        realm: cx.issuer(),
        dpop_algs: core.dpop.as_ref().map(|dpop| names(dpop.algorithms())),
        metadata_url: described.as_deref(),
    };
    let mut response = taker.refuse(&TokenRefusal {
        reason,
        sent_as_dpop: sent_as_dpop(request),
        scope: (reason == Reason::AccessTokenScope).then_some(&openid),
        step_up: None,
    });
    cx.comeback.tell(&mut response);
    if reason == Reason::MethodNotAllowed {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, POST"));
    }
    response
}

fn names(algorithms: &[SigningAlg]) -> String {
    algorithms.iter().map(|alg| alg.as_str()).collect::<Vec<_>>().join(" ")
}

fn sent_as_dpop(request: &Request) -> bool {
    let head = RequestHead::read(request);
    head.is_ok_and(|head| matches!(head.authorization, Some(Authorization::Dpop(_))))
}
