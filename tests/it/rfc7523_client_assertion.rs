//! RFC 7523 sections 2.2 and 3, RFC 7521 section 4.2, OpenID Connect Core 1.0 section 9: `private_key_jwt`.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use vouchsafe::client::{Client, ClientAuthMethod, ClientMetadata, TokenDeliveryMode};
use vouchsafe::error::Reason;
use vouchsafe::event::Endpoint;
use vouchsafe::jose::{JoseSigner, JwkSet, MacAlg, SigningAlg};
use vouchsafe::testing::{
    AskingHost, Fault, Faults, Form, Harness, JwtForm, TokenForm, authorize_form, client_form, client_key,
    token_form,
};
use vouchsafe::types::{ClientId, GrantType};

use crate::mutation::{Draft, Keeps, Mutation, Table, accepted, path, refused, strange_key};

/// A token request with this assertion and nothing else to authenticate it.
fn with(assertion: impl Into<String>) -> TokenForm {
    token_form("client_credentials")
        .unauthenticated()
        .set("client_assertion_type", TYPE)
        .set("client_assertion", assertion)
}

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn claims(h: &Harness) -> Value {
    h.assertion_claims("signer")
}

/// A JWT with this header member and these claims, signed by the client.
fn headed(name: &str, value: impl Into<Value>, claims: Value) -> String {
    JwtForm::new("JWT", &client_key(), claims).header(name, value).sign()
}

/// A harness with every endpoint where clients authenticate, at all of which the client `signer` may ask for something.
pub(crate) fn everywhere() -> Harness {
    let mut metadata = Harness::new().client("signer").metadata().clone();
    metadata.grant_types.extend([GrantType::Ciba, GrantType::DeviceCode]);
    metadata.backchannel_token_delivery_mode = Some(TokenDeliveryMode::Poll);
    let signer = Client::builder(ClientId::new("signer").unwrap(), metadata).build().unwrap();
    Harness::builder().pushed_requests().backchannel(&AskingHost::new()).devices().client(signer).build()
}

/// The endpoints where clients authenticate, with a form that each takes.
pub(crate) fn endpoints() -> [(Endpoint, TokenForm); 6] {
    let token = || client_form(Form::new().set("token", "vs_at_x"));
    let pushed = authorize_form().client("signer").to_push().without("client_id");
    let asking = client_form(Form::new().set("scope", "openid").set("login_hint", "alice"));
    [
        (Endpoint::BackchannelAuthentication, asking),
        (Endpoint::DeviceAuthorization, client_form(Form::new())),
        (Endpoint::Introspection, token()),
        (Endpoint::PushedAuthorization, pushed),
        (Endpoint::Revocation, token()),
        (Endpoint::Token, token_form("client_credentials")),
    ]
}

/// Sends each row to each endpoint.
fn run(rows: &[Mutation]) {
    let h = everywhere();
    for (endpoint, form) in endpoints() {
        let (statuses, errors) = (&[400, 401], &["invalid_client", "invalid_request"]);
        let table = Table { harness: &h, endpoint, statuses, errors, keeps: Keeps::Everything };
        let fresh = || {
            // So that no request of before waits for a person.
            h.advance(Duration::from_secs(600));
            Draft::by_assertion(&h, "signer", form.clone())
        };
        table.run(fresh, rows);
    }
}

#[test]
fn a_signed_assertion_authenticates() {
    run(&[
        accepted("client_id beside it", |draft| draft.form(|form| form.set("client_id", "signer"))),
        accepted("no typ", |draft| draft.without_header("typ")),
        accepted("the typ of assertions", |draft| draft.header("typ", "client-authentication+jwt")),
        accepted("kid", |draft| draft.header("kid", client_key().public_key().kid().unwrap().as_str())),
        refused(
            "another client_id beside it",
            |draft| draft.form(|form| form.set("client_id", "web")),
            Reason::ClientIdMismatch,
        ),
    ]);
}

/// Whom an assertion may be for.
pub(crate) const AUDIENCES: &[Mutation] = {
    const REASON: Reason = Reason::ClientAssertionAudience;
    &[
        accepted("the token endpoint", |draft| draft.claim("aud", "https://op.example/token")),
        accepted("a list of the issuer", |draft| draft.claim("aud", json!(["https://op.example"]))),
        refused("another server", |draft| draft.claim("aud", "https://evil.example"), REASON),
        refused(
            "another server beside the issuer",
            |draft| draft.claim("aud", json!(["https://op.example", "https://evil.example"])),
            REASON,
        ),
        refused("a slash too many", |draft| draft.claim("aud", "https://op.example/"), REASON),
        refused("another path", |draft| draft.claim("aud", "https://op.example/userinfo"), REASON),
        refused("another case", |draft| draft.claim("aud", "https://OP.example"), REASON),
        refused("nobody", |draft| draft.claim("aud", json!([])), REASON),
        refused("a number beside it", |draft| draft.claim("aud", json!(["https://op.example", 1])), REASON),
        refused("null", |draft| draft.claim("aud", Value::Null), REASON),
        refused("missing", |draft| draft.without("aud"), REASON),
    ]
};

/// attack 66, attack 92: the issuer, the token endpoint or the endpoint that is called, and nobody beside them.
#[test]
fn an_assertion_for_another_server_is_refused() {
    run(AUDIENCES);
}

/// attack 66: an assertion for another endpoint than the token endpoint is good there alone.
#[test]
fn an_assertion_may_name_the_endpoint_it_is_sent_to() {
    let h = everywhere();
    for (endpoint, form) in endpoints() {
        let fresh = |named: Endpoint| {
            h.advance(Duration::from_secs(600));
            let draft = Draft::by_assertion(&h, "signer", form.clone());
            draft.claim("aud", format!("https://op.example{}", path(&h, named)))
        };
        let (statuses, errors, keeps) = (&[401], &["invalid_client"], Keeps::Everything);
        let table = Table { harness: &h, endpoint, statuses, errors, keeps };
        table.run(|| fresh(endpoint), &[]);
        for (other, _) in endpoints().iter().filter(|(other, _)| ![endpoint, Endpoint::Token].contains(other))
        {
            table.refuse(fresh(*other), Reason::ClientAssertionAudience);
        }
    }
}

/// attack 87, attack 88, attack 91: the algorithm is an asymmetric one that the provider takes, whatever the header
/// says of it.
#[test]
fn an_assertion_of_another_algorithm_is_refused() {
    run(&[
        refused("none", |draft| draft.unsigned(), Reason::ClientAssertionMalformed),
        refused("none, signed", |draft| draft.header("alg", "none"), Reason::ClientAssertionAlgorithm),
        refused("None", |draft| draft.unsigned().header("alg", "None"), Reason::ClientAssertionMalformed),
        refused("nOnE", |draft| draft.header("alg", "nOnE"), Reason::ClientAssertionAlgorithm),
        refused("nothing", |draft| draft.header("alg", ""), Reason::ClientAssertionAlgorithm),
        refused("missing", |draft| draft.without_header("alg"), Reason::ClientAssertionMalformed),
        refused("a number", |draft| draft.header("alg", 256), Reason::ClientAssertionMalformed),
        refused("a list", |draft| draft.header("alg", json!(["ES256"])), Reason::ClientAssertionMalformed),
        refused("HS256", |draft| draft.header("alg", "HS256"), Reason::ClientMethodNotRegistered),
        refused(
            "HS256 by the public key",
            |draft| draft.mac_by_public_key(MacAlg::Hs256),
            Reason::ClientMethodNotRegistered,
        ),
        refused("ES256K", |draft| draft.header("alg", "ES256K"), Reason::ClientAssertionAlgorithm),
        refused("RS1", |draft| draft.header("alg", "RS1"), Reason::ClientAssertionAlgorithm),
        refused("ES384", |draft| draft.header("alg", "ES384"), Reason::ClientAssertionAlgorithm),
        refused("PS256", |draft| draft.header("alg", "PS256"), Reason::ClientAssertionSignature),
        refused(
            "no header",
            |draft| draft.text(|_| "IkVTMjU2Ig.e30.AA".to_owned()),
            Reason::ClientAssertionMalformed,
        ),
        refused("no JWT", |draft| draft.text(|_| "x".to_owned()), Reason::ClientAssertionMalformed),
    ]);
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
    const REASON: Reason = Reason::ClientAssertionSignature;
    run(&[
        refused("of nobody", |draft| draft.by(&strange_key()), REASON),
        refused("altered", |draft| draft.altered(), REASON),
        refused(
            "jwk",
            |draft| draft.by(&strange_key()).header("jwk", strange_key().public_key().to_value()),
            REASON,
        ),
        refused("jku", |draft| draft.by(&strange_key()).header("jku", "https://evil.example/jwks"), REASON),
        refused(
            "x5u and x5c",
            |draft| {
                let draft = draft.by(&strange_key()).header("x5u", "https://evil.example/cert");
                draft.header("x5c", json!(["MIIB"]))
            },
            REASON,
        ),
        refused(
            "jwk under the name of the client's key",
            |draft| {
                let kid = client_key().public_key().kid().unwrap().as_str().to_owned();
                let draft = draft.by(&strange_key()).header("kid", kid);
                draft.header("jwk", strange_key().public_key().to_value())
            },
            REASON,
        ),
    ]);
}

/// attack 90: `kid` is a name to look up and nothing more.
#[test]
fn a_kid_is_an_opaque_name() {
    const UNKNOWN: Reason = Reason::ClientAssertionSignature;
    run(&[
        refused("a path", |draft| draft.header("kid", "../../etc/passwd"), UNKNOWN),
        refused("SQL", |draft| draft.header("kid", "' OR 1=1--"), UNKNOWN),
        refused("empty", |draft| draft.header("kid", ""), UNKNOWN),
        refused("NUL", |draft| draft.header("kid", "\u{0}"), UNKNOWN),
        refused("long", |draft| draft.header("kid", "k".repeat(257)), Reason::ClientAssertionMalformed),
        refused("a number", |draft| draft.header("kid", 1), Reason::ClientAssertionMalformed),
        refused("an object", |draft| draft.header("kid", json!({})), Reason::ClientAssertionMalformed),
    ]);
    let h = Harness::new();
    let huge = headed("kid", "k".repeat(1024 * 1024), claims(&h));
    h.redeem(with(huge)).rejected(Reason::BodyTooLarge).unchanged();
}

/// Whom an assertion may come from.
pub(crate) const ISSUERS: &[Mutation] = {
    const REASON: Reason = Reason::ClientAssertionIssuer;
    &[
        refused("another sub", |draft| draft.claim("sub", "web"), REASON),
        refused("another iss", |draft| draft.claim("iss", "web"), REASON),
        refused("a list", |draft| draft.claim("iss", json!(["signer", "evil"])), REASON),
        refused("a prefix", |draft| draft.claim("iss", "signe"), REASON),
        refused("a space", |draft| draft.claim("sub", "signer "), REASON),
        refused("null", |draft| draft.claim("iss", Value::Null), REASON),
        refused("no sub", |draft| draft.without("sub"), REASON),
        refused("no iss", |draft| draft.without("iss"), REASON),
        refused(
            "a client of another method",
            |draft| draft.claim("iss", "web").claim("sub", "web"),
            Reason::ClientMethodNotRegistered,
        ),
        refused(
            "a client that is none",
            |draft| draft.claim("iss", "nobody").claim("sub", "nobody"),
            Reason::ClientUnknown,
        ),
    ]
};

/// attack 93
#[test]
fn an_assertion_names_one_client_twice() {
    run(ISSUERS);
}

/// When an assertion may begin and end.
pub(crate) const TIMES: &[Mutation] = {
    const REASON: Reason = Reason::ClientAssertionTimes;
    &[
        refused("exp: huge", |draft| draft.claim("exp", 1e300), REASON),
        refused("exp: a text", |draft| draft.claim("exp", "60"), REASON),
        refused("exp: null", |draft| draft.claim("exp", Value::Null), REASON),
        refused("exp: long past", |draft| draft.at("exp", -300), REASON),
        refused("exp: just past", |draft| draft.at("exp", -10), REASON),
        refused("exp: too far ahead", |draft| draft.at("exp", 311), REASON),
        refused("exp: negative", |draft| draft.claim("exp", -1), REASON),
        refused("exp: beyond the calendar", |draft| draft.claim("exp", 253_402_300_800_i64), REASON),
        refused("exp: beyond i64", |draft| draft.claim("exp", u64::MAX), REASON),
        refused("exp: missing", |draft| draft.without("exp"), REASON),
        refused("nbf: huge", |draft| draft.claim("nbf", 1e15), REASON),
        refused("nbf: to come", |draft| draft.at("nbf", 11), REASON),
        refused("nbf: more than a minute ahead", |draft| draft.at("nbf", 61), REASON),
        refused("nbf: a text", |draft| draft.claim("nbf", "now"), REASON),
        refused("iat: to come", |draft| draft.at("iat", 61), REASON),
        refused("iat: a boolean", |draft| draft.claim("iat", true), REASON),
        accepted("exp: within the skew", |draft| draft.at("exp", -9)),
        accepted("exp: as far ahead as may be", |draft| draft.at("exp", 310)),
        accepted("nbf: 8 seconds ahead", |draft| draft.at("nbf", 8)),
        accepted("nbf: within the skew", |draft| draft.at("nbf", 10)),
        accepted("iat: 8 seconds ahead", |draft| draft.at("iat", 8)),
        accepted("iat: missing", |draft| draft.without("iat")),
    ]
};

/// attack 94, attack 159: times are numbers of seconds, near to now, and never a panic.
#[test]
fn an_assertion_is_of_now() {
    run(TIMES);
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

/// What an assertion may be called.
pub(crate) const NAMES: &[Mutation] = {
    const REASON: Reason = Reason::ClientAssertionId;
    &[
        refused("empty", |draft| draft.claim("jti", ""), REASON),
        refused("a number", |draft| draft.claim("jti", 1), REASON),
        refused("too long", |draft| draft.claim("jti", "j".repeat(257)), REASON),
        refused("null", |draft| draft.claim("jti", Value::Null), REASON),
        refused("missing", |draft| draft.without("jti"), REASON),
        accepted("as long as may be", |draft| draft.claim("jti", "j".repeat(256))),
    ]
};

#[test]
fn an_assertion_needs_a_name_of_its_own() {
    run(NAMES);
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
    let forged = JwtForm::new("JWT", &strange_key(), victim.clone()).sign();
    h.redeem(with(forged)).rejected(Reason::ClientAssertionSignature).unchanged();
    let mut of_rival = h.assertion_claims("rival");
    of_rival["jti"] = json!("the next one");
    h.redeem(with(h.client_assertion(&of_rival))).accepted();
    h.redeem(with(h.client_assertion(&victim))).accepted();
}

/// attack 98
#[test]
fn the_type_of_an_assertion_is_named() {
    const REASON: Reason = Reason::ClientAssertionTypeWrong;
    run(&[
        refused("missing", |draft| draft.form(|form| form.without("client_assertion_type")), REASON),
        refused(
            "SAML",
            |draft| {
                let saml = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer";
                draft.form(|form| form.set("client_assertion_type", saml))
            },
            REASON,
        ),
        refused(
            "a space",
            |draft| draft.form(|form| form.set("client_assertion_type", format!("{TYPE} "))),
            REASON,
        ),
        refused("empty", |draft| draft.form(|form| form.set("client_assertion_type", "")), REASON),
        refused("no assertion", |draft| draft.text(|_| String::new()), Reason::ClientAssertionMissing),
    ]);
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
    h.redeem(with(headed("kid", "one", claims(&h)))).accepted();
    let strangers =
        (0..4).map(|_| same(JoseSigner::generate(SigningAlg::Es256).unwrap().public_key().to_value()));
    let mut crowd: Vec<Value> = strangers.collect();
    crowd.push(same(client_key().public_key().to_value()));
    metadata.jwks = Some(JwkSet::register(&json!({ "keys": crowd })).unwrap());
    h.store().insert_client(Client::builder(ClientId::new("signer").unwrap(), metadata).build().unwrap());
    h.redeem(with(headed("kid", "one", claims(&h)))).rejected(Reason::ClientAssertionSignature).unchanged();
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
    const REASON: Reason = Reason::ClientAssertionMalformed;
    run(&[
        refused("an access token", |draft| draft.header("typ", "at+jwt"), REASON),
        refused("a request object", |draft| draft.header("typ", "oauth-authz-req+jwt"), REASON),
        refused("a logout token", |draft| draft.header("typ", "logout+jwt"), REASON),
        refused("a proof", |draft| draft.header("typ", "dpop+jwt"), REASON),
    ]);
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
