//! Putting a provider together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Provider;
use super::authorize::{AuthorizationRule, Encoders, ResponseEncoder};
use super::client_auth::{
    ClientAuthenticator, ClientSecretBasic, ClientSecretPost, PrivateKeyJwt, Public, SlowHashes,
};
use super::config::{CodeChallengeReuse, Config};
use super::core::{Core, Switches};
use super::discovery::Documents;
use super::format::{AccessTokenFormat, Formats};
use super::grant::{AuthorizationCodeGrant, ClientCredentialsGrant, GrantHandler, RefreshTokenGrant};
use super::hooks::{ClaimsHook, ErrorPage, PlainErrorPage};
use super::logout::BackChannel;
use super::register::{RegisteredClients, Registration};
use super::request_object_rules::{RequestObjectAudience, RequestObjectType};
use super::route::Routes;
use crate::accounts::Accounts;
use crate::client::remote_request_objects::RemoteRequestObjects;
use crate::client::{AccessTokenFormatChoice, RemoteKeys, SlowHash, is_access_token_lifetime};
use crate::clock::{Clock, SystemClock};
use crate::entropy::{Entropy, OsEntropy};
use crate::event::{EventSink, Silent};
use crate::jose::{IdTokenHintVerifier, Keyring, RequestObjectVerifier};
use crate::limiter::Limiter;
use crate::policy::{CarefulPolicy, Policy};
use crate::runtime::Runtime;
use crate::secret::SystemSecrets;
use crate::store::Stores;
use crate::types::ResponseType;
use crate::wire::HttpClient;

/// The shortest life of a grant, and of a refresh token that is not used.
const SHORTEST_GRANT: Duration = Duration::from_secs(60 * 60);

/// Why the parts of a provider do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A value is outside its bounds.
    #[error("the configuration's {setting} must be {bounds}")]
    Bounds {
        /// The setting.
        setting: &'static str,
        /// What it must be.
        bounds: &'static str,
    },
    /// Two handlers, authenticators or encoders answer to one name.
    #[error("{name} is registered twice")]
    Twice {
        /// The name.
        name: String,
    },
    /// A path cannot be an endpoint's.
    #[error("the path {path} must begin with a slash, be of letters, digits and -._~/, and end in no slash")]
    Path {
        /// The path.
        path: String,
    },
    /// Something that was turned on needs something that is not there.
    #[error("{feature} needs {port}")]
    Needs {
        /// What was turned on.
        feature: &'static str,
        /// What it needs.
        port: &'static str,
    },
}

/// Puts a provider together: required parts came first, each `with_…` turns one thing on, [`build`] checks the rest.
///
/// [`build`]: ProviderBuilder::build
#[derive(Debug)]
#[must_use]
pub struct ProviderBuilder {
    core: Core,
    handlers: Vec<Arc<dyn GrantHandler>>,
    authenticators: Vec<Arc<dyn ClientAuthenticator>>,
    encoders: Vec<Arc<dyn ResponseEncoder>>,
    formats: Vec<(Arc<str>, Arc<dyn AccessTokenFormat>)>,
    imported_hashes: Option<Arc<dyn SlowHash>>,
    refresh_token: bool,
    client_credentials: bool,
    private_key_jwt: bool,
    http_client: Option<Arc<dyn HttpClient>>,
    jwks_uri: bool,
    request_uri_parameter: bool,
    back_channel_logout: bool,
}

impl ProviderBuilder {
    pub(super) fn new(config: Config, stores: Stores, keyring: Keyring, secrets: SystemSecrets) -> Self {
        let formats = Formats::new(&config, &keyring);
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
            formats,
            grants: BTreeMap::new(),
            authenticators: Vec::new(),
            rules: Vec::new(),
            response_types: Vec::new(),
            encoders: Encoders::default(),
            hints,
            registration: None,
            remote_keys: None,
            request_objects,
            request_uris: None,
            routes: Routes::default(),
            documents: Documents::default(),
            switches: Switches::default(),
            back_channel: None,
        };
        Self {
            core,
            handlers: Vec::new(),
            authenticators: Vec::new(),
            encoders: Vec::new(),
            formats: Vec::new(),
            imported_hashes: None,
            refresh_token: false,
            client_credentials: false,
            private_key_jwt: false,
            http_client: None,
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

    /// The async runtime. Imported slow hashes of client secrets need one, and whatever is fetched from clients.
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

    /// Turns on introspection (RFC 7662); it needs a default audience.
    pub const fn with_introspection(mut self) -> Self {
        self.core.switches.introspection = true;
        self
    }

    /// Turns on dynamic registration (RFC 7591) and the management of what registered (RFC 7592); it needs a
    /// `ClientRegistry`, and a `TicketStore` unless it is open. Default: nobody registers. Clients that registered are
    /// clients for as long as the stores have their registry, also once this is turned off again.
    pub fn with_registration(mut self, registration: Registration) -> Self {
        self.core.registration = Some(registration);
        self
    }

    /// Turns on revocation (RFC 7009).
    pub const fn with_revocation(mut self) -> Self {
        self.core.switches.revocation = true;
        self
    }

    /// Turns on the logout endpoint (OpenID Connect RP-Initiated Logout 1.0). The host must answer
    /// [`Interaction::end_session`](super::Interaction::end_session).
    pub const fn with_rp_initiated_logout(mut self) -> Self {
        self.core.switches.rp_initiated_logout = true;
        self
    }

    /// Tells the clients of a session that it has ended (OpenID Connect Back-Channel Logout 1.0); it needs an
    /// [`HttpClient`] and a [`Runtime`]. Nobody waits for their answers, which become events.
    pub const fn with_back_channel_logout(mut self) -> Self {
        self.back_channel_logout = true;
        self
    }

    /// Has the browser load the clients of a session in frames when it ends (OpenID Connect Front-Channel Logout 1.0);
    /// it needs [`with_rp_initiated_logout`](ProviderBuilder::with_rp_initiated_logout), whose page has the frames.
    ///
    /// Browsers that keep cookies from frames of other sites keep a client from knowing whom to sign out; the back
    /// channel has no such gap.
    pub const fn with_front_channel_logout(mut self) -> Self {
        self.core.switches.front_channel_logout = true;
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
    /// [`AccessTokenFormatChoice::Extension`] of this name.
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
        self.check_bounds()?;
        self.check_needs()?;
        self.core.switches.jwks_uri = self.jwks_uri;
        RegisteredClients::join(&mut self.core);
        self.register_fetching();
        self.register_authenticators()?;
        self.register_grants()?;
        for (name, format) in std::mem::take(&mut self.formats) {
            if !self.core.formats.add(Arc::clone(&name), format) {
                return Err(BuildError::Twice { name: name.as_ref().to_owned() });
            }
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
        self.core.routes = Routes::of(&self.core)?;
        Ok(Provider(Arc::new(self.core)))
    }

    fn register_fetching(&mut self) {
        let (Some(http), Some(runtime)) = (&self.http_client, &self.core.runtime) else { return };
        if self.jwks_uri {
            self.core.remote_keys = Some(Arc::new(RemoteKeys::new(Arc::clone(http), Arc::clone(runtime))));
        }
        if self.request_uri_parameter {
            self.core.request_uris = Some(RemoteRequestObjects::new(http, runtime));
        }
    }

    fn register_authenticators(&mut self) -> Result<(), BuildError> {
        let at_once = usize::from(self.core.config.slow_hashes_at_once);
        let slow = match (self.imported_hashes.take(), &self.core.runtime) {
            (Some(hashes), Some(runtime)) => {
                Some(Arc::new(SlowHashes::new(hashes, Arc::clone(runtime), at_once)))
            }
            _ => None,
        };
        let mut all: Vec<Arc<dyn ClientAuthenticator>> = vec![
            Arc::new(ClientSecretBasic(slow.clone())),
            Arc::new(ClientSecretPost(slow)),
            Arc::new(Public),
        ];
        if let Some(replays) = self.core.stores.replays.as_ref().filter(|_| self.private_key_jwt) {
            let remote = self.core.remote_keys.clone();
            all.push(Arc::new(PrivateKeyJwt::new(&self.core.config, Arc::clone(replays), remote)));
        }
        for authenticator in all.into_iter().chain(std::mem::take(&mut self.authenticators)) {
            let method = authenticator.method();
            if self.core.authenticators.iter().any(|known| known.method() == method) {
                return Err(BuildError::Twice { name: method.into() });
            }
            self.core.authenticators.push(authenticator);
        }
        Ok(())
    }

    fn register_grants(&mut self) -> Result<(), BuildError> {
        let mut all: Vec<Arc<dyn GrantHandler>> = Vec::new();
        let (stores, policy) = (&self.core.stores, &self.core.policy);
        if let Some(accounts) = &self.core.accounts {
            if self.core.response_types.contains(&ResponseType::Code) {
                let (codes, tokens) = (Arc::clone(&stores.codes), Arc::clone(&stores.tokens));
                all.push(Arc::new(AuthorizationCodeGrant::new(codes, tokens, Arc::clone(accounts))));
            }
            if self.refresh_token {
                let (tokens, policy) = (Arc::clone(&stores.tokens), Arc::clone(policy));
                all.push(Arc::new(RefreshTokenGrant::new(tokens, Arc::clone(accounts), policy)));
            }
        }
        if self.client_credentials {
            all.push(Arc::new(ClientCredentialsGrant::new(Arc::clone(policy))));
        }
        for handler in all.into_iter().chain(std::mem::take(&mut self.handlers)) {
            let grant_type = handler.grant_type();
            if self.core.grants.insert(grant_type.clone(), handler).is_some() {
                return Err(BuildError::Twice { name: grant_type.into() });
            }
        }
        Ok(())
    }

    fn check_bounds(&self) -> Result<(), BuildError> {
        let config = &self.core.config;
        let rows: [(&'static str, Duration, (u64, u64), &'static str); 8] = [
            ("code_lifetime", config.code_lifetime, (10, 600), "10 to 600 seconds"),
            ("opaque_lifetime", config.opaque_lifetime, (60, 86_400), "1 minute to 24 hours"),
            ("jwt_lifetime", config.jwt_lifetime, (60, 86_400), "1 minute to 24 hours"),
            ("id_token_lifetime", config.id_token_lifetime, (60, 86_400), "1 minute to 24 hours"),
            ("rotation_grace", config.rotation_grace, (0, 60), "0 to 60 seconds"),
            ("pending_lifetime", config.pending_lifetime, (300, 7200), "5 minutes to 2 hours"),
            ("clock_skew", config.clock_skew, (0, 60), "0 to 60 seconds"),
            ("assertion_lifetime", config.assertion_lifetime, (10, 600), "10 to 600 seconds"),
        ];
        for (setting, value, (low, high), bounds) in rows {
            if value < Duration::from_secs(low) || value > Duration::from_secs(high) {
                return Err(BuildError::Bounds { setting, bounds });
            }
        }
        let lasting = [
            ("refresh_idle", config.refresh_idle),
            ("public_grant_lifetime", config.public_grant_lifetime),
            ("confidential_grant_lifetime", config.confidential_grant_lifetime),
        ];
        for (setting, value) in lasting {
            if value < SHORTEST_GRANT {
                return Err(BuildError::Bounds { setting, bounds: "1 hour or more" });
            }
        }
        for settings in config.resources.values() {
            if settings.access_token_lifetime.is_some_and(|lifetime| !is_access_token_lifetime(lifetime)) {
                return Err(BuildError::Bounds {
                    setting: "resource access_token_lifetime",
                    bounds: "1 minute to 24 hours",
                });
            }
        }
        if !config.prefixes.are_distinct() {
            return Err(BuildError::Bounds {
                setting: "prefixes",
                bounds: "1 to 32 of letters, digits, '_', '-', '.' and '~', none the beginning of another or of a jwt",
            });
        }
        if !(1..=256).contains(&config.slow_hashes_at_once) {
            return Err(BuildError::Bounds { setting: "slow_hashes_at_once", bounds: "1 to 256" });
        }
        Ok(())
    }

    fn check_needs(&self) -> Result<(), BuildError> {
        let core = &self.core;
        let needs = |feature, port| Err(BuildError::Needs { feature, port });
        let code = core.response_types.contains(&ResponseType::Code);
        if core.signs_in() && core.accounts.is_none() {
            return needs(if code { "authorization_code" } else { "the authorization endpoint" }, "Accounts");
        }
        if !code && core.response_types.iter().any(|known| known.has_code()) {
            return needs("a response type with a code", "with_authorization_code");
        }
        if core.switches.rp_initiated_logout && !core.signs_in() {
            return needs("rp_initiated_logout", "the authorization endpoint");
        }
        if self.refresh_token && core.accounts.is_none() {
            return needs("refresh_token", "Accounts");
        }
        if self.private_key_jwt && core.stores.replays.is_none() {
            return needs("private_key_jwt", "ReplayStore");
        }
        let remembers = core.config.code_challenge_reuse != CodeChallengeReuse::Ignored;
        if remembers && core.stores.replays.is_none() {
            return needs("code_challenge_reuse", "ReplayStore");
        }
        if let Some(registration) = &core.registration {
            if core.stores.registry.is_none() {
                return needs("registration", "ClientRegistry");
            }
            if registration.needs_token() && core.stores.tickets.is_none() {
                return needs("registration by initial access token", "TicketStore");
            }
        }
        if core.switches.front_channel_logout && !core.switches.rp_initiated_logout {
            return needs("front_channel_logout", "with_rp_initiated_logout");
        }
        self.check_outgoing()?;
        if self.imported_hashes.is_some() && core.runtime.is_none() {
            return needs("imported_hashes", "Runtime");
        }
        if core.config.access_token_signing_alg.is_some_and(|alg| core.keyring.signer(alg).is_none()) {
            return needs("access_token_signing_alg", "an active key for it");
        }
        let without_audience = core.config.default_audience.is_empty();
        if core.switches.introspection && without_audience {
            return needs("introspection", "Config::default_audience");
        }
        let jwt = [AccessTokenFormatChoice::Jwt, AccessTokenFormatChoice::JwtStateless];
        if jwt.contains(&core.config.access_token_format) && without_audience {
            return needs("jwt access tokens", "Config::default_audience");
        }
        Ok(())
    }

    /// What is sent out, or fetched, needs somebody who does it.
    fn check_outgoing(&self) -> Result<(), BuildError> {
        for (on, feature) in [
            (self.back_channel_logout, "back_channel_logout"),
            (self.jwks_uri, "jwks_uri"),
            (self.request_uri_parameter, "request_uri"),
        ] {
            if on && self.http_client.is_none() {
                return Err(BuildError::Needs { feature, port: "HttpClient" });
            }
            if on && self.core.runtime.is_none() {
                return Err(BuildError::Needs { feature, port: "Runtime" });
            }
        }
        Ok(())
    }
}

fn request_objects(config: &Config) -> RequestObjectVerifier {
    let verifier = RequestObjectVerifier::new(config.issuer.as_str()).with_leeway(config.clock_skew);
    let verifier = match config.request_objects.typ {
        RequestObjectType::Any => verifier,
        RequestObjectType::Explicit => verifier.with_required_type(),
    };
    match config.request_objects.audience {
        RequestObjectAudience::Required => verifier,
        RequestObjectAudience::Optional => verifier.with_optional_audience(),
    }
}
