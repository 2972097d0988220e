//! Where a response may go.

use std::fmt;

use super::draft::Draft;
use super::rules::response;
use crate::error::Reason;
use crate::types::{RedirectUri, ResponseMode, ResponseType};

/// The only place to which an authorization response, or an error, may be sent.
///
/// There is one way to have it: the match of a request with a redirect URI that its client registered.
#[derive(Clone, PartialEq, Eq)]
pub struct ReturnAddress {
    redirect_uri: RedirectUri,
    mode: ResponseMode,
    state: Option<String>,
}

impl ReturnAddress {
    /// Matches the `redirect_uri` of a request with those that its client registered (RFC 9700 section 4.1.3).
    ///
    /// Without the parameter it is the one registered, unless the request is one of OpenID Connect, which demands
    /// the parameter (OpenID Connect Core 1.0 section 3.1.2.1).
    ///
    /// # Errors
    /// To be shown, never redirected: [`Reason::RedirectUriMissing`], [`Reason::RedirectUriNotRegistered`].
    pub(super) fn registered(draft: &Draft) -> Result<Self, Reason> {
        let registered = &draft.client.metadata().redirect_uris;
        let redirect_uri = match (draft.params.one("redirect_uri")?, registered.as_slice()) {
            (Some(presented), all) => {
                all.iter().find_map(|uri| uri.matched(presented)).ok_or(Reason::RedirectUriNotRegistered)?
            }
            (None, [only]) if !draft.asks_openid() => only.clone(),
            (None, _) => return Err(Reason::RedirectUriMissing),
        };
        let state = response::state(&draft.params).ok().flatten();
        Ok(Self { redirect_uri, mode: mode(draft)?, state })
    }

    /// The redirect URI; where a loopback address is registered, with the port of the request.
    #[must_use]
    pub const fn redirect_uri(&self) -> &RedirectUri {
        &self.redirect_uri
    }

    /// How the response gets there.
    #[must_use]
    pub const fn response_mode(&self) -> ResponseMode {
        self.mode
    }

    /// The `state` to repeat, byte for byte; `None` when the request had none that may be repeated.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }
}

/// The mode asked for, if it can be had, and otherwise the one that the response type brings: errors about the mode
/// go there. A response type that carries tokens is never answered in a query, not even with an error (attack 27).
fn mode(draft: &Draft) -> Result<ResponseMode, Reason> {
    let response_type = draft.params.one("response_type")?.and_then(|text| text.parse::<ResponseType>().ok());
    let default = response_type.map_or(ResponseMode::Query, ResponseType::default_mode);
    let asked = draft.params.one("response_mode")?.and_then(|text| text.parse().ok()).unwrap_or(default);
    let insecure = asked == ResponseMode::Query && default == ResponseMode::Fragment;
    Ok(if insecure { default } else { asked })
}

/// Leaves out `state`, which can be a secret of the client.
impl fmt::Debug for ReturnAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReturnAddress({}, {})", self.redirect_uri, self.mode)
    }
}
