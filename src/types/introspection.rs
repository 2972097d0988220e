//! What introspection says of a token.

use serde_json::{Map, Value};

use super::Claims;

/// What introspection says of a token (RFC 7662 section 2.2).
///
/// Whatever is wrong with a token, and whoever asks without a right to it, the answer is the same: inactive, and
/// nothing else.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Introspection {
    /// The token is active; these members describe it, `active` not among them.
    Active(Claims),
    /// It is not, or not for the one who asks.
    Inactive,
}

impl Introspection {
    /// Reads the members of a response; `None` where `active` is missing or neither true nor false.
    #[must_use]
    pub fn from_members(mut members: Map<String, Value>) -> Option<Self> {
        match members.remove("active")?.as_bool()? {
            true => Some(Self::Active(members.into())),
            false => Some(Self::Inactive),
        }
    }

    /// The members of the response.
    #[must_use]
    pub fn into_members(self) -> Map<String, Value> {
        let (mut members, active) = match self {
            Self::Active(claims) => (claims.into_map(), true),
            Self::Inactive => (Map::new(), false),
        };
        members.insert("active".to_owned(), active.into());
        members
    }
}
