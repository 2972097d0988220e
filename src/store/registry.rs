//! Clients that register by themselves.

use std::fmt::Debug;

use async_trait::async_trait;

use super::{Listing, Page};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::seal::Sealed;
use crate::secret::TokenHash;
use crate::types::ClientId;

/// A registered client as a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRecord {
    /// Its `client_id`, the primary key. The provider draws it and never draws it again.
    pub id: ClientId,
    /// The hash of the registration access token that was used last. One that is to follow it, and is good too, is in the
    /// payload.
    pub registration_token: TokenHash,
    /// What it registered, what the host decided for it, and the hashes of its secrets, sealed.
    pub payload: Sealed,
}

/// A registered client, and how often it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredClient {
    /// What was written.
    pub record: ClientRecord,
    /// Its version, for the one who writes over it.
    pub version: ClientVersion,
}

/// Which writing of a client this is: 1 at first, and one more each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "a store reads it back from a column")]
pub struct ClientVersion(pub u64);

impl ClientVersion {
    /// The version of a client that was written once.
    pub const FIRST: Self = Self(1);

    /// The version that follows; `None` when there is none.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(next) => Some(Self(next)),
            None => None,
        }
    }
}

/// What became of writing over a client, or over the [key set](super::KeySetStore).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle every outcome")]
pub enum Replacement {
    /// There is nothing to write over; nothing was written.
    Absent,
    /// Another version is there than the one that was seen; nothing was written. Read it again.
    Stale,
    /// It was written.
    Written,
}

/// The clients that registered themselves (RFC 7591), written by the provider alone.
///
/// The provider reads them beside those of the [`ClientStore`](super::ClientStore), whose clients come first.
#[async_trait]
pub trait ClientRegistry: Debug + Send + Sync {
    /// Keeps a new client, as [`ClientVersion::FIRST`].
    ///
    /// # Errors
    /// `Conflict` when the id exists already; nothing is changed then.
    async fn register(&self, client: ClientRecord, now: Timestamp) -> Result<(), StoreError>;

    /// Reads a client.
    async fn registered(&self, id: &ClientId, now: Timestamp) -> Result<Option<StoredClient>, StoreError>;

    /// Writes over the client of the same id, if it still has the version that was `seen`: of any number of
    /// concurrent calls that saw one version exactly one is `Written`.
    async fn replace_registered(
        &self,
        client: ClientRecord,
        seen: ClientVersion,
        now: Timestamp,
    ) -> Result<Replacement, StoreError>;

    /// Removes a client, and says whether it was there: of any number of concurrent calls exactly one is told so.
    async fn unregister(&self, id: &ClientId, now: Timestamp) -> Result<bool, StoreError>;

    /// Every client, in a stable order.
    ///
    /// # Errors
    /// `Corrupt` when `page.after` is not a `next` of this store.
    async fn registered_clients(
        &self,
        page: &Page,
        now: Timestamp,
    ) -> Result<Listing<StoredClient>, StoreError>;
}

const _: fn(&dyn ClientRegistry) = |_| ();
