//! The sender's half of a key agreement (RFC 7518 section 4.6.1.1).

use serde_json::{Value, json};

use super::super::super::{ContentEnc, DecryptionKey, InvalidJwk, JoseError, Jwk, KeyAlg};
use super::super::{base64url, public, unbase64url, with};
use super::{CLAIMS, forged, p256, read, verdict, x25519};

const ALGS: [KeyAlg; 3] = [KeyAlg::EcdhEs, KeyAlg::EcdhEsA128Kw, KeyAlg::EcdhEsA256Kw];

/// A token that is right but for its `epk`.
fn with_epk(key: &DecryptionKey, epk: &Value) -> String {
    forged(key, ContentEnc::A256Gcm, CLAIMS, |header| {
        header.insert("epk".to_owned(), epk.clone());
        None
    })
}

fn check_refused(jwk: &Value, bad: &[Value]) {
    for alg in ALGS {
        let key = read(jwk, alg);
        for epk in bad {
            assert_eq!(verdict(&with_epk(&key, epk), &key), Err(JoseError::Decryption), "{alg} {epk}");
        }
    }
}

/// attack 157: F11. Off the curve, at infinity, of another length, of another curve or kind, or with a private half.
#[test]
fn a_point_that_is_no_key_of_the_curve_is_refused() {
    let good = public(&p256());
    let (x, y) = (unbase64url(good["x"].as_str().unwrap()), unbase64url(good["y"].as_str().unwrap()));
    let zero = base64url([0; 32]);
    let mut off = x.clone();
    off[31] ^= 1;
    let both = [&x[..], &y].concat();
    check_refused(
        &p256(),
        &[
            with(&good, "x", base64url(off)),
            with(&with(&good, "x", zero.as_str()), "y", zero.as_str()),
            with(&with(&good, "x", base64url([0xff; 32])), "y", base64url([0xff; 32])),
            with(&with(&good, "x", base64url(&both[..31])), "y", base64url(&both[31..])),
            with(&with(&good, "x", base64url(&both)), "y", ""),
            with(&good, "x", base64url([&[0], &x[..]].concat())),
            with(&good, "y", Value::Null),
            with(&good, "crv", "P-384"),
            with(&good, "crv", "secp256k1"),
            with(&good, "kty", "OKP"),
            with(&good, "kty", "oct"),
            p256(),
            with(&good, "d", ""),
            with(&good, "k", "AA"),
            public(&x25519()),
            public(&super::super::vectors::p521()),
            public(&super::super::vectors::rsa()),
            public(&super::super::vectors::ed25519()),
            json!({}),
        ],
    );
}

/// attack 157: the points with which every private key agrees on zero, and second spellings of others.
#[test]
fn a_point_of_small_order_is_refused() {
    let small: [&str; 12] = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "cdeb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880",
        "4c9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7",
        "d9ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "daffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "dbffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ];
    let good = public(&x25519());
    let mut bad: Vec<Value> =
        small.iter().map(|point| with(&good, "x", base64url(super::vectors::hex(point)))).collect();
    let mut high_bit = unbase64url(good["x"].as_str().unwrap());
    high_bit[31] |= 0x80;
    bad.push(with(&good, "x", base64url(high_bit)));
    for key in &bad {
        assert_eq!(Jwk::parse(key), Err(InvalidJwk::Point), "no client registers {key}");
    }
    for length in [0, 31, 33, 56] {
        bad.push(with(&good, "x", base64url(vec![9; length])));
    }
    bad.extend([x25519(), with(&good, "crv", "X448"), with(&good, "crv", "Ed25519"), public(&p256())]);
    check_refused(&x25519(), &bad);
}

#[test]
fn a_key_agreement_needs_the_senders_half() {
    for jwk in [p256(), x25519()] {
        for alg in ALGS {
            let key = read(&jwk, alg);
            let token = forged(&key, ContentEnc::A256Gcm, CLAIMS, |header| {
                header.remove("epk");
                None
            });
            assert_eq!(verdict(&token, &key), Err(JoseError::Decryption));
        }
    }
}

/// What only describes the senders half does not matter, and what the two sides call themselves does.
#[test]
fn the_names_of_the_parties_are_part_of_the_agreement() {
    let key = read(&p256(), KeyAlg::EcdhEs);
    let described = forged(&key, ContentEnc::A256Gcm, CLAIMS, |header| {
        header["epk"]["kid"] = "x".into();
        header["epk"]["use"] = "sig".into();
        None
    });
    assert_eq!(verdict(&described, &key).as_deref(), Ok(CLAIMS));
    for name in ["apu", "apv"] {
        for value in ["QWxpY2U", "not base64url!", "A"] {
            let named = super::with_member(&key, name, value.into());
            assert_eq!(verdict(&named, &key), Err(JoseError::Decryption), "{name} {value}");
        }
    }
}
