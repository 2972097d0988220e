//! What the endpoints share. Only endpoint functions see it; handlers get the ports they need.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::authorization_details::DetailsTypes;
use super::authorize::{AuthorizationRule, Encoders};
use super::backchannel::Backchannel;
use super::client_auth::ClientAuthenticator;
use super::comeback::Comeback;
use super::config::Config;
use super::context::Context;
use super::discovery::Documents;
use super::encryption::{Encryption, Recipients};
use super::format::id_token::{Channel, Minter, Unsigned};
use super::format::{Formats, Presented};
use super::grant::GrantHandler;
use super::hooks::{ClaimsHook, ErrorPage};
use super::logout::BackChannel;
use super::mutual_tls::MutualTls;
use super::proof::Dpop;
use super::pushed::PushedRequests;
use super::records;
use super::register::Registration;
use super::resource_documents::ResourceDocuments;
use super::route::Routes;
use crate::accounts::Accounts;
use crate::client::remote_request_objects::RemoteRequestObjects;
use crate::client::{Client, Fetcher, IdTokenAlg, RemoteKeys};
use crate::clock::{Clock, Timestamp};
use crate::entropy::Entropy;
use crate::error::{Reason, Rejection, Result};
use crate::event::EventSink;
use crate::jose::{Decrypter, IdTokenHintVerifier, Keyring, RequestObjectVerifier};
use crate::limiter::{Admission, LimitPoint, Limiter};
use crate::policy::Policy;
use crate::runtime::Runtime;
use crate::secret::SystemSecrets;
use crate::store::{AccessToken, Stores};
use crate::types::{ClientId, GrantType, ResponseType};

#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) config: Config,
    pub(crate) stores: Stores,
    pub(crate) keyring: Keyring,
    pub(crate) secrets: SystemSecrets,
    pub(crate) policy: Arc<dyn Policy>,
    pub(crate) accounts: Option<Arc<dyn Accounts>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) runtime: Option<Arc<dyn Runtime>>,
    pub(crate) events: Arc<dyn EventSink>,
    /// `None` admits everyone.
    pub(crate) limiter: Option<Arc<dyn Limiter>>,
    pub(crate) claims_hook: Option<Arc<dyn ClaimsHook>>,
    pub(crate) error_page: Arc<dyn ErrorPage>,
    pub(crate) comeback: Comeback,
    pub(crate) formats: Arc<Formats>,
    pub(crate) grants: BTreeMap<GrantType, Arc<dyn GrantHandler>>,
    pub(crate) authenticators: Vec<Arc<dyn ClientAuthenticator>>,
    pub(crate) rules: Vec<Arc<dyn AuthorizationRule>>,
    pub(crate) details: DetailsTypes,
    pub(crate) response_types: Vec<ResponseType>,
    pub(crate) encoders: Encoders,
    pub(crate) hints: IdTokenHintVerifier,
    /// `None` encrypts and decrypts nothing.
    pub(crate) encryption: Option<Encryption>,
    /// `None` takes nothing that is encrypted.
    pub(crate) decrypter: Option<Decrypter>,
    /// `None` registers nobody.
    pub(crate) registration: Option<Registration>,
    /// `None` where no sector is asked for its redirect URIs.
    pub(crate) sectors: Option<Fetcher>,
    /// `None` where the keys of those who issue software statements are not fetched.
    pub(crate) statement_keys: Option<RemoteKeys>,
    /// `None` where the keys of clients are not fetched.
    pub(crate) remote_keys: Option<Arc<RemoteKeys>>,
    /// `None` asks nobody for a certificate, and reads none.
    pub(crate) mutual_tls: Option<MutualTls>,
    pub(crate) request_objects: RequestObjectVerifier,
    /// `None` refuses `request_uri`.
    pub(crate) request_uris: Option<RemoteRequestObjects>,
    /// `None` takes none.
    pub(crate) pushed_requests: Option<PushedRequests>,
    /// `None` takes no proofs of possession.
    pub(crate) dpop: Option<Dpop>,
    /// `None` asks for nobody who is not there.
    pub(crate) backchannel: Option<Backchannel>,
    pub(crate) resource_documents: ResourceDocuments,
    pub(crate) routes: Routes,
    pub(crate) documents: Documents,
    pub(crate) switches: Switches,
    /// `None` tells no client of a logout.
    pub(crate) back_channel: Option<BackChannel>,
}

impl Core {
    /// Whether refresh tokens can be redeemed, so that issuing them makes sense.
    pub(crate) fn issues_refresh_tokens(&self) -> bool {
        self.grants.contains_key(&GrantType::RefreshToken)
    }

    /// Whether people sign in here: there is an authorization endpoint.
    pub(crate) fn signs_in(&self) -> bool {
        !self.response_types.is_empty()
    }

    /// The access token that was presented; `None` unless it is one of ours and valid now.
    pub(crate) async fn presented(&self, cx: &Context<'_>, token: &str) -> Result<Option<AccessToken>> {
        match self.formats.read(cx, token).await {
            Some(Presented::Recorded(key)) => {
                let record = self.stores.tokens.access_token(&key, cx.now).await?;
                Ok(record.and_then(|record| records::open_token(cx, &record)))
            }
            Some(Presented::Stateless(token)) => Ok(Some(*token)),
            None => Ok(None),
        }
    }

    /// What mints the ID tokens that go to their clients by `channel`.
    pub(crate) fn id_tokens(&self, channel: Channel) -> Minter<'_> {
        let unsigned = match (channel, self.switches.unsigned_id_tokens) {
            (Channel::Back, true) => Unsigned::Allowed,
            (Channel::Back, false) | (Channel::Front, _) => Unsigned::Refused,
        };
        let (keyring, hook) = (&self.keyring, self.claims_hook.as_deref());
        Minter { keyring, hook, unsigned, recipients: self.recipients(), until: Timestamp::NEVER }
    }

    /// What finds the keys that answers to clients are encrypted to.
    pub(crate) fn recipients(&self) -> Recipients<'_> {
        Recipients { encryption: self.encryption.as_ref(), remote: self.remote_keys.as_deref() }
    }

    /// Whether what `client` registered for what is told of people can be done.
    ///
    /// # Errors
    /// [`Reason::SubjectTypeUnavailable`], [`Reason::IdTokenAlgUnavailable`], [`Reason::UserinfoAlgUnavailable`].
    pub(crate) fn check_answers(&self, client: &Client) -> Result<(), Reason> {
        let metadata = client.metadata();
        if client.sector().is_some() && !self.switches.pairwise_subjects {
            return Err(Reason::SubjectTypeUnavailable);
        }
        let signs = |alg| self.keyring.signer(alg).is_some();
        let id_tokens = match metadata.id_token_signed_response_alg {
            IdTokenAlg::DangerousNone => self.switches.unsigned_id_tokens,
            IdTokenAlg::Signed(alg) => signs(alg),
        };
        if !id_tokens {
            return Err(Reason::IdTokenAlgUnavailable);
        }
        match metadata.userinfo_signed_response_alg.is_none_or(signs) {
            true => Ok(()),
            false => Err(Reason::UserinfoAlgUnavailable),
        }
    }

    /// Asks the limiter whether a request of `client` may go on.
    pub(crate) async fn admit(&self, cx: &Context<'_>, point: LimitPoint, client: &ClientId) -> Result<()> {
        self.admit_key(cx, point, client.as_str()).await
    }

    /// Asks the limiter whether a request may go on that counts under `key`.
    pub(crate) async fn admit_key(&self, cx: &Context<'_>, point: LimitPoint, key: &str) -> Result<()> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        match limiter.admit(point, key, cx.now).await {
            Admission::Admitted => Ok(()),
            Admission::Refused { retry_after } => {
                Err(Rejection::from(Reason::RateLimited).with_retry_after(retry_after).into())
            }
        }
    }
}

/// What the builder turned on, beyond what the registries tell.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Switches {
    pub(crate) account_creation: bool,
    pub(crate) client_documents: bool,
    pub(crate) device_authorization: bool,
    pub(crate) front_channel_logout: bool,
    pub(crate) introspection: bool,
    pub(crate) introspection_jwt: bool,
    pub(crate) jarm: bool,
    pub(crate) jwks_uri: bool,
    pub(crate) pairwise_subjects: bool,
    pub(crate) request_parameter: bool,
    pub(crate) revocation: bool,
    pub(crate) unsigned_request_objects: bool,
    pub(crate) unsigned_id_tokens: bool,
    pub(crate) rp_initiated_logout: bool,
    pub(crate) session_management: bool,
}
