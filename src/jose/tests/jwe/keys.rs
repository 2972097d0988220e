//! Keys to encrypt to, keys that decrypt, and rings of them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::super::{
    AgreementCurve, Content, ContentEnc, DecryptionKey, DecryptionKeyState, DecryptionKeys,
    DecryptionRingKey, EncryptError, Encrypter, JoseError, JoseSigner, Jwe, Jwk, JwkSet, KeyAlg, Keyring,
    KeyringError, PrivateKeyError, SigningAlg,
};
use super::super::{public, set, vectors, with};
use super::{ANY, CLAIMS, p256, read, token, verdict, x25519};
use crate::entropy::{Entropy, EntropyError};
use crate::secret::Secret;

fn refused(jwk: &Value, alg: KeyAlg) -> PrivateKeyError {
    DecryptionKey::from_jwk(&Secret::new(jwk.to_string()), alg).unwrap_err()
}

fn new_key() -> Arc<DecryptionKey> {
    Arc::new(DecryptionKey::generate(KeyAlg::EcdhEs).unwrap())
}

fn kid(key: &DecryptionKey) -> String {
    key.public_key().kid().unwrap().as_str().to_owned()
}

fn ring(keys: &[&Arc<DecryptionKey>]) -> DecryptionKeys {
    let published =
        |key: &&Arc<DecryptionKey>| DecryptionRingKey::new(Arc::clone(key), DecryptionKeyState::Published);
    DecryptionKeys::new(keys.iter().map(published).collect()).unwrap()
}

fn shown(ring: &DecryptionKeys) -> Vec<String> {
    ring.public_keys().iter().map(|key| key.kid().unwrap().as_str().to_owned()).collect()
}

fn opens(ring: &DecryptionKeys, token: &str) -> Result<Vec<u8>, JoseError> {
    ring.decrypt(&Jwe::parse(token)?, &ANY).map(|decrypted| decrypted.unverified_payload().to_vec())
}

/// A token to `key` that does not say to which key.
fn unnamed(key: &DecryptionKey) -> String {
    super::forged(key, ContentEnc::A256Gcm, CLAIMS, |_| None)
}

/// F29: by type and curve, and by what its owner says of it; a key for signatures is never encrypted to.
#[test]
fn a_key_is_encrypted_to_by_type_curve_use_operations_and_algorithm() {
    let fits = |key: &Value| {
        let key = Jwk::parse(key).unwrap();
        let fitting: Vec<_> = KeyAlg::ALL.iter().copied().filter(|alg| key.fits_encryption(*alg)).collect();
        for alg in KeyAlg::ALL {
            let made = Encrypter::new(&key, *alg, ContentEnc::A256Gcm).map(|_| ());
            assert_eq!(made, if fitting.contains(alg) { Ok(()) } else { Err(JoseError::NoKey) });
        }
        fitting
    };
    use KeyAlg::{EcdhEs, EcdhEsA128Kw, EcdhEsA256Kw, RsaOaep256};
    let (rsa, ec, okp) = (public(&vectors::rsa()), public(&p256()), public(&x25519()));
    let agreements = [EcdhEs, EcdhEsA128Kw, EcdhEsA256Kw];
    assert_eq!(fits(&rsa), [RsaOaep256]);
    assert_eq!(fits(&ec), agreements);
    assert_eq!(fits(&okp), agreements);
    assert_eq!(fits(&public(&vectors::p521())), agreements);
    assert_eq!(fits(&public(&vectors::ed25519())), []);
    assert_eq!(fits(&with(&ec, "use", "sig")), []);
    assert_eq!(fits(&with(&ec, "alg", "ES256")), []);
    assert_eq!(fits(&with(&ec, "alg", "ECDH-ES+A256KW")), [EcdhEsA256Kw]);
    assert_eq!(fits(&with(&rsa, "alg", "RSA-OAEP")), []);
    assert_eq!(fits(&with(&ec, "key_ops", json!([]))), []);
    assert_eq!(fits(&with(&ec, "key_ops", json!(["verify"]))), []);
    assert_eq!(fits(&with(&ec, "key_ops", json!(["deriveBits"]))), agreements);
    assert_eq!(fits(&with(&rsa, "key_ops", json!(["wrapKey"]))), [RsaOaep256]);
    assert_eq!(fits(&with(&with(&okp, "use", "enc"), "key_ops", json!(["deriveKey"]))), agreements);
}

#[test]
fn a_key_of_x25519_signs_nothing() {
    for key in [public(&x25519()), with(&public(&x25519()), "use", "sig")] {
        let key = Jwk::parse(&key).unwrap();
        assert!(SigningAlg::ALL.iter().all(|alg| !key.fits(*alg)));
        assert_eq!(Jwk::parse(&key.to_value()), Ok(key));
    }
    let private = Secret::new(x25519().to_string());
    let refused = JoseSigner::from_jwk(&private, SigningAlg::EdDsa).unwrap_err();
    assert_eq!(refused, PrivateKeyError::Unfit);
}

#[test]
fn of_a_set_the_key_that_is_meant_for_encryption_is_chosen() {
    let (any, signing) =
        (with(&public(&p256()), "kid", "any"), with(&with(&public(&p256()), "kid", "sig"), "use", "sig"));
    let other = with(&with(&public(&x25519()), "kid", "enc"), "use", "enc");
    let named = with(&with(&public(&p256()), "kid", "named"), "alg", "ECDH-ES+A256KW");
    let chosen = |keys: &[&Value], alg| {
        let keys: Vec<_> = keys.iter().map(|&key| key.clone()).collect();
        let set = JwkSet::register(&set(&keys)).unwrap();
        let encrypter = Encrypter::from_set(&set, alg, ContentEnc::A256Gcm)?;
        Ok(encrypter.kid().unwrap().as_str().to_owned())
    };
    let es = KeyAlg::EcdhEs;
    assert_eq!(chosen(&[&signing, &any, &other], es).as_deref(), Ok("enc"));
    assert_eq!(chosen(&[&signing, &any], es).as_deref(), Ok("any"));
    assert_eq!(chosen(&[&signing], es), Err(JoseError::NoKey));
    assert_eq!(chosen(&[&named, &any], es).as_deref(), Ok("any"));
    assert_eq!(chosen(&[&any, &named], KeyAlg::EcdhEsA256Kw).as_deref(), Ok("named"));
    assert_eq!(chosen(&[&any, &named], KeyAlg::RsaOaep256), Err(JoseError::NoKey));
}

#[test]
fn an_encrypter_is_built_once() {
    let key = Jwk::parse(&public(&p256())).unwrap();
    let (one, other) =
        (key.encrypter(KeyAlg::EcdhEs).unwrap(), key.clone().encrypter(KeyAlg::EcdhEs).unwrap());
    assert!(Arc::ptr_eq(&one, &other));
}

#[derive(Debug)]
struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, _dest: &mut [u8]) -> Result<(), EntropyError> {
        Err(EntropyError)
    }
}

#[test]
fn nothing_is_encrypted_without_randomness() {
    let key = Jwk::parse(&public(&p256())).unwrap();
    let encrypter = Encrypter::new(&key, KeyAlg::EcdhEs, ContentEnc::A256Gcm).unwrap();
    let refused = encrypter.encrypt(Content::Claims(CLAIMS), &NoEntropy);
    assert_eq!(refused, Err(EncryptError::Entropy(EntropyError)));
}

/// Two tokens of one content have neither a key nor a vector in common.
#[test]
fn nothing_repeats() {
    for key in super::keys() {
        let (one, other) = (token(&key, ContentEnc::A256Gcm), token(&key, ContentEnc::A256Gcm));
        let (one, other) = (super::Parts::of(&one), super::Parts::of(&other));
        assert_ne!(one.0[super::IV], other.0[super::IV]);
        assert_ne!(one.0[super::CIPHERTEXT], other.0[super::CIPHERTEXT]);
        assert_ne!((&one.0[0], &one.0[1]), (&other.0[0], &other.0[1]), "{key:?}");
    }
}

#[test]
fn a_private_key_is_read_for_one_algorithm_it_is_for() {
    let key = read(&p256(), KeyAlg::EcdhEs);
    assert_eq!((key.algorithm(), kid(&key)), (KeyAlg::EcdhEs, key.public_key().thumbprint()));
    let shown = key.public_key().to_value();
    assert_eq!((&shown["use"], &shown["alg"], shown.get("d")), (&json!("enc"), &json!("ECDH-ES"), None));
    assert_eq!(kid(&read(&with(&p256(), "kid", "ours"), KeyAlg::EcdhEs)), "ours");
    assert!(
        DecryptionKey::from_jwk(
            &Secret::new(with(&p256(), "key_ops", json!(["deriveBits"])).to_string()),
            KeyAlg::EcdhEs
        )
        .is_ok()
    );
    for (jwk, alg) in [
        (p256(), KeyAlg::RsaOaep256),
        (vectors::rsa(), KeyAlg::EcdhEs),
        (vectors::ed25519(), KeyAlg::EcdhEs),
        (with(&p256(), "use", "sig"), KeyAlg::EcdhEs),
        (with(&p256(), "alg", "ECDH-ES+A256KW"), KeyAlg::EcdhEs),
        (with(&p256(), "key_ops", json!(["sign"])), KeyAlg::EcdhEs),
    ] {
        assert_eq!(refused(&jwk, alg), PrivateKeyError::Unfit, "{jwk}");
    }
    assert_eq!(refused(&public(&p256()), KeyAlg::EcdhEs), PrivateKeyError::Malformed);
    assert_eq!(refused(&json!([]), KeyAlg::EcdhEs), PrivateKeyError::Malformed);
}

/// F22: a private half that belongs to another key is found when it is read.
#[test]
fn a_private_key_with_a_foreign_public_half_is_refused() {
    let foreign = with(&p256(), "d", vectors::p256()["d"].clone());
    assert!(matches!(
        refused(&foreign, KeyAlg::EcdhEs),
        PrivateKeyError::Mismatch | PrivateKeyError::Malformed
    ));
    let foreign = with(&x25519(), "x", "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo");
    assert!(matches!(
        refused(&foreign, KeyAlg::EcdhEs),
        PrivateKeyError::Mismatch | PrivateKeyError::Malformed
    ));
}

#[test]
fn new_keys_decrypt_and_are_read_again_under_the_same_name() {
    use AgreementCurve::{P256, P384, P521, X25519};
    let mut keys: Vec<_> = [P256, P384, P521, X25519]
        .into_iter()
        .flat_map(|curve| {
            [KeyAlg::EcdhEs, KeyAlg::EcdhEsA256Kw].map(|alg| DecryptionKey::generate_on(curve, alg).unwrap())
        })
        .collect();
    keys.push(DecryptionKey::generate(KeyAlg::EcdhEsA128Kw).unwrap());
    for key in keys {
        let token = token(&key, ContentEnc::A256Gcm);
        let again = DecryptionKey::from_jwk(&key.export(), key.algorithm()).unwrap();
        assert_eq!(verdict(&token, &again).as_deref(), Ok(CLAIMS), "{key:?}");
        assert_eq!((again.public_key(), again.export()), (key.public_key(), key.export()));
    }
    let rsa = DecryptionKey::generate_on(P256, KeyAlg::RsaOaep256).unwrap_err();
    assert_eq!(rsa, PrivateKeyError::Unfit);
}

/// F24
#[test]
fn debug_shows_no_key_material() {
    let key = Arc::new(read(&with(&p256(), "kid", "ours"), KeyAlg::EcdhEs));
    let ring = ring(&[&key]);
    let shown =
        format!("{key:?} {ring:?} {:?} {:?}", ring.export(), super::encrypter(&key, ContentEnc::A256Gcm));
    for secret in ["d", "x", "y"].map(|name| p256()[name].as_str().unwrap().to_owned()) {
        assert!(!shown.contains(&secret), "{shown}");
    }
    assert!(shown.contains("ours"));
}

#[test]
fn a_key_decrypts_from_publication_to_removal() {
    let (first, second) = (new_key(), new_key());
    let ring = ring(&[&first]);
    let other_handle = ring.clone();
    let (to_first, to_second) = (token(&first, ContentEnc::A256Gcm), token(&second, ContentEnc::A256Gcm));
    assert_eq!(opens(&ring, &to_second), Err(JoseError::NoKey));

    ring.rotate(Arc::clone(&second)).unwrap();
    assert_eq!(shown(&other_handle), [kid(&second)]);
    assert_eq!(opens(&ring, &to_first).as_deref(), Ok(CLAIMS));
    assert_eq!(opens(&other_handle, &to_second).as_deref(), Ok(CLAIMS));

    assert_eq!(ring.remove(&kid(&second)), Err(KeyringError::Active));
    ring.remove(&kid(&first)).unwrap();
    assert_eq!(opens(&other_handle, &to_first), Err(JoseError::NoKey));
    assert_eq!((ring.version(), other_handle.version()), (3, 3));

    ring.retire(&kid(&second)).unwrap();
    assert_eq!((shown(&ring), ring.algorithms()), (vec![], vec![]));
    assert_eq!(opens(&ring, &to_second).as_deref(), Ok(CLAIMS));
}

#[test]
fn a_refused_change_leaves_the_ring_as_it_was() {
    let first = new_key();
    let ring = ring(&[&first]);
    assert_eq!(ring.retire("unknown"), Err(KeyringError::Unknown));
    assert_eq!(ring.remove("unknown"), Err(KeyringError::Unknown));
    assert_eq!(ring.rotate(Arc::clone(&first)), Err(KeyringError::KeyTaken));
    assert_eq!(ring.publish(Arc::clone(&first)), Err(KeyringError::KeyTaken));
    let many = (0..65).map(|_| DecryptionRingKey::new(Arc::clone(&first), DecryptionKeyState::Retired));
    assert_eq!(ring.replace(many.collect()), Err(KeyringError::TooMany));
    assert_eq!((shown(&ring), ring.version()), (vec![kid(&first)], 1));
    ring.replace(vec![]).unwrap();
    assert_eq!(opens(&ring, &token(&first, ContentEnc::A256Gcm)), Err(JoseError::NoKey));
}

/// By its name alone where there is one; else the newest four of the algorithm are tried, whatever their curve.
#[test]
fn the_key_is_found_by_name_or_by_algorithm() {
    let keys: Vec<_> = (0..5).map(|_| new_key()).collect();
    let okp = Arc::new(read(&x25519(), KeyAlg::EcdhEs));
    let wrapping = Arc::new(DecryptionKey::generate(KeyAlg::EcdhEsA256Kw).unwrap());
    let ring = ring(&keys.iter().chain([&okp, &wrapping]).collect::<Vec<_>>());
    for key in keys.iter().chain([&okp, &wrapping]) {
        assert_eq!(opens(&ring, &token(key, ContentEnc::A256Gcm)).as_deref(), Ok(CLAIMS));
    }
    let found: Vec<_> = keys.iter().chain([&okp]).map(|key| opens(&ring, &unnamed(key)).is_ok()).collect();
    assert_eq!(found, [false, false, true, true, true, true]);
    assert_eq!(opens(&ring, &unnamed(&keys[0])), Err(JoseError::Decryption));
    assert_eq!(opens(&ring, &unnamed(&wrapping)).as_deref(), Ok(CLAIMS));
    for name in ["", "unknown", "../../key", "' OR 1=1 --"] {
        let token = super::with_member(&keys[4], "kid", name.into());
        assert_eq!(opens(&ring, &token), Err(JoseError::NoKey), "{name}");
    }
    let other_algorithm = super::with_member(&keys[4], "kid", kid(&wrapping).into());
    assert_eq!(opens(&ring, &other_algorithm), Err(JoseError::NoKey));
    assert_eq!(ring.algorithms(), [KeyAlg::EcdhEs, KeyAlg::EcdhEsA256Kw]);
}

/// attack 166: F22. Exactly these members are published.
#[test]
fn the_published_keys_have_public_members_only() {
    let keys: Vec<_> = super::keys().into_iter().map(Arc::new).collect();
    for key in &keys {
        let published = json!({"keys": ring(&[key]).public_keys()});
        let members = published["keys"][0].as_object().unwrap();
        let allowed = ["crv", "kty", "x", "y", "e", "n", "kid", "use", "alg"];
        assert!(members.keys().all(|name| allowed.contains(&name.as_str())), "{published}");
        assert_eq!((&members["use"], &members["alg"]), (&json!("enc"), &json!(key.algorithm())));
        assert_eq!(JwkSet::register(&published).unwrap().keys().len(), 1);
    }
}

#[test]
fn an_exported_ring_reads_back_whole() {
    let ring = DecryptionKeys::generate(&[KeyAlg::EcdhEs, KeyAlg::EcdhEsA256Kw]).unwrap();
    ring.publish(Arc::new(read(&super::super::vectors::rsa(), KeyAlg::RsaOaep256))).unwrap();
    ring.rotate(new_key()).unwrap();
    let again = DecryptionKeys::import(ring.export().expose()).unwrap();
    assert_eq!((again.export(), shown(&again)), (ring.export(), shown(&ring)));
    let states = |ring: &DecryptionKeys| ring.keys().iter().map(DecryptionRingKey::state).collect::<Vec<_>>();
    assert_eq!(states(&again), states(&ring));
    assert_eq!(states(&ring)[0], DecryptionKeyState::Retired);
}

/// Neither ring takes the other's document: what signs does not decrypt.
#[test]
fn an_import_names_what_is_wrong() {
    let document =
        |state: &str, jwk: &Value| json!({"version": 1, "keys": [{"state": state, "jwk": jwk}]}).to_string();
    let key = with(&p256(), "alg", "ECDH-ES");
    assert!(DecryptionKeys::import(&document("published", &key)).is_ok());
    assert!(DecryptionKeys::import(r#"{"version":1,"keys":[]}"#).is_ok());
    for text in [
        "",
        "{}",
        r#"{"version":2,"keys":[]}"#,
        &document("active", &key),
        &document("published", &p256()),
        &document("published", &with(&p256(), "alg", "RSA1_5")),
        Keyring::generate(&[SigningAlg::EdDsa]).unwrap().export().expose(),
    ] {
        assert_eq!(DecryptionKeys::import(text).unwrap_err(), KeyringError::Malformed, "{text}");
    }
    let unfit = with(&key, "use", "sig");
    let refused = DecryptionKeys::import(&document("published", &unfit)).unwrap_err();
    assert_eq!(refused, KeyringError::PrivateKey(PrivateKeyError::Unfit));
}
