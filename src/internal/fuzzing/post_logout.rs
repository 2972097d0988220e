use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http::StatusCode;
use url::{Url, form_urlencoded};

use super::texts;
use crate::client::{Client, ClientAuthMethod, ClientMetadata};
use crate::event::Silent;
use crate::provider::Logout;
use crate::testing::{Harness, Landing, block_on};
use crate::types::{ClientId, RedirectUri};

/// Where a browser may go after a logout for the client `fuzz`: exact, with a query, to a port, to a loopback address, to
/// a scheme of its own.
const REGISTERED: [&str; 5] = [
    "https://fuzz.example/out",
    "https://fuzz.example/q?a=1",
    "https://fuzz.example:8443/out",
    "http://127.0.0.1/out",
    "com.fuzz.app:/out",
];

static HARNESS: LazyLock<Harness> = LazyLock::new(|| {
    Harness::builder().client(client()).provider(|builder| builder.events(Arc::new(Silent))).build()
});

/// An address after a logout and a `state`, on two lines, of a client that has registered some.
///
/// Where a browser is led, a browser reads scheme, host, port and path of a registered address, whose bytes were
/// presented, and the `state` and nothing else is added.
pub fn post_logout(data: &[u8]) {
    let [presented, state] = texts(data);
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", "fuzz")
        .append_pair("post_logout_redirect_uri", &presented)
        .append_pair("state", &state)
        .finish();
    let request = http::Request::get(format!("https://op.example/logout?{query}")).body(Bytes::new());
    let Ok(request) = request else { return };
    // Nobody is signed in, so that it is over at once.
    let response = match block_on(HARNESS.provider().logout(&request, None)) {
        Logout::Over(ended) => {
            assert_eq!(ended.leads_on(), REGISTERED.contains(&presented.as_str()), "{presented:?}");
            ended.response()
        }
        Logout::Respond(response) => response,
        Logout::Confirm { .. } | Logout::End(_) => panic!("nobody is signed in"),
    };
    let Some(landing) = Landing::of(&response) else {
        assert!(!response.headers().contains_key("location"), "a page leads somewhere");
        return;
    };
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let location = response.headers().get("location").and_then(|value| value.to_str().ok());
    let led = Url::parse(location.expect("it leads somewhere")).expect("it leads to a url");
    assert!(REGISTERED.contains(&presented.as_str()), "nobody registered {presented:?}");
    let registered = Url::parse(&presented).expect("what is registered is a url");
    let place = |url: &Url| (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port());
    assert_eq!(place(&led), place(&registered), "another origin");
    assert_eq!(led.path(), registered.path(), "another path");
    let expected = if state.is_empty() { None } else { Some(state.as_str()) };
    assert_eq!(landing.params.one("state"), Ok(expected), "another state");
    let own = registered.query_pairs().count();
    assert_eq!(led.query_pairs().count(), own + usize::from(expected.is_some()), "more than the state");
}

fn client() -> Client {
    let uris = REGISTERED.map(|uri| RedirectUri::register(uri).expect("the constants can be registered"));
    let redirect_uri = RedirectUri::register("https://fuzz.example/cb").expect("so can this one");
    let metadata = ClientMetadata::code_flow([redirect_uri])
        .with_auth_method(ClientAuthMethod::None)
        .with_post_logout_redirect_uris(uris);
    let id = ClientId::new("fuzz").expect("the constant is an identifier");
    Client::builder(id, metadata).build().expect("the client is sound")
}
