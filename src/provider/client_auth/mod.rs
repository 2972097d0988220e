//! Client authentication: exactly one method in a request, and it is the registered one.

use std::fmt::Debug;

use async_trait::async_trait;

use super::context::Context;
use crate::client::{Client, ClientAuthMethod};
use crate::error::Result;
use crate::secret::Secret;
use crate::types::{ClientId, Params};
use crate::wire::RequestHead;

/// Credentials that a request carries, as one method found them; nothing has been checked.
#[derive(Debug)]
#[non_exhaustive]
pub struct Credentials {
    /// The client that they name.
    pub client_id: ClientId,
    /// The method that found them.
    pub method: ClientAuthMethod,
    /// The secret or assertion; `None` for the method `none`.
    pub proof: Option<Secret>,
}

/// One method of client authentication.
#[async_trait]
pub trait ClientAuthenticator: Debug + Send + Sync {
    /// The method; the builder refuses two authenticators of one method.
    fn method(&self) -> ClientAuthMethod;

    /// Finds this method's credentials; `None` if the request carries none of its kind.
    ///
    /// # Errors
    /// The reason when it carries them malformed.
    fn extract(&self, head: &RequestHead, params: &Params) -> Result<Option<Credentials>>;

    /// Checks the credentials against the client, which has registered this method.
    ///
    /// # Errors
    /// The reason of the refusal.
    async fn verify(&self, cx: &Context<'_>, client: &Client, credentials: &Credentials) -> Result<()>;
}

const _: fn(&dyn ClientAuthenticator) = |_| ();
