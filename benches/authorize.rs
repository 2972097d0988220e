//! The authorization endpoint and the public documents, over the memory store.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use vouchsafe::clock::{Clock as _, SystemClock};
use vouchsafe::entropy::OsEntropy;
use vouchsafe::event::Silent;
use vouchsafe::provider::{Approval, Authorize, PendingAuthorization, Provider};
use vouchsafe::testing::{AuthorizeForm, Harness, ISSUER, authorize_form, block_on, object_form};
use vouchsafe::types::{Authentication, Subject};
use vouchsafe::wire::Request;

/// A provider with the clients of the harness, on the system's clock and randomness, and with nobody listening.
fn harness() -> Harness {
    Harness::builder()
        .request_objects()
        .provider(|builder| {
            builder.clock(Arc::new(SystemClock)).entropy(Arc::new(OsEntropy)).events(Arc::new(Silent))
        })
        .build()
}

fn request(form: &AuthorizeForm) -> Request {
    let uri = format!("https://op.example/authorize?{}", form.encode());
    http::Request::get(uri).body(Bytes::new()).expect("the form can stand in a URI")
}

fn pending(provider: &Provider, form: &AuthorizeForm) -> PendingAuthorization {
    match block_on(provider.authorize(&request(form))) {
        Authorize::Interact { pending, .. } => pending,
        other => panic!("the request is sound: {other:?}"),
    }
}

fn alice() -> Authentication {
    Authentication::new(Subject::new("alice").expect("the name is a subject"), SystemClock.now())
}

fn authorizing(c: &mut Criterion) {
    let (h, login) = (harness(), alice());
    let provider = h.provider();
    let mut group = c.benchmark_group("authorize");
    let sound = request(&authorize_form().scope("openid profile email"));
    group.bench_function("parse", |b| b.iter(|| block_on(provider.authorize(black_box(&sound)))));
    let form = authorize_form().client("jar").scope("openid profile email");
    let mut claims = form.claims(ISSUER, SystemClock.now());
    claims["exp"] = SystemClock.now().plus(Duration::from_secs(60 * 60)).unix().into();
    let form = object_form("jar", h.request_object(&claims));
    drop(pending(provider, &form)); // a refusal would be measured as well
    let object = request(&form);
    group.bench_function("request_object", |b| b.iter(|| block_on(provider.authorize(black_box(&object)))));
    let stray = request(&authorize_form().set("redirect_uri", "https://evil.example/"));
    group.bench_function("refuse", |b| b.iter(|| block_on(provider.authorize(black_box(&stray)))));
    let waiting = pending(provider, &authorize_form());
    group.bench_function("next", |b| {
        b.iter_batched(
            || waiting.clone(),
            |pending| block_on(provider.next(pending, Some(&login))),
            BatchSize::SmallInput,
        );
    });
    let scope = waiting.request().scope.clone();
    group.bench_function("approve", |b| {
        b.iter_batched(
            || (waiting.clone(), Approval::new(alice(), scope.clone())),
            |(pending, approval)| block_on(provider.approve(pending, approval)),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("seal", |b| b.iter(|| block_on(provider.seal(black_box(&waiting)))));
    group.finish();
}

fn documents(c: &mut Criterion) {
    let h = harness();
    let mut group = c.benchmark_group("documents");
    for (name, path) in [("discovery", "/.well-known/openid-configuration"), ("jwks", "/jwks")] {
        let request = http::Request::get(path).body(Bytes::new()).expect("the path is sound");
        group.bench_function(name, |b| b.iter(|| block_on(h.provider().handle(black_box(&request)))));
    }
    group.finish();
}

criterion_group!(benches, authorizing, documents);
criterion_main!(benches);
