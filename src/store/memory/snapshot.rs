//! What a store holds at one moment.

use std::fmt;

use super::MemoryStore;
use super::space::{Row, Space};

/// All that a [`MemoryStore`] held at one moment, in its namespace; for comparing.
#[derive(Clone, PartialEq)]
pub struct Snapshot(Space);

impl MemoryStore {
    /// All that the store holds now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.space().clone())
    }
}

impl Snapshot {
    /// The same without what remembers tokens that are good once.
    #[must_use]
    pub fn without_replays(mut self) -> Self {
        for ((space, id), end) in std::mem::take(&mut self.0.replays) {
            self.0.ends.remove(end, &Row::Replay(space, id));
        }
        self
    }
}

/// Prints how many rows there are, not what is in them.
impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Space { clients, codes, deferred, registry, replays, tickets, tokens, .. } = &self.0;
        f.debug_struct("Snapshot")
            .field("clients", &clients.len())
            .field("codes", &codes.len())
            .field("deferred", &deferred.len())
            .field("registry", &registry.len())
            .field("replays", &replays.len())
            .field("tickets", &tickets.len())
            .field("tokens", &tokens.len())
            .finish_non_exhaustive()
    }
}
