//! OpenID Connect Core 1.0 sections 5.5 and 5.5.1: the `claims` parameter.

use serde_json::json;
use vouchsafe::error::Reason;
use vouchsafe::provider::{LoginNeed, Needs};
use vouchsafe::testing::{AuthorizeForm, Harness, authorize_form};

fn claiming(claims: &serde_json::Value) -> AuthorizeForm {
    authorize_form().client("trusted").set("claims", claims.to_string())
}

/// attack 40: a request for one person is never answered for another.
#[test]
fn a_requested_subject_is_the_only_one_answered_for() {
    let h = Harness::new();
    let mallory = h.login("mallory");
    let rows = [
        json!({"id_token": {"sub": {"value": "alice"}}}),
        json!({"id_token": {"sub": {"values": ["alice", "bob"]}}}),
        json!({"userinfo": {"sub": {"value": "alice", "essential": true}}}),
        json!({"id_token": {"sub": {"value": 7}}}),
    ];
    for claims in rows {
        let form = claiming(&claims);
        let silent = h.authorize(&form.clone().prompt("none")).next(Some(&mallory));
        assert_eq!(
            silent.returned(Reason::LoginOtherSubject).params.one("error"),
            Ok(Some("login_required"))
        );
        let visit = h.authorize(&form).next(Some(&mallory));
        assert_eq!(visit.needs(), &Needs::Login(LoginNeed::OtherSubject));
        let _ = visit.approved_by("mallory").refused(Reason::LoginOtherSubject);
    }
    let form = claiming(&json!({"id_token": {"sub": {"value": "alice"}}}));
    assert!(h.authorize(&form).next(Some(&h.login("alice"))).code().starts_with("vs_ac_"));
    let open = claiming(&json!({"id_token": {"sub": null}}));
    assert!(h.authorize(&open).next(Some(&mallory)).code().starts_with("vs_ac_"));
}

/// attack 41: the cost of reading is bounded, and what has two meanings has none.
#[test]
fn an_oversized_deep_or_ambiguous_parameter_is_returned() {
    let h = Harness::new();
    let deep = |levels| {
        format!(r#"{{"userinfo":{{"a":{{"value":{}1{}}}}}}}"#, "[".repeat(levels), "]".repeat(levels))
    };
    let rows = [
        format!(r#"{{"userinfo":{{"a":{{"value":"{}"}}}}}}"#, "x".repeat(8 * 1024)),
        deep(14),
        deep(4000),
        r#"{"userinfo":{"a":null,"a":{"essential":true}}}"#.to_owned(),
        r#"{"userinfo":[]}"#.to_owned(),
        "null".to_owned(),
        "{".to_owned(),
        "{} {}".to_owned(),
    ];
    for claims in rows {
        h.authorize(&authorize_form().set("claims", claims)).returned(Reason::ClaimsMalformed);
    }
    let megabyte = format!(r#"{{"userinfo":{}}}"#, "[".repeat(1 << 20));
    h.authorize_by_post(&authorize_form().set("claims", megabyte)).shown(Reason::BodyTooLarge);
}

#[test]
fn an_essential_acr_is_reached_or_the_request_fails() {
    let h = Harness::new();
    let form = claiming(&json!({"id_token": {"acr": {"essential": true, "values": ["gold", "platinum"]}}}));
    let (plain, gold) = (h.login("alice"), h.login("alice").with_acr("gold"));
    let visit = h.authorize(&form).next(Some(&plain));
    assert_eq!(visit.needs(), &Needs::Login(LoginNeed::Acr));
    let _ = visit.approved_by("alice").refused(Reason::AcrUnmet);
    let silent = h.authorize(&form.clone().prompt("none")).next(Some(&plain.clone().with_acr("silver")));
    let landing = silent.returned(Reason::AcrUnmet);
    assert_eq!(landing.params.one("error"), Ok(Some("unmet_authentication_requirements")));
    assert!(h.authorize(&form).next(Some(&gold)).code().starts_with("vs_ac_"));
    let voluntary = claiming(&json!({"id_token": {"acr": {"values": ["gold"]}}})).set("acr_values", "gold");
    assert!(h.authorize(&voluntary).next(Some(&plain)).code().starts_with("vs_ac_"));
}

#[test]
fn claims_asked_for_by_name_come_where_they_were_asked_for() {
    let h = Harness::new();
    let form = claiming(&json!({
        "userinfo": {"email": {"essential": true}, "name": {"value": "Somebody Else"}},
        "id_token": {"nickname": null, "locale": {"values": ["fr", "en-GB"]}, "gender": {"value": "male"}, "iss": null},
    }));
    let tokens = h.tokens(&form, "alice");
    let id_token = tokens.id_claims();
    assert_eq!(id_token["nickname"], "ali");
    assert_eq!(id_token["locale"], "en-GB");
    assert_eq!(id_token["iss"], "https://op.example");
    assert!(id_token.get("gender").is_none(), "another value than the one asked for is not told");
    assert!(id_token.get("email").is_none());
    let userinfo = h.userinfo(&tokens.access_token).accepted().json();
    assert_eq!(userinfo, json!({"sub": "alice", "email": "alice@people.example"}));
}

/// Claims asked for by name need agreement like a scope.
#[test]
fn consent_covers_claims_by_name() {
    let h = Harness::new();
    let alice = h.login("alice");
    let form = authorize_form().set("claims", r#"{"userinfo":{"email":null},"id_token":{"acr":null}}"#);
    let _ = h.authorize(&authorize_form()).remembered_by("alice");
    let visit = h.authorize(&form).next(Some(&alice));
    let Needs::Consent(missing) = visit.needs() else { panic!("{visit:?}") };
    assert_eq!(missing.claims, ["email"]);
    assert!(missing.scope.is_empty());
    let _ = visit.remembered_by("alice");
    assert!(h.authorize(&form).next(Some(&alice)).code().starts_with("vs_ac_"));
}
