//! What flags can be set to.

use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;
use vouchsafe::client::AccessTokenFormatChoice;
use vouchsafe::provider::{self, PushedRequests};
use vouchsafe::secret::Secret;

/// A kind of client that the server is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// All of OpenID Connect, for conformance runs: every response type, PKCE of public clients alone, request objects
    /// and ID tokens that need no signature, encryption, new accounts, registration, and errors that lead at once to
    /// whoever registered
    Openid,
    /// OAuth 2.1: no tokens but by the token endpoint
    #[value(name = "oauth21")]
    OAuth21,
    /// The FAPI 2.0 Security Profile: pushed requests, tokens bound by DPoP or by the certificates of --mtls-listen
    Fapi2Security,
    /// FAPI 2.0 Message Signing: the same, with signed requests, responses and introspection
    Fapi2MessageSigning,
    /// FAPI-CIBA: signed requests for people who are elsewhere, and tokens bound to the certificates of --mtls-listen
    FapiCiba,
    /// The authorization server of a Model Context Protocol server: OAuth 2.1 for clients that register themselves
    ///
    /// They ask for the resource /resource of this server, unless --resources names others.
    Mcp,
}

impl Profile {
    /// The library's profile of this name; OpenID Connect has none.
    pub(crate) const fn demands(self) -> Option<provider::Profile> {
        Some(match self {
            Self::Openid => return None,
            Self::OAuth21 => provider::Profile::OAuth21,
            Self::Fapi2Security => provider::Profile::Fapi2Security,
            Self::Fapi2MessageSigning => provider::Profile::Fapi2MessageSigning,
            Self::FapiCiba => provider::Profile::FapiCiba,
            Self::Mcp => provider::Profile::Mcp,
        })
    }

    pub(crate) const fn is_fapi(self) -> bool {
        matches!(self, Self::Fapi2Security | Self::Fapi2MessageSigning | Self::FapiCiba)
    }
}

/// Who registers clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum RegisteredBy {
    /// Nobody
    #[default]
    Off,
    /// Everybody, in any number
    Open,
    /// Whoever has an initial access token, which --admin-listen gives
    Token,
}

/// Where records are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Database {
    /// In the memory of the process.
    Memory,
    /// In MySQL or MariaDB, by a URL that may hold a password.
    Mysql(Secret),
    /// In PostgreSQL, by a URL that may hold a password.
    Postgres(Secret),
    /// In a SQLite file.
    Sqlite(String),
}

impl FromStr for Database {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("memory", "")) => Ok(Self::Memory),
            Some(("mysql" | "mariadb", _)) => Ok(Self::Mysql(Secret::new(text))),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(Secret::new(text))),
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(path.to_owned())),
            _ => Err("must be memory:, sqlite:PATH, postgres://… or mysql://…".to_owned()),
        }
    }
}

/// Without what a URL says beside the kind of database: it may hold a password.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::Mysql(_) => f.write_str("the MySQL database"),
            Self::Postgres(_) => f.write_str("the PostgreSQL database"),
            Self::Sqlite(path) => write!(f, "sqlite:{path}"),
        }
    }
}

/// The shape of access tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum AccessTokenShape {
    /// A random text that only this provider can read
    #[default]
    Opaque,
    /// A JWT of RFC 9068
    Jwt,
}

impl From<AccessTokenShape> for AccessTokenFormatChoice {
    fn from(shape: AccessTokenShape) -> Self {
        match shape {
            AccessTokenShape::Opaque => Self::Opaque,
            AccessTokenShape::Jwt => Self::Jwt,
        }
    }
}

/// Who pushes requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pushed {
    /// Whoever likes to, and the clients that registered that they do
    Optional,
    /// Everybody: other requests are refused
    Required,
}

impl From<Pushed> for PushedRequests {
    fn from(pushed: Pushed) -> Self {
        match pushed {
            Pushed::Optional => Self::Accepted,
            Pushed::Required => Self::Required,
        }
    }
}
