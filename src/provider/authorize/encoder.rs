//! How authorization responses travel: the built-in response modes, and the door for a host's own.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use super::return_address::ReturnAddress;
use crate::client::Client;
use crate::error::Result;
use crate::provider::context::Context;
use crate::types::{Params, ResponseMode, ResponseType};
use crate::wire::{Response, location, reply};

/// One way in which authorization responses, good and bad, reach a client: what answers one `response_mode`.
///
/// # Security
/// The only place to which a response may go is the [`ReturnAddress`], which a client registered. Whatever an encoder
/// makes is given the headers of [`security_headers`](crate::wire::reply::security_headers), `no-store` among them; a
/// `Location` is followed by 303, and one that leads elsewhere than to the redirect URI is an
/// [`InternalFault`](crate::error::Reason::InternalFault).
#[async_trait]
pub trait ResponseEncoder: Debug + Send + Sync {
    /// The `response_mode` that requests ask for it by; the builder refuses two encoders of one mode.
    fn response_mode(&self) -> &str;

    /// Whether a response to `client` may travel so when an access token or an ID token is in it. What ends up in
    /// histories and in the logs of servers, as a query does, must not carry one in clear (OAuth 2.0 Multiple
    /// Response Type Encoding Practices section 3).
    fn may_carry_tokens(&self, client: &Client) -> bool;

    /// Whether a response to `client` can be made at all, asked before anybody is. Default: it can.
    ///
    /// # Errors
    /// Why not; it is shown on a page of the provider.
    async fn check(&self, cx: &Context<'_>, client: &Client) -> Result<()> {
        let _ = (cx, client);
        Ok(())
    }

    /// Makes the response that brings `params` to the client, each of them unchanged. `state`, when there is one to
    /// repeat, and `iss` are among them.
    ///
    /// # Errors
    /// Any error. What the response would have brought is revoked; the error is then sent to the client in the same
    /// way, and shown on a page of the provider when that fails too.
    async fn encode(&self, cx: &Context<'_>, back: &ReturnAddress, params: &Params) -> Result<Response>;
}

const _: fn(&dyn ResponseEncoder) = |_| ();

/// The response modes of a provider: the built-in ones, and those of the host.
#[derive(Clone, Debug)]
pub(crate) struct Encoders {
    query: Arc<dyn ResponseEncoder>,
    fragment: Arc<dyn ResponseEncoder>,
    others: Vec<Arc<dyn ResponseEncoder>>,
}

impl Default for Encoders {
    fn default() -> Self {
        Self { query: Arc::new(Query), fragment: Arc::new(Fragment), others: vec![Arc::new(FormPost)] }
    }
}

impl Encoders {
    /// Adds one of the host's; `false` when its mode is taken.
    pub(crate) fn add(&mut self, encoder: Arc<dyn ResponseEncoder>) -> bool {
        let free = self.named(encoder.response_mode()).is_none();
        if free {
            self.others.push(encoder);
        }
        free
    }

    /// The encoder of a mode.
    pub(super) fn named(&self, response_mode: &str) -> Option<&Arc<dyn ResponseEncoder>> {
        self.iter().find(|encoder| encoder.response_mode() == response_mode)
    }

    /// The encoder that answers when a request asks for no mode.
    pub(super) fn usual(&self, response_type: Option<ResponseType>) -> &Arc<dyn ResponseEncoder> {
        match response_type.map(ResponseType::default_mode) {
            Some(ResponseMode::Fragment) => &self.fragment,
            _ => &self.query,
        }
    }

    /// The modes that are answered, the built-in ones first.
    pub(crate) fn modes(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|encoder| encoder.response_mode())
    }

    fn iter(&self) -> impl Iterator<Item = &Arc<dyn ResponseEncoder>> {
        [&self.query, &self.fragment].into_iter().chain(&self.others)
    }
}

/// `query`
#[derive(Debug)]
struct Query;

#[async_trait]
impl ResponseEncoder for Query {
    fn response_mode(&self) -> &str {
        ResponseMode::Query.as_str()
    }

    fn may_carry_tokens(&self, _: &Client) -> bool {
        false
    }

    async fn encode(&self, _: &Context<'_>, back: &ReturnAddress, params: &Params) -> Result<Response> {
        Ok(reply::redirect(&location::append_query(back.redirect_uri(), params)))
    }
}

/// `fragment`
#[derive(Debug)]
struct Fragment;

#[async_trait]
impl ResponseEncoder for Fragment {
    fn response_mode(&self) -> &str {
        ResponseMode::Fragment.as_str()
    }

    fn may_carry_tokens(&self, _: &Client) -> bool {
        true
    }

    async fn encode(&self, _: &Context<'_>, back: &ReturnAddress, params: &Params) -> Result<Response> {
        Ok(reply::redirect(&location::append_fragment(back.redirect_uri(), params)))
    }
}

/// `form_post`
#[derive(Debug)]
struct FormPost;

#[async_trait]
impl ResponseEncoder for FormPost {
    fn response_mode(&self) -> &str {
        ResponseMode::FormPost.as_str()
    }

    fn may_carry_tokens(&self, _: &Client) -> bool {
        true
    }

    async fn encode(&self, _: &Context<'_>, back: &ReturnAddress, params: &Params) -> Result<Response> {
        Ok(back.posted(params))
    }
}
