//! What anyone who has our public key can send, and the one answer to all of it.

use super::super::super::{ContentEnc, DecryptionKey, JoseError, KeyAlg};
use super::{CIPHERTEXT, CLAIMS, ENCRYPTED_KEY, IV, Parts, TAG, keys, p256, read, token, verdict};

/// attack 153, attack 154, attack 156, attack 79: F1, F2, F4, F5. The library panics over encrypted keys of 1 to 7
/// bytes and over short vectors, and takes a tag of one byte.
#[test]
fn every_length_of_vector_tag_and_encrypted_key_gives_one_error() {
    for key in keys() {
        for enc in ContentEnc::ALL {
            let good = Parts::of(&token(&key, *enc));
            for part in [ENCRYPTED_KEY, IV, TAG] {
                check_lengths(&good, part, &key);
            }
            assert_eq!(verdict(&good.token(), &key).as_deref(), Ok(CLAIMS));
        }
    }
}

/// Cuts and fills `part` to each length, beginning like the right one, and flips a bit.
fn check_lengths(good: &Parts, part: usize, key: &DecryptionKey) {
    let right = &good.0[part];
    let padded = [&right[..], &[0; 65]].concat();
    for length in 0..=64 {
        let mut bytes = padded[..length].to_vec();
        if bytes != *right {
            assert_eq!(
                verdict(&good.with(part, &bytes).token(), key),
                Err(JoseError::Decryption),
                "{length}"
            );
        }
        if let Some(last) = bytes.last_mut() {
            *last ^= 1;
            assert_eq!(
                verdict(&good.with(part, &bytes).token(), key),
                Err(JoseError::Decryption),
                "{length}"
            );
        }
    }
}

/// attack 153: F1. One of 256 tags of one byte is the right one; none is accepted.
#[test]
fn a_cut_tag_cannot_be_guessed() {
    let key = read(&p256(), KeyAlg::EcdhEs);
    for enc in ContentEnc::ALL {
        let mut bent = Parts::of(&token(&key, *enc));
        // A bit of the text, and nothing of its padding, in either mode.
        let part = if enc.iv_len() == 12 { CIPHERTEXT } else { IV };
        bent.0[part][0] ^= 1;
        for guess in 0..=255 {
            assert_eq!(verdict(&bent.with(TAG, &[guess]).token(), &key), Err(JoseError::Decryption), "{enc}");
        }
    }
}

/// attack 156, attack 79: every other length of an RSA key, too, and no more than the modulus has.
#[test]
fn an_rsa_encrypted_key_has_the_length_of_the_modulus() {
    let key = read(&super::super::vectors::rsa(), KeyAlg::RsaOaep256);
    let good = Parts::of(&token(&key, ContentEnc::A256Gcm));
    let right = &good.0[ENCRYPTED_KEY];
    assert_eq!(right.len(), 256);
    for bytes in
        [&right[..255], &right[1..], &[&[0], &right[..]].concat(), &[&right[..], &[0]].concat(), &[0xff; 256]]
    {
        assert_eq!(verdict(&good.with(ENCRYPTED_KEY, bytes).token(), &key), Err(JoseError::Decryption));
    }
}

#[test]
fn any_change_to_an_encrypted_token_is_noticed() {
    for key in keys() {
        for enc in [ContentEnc::A256Gcm, ContentEnc::A256CbcHs512] {
            let good = token(&key, enc);
            for position in (0..good.len()).step_by(11) {
                let mut bytes = good.clone().into_bytes();
                bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
                let bent = String::from_utf8(bytes).unwrap();
                assert!(verdict(&bent, &key).is_err(), "{key:?} {enc} {position}");
            }
        }
    }
}

/// The parts of two good tokens do not mix: the header is authenticated with the content.
#[test]
fn parts_of_other_tokens_do_not_fit() {
    for key in keys() {
        let (one, other) = (token(&key, ContentEnc::A256Gcm), token(&key, ContentEnc::A256Gcm));
        let (one, other) = (Parts::of(&one), Parts::of(&other));
        for part in [ENCRYPTED_KEY, IV, CIPHERTEXT, TAG] {
            if one.0[part] != other.0[part] {
                let mixed = one.with(part, &other.0[part]).token();
                assert_eq!(verdict(&mixed, &key), Err(JoseError::Decryption), "{key:?} {part}");
            }
        }
    }
}

#[test]
fn another_key_does_not_decrypt() {
    for curve in [super::p256(), super::x25519()] {
        let alg = KeyAlg::EcdhEsA256Kw;
        let stranger = DecryptionKey::generate(alg).unwrap();
        let token = token(&read(&curve, alg), ContentEnc::A256Gcm);
        assert_eq!(verdict(&token, &stranger), Err(JoseError::Decryption));
    }
}
