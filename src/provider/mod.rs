//! The OpenID provider: one method for each endpoint.

mod builder;
mod client_auth;
mod config;
mod context;
mod core;
mod format;
mod grant;
mod hooks;
mod issue;
mod payload;
mod records;
mod subject;
mod token;

use std::sync::Arc;

pub use builder::{BuildError, ProviderBuilder};
pub use client_auth::{ClientAuthenticator, Credentials};
pub use config::{CodeReuse, Config, EndpointPaths, ResourceSettings, TokenPrefixes};
pub use context::Context;
pub use format::{AccessTokenFormat, Minted, Presented, RefreshToken, TokenKind};
pub use grant::GrantHandler;
pub use hooks::{ClaimsHook, ErrorPage, PlainErrorPage};
pub use issue::{IdTokenIssuance, Issuance, RefreshIssuance, Write};
pub use token::{AuthenticatedClient, TokenRequest, TokenResponse};

use self::core::Core;
use crate::jose::Keyring;
use crate::secret::SystemSecrets;
use crate::store::Stores;

/// An OpenID provider: one issuer, cheap to clone, shared by all requests.
#[derive(Clone, Debug)]
pub struct Provider(Arc<Core>);

impl Provider {
    /// Begins a provider with what nobody can default.
    pub fn builder(
        config: Config,
        stores: Stores,
        keyring: Keyring,
        secrets: SystemSecrets,
    ) -> ProviderBuilder {
        ProviderBuilder::new(config, stores, keyring, secrets)
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The signing keys, to rotate them.
    #[must_use]
    pub fn keyring(&self) -> &Keyring {
        &self.0.keyring
    }
}
