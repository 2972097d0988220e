//! What statements are given.

use crate::clock::Timestamp;
use crate::secret::{SecretId, TokenHash};
use crate::store::{SessionKey, SubjectKey};
use crate::types::{ClientId, GrantId};

/// A value for a statement; `None` is NULL.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'q> {
    Bytes(Option<&'q [u8]>),
    Flag(bool),
    Integer(Option<i64>),
    Text(Option<&'q str>),
}

macro_rules! from_bytes {
    ($($name:ty),*) => {
        $(
            impl<'q> From<&'q $name> for Value<'q> {
                fn from(value: &'q $name) -> Self {
                    Self::Bytes(Some(value.as_bytes()))
                }
            }

            impl<'q> From<Option<&'q $name>> for Value<'q> {
                fn from(value: Option<&'q $name>) -> Self {
                    Self::Bytes(value.map(|value| &value.as_bytes()[..]))
                }
            }
        )*
    };
}

from_bytes!(GrantId, SecretId, SessionKey, SubjectKey, TokenHash);

impl<'q> From<&'q [u8]> for Value<'q> {
    fn from(value: &'q [u8]) -> Self {
        Self::Bytes(Some(value))
    }
}

impl<'q> From<Option<&'q [u8]>> for Value<'q> {
    fn from(value: Option<&'q [u8]>) -> Self {
        Self::Bytes(value)
    }
}

impl<'q> From<&'q ClientId> for Value<'q> {
    fn from(value: &'q ClientId) -> Self {
        Self::Text(Some(value.as_str()))
    }
}

impl<'q> From<Option<&'q ClientId>> for Value<'q> {
    fn from(value: Option<&'q ClientId>) -> Self {
        Self::Text(value.map(ClientId::as_str))
    }
}

impl<'q> From<&'q str> for Value<'q> {
    fn from(value: &'q str) -> Self {
        Self::Text(Some(value))
    }
}

impl From<Timestamp> for Value<'_> {
    fn from(value: Timestamp) -> Self {
        Self::Integer(Some(value.unix()))
    }
}

impl From<Option<Timestamp>> for Value<'_> {
    fn from(value: Option<Timestamp>) -> Self {
        Self::Integer(value.map(Timestamp::unix))
    }
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Integer(Some(value))
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(value: Option<i64>) -> Self {
        Self::Integer(value)
    }
}

impl From<u16> for Value<'_> {
    fn from(value: u16) -> Self {
        Self::Integer(Some(value.into()))
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Flag(value)
    }
}

/// The values of a statement, in the order of its numbers.
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        [$($crate::adapters::sqlx::value::Value::from($value)),*]
    };
}

pub(super) use values;

/// The form in which a column holds a number that is counted upwards; `None` when no column ever holds it.
pub(super) fn counted(number: u64) -> Option<i64> {
    i64::try_from(number).ok()
}
