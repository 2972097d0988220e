//! Reading what a script or a row holds. What no verb of ours writes is `Corrupt`.

use std::vec::IntoIter;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::failure::corrupt;
use super::moment;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::seal::Sealed;
use crate::secret::SecretId;
use crate::types::{ClientId, GrantId};

/// Values, read one after the other.
pub(super) struct Row(IntoIter<Option<Vec<u8>>>);

impl Row {
    pub(super) fn new(values: Vec<Option<Vec<u8>>>) -> Self {
        Self(values.into_iter())
    }

    /// The next value, where there is one.
    pub(super) fn maybe_bytes(&mut self) -> Option<Vec<u8>> {
        self.0.next().flatten()
    }

    pub(super) fn bytes(&mut self) -> Result<Vec<u8>, StoreError> {
        self.maybe_bytes().ok_or_else(|| corrupt("a value is missing"))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        self.bytes()?.try_into().map_err(|_| corrupt("a value has another length"))
    }

    pub(super) fn text(&mut self) -> Result<String, StoreError> {
        String::from_utf8(self.bytes()?).map_err(corrupt)
    }

    /// A hash that is written as a part of a key is.
    pub(super) fn maybe_name(&mut self) -> Result<Option<[u8; 32]>, StoreError> {
        self.maybe_bytes().map(|name| hash(&name)).transpose()
    }

    pub(super) fn count(&mut self) -> Result<u64, StoreError> {
        self.text()?.parse().map_err(corrupt)
    }

    pub(super) fn time(&mut self) -> Result<Timestamp, StoreError> {
        moment::read(&self.text()?).ok_or_else(|| corrupt("a moment is written in another way"))
    }

    /// A moment that is there if the row is.
    pub(super) fn maybe_time(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let Some(bytes) = self.maybe_bytes() else { return Ok(None) };
        Self::new(vec![Some(bytes)]).time().map(Some)
    }

    pub(super) fn grant(&mut self) -> Result<GrantId, StoreError> {
        self.array().map(GrantId::from_bytes)
    }

    pub(super) fn client(&mut self) -> Result<ClientId, StoreError> {
        ClientId::new(self.text()?).map_err(corrupt)
    }

    pub(super) fn payload(&mut self) -> Result<Sealed, StoreError> {
        Ok(Sealed::from_parts(SecretId::from_bytes(self.array()?), self.bytes()?))
    }
}

fn hash(name: &[u8]) -> Result<[u8; 32], StoreError> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(name).map_err(corrupt)?;
    bytes.try_into().map_err(|_| corrupt("a hash has another length"))
}

/// A script has answered with a word that it does not know.
pub(super) fn unknown(answer: &str) -> StoreError {
    corrupt(format!("a script answered {answer}"))
}
