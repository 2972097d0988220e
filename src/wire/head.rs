//! What the headers of a request say, read once.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{AUTHORIZATION, COOKIE, ORIGIN};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use zeroize::Zeroizing;

use super::{ClientCertificate, MAX_AUTHORIZATION_BYTES, MAX_COOKIE_BYTES};
use crate::error::Reason;
use crate::secret::Secret;
use crate::types::form_component;

/// The header that carries a proof of possession (RFC 9449 section 4.1).
const DPOP: HeaderName = HeaderName::from_static("dpop");

/// The head of a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestHead {
    /// The method.
    pub method: Method,
    /// The one `Authorization` header, if there is any.
    pub authorization: Option<Authorization>,
    /// The `DPoP` header, if there is any (RFC 9449 section 4.1).
    pub dpop: Option<DpopHeader>,
    /// The one `Origin` header, as it was sent; `null` is a value like any other.
    pub origin: Option<String>,
    /// The certificate of the connection, which the host's TLS layer inserted as an extension. No header is
    /// one.
    pub certificate: Option<ClientCertificate>,
    cookies: Cookies,
}

/// What an `Authorization` header carries. The name of its scheme is read in any case (RFC 9110 section 11.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Authorization {
    /// `Basic` with credentials that could be decoded (RFC 6749 section 2.3.1).
    Basic(BasicCredentials),
    /// `Basic` with anything else. The endpoint that authenticates clients refuses it with
    /// [`Reason::ClientBasicMalformed`]; the others do not care.
    BasicMalformed,
    /// `Bearer` with a token (RFC 6750 section 2.1).
    Bearer(Secret),
    /// `DPoP` with a token that is bound to a key (RFC 9449 section 7.1).
    Dpop(Secret),
    /// Another scheme.
    Other,
}

/// What a request carries in `DPoP`. Nothing has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DpopHeader {
    /// One header with what should be a proof; no proof at all where it is over 16 KiB or not ASCII.
    Proof(Secret),
    /// More than one header.
    Repeated,
}

/// The two halves of `Basic` credentials, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BasicCredentials {
    /// The user name, which is the `client_id`. Not empty, without control characters.
    pub client_id: String,
    /// The password, which is the client secret. It may be empty.
    pub secret: Secret,
}

impl RequestHead {
    /// Reads the headers of `request`.
    ///
    /// # Errors
    /// [`Reason::AuthorizationHeaderMalformed`] when `Authorization` stands twice, is over 16 KiB, is not ASCII,
    /// or is `Bearer` or `DPoP` without a token of the form that RFC 6750 section 2.1 describes.
    pub fn read<B>(request: &http::Request<B>) -> Result<Self, Reason> {
        let headers = request.headers();
        Ok(Self {
            method: request.method().clone(),
            authorization: authorization(headers)?,
            dpop: dpop(headers),
            origin: single(headers, &ORIGIN).map(str::to_owned),
            certificate: request.extensions().get().cloned(),
            cookies: Cookies::read(headers),
        })
    }

    /// The value of the cookie with exactly the bytes of `name`.
    ///
    /// Two cookies of that name are none: one of them was planted from a neighbouring host, and nobody can tell
    /// which. Nothing is trimmed, folded, unquoted or decoded, so that no other spelling passes for `name`.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.one(name)
    }
}

/// The value of a cookie, by the rule of [`RequestHead::cookie`].
#[must_use]
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    Cookies::read(headers).one(name).map(str::to_owned)
}

/// The header's value when it stands once and is printable ASCII.
pub(super) fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    if values.next().is_some() {
        return None;
    }
    first.to_str().ok()
}

fn authorization(headers: &HeaderMap) -> Result<Option<Authorization>, Reason> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() || value.len() > MAX_AUTHORIZATION_BYTES {
        return Err(Reason::AuthorizationHeaderMalformed);
    }
    let text = value.to_str().map_err(|_| Reason::AuthorizationHeaderMalformed)?;
    let (scheme, credentials) = text.split_once(' ').unwrap_or((text, ""));
    let credentials = credentials.trim_matches(' ');
    if scheme.eq_ignore_ascii_case("Basic") {
        return Ok(Some(basic(credentials).map_or(Authorization::BasicMalformed, Authorization::Basic)));
    }
    let token = || match is_b64token(credentials) {
        true => Ok(Secret::new(credentials)),
        false => Err(Reason::AuthorizationHeaderMalformed),
    };
    if scheme.eq_ignore_ascii_case("Bearer") {
        return Ok(Some(Authorization::Bearer(token()?)));
    }
    if scheme.eq_ignore_ascii_case("DPoP") {
        return Ok(Some(Authorization::Dpop(token()?)));
    }
    Ok(Some(Authorization::Other))
}

fn dpop(headers: &HeaderMap) -> Option<DpopHeader> {
    let mut values = headers.get_all(DPOP).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return Some(DpopHeader::Repeated);
    }
    let proof = value.to_str().ok().filter(|proof| proof.len() <= MAX_AUTHORIZATION_BYTES);
    Some(DpopHeader::Proof(Secret::new(proof.unwrap_or_default())))
}

/// `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="` (RFC 6750 section 2.1).
fn is_b64token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b))
}

/// Decodes `base64(id ":" secret)`, where each half is form-urlencoded (RFC 6749 section 2.3.1 and appendix B).
///
/// Many clients send the halves as they are. They are read so where nothing else is possible: when one half
/// cannot be the output of an encoder, neither was encoded. What could be read both ways is read as the
/// specification says, so there is never a choice between two identities.
fn basic(credentials: &str) -> Option<BasicCredentials> {
    let decoded = Zeroizing::new(BASE64_STANDARD.decode(credentials).ok()?);
    let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    let (client_id, secret) = match (form_decoded(id), form_decoded(secret)) {
        (Some(id), Some(secret)) => (id, Secret::new(secret)),
        _ => (id.to_owned(), Secret::new(secret)),
    };
    (!client_id.is_empty() && is_printable(&client_id) && is_printable(secret.expose()))
        .then_some(BasicCredentials { client_id, secret })
}

/// The credential that an encoder turned into `text`; `None` where no encoder gives such a text.
///
/// The strictest encoder leaves letters, digits and `*-._`; the commonest in browsers leaves `~!'()` too.
fn form_decoded(text: &str) -> Option<String> {
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"*-._~!'()%+".contains(&b)) {
        return None;
    }
    form_component(text.as_bytes()).filter(|decoded| is_printable(decoded))
}

fn is_printable(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

/// The `Cookie` headers of a request.
#[derive(Clone)]
struct Cookies(Vec<HeaderValue>);

impl Cookies {
    fn read(headers: &HeaderMap) -> Self {
        let values: Vec<_> = headers.get_all(COOKIE).iter().cloned().collect();
        let size: usize = values.iter().map(HeaderValue::len).sum();
        Self(if size > MAX_COOKIE_BYTES { Vec::new() } else { values })
    }

    fn one(&self, name: &str) -> Option<&str> {
        let mut values =
            self.0.iter().flat_map(|header| header.as_bytes().split(|b| *b == b';')).filter_map(|pair| {
                let pair = pair.strip_prefix(b" ").unwrap_or(pair);
                pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")
            });
        let first = values.next()?;
        if values.next().is_some() {
            return None;
        }
        std::str::from_utf8(first).ok()
    }
}

impl fmt::Debug for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cookies(..)")
    }
}

#[cfg(test)]
mod tests;
