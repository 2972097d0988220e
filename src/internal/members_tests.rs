//! Every member that a client may register, and what becomes of it at a provider that has next to nothing.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::client::ClientMetadata;
use crate::entropy::OsEntropy;
use crate::error::{Reason, Result};
use crate::jose::{Keyring, SigningAlg};
use crate::provider::{ClientInformation, Config, Provider, ProviderBuilder, Registration};
use crate::secret::SystemSecrets;
use crate::store::Stores;
use crate::store::memory::MemoryStore;
use crate::testing::{AccountTable, block_on};

/// What becomes of a member of a sound form.
#[derive(Debug, PartialEq)]
enum Fate {
    /// It asks for nothing that a provider could lack.
    Kept,
    /// It says nothing where what it is about is off, and is told otherwise than it was sent, or not at all.
    Dropped,
    /// The client would rely on what is not there.
    Refused(Reason),
}

/// The members that are fields, of which none can be left out here, with a value and its fate.
macro_rules! members {
    ($($field:ident: $value:tt => $fate:expr,)*) => {
        fn members() -> Vec<(&'static str, Value, Fate)> {
            let ClientMetadata { $($field: _,)* localized: _ } = ClientMetadata::default();
            vec![$((stringify!($field), json!($value), $fate),)*
                ("client_name#de", json!("B\u{e4}ckerei"), Kept)]
        }
    };
}

use Fate::{Dropped, Kept, Refused};

members! {
    redirect_uris: ["https://rp.example/cb"] => Kept,
    application_type: "web" => Kept,
    token_endpoint_auth_method: "private_key_jwt" => Refused(Reason::MetadataAuthMethod),
    token_endpoint_auth_signing_alg: "RS512" => Refused(Reason::MetadataAuthSigningAlg),
    tls_client_auth_subject_dn: "CN=rp" => Dropped,
    tls_client_auth_san_dns: "rp.example" => Dropped,
    tls_client_auth_san_uri: "https://rp.example/" => Dropped,
    tls_client_auth_san_ip: "93.184.216.34" => Dropped,
    tls_client_auth_san_email: "rp@rp.example" => Dropped,
    tls_client_certificate_bound_access_tokens: true => Refused(Reason::MetadataCertificateBinding),
    grant_types: ["urn:x:custom"] => Refused(Reason::MetadataGrantTypes),
    response_types: ["none"] => Refused(Reason::MetadataResponseTypes),
    client_name: "Bakery" => Kept,
    client_uri: "https://10.0.0.1/" => Refused(Reason::MetadataAddress),
    logo_uri: "https://10.0.0.1/" => Refused(Reason::MetadataAddress),
    initiate_login_uri: "https://10.0.0.1/" => Refused(Reason::MetadataAddress),
    post_logout_redirect_uris: ["https://rp.example/out"] => Dropped,
    backchannel_logout_uri: "https://rp.example/back" => Dropped,
    backchannel_logout_session_required: true => Dropped,
    frontchannel_logout_uri: "https://rp.example/front" => Dropped,
    frontchannel_logout_session_required: true => Dropped,
    policy_uri: "https://10.0.0.1/" => Refused(Reason::MetadataAddress),
    tos_uri: "https://10.0.0.1/" => Refused(Reason::MetadataAddress),
    contacts: ["ops@rp.example"] => Kept,
    scope: "openid admin" => Dropped,
    jwks: { "keys": [{
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
    }] } => Kept,
    jwks_uri: "https://rp.example/jwks" => Dropped,
    subject_type: "pairwise" => Refused(Reason::MetadataSubjectType),
    sector_identifier_uri: "https://rp.example/sector" => Dropped,
    request_object_signing_alg: "ES256" => Dropped,
    request_object_encryption_alg: "ECDH-ES" => Refused(Reason::MetadataEncryption),
    request_object_encryption_enc: "A256GCM" => Refused(Reason::MetadataEncryption),
    request_uris: ["https://rp.example/r"] => Dropped,
    require_signed_request_object: true => Refused(Reason::MetadataRequestObjects),
    require_pushed_authorization_requests: true => Refused(Reason::MetadataPushedRequests),
    dpop_bound_access_tokens: true => Refused(Reason::MetadataDpop),
    backchannel_token_delivery_mode: "poll" => Dropped,
    backchannel_client_notification_endpoint: "https://rp.example/told" => Dropped,
    backchannel_authentication_request_signing_alg: "ES256" => Dropped,
    backchannel_user_code_parameter: true => Dropped,
    id_token_signed_response_alg: "RS256" => Refused(Reason::MetadataIdTokenAlg),
    id_token_encrypted_response_alg: "ECDH-ES" => Refused(Reason::MetadataEncryption),
    id_token_encrypted_response_enc: "A256GCM" => Refused(Reason::MetadataEncryption),
    authorization_signed_response_alg: "ES256" => Dropped,
    authorization_encrypted_response_alg: "ECDH-ES" => Refused(Reason::MetadataEncryption),
    authorization_encrypted_response_enc: "A256GCM" => Refused(Reason::MetadataEncryption),
    introspection_signed_response_alg: "ES256" => Dropped,
    introspection_encrypted_response_alg: "ECDH-ES" => Refused(Reason::MetadataEncryption),
    introspection_encrypted_response_enc: "A256GCM" => Refused(Reason::MetadataEncryption),
    userinfo_signed_response_alg: "RS256" => Refused(Reason::MetadataUserinfoAlg),
    userinfo_encrypted_response_alg: "ECDH-ES" => Refused(Reason::MetadataEncryption),
    userinfo_encrypted_response_enc: "A256GCM" => Refused(Reason::MetadataEncryption),
    default_max_age: 3600 => Kept,
    require_auth_time: true => Kept,
    default_acr_values: ["urn:example:silver"] => Kept,
    authorization_details_types: ["payment"] => Dropped,
    software_id: "4NRB1" => Kept,
    software_version: "2.1" => Kept,
}

/// Signs in by the code flow, with ES256 alone; `more` turns on what else there is.
fn provider(more: impl FnOnce(ProviderBuilder) -> ProviderBuilder) -> Provider {
    let issuer = "https://op.example".parse().unwrap();
    let config = Config::new(issuer).with_default_audience(["https://api.example"]);
    let stores = Arc::new(MemoryStore::new());
    let keyring = Keyring::generate(&[SigningAlg::Es256]).unwrap();
    let secrets = SystemSecrets::generate(&OsEntropy).unwrap();
    let builder =
        Provider::builder(config, Stores::of(stores.clone()).with_registry(stores), keyring, secrets)
            .accounts(Arc::new(AccountTable::default()))
            .with_authorization_code()
            .with_registration(Registration::open());
    more(builder).build().unwrap()
}

/// Registers a client of this member beside what it needs.
fn register(provider: &Provider, name: &str, value: &Value) -> Result<ClientInformation> {
    let mut members = Map::from_iter([("redirect_uris".to_owned(), json!(["https://rp.example/cb"]))]);
    members.insert(name.to_owned(), value.clone());
    block_on(provider.register(None, &members))
}

/// attack 213: no member is kept and told that nobody has looked at.
#[test]
fn each_member_has_a_fate_where_nothing_is_on() {
    let bare = provider(|builder| builder);
    for (name, value, fate) in members() {
        let met = match register(&bare, name, &value) {
            Ok(told) if told.to_json().get(name) == Some(&value) => Kept,
            Ok(_) => Dropped,
            Err(error) => Refused(error.reason()),
        };
        assert_eq!(met, fate, "{name}");
    }
}

#[test]
fn each_member_that_is_malformed_has_a_reason_of_its_own() {
    let bare = provider(|builder| builder);
    for (name, ..) in members() {
        let reason =
            register(&bare, name, &json!({ "of": [1] })).map_err(|error| error.reason()).unwrap_err();
        assert!(
            reason.wire().0.status() == 400 && reason != Reason::MetadataInconsistent,
            "{name}: {reason:?}"
        );
    }
}

#[test]
fn the_members_are_all_that_metadata_are_written_as() {
    let all: Map<String, Value> =
        members().into_iter().map(|(name, value, _)| (name.to_owned(), value)).collect();
    let read: ClientMetadata = serde_json::from_value(Value::Object(all.clone())).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), Value::Object(all));
}

/// JARM section 3, RFC 9701 section 6: the default is RS256, and a client must be told of any other.
#[test]
fn a_client_is_told_by_what_its_answers_are_signed() {
    let on = provider(|builder| {
        builder.with_jarm().with_client_credentials().with_introspection().with_introspection_jwt()
    });
    let names = ["authorization_signed_response_alg", "introspection_signed_response_alg"];
    let told = register(&on, "contacts", &json!(["ops@rp.example"])).unwrap().to_json();
    assert_eq!(names.map(|name| &told[name]), ["ES256"; 2]);
    for (name, reason) in
        names.into_iter().zip([Reason::MetadataAuthorizationAlg, Reason::MetadataIntrospectionAlg])
    {
        assert_eq!(register(&on, name, &json!("ES256")).unwrap().to_json()[name], "ES256");
        assert_eq!(register(&on, name, &json!("RS256")).unwrap_err().reason(), reason);
    }
}
