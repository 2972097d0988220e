//! DPoP proofs: RFC 9449 section 4.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::jose::{
    DpopProof, DpopProofError, DpopProofVerifier, JoseSigner, ProvedRequest, Signer, SigningAlg,
};
use crate::testing::{JwtForm, dpop_keys};
use crate::types::HttpUri;

/// The proof of RFC 9449 section 4.1.
const TOKEN_PROOF: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
const THUMBPRINT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

/// The access token of RFC 9449 section 7.1, whose hash is there too.
const ACCESS_TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

fn place() -> HttpUri {
    HttpUri::parse("https://op.example/token").unwrap()
}

fn form() -> JwtForm {
    let [key, _] = dpop_keys();
    let claims = json!({ "jti": "j", "htm": "POST", "htu": "https://op.example/token", "iat": NOW.unix() });
    JwtForm::proof(&key, claims)
}

fn verified(proof: &str) -> Result<DpopProof, DpopProofError> {
    DpopProofVerifier::new().verify(proof, &ProvedRequest::new("POST", &place()), NOW)
}

fn outcome(form: &JwtForm) -> Result<(), DpopProofError> {
    verified(&form.sign()).map(drop)
}

fn rsa() -> Arc<dyn Signer> {
    static KEY: OnceLock<Arc<dyn Signer>> = OnceLock::new();
    Arc::clone(KEY.get_or_init(|| Arc::new(JoseSigner::generate(SigningAlg::Rs256).unwrap())))
}

#[test]
fn rfc9449_4_1_the_proof_of_a_token_request() {
    let uri = HttpUri::parse("https://server.example.com/token").unwrap();
    let at = |seconds: i64| Timestamp::from_unix(1_562_262_616 + seconds);
    let verify = |now| DpopProofVerifier::new().verify(TOKEN_PROOF, &ProvedRequest::new("POST", &uri), now);
    let proof = verify(at(0)).unwrap();
    assert_eq!(proof.thumbprint().to_string(), THUMBPRINT);
    assert_eq!((proof.jti(), proof.nonce()), ("-BwC3ESc6acc2lTc", None));
    assert_eq!(proof.accepted_until(), Some(at(300)));
    assert_eq!(verify(at(301)), Err(DpopProofError::Times));
}

/// attack 169: only a JWT of this type, by an accepted algorithm.
#[test]
fn what_is_no_proof_of_an_accepted_algorithm_is_refused() {
    for text in ["", "a", "a.b", "a.b.c", "....", &"a".repeat(17_000), "é.é.é"] {
        assert_eq!(verified(text), Err(DpopProofError::Malformed), "{text}");
    }
    assert_eq!(outcome(&form()), Ok(()));
    assert_eq!(outcome(&form().header("typ", "DPoP+JWT")), Ok(()));
    assert_eq!(outcome(&form().without_header("typ")), Err(DpopProofError::Type));
    for typ in ["JWT", "at+jwt", "dpop", "dpop+jwt "] {
        assert_eq!(outcome(&form().header("typ", typ)), Err(DpopProofError::Type), "{typ}");
    }
    assert_eq!(outcome(&form().header("cty", "JWT")), Err(DpopProofError::Type));
    assert_eq!(outcome(&form().without_header("alg")), Err(DpopProofError::Malformed));
    for alg in ["none", "HS256", "ES384", "ES256K", "es256", ""] {
        assert_eq!(outcome(&form().header("alg", alg)), Err(DpopProofError::Algorithm), "{alg}");
    }
    for (name, value) in [("crit", json!(["exp"])), ("b64", json!(false)), ("zip", json!("DEF"))] {
        assert_eq!(outcome(&form().header(name, value)), Err(DpopProofError::Malformed), "{name}");
    }
    // FAPI 2.0 takes no RS256, whatever else it takes.
    let fapi = DpopProofVerifier::new().with_algorithms(&[SigningAlg::Es256, SigningAlg::Ps256]);
    let by_rsa = form().by(&rsa()).sign();
    let (uri, refused) = (place(), Err(DpopProofError::Algorithm));
    assert_eq!(fapi.verify(&by_rsa, &ProvedRequest::new("POST", &uri), NOW), refused);
    assert!(verified(&by_rsa).is_ok());
}

/// attack 170, F18, F22: the key is public, sound and for the algorithm.
#[test]
fn a_key_that_is_private_weak_or_another_is_refused() {
    let [key, other] = dpop_keys();
    let jwk = key.public_key().to_value();
    let with = |member: &str, value: Value| {
        let mut jwk = jwk.clone();
        jwk[member] = value;
        form().header("jwk", jwk)
    };
    assert_eq!(outcome(&form().without_header("jwk")), Err(DpopProofError::Key));
    let rsa_key = rsa().public_key().to_value();
    let weak = BASE64_URL_SAFE_NO_PAD.encode([0xff; 128]);
    for bad in [
        with("d", jwk["x"].clone()),
        with("use", json!("enc")),
        with("alg", json!("ES384")),
        with("crv", json!("P-384")),
        with("crv", json!("secp256k1")),
        form().header("jwk", json!({ "kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0" })),
        form().header("jwk", json!({ "kty": "RSA", "n": rsa_key["n"], "e": "AQ" })),
        form().header("jwk", json!({ "kty": "RSA", "n": weak, "e": "AQAB" })),
        form().header("jwk", rsa_key),
        form().header("jwk", json!("a key")),
        form().header("jwk", Value::Null),
    ] {
        assert_eq!(outcome(&bad), Err(DpopProofError::Key), "{bad:?}");
    }
    let named = form().header("jwk", other.public_key().to_value());
    assert_eq!(outcome(&named), Err(DpopProofError::Signature));
    // Other ways to name a key are none.
    let elsewhere =
        form().without_header("jwk").header("kid", "k").header("jku", "https://evil.example/jwks");
    assert_eq!(outcome(&elsewhere), Err(DpopProofError::Key));
}

/// attack 183, F11: one point has one spelling, and what else a JWK says does not change its thumbprint.
#[test]
fn a_key_has_one_thumbprint_however_it_is_written() {
    let [key, _] = dpop_keys();
    let jwk = key.public_key().to_value();
    let plain = verified(&form().sign()).unwrap().thumbprint();
    assert_eq!(plain.to_string(), key.public_key().thumbprint());
    let mut described = jwk.clone();
    described["kid"] = json!("a name");
    described["use"] = json!("sig");
    described["ext"] = json!(true);
    assert_eq!(verified(&form().header("jwk", described).sign()).unwrap().thumbprint(), plain);
    let point = |name: &str| BASE64_URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let (x, y) = (point("x"), point("y"));
    let moved = |at: usize| {
        let all = [&x[..], &y].concat();
        let (x, y) = all.split_at(at);
        json!({ "kty": "EC", "crv": "P-256",
            "x": BASE64_URL_SAFE_NO_PAD.encode(x), "y": BASE64_URL_SAFE_NO_PAD.encode(y) })
    };
    for at in [0, 31, 33, 64] {
        assert_eq!(outcome(&form().header("jwk", moved(at))), Err(DpopProofError::Key), "{at}");
    }
    assert_eq!(outcome(&form().header("jwk", moved(32))), Ok(()));
}

/// attack 171: every claim is there, and is what it must be.
#[test]
fn a_claim_that_is_missing_or_of_another_type_is_refused() {
    for (name, error) in [
        ("jti", DpopProofError::TokenId),
        ("htm", DpopProofError::Method),
        ("htu", DpopProofError::Uri),
        ("iat", DpopProofError::Times),
    ] {
        assert_eq!(outcome(&form().without(name)), Err(error), "{name}");
        for value in [Value::Null, json!([]), json!({ "a": 1 }), json!(true)] {
            assert_eq!(outcome(&form().claim(name, value.clone())), Err(error), "{name} {value}");
        }
    }
    for jti in [String::new(), "j".repeat(257)] {
        assert_eq!(outcome(&form().claim("jti", jti)), Err(DpopProofError::TokenId));
    }
    assert_eq!(outcome(&form().claim("jti", "j".repeat(256))), Ok(()));
    for iat in [json!("1800000000"), json!(-1), json!(1e300)] {
        assert_eq!(outcome(&form().claim("iat", iat)), Err(DpopProofError::Times));
    }
    // What else is said does not matter.
    assert_eq!(outcome(&form().claim("sub", "someone").header("x5t", "a").claim("ath", "x")), Ok(()));
}

/// attack 171: where there is an access token, the proof is for it.
#[test]
fn a_proof_for_another_access_token_is_refused() {
    let uri = place();
    let request = ProvedRequest::new("POST", &uri).with_access_token("token");
    let outcome = |form: JwtForm| DpopProofVerifier::new().verify(&form.sign(), &request, NOW).map(drop);
    assert_eq!(outcome(form().presenting("token")), Ok(()));
    // RFC 9449 section 4.2: base64url of SHA-256.
    assert_eq!(outcome(form().claim("ath", "PEaenWxYddN6Q_NT1PiOYfz4EsZu7jRXRlpAsNpBU-A")), Ok(()));
    let vector = ProvedRequest::new("POST", &uri).with_access_token(ACCESS_TOKEN);
    let proof = form().claim("ath", "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo").sign();
    assert!(DpopProofVerifier::new().verify(&proof, &vector, NOW).is_ok());
    for bad in [
        form(),
        form().presenting("Token"),
        form().claim("ath", ""),
        form().claim("ath", "token"),
        form().claim("ath", 1),
        form().claim("ath", "PEaenWxYddN6Q_NT1PiOYfz4EsZu7jRXRlpAsNpBU-A="),
    ] {
        assert_eq!(outcome(bad), Err(DpopProofError::AccessToken));
    }
}

/// attack 172: methods have case.
#[test]
fn a_proof_for_another_method_is_refused() {
    for htm in ["post", "Post", "GET", "PUT", "POST ", ""] {
        assert_eq!(outcome(&form().claim("htm", htm)), Err(DpopProofError::Method), "{htm}");
    }
}

/// attack 173: places are compared, not texts.
#[test]
fn a_proof_for_another_place_is_refused() {
    for htu in
        ["HTTPS://OP.example:443/token?a=b#c", "https://op.example/%74oken", "https://op.example/x/../token"]
    {
        assert_eq!(outcome(&form().claim("htu", htu)), Ok(()), "{htu}");
    }
    for htu in [
        "https://op.example/userinfo",
        "https://evil.example/token",
        "http://op.example/token",
        "https://op.example:8443/token",
        "https://op.example/token/",
        "https://op.example/TOKEN",
        "https://op.example@evil.example/token",
        "/token",
        "",
    ] {
        assert_eq!(outcome(&form().claim("htu", htu)), Err(DpopProofError::Uri), "{htu}");
    }
}

/// attack 179, attack 180: ten seconds either way are forgiven, an hour is not.
#[test]
fn a_proof_is_of_now() {
    let at = |seconds: i64| form().claim("iat", NOW.unix() + seconds);
    for seconds in [-300, -10, 0, 10] {
        assert_eq!(outcome(&at(seconds)), Ok(()), "{seconds}");
    }
    for seconds in [-3600, -301, 11, 3600, 7 * 86_400] {
        assert_eq!(outcome(&at(seconds)), Err(DpopProofError::Times), "{seconds}");
    }
    let strict = DpopProofVerifier::new().with_max_age(Duration::from_secs(60)).with_leeway(Duration::ZERO);
    let uri = place();
    let verify = |form: JwtForm| strict.verify(&form.sign(), &ProvedRequest::new("POST", &uri), NOW);
    assert!(verify(at(-60)).is_ok());
    assert_eq!(verify(at(-61)), Err(DpopProofError::Times));
    assert_eq!(verify(at(1)), Err(DpopProofError::Times));
}

#[test]
fn a_proof_may_say_itself_when_it_ends_and_begins() {
    let with = |name: &str, seconds: i64| outcome(&form().claim(name, NOW.unix() + seconds));
    assert_eq!(with("exp", 60), Ok(()));
    assert_eq!(with("exp", -9), Ok(()));
    assert_eq!(with("exp", -10), Err(DpopProofError::Times));
    assert_eq!(with("nbf", 10), Ok(()));
    assert_eq!(with("nbf", 11), Err(DpopProofError::Times));
    for name in ["exp", "nbf"] {
        assert_eq!(outcome(&form().claim(name, "soon")), Err(DpopProofError::Times), "{name}");
    }
}

/// attack 180, attack 181: a nonce of the server takes the place of the clock, and no other text does.
#[test]
fn a_nonce_takes_the_place_of_the_clock() {
    let uri = place();
    let is_nonce = |nonce: &str| nonce == "ours";
    let request = ProvedRequest::new("POST", &uri).with_nonces(&is_nonce);
    let optional = DpopProofVerifier::new();
    let required = DpopProofVerifier::new().with_nonce_required();
    for seconds in [-3600, 0, 3600] {
        let proof = form().claim("nonce", "ours").claim("iat", NOW.unix() + seconds).sign();
        for verifier in [&optional, &required] {
            let proof = verifier.verify(&proof, &request, NOW).unwrap();
            assert_eq!((proof.nonce(), proof.accepted_until()), (Some("ours"), None));
        }
    }
    for nonce in [json!("theirs"), json!(""), json!(1), Value::Null] {
        let proof = form().claim("nonce", nonce).sign();
        for verifier in [&optional, &required] {
            assert_eq!(verifier.verify(&proof, &request, NOW), Err(DpopProofError::Nonce));
        }
    }
    assert!(optional.verify(&form().sign(), &request, NOW).is_ok());
    assert_eq!(required.verify(&form().sign(), &request, NOW), Err(DpopProofError::NonceMissing));
    let late = form().claim("nonce", "ours").claim("exp", NOW.unix() - 60).sign();
    assert_eq!(optional.verify(&late, &request, NOW), Err(DpopProofError::Times));
    let timeless = form().claim("nonce", "ours").without("iat").sign();
    assert_eq!(optional.verify(&timeless, &request, NOW), Err(DpopProofError::Times));
}

#[test]
fn every_accepted_algorithm_verifies() {
    for alg in SigningAlg::DEFAULT_INBOUND {
        let key: Arc<dyn Signer> = match alg {
            SigningAlg::Rs256 => rsa(),
            alg => Arc::new(JoseSigner::generate(*alg).unwrap()),
        };
        let proof = verified(&form().by(&key).sign()).unwrap();
        assert_eq!(proof.thumbprint().to_string(), key.public_key().thumbprint(), "{alg}");
    }
}

/// A key that has proved something is built once, and one that has not is not kept.
#[test]
fn keys_that_proved_something_are_kept_built() {
    let verifier = DpopProofVerifier::new();
    let verify = |form: JwtForm| {
        let place = place();
        let proof = verifier.verify(&form.sign(), &ProvedRequest::new("POST", &place), NOW);
        (proof, verifier.kept_keys())
    };
    let (proof, kept) = verify(form());
    assert!(proof.is_ok());
    assert_eq!(kept, 1);
    let [_, other] = dpop_keys();
    assert_eq!(verify(form().by(&other).claim("htm", "GET")), (Err(DpopProofError::Method), 1));
    let (again, kept) = verify(form());
    assert!(again.is_ok() && kept == 1);
    // The same key with another use is another matter: it may not verify at all.
    let [key, _] = dpop_keys();
    let mut jwk = key.public_key().to_value();
    jwk["use"] = json!("enc");
    assert_eq!(verify(form().header("jwk", jwk)), (Err(DpopProofError::Key), 1));
}
