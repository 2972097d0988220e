//! How a client authenticates.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// How a client authenticates at the endpoints that it calls itself (`token_endpoint_auth_method`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum ClientAuthMethod {
    /// The secret in an `Authorization: Basic` header (RFC 6749 section 2.3.1); the default of RFC 7591.
    #[default]
    ClientSecretBasic,
    /// An assertion with a MAC by the secret (RFC 7523 section 2.2, OpenID Connect Core section 9).
    ClientSecretJwt,
    /// The secret in the body (RFC 6749 section 2.3.1).
    ClientSecretPost,
    /// None: a public client.
    None,
    /// A signed assertion (RFC 7523 section 2.2, OpenID Connect Core section 9).
    PrivateKeyJwt,
    /// The certificate of the connection, whose key the client registered (RFC 8705 section 2.2).
    SelfSignedTlsClientAuth,
    /// The certificate of the connection, whose subject the client registered (RFC 8705 section 2.1).
    TlsClientAuth,
    /// The method of a host, by its own name; a provider without its authenticator refuses it.
    Extension(Arc<str>),
}

impl ClientAuthMethod {
    /// The method in the words of RFC 7591.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretJwt => "client_secret_jwt",
            Self::ClientSecretPost => "client_secret_post",
            Self::None => "none",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::SelfSignedTlsClientAuth => "self_signed_tls_client_auth",
            Self::TlsClientAuth => "tls_client_auth",
            Self::Extension(name) => name,
        }
    }

    /// Whether it rests on a secret that client and provider share.
    #[must_use]
    pub const fn uses_secret(&self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretJwt | Self::ClientSecretPost)
    }

    /// Whether it rests on the certificate of the connection.
    #[must_use]
    pub const fn uses_certificate(&self) -> bool {
        matches!(self, Self::SelfSignedTlsClientAuth | Self::TlsClientAuth)
    }
}

impl From<&str> for ClientAuthMethod {
    fn from(name: &str) -> Self {
        match name {
            "client_secret_basic" => Self::ClientSecretBasic,
            "client_secret_jwt" => Self::ClientSecretJwt,
            "client_secret_post" => Self::ClientSecretPost,
            "none" => Self::None,
            "private_key_jwt" => Self::PrivateKeyJwt,
            "self_signed_tls_client_auth" => Self::SelfSignedTlsClientAuth,
            "tls_client_auth" => Self::TlsClientAuth,
            other => Self::Extension(other.into()),
        }
    }
}

impl From<String> for ClientAuthMethod {
    fn from(name: String) -> Self {
        Self::from(name.as_str())
    }
}

impl From<ClientAuthMethod> for String {
    fn from(method: ClientAuthMethod) -> Self {
        method.as_str().to_owned()
    }
}
