//! RFC 7591 sections 2.3 and 3.2.2: software statements.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use vouchsafe::client::ClientMetadata;
use vouchsafe::error::{ErrorCode, Reason, Result};
use vouchsafe::jose::{JoseSigner, JwkSet, Signer, SigningAlg};
use vouchsafe::provider::{
    BuildError, Context, Profile, Registrant, Registration, RegistrationPolicy, SoftwareStatementIssuer,
};
use vouchsafe::testing::{Harness, client_key, signed_object, unsigned_object};
use vouchsafe::types::FetchUrl;
use vouchsafe::wire::HttpErrorKind;

use crate::rfc7591_registration::{open, register, send, with};

/// Who vouches.
const ISSUER: &str = "https://directory.example";

/// Where its keys are.
const KEYS: &str = "https://directory.example/jwks";

fn keys() -> JwkSet {
    JwkSet::register(&json!({ "keys": [client_key().public_key().to_value()] })).unwrap()
}

fn believing(registration: Registration) -> Harness {
    let registration =
        registration.with_software_statement_issuer(SoftwareStatementIssuer::new(ISSUER, keys()));
    Harness::builder().provider(|builder| builder.with_registration(registration)).build()
}

/// A statement with these claims too.
fn claims(more: Value) -> Value {
    let mut claims = json!({ "iss": ISSUER, "software_id": "4NRB1", "client_name": "Attested" });
    let Value::Object(more) = more else { panic!("the members of an object are asked for") };
    claims.as_object_mut().unwrap().extend(more);
    claims
}

fn statement(more: Value) -> String {
    signed_object("JWT", &claims(more), &*client_key())
}

fn stating(statement: &str) -> Value {
    with(json!({ "software_statement": statement }))
}

#[test]
fn what_is_stated_counts_before_what_stands_beside_it() {
    let h = believing(Registration::open());
    let statement = statement(json!({
        "sub": "the software",
        "scope": "openid admin",
        "redirect_uris": ["https://attested.example/cb"],
        "exp": h.now().plus(Duration::from_secs(60)).unix(),
    }));
    let told = register(
        &h,
        &with(json!({
            "software_statement": statement,
            "software_id": "another",
            "software_version": "3",
            "client_name": "Something else",
            "client_name#de": "Etwas anderes",
        })),
    );
    let told = told.accepted().json();
    assert_eq!(told["software_statement"], statement);
    assert_eq!((&told["software_id"], &told["software_version"]), (&json!("4NRB1"), &json!("3")));
    assert_eq!(told["redirect_uris"], json!(["https://attested.example/cb"]));
    assert_eq!(told["client_name"], "Attested");
    assert!(told.get("client_name#de").is_none(), "the name has one meaning in every language");
    assert_eq!(told["scope"], "openid", "nobody is vouched beyond the bounds");
    assert!(told.get("iss").is_none() && told.get("exp").is_none());
}

/// attack 216: nothing counts that was not signed by an issuer that is believed, for this purpose and for now.
#[test]
fn a_statement_that_nobody_vouches_for_is_refused() {
    let h = believing(Registration::open());
    let stranger = JoseSigner::generate(SigningAlg::Es256).unwrap();
    let signed = |claims: &Value, key: &dyn Signer| signed_object("JWT", claims, key);
    let now = h.now().unix();
    let mut altered = statement(json!({}));
    altered.replace_range(altered.len() - 6.., "AAAAAA");
    let rows = [
        (unsigned_object(&claims(json!({}))), Reason::SoftwareStatementMalformed),
        ("no jwt".to_owned(), Reason::SoftwareStatementMalformed),
        (altered, Reason::SoftwareStatementSignature),
        (signed(&claims(json!({})), &stranger), Reason::SoftwareStatementSignature),
        (signed(&json!({ "software_id": "a" }), &*client_key()), Reason::SoftwareStatementIssuer),
        (statement(json!({ "iss": "https://evil.example" })), Reason::SoftwareStatementUnapproved),
        (statement(json!({ "iss": format!("{ISSUER}/") })), Reason::SoftwareStatementUnapproved),
        (statement(json!({ "aud": "https://other.example" })), Reason::SoftwareStatementAudience),
        (statement(json!({ "exp": now - 60 })), Reason::SoftwareStatementTimes),
        (statement(json!({ "nbf": now + 60 })), Reason::SoftwareStatementTimes),
        (statement(json!({ "sub": ISSUER, "aud": "https://op.example" })), Reason::SoftwareStatementType),
        (statement(json!({ "events": {} })), Reason::SoftwareStatementType),
        (signed_object("at+jwt", &claims(json!({})), &*client_key()), Reason::SoftwareStatementType),
    ];
    for (statement, reason) in rows {
        let _ = register(&h, &stating(&statement)).rejected(reason).unchanged();
    }
    let number = with(json!({ "software_statement": 1 }));
    let _ = register(&h, &number).rejected(Reason::SoftwareStatementMalformed).unchanged();
    assert_eq!(Reason::SoftwareStatementSignature.wire().0, ErrorCode::InvalidSoftwareStatement);
    assert_eq!(Reason::SoftwareStatementUnapproved.wire().0, ErrorCode::UnapprovedSoftwareStatement);
    let _ = register(&h, &stating(&statement(json!({ "aud": "https://op.example" })))).accepted();
}

/// attack 216: the algorithm is the issuer's, not the token's.
#[test]
fn an_issuer_signs_by_its_own_algorithms() {
    let issuer = SoftwareStatementIssuer::new(ISSUER, keys()).with_algorithms(&[SigningAlg::Ps256]);
    let rules = Registration::open().with_software_statement_issuer(issuer);
    let h = Harness::builder().provider(|builder| builder.with_registration(rules)).build();
    let refused = register(&h, &stating(&statement(json!({}))));
    let _ = refused.rejected(Reason::SoftwareStatementAlgorithm).unchanged();
}

#[test]
fn the_keys_of_an_issuer_are_fetched() {
    let issuer = SoftwareStatementIssuer::with_keys_at(ISSUER, FetchUrl::parse(KEYS).unwrap());
    let rules = Registration::open().with_software_statement_issuer(issuer);
    let h = Harness::builder().provider(|builder| builder.with_registration(rules)).build();
    h.http().fail(KEYS, HttpErrorKind::Unreachable);
    let asked = stating(&statement(json!({})));
    let _ = register(&h, &asked).rejected(Reason::SoftwareStatementKeysUnavailable).unchanged();
    h.serve(KEYS, &keys().to_value());
    h.advance(Duration::from_secs(10));
    let _ = register(&h, &asked).accepted();
}

/// attack 213: no privileged member becomes one by being stated, and a conflict is none that is resolved in silence.
#[test]
fn a_statement_reaches_no_further_than_metadata() {
    let h = believing(Registration::open());
    let privileged = statement(json!({
        "settings": { "consent": "waived" }, "client_secret": "mine", "client_id": "web",
    }));
    let told = register(&h, &stating(&privileged)).accepted().json();
    assert!(told["client_id"] != "web" && told["client_secret"] != "mine");
    let both = with(json!({
        "software_statement": statement(json!({ "jwks_uri": KEYS })),
        "jwks": keys().to_value(),
    }));
    let _ = register(&h, &both).rejected(Reason::MetadataJwks).unchanged();
    let plain = statement(json!({ "redirect_uris": ["http://attested.example/cb"] }));
    let _ = register(&h, &stating(&plain)).rejected(Reason::MetadataRedirectUris).unchanged();
}

#[test]
fn a_statement_can_be_demanded() {
    let h = believing(Registration::open().with_required_software_statement());
    for members in [json!({}), json!({ "software_statement": null })] {
        let _ = register(&h, &with(members)).rejected(Reason::SoftwareStatementMissing).unchanged();
    }
    let _ = register(&h, &stating(&statement(json!({})))).accepted();
    let _ = register(&open(), &stating("unread")).accepted();
}

/// attack 213: a client does not get rid of what was said of it.
#[test]
fn a_client_that_rests_on_a_statement_updates_with_one() {
    let h = believing(Registration::open());
    let told = register(&h, &stating(&statement(json!({})))).accepted().json();
    let update = |members: Value| {
        let mut body = with(members);
        body["client_id"] = told["client_id"].clone();
        let (uri, token) = (&told["registration_client_uri"], &told["registration_access_token"]);
        send(&h, "PUT", uri.as_str().unwrap(), token.as_str(), body.to_string())
    };
    let renamed = update(json!({ "client_name": "Something else" }));
    let _ = renamed.rejected(Reason::SoftwareStatementMissing).unchanged();
    let next = statement(json!({ "software_version": "2" }));
    let after = update(json!({ "software_statement": next, "client_name": "Something else" }));
    let after = after.accepted().json();
    assert_eq!((&after["client_name"], &after["software_version"]), (&json!("Attested"), &json!("2")));
    assert_eq!(after["software_statement"], next);
}

#[derive(Debug)]
struct OneSoftware;

#[async_trait]
impl RegistrationPolicy for OneSoftware {
    async fn review(
        &self,
        _: &Context<'_>,
        registrant: &Registrant<'_>,
        metadata: ClientMetadata,
    ) -> Result<ClientMetadata> {
        let statement = registrant.software_statement.filter(|statement| {
            statement.issuer() == ISSUER && statement.claims().str("software_id") == Some("4NRB1")
        });
        let refused = Reason::Custom(ErrorCode::UnapprovedSoftwareStatement, "not this software");
        statement.map(|_| metadata).ok_or_else(|| refused.into())
    }
}

#[test]
fn the_host_decides_which_statements_it_approves() {
    let h = believing(Registration::open().with_policy(Arc::new(OneSoftware)));
    let _ = register(&h, &stating(&statement(json!({})))).accepted();
    let refused = Reason::Custom(ErrorCode::UnapprovedSoftwareStatement, "not this software");
    let other = statement(json!({ "software_id": "other" }));
    let _ = register(&h, &stating(&other)).rejected(refused).unchanged();
    let _ = register(&h, &with(json!({}))).rejected(refused).unchanged();
}

#[test]
fn issuers_that_do_not_fit_are_found_when_the_provider_is_built() {
    let build = |registration: Registration| {
        let h = Harness::new();
        let stores = Arc::new(h.store().clone());
        let stores = vouchsafe::store::Stores::of(stores.clone()).with_registry(stores);
        let (config, keyring) = (h.provider().config().clone(), h.provider().keyring().clone());
        vouchsafe::Provider::builder(config, stores, keyring, h.system_secrets().clone())
            .with_registration(registration)
            .build()
            .unwrap_err()
    };
    let needs = |error: BuildError| matches!(error, BuildError::Needs { .. });
    assert!(needs(build(Registration::open().with_required_software_statement())));
    let remote = SoftwareStatementIssuer::with_keys_at(ISSUER, FetchUrl::parse(KEYS).unwrap());
    assert!(needs(build(Registration::open().with_software_statement_issuer(remote.clone()))));
    let twice = Registration::open().with_software_statement_issuer(remote.clone());
    let twice = build(twice.with_software_statement_issuer(remote));
    assert_eq!(twice, BuildError::Twice { name: ISSUER.to_owned() });
}

/// What a profile's algorithms leave out signs no statement either, whatever its issuer may sign by otherwise.
#[test]
fn a_statement_is_signed_by_an_algorithm_that_counts_here() {
    let rsa = JoseSigner::generate(SigningAlg::Rs256).unwrap();
    let keys = json!({ "keys": [rsa.public_key().to_value(), client_key().public_key().to_value()] });
    let issuer = SoftwareStatementIssuer::new(ISSUER, JwkSet::register(&keys).unwrap());
    let registration = Registration::open().with_software_statement_issuer(issuer);
    let registration = registration.with_required_software_statement();
    let h = Harness::builder()
        .provider(|builder| builder.with_registration(registration))
        .profile(Profile::Fapi2Security)
        .build();
    let keyed = json!({
        "token_endpoint_auth_method": "private_key_jwt",
        "id_token_signed_response_alg": "ES256",
        "jwks": { "keys": [client_key().public_key().to_value()] },
    });
    let by_rsa = signed_object("JWT", &claims(keyed.clone()), &rsa);
    let _ = register(&h, &stating(&by_rsa)).rejected(Reason::SoftwareStatementAlgorithm).unchanged();
    let _ = register(&h, &stating(&statement(keyed))).accepted();
}
