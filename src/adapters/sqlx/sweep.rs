//! Removing what has had its time.

use async_trait::async_trait;

use super::dialect::Engine;
use super::failure::corrupt;
use super::store::SqlStore;
use super::value::values;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::store::Sweep;

/// Most rows of one sweep: each of its statements holds locks.
const MAX_SWEPT: u16 = 1000;

#[async_trait]
impl<E: Engine> Sweep for SqlStore<E> {
    /// One short statement for each table, so that no lock lasts for longer than the rows of one table take.
    async fn sweep(&self, limit: u16, now: Timestamp) -> Result<u16, StoreError> {
        let limit = limit.min(MAX_SWEPT);
        let mut swept = 0;
        for text in E::statements().sweep {
            if swept == limit {
                break;
            }
            let values = values![self.tenant(), now, limit - swept];
            let rows = u16::try_from(self.connections.write(text, &values).await?).map_err(corrupt)?;
            swept = swept.saturating_add(rows);
        }
        Ok(swept)
    }
}
