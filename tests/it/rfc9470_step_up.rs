//! RFC 9470: a resource server asks for a better login, and the next token tells of it.

use std::time::Duration;

use serde_json::Value;
use vouchsafe::client::AccessTokenFormatChoice;
use vouchsafe::clock::Timestamp;
use vouchsafe::error::Reason;
use vouchsafe::provider::{Approval, LoginNeed, Needs};
use vouchsafe::testing::{AuthorizeForm, DEFAULT_AUDIENCE, Harness, authorize_form, code_form};
use vouchsafe::types::Scope;
use vouchsafe::wire::challenge::Challenge;
use vouchsafe::wire::{StepUp, challenge};

fn payments() -> StepUp {
    StepUp::new().with_acr_values(["phr", "phrh"]).with_max_age(Duration::from_secs(300))
}

/// Whether the token that is described so does, as a resource server would find.
fn does(h: &Harness, described: &Value) -> bool {
    let auth_time = described["auth_time"].as_i64().map(Timestamp::from_unix);
    payments().is_met(described["acr"].as_str(), auth_time, h.now())
}

/// Sections 3 to 6, from the first token to the one that does.
#[test]
fn a_challenge_leads_to_a_token_that_meets_it() {
    for format in
        [AccessTokenFormatChoice::Opaque, AccessTokenFormatChoice::Jwt, AccessTokenFormatChoice::JwtStateless]
    {
        let h = Harness::builder().config(|config| config.access_token_format = format).build();
        let first = h.tokens(&authorize_form().scope("openid read"), "alice");
        assert!(!does(&h, &h.introspect("api", &first.access_token).json()));
        let header = payments().challenge(DEFAULT_AUDIENCE).header_value();
        let told = challenge::parse(&header).unwrap().remove(0);
        assert_eq!(told.parameter("error"), Some("insufficient_user_authentication"));
        h.advance(Duration::from_secs(400));
        let form = authorize_form()
            .scope("openid read")
            .set("acr_values", told.parameter("acr_values").unwrap())
            .set("max_age", told.parameter("max_age").unwrap());
        let second = stepped_up(&h, &form);
        let described = h.introspect("api", &second).json();
        assert_eq!((described["acr"].as_str(), does(&h, &described)), (Some("phr"), true));
        assert_eq!(described["auth_time"], h.now().unix());
        h.advance(Duration::from_secs(301));
        assert!(!does(&h, &h.introspect("api", &second).json()), "it was too long ago");
    }
}

/// The person signs in again, because the login is older than the challenge allows, and reaches the class.
fn stepped_up(h: &Harness, form: &AuthorizeForm) -> String {
    let mut old = h.login("alice");
    old.auth_time = Timestamp::from_unix(h.now().unix() - 400);
    let visit = h.authorize(form).next(Some(&old));
    assert!(matches!(visit.needs(), Needs::Login(LoginNeed::TooOld)), "{visit:?}");
    assert_eq!(visit.pending().request().acr_values, ["phr", "phrh"]);
    let scope = Scope::parse("openid read").unwrap();
    let _ = visit.approved(Approval::new(old, scope.clone())).refused(Reason::LoginNeeded);
    let mut login = h.login("alice");
    login.acr = Some("phr".to_owned());
    let code = visit.approved(Approval::new(login, scope)).code();
    h.redeem(code_form(form, &code)).issued().access_token
}

/// Section 6.1: what a JWT says.
#[test]
fn a_jwt_says_how_and_when_the_person_signed_in() {
    let h =
        Harness::builder().config(|config| config.access_token_format = AccessTokenFormatChoice::Jwt).build();
    let visit = h.authorize(&authorize_form());
    let mut login = h.login("alice");
    login.acr = Some("phrh".to_owned());
    let code = visit.approved(Approval::new(login, Scope::parse("openid").unwrap())).code();
    let tokens = h.redeem(code_form(&authorize_form(), &code)).issued();
    let claims = tokens.access_claims();
    assert_eq!((&claims["acr"], &claims["auth_time"]), (&Value::from("phrh"), &Value::from(h.now().unix())));
}

#[test]
fn a_requirement_is_met_at_its_edge_and_not_beyond() {
    let at = Timestamp::from_unix;
    let now = at(1000);
    assert!(StepUp::new().is_met(None, None, now));
    for (acr, auth_time, met) in [
        (Some("phr"), Some(at(700)), true),
        (Some("phrh"), Some(at(1000)), true),
        (Some("phr"), Some(at(699)), false),
        (Some("phr"), Some(at(1001)), false),
        (Some("phr"), None, false),
        (Some("PHR"), Some(at(1000)), false),
        (Some("phr phrh"), Some(at(1000)), false),
        (Some(""), Some(at(1000)), false),
        (None, Some(at(1000)), false),
    ] {
        assert_eq!(payments().is_met(acr, auth_time, now), met, "{acr:?} {auth_time:?}");
    }
    let fresh = StepUp::new().with_max_age(Duration::from_millis(1999));
    assert!(fresh.is_met(None, Some(at(999)), now) && !fresh.is_met(None, Some(at(998)), now));
    assert!(!StepUp::new().with_max_age(Duration::MAX).is_met(None, None, now));
}

/// Section 3, attack 331: the header, whatever a configuration puts into it.
#[test]
fn a_challenge_says_what_is_required() {
    let header = payments().challenge("api").header_value();
    assert_eq!(
        header,
        "Bearer realm=\"api\", error=\"insufficient_user_authentication\", \
         error_description=\"a different authentication level is required\", acr_values=\"phr phrh\", max_age=\"300\""
    );
    let plain = StepUp::new().with_acr_values(["a\"b\r\nSet-Cookie: x=1"]).challenge("api").header_value();
    let read = challenge::parse(&plain).unwrap();
    assert_eq!(read.len(), 1);
    assert_eq!(read[0].parameter("acr_values"), Some("a?b??Set-Cookie: x=1"));
    assert_eq!(read[0].parameter("max_age"), None);
}

/// RFC 9449 section 7.1: who sends tokens by `DPoP` would take a `Bearer` challenge for advice to send them without a proof.
#[test]
fn a_challenge_is_of_the_scheme_by_which_the_token_came() {
    let header = payments().added_to(Challenge::dpop("api", "ES256 EdDSA")).header_value();
    let read = challenge::parse(&header).unwrap();
    assert_eq!((read.len(), read[0].scheme()), (1, "DPoP"));
    for (name, value) in [
        ("algs", "ES256 EdDSA"),
        ("error", "insufficient_user_authentication"),
        ("acr_values", "phr phrh"),
        ("max_age", "300"),
    ] {
        assert_eq!(read[0].parameter(name), Some(value), "{name}");
    }
}
