//! What a client is told of its registration (RFC 7591 section 3.2.1, RFC 7592 section 3).

use std::fmt;

use serde_json::{Map, Value};

use super::record::Registered;
use crate::client::ClientMetadata;
use crate::clock::Timestamp;
use crate::provider::context::Context;
use crate::secret::Secret;
use crate::types::ClientId;

/// A registration, as its client is told of it.
#[must_use]
pub struct ClientInformation {
    client_id: ClientId,
    registered: Registered,
    client_secret: Option<Secret>,
    token: Secret,
    uri: String,
}

impl ClientInformation {
    pub(super) fn new(
        cx: &Context<'_>,
        client_id: ClientId,
        registered: Registered,
        client_secret: Option<Secret>,
        token: Secret,
    ) -> Self {
        let uri = cx.config.issuer.endpoint(&cx.config.paths.registration);
        let uri = format!("{uri}?client_id={client_id}");
        Self { client_id, registered, client_secret, token, uri }
    }

    /// Its `client_id`.
    #[must_use]
    pub const fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// When it registered.
    #[must_use]
    pub const fn issued_at(&self) -> Timestamp {
        self.registered.issued_at
    }

    /// What it is registered with, which may be other than what it asked for.
    #[must_use]
    pub const fn metadata(&self) -> &ClientMetadata {
        &self.registered.metadata
    }

    /// The text of its secret: of a new one, and of one that an update named. What is kept of it is a hash,
    /// and sealed where the client makes MACs with it.
    #[must_use]
    pub const fn client_secret(&self) -> Option<&Secret> {
        self.client_secret.as_ref()
    }

    /// Its registration access token: after an update a newer one, whose first use ends all others.
    #[must_use]
    pub const fn registration_access_token(&self) -> &Secret {
        &self.token
    }

    /// Where the client manages its registration.
    #[must_use]
    pub fn registration_client_uri(&self) -> &str {
        &self.uri
    }

    /// The body of the answer, with all of that.
    #[must_use]
    pub fn to_json(&self) -> Map<String, Value> {
        let mut members = match serde_json::to_value(&self.registered.metadata) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        };
        let mut say = |name: &str, value: Value| members.insert(name.to_owned(), value);
        say("client_id", self.client_id.as_str().into());
        say("client_id_issued_at", self.registered.issued_at.unix().into());
        say("registration_access_token", self.token.expose().into());
        say("registration_client_uri", self.uri.as_str().into());
        if let Some(statement) = &self.registered.software_statement {
            say("software_statement", statement.as_str().into());
        }
        if let Some(secret) = &self.client_secret {
            say("client_secret", secret.expose().into());
            let expires_at = self.registered.secrets.first().and_then(|secret| secret.expires_at());
            // RFC 7591 section 3.2.1: 0 stands for never.
            say("client_secret_expires_at", expires_at.map_or(0, |end| end.unix()).into());
        }
        members
    }
}

/// Leaves out all but the name.
impl fmt::Debug for ClientInformation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientInformation").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}
