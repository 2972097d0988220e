//! Access tokens, and the use of refresh tokens.

use std::cmp::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{GrantRecord, GrantStore, RefreshHead, SessionKey, StoredGrant, SubjectKey};
use crate::clock::Timestamp;
use crate::error::{StoreError, StoreErrorKind};
use crate::seal::Sealed;
use crate::secret::TokenHash;
use crate::types::{
    Actors, Authentication, AuthorizationDetails, ClaimRequest, Claims, ClientId, Confirmation, GrantId,
    LanguageTag, Scope,
};

/// What an access token stands for; the sealed payload of a [`TokenRecord`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AccessToken {
    /// The grant it hangs on.
    pub grant: GrantId,
    /// The client it was issued to.
    pub client: ClientId,
    /// On whose behalf; `None` when the client acts for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Authentication>,
    /// Who acts for them.
    #[serde(rename = "act", default, skip_serializing_if = "Actors::is_empty")]
    pub actors: Actors,
    /// What it permits.
    pub scope: Scope,
    /// Who may accept it (`aud`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<String>,
    /// What it permits in detail (RFC 9396).
    #[serde(default, skip_serializing_if = "AuthorizationDetails::is_empty")]
    pub authorization_details: AuthorizationDetails,
    /// Claims asked of userinfo beyond those of the scope.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub userinfo: Vec<(String, ClaimRequest)>,
    /// The languages asked for claims, the most preferred first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims_locales: Vec<LanguageTag>,
    /// The key that whoever uses it must hold.
    #[serde(rename = "cnf", default, skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<Confirmation>,
    /// What the host's claims hook added.
    #[serde(default, skip_serializing_if = "Claims::is_empty")]
    pub extra: Claims,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// From this moment on it is not valid.
    pub expires_at: Timestamp,
}

impl AccessToken {
    /// A token of a client for itself that permits nothing yet.
    #[must_use]
    pub fn new(grant: GrantId, client: ClientId, issued_at: Timestamp, expires_at: Timestamp) -> Self {
        Self {
            grant,
            client,
            authentication: None,
            actors: Actors::none(),
            scope: Scope::empty(),
            audience: Vec::new(),
            authorization_details: AuthorizationDetails::empty(),
            userinfo: Vec::new(),
            claims_locales: Vec::new(),
            confirmation: None,
            extra: Claims::new(),
            issued_at,
            expires_at,
        }
    }
}

/// An access token as a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// SHA-256 of the whole opaque token, or of the `jti` of a JWT; the primary key.
    pub key: TokenHash,
    /// The grant it hangs on.
    pub grant: GrantId,
    /// The client it was issued to.
    pub client: ClientId,
    /// From this moment on it is not valid, and the row may go.
    pub expires_at: Timestamp,
    /// A sealed [`AccessToken`].
    pub payload: Sealed,
}

/// The refresh family that begins with a grant's first refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFamily {
    /// SHA-256 of the family key.
    pub key: TokenHash,
    /// From this moment on, unless used before, the family has ended.
    pub idle_until: Timestamp,
}

impl NewFamily {
    /// The head with which the family begins.
    #[must_use]
    pub const fn head(&self) -> RefreshHead {
        let Self { key, idle_until } = *self;
        RefreshHead { key, seq: 0, first_used_at: None, rotated_at: None, idle_until }
    }
}

/// What one response issues, inserted as a whole or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Issued {
    /// The access token; `None` for a JWT that is not recorded.
    pub access: Option<TokenRecord>,
    /// The refresh family, with the first refresh token of a grant.
    pub family: Option<NewFamily>,
}

impl Issued {
    /// Whether what is issued names the grant that it is to hang on.
    #[must_use]
    pub fn belongs_to(&self, grant: &GrantId) -> bool {
        self.access.as_ref().is_none_or(|access| access.grant == *grant)
    }
}

/// An access token that brings its grant along; only where no replay can revoke that, as for client credentials.
///
/// Both are one row: the grant's name, client and limit are the token's, and the token's payload holds both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantedToken {
    /// The token, which names the grant.
    pub token: TokenRecord,
    /// Who gave the grant; `None` when the client acts for itself.
    pub subject: Option<SubjectKey>,
    /// In which login session it was given.
    pub session: Option<SessionKey>,
    /// When it was given.
    pub created_at: Timestamp,
    /// Until this moment the row is kept: the later of the token's `expires_at` and the session's end.
    pub keep_until: Timestamp,
}

impl GrantedToken {
    /// The grant, as [`GrantStore::grant`] and [`GrantStore::grants`] show it.
    #[must_use]
    pub fn into_grant(self) -> GrantRecord {
        let Self { token, subject, session, created_at, keep_until } = self;
        GrantRecord {
            id: token.grant,
            client: token.client,
            subject,
            session,
            created_at,
            expires_at: token.expires_at,
            keep_until,
            token: Some(token.key),
            payload: token.payload,
        }
    }
}

/// What became of tokens to insert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Insertion {
    /// All are there.
    Inserted,
    /// The grant is revoked; nothing was inserted.
    GrantRevoked,
    /// There is no such grant, or it is past its limit; nothing was inserted.
    GrantAbsent,
}

/// How a refresh token is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshUse {
    /// The sequence number of the token presented.
    pub seq: u64,
    /// Whether the head moves on.
    pub advance: Advance,
    /// How long the predecessor of the head may still be sent.
    pub grace: Grace,
    /// The family's new idle limit.
    pub idle_until: Timestamp,
}

/// Whether using the head moves it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle both")]
pub enum Advance {
    /// The same refresh token stays valid.
    Keep,
    /// The next one takes its place.
    Rotate,
}

/// How long after a rotation the predecessor is answered like its successor, whose first use ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle both")]
pub enum Grace {
    /// For this long: up to and including the second at which it has passed, so zero still covers the second of
    /// the rotation.
    For(Duration),
    /// Without a limit of time.
    UntilSuccessorUsed,
}

/// What became of a refresh token that was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Refreshed {
    /// It was the head and stays it.
    Kept,
    /// It was the head; the head has moved on by one.
    Rotated,
    /// It was the head's predecessor, in grace: the response that was lost is given again.
    Retried {
        /// The sequence number of the head.
        head: u64,
    },
    /// It was used up before; the grant has been revoked in the same step. Nothing was inserted.
    Replayed,
    /// It is ahead of the head: the store has lost state. Nothing was changed.
    Ahead,
    /// The family or the grant is past its limit. Nothing was changed.
    Expired,
    /// The grant is revoked. Nothing was changed.
    GrantRevoked,
    /// There is no such grant, or it has no family. Nothing was changed.
    Absent,
}

impl RefreshUse {
    /// What [`TokenStore::use_refresh_token`] answers for a grant in this state; nothing is changed.
    ///
    /// A store that holds the grant's row locked asks this, then writes what the answer stands for.
    pub fn outcome(&self, grant: Option<&StoredGrant>, now: Timestamp) -> Refreshed {
        let Some((grant, head)) = grant.and_then(|grant| Some((grant, grant.head.as_ref()?))) else {
            return Refreshed::Absent;
        };
        if grant.revoked_at.is_some() {
            return Refreshed::GrantRevoked;
        }
        if grant.record.expires_at.has_passed(now) || head.idle_until.has_passed(now) {
            return Refreshed::Expired;
        }
        match self.seq.cmp(&head.seq) {
            Ordering::Greater => Refreshed::Ahead,
            Ordering::Equal if self.advance == Advance::Rotate => Refreshed::Rotated,
            Ordering::Equal => Refreshed::Kept,
            Ordering::Less if self.in_grace(head, now) => Refreshed::Retried { head: head.seq },
            Ordering::Less => Refreshed::Replayed,
        }
    }

    /// The head after it was [`Refreshed::Kept`] or [`Refreshed::Rotated`].
    ///
    /// # Errors
    /// `Corrupt` when the sequence number would overflow.
    pub fn moved(&self, head: &RefreshHead, now: Timestamp) -> Result<RefreshHead, StoreError> {
        let (key, idle_until) = (head.key, self.idle_until);
        Ok(match self.advance {
            Advance::Keep => {
                let first_used_at = head.first_used_at.or(Some(now));
                RefreshHead { key, seq: head.seq, first_used_at, rotated_at: head.rotated_at, idle_until }
            }
            Advance::Rotate => {
                let seq = head.seq.checked_add(1).ok_or(StoreErrorKind::Corrupt)?;
                RefreshHead { key, seq, first_used_at: None, rotated_at: Some(now), idle_until }
            }
        })
    }

    /// Whether the token presented is the predecessor of `head`, which nobody has used, and was replaced not long
    /// ago. A rotation after `now`, by a clock that is ahead, is not long ago.
    fn in_grace(&self, head: &RefreshHead, now: Timestamp) -> bool {
        let precedes = self.seq.checked_add(1) == Some(head.seq);
        let lasts = match (self.grace, head.rotated_at) {
            (_, None) => false,
            (Grace::UntilSuccessorUsed, Some(_)) => true,
            (Grace::For(grace), Some(rotated_at)) => now <= rotated_at.plus(grace),
        };
        precedes && head.first_used_at.is_none() && lasts
    }
}

/// Tokens under their grants. One backend for both: that is what the guarantees rest on.
#[async_trait]
pub trait TokenStore: GrantStore {
    /// Inserts a token and its grant in one step. `grant`, `grants` and `revoke` see the grant like any other, and it
    /// may take further tokens until its limit.
    ///
    /// # Errors
    /// `Conflict` when the key or the id of the grant exists already; nothing is changed then.
    async fn insert_granted_token(&self, granted: GrantedToken, now: Timestamp) -> Result<(), StoreError>;

    /// Inserts all of `issued` or nothing; nothing if the grant is revoked, absent or past its limit, decided in
    /// the same step.
    ///
    /// # Errors
    /// `Conflict` when a key exists already, or the grant has a family and `issued` brings another; `Corrupt` when
    /// the access token names another grant. Nothing is changed then.
    async fn insert_tokens(
        &self,
        grant: &GrantId,
        issued: Issued,
        now: Timestamp,
    ) -> Result<Insertion, StoreError>;

    /// Uses a refresh token of the grant's family, in one step.
    ///
    /// A grant that is absent, without a family, revoked, or past `expires_at` or the idle limit is answered first,
    /// in this order. Then, by `seq`:
    ///
    /// * the head: with `Rotate` the head moves on by one, its first use is cleared, and the time of rotation is
    ///   `now`; with `Keep` it stays and its first use is noted. The idle limit becomes `idle_until`, `issued`, the
    ///   access token if one is recorded, is inserted: `Rotated` or `Kept`;
    /// * the head's predecessor while the head is unused and the grace lasts (a rotation after `now` counts as
    ///   inside): `issued` is inserted, nothing else changes: `Retried`, whatever `advance` says;
    /// * any other below the head: the grant is revoked: `Replayed`;
    /// * above the head: `Ahead`.
    ///
    /// [`RefreshUse::outcome`] is this decision for a store that holds the row locked.
    ///
    /// # Errors
    /// `Corrupt` when the sequence number would overflow or the access token names another grant, `Conflict` when
    /// the token's key exists; nothing is changed.
    async fn use_refresh_token(
        &self,
        grant: &GrantId,
        used: RefreshUse,
        issued: Option<TokenRecord>,
        now: Timestamp,
    ) -> Result<Refreshed, StoreError>;

    /// The token of this key; `None` if it is absent, expired or revoked, or its grant is revoked, expired or absent.
    async fn access_token(&self, key: &TokenHash, now: Timestamp) -> Result<Option<TokenRecord>, StoreError>;

    /// Revokes one token, and the grant that it brought along; one that is absent is none to revoke.
    async fn revoke_token(&self, key: &TokenHash, now: Timestamp) -> Result<(), StoreError>;
}

const _: fn(&dyn TokenStore) = |_| ();
