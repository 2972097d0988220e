//! A ring as one JSON document.

use serde_json::{Value, json};

use super::super::engine;
use super::super::signer::PrivateMembers;
use super::{KeyState, KeyringError, MAX_RING_KEYS, RingKey, SourcedKey};
use crate::clock::Timestamp;
use crate::secret::Secret;
use crate::types::json::parse_strict;

/// Most bytes in an exported ring.
const MAX_DOCUMENT_BYTES: usize = 1024 * 1024;

/// More bytes than an exported ring has around each private JWK, and around all of them.
const ENTRY_BYTES: usize = 96;

/// The version of the exported document.
const DOCUMENT_VERSION: u64 = 1;

/// The keys that have a private JWK.
pub(super) fn write(keys: &[RingKey]) -> Secret {
    let exported: Vec<(&RingKey, Secret)> =
        keys.iter().filter_map(|key| Some((key, key.signer.private_jwk()?))).collect();
    // With room for all of it at once: a buffer that grows leaves copies behind.
    let room = exported.iter().map(|(_, jwk)| jwk.expose().len() + ENTRY_BYTES).sum::<usize>();
    let mut text = String::with_capacity(room + ENTRY_BYTES);
    text.push_str(&format!(r#"{{"version":{DOCUMENT_VERSION},"keys":["#));
    for (position, (key, jwk)) in exported.iter().enumerate() {
        let comma = if position == 0 { "" } else { "," };
        text.push_str(&format!(r#"{comma}{{"state":{},"#, json!(key.state)));
        if let Some(since) = key.since {
            text.push_str(&format!(r#""since":{},"#, since.unix()));
        }
        text.push_str(r#""jwk":"#);
        text.push_str(jwk.expose());
        text.push('}');
    }
    text.push_str("]}");
    Secret::new(text)
}

/// The keys of a document, none of them looked into.
pub(super) fn read(document: &str) -> Result<Vec<SourcedKey>, KeyringError> {
    let parsed = parse_strict(document.as_bytes(), MAX_DOCUMENT_BYTES, 5);
    let Ok(Value::Object(mut members)) = parsed else {
        return Err(KeyringError::Malformed);
    };
    let version = members.get("version").and_then(Value::as_u64);
    let keys = match (version, members.get_mut("keys")) {
        (Some(DOCUMENT_VERSION), Some(Value::Array(keys))) if keys.len() <= MAX_RING_KEYS => {
            keys.iter_mut().map(read_key).collect()
        }
        _ => Err(KeyringError::Malformed),
    };
    engine::wipe(&mut members);
    keys
}

fn read_key(entry: &mut Value) -> Result<SourcedKey, KeyringError> {
    let state = entry.get("state").cloned().unwrap_or_default();
    let state: KeyState = serde_json::from_value(state).map_err(|_| KeyringError::Malformed)?;
    let since = match entry.get("since") {
        None => None,
        Some(since) => Some(since.as_i64().map(Timestamp::from_unix).ok_or(KeyringError::Malformed)?),
    };
    match entry.get_mut("jwk").map(Value::take) {
        Some(Value::Object(jwk)) => Ok(SourcedKey::from_members(PrivateMembers(jwk), state, since)),
        _ => Err(KeyringError::Malformed),
    }
}
