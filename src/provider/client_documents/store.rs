//! How the provider finds clients by their documents, among all clients.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::ClientDocuments;
use crate::client::remote_metadata::RemoteMetadata;
use crate::client::{Client, ClientAuthMethod};
use crate::clock::Timestamp;
use crate::error::{Reason, StoreError};
use crate::event::{Endpoint, Event, EventKind, EventSink};
use crate::provider::core::Core;
use crate::provider::register::{Rules, given, metadata_refusal, read_metadata};
use crate::store::ClientStore;
use crate::types::{ClientId, ClientIdUrl};

/// Members that only a client with a shared secret has (section 4.1 of the draft).
const SECRET_MEMBERS: [&str; 2] = ["client_secret", "client_secret_expires_at"];

/// The clients of others, and those that are named by the URL of their metadata.
#[derive(Debug)]
pub(crate) struct DocumentedClients {
    others: Arc<dyn ClientStore>,
    documents: ClientDocuments,
    remote: RemoteMetadata,
    rules: Rules,
    events: Arc<dyn EventSink>,
}

impl DocumentedClients {
    /// Lets the provider find such clients where it knows no other of their name. All that they may ask for is turned
    /// on already.
    pub(crate) fn join(core: &mut Core, documents: ClientDocuments, remote: RemoteMetadata) {
        let rules = Rules::of(core, documents.bounds()).of_documents();
        core.stores.clients = Arc::new(Self {
            others: Arc::clone(&core.stores.clients),
            documents,
            remote,
            rules,
            events: Arc::clone(&core.events),
        });
    }

    async fn documented(&self, id: &ClientId, url: &ClientIdUrl) -> Result<Client, Reason> {
        if !self.documents.policy().allows(url) {
            return Err(Reason::ClientDocumentNotAllowed);
        }
        let found = self.remote.get(url).await.map_err(|error| error.kind().of_client_document())?;
        let client = self.read(id, url, found.members());
        if client.is_err() {
            self.remote.reject(url.url(), &found);
        }
        client
    }

    fn read(&self, id: &ClientId, url: &ClientIdUrl, members: &Map<String, Value>) -> Result<Client, Reason> {
        let mut members = given(members);
        if members.get("client_id").and_then(Value::as_str) != Some(id.as_str()) {
            return Err(Reason::ClientDocumentForeign);
        }
        if SECRET_MEMBERS.iter().any(|secret| members.contains_key(*secret)) {
            return Err(Reason::ClientDocumentSecret);
        }
        let method = members.entry("token_endpoint_auth_method");
        method.or_insert_with(|| ClientAuthMethod::None.as_str().into());
        let metadata = read_metadata(&self.rules, &members)?;
        let metadata = self.documents.policy().review(url, metadata);
        let metadata = metadata.ok_or(Reason::ClientDocumentNotAllowed)?;
        let client = Client::builder(id.clone(), metadata)
            .self_registered()
            .settings(self.documents.client_settings().clone());
        let client = client.build().map_err(|refused| metadata_refusal(&refused))?;
        // The document of tomorrow could lie in the sector of another (OpenID Connect Core 1.0 section 8.1), and would
        // bring along what the client was given today.
        match client.sector() {
            None => Ok(client),
            Some(_) => Err(Reason::ClientDocumentPairwise),
        }
    }
}

#[async_trait]
impl ClientStore for DocumentedClients {
    /// Whatever is wrong with a document, there is no such client; the event sink alone is told why.
    async fn client(&self, id: &ClientId, now: Timestamp) -> Result<Option<Client>, StoreError> {
        if let Some(client) = self.others.client(id, now).await? {
            return Ok(Some(client));
        }
        let Some(url) = ClientIdUrl::of(id) else { return Ok(None) };
        match self.documented(id, &url).await {
            Ok(client) => Ok(Some(client)),
            Err(reason) => {
                let refused =
                    Event::new(now, Endpoint::Registration, EventKind::ClientDocumentRefused(reason));
                self.events.emit(&refused.with_client(id));
                Ok(None)
            }
        }
    }
}
