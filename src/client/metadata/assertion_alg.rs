//! How a client signs its assertions.

use serde::{Deserialize, Serialize};

use super::ClientMetadata;
use crate::client::{ClientAuthMethod, InvalidClient};
use crate::jose::{MacAlg, SigningAlg, UnknownAlg};

/// How a client signs the assertions by which it authenticates (`token_endpoint_auth_signing_alg`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum ClientAssertionAlg {
    /// By the secret that it shares with the provider, as `client_secret_jwt` has it.
    Mac(MacAlg),
    /// By a private key, as `private_key_jwt` has it.
    Signed(SigningAlg),
}

impl ClientAssertionAlg {
    /// The name in `alg`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mac(alg) => alg.as_str(),
            Self::Signed(alg) => alg.as_str(),
        }
    }

    /// The algorithm, when it is a MAC.
    #[must_use]
    pub const fn mac(self) -> Option<MacAlg> {
        match self {
            Self::Mac(alg) => Some(alg),
            Self::Signed(_) => None,
        }
    }

    /// The algorithm, when it is one of a private key.
    #[must_use]
    pub const fn signed(self) -> Option<SigningAlg> {
        match self {
            Self::Mac(_) => None,
            Self::Signed(alg) => Some(alg),
        }
    }
}

impl ClientMetadata {
    /// A pinned algorithm is of the kind that the method makes assertions by (attack 88).
    pub(super) fn check_assertion_alg(&self) -> Result<(), InvalidClient> {
        let fits = match self.token_endpoint_auth_method {
            ClientAuthMethod::ClientSecretJwt => |alg: ClientAssertionAlg| alg.mac().is_some(),
            ClientAuthMethod::PrivateKeyJwt => |alg: ClientAssertionAlg| alg.signed().is_some(),
            _ => |_| true,
        };
        match self.token_endpoint_auth_signing_alg.is_none_or(fits) {
            true => Ok(()),
            false => Err(InvalidClient {
                member: "token_endpoint_auth_signing_alg",
                problem: "of the kind that the method needs",
            }),
        }
    }
}

impl From<MacAlg> for ClientAssertionAlg {
    fn from(alg: MacAlg) -> Self {
        Self::Mac(alg)
    }
}

impl From<SigningAlg> for ClientAssertionAlg {
    fn from(alg: SigningAlg) -> Self {
        Self::Signed(alg)
    }
}

impl TryFrom<String> for ClientAssertionAlg {
    type Error = UnknownAlg;

    fn try_from(name: String) -> Result<Self, UnknownAlg> {
        match name.parse() {
            Ok(mac) => Ok(Self::Mac(mac)),
            Err(_) => name.parse().map(Self::Signed),
        }
    }
}

impl From<ClientAssertionAlg> for String {
    fn from(alg: ClientAssertionAlg) -> Self {
        alg.as_str().to_owned()
    }
}
