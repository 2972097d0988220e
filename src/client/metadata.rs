//! What a client registers, in the names of RFC 7591 section 2.

mod application_type;
mod assertion_alg;
mod auth_method;
mod backchannel;
mod check;
mod encryption;
mod request_object_alg;
mod tls_client_auth;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

pub use application_type::ApplicationType;
pub use assertion_alg::ClientAssertionAlg;
pub use auth_method::ClientAuthMethod;
pub use backchannel::TokenDeliveryMode;
pub use encryption::EncryptionAlgs;
pub use request_object_alg::RequestObjectAlg;

use super::{IdTokenAlg, Localized, SubjectType};
use crate::jose::{ContentEnc, JwkSet, KeyAlg, SigningAlg};
use crate::proof::SubjectDn;
use crate::types::{FetchUrl, GrantType, RedirectUri, RequestUri, ResponseType, Scope};

/// The metadata that a client registers (RFC 7591 section 2, OpenID Connect Dynamic Client Registration 1.0
/// section 2). Members that are absent take the defaults of those sections.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ClientMetadata {
    /// Where authorization responses go: up to 50.
    pub redirect_uris: Vec<RedirectUri>,
    /// What kind of application it is. Default `web`.
    pub application_type: ApplicationType,
    /// How the client authenticates. Default `client_secret_basic`.
    pub token_endpoint_auth_method: ClientAuthMethod,
    /// The one algorithm of its assertions; any accepted one where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<ClientAssertionAlg>,
    /// The subject of its certificate, where it authenticates by `tls_client_auth`: this, or exactly one of
    /// the four names below (RFC 8705 section 2.1.2). Compared exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_subject_dn: Option<SubjectDn>,
    /// The one `dNSName` of its certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_dns: Option<String>,
    /// The one `uniformResourceIdentifier` of its certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_uri: Option<String>,
    /// The one `iPAddress` of its certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_ip: Option<IpAddr>,
    /// The one `rfc822Name` of its certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_email: Option<String>,
    /// Whether its access tokens have to be bound to the certificate of its connection (RFC 8705 section
    /// 3.4). Default false.
    pub tls_client_certificate_bound_access_tokens: bool,
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
    /// How the keys of its request objects, which then must be encrypted, reach the provider; never beside a
    /// `request_object_signing_alg` of `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_encryption_alg: Option<KeyAlg>,
    /// How their contents are encrypted. Default A128CBC-HS256, which a provider has to turn on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_encryption_enc: Option<ContentEnc>,
    /// Where it keeps request objects: up to 50. A request names one of them exactly, fragment included.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub request_uris: Vec<RequestUri>,
    /// Whether every authorization request of its must be a signed request object (RFC 9101 section 10.5). Default
    /// false.
    pub require_signed_request_object: bool,
    /// Whether its authorization requests have to be pushed (RFC 9126 section 6). Default false.
    pub require_pushed_authorization_requests: bool,
    /// Whether its access tokens have to be bound to a key by DPoP (RFC 9449 section 5.2). Default false.
    pub dpop_bound_access_tokens: bool,
    /// How it learns that a person has answered (CIBA Core section 4); needed by the grant type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_token_delivery_mode: Option<TokenDeliveryMode>,
    /// Where it is told, if that is how it learns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_client_notification_endpoint: Option<FetchUrl>,
    /// The one algorithm of its signed authentication requests, which then must be signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_authentication_request_signing_alg: Option<SigningAlg>,
    /// Whether its requests carry a code that only the person knows. Default false.
    pub backchannel_user_code_parameter: bool,
    /// The algorithm of its ID tokens. Default RS256.
    pub id_token_signed_response_alg: IdTokenAlg,
    /// How the keys of its ID tokens, which then are encrypted after they were signed, reach the client; a
    /// key for it is in its `jwks` or at its `jwks_uri`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_encrypted_response_alg: Option<KeyAlg>,
    /// How their contents are encrypted. Default A128CBC-HS256, which a provider has to turn on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_encrypted_response_enc: Option<ContentEnc>,
    /// The algorithm of its authorization responses in the modes of JARM (JARM section 3). Default RS256, or the first
    /// algorithm of the provider where no key of it has that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_signed_response_alg: Option<SigningAlg>,
    /// How the key that encrypts its authorization responses reaches it; they are not encrypted where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_encrypted_response_alg: Option<KeyAlg>,
    /// How its authorization responses are encrypted; never without the member before. Default A128CBC-HS256.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_encrypted_response_enc: Option<ContentEnc>,
    /// The algorithm of its introspection responses where it asks for JWTs (RFC 9701 section 6). Default as above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_signed_response_alg: Option<SigningAlg>,
    /// How the key that encrypts its introspection responses reaches it; they are not encrypted where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_encrypted_response_alg: Option<KeyAlg>,
    /// How its introspection responses are encrypted; never without the member before. Default A128CBC-HS256.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_encrypted_response_enc: Option<ContentEnc>,
    /// The algorithm of its userinfo responses, which then are JWTs; plain JSON where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<SigningAlg>,
    /// How the keys of its userinfo responses, which then are encrypted JWTs, reach the client; a key for it
    /// is in its `jwks` or at its `jwks_uri`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_encrypted_response_alg: Option<KeyAlg>,
    /// How their contents are encrypted. Default A128CBC-HS256, which a provider has to turn on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_encrypted_response_enc: Option<ContentEnc>,
    /// The `max_age` that holds where a request has none, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_max_age: Option<u64>,
    /// Whether its ID tokens always carry `auth_time`. Default false.
    pub require_auth_time: bool,
    /// The `acr_values` that hold where a request has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub default_acr_values: Vec<String>,
    /// The types of authorization details that it may ask for (RFC 9396 section 10): up to 50 of up to 256 bytes. Default
    /// none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_details_types: Vec<String>,
    /// Which software it is, the same for every copy of it (RFC 7591 section 2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    /// The version of that software.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
    /// Its names and pages in other languages, such as `client_name#de`: up to 100.
    #[serde(flatten)]
    pub localized: Localized,
}

impl Default for ClientMetadata {
    fn default() -> Self {
        Self {
            redirect_uris: Vec::new(),
            application_type: ApplicationType::default(),
            token_endpoint_auth_method: ClientAuthMethod::default(),
            token_endpoint_auth_signing_alg: None,
            tls_client_auth_subject_dn: None,
            tls_client_auth_san_dns: None,
            tls_client_auth_san_uri: None,
            tls_client_auth_san_ip: None,
            tls_client_auth_san_email: None,
            tls_client_certificate_bound_access_tokens: false,
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
            request_object_encryption_alg: None,
            request_object_encryption_enc: None,
            request_uris: Vec::new(),
            require_signed_request_object: false,
            require_pushed_authorization_requests: false,
            dpop_bound_access_tokens: false,
            backchannel_token_delivery_mode: None,
            backchannel_client_notification_endpoint: None,
            backchannel_authentication_request_signing_alg: None,
            backchannel_user_code_parameter: false,
            id_token_signed_response_alg: IdTokenAlg::default(),
            id_token_encrypted_response_alg: None,
            id_token_encrypted_response_enc: None,
            authorization_signed_response_alg: None,
            authorization_encrypted_response_alg: None,
            authorization_encrypted_response_enc: None,
            introspection_signed_response_alg: None,
            introspection_encrypted_response_alg: None,
            introspection_encrypted_response_enc: None,
            userinfo_signed_response_alg: None,
            userinfo_encrypted_response_alg: None,
            userinfo_encrypted_response_enc: None,
            default_max_age: None,
            require_auth_time: false,
            default_acr_values: Vec::new(),
            authorization_details_types: Vec::new(),
            software_id: None,
            software_version: None,
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

    /// The one algorithm of its assertions.
    #[must_use]
    pub fn with_assertion_alg(mut self, alg: impl Into<ClientAssertionAlg>) -> Self {
        self.token_endpoint_auth_signing_alg = Some(alg.into());
        self
    }

    /// Its access tokens have to be bound to the certificate of its connection.
    #[must_use]
    pub const fn with_certificate_bound_access_tokens(mut self) -> Self {
        self.tls_client_certificate_bound_access_tokens = true;
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

    /// The algorithm of its authorization responses in the modes of JARM.
    #[must_use]
    pub const fn with_authorization_alg(mut self, alg: SigningAlg) -> Self {
        self.authorization_signed_response_alg = Some(alg);
        self
    }

    /// The algorithm of its introspection responses where it asks for JWTs.
    #[must_use]
    pub const fn with_introspection_alg(mut self, alg: SigningAlg) -> Self {
        self.introspection_signed_response_alg = Some(alg);
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

    /// Its authorization requests have to be pushed.
    #[must_use]
    pub const fn with_pushed_authorization_required(mut self) -> Self {
        self.require_pushed_authorization_requests = true;
        self
    }

    /// Its access tokens have to be bound to a key by DPoP.
    #[must_use]
    pub const fn with_dpop_bound_access_tokens(mut self) -> Self {
        self.dpop_bound_access_tokens = true;
        self
    }

    /// The types of authorization details that it may ask for.
    #[must_use]
    pub fn with_authorization_details_types<T: Into<String>>(
        mut self,
        types: impl IntoIterator<Item = T>,
    ) -> Self {
        self.authorization_details_types = types.into_iter().map(Into::into).collect();
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
}
