//! URLs of clients that the provider itself asks.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use url::Url;

use super::{is_plain_host, is_rfc3986_text};

/// Most bytes in a URL that is fetched.
pub const MAX_FETCH_URL_BYTES: usize = 2048;

/// An https URL at which a client keeps a document or takes notifications: `jwks_uri` and the like.
///
/// There is one spelling of its host: a domain without a final dot, an IPv4 address of four decimal numbers, or an
/// IPv6 address in its shortest form, so that whoever reads it sees where it leads. Any port but 0 may follow. There
/// is no user information and no fragment. Which addresses may be asked is for
/// [`HttpClient`](crate::wire::HttpClient) to say, when the host is resolved.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FetchUrl(Arc<str>);

/// A text that is no URL to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an https url of up to 2048 bytes, its host in normal form, without user and fragment")]
pub struct InvalidFetchUrl;

impl FetchUrl {
    /// Checks the form of `text`, which is kept as it is.
    ///
    /// # Errors
    /// [`InvalidFetchUrl`] for any other text, or one over 2048 bytes.
    pub fn parse(text: &str) -> Result<Self, InvalidFetchUrl> {
        let rest = text.strip_prefix("https://").ok_or(InvalidFetchUrl)?;
        if text.len() > MAX_FETCH_URL_BYTES || !is_rfc3986_text(text) || text.contains('#') {
            return Err(InvalidFetchUrl);
        }
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let url = Url::parse(text).map_err(|_| InvalidFetchUrl)?;
        match url.host_str() {
            Some(host) if is_spelt(authority, host) && is_plain_host(&url) => Ok(Self(text.into())),
            _ => Err(InvalidFetchUrl),
        }
    }

    /// Its host, without the port.
    #[must_use]
    pub fn host(&self) -> Option<String> {
        Url::parse(&self.0).ok()?.host_str().map(str::to_owned)
    }

    /// The URL as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether `authority` is `host` and perhaps a port, with nothing before, between or behind them.
fn is_spelt(authority: &str, host: &str) -> bool {
    let Some((spelt, port)) = authority.split_at_checked(host.len()) else { return false };
    let is_port = |digits: &str| {
        digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok_and(|port| port != 0)
    };
    spelt.eq_ignore_ascii_case(host)
        && !host.ends_with('.')
        && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

impl TryFrom<String> for FetchUrl {
    type Error = InvalidFetchUrl;

    fn try_from(text: String) -> Result<Self, InvalidFetchUrl> {
        Self::parse(&text)
    }
}

impl From<FetchUrl> for String {
    fn from(url: FetchUrl) -> Self {
        url.as_str().to_owned()
    }
}

impl fmt::Display for FetchUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FetchUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FetchUrl({:?})", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_to_fetch_is_kept_as_it_is_written() {
        for text in [
            "https://rp.example",
            "https://rp.example/jwks?set=1&v=%7E",
            "https://RP.example:8443/jwks",
            "https://rp.example:443/",
            "https://93.184.216.34/jwks",
            "https://[2606:4700::1111]:8443/jwks",
            "https://xn--bcher-kva.example/",
        ] {
            assert_eq!(FetchUrl::parse(text).as_ref().map(FetchUrl::as_str), Ok(text));
        }
        let longest = format!("https://rp.example/{}", "a".repeat(MAX_FETCH_URL_BYTES - 19));
        assert!(FetchUrl::parse(&longest).is_ok());
        assert!(FetchUrl::parse(&format!("{longest}a")).is_err());
    }

    /// attack 78, attack 207, attack 208: no other scheme, no credentials, and no disguise of a host can be
    /// registered.
    #[test]
    fn a_url_in_disguise_is_refused() {
        for text in [
            "",
            "http://169.254.169.254/",
            "http://localhost:8500/",
            "HTTPS://rp.example/",
            "file:///etc/passwd",
            "gopher://rp.example/",
            "https:rp.example",
            "https:///rp.example",
            "https://",
            "https://:443/",
            "https://user@rp.example/",
            "https://user:password@rp.example/",
            "https://@rp.example/",
            "https://rp.example#x",
            "https://rp.example\\@10.0.0.1/",
            "https://rp.example/\r\nHost: internal",
            "https://rp.example/ x",
            "https://b\u{fc}cher.example/",
            "https://127.0.0.1\u{3002}/",
            "https://%31%32%37.0.0.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://127.0.0.1./",
            "https://localhost./",
            "https://rp.example./",
            "https://[::ffff:127.0.0.1]/",
            "https://[0:0:0:0:0:0:0:1]/",
            "https://[fe80::1%25eth0]/",
            "https://0;x.rp.example/",
            "https://0,x.rp.example/",
            "https://0'x.rp.example/",
            "https://rp.example:0/",
            "https://rp.example:/",
            "https://rp.example:65536/",
            "https://rp.example:+443/",
            "https://rp.example:443:443/",
        ] {
            assert_eq!(FetchUrl::parse(text), Err(InvalidFetchUrl), "{text}");
        }
    }
}
