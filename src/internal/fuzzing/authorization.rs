use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use url::form_urlencoded;

use crate::error::Reason;
use crate::wire::{Authorization, MAX_AUTHORIZATION_BYTES, Request, RequestHead};

/// An `Authorization` header, and the same bytes as what `Basic` credentials decode to.
///
/// Credentials are read in one way: as the encoding that RFC 6749 section 2.3.1 asks for, or as they stand where
/// no encoder could have written them; and they survive being encoded again.
pub fn authorization(data: &[u8]) {
    if let Ok(value) = HeaderValue::from_bytes(data) {
        match read(value) {
            Ok(Some(Authorization::Basic(_) | Authorization::BasicMalformed)) => {
                assert!(data.to_ascii_lowercase().starts_with(b"basic"), "another scheme is Basic");
            }
            Ok(Some(Authorization::Bearer(token) | Authorization::Dpop(token))) => {
                assert!(data.ends_with(token.expose().as_bytes()) || data.ends_with(b" "), "another token");
                let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
                assert!(token.expose().bytes().all(allowed), "a token of other characters");
            }
            Ok(_) => assert!(data.len() <= MAX_AUTHORIZATION_BYTES, "over the cap"),
            Err(reason) => assert_eq!(reason, Reason::AuthorizationHeaderMalformed),
        }
    }
    if let Some((id, secret)) = basic(data) {
        check_reading(data, &id, &secret);
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let again = format!("{}:{}", encode(&id), encode(&secret));
        // Escapes are longer: what the cap lets through once may not pass again.
        if again.len() <= MAX_AUTHORIZATION_BYTES / 2 {
            assert_eq!(basic(again.as_bytes()), Some((id, secret)), "not the same when encoded again");
        }
    }
}

fn read(value: HeaderValue) -> Result<Option<Authorization>, Reason> {
    let mut request = Request::new(Bytes::new());
    request.headers_mut().insert(AUTHORIZATION, value);
    RequestHead::read(&request).map(|head| head.authorization)
}

fn basic(credentials: &[u8]) -> Option<(String, String)> {
    let value = format!("Basic {}", BASE64_STANDARD.encode(credentials));
    match read(HeaderValue::try_from(value).expect("base64 is printable ASCII")) {
        Ok(Some(Authorization::Basic(basic))) => Some((basic.client_id, basic.secret.expose().to_owned())),
        Ok(Some(Authorization::BasicMalformed)) | Err(_) => None,
        other => panic!("Basic is read as {other:?}"),
    }
}

/// The two decoders, written a second time: what canonical encoding gives is decoded, and nothing else than one
/// of the two readings ever comes out.
fn check_reading(data: &[u8], id: &str, secret: &str) {
    let text = std::str::from_utf8(data).expect("credentials are UTF-8");
    let (raw_id, raw_secret) = text.split_once(':').expect("credentials have a colon");
    let decode =
        |raw: &str| form_urlencoded::parse(format!("={raw}").as_bytes()).next().map(|(_, v)| v.into_owned());
    let decoded = (decode(raw_id).unwrap_or_default(), decode(raw_secret).unwrap_or_default());
    let is_raw = (id, secret) == (raw_id, raw_secret);
    let is_decoded = (id, secret) == (decoded.0.as_str(), decoded.1.as_str());
    assert!(is_raw || is_decoded, "a third reading");
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let canonical = encode(&decoded.0) == raw_id && encode(&decoded.1) == raw_secret;
    let printable = !decoded.0.contains(char::is_control) && !decoded.1.contains(char::is_control);
    assert!(!(canonical && printable) || is_decoded, "an encoding is taken literally");
    assert!(!id.is_empty() && !id.contains(char::is_control) && !secret.contains(char::is_control));
}
