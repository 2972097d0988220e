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
    /// When it was last agreed to.
    pub given_at: Timestamp,
}

impl Consent {
    /// No agreement yet.
    #[must_use]
    pub const fn new(subject: Subject, client: ClientId, given_at: Timestamp) -> Self {
        Self { subject, client, scope: Scope::empty(), claims: Vec::new(), resources: Vec::new(), given_at }
    }
}

/// How often a consent has been written; a write names the version it has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConsentVersion(pub u64);

/// A consent as a store keeps it, keyed by subject and client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentRecord {
    /// Who agreed.
    pub subject: SubjectKey,
    /// For which client.
    pub client: ClientId,
    /// Set by the store: 1 for the first write, one more for each that follows. Ignored on writing.
    pub version: ConsentVersion,
    /// From this moment on it does not count.
    pub expires_at: Timestamp,
    /// A sealed [`Consent`].
    pub payload: Sealed,
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
    /// Writes a consent if the stored version is the one `seen`; `None` means that none, or an expired one, was seen.
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
    async fn consents(
        &self,
        of: &ConsentFilter,
        page: &Page,
        now: Timestamp,
    ) -> Result<Listing<ConsentRecord>, StoreError>;

    /// Forgets a consent, and says whether there was one.
    async fn forget(
        &self,
        subject: &SubjectKey,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
}

const _: fn(&dyn ConsentStore) = |_| ();
