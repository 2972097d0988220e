//! Introspection responses as JWTs (RFC 9701).

use http::StatusCode;
use http::header::ACCEPT;
use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::error::{Reason, Result};
use crate::jose::{self, SigningHeader};
use crate::provider::context::Context;
use crate::provider::core::Core;
use crate::provider::encryption::{self, Answer};
use crate::wire::{Request, Response, reply};

/// What such a response is (RFC 9701 section 5).
const MEDIA_TYPE: &str = "application/token-introspection+jwt";

/// Its `typ`, so that nobody takes it for an access token (RFC 9701 section 8.1).
const TYPE: &str = "token-introspection+jwt";

/// Whether the caller asks for a JWT, and may have one.
pub(super) fn is_wanted(core: &Core, request: &Request) -> bool {
    let mut accepted = request.headers().get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    core.switches.introspection_jwt && accepted.any(|value| value.split(',').any(names_it))
}

/// Whether an element of `Accept` names the type, and not as one that is not wanted (RFC 9110 section 12.4.2: the weight
/// 0).
fn names_it(element: &str) -> bool {
    let mut parts = element.split(';').map(str::trim);
    let is_it = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(MEDIA_TYPE));
    let unwanted = |part: &str| {
        let weight = part.split_once('=').filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
        weight.is_some_and(|(_, weight)| weight.trim().parse().is_ok_and(|weight: f32| weight <= 0.0))
    };
    is_it && !parts.any(unwanted)
}

/// The members as a JWT for `caller` (RFC 9701 section 5), signed by the algorithm that it registered, and encrypted
/// where it registered that.
///
/// # Errors
/// [`Reason::IntrospectionAlgUnavailable`]; the refusals of
/// [`Recipients::encrypter`](encryption::Recipients::encrypter).
pub(super) async fn respond(
    core: &Core,
    cx: &Context<'_>,
    caller: &Client,
    members: Map<String, Value>,
) -> Result<Response> {
    let encrypter = core.recipients().encrypter(cx, caller, Answer::Introspection).await?;
    let signer = core.keyring.signer_for(caller.metadata().introspection_signed_response_alg);
    let signer = signer.ok_or(Reason::IntrospectionAlgUnavailable)?;
    let claims = json!({
        "iss": cx.issuer(),
        "aud": caller.id().as_str(),
        "iat": cx.now.unix(),
        "token_introspection": members,
    });
    let signed = jose::sign(&SigningHeader::typed(TYPE), claims.to_string().as_bytes(), &*signer).await?;
    Ok(reply::jwt_of(StatusCode::OK, MEDIA_TYPE, encryption::nested(cx, encrypter.as_ref(), signed)?))
}
