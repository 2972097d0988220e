//! Remembered consent.

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::dialect::{Dialect, Engine};
use super::failure::corrupt;
use super::row::Row;
use super::store::SqlStore;
use super::value::{Value, counted, values};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::store::{
    ConsentFilter, ConsentRecord, ConsentStore, ConsentVersion, Listing, Page, Remembered, SubjectKey,
};
use crate::types::ClientId;

#[async_trait]
impl<E: Engine> ConsentStore for SqlStore<E> {
    async fn remember(
        &self,
        record: ConsentRecord,
        seen: Option<ConsentVersion>,
        now: Timestamp,
    ) -> Result<Remembered, StoreError> {
        let statements = E::statements();
        // A version that no column holds compares with NULL, and nothing is written.
        let guard = seen.map_or_else(|| Some(now.unix()), |seen| counted(seen.0));
        let secret = record.payload.secret();
        let values = values![
            self.tenant(),
            &record.subject,
            &record.client,
            counted(record.next_version(None).0),
            record.expires_at,
            &secret,
            record.payload.as_bytes(),
            guard,
        ];
        let written = match seen {
            None => self.connections.upsert(&statements.remember_first, &values).await?,
            Some(_) => self.connections.write(&statements.remember_again, &values).await? == 1,
        };
        Ok(if written { Remembered::Written } else { Remembered::Stale })
    }

    async fn remembered(
        &self,
        subject: &SubjectKey,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<Option<ConsentRecord>, StoreError> {
        let values = values![self.tenant(), subject, client, now];
        self.connections.find(&E::statements().remembered, &values).await?.as_ref().map(consent).transpose()
    }

    async fn consents(
        &self,
        of: &ConsentFilter,
        page: &Page,
        now: Timestamp,
    ) -> Result<Listing<ConsentRecord>, StoreError> {
        let (statements, limit) = (E::statements(), i64::from(page.size()) + 1);
        let (subject, name): (Vec<u8>, String);
        // No key is empty, so all come after the empty one.
        let (text, values) = match of {
            ConsentFilter::Client(client) => {
                subject = page.after.as_deref().map(read_subject).transpose()?.unwrap_or_default();
                let values = values![self.tenant(), client, now, Value::from(&subject[..]), limit];
                (&statements.consents_of_client, values)
            }
            ConsentFilter::Subject(subject) => {
                let after = page.after.as_deref().map(ClientId::new).transpose().map_err(corrupt)?;
                name = after.map(String::from).unwrap_or_default();
                let values = values![self.tenant(), subject, now, name.as_str(), limit];
                (&statements.consents_of_subject, values)
            }
        };
        let rows = self.connections.read(text, &values).await?;
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
        let values = values![self.tenant(), subject, client, now];
        Ok(self.connections.write(&E::statements().forget, &values).await? == 1)
    }
}

fn consent<E: Dialect>(row: &Row<E>) -> Result<ConsentRecord, StoreError> {
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
