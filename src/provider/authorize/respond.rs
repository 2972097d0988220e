//! The authorization response, good or bad (RFC 6749 sections 4.1.2 and 4.1.2.1, RFC 9207).

use http::header::{ALLOW, CONTENT_SECURITY_POLICY, LOCATION, REFRESH, SET_COOKIE};
use http::{HeaderValue, StatusCode};

use super::issued::Issued;
use super::return_address::ReturnAddress;
use crate::error::{Error, Internal, Reason, Result};
use crate::provider::context::Context;
use crate::provider::core::Core;
use crate::provider::token::TokenResponse;
use crate::types::{Params, RedirectUri};
use crate::wire::{Response, reply};

/// Most bytes of parameters that a browser is sent back with in a query: what servers take in one line, 8 KiB at least,
/// less the address and some room.
const MAX_QUERY_BYTES: usize = 7 * 1024;

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

    /// What failed, for those who tell it another way.
    pub(super) fn into_error(self) -> Error {
        let (Self::Show(error) | Self::Return(_, error)) = self;
        error
    }

    /// Answers where nobody has signed in for the request, as while it is read.
    ///
    /// Anybody can register an address here and send people a request that fails. So that this leads nobody there who
    /// only trusts the provider, the person decides whether to go (RFC 9700 section 4.11.2), unless the host knows the
    /// client.
    pub(super) async fn answer_before_login(mut self, core: &Core, cx: &Context<'_>) -> Response {
        let reason = self.reason();
        if let Self::Return(back, _) = &mut self
            && back.client().is_self_registered()
            && !cx.config.dangerous_redirected_errors
        {
            back.leave_to_the_person(reason);
        }
        self.answer(core, cx).await
    }

    /// Tells the event sink, and answers.
    pub(super) async fn answer(self, core: &Core, cx: &Context<'_>) -> Response {
        let (Self::Show(error) | Self::Return(_, error)) = &self;
        cx.report(error);
        let reason = error.reason();
        let Self::Return(back, _) = self else { return show(core, reason) };
        match refusal(cx, &back, reason).await {
            Ok(response) => response,
            Err(error) => {
                cx.report(&error);
                show(core, error.reason())
            }
        }
    }
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Show(error.into())
    }
}

/// The response that carries what was issued.
pub(super) async fn success(cx: &Context<'_>, back: &ReturnAddress, issued: &Issued) -> Result<Response> {
    let token = issued.token.as_ref().map(TokenResponse::to_params).unwrap_or_default();
    let code = issued.code.iter().map(|code| ("code", code.expose()));
    let id_token = issued.id_token.iter().map(|id_token| ("id_token", id_token.expose()));
    let params: Vec<_> =
        code.chain(token.iter().map(|(name, value)| (*name, &**value))).chain(id_token).collect();
    encode(cx, back, &params).await
}

/// The response that carries an error.
async fn refusal(cx: &Context<'_>, back: &ReturnAddress, reason: Reason) -> Result<Response> {
    let description = reason.description();
    encode(cx, back, &[("error", reason.wire().0.as_str()), ("error_description", &description)]).await
}

/// Asks the browser for the same request to the endpoint at `path` by GET; `None` when it is too long for that.
///
/// A form that another site posts comes without our cookie, which is `SameSite=Lax`. Were a new one set then, any site
/// could end what the person has begun in other tabs. A GET brings the cookie, if there is one.
pub(in crate::provider) fn by_get(cx: &Context<'_>, path: &str, params: &Params) -> Option<Response> {
    let query = params.encode();
    let endpoint = cx.config.issuer.endpoint(path);
    (query.len() <= MAX_QUERY_BYTES).then(|| reply::redirect(&format!("{endpoint}?{query}")))
}

/// Adds `state` and `iss`, which are in every response, and `session_state` where browsers are watched, and sends it as
/// the request asked.
async fn encode(cx: &Context<'_>, back: &ReturnAddress, params: &[(&str, &str)]) -> Result<Response> {
    let state = back.state().map(|state| ("state", state));
    let everywhere = state.into_iter().chain([("iss", cx.issuer())]);
    let told = back.told(cx)?;
    let session_state = told.as_ref().map(|told| ("session_state", told.session_state.as_str()));
    let params = Params::from_pairs(params.iter().copied().chain(everywhere).chain(session_state));
    let mut response = back.encoder().encode(cx, back, &params).await?;
    response.headers_mut().remove(REFRESH);
    if response.headers().contains_key(LOCATION) {
        let locations: Vec<_> = response.headers().get_all(LOCATION).iter().collect();
        if !matches!(*locations, [location] if leads_back(location, back.redirect_uri())) {
            return Err(Internal::new("could not encode a response", "it leads to another address").into());
        }
        // No other redirect leaves behind what the browser posted here (attack 46).
        *response.status_mut() = StatusCode::SEE_OTHER;
    }
    if let Some(reason) = back.left_to_the_person() {
        response = left_to_the_person(cx, response, back, reason)?;
    }
    response.headers_mut().extend(told.and_then(|told| told.set_cookie).map(|cookie| (SET_COOKIE, cookie)));
    reply::security_headers(response.headers_mut());
    Ok(response)
}

/// The same response, but for the person to send on.
fn left_to_the_person(
    cx: &Context<'_>,
    mut response: Response,
    back: &ReturnAddress,
    reason: Reason,
) -> Result<Response> {
    let Some(location) = response.headers().get(LOCATION) else {
        // A page, of the host's own encoder perhaps: a sandbox keeps it from running scripts and from refreshing.
        let sandbox = HeaderValue::from_static("sandbox allow-forms");
        response.headers_mut().append(CONTENT_SECURITY_POLICY, sandbox);
        return Ok(response);
    };
    let location = location.to_str().map_err(|error| Internal::new("could not encode a response", error))?;
    let mut page =
        reply::error_link_page((reply::status(reason), reason.wire().1), back.redirect_uri(), location);
    cx.comeback.tell(&mut page);
    Ok(page)
}

/// Whether this is the redirect URI, to which nothing but a query or a fragment was added.
fn leads_back(location: &HeaderValue, redirect_uri: &RedirectUri) -> bool {
    let uri = redirect_uri.as_str().as_bytes();
    let open_query = uri.ends_with(b"?") || uri.ends_with(b"&");
    location.as_bytes().strip_prefix(uri).is_some_and(|added| match added.first() {
        None | Some(b'#') => true,
        Some(b'?') => !uri.contains(&b'?'),
        Some(b'&') => uri.contains(&b'?'),
        Some(_) => open_query,
    })
}

/// The host's page for what must not be redirected. Whatever the page says of itself, it leads nowhere, cannot be
/// framed and is not cached.
pub(in crate::provider) fn show(core: &Core, reason: Reason) -> Response {
    let mut page = core.error_page.page(reason);
    *page.status_mut() = reply::status(reason);
    page.headers_mut().remove(LOCATION);
    reply::security_headers(page.headers_mut());
    if page.status() == StatusCode::METHOD_NOT_ALLOWED {
        page.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, POST"));
    }
    core.comeback.tell(&mut page);
    page
}
