//! What a token is bound to (RFC 7800): whoever presents it must hold the key.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// The key that something is bound to: the member `cnf` of tokens, introspection answers and records.
///
/// What names a key in a way that is not known here does not read, so that nothing bound passes for unbound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Confirmation {
    /// `jkt`: the SHA-256 thumbprint of the key of DPoP proofs (RFC 9449 section 6).
    #[serde(rename = "jkt")]
    Jkt(Thumbprint),
    /// `x5t#S256`: the SHA-256 hash of the DER of a client certificate (RFC 8705 section 3.1).
    #[serde(rename = "x5t#S256")]
    X5tS256(Thumbprint),
}

impl Confirmation {
    /// The `token_type` of an access token that is bound to this, or to nothing: `DPoP` where each use takes a proof
    /// (RFC 9449 section 5), else `Bearer`.
    #[must_use]
    pub const fn token_type(bound: Option<&Self>) -> &'static str {
        match bound {
            Some(Self::Jkt(_)) => "DPoP",
            Some(Self::X5tS256(_)) | None => "Bearer",
        }
    }
}

/// A SHA-256 hash that names a key or a certificate; as text the 43 characters of its base64url.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Thumbprint([u8; 32]);

/// A text that is no [`Thumbprint`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a thumbprint must be 43 characters of base64url")]
pub struct InvalidThumbprint;

impl Thumbprint {
    /// The thumbprint with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads the one spelling that there is.
    ///
    /// # Errors
    /// [`InvalidThumbprint`].
    pub fn parse(text: &str) -> Result<Self, InvalidThumbprint> {
        let mut bytes = [0; 32];
        match BASE64_URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(32) => Ok(Self(bytes)),
            _ => Err(InvalidThumbprint),
        }
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Thumbprint({self})")
    }
}

impl From<Thumbprint> for String {
    fn from(thumbprint: Thumbprint) -> Self {
        thumbprint.to_string()
    }
}

impl TryFrom<String> for Thumbprint {
    type Error = InvalidThumbprint;

    fn try_from(text: String) -> Result<Self, InvalidThumbprint> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    const TEXT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

    #[test]
    fn each_is_written_as_the_member_that_names_it_and_reads_back() {
        let thumbprint = Thumbprint::parse(TEXT).unwrap();
        assert_eq!(thumbprint.to_string(), TEXT);
        for (confirmation, written, token_type) in [
            (Confirmation::Jkt(thumbprint), json!({ "jkt": TEXT }), "DPoP"),
            (Confirmation::X5tS256(thumbprint), json!({ "x5t#S256": TEXT }), "Bearer"),
        ] {
            assert_eq!(serde_json::to_value(confirmation).unwrap(), written);
            assert_eq!(from_value::<Confirmation>(written).unwrap(), confirmation);
            assert_eq!(Confirmation::token_type(Some(&confirmation)), token_type);
        }
        assert_eq!(Confirmation::token_type(None), "Bearer");
    }

    #[test]
    fn what_binds_in_another_way_does_not_read() {
        for other in [
            json!({}),
            json!({ "jwk": {} }),
            json!({ "jkt": TEXT, "x5t#S256": TEXT }),
            json!({ "jkt": 1 }),
            json!({ "jkt": format!("{TEXT}A") }),
            json!({ "jkt": format!("{TEXT}=") }),
            json!({ "jkt": &TEXT[..42] }),
            // The last character has two bits to spare, which must not be set.
            json!({ "jkt": TEXT.replace("A4I", "A4J") }),
            json!(TEXT),
            json!(null),
        ] {
            assert!(from_value::<Confirmation>(other.clone()).is_err(), "{other}");
        }
    }
}
