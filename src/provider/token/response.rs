//! The token response.

use std::time::Duration;

use crate::secret::Secret;
use crate::types::Scope;

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
    /// The refresh token.
    pub refresh_token: Option<Secret>,
    /// The ID token.
    pub id_token: Option<Secret>,
}
