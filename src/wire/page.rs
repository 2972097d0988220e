//! Pages that the provider shows by itself: a form that posts a response, and a refusal.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, PRAGMA, REFERRER_POLICY, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use sha2::{Digest as _, Sha256};
use url::{Host, Origin, Url};

use super::Response;
use super::reply::NOSNIFF;
use crate::types::{Params, RedirectUri, is_plain_host};

/// Looks that all pages share: readable on a phone, in light and in dark.
pub(super) const STYLE: &str = "\
:root{color-scheme:light dark}\
body{margin:0;min-height:100vh;display:flex;align-items:center;justify-content:center;\
font:16px/1.5 system-ui,sans-serif;background:#f4f5f7;color:#1b1f24}\
main{box-sizing:border-box;width:100%;max-width:28rem;margin:1rem;padding:2rem;border-radius:12px;\
background:#fff;box-shadow:0 1px 3px #0002,0 8px 24px #0001}\
h1{margin:0 0 .5rem;font-size:1.375rem;line-height:1.25}\
p{margin:0 0 1rem}p:last-child{margin:0}\
button{width:100%;padding:.75rem 1rem;border:0;border-radius:8px;background:#1f5eff;color:#fff;\
font:inherit;font-weight:600;cursor:pointer}\
button:focus-visible{outline:3px solid #8fb0ff;outline-offset:2px}\
@media(prefers-color-scheme:dark){body{background:#111418;color:#e8eaed}main{background:#1b1f24}}";

/// Posts the form at once. The prototype's method is called because a field could be named `submit`.
const SCRIPT: &str = "HTMLFormElement.prototype.submit.call(document.forms[0])";

/// A page that posts `params` to `action` by itself, and by a visible button where script is off
/// (OAuth 2.0 Form Post Response Mode section 2).
///
/// Every value is escaped, and the policy allows this one script, this one style sheet, and a form to the
/// origin of `action` (attack 29).
#[must_use]
pub fn form_post_page(action: &RedirectUri, params: &Params) -> Response {
    let mut body = String::with_capacity(STYLE.len() + 4096);
    open(&mut body, "Continue");
    body.push_str("<p>You are being sent back to the application.</p>\n");
    open_form(&mut body, action, params);
    body.push_str("<button type=\"submit\">Continue</button>\n</form>\n");
    body.push_str("</main>\n<script>");
    body.push_str(SCRIPT);
    body.push_str("</script>\n</body>\n</html>\n");
    let policy = format!(
        "default-src 'none'; form-action {}; script-src '{}'; style-src '{}'; \
         frame-ancestors 'none'; base-uri 'none'",
        source(action.as_str()),
        source_hash(SCRIPT),
        source_hash(STYLE),
    );
    page(StatusCode::OK, body, &policy)
}

/// A form to `action` with `params` in it, up to its button.
pub(super) fn open_form(body: &mut String, action: &RedirectUri, params: &Params) {
    body.push_str("<form method=\"post\" action=\"");
    escape(body, action.as_str());
    body.push_str("\">\n");
    for (name, value) in params.iter() {
        body.push_str("<input type=\"hidden\" name=\"");
        escape(body, name);
        body.push_str("\" value=\"");
        escape(body, value);
        body.push_str("\">\n");
    }
}

/// A page headed "Request rejected" that says `sentence` and nothing that came with the request.
///
/// `sentence` is fixed text of ours or of the host, so that no input is ever reflected.
#[must_use]
pub fn error_page(status: StatusCode, sentence: &'static str) -> Response {
    let mut body = String::with_capacity(STYLE.len() + 1024);
    open(&mut body, "Request rejected");
    body.push_str("<p>");
    escape(&mut body, sentence);
    body.push_str("</p>\n</main>\n</body>\n</html>\n");
    let policy = format!(
        "default-src 'none'; form-action 'none'; style-src '{}'; frame-ancestors 'none'; base-uri 'none'",
        source_hash(STYLE)
    );
    page(status, body, &policy)
}

/// Sets what every page of a sign-in needs: it cannot be framed, sends no `Referer`, is not cached, and its type
/// is not guessed (RFC 9700 sections 4.2.4 and 4.16, attack 47, attack 48).
///
/// A `Content-Security-Policy` that is there already stays, and both apply. A host's login and consent pages
/// should pass through here.
///
/// # Security
/// With `Referrer-Policy: no-referrer` a browser sends `Origin: null` with a posted form. A form must therefore
/// be protected by a token that is bound to a cookie, not by a look at `Origin`.
pub fn security_headers(headers: &mut HeaderMap) {
    headers.append(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("frame-ancestors 'none'; base-uri 'none'; object-src 'none'"),
    );
    fixed_headers(headers);
}

fn fixed_headers(headers: &mut HeaderMap) {
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(NOSNIFF.0, NOSNIFF.1);
}

pub(super) fn open(body: &mut String, title: &str) {
    body.push_str("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    body.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
    body.push_str(title);
    body.push_str("</title>\n<style>");
    body.push_str(STYLE);
    body.push_str("</style>\n</head>\n<body>\n<main>\n<h1>");
    body.push_str(title);
    body.push_str("</h1>\n");
}

pub(super) fn page(status: StatusCode, body: String, policy: &str) -> Response {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::try_from(policy).expect("origins and hashes are printable ASCII"),
    );
    fixed_headers(headers);
    response
}

/// The source expression for an address: the origin, or the scheme where an origin cannot be written.
pub(super) fn source(address: &str) -> String {
    let Ok(url) = Url::parse(address) else { return "'none'".to_owned() };
    origin_source(&url).unwrap_or_else(|| format!("{}:", url.scheme()))
}

/// The source expression that is exactly the origin of an address; `None` where it cannot be written.
///
/// Content Security Policy 3 section 6.7.2.9 matches no address literal but 127.0.0.1.
pub(super) fn origin_source(url: &Url) -> Option<String> {
    let writable = match url.host() {
        Some(Host::Domain(_)) => is_plain_host(url),
        Some(Host::Ipv4(address)) => address.octets() == [127, 0, 0, 1],
        _ => false,
    };
    let origin = url.origin();
    (writable && origin.is_tuple()).then(|| origin.ascii_serialization())
}

/// What a person is told of where an address leads, escaped: its origin, or the whole address where it has none.
pub(super) fn place(address: &str) -> String {
    let origin = Url::parse(address).map(|url| url.origin()).ok().filter(Origin::is_tuple);
    let mut place = String::new();
    escape(&mut place, &origin.map_or_else(|| address.to_owned(), |origin| origin.ascii_serialization()));
    place
}

pub(super) fn source_hash(source: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(source.as_bytes())))
}

/// Escapes for a double-quoted attribute and for text.
///
/// CR and LF are written as references, since a parser of HTML would turn CR into LF, and the value must arrive
/// byte for byte.
pub(super) fn escape(page: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => page.push_str("&amp;"),
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '"' => page.push_str("&quot;"),
            '\'' => page.push_str("&#39;"),
            '\r' => page.push_str("&#13;"),
            '\n' => page.push_str("&#10;"),
            c => page.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn uri(text: &str) -> RedirectUri {
        RedirectUri::register(text).unwrap()
    }

    fn header<'a>(response: &'a Response, name: &str) -> &'a str {
        response.headers()[name].to_str().unwrap()
    }

    fn body(response: &Response) -> &str {
        std::str::from_utf8(response.body()).unwrap()
    }

    /// What a parser of HTML reads in the hidden fields of a page.
    fn fields(page: &str) -> Vec<(String, String)> {
        let unescape = |text: &str| {
            let pairs = [("&#13;", "\r"), ("&#10;", "\n"), ("&#39;", "'"), ("&quot;", "\""), ("&gt;", ">")];
            let all = pairs.into_iter().chain([("&lt;", "<"), ("&amp;", "&")]);
            all.fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
        };
        let inputs = page.split("<input type=\"hidden\" name=\"").skip(1);
        let read = |input: &str| {
            let (name, rest) = input.split_once("\" value=\"").unwrap();
            (unescape(name), unescape(rest.split_once("\">\n").unwrap().0))
        };
        inputs.map(read).collect()
    }

    /// attack 29: a state that is markup stays a value.
    #[test]
    fn a_value_never_becomes_markup() {
        let state = "\"><script>alert(1)</script>'&amp;";
        let params = Params::from_pairs([("state", state), ("code", "vs_ac_x")]);
        let page = form_post_page(&uri("https://c.example/cb?a=1&b=2"), &params);
        let text = body(&page);
        assert_eq!(text.matches("<script>").count(), 1);
        assert!(text.contains("action=\"https://c.example/cb?a=1&amp;b=2\""));
        assert_eq!(fields(text), [("state".into(), state.into()), ("code".into(), "vs_ac_x".into())]);
    }

    proptest! {
        #[test]
        fn every_value_arrives_byte_for_byte(name in "\\PC{0,12}", value in any::<String>()) {
            let page = form_post_page(&uri("https://c.example/cb"), &Params::from_pairs([(&name, &value)]));
            prop_assert_eq!(fields(body(&page)), [(name, value)]);
            let bare = form_post_page(&uri("https://c.example/cb"), &Params::default());
            prop_assert_eq!(body(&page).matches('<').count(), body(&bare).matches('<').count() + 1);
        }
    }

    /// attack 29: the policy names the one script, the one style sheet and the one target.
    #[test]
    fn the_policy_allows_what_the_page_holds_and_nothing_else() {
        let page = form_post_page(&uri("https://c.example:8443/cb"), &Params::default());
        let between = |open: &str, close: &str| {
            let text = body(&page).split_once(open).unwrap().1;
            BASE64_STANDARD.encode(Sha256::digest(text.split_once(close).unwrap().0))
        };
        let expected = format!(
            "default-src 'none'; form-action https://c.example:8443; script-src 'sha256-{}'; \
             style-src 'sha256-{}'; frame-ancestors 'none'; base-uri 'none'",
            between("<script>", "</script>"),
            between("<style>", "</style>"),
        );
        assert_eq!(header(&page, "content-security-policy"), expected);
        for (target, source) in [
            ("http://127.0.0.1:8080/cb", "form-action http://127.0.0.1:8080;"),
            ("http://localhost:1/cb", "form-action http://localhost:1;"),
            ("http://[::1]:8080/cb", "form-action http:;"),
            ("https://192.0.2.1/cb", "form-action https:;"),
            ("com.example.app:/cb", "form-action com.example.app:;"),
        ] {
            let page = form_post_page(&uri(target), &Params::default());
            assert!(header(&page, "content-security-policy").contains(source), "{target}");
        }
    }

    #[test]
    fn the_form_can_be_sent_without_script() {
        let page = form_post_page(&uri("https://c.example/cb"), &Params::from_pairs([("submit", "x")]));
        assert!(body(&page).contains("<form method=\"post\""));
        assert!(body(&page).contains("<button type=\"submit\">Continue</button>"));
    }

    /// attack 47, attack 48: no page is framed, cached, sniffed, or named in a `Referer`.
    #[test]
    fn every_page_carries_the_headers_of_a_sign_in() {
        let form = form_post_page(&uri("https://c.example/cb"), &Params::default());
        let refusal = error_page(StatusCode::BAD_REQUEST, "the client is not known");
        let mut hosts = Response::new(Bytes::new());
        hosts.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'self'"));
        security_headers(hosts.headers_mut());
        for response in [&form, &refusal, &hosts] {
            assert_eq!(header(response, "x-frame-options"), "DENY");
            assert_eq!(header(response, "referrer-policy"), "no-referrer");
            assert_eq!(header(response, "cache-control"), "no-store");
            assert_eq!(header(response, "x-content-type-options"), "nosniff");
            let policies = response.headers().get_all(CONTENT_SECURITY_POLICY).iter();
            assert!(policies.map(|p| p.to_str().unwrap()).any(|p| p.contains("frame-ancestors 'none'")));
        }
        assert_eq!(hosts.headers().get_all(CONTENT_SECURITY_POLICY).iter().count(), 2);
    }

    #[test]
    fn a_refusal_is_a_page_without_script_or_form() {
        let page = error_page(StatusCode::BAD_REQUEST, "a & b");
        assert_eq!(page.status(), 400);
        assert_eq!(header(&page, "content-type"), "text/html; charset=utf-8");
        let text = body(&page);
        assert!(text.contains("<h1>Request rejected</h1>\n<p>a &amp; b</p>"));
        assert!(!text.contains("<script") && !text.contains("<form") && !text.contains("http"));
    }
}
