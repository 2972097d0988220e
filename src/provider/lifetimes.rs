//! How long tokens and grants last: by the client's settings, else by the grant type, else by the provider's.

use std::time::Duration;

use super::config::Config;
use super::context::Context;
use super::core::Core;
use super::records::MAX_ACCESS_TOKEN_LIFETIME;
use super::resources;
use crate::client::{AccessTokenFormatChoice, Client};
use crate::policy::{Issuing, Policy};
use crate::store::Grant;
use crate::types::GrantType;

/// What lasts how long where a grant came about by one grant type. What is `None` is as the provider has it otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lifetimes {
    /// An access token: 1 minute to 24 hours.
    pub access_token: Option<Duration>,
    /// An ID token: 1 minute to 24 hours.
    pub id_token: Option<Duration>,
    /// A refresh token that is not used: 1 hour or more.
    pub refresh_idle: Option<Duration>,
    /// A grant with a refresh token, in all: 1 hour or more.
    pub grant: Option<Duration>,
}

impl Lifetimes {
    /// Nothing differs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How long an access token lives: 1 minute to 24 hours.
    #[must_use]
    pub const fn with_access_token(mut self, lifetime: Duration) -> Self {
        self.access_token = Some(lifetime);
        self
    }

    /// How long an ID token lives: 1 minute to 24 hours.
    #[must_use]
    pub const fn with_id_token(mut self, lifetime: Duration) -> Self {
        self.id_token = Some(lifetime);
        self
    }

    /// How long a refresh token may stay unused: 1 hour or more.
    #[must_use]
    pub const fn with_refresh_idle(mut self, idle: Duration) -> Self {
        self.refresh_idle = Some(idle);
        self
    }

    /// How long a grant with a refresh token lasts: 1 hour or more.
    #[must_use]
    pub const fn with_grant(mut self, lifetime: Duration) -> Self {
        self.grant = Some(lifetime);
        self
    }
}

/// What lasts how long of what is about to be issued. The policy has the last word on each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lasting<'a> {
    policy: &'a dyn Policy,
    config: &'a Config,
    issuing: Issuing<'a>,
    /// By the grant types that count, the first of them first.
    by_type: [Option<&'a Lifetimes>; 2],
}

impl<'a> Lasting<'a> {
    pub(super) fn new(policy: &'a dyn Policy, config: &'a Config, issuing: Issuing<'a>) -> Self {
        let by_type = [None, config.grant_type_lifetimes.get(issuing.grant_type)];
        Self { policy, config, issuing, by_type }
    }

    /// What is issued under a grant, with all of its scope.
    pub(super) fn under(
        core: &'a Core,
        cx: &'a Context<'_>,
        (client, grant): (&'a Client, &'a Grant),
    ) -> Self {
        let audience = grant.resources_or(&cx.config.default_audience);
        let issuing = Issuing::new(client, &grant.grant_type, &grant.scope, audience);
        Self::new(&*core.policy, cx.config, issuing)
    }

    /// The same where `requested` is the grant type of the request: at a refresh, another than that of the grant.
    pub(super) fn at(mut self, requested: &GrantType) -> Self {
        self.by_type[0] = self.config.grant_type_lifetimes.get(requested);
        self
    }

    fn chosen(
        &self,
        of_client: Option<Duration>,
        of_type: fn(&Lifetimes) -> Option<Duration>,
    ) -> Option<Duration> {
        of_client.or_else(|| self.by_type.into_iter().flatten().find_map(of_type))
    }

    /// Of an access token. A resource shortens what the client or the grant type has, and never lengthens it: who is
    /// held to little has little everywhere.
    pub(super) fn access_token(&self, format: &AccessTokenFormatChoice) -> Duration {
        let of_client = self.issuing.client.settings().access_token_lifetime;
        let chosen = self.chosen(of_client, |row| row.access_token);
        let of_resource = resources::lifetime(self.config, self.issuing.audience);
        let default = chosen.into_iter().chain(of_resource).min().unwrap_or(match format {
            AccessTokenFormatChoice::Jwt | AccessTokenFormatChoice::JwtStateless => self.config.jwt_lifetime,
            AccessTokenFormatChoice::Opaque | AccessTokenFormatChoice::Extension(_) => {
                self.config.opaque_lifetime
            }
        });
        self.policy.access_token_lifetime(&self.issuing, default).min(MAX_ACCESS_TOKEN_LIFETIME)
    }

    /// Of an ID token, which keys are kept to verify for as long as access tokens.
    pub(super) fn id_token(&self) -> Duration {
        let chosen = self.chosen(self.issuing.client.settings().id_token_lifetime, |row| row.id_token);
        let default = chosen.unwrap_or(self.config.id_token_lifetime);
        self.policy.id_token_lifetime(&self.issuing, default).min(MAX_ACCESS_TOKEN_LIFETIME)
    }

    /// Of a refresh token that is not used.
    pub(super) fn refresh_idle(&self) -> Duration {
        let chosen = self.chosen(self.issuing.client.settings().refresh_idle, |row| row.refresh_idle);
        self.policy.refresh_idle(&self.issuing, chosen.unwrap_or(self.config.refresh_idle))
    }

    /// Of a grant with a refresh token.
    pub(super) fn grant(&self) -> Duration {
        let client = self.issuing.client;
        let chosen = self.chosen(client.settings().grant_lifetime, |row| row.grant);
        let default = chosen.unwrap_or(match client.is_confidential() {
            true => self.config.confidential_grant_lifetime,
            false => self.config.public_grant_lifetime,
        });
        self.policy.grant_lifetime(&self.issuing, default)
    }
}
