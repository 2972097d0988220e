//! Moving what is sealed from one system secret to another.

use std::fmt::{self, Debug};
use std::str::FromStr;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::{Listing, Page};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::seal::Sealed;
use crate::secret::SecretId;

/// What a row that has a payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a store must find every row that it keeps: a new kind has to break its build"
)]
pub enum RowKind {
    /// A client of the [`ClientRegistry`](super::ClientRegistry); its key is the `client_id`.
    Client,
    /// A code of the [`CodeStore`](super::CodeStore).
    Code,
    /// A consent of the [`ConsentStore`](super::ConsentStore); its key is the 32 bytes of the subject, then the
    /// `client_id`.
    Consent,
    /// A request of the [`DeferredStore`](super::DeferredStore).
    Deferred,
    /// A grant of the [`GrantStore`](super::GrantStore) that is in a row of its own.
    Grant,
    /// The one row of the [`KeySetStore`](super::KeySetStore); its key is empty.
    KeySet,
    /// A ticket of the [`TicketStore`](super::TicketStore).
    Ticket,
    /// A token of the [`TokenStore`](super::TokenStore), and the grant that it brought along.
    Token,
}

impl RowKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Client,
        Self::Code,
        Self::Consent,
        Self::Deferred,
        Self::Grant,
        Self::KeySet,
        Self::Ticket,
        Self::Token,
    ];

    /// Its name, in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Code => "code",
            Self::Consent => "consent",
            Self::Deferred => "deferred",
            Self::Grant => "grant",
            Self::KeySet => "key_set",
            Self::Ticket => "ticket",
            Self::Token => "token",
        }
    }
}

/// Which row of a store: its kind and its primary key.
///
/// As text it is a cursor that stores may give out: the kind, a point, and the key in base64url.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a store makes it of its columns")]
pub struct RowName {
    /// What it is.
    pub kind: RowKind,
    /// The primary key to which the payload is bound: the bytes of a hash or of an id unless its kind says otherwise.
    pub key: Vec<u8>,
}

impl RowName {
    /// The row of this kind and key.
    #[must_use]
    pub fn new(kind: RowKind, key: impl Into<Vec<u8>>) -> Self {
        Self { kind, key: key.into() }
    }
}

impl fmt::Display for RowName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.kind.as_str(), BASE64_URL_SAFE_NO_PAD.encode(&self.key))
    }
}

impl Debug for RowName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.key.get(..6).unwrap_or(&self.key);
        write!(f, "RowName({}, {}..)", self.kind.as_str(), BASE64_URL_SAFE_NO_PAD.encode(shown))
    }
}

/// A text that is not the name of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("could not read the name of a row")]
#[non_exhaustive]
pub struct InvalidRowName;

impl FromStr for RowName {
    type Err = InvalidRowName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, key) = text.split_once('.').ok_or(InvalidRowName)?;
        let kind = RowKind::ALL.into_iter().find(|known| known.as_str() == kind).ok_or(InvalidRowName)?;
        let key = BASE64_URL_SAFE_NO_PAD.decode(key).map_err(|_| InvalidRowName)?;
        Ok(Self { kind, key })
    }
}

/// A row with its payload, as [`Reseal::sealed_under`] lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a store makes it of its columns")]
pub struct SealedRow {
    /// Which row it is.
    pub name: RowName,
    /// Its payload.
    pub payload: Sealed,
}

/// Moves payloads from one system secret to another, beside every other verb.
///
/// A store implements it for all rows that it keeps. Where it is not implemented, an old system secret has to stay
/// until the last row that it sealed has had its time.
#[async_trait]
pub trait Reseal: Debug + Send + Sync {
    /// The rows whose payload was sealed under `secret`, of every kind that this store keeps, in a stable order.
    ///
    /// A page may hold fewer rows than its limit, even none, and still have a `next`: a store may look at so many rows
    /// at a time and need no index for this. Rows that no verb would give any more may be left out. Every other row that
    /// was there when the first page was read, and is still sealed under `secret` when its page is, must be listed once,
    /// also where rows before it stay as they are.
    ///
    /// # Errors
    /// `Corrupt` when `page.after` is not a `next` of this store.
    async fn sealed_under(
        &self,
        secret: SecretId,
        page: &Page,
        now: Timestamp,
    ) -> Result<Listing<SealedRow>, StoreError>;

    /// Puts `new` in the place of the payload of `row`, if it is still that of `row`, and says whether it did: of any
    /// number of concurrent calls for one payload exactly one is told so.
    ///
    /// Nothing else of the row changes, its version neither: a verb that writes over what it has seen before must
    /// neither fail nor be undone. `false` where the row is gone.
    async fn reseal(&self, row: &SealedRow, new: Sealed, now: Timestamp) -> Result<bool, StoreError>;
}

const _: fn(&dyn Reseal) = |_| ();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_row_is_read_back() {
        for kind in RowKind::ALL {
            for key in [&b""[..], &[0, 255, 46], b"client.id"] {
                let name = RowName::new(kind, key);
                assert_eq!(name.to_string().parse(), Ok(name));
            }
        }
        for text in ["", "token", ".", "tokens.AAAA", "token.A", "Token.AAAA", "token.AAAA.", "token.AA=="] {
            assert_eq!(text.parse::<RowName>(), Err(InvalidRowName), "{text}");
        }
    }
}
