//! Answers to browsers that ask across origins (Fetch standard, CORS protocol).
//!
//! Credentials are never allowed: an answer that any page may read must not depend on cookies.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::{Request, Response, reply};

/// Which origins may read an answer.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum AllowedOrigins<'a> {
    /// Every origin: for what is public anyway.
    Any,
    /// The origins of one client, compared byte for byte.
    Listed(&'a [String]),
}

/// The answer to a preflight, for an endpoint that browsers may call with `methods`, such as `GET, POST`.
///
/// It lets any origin send the real request, without credentials; whether the origin may read the answer is
/// decided there, by [`allow`]. `None` when `request` is no preflight.
#[must_use]
pub fn preflight(request: &Request, methods: &'static str) -> Option<Response> {
    let headers = request.headers();
    let asked = headers.contains_key(ORIGIN) && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if request.method() != Method::OPTIONS || !asked {
        return None;
    }
    let mut response = reply::empty(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    headers
        .insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type, dpop"));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    Some(response)
}

/// Lets `origin` read the answer with these headers, if it is among the allowed.
pub fn allow(headers: &mut HeaderMap, origin: Option<&str>, allowed: AllowedOrigins<'_>) {
    let value = match allowed {
        AllowedOrigins::Any => Some(HeaderValue::from_static("*")),
        AllowedOrigins::Listed(listed) => {
            // A cache must not give the answer for one origin to another.
            headers.append(VARY, HeaderValue::from_static("origin"));
            origin
                .filter(|origin| listed.iter().any(|l| l == origin))
                .and_then(|origin| HeaderValue::try_from(origin).ok())
        }
    };
    let Some(value) = value else { return };
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, value);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("www-authenticate, dpop-nonce"));
}
