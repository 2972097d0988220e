//! What a client registers, in the names of RFC 7591 section 2.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use url::Url;

use super::localized::MAX_LOCALIZED;
use super::{IdTokenAlg, InvalidClient, Localized, MAX_REDIRECT_URIS, SubjectType};
use crate::jose::{JwkSet, SigningAlg, UnknownAlg};
use crate::types::{FetchUrl, GrantType, RedirectUri, RequestUri, ResponseType, Scope};

/// Most bytes in the address of a page of the client's.
const MAX_PAGE_BYTES: usize = 2048;

/// Most addresses of request objects.
const MAX_REQUEST_URIS: usize = 50;

/// How a client authenticates at the endpoints that it calls itself (`token_endpoint_auth_method`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum ClientAuthMethod {
    /// The secret in an `Authorization: Basic` header (RFC 6749 section 2.3.1); the default of RFC 7591.
    #[default]
    ClientSecretBasic,
    /// The secret in the body (RFC 6749 section 2.3.1).
    ClientSecretPost,
    /// None: a public client.
    None,
    /// A signed assertion (RFC 7523 section 2.2, OpenID Connect Core section 9).
    PrivateKeyJwt,
    /// The method of a host, by its own name; a provider without its authenticator refuses it.
    Extension(Arc<str>),
}

impl ClientAuthMethod {
    /// The method in the words of RFC 7591.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::None => "none",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::Extension(name) => name,
        }
    }

    /// Whether it rests on a secret that client and provider share.
    #[must_use]
    pub const fn uses_secret(&self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretPost)
    }
}

impl From<&str> for ClientAuthMethod {
    fn from(name: &str) -> Self {
        match name {
            "client_secret_basic" => Self::ClientSecretBasic,
            "client_secret_post" => Self::ClientSecretPost,
            "none" => Self::None,
            "private_key_jwt" => Self::PrivateKeyJwt,
            other => Self::Extension(other.into()),
        }
    }
}

impl From<String> for ClientAuthMethod {
    fn from(name: String) -> Self {
        Self::from(name.as_str())
    }
}

impl From<ClientAuthMethod> for String {
    fn from(method: ClientAuthMethod) -> Self {
        method.as_str().to_owned()
    }
}

/// How a client signs its request objects (`request_object_signing_alg`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum RequestObjectAlg {
    /// Not at all (`none`); a provider refuses that unless it was told otherwise, dangerously.
    None,
    /// By this algorithm.
    Signed(SigningAlg),
}

impl RequestObjectAlg {
    /// The name in `alg`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Signed(alg) => alg.as_str(),
        }
    }
}

impl TryFrom<String> for RequestObjectAlg {
    type Error = UnknownAlg;

    fn try_from(name: String) -> Result<Self, UnknownAlg> {
        if name == Self::None.as_str() { Ok(Self::None) } else { name.parse().map(Self::Signed) }
    }
}

impl From<RequestObjectAlg> for String {
    fn from(alg: RequestObjectAlg) -> Self {
        alg.as_str().to_owned()
    }
}

/// The metadata that a client registers (RFC 7591 section 2, OpenID Connect Dynamic Client Registration 1.0
/// section 2). Members that are absent take the defaults of those sections.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ClientMetadata {
    /// Where authorization responses go: up to 50.
    pub redirect_uris: Vec<RedirectUri>,
    /// How the client authenticates. Default `client_secret_basic`.
    pub token_endpoint_auth_method: ClientAuthMethod,
    /// The one algorithm of its assertions; any accepted one where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<SigningAlg>,
    /// The grant types it uses. Default `authorization_code`.
    pub grant_types: Vec<GrantType>,
    /// The response types it uses. Default `code`.
    pub response_types: Vec<ResponseType>,
    /// The name shown to people: up to 200 characters, none of control or text direction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// Its home page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// Its logo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    /// Where others may send a browser so that the client begins a sign-in (OpenID Connect Core 1.0 section 4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiate_login_uri: Option<String>,
    /// Where a browser may go after a logout that the client asked for (OpenID Connect RP-Initiated Logout 1.0 section
    /// 3.1): up to 50, matched byte for byte.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// Where it takes logout tokens (OpenID Connect Back-Channel Logout 1.0 section 2.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<FetchUrl>,
    /// Whether its logout tokens must carry `sid`, which they always do. Default false.
    pub backchannel_logout_session_required: bool,
    /// What a browser loads in a frame when a session ends (OpenID Connect Front-Channel Logout 1.0 section 2): of the
    /// origin of a redirect URI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frontchannel_logout_uri: Option<FetchUrl>,
    /// Whether that must be given `iss` and `sid`, which it always is. Default false.
    pub frontchannel_logout_session_required: bool,
    /// Its privacy policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    /// Its terms of service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    /// How to reach the people behind it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// The scope it may ask for. Default `openid`.
    pub scope: Scope,
    /// Its public keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<JwkSet>,
    /// Where its public keys are; never beside `jwks`. A provider without `with_jwks_uri` does not look there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<FetchUrl>,
    /// How it knows people by their `sub`. Default `public`.
    pub subject_type: SubjectType,
    /// The document that lists its redirect URIs with those of other clients of its sector: pairwise subjects are the
    /// same in all of them. Whoever registers strangers must ask [`check_sector`](super::check_sector).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sector_identifier_uri: Option<FetchUrl>,
    /// The one algorithm of its request objects; any accepted one where absent, but never `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_signing_alg: Option<RequestObjectAlg>,
    /// Where it keeps request objects: up to 50. A request names one of them exactly, fragment included.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub request_uris: Vec<RequestUri>,
    /// Whether every authorization request of its must be a signed request object (RFC 9101 section 10.5). Default
    /// false.
    pub require_signed_request_object: bool,
    /// The algorithm of its ID tokens. Default RS256.
    pub id_token_signed_response_alg: IdTokenAlg,
    /// The algorithm of its userinfo responses, which then are JWTs; plain JSON where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<SigningAlg>,
    /// The `max_age` that holds where a request has none, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_max_age: Option<u64>,
    /// Whether its ID tokens always carry `auth_time`. Default false.
    pub require_auth_time: bool,
    /// The `acr_values` that hold where a request has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub default_acr_values: Vec<String>,
    /// Its names and pages in other languages, such as `client_name#de`: up to 100.
    #[serde(flatten)]
    pub localized: Localized,
}

impl Default for ClientMetadata {
    fn default() -> Self {
        Self {
            redirect_uris: Vec::new(),
            token_endpoint_auth_method: ClientAuthMethod::default(),
            token_endpoint_auth_signing_alg: None,
            grant_types: vec![GrantType::AuthorizationCode],
            response_types: vec![ResponseType::Code],
            client_name: None,
            client_uri: None,
            logo_uri: None,
            initiate_login_uri: None,
            post_logout_redirect_uris: Vec::new(),
            backchannel_logout_uri: None,
            backchannel_logout_session_required: false,
            frontchannel_logout_uri: None,
            frontchannel_logout_session_required: false,
            policy_uri: None,
            tos_uri: None,
            contacts: Vec::new(),
            scope: Scope::parse("openid").unwrap_or_default(),
            jwks: None,
            jwks_uri: None,
            subject_type: SubjectType::default(),
            sector_identifier_uri: None,
            request_object_signing_alg: None,
            request_uris: Vec::new(),
            require_signed_request_object: false,
            id_token_signed_response_alg: IdTokenAlg::default(),
            userinfo_signed_response_alg: None,
            default_max_age: None,
            require_auth_time: false,
            default_acr_values: Vec::new(),
            localized: Localized::default(),
        }
    }
}

impl ClientMetadata {
    /// A client that signs people in by the authorization code flow and answers at these redirect URIs.
    #[must_use]
    pub fn code_flow(redirect_uris: impl IntoIterator<Item = RedirectUri>) -> Self {
        Self { redirect_uris: redirect_uris.into_iter().collect(), ..Self::default() }
    }

    /// A client that acts for itself alone.
    #[must_use]
    pub fn service() -> Self {
        Self {
            grant_types: vec![GrantType::ClientCredentials],
            response_types: Vec::new(),
            scope: Scope::empty(),
            ..Self::default()
        }
    }

    /// The scope that it may ask for.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// One more grant type.
    #[must_use]
    pub fn with_grant_type(mut self, grant_type: GrantType) -> Self {
        self.grant_types.push(grant_type);
        self
    }

    /// One more response type, with the grant types that go with it.
    #[must_use]
    pub fn with_response_type(mut self, response_type: ResponseType) -> Self {
        if !self.response_types.contains(&response_type) {
            self.response_types.push(response_type);
        }
        for grant_type in response_type.grant_types() {
            if !self.grant_types.contains(grant_type) {
                self.grant_types.push(grant_type.clone());
            }
        }
        self
    }

    /// How it authenticates.
    #[must_use]
    pub fn with_auth_method(mut self, method: ClientAuthMethod) -> Self {
        self.token_endpoint_auth_method = method;
        self
    }

    /// The name shown to people.
    #[must_use]
    pub fn with_name(mut self, client_name: impl Into<String>) -> Self {
        self.client_name = Some(client_name.into());
        self
    }

    /// It knows people by subjects of its own sector, which is the one host of its redirect URIs.
    #[must_use]
    pub const fn with_pairwise_subjects(mut self) -> Self {
        self.subject_type = SubjectType::Pairwise;
        self
    }

    /// It knows people by subjects that it shares with the clients listed in this document.
    #[must_use]
    pub fn with_sector(mut self, sector_identifier_uri: FetchUrl) -> Self {
        self.sector_identifier_uri = Some(sector_identifier_uri);
        self.with_pairwise_subjects()
    }

    /// The algorithm of its ID tokens.
    #[must_use]
    pub const fn with_id_token_alg(mut self, alg: SigningAlg) -> Self {
        self.id_token_signed_response_alg = IdTokenAlg::Signed(alg);
        self
    }

    /// Its ID tokens are not signed; see [`IdTokenAlg::DangerousNone`].
    #[must_use]
    pub const fn dangerous_with_unsigned_id_tokens(mut self) -> Self {
        self.id_token_signed_response_alg = IdTokenAlg::DangerousNone;
        self
    }

    /// Its userinfo responses are JWTs, signed by this algorithm.
    #[must_use]
    pub const fn with_userinfo_alg(mut self, alg: SigningAlg) -> Self {
        self.userinfo_signed_response_alg = Some(alg);
        self
    }

    /// Its public keys.
    #[must_use]
    pub fn with_jwks(mut self, jwks: JwkSet) -> Self {
        self.jwks = Some(jwks);
        self
    }

    /// Where its public keys are.
    #[must_use]
    pub fn with_jwks_uri(mut self, jwks_uri: FetchUrl) -> Self {
        self.jwks_uri = Some(jwks_uri);
        self
    }

    /// How it signs its request objects.
    #[must_use]
    pub const fn with_request_object_alg(mut self, alg: RequestObjectAlg) -> Self {
        self.request_object_signing_alg = Some(alg);
        self
    }

    /// One more place where it keeps a request object.
    #[must_use]
    pub fn with_request_uri(mut self, request_uri: RequestUri) -> Self {
        self.request_uris.push(request_uri);
        self
    }

    /// Every authorization request of its must be a signed request object.
    #[must_use]
    pub const fn with_signed_request_object_required(mut self) -> Self {
        self.require_signed_request_object = true;
        self
    }

    /// Where a browser may go after a logout.
    #[must_use]
    pub fn with_post_logout_redirect_uris(mut self, uris: impl IntoIterator<Item = RedirectUri>) -> Self {
        self.post_logout_redirect_uris = uris.into_iter().collect();
        self
    }

    /// Where it takes logout tokens.
    #[must_use]
    pub fn with_backchannel_logout_uri(mut self, uri: FetchUrl) -> Self {
        self.backchannel_logout_uri = Some(uri);
        self
    }

    /// What a browser loads in a frame when a session ends.
    #[must_use]
    pub fn with_frontchannel_logout_uri(mut self, uri: FetchUrl) -> Self {
        self.frontchannel_logout_uri = Some(uri);
        self
    }

    pub(super) fn check(&self) -> Result<(), InvalidClient> {
        let refuse = |member, problem| Err(InvalidClient { member, problem });
        if self.redirect_uris.len() > MAX_REDIRECT_URIS {
            return refuse("redirect_uris", "at most 50");
        }
        if self.post_logout_redirect_uris.len() > MAX_REDIRECT_URIS {
            return refuse("post_logout_redirect_uris", "at most 50");
        }
        if self.redirect_uris.is_empty() && !self.response_types.is_empty() {
            return refuse("redirect_uris", "needed by every response type");
        }
        self.check_flows()?;
        let public = self.token_endpoint_auth_method == ClientAuthMethod::None;
        if public && self.grant_types.contains(&GrantType::ClientCredentials) {
            return refuse("grant_types", "client_credentials needs a client that authenticates");
        }
        if self.jwks.is_some() && self.jwks_uri.is_some() {
            return refuse("jwks_uri", "not beside jwks");
        }
        let keyless = self.jwks.is_none() && self.jwks_uri.is_none();
        if self.token_endpoint_auth_method == ClientAuthMethod::PrivateKeyJwt && keyless {
            return refuse("jwks", "needed by private_key_jwt, or else jwks_uri");
        }
        self.check_request_objects()?;
        if let Some(uri) = &self.frontchannel_logout_uri {
            let origin = |text: &str| Url::parse(text).ok().map(|url| url.origin().ascii_serialization());
            let of_uri = origin(uri.as_str());
            if !self.redirect_uris.iter().any(|redirect| origin(redirect.as_str()) == of_uri) {
                return refuse("frontchannel_logout_uri", "of the origin of a redirect uri");
            }
        }
        self.check_shown()
    }

    /// What the response types demand of the rest.
    fn check_flows(&self) -> Result<(), InvalidClient> {
        let refuse = |member, problem| Err(InvalidClient { member, problem });
        let uses_code = self.response_types.iter().any(|response_type| response_type.has_code());
        if uses_code != self.grant_types.contains(&GrantType::AuthorizationCode) {
            return refuse("grant_types", "authorization_code goes with the response types that have a code");
        }
        let uses_implicit = self.response_types.iter().any(|known| known.has_front_channel_token());
        if uses_implicit && !self.grant_types.contains(&GrantType::Implicit) {
            return refuse("grant_types", "implicit goes with the response types that have a token");
        }
        // Any program may take what is sent to a loopback port or a scheme, and no challenge protects a token
        // (RFC 8252 section 8.2, OpenID Connect Dynamic Client Registration 1.0 section 2).
        if uses_implicit && self.redirect_uris.iter().any(RedirectUri::is_native) {
            return refuse("redirect_uris", "https and not of loopback where a response type has a token");
        }
        // Nothing would vouch for a token that came through a browser (OpenID Connect Dynamic Client Registration 1.0
        // section 2).
        let in_front = self.response_types.iter().any(|response_type| response_type.has_id_token());
        if in_front && self.id_token_signed_response_alg == IdTokenAlg::DangerousNone {
            return refuse(
                "id_token_signed_response_alg",
                "none only where no response type has an id token",
            );
        }
        Ok(())
    }

    /// What people are shown of the client, in every language.
    fn check_shown(&self) -> Result<(), InvalidClient> {
        let refuse = |member, problem| Err(InvalidClient { member, problem });
        let pages = [
            ("client_uri", &self.client_uri),
            ("initiate_login_uri", &self.initiate_login_uri),
            ("logo_uri", &self.logo_uri),
            ("policy_uri", &self.policy_uri),
            ("tos_uri", &self.tos_uri),
        ];
        for (member, page) in pages {
            if page.as_deref().is_some_and(|page| !is_page(page)) {
                return refuse(member, "an https url of up to 2048 bytes");
            }
        }
        if self.localized.len() > MAX_LOCALIZED {
            return refuse("client_name", "at most 100 members in other languages");
        }
        for (name, _, text) in self.localized.iter() {
            if name == "client_name" && !is_plain_name(text) {
                return refuse("client_name", "up to 200 characters, none of control or text direction");
            }
            if name != "client_name" && !is_page(text) {
                return refuse("client_uri", "an https url of up to 2048 bytes, in other languages too");
            }
        }
        if self.client_name.as_deref().is_some_and(|name| !is_plain_name(name)) {
            return refuse("client_name", "up to 200 characters, none of control or text direction");
        }
        Ok(())
    }

    fn check_request_objects(&self) -> Result<(), InvalidClient> {
        let refuse = |member, problem| Err(InvalidClient { member, problem });
        if self.request_uris.len() > MAX_REQUEST_URIS {
            return refuse("request_uris", "at most 50");
        }
        let keyless = self.jwks.is_none() && self.jwks_uri.is_none();
        if keyless && matches!(self.request_object_signing_alg, Some(RequestObjectAlg::Signed(_))) {
            return refuse("jwks", "needed by request_object_signing_alg, or else jwks_uri");
        }
        if !self.require_signed_request_object {
            return Ok(());
        }
        if keyless {
            return refuse("jwks", "needed by require_signed_request_object, or else jwks_uri");
        }
        if self.request_object_signing_alg == Some(RequestObjectAlg::None) {
            return refuse("require_signed_request_object", "not beside request_object_signing_alg none");
        }
        Ok(())
    }
}

/// A URL that a host can put behind a link on its own pages: never a script.
fn is_page(text: &str) -> bool {
    let plain = text.len() <= MAX_PAGE_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic());
    plain && text.starts_with("https://") && Url::parse(text).is_ok_and(|url| url.username().is_empty())
}

/// Up to 200 characters, none that controls or reverses the text around it.
fn is_plain_name(name: &str) -> bool {
    let reorders = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    name.chars().count() <= 200 && !name.chars().any(|c| c.is_control() || reorders(c))
}
