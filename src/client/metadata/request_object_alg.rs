//! How a client signs its request objects.

use serde::{Deserialize, Serialize};

use crate::jose::{SigningAlg, UnknownAlg};

/// How a client signs its request objects (`request_object_signing_alg`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum RequestObjectAlg {
    /// Not at all (`none`); a provider refuses that unless it was told otherwise, dangerously.
    None,
    /// By this algorithm.
    Signed(SigningAlg),
}

impl RequestObjectAlg {
    /// The name in `alg`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Signed(alg) => alg.as_str(),
        }
    }
}

impl TryFrom<String> for RequestObjectAlg {
    type Error = UnknownAlg;

    fn try_from(name: String) -> Result<Self, UnknownAlg> {
        if name == Self::None.as_str() { Ok(Self::None) } else { name.parse().map(Self::Signed) }
    }
}

impl From<RequestObjectAlg> for String {
    fn from(alg: RequestObjectAlg) -> Self {
        alg.as_str().to_owned()
    }
}
