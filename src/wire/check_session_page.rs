//! The page by which clients watch the login state of a browser (OpenID Connect Session Management 1.0
//! section 3.2).

use http::HeaderValue;
use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY};

use super::page::source_hash;
use super::reply::Document;

/// Answers each message `client_id session_state` with `unchanged`, `changed` or `error`, to its sender
/// alone.
///
/// The sender must be of the origin of the page that holds the frame, and that origin goes into the hash:
/// nobody learns anything by the `session_state` of another. Without the cookie nothing is `unchanged`. Where
/// the browser keeps the cookie from the frame the answer is `error`, since `changed` would have clients ask
/// again and again.
const SCRIPT: &str = include_str!("check_session.js");

/// The page, whose script reads the cookie `cookie_name`.
///
/// It may be framed by any site, which is what it is for: it shows nothing, and holds nothing that could be
/// pressed. The policy allows this one script and nothing else.
#[must_use]
pub fn check_session_page(cookie_name: &str, cache_control: &'static str) -> Document {
    let body = format!(
        "<!DOCTYPE html>\n<html lang=\"en\" data-cookie=\"{cookie_name}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>Session</title>\n</head>\n<body>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    );
    let policy = format!(
        "default-src 'none'; script-src '{}'; form-action 'none'; frame-ancestors *; base-uri 'none'",
        source_hash(SCRIPT)
    );
    let policy = HeaderValue::try_from(policy).expect("hashes are printable ASCII");
    Document::new("text/html; charset=utf-8", cache_control, body)
        .with_header(CONTENT_SECURITY_POLICY, policy)
        .with_header(REFERRER_POLICY, HeaderValue::from_static("no-referrer"))
}
