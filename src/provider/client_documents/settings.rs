//! Whose documents count, and the bounds of what they give.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

use crate::client::{ClientMetadata, ClientSettings, Consent, PkceRequirement};
use crate::provider::register::Bounds;
use crate::types::{ClientIdUrl, GrantType, ResponseType, Scope};

/// What a host decides of clients that are named by the URL of their metadata.
///
/// It is asked at every request that names such a client, so it should answer from memory.
pub trait ClientDocumentPolicy: Debug + Send + Sync {
    /// Whether there may be a client of this name. It is asked before anything is fetched.
    ///
    /// # Security
    /// Whoever is not refused here makes the provider ask a server of their choice, under the rules of
    /// [`HttpClient`](crate::wire::HttpClient).
    fn allows(&self, client_id: &ClientIdUrl) -> bool;

    /// What the client gets of the metadata in its document, which have been held against the bounds: as they are, or
    /// changed; `None` when there is to be no such client. The provider checks afterwards that the parts still fit
    /// together. Default: as they are.
    fn review(&self, _client_id: &ClientIdUrl, metadata: ClientMetadata) -> Option<ClientMetadata> {
        Some(metadata)
    }
}

const _: fn(&dyn ClientDocumentPolicy) = |_| ();

/// Clients that are named by the URL of their metadata: whose count, and the bounds of what they get.
///
/// Such a client is a stranger. People are asked for consent and codes are bound by PKCE whatever its settings say, and it
/// shares no secret with anybody. What it leaves out is filled in from the bounds; without a `token_endpoint_auth_method`
/// it is a public client.
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientDocuments {
    policy: Arc<dyn ClientDocumentPolicy>,
    bounds: Bounds,
    settings: ClientSettings,
}

impl ClientDocuments {
    /// Clients whose URLs are of these hosts, each as it stands in a URL in lower case, without a port.
    pub fn of_hosts<T: Into<String>>(hosts: impl IntoIterator<Item = T>) -> Self {
        Self::of_policy(Arc::new(Hosts(hosts.into_iter().map(Into::into).collect())))
    }

    /// Clients that a policy decides of.
    pub fn of_policy(policy: Arc<dyn ClientDocumentPolicy>) -> Self {
        // The kind of application decides nothing, and documents of apps list claimed https URIs too.
        let bounds = Bounds { claimed_https: true, ..Bounds::default() };
        Self { policy, bounds, settings: ClientSettings::default() }.with_settings(ClientSettings::default())
    }

    /// The most that a client may have as its scope, and what it gets where it names none. Default `openid profile
    /// email address phone offline_access`.
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.bounds.scope = scope;
        self
    }

    /// Allows one more response type, with the grant types that go with it, where the provider has it. Default `code`.
    pub fn with_response_type(mut self, response_type: ResponseType) -> Self {
        self.bounds.open(response_type);
        self
    }

    /// Lets documents name addresses that are not public, as
    /// [`Registration::dangerous_allow_inner_addresses`](crate::provider::Registration::dangerous_allow_inner_addresses)
    /// does.
    ///
    /// # Security
    /// For tests and closed networks.
    pub const fn dangerous_allow_inner_addresses(mut self) -> Self {
        self.bounds.inner_addresses = true;
        self
    }

    /// Allows one more grant type. Default `authorization_code` and `refresh_token`, each where the provider has it.
    pub fn with_grant_type(mut self, grant_type: GrantType) -> Self {
        self.bounds.grant_types.push(grant_type);
        self
    }

    /// Allows one more type of authorization details (RFC 9396 section 10), where the provider has it. Default none.
    pub fn with_authorization_details_type(mut self, name: impl Into<String>) -> Self {
        self.bounds.details.push(name.into());
        self
    }

    /// What the host decides for each such client, but for consent and PKCE, which are required. Default: the careful
    /// settings.
    pub fn with_settings(mut self, settings: ClientSettings) -> Self {
        self.settings = settings.with_consent(Consent::Required).with_pkce(PkceRequirement::Required);
        self
    }

    pub(super) fn policy(&self) -> &dyn ClientDocumentPolicy {
        &*self.policy
    }

    pub(super) const fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    pub(super) const fn client_settings(&self) -> &ClientSettings {
        &self.settings
    }
}

#[derive(Debug)]
struct Hosts(BTreeSet<String>);

impl ClientDocumentPolicy for Hosts {
    fn allows(&self, client_id: &ClientIdUrl) -> bool {
        self.0.contains(&client_id.host())
    }
}
