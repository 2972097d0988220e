//! OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2 and the specifications that add to them: every member of the
//! metadata has the type that its specification gives it.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};
use url::Url;
use vouchsafe::entropy::OsEntropy;
use vouchsafe::jose::{Keyring, SigningAlg};
use vouchsafe::provider::{
    Authorize, ClientDocuments, Config, DpopConfig, MutualTls, Provider, Registration,
};
use vouchsafe::secret::SystemSecrets;
use vouchsafe::store::Stores;
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::testing::{Harness, block_on};
use vouchsafe::types::LanguageTag;

/// What the value of a member is.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// The endpoints as they are at another place (RFC 8705 section 5).
    Aliases,
    Boolean,
    /// The endpoint of an https issuer.
    Endpoint,
    /// The issuer itself.
    Issuer,
    /// A list of language tags (BCP 47).
    Locales,
    /// A list of texts, none of them empty and no two the same.
    Texts,
    /// Any URL.
    Url,
}

const MEMBERS: &[(Kind, &[&str])] = &[
    (
        Kind::Boolean,
        &[
            "authorization_response_iss_parameter_supported",
            "backchannel_logout_session_supported",
            "backchannel_logout_supported",
            "claims_parameter_supported",
            "client_id_metadata_document_supported",
            "frontchannel_logout_session_supported",
            "frontchannel_logout_supported",
            "request_parameter_supported",
            "require_pushed_authorization_requests",
            "request_uri_parameter_supported",
            "require_request_uri_registration",
            "tls_client_certificate_bound_access_tokens",
            "tls_client_certificate_bound_access_tokens",
        ],
    ),
    (
        Kind::Endpoint,
        &[
            "authorization_endpoint",
            "check_session_iframe",
            "end_session_endpoint",
            "introspection_endpoint",
            "jwks_uri",
            "pushed_authorization_request_endpoint",
            "registration_endpoint",
            "revocation_endpoint",
            "token_endpoint",
            "userinfo_endpoint",
        ],
    ),
    (Kind::Aliases, &["mtls_endpoint_aliases"]),
    (Kind::Issuer, &["issuer"]),
    (Kind::Locales, &["claims_locales_supported", "ui_locales_supported"]),
    (
        Kind::Texts,
        &[
            "acr_values_supported",
            "authorization_encryption_alg_values_supported",
            "authorization_encryption_enc_values_supported",
            "authorization_signing_alg_values_supported",
            "claim_types_supported",
            "claims_supported",
            "code_challenge_methods_supported",
            "display_values_supported",
            "dpop_signing_alg_values_supported",
            "dpop_signing_alg_values_supported",
            "grant_types_supported",
            "id_token_encryption_alg_values_supported",
            "id_token_encryption_enc_values_supported",
            "id_token_signing_alg_values_supported",
            "introspection_endpoint_auth_methods_supported",
            "introspection_endpoint_auth_signing_alg_values_supported",
            "introspection_encryption_alg_values_supported",
            "introspection_encryption_enc_values_supported",
            "introspection_signing_alg_values_supported",
            "prompt_values_supported",
            "request_object_encryption_alg_values_supported",
            "request_object_encryption_enc_values_supported",
            "request_object_signing_alg_values_supported",
            "response_modes_supported",
            "response_types_supported",
            "revocation_endpoint_auth_methods_supported",
            "revocation_endpoint_auth_signing_alg_values_supported",
            "scopes_supported",
            "subject_types_supported",
            "token_endpoint_auth_methods_supported",
            "token_endpoint_auth_signing_alg_values_supported",
            "userinfo_encryption_alg_values_supported",
            "userinfo_encryption_enc_values_supported",
            "userinfo_signing_alg_values_supported",
        ],
    ),
    (Kind::Url, &["service_documentation"]),
];

fn kind(member: &str) -> Option<Kind> {
    MEMBERS.iter().find(|(_, members)| members.contains(&member)).map(|(kind, _)| *kind)
}

fn is(kind: Kind, value: &Value) -> bool {
    let texts = || -> Option<Vec<&str>> { value.as_array()?.iter().map(Value::as_str).collect() };
    match kind {
        Kind::Aliases => value.as_object().is_some_and(|aliases| {
            let is_alias = |(name, url): (&String, &Value)| {
                let known = name.ends_with("_endpoint") && name != "authorization_endpoint";
                known && url.as_str().is_some_and(|url| url.starts_with("https://mtls.op.example/"))
            };
            !aliases.is_empty() && aliases.iter().all(is_alias)
        }),
        Kind::Boolean => value.is_boolean(),
        Kind::Endpoint => value.as_str().is_some_and(|url| {
            url.starts_with("https://op.example/")
                && Url::parse(url).is_ok_and(|url| url.fragment().is_none())
        }),
        Kind::Issuer => value == "https://op.example",
        Kind::Locales => texts()
            .is_some_and(|all| !all.is_empty() && all.iter().all(|tag| LanguageTag::parse(tag).is_ok())),
        Kind::Texts => texts().is_some_and(|mut all| {
            let count = all.len();
            all.sort_unstable();
            all.dedup();
            count > 0 && all.len() == count && all.iter().all(|text| !text.is_empty())
        }),
        Kind::Url => value.as_str().is_some_and(|url| Url::parse(url).is_ok()),
    }
}

/// What of a document is not as its specification says, unknown members included.
fn wrong(metadata: &Map<String, Value>) -> Vec<String> {
    let fits = |name: &str, value| kind(name).is_some_and(|kind| is(kind, value));
    metadata
        .iter()
        .filter(|(name, value)| !fits(name, value))
        .map(|(name, value)| format!("{name}: {value}"))
        .collect()
}

fn metadata(provider: &Provider, path: &str) -> Map<String, Value> {
    let request = http::Request::get(path).body(Bytes::new()).unwrap();
    let Authorize::Respond(response) = block_on(provider.handle(&request)) else { panic!("{path}") };
    assert_eq!(response.status(), 200, "{path}");
    assert_eq!(response.headers()["content-type"], "application/json");
    serde_json::from_slice(response.body()).unwrap()
}

/// A provider with as much turned on as one can have.
fn everything() -> Harness {
    Harness::builder()
        .front_channel()
        .encryption()
        .pushed_requests()
        .request_objects()
        .provider(|builder| {
            builder
                .with_account_creation()
                .with_client_secret_jwt()
                .with_mutual_tls(crate::rfc8705_mtls::mutual_tls())
                .with_pairwise_subjects()
                .with_jarm()
                .with_introspection_jwt()
                .with_session_management()
                .with_dpop(DpopConfig::new())
                .with_mutual_tls(MutualTls::new())
                .with_client_id_metadata_documents(ClientDocuments::of_hosts(["app.example"]))
                .dangerous_allow_unsigned_id_tokens()
                .with_registration(Registration::open())
        })
        .config(|config| {
            config.acr_values_supported = vec!["gold".to_owned()];
            config.claims_locales_supported = vec![LanguageTag::parse("de-CH").unwrap()];
            config.ui_locales_supported = vec![LanguageTag::parse("en").unwrap()];
            config.service_documentation = Some("https://op.example/docs".parse().unwrap());
        })
        .build()
}

#[test]
fn every_member_has_the_type_of_its_specification() {
    let few = Provider::builder(
        Config::new("https://op.example".parse().unwrap()),
        Stores::of(Arc::new(MemoryStore::new())),
        Keyring::generate(&[SigningAlg::Es256]).unwrap(),
        SystemSecrets::generate(&OsEntropy).unwrap(),
    );
    let few = few.with_client_credentials().build().unwrap();
    let (usual, all) = (Harness::new(), everything());
    let openid = "/.well-known/openid-configuration";
    for (provider, path) in [
        (&few, "/.well-known/oauth-authorization-server"),
        (usual.provider(), openid),
        (all.provider(), openid),
    ] {
        let metadata = metadata(provider, path);
        assert_eq!(wrong(&metadata), Vec::<String>::new(), "{path}");
    }
    assert!(metadata(all.provider(), openid).len() > 55, "much is turned on");
}

#[test]
fn what_does_not_fit_is_found() {
    let mut metadata = metadata(Harness::new().provider(), "/.well-known/openid-configuration");
    assert_eq!(wrong(&metadata), Vec::<String>::new());
    for (name, value) in [
        ("issuer", "https://op.example/".into()),
        ("jwks_uri", "http://op.example/jwks".into()),
        ("claims_parameter_supported", "true".into()),
        ("scopes_supported", "openid".into()),
        ("claims_supported", vec!["sub", "sub"].into()),
        ("ui_locales_supported", vec!["not a tag"].into()),
        ("no_such_member", true.into()),
    ] {
        metadata.insert(name.to_owned(), value);
    }
    assert_eq!(wrong(&metadata).len(), 7);
}
