//! Clients: what they registered, what the host decided for them, and how they prove who they are.

mod credential;
pub(crate) mod fetch;
mod id_token_alg;
pub(crate) mod keyed_token;
mod localized;
mod metadata;
mod remote_keys;
pub(crate) mod remote_metadata;
pub(crate) mod remote_request_objects;
mod secret;
mod sector;
mod settings;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use credential::{ClientCredential, CredentialError};
pub use fetch::{FetchError, FetchErrorKind, FetchedDocument, Fetcher};
pub use id_token_alg::IdTokenAlg;
pub use localized::Localized;
pub use metadata::{
    ApplicationType, ClientAssertionAlg, ClientAuthMethod, ClientMetadata, EncryptionAlgs, RequestObjectAlg,
    TokenDeliveryMode,
};
pub use remote_keys::{FetchedKeys, KeyNews, RemoteKeys};
#[cfg(feature = "imported-hashes")]
pub use secret::ImportedHashes;
pub use secret::{
    ClientSecret, InvalidSecretHash, ResealSecretError, SealSecretError, SecretCheck, SlowHash,
};
pub use sector::{SubjectType, beside_redirects, check_sector};
pub use settings::{AccessTokenFormatChoice, ClientSettings, Consent, PkceRequirement};
pub(crate) use settings::{is_access_token_lifetime, is_grant_lifetime};

use crate::types::{ClientId, GrantType, RedirectUri};

/// Most redirect URIs of one client, and most of those after a logout.
pub const MAX_REDIRECT_URIS: usize = 50;

/// A registered client: immutable, cheap to clone.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    id: ClientId,
    metadata: ClientMetadata,
    settings: ClientSettings,
    secrets: Vec<ClientSecret>,
    self_registered: bool,
    origins: Vec<String>,
    sector: Option<String>,
}

/// Why a client cannot be registered as it is: the member, in its RFC 7591 name, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("client metadata {member}: {problem}")]
#[non_exhaustive]
pub struct InvalidClient {
    /// The member of the metadata.
    pub member: &'static str,
    /// What is wrong.
    pub problem: &'static str,
}

/// Puts a client together; [`ClientBuilder::build`] checks that its parts fit.
#[derive(Debug)]
#[must_use]
pub struct ClientBuilder {
    id: ClientId,
    metadata: ClientMetadata,
    settings: ClientSettings,
    secrets: Vec<ClientSecret>,
    self_registered: bool,
}

impl Client {
    /// Begins a client with what it registered.
    pub fn builder(id: ClientId, metadata: ClientMetadata) -> ClientBuilder {
        let (settings, secrets) = (ClientSettings::default(), Vec::new());
        ClientBuilder { id, metadata, settings, secrets, self_registered: false }
    }

    /// Its `client_id`.
    #[must_use]
    pub fn id(&self) -> &ClientId {
        &self.0.id
    }

    /// What it registered.
    #[must_use]
    pub fn metadata(&self) -> &ClientMetadata {
        &self.0.metadata
    }

    /// What the host decided for it.
    #[must_use]
    pub fn settings(&self) -> &ClientSettings {
        &self.0.settings
    }

    /// Its live and expired secrets.
    #[must_use]
    pub fn secrets(&self) -> &[ClientSecret] {
        &self.0.secrets
    }

    /// Whether it can authenticate: its method is not `none` (RFC 6749 section 2.1).
    #[must_use]
    pub fn is_confidential(&self) -> bool {
        self.0.metadata.token_endpoint_auth_method != ClientAuthMethod::None
    }

    /// Whether it described itself, and nobody of the host's has vouched for it; see
    /// [`ClientBuilder::self_registered`].
    #[must_use]
    pub fn is_self_registered(&self) -> bool {
        self.0.self_registered
    }

    /// Whether it registered `grant_type`.
    #[must_use]
    pub fn allows_grant(&self, grant_type: &GrantType) -> bool {
        self.0.metadata.grant_types.contains(grant_type)
    }

    /// The origins of browsers that may read answers meant for this client: its `allowed_origins`, or else the
    /// origins of its redirect URIs.
    #[must_use]
    pub fn origins(&self) -> &[String] {
        &self.0.origins
    }

    /// The sector in which people have one pairwise `sub`: a host name; `None` of a client that knows them by public
    /// subjects.
    #[must_use]
    pub fn sector(&self) -> Option<&str> {
        self.0.sector.as_deref()
    }

    /// Whether a browser at `origin` may read answers meant for this client; see [`Client::origins`].
    #[must_use]
    pub fn allows_origin(&self, origin: &str) -> bool {
        self.0.origins.iter().any(|allowed| allowed == origin)
    }

    /// Whether a redirect goes to a loopback address or private-use scheme, where the client cannot be known
    /// (RFC 8252 section 8.6).
    #[must_use]
    pub fn is_native(&self) -> bool {
        self.0.metadata.redirect_uris.iter().any(RedirectUri::is_native)
    }
}

impl ClientBuilder {
    /// Its `client_id`.
    #[must_use]
    pub const fn id(&self) -> &ClientId {
        &self.id
    }

    /// What it registers.
    #[must_use]
    pub const fn metadata(&self) -> &ClientMetadata {
        &self.metadata
    }

    /// What the host decides for it.
    pub fn settings(mut self, settings: ClientSettings) -> Self {
        self.settings = settings;
        self
    }

    /// One more live secret.
    pub fn secret(mut self, secret: ClientSecret) -> Self {
        self.secrets.push(secret);
        self
    }

    /// Marks a client that described itself, as those do that register dynamically: its addresses are not the host's
    /// word. A browser is led to one after a logout only where its `id_token_hint` is of the session that ends, or the
    /// person says so, and with an error of a request only by the person, or once somebody has signed in, or as an
    /// answer to silence (RFC 9700 section 4.11.2). Default: the host registered it.
    pub const fn self_registered(mut self) -> Self {
        self.self_registered = true;
        self
    }

    /// Checks that the parts fit together.
    ///
    /// # Errors
    /// [`InvalidClient`], naming the member that does not fit.
    pub fn build(self) -> Result<Client, InvalidClient> {
        let Self { id, metadata, settings, secrets, self_registered } = self;
        metadata.check()?;
        let sector = sector::sector(&metadata)?;
        check_lifetimes(&settings)?;
        if metadata.token_endpoint_auth_method.uses_secret() == secrets.is_empty() {
            return Err(InvalidClient {
                member: "token_endpoint_auth_method",
                problem: "a secret is needed by client_secret_basic, client_secret_post and client_secret_jwt, and by no other method",
            });
        }
        for secret in &secrets {
            secret.check_client(&id, &metadata)?;
        }
        let origins = if settings.allowed_origins.is_empty() {
            metadata.redirect_uris.iter().filter_map(RedirectUri::origin).collect()
        } else {
            settings.allowed_origins.clone()
        };
        Ok(Client(Arc::new(Inner { id, metadata, settings, secrets, self_registered, origins, sector })))
    }
}

fn check_lifetimes(settings: &ClientSettings) -> Result<(), InvalidClient> {
    let tokens: (fn(Duration) -> bool, _) = (is_access_token_lifetime, "1 minute to 24 hours");
    let grants: (fn(Duration) -> bool, _) = (is_grant_lifetime, "1 hour or more");
    for (member, lifetime, (is_sound, problem)) in [
        ("access_token_lifetime", settings.access_token_lifetime, tokens),
        ("id_token_lifetime", settings.id_token_lifetime, tokens),
        ("refresh_idle", settings.refresh_idle, grants),
        ("grant_lifetime", settings.grant_lifetime, grants),
    ] {
        if lifetime.is_some_and(|lifetime| !is_sound(lifetime)) {
            return Err(InvalidClient { member, problem });
        }
    }
    Ok(())
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({:?})", self.0.id.as_str())
    }
}

impl PartialEq for Client {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.id == other.0.id
                && self.0.metadata == other.0.metadata
                && self.0.settings == other.0.settings
                && self.0.secrets == other.0.secrets
                && self.0.self_registered == other.0.self_registered)
    }
}
