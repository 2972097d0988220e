//! What signs the answers to a client that registers.

use super::validate::Members;
use crate::client::{ClientMetadata, IdTokenAlg};
use crate::error::Reason;
use crate::jose::{Keyring, SigningAlg};
use crate::provider::core::{Core, Switches};

/// The keys that sign, and which answers they sign.
#[derive(Debug)]
pub(super) struct Signing {
    keyring: Keyring,
    switches: Switches,
}

impl Signing {
    pub(super) fn of(core: &Core) -> Self {
        Self { keyring: core.keyring.clone(), switches: core.switches }
    }

    /// Whoever names an algorithm that no key signs with is refused. Where ID tokens have none, it is RS256, as OpenID
    /// Connect Dynamic Client Registration 1.0 section 2 has it, or else the first one that there is a key for.
    pub(super) fn hold(&self, metadata: &mut ClientMetadata, members: &Members) -> Result<(), Reason> {
        let algs = self.keyring.algorithms();
        let signs = |alg: SigningAlg| algs.contains(&alg);
        if !members.name("id_token_signed_response_alg") {
            let default = self.keyring.default_algorithm().ok_or(Reason::MetadataIdTokenAlg)?;
            metadata.id_token_signed_response_alg = IdTokenAlg::Signed(default);
        }
        let offered = match metadata.id_token_signed_response_alg {
            IdTokenAlg::DangerousNone => self.switches.unsigned_id_tokens,
            IdTokenAlg::Signed(alg) => signs(alg),
        };
        if !offered {
            return Err(Reason::MetadataIdTokenAlg);
        }
        if !metadata.userinfo_signed_response_alg.is_none_or(signs) {
            return Err(Reason::MetadataUserinfoAlg);
        }
        self.settle(self.switches.jarm, &mut metadata.authorization_signed_response_alg);
        if !metadata.authorization_signed_response_alg.is_none_or(signs) {
            return Err(Reason::MetadataAuthorizationAlg);
        }
        self.settle(self.switches.introspection_jwt, &mut metadata.introspection_signed_response_alg);
        match metadata.introspection_signed_response_alg.is_none_or(signs) {
            true => Ok(()),
            false => Err(Reason::MetadataIntrospectionAlg),
        }
    }

    /// The algorithm of answers that are JWTs only where that is `on`: elsewhere the member says nothing. Whoever is
    /// not told of another takes it for RS256 (JARM section 3, RFC 9701 section 6).
    fn settle(&self, on: bool, alg: &mut Option<SigningAlg>) {
        let default = || self.keyring.default_algorithm().filter(|alg| *alg != SigningAlg::Rs256);
        *alg = if on { alg.or_else(default) } else { None };
    }
}
