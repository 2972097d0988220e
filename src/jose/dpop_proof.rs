//! Proofs that the sender of a request holds a key: DPoP (RFC 9449 section 4).

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::claims_set::{DEFAULT_LEEWAY, MAX_LEEWAY};
use super::{ClaimsSet, JoseError, Jwk, Jws, SigningAlg, Verifier};
use crate::clock::Timestamp;
use crate::error::Reason;
use crate::secret::TokenHash;
use crate::types::{HttpUri, Remembered, Thumbprint};

/// The `typ` of a proof (RFC 9449 section 4.2).
const TYPE: &str = "dpop+jwt";

/// Most bytes in `jti`.
const MAX_JTI_BYTES: usize = 256;

/// Most keys that are kept built, of those that have proved something.
const MAX_KEYS: usize = 4096;

/// How old a proof may be when nothing else is said.
const DEFAULT_MAX_AGE: Duration = Duration::from_secs(300);

/// Why a proof is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum DpopProofError {
    /// `ath` is missing or not the hash of the access token.
    #[error("the proof is not for this access token")]
    AccessToken,
    /// `alg` is not an accepted one.
    #[error("the proof's algorithm is not accepted")]
    Algorithm,
    /// `jwk` is missing, not a sound public key, or not for `alg`.
    #[error("the proof has no public key that can be used")]
    Key,
    /// The text is no JWT of the accepted form.
    #[error("the proof is malformed")]
    Malformed,
    /// `htm` is not the method of the request.
    #[error("the proof is for another method")]
    Method,
    /// `nonce` is not one that the server gave out, or too old.
    #[error("the proof's nonce is not current")]
    Nonce,
    /// `nonce` is missing and demanded.
    #[error("the proof has no nonce")]
    NonceMissing,
    /// The cryptographic library panicked. The proof is refused; the panic deserves an alarm.
    #[error("the proof could not be checked")]
    Panicked,
    /// The key of the proof does not verify its signature.
    #[error("the proof's key does not verify it")]
    Signature,
    /// `iat` is missing or not of now, `exp` is past, or `nbf` lies in the future.
    #[error("the proof is not valid now")]
    Times,
    /// `jti` is not a text of 1 to 256 bytes.
    #[error("the proof has no usable jti")]
    TokenId,
    /// `typ` is missing or not `dpop+jwt`.
    #[error("the token is not of type dpop+jwt")]
    Type,
    /// `htu` is not the URI of the request.
    #[error("the proof is for another uri")]
    Uri,
}

impl From<DpopProofError> for Reason {
    fn from(error: DpopProofError) -> Self {
        match error {
            DpopProofError::AccessToken => Self::DpopProofAccessToken,
            DpopProofError::Algorithm => Self::DpopProofAlgorithm,
            DpopProofError::Key => Self::DpopProofKey,
            DpopProofError::Malformed => Self::DpopProofMalformed,
            DpopProofError::Method => Self::DpopProofMethod,
            DpopProofError::Nonce => Self::DpopNonceStale,
            DpopProofError::NonceMissing => Self::DpopNonceMissing,
            DpopProofError::Panicked => Self::DpopProofUnchecked,
            DpopProofError::Signature => Self::DpopProofSignature,
            DpopProofError::Times => Self::DpopProofTimes,
            DpopProofError::TokenId => Self::DpopProofId,
            DpopProofError::Type => Self::DpopProofType,
            DpopProofError::Uri => Self::DpopProofUri,
        }
    }
}

/// The request that a proof must be for.
#[derive(Clone, Copy)]
#[must_use]
pub struct ProvedRequest<'a> {
    method: &'a str,
    uri: &'a HttpUri,
    alias: Option<&'a HttpUri>,
    access_token: Option<&'a str>,
    is_nonce: &'a (dyn Fn(&str) -> bool + Sync),
}

impl<'a> ProvedRequest<'a> {
    /// A request of this method, whose case counts, to this place, where no nonce is known.
    pub const fn new(method: &'a str, uri: &'a HttpUri) -> Self {
        Self { method, uri, alias: None, access_token: None, is_nonce: &|_| false }
    }

    /// The place goes by this URI too.
    pub const fn with_alias(mut self, alias: Option<&'a HttpUri>) -> Self {
        self.alias = alias;
        self
    }

    /// The request presents this access token, so that `ath` must be its hash.
    pub const fn with_access_token(mut self, access_token: &'a str) -> Self {
        self.access_token = Some(access_token);
        self
    }

    /// What tells the nonces that the server gave out, and still takes, from other texts.
    pub const fn with_nonces(mut self, is_nonce: &'a (dyn Fn(&str) -> bool + Sync)) -> Self {
        self.is_nonce = is_nonce;
        self
    }
}

/// Leaves the access token out.
impl fmt::Debug for ProvedRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProvedRequest")
            .field("method", &self.method)
            .field("uri", &self.uri)
            .finish_non_exhaustive()
    }
}

/// A proof that was verified. The caller still has to see to it that its `jti` is used once under its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DpopProof {
    thumbprint: Thumbprint,
    jti: String,
    nonce: Option<String>,
    accepted_until: Option<Timestamp>,
}

impl DpopProof {
    /// The thumbprint of the key that the sender holds.
    #[must_use]
    pub const fn thumbprint(&self) -> Thumbprint {
        self.thumbprint
    }

    /// The proof's name, unique for its key: 1 to 256 bytes.
    #[must_use]
    pub fn jti(&self) -> &str {
        &self.jti
    }

    /// The nonce of the server that it carries, if it does.
    #[must_use]
    pub fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }

    /// The last moment at which the proof is accepted by its `iat`; `None` where its nonce decides that.
    #[must_use]
    pub const fn accepted_until(&self) -> Option<Timestamp> {
        self.accepted_until
    }
}

/// Verifies DPoP proofs. Keys that have proved something are kept built, up to 4096 of them, the oldest going first: building
/// one costs more than verifying by it.
#[derive(Clone, Debug)]
#[must_use]
pub struct DpopProofVerifier {
    keys: Arc<Mutex<Remembered<String, Jwk>>>,
    algs: Arc<[SigningAlg]>,
    max_age: Duration,
    leeway: Duration,
    nonce_required: bool,
}

impl Default for DpopProofVerifier {
    fn default() -> Self {
        Self {
            keys: Arc::new(Mutex::new(Remembered::up_to(MAX_KEYS))),
            algs: SigningAlg::DEFAULT_INBOUND.into(),
            max_age: DEFAULT_MAX_AGE,
            leeway: DEFAULT_LEEWAY,
            nonce_required: false,
        }
    }
}

impl DpopProofVerifier {
    /// A verifier of proofs by any of [`SigningAlg::DEFAULT_INBOUND`], at most 300 seconds old.
    pub fn new() -> Self {
        Self::default()
    }

    /// The algorithms that are accepted.
    pub fn with_algorithms(mut self, algs: &[SigningAlg]) -> Self {
        self.algs = algs.into();
        self
    }

    /// How old a proof without a nonce may be.
    pub const fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// By how much the clock of the sender may be ahead: 10 seconds by default, at most 60.
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway.min(MAX_LEEWAY);
        self
    }

    /// Every proof must carry a nonce of the server (RFC 9449 section 8).
    pub const fn with_nonce_required(mut self) -> Self {
        self.nonce_required = true;
        self
    }

    /// The algorithms that are accepted.
    #[must_use]
    pub fn algorithms(&self) -> &[SigningAlg] {
        &self.algs
    }

    /// Verifies the value of a `DPoP` header by the rules of RFC 9449 section 4.3.
    ///
    /// The nonce, if there is one, takes the place of the bounds of `iat`, so that clients need no clock.
    ///
    /// # Errors
    /// [`DpopProofError`], the signature being checked before the claims, and the nonce and the times last.
    pub fn verify(
        &self,
        proof: &str,
        request: &ProvedRequest<'_>,
        now: Timestamp,
    ) -> Result<DpopProof, DpopProofError> {
        let jws = Jws::parse(proof)?;
        if !jws.header().is_type(TYPE) || jws.header().is_nested() {
            return Err(DpopProofError::Type);
        }
        let key = self.key(&jws)?;
        let claims = ClaimsSet::parse(jws.verify(&key.verifier)?).map_err(|_| DpopProofError::Malformed)?;
        let jti = match claims.str("jti") {
            Some(jti) if (1..=MAX_JTI_BYTES).contains(&jti.len()) => jti.to_owned(),
            _ => return Err(DpopProofError::TokenId),
        };
        check_request(&claims, request)?;
        let nonce = self.nonce(&claims, request)?;
        let accepted_until = self.check_times(&claims, nonce.as_deref(), now)?;
        self.keys().remember(key.jwk.thumbprint(), key.jwk);
        Ok(DpopProof { thumbprint: key.thumbprint, jti, nonce, accepted_until })
    }

    /// The key in the header, for the algorithm in the header, which must be an accepted one.
    fn key(&self, jws: &Jws) -> Result<Key, DpopProofError> {
        let alg = jws.header().alg().filter(|alg| self.algs.contains(alg));
        let alg = alg.ok_or(DpopProofError::Algorithm)?;
        let jwk = jws.unverified_header_member("jwk").ok_or(DpopProofError::Key)?;
        let claimed = Jwk::claimed_thumbprint(&jwk).map_err(|_| DpopProofError::Key)?;
        let known = self.keys().get(&claimed).cloned();
        let jwk = Jwk::parse_keeping(&jwk, known.as_slice()).map_err(|_| DpopProofError::Key)?;
        let thumbprint = Thumbprint::parse(&jwk.thumbprint()).map_err(|_| DpopProofError::Key)?;
        let verifier = Verifier::new(&jwk, alg).map_err(|error| match error {
            JoseError::Panicked => DpopProofError::Panicked,
            _ => DpopProofError::Key,
        })?;
        Ok(Key { jwk, verifier, thumbprint })
    }

    fn keys(&self) -> MutexGuard<'_, Remembered<String, Jwk>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn nonce(
        &self,
        claims: &ClaimsSet,
        request: &ProvedRequest<'_>,
    ) -> Result<Option<String>, DpopProofError> {
        match (claims.value("nonce"), claims.str("nonce")) {
            (None, _) if self.nonce_required => Err(DpopProofError::NonceMissing),
            (None, _) => Ok(None),
            (Some(_), Some(nonce)) if (request.is_nonce)(nonce) => Ok(Some(nonce.to_owned())),
            (Some(_), _) => Err(DpopProofError::Nonce),
        }
    }

    /// Until when the proof is accepted, if that is for `iat` to say. `exp` and `nbf` may be missing, and count where
    /// they are not.
    fn check_times(
        &self,
        claims: &ClaimsSet,
        nonce: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, DpopProofError> {
        let time = |name| claims.time(name).map_err(|_| DpopProofError::Times);
        let issued_at = time("iat")?.ok_or(DpopProofError::Times)?;
        let latest = now.plus(self.leeway);
        let is_over = time("exp")?.is_some_and(|expiry| expiry.plus(self.leeway).has_passed(now));
        if is_over || time("nbf")?.is_some_and(|valid_from| valid_from > latest) {
            return Err(DpopProofError::Times);
        }
        if nonce.is_some() {
            return Ok(None);
        }
        let accepted_until = issued_at.plus(self.max_age);
        match issued_at <= latest && now <= accepted_until {
            true => Ok(Some(accepted_until)),
            false => Err(DpopProofError::Times),
        }
    }
}

#[cfg(test)]
impl DpopProofVerifier {
    /// How many keys are kept built.
    pub(super) fn kept_keys(&self) -> usize {
        self.keys().len()
    }
}

struct Key {
    jwk: Jwk,
    verifier: Verifier,
    thumbprint: Thumbprint,
}

/// `htm`, `htu`, and `ath` where there is an access token.
fn check_request(claims: &ClaimsSet, request: &ProvedRequest<'_>) -> Result<(), DpopProofError> {
    if claims.str("htm") != Some(request.method) {
        return Err(DpopProofError::Method);
    }
    let uri = claims.str("htu").and_then(|htu| HttpUri::parse(htu).ok());
    if uri.is_none() || ![Some(request.uri), request.alias].contains(&uri.as_ref()) {
        return Err(DpopProofError::Uri);
    }
    let Some(access_token) = request.access_token else { return Ok(()) };
    let hash = BASE64_URL_SAFE_NO_PAD.encode(TokenHash::of(access_token).as_bytes());
    match claims.str("ath") == Some(&hash) {
        true => Ok(()),
        false => Err(DpopProofError::AccessToken),
    }
}

impl From<JoseError> for DpopProofError {
    fn from(error: JoseError) -> Self {
        match error {
            JoseError::Algorithm => Self::Algorithm,
            JoseError::NoKey => Self::Key,
            JoseError::Signature => Self::Signature,
            JoseError::Panicked => Self::Panicked,
            JoseError::Decryption
            | JoseError::Extension
            | JoseError::Encrypted
            | JoseError::Header
            | JoseError::Malformed
            | JoseError::Nesting
            | JoseError::TooLong
            | JoseError::Unencrypted => Self::Malformed,
        }
    }
}
