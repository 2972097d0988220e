//! Registered clients as a store keeps them, and as the provider finds them among all clients.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::settle::Settled;
use super::tokens::RegistrationTokens;
use crate::client::{Client, ClientMetadata, ClientSecret, ClientSettings, InvalidClient};
use crate::clock::Timestamp;
use crate::error::{Internal, Result, StoreError};
use crate::event::{Endpoint, Event, EventKind, EventSink};
use crate::provider::context::Context;
use crate::provider::core::Core;
use crate::provider::format::{TokenKind, opaque};
use crate::provider::payload::{self, Kind};
use crate::secret::{Secret, SystemSecrets};
use crate::store::{ClientRecord, ClientRegistry, ClientStore, StoredClient};
use crate::types::{ClientId, Issuer};

/// What is known of a client that registered; the payload of its record.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Registered {
    /// Which registration access tokens are good.
    #[serde(flatten)]
    pub(super) tokens: RegistrationTokens,
    pub(super) issued_at: Timestamp,
    pub(super) metadata: ClientMetadata,
    /// What it rests on, as it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) software_statement: Option<String>,
    pub(super) settings: ClientSettings,
    pub(super) secrets: Vec<ClientSecret>,
}

impl Registered {
    pub(super) fn new(
        tokens: RegistrationTokens,
        issued_at: Timestamp,
        settled: Settled,
        settings: ClientSettings,
        secrets: Vec<ClientSecret>,
    ) -> Self {
        let Settled { metadata, software_statement } = settled;
        Self { tokens, issued_at, metadata, software_statement, settings, secrets }
    }

    /// The client, its parts checked.
    pub(super) fn client(&self, id: &ClientId) -> Result<Client, InvalidClient> {
        let builder = Client::builder(id.clone(), self.metadata.clone()).self_registered();
        let builder = builder.settings(self.settings.clone());
        self.secrets.iter().cloned().fold(builder, |builder, secret| builder.secret(secret)).build()
    }

    pub(super) fn record(&self, cx: &Context<'_>, id: &ClientId) -> Result<ClientRecord> {
        let payload = payload::seal(cx, Kind::RegisteredClient, id.as_str().as_bytes(), self)?;
        Ok(ClientRecord { id: id.clone(), registration_token: self.tokens.used(), payload })
    }

    /// What a record holds; `None` when its payload does not open, or is not that of its columns.
    pub(super) fn open(place: (&SystemSecrets, &str), stored: &StoredClient) -> Option<Self> {
        let ClientRecord { id, registration_token, payload } = &stored.record;
        let opened: Option<Self> =
            payload::open_at(place, Kind::RegisteredClient, id.as_str().as_bytes(), payload);
        opened.filter(|opened| opened.tokens.used() == *registration_token)
    }
}

/// Mints a registration access token.
pub(super) fn mint_token(cx: &Context<'_>) -> Result<Secret> {
    Ok(opaque::mint(cx.secrets, cx.entropy, TokenKind::RegistrationAccessToken, token_form(cx))?)
}

/// Whether `token` is a registration access token that was minted here.
pub(super) fn is_token(cx: &Context<'_>, token: &Secret) -> bool {
    opaque::is_ours(cx.secrets, TokenKind::RegistrationAccessToken, token_form(cx), token.expose())
}

fn token_form<'a>(cx: &Context<'a>) -> (&'a str, &'a str) {
    (cx.config.prefixes.registration_access_token.as_str(), cx.issuer())
}

pub(super) fn registry(core: &Core) -> Result<&Arc<dyn ClientRegistry>> {
    let registry = core.stores.registry.as_ref();
    Ok(registry.ok_or_else(|| Internal::new("could not write a client", "there is no ClientRegistry"))?)
}

/// The host's clients, and those that registered.
#[derive(Debug)]
pub(crate) struct RegisteredClients {
    configured: Arc<dyn ClientStore>,
    registry: Arc<dyn ClientRegistry>,
    secrets: SystemSecrets,
    issuer: Issuer,
    events: Arc<dyn EventSink>,
}

impl RegisteredClients {
    /// Lets the provider find the clients of its registry among all others.
    pub(crate) fn join(core: &mut Core) {
        let Some(registry) = core.stores.registry.clone() else { return };
        core.stores.clients = Arc::new(Self {
            configured: Arc::clone(&core.stores.clients),
            registry,
            secrets: core.secrets.clone(),
            issuer: core.config.issuer.clone(),
            events: Arc::clone(&core.events),
        });
    }
}

#[async_trait]
impl ClientStore for RegisteredClients {
    async fn client(&self, id: &ClientId, now: Timestamp) -> Result<Option<Client>, StoreError> {
        if let Some(client) = self.configured.client(id, now).await? {
            return Ok(Some(client));
        }
        let Some(stored) = self.registry.registered(id, now).await? else { return Ok(None) };
        let opened = Registered::open((&self.secrets, self.issuer.as_str()), &stored);
        let client = opened.and_then(|opened| opened.client(id).ok());
        if client.is_none() {
            let alarm = Event::new(now, Endpoint::Registration, EventKind::PayloadUnreadable);
            self.events.emit(&alarm.with_client(id));
        }
        Ok(client)
    }
}
