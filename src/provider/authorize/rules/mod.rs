//! What an authorization request must be: one file for each family of parameters, and the door for a host's own.

pub(super) mod claims;
pub(super) mod details;
pub(super) mod dpop;
pub(super) mod oidc;
pub(super) mod pkce;
pub(super) mod resource;
pub(super) mod response;
pub(super) mod scope;
pub(super) mod unsupported;

pub(in crate::provider) use oidc::locales;
pub(in crate::provider) use response::state;

use std::fmt::Debug;

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::request::AuthorizationRequest;
use crate::client::Client;
use crate::error::{Reason, Result};
use crate::provider::context::Context;
use crate::types::Params;

/// Most bytes in `state`, `nonce` and every hint: they are taken whole or refused, never cut.
pub(super) const MAX_VALUE_BYTES: usize = 2048;

/// A request as a rule is asked about it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Asked<'a> {
    /// Who asks.
    pub client: &'a Client,
    /// What the built-in rules read.
    pub request: &'a AuthorizationRequest,
    /// The standard parameters but for `id_token_hint`, and those that a rule declares; each still to be read with
    /// [`Params::one`].
    pub params: &'a Params,
}

/// A rule of the host's for authorization requests, asked after the built-in ones.
///
/// It is asked when a request arrives and each time it is resumed, always before the person can agree to it.
#[async_trait]
pub trait AuthorizationRule: Debug + Send + Sync {
    /// Whether the request may go on.
    ///
    /// # Errors
    /// The reason, which is returned to the client; a host's own are [`Reason::Custom`].
    async fn check(&self, cx: &Context<'_>, asked: &Asked<'_>) -> Result<()>;

    /// The parameters that it reads beyond the standard ones; no others reach it. Default none.
    fn parameters(&self) -> &[&str] {
        &[]
    }

    /// Adds to discovery what it makes possible. Default nothing.
    fn describe(&self, _metadata: &mut Map<String, Value>) {}
}

const _: fn(&dyn AuthorizationRule) = |_| ();

/// The value of `name`, if it is no longer than any value may be.
pub(in crate::provider) fn bounded<'a>(
    params: &'a Params,
    name: &str,
    too_long: Reason,
) -> Result<Option<&'a str>, Reason> {
    match params.one(name)? {
        Some(value) if value.len() > MAX_VALUE_BYTES => Err(too_long),
        value => Ok(value),
    }
}
