//! Request objects, turned into the parameters that they stand for (OpenID Connect Core 1.0 section 6, RFC 9101).

use std::sync::Arc;

use serde_json::{Map, Value};

use super::draft::{self, Draft};
use super::request::is_standard;
use super::respond::Failure;
use super::return_address::ReturnAddress;
use crate::client::{Client, RequestObjectAlg};
use crate::clock::Timestamp;
use crate::error::{Error, Reason, Rejection, Result};
use crate::jose::{
    ClaimsSet, JwkSet, PresentedRequestObject, RegisteredKeys, RequestObjectError, RequestObjectVerifier,
    SigningAlg,
};
use crate::limiter::LimitPoint;
use crate::provider::client_keys::{self, ClientToken, Unverified};
use crate::provider::context::Context;
use crate::provider::core::Core;
use crate::provider::request_object_rules::OuterParameters;
use crate::types::{MAX_PARAMS, Params, ResponseType};

/// Claims that speak of the object and not of the request (RFC 7519 section 4.1).
const OF_THE_OBJECT: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/// Parameters beside the object that count in any case: OpenID Connect Core 1.0 section 6.1 wants them there, for the
/// request to be one of OAuth 2.0. Where they are in the object too, both are the same.
const ALWAYS_OUTER: [&str; 2] = ["client_id", "response_type"];

/// Parameters of which each item of an array is one value (RFC 8707 section 2).
const REPEATABLE: [&str; 1] = ["resource"];

/// Parameters that are JSON themselves.
const STRUCTURED: [&str; 3] = ["authorization_details", "claims", "registration"];

/// Where the request object of a request is.
enum Source {
    Reference(String),
    Value(String),
}

/// The request that a draft of plain parameters means: that of its request object, if it has one.
///
/// Until an object is accepted nothing in it counts, so that an error goes to the address among the plain parameters,
/// if the client registered that, and is shown otherwise.
pub(super) async fn resolve(core: &Core, cx: &Context<'_>, plain: Draft) -> Result<Draft, Failure> {
    let returned = |error: Error| match ReturnAddress::registered(&core.encoders, &plain) {
        Ok(back) => Failure::Return(Box::new(back), error),
        Err(_) => Failure::Show(error),
    };
    let Some(source) = source(core, &plain)? else {
        let sent = ["request", "request_uri"].iter().any(|name| plain.has(name));
        let required = core.config.requirements.signed_request_object
            || plain.client.metadata().require_signed_request_object;
        if required && !sent {
            return Err(returned(Reason::RequestObjectRequired.into()));
        }
        return Ok(plain);
    };
    // An address that the plain parameters leave out may be in the object, and need not be the only one registered.
    let returned = |error| if plain.has("redirect_uri") { returned(error) } else { Failure::Show(error) };
    let claims = accepted(core, cx, &plain.client, source).await.map_err(returned)?;
    // Who asks is in doubt, and so is whoever could be told.
    if claims.value("client_id").is_some_and(|id| id != plain.client.id().as_str()) {
        return Err(Reason::RequestObjectClient.into());
    }
    let inner = parameters(claims).map_err(|reason| returned(reason.into()))?;
    check_response_type(&plain.params, &inner).map_err(|reason| returned(reason.into()))?;
    let params = merged(&plain.params, &inner, core.config.request_objects.outer_parameters);
    draft::check_decisive(&params)?;
    Ok(Draft { params, ..plain })
}

/// The object, where one is sent in a way that is turned on; the other ways are left for the rules to refuse.
///
/// # Errors
/// To be shown, since the object decides where a response goes: [`Reason::RequestSourcesCombined`] (attack 75),
/// [`Reason::ParameterRepeated`].
fn source(core: &Core, plain: &Draft) -> Result<Option<Source>, Reason> {
    let by_reference = core.request_uris.is_some();
    let one = |name| plain.params.one(name).map(|value| value.map(str::to_owned));
    match (plain.has("request"), plain.has("request_uri")) {
        (true, true) => Err(Reason::RequestSourcesCombined),
        (true, false) if core.switches.request_parameter => Ok(one("request")?.map(Source::Value)),
        (false, true) if by_reference => Ok(one("request_uri")?.map(Source::Reference)),
        _ => Ok(None),
    }
}

/// The claims of an object that is what it has to be.
async fn accepted(core: &Core, cx: &Context<'_>, client: &Client, source: Source) -> Result<ClaimsSet> {
    let presented = match &source {
        Source::Reference(uri) => presented(core, client, &fetched(core, cx, client, uri).await?),
        Source::Value(object) => presented(core, client, object),
    };
    let presented = presented.map_err(refused)?;
    let registered = client.metadata().request_object_signing_alg;
    if presented.is_unsigned() || registered == Some(RequestObjectAlg::None) {
        let allowed = core.switches.unsigned_request_objects && registered == Some(RequestObjectAlg::None);
        if !allowed {
            let unsigned = presented.is_unsigned();
            let error = if unsigned { RequestObjectError::Unsigned } else { RequestObjectError::Algorithm };
            return Err(refused(error).into());
        }
        let read = core.request_objects.read_unsigned(&presented, client.id(), cx.now);
        return read.map_err(|error| refused(error).into());
    }
    let alg = match registered {
        Some(RequestObjectAlg::Signed(alg)) => Some(alg),
        Some(RequestObjectAlg::None) | None => None,
    };
    verified(core, cx, client, (presented, alg)).await.map_err(|error| unverified(error).into())
}

/// The claims of an object that `client` signed, by the one algorithm that it registered, if it did.
pub(in crate::provider) async fn verified(
    core: &Core,
    cx: &Context<'_>,
    client: &Client,
    (presented, alg): (PresentedRequestObject, Option<SigningAlg>),
) -> Result<ClaimsSet, Unverified<RequestObjectError>> {
    let object = Object { verifier: &core.request_objects, presented, client, alg, now: cx.now };
    client_keys::verify(cx, core.remote_keys.as_deref(), client, &object).await
}

/// The object, decrypted if it is encrypted: from there on what was inside of it is an object like any other.
///
/// Deviates from OpenID Connect Dynamic Client Registration 1.0 section 2, where a client that registers
/// `request_object_encryption_alg` only may encrypt: because a client that does so wants nobody on the way to
/// read its requests, and whoever can change them could put a plain object in the place of an encrypted one.
fn presented(
    core: &Core,
    client: &Client,
    object: &str,
) -> Result<PresentedRequestObject, RequestObjectError> {
    let registered = client.metadata().request_object_encryption();
    match (PresentedRequestObject::parse(object), &core.decrypter) {
        (Err(RequestObjectError::Encrypted), Some(decrypter)) => {
            let registered = registered.map(|algs| (algs.alg, algs.enc));
            PresentedRequestObject::decrypt(object, decrypter, registered)
        }
        (Ok(_), _) if registered.is_some() => Err(RequestObjectError::Unencrypted),
        (parsed, _) => parsed,
    }
}

/// The text at a `request_uri`, which must be one of the client's to the last character (attack 78).
///
/// Anybody can send a request, so the limiter is asked before the client's server is (RFC 9101 section 10.4.1).
async fn fetched(core: &Core, cx: &Context<'_>, client: &Client, uri: &str) -> Result<Arc<String>> {
    let registered = client.metadata().request_uris.iter().find(|registered| registered.as_str() == uri);
    let registered = registered.ok_or(Reason::RequestUriNotRegistered)?;
    let remote = core.request_uris.as_ref().ok_or(Reason::RequestUriUnsupported)?;
    core.admit(cx, LimitPoint::RequestUri, client.id()).await?;
    Ok(remote.get(registered).await?)
}

/// One signed object that is to be verified.
struct Object<'a> {
    verifier: &'a RequestObjectVerifier,
    presented: PresentedRequestObject,
    client: &'a Client,
    alg: Option<SigningAlg>,
    now: Timestamp,
}

impl ClientToken for Object<'_> {
    type Verified = ClaimsSet;
    type Refusal = RequestObjectError;

    fn is_keyed_by(&self, keys: &JwkSet) -> bool {
        self.presented.is_keyed_by(keys)
    }

    fn verify(&self, keys: &JwkSet) -> Result<ClaimsSet, RequestObjectError> {
        let registered = RegisteredKeys::new(self.client.id(), keys).with_algorithm(self.alg);
        self.verifier.verify(&self.presented, registered, self.now)
    }

    fn is_of_keys(refusal: &RequestObjectError) -> bool {
        *refusal == RequestObjectError::Signature
    }
}

fn unverified(error: Unverified<RequestObjectError>) -> Rejection {
    match error {
        Unverified::NoKeys => Reason::RequestObjectKeysMissing.into(),
        Unverified::NotFetched => Reason::RequestObjectKeysNotFetched.into(),
        Unverified::Refused(error) => refused(error),
        Unverified::Unfetched(error) => Rejection::caused(Reason::RequestObjectKeysUnfetched, error),
    }
}

fn refused(error: RequestObjectError) -> Rejection {
    Rejection::caused(error.into(), error)
}

/// The parameters that the claims of an object are (RFC 9101 section 4).
///
/// Texts are values as they are, whole numbers and booleans are written as JSON writes them, and what is JSON in a plain
/// request is JSON in the object without being quoted.
pub(in crate::provider) fn parameters(claims: ClaimsSet) -> Result<Params, Reason> {
    let claims = claims.into_map();
    // Attack 76: an object that leads to another could lead anywhere.
    if claims.contains_key("request") || claims.contains_key("request_uri") {
        return Err(Reason::RequestObjectNested);
    }
    let pairs = pairs(&claims)?;
    if pairs.len() > MAX_PARAMS || pairs.iter().any(|(_, value)| value.contains('\0')) {
        return Err(Reason::RequestObjectParameter);
    }
    Ok(Params::from_pairs(pairs))
}

fn pairs(claims: &Map<String, Value>) -> Result<Vec<(&str, String)>, Reason> {
    let mut pairs = Vec::new();
    for (name, value) in claims {
        match value {
            _ if OF_THE_OBJECT.contains(&name.as_str()) => {}
            Value::Array(items) if REPEATABLE.contains(&name.as_str()) => {
                for item in items {
                    let text = item.as_str().ok_or(Reason::RequestObjectParameter)?;
                    pairs.push((name.as_str(), text.to_owned()));
                }
            }
            value => pairs.push((name.as_str(), text(name, value)?)),
        }
    }
    Ok(pairs)
}

fn text(name: &str, value: &Value) -> Result<String, Reason> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) => Ok(value.to_string()),
        Value::Number(number) if !number.is_f64() => Ok(value.to_string()),
        // What is not known may be of a rule of the host, which knows its form.
        Value::Array(_) | Value::Object(_) if STRUCTURED.contains(&name) || !is_standard(name) => {
            Ok(value.to_string())
        }
        Value::Array(_) | Value::Null | Value::Number(_) | Value::Object(_) => {
            Err(Reason::RequestObjectParameter)
        }
    }
}

/// `response_type` beside the object must be that inside of it, if both are there (OpenID Connect Core 1.0 section
/// 6.1).
///
/// Deviates from OpenID Connect Core 1.0 section 6.1 where it is not beside the object: because RFC 9101 section 5
/// demands `client_id` alone, and that is what clients send.
fn check_response_type(outer: &Params, inner: &Params) -> Result<(), Reason> {
    let (Some(beside), Some(inside)) = (outer.one("response_type")?, inner.one("response_type")?) else {
        return Ok(());
    };
    // The words of a response type have no order.
    let known = |text: &str| text.parse::<ResponseType>().ok();
    let same = beside == inside || known(beside).is_some_and(|beside| known(inside) == Some(beside));
    if same { Ok(()) } else { Err(Reason::RequestObjectResponseType) }
}

/// What is inside, and beside it what counts of what is outside and not inside: by its name alone, so that a parameter
/// without a value inside is a parameter without a value.
fn merged(outer: &Params, inner: &Params, rule: OuterParameters) -> Params {
    let counts = |name: &str| match rule {
        OuterParameters::Ignored => ALWAYS_OUTER.contains(&name),
        OuterParameters::Supplementing => name != "request" && name != "request_uri",
    };
    let is_inside = |name: &str| inner.iter().any(|(known, _)| known == name);
    let added = outer.iter().filter(|(name, _)| counts(name) && !is_inside(name));
    Params::from_pairs(inner.iter().chain(added))
}
