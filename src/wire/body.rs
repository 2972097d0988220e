//! Reading the parameters of a request, from its body or its query.

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Method};

use super::head::single;
use super::{MAX_BODY_BYTES, Request};
use crate::error::Reason;
use crate::types::Params;

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
    if request.headers().get_all(CONTENT_ENCODING).iter().any(|coding| coding != "identity") {
        return Err(Reason::ContentEncodingUnsupported);
    }
    if !is_form(request.headers()) {
        return Err(Reason::ContentTypeUnsupported);
    }
    if request.body().len() > MAX_BODY_BYTES {
        return Err(Reason::BodyTooLarge);
    }
    Params::parse(request.body())
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

/// Whether the one `Content-Type` is `application/x-www-form-urlencoded`, in any case.
///
/// A `charset` may follow. The bytes are read as UTF-8 whatever it names, and refused when they are not; only
/// charsets in which ASCII stands for itself are let through, so that nobody reads another form than we do.
fn is_form(headers: &HeaderMap) -> bool {
    let Some(content_type) = single(headers, &CONTENT_TYPE) else { return false };
    let mut parts = content_type.split(';').map(|part| part.trim_matches([' ', '\t']));
    let media_type = parts.next().unwrap_or_default();
    media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") && parts.all(is_ascii_charset)
}

fn is_ascii_charset(parameter: &str) -> bool {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
    let known = ["utf-8", "utf8", "us-ascii", "iso-8859-1"];
    parameter.is_empty()
        || (name.eq_ignore_ascii_case("charset") && known.iter().any(|k| value.eq_ignore_ascii_case(k)))
}
