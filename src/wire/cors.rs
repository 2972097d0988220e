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

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn options(headers: &[(&str, &str)]) -> Request {
        let mut builder = http::Request::builder().method("OPTIONS");
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(Bytes::new()).unwrap()
    }

    fn cors_headers(headers: &HeaderMap) -> Vec<(&str, &str)> {
        let mut all: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        all.retain(|(name, _)| name.starts_with("access-control-"));
        all.sort_unstable();
        all
    }

    /// attack 328: any origin may ask, none with credentials.
    #[test]
    fn a_preflight_is_answered_to_any_origin_without_credentials() {
        let asked = [("origin", "https://evil.example"), ("access-control-request-method", "POST")];
        let response = preflight(&options(&asked), "POST").unwrap();
        assert_eq!((response.status().as_u16(), response.body().len()), (204, 0));
        let expected = [
            ("access-control-allow-headers", "authorization, content-type, dpop"),
            ("access-control-allow-methods", "POST"),
            ("access-control-allow-origin", "*"),
            ("access-control-max-age", "600"),
        ];
        assert_eq!(cors_headers(response.headers()), expected);
    }

    /// attack 328, attack 49: other OPTIONS requests, and other methods, are no preflight.
    #[test]
    fn what_is_no_preflight_gets_no_answer_here() {
        assert!(preflight(&options(&[]), "POST").is_none());
        assert!(preflight(&options(&[("origin", "https://a.example")]), "POST").is_none());
        assert!(preflight(&options(&[("access-control-request-method", "POST")]), "POST").is_none());
        let mut post = options(&[("origin", "https://a.example"), ("access-control-request-method", "POST")]);
        *post.method_mut() = Method::POST;
        assert!(preflight(&post, "POST").is_none());
    }

    /// attack 328: only a listed origin may read, by its exact bytes, and caches are told that it matters.
    #[test]
    fn an_answer_is_shown_to_listed_origins_alone() {
        let listed = ["https://app.example".to_owned(), "https://b.example:8443".to_owned()];
        for origin in ["https://app.example", "https://b.example:8443"] {
            let mut headers = HeaderMap::new();
            allow(&mut headers, Some(origin), AllowedOrigins::Listed(&listed));
            assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], origin);
            assert_eq!(headers[VARY], "origin");
        }
        for origin in [
            None,
            Some("null"),
            Some("*"),
            Some("https://evil.example"),
            Some("https://APP.example"),
            Some("https://app.example/"),
            Some("https://app.example:443"),
            Some("https://app.example.evil.example"),
            Some("http://app.example"),
        ] {
            let mut headers = HeaderMap::new();
            allow(&mut headers, origin, AllowedOrigins::Listed(&listed));
            assert!(cors_headers(&headers).is_empty(), "{origin:?}");
            assert_eq!(headers[VARY], "origin");
        }
    }

    #[test]
    fn a_public_document_is_shown_to_everybody() {
        let mut headers = HeaderMap::new();
        allow(&mut headers, Some("https://evil.example"), AllowedOrigins::Any);
        let expected = [
            ("access-control-allow-origin", "*"),
            ("access-control-expose-headers", "www-authenticate, dpop-nonce"),
        ];
        assert_eq!(cors_headers(&headers), expected);
    }
}
