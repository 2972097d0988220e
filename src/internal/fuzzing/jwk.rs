use serde_json::{Map, Value, json};

use super::jws::SIGNER;
use crate::jose::{
    ContentEnc, DecryptionKeys, Encrypter, InvalidJwk, InvalidJwkSet, Jwk, JwkSet, KeyAlg, Keyring,
    SigningAlg,
};
use crate::types::json::parse_strict;

/// Members that no published key may have.
const PRIVATE: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// Everything that a published key may have.
const PUBLIC: [&str; 10] = ["kty", "crv", "x", "y", "n", "e", "kid", "use", "key_ops", "alg"];

/// The input as one key, as a member of a set among good keys, as a set, and as an exported ring of either kind.
///
/// An accepted key has one form and one thumbprint, whatever else its JWK says. Nothing private survives. A bad key
/// takes no good one away.
pub fn jwk(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(ring) = Keyring::import(text)
    {
        check_ring(&ring);
    }
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(ring) = DecryptionKeys::import(text)
    {
        check_decryption_keys(&ring);
    }
    let Ok(value) = parse_strict(data, 64 * 1024, 16) else {
        return;
    };
    if let Ok(key) = Jwk::parse(&value) {
        check_key(&key, &value);
    }
    check_among_good_keys(&value);
    check_set(&value);
}

fn check_key(key: &Jwk, sent: &Value) {
    let shown = key.to_value();
    let members = shown.as_object().expect("a key is shown as an object");
    assert!(members.keys().all(|name| PUBLIC.contains(&name.as_str())), "shown: {shown}");
    assert!(PRIVATE.iter().all(|name| sent.get(name).is_none()), "private members are accepted");
    assert!(members.iter().all(|(name, value)| sent.get(name) == Some(value)), "shown, but not sent");
    let again = Jwk::parse(&shown).expect("what is shown reads back");
    assert_eq!((&again, again.thumbprint()), (key, key.thumbprint()), "another key when read back");
    assert_eq!(key.thumbprint().len(), 43, "no SHA-256");

    let described = ["kid", "use", "key_ops", "alg"];
    let bare = members.iter().rev().filter(|(name, _)| !described.contains(&name.as_str()));
    let bare: Map<String, Value> = bare.map(|(name, value)| (name.clone(), value.clone())).collect();
    let bare = Jwk::parse(&Value::Object(bare)).expect("the key alone reads back");
    assert_eq!(bare.thumbprint(), key.thumbprint(), "the thumbprint depends on more than the key");

    for alg in SigningAlg::ALL {
        assert!(!key.fits(*alg) || bare.fits(*alg), "a description allows what the key does not");
        assert_eq!(crate::jose::Verifier::new(key, *alg).is_ok(), key.fits(*alg), "{alg}");
    }
    for alg in KeyAlg::ALL {
        assert!(
            !key.fits_encryption(*alg) || bare.fits_encryption(*alg),
            "a description allows what the key does not"
        );
        let made = Encrypter::new(key, *alg, ContentEnc::A256Gcm);
        assert_eq!(made.is_ok(), key.fits_encryption(*alg), "{alg}");
    }
    for private in PRIVATE {
        let mut with_private = shown.clone();
        with_private[private] = "AA".into();
        assert_eq!(Jwk::parse(&with_private), Err(InvalidJwk::Private), "{private}");
    }
}

fn check_among_good_keys(value: &Value) {
    let good = SIGNER.public_key();
    let set = json!({ "keys": [good.to_value(), value, good.to_value()] });
    let parsed = JwkSet::parse(&set).expect("a set with good keys is a set");
    assert_eq!((parsed.keys().first(), parsed.keys().last()), (Some(good), Some(good)), "a good key is gone");
    assert_eq!(parsed.keys().len() + parsed.skipped(), 3, "a key is neither read nor skipped");
    let accepted = Jwk::parse(value);
    assert_eq!(parsed.skipped() == 0, accepted.is_ok(), "a set and its keys disagree");
    match (JwkSet::register(&set), accepted) {
        (Ok(registered), Ok(_)) => assert_eq!(registered.keys().len(), 3, "a registered key is gone"),
        (Ok(registered), Err(error)) => {
            assert_eq!(
                (error, registered.skipped()),
                (InvalidJwk::Unsupported, 1),
                "registered all the same"
            );
        }
        (Err(refusal), accepted) => {
            let error = accepted.expect_err("a set of good keys is registered");
            assert_eq!(refusal, InvalidJwkSet::Key(error), "refused for another reason");
        }
    }
}

fn check_set(value: &Value) {
    let Ok(parsed) = JwkSet::parse(value) else {
        assert_eq!(JwkSet::register(value), Err(InvalidJwkSet::Malformed), "registered what is no set");
        return;
    };
    let listed = value["keys"].as_array().map_or(0, Vec::len);
    assert_eq!(parsed.keys().len() + parsed.skipped(), listed, "a key is neither read nor skipped");
    assert!(parsed.exposed() <= parsed.skipped() && parsed.keys().len() <= 64, "counted wrongly");
    for alg in SigningAlg::ALL {
        for kid in [None, Some("a"), parsed.keys().first().and_then(Jwk::kid).map(|kid| kid.as_str())] {
            let found: Vec<&Jwk> = parsed.candidates(kid, *alg).collect();
            assert!(found.len() <= 4 && found.iter().all(|key| key.fits(*alg)), "candidates that do not fit");
            let named = |key: &&Jwk| key.kid().is_none_or(|own| kid.is_none_or(|kid| own.as_str() == kid));
            assert!(found.iter().all(named), "a key of another name");
        }
    }
    assert_eq!(JwkSet::parse(&parsed.to_value()).as_ref(), Ok(&parsed), "another set when read back");
}

fn check_ring(ring: &Keyring) {
    let again = Keyring::import(ring.export().expose()).expect("an exported ring reads back");
    assert_eq!(
        (again.jwks(), again.export() == ring.export()),
        (ring.jwks(), true),
        "another ring when read back"
    );
    let set: Value = serde_json::from_slice(&ring.jwks()).expect("the published set is JSON");
    let published = JwkSet::register(&set).expect("the published set has public keys only");
    assert_eq!(
        (published.keys().len(), published.skipped()),
        (ring.keys().len(), 0),
        "a key is not published"
    );
}

fn check_decryption_keys(ring: &DecryptionKeys) {
    let again = DecryptionKeys::import(ring.export().expose()).expect("an exported ring reads back");
    assert_eq!(
        (again.public_keys(), again.export() == ring.export()),
        (ring.public_keys(), true),
        "another ring when read back"
    );
    for key in ring.public_keys() {
        assert_eq!(Jwk::parse(&key.to_value()).as_ref(), Ok(&key), "what is published has private members");
        assert_eq!(key.to_value()["use"], "enc", "a key for signatures is published");
    }
}
