//! Registered clients as the provider finds them among all clients.

use std::sync::Arc;

use async_trait::async_trait;

use super::record::Registered;
use crate::client::Client;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::event::{Endpoint, Event, EventKind, EventSink};
use crate::provider::core::Core;
use crate::secret::{SystemSecrets, TokenHash};
use crate::store::cached::ClientCache;
use crate::store::{
    ClientRecord, ClientRegistry, ClientStore, ClientVersion, Listing, Page, Replacement, StoredClient,
};
use crate::types::{ClientId, Issuer};

/// The host's clients, and those that registered. The latter are read again after
/// [`Config::registered_client_age`](crate::provider::Config::registered_client_age).
#[derive(Debug)]
pub(crate) struct RegisteredClients {
    configured: Arc<dyn ClientStore>,
    registry: Arc<dyn ClientRegistry>,
    cache: Arc<ClientCache>,
    secrets: SystemSecrets,
    issuer: Issuer,
    events: Arc<dyn EventSink>,
}

impl RegisteredClients {
    /// Lets the provider find the clients of its registry among all others, and hear of what it writes there.
    pub(crate) fn join(core: &mut Core) {
        let Some(registry) = core.stores.registry.take() else { return };
        let cache = Arc::new(ClientCache::new(core.config.registered_client_age));
        core.stores.registry =
            Some(Arc::new(WatchedRegistry { registry: Arc::clone(&registry), cache: Arc::clone(&cache) }));
        core.stores.clients = Arc::new(Self {
            configured: Arc::clone(&core.stores.clients),
            registry,
            cache,
            secrets: core.secrets.clone(),
            issuer: core.config.issuer.clone(),
            events: Arc::clone(&core.events),
        });
    }

    /// The client of a row: the one that was opened from it before, where the row is still the same.
    fn opened(&self, stored: &StoredClient, row: TokenHash, now: Timestamp) -> Option<Client> {
        let id = &stored.record.id;
        if let Some(client) = self.cache.opened(id, row) {
            return Some(client);
        }
        let opened = Registered::open((&self.secrets, self.issuer.as_str()), stored);
        let client = opened.and_then(|opened| opened.client(id).ok());
        if client.is_none() {
            let alarm = Event::new(now, Endpoint::Registration, EventKind::PayloadUnreadable);
            self.events.emit(&alarm.with_client(id));
        }
        client
    }
}

#[async_trait]
impl ClientStore for RegisteredClients {
    async fn client(&self, id: &ClientId, now: Timestamp) -> Result<Option<Client>, StoreError> {
        if let Some(client) = self.configured.client(id, now).await? {
            return Ok(Some(client));
        }
        if let Some(client) = self.cache.fresh(id, now) {
            return Ok(Some(client));
        }
        let reading = self.cache.read();
        let Some(stored) = self.registry.registered(id, now).await? else {
            self.cache.absent(id);
            return Ok(None);
        };
        // The payload, and the column that it is compared with. Not the version: a store that was restored may give
        // one out twice.
        let row = [stored.record.payload.as_bytes(), stored.record.registration_token.as_bytes()].concat();
        let row = TokenHash::of_bytes(&row);
        let client = self.opened(&stored, row, now);
        match &client {
            Some(client) => self.cache.keep(reading, client, Some(row), now),
            None => self.cache.absent(id),
        }
        Ok(client)
    }
}

/// The registry as the provider writes to it: what it writes counts here at once, whatever the store answered, and also
/// where nobody waits for the answer any more.
#[derive(Debug)]
struct WatchedRegistry {
    registry: Arc<dyn ClientRegistry>,
    cache: Arc<ClientCache>,
}

#[async_trait]
impl ClientRegistry for WatchedRegistry {
    async fn register(&self, client: ClientRecord, now: Timestamp) -> Result<(), StoreError> {
        self.registry.register(client, now).await
    }

    async fn registered(&self, id: &ClientId, now: Timestamp) -> Result<Option<StoredClient>, StoreError> {
        self.registry.registered(id, now).await
    }

    async fn replace_registered(
        &self,
        client: ClientRecord,
        seen: ClientVersion,
        now: Timestamp,
    ) -> Result<Replacement, StoreError> {
        let id = client.id.clone();
        let _writing = self.cache.write(&id);
        self.registry.replace_registered(client, seen, now).await
    }

    async fn unregister(&self, id: &ClientId, now: Timestamp) -> Result<bool, StoreError> {
        let _writing = self.cache.write(id);
        self.registry.unregister(id, now).await
    }

    async fn registered_clients(
        &self,
        page: &Page,
        now: Timestamp,
    ) -> Result<Listing<StoredClient>, StoreError> {
        self.registry.registered_clients(page, now).await
    }
}
