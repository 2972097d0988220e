//! The strict content encryptions: every length exact, authentication before anything else, and one error.

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aes::cipher::block_padding::Pkcs7;
use aes_gcm::aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use aes_gcm::aes::{Aes128, Aes256};
use aes_gcm::{AeadInOut, Aes128Gcm, Aes256Gcm, KeyInit};
use hmac::{Hmac, Mac};
use sha2::{Sha256, Sha512};
use zeroize::Zeroizing;

use crate::jose::ContentEnc;

/// The content did not decrypt, for whatever reason, or did not encrypt for want of a key of the right length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::jose) struct Unreadable;

/// An encrypted content, and what is authenticated with it.
#[derive(Clone, Copy)]
pub(in crate::jose) struct Sealed<'a> {
    /// The header as it stands in the token.
    pub(in crate::jose) aad: &'a [u8],
    pub(in crate::jose) iv: &'a [u8],
    pub(in crate::jose) ciphertext: &'a [u8],
    pub(in crate::jose) tag: &'a [u8],
}

impl ContentEnc {
    /// Bytes in the content encryption key.
    pub(in crate::jose) const fn key_len(self) -> usize {
        match self {
            Self::A128Gcm => 16,
            Self::A128CbcHs256 | Self::A256Gcm => 32,
            Self::A256CbcHs512 => 64,
        }
    }

    /// Bytes in the initialization vector.
    pub(in crate::jose) const fn iv_len(self) -> usize {
        match self {
            Self::A128Gcm | Self::A256Gcm => 12,
            Self::A128CbcHs256 | Self::A256CbcHs512 => 16,
        }
    }

    /// Bytes in the authentication tag.
    pub(in crate::jose) const fn tag_len(self) -> usize {
        match self {
            Self::A128Gcm | Self::A128CbcHs256 | Self::A256Gcm => 16,
            Self::A256CbcHs512 => 32,
        }
    }

    /// Whether the vector and the tag have the one length that they can have. A cut tag of one byte would be forged in
    /// 256 tries.
    pub(in crate::jose) const fn has_lengths_of(self, sealed: &Sealed<'_>) -> bool {
        sealed.iv.len() == self.iv_len() && sealed.tag.len() == self.tag_len()
    }

    /// The plaintext under `key`. A key, a vector or a tag of another length is refused before anything is done.
    pub(in crate::jose) fn decrypt(
        self,
        key: &[u8],
        sealed: Sealed<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, Unreadable> {
        if key.len() != self.key_len() || !self.has_lengths_of(&sealed) {
            return Err(Unreadable);
        }
        match self {
            Self::A128CbcHs256 => open_cbc::<Hmac<Sha256>, cbc::Decryptor<Aes128>>(key, sealed),
            Self::A128Gcm => open_gcm::<Aes128Gcm>(key, sealed),
            Self::A256CbcHs512 => open_cbc::<Hmac<Sha512>, cbc::Decryptor<Aes256>>(key, sealed),
            Self::A256Gcm => open_gcm::<Aes256Gcm>(key, sealed),
        }
    }

    /// The ciphertext and the tag of `plaintext`. A pair of `key` and `iv` must be used once.
    pub(in crate::jose) fn encrypt(
        self,
        key: &[u8],
        iv: &[u8],
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<(Vec<u8>, Vec<u8>), Unreadable> {
        if (key.len(), iv.len()) != (self.key_len(), self.iv_len()) {
            return Err(Unreadable);
        }
        match self {
            Self::A128CbcHs256 => seal_cbc::<Hmac<Sha256>, cbc::Encryptor<Aes128>>(key, iv, aad, plaintext),
            Self::A128Gcm => seal_gcm::<Aes128Gcm>(key, iv, aad, plaintext),
            Self::A256CbcHs512 => seal_cbc::<Hmac<Sha512>, cbc::Encryptor<Aes256>>(key, iv, aad, plaintext),
            Self::A256Gcm => seal_gcm::<Aes256Gcm>(key, iv, aad, plaintext),
        }
    }
}

fn open_gcm<C: AeadInOut + KeyInit>(
    key: &[u8],
    sealed: Sealed<'_>,
) -> Result<Zeroizing<Vec<u8>>, Unreadable> {
    let cipher = C::new_from_slice(key).map_err(|_| Unreadable)?;
    let iv = sealed.iv.try_into().map_err(|_| Unreadable)?;
    let tag = sealed.tag.try_into().map_err(|_| Unreadable)?;
    let mut text = Zeroizing::new(sealed.ciphertext.to_vec());
    let buffer = InOutBuf::from(text.as_mut_slice());
    cipher.decrypt_inout_detached(iv, sealed.aad, buffer, tag).map_err(|_| Unreadable)?;
    Ok(text)
}

fn seal_gcm<C: AeadInOut + KeyInit>(
    key: &[u8],
    iv: &[u8],
    aad: &[u8],
    plaintext: &[u8],
) -> Result<(Vec<u8>, Vec<u8>), Unreadable> {
    let cipher = C::new_from_slice(key).map_err(|_| Unreadable)?;
    let iv = iv.try_into().map_err(|_| Unreadable)?;
    let mut text = plaintext.to_vec();
    let buffer = InOutBuf::from(text.as_mut_slice());
    let tag = cipher.encrypt_inout_detached(iv, aad, buffer).map_err(|_| Unreadable)?;
    Ok((text, tag.to_vec()))
}

/// RFC 7518 section 5.2.2.2. The tag is checked first and in constant time, so that padding is looked at only where
/// the sender, who has the key, chose it; what is wrong with it is then not told either.
fn open_cbc<M: Mac + KeyInit, C: BlockModeDecrypt + KeyIvInit>(
    key: &[u8],
    sealed: Sealed<'_>,
) -> Result<Zeroizing<Vec<u8>>, Unreadable> {
    let (mac_key, enc_key) = key.split_at_checked(key.len() / 2).ok_or(Unreadable)?;
    let mac = authenticated::<M>(mac_key, sealed.aad, sealed.iv, sealed.ciphertext)?;
    mac.verify_truncated_left(sealed.tag).map_err(|_| Unreadable)?;
    let cipher = C::new_from_slices(enc_key, sealed.iv).map_err(|_| Unreadable)?;
    let text = cipher.decrypt_padded_vec::<Pkcs7>(sealed.ciphertext).map_err(|_| Unreadable)?;
    Ok(Zeroizing::new(text))
}

/// RFC 7518 section 5.2.2.1.
fn seal_cbc<M: Mac + KeyInit, C: BlockModeEncrypt + KeyIvInit>(
    key: &[u8],
    iv: &[u8],
    aad: &[u8],
    plaintext: &[u8],
) -> Result<(Vec<u8>, Vec<u8>), Unreadable> {
    let (mac_key, enc_key) = key.split_at_checked(key.len() / 2).ok_or(Unreadable)?;
    let cipher = C::new_from_slices(enc_key, iv).map_err(|_| Unreadable)?;
    let ciphertext = cipher.encrypt_padded_vec::<Pkcs7>(plaintext);
    let mut tag = authenticated::<M>(mac_key, aad, iv, &ciphertext)?.finalize().into_bytes().to_vec();
    tag.truncate(tag.len() / 2);
    Ok((ciphertext, tag))
}

/// The MAC, fed with what it authenticates.
fn authenticated<M: Mac + KeyInit>(
    key: &[u8],
    aad: &[u8],
    iv: &[u8],
    ciphertext: &[u8],
) -> Result<M, Unreadable> {
    let aad_bits = (aad.len() as u64).checked_mul(8).ok_or(Unreadable)?;
    let mac = <M as KeyInit>::new_from_slice(key).map_err(|_| Unreadable)?;
    Ok(mac.chain_update(aad).chain_update(iv).chain_update(ciphertext).chain_update(aad_bits.to_be_bytes()))
}
