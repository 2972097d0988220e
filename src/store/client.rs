//! The registry of clients.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::client::Client;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::types::ClientId;

/// Where clients are found: the host's registry, often its configuration.
///
/// It is asked at every request that names a client, so it should answer from memory where it can.
#[async_trait]
pub trait ClientStore: Debug + Send + Sync {
    /// The client of this `client_id`; a disabled client is returned too.
    async fn client(&self, id: &ClientId, now: Timestamp) -> Result<Option<Client>, StoreError>;
}

const _: fn(&dyn ClientStore) = |_| ();
