//! The compact form and its header.

use super::super::{JoseError, Jws, SigningAlg, Verifier};
use super::{base64url, signer, token_with_header};

fn refused(token: &str) -> JoseError {
    Jws::parse(token).unwrap_err()
}

/// What a properly signed token with this header is refused for, if it is.
fn verdict(header: &str) -> Result<(), JoseError> {
    let signer = signer(SigningAlg::EdDsa);
    let verifier = Verifier::new(signer.public_key(), SigningAlg::EdDsa).unwrap();
    let token = token_with_header(header, "{}", &signer);
    Jws::parse(&token)?.verify(&verifier).map(|_| ())
}

/// attack 145: F30. The length decides first, then the number of dots, before anything is split or decoded.
#[test]
fn dots_are_counted_before_anything_is_kept() {
    assert_eq!(refused(&".".repeat(2_000_000)), JoseError::TooLong);
    assert_eq!(refused(&".".repeat(16 * 1024)), JoseError::Malformed);
    for token in ["", ".", "e30", "e30.e30", "e30.e30.e30.e30", "a.b.c.d.e.f"] {
        assert_eq!(refused(token), JoseError::Malformed, "{token}");
    }
    for token in ["..", ".e30.e30", "e30..", "e30.e30.", "..AA"] {
        assert_eq!(refused(token), JoseError::Malformed, "{token}");
    }
}

/// attack 146
#[test]
fn the_token_and_its_header_have_caps_of_their_own() {
    let header = |bytes: usize| {
        let frame = r#"{"alg":"EdDSA","x":""}"#.len();
        base64url(format!(r#"{{"alg":"EdDSA","x":"{}"}}"#, "a".repeat(bytes - frame)))
    };
    assert!(Jws::parse(&format!("{}.e30.AA", header(8 * 1024))).is_ok());
    assert_eq!(refused(&format!("{}.e30.AA", header(8 * 1024 + 1))), JoseError::TooLong);
    let filled = |bytes: usize| {
        let rest = "eyJhbGciOiJFZERTQSJ9..AA".len();
        format!("eyJhbGciOiJFZERTQSJ9.{}.AA", "A".repeat(bytes - rest))
    };
    assert!(Jws::parse(&filled(16 * 1024)).is_ok());
    assert_eq!(refused(&filled(16 * 1024 + 1)), JoseError::TooLong);
    assert_eq!(refused(&"A".repeat(16 << 20)), JoseError::TooLong);
}

/// attack 147: F14, as far as headers go.
#[test]
fn a_header_that_names_a_member_twice_is_refused() {
    for header in [
        r#"{"alg":"none","alg":"EdDSA"}"#,
        r#"{"alg":"EdDSA","alg":"EdDSA"}"#,
        r#"{"alg":"EdDSA","\u0061lg":"none"}"#,
        r#"{"alg":"EdDSA","x":{"y":[{"z":1,"z":1}]}}"#,
    ] {
        assert_eq!(verdict(header), Err(JoseError::Header), "{header}");
    }
}

/// attack 148: F14. No extension is understood, hence none is accepted, in whatever shape it is named.
#[test]
fn a_header_with_crit_is_refused() {
    for crit in [r#"["exp"]"#, r#"["unknown"]"#, "[]", r#""x""#, r#"["b64"]"#, r#"["alg"]"#, "null", "1"] {
        let header = format!(r#"{{"alg":"EdDSA","exp":1,"crit":{crit}}}"#);
        assert_eq!(verdict(&header), Err(JoseError::Extension), "{header}");
    }
}

/// attack 149: F14
#[test]
fn a_header_with_b64_or_zip_is_refused() {
    for header in [
        r#"{"alg":"EdDSA","b64":false}"#,
        r#"{"alg":"EdDSA","b64":true}"#,
        r#"{"alg":"EdDSA","b64":false,"crit":["b64"]}"#,
        r#"{"alg":"EdDSA","zip":"DEF"}"#,
    ] {
        assert_eq!(verdict(header), Err(JoseError::Extension), "{header}");
    }
}

/// attack 151, attack 152, attack 153, attack 154, attack 155, attack 156, attack 157: F1 to F5, F10, F12, F17. No
/// encrypted token is read, whatever is in it: five parts are enough to be refused, with one error.
#[test]
fn an_encrypted_token_is_refused_before_anything_of_it_is_decoded() {
    let headers = [
        r#"{"alg":"RSA1_5","enc":"A128CBC-HS256"}"#,
        r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","zip":"DEF"}"#,
        r#"{"alg":"PBES2-HS512+A256KW","enc":"A256GCM","p2c":2147483647,"p2s":"AA"}"#,
        r#"{"alg":"ECDH-ES+A256KW","enc":"A256GCM","epk":{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}}"#,
        r#"{"alg":"dir","enc":"A256GCM","crit":["x"]}"#,
        "not json",
    ];
    for header in headers {
        for length in 0..=64 {
            let part = base64url(vec![0x5a; length]);
            let token = format!("{}.{part}.{part}.{part}.{part}", base64url(header));
            assert_eq!(refused(&token), JoseError::Encrypted);
        }
    }
    assert_eq!(refused("...."), JoseError::Encrypted);
}

/// attack 162
#[test]
fn types_are_compared_without_case_and_prefix() {
    let typed = |typ: &str| {
        let token = format!("{}.e30.AA", base64url(format!(r#"{{"alg":"EdDSA"{typ}}}"#)));
        Jws::parse(&token).map(|jws| jws.header().is_type("at+jwt"))
    };
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "APPLICATION/At+jwt"] {
        assert_eq!(typed(&format!(r#","typ":"{typ}""#)), Ok(true), "{typ}");
    }
    for typ in
        ["", "JWT", "at+jwt ", "application/", "application/application/at+jwt", "text/at+jwt", "\u{212a}"]
    {
        assert_eq!(typed(&format!(r#","typ":"{typ}""#)), Ok(false), "{typ}");
    }
    assert_eq!(typed(""), Ok(false));
    assert_eq!(typed(r#","typ":1"#), Err(JoseError::Header));
    assert_eq!(typed(r#","typ":["at+jwt"]"#), Err(JoseError::Header));
}

/// attack 163
#[test]
fn every_part_has_one_encoding() {
    let signer = signer(SigningAlg::EdDsa);
    let good = token_with_header(r#"{"alg":"EdDSA"}"#, "{}?", &signer);
    assert!(Jws::parse(&good).is_ok());
    let parts: Vec<&str> = good.split('.').collect();
    for position in 0..3 {
        let altered = |part: &str| {
            let mut parts = parts.clone();
            parts[position] = part;
            parts.join(".")
        };
        let part = parts[position];
        for bent in [
            format!("{part}="),
            format!("{part}=="),
            format!("{part}\n"),
            format!("\n{part}"),
            format!(" {part}"),
            format!("+{}", &part[1..]),
            format!("/{}", &part[1..]),
            format!("\u{e9}{part}"),
        ] {
            let refusal = refused(&altered(&bent));
            assert!(
                matches!(refusal, JoseError::Malformed | JoseError::Header),
                "{position} {bent}: {refusal:?}"
            );
        }
    }
    // The last character of 64 bytes carries four bits that must be zero.
    let (last, rest) = (good.chars().last().unwrap(), &good[..good.len() - 1]);
    for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".chars() {
        let aligned = matches!(other, 'A' | 'Q' | 'g' | 'w');
        assert_eq!(Jws::parse(&format!("{rest}{other}")).is_ok(), aligned, "{other}");
    }
    assert!(matches!(last, 'A' | 'Q' | 'g' | 'w'));
}

#[test]
fn a_header_is_a_bounded_object_with_an_algorithm() {
    let many = |members: usize| {
        let extra: String = (1..members).map(|n| format!(r#","m{n}":{n}"#)).collect();
        format!(r#"{{"alg":"EdDSA"{extra}}}"#)
    };
    assert_eq!(verdict(&many(32)), Ok(()));
    assert_eq!(verdict(&many(33)), Err(JoseError::Header));
    assert_eq!(verdict(r#"{"alg":"EdDSA","a":{"b":[{}]}}"#), Ok(()));
    assert_eq!(verdict(r#"{"alg":"EdDSA","a":{"b":[[{}]]}}"#), Err(JoseError::Header));
    for header in
        ["null", "[]", "{}", r#"{"typ":"JWT"}"#, r#"{"alg":null}"#, r#"{"alg":["EdDSA"]}"#, "{", "\u{feff}{}"]
    {
        assert_eq!(verdict(header), Err(JoseError::Header), "{header}");
    }
    assert_eq!(verdict(r#"{"alg":"EdDSA"} "#), Ok(()));
    assert_eq!(verdict(r#"{"alg":"EdDSA"}{}"#), Err(JoseError::Header));
}

/// attack 90: a `kid` is an opaque text of at most 256 bytes.
#[test]
fn a_kid_is_bounded_text() {
    let kid = |kid: &str| verdict(&format!(r#"{{"alg":"EdDSA","kid":{kid}}}"#));
    for fine in [r#""../../etc/passwd""#, r#""' OR 1=1--""#, &format!(r#""{}""#, "k".repeat(256))] {
        assert_eq!(kid(fine), Ok(()), "{fine}");
    }
    for bad in ["1", "null", "{}", r#"["a"]"#, &format!(r#""{}""#, "k".repeat(257))] {
        assert_eq!(kid(bad), Err(JoseError::Header), "{bad}");
    }
}

/// F31: no text of an error repeats anything of the token.
#[test]
fn errors_have_fixed_texts() {
    let error = verdict(r#"{"alg":"EdDSA","kid":{"marker":"a1b2c3"}}"#).unwrap_err();
    assert_eq!(error.to_string(), "the token's header is malformed");
    let token = token_with_header(r#"{"alg":"EdDSA","kid":"a1b2c3"}"#, "a1b2c3", &signer(SigningAlg::EdDsa));
    assert!(!format!("{:?}", Jws::parse(&token).unwrap()).contains(&base64url("a1b2c3")));
}
