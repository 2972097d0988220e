//! What people agreed to.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use vouchsafe::clock::Timestamp;
use vouchsafe::error::StoreError;
use vouchsafe::store::{
    ConsentFilter, ConsentRecord, ConsentStore, ConsentVersion, Listing, Page, Remembered, SubjectKey,
};
use vouchsafe::{ClientId, async_trait};

use crate::store::{ShelfStore, corrupt, listing};

#[async_trait]
impl ConsentStore for ShelfStore {
    async fn remember(
        &self,
        record: ConsentRecord,
        seen: Option<ConsentVersion>,
        now: Timestamp,
    ) -> Result<Remembered, StoreError> {
        let mut tables = self.tables();
        let key = (record.subject, record.client.clone());
        let stored = tables.consents.get(&key);
        let current = match stored {
            Some(stored) if seen.is_none() => stored.expires_at.has_passed(now),
            stored => stored.map(|stored| stored.version) == seen,
        };
        if !current {
            return Ok(Remembered::Stale);
        }
        let version = record.next_version(stored.map(|stored| stored.version));
        tables.consents.insert(key, ConsentRecord { version, ..record });
        Ok(Remembered::Written)
    }

    async fn remembered(
        &self,
        subject: &SubjectKey,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<Option<ConsentRecord>, StoreError> {
        let consent = self.tables().consents.get(&(*subject, client.clone())).cloned();
        Ok(consent.filter(|consent| !consent.expires_at.has_passed(now)))
    }

    async fn consents(
        &self,
        of: &ConsentFilter,
        page: &Page,
        now: Timestamp,
    ) -> Result<Listing<ConsentRecord>, StoreError> {
        let after = page.after.as_deref().map(|cursor| place(cursor).ok_or_else(corrupt)).transpose()?;
        let selected = |row: &&ConsentRecord| match of {
            ConsentFilter::Client(client) => row.client == *client,
            ConsentFilter::Subject(subject) => row.subject == *subject,
        };
        let tables = self.tables();
        let live = tables.consents.values().filter(selected).filter(|row| !row.expires_at.has_passed(now));
        let key = |row: &ConsentRecord| (row.subject, row.client.clone());
        let behind = |row: &ConsentRecord| after.as_ref().is_none_or(|after| key(row) > *after);
        let cursor = |row: &ConsentRecord| {
            format!("{} {}", BASE64_URL_SAFE_NO_PAD.encode(row.subject.as_bytes()), row.client)
        };
        Ok(listing(live.filter(|row| behind(row)).cloned(), page, cursor))
    }

    async fn forget(
        &self,
        subject: &SubjectKey,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let consent = self.tables().consents.remove(&(*subject, client.clone()));
        Ok(consent.is_some_and(|consent| !consent.expires_at.has_passed(now)))
    }
}

/// The row behind which a page begins.
fn place(cursor: &str) -> Option<(SubjectKey, ClientId)> {
    let (subject, client) = cursor.split_once(' ')?;
    let subject = BASE64_URL_SAFE_NO_PAD.decode(subject).ok()?.try_into().ok()?;
    Some((SubjectKey::from_bytes(subject), ClientId::new(client).ok()?))
}
