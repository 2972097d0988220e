//! The token request, once its client is known.

use crate::client::Client;
use crate::types::Params;

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
}
