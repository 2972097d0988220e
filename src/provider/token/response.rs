//! The token response.

use std::borrow::Cow;
use std::time::Duration;

use http::StatusCode;
use serde::Serialize;

use crate::error::Internal;
use crate::provider::exchange::TokenType;
use crate::secret::Secret;
use crate::types::{AuthorizationDetails, Confirmation, Scope};
use crate::wire::{Response, reply};

/// What a successful token request gets (RFC 6749 section 5.1).
#[derive(Debug)]
#[non_exhaustive]
pub struct TokenResponse {
    /// The access token.
    pub access_token: Secret,
    /// How long it lives.
    pub expires_in: Duration,
    /// What it permits.
    pub scope: Scope,
    /// What it permits in detail (RFC 9396 section 7).
    pub authorization_details: AuthorizationDetails,
    /// The refresh token.
    pub refresh_token: Option<Secret>,
    /// The ID token.
    pub id_token: Option<Secret>,
    /// The key that the access token is bound to, which decides its `token_type`.
    pub confirmation: Option<Confirmation>,
    /// What `access_token` is, where it answers an exchange (RFC 8693 section 2.2.1).
    pub exchanged: Option<TokenType>,
}

#[derive(Serialize)]
struct Body<'a> {
    access_token: &'a str,
    token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_token_type: Option<&'static str>,
    expires_in: u64,
    #[serde(skip_serializing_if = "Scope::is_empty")]
    scope: &'a Scope,
    #[serde(skip_serializing_if = "AuthorizationDetails::is_empty")]
    authorization_details: &'a AuthorizationDetails,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<&'a str>,
}

#[derive(Serialize)]
struct PushedBody<'a> {
    auth_req_id: &'a str,
    #[serde(flatten)]
    body: Body<'a>,
}

/// The `token_type` of what is no access token (RFC 8693 section 2.2.1).
const NO_ACCESS_TOKEN: &str = "N_A";

impl TokenResponse {
    /// How the access token is used: `Bearer` or `DPoP` (RFC 6749 section 7.1, RFC 9449 section 5); `N_A` where an
    /// exchange gave an ID token in its place.
    #[must_use]
    pub const fn token_type(&self) -> &'static str {
        match self.exchanged {
            Some(TokenType::IdToken) => NO_ACCESS_TOKEN,
            _ => Confirmation::token_type(self.confirmation.as_ref()),
        }
    }

    /// The parameters by which an authorization response brings the access token (RFC 6749 section 4.2.2).
    pub(in crate::provider) fn to_params(&self) -> Vec<(&'static str, Cow<'_, str>)> {
        let mut params = vec![
            ("access_token", self.access_token.expose().into()),
            ("token_type", self.token_type().into()),
            ("expires_in", self.expires_in.as_secs().to_string().into()),
        ];
        if !self.scope.is_empty() {
            params.push(("scope", self.scope.to_string().into()));
        }
        params
    }

    pub(super) fn to_response(&self) -> Response {
        reply::json(StatusCode::OK, &self.body())
    }

    /// The same as it is pushed to a client (OpenID Connect Client-Initiated Backchannel Authentication Core 1.0 section
    /// 10.3.1): JSON.
    pub(in crate::provider) fn to_pushed(&self, auth_req_id: &Secret) -> Result<Secret, Internal> {
        let pushed = PushedBody { auth_req_id: auth_req_id.expose(), body: self.body() };
        let json = serde_json::to_string(&pushed);
        json.map(Secret::new).map_err(|error| Internal::new("could not serialise tokens", error))
    }

    fn body(&self) -> Body<'_> {
        Body {
            access_token: self.access_token.expose(),
            token_type: self.token_type(),
            issued_token_type: self.exchanged.map(TokenType::as_str),
            expires_in: self.expires_in.as_secs(),
            scope: &self.scope,
            authorization_details: &self.authorization_details,
            refresh_token: self.refresh_token.as_ref().map(Secret::expose),
            id_token: self.id_token.as_ref().map(Secret::expose),
        }
    }
}
