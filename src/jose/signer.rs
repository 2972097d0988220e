//! Private keys that sign.

use std::fmt;
use std::fmt::Debug;

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::engine::{self, EngineSigner};
use super::{InvalidJwk, Jwk, SigningAlg, Verifier};
use crate::error::{BoxError, Error, Internal};
use crate::secret::Secret;
use crate::types::KeyId;
use crate::types::json::parse_strict;

/// Most bytes in a private JWK: the eight numbers of an 8192-bit RSA key take half of it.
const MAX_PRIVATE_JWK_BYTES: usize = 16 * 1024;

/// The members of a private JWK that are the key.
const KEY_MEMBERS: [&str; 12] = ["kty", "crv", "x", "y", "n", "e", "d", "p", "q", "dp", "dq", "qi"];

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

/// Why a private key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignerError {
    /// The cryptographic library could not make a key.
    #[error("could not generate a key")]
    Generation,
    /// The public half is refused.
    #[error("the public half of the private jwk is refused: {0}")]
    Public(#[from] InvalidJwk),
    /// The text is not a private JWK: not JSON, or a member is missing or wrong.
    #[error("the private jwk is malformed")]
    Malformed,
    /// The key is of another type or curve, or its `use`, `key_ops` or `alg` forbid signing with this algorithm.
    #[error("the private jwk is not for this algorithm")]
    Unfit,
    /// A signature made with the private half does not verify under the public half.
    #[error("the private and the public half of the jwk do not belong together")]
    Mismatch,
}

/// What is signed to see whether the halves of a key belong together.
const PROBE: &[u8] = b"the two halves of this key belong together";

/// Why a key did not stand its test.
pub(super) enum Unproven {
    Sign(SignError),
    Signer(SignerError),
}

/// Signs once with `signer`, wherever it keeps its key, and verifies under the public half that it names.
pub(super) async fn prove(signer: &dyn Signer) -> Result<(), Unproven> {
    let signature = signer.sign(PROBE).await.map_err(Unproven::Sign)?;
    verify_probe(signer.public_key(), signer.algorithm(), &signature).map_err(Unproven::Signer)
}

fn verify_probe(public: &Jwk, alg: SigningAlg, signature: &[u8]) -> Result<(), SignerError> {
    let verifier = Verifier::new(public, alg).map_err(|_| SignerError::Unfit)?;
    verifier.verify(PROBE, signature).map_err(|_| SignerError::Mismatch)
}

/// The members of a private JWK, wiped when they are dropped.
pub(super) struct PrivateMembers(pub(super) Map<String, Value>);

impl PrivateMembers {
    pub(super) fn parse(private_jwk: &Secret) -> Result<Self, SignerError> {
        let parsed = parse_strict(private_jwk.expose().as_bytes(), MAX_PRIVATE_JWK_BYTES, 3);
        match parsed {
            Ok(Value::Object(members)) => Ok(Self(members)),
            _ => Err(SignerError::Malformed),
        }
    }
}

impl Drop for PrivateMembers {
    fn drop(&mut self) {
        engine::wipe(&mut self.0);
    }
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
    /// [`SignerError`] when the text is not a sound private key for this algorithm.
    pub fn from_jwk(private_jwk: &Secret, alg: SigningAlg) -> Result<Self, SignerError> {
        Self::from_members(&PrivateMembers::parse(private_jwk)?, alg)
    }

    /// Makes a new key for `alg`: RSA of 3072 bits, or of the algorithm's curve. Its `kid` is its thumbprint.
    ///
    /// An RSA key can take seconds, in which the thread does nothing else.
    /// The randomness is OpenSSL's own and not that of an injected [`Entropy`](crate::entropy::Entropy).
    ///
    /// # Errors
    /// [`SignerError::Generation`] when the library fails.
    pub fn generate(alg: SigningAlg) -> Result<Self, SignerError> {
        let members = engine::generate(alg).map_err(|_| SignerError::Generation)?;
        Self::from_members(&PrivateMembers(members), alg)
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
    pub(super) fn from_members(members: &PrivateMembers, alg: SigningAlg) -> Result<Self, SignerError> {
        let public = public_half(members, alg)?;
        let PrivateMembers(members) = members;
        let private = private_jwk(members, &public);
        // `EngineSigner` wipes what it is given.
        let key = members.iter().filter(|(name, _)| KEY_MEMBERS.contains(&name.as_str()));
        let key = key.map(|(name, value)| (name.clone(), value.clone())).collect();
        let engine = EngineSigner::new(key, alg).map_err(|_| SignerError::Malformed)?;
        let signer = Self { alg, public, engine, private };
        signer.test()?;
        Ok(signer)
    }

    /// Signs once and verifies, which josekit leaves to its users.
    fn test(&self) -> Result<(), SignerError> {
        let signature = self.engine.sign(PROBE).map_err(|_| SignerError::Mismatch)?;
        verify_probe(&self.public, self.alg, &signature)
    }
}

/// The private JWK as it is exported: the key, its `kid` and its `alg`.
fn private_jwk(members: &Map<String, Value>, public: &Jwk) -> Secret {
    let described = public.to_value();
    let mut all: Map<String, Value> = ["kid", "alg"]
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), described.get(*name)?.clone())))
        .collect();
    let key = members.iter().filter(|(name, _)| KEY_MEMBERS.contains(&name.as_str()));
    all.extend(key.map(|(name, value)| (name.clone(), value.clone())));
    // With room for all of it at once: a buffer that grows leaves copies behind.
    let mut text = Vec::with_capacity(MAX_PRIVATE_JWK_BYTES);
    serde_json::to_writer(&mut text, &all).expect("a map of json values always serialises");
    engine::wipe(&mut all);
    Secret::new(String::from_utf8(text).expect("json is utf-8"))
}

/// The public JWK of a private one that may sign with `alg`.
pub(super) fn public_half(members: &PrivateMembers, alg: SigningAlg) -> Result<Jwk, SignerError> {
    let PrivateMembers(members) = members;
    let forbidden = members.get("use").is_some_and(|usage| usage != "sig")
        || members.get("alg").is_some_and(|named| named != alg.as_str())
        || members
            .get("key_ops")
            .is_some_and(|ops| !ops.as_array().is_some_and(|ops| ops.iter().any(|op| op == "sign")));
    if forbidden {
        return Err(SignerError::Unfit);
    }
    let mut half: Map<String, Value> = ["kty", "crv", "x", "y", "n", "e", "kid"]
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), members.get(*name)?.clone())))
        .collect();
    half.insert("use".to_owned(), "sig".into());
    half.insert("alg".to_owned(), alg.as_str().into());
    let public = Jwk::parse(&Value::Object(half))?;
    if !public.fits(alg) {
        return Err(SignerError::Unfit);
    }
    if public.kid().is_some() {
        return Ok(public);
    }
    let kid = KeyId::new(public.thumbprint()).map_err(|_| SignerError::Malformed)?;
    Ok(public.with_kid(kid))
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
