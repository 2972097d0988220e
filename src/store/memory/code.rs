//! Authorization codes.

use std::collections::hash_map::Entry;

use async_trait::async_trait;

use super::MemoryStore;
use super::space::{Code, Row, Usage};
use crate::clock::Timestamp;
use crate::error::{StoreError, StoreErrorKind};
use crate::secret::TokenHash;
use crate::store::{CodeRecord, CodeStore, Consumed};
use crate::types::ClientId;

#[async_trait]
impl CodeStore for MemoryStore {
    async fn insert_code(&self, key: TokenHash, code: CodeRecord, _now: Timestamp) -> Result<(), StoreError> {
        let mut space = self.space();
        let space = &mut *space;
        let Entry::Vacant(vacant) = space.codes.entry(key) else {
            return Err(StoreErrorKind::Conflict.into());
        };
        space.ends.add(code.retain_until, Row::Code(key));
        vacant.insert(Code { record: code, usage: Usage::Unused });
        Ok(())
    }

    async fn consume_code(
        &self,
        key: &TokenHash,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<Consumed, StoreError> {
        let mut space = self.space();
        let Some(code) = space.codes.get_mut(key).filter(|code| !code.record.retain_until.has_passed(now))
        else {
            return Ok(Consumed::Absent);
        };
        if code.record.client != *client {
            return Ok(Consumed::Foreign);
        }
        if code.usage == Usage::Used {
            return Ok(Consumed::Replayed { grant: code.record.grant });
        }
        if code.record.expires_at.has_passed(now) {
            return Ok(Consumed::Expired);
        }
        code.usage = Usage::Used;
        Ok(Consumed::Fresh(code.record.clone()))
    }
}
