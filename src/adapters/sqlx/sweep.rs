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
    /// One short statement for each table, so that no lock lasts for longer than the rows of one table take. A table that
    /// fails does not keep the others from being swept.
    async fn sweep(&self, limit: u16, now: Timestamp) -> Result<u16, StoreError> {
        let limit = limit.min(MAX_SWEPT);
        let (mut swept, mut failed) = (0, None);
        for text in E::statements().sweep {
            if swept == limit {
                break;
            }
            let values = values![self.tenant(), now, limit - swept];
            match self.connections.write(text, &values).await {
                Ok(rows) => swept = swept.saturating_add(u16::try_from(rows).map_err(corrupt)?),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        // What was swept is told, for the caller comes again; what only failed is an error.
        match failed {
            Some(error) if swept == 0 => Err(error),
            _ => Ok(swept),
        }
    }
}
