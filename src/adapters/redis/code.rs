//! Authorization codes.

use async_trait::async_trait;

use super::row::{Row, unknown};
use super::script::{CONSUME_CODE, Call, INSERT};
use super::{RedisStore, moment};
use crate::clock::Timestamp;
use crate::error::{StoreError, StoreErrorKind};
use crate::secret::TokenHash;
use crate::store::{CodeRecord, CodeStore, Consumed};
use crate::types::ClientId;

#[async_trait]
impl CodeStore for RedisStore {
    async fn insert_code(&self, key: TokenHash, code: CodeRecord, now: Timestamp) -> Result<(), StoreError> {
        let insert = Call::new(&INSERT)
            .key(self.keys.code(&key))
            .arg(moment::expiry(code.retain_until, now))
            .field("grant", code.grant.as_bytes())
            .field("client", code.client.as_str())
            .field("expires_at", moment::written(code.expires_at))
            .field("until", moment::written(code.retain_until))
            .field("secret", code.payload.secret().as_bytes())
            .field("payload", code.payload.as_bytes());
        self.insert(insert).await
    }

    async fn consume_code(
        &self,
        key: &TokenHash,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<Consumed, StoreError> {
        let consume =
            Call::new(&CONSUME_CODE).key(self.keys.code(key)).arg(client.as_str()).arg(moment::written(now));
        let (outcome, mut row) = self.run(consume).await?;
        match outcome.as_str() {
            "fresh" => Ok(Consumed::Fresh(record(&mut row)?)),
            "expired" => Ok(Consumed::Expired),
            "replayed" => Ok(Consumed::Replayed { grant: row.grant()? }),
            "foreign" => Ok(Consumed::Foreign),
            "absent" => Ok(Consumed::Absent),
            other => Err(unknown(other)),
        }
    }
}

impl RedisStore {
    /// Keeps a new row.
    pub(super) async fn insert(&self, insert: Call) -> Result<(), StoreError> {
        match self.run(insert).await?.0.as_str() {
            "kept" => Ok(()),
            "conflict" => Err(StoreErrorKind::Conflict.into()),
            other => Err(unknown(other)),
        }
    }
}

fn record(row: &mut Row) -> Result<CodeRecord, StoreError> {
    Ok(CodeRecord {
        grant: row.grant()?,
        client: row.client()?,
        expires_at: row.time()?,
        retain_until: row.time()?,
        payload: row.payload()?,
    })
}
