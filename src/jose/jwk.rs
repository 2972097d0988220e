//! Public keys as JSON (RFC 7517).

use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::engine::EngineVerifier;
use super::jwe::KeyEncrypter;
use super::public_key::{PublicKey, text};
use super::{KeyAlg, SigningAlg, Verifier};
use crate::types::KeyId;

/// Most entries in `key_ops`.
const MAX_KEY_OPS: usize = 16;

/// Why a JWK is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidJwk {
    /// A member is missing, has the wrong type or size, or is not canonical base64url.
    #[error("the jwk is malformed")]
    Malformed,
    /// A coordinate has the wrong length, or the point is not on its curve or of small order.
    #[error("the jwk is not a sound curve point")]
    Point,
    /// The key has private members.
    #[error("the jwk must not have private members")]
    Private,
    /// The modulus is not odd and of 2048 to 8192 bits, or the exponent is not 65537.
    #[error("an rsa jwk must have 2048 to 8192 bits and the exponent 65537")]
    Rsa,
    /// The key is symmetric.
    #[error("the jwk must not be symmetric")]
    Symmetric,
    /// The key type or curve is not one of EC (P-256, P-384, P-521), OKP (Ed25519, X25519) and RSA.
    #[error("the key type or curve of the jwk is not supported")]
    Unsupported,
}

/// A sound public key, with what its owner says about its use. Cheap to clone.
///
/// RSA of 2048 to 8192 bits with the exponent 65537, EC on P-256, P-384 or P-521 with coordinates of exact length and
/// a point on the curve, or Ed25519 or X25519 but for the points of small order. Every key has one form only, hence
/// one thumbprint.
#[derive(Clone)]
pub struct Jwk {
    kid: Option<KeyId>,
    key: Arc<Parsed>,
}

/// What does not change with the `kid`.
struct Parsed {
    public: PublicKey,
    thumbprint: String,
    usage: Usage,
    verifiers: Vec<Slot<SigningAlg, Verifier>>,
    encrypters: Vec<Slot<KeyAlg, Arc<KeyEncrypter>>>,
}

/// The place of what a key is used through with one algorithm that it fits: building that costs hundreds of
/// microseconds.
struct Slot<A, B> {
    alg: A,
    built: OnceLock<B>,
}

/// What the key may be used for (RFC 7517 sections 4.2 to 4.4).
#[derive(PartialEq, Eq)]
struct Usage {
    public_key_use: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
}

impl Jwk {
    /// Reads a public key; members that are not known here are ignored.
    ///
    /// # Errors
    /// [`InvalidJwk`] when it is no object of the right shape, a private or symmetric key, of an unsupported kind, or
    /// not sound.
    pub fn parse(jwk: &Value) -> Result<Self, InvalidJwk> {
        Self::parse_keeping(jwk, &[])
    }

    /// The thumbprint of what may be a key: nobody has looked whether its point is on its curve.
    pub(super) fn claimed_thumbprint(jwk: &Value) -> Result<String, InvalidJwk> {
        Ok(PublicKey::read(jwk.as_object().ok_or(InvalidJwk::Malformed)?)?.thumbprint())
    }

    /// Reads a public key; one that is among `known` keeps the verifiers that were built for it.
    pub(super) fn parse_keeping(jwk: &Value, known: &[Self]) -> Result<Self, InvalidJwk> {
        let members = jwk.as_object().ok_or(InvalidJwk::Malformed)?;
        let public = PublicKey::read(members)?;
        let usage = Usage::read(members)?;
        let kid = match text(members, "kid")? {
            None => None,
            Some(kid) => Some(KeyId::new(kid).map_err(|_| InvalidJwk::Malformed)?),
        };
        let same = |key: &&Self| key.kid == kid && key.key.public == public && key.key.usage == usage;
        if let Some(same) = known.iter().find(same) {
            return Ok(same.clone());
        }
        let thumbprint = public.thumbprint();
        let kind = public.kind();
        let signing = kind.signing_algorithms().iter().copied().filter(|alg| usage.allows_verifying(*alg));
        let encryption = kind.key_algorithms().iter().copied().filter(|alg| usage.allows_encrypting(*alg));
        let (verifiers, encrypters) = (signing.map(Slot::new).collect(), encryption.map(Slot::new).collect());
        let key = Arc::new(Parsed { public, thumbprint, usage, verifiers, encrypters });
        if !key.is_point_on_curve() {
            return Err(InvalidJwk::Point);
        }
        Ok(Self { kid, key })
    }

    /// The key's name.
    #[must_use]
    pub const fn kid(&self) -> Option<&KeyId> {
        self.kid.as_ref()
    }

    /// The same key under the name `kid`.
    #[must_use]
    pub fn with_kid(mut self, kid: KeyId) -> Self {
        self.kid = Some(kid);
        self
    }

    /// Whether the key may verify signatures of `alg`: by its type and curve, and by its `use`, `key_ops` and `alg`.
    #[must_use]
    pub fn fits(&self, alg: SigningAlg) -> bool {
        self.key.verifiers.iter().any(|slot| slot.alg == alg)
    }

    /// Whether the key may be encrypted to by `alg`: by its type and curve, and by its `use`, `key_ops` and `alg`.
    #[must_use]
    pub fn fits_encryption(&self, alg: KeyAlg) -> bool {
        self.key.encrypters.iter().any(|slot| slot.alg == alg)
    }

    /// Whether the owner of a key that fits encryption says so, rather than nothing at all.
    pub(super) fn is_meant_for_encryption(&self) -> bool {
        self.key.usage.public_key_use.is_some() || self.key.usage.alg.is_some()
    }

    /// The key's SHA-256 thumbprint in base64url: 43 characters (RFC 7638).
    #[must_use]
    pub fn thumbprint(&self) -> String {
        self.key.thumbprint.clone()
    }

    /// The key as JSON: the members that make the key, then `kid`, `use`, `key_ops` and `alg` as far as they are
    /// known, and nothing else of what was read.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut members = self.key.public.members().clone();
        let usage = &self.key.usage;
        let described = [
            ("kid", self.kid.as_ref().map(|kid| kid.as_str().into())),
            ("use", usage.public_key_use.clone().map(Value::from)),
            ("key_ops", usage.key_ops.clone().map(Value::from)),
            ("alg", usage.alg.clone().map(Value::from)),
        ];
        members.extend(described.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        Value::Object(members)
    }

    /// Whether what is built for one of the two serves the other.
    #[cfg(test)]
    pub(crate) fn shares_verifiers(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.key, &other.key)
    }

    /// The verifier for `alg`, built once for all clones of this key; `None` when the key does not fit.
    pub(super) fn verifier(&self, alg: SigningAlg) -> Option<Verifier> {
        self.key.verifier(alg)
    }

    /// The encrypter for `alg`, built once for all clones of this key; `None` when the key does not fit.
    pub(super) fn encrypter(&self, alg: KeyAlg) -> Option<Arc<KeyEncrypter>> {
        self.key.encrypter(alg)
    }

    pub(super) fn public(&self) -> &PublicKey {
        &self.key.public
    }
}

impl Parsed {
    fn verifier(&self, alg: SigningAlg) -> Option<Verifier> {
        let slot = self.verifiers.iter().find(|slot| slot.alg == alg)?;
        slot.filled(|| build_verifier(&self.public, alg))
    }

    fn encrypter(&self, alg: KeyAlg) -> Option<Arc<KeyEncrypter>> {
        let slot = self.encrypters.iter().find(|slot| slot.alg == alg)?;
        slot.filled(|| build_encrypter(&self.public, alg))
    }

    /// Building a verifier or an encrypter is also what finds a point that is not on its curve: the first that the
    /// key fits is built and kept, and one is built and dropped when its owner allows none.
    fn is_point_on_curve(&self) -> bool {
        if let Some(slot) = self.verifiers.first() {
            return self.verifier(slot.alg).is_some();
        }
        if let Some(slot) = self.encrypters.first() {
            return self.encrypter(slot.alg).is_some();
        }
        let kind = self.public.kind();
        match kind.signing_algorithms().first() {
            Some(alg) => build_verifier(&self.public, *alg).is_some(),
            None => {
                let alg = kind.key_algorithms().first();
                alg.and_then(|alg| build_encrypter(&self.public, *alg)).is_some()
            }
        }
    }
}

impl<A, B: Clone> Slot<A, B> {
    const fn new(alg: A) -> Self {
        Self { alg, built: OnceLock::new() }
    }

    /// What is in the slot, put there by `build` when there is nothing yet.
    fn filled(&self, build: impl FnOnce() -> Option<B>) -> Option<B> {
        if let Some(built) = self.built.get() {
            return Some(built.clone());
        }
        // Two may build at once; one of the two is kept. A failure, as for want of memory, is not.
        let built = build()?;
        Some(self.built.get_or_init(|| built).clone())
    }
}

fn build_verifier(public: &PublicKey, alg: SigningAlg) -> Option<Verifier> {
    let engine = EngineVerifier::new(public.members().clone(), alg).ok()?;
    Some(Verifier::from_engine(alg, Arc::new(engine)))
}

fn build_encrypter(public: &PublicKey, alg: KeyAlg) -> Option<Arc<KeyEncrypter>> {
    KeyEncrypter::new(public.members().clone(), alg).ok().map(Arc::new)
}

impl Usage {
    fn read(members: &Map<String, Value>) -> Result<Self, InvalidJwk> {
        let owned = |name| Ok(text(members, name)?.map(str::to_owned));
        let key_ops = match members.get("key_ops") {
            None => None,
            Some(Value::Array(ops)) if ops.len() <= MAX_KEY_OPS => {
                let ops = ops.iter().map(|op| op.as_str().map(str::to_owned));
                Some(ops.collect::<Option<Vec<_>>>().ok_or(InvalidJwk::Malformed)?)
            }
            Some(_) => return Err(InvalidJwk::Malformed),
        };
        Ok(Self { public_key_use: owned("use")?, key_ops, alg: owned("alg")? })
    }

    fn allows_verifying(&self, alg: SigningAlg) -> bool {
        self.allows("sig", &["verify"], alg.as_str())
    }

    /// RFC 7517 section 4.3 has two names each for encrypting a key and for agreeing on one.
    fn allows_encrypting(&self, alg: KeyAlg) -> bool {
        let ops = match alg {
            KeyAlg::EcdhEs | KeyAlg::EcdhEsA128Kw | KeyAlg::EcdhEsA256Kw => ["deriveKey", "deriveBits"],
            KeyAlg::RsaOaep256 => ["wrapKey", "encrypt"],
        };
        self.allows("enc", &ops, alg.as_str())
    }

    fn allows(&self, public_key_use: &str, key_ops: &[&str], alg: &str) -> bool {
        self.public_key_use.as_ref().is_none_or(|usage| usage == public_key_use)
            && self.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| key_ops.contains(&op.as_str())))
            && self.alg.as_ref().is_none_or(|named| named == alg)
    }
}

impl PartialEq for Jwk {
    fn eq(&self, other: &Self) -> bool {
        self.kid == other.kid && self.key.public == other.key.public && self.key.usage == other.key.usage
    }
}

impl Eq for Jwk {}

impl fmt::Debug for Jwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Jwk");
        shown.field("kid", &self.kid.as_ref().map(KeyId::as_str)).field("kind", &self.key.public.kind());
        shown.field("thumbprint", &self.key.thumbprint).finish()
    }
}

impl Serialize for Jwk {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Jwk {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
