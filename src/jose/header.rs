//! The header of a compact token (RFC 7515 section 4), as far as it is the same for signed and encrypted ones.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{JoseError, MacAlg, SigningAlg};
use crate::types::json::{InvalidJson, parse_strict};

/// Most bytes in a header, as JSON.
pub(super) const MAX_HEADER_BYTES: usize = 8 * 1024;

/// Most levels of objects and arrays in a header.
const MAX_HEADER_DEPTH: usize = 4;

/// Most members in a header.
const MAX_HEADER_MEMBERS: usize = 32;

/// Most bytes in a text of the header, as `alg` and `kid`.
const MAX_VALUE_BYTES: usize = 256;

/// Members that change what is signed or encrypted, or how it is read; none is supported.
const EXTENSIONS: [&str; 3] = ["crit", "b64", "zip"];

/// The header that a token came with: claims of its sender, of which `alg` must still be found to be the expected
/// one.
///
/// `jku`, `x5u`, `jwk` and `x5c` are ignored: a token does not choose its own key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    cty: Option<String>,
}

impl Header {
    pub(super) fn parse(json: &[u8]) -> Result<Self, JoseError> {
        Self::take(&mut parse_members(json)?)
    }

    /// Takes what a header of any token has out of `members`.
    pub(super) fn take(members: &mut Map<String, Value>) -> Result<Self, JoseError> {
        let alg = take_text(members, "alg")?.ok_or(JoseError::Header)?;
        let kid = take_text(members, "kid")?;
        let typ = take_text(members, "typ")?;
        let cty = take_text(members, "cty")?;
        Ok(Self { alg, kid, typ, cty })
    }

    /// The algorithm's name as it was sent.
    #[must_use]
    pub fn alg_name(&self) -> &str {
        &self.alg
    }

    /// The algorithm, when it is one that exists here.
    #[must_use]
    pub fn alg(&self) -> Option<SigningAlg> {
        self.alg.parse().ok()
    }

    /// The algorithm, when it is a MAC.
    #[must_use]
    pub fn mac_alg(&self) -> Option<MacAlg> {
        self.alg.parse().ok()
    }

    /// The name of the key: an opaque lookup key of at most 256 bytes.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The type as it was sent; compare it with [`Header::is_type`].
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// The content type as it was sent.
    #[must_use]
    pub fn cty(&self) -> Option<&str> {
        self.cty.as_deref()
    }

    /// Whether `typ` is `expected`, which is written without `application/`: case does not count, and the prefix may
    /// be there or not (RFC 7515 section 4.1.9). A missing `typ` is of no type.
    #[must_use]
    pub fn is_type(&self, expected: &str) -> bool {
        self.typ().is_some_and(|typ| same_media_type(typ, expected))
    }

    /// Whether the payload is said to be a JWT itself (RFC 7519 section 5.2).
    #[must_use]
    pub fn is_nested(&self) -> bool {
        self.cty().is_some_and(|cty| same_media_type(cty, "JWT"))
    }
}

/// The members of a bounded header that demands no extension.
pub(super) fn parse_members(json: &[u8]) -> Result<Map<String, Value>, JoseError> {
    let value = parse_strict(json, MAX_HEADER_BYTES, MAX_HEADER_DEPTH).map_err(|error| match error {
        InvalidJson::TooLong => JoseError::TooLong,
        InvalidJson::Malformed | InvalidJson::MemberRepeated | InvalidJson::TooDeep => JoseError::Header,
    })?;
    let Value::Object(members) = value else {
        return Err(JoseError::Header);
    };
    if members.len() > MAX_HEADER_MEMBERS {
        return Err(JoseError::Header);
    }
    if EXTENSIONS.iter().any(|name| members.contains_key(*name)) {
        return Err(JoseError::Extension);
    }
    Ok(members)
}

/// Takes the text `name` out of `members`: at most 256 bytes.
pub(super) fn take_text(members: &mut Map<String, Value>, name: &str) -> Result<Option<String>, JoseError> {
    match members.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) if text.len() <= MAX_VALUE_BYTES => Ok(Some(text)),
        Some(_) => Err(JoseError::Header),
    }
}

fn same_media_type(sent: &str, expected: &str) -> bool {
    const PREFIX: &str = "application/";
    let (prefix, rest) = sent.split_at_checked(PREFIX.len()).unwrap_or(("", sent));
    let short = if prefix.eq_ignore_ascii_case(PREFIX) { rest } else { sent };
    short.eq_ignore_ascii_case(expected)
}

/// What a new token's header says beside `alg` and `kid`, which come from its signer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct SigningHeader {
    typ: Option<String>,
    cty: Option<String>,
}

impl SigningHeader {
    /// A header without `typ`.
    pub const fn new() -> Self {
        Self { typ: None, cty: None }
    }

    /// A header with this `typ`, written without `application/`: `at+jwt`, `JWT`.
    pub fn typed(typ: impl Into<String>) -> Self {
        Self { typ: Some(typ.into()), cty: None }
    }

    /// Adds a `cty`.
    pub fn with_cty(mut self, cty: impl Into<String>) -> Self {
        self.cty = Some(cty.into());
        self
    }

    pub(super) fn to_json(&self, alg: SigningAlg, kid: Option<&str>) -> Vec<u8> {
        let members = Members { alg, typ: self.typ.as_deref(), cty: self.cty.as_deref(), kid };
        serde_json::to_vec(&members).expect("a struct of texts always serialises")
    }
}

#[derive(Serialize)]
struct Members<'a> {
    alg: SigningAlg,
    #[serde(skip_serializing_if = "Option::is_none")]
    typ: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cty: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}
