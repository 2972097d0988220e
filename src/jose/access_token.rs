//! Access tokens in JWT form that come back to their issuer (RFC 9068).

use super::{ClaimsError, ClaimsSet, Expected, JoseError, Jws, Keyring};
use crate::clock::Timestamp;

/// Claims that every access token in JWT form has beside those that [`Expected`] checks (RFC 9068 section 2.2).
const REQUIRED: [&str; 3] = ["sub", "client_id", "jti"];

/// Why an access token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum AccessTokenError {
    /// A claim is missing or not as expected.
    #[error("the access token's claims are not those of a token of this issuer")]
    Claims,
    /// The token has expired.
    #[error("the access token has expired")]
    Expired,
    /// The text is no JWT of the accepted form.
    #[error("the access token is malformed")]
    Malformed,
    /// The cryptographic library panicked. The token is refused; the panic deserves an alarm.
    #[error("the access token could not be checked")]
    Panicked,
    /// No key of this issuer verifies the signature.
    #[error("no key of this issuer verifies the access token")]
    Signature,
    /// `typ` is missing or not `at+jwt`.
    #[error("the token is not of type at+jwt")]
    Type,
}

/// An access token of this issuer that has not expired. Whether it is revoked is not known here, and whether it is
/// meant for the one who asks is for the caller to check in [`VerifiedAccessToken::audience`].
#[derive(Clone, Debug, PartialEq)]
pub struct VerifiedAccessToken(ClaimsSet);

impl VerifiedAccessToken {
    /// Whom the token acts for.
    #[must_use]
    pub fn sub(&self) -> &str {
        self.0.str("sub").unwrap_or_default()
    }

    /// The client that the token was issued to.
    #[must_use]
    pub fn client_id(&self) -> &str {
        self.0.str("client_id").unwrap_or_default()
    }

    /// The token's name.
    #[must_use]
    pub fn jti(&self) -> &str {
        self.0.str("jti").unwrap_or_default()
    }

    /// The resources that the token is for.
    #[must_use]
    pub fn audience(&self) -> Vec<&str> {
        self.0.audience().unwrap_or_default()
    }

    /// All claims.
    #[must_use]
    pub const fn claims(&self) -> &ClaimsSet {
        &self.0
    }

    /// All claims.
    #[must_use]
    pub fn into_claims(self) -> ClaimsSet {
        self.0
    }
}

/// Verifies access tokens that this issuer has signed.
#[derive(Clone, Debug)]
pub struct AccessTokenVerifier {
    expected: Expected,
    keyring: Keyring,
}

impl AccessTokenVerifier {
    /// A verifier of the tokens that `issuer` signed with a key that is still in `keyring`. They end to the second.
    #[must_use]
    pub fn new(issuer: impl Into<String>, keyring: Keyring) -> Self {
        let expected = Expected::new(issuer).with_exact_expiry().with_issued_at_unchecked();
        Self { expected, keyring }
    }

    /// Verifies an access token.
    ///
    /// # Errors
    /// [`AccessTokenError`].
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<VerifiedAccessToken, AccessTokenError> {
        let jws = Jws::parse(token).map_err(|_| AccessTokenError::Malformed)?;
        if !jws.header().is_type("at+jwt") || jws.header().is_nested() {
            return Err(AccessTokenError::Type);
        }
        let payload = self.keyring.verify(&jws).map_err(|error| match error {
            JoseError::Panicked => AccessTokenError::Panicked,
            _ => AccessTokenError::Signature,
        })?;
        let claims = ClaimsSet::parse(payload).map_err(|_| AccessTokenError::Malformed)?;
        claims.check(&self.expected, now).map_err(|error| match error {
            ClaimsError::Expired => AccessTokenError::Expired,
            _ => AccessTokenError::Claims,
        })?;
        let complete = REQUIRED.iter().all(|name| claims.str(name).is_some_and(|text| !text.is_empty()))
            && claims.audience().is_some()
            && claims.value("iat").is_some();
        if complete { Ok(VerifiedAccessToken(claims)) } else { Err(AccessTokenError::Claims) }
    }
}
