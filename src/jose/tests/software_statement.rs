//! Software statements (RFC 7591 section 2.3).

use serde_json::{Value, json};

use super::super::{
    JwkSet, PresentedSoftwareStatement, SigningAlg, SoftwareStatement, SoftwareStatementError,
    SoftwareStatementVerifier,
};
use super::{NOW, base64url, public, set, signer, token, token_with_header, vectors, with};
use crate::clock::Timestamp;

const ISSUER: &str = "https://directory.example";
const SERVER: &str = "https://op.example";

fn claims() -> Value {
    json!({ "iss": ISSUER, "software_id": "4NRB1", "client_name": "Example" })
}

fn verdict(statement: &str) -> Result<SoftwareStatement, SoftwareStatementError> {
    let keys = [vectors::rsa(), vectors::p256()].map(|key| public(&key));
    let keys = JwkSet::register(&set(&keys)).unwrap();
    let presented = PresentedSoftwareStatement::parse(statement)?;
    SoftwareStatementVerifier::new(ISSUER, SERVER).verify(&presented, &keys, Timestamp::from_unix(NOW))
}

fn signed(claims: &Value) -> String {
    token(None, claims, &signer(SigningAlg::Es256))
}

#[test]
fn a_statement_gives_its_claims_and_its_text() {
    let text = token(Some("JWT"), &claims(), &signer(SigningAlg::Ps256));
    let statement = verdict(&text).unwrap();
    assert_eq!((statement.issuer(), statement.as_str()), (ISSUER, text.as_str()));
    assert_eq!(statement.claims().str("software_id"), Some("4NRB1"));
    assert!(!format!("{statement:?}").contains("4NRB1"), "only names are printed");
    let timed = json!({ "iss": ISSUER, "aud": [SERVER, "x"], "iat": NOW, "nbf": NOW, "exp": NOW + 1 });
    assert!(verdict(&signed(&timed)).is_ok());
}

/// attack 216: whoever does not sign vouches for nothing, whatever the header calls that.
#[test]
fn an_unsigned_statement_is_refused() {
    let body = base64url(claims().to_string());
    for alg in ["none", "None", "NONE", "HS256"] {
        let header = base64url(json!({ "alg": alg }).to_string());
        assert_eq!(verdict(&format!("{header}.{body}.")), Err(SoftwareStatementError::Malformed));
        assert_eq!(verdict(&format!("{header}.{body}.AA")), Err(SoftwareStatementError::Algorithm));
    }
    let key = json!({ "alg": "ES256", "jku": "https://evil.example" }).to_string();
    let foreign = token_with_header(key, claims().to_string(), &signer(SigningAlg::EdDsa));
    assert!(verdict(&foreign).is_err());
}

/// attack 161, attack 216: a token that the issuer signed for another purpose is no statement about software.
#[test]
fn a_token_of_another_purpose_is_no_statement() {
    for typ in ["at+jwt", "logout+jwt", "secevent+jwt", "dpop+jwt", "oauth-authz-req+jwt"] {
        let typed = token(Some(typ), &claims(), &signer(SigningAlg::Es256));
        assert_eq!(verdict(&typed), Err(SoftwareStatementError::Type), "{typ}");
    }
    let rows = [
        (with(&claims(), "aud", "rp"), SoftwareStatementError::Audience),
        (with(&claims(), "aud", json!([])), SoftwareStatementError::Audience),
        (with(&claims(), "sub", ISSUER), SoftwareStatementError::Type),
        (with(&claims(), "events", json!({})), SoftwareStatementError::Type),
        (with(&claims(), "iss", "https://directory.example/"), SoftwareStatementError::Issuer),
        (with(&claims(), "iss", json!([ISSUER])), SoftwareStatementError::Issuer),
        (with(&claims(), "exp", NOW - 60), SoftwareStatementError::Times),
        (with(&claims(), "exp", "soon"), SoftwareStatementError::Times),
        (with(&claims(), "iat", NOW + 60), SoftwareStatementError::Times),
        (json!([]), SoftwareStatementError::Malformed),
    ];
    for (claims, refused) in rows {
        assert_eq!(verdict(&signed(&claims)), Err(refused), "{claims}");
    }
}

#[test]
fn the_verifier_is_of_one_issuer_and_its_algorithms() {
    let keys = JwkSet::register(&set(&[public(&vectors::p256())])).unwrap();
    let presented = PresentedSoftwareStatement::parse(&signed(&claims())).unwrap();
    assert_eq!(presented.claimed_issuer(), ISSUER);
    let by = |verifier: SoftwareStatementVerifier| {
        verifier.verify(&presented, &keys, Timestamp::from_unix(NOW)).map(drop)
    };
    let verifier = |issuer: &str| SoftwareStatementVerifier::new(issuer, SERVER);
    assert_eq!(by(verifier(ISSUER)), Ok(()));
    assert_eq!(by(verifier("https://other.example")), Err(SoftwareStatementError::Issuer));
    let pinned = verifier(ISSUER).with_algorithms(&[SigningAlg::Ps256]);
    assert_eq!(by(pinned), Err(SoftwareStatementError::Algorithm));
}
