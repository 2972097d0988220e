//! Access tokens that are verified here, by the keys of their issuer (RFC 9068 section 4).

use std::sync::Arc;

use super::access::Known;
use super::issuer::TrustedIssuer;
use crate::client::RemoteKeys;
use crate::client::keyed_token::{IssuerKeys, KeyedToken, Unkeyed, verify_at};
use crate::clock::Timestamp;
use crate::error::{Error, Reason, Rejection};
use crate::event::EventKind;
use crate::jose::{AccessTokenError, IssuedTokenVerifier, JwkSet, PresentedAccessToken, VerifiedAccessToken};

/// What verifies the JWTs of one issuer.
#[derive(Debug)]
pub(super) struct Jwts {
    issuer: Arc<str>,
    verifier: IssuedTokenVerifier,
    keys: IssuerKeys,
    remote: Option<Arc<RemoteKeys>>,
}

impl Jwts {
    pub(super) fn new(trusted: &TrustedIssuer, keys: IssuerKeys, remote: Option<Arc<RemoteKeys>>) -> Self {
        Self { issuer: Arc::clone(&trusted.issuer), verifier: trusted.verifier(), keys, remote }
    }

    /// What is known of a token once it is verified.
    ///
    /// # Errors
    /// Why it is refused; [`Reason::IssuerKeysUnavailable`].
    pub(super) async fn known(
        &self,
        presented: &PresentedAccessToken,
        now: Timestamp,
    ) -> Result<Known, Error> {
        let token = Token { presented, verifier: &self.verifier, now };
        let verified = match (&self.keys, &self.remote) {
            (IssuerKeys::Known(keys), _) => token.verify(keys).map_err(Unkeyed::Refused),
            (IssuerKeys::At(url), Some(remote)) => verify_at(remote, url, &token).await,
            (IssuerKeys::At(_), None) => return Err(Reason::IssuerKeysUnavailable.into()),
        };
        let verified = verified.map_err(|error| match error {
            Unkeyed::Refused(error) => Rejection::caused(error.into(), error),
            Unkeyed::Unfetched(error) => Rejection::caused(Reason::IssuerKeysUnavailable, error),
        })?;
        Ok(Known::read(&self.issuer, verified.into_claims())?)
    }

    /// What the last fetch of the keys came to, told of once.
    pub(super) fn news(&self) -> Option<EventKind> {
        match (&self.keys, &self.remote) {
            (IssuerKeys::At(url), Some(remote)) => remote.take_news(url).map(Into::into),
            _ => None,
        }
    }
}

/// One token that is to be verified.
struct Token<'a> {
    presented: &'a PresentedAccessToken,
    verifier: &'a IssuedTokenVerifier,
    now: Timestamp,
}

impl KeyedToken for Token<'_> {
    type Verified = VerifiedAccessToken;
    type Refusal = AccessTokenError;

    fn is_keyed_by(&self, keys: &JwkSet) -> bool {
        self.presented.is_keyed_by(keys)
    }

    fn verify(&self, keys: &JwkSet) -> Result<VerifiedAccessToken, AccessTokenError> {
        self.verifier.verify(self.presented, keys, self.now)
    }

    fn is_of_keys(refusal: &AccessTokenError) -> bool {
        *refusal == AccessTokenError::Signature
    }
}
