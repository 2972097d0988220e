//! `/resource` of `examples/provider`: bearer and bound tokens over real connections, as a FAPI 2.0 conformance run sends
//! them.

use std::time::Duration;

use http::StatusCode;
use http::header::{ACCEPT, AUTHORIZATION, DATE};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use vouchsafe::clock::{Clock as _, SystemClock};
use vouchsafe::entropy::OsEntropy;
use vouchsafe::secret::generate;
use vouchsafe::testing::{JwtForm, dpop_keys};

use crate::provider_mtls::{SELF_SIGNED, connecting};
use crate::running::{CERTIFICATE, KEY, Server, directory, signing_keys};

const SECRET: &str = "a-secret-of-the-test-that-is-long-enough";

/// A server whose client `worker` gets tokens of this shape, bound or not.
fn start(test: &str, shape: &str) -> Server {
    let service = json!({
        "grant_types": ["client_credentials"], "response_types": [], "scope": "read",
        "client_id": "worker", "client_secret": SECRET, "settings": { "default_scope": "read" },
    });
    let mut bound = service.clone();
    bound["client_id"] = "bound".into();
    bound["tls_client_certificate_bound_access_tokens"] = true.into();
    let path = directory(test).join("clients.json");
    std::fs::write(&path, json!([service, bound]).to_string()).unwrap();
    let clients = path.to_str().unwrap();
    let flags = ["--listen", "127.0.0.1:0", "--keys", signing_keys(), "--clients", clients, "--dpop"];
    let tls = ["--tls-cert", CERTIFICATE, "--tls-key", KEY, "--mtls-listen", "127.0.0.1:0"];
    Server::start("provider", &[&flags[..], &tls, &["--access-token", shape]].concat())
}

/// A proof for a request to this URL.
fn proof(method: &str, url: &str) -> JwtForm {
    let jti = generate(&OsEntropy, 128).unwrap();
    let claims = json!({ "jti": jti.expose(), "htm": method, "htu": url, "iat": SystemClock.now().unix() });
    JwtForm::proof(&dpop_keys()[0], claims)
}

/// A token of `client`, asked for at this origin with these headers.
async fn token(http: &reqwest::Client, origin: &str, client: &str, headers: &[(&str, String)]) -> String {
    let request = http.post(format!("{origin}/token")).basic_auth(client, Some(SECRET));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
    let answer = request.form(&[("grant_type", "client_credentials")]).send().await.unwrap();
    let body: Value = answer.json().await.unwrap();
    body["access_token"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
}

async fn sent(request: RequestBuilder) -> Response {
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_bearer_token_opens_the_resource() {
    for shape in ["opaque", "jwt"] {
        let server = start(&format!("resource-{shape}"), shape);
        let (http, url) = (connecting(None), server.at("/resource"));
        let token = token(&http, &server.url, "worker", &[]).await;
        for (method, scheme, accept) in [
            (Method::GET, "Bearer", "application/json"),
            (Method::POST, "bearer", "text/html"),
            (Method::GET, "BEARER", "application/json; charset=utf-8"),
        ] {
            let id = "7ac0a3a3-4a0f-4a2c-8d3e-2a6b1c9d0e1f";
            let request = http.request(method, &url).header(AUTHORIZATION, format!("{scheme} {token}"));
            let answer = sent(request.header(ACCEPT, accept).header("x-fapi-interaction-id", id)).await;
            assert_eq!(answer.status(), StatusCode::OK);
            assert_eq!(answer.headers()["x-fapi-interaction-id"], id);
            let date = httpdate::parse_http_date(answer.headers()[DATE].to_str().unwrap()).unwrap();
            let off = date.elapsed().unwrap_or_default();
            assert!(off < Duration::from_secs(300), "{off:?}");
            let told: Value = answer.json().await.unwrap();
            assert_eq!((&told["client_id"], &told["scope"]), (&json!("worker"), &json!("read")), "{told}");
            assert_eq!((&told["sub"], &told["iss"]), (&json!("client:worker"), &json!(server.url)));
        }
        let query = sent(http.get(format!("{url}?access_token={token}"))).await;
        assert_eq!(query.status(), StatusCode::BAD_REQUEST);
        let forged = http.get(&url).bearer_auth(&token).header("x-fapi-interaction-id", "<script>");
        assert!(!sent(forged).await.headers().contains_key("x-fapi-interaction-id"));
    }
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_key_opens_it_with_a_proof() {
    for shape in ["opaque", "jwt"] {
        let server = start(&format!("resource-dpop-{shape}"), shape);
        let (http, url) = (connecting(None), server.at("/resource"));
        let asked = ("dpop", proof("POST", &server.at("/token")).sign());
        let token = token(&http, &server.url, "worker", &[asked]).await;
        let with = |scheme: &str| http.get(&url).header(AUTHORIZATION, format!("{scheme} {token}"));
        let sound = || proof("GET", &url).presenting(&token);
        let once = sound().sign();
        assert_eq!(sent(with("DPoP").header("DPoP", &once)).await.status(), StatusCode::OK);
        let post = proof("POST", &url).presenting(&token).sign();
        let posted = http.post(&url).header(AUTHORIZATION, format!("dpop {token}")).header("dpop", post);
        assert_eq!(sent(posted).await.status(), StatusCode::OK);
        for refused in [
            with("DPoP").header("dpop", &once),
            with("DPoP"),
            with("Bearer"),
            with("DPoP").header("dpop", sound().by(&dpop_keys()[1]).sign()),
            with("DPoP").header("dpop", sound().sign()).header("dpop", sound().sign()),
        ] {
            let answer = sent(refused).await;
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
            let told = answer.headers()["www-authenticate"].to_str().unwrap();
            assert!(
                told.starts_with("DPoP ") && told.contains("/.well-known/oauth-protected-resource/resource")
            );
        }
        assert_eq!(sent(with("DPoP").header("dpop", sound().sign())).await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_certificate_opens_it_over_its_connection() {
    for shape in ["opaque", "jwt"] {
        let mut server = start(&format!("resource-mtls-{shape}"), shape);
        let alias = server.prints("mtls listening on ");
        let (own, bare) = (connecting(Some(SELF_SIGNED)), connecting(None));
        let token = token(&own, &alias, "bound", &[]).await;
        let opened = sent(own.get(format!("{alias}/resource")).bearer_auth(&token)).await;
        assert_eq!(opened.status(), StatusCode::OK);
        for (http, origin) in [(&bare, &alias), (&own, &server.url)] {
            let answer = sent(http.get(format!("{origin}/resource")).bearer_auth(&token)).await;
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        }
        // A proof may name the place by either of its names.
        let asked = ("dpop", proof("POST", &server.at("/token")).sign());
        let keyed = self::token(&bare, &server.url, "worker", &[asked]).await;
        for url in [format!("{alias}/resource"), server.at("/resource")] {
            let request =
                bare.get(format!("{alias}/resource")).header(AUTHORIZATION, format!("DPoP {keyed}"));
            let proved = request.header("dpop", proof("GET", &url).presenting(&keyed).sign());
            assert_eq!(sent(proved).await.status(), StatusCode::OK);
        }
    }
}

/// RFC 9728: the challenge leads to the metadata, which lead to the provider.
#[tokio::test]
async fn the_resource_describes_itself() {
    let server = start("resource-metadata", "opaque");
    let http = connecting(None);
    let refused = sent(http.get(server.at("/resource"))).await;
    let told = refused.headers()["www-authenticate"].to_str().unwrap();
    let described = server.at("/.well-known/oauth-protected-resource/resource");
    assert!(told.contains(&format!("resource_metadata=\"{described}\"")), "{told}");
    let metadata: Value = sent(http.get(&described)).await.json().await.unwrap();
    assert_eq!(metadata["resource"], server.at("/resource").as_str());
    assert_eq!(metadata["authorization_servers"], json!([server.url]));
}
