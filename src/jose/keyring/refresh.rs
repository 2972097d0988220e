//! Filling a ring from its source, and again when the source has changed.

use std::sync::Arc;

use super::super::ring::MAX_RING_KEYS;
use super::super::signer::{self, Unproven};
use super::super::{PrivateKeyError, SignError, SigningAlg};
use super::{KeySource, Keyring, KeyringError, Revision, Ring, RingKey, SourcedKeys, algorithms};
use crate::error::BoxError;

/// How often a source is read, or written, because others have changed the keys meanwhile.
pub(super) const ATTEMPTS: usize = 4;

/// Why a ring was not filled from its source, or not changed there. The ring is then as it was before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeySourceError {
    /// Others changed the ring or its source again and again meanwhile.
    #[error("the keys change faster than they are read")]
    Contended,
    /// The source could not make a key.
    #[error("could not make a key")]
    Create(#[source] BoxError),
    /// The keys do not make a sound ring, or one of them is refused.
    #[error("the keys of the source are refused: {0}")]
    Keys(#[from] KeyringError),
    /// The source could not be read.
    #[error("could not read the keys from their source")]
    Load(#[source] BoxError),
    /// The source or a signer panicked. Only [`KeyRotation::run`](super::KeyRotation::run) says this.
    #[error("looking after the keys panicked")]
    Panicked,
    /// The source could not take what has changed, or nobody knows whether it did.
    #[error("could not save the keys")]
    Save(#[source] BoxError),
    /// A key that is kept elsewhere could not sign to prove itself.
    #[error("could not try a key of the source")]
    Sign(#[source] SignError),
}

impl Keyring {
    /// A ring of the keys that `source` has. Every private key has signed once, and the signature was verified under
    /// the public half.
    ///
    /// # Errors
    /// [`KeySourceError`]: `Load` or `Sign`, or `Keys` as [`Keyring::new`] and [`Keyring::import`] say.
    pub async fn load(source: &dyn KeySource) -> Result<Self, KeySourceError> {
        let keys = source.load().await.map_err(KeySourceError::Load)?;
        Ok(Self::new(read(keys, &[]).await?)?)
    }

    /// Puts what `source` has now in the place of all keys, in one step. Signers that the ring has already are kept,
    /// and not tried again.
    ///
    /// A ring that is filled from a source is changed there: what was changed in the ring alone is lost. To stop
    /// signing with an algorithm, [retire](Keyring::retire) its key in the ring and at the source.
    ///
    /// # Errors
    /// As [`Keyring::load`], and [`KeyringError::AlgorithmLost`] when no key would be active for an algorithm that is
    /// signed with, [`KeySourceError::Contended`] when others change the ring all the time. The last good keys stay.
    pub async fn refresh(&self, source: &dyn KeySource) -> Result<(), KeySourceError> {
        self.take(source).await.map(drop)
    }

    /// [Refreshes](Keyring::refresh) and gives what was read.
    pub(super) async fn take(
        &self,
        source: &dyn KeySource,
    ) -> Result<(Revision, Vec<RingKey>), KeySourceError> {
        for _ in 0..ATTEMPTS {
            let seen = self.ring.current();
            let keys = source.load().await.map_err(KeySourceError::Load)?;
            let revision = keys.revision.clone();
            let keys = read(keys, &seen.keys).await?;
            // What was loaded before another change may be older than that change.
            if self.succeed(&seen, keys.clone())? {
                return Ok((revision, keys));
            }
        }
        Err(KeySourceError::Contended)
    }

    /// Puts `keys` into the place of `seen`; `false` when that is not what the ring is any more.
    fn succeed(&self, seen: &Arc<Ring<RingKey>>, keys: Vec<RingKey>) -> Result<bool, KeyringError> {
        self.ring.change_seen(seen, |seen| {
            if keys.len() == seen.keys.len() && keys.iter().zip(&seen.keys).all(|(new, old)| new.is(old)) {
                return Ok(None);
            }
            let ring = seen.next(keys)?;
            let lost = |alg: &SigningAlg| !algorithms(&ring.keys).any(|active| active == *alg);
            match algorithms(&seen.keys).find(lost) {
                Some(lost) => Err(KeyringError::AlgorithmLost(lost)),
                None => Ok(Some(ring)),
            }
        })
    }
}

impl RingKey {
    fn is(&self, other: &Self) -> bool {
        let signer = Arc::ptr_eq(&self.signer, &other.signer);
        signer && self.state == other.state && self.since == other.since
    }
}

/// The keys of a source with their signers, each of which has proven itself.
pub(super) async fn read(sourced: SourcedKeys, known: &[RingKey]) -> Result<Vec<RingKey>, KeySourceError> {
    if sourced.keys.len() > MAX_RING_KEYS {
        return Err(KeyringError::TooMany.into());
    }
    let mut keys = Vec::with_capacity(sourced.keys.len());
    for key in sourced.keys {
        if let Some(signer) = key.unproven(known) {
            signer::prove(&*signer).await?;
        }
        keys.push(key.read(known)?);
    }
    Ok(keys)
}

impl From<Unproven> for KeySourceError {
    fn from(unproven: Unproven) -> Self {
        match unproven {
            Unproven::PrivateKey(error) => error.into(),
            Unproven::Sign(error) => Self::Sign(error),
        }
    }
}

impl From<PrivateKeyError> for KeySourceError {
    fn from(error: PrivateKeyError) -> Self {
        Self::Keys(error.into())
    }
}
