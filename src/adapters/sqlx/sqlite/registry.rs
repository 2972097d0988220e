//! Clients that registered themselves.

use async_trait::async_trait;

use super::row::{Row, counted};
use super::{SqliteStore, statements};
use crate::adapters::sqlx::failure::corrupt;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::store::{ClientRecord, ClientRegistry, ClientVersion, Listing, Page, Replacement, StoredClient};
use crate::types::ClientId;

#[async_trait]
impl ClientRegistry for SqliteStore {
    async fn register(&self, client: ClientRecord, _now: Timestamp) -> Result<(), StoreError> {
        let register = sqlx::query(statements::REGISTER)
            .bind(&*self.namespace)
            .bind(client.id.as_str())
            .bind(counted(ClientVersion::FIRST.0))
            .bind(&client.registration_token.as_bytes()[..])
            .bind(&client.payload.secret().as_bytes()[..])
            .bind(client.payload.as_bytes());
        self.connections.write(register).await.map(drop)
    }

    async fn registered(&self, id: &ClientId, _now: Timestamp) -> Result<Option<StoredClient>, StoreError> {
        let find = sqlx::query(statements::REGISTERED).bind(&*self.namespace).bind(id.as_str());
        self.connections.find(find).await?.as_ref().map(stored).transpose()
    }

    async fn replace_registered(
        &self,
        client: ClientRecord,
        seen: ClientVersion,
        now: Timestamp,
    ) -> Result<Replacement, StoreError> {
        // A version that no column holds compares with NULL, and nothing is written.
        let replace = sqlx::query(statements::REPLACE_REGISTERED)
            .bind(&*self.namespace)
            .bind(client.id.as_str())
            .bind(counted(seen.0))
            .bind(&client.registration_token.as_bytes()[..])
            .bind(&client.payload.secret().as_bytes()[..])
            .bind(client.payload.as_bytes());
        if self.connections.write(replace).await? == 1 {
            return Ok(Replacement::Written);
        }
        let there = self.registered(&client.id, now).await?;
        Ok(if there.is_some() { Replacement::Stale } else { Replacement::Absent })
    }

    async fn unregister(&self, id: &ClientId, _now: Timestamp) -> Result<bool, StoreError> {
        let unregister = sqlx::query(statements::UNREGISTER).bind(&*self.namespace).bind(id.as_str());
        Ok(self.connections.write(unregister).await? == 1)
    }

    async fn registered_clients(
        &self,
        page: &Page,
        _now: Timestamp,
    ) -> Result<Listing<StoredClient>, StoreError> {
        let after = page.after.as_deref().map(ClientId::new).transpose().map_err(corrupt)?;
        let list = sqlx::query(statements::REGISTERED_CLIENTS)
            .bind(&*self.namespace)
            .bind(after.map(String::from).unwrap_or_default())
            .bind(i64::from(page.size()) + 1);
        let rows = self.connections.read(list).await?;
        let size = usize::from(page.size());
        let items: Vec<StoredClient> = rows.iter().take(size).map(stored).collect::<Result<_, _>>()?;
        let next = items.last().filter(|_| rows.len() > size).map(|last| last.record.id.to_string());
        Ok(Listing { items, next })
    }
}

fn stored(row: &Row) -> Result<StoredClient, StoreError> {
    let record =
        ClientRecord { id: row.client()?, registration_token: row.hash("token")?, payload: row.payload()? };
    Ok(StoredClient { record, version: ClientVersion(row.count("version")?) })
}
