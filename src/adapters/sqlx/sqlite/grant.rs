//! Grants.

use async_trait::async_trait;
use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;

use super::row::Row;
use super::{SqliteStore, statements};
use crate::adapters::sqlx::failure::corrupt;
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

/// Most grants of one call of `revoke_some`, which holds the write lock.
const MAX_REVOKED: u16 = 1000;

impl SqliteStore {
    /// Inserts a grant, in the row of the token that it came with if there is one.
    pub(super) async fn insert_grant_row(&self, grant: &GrantRecord) -> Result<(), StoreError> {
        let (kind, id) = match &grant.token {
            None => (GRANT, &grant.id.as_bytes()[..]),
            Some(token) => (GRANTED_TOKEN, &token.as_bytes()[..]),
        };
        let insert = sqlx::query(statements::INSERT_GRANT)
            .bind(&*self.namespace)
            .bind(kind)
            .bind(id)
            .bind(&grant.id.as_bytes()[..])
            .bind(grant.client.as_str())
            .bind(grant.subject.as_ref().map(|subject| &subject.as_bytes()[..]))
            .bind(grant.session.as_ref().map(|session| &session.as_bytes()[..]))
            .bind(grant.created_at.unix())
            .bind(grant.expires_at.unix())
            .bind(grant.keep_until.unix())
            .bind(&grant.payload.secret().as_bytes()[..])
            .bind(grant.payload.as_bytes());
        self.connections.write(insert).await.map(drop)
    }

    /// Reads one grant with its state, until `keep_until`.
    pub(super) fn grant_query<'q>(
        &'q self,
        id: &'q GrantId,
        now: Timestamp,
    ) -> Query<'q, Sqlite, SqliteArguments> {
        sqlx::query(statements::GRANT).bind(&*self.namespace).bind(&id.as_bytes()[..]).bind(now.unix())
    }

    /// Binds what every statement that goes by a filter begins with: the namespace and up to two values.
    fn filtered<'q>(&'q self, text: &'static str, of: &'q Filter) -> Query<'q, Sqlite, SqliteArguments> {
        let query = sqlx::query(text).bind(&*self.namespace);
        match of {
            Filter::Id(id) => query.bind(&id.as_bytes()[..]).bind(None::<i64>),
            Filter::Client(client) => query.bind(client.as_str()).bind(None::<i64>),
            Filter::Session(session) => query.bind(&session.as_bytes()[..]).bind(None::<i64>),
            Filter::Subject(subject) => query.bind(&subject.as_bytes()[..]).bind(None::<i64>),
            Filter::SubjectAndClient(subject, client) => {
                query.bind(&subject.as_bytes()[..]).bind(client.as_str())
            }
        }
    }
}

pub(super) fn stored(row: &Row) -> Result<StoredGrant, StoreError> {
    let came_with_token = row.count("kind")? == GRANTED_TOKEN.unsigned_abs();
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
impl GrantStore for SqliteStore {
    async fn insert_grant(&self, grant: GrantRecord, _now: Timestamp) -> Result<(), StoreError> {
        self.insert_grant_row(&grant).await
    }

    async fn grant(&self, id: &GrantId, now: Timestamp) -> Result<Option<StoredGrant>, StoreError> {
        self.connections.find(self.grant_query(id, now)).await?.as_ref().map(stored).transpose()
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
        let list = self
            .filtered(statements::GRANTS.text(of), of)
            .bind(now.unix())
            .bind(after)
            .bind(i64::from(page.size()) + 1)
            .bind(revoked == RevokedGrants::Included);
        let rows = self.connections.read(list).await?;
        let items: Vec<StoredGrant> = rows.iter().take(size).map(stored).collect::<Result<_, _>>()?;
        let next = items.last().filter(|_| rows.len() > size).map(|last| last.record.id.to_string());
        Ok(Listing { items, next })
    }

    async fn revoke(&self, of: &Filter, now: Timestamp) -> Result<u64, StoreError> {
        self.connections.write(self.filtered(statements::REVOKE.text(of), of).bind(now.unix())).await
    }

    async fn revoke_some(&self, of: &Filter, limit: u16, now: Timestamp) -> Result<u16, StoreError> {
        let limit = i64::from(limit.min(MAX_REVOKED));
        let revoke = self.filtered(statements::REVOKE_SOME.text(of), of).bind(now.unix()).bind(limit);
        u16::try_from(self.connections.write(revoke).await?).map_err(corrupt)
    }
}
