//! The reqwest adapter keeps the rules of the `HttpClient` port against a real server (attack catalogue, section on
//! what the provider fetches).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use bytes::Bytes;
use vouchsafe::adapters::reqwest::{MAX_ANSWER_BYTES, ReqwestClient};
use vouchsafe::wire::{BodyCap, HttpClient as _, HttpErrorKind, StatusAlone};

use crate::tls_server::{self, loopback};

/// A server on loopback that answers over TLS, and how many requests reached it.
async fn server() -> (SocketAddr, Arc<AtomicUsize>) {
    let app = Router::new()
        .route("/small", get(|| async { "{}" }))
        .route("/full", get(|| async { vec![b'x'; MAX_ANSWER_BYTES] }))
        .route("/large", get(|| async { vec![b'x'; MAX_ANSWER_BYTES + 1] }))
        .route("/endless", get(|| async { axum::body::Body::from_stream(endless()) }))
        .route("/elsewhere", get(|| async { Redirect::temporary("/small") }));
    tls_server::serve(app).await
}

fn endless() -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>> {
    futures_util::stream::repeat_with(|| Ok(Bytes::from_static(&[b'x'; 16 * 1024])))
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
async fn a_request_may_ask_for_the_status_alone() {
    let (address, _) = server().await;
    let client = loopback();
    for (path, status) in [("/small", 200), ("/large", 200), ("/endless", 200), ("/nothing", 404)] {
        let request = http::Request::get(format!("https://{address}{path}")).extension(StatusAlone);
        let answer = client.send(request.body(Bytes::new()).unwrap()).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.body().len()), (status, 0), "{path}");
    }
}

#[tokio::test]
async fn a_request_may_ask_for_fewer_bytes_and_for_no_more() {
    let (address, _) = server().await;
    let client = loopback();
    let capped = async |path: &str, cap: usize| {
        let request = http::Request::get(format!("https://{address}{path}")).extension(BodyCap(cap));
        let answer = client.send(request.body(Bytes::new()).unwrap()).await;
        answer.map(|answer| answer.body().len()).map_err(|error| error.kind())
    };
    assert_eq!(capped("/small", 2).await, Ok(2));
    assert_eq!(capped("/small", 1).await, Err(HttpErrorKind::BodyTooLarge));
    assert_eq!(capped("/endless", 1024).await, Err(HttpErrorKind::BodyTooLarge));
    assert_eq!(capped("/large", usize::MAX).await, Err(HttpErrorKind::BodyTooLarge));
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
    let client = tls_server::trusting().build().unwrap();
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
