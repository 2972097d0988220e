//! Clients that were read a moment ago, so that busy ones are not read at every request.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::ClientStore;
use crate::client::Client;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::secret::TokenHash;
use crate::types::ClientId;

/// Most clients that are kept at once.
const MAX_CLIENTS: usize = 4096;

/// Clients by their id, each for a bounded time. Nothing is kept of clients that are not there: a client that is made is
/// found at once.
pub(crate) struct ClientCache {
    age: Duration,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    entries: HashMap<ClientId, Entry>,
    /// How many writes have ended. What was read before one ended may be older than it.
    writes: u64,
}

struct Entry {
    client: Client,
    read_at: Timestamp,
    /// The hash of the row that it was opened from, where it came from one.
    row: Option<TokenHash>,
}

/// A reading that has begun: what it finds is kept unless a write ends before it is.
#[derive(Clone, Copy)]
pub(crate) struct Reading(u64);

/// A write under way. When it ends, however it does, the client is read again.
pub(crate) struct Writing<'a> {
    cache: &'a ClientCache,
    id: &'a ClientId,
}

impl ClientCache {
    /// Keeps each client for `age`; none at all where that is zero.
    pub(crate) fn new(age: Duration) -> Self {
        Self { age, held: Mutex::default() }
    }

    /// The client, if it was read less than the age ago.
    pub(crate) fn fresh(&self, id: &ClientId, now: Timestamp) -> Option<Client> {
        let held = self.held();
        held.entries.get(id).filter(|entry| entry.is_fresh(self.age, now)).map(|entry| entry.client.clone())
    }

    /// To be asked before the client is read.
    pub(crate) fn read(&self) -> Reading {
        Reading(self.held().writes)
    }

    /// The client that was opened from this row, however long ago.
    pub(crate) fn opened(&self, id: &ClientId, row: TokenHash) -> Option<Client> {
        let held = self.held();
        held.entries.get(id).filter(|entry| entry.row == Some(row)).map(|entry| entry.client.clone())
    }

    /// Keeps what was read at `now`.
    pub(crate) fn keep(&self, reading: Reading, client: &Client, row: Option<TokenHash>, now: Timestamp) {
        let mut held = self.held();
        if self.age.is_zero() || held.writes != reading.0 {
            return;
        }
        if held.entries.len() >= MAX_CLIENTS && !held.entries.contains_key(client.id()) {
            held.make_room(self.age, now);
        }
        held.entries.insert(client.id().clone(), Entry { client: client.clone(), read_at: now, row });
    }

    /// Drops what was read of a client that is not there any more. It must not come back by a clock that is set back.
    ///
    /// This is no write: whoever asks for clients that never were would keep all others from being kept.
    pub(crate) fn absent(&self, id: &ClientId) {
        self.held().entries.remove(id);
    }

    /// Drops what was read of a client, and what is being read.
    pub(crate) fn forget(&self, id: &ClientId) {
        let mut held = self.held();
        held.writes += 1;
        held.entries.remove(id);
    }

    /// To be held while a client is written.
    pub(crate) const fn write<'a>(&'a self, id: &'a ClientId) -> Writing<'a> {
        Writing { cache: self, id }
    }

    /// Taken also after a panic: every change under it is one step.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// Neither too old nor, by a clock that was set back, of a time to come.
    fn is_fresh(&self, age: Duration, now: Timestamp) -> bool {
        self.read_at <= now && !self.read_at.plus(age).has_passed(now)
    }
}

impl Held {
    /// Drops what has had its time, and any one client where that is not enough.
    fn make_room(&mut self, age: Duration, now: Timestamp) {
        self.entries.retain(|_, entry| entry.is_fresh(age, now));
        if self.entries.len() >= MAX_CLIENTS
            && let Some(any) = self.entries.keys().next().cloned()
        {
            self.entries.remove(&any);
        }
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.cache.forget(self.id);
    }
}

impl fmt::Debug for ClientCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCache").field("age", &self.age).finish_non_exhaustive()
    }
}

/// Another [`ClientStore`] whose clients are kept for a while: up to 4096 of them, in memory.
///
/// Clients that are not there are asked for each time. While the other store fails, clients that were read less than
/// the age ago are still found.
///
/// # Security
/// A client that is changed, disabled or removed is still the old one for at most the age. Whoever changes clients
/// in this process calls [`CachedClients::forget`]; other processes do not hear of that.
#[derive(Clone, Debug)]
pub struct CachedClients {
    store: Arc<dyn ClientStore>,
    cache: Arc<ClientCache>,
}

impl CachedClients {
    /// The clients of `store`, each read again after `age`. Zero keeps none.
    #[must_use]
    pub fn new(store: Arc<dyn ClientStore>, age: Duration) -> Self {
        Self { store, cache: Arc::new(ClientCache::new(age)) }
    }

    /// Has a client read again, for whoever has just changed it.
    pub fn forget(&self, id: &ClientId) {
        self.cache.forget(id);
    }
}

#[async_trait]
impl ClientStore for CachedClients {
    async fn client(&self, id: &ClientId, now: Timestamp) -> Result<Option<Client>, StoreError> {
        if let Some(client) = self.cache.fresh(id, now) {
            return Ok(Some(client));
        }
        let reading = self.cache.read();
        let client = self.store.client(id, now).await?;
        match &client {
            Some(client) => self.cache.keep(reading, client, None, now),
            None => self.cache.absent(id),
        }
        Ok(client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{ClientAuthMethod, ClientMetadata};
    use crate::types::RedirectUri;

    const AGE: Duration = Duration::from_secs(10);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_unix(1_000_000 + second)
    }

    fn client(name: &str) -> Client {
        let redirect_uri = RedirectUri::register("https://rp.example/cb").unwrap();
        let metadata = ClientMetadata::code_flow([redirect_uri]).with_auth_method(ClientAuthMethod::None);
        Client::builder(ClientId::new(name).unwrap(), metadata).build().unwrap()
    }

    fn kept(cache: &ClientCache, name: &str, now: Timestamp) {
        cache.keep(cache.read(), &client(name), None, now);
    }

    fn is_fresh(cache: &ClientCache, name: &str, now: Timestamp) -> bool {
        cache.fresh(&ClientId::new(name).unwrap(), now).is_some()
    }

    #[test]
    fn a_client_is_kept_for_its_age_and_not_for_a_time_to_come() {
        let cache = ClientCache::new(AGE);
        kept(&cache, "a", at(0));
        assert_eq!([-1, 0, 9, 10].map(|n| is_fresh(&cache, "a", at(n))), [false, true, true, false]);
        assert!(!is_fresh(&cache, "b", at(0)));
        let off = ClientCache::new(Duration::ZERO);
        kept(&off, "a", at(0));
        assert!(!is_fresh(&off, "a", at(0)) && off.held().entries.is_empty());
    }

    #[test]
    fn what_was_read_before_a_write_ended_is_not_kept() {
        let cache = ClientCache::new(AGE);
        let (id, reading) = (client("a").id().clone(), cache.read());
        let writing = cache.write(&id);
        kept(&cache, "a", at(0));
        drop(writing);
        assert!(!is_fresh(&cache, "a", at(0)), "what was kept while it was written is read again");
        cache.keep(reading, &client("a"), None, at(0));
        assert!(!is_fresh(&cache, "a", at(0)), "what was read before may be older than the write");
        kept(&cache, "a", at(0));
        assert!(is_fresh(&cache, "a", at(0)));
    }

    #[test]
    fn asking_for_clients_that_are_not_there_keeps_no_others_away() {
        let cache = ClientCache::new(AGE);
        let (known, reading) = (client("a"), cache.read());
        cache.absent(&ClientId::new("stranger").unwrap());
        cache.keep(reading, &known, None, at(0));
        assert!(is_fresh(&cache, "a", at(0)));
        cache.absent(known.id());
        assert!(!is_fresh(&cache, "a", at(0)));
    }

    #[test]
    fn an_opened_client_is_found_by_its_row_alone() {
        let cache = ClientCache::new(AGE);
        let (id, row) = (client("a").id().clone(), TokenHash::of("row"));
        cache.keep(cache.read(), &client("a"), Some(row), at(0));
        assert!(cache.opened(&id, row).is_some());
        assert!(cache.opened(&id, TokenHash::of("another")).is_none());
    }

    #[test]
    fn no_more_than_so_many_are_kept() {
        let cache = ClientCache::new(AGE);
        for n in 0..MAX_CLIENTS + 10 {
            kept(&cache, &format!("client {n}"), at(0));
        }
        assert_eq!(cache.held().entries.len(), MAX_CLIENTS);
        kept(&cache, "a", at(10));
        assert_eq!(cache.held().entries.len(), 1, "those that have had their time go first");
    }
}
