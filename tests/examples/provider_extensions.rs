//! Flags of `examples/provider` beside plain OpenID Connect, and what its profiles turn on.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::running::{Browser, CERTIFICATE, KEY, Server, directory, refusal, signing_keys};

const TLS: [&str; 4] = ["--tls-cert", CERTIFICATE, "--tls-key", KEY];

fn start(flags: &[&str]) -> Server {
    Server::start("provider", &[&["--listen", "127.0.0.1:0", "--keys", signing_keys()], flags].concat())
}

async fn metadata(server: &Server) -> Value {
    let url = server.at("/.well-known/openid-configuration");
    serde_json::from_str(&Browser::new().open(&url).await.body).unwrap()
}

fn file(test: &str, name: &str, content: &Value) -> String {
    let path = directory(test).join(name);
    std::fs::write(&path, content.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn each_flag_shows_in_the_metadata_and_is_off_without_it() {
    let trusted = file("trusted", "trusted.json", &json!([]));
    let flags = ["--pushed-requests", "required", "--request-objects", "--jarm", "--authorization-details"];
    let more = ["--introspection-jwt", "--token-exchange", "--trusted-issuers", &trusted];
    let on = metadata(&start(&[&flags[..], &more].concat())).await;
    let off = metadata(&start(&[])).await;
    for (member, value) in [
        ("require_pushed_authorization_requests", "true"),
        ("request_parameter_supported", "true"),
        ("request_uri_parameter_supported", "true"),
        ("response_modes_supported", "query.jwt"),
        ("authorization_details_types_supported", "payment_initiation"),
        ("introspection_signing_alg_values_supported", "RS256"),
        ("grant_types_supported", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("grant_types_supported", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
    ] {
        assert!(on[member].to_string().contains(value), "{member}: {on}");
        assert!(!off[member].to_string().contains(value), "{member}: {off}");
    }
}

const SECRET: &str = "a secret of the services that is long enough";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const CIBA: &str = "urn:openid:params:grant-type:ciba";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

async fn post(url: &str, client: &str, form: &[(&str, &str)]) -> (StatusCode, Value) {
    let own = [("client_id", client), ("client_secret", SECRET)];
    let answer = Browser::new().post(url, &[&own, form].concat(), &[]).await;
    (answer.status, serde_json::from_str(&answer.body).unwrap_or_default())
}

/// An access token of `client` about alice, who said yes elsewhere.
async fn token_about_alice(server: &Server, admin: &str, client: &str) -> String {
    let asked = [("scope", "openid read"), ("login_hint", "alice"), ("resource", "https://api.example/")];
    let (_, asked) = post(&server.at("/backchannel"), client, &asked).await;
    let auth_req_id = asked["auth_req_id"].as_str().unwrap();
    let answer = format!("{admin}/admin/ciba?auth_req_id={auth_req_id}&action=allow");
    assert_eq!(Browser::new().post(&answer, &[], &[]).await.status, StatusCode::OK);
    let form = [("grant_type", CIBA), ("auth_req_id", auth_req_id)];
    let (_, tokens) = post(&server.at("/token"), client, &form).await;
    tokens["access_token"].as_str().unwrap().to_owned()
}

/// A token is exchanged by whom it was issued to, and by whoever it is for.
#[tokio::test]
async fn tokens_are_exchanged_by_those_who_have_them_rightly() {
    let service = |id: &str, settings: Value| {
        json!({
            "client_id": id, "client_secret": SECRET, "token_endpoint_auth_method": "client_secret_post",
            "response_types": [], "scope": "openid read", "grant_types": [CIBA, EXCHANGE],
            "backchannel_token_delivery_mode": "poll", "settings": settings,
        })
    };
    let consented = json!({ "consent": "waived" });
    let api = json!({ "consent": "waived", "introspects": ["https://api.example/"] });
    let clients =
        json!([service("front", consented.clone()), service("api", api), service("other", consented)]);
    let clients = file("exchange", "clients.json", &clients);
    let flags = ["--token-exchange", "--ciba", "--admin-listen", "127.0.0.1:0", "--clients", &clients];
    let mut server = start(&[&flags[..], &["--resources", "https://api.example/"]].concat());
    let admin = server.prints("admin listening on ");
    let token = token_about_alice(&server, &admin, "front").await;
    let exchange =
        [("grant_type", EXCHANGE), ("subject_token", &token), ("subject_token_type", ACCESS_TOKEN)];
    for (client, expected) in [("front", true), ("api", true), ("other", false)] {
        let (status, body) = post(&server.at("/token"), client, &exchange).await;
        assert_eq!(status.is_success(), expected, "{client}: {body}");
        let (issued, error) = match expected {
            true => (json!(ACCESS_TOKEN), Value::Null),
            false => (Value::Null, json!("invalid_request")),
        };
        assert_eq!((&body["issued_token_type"], &body["error"]), (&issued, &error), "{client}");
    }
}

/// FAPI 2.0 Security Profile section 5.4.1, FAPI-CIBA section 5.2.2: made and rotated are keys of its algorithms alone.
#[tokio::test]
async fn a_profile_of_fapi_makes_keys_of_its_algorithms_alone() {
    let flags = ["--listen", "127.0.0.1:0", "--profile", "fapi2-security", "--admin-listen", "127.0.0.1:0"];
    let mut server = Server::start("provider", &flags);
    let admin = server.prints("admin listening on ");
    let algorithms = async || -> Vec<String> {
        let set: Value = serde_json::from_str(&Browser::new().open(&server.at("/jwks")).await.body).unwrap();
        set["keys"].as_array().unwrap().iter().map(|key| key["alg"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(algorithms().await, ["PS256", "ES256", "EdDSA"]);
    let rotated = Browser::new().post(&format!("{admin}/admin/rotate-keys"), &[], &[]).await;
    let rotated: Value = serde_json::from_str(&rotated.body).unwrap();
    assert_eq!(rotated["kids"].as_array().unwrap().len(), 3);
    assert_eq!(algorithms().await.len(), 6);
}

#[test]
fn what_fapi_ciba_needs_is_named_where_it_is_missing() {
    let profile = ["--listen", "127.0.0.1:0", "--profile", "fapi-ciba"];
    let admin = ["--admin-listen", "127.0.0.1:0"];
    let mtls = ["--mtls-listen", "127.0.0.1:0"];
    for (flags, says) in [
        ([&admin[..], &mtls, &TLS].concat(), "a certificate with an RSA key"),
        (admin.to_vec(), "needs --mtls-listen"),
        (Vec::new(), "needs --admin-listen"),
    ] {
        let written = refusal("provider", &[&profile[..], &flags].concat());
        assert!(written.contains(says), "{written}");
    }
}

#[test]
fn a_wrong_file_of_trusted_issuers_is_named() {
    for (entry, says) in [
        (
            json!({ "issuer": "https://idp.example", "jwks": { "keys": [] }, "scope": "read", "x": 1 }),
            "unknown field",
        ),
        (
            json!({ "issuer": "https://idp.example", "jwks": { "keys": [{}] }, "scope": "read" }),
            "https://idp.example",
        ),
    ] {
        let path = file("trusted-wrong", "trusted.json", &json!([entry]));
        let written = refusal("provider", &["--listen", "127.0.0.1:0", "--trusted-issuers", &path]);
        assert!(written.contains(&path) && written.contains(says), "{written}");
    }
}

#[test]
fn the_demo_client_wants_the_profile_that_lets_it_ask() {
    let flags = ["--listen", "127.0.0.1:0", "--demo-client", "--profile", "fapi2-security"];
    let written = refusal("provider", &[&flags[..], &TLS].concat());
    assert!(written.contains("--demo-client needs --profile openid"), "{written}");
}
