//! OpenID Connect Core 1.0 section 5.3.2: userinfo responses that are signed.

use serde_json::{Value, json};
use vouchsafe::client::{Client, ClientAuthMethod, ClientMetadata, ClientSettings, Consent};
use vouchsafe::error::Reason;
use vouchsafe::jose::{IdTokenHintError, IdTokenHintVerifier, Jws, SigningAlg};
use vouchsafe::testing::{AuthorizeForm, Harness, Outcome, authorize_form};
use vouchsafe::types::{Claims, ClientId, RedirectUri, Scope, Subject};

fn client(alg: SigningAlg) -> Client {
    let metadata = ClientMetadata::code_flow([RedirectUri::register("https://jwt.example/cb").unwrap()])
        .with_auth_method(ClientAuthMethod::None)
        .with_scope(Scope::parse("openid email").unwrap())
        .with_userinfo_alg(alg);
    let settings = ClientSettings::new().with_consent(Consent::Waived);
    Client::builder(ClientId::new("jwt").unwrap(), metadata).settings(settings).build().unwrap()
}

fn harness(alg: SigningAlg) -> Harness {
    Harness::builder().client(client(alg)).build()
}

fn asking() -> AuthorizeForm {
    authorize_form().client("jwt").scope("openid email")
}

/// The verified claims.
fn claims(h: &Harness, outcome: &Outcome) -> Value {
    assert_eq!(outcome.header("content-type"), Some("application/jwt"));
    assert_eq!(outcome.header("cache-control"), Some("no-store"));
    let jws = Jws::parse(std::str::from_utf8(outcome.response.body()).unwrap()).unwrap();
    assert!(jws.header().kid().is_some());
    serde_json::from_slice(h.provider().keyring().verify(&jws).unwrap()).unwrap()
}

#[test]
fn a_client_that_registered_an_algorithm_gets_a_jwt() {
    for alg in [SigningAlg::Rs256, SigningAlg::Es256] {
        let h = harness(alg);
        let tokens = h.tokens(&asking(), "alice");
        let outcome = h.userinfo(&tokens.access_token).accepted();
        let jws = Jws::parse(std::str::from_utf8(outcome.response.body()).unwrap()).unwrap();
        assert_eq!(jws.header().alg(), Some(alg));
        let expected = json!({
            "iss": "https://op.example",
            "aud": "jwt",
            "sub": "alice",
            "email": "alice@people.example",
            "email_verified": true,
        });
        assert_eq!(claims(&h, &outcome), expected, "no nonce, no iat, no exp");
    }
}

#[test]
fn other_clients_and_refusals_stay_json() {
    let h = harness(SigningAlg::Rs256);
    let plain = h.tokens(&authorize_form(), "alice").access_token;
    assert_eq!(h.userinfo(&plain).accepted().json(), json!({"sub": "alice"}));
    let tokens = h.tokens(&asking(), "alice");
    h.accounts().disable("alice");
    let refused = h.userinfo(&tokens.access_token).challenged(Reason::AccessTokenSubjectGone);
    assert_eq!(refused.json()["error"], "invalid_token");
}

/// attack 161: what is signed here passes for no other kind of token, whatever the client asks for by name.
#[test]
fn a_signed_response_is_no_id_token() {
    let h = harness(SigningAlg::Rs256);
    let smuggled = ["iat", "exp", "nonce", "auth_time", "aud", "iss", "sub", "azp", "events", "jti"];
    let account = smuggled.iter().fold(Claims::new(), |claims, name| claims.with(*name, 1_700_000_000));
    h.accounts().insert(Subject::new("mallory").unwrap(), account);
    let asked: serde_json::Map<_, _> =
        smuggled.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
    let form = asking().set("claims", json!({"userinfo": asked, "id_token": asked}).to_string());
    let tokens = h.tokens(&form, "mallory");
    let outcome = h.userinfo(&tokens.access_token).accepted();
    let expected = json!({"iss": "https://op.example", "aud": "jwt", "sub": "mallory"});
    assert_eq!(claims(&h, &outcome), expected);
    let hints = IdTokenHintVerifier::new("https://op.example", h.provider().keyring().clone());
    let text = std::str::from_utf8(outcome.response.body()).unwrap();
    assert_eq!(hints.verify(text).unwrap_err(), IdTokenHintError::Claims);
    assert_eq!(tokens.id_claims()["nonce"], "n-0S6_WzA2Mj");
}

/// Noticed at userinfo, it would cost the client every answer.
#[test]
fn without_a_key_the_request_is_returned() {
    let h = harness(SigningAlg::Ps512);
    h.authorize(&asking()).returned(Reason::UserinfoAlgUnavailable);
    let bare = h.authorize(&asking().scope("email")).next(Some(&h.login("alice")));
    assert!(bare.code().starts_with("vs_ac_"), "without openid there is no userinfo");
}

#[test]
fn discovery_lists_the_algorithms() {
    let h = harness(SigningAlg::Rs256);
    let request = http::Request::get("/.well-known/openid-configuration");
    let metadata = h.answer(request.body(bytes::Bytes::new()).unwrap()).accepted().json();
    let listed = &metadata["userinfo_signing_alg_values_supported"];
    assert_eq!(*listed, metadata["id_token_signing_alg_values_supported"]);
    assert!(listed.as_array().unwrap().contains(&json!("RS256")));
}
