//! Remembered consent.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::MemoryStore;
use super::space::Row;
use crate::clock::Timestamp;
use crate::error::{StoreError, StoreErrorKind};
use crate::seal::Sealed;
use crate::store::{
    ConsentFilter, ConsentRecord, ConsentStore, ConsentVersion, Listing, Page, Remembered, SubjectKey,
};
use crate::types::ClientId;

/// The rows by subject and then client, and for each client its subjects, in order.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Consents {
    rows: HashMap<SubjectKey, BTreeMap<ClientId, ConsentRecord>>,
    by_client: HashMap<ClientId, BTreeSet<SubjectKey>>,
}

impl Consents {
    fn row(&self, subject: &SubjectKey, client: &ClientId) -> Option<&ConsentRecord> {
        self.rows.get(subject)?.get(client)
    }

    fn live(&self, subject: &SubjectKey, client: &ClientId, now: Timestamp) -> Option<&ConsentRecord> {
        self.row(subject, client).filter(|record| !record.expires_at.has_passed(now))
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &ConsentRecord> {
        self.rows.values().flat_map(BTreeMap::values)
    }

    pub(super) fn payload_mut(&mut self, subject: &SubjectKey, client: &ClientId) -> Option<&mut Sealed> {
        self.rows.get_mut(subject)?.get_mut(client).map(|record| &mut record.payload)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.by_client.is_empty()
    }

    fn write(&mut self, record: ConsentRecord) {
        self.by_client.entry(record.client.clone()).or_default().insert(record.subject);
        self.rows.entry(record.subject).or_default().insert(record.client.clone(), record);
    }

    fn remove(&mut self, subject: &SubjectKey, client: &ClientId) {
        if let Some(of_subject) = self.rows.get_mut(subject) {
            of_subject.remove(client);
            if of_subject.is_empty() {
                self.rows.remove(subject);
            }
        }
        if let Some(subjects) = self.by_client.get_mut(client) {
            subjects.remove(subject);
            if subjects.is_empty() {
                self.by_client.remove(client);
            }
        }
    }

    pub(super) fn remove_ended(&mut self, subject: &SubjectKey, client: &ClientId, now: Timestamp) {
        if self.row(subject, client).is_some_and(|record| record.expires_at.has_passed(now)) {
            self.remove(subject, client);
        }
    }

    /// Up to `most` live records after the cursor.
    fn listed(
        &self,
        of: &ConsentFilter,
        page: &Page,
        most: usize,
        now: Timestamp,
    ) -> Result<Vec<ConsentRecord>, StoreError> {
        let live = |record: &&ConsentRecord| !record.expires_at.has_passed(now);
        Ok(match of {
            ConsentFilter::Client(client) => {
                let from = beginning(page, read_subject)?;
                let subjects =
                    self.by_client.get(client).map(|subjects| subjects.range((from, Bound::Unbounded)));
                let subjects = subjects.into_iter().flatten();
                subjects.filter_map(|subject| self.live(subject, client, now)).take(most).cloned().collect()
            }
            ConsentFilter::Subject(subject) => {
                let from = beginning(page, |text| ClientId::new(text).ok())?;
                let records = self.rows.get(subject).map(|records| records.range((from, Bound::Unbounded)));
                let records = records.into_iter().flatten().map(|(_, record)| record);
                records.filter(live).take(most).cloned().collect()
            }
        })
    }
}

/// Where a page begins: behind the key that its cursor names.
fn beginning<K>(page: &Page, read: impl Fn(&str) -> Option<K>) -> Result<Bound<K>, StoreError> {
    match page.after.as_deref().map(read) {
        None => Ok(Bound::Unbounded),
        Some(None) => Err(StoreErrorKind::Corrupt.into()),
        Some(Some(key)) => Ok(Bound::Excluded(key)),
    }
}

fn cursor(of: &ConsentFilter, record: &ConsentRecord) -> String {
    match of {
        ConsentFilter::Client(_) => BASE64_URL_SAFE_NO_PAD.encode(record.subject.as_bytes()),
        ConsentFilter::Subject(_) => record.client.to_string(),
    }
}

fn read_subject(text: &str) -> Option<SubjectKey> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    bytes.try_into().ok().map(SubjectKey::from_bytes)
}

#[async_trait]
impl ConsentStore for MemoryStore {
    async fn remember(
        &self,
        record: ConsentRecord,
        seen: Option<ConsentVersion>,
        now: Timestamp,
    ) -> Result<Remembered, StoreError> {
        let mut space = self.space();
        let stored = space.consents.row(&record.subject, &record.client);
        let stored = stored.map(|stored| (stored.version, stored.expires_at));
        let unchanged = match (stored, seen) {
            (None, None) => true,
            (None, Some(_)) => false,
            (Some((_, expires_at)), None) => expires_at.has_passed(now),
            (Some((version, _)), Some(seen)) => version == seen,
        };
        if !unchanged {
            return Ok(Remembered::Stale);
        }
        let row = Row::Consent(record.subject, record.client.clone());
        if let Some((_, expires_at)) = stored {
            space.ends.remove(expires_at, &row);
        }
        space.ends.add(record.expires_at, row);
        let version = record.next_version(stored.map(|(version, _)| version));
        space.consents.write(ConsentRecord { version, ..record });
        Ok(Remembered::Written)
    }

    async fn remembered(
        &self,
        subject: &SubjectKey,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<Option<ConsentRecord>, StoreError> {
        Ok(self.space().consents.live(subject, client, now).cloned())
    }

    async fn consents(
        &self,
        of: &ConsentFilter,
        page: &Page,
        now: Timestamp,
    ) -> Result<Listing<ConsentRecord>, StoreError> {
        let size = usize::from(page.size());
        let mut items = self.space().consents.listed(of, page, size + 1, now)?;
        let more = items.len() > size;
        items.truncate(size);
        let next = items.last().filter(|_| more).map(|record| cursor(of, record));
        Ok(Listing { items, next })
    }

    async fn forget(
        &self,
        subject: &SubjectKey,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut space = self.space();
        let Some(expires_at) = space.consents.row(subject, client).map(|record| record.expires_at) else {
            return Ok(false);
        };
        space.ends.remove(expires_at, &Row::Consent(*subject, client.clone()));
        space.consents.remove(subject, client);
        Ok(!expires_at.has_passed(now))
    }
}
