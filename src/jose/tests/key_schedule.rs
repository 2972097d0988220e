//! What a schedule asks for, and that nobody ever meets a token whose key they cannot have.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use proptest::prelude::*;

use super::super::{
    JWKS_CACHE, KeyAction, KeyRotation, KeySchedule, KeySource, KeyState, Keyring, MemoryKeys, Revision,
    RingKey, Saved, Signer, SigningAlg, SourcedKeys,
};
use super::{at, ed25519, kid, signer};
use crate::error::BoxError;
use crate::testing::ManualRuntime;
use crate::types::KeyId;

const DAY: i64 = 24 * 60 * 60;

fn key(signer: &Arc<dyn Signer>, state: KeyState, since: i64) -> RingKey {
    RingKey::new(Arc::clone(signer), state).with_since(at(since))
}

fn named(signer: &Arc<dyn Signer>) -> KeyId {
    signer.public_key().kid().unwrap().clone()
}

fn eddsa() -> KeySchedule {
    KeySchedule::new([SigningAlg::EdDsa])
}

#[test]
fn a_key_is_announced_a_day_before_its_turn_and_then_signs() {
    let (old, new) = (ed25519(), ed25519());
    let active = key(&old, KeyState::Active, 0);
    let plan = |now, keys: &[RingKey]| eddsa().plan(at(now), keys);
    let announce = [KeyAction::Announce(SigningAlg::EdDsa)];
    assert_eq!(plan(89 * DAY - 1, std::slice::from_ref(&active)), []);
    assert_eq!(plan(89 * DAY, std::slice::from_ref(&active)), announce);

    let announced = key(&new, KeyState::Announced, 89 * DAY);
    assert_eq!(plan(90 * DAY - 1, &[active.clone(), announced.clone()]), []);
    assert_eq!(plan(90 * DAY, &[active, announced]), [KeyAction::Activate(named(&new))]);
}

#[test]
fn a_retired_key_is_shown_until_the_last_token_has_expired_everywhere() {
    let (old, new) = (ed25519(), ed25519());
    let keys = [key(&old, KeyState::Retired, 0), key(&new, KeyState::Active, 0)];
    let hours = |hours: i64| hours * 60 * 60;
    assert_eq!(eddsa().plan(at(hours(30) + 239), &keys), []);
    assert_eq!(eddsa().plan(at(hours(30) + 240), &keys), [KeyAction::Remove(named(&old))]);
    let minute = Duration::from_secs(60);
    let quick = eddsa().with_longest_token(minute).with_refreshed_within(minute);
    assert_eq!(quick.plan(at(360), &keys), [KeyAction::Remove(named(&old))]);
}

/// A key that was announced late waits its time, however old the one before it is; and a schedule that would have it
/// otherwise is counted as one that has not.
#[test]
fn no_key_signs_before_everybody_can_have_it() {
    let (old, new) = (ed25519(), ed25519());
    let keys = [key(&old, KeyState::Active, 0), key(&new, KeyState::Announced, 500 * DAY)];
    let hasty = eddsa()
        .with_announced_for(Duration::ZERO)
        .with_refreshed_within(Duration::from_secs(60))
        .with_active_for(Duration::ZERO);
    let soonest = 500 * DAY + 600 + 60 + 240;
    assert_eq!(hasty.plan(at(soonest - 1), &keys), []);
    assert_eq!(hasty.plan(at(soonest), &keys), [KeyAction::Activate(named(&new))]);
}

#[test]
fn where_nothing_signs_yet_a_key_signs_at_once() {
    let (first, second) = (ed25519(), ed25519());
    assert_eq!(eddsa().plan(at(0), &[]), [KeyAction::Rotate(SigningAlg::EdDsa)]);
    let announced = [key(&first, KeyState::Announced, 7), key(&second, KeyState::Announced, 6)];
    assert_eq!(eddsa().plan(at(8), &announced), [KeyAction::Activate(named(&second))]);
    let retired = [key(&first, KeyState::Retired, 7)];
    assert_eq!(eddsa().plan(at(8), &retired), [KeyAction::Rotate(SigningAlg::EdDsa)]);
}

#[test]
fn an_algorithm_that_is_added_later_is_announced_like_any_key() {
    let (first, added) = (ed25519(), Arc::new(signer(SigningAlg::Es256)) as Arc<dyn Signer>);
    let schedule = KeySchedule::new([SigningAlg::EdDsa, SigningAlg::Es256]);
    let mut keys = vec![key(&first, KeyState::Active, 0)];
    assert_eq!(schedule.plan(at(1), &keys), [KeyAction::Announce(SigningAlg::Es256)]);
    keys.push(key(&added, KeyState::Announced, 1));
    assert_eq!(schedule.plan(at(DAY), &keys), []);
    assert_eq!(schedule.plan(at(DAY + 1), &keys), [KeyAction::Activate(named(&added))]);
}

#[test]
fn keys_of_other_algorithms_are_left_alone() {
    let (ours, theirs) = (ed25519(), Arc::new(signer(SigningAlg::Es256)) as Arc<dyn Signer>);
    let keys = [key(&ours, KeyState::Active, 400 * DAY), key(&theirs, KeyState::Active, 0)];
    assert_eq!(eddsa().plan(at(401 * DAY), &keys), []);
}

#[test]
fn a_key_of_which_nobody_knows_since_when_is_dated_first() {
    let signers = [ed25519(), ed25519(), ed25519()];
    let states = [KeyState::Active, KeyState::Announced, KeyState::Retired];
    let keys: Vec<_> =
        signers.iter().zip(states).map(|(s, state)| RingKey::new(Arc::clone(s), state)).collect();
    let dated: Vec<_> = signers.iter().map(|signer| KeyAction::Date(named(signer))).collect();
    assert_eq!(eddsa().plan(at(1000 * DAY), &keys), dated);
}

/// A clock that is set back, or far ahead, neither hurries a key nor overflows.
#[test]
fn strange_clocks_hurry_nothing() {
    let (old, new) = (ed25519(), ed25519());
    let keys = [key(&old, KeyState::Active, 100), key(&new, KeyState::Announced, i64::MAX)];
    assert_eq!(eddsa().plan(at(i64::MIN), &keys), []);
    assert_eq!(eddsa().plan(at(i64::MAX - 1), &keys), []);
}

/// The nodes promise to read the source within this many seconds.
const REFRESHED_WITHIN: i64 = 300;

/// The longest life of a token, in seconds.
const TOKEN: i64 = 1800;

/// Keys that every node shares, and that are sometimes out of reach.
#[derive(Debug, Default)]
struct Shared {
    keys: MemoryKeys,
    down: AtomicBool,
}

impl Shared {
    fn reach(&self) -> Result<&MemoryKeys, BoxError> {
        if self.down.load(Ordering::SeqCst) { Err("out of reach".into()) } else { Ok(&self.keys) }
    }
}

#[async_trait]
impl KeySource for Shared {
    async fn load(&self) -> Result<SourcedKeys, BoxError> {
        self.reach()?.load().await
    }

    async fn save(&self, seen: &Revision, keys: &[RingKey]) -> Result<Saved, BoxError> {
        self.reach()?.save(seen, keys).await
    }
}

/// What one step of a run does, to which of the two nodes.
#[derive(Clone, Debug)]
enum Call {
    Nothing,
    Outage,
    Restart(usize),
    Rotate(usize),
    Tend(usize),
}

fn calls() -> impl Strategy<Value = Call> {
    let node = || 0..2_usize;
    prop_oneof![
        10 => Just(Call::Nothing),
        2 => Just(Call::Outage),
        2 => node().prop_map(Call::Restart),
        1 => node().prop_map(Call::Rotate),
        20 => node().prop_map(Call::Tend),
    ]
}

struct Node {
    ring: Keyring,
    /// How far its clock is ahead.
    ahead: i64,
    read_at: i64,
}

/// A set that a node served at a moment.
struct Served {
    at: i64,
    kids: Vec<String>,
}

struct World {
    now: i64,
    source: Arc<Shared>,
    rotation: KeyRotation,
    nodes: Vec<Node>,
    served: Vec<Served>,
    /// When what was signed, by the key of which name.
    signed: Vec<(i64, String)>,
    /// When which key was made to sign at once.
    rotated: BTreeMap<String, i64>,
}

impl World {
    fn new(ahead: [i64; 2]) -> Self {
        let source = Arc::new(Shared::default());
        let schedule = KeySchedule::new([SigningAlg::EdDsa])
            .with_active_for(Duration::from_secs(2000))
            .with_announced_for(Duration::ZERO)
            .with_longest_token(Duration::from_secs(TOKEN as u64))
            .with_refreshed_within(Duration::from_secs(REFRESHED_WITHIN as u64));
        let rotation = KeyRotation::new(source.clone(), schedule, Arc::new(ManualRuntime::new()));
        let nodes = Vec::new();
        let (served, signed, rotated) = (Vec::new(), Vec::new(), BTreeMap::new());
        let mut world = Self { now: 1_790_000_000, source, rotation, nodes, served, signed, rotated };
        for ahead in ahead {
            let ring = world.open(ahead);
            world.nodes.push(Node { ring, ahead, read_at: world.now });
        }
        world
    }

    fn open(&self, ahead: i64) -> Keyring {
        self.rotation.open(at(self.now + ahead)).now_or_never().unwrap().unwrap()
    }

    fn down(&self) -> bool {
        self.source.down.load(Ordering::SeqCst)
    }

    fn call(&mut self, call: &Call) {
        match *call {
            Call::Nothing => {}
            Call::Outage => self.source.down.store(!self.down(), Ordering::SeqCst),
            Call::Restart(_) if self.down() => {}
            Call::Restart(node) => {
                let ring = self.open(self.nodes[node].ahead);
                self.nodes[node] = Node { ring, read_at: self.now, ..self.nodes[node] };
            }
            Call::Rotate(_) if self.down() => {}
            Call::Rotate(node) => {
                let Node { ring, ahead, read_at } = &mut self.nodes[node];
                let rotated = self.rotation.rotate(ring, SigningAlg::EdDsa, at(self.now + *ahead));
                let kid = rotated.now_or_never().unwrap().unwrap();
                *read_at = self.now;
                self.rotated.insert(kid.as_str().to_owned(), self.now);
            }
            Call::Tend(node) => {
                let Node { ring, ahead, read_at } = &mut self.nodes[node];
                let tended = self.rotation.tend(ring, at(self.now + *ahead)).now_or_never().unwrap();
                if tended.is_ok() {
                    *read_at = self.now;
                }
            }
        }
    }

    /// Every node shows its keys and signs.
    fn observe(&mut self) {
        for node in &self.nodes {
            let keys = node.ring.keys();
            let kids = keys.iter().map(|key| kid(key.signer())).collect();
            self.served.push(Served { at: self.now, kids });
            self.signed.push((self.now, kid(&node.ring.signer(SigningAlg::EdDsa).unwrap())));
        }
    }

    /// Lets time pass, in which what is shown stays, and the nodes keep their promise.
    fn pass(&mut self, seconds: i64) {
        for node in 0..self.nodes.len() {
            if self.now + seconds - self.nodes[node].read_at > REFRESHED_WITHIN {
                self.source.down.store(false, Ordering::SeqCst);
                self.call(&Call::Tend(node));
                self.observe();
            }
        }
        self.now += seconds;
        self.observe();
    }

    /// Whoever has any set of the time in which it may be kept finds the key in it.
    fn check(&self) -> Result<(), TestCaseError> {
        let cache = JWKS_CACHE.as_secs() as i64;
        for (signed_at, kid) in &self.signed {
            let from = match self.rotated.get(kid) {
                Some(rotated_at) => (signed_at - cache).max(rotated_at + REFRESHED_WITHIN + 1),
                None => signed_at - cache,
            };
            let usable = self.served.iter().filter(|set| (from..=signed_at + TOKEN).contains(&set.at));
            for set in usable {
                prop_assert!(set.kids.contains(kid), "{kid} of {signed_at} is missing at {}", set.at);
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Two nodes whose clocks are up to four minutes apart, with failures, restarts and rotations by call.
    #[test]
    fn every_token_verifies_with_every_set_that_may_be_kept(
        ahead in [-120..=120_i64, -120..=120_i64],
        steps in prop::collection::vec((0..=250_i64, calls()), 60..160),
    ) {
        let mut world = World::new(ahead);
        world.observe();
        for (seconds, call) in steps {
            world.pass(seconds);
            world.call(&call);
            world.observe();
        }
        world.check()?;
        prop_assert!(world.nodes.iter().all(|node| node.ring.keys().len() < 20), "keys are removed");
    }
}

/// The property above is about something: in three hours the keys change again and again.
#[test]
fn keys_follow_each_other_without_a_call() {
    let mut world = World::new([0, 30]);
    for _ in 0..200 {
        world.pass(100);
        world.call(&Call::Tend(0));
        world.observe();
    }
    world.check().unwrap();
    let mut kids: Vec<_> = world.signed.iter().map(|(_, kid)| kid.clone()).collect();
    kids.dedup();
    kids.sort();
    kids.dedup();
    assert!(kids.len() >= 8, "{} keys in 20000 seconds", kids.len());
}
