//! The people: what the host knows of them.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::error::BoxError;
use crate::types::{ClaimRequest, Claims, ClientId, Scope, Subject};

/// What is asked of an account.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AccountQuery<'a> {
    /// Whose claims.
    pub subject: &'a Subject,
    /// For which client.
    pub client: &'a ClientId,
    /// The scope granted; its claims are wanted (OpenID Connect Core section 5.4).
    pub scope: &'a Scope,
    /// Claims that were asked for by name, beyond those of the scope.
    pub claims: &'a [(String, ClaimRequest)],
    /// The time of the request.
    pub now: Timestamp,
}

impl<'a> AccountQuery<'a> {
    /// Asks for the claims of `scope`.
    #[must_use]
    pub const fn new(subject: &'a Subject, client: &'a ClientId, scope: &'a Scope, now: Timestamp) -> Self {
        Self { subject, client, scope, claims: &[], now }
    }

    /// Asks for claims by name too.
    #[must_use]
    pub const fn with_claims(mut self, claims: &'a [(String, ClaimRequest)]) -> Self {
        self.claims = claims;
        self
    }
}

/// The host's accounts.
///
/// It is asked at every code redemption, refresh and userinfo request, and whenever an authorization response has
/// tokens, also without `openid`, so that a person who was disabled gets nothing more.
#[async_trait]
pub trait Accounts: Debug + Send + Sync {
    /// The claims of a subject, or `None` when the account is gone, disabled or locked.
    ///
    /// More claims may be returned than are wanted; only those granted reach the client. `sub` is ignored.
    ///
    /// # Errors
    /// Any error fails the request with 503; nothing is issued.
    async fn claims(&self, query: AccountQuery<'_>) -> Result<Option<Claims>, BoxError>;
}

const _: fn(&dyn Accounts) = |_| ();
