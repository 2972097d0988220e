//! Remembered consent.

use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Listing, Page, SubjectKey};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::seal::Sealed;
use crate::types::{ClientId, Scope, Subject};

/// What a subject agreed to for a client; the sealed payload of a [`ConsentRecord`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Consent {
    /// Who agreed.
    pub subject: Subject,
    /// For which client.
    pub client: ClientId,
    /// The scope agreed to, grown by every approval that was remembered.
    pub scope: Scope,
    /// The names of claims agreed to beyond those of the scope.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<String>,
    /// The resources agreed to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// SHA-256 of each of the authorization details agreed to, in base64url: the last 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<String>,
    /// When it was last agreed to.
    pub given_at: Timestamp,
}

impl Consent {
    /// No agreement yet.
    #[must_use]
    pub const fn new(subject: Subject, client: ClientId, given_at: Timestamp) -> Self {
        Self {
            subject,
            client,
            scope: Scope::empty(),
            claims: Vec::new(),
            resources: Vec::new(),
            authorization_details: Vec::new(),
            given_at,
        }
    }
}

/// Which writing of a consent this is; a write names the version it has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConsentVersion(pub u64);

/// A consent as a store keeps it, keyed by subject and client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentRecord {
    /// Who agreed.
    pub subject: SubjectKey,
    /// For which client.
    pub client: ClientId,
    /// On writing that of a first writing, drawn at random and below 2^62; the store keeps
    /// [`ConsentRecord::next_version`].
    pub version: ConsentVersion,
    /// From this moment on it does not count.
    pub expires_at: Timestamp,
    /// A sealed [`Consent`], with the time above.
    pub payload: Sealed,
}

impl ConsentRecord {
    /// The version of this write over the version `before`: more than `before`, and no less than its own.
    ///
    /// Its own is drawn at random so that a consent that was forgotten and given again does not count as unchanged
    /// for one who saw the first, however soon that was.
    #[must_use]
    pub fn next_version(&self, before: Option<ConsentVersion>) -> ConsentVersion {
        ConsentVersion(before.map_or(self.version.0, |before| self.version.0.max(before.0.saturating_add(1))))
    }
}

/// What became of a consent to remember.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Remembered {
    /// It is written.
    Written,
    /// Another write came between: read again. Nothing was changed.
    Stale,
}

/// Which consents a listing concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle every filter")]
pub enum ConsentFilter {
    /// All for a client.
    Client(ClientId),
    /// All of a subject.
    Subject(SubjectKey),
}

/// Remembered consents, one for each subject and client.
#[async_trait]
pub trait ConsentStore: Debug + Send + Sync {
    /// Writes a consent if the stored version is the one `seen`; `None` means that none, or an expired one, was
    /// seen. An expired one may be written over under its version too.
    async fn remember(
        &self,
        record: ConsentRecord,
        seen: Option<ConsentVersion>,
        now: Timestamp,
    ) -> Result<Remembered, StoreError>;

    /// The consent of a subject for a client, unless it has expired.
    async fn remembered(
        &self,
        subject: &SubjectKey,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<Option<ConsentRecord>, StoreError>;

    /// The consents of a filter that have not expired, in a stable order.
    ///
    /// # Errors
    /// `Corrupt` when `page.after` is not a `next` of this store.
    async fn consents(
        &self,
        of: &ConsentFilter,
        page: &Page,
        now: Timestamp,
    ) -> Result<Listing<ConsentRecord>, StoreError>;

    /// Forgets a consent, and says whether there was one that had not expired.
    async fn forget(
        &self,
        subject: &SubjectKey,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
}

const _: fn(&dyn ConsentStore) = |_| ();
