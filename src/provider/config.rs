//! How a provider is configured: plain data, careful defaults.

use std::collections::BTreeMap;
use std::time::Duration;

use super::lifetimes::Lifetimes;
use super::logout::OfflineAccess;
use super::request_object_rules::RequestObjectRules;
use super::requirements::Requirements;
use super::resources::ResourceSettings;
use crate::client::AccessTokenFormatChoice;
use crate::jose::SigningAlg;
use crate::store::StoreLimits;
use crate::types::{GrantType, Issuer, LanguageTag, Scope};

/// Seconds in a day.
const DAY: u64 = 24 * 60 * 60;

/// The paths of the endpoints, below the issuer's path.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndpointPaths {
    /// Default `/authorize`.
    pub authorization: String,
    /// Default `/check-session`.
    pub check_session: String,
    /// Where clients ask for people who are not in their browser (CIBA). Default `/backchannel`.
    pub backchannel_authentication: String,
    /// Where devices ask for a code (RFC 8628 section 3.1). Default `/device`.
    pub device_authorization: String,
    /// Where people type it (`verification_uri`). Default `/device/verify`.
    pub device_verification: String,
    /// Default `/logout`.
    pub end_session: String,
    /// Default `/introspect`.
    pub introspection: String,
    /// Default `/jwks`.
    pub jwks: String,
    /// Default `/par`.
    pub pushed_authorization: String,
    /// Default `/register`.
    pub registration: String,
    /// Default `/revoke`.
    pub revocation: String,
    /// Default `/token`.
    pub token: String,
    /// Default `/userinfo`.
    pub userinfo: String,
}

impl Default for EndpointPaths {
    fn default() -> Self {
        Self {
            authorization: "/authorize".to_owned(),
            check_session: "/check-session".to_owned(),
            backchannel_authentication: "/backchannel".to_owned(),
            device_authorization: "/device".to_owned(),
            device_verification: "/device/verify".to_owned(),
            end_session: "/logout".to_owned(),
            introspection: "/introspect".to_owned(),
            jwks: "/jwks".to_owned(),
            pushed_authorization: "/par".to_owned(),
            registration: "/register".to_owned(),
            revocation: "/revoke".to_owned(),
            token: "/token".to_owned(),
            userinfo: "/userinfo".to_owned(),
        }
    }
}

/// How the provider's opaque credentials begin, so that scanners and people can tell them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenPrefixes {
    /// Of access tokens. Default `vs_at_`.
    pub access_token: String,
    /// Of authorization codes. Default `vs_ac_`.
    pub authorization_code: String,
    /// Of `auth_req_id` values. Default `vs_ar_`.
    pub auth_req_id: String,
    /// Of device codes. Default `vs_dc_`.
    pub device_code: String,
    /// Of initial access tokens, which let clients register. Default `vs_ia_`.
    pub initial_access_token: String,
    /// Of refresh tokens. Default `vs_rt_`.
    pub refresh_token: String,
    /// Of registration access tokens, which let clients manage what they registered. Default `vs_ra_`.
    pub registration_access_token: String,
}

impl Default for TokenPrefixes {
    fn default() -> Self {
        Self {
            access_token: "vs_at_".to_owned(),
            authorization_code: "vs_ac_".to_owned(),
            auth_req_id: "vs_ar_".to_owned(),
            device_code: "vs_dc_".to_owned(),
            initial_access_token: "vs_ia_".to_owned(),
            refresh_token: "vs_rt_".to_owned(),
            registration_access_token: "vs_ra_".to_owned(),
        }
    }
}

impl TokenPrefixes {
    /// Whether a credential tells by its beginning alone which kind it is.
    pub(super) fn are_distinct(&self) -> bool {
        let all = [
            &self.access_token,
            &self.authorization_code,
            &self.auth_req_id,
            &self.device_code,
            &self.initial_access_token,
            &self.refresh_token,
            &self.registration_access_token,
        ];
        let sound = |prefix: &String| {
            let plain = prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.~".contains(&byte));
            plain && (1..=32).contains(&prefix.len()) && !prefix.starts_with("eyJ")
        };
        let distinct =
            |prefix: &&String| all.iter().filter(|other| other.starts_with(prefix.as_str())).count() == 1;
        all.into_iter().all(sound) && all.iter().all(distinct)
    }
}

/// What happens to a grant whose code comes back a second time (RFC 6749 section 4.1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodeReuse {
    /// The second redemption is refused and the grant revoked. The default.
    #[default]
    RevokeGrant,
    /// The second redemption is refused; the tokens of the first stay.
    DenyOnly,
}

/// What happens when a client's `code_challenge` comes back in another authorization request (RFC 9700 section 2.1.1).
///
/// Allowed by RFC 7636, it is the sign of a client whose verifier is a constant. Unless it is ignored, the
/// [`ReplayStore`](crate::store::ReplayStore) remembers the challenges of approved requests for 24 hours, each for its
/// client, which costs an approval two statements. A request that is approved again does not count as another, unless
/// both approvals run at the same moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodeChallengeReuse {
    /// Nothing is remembered. The default.
    #[default]
    Ignored,
    /// The event [`PkceChallengeReused`](crate::event::EventKind::PkceChallengeReused) tells of it.
    Reported,
    /// The approval is refused, and the client told `invalid_request`; nothing is issued.
    Refused,
}

/// The configuration of a provider. [`Config::new`] gives careful defaults; `build()` checks the bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The issuer.
    pub issuer: Issuer,
    /// The endpoints' paths below the issuer's path.
    pub paths: EndpointPaths,
    /// How opaque credentials begin.
    pub prefixes: TokenPrefixes,
    /// How long a code lives: 10 to 600 s, default 60 s.
    pub code_lifetime: Duration,
    /// What a second redemption of a code does. Default: the grant is revoked.
    pub code_reuse: CodeReuse,
    /// What happens when a `code_challenge` comes back. Default: nothing; else `build()` demands a `ReplayStore`.
    pub code_challenge_reuse: CodeChallengeReuse,
    /// The shape of access tokens where neither resource nor client has one. Default opaque.
    pub access_token_format: AccessTokenFormatChoice,
    /// The algorithm that signs access tokens; that of the first active key where `None`, the default.
    pub access_token_signing_alg: Option<SigningAlg>,
    /// How long an opaque access token lives: 1 minute to 24 hours, default 60 minutes.
    pub opaque_lifetime: Duration,
    /// How long a JWT access token lives: 1 minute to 24 hours, default 10 minutes.
    pub jwt_lifetime: Duration,
    /// How long an ID token lives: 1 minute to 24 hours, default 60 minutes.
    pub id_token_lifetime: Duration,
    /// How long a refresh token may stay unused: 1 hour or more, default 14 days.
    pub refresh_idle: Duration,
    /// How long a grant of a public client lasts: 1 hour or more, default 90 days.
    pub public_grant_lifetime: Duration,
    /// How long a grant of a confidential client lasts: 1 hour or more, default 365 days.
    pub confidential_grant_lifetime: Duration,
    /// What lasts otherwise for grants that came about by one grant type, unless the client's settings have a word of their
    /// own. At a refresh those of `refresh_token` come before those of the type by which the grant came about, but for
    /// the grant itself. Default none.
    pub grant_type_lifetimes: BTreeMap<GrantType, Lifetimes>,
    /// How long a rotated refresh token of a public client is still answered: 0 to 60 s, default 30 s.
    pub rotation_grace: Duration,
    /// How long a pending authorization request lives: 5 minutes to 2 hours, default 30 minutes.
    pub pending_lifetime: Duration,
    /// How long a browser may come with the reference of a pushed request: 5 to 600 s, default 60 s.
    pub pushed_request_lifetime: Duration,
    /// How long a device waits for its person: 1 to 30 minutes. Default 10 minutes.
    pub device_code_lifetime: Duration,
    /// How long a client that waits for a person leaves between two requests at first: 1 to 60 seconds. Default 5 seconds.
    pub poll_interval: Duration,
    /// How long remembered consent counts: zero is not at all, `None` is without limit. Default 365 days.
    pub consent_lifetime: Option<Duration>,
    /// How long a client that registered itself is used before it is read again: 0 to 300 s, default 10 s; zero reads it at
    /// every request. What this node writes counts here at once; what others write, so that a client is shut out perhaps,
    /// counts when this has passed.
    pub registered_client_age: Duration,
    /// What becomes of grants with `offline_access` at a logout. Default: they are kept.
    pub offline_access_at_logout: OfflineAccess,
    /// Whether clients that described themselves are told at once what is wrong with a request, before anybody has signed
    /// in. Default: a page asks the person.
    pub dangerous_redirected_errors: bool,
    /// How far a peer's clock may be off: 0 to 60 s, default 10 s.
    pub clock_skew: Duration,
    /// The longest life of a client assertion: 10 to 600 s, default 300 s.
    pub assertion_lifetime: Duration,
    /// What request objects must be, where they are turned on.
    pub request_objects: RequestObjectRules,
    /// What is demanded of every client. Default: nothing beyond what clients are registered with.
    pub requirements: Requirements,
    /// How many imported slow hashes are computed at once: 1 to 256, default 4. Beyond that clients get 503.
    pub slow_hashes_at_once: u16,
    /// How long the store calls of one request may take, and how many may be under way, where there is a
    /// [`Runtime`](crate::runtime::Runtime) that can tell. Beyond that clients get 503. Default 3 s and 256.
    pub store_limits: StoreLimits,
    /// The audience of access tokens without `resource`; `build()` demands it with JWTs or introspection.
    pub default_audience: Vec<String>,
    /// The resources that have settings of their own, by their URI.
    pub resources: BTreeMap<String, ResourceSettings>,
    /// The scopes that discovery lists. Default `openid profile email address phone offline_access`.
    pub scopes_supported: Scope,
    /// The acr values that discovery lists. Default none.
    pub acr_values_supported: Vec<String>,
    /// The claims that discovery lists beyond those of the standard scopes. Default none.
    pub claims_supported: Vec<String>,
    /// The languages of the claims of the host's people, which discovery lists. Default none.
    pub claims_locales_supported: Vec<LanguageTag>,
    /// The languages of the host's pages, which discovery lists. Default none.
    pub ui_locales_supported: Vec<LanguageTag>,
    /// Where developers read about this provider. Default none.
    pub service_documentation: Option<String>,
}

impl Config {
    /// The careful defaults for an issuer.
    #[must_use]
    pub fn new(issuer: Issuer) -> Self {
        Self {
            issuer,
            paths: EndpointPaths::default(),
            prefixes: TokenPrefixes::default(),
            code_lifetime: Duration::from_secs(60),
            code_reuse: CodeReuse::default(),
            code_challenge_reuse: CodeChallengeReuse::default(),
            access_token_format: AccessTokenFormatChoice::Opaque,
            access_token_signing_alg: None,
            opaque_lifetime: Duration::from_secs(60 * 60),
            jwt_lifetime: Duration::from_secs(10 * 60),
            id_token_lifetime: Duration::from_secs(60 * 60),
            refresh_idle: Duration::from_secs(14 * DAY),
            public_grant_lifetime: Duration::from_secs(90 * DAY),
            confidential_grant_lifetime: Duration::from_secs(365 * DAY),
            grant_type_lifetimes: BTreeMap::new(),
            rotation_grace: Duration::from_secs(30),
            pending_lifetime: Duration::from_secs(30 * 60),
            pushed_request_lifetime: Duration::from_secs(60),
            device_code_lifetime: Duration::from_secs(10 * 60),
            poll_interval: Duration::from_secs(5),
            consent_lifetime: Some(Duration::from_secs(365 * DAY)),
            registered_client_age: Duration::from_secs(10),
            offline_access_at_logout: OfflineAccess::default(),
            dangerous_redirected_errors: false,
            clock_skew: Duration::from_secs(10),
            assertion_lifetime: Duration::from_secs(300),
            request_objects: RequestObjectRules::default(),
            requirements: Requirements::default(),
            slow_hashes_at_once: 4,
            store_limits: StoreLimits::default(),
            default_audience: Vec::new(),
            resources: BTreeMap::new(),
            scopes_supported: Scope::parse("openid profile email address phone offline_access")
                .unwrap_or_default(),
            acr_values_supported: Vec::new(),
            claims_supported: Vec::new(),
            claims_locales_supported: Vec::new(),
            ui_locales_supported: Vec::new(),
            service_documentation: None,
        }
    }

    /// The endpoints' paths.
    #[must_use]
    pub fn with_paths(mut self, paths: EndpointPaths) -> Self {
        self.paths = paths;
        self
    }

    /// How opaque credentials begin.
    #[must_use]
    pub fn with_prefixes(mut self, prefixes: TokenPrefixes) -> Self {
        self.prefixes = prefixes;
        self
    }

    /// The shape of access tokens where neither resource nor client has one.
    #[must_use]
    pub fn with_access_token_format(mut self, format: AccessTokenFormatChoice) -> Self {
        self.access_token_format = format;
        self
    }

    /// What request objects must be.
    #[must_use]
    pub const fn with_request_objects(mut self, rules: RequestObjectRules) -> Self {
        self.request_objects = rules;
        self
    }

    /// What is demanded of every client.
    #[must_use]
    pub fn with_requirements(mut self, requirements: Requirements) -> Self {
        self.requirements = requirements;
        self
    }

    /// The audience of access tokens without `resource`.
    #[must_use]
    pub fn with_default_audience<T: Into<String>>(mut self, audience: impl IntoIterator<Item = T>) -> Self {
        self.default_audience = audience.into_iter().map(Into::into).collect();
        self
    }

    /// What differs for tokens for `resource`.
    #[must_use]
    pub fn with_resource(mut self, resource: impl Into<String>, settings: ResourceSettings) -> Self {
        self.resources.insert(resource.into(), settings);
        self
    }

    /// How long a code lives: 10 to 600 s.
    #[must_use]
    pub const fn with_code_lifetime(mut self, code_lifetime: Duration) -> Self {
        self.code_lifetime = code_lifetime;
        self
    }

    /// What a second redemption of a code does.
    #[must_use]
    pub const fn with_code_reuse(mut self, code_reuse: CodeReuse) -> Self {
        self.code_reuse = code_reuse;
        self
    }

    /// What happens when a `code_challenge` comes back; unless that is ignored, it needs a `ReplayStore`.
    #[must_use]
    pub const fn with_code_challenge_reuse(mut self, code_challenge_reuse: CodeChallengeReuse) -> Self {
        self.code_challenge_reuse = code_challenge_reuse;
        self
    }

    /// How long an opaque access token lives: 1 minute to 24 hours.
    #[must_use]
    pub const fn with_opaque_lifetime(mut self, opaque_lifetime: Duration) -> Self {
        self.opaque_lifetime = opaque_lifetime;
        self
    }

    /// How long a JWT access token lives: 1 minute to 24 hours.
    #[must_use]
    pub const fn with_jwt_lifetime(mut self, jwt_lifetime: Duration) -> Self {
        self.jwt_lifetime = jwt_lifetime;
        self
    }

    /// How long an ID token lives: 1 minute to 24 hours.
    #[must_use]
    pub const fn with_id_token_lifetime(mut self, id_token_lifetime: Duration) -> Self {
        self.id_token_lifetime = id_token_lifetime;
        self
    }

    /// How long a refresh token may stay unused: 1 hour or more.
    #[must_use]
    pub const fn with_refresh_idle(mut self, refresh_idle: Duration) -> Self {
        self.refresh_idle = refresh_idle;
        self
    }

    /// How long a grant of a public client lasts: 1 hour or more.
    #[must_use]
    pub const fn with_public_grant_lifetime(mut self, public_grant_lifetime: Duration) -> Self {
        self.public_grant_lifetime = public_grant_lifetime;
        self
    }

    /// How long a grant of a confidential client lasts: 1 hour or more.
    #[must_use]
    pub const fn with_confidential_grant_lifetime(mut self, confidential_grant_lifetime: Duration) -> Self {
        self.confidential_grant_lifetime = confidential_grant_lifetime;
        self
    }

    /// What lasts otherwise for grants that came about by `grant_type`.
    #[must_use]
    pub fn with_grant_type_lifetimes(mut self, grant_type: GrantType, lifetimes: Lifetimes) -> Self {
        self.grant_type_lifetimes.insert(grant_type, lifetimes);
        self
    }

    /// How long a rotated refresh token of a public client is still answered: 0 to 60 s.
    #[must_use]
    pub const fn with_rotation_grace(mut self, rotation_grace: Duration) -> Self {
        self.rotation_grace = rotation_grace;
        self
    }

    /// How long a pending authorization request lives: 5 minutes to 2 hours.
    #[must_use]
    pub const fn with_pending_lifetime(mut self, pending_lifetime: Duration) -> Self {
        self.pending_lifetime = pending_lifetime;
        self
    }

    /// Tells clients that described themselves at once what is wrong with a request, as those of the host's own registry
    /// are told. Default: a page of the provider names the place and has a link to it, unless somebody has signed in.
    ///
    /// # Security
    /// For tests and closed networks: anybody who can register then has links of the provider's that lead people
    /// wherever they like (RFC 9700 section 4.11.2).
    #[must_use]
    pub const fn dangerous_with_redirected_errors(mut self) -> Self {
        self.dangerous_redirected_errors = true;
        self
    }

    /// What becomes of grants with `offline_access` at a logout.
    #[must_use]
    pub const fn with_offline_access_at_logout(mut self, offline_access: OfflineAccess) -> Self {
        self.offline_access_at_logout = offline_access;
        self
    }

    /// How long remembered consent counts: zero is not at all, `None` is without limit.
    #[must_use]
    pub const fn with_consent_lifetime(mut self, consent_lifetime: Option<Duration>) -> Self {
        self.consent_lifetime = consent_lifetime;
        self
    }

    /// How long a client that registered itself is used before it is read again: 0 to 300 s.
    #[must_use]
    pub const fn with_registered_client_age(mut self, registered_client_age: Duration) -> Self {
        self.registered_client_age = registered_client_age;
        self
    }

    /// How far a peer's clock may be off: 0 to 60 s.
    #[must_use]
    pub const fn with_clock_skew(mut self, clock_skew: Duration) -> Self {
        self.clock_skew = clock_skew;
        self
    }

    /// How long a browser may come with the reference of a pushed request: 5 to 600 s.
    #[must_use]
    pub const fn with_pushed_request_lifetime(mut self, pushed_request_lifetime: Duration) -> Self {
        self.pushed_request_lifetime = pushed_request_lifetime;
        self
    }

    /// Sets [`Config::device_code_lifetime`].
    #[must_use]
    pub const fn with_device_code_lifetime(mut self, device_code_lifetime: Duration) -> Self {
        self.device_code_lifetime = device_code_lifetime;
        self
    }

    /// Sets [`Config::poll_interval`].
    #[must_use]
    pub const fn with_poll_interval(mut self, poll_interval: Duration) -> Self {
        self.poll_interval = poll_interval;
        self
    }

    /// The longest life of a client assertion: 10 to 600 s.
    #[must_use]
    pub const fn with_assertion_lifetime(mut self, assertion_lifetime: Duration) -> Self {
        self.assertion_lifetime = assertion_lifetime;
        self
    }

    /// How long the store calls of one request may take, and how many may be under way.
    #[must_use]
    pub const fn with_store_limits(mut self, store_limits: StoreLimits) -> Self {
        self.store_limits = store_limits;
        self
    }

    /// The acr values that discovery lists.
    #[must_use]
    pub fn with_acr_values_supported<T: Into<String>>(mut self, values: impl IntoIterator<Item = T>) -> Self {
        self.acr_values_supported = values.into_iter().map(Into::into).collect();
        self
    }

    /// The claims that discovery lists beyond those of the standard scopes.
    #[must_use]
    pub fn with_claims_supported<T: Into<String>>(mut self, values: impl IntoIterator<Item = T>) -> Self {
        self.claims_supported = values.into_iter().map(Into::into).collect();
        self
    }

    /// The languages of the claims of the host's people, which discovery lists.
    #[must_use]
    pub fn with_claims_locales_supported(mut self, tags: impl IntoIterator<Item = LanguageTag>) -> Self {
        self.claims_locales_supported = tags.into_iter().collect();
        self
    }

    /// The languages of the host's pages, which discovery lists.
    #[must_use]
    pub fn with_ui_locales_supported(mut self, tags: impl IntoIterator<Item = LanguageTag>) -> Self {
        self.ui_locales_supported = tags.into_iter().collect();
        self
    }

    /// The scopes that discovery lists.
    #[must_use]
    pub fn with_scopes_supported(mut self, scopes: Scope) -> Self {
        self.scopes_supported = scopes;
        self
    }
}
