use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::jws::signed;
use crate::clock::Timestamp;
use crate::jose::{DpopProofVerifier, Jwk, ProvedRequest, SigningAlg, Verifier};
use crate::types::HttpUri;

/// The request that proofs are for, when it arrives, and the one nonce that its server knows.
const METHOD: &str = "POST";
const PLACE: &str = "https://op.example/token";
const NOW: i64 = 1_000_000;
const NONCE: &str = "n";
const ACCESS_TOKEN: &str = "t";

/// A byte of circumstances, then a proof as it stands; and the first line of it as a header and the rest as claims,
/// signed.
///
/// Whatever is accepted meets every one of the checks of RFC 9449 section 4.3 as a second implementation has them, and
/// its thumbprint is that of the key that signed it.
pub fn dpop(data: &[u8]) {
    let Some((circumstances, proof)) = data.split_first() else { return };
    let circumstances =
        Circumstances { nonce_required: circumstances & 1 != 0, presents_token: circumstances & 2 != 0 };
    if let Ok(text) = std::str::from_utf8(proof) {
        check(circumstances, text);
    }
    let mut lines = proof.splitn(2, |b| *b == b'\n');
    let (header, claims) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    check(circumstances, &signed(header, claims));
}

#[derive(Clone, Copy, Debug)]
struct Circumstances {
    nonce_required: bool,
    presents_token: bool,
}

fn check(circumstances: Circumstances, text: &str) {
    let place = HttpUri::parse(PLACE).expect("the constant is a place");
    let is_nonce = |nonce: &str| nonce == NONCE;
    let mut request = ProvedRequest::new(METHOD, &place).with_nonces(&is_nonce);
    if circumstances.presents_token {
        request = request.with_access_token(ACCESS_TOKEN);
    }
    let mut verifier = DpopProofVerifier::new();
    if circumstances.nonce_required {
        verifier = verifier.with_nonce_required();
    }
    let Ok(proof) = verifier.verify(text, &request, Timestamp::from_unix(NOW)) else { return };
    let (header, claims) = (part(text, 0), part(text, 1));
    check_header(&header, text);
    assert_eq!(proof.thumbprint().to_string(), thumbprint(&header["jwk"]), "another key");
    assert_eq!(claims["jti"], proof.jti(), "another name");
    assert!((1..=256).contains(&proof.jti().len()), "a name of another length");
    check_request(&claims, circumstances);
    check_times(&claims, circumstances);
}

/// Checks 4 to 7 of the section. The first is about headers of HTTP, and the others are spread over what is below.
fn check_header(header: &Value, text: &str) {
    let typ = header["typ"].as_str().map(str::to_ascii_lowercase);
    let typed = matches!(typ.as_deref(), Some("dpop+jwt" | "application/dpop+jwt"));
    assert!(typed, "another type: {header}");
    let alg = header["alg"].as_str().expect("there is an algorithm");
    assert!(["ES256", "PS256", "EdDSA", "RS256"].contains(&alg), "another algorithm: {alg}");
    let jwk = header["jwk"].as_object().expect("there is a key");
    let private = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
    assert!(!private.iter().any(|name| jwk.contains_key(*name)), "a private key: {header}");
    let key = Jwk::parse(&header["jwk"]).expect("the key is sound");
    let alg: SigningAlg = alg.parse().expect("the algorithm is known");
    let (message, signature) = text.rsplit_once('.').expect("there are three parts");
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).expect("the signature is base64url");
    let verdict = Verifier::new(&key, alg).and_then(|key| key.verify(message.as_bytes(), &signature));
    assert_eq!(verdict, Ok(()), "the key does not verify it");
}

/// Checks 8, 9 and 12.
fn check_request(claims: &Value, circumstances: Circumstances) {
    assert_eq!(claims["htm"], METHOD, "another method");
    let htu = Url::parse(claims["htu"].as_str().expect("there is a place")).expect("the place is a URL");
    let port = htu.port_or_known_default();
    assert_eq!(
        (htu.scheme(), htu.host_str(), port),
        ("https", Some("op.example"), Some(443)),
        "another place"
    );
    assert!(htu.username().is_empty() && htu.password().is_none(), "a place with user information");
    assert_eq!(unescaped(htu.path()), "/token", "another path");
    if circumstances.presents_token {
        let hash = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(ACCESS_TOKEN));
        assert_eq!(claims["ath"], hash.as_str(), "another access token");
    }
}

/// Checks 10 and 11, and what the proof says of its own end and beginning.
fn check_times(claims: &Value, circumstances: Circumstances) {
    match claims.get("nonce") {
        Some(nonce) => assert_eq!(nonce, NONCE, "another nonce"),
        None => {
            assert!(!circumstances.nonce_required, "no nonce");
            let age = NOW as f64 - claims["iat"].as_f64().expect("iat is a number");
            assert!((-11.0..=300.0).contains(&age), "of another time: {claims}");
        }
    }
    assert!(claims["iat"].is_number(), "no time");
    let number = |name: &str| claims.get(name).map(|value| value.as_f64().expect("a time is a number"));
    assert!(number("exp").is_none_or(|expiry| expiry + 10.0 > NOW as f64), "over: {claims}");
    assert!(number("nbf").is_none_or(|begin| begin < NOW as f64 + 11.0), "not yet: {claims}");
}

/// RFC 7638 by the letter, for the key that signs here.
fn thumbprint(jwk: &Value) -> String {
    let required: &[&str] = match jwk["kty"].as_str() {
        Some("EC") => &["crv", "kty", "x", "y"],
        Some("OKP") => &["crv", "kty", "x"],
        Some("RSA") => &["e", "kty", "n"],
        other => panic!("a key of kind {other:?}"),
    };
    let members: Vec<_> = required.iter().map(|name| format!("\"{name}\":{}", jwk[name])).collect();
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{{{}}}", members.join(","))))
}

fn part(text: &str, place: usize) -> Value {
    let part = text.split('.').nth(place).expect("there are three parts");
    let json = BASE64_URL_SAFE_NO_PAD.decode(part).expect("the part is base64url");
    serde_json::from_slice(&json).expect("the part is JSON")
}

/// Every escape undone.
fn unescaped(path: &str) -> String {
    let query = format!("p={}", path.replace('+', "%2B"));
    url::form_urlencoded::parse(query.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::jws::SIGNER;
    use super::*;

    /// A target that accepts nothing would find nothing.
    #[test]
    fn the_signer_of_the_target_makes_proofs_that_are_accepted() {
        let jwk = SIGNER.public_key().to_value();
        let header = serde_json::json!({ "typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk }).to_string();
        let claims = serde_json::json!({ "jti": "j", "htm": METHOD, "htu": PLACE, "iat": NOW }).to_string();
        let place = HttpUri::parse(PLACE).unwrap();
        let proof = signed(header.as_bytes(), claims.as_bytes());
        let verified = DpopProofVerifier::new().verify(
            &proof,
            &ProvedRequest::new(METHOD, &place),
            Timestamp::from_unix(NOW),
        );
        assert_eq!(verified.unwrap().thumbprint().to_string(), thumbprint(&jwk));
        dpop(format!("\0{header}\n{claims}").as_bytes());
    }
}
