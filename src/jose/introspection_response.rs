//! Answers of introspection as JWTs (RFC 9701): what a resource server verifies.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::claims_set::DEFAULT_LEEWAY;
use super::error::{from_claims_error, from_jose_error};
use super::registered_keys::verify_by;
use super::{ClaimsSet, Expected, JwkSet, Jws, SigningAlg};
use crate::clock::Timestamp;

/// The `typ` of an answer (RFC 9701 section 5).
const TYPE: &str = "token-introspection+jwt";

/// How old an answer may be: nobody keeps one to show it when the token has been revoked.
const MAX_AGE: Duration = Duration::from_secs(60);

/// Why an answer is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum IntrospectionResponseError {
    /// `alg` is not one that the issuer signs with.
    #[error("the algorithm of the answer is not accepted")]
    Algorithm,
    /// `aud` is not the one who asked.
    #[error("the answer is meant for somebody else")]
    Audience,
    /// `iss` is missing or another issuer.
    #[error("the answer is of another issuer")]
    Issuer,
    /// The text is no signed JWT of the accepted form, or says nothing of a token.
    #[error("the answer is malformed")]
    Malformed,
    /// The cryptographic library panicked. The answer is refused; the panic deserves an alarm.
    #[error("the answer could not be checked")]
    Panicked,
    /// No key of the issuer verifies the signature.
    #[error("no key of its issuer verifies the answer")]
    Signature,
    /// `iat` is missing, in the future, or over a minute ago.
    #[error("the answer is not of now")]
    Times,
    /// The token was made for another purpose.
    #[error("the token is of another kind than an introspection response")]
    Type,
}

/// An answer taken apart. Nothing in it is verified.
#[derive(Clone, Debug)]
pub struct PresentedIntrospectionResponse(Jws);

impl PresentedIntrospectionResponse {
    /// Takes an answer apart: a signed JWT of at most 16 KiB.
    ///
    /// # Errors
    /// [`IntrospectionResponseError::Malformed`] when it is none.
    pub fn parse(text: &str) -> Result<Self, IntrospectionResponseError> {
        Ok(Self(Jws::parse(text)?))
    }

    /// Whether the answer names its key, and `keys` has one of that name and of the answer's algorithm.
    #[must_use]
    pub fn is_keyed_by(&self, keys: &JwkSet) -> bool {
        self.0.is_keyed_by(keys)
    }
}

/// Verifies the answers of one issuer to one client.
#[derive(Clone, Debug)]
#[must_use]
pub struct IntrospectionResponseVerifier {
    issuer: Arc<str>,
    client_id: String,
    algs: Arc<[SigningAlg]>,
}

impl IntrospectionResponseVerifier {
    /// A verifier of what `issuer` answers to `client_id`, by any of [`SigningAlg::DEFAULT_INBOUND`].
    pub fn new(issuer: impl Into<Arc<str>>, client_id: impl Into<String>) -> Self {
        let algs = SigningAlg::DEFAULT_INBOUND.into();
        Self { issuer: issuer.into(), client_id: client_id.into(), algs }
    }

    /// The algorithms that the issuer signs with.
    pub fn with_algorithms(mut self, algs: &[SigningAlg]) -> Self {
        self.algs = algs.into();
        self
    }

    /// The members of the answer, once it is verified by the keys of the issuer, of which at most four are tried.
    ///
    /// # Errors
    /// [`IntrospectionResponseError`], the type being checked before the signature, and that before the claims.
    pub fn verify(
        &self,
        presented: &PresentedIntrospectionResponse,
        keys: &JwkSet,
        now: Timestamp,
    ) -> Result<Map<String, Value>, IntrospectionResponseError> {
        let jws = &presented.0;
        if !jws.header().is_type(TYPE) || jws.header().is_nested() {
            return Err(IntrospectionResponseError::Type);
        }
        let claims = ClaimsSet::parse(verify_by(keys, jws, &self.algs)?)?;
        let expected = Expected::new(&*self.issuer)
            .with_optional_claims()
            .with_only_audience([self.client_id.as_str()])
            .with_issued_at();
        claims.check(&expected, now)?;
        // What may be missing elsewhere has to be there (RFC 9701 section 5).
        if claims.value("iss").is_none() {
            return Err(IntrospectionResponseError::Issuer);
        }
        let fresh = |issued_at: Timestamp| now <= issued_at.plus(MAX_AGE).plus(DEFAULT_LEEWAY);
        if !claims.time("iat").ok().flatten().is_some_and(fresh) {
            return Err(IntrospectionResponseError::Times);
        }
        match claims.into_map().remove("token_introspection") {
            Some(Value::Object(members)) => Ok(members),
            _ => Err(IntrospectionResponseError::Malformed),
        }
    }
}

from_jose_error!(IntrospectionResponseError);
from_claims_error!(IntrospectionResponseError);
