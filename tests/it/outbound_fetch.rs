//! RFC 9700 section 4.16 and the rules of the `HttpClient` port: key sets that real servers serve, and many who ask
//! at once.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::response::{Html, Redirect};
use axum::routing::get;
use axum_server::tls_rustls::RustlsConfig;
use bytes::Bytes;
use serde_json::{Value, json};
use vouchsafe::adapters::reqwest::ReqwestClient;
use vouchsafe::adapters::tokio::TokioRuntime;
use vouchsafe::client::{FetchErrorKind, RemoteKeys};
use vouchsafe::testing::client_key;
use vouchsafe::types::FetchUrl;
use vouchsafe::wire::{HttpClient, HttpError};

fn keys() -> Value {
    json!({ "keys": [client_key().public_key().to_value()] })
}

/// A server on loopback whose key set is sound at `/jwks`, and wrong in one way at every other path.
async fn server() -> (SocketAddr, Arc<AtomicUsize>) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (certificate, key) = (include_bytes!("tls/server.pem"), include_bytes!("tls/server.key"));
    let config = RustlsConfig::from_pem(certificate.to_vec(), key.to_vec()).await.unwrap();
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    let large = {
        let mut keys = keys();
        keys["padding"] = "x".repeat(256 * 1024).into();
        keys
    };
    let app = Router::new()
        .route("/jwks", get(|| async { axum::Json(keys()) }))
        .route("/redirect", get(|| async { Redirect::temporary("/jwks") }))
        .route("/large", get(|| async { axum::Json(large) }))
        .route("/html", get(|| async { Html(keys().to_string()) }))
        .route("/empty", get(|| async { axum::Json(json!({ "keys": [] })) }))
        .route("/slow", get(std::future::pending::<&str>))
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

/// Keys fetched by the real client, under the switch for loopback.
fn remote() -> RemoteKeys {
    let builder = ReqwestClient::builder().root_certificates(include_bytes!("tls/authority.pem")).unwrap();
    let http = builder.dangerous_allow_loopback().build().unwrap();
    RemoteKeys::new(Arc::new(http), Arc::new(TokioRuntime::current().unwrap()))
}

async fn fetch(remote: &RemoteKeys, url: &str) -> Result<usize, FetchErrorKind> {
    let keys = remote.keys(&FetchUrl::parse(url).unwrap()).await;
    keys.map(|keys| keys.set().keys().len()).map_err(|error| error.kind())
}

/// attack 78, attack 207, attack 218: over real connections too, only a plain answer of the right kind and size counts.
#[tokio::test]
async fn a_key_set_comes_whole_plain_and_from_its_own_address() {
    let (address, seen) = server().await;
    let remote = remote();
    let url = |path: &str| format!("https://localhost:{}{path}", address.port());
    assert_eq!(fetch(&remote, &url("/jwks")).await, Ok(1));
    for (path, kind) in [
        ("/redirect", FetchErrorKind::Redirected),
        ("/large", FetchErrorKind::BodyTooLarge),
        ("/html", FetchErrorKind::ContentTypeUnsupported),
        ("/empty", FetchErrorKind::Malformed),
        ("/missing", FetchErrorKind::StatusUnexpected),
    ] {
        assert_eq!(fetch(&remote, &url(path)).await, Err(kind), "{path}");
    }
    assert_eq!(seen.load(Ordering::SeqCst), 6, "the redirect is not followed");
}

/// attack 207: a server that answers too slowly, or does not even shake hands, is given up.
#[tokio::test]
async fn a_slow_server_is_given_up() {
    let (address, _) = server().await;
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let remote = remote();
    let (slow, mute_url) =
        (format!("https://{address}/slow"), format!("https://{}/", mute.local_addr().unwrap()));
    let (first, second) = tokio::join!(fetch(&remote, &slow), fetch(&remote, &mute_url));
    assert_eq!((first, second), (Err(FetchErrorKind::TimedOut), Err(FetchErrorKind::TimedOut)));
}

/// attack 78, attack 207: without the switch nothing on this machine is asked, by name or by address.
#[tokio::test]
async fn without_the_switch_loopback_is_not_asked() {
    let (address, seen) = server().await;
    let http = ReqwestClient::builder().root_certificates(include_bytes!("tls/authority.pem")).unwrap();
    let remote = RemoteKeys::new(Arc::new(http.build().unwrap()), Arc::new(TokioRuntime::current().unwrap()));
    for host in ["localhost", "127.0.0.1", "[::1]"] {
        let url = format!("https://{host}:{}/jwks", address.port());
        assert_eq!(fetch(&remote, &url).await, Err(FetchErrorKind::AddressRefused), "{url}");
    }
    assert_eq!(seen.load(Ordering::SeqCst), 0);
}

/// A client that answers each request after some turns, and counts.
#[derive(Debug, Default)]
struct Counting(AtomicUsize);

#[async_trait]
impl HttpClient for Counting {
    async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let answer = http::Response::builder().header("content-type", "application/json");
        Ok(answer.body(keys().to_string().into()).unwrap())
    }
}

/// attack 165: of a crowd that asks at once, on many threads and in part gone before it is answered, one fetches; and
/// everybody who stayed is answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_makes_one_fetch_although_many_of_it_leave() {
    let http = Arc::new(Counting::default());
    let remote = Arc::new(RemoteKeys::new(http.clone(), Arc::new(TokioRuntime::current().unwrap())));
    for round in 0..50 {
        let url = FetchUrl::parse(&format!("https://rp.example/{round}")).unwrap();
        let tasks: Vec<_> = (0..200)
            .map(|n| {
                let (remote, url) = (Arc::clone(&remote), url.clone());
                let task = tokio::spawn(async move {
                    let found = remote.keys(&url).await.map_err(|error| error.kind())?;
                    let newer = remote.newer(&url, &found).await;
                    Ok::<_, FetchErrorKind>((found.set().keys().len(), newer.is_some()))
                });
                // The first, which mostly begins the fetch, is among those that leave.
                let leaves = n % 2 == 0;
                if leaves {
                    task.abort();
                }
                (leaves, task)
            })
            .collect();
        let answered = async {
            for (leaves, task) in tasks {
                match task.await {
                    Ok(found) => assert_eq!(found.unwrap().0, 1),
                    Err(gone) => assert!(leaves && gone.is_cancelled()),
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), answered).await.expect("everybody is answered");
    }
    let fetches = http.0.load(Ordering::SeqCst);
    assert!(
        (50..=100).contains(&fetches),
        "at most one more for whoever found a set that was there: {fetches}"
    );
}
