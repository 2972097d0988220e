//! Client secrets at rest.

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

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
#[derive(Clone, Debug, PartialEq, Eq)]
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
}
