//! The stores in memory: the reference of the contract, for tests, for trying out, and for single processes that
//! may forget everything when they end.

mod client;
mod code;
mod consent;
mod deferred;
mod grant;
mod key_set;
mod registry;
mod replay;
mod reseal;
mod snapshot;
mod space;
mod sweep;
mod ticket;
mod token;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use client::Clients;
pub use snapshot::Snapshot;

use space::Space;

/// The namespace of [`MemoryStore::new`].
const DEFAULT_NAMESPACE: &str = "";

/// Every store in memory. Clones share what they hold.
///
/// Rows that have had their time stay until [`Sweep`](crate::store::Sweep) is called.
///
/// It is for small numbers: revoking the grants of a client, a person or a session in batches goes through all that it has
/// for each of them, the revoked ones too, which is felt from some ten thousand grants on.
#[derive(Clone)]
pub struct MemoryStore {
    namespaces: Arc<Namespaces>,
    space: Arc<Mutex<Space>>,
}

#[derive(Default)]
struct Namespaces(Mutex<HashMap<Box<str>, Arc<Mutex<Space>>>>);

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same store under another namespace, which is part of every key: nothing in it is seen from here.
    ///
    /// Equal names give the same contents; the empty name is the namespace of [`MemoryStore::new`].
    #[must_use]
    pub fn namespace(&self, name: &str) -> Self {
        let namespaces = Arc::clone(&self.namespaces);
        let space = namespaces.named(name);
        Self { namespaces, space }
    }

    /// The one lock: what happens under it happens as a whole. It is never held across an await.
    fn space(&self) -> MutexGuard<'_, Space> {
        lock(&self.space)
    }
}

/// Takes a lock also after a panic under it: a request that dies must not take the others with it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Namespaces {
    fn named(&self, name: &str) -> Arc<Mutex<Space>> {
        Arc::clone(lock(&self.0).entry(name.into()).or_default())
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        let namespaces = Arc::<Namespaces>::default();
        let space = namespaces.named(DEFAULT_NAMESPACE);
        Self { namespaces, space }
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
