//! The authorization response, good or bad (RFC 6749 sections 4.1.2 and 4.1.2.1, RFC 9207).

use std::time::Duration;

use http::header::{ALLOW, LOCATION};
use http::{HeaderValue, StatusCode};

use super::return_address::ReturnAddress;
use crate::error::{Error, Reason};
use crate::provider::context::Context;
use crate::provider::core::Core;
use crate::secret::Secret;
use crate::types::{Params, ResponseMode};
use crate::wire::{Response, location, reply};

/// After how long a browser that met a failing store may ask again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Most bytes of parameters that a browser is sent back with in a query.
const MAX_QUERY_BYTES: usize = 4096;

/// Why a request goes no further, and who is told.
///
/// What fails before a redirect URI was matched is shown to the person: that is what `?` makes of an error. Only
/// who holds a [`ReturnAddress`] can send one to a client.
#[derive(Debug)]
pub(super) enum Failure {
    /// On a page of the provider, without a redirect.
    Show(Error),
    /// To the client.
    Return(Box<ReturnAddress>, Error),
}

impl Failure {
    /// Why.
    pub(super) fn reason(&self) -> Reason {
        let (Self::Show(error) | Self::Return(_, error)) = self;
        error.reason()
    }

    /// Tells the event sink, and answers.
    pub(super) fn answer(self, core: &Core, cx: &Context<'_>) -> Response {
        let (Self::Show(error) | Self::Return(_, error)) = &self;
        cx.report(error);
        let reason = error.reason();
        match self {
            Self::Show(_) => show(core, reason),
            Self::Return(back, _) => refusal(cx, &back, reason),
        }
    }
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Show(error.into())
    }
}

/// The response that carries a code.
pub(super) fn code(cx: &Context<'_>, back: &ReturnAddress, code: &Secret) -> Response {
    encode(cx, back, &[("code", code.expose())])
}

/// The response that carries an error.
pub(super) fn refusal(cx: &Context<'_>, back: &ReturnAddress, reason: Reason) -> Response {
    let description = reason.description();
    encode(cx, back, &[("error", reason.wire().0.as_str()), ("error_description", &description)])
}

/// Asks the browser for the same request by GET; `None` when it is too long for that.
///
/// A form that another site posts comes without our cookie, which is `SameSite=Lax`. Were a new one set then, any site
/// could end what the person has begun in other tabs. A GET brings the cookie, if there is one.
pub(super) fn by_get(cx: &Context<'_>, params: &Params) -> Option<Response> {
    let query = params.encode();
    let endpoint = cx.config.issuer.endpoint(&cx.config.paths.authorization);
    (query.len() <= MAX_QUERY_BYTES).then(|| reply::redirect(&format!("{endpoint}?{query}")))
}

/// Adds `state` and `iss`, which are in every response, and sends it as the request asked.
fn encode(cx: &Context<'_>, back: &ReturnAddress, params: &[(&str, &str)]) -> Response {
    let state = back.state().map(|state| ("state", state));
    let everywhere = state.into_iter().chain([("iss", cx.issuer())]);
    let params = Params::from_pairs(params.iter().copied().chain(everywhere));
    let uri = back.redirect_uri();
    match back.response_mode() {
        ResponseMode::FormPost => reply::form_post_page(uri, &params),
        ResponseMode::Fragment => reply::redirect(&location::append_fragment(uri, &params)),
        ResponseMode::Query => reply::redirect(&location::append_query(uri, &params)),
    }
}

/// The host's page for what must not be redirected. Whatever the page says of itself, it leads nowhere, cannot be
/// framed and is not cached.
pub(in crate::provider) fn show(core: &Core, reason: Reason) -> Response {
    let mut page = core.error_page.page(reason);
    *page.status_mut() = reply::status(reason);
    page.headers_mut().remove(LOCATION);
    reply::security_headers(page.headers_mut());
    match page.status() {
        StatusCode::METHOD_NOT_ALLOWED => {
            page.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, POST"));
        }
        StatusCode::SERVICE_UNAVAILABLE => reply::retry_after(&mut page, RETRY_AFTER),
        _ => {}
    }
    page
}
