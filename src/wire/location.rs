//! Building the target of a redirect.

use url::form_urlencoded;

use crate::types::{Params, RedirectUri};

/// `redirect_uri` with `params` added to its query, which is kept byte for byte (RFC 6749 section 3.1.2).
#[must_use]
pub fn append_query(redirect_uri: &RedirectUri, params: &Params) -> String {
    let uri = redirect_uri.as_str();
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
    let mut target = String::with_capacity(uri.len() + 256);
    target.push_str(uri);
    target.push_str(separator);
    let start = target.len();
    form_urlencoded::Serializer::for_suffix(target, start).extend_pairs(params.iter()).finish()
}
