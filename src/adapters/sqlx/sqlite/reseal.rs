//! Moving payloads to another system secret.

use async_trait::async_trait;
use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;

use super::row::Row;
use super::statements::{self, Resealing};
use super::{SqliteStore, grant};
use crate::adapters::sqlx::failure::corrupt;
use crate::clock::Timestamp;
use crate::error::{StoreError, StoreErrorKind};
use crate::seal::Sealed;
use crate::secret::SecretId;
use crate::store::{KeySetStore as _, Listing, Page, Reseal, RowKind, RowName, SealedRow};

/// The tables in the order in which they are gone through, each by the kind with which its cursors begin. The key set
/// is on the first page.
const TABLES: [RowKind; 6] =
    [RowKind::Client, RowKind::Code, RowKind::Consent, RowKind::Deferred, RowKind::Grant, RowKind::Ticket];

/// Bytes of a subject, with which the key of a consent begins.
const SUBJECT_BYTES: usize = 32;

/// The kind that stands for the table in which rows of this kind are; `None` for the key set, which has no page.
const fn table(kind: RowKind) -> Option<RowKind> {
    match kind {
        RowKind::Token => Some(RowKind::Grant),
        RowKind::KeySet => None,
        kind => Some(kind),
    }
}

const fn statements_of(table: RowKind) -> Resealing {
    match table {
        RowKind::Client => statements::RESEAL_CLIENTS,
        RowKind::Code => statements::RESEAL_CODES,
        RowKind::Consent => statements::RESEAL_CONSENTS,
        RowKind::Deferred => statements::RESEAL_DEFERRED,
        RowKind::Ticket => statements::RESEAL_TICKETS,
        RowKind::Grant | RowKind::KeySet | RowKind::Token => statements::RESEAL_ISSUED,
    }
}

/// Binds the columns of a primary key behind the namespace.
fn bind_key<'q>(
    query: Query<'q, Sqlite, SqliteArguments>,
    name: &'q RowName,
) -> Result<Query<'q, Sqlite, SqliteArguments>, StoreError> {
    let text = |bytes: &'q [u8]| std::str::from_utf8(bytes).map_err(corrupt);
    Ok(match name.kind {
        RowKind::Client => query.bind(text(&name.key)?),
        RowKind::Consent => {
            let (subject, client) = name.key.split_at_checked(SUBJECT_BYTES).unwrap_or((&name.key, &[]));
            query.bind(subject).bind(text(client)?)
        }
        _ => query.bind(&*name.key),
    })
}

fn name(table: RowKind, row: &Row) -> Result<RowName, StoreError> {
    Ok(match table {
        RowKind::Client => RowName::new(table, row.client()?.as_str()),
        RowKind::Consent => {
            let subject: [u8; SUBJECT_BYTES] = row.bytes("subject")?;
            RowName::new(table, [&subject, row.client()?.as_str().as_bytes()].concat())
        }
        RowKind::Grant => {
            let kind = if row.integer("kind")? == grant::GRANT { RowKind::Grant } else { RowKind::Token };
            RowName::new(kind, row.id()?)
        }
        _ => RowName::new(table, row.id()?),
    })
}

impl SqliteStore {
    /// The row of the key set, if it was sealed under `secret`.
    async fn sealed_key_set(
        &self,
        secret: SecretId,
        now: Timestamp,
    ) -> Result<Option<SealedRow>, StoreError> {
        let stored = self.key_set(now).await?.filter(|stored| stored.payload.secret() == secret);
        let name = RowName::new(RowKind::KeySet, []);
        Ok(stored.map(|stored| SealedRow { name, payload: stored.payload }))
    }

    /// Looks at as many rows as the page has room for, behind the row `after`.
    async fn sealed_behind(
        &self,
        after: &RowName,
        secret: SecretId,
        size: u16,
    ) -> Result<Listing<SealedRow>, StoreError> {
        let table = table(after.kind).ok_or(StoreErrorKind::Corrupt)?;
        let list = sqlx::query(statements_of(table).page)
            .bind(&*self.namespace)
            .bind(&secret.as_bytes()[..])
            .bind(i64::from(size));
        let rows = self.connections.read(bind_key(list, after)?).await?;
        let names: Vec<RowName> = rows.iter().map(|row| name(table, row)).collect::<Result<_, _>>()?;
        let next = if rows.len() == usize::from(size) {
            names.last().cloned()
        } else {
            TABLES.into_iter().skip_while(|known| *known != table).nth(1).map(|next| RowName::new(next, []))
        };
        let mut items = Vec::new();
        for (row, name) in rows.iter().zip(names) {
            if row.secret()? == secret {
                items.push(SealedRow { name, payload: row.payload()? });
            }
        }
        Ok(Listing { items, next: next.map(|next| next.to_string()) })
    }
}

#[async_trait]
impl Reseal for SqliteStore {
    async fn sealed_under(
        &self,
        secret: SecretId,
        page: &Page,
        now: Timestamp,
    ) -> Result<Listing<SealedRow>, StoreError> {
        if let Some(after) = &page.after {
            let after = after.parse().map_err(corrupt)?;
            return self.sealed_behind(&after, secret, page.size()).await;
        }
        let items = self.sealed_key_set(secret, now).await?.into_iter().collect();
        Ok(Listing { items, next: Some(RowName::new(RowKind::Client, []).to_string()) })
    }

    async fn reseal(&self, row: &SealedRow, new: Sealed, _now: Timestamp) -> Result<bool, StoreError> {
        let text =
            table(row.name.kind).map_or(statements::RESEAL_KEY_SET, |table| statements_of(table).replace);
        let replace = sqlx::query(text)
            .bind(&*self.namespace)
            .bind(new.secret().as_bytes().to_vec())
            .bind(new.as_bytes().to_vec())
            .bind(&row.payload.secret().as_bytes()[..])
            .bind(row.payload.as_bytes());
        let replace = match row.name.kind {
            RowKind::KeySet => replace,
            _ => bind_key(replace, &row.name)?,
        };
        Ok(self.connections.write(replace).await? == 1)
    }
}
