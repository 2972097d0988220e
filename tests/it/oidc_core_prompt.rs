//! OpenID Connect Core 1.0 sections 3.1.2.1, 3.1.2.3 and 3.1.2.6: `prompt`.

use std::time::Duration;

use vouchsafe::error::Reason;
use vouchsafe::provider::{Answer, LoginNeed, Needs};
use vouchsafe::testing::{Harness, authorize_form};

/// attack 36: with nobody signed in, nothing is shown and nothing is set.
#[test]
fn none_without_a_login_is_answered_at_once() {
    let h = Harness::new();
    let visit = h.authorize(&authorize_form().prompt("none"));
    assert_eq!(visit.outcome.header("set-cookie"), None);
    let landing = visit.next(None).returned(Reason::LoginNeeded);
    assert_eq!(landing.params.one("error"), Ok(Some("login_required")));
    assert!(h.browser().cookie_names().is_empty());
}

#[test]
fn none_is_answered_with_a_code_when_nothing_is_missing() {
    let h = Harness::new();
    let (form, alice) = (authorize_form(), h.login("alice"));
    let silent = form.clone().prompt("none");
    h.authorize(&silent).next(Some(&alice)).returned(Reason::ConsentNeeded);
    let _ = h.authorize(&form).remembered_by("alice");
    assert!(h.authorize(&silent).next(Some(&alice)).code().starts_with("vs_ac_"));
    let more = h.authorize(&silent.scope("openid email")).next(Some(&alice));
    assert_eq!(more.returned(Reason::ConsentNeeded).params.one("error"), Ok(Some("consent_required")));
}

/// attack 37: a contradiction and an unknown value are refused.
#[test]
fn contradictions_and_unknown_values_are_returned() {
    let h = Harness::new();
    for prompt in ["none login", "login none", "consent none", "none select_account"] {
        h.authorize(&authorize_form().prompt(prompt)).returned(Reason::PromptNoneCombined);
    }
    for prompt in ["create", "LOGIN", "logon", "login,consent", &"login ".repeat(1000)] {
        h.authorize(&authorize_form().prompt(prompt)).returned(Reason::PromptUnknown);
    }
}

#[test]
fn login_needs_one_that_came_after_the_request() {
    let h = Harness::new();
    let before = h.login("alice");
    h.advance(Duration::from_secs(1));
    let visit = h.authorize(&authorize_form().client("trusted").prompt("login"));
    assert_eq!(visit.next(Some(&before)).needs(), &Needs::Login(LoginNeed::Requested));
    let scope = visit.pending().request().scope.clone();
    let stale = vouchsafe::provider::Approval::new(before, scope);
    let refused = visit.approved(stale).refused(Reason::LoginNeeded);
    h.advance(Duration::from_secs(5));
    assert!(refused.next(Some(&h.login("alice"))).code().starts_with("vs_ac_"));
}

#[test]
fn consent_is_asked_for_again_even_where_it_was_remembered_or_waived() {
    let h = Harness::new();
    let alice = h.login("alice");
    let _ = h.authorize(&authorize_form()).remembered_by("alice");
    for client in ["web", "trusted"] {
        let visit = h.authorize(&authorize_form().client(client).prompt("consent")).next(Some(&alice));
        let Needs::Consent(missing) = visit.needs() else { panic!("{visit:?}") };
        assert!(missing.scope.contains("openid"));
        assert!(visit.approved_by("alice").code().starts_with("vs_ac_"));
    }
}

#[test]
fn select_account_asks_until_somebody_chose_or_signed_in() {
    let h = Harness::new();
    let before = h.login("alice");
    h.advance(Duration::from_secs(1));
    let form = authorize_form().client("trusted").prompt("select_account");
    let visit = h.authorize(&form);
    assert_eq!(visit.next(None).needs(), &Needs::Login(LoginNeed::Absent));
    let asked = visit.next(Some(&before));
    assert_eq!(asked.needs(), &Needs::Select);
    assert!(asked.answered(Answer::Select).next(Some(&before)).code().starts_with("vs_ac_"));
    assert!(h.authorize(&form).next(Some(&h.login("alice"))).code().starts_with("vs_ac_"));
}

#[test]
fn an_answer_survives_sealing() {
    let h = Harness::new();
    let before = h.login("alice");
    h.advance(Duration::from_secs(1));
    let visit =
        h.authorize(&authorize_form().client("trusted").prompt("select_account")).answered(Answer::Select);
    let resumed = visit.resumed_after(Duration::from_secs(60));
    assert!(resumed.next(Some(&before)).code().starts_with("vs_ac_"));
}

#[test]
fn hints_about_the_pages_reach_the_host() {
    let h = Harness::new();
    let form = authorize_form()
        .set("display", "popup")
        .set("login_hint", "alice@people.example")
        .set("ui_locales", "fr-CA fr en")
        .set("claims_locales", "de")
        .set("acr_values", "gold silver");
    let visit = h.authorize(&form);
    let request = visit.pending().request();
    assert_eq!(request.display, vouchsafe::types::Display::Popup);
    assert_eq!(request.login_hint.as_deref(), Some("alice@people.example"));
    assert_eq!(request.ui_locales, ["fr-CA", "fr", "en"]);
    assert_eq!(request.claims_locales, ["de"]);
    assert_eq!(request.acr_values, ["gold", "silver"]);
    h.authorize(&authorize_form().set("display", "hologram")).returned(Reason::DisplayUnknown);
}
