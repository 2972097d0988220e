//! Redirect URIs and the one rule by which they match.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// Most bytes in a redirect URI.
pub const MAX_REDIRECT_URI_BYTES: usize = 2048;

/// Query parameters that a registered redirect URI must not carry: those of an authorization response.
const RESPONSE_PARAMETERS: [&str; 12] = [
    "code",
    "state",
    "iss",
    "response",
    "error",
    "error_description",
    "error_uri",
    "access_token",
    "id_token",
    "token_type",
    "expires_in",
    "session_state",
];

/// A redirect URI as registered: absolute, without fragment and user information, over https, over http to a
/// loopback address, or with a private-use scheme that has a dot (RFC 9700 section 2.1, RFC 8252 section 7).
///
/// It matches by its bytes; see [`RedirectUri::matches`].
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RedirectUri(Arc<str>);

/// A text that cannot be registered as a redirect URI, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRedirectUri {
    /// Empty, over 2048 bytes, or with a character that RFC 3986 does not allow.
    #[error("a redirect uri must be 1 to 2048 bytes of RFC 3986 characters")]
    Characters,
    /// Relative, or read differently by URL parsers.
    #[error("a redirect uri must be an absolute uri with a host, in its normal form")]
    NotAbsolute,
    /// It has a fragment.
    #[error("a redirect uri must not have a fragment")]
    Fragment,
    /// It has user information.
    #[error("a redirect uri must not have user information")]
    UserInformation,
    /// Its scheme is not https, loopback http, or private use with a dot.
    #[error("a redirect uri must be https, http to a loopback address, or a private-use scheme with a dot")]
    Scheme,
    /// Its query holds a parameter of the authorization response, or it has a wildcard.
    #[error("a redirect uri must have no wildcard and no parameter of an authorization response")]
    Reserved,
}

impl RedirectUri {
    /// Checks that `text` can be registered.
    ///
    /// # Errors
    /// [`InvalidRedirectUri`], naming the rule that is broken.
    pub fn register(text: &str) -> Result<Self, InvalidRedirectUri> {
        if text.is_empty() || text.len() > MAX_REDIRECT_URI_BYTES || !text.bytes().all(is_uri_byte) {
            return Err(InvalidRedirectUri::Characters);
        }
        let url = Url::parse(text).map_err(|_| InvalidRedirectUri::NotAbsolute)?;
        if text.contains('#') {
            return Err(InvalidRedirectUri::Fragment);
        }
        if url.scheme() == "https" || url.scheme() == "http" {
            check_web(text, &url)?;
        } else if !url.scheme().contains('.') || !text.starts_with(url.scheme()) {
            return Err(InvalidRedirectUri::Scheme);
        }
        let reserved = url.query_pairs().any(|(name, _)| RESPONSE_PARAMETERS.contains(&name.as_ref()));
        if reserved || text.contains('*') {
            return Err(InvalidRedirectUri::Reserved);
        }
        Ok(Self(text.into()))
    }

    /// Whether `presented` may be redirected to: equal byte for byte, or, where an http loopback IP literal is
    /// registered, equal but for the port (RFC 8252 section 7.3).
    #[must_use]
    pub fn matches(&self, presented: &str) -> bool {
        if *self.0 == *presented {
            return true;
        }
        let (Some(registered), Some(presented)) = (split_loopback(&self.0), split_loopback(presented)) else {
            return false;
        };
        registered == presented
    }

    /// Whether it goes to a loopback address or a private-use scheme, where the client cannot be known
    /// (RFC 8252 section 8.6).
    #[must_use]
    pub fn is_native(&self) -> bool {
        !self.0.starts_with("https://")
    }

    /// The origin a browser would give it; `None` for a private-use scheme.
    #[must_use]
    pub fn origin(&self) -> Option<String> {
        let origin = Url::parse(&self.0).ok()?.origin();
        origin.is_tuple().then(|| origin.ascii_serialization())
    }

    /// The URI as registered.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// RFC 3986 section 2: unreserved, reserved and the escape sign, nothing else.
fn is_uri_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte)
}

fn check_web(text: &str, url: &Url) -> Result<(), InvalidRedirectUri> {
    let authority = text
        .strip_prefix(url.scheme())
        .and_then(|rest| rest.strip_prefix("://"))
        .and_then(|rest| rest.split(['/', '?']).next())
        .ok_or(InvalidRedirectUri::NotAbsolute)?;
    if authority.contains('@') || !url.username().is_empty() || url.password().is_some() {
        return Err(InvalidRedirectUri::UserInformation);
    }
    // What a browser would read must be what is written: same host, same path, no dot segments.
    let host = url.host_str().unwrap_or_default();
    let path = text.get(url.scheme().len() + 3 + authority.len()..).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let same_path = url.path() == path || (path.is_empty() && url.path() == "/");
    if host.is_empty() || !authority.starts_with(host) || !same_path {
        return Err(InvalidRedirectUri::NotAbsolute);
    }
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.scheme() == "http" && !loopback {
        return Err(InvalidRedirectUri::Scheme);
    }
    Ok(())
}

/// Splits `http://127.0.0.1:port/rest` or `http://[::1]:port/rest` into the literal and the rest; `None` for
/// any other spelling.
fn split_loopback(uri: &str) -> Option<(&'static str, &str)> {
    ["http://127.0.0.1", "http://[::1]"].into_iter().find_map(|prefix| {
        let rest = uri.strip_prefix(prefix)?;
        let rest = match rest.strip_prefix(':') {
            Some(port) => {
                let digits = port.bytes().take_while(u8::is_ascii_digit).count();
                let (port, rest) = port.split_at(digits);
                port.parse::<u16>().ok().filter(|port| *port != 0)?;
                rest
            }
            None => rest,
        };
        (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((prefix, rest))
    })
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedirectUri({:?})", &*self.0)
    }
}

impl TryFrom<String> for RedirectUri {
    type Error = InvalidRedirectUri;
    fn try_from(text: String) -> Result<Self, InvalidRedirectUri> {
        Self::register(&text)
    }
}

impl From<RedirectUri> for String {
    fn from(uri: RedirectUri) -> Self {
        uri.0.as_ref().to_owned()
    }
}
