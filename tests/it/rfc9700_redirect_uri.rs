//! RFC 9700 sections 2.1 and 4.1.3, RFC 8252 section 7.3: where a response may go.

use proptest::prelude::*;
use vouchsafe::client::{Client, ClientAuthMethod, ClientMetadata};
use vouchsafe::error::Reason;
use vouchsafe::testing::{Harness, Landing, authorize_form};
use vouchsafe::types::{ClientId, RedirectUri};

/// A public client `many` with these redirect URIs.
fn client(uris: &[&str]) -> Client {
    let uris = uris.iter().map(|uri| RedirectUri::register(uri).unwrap());
    let metadata = ClientMetadata::code_flow(uris).with_auth_method(ClientAuthMethod::None);
    Client::builder(ClientId::new("many").unwrap(), metadata).build().unwrap()
}

/// attack 2, attack 3, attack 4, attack 5, attack 6, attack 7, attack 8, attack 10, attack 11, attack 12, attack 13:
/// an address is the registered one to the byte, decoded once, or nothing is sent to it.
#[test]
fn an_address_that_is_not_the_registered_one_is_never_redirected_to() {
    let h = Harness::new();
    let rows = [
        "https://web.example/cb/",
        "https://web.example/cb?x=1",
        "https://web.example/cb?",
        "https://web.example/CB",
        "HTTPS://Web.Example/cb",
        "https://WEB.example/cb",
        "https://web.example/cb/../open?next=https://evil",
        "https://web.example/./cb",
        "https://web.example/cb/..;/x",
        "https://web.example/cb/%2e%2e%3b/",
        "https://web.example/cb%2f..%2fx",
        "https://web.example/cb%252f..%252fx",
        "https%3A%2F%2Fweb.example%2Fcb",
        "https://web.example@evil.example/cb",
        "https://web.example:pw@evil.example",
        "https://evil.example\\@web.example/cb",
        "https:\\\\web.example/cb",
        "https:///web.example/cb",
        "https:web.example/cb",
        "/%09/example.com",
        "//web.example/cb",
        "/\\example.com",
        "/cb",
        "https://web.example/cb#frag",
        "https://web.example/cb#",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://web.example/x",
        " https://web.example/cb",
        "https://web.example/cb ",
        "https://web.example:443/cb",
        "https://web.example./cb",
        "http://web.example/cb",
    ];
    for uri in rows {
        h.authorize(&authorize_form().set("redirect_uri", uri)).shown(Reason::RedirectUriNotRegistered);
    }
    let long = format!("https://web.example/cb?{}", "a".repeat(9000));
    h.authorize(&authorize_form().set("redirect_uri", long)).shown(Reason::RedirectUriNotRegistered);
}

/// attack 9: a wildcard is never registered, so none can match.
#[test]
fn a_wildcard_cannot_be_registered_and_nothing_matches_one() {
    assert!(RedirectUri::register("http://localhost:8090/*").is_err());
    let h = Harness::builder().client(client(&["http://localhost:8090/cb"])).build();
    let form = authorize_form().client("many");
    for uri in ["http://localhost:8090%25@evil.example/", "http://localhost:8090%@evil.example/cb"] {
        h.authorize(&form.clone().set("redirect_uri", uri)).shown(Reason::RedirectUriNotRegistered);
    }
}

/// attack 14: the port of a loopback address is the client's own choice.
#[test]
fn a_loopback_address_may_have_any_port() {
    let h = Harness::new();
    let form = authorize_form().client("native").set("redirect_uri", "http://127.0.0.1:53123/cb");
    let landing = h.authorize(&form).approved_by("alice").landing();
    assert_eq!(landing.uri, "http://127.0.0.1:53123/cb");
}

/// attack 15: and nothing but the port.
#[test]
fn a_loopback_address_differs_in_nothing_but_the_port() {
    let uris =
        ["https://127.0.0.1/cb", "http://127.0.0.1/native", "http://[::1]/cb", "http://localhost/named"];
    let h = Harness::builder().client(client(&uris)).build();
    let rows = [
        "http://127.0.0.1/cb",
        "https://127.0.0.1:1/cb",
        "http://u@127.0.0.1:1/native",
        "http://127.0.0.1.evil.example/native",
        "http://127.1/native",
        "http://0x7f.0.0.1/native",
        "http://[::ffff:127.0.0.1]/native",
        "http://127.0.0.1:/native",
        "http://127.0.0.1:65536/native",
        "http://127.0.0.1:+1/native",
        "http://127.0.0.1:1/native/",
        "http://127.0.0.1:1/native?x",
        "http://[0:0:0:0:0:0:0:1]/cb",
        "http://localhost:1/named",
    ];
    for uri in rows {
        let form = authorize_form().client("many").set("redirect_uri", uri);
        h.authorize(&form).shown(Reason::RedirectUriNotRegistered);
    }
}

/// attack 16: of several addresses none is guessed.
#[test]
fn without_the_parameter_several_addresses_are_none() {
    let h = Harness::builder().client(client(&["https://many.example/a", "https://many.example/b"])).build();
    for scope in ["", "openid"] {
        let form = authorize_form().client("many").scope(scope).without("redirect_uri");
        h.authorize(&form).shown(Reason::RedirectUriMissing);
    }
}

/// attack 17: OpenID Connect demands the parameter; plain OAuth may leave it out when there is one address.
#[test]
fn only_plain_oauth_may_leave_the_address_out() {
    let h = Harness::new();
    let form = authorize_form().without("redirect_uri");
    h.authorize(&form).shown(Reason::RedirectUriMissing);
    h.authorize(&form.clone().scope("read openid")).shown(Reason::RedirectUriMissing);
    h.authorize(&form.clone().scope("read").also("scope", "openid")).shown(Reason::RedirectUriMissing);
    let visit = h.authorize(&form.scope("read"));
    assert_eq!(visit.pending().request().redirect_uri, None);
    assert_eq!(visit.approved_by("alice").landing().uri, "https://web.example/cb");
}

/// attack 18: an address cannot carry parameters that only a response may have.
#[test]
fn response_parameters_cannot_be_registered() {
    for name in ["code", "state", "iss", "response", "error", "id_token", "access_token"] {
        assert!(RedirectUri::register(&format!("https://web.example/cb?a=1&{name}=x")).is_err(), "{name}");
    }
}

/// attack 28: a mode that is not known changes nothing about where an error may go.
#[test]
fn an_unknown_mode_is_returned_only_to_a_registered_address() {
    let h = Harness::new();
    let form = authorize_form().set("response_mode", "form_post.jwt");
    h.authorize(&form.clone().set("redirect_uri", "https://evil.example/"))
        .shown(Reason::RedirectUriNotRegistered);
    assert_eq!(h.authorize(&form).returned(Reason::ResponseModeUnsupported).uri, "https://web.example/cb");
}

#[test]
fn the_query_of_a_registered_address_survives() {
    let uri = "https://many.example/cb?tenant=a%20b&x=";
    let h = Harness::builder().client(client(&[uri])).build();
    let form = authorize_form().client("many").set("redirect_uri", uri);
    let visit = h.authorize(&form).approved_by("alice");
    let location = visit.outcome.header("location").unwrap();
    assert!(location.starts_with("https://many.example/cb?tenant=a%20b&x=&code="), "{location}");
}

/// What an attacker might say: sound values, and all that is near them.
fn hostile_value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("https://web.example/cb".to_owned()),
        Just("http://127.0.0.1:9/cb".to_owned()),
        Just("com.example.app:/cb".to_owned()),
        Just("code".to_owned()),
        Just("none".to_owned()),
        Just("form_post".to_owned()),
        Just("fragment".to_owned()),
        "[a-z ]{0,12}",
        "https://(web|evil)[.]example[/a-z?#@:%.]{0,12}",
        "\\PC{0,16}",
    ]
}

proptest! {
    /// Property 8, attack 22: whatever the request, a response goes to a registered address or nowhere.
    #[test]
    fn no_request_is_answered_to_an_address_of_its_own(
        client in prop_oneof![Just("web"), Just("native"), Just("spa"), Just("nope")],
        changes in prop::collection::vec(
            (
                prop_oneof![
                    Just("redirect_uri"), Just("response_type"), Just("response_mode"), Just("state"),
                    Just("scope"), Just("prompt"), Just("max_age"), Just("claims"), Just("code_challenge"),
                    Just("client_id"), Just("request"),
                ],
                prop_oneof![Just(true), Just(false)],
                hostile_value(),
            ),
            0..4,
        ),
    ) {
        let h = shared();
        let form = changes.into_iter().fold(authorize_form().client(client), |form, (name, twice, value)| {
            if twice { form.also(name, value) } else { form.set(name, value) }
        });
        let visit = h.authorize(&form);
        if let Some(landing) = Landing::of(&visit.outcome.response).filter(|landing| !landing.uri.is_empty()) {
            prop_assert!(registered(&landing.uri), "{}", landing.uri);
        }
    }
}

/// Whether one of the clients above has this address.
fn registered(uri: &str) -> bool {
    let known =
        ["https://web.example/cb", "https://spa.example/cb", "com.example.app:/cb", "http://127.0.0.1/cb"];
    let port = uri.strip_prefix("http://127.0.0.1:").and_then(|rest| rest.strip_suffix("/cb"));
    known.contains(&uri) || port.is_some_and(|port| port.parse::<u16>().is_ok())
}

fn shared() -> &'static Harness {
    static HARNESS: std::sync::LazyLock<Harness> = std::sync::LazyLock::new(Harness::new);
    &HARNESS
}
