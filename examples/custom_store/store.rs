//! The tables, and the ports of what comes and goes with sign-ins: codes, grants, tokens, first uses, tickets.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use vouchsafe::clock::Timestamp;
use vouchsafe::error::{StoreError, StoreErrorKind};
use vouchsafe::secret::TokenHash;
use vouchsafe::store::{
    CodeRecord, CodeStore, ConsentRecord, Consumed, Filter, GrantRecord, GrantStore, GrantedToken, Insertion,
    Issued, Listing, Page, RefreshUse, Refreshed, ReplayStore, RevokedGrants, StoredGrant, SubjectKey,
    TicketRecord, TicketStore, TokenRecord, TokenStore,
};
use vouchsafe::types::GrantId;
use vouchsafe::{ClientId, async_trait};

/// Every port, over one value.
#[derive(Debug, Default)]
pub(crate) struct ShelfStore(Mutex<Tables>);

#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) codes: BTreeMap<TokenHash, (CodeRecord, Usage)>,
    pub(crate) consents: BTreeMap<(SubjectKey, ClientId), ConsentRecord>,
    pub(crate) grants: BTreeMap<GrantId, StoredGrant>,
    pub(crate) replays: BTreeMap<(&'static str, TokenHash), Timestamp>,
    pub(crate) tickets: BTreeMap<TokenHash, TicketRecord>,
    pub(crate) tokens: BTreeMap<TokenHash, TokenRecord>,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Usage {
    Unused,
    Used,
}

impl ShelfStore {
    /// Begins a transaction, which ends when the guard is dropped. No verb awaits while it holds one.
    pub(crate) fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn conflict<T>() -> Result<T, StoreError> {
    Err(StoreErrorKind::Conflict.into())
}

/// A column or cursor that no store of ours writes.
pub(crate) fn corrupt() -> StoreError {
    StoreErrorKind::Corrupt.into()
}

#[async_trait]
impl CodeStore for ShelfStore {
    async fn insert_code(&self, key: TokenHash, code: CodeRecord, _now: Timestamp) -> Result<(), StoreError> {
        match self.tables().codes.entry(key) {
            Entry::Occupied(_) => conflict(),
            Entry::Vacant(row) => {
                row.insert((code, Usage::Unused));
                Ok(())
            }
        }
    }

    async fn consume_code(
        &self,
        key: &TokenHash,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<Consumed, StoreError> {
        let mut tables = self.tables();
        Ok(match tables.codes.get_mut(key) {
            None => Consumed::Absent,
            Some((code, _)) if code.retain_until.has_passed(now) => Consumed::Absent,
            Some((code, _)) if code.client != *client => Consumed::Foreign,
            Some((code, Usage::Used)) => Consumed::Replayed { grant: code.grant },
            Some((code, _)) if code.expires_at.has_passed(now) => Consumed::Expired,
            Some((code, usage)) => {
                *usage = Usage::Used;
                Consumed::Fresh(code.clone())
            }
        })
    }
}

impl Tables {
    /// The grant, revoked or not, as long as it is kept.
    fn kept(&mut self, id: &GrantId, now: Timestamp) -> Option<&mut StoredGrant> {
        self.grants.get_mut(id).filter(|grant| !grant.record.keep_until.has_passed(now))
    }

    fn insert_grant(&mut self, record: GrantRecord) -> Result<(), StoreError> {
        match self.grants.entry(record.id) {
            Entry::Occupied(_) => conflict(),
            Entry::Vacant(row) => {
                row.insert(StoredGrant { record, revoked_at: None, head: None });
                Ok(())
            }
        }
    }

    /// The grants of a filter that are not gone. A database has an index for each kind of filter.
    fn kept_of<'a>(
        &'a mut self,
        of: &'a Filter,
        now: Timestamp,
    ) -> impl Iterator<Item = &'a mut StoredGrant> {
        self.grants.values_mut().filter(move |grant| {
            let record = &grant.record;
            let selected = match of {
                Filter::Id(id) => record.id == *id,
                Filter::Client(client) => record.client == *client,
                Filter::Session(session) => record.session == Some(*session),
                Filter::Subject(subject) => record.subject == Some(*subject),
                Filter::SubjectAndClient(subject, client) => {
                    record.subject == Some(*subject) && record.client == *client
                }
            };
            selected && !record.keep_until.has_passed(now)
        })
    }

    /// Fails, before anything is written, when the token's key is taken.
    fn check_free(&self, token: Option<&TokenRecord>) -> Result<(), StoreError> {
        if token.is_some_and(|token| self.tokens.contains_key(&token.key)) { conflict() } else { Ok(()) }
    }

    fn insert_token(&mut self, token: Option<TokenRecord>) {
        self.tokens.extend(token.map(|token| (token.key, token)));
    }
}

/// One page of `items`, which come in order and begin behind the cursor.
pub(crate) fn listing<T>(
    items: impl Iterator<Item = T>,
    page: &Page,
    cursor: impl Fn(&T) -> String,
) -> Listing<T> {
    let size = usize::from(page.size());
    let mut items: Vec<T> = items.take(size + 1).collect();
    let more = items.len() > size;
    items.truncate(size);
    let next = items.last().filter(|_| more).map(cursor);
    Listing { items, next }
}

#[async_trait]
impl GrantStore for ShelfStore {
    async fn insert_grant(&self, grant: GrantRecord, _now: Timestamp) -> Result<(), StoreError> {
        self.tables().insert_grant(grant)
    }

    async fn grant(&self, id: &GrantId, now: Timestamp) -> Result<Option<StoredGrant>, StoreError> {
        Ok(self.tables().kept(id, now).cloned())
    }

    async fn grants(
        &self,
        of: &Filter,
        revoked: RevokedGrants,
        page: &Page,
        now: Timestamp,
    ) -> Result<Listing<StoredGrant>, StoreError> {
        let after: Option<GrantId> =
            page.after.as_deref().map(str::parse).transpose().map_err(|_| corrupt())?;
        let mut tables = self.tables();
        let behind = |grant: &StoredGrant| after.is_none_or(|after| grant.record.id > after);
        let rows = tables.kept_of(of, now).map(|grant| grant.clone());
        let rows = rows.filter(|grant| revoked.admit(grant) && behind(grant));
        Ok(listing(rows, page, |grant| grant.record.id.to_string()))
    }

    async fn revoke(&self, of: &Filter, now: Timestamp) -> Result<u64, StoreError> {
        let mut tables = self.tables();
        let live = tables.kept_of(of, now).filter(|grant| grant.revoked_at.is_none());
        Ok(live.map(|grant| grant.revoked_at = Some(now)).count() as u64)
    }

    async fn revoke_some(&self, of: &Filter, limit: u16, now: Timestamp) -> Result<u16, StoreError> {
        let mut tables = self.tables();
        let live = tables.kept_of(of, now).filter(|grant| grant.revoked_at.is_none());
        let some = live.take(usize::from(limit.min(1000)));
        Ok(some.map(|grant| grant.revoked_at = Some(now)).fold(0, |revoked, ()| revoked + 1))
    }
}

#[async_trait]
impl TokenStore for ShelfStore {
    async fn insert_granted_token(&self, granted: GrantedToken, _now: Timestamp) -> Result<(), StoreError> {
        let (mut tables, token) = (self.tables(), granted.token.clone());
        tables.check_free(Some(&token))?;
        tables.insert_grant(granted.into_grant())?;
        tables.insert_token(Some(token));
        Ok(())
    }

    async fn insert_tokens(
        &self,
        id: &GrantId,
        issued: Issued,
        now: Timestamp,
    ) -> Result<Insertion, StoreError> {
        if !issued.belongs_to(id) {
            return Err(corrupt());
        }
        let (mut tables, Issued { access, family }) = (self.tables(), issued);
        let free = tables.check_free(access.as_ref());
        match tables.kept(id, now) {
            Some(grant) if grant.revoked_at.is_some() => return Ok(Insertion::GrantRevoked),
            Some(grant) if grant.is_active(now) => {
                free?;
                match (&grant.head, family) {
                    (Some(_), Some(_)) => return conflict(),
                    (None, Some(family)) => grant.head = Some(family.head()),
                    (_, None) => {}
                }
            }
            _ => return Ok(Insertion::GrantAbsent),
        }
        tables.insert_token(access);
        Ok(Insertion::Inserted)
    }

    async fn use_refresh_token(
        &self,
        id: &GrantId,
        used: RefreshUse,
        issued: Option<TokenRecord>,
        now: Timestamp,
    ) -> Result<Refreshed, StoreError> {
        if issued.as_ref().is_some_and(|token| token.grant != *id) {
            return Err(corrupt());
        }
        let mut tables = self.tables();
        let free = tables.check_free(issued.as_ref());
        let grant = tables.kept(id, now);
        let outcome = used.outcome(grant.as_deref(), now);
        match (outcome, grant) {
            (Refreshed::Kept | Refreshed::Rotated, Some(grant)) => {
                free?;
                grant.head = grant.head.as_ref().map(|head| used.moved(head, now)).transpose()?;
            }
            (Refreshed::Retried { .. }, _) => free?,
            (Refreshed::Replayed, Some(grant)) => {
                grant.revoked_at = Some(now);
                return Ok(outcome);
            }
            _ => return Ok(outcome),
        }
        tables.insert_token(issued);
        Ok(outcome)
    }

    async fn access_token(&self, key: &TokenHash, now: Timestamp) -> Result<Option<TokenRecord>, StoreError> {
        let mut tables = self.tables();
        let Some(token) = tables.tokens.get(key).cloned() else { return Ok(None) };
        let active = tables.kept(&token.grant, now).is_some_and(|grant| grant.is_active(now));
        Ok((active && !token.expires_at.has_passed(now)).then_some(token))
    }

    async fn revoke_token(&self, key: &TokenHash, now: Timestamp) -> Result<(), StoreError> {
        let mut tables = self.tables();
        let Some(token) = tables.tokens.remove(key) else { return Ok(()) };
        let brought = tables.kept(&token.grant, now).filter(|grant| grant.record.token == Some(*key));
        if let Some(grant) = brought.filter(|grant| grant.revoked_at.is_none()) {
            grant.revoked_at = Some(now);
        }
        Ok(())
    }
}

#[async_trait]
impl ReplayStore for ShelfStore {
    async fn first_use(
        &self,
        space: &'static str,
        id: &TokenHash,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let known = tables.replays.get(&(space, *id)).is_some_and(|until| !until.has_passed(now));
        if !known {
            tables.replays.insert((space, *id), until);
        }
        Ok(!known)
    }
}

#[async_trait]
impl TicketStore for ShelfStore {
    async fn put(&self, key: TokenHash, ticket: TicketRecord, _now: Timestamp) -> Result<(), StoreError> {
        match self.tables().tickets.entry(key) {
            Entry::Occupied(_) => conflict(),
            Entry::Vacant(row) => {
                row.insert(ticket);
                Ok(())
            }
        }
    }

    async fn get(&self, key: &TokenHash, now: Timestamp) -> Result<Option<TicketRecord>, StoreError> {
        Ok(self.tables().tickets.get(key).filter(|ticket| !ticket.open_until.has_passed(now)).cloned())
    }

    async fn take(&self, key: &TokenHash, now: Timestamp) -> Result<Option<TicketRecord>, StoreError> {
        Ok(self.tables().tickets.remove(key).filter(|ticket| !ticket.keep_until.has_passed(now)))
    }
}
