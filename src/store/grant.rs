//! Grants: the durable permissions on which everything else hangs.

use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Listing, Page, SessionKey, SubjectKey};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::seal::Sealed;
use crate::secret::TokenHash;
use crate::types::{
    Actors, Authentication, AuthorizationDetails, ClaimsRequest, ClientId, Confirmation, GrantId, GrantType,
    LanguageTag, Scope,
};

/// The permission that a person, or a client for itself, gave: immutable; the sealed payload of a [`GrantRecord`].
///
/// Every code, access token and refresh token names its grant. Its revocation and the head of its refresh family
/// live beside it in the row, not in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Grant {
    /// Its name.
    pub id: GrantId,
    /// Who may use it.
    pub client: ClientId,
    /// How it came about.
    pub grant_type: GrantType,
    /// Who gave it and how they had signed in; `None` when the client acts for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Authentication>,
    /// Who acts for them.
    #[serde(rename = "act", default, skip_serializing_if = "Actors::is_empty")]
    pub actors: Actors,
    /// The scope granted; tokens may narrow it, never widen it.
    pub scope: Scope,
    /// The resources granted (RFC 8707); empty stands for the default audience.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// What was granted in detail (RFC 9396); tokens may narrow it, never widen it.
    #[serde(default, skip_serializing_if = "AuthorizationDetails::is_empty")]
    pub authorization_details: AuthorizationDetails,
    /// The claims granted beyond those of the scope.
    #[serde(default, skip_serializing_if = "ClaimsRequest::is_empty")]
    pub claims: ClaimsRequest,
    /// The languages asked for claims, the most preferred first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims_locales: Vec<LanguageTag>,
    /// The key that every token under it is bound to; `None` where each request for tokens brings its own, or none.
    #[serde(rename = "cnf", default, skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<Confirmation>,
    /// When it was given.
    pub created_at: Timestamp,
    /// Its absolute limit: from then on nothing that hangs on it is valid.
    pub expires_at: Timestamp,
}

impl Grant {
    /// A grant of `client` for itself, or of a person once [`Grant::authentication`] is set.
    #[must_use]
    pub fn new(id: GrantId, client: ClientId, grant_type: GrantType, created_at: Timestamp) -> Self {
        Self {
            id,
            client,
            grant_type,
            authentication: None,
            actors: Actors::none(),
            scope: Scope::empty(),
            resources: Vec::new(),
            authorization_details: AuthorizationDetails::empty(),
            claims: ClaimsRequest::default(),
            claims_locales: Vec::new(),
            confirmation: None,
            created_at,
            expires_at: Timestamp::NEVER,
        }
    }

    /// Who gave it, and how they had signed in.
    #[must_use]
    pub fn with_authentication(mut self, authentication: Authentication) -> Self {
        self.authentication = Some(authentication);
        self
    }

    /// Who acts for whoever gave it.
    #[must_use]
    pub fn with_actors(mut self, actors: Actors) -> Self {
        self.actors = actors;
        self
    }

    /// The scope granted.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// The resources granted.
    #[must_use]
    pub fn with_resources(mut self, resources: Vec<String>) -> Self {
        self.resources = resources;
        self
    }

    /// What was granted in detail.
    #[must_use]
    pub fn with_authorization_details(mut self, details: AuthorizationDetails) -> Self {
        self.authorization_details = details;
        self
    }

    /// The claims granted beyond those of the scope.
    #[must_use]
    pub fn with_claims(mut self, claims: ClaimsRequest) -> Self {
        self.claims = claims;
        self
    }

    /// The languages asked for claims.
    #[must_use]
    pub fn with_claims_locales(mut self, claims_locales: Vec<LanguageTag>) -> Self {
        self.claims_locales = claims_locales;
        self
    }

    /// The key that every token under it is bound to.
    #[must_use]
    pub const fn with_confirmation(mut self, confirmation: Option<Confirmation>) -> Self {
        self.confirmation = confirmation;
        self
    }

    /// The absolute limit.
    #[must_use]
    pub const fn with_expiry(mut self, expires_at: Timestamp) -> Self {
        self.expires_at = expires_at;
        self
    }

    /// The resources granted, or the default audience where there are none.
    pub(crate) fn resources_or<'a>(&'a self, default_audience: &'a [String]) -> &'a [String] {
        if self.resources.is_empty() { default_audience } else { &self.resources }
    }
}

/// A grant as a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRecord {
    /// Its name, the primary key.
    pub id: GrantId,
    /// Who may use it.
    pub client: ClientId,
    /// Who gave it; `None` when the client acts for itself.
    pub subject: Option<SubjectKey>,
    /// In which login session it was given.
    pub session: Option<SessionKey>,
    /// When it was given; listings are in the order of their ids, not of this.
    pub created_at: Timestamp,
    /// From this moment on nothing that hangs on it is valid.
    pub expires_at: Timestamp,
    /// Until this moment the row is kept: the later of `expires_at` and the session's end.
    pub keep_until: Timestamp,
    /// The key of the token that it came with, if it came as a [`GrantedToken`](super::GrantedToken).
    pub token: Option<TokenHash>,
    /// A sealed [`Grant`]; the payload of its token, if it came with one.
    pub payload: Sealed,
}

/// The state of a grant's refresh family: its one head, see "Refresh tokens" in
/// [the storage contract](crate::manual::storage).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshHead {
    /// SHA-256 of the family key.
    pub key: TokenHash,
    /// The sequence number of the newest refresh token; the first is 0.
    pub seq: u64,
    /// When the newest was first used; `None` while it has not been.
    pub first_used_at: Option<Timestamp>,
    /// When the head last moved on; `None` while it has not.
    pub rotated_at: Option<Timestamp>,
    /// From this moment on, unless used before, the family has ended.
    pub idle_until: Timestamp,
}

/// A grant with its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredGrant {
    /// What was inserted.
    pub record: GrantRecord,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    /// Its refresh family, if it has one.
    pub head: Option<RefreshHead>,
}

impl StoredGrant {
    /// Whether it is neither revoked nor past its limit: only then is anything that hangs on it valid.
    #[must_use]
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && !self.record.expires_at.has_passed(now)
    }
}

/// Which grants a listing or a revocation concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a store must handle every filter: a new one has to break its build"
)]
pub enum Filter {
    /// One grant.
    Id(GrantId),
    /// All that a client may use.
    Client(ClientId),
    /// All that were given in a login session.
    Session(SessionKey),
    /// All that a subject gave.
    Subject(SubjectKey),
    /// All that a subject gave to a client.
    SubjectAndClient(SubjectKey, ClientId),
}

/// Whether a listing of grants holds revoked ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle both")]
pub enum RevokedGrants {
    /// It does, until their `keep_until`.
    Included,
    /// It does not.
    LeftOut,
}

impl RevokedGrants {
    /// Whether a listing holds this grant, if it is kept.
    #[must_use]
    pub const fn admit(self, grant: &StoredGrant) -> bool {
        matches!(self, Self::Included) || grant.revoked_at.is_none()
    }
}

/// Grants, listed and revoked as one.
#[async_trait]
pub trait GrantStore: Debug + Send + Sync {
    /// Keeps a new grant: at approval, before its code.
    ///
    /// Its `token` is `None`: a grant that comes with one is for `insert_granted_token`.
    ///
    /// # Errors
    /// `Conflict` when the id exists already; nothing is changed then.
    async fn insert_grant(&self, grant: GrantRecord, now: Timestamp) -> Result<(), StoreError>;

    /// One grant with its state, revoked ones included, until `keep_until`.
    async fn grant(&self, id: &GrantId, now: Timestamp) -> Result<Option<StoredGrant>, StoreError>;

    /// The grants of a filter that are not past `keep_until`, with or without those that are revoked, in the order of
    /// their ids.
    ///
    /// # Errors
    /// `Corrupt` when `page.after` is not a `next` of this store.
    async fn grants(
        &self,
        of: &Filter,
        revoked: RevokedGrants,
        page: &Page,
        now: Timestamp,
    ) -> Result<Listing<StoredGrant>, StoreError>;

    /// Revokes all grants of a filter, expired ones too, and says how many were not revoked before.
    ///
    /// Once it has answered, no token that names one of them is active, and none can be inserted. A second
    /// revocation leaves the time of the first.
    async fn revoke(&self, of: &Filter, now: Timestamp) -> Result<u64, StoreError>;

    /// Revokes at most `limit` (0 to 1000) grants of a filter that are not revoked yet, and says how many; call again
    /// until it says fewer than `limit`.
    ///
    /// What it says that it revoked is revoked as by [`GrantStore::revoke`], and no two calls count one grant. Once it
    /// says fewer than `limit`, no grant of the filter that was there when it was called is left, also where others
    /// revoke at the same time.
    async fn revoke_some(&self, of: &Filter, limit: u16, now: Timestamp) -> Result<u16, StoreError>;
}

const _: fn(&dyn GrantStore) = |_| ();
