//! A source of keys that lives as long as the process.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{KeySource, RingKey, SourcedKey, SourcedKeys};
use crate::error::BoxError;

/// A [`KeySource`] in memory: for tests, and for hosts that read their keys by themselves.
#[derive(Debug, Default)]
pub struct MemoryKeys(Mutex<Vec<RingKey>>);

impl MemoryKeys {
    /// A source that has `keys`.
    #[must_use]
    pub const fn new(keys: Vec<RingKey>) -> Self {
        Self(Mutex::new(keys))
    }

    /// Puts `keys` in the place of all others.
    pub fn set(&self, keys: Vec<RingKey>) {
        *self.keys() = keys;
    }

    fn keys(&self) -> MutexGuard<'_, Vec<RingKey>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl KeySource for MemoryKeys {
    async fn load(&self) -> Result<SourcedKeys, BoxError> {
        Ok(SourcedKeys::new(self.keys().iter().map(SourcedKey::from).collect()))
    }
}
