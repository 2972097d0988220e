use url::{Host, Position, Url};

use super::texts;
use crate::types::{Params, RedirectUri};
use crate::wire::location::{append_fragment, append_query};

/// A registered redirect URI and a presented one, on two lines.
///
/// What can be registered is read alike by RFC 3986 and by browsers, and is of an allowed scheme. What matches,
/// and what a response is appended to, leads a browser to the scheme, host and path that are registered, and to
/// the port unless it is an http loopback literal.
pub fn redirect_uri(data: &[u8]) {
    let [registered, presented] = texts(data);
    let Ok(uri) = RedirectUri::register(&registered) else { return };
    let url = Url::parse(uri.as_str()).expect("what is registered is a URL");
    assert_eq!(uri.as_str(), registered, "registration changed the text");
    check_registered(&registered, &url);
    assert!(uri.matches(&registered), "does not match itself");
    assert_eq!(uri.matched(&presented).is_some(), uri.matches(&presented));
    let Some(matched) = uri.matched(&presented) else {
        assert_ne!(registered, presented, "the same bytes do not match");
        return;
    };
    assert_eq!(matched.as_str(), presented, "leads elsewhere than presented");
    assert_eq!(RedirectUri::register(&presented).as_ref(), Ok(&matched), "matched what cannot be registered");
    check_target(&url, &presented);
    let params = Params::from_pairs([("code", "x"), ("state", presented.as_str())]);
    check_target(&url, &append_query(&matched, &params));
    check_target(&url, &append_fragment(&matched, &params));
}

fn check_registered(text: &str, url: &Url) {
    assert!(url.username().is_empty() && url.password().is_none(), "user information");
    assert!(url.fragment().is_none() && !text.contains('#'), "a fragment");
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => {}
        "http" => assert!(loopback, "http to a stranger"),
        scheme => assert!(scheme.contains('.'), "a scheme of the browser's own"),
    }
    // RFC 3986 section 3, read from the left, beside what a browser reads.
    let (scheme, rest) = text.split_once(':').expect("a URL has a scheme");
    assert_eq!(scheme, url.scheme(), "two schemes");
    if let Some(rest) = rest.strip_prefix("//") {
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, _) = rest.split_at(end);
        let host_end = authority.find(']').map_or_else(|| authority.find(':').unwrap_or(end), |at| at + 1);
        let (host, _) = authority.split_at(host_end);
        assert_eq!(host, url.host_str().unwrap_or_default(), "two hosts");
    }
    let path_and_query = &url[Position::BeforePath..];
    let without_root = path_and_query.strip_prefix('/').unwrap_or(path_and_query);
    assert!(text.ends_with(path_and_query) || text.ends_with(without_root), "two paths");
}

fn check_target(registered: &Url, target: &str) {
    let target = Url::parse(target).expect("a target is a URL");
    assert_eq!(registered.scheme(), target.scheme(), "another scheme");
    assert_eq!(registered.host(), target.host(), "another host");
    assert_eq!(registered.path(), target.path(), "another path");
    assert!(target.username().is_empty() && target.password().is_none(), "user information");
    let literal = registered.scheme() == "http" && !matches!(registered.host(), Some(Host::Domain(_)));
    assert!(literal || registered.port() == target.port(), "another port");
    let query = registered.query().unwrap_or_default();
    assert!(target.query().unwrap_or_default().starts_with(query), "the registered query is gone");
}
