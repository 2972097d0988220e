use std::sync::LazyLock;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::client::{Client, ClientAuthMethod, ClientMetadata};
use crate::provider::{Authorize, PendingAuthorization, Provider};
use crate::testing::{Carrier, Harness, Landing, block_on};
use crate::types::{ClientId, Params, RedirectUri, ResponseType, Scope};
use crate::wire::{MAX_BODY_BYTES, Request, Response};

/// What the client `fuzz` may be answered at: exact, with a query, at a loopback address, at a scheme of its own.
const REGISTERED: [&str; 4] =
    ["https://fuzz.example/cb", "https://fuzz.example/q?a=1", "http://127.0.0.1/cb", "com.fuzz.app:/cb"];

/// What the client `front` may be answered at, which may ask for every response type.
const FRONT: &str = "https://front.example/cb";

/// The scope that they may ask for.
const SCOPE: &str = "openid profile email read";

static HARNESS: LazyLock<Harness> =
    LazyLock::new(|| Harness::builder().front_channel().client(client()).client(front()).build());

/// A query and a form on two lines, sent to the authorization endpoint; with a form by POST, otherwise by GET.
///
/// Nothing leads to an address that its client did not register. What fails before an address was matched leads
/// nowhere at all. What is accepted is within the registration, and is the same request after it was sealed.
pub fn authorize(data: &[u8]) {
    let Some(request) = request(data) else { return };
    let params = Params::parse(request.body()).unwrap_or_default();
    let query = Params::parse(request.uri().query().unwrap_or_default().as_bytes()).unwrap_or_default();
    match block_on(HARNESS.provider().authorize(&request)) {
        Authorize::Respond(response) => check_response(&response, [&params, &query]),
        Authorize::Interact { pending, set_cookie } => check_pending(&pending, set_cookie.as_ref()),
        Authorize::LogOut | Authorize::VerifyDevice => panic!("the authorization endpoint does neither"),
    }
}

fn request(data: &[u8]) -> Option<Request> {
    let (query, form) = data.split_at(data.iter().position(|b| *b == b'\n').unwrap_or(data.len()));
    let form = form.strip_prefix(b"\n").unwrap_or_default();
    let method = if form.is_empty() { Method::GET } else { Method::POST };
    if form.len() > MAX_BODY_BYTES {
        return None;
    }
    let query = std::str::from_utf8(query).ok()?;
    http::Request::builder()
        .method(method)
        .uri(format!("https://op.example/authorize?{query}"))
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Bytes::copy_from_slice(form))
        .ok()
}

/// The parameters that are read, of all specifications, whether they are turned on here or not.
const READ: [&str; 24] = [
    "acr_values",
    "authorization_details",
    "claims",
    "claims_locales",
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "display",
    "dpop_jkt",
    "id_token_hint",
    "login_hint",
    "max_age",
    "nonce",
    "prompt",
    "redirect_uri",
    "registration",
    "request",
    "request_uri",
    "resource",
    "response_mode",
    "response_type",
    "scope",
    "state",
    "ui_locales",
];

fn check_response(response: &Response, sent: [&Params; 2]) {
    let Some(landing) = Landing::of(response) else {
        assert!(response.status().is_client_error(), "{response:?}");
        assert!(!response.headers().contains_key("location"), "a page leads somewhere");
        return;
    };
    if landing.uri == "https://op.example/authorize" {
        // A posted request without our cookie is asked for again by GET: all of it that is read, and nothing else.
        let [form, query] = sent;
        let same = Params::from_pairs(form.iter().filter(|(name, _)| READ.contains(name)));
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        assert!(query.is_empty() && landing.params == same, "another request is asked for");
        return;
    }
    assert!(is_registered(&landing.uri), "leads to {}", landing.uri);
    assert!([StatusCode::SEE_OTHER, StatusCode::OK].contains(&response.status()), "{response:?}");
    for issued in ["code", "access_token", "id_token"] {
        assert_eq!(landing.params.one(issued), Ok(None), "{issued} without a person");
    }
    let asked = sent.iter().flat_map(|params| params.many("response_type")).next();
    let asks_tokens =
        asked.and_then(|text| text.parse().ok()).is_some_and(ResponseType::has_front_channel_token);
    assert!(!asks_tokens || landing.carrier != Carrier::Query, "a request for tokens is answered in a query");
    assert_eq!(landing.params.one("iss"), Ok(Some("https://op.example")));
    // Read here once more, and more simply: of the addresses sent, there is one, and it is registered.
    let addresses: Vec<&str> = sent.iter().flat_map(|params| params.many("redirect_uri")).collect();
    assert!(addresses.len() <= 1, "an error was returned although the address is in doubt");
    assert!(addresses.iter().all(|address| is_registered(strip_query(address))), "{addresses:?}");
    let state: Vec<&str> = sent.iter().flat_map(|params| params.many("state")).collect();
    let returned = landing.params.one("state").expect("state stands once");
    assert!(returned.is_none() || state == [returned.unwrap_or_default()], "another state");
}

fn check_pending(pending: &PendingAuthorization, set_cookie: Option<&HeaderValue>) {
    let request = pending.request();
    let registered = Scope::parse(SCOPE).expect("the constant is a scope");
    assert!(request.scope.is_subset(&registered), "the scope exceeds the registration");
    let response_type = request.response_type;
    assert_eq!(
        request.code_challenge.is_some(),
        response_type.has_code(),
        "a challenge where there is a code"
    );
    assert!(!response_type.has_id_token() || request.nonce.is_some(), "an id token without a nonce");
    assert!(is_registered(strip_query(pending.redirect_uri().as_str())), "{}", pending.redirect_uri());
    check_resumed(HARNESS.provider(), pending, set_cookie);
}

/// Sealed and opened again, in the browser that was given the cookie, a request is the same.
pub(super) fn check_resumed(
    provider: &Provider,
    pending: &PendingAuthorization,
    set_cookie: Option<&HeaderValue>,
) {
    let Some(cookie) = set_cookie else { return };
    let pair = cookie.as_bytes().split(|b| *b == b';').next().unwrap_or_default();
    let mut headers = HeaderMap::new();
    headers.insert(COOKIE, HeaderValue::from_bytes(pair).expect("a cookie is printable"));
    let sealed = block_on(provider.seal(pending)).expect("a pending request can be sealed");
    let resumed = block_on(provider.resume(&sealed, &Method::GET, &headers)).expect("and opened again");
    assert_eq!(resumed.request(), pending.request(), "another request was resumed");
    assert_eq!(resumed.redirect_uri(), pending.redirect_uri());
}

fn strip_query(uri: &str) -> &str {
    uri.split('?').next().unwrap_or(uri)
}

/// Whether a response may be led here; its query is the landing's.
fn is_registered(uri: &str) -> bool {
    let port = uri.strip_prefix("http://127.0.0.1:").and_then(|rest| rest.strip_suffix("/cb"));
    uri == FRONT
        || REGISTERED.iter().any(|registered| strip_query(registered) == strip_query(uri))
        || port.is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn client() -> Client {
    registered("fuzz", metadata(&REGISTERED))
}

fn front() -> Client {
    let types =
        ["id_token", "id_token token", "token", "code id_token", "code token", "code id_token token", "none"];
    let types = types.map(|text| text.parse().expect("the constant is a response type"));
    registered("front", types.into_iter().fold(metadata(&[FRONT]), ClientMetadata::with_response_type))
}

fn metadata(uris: &[&str]) -> ClientMetadata {
    let uris = uris.iter().map(|uri| RedirectUri::register(uri).expect("the constant is sound"));
    ClientMetadata::code_flow(uris)
        .with_auth_method(ClientAuthMethod::None)
        .with_scope(Scope::parse(SCOPE).expect("the constant is a scope"))
}

fn registered(id: &str, metadata: ClientMetadata) -> Client {
    let id = ClientId::new(id).expect("the constant is a client_id");
    Client::builder(id, metadata).build().expect("the client is sound")
}
