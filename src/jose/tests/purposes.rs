//! The verifiers of single purposes: client assertions, hints, access tokens.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::{
    AccessTokenError, AccessTokenVerifier, ClientAssertion, ClientAssertionError, ClientAssertionVerifier,
    IdTokenHintError, IdTokenHintVerifier, JoseError, JoseSigner, JwkSet, KeyState, Keyring,
    PresentedAssertion, RegisteredKeys, RingKey, SigningAlg,
};
use super::{NOW, base64url, public, set, signer, token, token_with_header, vectors, with};
use crate::clock::Timestamp;
use crate::error::Reason;
use crate::types::ClientId;

const ISSUER: &str = "https://op.example";
const TOKEN_ENDPOINT: &str = "https://op.example/token";

/// A client with the keys of the RFCs, and what it sends.
struct Client {
    id: ClientId,
    keys: JwkSet,
    alg: Option<SigningAlg>,
    verifier: ClientAssertionVerifier,
}

fn client() -> Client {
    let keys = [vectors::rsa(), vectors::p256(), vectors::ed25519()].map(|key| public(&key));
    Client {
        id: ClientId::new("reports").unwrap(),
        keys: JwkSet::register(&set(&keys)).unwrap(),
        alg: None,
        verifier: ClientAssertionVerifier::new([ISSUER, TOKEN_ENDPOINT]),
    }
}

fn claims() -> Value {
    json!({"iss": "reports", "sub": "reports", "aud": ISSUER, "exp": NOW + 60, "iat": NOW, "jti": "a"})
}

impl Client {
    fn verdict(&self, assertion: &str) -> Result<ClientAssertion, ClientAssertionError> {
        let presented = PresentedAssertion::parse(assertion)?;
        let registered = RegisteredKeys::new(&self.id, &self.keys).with_algorithm(self.alg);
        self.verifier.verify(&presented, registered, Timestamp::from_unix(NOW))
    }

    /// What claims that differ from good ones in `name` are refused for.
    fn refused(&self, name: &str, value: impl Into<Value>) -> ClientAssertionError {
        self.verdict(&token(None, &with(&claims(), name, value), &signer(SigningAlg::Es256))).unwrap_err()
    }

    fn refused_without(&self, name: &str) -> ClientAssertionError {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        self.verdict(&token(None, &claims, &signer(SigningAlg::Es256))).unwrap_err()
    }
}

#[test]
fn an_assertion_gives_its_jti_and_how_long_to_remember_it() {
    for alg in [SigningAlg::Es256, SigningAlg::Ps256, SigningAlg::Rs256, SigningAlg::EdDsa] {
        for typ in [None, Some("JWT"), Some("client-authentication+jwt")] {
            let assertion = client().verdict(&token(typ, &claims(), &signer(alg))).unwrap();
            assert_eq!(assertion.jti(), "a");
            assert_eq!(assertion.expires_at(), Timestamp::from_unix(NOW + 70));
        }
    }
    let presented = PresentedAssertion::parse(&token(None, &claims(), &signer(SigningAlg::Es256))).unwrap();
    assert_eq!(presented.claimed_client_id().as_str(), "reports");
}

/// attack 87
#[test]
fn an_unsigned_assertion_is_refused() {
    for alg in [r#""none""#, r#""None""#, r#""nOnE""#, r#""NONE""#] {
        let header = base64url(format!(r#"{{"alg":{alg}}}"#));
        let body = base64url(claims().to_string());
        let unsigned = format!("{header}.{body}.");
        assert_eq!(client().verdict(&unsigned), Err(ClientAssertionError::Malformed));
        let signed = format!("{header}.{body}.AA");
        assert_eq!(client().verdict(&signed), Err(ClientAssertionError::Algorithm));
    }
    for header in ["{}", r#"{"alg":null}"#, r#"{"typ":"JWT"}"#] {
        let assertion = token_with_header(header, claims().to_string(), &signer(SigningAlg::Es256));
        assert_eq!(client().verdict(&assertion), Err(ClientAssertionError::Malformed));
    }
}

/// attack 88: F32
#[test]
fn a_mac_in_place_of_a_signature_is_refused() {
    let assertion = token_with_header(r#"{"alg":"HS256"}"#, claims().to_string(), &signer(SigningAlg::Es256));
    assert_eq!(client().verdict(&assertion), Err(ClientAssertionError::Algorithm));
}

/// attack 89
#[test]
fn an_assertion_does_not_bring_its_own_key() {
    let theirs = JoseSigner::generate(SigningAlg::Es256).unwrap();
    let header =
        json!({"alg": "ES256", "jwk": theirs.public_key().to_value(), "jku": "https://evil.example"});
    let assertion = token_with_header(header.to_string(), claims().to_string(), &theirs);
    assert_eq!(client().verdict(&assertion), Err(ClientAssertionError::Signature));
}

/// attack 90
#[test]
fn a_kid_is_only_ever_looked_up() {
    let named = JwkSet::register(&set(&[with(&public(&vectors::p256()), "kid", "key-1")])).unwrap();
    let client = Client { keys: named, ..client() };
    let sent = |kid: Value| {
        let header = json!({"alg": "ES256", "kid": kid}).to_string();
        client.verdict(&token_with_header(header, claims().to_string(), &signer(SigningAlg::Es256)))
    };
    assert!(sent("key-1".into()).is_ok());
    for kid in ["../../etc/passwd", "' OR 1=1--", "", "KEY-1", "key-1\u{0}"] {
        assert_eq!(sent(kid.into()), Err(ClientAssertionError::Signature), "{kid}");
    }
    for kid in [json!(1), json!(null), json!(["key-1"]), json!("k".repeat(5000))] {
        assert_eq!(sent(kid), Err(ClientAssertionError::Malformed));
    }
    assert_eq!(sent("k".repeat(1 << 20).into()), Err(ClientAssertionError::Malformed));
}

/// attack 91
#[test]
fn the_registration_decides_the_algorithm() {
    let by = |alg| token(None, &claims(), &signer(alg));
    let pinned = Client { alg: Some(SigningAlg::Ps256), ..client() };
    assert!(pinned.verdict(&by(SigningAlg::Ps256)).is_ok());
    for other in [SigningAlg::Rs256, SigningAlg::Es256, SigningAlg::EdDsa, SigningAlg::Ps384] {
        assert_eq!(pinned.verdict(&by(other)), Err(ClientAssertionError::Algorithm));
    }
    // Not among those accepted by default, though the key would do.
    assert_eq!(client().verdict(&by(SigningAlg::Rs512)), Err(ClientAssertionError::Algorithm));
    let strict = ClientAssertionVerifier::new([ISSUER]).with_algorithms(&[SigningAlg::Es256]);
    let fapi = Client { verifier: strict, alg: Some(SigningAlg::Rs256), ..client() };
    assert_eq!(fapi.verdict(&by(SigningAlg::Rs256)), Err(ClientAssertionError::Algorithm));
}

/// attack 92
#[test]
fn every_audience_must_be_this_server() {
    for aud in [
        json!("https://evil.example"),
        json!([]),
        json!([ISSUER, "https://evil.example"]),
        json!(null),
        json!("https://op.example/"),
    ] {
        assert_eq!(client().refused("aud", aud), ClientAssertionError::Audience);
    }
    assert_eq!(client().refused_without("aud"), ClientAssertionError::Audience);
    let both = with(&claims(), "aud", json!([ISSUER, TOKEN_ENDPOINT]));
    assert!(client().verdict(&token(None, &both, &signer(SigningAlg::Es256))).is_ok());
    let fapi = Client { verifier: ClientAssertionVerifier::new([ISSUER]).with_plain_audience(), ..client() };
    assert_eq!(fapi.refused("aud", json!([ISSUER])), ClientAssertionError::Audience);
    assert_eq!(fapi.refused("aud", TOKEN_ENDPOINT), ClientAssertionError::Audience);
    assert!(fapi.verdict(&token(None, &claims(), &signer(SigningAlg::Es256))).is_ok());
}

/// attack 93
#[test]
fn issuer_and_subject_are_the_client() {
    for name in ["iss", "sub"] {
        for value in
            [json!("other"), json!(["reports", "evil"]), json!(["reports"]), json!("reports2"), json!(null)]
        {
            assert_eq!(client().refused(name, value), ClientAssertionError::Issuer);
        }
        assert_eq!(client().refused_without(name), ClientAssertionError::Issuer);
    }
    let foreign = with(&with(&claims(), "iss", "other"), "sub", "other");
    let foreign = token(None, &foreign, &signer(SigningAlg::Es256));
    assert_eq!(client().verdict(&foreign), Err(ClientAssertionError::Issuer));
    assert_eq!(PresentedAssertion::parse(&foreign).unwrap().claimed_client_id().as_str(), "other");
}

/// attack 94: F7, F8.
#[test]
fn an_assertion_lives_for_minutes() {
    for exp in [
        json!("1"),
        json!(1e300),
        json!(NOW - 300),
        json!(NOW - 10),
        json!(NOW + 311),
        json!(null),
        json!(-1),
    ] {
        assert_eq!(client().refused("exp", exp), ClientAssertionError::Times);
    }
    assert_eq!(client().refused_without("exp"), ClientAssertionError::Times);
    for name in ["nbf", "iat"] {
        for value in [json!(1e15), json!(NOW + 11), json!("0"), json!(253_402_300_800_i64), json!(1e300)] {
            assert_eq!(client().refused(name, value), ClientAssertionError::Times);
        }
    }
    let patient = ClientAssertionVerifier::new([ISSUER])
        .with_max_lifetime(Duration::from_secs(3600))
        .with_leeway(Duration::from_secs(600));
    let patient = Client { verifier: patient, ..client() };
    let long = with(&with(&claims(), "exp", NOW + 3660), "iat", NOW + 60);
    assert!(patient.verdict(&token(None, &long, &signer(SigningAlg::Es256))).is_ok());
    assert_eq!(patient.refused("exp", NOW + 3661), ClientAssertionError::Times);
}

#[test]
fn a_jti_is_a_text_of_1_to_256_bytes() {
    for jti in [json!(""), json!("j".repeat(257)), json!(1), json!(null), json!(["a"])] {
        assert_eq!(client().refused("jti", jti), ClientAssertionError::TokenId);
    }
    assert_eq!(client().refused_without("jti"), ClientAssertionError::TokenId);
    let longest = with(&claims(), "jti", "j".repeat(256));
    assert!(client().verdict(&token(None, &longest, &signer(SigningAlg::Es256))).is_ok());
}

/// attack 147, attack 150, attack 161: a token of another kind is no assertion, nor is one inside another.
#[test]
fn a_token_of_another_kind_is_no_assertion() {
    for typ in ["at+jwt", "dpop+jwt", "logout+jwt", "oauth-authz-req+jwt", "secevent+jwt", ""] {
        let other = token(Some(typ), &claims(), &signer(SigningAlg::Es256));
        assert_eq!(client().verdict(&other), Err(ClientAssertionError::Malformed), "{typ}");
    }
    let inner = token(None, &claims(), &signer(SigningAlg::Es256));
    for header in
        [r#"{"alg":"ES256"}"#, r#"{"alg":"ES256","cty":"JWT"}"#, r#"{"alg":"ES256","cty":"application/jwt"}"#]
    {
        let nested = token_with_header(header, &inner, &signer(SigningAlg::Es256));
        assert_eq!(client().verdict(&nested), Err(ClientAssertionError::Malformed));
    }
    let twice = r#"{"iss":"reports","sub":"reports","sub":"reports"}"#;
    let twice = token_with_header(r#"{"alg":"ES256"}"#, twice, &signer(SigningAlg::Es256));
    assert_eq!(client().verdict(&twice), Err(ClientAssertionError::Malformed));
}

/// attack 99: the fitting key is found among keys of one name, and among keys without any.
#[test]
fn ambiguous_names_are_resolved_by_type() {
    let keys = [vectors::rsa(), vectors::p256()].map(|key| with(&public(&key), "kid", "same"));
    let client = Client { keys: JwkSet::register(&set(&keys)).unwrap(), ..client() };
    for alg in [SigningAlg::Rs256, SigningAlg::Es256] {
        let header = json!({"alg": alg, "kid": "same"}).to_string();
        assert!(client.verdict(&token_with_header(header, claims().to_string(), &signer(alg))).is_ok());
    }
    let strangers = vec![public(&vectors::p256()); 1];
    let generated = (0..4).map(|_| JoseSigner::generate(SigningAlg::Es256).unwrap().public_key().to_value());
    let crowd: Vec<Value> = generated.chain(strangers).map(|key| with(&key, "kid", "same")).collect();
    let crowded = Client { keys: JwkSet::register(&set(&crowd)).unwrap(), ..self::client() };
    let header = r#"{"alg":"ES256","kid":"same"}"#;
    let fifth = token_with_header(header, claims().to_string(), &signer(SigningAlg::Es256));
    assert_eq!(crowded.verdict(&fifth), Err(ClientAssertionError::Signature));
}

#[test]
fn every_refusal_of_an_assertion_has_its_reason() {
    for (error, reason) in [
        (ClientAssertionError::Algorithm, Reason::ClientAssertionAlgorithm),
        (ClientAssertionError::Audience, Reason::ClientAssertionAudience),
        (ClientAssertionError::Issuer, Reason::ClientAssertionIssuer),
        (ClientAssertionError::Malformed, Reason::ClientAssertionMalformed),
        (ClientAssertionError::Panicked, Reason::ClientAssertionUnchecked),
        (ClientAssertionError::Signature, Reason::ClientAssertionSignature),
        (ClientAssertionError::Times, Reason::ClientAssertionTimes),
        (ClientAssertionError::TokenId, Reason::ClientAssertionId),
    ] {
        assert_eq!(Reason::from(error), reason);
    }
}

/// A panic in the library is told apart from a wrong signature, so that somebody hears of it.
#[test]
fn a_panic_is_not_taken_for_a_wrong_signature() {
    assert_eq!(ClientAssertionError::from(JoseError::Panicked), ClientAssertionError::Panicked);
    assert_eq!(ClientAssertionError::from(JoseError::NoKey), ClientAssertionError::Signature);
}

fn ring() -> Keyring {
    let key = |alg, state| RingKey::new(std::sync::Arc::new(signer(alg)), state);
    Keyring::new(vec![key(SigningAlg::Es256, KeyState::Active), key(SigningAlg::EdDsa, KeyState::Retired)])
        .unwrap()
}

fn id_token() -> Value {
    json!({"iss": ISSUER, "sub": "alice", "aud": "app", "exp": NOW - 86_400, "iat": NOW - 90_000, "sid": "s1"})
}

fn hint(typ: Option<&str>, claims: &Value) -> Result<super::super::IdTokenHint, IdTokenHintError> {
    IdTokenHintVerifier::new(ISSUER, ring()).verify(&token(typ, claims, &signer(SigningAlg::Es256)))
}

#[test]
fn an_expired_id_token_is_still_a_hint() {
    for typ in [None, Some("JWT"), Some("jwt")] {
        let hint = hint(typ, &id_token()).unwrap();
        assert_eq!((hint.sub(), hint.audience(), hint.sid()), ("alice", vec!["app"], Some("s1")));
        assert_eq!(hint.claims().str("iss"), Some(ISSUER));
    }
    let retired = token(None, &id_token(), &signer(SigningAlg::EdDsa));
    assert!(IdTokenHintVerifier::new(ISSUER, ring()).verify(&retired).is_ok());
}

/// attack 161: tokens of this issuer that are no ID tokens, each by what tells them apart.
#[test]
fn other_tokens_of_this_issuer_are_no_hint() {
    for typ in ["at+jwt", "application/at+jwt", "logout+jwt", "token-introspection+jwt", ""] {
        assert_eq!(hint(Some(typ), &id_token()), Err(IdTokenHintError::Type), "{typ}");
    }
    let event = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    assert_eq!(hint(None, &with(&id_token(), "events", event)), Err(IdTokenHintError::Type));
    for missing in ["iss", "sub", "aud", "exp", "iat"] {
        let mut claims = id_token();
        claims.as_object_mut().unwrap().remove(missing);
        assert_eq!(hint(None, &claims), Err(IdTokenHintError::Claims), "{missing}");
    }
    for (name, value) in
        [("iss", json!("https://other.example")), ("sub", json!("")), ("sub", json!(1)), ("exp", json!("1"))]
    {
        assert_eq!(hint(None, &with(&id_token(), name, value)), Err(IdTokenHintError::Claims), "{name}");
    }
}

#[test]
fn a_hint_of_a_foreign_key_is_refused() {
    let verifier = IdTokenHintVerifier::new(ISSUER, ring());
    let foreign = JoseSigner::generate(SigningAlg::Es256).unwrap();
    assert_eq!(verifier.verify(&token(None, &id_token(), &foreign)), Err(IdTokenHintError::Signature));
    let other_alg = token(None, &id_token(), &signer(SigningAlg::Rs256));
    assert_eq!(verifier.verify(&other_alg), Err(IdTokenHintError::Signature));
    for text in ["", "x", "a.b.c", "a.b.c.d.e"] {
        assert_eq!(verifier.verify(text), Err(IdTokenHintError::Malformed), "{text}");
    }
}

fn access_token() -> Value {
    json!({
        "iss": ISSUER, "sub": "alice", "client_id": "app", "aud": "https://api.example", "exp": NOW + 600,
        "iat": NOW, "jti": "t1", "scope": "openid"
    })
}

fn access(typ: Option<&str>, claims: &Value) -> Result<super::super::VerifiedAccessToken, AccessTokenError> {
    let token = token(typ, claims, &signer(SigningAlg::Es256));
    AccessTokenVerifier::new(ISSUER, ring()).verify(&token, Timestamp::from_unix(NOW))
}

/// attack 162
#[test]
fn an_access_token_is_known_by_its_type() {
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt"] {
        let token = access(Some(typ), &access_token()).unwrap();
        assert_eq!((token.sub(), token.client_id(), token.jti()), ("alice", "app", "t1"));
        assert_eq!(token.audience(), ["https://api.example"]);
        assert_eq!(token.into_claims().str("scope"), Some("openid"));
    }
    assert_eq!(access(None, &access_token()), Err(AccessTokenError::Type));
}

/// attack 161
#[test]
fn an_id_token_is_no_access_token() {
    for typ in [None, Some("JWT"), Some("logout+jwt"), Some("at+jwt2")] {
        assert_eq!(access(typ, &access_token()), Err(AccessTokenError::Type));
    }
    assert_eq!(access(Some("at+jwt"), &with(&id_token(), "exp", NOW + 60)), Err(AccessTokenError::Claims));
}

#[test]
fn an_access_token_ends_to_the_second_and_is_complete() {
    let exp = |at: i64| access(Some("at+jwt"), &with(&access_token(), "exp", at)).map(|_| ());
    assert_eq!((exp(NOW + 1), exp(NOW)), (Ok(()), Err(AccessTokenError::Expired)));
    // Signed by another node whose clock is ahead.
    assert!(access(Some("at+jwt"), &with(&access_token(), "iat", NOW + 30)).is_ok());
    for missing in ["iss", "sub", "client_id", "aud", "exp", "iat", "jti"] {
        let mut claims = access_token();
        claims.as_object_mut().unwrap().remove(missing);
        assert_eq!(access(Some("at+jwt"), &claims), Err(AccessTokenError::Claims), "{missing}");
    }
    let foreign = JoseSigner::generate(SigningAlg::Es256).unwrap();
    let foreign = token(Some("at+jwt"), &access_token(), &foreign);
    let verifier = AccessTokenVerifier::new(ISSUER, ring());
    assert_eq!(verifier.verify(&foreign, Timestamp::from_unix(NOW)), Err(AccessTokenError::Signature));
}
