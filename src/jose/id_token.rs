//! ID tokens of this issuer that are still good: what a client exchanges (RFC 8693 section 3).

use super::{ClaimsSet, IdTokenHintError, IdTokenHintVerifier, Keyring};
use crate::clock::Timestamp;

/// Why an ID token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum IdTokenError {
    /// It has expired.
    #[error("the id token has expired")]
    Expired,
    /// It is no ID token of this issuer.
    #[error(transparent)]
    Other(#[from] IdTokenHintError),
}

/// An ID token of this issuer that has not expired.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifiedIdToken {
    claims: ClaimsSet,
    expires_at: Timestamp,
}

impl VerifiedIdToken {
    /// Whom the token is about, as its client knows them: for a pairwise client not the host's identifier.
    #[must_use]
    pub fn sub(&self) -> &str {
        self.claims.str("sub").unwrap_or_default()
    }

    /// The clients that the token was issued to.
    #[must_use]
    pub fn audience(&self) -> Vec<&str> {
        self.claims.audience().unwrap_or_default()
    }

    /// `exp`.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// All claims.
    #[must_use]
    pub const fn claims(&self) -> &ClaimsSet {
        &self.claims
    }
}

/// Verifies ID tokens that this issuer has signed. They end to the second; encrypted ones are their client's to
/// decrypt.
#[derive(Clone, Debug)]
pub struct IdTokenVerifier(IdTokenHintVerifier);

impl IdTokenVerifier {
    /// A verifier of the tokens that `issuer` signed with a key that is still in `keyring`.
    #[must_use]
    pub fn new(issuer: impl Into<String>, keyring: Keyring) -> Self {
        Self(IdTokenHintVerifier::new(issuer, keyring))
    }

    /// Verifies an ID token.
    ///
    /// # Errors
    /// [`IdTokenError`].
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<VerifiedIdToken, IdTokenError> {
        let claims = self.0.verify(token)?.claims().clone();
        match claims.time("exp") {
            Ok(Some(expires_at)) if !expires_at.has_passed(now) => Ok(VerifiedIdToken { claims, expires_at }),
            _ => Err(IdTokenError::Expired),
        }
    }
}
