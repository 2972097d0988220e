//! When keys are announced, take over, and are removed.

use std::time::Duration;

use super::{KeyState, RingKey};
use crate::clock::Timestamp;
use crate::jose::SigningAlg;
use crate::types::KeyId;

/// For how long whoever verifies may keep the published keys: 10 minutes.
pub const JWKS_CACHE: Duration = Duration::from_secs(600);

/// How far the clocks of two nodes may be apart.
const CLOCKS_APART: Duration = Duration::from_secs(240);

/// Seconds in an hour.
const HOUR: u64 = 60 * 60;

/// When the keys of a ring change places: plain data with careful defaults.
///
/// A key is shown before it signs, for as long as a published set without it can be about; it signs; and it is shown
/// after that, until the last token it signed has expired.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeySchedule {
    /// The algorithms that have an active key each. Keys of others stay as they are, but for retired ones.
    pub algorithms: Vec<SigningAlg>,
    /// How long a key signs. Default 90 days.
    pub active_for: Duration,
    /// How long a key is shown before it signs: at least [`JWKS_CACHE`], `refreshed_within` and 4 minutes together,
    /// and counted so when it is less. Default 24 hours.
    pub announced_for: Duration,
    /// How long the longest token lives that a key signs. Default 24 hours, the most that a provider allows. A
    /// retired key is shown for that long, `refreshed_within` and 4 minutes together.
    pub longest_token: Duration,
    /// Within which time every node that has the ring takes over what has changed at the source, failures of the
    /// source included. Default 6 hours.
    pub refreshed_within: Duration,
    /// How often [`KeyRotation::run`](super::KeyRotation::run) looks after the keys; less than a second counts as
    /// one. Default 1 minute.
    pub tended_every: Duration,
}

/// What is to be done to a key now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyAction {
    /// Let this announced key sign; the active key of its algorithm retires.
    Activate(KeyId),
    /// Make a key for this algorithm and show it.
    Announce(SigningAlg),
    /// Note that this key is in its state since now: nobody said since when.
    Date(KeyId),
    /// Show this key, which does not sign, no more.
    Remove(KeyId),
    /// Make a key for this algorithm that signs at once; the active one retires.
    Rotate(SigningAlg),
}

impl KeySchedule {
    /// The defaults, for `algorithms`.
    #[must_use]
    pub fn new(algorithms: impl IntoIterator<Item = SigningAlg>) -> Self {
        Self {
            algorithms: algorithms.into_iter().collect(),
            active_for: Duration::from_secs(90 * 24 * HOUR),
            announced_for: Duration::from_secs(24 * HOUR),
            longest_token: Duration::from_secs(24 * HOUR),
            refreshed_within: Duration::from_secs(6 * HOUR),
            tended_every: Duration::from_secs(60),
        }
    }

    /// How long a key signs.
    #[must_use]
    pub const fn with_active_for(mut self, time: Duration) -> Self {
        self.active_for = time;
        self
    }

    /// How long a key is shown before it signs.
    #[must_use]
    pub const fn with_announced_for(mut self, time: Duration) -> Self {
        self.announced_for = time;
        self
    }

    /// How long the longest token lives that a key signs.
    #[must_use]
    pub const fn with_longest_token(mut self, time: Duration) -> Self {
        self.longest_token = time;
        self
    }

    /// Within which time every node takes over what has changed at the source.
    #[must_use]
    pub const fn with_refreshed_within(mut self, time: Duration) -> Self {
        self.refreshed_within = time;
        self
    }

    /// How often the keys are looked after.
    #[must_use]
    pub const fn with_tended_every(mut self, time: Duration) -> Self {
        self.tended_every = time;
        self
    }

    /// What is to be done at `now` to a ring of `keys`; nothing, most of the time.
    ///
    /// Where no key is active at all, a key signs at once: nobody can have kept a set without it, or tokens.
    #[must_use]
    pub fn plan(&self, now: Timestamp, keys: &[RingKey]) -> Vec<KeyAction> {
        let undated = keys.iter().filter(|key| key.since.is_none());
        let dates = undated.filter_map(|key| Some(KeyAction::Date(name(key)?)));
        let outdated = keys.iter().filter(|key| {
            let shown_for = self.longest_token.saturating_add(self.spread());
            key.state == KeyState::Retired && has_been(key, shown_for, now)
        });
        let removals = outdated.filter_map(|key| Some(KeyAction::Remove(name(key)?)));
        let first = !keys.iter().any(|key| key.state == KeyState::Active);
        let steps = self
            .algorithms
            .iter()
            .filter_map(|alg| if first { Some(begin(*alg, keys)) } else { self.step(*alg, keys, now) });
        dates.chain(removals).chain(steps).collect()
    }

    /// What is to be done for one algorithm of a ring that signs.
    fn step(&self, alg: SigningAlg, keys: &[RingKey], now: Timestamp) -> Option<KeyAction> {
        let active = keys.iter().find(|key| super::is_active(key, alg));
        let signed_for = |time| active.is_none_or(|key| has_been(key, time, now));
        let Some(next) = next(alg, keys) else {
            let until_announcement = self.active_for.saturating_sub(self.shown_first());
            return signed_for(until_announcement).then_some(KeyAction::Announce(alg));
        };
        let due = signed_for(self.active_for) && has_been(next, self.shown_first(), now);
        due.then(|| name(next).map(KeyAction::Activate)).flatten()
    }

    /// How long a key is shown before it signs.
    fn shown_first(&self) -> Duration {
        self.announced_for.max(JWKS_CACHE.saturating_add(self.spread()))
    }

    /// How far two nodes may be apart in what they show.
    const fn spread(&self) -> Duration {
        self.refreshed_within.saturating_add(CLOCKS_APART)
    }
}

fn begin(alg: SigningAlg, keys: &[RingKey]) -> KeyAction {
    next(alg, keys).and_then(name).map_or(KeyAction::Rotate(alg), KeyAction::Activate)
}

/// The key that was announced first.
fn next(alg: SigningAlg, keys: &[RingKey]) -> Option<&RingKey> {
    let announced = keys.iter().filter(|key| key.state == KeyState::Announced);
    announced
        .filter(|key| key.signer.algorithm() == alg)
        .min_by_key(|key| key.since.unwrap_or(Timestamp::NEVER))
}

/// Whether a key has been in its state for `time`; not where nobody knows since when.
fn has_been(key: &RingKey, time: Duration, now: Timestamp) -> bool {
    key.since.is_some_and(|since| since.plus(time).has_passed(now))
}

fn name(key: &RingKey) -> Option<KeyId> {
    key.public_key().kid().cloned()
}
