//! `urn:ietf:params:oauth:grant-type:jwt-bearer` (RFC 7523 section 2.1): somebody whom the host trusts
//! vouches.

use std::sync::Arc;

use async_trait::async_trait;

use super::{GrantHandler, check_confirmation, person};
use crate::accounts::Accounts;
use crate::client::{Client, Consent};
use crate::error::{Reason, Result};
use crate::policy::Policy;
use crate::provider::context::Context;
use crate::provider::issue::Issuance;
use crate::provider::resources;
use crate::provider::token::TokenRequest;
use crate::provider::trust::{Assertions, Principal, Vouched};
use crate::store::Grant;
use crate::types::{Authentication, GrantId, GrantType, Scope};

/// Gives access tokens for assertions of trusted issuers: no refresh token, since the issuer can vouch again
/// (RFC 7521 section 4.1), and no ID token, since nobody signed in here.
#[derive(Debug)]
pub(crate) struct JwtBearerGrant {
    assertions: Arc<Assertions>,
    accounts: Arc<dyn Accounts>,
    policy: Arc<dyn Policy>,
}

impl JwtBearerGrant {
    pub(crate) fn new(
        assertions: Arc<Assertions>,
        accounts: Arc<dyn Accounts>,
        policy: Arc<dyn Policy>,
    ) -> Self {
        Self { assertions, accounts, policy }
    }

    /// What of the scope asked for the trust, the assertion and the policy allow. Nobody is there who could agree to
    /// `offline_access`, whatever they say.
    fn scope(&self, client: &Client, vouched: &Vouched, asked: Option<Scope>) -> Result<Scope, Reason> {
        let given = vouched.scope().ok_or(Reason::AssertionMalformed)?;
        let asked = match asked {
            Some(asked) if asked.is_subset(&given) => asked,
            Some(_) => return Err(Reason::ScopeNotGranted),
            None => client.settings().default_scope.intersection(&given),
        };
        let mut scope = self.policy.scope(client, &asked)?.intersection(&asked);
        scope.remove(Scope::OFFLINE_ACCESS);
        if vouched.principal == Principal::Client {
            scope.remove(Scope::OPENID);
        }
        Ok(scope)
    }
}

#[async_trait]
impl GrantHandler for JwtBearerGrant {
    fn grant_type(&self) -> GrantType {
        GrantType::JwtBearer
    }

    async fn redeem(&self, cx: &Context<'_>, request: &TokenRequest) -> Result<Issuance> {
        let client = request.client.client();
        let assertion = request.params.one("assertion")?.ok_or(Reason::AssertionMissing)?;
        let (asked, resources) = (request.scope()?, request.resources()?);
        request.without_authorization_details()?;
        let vouched = self.assertions.vouched(cx, client, assertion).await?;
        check_confirmation(vouched.confirmation.as_ref(), request)?;
        check_undelegated(&vouched)?;
        let scope = self.scope(client, &vouched, asked)?;
        for resource in &resources {
            self.policy.resource(client, resource)?;
        }
        resources::check_token(cx.config, &resources)?;
        let id = GrantId::generate(cx.entropy, cx.now)?;
        let mut grant = Grant::new(id, client.id().clone(), GrantType::JwtBearer, cx.now)
            .with_scope(scope)
            .with_resources(resources)
            .with_expiry(vouched.trust.expires_at());
        grant.authentication = whose(client, &vouched.principal)?;
        person(&*self.accounts, cx, &grant).await?;
        // Last, so that an assertion is not spent on what is refused for something else.
        self.assertions.use_up(cx, &vouched).await?;
        Ok(Issuance::new(grant))
    }
}

/// Whoever acts for somebody does so in the token that they get (RFC 8693 section 4.1), which this grant has no place for:
/// such an assertion is a subject token of an exchange.
fn check_undelegated(vouched: &Vouched) -> Result<(), Reason> {
    let says = |name| vouched.assertion.claims().value(name).is_some();
    match says("act") || says("may_act") {
        true => Err(Reason::AssertionDelegated),
        false => Ok(()),
    }
}

/// Who gives the grant; `None` for the client itself, which must be one that authenticates (RFC 6749 section
/// 4.4).
///
/// A client for which people must be asked gets no tokens of theirs here: nobody is there to ask (attack
/// 140).
fn whose(client: &Client, principal: &Principal) -> Result<Option<Authentication>, Reason> {
    match principal {
        Principal::Client if !client.is_confidential() => Err(Reason::ClientNotConfidential),
        Principal::Client => Ok(None),
        Principal::Person(authentication) => match client.settings().consent {
            Consent::Required => Err(Reason::AssertionConsentMissing),
            Consent::Waived if client.is_native() => Err(Reason::AssertionConsentMissing),
            Consent::Waived | Consent::DangerousWaivedForNative => Ok(Some(authentication.clone())),
        },
    }
}
