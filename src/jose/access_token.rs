//! Access tokens in JWT form (RFC 9068): those that come back to their issuer, and those that come to a resource server.

use std::sync::Arc;
use std::time::Duration;

use super::claims_set::DEFAULT_LEEWAY;
use super::registered_keys::verify_by;
use super::{ClaimsError, ClaimsSet, Expected, JoseError, JwkSet, Jws, Keyring, SigningAlg};
use crate::clock::Timestamp;
use crate::error::Reason;

/// The `typ` of an access token (RFC 9068 section 2.1).
const TYPE: &str = "at+jwt";

/// Claims that every access token in JWT form has beside those that [`Expected`] checks (RFC 9068 section 2.2).
const REQUIRED: [&str; 3] = ["sub", "client_id", "jti"];

/// Why an access token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum AccessTokenError {
    /// `alg` is not one that the issuer signs with.
    #[error("the access token's algorithm is not accepted")]
    Algorithm,
    /// `aud` names none of the expected resources.
    #[error("the access token is meant for another resource")]
    Audience,
    /// A claim is missing or not as expected.
    #[error("the access token's claims are not those of a token of this issuer")]
    Claims,
    /// The token has expired.
    #[error("the access token has expired")]
    Expired,
    /// `iss` is missing or another.
    #[error("the access token is of another issuer")]
    Issuer,
    /// The text is no JWT of the accepted form.
    #[error("the access token is malformed")]
    Malformed,
    /// `nbf` or `iat` lies in the future.
    #[error("the access token is not valid yet")]
    NotYetValid,
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

impl From<AccessTokenError> for Reason {
    fn from(error: AccessTokenError) -> Self {
        match error {
            AccessTokenError::Algorithm => Self::AccessTokenAlgorithm,
            AccessTokenError::Audience => Self::AccessTokenAudience,
            AccessTokenError::Claims => Self::AccessTokenClaims,
            AccessTokenError::Expired => Self::AccessTokenExpired,
            AccessTokenError::Issuer => Self::AccessTokenIssuer,
            AccessTokenError::Malformed => Self::AccessTokenUnreadable,
            AccessTokenError::NotYetValid => Self::AccessTokenNotYetValid,
            AccessTokenError::Panicked => Self::AccessTokenUnchecked,
            AccessTokenError::Signature => Self::AccessTokenSignature,
            AccessTokenError::Type => Self::AccessTokenType,
        }
    }
}

/// An access token that its issuer has signed and that has not expired. Whether it is revoked is not known here, and whether it is
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
        check_type(&jws)?;
        let payload = self.keyring.verify(&jws).map_err(|error| match error {
            JoseError::Panicked => AccessTokenError::Panicked,
            _ => AccessTokenError::Signature,
        })?;
        let claims = ClaimsSet::parse(payload).map_err(|_| AccessTokenError::Malformed)?;
        claims.check(&self.expected, now).map_err(|error| match error {
            ClaimsError::Expired => AccessTokenError::Expired,
            _ => AccessTokenError::Claims,
        })?;
        complete(claims)
    }
}

/// An access token taken apart, so that its issuer can be looked up. Nothing in it is verified.
#[derive(Clone, Debug)]
pub struct PresentedAccessToken {
    jws: Jws,
    issuer: String,
}

impl PresentedAccessToken {
    /// Takes an access token apart that somebody has presented: a signed JWT of at most 16 KiB.
    ///
    /// # Errors
    /// [`AccessTokenError::Malformed`] when it is none, and [`AccessTokenError::Issuer`] when it does not say whose it is.
    pub fn parse(token: &str) -> Result<Self, AccessTokenError> {
        let jws = Jws::parse(token).map_err(|_| AccessTokenError::Malformed)?;
        let claims = ClaimsSet::parse(jws.unverified_payload()).map_err(|_| AccessTokenError::Malformed)?;
        let issuer = claims.str("iss").ok_or(AccessTokenError::Issuer)?.to_owned();
        Ok(Self { jws, issuer })
    }

    /// Who claims to have issued it: fit for looking up the trust in them, and for nothing else.
    #[must_use]
    pub fn claimed_issuer(&self) -> &str {
        &self.issuer
    }

    /// Whether the token names its key, and `keys` has one of that name and of the token's algorithm.
    #[must_use]
    pub fn is_keyed_by(&self, keys: &JwkSet) -> bool {
        self.jws.is_keyed_by(keys)
    }
}

/// Verifies, for a resource server, the access tokens of one issuer.
#[derive(Clone, Debug)]
#[must_use]
pub struct IssuedTokenVerifier {
    issuer: Arc<str>,
    audiences: Arc<[String]>,
    algs: Arc<[SigningAlg]>,
    leeway: Duration,
}

impl IssuedTokenVerifier {
    /// A verifier of the tokens that `issuer` gives for any of `audiences`, which are names of the resource server.
    pub fn new<T: Into<String>>(issuer: impl Into<Arc<str>>, audiences: impl IntoIterator<Item = T>) -> Self {
        Self {
            issuer: issuer.into(),
            audiences: audiences.into_iter().map(Into::into).collect(),
            algs: SigningAlg::DEFAULT_INBOUND.into(),
            leeway: DEFAULT_LEEWAY,
        }
    }

    /// The algorithms that the issuer signs with. By default [`SigningAlg::DEFAULT_INBOUND`].
    pub fn with_algorithms(mut self, algs: &[SigningAlg]) -> Self {
        self.algs = algs.into();
        self
    }

    /// By how much the issuer's clock may be ahead: 10 seconds by default, at most 60. A token ends to the second.
    pub const fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Verifies `presented` by the keys of the issuer, of which at most four are tried (RFC 9068 section 4).
    ///
    /// # Errors
    /// [`AccessTokenError`], the type being checked before the signature, and that before the claims.
    pub fn verify(
        &self,
        presented: &PresentedAccessToken,
        keys: &JwkSet,
        now: Timestamp,
    ) -> Result<VerifiedAccessToken, AccessTokenError> {
        check_type(&presented.jws)?;
        let payload = verify_by(keys, &presented.jws, &self.algs).map_err(|error| match error {
            JoseError::Algorithm => AccessTokenError::Algorithm,
            JoseError::Panicked => AccessTokenError::Panicked,
            _ => AccessTokenError::Signature,
        })?;
        let claims = ClaimsSet::parse(payload).map_err(|_| AccessTokenError::Malformed)?;
        let expected = Expected::new(&*self.issuer)
            .with_audience(self.audiences.iter().cloned())
            .with_exact_expiry()
            .with_leeway(self.leeway);
        claims.check(&expected, now).map_err(|error| match error {
            ClaimsError::Audience => AccessTokenError::Audience,
            ClaimsError::Expired => AccessTokenError::Expired,
            ClaimsError::Issuer => AccessTokenError::Issuer,
            ClaimsError::IssuedAt | ClaimsError::NotBefore => AccessTokenError::NotYetValid,
            ClaimsError::Expiry | ClaimsError::Lifetime | ClaimsError::Malformed => AccessTokenError::Claims,
        })?;
        complete(claims)
    }
}

fn check_type(jws: &Jws) -> Result<(), AccessTokenError> {
    match jws.header().is_type(TYPE) && !jws.header().is_nested() {
        true => Ok(()),
        false => Err(AccessTokenError::Type),
    }
}

/// The token, unless it lacks what every access token in JWT form has.
fn complete(claims: ClaimsSet) -> Result<VerifiedAccessToken, AccessTokenError> {
    let complete = REQUIRED.iter().all(|name| claims.str(name).is_some_and(|text| !text.is_empty()))
        && claims.audience().is_some()
        && claims.value("iat").is_some();
    if complete { Ok(VerifiedAccessToken(claims)) } else { Err(AccessTokenError::Claims) }
}
