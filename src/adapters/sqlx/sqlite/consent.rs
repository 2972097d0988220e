//! Remembered consent.

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::row::{Row, counted};
use super::{SqliteStore, statements};
use crate::adapters::sqlx::failure::corrupt;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::store::{
    ConsentFilter, ConsentRecord, ConsentStore, ConsentVersion, Listing, Page, Remembered, SubjectKey,
};
use crate::types::ClientId;

#[async_trait]
impl ConsentStore for SqliteStore {
    async fn remember(
        &self,
        record: ConsentRecord,
        seen: Option<ConsentVersion>,
        now: Timestamp,
    ) -> Result<Remembered, StoreError> {
        let first = counted(record.next_version(None).0);
        let (text, guard) = match seen {
            None => (statements::REMEMBER_FIRST, Some(now.unix())),
            // A version that no column holds compares with NULL, and nothing is written.
            Some(version) => (statements::REMEMBER_AGAIN, counted(version.0)),
        };
        let remember = sqlx::query(text)
            .bind(&*self.namespace)
            .bind(&record.subject.as_bytes()[..])
            .bind(record.client.as_str())
            .bind(first)
            .bind(record.expires_at.unix())
            .bind(&record.payload.secret().as_bytes()[..])
            .bind(record.payload.as_bytes())
            .bind(guard);
        let rows = self.connections.write(remember).await?;
        Ok(if rows == 1 { Remembered::Written } else { Remembered::Stale })
    }

    async fn remembered(
        &self,
        subject: &SubjectKey,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<Option<ConsentRecord>, StoreError> {
        let find = sqlx::query(statements::REMEMBERED)
            .bind(&*self.namespace)
            .bind(&subject.as_bytes()[..])
            .bind(client.as_str())
            .bind(now.unix());
        self.connections.find(find).await?.as_ref().map(consent).transpose()
    }

    async fn consents(
        &self,
        of: &ConsentFilter,
        page: &Page,
        now: Timestamp,
    ) -> Result<Listing<ConsentRecord>, StoreError> {
        let list = match of {
            ConsentFilter::Client(client) => {
                // No key is empty, so all come after the empty one.
                let after = page.after.as_deref().map(read_subject).transpose()?.unwrap_or_default();
                sqlx::query(statements::CONSENTS_OF_CLIENT)
                    .bind(&*self.namespace)
                    .bind(client.as_str())
                    .bind(now.unix())
                    .bind(after)
            }
            ConsentFilter::Subject(subject) => {
                let after = page.after.as_deref().map(ClientId::new).transpose().map_err(corrupt)?;
                sqlx::query(statements::CONSENTS_OF_SUBJECT)
                    .bind(&*self.namespace)
                    .bind(&subject.as_bytes()[..])
                    .bind(now.unix())
                    .bind(after.map(String::from).unwrap_or_default())
            }
        };
        let rows = self.connections.read(list.bind(i64::from(page.size()) + 1)).await?;
        let size = usize::from(page.size());
        let items: Vec<ConsentRecord> = rows.iter().take(size).map(consent).collect::<Result<_, _>>()?;
        let next = items.last().filter(|_| rows.len() > size).map(|last| cursor(of, last));
        Ok(Listing { items, next })
    }

    async fn forget(
        &self,
        subject: &SubjectKey,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let forget = sqlx::query(statements::FORGET)
            .bind(&*self.namespace)
            .bind(&subject.as_bytes()[..])
            .bind(client.as_str())
            .bind(now.unix());
        Ok(self.connections.write(forget).await? == 1)
    }
}

fn consent(row: &Row) -> Result<ConsentRecord, StoreError> {
    Ok(ConsentRecord {
        subject: SubjectKey::from_bytes(row.bytes("subject")?),
        client: row.client()?,
        version: ConsentVersion(row.count("version")?),
        expires_at: row.time("expires_at")?,
        payload: row.payload()?,
    })
}

fn cursor(of: &ConsentFilter, record: &ConsentRecord) -> String {
    match of {
        ConsentFilter::Client(_) => BASE64_URL_SAFE_NO_PAD.encode(record.subject.as_bytes()),
        ConsentFilter::Subject(_) => record.client.to_string(),
    }
}

fn read_subject(text: &str) -> Result<Vec<u8>, StoreError> {
    BASE64_URL_SAFE_NO_PAD.decode(text).map_err(corrupt)
}
