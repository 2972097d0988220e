//! OpenID Connect Discovery 1.0 sections 3 and 4, RFC 8414 sections 2 and 3, RFC 7517 section 5.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use vouchsafe::entropy::OsEntropy;
use vouchsafe::error::Result;
use vouchsafe::jose::{JoseSigner, Keyring, SigningAlg};
use vouchsafe::provider::{Asked, AuthorizationRule, Authorize, Config, Context, Provider};
use vouchsafe::secret::SystemSecrets;
use vouchsafe::store::Stores;
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::testing::{Harness, Outcome, block_on};

const OPENID_CONFIGURATION: &str = "/.well-known/openid-configuration";
const AUTHORIZATION_SERVER: &str = "/.well-known/oauth-authorization-server";

fn get(h: &Harness, path: &str, headers: &[(&str, &str)]) -> Outcome {
    let mut request = http::Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    h.answer(request.body(Bytes::new()).unwrap())
}

#[test]
fn the_metadata_says_what_was_built_in() {
    let h = Harness::new();
    let metadata = get(&h, OPENID_CONFIGURATION, &[]).accepted().json();
    let expected = json!({
        "issuer": "https://op.example",
        "authorization_endpoint": "https://op.example/authorize",
        "token_endpoint": "https://op.example/token",
        "userinfo_endpoint": "https://op.example/userinfo",
        "jwks_uri": "https://op.example/jwks",
        "introspection_endpoint": "https://op.example/introspect",
        "revocation_endpoint": "https://op.example/revoke",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "subject_types_supported": ["public"],
        "scopes_supported": ["openid", "profile", "email", "address", "phone", "offline_access"],
        "claims_parameter_supported": true,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "require_request_uri_registration": false,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&metadata[name], value, "{name}");
    }
    assert!(metadata["id_token_signing_alg_values_supported"].as_array().unwrap().contains(&json!("RS256")));
    assert!(metadata["claims_supported"].as_array().unwrap().contains(&json!("email_verified")));
    assert_eq!(get(&h, AUTHORIZATION_SERVER, &[]).json(), metadata);
}

#[test]
fn client_authentication_is_listed_where_it_is_accepted() {
    let h = Harness::new();
    let metadata = get(&h, OPENID_CONFIGURATION, &[]).json();
    let all = ["client_secret_basic", "client_secret_post", "none", "private_key_jwt"];
    for (endpoint, public) in [("token", true), ("revocation", true), ("introspection", false)] {
        let listed = &metadata[format!("{endpoint}_endpoint_auth_methods_supported")];
        let mut listed: Vec<&str> =
            listed.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        listed.sort_unstable();
        let expected: Vec<&str> = all.into_iter().filter(|name| public || *name != "none").collect();
        assert_eq!(listed, expected, "{endpoint}");
        assert!(metadata[format!("{endpoint}_endpoint_auth_signing_alg_values_supported")].is_array());
    }
}

/// A provider with nothing but client credentials lists nothing else, and answers nothing else.
#[test]
fn what_is_off_is_neither_listed_nor_answered() {
    let secrets = SystemSecrets::generate(&OsEntropy).unwrap();
    let keyring = Keyring::generate(&[SigningAlg::Es256]).unwrap();
    let config = Config::new("https://op.example/tenant".parse().unwrap());
    let provider = Provider::builder(config, Stores::of(Arc::new(MemoryStore::new())), keyring, secrets)
        .with_client_credentials()
        .build()
        .unwrap();
    let ask = |path: &str| {
        let request = http::Request::get(path).body(Bytes::new()).unwrap();
        match block_on(provider.handle(&request)) {
            Authorize::Respond(response) => response,
            other => panic!("{other:?}"),
        }
    };
    // RFC 8414 section 3.1: the well-known part comes before the issuer's path.
    let response = ask("/.well-known/oauth-authorization-server/tenant");
    let metadata: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(metadata["token_endpoint"], "https://op.example/tenant/token");
    assert_eq!(metadata["grant_types_supported"], json!(["client_credentials"]));
    for name in
        ["authorization_endpoint", "userinfo_endpoint", "introspection_endpoint", "revocation_endpoint"]
    {
        assert!(metadata.get(name).is_none(), "{name}");
    }
    for path in [
        "/tenant/authorize",
        "/tenant/userinfo",
        "/tenant/.well-known/openid-configuration",
        "/tenant/revoke",
    ] {
        assert_eq!(ask(path).status(), 404, "{path}");
    }
}

#[test]
fn documents_may_be_kept_and_are_not_sent_again() {
    let h = Harness::new();
    for path in [OPENID_CONFIGURATION, AUTHORIZATION_SERVER, "/jwks"] {
        let first = get(&h, path, &[]);
        assert!(first.header("cache-control").unwrap().starts_with("public, max-age="));
        let tag = first.header("etag").unwrap();
        let second = get(&h, path, &[("if-none-match", tag)]);
        assert_eq!(second.response.status(), 304);
        assert!(second.response.body().is_empty());
        assert_eq!(get(&h, path, &[("if-none-match", "\"other\"")]).response.status(), 200);
    }
}

/// attack 328: whoever asks may read what everybody may know.
#[test]
fn documents_are_readable_from_every_origin() {
    let h = Harness::new();
    for path in [OPENID_CONFIGURATION, AUTHORIZATION_SERVER, "/jwks"] {
        let outcome = get(&h, path, &[("origin", "https://evil.example")]);
        assert_eq!(outcome.header("access-control-allow-origin"), Some("*"));
    }
}

#[test]
fn a_rotation_shows_at_once() {
    let h = Harness::new();
    let before = get(&h, "/jwks", &[]);
    let signer = Arc::new(JoseSigner::generate(SigningAlg::Es256).unwrap());
    let kid = signer.public_key().kid().unwrap().to_string();
    h.provider().keyring().announce(signer, h.now()).unwrap();
    let after = get(&h, "/jwks", &[]);
    assert_ne!(before.header("etag"), after.header("etag"));
    let keys = after.json();
    let keys = keys["keys"].as_array().unwrap();
    assert!(keys.iter().any(|key| key["kid"] == kid.as_str()));
    for key in keys {
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key.get(private).is_none(), "a private member is shown");
        }
        assert_eq!(key["use"], "sig");
    }
}

#[derive(Debug)]
struct Describes;

#[async_trait::async_trait]
impl AuthorizationRule for Describes {
    async fn check(&self, _: &Context<'_>, _: &Asked<'_>) -> Result<()> {
        Ok(())
    }

    fn describe(&self, metadata: &mut Map<String, Value>) {
        metadata.insert("https://op.example/tickets".to_owned(), true.into());
    }
}

#[test]
fn a_rule_of_the_host_adds_to_the_metadata() {
    let h = Harness::builder().provider(|builder| builder.rule(Arc::new(Describes))).build();
    assert_eq!(get(&h, OPENID_CONFIGURATION, &[]).json()["https://op.example/tickets"], true);
}
