//! Access tokens and refresh families.

use async_trait::async_trait;
use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;

use super::connections::Writing;
use super::grant::stored;
use super::row::{Row, counted, written};
use super::{SqliteStore, statements};
use crate::clock::Timestamp;
use crate::error::{StoreError, StoreErrorKind};
use crate::secret::TokenHash;
use crate::store::{
    Advance, GrantedToken, Insertion, Issued, NewFamily, RefreshUse, Refreshed, StoredGrant, TokenRecord,
    TokenStore,
};
use crate::types::GrantId;

#[async_trait]
impl TokenStore for SqliteStore {
    async fn insert_granted_token(&self, granted: GrantedToken, _now: Timestamp) -> Result<(), StoreError> {
        self.insert_grant_row(&granted.into_grant()).await
    }

    async fn insert_tokens(
        &self,
        grant: &GrantId,
        issued: Issued,
        now: Timestamp,
    ) -> Result<Insertion, StoreError> {
        if !issued.belongs_to(grant) {
            return Err(StoreErrorKind::Corrupt.into());
        }
        if self.insert_under(grant, &issued, now).await? {
            return Ok(Insertion::Inserted);
        }
        self.refused_insertion(grant, &issued, now).await
    }

    async fn use_refresh_token(
        &self,
        grant: &GrantId,
        used: RefreshUse,
        issued: Option<TokenRecord>,
        now: Timestamp,
    ) -> Result<Refreshed, StoreError> {
        if issued.as_ref().is_some_and(|token| token.grant != *grant) {
            return Err(StoreErrorKind::Corrupt.into());
        }
        let mut writing = self.connections.begin().await?;
        let outcome = match self.move_head(&mut writing, grant, &used, now).await? {
            Some(moved) => moved,
            None => self.refused_refresh(&mut writing, grant, &used, now).await?,
        };
        if let (Some(token), Refreshed::Kept | Refreshed::Rotated | Refreshed::Retried { .. }) =
            (issued, outcome)
        {
            written(writing.write(self.token_row(&token, now)).await?)?;
        }
        writing.commit().await?;
        Ok(outcome)
    }

    async fn access_token(&self, key: &TokenHash, now: Timestamp) -> Result<Option<TokenRecord>, StoreError> {
        let find = sqlx::query(statements::ACCESS_TOKEN)
            .bind(&*self.namespace)
            .bind(&key.as_bytes()[..])
            .bind(now.unix());
        self.connections.find(find).await?.as_ref().map(token).transpose()
    }

    async fn revoke_token(&self, key: &TokenHash, now: Timestamp) -> Result<(), StoreError> {
        let revoke = sqlx::query(statements::REVOKE_TOKEN)
            .bind(&*self.namespace)
            .bind(&key.as_bytes()[..])
            .bind(now.unix());
        self.connections.write(revoke).await.map(drop)
    }
}

impl SqliteStore {
    /// Inserts all of `issued` if the grant takes it; `false` when it does not, and nothing is written.
    async fn insert_under(&self, id: &GrantId, issued: &Issued, now: Timestamp) -> Result<bool, StoreError> {
        match (&issued.access, &issued.family) {
            (None, None) => {
                let grant = self.connections.find(self.grant_query(id, now)).await?;
                Ok(grant.as_ref().map(stored).transpose()?.is_some_and(|grant| grant.is_active(now)))
            }
            (Some(token), None) => Ok(self.connections.write(self.token_row(token, now)).await? == 1),
            (None, Some(family)) => Ok(self.connections.write(self.family_row(id, family, now)).await? == 1),
            (Some(token), Some(family)) => {
                let mut writing = self.connections.begin().await?;
                if writing.write(self.family_row(id, family, now)).await? != 1 {
                    return Ok(false);
                }
                written(writing.write(self.token_row(token, now)).await?)?;
                writing.commit().await?;
                Ok(true)
            }
        }
    }

    /// Why a grant took nothing.
    async fn refused_insertion(
        &self,
        id: &GrantId,
        issued: &Issued,
        now: Timestamp,
    ) -> Result<Insertion, StoreError> {
        let row = self.connections.find(self.grant_query(id, now)).await?;
        match row.as_ref().map(stored).transpose()? {
            Some(grant) if grant.revoked_at.is_some() => Ok(Insertion::GrantRevoked),
            Some(grant) if grant.is_active(now) && grant.head.is_some() && issued.family.is_some() => {
                Err(StoreErrorKind::Conflict.into())
            }
            // Absent or past its limit; or it was inserted after it was looked for.
            Some(_) | None => Ok(Insertion::GrantAbsent),
        }
    }

    fn token_row<'q>(&'q self, token: &'q TokenRecord, now: Timestamp) -> Query<'q, Sqlite, SqliteArguments> {
        sqlx::query(statements::INSERT_TOKEN)
            .bind(&*self.namespace)
            .bind(&token.key.as_bytes()[..])
            .bind(&token.grant.as_bytes()[..])
            .bind(token.client.as_str())
            .bind(token.expires_at.unix())
            .bind(&token.payload.secret().as_bytes()[..])
            .bind(token.payload.as_bytes())
            .bind(now.unix())
    }

    fn family_row<'q>(
        &'q self,
        id: &'q GrantId,
        family: &'q NewFamily,
        now: Timestamp,
    ) -> Query<'q, Sqlite, SqliteArguments> {
        sqlx::query(statements::BEGIN_FAMILY)
            .bind(&*self.namespace)
            .bind(&id.as_bytes()[..])
            .bind(&family.key.as_bytes()[..])
            .bind(family.idle_until.unix())
            .bind(now.unix())
    }

    /// Uses the head, if that is what was presented and everything it hangs on is in its time.
    async fn move_head(
        &self,
        writing: &mut Writing,
        id: &GrantId,
        used: &RefreshUse,
        now: Timestamp,
    ) -> Result<Option<Refreshed>, StoreError> {
        // No column holds a larger number, so no head is there.
        let Some(seq) = counted(used.seq) else { return Ok(None) };
        let (text, outcome) = match used.advance {
            Advance::Keep => (statements::KEEP, Refreshed::Kept),
            Advance::Rotate => (statements::ROTATE, Refreshed::Rotated),
        };
        let advance = sqlx::query(text)
            .bind(&*self.namespace)
            .bind(&id.as_bytes()[..])
            .bind(seq)
            .bind(now.unix())
            .bind(used.idle_until.unix());
        let moved = writing.write(advance).await? == 1;
        Ok(moved.then_some(outcome))
    }

    /// What becomes of a token that did not move the head. Nobody else writes meanwhile.
    async fn refused_refresh(
        &self,
        writing: &mut Writing,
        id: &GrantId,
        used: &RefreshUse,
        now: Timestamp,
    ) -> Result<Refreshed, StoreError> {
        let row = writing.find(self.grant_query(id, now)).await?;
        let grant: Option<StoredGrant> = row.as_ref().map(stored).transpose()?;
        let outcome = used.outcome(grant.as_ref(), now);
        match outcome {
            // It is the head, at the largest number that a column holds.
            Refreshed::Kept | Refreshed::Rotated => Err(StoreErrorKind::Corrupt.into()),
            Refreshed::Replayed => {
                let revoke = sqlx::query(statements::REVOKE_ID)
                    .bind(&*self.namespace)
                    .bind(&id.as_bytes()[..])
                    .bind(now.unix());
                written(writing.write(revoke).await?)?;
                Ok(outcome)
            }
            _ => Ok(outcome),
        }
    }
}

fn token(row: &Row) -> Result<TokenRecord, StoreError> {
    Ok(TokenRecord {
        key: row.hash("id")?,
        grant: row.grant_id("grant_id")?,
        client: row.client()?,
        expires_at: row.time("expires_at")?,
        payload: row.payload()?,
    })
}
