//! The two pages that the provider shows by itself: a form that posts a response, and a refusal.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, PRAGMA, REFERRER_POLICY, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use sha2::{Digest as _, Sha256};
use url::{Host, Url};

use super::Response;
use super::reply::NOSNIFF;
use crate::types::{Params, RedirectUri};

/// Looks that both pages share: readable on a phone, in light and in dark.
const STYLE: &str = "\
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
    body.push_str("<p>You are being sent back to the application.</p>\n<form method=\"post\" action=\"");
    escape(&mut body, action.as_str());
    body.push_str("\">\n");
    for (name, value) in params.iter() {
        body.push_str("<input type=\"hidden\" name=\"");
        escape(&mut body, name);
        body.push_str("\" value=\"");
        escape(&mut body, value);
        body.push_str("\">\n");
    }
    body.push_str("<button type=\"submit\">Continue</button>\n</form>\n");
    body.push_str("</main>\n<script>");
    body.push_str(SCRIPT);
    body.push_str("</script>\n</body>\n</html>\n");
    let policy = format!(
        "default-src 'none'; form-action {}; script-src '{}'; style-src '{}'; \
         frame-ancestors 'none'; base-uri 'none'",
        form_action(action),
        source_hash(SCRIPT),
        source_hash(STYLE),
    );
    page(StatusCode::OK, body, &policy)
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

fn open(body: &mut String, title: &str) {
    body.push_str("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    body.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
    body.push_str(title);
    body.push_str("</title>\n<style>");
    body.push_str(STYLE);
    body.push_str("</style>\n</head>\n<body>\n<main>\n<h1>");
    body.push_str(title);
    body.push_str("</h1>\n");
}

fn page(status: StatusCode, body: String, policy: &str) -> Response {
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

/// The source expression for where the form may go: the origin, or the scheme where an origin cannot be written.
///
/// Content Security Policy 3 section 6.7.2.9 matches no address literal but 127.0.0.1.
fn form_action(action: &RedirectUri) -> String {
    let Ok(url) = Url::parse(action.as_str()) else { return "'none'".to_owned() };
    let writable = match url.host() {
        Some(Host::Domain(_)) => true,
        Some(Host::Ipv4(address)) => address.octets() == [127, 0, 0, 1],
        _ => false,
    };
    match url.origin() {
        origin if writable && origin.is_tuple() => origin.ascii_serialization(),
        _ => format!("{}:", url.scheme()),
    }
}

fn source_hash(source: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(source.as_bytes())))
}

/// Escapes for a double-quoted attribute and for text.
///
/// CR and LF are written as references, since a parser of HTML would turn CR into LF, and the value must arrive
/// byte for byte.
fn escape(page: &mut String, text: &str) {
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
