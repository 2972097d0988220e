//! `private_key_jwt` (RFC 7523 section 2.2, OpenID Connect Core 1.0 section 9).

use std::sync::Arc;

use async_trait::async_trait;

use super::{ClientAuthenticator, Credentials};
use crate::client::{Client, ClientAuthMethod, RemoteKeys};
use crate::clock::Timestamp;
use crate::error::{Reason, Rejection, Result};
use crate::event::Endpoint;
use crate::jose::{
    ClientAssertion, ClientAssertionError, ClientAssertionVerifier, JwkSet, PresentedAssertion,
    RegisteredKeys,
};
use crate::provider::client_keys::{self, ClientToken, Unverified};
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
    remote: Option<Arc<RemoteKeys>>,
    token: ClientAssertionVerifier,
    backchannel_authentication: ClientAssertionVerifier,
    device_authorization: ClientAssertionVerifier,
    introspection: ClientAssertionVerifier,
    pushed_authorization: ClientAssertionVerifier,
    revocation: ClientAssertionVerifier,
}

impl PrivateKeyJwt {
    /// Takes assertions for the issuer, for the token endpoint, and for the endpoint that is called.
    ///
    /// A client that registered a `jwks_uri` is refused where there is no `remote`.
    pub(crate) fn new(
        config: &Config,
        replays: Arc<dyn ReplayStore>,
        remote: Option<Arc<RemoteKeys>>,
    ) -> Self {
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
            remote,
            token: verifier(&paths.token),
            backchannel_authentication: verifier(&paths.backchannel_authentication),
            device_authorization: verifier(&paths.device_authorization),
            introspection: verifier(&paths.introspection),
            pushed_authorization: verifier(&paths.pushed_authorization),
            revocation: verifier(&paths.revocation),
        }
    }

    fn verifier(&self, endpoint: Endpoint) -> &ClientAssertionVerifier {
        match endpoint {
            Endpoint::BackchannelAuthentication => &self.backchannel_authentication,
            Endpoint::DeviceAuthorization => &self.device_authorization,
            Endpoint::Introspection => &self.introspection,
            Endpoint::PushedAuthorization => &self.pushed_authorization,
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
        let presented = PresentedAssertion::parse(assertion.expose()).map_err(refused)?;
        let attempt = Attempt { verifier: self.verifier(cx.endpoint), presented, client, now: cx.now };
        let verified = client_keys::verify(cx, self.remote.as_deref(), client, &attempt).await;
        let verified = verified.map_err(unverified)?;
        // Only what is sound so far is remembered, and under the name of its client.
        let id = replay::id(client.id(), verified.jti());
        match self.replays.first_use(REPLAY_SPACE, &id, verified.expires_at(), cx.now).await? {
            true => Ok(()),
            false => Err(Reason::ClientAssertionReplayed.into()),
        }
    }
}

/// One assertion that is to be verified.
struct Attempt<'a> {
    verifier: &'a ClientAssertionVerifier,
    presented: PresentedAssertion,
    client: &'a Client,
    now: Timestamp,
}

impl ClientToken for Attempt<'_> {
    type Verified = ClientAssertion;
    type Refusal = ClientAssertionError;

    fn is_keyed_by(&self, keys: &JwkSet) -> bool {
        self.presented.is_keyed_by(keys)
    }

    fn verify(&self, keys: &JwkSet) -> Result<ClientAssertion, ClientAssertionError> {
        let registered = RegisteredKeys::new(self.client.id(), keys)
            .with_algorithm(self.client.metadata().token_endpoint_auth_signing_alg);
        self.verifier.verify(&self.presented, registered, self.now)
    }

    fn is_of_keys(refusal: &ClientAssertionError) -> bool {
        *refusal == ClientAssertionError::Signature
    }
}

fn unverified(error: Unverified<ClientAssertionError>) -> Rejection {
    match error {
        Unverified::NoKeys => Reason::ClientAssertionSignature.into(),
        Unverified::NotFetched => Reason::ClientKeysNotFetched.into(),
        Unverified::Refused(error) => refused(error),
        Unverified::Unfetched(error) => Rejection::caused(error.kind().of_client_keys(), error),
    }
}

fn refused(error: ClientAssertionError) -> Rejection {
    Rejection::caused(error.into(), error)
}
