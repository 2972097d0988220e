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

    /// Whether `url` is the resource `base` or, where both are URLs with a host, below it: on the same scheme, host and
    /// port, and at a path that begins with the whole segments of that of `base`.
    ///
    /// Texts are compared byte by byte. Below another is only a URL in its normal form, without userinfo and without an
    /// escaped dot, slash or backslash, nor with a segment of one or two dots and parameters (`..;a`), so that no reader
    /// takes it for one elsewhere.
    #[must_use]
    pub fn covers(base: &str, url: &str) -> bool {
        if base == url {
            return true;
        }
        let Some(rest) = url.strip_prefix(base) else { return false };
        let at_boundary = base.ends_with('/') || rest.starts_with(['/', '?']);
        at_boundary && !base.contains(['?', '#']) && is_normal(base) && is_normal(url)
    }

    /// The resource as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether `text` is a URL with a host that every reader takes for the same.
fn is_normal(text: &str) -> bool {
    let escaped = ["%2e", "%2f", "%5c"];
    let lower = text.to_ascii_lowercase();
    let authority = text.split_once("://").map(|(_, rest)| rest.split(['/', '?']).next().unwrap_or_default());
    let sound = authority.is_some_and(|authority| !authority.is_empty() && !authority.contains('@'));
    sound
        && Resource::parse(text).is_ok()
        && !escaped.iter().any(|escape| lower.contains(escape))
        && !lower.split(['/', '?']).any(is_dots_with_parameters)
        && Url::parse(text).is_ok_and(|url| url.as_str().trim_end_matches('/') == text.trim_end_matches('/'))
}

/// Whether a segment is dots and parameters: servers that strip those (RFC 3986 section 3.3) take it for the dots alone.
fn is_dots_with_parameters(segment: &str) -> bool {
    let behind = segment.strip_prefix('.').map(|rest| rest.strip_prefix('.').unwrap_or(rest));
    behind.is_some_and(|rest| rest.starts_with(';') || rest.starts_with("%3b"))
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

    #[test]
    fn a_url_covers_itself_and_what_is_below_it() {
        for (base, url) in [
            ("https://rs.example", "https://rs.example"),
            ("https://rs.example", "https://rs.example/"),
            ("https://rs.example", "https://rs.example/a/b?c=d"),
            ("https://rs.example/", "https://rs.example/a"),
            ("https://rs.example/a", "https://rs.example/a/b"),
            ("https://rs.example/a", "https://rs.example/a?b"),
            ("https://rs.example:8443/a/", "https://rs.example:8443/a/b"),
            ("https://rs.example/a/", "https://rs.example/a/b;c=d/...;e"),
            ("urn:example:rs", "urn:example:rs"),
        ] {
            assert!(Resource::covers(base, url), "{base} {url}");
        }
    }

    /// attack 130: a prefix of the text is not one of the resource, and no other spelling leads below it.
    #[test]
    fn nothing_beside_a_url_is_covered_by_it() {
        for (base, url) in [
            ("https://rs.example", "https://rs.example.evil.example/"),
            ("https://rs.example", "https://rs.example@evil.example/"),
            ("https://rs.example", "https://rs.example:8443/"),
            ("https://rs.example", "http://rs.example/"),
            ("https://rs.example", "HTTPS://rs.example/a"),
            ("https://", "https://evil.example/"),
            ("https:", "https:/evil.example"),
            ("https://rs.example/a", "https://rs.example/ab"),
            ("https://rs.example/a", "https://rs.example"),
            ("https://rs.example/a", "https://rs.example/a/../b"),
            ("https://rs.example/a/", "https://rs.example/a/%2e%2e/b"),
            ("https://rs.example/a/", "https://rs.example/a/.%2E/b"),
            ("https://rs.example/a/", "https://rs.example/a/%2e%2e%2fb"),
            ("https://rs.example/a/", "https://rs.example/a/..%5cb"),
            ("https://rs.example/a/", "https://rs.example/a/\\..\\b"),
            ("https://rs.example/a/", "https://rs.example/a/..;/b"),
            ("https://rs.example/a/", "https://rs.example/a/b/.;c=d/..;e/..;f"),
            ("https://rs.example/a/", "https://rs.example/a/..%3B/b"),
            ("https://rs.example/a/", "https://rs.example/a/#b"),
            ("https://rs.example/a?b=", "https://rs.example/a?b=/c"),
            ("https://u@rs.example/a/", "https://u@rs.example/a/b"),
            ("urn:example", "urn:example/rs"),
            ("urn:example/", "urn:example/rs"),
            ("", "/a"),
            ("/", "/a"),
        ] {
            assert!(!Resource::covers(base, url), "{base} {url}");
        }
    }

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
