//! Private keys that decrypt.

use std::fmt;

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha512};
use zeroize::Zeroizing;

use super::header::Agreement;
use super::key_management::KeyDecrypter;
use super::{Decrypted, ExpectedEncryption, Jwe};
use crate::jose::engine::{self, EngineError};
use crate::jose::private_jwk::{self, PrivateMembers, Purpose};
use crate::jose::public_key::{KeyKind, PublicKey};
use crate::jose::{ContentEnc, JoseError, Jwk, KeyAlg, PrivateKeyError};
use crate::secret::Secret;

/// Bytes that wrapping adds to a key (RFC 3394 section 2.2.1).
const WRAPPING_BYTES: usize = 8;

/// Bytes in the longest content encryption key.
const MAX_KEY_BYTES: usize = 64;

/// A curve on which two sides agree on a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AgreementCurve {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
    /// Curve25519, as RFC 8037 section 3.2 uses it.
    X25519,
}

/// A private key in memory that decrypts what was encrypted to its public half, by one algorithm.
pub struct DecryptionKey {
    alg: KeyAlg,
    public: Jwk,
    engine: KeyDecrypter,
    private: Secret,
    /// What takes the place of a content encryption key that could not be found; nobody knows it.
    decoy: Zeroizing<[u8; MAX_KEY_BYTES]>,
}

impl DecryptionKey {
    /// Reads a private JWK for `alg`: RSA, or EC on P-256, P-384 or P-521, or OKP on X25519. Its `kid` is kept; without
    /// one the thumbprint becomes the `kid`.
    ///
    /// A key is sent to it and received once, so that a key whose halves differ is found here.
    ///
    /// # Errors
    /// [`PrivateKeyError`] when the text is not a sound private key for this algorithm.
    pub fn from_jwk(private_jwk: &Secret, alg: KeyAlg) -> Result<Self, PrivateKeyError> {
        Self::from_members(&PrivateMembers::parse(private_jwk)?, alg)
    }

    /// Makes a new key for `alg`: RSA of 3072 bits, or on P-256. Its `kid` is its thumbprint.
    ///
    /// An RSA key can take seconds, in which the thread does nothing else.
    /// The randomness is OpenSSL's own and not that of an injected [`Entropy`](crate::entropy::Entropy).
    ///
    /// # Errors
    /// [`PrivateKeyError::Generation`] when the library fails.
    pub fn generate(alg: KeyAlg) -> Result<Self, PrivateKeyError> {
        Self::generate_kind(alg, if alg == KeyAlg::RsaOaep256 { KeyKind::Rsa } else { KeyKind::P256 })
    }

    /// Makes a new key for `alg`, which must be one of key agreement, on `curve`. Otherwise as
    /// [`DecryptionKey::generate`].
    ///
    /// # Errors
    /// [`PrivateKeyError::Unfit`] for RSA, [`PrivateKeyError::Generation`] when the library fails.
    pub fn generate_on(curve: AgreementCurve, alg: KeyAlg) -> Result<Self, PrivateKeyError> {
        let kind = match curve {
            AgreementCurve::P256 => KeyKind::P256,
            AgreementCurve::P384 => KeyKind::P384,
            AgreementCurve::P521 => KeyKind::P521,
            AgreementCurve::X25519 => KeyKind::X25519,
        };
        Self::generate_kind(alg, kind)
    }

    fn generate_kind(alg: KeyAlg, kind: KeyKind) -> Result<Self, PrivateKeyError> {
        let members = engine::generate(kind).map_err(|_| PrivateKeyError::Generation)?;
        Self::from_members(&PrivateMembers::new(members), alg)
    }

    /// The private JWK as JSON, with its `kid` and `alg`: what [`DecryptionKey::from_jwk`] reads.
    #[must_use]
    pub fn export(&self) -> Secret {
        self.private.clone()
    }

    /// The algorithm: the only one that a token to this key may name.
    #[must_use]
    pub const fn algorithm(&self) -> KeyAlg {
        self.alg
    }

    /// The public half, with `kid`, `use` and `alg`: what is published.
    #[must_use]
    pub const fn public_key(&self) -> &Jwk {
        &self.public
    }

    /// Decrypts `jwe`.
    ///
    /// # Errors
    /// [`JoseError::Algorithm`] when its algorithms are not among the `expected`, or not this key's;
    /// [`JoseError::Panicked`] when the library failed; [`JoseError::Decryption`] for everything else, after the same
    /// work whether the encrypted key or the content is wrong.
    pub fn decrypt(&self, jwe: &Jwe, expected: &ExpectedEncryption<'_>) -> Result<Decrypted, JoseError> {
        let (alg, enc) = expected.met_by(jwe.header())?;
        if alg != self.alg {
            return Err(JoseError::Algorithm);
        }
        // What everyone can see to be wrong needs no private key.
        let header = self.agreement_header(&jwe.header().agreement).ok_or(JoseError::Decryption)?;
        let has_lengths = jwe.encrypted_key().len() == self.encrypted_key_len(enc);
        if !has_lengths || !enc.has_lengths_of(&jwe.sealed()) {
            return Err(JoseError::Decryption);
        }
        let received = match self.engine.receive(enc, jwe.encrypted_key(), header) {
            Ok(key) => Some(key).filter(|key| key.len() == enc.key_len()),
            Err(EngineError::Refused) => None,
            Err(EngineError::Panicked) => return Err(JoseError::Panicked),
        };
        // RFC 7516 section 11.5: a key that could not be found must not be told from a wrong one by the time it takes.
        let key = received.as_ref().map_or(self.decoy.get(..enc.key_len()).unwrap_or_default(), |key| key);
        match (enc.decrypt(key, jwe.sealed()), &received) {
            (Ok(payload), Some(_)) => Ok(Decrypted { payload, is_nested: jwe.header().is_nested() }),
            _ => Err(JoseError::Decryption),
        }
    }

    /// Reads a private JWK that is parsed already.
    pub(super) fn from_members(members: &PrivateMembers, alg: KeyAlg) -> Result<Self, PrivateKeyError> {
        let key_ops: &[&str] = match alg {
            KeyAlg::EcdhEs | KeyAlg::EcdhEsA128Kw | KeyAlg::EcdhEsA256Kw => &["deriveKey", "deriveBits"],
            KeyAlg::RsaOaep256 => &["unwrapKey", "decrypt"],
        };
        let purpose = Purpose { public_key_use: "enc", key_ops, alg: alg.as_str() };
        let public = private_jwk::public_half(members, purpose)?;
        if !public.fits_encryption(alg) {
            return Err(PrivateKeyError::Unfit);
        }
        let private = private_jwk::write(members, &public);
        // `KeyDecrypter` wipes what it is given.
        let engine = KeyDecrypter::new(private_jwk::key_members(members), alg);
        let engine = engine.map_err(|_| PrivateKeyError::Malformed)?;
        let decoy = Sha512::new().chain_update("decoy\0").chain_update(private.expose()).finalize();
        let key = Self { alg, public, engine, private, decoy: Zeroizing::new(decoy.into()) };
        key.test()?;
        Ok(key)
    }

    /// Sends a key to the public half and receives it, which josekit leaves to its users.
    fn test(&self) -> Result<(), PrivateKeyError> {
        const ENC: ContentEnc = ContentEnc::A256CbcHs512;
        let encrypter = self.public.encrypter(self.alg).ok_or(PrivateKeyError::Unfit)?;
        let probe = Zeroizing::new(self.decoy.to_vec());
        let sent = encrypter.send(ENC, probe).map_err(|_| PrivateKeyError::Mismatch)?;
        let header = sent.epk.map(|epk| ("epk".to_owned(), epk)).into_iter().collect();
        match self.engine.receive(ENC, &sent.encrypted_key, header) {
            Ok(key) if *key == *sent.key => Ok(()),
            _ => Err(PrivateKeyError::Mismatch),
        }
    }

    /// The one length that an encrypted key can have. Of another length it would make the library panic.
    fn encrypted_key_len(&self, enc: ContentEnc) -> usize {
        match self.alg {
            KeyAlg::EcdhEs => 0,
            KeyAlg::EcdhEsA128Kw | KeyAlg::EcdhEsA256Kw => enc.key_len() + WRAPPING_BYTES,
            KeyAlg::RsaOaep256 => self.public.public().modulus_bytes(),
        }
    }

    /// What the library is told of the sender's half of the agreement: a key of our curve, in its canonical form. A
    /// point that is not on the curve is found when it is used.
    fn agreement_header(&self, agreement: &Agreement) -> Option<Map<String, Value>> {
        let mut header = Map::new();
        if self.alg == KeyAlg::RsaOaep256 {
            return Some(header);
        }
        let epk = PublicKey::read(agreement.epk.as_ref()?).ok()?;
        if epk.kind() != self.public.public().kind() {
            return None;
        }
        header.insert("epk".to_owned(), Value::Object(epk.members().clone()));
        for (name, value) in [("apu", &agreement.apu), ("apv", &agreement.apv)] {
            if let Some(value) = value {
                header.insert(name.to_owned(), value.as_str().into());
            }
        }
        Some(header)
    }
}

impl fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecryptionKey({}, {:?}, ..)", self.alg, self.public.kid())
    }
}
