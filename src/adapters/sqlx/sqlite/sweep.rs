//! Removing what has had its time.

use async_trait::async_trait;

use super::{SqliteStore, statements};
use crate::adapters::sqlx::failure::corrupt;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::store::Sweep;

/// Most rows of one sweep: each of its statements holds the write lock.
const MAX_SWEPT: u16 = 1000;

#[async_trait]
impl Sweep for SqliteStore {
    async fn sweep(&self, limit: u16, now: Timestamp) -> Result<u16, StoreError> {
        let limit = limit.min(MAX_SWEPT);
        let mut swept = 0;
        for text in statements::SWEEP {
            if swept == limit {
                break;
            }
            let sweep =
                sqlx::query(text).bind(&*self.namespace).bind(now.unix()).bind(i64::from(limit - swept));
            let rows = u16::try_from(self.connections.write(sweep).await?).map_err(corrupt)?;
            swept = swept.saturating_add(rows);
        }
        Ok(swept)
    }
}
