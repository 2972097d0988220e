//! Building the target of a redirect.

use url::form_urlencoded;

use crate::types::{Params, RedirectUri};

/// `redirect_uri` with `params` added to its query, which is kept byte for byte (RFC 6749 section 3.1.2).
#[must_use]
pub fn append_query(redirect_uri: &RedirectUri, params: &Params) -> String {
    append_to(redirect_uri.as_str(), params)
}

/// An address of a client that is no redirect URI, with `params` added to its query. It has no fragment.
pub(crate) fn append_to(uri: &str, params: &Params) -> String {
    let separator = match uri.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    append(uri, separator, params)
}

/// `redirect_uri` with `params` as its fragment. A registered redirect URI has none of its own.
#[must_use]
pub fn append_fragment(redirect_uri: &RedirectUri, params: &Params) -> String {
    append(redirect_uri.as_str(), "#", params)
}

/// Form-encoding leaves letters, digits, `*-._`, `+`, `%`, `=` and `&`: no value can end the header line, the
/// query or the attribute it is written into (attack 30).
fn append(uri: &str, separator: &str, params: &Params) -> String {
    if params.is_empty() {
        return uri.to_owned();
    }
    let mut target = String::with_capacity(uri.len() + 256);
    target.push_str(uri);
    target.push_str(separator);
    let start = target.len();
    form_urlencoded::Serializer::for_suffix(target, start).extend_pairs(params.iter()).finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;
    use crate::wire::reply;

    fn uri(text: &str) -> RedirectUri {
        RedirectUri::register(text).unwrap()
    }

    #[test]
    fn the_registered_query_survives_byte_for_byte() {
        let params = Params::from_pairs([("code", "a b"), ("iss", "https://op.example")]);
        let added = "code=a+b&iss=https%3A%2F%2Fop.example";
        for (registered, target) in [
            ("https://c.example/cb", "https://c.example/cb?"),
            ("https://c.example/cb?", "https://c.example/cb?"),
            ("https://c.example/cb?x=%7e&y", "https://c.example/cb?x=%7e&y&"),
            ("https://c.example/cb?x=1&", "https://c.example/cb?x=1&"),
            ("https://c.example", "https://c.example?"),
            ("com.example.app:/cb", "com.example.app:/cb?"),
        ] {
            assert_eq!(append_query(&uri(registered), &params), format!("{target}{added}"));
        }
        let fragment = append_fragment(&uri("https://c.example/cb?x=1"), &params);
        assert_eq!(fragment, format!("https://c.example/cb?x=1#{added}"));
    }

    #[test]
    fn nothing_is_added_where_there_is_nothing_to_say() {
        let none = Params::default();
        assert_eq!(append_query(&uri("https://c.example/cb?x=1"), &none), "https://c.example/cb?x=1");
        assert_eq!(append_fragment(&uri("https://c.example/cb"), &none), "https://c.example/cb");
    }

    proptest! {
        /// attack 30, attack 331: whatever a state holds, the header is one line, the target is the registered one,
        /// and the client reads the same parameters again.
        #[test]
        fn no_value_leaves_its_parameter(name in "\\PC{1,10}", value in any::<String>()) {
            let injection = "\r\nSet-Cookie: x=1\0";
            let params = Params::from_pairs([(name.as_str(), value.as_str()), ("state", injection)]);
            let registered = uri("https://c.example/cb?x=1");
            for target in [append_query(&registered, &params), append_fragment(&registered, &params)] {
                let response = reply::redirect(&target);
                prop_assert_eq!(response.headers()["location"].to_str().unwrap(), &target);
                let is_quiet = |b: u8| b.is_ascii_graphic() && !b"\"<>\\`{}|^".contains(&b);
                prop_assert!(target.bytes().all(is_quiet));
                prop_assert!(target.starts_with("https://c.example/cb?x=1"));
                let url = Url::parse(&target).unwrap();
                let encoded = url.fragment().or(url.query().and_then(|q| q.strip_prefix("x=1&"))).unwrap();
                let read: Vec<_> = form_urlencoded::parse(encoded.as_bytes()).into_owned().collect();
                let sent: Vec<_> = params.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
                prop_assert_eq!(read, sent);
            }
        }
    }
}
