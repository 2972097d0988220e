//! What proofs, pushed requests and exchanges cost beside the plain request, in process on the memory store.
//!
//! Each line printed has both sides from the same run. What a request needs by itself, a verification or a signature, is
//! measured alone and taken off, so that what is left is the work of the provider.

mod turns;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use criterion::{Criterion, criterion_group, criterion_main};
use futures_util::FutureExt as _;
use serde_json::Value;
use vouchsafe::client::{AccessTokenFormatChoice, Client, ClientMetadata};
use vouchsafe::entropy::OsEntropy;
use vouchsafe::error::BoxError;
use vouchsafe::event::Silent;
use vouchsafe::jose::{Jwk, Jws, Signer, SigningAlg, Verifier};
use vouchsafe::provider::{DpopConfig, ExchangeDecision, ExchangeRequest, Provider, TokenExchangePolicy};
use vouchsafe::testing::{
    Harness, HarnessBuilder, TokenForm, authorize_form, block_on, dpop_keys, token_form,
};
use vouchsafe::types::{ClientId, GrantType, Scope};
use vouchsafe::wire::Request;

use self::turns::{Effort, in_turns, report};

/// Grants every exchange as it is asked.
#[derive(Debug)]
struct AsAsked;

#[async_trait]
impl TokenExchangePolicy for AsAsked {
    async fn decide(&self, request: &ExchangeRequest<'_>) -> Result<ExchangeDecision, BoxError> {
        Ok(ExchangeDecision::Granted(request.as_asked()))
    }
}

fn builder() -> HarnessBuilder {
    Harness::builder().provider(|builder| builder.entropy(Arc::new(OsEntropy)).events(Arc::new(Silent)))
}

fn service() -> TokenForm {
    token_form("client_credentials").client("service").scope("read write")
}

fn token(provider: &Provider, request: &Request) {
    let response = provider.token(request).now_or_never().expect("nothing in memory waits");
    assert_eq!(response.status(), 200);
    black_box(response);
}

/// Requests that are used up one after another.
fn each(requests: Vec<Request>, send: impl Fn(&Request)) -> impl FnMut() {
    let mut requests = requests.into_iter();
    move || send(&requests.next().expect("there is a request for each run"))
}

fn plain() -> impl FnMut() {
    let h = builder().build();
    let request = h.post("/token", service());
    move || token(h.provider(), &request)
}

/// The time of one run of `work` alone.
fn alone<F: FnMut()>(effort: Effort, work: impl Fn() -> F) -> Duration {
    in_turns(effort, work, || || ()).0
}

fn bound_token(effort: Effort) {
    let bound = || {
        let h = builder().dpop(DpopConfig::new()).build();
        let proved = |_| h.post("/token", service().proved(&h.token_proof()));
        let requests = (0..effort.runs).map(proved).collect();
        each(requests, move |request| token(h.provider(), request))
    };
    let (bound, plain) = in_turns(effort, bound, plain);
    let (builds, verifies) = primitives(effort);
    println!("a bound token {bound:?}: building its key {builds:?}, verifying its proof {verifies:?}");
    report("what is left of a bound token over the plain one", (bound.saturating_sub(verifies), plain));
}

/// Building the key of a proof, and verifying its signature.
fn primitives(effort: Effort) -> (Duration, Duration) {
    let [key, _] = dpop_keys();
    let jwk = key.public_key().to_value();
    let builds = alone(effort, || || _ = black_box(Jwk::parse(&jwk)));
    (builds, verification(effort, &*key))
}

fn verification(effort: Effort, key: &dyn Signer) -> Duration {
    let message = [7; 400];
    let signature = block_on(key.sign(&message)).expect("the key signs");
    let verifier = Verifier::new(key.public_key(), key.algorithm()).expect("the key verifies");
    alone(effort, || || verifier.verify(black_box(&message), &signature).expect("it is the key's"))
}

fn pushed_request(effort: Effort) {
    let form = authorize_form().scope("openid profile email");
    let pushed = || {
        let h = builder().pushed_requests().build();
        let request = h.post("/par", form.to_push());
        move || {
            let response = h.provider().pushed_authorization(&request).now_or_never();
            assert_eq!(response.expect("nothing in memory waits").status(), 201);
        }
    };
    let plain = || {
        let h = builder().build();
        let uri = format!("https://op.example/authorize?{}", form.encode());
        let request = http::Request::get(uri).body(bytes::Bytes::new()).expect("the form stands in a URI");
        move || _ = black_box(h.provider().authorize(&request).now_or_never())
    };
    report("a pushed request over a plain authorization request", in_turns(effort, pushed, plain));
}

fn exchange(effort: Effort) {
    let metadata = ClientMetadata::service()
        .with_grant_type(GrantType::TokenExchange)
        .with_scope(Scope::parse("openid read").expect("a scope"));
    let gateway = || Client::builder(ClientId::new("gateway").expect("a name"), metadata.clone());
    let built = || {
        builder()
            .config(|config| {
                config.access_token_format = AccessTokenFormatChoice::JwtStateless;
                config.access_token_signing_alg = Some(SigningAlg::Es256);
            })
            .confidential(gateway())
            .provider(|builder| builder.with_token_exchange(Arc::new(AsAsked)))
            .build()
    };
    let exchanged = || {
        let h = built();
        let subject = h.tokens(&authorize_form().scope("openid read"), "alice").access_token;
        assert!(Jws::parse(&subject).is_ok(), "a JWT of our own");
        let form = token_form("urn:ietf:params:oauth:grant-type:token-exchange").client("gateway");
        let form = form.set("subject_token", &subject);
        let form = form.set("subject_token_type", "urn:ietf:params:oauth:token-type:access_token");
        let request = h.post("/token", form);
        move || token(h.provider(), &request)
    };
    let (exchanged, plain) = in_turns(effort, exchanged, plain);
    let signer = built().provider().keyring().signer(SigningAlg::Es256).expect("there is a key");
    let verifies = verification(effort, &*signer);
    let signs = alone(effort, || || _ = black_box(block_on(signer.sign(&[7; 400]))));
    println!("an exchange {exchanged:?}: verifying {verifies:?}, signing {signs:?}");
    let left = exchanged.saturating_sub(verifies).saturating_sub(signs);
    report("what is left of an exchange over the plain request", (left, plain));
}

fn ratios(_: &mut Criterion) {
    let effort = Effort::asked();
    bound_token(effort);
    pushed_request(effort);
    exchange(effort);
}

/// The same requests for criterion, which keeps how they change.
fn requests(c: &mut Criterion) {
    let mut group = c.benchmark_group("proofs");
    let h = builder().dpop(DpopConfig::new()).build();
    let proved = || h.post("/token", service().proved(&h.token_proof()));
    group.bench_function("bound_token", |b| {
        b.iter_batched(proved, |request| token(h.provider(), &request), criterion::BatchSize::SmallInput);
    });
    let jwk: Value = dpop_keys()[0].public_key().to_value();
    group.bench_function("build_key", |b| b.iter(|| Jwk::parse(black_box(&jwk))));
    group.finish();
}

criterion_group!(benches, ratios, requests);
criterion_main!(benches);
