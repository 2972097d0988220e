//! Sealing: authenticated encryption of what leaves our hands and comes back.
//!
//! XChaCha20-Poly1305 with a random nonce of 192 bits, so that no count of sealed values brings two equal ones
//! (attack 280). The associated data says what the value is, of which issuer, and under which key it is kept: a
//! value in another place does not open.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut as _, Key, KeyInit as _, Tag, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::entropy::{Entropy, EntropyError, random};
use crate::secret::{SecretId, SystemSecrets};

/// The form of what is sealed now; it is authenticated with the value.
const VERSION: u8 = 1;

const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
const SECRET_ID_BYTES: usize = 4;
const EXPIRY_BYTES: usize = 8;

/// Most characters of a sealed text that [`open_text`] looks at: 16 KiB.
const MAX_TEXT_BYTES: usize = 16 * 1024;

/// A sealed value, as a store keeps it: the name of the secret that sealed it, and opaque bytes.
///
/// A store writes both and gives both back. It can neither read the value nor move it to another record.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    secret: SecretId,
    bytes: Vec<u8>,
}

impl Sealed {
    /// A value read back from a store.
    #[must_use]
    pub const fn from_parts(secret: SecretId, bytes: Vec<u8>) -> Self {
        Self { secret, bytes }
    }

    /// The name of the secret that sealed it.
    #[must_use]
    pub const fn secret(&self) -> SecretId {
        self.secret
    }

    /// A version byte, the nonce, and the encrypted value with its tag.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({}, {} bytes)", self.secret, self.bytes.len())
    }
}

/// What a sealed value is: it opens only where all three are the same again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    /// The kind of the record, or the purpose of the text.
    pub(crate) kind: &'a str,
    /// The issuer that it belongs to.
    pub(crate) issuer: &'a str,
    /// The primary key of the record, or what else the text is tied to.
    pub(crate) key: &'a [u8],
}

/// Why a sealed text does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsealed {
    /// It is not one of ours, of another purpose or issuer, changed, or under a secret that is gone.
    Altered,
    /// It is ours, and its time is over.
    Expired,
}

/// Seals the payload of a record under the secret that writes now.
///
/// # Errors
/// [`EntropyError`] when the random source fails.
pub(crate) fn seal(
    secrets: &SystemSecrets,
    entropy: &dyn Entropy,
    context: &Context<'_>,
    plaintext: &[u8],
) -> Result<Sealed, EntropyError> {
    let keys = secrets.writer();
    // To the byte, since stores keep it.
    let mut bytes = Vec::with_capacity(1 + NONCE_BYTES + plaintext.len() + TAG_BYTES);
    append_sealed(&mut bytes, &keys.seal, entropy, &context.data(Form::Record), &[plaintext])?;
    Ok(Sealed { secret: keys.id, bytes })
}

/// The payload of a record; `None` when it was sealed elsewhere, was changed, or its secret is no longer listed.
pub(crate) fn open(
    secrets: &SystemSecrets,
    context: &Context<'_>,
    sealed: &Sealed,
) -> Option<Zeroizing<Vec<u8>>> {
    let keys = secrets.reader(sealed.secret)?;
    open_bytes(&keys.seal, &context.data(Form::Record), &sealed.bytes)
}

/// Seals a value that travels through a browser, until `expires_at`: base64url, without padding.
///
/// # Errors
/// [`EntropyError`] when the random source fails.
pub(crate) fn seal_text(
    secrets: &SystemSecrets,
    entropy: &dyn Entropy,
    context: &Context<'_>,
    expires_at: Timestamp,
    plaintext: &[u8],
) -> Result<String, EntropyError> {
    let keys = secrets.writer();
    let overhead = SECRET_ID_BYTES + 1 + NONCE_BYTES + EXPIRY_BYTES + TAG_BYTES;
    let mut bytes = Vec::with_capacity(overhead + plaintext.len());
    bytes.extend_from_slice(keys.id.as_bytes());
    let expiry = expires_at.unix().to_be_bytes();
    append_sealed(&mut bytes, &keys.seal, entropy, &context.data(Form::Text), &[&expiry, plaintext])?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(&bytes))
}

/// The value that [`seal_text`] sealed. Its time is inside, so no clock but ours decides (attack 274).
///
/// # Errors
/// [`Unsealed::Expired`] from `expires_at` on, and [`Unsealed::Altered`] for any other text.
pub(crate) fn open_text(
    secrets: &SystemSecrets,
    context: &Context<'_>,
    text: &str,
    now: Timestamp,
) -> Result<Zeroizing<Vec<u8>>, Unsealed> {
    let mut opened = decode_text(secrets, context, text).ok_or(Unsealed::Altered)?;
    let (expiry, _) = opened.split_first_chunk::<EXPIRY_BYTES>().ok_or(Unsealed::Altered)?;
    if Timestamp::from_unix(i64::from_be_bytes(*expiry)).has_passed(now) {
        return Err(Unsealed::Expired);
    }
    opened.drain(..EXPIRY_BYTES);
    Ok(opened)
}

/// Whether a text that opens was sealed under the secret that writes now.
pub(crate) fn is_current(secrets: &SystemSecrets, text: &str) -> bool {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    bytes.first_chunk::<SECRET_ID_BYTES>() == Some(secrets.writer().id.as_bytes())
}

fn decode_text(secrets: &SystemSecrets, context: &Context<'_>, text: &str) -> Option<Zeroizing<Vec<u8>>> {
    if text.len() > MAX_TEXT_BYTES {
        return None;
    }
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    let (id, sealed) = bytes.split_first_chunk::<SECRET_ID_BYTES>()?;
    let keys = secrets.reader(SecretId::from_bytes(*id))?;
    open_bytes(&keys.seal, &context.data(Form::Text), sealed)
}

/// Records and texts never open as each other.
#[derive(Clone, Copy)]
enum Form {
    Record = 0,
    Text = 1,
}

impl Context<'_> {
    /// The associated data: version and form, then each part behind its length, so that no two contexts give the
    /// same bytes.
    fn data(&self, form: Form) -> Vec<u8> {
        let parts = [self.kind.as_bytes(), self.issuer.as_bytes(), self.key];
        let mut data = Vec::with_capacity(2 + parts.iter().map(|part| 8 + part.len()).sum::<usize>());
        data.extend_from_slice(&[VERSION, form as u8]);
        for part in parts {
            data.extend_from_slice(&(part.len() as u64).to_be_bytes());
            data.extend_from_slice(part);
        }
        data
    }
}

/// Appends version, nonce, the encrypted `parts` and the tag to `bytes`; the encryption is in place.
fn append_sealed(
    bytes: &mut Vec<u8>,
    key: &[u8; 32],
    entropy: &dyn Entropy,
    data: &[u8],
    parts: &[&[u8]],
) -> Result<(), EntropyError> {
    let nonce = random::<NONCE_BYTES>(entropy)?;
    bytes.push(VERSION);
    bytes.extend_from_slice(&nonce);
    let start = bytes.len();
    for part in parts {
        bytes.extend_from_slice(part);
    }
    let tag = cipher(key)
        .encrypt_inout_detached(&XNonce::from(nonce), data, InOutBuf::from(&mut bytes[start..]))
        .expect("values are far shorter than the 256 GiB that the cipher takes");
    bytes.extend_from_slice(&tag);
    Ok(())
}

fn open_bytes(key: &[u8; 32], data: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (version, rest) = sealed.split_first()?;
    let (nonce, rest) = rest.split_first_chunk::<NONCE_BYTES>()?;
    let (encrypted, tag) = rest.split_last_chunk::<TAG_BYTES>()?;
    if *version != VERSION {
        return None;
    }
    let mut opened = Zeroizing::new(encrypted.to_vec());
    let buffer = InOutBuf::from(opened.as_mut_slice());
    cipher(key).decrypt_inout_detached(&XNonce::from(*nonce), data, buffer, &Tag::from(*tag)).ok()?;
    Some(opened)
}

/// The cipher is its key: there is no schedule that would be worth keeping.
fn cipher(key: &[u8; 32]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&Key::from(*key))
}

#[cfg(test)]
mod tests;
