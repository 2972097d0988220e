//! A source of keys that lives as long as the process.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{KeySource, Revision, RingKey, Saved, SourcedKey, SourcedKeys};
use crate::error::BoxError;

/// A [`KeySource`] in memory: for tests, and for hosts that read their keys by themselves.
#[derive(Debug, Default)]
pub struct MemoryKeys(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    keys: Vec<RingKey>,
    changes: u64,
}

impl Held {
    fn set(&mut self, keys: Vec<RingKey>) {
        self.keys = keys;
        self.changes += 1;
    }

    fn revision(&self) -> Revision {
        Revision::new(self.changes.to_string())
    }
}

impl MemoryKeys {
    /// A source that has `keys`.
    #[must_use]
    pub const fn new(keys: Vec<RingKey>) -> Self {
        Self(Mutex::new(Held { keys, changes: 0 }))
    }

    /// Puts `keys` in the place of all others.
    pub fn set(&self, keys: Vec<RingKey>) {
        self.held().set(keys);
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl KeySource for MemoryKeys {
    async fn load(&self) -> Result<SourcedKeys, BoxError> {
        let held = self.held();
        let keys = held.keys.iter().map(SourcedKey::from).collect();
        Ok(SourcedKeys::new(keys).with_revision(held.revision()))
    }

    async fn save(&self, seen: &Revision, keys: &[RingKey]) -> Result<Saved, BoxError> {
        let mut held = self.held();
        if held.revision() != *seen {
            return Ok(Saved::Outdated);
        }
        held.set(keys.to_vec());
        Ok(Saved::Saved)
    }
}
