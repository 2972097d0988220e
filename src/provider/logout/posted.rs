//! A logout request that another site posted, on its way to us once more by GET.
//!
//! What was read is sealed, so that no ID token stands in an address, and however long a form was, what counts of it fits.

use serde_json::{from_slice, to_vec};

use super::request::{Kept, LogoutRequest};
use crate::error::{Internal, Reason, Result};
use crate::provider::authorize;
use crate::provider::context::Context;
use crate::provider::core::Core;
use crate::seal::{self, Unsealed};
use crate::types::Params;
use crate::wire::Response;

/// The parameter that holds it.
pub(super) const PARAMETER: &str = "posted";

/// Asks the browser for the same by GET, which brings the cookies of `SameSite=Lax` that a form of another site did not.
///
/// # Errors
/// [`Reason::PostedTooLarge`], or a random source that fails.
pub(super) fn by_get(cx: &Context<'_>, request: &LogoutRequest) -> Result<Response> {
    let bytes = to_vec(&Kept::of(request))
        .map_err(|error| Internal::new("could not serialise a logout request", error))?;
    let expires_at = cx.now.plus(cx.config.pending_lifetime);
    let sealed = seal::seal_text(cx.secrets, cx.entropy, &context(cx), expires_at, &bytes)?;
    let params = Params::from_pairs([(PARAMETER, sealed.as_str())]);
    let by_get = authorize::by_get(cx, &cx.config.paths.end_session, &params);
    Ok(by_get.ok_or(Reason::PostedTooLarge)?)
}

/// Reads what was sealed. Whoever has it could have sent the request itself, so that it may come from any browser.
///
/// # Errors
/// To be shown: [`Reason::PendingExpired`], [`Reason::LogoutPostedAltered`], or a store that fails.
pub(super) async fn open(core: &Core, cx: &Context<'_>, sealed: &str) -> Result<LogoutRequest> {
    let bytes = seal::open_text(cx.secrets, &context(cx), sealed, cx.now).map_err(|error| match error {
        Unsealed::Altered => Reason::LogoutPostedAltered,
        Unsealed::Expired => Reason::PendingExpired,
    })?;
    let kept: Kept = from_slice(&bytes).map_err(|_| Reason::LogoutPostedAltered)?;
    kept.restored(core, cx).await
}

fn context<'a>(cx: &Context<'a>) -> seal::Context<'a> {
    seal::Context { kind: "posted logout", issuer: cx.issuer(), key: b"" }
}
