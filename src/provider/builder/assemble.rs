//! What `build()` puts together from what was turned on.

use std::sync::Arc;

use super::{BuildError, ProviderBuilder};
use crate::client::remote_metadata::RemoteMetadata;
use crate::client::remote_request_objects::RemoteRequestObjects;
use crate::client::{Fetcher, RemoteKeys};
use crate::jose::IdTokenVerifier;
use crate::provider::backchannel::Notifier;
use crate::provider::client_auth::{
    ClientAssertions, ClientAuthenticator, ClientSecretBasic, ClientSecretJwt, ClientSecretPost,
    PrivateKeyJwt, Public, SelfSignedTlsClientAuth, SlowHashes, TlsClientAuth,
};
use crate::provider::client_documents::{DocumentGate, DocumentedClients};
use crate::provider::deferred::Kind;
use crate::provider::format::Formats;
use crate::provider::grant::{
    AuthorizationCodeGrant, ClientCredentialsGrant, DeferredGrant, ExchangeTokens, GrantHandler,
    JwtBearerGrant, RefreshTokenGrant, TokenExchangeGrant,
};
use crate::provider::mutual_tls::MutualTls;
use crate::provider::proof::Dpop;
use crate::provider::register::Registration;
use crate::provider::trust;
use crate::types::ResponseType;

impl ProviderBuilder {
    /// Where somebody tells how long a call has taken, the stores are held to their limits. It comes before anything takes
    /// a port of them.
    pub(super) fn guard_stores(&mut self) {
        if let Some(runtime) = &self.core.runtime {
            self.core.stores = self.core.stores.clone().guarded(runtime, self.core.config.store_limits);
        }
    }

    pub(super) fn register_fetching(&mut self) {
        let (Some(http), Some(runtime)) = (&self.http_client, &self.core.runtime) else { return };
        if self.jwks_uri {
            self.core.remote_keys = Some(Arc::new(RemoteKeys::new(Arc::clone(http), Arc::clone(runtime))));
        }
        self.core.sectors = Some(Fetcher::new(Arc::clone(http), Arc::clone(runtime)));
        if self.core.registration.as_ref().is_some_and(Registration::fetches_statement_keys) {
            let keys = RemoteKeys::new(Arc::clone(http), Arc::clone(runtime));
            self.core.statement_keys = Some(keys);
        }
        if self.request_uri_parameter {
            self.core.request_uris = Some(RemoteRequestObjects::new(http, runtime));
        }
    }

    pub(super) fn register_dpop(&mut self) -> Result<(), BuildError> {
        if let (Some(dpop), Some(replays)) = (&self.dpop, &self.core.stores.replays) {
            let alias = self.core.mutual_tls.as_ref().and_then(MutualTls::alias);
            let taking = Dpop::new(&self.core.config, (dpop, alias), Arc::clone(replays));
            // An issuer and a path whose URL no proof could name.
            let long = |_| BuildError::Bounds { setting: "issuer and paths", bounds: "2048 bytes together" };
            self.core.dpop = Some(taking.map_err(long)?);
        }
        Ok(())
    }

    /// Clients can be told where somebody sends what is sent, and somebody runs what is done meanwhile.
    pub(super) fn register_backchannel(&mut self) {
        let Some(backchannel) = self.core.backchannel.take() else { return };
        self.core.backchannel = Some(match (&self.http_client, &self.core.runtime) {
            (Some(http), Some(runtime)) => {
                backchannel.notifying(Notifier::new(Arc::clone(http), Arc::clone(runtime)))
            }
            _ => backchannel,
        });
    }

    /// Comes when all else is there: what a document may ask for is what the provider has.
    pub(super) fn join_client_documents(&mut self) {
        let (Some(http), Some(runtime)) = (&self.http_client, &self.core.runtime) else { return };
        if let Some(documents) = self.client_documents.take() {
            let gate = DocumentGate::of(&self.core);
            let remote = RemoteMetadata::new(Arc::clone(http), Arc::clone(runtime), gate);
            self.core.switches.client_documents = true;
            DocumentedClients::join(&mut self.core, documents, remote);
        }
    }

    pub(super) fn register_authenticators(&mut self) -> Result<(), BuildError> {
        let at_once = usize::from(self.core.config.slow_hashes_at_once);
        let slow = match (self.imported_hashes.take(), &self.core.runtime) {
            (Some(hashes), Some(runtime)) => {
                Some(Arc::new(SlowHashes::new(hashes, Arc::clone(runtime), at_once)))
            }
            _ => None,
        };
        let mut all: Vec<Arc<dyn ClientAuthenticator>> = Vec::new();
        if !self.core.config.requirements.asymmetric_authentication {
            all.push(Arc::new(ClientSecretBasic(slow.clone())));
            all.push(Arc::new(ClientSecretPost(slow)));
            all.push(Arc::new(Public));
        }
        if let Some(replays) = &self.core.stores.replays {
            let alias = self.core.mutual_tls.as_ref().and_then(MutualTls::alias);
            let assertions = ClientAssertions::new(&self.core.config, alias, Arc::clone(replays));
            if self.client_secret_jwt {
                all.push(Arc::new(ClientSecretJwt::new(assertions.clone())));
            }
            if self.private_key_jwt {
                all.push(Arc::new(PrivateKeyJwt::new(assertions, self.core.remote_keys.clone())));
            }
        }
        if let Some(mutual_tls) = &self.core.mutual_tls {
            if mutual_tls.has_tls_client_auth() {
                all.push(Arc::new(TlsClientAuth));
            }
            if mutual_tls.has_self_signed() {
                all.push(Arc::new(SelfSignedTlsClientAuth(self.core.remote_keys.clone())));
            }
        }
        for authenticator in all.into_iter().chain(std::mem::take(&mut self.authenticators)) {
            let method = authenticator.method();
            if self.core.authenticators.iter().any(|known| known.method() == method) {
                return Err(BuildError::Twice { name: method.into() });
            }
            self.core.authenticators.push(authenticator);
        }
        Ok(())
    }

    pub(super) fn register_formats(&mut self) -> Result<(), BuildError> {
        let mut formats = Formats::new(&self.core.config, &self.core.keyring);
        for (name, format) in std::mem::take(&mut self.formats) {
            if !formats.add(Arc::clone(&name), format) {
                return Err(BuildError::Twice { name: name.as_ref().to_owned() });
            }
        }
        self.core.formats = Arc::new(formats);
        Ok(())
    }

    pub(super) fn register_grants(&mut self) -> Result<(), BuildError> {
        let mut all: Vec<Arc<dyn GrantHandler>> = Vec::new();
        let (stores, policy) = (&self.core.stores, &self.core.policy);
        if let Some(accounts) = &self.core.accounts {
            if self.core.response_types.contains(&ResponseType::Code) {
                let (codes, tokens) = (Arc::clone(&stores.codes), Arc::clone(&stores.tokens));
                all.push(Arc::new(AuthorizationCodeGrant::new(codes, tokens, Arc::clone(accounts))));
            }
            for (kind, on) in [
                (Kind::Backchannel, self.core.backchannel.is_some()),
                (Kind::Device, self.core.switches.device_authorization),
            ] {
                if let (Some(requests), true) = (&stores.deferred, on) {
                    let (requests, tokens) = (Arc::clone(requests), Arc::clone(&stores.tokens));
                    let people = Arc::clone(accounts);
                    all.push(Arc::new(DeferredGrant::new(kind, requests, tokens, people)));
                }
            }
            if self.refresh_token {
                let (tokens, policy) = (Arc::clone(&stores.tokens), Arc::clone(policy));
                all.push(Arc::new(RefreshTokenGrant::new(tokens, Arc::clone(accounts), policy)));
            }
        }
        if self.client_credentials {
            all.push(Arc::new(ClientCredentialsGrant::new(Arc::clone(policy))));
        }
        if let (Some(accounts), Some(assertions), true) =
            (&self.core.accounts, self.assertions(), self.jwt_bearer)
        {
            let (accounts, policy) = (Arc::clone(accounts), Arc::clone(policy));
            all.push(Arc::new(JwtBearerGrant::new(assertions, accounts, policy)));
        }
        all.into_iter()
            .chain(std::mem::take(&mut self.handlers))
            .try_for_each(|handler| self.add_grant(handler))
    }

    /// Comes when every client can be found: whose token is exchanged must still be there.
    pub(super) fn register_token_exchange(&mut self) -> Result<(), BuildError> {
        let (Some(decides), Some(accounts)) = (&self.token_exchange, &self.core.accounts) else {
            return Ok(());
        };
        let core = &self.core;
        let tokens = ExchangeTokens {
            formats: Arc::clone(&core.formats),
            tokens: Arc::clone(&core.stores.tokens),
            clients: Arc::clone(&core.stores.clients),
            id_tokens: IdTokenVerifier::new(core.config.issuer.as_str(), core.keyring.clone()),
            assertions: self.assertions(),
        };
        let ports = (Arc::clone(accounts), Arc::clone(&core.policy));
        self.add_grant(Arc::new(TokenExchangeGrant::new(tokens, Arc::clone(decides), ports)))
    }

    fn add_grant(&mut self, handler: Arc<dyn GrantHandler>) -> Result<(), BuildError> {
        let grant_type = handler.grant_type();
        match self.core.grants.insert(grant_type.clone(), handler) {
            Some(_) => Err(BuildError::Twice { name: grant_type.into() }),
            None => Ok(()),
        }
    }

    /// What takes assertions, where the host trusts somebody; with the keys that are fetched for it.
    fn assertions(&self) -> Option<Arc<trust::Assertions>> {
        let trusted = Arc::clone(self.trusted_issuers.as_ref()?);
        let replays = Arc::clone(self.core.stores.replays.as_ref()?);
        let outgoing = self.http_client.as_ref().zip(self.core.runtime.as_ref());
        let remote = outgoing.map(|(http, runtime)| RemoteKeys::new(Arc::clone(http), Arc::clone(runtime)));
        let alias = self.core.mutual_tls.as_ref().and_then(MutualTls::alias).cloned();
        Some(Arc::new(trust::Assertions::new(trusted, replays, (remote, alias))))
    }
}
