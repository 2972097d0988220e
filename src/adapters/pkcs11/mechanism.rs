//! How a token is told to sign with an algorithm, and to make a key for it.

use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, KeyType};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::Pkcs11Error;
use crate::jose::SigningAlg;

/// Bits of a new RSA key.
const RSA_BITS: u64 = 3072;

/// 65537, the one exponent that is accepted.
const RSA_EXPONENT: [u8; 3] = [1, 0, 1];

/// What an algorithm is to a token.
pub(super) struct Scheme {
    pub(super) key_type: KeyType,
    pub(super) mechanism: Mechanism<'static>,
    /// Bytes of each of the two numbers of an ECDSA signature.
    pub(super) number_bytes: Option<usize>,
    input: Input,
    /// The curve, as DER: its object identifier.
    pub(super) curve: Option<&'static [u8]>,
    /// The same curve by the name that PKCS#11 2.40 drafts had for it, as DER.
    pub(super) curve_name: Option<&'static [u8]>,
}

/// What a token is given to sign.
#[derive(Clone, Copy)]
enum Input {
    /// The message, which the mechanism hashes.
    Message,
    Sha256,
    Sha384,
    Sha512,
}

impl Scheme {
    /// # Errors
    /// `Unfit` for an algorithm that is not known here.
    pub(super) fn of(alg: SigningAlg) -> Result<Self, Pkcs11Error> {
        Ok(match alg {
            SigningAlg::EdDsa => Self {
                key_type: KeyType::EC_EDWARDS,
                mechanism: Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Pure)),
                number_bytes: None,
                input: Input::Message,
                curve: Some(b"\x06\x03\x2b\x65\x70"),
                curve_name: Some(b"\x13\x0cedwards25519"),
            },
            SigningAlg::Es256 => Self::ecdsa(32, Input::Sha256, b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"),
            SigningAlg::Es384 => Self::ecdsa(48, Input::Sha384, b"\x06\x05\x2b\x81\x04\x00\x22"),
            SigningAlg::Es512 => Self::ecdsa(66, Input::Sha512, b"\x06\x05\x2b\x81\x04\x00\x23"),
            SigningAlg::Ps256 => Self::rsa(Mechanism::Sha256RsaPkcsPss(pss(
                MechanismType::SHA256,
                PkcsMgfType::MGF1_SHA256,
                32,
            ))),
            SigningAlg::Ps384 => Self::rsa(Mechanism::Sha384RsaPkcsPss(pss(
                MechanismType::SHA384,
                PkcsMgfType::MGF1_SHA384,
                48,
            ))),
            SigningAlg::Ps512 => Self::rsa(Mechanism::Sha512RsaPkcsPss(pss(
                MechanismType::SHA512,
                PkcsMgfType::MGF1_SHA512,
                64,
            ))),
            SigningAlg::Rs256 => Self::rsa(Mechanism::Sha256RsaPkcs),
            SigningAlg::Rs384 => Self::rsa(Mechanism::Sha384RsaPkcs),
            SigningAlg::Rs512 => Self::rsa(Mechanism::Sha512RsaPkcs),
        })
    }

    const fn rsa(mechanism: Mechanism<'static>) -> Self {
        Self {
            key_type: KeyType::RSA,
            mechanism,
            number_bytes: None,
            input: Input::Message,
            curve: None,
            curve_name: None,
        }
    }

    /// ECDSA over a hash that is made here: many tokens have no mechanism that hashes.
    const fn ecdsa(number_bytes: usize, input: Input, curve: &'static [u8]) -> Self {
        Self {
            key_type: KeyType::EC,
            mechanism: Mechanism::Ecdsa,
            number_bytes: Some(number_bytes),
            input,
            curve: Some(curve),
            curve_name: None,
        }
    }

    /// What the token is given to sign.
    pub(super) fn input(&self, message: &[u8]) -> Vec<u8> {
        match self.input {
            Input::Message => message.to_vec(),
            Input::Sha256 => Sha256::digest(message).to_vec(),
            Input::Sha384 => Sha384::digest(message).to_vec(),
            Input::Sha512 => Sha512::digest(message).to_vec(),
        }
    }

    /// How a key pair is made, and what its public half is like.
    pub(super) fn generation(&self) -> (Mechanism<'static>, Vec<Attribute>) {
        match self.curve {
            Some(curve) => {
                let edwards = self.key_type == KeyType::EC_EDWARDS;
                let mechanism =
                    if edwards { Mechanism::EccEdwardsKeyPairGen } else { Mechanism::EccKeyPairGen };
                (mechanism, vec![Attribute::EcParams(curve.to_vec())])
            }
            None => {
                let bits = Attribute::ModulusBits(RSA_BITS.into());
                (Mechanism::RsaPkcsKeyPairGen, vec![bits, Attribute::PublicExponent(RSA_EXPONENT.to_vec())])
            }
        }
    }
}

/// The salt is as long as the hash (RFC 7518 section 3.5).
fn pss(hash_alg: MechanismType, mgf: PkcsMgfType, salt_bytes: u64) -> PkcsPssParams {
    PkcsPssParams { hash_alg, mgf, s_len: salt_bytes.into() }
}
