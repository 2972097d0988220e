//! Access tokens that their issuer is asked about (RFC 7662).

mod answers;
mod remote;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub(super) use answers::Answers;
pub use remote::HttpIntrospection;

use super::access::Known;
use super::issuer::TrustedIssuer;
use crate::client::{CredentialError, FetchError};
use crate::clock::Timestamp;
use crate::error::{BoxError, Reason};
use crate::jose::{ClaimsError, ClaimsSet, Expected, IntrospectionResponseError};
use crate::secret::Secret;
use crate::types::{Confirmation, Introspection};

/// Asks an issuer about its access tokens: over HTTP ([`HttpIntrospection`]), or in whatever way there is to it.
///
/// Answers are kept, and of many requests with one token one asks. An implementation must give up after some seconds, and
/// must not answer from memory itself.
#[async_trait]
pub trait TokenIntrospection: Debug + Send + Sync {
    /// What the issuer says of `token`.
    ///
    /// # Errors
    /// [`IntrospectionError`] when it does not say: the request is then answered with 503, never let through.
    async fn introspect(&self, token: &Secret, now: Timestamp) -> Result<Introspection, IntrospectionError>;
}

const _: fn(&dyn TokenIntrospection) = |_| ();

/// Why an issuer did not say what a token is good for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IntrospectionError {
    /// The question could not be authenticated.
    #[error("could not authenticate at the introspection endpoint")]
    Credential(#[from] CredentialError),
    /// There is no answer.
    #[error("could not ask the introspection endpoint")]
    Fetch(#[from] FetchError),
    /// The answer is none of RFC 7662 section 2.2.
    #[error("could not read the answer of the introspection endpoint")]
    Malformed,
    /// The issuer refuses to answer this resource server.
    #[error("the introspection endpoint refuses the credentials")]
    Refused,
    /// The answer is not signed as it has to be (RFC 9701 section 5).
    #[error("could not verify the answer of the introspection endpoint")]
    Unverified(#[from] IntrospectionResponseError),
    /// Anything else that keeps an answer away.
    #[error("could not introspect a token")]
    Unavailable(#[source] BoxError),
}

impl IntrospectionError {
    const fn reason(&self) -> Reason {
        match self {
            Self::Malformed => Reason::IntrospectionMalformed,
            Self::Unverified(_) => Reason::IntrospectionUnverified,
            Self::Refused => Reason::IntrospectionRefused,
            Self::Credential(_) | Self::Fetch(_) | Self::Unavailable(_) => Reason::IntrospectionUnavailable,
        }
    }
}

/// What the tokens of one issuer that it is asked about must say.
#[derive(Debug)]
pub(super) struct Asked {
    issuer: Arc<str>,
    expected: Expected,
    introspection: Arc<dyn TokenIntrospection>,
}

impl Asked {
    pub(super) fn new(trusted: &TrustedIssuer, introspection: Arc<dyn TokenIntrospection>) -> Self {
        let expected = Expected::new(&*trusted.issuer)
            .with_optional_claims()
            .with_audience(trusted.audiences.iter().cloned())
            .with_exact_expiry()
            .with_leeway(trusted.leeway);
        Self { issuer: Arc::clone(&trusted.issuer), expected, introspection }
    }

    /// Asks, and checks what is answered.
    async fn ask(&self, token: &Secret, now: Timestamp) -> Result<Known, Unknown> {
        let answer = self.introspection.introspect(token, now).await.map_err(Unknown::of)?;
        let Introspection::Active(claims) = answer else {
            return Err(Reason::AccessTokenInactive.into());
        };
        let claims = serde_json::Value::Object(claims.into_map()).to_string();
        let claims = ClaimsSet::parse(claims.as_bytes()).map_err(|_| Reason::IntrospectionMalformed)?;
        claims.check(&self.expected, now).map_err(|error| match error {
            ClaimsError::Audience => Reason::AccessTokenAudience,
            ClaimsError::Expired => Reason::AccessTokenExpired,
            ClaimsError::Issuer => Reason::AccessTokenIssuer,
            ClaimsError::IssuedAt | ClaimsError::NotBefore => Reason::AccessTokenNotYetValid,
            ClaimsError::Expiry | ClaimsError::Lifetime | ClaimsError::Malformed => Reason::AccessTokenClaims,
        })?;
        let token_type = claims.str("token_type").map(str::to_ascii_lowercase);
        let known = Known::read(&self.issuer, claims)?;
        let bound_to_key = matches!(known.confirmation, Some(Confirmation::Jkt(_)));
        match token_type.as_deref() == Some("dpop") && !bound_to_key {
            // It would pass for one that whoever has it may use.
            true => Err(Reason::AccessTokenConfirmation.into()),
            false => Ok(known),
        }
    }
}

/// Why nothing is known of a token: a refusal, or a fault with its cause, which all who waited for it share.
#[derive(Clone, Debug)]
pub(super) struct Unknown {
    pub(super) reason: Reason,
    pub(super) cause: Option<Arc<IntrospectionError>>,
}

impl Unknown {
    fn of(error: IntrospectionError) -> Self {
        Self { reason: error.reason(), cause: Some(Arc::new(error)) }
    }

    /// Whether another attempt would come to the same.
    fn lasts(&self) -> bool {
        self.cause.is_none()
            && !matches!(
                self.reason,
                Reason::AccessTokenNotYetValid
                    | Reason::IntrospectionMalformed
                    | Reason::IntrospectionPanicked
            )
    }
}

impl From<Reason> for Unknown {
    fn from(reason: Reason) -> Self {
        Self { reason, cause: None }
    }
}

/// How long answers are kept when nothing else is said.
pub(super) const DEFAULT_LIFETIME: Duration = Duration::from_secs(30);

/// How long answers may be kept at most.
pub(super) const MAX_LIFETIME: Duration = Duration::from_secs(300);
