//! OpenID Connect Front-Channel Logout 1.0 sections 2 and 3: the browser tells clients that a session has ended.

use std::sync::Arc;

use bytes::Bytes;
use url::Url;
use vouchsafe::client::{Client, ClientAuthMethod, ClientMetadata, InvalidClient};
use vouchsafe::event::EventKind;
use vouchsafe::provider::{BuildError, Provider};
use vouchsafe::store::{Stores, memory::MemoryStore};
use vouchsafe::testing::{AccountTable, Form, Harness, OneLogin, Outcome, authorize_form};
use vouchsafe::types::{ClientId, FetchUrl, RedirectUri};

fn client(id: &str, uri: &str) -> Result<Client, InvalidClient> {
    at(id, &format!("{id}.example"), uri)
}

/// A client at a host.
fn at(id: &str, host: &str, uri: &str) -> Result<Client, InvalidClient> {
    let redirects = [&format!("{id}.example"), host].map(|host| format!("https://{host}/cb"));
    let redirects = redirects.map(|uri| RedirectUri::register(&uri).unwrap());
    let out = RedirectUri::register(&format!("https://{host}/out?x=1")).unwrap();
    let metadata = ClientMetadata::code_flow(redirects)
        .with_auth_method(ClientAuthMethod::None)
        .with_post_logout_redirect_uris([out])
        .with_frontchannel_logout_uri(FetchUrl::parse(uri).unwrap());
    Client::builder(ClientId::new(id).unwrap(), metadata).build()
}

fn harness() -> Harness {
    Harness::builder()
        .client(client("a", "https://a.example/front?tenant=%22&y").unwrap())
        .client(client("b", "https://b.example/front").unwrap())
        .build()
}

/// The addresses of the frames of a page.
fn frames(page: &str) -> Vec<Url> {
    let sources = page.split("<iframe hidden src=\"").skip(1);
    let address = |rest: &str| rest.split_once('"').unwrap().0.replace("&amp;", "&");
    sources.map(|rest| Url::parse(&address(rest)).unwrap()).collect()
}

#[test]
fn the_page_holds_a_frame_of_each_client_with_iss_and_sid_and_goes_on_without_script() {
    let h = harness();
    let [a, b] = ["a", "b"].map(|id| h.tokens(&authorize_form().client(id), "alice"));
    drop(h.tokens(&authorize_form(), "alice"));
    let form = Form::new()
        .set("id_token_hint", a.id_token.clone().unwrap())
        .set("post_logout_redirect_uri", "https://a.example/out?x=1")
        .set("state", "\"><script>alert(1)</script>");
    let host = OneLogin::of(h.login("alice"));
    let out = h.log_out(&form, &host).accepted();
    assert_eq!((host.login(), out.header("location")), (None, None));
    assert_eq!(out.header("set-cookie"), Some("host_session=; Max-Age=0"));
    let page = std::str::from_utf8(out.response.body()).unwrap();
    let sid = |tokens: &vouchsafe::testing::Tokens| tokens.id_claims()["sid"].as_str().unwrap().to_owned();
    let seen: Vec<String> = frames(page).into_iter().map(String::from).collect();
    assert_eq!(
        seen,
        [
            format!("https://a.example/front?tenant=%22&y&iss=https%3A%2F%2Fop.example&sid={}", sid(&a)),
            format!("https://b.example/front?iss=https%3A%2F%2Fop.example&sid={}", sid(&b)),
        ]
    );
    let next = "https://a.example/out?x=1&amp;state=%22%3E%3Cscript%3Ealert%281%29%3C%2Fscript%3E";
    let bounded = "\" sandbox=\"allow-scripts allow-same-origin allow-forms\"></iframe>";
    assert_eq!(page.matches(bounded).count(), 2, "no frame leads the page away: {page}");
    assert!(page.contains(&format!("<meta http-equiv=\"refresh\" content=\"3;url={next}\">")), "{page}");
    assert!(!page.contains("<script") && page.contains("<h1>You are signed out</h1>"));
    let policy = out.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    assert!(policy.ends_with("; frame-src https://a.example https://b.example"), "{policy}");
    assert_eq!(out.header("x-frame-options"), Some("DENY"));
}

#[test]
fn the_page_stays_where_no_address_is_asked_for() {
    let h = harness();
    drop(h.tokens(&authorize_form().client("a"), "alice"));
    let host = OneLogin::of(h.login("alice"));
    let asked = h.log_out(&Form::new(), &host);
    let out = h.confirm_logout(&asked, &host).accepted();
    let page = std::str::from_utf8(out.response.body()).unwrap();
    assert_eq!(frames(page).len(), 1);
    assert!(!page.contains("http-equiv"));
}

/// Alice signs in at all of these clients and out again: the page, and the clients that have no frame in it.
fn signed_out(clients: Vec<Client>) -> (Outcome, Vec<ClientId>) {
    let ids: Vec<_> = clients.iter().map(|client| client.id().clone()).collect();
    let h = clients.into_iter().fold(Harness::builder(), vouchsafe::testing::HarnessBuilder::client).build();
    ids.iter().for_each(|id| drop(h.code(&authorize_form().client(id.as_str()), "alice")));
    let host = OneLogin::of(h.login("alice"));
    let asked = h.log_out(&Form::new(), &host);
    let out = h.confirm_logout(&asked, &host).accepted();
    let skipped = out.events.iter().filter(|event| event.kind == EventKind::FrontChannelLogoutSkipped);
    let skipped = skipped.map(|event| event.client.clone().unwrap()).collect();
    (out, skipped)
}

/// The policy is a header, and a proxy that takes no longer one would make an error of the logout.
#[test]
fn frames_are_left_out_where_the_policy_would_grow_too_long_and_events_tell_whose() {
    let clients: Vec<_> = (0..60)
        .map(|n| {
            let host = format!("{}.{}.example", "a".repeat(60), format!("{n:02}").repeat(20));
            at(&format!("rp{n:02}"), &host, &format!("https://{host}/front")).unwrap()
        })
        .collect();
    let ids: Vec<_> = clients.iter().map(|client| client.id().clone()).collect();
    let (out, skipped) = signed_out(clients);
    let policy = out.header("content-security-policy").unwrap();
    assert!((2900..3400).contains(&policy.len()), "{}", policy.len());
    let there = frames(std::str::from_utf8(out.response.body()).unwrap());
    assert_eq!(policy.matches("https://").count(), there.len());
    assert_eq!(skipped, ids[there.len()..], "the first have a frame");
}

#[test]
fn many_clients_of_one_origin_have_up_to_a_hundred_frames() {
    let clients =
        (0..103).map(|n| at(&format!("rp{n:03}"), "rp.example", "https://rp.example/front").unwrap());
    let (out, skipped) = signed_out(clients.collect());
    assert_eq!(frames(std::str::from_utf8(out.response.body()).unwrap()).len(), 100);
    assert!(out.header("content-security-policy").unwrap().ends_with("; frame-src https://rp.example"));
    assert_eq!(skipped.iter().map(ClientId::as_str).collect::<Vec<_>>(), ["rp100", "rp101", "rp102"]);
}

/// No policy can name an address literal, and its scheme alone would allow everybody's frames.
#[test]
fn a_frame_of_an_address_literal_is_left_out_and_an_event_tells() {
    let literal = at("ip", "192.0.2.1", "https://192.0.2.1/front").unwrap();
    let (out, skipped) = signed_out(vec![literal.clone(), client("b", "https://b.example/front").unwrap()]);
    assert_eq!(frames(std::str::from_utf8(out.response.body()).unwrap()).len(), 1);
    assert!(out.header("content-security-policy").unwrap().ends_with("; frame-src https://b.example"));
    assert_eq!(skipped.iter().map(ClientId::as_str).collect::<Vec<_>>(), ["ip"]);
    let (out, skipped) = signed_out(vec![literal]);
    assert!(!out.header("content-security-policy").unwrap().contains("frame-src"));
    assert_eq!(skipped.len(), 1);
}

#[test]
fn an_address_is_of_the_origin_of_a_redirect_uri() {
    for uri in ["https://evil.example/front", "https://a.example:8443/front", "https://a.example.evil/front"]
    {
        assert_eq!(client("a", uri).unwrap_err().member, "frontchannel_logout_uri", "{uri}");
    }
    assert!(client("a", "https://a.example:443/front").is_ok());
}

#[test]
fn it_needs_the_logout_endpoint_and_discovery_tells_of_it() {
    let h = harness();
    let request = http::Request::get("/.well-known/openid-configuration").body(Bytes::new()).unwrap();
    let document = h.answer(request).json();
    for member in ["frontchannel_logout_supported", "frontchannel_logout_session_supported"] {
        assert_eq!(document[member], true, "{member}");
    }
    let builder = Provider::builder(
        h.provider().config().clone(),
        Stores::of(Arc::new(MemoryStore::new())),
        h.provider().keyring().clone(),
        h.system_secrets().clone(),
    );
    let builder = builder.accounts(Arc::new(AccountTable::default())).with_authorization_code();
    let refused = builder.with_front_channel_logout().build().unwrap_err();
    let needs = BuildError::Needs { feature: "front_channel_logout", port: "with_rp_initiated_logout" };
    assert_eq!(refused, needs);
}
