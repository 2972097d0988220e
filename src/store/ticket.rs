//! Values that wait to be picked up once.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::seal::Sealed;
use crate::secret::TokenHash;

/// A waiting value as a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketRecord {
    /// From this moment on [`TicketStore::get`] refuses it.
    pub open_until: Timestamp,
    /// From this moment on it is gone: [`TicketStore::take`] refuses it, and the row may go; never before
    /// `open_until`.
    pub keep_until: Timestamp,
    /// What waits, sealed.
    pub payload: Sealed,
}

/// Values that wait to be picked up once: an authorization request too large for the browser to carry.
#[async_trait]
pub trait TicketStore: Debug + Send + Sync {
    /// Keeps a ticket.
    ///
    /// # Errors
    /// `Conflict` when the key exists already; nothing is changed then.
    async fn put(&self, key: TokenHash, ticket: TicketRecord, now: Timestamp) -> Result<(), StoreError>;

    /// Reads a ticket that has neither been taken nor reached `open_until`; it stays.
    async fn get(&self, key: &TokenHash, now: Timestamp) -> Result<Option<TicketRecord>, StoreError>;

    /// Takes a ticket: of any number of concurrent calls exactly one gets it, until `keep_until`.
    async fn take(&self, key: &TokenHash, now: Timestamp) -> Result<Option<TicketRecord>, StoreError>;
}

const _: fn(&dyn TicketStore) = |_| ();
