//! `examples/provider --mtls-listen`: clients with certificates, over real TLS (RFC 8705).

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::{Identity, StatusCode};
use serde_json::{Value, json};
use vouchsafe::proof::Certificate;

use crate::running::{CERTIFICATE, KEY, Server, directory, signing_keys};

/// An authority that names clients, and a client that it named, for `client.example`.
const AUTHORITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/examples/client_authority.crt");
const CLIENT: [&str; 2] = [
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/examples/client.crt"),
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/examples/client.key"),
];

/// The server's own certificate, which is as good as any that a client signed itself.
pub(crate) const SELF_SIGNED: [&str; 2] = [CERTIFICATE, KEY];

fn read(path: &str) -> Certificate {
    let pem = std::fs::read_to_string(path).unwrap();
    let encoded: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    Certificate::parse(&BASE64_STANDARD.decode(encoded).unwrap()).unwrap()
}

/// A client on the connection of which there is this certificate, if any.
pub(crate) fn connecting(identity: Option<[&str; 2]>) -> reqwest::Client {
    let builder = reqwest::Client::builder().tls_danger_accept_invalid_certs(true);
    let builder = match identity {
        Some([certificate, key]) => {
            let pem = [certificate, key].map(|path| std::fs::read(path).unwrap());
            builder.identity(Identity::from_pkcs8_pem(&pem[0], &pem[1]).unwrap())
        }
        None => builder,
    };
    builder.build().unwrap()
}

/// A server whose clients are `named`, of a subject, and `keyed`, of a key and with bound tokens; its
/// discovery document.
async fn start(test: &str, flags: &[&str]) -> (Server, Value) {
    let service = json!({ "grant_types": ["client_credentials"], "response_types": [], "scope": "read" });
    let with = |members: Value| {
        let mut client = service.clone();
        client.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        client
    };
    let clients = json!([
        with(json!({
            "client_id": "named",
            "token_endpoint_auth_method": "tls_client_auth",
            "tls_client_auth_san_dns": "client.example",
            "settings": { "default_scope": "read" },
        })),
        with(json!({
            "client_id": "keyed",
            "token_endpoint_auth_method": "self_signed_tls_client_auth",
            "jwks": { "keys": [read(CERTIFICATE).key().unwrap().to_value()] },
            "tls_client_certificate_bound_access_tokens": true,
        })),
    ]);
    let path = directory(test).join("clients.json");
    std::fs::write(&path, clients.to_string()).unwrap();
    let own = [
        "--listen",
        "127.0.0.1:0",
        "--keys",
        signing_keys(),
        "--clients",
        path.to_str().unwrap(),
        "--tls-cert",
        CERTIFICATE,
        "--tls-key",
        KEY,
        "--mtls-listen",
        "127.0.0.1:0",
        "--access-token",
        "jwt",
    ];
    let server = Server::start("provider", &[&own, flags].concat());
    let discovery = server.at("/.well-known/openid-configuration");
    let metadata = connecting(None).get(discovery).send().await.unwrap().json().await.unwrap();
    (server, metadata)
}

async fn token(endpoint: &Value, client: &str, identity: Option<[&str; 2]>) -> (StatusCode, Value) {
    let form = [("grant_type", "client_credentials"), ("client_id", client)];
    let request = connecting(identity).post(endpoint.as_str().unwrap()).form(&form);
    // No header makes up for a certificate.
    let encoded = std::fs::read_to_string(CLIENT[0]).unwrap();
    let encoded: String = encoded.lines().filter(|line| !line.starts_with("-----")).collect();
    let response = request.header("client-cert", format!(":{encoded}:")).send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

fn claims(token: &Value) -> Value {
    let jws = vouchsafe::jose::Jws::parse(token.as_str().unwrap()).unwrap();
    serde_json::from_slice(jws.unverified_payload()).unwrap()
}

/// attack 184, attack 185, attack 186, attack 190: over real connections.
#[tokio::test]
async fn clients_authenticate_by_the_certificates_of_their_connections() {
    let (server, metadata) = start("mtls", &["--mtls-ca-file", AUTHORITY]).await;
    let alias = &metadata["mtls_endpoint_aliases"]["token_endpoint"];
    let plain = &metadata["token_endpoint"];
    assert_ne!(alias, plain);
    for method in ["tls_client_auth", "self_signed_tls_client_auth"] {
        let methods = metadata["token_endpoint_auth_methods_supported"].as_array().unwrap();
        assert!(methods.contains(&json!(method)), "{method}");
    }
    let (status, _) = token(alias, "named", Some(CLIENT)).await;
    assert_eq!(status, StatusCode::OK);
    let (status, body) = token(alias, "keyed", Some(SELF_SIGNED)).await;
    assert_eq!(status, StatusCode::OK);
    let hash = read(CERTIFICATE).thumbprint().to_string();
    assert_eq!(claims(&body["access_token"])["cnf"], json!({ "x5t#S256": hash }));
    for (endpoint, client, identity) in [
        (alias, "named", Some(SELF_SIGNED)),
        (alias, "named", None),
        (alias, "keyed", Some(CLIENT)),
        (alias, "keyed", None),
        // The first listener asks for no certificate, and gets none.
        (plain, "named", Some(CLIENT)),
        (plain, "keyed", Some(SELF_SIGNED)),
    ] {
        let (status, body) = token(endpoint, client, identity).await;
        assert_eq!(
            (status, &body["error"]),
            (StatusCode::UNAUTHORIZED, &json!("invalid_client")),
            "{client}"
        );
    }
    assert_eq!(server.signal("TERM").code(), Some(0));
}

/// A certificate that nobody vouches for has a key, and no name.
#[tokio::test]
async fn without_authorities_no_certificate_names_a_client() {
    let (_server, metadata) = start("mtls-self-signed", &[]).await;
    let methods = metadata["token_endpoint_auth_methods_supported"].as_array().unwrap();
    assert!(!methods.contains(&json!("tls_client_auth")));
    let alias = &metadata["mtls_endpoint_aliases"]["token_endpoint"];
    let (status, _) = token(alias, "named", Some(CLIENT)).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let (status, _) = token(alias, "keyed", Some(SELF_SIGNED)).await;
    assert_eq!(status, StatusCode::OK);
}

#[test]
fn authorities_that_cannot_be_read_are_named() {
    let flags = [
        "--listen",
        "127.0.0.1:0",
        "--tls-cert",
        CERTIFICATE,
        "--tls-key",
        KEY,
        "--mtls-listen",
        "127.0.0.1:0",
        "--mtls-ca-file",
        "no-such-file.crt",
    ];
    let written = crate::running::refusal("provider", &flags);
    assert!(written.contains("no-such-file.crt"), "{written}");
    assert!(!Path::new("no-such-file.crt").exists());
}
