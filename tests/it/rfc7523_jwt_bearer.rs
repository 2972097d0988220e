//! RFC 7523 sections 2.1 and 3, RFC 7521 section 4.1: assertions of trusted issuers as authorization grants.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};
use vouchsafe::client::{Client, ClientAuthMethod, ClientMetadata, ClientSettings, Consent};
use vouchsafe::clock::Timestamp;
use vouchsafe::error::{BoxError, Reason};
use vouchsafe::event::EventKind;
use vouchsafe::jose::{
    self, AuthorizationGrantAssertion, JoseSigner, JwkSet, Signer, SigningAlg, SigningHeader,
};
use vouchsafe::provider::{BuildError, GrantFilter, Principal, Provider, Trust, TrustedIssuers};
use vouchsafe::store::Page;
use vouchsafe::testing::{
    DEFAULT_AUDIENCE, Fault, Faults, Harness, HarnessBuilder, Outcome, RESOURCE, TokenForm, block_on,
    client_key, keyring, token_form,
};
use vouchsafe::types::{
    Authentication, ClientId, Confirmation, FetchUrl, GrantType, RedirectUri, Scope, Subject,
};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const IDP: &str = "https://idp.example";
const IDP_KEYS: &str = "https://idp.example/jwks";

/// The trusts of a host, whose people go by the same names at the issuer; `robot` is the client itself.
#[derive(Debug, Default)]
struct Host {
    trusts: Mutex<Vec<Trust>>,
    fails: bool,
}

#[async_trait]
impl TrustedIssuers for Host {
    async fn trust(&self, issuer: &str, subject: &str) -> Result<Option<Trust>, BoxError> {
        if self.fails {
            return Err("the trusts are away".into());
        }
        Ok(Trust::find(&self.trusts.lock().unwrap(), issuer, subject).cloned())
    }

    async fn principal(
        &self,
        assertion: &AuthorizationGrantAssertion,
        _: &Client,
        now: Timestamp,
    ) -> Result<Option<Principal>, BoxError> {
        let at = assertion.issued_at().unwrap_or(now);
        Ok(match assertion.sub() {
            "robot" => Some(Principal::Client),
            "stranger" => None,
            sub => Some(Principal::Person(Authentication::new(Subject::new(sub)?, at).with_acr("silver"))),
        })
    }
}

/// A host that answers whatever it is asked with one trust.
#[derive(Debug)]
struct Careless(Trust);

#[async_trait]
impl TrustedIssuers for Careless {
    async fn trust(&self, _: &str, _: &str) -> Result<Option<Trust>, BoxError> {
        Ok(Some(self.0.clone()))
    }

    async fn principal(
        &self,
        _: &AuthorizationGrantAssertion,
        _: &Client,
        _: Timestamp,
    ) -> Result<Option<Principal>, BoxError> {
        Ok(Some(Principal::Client))
    }
}

fn scope(text: &str) -> Scope {
    text.parse().unwrap()
}

fn keys(key: &dyn Signer) -> JwkSet {
    JwkSet::register(&json!({ "keys": [key.public_key().to_value()] })).unwrap()
}

/// The trust in whatever the issuer says, by the key with which tests sign.
fn trust() -> Trust {
    Trust::new(IDP, keys(&*client_key())).with_scope(scope("openid profile offline_access read"))
}

pub(crate) fn metadata() -> ClientMetadata {
    ClientMetadata::service()
        .with_grant_type(GrantType::JwtBearer)
        .with_scope(scope("openid profile offline_access read write"))
}

pub(crate) fn settings() -> ClientSettings {
    let settings = ClientSettings::new().with_consent(Consent::Waived).with_resources([RESOURCE]);
    settings.with_default_scope(scope("read write"))
}

fn builder_of(trusted: Arc<dyn TrustedIssuers>) -> HarnessBuilder {
    let id = |id: &str| ClientId::new(id).unwrap();
    Harness::builder()
        .confidential(Client::builder(id("bearer"), metadata()).settings(settings()))
        .confidential(
            Client::builder(id("gated"), metadata()).settings(settings().with_consent(Consent::Required)),
        )
        .client(Client::builder(id("open"), public()).settings(settings()).build().unwrap())
        .provider(move |builder| builder.trusted_issuers(trusted).with_jwt_bearer())
}

fn public() -> ClientMetadata {
    let mut metadata = metadata().with_auth_method(ClientAuthMethod::None);
    metadata.grant_types.retain(|known| *known == GrantType::JwtBearer);
    metadata
}

fn builder(trusts: impl IntoIterator<Item = Trust>) -> HarnessBuilder {
    builder_of(Arc::new(Host { trusts: Mutex::new(trusts.into_iter().collect()), fails: false }))
}

fn harness() -> Harness {
    builder([trust()]).build()
}

/// Sound claims of the trusted issuer about alice.
pub(crate) fn claims(h: &Harness) -> Value {
    let mut claims = h.assertion_claims("x");
    claims["iss"] = IDP.into();
    claims["sub"] = "alice".into();
    claims
}

fn signed(claims: &Value, typ: &str, key: &dyn Signer) -> String {
    block_on(jose::sign(&SigningHeader::typed(typ), claims.to_string().as_bytes(), key)).unwrap()
}

pub(crate) fn form(assertion: impl Into<String>) -> TokenForm {
    token_form(GRANT_TYPE).client("bearer").set("assertion", assertion)
}

/// A request with sound claims of which one is different, signed; `null` takes it out.
fn changed(h: &Harness, name: &str, value: Value) -> Outcome {
    let mut claims = claims(h);
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    h.redeem(form(h.client_assertion(&claims)))
}

#[test]
fn an_assertion_of_a_trusted_issuer_gives_an_access_token_of_its_person() {
    let h = harness();
    let outcome = h.redeem(form(h.client_assertion(&claims(&h))).scope("openid read"));
    let grant_type = GrantType::JwtBearer;
    assert!(
        outcome
            .events
            .iter()
            .any(|event| event.kind == EventKind::TokensIssued { grant_type: grant_type.clone() }
                && event.subject.as_ref().is_some_and(|subject| subject.as_str() == "alice"))
    );
    let body = outcome.json();
    assert_eq!(body["scope"], "openid read");
    assert!(body.get("refresh_token").is_none() && body.get("id_token").is_none());
    let told = h.introspect("api", body["access_token"].as_str().unwrap()).json();
    assert_eq!((&told["sub"], &told["acr"]), (&json!("alice"), &json!("silver")));
    assert_eq!((&told["aud"], &told["client_id"]), (&json!(DEFAULT_AUDIENCE), &json!("bearer")));
    for typ in ["JWT", "authorization-grant+jwt"] {
        h.redeem(form(signed(&claims(&h), typ, &*client_key()))).accepted();
    }
}

#[test]
fn one_for_the_client_gives_a_token_of_the_client_itself() {
    let h = harness();
    let body = changed(&h, "sub", "robot".into()).json();
    let told = h.introspect("api", body["access_token"].as_str().unwrap()).json();
    assert_eq!((&told["sub"], &told["scope"]), (&json!("client:bearer"), &json!("read")));
    let mut claims = claims(&h);
    claims["sub"] = "robot".into();
    let open = form(h.client_assertion(&claims)).client("open");
    h.redeem(open).rejected(Reason::ClientNotConfidential).unchanged();
}

/// attack 140: what nobody trusted says counts for nothing, whoever says it.
#[test]
fn an_assertion_of_an_untrusted_issuer_is_refused() {
    let h = harness();
    for iss in ["https://evil.example", "https://idp.example/", "HTTPS://idp.example", "https://op.example"] {
        changed(&h, "iss", iss.into()).rejected(Reason::AssertionUntrusted).unchanged();
    }
    for name in ["iss", "sub"] {
        for value in [json!(null), json!(""), json!(1), json!([IDP])] {
            changed(&h, name, value).rejected(Reason::AssertionIssuer).unchanged();
        }
    }
    let key = JoseSigner::generate(SigningAlg::Es256).unwrap();
    let forged = signed(&claims(&h), "JWT", &key);
    h.redeem(form(forged)).rejected(Reason::AssertionSignature).unchanged();
}

/// attack 140: a key that vouches for one subject vouches for no other, also where its issuer has several.
#[test]
fn a_key_of_another_subject_is_refused() {
    let bobs = JoseSigner::generate(SigningAlg::Es256).unwrap();
    let of = |subject: &'static str, key: &dyn Signer| {
        Trust::new(IDP, keys(key)).of_subject(subject).with_scope(scope("read"))
    };
    let h = builder([of("alice", &*client_key()), of("bob", &bobs)]).build();
    h.redeem(form(h.client_assertion(&claims(&h)))).accepted();
    h.redeem(form(signed(&claims(&h), "JWT", &bobs))).rejected(Reason::AssertionSignature).unchanged();
    changed(&h, "sub", "carol".into()).rejected(Reason::AssertionUntrusted).unchanged();
    // A host that finds the wrong trust gives nothing away either.
    let h = builder_of(Arc::new(Careless(of("bob", &*client_key())))).build();
    h.redeem(form(h.client_assertion(&claims(&h)))).rejected(Reason::AssertionUntrusted).unchanged();
}

/// attack 140: an issuer cannot agree in the place of the person.
#[test]
fn a_client_whose_people_must_be_asked_gets_none_of_their_tokens() {
    let h = harness();
    let gated = |claims: &Value| form(h.client_assertion(claims)).client("gated");
    h.redeem(gated(&claims(&h))).rejected(Reason::AssertionConsentMissing).unchanged();
    let mut robot = claims(&h);
    robot["sub"] = "robot".into();
    h.redeem(gated(&robot)).accepted();
}

/// attack 141: minutes, not years; and RFC 7523 section 3 on `nbf` and `iat`.
#[test]
fn an_assertion_lives_for_minutes() {
    let h = harness();
    let at = |seconds: i64| json!(h.now().unix() + seconds);
    changed(&h, "exp", at(300)).accepted();
    for exp in [at(10 * 365 * 24 * 60 * 60), at(311), at(-11), json!("1"), json!(1e300), json!(null)] {
        changed(&h, "exp", exp).rejected(Reason::AssertionTimes).unchanged();
    }
    for name in ["nbf", "iat"] {
        changed(&h, name, json!(null)).accepted();
        for value in [at(11), json!("0")] {
            changed(&h, name, value).rejected(Reason::AssertionTimes).unchanged();
        }
    }
}

#[test]
fn an_assertion_is_for_this_server_alone() {
    let h = harness();
    for aud in [json!("https://op.example"), json!("https://op.example/token"), json!(["https://op.example"])]
    {
        changed(&h, "aud", aud).accepted();
    }
    for aud in [
        json!(null),
        json!([]),
        json!("https://op.example/"),
        json!("bearer"),
        json!(["https://op.example", "https://evil.example"]),
    ] {
        changed(&h, "aud", aud).rejected(Reason::AssertionAudience).unchanged();
    }
}

/// attack 161: tokens of other kinds are no grants, nor is one that its issuer's algorithms do not sign.
#[test]
fn a_token_of_another_kind_is_no_grant() {
    let h = harness();
    for typ in ["at+jwt", "logout+jwt", "dpop+jwt", "client-authentication+jwt"] {
        let other = signed(&claims(&h), typ, &*client_key());
        h.redeem(form(other)).rejected(Reason::AssertionType).unchanged();
    }
    changed(&h, "events", json!({})).rejected(Reason::AssertionType).unchanged();
    changed(&h, "nonce", json!("n")).rejected(Reason::AssertionType).unchanged();
    for text in ["x", "a.b.c", "a.b.c.d.e"] {
        h.redeem(form(text)).rejected(Reason::AssertionMalformed).unchanged();
    }
    h.redeem(token_form(GRANT_TYPE).client("bearer")).rejected(Reason::AssertionMissing).unchanged();
    let es512 = builder([trust().with_algorithms(&[SigningAlg::Es512])]).build();
    es512.redeem(form(h.client_assertion(&claims(&h)))).rejected(Reason::AssertionAlgorithm).unchanged();
}

#[test]
fn an_assertion_counts_once() {
    let h = harness();
    let assertion = h.client_assertion(&claims(&h));
    // What is refused for something else spends nothing.
    h.redeem(form(assertion.clone()).scope("write")).rejected(Reason::ScopeNotGranted).unchanged();
    h.redeem(form(assertion.clone())).accepted();
    h.redeem(form(assertion)).rejected(Reason::AssertionReplayed).unchanged();
    for jti in [json!(null), json!(""), json!(1), json!("j".repeat(257))] {
        changed(&h, "jti", jti).rejected(Reason::AssertionId).unchanged();
    }
}

#[test]
fn a_trust_may_do_without_a_jti_and_then_heeds_one_that_is_there() {
    let h = builder([trust().with_optional_jti()]).build();
    changed(&h, "jti", json!(null)).accepted();
    changed(&h, "jti", json!("one")).accepted();
    changed(&h, "jti", json!("one")).rejected(Reason::AssertionReplayed);
    changed(&h, "jti", json!(1)).rejected(Reason::AssertionId);
}

/// attack 142: and whoever asks for it, `offline_access` is nothing that an assertion gives.
#[test]
fn the_scope_is_bounded_by_the_trust_and_by_the_client() {
    let h = harness();
    let redeem = |scope: &str| h.redeem(form(h.client_assertion(&claims(&h))).scope(scope));
    assert_eq!(redeem("openid offline_access read").json()["scope"], "openid read");
    assert_eq!(h.redeem(form(h.client_assertion(&claims(&h)))).json()["scope"], "read");
    redeem("write").rejected(Reason::ScopeNotGranted).unchanged();
    let wide = builder([trust().with_scope(scope("read email"))]).build();
    let asked = form(wide.client_assertion(&claims(&wide))).scope("email");
    wide.redeem(asked).rejected(Reason::ScopeNotAllowed).unchanged();
    let to = |resource: &str| h.redeem(form(h.client_assertion(&claims(&h))).set("resource", resource));
    to(RESOURCE).accepted();
    to("https://other.example").rejected(Reason::ResourceNotAllowed).unchanged();
}

/// Who acts for alice would lose that in a token of hers, and get the scope of the trust instead of the assertion's.
#[test]
fn an_assertion_gives_no_more_than_it_says() {
    let h = harness();
    for (name, value) in [("act", json!({ "sub": "agent" })), ("may_act", json!({ "client_id": "bearer" }))] {
        changed(&h, name, value).rejected(Reason::AssertionDelegated).unchanged();
    }
    assert_eq!(changed(&h, "scope", "read".into()).accepted().json()["scope"], "read");
    assert_eq!(changed(&h, "scope", "write".into()).accepted().json().get("scope"), None);
    changed(&h, "scope", json!(["read"])).rejected(Reason::AssertionMalformed).unchanged();
}

/// attack 144; and an assertion is not spent on what could not be issued.
#[test]
fn what_cannot_be_issued_costs_no_assertion() {
    let h = harness();
    let assertion = h.client_assertion(&claims(&h));
    let detailed = form(&assertion).set("authorization_details", r#"[{"type":"payment"}]"#);
    h.redeem(detailed).rejected(Reason::AuthorizationDetailsUnavailable).unchanged();
    h.redeem(form(&assertion)).accepted();
}

/// attack 140: a program on somebody's machine is asked for, whatever the host waives of others.
#[test]
fn a_native_client_gets_no_tokens_of_people() {
    let redirect = RedirectUri::register("com.example.app:/cb").unwrap();
    let mut metadata = metadata();
    metadata.redirect_uris = vec![redirect];
    let app = Client::builder(ClientId::new("app").unwrap(), metadata).settings(settings());
    let h = builder([trust()]).confidential(app).build();
    let assertion = h.client_assertion(&claims(&h));
    h.redeem(form(&assertion).client("app")).rejected(Reason::AssertionConsentMissing).unchanged();
}

#[test]
fn a_trust_ends_and_so_does_what_it_gave() {
    let ends = Harness::new().now().plus(Duration::from_secs(100));
    let h = builder([trust().with_expiry(ends)]).build();
    let body = h.redeem(form(h.client_assertion(&claims(&h)))).json();
    assert_eq!(body["expires_in"], 100);
    h.advance(Duration::from_secs(100));
    assert!(!h.is_active("api", body["access_token"].as_str().unwrap()));
    h.redeem(form(h.client_assertion(&claims(&h)))).rejected(Reason::AssertionTrustExpired).unchanged();
}

/// attack 118: a person who was shut out gets nothing more, and nobody becomes one that the host does not
/// know.
#[test]
fn a_person_who_is_gone_is_refused() {
    let h = harness();
    h.accounts().disable("alice");
    let outcome = changed(&h, "scope", json!("x")).rejected(Reason::SubjectGone);
    let _ = outcome.unchanged();
    changed(&h, "sub", "stranger".into()).rejected(Reason::AssertionSubjectUnknown).unchanged();
}

/// attack 137: an assertion that is bound to a key is no bearer's.
#[test]
fn a_bound_assertion_needs_its_proof() {
    let h = harness();
    let jkt = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    let bound: Confirmation = serde_json::from_value(json!({ "jkt": jkt })).unwrap();
    changed(&h, "cnf", json!(bound)).rejected(Reason::ConfirmationMissing).unchanged();
    changed(&h, "cnf", json!({ "kid": "x" })).rejected(Reason::ConfirmationMismatch).unchanged();
}

#[test]
fn what_was_given_is_listed_and_revoked_whatever_its_format() {
    for stateless in [false, true] {
        let h = builder([trust()]).config(move |config| {
            if stateless {
                config.access_token_format = vouchsafe::client::AccessTokenFormatChoice::JwtStateless;
            }
        });
        let h = h.build();
        let token = h.redeem(form(h.client_assertion(&claims(&h)))).issued().access_token;
        let alice = GrantFilter::Subject(Subject::new("alice").unwrap());
        let listed = block_on(h.provider().administration().grants(&alice, &Page::first(9))).unwrap().items;
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].grant.grant_type, GrantType::JwtBearer);
        assert_eq!(block_on(h.provider().administration().revoke_grants(&alice)).unwrap(), 1);
        assert!(!h.is_active("api", &token));
    }
}

#[test]
fn the_keys_of_an_issuer_may_be_at_an_address() {
    let at = Trust::with_keys_at(IDP, FetchUrl::parse(IDP_KEYS).unwrap()).with_scope(scope("read"));
    let h = builder([at]).build();
    h.redeem(form(h.client_assertion(&claims(&h)))).rejected(Reason::AssertionKeysUnavailable).unchanged();
    h.advance(Duration::from_secs(20));
    h.serve(IDP_KEYS, &json!({ "keys": [client_key().public_key().to_value()] }));
    h.redeem(form(h.client_assertion(&claims(&h)))).accepted();
    let key = JoseSigner::generate(SigningAlg::Es256).unwrap();
    h.redeem(form(signed(&claims(&h), "JWT", &key))).rejected(Reason::AssertionSignature).unchanged();
}

#[test]
fn a_host_or_a_store_that_fails_gives_nothing() {
    let h = builder_of(Arc::new(Host { trusts: Mutex::default(), fails: true })).build();
    h.redeem(form(h.client_assertion(&claims(&h)))).rejected(Reason::HostUnavailable).unchanged();
    let faults = Faults::new();
    let stores = faults.clone();
    let h = builder([trust()]).stores(move |memory| stores.stores(memory)).build();
    faults.break_verb("first_use", Fault::Unavailable);
    h.redeem(form(h.client_assertion(&claims(&h)))).rejected(Reason::StoreUnavailable).unchanged();
}

/// The budget of the design: the name of the assertion, and one insert.
#[test]
fn an_assertion_costs_its_name_and_one_insert() {
    let faults = Faults::new();
    let stores = faults.clone();
    let h = builder([trust()]).stores(move |memory| stores.stores(memory)).build();
    let assertion = h.client_assertion(&claims(&h));
    drop(faults.calls());
    h.redeem(form(assertion)).accepted();
    assert_eq!(faults.calls(), ["first_use", "insert_granted_token"]);
}

#[test]
fn it_is_off_until_it_is_turned_on_and_says_what_it_needs() {
    let h = harness();
    let listed = |h: &Harness| {
        let request = http::Request::get("/.well-known/openid-configuration").body(Bytes::new()).unwrap();
        let metadata = h.answer(request).accepted().json();
        metadata["grant_types_supported"].as_array().unwrap().contains(&json!(GRANT_TYPE))
    };
    assert!(listed(&h));
    let off = Harness::new();
    assert!(!listed(&off));
    off.redeem(token_form(GRANT_TYPE)).rejected(Reason::GrantTypeUnsupported).unchanged();
    h.redeem(form("x").client("service")).rejected(Reason::GrantTypeNotAllowed).unchanged();
    let bare = || {
        let stores = vouchsafe::Stores::of(Arc::new(vouchsafe::store::memory::MemoryStore::new()));
        Provider::builder(h.provider().config().clone(), stores, keyring(), h.system_secrets().clone())
    };
    let needs = |port| BuildError::Needs { feature: "jwt_bearer", port };
    assert_eq!(bare().with_jwt_bearer().build().unwrap_err(), needs("TrustedIssuers"));
    let trusted = bare().trusted_issuers(Arc::new(Host::default()));
    assert_eq!(trusted.with_jwt_bearer().build().unwrap_err(), needs("Accounts"));
    let trusted = bare().trusted_issuers(Arc::new(Host::default())).build();
    assert_eq!(trusted.unwrap_err(), BuildError::Needs { feature: "trusted issuers", port: "ReplayStore" });
}
