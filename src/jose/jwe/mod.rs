//! Encrypted tokens and their keys: compact JWE (RFC 7516).
//!
//! [`Encrypter`] writes to a public key of somebody else's; [`DecryptionKeys`] are our own, and open what was
//! written to one of them; a [`Decrypter`] says beside them which algorithms are accepted. In between a token
//! is a [`Jwe`], taken apart and bounded.
//!
//! The library's part is the arithmetic of RSA and of key agreement, behind `key_management`, which is given only what
//! has been checked: a point of the right curve, an encrypted key of the one possible length. Contents are encrypted
//! and decrypted here: the library's own content encryptions take cut tags and tell wrong padding from a wrong tag.

mod content;
mod decrypter;
mod decryption_key;
mod decryption_keys;
mod encrypter;
mod header;
mod key_management;
mod token;

pub use decrypter::Decrypter;
pub use decryption_key::{AgreementCurve, DecryptionKey};
pub use decryption_keys::{DecryptionKeyState, DecryptionKeys, DecryptionRingKey};
pub use encrypter::{Content, EncryptError, Encrypter};
pub use header::JweHeader;
pub(super) use key_management::KeyEncrypter;
pub use token::{Decrypted, ExpectedEncryption, Jwe};

#[cfg(test)]
pub(super) use content::{Sealed, Unreadable};
