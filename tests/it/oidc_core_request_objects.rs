//! OpenID Connect Core 1.0 sections 6.1 to 6.3: request objects by reference, unsigned ones, and what discovery says.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use vouchsafe::client::{Client, ClientAuthMethod, ClientMetadata};
use vouchsafe::clock::Timestamp;
use vouchsafe::error::Reason;
use vouchsafe::jose::JwkSet;
use vouchsafe::limiter::{Admission, LimitPoint, Limiter};
use vouchsafe::provider::{BuildError, Config, Provider};
use vouchsafe::secret::SystemSecrets;
use vouchsafe::store::{Stores, memory::MemoryStore};
use vouchsafe::testing::{
    AuthorizeForm, Harness, HttpTable, REQUEST_URI, Visit, authorize_form, client_key, keyring,
    reference_form, unsigned_object,
};
use vouchsafe::types::{ClientId, RedirectUri, RequestUri};
use vouchsafe::wire::HttpErrorKind;

fn harness() -> Harness {
    Harness::builder().request_objects().build()
}

fn jar() -> AuthorizeForm {
    authorize_form().client("jar")
}

fn object(h: &Harness, form: &AuthorizeForm) -> String {
    h.request_object(&h.object_claims(form))
}

fn serve(h: &Harness, object: impl Into<Bytes>) {
    h.http().serve(REQUEST_URI, "application/oauth-authz-req+jwt", object);
}

fn fetches(h: &Harness) -> usize {
    h.http().take_requests().len()
}

fn referring(h: &Harness) -> Visit<'_> {
    h.authorize(&jar().set("request_uri", REQUEST_URI))
}

#[test]
fn an_object_is_fetched_from_its_registered_address() {
    let h = harness();
    serve(&h, object(&h, &jar().scope("openid email")));
    let visit = h.authorize(&reference_form("jar", REQUEST_URI));
    assert_eq!(visit.pending().request().scope.as_str(), "openid email");
    // A page that is opened again is resumed, without another look.
    let _ = visit.resumed_after(Duration::from_secs(120)).approved_by("alice").code();
    assert_eq!(fetches(&h), 1);
}

/// What is not pinned may change, so that each request looks.
#[test]
fn an_object_without_a_hash_is_fetched_for_each_request() {
    let h = harness();
    for scope in ["openid", "openid email", "openid"] {
        serve(&h, object(&h, &jar().scope(scope)));
        assert_eq!(referring(&h).pending().request().scope.as_str(), scope);
    }
    assert_eq!(fetches(&h), 3);
}

/// attack 78: nothing but what is registered is ever asked, to the last character.
#[test]
fn an_address_that_is_not_registered_is_not_asked() {
    let h = harness();
    for uri in [
        "http://169.254.169.254/latest/meta-data",
        "https://internal/",
        "file:///etc/passwd",
        "https://jar.example/request/",
        "https://jar.example/request?x",
        "https://jar.example/request#ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0",
        "HTTPS://jar.example/request",
        "https://jar.example/Request",
        "urn:ietf:params:oauth:request_uri:x",
    ] {
        let landing = h.authorize(&jar().set("request_uri", uri)).returned(Reason::RequestUriNotRegistered);
        assert_eq!(landing.value("error"), "invalid_request_uri");
        h.authorize(&reference_form("jar", uri)).shown(Reason::RequestUriNotRegistered);
    }
    h.authorize(&authorize_form().set("request_uri", REQUEST_URI)).returned(Reason::RequestUriNotRegistered);
    assert_eq!(fetches(&h), 0);
}

/// attack 78: whatever is at the other end, the client is told one and the same.
#[test]
fn a_fetch_that_fails_has_its_reason_and_one_text() {
    let refusal = |prepare: &dyn Fn(&HttpTable), reason: Reason| {
        let h = harness();
        prepare(h.http());
        let landing = referring(&h).returned(reason);
        assert_eq!(landing.value("error"), "invalid_request_uri", "{reason:?}");
        assert_eq!(landing.value("error_description"), "the request_uri could not be fetched");
        referring(&h).returned(reason);
        assert_eq!(fetches(&h), 1, "{reason:?}");
    };
    for (kind, reason) in [
        (HttpErrorKind::AddressRefused, Reason::RequestUriAddressRefused),
        (HttpErrorKind::BodyTooLarge, Reason::RequestUriTooLarge),
        (HttpErrorKind::TimedOut, Reason::RequestUriTimedOut),
        (HttpErrorKind::Unreachable, Reason::RequestUriUnreachable),
    ] {
        refusal(&|table| table.fail(REQUEST_URI, kind), reason);
    }
    for (status, reason) in [(302, Reason::RequestUriRedirected), (404, Reason::RequestUriStatus)] {
        let answer = http::Response::builder().status(status).body(Bytes::new()).unwrap();
        refusal(&|table| table.answer(REQUEST_URI, answer.clone()), reason);
    }
    for (body, reason) in [
        (Bytes::new(), Reason::RequestUriMalformed),
        (Bytes::from_static(b"\xff"), Reason::RequestUriMalformed),
        (Bytes::from(vec![b'a'; 64 * 1024 + 1]), Reason::RequestUriTooLarge),
    ] {
        refusal(&|table| table.serve(REQUEST_URI, "text/plain", body.clone()), reason);
    }
    refusal(&|table| table.panic(REQUEST_URI), Reason::RequestUriPanicked);
}

#[derive(Debug)]
struct Closed;

#[vouchsafe::async_trait]
impl Limiter for Closed {
    async fn admit(&self, point: LimitPoint, key: &str, _: Timestamp) -> Admission {
        match (point, key) {
            (LimitPoint::RequestUri, "jar") => Admission::Refused { retry_after: Duration::from_secs(7) },
            _ => Admission::Admitted,
        }
    }
}

/// Anybody can send a request that makes the provider fetch.
#[test]
fn the_limiter_is_asked_before_an_object_is_fetched() {
    let h =
        Harness::builder().request_objects().provider(|builder| builder.limiter(Arc::new(Closed))).build();
    referring(&h).returned(Reason::RateLimited);
    assert_eq!(fetches(&h), 0);
    h.authorize(&jar().set("request", object(&h, &jar()))).waits();
}

/// What was fetched is believed no more than what was sent.
#[test]
fn what_is_fetched_has_to_be_a_sound_object() {
    let h = harness();
    serve(&h, "<html>");
    referring(&h).returned(Reason::RequestObjectMalformed);
    serve(&h, unsigned_object(&h.object_claims(&jar())));
    referring(&h).returned(Reason::RequestObjectUnsigned);
    serve(&h, vec![b'a'; 20_000]);
    referring(&h).returned(Reason::RequestObjectMalformed);
    // attack 74: the object of another client.
    serve(&h, object(&h, &authorize_form()));
    referring(&h).returned(Reason::RequestObjectIssuer);
}

fn pinned(contents: &str) -> (Client, String) {
    let uri = format!("{REQUEST_URI}#{}", BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(contents)));
    let keys = JwkSet::register(&json!({ "keys": [client_key().public_key().to_value()] })).unwrap();
    let metadata = ClientMetadata::code_flow([RedirectUri::register("https://jar.example/cb").unwrap()])
        .with_auth_method(ClientAuthMethod::None)
        .with_jwks(keys)
        .with_request_uri(RequestUri::parse(&uri).unwrap());
    (Client::builder(ClientId::new("jar").unwrap(), metadata).build().unwrap(), uri)
}

/// The hash is checked, and what fits it is kept; what does not is looked up again.
#[test]
fn a_hash_pins_the_contents() {
    let plain = harness();
    let contents = object(&plain, &jar());
    let (client, uri) = pinned(&contents);
    let h = Harness::builder().request_objects().client(client).build();
    let ask = || h.authorize(&jar().set("request_uri", &uri));
    serve(&h, object(&h, &jar().scope("openid email")));
    let landing = ask().returned(Reason::RequestUriHashMismatch);
    assert_eq!(landing.value("error"), "invalid_request_uri");
    serve(&h, contents);
    h.advance(Duration::from_secs(10));
    for _ in 0..5 {
        assert_eq!(ask().pending().request().scope.as_str(), "openid");
    }
    assert_eq!(fetches(&h), 2);
    h.authorize(&jar().set("request_uri", REQUEST_URI)).returned(Reason::RequestUriNotRegistered);
}

/// attack 68: an unsigned object counts for the client that registered `none`, and where the host said so.
#[test]
fn an_unsigned_object_needs_the_client_and_the_host() {
    let form = authorize_form().client("unsigned");
    let h = harness();
    let mut claims = h.object_claims(&form.clone().scope("openid email"));
    for name in ["iss", "aud", "exp", "nbf", "iat"] {
        claims.as_object_mut().unwrap().remove(name);
    }
    let visit = h.authorize(&form.clone().set("request", unsigned_object(&claims)));
    assert_eq!(visit.pending().request().scope.as_str(), "openid email");
    h.http().serve(REQUEST_URI, "application/jwt", unsigned_object(&claims));
    h.authorize(&form.clone().set("request_uri", REQUEST_URI)).waits();
    h.authorize(&form.clone().set("request", h.request_object(&claims)))
        .returned(Reason::RequestObjectAlgorithm);
    claims["aud"] = json!("https://other.example");
    let foreign = unsigned_object(&claims);
    h.authorize(&form.clone().set("request", foreign)).returned(Reason::RequestObjectAudience);

    let strict = Harness::builder()
        .client(h.client("unsigned"))
        .provider(|builder| builder.with_request_parameter())
        .build();
    let object = unsigned_object(&strict.object_claims(&form));
    strict.authorize(&form.clone().set("request", object)).returned(Reason::RequestObjectUnsigned);
    let signed = strict.request_object(&strict.object_claims(&form));
    strict.authorize(&form.set("request", signed)).returned(Reason::RequestObjectAlgorithm);
}

#[test]
fn each_way_is_turned_on_by_itself() {
    let value = Harness::builder().provider(|builder| builder.with_request_parameter()).build();
    let signer = authorize_form().client("signer");
    value.authorize(&signer.clone().set("request", object(&value, &signer))).waits();
    let landing = value.authorize(&signer.clone().set("request_uri", REQUEST_URI));
    landing.returned(Reason::RequestUriUnsupported);
    let reference = Harness::builder().provider(|builder| builder.with_request_uri_parameter()).build();
    let landing = reference.authorize(&signer.clone().set("request", object(&reference, &signer)));
    landing.returned(Reason::RequestObjectUnsupported);
    reference.authorize(&signer.set("request_uri", REQUEST_URI)).returned(Reason::RequestUriNotRegistered);
}

#[test]
fn discovery_says_what_is_on() {
    let metadata = |h: &Harness| -> Value {
        let request = http::Request::get("/.well-known/openid-configuration").body(Bytes::new()).unwrap();
        h.answer(request).accepted().json()
    };
    let off = metadata(&Harness::new());
    let on = metadata(&harness());
    for name in
        ["request_parameter_supported", "request_uri_parameter_supported", "require_request_uri_registration"]
    {
        assert_eq!((&off[name], &on[name]), (&json!(false), &json!(true)), "{name}");
    }
    let algs = "request_object_signing_alg_values_supported";
    assert_eq!(off.get(algs), None);
    assert_eq!(on[algs], json!(["ES256", "PS256", "EdDSA", "RS256", "none"]));
    let signed = Harness::builder().provider(|builder| builder.with_request_parameter()).build();
    assert_eq!(metadata(&signed)[algs], json!(["ES256", "PS256", "EdDSA", "RS256"]));
}

#[test]
fn what_fetches_is_needed_where_objects_are_fetched() {
    let builder = || {
        let config = Config::new("https://op.example".parse().unwrap());
        let secrets = SystemSecrets::generate(&vouchsafe::entropy::OsEntropy).unwrap();
        let stores = Stores::of(Arc::new(MemoryStore::new()));
        Provider::builder(config, stores, keyring(), secrets).with_request_uri_parameter()
    };
    let needs = |port| BuildError::Needs { feature: "request_uri", port };
    assert_eq!(builder().build().unwrap_err(), needs("HttpClient"));
    assert_eq!(builder().http_client(Arc::new(HttpTable::new())).build().unwrap_err(), needs("Runtime"));
}
