//! What rings of keys have in common: how they change, and the document that they are kept as.

use std::sync::{Arc, PoisonError, RwLock};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::KeyringError;
use super::engine;
use crate::secret::Secret;
use crate::types::json::parse_strict;

/// Most keys in a ring.
const MAX_RING_KEYS: usize = 64;

/// Most bytes in an exported ring.
const MAX_DOCUMENT_BYTES: usize = 1024 * 1024;

/// More bytes than an exported ring has around each private JWK, and around all of them.
const ENTRY_BYTES: usize = 64;

/// The version of the exported document.
const DOCUMENT_VERSION: u64 = 1;

/// A state that is read whole and replaced whole. Clones share it.
pub(super) struct Shared<R>(Arc<RwLock<Arc<R>>>);

impl<R> Shared<R> {
    pub(super) fn new(state: R) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(state))))
    }

    pub(super) fn current(&self) -> Arc<R> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts what `next` makes of the state into its place; leaves it where `next` refuses.
    pub(super) fn change<E>(&self, next: impl FnOnce(&R) -> Result<R, E>) -> Result<(), E> {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(next(&current)?);
        Ok(())
    }
}

impl<R> Clone for Shared<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Refuses a ring of too many keys, and one in which a `kid` or a thumbprint stands twice.
pub(super) fn check_distinct(keys: &[(&str, String)]) -> Result<(), KeyringError> {
    if keys.len() > MAX_RING_KEYS {
        return Err(KeyringError::TooMany);
    }
    let mut seen: Vec<&(&str, String)> = Vec::new();
    for key in keys {
        if seen.iter().any(|(kid, thumbprint)| *kid == key.0 || *thumbprint == key.1) {
            return Err(KeyringError::KeyTaken);
        }
        seen.push(key);
    }
    Ok(())
}

/// Private keys and their states as one JSON document: `{"version":1,"keys":[{"state":"active","jwk":{..}}]}`.
pub(super) fn export<S: Serialize>(keys: &[(S, Secret)]) -> Secret {
    // With room for all of it at once: a buffer that grows leaves copies behind.
    let room = keys.iter().map(|(_, jwk)| jwk.expose().len() + ENTRY_BYTES).sum::<usize>();
    let mut text = String::with_capacity(room + ENTRY_BYTES);
    text.push_str(&format!(r#"{{"version":{DOCUMENT_VERSION},"keys":["#));
    for (position, (state, jwk)) in keys.iter().enumerate() {
        let comma = if position == 0 { "" } else { "," };
        text.push_str(&format!(r#"{comma}{{"state":{},"jwk":"#, json!(state)));
        text.push_str(jwk.expose());
        text.push('}');
    }
    text.push_str("]}");
    Secret::new(text)
}

/// Reads what [`export`] wrote: `read` makes a key of its state, its `alg` and the members of its JWK.
pub(super) fn import<K>(
    document: &str,
    read: impl Fn(&Value, &str, &Map<String, Value>) -> Result<K, KeyringError>,
) -> Result<Vec<K>, KeyringError> {
    let parsed = parse_strict(document.as_bytes(), MAX_DOCUMENT_BYTES, 5);
    let Ok(Value::Object(mut members)) = parsed else {
        return Err(KeyringError::Malformed);
    };
    let key = |entry: &Value| {
        let state = entry.get("state").ok_or(KeyringError::Malformed)?;
        let jwk = entry.get("jwk").and_then(Value::as_object).ok_or(KeyringError::Malformed)?;
        let alg = jwk.get("alg").and_then(Value::as_str).ok_or(KeyringError::Malformed)?;
        read(state, alg, jwk)
    };
    let keys = match (members.get("version").and_then(Value::as_u64), members.get("keys")) {
        (Some(DOCUMENT_VERSION), Some(Value::Array(keys))) if keys.len() <= MAX_RING_KEYS => {
            keys.iter().map(key).collect()
        }
        _ => Err(KeyringError::Malformed),
    };
    engine::wipe(&mut members);
    keys
}
