//! Who may register, and as what.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::client::{Client, ClientMetadata, ClientSettings};
use crate::error::Result;
use crate::provider::context::Context;
use crate::types::{GrantType, Scope};

/// How often an initial access token lets a client register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum InitialTokenUses {
    /// Once.
    Once,
    /// Until it expires.
    UntilExpiry,
}

/// Dynamic registration: who may register, and the bounds of what they get.
///
/// What a client leaves out is filled in from these bounds, never left unchecked. What the host decides for a client,
/// its [`ClientSettings`], comes from here alone: no member of a request reaches them.
#[derive(Clone, Debug)]
#[must_use]
pub struct Registration {
    access: Access,
    scope: Scope,
    grant_types: Vec<GrantType>,
    settings: ClientSettings,
    policy: Option<Arc<dyn RegistrationPolicy>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    InitialToken,
    Open,
}

/// What a host decides of each registration.
#[async_trait]
pub trait RegistrationPolicy: Debug + Send + Sync {
    /// What a client is registered with that asked for `metadata`: as it is, or changed. The provider has checked it
    /// against the bounds of the [`Registration`], filled in what was left out, and checks afterwards that the parts
    /// still fit together. `current` is the client as it is, where it updates itself.
    ///
    /// # Errors
    /// What the client is refused with, as a rule [`Reason::Custom`](crate::error::Reason::Custom) with the code
    /// `invalid_client_metadata`; nothing is registered then.
    async fn review(
        &self,
        cx: &Context<'_>,
        current: Option<&Client>,
        metadata: ClientMetadata,
    ) -> Result<ClientMetadata>;
}

const _: fn(&dyn RegistrationPolicy) = |_| ();

impl Registration {
    /// Whoever holds an initial access token of the host registers; see
    /// [`Provider::mint_initial_access_token`](crate::Provider::mint_initial_access_token).
    pub fn by_initial_access_token() -> Self {
        Self::new(Access::InitialToken)
    }

    /// Everybody registers.
    ///
    /// # Security
    /// Whoever reaches the endpoint then has a client of any name. People must be shown where a client answers, and a
    /// [`Limiter`](crate::limiter::Limiter) must bound how many there are.
    pub fn open() -> Self {
        Self::new(Access::Open)
    }

    fn new(access: Access) -> Self {
        let grant_types = vec![GrantType::AuthorizationCode, GrantType::Implicit, GrantType::RefreshToken];
        let scope = Scope::parse("openid profile email address phone offline_access").unwrap_or_default();
        Self { access, scope, grant_types, settings: ClientSettings::default(), policy: None }
    }

    /// The most that a client may register as its scope, and what it gets where it names none. Default `openid
    /// profile email address phone offline_access`.
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Allows one more grant type. Default `authorization_code`, `refresh_token`, and `implicit`, each where the
    /// provider has it.
    pub fn with_grant_type(mut self, grant_type: GrantType) -> Self {
        self.grant_types.push(grant_type);
        self
    }

    /// What the host decides for each client that registers. Default: the careful settings.
    pub fn with_settings(mut self, settings: ClientSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Who reviews each registration. Default: nobody.
    pub fn with_policy(mut self, policy: Arc<dyn RegistrationPolicy>) -> Self {
        self.policy = Some(policy);
        self
    }

    pub(crate) const fn needs_token(&self) -> bool {
        matches!(self.access, Access::InitialToken)
    }

    pub(super) const fn scope(&self) -> &Scope {
        &self.scope
    }

    pub(super) fn allows(&self, grant_type: &GrantType) -> bool {
        self.grant_types.contains(grant_type)
    }

    pub(super) const fn client_settings(&self) -> &ClientSettings {
        &self.settings
    }

    pub(super) async fn reviewed(
        &self,
        cx: &Context<'_>,
        current: Option<&Client>,
        metadata: ClientMetadata,
    ) -> Result<ClientMetadata> {
        match &self.policy {
            Some(policy) => policy.review(cx, current, metadata).await,
            None => Ok(metadata),
        }
    }
}
