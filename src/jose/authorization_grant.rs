//! Assertions by which somebody else vouches for a person or a client: authorization grants (RFC 7523
//! sections 2.1 and 3).

use std::sync::Arc;
use std::time::Duration;

use super::claims_set::{DEFAULT_LEEWAY, MAX_LEEWAY};
use super::error::{from_claims_error, from_jose_error};
use super::registered_keys::verify_by;
use super::{ClaimsSet, Expected, JwkSet, Jws, SigningAlg};
use crate::clock::Timestamp;
use crate::error::Reason;

/// How far ahead `exp` may lie when nothing else is said.
const DEFAULT_MAX_LIFETIME: Duration = Duration::from_secs(300);

/// Most bytes in `jti`.
const MAX_JTI_BYTES: usize = 256;

/// Values of `typ` that an assertion may carry, beside none at all.
const TYPES: [&str; 2] = ["JWT", "authorization-grant+jwt"];

/// Why an assertion is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorizationGrantError {
    /// `alg` is not one that its issuer signs with.
    #[error("the assertion's algorithm is not accepted")]
    Algorithm,
    /// `aud` is not this server alone.
    #[error("the assertion is meant for another audience")]
    Audience,
    /// `iss` or `sub` is missing, or `iss` is another issuer.
    #[error("the assertion's iss or sub is missing or another")]
    Issuer,
    /// The text is no signed JWT of the accepted form.
    #[error("the assertion is malformed")]
    Malformed,
    /// The cryptographic library panicked. The assertion is refused; the panic deserves an alarm.
    #[error("the assertion could not be checked")]
    Panicked,
    /// No key of the issuer verifies the signature.
    #[error("no key of its issuer verifies the assertion")]
    Signature,
    /// `exp` is missing, past or too far ahead, or `iat` or `nbf` lies in the future.
    #[error("the assertion is not valid now, or lives too long")]
    Times,
    /// `jti` is missing where it is demanded, or no text of 1 to 256 bytes.
    #[error("the assertion has no usable jti")]
    TokenId,
    /// The token was made for another purpose: its `typ` or its claims say so.
    #[error("the token is of another kind than an authorization grant")]
    Type,
}

impl From<AuthorizationGrantError> for Reason {
    fn from(error: AuthorizationGrantError) -> Self {
        match error {
            AuthorizationGrantError::Algorithm => Self::AssertionAlgorithm,
            AuthorizationGrantError::Audience => Self::AssertionAudience,
            AuthorizationGrantError::Issuer => Self::AssertionIssuer,
            AuthorizationGrantError::Malformed => Self::AssertionMalformed,
            AuthorizationGrantError::Panicked => Self::AssertionUnchecked,
            AuthorizationGrantError::Signature => Self::AssertionSignature,
            AuthorizationGrantError::Times => Self::AssertionTimes,
            AuthorizationGrantError::TokenId => Self::AssertionId,
            AuthorizationGrantError::Type => Self::AssertionType,
        }
    }
}

/// An assertion taken apart, so that the trust in its issuer can be looked up. Nothing in it is verified.
#[derive(Clone, Debug)]
pub struct PresentedAuthorizationGrant {
    jws: Jws,
    issuer: String,
    subject: String,
}

impl PresentedAuthorizationGrant {
    /// Takes the value of `assertion` apart: a signed JWT of at most 16 KiB.
    ///
    /// # Errors
    /// [`AuthorizationGrantError::Malformed`] when it is none, [`AuthorizationGrantError::Type`] when its
    /// `typ` is of another purpose, and [`AuthorizationGrantError::Issuer`] when `iss` or `sub` is missing.
    pub fn parse(assertion: &str) -> Result<Self, AuthorizationGrantError> {
        let jws = Jws::parse(assertion)?;
        let header = jws.header();
        if header.is_nested() {
            return Err(AuthorizationGrantError::Malformed);
        }
        if header.typ().is_some() && !TYPES.iter().any(|typ| header.is_type(typ)) {
            return Err(AuthorizationGrantError::Type);
        }
        let claims =
            ClaimsSet::parse(jws.unverified_payload()).map_err(|_| AuthorizationGrantError::Malformed)?;
        let named = |name| claims.str(name).filter(|text| !text.is_empty()).map(str::to_owned);
        match (named("iss"), named("sub")) {
            (Some(issuer), Some(subject)) => Ok(Self { jws, issuer, subject }),
            _ => Err(AuthorizationGrantError::Issuer),
        }
    }

    /// Who claims to have issued it: fit for looking up the trust in them, and for nothing else.
    #[must_use]
    pub fn claimed_issuer(&self) -> &str {
        &self.issuer
    }

    /// Whom it claims to be about: fit for looking up the trust in its issuer, and for nothing else.
    #[must_use]
    pub fn claimed_subject(&self) -> &str {
        &self.subject
    }

    /// Whether the assertion names its key, and `keys` has one of that name and of the assertion's algorithm.
    #[must_use]
    pub fn is_keyed_by(&self, keys: &JwkSet) -> bool {
        self.jws.is_keyed_by(keys)
    }
}

/// A verified assertion. The caller still has to see to it that its `jti` is used once.
#[derive(Clone, Debug, PartialEq)]
pub struct AuthorizationGrantAssertion {
    claims: ClaimsSet,
    expires_at: Timestamp,
    remember_until: Timestamp,
}

impl AuthorizationGrantAssertion {
    /// Who vouches.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.claims.str("iss").unwrap_or_default()
    }

    /// For whom, as the issuer knows them.
    #[must_use]
    pub fn sub(&self) -> &str {
        self.claims.str("sub").unwrap_or_default()
    }

    /// The assertion's name, unique for its issuer: 1 to 256 bytes.
    #[must_use]
    pub fn jti(&self) -> Option<&str> {
        self.claims.str("jti")
    }

    /// When it was made, if it says so.
    #[must_use]
    pub fn issued_at(&self) -> Option<Timestamp> {
        self.claims.time("iat").ok().flatten()
    }

    /// `exp`.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// When the assertion is refused in any case: `exp` and the leeway. Its `jti` must be remembered until
    /// then.
    #[must_use]
    pub const fn remember_until(&self) -> Timestamp {
        self.remember_until
    }

    /// All claims.
    #[must_use]
    pub const fn claims(&self) -> &ClaimsSet {
        &self.claims
    }
}

/// Verifies the assertions of one issuer.
#[derive(Clone, Debug)]
#[must_use]
pub struct AuthorizationGrantVerifier {
    issuer: Arc<str>,
    audiences: Arc<[String]>,
    algs: Arc<[SigningAlg]>,
    jti: TokenIdPresence,
    max_lifetime: Duration,
    leeway: Duration,
}

/// Whether `jti` must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TokenIdPresence {
    Optional,
    Required,
}

impl AuthorizationGrantVerifier {
    /// A verifier of what `issuer` says to a server that goes by each of `audiences`: its issuer, and the
    /// exact URL of its token endpoint.
    ///
    /// Every audience that an assertion names must be one of them, so that an assertion made for another
    /// server too is refused.
    pub fn new<T: Into<String>>(issuer: impl Into<Arc<str>>, audiences: impl IntoIterator<Item = T>) -> Self {
        Self {
            issuer: issuer.into(),
            audiences: audiences.into_iter().map(Into::into).collect(),
            algs: SigningAlg::DEFAULT_INBOUND.into(),
            jti: TokenIdPresence::Required,
            max_lifetime: DEFAULT_MAX_LIFETIME,
            leeway: DEFAULT_LEEWAY,
        }
    }

    /// The algorithms that the issuer signs with. By default [`SigningAlg::DEFAULT_INBOUND`].
    pub fn with_algorithms(mut self, algs: &[SigningAlg]) -> Self {
        self.algs = algs.into();
        self
    }

    /// `jti` may be missing; such an assertion is good as often as it is shown while it lives.
    pub const fn with_optional_jti(mut self) -> Self {
        self.jti = TokenIdPresence::Optional;
        self
    }

    /// How far ahead `exp` may lie: 300 seconds by default.
    pub const fn with_max_lifetime(mut self, most: Duration) -> Self {
        self.max_lifetime = most;
        self
    }

    /// By how much the clocks may differ: 10 seconds by default, at most 60.
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway.min(MAX_LEEWAY);
        self
    }

    /// Verifies `presented` by the keys of the issuer, of which at most four are tried.
    ///
    /// # Errors
    /// [`AuthorizationGrantError`], the signature being checked before the claims.
    pub fn verify(
        &self,
        presented: &PresentedAuthorizationGrant,
        keys: &JwkSet,
        now: Timestamp,
    ) -> Result<AuthorizationGrantAssertion, AuthorizationGrantError> {
        if *presented.issuer != *self.issuer {
            return Err(AuthorizationGrantError::Issuer);
        }
        let payload = verify_by(keys, &presented.jws, &self.algs)?;
        let claims = ClaimsSet::parse(payload).map_err(|_| AuthorizationGrantError::Malformed)?;
        let expected = Expected::new(&*self.issuer)
            .with_only_audience(self.audiences.iter().cloned())
            .with_max_lifetime(self.max_lifetime)
            .with_leeway(self.leeway);
        claims.check(&expected, now)?;
        // A logout token tells of an event, an ID token for us answers a request of ours: neither gives a
        // right.
        if ["events", "nonce"].iter().any(|name| claims.value(name).is_some()) {
            return Err(AuthorizationGrantError::Type);
        }
        let usable = |jti: &str| (1..=MAX_JTI_BYTES).contains(&jti.len());
        let named = match claims.value("jti") {
            None => self.jti == TokenIdPresence::Optional,
            Some(jti) => jti.as_str().is_some_and(usable),
        };
        let Ok(Some(expires_at)) = claims.time("exp") else {
            return Err(AuthorizationGrantError::Times);
        };
        let remember_until = expires_at.plus(self.leeway);
        match named {
            true => Ok(AuthorizationGrantAssertion { claims, expires_at, remember_until }),
            false => Err(AuthorizationGrantError::TokenId),
        }
    }
}

from_jose_error!(AuthorizationGrantError);
from_claims_error!(AuthorizationGrantError);
