//! Grants, and the indexes by which they are listed and revoked.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::ops::Bound;

use async_trait::async_trait;

use super::MemoryStore;
use super::space::{Row, Space};
use crate::clock::Timestamp;
use crate::error::{StoreError, StoreErrorKind};
use crate::seal::Sealed;
use crate::store::{
    Filter, GrantRecord, GrantStore, Listing, Page, RevokedGrants, SessionKey, StoredGrant, SubjectKey,
};
use crate::types::{ClientId, GrantId};

/// Most grants of one call of `revoke_some`, which holds the lock.
const MAX_REVOKED: u16 = 1000;

/// The rows, and for every column that a filter names the ids under each of its values, in order.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Grants {
    rows: HashMap<GrantId, Box<StoredGrant>>,
    by_client: HashMap<ClientId, BTreeSet<GrantId>>,
    by_session: HashMap<SessionKey, BTreeSet<GrantId>>,
    by_subject: HashMap<SubjectKey, BTreeSet<GrantId>>,
}

impl Grants {
    /// The grant of this id, revoked or not, until `keep_until`.
    pub(super) fn kept(&self, id: &GrantId, now: Timestamp) -> Option<&StoredGrant> {
        self.rows.get(id).map(Box::as_ref).filter(|grant| !grant.record.keep_until.has_passed(now))
    }

    pub(super) fn kept_mut(&mut self, id: &GrantId, now: Timestamp) -> Option<&mut StoredGrant> {
        self.rows.get_mut(id).map(Box::as_mut).filter(|grant| !grant.record.keep_until.has_passed(now))
    }

    /// Revokes one grant; `false` when it was revoked before, or is not kept.
    pub(super) fn revoke(&mut self, id: &GrantId, now: Timestamp) -> bool {
        let live = self.kept_mut(id, now).filter(|grant| grant.revoked_at.is_none());
        live.map(|grant| grant.revoked_at = Some(now)).is_some()
    }

    /// Revokes at most `limit` grants of a filter and says how many were not revoked before.
    fn revoke_all(&mut self, of: &Filter, limit: usize, now: Timestamp) -> usize {
        let live = |id: &GrantId| {
            let kept = self.kept(id, now).filter(|grant| grant.revoked_at.is_none());
            kept.is_some_and(|grant| selects(of, &grant.record))
        };
        let ids: Vec<GrantId> = self.listed(of, None).filter(live).take(limit).collect();
        ids.iter().filter(|id| self.revoke(id, now)).count()
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
            && self.by_client.is_empty()
            && self.by_session.is_empty()
            && self.by_subject.is_empty()
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &StoredGrant> {
        self.rows.values().map(Box::as_ref)
    }

    pub(super) fn payload_mut(&mut self, id: &GrantId) -> Option<&mut Sealed> {
        self.rows.get_mut(id).map(|grant| &mut grant.record.payload)
    }

    pub(super) fn contains(&self, id: &GrantId) -> bool {
        self.rows.contains_key(id)
    }

    /// Removes a row whose time has come; `None` when it has not, or there is none.
    pub(super) fn remove_ended(&mut self, id: &GrantId, now: Timestamp) -> Option<GrantRecord> {
        let Entry::Occupied(row) = self.rows.entry(*id) else {
            return None;
        };
        if !row.get().record.keep_until.has_passed(now) {
            return None;
        }
        let record = row.remove().record;
        unlist(&mut self.by_client, &record.client, id);
        if let Some(session) = &record.session {
            unlist(&mut self.by_session, session, id);
        }
        if let Some(subject) = &record.subject {
            unlist(&mut self.by_subject, subject, id);
        }
        Some(record)
    }

    /// The ids of a filter that come after `after`; for `SubjectAndClient` all of the subject.
    fn listed(&self, of: &Filter, after: Option<GrantId>) -> impl Iterator<Item = GrantId> {
        let (single, index) = match of {
            Filter::Id(id) => (Some(*id).filter(|id| after.is_none_or(|after| *id > after)), None),
            Filter::Client(client) => (None, self.by_client.get(client)),
            Filter::Session(session) => (None, self.by_session.get(session)),
            Filter::Subject(subject) | Filter::SubjectAndClient(subject, _) => {
                (None, self.by_subject.get(subject))
            }
        };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let range = index.map(|ids| ids.range((from, Bound::Unbounded)).copied());
        single.into_iter().chain(range.into_iter().flatten())
    }
}

impl Space {
    /// Inserts a grant whose id is not there yet.
    pub(super) fn add_grant(&mut self, record: GrantRecord) {
        let id = record.id;
        list(&mut self.grants.by_client, &record.client, id);
        if let Some(session) = &record.session {
            list(&mut self.grants.by_session, session, id);
        }
        if let Some(subject) = &record.subject {
            list(&mut self.grants.by_subject, subject, id);
        }
        self.ends.add(record.keep_until, Row::Grant(id));
        self.grants.rows.insert(id, Box::new(StoredGrant { record, revoked_at: None, head: None }));
    }
}

fn list<K: Clone + Eq + Hash>(index: &mut HashMap<K, BTreeSet<GrantId>>, key: &K, id: GrantId) {
    if let Some(ids) = index.get_mut(key) {
        ids.insert(id);
    } else {
        index.insert(key.clone(), BTreeSet::from([id]));
    }
}

fn unlist<K: Clone + Eq + Hash>(index: &mut HashMap<K, BTreeSet<GrantId>>, key: &K, id: &GrantId) {
    if let Some(ids) = index.get_mut(key) {
        ids.remove(id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}

/// What the index does not decide: the client of a subject's grant, and the client or subject of a single one.
fn selects(of: &Filter, record: &GrantRecord) -> bool {
    match of {
        Filter::SubjectAndClient(_, client) => record.client == *client,
        Filter::Client(_) | Filter::Id(_) | Filter::Session(_) | Filter::Subject(_) => true,
    }
}

#[async_trait]
impl GrantStore for MemoryStore {
    async fn insert_grant(&self, grant: GrantRecord, _now: Timestamp) -> Result<(), StoreError> {
        let mut space = self.space();
        if space.grants.contains(&grant.id) {
            return Err(StoreErrorKind::Conflict.into());
        }
        space.add_grant(grant);
        Ok(())
    }

    async fn grant(&self, id: &GrantId, now: Timestamp) -> Result<Option<StoredGrant>, StoreError> {
        Ok(self.space().grants.kept(id, now).cloned())
    }

    async fn grants(
        &self,
        of: &Filter,
        revoked: RevokedGrants,
        page: &Page,
        now: Timestamp,
    ) -> Result<Listing<StoredGrant>, StoreError> {
        let after = page.after.as_deref().map(str::parse).transpose();
        let after = after.map_err(|error| StoreError::new(StoreErrorKind::Corrupt, error))?;
        let space = self.space();
        let size = usize::from(page.size());
        let mut items: Vec<StoredGrant> = space
            .grants
            .listed(of, after)
            .filter_map(|id| space.grants.kept(&id, now))
            .filter(|grant| revoked.admit(grant) && selects(of, &grant.record))
            .take(size + 1)
            .cloned()
            .collect();
        let more = items.len() > size;
        items.truncate(size);
        let next = items.last().filter(|_| more).map(|grant| grant.record.id.to_string());
        Ok(Listing { items, next })
    }

    async fn revoke(&self, of: &Filter, now: Timestamp) -> Result<u64, StoreError> {
        Ok(self.space().grants.revoke_all(of, usize::MAX, now) as u64)
    }

    async fn revoke_some(&self, of: &Filter, limit: u16, now: Timestamp) -> Result<u16, StoreError> {
        let limit = limit.min(MAX_REVOKED);
        let revoked = self.space().grants.revoke_all(of, usize::from(limit), now);
        Ok(u16::try_from(revoked).unwrap_or(limit))
    }
}
