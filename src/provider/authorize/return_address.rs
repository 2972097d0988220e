//! Where a response may go.

use std::fmt;
use std::sync::Arc;

use super::draft::Draft;
use super::encoder::{Encoders, ResponseEncoder};
use super::rules::response;
use crate::client::Client;
use crate::error::{Reason, Result};
use crate::provider::context::Context;
use crate::provider::session_state::{Told, Watched};
use crate::types::{Authentication, Params, RedirectUri, ResponseType};
use crate::wire::{Response, reply};

/// The only place to which an authorization response, or an error, may be sent.
///
/// There is one way to have it: the match of a request with a redirect URI that its client registered.
#[derive(Clone)]
pub struct ReturnAddress {
    client: Client,
    redirect_uri: RedirectUri,
    response_type: Option<ResponseType>,
    encoder: Arc<dyn ResponseEncoder>,
    state: Option<String>,
    openid: bool,
    watched: Option<Watched>,
    /// Why the person decides whether the response goes there; `None` where it goes by itself.
    left_to_the_person: Option<Reason>,
}

impl ReturnAddress {
    /// Matches the `redirect_uri` of a request with those that its client registered (RFC 9700 section 4.1.3).
    ///
    /// Without the parameter it is the one registered, unless the request is one of OpenID Connect, which demands
    /// the parameter (OpenID Connect Core 1.0 section 3.1.2.1).
    ///
    /// # Errors
    /// To be shown, never redirected: [`Reason::RedirectUriMissing`], [`Reason::RedirectUriNotRegistered`].
    pub(super) fn registered(encoders: &Encoders, draft: &Draft) -> Result<Self, Reason> {
        let registered = &draft.client.metadata().redirect_uris;
        let redirect_uri = match (draft.params.one("redirect_uri")?, registered.as_slice()) {
            (Some(presented), all) => {
                all.iter().find_map(|uri| uri.matched(presented)).ok_or(Reason::RedirectUriNotRegistered)?
            }
            (None, [only]) if !draft.asks_openid() => only.clone(),
            (None, _) => return Err(Reason::RedirectUriMissing),
        };
        let response_type = draft.params.one("response_type")?.and_then(|text| text.parse().ok());
        Ok(Self {
            client: draft.client.clone(),
            redirect_uri,
            response_type,
            encoder: Arc::clone(encoder(encoders, draft, response_type)?),
            state: response::state(&draft.params).ok().flatten(),
            openid: draft.asks_openid(),
            watched: draft.watched.clone(),
            left_to_the_person: None,
        })
    }

    /// The client that registered it.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// The redirect URI; where a loopback address is registered, with the port of the request.
    #[must_use]
    pub const fn redirect_uri(&self) -> &RedirectUri {
        &self.redirect_uri
    }

    /// What the client asked for; `None` when it is nothing that is known, which the response then says.
    #[must_use]
    pub const fn response_type(&self) -> Option<ResponseType> {
        self.response_type
    }

    /// How the response gets there, as a `response_mode`.
    #[must_use]
    pub fn response_mode(&self) -> &str {
        self.encoder.response_mode()
    }

    pub(super) fn encoder(&self) -> &dyn ResponseEncoder {
        &*self.encoder
    }

    /// From here on nothing goes there by itself, since the request was refused for this reason.
    pub(super) const fn leave_to_the_person(&mut self, reason: Reason) {
        self.left_to_the_person = Some(reason);
    }

    /// Why the person decides whether the response goes there; `None` where it goes by itself.
    pub(super) const fn left_to_the_person(&self) -> Option<Reason> {
        self.left_to_the_person
    }

    /// A page that posts `params` there: by itself, or only by its button.
    pub(super) fn posted(&self, params: &Params) -> Response {
        match self.left_to_the_person {
            None => reply::form_post_page(&self.redirect_uri, params),
            Some(reason) => {
                let refusal = (reply::status(reason), reason.wire().1);
                reply::error_form_page(refusal, &self.redirect_uri, params)
            }
        }
    }

    pub(super) fn note_login(&mut self, cx: &Context<'_>, login: Option<&Authentication>) {
        if let Some(watched) = &mut self.watched {
            watched.note(cx, login);
        }
    }

    /// What the response tells of the browser's login state; `None` where nobody may watch it, or the request is none of
    /// OpenID Connect.
    pub(super) fn told(&self, cx: &Context<'_>) -> Result<Option<Told>> {
        let watched = self.watched.as_ref().filter(|_| self.openid);
        watched.map(|watched| watched.told(cx, &self.client, &self.redirect_uri)).transpose()
    }

    /// The `state` to repeat, byte for byte; `None` when the request had none that may be repeated.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }
}

/// The mode asked for, if it can be had, and otherwise the one that the response type brings: errors about the mode
/// go there. A response type that carries tokens is never answered in a query, not even with an error (attack 27).
fn encoder<'e>(
    encoders: &'e Encoders,
    draft: &Draft,
    response_type: Option<ResponseType>,
) -> Result<&'e Arc<dyn ResponseEncoder>, Reason> {
    let asked = draft.params.one("response_mode")?.and_then(|mode| encoders.named(mode));
    let may_have_tokens = response_type.is_some_and(ResponseType::has_front_channel_token);
    let safe = asked.filter(|encoder| !may_have_tokens || encoder.may_carry_tokens(&draft.client));
    Ok(safe.unwrap_or_else(|| encoders.usual(response_type)))
}

/// Leaves out `state`, which can be a secret of the client.
impl fmt::Debug for ReturnAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReturnAddress({}, {})", self.redirect_uri, self.response_mode())
    }
}
