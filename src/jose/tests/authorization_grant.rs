//! Assertions as authorization grants (RFC 7523 section 3), and ID tokens that are exchanged.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::{
    AuthorizationGrantAssertion, AuthorizationGrantError, AuthorizationGrantVerifier, IdTokenError,
    IdTokenHintError, IdTokenVerifier, JoseError, JwkSet, KeyState, Keyring, PresentedAuthorizationGrant,
    RingKey, SigningAlg,
};
use super::{NOW, public, set, signer, token, token_with_header, vectors, with};
use crate::clock::Timestamp;
use crate::error::Reason;

const IDP: &str = "https://idp.example";
const SERVER: &str = "https://op.example";

fn claims() -> Value {
    json!({"iss": IDP, "sub": "alice", "aud": SERVER, "exp": NOW + 60, "iat": NOW, "jti": "a"})
}

fn verifier() -> AuthorizationGrantVerifier {
    AuthorizationGrantVerifier::new(IDP, [SERVER, "https://op.example/token"])
}

fn verdict(
    verifier: &AuthorizationGrantVerifier,
    assertion: &str,
) -> Result<AuthorizationGrantAssertion, AuthorizationGrantError> {
    let keys = [vectors::rsa(), vectors::p256()].map(|key| public(&key));
    let keys = JwkSet::register(&set(&keys)).unwrap();
    let presented = PresentedAuthorizationGrant::parse(assertion)?;
    verifier.verify(&presented, &keys, Timestamp::from_unix(NOW))
}

fn signed(claims: &Value) -> String {
    token(None, claims, &signer(SigningAlg::Es256))
}

fn refused(name: &str, value: impl Into<Value>) -> AuthorizationGrantError {
    verdict(&verifier(), &signed(&with(&claims(), name, value))).unwrap_err()
}

#[test]
fn an_assertion_says_who_vouches_for_whom_and_how_long_to_remember_it() {
    for typ in [None, Some("JWT"), Some("authorization-grant+jwt")] {
        let assertion = verdict(&verifier(), &token(typ, &claims(), &signer(SigningAlg::Rs256))).unwrap();
        assert_eq!((assertion.issuer(), assertion.sub(), assertion.jti()), (IDP, "alice", Some("a")));
        assert_eq!(assertion.issued_at(), Some(Timestamp::from_unix(NOW)));
        assert_eq!(assertion.expires_at(), Timestamp::from_unix(NOW + 60));
        assert_eq!(assertion.remember_until(), Timestamp::from_unix(NOW + 70));
    }
    let presented = PresentedAuthorizationGrant::parse(&signed(&claims())).unwrap();
    assert_eq!((presented.claimed_issuer(), presented.claimed_subject()), (IDP, "alice"));
}

/// attack 140, attack 92: one issuer, this server, and nobody beside them.
#[test]
fn issuer_and_audience_are_the_expected_ones() {
    assert_eq!(refused("iss", "https://evil.example"), AuthorizationGrantError::Issuer);
    for name in ["iss", "sub"] {
        for value in [json!(""), json!(1), json!(null)] {
            assert_eq!(refused(name, value), AuthorizationGrantError::Issuer);
        }
    }
    for aud in [json!(null), json!([]), json!(IDP), json!([SERVER, IDP])] {
        assert_eq!(refused("aud", aud), AuthorizationGrantError::Audience);
    }
}

/// attack 141
#[test]
fn it_lives_for_minutes() {
    for exp in [json!(NOW + 315_360_000), json!(NOW + 311), json!(NOW - 10), json!("1"), json!(null)] {
        assert_eq!(refused("exp", exp), AuthorizationGrantError::Times);
    }
    for name in ["iat", "nbf"] {
        assert_eq!(refused(name, NOW + 11), AuthorizationGrantError::Times);
    }
    let patient =
        verifier().with_max_lifetime(Duration::from_secs(3600)).with_leeway(Duration::from_secs(600));
    let long = |at: i64| verdict(&patient, &signed(&with(&claims(), "exp", at))).map(|_| ());
    assert_eq!(long(NOW + 3660), Ok(()));
    assert_eq!(long(NOW + 3661), Err(AuthorizationGrantError::Times));
}

#[test]
fn a_jti_is_demanded_unless_it_is_said_otherwise() {
    let mut nameless = claims();
    nameless.as_object_mut().unwrap().remove("jti");
    assert_eq!(verdict(&verifier(), &signed(&nameless)), Err(AuthorizationGrantError::TokenId));
    let lax = verifier().with_optional_jti();
    assert_eq!(verdict(&lax, &signed(&nameless)).unwrap().jti(), None);
    for jti in [json!(""), json!("j".repeat(257)), json!(1), json!(null)] {
        assert_eq!(refused("jti", jti.clone()), AuthorizationGrantError::TokenId);
        let odd = signed(&with(&claims(), "jti", jti));
        assert_eq!(verdict(&lax, &odd), Err(AuthorizationGrantError::TokenId));
    }
}

/// attack 161, attack 150
#[test]
fn a_token_of_another_kind_is_no_grant() {
    for typ in ["at+jwt", "logout+jwt", "client-authentication+jwt", "dpop+jwt", ""] {
        let other = token(Some(typ), &claims(), &signer(SigningAlg::Es256));
        assert_eq!(verdict(&verifier(), &other), Err(AuthorizationGrantError::Type), "{typ}");
    }
    for name in ["events", "nonce"] {
        assert_eq!(refused(name, "x"), AuthorizationGrantError::Type);
    }
    let nested =
        token_with_header(r#"{"alg":"ES256","cty":"JWT"}"#, signed(&claims()), &signer(SigningAlg::Es256));
    assert_eq!(verdict(&verifier(), &nested), Err(AuthorizationGrantError::Malformed));
    let strict = verifier().with_algorithms(&[SigningAlg::Rs256]);
    assert_eq!(verdict(&strict, &signed(&claims())), Err(AuthorizationGrantError::Algorithm));
    let unknown = token(None, &claims(), &signer(SigningAlg::EdDsa));
    assert_eq!(verdict(&verifier(), &unknown), Err(AuthorizationGrantError::Signature));
}

#[test]
fn every_refusal_has_its_reason() {
    for (error, reason) in [
        (AuthorizationGrantError::Algorithm, Reason::AssertionAlgorithm),
        (AuthorizationGrantError::Audience, Reason::AssertionAudience),
        (AuthorizationGrantError::Issuer, Reason::AssertionIssuer),
        (AuthorizationGrantError::Malformed, Reason::AssertionMalformed),
        (AuthorizationGrantError::Panicked, Reason::AssertionUnchecked),
        (AuthorizationGrantError::Signature, Reason::AssertionSignature),
        (AuthorizationGrantError::Times, Reason::AssertionTimes),
        (AuthorizationGrantError::TokenId, Reason::AssertionId),
        (AuthorizationGrantError::Type, Reason::AssertionType),
    ] {
        assert_eq!(Reason::from(error), reason);
    }
    assert_eq!(AuthorizationGrantError::from(JoseError::Panicked), AuthorizationGrantError::Panicked);
}

/// attack 161: an ID token is good until its last second, and no other token is one.
#[test]
fn an_id_token_to_exchange_has_not_expired() {
    let ring =
        Keyring::new(vec![RingKey::new(Arc::new(signer(SigningAlg::Es256)), KeyState::Active)]).unwrap();
    let verifier = IdTokenVerifier::new(SERVER, ring);
    let claims = json!({"iss": SERVER, "sub": "alice", "aud": "app", "exp": NOW + 1, "iat": NOW});
    let verdict = |typ, claims: &Value| {
        verifier.verify(&token(typ, claims, &signer(SigningAlg::Es256)), Timestamp::from_unix(NOW))
    };
    let verified = verdict(None, &claims).unwrap();
    assert_eq!((verified.sub(), verified.audience()), ("alice", vec!["app"]));
    assert_eq!(verified.expires_at(), Timestamp::from_unix(NOW + 1));
    assert_eq!(verdict(None, &with(&claims, "exp", NOW)), Err(IdTokenError::Expired));
    assert_eq!(verdict(Some("at+jwt"), &claims), Err(IdTokenError::Other(IdTokenHintError::Type)));
}
