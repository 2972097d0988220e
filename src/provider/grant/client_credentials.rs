//! `client_credentials` (RFC 6749 section 4.4): a client acts for itself.

use std::sync::Arc;

use async_trait::async_trait;

use super::GrantHandler;
use crate::client::Client;
use crate::error::{Reason, Result};
use crate::policy::Policy;
use crate::provider::authorization_details;
use crate::provider::context::Context;
use crate::provider::issue::Issuance;
use crate::provider::resources;
use crate::provider::token::TokenRequest;
use crate::store::Grant;
use crate::types::{GrantId, GrantType, Scope};

/// Gives confidential clients access tokens of their own: no refresh token, no ID token.
#[derive(Debug)]
pub(crate) struct ClientCredentialsGrant {
    policy: Arc<dyn Policy>,
}

impl ClientCredentialsGrant {
    pub(crate) fn new(policy: Arc<dyn Policy>) -> Self {
        Self { policy }
    }

    /// The scope that the policy allows, without what only a person can give (attack 142).
    fn scope(&self, client: &Client, asked: Option<Scope>) -> Result<Scope, Reason> {
        let asked = asked.unwrap_or_else(|| client.settings().default_scope.clone());
        let mut scope = self.policy.scope(client, &asked)?.intersection(&asked);
        for personal in [Scope::OPENID, Scope::OFFLINE_ACCESS] {
            scope.remove(personal);
        }
        Ok(scope)
    }
}

#[async_trait]
impl GrantHandler for ClientCredentialsGrant {
    fn grant_type(&self) -> GrantType {
        GrantType::ClientCredentials
    }

    async fn redeem(&self, cx: &Context<'_>, request: &TokenRequest) -> Result<Issuance> {
        let client = request.client.client();
        if !client.is_confidential() {
            return Err(Reason::ClientNotConfidential.into());
        }
        let resources = request.resources()?;
        let scope = self.scope(client, request.scope()?)?;
        for resource in &resources {
            self.policy.resource(client, resource)?;
        }
        resources::check_token(cx.config, &resources)?;
        let scope = resources::scope_of(cx.config, &resources, &scope);
        let details = request.authorization_details(cx)?.unwrap_or_default();
        authorization_details::check_locations(cx.config, &details, &resources)?;
        let id = GrantId::generate(cx.entropy, cx.now)?;
        let grant = Grant::new(id, client.id().clone(), GrantType::ClientCredentials, cx.now);
        let grant = grant.with_scope(scope).with_resources(resources);
        Ok(Issuance::new(grant.with_authorization_details(details)))
    }
}
