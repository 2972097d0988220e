//! Grants.

use async_trait::async_trait;

use super::dialect::{Dialect, Engine};
use super::failure::corrupt;
use super::row::Row;
use super::store::SqlStore;
use super::value::{Value, values};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::store::{
    Filter, GrantRecord, GrantStore, Listing, Page, RefreshHead, RevokedGrants, SessionKey, StoredGrant,
    SubjectKey,
};
use crate::types::GrantId;

/// The kind of a row that is a grant.
pub(super) const GRANT: i64 = 0;

/// The kind of a row that is a token and the grant that it brought along.
const GRANTED_TOKEN: i64 = 2;

/// Most grants of one call of `revoke_some`, whose statement holds locks.
const MAX_REVOKED: u16 = 1000;

impl<E: Engine> SqlStore<E> {
    /// Inserts a grant, in the row of the token that it came with if there is one.
    pub(super) async fn insert_grant_row(&self, grant: &GrantRecord) -> Result<(), StoreError> {
        let (kind, id) = match &grant.token {
            None => (GRANT, Value::from(&grant.id)),
            Some(token) => (GRANTED_TOKEN, Value::from(token)),
        };
        let secret = grant.payload.secret();
        let values = values![
            self.tenant(),
            kind,
            id,
            &grant.id,
            &grant.client,
            grant.subject.as_ref(),
            grant.session.as_ref(),
            grant.created_at,
            grant.expires_at,
            grant.keep_until,
            &secret,
            grant.payload.as_bytes(),
        ];
        self.connections.write(&E::statements().insert_grant, &values).await.map(drop)
    }
}

/// What a filter names: up to two values.
fn named(of: &Filter) -> [Value<'_>; 2] {
    const NOTHING: Value<'static> = Value::Text(None);
    match of {
        Filter::Id(id) => [id.into(), NOTHING],
        Filter::Client(client) => [client.into(), NOTHING],
        Filter::Session(session) => [session.into(), NOTHING],
        Filter::Subject(subject) => [subject.into(), NOTHING],
        Filter::SubjectAndClient(subject, client) => [subject.into(), client.into()],
    }
}

pub(super) fn stored<E: Dialect>(row: &Row<E>) -> Result<StoredGrant, StoreError> {
    let came_with_token = match row.integer("kind")? {
        GRANT => false,
        GRANTED_TOKEN => true,
        other => return Err(corrupt(format!("a grant is of the kind {other}"))),
    };
    let record = GrantRecord {
        id: row.grant_id("grant_id")?,
        client: row.client()?,
        subject: row.maybe_bytes("subject")?.map(SubjectKey::from_bytes),
        session: row.maybe_bytes("session")?.map(SessionKey::from_bytes),
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        keep_until: row.time("keep_until")?,
        token: came_with_token.then(|| row.hash("id")).transpose()?,
        payload: row.payload()?,
    };
    let head = match row.maybe_bytes::<32>("family")? {
        None if row.maybe_integer("idle_until")?.is_some() || row.maybe_integer("seq")?.is_some() => {
            return Err(corrupt("a family has no key"));
        }
        None => None,
        Some(_) => Some(RefreshHead {
            key: row.hash("family")?,
            seq: row.count("seq")?,
            first_used_at: row.maybe_time("first_used_at")?,
            rotated_at: row.maybe_time("rotated_at")?,
            idle_until: row.time("idle_until")?,
        }),
    };
    Ok(StoredGrant { record, revoked_at: row.maybe_time("revoked_at")?, head })
}

#[async_trait]
impl<E: Engine> GrantStore for SqlStore<E> {
    async fn insert_grant(&self, grant: GrantRecord, _now: Timestamp) -> Result<(), StoreError> {
        self.insert_grant_row(&grant).await
    }

    async fn grant(&self, id: &GrantId, now: Timestamp) -> Result<Option<StoredGrant>, StoreError> {
        let values = values![self.tenant(), id, now];
        self.connections.find(&E::statements().grant, &values).await?.as_ref().map(stored).transpose()
    }

    async fn grants(
        &self,
        of: &Filter,
        revoked: RevokedGrants,
        page: &Page,
        now: Timestamp,
    ) -> Result<Listing<StoredGrant>, StoreError> {
        let after = page.after.as_deref().map(str::parse::<GrantId>).transpose().map_err(corrupt)?;
        // No id is empty, so all come after the empty one.
        let after = after.as_ref().map_or(&[][..], |after| &after.as_bytes()[..]);
        let size = usize::from(page.size());
        let [first, second] = named(of);
        let included = revoked == RevokedGrants::Included;
        let limit = i64::from(page.size()) + 1;
        let values = values![self.tenant(), first, second, now, after, limit, included];
        let rows = self.connections.read(E::statements().grants.text(of), &values).await?;
        let items: Vec<StoredGrant> = rows.iter().take(size).map(stored).collect::<Result<_, _>>()?;
        let next = items.last().filter(|_| rows.len() > size).map(|last| last.record.id.to_string());
        Ok(Listing { items, next })
    }

    async fn revoke(&self, of: &Filter, now: Timestamp) -> Result<u64, StoreError> {
        let [first, second] = named(of);
        let values = values![self.tenant(), first, second, now];
        self.connections.write(E::statements().revoke.text(of), &values).await
    }
    async fn revoke_some(&self, of: &Filter, limit: u16, now: Timestamp) -> Result<u16, StoreError> {
        let [first, second] = named(of);
        let values = values![self.tenant(), first, second, now, limit.min(MAX_REVOKED)];
        let rows = self.connections.write(E::statements().revoke_some.text(of), &values).await?;
        u16::try_from(rows).map_err(corrupt)
    }
}
