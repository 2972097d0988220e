//! The provider behind a real server: methods, paths, sizes and panics (attack catalogue, section Q; RFC 9110).

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use http::StatusCode;
use serde_json::Value;
use tower::ServiceExt as _;
use vouchsafe::adapters::axum::router;
use vouchsafe::client::Client;
use vouchsafe::clock::Timestamp;
use vouchsafe::error::StoreError;
use vouchsafe::store::{ClientStore, Stores};
use vouchsafe::testing::{Harness, ISSUER, certificates};
use vouchsafe::types::{Authentication, ClientId, Subject};
use vouchsafe::{BoxError, Interaction, Mount, Question, Reason, Request, Response};

use crate::server::{Answer, send, serve};

const FORM: &str = "Content-Type: application/x-www-form-urlencoded";

/// An authorization request that is sound.
const SOUND: &str = "/authorize?client_id=trusted&response_type=code&scope=openid\
    &redirect_uri=https://trusted.example/cb&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
    &code_challenge_method=S256";

/// A host where Alice is signed in; asked with the cookie `broken`, it panics.
#[derive(Debug)]
struct Host(Timestamp);

#[async_trait]
impl Interaction for Host {
    async fn authentication(&self, request: &Request) -> Result<Option<Authentication>, BoxError> {
        let broken = request.headers().get("cookie").is_some_and(|cookie| cookie == "broken=1");
        assert!(!broken, "the host's session store dies");
        let down = request.headers().get("cookie").is_some_and(|cookie| cookie == "down=1");
        if down {
            Err("the session store is down".into())
        } else {
            Ok(Some(Authentication::new(Subject::new("alice")?, self.0)))
        }
    }

    async fn ask(&self, question: Question<'_>) -> Result<Response, BoxError> {
        Ok(question.redirect("/login"))
    }
}

/// Clients in memory, but looking one of them up kills the request.
#[derive(Debug)]
struct Mined(Arc<dyn ClientStore>);

#[async_trait]
impl ClientStore for Mined {
    async fn client(&self, id: &ClientId, now: Timestamp) -> Result<Option<Client>, StoreError> {
        assert!(id.as_str() != "mine", "the store dies");
        self.0.client(id, now).await
    }
}

async fn mounted() -> (Harness, SocketAddr) {
    let builder = Harness::builder().stores(|memory| {
        let store = Arc::new(memory.clone());
        let clients = Arc::new(Mined(store.clone()));
        Stores::new(clients, store.clone(), store.clone(), store.clone()).with_replays(store)
    });
    let h = builder.build();
    let host = Arc::new(Host(h.now()));
    let address = serve(router(Mount::new(h.provider().clone(), host))).await;
    (h, address)
}

fn refusals(h: &Harness) -> Vec<Reason> {
    vouchsafe::testing::refusals(&h.events())
}

async fn post(server: SocketAddr, path: &str, headers: &[&str], body: &[u8]) -> Answer {
    let (line, length) = (format!("POST {path} HTTP/1.1"), format!("Content-Length: {}", body.len()));
    let mut head = vec![line.as_str(), &length, FORM];
    head.extend(headers);
    send(server, &head, body).await
}

/// attack 57: the size that is announced is refused before a byte of the body was sent, and the size that is not
/// announced as soon as it is over the cap.
#[tokio::test]
async fn a_body_over_the_cap_is_refused_without_being_read() {
    let (h, server) = mounted().await;
    for path in ["/token", "/authorize", "/introspect", "/revoke", "/userinfo"] {
        let line = format!("POST {path} HTTP/1.1");
        let announced = send(server, &[&line, FORM, "Content-Length: 5242880"], b"").await;
        assert_eq!(announced.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
        let mut chunks = Vec::new();
        for _ in 0..65 {
            chunks.extend_from_slice(b"400\r\n");
            chunks.extend_from_slice(&[b'a'; 1024]);
            chunks.extend_from_slice(b"\r\n");
        }
        let endless = send(server, &[&line, FORM, "Transfer-Encoding: chunked"], &chunks).await;
        assert_eq!(endless.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
    }
    assert_eq!(refusals(&h), [Reason::BodyTooLarge; 10]);
}

/// attack 324: forms that are broken in every way are refused or read as WHATWG reads them.
#[tokio::test]
async fn broken_forms_are_refused_at_every_endpoint_that_reads_one() {
    let (_, server) = mounted().await;
    let many_keys = (0..100_000).map(|n| format!("k{n}&")).collect::<String>();
    let repeated = "client_id=a&client_id=b";
    let forms: [&[u8]; 10] = [
        repeated.as_bytes(),
        b"a=%zz",
        b"%",
        b"+",
        b"=",
        b"&&&",
        b"grant_type",
        b"a=%00",
        b"a=\xff\xfe",
        &many_keys.as_bytes()[..60_000],
    ];
    for path in ["/token", "/authorize", "/introspect", "/revoke"] {
        for form in forms {
            let answer = post(server, path, &[], form).await;
            assert!(matches!(answer.status.as_u16(), 400 | 401), "{path} {form:?}: {answer:?}");
        }
    }
}

/// attack 325: a header of a mebibyte is the server's to refuse; twenty headers are ours.
#[tokio::test]
async fn oversized_and_repeated_authorization_headers_are_refused() {
    let (_, server) = mounted().await;
    let body = b"grant_type=client_credentials";
    let huge = format!("Authorization: Basic {}", "A".repeat(1024 * 1024));
    assert_eq!(post(server, "/token", &[&huge], body).await.status, 431);
    let long = format!("Authorization: Basic {}", "A".repeat(20 * 1024));
    assert_eq!(post(server, "/token", &[&long], body).await.status, 400);
    let answer = post(server, "/token", &["Authorization: Basic YTpi"; 20], body).await;
    assert_eq!(answer.status, 400);
    let answer = send(server, &["GET /userinfo HTTP/1.1", &long.replace("Basic", "Bearer")], b"").await;
    assert!(matches!(answer.status.as_u16(), 400 | 401), "{answer:?}");
}

/// attack 326: the issuer is what was configured, whatever a request or a proxy says.
#[tokio::test]
async fn no_header_changes_the_issuer() {
    let (_, server) = mounted().await;
    let head = [
        "GET /.well-known/openid-configuration HTTP/1.1",
        "Host: evil.example",
        "X-Forwarded-Host: evil.example",
        "X-Forwarded-Proto: http",
        "Forwarded: host=evil.example;proto=http",
    ];
    let answer = send(server, &head, b"").await;
    let document: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(document["issuer"], ISSUER);
    assert!(!answer.body.contains("evil"));
    let answer = send(server, &[&format!("GET {SOUND} HTTP/1.1"), "Host: evil.example"], b"").await;
    assert!(answer.header("location").is_some_and(|to| to.contains("iss=https%3A%2F%2Fop.example")));
}

/// attack 327: a path is an endpoint's to the byte, or nobody's.
#[tokio::test]
async fn only_the_exact_path_reaches_an_endpoint() {
    let (_, server) = mounted().await;
    for path in [
        "/token/",
        "//token",
        "/token%2f",
        "/TOKEN",
        "/%74oken",
        "/./token",
        "/x/../token",
        "/token;x",
        "/token%00",
        "/",
        "/authorize/",
        "/.well-known/openid-configuration/",
        "/.well-known//openid-configuration",
    ] {
        assert_eq!(post(server, path, &[], b"grant_type=x").await.status, 404, "{path}");
    }
    assert_ne!(post(server, "/token", &[], b"grant_type=x").await.status, 404);
}

/// attack 328: each endpoint answers its own methods and no other, and refusing changes nothing.
#[tokio::test]
async fn every_endpoint_answers_its_own_methods_alone() {
    let (h, server) = mounted().await;
    let before = h.store_state();
    let documents = ["/jwks", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"];
    let others = ["/authorize", "/token", "/userinfo", "/introspect", "/revoke"];
    for path in documents.into_iter().chain(others) {
        for method in ["TRACE", "OPTIONS", "PUT", "DELETE", "PATCH", "PROPFIND"] {
            let answer = send(server, &[&format!("{method} {path} HTTP/1.1")], b"").await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert!(answer.header("allow").is_some(), "{method} {path}");
            assert_eq!(answer.header("access-control-allow-origin"), None, "{method} {path}");
        }
        let head = send(server, &[&format!("HEAD {path} HTTP/1.1")], b"").await;
        let expected = if documents.contains(&path) { 200 } else { 405 };
        assert_eq!((head.status.as_u16(), head.body.as_str()), (expected, ""), "HEAD {path}");
    }
    assert_eq!(before, h.store_state());
}

/// attack 328, attack 49: a preflight is answered for what browsers may call, for any origin and without
/// credentials, and never for the authorization endpoint.
#[tokio::test]
async fn preflights_are_answered_where_browsers_may_call() {
    let (_, server) = mounted().await;
    let preflight = async |path: &str| {
        let line = format!("OPTIONS {path} HTTP/1.1");
        let asked = ["Origin: https://evil.example", "Access-Control-Request-Method: POST"];
        send(server, &[&line, asked[0], asked[1]], b"").await
    };
    for path in ["/token", "/userinfo", "/revoke", "/jwks", "/.well-known/openid-configuration"] {
        let answer = preflight(path).await;
        assert_eq!(answer.status, 204, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
        assert_eq!(answer.header("access-control-allow-credentials"), None, "{path}");
    }
    for path in ["/authorize", "/introspect"] {
        let answer = preflight(path).await;
        assert_eq!(answer.status, 405, "{path}");
        let names = answer.headers.keys().map(http::HeaderName::as_str);
        assert_eq!(names.filter(|name| name.starts_with("access-control")).count(), 0, "{path}");
    }
}

/// attack 329: a compressed body is refused unread.
#[tokio::test]
async fn a_compressed_body_is_refused() {
    let (h, server) = mounted().await;
    let bomb = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    for path in ["/token", "/introspect", "/revoke", "/authorize"] {
        let answer = post(server, path, &["Content-Encoding: gzip"], &bomb).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path}");
    }
    assert_eq!(refusals(&h), [Reason::ContentEncodingUnsupported; 4]);
}

/// attack 332: a panic costs its own request and nothing else, wherever it happens.
#[tokio::test]
async fn a_panic_becomes_a_500_and_the_next_request_is_answered() {
    let (h, server) = mounted().await;
    let before = h.store_state();
    let in_store = send(server, &["GET /authorize?client_id=mine HTTP/1.1"], b"").await;
    assert_eq!(in_store.status, 500);
    let line = format!("GET {SOUND} HTTP/1.1");
    let in_host = send(server, &[&line, "Cookie: broken=1"], b"").await;
    assert_eq!((in_host.status.as_u16(), in_host.header("x-frame-options")), (500, Some("DENY")));
    assert_eq!(refusals(&h), [Reason::HandlerPanicked; 2]);
    assert_eq!(before, h.store_state());
    let next = send(server, &[&line], b"").await;
    assert_eq!(next.status, StatusCode::SEE_OTHER);
    assert!(next.header("location").is_some_and(|to| to.starts_with("https://trusted.example/cb?code=")));
}

#[tokio::test]
async fn a_host_that_cannot_say_who_is_there_is_told_to_the_client() {
    let (h, server) = mounted().await;
    let answer = send(server, &[&format!("GET {SOUND} HTTP/1.1"), "Cookie: down=1"], b"").await;
    let to = answer.header("location").unwrap();
    assert!(to.starts_with("https://trusted.example/cb?error=temporarily_unavailable"), "{to}");
    assert_eq!(refusals(&h), [Reason::HostUnavailable]);
}

/// attack 47, attack 48: what leads to the host's pages, and what refuses, cannot be framed and tells no referrer.
#[tokio::test]
async fn every_answer_of_the_authorization_endpoint_has_the_headers_of_a_page() {
    let (_, server) = mounted().await;
    let asked = SOUND.replace("trusted", "web");
    for path in [asked.as_str(), "/authorize?client_id=nobody"] {
        let answer = send(server, &[&format!("GET {path} HTTP/1.1")], b"").await;
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert!(answer.header("cache-control").is_some_and(|value| value.contains("no-store")), "{path}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
    }
    let answer = send(server, &[&format!("GET {asked} HTTP/1.1")], b"").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(answer.header("location").is_some_and(|to| to.starts_with("/login?request=")));
    assert!(answer.header("set-cookie").is_some_and(|cookie| cookie.starts_with("__Host-vs_browser=")));
}

/// attack 184: what the TLS layer inserted into a request reaches the provider, and what a client wrote does
/// not.
#[tokio::test]
async fn a_certificate_is_an_extension_of_the_request() {
    let h = crate::rfc8705_mtls::builder().build();
    let host = Arc::new(Host(h.now()));
    let router = router::<()>(Mount::new(h.provider().clone(), host));
    let request = || {
        http::Request::post("/token")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("client-cert", format!(":{}:", certificates::CLIENT))
            .body(axum::body::Body::from("grant_type=client_credentials&client_id=subject"))
            .unwrap()
    };
    let refused = router.clone().oneshot(request()).await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let mut trusted = request();
    trusted.extensions_mut().insert(certificates::verified(certificates::CLIENT));
    assert_eq!(router.oneshot(trusted).await.unwrap().status(), StatusCode::OK);
}
