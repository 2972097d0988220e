//! Moving payloads to another system secret.

use async_trait::async_trait;

use super::dialect::{Dialect, Engine};
use super::failure::corrupt;
use super::grant::GRANT;
use super::row::Row;
use super::store::SqlStore;
use super::value::{Value, values};
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

/// The columns of a primary key behind the namespace, two at most.
fn columns(name: &RowName) -> Result<[Value<'_>; 2], StoreError> {
    const NOTHING: Value<'static> = Value::Text(None);
    Ok(match name.kind {
        RowKind::Client => [text(&name.key)?, NOTHING],
        RowKind::Consent => {
            let (subject, client) = name.key.split_at_checked(SUBJECT_BYTES).unwrap_or((&name.key, &[]));
            [subject.into(), text(client)?]
        }
        RowKind::KeySet => [NOTHING; 2],
        _ => [name.key[..].into(), NOTHING],
    })
}

fn text(bytes: &[u8]) -> Result<Value<'_>, StoreError> {
    std::str::from_utf8(bytes).map(Value::from).map_err(corrupt)
}

/// The name of a row by its key as it is stored: whether that is a key that a store wrote is for who opens the payload.
fn name<E: Dialect>(table: RowKind, row: &Row<E>) -> Result<RowName, StoreError> {
    Ok(match table {
        RowKind::Client => RowName::new(table, row.text("client")?),
        RowKind::Consent => {
            let subject: [u8; SUBJECT_BYTES] = row.bytes("subject")?;
            RowName::new(table, [&subject, row.text("client")?.as_bytes()].concat())
        }
        RowKind::Grant => {
            let kind = if row.integer("kind")? == GRANT { RowKind::Grant } else { RowKind::Token };
            RowName::new(kind, row.id()?)
        }
        _ => RowName::new(table, row.id()?),
    })
}

impl<E: Engine> SqlStore<E> {
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
        let [first, second] = columns(after)?;
        let values = values![self.tenant(), &secret, size, first, second];
        let rows = self.connections.read(&E::statements().reseal.of(table).page, &values).await?;
        let next = if rows.len() == usize::from(size) {
            // Behind the last row whose key can be told. That none can is no end of the table.
            let named = rows.iter().rev().find_map(|row| name(table, row).ok());
            Some(named.ok_or(StoreErrorKind::Corrupt)?)
        } else {
            TABLES.into_iter().skip_while(|known| *known != table).nth(1).map(|next| RowName::new(next, []))
        };
        // A row that cannot be read answers nobody: it must not keep the others from being moved.
        let sealed = |row: &Row<E>| {
            let payload = row.payload().ok().filter(|payload| payload.secret() == secret)?;
            Some(SealedRow { name: name(table, row).ok()?, payload })
        };
        let items = rows.iter().filter_map(sealed).collect();
        Ok(Listing { items, next: next.map(|next| next.to_string()) })
    }
}

#[async_trait]
impl<E: Engine> Reseal for SqlStore<E> {
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
        let statements = E::statements();
        let text = match table(row.name.kind) {
            None => &statements.reseal_key_set,
            Some(table) => &statements.reseal.of(table).replace,
        };
        let (to, from) = (new.secret(), row.payload.secret());
        let [first, second] = columns(&row.name)?;
        let values =
            values![self.tenant(), &to, new.as_bytes(), &from, row.payload.as_bytes(), first, second];
        Ok(self.connections.write(text, &values).await? == 1)
    }
}
