//! OpenID Connect Core 1.0 sections 3.1.2.1 and 6.1, RFC 9101 section 6.1: request objects and hints that
//! clients encrypt.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use vouchsafe::client::{Client, ClientAuthMethod, ClientMetadata};
use vouchsafe::error::Reason;
use vouchsafe::jose::{
    AgreementCurve, Content, ContentEnc, DecryptionKey, Encrypter, JoseSigner, JwkSet, KeyAlg, SigningAlg,
};
use vouchsafe::provider::{Encryption, HintedSubject};
use vouchsafe::testing::{
    AuthorizeForm, Form, Harness, OneLogin, REQUEST_URI, authorize_form, client_key, decryption_keys,
    object_form, signed_object, unsigned_object,
};
use vouchsafe::types::{ClientId, RedirectUri, RequestUri};

const UNIFORM: &str = "the request object is not valid";

fn harness() -> Harness {
    Harness::builder().request_objects().encryption().build()
}

fn jar() -> AuthorizeForm {
    authorize_form().client("jar")
}

fn signed(h: &Harness, form: &AuthorizeForm) -> String {
    h.request_object(&h.object_claims(form))
}

/// A client that must encrypt, by this pair.
fn sealed(alg: KeyAlg, enc: ContentEnc) -> Client {
    let keys = JwkSet::register(&json!({ "keys": [client_key().public_key().to_value()] })).unwrap();
    let metadata = ClientMetadata::code_flow([RedirectUri::register("https://jar.example/cb").unwrap()])
        .with_auth_method(ClientAuthMethod::None)
        .with_jwks(keys)
        .with_request_uri(RequestUri::parse(REQUEST_URI).unwrap())
        .with_request_object_encryption(alg, enc);
    Client::builder(ClientId::new("jar").unwrap(), metadata).build().unwrap()
}

/// Every part of a compact token, decoded.
fn parts(token: &str) -> Vec<Vec<u8>> {
    token.split('.').map(|part| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).collect()
}

fn joined(parts: &[Vec<u8>]) -> String {
    parts.iter().map(|part| BASE64_URL_SAFE_NO_PAD.encode(part)).collect::<Vec<_>>().join(".")
}

/// `token` with another header, which is what its content is authenticated with.
fn reheaded(token: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut parts = parts(token);
    let mut header: Value = serde_json::from_slice(&parts[0]).unwrap();
    change(&mut header);
    parts[0] = header.to_string().into_bytes();
    joined(&parts)
}

/// `token` with a part of another length.
fn resized(token: &str, part: usize, length: usize) -> String {
    let mut parts = parts(token);
    parts[part].resize(length, 0);
    joined(&parts)
}

fn flipped(token: &str, part: usize) -> String {
    let mut parts = parts(token);
    *parts[part].last_mut().unwrap() ^= 1;
    joined(&parts)
}

#[test]
fn an_encrypted_object_is_read_like_the_one_inside_of_it() {
    let h = harness();
    for key in decryption_keys().keys() {
        let key = key.key();
        for enc in ContentEnc::ALL {
            let object = signed(&h, &jar().scope("openid email"));
            let encrypter = Encrypter::new(key.public_key(), key.algorithm(), *enc).unwrap();
            let object = encrypter.encrypt(Content::Jws(&object), h.entropy()).unwrap();
            let visit = h.authorize(&object_form("jar", object));
            assert_eq!(visit.pending().request().scope.as_str(), "openid email");
        }
    }
}

#[test]
fn it_may_be_at_a_registered_address() {
    let h = harness();
    let object = h.encrypted(&signed(&h, &jar()), KeyAlg::EcdhEsA256Kw, ContentEnc::A256CbcHs512);
    h.http().serve(REQUEST_URI, "application/jwt", object);
    let code = h.authorize(&jar().set("request_uri", REQUEST_URI)).approved_by("alice").code();
    assert!(code.starts_with("vs_ac_"));
}

/// Decrypting proves nothing of the sender: what is inside is verified as ever.
#[test]
fn what_is_inside_is_verified_as_if_it_had_come_alone() {
    let h = harness();
    let asked = |object: &str| {
        let object = h.encrypted(object, KeyAlg::EcdhEs, ContentEnc::A256Gcm);
        h.authorize(&jar().set("request", object))
    };
    let claims = h.object_claims(&jar());
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims
    };
    let foreign = JoseSigner::generate(SigningAlg::Es256).unwrap();
    asked(&signed_object("JWT", &claims, &foreign)).returned(Reason::RequestObjectSignature);
    asked(&h.request_object(&with("aud", json!("https://other.example"))))
        .returned(Reason::RequestObjectAudience);
    asked(&h.request_object(&with("iss", json!("web")))).returned(Reason::RequestObjectIssuer);
    asked(&h.request_object(&with("exp", json!(1)))).returned(Reason::RequestObjectTimes);
    asked(&h.request_object(&with("sub", json!("jar")))).returned(Reason::RequestObjectAssertion);
    asked(&h.request_object(&with("request_uri", json!(REQUEST_URI)))).returned(Reason::RequestObjectNested);
    asked(&signed_object("at+jwt", &claims, &*client_key())).returned(Reason::RequestObjectType);
    let landing = asked(&unsigned_object(&claims)).returned(Reason::RequestObjectUndecryptable);
    assert_eq!(landing.value("error_description"), UNIFORM);
    let form = authorize_form().client("unsigned");
    let unsigned = unsigned_object(&h.object_claims(&form));
    let unsigned = h.encrypted(&unsigned, KeyAlg::EcdhEs, ContentEnc::A256Gcm);
    h.authorize(&form.set("request", unsigned)).returned(Reason::RequestObjectUndecryptable);
}

#[test]
fn where_decryption_is_off_an_encrypted_object_is_refused() {
    let responses_only = Harness::builder()
        .request_objects()
        .provider(|builder| builder.with_encryption(Encryption::new()))
        .build();
    for h in [Harness::builder().request_objects().build(), responses_only] {
        let object = h.encrypted(&signed(&h, &jar()), KeyAlg::EcdhEs, ContentEnc::A256Gcm);
        let landing = h.authorize(&jar().set("request", object)).returned(Reason::RequestObjectEncrypted);
        assert_eq!(landing.value("error"), "invalid_request_object");
        assert_eq!(landing.value("error_description"), UNIFORM);
    }
}

#[test]
fn a_client_that_registered_encryption_must_use_it() {
    let (alg, enc) = (KeyAlg::EcdhEsA256Kw, ContentEnc::A256Gcm);
    let h = Harness::builder().request_objects().encryption().client(sealed(alg, enc)).build();
    let plain = signed(&h, &jar());
    let landing = h.authorize(&jar().set("request", &plain)).returned(Reason::RequestObjectUnencrypted);
    assert_eq!(landing.value("error_description"), UNIFORM);
    h.http().serve(REQUEST_URI, "application/jwt", plain.clone());
    h.authorize(&jar().set("request_uri", REQUEST_URI)).returned(Reason::RequestObjectUnencrypted);
    for (alg, enc) in [(KeyAlg::EcdhEs, enc), (alg, ContentEnc::A256CbcHs512)] {
        let other = h.encrypted(&plain, alg, enc);
        h.authorize(&jar().set("request", other)).returned(Reason::RequestObjectUndecryptable);
    }
    h.authorize(&jar().set("request", h.encrypted(&plain, alg, enc))).waits();

    let off = Harness::builder().request_objects().client(sealed(alg, enc)).build();
    off.authorize(&jar().set("request", &plain)).returned(Reason::RequestObjectUnencrypted);
}

/// A registration cannot turn on what the host has not.
#[test]
fn a_registered_pair_that_is_off_decrypts_nothing() {
    let (alg, enc) = (KeyAlg::EcdhEs, ContentEnc::A128CbcHs256);
    let encryption = Encryption::new().with_decryption_keys(decryption_keys());
    let h = Harness::builder()
        .request_objects()
        .client(sealed(alg, enc))
        .provider(|builder| builder.with_encryption(encryption))
        .build();
    let object = h.encrypted(&signed(&h, &jar()), alg, enc);
    h.authorize(&jar().set("request", object)).returned(Reason::RequestObjectUndecryptable);
}

/// attack 79, attack 148, attack 150, attack 151, attack 152, attack 153, attack 154, attack 155, attack 156,
/// attack 157: whatever is wrong with an encrypted object, the client and whoever watches are told one and
/// the same, to the byte.
#[test]
fn whatever_does_not_decrypt_is_one_refusal() {
    let h = harness();
    let inner = signed(&h, &jar());
    let sound = |alg, enc| h.encrypted(&inner, alg, enc);
    let mut broken = Vec::new();
    for alg in [KeyAlg::RsaOaep256, KeyAlg::EcdhEs, KeyAlg::EcdhEsA256Kw] {
        for enc in [ContentEnc::A256Gcm, ContentEnc::A256CbcHs512, ContentEnc::A128CbcHs256] {
            let token = sound(alg, enc);
            for (name, value) in [
                ("zip", json!("DEF")),
                ("crit", json!(["exp"])),
                ("cty", json!("application/json")),
                ("kid", json!("of nobody")),
                ("alg", json!("RSA1_5")),
                ("alg", json!("PBES2-HS512+A256KW")),
                ("alg", json!("dir")),
                ("enc", json!("A192GCM")),
                ("epk", json!({ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA" })),
                (
                    "epk",
                    json!({ "kty": "OKP", "crv": "X25519", "x": BASE64_URL_SAFE_NO_PAD.encode([0; 32]) }),
                ),
            ] {
                broken.push(reheaded(&token, |header| header[name] = value));
            }
            broken.extend((1..=7).map(|length| resized(&token, 1, length)));
            broken.extend([0, 3, 8].map(|length| resized(&token, 2, length)));
            broken.extend([0, 1, 15].map(|length| resized(&token, 4, length)));
            broken.push(resized(&token, 3, 16));
            broken.push(resized(&token, 3, 0));
            broken.extend([2, 3, 4].map(|part| flipped(&token, part)));
        }
    }
    let nested = sound(KeyAlg::EcdhEs, ContentEnc::A256Gcm);
    broken.push(h.encrypted(&nested, KeyAlg::EcdhEs, ContentEnc::A256Gcm));
    broken.push(h.encrypted("no token", KeyAlg::EcdhEs, ContentEnc::A256Gcm));
    broken.push("a.b.c.d.e".to_owned());
    broken.push("....".to_owned());
    let stranger = DecryptionKey::generate_on(AgreementCurve::X25519, KeyAlg::EcdhEs).unwrap();
    let stranger = Encrypter::new(stranger.public_key(), KeyAlg::EcdhEs, ContentEnc::A256Gcm).unwrap();
    broken.push(stranger.encrypt(Content::Jws(&inner), h.entropy()).unwrap());
    let bare = decryption_keys().public_keys().remove(0);
    let bare = Encrypter::new(&bare, KeyAlg::RsaOaep256, ContentEnc::A256Gcm).unwrap();
    broken.push(bare.encrypt(Content::Claims(b"{}"), h.entropy()).unwrap());

    let answer = |object: &str| h.authorize(&jar().set("request", object)).outcome.response;
    let expected = answer("....");
    for object in &broken {
        let visit = h.authorize(&jar().set("request", object));
        let response = visit.outcome.response.clone();
        let landing = visit.returned(Reason::RequestObjectUndecryptable);
        assert_eq!(landing.value("error"), "invalid_request_object", "{object}");
        assert_eq!(landing.value("error_description"), UNIFORM, "{object}");
        assert_eq!(response.status(), expected.status());
        assert_eq!(response.headers(), expected.headers());
        assert_eq!(response.body(), expected.body());
    }
    assert!(broken.len() > 200);
    let foreign = JoseSigner::generate(SigningAlg::Es256).unwrap();
    let foreign = signed_object("JWT", &h.object_claims(&jar()), &foreign);
    let forged = answer(&h.encrypted(&foreign, KeyAlg::EcdhEs, ContentEnc::A256Gcm));
    assert_eq!(forged.headers(), expected.headers(), "a signature that is wrong reads the same");
}

/// A key that is retired still decrypts; one that was removed does not (OpenID Connect Core 1.0 section
/// 10.2.1).
#[test]
fn a_rotated_key_decrypts_until_it_is_removed() {
    let ring = decryption_keys();
    let encryption = Encryption::new().with_decryption_keys(ring.clone());
    let h =
        Harness::builder().request_objects().provider(|builder| builder.with_encryption(encryption)).build();
    let object = || h.encrypted(&signed(&h, &jar()), KeyAlg::EcdhEs, ContentEnc::A256Gcm);
    ring.rotate(Arc::new(DecryptionKey::generate(KeyAlg::EcdhEs).unwrap())).unwrap();
    h.authorize(&jar().set("request", object())).waits();
    for key in decryption_keys().keys() {
        if key.key().algorithm() == KeyAlg::EcdhEs {
            ring.remove(key.key().public_key().kid().unwrap().as_str()).unwrap();
        }
    }
    h.authorize(&jar().set("request", object())).returned(Reason::RequestObjectUndecryptable);
}

/// Section 3.1.2.1: a client decrypts its ID token, and may encrypt it again to the provider.
#[test]
fn a_hint_may_be_encrypted_to_the_provider() {
    let h = harness();
    let id_token = h.tokens(&authorize_form(), "alice").id_token.unwrap();
    let hint = |token: &str| h.encrypted(token, KeyAlg::RsaOaep256, ContentEnc::A256Gcm);
    let visit = h.authorize(&authorize_form().set("id_token_hint", hint(&id_token)));
    assert!(
        matches!(&visit.pending().request().id_token_hint, HintedSubject::Known(who) if who.as_str() == "alice")
    );

    let silent = |hint: String| {
        let form = authorize_form().prompt("none").set("id_token_hint", hint);
        h.authorize(&form).next(Some(&h.login("alice")))
    };
    silent(flipped(&hint(&id_token), 4)).returned(Reason::IdTokenHintInvalid);
    silent(hint(&h.request_object(&h.object_claims(&jar())))).returned(Reason::IdTokenHintInvalid);
    silent(hint(&hint(&id_token))).returned(Reason::IdTokenHintInvalid);
}

#[test]
fn where_decryption_is_off_an_encrypted_hint_is_none() {
    let h = Harness::builder().request_objects().build();
    let id_token = h.tokens(&authorize_form(), "alice").id_token.unwrap();
    let hint = h.encrypted(&id_token, KeyAlg::RsaOaep256, ContentEnc::A256Gcm);
    let form = authorize_form().prompt("none").set("id_token_hint", hint);
    h.authorize(&form).next(Some(&h.login("alice"))).returned(Reason::IdTokenHintInvalid);
}

/// OpenID Connect RP-Initiated Logout 1.0 section 2 has the same hint. One that does not decrypt says as
/// little as one that others signed.
#[test]
fn a_hint_of_a_logout_may_be_encrypted_too() {
    let h = harness();
    let id_token = h.tokens(&authorize_form(), "alice").id_token.unwrap();
    let hint = |token: &str| h.encrypted(token, KeyAlg::EcdhEsA256Kw, ContentEnc::A256CbcHs512);
    let log_out = |hint: String, host: &Arc<OneLogin>| {
        let out = "https://web.example/out";
        h.log_out(&Form::new().set("id_token_hint", hint).set("post_logout_redirect_uri", out), host)
    };
    let host = OneLogin::of(h.login("alice"));
    let ended = log_out(hint(&id_token), &host);
    assert!(host.login().is_none(), "the hint names the session, so that nobody is asked");
    assert_eq!(ended.header("location"), Some("https://web.example/out"));
    let foreign = hint(&h.request_object(&h.object_claims(&jar())));
    let host = OneLogin::of(h.login("alice"));
    let [broken, foreign] = [flipped(&hint(&id_token), 4), foreign].map(|hint| {
        let page = log_out(hint, &host).accepted().unchanged();
        let page = String::from_utf8(page.response.body().to_vec()).unwrap();
        assert!(page.contains("logout-confirm") && !page.contains("web.example"), "{page}");
        page.lines().filter(|line| !line.contains("hidden")).map(str::to_owned).collect::<Vec<_>>()
    });
    assert_eq!(broken, foreign);
    assert!(host.login().is_some(), "the person was asked, and said nothing");
}
