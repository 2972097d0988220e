//! Values that were used.

use async_trait::async_trait;

use super::dialect::Engine;
use super::store::SqlStore;
use super::value::values;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::secret::TokenHash;
use crate::store::ReplayStore;

#[async_trait]
impl<E: Engine> ReplayStore for SqlStore<E> {
    async fn first_use(
        &self,
        space: &'static str,
        id: &TokenHash,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let values = values![self.tenant(), space, id, until, now];
        self.connections.upsert(&E::statements().first_use, &values).await
    }
}
