//! OpenID Connect Core 1.0 sections 9 and 10.1, RFC 7518 section 3.2: `client_secret_jwt`.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use vouchsafe::client::{Client, ClientAssertionAlg, ClientAuthMethod, ClientMetadata, ClientSecret};
use vouchsafe::error::Reason;
use vouchsafe::event::Endpoint;
use vouchsafe::jose::{Jwk, JwkSet, MacAlg, SigningAlg};
use vouchsafe::provider::{BuildError, Config, Provider, Registration};
use vouchsafe::secret::Secret;
use vouchsafe::store::Stores;
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::testing::{
    Harness, HarnessBuilder, ISSUER, TokenForm, client_key, keyring, mac_jwt, token_form,
};
use vouchsafe::types::{ClientId, Scope};

use crate::mutation::{Draft, Keeps, Table};
use crate::rfc7523_client_assertion::{AUDIENCES, ISSUERS, NAMES, TIMES};
use crate::rfc7591_registration::{register, send, with};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn id() -> ClientId {
    ClientId::new("mac").unwrap()
}

fn metadata() -> ClientMetadata {
    let scope = Scope::parse("read write").unwrap();
    ClientMetadata::service().with_scope(scope).with_auth_method(ClientAuthMethod::ClientSecretJwt)
}

fn built(metadata: ClientMetadata) -> HarnessBuilder {
    Harness::builder()
        .confidential(Client::builder(id(), metadata))
        .provider(|builder| builder.with_client_secret_jwt())
}

fn harness() -> Harness {
    built(metadata()).build()
}

/// A token request with this assertion and nothing else to authenticate it.
fn by(assertion: impl Into<String>) -> TokenForm {
    token_form("client_credentials")
        .unauthenticated()
        .set("client_assertion_type", TYPE)
        .set("client_assertion", assertion)
}

/// Sound claims with a MAC of this algorithm by this key.
fn of(h: &Harness, alg: MacAlg, key: &[u8]) -> TokenForm {
    by(mac_jwt(&json!({ "alg": alg.as_str() }), &h.assertion_claims("mac"), (alg, key)))
}

#[test]
fn a_mac_by_the_secret_authenticates() {
    let h = harness();
    h.redeem(token_form("client_credentials").client("mac")).accepted();
    let key = h.client_secret("mac").as_bytes().to_vec();
    for alg in MacAlg::ALL {
        h.redeem(of(&h, *alg, &key)).accepted();
    }
    let form = of(&h, MacAlg::Hs256, &key).set("client_id", "mac");
    h.redeem(form).accepted();
    h.redeem(of(&h, MacAlg::Hs256, &key).set("client_id", "web")).rejected(Reason::ClientIdMismatch);
}

/// attack 86: it is off until a call, and nothing but the registered method authenticates.
#[test]
fn it_is_off_by_default_and_the_registered_method_alone_counts() {
    let off = Harness::builder().confidential(Client::builder(id(), metadata())).build();
    let refused = off.redeem(token_form("client_credentials").client("mac"));
    refused.rejected(Reason::ClientMethodNotRegistered).unchanged();
    let h = harness();
    let secret = h.client_secret("mac").to_owned();
    let basic = token_form("client_credentials").basic("mac", &secret);
    h.redeem(basic).rejected(Reason::ClientMethodNotRegistered).unchanged();
    let post = token_form("client_credentials").unauthenticated();
    let post = post.set("client_id", "mac").set("client_secret", &secret);
    h.redeem(post).rejected(Reason::ClientMethodNotRegistered).unchanged();
    let web = h.client_secret("web").as_bytes().to_vec();
    let header = json!({ "alg": "HS256" });
    let of_web = mac_jwt(&header, &h.assertion_claims("web"), (MacAlg::Hs256, &web));
    h.redeem(by(of_web)).rejected(Reason::ClientMethodNotRegistered).unchanged();
}

#[test]
fn it_needs_somewhere_to_keep_what_was_used() {
    let store = std::sync::Arc::new(MemoryStore::new());
    let h = Harness::new();
    let config = Config::new(ISSUER.parse().unwrap());
    let builder = Provider::builder(config, Stores::of(store), keyring(), h.system_secrets().clone());
    let refused = builder.with_client_credentials().with_client_secret_jwt().build().unwrap_err();
    assert_eq!(refused, BuildError::Needs { feature: "client_secret_jwt", port: "ReplayStore" });
}

/// attack 88: a public key, in whatever form, is no key of a MAC; a client that signs is never verified by
/// one.
#[test]
fn a_public_key_never_verifies_a_mac() {
    let h = harness();
    let key = client_key();
    let jwk: &Jwk = key.public_key();
    let value = jwk.to_value();
    let keys = [
        value.to_string().into_bytes(),
        json!({ "keys": [value] }).to_string().into_bytes(),
        jwk.thumbprint().into_bytes(),
        value["x"].as_str().unwrap().as_bytes().to_vec(),
        Vec::new(),
    ];
    for key in keys {
        for alg in MacAlg::ALL {
            let header = json!({ "alg": alg.as_str(), "kid": value["kid"], "jwk": value });
            let forged = mac_jwt(&header, &h.assertion_claims("signer"), (*alg, &key));
            h.redeem(by(forged)).rejected(Reason::ClientMethodNotRegistered).unchanged();
            let forged = mac_jwt(&header, &h.assertion_claims("mac"), (*alg, &key));
            h.redeem(by(forged)).rejected(Reason::ClientAssertionSignature).unchanged();
        }
    }
}

/// attack 88, attack 91: a signature by a key that the client has registered besides is no MAC either.
#[test]
fn a_signature_is_no_mac() {
    let keys = json!({ "keys": [client_key().public_key().to_value()] });
    let h = built(metadata().with_jwks(JwkSet::register(&keys).unwrap())).build();
    let signed = h.client_assertion(&h.assertion_claims("mac"));
    h.redeem(by(signed)).rejected(Reason::ClientMethodNotRegistered).unchanged();
}

/// attack 87, attack 91: the algorithm is a MAC, and the registered one where there is one.
#[test]
fn the_algorithm_is_a_mac_and_the_registered_one() {
    let h = harness();
    let key = h.client_secret("mac").as_bytes().to_vec();
    for alg in ["none", "None", "hs256", "HS1", "HS256 ", "ES256", "RS256", ""] {
        let forged = mac_jwt(&json!({ "alg": alg }), &h.assertion_claims("mac"), (MacAlg::Hs256, &key));
        let outcome = h.redeem(by(forged)).unchanged();
        assert_eq!(outcome.response.status(), 401, "{alg}");
    }
    let other = mac_jwt(&json!({ "alg": "HS512" }), &h.assertion_claims("mac"), (MacAlg::Hs256, &key));
    h.redeem(by(other)).rejected(Reason::ClientAssertionSignature).unchanged();
    let h = built(metadata().with_assertion_alg(MacAlg::Hs384)).build();
    let key = h.client_secret("mac").as_bytes().to_vec();
    h.redeem(of(&h, MacAlg::Hs384, &key)).accepted();
    for alg in [MacAlg::Hs256, MacAlg::Hs512] {
        h.redeem(of(&h, alg, &key)).rejected(Reason::ClientAssertionAlgorithm).unchanged();
    }
}

#[test]
fn the_registered_algorithm_is_of_the_kind_that_the_method_needs() {
    let refused = |metadata: ClientMetadata| {
        let h = Harness::new();
        let method = &metadata.token_endpoint_auth_method;
        let made = ClientSecret::generate_for(&id(), method, h.system_secrets(), h.entropy());
        Client::builder(id(), metadata).secret(made.unwrap().1).build().unwrap_err().member
    };
    let signed = metadata().with_assertion_alg(SigningAlg::Es256);
    assert_eq!(refused(signed), "token_endpoint_auth_signing_alg");
    let keys = json!({ "keys": [client_key().public_key().to_value()] });
    let mac = ClientMetadata::service()
        .with_auth_method(ClientAuthMethod::PrivateKeyJwt)
        .with_jwks(JwkSet::register(&keys).unwrap())
        .with_assertion_alg(MacAlg::Hs256);
    assert_eq!(refused(mac), "token_endpoint_auth_signing_alg");
    let read = |name: &str| serde_json::from_value::<ClientAssertionAlg>(name.into()).ok();
    assert_eq!(read("HS512"), Some(MacAlg::Hs512.into()));
    assert_eq!(read("PS256"), Some(SigningAlg::Ps256.into()));
    assert_eq!(read("none"), None);
}

/// attack 100: a secret that is shorter than the hash makes no MAC of it.
#[test]
fn a_secret_makes_macs_of_the_hashes_that_it_is_as_long_as() {
    let h = harness();
    let secret = Secret::new("0123456789abcdefghijklmnopqrstuvwxyz");
    let sealed = ClientSecret::seal(&id(), h.system_secrets(), h.entropy(), &secret).unwrap();
    h.store().insert_client(Client::builder(id(), metadata()).secret(sealed).build().unwrap());
    let key = secret.expose().as_bytes();
    h.redeem(of(&h, MacAlg::Hs256, key)).accepted();
    for alg in [MacAlg::Hs384, MacAlg::Hs512] {
        h.redeem(of(&h, alg, key)).rejected(Reason::ClientAssertionSignature).unchanged();
    }
}

#[test]
fn every_live_secret_authenticates_and_no_expired_one() {
    let h = harness();
    let made =
        |text: &str| ClientSecret::seal(&id(), h.system_secrets(), h.entropy(), &Secret::new(text)).unwrap();
    let (old, new) =
        ("the old secret, of forty characters or so", "the new secret, of forty characters or so");
    let expiring = made(old).with_expiry(h.now().plus(Duration::from_secs(60)));
    let client = Client::builder(id(), metadata()).secret(expiring).secret(made(new));
    h.store().insert_client(client.build().unwrap());
    for key in [old, new] {
        h.redeem(of(&h, MacAlg::Hs256, key.as_bytes())).accepted();
    }
    h.advance(Duration::from_secs(60));
    h.redeem(of(&h, MacAlg::Hs256, new.as_bytes())).accepted();
    let refused = h.redeem(of(&h, MacAlg::Hs256, old.as_bytes()));
    refused.rejected(Reason::ClientAssertionSignature).unchanged();
}

/// attack 92, attack 93, attack 94: the claims are held against the same rules as those of a signed
/// assertion.
#[test]
fn the_rules_of_assertions_hold() {
    let h = harness();
    let (statuses, errors, keeps) = (&[401], &["invalid_client"], Keeps::Everything);
    let table = Table { harness: &h, endpoint: Endpoint::Token, statuses, errors, keeps };
    let fresh = || {
        // So that a name of before is not remembered.
        h.advance(Duration::from_secs(600));
        Draft::by_mac(&h, "mac", token_form("client_credentials"))
    };
    for rows in [AUDIENCES, ISSUERS, NAMES, TIMES] {
        table.run(fresh, rows);
    }
}

/// attack 95, attack 96, attack 97: an assertion is good once, and only a sound one uses up its name.
#[test]
fn a_mac_is_good_once() {
    let h = harness();
    let claims = h.assertion_claims("mac");
    let forged = mac_jwt(&json!({ "alg": "HS256" }), &claims, (MacAlg::Hs256, &[b'k'; 64]));
    h.redeem(by(forged)).rejected(Reason::ClientAssertionSignature).unchanged();
    let assertion = h.mac_assertion("mac", &claims);
    h.redeem(by(&assertion)).accepted();
    h.redeem(by(&assertion)).rejected(Reason::ClientAssertionReplayed).unchanged();
    let assertion = h.mac_assertion("mac", &h.assertion_claims("mac"));
    let answers = h.redeem_at_once((0..50).map(|_| by(&assertion)).collect());
    assert_eq!(answers.iter().filter(|answer| answer.status() == 200).count(), 1);
}

/// attack 83: a MAC beside other credentials is one way too many.
#[test]
fn a_mac_stands_alone() {
    let h = harness();
    let secret = h.client_secret("mac").to_owned();
    let mac = || by(h.mac_assertion("mac", &h.assertion_claims("mac")));
    h.redeem(mac().set("client_secret", &secret)).rejected(Reason::ClientMethodsCombined).unchanged();
    let pair = BASE64_STANDARD.encode(format!("mac:{secret}"));
    let basic = mac().header("authorization", format!("Basic {pair}"));
    h.redeem(basic).rejected(Reason::ClientMethodsCombined).unchanged();
}

#[test]
fn discovery_lists_the_method_and_its_algorithms_where_it_is_on() {
    let listed = |h: &Harness| {
        let metadata = send(h, "GET", "/.well-known/openid-configuration", None, "").json();
        let methods = metadata["token_endpoint_auth_methods_supported"].as_array().unwrap().clone();
        (methods, metadata["token_endpoint_auth_signing_alg_values_supported"].clone())
    };
    let (methods, algs) = listed(&harness());
    assert!(methods.contains(&json!("client_secret_jwt")));
    assert_eq!(algs, json!(["ES256", "PS256", "EdDSA", "RS256", "HS256", "HS384", "HS512"]));
    let (methods, algs) = listed(&Harness::new());
    assert!(!methods.contains(&json!("client_secret_jwt")));
    assert_eq!(algs, json!(["ES256", "PS256", "EdDSA", "RS256"]));
}

fn registering() -> Harness {
    Harness::builder()
        .provider(|builder| {
            builder.with_client_secret_jwt().with_registration(
                Registration::open().with_grant_type(vouchsafe::types::GrantType::ClientCredentials),
            )
        })
        .build()
}

#[test]
fn a_client_registers_for_it_and_changes_to_it() {
    let h = registering();
    let asked = json!({
        "token_endpoint_auth_method": "client_secret_jwt",
        "token_endpoint_auth_signing_alg": "HS512",
        "grant_types": ["client_credentials"],
    });
    let own = register(&h, &asked).accepted().json();
    let (name, secret) = (own["client_id"].as_str().unwrap(), own["client_secret"].as_str().unwrap());
    assert_eq!(own["token_endpoint_auth_signing_alg"], "HS512");
    let header = json!({ "alg": "HS512" });
    let assertion = mac_jwt(&header, &h.assertion_claims(name), (MacAlg::Hs512, secret.as_bytes()));
    h.redeem(by(assertion)).accepted();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (uri, token) = (text(&own["registration_client_uri"]), text(&own["registration_access_token"]));
    let mut basic = json!({ "client_id": name, "grant_types": ["client_credentials"] });
    let changed = send(&h, "PUT", &uri, Some(&token), basic.to_string()).accepted().json();
    assert_ne!(changed["client_secret"], own["client_secret"], "a hashed one is made");
    let form = token_form("client_credentials").basic(name, changed["client_secret"].as_str().unwrap());
    h.redeem(form).accepted();
    basic["token_endpoint_auth_method"] = json!("client_secret_jwt");
    let token = text(&changed["registration_access_token"]);
    let again = send(&h, "PUT", &uri, Some(&token), basic.to_string()).accepted().json();
    let key = again["client_secret"].as_str().unwrap().as_bytes();
    let assertion = mac_jwt(&json!({ "alg": "HS256" }), &h.assertion_claims(name), (MacAlg::Hs256, key));
    h.redeem(by(assertion)).accepted();
    basic["client_secret"] = again["client_secret"].clone();
    let token = text(&again["registration_access_token"]);
    let kept = send(&h, "PUT", &uri, Some(&token), basic.to_string()).accepted().json();
    assert_eq!(kept["client_secret"], again["client_secret"]);
}

#[test]
fn nobody_registers_for_it_where_it_is_off_or_with_an_algorithm_of_another_kind() {
    let method = json!({ "token_endpoint_auth_method": "client_secret_jwt" });
    let off = crate::rfc7591_registration::open();
    register(&off, &with(method.clone())).rejected(Reason::MetadataAuthMethod).unchanged();
    let h = registering();
    let mut signed = with(method);
    signed["token_endpoint_auth_signing_alg"] = json!("ES256");
    register(&h, &signed).rejected(Reason::MetadataAuthSigningAlg).unchanged();
}
