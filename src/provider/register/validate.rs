//! From the members of a request to the metadata of a client.
//!
//! The members are read as [`ClientMetadata`] reads them, so that one which is added there is registered, kept and told
//! like every other; what only a host decides is no member of it. [`Rules`] then hold all of it against the bounds.

use serde_json::{Map, Value};

use super::rules::Rules;
use crate::client::{ClientMetadata, InvalidClient};
use crate::error::Reason;

/// The members of a request, those that are `null` left out: they are as good as absent (RFC 7592 section 2.2).
pub(super) struct Members(Map<String, Value>);

impl Members {
    /// Whether the request says anything of `member`.
    pub(super) fn name(&self, member: &str) -> bool {
        self.0.contains_key(member)
    }
}

/// The members without those that are `null`.
pub(in crate::provider) fn given(members: &Map<String, Value>) -> Map<String, Value> {
    let given = members.iter().filter(|(_, value)| !value.is_null());
    given.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Reads and checks the metadata; members that are not known are left out (RFC 7591 section 2).
pub(in crate::provider) fn metadata(
    rules: &Rules,
    members: &Map<String, Value>,
) -> Result<ClientMetadata, Reason> {
    let members = Members(given(members));
    let mut metadata = read(&members.0)?;
    rules.apply(&mut metadata, &members)?;
    Ok(metadata)
}

fn read(members: &Map<String, Value>) -> Result<ClientMetadata, Reason> {
    parse(members.clone()).ok_or_else(|| {
        let unreadable = |(name, value): &(&String, &Value)| {
            parse(Map::from_iter([((*name).clone(), (*value).clone())])).is_none()
        };
        members.iter().find(unreadable).map_or(Reason::MetadataInconsistent, |(name, _)| reason(name))
    })
}

fn parse(members: Map<String, Value>) -> Option<ClientMetadata> {
    serde_json::from_value(Value::Object(members)).ok()
}

/// Why a client was refused whose parts do not fit together.
pub(in crate::provider) fn refusal(refused: &InvalidClient) -> Reason {
    match refused.member {
        // It is where it should be, and there are keys beside it.
        "jwks_uri" => Reason::MetadataJwks,
        member => reason(member),
    }
}

/// Why a client is refused for what it says in `member`.
fn reason(member: &str) -> Reason {
    match member.split('#').next().unwrap_or_default() {
        "application_type" => Reason::MetadataApplicationType,
        "authorization_details_types" => Reason::MetadataDetailsTypes,
        "backchannel_logout_session_required"
        | "backchannel_logout_uri"
        | "frontchannel_logout_session_required"
        | "frontchannel_logout_uri"
        | "post_logout_redirect_uris" => Reason::MetadataLogout,
        "backchannel_authentication_request_signing_alg"
        | "backchannel_client_notification_endpoint"
        | "backchannel_token_delivery_mode"
        | "backchannel_user_code_parameter" => Reason::MetadataBackchannel,
        "authorization_signed_response_alg" => Reason::MetadataAuthorizationAlg,
        "client_name" => Reason::MetadataName,
        "client_uri" | "initiate_login_uri" | "logo_uri" | "policy_uri" | "tos_uri" => Reason::MetadataPage,
        "contacts" => Reason::MetadataContacts,
        "default_acr_values" | "default_max_age" | "require_auth_time" => Reason::MetadataDefaults,
        "dpop_bound_access_tokens" => Reason::MetadataDpop,
        "grant_types" => Reason::MetadataGrantTypes,
        "authorization_encrypted_response_alg"
        | "authorization_encrypted_response_enc"
        | "id_token_encrypted_response_alg"
        | "id_token_encrypted_response_enc"
        | "introspection_encrypted_response_alg"
        | "introspection_encrypted_response_enc"
        | "request_object_encryption_alg"
        | "request_object_encryption_enc"
        | "userinfo_encrypted_response_alg"
        | "userinfo_encrypted_response_enc" => Reason::MetadataEncryption,
        "id_token_signed_response_alg" => Reason::MetadataIdTokenAlg,
        "introspection_signed_response_alg" => Reason::MetadataIntrospectionAlg,
        "jwks" => Reason::MetadataJwks,
        "jwks_uri" => Reason::MetadataJwksUri,
        "redirect_uris" => Reason::MetadataRedirectUris,
        "request_object_signing_alg" | "request_uris" | "require_signed_request_object" => {
            Reason::MetadataRequestObjects
        }
        "require_pushed_authorization_requests" => Reason::MetadataPushedRequests,
        "response_types" => Reason::MetadataResponseTypes,
        "scope" => Reason::MetadataScope,
        "sector_identifier_uri" => Reason::MetadataSectorIdentifier,
        "software_id" | "software_version" => Reason::MetadataSoftware,
        "subject_type" => Reason::MetadataSubjectType,
        "tls_client_auth_san_dns"
        | "tls_client_auth_san_email"
        | "tls_client_auth_san_ip"
        | "tls_client_auth_san_uri"
        | "tls_client_auth_subject_dn" => Reason::MetadataCertificateSubject,
        "tls_client_certificate_bound_access_tokens" => Reason::MetadataCertificateBinding,
        "token_endpoint_auth_method" => Reason::MetadataAuthMethod,
        "token_endpoint_auth_signing_alg" => Reason::MetadataAuthSigningAlg,
        "userinfo_signed_response_alg" => Reason::MetadataUserinfoAlg,
        _ => Reason::MetadataInconsistent,
    }
}
