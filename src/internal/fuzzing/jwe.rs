use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::jws::{IGNORED, check_spelling, has_member};
use crate::jose::{
    ContentEnc, DecryptionKey, ExpectedEncryption, JoseError, Jwe, KeyAlg, MAX_TOKEN_BYTES, reference,
};
use crate::secret::Secret;

/// Every algorithm is expected, so that each is reached.
const ANY: ExpectedEncryption<'static> = ExpectedEncryption::new(KeyAlg::ALL, ContentEnc::ALL);

/// Members that josekit demands more of: claims that a header may repeat (RFC 7519 section 5.3), which mean nothing here,
/// and the names of the parties, which mean nothing to RSA.
const DEMANDED: [&str; 5] = ["iss", "sub", "aud", "apu", "apv"];

/// A key of ours and a token that was encrypted to it, the same in every run.
struct Target {
    key: DecryptionKey,
    jwk: Map<String, Value>,
    enc: ContentEnc,
    /// The content's key, which only the sender and the recipient know.
    cek: Vec<u8>,
    parts: [Vec<u8>; 5],
    content: Vec<u8>,
}

static TARGETS: LazyLock<Vec<Target>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct Entry {
        jwk: Map<String, Value>,
        cek: String,
        token: String,
    }
    let entries: Vec<Entry> = serde_json::from_str(include_str!("jwe.json")).expect("the file is JSON");
    let target = |entry: Entry| {
        let jwe = Jwe::parse(&entry.token).expect("the token is sound");
        let (alg, enc) = (jwe.header().alg(), jwe.header().enc());
        let secret = Secret::new(Value::Object(entry.jwk.clone()).to_string());
        let key = DecryptionKey::from_jwk(&secret, alg.expect("the algorithm exists"));
        let key = key.expect("the key is sound");
        let content =
            key.decrypt(&jwe, &ANY).expect("the token is to this key").unverified_payload().to_vec();
        let parts = entry.token.split('.').map(decode).collect::<Vec<_>>();
        let parts = parts.try_into().expect("the token has five parts");
        let enc = enc.expect("the encryption exists");
        Target { key, jwk: entry.jwk, enc, cek: decode(&entry.cek), parts, content }
    };
    entries.into_iter().map(target).collect()
});

/// The input as a token; and a token to one of our keys, with one part bent as the input says, and with members of the
/// input's in its header.
///
/// A bent token gives one error and never a content. What is accepted is written in one way only, and a token that is
/// sound but for its header is accepted exactly when josekit accepts it, but for what this crate refuses on purpose.
pub fn jwe(data: &[u8]) {
    if let Ok(token) = std::str::from_utf8(data) {
        check_token(token);
    }
    let [which, how, rest @ ..] = data else {
        return;
    };
    if let Some(target) = TARGETS.get(usize::from(*which) % TARGETS.len()) {
        check_bent(target, *how, rest);
        check_forged(target, rest);
    }
}

/// What is accepted is bounded and has one spelling; what decrypts, josekit decrypts alike.
fn check_token(token: &str) {
    let Ok(jwe) = Jwe::parse(token) else {
        return;
    };
    assert!(token.len() <= MAX_TOKEN_BYTES, "over the cap");
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts.len(), 5, "not five parts");
    check_spelling(&parts);
    let header: Value = serde_json::from_slice(&decode(parts[0])).expect("an accepted header is JSON");
    assert_eq!(
        header["alg"].as_str().and_then(|alg| alg.parse().ok()),
        jwe.header().alg(),
        "another algorithm"
    );
    assert_eq!(
        header["enc"].as_str().and_then(|enc| enc.parse().ok()),
        jwe.header().enc(),
        "another encryption"
    );
    assert_eq!(header.get("kid").and_then(Value::as_str), jwe.header().kid(), "another kid");
    assert!(["crit", "b64", "zip"].iter().all(|name| header.get(name).is_none()), "an extension is accepted");
    for target in TARGETS.iter() {
        if let Ok(content) = verdict(token, target) {
            let theirs = reference::decrypt_compact(token, &target.jwk, target.key.algorithm());
            assert!(theirs.is_none_or(|theirs| theirs == content), "another content than josekit's");
        }
    }
}

fn check_bent(target: &Target, how: u8, rest: &[u8]) {
    let part = usize::from(how) % 5;
    let mut parts = target.parts.clone();
    bend(&mut parts[part], how / 5, rest);
    let token = parts.each_ref().map(|part| BASE64_URL_SAFE_NO_PAD.encode(part)).join(".");
    let verdict = verdict(&token, target);
    if parts == target.parts {
        assert_eq!(verdict.as_ref(), Ok(&target.content), "refused as it was sent");
        return;
    }
    let error = verdict.expect_err("a bent token gives a content");
    assert_ne!(error, JoseError::Panicked, "the library panicked");
    let expected = if token.len() > MAX_TOKEN_BYTES { JoseError::TooLong } else { JoseError::Decryption };
    assert!(part == 0 || error == expected, "another error than {expected:?}: {error:?}");
}

fn bend(part: &mut Vec<u8>, how: u8, rest: &[u8]) {
    match how % 4 {
        0 => *part = rest.to_vec(),
        1 => part.iter_mut().zip(rest).for_each(|(byte, mask)| *byte ^= mask),
        2 => part.truncate(rest.first().copied().unwrap_or_default().into()),
        _ => part.extend_from_slice(rest),
    }
}

/// The token's own header with `members` written into its end, properly encrypted under the key that the token sends.
fn check_forged(target: &Target, members: &[u8]) {
    let mut header = target.parts[0].clone();
    if !members.is_empty() {
        header.pop();
        header.extend_from_slice(&[b",", members, b"}"].concat());
    }
    let forged =
        reference::encrypt_compact(target.enc, &target.cek, &header, &target.parts[1], &target.content);
    let token = forged.expect("the key and the vector have the right lengths");
    check_token(&token);
    let theirs = reference::decrypt_compact(&token, &target.jwk, target.key.algorithm());
    match (verdict(&token, target), theirs) {
        (Ok(ours), Some(theirs)) => assert_eq!(ours, theirs, "another content than josekit's"),
        (Ok(_), None) => {
            let demanding = has_member(&token, &IGNORED) || has_member(&token, &DEMANDED);
            assert!(demanding, "josekit refuses what is accepted here");
        }
        (Err(error), Some(_)) => {
            let on_purpose = matches!(error, JoseError::TooLong | JoseError::Extension | JoseError::Header);
            assert!(on_purpose, "refused for {error:?}, and josekit accepts it");
        }
        (Err(error), None) => assert_ne!(error, JoseError::Panicked, "the library panicked"),
    }
}

fn verdict(token: &str, target: &Target) -> Result<Vec<u8>, JoseError> {
    target.key.decrypt(&Jwe::parse(token)?, &ANY).map(|decrypted| decrypted.unverified_payload().to_vec())
}

fn decode(part: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(part).expect("the part is base64url")
}
