//! What `build()` checks.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{BuildError, ProviderBuilder};
use crate::client::{AccessTokenFormatChoice, is_access_token_lifetime, is_grant_lifetime};
use crate::jose::{Decrypter, Jwk};
use crate::limiter::LimitPoint;
use crate::proof::DpopConfig;
use crate::provider::backchannel::Backchannel;
use crate::provider::config::CodeChallengeReuse;
use crate::provider::mutual_tls::MutualTls;
use crate::provider::register::{Registration, SoftwareStatementIssuer};
use crate::provider::resources;
use crate::types::ResponseType;

/// How long a call of a store may be given.
const STORE_DEADLINES: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(60);

/// A feature, whether it is on, what it needs, and whether that is there.
struct Need(&'static str, bool, &'static str, bool);

/// The first need that is not met.
fn missing(needs: &[Need]) -> Result<(), BuildError> {
    match needs.iter().find(|Need(_, on, _, there)| *on && !there) {
        Some(&Need(feature, _, port, _)) => Err(BuildError::Needs { feature, port }),
        None => Ok(()),
    }
}

impl ProviderBuilder {
    pub(super) fn check_bounds(&self) -> Result<(), BuildError> {
        let config = &self.core.config;
        let rows: [(&'static str, Duration, (u64, u64), &'static str); 12] = [
            ("code_lifetime", config.code_lifetime, (10, 600), "10 to 600 seconds"),
            ("opaque_lifetime", config.opaque_lifetime, (60, 86_400), "1 minute to 24 hours"),
            ("jwt_lifetime", config.jwt_lifetime, (60, 86_400), "1 minute to 24 hours"),
            ("id_token_lifetime", config.id_token_lifetime, (60, 86_400), "1 minute to 24 hours"),
            ("rotation_grace", config.rotation_grace, (0, 60), "0 to 60 seconds"),
            ("pending_lifetime", config.pending_lifetime, (300, 7200), "5 minutes to 2 hours"),
            ("pushed_request_lifetime", config.pushed_request_lifetime, (5, 600), "5 to 600 seconds"),
            ("device_code_lifetime", config.device_code_lifetime, (60, 1800), "1 to 30 minutes"),
            ("poll_interval", config.poll_interval, (1, 60), "1 to 60 seconds"),
            ("registered_client_age", config.registered_client_age, (0, 300), "0 to 300 seconds"),
            ("clock_skew", config.clock_skew, (0, 60), "0 to 60 seconds"),
            ("assertion_lifetime", config.assertion_lifetime, (10, 600), "10 to 600 seconds"),
        ];
        for (setting, value, (low, high), bounds) in rows {
            if value < Duration::from_secs(low) || value > Duration::from_secs(high) {
                return Err(BuildError::Bounds { setting, bounds });
            }
        }
        self.check_lifetimes()?;
        self.check_resources()?;
        let limits = config.store_limits;
        if !STORE_DEADLINES.contains(&limits.deadline) {
            let bounds = "100 milliseconds to 60 seconds";
            return Err(BuildError::Bounds { setting: "store_limits deadline", bounds });
        }
        if limits.at_once == 0 {
            return Err(BuildError::Bounds { setting: "store_limits at_once", bounds: "1 to 65535" });
        }
        if !config.prefixes.are_distinct() {
            return Err(BuildError::Bounds {
                setting: "prefixes",
                bounds: "1 to 32 of letters, digits, '_', '-', '.' and '~', none the beginning of another or of a jwt",
            });
        }
        if let Some((setting, bounds)) = self.dpop.as_ref().and_then(DpopConfig::out_of_bounds) {
            return Err(BuildError::Bounds { setting, bounds });
        }
        if !(1..=256).contains(&config.slow_hashes_at_once) {
            return Err(BuildError::Bounds { setting: "slow_hashes_at_once", bounds: "1 to 256" });
        }
        Ok(())
    }

    /// How long grants last, and what differs for a grant type or a resource.
    fn check_lifetimes(&self) -> Result<(), BuildError> {
        let config = &self.core.config;
        let mut tokens = Vec::new();
        let mut grants = vec![
            ("refresh_idle", Some(config.refresh_idle)),
            ("public_grant_lifetime", Some(config.public_grant_lifetime)),
            ("confidential_grant_lifetime", Some(config.confidential_grant_lifetime)),
        ];
        for settings in config.resources.values() {
            tokens.push(("resource access_token_lifetime", settings.access_token_lifetime));
        }
        for lifetimes in config.grant_type_lifetimes.values() {
            tokens.push(("grant type access_token", lifetimes.access_token));
            tokens.push(("grant type id_token", lifetimes.id_token));
            grants.push(("grant type refresh_idle", lifetimes.refresh_idle));
            grants.push(("grant type grant", lifetimes.grant));
        }
        for (setting, lifetime) in tokens {
            if lifetime.is_some_and(|lifetime| !is_access_token_lifetime(lifetime)) {
                return Err(BuildError::Bounds { setting, bounds: "1 minute to 24 hours" });
            }
        }
        for (setting, lifetime) in grants {
            if lifetime.is_some_and(|lifetime| !is_grant_lifetime(lifetime)) {
                return Err(BuildError::Bounds { setting, bounds: "1 hour or more" });
            }
        }
        Ok(())
    }

    /// What the settings of resources need, and that a token without `resource` can be made.
    fn check_resources(&self) -> Result<(), BuildError> {
        let core = &self.core;
        let needs = |feature, port| Err(BuildError::Needs { feature, port });
        let jwt = [Some(AccessTokenFormatChoice::Jwt), Some(AccessTokenFormatChoice::JwtStateless)];
        for settings in core.config.resources.values() {
            if settings.access_token_signing_alg.is_some_and(|alg| core.keyring.signer(alg).is_none()) {
                return needs("resource access_token_signing_alg", "an active key for it");
            }
            if settings.access_token_encryption.is_some() && !jwt.contains(&settings.access_token_format) {
                return needs("resource access_token_encryption", "a format of jwts for the resource");
            }
        }
        match resources::can_be_combined(&core.config, &core.config.default_audience) {
            true => Ok(()),
            false => needs("default_audience", "resources that can share a token"),
        }
    }

    pub(super) fn check_needs(&self) -> Result<(), BuildError> {
        self.check_sign_in()?;
        self.check_grants_and_proofs()?;
        self.check_registration()?;
        self.check_elsewhere()?;
        self.check_alias()?;
        let core = &self.core;
        let bound = core.config.requirements.sender_constrained_tokens;
        let binds = self.dpop.is_some() || core.mutual_tls.is_some();
        let tokens_in_front = core.response_types.iter().any(|known| known.has_token());
        missing(&[
            Need(
                "front_channel_logout",
                core.switches.front_channel_logout,
                "with_rp_initiated_logout",
                core.switches.rp_initiated_logout,
            ),
            Need("sender_constrained_tokens", bound, "response types without a token", !tokens_in_front),
            Need("sender_constrained_tokens", bound, "with_dpop or with_mutual_tls", binds),
        ])?;
        self.check_outgoing()?;
        self.check_keys()?;
        let signed = core.config.access_token_signing_alg;
        let has_audience = !core.config.default_audience.is_empty();
        let jwt = [AccessTokenFormatChoice::Jwt, AccessTokenFormatChoice::JwtStateless];
        let mints_jwts = jwt.contains(&core.config.access_token_format);
        missing(&[
            Need("imported_hashes", self.imported_hashes.is_some(), "Runtime", core.runtime.is_some()),
            Need(
                "access_token_signing_alg",
                signed.is_some(),
                "an active key for it",
                signed.is_some_and(|alg| core.keyring.signer(alg).is_some()),
            ),
            Need("introspection", core.switches.introspection, "Config::default_audience", has_audience),
            Need("jwt access tokens", mints_jwts, "Config::default_audience", has_audience),
        ])
    }

    /// What signs people in, and what is of use only where they do.
    fn check_sign_in(&self) -> Result<(), BuildError> {
        let (core, on) = (&self.core, &self.core.switches);
        let (signs_in, accounts) = (core.signs_in(), core.accounts.is_some());
        let code = core.response_types.contains(&ResponseType::Code);
        let of_code = core.response_types.iter().any(|known| known.has_code());
        let signing_in = if code { "authorization_code" } else { "the authorization endpoint" };
        let pushed = core.pushed_requests.is_some();
        missing(&[
            Need(signing_in, signs_in, "Accounts", accounts),
            Need("a response type with a code", of_code, "with_authorization_code", code),
            Need("rp_initiated_logout", on.rp_initiated_logout, "the authorization endpoint", signs_in),
            Need("pushed_authorization_requests", pushed, "the authorization endpoint", signs_in),
            Need("pushed_authorization_requests", pushed, "TicketStore", core.stores.tickets.is_some()),
            Need("introspection_jwt", on.introspection_jwt, "with_introspection", on.introspection),
            Need("session_management", on.session_management, "the authorization endpoint", signs_in),
        ])
    }

    /// Grants, and what counts once and so has to be remembered.
    fn check_grants_and_proofs(&self) -> Result<(), BuildError> {
        let core = &self.core;
        let (accounts, replays) = (core.accounts.is_some(), core.stores.replays.is_some());
        let trusted = self.trusted_issuers.is_some();
        let challenges = core.config.code_challenge_reuse != CodeChallengeReuse::Ignored;
        missing(&[
            Need("refresh_token", self.refresh_token, "Accounts", accounts),
            Need("jwt_bearer", self.jwt_bearer, "TrustedIssuers", trusted),
            Need("jwt_bearer", self.jwt_bearer, "Accounts", accounts),
            Need("token_exchange", self.token_exchange.is_some(), "Accounts", accounts),
            Need("trusted issuers", trusted, "ReplayStore", replays),
            Need("client_secret_jwt", self.client_secret_jwt, "ReplayStore", replays),
            Need("private_key_jwt", self.private_key_jwt, "ReplayStore", replays),
            Need("code_challenge_reuse", challenges, "ReplayStore", replays),
            Need("dpop", self.dpop.is_some(), "ReplayStore", replays),
        ])
    }

    fn check_registration(&self) -> Result<(), BuildError> {
        let Some(registration) = &self.core.registration else { return Ok(()) };
        let stores = &self.core.stores;
        missing(&[
            Need("registration", true, "ClientRegistry", stores.registry.is_some()),
            Need(
                "registration by initial access token",
                registration.needs_token(),
                "TicketStore",
                stores.tickets.is_some(),
            ),
        ])?;
        let mut issuers = registration.statement_issuers().iter().map(SoftwareStatementIssuer::issuer);
        while let Some(issuer) = issuers.next() {
            if issuers.clone().any(|other| other == issuer) {
                return Err(BuildError::Twice { name: issuer.to_owned() });
            }
        }
        missing(&[Need(
            "a required software statement",
            registration.needs_statement(),
            "an issuer of software statements",
            !registration.statement_issuers().is_empty(),
        )])
    }

    /// What a person answers elsewhere than in the client's browser.
    fn check_elsewhere(&self) -> Result<(), BuildError> {
        let (core, stores) = (&self.core, &self.core.stores);
        let (backchannel, device) = (core.backchannel.is_some(), core.switches.device_authorization);
        let (signs_in, deferred) = (core.signs_in(), stores.deferred.is_some());
        let pushes = core.backchannel.as_ref().is_some_and(Backchannel::pushes);
        let bound = core.config.requirements.sender_constrained_tokens;
        let bounds = |point| core.limiter.as_ref().is_some_and(|limiter| limiter.bounds(point));
        let (people, codes) = (bounds(LimitPoint::BackchannelPerson), bounds(LimitPoint::UserCode));
        missing(&[
            Need("backchannel_authentication", backchannel, "the authorization endpoint", signs_in),
            Need("backchannel_authentication", backchannel, "DeferredStore", deferred),
            Need("backchannel_authentication", backchannel, "ReplayStore", stores.replays.is_some()),
            // Somebody who says no to each can be asked again and again (CIBA Core section 14).
            Need("backchannel_authentication", backchannel, "a Limiter of BackchannelPerson", people),
            // No proof comes where tokens are pushed, so that only a certificate can bind them.
            Need(
                "bound tokens that are pushed",
                pushes && bound,
                "with_mutual_tls",
                core.mutual_tls.is_some(),
            ),
            Need("device_authorization", device, "the authorization endpoint", signs_in),
            Need("device_authorization", device, "DeferredStore", deferred),
            // Eight letters can be guessed by whoever may try for long enough (RFC 8628 section 5.1).
            Need("device_authorization", device, "a Limiter of UserCode", codes),
        ])
    }

    /// A key is for one purpose (OpenID Connect Discovery 1.0 section 3, `jwks_uri`), and has a name of its
    /// own in the key set.
    fn check_keys(&self) -> Result<(), BuildError> {
        let encryption = self.core.decrypter.as_ref().map(Decrypter::public_keys).unwrap_or_default();
        for signing in self.core.keyring.keys() {
            let signing = signing.signer().public_key();
            let same = |key: &&Jwk| key.kid() == signing.kid() || key.thumbprint() == signing.thumbprint();
            if let Some(kid) = encryption.iter().find(same).and_then(Jwk::kid) {
                return Err(BuildError::Twice { name: format!("the key {kid}") });
            }
        }
        Ok(())
    }

    /// The alias is the issuer by another address (RFC 8705 section 5).
    fn check_alias(&self) -> Result<(), BuildError> {
        let issuer = &self.core.config.issuer;
        let alias = self.core.mutual_tls.as_ref().and_then(MutualTls::alias);
        match alias.filter(|alias| alias.origin() == issuer.origin() || alias.path() != issuer.path()) {
            Some(alias) => Err(BuildError::Alias { alias: alias.as_str().to_owned() }),
            None => Ok(()),
        }
    }

    /// What is sent out, or fetched, needs somebody who does it.
    fn check_outgoing(&self) -> Result<(), BuildError> {
        let registration = self.core.registration.as_ref();
        let fetches_statement_keys = registration.is_some_and(Registration::fetches_statement_keys);
        let pushes = self.core.backchannel.as_ref().is_some_and(Backchannel::pushes);
        for (on, feature) in [
            (pushes, "backchannel_authentication by push"),
            (self.back_channel_logout, "back_channel_logout"),
            (self.client_documents.is_some(), "client_id_metadata_documents"),
            (self.jwks_uri, "jwks_uri"),
            (self.request_uri_parameter, "request_uri"),
            (fetches_statement_keys, "the keys of an issuer of software statements"),
        ] {
            if on && self.http_client.is_none() {
                return Err(BuildError::Needs { feature, port: "HttpClient" });
            }
            if on && self.core.runtime.is_none() {
                return Err(BuildError::Needs { feature, port: "Runtime" });
            }
        }
        Ok(())
    }
}
