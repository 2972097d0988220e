//! `client_secret_jwt` (RFC 7523 section 2.2, OpenID Connect Core 1.0 section 9).

use async_trait::async_trait;

use super::assertion::{self, ClientAssertions};
use super::{ClientAuthenticator, Credentials};
use crate::client::{Client, ClientAssertionAlg, ClientAuthMethod};
use crate::error::Result;
use crate::jose::{MacKey, RegisteredSecrets};
use crate::provider::context::Context;
use crate::types::Params;
use crate::wire::RequestHead;

/// A JWT with a MAC by the client's secret, made once for each request.
#[derive(Debug)]
pub(crate) struct ClientSecretJwt(ClientAssertions);

impl ClientSecretJwt {
    pub(crate) const fn new(assertions: ClientAssertions) -> Self {
        Self(assertions)
    }
}

#[async_trait]
impl ClientAuthenticator for ClientSecretJwt {
    fn method(&self) -> ClientAuthMethod {
        ClientAuthMethod::ClientSecretJwt
    }

    fn extract(&self, _: &RequestHead, params: &Params) -> Result<Option<Credentials>> {
        assertion::extract(params, self.method())
    }

    async fn verify(&self, cx: &Context<'_>, client: &Client, credentials: &Credentials) -> Result<()> {
        let presented = assertion::presented(credentials)?;
        let live = client.secrets().iter().filter_map(|secret| secret.reveal(cx.secrets, cx.now));
        let keys: Vec<_> = live.map(MacKey::new).collect();
        let pinned = client.metadata().token_endpoint_auth_signing_alg;
        let registered = RegisteredSecrets::new(client.id(), &keys)
            .with_algorithm(pinned.and_then(ClientAssertionAlg::mac));
        let verified = self.0.verifier(cx.endpoint).verify_mac(&presented, registered, cx.now);
        self.0.first_use(cx, client, &verified.map_err(assertion::refused)?).await
    }
}
