//! The URI of an HTTP request in its one normal form, for comparing it with another spelling of it.

use std::fmt;
use std::sync::Arc;

use super::is_rfc3986_text;

/// Most bytes in the URI of a request, as it is written.
pub const MAX_HTTP_URI_BYTES: usize = 2048;

/// An `http` or `https` URI without query and fragment, after the normalisation of RFC 3986 sections 6.2.2 and 6.2.3:
/// scheme and host in lower case, no default port, escapes undone where nothing needs them and otherwise in upper case,
/// no dot segments, and a path.
///
/// Two are equal exactly when they name one place.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct HttpUri(Arc<str>);

/// A text that is no [`HttpUri`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the uri must be an absolute http or https uri with a host and without user information")]
pub struct InvalidHttpUri;

impl HttpUri {
    /// Reads a URI; its query and fragment are left out.
    ///
    /// # Errors
    /// [`InvalidHttpUri`], also for what is over 2048 bytes.
    pub fn parse(text: &str) -> Result<Self, InvalidHttpUri> {
        if text.len() > MAX_HTTP_URI_BYTES || !is_rfc3986_text(text) {
            return Err(InvalidHttpUri);
        }
        let text = text.split(['?', '#']).next().unwrap_or_default();
        let (scheme, rest) = text.split_once("://").ok_or(InvalidHttpUri)?;
        let scheme = scheme.to_ascii_lowercase();
        let default_port = match scheme.as_str() {
            "http" => "80",
            "https" => "443",
            _ => return Err(InvalidHttpUri),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = host_and_port(authority)?;
        let mut normal = format!("{scheme}://{host}");
        if !port.is_empty() && port != default_port {
            normal.extend([":", port]);
        }
        normal.push_str(&without_dot_segments(&unescaped(path)));
        Ok(Self(normal.into()))
    }

    /// The URI in its normal form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The host in lower case, and the digits of the port without zeros before them.
fn host_and_port(authority: &str) -> Result<(String, &str), InvalidHttpUri> {
    let (host, port) = match authority.rsplit_once(':') {
        // A colon within brackets belongs to an IPv6 address.
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (authority, ""),
    };
    let host = unescaped(host).to_ascii_lowercase();
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_sound = match inner {
        Some(address) => address.bytes().all(|b| b.is_ascii_hexdigit() || b":.".contains(&b)),
        None => !host.contains([':', '[', ']', '@']),
    };
    if !is_sound || inner.unwrap_or(&host).is_empty() || !port.bytes().all(|b| b.is_ascii_digit()) {
        return Err(InvalidHttpUri);
    }
    Ok((host, port.trim_start_matches('0')))
}

/// Undoes the escapes of unreserved characters, and writes the others in upper case (RFC 3986 sections 6.2.2.1 and
/// 6.2.2.2). Every escape is whole.
fn unescaped(text: &str) -> String {
    let mut parts = text.split('%');
    let mut normal = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        let decoded = u8::from_str_radix(digits, 16).ok().map(char::from);
        match decoded.filter(|c| c.is_ascii_alphanumeric() || "-._~".contains(*c)) {
            Some(plain) => normal.push(plain),
            None => normal.extend(["%", &digits.to_ascii_uppercase()]),
        }
        normal.push_str(rest);
    }
    normal
}

/// RFC 3986 section 5.2.4, for a path that is empty or begins with a slash; an empty one is `/`.
fn without_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            _ => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

impl fmt::Display for HttpUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for HttpUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpUri({:?})", &*self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn normal(text: &str) -> Option<String> {
        HttpUri::parse(text).ok().map(|uri| uri.to_string())
    }

    /// attack 173: every spelling of one place reads as one.
    #[test]
    fn spellings_of_one_place_are_equal() {
        for text in [
            "https://op.example/token",
            "HTTPS://OP.Example/token",
            "https://op.example:443/token",
            "https://op.example:0443/token",
            "https://op.example:/token",
            "https://op.example/token?a=b",
            "https://op.example/token#f",
            "https://op.example/token?a#f?b",
            "https://op.example/%74oken",
            "https://%6Fp.example/token",
            "https://op.example/a/../token",
            "https://op.example/./token",
            "https://op.example/../../token",
            "https://op.example/a/%2e%2E/token",
        ] {
            assert_eq!(normal(text).as_deref(), Some("https://op.example/token"), "{text}");
        }
        for (text, expected) in [
            ("http://op.example:80", "http://op.example/"),
            ("http://op.example:443/", "http://op.example:443/"),
            ("https://[2001:DB8::1]:443/a", "https://[2001:db8::1]/a"),
            ("https://[2001:db8::1]:8443/a", "https://[2001:db8::1]:8443/a"),
            ("https://op.example/a%2fb", "https://op.example/a%2Fb"),
            ("https://op.example/a/..", "https://op.example/"),
            ("https://op.example/a/b/.", "https://op.example/a/b/"),
            ("https://op.example/a//b", "https://op.example/a//b"),
        ] {
            assert_eq!(normal(text).as_deref(), Some(expected), "{text}");
        }
    }

    /// attack 173: and no other place does.
    #[test]
    fn other_places_differ() {
        let place = HttpUri::parse("https://op.example/token").unwrap();
        for text in [
            "http://op.example/token",
            "https://op.example:8443/token",
            "https://op.example./token",
            "https://evil.example/token",
            "https://op.example/Token",
            "https://op.example/token/",
            "https://op.example//token",
            "https://op.example/token%20",
            "https://op.example/token%2F",
            "https://op.example/token;a",
        ] {
            assert_ne!(HttpUri::parse(text).unwrap(), place, "{text}");
        }
    }

    #[test]
    fn what_is_no_place_of_http_is_refused() {
        for text in [
            "",
            "/token",
            "op.example/token",
            "ftp://op.example/token",
            "https:op.example/token",
            "https:/op.example/token",
            "https:///token",
            "https://:443/token",
            "https://user@op.example/token",
            "https://op.example%40evil.example@x/token",
            "https://op.example:44a/token",
            "https://op.example:1:2/token",
            "https://[::1/token",
            "https://[]/token",
            "https://op.example\\evil.example/token",
            "https://op.example/to ken",
            "https://op.example/%4",
            "https://op.example/\u{e9}",
        ] {
            assert_eq!(normal(text), None, "{text}");
        }
        let long = format!("https://op.example/{}", "a".repeat(MAX_HTTP_URI_BYTES));
        assert_eq!(normal(&long), None);
        assert!(normal(&long[..MAX_HTTP_URI_BYTES]).is_some());
    }

    proptest! {
        /// The normal form is its own, and never has what was to be left out.
        #[test]
        fn a_normal_form_reads_as_itself(text in "[hH]ttps?://[a-zA-Z.:0-9%\\[\\]]{1,12}[/.a%2eEfF#?]{0,16}") {
            if let Some(once) = normal(&text) {
                prop_assert_eq!(normal(&once), Some(once.clone()));
                prop_assert!(!once.contains(['?', '#']));
                // The parser of the WHATWG reads the same place.
                if let (Ok(url), Ok(of_text)) = (url::Url::parse(&once), url::Url::parse(&text)) {
                    let place = |url: &url::Url| (url.host_str().map(str::to_owned), url.port());
                    prop_assert_eq!(place(&url), place(&of_text));
                }
            }
        }
    }
}
