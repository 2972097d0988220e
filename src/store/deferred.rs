//! Requests that a person answers elsewhere, while the client asks again and again: device authorization (RFC 8628)
//! and backchannel authentication (CIBA) share this one state machine.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

use super::SubjectKey;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::seal::Sealed;
use crate::secret::TokenHash;
use crate::types::{ClientId, GrantId};

/// By how much the interval grows with each poll that comes too early (RFC 8628 section 3.5).
pub const SLOW_DOWN: Duration = Duration::from_secs(5);

/// The interval grows to this and no further: an hour, which is longer than any request waits.
pub const MAX_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// A request that waits for its person, as a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeferredRecord {
    /// The hash of what the client polls with, a `device_code` or an `auth_req_id`: the primary key.
    pub key: TokenHash,
    /// The keyed hash of what the person types; no two rows have the same.
    pub user_code: Option<TokenHash>,
    /// The client that may poll.
    pub client: ClientId,
    /// Whom it is about, where that is known before it is answered.
    pub subject: Option<SubjectKey>,
    /// How long the client waits between two polls at least, in whole seconds.
    pub interval: Duration,
    /// From this moment on it is neither answered nor redeemed.
    pub expires_at: Timestamp,
    /// Until this moment, never before `expires_at`, what became of it is remembered; then the row may go. Since an approval it
    /// is that of the approval, which is later.
    pub retain_until: Timestamp,
    /// The request, sealed; since an approval what was sealed then.
    pub payload: Sealed,
}

/// How many requests about one subject may wait at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a store must handle every limit: a new one has to break its build"
)]
pub struct WaitingLimit {
    /// Of one client.
    pub of_client: u16,
    /// Of all clients.
    pub of_all: u16,
}

/// What became of a request that was to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Deferral {
    /// It waits.
    Waiting,
    /// As many as may wait about its subject do so already; nothing is changed.
    Crowded,
}

/// How a request that waits is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle both")]
pub enum Decision {
    /// The person agrees.
    Approved {
        /// The grant, which was inserted before.
        grant: GrantId,
        /// Takes the place of the record's `retain_until`.
        retain_until: Timestamp,
        /// Takes the place of the record's payload.
        payload: Sealed,
    },
    /// The person, or the host, does not agree.
    Denied,
}

/// What a poll finds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Polled {
    /// It was approved and is redeemed now. At most one caller ever sees this.
    Approved {
        /// The grant of the decision.
        grant: GrantId,
        /// The record, with what the decision put in place of other.
        record: DeferredRecord,
    },
    /// It was denied.
    Denied,
    /// Its time is over.
    Expired,
    /// It belongs to another client. It is left as it is.
    Foreign,
    /// It is not answered yet.
    Pending,
    /// It had been redeemed before.
    Replayed {
        /// The grant to revoke.
        grant: GrantId,
    },
    /// It is not answered yet, and the client asks too often: its interval has grown.
    SlowDown,
    /// There is no such request.
    Absent,
}

/// Requests that wait for their person, each redeemable once.
#[async_trait]
pub trait DeferredStore: Debug + Send + Sync {
    /// Keeps a new request.
    ///
    /// A record with a subject is `Crowded` where as many records of that subject wait already as `limit` allows, of its
    /// client or of all: those that are not answered and have not reached `expires_at`. Counting and keeping is one
    /// step, and counting comes first. A record without a subject is never `Crowded`.
    ///
    /// # Errors
    /// `Conflict` when the key or the user code exists already; nothing is changed then.
    async fn insert_deferred(
        &self,
        record: DeferredRecord,
        limit: WaitingLimit,
        now: Timestamp,
    ) -> Result<Deferral, StoreError>;

    /// A request that is neither answered nor past `expires_at`.
    async fn deferred(&self, key: &TokenHash, now: Timestamp) -> Result<Option<DeferredRecord>, StoreError>;

    /// The same by what the person types.
    async fn by_user_code(
        &self,
        user_code: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<DeferredRecord>, StoreError>;

    /// Answers a request that is neither answered nor past `expires_at`, and says whether it was: of any number of
    /// concurrent calls exactly one gets `true`.
    async fn decide(&self, key: &TokenHash, decision: Decision, now: Timestamp) -> Result<bool, StoreError>;

    /// Asks what became of a request, and redeems it when it was approved.
    ///
    /// Of any number of concurrent calls with one key and its client, exactly one gets [`Polled::Approved`]; later ones
    /// get [`Polled::Replayed`]. From `retain_until` on it is `Absent`, whoever asks. Before that the owner is checked
    /// first, then whether it was redeemed, then whether it was denied, then whether it has expired, then whether it was
    /// approved; none of these depends on how often the client asks.
    ///
    /// While it is not answered, a poll that comes before the interval since the last one is over is a `SlowDown`: the
    /// interval then grows by [`SLOW_DOWN`], to [`MAX_INTERVAL`] at most. That, and the time of every poll that is
    /// `Pending` or a `SlowDown`, is kept before it is answered, so that all nodes know. The first poll is never too early.
    async fn poll(&self, key: &TokenHash, client: &ClientId, now: Timestamp) -> Result<Polled, StoreError>;
}

const _: fn(&dyn DeferredStore) = |_| ();
