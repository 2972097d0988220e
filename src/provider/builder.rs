//! Putting a provider together.

mod assemble;
mod checks;
mod error;
mod profiles;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

pub use error::BuildError;

use super::Provider;
use super::authorization_details::{AuthorizationDetailsType, DetailsTypes};
use super::authorize::{AuthorizationRule, Encoders, ResponseEncoder, jarm_encoders};
use super::backchannel::Backchannel;
use super::client_auth::ClientAuthenticator;
use super::client_documents::ClientDocuments;
use super::comeback::Comeback;
use super::config::Config;
use super::core::{Core, Switches};
use super::discovery::Documents;
use super::encryption::Encryption;
use super::exchange::TokenExchangePolicy;
use super::format::{AccessTokenFormat, Formats};
use super::grant::GrantHandler;
use super::hooks::{ClaimsHook, ErrorPage, PlainErrorPage};
use super::logout::BackChannel;
use super::mutual_tls::MutualTls;
use super::profile::Profile;
use super::pushed::PushedRequests;
use super::register::{RegisteredClients, Registration};
use super::request_object_rules::{RequestObjectAudience, RequestObjectType};
use super::resource_documents::ResourceDocuments;
use super::route::Routes;
use super::trust::TrustedIssuers;
use crate::accounts::Accounts;
use crate::client::SlowHash;
use crate::clock::{Clock, SystemClock};
use crate::entropy::{Entropy, OsEntropy};
use crate::event::{EventSink, Silent};
use crate::jose::{IdTokenHintVerifier, Keyring, RequestObjectVerifier};
use crate::limiter::Limiter;
use crate::policy::{CarefulPolicy, Policy};
use crate::proof::DpopConfig;
use crate::runtime::Runtime;
use crate::secret::SystemSecrets;
use crate::store::Stores;
use crate::types::ResponseType;
use crate::wire::{HttpClient, ResourceMetadata};

/// Puts a provider together: required parts came first, each `with_…` turns one thing on, [`build`] checks the rest.
///
/// [`build`]: ProviderBuilder::build
#[derive(Debug)]
#[must_use]
pub struct ProviderBuilder {
    core: Core,
    profiles: BTreeSet<Profile>,
    handlers: Vec<Arc<dyn GrantHandler>>,
    authenticators: Vec<Arc<dyn ClientAuthenticator>>,
    encoders: Vec<Arc<dyn ResponseEncoder>>,
    formats: Vec<(Arc<str>, Arc<dyn AccessTokenFormat>)>,
    details: Vec<Arc<dyn AuthorizationDetailsType>>,
    resources: Vec<ResourceMetadata>,
    imported_hashes: Option<Arc<dyn SlowHash>>,
    refresh_token: bool,
    client_credentials: bool,
    client_secret_jwt: bool,
    private_key_jwt: bool,
    jwt_bearer: bool,
    token_exchange: Option<Arc<dyn TokenExchangePolicy>>,
    trusted_issuers: Option<Arc<dyn TrustedIssuers>>,
    dpop: Option<DpopConfig>,
    http_client: Option<Arc<dyn HttpClient>>,
    client_documents: Option<ClientDocuments>,
    jwks_uri: bool,
    request_uri_parameter: bool,
    back_channel_logout: bool,
}

impl ProviderBuilder {
    pub(super) fn new(config: Config, stores: Stores, keyring: Keyring, secrets: SystemSecrets) -> Self {
        let formats = Arc::new(Formats::new(&config, &keyring));
        let request_objects = request_objects(&config);
        let hints = IdTokenHintVerifier::new(config.issuer.as_str(), keyring.clone());
        let core = Core {
            config,
            stores,
            keyring,
            secrets,
            policy: Arc::new(CarefulPolicy),
            accounts: None,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            runtime: None,
            events: Arc::new(Silent),
            limiter: None,
            claims_hook: None,
            error_page: Arc::new(PlainErrorPage),
            comeback: Comeback::default(),
            formats,
            grants: BTreeMap::new(),
            authenticators: Vec::new(),
            rules: Vec::new(),
            details: DetailsTypes::default(),
            response_types: Vec::new(),
            encoders: Encoders::default(),
            hints,
            encryption: None,
            decrypter: None,
            registration: None,
            sectors: None,
            statement_keys: None,
            remote_keys: None,
            mutual_tls: None,
            request_objects,
            request_uris: None,
            pushed_requests: None,
            dpop: None,
            backchannel: None,
            resource_documents: ResourceDocuments::default(),
            routes: Routes::default(),
            documents: Documents::default(),
            switches: Switches::default(),
            back_channel: None,
        };
        Self {
            core,
            profiles: BTreeSet::new(),
            handlers: Vec::new(),
            authenticators: Vec::new(),
            encoders: Vec::new(),
            formats: Vec::new(),
            details: Vec::new(),
            resources: Vec::new(),
            imported_hashes: None,
            refresh_token: false,
            client_credentials: false,
            client_secret_jwt: false,
            private_key_jwt: false,
            jwt_bearer: false,
            token_exchange: None,
            trusted_issuers: None,
            dpop: None,
            http_client: None,
            client_documents: None,
            jwks_uri: false,
            request_uri_parameter: false,
            back_channel_logout: false,
        }
    }

    /// The people. The authorization code grant needs them.
    pub fn accounts(mut self, accounts: Arc<dyn Accounts>) -> Self {
        self.core.accounts = Some(accounts);
        self
    }

    /// What the deployment decides. Default: [`CarefulPolicy`].
    pub fn policy(mut self, policy: Arc<dyn Policy>) -> Self {
        self.core.policy = policy;
        self
    }

    /// The clock. Default: [`SystemClock`].
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.core.clock = clock;
        self
    }

    /// The random source. Default: [`OsEntropy`].
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.core.entropy = entropy;
        self
    }

    /// The async runtime. Imported slow hashes of client secrets need one, and whatever is fetched from clients. Where there
    /// is one, stores are held to [`Config::store_limits`].
    pub fn runtime(mut self, runtime: Arc<dyn Runtime>) -> Self {
        self.core.runtime = Some(runtime);
        self
    }

    /// Who sends the requests to addresses that clients register. Default: nobody.
    ///
    /// # Security
    /// Strangers choose these addresses: see the rules of [`HttpClient`]. The feature `reqwest` has one that keeps
    /// them.
    pub fn http_client(mut self, http_client: Arc<dyn HttpClient>) -> Self {
        self.http_client = Some(http_client);
        self
    }

    /// Who hears of events. Default: nobody.
    pub fn events(mut self, events: Arc<dyn EventSink>) -> Self {
        self.core.events = events;
        self
    }

    /// Who bounds how often something is tried. Default: nobody.
    ///
    /// # Security
    /// Strangers who name a public client can use up its limits, and at some points those of any client: see
    /// [`LimitPoint`](crate::limiter::LimitPoint).
    pub fn limiter(mut self, limiter: Arc<dyn Limiter>) -> Self {
        self.core.limiter = Some(limiter);
        self
    }

    /// Adds the host's claims to tokens. Default: none.
    pub fn claims_hook(mut self, hook: Arc<dyn ClaimsHook>) -> Self {
        self.core.claims_hook = Some(hook);
        self
    }

    /// Shows what cannot be sent back to a client. Default: [`PlainErrorPage`].
    pub fn error_page(mut self, page: Arc<dyn ErrorPage>) -> Self {
        self.core.error_page = page;
        self
    }

    /// Turns on the authorization endpoint and the grant type `authorization_code`, with PKCE. Clients ask for it by
    /// the response type `code`.
    pub fn with_authorization_code(self) -> Self {
        self.with_response_type(ResponseType::Code)
    }

    /// Turns on one more response type, for the clients that registered it; those with a code need
    /// [`with_authorization_code`] too. Default: none but what that turns on.
    ///
    /// # Security
    /// All but `code` and `none` send tokens through the browser, where they can leak and where nothing ties an access
    /// token to its client (RFC 9700 section 2.1.2). They are for clients that cannot be changed.
    ///
    /// [`with_authorization_code`]: ProviderBuilder::with_authorization_code
    pub fn with_response_type(mut self, response_type: ResponseType) -> Self {
        if !self.core.response_types.contains(&response_type) {
            self.core.response_types.push(response_type);
        }
        self
    }

    /// Turns on `prompt=create` (Initiating User Registration via OpenID Connect 1.0 section 4): the host offers to
    /// create an account when it is told [`Needs::Create`](super::Needs::Create).
    pub const fn with_account_creation(mut self) -> Self {
        self.core.switches.account_creation = true;
        self
    }

    /// Turns on pairwise subjects (OpenID Connect Core 1.0 section 8), for the clients that registered
    /// `subject_type` `pairwise`: they know people by a `sub` that no client of another sector knows. The host goes on
    /// speaking of people by its own subjects.
    pub const fn with_pairwise_subjects(mut self) -> Self {
        self.core.switches.pairwise_subjects = true;
        self
    }

    /// Lets the token endpoint give ID tokens that are not signed, to the clients that registered
    /// `id_token_signed_response_alg` `none` (OpenID Connect Core 1.0 section 2).
    ///
    /// # Security
    /// See [`IdTokenAlg::DangerousNone`](crate::client::IdTokenAlg::DangerousNone). Clients that can verify a signature
    /// never need it.
    pub const fn dangerous_allow_unsigned_id_tokens(mut self) -> Self {
        self.core.switches.unsigned_id_tokens = true;
        self
    }

    /// Turns on the grant type `refresh_token`.
    pub const fn with_refresh_token(mut self) -> Self {
        self.refresh_token = true;
        self
    }

    /// Turns on the grant type `client_credentials`.
    pub const fn with_client_credentials(mut self) -> Self {
        self.client_credentials = true;
        self
    }

    /// Whom the host trusts to vouch for people and clients by assertions. Default: nobody.
    pub fn trusted_issuers(mut self, trusted: Arc<dyn TrustedIssuers>) -> Self {
        self.trusted_issuers = Some(trusted);
        self
    }

    /// Turns on the grant type `urn:ietf:params:oauth:grant-type:jwt-bearer` (RFC 7523 section 2.1): access tokens for
    /// assertions of [`trusted_issuers`](ProviderBuilder::trusted_issuers); it needs a `ReplayStore` and
    /// [`Accounts`]. Default off.
    ///
    /// # Security
    /// Nobody is asked for consent: a client gets tokens of people only where its consent is waived.
    pub const fn with_jwt_bearer(mut self) -> Self {
        self.jwt_bearer = true;
        self
    }

    /// Turns on the grant type `urn:ietf:params:oauth:grant-type:token-exchange` (RFC 8693) for confidential clients, as
    /// `policy` decides; it needs [`Accounts`]. JWTs of others are taken where there are
    /// [`trusted_issuers`](ProviderBuilder::trusted_issuers). Default off.
    pub fn with_token_exchange(mut self, policy: Arc<dyn TokenExchangePolicy>) -> Self {
        self.token_exchange = Some(policy);
        self
    }

    /// Turns on client authentication by `client_secret_jwt` (OpenID Connect Core 1.0 section 9); it needs a
    /// `ReplayStore`. Default off.
    ///
    /// # Security
    /// The secrets of these clients are kept so that the provider can read them: see
    /// [`ClientSecret::seal`](crate::client::ClientSecret::seal). `private_key_jwt` does the same with
    /// nothing to steal.
    pub const fn with_client_secret_jwt(mut self) -> Self {
        self.client_secret_jwt = true;
        self
    }

    /// Turns on what `mutual_tls` says (RFC 8705). The host's TLS layer asks for certificates, and inserts
    /// them into requests as [`ClientCertificate`](crate::wire::ClientCertificate). Default off: certificates
    /// are not looked at.
    pub fn with_mutual_tls(mut self, mutual_tls: MutualTls) -> Self {
        self.core.mutual_tls = Some(mutual_tls);
        self
    }

    /// Turns on client authentication by `private_key_jwt`; it needs a `ReplayStore`.
    pub const fn with_private_key_jwt(mut self) -> Self {
        self.private_key_jwt = true;
        self
    }

    /// Fetches the keys of clients that registered a `jwks_uri`; it needs an [`HttpClient`] and a [`Runtime`].
    /// Without it such clients cannot authenticate.
    pub const fn with_jwks_uri(mut self) -> Self {
        self.jwks_uri = true;
        self
    }

    /// Turns on request objects by value: the parameter `request` (OpenID Connect Core 1.0 section 6.1, RFC 9101
    /// section 5.1). What they must be is in [`Config::request_objects`]. Default off.
    pub const fn with_request_parameter(mut self) -> Self {
        self.core.switches.request_parameter = true;
        self
    }

    /// Turns on request objects by reference: the parameter `request_uri`, for exactly the `request_uris` that a client
    /// registered (OpenID Connect Core 1.0 section 6.2, RFC 9101 section 5.2); it needs an [`HttpClient`] and a
    /// [`Runtime`]. Default off.
    ///
    /// # Security
    /// A stranger's request makes the provider fetch what a client registered (RFC 9101 section 10.4.1); the rules
    /// of [`HttpClient`] bound where to.
    pub const fn with_request_uri_parameter(mut self) -> Self {
        self.request_uri_parameter = true;
        self
    }

    /// Takes request objects that nobody signed (`alg` is `none`) from clients that are registered with the
    /// `request_object_signing_alg` `none`, and from no others.
    ///
    /// # Security
    /// Such an object proves nothing: it can be changed on its way, as plain parameters can (RFC 9101 section 10.1).
    pub const fn dangerous_with_unsigned_request_objects(mut self) -> Self {
        self.core.switches.unsigned_request_objects = true;
        self
    }

    /// Turns on pushed authorization requests (RFC 9126); it needs a `TicketStore`. Default off.
    ///
    /// # Security
    /// Each request that is pushed is written to the store, and a public client pushes without authentication. Where
    /// there are such clients, there should be a [`limiter`](ProviderBuilder::limiter) that bounds
    /// [`LimitPoint::PushedAuthorization`](crate::limiter::LimitPoint::PushedAuthorization), such as a
    /// [`WindowLimiter`](crate::limiter::WindowLimiter).
    pub const fn with_pushed_authorization_requests(mut self, pushed: PushedRequests) -> Self {
        self.core.pushed_requests = Some(pushed);
        self
    }

    /// Turns on authorization responses that are JWTs: the response modes `jwt`, `query.jwt`, `fragment.jwt` and
    /// `form_post.jwt` (JWT Secured Authorization Response Mode for OAuth 2.0). They are signed by the algorithm that a
    /// client registered, and encrypted where [`with_encryption`](ProviderBuilder::with_encryption) is on and the client
    /// registered that. Default off.
    pub const fn with_jarm(mut self) -> Self {
        self.core.switches.jarm = true;
        self
    }

    /// Turns on DPoP (RFC 9449): clients that prove a key get tokens that are worth nothing without it; it needs a
    /// `ReplayStore`. Default off.
    ///
    /// Clients with `dpop_bound_access_tokens` get no others. What is bound stays bound when this is turned off again,
    /// and can then not be used.
    pub fn with_dpop(mut self, dpop: DpopConfig) -> Self {
        self.dpop = Some(dpop);
        self
    }

    /// Turns on encrypted tokens (JWE, RFC 7516): ID tokens, logout tokens and userinfo responses for the
    /// clients that registered that (OpenID Connect Dynamic Client Registration 1.0 section 2), and with
    /// decryption keys also request objects and hints that clients encrypt. Default off: such clients are
    /// refused, and so is what they encrypt.
    ///
    /// Clients whose keys are at a `jwks_uri` need [`with_jwks_uri`](ProviderBuilder::with_jwks_uri).
    pub fn with_encryption(mut self, encryption: Encryption) -> Self {
        self.core.decrypter = encryption.decrypter();
        self.core.encryption = Some(encryption);
        self
    }

    /// Turns on introspection (RFC 7662); it needs a default audience.
    pub const fn with_introspection(mut self) -> Self {
        self.core.switches.introspection = true;
        self
    }

    /// Answers introspection with signed JWTs where the caller asks for them by `Accept` (RFC 9701), encrypted where
    /// [`with_encryption`](ProviderBuilder::with_encryption) is on and the caller registered that; it needs
    /// [`with_introspection`](ProviderBuilder::with_introspection). Default off.
    pub const fn with_introspection_jwt(mut self) -> Self {
        self.core.switches.introspection_jwt = true;
        self
    }

    /// Turns on dynamic registration (RFC 7591) and the management of what registered (RFC 7592); it needs a
    /// `ClientRegistry`, and a `TicketStore` unless it is open. Default: nobody registers. Clients that registered are
    /// clients for as long as the stores have their registry, also once this is turned off again.
    pub fn with_registration(mut self, registration: Registration) -> Self {
        self.core.registration = Some(registration);
        self
    }

    /// Lets clients be named by the https URL of their metadata (draft-ietf-oauth-client-id-metadata-document): where no
    /// other client has the name, its document is fetched, which needs an [`HttpClient`] and a [`Runtime`]. Default off.
    ///
    /// # Security
    /// Strangers become clients by publishing a document. `documents` says whose; a consent page must show the host of the
    /// `client_id`, since that is all that is known of them.
    pub fn with_client_id_metadata_documents(mut self, documents: ClientDocuments) -> Self {
        self.client_documents = Some(documents);
        self
    }

    /// Turns on revocation (RFC 7009).
    pub const fn with_revocation(mut self) -> Self {
        self.core.switches.revocation = true;
        self
    }

    /// Turns on the logout endpoint (OpenID Connect RP-Initiated Logout 1.0). The host must answer
    /// [`Interaction::sign_out`](super::Interaction::sign_out), and name its sessions
    /// ([`Authentication::session`](crate::types::Authentication)): of one without a name no grant is revoked.
    pub const fn with_rp_initiated_logout(mut self) -> Self {
        self.core.switches.rp_initiated_logout = true;
        self
    }

    /// Tells the clients of a session that it has ended (OpenID Connect Back-Channel Logout 1.0); it needs an
    /// [`HttpClient`] and a [`Runtime`]. Nobody waits for their answers, which become events. Clients of a session without
    /// a name are not told, and what waits is lost with the process.
    pub const fn with_back_channel_logout(mut self) -> Self {
        self.back_channel_logout = true;
        self
    }

    /// Has the browser load the clients of a session in frames when it ends (OpenID Connect Front-Channel Logout 1.0);
    /// it needs [`with_rp_initiated_logout`](ProviderBuilder::with_rp_initiated_logout), whose page has the frames: up to
    /// 100, of hosts with names that a policy of 3 KiB can hold, and none where the session has no name.
    ///
    /// Browsers that keep cookies from frames of other sites keep a client from knowing whom to sign out; the back
    /// channel has no such gap.
    pub const fn with_front_channel_logout(mut self) -> Self {
        self.core.switches.front_channel_logout = true;
        self
    }

    /// Lets clients watch in the browser whether somebody else, or nobody, is signed in since (OpenID Connect Session
    /// Management 1.0): `session_state` in every authentication response, and a page for their frames. Default off.
    ///
    /// The page sees a cookie, `SameSite=None`, from within sites of others. Browsers that keep such cookies from there
    /// keep it from seeing anything; it then answers `error`. A host that signs people in or out elsewhere than at the
    /// provider's endpoints gives [`login_state_cookie`](Provider::login_state_cookie) with that response.
    pub const fn with_session_management(mut self) -> Self {
        self.core.switches.session_management = true;
        self
    }

    /// Turns on backchannel authentication (OpenID Connect Client-Initiated Backchannel Authentication Core 1.0), for the
    /// delivery mode `poll`, and `ping` where there are an [`HttpClient`] and a [`Runtime`]; `push` is turned on by
    /// [`Backchannel::with_push`]. It needs a `DeferredStore`, a `ReplayStore`, and a [`Limiter`], since people can be asked until
    /// they say yes to have peace: [`WindowLimiter::with_backchannel_people`](crate::limiter::WindowLimiter::with_backchannel_people)
    /// will do in one process. Default off.
    pub fn with_backchannel_authentication(mut self, backchannel: Backchannel) -> Self {
        self.core.backchannel = Some(backchannel);
        self
    }

    /// Turns on device authorization (RFC 8628): an endpoint for devices, the page where people type their codes, and the
    /// grant type. It needs a `DeferredStore`, and a [`Limiter`], since codes that people can type can be guessed. Default
    /// off.
    pub const fn with_device_authorization(mut self) -> Self {
        self.core.switches.device_authorization = true;
        self
    }

    /// Adds a grant of the host's own; discovery then lists it.
    pub fn grant(mut self, handler: Arc<dyn GrantHandler>) -> Self {
        self.handlers.push(handler);
        self
    }

    /// Adds a method of client authentication of the host's own; discovery then lists it.
    pub fn client_authenticator(mut self, authenticator: Arc<dyn ClientAuthenticator>) -> Self {
        self.authenticators.push(authenticator);
        self
    }

    /// Adds a shape of access tokens of the host's own, chosen as
    /// [`AccessTokenFormatChoice::Extension`](crate::client::AccessTokenFormatChoice::Extension) of this
    /// name.
    pub fn access_token_format(
        mut self,
        name: impl Into<Arc<str>>,
        format: Arc<dyn AccessTokenFormat>,
    ) -> Self {
        self.formats.push((name.into(), format));
        self
    }

    /// Verifies client secrets whose hashes another system made. It needs a [`Runtime`].
    pub fn with_imported_hashes(mut self, hashes: Arc<dyn SlowHash>) -> Self {
        self.imported_hashes = Some(hashes);
        self
    }

    /// Adds a rule of the host's own for authorization requests; rules are asked in the order of their adding.
    pub fn rule(mut self, rule: Arc<dyn AuthorizationRule>) -> Self {
        self.core.rules.push(rule);
        self
    }

    /// Adds a type of authorization details (RFC 9396), for the clients that registered it in
    /// `authorization_details_types`; discovery then lists it. Default none: `authorization_details` are refused.
    pub fn with_authorization_details(mut self, details: Arc<dyn AuthorizationDetailsType>) -> Self {
        self.details.push(details);
        self
    }

    /// Serves the metadata of a protected resource on the provider's own host (RFC 9728), such as userinfo or an API
    /// beside it; discovery then lists the resource, and userinfo's challenges lead to the metadata where it is below the
    /// resource. A resource that names no authorization server takes this provider's tokens. Default none.
    pub fn with_resource_metadata(mut self, metadata: ResourceMetadata) -> Self {
        self.resources.push(metadata);
        self
    }

    /// Adds a response mode of the host's own; discovery then lists it.
    pub fn response_encoder(mut self, encoder: Arc<dyn ResponseEncoder>) -> Self {
        self.encoders.push(encoder);
        self
    }

    /// Checks that the parts fit together.
    ///
    /// # Errors
    /// [`BuildError`], naming what does not fit.
    pub fn build(mut self) -> Result<Provider, BuildError> {
        self.apply_profiles()?;
        self.check_bounds()?;
        self.check_needs()?;
        self.guard_stores();
        self.core.switches.jwks_uri = self.jwks_uri;
        if let Some(decrypter) = &self.core.decrypter {
            self.core.hints = self.core.hints.with_decrypter(decrypter.clone());
        }
        self.register_backchannel();
        RegisteredClients::join(&mut self.core);
        self.register_dpop()?;
        self.register_fetching();
        self.register_authenticators()?;
        self.register_formats()?;
        self.register_grants()?;
        for details in std::mem::take(&mut self.details) {
            if !self.core.details.add(Arc::clone(&details)) {
                return Err(BuildError::Twice { name: details.type_name().to_owned() });
            }
        }
        if self.core.switches.jarm {
            let jarm: Vec<_> = jarm_encoders(&self.core).collect();
            self.encoders.splice(..0, jarm);
        }
        for encoder in std::mem::take(&mut self.encoders) {
            if !self.core.encoders.add(Arc::clone(&encoder)) {
                return Err(BuildError::Twice { name: encoder.response_mode().to_owned() });
            }
        }
        if let (Some(http), Some(runtime), true) =
            (&self.http_client, &self.core.runtime, self.back_channel_logout)
        {
            self.core.back_channel = Some(BackChannel::new(Arc::clone(http), Arc::clone(runtime)));
        }
        self.join_client_documents();
        self.register_token_exchange()?;
        for metadata in std::mem::take(&mut self.resources) {
            self.core.resource_documents.add(&self.core.config, metadata)?;
        }
        self.core.routes = Routes::of(&self.core)?;
        Ok(Provider(Arc::new(self.core)))
    }
}

/// How long a request object is good at most, where that is bounded: 60 minutes (FAPI 2.0 Message Signing section 5.3.1).
const LONGEST_REQUEST_OBJECT: Duration = Duration::from_secs(60 * 60);

fn request_objects(config: &Config) -> RequestObjectVerifier {
    let verifier = RequestObjectVerifier::new(config.issuer.as_str())
        .with_algorithms(&config.requirements.inbound_algs())
        .with_leeway(config.clock_skew);
    let verifier = match config.requirements.bounded_request_objects {
        true => verifier.with_longest(LONGEST_REQUEST_OBJECT),
        false => verifier,
    };
    let verifier = match config.request_objects.typ {
        RequestObjectType::Any => verifier,
        RequestObjectType::Explicit => verifier.with_required_type(),
    };
    match config.request_objects.audience {
        RequestObjectAudience::Required => verifier,
        RequestObjectAudience::Optional => verifier.with_optional_audience(),
    }
}
