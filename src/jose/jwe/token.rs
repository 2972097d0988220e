//! The compact serialization: reading (RFC 7516 sections 3.1 and 7.1).

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::JweHeader;
use super::content::Sealed;
use crate::jose::{ContentEnc, JoseError, Jws, KeyAlg, MAX_TOKEN_BYTES};

/// A compact JWE, taken apart and bounded; nothing in it is decrypted yet.
#[derive(Clone, PartialEq, Eq)]
pub struct Jwe {
    header: JweHeader,
    /// The header as it was sent: the data that is authenticated with the content.
    protected: String,
    encrypted_key: Vec<u8>,
    iv: Vec<u8>,
    ciphertext: Vec<u8>,
    tag: Vec<u8>,
}

impl Jwe {
    /// Takes `token` apart: five parts of base64url in the one canonical encoding, at most 16 KiB together, with a
    /// header of at most 8 KiB, 32 members and 4 levels.
    ///
    /// # Errors
    /// [`JoseError`]: `TooLong`, `Unencrypted`, `Malformed`, `Header` or `Extension`.
    pub fn parse(token: &str) -> Result<Self, JoseError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(JoseError::TooLong);
        }
        match token.bytes().filter(|byte| *byte == b'.').count() {
            4 => {}
            2 => return Err(JoseError::Unencrypted),
            _ => return Err(JoseError::Malformed),
        }
        let mut parts = token.split('.');
        let mut part = || parts.next().ok_or(JoseError::Malformed);
        let protected = part()?;
        let header = JweHeader::parse(&decode(protected)?)?;
        let (encrypted_key, iv) = (decode(part()?)?, decode(part()?)?);
        let (ciphertext, tag) = (decode(part()?)?, decode(part()?)?);
        Ok(Self { header, protected: protected.to_owned(), encrypted_key, iv, ciphertext, tag })
    }

    /// The header. It is authentic once the token has been decrypted.
    #[must_use]
    pub const fn header(&self) -> &JweHeader {
        &self.header
    }

    pub(super) fn encrypted_key(&self) -> &[u8] {
        &self.encrypted_key
    }

    pub(super) fn sealed(&self) -> Sealed<'_> {
        Sealed { aad: self.protected.as_bytes(), iv: &self.iv, ciphertext: &self.ciphertext, tag: &self.tag }
    }
}

impl fmt::Debug for Jwe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwe").field("header", &self.header).finish_non_exhaustive()
    }
}

/// The algorithms that a recipient expects of a token, from its own settings or the sender's registration: never
/// from the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectedEncryption<'a> {
    algs: &'a [KeyAlg],
    encs: &'a [ContentEnc],
}

impl<'a> ExpectedEncryption<'a> {
    /// Any of `algs` with any of `encs`; an empty list is met by no token.
    #[must_use]
    pub const fn new(algs: &'a [KeyAlg], encs: &'a [ContentEnc]) -> Self {
        Self { algs, encs }
    }

    /// The two algorithms of `header`, when both are expected.
    pub(super) fn met_by(&self, header: &JweHeader) -> Result<(KeyAlg, ContentEnc), JoseError> {
        let alg = header.alg().filter(|alg| self.algs.contains(alg)).ok_or(JoseError::Algorithm)?;
        let enc = header.enc().filter(|enc| self.encs.contains(enc)).ok_or(JoseError::Algorithm)?;
        Ok((alg, enc))
    }
}

/// [`KeyAlg::DEFAULT_INBOUND`] with [`ContentEnc::DEFAULT_INBOUND`].
impl Default for ExpectedEncryption<'_> {
    fn default() -> Self {
        Self::new(KeyAlg::DEFAULT_INBOUND, ContentEnc::DEFAULT_INBOUND)
    }
}

/// What was in an encrypted token. Anyone may have written it: encrypting takes a public key only, so that a content
/// must be signed to be believed. The memory is wiped on drop.
pub struct Decrypted {
    pub(super) payload: Zeroizing<Vec<u8>>,
    pub(super) is_nested: bool,
}

impl Decrypted {
    /// The content as it is, not signed unless it is a token itself.
    #[must_use]
    pub fn unverified_payload(&self) -> &[u8] {
        &self.payload
    }

    /// The signed token inside, which is still to be verified.
    ///
    /// The header must say `cty` of `JWT` (RFC 7519 section 5.2), and the token inside must be signed and must not
    /// hold another one: one nesting, and no more.
    ///
    /// # Errors
    /// [`JoseError::Nesting`] when it is not so; what [`Jws::parse`] says of the token inside.
    pub fn jws(&self) -> Result<Jws, JoseError> {
        if !self.is_nested {
            return Err(JoseError::Nesting);
        }
        let token = std::str::from_utf8(&self.payload).map_err(|_| JoseError::Malformed)?;
        match Jws::parse(token) {
            Ok(jws) if jws.header().is_nested() => Err(JoseError::Nesting),
            Err(JoseError::Encrypted) => Err(JoseError::Nesting),
            outcome => outcome,
        }
    }
}

impl fmt::Debug for Decrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decrypted(..)")
    }
}

fn decode(part: &str) -> Result<Vec<u8>, JoseError> {
    BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| JoseError::Malformed)
}
