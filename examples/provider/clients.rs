//! The clients, read from a file.

use std::collections::HashMap;

use async_trait::async_trait;
use serde_json::{Map, Value};
use vouchsafe::client::{Client, ClientAuthMethod, ClientMetadata, ClientSecret, ClientSettings};
use vouchsafe::clock::Timestamp;
use vouchsafe::entropy::OsEntropy;
use vouchsafe::error::StoreError;
use vouchsafe::secret::{Secret, SystemSecrets};
use vouchsafe::store::ClientStore;
use vouchsafe::types::ClientId;

/// The clients of a file, which do not change while the server runs.
#[derive(Debug, Default)]
pub(crate) struct Clients(HashMap<ClientId, Client>);

impl Clients {
    /// Reads a JSON array of clients. What their settings do not say of PKCE and resources, `defaults` does.
    ///
    /// # Errors
    /// One sentence that names the client and its member.
    pub(crate) fn parse(
        document: &str,
        secrets: &SystemSecrets,
        defaults: &ClientSettings,
    ) -> Result<Self, String> {
        let entries: Vec<Map<String, Value>> = serde_json::from_str(document)
            .map_err(|error| format!("not a JSON array of objects: {error}"))?;
        let mut clients = HashMap::new();
        for (index, entry) in entries.into_iter().enumerate() {
            let name = match entry.get("client_id").and_then(Value::as_str) {
                Some(id) => format!("client {id:?}"),
                None => format!("client number {}", index + 1),
            };
            let client = read(entry, secrets, defaults).map_err(|problem| format!("{name}: {problem}"))?;
            if clients.insert(client.id().clone(), client).is_some() {
                return Err(format!("{name}: client_id is there twice"));
            }
        }
        Ok(Self(clients))
    }
}

#[async_trait]
impl ClientStore for Clients {
    async fn client(&self, id: &ClientId, _: Timestamp) -> Result<Option<Client>, StoreError> {
        Ok(self.0.get(id).cloned())
    }
}

fn read(
    mut entry: Map<String, Value>,
    secrets: &SystemSecrets,
    defaults: &ClientSettings,
) -> Result<Client, String> {
    let id = match entry.remove("client_id") {
        Some(Value::String(id)) => {
            ClientId::new(id).map_err(|error| format!("member \"client_id\": {error}"))?
        }
        Some(_) => return Err("member \"client_id\": must be a string".to_owned()),
        None => return Err("member \"client_id\" is missing".to_owned()),
    };
    let secret = match entry.remove("client_secret") {
        None => None,
        Some(Value::String(secret)) if !secret.is_empty() => Some(Secret::new(secret)),
        Some(_) => return Err("member \"client_secret\": must be a string that is not empty".to_owned()),
    };
    let settings = match entry.remove("settings") {
        None => defaults.clone(),
        Some(Value::Object(members)) => {
            settings(members, defaults).map_err(|problem| format!("member \"settings\": {problem}"))?
        }
        Some(_) => return Err("member \"settings\": must be an object".to_owned()),
    };
    let metadata: ClientMetadata = known(entry)?;
    let secret = secret.map(|secret| match metadata.token_endpoint_auth_method {
        ClientAuthMethod::ClientSecretJwt => ClientSecret::seal(&id, secrets, &OsEntropy, &secret)
            .map_err(|error| format!("member \"client_secret\": {error}")),
        _ => Ok(ClientSecret::hash(secrets, &secret)),
    });
    let mut builder = Client::builder(id, metadata).settings(settings);
    if let Some(secret) = secret.transpose()? {
        builder = builder.secret(secret);
    }
    builder.build().map_err(|refused| format!("member {:?}: {}", refused.member, refused.problem))
}

fn settings(members: Map<String, Value>, defaults: &ClientSettings) -> Result<ClientSettings, String> {
    let (says_pkce, says_resources) = (members.contains_key("pkce"), members.contains_key("resources"));
    let mut settings: ClientSettings = known(members)?;
    if !says_pkce {
        settings.pkce = defaults.pkce;
    }
    if !says_resources {
        settings.resources.clone_from(&defaults.resources);
    }
    Ok(settings)
}

/// Reads members one at a time, so that whatever is wrong has a name; then all of them together.
///
/// A member that the type does not write again is one that it did not know.
fn known<T: serde::Serialize + serde::de::DeserializeOwned>(
    members: Map<String, Value>,
) -> Result<T, String> {
    for (name, value) in &members {
        let alone = Map::from_iter([(name.clone(), value.clone())]);
        let read: T =
            serde_json::from_value(alone.into()).map_err(|error| format!("member {name:?}: {error}"))?;
        let absent = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        let written = serde_json::to_value(&read).map_err(|error| format!("member {name:?}: {error}"))?;
        if written.get(name).is_none() && !absent {
            return Err(format!("unknown member {name:?}"));
        }
    }
    serde_json::from_value(members.into()).map_err(|error| error.to_string())
}
