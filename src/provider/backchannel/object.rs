//! Signed authentication requests (CIBA Core section 7.1.1). Whatever is wrong with one is `invalid_request`.

use std::time::Duration;

use crate::client::Client;
use crate::clock::{NODE_SKEW, Timestamp};
use crate::error::{Error, Reason, Rejection, Result};
use crate::jose::{ClaimsSet, PresentedRequestObject, RequestObjectError};
use crate::provider::authorize;
use crate::provider::client_keys::Unverified;
use crate::provider::context::Context;
use crate::provider::core::Core;
use crate::provider::replay;
use crate::types::Params;

/// How long one is good at most, and how old it may be: 60 minutes (attack 230).
const MAX_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// Most bytes in `jti`.
const MAX_JTI_BYTES: usize = 256;

/// Where used `jti` values are kept.
const REPLAY_SPACE: &str = "authentication request";

/// The parameters of a signed request, which is good once; no others count.
pub(super) async fn parameters(
    core: &Core,
    cx: &Context<'_>,
    client: &Client,
    object: &str,
) -> Result<Params> {
    let presented = PresentedRequestObject::parse(object).map_err(refused)?;
    if presented.is_unsigned() {
        return Err(Reason::BackchannelUnsigned.into());
    }
    let alg = client.metadata().backchannel_authentication_request_signing_alg;
    let claims = authorize::verified_object(core, cx, client, (presented, alg)).await.map_err(unverified)?;
    let (jti, until) = sound(cx, &claims)?;
    let id = replay::id(client.id(), &jti);
    let params = authorize::parameters_of_object(claims).map_err(|_| Reason::BackchannelObjectParameter)?;
    let named = params.one("client_id").map_err(|_| Reason::BackchannelObjectParameter)?;
    if named.is_some_and(|named| named != client.id().as_str()) {
        return Err(Reason::BackchannelObjectParties.into());
    }
    let replays = core.stores.replays.as_deref().ok_or(Reason::BackchannelObjectReplayed)?;
    match replays.first_use(REPLAY_SPACE, &id, until, cx.now).await? {
        true => Ok(params),
        false => Err(Reason::BackchannelObjectReplayed.into()),
    }
}

/// The `jti`, and until when it has to be remembered. Every claim of section 7.1.1 is there, and the times are near.
fn sound(cx: &Context<'_>, claims: &ClaimsSet) -> Result<(String, Timestamp), Reason> {
    let required = ["iss", "aud", "exp", "iat", "nbf", "jti"];
    if required.iter().any(|name| claims.value(name).is_none()) {
        return Err(Reason::BackchannelObjectClaims);
    }
    let Some(exp) = claims.time("exp").ok().flatten().filter(|_| claims.is_within(MAX_LIFETIME, cx.now))
    else {
        return Err(Reason::BackchannelObjectTimes);
    };
    match claims.str("jti").filter(|jti| (1..=MAX_JTI_BYTES).contains(&jti.len())) {
        Some(jti) => Ok((jti.to_owned(), exp.plus(cx.config.clock_skew).plus(NODE_SKEW))),
        None => Err(Reason::BackchannelObjectClaims),
    }
}

fn unverified(error: Unverified<RequestObjectError>) -> Error {
    match error {
        Unverified::NoKeys | Unverified::NotFetched => Reason::BackchannelObjectSignature.into(),
        Unverified::Refused(error) => refused(error),
        Unverified::Unfetched(error) => Rejection::caused(Reason::BackchannelObjectSignature, error).into(),
    }
}

fn refused(error: RequestObjectError) -> Error {
    let reason = match error {
        RequestObjectError::Algorithm => Reason::BackchannelObjectAlgorithm,
        RequestObjectError::Audience | RequestObjectError::Issuer | RequestObjectError::Assertion => {
            Reason::BackchannelObjectParties
        }
        RequestObjectError::Signature => Reason::BackchannelObjectSignature,
        RequestObjectError::Times | RequestObjectError::Unbounded => Reason::BackchannelObjectTimes,
        RequestObjectError::Unsigned => Reason::BackchannelUnsigned,
        _ => Reason::BackchannelObjectMalformed,
    };
    Rejection::caused(reason, error).into()
}
