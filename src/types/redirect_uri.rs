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
    /// What is written must be what a browser reads: where the parsers of RFC 3986 and of the WHATWG disagree on
    /// host, port, path or query, the text is refused.
    ///
    /// # Errors
    /// [`InvalidRedirectUri`], naming the rule that is broken.
    pub fn register(text: &str) -> Result<Self, InvalidRedirectUri> {
        if text.is_empty() || text.len() > MAX_REDIRECT_URI_BYTES || !is_rfc3986_text(text) {
            return Err(InvalidRedirectUri::Characters);
        }
        let url = Url::parse(text).map_err(|_| InvalidRedirectUri::NotAbsolute)?;
        if text.contains('#') {
            return Err(InvalidRedirectUri::Fragment);
        }
        let written = Written::of(text).ok_or(InvalidRedirectUri::NotAbsolute)?;
        if written.authority.is_some_and(|authority| authority.contains('@')) {
            return Err(InvalidRedirectUri::UserInformation);
        }
        match url.scheme() {
            "https" => written.check_web(&url)?,
            "http" if is_loopback(&url) => written.check_web(&url)?,
            scheme if is_private_use(scheme) => written.check_private(text, &url)?,
            _ => return Err(InvalidRedirectUri::Scheme),
        }
        let reserved = url.query_pairs().any(|(name, _)| RESPONSE_PARAMETERS.contains(&name.as_ref()));
        if reserved || text.contains('*') {
            return Err(InvalidRedirectUri::Reserved);
        }
        if written.authority.is_some() && !is_private_use(url.scheme()) && !is_plain_host(&url) {
            return Err(InvalidRedirectUri::NotAbsolute);
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

    /// The URI to redirect to when `presented` matches: `presented` itself, with its own port.
    #[must_use]
    pub fn matched(&self, presented: &str) -> Option<Self> {
        if *self.0 == *presented {
            return Some(self.clone());
        }
        self.matches(presented).then(|| Self(presented.into()))
    }

    /// Whether it goes to a loopback address or a private-use scheme, where the client cannot be known
    /// (RFC 8252 section 8.6).
    #[must_use]
    pub fn is_native(&self) -> bool {
        Url::parse(&self.0).map_or(true, |url| url.scheme() != "https" || is_loopback(&url))
    }

    /// Whether it is of the scheme `https`, whatever its host is.
    #[must_use]
    pub fn is_https(&self) -> bool {
        Url::parse(&self.0).is_ok_and(|url| url.scheme() == "https")
    }

    /// The origin a browser would give it; `None` for a private-use scheme.
    #[must_use]
    pub fn origin(&self) -> Option<String> {
        let origin = Url::parse(&self.0).ok()?.origin();
        origin.is_tuple().then(|| origin.ascii_serialization())
    }

    /// The host of an https URI that leads over a network; `None` of any other, where the client cannot be known.
    #[must_use]
    pub fn web_host(&self) -> Option<String> {
        let url = Url::parse(&self.0).ok().filter(|_| !self.is_native())?;
        url.host_str().map(str::to_owned)
    }

    /// The URI as registered.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// RFC 3986 section 2: unreserved and reserved characters, and whole escapes.
pub(crate) fn is_rfc3986_text(text: &str) -> bool {
    let is_uri_byte = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&b);
    text.bytes().all(is_uri_byte)
        && text.split('%').skip(1).all(|tail| {
            tail.as_bytes().first_chunk::<2>().is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
        })
}

/// Whether a host can stand in a header as it is: an address, or a name of letters, digits, hyphens, underscores and dots.
///
/// WHATWG also takes `;`, `,` and `'`, which no domain has, and which would end a directive of a policy.
pub(crate) fn is_plain_host(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        }
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
        None => false,
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A reversed domain name (RFC 8252 section 7.1). `javascript`, `data` and their like have no dot.
fn is_private_use(scheme: &str) -> bool {
    scheme.contains('.') && scheme.split('.').all(|label| !label.is_empty())
}

/// The parts of a URI without fragment, by the expression of RFC 3986 appendix B.
struct Written<'a> {
    scheme: &'a str,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Written<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.split_once(':')?;
        let (hierarchy, query) = match rest.split_once('?') {
            Some((hierarchy, query)) => (hierarchy, Some(query)),
            None => (rest, None),
        };
        let (authority, path) = match hierarchy.strip_prefix("//") {
            Some(rest) => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                (Some(authority), path)
            }
            None => (None, hierarchy),
        };
        let brackets = |part: &str| part.contains(['[', ']']);
        let sound = !brackets(path) && !query.is_some_and(brackets);
        sound.then_some(Self { scheme, authority, path, query })
    }

    fn check_web(&self, url: &Url) -> Result<(), InvalidRedirectUri> {
        let host = url.host_str().unwrap_or_default();
        let port = self.authority.and_then(|authority| authority.strip_prefix(host));
        let same_port = match port.and_then(|port| port.strip_prefix(':')) {
            Some(port) => url.port_or_known_default().is_some_and(|p| p != 0 && p.to_string() == port),
            None => port == Some("") && url.port().is_none(),
        };
        let same_path = self.path == url.path() || (self.path.is_empty() && url.path() == "/");
        let same = self.scheme == url.scheme() && !host.is_empty() && same_port && same_path;
        if same && self.query == url.query() { Ok(()) } else { Err(InvalidRedirectUri::NotAbsolute) }
    }

    fn check_private(&self, text: &str, url: &Url) -> Result<(), InvalidRedirectUri> {
        let empty = self.authority.is_none_or(str::is_empty) && self.path.is_empty();
        if url.as_str() == text && !empty { Ok(()) } else { Err(InvalidRedirectUri::NotAbsolute) }
    }
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
                port.parse::<u16>().ok().filter(|p| *p != 0 && !port.starts_with('0'))?;
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

#[cfg(test)]
mod tests;
