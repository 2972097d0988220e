//! The OpenID provider: one method for each endpoint.

mod administration;
mod authorization_details;
mod authorize;
mod backchannel;
mod builder;
mod client_auth;
mod client_documents;
mod client_keys;
mod comeback;
mod config;
mod consent;
mod context;
mod core;
mod deferred;
mod device;
mod discovery;
mod encryption;
mod exchange;
mod exchanged;
pub(crate) mod format;
mod grant;
mod granting;
mod grants;
mod hooks;
mod introspect;
mod issue;
mod lifetimes;
mod logout;
mod mount;
mod mutual_tls;
mod payload;
mod profile;
mod proof;
mod pushed;
mod records;
mod refusal;
mod register;
mod release;
mod replay;
mod request_object_rules;
mod requirements;
mod resource_documents;
mod resources;
mod revoke;
mod route;
mod scope;
mod session_state;
mod stored_keys;
mod subject;
mod token;
mod trust;
mod userinfo;

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Map, Value};

pub use administration::{Administration, GrantedSession, GrantedSessions, Resealed};
pub use authorization_details::{AuthorizationDetailsType, DetailsFor};
pub use authorize::{
    Answer, Approval, Asked, AuthorizationRequest, AuthorizationRule, Authorize, Denial, HintedSubject,
    LoginNeed, MAX_SEALED_BYTES, MissingConsent, Needs, Next, PendingAuthorization, Refused, ResponseEncoder,
    ReturnAddress, Unresumable,
};
pub use backchannel::{
    Backchannel, BackchannelAuthentication, BackchannelDecision, BackchannelHint, BackchannelRequest,
    BackchannelResponse, Hinted, PendingBackchannel,
};
pub use builder::{BuildError, ProviderBuilder};
pub use client_auth::{ClientAuthenticator, Credentials};
pub use client_documents::{ClientDocumentPolicy, ClientDocuments};
pub use config::{CodeChallengeReuse, CodeReuse, Config, EndpointPaths, TokenPrefixes};
pub use context::Context;
pub use device::{DeviceRequests, DeviceResponse, PendingDevice};
pub use encryption::Encryption;
pub use exchange::{
    ExchangeDecision, ExchangeRequest, ExchangeTerms, ExchangeToken, TokenExchangePolicy, TokenType,
};
pub use format::{AccessTokenFormat, Minted, Presented, RefreshToken, TokenKind};
pub use grant::GrantHandler;
pub use grants::{GrantFilter, LiveGrant};
pub use hooks::{ClaimsHook, ErrorPage, PlainErrorPage};
pub use issue::{IdTokenIssuance, Issuance, RefreshIssuance, Write};
pub use lifetimes::Lifetimes;
pub use logout::{LoggedOut, Logout, MAX_SEALED_LOGOUT_BYTES, OfflineAccess, PendingLogout};
pub use mount::{DeviceAnswer, DeviceQuestion, DeviceStep, Interaction, LogoutQuestion, Mount, Question};
pub use mutual_tls::MutualTls;
pub use profile::Profile;
pub use pushed::{PushedRequests, PushedResponse};
pub use register::{
    ClientInformation, InitialTokenUses, RegisteredClient, Registrant, Registration, RegistrationPolicy,
    SoftwareStatementIssuer,
};
pub use request_object_rules::{
    OuterParameters, RequestObjectAudience, RequestObjectRules, RequestObjectType,
};
pub use requirements::{PkceExceptions, Requirements};
pub use resources::{ResourceEncryption, ResourceSettings};
pub use stored_keys::{StoredKeys, StoredKeysError};
pub use token::{AuthenticatedClient, TokenRequest, TokenResponse};
pub use trust::{Principal, Trust, TrustedIssuers};

#[doc(no_inline)]
pub use crate::proof::{DpopConfig, DpopNonces};
#[doc(no_inline)]
pub use crate::types::Introspection;

use self::context::Arrival;
use self::core::Core;
use crate::client::{Client, ClientMetadata};
use crate::error::{Reason, Result};
use crate::event::Endpoint;
use crate::jose::Keyring;
use crate::secret::{Secret, SystemSecrets};
use crate::store::Stores;
use crate::types::{Authentication, Claims, ClientId, Params};
use crate::wire::{Request, RequestHead, Response};

/// An OpenID provider: one issuer, cheap to clone, shared by all requests.
#[derive(Clone, Debug)]
pub struct Provider(Arc<Core>);

impl Provider {
    /// Begins a provider with what nobody can default.
    pub fn builder(
        config: Config,
        stores: Stores,
        keyring: Keyring,
        secrets: SystemSecrets,
    ) -> ProviderBuilder {
        ProviderBuilder::new(config, stores, keyring, secrets)
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The signing keys, to rotate them.
    #[must_use]
    pub fn keyring(&self) -> &Keyring {
        &self.0.keyring
    }

    /// Answers a request to any endpoint; what adapters call.
    ///
    /// Which endpoint it is for is decided by its path alone, compared byte for byte (see [`Provider::route`]); a path
    /// of nobody's is a 404. Only the authorization and the logout endpoint can need the host; everything else is answered.
    ///
    /// A panic below becomes a 500 and an event, and takes nothing with it: no lock is held across it, and a write
    /// that had begun is whole or not there. It needs `panic = "unwind"`, as everything that catches panics does.
    pub async fn handle(&self, request: &Request) -> Authorize {
        route::handle(&self.0, request).await
    }

    /// Refuses what cannot become a whole request, for those who read requests from a connection: a body over
    /// [`MAX_BODY_BYTES`](crate::wire::MAX_BODY_BYTES), say. Tells the event sink, and answers as the endpoint at `path`
    /// would.
    #[must_use]
    pub fn refuse(&self, path: &str, reason: Reason) -> Response {
        let endpoint = self.route(path).unwrap_or(Endpoint::Unknown);
        scope::scoped_now(&self.0, endpoint, || match reason {
            Reason::HandlerPanicked => route::panicked(&self.0, endpoint),
            reason => route::refuse(&self.0, endpoint, reason),
        })
    }

    /// The endpoint at a path, as it stands in the request line before the query.
    #[must_use]
    pub fn route(&self, path: &str) -> Option<Endpoint> {
        self.0.routes.endpoint(path)
    }

    /// The paths that are answered, those of metadata included, for routers that want to know. Every method of each
    /// belongs to the provider.
    pub fn paths(&self) -> impl Iterator<Item = (Endpoint, &str)> {
        self.0.routes.iter()
    }

    /// Reads a request to the authorization endpoint, GET or POST (RFC 6749 section 3.1).
    ///
    /// A request that is not sound is answered at once: by a page as long as no registered redirect URI was matched,
    /// and to the client from then on. A sound one is for [`Provider::next`]; one that was posted without our cookie,
    /// as by another site, is first asked for again by GET, so that the cookie comes with it.
    pub async fn authorize(&self, request: &Request) -> Authorize {
        scope::scoped(&self.0, Endpoint::Authorization, authorize::open(&self.0, request)).await
    }

    /// Says what a pending request needs of the person, given who is signed in, or answers it.
    ///
    /// It is answered without asking when nothing is missing: the login meets the request, and everything asked for
    /// was agreed to before or is waived for the client. Under `prompt=none` it is answered in any case. One store
    /// statement, and those of an approval when that follows.
    pub async fn next(&self, pending: PendingAuthorization, login: Option<&Authentication>) -> Next {
        authorize::next(&self.0, pending, login).await
    }

    /// Carries out the person's yes: a grant, a code, and the response to the client.
    ///
    /// The approval is weighed once more against the request. What it grants is within what was asked, and never
    /// more than was shown. When a store fails, the response tells the client so.
    ///
    /// # Errors
    /// [`Refused`], with the request, when the login does not meet it or the scope exceeds it. Nothing was issued.
    pub async fn approve(
        &self,
        pending: PendingAuthorization,
        approval: Approval,
    ) -> Result<Response, Refused> {
        authorize::approve(&self.0, pending, approval).await
    }

    /// Carries out the person's no, or the host's: the response that tells the client.
    pub async fn deny(&self, pending: &PendingAuthorization, denial: Denial) -> Response {
        authorize::deny(&self.0, pending, denial).await
    }

    /// The page for a refusal that is not sent to a client, such as that of an approval which exceeds its request.
    #[must_use]
    pub fn refusal_page(&self, reason: Reason) -> Response {
        authorize::show(&self.0, reason)
    }

    /// Seals a pending request into base64url text of at most [`MAX_SEALED_BYTES`], for a URL parameter or a hidden
    /// field of the host's pages. It is good for one browser and one purpose, for as long as the request lives.
    ///
    /// # Errors
    /// A store or a random source that fails.
    pub async fn seal(&self, pending: &PendingAuthorization) -> Result<String> {
        authorize::seal(&self.0, pending).await
    }

    /// Reads a sealed request again; `method` and `headers` are those of the request that brought it.
    ///
    /// A cookie among the headers must be of the browser that began the request. Another browser that opens a page
    /// was led there and gets a 400; one that posts a form was made to, and gets a 403 (attack 50, attack 52).
    ///
    /// The client is loaded and every rule applied anew, so that what is no longer allowed is refused. A request may
    /// be resumed and approved more than once, each time with a grant and a code of its own.
    ///
    /// # Errors
    /// [`Unresumable`], with the response to give: the text was altered, its time is over, the browser is another,
    /// or the client may no longer ask for this.
    pub async fn resume(
        &self,
        sealed: &str,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<PendingAuthorization, Unresumable> {
        authorize::resume(&self.0, sealed, (method, headers)).await
    }

    /// Reads a request to the logout endpoint, GET or POST (OpenID Connect RP-Initiated Logout 1.0 section 2), in the
    /// browser where `login` is signed in.
    ///
    /// It is carried out at once where its `id_token_hint` is an ID token of this login; otherwise the person is asked
    /// first. Where nobody is signed in it is over. Nothing is ended here.
    pub async fn logout(&self, request: &Request, login: Option<&Authentication>) -> Logout {
        scope::scoped(&self.0, Endpoint::EndSession, logout::open(&self.0, request, login)).await
    }

    /// Seals what a person is asked before a logout into base64url text of at most [`MAX_SEALED_LOGOUT_BYTES`], for a
    /// form that posts it to the logout endpoint as `confirmation`. It is good for one browser, for as long as the
    /// question stands; it also keeps other sites from posting the form.
    ///
    /// # Errors
    /// A random source that fails.
    pub fn seal_logout(&self, pending: &PendingLogout) -> Result<String> {
        logout::seal(&self.0, pending)
    }

    /// Carries out a logout that may be: has the clients of its session told, and ends its grants, but for those with
    /// `offline_access` unless [`Config::offline_access_at_logout`] or [`PendingLogout::with_offline_access`] says
    /// otherwise. Of a session without a name it does neither ([`EventKind::SessionUnnamed`](crate::event::EventKind)).
    ///
    /// Whether clients have been told is not known then: logout tokens are sent in the background, from memory, and not
    /// all of them where very many wait.
    ///
    /// The host ends its own session when this has succeeded, and then gives the response. If it fails, the person is
    /// still signed in and can try again.
    ///
    /// # Errors
    /// A store that fails.
    pub async fn carry_out_logout(&self, pending: &PendingLogout) -> Result<LoggedOut> {
        logout::end(&self.0, pending).await
    }

    /// The `Set-Cookie` header for a response by which the host itself signs somebody in or out, outside of the
    /// authorization and the logout endpoint: clients that watch the browser (OpenID Connect Session Management 1.0) then
    /// notice at once, and otherwise at the browser's next visit here. `None` where session management is off.
    ///
    /// # Errors
    /// A fault: a cookie that cannot be written.
    pub fn login_state_cookie(&self, login: Option<&Authentication>) -> Result<Option<HeaderValue>> {
        let arrival = Arrival::at(Endpoint::Administration, &self.0);
        session_state::changed(&self.0, &arrival.context(), login)
    }

    /// Answers a userinfo request (OpenID Connect Core 1.0 section 5.3).
    pub async fn userinfo(&self, request: &Request) -> Response {
        scope::scoped(&self.0, Endpoint::Userinfo, userinfo::respond(&self.0, request)).await
    }

    /// The claims of a person that an access token lets its client know, `sub` among them. A token that is bound to a
    /// key is refused, since nothing here proves that.
    ///
    /// # Errors
    /// [`Reason::AccessTokenBound`],
    /// [`Reason::AccessTokenInvalid`], [`Reason::AccessTokenClientGone`], [`Reason::AccessTokenScope`],
    /// [`Reason::AccessTokenSubjectGone`], or what the store and the accounts fail with.
    pub async fn claims_for(&self, access_token: &Secret) -> Result<Claims> {
        userinfo::userinfo(&self.0, access_token).await
    }

    /// Answers a request to the token endpoint (RFC 6749 section 3.2).
    ///
    /// It never fails: a refusal becomes the body of section 5.2, a store that fails a 503 with `Retry-After`.
    pub async fn token(&self, request: &Request) -> Response {
        scope::scoped(&self.0, Endpoint::Token, token::respond(&self.0, request)).await
    }

    /// Redeems a grant for tokens: the token endpoint for tests, and for hosts with a transport of their own.
    ///
    /// # Errors
    /// Every refusal of the token endpoint, and faults. Nothing was issued.
    pub async fn redeem(&self, head: &RequestHead, params: Params) -> Result<TokenResponse> {
        token::redeem(&self.0, head, params).await
    }

    /// The nonce for the next DPoP proof of any client (RFC 9449 section 8); `None` where DPoP is off. The endpoints on
    /// the wire tell it themselves.
    #[must_use]
    pub fn dpop_nonce(&self) -> Option<String> {
        proof::newest_nonce(&self.0)
    }

    /// Answers a request to the introspection endpoint (RFC 7662).
    pub async fn introspection(&self, request: &Request) -> Response {
        scope::scoped(&self.0, Endpoint::Introspection, introspect::respond(&self.0, request)).await
    }

    /// Introspects a token: the introspection endpoint for tests, and for hosts with a transport of their own.
    ///
    /// # Errors
    /// The refusals of client authentication, a missing `token`, and faults.
    pub async fn introspect(&self, head: &RequestHead, params: &Params) -> Result<Introspection> {
        introspect::introspect(&self.0, head, params).await
    }

    /// What an access token is good for, for the host itself, which is no client and needs no credentials: all that
    /// introspection would say, whoever the token is for. A token of another kind is inactive.
    ///
    /// # Errors
    /// Faults.
    pub async fn introspection_of(&self, access_token: &Secret) -> Result<Introspection> {
        introspect::introspection_of(&self.0, access_token).await
    }

    /// Answers a request to the pushed authorization request endpoint (RFC 9126).
    pub async fn pushed_authorization(&self, request: &Request) -> Response {
        scope::scoped(&self.0, Endpoint::PushedAuthorization, pushed::respond(&self.0, request)).await
    }

    /// Takes an authorization request from its client: the same for tests, and for hosts with a transport of their own.
    ///
    /// # Errors
    /// The refusals of client authentication, those of an authorization request, [`Reason::PushedRequestUri`], and
    /// faults. Nothing is kept then.
    pub async fn push(&self, head: &RequestHead, params: Params) -> Result<PushedResponse> {
        pushed::push(&self.0, head, params).await
    }

    /// Answers a request to the backchannel authentication endpoint (CIBA Core section 7).
    pub async fn backchannel_authentication(&self, request: &Request) -> Response {
        let endpoint = Endpoint::BackchannelAuthentication;
        scope::scoped(&self.0, endpoint, backchannel::respond(&self.0, request)).await
    }

    /// Lets a client ask for a person: the same for tests, and for hosts with a transport of their own.
    ///
    /// # Errors
    /// The refusals of client authentication and of the request, and faults. Nobody is asked then.
    pub async fn begin_backchannel(&self, head: &RequestHead, params: Params) -> Result<BackchannelResponse> {
        backchannel::begin(&self.0, head, params).await
    }

    /// Takes the answer of a person whom [`BackchannelAuthentication::begin`] has asked: the client gets it when it asks
    /// next, and is told that there is one if it wants to be.
    ///
    /// Where tokens are [pushed](Backchannel::with_push) they are made and sent in the background, from here on whatever
    /// becomes of this call; what goes wrong with that is told to the client and in events.
    ///
    /// # Errors
    /// [`Reason::ApprovalDetailsExceed`], [`Reason::ApprovalExceeds`], [`Reason::ApprovalOtherSubject`],
    /// [`Reason::ApprovalSubjectGone`], [`Reason::DeferredAnswered`], [`Reason::DeferredUnknown`], [`Reason::LoginNeeded`] where
    /// the login is older than the client's `default_max_age`, and faults; where tokens are pushed
    /// [`Reason::BackchannelUndeliverable`], [`Reason::GrantTypeNotAllowed`] and [`Reason::IdTokenScopeMissing`], too.
    /// Nothing was given.
    pub async fn complete_backchannel(
        &self,
        auth_req_id: &Secret,
        decision: BackchannelDecision,
    ) -> Result<()> {
        backchannel::complete(&self.0, auth_req_id, decision).await
    }

    /// Answers a request to the device authorization endpoint (RFC 8628 section 3.1).
    pub async fn device_authorization(&self, request: &Request) -> Response {
        scope::scoped(&self.0, Endpoint::DeviceAuthorization, device::respond(&self.0, request)).await
    }

    /// Lets a device begin to wait: the same for tests, and for hosts with a transport of their own.
    ///
    /// # Errors
    /// The refusals of client authentication and of the scope, and faults. Nothing is kept then.
    pub async fn begin_device(&self, head: &RequestHead, params: Params) -> Result<DeviceResponse> {
        device::begin(&self.0, head, params).await
    }

    /// The devices that wait, for pages of the host's own.
    #[must_use]
    pub fn device(&self) -> DeviceRequests<'_> {
        DeviceRequests::of(&self.0)
    }

    /// Answers a request to the registration endpoint (RFC 7591), where clients also manage what they registered
    /// (RFC 7592).
    pub async fn registration(&self, request: &Request) -> Response {
        scope::scoped(&self.0, Endpoint::Registration, register::respond(&self.0, request)).await
    }

    /// Registers a client: the registration endpoint for tests, and for hosts with a transport of their own. `metadata`
    /// are the members of RFC 7591 section 2.
    ///
    /// # Errors
    /// Every refusal of the registration endpoint, and faults. Nothing was registered.
    pub async fn register(
        &self,
        initial_access_token: Option<&Secret>,
        metadata: &Map<String, Value>,
    ) -> Result<ClientInformation> {
        register::register(&self.0, initial_access_token, metadata).await
    }

    /// What a client registered, for whoever has its registration access token (RFC 7592 section 2.1).
    ///
    /// # Errors
    /// The refusals of the token, and faults.
    pub async fn registration_of(
        &self,
        id: &ClientId,
        registration_access_token: &Secret,
    ) -> Result<ClientInformation> {
        register::read(&self.0, id, registration_access_token).await
    }

    /// Replaces all that a client registered, for whoever has its registration access token (RFC 7592 section 2.2). The
    /// answer has another one, and the token that was sent is good until that is used. `metadata` names the `client_id`
    /// too.
    ///
    /// # Errors
    /// The refusals of the token and of registration, and faults. Nothing was changed.
    pub async fn update_registration(
        &self,
        id: &ClientId,
        registration_access_token: &Secret,
        metadata: &Map<String, Value>,
    ) -> Result<ClientInformation> {
        register::update(&self.0, (id, registration_access_token), metadata).await
    }

    /// Removes a client with every grant of it, for whoever has its registration access token (RFC 7592 section 2.3).
    ///
    /// # Errors
    /// The refusals of the token, and faults; calling again finishes what was begun.
    pub async fn remove_registration(&self, id: &ClientId, registration_access_token: &Secret) -> Result<()> {
        register::remove(&self.0, id, registration_access_token).await
    }

    /// Asks the `sector_identifier_uri` of a stranger that the host registers by itself, which must list every redirect URI.
    /// Metadata without one pass. [`Provider::register`] asks by itself.
    ///
    /// # Errors
    /// What [`check_sector`](crate::client::check_sector) says, and [`Reason::MetadataSectorIdentifier`] where the provider
    /// has no `HttpClient` or no `Runtime`.
    pub async fn check_sector(&self, metadata: &ClientMetadata) -> Result<()> {
        register::check_sector_of(&self.0, metadata).await
    }

    /// A client, whether the host configured it, it registered itself, or it is named by the URL of its metadata, which may
    /// be fetched.
    ///
    /// # Errors
    /// A store that fails.
    pub async fn client(&self, id: &ClientId) -> Result<Option<Client>> {
        register::client(&self.0, id).await
    }

    /// Answers a request to the revocation endpoint (RFC 7009).
    pub async fn revocation(&self, request: &Request) -> Response {
        scope::scoped(&self.0, Endpoint::Revocation, revoke::respond(&self.0, request)).await
    }

    /// Revokes a token: the revocation endpoint for tests, and for hosts with a transport of their own. A token that is
    /// not known or not the client's is none to revoke.
    ///
    /// # Errors
    /// The refusals of client authentication, a missing `token`, [`Reason::TokenNotRevocable`], and faults.
    ///
    /// [`Reason::TokenNotRevocable`]: crate::error::Reason::TokenNotRevocable
    pub async fn revoke(&self, head: &RequestHead, params: &Params) -> Result<()> {
        revoke::revoke(&self.0, head, params).await
    }
}
