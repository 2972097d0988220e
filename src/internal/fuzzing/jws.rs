use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures_util::FutureExt as _;
use serde_json::{Map, Value};

use crate::jose::{
    JoseError, JoseSigner, Jws, MAX_TOKEN_BYTES, Signer as _, SigningAlg, Verifier, reference,
};
use crate::secret::Secret;

/// The private key of RFC 8037 appendix A.1.
const KEY: &str = concat!(
    r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","#,
    r#""x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#
);

/// A signer that is the same in every run.
pub(super) static SIGNER: LazyLock<JoseSigner> = LazyLock::new(|| {
    JoseSigner::from_jwk(&Secret::new(KEY), SigningAlg::EdDsa).expect("the key of the RFC is sound")
});

/// Members of a header that josekit demands a type of, and that mean nothing here.
pub(super) const IGNORED: [&str; 8] = ["jku", "x5u", "url", "x5t", "x5t#S256", "nonce", "x5c", "jwk"];

/// The input as a token; and its first line as a header and the rest as a payload, signed.
///
/// What is accepted is written in one way only. A signed token is accepted exactly when josekit accepts it, but for
/// what this crate refuses on purpose.
pub fn jws(data: &[u8]) {
    if let Ok(token) = std::str::from_utf8(data) {
        check_token(token);
        check_verdict(token);
    }
    let mut lines = data.splitn(2, |b| *b == b'\n');
    let (header, payload) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let token = signed(header, payload);
    check_token(&token);
    if check_verdict(&token) {
        assert_eq!(
            Jws::parse(&token).expect("it was accepted").unverified_payload(),
            payload,
            "another payload"
        );
    }
}

/// A token with any header and payload at all, signed by [`SIGNER`].
pub(super) fn signed(header: &[u8], payload: &[u8]) -> String {
    let message =
        format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(header), BASE64_URL_SAFE_NO_PAD.encode(payload));
    let signature = SIGNER.sign(message.as_bytes()).now_or_never().expect("a key in memory signs at once");
    format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature.expect("the key signs")))
}

/// An accepted token is bounded, has three parts, and each is what encoding its bytes gives.
fn check_token(token: &str) {
    let Ok(jws) = Jws::parse(token) else {
        return;
    };
    assert!(token.len() <= MAX_TOKEN_BYTES, "over the cap");
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts.len(), 3, "not three parts");
    check_spelling(&parts);
    assert_eq!(BASE64_URL_SAFE_NO_PAD.encode(jws.unverified_payload()), parts[1], "another payload");
    let header = BASE64_URL_SAFE_NO_PAD.decode(parts[0]).expect("an accepted header is base64url");
    let header: Value = serde_json::from_slice(&header).expect("an accepted header is JSON");
    assert_eq!(header["alg"].as_str(), Some(jws.header().alg_name()), "another algorithm");
    for (name, value) in
        [("kid", jws.header().kid()), ("typ", jws.header().typ()), ("cty", jws.header().cty())]
    {
        assert_eq!(header.get(name).and_then(Value::as_str), value, "another {name}");
    }
    assert!(["crit", "b64", "zip"].iter().all(|name| header.get(name).is_none()), "an extension is accepted");
}

/// Each part is what encoding its bytes gives.
pub(super) fn check_spelling(parts: &[&str]) {
    let lenient = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let lenient = GeneralPurpose::new(&base64::alphabet::URL_SAFE, lenient);
    for part in parts {
        let bytes = lenient.decode(part).expect("an accepted part is base64url");
        assert_eq!(BASE64_URL_SAFE_NO_PAD.encode(bytes), *part, "a second spelling");
    }
}

/// Whether `token` is accepted, having compared that with josekit's verdict.
fn check_verdict(token: &str) -> bool {
    let verifier = Verifier::new(SIGNER.public_key(), SigningAlg::EdDsa).expect("the key fits");
    let ours = Jws::parse(token).and_then(|jws| jws.verify(&verifier).map(<[u8]>::to_vec));
    let theirs = reference::read_compact(token, public_members());
    match (&ours, theirs) {
        (Ok(ours), Some(theirs)) => assert_eq!(*ours, theirs, "another payload than josekit's"),
        (Ok(_), None) => assert!(has_member(token, &IGNORED), "josekit refuses what is accepted here"),
        (Err(error), Some(_)) => {
            let on_purpose = matches!(error, JoseError::TooLong | JoseError::Extension | JoseError::Header);
            assert!(on_purpose, "refused for {error:?}, and josekit accepts it");
        }
        (Err(_), None) => {}
    }
    ours.is_ok()
}

fn public_members() -> &'static Map<String, Value> {
    static MEMBERS: LazyLock<Map<String, Value>> = LazyLock::new(|| {
        let members = SIGNER.public_key().to_value();
        let members = members.as_object().expect("a key is an object");
        let key = members.iter().filter(|(name, _)| ["kty", "crv", "x"].contains(&name.as_str()));
        key.map(|(name, value)| (name.clone(), value.clone())).collect()
    });
    &MEMBERS
}

/// Whether the header of `token` has one of `names`.
pub(super) fn has_member(token: &str, names: &[&str]) -> bool {
    let header = token.split('.').next().and_then(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok());
    let header: Option<Value> = header.and_then(|json| serde_json::from_slice(&json).ok());
    header.is_some_and(|header| names.iter().any(|name| header.get(name).is_some()))
}
