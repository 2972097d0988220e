//! Slow hashes of client secrets that another system made: Argon2, bcrypt, PBKDF2.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use pbkdf2::pbkdf2_hmac;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq as _;

use super::{ClientSecret, Hash, InvalidSecretHash, SlowHash};

/// Longest text of a hash.
const MAX_TEXT_BYTES: usize = 512;

/// Most memory of Argon2: 64 MiB, in KiB.
const MAX_ARGON2_MEMORY: u32 = 64 * 1024;

/// Most passes of Argon2.
const MAX_ARGON2_PASSES: u32 = 10;

/// Most lanes of Argon2.
const MAX_ARGON2_LANES: u32 = 8;

/// Most cost of bcrypt: about one second.
const MAX_BCRYPT_COST: u32 = 14;

/// Most iterations of PBKDF2: about one second.
const MAX_PBKDF2_ITERATIONS: u32 = 2_000_000;

/// Bytes of a salt, and of a hash.
const SALT_BYTES: std::ops::RangeInclusive<usize> = 8..=64;
const HASH_BYTES: std::ops::RangeInclusive<usize> = 16..=64;

/// Base64 as the PHC form writes it, with or without padding; the bits that fill the last character may be any.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

impl ClientSecret {
    /// Takes over a hash that another system made of a secret, in the PHC or modular crypt form:
    /// `$argon2id$v=19$m=…,t=…,p=…$salt$hash` (also `argon2i`, `argon2d`), `$2b$cost$…` (also `2a`, `2x`, `2y`),
    /// `$pbkdf2-sha256$i=…$salt$hash` or `$pbkdf2-sha256$…$salt$hash` (also `sha512`).
    ///
    /// bcrypt reads 72 bytes of a secret. A provider needs `with_imported_hashes` to verify such secrets.
    ///
    /// # Errors
    /// [`InvalidSecretHash`] for any other text, and for parameters beyond 64 MiB, 10 passes or 8 lanes (Argon2),
    /// cost 14 (bcrypt), or two million iterations (PBKDF2).
    pub fn imported(hash: &str) -> Result<Self, InvalidSecretHash> {
        Imported::parse(hash).ok_or(InvalidSecretHash)?;
        Ok(Self { hash: Hash::Slow(hash.to_owned()), expires_at: None })
    }
}

/// Verifies what [`ClientSecret::imported`] takes.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImportedHashes;

impl SlowHash for ImportedHashes {
    fn verify(&self, hash: &str, secret: &[u8]) -> bool {
        Imported::parse(hash).is_some_and(|imported| imported.verify(secret))
    }
}

/// A hash whose parameters are inside their bounds.
enum Imported<'a> {
    Argon2 { argon2: Box<Argon2<'static>>, salt: Vec<u8>, hash: Vec<u8> },
    Bcrypt(&'a str),
    Pbkdf2 { sha: Sha, iterations: u32, salt: Vec<u8>, hash: Vec<u8> },
}

#[derive(Clone, Copy)]
enum Sha {
    Sha256,
    Sha512,
}

impl<'a> Imported<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        if text.len() > MAX_TEXT_BYTES {
            return None;
        }
        let parts: Vec<&str> = text.strip_prefix('$')?.split('$').collect();
        match *parts.as_slice() {
            ["argon2d", version, costs, salt, hash] => {
                argon2(Algorithm::Argon2d, version, costs, (salt, hash))
            }
            ["argon2i", version, costs, salt, hash] => {
                argon2(Algorithm::Argon2i, version, costs, (salt, hash))
            }
            ["argon2id", version, costs, salt, hash] => {
                argon2(Algorithm::Argon2id, version, costs, (salt, hash))
            }
            ["pbkdf2-sha256", costs, salt, hash] => pbkdf2(Sha::Sha256, costs, (salt, hash)),
            ["pbkdf2-sha512", costs, salt, hash] => pbkdf2(Sha::Sha512, costs, (salt, hash)),
            ["2a" | "2b" | "2x" | "2y", cost, _] => {
                text.parse::<bcrypt::HashParts>().ok()?;
                (number(cost)? <= MAX_BCRYPT_COST).then_some(Self::Bcrypt(text))
            }
            _ => None,
        }
    }

    fn verify(&self, secret: &[u8]) -> bool {
        match self {
            Self::Argon2 { argon2, salt, hash } => {
                let mut computed = vec![0; hash.len()];
                let done = argon2.hash_password_into(secret, salt, &mut computed);
                done.is_ok() && computed.ct_eq(hash).into()
            }
            Self::Bcrypt(text) => bcrypt::verify(secret, text).unwrap_or(false),
            Self::Pbkdf2 { sha, iterations, salt, hash } => {
                let mut computed = vec![0; hash.len()];
                match sha {
                    Sha::Sha256 => pbkdf2_hmac::<Sha256>(secret, salt, *iterations, &mut computed),
                    Sha::Sha512 => pbkdf2_hmac::<Sha512>(secret, salt, *iterations, &mut computed),
                }
                computed.ct_eq(hash).into()
            }
        }
    }
}

fn argon2<'a>(
    algorithm: Algorithm,
    version: &str,
    costs: &str,
    (salt, hash): (&str, &str),
) -> Option<Imported<'a>> {
    let version = match version.strip_prefix("v=")? {
        "16" => Version::V0x10,
        "19" => Version::V0x13,
        _ => return None,
    };
    let [memory, passes, lanes] = named(costs, ["m", "t", "p"])?;
    let (salt, hash) = (decoded(salt, SALT_BYTES)?, decoded(hash, HASH_BYTES)?);
    if memory > MAX_ARGON2_MEMORY || passes > MAX_ARGON2_PASSES || lanes > MAX_ARGON2_LANES {
        return None;
    }
    let params = Params::new(memory, passes, lanes, Some(hash.len())).ok()?;
    Some(Imported::Argon2 { argon2: Box::new(Argon2::new(algorithm, version, params)), salt, hash })
}

fn pbkdf2<'a>(sha: Sha, costs: &str, (salt, hash): (&str, &str)) -> Option<Imported<'a>> {
    let (salt, hash) = (decoded(salt, SALT_BYTES)?, decoded(hash, HASH_BYTES)?);
    let iterations = match costs.split_once(',') {
        Some(_) => {
            let [iterations, length] = named(costs, ["i", "l"])?;
            (usize::try_from(length) == Ok(hash.len())).then_some(iterations)?
        }
        None => number(costs.strip_prefix("i=").unwrap_or(costs))?,
    };
    let bounded = (1..=MAX_PBKDF2_ITERATIONS).contains(&iterations);
    bounded.then_some(Imported::Pbkdf2 { sha, iterations, salt, hash })
}

/// The numbers of `a=1,b=2`, which has exactly these names in this order.
fn named<const N: usize>(costs: &str, names: [&str; N]) -> Option<[u32; N]> {
    let mut parts = costs.split(',');
    let mut numbers = [0; N];
    for (place, name) in numbers.iter_mut().zip(names) {
        *place = number(parts.next()?.strip_prefix(name)?.strip_prefix('=')?)?;
    }
    parts.next().is_none().then_some(numbers)
}

/// One to ten digits.
fn number(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// Base64, where a dot may stand for the plus sign.
fn decoded(text: &str, bounds: std::ops::RangeInclusive<usize>) -> Option<Vec<u8>> {
    let bytes = BASE64.decode(text.replace('.', "+")).ok()?;
    bounds.contains(&bytes.len()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PHC string of the `pbkdf2` crate's own tests, and vectors of the reference implementations of the others.
    const HASHES: [(&str, &str); 4] = [
        (
            "passwordPASSWORDpassword",
            "$pbkdf2-sha256$i=4096,l=40$c2FsdFNBTFRzYWx0U0FMVHNhbHRTQUxUc2FsdFNBTFRzYWx0\
             $NIyJ28vTKy8y2BS4EW6EzysXNH68GAAYHE4qH7jdU+HGNVGMfaxH6Q",
        ),
        (
            "passwordPASSWORDpassword",
            "$pbkdf2-sha256$4096$c2FsdFNBTFRzYWx0U0FMVHNhbHRTQUxUc2FsdFNBTFRzYWx0\
             $NIyJ28vTKy8y2BS4EW6EzysXNH68GAAYHE4qH7jdU.HGNVGMfaxH6Q",
        ),
        ("password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"),
        ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
    ];

    #[test]
    fn hashes_of_other_systems_verify() {
        for (secret, hash) in HASHES {
            assert!(ClientSecret::imported(hash).is_ok(), "{hash}");
            assert!(ImportedHashes.verify(hash, secret.as_bytes()), "{hash}");
            assert!(!ImportedHashes.verify(hash, b"another"), "{hash}");
        }
    }

    /// attack 287: parameters that would cost too much are refused before anything is allocated.
    #[test]
    fn costly_parameters_are_refused() {
        let argon2 =
            |costs: &str| format!("$argon2id$v=19${costs}$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu");
        assert!(ClientSecret::imported(&argon2("m=65536,t=10,p=8")).is_ok());
        for costs in [
            "m=4294967295,t=1,p=1",
            "m=65537,t=1,p=1",
            "m=256,t=11,p=1",
            "m=256,t=1,p=9",
            "m=99999999999,t=1,p=1",
            "m=256,t=1",
            "t=1,m=256,p=1",
            "m=256,t=1,p=1,x=1",
            "m=+256,t=1,p=1",
            "m=,t=1,p=1",
        ] {
            assert_eq!(ClientSecret::imported(&argon2(costs)), Err(InvalidSecretHash), "{costs}");
            assert!(!ImportedHashes.verify(&argon2(costs), b"password"), "{costs}");
        }
        let pbkdf2 =
            |costs: &str| format!("$pbkdf2-sha256${costs}$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu");
        for costs in ["2000001", "0", "i=0", "i=4096,l=64", "l=24,i=4096", "-1", ""] {
            assert_eq!(ClientSecret::imported(&pbkdf2(costs)), Err(InvalidSecretHash), "{costs}");
        }
        let bcrypt = "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
        assert_eq!(ClientSecret::imported(bcrypt), Err(InvalidSecretHash));
    }

    #[test]
    fn texts_that_are_no_hashes_are_refused() {
        let long = format!("$pbkdf2-sha256$1000$c29tZXNhbHQ${}", "A".repeat(512));
        for text in
            ["", "plain", "$", "$1$abc$def", "$argon2id$", "$2b$05$short", "$5$rounds=5000$a$b", &long]
        {
            assert_eq!(ClientSecret::imported(text), Err(InvalidSecretHash), "{text}");
        }
    }
}
