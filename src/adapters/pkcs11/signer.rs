//! A key of a token as a signer.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::key::KeyIdentity;
use super::mechanism::Scheme;
use super::sessions::Open;
use super::{Pkcs11Error, Pkcs11Token};
use crate::jose::{Jwk, SignError, Signer, SigningAlg, Verifier};
use crate::types::KeyId;

/// What is signed to see whether the halves of a key belong together.
const PROBE: &[u8] = b"the two halves of this key belong together";

/// A private key that stays in a token: [`Pkcs11Token::signer`].
#[derive(Clone)]
pub struct Pkcs11Signer {
    token: Pkcs11Token,
    key: Arc<KeyIdentity>,
    public: Jwk,
    alg: SigningAlg,
}

impl Pkcs11Signer {
    /// The same key under another `kid` than its thumbprint.
    #[must_use]
    pub fn with_kid(mut self, kid: KeyId) -> Self {
        self.public = self.public.with_kid(kid);
        self
    }

    /// A signer that has signed once.
    pub(super) async fn proven(
        token: Pkcs11Token,
        key: KeyIdentity,
        public: Jwk,
        alg: SigningAlg,
    ) -> Result<Self, Pkcs11Error> {
        let signer = Self { token, key: Arc::new(key), public, alg };
        let signature = signer.signature(PROBE).await?;
        let verifier = Verifier::new(&signer.public, alg).map_err(|_| Pkcs11Error::Unfit)?;
        verifier.verify(PROBE, &signature).map_err(|_| Pkcs11Error::Unfit)?;
        Ok(signer)
    }

    async fn signature(&self, message: &[u8]) -> Result<Vec<u8>, Pkcs11Error> {
        let (key, alg, message) = (Arc::clone(&self.key), self.alg, message.to_vec());
        let signed = self.token.run(move |sessions| {
            let scheme = Scheme::of(alg)?;
            let input = scheme.input(&message);
            sessions.sign(|open| sign(open, &key, &scheme, &input))
        });
        signed.await
    }
}

fn sign(open: &mut Open, key: &KeyIdentity, scheme: &Scheme, input: &[u8]) -> Result<Vec<u8>, Pkcs11Error> {
    let handle = open.private_key(key)?;
    let signature = open.session.sign(&scheme.mechanism, handle, input)?;
    match scheme.number_bytes {
        Some(bytes) if signature.len() != 2 * bytes => Err(Pkcs11Error::Unfit),
        Some(_) | None => Ok(signature),
    }
}

#[async_trait]
impl Signer for Pkcs11Signer {
    fn algorithm(&self) -> SigningAlg {
        self.alg
    }

    fn public_key(&self) -> &Jwk {
        &self.public
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.signature(message).await.map_err(SignError::new)
    }
}

impl fmt::Debug for Pkcs11Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pkcs11Signer")
            .field("alg", &self.alg)
            .field("kid", &self.public.kid())
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}
