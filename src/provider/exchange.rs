//! What a host decides about the exchange of tokens (RFC 8693).

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

use crate::client::Client;
use crate::clock::Timestamp;
use crate::error::BoxError;
use crate::types::{Actors, Authentication, Claims, ClientId, Confirmation, Scope};

/// A type of tokens (RFC 8693 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenType {
    /// An access token of this provider, whatever its format.
    AccessToken,
    /// An ID token of this provider.
    IdToken,
    /// A JWT: of a trusted issuer where it comes in, an access token in JWT form where it goes out.
    Jwt,
    /// A refresh token of this provider.
    RefreshToken,
}

impl TokenType {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "urn:ietf:params:oauth:token-type:access_token",
            Self::IdToken => "urn:ietf:params:oauth:token-type:id_token",
            Self::Jwt => "urn:ietf:params:oauth:token-type:jwt",
            Self::RefreshToken => "urn:ietf:params:oauth:token-type:refresh_token",
        }
    }

    /// The type of this name, if it is one of the four.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let all = [Self::AccessToken, Self::IdToken, Self::Jwt, Self::RefreshToken];
        all.into_iter().find(|known| known.as_str() == name)
    }
}

/// A token that came with an exchange, verified: it is of the type that it was said to be, lives, and is not
/// revoked, and whoever sent it has proved the key that it is bound to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ExchangeToken {
    /// What it is.
    pub token_type: TokenType,
    /// Who issued it.
    pub issuer: String,
    /// The person whom it is about; `None` for a client that acts for itself.
    pub authentication: Option<Authentication>,
    /// The name by which its issuer knows them; the host's where that is this provider.
    pub sub: String,
    /// The client that it was issued to; `None` for one of another issuer.
    pub client: Option<ClientId>,
    /// What it permits; of an ID token what the grants of its login do; `None` for one that speaks of no scope.
    pub scope: Option<Scope>,
    /// Whom it is for.
    pub audience: Vec<String>,
    /// Who acts for the one whom it is about already.
    pub actors: Actors,
    /// The key that it is bound to.
    pub confirmation: Option<Confirmation>,
    /// Its claims: all of an ID token or a JWT, what the host's hook added to an access token.
    pub claims: Claims,
    /// When it ends. Nothing that is issued for it lives longer.
    pub expires_at: Timestamp,
}

/// An exchange that is to be decided: what is asked is within what the client may have at all, and what the
/// subject token permits.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ExchangeRequest<'a> {
    /// Who asks; it has authenticated.
    pub client: &'a Client,
    /// About whom the new token will be.
    pub subject: &'a ExchangeToken,
    /// Who will act for them; `None` where the new token is the subject's own (impersonation, RFC 8693
    /// section 1.1).
    pub actor: Option<&'a ExchangeToken>,
    /// The scope asked for; that of the subject token where none is.
    pub scope: &'a Scope,
    /// The `resource` and `audience` values asked for; those of the subject token where none are.
    pub audience: &'a [String],
    /// The type asked for. [`TokenType::Jwt`] is an access token in JWT form, whatever form those of the client or the resource
    /// have: whoever gets it can read it.
    pub requested: TokenType,
    /// The time of the request.
    pub now: Timestamp,
}

impl ExchangeRequest<'_> {
    /// Grants what is asked.
    pub fn as_asked(&self) -> ExchangeTerms {
        ExchangeTerms { scope: self.scope.clone(), audience: self.audience.to_vec(), lifetime: None }
    }
}

/// What is granted. Whatever is more than was asked does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct ExchangeTerms {
    /// The scope.
    pub scope: Scope,
    /// Whom the new token is for.
    pub audience: Vec<String>,
    /// How long it lives at most; never longer than the subject token.
    pub lifetime: Option<Duration>,
}

impl ExchangeTerms {
    /// A narrower scope.
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Fewer audiences.
    pub fn with_audience<T: Into<String>>(mut self, audience: impl IntoIterator<Item = T>) -> Self {
        self.audience = audience.into_iter().map(Into::into).collect();
        self
    }

    /// A shorter life.
    pub const fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }
}

/// What a host decides.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExchangeDecision {
    /// Nothing is issued (`invalid_request`).
    Denied,
    /// A token is issued on these terms.
    Granted(ExchangeTerms),
    /// Nothing is issued for these services (`invalid_target`, RFC 8693 section 2.2.2).
    TargetDenied,
}

/// Who may exchange what for what. Nothing is exchanged unless a host says so.
#[async_trait]
pub trait TokenExchangePolicy: Debug + Send + Sync {
    /// Decides about one exchange. Default: it is denied.
    ///
    /// A client can have come by a token that was issued to another: whether it is meant to act with it, as a
    /// service that the token is for may be, is what has to be decided.
    ///
    /// # Errors
    /// Any error fails the request with 503; nothing is issued.
    async fn decide(&self, _: &ExchangeRequest<'_>) -> Result<ExchangeDecision, BoxError> {
        Ok(ExchangeDecision::Denied)
    }
}

const _: fn(&dyn TokenExchangePolicy) = |_| ();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_known_by_its_whole_name() {
        for known in [TokenType::AccessToken, TokenType::IdToken, TokenType::Jwt, TokenType::RefreshToken] {
            assert_eq!(TokenType::parse(known.as_str()), Some(known));
            assert_eq!(TokenType::parse(&known.as_str().to_uppercase()), None);
        }
        for other in ["", "access_token", "urn:ietf:params:oauth:token-type:saml2"] {
            assert_eq!(TokenType::parse(other), None);
        }
    }
}
