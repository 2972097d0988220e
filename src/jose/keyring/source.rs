//! Where the keys of a ring come from.

use std::fmt;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::super::private_jwk::PrivateMembers;
use super::super::ring::{self, Entry};
use super::super::signer;
use super::super::{JoseSigner, PrivateKeyError, Signer, SigningAlg};
use super::{KeyState, KeyringError, RingKey};
use crate::clock::Timestamp;
use crate::error::BoxError;
use crate::secret::Secret;

/// Where the keys of a [`Keyring`](super::Keyring) are kept: a file, a database, a hardware module, a key service.
///
/// [`Keyring::load`](super::Keyring::load) makes a ring of it, [`Keyring::refresh`](super::Keyring::refresh) takes
/// over what has changed.
#[async_trait]
pub trait KeySource: Debug + Send + Sync {
    /// Every key there is now, each with its state and, where that is known, the time since which it is in it.
    ///
    /// The answer must be whole and of one moment: a key that is missing from it is shown no more and verifies
    /// nothing, so a source that could read only a part must fail. It must have one active key for each algorithm
    /// that is signed with, and no more than one; every key must be in it, announced, from the time at which it is
    /// to be shown until, retired, the last token that it signed has expired. It must give up after a bounded time;
    /// a [`KeyRotation`](super::KeyRotation) drops the call after 10 seconds. No key may be in a log.
    ///
    /// # Errors
    /// Any error; the ring that was loaded before stays as it is.
    async fn load(&self) -> Result<SourcedKeys, BoxError>;

    /// Makes a private key for `alg`, for a source whose keys do not leave it; the key must not be among those that
    /// [`KeySource::load`] gives until it is saved, and may be destroyed when it never is. `None`, the default,
    /// leaves it to the one who asks, who makes a [`JoseSigner`].
    ///
    /// # Errors
    /// Any error; nothing is changed.
    async fn create(&self, _alg: SigningAlg) -> Result<Option<Arc<dyn Signer>>, BoxError> {
        Ok(None)
    }

    /// Puts `keys` in the place of all others, durably, if the keys are still those of `seen`.
    ///
    /// The comparison and the change must be one step: of two who have seen the same revision, one must be told
    /// [`Saved::Outdated`]. The private half of a new key is its signer's
    /// [`private_jwk`](Signer::private_jwk); whoever keeps that must keep it encrypted, or where its owner alone can
    /// read it. A key that is not in `keys` any more may be destroyed. Default: an error, since the source is changed
    /// by others.
    ///
    /// # Errors
    /// Any error, also when nobody knows whether the change was made; the source is read again before the next try.
    async fn save(&self, _seen: &Revision, _keys: &[RingKey]) -> Result<Saved, BoxError> {
        Err("this source of keys cannot be written".into())
    }
}

const _: fn(&dyn KeySource) = |_| ();

/// Which state of a [`KeySource`] was seen: any text that another state does not have, as a counter, an `ETag` or a
/// hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revision(String);

impl Revision {
    /// The revision named `text`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What became of a change to a [`KeySource`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "a source changed or it did not")]
pub enum Saved {
    /// The keys are others than those that were seen. Nothing was changed.
    Outdated,
    /// The change is made, and a crash does not undo it.
    Saved,
}

/// What a [`KeySource`] has.
#[derive(Debug, Default)]
#[must_use]
pub struct SourcedKeys {
    pub(super) keys: Vec<SourcedKey>,
    pub(super) revision: Revision,
}

impl SourcedKeys {
    /// `keys`, in the order in which they are shown, without a revision.
    pub fn new(keys: Vec<SourcedKey>) -> Self {
        Self { keys, revision: Revision::default() }
    }

    /// The same keys, which are the source's state `revision`.
    pub fn with_revision(mut self, revision: Revision) -> Self {
        self.revision = revision;
        self
    }

    /// Which state of the source this is; the empty revision where it did not say.
    #[must_use]
    pub const fn revision(&self) -> &Revision {
        &self.revision
    }

    /// The keys of a document that [`Keyring::export`](super::Keyring::export) wrote, none of them looked into yet.
    /// The revision is the document's SHA-256.
    ///
    /// # Errors
    /// [`KeyringError::Malformed`] for any other text.
    pub fn parse(document: &str) -> Result<Self, KeyringError> {
        let keys = Self::new(ring::read(document)?.into_iter().map(SourcedKey::from).collect());
        let digest = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(document));
        Ok(keys.with_revision(Revision::new(digest)))
    }
}

/// One key as a [`KeySource`] has it, not trusted yet.
pub struct SourcedKey {
    material: Material,
    state: KeyState,
    since: Option<Timestamp>,
}

enum Material {
    Jwk(PrivateMembers),
    Signer(Arc<dyn Signer>),
}

impl SourcedKey {
    /// A private JWK, which must name its `alg`. It is read when the ring does not have the key yet.
    ///
    /// # Errors
    /// [`PrivateKeyError::Malformed`] when the text is no JSON object of at most 16 KiB.
    pub fn from_jwk(private_jwk: &Secret, state: KeyState) -> Result<Self, PrivateKeyError> {
        Ok(Self { material: Material::Jwk(PrivateMembers::parse(private_jwk)?), state, since: None })
    }

    /// A key that is kept elsewhere. Unless it is retired, it must sign once when a ring takes it; a source that
    /// gives the same `Arc` each time spares its device from signing at every refresh.
    #[must_use]
    pub const fn from_signer(signer: Arc<dyn Signer>, state: KeyState) -> Self {
        Self { material: Material::Signer(signer), state, since: None }
    }

    /// The same key, in its state since `at`.
    #[must_use]
    pub const fn with_since(mut self, at: Timestamp) -> Self {
        self.since = Some(at);
        self
    }

    /// The key with its signer, which is the one of `known` where that has the same key under the same name. A JWK
    /// that is new is proven; of a signer that is new, [`SourcedKey::unproven`] says so.
    pub(super) fn read(self, known: &[RingKey]) -> Result<RingKey, KeyringError> {
        let signer = match self.material {
            Material::Jwk(members) => read_jwk(&members, known)?,
            Material::Signer(signer) => signer,
        };
        Ok(RingKey { signer, state: self.state, since: self.since })
    }

    /// The signer that has yet to prove itself. The private half of a retired key may be gone already.
    pub(super) fn unproven(&self, known: &[RingKey]) -> Option<Arc<dyn Signer>> {
        match &self.material {
            Material::Signer(signer) if self.state != KeyState::Retired => {
                let proven = known
                    .iter()
                    .any(|key| key.state != KeyState::Retired && Arc::ptr_eq(&key.signer, signer));
                (!proven).then(|| Arc::clone(signer))
            }
            Material::Jwk(_) | Material::Signer(_) => None,
        }
    }
}

/// Parsed once: making a signer and proving it costs far more than telling which key it is.
fn read_jwk(members: &PrivateMembers, known: &[RingKey]) -> Result<Arc<dyn Signer>, KeyringError> {
    let alg: SigningAlg = members.alg().ok_or(KeyringError::Malformed)?;
    if !known.is_empty() {
        let public = signer::public_half(members, alg)?;
        let same = known.iter().find(|key| {
            let (signer, own) = (&key.signer, key.public_key());
            let named = own.kid() == public.kid() && signer.algorithm() == alg;
            // One that is kept elsewhere does not stand for a private key that was given: it may be unproven.
            named && own.thumbprint() == public.thumbprint() && signer.private_jwk().is_some()
        });
        if let Some(known) = same {
            return Ok(Arc::clone(&known.signer));
        }
    }
    Ok(Arc::new(JoseSigner::from_members(members, alg)?))
}

impl From<Entry<KeyState, PrivateMembers>> for SourcedKey {
    fn from(entry: Entry<KeyState, PrivateMembers>) -> Self {
        Self { material: Material::Jwk(entry.jwk), state: entry.state, since: entry.since }
    }
}

/// The key as it is in a ring.
impl From<&RingKey> for SourcedKey {
    fn from(key: &RingKey) -> Self {
        Self { material: Material::Signer(Arc::clone(&key.signer)), state: key.state, since: key.since }
    }
}

impl Debug for SourcedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_tuple("SourcedKey");
        match &self.material {
            Material::Jwk(_) => shown.field(&self.state),
            Material::Signer(signer) => shown.field(&self.state).field(&signer.public_key().kid()),
        };
        shown.finish_non_exhaustive()
    }
}
