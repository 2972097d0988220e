//! What profiles turn on, and what contradicts them.

use std::time::Duration;

use super::{BuildError, ProviderBuilder, request_objects};
use crate::jose::IdTokenHintVerifier;
use crate::proof::DpopConfig;
use crate::provider::backchannel::Backchannel;
use crate::provider::config::CodeReuse;
use crate::provider::mutual_tls::MutualTls;
use crate::provider::profile::{FAPI2_ACCESS_TOKEN_LIFETIME, Profile};
use crate::provider::pushed::PushedRequests;
use crate::provider::request_object_rules::OuterParameters;
use crate::types::ResponseType;

/// The longest life of a code where FAPI 2.0 holds (FAPI 2.0 Security Profile section 5.3.2.1).
const FAPI2_CODE_LIFETIME: Duration = Duration::from_secs(60);

/// The life of a pushed request that FAPI 2.0 is below (FAPI 2.0 Security Profile section 5.3.2.2).
const FAPI2_PUSHED_LIFETIME: Duration = Duration::from_secs(600);

impl ProviderBuilder {
    /// Turns on what `profile` demands: see [`Profile`]. What contradicts it is refused by
    /// [`build`](ProviderBuilder::build), whichever came first; what it needs of the host is a
    /// [`BuildError::Needs`]. Default none.
    ///
    /// Under FAPI 2.0 requests have to be pushed where there is an authorization endpoint, tokens are bound by DPoP unless
    /// [`with_dpop`](ProviderBuilder::with_dpop) or [`with_mutual_tls`](ProviderBuilder::with_mutual_tls) says otherwise,
    /// `private_key_jwt` is on, and access tokens live 10 minutes at most, unless a client's settings or the policy say
    /// otherwise.
    pub fn with_profile(mut self, profile: Profile) -> Self {
        self.profiles.insert(profile);
        self
    }

    /// Adds what profiles demand to what was asked for, and refuses what contradicts that.
    pub(super) fn apply_profiles(&mut self) -> Result<(), BuildError> {
        for profile in self.profiles.clone() {
            self.check_contradictions(profile)?;
            let config = &mut self.core.config;
            config.requirements = std::mem::take(&mut config.requirements).and(profile.requirements());
            if profile.is_fapi2() {
                self.apply_fapi2(profile);
            }
        }
        self.check_requirements()?;
        self.apply_requirements();
        Ok(())
    }

    fn apply_fapi2(&mut self, profile: Profile) {
        let signs_in = self.core.signs_in();
        let config = &mut self.core.config;
        for lifetime in [&mut config.opaque_lifetime, &mut config.jwt_lifetime] {
            *lifetime = (*lifetime).min(FAPI2_ACCESS_TOKEN_LIFETIME);
        }
        if signs_in {
            self.core.pushed_requests = Some(PushedRequests::Required);
        }
        if self.dpop.is_none() && self.core.mutual_tls.is_none() {
            self.dpop = Some(DpopConfig::new());
        }
        self.private_key_jwt = true;
        if profile == Profile::Fapi2MessageSigning {
            let switches = &mut self.core.switches;
            switches.request_parameter = signs_in;
            switches.jarm = signs_in;
            switches.introspection_jwt = switches.introspection;
        }
    }

    /// What was turned on or set, and `profile` forbids.
    fn check_contradictions(&self, profile: Profile) -> Result<(), BuildError> {
        let (core, config) = (&self.core, &self.core.config);
        let (fapi, fapi2) = (profile.is_fapi(), profile.is_fapi2());
        let in_front = core.response_types.iter().any(|known| known.has_front_channel_token());
        let others = core.response_types.iter().any(|known| *known != ResponseType::Code);
        let by_stranger = core.registration.as_ref().is_some_and(|known| !known.needs_statement());
        let supplementing = config.request_objects.outer_parameters == OuterParameters::Supplementing;
        let plain = core.backchannel.as_ref().is_some_and(Backchannel::takes_plain_requests);
        let lasting =
            |lifetime: Option<Duration>| lifetime.is_some_and(|of| of > FAPI2_ACCESS_TOKEN_LIFETIME);
        let of_types = config.grant_type_lifetimes.values().any(|of| lasting(of.access_token));
        let of_resources = config.resources.values().any(|of| lasting(of.access_token_lifetime));
        let rows = [
            (in_front, "a response type with a token"),
            (config.dangerous_redirected_errors, "dangerous_redirected_errors"),
            (fapi && others, "a response type other than code"),
            (fapi && core.switches.unsigned_id_tokens, "dangerous_allow_unsigned_id_tokens"),
            (fapi && core.switches.unsigned_request_objects, "dangerous_with_unsigned_request_objects"),
            (fapi && supplementing, "OuterParameters::Supplementing"),
            (fapi && config.code_reuse == CodeReuse::DenyOnly, "CodeReuse::DenyOnly"),
            (fapi && plain, "plain authentication requests"),
            (fapi2 && of_types, "access tokens of a grant type over 10 minutes"),
            (fapi2 && of_resources, "access tokens of a resource over 10 minutes"),
            (fapi2 && config.code_lifetime > FAPI2_CODE_LIFETIME, "a code_lifetime over 60 seconds"),
            (
                fapi2 && config.pushed_request_lifetime >= FAPI2_PUSHED_LIFETIME,
                "a pushed_request_lifetime of 600 seconds",
            ),
            (fapi2 && core.switches.device_authorization, "device_authorization"),
            (fapi2 && self.request_uri_parameter, "request_uri"),
            (fapi2 && by_stranger, "registration without a software statement"),
            (fapi2 && self.client_documents.is_some(), "client_id_metadata_documents"),
        ];
        contradiction(profile.as_str(), rows)?;
        if profile != Profile::FapiCiba {
            return Ok(());
        }
        let pushes = core.backchannel.as_ref().is_some_and(Backchannel::pushes);
        let rows = [(pushes, "tokens that are pushed"), (self.dpop.is_some(), "dpop")];
        contradiction(profile.as_str(), rows)?;
        match (core.backchannel.is_some(), core.mutual_tls.is_some()) {
            (true, true) => Ok(()),
            (false, _) => needs(profile.as_str(), "with_backchannel_authentication"),
            (true, false) => needs(profile.as_str(), "with_mutual_tls"),
        }
    }

    /// What was turned on or set, and a requirement forbids.
    fn check_requirements(&self) -> Result<(), BuildError> {
        let (core, requirements) = (&self.core, &self.core.config.requirements);
        let by_keys = requirements.asymmetric_authentication;
        let unsigned = core.switches.unsigned_request_objects;
        contradiction(
            "asymmetric_authentication",
            [
                (by_keys && self.client_secret_jwt, "client_secret_jwt"),
                (by_keys && !self.authenticators.is_empty(), "a client_authenticator of the host"),
            ],
        )?;
        contradiction(
            "signed_request_object",
            [(requirements.signed_request_object && unsigned, "dangerous_with_unsigned_request_objects")],
        )?;
        let certificates = core.mutual_tls.as_ref().is_some_and(MutualTls::authenticates);
        if by_keys && !self.private_key_jwt && !certificates {
            return needs("asymmetric_authentication", "with_private_key_jwt or with_mutual_tls");
        }
        let takes_objects = core.switches.request_parameter || self.request_uri_parameter;
        if requirements.signed_request_object && core.signs_in() && !takes_objects {
            return needs("signed_request_object", "with_request_parameter");
        }
        let signs = core.keyring.algorithms().into_iter().any(|alg| requirements.permits(alg));
        if !signs || requirements.inbound_algs().is_empty() {
            return needs("signing_algs", "an active key for one of them, and one that clients may use");
        }
        Ok(())
    }

    /// What follows from the requirements for what was made from the configuration before.
    fn apply_requirements(&mut self) {
        let core = &mut self.core;
        core.request_objects = request_objects(&core.config);
        let Some(algs) = core.config.requirements.signing_algs.clone() else { return };
        core.keyring = core.keyring.limited_to(&algs);
        core.hints = IdTokenHintVerifier::new(core.config.issuer.as_str(), core.keyring.clone());
        self.dpop = self.dpop.take().map(|dpop| dpop.limited_to(&algs));
    }
}

/// The first of `rows` that is so.
fn contradiction<const N: usize>(
    demand: &'static str,
    rows: [(bool, &'static str); N],
) -> Result<(), BuildError> {
    match rows.into_iter().find(|(contradicts, _)| *contradicts) {
        Some((_, setting)) => Err(BuildError::Contradicts { setting, demand }),
        None => Ok(()),
    }
}

const fn needs(feature: &'static str, port: &'static str) -> Result<(), BuildError> {
    Err(BuildError::Needs { feature, port })
}
