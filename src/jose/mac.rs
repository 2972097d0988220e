//! The secret that a client and the provider share, as the key of a MAC (RFC 7518 section 3.2).

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha2::{Sha256, Sha384, Sha512};

use super::{JoseError, MacAlg};
use crate::secret::Secret;
use crate::types::ClientId;

/// A key that makes and verifies MACs: the octets of a secret text (OpenID Connect Core 1.0 section 10.1).
///
/// It is made of a [`Secret`] alone, so that no public key becomes one (attack 88).
#[derive(Debug)]
pub struct MacKey(Secret);

impl MacKey {
    /// The key of this text.
    #[must_use]
    pub const fn new(secret: Secret) -> Self {
        Self(secret)
    }

    /// Whether it is as long as the hash of `alg` (RFC 7518 section 3.2).
    #[must_use]
    pub fn fits(&self, alg: MacAlg) -> bool {
        self.0.expose().len() >= alg.key_bytes()
    }

    /// Checks, in constant time, that `mac` is this key's over `message`.
    pub(super) fn verify(&self, alg: MacAlg, message: &[u8], mac: &[u8]) -> Result<(), JoseError> {
        if !self.fits(alg) {
            return Err(JoseError::NoKey);
        }
        let key = self.0.expose().as_bytes();
        match alg {
            MacAlg::Hs256 => check::<Hmac<Sha256>>(key, message, mac),
            MacAlg::Hs384 => check::<Hmac<Sha384>>(key, message, mac),
            MacAlg::Hs512 => check::<Hmac<Sha512>>(key, message, mac),
        }
    }
}

fn check<M: Mac + KeyInit>(key: &[u8], message: &[u8], mac: &[u8]) -> Result<(), JoseError> {
    let keyed = <M as KeyInit>::new_from_slice(key).map_err(|_| JoseError::NoKey)?;
    keyed.chain_update(message).verify_slice(mac).map_err(|_| JoseError::Signature)
}

/// The secrets by which a client is known, where it makes MACs instead of signatures.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct RegisteredSecrets<'a> {
    client_id: &'a ClientId,
    keys: &'a [MacKey],
    alg: Option<MacAlg>,
}

impl<'a> RegisteredSecrets<'a> {
    /// The client and its live secrets.
    pub const fn new(client_id: &'a ClientId, keys: &'a [MacKey]) -> Self {
        Self { client_id, keys, alg: None }
    }

    /// The one algorithm that the client is registered with (`token_endpoint_auth_signing_alg`), if there is
    /// one.
    pub const fn with_algorithm(mut self, alg: Option<MacAlg>) -> Self {
        self.alg = alg;
        self
    }

    pub(super) const fn client_id(&self) -> &'a ClientId {
        self.client_id
    }

    /// The payload that one of the secrets made the MAC of.
    pub(super) fn verify<'j>(&self, jws: &'j super::Jws) -> Result<&'j [u8], JoseError> {
        let alg = jws.header().mac_alg().ok_or(JoseError::Algorithm)?;
        if self.alg.is_some_and(|pinned| pinned != alg) {
            return Err(JoseError::Algorithm);
        }
        let mut refused = JoseError::NoKey;
        for key in self.keys {
            match jws.verify_mac(key, alg) {
                Ok(payload) => return Ok(payload),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(bytes: usize) -> MacKey {
        MacKey::new(Secret::new("k".repeat(bytes)))
    }

    /// The values are those of another implementation.
    #[test]
    fn every_algorithm_makes_the_mac_of_its_name() {
        let rows = [
            (MacAlg::Hs256, "890f3a16e0ca0aaa3bf180f70fa8e3970b3fd6505e98fde157988dcc19d1685c"),
            (
                MacAlg::Hs384,
                "e4497fcb0edfd2b886e8c9f1f33354e66ae75d64d1ac4f631eb8e8ec382c3e72a87b0ca2e8dcce0af91db9cbcc608581",
            ),
            (
                MacAlg::Hs512,
                "4cd1b806ed0ebdc4b8f139a81d082c39c54ce770f16d2726bc0555af4f818a52a979a576c3be4bb836a6de134ef985be1524b202dde3f5037f20cf4b07988470",
            ),
        ];
        for (alg, expected) in rows {
            let expected: Vec<u8> = (0..expected.len() / 2)
                .map(|at| u8::from_str_radix(&expected[2 * at..2 * at + 2], 16).unwrap())
                .collect();
            assert_eq!(key(64).verify(alg, b"message", &expected), Ok(()));
            assert_eq!(key(65).verify(alg, b"message", &expected), Err(JoseError::Signature));
            assert_eq!(key(64).verify(alg, b"massage", &expected), Err(JoseError::Signature));
            let cut = &expected[..expected.len() - 1];
            assert_eq!(key(64).verify(alg, b"message", cut), Err(JoseError::Signature));
            assert_eq!(key(64).verify(alg, b"message", b""), Err(JoseError::Signature));
        }
    }

    /// attack 100: a key that is shorter than the hash is none.
    #[test]
    fn a_short_key_verifies_nothing() {
        for alg in MacAlg::ALL {
            assert!(key(alg.key_bytes()).fits(*alg));
            let short = key(alg.key_bytes() - 1);
            assert!(!short.fits(*alg));
            assert_eq!(short.verify(*alg, b"message", &[0; 32]), Err(JoseError::NoKey));
        }
    }

    #[test]
    fn a_key_is_not_printed() {
        assert_eq!(format!("{:?}", key(32)), "MacKey(Secret(..))");
    }
}
