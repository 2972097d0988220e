//! What the fuzz targets of tokens, keys and claims find in a moment, with inputs near the borders.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::jws::SIGNER;
use super::*;

/// A moment in 2026.
const NOW: i64 = 1_790_000_000;

/// Pieces strung together, now and then with a byte of any value between them.
fn near(pieces: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        12 => prop::sample::select(pieces).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
    ];
    prop::collection::vec(piece, 0..most).prop_map(|pieces| pieces.concat())
}

/// A header that is nearly always JSON.
fn header() -> impl Strategy<Value = Vec<u8>> {
    let members = prop::sample::select(&[
        r#""alg":"EdDSA""#,
        r#""alg":"none""#,
        r#""alg":"ES256""#,
        r#""alg":1"#,
        r#""typ":"JWT""#,
        r#""typ":null"#,
        r#""kid":"a""#,
        r#""kid":7"#,
        r#""cty":"JWT""#,
        r#""crit":["exp"]"#,
        r#""crit":[]"#,
        r#""b64":false"#,
        r#""b64":true"#,
        r#""zip":"DEF""#,
        r#""jku":1"#,
        r#""jwk":{}"#,
        r#""x":{"y":[{"z":1}]}"#,
        r#""x":1"#,
        r#""x":[[[[]]]]"#,
        r#""\u0061lg":"EdDSA""#,
    ]);
    prop::collection::vec(members, 0..4)
        .prop_map(|members| format!(r#"{{"alg":"EdDSA"{}}}"#, comma(&members)).into_bytes())
}

fn comma(members: &[&str]) -> String {
    members.iter().map(|member| format!(",{member}")).collect()
}

fn key() -> impl Strategy<Value = Value> {
    let good = SIGNER.public_key().to_value();
    let p256 = json!({
        "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
    });
    let name =
        prop::sample::select(&["kty", "crv", "x", "y", "n", "e", "d", "k", "kid", "use", "key_ops", "alg"]);
    let value = prop::sample::select(vec![
        json!("EC"),
        json!("OKP"),
        json!("RSA"),
        json!("oct"),
        json!("P-256"),
        json!("Ed25519"),
        json!("Ed448"),
        json!("sig"),
        json!("enc"),
        json!("ES256"),
        json!("EdDSA"),
        json!(["verify"]),
        json!(["sign"]),
        json!([]),
        json!("AQAB"),
        json!("AQ"),
        json!("AA=="),
        json!("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
        json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        json!(null),
        json!(1),
        json!("a"),
    ]);
    let bent = prop::collection::vec((name, value), 0..4);
    (prop::sample::select(vec![good, p256]), bent).prop_map(|(mut key, bent)| {
        for (name, value) in bent {
            key[name] = value;
        }
        key
    })
}

/// Twelve bytes of circumstances at [`NOW`], and sound claims of which up to two are bent.
fn claimed() -> impl Strategy<Value = Vec<u8>> {
    let borders = [0, 1, 9, 10, 11, 59, 60, 61, 69, 70, 71, 119, 120, 121, 299, 300, 309, 310, 311];
    let border = prop::sample::select(borders.map(|border| [border, -border]).concat());
    let time = prop_oneof![
        8 => border.clone().prop_map(|offset: i64| json!(NOW + offset)),
        1 => border.prop_map(|offset| json!((NOW + offset) as f64 + 0.5)),
        1 => prop::sample::select(vec![
            json!(null), json!("1"), json!(-1), json!(-0.5), json!(1e300), json!(u64::MAX), json!(0), json!(true),
            json!(1i64 << 53), json!((1i64 << 53) + 1), json!(9_007_199_254_740_992.0),
        ]),
    ];
    let time = (prop::sample::select(&["exp", "iat", "nbf"]), time);
    let other = prop::sample::select(vec![
        ("aud", json!("b")),
        ("aud", json!("c")),
        ("aud", json!(["a"])),
        ("aud", json!(["a", "b"])),
        ("aud", json!(["a", "c"])),
        ("aud", json!(["c", "d"])),
        ("aud", json!([])),
        ("aud", json!(null)),
        ("aud", json!(["a", 1])),
        ("aud", json!(vec!["a"; 32])),
        ("aud", json!(vec!["a"; 33])),
        ("iss", json!("j")),
        ("iss", json!(["i"])),
        ("iss", json!(null)),
        ("sub", json!("j")),
        ("sub", json!(null)),
        ("jti", json!("")),
        ("jti", json!(1)),
        ("jti", json!("j".repeat(256))),
        ("jti", json!("j".repeat(257))),
    ]);
    let bent = prop::collection::vec(prop_oneof![2 => time, 1 => other], 0..3);
    let absent =
        prop::option::weighted(0.1, prop::sample::select(&["iss", "sub", "aud", "jti", "exp", "iat", "nbf"]));
    let lifetime = prop::sample::select(&[0u8, 60, 120]);
    let leeway = prop::sample::select(&[0u8, 10, 60, 255]);
    (any::<u8>(), lifetime, leeway, bent, absent).prop_map(|(rules, lifetime, leeway, bent, absent)| {
        let mut claims =
            json!({"iss": "i", "sub": "i", "aud": "a", "jti": "j", "exp": NOW + 60, "iat": NOW, "nbf": NOW});
        for (name, value) in bent {
            claims[name] = value;
        }
        if let Some(name) = absent {
            claims.as_object_mut().expect("claims are an object").remove(name);
        }
        [&[rules, lifetime, leeway, 0], &NOW.to_be_bytes()[..], claims.to_string().as_bytes()].concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// attack 147, attack 148, attack 149, attack 163
    #[test]
    fn tokens(header in header(), payload in prop::collection::vec(any::<u8>(), 0..40)) {
        jws(&[&header[..], b"\n", &payload].concat());
    }

    /// attack 145, attack 163
    #[test]
    fn tokens_of_pieces(data in near(&[
        "eyJhbGciOiJFZERTQSJ9", ".", "RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc", "=", "\n", "e30", "AA", "{", "}", "-", "_",
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    ], 8)) {
        jws(&data);
    }

    /// attack 150, attack 151, attack 153, attack 154, attack 156, attack 157 by chance
    #[test]
    fn bent_tokens(which: u8, how: u8, rest in prop::collection::vec(any::<u8>(), 0..80)) {
        jwe(&[&[which, how], &rest[..]].concat());
    }

    /// attack 148, attack 149, attack 151
    #[test]
    fn headers_of_encrypted_tokens(which: u8, members in header()) {
        let members = members.strip_prefix(br#"{"alg":"EdDSA""#).and_then(|rest| rest.strip_suffix(b"}"));
        let members = members.unwrap_or_default();
        jwe(&[&[which, b'0'], members.strip_prefix(b",").unwrap_or_default()].concat());
    }

    /// attack 92, attack 93, attack 94
    #[test]
    fn client_assertions(data in claimed()) {
        client_assertion(&data);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    /// attack 159, attack 160
    #[test]
    fn sets_of_claims(data in claimed()) {
        claims(&data);
    }
}

proptest! {
    // Every key that is parsed costs OpenSSL a third of a millisecond.
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// attack 100, attack 164, attack 166
    #[test]
    fn keys(key in key()) {
        jwk(key.to_string().as_bytes());
        jwk(json!({"keys": [key, key, 1]}).to_string().as_bytes());
    }
}

#[test]
fn the_published_example_and_an_exported_ring_pass() {
    jws(concat!(
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.",
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    )
    .as_bytes());
    let ring = crate::jose::Keyring::generate(&[crate::jose::SigningAlg::Es256]).unwrap();
    jwk(ring.export().expose().as_bytes());
    jwk(&ring.jwks());
}
