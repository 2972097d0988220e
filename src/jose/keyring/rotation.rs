//! Changing the keys at their source, by a schedule or at once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;

use super::super::signer;
use super::super::{JoseSigner, PrivateKeyError, Signer, SigningAlg};
use super::bounded::Bounded;
use super::refresh::{self, ATTEMPTS};
use super::{
    KeyAction, KeySchedule, KeySource, KeySourceError, KeyState, Keyring, KeyringError, Member, Revision,
    Ring, RingKey, Saved, activate, found, retire_active,
};
use crate::clock::{Clock, Timestamp};
use crate::runtime::Runtime;
use crate::types::KeyId;

/// The shortest pause between two times at which a ring is tended.
const MIN_PAUSE: Duration = Duration::from_secs(1);

/// Looks after the keys of a source: makes them, lets them sign, retires and removes them, as a [`KeySchedule`] says
/// or at once. What it does is saved first and shown then, so that no key signs that a restart would lose.
///
/// Every node of a deployment may run one; whoever saves first has done it.
///
/// A source that does not answer within 10 seconds, or does not make a key within 120, counts as one that failed: the call
/// is dropped.
#[derive(Clone, Debug)]
pub struct KeyRotation {
    source: Bounded,
    schedule: KeySchedule,
    runtime: Arc<dyn Runtime>,
    /// Keys that were made and are not saved yet. A source that fails at saving does not make another each time.
    unsaved: Arc<Mutex<Vec<Arc<dyn Signer>>>>,
}

impl KeyRotation {
    /// The keys of `source` by `schedule`. Keys in memory are made in the blocking work of `runtime`.
    #[must_use]
    pub fn new(source: Arc<dyn KeySource>, schedule: KeySchedule, runtime: Arc<dyn Runtime>) -> Self {
        let source = Bounded::new(source, Arc::clone(&runtime));
        Self { source, schedule, runtime, unsaved: Arc::default() }
    }

    /// The ring of the source. Where no key of the source is active, as at the first start, keys are made, or the
    /// announced ones taken, and sign at once.
    ///
    /// # Errors
    /// [`KeySourceError`], as [`Keyring::load`] and [`KeyRotation::tend`].
    pub async fn open(&self, now: Timestamp) -> Result<Keyring, KeySourceError> {
        for _ in 0..ATTEMPTS {
            let sourced = self.source.load().await.map_err(KeySourceError::Load)?;
            let revision = sourced.revision.clone();
            let keys = refresh::read(sourced, &[]).await?;
            self.note_saved(&keys);
            if keys.iter().any(|key| key.state == KeyState::Active) {
                return Ok(Keyring::new(keys)?);
            }
            let actions = self.schedule.plan(now, &keys);
            let keys = self.carry_out(&actions, keys, now).await?;
            // Whoever else has started meanwhile has made keys too: theirs are read then.
            let (Saved::Outdated | Saved::Saved) = self.save(&revision, &keys).await?;
        }
        Err(KeySourceError::Contended)
    }

    /// Takes over what has changed at the source, and does there what the schedule asks for at `now`. To be called
    /// from a timer. Returns what was done.
    ///
    /// # Errors
    /// [`KeySourceError`]: as [`Keyring::refresh`], `Create` or `Save` when the source fails at that, `Contended` when
    /// others change the keys all the time. Keys that were good stay, and the next call tries again.
    pub async fn tend(&self, keyring: &Keyring, now: Timestamp) -> Result<Vec<KeyAction>, KeySourceError> {
        self.change(keyring, now, |keys| Ok(self.schedule.plan(now, keys))).await
    }

    /// Lets a new key sign for `alg` at once; the active one retires and is still shown. Returns the new `kid`.
    ///
    /// Receivers that keep the published keys for a while do not know the new one yet, and other nodes show it when
    /// they have read the source: it is for a key that must not sign any longer. What a stolen key signs verifies until it
    /// is [removed](KeyRotation::remove).
    ///
    /// # Errors
    /// As [`KeyRotation::tend`].
    pub async fn rotate(
        &self,
        keyring: &Keyring,
        alg: SigningAlg,
        now: Timestamp,
    ) -> Result<KeyId, KeySourceError> {
        self.change(keyring, now, |_| Ok(vec![KeyAction::Rotate(alg)])).await?;
        let signer = keyring.signer(alg).ok_or(KeySourceError::Contended)?;
        signer.public_key().kid().cloned().ok_or(KeySourceError::Contended)
    }

    /// Takes the key `kid` out of `keyring` and out of the source for good, before its time: tokens that it signed do
    /// not verify any more. It is for a stolen key, after [`KeyRotation::rotate`] where that one is active.
    ///
    /// Other nodes take the key out when they have read the source, and receivers when they have read the published
    /// keys again.
    ///
    /// # Errors
    /// As [`KeyRotation::tend`], and `Keys` with [`KeyringError::Active`] for a key that signs, or
    /// [`KeyringError::Unknown`].
    pub async fn remove(&self, keyring: &Keyring, kid: &str, now: Timestamp) -> Result<(), KeySourceError> {
        self.change(keyring, now, |keys| Ok(vec![removal(keys, kid)?])).await.map(drop)
    }

    /// Tends `keyring` on the runtime, at once and then every [`KeySchedule::tended_every`], until the last other
    /// handle of it is gone. `report` hears of each time, also of one that panicked; a panic of its own is dropped.
    pub fn run(
        self,
        keyring: &Keyring,
        clock: Arc<dyn Clock>,
        report: impl Fn(&Result<Vec<KeyAction>, KeySourceError>) + Send + Sync + 'static,
    ) {
        let (ring, runtime) = (keyring.ring.downgrade(), Arc::clone(&self.runtime));
        runtime.spawn(Box::pin(async move {
            while let Some(ring) = ring.upgrade() {
                let tended = async { self.tend(&Keyring::of(ring), clock.now()).await };
                // Whoever panics once must not end the rotation for as long as the process lives.
                let tended = AssertUnwindSafe(tended).catch_unwind().await;
                let tended = tended.unwrap_or(Err(KeySourceError::Panicked));
                let _ = catch_unwind(AssertUnwindSafe(|| report(&tended)));
                self.runtime.sleep(self.schedule.tended_every.max(MIN_PAUSE)).await;
            }
        }));
    }

    async fn change(
        &self,
        keyring: &Keyring,
        now: Timestamp,
        plan: impl Fn(&[RingKey]) -> Result<Vec<KeyAction>, KeyringError> + Send + Sync,
    ) -> Result<Vec<KeyAction>, KeySourceError> {
        for _ in 0..ATTEMPTS {
            let (revision, keys) = keyring.take(&self.source).await?;
            self.note_saved(&keys);
            let actions = plan(&keys)?;
            if actions.is_empty() {
                return Ok(actions);
            }
            let keys = self.carry_out(&actions, keys, now).await?;
            match self.save(&revision, &keys).await? {
                Saved::Saved => return keyring.refresh(&self.source).await.map(|()| actions),
                Saved::Outdated => {}
            }
        }
        Err(KeySourceError::Contended)
    }

    async fn save(&self, seen: &Revision, keys: &[RingKey]) -> Result<Saved, KeySourceError> {
        let saved = self.source.save(seen, keys).await.map_err(KeySourceError::Save)?;
        if saved == Saved::Saved {
            self.unsaved().clear();
        }
        Ok(saved)
    }

    /// `keys` after `actions`, found to be a sound ring.
    async fn carry_out(
        &self,
        actions: &[KeyAction],
        mut keys: Vec<RingKey>,
        now: Timestamp,
    ) -> Result<Vec<RingKey>, KeySourceError> {
        for action in actions {
            match action {
                KeyAction::Activate(kid) => activate(&mut keys, kid.as_str(), now)?,
                KeyAction::Announce(alg) => {
                    let new = self.create(*alg, &keys).await?;
                    keys.push(RingKey::new(new, KeyState::Announced).with_since(now));
                }
                KeyAction::Date(kid) => found(&mut keys, kid.as_str())?.since = Some(now),
                KeyAction::Remove(kid) => keys.retain(|key| key.kid() != Some(kid.as_str())),
                KeyAction::Rotate(alg) => {
                    let new = self.create(*alg, &keys).await?;
                    retire_active(&mut keys, *alg, now);
                    keys.push(RingKey::new(new, KeyState::Active).with_since(now));
                }
            }
        }
        Ring::new(keys.clone())?;
        Ok(keys)
    }

    /// A key for `alg` that is not among `keys`: one that could not be saved before, or a new one.
    async fn create(&self, alg: SigningAlg, keys: &[RingKey]) -> Result<Arc<dyn Signer>, KeySourceError> {
        let left = {
            let unsaved = self.unsaved();
            let is_there = |made: &dyn Signer| keys.iter().any(|key| key.kid() == kid(made));
            unsaved.iter().find(|made| made.algorithm() == alg && !is_there(&***made)).cloned()
        };
        if let Some(made) = left {
            return Ok(made);
        }
        let made = match self.source.create(alg).await.map_err(KeySourceError::Create)? {
            Some(made) => {
                signer::prove(&*made).await?;
                made
            }
            None => self.generate(alg).await?,
        };
        self.unsaved().push(Arc::clone(&made));
        Ok(made)
    }

    /// Forgets the keys whose saving failed, as it seemed, and that were saved nevertheless: once others have seen a key,
    /// it may be removed for good, and is never announced again.
    fn note_saved(&self, keys: &[RingKey]) {
        self.unsaved().retain(|made| !keys.iter().any(|key| key.kid() == kid(&**made)));
    }

    fn unsaved(&self) -> MutexGuard<'_, Vec<Arc<dyn Signer>>> {
        self.unsaved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A key in memory. An RSA key can take seconds.
    async fn generate(&self, alg: SigningAlg) -> Result<Arc<dyn Signer>, PrivateKeyError> {
        let made = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&made);
        let work = move || {
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(JoseSigner::generate(alg));
        };
        self.runtime.blocking(Box::new(work)).await;
        let made = made.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(Arc::new(made.unwrap_or(Err(PrivateKeyError::Generation))?))
    }
}

fn removal(keys: &[RingKey], kid: &str) -> Result<KeyAction, KeyringError> {
    let key = keys.iter().find(|key| key.kid() == Some(kid)).ok_or(KeyringError::Unknown)?;
    if key.state == KeyState::Active {
        return Err(KeyringError::Active);
    }
    key.public_key().kid().cloned().map(KeyAction::Remove).ok_or(KeyringError::Unknown)
}

fn kid(signer: &dyn Signer) -> Option<&str> {
    signer.public_key().kid().map(KeyId::as_str)
}
