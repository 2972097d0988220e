//! What an access token lets its bearer do.

use std::fmt;
use std::sync::Arc;

use http::HeaderMap;
use serde::Deserialize as _;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::error::Reason;
use crate::jose::ClaimsSet;
use crate::types::{AuthorizationDetails, Confirmation, Scope};
use crate::wire::reply;

/// Who is behind a request, and what they may do: an access token that was verified, with all that had to be proved beside
/// it. Cheap to clone.
#[derive(Clone)]
pub struct Access {
    known: Arc<Known>,
    nonce: Option<String>,
}

/// What is known of a token, whoever presents it.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) issuer: Arc<str>,
    pub(super) scope: Scope,
    pub(super) confirmation: Option<Confirmation>,
    details: AuthorizationDetails,
    claims: ClaimsSet,
}

impl Access {
    pub(super) const fn new(known: Arc<Known>, nonce: Option<String>) -> Self {
        Self { known, nonce }
    }

    /// Who issued the token.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.known.issuer
    }

    /// Whom the token acts for, as its issuer names them: a person, or the client itself. Unique for its issuer alone.
    /// `None` where introspection does not say.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.known.claims.str("sub")
    }

    /// The client that the token was issued to; `None` where introspection does not say.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.known.client_id()
    }

    /// What was granted.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.known.scope
    }

    /// The resources that the token is for.
    #[must_use]
    pub fn audience(&self) -> Vec<&str> {
        self.known.claims.audience().unwrap_or_default()
    }

    /// From when on the token is not valid; `None` where introspection does not say.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.known.expires_at()
    }

    /// When the person signed in, if the token says so (RFC 9068 section 2.2.1).
    #[must_use]
    pub fn auth_time(&self) -> Option<Timestamp> {
        self.known.auth_time()
    }

    /// The authentication context class that the person reached, if the token says so.
    #[must_use]
    pub fn acr(&self) -> Option<&str> {
        self.known.acr()
    }

    /// The key that the token is bound to, which the request has proved to hold.
    #[must_use]
    pub fn confirmation(&self) -> Option<&Confirmation> {
        self.known.confirmation.as_ref()
    }

    /// What was granted in detail (RFC 9396).
    #[must_use]
    pub fn authorization_details(&self) -> &AuthorizationDetails {
        &self.known.details
    }

    /// Any claim of the token, or member of its introspection.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.known.claims.value(name)
    }

    /// Adds to the headers of the answer what the client is to hear: the nonce for its next DPoP proof, where it needs
    /// another (RFC 9449 section 8.2).
    pub fn tell(&self, headers: &mut HeaderMap) {
        if let Some(nonce) = &self.nonce {
            reply::dpop_nonce(headers, nonce);
        }
    }
}

/// Leaves the claims out, which are personal data.
impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("issuer", &self.known.issuer)
            .field("client_id", &self.client_id())
            .field("scope", &self.known.scope)
            .finish_non_exhaustive()
    }
}

impl Known {
    /// Reads claims that were checked.
    ///
    /// # Errors
    /// [`Reason::AccessTokenConfirmation`], so that nothing bound passes for unbound, and [`Reason::AccessTokenClaims`].
    pub(super) fn read(issuer: &Arc<str>, claims: ClaimsSet) -> Result<Self, Reason> {
        let malformed = |_| Reason::AccessTokenClaims;
        let scope = match claims.value("scope") {
            None => Scope::empty(),
            Some(scope) => Scope::parse(scope.as_str().ok_or(Reason::AccessTokenClaims)?)
                .map_err(|_| Reason::AccessTokenClaims)?,
        };
        let confirmation = claims.value("cnf").map(Confirmation::deserialize).transpose();
        let details = match claims.value("authorization_details") {
            None => AuthorizationDetails::empty(),
            Some(details) => {
                AuthorizationDetails::from_value(details.clone()).map_err(|_| Reason::AccessTokenClaims)?
            }
        };
        claims.time("auth_time").map_err(malformed)?;
        Ok(Self {
            issuer: Arc::clone(issuer),
            scope,
            confirmation: confirmation.map_err(|_| Reason::AccessTokenConfirmation)?,
            details,
            claims,
        })
    }

    pub(super) fn client_id(&self) -> Option<&str> {
        self.claims.str("client_id")
    }

    pub(super) fn acr(&self) -> Option<&str> {
        self.claims.str("acr")
    }

    pub(super) fn auth_time(&self) -> Option<Timestamp> {
        self.claims.time("auth_time").ok().flatten()
    }

    pub(super) fn expires_at(&self) -> Option<Timestamp> {
        self.claims.time("exp").ok().flatten()
    }

    /// Whether the token's time is over.
    pub(super) fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at().is_some_and(|expiry| expiry.has_passed(now))
    }

    pub(super) fn is_for(&self, resource: &str) -> bool {
        self.claims.audience().is_some_and(|named| named.contains(&resource))
    }
}
