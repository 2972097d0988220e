//! Changing keys at their source.

use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;

use super::super::{
    KeyAction, KeyRotation, KeySchedule, KeySource, KeySourceError, KeyState, Keyring, KeyringError,
    MemoryKeys, Revision, RingKey, Saved, Signer, SigningAlg, SourcedKeys,
};
use super::{at, ed25519, kid};
use crate::error::BoxError;
use crate::runtime::Runtime;
use crate::testing::{ManualClock, ManualRuntime};

const DAY: i64 = 24 * 60 * 60;

fn rotation(source: Arc<dyn KeySource>) -> KeyRotation {
    let schedule = KeySchedule::new([SigningAlg::EdDsa]);
    KeyRotation::new(source, schedule, Arc::new(ManualRuntime::new()))
}

fn open(source: &Arc<MemoryKeys>, now: i64) -> Keyring {
    rotation(source.clone()).open(at(now)).now_or_never().unwrap().unwrap()
}

fn tend(source: &Arc<MemoryKeys>, ring: &Keyring, now: i64) -> Vec<KeyAction> {
    rotation(source.clone()).tend(ring, at(now)).now_or_never().unwrap().unwrap()
}

fn signing(ring: &Keyring) -> String {
    kid(&ring.signer(SigningAlg::EdDsa).unwrap())
}

fn states(ring: &Keyring) -> Vec<(KeyState, Option<i64>)> {
    ring.keys().iter().map(|key| (key.state(), key.since().map(|since| since.unix()))).collect()
}

#[test]
fn the_first_start_makes_keys_and_the_second_finds_them() {
    let source = Arc::new(MemoryKeys::default());
    let first = open(&source, 7);
    assert_eq!(states(&first), [(KeyState::Active, Some(7))]);
    assert_eq!(open(&source, 9).jwks(), first.jwks());
}

#[test]
fn a_ring_that_is_tended_goes_through_the_life_of_a_key() {
    let source = Arc::new(MemoryKeys::default());
    let ring = open(&source, 0);
    let first = signing(&ring);
    assert_eq!(tend(&source, &ring, 88 * DAY), []);
    assert_eq!(tend(&source, &ring, 89 * DAY), [KeyAction::Announce(SigningAlg::EdDsa)]);
    assert_eq!((signing(&ring), ring.keys().len()), (first.clone(), 2));
    assert_eq!(tend(&source, &ring, 90 * DAY).len(), 1);
    assert_ne!(signing(&ring), first);
    assert_eq!(states(&ring), [(KeyState::Retired, Some(90 * DAY)), (KeyState::Active, Some(90 * DAY))]);
    assert_eq!(tend(&source, &ring, 92 * DAY).len(), 1);
    assert_eq!(states(&ring), [(KeyState::Active, Some(90 * DAY))]);
    assert_eq!(open(&source, 92 * DAY).jwks(), ring.jwks());
}

/// Conformance: a rotation by call gives another `kid` and another key at once, and the old one is still listed.
#[test]
fn a_rotation_by_call_signs_with_a_new_key_at_once() {
    let source = Arc::new(MemoryKeys::default());
    let ring = open(&source, 0);
    let old = ring.signer(SigningAlg::EdDsa).unwrap();
    let new =
        rotation(source.clone()).rotate(&ring, SigningAlg::EdDsa, at(5)).now_or_never().unwrap().unwrap();
    let signer = ring.signer(SigningAlg::EdDsa).unwrap();
    assert_eq!(signing(&ring), new.as_str());
    assert_ne!(kid(&old), new.as_str());
    assert_ne!(old.public_key().to_value()["x"], signer.public_key().to_value()["x"]);
    assert_eq!(states(&ring), [(KeyState::Retired, Some(5)), (KeyState::Active, Some(5))]);
    assert_eq!(open(&source, 6).jwks(), ring.jwks(), "a restart does not lose it");
}

/// Whoever has stolen a key signs with it for as long as it verifies: it must go for good, not until the next turn.
#[test]
fn a_stolen_key_that_was_removed_does_not_come_back() {
    let source = Arc::new(MemoryKeys::default());
    let (rotation, ring) = (rotation(source.clone()), open(&source, 0));
    let stolen = signing(&ring);
    let remove = |kid: &str| rotation.remove(&ring, kid, at(6)).now_or_never().unwrap();
    let before = (ring.jwks(), ring.version());
    assert!(matches!(remove(&stolen), Err(KeySourceError::Keys(KeyringError::Active))));
    assert!(matches!(remove("another"), Err(KeySourceError::Keys(KeyringError::Unknown))));
    assert_eq!((ring.jwks(), ring.version()), before);
    let new = rotation.rotate(&ring, SigningAlg::EdDsa, at(5)).now_or_never().unwrap().unwrap();
    assert_eq!(ring.verifiers(Some(&stolen), SigningAlg::EdDsa).len(), 1, "still shown");
    remove(&stolen).unwrap();
    assert_eq!(tend(&source, &ring, 7), []);
    for ring in [&ring, &open(&source, 8)] {
        assert_eq!((signing(ring).as_str(), ring.keys().len()), (new.as_str(), 1));
        assert!(ring.verifiers(Some(&stolen), SigningAlg::EdDsa).is_empty());
    }
}

#[test]
fn a_key_that_was_only_announced_can_be_removed_too() {
    let source = Arc::new(MemoryKeys::default());
    let ring = open(&source, 0);
    let first = signing(&ring);
    assert_eq!(tend(&source, &ring, 89 * DAY), [KeyAction::Announce(SigningAlg::EdDsa)]);
    let announced = kid(ring.keys().last().unwrap().signer());
    rotation(source.clone()).remove(&ring, &announced, at(89 * DAY)).now_or_never().unwrap().unwrap();
    assert_eq!((signing(&ring), ring.keys().len()), (first, 1));
    assert!(open(&source, 89 * DAY).verifiers(Some(&announced), SigningAlg::EdDsa).is_empty());
}

/// A source at which somebody else is always faster, `times` times, or which cannot be written at all.
#[derive(Debug)]
struct Busy {
    keys: MemoryKeys,
    times: AtomicUsize,
}

#[async_trait]
impl KeySource for Busy {
    async fn load(&self) -> Result<SourcedKeys, BoxError> {
        self.keys.load().await
    }

    async fn save(&self, seen: &Revision, keys: &[RingKey]) -> Result<Saved, BoxError> {
        if self.times.fetch_sub(1, Ordering::SeqCst) > 0 {
            let signer = ed25519();
            self.keys.set(vec![RingKey::new(signer, KeyState::Active).with_since(at(0))]);
        }
        self.keys.save(seen, keys).await
    }
}

#[test]
fn whoever_saves_second_reads_again_and_loses_nothing() {
    let busy = |times| Arc::new(Busy { keys: MemoryKeys::default(), times: AtomicUsize::new(times) });
    let source = busy(1);
    let ring = rotation(source.clone()).open(at(0)).now_or_never().unwrap().unwrap();
    assert_eq!(ring.keys().len(), 1, "theirs was first");
    source.times.store(2, Ordering::SeqCst);
    let rotate = |source: &Arc<Busy>, ring: &Keyring| {
        rotation(source.clone()).rotate(ring, SigningAlg::EdDsa, at(1)).now_or_never().unwrap()
    };
    rotate(&source, &ring).unwrap();
    assert_eq!(states(&ring), [(KeyState::Retired, Some(1)), (KeyState::Active, Some(1))]);
    source.times.store(100, Ordering::SeqCst);
    assert!(matches!(rotate(&source, &ring), Err(KeySourceError::Contended)));
}

#[derive(Debug)]
struct ReadOnly(MemoryKeys);

#[async_trait]
impl KeySource for ReadOnly {
    async fn load(&self) -> Result<SourcedKeys, BoxError> {
        self.0.load().await
    }
}

/// What is not saved is not shown: a key that a restart would lose must not sign.
#[test]
fn a_source_that_cannot_be_written_changes_nothing() {
    let keys = vec![RingKey::new(ed25519(), KeyState::Active).with_since(at(0))];
    let rotation = rotation(Arc::new(ReadOnly(MemoryKeys::new(keys))));
    let ring = rotation.open(at(0)).now_or_never().unwrap().unwrap();
    let before = (ring.jwks(), ring.version());
    assert_eq!(rotation.tend(&ring, at(1)).now_or_never().unwrap().unwrap(), []);
    let late = rotation.tend(&ring, at(100 * DAY)).now_or_never().unwrap();
    assert!(matches!(late, Err(KeySourceError::Save(_))));
    let at_once = rotation.rotate(&ring, SigningAlg::EdDsa, at(1)).now_or_never().unwrap();
    assert!(matches!(at_once, Err(KeySourceError::Save(_))));
    assert_eq!((ring.jwks(), ring.version()), before);
}

/// A source that makes its own keys.
#[derive(Debug)]
struct Vault {
    keys: MemoryKeys,
    made: Arc<dyn Signer>,
}

#[async_trait]
impl KeySource for Vault {
    async fn load(&self) -> Result<SourcedKeys, BoxError> {
        self.keys.load().await
    }

    async fn create(&self, _: SigningAlg) -> Result<Option<Arc<dyn Signer>>, BoxError> {
        Ok(Some(Arc::clone(&self.made)))
    }

    async fn save(&self, seen: &Revision, keys: &[RingKey]) -> Result<Saved, BoxError> {
        self.keys.save(seen, keys).await
    }
}

#[test]
fn a_source_may_make_its_keys_by_itself() {
    let made = ed25519();
    let vault = Vault { keys: MemoryKeys::default(), made: Arc::clone(&made) };
    let ring = rotation(Arc::new(vault)).open(at(0)).now_or_never().unwrap().unwrap();
    assert!(Arc::ptr_eq(&ring.signer(SigningAlg::EdDsa).unwrap(), &made));
}

/// A source that counts the keys that it makes, and saves none of them until it is mended.
#[derive(Debug, Default)]
struct Leaking {
    keys: MemoryKeys,
    made: AtomicUsize,
    mended: AtomicBool,
}

#[async_trait]
impl KeySource for Leaking {
    async fn load(&self) -> Result<SourcedKeys, BoxError> {
        self.keys.load().await
    }

    async fn create(&self, _: SigningAlg) -> Result<Option<Arc<dyn Signer>>, BoxError> {
        self.made.fetch_add(1, Ordering::SeqCst);
        Ok(Some(ed25519()))
    }

    async fn save(&self, seen: &Revision, keys: &[RingKey]) -> Result<Saved, BoxError> {
        if !self.mended.load(Ordering::SeqCst) {
            return Err("the table is locked".into());
        }
        self.keys.save(seen, keys).await
    }
}

#[test]
fn a_source_that_fails_at_saving_does_not_make_a_key_each_time() {
    let source = Arc::new(Leaking::default());
    let rotation = rotation(source.clone());
    let open = || rotation.open(at(0)).now_or_never().unwrap();
    for _ in 0..3 {
        assert!(matches!(open(), Err(KeySourceError::Save(_))));
    }
    source.mended.store(true, Ordering::SeqCst);
    let ring = open().unwrap();
    assert_eq!(source.made.load(Ordering::SeqCst), 1);
    let first = signing(&ring);
    let rotated = rotation.rotate(&ring, SigningAlg::EdDsa, at(1)).now_or_never().unwrap().unwrap();
    assert_eq!((source.made.load(Ordering::SeqCst), rotated.as_str() == first), (2, false));
}

/// A source whose first answer to saving is lost.
#[derive(Debug, Default)]
struct Forgetful {
    keys: MemoryKeys,
    lost: AtomicBool,
}

#[async_trait]
impl KeySource for Forgetful {
    async fn load(&self) -> Result<SourcedKeys, BoxError> {
        self.keys.load().await
    }

    async fn save(&self, seen: &Revision, keys: &[RingKey]) -> Result<Saved, BoxError> {
        let saved = self.keys.save(seen, keys).await?;
        if !self.lost.swap(true, Ordering::SeqCst) {
            return Err("the connection broke".into());
        }
        Ok(saved)
    }
}

/// A key that was saved, although it seemed not to be, and that another node then removed for good does not come back.
#[test]
fn a_key_that_was_saved_unnoticed_and_removed_is_not_used_again() {
    let source = Arc::new(Forgetful::default());
    let here = rotation(source.clone());
    assert!(matches!(here.open(at(0)).now_or_never().unwrap(), Err(KeySourceError::Save(_))));
    let ring = here.open(at(1)).now_or_never().unwrap().unwrap();
    let stolen = signing(&ring);
    let there = rotation(source.clone());
    let other = there.open(at(2)).now_or_never().unwrap().unwrap();
    there.rotate(&other, SigningAlg::EdDsa, at(3)).now_or_never().unwrap().unwrap();
    there.remove(&other, &stolen, at(4)).now_or_never().unwrap().unwrap();
    here.rotate(&ring, SigningAlg::EdDsa, at(5)).now_or_never().unwrap().unwrap();
    let shown = String::from_utf8_lossy(&ring.jwks()).into_owned();
    assert!(!shown.contains(&stolen), "the stolen key is back");
}

/// The runtime's task tends at once, then at every turn, and ends with the ring.
#[test]
fn a_ring_is_tended_in_the_background_until_nobody_has_it() {
    let (source, clock) = (Arc::new(MemoryKeys::default()), Arc::new(ManualClock::new(at(0))));
    let runtime = Arc::new(ManualRuntime::new());
    let schedule = KeySchedule::new([SigningAlg::EdDsa]);
    let rotation = KeyRotation::new(source, schedule, Arc::clone(&runtime) as Arc<dyn Runtime>);
    let ring = rotation.open(at(0)).now_or_never().unwrap().unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hearing = Arc::clone(&heard);
    rotation.run(&ring, clock.clone(), move |tended| {
        hearing.lock().unwrap().push(tended.as_ref().unwrap().len());
    });
    assert_eq!(runtime.run(), 1);
    clock.set(at(89 * DAY));
    runtime.advance(Duration::from_secs(60));
    assert_eq!((heard.lock().unwrap().clone(), ring.keys().len()), (vec![0, 1], 2));
    drop(ring);
    assert_eq!(runtime.advance(Duration::from_secs(60)), 0);
}

/// A source that panics at each load until it is mended.
#[derive(Debug, Default)]
struct Panicking {
    keys: MemoryKeys,
    broken: AtomicBool,
}

#[async_trait]
impl KeySource for Panicking {
    async fn load(&self) -> Result<SourcedKeys, BoxError> {
        assert!(!self.broken.load(Ordering::SeqCst), "the driver has a defect");
        self.keys.load().await
    }

    async fn save(&self, seen: &Revision, keys: &[RingKey]) -> Result<Saved, BoxError> {
        self.keys.save(seen, keys).await
    }
}

/// A task that ended at a panic would leave the keys as they are for ever, and nobody would hear of it.
#[test]
fn a_panic_of_the_source_or_of_the_report_does_not_end_the_rotation() {
    let (source, runtime) = (Arc::new(Panicking::default()), Arc::new(ManualRuntime::new()));
    let schedule = KeySchedule::new([SigningAlg::EdDsa]);
    let rotation = KeyRotation::new(source.clone(), schedule, Arc::clone(&runtime) as Arc<dyn Runtime>);
    let ring = rotation.open(at(0)).now_or_never().unwrap().unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hearing = Arc::clone(&heard);
    source.broken.store(true, Ordering::SeqCst);
    rotation.run(&ring, Arc::new(ManualClock::new(at(89 * DAY))), move |tended| {
        hearing.lock().unwrap().push(matches!(tended, Err(KeySourceError::Panicked)));
        assert!(tended.is_ok(), "the log has a defect too");
    });
    assert_eq!((runtime.run(), heard.lock().unwrap().clone()), (1, vec![true]));
    source.broken.store(false, Ordering::SeqCst);
    assert_eq!(runtime.advance(Duration::from_secs(60)), 1);
    assert_eq!((heard.lock().unwrap().as_slice(), ring.keys().len()), ([true, false].as_slice(), 2));
}

/// A source that answers nothing while it is stuck.
#[derive(Debug, Default)]
struct Stuck {
    keys: MemoryKeys,
    stuck: AtomicBool,
}

impl Stuck {
    async fn wait(&self) {
        if self.stuck.load(Ordering::SeqCst) {
            pending::<()>().await;
        }
    }
}

#[async_trait]
impl KeySource for Stuck {
    async fn load(&self) -> Result<SourcedKeys, BoxError> {
        self.wait().await;
        self.keys.load().await
    }

    async fn save(&self, seen: &Revision, keys: &[RingKey]) -> Result<Saved, BoxError> {
        self.wait().await;
        self.keys.save(seen, keys).await
    }
}

/// A network that swallows what is sent must not keep the rotation waiting: its report says that this node must stop.
#[test]
fn a_source_that_does_not_answer_is_given_up_and_reported() {
    let (source, runtime) = (Arc::new(Stuck::default()), Arc::new(ManualRuntime::new()));
    let schedule = KeySchedule::new([SigningAlg::EdDsa]);
    let rotation = KeyRotation::new(source.clone(), schedule, Arc::clone(&runtime) as Arc<dyn Runtime>);
    let ring = rotation.open(at(0)).now_or_never().unwrap().unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hearing = Arc::clone(&heard);
    source.stuck.store(true, Ordering::SeqCst);
    rotation.run(&ring, Arc::new(ManualClock::new(at(89 * DAY))), move |tended| {
        hearing.lock().unwrap().push(tended.as_ref().map(Vec::len).map_err(ToString::to_string));
    });
    runtime.run();
    runtime.advance(Duration::from_millis(9_999));
    assert_eq!(heard.lock().unwrap().as_slice(), []);
    runtime.advance(Duration::from_millis(1));
    assert_eq!(
        heard.lock().unwrap().as_slice(),
        [Err("could not read the keys from their source".to_owned())]
    );
    source.stuck.store(false, Ordering::SeqCst);
    runtime.advance(Duration::from_secs(60));
    assert_eq!(heard.lock().unwrap()[1..], [Ok(1)]);
}

#[test]
fn a_start_does_not_wait_for_ever_for_a_source() {
    let (source, runtime) = (Arc::new(Stuck::default()), Arc::new(ManualRuntime::new()));
    source.stuck.store(true, Ordering::SeqCst);
    let schedule = KeySchedule::new([SigningAlg::EdDsa]);
    let rotation = KeyRotation::new(source, schedule, Arc::clone(&runtime) as Arc<dyn Runtime>);
    let opened = Arc::new(Mutex::new(None));
    let kept = Arc::clone(&opened);
    runtime.spawn(Box::pin(async move {
        *kept.lock().unwrap() = Some(rotation.open(at(0)).await);
    }));
    runtime.run();
    assert!(opened.lock().unwrap().is_none());
    assert_eq!(runtime.advance(Duration::from_secs(10)), 0);
    assert!(matches!(opened.lock().unwrap().take(), Some(Err(KeySourceError::Load(_)))));
}
