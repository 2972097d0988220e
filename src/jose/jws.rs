//! The compact serialization: reading, verifying, signing (RFC 7515 sections 3.1 and 7.1).

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;

use super::header::parse_members;
use super::{Header, JoseError, JwkSet, MacAlg, MacKey, SignError, Signer, SigningHeader, Verifier};

/// Most bytes in a token.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// A compact JWS, taken apart and bounded; nothing in it is verified yet.
#[derive(Clone, PartialEq, Eq)]
pub struct Jws {
    header: Header,
    /// The bytes that are signed: the first two parts and the dot between them.
    signed: String,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl Jws {
    /// Takes `token` apart: three parts of base64url in the one canonical encoding, at most 16 KiB together, with
    /// a header of at most 8 KiB, 32 members and 4 levels.
    ///
    /// # Errors
    /// [`JoseError`]: `TooLong`, `Encrypted`, `Malformed`, `Header` or `Extension`.
    pub fn parse(token: &str) -> Result<Self, JoseError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(JoseError::TooLong);
        }
        match token.bytes().filter(|byte| *byte == b'.').count() {
            2 => {}
            4 => return Err(JoseError::Encrypted),
            _ => return Err(JoseError::Malformed),
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(JoseError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(JoseError::Malformed)?;
        if header.is_empty() || signature.is_empty() {
            return Err(JoseError::Malformed);
        }
        let header = Header::parse(&decode(header)?)?;
        let (payload, signature) = (decode(payload)?, decode(signature)?);
        Ok(Self { header, signed: signed.to_owned(), payload, signature })
    }

    /// The header, which is not verified.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The payload, which anybody may have written: fit for finding the key to verify with, and for nothing else.
    #[must_use]
    pub fn unverified_payload(&self) -> &[u8] {
        &self.payload
    }

    /// A member of the header that [`Header`] leaves out, for the one purpose that has a use for it. Whoever wrote the
    /// token chose it.
    pub(super) fn unverified_header_member(&self, name: &str) -> Option<Value> {
        let (header, _) = self.signed.split_once('.')?;
        parse_members(&decode(header).ok()?).ok()?.remove(name)
    }

    /// Whether the token names its key, and `keys` has one of that name and of the token's algorithm.
    #[must_use]
    pub fn is_keyed_by(&self, keys: &JwkSet) -> bool {
        let (Some(kid), Some(alg)) = (self.header.kid(), self.header.alg()) else { return false };
        keys.candidates(Some(kid), alg).any(|key| key.kid().is_some_and(|name| name.as_str() == kid))
    }

    /// Checks the signature and gives the payload that was signed.
    ///
    /// The algorithm is the verifier's; a header that names another is refused.
    ///
    /// # Errors
    /// [`JoseError::Algorithm`], [`JoseError::Signature`] or [`JoseError::Panicked`].
    pub fn verify(&self, verifier: &Verifier) -> Result<&[u8], JoseError> {
        if self.header.alg() != Some(verifier.algorithm()) {
            return Err(JoseError::Algorithm);
        }
        verifier.verify(self.signed.as_bytes(), &self.signature)?;
        Ok(&self.payload)
    }

    /// Checks the MAC and gives the payload.
    pub(super) fn verify_mac(&self, key: &MacKey, alg: MacAlg) -> Result<&[u8], JoseError> {
        if self.header.mac_alg() != Some(alg) {
            return Err(JoseError::Algorithm);
        }
        key.verify(alg, self.signed.as_bytes(), &self.signature)?;
        Ok(&self.payload)
    }

    /// Checks the signature against each of `verifiers`, of which there should be few, until one accepts it.
    ///
    /// # Errors
    /// [`JoseError::NoKey`] when there is no verifier, otherwise what the last one says.
    pub fn verify_any(&self, verifiers: impl IntoIterator<Item = Verifier>) -> Result<&[u8], JoseError> {
        let mut refused = JoseError::NoKey;
        for verifier in verifiers {
            match self.verify(&verifier) {
                Ok(payload) => return Ok(payload),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }
}

impl fmt::Debug for Jws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jws").field("header", &self.header).finish_non_exhaustive()
    }
}

/// Writes a compact JWS over `payload`, with the `alg` and the `kid` of `signer` in its header.
///
/// # Errors
/// [`SignError`] when the signer could not sign.
pub async fn sign(header: &SigningHeader, payload: &[u8], signer: &dyn Signer) -> Result<String, SignError> {
    let kid = signer.public_key().kid().map(crate::types::KeyId::as_str);
    let header = header.to_json(signer.algorithm(), kid);
    let mut token = String::with_capacity((header.len() + payload.len()) * 4 / 3 + SIGNATURE_ROOM);
    BASE64_URL_SAFE_NO_PAD.encode_string(header, &mut token);
    token.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(payload, &mut token);
    let signature = signer.sign(token.as_bytes()).await?;
    token.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}

/// Characters set aside for dots, rounding, and the signature of a 3072-bit key.
const SIGNATURE_ROOM: usize = 520;

pub(super) fn decode(part: &str) -> Result<Vec<u8>, JoseError> {
    BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| JoseError::Malformed)
}
