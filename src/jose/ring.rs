//! What rings of keys have in common: how they change, and the document that they are kept as.

use std::sync::{Arc, PoisonError, RwLock, Weak};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::KeyringError;
use super::engine;
use super::private_jwk::PrivateMembers;
use crate::clock::Timestamp;
use crate::secret::Secret;
use crate::types::json::parse_strict;

/// Most keys in a ring.
pub(super) const MAX_RING_KEYS: usize = 64;

/// Most bytes in an exported ring.
const MAX_DOCUMENT_BYTES: usize = 1024 * 1024;

/// More bytes than an exported ring has around each private JWK, and around all of them.
const ENTRY_BYTES: usize = 96;

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

    /// As [`Shared::change`], if the state is still `seen`; `false` when it is another. `None` leaves it as it is.
    pub(super) fn change_seen<E>(
        &self,
        seen: &Arc<R>,
        next: impl FnOnce(&R) -> Result<Option<R>, E>,
    ) -> Result<bool, E> {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&current, seen) {
            return Ok(false);
        }
        if let Some(next) = next(&current)? {
            *current = Arc::new(next);
        }
        Ok(true)
    }

    /// A handle that does not keep the state alive.
    pub(super) fn downgrade(&self) -> WeakShared<R> {
        WeakShared(Arc::downgrade(&self.0))
    }
}

impl<R> Clone for Shared<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// A [`Shared`] that may be gone.
pub(super) struct WeakShared<R>(Weak<RwLock<Arc<R>>>);

impl<R> WeakShared<R> {
    /// The state, unless every other handle of it is gone.
    pub(super) fn upgrade(&self) -> Option<Shared<R>> {
        self.0.upgrade().map(Shared)
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

/// A key as it stands in a document, with its private JWK as text or parsed.
pub(super) struct Entry<S, J> {
    pub(super) state: S,
    pub(super) since: Option<Timestamp>,
    pub(super) jwk: J,
}

/// Private keys and their states as one JSON document:
/// `{"version":1,"keys":[{"state":"active","since":1790000000,"jwk":{..}}]}`.
pub(super) fn write<S: Serialize>(entries: &[Entry<S, Secret>]) -> Secret {
    // With room for all of it at once: a buffer that grows leaves copies behind.
    let room = entries.iter().map(|entry| entry.jwk.expose().len() + ENTRY_BYTES).sum::<usize>();
    let mut text = String::with_capacity(room + ENTRY_BYTES);
    text.push_str(&format!(r#"{{"version":{DOCUMENT_VERSION},"keys":["#));
    for (position, entry) in entries.iter().enumerate() {
        let comma = if position == 0 { "" } else { "," };
        text.push_str(&format!(r#"{comma}{{"state":{},"#, json!(entry.state)));
        if let Some(since) = entry.since {
            text.push_str(&format!(r#""since":{},"#, since.unix()));
        }
        text.push_str(r#""jwk":"#);
        text.push_str(entry.jwk.expose());
        text.push('}');
    }
    text.push_str("]}");
    Secret::new(text)
}

/// The keys of a document that [`write`] wrote, none of them looked into.
pub(super) fn read<S: DeserializeOwned>(
    document: &str,
) -> Result<Vec<Entry<S, PrivateMembers>>, KeyringError> {
    let parsed = parse_strict(document.as_bytes(), MAX_DOCUMENT_BYTES, 5);
    let Ok(Value::Object(mut members)) = parsed else {
        return Err(KeyringError::Malformed);
    };
    let version = members.get("version").and_then(Value::as_u64);
    let entries = match (version, members.get_mut("keys")) {
        (Some(DOCUMENT_VERSION), Some(Value::Array(keys))) if keys.len() <= MAX_RING_KEYS => {
            keys.iter_mut().map(read_entry).collect()
        }
        _ => Err(KeyringError::Malformed),
    };
    engine::wipe(&mut members);
    entries
}

fn read_entry<S: DeserializeOwned>(entry: &mut Value) -> Result<Entry<S, PrivateMembers>, KeyringError> {
    let state = entry.get("state").ok_or(KeyringError::Malformed)?;
    let state = S::deserialize(state).map_err(|_| KeyringError::Malformed)?;
    let since = match entry.get("since") {
        None => None,
        Some(since) => Some(since.as_i64().map(Timestamp::from_unix).ok_or(KeyringError::Malformed)?),
    };
    match entry.get_mut("jwk").map(Value::take) {
        Some(Value::Object(jwk)) => Ok(Entry { state, since, jwk: PrivateMembers::new(jwk) }),
        _ => Err(KeyringError::Malformed),
    }
}
