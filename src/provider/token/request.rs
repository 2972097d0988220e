//! The token request, once its client is known.

use crate::client::Client;
use crate::error::Reason;
use crate::provider::context::Context;
use crate::types::{AuthorizationDetails, Confirmation, Params, Resource, Scope};

/// Most `resource` parameters of one request.
const MAX_RESOURCES: usize = 16;

/// A client that has proved who it is, or a public one that named itself where that suffices.
///
/// Only client authentication can make one.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient(Client);

impl AuthenticatedClient {
    /// For client authentication alone.
    pub(in crate::provider) const fn proven(client: Client) -> Self {
        Self(client)
    }

    /// The client.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.0
    }
}

/// A request at the token endpoint (RFC 6749 section 3.2).
#[derive(Debug)]
#[non_exhaustive]
pub struct TokenRequest {
    /// Who asks.
    pub client: AuthenticatedClient,
    /// Its parameters, each still to be read with [`Params::one`].
    pub params: Params,
    /// The key that the request proved: the tokens will be bound to it.
    pub confirmation: Option<Confirmation>,
}

impl TokenRequest {
    /// The `scope` asked for, if any.
    ///
    /// # Errors
    /// [`Reason::ScopeMalformed`], or [`Reason::ParameterRepeated`].
    pub fn scope(&self) -> Result<Option<Scope>, Reason> {
        let scope = self.params.one("scope")?;
        scope.map(|scope| Scope::parse(scope).map_err(|_| Reason::ScopeMalformed)).transpose()
    }

    /// Checks that the request asks for nothing in detail, where nobody has agreed to anything in detail: what is ignored
    /// would be taken to be granted (RFC 9396 section 5).
    ///
    /// # Errors
    /// [`Reason::AuthorizationDetailsUnavailable`].
    pub fn without_authorization_details(&self) -> Result<(), Reason> {
        match self.params.many("authorization_details").next() {
            Some(_) => Err(Reason::AuthorizationDetailsUnavailable),
            None => Ok(()),
        }
    }

    /// The `resource` parameters, each once, in order (RFC 8707 section 2.2).
    ///
    /// # Errors
    /// [`Reason::ResourceMalformed`] when one is no absolute URI without fragment of at most 2048 bytes, or there are
    /// more than 16.
    pub fn resources(&self) -> Result<Vec<String>, Reason> {
        let mut resources: Vec<String> = Vec::new();
        for resource in self.params.many("resource") {
            if Resource::parse(resource).is_err() || resources.len() == MAX_RESOURCES {
                return Err(Reason::ResourceMalformed);
            }
            if !resources.iter().any(|known| known == resource) {
                resources.push(resource.to_owned());
            }
        }
        Ok(resources)
    }

    /// The `authorization_details` asked for, if any, each as its type has it (RFC 9396 section 6).
    ///
    /// # Errors
    /// [`Reason::AuthorizationDetailsMalformed`], [`Reason::AuthorizationDetailsTypeUnknown`],
    /// [`Reason::AuthorizationDetailsTypeNotAllowed`], and what the type itself refuses for.
    pub fn authorization_details(&self, cx: &Context<'_>) -> Result<Option<AuthorizationDetails>, Reason> {
        cx.details.read(self.client.client(), &self.params)
    }
}
