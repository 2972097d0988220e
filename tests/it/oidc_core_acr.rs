//! OpenID Connect Core 1.0 section 5.5.1.1, OpenID Connect Core Error Code unmet_authentication_requirements 1.0 section
//! 1: authentication context classes.

use std::time::Duration;

use serde_json::{Value, json};
use vouchsafe::error::Reason;
use vouchsafe::provider::{LoginNeed, Needs};
use vouchsafe::testing::{AuthorizeForm, Harness, Visit, authorize_form};

fn asking(acr: &Value) -> AuthorizeForm {
    let claims = json!({ "id_token": { "acr": acr } });
    authorize_form().client("trusted").set("claims", claims.to_string())
}

fn granted(visit: &Visit<'_>) -> bool {
    visit.code().starts_with("vs_ac_")
}

/// What cannot be reached is not taken for nothing that is asked for.
#[test]
fn an_essential_acr_is_one_of_the_values_asked_for() {
    let h = Harness::new();
    let gold = h.login("alice").with_acr("gold");
    let rows = [
        (json!({"essential": true, "value": "gold"}), true),
        (json!({"essential": true, "values": ["silver", "gold"]}), true),
        (json!({"essential": true, "values": [7, "gold"]}), true),
        (json!({"essential": true}), true),
        (json!({"essential": true, "values": []}), true),
        (json!({"essential": true, "values": ["silver"]}), false),
        (json!({"essential": true, "value": "Gold"}), false),
        (json!({"essential": true, "values": [7]}), false),
        (json!({"essential": true, "value": null}), false),
        (json!({"essential": true, "value": ["gold"]}), false),
        (json!({"essential": false, "values": ["silver"]}), true),
        (json!({"values": ["silver"]}), true),
        (json!(null), true),
    ];
    for (acr, reached) in rows {
        let visit = h.authorize(&asking(&acr)).next(Some(&gold));
        match reached {
            true => assert!(granted(&visit), "{acr}"),
            false => assert_eq!(visit.needs(), &Needs::Login(LoginNeed::Acr), "{acr}"),
        }
    }
}

/// An essential acr of userinfo is none: the requirement is about the ID token.
#[test]
fn only_the_id_token_has_an_essential_acr() {
    let h = Harness::new();
    let claims = json!({"userinfo": {"acr": {"essential": true, "values": ["gold"]}}}).to_string();
    let form = authorize_form().client("trusted").set("claims", claims);
    assert!(granted(&h.authorize(&form).next(Some(&h.login("alice")))));
}

/// The host has its chance, and then the client is told, instead of the person being asked for ever.
#[test]
fn a_second_login_that_falls_short_is_told_to_the_client() {
    let h = Harness::new();
    let form = asking(&json!({"essential": true, "values": ["gold"]}));
    let before = h.login("alice").with_acr("silver");
    h.advance(Duration::from_secs(60));
    let visit = h.authorize(&form).next(Some(&before));
    assert_eq!(visit.needs(), &Needs::Login(LoginNeed::Acr));
    let reloaded = visit.resumed_after(Duration::from_secs(5)).next(Some(&before));
    assert_eq!(reloaded.needs(), &Needs::Login(LoginNeed::Acr), "nothing was tried");
    let resumed = reloaded.resumed_after(Duration::from_secs(5));
    assert!(granted(&resumed.next(Some(&h.login("alice").with_acr("gold")))));
    let again = h.login("alice").with_acr("silver");
    let landing = resumed.next(Some(&again)).returned(Reason::AcrUnmet);
    assert_eq!(landing.params.one("error"), Ok(Some("unmet_authentication_requirements")));
    assert_eq!(landing.params.one("state"), Ok(Some("af0ifjsldkj")));
}

/// Whoever signs in for this request is asked for the class by name once.
#[test]
fn a_first_login_that_falls_short_is_asked_for_more() {
    let h = Harness::new();
    let form = asking(&json!({"essential": true, "values": ["gold"]}));
    let visit = h.authorize(&form).next(None);
    assert_eq!(visit.needs(), &Needs::Login(LoginNeed::Absent));
    assert_eq!(visit.pending().request().essential_acr().collect::<Vec<_>>(), ["gold"]);
    h.advance(Duration::from_secs(5));
    let first = visit.next(Some(&h.login("alice")));
    assert_eq!(first.needs(), &Needs::Login(LoginNeed::Acr));
    h.advance(Duration::from_secs(5));
    first.next(Some(&h.login("alice"))).returned(Reason::AcrUnmet);
}

#[test]
fn the_acr_reached_is_told_and_acr_values_never_fail() {
    let h = Harness::new();
    let form = authorize_form().client("trusted").set("acr_values", "gold platinum");
    for (login, acr) in [
        (h.login("alice").with_acr("gold"), json!("gold")),
        (h.login("alice").with_acr("silver"), json!("silver")),
        (h.login("alice"), Value::Null),
        (h.login("alice").with_acr(""), Value::Null),
    ] {
        let code = h.authorize(&form).next(Some(&login)).code();
        let tokens = h.redeem(vouchsafe::testing::code_form(&form, &code)).issued();
        assert_eq!(tokens.id_claims()["acr"], acr);
    }
}
