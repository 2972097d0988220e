//! `private_key_jwt` (RFC 7523 section 2.2, OpenID Connect Core 1.0 section 9).

use std::sync::Arc;

use async_trait::async_trait;

use super::assertion::{self, ClientAssertions};
use super::{ClientAuthenticator, Credentials};
use crate::client::{Client, ClientAssertionAlg, ClientAuthMethod, RemoteKeys};
use crate::clock::Timestamp;
use crate::error::{Reason, Rejection, Result};
use crate::jose::{
    ClientAssertion, ClientAssertionError, ClientAssertionVerifier, JwkSet, PresentedAssertion,
    RegisteredKeys,
};
use crate::provider::client_keys::{self, ClientToken, Unverified};
use crate::provider::context::Context;
use crate::types::Params;
use crate::wire::RequestHead;

/// A JWT that the client signed, once for each request.
#[derive(Debug)]
pub(crate) struct PrivateKeyJwt {
    assertions: ClientAssertions,
    remote: Option<Arc<RemoteKeys>>,
}

impl PrivateKeyJwt {
    /// A client that registered a `jwks_uri` is refused where there is no `remote`.
    pub(crate) const fn new(assertions: ClientAssertions, remote: Option<Arc<RemoteKeys>>) -> Self {
        Self { assertions, remote }
    }
}

#[async_trait]
impl ClientAuthenticator for PrivateKeyJwt {
    fn method(&self) -> ClientAuthMethod {
        ClientAuthMethod::PrivateKeyJwt
    }

    fn extract(&self, _: &RequestHead, params: &Params) -> Result<Option<Credentials>> {
        assertion::extract(params, self.method())
    }

    async fn verify(&self, cx: &Context<'_>, client: &Client, credentials: &Credentials) -> Result<()> {
        let (presented, verifier) =
            (assertion::presented(credentials)?, self.assertions.verifier(cx.endpoint));
        let attempt = Attempt { verifier, presented, client, now: cx.now };
        let verified = client_keys::verify(cx, self.remote.as_deref(), client, &attempt).await;
        self.assertions.first_use(cx, client, &verified.map_err(unverified)?).await
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
        let pinned = self.client.metadata().token_endpoint_auth_signing_alg;
        let registered = RegisteredKeys::new(self.client.id(), keys)
            .with_algorithm(pinned.and_then(ClientAssertionAlg::signed));
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
        Unverified::Refused(error) => assertion::refused(error),
        Unverified::Unfetched(error) => Rejection::caused(error.kind().of_client_keys(), error),
    }
}
