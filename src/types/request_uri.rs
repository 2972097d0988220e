//! `request_uri`: where a client keeps a request object.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::FetchUrl;

/// Most characters of a `request_uri` (OpenID Connect Core 1.0 section 6.2).
pub const MAX_REQUEST_URI_BYTES: usize = 512;

/// A registered `request_uri`: a [`FetchUrl`] of up to 512 characters, perhaps with the base64url of the contents'
/// SHA-256 as its fragment (OpenID Connect Core 1.0 section 6.2).
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestUri {
    text: Arc<str>,
    url: FetchUrl,
    digest: Option<[u8; 32]>,
}

/// A text that is no `request_uri` to register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be an https url of up to 512 characters, its fragment the base64url sha-256 of the contents, if any"
)]
pub struct InvalidRequestUri;

impl RequestUri {
    /// Checks the form of `text`, which is kept as it is.
    ///
    /// # Errors
    /// [`InvalidRequestUri`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidRequestUri> {
        if text.len() > MAX_REQUEST_URI_BYTES {
            return Err(InvalidRequestUri);
        }
        let (url, fragment) = match text.split_once('#') {
            Some((url, fragment)) => (url, Some(fragment)),
            None => (text, None),
        };
        let digest = fragment.map(digest).transpose()?;
        let url = FetchUrl::parse(url).map_err(|_| InvalidRequestUri)?;
        Ok(Self { text: text.into(), url, digest })
    }

    /// The URI as it was written, which a request has to repeat.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What to fetch.
    #[must_use]
    pub const fn url(&self) -> &FetchUrl {
        &self.url
    }

    /// Whether a hash pins the contents.
    #[must_use]
    pub const fn is_pinned(&self) -> bool {
        self.digest.is_some()
    }

    /// Whether `contents` are what the hash pins; any contents are where there is none.
    #[must_use]
    pub fn allows(&self, contents: &[u8]) -> bool {
        self.digest.is_none_or(|digest| Sha256::digest(contents).as_slice() == digest.as_slice())
    }
}

fn digest(fragment: &str) -> Result<[u8; 32], InvalidRequestUri> {
    let decoded = BASE64_URL_SAFE_NO_PAD.decode(fragment).map_err(|_| InvalidRequestUri)?;
    decoded.try_into().map_err(|_| InvalidRequestUri)
}

impl TryFrom<String> for RequestUri {
    type Error = InvalidRequestUri;

    fn try_from(text: String) -> Result<Self, InvalidRequestUri> {
        Self::parse(&text)
    }
}

impl From<RequestUri> for String {
    fn from(uri: RequestUri) -> Self {
        uri.as_str().to_owned()
    }
}

impl fmt::Debug for RequestUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestUri({:?})", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The SHA-256 of `abc` (FIPS 180-2 appendix B.1).
    const ABC: &str = "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0";

    #[test]
    fn a_fragment_is_the_hash_of_the_contents() {
        let text = format!("https://rp.example/request?v=1#{ABC}");
        let uri = RequestUri::parse(&text).unwrap();
        assert_eq!((uri.as_str(), uri.url().as_str()), (&*text, "https://rp.example/request?v=1"));
        assert!(uri.is_pinned() && uri.allows(b"abc"));
        assert!(!uri.allows(b"abd") && !uri.allows(b""));
        let plain = RequestUri::parse("https://rp.example/request").unwrap();
        assert!(!plain.is_pinned() && plain.allows(b"anything"));
    }

    /// attack 78: no other scheme, no disguise, and no fragment that pins nothing can be registered.
    #[test]
    fn what_cannot_be_fetched_or_pinned_is_refused() {
        let long = format!("https://rp.example/{}", "a".repeat(MAX_REQUEST_URI_BYTES));
        for text in [
            "",
            "http://169.254.169.254/",
            "file:///etc/passwd",
            "urn:ietf:params:oauth:request_uri:x",
            "https://rp.example/#",
            "https://rp.example/#abc",
            "https://rp.example/#ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa1",
            "https://rp.example/#ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0=",
            "https://rp.example/##ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0",
            &long,
        ] {
            assert_eq!(RequestUri::parse(text), Err(InvalidRequestUri), "{text}");
        }
    }
}
