use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde_json::{Map, Value};

use super::authorize::check_resumed;
use crate::provider::{Authorize, PendingAuthorization};
use crate::testing::{Harness, Landing, block_on};
use crate::types::Params;
use crate::wire::{Request, Response};

static HARNESS: LazyLock<Harness> = LazyLock::new(|| Harness::builder().request_objects().build());

/// Where the one client may be answered.
const REGISTERED: &str = "https://unsigned.example/cb";

/// The header of an object that nobody signed: `{"alg":"none"}`.
const HEADER: &str = "eyJhbGciOiJub25lIn0";

/// A query, and on the next line the claims of a request object that is sent with it.
///
/// Nothing leads to an address that the client did not register. What is accepted is the request that a plain one would
/// be with the parameters of the object, and nothing of what stands beside it.
pub fn request_object(data: &[u8]) {
    let (query, claims) = data.split_at(data.iter().position(|b| *b == b'\n').unwrap_or(data.len()));
    let claims = claims.strip_prefix(b"\n").unwrap_or_default();
    let object = format!("{HEADER}.{}.", BASE64_URL_SAFE_NO_PAD.encode(claims));
    let Some(request) = std::str::from_utf8(query).ok().and_then(|query| sent(query, &object)) else {
        return;
    };
    let outer = Params::parse(request.uri().query().unwrap_or_default().as_bytes()).unwrap_or_default();
    let inner = serde_json::from_slice(claims).unwrap_or_default();
    match block_on(HARNESS.provider().authorize(&request)) {
        Authorize::Respond(response) => check_response(&response, (&outer, &inner)),
        Authorize::Interact { pending, set_cookie } => {
            check_pending(&pending, (&outer, &inner));
            check_resumed(HARNESS.provider(), &pending, set_cookie.as_ref());
        }
        Authorize::LogOut | Authorize::VerifyDevice => panic!("nobody asked for either"),
    }
}

fn sent(query: &str, object: &str) -> Option<Request> {
    let uri = format!("https://op.example/authorize?{query}&request={object}");
    http::Request::get(uri).body(Bytes::new()).ok()
}

fn check_response(response: &Response, (outer, inner): (&Params, &Map<String, Value>)) {
    let Some(landing) = Landing::of(response) else {
        assert!(response.status().is_client_error(), "{response:?}");
        assert!(!response.headers().contains_key("location"), "a page leads somewhere");
        return;
    };
    assert_eq!(landing.uri, REGISTERED, "leads elsewhere");
    for issued in ["code", "access_token", "id_token"] {
        assert_eq!(landing.params.one(issued), Ok(None), "{issued} without a person");
    }
    let state = landing.params.one("state").expect("state stands once");
    let inside = inner.get("state").map(said);
    assert!(
        state.is_none_or(
            |state| inside.as_deref() == Some(state) || outer.many("state").any(|beside| beside == state)
        ),
        "another state"
    );
}

fn check_pending(pending: &PendingAuthorization, (outer, inner): (&Params, &Map<String, Value>)) {
    let text = |name: &str| inner.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    assert_eq!(pending.redirect_uri().as_str(), REGISTERED);
    let request = pending.request();
    assert_eq!(request.redirect_uri.as_deref(), text("redirect_uri"), "the address is not the object's");
    assert_eq!(request.nonce.as_deref(), inner.get("nonce").map(said).as_deref().filter(|n| !n.is_empty()));
    let mut asked = text("scope").unwrap_or_default().split(' ');
    assert!(request.scope.iter().all(|token| asked.clone().any(|known| known == token)), "a wider scope");
    let openid = asked.any(|token| token == "openid");
    assert_eq!(request.scope.contains("openid"), openid, "another kind of request");
    // The same in the clear, read by the rules alone.
    let plain = inner.iter().filter(|(name, _)| !OF_THE_OBJECT.contains(&name.as_str()));
    if plain.clone().any(|(_, value)| !value.is_string()) {
        return;
    }
    let beside = outer.iter().filter(|(name, _)| ["client_id", "response_type"].contains(name));
    let beside = beside.filter(|(name, _)| !inner.contains_key(*name));
    let pairs = plain.map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default())).chain(beside);
    let uri = format!("https://op.example/authorize?{}", Params::from_pairs(pairs).encode());
    let Ok(plain) = http::Request::get(uri).body(Bytes::new()) else { return };
    match block_on(HARNESS.provider().authorize(&plain)) {
        Authorize::Interact { pending, .. } => assert_eq!(pending.request(), request, "another request"),
        Authorize::LogOut | Authorize::VerifyDevice => panic!("nobody asked for either"),
        Authorize::Respond(response) => panic!("refused in the clear: {:?}", response.status()),
    }
}

/// Claims that are no parameters.
const OF_THE_OBJECT: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/// A value as a parameter's.
fn said(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
