//! Filling a ring from where its keys are kept.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use serde_json::Value;

use super::super::{
    JoseSigner, Jwk, KeySource, KeySourceError, KeyState, Keyring, KeyringError, MemoryKeys, PrivateKeyError,
    RingKey, SignError, Signer, SigningAlg, SourcedKey, SourcedKeys,
};
use super::{at, ed25519, kid, signer, vectors, with};
use crate::error::BoxError;
use crate::secret::Secret;

/// A source that has one exported document, as a file or a row has it. An empty one is a source that fails.
#[derive(Debug, Default)]
struct Document(Mutex<String>);

impl Document {
    fn of(ring: &Keyring) -> Self {
        let source = Self::default();
        source.write(ring);
        source
    }

    fn write(&self, ring: &Keyring) {
        *self.0.lock().unwrap() = ring.export().expose().to_owned();
    }
}

#[async_trait]
impl KeySource for Document {
    async fn load(&self) -> Result<SourcedKeys, BoxError> {
        let document = self.0.lock().unwrap();
        if document.is_empty() {
            return Err("the disk is gone".into());
        }
        Ok(SourcedKeys::parse(&document)?)
    }
}

fn load(source: &dyn KeySource) -> Result<Keyring, KeySourceError> {
    Keyring::load(source).now_or_never().unwrap()
}

fn refresh(ring: &Keyring, source: &dyn KeySource) -> Result<(), KeySourceError> {
    ring.refresh(source).now_or_never().unwrap()
}

fn key(signer: &Arc<dyn Signer>, state: KeyState) -> RingKey {
    RingKey::new(Arc::clone(signer), state)
}

fn refused(outcome: Result<(), KeySourceError>) -> KeyringError {
    match outcome {
        Err(KeySourceError::Keys(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_ring_follows_its_source_in_one_step_and_keeps_the_signers_it_has() {
    let theirs = Keyring::generate(&[SigningAlg::EdDsa, SigningAlg::Es256]).unwrap();
    let source = Document::of(&theirs);
    let ring = load(&source).unwrap();
    assert_eq!((ring.jwks(), ring.version()), (theirs.jwks(), 1));
    let before = ring.keys();

    theirs.announce(ed25519(), at(5)).unwrap();
    theirs.rotate(Arc::new(signer(SigningAlg::Es256)), at(6)).unwrap();
    source.write(&theirs);
    refresh(&ring, &source).unwrap();

    let after = ring.keys();
    let seen: Vec<_> = after.iter().map(|key| (key.state(), key.since())).collect();
    let expected = [
        (KeyState::Active, None),
        (KeyState::Retired, Some(at(6))),
        (KeyState::Announced, Some(at(5))),
        (KeyState::Active, Some(at(6))),
    ];
    assert_eq!((seen, ring.jwks(), ring.version()), (expected.to_vec(), theirs.jwks(), 2));
    assert!(before.iter().zip(&after).all(|(old, new)| Arc::ptr_eq(old.signer(), new.signer())));
}

#[test]
fn a_source_that_has_not_changed_changes_nothing() {
    let source = Document::of(&Keyring::generate(&[SigningAlg::EdDsa]).unwrap());
    let ring = load(&source).unwrap();
    refresh(&ring, &source).unwrap();
    assert_eq!(ring.version(), 1);
}

/// The last good set stays, as when a relying party's source of keys fails.
#[test]
fn a_source_that_fails_or_has_no_sound_ring_leaves_the_last_good_one() {
    let (eddsa, es256) = (ed25519(), Arc::new(signer(SigningAlg::Es256)) as Arc<dyn Signer>);
    let source = MemoryKeys::new(vec![key(&eddsa, KeyState::Active), key(&es256, KeyState::Active)]);
    let ring = load(&source).unwrap();
    let before = (ring.jwks(), ring.version(), ring.algorithms());

    assert!(matches!(refresh(&ring, &Document::default()), Err(KeySourceError::Load(_))));
    for (keys, error) in [
        (vec![], KeyringError::Empty),
        (vec![key(&eddsa, KeyState::Active)], KeyringError::AlgorithmLost(SigningAlg::Es256)),
        (
            vec![key(&eddsa, KeyState::Active), key(&es256, KeyState::Retired)],
            KeyringError::AlgorithmLost(SigningAlg::Es256),
        ),
        (vec![key(&eddsa, KeyState::Active), key(&eddsa, KeyState::Retired)], KeyringError::KeyTaken),
        (vec![key(&eddsa, KeyState::Active); 65], KeyringError::TooMany),
    ] {
        source.set(keys);
        assert_eq!(refused(refresh(&ring, &source)), error);
        assert_eq!((ring.jwks(), ring.version(), ring.algorithms()), before);
    }
    assert!(matches!(load(&Document::default()), Err(KeySourceError::Load(_))));
}

#[test]
fn an_algorithm_is_given_up_in_the_ring_and_at_the_source() {
    let (eddsa, es256) = (ed25519(), Arc::new(signer(SigningAlg::Es256)) as Arc<dyn Signer>);
    let source = MemoryKeys::new(vec![key(&eddsa, KeyState::Active), key(&es256, KeyState::Active)]);
    let ring = load(&source).unwrap();
    source.set(vec![key(&eddsa, KeyState::Active), key(&es256, KeyState::Retired)]);
    ring.retire(&kid(&es256), at(1)).unwrap();
    refresh(&ring, &source).unwrap();
    assert_eq!((ring.algorithms(), ring.keys().len()), (vec![SigningAlg::EdDsa], 2));
}

/// A source of one private JWK.
#[derive(Debug)]
struct Single(String);

#[async_trait]
impl KeySource for Single {
    async fn load(&self) -> Result<SourcedKeys, BoxError> {
        let jwk = Secret::new(self.0.clone());
        Ok(SourcedKeys::new(vec![SourcedKey::from_jwk(&jwk, KeyState::Active)?]))
    }
}

/// F22: a private half that belongs to another public half is found when it is loaded.
#[test]
fn a_key_whose_halves_differ_is_refused_at_load() {
    let (ours, other) = (vectors::ed25519(), ed25519());
    let named = with(&ours, "alg", "EdDSA");
    let mixed = with(&named, "x", other.public_key().to_value()["x"].clone());
    let tried = |jwk: &Value| load(&Single(jwk.to_string())).map(drop);
    assert_eq!(refused(tried(&mixed)), KeyringError::PrivateKey(PrivateKeyError::Mismatch));
    assert_eq!(refused(tried(&ours)), KeyringError::Malformed, "which algorithm it is for must be said");
    assert!(tried(&named).is_ok());
    assert!(matches!(load(&Single("{".to_owned())), Err(KeySourceError::Load(_))));

    let ring = load(&Single(named.to_string())).unwrap();
    let renamed = with(&mixed, "kid", ring.keys()[0].signer().public_key().thumbprint());
    assert_eq!(
        refused(refresh(&ring, &Single(renamed.to_string()))),
        KeyringError::PrivateKey(PrivateKeyError::Mismatch)
    );
}

/// A key in a device: it signs with `inner`, says that it is `public`, and counts.
#[derive(Debug)]
struct Device {
    inner: JoseSigner,
    public: Jwk,
    works: bool,
    signed: AtomicUsize,
}

#[async_trait]
impl Signer for Device {
    fn algorithm(&self) -> SigningAlg {
        self.inner.algorithm()
    }

    fn public_key(&self) -> &Jwk {
        &self.public
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.signed.fetch_add(1, Ordering::SeqCst);
        if !self.works {
            return Err(SignError::new("the device is unplugged"));
        }
        Signer::sign(&self.inner, message).await
    }
}

fn device(works: bool) -> Device {
    let inner = JoseSigner::generate(SigningAlg::EdDsa).unwrap();
    let public = inner.public_key().clone();
    Device { inner, public, works, signed: AtomicUsize::new(0) }
}

#[test]
fn a_key_that_is_kept_elsewhere_proves_itself_once() {
    let device = Arc::new(device(true));
    let here: Arc<dyn Signer> = device.clone();
    let source = MemoryKeys::new(vec![key(&here, KeyState::Active)]);
    let ring = load(&source).unwrap();
    source.set(vec![key(&here, KeyState::Active), key(&ed25519(), KeyState::Announced)]);
    refresh(&ring, &source).unwrap();
    assert_eq!((ring.keys().len(), device.signed.load(Ordering::SeqCst)), (2, 1));
}

#[test]
fn a_device_that_cannot_sign_or_signs_with_another_key_is_refused() {
    let ring = load(&MemoryKeys::new(vec![key(&ed25519(), KeyState::Active)])).unwrap();
    let unplugged: Arc<dyn Signer> = Arc::new(device(false));
    let source = MemoryKeys::new(vec![key(&unplugged, KeyState::Active)]);
    assert!(matches!(refresh(&ring, &source), Err(KeySourceError::Sign(_))));
    let public = ed25519().public_key().clone();
    let other: Arc<dyn Signer> = Arc::new(Device { public, ..device(true) });
    source.set(vec![key(&other, KeyState::Active)]);
    assert_eq!(refused(refresh(&ring, &source)), KeyringError::PrivateKey(PrivateKeyError::Mismatch));
    assert_eq!(ring.version(), 1);
}

/// A device may have destroyed the private half of a key that signs no more; the public half is still shown.
#[test]
fn a_retired_key_need_not_sign_until_it_is_made_active() {
    let (active, gone) = (ed25519(), Arc::new(device(false)) as Arc<dyn Signer>);
    let source = MemoryKeys::new(vec![key(&active, KeyState::Active), key(&gone, KeyState::Retired)]);
    let ring = load(&source).unwrap();
    assert_eq!(ring.keys().len(), 2);
    source.set(vec![key(&active, KeyState::Retired), key(&gone, KeyState::Active)]);
    assert!(matches!(refresh(&ring, &source), Err(KeySourceError::Sign(_))));
    assert_eq!(kid(&ring.signer(SigningAlg::EdDsa).unwrap()), kid(&active));
}

/// Changes the ring while it is read, as another refresh would that began later and ended earlier.
#[derive(Debug)]
struct Meanwhile {
    ring: Keyring,
    times: AtomicUsize,
    inner: MemoryKeys,
}

#[async_trait]
impl KeySource for Meanwhile {
    async fn load(&self) -> Result<SourcedKeys, BoxError> {
        let keys = self.inner.load().await;
        if self.times.fetch_sub(1, Ordering::SeqCst) > 0 {
            let newer = key(&ed25519(), KeyState::Announced);
            let keys = [self.ring.keys(), vec![newer]].concat();
            self.inner.set(keys);
            self.ring.refresh(&self.inner).await?;
        }
        keys
    }
}

#[test]
fn what_was_read_before_another_change_does_not_undo_it() {
    let ring = load(&MemoryKeys::new(vec![key(&ed25519(), KeyState::Active)])).unwrap();
    let inner = || MemoryKeys::new(ring.keys());
    let once = Meanwhile { ring: ring.clone(), times: AtomicUsize::new(1), inner: inner() };
    refresh(&ring, &once).unwrap();
    assert_eq!(ring.keys().len(), 2);
    let always = Meanwhile { ring: ring.clone(), times: AtomicUsize::new(100), inner: inner() };
    assert!(matches!(refresh(&ring, &always), Err(KeySourceError::Contended)));
}

#[test]
fn a_sourced_key_does_not_show_itself() {
    let jwk = Secret::new(vectors::ed25519().to_string());
    let sourced = SourcedKey::from_jwk(&jwk, KeyState::Announced).unwrap().with_since(at(1));
    assert_eq!(format!("{sourced:?}"), "SourcedKey(Announced, ..)");
}
