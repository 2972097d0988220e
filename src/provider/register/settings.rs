//! Who may register, and as what.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::rules::Bounds;
use super::statement::SoftwareStatementIssuer;
use crate::client::{Client, ClientMetadata, ClientSettings};
use crate::error::Result;
use crate::jose::SoftwareStatement;
use crate::provider::context::Context;
use crate::types::{GrantType, ResponseType, Scope};

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
    bounds: Bounds,
    settings: ClientSettings,
    policy: Option<Arc<dyn RegistrationPolicy>>,
    statement_issuers: Vec<SoftwareStatementIssuer>,
    statement_required: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    InitialToken,
    Open,
}

/// Who asks to be registered.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Registrant<'a> {
    /// The client as it is, where it updates itself.
    pub current: Option<&'a Client>,
    /// The software statement that it brought, verified. Its claims stand in the metadata already.
    pub software_statement: Option<&'a SoftwareStatement>,
}

/// What a host decides of each registration.
///
/// It sees what the client would be registered with, and nothing that it returns reaches further than that: consent,
/// lifetimes, formats and the like are in [`Registration::with_settings`] and
/// [`Administration::set_client_settings`](crate::provider::Administration::set_client_settings) alone.
#[async_trait]
pub trait RegistrationPolicy: Debug + Send + Sync {
    /// What a client is registered with that asked for `metadata`: as it is, or changed. The provider has checked it
    /// against the bounds of the [`Registration`], filled in what was left out, and checks afterwards that the parts
    /// still fit together, and asks its sector.
    ///
    /// It may be asked again about one request, up to 3 times in all: where another has written the client while an
    /// update was under way, with the `current` that is there then. So it must do nothing that counts twice.
    ///
    /// # Errors
    /// What the client is refused with, as a rule [`Reason::Custom`](crate::error::Reason::Custom) with the code
    /// `invalid_client_metadata` or `unapproved_software_statement`; nothing is registered then.
    async fn review(
        &self,
        cx: &Context<'_>,
        registrant: &Registrant<'_>,
        metadata: ClientMetadata,
    ) -> Result<ClientMetadata>;
}

const _: fn(&dyn RegistrationPolicy) = |_| ();

impl Registration {
    /// Whoever holds an initial access token of the host registers; see
    /// [`Administration::mint_initial_access_token`](crate::provider::Administration::mint_initial_access_token).
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
        Self {
            access,
            bounds: Bounds::default(),
            settings: ClientSettings::default(),
            policy: None,
            statement_issuers: Vec::new(),
            statement_required: false,
        }
    }

    /// The most that a client may register as its scope, and what it gets where it names none. Default `openid
    /// profile email address phone offline_access`.
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.bounds.scope = scope;
        self
    }

    /// Allows one more response type, with the grant types that go with it, where the provider has it. Default `code`
    /// alone: what was turned on for a client that the host knows is not for everybody.
    pub fn with_response_type(mut self, response_type: ResponseType) -> Self {
        self.bounds.open(response_type);
        self
    }

    /// Allows one more grant type. Default `authorization_code` and `refresh_token`, each where the provider has it.
    pub fn with_grant_type(mut self, grant_type: GrantType) -> Self {
        self.bounds.grant_types.push(grant_type);
        self
    }

    /// Lets clients of the `application_type` `native` register https URIs too, which their apps have claimed on the
    /// device (RFC 8252 section 7.2). Default: they answer at a loopback address or a private-use scheme, as OpenID
    /// Connect Dynamic Client Registration 1.0 section 2 has it.
    pub const fn with_claimed_https_redirects(mut self) -> Self {
        self.bounds.claimed_https = true;
        self
    }

    /// Lets clients register addresses that are not public: of loopback, of private networks, and names without a dot.
    /// Default: the addresses of keys, request objects, sectors, logouts and pages must be of a public host. Redirect URIs
    /// are another matter, and whether such an address can be asked is up to the
    /// [`HttpClient`](crate::wire::HttpClient).
    ///
    /// # Security
    /// For tests and closed networks: strangers can name services of the network that the provider, or the browser of a
    /// person, is in.
    pub const fn dangerous_allow_inner_addresses(mut self) -> Self {
        self.bounds.inner_addresses = true;
        self
    }

    /// Believes the software statements of one more issuer (RFC 7591 section 2.3): what they say of a client counts
    /// before what the client says itself, within the same bounds. Default: nobody's, and statements are left out.
    pub fn with_software_statement_issuer(mut self, issuer: SoftwareStatementIssuer) -> Self {
        self.statement_issuers.push(issuer);
        self
    }

    /// Nobody registers without a software statement. It needs an issuer.
    pub const fn with_required_software_statement(mut self) -> Self {
        self.statement_required = true;
        self
    }

    /// Allows one more type of authorization details (RFC 9396 section 10), where the provider has it. Default none.
    pub fn with_authorization_details_type(mut self, name: impl Into<String>) -> Self {
        self.bounds.details.push(name.into());
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

    pub(super) const fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    pub(crate) const fn needs_statement(&self) -> bool {
        self.statement_required
    }

    pub(crate) fn statement_issuers(&self) -> &[SoftwareStatementIssuer] {
        &self.statement_issuers
    }

    pub(crate) fn fetches_statement_keys(&self) -> bool {
        self.statement_issuers.iter().any(SoftwareStatementIssuer::is_fetched)
    }

    pub(super) const fn client_settings(&self) -> &ClientSettings {
        &self.settings
    }

    pub(super) async fn reviewed(
        &self,
        cx: &Context<'_>,
        registrant: &Registrant<'_>,
        metadata: ClientMetadata,
    ) -> Result<ClientMetadata> {
        match &self.policy {
            Some(policy) => policy.review(cx, registrant, metadata).await,
            None => Ok(metadata),
        }
    }
}
