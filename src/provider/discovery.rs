//! What the provider says about itself: its metadata (OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2)
//! and its keys (RFC 7517 section 5).
//!
//! Metadata is derived from what was built in. It lists nothing that would be refused, and hides nothing that works.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::backchannel;
use super::core::Core;
use super::encryption;
use super::mutual_tls;
use super::pushed::PushedRequests;
use super::session_state;
use crate::client::{ClientAuthMethod, RequestObjectAlg};
use crate::event::Endpoint;
use crate::jose::{Decrypter, Jwk, MacAlg, SigningAlg};
use crate::types::{GrantType, Scope, scope_claims};
use crate::wire::reply::{self, Document};

/// For how long metadata and keys may be kept: 10 minutes. A key that signs was announced before.
const CACHE_CONTROL: &str = "public, max-age=600";

/// Claims of the protocol that ID tokens carry.
const PROTOCOL_CLAIMS: [&str; 11] =
    ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "sid"];

/// The documents, made once for each state of the keys.
#[derive(Debug, Default)]
pub(crate) struct Documents(RwLock<Option<Arc<Made>>>);

#[derive(Debug)]
pub(crate) struct Made {
    versions: (u64, u64),
    pub(crate) metadata: Document,
    pub(crate) jwks: Document,
    pub(crate) check_session: Document,
}

impl Documents {
    /// The documents as the keys are now.
    pub(crate) fn current(&self, core: &Core) -> Arc<Made> {
        let versions = (core.keyring.version(), core.decrypter.as_ref().map_or(0, Decrypter::version));
        let made = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(made) = made.filter(|made| made.versions == versions) {
            return made;
        }
        let made = Arc::new(Made {
            versions,
            metadata: document(Value::Object(metadata(core)).to_string()),
            jwks: document(key_set(core)),
            check_session: reply::check_session_page(&session_state::name(&core.config), CACHE_CONTROL),
        });
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&made));
        made
    }
}

/// The keys that verify what is signed here, and those to encrypt to.
fn key_set(core: &Core) -> Bytes {
    let signing = core.keyring.jwks();
    let encryption = core.decrypter.as_ref().map(Decrypter::public_keys).unwrap_or_default();
    let (Ok(mut set), false) = (serde_json::from_slice::<Value>(&signing), encryption.is_empty()) else {
        return signing;
    };
    if let Some(keys) = set.get_mut("keys").and_then(Value::as_array_mut) {
        keys.extend(encryption.iter().map(Jwk::to_value));
    }
    set.to_string().into()
}

fn document(body: impl Into<Bytes>) -> Document {
    Document::new("application/json", CACHE_CONTROL, body)
}

fn metadata(core: &Core) -> Map<String, Value> {
    let mut metadata = Map::new();
    let mut say = |name: &str, value: Value| {
        metadata.insert(name.to_owned(), value);
    };
    say("issuer", core.config.issuer.as_str().into());
    for (endpoint, path) in core.routes.iter() {
        if let Some(name) = member(endpoint) {
            say(name, format!("{}{path}", core.config.issuer.origin()).into());
        }
    }
    for (endpoint, on) in [
        ("token_endpoint", !core.grants.is_empty()),
        ("introspection_endpoint", core.switches.introspection),
        ("revocation_endpoint", core.switches.revocation),
    ] {
        let mut methods = client_methods(core);
        // Whoever introspects must prove who they are (RFC 7662 section 2.1).
        methods.retain(|method| {
            endpoint != "introspection_endpoint" || method != ClientAuthMethod::None.as_str()
        });
        if on {
            let algs = assertion_algs(core, &methods);
            say(&format!("{endpoint}_auth_signing_alg_values_supported"), json!(algs));
            say(&format!("{endpoint}_auth_methods_supported"), json!(methods));
        }
    }
    if core.switches.introspection_jwt {
        say("introspection_signing_alg_values_supported", json!(core.keyring.algorithms()));
    }
    if let Some(dpop) = &core.dpop {
        say("dpop_signing_alg_values_supported", json!(dpop.algorithms()));
    }
    say("grant_types_supported", grant_types(core).into_iter().map(GrantType::as_str).collect());
    say("scopes_supported", scopes(core).collect());
    for (name, locales) in [
        ("claims_locales_supported", &core.config.claims_locales_supported),
        ("ui_locales_supported", &core.config.ui_locales_supported),
    ] {
        if !locales.is_empty() {
            say(name, json!(locales));
        }
    }
    say("protected_resources", json!(core.resource_documents.resources().collect::<Vec<_>>()));
    say("authorization_details_types_supported", json!(core.details.names().collect::<Vec<_>>()));
    if core.switches.client_documents {
        say("client_id_metadata_document_supported", true.into());
    }
    if let Some(url) = &core.config.service_documentation {
        say("service_documentation", url.as_str().into());
    }
    if core.signs_in() {
        metadata.extend(authorization(core));
    }
    if let Some(mutual_tls) = &core.mutual_tls {
        let issuer = core.config.issuer.path();
        let below =
            core.routes.iter().filter_map(|(of, path)| Some((member(of)?, path.strip_prefix(issuer)?)));
        mutual_tls::describe(mutual_tls, below, &mut metadata);
    }
    for rule in &core.rules {
        rule.describe(&mut metadata);
    }
    // RFC 8414 section 3.2: a list of nothing is left out.
    metadata.retain(|_, value| value.as_array().is_none_or(|list| !list.is_empty()));
    metadata
}

/// The grant types of the token endpoint, and those that response types stand for.
fn grant_types(core: &Core) -> BTreeSet<&GrantType> {
    let of_responses = core.response_types.iter().flat_map(|known| known.grant_types());
    core.grants.keys().chain(of_responses).collect()
}

/// The scopes that something here gives: what a person gives needs the authorization endpoint.
fn scopes(core: &Core) -> impl Iterator<Item = &str> {
    let signs_in = core.signs_in();
    core.config.scopes_supported.iter().filter(move |scope| match *scope {
        Scope::OFFLINE_ACCESS => core.issues_refresh_tokens(),
        Scope::OPENID => signs_in,
        scope => signs_in || scope_claims(scope).is_empty(),
    })
}

fn client_methods(core: &Core) -> Vec<String> {
    core.authenticators.iter().map(|known| known.method().into()).collect()
}

/// The algorithms of the assertions that these methods need.
fn assertion_algs(core: &Core, methods: &[String]) -> Vec<&'static str> {
    let has = |method: ClientAuthMethod| methods.iter().any(|known| known == method.as_str());
    let signed = core.config.requirements.inbound_algs().into_iter().map(SigningAlg::as_str);
    let macs = MacAlg::ALL.iter().map(|alg| alg.as_str());
    let signed = signed.filter(|_| has(ClientAuthMethod::PrivateKeyJwt));
    signed.chain(macs.filter(|_| has(ClientAuthMethod::ClientSecretJwt))).collect()
}

/// What concerns the authorization endpoint and OpenID Connect.
fn authorization(core: &Core) -> Map<String, Value> {
    let config = &core.config;
    let of_scopes = config.scopes_supported.iter().flat_map(scope_claims).copied();
    let mut claims: Vec<&str> = PROTOCOL_CLAIMS.into_iter().chain(of_scopes).collect();
    for name in &config.claims_supported {
        if !claims.contains(&name.as_str()) {
            claims.push(name);
        }
    }
    let mut prompts = vec!["none", "login", "consent", "select_account"];
    prompts.extend(core.switches.account_creation.then_some("create"));
    let mut subject_types = vec!["public"];
    subject_types.extend(core.switches.pairwise_subjects.then_some("pairwise"));
    let mut id_token_algs: Vec<&str> = core.keyring.algorithms().iter().map(|alg| alg.as_str()).collect();
    id_token_algs.extend(core.switches.unsigned_id_tokens.then_some("none"));
    let said = json!({
        "response_types_supported": core.response_types.iter().map(|known| known.as_str()).collect::<Vec<_>>(),
        "response_modes_supported": core.encoders.modes().collect::<Vec<_>>(),
        "authorization_response_iss_parameter_supported": true,
        "subject_types_supported": subject_types,
        "id_token_signing_alg_values_supported": id_token_algs,
        "userinfo_signing_alg_values_supported": core.keyring.algorithms(),
        "prompt_values_supported": prompts,
        "display_values_supported": ["page", "popup", "touch", "wap"],
        "claim_types_supported": ["normal", "aggregated", "distributed"],
        "claims_supported": claims,
        "claims_parameter_supported": true,
        "request_parameter_supported": core.switches.request_parameter,
        // Absent, this one would mean true.
        "request_uri_parameter_supported": core.request_uris.is_some(),
        "require_request_uri_registration": core.request_uris.is_some(),
    });
    let mut said = match said {
        Value::Object(said) => said,
        _ => Map::new(),
    };
    if core.switches.request_parameter || core.request_uris.is_some() {
        let signed = core.request_objects.algorithms().iter().map(|alg| alg.as_str());
        let unsigned = core.switches.unsigned_request_objects.then_some(RequestObjectAlg::None.as_str());
        let all: Vec<_> = signed.chain(unsigned).collect();
        said.insert("request_object_signing_alg_values_supported".to_owned(), json!(all));
    }
    if core.config.requirements.signed_request_object {
        said.insert("require_signed_request_object".to_owned(), true.into());
    }
    if core.switches.jarm {
        let algs = json!(core.keyring.algorithms());
        said.insert("authorization_signing_alg_values_supported".to_owned(), algs);
    }
    if let Some(pushed) = core.pushed_requests {
        let required = pushed == PushedRequests::Required;
        said.insert("require_pushed_authorization_requests".to_owned(), required.into());
    }
    backchannel::describe(core, &mut said);
    encryption::describe(core, &mut said);
    if core.response_types.iter().any(|known| known.has_code()) {
        said.insert("code_challenge_methods_supported".to_owned(), json!(["S256"]));
    }
    if core.back_channel.is_some() {
        for name in ["backchannel_logout_supported", "backchannel_logout_session_supported"] {
            said.insert(name.to_owned(), true.into());
        }
    }
    if core.switches.front_channel_logout {
        for name in ["frontchannel_logout_supported", "frontchannel_logout_session_supported"] {
            said.insert(name.to_owned(), true.into());
        }
    }
    if !config.acr_values_supported.is_empty() {
        said.insert("acr_values_supported".to_owned(), json!(config.acr_values_supported));
    }
    said
}

/// The member of the metadata that names an endpoint.
const fn member(endpoint: Endpoint) -> Option<&'static str> {
    match endpoint {
        Endpoint::Authorization => Some("authorization_endpoint"),
        Endpoint::BackchannelAuthentication => Some("backchannel_authentication_endpoint"),
        Endpoint::CheckSession => Some("check_session_iframe"),
        Endpoint::DeviceAuthorization => Some("device_authorization_endpoint"),
        Endpoint::EndSession => Some("end_session_endpoint"),
        Endpoint::Introspection => Some("introspection_endpoint"),
        Endpoint::Jwks => Some("jwks_uri"),
        Endpoint::PushedAuthorization => Some("pushed_authorization_request_endpoint"),
        Endpoint::Registration => Some("registration_endpoint"),
        Endpoint::Revocation => Some("revocation_endpoint"),
        Endpoint::Token => Some("token_endpoint"),
        Endpoint::Userinfo => Some("userinfo_endpoint"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::JWKS_CACHE;

    /// How long a key is announced counts on it.
    #[test]
    fn documents_are_kept_for_as_long_as_the_schedule_of_keys_says() {
        assert_eq!(CACHE_CONTROL, format!("public, max-age={}", JWKS_CACHE.as_secs()));
    }
}
