//! The people: what the host knows of them.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::error::BoxError;
use crate::types::{ClaimRequest, Claims, ClientId, LanguageTag, Scope, Subject};

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
    /// The languages that the client would like the claims in, the most preferred first (`claims_locales`, OpenID Connect
    /// Core 1.0 section 5.2). A claim in a language is named with its tag, `name#de`.
    pub claims_locales: &'a [LanguageTag],
    /// The time of the request.
    pub now: Timestamp,
}

impl<'a> AccountQuery<'a> {
    /// Asks for the claims of `scope`.
    #[must_use]
    pub const fn new(subject: &'a Subject, client: &'a ClientId, scope: &'a Scope, now: Timestamp) -> Self {
        Self { subject, client, scope, claims: &[], claims_locales: &[], now }
    }

    /// Asks for claims by name too.
    #[must_use]
    pub const fn with_claims(mut self, claims: &'a [(String, ClaimRequest)]) -> Self {
        self.claims = claims;
        self
    }

    /// Asks for the claims in these languages, where there is a choice.
    #[must_use]
    pub const fn with_claims_locales(mut self, claims_locales: &'a [LanguageTag]) -> Self {
        self.claims_locales = claims_locales;
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
    /// More claims may be returned than are wanted; only those granted reach the client, with `name` also `name#de`.
    /// `sub` and the other claims of the protocol itself are ignored.
    ///
    /// Claims of other providers may be among them, aggregated or distributed: `_claim_names` and `_claim_sources` of OpenID
    /// Connect Core 1.0 section 5.6.2. A source goes to the client as it is, so it goes only if every claim that it is named
    /// for is granted. What a source tells beyond that is for the host to see to.
    ///
    /// # Errors
    /// Any error fails the request with 503; nothing is issued.
    async fn claims(&self, query: AccountQuery<'_>) -> Result<Option<Claims>, BoxError>;
}

const _: fn(&dyn Accounts) = |_| ();
