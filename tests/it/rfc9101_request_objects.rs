//! RFC 9101 sections 4, 5.1, 6 and 10: signed request objects by value.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use vouchsafe::client::{Client, ClientAuthMethod, ClientMetadata, RequestObjectAlg};
use vouchsafe::error::Reason;
use vouchsafe::event::Endpoint;
use vouchsafe::jose::{JoseSigner, JwkSet, MacAlg, Signer, SigningAlg};
use vouchsafe::provider::{OuterParameters, RequestObjectAudience, RequestObjectRules, RequestObjectType};
use vouchsafe::testing::{
    AuthorizeForm, Harness, Visit, authorize_form, client_key, object_form, signed_object, unsigned_object,
};
use vouchsafe::types::{ClientId, Prompt, RedirectUri};
use vouchsafe::wire::HttpErrorKind;

use crate::mutation::{Draft, Keeps, Mutation, Table, accepted, refused, strange_key};

const TYPE: &str = "oauth-authz-req+jwt";

fn harness() -> Harness {
    Harness::builder().request_objects().build()
}

fn ruled(rules: RequestObjectRules) -> Harness {
    Harness::builder().request_objects().config(|config| config.request_objects = rules).build()
}

fn jar() -> AuthorizeForm {
    authorize_form().client("jar")
}

/// A request whose plain parameters say where an error may go.
fn beside(object: impl Into<String>) -> AuthorizeForm {
    jar().set("request", object)
}

fn ask(h: &Harness, change: impl FnOnce(&mut Value)) -> Visit<'_> {
    let mut claims = h.object_claims(&jar());
    change(&mut claims);
    h.authorize(&beside(h.request_object(&claims)))
}

fn drop_claim(claims: &mut Value, name: &str) {
    claims.as_object_mut().unwrap().remove(name);
}

fn registered(id: &str, change: impl FnOnce(ClientMetadata) -> ClientMetadata) -> Client {
    let uri = RedirectUri::register(&format!("https://{id}.example/cb")).unwrap();
    let metadata = change(ClientMetadata::code_flow([uri])).with_auth_method(ClientAuthMethod::None);
    Client::builder(ClientId::new(id).unwrap(), metadata).build().unwrap()
}

fn keys(signer: &dyn Signer) -> JwkSet {
    JwkSet::register(&json!({ "keys": [signer.public_key().to_value()] })).unwrap()
}

#[test]
fn a_signed_request_needs_nothing_beside_it_but_its_client() {
    let h = harness();
    let object = h.request_object(&h.object_claims(&jar().scope("openid email")));
    let visit = h.authorize(&object_form("jar", object));
    let request = visit.pending().request();
    assert_eq!(request.scope.as_str(), "openid email");
    assert_eq!(request.nonce.as_deref(), Some("n-0S6_WzA2Mj"));
    assert_eq!(visit.pending().redirect_uri().as_str(), "https://jar.example/cb");
    let landing = visit.approved_by("alice").landing();
    assert_eq!(landing.value("state"), "af0ifjsldkj");
    assert!(landing.params.one("code").unwrap().is_some());
}

/// The request is the same as if it had been sent in the clear: later code cannot tell where it came from.
#[test]
fn a_request_object_and_plain_parameters_are_one_request() {
    let h = harness();
    let form =
        jar().scope("openid profile").set("max_age", "3600").set("claims", r#"{"userinfo":{"name":null}}"#);
    let plain = h.authorize(&form);
    let object = h.authorize(&object_form("jar", h.request_object(&h.object_claims(&form))));
    assert_eq!(plain.pending().request(), object.pending().request());
}

/// Requests of the client `jar` whose plain parameters say where an error may go, by way of the browser and pushed.
fn run(rows: &[Mutation]) {
    let h = Harness::builder().request_objects().pushed_requests().build();
    for (endpoint, statuses) in
        [(Endpoint::Authorization, &[303, 400][..]), (Endpoint::PushedAuthorization, &[400][..])]
    {
        let (errors, keeps) = (&["invalid_request_object"], Keeps::Everything);
        let table = Table { harness: &h, endpoint, statuses, errors, keeps };
        table.run(|| Draft::of_object(&h, jar().to_push(), h.object_claims(&jar())), rows);
    }
}

/// attack 69, attack 73, attack 74, attack 76, attack 77, attack 81
#[test]
fn one_wrong_claim_refuses_the_object() {
    use Reason::{
        RequestObjectAssertion, RequestObjectAudience, RequestObjectClient, RequestObjectIssuer,
        RequestObjectNested, RequestObjectParameter, RequestObjectResponseType, RequestObjectTimes,
    };

    run(&[
        refused("aud: other", |draft| draft.claim("aud", "https://other.example"), RequestObjectAudience),
        refused("aud: nobody", |draft| draft.claim("aud", json!([])), RequestObjectAudience),
        refused("aud: a number", |draft| draft.claim("aud", 7), RequestObjectAudience),
        refused("aud: missing", |draft| draft.without("aud"), RequestObjectAudience),
        refused("iss: another client", |draft| draft.claim("iss", "web"), RequestObjectIssuer),
        refused("iss: null", |draft| draft.claim("iss", Value::Null), RequestObjectIssuer),
        // Two clients may share keys: a signed object that names neither could be sent as the other's.
        refused("no client", |draft| draft.without("iss").without("client_id"), RequestObjectIssuer),
        refused("sub: the client", |draft| draft.claim("sub", "jar"), RequestObjectAssertion),
        // Who asks is in doubt, so that nobody is told.
        refused("client_id: other", |draft| draft.claim("client_id", "web"), RequestObjectClient),
        refused("client_id: a number", |draft| draft.claim("client_id", 1), RequestObjectClient),
        refused("exp: past", |draft| draft.at("exp", -11), RequestObjectTimes),
        refused("exp: a text", |draft| draft.claim("exp", "soon"), RequestObjectTimes),
        refused("nbf: to come", |draft| draft.at("nbf", 61), RequestObjectTimes),
        refused("iat: to come", |draft| draft.at("iat", 61), RequestObjectTimes),
        refused("iat: negative", |draft| draft.claim("iat", -1), RequestObjectTimes),
        refused("request", |draft| draft.claim("request", "a.b.c"), RequestObjectNested),
        refused(
            "request_uri",
            |draft| draft.claim("request_uri", "https://jar.example/request"),
            RequestObjectNested,
        ),
        refused(
            "response_type: not that beside it",
            |draft| draft.claim("response_type", "token"),
            RequestObjectResponseType,
        ),
        refused("state: an object", |draft| draft.claim("state", json!({ "a": 1 })), RequestObjectParameter),
        refused("scope: a list", |draft| draft.claim("scope", json!(["openid"])), RequestObjectParameter),
        refused("nonce: NUL", |draft| draft.claim("nonce", "n\u{0}"), RequestObjectParameter),
        refused("max_age: a fraction", |draft| draft.claim("max_age", 1.5), RequestObjectParameter),
    ]);
}

/// attack 72: clocks differ a little.
#[test]
fn what_may_differ_is_accepted() {
    run(&[
        accepted("nbf: 8 seconds ahead", |draft| draft.at("nbf", 8)),
        accepted("iat: 8 seconds ahead", |draft| draft.at("iat", 8)),
        accepted("exp: just past", |draft| draft.at("exp", -9)),
        accepted("aud: others too", |draft| {
            draft.claim("aud", json!(["https://other.example", "https://op.example"]))
        }),
        accepted("sub: a person", |draft| draft.claim("sub", "alice")),
        accepted("jti", |draft| draft.claim("jti", "x")),
        accepted("an unknown claim", |draft| draft.claim("unknown", json!({ "a": [1] }))),
        accepted("no iss", |draft| draft.without("iss")),
        accepted("no exp", |draft| draft.without("exp")),
        accepted("no nbf", |draft| draft.without("nbf")),
        accepted("no iat", |draft| draft.without("iat")),
        accepted("no client_id", |draft| draft.without("client_id")),
        accepted("no response_type", |draft| draft.without("response_type")),
        accepted("typ: JWT", |draft| draft.header("typ", "JWT")),
        accepted("no typ", |draft| draft.without_header("typ")),
    ]);
}

/// attack 68, attack 69, attack 79: what the header may say is the provider's to choose.
#[test]
fn a_token_of_another_form_is_no_request_object() {
    use Reason::{
        RequestObjectAlgorithm, RequestObjectEncrypted, RequestObjectMalformed, RequestObjectSignature,
        RequestObjectType, RequestObjectUnsigned,
    };

    run(&[
        refused("none", |draft| draft.unsigned(), RequestObjectUnsigned),
        refused("none, signed", |draft| draft.header("alg", "none"), RequestObjectAlgorithm),
        refused("HS256", |draft| draft.mac_by_public_key(MacAlg::Hs256), RequestObjectAlgorithm),
        refused("RS384", |draft| draft.header("alg", "RS384"), RequestObjectAlgorithm),
        refused("altered", |draft| draft.altered(), RequestObjectSignature),
        refused("by another key", |draft| draft.by(&strange_key()), RequestObjectSignature),
        refused(
            "by a key that it brings",
            |draft| draft.by(&strange_key()).header("jwk", strange_key().public_key().to_value()),
            RequestObjectSignature,
        ),
        refused("crit", |draft| draft.header("crit", json!(["x"])), RequestObjectMalformed),
        refused(
            "typ: an assertion",
            |draft| draft.header("typ", "client-authentication+jwt"),
            RequestObjectType,
        ),
        refused("typ: an access token", |draft| draft.header("typ", "at+jwt"), RequestObjectType),
        refused(
            "a list of claims",
            |draft| draft.text(|_| signed_object(TYPE, &json!([]), &*client_key())),
            RequestObjectMalformed,
        ),
        refused("no JWT", |draft| draft.text(|_| "x".to_owned()), RequestObjectMalformed),
        refused("nothing but dots", |draft| draft.text(|_| "..".to_owned()), RequestObjectMalformed),
        refused("no base64", |draft| draft.text(|_| "a.b.".to_owned()), RequestObjectMalformed),
        refused("four dots", |draft| draft.text(|_| "....".to_owned()), RequestObjectEncrypted),
        refused(
            "encrypted",
            |draft| {
                let header = json!({ "alg": "dir", "enc": "A128GCM", "zip": "DEF" }).to_string();
                draft.text(|_| format!("{}..AA.AA.AA", BASE64_URL_SAFE_NO_PAD.encode(header)))
            },
            RequestObjectEncrypted,
        ),
    ]);
}

/// attack 77: what was signed for something else, by the client or for it.
#[test]
fn an_assertion_or_an_id_token_is_no_request_object() {
    let h = harness();
    let assertion = h.client_assertion(&h.assertion_claims("jar"));
    h.authorize(&beside(assertion)).returned(Reason::RequestObjectAssertion);
    let id_token = h.tokens(&authorize_form(), "alice").id_token.unwrap();
    h.authorize(&beside(id_token)).returned(Reason::RequestObjectSignature);
}

/// attack 69: the algorithm is the registered one, whatever else would verify.
#[test]
fn a_registered_algorithm_is_the_only_one() {
    let (rsa, client) = (JoseSigner::generate(SigningAlg::Ps256).unwrap(), client_key());
    let both = json!({ "keys": [rsa.public_key().to_value(), client.public_key().to_value()] });
    let pinned = registered("jar", |metadata| {
        metadata
            .with_jwks(JwkSet::register(&both).unwrap())
            .with_request_object_alg(RequestObjectAlg::Signed(SigningAlg::Ps256))
    });
    let h = Harness::builder().request_objects().client(pinned).build();
    let claims = h.object_claims(&jar());
    h.authorize(&beside(signed_object(TYPE, &claims, &rsa))).waits();
    h.authorize(&beside(h.request_object(&claims))).returned(Reason::RequestObjectAlgorithm);
}

/// attack 81: inside wins, and what is outside alone does not count.
#[test]
fn parameters_beside_the_object_do_not_count() {
    let h = harness();
    let object = h.request_object(&h.object_claims(&jar()));
    let form = beside(object).scope("openid email write").set("state", "outer").set("nonce", "outer");
    let visit = h.authorize(
        &form.prompt("login").set("login_hint", "mallory").set("resource", "https://files.example"),
    );
    let request = visit.pending().request();
    assert_eq!((request.scope.as_str(), request.nonce.as_deref()), ("openid", Some("n-0S6_WzA2Mj")));
    assert!(
        !request.prompt.contains(Prompt::Login)
            && request.login_hint.is_none()
            && request.resources.is_empty()
    );
    assert_eq!(visit.approved_by("alice").landing().value("state"), "af0ifjsldkj");
}

/// The response goes where the object says, or nowhere.
#[test]
fn a_redirect_uri_beside_the_object_is_never_used() {
    let uris = ["https://jar.example/cb", "https://jar.example/other"]
        .map(|uri| RedirectUri::register(uri).unwrap());
    let mut metadata = ClientMetadata::code_flow(uris).with_auth_method(ClientAuthMethod::None);
    metadata.jwks = Some(keys(&*client_key()));
    let client = Client::builder(ClientId::new("jar").unwrap(), metadata).build().unwrap();
    let h = Harness::builder().request_objects().client(client).build();
    let other = |object| beside(object).set("redirect_uri", "https://jar.example/other");
    let mut claims = h.object_claims(&jar());
    let inner = h.authorize(&other(h.request_object(&claims)));
    assert_eq!(inner.pending().redirect_uri().as_str(), "https://jar.example/cb");
    h.authorize(&beside(h.request_object(&claims)).set("redirect_uri", "https://evil.example/")).waits();
    drop_claim(&mut claims, "redirect_uri");
    h.authorize(&other(h.request_object(&claims))).shown(Reason::RedirectUriMissing);
    claims["redirect_uri"] = json!("https://evil.example/");
    h.authorize(&other(h.request_object(&claims))).shown(Reason::RedirectUriNotRegistered);
    claims["redirect_uri"] = json!(["https://jar.example/cb"]);
    h.authorize(&other(h.request_object(&claims))).returned(Reason::RequestObjectParameter);
}

/// An object that is not accepted says nothing about where its error may go.
#[test]
fn an_error_of_the_object_goes_to_a_registered_address_beside_it_or_is_shown() {
    let h = harness();
    let object = unsigned_object(&h.object_claims(&jar()));
    h.authorize(&object_form("jar", object.clone())).shown(Reason::RequestObjectUnsigned);
    let evil = beside(object.clone()).set("redirect_uri", "https://evil.example/");
    h.authorize(&evil).shown(Reason::RequestObjectUnsigned);
    let landing = h.authorize(&beside(object).set("state", "outer")).returned(Reason::RequestObjectUnsigned);
    assert_eq!((landing.uri.as_str(), landing.value("state")), ("https://jar.example/cb", "outer"));
}

/// attack 75
#[test]
fn two_sources_of_a_request_are_shown() {
    for h in [harness(), Harness::new()] {
        let web = authorize_form().set("request", "x").set("request_uri", "https://web.example/r");
        h.authorize(&web).shown(Reason::RequestSourcesCombined);
    }
    let h = harness();
    let object = h.request_object(&h.object_claims(&jar()));
    h.authorize(&beside(object.clone()).also("request", object)).shown(Reason::ParameterRepeated);
}

#[test]
fn values_that_are_not_text_are_parameters_in_the_form_that_they_have_there() {
    let h = harness();
    let visit = ask(&h, |claims| {
        claims["max_age"] = json!(300);
        claims["claims"] = json!({ "id_token": { "auth_time": { "essential": true } } });
        claims["resource"] = json!(["https://files.example", "https://api.example"]);
    });
    let request = visit.pending().request();
    assert_eq!(request.max_age, Some(Duration::from_secs(300)));
    assert_eq!(request.resources, ["https://files.example", "https://api.example"]);
    assert_eq!(request.claims.id_token.len(), 1);
    let text = ask(&h, |claims| claims["max_age"] = json!("300"));
    assert_eq!(text.pending().request().max_age, Some(Duration::from_secs(300)));
    ask(&h, |claims| claims["resource"] = json!([1])).returned(Reason::RequestObjectParameter);
    ask(&h, |claims| claims["max_age"] = json!(true)).returned(Reason::MaxAgeMalformed);
    ask(&h, |claims| claims["claims"] = json!([])).returned(Reason::ClaimsMalformed);
    ask(&h, |claims| claims["registration"] = json!({})).returned(Reason::RegistrationUnsupported);
    ask(&h, |claims| {
        for n in 0..100 {
            claims[format!("x{n}")] = json!("y");
        }
    })
    .returned(Reason::RequestObjectParameter);
}

#[test]
fn rules_can_be_stricter_and_looser() {
    let h = ruled(RequestObjectRules::new().with_type(RequestObjectType::Explicit));
    let claims = h.object_claims(&jar());
    h.authorize(&beside(h.request_object(&claims))).waits();
    h.authorize(&beside(signed_object("JWT", &claims, &*client_key()))).returned(Reason::RequestObjectType);

    let h = ruled(RequestObjectRules::new().with_audience(RequestObjectAudience::Optional));
    ask(&h, |claims| drop_claim(claims, "aud")).waits();
    ask(&h, |claims| claims["aud"] = json!("https://other.example")).returned(Reason::RequestObjectAudience);

    let h = ruled(RequestObjectRules::new().with_outer_parameters(OuterParameters::Supplementing));
    let visit = ask(&h, |claims| {
        drop_claim(claims, "state");
        claims["nonce"] = json!("inner");
        claims["login_hint"] = json!("");
    });
    assert_eq!(visit.pending().request().nonce.as_deref(), Some("inner"));
    assert_eq!(visit.approved_by("alice").landing().value("state"), "af0ifjsldkj");
}

/// RFC 9101 section 10.5: what is protected by a signature must not be had without one.
#[test]
fn a_client_that_always_signs_is_refused_without() {
    let client = registered("jar", |metadata| {
        metadata.with_jwks(keys(&*client_key())).with_signed_request_object_required()
    });
    let h = Harness::builder().request_objects().client(client.clone()).build();
    h.authorize(&jar()).returned(Reason::RequestObjectRequired);
    let visit = h.authorize(&beside(h.request_object(&h.object_claims(&jar()))));
    let _ = visit.resumed_after(Duration::from_secs(60)).approved_by("alice").code();
    h.authorize(&beside(unsigned_object(&h.object_claims(&jar())))).returned(Reason::RequestObjectUnsigned);
    let off = Harness::builder().client(client).build();
    off.authorize(&jar()).returned(Reason::RequestObjectRequired);
    off.authorize(&beside("a.b.c")).returned(Reason::RequestObjectUnsupported);
}

/// A request that is resumed was verified when it arrived; the object may have expired since.
#[test]
fn a_request_goes_on_when_its_object_has_expired() {
    let h = harness();
    let visit = h.authorize(&object_form("jar", h.request_object(&h.object_claims(&jar()))));
    let resumed = visit.resumed_after(Duration::from_secs(600));
    assert_eq!(resumed.pending().request(), visit.pending().request());
    let _ = resumed.approved_by("alice").code();
}

/// A browser that is sent back by GET brings the object again, not what was in it.
#[test]
fn a_posted_object_stays_an_object() {
    let h = harness();
    let form = object_form("jar", h.request_object(&h.object_claims(&jar())));
    assert_eq!(h.authorize_by_post(&form).pending().request().scope.as_str(), "openid");
}

#[test]
fn keys_at_an_address_are_fetched_and_looked_up_again() {
    let h = harness();
    let remote = authorize_form().client("remote");
    let ask = |key: &dyn Signer| {
        h.authorize(&remote.clone().set("request", signed_object(TYPE, &h.object_claims(&remote), key)))
    };
    ask(&*client_key()).waits();
    let next = JoseSigner::generate(SigningAlg::Es256).unwrap();
    h.serve(vouchsafe::testing::REMOTE_JWKS_URI, &json!({ "keys": [next.public_key().to_value()] }));
    ask(&next).waits();
    ask(&*client_key()).returned(Reason::RequestObjectSignature);
    assert_eq!(h.http().take_requests().len(), 2);

    let down = harness();
    down.http().fail(vouchsafe::testing::REMOTE_JWKS_URI, HttpErrorKind::Unreachable);
    let object = down.request_object(&down.object_claims(&remote));
    down.authorize(&remote.clone().set("request", object)).returned(Reason::RequestObjectKeysUnfetched);
}

#[test]
fn a_client_without_keys_signs_nothing() {
    let h = harness();
    let web = authorize_form();
    let object = h.request_object(&h.object_claims(&web));
    h.authorize(&web.set("request", object)).returned(Reason::RequestObjectKeysMissing);
}

#[test]
fn metadata_that_contradicts_itself_cannot_be_registered() {
    let build = |change: fn(ClientMetadata) -> ClientMetadata| {
        let uri = RedirectUri::register("https://jar.example/cb").unwrap();
        let metadata = change(ClientMetadata::code_flow([uri]).with_auth_method(ClientAuthMethod::None));
        Client::builder(ClientId::new("jar").unwrap(), metadata).build().map_err(|refused| refused.member)
    };
    assert_eq!(build(|m| m.with_signed_request_object_required()).unwrap_err(), "jwks");
    assert!(build(|m| m.with_request_object_alg(RequestObjectAlg::None)).is_ok());
    assert_eq!(
        build(|m| m.with_request_object_alg(RequestObjectAlg::Signed(SigningAlg::Es256))).unwrap_err(),
        "jwks"
    );
    assert_eq!(
        build(|m| {
            let m = m.with_jwks(keys(&*client_key())).with_request_object_alg(RequestObjectAlg::None);
            m.with_signed_request_object_required()
        })
        .unwrap_err(),
        "require_signed_request_object"
    );
    for name in ["none", "ES256", "PS256"] {
        let metadata: ClientMetadata =
            serde_json::from_value(json!({ "request_object_signing_alg": name })).unwrap();
        assert_eq!(metadata.request_object_signing_alg.unwrap().as_str(), name);
    }
    for name in ["None", "HS256", ""] {
        let read = serde_json::from_value::<ClientMetadata>(json!({ "request_object_signing_alg": name }));
        assert!(read.is_err(), "{name}");
    }
}
