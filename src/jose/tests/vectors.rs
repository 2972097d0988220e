//! RFC 7515 appendix A, RFC 7638 section 3.1, RFC 8037 appendix A: their examples, to the letter.

use serde_json::{Value, json};

use super::super::{JoseError, Jwk, Jws, Signer as _, SigningAlg, SigningHeader, Verifier, sign};
use super::{base64url, public, signer, unbase64url};
use futures_util::FutureExt as _;

/// The key of RFC 7515 appendix A.2.1.
pub(super) fn rsa() -> Value {
    json!({
        "kty": "RSA",
        "n": concat!(
            "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddx",
            "HmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMs",
            "D1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSH",
            "SXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdV",
            "MTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8",
            "NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
        ),
        "e": "AQAB",
        "d": concat!(
            "Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97I",
            "jlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0",
            "BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn",
            "439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYT",
            "CBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLh",
            "BOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ"
        ),
        "p": concat!(
            "4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdi",
            "YrqBdss1l58BQ3KhooKeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPG",
            "BY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc"
        ),
        "q": concat!(
            "uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxa",
            "ewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA",
            "-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdc"
        ),
        "dp": concat!(
            "BwKfV3Akq5_MFZDFZCnW-wzl-CCo83WoZvnLQwCTeDv8uzluRSnm71I3QC",
            "LdhrqE2e9YkxvuxdBfpT_PI7Yz-FOKnu1R6HsJeDCjn12Sk3vmAktV2zb3",
            "4MCdy7cpdTh_YVr7tss2u6vneTwrA86rZtu5Mbr1C1XsmvkxHQAdYo0"
        ),
        "dq": concat!(
            "h_96-mK1R_7glhsum81dZxjTnYynPbZpHziZjeeHcXYsXaaMwkOlODsWa7",
            "I9xXDoRwbKgB719rrmI2oKr6N3Do9U0ajaHF-NKJnwgjMd2w9cjz3_-kyN",
            "lxAr2v4IKhGNpmM5iIgOS1VZnOZ68m6_pbLBSp3nssTdlqvd0tIiTHU"
        ),
        "qi": concat!(
            "IYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd-DlcxyVuuM9sQLdgjVk2oy",
            "26F0EmpScGLq2MowX7fhd_QJQ3ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW",
            "0ITrJReOgo1cq9SbsxYawBgfp_gh6A5603k2-ZQwVK0JKSHuLFkuQ3U"
        ),
    })
}

/// The key of RFC 7515 appendix A.3.1.
pub(super) fn p256() -> Value {
    json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
    })
}

/// The key of RFC 7515 appendix A.4.1.
pub(super) fn p521() -> Value {
    json!({
        "kty": "EC",
        "crv": "P-521",
        "x": concat!(
            "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_",
            "NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk"
        ),
        "y": concat!(
            "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDl",
            "y79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"
        ),
        "d": concat!(
            "AY5pb7A0UFiB3RELSD64fTLOSV_jazdF7fLYyuTw8lOfRhWg6Y6rUrPA",
            "xerEzgdRhajnu0ferB0d53vM9mE15j2C"
        ),
    })
}

/// The key of RFC 8037 appendix A.1.
pub(super) fn ed25519() -> Value {
    json!({
        "kty": "OKP",
        "crv": "Ed25519",
        "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    })
}

/// The payload of RFC 7515 appendices A.1 to A.3, encoded.
const JOE: &str = concat!(
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt",
    "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
);

/// The signature of RFC 7515 appendix A.2.1.
const RS256_SIGNATURE: &str = concat!(
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7",
    "AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4",
    "BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K",
    "0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv",
    "hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB",
    "p0igcN_IoypGlUPQGe77Rw"
);

fn verified(token: &str, key: &Value, alg: SigningAlg) -> Vec<u8> {
    let verifier = Verifier::new(&Jwk::parse(&public(key)).unwrap(), alg).unwrap();
    Jws::parse(token).unwrap().verify(&verifier).unwrap().to_vec()
}

#[test]
fn rfc7515_a1_a_mac_is_not_an_algorithm_here() {
    let token =
        format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{JOE}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    let jws = Jws::parse(&token).unwrap();
    assert_eq!((jws.header().alg_name(), jws.header().alg()), ("HS256", None));
    let verifier = Verifier::new(signer(SigningAlg::Rs256).public_key(), SigningAlg::Rs256).unwrap();
    assert_eq!(jws.verify(&verifier), Err(JoseError::Algorithm));
}

#[test]
fn rfc7515_a2_rs256_verifies_and_is_made_again() {
    let token = format!("eyJhbGciOiJSUzI1NiJ9.{JOE}.{RS256_SIGNATURE}");
    assert_eq!(verified(&token, &rsa(), SigningAlg::Rs256), unbase64url(JOE));
    let signed = format!("eyJhbGciOiJSUzI1NiJ9.{JOE}");
    let signature = signer(SigningAlg::Rs256).sign(signed.as_bytes()).now_or_never().unwrap().unwrap();
    assert_eq!(base64url(signature), RS256_SIGNATURE);
}

#[test]
fn rfc7515_a3_es256_verifies() {
    let token = format!(
        "eyJhbGciOiJFUzI1NiJ9.{JOE}.{}",
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    );
    assert_eq!(verified(&token, &p256(), SigningAlg::Es256), unbase64url(JOE));
}

#[test]
fn rfc7515_a4_es512_verifies() {
    let token = concat!(
        "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.",
        "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZq",
        "wqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8Kp",
        "EHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn"
    );
    assert_eq!(verified(token, &p521(), SigningAlg::Es512), b"Payload");
}

/// attack 87
#[test]
fn rfc7515_a5_an_unsecured_token_is_refused() {
    let token = format!("eyJhbGciOiJub25lIn0.{JOE}.");
    assert_eq!(Jws::parse(&token), Err(JoseError::Malformed));
}

/// F13, F15: only the compact serialization is read.
#[test]
fn rfc7515_a6_and_a7_json_serializations_are_refused() {
    let flattened = format!(
        r#"{{"payload":"{JOE}","protected":"eyJhbGciOiJSUzI1NiJ9","header":{{"kid":"2010-12-29"}},"signature":"{RS256_SIGNATURE}"}}"#
    );
    assert_eq!(Jws::parse(&flattened), Err(JoseError::Malformed));
    let general = format!(
        r#"{{"payload":"{JOE}","signatures":[{{"protected":"eyJhbGciOiJSUzI1NiJ9","signature":"{RS256_SIGNATURE}"}}]}}"#
    );
    assert_eq!(Jws::parse(&general), Err(JoseError::Malformed));
}

#[test]
fn rfc7638_3_1_the_thumbprint_of_an_rsa_key() {
    let key = json!({
        "kty": "RSA",
        "n": concat!(
            "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAt",
            "VT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn6",
            "4tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FD",
            "W2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n9",
            "1CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINH",
            "aQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
        ),
        "e": "AQAB",
        "alg": "RS256",
        "kid": "2011-04-29",
    });
    let key = Jwk::parse(&key).unwrap();
    assert_eq!(key.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    assert_eq!(key.kid().unwrap().as_str(), "2011-04-29");
}

#[test]
fn rfc8037_a3_the_thumbprint_of_an_ed25519_key() {
    let key = Jwk::parse(&public(&ed25519())).unwrap();
    assert_eq!(key.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn rfc8037_a4_ed25519_signs() {
    let key = crate::secret::Secret::new(ed25519().to_string());
    let signer = super::super::JoseSigner::from_jwk(&key, SigningAlg::EdDsa).unwrap();
    let signed = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature = signer.sign(signed.as_bytes()).now_or_never().unwrap().unwrap();
    assert_eq!(
        base64url(signature),
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    );
}

#[test]
fn rfc8037_a5_ed25519_verifies() {
    let token = concat!(
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.",
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    );
    assert_eq!(verified(token, &ed25519(), SigningAlg::EdDsa), b"Example of Ed25519 signing");
}

#[test]
fn every_algorithm_signs_and_verifies() {
    for alg in SigningAlg::ALL {
        let signer = signer(*alg);
        let token = sign(&SigningHeader::typed("JWT"), b"{}", &signer).now_or_never().unwrap().unwrap();
        let jws = Jws::parse(&token).unwrap();
        assert_eq!(jws.header().alg(), Some(*alg));
        assert_eq!(jws.header().kid(), signer.public_key().kid().map(|kid| kid.as_str()));
        assert!(jws.header().is_type("JWT"));
        let verifier = Verifier::new(signer.public_key(), *alg).unwrap();
        assert_eq!(jws.verify(&verifier), Ok(&b"{}"[..]));
    }
}
