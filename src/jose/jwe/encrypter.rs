//! Encrypting to a public key of somebody else's.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::header::Written;
use super::key_management::KeyEncrypter;
use crate::entropy::{Entropy, EntropyError};
use crate::error::{Error, Internal};
use crate::jose::{ContentEnc, JoseError, Jwk, JwkSet, KeyAlg};
use crate::types::KeyId;

/// One public key with the two algorithms that are used with it, parsed. Cheap to clone.
#[derive(Clone)]
pub struct Encrypter {
    alg: KeyAlg,
    enc: ContentEnc,
    kid: Option<KeyId>,
    engine: Arc<KeyEncrypter>,
}

/// What is encrypted.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Content<'a> {
    /// Claims as JSON, which nobody signs.
    Claims(&'a [u8]),
    /// A signed token: the header then says `cty` of `JWT` (RFC 7519 section 5.2).
    Jws(&'a str),
}

impl Encrypter {
    /// The encrypter to `key`. The key keeps what was built, so that asking again costs nothing.
    ///
    /// # Errors
    /// [`JoseError::NoKey`] when the key is not for this algorithm, by its type, `use`, `key_ops` or `alg`.
    pub fn new(key: &Jwk, alg: KeyAlg, enc: ContentEnc) -> Result<Self, JoseError> {
        let engine = key.encrypter(alg).ok_or(JoseError::NoKey)?;
        Ok(Self { alg, enc, kid: key.kid().cloned(), engine })
    }

    /// The encrypter to the key that [`JwkSet::encryption_key`] chooses of `keys`.
    ///
    /// # Errors
    /// [`JoseError::NoKey`] when none is for this algorithm.
    pub fn from_set(keys: &JwkSet, alg: KeyAlg, enc: ContentEnc) -> Result<Self, JoseError> {
        Self::new(keys.encryption_key(alg).ok_or(JoseError::NoKey)?, alg, enc)
    }

    /// The name of the recipient's key.
    #[must_use]
    pub const fn kid(&self) -> Option<&KeyId> {
        self.kid.as_ref()
    }

    /// Writes a compact JWE with the `kid` of the key in its header. It is a third longer than `content`, and a few
    /// hundred bytes; nothing is compressed.
    ///
    /// The content's key and vector come from `entropy`, the sender's half of a key agreement from OpenSSL's own
    /// random source.
    ///
    /// # Errors
    /// [`EncryptError`] when a random source or the library fails.
    pub fn encrypt(&self, content: Content<'_>, entropy: &dyn Entropy) -> Result<String, EncryptError> {
        let (plaintext, cty) = match content {
            Content::Claims(claims) => (claims, None),
            Content::Jws(token) => (token.as_bytes(), Some("JWT")),
        };
        let mut drawn = Zeroizing::new(vec![0; self.enc.key_len()]);
        let mut iv = vec![0; self.enc.iv_len()];
        entropy.fill(&mut drawn)?;
        entropy.fill(&mut iv)?;
        let sent = self.engine.send(self.enc, drawn).map_err(|_| EncryptError::Library)?;
        let kid = self.kid.as_ref().map(KeyId::as_str);
        let header = Written { alg: self.alg, enc: self.enc, cty, kid, epk: sent.epk };
        let header = serde_json::to_vec(&header).expect("a struct of texts always serialises");
        let mut token = BASE64_URL_SAFE_NO_PAD.encode(header);
        let sealed = self.enc.encrypt(&sent.key, &iv, token.as_bytes(), plaintext);
        let (ciphertext, tag) = sealed.map_err(|_| EncryptError::Library)?;
        for part in [sent.encrypted_key, iv, ciphertext, tag] {
            token.push('.');
            BASE64_URL_SAFE_NO_PAD.encode_string(part, &mut token);
        }
        Ok(token)
    }
}

impl fmt::Debug for Encrypter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Encrypter({}, {}, {:?})", self.alg, self.enc, self.kid)
    }
}

impl fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Claims(_) => "Claims(..)",
            Self::Jws(_) => "Jws(..)",
        })
    }
}

/// A token could not be encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncryptError {
    /// The random source failed.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The cryptographic library refused or panicked.
    #[error("the cryptographic library refused")]
    Library,
}

impl From<EncryptError> for Error {
    fn from(error: EncryptError) -> Self {
        Self::Internal(Internal::new("could not encrypt a token", error))
    }
}
