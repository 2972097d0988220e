//! Reading the parameters of a request, from its body or its query.

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Method};
use serde_json::{Map, Value};

use super::head::single;
use super::{MAX_BODY_BYTES, Request};
use crate::error::Reason;
use crate::types::Params;
use crate::types::json::parse_strict;

/// The parameters of a posted form: the only form in which the token endpoint and its neighbours are asked.
///
/// # Errors
/// [`Reason::MethodNotAllowed`] for any method but POST, [`Reason::ParameterInQuery`] when there is a query,
/// [`Reason::ContentEncodingUnsupported`] and [`Reason::ContentTypeUnsupported`] for another coding or media
/// type, [`Reason::BodyTooLarge`] over 64 KiB, and what [`Params::parse`] refuses.
pub fn form_post(request: &Request) -> Result<Params, Reason> {
    if request.method() != Method::POST {
        return Err(Reason::MethodNotAllowed);
    }
    // RFC 6749 section 3.2 puts the parameters in the body. Credentials in a query end up in logs: they are
    // refused rather than ignored, so that nobody gets used to sending them (attack 102).
    if request.uri().query().is_some_and(|query| !query.is_empty()) {
        return Err(Reason::ParameterInQuery);
    }
    if is_encoded(request.headers()) {
        return Err(Reason::ContentEncodingUnsupported);
    }
    if !is_of_type(request.headers(), "application/x-www-form-urlencoded") {
        return Err(Reason::ContentTypeUnsupported);
    }
    if request.body().len() > MAX_BODY_BYTES {
        return Err(Reason::BodyTooLarge);
    }
    Params::parse(request.body())
}

/// Most levels of objects and arrays in a JSON body: a key set has four, and a chain of certificates one more.
const MAX_JSON_DEPTH: usize = 8;

/// The one JSON object in the body, read strictly: no member twice, at most 8 levels.
///
/// # Errors
/// [`Reason::ContentEncodingUnsupported`] and [`Reason::JsonExpected`] for another coding or media type,
/// [`Reason::BodyTooLarge`] over 64 KiB, [`Reason::JsonMalformed`] for anything else.
pub fn json_object(request: &Request) -> Result<Map<String, Value>, Reason> {
    if is_encoded(request.headers()) {
        return Err(Reason::ContentEncodingUnsupported);
    }
    if !is_of_type(request.headers(), "application/json") {
        return Err(Reason::JsonExpected);
    }
    if request.body().len() > MAX_BODY_BYTES {
        return Err(Reason::BodyTooLarge);
    }
    match parse_strict(request.body(), MAX_BODY_BYTES, MAX_JSON_DEPTH) {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(Reason::JsonMalformed),
    }
}

/// The parameters of an authorization request: the query of a GET, the form of a POST, never both
/// (OpenID Connect Core 1.0 section 3.1.2.1).
///
/// # Errors
/// [`Reason::MethodNotAllowed`] for any other method, [`Reason::BodyTooLarge`] for a query over 64 KiB, and what
/// [`Params::parse`] and [`form_post`] refuse.
pub fn query_or_form(request: &Request) -> Result<Params, Reason> {
    match *request.method() {
        Method::GET => Params::parse(request.uri().query().unwrap_or_default().as_bytes()),
        _ => form_post(request),
    }
}

fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().any(|coding| coding != "identity")
}

/// Whether the one `Content-Type` is `wanted`, in any case.
///
/// A `charset` may follow. The bytes are read as UTF-8 whatever it names, and refused when they are not; only
/// charsets in which ASCII stands for itself are let through, so that nobody reads another body than we do.
fn is_of_type(headers: &HeaderMap, wanted: &str) -> bool {
    let Some(content_type) = single(headers, &CONTENT_TYPE) else { return false };
    let mut parts = content_type.split(';').map(|part| part.trim_matches([' ', '\t']));
    let media_type = parts.next().unwrap_or_default();
    media_type.eq_ignore_ascii_case(wanted) && parts.all(is_ascii_charset)
}

fn is_ascii_charset(parameter: &str) -> bool {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
    let known = ["utf-8", "utf8", "us-ascii", "iso-8859-1"];
    parameter.is_empty()
        || (name.eq_ignore_ascii_case("charset") && known.iter().any(|k| value.eq_ignore_ascii_case(k)))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded";

    fn request(method: &str, uri: &str, headers: &[(&str, &str)], body: &str) -> Request {
        let mut builder = http::Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(Bytes::copy_from_slice(body.as_bytes())).unwrap()
    }

    fn form(headers: &[(&str, &str)]) -> Result<Params, Reason> {
        form_post(&request("POST", "/token", headers, "a=1"))
    }

    #[test]
    fn a_form_is_read_whatever_the_case_of_its_type() {
        for content_type in [
            FORM,
            "Application/X-WWW-Form-URLencoded",
            "application/x-www-form-urlencoded;charset=UTF-8",
            "application/x-www-form-urlencoded; charset=\"utf-8\"",
            "application/x-www-form-urlencoded ; Charset=ISO-8859-1 ;",
        ] {
            let params = form(&[("content-type", content_type)]).unwrap();
            assert_eq!(params.one("a"), Ok(Some("1")), "{content_type}");
        }
        assert!(form(&[("content-type", FORM), ("content-encoding", "identity")]).is_ok());
    }

    /// attack 103: JSON, plain text, multipart, no type, two types.
    #[test]
    fn another_media_type_is_refused() {
        for content_type in [
            "application/json",
            "text/plain",
            "multipart/form-data; boundary=x",
            "application/x-www-form-urlencoded2",
            "application/x-www-form-urlencoded, text/plain",
            "application/x-www-form-urlencoded; charset=utf-16",
            "application/x-www-form-urlencoded; charset=utf-7",
            "application/x-www-form-urlencoded; boundary=x",
            "",
        ] {
            let refused = form(&[("content-type", content_type)]);
            assert_eq!(refused, Err(Reason::ContentTypeUnsupported), "{content_type:?}");
        }
        assert_eq!(form(&[]), Err(Reason::ContentTypeUnsupported));
        let twice = form(&[("content-type", FORM), ("content-type", "application/json")]);
        assert_eq!(twice, Err(Reason::ContentTypeUnsupported));
    }

    /// attack 329: nothing is ever unpacked.
    #[test]
    fn a_compressed_body_is_refused() {
        let refused = Err(Reason::ContentEncodingUnsupported);
        for coding in ["gzip", "deflate", "br", "zstd", "identity, gzip", "GZIP", ""] {
            assert_eq!(form(&[("content-type", FORM), ("content-encoding", coding)]), refused, "{coding}");
        }
        let second = ("content-encoding", "gzip");
        assert_eq!(form(&[("content-type", FORM), ("content-encoding", "identity"), second]), refused);
    }

    /// attack 102: only POST, and nothing is read from the query.
    #[test]
    fn credentials_in_the_query_are_refused() {
        for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "post"] {
            let request = request(method, "/token?grant_type=client_credentials", &[], "");
            assert_eq!(form_post(&request), Err(Reason::MethodNotAllowed), "{method}");
        }
        let headers = [("content-type", FORM)];
        let posted = request("POST", "/token?client_secret=x", &headers, "grant_type=client_credentials");
        assert_eq!(form_post(&posted), Err(Reason::ParameterInQuery));
        assert!(form_post(&request("POST", "/token?", &headers, "a=1")).is_ok());
    }

    /// attack 57: a body over the cap is refused before it is looked at.
    #[test]
    fn a_large_body_is_refused() {
        let body = format!("a={}", "b".repeat(MAX_BODY_BYTES - 1));
        let posted = request("POST", "/token", &[("content-type", FORM)], &body);
        assert_eq!(form_post(&posted), Err(Reason::BodyTooLarge));
    }

    /// attack 21: the parameters of an authorization request stand in one place.
    #[test]
    fn an_authorization_request_is_a_query_or_a_form_and_never_both() {
        let get = query_or_form(&request("GET", "/authorize?a=1&b=%20", &[], "a=2")).unwrap();
        assert_eq!(get.iter().collect::<Vec<_>>(), [("a", "1"), ("b", " ")]);
        assert!(query_or_form(&request("GET", "/authorize", &[], "")).unwrap().is_empty());
        let headers = [("content-type", FORM)];
        let post = query_or_form(&request("POST", "/authorize", &headers, "a=2")).unwrap();
        assert_eq!(post.one("a"), Ok(Some("2")));
        for query in ["a=1", "a=2", "b=1"] {
            let both = request("POST", &format!("/authorize?{query}"), &headers, "a=2");
            assert_eq!(query_or_form(&both), Err(Reason::ParameterInQuery), "{query}");
        }
        for method in ["HEAD", "PUT", "TRACE"] {
            let refused = query_or_form(&request(method, "/authorize?a=1", &[], ""));
            assert_eq!(refused, Err(Reason::MethodNotAllowed), "{method}");
        }
        let broken = query_or_form(&request("GET", "/authorize?a=%ff", &[], ""));
        assert_eq!(broken, Err(Reason::FormMalformed));
    }
}
