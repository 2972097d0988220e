//! The shapes of what is issued: access tokens, codes, refresh tokens and ID tokens.

pub(crate) mod id_token;
pub(crate) mod opaque;
pub(crate) mod refresh;

use std::fmt::Debug;

use async_trait::async_trait;

pub use opaque::TokenKind;
pub use refresh::RefreshToken;

use super::context::Context;
use crate::error::Result;
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
    /// Mints a token. Nothing is written yet.
    ///
    /// # Errors
    /// A fault of ours, such as a signer that does not answer; nothing is issued.
    async fn mint(&self, cx: &Context<'_>, token: &AccessToken) -> Result<Minted>;

    /// Reads a token that was presented; `None` if it is not one of this format's, or not ours.
    async fn read(&self, cx: &Context<'_>, presented: &str) -> Option<Presented>;
}

const _: fn(&dyn AccessTokenFormat) = |_| ();
