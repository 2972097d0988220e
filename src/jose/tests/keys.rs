//! Public keys, private keys and sets of keys.

use serde_json::{Value, json};

use super::super::{
    InvalidJwk, InvalidJwkSet, JoseError, JoseSigner, Jwk, JwkSet, PrivateKeyError, Signer as _, SigningAlg,
    Verifier,
};
use super::{bare, base64url, public, set, signer, unbase64url, vectors, with};
use crate::secret::Secret;
use crate::types::KeyId;

fn refused(jwk: &Value) -> InvalidJwk {
    Jwk::parse(jwk).unwrap_err()
}

/// F11: a point has one spelling only, hence one thumbprint.
#[test]
fn coordinates_have_exactly_the_length_of_their_field() {
    let key = public(&vectors::p256());
    let (x, y) = (unbase64url(key["x"].as_str().unwrap()), unbase64url(key["y"].as_str().unwrap()));
    let both = [x, y].concat();
    for split in (0..=64).filter(|split| *split != 32) {
        let (x, y) = both.split_at(split);
        let bent = with(&with(&key, "x", base64url(x)), "y", base64url(y));
        assert_eq!(refused(&bent), InvalidJwk::Point, "{split}");
    }
    let padded = with(&key, "x", base64url([&[0], &both[..32]].concat()));
    assert_eq!(refused(&padded), InvalidJwk::Point);
}

/// attack 100: F18. An exponent of 1 would verify signatures made without any private key.
#[test]
fn weak_and_oversized_rsa_keys_are_refused() {
    let key = public(&vectors::rsa());
    let modulus = unbase64url(key["n"].as_str().unwrap());
    for exponent in
        [&[][..], &[0], &[1], &[2], &[3], &[17], &[1, 0, 0], &[0, 1, 0, 1], &[1, 0, 1, 0, 1], &[0xff; 383]]
    {
        assert_eq!(refused(&with(&key, "e", base64url(exponent))), InvalidJwk::Rsa, "{exponent:?}");
    }
    let mut even = modulus.clone();
    even[255] &= 0xfe;
    let mut short = modulus.clone();
    short[0] &= 0x7f;
    let long = [&modulus[..], &[0xff; 769]].concat();
    let huge = vec![0xff; 65_536];
    let leading_zero = [&[0], &modulus[..]].concat();
    for (name, modulus) in [
        ("1024 bits", &modulus[128..]),
        ("2047 bits", &short),
        ("8200 bits", &long),
        ("524288 bits", &huge),
        ("even", &even),
        ("leading zero", &leading_zero),
        ("empty", &[]),
    ] {
        assert_eq!(refused(&with(&key, "n", base64url(modulus))), InvalidJwk::Rsa, "{name}");
    }
}

/// attack 100: off the curve, and the small group in which everyone can sign.
#[test]
fn points_that_are_no_keys_are_refused() {
    let key = public(&vectors::p256());
    let mut x = unbase64url(key["x"].as_str().unwrap());
    x[31] ^= 1;
    assert_eq!(refused(&with(&key, "x", base64url(x))), InvalidJwk::Point);
    let zero = base64url([0; 32]);
    assert_eq!(refused(&with(&with(&key, "x", zero.as_str()), "y", zero.as_str())), InvalidJwk::Point);
    let encryption = with(&with(&with(&key, "y", zero.as_str()), "use", "enc"), "alg", "ECDH-ES");
    assert_eq!(refused(&encryption), InvalidJwk::Point);

    let ed25519 = public(&vectors::ed25519());
    let ones = [0xff; 32];
    let points: [&[u8]; 9] = [
        &[0; 32],
        &[&[1][..], &[0; 31]].concat(),
        &[&[1][..], &[0; 30], &[0x80]].concat(),
        &[&[0xec][..], &ones[..30], &[0x7f]].concat(),
        &[&[0xed][..], &ones[..30], &[0x7f]].concat(),
        &[&[0xee][..], &ones[..30], &[0xff]].concat(),
        &ones,
        &ones[..31],
        &[0x55; 33],
    ];
    for point in points {
        assert_eq!(refused(&with(&ed25519, "x", base64url(point))), InvalidJwk::Point, "{point:?}");
    }
    for order_eight in
        ["JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU", "xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o"]
    {
        assert_eq!(refused(&with(&ed25519, "x", order_eight)), InvalidJwk::Point);
    }
}

/// F22, F24, attack 166: private members make no public key, and never come out of one.
#[test]
fn private_members_and_symmetric_keys_are_refused() {
    for key in [vectors::rsa(), vectors::p256(), vectors::p521(), vectors::ed25519()] {
        assert_eq!(refused(&key), InvalidJwk::Private);
    }
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        assert_eq!(
            refused(&with(&public(&vectors::p256()), name, Value::Null)),
            InvalidJwk::Private,
            "{name}"
        );
    }
    assert_eq!(
        refused(&json!({"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ"})),
        InvalidJwk::Symmetric
    );
}

/// F22, attack 166: what is shown of a key is listed, not what is hidden.
#[test]
fn a_key_is_shown_by_an_allow_list() {
    let sent = json!({
        "kty": "EC", "crv": "P-256", "x": vectors::p256()["x"], "y": vectors::p256()["y"],
        "kid": "a", "use": "sig", "key_ops": ["verify"], "alg": "ES256",
        "x5c": ["MII"], "x5u": "https://a.example", "nbf": 1, "secret": "s"
    });
    let mut shown = sent.clone();
    for name in ["x5c", "x5u", "nbf", "secret"] {
        shown.as_object_mut().unwrap().remove(name);
    }
    let key = Jwk::parse(&sent).unwrap();
    assert_eq!(key.to_value(), shown);
    assert_eq!(Jwk::parse(&shown).unwrap(), key);
    assert_eq!(serde_json::from_value::<Jwk>(serde_json::to_value(&key).unwrap()).unwrap(), key);
    assert_eq!(key.with_kid(KeyId::new("b").unwrap()).to_value()["kid"], "b");
}

/// F19: no missing or mistyped member reaches the library's accessors, which panic on them.
#[test]
fn missing_and_mistyped_members_are_refused() {
    for key in [public(&vectors::rsa()), public(&vectors::p256()), public(&vectors::ed25519())] {
        for name in key.as_object().unwrap().keys() {
            let mut without = key.clone();
            without.as_object_mut().unwrap().remove(name);
            assert_eq!(refused(&without), InvalidJwk::Malformed, "{name}");
            for wrong in [Value::Null, json!(1), json!([]), json!({})] {
                assert_eq!(refused(&with(&key, name, wrong)), InvalidJwk::Malformed, "{name}");
            }
        }
        for name in ["kid", "use", "alg", "key_ops"] {
            assert_eq!(refused(&with(&key, name, 1)), InvalidJwk::Malformed, "{name}");
        }
        assert_eq!(refused(&with(&key, "key_ops", json!(["verify", 1]))), InvalidJwk::Malformed);
        assert_eq!(refused(&with(&key, "kid", "k".repeat(256))), InvalidJwk::Malformed);
        assert_eq!(refused(&with(&key, "kid", "a\nb")), InvalidJwk::Malformed);
    }
    for value in [Value::Null, json!([]), json!({}), json!("x")] {
        assert_eq!(refused(&value), InvalidJwk::Malformed);
    }
    let key = public(&vectors::p256());
    let padded = format!("{}=", key["x"].as_str().unwrap());
    assert_eq!(refused(&with(&key, "x", padded)), InvalidJwk::Malformed);
}

/// F29, attack 158, attack 164: what is not on the list of types and curves does not exist.
#[test]
fn other_types_and_curves_are_unsupported() {
    let x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    for key in [
        json!({"kty": "OKP", "crv": "Ed448", "x": base64url([7; 57])}),
        json!({"kty": "OKP", "crv": "X448", "x": base64url([7; 56])}),
        json!({"kty": "EC", "crv": "secp256k1", "x": x, "y": x}),
        json!({"kty": "EC", "crv": "P-192", "x": x, "y": x}),
        json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": x}),
        json!({"kty": "rsa", "n": x, "e": "AQAB"}),
    ] {
        assert_eq!(refused(&key), InvalidJwk::Unsupported, "{key}");
    }
}

#[test]
fn a_key_fits_by_type_curve_use_operations_and_algorithm() {
    let fits = |key: &Value| {
        let key = Jwk::parse(key).unwrap();
        let fitting: Vec<_> = SigningAlg::ALL.iter().copied().filter(|alg| key.fits(*alg)).collect();
        for alg in SigningAlg::ALL {
            assert_eq!(Verifier::new(&key, *alg).is_ok(), fitting.contains(alg));
        }
        fitting
    };
    use SigningAlg::{EdDsa, Es256, Es512, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
    assert_eq!(fits(&public(&vectors::ed25519())), [EdDsa]);
    assert_eq!(fits(&public(&vectors::p256())), [Es256]);
    assert_eq!(fits(&public(&vectors::p521())), [Es512]);
    let rsa = public(&vectors::rsa());
    assert_eq!(fits(&rsa), [Ps256, Ps384, Ps512, Rs256, Rs384, Rs512]);
    assert_eq!(fits(&with(&rsa, "alg", "PS256")), [Ps256]);
    assert_eq!(fits(&with(&rsa, "alg", "ES256")), []);
    assert_eq!(fits(&with(&rsa, "alg", "RSA-OAEP-256")), []);
    assert_eq!(fits(&with(&rsa, "use", "enc")), []);
    assert_eq!(fits(&with(&rsa, "key_ops", json!(["encrypt"]))), []);
    assert_eq!(fits(&with(&with(&rsa, "use", "sig"), "key_ops", json!(["verify"]))).len(), 6);
}

/// attack 164: F20. One bad key at a provider must not end all logins there.
#[test]
fn a_bad_key_never_takes_the_good_ones_away() {
    let (good, other) = (public(&vectors::p256()), public(&vectors::ed25519()));
    let keys = [
        json!({"kty": "EC"}),
        good.clone(),
        json!({"kty": "AKP", "pub": "AA"}),
        vectors::rsa(),
        json!({"kty": "oct", "k": "AAAA"}),
        json!("x"),
        Value::Null,
        other.clone(),
    ];
    let parsed = JwkSet::parse(&set(&keys)).unwrap();
    assert_eq!(parsed.keys(), [Jwk::parse(&good).unwrap(), Jwk::parse(&other).unwrap()]);
    assert_eq!((parsed.skipped(), parsed.exposed()), (6, 2));
    let many = vec![good; 70];
    let parsed = JwkSet::parse(&set(&many)).unwrap();
    assert_eq!((parsed.keys().len(), parsed.skipped()), (64, 6));
    for none in [json!({}), json!([]), json!({"keys": {}}), Value::Null] {
        assert_eq!(JwkSet::parse(&none), Err(InvalidJwkSet::Malformed));
    }
}

/// attack 164, attack 210, attack 100: at registration only keys of unknown kinds are passed over.
#[test]
fn a_registered_set_has_no_unacceptable_key() {
    let good = public(&vectors::p256());
    let with_key = |key: Value| JwkSet::register(&set(&[good.clone(), key]));
    let registered = with_key(json!({"kty": "OKP", "crv": "X448", "x": "AA"})).unwrap();
    assert_eq!((registered.keys().len(), registered.skipped()), (1, 1));
    let weak = with(&public(&vectors::rsa()), "e", "AQ");
    for (key, reason) in [
        (vectors::rsa(), InvalidJwk::Private),
        (json!({"kty": "oct", "k": "AAAA"}), InvalidJwk::Symmetric),
        (weak, InvalidJwk::Rsa),
        (with(&good, "x", "AA"), InvalidJwk::Point),
        (json!({"kty": "EC"}), InvalidJwk::Malformed),
    ] {
        assert_eq!(with_key(key), Err(InvalidJwkSet::Key(reason)));
    }
    assert_eq!(JwkSet::register(&set(&vec![good; 65])), Err(InvalidJwkSet::TooMany));
    assert!(serde_json::from_value::<JwkSet>(set(&[vectors::rsa()])).is_err());
    let stored = serde_json::to_value(&registered).unwrap();
    assert_eq!(serde_json::from_value::<JwkSet>(stored).unwrap(), registered);
}

/// attack 99: F27. By name and algorithm; without a name every key that fits; never more than four.
#[test]
fn candidates_are_found_by_name_and_algorithm() {
    let (rsa, p256) = (public(&vectors::rsa()), public(&vectors::p256()));
    let same_name = JwkSet::parse(&set(&[with(&rsa, "kid", "a"), with(&p256, "kid", "a")])).unwrap();
    let found = |set: &JwkSet, kid, alg| set.candidates(kid, alg).cloned().collect::<Vec<_>>();
    assert_eq!(found(&same_name, Some("a"), SigningAlg::Es256), same_name.keys()[1..]);
    assert_eq!(found(&same_name, Some("a"), SigningAlg::Ps256), same_name.keys()[..1]);
    assert_eq!(found(&same_name, Some("b"), SigningAlg::Es256), []);
    assert_eq!(found(&same_name, None, SigningAlg::Es256), same_name.keys()[1..]);
    assert_eq!(found(&same_name, None, SigningAlg::EdDsa), []);

    let nameless = JwkSet::parse(&set(&[p256.clone(), with(&p256, "kid", "a")])).unwrap();
    let named_first = [nameless.keys()[1].clone(), nameless.keys()[0].clone()];
    assert_eq!(found(&nameless, Some("a"), SigningAlg::Es256), named_first);
    assert_eq!(found(&nameless, Some("b"), SigningAlg::Es256), nameless.keys()[..1]);

    let ambiguous = JwkSet::parse(&set(&vec![with(&p256, "kid", "a"); 9])).unwrap();
    assert_eq!(found(&ambiguous, Some("a"), SigningAlg::Es256).len(), 4);
    assert_eq!(found(&ambiguous, None, SigningAlg::Es256).len(), 4);
}

/// Keys are parsed once: all clones share what was built.
#[test]
fn a_verifier_is_built_once() {
    let key = bare(&signer(SigningAlg::Rs256));
    let renamed = key.clone().with_kid(KeyId::new("other").unwrap());
    for alg in [SigningAlg::Rs256, SigningAlg::Ps384] {
        let (first, second) = (key.verifier(alg).unwrap(), renamed.verifier(alg).unwrap());
        assert!(first.shares_key_with(&second));
    }
}

/// F22: a private half that does not belong to the public one is found when it is loaded.
#[test]
fn a_private_key_with_a_foreign_public_half_is_refused() {
    let load = |jwk: &Value, alg| JoseSigner::from_jwk(&Secret::new(jwk.to_string()), alg).unwrap_err();
    let other = JoseSigner::generate(SigningAlg::EdDsa).unwrap().public_key().to_value();
    let mixed = with(&vectors::ed25519(), "x", other["x"].clone());
    assert_eq!(load(&mixed, SigningAlg::EdDsa), PrivateKeyError::Mismatch);
    let other = JoseSigner::generate(SigningAlg::Es256).unwrap().public_key().to_value();
    let mixed = with(&with(&vectors::p256(), "x", other["x"].clone()), "y", other["y"].clone());
    assert!(matches!(
        load(&mixed, SigningAlg::Es256),
        PrivateKeyError::Mismatch | PrivateKeyError::Malformed
    ));
}

#[test]
fn a_private_key_is_read_for_one_algorithm_it_is_for() {
    let load = |jwk: &Value, alg| JoseSigner::from_jwk(&Secret::new(jwk.to_string()), alg).map(|_| ());
    let rsa = vectors::rsa();
    assert_eq!(load(&rsa, SigningAlg::Es256), Err(PrivateKeyError::Unfit));
    assert_eq!(load(&with(&rsa, "alg", "PS256"), SigningAlg::Rs256), Err(PrivateKeyError::Unfit));
    assert_eq!(load(&with(&rsa, "use", "enc"), SigningAlg::Rs256), Err(PrivateKeyError::Unfit));
    assert_eq!(
        load(&with(&rsa, "key_ops", json!(["verify"])), SigningAlg::Rs256),
        Err(PrivateKeyError::Unfit)
    );
    assert_eq!(load(&with(&rsa, "key_ops", json!(["sign"])), SigningAlg::Rs256), Ok(()));
    assert_eq!(
        load(&with(&rsa, "e", "AQ"), SigningAlg::Rs256),
        Err(PrivateKeyError::Public(InvalidJwk::Rsa))
    );
    assert_eq!(load(&public(&rsa), SigningAlg::Rs256), Err(PrivateKeyError::Malformed));
    assert_eq!(load(&json!([]), SigningAlg::Rs256), Err(PrivateKeyError::Malformed));
    let symmetric = json!({"kty": "oct", "k": "AAAA"});
    assert_eq!(load(&symmetric, SigningAlg::Rs256), Err(PrivateKeyError::Public(InvalidJwk::Symmetric)));
}

#[test]
fn an_exported_key_is_read_again_under_the_same_name() {
    for alg in [SigningAlg::EdDsa, SigningAlg::Es256, SigningAlg::Es384, SigningAlg::Es512, SigningAlg::Ps256]
    {
        let made = if alg == SigningAlg::Ps256 { signer(alg) } else { JoseSigner::generate(alg).unwrap() };
        let read = JoseSigner::from_jwk(&made.export(), alg).unwrap();
        assert_eq!(read.public_key(), made.public_key());
        assert_eq!(read.public_key().kid().unwrap().as_str(), made.public_key().thumbprint());
        assert_eq!(read.export(), made.export());
    }
}

#[test]
fn a_generated_rsa_key_has_3072_bits() {
    let made = JoseSigner::generate(SigningAlg::Rs256).unwrap();
    let modulus = made.public_key().to_value();
    assert_eq!(unbase64url(modulus["n"].as_str().unwrap()).len() * 8, 3072);
    assert_eq!((modulus["alg"].as_str(), modulus["use"].as_str()), (Some("RS256"), Some("sig")));
}

/// F24: nothing that prints a key prints its private half.
#[test]
fn debug_shows_no_key_material() {
    let made = signer(SigningAlg::EdDsa);
    let verifier = Verifier::new(made.public_key(), SigningAlg::EdDsa).unwrap();
    let shown = format!("{:?} {verifier:?} {:?} {made:?}", made.public_key(), made.export());
    assert_eq!(
        shown,
        concat!(
            "Jwk { kid: Some(\"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k\"), kind: Ed25519, ",
            "thumbprint: \"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k\" } Verifier(EdDSA) Secret(..) ",
            "JoseSigner(EdDSA, Some(KeyId(\"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k\")), ..)"
        )
    );
}

/// attack 158: no signature that is not the one form of its algorithm verifies.
#[test]
fn degenerate_signatures_are_refused() {
    let made = signer(SigningAlg::Es256);
    let verifier = Verifier::new(made.public_key(), SigningAlg::Es256).unwrap();
    let good = futures_util::FutureExt::now_or_never(made.sign(b"message")).unwrap().unwrap();
    assert_eq!(verifier.verify(b"message", &good), Ok(()));
    let order: Vec<u8> = [
        [0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        [0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51],
    ]
    .concat();
    let integer = |half: &[u8]| [&[2, 33, 0], half].concat();
    let der = [&[0x30, 70][..], &integer(&good[..32]), &integer(&good[32..])].concat();
    let bad: [Vec<u8>; 9] = [
        vec![0; 64],
        order.repeat(2),
        [&good[..32], &[0; 32]].concat(),
        [&[0; 32], &good[32..]].concat(),
        der,
        good[..63].to_vec(),
        [&good[..], &[0]].concat(),
        Vec::new(),
        [&good[32..], &good[..32]].concat(),
    ];
    for signature in bad {
        assert_eq!(verifier.verify(b"message", &signature), Err(JoseError::Signature), "{signature:?}");
    }
}

#[test]
fn signatures_of_every_other_length_are_refused() {
    for alg in [SigningAlg::EdDsa, SigningAlg::Es512, SigningAlg::Rs256, SigningAlg::Ps256] {
        let made = signer(alg);
        let verifier = Verifier::new(made.public_key(), alg).unwrap();
        let good = futures_util::FutureExt::now_or_never(made.sign(b"message")).unwrap().unwrap();
        let longer = [&good[..], &[0]].concat();
        for length in [0, 1, 32, good.len() - 1, good.len() + 1] {
            assert_eq!(
                verifier.verify(b"message", &longer[..length]),
                Err(JoseError::Signature),
                "{alg} {length}"
            );
        }
        assert_eq!(verifier.verify(b"massage", &good), Err(JoseError::Signature));
        assert_eq!(verifier.verify(b"message", &good), Ok(()));
    }
}
