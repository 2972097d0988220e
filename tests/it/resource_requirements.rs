//! RFC 6750 section 3.1, RFC 9470 section 3: what a token lacks, and what its client is told of that.

use std::time::Duration;

use serde_json::{Value, json};
use vouchsafe::client::AccessTokenFormatChoice;
use vouchsafe::error::Reason;
use vouchsafe::resource::{Refused, Requirement};
use vouchsafe::testing::DEFAULT_AUDIENCE;
use vouchsafe::types::InvalidScope;
use vouchsafe::wire::StepUp;

use crate::resource_api::{Api, Call, challenges, issued, issuing, keys, signed, trusted};

fn payments() -> Requirement {
    let recent = StepUp::new().with_acr_values(["phr", "phrh"]).with_max_age(Duration::from_secs(300));
    Requirement::any().with_step_up(recent)
}

/// A call with a token with these further claims.
fn with(api: &Api, further: &[(&str, Value)]) -> Call {
    let mut claims = api.claims();
    for (name, value) in further {
        claims[*name] = value.clone();
    }
    Call::with("Bearer", &signed("at+jwt", &claims))
}

fn parameter(refused: &Refused, name: &str) -> Option<String> {
    challenges(refused)[0].parameter(name).map(str::to_owned)
}

/// RFC 6750 section 3.1: 403, and the scope that would be enough.
#[test]
fn a_token_needs_every_scope() {
    let api = Api::of_jwts();
    let needs = |scope: &str| Requirement::scope(scope).unwrap();
    for (granted, demanded, enough) in [
        ("read", "read", true),
        ("read write", "write", true),
        ("write read", "read write", true),
        ("read", "read write", false),
        ("readwrite", "read", false),
        ("READ", "read", false),
    ] {
        let call = with(&api, &[("scope", granted.into())]);
        if enough {
            assert!(api.verify(&call, &needs(demanded)).is_ok(), "{granted} {demanded}");
            continue;
        }
        let refused = api.refuses_for(&call, &needs(demanded), Reason::AccessTokenScopeMissing);
        assert_eq!(refused.response().status(), 403);
        assert_eq!(parameter(&refused, "error").as_deref(), Some("insufficient_scope"));
        assert_eq!(parameter(&refused, "scope").as_deref(), Some(demanded));
    }
    assert_eq!(Requirement::scope("a\"b"), Err(InvalidScope));
}

/// RFC 9470 section 3: 401 with what the login must be; the client asks for a token that meets it.
#[test]
fn a_login_that_does_not_do_is_challenged() {
    let api = Api::of_jwts();
    let now = api.now().unix();
    for (acr, auth_time, does) in [
        (Some("phr"), Some(now), true),
        (Some("phrh"), Some(now - 300), true),
        (Some("phr"), Some(now - 301), false),
        (Some("phr"), Some(now + 5), false),
        (Some("phr"), None, false),
        (Some("pwd"), Some(now), false),
        (None, Some(now), false),
        (None, None, false),
    ] {
        let acr = acr.map(|acr| ("acr", json!(acr)));
        let auth_time = auth_time.map(|at| ("auth_time", json!(at)));
        let call = with(&api, &acr.into_iter().chain(auth_time).collect::<Vec<_>>());
        if does {
            assert!(api.verify(&call, &payments()).is_ok());
            continue;
        }
        let refused = api.refuses_for(&call, &payments(), Reason::AccessTokenStepUp);
        assert_eq!(refused.response().status(), 401);
        assert_eq!(
            refused.response().headers()["www-authenticate"],
            "Bearer realm=\"https://api.example\", error=\"insufficient_user_authentication\", \
             error_description=\"a different authentication level is required\", acr_values=\"phr phrh\", \
             max_age=\"300\", resource_metadata=\"https://api.example/.well-known/oauth-protected-resource\""
        );
    }
}

/// RFC 9470 section 3: whoever came by `DPoP` is challenged by that scheme.
#[test]
fn a_challenge_is_of_the_scheme_that_the_token_came_by() {
    let api = Api::of_bound_jwts();
    let token = api.bound_token();
    let call = || Call::with("DPoP", &token).proved(&api.proof(&token));
    let refused = api.refuses_for(&call(), &payments(), Reason::AccessTokenStepUp);
    let told = &challenges(&refused)[0];
    assert_eq!((told.scheme(), told.parameter("acr_values")), ("DPoP", Some("phr phrh")));
    let write = Requirement::scope("write").unwrap();
    let refused = api.refuses_for(&call(), &write, Reason::AccessTokenScopeMissing);
    assert_eq!((refused.response().status().as_u16(), challenges(&refused)[0].scheme()), (403, "DPoP"));
}

/// What a token of the provider says is enough, or is not.
#[test]
fn the_login_behind_a_token_of_the_provider_is_weighed() {
    let (h, api) = (issuing(AccessTokenFormatChoice::Jwt), Api::of_jwts());
    let call = Call::with("Bearer", &issued(&h));
    let recent = Requirement::any().with_step_up(StepUp::new().with_max_age(Duration::from_secs(60)));
    assert!(api.verify(&call, &recent).is_ok());
    api.advance(Duration::from_secs(61));
    let _ = api.refuses_for(&call, &recent, Reason::AccessTokenStepUp);
}

/// A server of several names may tell its routes apart by them.
#[test]
fn a_route_may_have_an_audience_of_its_own() {
    let names = trusted().with_keys(keys()).with_audiences([DEFAULT_AUDIENCE, "https://api.example/pay"]);
    let api = Api::trusting(names, |builder| builder);
    let pay = Requirement::any().with_audience("https://api.example/pay");
    let call = with(&api, &[]);
    let _ = api.lets_through(&call);
    let _ = api.refuses_for(&call, &pay, Reason::AccessTokenAudience);
    let both = with(&api, &[("aud", json!([DEFAULT_AUDIENCE, "https://api.example/pay"]))]);
    assert!(api.verify(&both, &pay).is_ok());
}
