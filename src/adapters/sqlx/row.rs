//! Reading columns. What no statement of ours writes is `Corrupt`.

use super::dialect::{Dialect, RowOf};
use super::failure::corrupt;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::seal::Sealed;
use crate::secret::{SecretId, TokenHash};
use crate::types::{ClientId, GrantId};

pub(super) struct Row<E: Dialect>(RowOf<E>);

impl<E: Dialect> Row<E> {
    pub(super) const fn of(row: RowOf<E>) -> Self {
        Self(row)
    }

    fn blob(&self, name: &str) -> Result<Option<&[u8]>, StoreError> {
        E::bytes(&self.0, name).map_err(corrupt)
    }

    pub(super) fn maybe_integer(&self, name: &str) -> Result<Option<i64>, StoreError> {
        E::integer(&self.0, name).map_err(corrupt)
    }

    pub(super) fn text(&self, name: &str) -> Result<&str, StoreError> {
        E::text(&self.0, name).map_err(corrupt)
    }

    pub(super) fn bytes<const N: usize>(&self, name: &str) -> Result<[u8; N], StoreError> {
        self.maybe_bytes(name)?.ok_or_else(|| null(name))
    }

    pub(super) fn maybe_bytes<const N: usize>(&self, name: &str) -> Result<Option<[u8; N]>, StoreError> {
        self.blob(name)?.map(|bytes| bytes.try_into().map_err(corrupt)).transpose()
    }

    pub(super) fn integer(&self, name: &str) -> Result<i64, StoreError> {
        self.maybe_integer(name)?.ok_or_else(|| null(name))
    }

    /// A number that is counted upwards from zero.
    pub(super) fn count(&self, name: &str) -> Result<u64, StoreError> {
        self.integer(name)?.try_into().map_err(corrupt)
    }

    pub(super) fn time(&self, name: &str) -> Result<Timestamp, StoreError> {
        self.integer(name).map(Timestamp::from_unix)
    }

    pub(super) fn maybe_time(&self, name: &str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.maybe_integer(name)?.map(Timestamp::from_unix))
    }

    pub(super) fn hash(&self, name: &str) -> Result<TokenHash, StoreError> {
        self.bytes(name).map(TokenHash::from_bytes)
    }

    pub(super) fn grant_id(&self, name: &str) -> Result<GrantId, StoreError> {
        self.bytes(name).map(GrantId::from_bytes)
    }

    pub(super) fn client(&self) -> Result<ClientId, StoreError> {
        ClientId::new(self.text("client")?).map_err(corrupt)
    }

    /// A primary key of any length.
    pub(super) fn id(&self) -> Result<Vec<u8>, StoreError> {
        Ok(self.blob("id")?.ok_or_else(|| null("id"))?.to_vec())
    }

    /// The name of the secret that sealed the payload.
    pub(super) fn secret(&self) -> Result<SecretId, StoreError> {
        self.bytes("secret").map(SecretId::from_bytes)
    }

    pub(super) fn payload(&self) -> Result<Sealed, StoreError> {
        let sealed = self.blob("payload")?.ok_or_else(|| null("payload"))?;
        Ok(Sealed::from_parts(self.secret()?, sealed.to_vec()))
    }
}

fn null(name: &str) -> StoreError {
    corrupt(format!("the column {name} is empty"))
}
