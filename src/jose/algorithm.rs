//! The algorithms there are: for signatures, for the keys of encrypted tokens, and for their contents.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Gives an enum of registered names its list, its spelling and its reading.
macro_rules! registered_names {
    ($algorithm:ident, $unknown:ident, $($variant:ident = $name:literal),+ $(,)?) => {
        impl $algorithm {
            /// Every algorithm.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The registered name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }
        }

        impl fmt::Display for $algorithm {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $algorithm {
            type Err = $unknown;

            /// The algorithm of this name; case counts (RFC 7515 section 4.1.1, RFC 7516 section 4.1).
            fn from_str(name: &str) -> Result<Self, $unknown> {
                Self::ALL.iter().copied().find(|known| known.as_str() == name).ok_or($unknown)
            }
        }

        impl Serialize for $algorithm {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $algorithm {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

/// A signature algorithm of RFC 7518 section 3.1 or RFC 8037 section 3.1: asymmetric, and not broken.
///
/// There is no `none`, no MAC, no ES256K, and EdDSA means Ed25519 alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SigningAlg {
    /// Ed25519.
    EdDsa,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
}

registered_names!(
    SigningAlg,
    UnknownAlg,
    EdDsa = "EdDSA",
    Es256 = "ES256",
    Es384 = "ES384",
    Es512 = "ES512",
    Ps256 = "PS256",
    Ps384 = "PS384",
    Ps512 = "PS512",
    Rs256 = "RS256",
    Rs384 = "RS384",
    Rs512 = "RS512",
);

impl SigningAlg {
    /// What is accepted from others when nothing else is said.
    pub const DEFAULT_INBOUND: &'static [Self] = &[Self::Es256, Self::Ps256, Self::EdDsa, Self::Rs256];
}

/// A MAC by a secret that two sides share (RFC 7518 section 3.2).
///
/// It is no [`SigningAlg`], and its key is no public key: what verifies the one never verifies the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MacAlg {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
}

registered_names!(MacAlg, UnknownMacAlg, Hs256 = "HS256", Hs384 = "HS384", Hs512 = "HS512");

impl MacAlg {
    /// Bytes in its hash, below which no key may be (RFC 7518 section 3.2).
    #[must_use]
    pub const fn key_bytes(self) -> usize {
        match self {
            Self::Hs256 => 32,
            Self::Hs384 => 48,
            Self::Hs512 => 64,
        }
    }
}

/// A name that is no [`MacAlg`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the MAC algorithm must be HS256, HS384 or HS512")]
pub struct UnknownMacAlg;

/// A name that is no [`SigningAlg`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the algorithm must be EdDSA, or ES, PS or RS with 256, 384 or 512")]
pub struct UnknownAlg;

/// How the key of an encrypted token's content reaches the recipient (RFC 7518 section 4.1): `alg` in its header.
///
/// Only public keys encrypt. There is no `RSA1_5`, whose padding is an oracle, no RSA-OAEP with SHA-1, no `PBES2`,
/// whose work the sender chooses, no `dir` and no wrapping by a key that both sides share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum KeyAlg {
    /// Key agreement with a fresh key of the sender's, whose result is the content's key.
    EcdhEs,
    /// Key agreement, whose result wraps the content's key by AES with 128 bits.
    EcdhEsA128Kw,
    /// Key agreement, whose result wraps the content's key by AES with 256 bits.
    EcdhEsA256Kw,
    /// RSAES-OAEP with SHA-256.
    RsaOaep256,
}

registered_names!(
    KeyAlg,
    UnknownKeyAlg,
    EcdhEs = "ECDH-ES",
    EcdhEsA128Kw = "ECDH-ES+A128KW",
    EcdhEsA256Kw = "ECDH-ES+A256KW",
    RsaOaep256 = "RSA-OAEP-256",
);

impl KeyAlg {
    /// What is accepted from others when nothing else is said.
    pub const DEFAULT_INBOUND: &'static [Self] = &[Self::EcdhEs, Self::EcdhEsA256Kw, Self::RsaOaep256];
}

/// A name that is no [`KeyAlg`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key management algorithm must be RSA-OAEP-256, ECDH-ES, ECDH-ES+A128KW or ECDH-ES+A256KW")]
pub struct UnknownKeyAlg;

/// How the content of a token is encrypted (RFC 7518 section 5.1): `enc` in its header.
///
/// All of them authenticate what they encrypt. Those of 128 bits are sound, and there for peers that have no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ContentEnc {
    /// AES of 128 bits in CBC mode, with HMAC-SHA-256.
    A128CbcHs256,
    /// AES of 128 bits in Galois/Counter Mode.
    A128Gcm,
    /// AES of 256 bits in CBC mode, with HMAC-SHA-512.
    A256CbcHs512,
    /// AES of 256 bits in Galois/Counter Mode.
    A256Gcm,
}

registered_names!(
    ContentEnc,
    UnknownContentEnc,
    A128CbcHs256 = "A128CBC-HS256",
    A128Gcm = "A128GCM",
    A256CbcHs512 = "A256CBC-HS512",
    A256Gcm = "A256GCM",
);

impl ContentEnc {
    /// What is accepted from others when nothing else is said.
    pub const DEFAULT_INBOUND: &'static [Self] = &[Self::A256Gcm, Self::A256CbcHs512];
}

/// A name that is no [`ContentEnc`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the content encryption must be A256GCM, A256CBC-HS512, A128GCM or A128CBC-HS256")]
pub struct UnknownContentEnc;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_and_is_the_serialised_form() {
        for alg in SigningAlg::ALL {
            assert_eq!(alg.as_str().parse(), Ok(*alg));
            assert_eq!(serde_json::to_value(alg).unwrap(), alg.as_str());
            assert_eq!(serde_json::from_value::<SigningAlg>(alg.as_str().into()).unwrap(), *alg);
        }
        for alg in MacAlg::ALL {
            assert_eq!(alg.as_str().parse(), Ok(*alg));
            assert_eq!(alg.as_str().parse::<SigningAlg>(), Err(UnknownAlg));
        }
        for alg in KeyAlg::ALL {
            assert_eq!(alg.as_str().parse(), Ok(*alg));
            assert_eq!(serde_json::to_value(alg).unwrap(), alg.as_str());
        }
        for enc in ContentEnc::ALL {
            assert_eq!(enc.as_str().parse(), Ok(*enc));
            assert_eq!(serde_json::to_value(enc).unwrap(), enc.as_str());
        }
    }

    /// attack 87, attack 88: F29, F32. What is not here cannot be asked for in any spelling.
    #[test]
    fn unsafe_and_unknown_algorithms_have_no_name_here() {
        for name in ["none", "None", "nOnE", "", "HS256", "HS384", "HS512", "ES256K", "Ed448", "es256", "RS1"]
        {
            assert_eq!(name.parse::<SigningAlg>(), Err(UnknownAlg), "{name}");
            assert!(serde_json::from_value::<SigningAlg>(name.into()).is_err(), "{name}");
        }
    }

    /// attack 152, attack 155: F1, F3, F17.
    #[test]
    fn oracles_passwords_and_shared_keys_have_no_name_here() {
        let names = [
            "RSA1_5",
            "RSA-OAEP",
            "RSA-OAEP-512",
            "PBES2-HS256+A128KW",
            "PBES2-HS512+A256KW",
            "A128KW",
            "A256KW",
            "A128GCMKW",
            "A256GCMKW",
            "dir",
            "ECDH-ES+A192KW",
            "ECDH-1PU",
            "ecdh-es",
            "",
        ];
        for name in names {
            assert_eq!(name.parse::<KeyAlg>(), Err(UnknownKeyAlg), "{name}");
            assert!(serde_json::from_value::<KeyAlg>(name.into()).is_err(), "{name}");
        }
        for name in ["A192GCM", "A192CBC-HS384", "A128CBC", "A256CBC", "XC20P", "none", "a256gcm", ""] {
            assert_eq!(name.parse::<ContentEnc>(), Err(UnknownContentEnc), "{name}");
            assert!(serde_json::from_value::<ContentEnc>(name.into()).is_err(), "{name}");
        }
    }
}
