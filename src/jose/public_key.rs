//! What makes a public key a sound one, and the one form it is written in.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{InvalidJwk, KeyAlg, SigningAlg};

/// Fewest and most bits in an RSA modulus.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The one RSA exponent that is accepted: 65537.
const RSA_EXPONENT: [u8; 3] = [1, 0, 1];

/// Members that only a private or symmetric key has (RFC 7518 section 6, RFC 8037 section 2).
const PRIVATE_MEMBERS: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// The kinds of key that can verify a signature here, or be encrypted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyKind {
    Ed25519,
    P256,
    P384,
    P521,
    Rsa,
    X25519,
}

impl KeyKind {
    /// The kind of key that signs with `alg`.
    pub(super) const fn signing(alg: SigningAlg) -> Self {
        match alg {
            SigningAlg::EdDsa => Self::Ed25519,
            SigningAlg::Es256 => Self::P256,
            SigningAlg::Es384 => Self::P384,
            SigningAlg::Es512 => Self::P521,
            SigningAlg::Ps256
            | SigningAlg::Ps384
            | SigningAlg::Ps512
            | SigningAlg::Rs256
            | SigningAlg::Rs384
            | SigningAlg::Rs512 => Self::Rsa,
        }
    }

    /// The signature algorithms that such a key can be used with.
    pub(super) const fn signing_algorithms(self) -> &'static [SigningAlg] {
        match self {
            Self::Ed25519 => &[SigningAlg::EdDsa],
            Self::P256 => &[SigningAlg::Es256],
            Self::P384 => &[SigningAlg::Es384],
            Self::P521 => &[SigningAlg::Es512],
            Self::Rsa => &[
                SigningAlg::Rs256,
                SigningAlg::Ps256,
                SigningAlg::Rs384,
                SigningAlg::Ps384,
                SigningAlg::Rs512,
                SigningAlg::Ps512,
            ],
            Self::X25519 => &[],
        }
    }

    /// The key management algorithms that such a key can be used with.
    pub(super) const fn key_algorithms(self) -> &'static [KeyAlg] {
        match self {
            Self::Ed25519 => &[],
            Self::P256 | Self::P384 | Self::P521 | Self::X25519 => {
                &[KeyAlg::EcdhEs, KeyAlg::EcdhEsA128Kw, KeyAlg::EcdhEsA256Kw]
            }
            Self::Rsa => &[KeyAlg::RsaOaep256],
        }
    }
}

/// The members that are the key, in the order and form of RFC 7638 section 3; equal keys are equal here.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct PublicKey {
    kind: KeyKind,
    members: Map<String, Value>,
}

impl PublicKey {
    /// Reads the key from `jwk`, ignoring what does not belong to it. Whether a point is on its curve is left to
    /// the one who builds a verifier or an encrypter from it.
    pub(super) fn read(jwk: &Map<String, Value>) -> Result<Self, InvalidJwk> {
        let kty = text(jwk, "kty")?.ok_or(InvalidJwk::Malformed)?;
        if kty == "oct" {
            return Err(InvalidJwk::Symmetric);
        }
        if PRIVATE_MEMBERS.iter().any(|name| jwk.contains_key(*name)) {
            return Err(InvalidJwk::Private);
        }
        match kty {
            "EC" => Self::elliptic(jwk),
            "OKP" => Self::octet_pair(jwk),
            "RSA" => Self::rsa(jwk),
            _ => Err(InvalidJwk::Unsupported),
        }
    }

    pub(super) const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Bytes in the modulus of an RSA key; none for other kinds.
    pub(super) fn modulus_bytes(&self) -> usize {
        bytes(&self.members, "n").map_or(0, |modulus| modulus.len())
    }

    /// The required members and no others.
    pub(super) const fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// SHA-256 over the required members, in base64url (RFC 7638 section 3).
    pub(super) fn thumbprint(&self) -> String {
        let canonical = serde_json::to_vec(&self.members).expect("a map of texts always serialises");
        BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(canonical))
    }

    fn elliptic(jwk: &Map<String, Value>) -> Result<Self, InvalidJwk> {
        let (kind, size) = match text(jwk, "crv")?.ok_or(InvalidJwk::Malformed)? {
            "P-256" => (KeyKind::P256, 32),
            "P-384" => (KeyKind::P384, 48),
            "P-521" => (KeyKind::P521, 66),
            _ => return Err(InvalidJwk::Unsupported),
        };
        // Other lengths could spell one point in several ways, each with a thumbprint of its own.
        if bytes(jwk, "x")?.len() != size || bytes(jwk, "y")?.len() != size {
            return Err(InvalidJwk::Point);
        }
        Ok(Self { kind, members: copy(jwk, &["crv", "kty", "x", "y"]) })
    }

    fn octet_pair(jwk: &Map<String, Value>) -> Result<Self, InvalidJwk> {
        let (kind, is_sound): (_, fn([u8; 32]) -> bool) =
            match text(jwk, "crv")?.ok_or(InvalidJwk::Malformed)? {
                "Ed25519" => (KeyKind::Ed25519, is_sound_edwards_point),
                "X25519" => (KeyKind::X25519, is_sound_montgomery_point),
                _ => return Err(InvalidJwk::Unsupported),
            };
        let x: [u8; 32] = bytes(jwk, "x")?.try_into().map_err(|_| InvalidJwk::Point)?;
        if !is_sound(x) {
            return Err(InvalidJwk::Point);
        }
        Ok(Self { kind, members: copy(jwk, &["crv", "kty", "x"]) })
    }

    /// An exponent of 1 verifies signatures made without any private key, an even modulus is no RSA modulus, and
    /// large ones cost the verifier milliseconds each.
    fn rsa(jwk: &Map<String, Value>) -> Result<Self, InvalidJwk> {
        let (n, e) = (bytes(jwk, "n")?, bytes(jwk, "e")?);
        let (Some(first), Some(last)) = (n.first(), n.last()) else {
            return Err(InvalidJwk::Rsa);
        };
        let bits = (n.len() * 8).saturating_sub(first.leading_zeros() as usize);
        if *first == 0 || last % 2 == 0 || !RSA_BITS.contains(&bits) || e != RSA_EXPONENT {
            return Err(InvalidJwk::Rsa);
        }
        Ok(Self { kind: KeyKind::Rsa, members: copy(jwk, &["e", "kty", "n"]) })
    }
}

/// The text `name` of an object; `None` when it has none.
pub(super) fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, InvalidJwk> {
    match object.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(InvalidJwk::Malformed),
    }
}

fn bytes(jwk: &Map<String, Value>, name: &str) -> Result<Vec<u8>, InvalidJwk> {
    let text = text(jwk, name)?.ok_or(InvalidJwk::Malformed)?;
    BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidJwk::Malformed)
}

fn copy(jwk: &Map<String, Value>, names: &[&str]) -> Map<String, Value> {
    names.iter().filter_map(|name| Some(((*name).to_owned(), jwk.get(*name)?.clone()))).collect()
}

/// Whether `point` is written canonically (RFC 8032 section 5.1.3) and is not one of the eight points of small
/// order, under which anyone can make signatures that verify.
fn is_sound_edwards_point(mut point: [u8; 32]) -> bool {
    /// The `y` of the points of small order, little endian: 0, 1, -1, and the two of order 8.
    const SMALL_ORDER: [[u8; 32]; 5] = [
        [0; 32],
        [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        [
            0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
        ],
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
            0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
        ],
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
            0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
        ],
    ];
    let [.., highest] = &mut point;
    *highest &= 0x7f;
    is_below_prime(&point) && !SMALL_ORDER.contains(&point)
}

/// Whether `point` is written canonically, where RFC 7748 section 5 would read others modulo the prime, and is not
/// one of those with which every private key agrees on zero (section 6.1).
fn is_sound_montgomery_point(point: [u8; 32]) -> bool {
    /// The `u` of the points of small order, little endian: 0, 1, the two of order 8, and -1.
    const SMALL_ORDER: [[u8; 32]; 5] = [
        [0; 32],
        [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        [
            0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
            0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
        ],
        [
            0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
            0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
        ],
        [
            0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
        ],
    ];
    is_below_prime(&point) && !SMALL_ORDER.contains(&point)
}

/// Whether `number`, in little endian, is less than 2^255 - 19.
fn is_below_prime(number: &[u8; 32]) -> bool {
    /// 2^255 - 19 but for its lowest byte, which is 0xed.
    const PRIME_ABOVE_LOWEST: [u8; 31] = {
        let mut bytes = [0xff; 31];
        bytes[30] = 0x7f;
        bytes
    };
    let [lowest, above @ ..] = number;
    let [.., highest] = number;
    *highest < 0x80 && (*lowest < 0xed || *above != PRIME_ABOVE_LOWEST)
}
