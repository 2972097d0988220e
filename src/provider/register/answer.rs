//! What a client is told of its registration (RFC 7591 section 3.2.1, RFC 7592 section 3).

use http::StatusCode;
use serde_json::{Map, Value};

use super::record::Registered;
use crate::provider::context::Context;
use crate::secret::Secret;
use crate::types::ClientId;
use crate::wire::{Response, reply};

/// A registration, as its client is told of it.
pub(super) struct Information {
    pub(super) client_id: ClientId,
    pub(super) registered: Registered,
    /// The text of its secret, where it is known: only its hash is kept.
    pub(super) client_secret: Option<Secret>,
    /// The registration access token that is good now.
    pub(super) token: Secret,
}

impl Information {
    pub(super) fn respond(&self, cx: &Context<'_>, status: StatusCode) -> Response {
        let mut members = match serde_json::to_value(&self.registered.metadata) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        };
        let mut say = |name: &str, value: Value| members.insert(name.to_owned(), value);
        let uri = cx.config.issuer.endpoint(&cx.config.paths.registration);
        say("client_id", self.client_id.as_str().into());
        say("client_id_issued_at", self.registered.issued_at.unix().into());
        say("registration_access_token", self.token.expose().into());
        say("registration_client_uri", format!("{uri}?client_id={}", self.client_id).into());
        if let Some(secret) = &self.client_secret {
            say("client_secret", secret.expose().into());
            let expires_at = self.registered.secrets.first().and_then(|secret| secret.expires_at());
            // RFC 7591 section 3.2.1: 0 stands for never.
            say("client_secret_expires_at", expires_at.map_or(0, |end| end.unix()).into());
        }
        reply::json(status, &members)
    }
}
