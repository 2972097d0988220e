//! Assertions by which clients authenticate: `private_key_jwt` and `client_secret_jwt` (RFC 7523 section 3).

use std::sync::Arc;
use std::time::Duration;

use super::claims_set::DEFAULT_LEEWAY;
use super::error::{from_claims_error, from_jose_error};
use super::{ClaimsSet, Expected, JwkSet, Jws, RegisteredKeys, RegisteredSecrets, SigningAlg};
use crate::clock::Timestamp;
use crate::error::Reason;
use crate::types::ClientId;

/// How far ahead `exp` may lie when nothing else is said.
const DEFAULT_MAX_LIFETIME: Duration = Duration::from_secs(300);

/// Most bytes in `jti`.
const MAX_JTI_BYTES: usize = 256;

/// Values of `typ` that an assertion may carry, beside none at all. Any other says that the token was made for
/// something else (RFC 8725 section 3.11).
const TYPES: [&str; 2] = ["JWT", "client-authentication+jwt"];

/// Why an assertion is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ClientAssertionError {
    /// `alg` is not the client's registered one, or not accepted at all.
    #[error("the assertion's algorithm is not accepted")]
    Algorithm,
    /// `aud` is not this server.
    #[error("the assertion is meant for another audience")]
    Audience,
    /// `iss` and `sub` are not both the client.
    #[error("the assertion's iss and sub are not the client")]
    Issuer,
    /// The text is no JWT of the accepted form.
    #[error("the assertion is malformed")]
    Malformed,
    /// The cryptographic library panicked. The assertion is refused; the panic deserves an alarm.
    #[error("the assertion could not be checked")]
    Panicked,
    /// No registered key verifies the signature.
    #[error("no registered key verifies the assertion")]
    Signature,
    /// `exp` is missing, past or too far ahead, or `iat` or `nbf` lies in the future.
    #[error("the assertion is not valid now, or lives too long")]
    Times,
    /// `jti` is not a text of 1 to 256 bytes.
    #[error("the assertion has no usable jti")]
    TokenId,
}

impl From<ClientAssertionError> for Reason {
    fn from(error: ClientAssertionError) -> Self {
        match error {
            ClientAssertionError::Algorithm => Self::ClientAssertionAlgorithm,
            ClientAssertionError::Audience => Self::ClientAssertionAudience,
            ClientAssertionError::Issuer => Self::ClientAssertionIssuer,
            ClientAssertionError::Malformed => Self::ClientAssertionMalformed,
            ClientAssertionError::Panicked => Self::ClientAssertionUnchecked,
            ClientAssertionError::Signature => Self::ClientAssertionSignature,
            ClientAssertionError::Times => Self::ClientAssertionTimes,
            ClientAssertionError::TokenId => Self::ClientAssertionId,
        }
    }
}

/// An assertion taken apart, so that the client it names can be looked up. Nothing in it is verified.
#[derive(Clone, Debug)]
pub struct PresentedAssertion {
    jws: Jws,
    client_id: ClientId,
}

impl PresentedAssertion {
    /// Takes the value of `client_assertion` apart.
    ///
    /// # Errors
    /// [`ClientAssertionError::Malformed`] when it is no JWT of a type that an assertion may have, and
    /// [`ClientAssertionError::Issuer`] when `iss` and `sub` are not one and the same `client_id`.
    pub fn parse(assertion: &str) -> Result<Self, ClientAssertionError> {
        let jws = Jws::parse(assertion)?;
        let header = jws.header();
        let typed = header.typ().is_none() || TYPES.iter().any(|typ| header.is_type(typ));
        if !typed || header.is_nested() {
            return Err(ClientAssertionError::Malformed);
        }
        let claims =
            ClaimsSet::parse(jws.unverified_payload()).map_err(|_| ClientAssertionError::Malformed)?;
        match (claims.str("iss"), claims.str("sub")) {
            (Some(issuer), Some(subject)) if issuer == subject => {
                let client_id = ClientId::new(issuer).map_err(|_| ClientAssertionError::Issuer)?;
                Ok(Self { jws, client_id })
            }
            _ => Err(ClientAssertionError::Issuer),
        }
    }

    /// The client that the assertion claims to come from: fit for looking it up, and for nothing else.
    #[must_use]
    pub const fn claimed_client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// Whether its header names a MAC rather than a signature.
    #[must_use]
    pub fn is_mac(&self) -> bool {
        self.jws.header().mac_alg().is_some()
    }

    /// Whether the assertion names its key, and `keys` has one of that name and of the assertion's algorithm.
    #[must_use]
    pub fn is_keyed_by(&self, keys: &JwkSet) -> bool {
        self.jws.is_keyed_by(keys)
    }
}

/// A verified assertion. The caller still has to see to it that its `jti` is used once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAssertion {
    jti: String,
    expires_at: Timestamp,
}

impl ClientAssertion {
    /// The assertion's name, unique for its client: 1 to 256 bytes.
    #[must_use]
    pub fn jti(&self) -> &str {
        &self.jti
    }

    /// When the assertion is refused in any case: `exp` and the leeway. Its `jti` must be remembered until then.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}

/// Verifies client assertions for one server.
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientAssertionVerifier {
    audiences: Arc<[String]>,
    plain_audience: bool,
    algs: Arc<[SigningAlg]>,
    max_lifetime: Duration,
    leeway: Duration,
}

impl ClientAssertionVerifier {
    /// A verifier for a server that goes by each of `audiences`: its issuer, and outside of FAPI the exact URLs of
    /// its token and PAR endpoints.
    ///
    /// Every audience that an assertion names must be one of them, so that an assertion made for another server too
    /// is refused.
    pub fn new<T: Into<String>>(audiences: impl IntoIterator<Item = T>) -> Self {
        Self {
            audiences: audiences.into_iter().map(Into::into).collect(),
            plain_audience: false,
            algs: SigningAlg::DEFAULT_INBOUND.into(),
            max_lifetime: DEFAULT_MAX_LIFETIME,
            leeway: DEFAULT_LEEWAY,
        }
    }

    /// `aud` must be a text and not a list (FAPI 2.0 Security Profile section 5.3.2.1).
    pub const fn with_plain_audience(mut self) -> Self {
        self.plain_audience = true;
        self
    }

    /// The algorithms that are accepted from a client that is not registered with one, and beyond which no
    /// registered one counts. By default [`SigningAlg::DEFAULT_INBOUND`].
    pub fn with_algorithms(mut self, algs: &[SigningAlg]) -> Self {
        self.algs = algs.into();
        self
    }

    /// How far ahead `exp` may lie: 300 seconds by default.
    pub const fn with_max_lifetime(mut self, most: Duration) -> Self {
        self.max_lifetime = most;
        self
    }

    /// By how much the clocks may differ: 10 seconds by default, at most 60.
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway.min(super::claims_set::MAX_LEEWAY);
        self
    }

    /// Verifies `presented` as an assertion of the client that `registered` describes.
    ///
    /// The algorithm and the keys come from the registration; the header only has to agree. At most four keys are
    /// tried.
    ///
    /// # Errors
    /// [`ClientAssertionError`], the signature being checked before the claims.
    pub fn verify(
        &self,
        presented: &PresentedAssertion,
        registered: RegisteredKeys<'_>,
        now: Timestamp,
    ) -> Result<ClientAssertion, ClientAssertionError> {
        if presented.client_id != *registered.client_id() {
            return Err(ClientAssertionError::Issuer);
        }
        let payload = registered.verify(&presented.jws, &self.algs)?;
        self.checked(payload, registered.client_id(), now)
    }

    /// Verifies `presented` as an assertion of the client that shares the secrets of `registered`.
    ///
    /// # Errors
    /// As those of [`ClientAssertionVerifier::verify`].
    pub fn verify_mac(
        &self,
        presented: &PresentedAssertion,
        registered: RegisteredSecrets<'_>,
        now: Timestamp,
    ) -> Result<ClientAssertion, ClientAssertionError> {
        if presented.client_id != *registered.client_id() {
            return Err(ClientAssertionError::Issuer);
        }
        let payload = registered.verify(&presented.jws)?;
        self.checked(payload, registered.client_id(), now)
    }

    /// What is the same however it was signed.
    fn checked(
        &self,
        payload: &[u8],
        client_id: &ClientId,
        now: Timestamp,
    ) -> Result<ClientAssertion, ClientAssertionError> {
        let claims = ClaimsSet::parse(payload).map_err(|_| ClientAssertionError::Malformed)?;
        claims.check(&self.expected(client_id), now)?;
        let jti = match claims.str("jti") {
            Some(jti) if (1..=MAX_JTI_BYTES).contains(&jti.len()) => jti.to_owned(),
            _ => return Err(ClientAssertionError::TokenId),
        };
        let Ok(Some(expiry)) = claims.time("exp") else {
            return Err(ClientAssertionError::Times);
        };
        Ok(ClientAssertion { jti, expires_at: expiry.plus(self.leeway) })
    }

    fn expected(&self, client_id: &ClientId) -> Expected {
        let expected =
            Expected::new(client_id.as_str()).with_max_lifetime(self.max_lifetime).with_leeway(self.leeway);
        let audiences = self.audiences.iter().cloned();
        if self.plain_audience {
            return expected.with_plain_audience(audiences);
        }
        expected.with_only_audience(audiences)
    }
}

from_jose_error!(ClientAssertionError);
from_claims_error!(ClientAssertionError);
