//! Reading columns. What no statement of ours writes is `Corrupt`.

use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row as _, Sqlite, Type};

use crate::adapters::sqlx::failure::corrupt;
use crate::clock::Timestamp;
use crate::error::{StoreError, StoreErrorKind};
use crate::seal::Sealed;
use crate::secret::{SecretId, TokenHash};
use crate::types::{ClientId, GrantId};

pub(super) struct Row(SqliteRow);

impl From<SqliteRow> for Row {
    fn from(row: SqliteRow) -> Self {
        Self(row)
    }
}

impl Row {
    fn column<'r, T>(&'r self, name: &str) -> Result<T, StoreError>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite>,
    {
        self.0.try_get(name).map_err(corrupt)
    }

    pub(super) fn bytes<const N: usize>(&self, name: &str) -> Result<[u8; N], StoreError> {
        self.column::<&[u8]>(name)?.try_into().map_err(corrupt)
    }

    pub(super) fn maybe_bytes<const N: usize>(&self, name: &str) -> Result<Option<[u8; N]>, StoreError> {
        self.column::<Option<&[u8]>>(name)?.map(|bytes| bytes.try_into().map_err(corrupt)).transpose()
    }

    pub(super) fn integer(&self, name: &str) -> Result<i64, StoreError> {
        self.column(name)
    }

    /// A number that is counted upwards from zero.
    pub(super) fn count(&self, name: &str) -> Result<u64, StoreError> {
        self.integer(name)?.try_into().map_err(corrupt)
    }

    pub(super) fn time(&self, name: &str) -> Result<Timestamp, StoreError> {
        self.integer(name).map(Timestamp::from_unix)
    }

    pub(super) fn maybe_time(&self, name: &str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.column::<Option<i64>>(name)?.map(Timestamp::from_unix))
    }

    pub(super) fn hash(&self, name: &str) -> Result<TokenHash, StoreError> {
        self.bytes(name).map(TokenHash::from_bytes)
    }

    pub(super) fn grant_id(&self, name: &str) -> Result<GrantId, StoreError> {
        self.bytes(name).map(GrantId::from_bytes)
    }

    pub(super) fn client(&self) -> Result<ClientId, StoreError> {
        ClientId::new(self.column::<&str>("client")?).map_err(corrupt)
    }

    /// A primary key of any length.
    pub(super) fn id(&self) -> Result<Vec<u8>, StoreError> {
        self.column("id")
    }

    /// The name of the secret that sealed the payload.
    pub(super) fn secret(&self) -> Result<SecretId, StoreError> {
        self.bytes("secret").map(SecretId::from_bytes)
    }

    pub(super) fn payload(&self) -> Result<Sealed, StoreError> {
        Ok(Sealed::from_parts(self.secret()?, self.column("payload")?))
    }
}

/// The form in which a column holds a number that is counted upwards; `None` when no column ever holds it.
pub(super) fn counted(number: u64) -> Option<i64> {
    i64::try_from(number).ok()
}

/// A row that must have been written, in a transaction that has seen to it.
pub(super) fn written(rows: u64) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreErrorKind::Unavailable.into()) }
}
