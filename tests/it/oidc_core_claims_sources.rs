//! OpenID Connect Core 1.0 section 5.6.2: aggregated and distributed claims.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use vouchsafe::provider::ClaimsHook;
use vouchsafe::testing::{Harness, authorize_form};
use vouchsafe::types::{Authentication, Claims, ClientId, Subject};
use vouchsafe::{BoxError, async_trait};

fn sources() -> Value {
    json!({
        "bank": {"endpoint": "https://bank.example/claims", "access_token": "ksj3n283dke"},
        "post": {"JWT": "eyJhbGciOiJSUzI1NiJ9.eyJhZGRyZXNzIjp7fX0.c2ln"},
    })
}

fn with_sources(names: &Value) -> Harness {
    let h = Harness::new();
    let account = json!({"name": "Anna", "_claim_names": names, "_claim_sources": sources()});
    let Value::Object(account) = account else { panic!("it is an object") };
    h.accounts().insert(Subject::new("anna").unwrap(), account.into());
    h
}

#[test]
fn sources_pass_through_userinfo_and_id_token_untouched() {
    let h = with_sources(&json!({"address": "post", "credit_score": "bank"}));
    let claims = json!({"userinfo": {"credit_score": null}, "id_token": {"address": null}}).to_string();
    let tokens = h.tokens(&authorize_form().scope("openid address profile").set("claims", claims), "anna");
    let expected = json!({
        "sub": "anna",
        "name": "Anna",
        "_claim_names": {"address": "post", "credit_score": "bank"},
        "_claim_sources": sources(),
    });
    assert_eq!(h.userinfo(&tokens.access_token).accepted().json(), expected);
    let id_token = tokens.id_claims();
    assert_eq!(id_token["_claim_names"], json!({"address": "post"}));
    assert_eq!(id_token["_claim_sources"], json!({"post": sources()["post"]}));
}

/// A source tells all that it knows, so it does not go where some of that was not granted.
#[test]
fn a_source_does_not_tell_what_was_not_granted() {
    let rows = [
        (json!({"address": "post", "phone_number": "post"}), "openid address", json!({"sub": "anna"})),
        (json!({"address": "post"}), "openid email", json!({"sub": "anna"})),
        (
            json!({"address": "post", "credit_score": "bank"}),
            "openid address",
            json!({
                "sub": "anna",
                "_claim_names": {"address": "post"},
                "_claim_sources": {"post": sources()["post"]},
            }),
        ),
    ];
    for (names, scope, expected) in rows {
        let h = with_sources(&names);
        let tokens = h.tokens(&authorize_form().scope(scope), "anna");
        assert_eq!(h.userinfo(&tokens.access_token).accepted().json(), expected, "{names}");
    }
}

/// Names a source for the subject and the nonce of every ID token.
#[derive(Debug)]
struct Smuggler;

#[async_trait]
impl ClaimsHook for Smuggler {
    async fn id_token(&self, _: &ClientId, _: &Authentication) -> Result<Claims, BoxError> {
        Ok(Claims::new()
            .with("_claim_names", json!({"nonce": "bank", "color": "post"}))
            .with("_claim_sources", sources()))
    }
}

/// attack 161: what the provider alone says comes from no other source.
#[test]
fn a_source_cannot_stand_for_a_claim_of_the_protocol() {
    for name in ["sub", "iss", "aud", "nonce", "acr", "auth_time", "exp", "sid"] {
        let h = with_sources(&json!({name: "bank"}));
        let by_name: Map<_, _> = [name, "_claim_names", "_claim_sources"]
            .map(|name| (name.to_owned(), Value::Null))
            .into_iter()
            .collect();
        let claims = json!({"userinfo": by_name, "id_token": by_name}).to_string();
        let tokens = h.tokens(&authorize_form().set("claims", claims), "anna");
        assert_eq!(h.userinfo(&tokens.access_token).accepted().json(), json!({"sub": "anna"}), "{name}");
        assert!(tokens.id_claims().get("_claim_names").is_none(), "{name}");
    }
    let h = Harness::builder().provider(|builder| builder.claims_hook(Arc::new(Smuggler))).build();
    let id_token = h.tokens(&authorize_form(), "alice").id_claims();
    assert_eq!(id_token["_claim_names"], json!({"color": "post"}));
    assert_eq!(id_token["_claim_sources"], json!({"post": sources()["post"]}));
}

#[test]
fn discovery_lists_the_claim_types() {
    let request = http::Request::get("/.well-known/openid-configuration");
    let metadata = Harness::new().answer(request.body(bytes::Bytes::new()).unwrap()).accepted().json();
    assert_eq!(metadata["claim_types_supported"], json!(["normal", "aggregated", "distributed"]));
}
