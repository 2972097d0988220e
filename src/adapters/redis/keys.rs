//! The names of keys.

use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::secret::TokenHash;
use crate::store::SubjectKey;
use crate::types::ClientId;

/// Makes the keys of one namespace. Each begins with the namespace in braces, by which a cluster chooses the slot.
#[derive(Clone)]
pub(super) struct Keys {
    prefix: Arc<str>,
}

impl Keys {
    pub(super) fn new(namespace: &str) -> Self {
        Self { prefix: format!("{{vouchsafe:{}}}:", escaped(namespace)).into() }
    }

    /// How all keys of the namespace begin.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// How the keys of requests begin.
    pub(super) fn deferred_prefix(&self) -> String {
        format!("{}deferred:", self.prefix)
    }

    pub(super) fn code(&self, key: &TokenHash) -> String {
        format!("{}code:{}", self.prefix, name(key.as_bytes()))
    }

    pub(super) fn ticket(&self, key: &TokenHash) -> String {
        format!("{}ticket:{}", self.prefix, name(key.as_bytes()))
    }

    pub(super) fn deferred(&self, key: &TokenHash) -> String {
        format!("{}deferred:{}", self.prefix, name(key.as_bytes()))
    }

    /// By what the person types; of a request without that a key that nothing is kept under.
    pub(super) fn user_code(&self, user_code: Option<&TokenHash>) -> String {
        let name = user_code.map(|code| name(code.as_bytes())).unwrap_or_default();
        format!("{}user_code:{name}", self.prefix)
    }

    /// The requests that wait about a subject; without a subject a key that nothing is kept under.
    pub(super) fn waiting(&self, subject: Option<&SubjectKey>) -> String {
        let name = subject.map(|subject| name(subject.as_bytes())).unwrap_or_default();
        format!("{}waiting:{name}", self.prefix)
    }

    /// Those of one client among them.
    pub(super) fn waiting_of(&self, subject: Option<&SubjectKey>, client: &ClientId) -> String {
        format!("{}:{client}", self.waiting(subject))
    }

    /// A value that was used.
    pub(super) fn used(&self, space: &str, id: &TokenHash) -> String {
        format!("{}used:{}:{space}", self.prefix, name(id.as_bytes()))
    }

    /// Since when the database remembers what was used.
    pub(super) fn since(&self) -> String {
        format!("{}since", self.prefix)
    }

    /// A pattern of the keys of rows that can be swept: codes, requests and tickets.
    pub(super) fn rows(&self) -> String {
        format!("{}[cdt]*", self.prefix)
    }
}

/// A hash as a part of a key.
pub(super) fn name(bytes: &[u8; 32]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// A namespace without what has a meaning in a key or in a pattern.
fn escaped(namespace: &str) -> String {
    namespace.bytes().fold(String::new(), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a `String` never fails.
            let _written = write!(escaped, "%{byte:02x}");
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_namespace_is_taken_for_another() {
        let names = ["", "a", "A", "a ", "a}", "a%20", "*", "a:b", "\u{e9}"];
        let prefixes: Vec<_> = names.iter().map(|name| Keys::new(name)).collect();
        for (at, keys) in prefixes.iter().enumerate() {
            let prefix = keys.prefix();
            assert_eq!(prefix.matches(['{', '}']).count(), 2, "{prefix}: one hash tag");
            assert!(!prefix.contains(['*', '?', '[', '\\']), "{prefix}: no pattern");
            let others = prefixes.iter().enumerate().filter(|(other, _)| *other != at);
            for (_, other) in others {
                assert!(!other.prefix().starts_with(prefix), "{prefix}");
            }
        }
    }
}
