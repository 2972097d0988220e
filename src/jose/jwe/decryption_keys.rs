//! Our own keys that others encrypt to: published, retired.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Decrypted, DecryptionKey, ExpectedEncryption, Jwe};
use crate::jose::jwk_set::MAX_CANDIDATES;
use crate::jose::private_jwk::PrivateMembers;
use crate::jose::ring::{self, Entry, Member, Shared, found};
use crate::jose::{JoseError, Jwk, KeyAlg, KeyringError};
use crate::secret::Secret;
use crate::types::KeyId;

/// What a key is used for. In every state it decrypts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DecryptionKeyState {
    /// Shown to those who encrypt.
    Published,
    /// Not shown any more; kept for tokens from those who have not noticed (OpenID Connect Core section 10.2.1).
    Retired,
}

/// A key and its state in a ring. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DecryptionRingKey {
    key: Arc<DecryptionKey>,
    state: DecryptionKeyState,
}

impl DecryptionRingKey {
    /// `key` in `state`.
    #[must_use]
    pub const fn new(key: Arc<DecryptionKey>, state: DecryptionKeyState) -> Self {
        Self { key, state }
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &Arc<DecryptionKey> {
        &self.key
    }

    /// What the key is used for.
    #[must_use]
    pub const fn state(&self) -> DecryptionKeyState {
        self.state
    }

    fn is_published(&self) -> bool {
        self.state == DecryptionKeyState::Published
    }
}

impl Member for DecryptionRingKey {
    type Made = ();

    fn kid(&self) -> Option<&str> {
        self.key.public_key().kid().map(KeyId::as_str)
    }

    fn is_in_use(&self) -> bool {
        self.is_published()
    }

    fn make(keys: &[Self]) -> Result<(), KeyringError> {
        let names = keys.iter().map(|key| (key.kid().unwrap_or_default(), key.key.public_key().thumbprint()));
        ring::check_distinct(&names.collect::<Vec<_>>())
    }
}

/// Our own keys that others encrypt to. Clones share one ring: a change to one is a change to all.
///
/// Several keys may be live for one algorithm, as on two curves. A key is published, retired, and
/// [removed](DecryptionKeys::remove) when nothing encrypted to it can be under way any more. A ring may be empty: it
/// then decrypts nothing.
///
/// ```
/// use vouchsafe::entropy::OsEntropy;
/// use vouchsafe::jose::{Content, ContentEnc, DecryptionKeys, Encrypter, ExpectedEncryption, Jwe, KeyAlg};
///
/// let ours = DecryptionKeys::generate(&[KeyAlg::EcdhEs])?;
/// let theirs = Encrypter::new(&ours.public_keys()[0], KeyAlg::EcdhEs, ContentEnc::A256Gcm)?;
/// let token = theirs.encrypt(Content::Claims(b"{}"), &OsEntropy)?;
///
/// let decrypted = ours.decrypt(&Jwe::parse(&token)?, &ExpectedEncryption::default())?;
/// assert_eq!(decrypted.unverified_payload(), b"{}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct DecryptionKeys(Shared<DecryptionRingKey>);

impl DecryptionKeys {
    /// A ring of `keys`.
    ///
    /// # Errors
    /// [`KeyringError::KeyTaken`] when a key or `kid` stands twice, [`KeyringError::TooMany`] for more than 64.
    pub fn new(keys: Vec<DecryptionRingKey>) -> Result<Self, KeyringError> {
        Shared::new(keys).map(Self)
    }

    /// A ring of new keys, one published for each of `algs`, as [`DecryptionKey::generate`] makes them.
    ///
    /// # Errors
    /// [`KeyringError::PrivateKey`] when a key could not be made; otherwise as [`DecryptionKeys::new`].
    pub fn generate(algs: &[KeyAlg]) -> Result<Self, KeyringError> {
        let key = |alg: &KeyAlg| {
            let key = Arc::new(DecryptionKey::generate(*alg)?);
            Ok(DecryptionRingKey::new(key, DecryptionKeyState::Published))
        };
        Self::new(algs.iter().map(key).collect::<Result<_, KeyringError>>()?)
    }

    /// Shows a key; those who have seen it may encrypt to it at once.
    ///
    /// # Errors
    /// [`KeyringError`]: `KeyTaken` or `TooMany`.
    pub fn publish(&self, key: Arc<DecryptionKey>) -> Result<(), KeyringError> {
        self.0.change(|keys| {
            keys.push(DecryptionRingKey::new(key, DecryptionKeyState::Published));
            Ok(())
        })
    }

    /// Shows a key in the place of all others of its algorithm, which retire.
    ///
    /// # Errors
    /// [`KeyringError`]: `KeyTaken` or `TooMany`.
    pub fn rotate(&self, key: Arc<DecryptionKey>) -> Result<(), KeyringError> {
        self.0.change(|keys| {
            for other in keys.iter_mut().filter(|other| other.key.algorithm() == key.algorithm()) {
                other.state = DecryptionKeyState::Retired;
            }
            keys.push(DecryptionRingKey::new(key, DecryptionKeyState::Published));
            Ok(())
        })
    }

    /// Shows a key no more; it still decrypts.
    ///
    /// # Errors
    /// [`KeyringError::Unknown`].
    pub fn retire(&self, kid: &str) -> Result<(), KeyringError> {
        self.0.change(|keys| {
            found(keys, kid)?.state = DecryptionKeyState::Retired;
            Ok(())
        })
    }

    /// Takes a key out: what was encrypted to it cannot be read any more.
    ///
    /// # Errors
    /// [`KeyringError::Unknown`], or [`KeyringError::Active`] for a key that is still published.
    pub fn remove(&self, kid: &str) -> Result<(), KeyringError> {
        self.0.remove(kid)
    }

    /// Puts `keys` in the place of all others: for a ring that is kept elsewhere and has changed there.
    ///
    /// # Errors
    /// As [`DecryptionKeys::new`].
    pub fn replace(&self, keys: Vec<DecryptionRingKey>) -> Result<(), KeyringError> {
        self.0.replace(keys)
    }

    /// The keys, in the order they came.
    #[must_use]
    pub fn keys(&self) -> Vec<DecryptionRingKey> {
        self.0.current().keys.clone()
    }

    /// The algorithms that can be encrypted with, each once, in the order of the published keys.
    #[must_use]
    pub fn algorithms(&self) -> Vec<KeyAlg> {
        let mut algs = Vec::new();
        for key in self.0.current().keys.iter().filter(|key| key.is_published()) {
            if !algs.contains(&key.key.algorithm()) {
                algs.push(key.key.algorithm());
            }
        }
        algs
    }

    /// The public halves of the published keys, each with `kid`, `use` of `enc` and `alg`, to stand in the key set
    /// beside those that signatures are verified with.
    #[must_use]
    pub fn public_keys(&self) -> Vec<Jwk> {
        let ring = self.0.current();
        let published = ring.keys.iter().filter(|key| key.is_published());
        published.map(|key| key.key.public_key().clone()).collect()
    }

    /// A number that grows with every change, for those who keep what they made of [`DecryptionKeys::public_keys`].
    #[must_use]
    pub fn version(&self) -> u64 {
        self.0.current().version
    }

    /// Decrypts `jwe` with the key that its `kid` names, of any state; without a `kid` with those of its algorithm, of
    /// which the newest 4 are tried.
    ///
    /// # Errors
    /// [`JoseError::Algorithm`] when its algorithms are not among the `expected`; [`JoseError::NoKey`] when no key
    /// has that name or algorithm; otherwise as [`DecryptionKey::decrypt`].
    pub fn decrypt(&self, jwe: &Jwe, expected: &ExpectedEncryption<'_>) -> Result<Decrypted, JoseError> {
        let (alg, _) = expected.met_by(jwe.header())?;
        let kid = jwe.header().kid();
        let ring = self.0.current();
        let named = |key: &DecryptionRingKey| kid.is_none() || key.kid() == kid;
        let fitting = ring.keys.iter().rev().filter(|key| key.key.algorithm() == alg && named(key));
        let mut refused = JoseError::NoKey;
        for key in fitting.take(MAX_CANDIDATES) {
            match key.key.decrypt(jwe, expected) {
                Ok(decrypted) => return Ok(decrypted),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    /// Every private key and its state as one JSON document, for a file that its owner alone can read:
    /// `{"version":1,"keys":[{"state":"published","jwk":{..}}]}`.
    #[must_use]
    pub fn export(&self) -> Secret {
        let ring = self.0.current();
        let entries =
            ring.keys.iter().map(|key| Entry { state: key.state, since: None, jwk: key.key.export() });
        ring::write(&entries.collect::<Vec<_>>())
    }

    /// Reads what [`DecryptionKeys::export`] wrote; each JWK must name its `alg`.
    ///
    /// # Errors
    /// [`KeyringError::Malformed`] for any other text, [`KeyringError::PrivateKey`] for a key that is refused;
    /// otherwise as [`DecryptionKeys::new`].
    pub fn import(document: &str) -> Result<Self, KeyringError> {
        let key = |Entry { state, jwk, .. }: Entry<_, PrivateMembers>| {
            let key = DecryptionKey::from_members(&jwk, jwk.alg().ok_or(KeyringError::Malformed)?)?;
            Ok(DecryptionRingKey::new(Arc::new(key), state))
        };
        Self::new(ring::read(document)?.into_iter().map(key).collect::<Result<_, KeyringError>>()?)
    }
}

impl fmt::Debug for DecryptionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ring = self.0.current();
        let keys =
            ring.keys.iter().map(|key| (key.kid().unwrap_or_default(), key.key.algorithm(), key.state));
        f.write_str("DecryptionKeys(")?;
        f.debug_list().entries(keys).finish()?;
        f.write_str(")")
    }
}
