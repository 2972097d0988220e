//! Client secrets at rest.

#[cfg(feature = "imported-hashes")]
mod imported;
mod sealed;

use std::fmt::Debug;
use std::hint::black_box;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

#[cfg(feature = "imported-hashes")]
pub use imported::ImportedHashes;

use self::sealed::SealedSecret;
use super::{ClientAssertionAlg, ClientAuthMethod, ClientMetadata, InvalidClient};
use crate::clock::Timestamp;
use crate::entropy::{Entropy, EntropyError};
use crate::secret::{Secret, SecretId, SystemSecrets, generate, mac};
use crate::types::ClientId;

/// Bits of randomness in a generated client secret.
const GENERATED_BITS: usize = 256;

/// Bits of randomness in a generated secret that makes MACs: as many as the longest hash has (RFC 7518
/// section 3.2).
const GENERATED_MAC_BITS: usize = 512;

/// One secret of a client, as it is kept: a keyed hash, an imported slow hash, or sealed where the text
/// itself is needed.
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
    /// The text itself, which `client_secret_jwt` needs.
    Sealed(SealedSecret),
    /// A slow hash in the PHC or modular crypt form.
    Slow(String),
}

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Keyed { .. } => "Keyed(..)",
            Self::Sealed(_) => "Sealed(..)",
            Self::Slow(_) => "Slow(..)",
        })
    }
}

/// A text that is no hash which can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an imported hash must be argon2, bcrypt or pbkdf2 with parameters inside the bounds")]
pub struct InvalidSecretHash;

/// Why a secret cannot be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealSecretError {
    /// The random source failed.
    #[error("could not seal a client secret")]
    Entropy(#[from] EntropyError),
    /// It is shorter than the shortest hash, or too long to be one.
    #[error("a client secret that makes MACs must be of 32 to 1024 bytes")]
    Length,
}

/// Why a secret cannot be moved to the system secret that writes now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResealSecretError {
    /// The random source failed.
    #[error("could not seal a client secret")]
    Entropy(#[from] EntropyError),
    /// The system secret that sealed it is not listed any more, or it was altered.
    #[error("the client secret does not open")]
    Unreadable,
}

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

    /// Makes a new secret for a client that authenticates by `method`: sealed for `client_secret_jwt`, as
    /// [`ClientSecret::seal`] does, hashed for every other.
    ///
    /// # Errors
    /// [`EntropyError`] when the random source fails.
    pub fn generate_for(
        client_id: &ClientId,
        method: &ClientAuthMethod,
        secrets: &SystemSecrets,
        entropy: &dyn Entropy,
    ) -> Result<(Secret, Self), EntropyError> {
        if *method != ClientAuthMethod::ClientSecretJwt {
            return Self::generate(secrets, entropy);
        }
        let secret = generate(entropy, GENERATED_MAC_BITS)?;
        let sealed = SealedSecret::seal(client_id, secrets, entropy, &secret)?;
        Ok((secret, Self { hash: Hash::Sealed(sealed), expires_at: None }))
    }

    /// Seals a secret of 32 to 1024 bytes, all of them hard to guess, for `client_secret_jwt`, which needs
    /// the text itself. It is a secret of this client alone.
    ///
    /// # Security
    /// Whoever has the [`SystemSecrets`] and the record has the text, which no hash gives away. The system
    /// secret that sealed it must stay listed until the record is [moved](ClientSecret::resealed) to another.
    ///
    /// # Errors
    /// [`SealSecretError`].
    pub fn seal(
        client_id: &ClientId,
        secrets: &SystemSecrets,
        entropy: &dyn Entropy,
        secret: &Secret,
    ) -> Result<Self, SealSecretError> {
        if !sealed::LENGTHS.contains(&secret.expose().len()) {
            return Err(SealSecretError::Length);
        }
        let sealed = SealedSecret::seal(client_id, secrets, entropy, secret)?;
        Ok(Self { hash: Hash::Sealed(sealed), expires_at: None })
    }

    /// The system secret that sealed it; `None` of a hash.
    #[must_use]
    pub fn sealed_under(&self) -> Option<SecretId> {
        match &self.hash {
            Hash::Sealed(sealed) => Some(sealed.sealed_under()),
            Hash::Keyed { .. } | Hash::Slow(_) => None,
        }
    }

    /// The same secret, sealed under the system secret that writes now, for hosts that keep clients by themselves: before
    /// an old system secret is removed, every secret that it [sealed](ClientSecret::sealed_under) is replaced by this. A
    /// hash, and what is under that secret already, stays as it is.
    ///
    /// # Errors
    /// [`ResealSecretError`].
    pub fn resealed(
        &self,
        secrets: &SystemSecrets,
        entropy: &dyn Entropy,
    ) -> Result<Self, ResealSecretError> {
        let Hash::Sealed(sealed) = &self.hash else { return Ok(self.clone()) };
        if sealed.sealed_under() == secrets.current() {
            return Ok(self.clone());
        }
        let text = sealed.open(secrets).ok_or(ResealSecretError::Unreadable)?;
        let sealed = SealedSecret::seal(sealed.client(), secrets, entropy, &text)?;
        Ok(Self { hash: Hash::Sealed(sealed), expires_at: self.expires_at })
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
        let live = self.is_live(now);
        match &self.hash {
            Hash::Keyed { pepper, mac: stored } => {
                let Some(key) = secrets.pepper_named(*pepper) else { return SecretCheck::Mismatch };
                let equal: bool = mac(key, &[presented.expose().as_bytes()]).ct_eq(stored).into();
                if equal && live { SecretCheck::Match } else { SecretCheck::Mismatch }
            }
            Hash::Sealed(sealed) => match sealed.open(secrets) {
                Some(secret) if secret == *presented && live => SecretCheck::Match,
                _ => SecretCheck::Mismatch,
            },
            Hash::Slow(hash) if live => SecretCheck::Slow(hash.clone()),
            Hash::Slow(_) => SecretCheck::Mismatch,
        }
    }

    /// The text itself, while it is live; `None` of a hash, and where the secret that sealed it is no longer
    /// listed.
    pub(crate) fn reveal(&self, secrets: &SystemSecrets, now: Timestamp) -> Option<Secret> {
        match &self.hash {
            Hash::Sealed(sealed) if self.is_live(now) => sealed.open(secrets),
            Hash::Keyed { .. } | Hash::Sealed(_) | Hash::Slow(_) => None,
        }
    }

    /// Whether a client can authenticate with it by `method`.
    pub(crate) fn serves(&self, method: &ClientAuthMethod) -> bool {
        matches!(self.hash, Hash::Sealed(_)) == (*method == ClientAuthMethod::ClientSecretJwt)
    }

    /// Whether it is a secret of this client, of the kind and length that its method needs.
    pub(super) fn check_client(&self, id: &ClientId, metadata: &ClientMetadata) -> Result<(), InvalidClient> {
        let refuse = |member, problem| Err(InvalidClient { member, problem });
        if !self.serves(&metadata.token_endpoint_auth_method) {
            return refuse(
                "token_endpoint_auth_method",
                "client_secret_jwt needs a sealed secret, and the other methods a hashed one",
            );
        }
        let Hash::Sealed(sealed) = &self.hash else { return Ok(()) };
        if sealed.client() != id {
            return refuse("client_secret", "sealed for another client");
        }
        let mac = metadata.token_endpoint_auth_signing_alg.and_then(ClientAssertionAlg::mac);
        if mac.is_some_and(|alg| sealed.length() < alg.key_bytes()) {
            return refuse("token_endpoint_auth_signing_alg", "needs a secret as long as its hash");
        }
        Ok(())
    }

    fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| !end.has_passed(now))
    }

    /// As much work as comparing `presented` with one keyed hash, for a client that is not there.
    pub(crate) fn check_nothing(secrets: &SystemSecrets, presented: Option<&Secret>) {
        let text = presented.map_or("", Secret::expose);
        let nothing = [0; 32];
        let equal: bool = mac(secrets.pepper().1, &[text.as_bytes()]).ct_eq(&nothing).into();
        black_box(equal);
    }
}
