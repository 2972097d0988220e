//! `private_key_jwt` (RFC 7523 section 2.2, OpenID Connect Core 1.0 section 9).

use std::sync::Arc;

use async_trait::async_trait;

use super::{ClientAuthenticator, Credentials};
use crate::client::{Client, ClientAuthMethod, FetchError, KeyNews, RemoteKeys};
use crate::error::{Reason, Rejection, Result};
use crate::event::{Endpoint, EventKind};
use crate::jose::{
    ClientAssertion, ClientAssertionError, ClientAssertionVerifier, JwkSet, PresentedAssertion,
    RegisteredKeys,
};
use crate::provider::config::Config;
use crate::provider::context::Context;
use crate::provider::replay;
use crate::secret::Secret;
use crate::store::ReplayStore;
use crate::types::{FetchUrl, Params};
use crate::wire::RequestHead;

/// The one `client_assertion_type` (RFC 7523 section 2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Where used `jti` values of assertions are kept.
const REPLAY_SPACE: &str = "client assertion";

/// A JWT that the client signed, once for each request.
#[derive(Debug)]
pub(crate) struct PrivateKeyJwt {
    replays: Arc<dyn ReplayStore>,
    remote: Option<RemoteKeys>,
    token: ClientAssertionVerifier,
    introspection: ClientAssertionVerifier,
    revocation: ClientAssertionVerifier,
}

impl PrivateKeyJwt {
    /// Takes assertions for the issuer, for the token endpoint, and for the endpoint that is called.
    ///
    /// A client that registered a `jwks_uri` is refused where there is no `remote`.
    pub(crate) fn new(config: &Config, replays: Arc<dyn ReplayStore>, remote: Option<RemoteKeys>) -> Self {
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
        let presented = PresentedAssertion::parse(assertion.expose()).map_err(refused)?;
        let attempt = Attempt { verifier: self.verifier(cx.endpoint), presented, client, cx };
        let metadata = client.metadata();
        let verified = match (&metadata.jwks, &metadata.jwks_uri) {
            (Some(keys), _) => attempt.with(keys).map_err(refused)?,
            (None, Some(url)) => {
                let remote = self.remote.as_ref().ok_or(Reason::ClientKeysNotFetched)?;
                let verified = attempt.with_remote(remote, url).await;
                // Whatever came of the assertion, what was learned of the keys is told.
                tell(cx, remote, url);
                verified?
            }
            (None, None) => return Err(Reason::ClientAssertionSignature.into()),
        };
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
    cx: &'a Context<'a>,
}

impl Attempt<'_> {
    fn with(&self, keys: &JwkSet) -> Result<ClientAssertion, ClientAssertionError> {
        let registered = RegisteredKeys::new(self.client.id(), keys)
            .with_algorithm(self.client.metadata().token_endpoint_auth_signing_alg);
        self.verifier.verify(&self.presented, registered, self.cx.now)
    }

    /// Keys that do not have the one that the assertion names are looked up once more; so are those of a client
    /// whose keys have no names, where none of them verifies.
    async fn with_remote(&self, remote: &RemoteKeys, url: &FetchUrl) -> Result<ClientAssertion> {
        let found = remote.keys(url).await.map_err(unfetched)?;
        match self.with(found.set()) {
            Err(ClientAssertionError::Signature) if !self.presented.is_keyed_by(found.set()) => {
                let newer = remote.newer(url, &found).await.ok_or(ClientAssertionError::Signature);
                newer.and_then(|newer| self.with(newer.set())).map_err(|error| refused(error).into())
            }
            verified => verified.map_err(|error| refused(error).into()),
        }
    }
}

/// Tells the event sink of a fetch that it has not heard of.
fn tell(cx: &Context<'_>, remote: &RemoteKeys, url: &FetchUrl) {
    let kind = match remote.take_news(url) {
        None => return,
        Some(KeyNews::Failed(error)) => EventKind::ClientKeysFetchFailed(error.kind().of_client_keys()),
        Some(KeyNews::Fetched { keys, skipped, exposed }) => {
            EventKind::ClientKeysFetched { keys, skipped, exposed }
        }
    };
    cx.emit(&cx.event(kind));
}

fn unfetched(error: FetchError) -> Rejection {
    Rejection::caused(error.kind().of_client_keys(), error)
}

fn refused(error: ClientAssertionError) -> Rejection {
    Rejection::caused(error.into(), error)
}
