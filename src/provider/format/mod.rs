//! The shapes of what is issued: access tokens, codes, refresh tokens and ID tokens.

pub(crate) mod id_token;
pub(crate) mod jwt;
pub(crate) mod opaque;
pub(crate) mod refresh;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

pub use opaque::TokenKind;
pub use refresh::RefreshToken;

use super::config::Config;
use super::context::Context;
use crate::client::{AccessTokenFormatChoice, Client};
use crate::error::{Internal, Result};
use crate::jose::Keyring;
use crate::secret::{Secret, TokenHash};
use crate::store::AccessToken;

/// An access token that was minted.
#[derive(Debug)]
#[non_exhaustive]
pub struct Minted {
    /// The token, for the client.
    pub token: Secret,
    /// Under which key it is recorded; `None` when it is not.
    pub record: Option<TokenHash>,
}

impl Minted {
    /// A token that is recorded under `key`.
    #[must_use]
    pub const fn recorded(token: Secret, key: TokenHash) -> Self {
        Self { token, record: Some(key) }
    }

    /// A token that carries all there is to know.
    #[must_use]
    pub const fn stateless(token: Secret) -> Self {
        Self { token, record: None }
    }
}

/// What a format reads from a token that was presented.
#[derive(Debug)]
#[non_exhaustive]
pub enum Presented {
    /// It is recorded under this key, if it is valid at all.
    Recorded(TokenHash),
    /// All there is to know, its signature and times checked.
    Stateless(Box<AccessToken>),
}

/// One shape of access tokens.
#[async_trait]
pub trait AccessTokenFormat: Debug + Send + Sync {
    /// Mints a token for `client`. Nothing is written yet.
    ///
    /// # Errors
    /// A fault of ours, such as a signer that does not answer; nothing is issued.
    async fn mint(&self, cx: &Context<'_>, client: &Client, token: &AccessToken) -> Result<Minted>;

    /// Reads a token that was presented; `None` if it is not one of this format's, or not ours.
    async fn read(&self, cx: &Context<'_>, presented: &str) -> Option<Presented>;
}

const _: fn(&dyn AccessTokenFormat) = |_| ();

/// The formats of a provider: the built-in ones, and those of the host by their names.
#[derive(Debug)]
pub(crate) struct Formats {
    opaque: opaque::Opaque,
    jwt: jwt::Jwt,
    jwt_stateless: jwt::Jwt,
    others: BTreeMap<Arc<str>, Arc<dyn AccessTokenFormat>>,
}

impl Formats {
    pub(crate) fn new(config: &Config, keyring: &Keyring) -> Self {
        Self {
            opaque: opaque::Opaque,
            jwt: jwt::Jwt::new(config, keyring, jwt::Recording::Recorded),
            jwt_stateless: jwt::Jwt::new(config, keyring, jwt::Recording::Stateless),
            others: BTreeMap::new(),
        }
    }

    /// Adds a format of the host; `false` when its name is taken.
    pub(crate) fn add(&mut self, name: Arc<str>, format: Arc<dyn AccessTokenFormat>) -> bool {
        self.others.insert(name, format).is_none()
    }

    pub(crate) async fn mint(
        &self,
        cx: &Context<'_>,
        choice: &AccessTokenFormatChoice,
        (client, token): (&Client, &AccessToken),
    ) -> Result<Minted> {
        let format: &dyn AccessTokenFormat = match choice {
            AccessTokenFormatChoice::Opaque => &self.opaque,
            AccessTokenFormatChoice::Jwt => &self.jwt,
            AccessTokenFormatChoice::JwtStateless => &self.jwt_stateless,
            AccessTokenFormatChoice::Extension(name) => match self.others.get(name) {
                Some(format) => &**format,
                None => return Err(Internal::new("could not mint an access token", "no such format").into()),
            },
        };
        format.mint(cx, client, token).await
    }

    /// Reads a token in any of the formats. Each knows its own at a glance, and JWTs are of one format however they
    /// are recorded.
    pub(crate) async fn read(&self, cx: &Context<'_>, presented: &str) -> Option<Presented> {
        for format in [&self.opaque as &dyn AccessTokenFormat, &self.jwt] {
            if let Some(read) = format.read(cx, presented).await {
                return Some(read);
            }
        }
        for format in self.others.values() {
            if let Some(read) = format.read(cx, presented).await {
                return Some(read);
            }
        }
        None
    }
}
