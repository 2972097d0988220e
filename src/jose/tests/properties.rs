//! Properties over arbitrary input.

use std::sync::LazyLock;

use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, proptest};
use proptest::test_runner::Config;
use serde_json::{Value, json};

use super::super::{JoseSigner, Jwk, Jws, SigningAlg, SigningHeader, Verifier, sign};
use super::{base64url, public, signer, vectors};
use futures_util::FutureExt as _;

static SIGNERS: LazyLock<Vec<JoseSigner>> = LazyLock::new(|| {
    [SigningAlg::EdDsa, SigningAlg::Es256, SigningAlg::Rs256, SigningAlg::Ps256].map(signer).into()
});

fn keys() -> impl Strategy<Value = Value> {
    let keys = [vectors::rsa(), vectors::p256(), vectors::p521(), vectors::ed25519()];
    proptest::sample::select(keys.map(|key| public(&key)).to_vec())
}

proptest! {
    #![proptest_config(Config { cases: 64, failure_persistence: None, ..Config::default() })]

    /// Same key, one thumbprint: whatever else the JWK says, and in whatever order.
    #[test]
    fn equal_keys_have_equal_thumbprints(
        key in keys(),
        kid in "[ -~]{1,40}",
        usage in proptest::option::of("[a-z]{1,8}"),
        extra in proptest::collection::vec(("[a-z]{3,9}", any::<u32>()), 0..6),
        reversed in any::<bool>(),
    ) {
        let mut members: Vec<(String, Value)> = key.as_object().unwrap().clone().into_iter().collect();
        members.push(("kid".to_owned(), kid.into()));
        members.extend(usage.map(|usage| ("use".to_owned(), usage.into())));
        members.extend(extra.into_iter().map(|(name, value)| (format!("x-{name}"), value.into())));
        if reversed {
            members.reverse();
        }
        let described = Jwk::parse(&Value::Object(members.into_iter().collect())).unwrap();
        let plain = Jwk::parse(&key).unwrap();
        prop_assert_eq!(described.thumbprint(), plain.thumbprint());
        prop_assert_eq!(Jwk::parse(&described.to_value()).unwrap().thumbprint(), plain.thumbprint());
    }

    /// A byte more or less, before or behind, is another key or none, never the same one.
    #[test]
    fn no_other_spelling_of_a_key_is_accepted(
        key in keys(),
        name in proptest::sample::select(vec!["x", "y", "n", "e"]),
        before in proptest::collection::vec(Just(0u8), 0..3),
        behind in proptest::collection::vec(Just(0u8), 0..3),
    ) {
        if let Some(text) = key.get(name).and_then(Value::as_str) {
            let bytes = [before.as_slice(), &super::unbase64url(text), behind.as_slice()].concat();
            let mut bent = key.clone();
            bent[name] = base64url(bytes).into();
            if let Ok(parsed) = Jwk::parse(&bent) {
                prop_assert_eq!(bent == key, parsed == Jwk::parse(&key).unwrap());
                prop_assert_eq!(bent == key, parsed.thumbprint() == Jwk::parse(&key).unwrap().thumbprint());
            }
        }
    }

    #[test]
    fn what_is_signed_is_read_back(
        position in 0usize..4,
        payload in proptest::collection::vec(any::<u8>(), 0..2000),
        typ in proptest::option::of("[a-z+]{1,20}"),
    ) {
        let signer = &SIGNERS[position];
        let header = typ.clone().map_or(SigningHeader::new(), SigningHeader::typed);
        let token = sign(&header, &payload, signer).now_or_never().unwrap().unwrap();
        let jws = Jws::parse(&token).unwrap();
        prop_assert_eq!(jws.header().typ(), typ.as_deref());
        prop_assert_eq!(jws.unverified_payload(), payload.as_slice());
        let verifier = Verifier::new(signer.public_key(), signer.algorithm()).unwrap();
        prop_assert_eq!(jws.verify(&verifier), Ok(payload.as_slice()));
    }

    #[test]
    fn no_text_makes_the_readers_panic(text in "\\PC*", bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Jws::parse(&text);
        let _ = super::super::ClaimsSet::parse(&bytes);
        let _ = super::super::Keyring::import(&text);
        let framed = format!("{}.{}.AA", base64url(&bytes), base64url(&text));
        prop_assert!(Jws::parse(&framed).is_err() || serde_json::from_slice::<Value>(&bytes).is_ok());
        let _ = Jwk::parse(&json!({"kty": "EC", "crv": "P-256", "x": text, "y": base64url(&bytes)}));
    }
}
