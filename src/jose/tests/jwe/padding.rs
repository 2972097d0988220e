//! Oracles: what is wrong inside must not be told from the outside.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::super::super::jwe::{Sealed, Unreadable};
use super::super::super::{ContentEnc, JoseError, KeyAlg};
use super::super::{base64url, vectors};
use super::{CIPHERTEXT, IV, Parts, keys, p256, read, token, verdict};

/// attack 154: F2. Padding is turned through all values by way of the vector and of the block before the last. The
/// library tells the padding that fits from the others.
#[test]
fn every_padding_gives_one_error() {
    let key = read(&p256(), KeyAlg::EcdhEs);
    for enc in [ContentEnc::A128CbcHs256, ContentEnc::A256CbcHs512] {
        let good = Parts::of(&token(&key, enc));
        assert_eq!(good.0[CIPHERTEXT].len(), 16, "one block, whose padding the vector decides");
        for mask in 1..=255 {
            let mut iv = good.0[IV].clone();
            iv[15] ^= mask;
            assert_eq!(verdict(&good.with(IV, &iv).token(), &key), Err(JoseError::Decryption), "{mask}");
            let blocks = [&iv[..], &good.0[CIPHERTEXT]].concat();
            let longer = good.with(CIPHERTEXT, &blocks).token();
            assert_eq!(verdict(&longer, &key), Err(JoseError::Decryption), "{mask}");
        }
        for length in 0..=64 {
            let cut = good.with(CIPHERTEXT, &vec![0x5a; length]).token();
            assert_eq!(verdict(&cut, &key), Err(JoseError::Decryption), "{length}");
        }
    }
}

/// attack 154: padding that is wrong under a right tag, which only the holder of the key can make, is not told either.
#[test]
fn wrong_padding_under_a_right_tag_gives_the_same_error() {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let (cek, iv) = ([9; 64], [1; 16]);
    let mut wrong = 0;
    for last in 0..=255 {
        let mut ciphertext = [3; 32];
        ciphertext[15] = last;
        let mac = Hmac::<sha2::Sha512>::new_from_slice(&cek[..32]).unwrap();
        let mac = mac.chain_update(b"aad").chain_update(iv).chain_update(ciphertext);
        let tag = mac.chain_update(24_u64.to_be_bytes()).finalize().into_bytes();
        let sealed = Sealed { aad: b"aad", iv: &iv, ciphertext: &ciphertext, tag: &tag[..32] };
        match ContentEnc::A256CbcHs512.decrypt(&cek, sealed) {
            Ok(text) => assert!((16..32).contains(&text.len()), "the padding is taken off"),
            Err(error) => {
                assert_eq!(error, Unreadable);
                wrong += 1;
            }
        }
    }
    assert!((250..256).contains(&wrong), "nearly every last byte is no padding: {wrong}");
}

/// attack 155: F3. With RSA, three things can be wrong: the padding, the length of the key, and the key. The library
/// tells the second from the first; here it is one error, and the content is tried each time.
#[test]
fn rsa_gives_one_error_whatever_was_encrypted() {
    let key = read(&vectors::rsa(), KeyAlg::RsaOaep256);
    for enc in ContentEnc::ALL {
        let good = Parts::of(&token(&key, *enc));
        for length in [0, 1, 16, 24, 31, 32, 33, 64, 65, 128, 190] {
            let sent = key.public_key().encrypter(KeyAlg::RsaOaep256).unwrap();
            let sent = sent.send(*enc, Zeroizing::new(vec![7; length])).unwrap();
            let bent = good.with(super::ENCRYPTED_KEY, &sent.encrypted_key).token();
            assert_eq!(verdict(&bent, &key), Err(JoseError::Decryption), "{enc} {length}");
        }
        for byte in [0, 1, 0x5a, 0xff] {
            let bent = good.with(super::ENCRYPTED_KEY, &[byte; 256]).token();
            assert_eq!(verdict(&bent, &key), Err(JoseError::Decryption), "{enc} {byte}");
        }
    }
}

/// A key of the wrong length that authenticates a content of its own: what was received is used at its whole length
/// or not at all.
#[test]
fn a_content_under_a_cut_key_is_refused() {
    let key = read(&vectors::rsa(), KeyAlg::RsaOaep256);
    let sent = key.public_key().encrypter(KeyAlg::RsaOaep256).unwrap();
    let sent = sent.send(ContentEnc::A128Gcm, Zeroizing::new(vec![7; 16])).unwrap();
    let protected = base64url(r#"{"alg":"RSA-OAEP-256","enc":"A256GCM"}"#);
    let (ciphertext, tag) =
        ContentEnc::A128Gcm.encrypt(&[7; 16], &[0; 12], protected.as_bytes(), b"{}").unwrap();
    let rest =
        [sent.encrypted_key, vec![0; 12], ciphertext, tag].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
    assert_eq!(verdict(&format!("{protected}.{}", rest.join(".")), &key), Err(JoseError::Decryption));
}

/// All that a stranger can make wrong is one value with one text.
#[test]
fn all_failures_are_equal() {
    let mut texts = std::collections::BTreeSet::new();
    for key in keys() {
        for enc in ContentEnc::ALL {
            let good = Parts::of(&token(&key, *enc));
            for part in 1..5 {
                for bytes in [vec![], vec![0; 3], vec![0; 8], vec![0xff; 16], vec![1; 300]] {
                    if bytes == good.0[part] {
                        continue;
                    }
                    texts.insert(verdict(&good.with(part, &bytes).token(), &key).unwrap_err().to_string());
                }
            }
        }
    }
    assert_eq!(texts.into_iter().collect::<Vec<_>>(), ["the token could not be decrypted"]);
}
