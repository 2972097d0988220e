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

/// A key of a ring, with its state.
pub(super) trait Member: Clone {
    /// What is made of all keys once for each state of a ring.
    type Made;

    /// The name that no other key of the ring has.
    fn kid(&self) -> Option<&str>;

    /// Whether another key must take its place before it can be taken out.
    fn is_in_use(&self) -> bool;

    /// Checks that `keys` are a sound ring.
    fn make(keys: &[Self]) -> Result<Self::Made, KeyringError>;
}

/// One state of a ring, never changed once it is made.
pub(super) struct Ring<K: Member> {
    pub(super) keys: Vec<K>,
    pub(super) made: K::Made,
    /// Grows with every change.
    pub(super) version: u64,
}

impl<K: Member> Ring<K> {
    pub(super) fn new(keys: Vec<K>) -> Result<Self, KeyringError> {
        Ok(Self { made: K::make(&keys)?, keys, version: 1 })
    }

    /// The state after this one.
    pub(super) fn next(&self, keys: Vec<K>) -> Result<Self, KeyringError> {
        Ok(Self { version: self.version.saturating_add(1), ..Self::new(keys)? })
    }
}

/// A ring whose state is read whole and replaced whole. Clones share it.
pub(super) struct Shared<K: Member>(Arc<RwLock<Arc<Ring<K>>>>);

impl<K: Member> Shared<K> {
    pub(super) fn new(keys: Vec<K>) -> Result<Self, KeyringError> {
        Ok(Self(Arc::new(RwLock::new(Arc::new(Ring::new(keys)?)))))
    }

    pub(super) fn current(&self) -> Arc<Ring<K>> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Applies `edit` to a copy of the keys and puts that into place if it is a sound ring; leaves all as it
    /// is where `edit` refuses.
    pub(super) fn change(
        &self,
        edit: impl FnOnce(&mut Vec<K>) -> Result<(), KeyringError>,
    ) -> Result<(), KeyringError> {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut keys = current.keys.clone();
        edit(&mut keys)?;
        *current = Arc::new(current.next(keys)?);
        Ok(())
    }

    /// Puts `keys` in the place of all others.
    pub(super) fn replace(&self, keys: Vec<K>) -> Result<(), KeyringError> {
        self.change(|current| {
            *current = keys;
            Ok(())
        })
    }

    /// Takes a key out that is not in use.
    pub(super) fn remove(&self, kid: &str) -> Result<(), KeyringError> {
        self.change(|keys| {
            if found(keys, kid)?.is_in_use() {
                return Err(KeyringError::Active);
            }
            keys.retain(|key| key.kid() != Some(kid));
            Ok(())
        })
    }

    /// Puts what `next` makes of the state into its place, if it is still `seen`; `false` when it is another.
    /// `None` leaves it as it is.
    pub(super) fn change_seen(
        &self,
        seen: &Arc<Ring<K>>,
        next: impl FnOnce(&Ring<K>) -> Result<Option<Ring<K>>, KeyringError>,
    ) -> Result<bool, KeyringError> {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&current, seen) {
            return Ok(false);
        }
        if let Some(next) = next(&current)? {
            *current = Arc::new(next);
        }
        Ok(true)
    }

    /// A handle that does not keep the ring alive.
    pub(super) fn downgrade(&self) -> WeakShared<K> {
        WeakShared(Arc::downgrade(&self.0))
    }
}

impl<K: Member> Clone for Shared<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// A [`Shared`] that may be gone.
pub(super) struct WeakShared<K: Member>(Weak<RwLock<Arc<Ring<K>>>>);

impl<K: Member> WeakShared<K> {
    /// The ring, unless every other handle of it is gone.
    pub(super) fn upgrade(&self) -> Option<Shared<K>> {
        self.0.upgrade().map(Shared)
    }
}

/// The key of this name.
pub(super) fn found<'a, K: Member>(keys: &'a mut [K], kid: &str) -> Result<&'a mut K, KeyringError> {
    keys.iter_mut().find(|key| key.kid() == Some(kid)).ok_or(KeyringError::Unknown)
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
