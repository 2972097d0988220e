//! Identifiers: one newtype each, so that none can stand where another belongs.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::entropy::{Entropy, EntropyError};

/// Most bytes in an identifier.
pub const MAX_ID_BYTES: usize = 255;

/// A text that cannot be the identifier it was offered as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an identifier must be 1 to 255 printable ASCII characters of the form its kind allows")]
pub struct InvalidId;

/// Whether `text` is 1 to 255 characters from space to tilde (VSCHAR, RFC 6749 appendix A).
fn is_vschar(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_ID_BYTES && text.bytes().all(|b| (0x20..=0x7e).contains(&b))
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[serde(try_from = "Cow<'_, str>")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes `text` as it is; nothing is trimmed or folded.
            ///
            /// # Errors
            /// [`InvalidId`] when the text is empty, over 255 bytes, or has a character outside its set.
            pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidId> {
                let (text, valid): (&str, fn(&str) -> bool) = (text.as_ref(), $valid);
                if valid(text) { Ok(Self(text.into())) } else { Err(InvalidId) }
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), &*self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl TryFrom<Cow<'_, str>> for $name {
            type Error = InvalidId;
            fn try_from(text: Cow<'_, str>) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().to_owned()
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}

identifier! {
    /// A `client_id`: 1 to 255 characters from space to tilde (RFC 6749 section 2.2 and appendix A.1).
    ClientId, is_vschar
}

identifier! {
    /// The host's stable identifier of a person: 1 to 255 characters from space to tilde
    /// (OpenID Connect Core 1.0 section 2, `sub`).
    ///
    /// # Security
    /// A text that begins with `client:` is refused: that is how tokens name a client that acts for itself, so
    /// no client can pass for a person (RFC 9700 section 4.15).
    Subject, |text| is_vschar(text) && !text.starts_with(CLIENT_SUBJECT_PREFIX)
}

identifier! {
    /// The host's stable, non-secret name of one login session: 1 to 255 characters from space to tilde.
    ///
    /// It survives step-up and is never the value of a cookie.
    SessionId, is_vschar
}

identifier! {
    /// A `kid` (RFC 7515 section 4.1.4): 1 to 255 characters from space to tilde; an opaque lookup key.
    KeyId, is_vschar
}

/// How the `sub` of a client that acts for itself begins.
pub const CLIENT_SUBJECT_PREFIX: &str = "client:";

/// Characters of a [`GrantId`] as text.
const GRANT_ID_TEXT: usize = 22;

/// Bytes at the beginning of a [`GrantId`] that tell when it was drawn.
const GRANT_TIME_BYTES: usize = 4;

/// The name of one grant: 16 bytes, written as 22 characters of base64url. It is not a secret.
///
/// The first four bytes are the second at which it was drawn, so that grants of one time are neighbours in every index
/// and listings begin with the oldest; the other twelve are random.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrantId([u8; 16]);

impl GrantId {
    /// Draws a new one at `now`.
    ///
    /// # Errors
    /// [`EntropyError`] when the random source fails.
    pub fn generate(entropy: &dyn Entropy, now: Timestamp) -> Result<Self, EntropyError> {
        let mut bytes = [0; 16];
        let (time, rest) = bytes.split_at_mut(GRANT_TIME_BYTES);
        // Of a time beyond 2106 the last four bytes are left: neighbours stay neighbours.
        time.copy_from_slice(&now.unix().to_be_bytes()[8 - GRANT_TIME_BYTES..]);
        entropy.fill(rest)?;
        Ok(Self(bytes))
    }

    /// A name read back from a store.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The name as a store writes it.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    fn text<'a>(&self, buffer: &'a mut [u8; GRANT_ID_TEXT]) -> &'a str {
        let written = BASE64_URL_SAFE_NO_PAD.encode_slice(self.0, buffer);
        written.ok().and_then(|length| std::str::from_utf8(&buffer[..length]).ok()).unwrap_or_default()
    }
}

impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text(&mut [0; GRANT_ID_TEXT]))
    }
}

impl fmt::Debug for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GrantId({self})")
    }
}

impl FromStr for GrantId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let mut bytes = [0; 16];
        match BASE64_URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(16) => Ok(Self(bytes)),
            _ => Err(InvalidId),
        }
    }
}

impl Serialize for GrantId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text(&mut [0; GRANT_ID_TEXT]))
    }
}

impl<'de> Deserialize<'de> for GrantId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// attack 53: the `sub` of a client never equals the `sub` of a person.
    #[test]
    fn a_subject_cannot_look_like_a_client() {
        assert_eq!(Subject::new("client:reports"), Err(InvalidId));
        assert!(Subject::new("clients:reports").is_ok());
    }

    #[test]
    fn identifiers_are_bounded_and_printable() {
        assert!(ClientId::new("a".repeat(255)).is_ok());
        for text in ["", &"a".repeat(256), "a\nb", "a\0", "\u{e9}"] {
            assert_eq!(ClientId::new(text), Err(InvalidId), "{text:?}");
        }
    }

    #[test]
    fn a_grant_id_reads_back() {
        let id = GrantId::from_bytes([0xfb; 16]);
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in
            ["", "AAAA", "AAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAB", "AAAAAAAAAAAAAAAAAAAAA="]
        {
            assert_eq!(text.parse::<GrantId>(), Err(InvalidId), "{text}");
        }
    }
}
