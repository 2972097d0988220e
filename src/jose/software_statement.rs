//! Software statements: what somebody vouches for of a client that registers (RFC 7591 section 2.3).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::claims_set::{DEFAULT_LEEWAY, MAX_LEEWAY};
use super::error::{from_claims_error, from_jose_error};
use super::registered_keys::verify_by;
use super::{ClaimsSet, Expected, JwkSet, Jws, SigningAlg};
use crate::clock::Timestamp;
use crate::error::Reason;

/// Why a software statement is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum SoftwareStatementError {
    /// `alg` is not one that this issuer signs with.
    #[error("the software statement's algorithm is not accepted")]
    Algorithm,
    /// `aud` is there and is not this server.
    #[error("the software statement is meant for another audience")]
    Audience,
    /// `iss` is missing, or is another issuer.
    #[error("the software statement's iss is missing or another issuer")]
    Issuer,
    /// The text is no signed JWT of the accepted form.
    #[error("the software statement is malformed")]
    Malformed,
    /// The cryptographic library panicked. The statement is refused; the panic deserves an alarm.
    #[error("the software statement could not be checked")]
    Panicked,
    /// No key of the issuer verifies the signature.
    #[error("no key of its issuer verifies the software statement")]
    Signature,
    /// `exp` is past, `iat` or `nbf` lies in the future, or one of them is no moment.
    #[error("the software statement is not valid now")]
    Times,
    /// The token was made for another purpose: its `typ` or its claims say so.
    #[error("the token is of another kind than a software statement")]
    Type,
}

impl From<SoftwareStatementError> for Reason {
    fn from(error: SoftwareStatementError) -> Self {
        match error {
            SoftwareStatementError::Algorithm => Self::SoftwareStatementAlgorithm,
            SoftwareStatementError::Audience => Self::SoftwareStatementAudience,
            SoftwareStatementError::Issuer => Self::SoftwareStatementIssuer,
            SoftwareStatementError::Malformed => Self::SoftwareStatementMalformed,
            SoftwareStatementError::Panicked => Self::SoftwareStatementUnchecked,
            SoftwareStatementError::Signature => Self::SoftwareStatementSignature,
            SoftwareStatementError::Times => Self::SoftwareStatementTimes,
            SoftwareStatementError::Type => Self::SoftwareStatementType,
        }
    }
}

/// A software statement taken apart, so that its issuer can be looked up. Nothing in it is verified.
#[derive(Clone, Debug)]
pub struct PresentedSoftwareStatement {
    text: Arc<str>,
    jws: Jws,
    issuer: String,
}

impl PresentedSoftwareStatement {
    /// Takes the value of `software_statement` apart: a signed JWT of at most 16 KiB.
    ///
    /// # Errors
    /// [`SoftwareStatementError::Malformed`] when it is none, [`SoftwareStatementError::Type`] when its `typ` is neither
    /// missing nor `JWT`, and [`SoftwareStatementError::Issuer`] when there is no `iss`.
    pub fn parse(statement: &str) -> Result<Self, SoftwareStatementError> {
        let jws = Jws::parse(statement)?;
        let header = jws.header();
        if header.is_nested() {
            return Err(SoftwareStatementError::Malformed);
        }
        if header.typ().is_some() && !header.is_type("JWT") {
            return Err(SoftwareStatementError::Type);
        }
        let claims =
            ClaimsSet::parse(jws.unverified_payload()).map_err(|_| SoftwareStatementError::Malformed)?;
        let issuer = claims.str("iss").ok_or(SoftwareStatementError::Issuer)?.to_owned();
        Ok(Self { text: statement.into(), jws, issuer })
    }

    /// Who claims to have issued it: fit for looking up keys, and for nothing else.
    #[must_use]
    pub fn claimed_issuer(&self) -> &str {
        &self.issuer
    }

    /// Whether the statement names its key, and `keys` has one of that name and of the statement's algorithm.
    #[must_use]
    pub fn is_keyed_by(&self, keys: &JwkSet) -> bool {
        self.jws.is_keyed_by(keys)
    }
}

/// A verified software statement. It is good as often as it is shown, for whoever shows it.
#[derive(Clone, PartialEq)]
pub struct SoftwareStatement {
    text: Arc<str>,
    claims: ClaimsSet,
}

impl SoftwareStatement {
    /// Who vouches.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.claims.str("iss").unwrap_or_default()
    }

    /// What for: client metadata, and whatever else the issuer says.
    #[must_use]
    pub const fn claims(&self) -> &ClaimsSet {
        &self.claims
    }

    /// The statement as it was sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for SoftwareStatement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoftwareStatement").field("claims", &self.claims).finish_non_exhaustive()
    }
}

/// Verifies the software statements of one issuer.
///
/// `exp`, `iat` and `nbf` may be missing and must otherwise fit the time; so may `aud`, which must otherwise name this
/// server. A token in which issuer and subject are the same is a client's assertion, and one with `events` tells of a
/// logout: neither is a statement about software.
#[derive(Clone, Debug)]
#[must_use]
pub struct SoftwareStatementVerifier {
    issuer: Arc<str>,
    audience: Arc<str>,
    algs: Arc<[SigningAlg]>,
    leeway: Duration,
}

impl SoftwareStatementVerifier {
    /// A verifier of what `issuer` says to the server `audience`.
    pub fn new(issuer: impl Into<Arc<str>>, audience: impl Into<Arc<str>>) -> Self {
        Self {
            issuer: issuer.into(),
            audience: audience.into(),
            algs: SigningAlg::DEFAULT_INBOUND.into(),
            leeway: DEFAULT_LEEWAY,
        }
    }

    /// The algorithms that the issuer signs with. By default [`SigningAlg::DEFAULT_INBOUND`].
    pub fn with_algorithms(mut self, algs: &[SigningAlg]) -> Self {
        self.algs = algs.into();
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
    /// [`SoftwareStatementError`], the signature being checked before the claims.
    pub fn verify(
        &self,
        presented: &PresentedSoftwareStatement,
        keys: &JwkSet,
        now: Timestamp,
    ) -> Result<SoftwareStatement, SoftwareStatementError> {
        if *presented.issuer != *self.issuer {
            return Err(SoftwareStatementError::Issuer);
        }
        let payload = verify_by(keys, &presented.jws, &self.algs)?;
        let claims = ClaimsSet::parse(payload).map_err(|_| SoftwareStatementError::Malformed)?;
        let expected = Expected::new(&*self.issuer)
            .with_optional_claims()
            .with_audience_if_any([&*self.audience])
            .with_leeway(self.leeway);
        claims.check(&expected, now)?;
        if claims.str("sub") == Some(&*self.issuer) || claims.value("events").is_some() {
            return Err(SoftwareStatementError::Type);
        }
        Ok(SoftwareStatement { text: Arc::clone(&presented.text), claims })
    }
}

from_jose_error!(SoftwareStatementError);
from_claims_error!(SoftwareStatementError);
