//! RFC 7591 section 2, OpenID Connect Core 1.0 section 10.1.1: clients whose keys are at their `jwks_uri`.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde_json::{Value, json};
use vouchsafe::client::{Client, ClientAuthMethod, ClientMetadata};
use vouchsafe::error::Reason;
use vouchsafe::event::EventKind;
use vouchsafe::jose::{self, JoseSigner, JwkSet, Signer, SigningAlg, SigningHeader};
use vouchsafe::provider::{Authorize, BuildError, Config, Provider};
use vouchsafe::secret::SystemSecrets;
use vouchsafe::store::{Stores, memory::MemoryStore};
use vouchsafe::testing::{
    Harness, HttpTable, ManualClock, Outcome, REMOTE_JWKS_URI, RecordedEvents, TokenForm, block_on,
    client_key, keyring, token_form,
};
use vouchsafe::types::{ClientId, FetchUrl};
use vouchsafe::wire::HttpErrorKind;

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn with(assertion: impl Into<String>) -> TokenForm {
    token_form("client_credentials")
        .unauthenticated()
        .set("client_assertion_type", TYPE)
        .set("client_assertion", assertion)
}

/// Redeems with an assertion that `key` signs.
fn redeem(h: &Harness, key: &dyn Signer) -> Outcome {
    let (header, claims) = (SigningHeader::typed("JWT"), h.assertion_claims("remote").to_string());
    h.redeem(with(block_on(jose::sign(&header, claims.as_bytes(), key)).unwrap()))
}

/// Redeems with the key that the harness serves.
fn known(h: &Harness) -> Outcome {
    redeem(h, &*client_key())
}

/// Redeems with an assertion under this name of a key, which nobody signed.
fn unsigned(h: &Harness, kid: &str) -> Outcome {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let (header, claims) = (json!({ "alg": "ES256", "kid": kid }), h.assertion_claims("remote"));
    let signature = BASE64_URL_SAFE_NO_PAD.encode([1; 64]);
    h.redeem(with(format!("{}.{}.{signature}", part(&header), part(&claims))))
}

fn serve(h: &Harness, keys: &[&JoseSigner]) {
    let keys: Vec<_> = keys.iter().map(|key| key.public_key().to_value()).collect();
    h.serve(REMOTE_JWKS_URI, &json!({ "keys": keys }));
}

fn new_key() -> JoseSigner {
    JoseSigner::generate(SigningAlg::Es256).unwrap()
}

fn requests(h: &Harness) -> usize {
    h.http().take_requests().len()
}

#[test]
fn a_client_authenticates_by_the_keys_at_its_address() {
    let h = Harness::new();
    let first = known(&h).accepted();
    let fetched = EventKind::ClientKeysFetched { keys: 1, skipped: 0, exposed: 0 };
    let told = |outcome: &Outcome| outcome.events.iter().filter(|event| event.kind == fetched).count();
    assert_eq!(told(&first), 1);
    for _ in 0..100 {
        assert_eq!(told(&known(&h).accepted()), 0, "a fetch is told of once");
    }
    let requests = h.http().take_requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].uri(), REMOTE_JWKS_URI);
    assert!(!requests[0].headers().contains_key("authorization"));
}

#[test]
fn a_key_that_is_new_is_found_at_once_and_one_that_is_gone_is_refused() {
    let h = Harness::new();
    known(&h).accepted();
    let next = new_key();
    serve(&h, &[&next]);
    redeem(&h, &next).accepted();
    known(&h).rejected(Reason::ClientAssertionSignature).unchanged();
    assert_eq!(requests(&h), 2);
}

/// attack 165: a flood of unknown keys causes one fetch for each cooldown, and known keys go on.
#[test]
fn a_flood_of_unknown_keys_makes_one_fetch_in_ten_seconds() {
    let h = Harness::new();
    for n in 0..5000 {
        let refused = unsigned(&h, &format!("kid-{n}")).rejected(Reason::ClientAssertionSignature);
        refused.unchanged();
    }
    assert_eq!(requests(&h), 1);
    known(&h).accepted();
    h.advance(Duration::from_secs(9));
    unsigned(&h, "late").rejected(Reason::ClientAssertionSignature).unchanged();
    known(&h).accepted();
    assert_eq!(requests(&h), 0);
    h.advance(Duration::from_secs(1));
    for n in 0..100 {
        unsigned(&h, &format!("again-{n}")).rejected(Reason::ClientAssertionSignature).unchanged();
        known(&h).accepted();
    }
    assert_eq!(requests(&h), 1);
}

#[test]
fn a_wrong_signature_under_a_known_name_fetches_nothing() {
    let h = Harness::new();
    known(&h).accepted();
    let kid = client_key().public_key().kid().unwrap().as_str().to_owned();
    unsigned(&h, &kid).rejected(Reason::ClientAssertionSignature).unchanged();
    assert_eq!(requests(&h), 1);
}

/// attack 165: where unknown keys cannot be looked up, they are refused; known ones serve for 24 hours.
#[test]
fn known_keys_go_on_while_the_address_is_down() {
    let h = Harness::new();
    known(&h).accepted();
    h.http().fail(REMOTE_JWKS_URI, HttpErrorKind::Unreachable);
    h.advance(Duration::from_secs(700));
    let stale = known(&h).accepted();
    let told = EventKind::ClientKeysFetchFailed(Reason::ClientKeysUnreachable);
    assert!(stale.events.iter().any(|event| event.kind == told));
    unsigned(&h, "unknown").rejected(Reason::ClientAssertionSignature).unchanged();
    h.advance(Duration::from_secs(24 * 60 * 60 - 701));
    known(&h).accepted();
    h.advance(Duration::from_secs(11));
    known(&h).rejected(Reason::ClientKeysUnreachable).unchanged();
    h.serve(REMOTE_JWKS_URI, &json!({ "keys": [client_key().public_key().to_value()] }));
    h.advance(Duration::from_secs(10));
    known(&h).accepted();
}

/// attack 99: keys without names are tried by their algorithm, at most four of them, and looked up again when none
/// verifies.
#[test]
fn keys_without_names_are_tried_by_algorithm() {
    let h = Harness::new();
    let nameless = |key: &JoseSigner| {
        let mut value = key.public_key().to_value();
        value.as_object_mut().unwrap().remove("kid");
        value
    };
    let (ours, others) = (new_key(), [new_key(), new_key(), new_key()]);
    let ed = JoseSigner::generate(SigningAlg::EdDsa).unwrap();
    let mut keys: Vec<_> = others.iter().map(nameless).collect();
    keys.insert(0, nameless(&ed));
    h.serve(REMOTE_JWKS_URI, &json!({ "keys": keys }));
    redeem(&h, &ed).accepted();
    keys.push(nameless(&ours));
    h.serve(REMOTE_JWKS_URI, &json!({ "keys": keys }));
    redeem(&h, &ours).accepted();
    assert_eq!(requests(&h), 2);

    keys.insert(0, nameless(&new_key()));
    h.serve(REMOTE_JWKS_URI, &json!({ "keys": keys }));
    h.advance(Duration::from_secs(600));
    redeem(&h, &ours).rejected(Reason::ClientAssertionSignature).unchanged();
}

/// attack 164: what should be secret is ignored with an alarm, and the other keys are used.
#[test]
fn a_published_private_key_is_an_alarm_and_is_not_used() {
    let h = Harness::new();
    let leaked = new_key();
    let mut private = leaked.public_key().to_value();
    private["d"] = json!("AAAA");
    let keys = json!({ "keys": [private, { "kty": "PQ" }, client_key().public_key().to_value()] });
    h.serve(REMOTE_JWKS_URI, &keys);
    let outcome = redeem(&h, &leaked).rejected(Reason::ClientAssertionSignature).unchanged();
    let alarm = EventKind::ClientKeysFetched { keys: 1, skipped: 2, exposed: 1 };
    assert!(outcome.events.iter().any(|event| event.kind == alarm));
    known(&h).accepted();
}

/// attack 207, attack 209: whatever keeps the keys away, the client is told one and the same text.
#[test]
fn a_failure_has_its_reason_and_is_not_told() {
    let refusal = |prepare: &dyn Fn(&HttpTable), reason: Reason| {
        let h = Harness::new();
        prepare(h.http());
        let first = known(&h).rejected(reason).unchanged();
        let again = known(&h).rejected(reason).unchanged();
        assert_eq!(requests(&h), 1, "{reason:?}");
        assert_eq!(first.response.body(), again.response.body());
        assert_eq!(first.response.body(), unsigned(&Harness::new(), "x").response.body(), "{reason:?}");
    };
    for (kind, reason) in [
        (HttpErrorKind::AddressRefused, Reason::ClientKeysAddressRefused),
        (HttpErrorKind::BodyTooLarge, Reason::ClientKeysTooLarge),
        (HttpErrorKind::TimedOut, Reason::ClientKeysTimedOut),
        (HttpErrorKind::Unreachable, Reason::ClientKeysUnreachable),
    ] {
        refusal(&|table| table.fail(REMOTE_JWKS_URI, kind), reason);
    }
    for (status, reason) in [(302, Reason::ClientKeysRedirected), (404, Reason::ClientKeysStatus)] {
        let answer = http::Response::builder().status(status).body(Bytes::new()).unwrap();
        refusal(&|table| table.answer(REMOTE_JWKS_URI, answer.clone()), reason);
    }
    for (content_type, body, reason) in [
        ("text/html", "<html>", Reason::ClientKeysContentType),
        ("application/json", "<html>", Reason::ClientKeysMalformed),
        ("application/json", "{\"keys\":[]}", Reason::ClientKeysMalformed),
    ] {
        refusal(&|table| table.serve(REMOTE_JWKS_URI, content_type, body), reason);
    }
    refusal(&|table| table.panic(REMOTE_JWKS_URI), Reason::ClientKeysPanicked);
}

/// attack 211: one place for the keys, not two that can differ.
#[test]
fn keys_by_value_and_by_address_cannot_both_be_registered() {
    let url = || FetchUrl::parse(REMOTE_JWKS_URI).unwrap();
    let keys = JwkSet::register(&json!({ "keys": [client_key().public_key().to_value()] })).unwrap();
    let build = |metadata: ClientMetadata| {
        let metadata = metadata.with_auth_method(ClientAuthMethod::PrivateKeyJwt);
        Client::builder(ClientId::new("c").unwrap(), metadata).build().map_err(|refused| refused.member)
    };
    assert!(build(ClientMetadata::service().with_jwks_uri(url())).is_ok());
    assert!(build(ClientMetadata::service().with_jwks(keys.clone())).is_ok());
    assert_eq!(build(ClientMetadata::service().with_jwks(keys).with_jwks_uri(url())), Err("jwks_uri"));
    assert_eq!(build(ClientMetadata::service()), Err("jwks"));
}

/// attack 207: metadata with another kind of address cannot be read.
#[test]
fn an_address_that_is_not_plain_https_cannot_be_registered() {
    let read = |url: &str| serde_json::from_value::<ClientMetadata>(json!({ "jwks_uri": url }));
    assert_eq!(read(REMOTE_JWKS_URI).unwrap().jwks_uri.unwrap().as_str(), REMOTE_JWKS_URI);
    for url in [
        "http://169.254.169.254/",
        "http://localhost:8500/",
        "gopher://rp.example/",
        "file:///etc/passwd",
        "https://user@rp.example/",
        "https://0x7f.1/",
    ] {
        assert!(read(url).is_err(), "{url}");
    }
}

#[test]
fn what_fetches_is_needed_where_keys_are_fetched() {
    let builder = || {
        let config = Config::new("https://op.example".parse().unwrap());
        let secrets = SystemSecrets::generate(&vouchsafe::entropy::OsEntropy).unwrap();
        let store = Arc::new(MemoryStore::new());
        let stores = Stores::of(Arc::clone(&store)).with_replays(store);
        Provider::builder(config, stores, keyring(), secrets).with_private_key_jwt()
    };
    let needs = |port| BuildError::Needs { feature: "jwks_uri", port };
    assert_eq!(builder().with_jwks_uri().build().unwrap_err(), needs("HttpClient"));
    let table = Arc::new(HttpTable::new());
    let without_runtime = builder().with_jwks_uri().http_client(table.clone());
    assert_eq!(without_runtime.build().unwrap_err(), needs("Runtime"));
    assert!(builder().http_client(table).build().is_ok());
    assert!(builder().build().is_ok());
}

#[test]
fn a_provider_that_does_not_fetch_refuses_such_a_client_and_no_other() {
    let h = Harness::new();
    let store = MemoryStore::new();
    for id in ["signer", "remote"] {
        store.insert_client(h.client(id));
    }
    let (store, events) = (Arc::new(store), Arc::new(RecordedEvents::new()));
    let stores = Stores::of(Arc::clone(&store)).with_replays(store);
    let provider =
        Provider::builder(h.provider().config().clone(), stores, keyring(), h.system_secrets().clone())
            .events(events.clone())
            .clock(Arc::new(ManualClock::new(h.now())))
            .with_client_credentials()
            .with_private_key_jwt()
            .build()
            .unwrap();
    let ask = |client: &str| {
        let assertion = h.client_assertion(&h.assertion_claims(client));
        match block_on(provider.handle(&h.post("/token", with(assertion)))) {
            Authorize::Respond(response) => response.status().as_u16(),
            other => panic!("a token request is answered, not {other:?}"),
        }
    };
    assert_eq!(ask("signer"), 200);
    assert_eq!((ask("remote"), events.refusals()), (401, vec![Reason::ClientKeysNotFetched]));
}
