//! From a decision to tokens: the single place that mints, signs and writes.

use crate::store::{Grant, RefreshUse};
use crate::types::{ClaimRequest, Scope};

use super::format::refresh::RefreshToken;

/// What a grant handler decided: the tokens to issue and the write that goes with them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Issuance {
    /// The grant on which the tokens hang.
    pub grant: Grant,
    /// How the grant is written.
    pub write: Write,
    /// The scope of the access token: the grant's, or narrowed.
    pub scope: Scope,
    /// The resources of the access token: the grant's, or narrowed; empty stands for the default audience.
    pub resources: Vec<String>,
    /// The ID token to issue beside it; never for a client that acts for itself.
    pub id_token: Option<IdTokenIssuance>,
}

/// How the grant of an [`Issuance`] is written.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Write {
    /// It is new: it is inserted with its tokens.
    New,
    /// It exists since its approval.
    Existing,
    /// Its refresh token is used.
    Refresh(RefreshIssuance),
}

/// The use of a refresh token that an [`Issuance`] writes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RefreshIssuance {
    /// The token as it was presented, from which the successor is computed.
    pub presented: RefreshToken,
    /// How the store uses it.
    pub used: RefreshUse,
}

/// The ID token of an [`Issuance`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct IdTokenIssuance {
    /// The `nonce` of the authorization request; never at a refresh.
    pub nonce: Option<String>,
    /// Claims asked for in the ID token by name.
    pub claims: Vec<(String, ClaimRequest)>,
}

impl Issuance {
    /// An access token under a new grant, with the grant's own scope and resources.
    #[must_use]
    pub fn new(grant: Grant) -> Self {
        let (scope, resources) = (grant.scope.clone(), grant.resources.clone());
        Self { grant, write: Write::New, scope, resources, id_token: None }
    }

    /// Tokens under a grant that exists.
    #[must_use]
    pub fn under(grant: Grant) -> Self {
        Self { write: Write::Existing, ..Self::new(grant) }
    }

    /// An ID token beside the access token.
    #[must_use]
    pub fn with_id_token(mut self, id_token: IdTokenIssuance) -> Self {
        self.id_token = Some(id_token);
        self
    }
}
