//! Values that were used.

use async_trait::async_trait;

use super::MemoryStore;
use super::space::Row;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::secret::TokenHash;
use crate::store::ReplayStore;

#[async_trait]
impl ReplayStore for MemoryStore {
    async fn first_use(
        &self,
        space: &'static str,
        id: &TokenHash,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut held = self.space();
        if held.replays.get(&(space, *id)).is_some_and(|until| !until.has_passed(now)) {
            return Ok(false);
        }
        held.replays.insert((space, *id), until);
        held.ends.add(until, Row::Replay(space, *id));
        Ok(true)
    }
}
