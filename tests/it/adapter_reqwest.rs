//! The reqwest adapter keeps the rules of the `HttpClient` port against a real server (attack catalogue, section on
//! what the provider fetches).

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use axum_server::tls_rustls::RustlsConfig;
use bytes::Bytes;
use vouchsafe::adapters::reqwest::{MAX_ANSWER_BYTES, ReqwestClient};
use vouchsafe::wire::{HttpClient as _, HttpErrorKind};

const AUTHORITY: &[u8] = include_bytes!("tls/authority.pem");

/// A server on loopback that answers over TLS, and how many requests reached it.
async fn server() -> (SocketAddr, Arc<AtomicUsize>) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (certificate, key) = (include_bytes!("tls/server.pem"), include_bytes!("tls/server.key"));
    let config = RustlsConfig::from_pem(certificate.to_vec(), key.to_vec()).await.unwrap();
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    let app = Router::new()
        .route("/small", get(|| async { "{}" }))
        .route("/full", get(|| async { vec![b'x'; MAX_ANSWER_BYTES] }))
        .route("/large", get(|| async { vec![b'x'; MAX_ANSWER_BYTES + 1] }))
        .route("/endless", get(|| async { axum::body::Body::from_stream(endless()) }))
        .route("/elsewhere", get(|| async { Redirect::temporary("/small") }))
        .layer(axum::middleware::map_request(move |request: axum::extract::Request| {
            counter.fetch_add(1, Ordering::SeqCst);
            async { request }
        }));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let server = axum_server::from_tcp_rustls(listener, config).unwrap();
    tokio::spawn(server.serve(app.into_make_service()));
    (address, seen)
}

fn endless() -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>> {
    futures_util::stream::repeat_with(|| Ok(Bytes::from_static(&[b'x'; 16 * 1024])))
}

fn loopback() -> ReqwestClient {
    let builder = ReqwestClient::builder().root_certificates(AUTHORITY).unwrap();
    builder.dangerous_allow_loopback().build().unwrap()
}

async fn fetch(client: &ReqwestClient, url: &str) -> Result<http::Response<Bytes>, HttpErrorKind> {
    let request = http::Request::get(url).body(Bytes::new()).unwrap();
    client.send(request).await.map_err(|error| error.kind())
}

#[tokio::test]
async fn an_answer_is_read_up_to_its_cap() {
    let (address, _) = server().await;
    let (client, url) = (loopback(), |path: &str| format!("https://localhost:{}{path}", address.port()));
    assert_eq!(fetch(&client, &url("/small")).await.unwrap().body().as_ref(), b"{}");
    assert_eq!(fetch(&client, &url("/full")).await.unwrap().body().len(), MAX_ANSWER_BYTES);
    for path in ["/large", "/endless"] {
        assert_eq!(fetch(&client, &url(path)).await.unwrap_err(), HttpErrorKind::BodyTooLarge, "{path}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (address, seen) = server().await;
    let answer = fetch(&loopback(), &format!("https://{address}/elsewhere")).await.unwrap();
    assert_eq!((answer.status(), seen.load(Ordering::SeqCst)), (http::StatusCode::TEMPORARY_REDIRECT, 1));
}

#[tokio::test]
async fn loopback_is_refused_by_name_and_by_address_before_anything_is_sent() {
    let (address, seen) = server().await;
    let client = ReqwestClient::builder().root_certificates(AUTHORITY).unwrap().build().unwrap();
    for host in ["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "127.1"] {
        let url = format!("https://{host}:{}/small", address.port());
        assert_eq!(fetch(&client, &url).await.unwrap_err(), HttpErrorKind::AddressRefused, "{url}");
    }
    let plain = format!("http://{address}/small");
    assert_eq!(fetch(&loopback(), &plain).await.unwrap_err(), HttpErrorKind::AddressRefused);
    assert_eq!(seen.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let (address, seen) = server().await;
    let client = ReqwestClient::builder().dangerous_allow_loopback().build().unwrap();
    let url = format!("https://{address}/small");
    assert_eq!(fetch(&client, &url).await.unwrap_err(), HttpErrorKind::Unreachable);
    assert_eq!(seen.load(Ordering::SeqCst), 0);
}
