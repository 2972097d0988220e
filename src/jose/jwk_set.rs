//! Sets of public keys (RFC 7517 section 5).

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{InvalidJwk, Jwk, KeyAlg, SigningAlg};

/// Most keys that are read from one set.
const MAX_KEYS: usize = 64;

/// Most keys that are tried for one token.
pub(super) const MAX_CANDIDATES: usize = 4;

/// Why a whole set is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidJwkSet {
    /// A key of a kind that is known is refused. Only [`JwkSet::register`] says this.
    #[error("the jwk set has an unacceptable key: {0}")]
    Key(#[from] InvalidJwk),
    /// The value is no object with an array `keys`.
    #[error("the jwk set is not an object with a list of keys")]
    Malformed,
    /// The set has more than 64 keys. Only [`JwkSet::register`] says this.
    #[error("the jwk set has more than 64 keys")]
    TooMany,
}

/// Public keys of one owner, parsed once. Cheap to clone.
///
/// Verifiers are built when the set is read, or at the first use of an algorithm where a key fits several, and kept.
#[derive(Clone, Default)]
pub struct JwkSet {
    keys: Arc<[Jwk]>,
    skipped: usize,
    exposed: usize,
}

impl JwkSet {
    /// Reads a set that someone else publishes: keys that are not understood or not sound are skipped, so that one
    /// of them never takes the others away. Keys beyond the 64th are skipped too.
    ///
    /// # Errors
    /// [`InvalidJwkSet::Malformed`] when there is no list of keys at all.
    pub fn parse(set: &Value) -> Result<Self, InvalidJwkSet> {
        Self::default().parse_next(set)
    }

    /// Reads a later state of this set, as [`JwkSet::parse`] does. Keys that are in both keep their verifiers.
    ///
    /// # Errors
    /// [`InvalidJwkSet::Malformed`] when there is no list of keys at all.
    pub fn parse_next(&self, set: &Value) -> Result<Self, InvalidJwkSet> {
        let listed = listed(set)?;
        let mut exposed = 0;
        let mut keys = Vec::new();
        for entry in listed.iter().take(MAX_KEYS) {
            match Jwk::parse_keeping(entry, &self.keys) {
                Ok(key) => keys.push(key),
                Err(InvalidJwk::Private | InvalidJwk::Symmetric) => exposed += 1,
                Err(_) => {}
            }
        }
        let skipped = listed.len() - keys.len();
        Ok(Self { keys: keys.into(), skipped, exposed })
    }

    /// Reads a set that a client registers: keys of an unknown type or curve are skipped, and nothing else is.
    ///
    /// # Errors
    /// [`InvalidJwkSet::Key`] for a private, symmetric, malformed or unsound key, [`InvalidJwkSet::TooMany`] for
    /// more than 64, [`InvalidJwkSet::Malformed`] when there is no list of keys.
    pub fn register(set: &Value) -> Result<Self, InvalidJwkSet> {
        let listed = listed(set)?;
        if listed.len() > MAX_KEYS {
            return Err(InvalidJwkSet::TooMany);
        }
        let mut keys = Vec::new();
        for entry in listed {
            match Jwk::parse(entry) {
                Ok(key) => keys.push(key),
                Err(InvalidJwk::Unsupported) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let skipped = listed.len() - keys.len();
        Ok(Self { keys: keys.into(), skipped, exposed: 0 })
    }

    /// The keys that were read, in their order.
    #[must_use]
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// How many keys were skipped.
    #[must_use]
    pub const fn skipped(&self) -> usize {
        self.skipped
    }

    /// How many of the skipped keys were private or symmetric: their owner has published a secret.
    #[must_use]
    pub const fn exposed(&self) -> usize {
        self.exposed
    }

    /// The keys to try for a token of `alg` under `kid`: those of that name first, then those without a name; all
    /// that fit when the token names none. At most 4.
    pub fn candidates(&self, kid: Option<&str>, alg: SigningAlg) -> impl Iterator<Item = &Jwk> {
        let named = self.keys.iter().filter(move |key| match (kid, key.kid()) {
            (Some(wanted), Some(kid)) => kid.as_str() == wanted,
            (Some(_), None) => false,
            (None, _) => true,
        });
        let nameless = self.keys.iter().filter(move |key| kid.is_some() && key.kid().is_none());
        named.chain(nameless).filter(move |key| key.fits(alg)).take(MAX_CANDIDATES)
    }

    /// The key to encrypt to by `alg`: the first that fits and says that it is for encryption, in its `use` or `alg`;
    /// otherwise the first that fits and is for anything.
    #[must_use]
    pub fn encryption_key(&self, alg: KeyAlg) -> Option<&Jwk> {
        let fitting = || self.keys.iter().filter(|key| key.fits_encryption(alg));
        fitting().find(|key| key.is_meant_for_encryption()).or_else(|| fitting().next())
    }

    /// The set as JSON, each key as [`Jwk::to_value`] writes it.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({ "keys": self.keys.iter().map(Jwk::to_value).collect::<Vec<_>>() })
    }
}

fn listed(set: &Value) -> Result<&Vec<Value>, InvalidJwkSet> {
    set.as_object()
        .and_then(|members| members.get("keys"))
        .and_then(Value::as_array)
        .ok_or(InvalidJwkSet::Malformed)
}

/// Equal when the keys are; what was skipped does not count.
impl PartialEq for JwkSet {
    fn eq(&self, other: &Self) -> bool {
        self.keys == other.keys
    }
}

impl Eq for JwkSet {}

impl fmt::Debug for JwkSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwkSet").field("keys", &self.keys).field("skipped", &self.skipped).finish()
    }
}

impl Serialize for JwkSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

/// Reads as [`JwkSet::register`] does.
impl<'de> Deserialize<'de> for JwkSet {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::register(&Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
