//! Client secrets at rest.

#[cfg(feature = "imported-hashes")]
mod imported;

use std::fmt::Debug;
use std::hint::black_box;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

#[cfg(feature = "imported-hashes")]
pub use imported::ImportedHashes;

use crate::clock::Timestamp;
use crate::entropy::{Entropy, EntropyError};
use crate::secret::{Secret, SecretId, SystemSecrets, generate, mac};

/// Bits of randomness in a generated client secret.
const GENERATED_BITS: usize = 256;

/// One secret of a client, as it is kept: a keyed hash, or an imported slow hash.
///
/// A client can have several, each with its own end, so that a secret is replaced without an outage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientSecret {
    hash: Hash,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Hash {
    /// HMAC-SHA-256 under the pepper of this name.
    Keyed { pepper: SecretId, mac: [u8; 32] },
    /// A slow hash in the PHC or modular crypt form.
    Slow(String),
}

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Keyed { .. } => "Keyed(..)",
            Self::Slow(_) => "Slow(..)",
        })
    }
}

/// A text that is no hash which can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an imported hash must be argon2, bcrypt or pbkdf2 with parameters inside the bounds")]
pub struct InvalidSecretHash;

/// What comparing a presented secret says.
#[derive(Clone, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum SecretCheck {
    /// It is the secret.
    Match,
    /// It is not.
    Mismatch,
    /// Only the slow hash of this text can tell.
    Slow(String),
}

/// Verifies secrets against imported slow hashes. The feature `imported-hashes` has one, `ImportedHashes`.
///
/// It runs where it may occupy a thread, a bounded number at once, and once for each secret that matches.
pub trait SlowHash: Debug + Send + Sync {
    /// Whether `secret` is what `hash`, a text in the PHC or modular crypt form, was made of.
    ///
    /// An implementation must compare in constant time, and must answer `false` for a text that it does not know or
    /// whose parameters would cost too much, before it allocates anything.
    fn verify(&self, hash: &str, secret: &[u8]) -> bool;
}

const _: fn(&dyn SlowHash) = |_| ();

/// Prints which it is, never a hash.
impl std::fmt::Debug for SecretCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Match => "Match",
            Self::Mismatch => "Mismatch",
            Self::Slow(_) => "Slow(..)",
        })
    }
}

impl ClientSecret {
    /// Makes a new secret of 256 random bits: the text for the client, to be shown once, and what to keep.
    ///
    /// # Errors
    /// [`EntropyError`] when the random source fails.
    pub fn generate(secrets: &SystemSecrets, entropy: &dyn Entropy) -> Result<(Secret, Self), EntropyError> {
        let secret = generate(entropy, GENERATED_BITS)?;
        let hashed = Self::hash(secrets, &secret);
        Ok((secret, hashed))
    }

    /// Hashes a secret that has at least 128 bits of randomness, under the first pepper.
    #[must_use]
    pub fn hash(secrets: &SystemSecrets, secret: &Secret) -> Self {
        let (pepper, key) = secrets.pepper();
        Self { hash: Hash::Keyed { pepper, mac: mac(key, &[secret.expose().as_bytes()]) }, expires_at: None }
    }

    /// When it ends; it is refused from that moment on.
    #[must_use]
    pub const fn with_expiry(mut self, expires_at: Timestamp) -> Self {
        self.expires_at = Some(expires_at);
        self
    }

    /// When it ends, if it does.
    #[must_use]
    pub const fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// Compares a presented secret in constant time; an expired secret never matches.
    pub fn check(&self, secrets: &SystemSecrets, presented: &Secret, now: Timestamp) -> SecretCheck {
        let live = self.expires_at.is_none_or(|end| !end.has_passed(now));
        match &self.hash {
            Hash::Keyed { pepper, mac: stored } => {
                let Some(key) = secrets.pepper_named(*pepper) else { return SecretCheck::Mismatch };
                let equal: bool = mac(key, &[presented.expose().as_bytes()]).ct_eq(stored).into();
                if equal && live { SecretCheck::Match } else { SecretCheck::Mismatch }
            }
            Hash::Slow(hash) if live => SecretCheck::Slow(hash.clone()),
            Hash::Slow(_) => SecretCheck::Mismatch,
        }
    }

    /// As much work as comparing `presented` with one keyed hash, for a client that is not there.
    pub(crate) fn check_nothing(secrets: &SystemSecrets, presented: Option<&Secret>) {
        let text = presented.map_or("", Secret::expose);
        let nothing = [0; 32];
        let equal: bool = mac(secrets.pepper().1, &[text.as_bytes()]).ct_eq(&nothing).into();
        black_box(equal);
    }
}
