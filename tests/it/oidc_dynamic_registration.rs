//! OpenID Connect Dynamic Client Registration 1.0 sections 2, 3 and 5: the metadata of its profiles, and the sector.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use vouchsafe::client::ClientMetadata;
use vouchsafe::error::Reason;
use vouchsafe::jose::{Keyring, SigningAlg};
use vouchsafe::provider::{Config, Provider, Registration};
use vouchsafe::secret::{Secret, SystemSecrets};
use vouchsafe::store::Stores;
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::testing::{AccountTable, Harness, SeededEntropy, block_on, client_key};
use vouchsafe::types::ResponseType;
use vouchsafe::wire::HttpErrorKind;

use crate::rfc7591_registration::{open, register, send, with};

const SECTOR: &str = "https://sector.example/uris.json";

/// Whoever comes may have every response type.
fn everything() -> Registration {
    use ResponseType::{Code, CodeIdToken, CodeIdTokenToken, CodeToken, IdToken, IdTokenToken, None, Token};
    [Code, CodeIdToken, CodeIdTokenToken, CodeToken, IdToken, IdTokenToken, None, Token]
        .into_iter()
        .fold(Registration::open(), Registration::with_response_type)
}

/// Everything that a registration can ask for is turned on.
fn complete() -> Harness {
    Harness::builder()
        .request_objects()
        .front_channel()
        .provider(|builder| builder.with_registration(everything()).with_pairwise_subjects())
        .build()
}

fn members(value: Value) -> Map<String, Value> {
    let Value::Object(members) = value else { panic!("members are an object") };
    members
}

#[test]
fn the_metadata_of_the_profiles_is_kept_and_told() {
    let h = complete();
    let asked = json!({
        "redirect_uris": ["https://rp.example/cb"],
        "application_type": "web",
        "client_name": "Bakery",
        "client_name#de": "B\u{e4}ckerei",
        "contacts": ["ops@rp.example"],
        "logo_uri": "https://rp.example/logo.png",
        "policy_uri": "https://rp.example/policy",
        "tos_uri": "https://rp.example/tos",
        "initiate_login_uri": "https://rp.example/login",
        "jwks": { "keys": [client_key().public_key().to_value()] },
        "request_uris": ["https://rp.example/r"],
        "request_object_signing_alg": "ES256",
        "require_signed_request_object": true,
        "post_logout_redirect_uris": ["https://rp.example/out"],
        "backchannel_logout_uri": "https://rp.example/back",
        "backchannel_logout_session_required": true,
        "frontchannel_logout_uri": "https://rp.example/front",
        "frontchannel_logout_session_required": true,
        "id_token_signed_response_alg": "ES256",
        "userinfo_signed_response_alg": "ES256",
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "subject_type": "pairwise",
        "response_types": ["code", "code id_token"],
        "grant_types": ["authorization_code", "implicit", "refresh_token"],
        "default_max_age": 3600,
        "require_auth_time": true,
        "default_acr_values": ["urn:example:silver"],
        "software_id": "4NRB1",
        "software_version": "2.1",
        "scope": "openid email",
    });
    let told = register(&h, &asked).accepted().json();
    for (name, value) in members(asked) {
        assert_eq!(told[&name], value, "{name}");
    }
    assert!(told.get("client_secret").is_none());
    let uri = told["registration_client_uri"].as_str().unwrap();
    let read = send(&h, "GET", uri, told["registration_access_token"].as_str(), "").accepted();
    assert_eq!(read.json(), told);
    assert_eq!(h.http().take_requests().len(), 0, "attack 208: neither a page nor a logo is fetched");
}

#[test]
fn keys_by_address_and_no_response_type_are_registrations_too() {
    let h = complete();
    let by_address = json!({
        "redirect_uris": ["https://rp.example/cb"],
        "jwks_uri": "https://rp.example/jwks",
        "token_endpoint_auth_method": "private_key_jwt",
    });
    assert_eq!(register(&h, &by_address).accepted().json()["jwks_uri"], "https://rp.example/jwks");
    let none = json!({ "response_types": [], "grant_types": [], "subject_type": "public" });
    let told = register(&h, &none).accepted().json();
    assert_eq!((&told["response_types"], &told["subject_type"]), (&json!([]), &json!("public")));
}

/// A provider of the code flow and nothing else.
fn bare() -> Provider {
    let config = Config::new("https://op.example".parse().unwrap());
    let entropy = SeededEntropy::new(1);
    let stores = Arc::new(MemoryStore::new());
    let keyring = Keyring::generate(&[SigningAlg::Es256]).unwrap();
    let secrets = SystemSecrets::generate(&entropy).unwrap();
    Provider::builder(config, Stores::of(stores.clone()).with_registry(stores), keyring, secrets)
        .accounts(Arc::new(AccountTable::default()))
        .with_authorization_code()
        .with_registration(Registration::open())
        .build()
        .unwrap()
}

fn at_bare(asked: Value) -> Result<ClientMetadata, Reason> {
    let registered = block_on(bare().register(None, &members(with(asked))));
    registered.map(|told| told.metadata().clone()).map_err(|error| error.reason())
}

/// RFC 7591 section 3.2.1: what is not there is left out, and the client is told so, where nothing depends on it.
#[test]
fn what_is_harmless_and_not_there_is_left_out() {
    let told = at_bare(json!({
        "grant_types": ["authorization_code", "refresh_token"],
        "jwks_uri": "https://rp.example/jwks",
        "request_uris": ["https://rp.example/r"],
        "request_object_signing_alg": "ES256",
        "authorization_signed_response_alg": "RS512",
        "introspection_signed_response_alg": "RS512",
        "post_logout_redirect_uris": ["https://rp.example/out"],
        "backchannel_logout_uri": "https://rp.example/back",
        "backchannel_logout_session_required": true,
        "frontchannel_logout_uri": "https://rp.example/front",
        "frontchannel_logout_session_required": true,
        "sector_identifier_uri": SECTOR,
        "software_statement": "unread",
    }));
    let mut plain = at_bare(json!({})).unwrap();
    assert_eq!(told.unwrap(), plain);
    assert_eq!(plain.id_token_signed_response_alg.as_str(), "ES256", "there is no key for RS256");
    plain.id_token_signed_response_alg = Default::default();
    let scope = plain.scope.clone();
    let expected = ClientMetadata::code_flow(plain.redirect_uris.clone()).with_scope(scope);
    assert_eq!(plain, expected);
}

/// attack 213: response types that were turned on for a client of the host's are not for those who register.
#[test]
fn a_response_type_is_opened_to_strangers_by_a_call_of_its_own() {
    let with_rules = |rules| {
        Harness::builder().front_channel().provider(|builder| builder.with_registration(rules)).build()
    };
    let by_default = with_rules(Registration::open());
    let implicit = json!({ "response_types": ["id_token"], "grant_types": ["implicit"] });
    for asked in [
        implicit.clone(),
        json!({ "response_types": ["id_token"] }),
        json!({ "response_types": ["code", "code id_token"] }),
        json!({ "response_types": ["none"] }),
        json!({ "response_types": ["token"] }),
    ] {
        let _ = register(&by_default, &with(asked)).rejected(Reason::MetadataResponseTypes).unchanged();
    }
    let both = json!({ "grant_types": ["authorization_code", "implicit"] });
    let _ = register(&by_default, &with(both)).rejected(Reason::MetadataGrantTypes).unchanged();
    let opened = with_rules(Registration::open().with_response_type(ResponseType::IdToken));
    let told = register(&opened, &with(implicit)).accepted().json();
    assert_eq!((&told["response_types"], &told["grant_types"]), (&json!(["id_token"]), &json!(["implicit"])));
    let hybrid = json!({ "response_types": ["code id_token"] });
    let _ = register(&opened, &with(hybrid)).rejected(Reason::MetadataResponseTypes).unchanged();
    // What the provider does not have cannot be opened.
    let rules = Registration::open().with_response_type(ResponseType::IdToken);
    let without = Harness::builder().provider(|builder| builder.with_registration(rules)).build();
    let asked = json!({ "response_types": ["id_token"] });
    let _ = register(&without, &with(asked)).rejected(Reason::MetadataResponseTypes).unchanged();
}

/// attack 213: whoever asks for what protects them must not believe that they got it.
#[test]
fn what_a_client_would_rely_on_is_refused_where_it_is_not_there() {
    for (asked, reason) in [
        (json!({ "require_signed_request_object": true }), Reason::MetadataRequestObjects),
        (json!({ "dpop_bound_access_tokens": true }), Reason::MetadataDpop),
        (json!({ "dpop_bound_access_tokens": "true" }), Reason::MetadataDpop),
        (json!({ "subject_type": "pairwise" }), Reason::MetadataSubjectType),
        (json!({ "subject_type": "secret" }), Reason::MetadataSubjectType),
        (json!({ "id_token_signed_response_alg": "RS256" }), Reason::MetadataIdTokenAlg),
        (json!({ "id_token_signed_response_alg": "none" }), Reason::MetadataIdTokenAlg),
        (json!({ "userinfo_signed_response_alg": "RS256" }), Reason::MetadataUserinfoAlg),
        (json!({ "userinfo_signed_response_alg": "none" }), Reason::MetadataUserinfoAlg),
        (json!({ "require_pushed_authorization_requests": true }), Reason::MetadataPushedRequests),
        (json!({ "require_pushed_authorization_requests": 1 }), Reason::MetadataPushedRequests),
        (json!({ "authorization_signed_response_alg": "none" }), Reason::MetadataAuthorizationAlg),
        (json!({ "introspection_signed_response_alg": "HS256" }), Reason::MetadataIntrospectionAlg),
        (json!({ "authorization_encrypted_response_alg": "ECDH-ES" }), Reason::MetadataEncryption),
        (json!({ "introspection_encrypted_response_alg": "ECDH-ES" }), Reason::MetadataEncryption),
        (json!({ "token_endpoint_auth_method": "private_key_jwt" }), Reason::MetadataAuthMethod),
        (json!({ "response_types": ["none"] }), Reason::MetadataResponseTypes),
        (json!({ "grant_types": ["authorization_code", "implicit"] }), Reason::MetadataGrantTypes),
        (json!({ "grant_types": ["authorization_code", "urn:x:custom"] }), Reason::MetadataGrantTypes),
    ] {
        assert_eq!(at_bare(asked.clone()), Err(reason), "{asked}");
    }
    let h = complete();
    for asked in [
        json!({ "request_object_signing_alg": "HS256" }),
        json!({ "require_signed_request_object": "yes" }),
        json!({ "request_uris": ["http://rp.example/r"] }),
    ] {
        let _ = register(&h, &with(asked)).rejected(Reason::MetadataRequestObjects).unchanged();
    }
}

#[test]
fn malformed_members_are_refused_by_name() {
    let h = complete();
    for (asked, reason) in [
        (json!({ "backchannel_logout_uri": "http://10.0.0.1/" }), Reason::MetadataLogout),
        (json!({ "frontchannel_logout_uri": "https://evil.example/" }), Reason::MetadataLogout),
        (json!({ "post_logout_redirect_uris": ["javascript:alert(1)"] }), Reason::MetadataLogout),
        (json!({ "post_logout_redirect_uris": vec!["https://rp.example/"; 51] }), Reason::MetadataLogout),
        (json!({ "software_id": "" }), Reason::MetadataSoftware),
        (json!({ "software_version": "a".repeat(255) }), Reason::MetadataSoftware),
        (json!({ "software_id": ["a"] }), Reason::MetadataSoftware),
        (json!({ "default_max_age": 4_294_967_296_u64 }), Reason::MetadataDefaults),
        (json!({ "require_auth_time": "true" }), Reason::MetadataDefaults),
        (json!({ "contacts": "ops@rp.example" }), Reason::MetadataContacts),
        (json!({ "initiate_login_uri": "http://rp.example/login" }), Reason::MetadataPage),
        (json!({ "redirect_uris": ["https://rp.example/cb#fragment"] }), Reason::MetadataRedirectUris),
    ] {
        let _ = register(&h, &with(asked)).rejected(reason).unchanged();
    }
    assert_eq!(Reason::MetadataPage.wire().0.as_str(), "invalid_client_metadata");
    assert_eq!(Reason::MetadataRedirectUris.wire().0.as_str(), "invalid_redirect_uri");
}

#[test]
fn a_native_client_answers_on_its_device() {
    let asked = |uri: &str| json!({ "redirect_uris": [uri], "application_type": "native" });
    let h = open();
    for uri in ["http://127.0.0.1/cb", "http://localhost:8080/cb", "com.example.app:/cb"] {
        assert_eq!(register(&h, &asked(uri)).accepted().json()["application_type"], "native");
    }
    let claimed = asked("https://app.example/cb");
    let _ = register(&h, &claimed).rejected(Reason::MetadataNativeRedirectUris).unchanged();
    let rules = Registration::open().with_claimed_https_redirects();
    let lenient = Harness::builder().provider(|builder| builder.with_registration(rules)).build();
    let _ = register(&lenient, &claimed).accepted();
    // What was left out is a web client, which may not take tokens through the browser on a device.
    let h = complete();
    for uri in ["http://127.0.0.1/cb", "https://localhost/cb", "com.example.app:/cb"] {
        let implicit = json!({ "redirect_uris": [uri], "response_types": ["id_token"] });
        let _ = register(&h, &implicit).rejected(Reason::MetadataRedirectUris).unchanged();
    }
}

#[test]
fn a_sector_is_asked_when_a_client_of_it_registers() {
    let h = complete();
    let uris = ["https://a.example/cb", "https://b.example/cb"];
    let asked = json!({
        "redirect_uris": uris,
        "subject_type": "pairwise",
        "sector_identifier_uri": SECTOR,
    });
    h.serve(SECTOR, &json!(uris));
    let told = register(&h, &asked).accepted().json();
    assert_eq!((&told["subject_type"], &told["sector_identifier_uri"]), (&json!("pairwise"), &json!(SECTOR)));
    let alone = json!({ "redirect_uris": uris, "subject_type": "pairwise" });
    let _ = register(&h, &alone).rejected(Reason::MetadataSectorIdentifier).unchanged();
    h.serve(SECTOR, &json!([uris[0]]));
    let _ = register(&h, &asked).rejected(Reason::SectorRedirectUriMissing).unchanged();
    let public = json!({ "redirect_uris": uris, "sector_identifier_uri": SECTOR });
    let _ = register(&h, &public).rejected(Reason::SectorRedirectUriMissing).unchanged();
    // attack 208, attack 209: the answer tells nothing of what is at the address.
    h.http().fail(SECTOR, HttpErrorKind::AddressRefused);
    let refused = register(&h, &asked).rejected(Reason::SectorAddressRefused).unchanged();
    assert_eq!(refused.json()["error_description"], "sector_identifier_uri could not be read");
}

/// attack 328: a page reads what it registered itself, from the origin that it registered.
#[test]
fn a_browser_registers_across_origins() {
    let h = open();
    let request = |method: &str, origin: &str| {
        http::Request::builder()
            .method(method)
            .uri("/register")
            .header("content-type", "application/json")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
    };
    let asked = h.answer(request("OPTIONS", "https://rp.example").body("".into()).unwrap());
    assert_eq!(asked.header("access-control-allow-methods"), Some("GET, POST, PUT, DELETE"));
    let register = |origin: &str| {
        h.answer(request("POST", origin).body(with(json!({})).to_string().into()).unwrap()).accepted()
    };
    let own = register("https://rp.example");
    assert_eq!(own.header("access-control-allow-origin"), Some("https://rp.example"));
    assert_eq!(register("https://evil.example").header("access-control-allow-origin"), None);
}

#[test]
fn a_host_registers_and_manages_without_a_request() {
    let h = open();
    let provider = h.provider();
    let told = block_on(provider.register(None, &members(with(json!({ "client_name": "A" }))))).unwrap();
    assert!(
        told.client_secret().is_some() && told.registration_client_uri().starts_with("https://op.example/")
    );
    assert!(!format!("{told:?}").contains(told.registration_access_token().expose()));
    let (id, token) = (told.client_id().clone(), told.registration_access_token().clone());
    let read = block_on(provider.registration_of(&id, &token)).unwrap();
    assert_eq!((read.metadata(), read.issued_at()), (told.metadata(), h.now()));
    let mut changed = members(with(json!({ "client_name": "B" })));
    changed.insert("client_id".to_owned(), id.as_str().into());
    let after = block_on(provider.update_registration(&id, &token, &changed)).unwrap();
    assert_eq!(after.metadata().client_name.as_deref(), Some("B"));
    let newer = after.registration_access_token();
    let read = block_on(provider.registration_of(&id, newer)).unwrap();
    assert_eq!(read.metadata(), after.metadata());
    let stale = block_on(provider.registration_of(&id, &token)).unwrap_err();
    assert_eq!(stale.reason(), Reason::RegistrationTokenForeign);
    let guess = Secret::new("vs_ra_guess");
    let guessed = block_on(provider.remove_registration(&id, &guess)).unwrap_err();
    assert_eq!(guessed.reason(), Reason::RegistrationTokenInvalid);
    let minted = block_on(provider.administration().mint_registration_access_token(&id)).unwrap().unwrap();
    let stale = block_on(provider.registration_of(&id, newer)).unwrap_err();
    assert_eq!(stale.reason(), Reason::RegistrationTokenForeign, "it may have been stolen");
    block_on(provider.remove_registration(&id, &minted)).unwrap();
    assert!(block_on(provider.administration().mint_registration_access_token(&id)).unwrap().is_none());
    assert_eq!(block_on(provider.client(&id)).unwrap(), None);
    let off = block_on(Harness::new().provider().register(None, &changed)).unwrap_err();
    assert_eq!(off.reason(), Reason::NotFound);
}
