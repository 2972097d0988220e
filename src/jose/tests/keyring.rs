//! The ring of a provider's own keys.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::{
    JoseSigner, Jwk, JwkSet, Jws, KeyState, Keyring, KeyringError, PrivateKeyError, RingKey, SignError,
    Signer, SigningAlg,
};
use super::{at, ed25519, kid, signer, token, vectors};
use crate::types::KeyId;

fn ring(signer: &Arc<dyn Signer>) -> Keyring {
    Keyring::new(vec![RingKey::new(Arc::clone(signer), KeyState::Active)]).unwrap()
}

fn signing(ring: &Keyring) -> String {
    kid(&ring.signer(SigningAlg::EdDsa).unwrap())
}

fn shown(ring: &Keyring) -> Vec<String> {
    let set: Value = serde_json::from_slice(&ring.jwks()).unwrap();
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn accepts(ring: &Keyring, signer: &Arc<dyn Signer>) -> bool {
    let token = token(None, &json!({}), &**signer);
    ring.verify(&Jws::parse(&token).unwrap()).is_ok()
}

#[test]
fn a_key_is_shown_and_verifies_from_announcement_to_removal() {
    let (first, second) = (ed25519(), ed25519());
    let ring = ring(&first);
    let other_handle = ring.clone();
    let states = |ring: &Keyring| ring.keys().iter().map(RingKey::state).collect::<Vec<_>>();

    ring.announce(Arc::clone(&second), at(1)).unwrap();
    assert_eq!(states(&ring), [KeyState::Active, KeyState::Announced]);
    assert_eq!((signing(&ring), shown(&ring)), (kid(&first), vec![kid(&first), kid(&second)]));
    assert!(accepts(&ring, &second));

    ring.activate(&kid(&second), at(1)).unwrap();
    assert_eq!(states(&ring), [KeyState::Retired, KeyState::Active]);
    assert_eq!((signing(&other_handle), shown(&ring).len()), (kid(&second), 2));
    assert!(accepts(&ring, &first));

    ring.remove(&kid(&first)).unwrap();
    assert_eq!(shown(&other_handle), [kid(&second)]);
    assert!(!accepts(&ring, &first));
    assert_eq!((ring.version(), other_handle.version()), (4, 4));
}

#[test]
fn a_rotation_retires_the_active_key_of_that_algorithm_alone() {
    let (old, new) = (ed25519(), ed25519());
    let es256: Arc<dyn Signer> = Arc::new(signer(SigningAlg::Es256));
    let keys = [&old, &es256].map(|signer| RingKey::new(Arc::clone(signer), KeyState::Active));
    let ring = Keyring::new(keys.to_vec()).unwrap();
    ring.rotate(Arc::clone(&new), at(1)).unwrap();
    assert_eq!(signing(&ring), kid(&new));
    assert_eq!(shown(&ring), [kid(&old), kid(&es256), kid(&new)]);
    assert_eq!(ring.algorithms(), [SigningAlg::Es256, SigningAlg::EdDsa]);
    assert_eq!(ring.keys()[0].state(), KeyState::Retired);
    assert!(accepts(&ring, &old) && accepts(&ring, &es256));
}

#[test]
fn a_refused_change_leaves_the_ring_as_it_was() {
    let (first, second) = (ed25519(), ed25519());
    let ring = ring(&first);
    let before = (ring.jwks(), ring.version());
    assert_eq!(ring.activate("unknown", at(1)), Err(KeyringError::Unknown));
    assert_eq!(ring.remove("unknown"), Err(KeyringError::Unknown));
    assert_eq!(ring.retire("unknown", at(1)), Err(KeyringError::Unknown));
    assert_eq!(ring.remove(&kid(&first)), Err(KeyringError::Active));
    assert_eq!(ring.retire(&kid(&first), at(1)), Err(KeyringError::Empty));
    assert_eq!(ring.rotate(Arc::clone(&first), at(1)), Err(KeyringError::KeyTaken));
    assert_eq!(ring.announce(Arc::clone(&first), at(1)), Err(KeyringError::KeyTaken));
    assert_eq!((ring.jwks(), ring.version()), before);
    ring.announce(Arc::clone(&second), at(1)).unwrap();
    ring.retire(&kid(&second), at(1)).unwrap();
    assert_eq!(ring.activate(&kid(&second), at(1)), Err(KeyringError::Retired));
    assert_eq!(signing(&ring), kid(&first));
}

#[test]
fn a_ring_that_changed_elsewhere_is_taken_over_whole_or_not_at_all() {
    let (first, second) = (ed25519(), ed25519());
    let ring = ring(&first);
    assert_eq!(ring.replace(vec![]), Err(KeyringError::Empty));
    assert_eq!(signing(&ring), kid(&first));
    let keys = [(&first, KeyState::Retired), (&second, KeyState::Active)];
    ring.replace(keys.map(|(signer, state)| RingKey::new(Arc::clone(signer), state)).to_vec()).unwrap();
    assert_eq!((signing(&ring), shown(&ring).len(), ring.version()), (kid(&second), 2, 2));
}

#[test]
fn a_ring_needs_one_active_key_and_has_one_per_algorithm() {
    let (first, second) = (ed25519(), ed25519());
    let key = |signer: &Arc<dyn Signer>, state| RingKey::new(Arc::clone(signer), state);
    let refused = |keys| Keyring::new(keys).unwrap_err();
    assert_eq!(refused(vec![]), KeyringError::Empty);
    assert_eq!(refused(vec![key(&first, KeyState::Announced)]), KeyringError::Empty);
    let two = vec![key(&first, KeyState::Active), key(&second, KeyState::Active)];
    assert_eq!(refused(two), KeyringError::AlgorithmTaken);
    let many = (0..65).map(|_| key(&first, KeyState::Active)).collect();
    assert_eq!(refused(many), KeyringError::TooMany);
    assert_eq!(Keyring::generate(&[]).unwrap_err(), KeyringError::Empty);
}

/// A key of the host's, which vouchsafe cannot look into.
#[derive(Debug)]
struct Elsewhere {
    inner: JoseSigner,
    public: Jwk,
}

#[async_trait::async_trait]
impl Signer for Elsewhere {
    fn algorithm(&self) -> SigningAlg {
        self.inner.algorithm()
    }

    fn public_key(&self) -> &Jwk {
        &self.public
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        Signer::sign(&self.inner, message).await
    }
}

fn elsewhere(kid: Option<&str>) -> Arc<dyn Signer> {
    let inner = JoseSigner::generate(SigningAlg::EdDsa).unwrap();
    let mut public = super::bare(&inner);
    if let Some(kid) = kid {
        public = public.with_kid(KeyId::new(kid).unwrap());
    }
    Arc::new(Elsewhere { inner, public })
}

#[test]
fn every_key_has_a_name_of_its_own() {
    let ring = ring(&elsewhere(Some("a")));
    assert_eq!(ring.rotate(elsewhere(Some("a")), at(1)), Err(KeyringError::KeyTaken));
    assert_eq!(ring.rotate(elsewhere(None), at(1)), Err(KeyringError::Public));
    ring.rotate(elsewhere(Some("b")), at(1)).unwrap();
    assert_eq!(shown(&ring), ["a", "b"]);
    let renamed = signer(SigningAlg::EdDsa);
    let public = renamed.public_key().clone().with_kid(KeyId::new("c").unwrap());
    ring.announce(Arc::new(Elsewhere { inner: renamed, public }), at(1)).unwrap();
    assert_eq!(ring.announce(Arc::new(signer(SigningAlg::EdDsa)), at(1)), Err(KeyringError::KeyTaken));
}

/// attack 166: F21, F22. Exactly these members are published, for keys of any kind and any signer.
#[test]
fn the_published_set_has_public_members_only() {
    let ring = Keyring::generate(&[SigningAlg::EdDsa, SigningAlg::Es256, SigningAlg::Es384]).unwrap();
    ring.announce(Arc::new(signer(SigningAlg::Rs256)), at(1)).unwrap();
    ring.rotate(elsewhere(Some("hsm")), at(1)).unwrap();
    let set: Value = serde_json::from_slice(&ring.jwks()).unwrap();
    for key in set["keys"].as_array().unwrap() {
        let members: Vec<&str> = key.as_object().unwrap().keys().map(String::as_str).collect();
        for member in &members {
            assert!(["crv", "kty", "x", "y", "e", "n", "kid", "use", "alg"].contains(member), "{member}");
        }
        assert!(members.contains(&"alg") && members.contains(&"kid"));
        assert_eq!(key["use"], "sig");
    }
    let parsed = JwkSet::register(&set).unwrap();
    assert_eq!((parsed.keys().len(), parsed.skipped()), (5, 0));
    assert_eq!(set.as_object().unwrap().len(), 1);
}

#[test]
fn an_exported_ring_reads_back_whole() {
    let ring = Keyring::generate(&[SigningAlg::EdDsa, SigningAlg::Es256]).unwrap();
    ring.announce(ed25519(), at(1)).unwrap();
    ring.rotate(Arc::new(signer(SigningAlg::EdDsa)), at(2)).unwrap();
    let read = Keyring::import(ring.export().expose()).unwrap();
    assert_eq!(read.export(), ring.export());
    assert_eq!(read.jwks(), ring.jwks());
    let states = |ring: &Keyring| ring.keys().iter().map(RingKey::state).collect::<Vec<_>>();
    assert_eq!(states(&read), states(&ring));
    let times = |ring: &Keyring| ring.keys().iter().map(RingKey::since).collect::<Vec<_>>();
    assert_eq!(times(&read), times(&ring));
    assert_eq!(times(&read), [Some(at(2)), None, Some(at(1)), Some(at(2))]);
    assert_eq!(
        format!("{:?} {:?}", ring.export(), super::super::Keyring::import("x")),
        "Secret(..) Err(Malformed)"
    );
    assert!(!format!("{ring:?}").contains(vectors::ed25519()["d"].as_str().unwrap()));
}

#[test]
fn keys_kept_elsewhere_are_not_exported() {
    let ring = ring(&elsewhere(Some("hsm")));
    assert_eq!(ring.export().expose(), r#"{"version":1,"keys":[]}"#);
    ring.announce(ed25519(), at(1)).unwrap();
    assert_eq!(Keyring::import(ring.export().expose()).unwrap_err(), KeyringError::Empty);
}

#[test]
fn an_import_names_what_is_wrong() {
    let document = |keys: Value| json!({"version": 1, "keys": keys}).to_string();
    let refused = |text: &str| Keyring::import(text).unwrap_err();
    let key = super::with(&vectors::ed25519(), "alg", "EdDSA");
    assert!(Keyring::import(&document(json!([{"state": "active", "jwk": key}]))).is_ok());
    for text in [
        "",
        "[]",
        "{}",
        r#"{"version":2,"keys":[]}"#,
        r#"{"version":1,"keys":{}}"#,
        r#"{"version":1,"version":1,"keys":[]}"#,
        &document(json!([{"state": "asleep", "jwk": key}])),
        &document(json!([{"jwk": key}])),
        &document(json!([{"state": "active", "since": "1", "jwk": key}])),
        &document(json!([{"state": "active", "since": 1.5, "jwk": key}])),
        &document(json!([{"state": "active"}])),
        &document(json!([{"state": "active", "jwk": vectors::ed25519()}])),
        &document(json!([{"state": "active", "jwk": super::with(&key, "alg", "none")}])),
    ] {
        assert_eq!(refused(text), KeyringError::Malformed, "{text}");
    }
    assert_eq!(refused(&document(json!([]))), KeyringError::Empty);
    let public = super::public(&key);
    assert_eq!(
        refused(&document(json!([{"state": "active", "jwk": public}]))),
        KeyringError::PrivateKey(PrivateKeyError::Malformed)
    );
}

/// F21: a removed key is gone, and without a `kid` at most four keys are tried.
#[test]
fn verifiers_are_bounded_and_follow_the_ring() {
    let first = ed25519();
    let ring = ring(&first);
    for _ in 0..6 {
        ring.rotate(ed25519(), at(1)).unwrap();
    }
    assert_eq!(ring.verifiers(None, SigningAlg::EdDsa).len(), 4);
    assert_eq!(ring.verifiers(Some(&kid(&first)), SigningAlg::EdDsa).len(), 1);
    assert_eq!(ring.verifiers(Some(&kid(&first)), SigningAlg::Es256).len(), 0);
    ring.remove(&kid(&first)).unwrap();
    assert_eq!(ring.verifiers(Some(&kid(&first)), SigningAlg::EdDsa).len(), 0);
    assert_eq!(ring.verifiers(Some("unknown"), SigningAlg::EdDsa).len(), 0);
}

/// A change to the ring is seen whole by those who read it meanwhile: a key that signs is always shown.
#[test]
fn readers_never_see_half_a_rotation() {
    let ring = Keyring::generate(&[SigningAlg::EdDsa]).unwrap();
    std::thread::scope(|scope| {
        let reader = ring.clone();
        let readers = scope.spawn(move || {
            for _ in 0..200 {
                let signer = reader.signer(SigningAlg::EdDsa).expect("there is always an active key");
                assert!(shown(&reader).contains(&kid(&signer)));
            }
        });
        for _ in 0..20 {
            ring.rotate(ed25519(), at(1)).unwrap();
        }
        readers.join().unwrap();
    });
}
