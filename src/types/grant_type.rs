//! `grant_type`.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A `grant_type`: one of the registered names, or the absolute URI of an extension grant
/// (RFC 6749 section 4.5).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(from = "Cow<'_, str>")]
#[non_exhaustive]
pub enum GrantType {
    /// `authorization_code` (RFC 6749 section 4.1)
    AuthorizationCode,
    /// `urn:openid:params:grant-type:ciba` (OpenID Connect Client-Initiated Backchannel Authentication Core 1.0 section
    /// 10.1)
    Ciba,
    /// `client_credentials` (RFC 6749 section 4.4)
    ClientCredentials,
    /// `urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 section 3.4)
    DeviceCode,
    /// `implicit` (RFC 6749 section 4.2): tokens in the authorization response. No token request has it.
    Implicit,
    /// `urn:ietf:params:oauth:grant-type:jwt-bearer` (RFC 7523 section 2.1)
    JwtBearer,
    /// `refresh_token` (RFC 6749 section 6)
    RefreshToken,
    /// `urn:ietf:params:oauth:grant-type:token-exchange` (RFC 8693 section 2.1)
    TokenExchange,
    /// The grant of a host, by its own name.
    Extension(Arc<str>),
}

const CIBA: &str = "urn:openid:params:grant-type:ciba";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

impl GrantType {
    /// The name on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::Ciba => CIBA,
            Self::ClientCredentials => "client_credentials",
            Self::DeviceCode => DEVICE_CODE,
            Self::Implicit => "implicit",
            Self::JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
            Self::RefreshToken => "refresh_token",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
            Self::Extension(name) => name,
        }
    }
}

impl From<&str> for GrantType {
    fn from(name: &str) -> Self {
        match name {
            "authorization_code" => Self::AuthorizationCode,
            CIBA => Self::Ciba,
            "client_credentials" => Self::ClientCredentials,
            DEVICE_CODE => Self::DeviceCode,
            "implicit" => Self::Implicit,
            "refresh_token" => Self::RefreshToken,
            "urn:ietf:params:oauth:grant-type:jwt-bearer" => Self::JwtBearer,
            "urn:ietf:params:oauth:grant-type:token-exchange" => Self::TokenExchange,
            other => Self::Extension(other.into()),
        }
    }
}

impl From<String> for GrantType {
    fn from(name: String) -> Self {
        Self::from(name.as_str())
    }
}

impl From<Cow<'_, str>> for GrantType {
    fn from(name: Cow<'_, str>) -> Self {
        Self::from(&*name)
    }
}

impl Serialize for GrantType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl From<GrantType> for String {
    fn from(grant_type: GrantType) -> Self {
        grant_type.as_str().to_owned()
    }
}

impl fmt::Display for GrantType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
