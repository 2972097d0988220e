//! The issuer.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use url::{Host, Url};

/// An issuer identifier: an https URL without query, fragment and user information, as configured, never as a
/// request claims (OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2).
///
/// http is accepted for loopback hosts only; cookies then lose `__Host-` and `Secure`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Issuer {
    text: Arc<str>,
    path: Arc<str>,
    origin: Arc<str>,
}

/// A text that cannot be an issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an issuer must be an https url (http for loopback hosts only) without user, query, fragment and final slash"
)]
pub struct InvalidIssuer;

impl Issuer {
    /// The issuer as it stands in every `iss`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its path: empty, or beginning with a slash and not ending in one.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether it is https.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.text.starts_with("https://")
    }

    /// The URL of an endpoint whose path, below the issuer's, is `path`.
    #[must_use]
    pub fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }
}

impl FromStr for Issuer {
    type Err = InvalidIssuer;

    fn from_str(text: &str) -> Result<Self, InvalidIssuer> {
        let url = Url::parse(text).map_err(|_| InvalidIssuer)?;
        let loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => return Err(InvalidIssuer),
        };
        if !(url.scheme() == "https" || (url.scheme() == "http" && loopback)) {
            return Err(InvalidIssuer);
        }
        let origin = url.origin().ascii_serialization();
        let path = text.strip_prefix(&origin).ok_or(InvalidIssuer)?;
        let plain = path.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/".contains(&b));
        let sound = path.is_empty() || (path.starts_with('/') && !path.ends_with('/') && url.path() == path);
        if !plain || !sound || path.contains("//") {
            return Err(InvalidIssuer);
        }
        Ok(Self { text: text.into(), path: path.into(), origin: origin.into() })
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issuer({:?})", &*self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_https_or_loopback_and_in_its_normal_form() {
        for text in [
            "https://op.example",
            "https://op.example:8443/tenant/a",
            "http://127.0.0.1:4444",
            "http://localhost:1",
        ] {
            assert_eq!(text.parse::<Issuer>().map(|issuer| issuer.to_string()).as_deref(), Ok(text));
        }
        for text in [
            "http://op.example",
            "https://op.example/",
            "https://op.example/a/",
            "https://op.example?x",
            "https://op.example#x",
            "https://u@op.example",
            "https://OP.example",
            "https://op.example:443",
            "https://op.example/a/../b",
            "op.example",
            "https://op.example//a",
            "https://op.example/%61",
            "ftp://op.example",
            "https://",
        ] {
            assert_eq!(text.parse::<Issuer>(), Err(InvalidIssuer), "{text}");
        }
    }
}
