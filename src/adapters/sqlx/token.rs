//! Access tokens and refresh families.

use async_trait::async_trait;

use super::dialect::{Dialect, Engine};
use super::failure::{Failure, corrupt, tried};
use super::row::Row;
use super::statements::{Families, HeadFirst};
use super::steps::{Addition, Use, insert_in_steps, nothing_to_insert, refresh_in_steps, refused_insertion};
use super::store::SqlStore;
use super::value::{Value, counted, values};
use crate::clock::Timestamp;
use crate::error::{StoreError, StoreErrorKind};
use crate::secret::{SecretId, TokenHash};
use crate::store::{
    Advance, Grace, GrantedToken, Insertion, Issued, RefreshUse, Refreshed, TokenRecord, TokenStore,
};
use crate::types::GrantId;

#[async_trait]
impl<E: Engine> TokenStore for SqlStore<E> {
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
        let secret = secret_of(issued.access.as_ref());
        let family = issued.family.as_ref();
        let [id, client, expires_at, secret, payload] = columns(issued.access.as_ref(), secret.as_ref());
        let values = values![
            self.tenant(),
            grant,
            family.map(|family| &family.key),
            family.map(|family| family.idle_until),
            now,
            id,
            client,
            expires_at,
            secret,
            payload,
        ];
        match (&E::statements().families, &issued.access, &issued.family) {
            (_, None, None) => nothing_to_insert(self, grant, now).await,
            (Families::HeadFirst(texts), _, Some(_)) => {
                match self.connections.write_returning(&texts.begin_family, &values).await? {
                    Some(_) => Ok(Insertion::Inserted),
                    None => refused_insertion(self, grant, &issued, now).await,
                }
            }
            (Families::HeadFirst(texts), Some(_), None) => {
                insertion(self.connections.write_returning(&texts.insert_token, &values).await?.as_ref())
            }
            (Families::InSteps(steps), ..) => {
                let addition = Addition { grant, issued: &issued, values: &values, now };
                insert_in_steps(self, steps, &addition).await
            }
        }
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
        let secret = secret_of(issued.as_ref());
        let [id, client, expires_at, secret, payload] = columns(issued.as_ref(), secret.as_ref());
        let values = values![
            self.tenant(),
            grant,
            counted(used.seq),
            used.idle_until,
            now,
            id,
            client,
            expires_at,
            secret,
            payload,
            used.advance == Advance::Rotate,
            earliest_rotation(&used, now),
        ];
        match &E::statements().families {
            Families::HeadFirst(texts) => tried!(refresh_head_first(self, texts, used.advance, &values)),
            Families::InSteps(steps) => {
                let refresh = Use { used: &used, with_token: issued.is_some(), values: &values, now };
                tried!(refresh_in_steps(self, steps, &refresh))
            }
        }
    }

    async fn access_token(&self, key: &TokenHash, now: Timestamp) -> Result<Option<TokenRecord>, StoreError> {
        let values = values![self.tenant(), key, now];
        self.connections.find(&E::statements().access_token, &values).await?.as_ref().map(token).transpose()
    }

    async fn revoke_token(&self, key: &TokenHash, now: Timestamp) -> Result<(), StoreError> {
        let values = values![self.tenant(), key, now];
        self.connections.write(&E::statements().revoke_token, &values).await.map(drop)
    }
}

fn secret_of(token: Option<&TokenRecord>) -> Option<SecretId> {
    token.map(|token| token.payload.secret())
}

/// The columns of an access token: its key, client, end, secret and payload.
fn columns<'q>(token: Option<&'q TokenRecord>, secret: Option<&'q SecretId>) -> [Value<'q>; 5] {
    values![
        token.map(|token| &token.key),
        token.map(|token| &token.client),
        token.map(|token| token.expires_at),
        secret,
        token.map(|token| token.payload.as_bytes()),
    ]
}

/// The earliest rotation after which the predecessor of the head is still in grace: what `RefreshUse` compares with `now`
/// by adding is compared by subtracting, which never overflows.
fn earliest_rotation(used: &RefreshUse, now: Timestamp) -> Timestamp {
    match used.grace {
        Grace::For(grace) => now.minus(grace),
        Grace::UntilSuccessorUsed => Timestamp::from_unix(i64::MIN),
    }
}

/// What the one statement of an insertion says.
fn insertion<E: Dialect>(row: Option<&Row<E>>) -> Result<Insertion, StoreError> {
    let Some(row) = row else { return Ok(Insertion::GrantAbsent) };
    match row.text("outcome")? {
        "inserted" => Ok(Insertion::Inserted),
        "revoked" => Ok(Insertion::GrantRevoked),
        "absent" => Ok(Insertion::GrantAbsent),
        other => Err(corrupt(format!("an insertion has become {other}"))),
    }
}

/// Moves the head if it was presented; otherwise has it decided what becomes of the token.
async fn refresh_head_first<E: Engine>(
    store: &SqlStore<E>,
    texts: &'static HeadFirst,
    advance: Advance,
    values: &[Value<'_>],
) -> Result<Refreshed, Failure> {
    if store.connections.write_returning_once(&texts.use_head, values).await?.is_some() {
        return Ok(match advance {
            Advance::Keep => Refreshed::Kept,
            Advance::Rotate => Refreshed::Rotated,
        });
    }
    let Some(row) = store.connections.write_returning_once(&texts.use_other, values).await? else {
        return Ok(Refreshed::Absent);
    };
    match row.text("outcome")? {
        "again" => Err(Failure::passing()),
        "absent" => Ok(Refreshed::Absent),
        "ahead" => Ok(Refreshed::Ahead),
        "expired" => Ok(Refreshed::Expired),
        "replayed" => Ok(Refreshed::Replayed),
        "retried" => Ok(Refreshed::Retried { head: row.count("seq")? }),
        "revoked" => Ok(Refreshed::GrantRevoked),
        other => Err(corrupt(format!("a refresh has become {other}")).into()),
    }
}

fn token<E: Dialect>(row: &Row<E>) -> Result<TokenRecord, StoreError> {
    Ok(TokenRecord {
        key: row.hash("id")?,
        grant: row.grant_id("grant_id")?,
        client: row.client()?,
        expires_at: row.time("expires_at")?,
        payload: row.payload()?,
    })
}
