//! The keys that a provider signs with: announced, active, retired.

mod bounded;
mod memory;
mod refresh;
mod rotation;
mod schedule;
mod source;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::jwk_set::MAX_CANDIDATES;
use super::ring::{self, Entry, Member, Ring, Shared, found};
use super::{JoseError, JoseSigner, Jwk, Jws, PrivateKeyError, Signer, SigningAlg, Verifier};
use crate::clock::Timestamp;
use crate::secret::Secret;
use crate::types::KeyId;

pub use self::memory::MemoryKeys;
pub use self::refresh::KeySourceError;
pub use self::rotation::KeyRotation;
pub use self::schedule::{JWKS_CACHE, KeyAction, KeySchedule};
pub use self::source::{KeySource, Revision, Saved, SourcedKey, SourcedKeys};

/// What a key in a ring is used for. In every state the key is shown and verifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum KeyState {
    /// Signs: one key at most for each algorithm.
    Active,
    /// Shown before it signs, so that everyone has it when it does.
    Announced,
    /// Signs no more, and is shown until the last token it signed has expired.
    Retired,
}

/// A key and its state in a ring. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RingKey {
    signer: Arc<dyn Signer>,
    state: KeyState,
    since: Option<Timestamp>,
}

impl RingKey {
    /// `signer` in `state`, nobody knows since when.
    #[must_use]
    pub const fn new(signer: Arc<dyn Signer>, state: KeyState) -> Self {
        Self { signer, state, since: None }
    }

    /// The same key, in its state since `at`.
    #[must_use]
    pub const fn with_since(mut self, at: Timestamp) -> Self {
        self.since = Some(at);
        self
    }

    /// The key.
    #[must_use]
    pub const fn signer(&self) -> &Arc<dyn Signer> {
        &self.signer
    }

    /// What the key is used for.
    #[must_use]
    pub const fn state(&self) -> KeyState {
        self.state
    }

    /// When the key came into its state, if that is known.
    #[must_use]
    pub const fn since(&self) -> Option<Timestamp> {
        self.since
    }

    fn enter(&mut self, state: KeyState, now: Timestamp) {
        self.state = state;
        self.since = Some(now);
    }

    fn public_key(&self) -> &Jwk {
        self.signer.public_key()
    }
}

/// The published key set is made of all keys.
impl Member for RingKey {
    type Made = Bytes;

    fn kid(&self) -> Option<&str> {
        self.public_key().kid().map(KeyId::as_str)
    }

    fn is_in_use(&self) -> bool {
        self.state == KeyState::Active
    }

    fn make(keys: &[Self]) -> Result<Bytes, KeyringError> {
        let names = keys.iter().map(|key| {
            let public = key.public_key();
            let kid =
                key.kid().filter(|_| public.fits(key.signer.algorithm())).ok_or(KeyringError::Public)?;
            Ok((kid, public.thumbprint()))
        });
        ring::check_distinct(&names.collect::<Result<Vec<_>, KeyringError>>()?)?;
        let mut active: Vec<SigningAlg> = Vec::new();
        for alg in algorithms(keys) {
            if active.contains(&alg) {
                return Err(KeyringError::AlgorithmTaken);
            }
            active.push(alg);
        }
        if active.is_empty() {
            return Err(KeyringError::Empty);
        }
        Ok(key_set(keys))
    }
}

/// Why a ring refuses a key or a change. It is then as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// The key signs, or is published to be encrypted to: another must take its place first.
    #[error("the key is active: rotate to another first")]
    Active,
    /// The ring would have no active key any more for this algorithm, which it signs with. Only
    /// [`Keyring::refresh`] says this.
    #[error("no key is active any more for {0}, which is in use")]
    AlgorithmLost(SigningAlg),
    /// The ring has an active key for this algorithm already.
    #[error("the ring has an active key for this algorithm already")]
    AlgorithmTaken,
    /// The ring would have no active key at all.
    #[error("a keyring must have at least one active key")]
    Empty,
    /// The key or its `kid` is in the ring already.
    #[error("the key or its kid is in the ring already")]
    KeyTaken,
    /// The document is not what an export of such a ring writes.
    #[error("the keyring document is malformed")]
    Malformed,
    /// A key in the document is refused, or one could not be made.
    #[error("a key is refused: {0}")]
    PrivateKey(#[from] PrivateKeyError),
    /// The signer's public key has no `kid`, or is not for the signer's algorithm.
    #[error("the public key must have a kid and be for its signer's algorithm")]
    Public,
    /// The key is retired and does not come back.
    #[error("the key is retired")]
    Retired,
    /// The ring would have more than 64 keys.
    #[error("a keyring holds at most 64 keys")]
    TooMany,
    /// No key of the ring has this `kid`.
    #[error("no key has this kid")]
    Unknown,
}

/// The keys that a provider signs with. Clones share one ring: a change to one is a change to all.
///
/// A key's way through a ring is [`announce`](Keyring::announce), [`activate`](Keyring::activate), and then, when
/// another key becomes active for its algorithm, retired, until it is [removed](Keyring::remove). Every key has a
/// `kid` of its own; the public halves of all of them are in [`jwks`](Keyring::jwks).
#[derive(Clone)]
pub struct Keyring {
    ring: Shared<RingKey>,
    /// `None` has the keys of every algorithm.
    algs: Option<Arc<[SigningAlg]>>,
}

impl Keyring {
    /// A ring of `keys`.
    ///
    /// # Errors
    /// [`KeyringError`] when there is no active key or two for one algorithm, when a key or `kid` stands twice, when
    /// a public key does not fit its signer, or for more than 64 keys.
    pub fn new(keys: Vec<RingKey>) -> Result<Self, KeyringError> {
        Shared::new(keys).map(Self::of)
    }

    const fn of(ring: Shared<RingKey>) -> Self {
        Self { ring, algs: None }
    }

    /// The same ring as one that has keys of `algs` alone: others neither sign nor verify there, and are not shown. A change
    /// to it is a change to the ring, and to all of its clones; that a ring keeps an active key says nothing of one of these.
    #[must_use]
    pub fn limited_to(&self, algs: &[SigningAlg]) -> Self {
        let algs = algs.iter().copied().filter(|alg| self.has(*alg)).collect();
        Self { ring: self.ring.clone(), algs: Some(algs) }
    }

    fn has(&self, alg: SigningAlg) -> bool {
        self.algs.as_ref().is_none_or(|algs| algs.contains(&alg))
    }

    /// A ring of new keys, one active for each of `algs`, drawn from OpenSSL's randomness.
    ///
    /// # Errors
    /// [`KeyringError::PrivateKey`] when a key could not be made; otherwise as [`Keyring::new`].
    pub fn generate(algs: &[SigningAlg]) -> Result<Self, KeyringError> {
        let key = |alg: &SigningAlg| {
            let signer = Arc::new(JoseSigner::generate(*alg)?);
            Ok(RingKey::new(signer, KeyState::Active))
        };
        Self::new(algs.iter().map(key).collect::<Result<_, KeyringError>>()?)
    }

    /// Shows a key that does not sign yet.
    ///
    /// # Errors
    /// [`KeyringError`]: `KeyTaken`, `Public` or `TooMany`.
    pub fn announce(&self, signer: Arc<dyn Signer>, now: Timestamp) -> Result<(), KeyringError> {
        self.ring.change(|keys| {
            keys.push(RingKey::new(signer, KeyState::Announced).with_since(now));
            Ok(())
        })
    }

    /// Lets an announced key sign. The active key of its algorithm retires.
    ///
    /// # Errors
    /// [`KeyringError::Unknown`], or [`KeyringError::Retired`]. A key that is active already stays so.
    pub fn activate(&self, kid: &str, now: Timestamp) -> Result<(), KeyringError> {
        self.ring.change(|keys| activate(keys, kid, now))
    }

    /// Stops a key from signing; it is still shown. Its algorithm is then no longer offered, unless another key
    /// is activated.
    ///
    /// Where the ring has a [`KeySource`], the next [`Keyring::refresh`] or [`KeyRotation::tend`] undoes this, unless
    /// the source says so too; [`KeyRotation::rotate`] retires a key there.
    ///
    /// # Errors
    /// [`KeyringError::Unknown`], or [`KeyringError::Empty`] for the last active key. A key that is retired already
    /// stays so.
    pub fn retire(&self, kid: &str, now: Timestamp) -> Result<(), KeyringError> {
        self.ring.change(|keys| {
            let key = found(keys, kid)?;
            if key.state != KeyState::Retired {
                key.enter(KeyState::Retired, now);
            }
            Ok(())
        })
    }

    /// Takes a key out: tokens that it signed do not verify any more.
    ///
    /// # Security
    /// Where the ring has a [`KeySource`], the next [`Keyring::refresh`] or [`KeyRotation::tend`] brings the key back:
    /// a stolen key must be taken out at the source, as [`KeyRotation::remove`] does.
    ///
    /// # Errors
    /// [`KeyringError::Unknown`], or [`KeyringError::Active`] for a key that signs.
    pub fn remove(&self, kid: &str) -> Result<(), KeyringError> {
        self.ring.remove(kid)
    }

    /// Lets a new key sign at once; the active key of its algorithm retires and is still shown.
    ///
    /// Receivers that keep the published keys for a while do not know the new one yet: unless a key is
    /// compromised, announce first.
    ///
    /// # Errors
    /// [`KeyringError`]: `KeyTaken`, `Public` or `TooMany`.
    pub fn rotate(&self, signer: Arc<dyn Signer>, now: Timestamp) -> Result<(), KeyringError> {
        self.ring.change(|keys| {
            retire_active(keys, signer.algorithm(), now);
            keys.push(RingKey::new(signer, KeyState::Active).with_since(now));
            Ok(())
        })
    }

    /// Puts `keys` in the place of all others: for a ring that is kept elsewhere and has changed there.
    ///
    /// # Errors
    /// As [`Keyring::new`].
    pub fn replace(&self, keys: Vec<RingKey>) -> Result<(), KeyringError> {
        self.ring.replace(keys)
    }

    /// The key that signs with `alg`.
    #[must_use]
    pub fn signer(&self, alg: SigningAlg) -> Option<Arc<dyn Signer>> {
        let ring = self.ring.current();
        let active = ring.keys.iter().find(|key| self.has(alg) && is_active(key, alg))?;
        Some(Arc::clone(&active.signer))
    }

    /// What clients get that named no algorithm: RS256, or where no key signs with that, the first one that there is.
    pub(crate) fn default_algorithm(&self) -> Option<SigningAlg> {
        let algs = self.algorithms();
        algs.iter().find(|alg| **alg == SigningAlg::Rs256).or(algs.first()).copied()
    }

    /// The key that signs for a client that registered this algorithm, or none.
    pub(crate) fn signer_for(&self, registered: Option<SigningAlg>) -> Option<Arc<dyn Signer>> {
        self.signer(registered.or_else(|| self.default_algorithm())?)
    }

    /// The algorithms that can be signed with, in the order of their keys.
    #[must_use]
    pub fn algorithms(&self) -> Vec<SigningAlg> {
        algorithms(&self.ring.current().keys).filter(|alg| self.has(*alg)).collect()
    }

    /// The keys, in the order they came.
    #[must_use]
    pub fn keys(&self) -> Vec<RingKey> {
        let ring = self.ring.current();
        ring.keys.iter().filter(|key| self.has(key.signer.algorithm())).cloned().collect()
    }

    /// The published key set as JSON: the public halves of all keys, each with `kid`, `use` and `alg`.
    #[must_use]
    pub fn jwks(&self) -> Bytes {
        match self.algs {
            None => self.ring.current().made.clone(),
            Some(_) => key_set(&self.keys()),
        }
    }

    /// A number that grows with every change, for those who keep what they made of [`Keyring::jwks`].
    #[must_use]
    pub fn version(&self) -> u64 {
        self.ring.current().version
    }

    /// The keys to try for a token of our own under `kid`, of any state: the one of that name, or all of this
    /// algorithm when the token names none. At most 4.
    #[must_use]
    pub fn verifiers(&self, kid: Option<&str>, alg: SigningAlg) -> Vec<Verifier> {
        let ring = self.ring.current();
        let fitting = ring.keys.iter().filter(|key| {
            self.has(alg)
                && key.signer.algorithm() == alg
                && kid.is_none_or(|wanted| key.kid() == Some(wanted))
        });
        fitting.filter_map(|key| key.public_key().verifier(alg)).take(MAX_CANDIDATES).collect()
    }

    /// Checks that a key of this ring signed `jws` and gives the payload.
    ///
    /// # Errors
    /// [`JoseError`]: `Algorithm`, `NoKey`, `Signature` or `Panicked`.
    pub fn verify<'a>(&self, jws: &'a Jws) -> Result<&'a [u8], JoseError> {
        let alg = jws.header().alg().ok_or(JoseError::Algorithm)?;
        jws.verify_any(self.verifiers(jws.header().kid(), alg))
    }

    /// Every private key, its state and since when, as one JSON document for a file that its owner alone can read:
    /// `{"version":1,"keys":[{"state":"active","since":1790000000,"jwk":{..}}]}`.
    ///
    /// Keys that are kept elsewhere, whose signer has no private JWK to give, are not in it.
    #[must_use]
    pub fn export(&self) -> Secret {
        let ring = self.ring.current();
        let entries = ring.keys.iter().filter_map(|key| {
            Some(Entry { state: key.state, since: key.since, jwk: key.signer.private_jwk()? })
        });
        ring::write(&entries.collect::<Vec<_>>())
    }

    /// Reads what [`Keyring::export`] wrote; each JWK must name its `alg`.
    ///
    /// # Errors
    /// [`KeyringError::Malformed`] for any other text, [`KeyringError::PrivateKey`] for a key that is refused; otherwise
    /// as [`Keyring::new`].
    pub fn import(document: &str) -> Result<Self, KeyringError> {
        let keys = SourcedKeys::parse(document)?.keys.into_iter();
        Self::new(keys.map(|key| key.read(&[])).collect::<Result<_, _>>()?)
    }
}

/// The algorithms that `keys` sign with.
fn algorithms(keys: &[RingKey]) -> impl Iterator<Item = SigningAlg> {
    let active = keys.iter().filter(|key| key.state == KeyState::Active);
    active.map(|key| key.signer.algorithm())
}

fn key_set(keys: &[RingKey]) -> Bytes {
    Bytes::from(json!({ "keys": keys.iter().map(shown).collect::<Vec<_>>() }).to_string())
}

/// The public half as it is published: always with `use` and `alg`, whatever the signer said of it.
fn shown(key: &RingKey) -> Value {
    let mut value = key.public_key().to_value();
    if let Some(members) = value.as_object_mut() {
        members.remove("key_ops");
        members.insert("use".to_owned(), "sig".into());
        members.insert("alg".to_owned(), key.signer.algorithm().as_str().into());
    }
    value
}

fn is_active(key: &RingKey, alg: SigningAlg) -> bool {
    key.state == KeyState::Active && key.signer.algorithm() == alg
}

fn activate(keys: &mut [RingKey], kid: &str, now: Timestamp) -> Result<(), KeyringError> {
    let (alg, state) = found(keys, kid).map(|key| (key.signer.algorithm(), key.state))?;
    match state {
        KeyState::Active => return Ok(()),
        KeyState::Announced => {}
        KeyState::Retired => return Err(KeyringError::Retired),
    }
    retire_active(keys, alg, now);
    found(keys, kid)?.enter(KeyState::Active, now);
    Ok(())
}

fn retire_active(keys: &mut [RingKey], alg: SigningAlg, now: Timestamp) {
    for key in keys.iter_mut().filter(|key| is_active(key, alg)) {
        key.enter(KeyState::Retired, now);
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ring = self.ring.current();
        let keys =
            ring.keys.iter().map(|key| (key.kid().unwrap_or_default(), key.signer.algorithm(), key.state));
        f.write_str("Keyring(")?;
        f.debug_list().entries(keys).finish()?;
        f.write_str(")")
    }
}
