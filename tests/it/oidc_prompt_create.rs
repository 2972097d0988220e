//! Initiating User Registration via OpenID Connect 1.0 section 4: `prompt=create`; OpenID Connect Core 1.0 section 4:
//! `initiate_login_uri`.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use vouchsafe::client::{Client, ClientAuthMethod, ClientMetadata};
use vouchsafe::error::Reason;
use vouchsafe::provider::{Answer, Approval, Denial, LoginNeed, Needs};
use vouchsafe::testing::{AuthorizeForm, Harness, authorize_form};
use vouchsafe::types::{ClientId, RedirectUri};

fn harness() -> Harness {
    Harness::builder().provider(|builder| builder.with_account_creation()).build()
}

fn asks() -> AuthorizeForm {
    authorize_form().client("trusted").prompt("create")
}

fn prompts_listed(h: &Harness) -> Value {
    let request = http::Request::get("/.well-known/openid-configuration").body(Bytes::new()).unwrap();
    h.answer(request).json()["prompt_values_supported"].clone()
}

#[test]
fn it_is_unknown_and_unlisted_where_it_is_off() {
    let h = Harness::new();
    let landing = h.authorize(&asks()).returned(Reason::PromptUnknown);
    assert_eq!(landing.value("error"), "invalid_request");
    assert_eq!(prompts_listed(&h), json!(["none", "login", "consent", "select_account"]));
    assert_eq!(prompts_listed(&harness()), json!(["none", "login", "consent", "select_account", "create"]));
}

/// attack 37: nothing may be shown, so that nothing can be created.
#[test]
fn none_beside_it_is_a_contradiction() {
    let h = harness();
    for prompt in ["none create", "create none"] {
        h.authorize(&asks().prompt(prompt)).returned(Reason::PromptNoneCombined);
    }
}

#[test]
fn it_is_offered_until_somebody_signed_in_after_the_request() {
    let h = harness();
    let before = h.login("alice");
    h.advance(Duration::from_secs(1));
    let visit = h.authorize(&asks());
    assert_eq!(visit.next(None).needs(), &Needs::Create);
    assert_eq!(visit.next(Some(&before)).needs(), &Needs::Create);
    let scope = visit.pending().request().scope.clone();
    let stale = visit.approved(Approval::new(before, scope)).refused(Reason::CreationNeeded);
    assert_eq!(stale.needs(), &Needs::Create);
    h.advance(Duration::from_secs(5));
    assert!(visit.next(Some(&h.login("alice"))).code().starts_with("vs_ac_"));
}

#[test]
fn whoever_stays_signed_in_answers_and_the_answer_survives_sealing() {
    let h = harness();
    let before = h.login("alice");
    h.advance(Duration::from_secs(1));
    let answered = h.authorize(&asks()).answered(Answer::Create).resumed_after(Duration::from_secs(60));
    assert_eq!(answered.next(None).needs(), &Needs::Login(LoginNeed::Absent));
    assert!(answered.next(Some(&before)).code().starts_with("vs_ac_"));
    let asked_again = h.authorize(&asks()).resumed_after(Duration::from_secs(60));
    assert_eq!(asked_again.next(Some(&before)).needs(), &Needs::Create);
}

#[test]
fn beside_other_values_each_is_asked_for() {
    let h = harness();
    let before = h.login("alice");
    h.advance(Duration::from_secs(1));
    let visit = h.authorize(&asks().prompt("login create")).answered(Answer::Create);
    assert_eq!(visit.next(Some(&before)).needs(), &Needs::Login(LoginNeed::Requested));
    let visit = h.authorize(&asks().prompt("create consent"));
    assert!(matches!(visit.next(Some(&h.login("alice"))).needs(), Needs::Consent(_)));
    let visit = h.authorize(&asks().prompt("select_account create")).answered(Answer::Create);
    assert_eq!(visit.next(Some(&before)).needs(), &Needs::Select);
}

#[test]
fn a_person_who_will_not_create_one_is_a_denial() {
    let landing = harness().authorize(&asks()).denied(Denial::Person).returned(Reason::DeniedByUser);
    assert_eq!(landing.value("error"), "access_denied");
}

#[test]
fn a_sign_in_is_begun_elsewhere_over_https_alone() {
    let registered = |uri: &str| {
        let mut metadata =
            ClientMetadata::code_flow([RedirectUri::register("https://one.example/cb").unwrap()])
                .with_auth_method(ClientAuthMethod::None);
        metadata.initiate_login_uri = Some(uri.to_owned());
        Client::builder(ClientId::new("one").unwrap(), metadata).build()
    };
    let client = registered("https://one.example/login?tenant=7").unwrap();
    let written = serde_json::to_value(client.metadata()).unwrap();
    assert_eq!(written["initiate_login_uri"], "https://one.example/login?tenant=7");
    let too_long = format!("https://one.example/{}", "x".repeat(2048));
    let refused = [
        "http://one.example/login",
        "javascript:alert(1)",
        "https://user@one.example/login",
        "//one.example/login",
        "https://one.example/\r\nx",
        "",
        &too_long,
    ];
    for uri in refused {
        assert_eq!(registered(uri).unwrap_err().member, "initiate_login_uri", "{uri:?}");
    }
}
