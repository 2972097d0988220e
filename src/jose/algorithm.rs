//! The signature algorithms there are.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A signature algorithm of RFC 7518 section 3.1 or RFC 8037 section 3.1: asymmetric, and not broken.
///
/// There is no `none`, no MAC, no ES256K, and EdDSA means Ed25519 alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SigningAlg {
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// ECDSA on P-384 with SHA-384.
    #[serde(rename = "ES384")]
    Es384,
    /// ECDSA on P-521 with SHA-512.
    #[serde(rename = "ES512")]
    Es512,
    /// RSASSA-PSS with SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
    /// RSASSA-PSS with SHA-384.
    #[serde(rename = "PS384")]
    Ps384,
    /// RSASSA-PSS with SHA-512.
    #[serde(rename = "PS512")]
    Ps512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    #[serde(rename = "RS384")]
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    #[serde(rename = "RS512")]
    Rs512,
}

impl SigningAlg {
    /// Every algorithm.
    pub const ALL: &'static [Self] = &[
        Self::EdDsa,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
    ];

    /// What is accepted from others when nothing else is said.
    pub const DEFAULT_INBOUND: &'static [Self] = &[Self::Es256, Self::Ps256, Self::EdDsa, Self::Rs256];

    /// The name in `alg`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
        }
    }
}

impl fmt::Display for SigningAlg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no [`SigningAlg`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the algorithm must be EdDSA, or ES, PS or RS with 256, 384 or 512")]
pub struct UnknownAlg;

impl FromStr for SigningAlg {
    type Err = UnknownAlg;

    /// The algorithm of this name; case counts (RFC 7515 section 4.1.1).
    fn from_str(name: &str) -> Result<Self, UnknownAlg> {
        Self::ALL.iter().copied().find(|alg| alg.as_str() == name).ok_or(UnknownAlg)
    }
}

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
}
