use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::jose::{JoseSigner, SigningAlg};
use crate::testing::{HttpTable, ManualRuntime, block_on, client_key};

const URL: &str = "https://rp.example/jwks";

struct World {
    http: Arc<HttpTable>,
    runtime: Arc<ManualRuntime>,
    remote: RemoteKeys,
    url: FetchUrl,
}

impl World {
    fn serving(keys: &[Value]) -> Self {
        let (http, runtime) = (Arc::new(HttpTable::new()), Arc::new(ManualRuntime::new()));
        let remote = RemoteKeys::new(http.clone(), runtime.clone());
        let world = Self { http, runtime, remote, url: FetchUrl::parse(URL).unwrap() };
        world.serve(keys);
        world
    }

    fn serve(&self, keys: &[Value]) {
        self.http.serve_json(URL, &json!({ "keys": keys }));
    }

    fn keys(&self) -> Result<FetchedKeys, FetchErrorKind> {
        block_on(self.remote.keys(&self.url)).map_err(|error| error.kind())
    }
}

fn key() -> Value {
    client_key().public_key().to_value()
}

/// attack 164: at a fetch one bad key never takes the others away, and what should be secret is ignored with an alarm.
#[test]
fn bad_keys_are_skipped_and_counted() {
    let mut private = JoseSigner::generate(SigningAlg::Es256).unwrap().public_key().to_value();
    private["d"] = json!("AQ");
    let world = World::serving(&[
        json!({ "kty": "EC", "crv": "P-256", "x": "short", "y": "short" }),
        json!({ "kty": "AKP", "alg": "ML-DSA-44" }),
        json!("no key"),
        private,
        json!({ "kty": "oct", "k": "c2VjcmV0" }),
        key(),
    ]);
    let found = world.keys().unwrap();
    assert_eq!(found.set().keys().len(), 1);
    let news = world.remote.take_news(&world.url).unwrap();
    assert!(matches!(news, KeyNews::Fetched { keys: 1, skipped: 5, exposed: 2 }), "{news:?}");
    assert!(world.remote.take_news(&world.url).is_none());
}

#[test]
fn a_set_without_a_usable_key_is_none() {
    for set in [
        json!({ "keys": [] }),
        json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] }),
        json!({ "keys": {} }),
        json!({}),
        json!([key()]),
        json!(null),
    ] {
        let world = World::serving(&[key()]);
        let first = world.keys().unwrap();
        world.http.serve_json(URL, &set);
        world.runtime.advance(Duration::from_secs(600));
        let kept = world.keys().unwrap();
        assert_eq!(kept.set(), first.set(), "{set}");
        assert!(matches!(world.remote.take_news(&world.url), Some(KeyNews::Failed(_))), "{set}");
        let fresh = World::serving(&[]);
        fresh.http.serve_json(URL, &set);
        assert_eq!(fresh.keys().unwrap_err(), FetchErrorKind::Malformed, "{set}");
    }
}

#[test]
fn what_is_no_plain_json_is_no_set() {
    let deep = format!("{{\"keys\":[{}1{}]}}", "[".repeat(8), "]".repeat(8));
    let twice = format!("{{\"keys\":[],\"keys\":[{}]}}", key());
    for body in ["<html></html>", "", "{\"keys\":[", &deep, &twice] {
        let world = World::serving(&[]);
        world.http.serve(URL, "application/json", body.to_owned());
        assert_eq!(world.keys().unwrap_err(), FetchErrorKind::Malformed, "{body}");
    }
}

/// A verifier costs hundreds of microseconds: a key that stays in its set is not built again.
#[test]
fn a_key_that_stays_keeps_its_verifier() {
    let other = || JoseSigner::generate(SigningAlg::Es256).unwrap().public_key().to_value();
    let world = World::serving(&[key(), other()]);
    let before = world.keys().unwrap();
    world.serve(&[other(), key()]);
    world.runtime.advance(Duration::from_secs(600));
    let after = world.keys().unwrap();
    assert_eq!(world.http.take_requests().len(), 2);
    assert!(after.set().keys()[1].shares_verifiers(&before.set().keys()[0]));
    assert!(!after.set().keys()[0].shares_verifiers(&before.set().keys()[1]));
}

#[test]
fn every_failure_has_a_reason_of_its_own() {
    let kinds = [
        FetchErrorKind::Abandoned,
        FetchErrorKind::AddressRefused,
        FetchErrorKind::BodyTooLarge,
        FetchErrorKind::Busy,
        FetchErrorKind::ContentTypeUnsupported,
        FetchErrorKind::Malformed,
        FetchErrorKind::Panicked,
        FetchErrorKind::Redirected,
        FetchErrorKind::StatusUnexpected,
        FetchErrorKind::TimedOut,
        FetchErrorKind::Unreachable,
    ];
    let reasons: std::collections::HashSet<_> = kinds.iter().map(|kind| kind.of_client_keys()).collect();
    assert_eq!(reasons.len(), kinds.len());
}
