//! Where a logout ends.

use std::fmt;

use http::HeaderValue;
use http::header::SET_COOKIE;

use super::request::LogoutRequest;
use crate::types::Params;
use crate::wire::reply::{self, Onward};
use crate::wire::{Response, location};

/// A logout that is done here: where the browser goes, or that it stays. Clients may be told of it later, or never.
#[derive(Clone)]
#[must_use]
pub struct LoggedOut {
    continue_to: Option<String>,
    by_link: bool,
    frames: Vec<String>,
    set_cookie: Option<HeaderValue>,
}

impl LoggedOut {
    /// Back to the address of the request with its `state` and nothing else (OpenID Connect RP-Initiated Logout 1.0
    /// section 3). Where nobody vouches for the address, the browser does not go there by itself: anybody can register
    /// one here, and would have us lead people to it (attack 234, RFC 9700 section 4.11.2).
    pub(super) fn returning(request: &LogoutRequest) -> Self {
        let state = request.state.as_deref().map(|state| ("state", state));
        let params = Params::from_pairs(state);
        let uri = request.post_logout_redirect_uri.as_ref();
        let continue_to = uri.map(|uri| location::append_query(uri, &params));
        Self { continue_to, by_link: !request.is_vouched_for(), frames: Vec::new(), set_cookie: None }
    }

    /// The same, also by itself: the hint was of the session that has ended here, so that its person knows the client.
    pub(super) const fn by_itself(mut self) -> Self {
        self.by_link = false;
        self
    }

    /// By way of a page that loads these.
    pub(super) fn through(mut self, frames: Vec<String>) -> Self {
        self.frames = frames;
        self
    }

    /// With this cookie, which tells clients that watch the browser.
    pub(super) fn with_cookie(mut self, set_cookie: Option<HeaderValue>) -> Self {
        self.set_cookie = set_cookie;
        self
    }

    /// Whether the browser goes on, to an address of the client's, by a link to it or into frames of clients, which is for
    /// [`response`](LoggedOut::response) to do; otherwise the host may show a page of its own.
    #[must_use]
    pub fn leads_on(&self) -> bool {
        self.continue_to.is_some() || !self.frames.is_empty()
    }

    /// The `Set-Cookie` header that the response must carry, whatever that is: it tells clients that watch the browser
    /// (OpenID Connect Session Management 1.0). [`response`](LoggedOut::response) has it.
    #[must_use]
    pub const fn set_cookie(&self) -> Option<&HeaderValue> {
        self.set_cookie.as_ref()
    }

    /// The response: a redirect, or a page, with the frames and the link if there are any, headed "You are signed out".
    #[must_use]
    pub fn response(&self) -> Response {
        let mut response = match self.continue_to.as_deref() {
            Some(uri) if self.by_link => {
                reply::signed_out_in_frames_page(&self.frames, Some(Onward::ByLink(uri)))
            }
            Some(uri) if self.frames.is_empty() => reply::redirect(uri),
            Some(uri) => reply::signed_out_in_frames_page(&self.frames, Some(Onward::ByItself(uri))),
            None => reply::signed_out_in_frames_page(&self.frames, None),
        };
        response.headers_mut().extend(self.set_cookie.clone().map(|cookie| (SET_COOKIE, cookie)));
        response
    }
}

/// Leaves out `state` and the cookie.
impl fmt::Debug for LoggedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoggedOut").field("leads_on", &self.leads_on()).finish_non_exhaustive()
    }
}
