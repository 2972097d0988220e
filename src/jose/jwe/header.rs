//! The header of a compact JWE (RFC 7516 section 4).

use serde::Serialize;
use serde_json::{Map, Value};

use crate::jose::header::{Header, parse_members, take_text};
use crate::jose::{ContentEnc, JoseError, KeyAlg};

/// The header that an encrypted token came with: claims of its sender, of which `alg` and `enc` must still be found to
/// be expected ones.
///
/// `jku`, `x5u`, `jwk` and `x5c` are ignored, and so are the parameters of algorithms that do not exist here, as `p2c`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JweHeader {
    common: Header,
    enc: String,
    pub(super) agreement: Agreement,
}

/// What the sender of a token says about the key agreement (RFC 7518 section 4.6.1), unchecked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Agreement {
    pub(super) epk: Option<Map<String, Value>>,
    pub(super) apu: Option<String>,
    pub(super) apv: Option<String>,
}

impl JweHeader {
    pub(super) fn parse(json: &[u8]) -> Result<Self, JoseError> {
        let mut members = parse_members(json)?;
        let common = Header::take(&mut members)?;
        let enc = take_text(&mut members, "enc")?.ok_or(JoseError::Header)?;
        let epk = match members.remove("epk") {
            None => None,
            Some(Value::Object(epk)) => Some(epk),
            Some(_) => return Err(JoseError::Header),
        };
        let (apu, apv) = (take_text(&mut members, "apu")?, take_text(&mut members, "apv")?);
        Ok(Self { common, enc, agreement: Agreement { epk, apu, apv } })
    }

    /// The key management algorithm, when it is one that exists here.
    #[must_use]
    pub fn alg(&self) -> Option<KeyAlg> {
        self.common.alg_name().parse().ok()
    }

    /// The content encryption, when it is one that exists here.
    #[must_use]
    pub fn enc(&self) -> Option<ContentEnc> {
        self.enc.parse().ok()
    }

    /// The name of the recipient's key: an opaque lookup key of at most 256 bytes.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.common.kid()
    }

    /// Whether the content is said to be a JWT itself (RFC 7519 section 5.2).
    #[must_use]
    pub fn is_nested(&self) -> bool {
        self.common.is_nested()
    }
}

/// The header of a token that is written here.
#[derive(Serialize)]
pub(super) struct Written<'a> {
    pub(super) alg: KeyAlg,
    pub(super) enc: ContentEnc,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cty: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) epk: Option<Value>,
}
