//! RFC 7523 sections 2.2 and 3, RFC 7521 section 4.2, OpenID Connect Core 1.0 section 9: `private_key_jwt`.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use vouchsafe::client::{Client, ClientAuthMethod, ClientMetadata};
use vouchsafe::error::Reason;
use vouchsafe::jose::{self, JoseSigner, JwkSet, Signer, SigningAlg, SigningHeader};
use vouchsafe::testing::{
    Fault, Faults, Form, Harness, TokenForm, block_on, client_form, client_key, token_form,
};
use vouchsafe::types::ClientId;

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A token request with this assertion and nothing else to authenticate it.
fn with(assertion: impl Into<String>) -> TokenForm {
    token_form("client_credentials")
        .unauthenticated()
        .set("client_assertion_type", TYPE)
        .set("client_assertion", assertion)
}

fn claims(h: &Harness) -> Value {
    h.assertion_claims("signer")
}

/// Sound claims of which one is different, signed.
fn changed(h: &Harness, name: &str, value: Value) -> String {
    let mut claims = claims(h);
    claims[name] = value;
    h.client_assertion(&claims)
}

fn without(h: &Harness, name: &str) -> String {
    let mut claims = claims(h);
    claims.as_object_mut().unwrap().remove(name);
    h.client_assertion(&claims)
}

/// A JWT of these texts, its signature made by the client's key over whatever they are.
fn forged(header: &Value, claims: &Value, signature: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(signature(signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn by_client(message: &[u8]) -> Vec<u8> {
    block_on(client_key().sign(message)).unwrap()
}

#[test]
fn a_signed_assertion_authenticates() {
    let h = Harness::new();
    h.redeem(with(h.client_assertion(&claims(&h)))).accepted();
    h.redeem(with(h.client_assertion(&claims(&h))).set("client_id", "signer")).accepted();
    h.redeem(with(forged(&json!({ "alg": "ES256" }), &claims(&h), by_client))).accepted();
    let typed = json!({ "alg": "ES256", "typ": "client-authentication+jwt" });
    h.redeem(with(forged(&typed, &claims(&h), by_client))).accepted();
}

/// attack 66, attack 92: the issuer, the token endpoint or the endpoint that is called, and nobody beside them.
#[test]
fn an_assertion_for_another_server_is_refused() {
    let h = Harness::new();
    for aud in [json!("https://op.example"), json!("https://op.example/token"), json!(["https://op.example"])]
    {
        h.redeem(with(changed(&h, "aud", aud))).accepted();
    }
    for aud in [
        json!("https://evil.example"),
        json!(["https://op.example", "https://evil.example"]),
        json!("https://op.example/"),
        json!("https://op.example/introspect"),
        json!("https://OP.example"),
        json!([]),
        json!(["https://op.example", 1]),
        json!(null),
    ] {
        h.redeem(with(changed(&h, "aud", aud))).rejected(Reason::ClientAssertionAudience).unchanged();
    }
    h.redeem(with(without(&h, "aud"))).rejected(Reason::ClientAssertionAudience).unchanged();
}

#[test]
fn an_assertion_may_name_the_endpoint_it_is_sent_to() {
    let h = Harness::new();
    let form = |aud: &str| {
        let form = client_form(Form::new().set("token", "vs_at_x")).unauthenticated();
        form.set("client_assertion_type", TYPE).set("client_assertion", changed(&h, "aud", json!(aud)))
    };
    for aud in ["https://op.example/introspect", "https://op.example/token", "https://op.example"] {
        assert_eq!(h.introspect_with(form(aud)).response.status(), 200, "{aud}");
    }
    for aud in ["https://op.example/revoke", "https://op.example/token", "https://op.example"] {
        assert_eq!(h.revoke_with(form(aud)).response.status(), 200, "{aud}");
    }
    h.revoke_with(form("https://op.example/introspect"))
        .rejected(Reason::ClientAssertionAudience)
        .unchanged();
}

/// attack 87, attack 88, attack 91: the algorithm is an asymmetric one that the provider takes, whatever the header
/// says of it.
#[test]
fn an_assertion_of_another_algorithm_is_refused() {
    let h = Harness::new();
    for alg in ["none", "None", "nOnE", "HS256", "ES256K", "RS1", ""] {
        for signature in [Vec::new(), by_client(b"x"), b"hmac with the public key".to_vec()] {
            let token = forged(&json!({ "alg": alg }), &claims(&h), |_| signature);
            let outcome = h.redeem(with(token)).unchanged();
            assert_eq!(outcome.response.status(), 401, "{alg}");
        }
    }
    for header in [json!({}), json!({ "alg": 256 }), json!({ "alg": ["ES256"] }), json!("ES256")] {
        h.redeem(with(forged(&header, &claims(&h), by_client)))
            .rejected(Reason::ClientAssertionMalformed)
            .unchanged();
    }
    let other = forged(&json!({ "alg": "ES384" }), &claims(&h), by_client);
    h.redeem(with(other)).rejected(Reason::ClientAssertionAlgorithm).unchanged();
}

#[test]
fn a_pinned_algorithm_is_the_only_one() {
    let h = Harness::new();
    let mut metadata = h.client("signer").metadata().clone();
    metadata.token_endpoint_auth_signing_alg = Some(SigningAlg::Ps256.into());
    let pinned = Client::builder(ClientId::new("signer").unwrap(), metadata).build().unwrap();
    h.store().insert_client(pinned);
    h.redeem(with(h.client_assertion(&claims(&h)))).rejected(Reason::ClientAssertionAlgorithm).unchanged();
}

/// attack 89: a key that comes with the assertion is not looked at.
#[test]
fn an_assertion_does_not_bring_its_own_key() {
    let h = Harness::new();
    let attacker = JoseSigner::generate(SigningAlg::Es256).unwrap();
    let sign = |message: &[u8]| block_on(Signer::sign(&attacker, message)).unwrap();
    let jwk = attacker.public_key().to_value();
    let kid = client_key().public_key().kid().unwrap().as_str().to_owned();
    for header in [
        json!({ "alg": "ES256", "jwk": jwk }),
        json!({ "alg": "ES256", "jku": "https://evil.example/jwks" }),
        json!({ "alg": "ES256", "x5u": "https://evil.example/cert", "x5c": ["MIIB"] }),
        json!({ "alg": "ES256", "kid": kid, "jwk": jwk }),
    ] {
        let token = forged(&header, &claims(&h), sign);
        h.redeem(with(token)).rejected(Reason::ClientAssertionSignature).unchanged();
    }
}

/// attack 90: `kid` is a name to look up and nothing more.
#[test]
fn a_kid_is_an_opaque_name() {
    let h = Harness::new();
    for kid in ["../../etc/passwd", "' OR 1=1--", "", "\u{0}"] {
        let token = forged(&json!({ "alg": "ES256", "kid": kid }), &claims(&h), by_client);
        h.redeem(with(token)).rejected(Reason::ClientAssertionSignature).unchanged();
    }
    for kid in [json!("k".repeat(257)), json!(1), json!({})] {
        let token = forged(&json!({ "alg": "ES256", "kid": kid }), &claims(&h), by_client);
        h.redeem(with(token)).rejected(Reason::ClientAssertionMalformed).unchanged();
    }
    let huge = forged(&json!({ "alg": "ES256", "kid": "k".repeat(1024 * 1024) }), &claims(&h), by_client);
    h.redeem(with(huge)).rejected(Reason::BodyTooLarge).unchanged();
}

/// attack 93
#[test]
fn an_assertion_names_one_client_twice() {
    let h = Harness::new();
    for (name, value) in [
        ("sub", json!("web")),
        ("iss", json!("web")),
        ("iss", json!(["signer", "evil"])),
        ("iss", json!("signe")),
        ("sub", json!("signer ")),
        ("iss", json!(null)),
    ] {
        let refused = h.redeem(with(changed(&h, name, value))).rejected(Reason::ClientAssertionIssuer);
        refused.unchanged();
    }
    for name in ["iss", "sub"] {
        h.redeem(with(without(&h, name))).rejected(Reason::ClientAssertionIssuer).unchanged();
    }
    let foreign = h.client_assertion(&h.assertion_claims("web"));
    h.redeem(with(foreign)).rejected(Reason::ClientMethodNotRegistered).unchanged();
    let unknown = h.client_assertion(&h.assertion_claims("nobody"));
    h.redeem(with(unknown)).rejected(Reason::ClientUnknown).unchanged();
}

/// attack 94, attack 159: times are numbers of seconds, near to now, and never a panic.
#[test]
fn an_assertion_is_of_now() {
    let h = Harness::new();
    let now = h.now().unix();
    for (name, value) in [
        ("exp", json!(1e300)),
        ("exp", json!("60")),
        ("exp", json!(null)),
        ("exp", json!(now - 300)),
        ("exp", json!(now - 10)),
        ("exp", json!(now + 311)),
        ("exp", json!(-1)),
        ("exp", json!(253_402_300_800_i64)),
        ("exp", json!(u64::MAX)),
        ("nbf", json!(1e15)),
        ("nbf", json!(now + 11)),
        ("nbf", json!("now")),
        ("iat", json!(now + 61)),
        ("iat", json!(true)),
    ] {
        let outcome = h.redeem(with(changed(&h, name, value.clone())));
        assert_eq!(outcome.response.status(), 401, "{name} {value}");
        outcome.rejected(Reason::ClientAssertionTimes).unchanged();
    }
    h.redeem(with(without(&h, "exp"))).rejected(Reason::ClientAssertionTimes).unchanged();
    for (name, value) in [("exp", json!(now - 9)), ("exp", json!(now + 310)), ("nbf", json!(now + 10))] {
        h.redeem(with(changed(&h, name, value))).accepted();
    }
}

/// attack 95: a `jti` is good once, until the assertion is refused for its age anyway.
#[test]
fn a_replayed_assertion_is_refused() {
    let h = Harness::new();
    let assertion = h.client_assertion(&claims(&h));
    h.redeem(with(&assertion)).accepted();
    h.redeem(with(&assertion)).rejected(Reason::ClientAssertionReplayed).unchanged();
    h.advance(Duration::from_secs(69));
    h.redeem(with(&assertion)).rejected(Reason::ClientAssertionReplayed).unchanged();
    h.advance(Duration::from_secs(1));
    h.redeem(with(&assertion)).rejected(Reason::ClientAssertionTimes).unchanged();
}

#[test]
fn an_assertion_needs_a_name_of_its_own() {
    let h = Harness::new();
    for jti in [json!(""), json!(1), json!("j".repeat(257)), json!(null)] {
        h.redeem(with(changed(&h, "jti", jti))).rejected(Reason::ClientAssertionId).unchanged();
    }
    h.redeem(with(without(&h, "jti"))).rejected(Reason::ClientAssertionId).unchanged();
    h.redeem(with(changed(&h, "jti", json!("j".repeat(256))))).accepted();
}

/// attack 96
#[test]
fn of_many_replays_at_once_one_is_accepted() {
    let h = Harness::new();
    let assertion = h.client_assertion(&claims(&h));
    let answers = h.redeem_at_once((0..50).map(|_| with(&assertion)).collect());
    assert_eq!(answers.iter().filter(|answer| answer.status() == 200).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status() == 401).count(), 49);
}

/// attack 97: a `jti` is used up by nobody but its client, and by no assertion that is refused.
#[test]
fn nobody_uses_up_the_identifiers_of_another() {
    let keys = json!({ "keys": [client_key().public_key().to_value()] });
    let rival = ClientMetadata::service()
        .with_auth_method(ClientAuthMethod::PrivateKeyJwt)
        .with_jwks(JwkSet::register(&keys).unwrap());
    let rival = Client::builder(ClientId::new("rival").unwrap(), rival).build().unwrap();
    let h = Harness::builder().client(rival).build();
    let mut victim = claims(&h);
    victim["jti"] = json!("the next one");
    let mut early = victim.clone();
    early["nbf"] = json!(h.now().unix() + 3600);
    h.redeem(with(h.client_assertion(&early))).rejected(Reason::ClientAssertionTimes).unchanged();
    let unsigned = forged(&json!({ "alg": "ES256" }), &victim, |_| by_client(b"something else"));
    h.redeem(with(unsigned)).rejected(Reason::ClientAssertionSignature).unchanged();
    let mut of_rival = h.assertion_claims("rival");
    of_rival["jti"] = json!("the next one");
    h.redeem(with(h.client_assertion(&of_rival))).accepted();
    h.redeem(with(h.client_assertion(&victim))).accepted();
}

/// attack 98
#[test]
fn the_type_of_an_assertion_is_named() {
    let h = Harness::new();
    let assertion = h.client_assertion(&claims(&h));
    for form in [
        with(&assertion).without("client_assertion_type"),
        with(&assertion)
            .set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"),
        with(&assertion).set("client_assertion_type", format!("{TYPE} ")),
        with(&assertion).set("client_assertion_type", ""),
    ] {
        h.redeem(form).rejected(Reason::ClientAssertionTypeWrong).unchanged();
    }
    h.redeem(with("")).rejected(Reason::ClientAssertionMissing).unchanged();
    h.redeem(with(assertion)).accepted();
}

/// attack 99: of several keys under one `kid` the fitting one is found, and no more than four are tried.
#[test]
fn keys_of_one_name_are_told_apart_by_their_kind() {
    let h = Harness::new();
    let other = JoseSigner::generate(SigningAlg::EdDsa).unwrap().public_key().clone();
    let same = |value: Value| {
        let mut value = value;
        value["kid"] = json!("one");
        value
    };
    let keys = json!({ "keys": [same(other.to_value()), same(client_key().public_key().to_value())] });
    let mut metadata = h.client("signer").metadata().clone();
    metadata.jwks = Some(JwkSet::register(&keys).unwrap());
    h.store()
        .insert_client(Client::builder(ClientId::new("signer").unwrap(), metadata.clone()).build().unwrap());
    let named = json!({ "alg": "ES256", "kid": "one" });
    h.redeem(with(forged(&named, &claims(&h), by_client))).accepted();
    let strangers =
        (0..4).map(|_| same(JoseSigner::generate(SigningAlg::Es256).unwrap().public_key().to_value()));
    let mut crowd: Vec<Value> = strangers.collect();
    crowd.push(same(client_key().public_key().to_value()));
    metadata.jwks = Some(JwkSet::register(&json!({ "keys": crowd })).unwrap());
    h.store().insert_client(Client::builder(ClientId::new("signer").unwrap(), metadata).build().unwrap());
    h.redeem(with(forged(&named, &claims(&h), by_client)))
        .rejected(Reason::ClientAssertionSignature)
        .unchanged();
}

/// attack 100: a key that signs for anybody is none to register.
#[test]
fn a_weak_key_cannot_be_registered() {
    let weak = |n: usize, e: &str| {
        let n = BASE64_URL_SAFE_NO_PAD.encode(vec![0xc1; n]);
        json!({ "keys": [{ "kty": "RSA", "n": n, "e": e }] })
    };
    for keys in [
        weak(128, "AQAB"),
        weak(256, "AQ"),
        json!({ "keys": [{ "kty": "oct", "k": "c2hvcnQ" }] }),
        json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": "AQ".repeat(22), "y": "AQ".repeat(22) }] }),
    ] {
        assert!(JwkSet::register(&keys).is_err(), "{keys}");
    }
}

/// attack 77, attack 161: what was signed for something else is no assertion.
#[test]
fn a_token_of_another_type_is_no_assertion() {
    let h = Harness::new();
    for typ in ["at+jwt", "oauth-authz-req+jwt", "logout+jwt", "dpop+jwt"] {
        let header = SigningHeader::typed(typ);
        let payload = claims(&h).to_string();
        let token = block_on(jose::sign(&header, payload.as_bytes(), &*client_key())).unwrap();
        h.redeem(with(token)).rejected(Reason::ClientAssertionMalformed).unchanged();
    }
}

/// attack 182, by analogy: where replays cannot be told, nobody is let in.
#[test]
fn a_replay_store_that_is_down_lets_nobody_in() {
    let faults = Faults::new();
    let stores = faults.clone();
    let h = Harness::builder().stores(move |memory| stores.stores(memory)).build();
    faults.break_verb("first_use", Fault::Unavailable);
    let outcome =
        h.redeem(token_form("client_credentials").client("signer")).rejected(Reason::StoreUnavailable);
    assert_eq!((outcome.response.status().as_u16(), outcome.header("retry-after")), (503, Some("1")));
    faults.mend();
    h.redeem(token_form("client_credentials").client("signer")).accepted();
}
