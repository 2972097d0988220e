//! Where a logout ends.

use std::fmt;

use super::request::LogoutRequest;
use crate::types::Params;
use crate::wire::{Response, location, reply};

/// A logout that is done: where the browser goes, or that it stays.
#[derive(Clone)]
#[must_use]
pub struct LoggedOut {
    continue_to: Option<String>,
}

impl LoggedOut {
    /// Back to the address of the request with its `state` and nothing else (OpenID Connect RP-Initiated Logout 1.0
    /// section 3).
    pub(super) fn returning(request: &LogoutRequest) -> Self {
        let state = request.state.as_deref().map(|state| ("state", state));
        let params = Params::from_pairs(state);
        let uri = request.post_logout_redirect_uri.as_ref();
        Self { continue_to: uri.map(|uri| location::append_query(uri, &params)) }
    }

    /// Whether the browser goes on to an address of the client's; otherwise it is shown a page, for which the host may
    /// have one of its own.
    #[must_use]
    pub const fn leads_on(&self) -> bool {
        self.continue_to.is_some()
    }

    /// The response: a redirect, or a page headed "You are signed out".
    #[must_use]
    pub fn response(&self) -> Response {
        match &self.continue_to {
            Some(uri) => reply::redirect(uri),
            None => reply::signed_out_page(),
        }
    }
}

/// Leaves out `state`.
impl fmt::Debug for LoggedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoggedOut").field("leads_on", &self.leads_on()).finish_non_exhaustive()
    }
}
