//! The compact form, its header, and what may be inside.

use serde_json::json;

use super::super::super::{
    Content, ContentEnc, DecryptionKey, ExpectedEncryption, JoseError, Jwe, KeyAlg, SigningAlg,
};
use super::super::{base64url, signer, token as signed_token, token_with_header};
use super::{ANY, CLAIMS, encrypter, forged, keys, p256, read, token, verdict, with_member};
use crate::entropy::OsEntropy;

fn refused(token: &str) -> JoseError {
    Jwe::parse(token).unwrap_err()
}

fn key() -> DecryptionKey {
    read(&p256(), KeyAlg::EcdhEs)
}

#[test]
fn what_is_encrypted_is_read_back_by_every_algorithm() {
    for key in keys() {
        for enc in ContentEnc::ALL {
            let token = token(&key, *enc);
            assert_eq!(verdict(&token, &key).as_deref(), Ok(CLAIMS), "{key:?} {enc}");
            let jwe = Jwe::parse(&token).unwrap();
            assert_eq!((jwe.header().alg(), jwe.header().enc()), (Some(key.algorithm()), Some(*enc)));
            assert_eq!(jwe.header().kid(), key.public_key().kid().map(crate::types::KeyId::as_str));
            assert!(!jwe.header().is_nested());
        }
    }
}

/// attack 145: F30. The length decides first, then the number of dots, before anything is split or decoded.
#[test]
fn dots_are_counted_before_anything_is_kept() {
    assert_eq!(refused(&".".repeat(2_000_000)), JoseError::TooLong);
    assert_eq!(refused(&".".repeat(16 * 1024)), JoseError::Malformed);
    for token in ["", "e30", "e30.e30", "a.b.c.d", "a.b.c.d.e.f"] {
        assert_eq!(refused(token), JoseError::Malformed, "{token}");
    }
    assert_eq!(refused("e30.e30.AA"), JoseError::Unencrypted);
    assert_eq!(refused("...."), JoseError::Header);
}

/// attack 146
#[test]
fn the_token_and_its_header_have_caps_of_their_own() {
    let padded = |bytes: usize| {
        let frame = r#"{"alg":"ECDH-ES","enc":"A256GCM","x":""}"#.len();
        let header = format!(r#"{{"alg":"ECDH-ES","enc":"A256GCM","x":"{}"}}"#, "a".repeat(bytes - frame));
        format!("{}....", base64url(header))
    };
    assert!(Jwe::parse(&padded(8 * 1024)).is_ok());
    assert_eq!(refused(&padded(8 * 1024 + 1)), JoseError::TooLong);
    let header = base64url(r#"{"alg":"ECDH-ES","enc":"A256GCM"}"#);
    let at_cap = format!("{header}...{}.", "A".repeat(16 * 1024 - header.len() - 4));
    assert_eq!(at_cap.len(), 16 * 1024);
    assert!(Jwe::parse(&at_cap).is_ok());
    assert_eq!(refused(&format!("{at_cap}A")), JoseError::TooLong);
}

/// attack 147: F14, as far as encrypted tokens go.
#[test]
fn a_header_that_names_a_member_twice_is_refused() {
    for doubled in [r#""alg":"ECDH-ES","alg":"dir""#, r#""enc":"A128GCM","\u0065nc":"A256GCM""#] {
        let token = forged(&key(), ContentEnc::A256Gcm, CLAIMS, |header| {
            Some(format!("{{{doubled},\"epk\":{}}}", header["epk"]))
        });
        assert_eq!(verdict(&token, &key()), Err(JoseError::Header), "{doubled}");
    }
    let epk = forged(&key(), ContentEnc::A256Gcm, CLAIMS, |header| {
        let doubled = header["epk"].to_string().replacen('{', r#"{"kty":"EC","#, 1);
        Some(format!(r#"{{"alg":"ECDH-ES","enc":"A256GCM","epk":{doubled}}}"#))
    });
    assert_eq!(verdict(&epk, &key()), Err(JoseError::Header));
}

/// attack 148, attack 149, attack 151, attack 79: F10, F12. An extension is refused in whatever shape it is named,
/// before anything is decrypted; the library would inflate without end, and never looks at `crit`.
#[test]
fn a_header_with_crit_b64_or_zip_is_refused() {
    for (name, member) in [
        ("crit", json!(["exp"])),
        ("crit", json!(["unknown"])),
        ("crit", json!([])),
        ("crit", json!("x")),
        ("crit", json!(["zip"])),
        ("crit", json!(null)),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
        ("zip", json!("")),
        ("zip", json!(null)),
    ] {
        let token = with_member(&key(), name, member.clone());
        assert_eq!(verdict(&token, &key()), Err(JoseError::Extension), "{name} {member}");
    }
    assert!(verdict(&with_member(&key(), "exp", json!(1)), &key()).is_ok());
}

#[test]
fn missing_and_mistyped_members_are_refused() {
    for header in [
        r#"{"enc":"A256GCM"}"#,
        r#"{"alg":"ECDH-ES"}"#,
        r#"{"alg":"ECDH-ES","enc":1}"#,
        r#"{"alg":null,"enc":"A256GCM"}"#,
        r#"{"alg":"ECDH-ES","enc":"A256GCM","kid":7}"#,
        r#"{"alg":"ECDH-ES","enc":"A256GCM","epk":"x"}"#,
        r#"{"alg":"ECDH-ES","enc":"A256GCM","apu":[]}"#,
        r#"{"alg":"ECDH-ES","enc":"A256GCM","epk":{"a":{"b":{"c":1}}},"x":[[[[]]]]}"#,
        r#"["alg"]"#,
        "not json",
        "",
    ] {
        assert_eq!(refused(&format!("{}....", base64url(header))), JoseError::Header, "{header}");
    }
    let long = format!(r#"{{"alg":"ECDH-ES","enc":"A256GCM","apv":"{}"}}"#, "A".repeat(257));
    assert_eq!(refused(&format!("{}....", base64url(long))), JoseError::Header);
}

/// attack 163
#[test]
fn there_is_one_spelling_of_every_part() {
    let good = token(&key(), ContentEnc::A256Gcm);
    assert!(verdict(&good, &key()).is_ok());
    let parts: Vec<&str> = good.split('.').collect();
    for part in [0, 2, 3, 4] {
        for bent in [format!("{}=", parts[part]), format!("{}\n", parts[part]), format!("+{}", parts[part])] {
            let mut parts: Vec<String> = parts.iter().map(|&part| part.to_owned()).collect();
            parts[part] = bent;
            assert_eq!(refused(&parts.join(".")), JoseError::Malformed, "{part}");
        }
    }
    // A tag of 16 bytes leaves four bits of its last character unused.
    let trailing = format!("{}B", &good[..good.len() - 1]);
    assert_eq!(refused(&trailing), JoseError::Malformed);
}

/// F13, F15: the JSON serializations, which may keep `alg` where nothing protects it, do not exist here.
#[test]
fn json_serializations_are_refused() {
    let good = token(&key(), ContentEnc::A256Gcm);
    let parts: Vec<&str> = good.split('.').collect();
    let flattened = json!({
        "protected": parts[0], "unprotected": {"alg": "ECDH-ES"}, "iv": parts[2], "ciphertext": parts[3],
        "tag": parts[4]
    });
    assert_eq!(refused(&flattened.to_string()), JoseError::Malformed);
    assert_eq!(
        refused(&json!({"recipients": [{}], "ciphertext": parts[3]}).to_string()),
        JoseError::Malformed
    );
}

/// attack 152, attack 155: F1, F3, F17, F29. The recipient fixes both algorithms, not the header, and those that are
/// dangerous cannot be fixed at all.
#[test]
fn a_header_does_not_choose_the_algorithms() {
    for alg in [
        "RSA1_5",
        "RSA-OAEP",
        "dir",
        "A256KW",
        "A256GCMKW",
        "PBES2-HS512+A256KW",
        "none",
        "RSA-OAEP-256",
        "ECDH-ES+A256KW",
        "ecdh-es",
        "",
    ] {
        let mut named = json!({"p2c": 2_147_483_647, "p2s": "AA", "tag": "AA", "iv": "AA"});
        let token = forged(&key(), ContentEnc::A256Gcm, CLAIMS, |header| {
            header.append(named.as_object_mut().unwrap());
            header.insert("alg".to_owned(), alg.into());
            None
        });
        assert_eq!(verdict(&token, &key()), Err(JoseError::Algorithm), "{alg}");
    }
    for enc in ["A192GCM", "A256CBC", "none", "a256gcm", ""] {
        let token = with_member(&key(), "enc", enc.into());
        assert_eq!(verdict(&token, &key()), Err(JoseError::Algorithm), "{enc}");
    }
    assert_eq!(verdict(&with_member(&key(), "enc", "A128GCM".into()), &key()), Err(JoseError::Decryption));
}

#[test]
fn only_expected_algorithms_are_decrypted() {
    let expected = |algs: &[KeyAlg], encs: &[ContentEnc], enc: ContentEnc| {
        let jwe = Jwe::parse(&token(&key(), enc)).unwrap();
        key().decrypt(&jwe, &ExpectedEncryption::new(algs, encs)).map(|_| ())
    };
    use ContentEnc::{A128CbcHs256, A128Gcm, A256CbcHs512, A256Gcm};
    assert_eq!(expected(&[KeyAlg::EcdhEs], &[A256Gcm], A256Gcm), Ok(()));
    assert_eq!(expected(&[KeyAlg::EcdhEs], &[A256Gcm], A256CbcHs512), Err(JoseError::Algorithm));
    assert_eq!(expected(&[KeyAlg::RsaOaep256], &[A256Gcm], A256Gcm), Err(JoseError::Algorithm));
    assert_eq!(expected(&[], ContentEnc::ALL, A256Gcm), Err(JoseError::Algorithm));
    assert_eq!(expected(KeyAlg::ALL, &[], A256Gcm), Err(JoseError::Algorithm));
    for (enc, outcome) in [
        (A256Gcm, Ok(())),
        (A256CbcHs512, Ok(())),
        (A128Gcm, Err(JoseError::Algorithm)),
        (A128CbcHs256, Err(JoseError::Algorithm)),
    ] {
        let jwe = Jwe::parse(&token(&key(), enc)).unwrap();
        assert_eq!(key().decrypt(&jwe, &ExpectedEncryption::default()).map(|_| ()), outcome, "{enc}");
    }
}

fn inside(content: &str, key: &DecryptionKey, cty: Option<&str>) -> Result<Vec<u8>, JoseError> {
    let token = forged(key, ContentEnc::A256Gcm, content.as_bytes(), |header| {
        header.extend(cty.map(|cty| ("cty".to_owned(), cty.into())));
        None
    });
    let decrypted = key.decrypt(&Jwe::parse(&token).unwrap(), &ANY).unwrap();
    decrypted.jws().map(|jws| jws.unverified_payload().to_vec())
}

#[test]
fn a_signed_token_inside_is_verified_like_any_other() {
    let (key, signer) = (key(), signer(SigningAlg::Es256));
    let signed = signed_token(Some("JWT"), &json!({"sub": "alice"}), &signer);
    let encrypted = encrypter(&key, ContentEnc::A256Gcm).encrypt(Content::Jws(&signed), &OsEntropy).unwrap();
    let jwe = Jwe::parse(&encrypted).unwrap();
    assert!(jwe.header().is_nested());
    let jws = key.decrypt(&jwe, &ANY).unwrap().jws().unwrap();
    let verifier = super::super::super::Verifier::new(signer.public_key(), SigningAlg::Es256).unwrap();
    assert_eq!(jws.verify(&verifier), Ok(CLAIMS));
    for cty in ["JWT", "jwt", "application/jwt"] {
        assert_eq!(inside(&signed, &key, Some(cty)).as_deref(), Ok(CLAIMS), "{cty}");
    }
}

/// attack 150: one nesting, and only where the header says so.
#[test]
fn nothing_is_nested_deeper_than_a_signed_token() {
    let (key, signer) = (key(), signer(SigningAlg::Es256));
    let signed = signed_token(Some("JWT"), &json!({}), &signer);
    for cty in [None, Some(""), Some("JSON"), Some("application/x.jwt")] {
        assert_eq!(inside(&signed, &key, cty), Err(JoseError::Nesting), "{cty:?}");
    }
    let encrypted = token(&key, ContentEnc::A256Gcm);
    assert_eq!(inside(&encrypted, &key, Some("JWT")), Err(JoseError::Nesting));
    assert_eq!(inside("....", &key, Some("JWT")), Err(JoseError::Nesting));
    let header = r#"{"alg":"ES256","cty":"JWT"}"#;
    let holding_another = token_with_header(header, &signed, &signer);
    assert_eq!(inside(&holding_another, &key, Some("JWT")), Err(JoseError::Nesting));
    let holding_encrypted = token_with_header(header, &encrypted, &signer);
    assert_eq!(inside(&holding_encrypted, &key, Some("JWT")), Err(JoseError::Nesting));
    assert_eq!(inside("{}", &key, Some("JWT")), Err(JoseError::Malformed));
}

#[test]
fn debug_shows_no_content() {
    let jwe = Jwe::parse(&token(&key(), ContentEnc::A256Gcm)).unwrap();
    let decrypted = key().decrypt(&jwe, &ANY).unwrap();
    assert_eq!(format!("{decrypted:?} {:?}", Content::Claims(CLAIMS)), "Decrypted(..) Claims(..)");
    assert!(!format!("{jwe:?}").contains("ciphertext"));
}
