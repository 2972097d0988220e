//! Signing keys in a store: every node shows a key before anybody signs with it (R16), and a change is made once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use vouchsafe::clock::Timestamp;
use vouchsafe::entropy::OsEntropy;
use vouchsafe::jose::{
    JWKS_CACHE, KeyAction, KeyRotation, KeySchedule, KeySource as _, KeyState, Keyring, Revision, RingKey,
    Saved, Signer, SigningAlg,
};
use vouchsafe::provider::{StoredKeys, StoredKeysError};
use vouchsafe::seal::Sealed;
use vouchsafe::secret::SystemSecrets;
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::store::{KeySetStore as _, Stores};
use vouchsafe::testing::{Fault, Faults, ISSUER, ManualClock, ManualRuntime, block_on};
use vouchsafe::types::Issuer;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

fn issuer() -> Issuer {
    ISSUER.parse().unwrap()
}

/// A store, what goes wrong with it, and the secrets of the deployment.
struct Deployment {
    memory: MemoryStore,
    faults: Faults,
    stores: Stores,
    secrets: SystemSecrets,
    clock: Arc<ManualClock>,
}

/// One node: its ring, and what looks after it.
struct Node {
    rotation: KeyRotation,
    ring: Keyring,
}

impl Deployment {
    fn new() -> Self {
        let (memory, faults) = (MemoryStore::new(), Faults::new());
        let stores = faults.stores(&memory);
        let secrets = SystemSecrets::generate(&OsEntropy).unwrap();
        Self { memory, faults, stores, secrets, clock: Arc::default() }
    }

    fn keys(&self) -> StoredKeys {
        let store = self.stores.key_sets().expect("there is one");
        StoredKeys::new(store, self.secrets.clone(), issuer()).with_clock(self.clock.clone())
    }

    fn now(&self) -> Timestamp {
        vouchsafe::clock::Clock::now(&*self.clock)
    }

    fn rotation(&self, schedule: KeySchedule) -> KeyRotation {
        KeyRotation::new(Arc::new(self.keys()), schedule, Arc::new(ManualRuntime::new()))
    }

    fn node(&self, schedule: KeySchedule) -> Node {
        let rotation = self.rotation(schedule);
        let ring = block_on(rotation.open(self.now())).unwrap();
        Node { rotation, ring }
    }
}

fn eddsa() -> KeySchedule {
    KeySchedule::new([SigningAlg::EdDsa])
}

fn kid(key: &RingKey) -> String {
    key.signer().public_key().kid().unwrap().to_string()
}

fn shown(ring: &Keyring) -> Vec<String> {
    ring.keys().iter().map(kid).collect()
}

fn signs(ring: &Keyring) -> String {
    ring.signer(SigningAlg::EdDsa).unwrap().public_key().kid().unwrap().to_string()
}

#[test]
fn all_nodes_begin_with_the_same_keys_and_find_them_again() {
    let deployment = Deployment::new();
    let (one, other) = (deployment.node(eddsa()), deployment.node(eddsa()));
    assert_eq!(one.ring.jwks(), other.ring.jwks());
    let restarted = block_on(Keyring::load(&deployment.keys())).unwrap();
    assert_eq!((restarted.jwks(), signs(&restarted)), (one.ring.jwks(), signs(&one.ring)));
    let exported = block_on(deployment.keys().export()).unwrap().unwrap();
    assert_eq!(exported, one.ring.export());
}

#[test]
fn a_key_that_is_rotated_at_one_node_signs_at_the_others_once_they_have_read_it() {
    let deployment = Deployment::new();
    let (one, other) = (deployment.node(eddsa()), deployment.node(eddsa()));
    let before = signs(&one.ring);
    let new = block_on(one.rotation.rotate(&one.ring, SigningAlg::EdDsa, deployment.now())).unwrap();
    assert_eq!((signs(&one.ring), signs(&other.ring)), (new.to_string(), before.clone()));
    assert_eq!(block_on(other.rotation.tend(&other.ring, deployment.now())).unwrap(), []);
    assert_eq!(signs(&other.ring), new.to_string());
    block_on(other.rotation.remove(&other.ring, &before, deployment.now())).unwrap();
    block_on(one.ring.refresh(&deployment.keys())).unwrap();
    assert_eq!(shown(&one.ring), [new.to_string()]);
}

/// attack 318: whoever reads the database finds no key; attack 319: whoever writes to it puts none in.
#[test]
fn the_row_shows_no_key_and_takes_none_from_others() {
    let deployment = Deployment::new();
    let node = deployment.node(eddsa());
    let stored = || block_on(deployment.memory.key_set(deployment.now())).unwrap().unwrap();
    let text = String::from_utf8_lossy(stored().payload.as_bytes()).into_owned();
    assert!(!text.contains("OKP") && !text.contains(&signs(&node.ring)));
    let of_another = SystemSecrets::generate(&OsEntropy).unwrap();
    let other = StoredKeys::new(Arc::new(MemoryStore::new()), of_another.clone(), issuer());
    let elsewhere = Arc::new(MemoryStore::new());
    let issuer_b: Issuer = "https://other.example".parse().unwrap();
    let foreign = StoredKeys::new(elsewhere.clone(), deployment.secrets.clone(), issuer_b);
    let forged = Keyring::generate(&[SigningAlg::EdDsa]).unwrap().export();
    assert_eq!(block_on(foreign.import(&forged)).unwrap(), Saved::Saved);
    let forged = block_on(elsewhere.key_set(deployment.now())).unwrap().unwrap().payload;
    let mut altered = stored().payload.as_bytes().to_vec();
    altered[40] ^= 1;
    for payload in [forged, Sealed::from_parts(deployment.secrets.current(), altered)] {
        let seen = Some(stored().version);
        let _written = block_on(deployment.memory.replace_key_set(payload, seen, deployment.now())).unwrap();
        let refused = block_on(deployment.keys().load()).unwrap_err();
        assert_eq!(refused.downcast_ref(), Some(&StoredKeysError::Unreadable));
        block_on(node.rotation.tend(&node.ring, deployment.now())).unwrap_err();
        block_on(node.rotation.open(deployment.now())).unwrap_err();
        assert_eq!(shown(&node.ring).len(), 1, "the last good keys stay");
    }
    assert!(block_on(other.load()).is_ok());
}

#[test]
fn a_change_is_made_over_what_was_seen() {
    let deployment = Deployment::new();
    let node = deployment.node(eddsa());
    let (keys, source) = (node.ring.keys(), deployment.keys());
    let revision = block_on(source.load()).unwrap().revision().clone();
    assert_eq!(block_on(source.save(&Revision::default(), &keys)).unwrap(), Saved::Outdated);
    assert_eq!(block_on(source.save(&revision, &keys)).unwrap(), Saved::Saved);
    assert_eq!(block_on(source.save(&revision, &keys)).unwrap(), Saved::Outdated);
    block_on(source.save(&Revision::new("strange"), &keys)).unwrap_err();
    let other = Keyring::generate(&[SigningAlg::EdDsa]).unwrap().export();
    assert_eq!(block_on(source.import(&other)).unwrap(), Saved::Outdated, "keys that are there stay");
    assert_eq!(block_on(source.export()).unwrap().unwrap(), node.ring.export());
}

/// A key in a device has no private half to be stored; a document without it would end what it has signed.
#[test]
fn a_key_that_is_kept_elsewhere_is_not_stored() {
    #[derive(Debug)]
    struct Device(Arc<dyn Signer>);
    #[vouchsafe::async_trait]
    impl Signer for Device {
        fn algorithm(&self) -> SigningAlg {
            self.0.algorithm()
        }
        fn public_key(&self) -> &vouchsafe::jose::Jwk {
            self.0.public_key()
        }
        async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, vouchsafe::jose::SignError> {
            self.0.sign(message).await
        }
    }
    let deployment = Deployment::new();
    let node = deployment.node(eddsa());
    let es256 = Keyring::generate(&[SigningAlg::Es256]).unwrap();
    let device: Arc<dyn Signer> = Arc::new(Device(es256.signer(SigningAlg::Es256).unwrap()));
    let mut keys = node.ring.keys();
    keys.push(RingKey::new(device, KeyState::Active));
    let revision = block_on(deployment.keys().load()).unwrap().revision().clone();
    let refused = block_on(deployment.keys().save(&revision, &keys)).unwrap_err();
    assert_eq!(refused.downcast_ref(), Some(&StoredKeysError::KeptElsewhere));
}

/// attack 315: an answer that was lost makes no second key; what was written counts.
#[test]
fn a_write_whose_answer_was_lost_is_found_again() {
    let deployment = Deployment::new();
    let node = deployment.node(eddsa());
    let rotate = || block_on(node.rotation.rotate(&node.ring, SigningAlg::EdDsa, deployment.now()));
    deployment.faults.break_verb("replace_key_set", Fault::AnswerLost);
    rotate().unwrap_err();
    deployment.faults.mend();
    assert_eq!(block_on(node.rotation.tend(&node.ring, deployment.now())).unwrap(), []);
    assert_eq!(shown(&node.ring).len(), 2, "the key was saved, and is taken over");
    deployment.faults.break_verb("replace_key_set", Fault::Unavailable);
    rotate().unwrap_err();
    deployment.faults.mend();
    assert_eq!(shown(&node.ring).len(), 2, "no key is shown that was not saved");
}

/// When each key was first shown by each node.
#[derive(Default)]
struct History(BTreeMap<(String, usize), Timestamp>);

impl History {
    fn look(&mut self, nodes: &[Node; 2], now: Timestamp) {
        for (n, node) in nodes.iter().enumerate() {
            for kid in shown(&node.ring) {
                self.0.entry((kid, n)).or_insert(now);
            }
        }
    }

    /// Whether both nodes have shown the key for as long as anybody keeps a key set.
    fn is_known(&self, kid: &str, now: Timestamp) -> bool {
        (0..2).all(|n| {
            let since = self.0.get(&(kid.to_owned(), n));
            since.is_some_and(|since| since.plus(JWKS_CACHE).has_passed(now))
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// R16: whichever node tends the keys when, and whatever its store answers, no node signs with a key that not every
    /// node has shown for as long as a key set is kept. The first key of all is the one exception: nobody has a set
    /// without it.
    #[test]
    fn no_node_signs_with_a_key_that_another_has_not_shown_long_enough(
        steps in prop::collection::vec((0..2_usize, 1..5 * MINUTE, 0..6_u8), 100..400)
    ) {
        let deployment = Deployment::new();
        let refreshed_within = 15 * MINUTE;
        let schedule = || {
            eddsa()
                .with_active_for(Duration::from_secs(3 * HOUR))
                .with_announced_for(Duration::from_secs(MINUTE))
                .with_longest_token(Duration::from_secs(HOUR))
                .with_refreshed_within(Duration::from_secs(refreshed_within))
        };
        let nodes = [deployment.node(schedule()), deployment.node(schedule())];
        let (first, mut history) = (signs(&nodes[0].ring), History::default());
        let mut tended = [deployment.now(); 2];
        let mut activated = 0;
        for (n, pause, fault) in steps {
            deployment.clock.advance(Duration::from_secs(pause));
            let now = deployment.now();
            // A node that could not read its source for too long is stopped; here its turn comes.
            let limit = Duration::from_secs(refreshed_within - 5 * MINUTE);
            let late = tended.map(|at| at.plus(limit).has_passed(now));
            for node in (0..2).filter(|other| *other == n || late[*other]) {
                let answers = [Some(Fault::Unavailable), Some(Fault::AnswerLost), None];
                if let (Some(fault), false) = (answers[usize::from(fault.min(2))], late[node]) {
                    deployment.faults.break_verb("replace_key_set", fault);
                }
                let done = block_on(nodes[node].rotation.tend(&nodes[node].ring, now));
                deployment.faults.mend();
                if let Ok(actions) = done {
                    tended[node] = now;
                    let is_activation = |action: &&KeyAction| matches!(action, KeyAction::Activate(_));
                    activated += actions.iter().filter(is_activation).count();
                }
            }
            history.look(&nodes, deployment.now());
            for node in &nodes {
                let kid = signs(&node.ring);
                prop_assert!(kid == first || history.is_known(&kid, deployment.now()), "{kid} is not known yet");
            }
        }
        let lasted = deployment.now().since(vouchsafe::clock::Clock::now(&ManualClock::default()));
        prop_assert!(activated > 0 || lasted < Duration::from_secs(8 * HOUR), "keys do change");
    }
}
