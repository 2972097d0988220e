//! RFC 8705 sections 2 and 5: clients authenticate by the certificates of their connections.

use std::sync::Arc;

use serde_json::{Value, json};
use vouchsafe::client::{Client, ClientAuthMethod, ClientMetadata, ClientSettings};
use vouchsafe::entropy::OsEntropy;
use vouchsafe::error::Reason;
use vouchsafe::jose::JwkSet;
use vouchsafe::proof::SubjectDn;
use vouchsafe::provider::{BuildError, Config, DpopConfig, MutualTls, Provider, Registration};
use vouchsafe::secret::SystemSecrets;
use vouchsafe::store::Stores;
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::testing::certificates::{self, der, unverified, verified};
use vouchsafe::testing::{
    DEFAULT_AUDIENCE, Form, Harness, HarnessBuilder, TokenForm, client_form, keyring, token_form,
};
use vouchsafe::types::{ClientId, FetchUrl, GrantType, Scope};
use vouchsafe::wire::ClientCertificate;

use crate::rfc7591_registration::{register, send};

/// Where certificates are asked for.
const ALIAS: &str = "https://mtls.op.example";

const SUBJECT: &str = "CN=client,O=Example\\, Inc.,C=DE";

pub(crate) fn client(id: &str, metadata: ClientMetadata) -> Client {
    let settings = ClientSettings::new().with_introspects([DEFAULT_AUDIENCE]);
    Client::builder(ClientId::new(id).unwrap(), metadata).settings(settings).build().unwrap()
}

pub(crate) fn service(method: ClientAuthMethod) -> ClientMetadata {
    ClientMetadata::service().with_scope(Scope::parse("read write").unwrap()).with_auth_method(method)
}

fn of_subject() -> ClientMetadata {
    let mut metadata = service(ClientAuthMethod::TlsClientAuth);
    metadata.tls_client_auth_subject_dn = Some(SubjectDn::parse(SUBJECT).unwrap());
    metadata
}

fn of_name() -> ClientMetadata {
    let mut metadata = service(ClientAuthMethod::TlsClientAuth);
    metadata.tls_client_auth_san_dns = Some("client.example".to_owned());
    metadata
}

fn keys() -> Value {
    let jwk: Value = serde_json::from_str(certificates::SELF_SIGNED_JWK).unwrap();
    json!({ "keys": [jwk] })
}

pub(crate) fn of_key() -> ClientMetadata {
    service(ClientAuthMethod::SelfSignedTlsClientAuth).with_jwks(JwkSet::register(&keys()).unwrap())
}

pub(crate) fn mutual_tls() -> MutualTls {
    MutualTls::new()
        .with_tls_client_auth()
        .with_self_signed_tls_client_auth()
        .with_aliases_at(ALIAS.parse().unwrap())
}

/// A harness with mutual TLS, and the clients `subject`, `name` and `key`.
pub(crate) fn builder() -> HarnessBuilder {
    Harness::builder()
        .client(client("subject", of_subject()))
        .client(client("name", of_name()))
        .client(client("key", of_key()))
        .provider(|builder| builder.with_mutual_tls(mutual_tls()))
}

fn from(client: &str, certificate: ClientCertificate) -> TokenForm {
    token_form("client_credentials").client(client).certificate(certificate)
}

#[test]
fn a_certificate_of_the_registered_subject_authenticates() {
    let h = builder().build();
    h.redeem(from("subject", verified(certificates::CLIENT))).accepted();
    h.redeem(from("name", verified(certificates::CLIENT))).accepted();
    let unnamed = token_form("client_credentials").unauthenticated();
    let refused = h.redeem(unnamed.certificate(verified(certificates::CLIENT)));
    refused.rejected(Reason::ClientCredentialsMissing).unchanged();
}

/// attack 185: another subject, a name in the common name alone, and a certificate of several names, all of
/// an authority that is trusted.
#[test]
fn a_certificate_of_another_subject_is_refused() {
    let h = builder().build();
    for (client, certificate) in [
        ("subject", certificates::OTHER),
        ("subject", certificates::COMMON_NAME),
        ("subject", certificates::SELF_SIGNED),
        ("name", certificates::OTHER),
        ("name", certificates::COMMON_NAME),
        ("name", certificates::SEVERAL_NAMES),
        ("name", certificates::NUL_IN_NAME),
    ] {
        let refused = h.redeem(from(client, verified(certificate)));
        refused.rejected(Reason::ClientCertificateSubject).unchanged();
    }
}

/// A subject counts for nothing where nobody vouches for it.
#[test]
fn a_certificate_that_nobody_verified_has_no_subject() {
    let h = builder().build();
    for client in ["subject", "name"] {
        let refused = h.redeem(from(client, unverified(certificates::CLIENT)));
        refused.rejected(Reason::ClientCertificateUnverified).unchanged();
    }
}

/// attack 187
#[test]
fn a_certificate_is_of_now() {
    let h = builder().build();
    for certificate in [certificates::EXPIRED, certificates::FUTURE] {
        for client in ["subject", "name"] {
            let refused = h.redeem(from(client, verified(certificate)));
            refused.rejected(Reason::ClientCertificateTimes).unchanged();
        }
    }
    h.advance(std::time::Duration::from_secs(97 * 366 * 24 * 60 * 60));
    let refused = h.redeem(from("subject", verified(certificates::CLIENT)));
    refused.rejected(Reason::ClientCertificateTimes).unchanged();
}

#[test]
fn a_registered_key_authenticates_in_any_certificate() {
    let h = builder().build();
    for certificate in [certificates::SELF_SIGNED, certificates::SELF_SIGNED_AGAIN] {
        h.redeem(from("key", unverified(certificate))).accepted();
        h.redeem(from("key", verified(certificate))).accepted();
    }
}

/// attack 186: the subject is that of the registered certificate, the key is not.
#[test]
fn a_certificate_of_another_key_is_refused() {
    let h = builder().build();
    for certificate in [
        certificates::SELF_SIGNED_STRANGER,
        certificates::CLIENT,
        certificates::ED25519,
        certificates::K256,
        certificates::P384,
        certificates::RSA_SHORT,
    ] {
        for presented in [unverified(certificate), verified(certificate)] {
            let refused = h.redeem(from("key", presented));
            refused.rejected(Reason::ClientCertificateKey).unchanged();
        }
    }
}

/// attack 186: the key of a handshake signs.
#[test]
fn a_key_that_is_for_encryption_authenticates_nobody() {
    let h = builder().build();
    let mut keys = keys();
    keys["keys"][0]["use"] = json!("enc");
    let metadata = of_key().with_jwks(JwkSet::register(&keys).unwrap());
    h.store().insert_client(client("key", metadata));
    let refused = h.redeem(from("key", unverified(certificates::SELF_SIGNED)));
    refused.rejected(Reason::ClientCertificateKey).unchanged();
}

#[test]
fn a_key_is_looked_for_at_the_address_that_the_client_registered() {
    let url = "https://key.example/jwks";
    let metadata = service(ClientAuthMethod::SelfSignedTlsClientAuth);
    let h = builder().build();
    h.store().insert_client(client("key", metadata.with_jwks_uri(FetchUrl::parse(url).unwrap())));
    let presented = || from("key", unverified(certificates::SELF_SIGNED));
    h.redeem(presented()).rejected(Reason::ClientKeysUnreachable).unchanged();
    h.advance(std::time::Duration::from_secs(11));
    h.serve(url, &keys());
    h.redeem(presented()).accepted();
    let stranger = from("key", unverified(certificates::SELF_SIGNED_STRANGER));
    h.redeem(stranger).rejected(Reason::ClientCertificateKey).unchanged();
}

/// attack 184: a header of the client's is no certificate, whatever proxies call it.
#[test]
fn a_header_is_no_certificate() {
    let h = builder().build();
    let encoded = certificates::CLIENT;
    let pem = format!("-----BEGIN CERTIFICATE----- {encoded} -----END CERTIFICATE-----");
    for (name, value) in [
        ("client-cert", format!(":{encoded}:")),
        ("x-ssl-cert", pem.clone()),
        ("x-forwarded-client-cert", format!("Cert=\"{encoded}\"")),
        ("x-client-cert", encoded.to_owned()),
        ("ssl-client-cert", pem.clone()),
        ("x-ssl-client-verify", "SUCCESS".to_owned()),
        ("x-ssl-client-s-dn", SUBJECT.to_owned()),
    ] {
        for client in ["subject", "name", "key"] {
            let form = token_form("client_credentials").client(client).header(name, value.clone());
            h.redeem(form).rejected(Reason::ClientCertificateMissing).unchanged();
        }
    }
}

/// attack 189
#[test]
fn what_is_no_certificate_authenticates_nobody() {
    let h = builder().build();
    let client = der(certificates::CLIENT);
    for octets in [
        Vec::new(),
        client[..client.len() - 1].to_vec(),
        client.repeat(2),
        client.repeat(100),
        vec![0x30; 1024 * 1024],
        vec![0x30, 0x88, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x30, 0x80, 0, 0],
        der(certificates::REPEATED_EXTENSION).to_vec(),
        der(certificates::VERSION_1).to_vec(),
    ] {
        for name in ["subject", "name", "key"] {
            let refused = h.redeem(from(name, ClientCertificate::verified(octets.clone())));
            refused.rejected(Reason::ClientCertificateMalformed).unchanged();
        }
    }
}

/// attack 83: a certificate is one way, and a secret or an assertion beside it another.
#[test]
fn a_certificate_stands_alone() {
    let h = builder().build();
    let presented = || from("subject", verified(certificates::CLIENT));
    let secret = presented().set("client_secret", "a secret of the attacker's");
    h.redeem(secret).rejected(Reason::ClientMethodsCombined).unchanged();
    let basic = presented().basic("subject", "a secret of the attacker's");
    h.redeem(basic).rejected(Reason::ClientMethodsCombined).unchanged();
    let assertion = h.client_assertion(&h.assertion_claims("subject"));
    let assertion = presented()
        .set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
        .set("client_assertion", assertion);
    h.redeem(assertion).rejected(Reason::ClientMethodsCombined).unchanged();
    // Without a certificate, there is but one way, and it is not the registered one.
    let basic = token_form("client_credentials").basic("subject", "a secret of the attacker's");
    h.redeem(basic).rejected(Reason::ClientMethodNotRegistered).unchanged();
}

/// attack 86: a certificate is of no use to a client of another method, and no other method to one of
/// certificates.
#[test]
fn the_registered_method_alone_authenticates() {
    let h = builder().build();
    let bare = token_form("client_credentials").unauthenticated().certificate(verified(certificates::CLIENT));
    h.redeem(bare.set("client_id", "service")).rejected(Reason::ClientMethodNotRegistered).unchanged();
    for client in ["subject", "name", "key"] {
        let refused = h.redeem(token_form("client_credentials").client(client));
        refused.rejected(Reason::ClientCertificateMissing).unchanged();
    }
    h.redeem(from("key", verified(certificates::CLIENT))).rejected(Reason::ClientCertificateKey).unchanged();
    // A connection may have a certificate that the client does not authenticate by.
    h.redeem(from("service", unverified(certificates::SELF_SIGNED))).accepted();
    h.redeem(from("signer", unverified(certificates::SELF_SIGNED))).accepted();
}

/// attack 82: whatever is wrong with a certificate, the answer is the same, to the byte.
#[test]
fn a_refusal_tells_nothing() {
    let h = builder().build();
    let mut answers = Vec::new();
    for form in [
        from("subject", verified(certificates::OTHER)),
        from("subject", verified(certificates::EXPIRED)),
        from("subject", unverified(certificates::CLIENT)),
        from("key", unverified(certificates::SELF_SIGNED_STRANGER)),
        token_form("client_credentials").client("key"),
        token_form("client_credentials").unauthenticated().set("client_id", "nobody"),
    ] {
        let outcome = h.redeem(form);
        answers.push((outcome.response.status(), outcome.response.body().clone()));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0] && answer.0 == 401), "{answers:?}");
}

#[test]
fn a_certificate_authenticates_at_every_endpoint() {
    let h = builder().build();
    let tokens = h.redeem(from("subject", verified(certificates::CLIENT))).issued();
    let form = |certificate| {
        client_form(Form::new().set("token", &tokens.access_token)).client("subject").certificate(certificate)
    };
    let refused = h.introspect_with(form(verified(certificates::OTHER)));
    refused.rejected(Reason::ClientCertificateSubject).unchanged();
    let told = h.introspect_with(form(verified(certificates::CLIENT))).accepted().json();
    assert_eq!(told["active"], true);
    let refused = h.revoke_with(form(verified(certificates::OTHER)));
    refused.rejected(Reason::ClientCertificateSubject).unchanged();
    h.revoke_with(form(verified(certificates::CLIENT))).accepted();
    assert!(!h.is_active("api", &tokens.access_token));
}

#[test]
fn each_method_is_off_until_a_call() {
    let forms = || {
        [
            ("subject", from("subject", verified(certificates::CLIENT))),
            ("key", from("key", unverified(certificates::SELF_SIGNED))),
        ]
    };
    for (mutual_tls, on) in [
        (None, [false, false]),
        (Some(MutualTls::new()), [false, false]),
        (Some(MutualTls::new().with_tls_client_auth()), [true, false]),
        (Some(MutualTls::new().with_self_signed_tls_client_auth()), [false, true]),
    ] {
        let h = Harness::builder().client(client("subject", of_subject())).client(client("key", of_key()));
        let h = h.provider(|builder| match mutual_tls {
            Some(mutual_tls) => builder.with_mutual_tls(mutual_tls),
            None => builder,
        });
        let h = h.build();
        for ((name, form), on) in forms().into_iter().zip(on) {
            match on {
                true => drop(h.redeem(form).accepted()),
                false => drop(h.redeem(form).rejected(Reason::ClientMethodNotRegistered).unchanged()),
            }
            let listed = discovery(&h)["token_endpoint_auth_methods_supported"].as_array().unwrap().clone();
            let method = h.client(name).metadata().token_endpoint_auth_method.as_str().to_owned();
            assert_eq!(listed.contains(&json!(method)), on, "{method}");
        }
    }
}

fn discovery(h: &Harness) -> Value {
    send(h, "GET", "/.well-known/openid-configuration", None, "").json()
}

/// RFC 8705 section 5: the endpoints where certificates are asked for, and no page.
#[test]
fn discovery_lists_the_aliases() {
    let registration =
        |builder: vouchsafe::provider::ProviderBuilder| builder.with_registration(Registration::open());
    let h = builder().pushed_requests().provider(registration).build();
    let metadata = discovery(&h);
    assert_eq!(metadata["tls_client_certificate_bound_access_tokens"], true);
    let aliases = json!({
        "introspection_endpoint": "https://mtls.op.example/introspect",
        "pushed_authorization_request_endpoint": "https://mtls.op.example/par",
        "revocation_endpoint": "https://mtls.op.example/revoke",
        "token_endpoint": "https://mtls.op.example/token",
        "userinfo_endpoint": "https://mtls.op.example/userinfo",
    });
    assert_eq!(metadata["mtls_endpoint_aliases"], aliases);
    assert_eq!(metadata["token_endpoint"], "https://op.example/token");
    let off = discovery(&Harness::new());
    assert!(off.get("mtls_endpoint_aliases").is_none());
    assert!(off.get("tls_client_certificate_bound_access_tokens").is_none());
    let bare = Harness::builder().provider(|builder| builder.with_mutual_tls(MutualTls::new())).build();
    assert!(discovery(&bare).get("mtls_endpoint_aliases").is_none());
}

#[test]
fn the_aliases_of_an_issuer_with_a_path_have_their_own() {
    let mutual_tls = MutualTls::new().with_aliases_at("https://mtls.op.example/a".parse().unwrap());
    let h = Harness::builder()
        .config(|config| config.issuer = "https://op.example/a".parse().unwrap())
        .provider(|builder| builder.with_mutual_tls(mutual_tls))
        .build();
    let metadata = send(&h, "GET", "/a/.well-known/openid-configuration", None, "").json();
    assert_eq!(metadata["mtls_endpoint_aliases"]["token_endpoint"], "https://mtls.op.example/a/token");
}

/// Section 5: clients would send their certificates where nothing answers, or where nobody asks for them.
#[test]
fn aliases_where_nothing_answers_are_refused() {
    let build = |alias: &str| {
        let config = Config::new("https://op.example/a".parse().unwrap());
        let secrets = SystemSecrets::generate(&OsEntropy).unwrap();
        let stores = Stores::of(Arc::new(MemoryStore::new()));
        let mutual_tls = MutualTls::new().with_aliases_at(alias.parse().unwrap());
        Provider::builder(config, stores, keyring(), secrets).with_mutual_tls(mutual_tls).build()
    };
    for alias in ["https://mtls.op.example", "https://mtls.op.example/b", "https://op.example/a"] {
        assert_eq!(build(alias).unwrap_err(), BuildError::Alias { alias: alias.to_owned() });
    }
    for alias in ["https://mtls.op.example/a", "https://op.example:8443/a"] {
        assert!(build(alias).is_ok(), "{alias}");
    }
}

/// attack 66, attack 92: an assertion, and a proof, may name the endpoint as it is called, and no other
/// place.
#[test]
fn an_endpoint_goes_by_its_alias_too() {
    let h = builder().dpop(DpopConfig::new()).build();
    let signed = |aud: &str| {
        let mut claims = h.assertion_claims("signer");
        claims["aud"] = json!(aud);
        token_form("client_credentials")
            .unauthenticated()
            .set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
            .set("client_assertion", h.client_assertion(&claims))
    };
    h.redeem(signed("https://mtls.op.example/token")).accepted();
    for aud in ["https://mtls.op.example", "https://mtls.op.example/introspect"] {
        h.redeem(signed(aud)).rejected(Reason::ClientAssertionAudience).unchanged();
    }
    let proved = |htu: &str| {
        from("service", verified(certificates::CLIENT)).proved(&h.token_proof().claim("htu", htu))
    };
    let _ = h.redeem(proved("https://mtls.op.example/token")).issued_as("DPoP");
    let _ = h.redeem(proved("https://op.example/token")).issued_as("DPoP");
    h.redeem(proved("https://mtls.op.example/userinfo")).rejected(Reason::DpopProofUri).unchanged();
    h.redeem(proved("")).rejected(Reason::DpopProofUri).unchanged();
}

fn registering() -> Harness {
    let open = Registration::open().with_grant_type(GrantType::ClientCredentials);
    builder().provider(|builder| builder.with_registration(open)).build()
}

#[test]
fn a_client_registers_for_its_certificate() {
    let h = registering();
    let of = |id: &str, certificate| {
        let form = token_form("client_credentials").unauthenticated().set("client_id", id);
        form.certificate(certificate)
    };
    let asked = json!({
        "token_endpoint_auth_method": "tls_client_auth",
        "tls_client_auth_san_dns": "client.example",
        "grant_types": ["client_credentials"],
    });
    let own = register(&h, &asked).accepted().json();
    assert_eq!(own["tls_client_auth_san_dns"], "client.example");
    assert!(own.get("client_secret").is_none());
    let id = own["client_id"].as_str().unwrap();
    h.redeem(of(id, verified(certificates::CLIENT))).accepted();
    h.redeem(of(id, verified(certificates::OTHER))).rejected(Reason::ClientCertificateSubject);
    let asked = json!({
        "token_endpoint_auth_method": "self_signed_tls_client_auth",
        "jwks": keys(),
        "grant_types": ["client_credentials"],
    });
    let own = register(&h, &asked).accepted().json();
    let id = own["client_id"].as_str().unwrap();
    h.redeem(of(id, unverified(certificates::SELF_SIGNED))).accepted();
}

#[test]
fn a_client_that_names_no_one_subject_does_not_register() {
    let h = registering();
    let sound = || {
        json!({
            "token_endpoint_auth_method": "tls_client_auth",
            "tls_client_auth_subject_dn": "CN=client",
            "grant_types": ["client_credentials"],
        })
    };
    let _ = register(&h, &sound()).accepted();
    for (name, value) in [
        ("tls_client_auth_subject_dn", json!(null)),
        ("tls_client_auth_subject_dn", json!("client")),
        ("tls_client_auth_subject_dn", json!(1)),
        ("tls_client_auth_san_dns", json!("client.example")),
        ("tls_client_auth_san_ip", json!("192.0.2.7")),
        ("tls_client_auth_san_ip", json!("192.0.2")),
        ("tls_client_auth_san_uri", json!("https://client.example/id")),
        ("tls_client_auth_san_email", json!("ops@client.example")),
    ] {
        let mut asked = sound();
        asked[name] = value;
        register(&h, &asked).rejected(Reason::MetadataCertificateSubject).unchanged();
    }
    let mut keyless = sound();
    keyless["token_endpoint_auth_method"] = json!("self_signed_tls_client_auth");
    register(&h, &keyless).rejected(Reason::MetadataJwks).unchanged();
    let off = crate::rfc7591_registration::open();
    let mut asked = sound();
    asked["grant_types"] = json!([]);
    asked["response_types"] = json!([]);
    register(&off, &asked).rejected(Reason::MetadataAuthMethod).unchanged();
}
