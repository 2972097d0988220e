//! Private keys as JSON, whatever they are used for.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::engine;
use super::{InvalidJwk, Jwk};
use crate::secret::Secret;
use crate::types::KeyId;
use crate::types::json::parse_strict;

/// Most bytes in a private JWK: the eight numbers of an 8192-bit RSA key take half of it.
const MAX_PRIVATE_JWK_BYTES: usize = 16 * 1024;

/// The members of a private JWK that are the key.
const KEY_MEMBERS: [&str; 12] = ["kty", "crv", "x", "y", "n", "e", "d", "p", "q", "dp", "dq", "qi"];

/// Those of them that are its public half.
const PUBLIC_MEMBERS: [&str; 6] = ["kty", "crv", "x", "y", "n", "e"];

/// Why a private key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrivateKeyError {
    /// The cryptographic library could not make a key.
    #[error("could not generate a key")]
    Generation,
    /// The public half is refused.
    #[error("the public half of the private jwk is refused: {0}")]
    Public(#[from] InvalidJwk),
    /// The text is not a private JWK: not JSON, or a member is missing or wrong.
    #[error("the private jwk is malformed")]
    Malformed,
    /// The key is of another type or curve, or its `use`, `key_ops` or `alg` forbid this algorithm.
    #[error("the private jwk is not for this algorithm")]
    Unfit,
    /// What is made with one half is not accepted by the other.
    #[error("the private and the public half of the jwk do not belong together")]
    Mismatch,
}

/// What a private key is meant for, in the words of a JWK.
#[derive(Clone, Copy)]
pub(super) struct Purpose {
    pub(super) public_key_use: &'static str,
    /// Any of them is enough where a key lists its `key_ops`.
    pub(super) key_ops: &'static [&'static str],
    pub(super) alg: &'static str,
}

/// The members of a private JWK, wiped when they are dropped.
pub(super) struct PrivateMembers(Map<String, Value>);

impl PrivateMembers {
    pub(super) const fn new(members: Map<String, Value>) -> Self {
        Self(members)
    }

    pub(super) fn parse(private_jwk: &Secret) -> Result<Self, PrivateKeyError> {
        let parsed = parse_strict(private_jwk.expose().as_bytes(), MAX_PRIVATE_JWK_BYTES, 3);
        match parsed {
            Ok(Value::Object(members)) => Ok(Self(members)),
            _ => Err(PrivateKeyError::Malformed),
        }
    }

    /// The algorithm that the key names, if it is one of this kind.
    pub(super) fn alg<A: FromStr>(&self) -> Option<A> {
        self.0.get("alg")?.as_str()?.parse().ok()
    }
}

impl Drop for PrivateMembers {
    fn drop(&mut self) {
        engine::wipe(&mut self.0);
    }
}

/// The members that are the key. The caller wipes them.
pub(super) fn key_members(members: &PrivateMembers) -> Map<String, Value> {
    copied(&members.0, &KEY_MEMBERS)
}

/// The private JWK as it is exported: the key, its `kid` and its `alg`.
pub(super) fn write(members: &PrivateMembers, public: &Jwk) -> Secret {
    let mut all = copied(public.to_value().as_object().unwrap_or(&Map::new()), &["kid", "alg"]);
    all.extend(key_members(members));
    let all = PrivateMembers::new(all);
    // With room for all of it at once: a buffer that grows leaves copies behind.
    let mut text = Vec::with_capacity(MAX_PRIVATE_JWK_BYTES);
    serde_json::to_writer(&mut text, &all.0).expect("a map of json values always serialises");
    Secret::new(String::from_utf8(text).expect("json is utf-8"))
}

/// The public JWK of a private one that may be used for `purpose`, with `kid`, `use` and `alg`; without a `kid` the
/// thumbprint becomes the `kid`.
pub(super) fn public_half(members: &PrivateMembers, purpose: Purpose) -> Result<Jwk, PrivateKeyError> {
    let PrivateMembers(members) = members;
    let allows = |ops: &Value| {
        ops.as_array().is_some_and(|ops| {
            ops.iter().any(|op| op.as_str().is_some_and(|op| purpose.key_ops.contains(&op)))
        })
    };
    let forbidden = members.get("use").is_some_and(|usage| usage != purpose.public_key_use)
        || members.get("alg").is_some_and(|named| named != purpose.alg)
        || members.get("key_ops").is_some_and(|ops| !allows(ops));
    if forbidden {
        return Err(PrivateKeyError::Unfit);
    }
    let mut half = copied(members, &PUBLIC_MEMBERS);
    half.extend(copied(members, &["kid"]));
    half.insert("use".to_owned(), purpose.public_key_use.into());
    half.insert("alg".to_owned(), purpose.alg.into());
    let public = Jwk::parse(&Value::Object(half))?;
    if public.kid().is_some() {
        return Ok(public);
    }
    let kid = KeyId::new(public.thumbprint()).map_err(|_| PrivateKeyError::Malformed)?;
    Ok(public.with_kid(kid))
}

fn copied(members: &Map<String, Value>, names: &[&str]) -> Map<String, Value> {
    names.iter().filter_map(|name| Some(((*name).to_owned(), members.get(*name)?.clone()))).collect()
}
