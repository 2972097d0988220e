//! RFC 7591 sections 2 and 5: how much a client may register.

use serde_json::{Map, Value, json};
use vouchsafe::error::Reason;
use vouchsafe::provider::{ProviderBuilder, Registration};
use vouchsafe::testing::{Harness, client_key};

use crate::rfc7591_registration::{register, send, with};

/// Most bytes in a request.
const BODY: usize = 65_536;

fn harness() -> Harness {
    let on =
        |builder: ProviderBuilder| builder.with_registration(Registration::open()).with_pairwise_subjects();
    Harness::builder().request_objects().provider(on).build()
}

/// A URL of so many bytes.
fn url(bytes: usize) -> String {
    let start = "https://rp.example/";
    format!("{start}{}", "a".repeat(bytes - start.len()))
}

fn urls(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("https://rp.example/{n}")).collect()
}

fn names(count: usize) -> Value {
    let tag = |n: usize| (format!("client_name#x-{n}"), "Bakery".into());
    Value::Object(Map::from_iter((0..count).map(tag)))
}

/// Each member: what it may be at most, and the least that is too much.
fn rows() -> Vec<(Value, Value, Reason)> {
    let row =
        |name: &str, most: Value, more: Value, reason| (json!({ name: most }), json!({ name: more }), reason);
    let texts = |name: &str, reason| {
        [
            row(name, json!(vec!["a"; 20]), json!(vec!["a"; 21]), reason),
            row(name, json!(["a".repeat(254)]), json!(["a".repeat(255)]), reason),
            row(name, json!(["a"]), json!([""]), reason),
        ]
    };
    let text = |name: &str, most: usize, reason| {
        row(name, json!("a".repeat(most)), json!("a".repeat(most + 1)), reason)
    };
    let long = |name: &str, most: usize, reason| row(name, json!(url(most)), json!(url(most + 1)), reason);
    let keys = |count: usize| json!({ "keys": vec![client_key().public_key().to_value(); count] });
    let mut rows = vec![
        (names(100), names(101), Reason::MetadataName),
        text("client_name", 200, Reason::MetadataName),
        text("client_name#de", 200, Reason::MetadataName),
        text("software_id", 254, Reason::MetadataSoftware),
        text("software_version", 254, Reason::MetadataSoftware),
        row("default_max_age", json!(u32::MAX), json!(u64::from(u32::MAX) + 1), Reason::MetadataDefaults),
        row("redirect_uris", json!(urls(50)), json!(urls(51)), Reason::MetadataRedirectUris),
        row("redirect_uris", json!([url(2048)]), json!([url(2049)]), Reason::MetadataRedirectUris),
        row("request_uris", json!(urls(50)), json!(urls(51)), Reason::MetadataRequestObjects),
        row("request_uris", json!([url(512)]), json!([url(513)]), Reason::MetadataRequestObjects),
        row("post_logout_redirect_uris", json!(urls(50)), json!(urls(51)), Reason::MetadataLogout),
        row("post_logout_redirect_uris", json!([url(2048)]), json!([url(2049)]), Reason::MetadataLogout),
        long("backchannel_logout_uri", 2048, Reason::MetadataLogout),
        long("jwks_uri", 2048, Reason::MetadataJwksUri),
        row("jwks", keys(64), keys(65), Reason::MetadataJwks),
        text("scope", 4096, Reason::MetadataScope),
    ];
    for page in ["client_uri", "initiate_login_uri", "logo_uri", "logo_uri#de", "policy_uri", "tos_uri"] {
        rows.push(long(page, 2048, Reason::MetadataPage));
    }
    rows.extend(texts("contacts", Reason::MetadataContacts));
    rows.extend(texts("default_acr_values", Reason::MetadataDefaults));
    rows
}

/// attack 206, attack 217: everything has its bound, and can be used up to it.
#[test]
fn each_member_is_bounded() {
    let h = harness();
    for (most, more, reason) in rows() {
        let told = register(&h, &with(most.clone())).accepted().json();
        for (name, value) in most.as_object().unwrap() {
            // The scope is cut to the bounds.
            assert!(name == "scope" || told[name] == *value, "{name}");
        }
        let _ = register(&h, &with(more)).rejected(reason).unchanged();
    }
}

/// A sector is asked at an address that is bounded too.
#[test]
fn the_address_of_a_sector_is_bounded() {
    let h = harness();
    let asked = |uri: &str| with(json!({ "subject_type": "pairwise", "sector_identifier_uri": uri }));
    h.serve(&url(2048), &json!(["https://rp.example/cb"]));
    let _ = register(&h, &asked(&url(2048))).accepted();
    let _ = register(&h, &asked(&url(2049))).rejected(Reason::MetadataSectorIdentifier).unchanged();
}

#[test]
fn a_request_is_bounded_as_a_whole() {
    let h = harness();
    let filled = |text: &str, bytes: usize| format!("{text}{}", " ".repeat(bytes - text.len()));
    let body = |bytes| filled(&with(json!({})).to_string(), bytes);
    let first = send(&h, "POST", "/register", None, body(BODY)).accepted().json();
    let _ = send(&h, "POST", "/register", None, body(BODY + 1)).rejected(Reason::BodyTooLarge).unchanged();
    let update = with(json!({ "client_id": first["client_id"] })).to_string();
    let (uri, token) =
        (first["registration_client_uri"].as_str().unwrap(), &first["registration_access_token"]);
    let put = |bytes: usize| send(&h, "PUT", uri, token.as_str(), filled(&update, bytes));
    let _ = put(BODY + 1).rejected(Reason::BodyTooLarge).unchanged();
    let _ = put(BODY).accepted();
}
