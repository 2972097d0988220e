//! OpenID Connect Core 1.0 section 10.1.1: key sets that real servers serve, and many who ask at once (attack
//! catalogue, section on what the provider fetches).

use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::response::{Html, Redirect};
use axum::routing::get;
use bytes::Bytes;
use serde_json::{Value, json};
use vouchsafe::adapters::reqwest::ReqwestClient;
use vouchsafe::adapters::tokio::TokioRuntime;
use vouchsafe::client::{FetchErrorKind, RemoteKeys};
use vouchsafe::runtime::Runtime;
use vouchsafe::testing::client_key;
use vouchsafe::types::FetchUrl;
use vouchsafe::wire::{HttpClient, HttpError};

use crate::tls_server::{self, loopback};

fn keys() -> Value {
    json!({ "keys": [client_key().public_key().to_value()] })
}

/// A server on loopback whose key set is sound at `/jwks`, and wrong in one way at every other path.
async fn server() -> (SocketAddr, Arc<AtomicUsize>) {
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
        .route("/slow", get(std::future::pending::<&str>));
    tls_server::serve(app).await
}

fn remote(http: ReqwestClient) -> RemoteKeys {
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
    let remote = remote(loopback());
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
    let remote = remote(loopback());
    let (slow, mute_url) =
        (format!("https://{address}/slow"), format!("https://{}/", mute.local_addr().unwrap()));
    let (first, second) = tokio::join!(fetch(&remote, &slow), fetch(&remote, &mute_url));
    assert_eq!((first, second), (Err(FetchErrorKind::TimedOut), Err(FetchErrorKind::TimedOut)));
}

/// attack 78, attack 207: without the switch nothing on this machine is asked, by name or by address.
#[tokio::test]
async fn without_the_switch_loopback_is_not_asked() {
    let (address, seen) = server().await;
    let remote = remote(tls_server::trusting().build().unwrap());
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

/// A runtime that loses whatever it is to carry on.
#[derive(Debug)]
struct Forgetful(TokioRuntime);

#[async_trait]
impl Runtime for Forgetful {
    fn spawn(&self, _: Pin<Box<dyn Future<Output = ()> + Send>>) {}

    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }

    async fn blocking(&self, work: Box<dyn FnOnce() + Send>) {
        self.0.blocking(work).await;
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Lets 200 ask for one new URL at once, every second of whom leaves, and gives what the others were answered.
async fn crowd(remote: &Arc<RemoteKeys>, round: usize) -> Vec<Result<usize, FetchErrorKind>> {
    let url = FetchUrl::parse(&format!("https://rp.example/{round}")).unwrap();
    let ask = |n: usize| {
        let (remote, url) = (Arc::clone(remote), url.clone());
        let task = tokio::spawn(async move { fetch(&remote, url.as_str()).await });
        // The first, which mostly begins the fetch, is among those that leave.
        let leaves = n.is_multiple_of(2);
        if leaves {
            task.abort();
        }
        (leaves, task)
    };
    let tasks: Vec<_> = (0..200).map(ask).collect();
    let mut answers = Vec::new();
    for (leaves, task) in tasks {
        match tokio::time::timeout(Duration::from_secs(30), task).await.expect("everybody is answered") {
            Ok(answer) => answers.push(answer),
            Err(gone) => assert!(leaves && gone.is_cancelled()),
        }
    }
    answers
}

/// attack 165: of a crowd that asks at once, on many threads and in part gone before it is answered, one fetches; and
/// everybody who stayed is answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_makes_one_fetch_although_many_of_it_leave() {
    let http = Arc::new(Counting::default());
    let remote = Arc::new(RemoteKeys::new(http.clone(), Arc::new(TokioRuntime::current().unwrap())));
    for round in 0..50 {
        let answers = crowd(&remote, round).await;
        assert!(answers.len() >= 100 && answers.iter().all(|answer| *answer == Ok(1)), "{answers:?}");
    }
    assert_eq!(http.0.load(Ordering::SeqCst), 50);
}

/// Without the runtime's help a fetch is lost when nobody waits for it; then it has failed, and nobody hangs.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_hangs_when_a_fetch_is_lost() {
    let (http, runtime) = (Arc::new(Counting::default()), TokioRuntime::current().unwrap());
    let remote = Arc::new(RemoteKeys::new(http.clone(), Arc::new(Forgetful(runtime))));
    for round in 0..50 {
        let answers = crowd(&remote, round).await;
        let sound = |answer: &_| matches!(answer, Ok(1) | Err(FetchErrorKind::Abandoned));
        assert!(answers.len() >= 100 && answers.iter().all(sound), "{answers:?}");
    }
    assert!(http.0.load(Ordering::SeqCst) <= 50);
}
