//! Removing what has had its time.

use async_trait::async_trait;

use super::MemoryStore;
use super::space::{Row, Space, Token};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::store::Sweep;

/// Most rows of one sweep, which holds the lock.
const MAX_SWEPT: u16 = 1000;

#[async_trait]
impl Sweep for MemoryStore {
    async fn sweep(&self, limit: u16, now: Timestamp) -> Result<u16, StoreError> {
        let mut space = self.space();
        let mut swept = 0;
        while swept < limit.min(MAX_SWEPT) {
            let Some(row) = space.ends.next(now) else { break };
            space.remove_ended(row, now);
            // A row that was removed before counts as well: it bounds how long the lock is held.
            swept += 1;
        }
        Ok(swept)
    }
}

impl Space {
    /// Removes a row if its end has come; it may be gone, or renewed and listed at a later end as well.
    fn remove_ended(&mut self, row: Row, now: Timestamp) {
        let ended = |end: Timestamp| end.has_passed(now);
        match row {
            Row::Code(key) => {
                if self.codes.get(&key).is_some_and(|code| ended(code.record.retain_until)) {
                    self.codes.remove(&key);
                }
            }
            Row::Consent(subject, client) => self.consents.remove_ended(&subject, &client, now),
            Row::Deferred(key) => self.deferred.remove_ended(&key, now),
            Row::Grant(id) => {
                let token = self.grants.remove_ended(&id, now).and_then(|grant| grant.token);
                if let Some(token) = token {
                    self.tokens.remove(&token);
                }
            }
            Row::Replay(space, id) => {
                if self.replays.get(&(space, id)).copied().is_some_and(ended) {
                    self.replays.remove(&(space, id));
                }
            }
            Row::Ticket(key) => {
                if self.tickets.get(&key).is_some_and(|ticket| ended(ticket.keep_until)) {
                    self.tickets.remove(&key);
                }
            }
            Row::Token(key) => {
                if let Some(Token::Own(token)) = self.tokens.get(&key)
                    && ended(token.expires_at)
                {
                    self.tokens.remove(&key);
                }
            }
        }
    }
}
