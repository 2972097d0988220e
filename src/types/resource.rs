//! Resource indicators.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use url::Url;

/// Most bytes in a resource indicator.
pub const MAX_RESOURCE_BYTES: usize = 2048;

/// A `resource`: the absolute URI of a protected resource, without fragment (RFC 8707 section 2).
///
/// Resources are equal when their bytes are; nothing is folded, so that the `aud` in a token is what was asked.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Resource(Arc<str>);

/// A text that is no resource indicator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a resource must be an absolute uri of up to 2048 bytes, without fragment")]
pub struct InvalidResource;

impl Resource {
    /// Checks the form of `text`: a scheme, something behind it, no fragment (RFC 3986 section 4.3).
    ///
    /// # Errors
    /// [`InvalidResource`] for any other text, or one over 2048 bytes.
    pub fn parse(text: &str) -> Result<Self, InvalidResource> {
        let (scheme, rest) = text.split_once(':').ok_or(InvalidResource)?;
        let sound = text.len() <= MAX_RESOURCE_BYTES
            && is_scheme(scheme)
            && !rest.trim_start_matches('/').is_empty()
            && super::is_rfc3986_text(text)
            && !text.contains('#')
            && Url::parse(text).is_ok();
        if sound { Ok(Self(text.into())) } else { Err(InvalidResource) }
    }

    /// The resource as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )` (RFC 3986 section 3.1).
fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Resource({:?})", &*self.0)
    }
}

impl TryFrom<String> for Resource {
    type Error = InvalidResource;
    fn try_from(text: String) -> Result<Self, InvalidResource> {
        Self::parse(&text)
    }
}

impl From<Resource> for String {
    fn from(resource: Resource) -> Self {
        resource.0.as_ref().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// attack 44: a fragment, a relative reference, or what no URI can hold.
    #[test]
    fn only_an_absolute_uri_without_fragment_is_a_resource() {
        for text in ["https://rs.example/", "https://rs.example/a?b=c", "urn:example:rs", "api://rs"] {
            assert_eq!(Resource::parse(text).unwrap().as_str(), text);
        }
        let long = format!("https://rs.example/{}", "a".repeat(MAX_RESOURCE_BYTES));
        for text in [
            "https://rs/#frag",
            "https://rs/#",
            "/relative",
            "rs.example/a",
            "//rs.example/",
            "",
            ":",
            "https:",
            "https://",
            "1s://rs",
            "ht tp://rs",
            "https://rs/a b",
            "https://rs/\u{e9}",
            "https://rs/%zz",
            "https://[",
            "https://rs:99999/",
            "https://rs/\r\n",
            &long,
        ] {
            assert_eq!(Resource::parse(text), Err(InvalidResource), "{text:?}");
        }
    }
}
