//! What is right in the library and must stay so, and findings that concern none of the other files.

use serde_json::json;

use super::super::{JoseError, Jwk, Jws, Signer as _, SigningAlg, Verifier};
use super::{bare, base64url, public, signer, token, token_with_header, vectors, with};

fn verdict(token: &str, alg: SigningAlg) -> Result<(), JoseError> {
    let verifier = Verifier::new(&bare(&signer(alg)), alg).unwrap();
    Jws::parse(token)?.verify(&verifier).map(|_| ())
}

/// attack 91: the verifier fixes the algorithm, not the header.
#[test]
fn a_header_does_not_choose_the_algorithm() {
    let rsa = signer(SigningAlg::Rs256);
    for alg in ["PS256", "RS384", "HS256", "none", "None", "rs256", "RS256 ", ""] {
        let token = token_with_header(json!({"alg": alg}).to_string(), "{}", &rsa);
        assert_eq!(verdict(&token, SigningAlg::Rs256), Err(JoseError::Algorithm), "{alg}");
    }
    assert_eq!(verdict(&token(None, &json!({}), &rsa), SigningAlg::Rs256), Ok(()));
}

/// attack 88: F16, F32. A public key can never become a MAC key: there is no MAC.
#[test]
fn a_mac_keyed_by_the_public_key_is_refused() {
    let rsa = signer(SigningAlg::Rs256);
    let signed = format!("{}.{}", base64url(r#"{"alg":"HS256"}"#), base64url("{}"));
    for key in [rsa.public_key().to_value().to_string(), rsa.public_key().to_value()["n"].to_string()] {
        let secret = crate::secret::mac(&hmac_of(&key), &[signed.as_bytes()]);
        let token = format!("{signed}.{}", base64url(secret));
        assert_eq!(verdict(&token, SigningAlg::Rs256), Err(JoseError::Algorithm));
    }
    let symmetric = json!({"kty": "oct", "k": base64url("-----BEGIN PUBLIC KEY-----")});
    assert!(Jwk::parse(&symmetric).is_err());
}

fn hmac_of(key: &str) -> crate::secret::HmacSha256 {
    hmac::KeyInit::new_from_slice(key.as_bytes()).unwrap()
}

/// attack 89: F6 too: a certificate in a header or a key is never read, whatever lengths it claims.
#[test]
fn key_material_in_a_header_or_certificates_in_a_key_are_ignored() {
    let (ours, theirs) = (signer(SigningAlg::EdDsa), signer(SigningAlg::Es256));
    let hostile_der = base64url([0x30, 0x88, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    let header = |alg: &str| {
        json!({
            "alg": alg, "jwk": theirs.public_key().to_value(), "jku": "https://evil.example/jwks",
            "x5u": "https://evil.example/x", "x5c": [hostile_der], "x5t": "AA"
        })
        .to_string()
    };
    assert_eq!(verdict(&token_with_header(header("EdDSA"), "{}", &ours), SigningAlg::EdDsa), Ok(()));
    let forged = token_with_header(header("EdDSA"), "{}", &theirs);
    assert_eq!(verdict(&forged, SigningAlg::EdDsa), Err(JoseError::Signature));
    let key = with(&public(&vectors::p256()), "x5c", json!([hostile_der, 1]));
    assert_eq!(Jwk::parse(&key), Jwk::parse(&public(&vectors::p256())));
}

#[test]
fn any_change_to_a_signed_token_is_noticed() {
    for alg in [SigningAlg::EdDsa, SigningAlg::Es256, SigningAlg::Rs256, SigningAlg::Ps256] {
        let good = token(Some("JWT"), &json!({"sub": "alice"}), &signer(alg));
        assert_eq!(verdict(&good, alg), Ok(()));
        for position in (0..good.len()).step_by(7) {
            let mut bytes = good.clone().into_bytes();
            bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
            let bent = String::from_utf8(bytes).unwrap();
            assert!(verdict(&bent, alg).is_err(), "{alg} {position}");
        }
    }
}

/// A signature by one algorithm of a key is none by another of the same key.
#[test]
fn an_rsa_signature_is_good_for_one_algorithm_only() {
    let key = bare(&signer(SigningAlg::Rs256));
    let algs = key_algorithms(&key);
    for signing in &algs {
        let signature = futures_util::FutureExt::now_or_never(signer(*signing).sign(b"m")).unwrap().unwrap();
        for verifying in &algs {
            let verifier = Verifier::new(&key, *verifying).unwrap();
            assert_eq!(
                verifier.verify(b"m", &signature).is_ok(),
                signing == verifying,
                "{signing} {verifying}"
            );
        }
    }
}

fn key_algorithms(key: &Jwk) -> Vec<SigningAlg> {
    SigningAlg::ALL.iter().copied().filter(|alg| key.fits(*alg)).collect()
}
