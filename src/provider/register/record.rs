//! Registered clients as a store keeps them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::settle::Settled;
use super::tokens::RegistrationTokens;
use crate::client::{Client, ClientMetadata, ClientSecret, ClientSettings, InvalidClient, ResealSecretError};
use crate::clock::Timestamp;
use crate::error::{Internal, Result};
use crate::event::EventKind;
use crate::provider::context::Context;
use crate::provider::core::Core;
use crate::provider::format::{TokenKind, opaque};
use crate::provider::payload::{self, Kind};
use crate::secret::{Secret, SystemSecrets};
use crate::store::{ClientRecord, ClientRegistry, StoredClient};
use crate::types::ClientId;

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

    /// The record to write. Secrets that are sealed in it move to the system secret that seals the record: whoever looks
    /// for what an old one has sealed sees the outer alone.
    pub(super) fn record(&self, cx: &Context<'_>, id: &ClientId) -> Result<ClientRecord> {
        let secrets =
            self.secrets.iter().map(|secret| moved_or_kept(cx, id, secret)).collect::<Result<_>>()?;
        let written = Self { secrets, ..self.clone() };
        let payload = payload::seal(cx, Kind::RegisteredClient, id.as_str().as_bytes(), &written)?;
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

/// The secret under the system secret that writes now; as it is where it does not open, which is an alarm: it
/// authenticates nobody, and is the client's to replace.
fn moved_or_kept(cx: &Context<'_>, id: &ClientId, secret: &ClientSecret) -> Result<ClientSecret> {
    match secret.resealed(cx.secrets, cx.entropy) {
        Ok(moved) => Ok(moved),
        Err(ResealSecretError::Unreadable) => {
            cx.emit(&cx.event(EventKind::PayloadUnreadable).with_client(id));
            Ok(secret.clone())
        }
        Err(ResealSecretError::Entropy(error)) => Err(error.into()),
    }
}

/// The payload of the client of this id with its secrets under the system secret that writes now; `None` where it is not
/// read here. Members that are not known here stay as they are.
pub(crate) fn with_moved_secrets(
    cx: &Context<'_>,
    id: &[u8],
    payload: Zeroizing<Vec<u8>>,
) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let Ok(mut members) = serde_json::from_slice::<Map<String, Value>>(&payload) else { return Ok(None) };
    let Some(kept) = members.get_mut("secrets") else { return Ok(Some(payload)) };
    let Ok(secrets) = Vec::<ClientSecret>::deserialize(&*kept) else { return Ok(None) };
    if secrets.iter().all(|secret| secret.sealed_under().is_none()) {
        return Ok(Some(payload));
    }
    let Some(id) = str::from_utf8(id).ok().and_then(|id| ClientId::new(id).ok()) else { return Ok(None) };
    let moved = secrets.iter().map(|secret| moved_or_kept(cx, &id, secret)).collect::<Result<Vec<_>>>()?;
    let fault = |error| Internal::new("could not write a registered client", error);
    *kept = serde_json::to_value(moved).map_err(fault)?;
    Ok(Some(Zeroizing::new(serde_json::to_vec(&members).map_err(fault)?)))
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
