//! OpenID Connect Core 1.0 section 8.1, Dynamic Client Registration 1.0 section 5: nobody gets into a foreign sector by
//! registering, or by updating what was registered.

use std::sync::Arc;

use serde_json::{Value, json};
use vouchsafe::client::ClientMetadata;
use vouchsafe::error::Reason;
use vouchsafe::provider::{Provider, Registration};
use vouchsafe::store::Stores;
use vouchsafe::testing::{
    AskingHost, AuthorizeForm, Harness, Outcome, TokenForm, authorize_form, block_on, code_form,
};
use vouchsafe::types::{ClientId, FetchUrl, GrantType, RedirectUri};

use crate::rfc7591_registration::{register, send};

const SECTOR: &str = "https://bank.example/sector.json";

fn harness() -> Harness {
    let on = Registration::open();
    Harness::builder().provider(|builder| builder.with_registration(on).with_pairwise_subjects()).build()
}

/// A public client with pairwise subjects that answers at `redirect_uri`.
fn pairwise(redirect_uri: &str) -> Value {
    json!({
        "redirect_uris": [redirect_uri],
        "subject_type": "pairwise",
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
    })
}

fn extended(mut metadata: Value, members: Value) -> Value {
    let Value::Object(members) = members else { panic!("the members of an object are asked for") };
    metadata.as_object_mut().unwrap().extend(members);
    metadata
}

fn update(h: &Harness, told: &Value, metadata: Value) -> Outcome {
    let body = extended(metadata, json!({ "client_id": told["client_id"] })).to_string();
    let (uri, token) = (&told["registration_client_uri"], &told["registration_access_token"]);
    send(h, "PUT", uri.as_str().unwrap(), token.as_str(), body)
}

fn asking(told: &Value) -> AuthorizeForm {
    let redirect_uri = told["redirect_uris"][0].as_str().unwrap();
    authorize_form()
        .set("client_id", told["client_id"].as_str().unwrap())
        .set("redirect_uri", redirect_uri)
        .scope("openid offline_access")
        .prompt("consent")
}

fn as_public(form: TokenForm, told: &Value) -> TokenForm {
    form.unauthenticated().set("client_id", told["client_id"].as_str().unwrap())
}

/// attack 213: tokens that a client got in its own sector show nothing of another, into which it would update itself.
#[test]
fn a_client_stays_in_the_sector_in_which_it_got_its_tokens() {
    let h = harness();
    let bank = register(&h, &pairwise("https://bank.example/cb")).accepted().json();
    let known_as = |told: &Value| {
        let asked = asking(told);
        h.redeem(as_public(code_form(&asked, &h.code(&asked, "alice")), told)).issued()
    };
    let at_bank = known_as(&bank).id_claims()["sub"].clone();
    let evil = register(&h, &pairwise("https://evil.example/cb")).accepted().json();
    let kept = known_as(&evil);
    let own = kept.id_claims()["sub"].clone();
    assert_ne!(own, at_bank);
    h.serve(SECTOR, &json!(["https://bank.example/cb", "https://evil.example/cb"]));
    for moved in [
        pairwise("https://bank.example/cb"),
        extended(pairwise("https://bank.example/cb"), json!({ "subject_type": "public" })),
        extended(pairwise("https://evil.example/cb"), json!({ "subject_type": null })),
        extended(pairwise("https://evil.example/cb"), json!({ "sector_identifier_uri": SECTOR })),
    ] {
        let _ = update(&h, &evil, moved).rejected(Reason::MetadataSectorChanged).unchanged();
    }
    assert_eq!(h.userinfo(&kept.access_token).accepted().json()["sub"], own);
    let refresh = vouchsafe::testing::token_form("refresh_token").set("refresh_token", kept.refresh_token());
    let refreshed = h.redeem(as_public(refresh, &evil)).issued();
    assert_eq!(refreshed.id_claims()["sub"], own);
    assert_eq!(h.introspect("api", &refreshed.access_token).json()["sub"], own);
    // A public client does not become a pairwise one either, and within the sector all may change.
    let public = extended(pairwise("https://evil.example/cb"), json!({ "subject_type": "public" }));
    let public = register(&h, &public).accepted().json();
    let _ = update(&h, &public, pairwise("https://evil.example/cb"))
        .rejected(Reason::MetadataSectorChanged)
        .unchanged();
    let _ = update(&h, &evil, pairwise("https://evil.example/other")).accepted();
}

/// Whoever registers the redirect URI of another gets no answer, as long as there is no other place for it.
#[test]
fn the_redirect_uris_of_a_sector_are_of_one_host_or_vouched_for() {
    let h = harness();
    let uris = |other: &str| json!({ "redirect_uris": ["https://bank.example/cb", other] });
    for other in
        ["https://evil.example/cb", "http://127.0.0.1/cb", "com.evil.app:/cb", "https://localhost/cb"]
    {
        let asked = extended(pairwise("https://bank.example/cb"), uris(other));
        let _ = register(&h, &asked).rejected(Reason::MetadataSectorIdentifier).unchanged();
        h.serve(SECTOR, &json!(["https://bank.example/cb"]));
        let asked = extended(asked, json!({ "sector_identifier_uri": SECTOR }));
        let _ = register(&h, &asked).rejected(Reason::SectorRedirectUriMissing).unchanged();
    }
}

/// A host that registers strangers by itself asks their sectors as the provider does.
#[test]
fn a_host_asks_a_sector_through_the_provider() {
    let uris = ["https://bank.example/cb", "https://teller.example/cb"];
    let redirect_uris = uris.map(|uri| RedirectUri::register(uri).unwrap());
    let metadata = ClientMetadata::code_flow(redirect_uris).with_sector(FetchUrl::parse(SECTOR).unwrap());
    let h = Harness::new();
    let asked = |h: &Harness, metadata: &ClientMetadata| {
        block_on(h.provider().check_sector(metadata)).map_err(|error| error.reason())
    };
    assert_eq!(asked(&h, &metadata), Err(Reason::SectorUnreachable));
    h.serve(SECTOR, &json!(uris));
    assert_eq!(asked(&h, &metadata), Ok(()));
    h.serve(SECTOR, &json!([uris[0]]));
    assert_eq!(asked(&h, &metadata), Err(Reason::SectorRedirectUriMissing));
    assert_eq!(h.http().take_requests().len(), 3);
    assert_eq!(asked(&h, &ClientMetadata::service()), Ok(()));
    let (config, keyring) = (h.provider().config().clone(), h.provider().keyring().clone());
    let stores = Stores::of(Arc::new(h.store().clone()));
    let builder = Provider::builder(config, stores, keyring, h.system_secrets().clone());
    let offline = builder.with_client_credentials().build().unwrap();
    let refused = block_on(offline.check_sector(&metadata)).unwrap_err();
    assert_eq!(refused.reason(), Reason::MetadataSectorIdentifier);
    assert!(block_on(offline.check_sector(&ClientMetadata::service())).is_ok());
}

/// attack 213: a logout token has the `sub` too, and goes where the client says.
#[test]
fn logout_tokens_about_a_sector_stay_in_it() {
    let h = harness();
    let asked =
        |uri: &str| extended(pairwise("https://bank.example/cb"), json!({ "backchannel_logout_uri": uri }));
    let abroad = asked("https://evil.example/logout");
    let _ = register(&h, &abroad).rejected(Reason::MetadataSectorLogout).unchanged();
    h.serve(SECTOR, &json!(["https://teller.example/cb", "com.example.app:/cb"]));
    let shared = |uri: &str| {
        extended(
            asked(uri),
            json!({
                "redirect_uris": ["https://teller.example/cb"],
                "sector_identifier_uri": SECTOR,
            }),
        )
    };
    let abroad_too = shared("https://evil.example/logout");
    let _ = register(&h, &abroad_too).rejected(Reason::MetadataSectorLogout).unchanged();
    for at_home in [
        asked("https://bank.example:8443/logout"),
        shared("https://bank.example/logout"),
        shared("https://teller.example/logout"),
    ] {
        let told = register(&h, &at_home).accepted().json();
        assert_eq!(told["backchannel_logout_uri"], at_home["backchannel_logout_uri"]);
        let moved = extended(at_home, json!({ "backchannel_logout_uri": "https://evil.example/logout" }));
        let _ = update(&h, &told, moved).rejected(Reason::MetadataSectorLogout).unchanged();
    }
    let public = extended(abroad, json!({ "subject_type": "public" }));
    let told = register(&h, &public).accepted().json();
    let id = ClientId::new(told["client_id"].as_str().unwrap()).unwrap();
    assert_eq!(block_on(h.provider().client(&id)).unwrap().unwrap().sector(), None);
}

/// Members of a client of the bank's that asks for people, or devices, beside the browser.
fn beside(members: Value) -> Value {
    extended(pairwise("https://bank.example/cb"), members)
}

fn harness_beside() -> Harness {
    let on = Registration::open().with_grant_type(GrantType::Ciba).with_grant_type(GrantType::DeviceCode);
    Harness::builder()
        .devices()
        .pushing(&AskingHost::new())
        .provider(|builder| builder.with_registration(on).with_pairwise_subjects())
        .build()
}

/// A device or a poll goes to no redirect URI: whoever registers that of another must not get the other's `sub` so.
#[test]
fn whoever_fetches_tokens_has_keys_in_the_sector() {
    let h = harness_beside();
    let device =
        json!({ "grant_types": ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"] });
    let poll = json!({
        "grant_types": ["authorization_code", "urn:openid:params:grant-type:ciba"],
        "backchannel_token_delivery_mode": "poll",
        "token_endpoint_auth_method": "client_secret_basic",
    });
    let keyed = |uri: &str| json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": uri });
    for asked in [device, poll].map(beside) {
        let _ = register(&h, &asked).rejected(Reason::MetadataSectorTokens).unchanged();
        let abroad = extended(asked.clone(), keyed("https://evil.example/jwks"));
        let _ = register(&h, &abroad).rejected(Reason::MetadataSectorTokens).unchanged();
        let _ = register(&h, &extended(asked.clone(), keyed("https://bank.example/jwks"))).accepted();
        let _ = register(&h, &extended(asked, json!({ "subject_type": "public" }))).accepted();
    }
}

/// Where tokens are pushed is where the `sub` is learnt.
#[test]
fn tokens_are_pushed_within_the_sector() {
    let h = harness_beside();
    let push = |uri: &str| {
        beside(json!({
            "grant_types": ["authorization_code", "urn:openid:params:grant-type:ciba"],
            "token_endpoint_auth_method": "client_secret_basic",
            "backchannel_token_delivery_mode": "push",
            "backchannel_client_notification_endpoint": uri,
        }))
    };
    let abroad = push("https://evil.example/tokens");
    let _ = register(&h, &abroad).rejected(Reason::MetadataSectorTokens).unchanged();
    let told = register(&h, &push("https://bank.example/tokens")).accepted().json();
    let _ = update(&h, &told, abroad).rejected(Reason::MetadataSectorTokens).unchanged();
}

/// CIBA Core section 4: the document of a sector lists keys and endpoints as it lists redirect URIs.
#[test]
fn the_document_of_a_sector_lists_who_fetches_tokens() {
    let h = harness_beside();
    let (cb, keys) = ("https://bank.example/cb", "https://keys.example/jwks");
    let asked = beside(json!({
        "grant_types": ["authorization_code", "urn:openid:params:grant-type:ciba"],
        "backchannel_token_delivery_mode": "poll",
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks_uri": keys,
        "sector_identifier_uri": SECTOR,
    }));
    h.serve(SECTOR, &json!([cb]));
    let _ = register(&h, &asked).rejected(Reason::MetadataSectorTokens).unchanged();
    h.serve(SECTOR, &json!([cb, keys]));
    let _ = register(&h, &asked).accepted();
}
