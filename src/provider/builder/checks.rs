//! What `build()` checks.

use std::time::Duration;

use super::{BuildError, ProviderBuilder};
use crate::client::{AccessTokenFormatChoice, is_access_token_lifetime};
use crate::jose::{Decrypter, Jwk};
use crate::provider::config::CodeChallengeReuse;
use crate::provider::mutual_tls::MutualTls;
use crate::provider::proof::DpopConfig;
use crate::provider::register::{Registration, SoftwareStatementIssuer};
use crate::types::ResponseType;

/// The shortest life of a grant, and of a refresh token that is not used.
const SHORTEST_GRANT: Duration = Duration::from_secs(60 * 60);

impl ProviderBuilder {
    pub(super) fn check_bounds(&self) -> Result<(), BuildError> {
        let config = &self.core.config;
        let rows: [(&'static str, Duration, (u64, u64), &'static str); 11] = [
            ("code_lifetime", config.code_lifetime, (10, 600), "10 to 600 seconds"),
            ("opaque_lifetime", config.opaque_lifetime, (60, 86_400), "1 minute to 24 hours"),
            ("jwt_lifetime", config.jwt_lifetime, (60, 86_400), "1 minute to 24 hours"),
            ("id_token_lifetime", config.id_token_lifetime, (60, 86_400), "1 minute to 24 hours"),
            ("rotation_grace", config.rotation_grace, (0, 60), "0 to 60 seconds"),
            ("pending_lifetime", config.pending_lifetime, (300, 7200), "5 minutes to 2 hours"),
            ("pushed_request_lifetime", config.pushed_request_lifetime, (5, 600), "5 to 600 seconds"),
            ("device_code_lifetime", config.device_code_lifetime, (60, 1800), "1 to 30 minutes"),
            ("poll_interval", config.poll_interval, (1, 60), "1 to 60 seconds"),
            ("clock_skew", config.clock_skew, (0, 60), "0 to 60 seconds"),
            ("assertion_lifetime", config.assertion_lifetime, (10, 600), "10 to 600 seconds"),
        ];
        for (setting, value, (low, high), bounds) in rows {
            if value < Duration::from_secs(low) || value > Duration::from_secs(high) {
                return Err(BuildError::Bounds { setting, bounds });
            }
        }
        let lasting = [
            ("refresh_idle", config.refresh_idle),
            ("public_grant_lifetime", config.public_grant_lifetime),
            ("confidential_grant_lifetime", config.confidential_grant_lifetime),
        ];
        for (setting, value) in lasting {
            if value < SHORTEST_GRANT {
                return Err(BuildError::Bounds { setting, bounds: "1 hour or more" });
            }
        }
        for settings in config.resources.values() {
            if settings.access_token_lifetime.is_some_and(|lifetime| !is_access_token_lifetime(lifetime)) {
                return Err(BuildError::Bounds {
                    setting: "resource access_token_lifetime",
                    bounds: "1 minute to 24 hours",
                });
            }
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

    pub(super) fn check_needs(&self) -> Result<(), BuildError> {
        let core = &self.core;
        let needs = |feature, port| Err(BuildError::Needs { feature, port });
        let code = core.response_types.contains(&ResponseType::Code);
        if core.signs_in() && core.accounts.is_none() {
            return needs(if code { "authorization_code" } else { "the authorization endpoint" }, "Accounts");
        }
        if !code && core.response_types.iter().any(|known| known.has_code()) {
            return needs("a response type with a code", "with_authorization_code");
        }
        if core.switches.rp_initiated_logout && !core.signs_in() {
            return needs("rp_initiated_logout", "the authorization endpoint");
        }
        if core.pushed_requests.is_some() && !core.signs_in() {
            return needs("pushed_authorization_requests", "the authorization endpoint");
        }
        if core.pushed_requests.is_some() && core.stores.tickets.is_none() {
            return needs("pushed_authorization_requests", "TicketStore");
        }
        if core.switches.introspection_jwt && !core.switches.introspection {
            return needs("introspection_jwt", "with_introspection");
        }
        if core.switches.session_management && !core.signs_in() {
            return needs("session_management", "the authorization endpoint");
        }
        if self.refresh_token && core.accounts.is_none() {
            return needs("refresh_token", "Accounts");
        }
        if self.client_secret_jwt && core.stores.replays.is_none() {
            return needs("client_secret_jwt", "ReplayStore");
        }
        if self.jwt_bearer && self.trusted_issuers.is_none() {
            return needs("jwt_bearer", "TrustedIssuers");
        }
        if self.jwt_bearer && core.accounts.is_none() {
            return needs("jwt_bearer", "Accounts");
        }
        if self.token_exchange.is_some() && core.accounts.is_none() {
            return needs("token_exchange", "Accounts");
        }
        if self.trusted_issuers.is_some() && core.stores.replays.is_none() {
            return needs("trusted issuers", "ReplayStore");
        }
        if self.private_key_jwt && core.stores.replays.is_none() {
            return needs("private_key_jwt", "ReplayStore");
        }
        let remembers = core.config.code_challenge_reuse != CodeChallengeReuse::Ignored;
        if remembers && core.stores.replays.is_none() {
            return needs("code_challenge_reuse", "ReplayStore");
        }
        if self.dpop.is_some() && core.stores.replays.is_none() {
            return needs("dpop", "ReplayStore");
        }
        if let Some(registration) = &core.registration {
            if core.stores.registry.is_none() {
                return needs("registration", "ClientRegistry");
            }
            if registration.needs_token() && core.stores.tickets.is_none() {
                return needs("registration by initial access token", "TicketStore");
            }
            let mut issuers = registration.statement_issuers().iter().map(SoftwareStatementIssuer::issuer);
            while let Some(issuer) = issuers.next() {
                if issuers.clone().any(|other| other == issuer) {
                    return Err(BuildError::Twice { name: issuer.to_owned() });
                }
            }
            if registration.needs_statement() && registration.statement_issuers().is_empty() {
                return needs("a required software statement", "an issuer of software statements");
            }
        }
        if core.backchannel.is_some() {
            if !core.signs_in() {
                return needs("backchannel_authentication", "the authorization endpoint");
            }
            if core.stores.deferred.is_none() {
                return needs("backchannel_authentication", "DeferredStore");
            }
            if core.stores.replays.is_none() {
                return needs("backchannel_authentication", "ReplayStore");
            }
        }
        if core.switches.device_authorization {
            if !core.signs_in() {
                return needs("device_authorization", "the authorization endpoint");
            }
            if core.stores.deferred.is_none() {
                return needs("device_authorization", "DeferredStore");
            }
            // Eight letters can be guessed by whoever may try for long enough (RFC 8628 section 5.1).
            if core.limiter.is_none() {
                return needs("device_authorization", "Limiter");
            }
        }
        if core.switches.front_channel_logout && !core.switches.rp_initiated_logout {
            return needs("front_channel_logout", "with_rp_initiated_logout");
        }
        let bound = core.mutual_tls.as_ref().is_some_and(MutualTls::requires_bound_tokens);
        if bound && core.response_types.iter().any(|known| known.has_token()) {
            return needs("bound access tokens of all clients", "response types without a token");
        }
        self.check_outgoing()?;
        self.check_keys()?;
        if self.imported_hashes.is_some() && core.runtime.is_none() {
            return needs("imported_hashes", "Runtime");
        }
        if core.config.access_token_signing_alg.is_some_and(|alg| core.keyring.signer(alg).is_none()) {
            return needs("access_token_signing_alg", "an active key for it");
        }
        let without_audience = core.config.default_audience.is_empty();
        if core.switches.introspection && without_audience {
            return needs("introspection", "Config::default_audience");
        }
        let jwt = [AccessTokenFormatChoice::Jwt, AccessTokenFormatChoice::JwtStateless];
        if jwt.contains(&core.config.access_token_format) && without_audience {
            return needs("jwt access tokens", "Config::default_audience");
        }
        Ok(())
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

    /// What is sent out, or fetched, needs somebody who does it.
    fn check_outgoing(&self) -> Result<(), BuildError> {
        let registration = self.core.registration.as_ref();
        let fetches_statement_keys = registration.is_some_and(Registration::fetches_statement_keys);
        for (on, feature) in [
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
