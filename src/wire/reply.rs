//! Building responses. Whatever is not a static document is marked `no-store`.

use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION, PRAGMA,
    REFERRER_POLICY, RETRY_AFTER,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

pub use super::check_session_page::check_session_page;
pub use super::device_page::{device_answered_page, device_code_page, device_consent_page};
pub use super::logout_page::{Onward, sign_out_page, signed_out_in_frames_page, signed_out_page};
pub use super::page::{error_page, form_post_page, security_headers};
pub use super::refusal_page::{error_form_page, error_link_page};
use super::{Request, Response};
use crate::error::Reason;

/// The header of [`dpop_nonce`].
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// As much as most JSON bodies need: 512 bytes.
const USUAL_JSON_BYTES: usize = 512;

/// Seconds after which a client that met 429 or 503 may ask again, unless [`retry_after`] says otherwise.
const RETRY_AFTER_SECONDS: u16 = 1;

/// A JSON body with `Cache-Control: no-store` and `Pragma: no-cache` (RFC 6749 section 5.1).
#[must_use]
pub fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let mut bytes = Vec::with_capacity(USUAL_JSON_BYTES);
    match serde_json::to_writer(&mut bytes, body) {
        Ok(()) => json_bytes(status, bytes.into()),
        Err(_) => error_json(Reason::InternalFault),
    }
}

/// A token as a body of another type, with the same headers as [`json`].
#[must_use]
pub fn jwt_of(status: StatusCode, media_type: &'static str, token: String) -> Response {
    let mut response = jwt(status, token);
    insert(&mut response, CONTENT_TYPE, media_type);
    response
}

/// A token as a body (`application/jwt`), with the same headers as [`json`].
#[must_use]
pub fn jwt(status: StatusCode, token: String) -> Response {
    let mut response = json_bytes(status, token.into());
    insert(&mut response, CONTENT_TYPE, "application/jwt");
    response
}

/// A refusal as RFC 6749 section 5.2 describes it: `error`, `error_description`, and the status of [`status`].
///
/// A 405 gets `Allow: POST` (for other methods see [`method_not_allowed`]), a 429 or 503 gets `Retry-After`. The
/// `WWW-Authenticate` of a 401 depends on how the client authenticated and is the caller's
/// (see [`super::challenge`]).
#[must_use]
pub fn error_json(reason: Reason) -> Response {
    let description = reason.description();
    // Codes and descriptions are of characters that JSON takes as they are.
    let body = format!(r#"{{"error":"{}","error_description":"{description}"}}"#, reason.wire().0);
    let mut response = json_bytes(status(reason), body.into());
    match response.status() {
        StatusCode::METHOD_NOT_ALLOWED => insert(&mut response, ALLOW, "POST"),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
        }
        _ => {}
    }
    response
}

/// The HTTP status of a refusal that is not a redirect.
#[must_use]
pub fn status(reason: Reason) -> StatusCode {
    match reason {
        Reason::BackchannelDenied
        | Reason::DeviceFormForged
        | Reason::LogoutForgedForm
        | Reason::PendingForgedForm => StatusCode::FORBIDDEN,
        Reason::NotFound => StatusCode::NOT_FOUND,
        Reason::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Reason::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Reason::ContentEncodingUnsupported => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Reason::RateLimited | Reason::UserCodeLocked => StatusCode::TOO_MANY_REQUESTS,
        other => StatusCode::from_u16(other.wire().0.status()).unwrap_or(StatusCode::BAD_REQUEST),
    }
}

/// Tells the client to wait: whole seconds, rounded up, at least one (RFC 9110 section 10.2.3).
pub fn retry_after(response: &mut Response, wait: Duration) {
    let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
}

/// Tells the client which nonce its next DPoP proof is to carry (RFC 9449 section 8.1).
pub(crate) fn dpop_nonce(headers: &mut HeaderMap, nonce: &str) {
    if let Ok(nonce) = HeaderValue::from_str(nonce) {
        headers.insert(DPOP_NONCE, nonce);
    }
}

/// 405 with the methods that are answered, such as `GET, HEAD` (RFC 9110 section 15.5.6).
#[must_use]
pub fn method_not_allowed(allow: &'static str) -> Response {
    let mut response = error_json(Reason::MethodNotAllowed);
    insert(&mut response, ALLOW, allow);
    response
}

/// A response without a body, marked `no-store`.
#[must_use]
pub fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    insert(&mut response, CACHE_CONTROL, "no-store");
    response
}

/// 303 See Other to `uri`, and no other redirect: after 307 or 308 a browser would send the form that it posted
/// here, a password perhaps, to `uri` as well (RFC 9700 section 4.12, attack 46).
///
/// `uri` must be one that may be redirected to. What cannot stand in a URI is percent-encoded, so that it never
/// ends the header.
#[must_use]
pub fn redirect(uri: &str) -> Response {
    let mut response = empty(StatusCode::SEE_OTHER);
    insert(&mut response, PRAGMA, "no-cache");
    insert(&mut response, REFERRER_POLICY, "no-referrer");
    match HeaderValue::try_from(header_safe(uri)) {
        // It may hold a code or tokens, which whoever prints the response must not see.
        Ok(mut location) => {
            location.set_sensitive(true);
            response.headers_mut().insert(LOCATION, location)
        }
        Err(_) => return error_json(Reason::InternalFault),
    };
    response
}

/// A document that is the same for everybody: discovery metadata, a key set. Computed once, served as bytes.
#[derive(Clone, Debug)]
pub struct Document {
    body: Bytes,
    headers: HeaderMap,
    etag: HeaderValue,
}

impl Document {
    /// `body` of `content_type`, to be cached as `cache_control` says; its `ETag` is a hash of it.
    #[must_use]
    pub fn new(content_type: &'static str, cache_control: &'static str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let digest = Sha256::digest(&body);
        let tag = BASE64_URL_SAFE_NO_PAD.encode(&digest[..16]);
        let etag = HeaderValue::try_from(format!("\"{tag}\"")).expect("base64url is printable ASCII");
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache_control));
        headers.insert(ETAG, etag.clone());
        headers.insert(NOSNIFF.0, NOSNIFF.1);
        Self { body, headers, etag }
    }

    /// Sends one more header with it.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The answer to `request`: GET gets the document, HEAD its headers, and whoever has it already a 304;
    /// other methods get a 405.
    #[must_use]
    pub fn answer(&self, request: &Request) -> Response {
        let is_head = request.method() == Method::HEAD;
        if request.method() != Method::GET && !is_head {
            return method_not_allowed("GET, HEAD");
        }
        let mut response = Response::new(Bytes::new());
        response.headers_mut().clone_from(&self.headers);
        if self.is_current(request.headers()) {
            response.headers_mut().remove(CONTENT_TYPE);
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else if is_head {
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(self.body.len()));
        } else {
            *response.body_mut() = self.body.clone();
        }
        response
    }

    /// `If-None-Match`, by weak comparison (RFC 9110 section 13.1.2).
    fn is_current(&self, headers: &HeaderMap) -> bool {
        headers.get_all(IF_NONE_MATCH).iter().flat_map(|value| value.as_bytes().split(|b| *b == b',')).any(
            |tag| {
                let tag = tag.trim_ascii();
                tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == self.etag.as_bytes()
            },
        )
    }
}

pub(super) const NOSNIFF: (HeaderName, HeaderValue) =
    (http::header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));

fn json_bytes(status: StatusCode, body: Bytes) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().clone_from(&JSON_HEADERS);
    response
}

/// The headers of every JSON body; cloning them is cheaper than inserting each.
static JSON_HEADERS: LazyLock<HeaderMap> = LazyLock::new(|| {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(NOSNIFF.0, NOSNIFF.1);
    headers
});

fn insert(response: &mut Response, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}

/// Percent-encodes every byte that RFC 3986 section 2 does not allow in a URI.
fn header_safe(uri: &str) -> String {
    let mut safe = String::with_capacity(uri.len());
    for byte in uri.bytes() {
        match byte {
            b if b.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&b) => {
                safe.push(char::from(b))
            }
            b => safe.push_str(&format!("%{b:02X}")),
        }
    }
    safe
}

#[cfg(test)]
mod tests;
