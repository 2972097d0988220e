//! The token endpoint in process on the memory store, beside what it is made of.
//!
//! The first lines printed are ratios: client credentials with an opaque token over the sum of the primitives that it
//! needs, and signing over the cryptographic library's own. Both sides of a ratio are measured in turns, and the
//! quickest turn of each counts, so that other work on the machine changes neither.

mod turns;

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{Key, KeyInit as _, XChaCha20Poly1305, XNonce};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use futures_util::FutureExt as _;
use http::{HeaderValue, Response};
use josekit::jws::{JwsSigner, RS256};
use vouchsafe::client::AccessTokenFormatChoice;
use vouchsafe::clock::Timestamp;
use vouchsafe::entropy::{Entropy as _, OsEntropy};
use vouchsafe::jose::{Jws, SigningAlg};
use vouchsafe::provider::Provider;
use vouchsafe::secret::{SystemSecrets, TokenHash};
use vouchsafe::store::AccessToken;
use vouchsafe::testing::{Harness, authorize_form, code_form, refresh_form, token_form};
use vouchsafe::types::{ClientId, GrantId, Params, Scope};
use vouchsafe::wire::Request;

use self::turns::{Effort, in_turns, report};

/// A harness whose provider draws from the operating system, and whose tokens have this shape.
fn harness(format: AccessTokenFormatChoice, alg: Option<SigningAlg>) -> Harness {
    Harness::builder()
        .config(|config| {
            config.access_token_format = format;
            config.access_token_signing_alg = alg;
        })
        .provider(|builder| builder.entropy(Arc::new(OsEntropy)).events(Arc::new(vouchsafe::event::Silent)))
        .build()
}

fn client_credentials(h: &Harness) -> Request {
    h.post("/token", token_form("client_credentials").client("service").scope("read write"))
}

fn ask(provider: &Provider, request: &Request) -> u16 {
    let response = provider.token(request).now_or_never().expect("nothing in memory waits");
    assert_eq!(response.status(), 200);
    response.status().as_u16()
}

/// The primitives of client credentials with an opaque token, each once or as often as it takes.
struct Primitives {
    form: Bytes,
    secrets: SystemSecrets,
    token: AccessToken,
    cipher: XChaCha20Poly1305,
    rows: Mutex<HashMap<TokenHash, Vec<u8>>>,
}

impl Primitives {
    fn new(request: &Request) -> Self {
        let (now, client) = (Timestamp::from_unix(1_790_000_000), ClientId::new("service").expect("a name"));
        let end = now.plus(Duration::from_secs(3600));
        let mut token = AccessToken::new(GrantId::from_bytes([7; 16]), client, now, end);
        token.scope = Scope::parse("read write").expect("a scope");
        token.audience = vec!["https://api.example".to_owned()];
        Self {
            form: request.body().clone(),
            secrets: SystemSecrets::generate(&OsEntropy).expect("the system delivers"),
            token,
            cipher: XChaCha20Poly1305::new(&Key::from([9; 32])),
            rows: Mutex::default(),
        }
    }

    /// Form parse, random bytes, two MACs, one hash, one payload serialised and sealed, one insert, headers, JSON.
    fn run(&self) -> Response<Bytes> {
        let form = Params::parse(&self.form).expect("the form is sound");
        black_box(form.one("grant_type").expect("it stands once"));
        let mut random = [0; 32 + 16 + 24];
        OsEntropy.fill(&mut random).expect("the system delivers");
        black_box(
            self.secrets.salted("client secret", &["the secret that the client sent with the request"]),
        );
        black_box(self.secrets.salted("token", &["thirty-two bytes of a token here"]));
        let key = TokenHash::of("vs_at_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwenAU62Na4ORJbkldiV6oTh");
        let key = TokenHash::from_bytes(std::array::from_fn(|at| key.as_bytes()[at] ^ random[at]));
        let payload = serde_json::to_vec(&self.token).expect("it serialises");
        let nonce = XNonce::from(<[u8; 24]>::try_from(&random[48..]).expect("24 bytes"));
        let sealed = Payload { msg: &payload, aad: b"access token of an issuer under a key" };
        let sealed = self.cipher.encrypt(&nonce, sealed).expect("it is short");
        self.rows.lock().expect("nobody panics").insert(key, sealed);
        let body = json_body();
        let mut response = Response::new(Bytes::from(body));
        let headers = response.headers_mut();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        headers.insert("cache-control", HeaderValue::from_static("no-store"));
        headers.insert("pragma", HeaderValue::from_static("no-cache"));
        response
    }
}

fn json_body() -> Vec<u8> {
    #[derive(serde::Serialize)]
    struct Body {
        access_token: &'static str,
        token_type: &'static str,
        expires_in: u64,
        scope: &'static str,
    }
    let body = Body {
        access_token: "vs_at_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwenAU62Na4ORJbkldiV6oTh",
        token_type: "Bearer",
        expires_in: 3600,
        scope: "read write",
    };
    serde_json::to_vec(&body).expect("it serialises")
}

fn ratios(_: &mut Criterion) {
    let effort = Effort::asked();
    let opaque = || {
        let h = harness(AccessTokenFormatChoice::Opaque, None);
        let request = client_credentials(&h);
        move || {
            black_box(ask(h.provider(), &request));
        }
    };
    let primitives = || {
        let h = harness(AccessTokenFormatChoice::Opaque, None);
        let primitives = Primitives::new(&client_credentials(&h));
        move || {
            black_box(primitives.run());
        }
    };
    report(
        "client credentials, opaque, over the sum of its primitives",
        in_turns(effort, opaque, primitives),
    );
    let h = harness(AccessTokenFormatChoice::JwtStateless, Some(SigningAlg::Rs256));
    let request = client_credentials(&h);
    let (theirs, message) = library_signer(&h, &request);
    let jwt = || || _ = black_box(ask(h.provider(), &request));
    let library = || || _ = black_box(theirs.sign(message.as_bytes()));
    report("client credentials, RS256, over the library's signature", in_turns(effort, jwt, library));
}

/// The library's signer with the same key, and the bytes that a token of this request is signed over.
fn library_signer(h: &Harness, request: &Request) -> (impl JwsSigner, String) {
    let signer = h.provider().keyring().signer(SigningAlg::Rs256).expect("there is a key");
    let private = signer.private_jwk().expect("the key is in memory");
    let jwk = josekit::jwk::Jwk::from_bytes(private.expose()).expect("the library reads the key");
    let theirs = RS256.signer_from_jwk(&jwk).expect("the library takes the key");
    let response = h.provider().token(request).now_or_never().expect("nothing in memory waits");
    let body: serde_json::Value = serde_json::from_slice(response.body()).expect("the body is JSON");
    let token = body["access_token"].as_str().expect("there is a token");
    assert!(Jws::parse(token).is_ok());
    let (message, _) = token.rsplit_once('.').expect("a token has three parts");
    (theirs, message.to_owned())
}

fn for_a_client(c: &mut Criterion) {
    let mut group = c.benchmark_group("token/client_credentials");
    for (name, format, alg) in [
        ("opaque", AccessTokenFormatChoice::Opaque, None),
        ("jwt_es256", AccessTokenFormatChoice::JwtStateless, Some(SigningAlg::Es256)),
        ("jwt_rs256", AccessTokenFormatChoice::JwtStateless, Some(SigningAlg::Rs256)),
        ("jwt_es256_recorded", AccessTokenFormatChoice::Jwt, Some(SigningAlg::Es256)),
    ] {
        let h = harness(format, alg);
        let request = client_credentials(&h);
        group.bench_function(name, |b| b.iter(|| ask(h.provider(), &request)));
    }
    let h = harness(AccessTokenFormatChoice::Opaque, None);
    let primitives = Primitives::new(&client_credentials(&h));
    group.bench_function("primitives", |b| b.iter(|| primitives.run()));
    group.finish();
}

fn for_a_person(c: &mut Criterion) {
    let mut group = c.benchmark_group("token/person");
    let h = harness(AccessTokenFormatChoice::Opaque, None);
    let asked = authorize_form().scope("openid offline_access read");
    let redemption = || h.post("/token", code_form(&asked, &h.code(&asked, "alice")));
    group.bench_function("code_to_tokens", |b| {
        b.iter_batched(redemption, |request| ask(h.provider(), &request), BatchSize::SmallInput);
    });
    for client in ["web", "spa"] {
        let h = harness(AccessTokenFormatChoice::Opaque, None);
        let tokens = h.tokens(&asked.clone().client(client), "alice");
        let request = h.post("/token", refresh_form(client, tokens.refresh_token()));
        // The one token of `spa` is its first, which is retried in its grace; the work is that of a rotation.
        group.bench_function(format!("refresh_{client}"), |b| b.iter(|| ask(h.provider(), &request)));
    }
    group.finish();
}

fn settings() -> Criterion {
    Criterion::default().sample_size(20).measurement_time(Duration::from_secs(2))
}

criterion_group! { name = token; config = settings(); targets = ratios, for_a_client, for_a_person }
criterion_main!(token);
