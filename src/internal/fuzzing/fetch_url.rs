use url::{Host, Url};

use crate::types::FetchUrl;

/// A URL that a client names.
///
/// What is taken is https without user and fragment, stays as it is written, and leads to the host and port that
/// stand there, whoever reads it: by RFC 3986 from the left, as a browser does, and as the type of outgoing requests.
pub fn fetch_url(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(taken) = FetchUrl::parse(&text) else { return };
    assert_eq!(taken.as_str(), text, "another text");
    let json = serde_json::to_string(&taken).expect("a text serialises");
    assert_eq!(serde_json::from_str::<FetchUrl>(&json).ok(), Some(taken), "not the same when stored");
    let url = Url::parse(&text).expect("what is taken is a URL");
    assert_eq!(url.scheme(), "https", "another scheme");
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none(), "a disguise");
    let (_, rest) = text.split_once("//").expect("there is an authority");
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    let uri: http::Uri = text.parse().expect("what is taken can be sent");
    let host = url.host_str().expect("there is a host");
    assert!(uri.host().is_some_and(|other| other.eq_ignore_ascii_case(host)), "two hosts");
    assert!(authority.starts_with(host), "two hosts");
    assert_eq!(uri.port_u16().unwrap_or(443), url.port_or_known_default().unwrap_or_default(), "two ports");
    match url.host() {
        Some(Host::Domain(name)) => assert!(!name.ends_with('.') && name.is_ascii(), "a name in disguise"),
        Some(Host::Ipv4(address)) => {
            assert!(authority.starts_with(&address.to_string()), "a number in disguise")
        }
        Some(Host::Ipv6(_)) => assert!(authority.starts_with('['), "an address in disguise"),
        None => panic!("no host"),
    }
}
