//! The algorithm of a client's ID tokens.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::jose::{SigningAlg, UnknownAlg};

/// The algorithm of a client's ID tokens (`id_token_signed_response_alg`, OpenID Connect Dynamic Client Registration
/// 1.0 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "&'static str")]
#[non_exhaustive]
pub enum IdTokenAlg {
    /// `none`: they are not signed.
    ///
    /// # Security
    /// Only TLS between client and token endpoint vouches for such a token, so it is worth nothing to anybody to whom
    /// it is passed on, and it comes back as no hint. A provider gives none without
    /// `ProviderBuilder::dangerous_allow_unsigned_id_tokens`.
    DangerousNone,
    /// They are signed.
    Signed(SigningAlg),
}

impl IdTokenAlg {
    /// The name in `alg`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DangerousNone => "none",
            Self::Signed(alg) => alg.as_str(),
        }
    }
}

/// RS256.
impl Default for IdTokenAlg {
    fn default() -> Self {
        Self::Signed(SigningAlg::Rs256)
    }
}

impl fmt::Display for IdTokenAlg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<Cow<'_, str>> for IdTokenAlg {
    type Error = UnknownAlg;

    fn try_from(name: Cow<'_, str>) -> Result<Self, UnknownAlg> {
        match &*name {
            "none" => Ok(Self::DangerousNone),
            name => name.parse().map(Self::Signed),
        }
    }
}

impl From<IdTokenAlg> for &'static str {
    fn from(alg: IdTokenAlg) -> Self {
        alg.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_and_no_other_spelling_is_none() {
        let signed = SigningAlg::ALL.iter().copied().map(IdTokenAlg::Signed);
        for alg in signed.chain([IdTokenAlg::DangerousNone]) {
            let value = serde_json::to_value(alg).unwrap();
            assert_eq!(value, alg.as_str());
            assert_eq!(serde_json::from_value::<IdTokenAlg>(value).unwrap(), alg);
        }
        for name in ["None", "NONE", "nOnE", "", " none", "HS256"] {
            assert!(serde_json::from_value::<IdTokenAlg>(name.into()).is_err(), "{name:?}");
        }
    }
}
