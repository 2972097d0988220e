//! Signing keys in a store, sealed, for all nodes of a deployment.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::payload::Kind;
use crate::clock::{Clock, SystemClock};
use crate::entropy::{Entropy, OsEntropy};
use crate::error::BoxError;
use crate::jose::{KeySource, Keyring, Revision, RingKey, Saved, SourcedKeys};
use crate::seal::{self, Sealed};
use crate::secret::{Secret, SystemSecrets};
use crate::store::{KeySetStore, KeySetVersion, Replacement};
use crate::types::Issuer;

/// A [`KeySource`] in a [`KeySetStore`]: the keys are in one row, sealed under the system secrets, and every node of a
/// deployment reads it. [`KeyRotation`](crate::jose::KeyRotation) makes and changes them there.
///
/// Whoever reads the database finds no key. Whoever has the system secrets as well has them all; keys that must never
/// be anywhere but in a hardware module come from a source of their own.
///
/// ```no_run
/// # use std::sync::Arc;
/// # use vouchsafe::clock::{Clock as _, SystemClock};
/// # use vouchsafe::jose::{KeyRotation, KeySchedule, Keyring, SigningAlg};
/// # use vouchsafe::provider::StoredKeys;
/// # use vouchsafe::runtime::Runtime;
/// # use vouchsafe::secret::SystemSecrets;
/// # use vouchsafe::store::KeySetStore;
/// # use vouchsafe::types::Issuer;
/// # async fn open(
/// #     store: Arc<dyn KeySetStore>, secrets: SystemSecrets, issuer: Issuer, runtime: Arc<dyn Runtime>,
/// # ) -> Result<Keyring, Box<dyn std::error::Error>> {
/// let keys = Arc::new(StoredKeys::new(store, secrets, issuer));
/// let rotation = KeyRotation::new(keys, KeySchedule::new([SigningAlg::Es256]), runtime);
/// let keyring = rotation.open(SystemClock.now()).await?;
/// rotation.run(&keyring, Arc::new(SystemClock), |tended| {
///     if let Err(error) = tended {
///         eprintln!("could not look after the signing keys: {error}");
///     }
/// });
/// # Ok(keyring)
/// # }
/// ```
#[derive(Clone)]
pub struct StoredKeys {
    store: Arc<dyn KeySetStore>,
    secrets: SystemSecrets,
    issuer: Issuer,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// Why stored keys were not read, or not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoredKeysError {
    /// A key is kept elsewhere: it has no private half to be stored.
    #[error("could not store a key whose private half does not leave its device")]
    KeptElsewhere,
    /// The row was altered or is another issuer's, or its system secret is not listed. It is not taken for an empty one:
    /// new keys in its place would end every token.
    #[error("the stored keys do not open")]
    Unreadable,
}

impl StoredKeys {
    /// The keys of `issuer` in `store`, sealed under `secrets`.
    #[must_use]
    pub fn new(store: Arc<dyn KeySetStore>, secrets: SystemSecrets, issuer: Issuer) -> Self {
        Self { store, secrets, issuer, clock: Arc::new(SystemClock), entropy: Arc::new(OsEntropy) }
    }

    /// The time that the store is told. Default: that of the system.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The randomness of sealing. Default: that of the system.
    #[must_use]
    pub fn with_entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// The keys as a document that [`Keyring::import`] reads; `None` where there are none yet.
    ///
    /// # Errors
    /// A store that fails, and [`StoredKeysError::Unreadable`].
    pub async fn export(&self) -> Result<Option<Secret>, BoxError> {
        Ok(self.read().await?.map(|(_, document)| document))
    }

    /// Puts the keys of a document that [`Keyring::export`] wrote in where there are none yet, for hosts that kept theirs in
    /// a file before. [`Saved::Outdated`] where there are some already: nothing is changed then.
    ///
    /// # Errors
    /// [`KeyringError`](crate::jose::KeyringError) for a document whose keys are no sound ring, a store or a random source
    /// that fails.
    pub async fn import(&self, document: &Secret) -> Result<Saved, BoxError> {
        let keys = Keyring::import(document.expose())?.keys();
        self.write(None, &keys).await
    }

    async fn read(&self) -> Result<Option<(KeySetVersion, Secret)>, BoxError> {
        let Some(stored) = self.store.key_set(self.clock.now()).await? else { return Ok(None) };
        let opened = seal::open(&self.secrets, &self.place(), &stored.payload);
        let opened = opened.ok_or(StoredKeysError::Unreadable)?;
        let document = std::str::from_utf8(&opened).map_err(|_| StoredKeysError::Unreadable)?;
        Ok(Some((stored.version, Secret::new(document))))
    }

    async fn write(&self, seen: Option<KeySetVersion>, keys: &[RingKey]) -> Result<Saved, BoxError> {
        // A document of fewer keys would end what the others have signed.
        if keys.iter().any(|key| key.signer().private_jwk().is_none()) {
            return Err(StoredKeysError::KeptElsewhere.into());
        }
        let payload = self.seal(&Keyring::new(keys.to_vec())?.export())?;
        Ok(match self.store.replace_key_set(payload, seen, self.clock.now()).await? {
            Replacement::Written => Saved::Saved,
            Replacement::Absent | Replacement::Stale => Saved::Outdated,
        })
    }

    fn seal(&self, document: &Secret) -> Result<Sealed, BoxError> {
        Ok(seal::seal(&self.secrets, &*self.entropy, &self.place(), document.expose().as_bytes())?)
    }

    /// There is one key set in a namespace, so its key says nothing.
    fn place(&self) -> seal::Context<'_> {
        seal::Context { kind: Kind::KeySet.label(), issuer: self.issuer.as_str(), key: &[] }
    }
}

#[async_trait]
impl KeySource for StoredKeys {
    async fn load(&self) -> Result<SourcedKeys, BoxError> {
        match self.read().await? {
            None => Ok(SourcedKeys::default()),
            Some((version, document)) => {
                let keys = SourcedKeys::parse(document.expose())?;
                Ok(keys.with_revision(Revision::new(version.0.to_string())))
            }
        }
    }

    async fn save(&self, seen: &Revision, keys: &[RingKey]) -> Result<Saved, BoxError> {
        let seen = match seen.as_str() {
            "" => None,
            version => Some(KeySetVersion(version.parse()?)),
        };
        self.write(seen, keys).await
    }
}

impl fmt::Debug for StoredKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredKeys").field("issuer", &self.issuer.as_str()).finish_non_exhaustive()
    }
}
