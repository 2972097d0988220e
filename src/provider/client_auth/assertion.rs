//! Assertions that authenticate clients (RFC 7523 section 2.2, OpenID Connect Core 1.0 section 9): what is
//! the same for those that are signed and those that carry a MAC.

use std::sync::Arc;

use super::Credentials;
use crate::client::{Client, ClientAuthMethod};
use crate::clock::NODE_SKEW;
use crate::error::{Reason, Rejection, Result};
use crate::event::Endpoint;
use crate::jose::{ClientAssertion, ClientAssertionError, ClientAssertionVerifier, PresentedAssertion};
use crate::provider::config::Config;
use crate::provider::context::Context;
use crate::provider::replay;
use crate::secret::Secret;
use crate::store::ReplayStore;
use crate::types::{Issuer, Params};

/// The one `client_assertion_type` (RFC 7523 section 2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Where used `jti` values of assertions are kept.
const REPLAY_SPACE: &str = "client assertion";

/// What assertions are held against, at each endpoint.
#[derive(Clone, Debug)]
pub(crate) struct ClientAssertions {
    replays: Arc<dyn ReplayStore>,
    token: ClientAssertionVerifier,
    backchannel_authentication: ClientAssertionVerifier,
    device_authorization: ClientAssertionVerifier,
    introspection: ClientAssertionVerifier,
    pushed_authorization: ClientAssertionVerifier,
    revocation: ClientAssertionVerifier,
}

impl ClientAssertions {
    /// Takes assertions for the issuer, for the token endpoint, and for the endpoint that is called; for the
    /// two endpoints also as they are at `alias`.
    pub(crate) fn new(config: &Config, alias: Option<&Issuer>, replays: Arc<dyn ReplayStore>) -> Self {
        let (issuer, paths) = (&config.issuer, &config.paths);
        let audiences = |path: &str| {
            let mut audiences = vec![issuer.as_str().to_owned(), issuer.endpoint(&paths.token)];
            audiences.push(issuer.endpoint(path));
            audiences.extend(alias.map(|alias| alias.endpoint(&paths.token)));
            audiences.extend(alias.map(|alias| alias.endpoint(path)));
            audiences
        };
        let verifier = |path: &str| {
            let verifier = match config.requirements.issuer_as_audience {
                true => ClientAssertionVerifier::new([issuer.as_str()]).with_plain_audience(),
                false => ClientAssertionVerifier::new(audiences(path)),
            };
            verifier
                .with_algorithms(&config.requirements.inbound_algs())
                .with_max_lifetime(config.assertion_lifetime)
                .with_leeway(config.clock_skew)
        };
        Self {
            replays,
            token: verifier(&paths.token),
            backchannel_authentication: verifier(&paths.backchannel_authentication),
            device_authorization: verifier(&paths.device_authorization),
            introspection: verifier(&paths.introspection),
            pushed_authorization: verifier(&paths.pushed_authorization),
            revocation: verifier(&paths.revocation),
        }
    }

    pub(super) fn verifier(&self, endpoint: Endpoint) -> &ClientAssertionVerifier {
        match endpoint {
            Endpoint::BackchannelAuthentication => &self.backchannel_authentication,
            Endpoint::DeviceAuthorization => &self.device_authorization,
            Endpoint::Introspection => &self.introspection,
            Endpoint::PushedAuthorization => &self.pushed_authorization,
            Endpoint::Revocation => &self.revocation,
            _ => &self.token,
        }
    }

    /// Remembers a verified assertion; only what is sound so far is, and under the name of its client.
    pub(super) async fn first_use(
        &self,
        cx: &Context<'_>,
        client: &Client,
        verified: &ClientAssertion,
    ) -> Result<()> {
        let id = replay::id(client.id(), verified.jti());
        let until = verified.expires_at().plus(NODE_SKEW);
        match self.replays.first_use(REPLAY_SPACE, &id, until, cx.now).await? {
            true => Ok(()),
            false => Err(Reason::ClientAssertionReplayed.into()),
        }
    }
}

/// The assertion of a request, if its header says that it is of this method: a MAC or a signature, never
/// both.
pub(super) fn extract(params: &Params, method: ClientAuthMethod) -> Result<Option<Credentials>> {
    let (kind, assertion) = (params.one("client_assertion_type")?, params.one("client_assertion")?);
    let assertion = match (kind, assertion) {
        (None, None) => return Ok(None),
        (Some(JWT_BEARER), Some(assertion)) => assertion,
        (Some(JWT_BEARER), None) => return Err(Reason::ClientAssertionMissing.into()),
        _ => return Err(Reason::ClientAssertionTypeWrong.into()),
    };
    let presented = PresentedAssertion::parse(assertion).map_err(refused)?;
    if presented.is_mac() != (method == ClientAuthMethod::ClientSecretJwt) {
        return Ok(None);
    }
    Ok(Some(Credentials::naming(presented.claimed_client_id().clone(), method, Secret::new(assertion))))
}

/// The assertion that [`extract`] found.
pub(super) fn presented(credentials: &Credentials) -> Result<PresentedAssertion> {
    let assertion = credentials.proof.as_ref().ok_or(Reason::ClientCredentialsMissing)?;
    Ok(PresentedAssertion::parse(assertion.expose()).map_err(refused)?)
}

pub(super) fn refused(error: ClientAssertionError) -> Rejection {
    Rejection::caused(error.into(), error)
}
