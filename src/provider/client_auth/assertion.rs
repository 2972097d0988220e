//! `private_key_jwt` (RFC 7523 section 2.2, OpenID Connect Core 1.0 section 9).

use std::sync::Arc;

use async_trait::async_trait;

use super::{ClientAuthenticator, Credentials};
use crate::client::{Client, ClientAuthMethod};
use crate::error::{Reason, Rejection, Result};
use crate::event::Endpoint;
use crate::jose::{ClientAssertionError, ClientAssertionVerifier, PresentedAssertion, RegisteredKeys};
use crate::provider::config::Config;
use crate::provider::context::Context;
use crate::provider::replay;
use crate::secret::Secret;
use crate::store::ReplayStore;
use crate::types::Params;
use crate::wire::RequestHead;

/// The one `client_assertion_type` (RFC 7523 section 2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Where used `jti` values of assertions are kept.
const REPLAY_SPACE: &str = "client assertion";

/// A JWT that the client signed, once for each request.
#[derive(Debug)]
pub(crate) struct PrivateKeyJwt {
    replays: Arc<dyn ReplayStore>,
    token: ClientAssertionVerifier,
    introspection: ClientAssertionVerifier,
    revocation: ClientAssertionVerifier,
}

impl PrivateKeyJwt {
    /// Takes assertions for the issuer, for the token endpoint, and for the endpoint that is called.
    pub(crate) fn new(config: &Config, replays: Arc<dyn ReplayStore>) -> Self {
        let (issuer, paths) = (&config.issuer, &config.paths);
        let verifier = |path: &str| {
            let mut audiences = vec![issuer.as_str().to_owned(), issuer.endpoint(&paths.token)];
            audiences.push(issuer.endpoint(path));
            ClientAssertionVerifier::new(audiences)
                .with_max_lifetime(config.assertion_lifetime)
                .with_leeway(config.clock_skew)
        };
        Self {
            replays,
            token: verifier(&paths.token),
            introspection: verifier(&paths.introspection),
            revocation: verifier(&paths.revocation),
        }
    }

    fn verifier(&self, endpoint: Endpoint) -> &ClientAssertionVerifier {
        match endpoint {
            Endpoint::Introspection => &self.introspection,
            Endpoint::Revocation => &self.revocation,
            _ => &self.token,
        }
    }
}

#[async_trait]
impl ClientAuthenticator for PrivateKeyJwt {
    fn method(&self) -> ClientAuthMethod {
        ClientAuthMethod::PrivateKeyJwt
    }

    fn extract(&self, _: &RequestHead, params: &Params) -> Result<Option<Credentials>> {
        let (kind, assertion) = (params.one("client_assertion_type")?, params.one("client_assertion")?);
        let assertion = match (kind, assertion) {
            (None, None) => return Ok(None),
            (Some(JWT_BEARER), Some(assertion)) => assertion,
            (Some(JWT_BEARER), None) => return Err(Reason::ClientAssertionMissing.into()),
            _ => return Err(Reason::ClientAssertionTypeWrong.into()),
        };
        let presented = PresentedAssertion::parse(assertion).map_err(refused)?;
        let client_id = presented.claimed_client_id().clone();
        Ok(Some(Credentials { client_id, method: self.method(), proof: Some(Secret::new(assertion)) }))
    }

    async fn verify(&self, cx: &Context<'_>, client: &Client, credentials: &Credentials) -> Result<()> {
        let assertion = credentials.proof.as_ref().ok_or(Reason::ClientCredentialsMissing)?;
        let keys = client.metadata().jwks.as_ref().ok_or(Reason::ClientAssertionSignature)?;
        let registered = RegisteredKeys::new(client.id(), keys)
            .with_algorithm(client.metadata().token_endpoint_auth_signing_alg);
        let presented = PresentedAssertion::parse(assertion.expose()).map_err(refused)?;
        let verified = self.verifier(cx.endpoint).verify(&presented, registered, cx.now).map_err(refused)?;
        // Only what is sound so far is remembered, and under the name of its client.
        let id = replay::id(client.id(), verified.jti());
        match self.replays.first_use(REPLAY_SPACE, &id, verified.expires_at(), cx.now).await? {
            true => Ok(()),
            false => Err(Reason::ClientAssertionReplayed.into()),
        }
    }
}

fn refused(error: ClientAssertionError) -> Rejection {
    Rejection::caused(error.into(), error)
}
