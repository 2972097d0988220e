//! What the provider adds to an HTTP server: processor time per request of the axum router, beside a handler that
//! reads the same body and answers the same headers and as many bytes.
//!
//! Server and load have a core of their own each and talk over kept-alive loopback connections. A client that
//! authenticates with its secret asks for an opaque token of its own; discovery and the keys are read as well.
//!
//! Both servers allocate by mimalloc, as servers under load do. The store keeps every token, and the system's allocator
//! pays for that in the buffers of the connections, which is no work of a provider whose store is a database.

mod load;
mod server;

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::routing::any;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use vouchsafe::adapters::axum::router;
use vouchsafe::client::{Client, ClientMetadata, ClientSecret};
use vouchsafe::entropy::OsEntropy;
use vouchsafe::error::BoxError;
use vouchsafe::jose::{Keyring, SigningAlg};
use vouchsafe::provider::{Config, Denial, Interaction, Mount, Provider, Question};
use vouchsafe::secret::{Secret, SystemSecrets};
use vouchsafe::store::Stores;
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::testing::block_on;
use vouchsafe::types::{Authentication, ClientId, Issuer, Scope};
use vouchsafe::wire::{Request, Response};

use load::Load;
use server::Server;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rounds of each server, taken in turn.
const ROUNDS: usize = 5;

/// How much is asked of a server.
#[derive(Clone, Copy)]
struct Effort {
    warm_up: usize,
    requests: usize,
}

fn main() {
    // Without `--bench` this is a test run, as with criterion.
    let measured = std::env::args().any(|argument| argument == "--bench");
    let effort = if measured {
        Effort { warm_up: 4_000, requests: 40_000 }
    } else {
        Effort { warm_up: 16, requests: 32 }
    };
    let (mount, secret) = provider();
    let [server_core, load_core] = cores();
    core_affinity::set_for_current(load_core);
    println!("microseconds of the server's processor time per request, median of {ROUNDS} rounds");
    for (name, request) in [
        ("token", token_request(&secret)),
        ("discovery", get("/.well-known/oauth-authorization-server")),
        ("keys", get("/jwks")),
    ] {
        let bare = Server::start(bare(&mount, &request), server_core);
        let ours = Server::start(router(mount.clone()), server_core);
        compare(name, &request, &[bare, ours], effort);
    }
}

fn cores() -> [core_affinity::CoreId; 2] {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    match cores.as_slice() {
        [first, second, ..] => [*first, *second],
        _ => panic!("two cores are needed: one for the server, one for the load"),
    }
}

/// Runs both servers in turn and prints one line.
fn compare(name: &str, request: &Request, servers: &[Server; 2], effort: Effort) {
    let mut loads = servers.each_ref().map(|server| Load::new(server.address(), request));
    let mut costs = [Vec::new(), Vec::new()];
    let mut idle = Vec::new();
    for load in &mut loads {
        load.send(effort.warm_up);
    }
    for _ in 0..ROUNDS {
        for ((server, load), costs) in servers.iter().zip(&mut loads).zip(&mut costs) {
            let before = server.processor_time();
            idle.push(load.send(effort.requests));
            let spent = server.processor_time().saturating_sub(before);
            costs.push(spent.as_secs_f64() * 1e6 / effort.requests as f64);
        }
    }
    let [bare, ours] = costs.map(median);
    let (ratio, idle) = (ours / bare, median(idle) * 100.0);
    println!("{name:10} bare {bare:6.2}   vouchsafe {ours:6.2}   ratio {ratio:.2}   load idle {idle:.0} %");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A provider in memory with one client, whose secret is returned.
fn provider() -> (Mount, Secret) {
    let issuer: Issuer = "http://127.0.0.1".parse().expect("loopback may use http");
    let secrets = SystemSecrets::generate(&OsEntropy).expect("the system has randomness");
    let (secret, hashed) = ClientSecret::generate(&secrets, &OsEntropy).expect("the system has randomness");
    let scope = Scope::parse("read write").expect("the scope is sound");
    let id = ClientId::new("service").expect("the name is a client_id");
    let client = Client::builder(id, ClientMetadata::service().with_scope(scope)).secret(hashed);
    let store = MemoryStore::new();
    store.insert_client(client.build().expect("the client is sound"));
    let keyring = Keyring::generate(&[SigningAlg::Rs256, SigningAlg::Es256]).expect("OpenSSL makes keys");
    let config = Config::new(issuer).with_default_audience(["https://api.example"]);
    let provider = Provider::builder(config, Stores::of(Arc::new(store)), keyring, secrets)
        .with_client_credentials()
        .build()
        .expect("the parts fit");
    (Mount::new(provider, Arc::new(Nobody)), secret)
}

/// Nobody signs in here.
#[derive(Debug)]
struct Nobody;

#[async_trait]
impl Interaction for Nobody {
    async fn authentication(&self, _: &Request) -> Result<Option<Authentication>, BoxError> {
        Ok(None)
    }

    async fn ask(&self, question: Question<'_>) -> Result<Response, BoxError> {
        Ok(question.deny(Denial::Login).await)
    }
}

fn token_request(secret: &Secret) -> Request {
    let credentials = BASE64_STANDARD.encode(format!("service:{}", secret.expose()));
    http::Request::post("/token")
        .header("authorization", format!("Basic {credentials}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from_static(b"grant_type=client_credentials&scope=read+write"))
        .expect("the request is sound")
}

fn get(path: &str) -> Request {
    http::Request::get(path).body(Bytes::new()).expect("the request is sound")
}

/// A handler that answers `request` as the provider would, always with the same bytes.
fn bare(mount: &Mount, request: &Request) -> Router {
    let (head, body) = block_on(mount.answer(request)).into_parts();
    assert!(head.status.is_success(), "{} answers {}", request.uri(), head.status);
    let answer = move |_: Bytes| async move {
        let mut answer = http::Response::new(axum::body::Body::from(body));
        *answer.headers_mut() = head.headers;
        answer
    };
    Router::new().route(request.uri().path(), any(answer))
}
