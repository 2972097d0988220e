//! OpenID Connect Core 1.0 section 2, Dynamic Client Registration 1.0 section 2: ID tokens with `alg` `none`.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use vouchsafe::client::{Client, ClientAuthMethod, ClientMetadata, ClientSettings, Consent, IdTokenAlg};
use vouchsafe::error::Reason;
use vouchsafe::testing::{AuthorizeForm, Harness, HarnessBuilder, authorize_form, refresh_form};
use vouchsafe::types::{ClientId, GrantType, RedirectUri, ResponseType, Scope};

fn metadata() -> ClientMetadata {
    ClientMetadata::code_flow([RedirectUri::register("https://plain.example/cb").unwrap()])
        .with_auth_method(ClientAuthMethod::None)
        .with_scope(Scope::parse("openid offline_access").unwrap())
        .with_grant_type(GrantType::RefreshToken)
        .dangerous_with_unsigned_id_tokens()
}

fn builder() -> HarnessBuilder {
    let settings = ClientSettings::new().with_consent(Consent::Waived);
    let client = Client::builder(ClientId::new("plain").unwrap(), metadata()).settings(settings);
    Harness::builder().client(client.build().unwrap())
}

fn allowed() -> Harness {
    builder().provider(|builder| builder.dangerous_allow_unsigned_id_tokens()).build()
}

fn asking() -> AuthorizeForm {
    authorize_form().client("plain").scope("openid offline_access")
}

fn parts(id_token: &str) -> (Value, Value, String) {
    let mut parts = id_token.split('.');
    let mut json = || {
        let part = BASE64_URL_SAFE_NO_PAD.decode(parts.next().unwrap()).unwrap();
        serde_json::from_slice::<Value>(&part).unwrap()
    };
    let (header, claims) = (json(), json());
    let signature = parts.next().unwrap().to_owned();
    assert_eq!(parts.next(), None);
    (header, claims, signature)
}

#[test]
fn the_token_endpoint_gives_them_to_those_who_registered_none() {
    let h = allowed();
    let tokens = h.tokens(&asking(), "alice");
    let (header, claims, signature) = parts(tokens.id_token.as_deref().unwrap());
    assert_eq!((header, signature.as_str()), (json!({"alg": "none"}), ""));
    assert_eq!((&claims["sub"], &claims["aud"]), (&json!("alice"), &json!("plain")));
    assert_eq!(claims["nonce"], "n-0S6_WzA2Mj");
    assert!(claims.get("at_hash").is_none(), "there is no algorithm to hash by");
    let refreshed = h.redeem(refresh_form("plain", tokens.refresh_token())).issued();
    assert_eq!(parts(refreshed.id_token.as_deref().unwrap()).0, json!({"alg": "none"}));
    let signed = h.tokens(&authorize_form(), "alice").id_token.unwrap();
    assert_eq!(parts(&signed).0["alg"], "RS256", "other clients get what they registered");
}

#[test]
fn they_are_off_by_default() {
    let h = builder().build();
    h.authorize(&asking()).returned(Reason::IdTokenAlgUnavailable);
    let listed = |h: &Harness| {
        let request = http::Request::get("/.well-known/openid-configuration");
        let metadata = h.answer(request.body(bytes::Bytes::new()).unwrap()).accepted().json();
        metadata["id_token_signing_alg_values_supported"].as_array().unwrap().contains(&json!("none"))
    };
    assert!(!listed(&h) && listed(&allowed()));
}

/// Turned off again, they are off for the grants that exist too.
#[test]
fn a_code_from_before_brings_none_when_they_are_off() {
    let (on, off) = (allowed(), builder().build());
    let form = vouchsafe::testing::code_form(&asking(), &on.code(&asking(), "alice"));
    let provider = off.provider().clone();
    let stores = vouchsafe::store::Stores::of(std::sync::Arc::new(on.store().clone()));
    let moved = vouchsafe::Provider::builder(
        provider.config().clone(),
        stores,
        provider.keyring().clone(),
        on.system_secrets().clone(),
    )
    .accounts(std::sync::Arc::new(vouchsafe::testing::AccountTable::new()))
    .clock(std::sync::Arc::new(vouchsafe::testing::ManualClock::default()))
    .with_authorization_code()
    .build()
    .unwrap();
    let request = on.post("/token", form);
    let outcome = on.exchange(request, |_, request| async move { moved.token(&request).await });
    assert_eq!(outcome.response.status(), 500);
    assert!(!String::from_utf8_lossy(outcome.response.body()).contains("id_token"));
}

/// Whatever comes through a browser is signed.
#[test]
fn a_client_of_none_gets_no_id_token_through_the_browser() {
    let build = |metadata: ClientMetadata| Client::builder(ClientId::new("x").unwrap(), metadata).build();
    for response_type in [
        ResponseType::IdToken,
        ResponseType::IdTokenToken,
        ResponseType::CodeIdToken,
        ResponseType::CodeIdTokenToken,
    ] {
        let refused = build(metadata().with_response_type(response_type)).unwrap_err();
        assert_eq!(refused.member, "id_token_signed_response_alg", "{response_type:?}");
        let mut signed = metadata().with_response_type(response_type);
        signed.id_token_signed_response_alg = IdTokenAlg::default();
        assert!(build(signed).is_ok());
    }
    assert!(build(metadata().with_response_type(ResponseType::CodeToken)).is_ok());
}

/// attack 39: anybody can write one, so it is no hint either.
#[test]
fn an_unsigned_token_is_no_hint() {
    let h = allowed();
    let id_token = h.tokens(&asking(), "alice").id_token.unwrap();
    let hinted = asking().scope("openid").set("id_token_hint", id_token);
    let alice = h.login("alice");
    h.authorize(&hinted.clone().prompt("none")).next(Some(&alice)).returned(Reason::IdTokenHintInvalid);
}
