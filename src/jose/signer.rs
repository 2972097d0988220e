//! Private keys that sign.

use std::fmt;
use std::fmt::Debug;

use async_trait::async_trait;

use super::engine::{self, EngineSigner};
use super::private_jwk::{self, PrivateMembers, Purpose};
use super::public_key::KeyKind;
use super::{Jwk, PrivateKeyError, SigningAlg, Verifier};
use crate::error::{BoxError, Error, Internal};
use crate::secret::Secret;

/// A private key, wherever it is kept: in memory, in a hardware module, at a key service.
///
/// Hosts implement it for keys that must not be in memory. Input is any bytes; output must be the raw signature of
/// RFC 7518 section 3 (ECDSA: both numbers at full length, one after the other). An implementation must give up
/// after a bounded time, and must not log the message, which is a token but for its signature.
#[async_trait]
pub trait Signer: Debug + Send + Sync {
    /// The one algorithm that the key is used with.
    fn algorithm(&self) -> SigningAlg;

    /// The public half, under the name that tokens carry as their `kid`.
    fn public_key(&self) -> &Jwk;

    /// The signature over `message`.
    ///
    /// # Errors
    /// [`SignError`] when the key cannot be used now.
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;

    /// The private JWK as JSON, for a [`Keyring`](super::Keyring) to export. A key that is kept elsewhere has none.
    fn private_jwk(&self) -> Option<Secret> {
        None
    }
}

const _: fn(&dyn Signer) = |_| ();

/// A signer could not sign; the cause is for logs.
#[derive(Debug, thiserror::Error)]
#[error("could not sign a token")]
pub struct SignError(#[source] BoxError);

impl SignError {
    /// A failure caused by `source`, which must not hold key material.
    #[must_use]
    pub fn new(source: impl Into<BoxError>) -> Self {
        Self(source.into())
    }
}

impl From<SignError> for Error {
    fn from(error: SignError) -> Self {
        Self::Internal(Internal::new("could not sign a token", error.0))
    }
}

/// What is signed to see whether the halves of a key belong together.
const PROBE: &[u8] = b"the two halves of this key belong together";

/// Why a key did not stand its test.
pub(super) enum Unproven {
    PrivateKey(PrivateKeyError),
    Sign(SignError),
}

/// Signs once with `signer`, wherever it keeps its key, and verifies under the public half that it names.
pub(super) async fn prove(signer: &dyn Signer) -> Result<(), Unproven> {
    let signature = signer.sign(PROBE).await.map_err(Unproven::Sign)?;
    verify_probe(signer.public_key(), signer.algorithm(), &signature).map_err(Unproven::PrivateKey)
}

fn verify_probe(public: &Jwk, alg: SigningAlg, signature: &[u8]) -> Result<(), PrivateKeyError> {
    let verifier = Verifier::new(public, alg).map_err(|_| PrivateKeyError::Unfit)?;
    verifier.verify(PROBE, signature).map_err(|_| PrivateKeyError::Mismatch)
}

/// A private key in memory.
pub struct JoseSigner {
    alg: SigningAlg,
    public: Jwk,
    engine: EngineSigner,
    private: Secret,
}

impl JoseSigner {
    /// Reads a private JWK for `alg`. Its `kid` is kept; without one the thumbprint becomes the `kid`.
    ///
    /// A signature is made and verified once, so that a key whose halves differ is found here.
    ///
    /// # Errors
    /// [`PrivateKeyError`] when the text is not a sound private key for this algorithm.
    pub fn from_jwk(private_jwk: &Secret, alg: SigningAlg) -> Result<Self, PrivateKeyError> {
        Self::from_members(&PrivateMembers::parse(private_jwk)?, alg)
    }

    /// Makes a new key for `alg`: RSA of 3072 bits, or of the algorithm's curve. Its `kid` is its thumbprint.
    ///
    /// An RSA key can take seconds, in which the thread does nothing else.
    /// The randomness is OpenSSL's own and not that of an injected [`Entropy`](crate::entropy::Entropy).
    ///
    /// # Errors
    /// [`PrivateKeyError::Generation`] when the library fails.
    pub fn generate(alg: SigningAlg) -> Result<Self, PrivateKeyError> {
        let members = engine::generate(KeyKind::signing(alg)).map_err(|_| PrivateKeyError::Generation)?;
        Self::from_members(&PrivateMembers::new(members), alg)
    }

    /// The private JWK as JSON, with its `kid` and `alg`: what [`JoseSigner::from_jwk`] reads.
    #[must_use]
    pub fn export(&self) -> Secret {
        self.private.clone()
    }

    /// The algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> SigningAlg {
        self.alg
    }

    /// The public half, with `kid`, `use` and `alg`.
    #[must_use]
    pub const fn public_key(&self) -> &Jwk {
        &self.public
    }

    /// Reads a private JWK that is parsed already.
    pub(super) fn from_members(members: &PrivateMembers, alg: SigningAlg) -> Result<Self, PrivateKeyError> {
        let public = public_half(members, alg)?;
        let private = private_jwk::write(members, &public);
        // `EngineSigner` wipes what it is given.
        let engine = EngineSigner::new(private_jwk::key_members(members), alg);
        let engine = engine.map_err(|_| PrivateKeyError::Malformed)?;
        let signer = Self { alg, public, engine, private };
        signer.test()?;
        Ok(signer)
    }

    /// Signs once and verifies, which josekit leaves to its users.
    fn test(&self) -> Result<(), PrivateKeyError> {
        let signature = self.engine.sign(PROBE).map_err(|_| PrivateKeyError::Mismatch)?;
        verify_probe(&self.public, self.alg, &signature)
    }
}

/// The public JWK of a private one that may sign with `alg`.
pub(super) fn public_half(members: &PrivateMembers, alg: SigningAlg) -> Result<Jwk, PrivateKeyError> {
    let purpose = Purpose { public_key_use: "sig", key_ops: &["sign"], alg: alg.as_str() };
    let public = private_jwk::public_half(members, purpose)?;
    if !public.fits(alg) {
        return Err(PrivateKeyError::Unfit);
    }
    Ok(public)
}

#[async_trait]
impl Signer for JoseSigner {
    fn algorithm(&self) -> SigningAlg {
        self.alg
    }

    fn public_key(&self) -> &Jwk {
        &self.public
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.engine.sign(message).map_err(|_| SignError::new("the cryptographic library refused"))
    }

    fn private_jwk(&self) -> Option<Secret> {
        Some(self.export())
    }
}

impl fmt::Debug for JoseSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoseSigner({}, {:?}, ..)", self.alg, self.public.kid())
    }
}
