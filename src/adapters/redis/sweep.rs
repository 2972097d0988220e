//! Removing what has had its time before the server does so by itself.

use async_trait::async_trait;

use super::failure::corrupt;
use super::script::{Call, SCAN, SWEEP};
use super::{RedisStore, moment};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::store::Sweep;

/// Most rows of one sweep.
const MAX_SWEPT: u16 = 1000;

/// How many keys the server looks at in one step, in which it does nothing else.
const STEP: u16 = 1000;

/// It has to be called by nobody: rows end by themselves. It walks through all keys of the server, those of others too,
/// and leaves used values to end by themselves.
#[async_trait]
impl Sweep for RedisStore {
    async fn sweep(&self, limit: u16, now: Timestamp) -> Result<u16, StoreError> {
        let limit = limit.min(MAX_SWEPT);
        let (mut cursor, mut swept) = (0_u64, 0);
        while swept < limit {
            let (next, rows) = self.rows_from(cursor).await?;
            if !rows.is_empty() {
                swept += self.sweep_rows(rows, limit - swept, now).await?;
            }
            if next == 0 {
                break;
            }
            cursor = next;
        }
        Ok(swept)
    }
}

impl RedisStore {
    /// Where the next step begins, and the rows of this one.
    async fn rows_from(&self, cursor: u64) -> Result<(u64, Vec<String>), StoreError> {
        let scan = Call::new(&SCAN).arg(cursor.to_string()).arg(self.keys.rows()).arg(STEP.to_string());
        let (next, mut found) = self.run(scan).await?;
        let mut rows = Vec::new();
        while let Some(row) = found.maybe_bytes() {
            rows.push(String::from_utf8(row).map_err(corrupt)?);
        }
        Ok((next.parse().map_err(corrupt)?, rows))
    }

    async fn sweep_rows(&self, rows: Vec<String>, limit: u16, now: Timestamp) -> Result<u16, StoreError> {
        let sweep = rows.into_iter().fold(Call::new(&SWEEP), Call::key);
        let sweep = sweep
            .arg(moment::written(now))
            .arg(limit.to_string())
            .arg(self.keys.prefix())
            .arg(self.keys.deferred_prefix().len().to_string());
        let (swept, _) = self.run(sweep).await?;
        swept.parse().map_err(corrupt)
    }
}
