//! Values that were used.

use async_trait::async_trait;

use super::{SqliteStore, statements};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::secret::TokenHash;
use crate::store::ReplayStore;

#[async_trait]
impl ReplayStore for SqliteStore {
    async fn first_use(
        &self,
        space: &'static str,
        id: &TokenHash,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let first = sqlx::query(statements::FIRST_USE)
            .bind(&*self.namespace)
            .bind(space)
            .bind(&id.as_bytes()[..])
            .bind(until.unix())
            .bind(now.unix());
        Ok(self.connections.write(first).await? == 1)
    }
}
