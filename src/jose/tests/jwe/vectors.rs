//! RFC 7516 appendix A, RFC 7518 appendices B and C, RFC 7520 section 5, RFC 8037 appendix A.6: their examples, to
//! the letter.

use serde_json::{Value, json};

use super::super::super::jwe::Sealed;
use super::super::super::{ContentEnc, DecryptionKey, JoseError, KeyAlg};
use super::super::unbase64url;
use super::{p256, read, verdict, x25519};

pub(super) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// The two parts before the vector are not for this test; the content is what `key` decrypts.
fn content(enc: ContentEnc, key: &[u8], token: &str) -> Vec<u8> {
    let parts: Vec<&str> = token.split('.').collect();
    let (iv, ciphertext, tag) = (unbase64url(parts[2]), unbase64url(parts[3]), unbase64url(parts[4]));
    let sealed = Sealed { aad: parts[0].as_bytes(), iv: &iv, ciphertext: &ciphertext, tag: &tag };
    let text = enc.decrypt(key, sealed).unwrap().to_vec();
    let again = enc.encrypt(key, &iv, parts[0].as_bytes(), &text).unwrap();
    assert_eq!(again, (ciphertext, tag), "encrypted again");
    text
}

/// RFC 7516 appendix A.1: its content, and its algorithm, RSA-OAEP with SHA-1, which does not exist here.
#[test]
fn rfc7516_a1_the_content_in_a256gcm() {
    let token = concat!(
        "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.",
        "OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOMTYUmKoTCVJRgckCL9kiMT03JGe",
        "ipsEdY3mx_etLbbWSrFr05kLzcSr4qKAq7YN7e9jwQRb23nfa6c9d-StnImGyFDb",
        "Sv04uVuxIp5Zms1gNxKKK2Da14B8S4rzVRltdYwam_lDp5XnZAYpQdb76FdIKLaV",
        "mqgfwX7XWRxv2322i-vDxRfqNzo_tETKzpVLzfiwQyeyPGLBIO56YJ7eObdv0je8",
        "1860ppamavo35UgoRdbYaBcoh9QcfylQr66oc6vFWXRcZ_ZT2LawVCWTIy3brGPi",
        "6UklfCpIMfIjf7iGdXKHzg.",
        "48V1_ALb6US04U3b.",
        "5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6ji",
        "SdiwkIr3ajwQzaBtQD_A.",
        "XFBoMYUZodetZdvTiFvSkQ"
    );
    let cek = [
        177, 161, 244, 128, 84, 143, 225, 115, 63, 180, 3, 255, 107, 154, 212, 246, 138, 7, 110, 91, 112, 46,
        34, 105, 47, 130, 203, 46, 122, 234, 64, 252,
    ];
    let text = content(ContentEnc::A256Gcm, &cek, token);
    assert_eq!(text, b"The true sign of intelligence is not knowledge but imagination.");
    let key = read(&super::super::vectors::rsa(), KeyAlg::RsaOaep256);
    assert_eq!(verdict(token, &key), Err(JoseError::Algorithm));
}

/// RFC 7516 appendix A.3: its content, and its algorithm, A128KW, which does not exist here.
#[test]
fn rfc7516_a3_the_content_in_a128cbc_hs256() {
    let token = concat!(
        "eyJhbGciOiJBMTI4S1ciLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0.",
        "6KB707dM9YTIgHtLvtgWQ8mKwboJW3of9locizkDTHzBC2IlrT1oOQ.",
        "AxY8DCtDaGlsbGljb3RoZQ.",
        "KDlTtXchhZTGufMYmOYGS4HffxPSUrfmqCHXaI9wOGY.",
        "U0m_YmjN04DJvceFICbCVQ"
    );
    let cek = [
        4, 211, 31, 197, 84, 157, 252, 254, 11, 100, 157, 250, 63, 170, 106, 206, 107, 124, 212, 45, 111,
        107, 9, 219, 200, 177, 0, 240, 143, 156, 44, 207,
    ];
    assert_eq!(content(ContentEnc::A128CbcHs256, &cek, token), b"Live long and prosper.");
    assert_eq!(verdict(token, &read(&p256(), KeyAlg::EcdhEsA128Kw)), Err(JoseError::Algorithm));
}

/// The plaintext of RFC 7518 appendix B.
const KERCKHOFFS: &[u8] =
    b"A cipher system must not be required to be secret, and it must be able to fall into the \
    hands of the enemy without inconvenience";

fn check_appendix_b(enc: ContentEnc, ciphertext: &str, tag: &str) {
    let key: Vec<u8> = (0..64).take(enc.key_len()).collect();
    let iv = hex("1af38c2dc2b96ffdd86694092341bc04");
    let aad = b"The second principle of Auguste Kerckhoffs";
    let (ciphertext, tag) = (hex(ciphertext), hex(tag));
    assert_eq!(enc.encrypt(&key, &iv, aad, KERCKHOFFS), Ok((ciphertext.clone(), tag.clone())));
    let sealed = Sealed { aad, iv: &iv, ciphertext: &ciphertext, tag: &tag };
    assert_eq!(enc.decrypt(&key, sealed).unwrap().as_slice(), KERCKHOFFS);
}

#[test]
fn rfc7518_b1_aes_128_cbc_hmac_sha_256() {
    check_appendix_b(
        ContentEnc::A128CbcHs256,
        concat!(
            "c80edfa32ddf39d5ef00c0b468834279a2e46a1b8049f792f76bfe54b903a9c9",
            "a94ac9b47ad2655c5f10f9aef71427e2fc6f9b3f399a221489f16362c7032336",
            "09d45ac69864e3321cf82935ac4096c86e133314c54019e8ca7980dfa4b9cf1b",
            "384c486f3a54c51078158ee5d79de59fbd34d848b3d69550a67646344427ade5",
            "4b8851ffb598f7f80074b9473c82e2db"
        ),
        "652c3fa36b0a7c5b3219fab3a30bc1c4",
    );
}

#[test]
fn rfc7518_b3_aes_256_cbc_hmac_sha_512() {
    check_appendix_b(
        ContentEnc::A256CbcHs512,
        concat!(
            "4affaaadb78c31c5da4b1b590d10ffbd3dd8d5d302423526912da037ecbcc7bd",
            "822c301dd67c373bccb584ad3e9279c2e6d12a1374b77f077553df829410446b",
            "36ebd97066296ae6427ea75c2e0846a11a09ccf5370dc80bfecbad28c73f09b3",
            "a3b75e662a2594410ae496b2e2e6609e31e6e02cc837f053d21f37ff4f51950b",
            "be2638d09dd7a4930930806d0703b1f6"
        ),
        "4dd3b4c088a7f45c216839645b2012bf2e6269a8c56a816dbc1b267761955bc5",
    );
}

/// A token to `key` by direct agreement, with `epk`, under the key that both sides are known to agree on.
fn agreed(header: &Value, cek: &[u8], key: &DecryptionKey) -> Result<Vec<u8>, JoseError> {
    let protected = super::super::base64url(header.to_string());
    let enc: ContentEnc = header["enc"].as_str().unwrap().parse().unwrap();
    let iv = vec![0; enc.iv_len()];
    let (ciphertext, tag) = enc.encrypt(cek, &iv, protected.as_bytes(), b"agreed").unwrap();
    let rest = [iv, ciphertext, tag].map(super::super::base64url).join(".");
    verdict(&format!("{protected}..{rest}"), key)
}

#[test]
fn rfc7518_c_alice_and_bob_agree_on_a_key() {
    let header = json!({
        "alg": "ECDH-ES",
        "enc": "A128GCM",
        "apu": "QWxpY2U",
        "apv": "Qm9i",
        "epk": {
            "kty": "EC",
            "crv": "P-256",
            "x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
            "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
        },
    });
    let bob = read(&p256(), KeyAlg::EcdhEs);
    let cek = unbase64url("VqqN6vgjbSBcIijNcacQGg");
    assert_eq!(agreed(&header, &cek, &bob).as_deref(), Ok(&b"agreed"[..]));
}

/// RFC 8037 appendix A.6 gives the secret that X25519 agrees on; the key is derived of it as RFC 7518 section 4.6.2
/// says, here in one round.
#[test]
fn rfc8037_a6_a_key_is_derived_of_the_agreed_secret() {
    use sha2::{Digest as _, Sha256};
    let secret = hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    let input = [
        &1_u32.to_be_bytes()[..],
        &secret,
        &7_u32.to_be_bytes(),
        b"A256GCM",
        &0_u32.to_be_bytes(),
        &0_u32.to_be_bytes(),
        &256_u32.to_be_bytes(),
    ];
    let cek = Sha256::digest(input.concat());
    let header = json!({
        "alg": "ECDH-ES",
        "enc": "A256GCM",
        "epk": {"kty": "OKP", "crv": "X25519", "x": "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo"},
    });
    let bob = read(&x25519(), KeyAlg::EcdhEs);
    assert_eq!(agreed(&header, &cek, &bob).as_deref(), Ok(&b"agreed"[..]));
}

/// The plaintext of RFC 7520 section 5.
const FRODO: &str = "You can trust us to stick with you through thick and thin\u{2013}to the bitter end. And you can \
    trust us to keep any secret of yours\u{2013}closer than you keep it yourself. But you cannot trust us to let you \
    face trouble alone, and go off without a word. We are your friends, Frodo.";

#[test]
fn rfc7520_5_4_agreement_and_wrapping_on_p384() {
    let key = json!({
        "kty": "EC",
        "kid": "peregrin.took@tuckborough.example",
        "use": "enc",
        "crv": "P-384",
        "x": "YU4rRUzdmVqmRtWOs2OpDE_T5fsNIodcG8G5FWPrTPMyxpzsSOGaQLpe2FpxBmu2",
        "y": "A8-yxCHxkfBz3hKZfI1jUYMjUhsEveZ9THuwFjH2sCNdtksRJU7D5-SkgaFL1ETP",
        "d": "iTx2pk7wW-GqJkHcEkFQb2EFyYcO7RugmaW3mRrQVAOUiPommT0IdnYK2xDlZh-j",
    });
    let token = concat!(
        "eyJhbGciOiJFQ0RILUVTK0ExMjhLVyIsImtpZCI6InBlcmVncmluLnRvb2tAdHVj",
        "a2Jvcm91Z2guZXhhbXBsZSIsImVwayI6eyJrdHkiOiJFQyIsImNydiI6IlAtMzg0",
        "IiwieCI6InVCbzRrSFB3Nmtiang1bDB4b3dyZF9vWXpCbWF6LUdLRlp1NHhBRkZr",
        "YllpV2d1dEVLNml1RURzUTZ3TmROZzMiLCJ5Ijoic3AzcDVTR2haVkMyZmFYdW1J",
        "LWU5SlUyTW84S3BvWXJGRHI1eVBOVnRXNFBnRXdaT3lRVEEtSmRhWTh0YjdFMCJ9",
        "LCJlbmMiOiJBMTI4R0NNIn0.",
        "0DJjBXri_kBcC46IkU5_Jk9BqaQeHdv2.",
        "mH-G2zVqgztUtnW_.",
        "tkZuOO9h95OgHJmkkrfLBisku8rGf6nzVxhRM3sVOhXgz5NJ76oID7lpnAi_cPWJ",
        "RCjSpAaUZ5dOR3Spy7QuEkmKx8-3RCMhSYMzsXaEwDdXta9Mn5B7cCBoJKB0IgEn",
        "j_qfo1hIi-uEkUpOZ8aLTZGHfpl05jMwbKkTe2yK3mjF6SBAsgicQDVCkcY9BLlu",
        "zx1RmC3ORXaM0JaHPB93YcdSDGgpgBWMVrNU1ErkjcMqMoT_wtCex3w03XdLkjXI",
        "uEr2hWgeP-nkUZTPU9EoGSPj6fAS-bSz87RCPrxZdj_iVyC6QWcqAu07WNhjzJEP",
        "c4jVntRJ6K53NgPQ5p99l3Z408OUqj4ioYezbS6vTPlQ.",
        "WuGzxmcreYjpHGJoa17EBg"
    );
    let key = read(&key, KeyAlg::EcdhEsA128Kw);
    assert_eq!(verdict(token, &key).as_deref(), Ok(FRODO.as_bytes()));
}

#[test]
fn rfc7520_5_5_direct_agreement_on_p256() {
    let key = json!({
        "kty": "EC",
        "kid": "meriadoc.brandybuck@buckland.example",
        "use": "enc",
        "crv": "P-256",
        "x": "Ze2loSV3wrroKUN_4zhwGhCqo3Xhu1td4QjeQ5wIVR0",
        "y": "HlLtdXARY_f55A3fnzQbPcm6hgr34Mp8p-nuzQCE0Zw",
        "d": "r_kHyZ-a06rmxM3yESK84r1otSg-aQcVStkRhA-iCM8",
    });
    let token = concat!(
        "eyJhbGciOiJFQ0RILUVTIiwia2lkIjoibWVyaWFkb2MuYnJhbmR5YnVja0BidWNr",
        "bGFuZC5leGFtcGxlIiwiZXBrIjp7Imt0eSI6IkVDIiwiY3J2IjoiUC0yNTYiLCJ4",
        "IjoibVBVS1RfYkFXR0hJaGcwVHBqanFWc1AxclhXUXVfdndWT0hIdE5rZFlvQSIs",
        "InkiOiI4QlFBc0ltR2VBUzQ2ZnlXdzVNaFlmR1RUMElqQnBGdzJTUzM0RHY0SXJz",
        "In0sImVuYyI6IkExMjhDQkMtSFMyNTYifQ.",
        ".",
        "yc9N8v5sYyv3iGQT926IUg.",
        "BoDlwPnTypYq-ivjmQvAYJLb5Q6l-F3LIgQomlz87yW4OPKbWE1zSTEFjDfhU9IP",
        "IOSA9Bml4m7iDFwA-1ZXvHteLDtw4R1XRGMEsDIqAYtskTTmzmzNa-_q4F_evAPU",
        "mwlO-ZG45Mnq4uhM1fm_D9rBtWolqZSF3xGNNkpOMQKF1Cl8i8wjzRli7-IXgyir",
        "lKQsbhhqRzkv8IcY6aHl24j03C-AR2le1r7URUhArM79BY8soZU0lzwI-sD5PZ3l",
        "4NDCCei9XkoIAfsXJWmySPoeRb2Ni5UZL4mYpvKDiwmyzGd65KqVw7MsFfI_K767",
        "G9C9Azp73gKZD0DyUn1mn0WW5LmyX_yJ-3AROq8p1WZBfG-ZyJ6195_JGG2m9Csg",
        ".WCCkNa-x4BeB9hIDIfFuhg"
    );
    let key = read(&key, KeyAlg::EcdhEs);
    assert_eq!(verdict(token, &key).as_deref(), Ok(FRODO.as_bytes()));
}
