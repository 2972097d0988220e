use url::Url;

use super::texts;
use crate::types::{Resource, Scope};

/// A scope that is asked, a scope that is allowed, and a resource, on three lines.
///
/// What is granted is within both, and granting again changes nothing. What parses survives being printed, and a
/// resource is an absolute URI without fragment.
pub fn scope(data: &[u8]) {
    let [requested, allowed, resource] = texts(data);
    check_resource(&resource);
    let (Ok(requested), Ok(allowed)) = (Scope::parse(&requested), Scope::parse(&allowed)) else { return };
    for scope in [&requested, &allowed] {
        assert_eq!(Scope::parse(&scope.to_string()).as_ref(), Ok(scope), "not the same when printed");
        let mut tokens: Vec<_> = scope.iter().collect();
        tokens.sort_unstable();
        assert!(tokens.windows(2).all(|pair| pair.first() != pair.last()), "a token twice");
        let plain = |token: &&str| token.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\');
        assert!(tokens.iter().all(plain) && !tokens.contains(&""), "a token of other characters");
    }
    let granted = requested.intersection(&allowed);
    assert!(granted.is_subset(&requested) && granted.is_subset(&allowed), "more than asked or allowed");
    assert_eq!(granted.intersection(&allowed), granted, "granting twice changes the scope");
    assert_eq!(granted == requested, requested.is_subset(&allowed), "all is not all");
    let refused = requested.difference(&allowed);
    assert!(refused.intersection(&allowed).is_empty(), "refused what is allowed");
    assert!(requested.is_subset(&granted.union(&refused)), "a token is lost");
}

fn check_resource(text: &str) {
    let Ok(resource) = Resource::parse(text) else { return };
    assert_eq!(resource.as_str(), text, "parsing changed the text");
    let url = Url::parse(text).expect("a resource is a URL");
    assert!(url.fragment().is_none() && !text.contains('#'), "a fragment");
    assert!(text.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\'), "other characters");
}
