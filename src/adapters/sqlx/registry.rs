//! Clients that registered themselves.

use async_trait::async_trait;

use super::connections::Seen;
use super::dialect::{Dialect, Engine};
use super::failure::corrupt;
use super::row::Row;
use super::store::SqlStore;
use super::value::{counted, values};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::store::{ClientRecord, ClientRegistry, ClientVersion, Listing, Page, Replacement, StoredClient};
use crate::types::ClientId;

#[async_trait]
impl<E: Engine> ClientRegistry for SqlStore<E> {
    async fn register(&self, client: ClientRecord, _now: Timestamp) -> Result<(), StoreError> {
        let secret = client.payload.secret();
        let values = values![
            self.tenant(),
            &client.id,
            counted(ClientVersion::FIRST.0),
            &client.registration_token,
            &secret,
            client.payload.as_bytes(),
        ];
        self.connections.write(&E::statements().register, &values).await.map(drop)
    }

    async fn registered(&self, id: &ClientId, _now: Timestamp) -> Result<Option<StoredClient>, StoreError> {
        let values = values![self.tenant(), id];
        self.connections.find(&E::statements().registered, &values).await?.as_ref().map(stored).transpose()
    }

    async fn replace_registered(
        &self,
        client: ClientRecord,
        seen: ClientVersion,
        _now: Timestamp,
    ) -> Result<Replacement, StoreError> {
        let secret = client.payload.secret();
        let values = values![
            self.tenant(),
            &client.id,
            // A version that no column holds compares with NULL, and nothing is written.
            counted(seen.0),
            &client.registration_token,
            &secret,
            client.payload.as_bytes(),
        ];
        match self.connections.guarded(&E::statements().replace_registered, &values).await? {
            Seen::Absent => Ok(Replacement::Absent),
            Seen::Left(_) => Ok(Replacement::Stale),
            Seen::Written(_) => Ok(Replacement::Written),
        }
    }

    async fn unregister(&self, id: &ClientId, _now: Timestamp) -> Result<bool, StoreError> {
        let values = values![self.tenant(), id];
        Ok(self.connections.write(&E::statements().unregister, &values).await? == 1)
    }

    async fn registered_clients(
        &self,
        page: &Page,
        _now: Timestamp,
    ) -> Result<Listing<StoredClient>, StoreError> {
        let after = page.after.as_deref().map(ClientId::new).transpose().map_err(corrupt)?;
        // No id is empty, so all come after the empty one.
        let after = after.as_ref().map_or("", ClientId::as_str);
        let values = values![self.tenant(), after, i64::from(page.size()) + 1];
        let rows = self.connections.read(&E::statements().registered_clients, &values).await?;
        let size = usize::from(page.size());
        let items: Vec<StoredClient> = rows.iter().take(size).map(stored).collect::<Result<_, _>>()?;
        let next = items.last().filter(|_| rows.len() > size).map(|last| last.record.id.to_string());
        Ok(Listing { items, next })
    }
}

fn stored<E: Dialect>(row: &Row<E>) -> Result<StoredClient, StoreError> {
    let record =
        ClientRecord { id: row.client()?, registration_token: row.hash("token")?, payload: row.payload()? };
    Ok(StoredClient { record, version: ClientVersion(row.count("version")?) })
}
