//! `client_secret_basic` and `client_secret_post` (RFC 6749 section 2.3.1).

use std::sync::Arc;

use async_trait::async_trait;

use super::{ClientAuthenticator, Credentials, SlowHashes};
use crate::client::{Client, ClientAuthMethod, SecretCheck};
use crate::error::{Reason, Result};
use crate::provider::context::Context;
use crate::secret::Secret;
use crate::types::Params;
use crate::wire::{Authorization, RequestHead};

/// The secret in an `Authorization: Basic` header.
#[derive(Debug)]
pub(crate) struct ClientSecretBasic(pub(crate) Option<Arc<SlowHashes>>);

/// The secret in the body, as `client_secret` beside `client_id`.
#[derive(Debug)]
pub(crate) struct ClientSecretPost(pub(crate) Option<Arc<SlowHashes>>);

#[async_trait]
impl ClientAuthenticator for ClientSecretBasic {
    fn method(&self) -> ClientAuthMethod {
        ClientAuthMethod::ClientSecretBasic
    }

    fn extract(&self, head: &RequestHead, _: &Params) -> Result<Option<Credentials>> {
        match &head.authorization {
            Some(Authorization::Basic(basic)) => {
                Ok(Some(Credentials::of(&basic.client_id, self.method(), Some(basic.secret.clone()))?))
            }
            Some(Authorization::BasicMalformed) => Err(Reason::ClientBasicMalformed.into()),
            _ => Ok(None),
        }
    }

    async fn verify(&self, cx: &Context<'_>, client: &Client, credentials: &Credentials) -> Result<()> {
        check(self.0.as_deref(), cx, client, credentials).await
    }
}

#[async_trait]
impl ClientAuthenticator for ClientSecretPost {
    fn method(&self) -> ClientAuthMethod {
        ClientAuthMethod::ClientSecretPost
    }

    fn extract(&self, _: &RequestHead, params: &Params) -> Result<Option<Credentials>> {
        let Some(secret) = params.one("client_secret")? else { return Ok(None) };
        let client_id = params.one("client_id")?.ok_or(Reason::ClientCredentialsMissing)?;
        Ok(Some(Credentials::of(client_id, self.method(), Some(Secret::new(secret)))?))
    }

    async fn verify(&self, cx: &Context<'_>, client: &Client, credentials: &Credentials) -> Result<()> {
        check(self.0.as_deref(), cx, client, credentials).await
    }
}

/// Compares the presented secret with every live secret of the client, the cheap hashes first.
async fn check(
    slow: Option<&SlowHashes>,
    cx: &Context<'_>,
    client: &Client,
    credentials: &Credentials,
) -> Result<()> {
    let presented = credentials.proof.as_ref().ok_or(Reason::ClientCredentialsMissing)?;
    let mut imported = Vec::new();
    for secret in client.secrets() {
        match secret.check(cx.secrets, presented, cx.now) {
            SecretCheck::Match => return Ok(()),
            SecretCheck::Mismatch => {}
            SecretCheck::Slow(hash) => imported.push(hash),
        }
    }
    for hash in imported {
        // A provider that was built without a verifier of imported hashes knows no secret that matches one.
        let Some(slow) = slow else { continue };
        if slow.matches(cx, &hash, presented).await? {
            return Ok(());
        }
    }
    Err(Reason::ClientSecretWrong.into())
}
