//! Client identifiers that are URLs.

use std::fmt;

use url::Url;

use super::{ClientId, FetchUrl};

/// A `client_id` that is the https URL of the client's metadata (draft-ietf-oauth-client-id-metadata-document section
/// 3): a [`FetchUrl`] with a path in which no segment is `.` or `..`, in any spelling. As a `client_id` it has up to 255
/// bytes.
///
/// Two of them are the same when their bytes are.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ClientIdUrl(FetchUrl);

impl ClientIdUrl {
    /// The URL that `id` is; `None` when it is none, or not one that may be an identifier.
    #[must_use]
    pub fn of(id: &ClientId) -> Option<Self> {
        let text = id.as_str();
        let url = FetchUrl::parse(text).ok()?;
        let parsed = Url::parse(text).ok()?;
        let written = text.strip_prefix("https://")?;
        let path = written.split('?').next()?;
        // A browser would take dot segments out, escaped ones too: the path that is read must be the one that is
        // written.
        let path = path.find('/').and_then(|at| path.get(at..))?;
        (path == parsed.path()).then_some(Self(url))
    }

    /// Where the metadata are.
    #[must_use]
    pub const fn url(&self) -> &FetchUrl {
        &self.0
    }

    /// The host that answers for the client: a name or an address, without the port.
    #[must_use]
    pub fn host(&self) -> String {
        self.0.host().unwrap_or_default()
    }

    /// The URL as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for ClientIdUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ClientIdUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientIdUrl({:?})", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<ClientIdUrl> {
        ClientIdUrl::of(&ClientId::new(text).unwrap())
    }

    #[test]
    fn a_url_with_a_path_can_be_an_identifier() {
        for text in [
            "https://app.example/client.json",
            "https://app.example:8443/a/b",
            "https://app.example:443/a",
            "https://app.example/",
            "https://app.example/a?b=/../c",
            "https://app.example/..a/.b",
        ] {
            assert_eq!(of(text).as_ref().map(ClientIdUrl::as_str), Some(text));
        }
        assert_eq!(of("https://app.example:8443/a").map(|url| url.host()), Some("app.example".to_owned()));
    }

    /// attack 218: what could be read in two ways, or leads elsewhere than it says, is no identifier.
    #[test]
    fn a_url_that_is_read_in_two_ways_is_none() {
        for text in [
            "web",
            "http://app.example/a",
            "HTTPS://app.example/a",
            "https://app.example",
            "https://app.example?a=/b",
            "https://app.example/a#b",
            "https://user@app.example/a",
            "https://user:password@app.example/a",
            "https://app.example/a/../b",
            "https://app.example/./a",
            "https://app.example/a/.",
            "https://app.example/a/..",
            "https://app.example/%2e%2e/a",
            "https://app.example/%2E/a",
            "https://app.example/.%2e/a",
            "https://app.example\\a",
            "https://2130706433/a",
            "https://localhost./a",
            "ftp://app.example/a",
            "data:application/json,{}",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
