//! What the host decides for a client, and the client cannot register for itself.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::types::Scope;

/// Which shape access tokens have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AccessTokenFormatChoice {
    /// A random text that only this provider can read; revocable at once. The default.
    #[default]
    Opaque,
    /// A JWT of RFC 9068, recorded, so that it can be introspected and revoked here.
    ///
    /// Where a request names no resource and the provider has no default audience, it is for the issuer.
    Jwt,
    /// A JWT of RFC 9068 that is not recorded: introspection reads the token itself, and nothing revokes it.
    ///
    /// Its audience is as for `Jwt`. A token whose request asks claims of userinfo by name or language (`claims`,
    /// `claims_locales`) is a recorded `Jwt` instead: userinfo must know them, and the token must not tell them to
    /// resources. So is every token about a person whom its client knows by a pairwise subject, from which there is no
    /// way back to the person.
    JwtStateless,
    /// The format of a host, by the name under which the provider's builder was given it.
    Extension(Arc<str>),
}

/// Whether the person is asked before the client gets anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Consent {
    /// Asked, unless remembered. The default.
    #[default]
    Required,
    /// Not asked, but for `prompt=consent`: a client of the host's own. A client that answers at a loopback address
    /// or a private-use scheme is asked for all the same, since any program could stand in for it (RFC 8252
    /// section 8.6). A public client is asked for `offline_access` all the same, unless that is remembered.
    Waived,
    /// Not asked, but for `prompt=consent`, whatever the client's redirect URIs are.
    ///
    /// # Security
    /// Any program on the person's machine that claims the scheme or the port gets a code for whoever is signed in,
    /// and the person sees nothing of it. Only for machines on which every program is the host's own.
    DangerousWaivedForNative,
}

/// What protects a code of this client from being injected elsewhere (RFC 9700 section 2.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PkceRequirement {
    /// PKCE with S256. The default.
    #[default]
    Required,
    /// PKCE, or the nonce of an OpenID Connect request. Confidential clients only.
    NonceInstead,
    /// Nothing. Confidential clients only; for those that cannot do better.
    DangerousNotRequired,
}

/// Whether an access token or ID token may live so long: 1 minute to 24 hours.
pub(crate) fn is_access_token_lifetime(lifetime: Duration) -> bool {
    (60..=86_400).contains(&lifetime.as_secs())
}

/// The host's decisions for one client; none of them can come from registration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ClientSettings {
    /// Whether it is shut out everywhere.
    pub disabled: bool,
    /// Whether people are asked for consent.
    pub consent: Consent,
    /// Whether PKCE is demanded.
    pub pkce: PkceRequirement,
    /// The shape of its access tokens; the provider's where `None`.
    pub access_token_format: Option<AccessTokenFormatChoice>,
    /// The lifetime of its access tokens: 1 minute to 24 hours; the provider's where `None`.
    pub access_token_lifetime: Option<Duration>,
    /// The lifetime of its ID tokens: 1 minute to 24 hours; the provider's where `None`.
    pub id_token_lifetime: Option<Duration>,
    /// Whether its authorization responses have to be JWTs (JARM): a request for another `response_mode` is refused.
    pub require_signed_authorization_response: bool,
    /// The origins of browsers that may read its answers; those of its redirect URIs where empty.
    pub allowed_origins: Vec<String>,
    /// The resources that it may ask for (RFC 8707).
    pub resources: Vec<String>,
    /// The audiences whose tokens it may introspect, as a resource server; always its own tokens too.
    pub introspects: Vec<String>,
    /// The scope that it gets with client_credentials where a request has none.
    pub default_scope: Scope,
}

impl ClientSettings {
    /// The careful defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Shuts the client out everywhere.
    #[must_use]
    pub const fn with_disabled(mut self, disabled: bool) -> Self {
        self.disabled = disabled;
        self
    }

    /// Whether people are asked for consent.
    #[must_use]
    pub const fn with_consent(mut self, consent: Consent) -> Self {
        self.consent = consent;
        self
    }

    /// Whether PKCE is demanded.
    #[must_use]
    pub const fn with_pkce(mut self, pkce: PkceRequirement) -> Self {
        self.pkce = pkce;
        self
    }

    /// The shape of its access tokens.
    #[must_use]
    pub fn with_access_token_format(mut self, format: AccessTokenFormatChoice) -> Self {
        self.access_token_format = Some(format);
        self
    }

    /// The lifetime of its access tokens: 1 minute to 24 hours.
    #[must_use]
    pub const fn with_access_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.access_token_lifetime = Some(lifetime);
        self
    }

    /// The lifetime of its ID tokens: 1 minute to 24 hours.
    #[must_use]
    pub const fn with_id_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.id_token_lifetime = Some(lifetime);
        self
    }

    /// Its authorization responses have to be JWTs (JARM).
    #[must_use]
    pub const fn with_signed_authorization_response_required(mut self) -> Self {
        self.require_signed_authorization_response = true;
        self
    }

    /// The origins of browsers that may read its answers.
    #[must_use]
    pub fn with_allowed_origins<T: Into<String>>(mut self, origins: impl IntoIterator<Item = T>) -> Self {
        self.allowed_origins = origins.into_iter().map(Into::into).collect();
        self
    }

    /// The resources that it may ask for.
    #[must_use]
    pub fn with_resources<T: Into<String>>(mut self, resources: impl IntoIterator<Item = T>) -> Self {
        self.resources = resources.into_iter().map(Into::into).collect();
        self
    }

    /// The audiences whose tokens it may introspect.
    #[must_use]
    pub fn with_introspects<T: Into<String>>(mut self, audiences: impl IntoIterator<Item = T>) -> Self {
        self.introspects = audiences.into_iter().map(Into::into).collect();
        self
    }

    /// The scope that it gets with client_credentials where a request has none.
    #[must_use]
    pub fn with_default_scope(mut self, scope: Scope) -> Self {
        self.default_scope = scope;
        self
    }
}
