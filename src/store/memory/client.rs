//! Clients, in a [`MemoryStore`] or as a fixed list.

use std::collections::HashMap;

use async_trait::async_trait;

use super::MemoryStore;
use crate::client::{Client, InvalidClient};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::store::ClientStore;
use crate::types::ClientId;

/// A fixed list of clients, for hosts whose clients are configuration.
#[derive(Clone, Debug, Default)]
pub struct Clients(HashMap<ClientId, Client>);

impl Clients {
    /// The list of `clients`.
    ///
    /// # Errors
    /// [`InvalidClient`] when two have the same `client_id`.
    pub fn new(clients: impl IntoIterator<Item = Client>) -> Result<Self, InvalidClient> {
        let mut list = HashMap::new();
        for client in clients {
            if list.insert(client.id().clone(), client).is_some() {
                return Err(InvalidClient { member: "client_id", problem: "two clients have the same" });
            }
        }
        Ok(Self(list))
    }
}

#[async_trait]
impl ClientStore for Clients {
    async fn client(&self, id: &ClientId, _now: Timestamp) -> Result<Option<Client>, StoreError> {
        Ok(self.0.get(id).cloned())
    }
}

impl MemoryStore {
    /// Registers a client; one with the same `client_id` is replaced.
    pub fn insert_client(&self, client: Client) {
        self.space().clients.insert(client.id().clone(), client);
    }

    /// Removes a client. Its grants and tokens stay, and are worth nothing without it.
    pub fn remove_client(&self, id: &ClientId) {
        self.space().clients.remove(id);
    }
}

#[async_trait]
impl ClientStore for MemoryStore {
    async fn client(&self, id: &ClientId, _now: Timestamp) -> Result<Option<Client>, StoreError> {
        Ok(self.space().clients.get(id).cloned())
    }
}
