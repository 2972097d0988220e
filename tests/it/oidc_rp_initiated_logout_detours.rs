//! OpenID Connect RP-Initiated Logout 1.0 sections 2 and 3: what other sites post, and addresses that nobody vouches for.

use std::time::Duration;

use http::StatusCode;
use serde_json::json;
use vouchsafe::client::{Client, ClientAuthMethod};
use vouchsafe::error::Reason;
use vouchsafe::provider::Registration;
use vouchsafe::testing::{Form, Harness, OneLogin, Outcome, authorize_form};
use vouchsafe::types::FetchUrl;

use crate::oidc_rp_initiated_logout::{RETURN, alice, asked, hinted, sent_back, signed_out, text};
use crate::rfc7591_registration as registration;

/// The browser is sent to the same endpoint by GET, with nothing but what was sealed.
#[track_caller]
fn detour(out: &Outcome) -> Form {
    let landing = out.landing();
    assert_eq!(
        (out.response.status(), landing.uri.as_str()),
        (StatusCode::SEE_OTHER, "https://op.example/logout")
    );
    assert_eq!(out.header("set-cookie"), None, "the cookie that other tabs have stays");
    let names: Vec<_> = landing.params.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["posted"]);
    landing.params.iter().collect()
}

/// A browser keeps `SameSite=Lax` cookies from a form of another site, so that nobody seems to be signed in.
#[test]
fn a_form_of_another_site_is_asked_for_again_by_get_without_the_id_token() {
    let h = Harness::new();
    let (host, id_token, _) = alice(&h);
    h.browser().clear();
    let form = hinted(&id_token).set("unknown", "x".repeat(20_000)).set("ui_locales", "de en");
    let out = h.log_out_by_post(&form, &OneLogin::nobody()).unchanged();
    assert!(!out.header("location").unwrap().contains(id_token.split('.').nth(1).unwrap()));
    sent_back(&h.log_out(&detour(&out), &host));
    assert_eq!(host.login(), None);
}

/// A host's cookie may come along where ours does not. A new one of ours would end what has begun in other tabs.
#[test]
fn a_form_of_another_site_sets_no_new_cookie_although_the_host_knows_its_person() {
    let h = Harness::new();
    let (host, ..) = alice(&h);
    h.browser().clear();
    let form =
        Form::new().set("client_id", "web").set("post_logout_redirect_uri", RETURN).set("state", "a b&c");
    let again = detour(&h.log_out_by_post(&form, &host).unchanged());
    let page = asked(h.log_out(&again, &host), &host);
    sent_back(&h.confirm_logout(&page, &host));
    assert_eq!(host.login(), None);
}

#[test]
fn what_a_form_is_repeated_by_is_checked() {
    let h = Harness::new();
    let (host, id_token, _) = alice(&h);
    h.browser().clear();
    let again = detour(&h.log_out_by_post(&hinted(&id_token), &OneLogin::nobody()));
    h.log_out(&Form::new().set("posted", "x"), &host).shown(Reason::LogoutPostedAltered).unchanged();
    let confirmation =
        asked(h.log_out(&Form::new(), &host), &host).landing().value("confirmation").to_owned();
    h.log_out(&Form::new().set("posted", confirmation), &host).shown(Reason::LogoutPostedAltered).unchanged();
    let ignored = h.log_out_by_post(&Form::new().set("posted", "x"), &OneLogin::nobody());
    signed_out(&ignored);
    h.advance(Duration::from_secs(30 * 60));
    h.log_out(&again, &host).shown(Reason::PendingExpired).unchanged();
    assert!(host.login().is_some());
    h.browser().clear();
    let long = "\u{1}".repeat(2048);
    let huge = hinted(&id_token).set("state", &long).set("logout_hint", &long);
    h.log_out_by_post(&huge, &OneLogin::nobody()).shown(Reason::PostedTooLarge).unchanged();
}

/// The page has a link to the client and goes nowhere by itself.
#[track_caller]
fn offered(out: &Outcome, uri: &str, origin: &str) {
    assert_eq!((out.response.status(), out.header("location")), (StatusCode::OK, None));
    let page = text(out);
    assert!(page.contains("<h1>You are signed out</h1>") && !page.contains("http-equiv"), "{page}");
    let link =
        format!("<a id=\"logout-continue\" rel=\"noreferrer\" href=\"{uri}\">Continue to {origin}</a>");
    assert!(page.contains(&link), "{page}");
}

/// attack 234: anybody can register an address here, and must not have us lead people to it.
#[test]
fn an_address_that_a_client_registered_by_itself_is_not_gone_to_without_a_hint() {
    let out = "https://rp.example/out?x=%22";
    let rules = Registration::open();
    let h = Harness::builder().provider(|builder| builder.with_registration(rules)).build();
    let metadata = registration::with(
        json!({ "token_endpoint_auth_method": "none", "post_logout_redirect_uris": [out] }),
    );
    let body = registration::register(&h, &metadata).accepted().json();
    let id = body["client_id"].as_str().unwrap();
    let form = Form::new().set("client_id", id).set("post_logout_redirect_uri", out).set("state", "a&\"b");
    let expected = "https://rp.example/out?x=%22&amp;state=a%26%22b";
    offered(&h.log_out(&form, &OneLogin::nobody()), expected, "https://rp.example");
    let host = OneLogin::of(h.login("alice"));
    let page = asked(h.log_out(&form, &host), &host);
    offered(&h.confirm_logout(&page, &host), expected, "https://rp.example");
    let host = OneLogin::of(h.login("alice"));
    let page = asked(h.log_out(&form, &host), &host);
    offered(&h.confirm_logout(&page, &OneLogin::nobody()), expected, "https://rp.example");
    h.browser().clear();
    let again = detour(&h.log_out_by_post(&form, &OneLogin::nobody()));
    offered(&h.log_out(&again, &OneLogin::nobody()), expected, "https://rp.example");
}

/// The same client with its address, as the host's registry has it or as it described itself.
fn described_itself(h: &Harness, id: &str) -> Client {
    let metadata = h.client(id).metadata().clone().with_auth_method(ClientAuthMethod::None);
    let front = FetchUrl::parse(&format!("https://{id}.example/front")).unwrap();
    let metadata = metadata.with_frontchannel_logout_uri(front);
    Client::builder(h.client(id).id().clone(), metadata).self_registered().build().unwrap()
}

/// attack 234: whoever registered has an ID token, if only their own, and sends it along with others' browsers. Only
/// one of the session that ends says that its person knows the client; then the address is gone to.
#[test]
fn an_address_that_a_client_registered_by_itself_is_gone_to_with_a_hint_of_the_session() {
    let h = Harness::new();
    h.store().insert_client(described_itself(&h, "web"));
    let tokens = h.tokens(&authorize_form(), "alice");
    let id_token = tokens.id_token.clone().unwrap();
    let (next, origin) = ("https://web.example/out?state=a+b%26c", "https://web.example");
    offered(&h.log_out(&hinted(&id_token), &OneLogin::nobody()), next, origin);
    let host = OneLogin::of(h.login("bob"));
    let page = asked(h.log_out(&hinted(&id_token), &host), &host);
    offered(&h.confirm_logout(&page, &host), next, origin);
    h.browser().clear();
    let again = detour(&h.log_out_by_post(&hinted(&id_token), &OneLogin::nobody()));
    offered(&h.log_out(&again, &OneLogin::nobody()), next, origin);
    let bare = hinted(&id_token).without("id_token_hint").set("client_id", "web");
    let host = OneLogin::of(h.login("alice"));
    let page = asked(h.log_out(&bare, &host), &host);
    let out = h.confirm_logout(&page, &host);
    offered(&out, next, origin);
    assert!(
        text(&out).contains("<iframe hidden src=\"https://web.example/front?"),
        "the frames are there all the same"
    );
    let host = OneLogin::of(h.login("alice"));
    let out = h.log_out(&hinted(&id_token), &host);
    assert!(text(&out).contains("http-equiv=\"refresh\""), "{}", text(&out));
}
