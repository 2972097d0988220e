//! OpenID Connect Core 1.0 sections 2, 5.3.2, 10.2 and 16.14: ID tokens and userinfo responses that are encrypted.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use vouchsafe::client::{Client, ClientAuthMethod, ClientMetadata, InvalidClient};
use vouchsafe::error::Reason;
use vouchsafe::event::EventKind;
use vouchsafe::jose::{ContentEnc, DecryptionKey, JoseError, Jwe, JwkSet, Jws, KeyAlg, SigningAlg};
use vouchsafe::provider::{Encryption, Registration};
use vouchsafe::testing::{
    AuthorizeForm, Harness, authorize_form, client_decryption_keys, client_key, code_form, decrypted,
    decryption_keys, refresh_form,
};
use vouchsafe::types::{ClientId, FetchUrl, GrantType, RedirectUri, ResponseType, Scope};
use vouchsafe::wire::HttpErrorKind;

use crate::rfc7591_registration::{register, with};

const JWKS_URI: &str = "https://sealed.example/jwks";

const SOME_ENC: Option<ContentEnc> = Some(ContentEnc::A256Gcm);

const DEFAULT_ENCS: [ContentEnc; 2] = [ContentEnc::A256Gcm, ContentEnc::A256CbcHs512];

fn metadata() -> ClientMetadata {
    let uri = RedirectUri::register("https://sealed.example/cb").unwrap();
    ClientMetadata::code_flow([uri])
        .with_auth_method(ClientAuthMethod::None)
        .with_scope(Scope::parse("openid email offline_access").unwrap())
        .with_grant_type(GrantType::RefreshToken)
        .with_response_type(ResponseType::CodeIdToken)
        .with_response_type(ResponseType::IdToken)
}

fn keys<'a>(keys: impl IntoIterator<Item = &'a Arc<DecryptionKey>>) -> Value {
    let keys = keys.into_iter().map(|key| key.public_key().to_value());
    // The key that the client signs with is first, and is never encrypted to.
    let all: Vec<_> = std::iter::once(client_key().public_key().to_value()).chain(keys).collect();
    json!({ "keys": all })
}

fn of(metadata: ClientMetadata) -> Client {
    Client::builder(ClientId::new("sealed").unwrap(), metadata).build().unwrap()
}

fn refused(metadata: ClientMetadata) -> InvalidClient {
    Client::builder(ClientId::new("sealed").unwrap(), metadata).build().unwrap_err()
}

/// A client of this key, which wants everything encrypted to it.
fn sealed(key: &Arc<DecryptionKey>, enc: ContentEnc) -> ClientMetadata {
    metadata()
        .with_jwks(JwkSet::register(&keys([key])).unwrap())
        .with_id_token_encryption(key.algorithm(), enc)
        .with_userinfo_encryption(key.algorithm(), enc)
}

/// A client that has the first of its keys for ECDH-ES at its address.
fn remote() -> ClientMetadata {
    metadata()
        .with_jwks_uri(FetchUrl::parse(JWKS_URI).unwrap())
        .with_id_token_encryption(KeyAlg::EcdhEs, ContentEnc::A256Gcm)
}

fn key_for(alg: KeyAlg) -> Arc<DecryptionKey> {
    let all = client_decryption_keys().keys();
    Arc::clone(all.iter().find(|key| key.key().algorithm() == alg).unwrap().key())
}

fn harness(metadata: ClientMetadata) -> Harness {
    Harness::builder().front_channel().encryption().client(of(metadata)).build()
}

fn asking() -> AuthorizeForm {
    authorize_form().client("sealed").scope("openid email offline_access")
}

/// The verified claims inside of a nested token that was encrypted to `key`.
#[track_caller]
fn nested(h: &Harness, token: &str, key: &DecryptionKey, enc: ContentEnc) -> Value {
    assert_eq!(Jws::parse(token).unwrap_err(), JoseError::Encrypted);
    let (header, inner) = decrypted(token);
    assert_eq!((header.alg(), header.enc()), (Some(key.algorithm()), Some(enc)));
    assert_eq!(header.kid(), key.public_key().kid().map(|kid| kid.as_str()));
    assert!(header.is_nested(), "cty is JWT");
    let jws = Jws::parse(&inner).unwrap();
    serde_json::from_slice(h.provider().keyring().verify(&jws).unwrap()).unwrap()
}

fn half(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(text)[..16])
}

fn discovery(h: &Harness) -> Value {
    get(h, "/.well-known/openid-configuration")
}

fn get(h: &Harness, path: &str) -> Value {
    h.answer(http::Request::get(path).body(bytes::Bytes::new()).unwrap()).accepted().json()
}

#[test]
fn every_id_token_is_signed_and_then_encrypted_to_its_client() {
    for key in client_decryption_keys().keys() {
        let (key, enc) = (key.key(), ContentEnc::A256Gcm);
        let h = harness(sealed(key, enc));
        let form = asking().set("response_type", "code id_token");
        let landing = h.authorize(&form).approved_by("alice").landing();
        let front = nested(&h, landing.value("id_token"), key, enc);
        assert_eq!(front["c_hash"], half(landing.value("code")));
        assert_eq!(front["s_hash"], half("af0ifjsldkj"));
        let tokens = h.redeem(code_form(&form, landing.value("code"))).issued();
        let back = nested(&h, tokens.id_token.as_deref().unwrap(), key, enc);
        assert_eq!((&back["aud"], &back["sub"]), (&json!("sealed"), &json!("alice")));
        assert_eq!((&back["nonce"], &front["nonce"]), (&json!("n-0S6_WzA2Mj"), &json!("n-0S6_WzA2Mj")));
        assert_eq!(back["at_hash"], half(&tokens.access_token), "hashes are those of the signature");
        let refreshed = h.redeem(refresh_form("sealed", tokens.refresh_token())).issued();
        let again = nested(&h, refreshed.id_token.as_deref().unwrap(), key, enc);
        assert_eq!(again["auth_time"], back["auth_time"]);
    }
}

#[test]
fn every_content_encryption_that_is_on_is_used_for_who_asks() {
    let key = key_for(KeyAlg::EcdhEsA256Kw);
    for enc in ContentEnc::ALL {
        let h = harness(sealed(&key, *enc));
        let tokens = h.tokens(&asking(), "alice");
        assert_eq!(nested(&h, tokens.id_token.as_deref().unwrap(), &key, *enc)["sub"], "alice");
    }
}

/// Two tokens are never encrypted under one key and vector.
#[test]
fn no_two_encrypted_tokens_have_a_part_in_common_but_their_header() {
    let key = key_for(KeyAlg::RsaOaep256);
    let h = harness(sealed(&key, ContentEnc::A256Gcm));
    let token = || h.tokens(&asking(), "alice").id_token.unwrap();
    let (one, other) = (token(), token());
    for (one, other) in one.split('.').zip(other.split('.')).skip(1) {
        assert_ne!(one, other);
    }
}

#[test]
fn userinfo_is_encrypted_alone_or_after_it_was_signed() {
    for key in client_decryption_keys().keys() {
        let (key, enc) = (key.key(), ContentEnc::A256CbcHs512);
        let h = harness(sealed(key, enc));
        let answer = h.userinfo(&h.tokens(&asking(), "alice").access_token).accepted();
        assert_eq!(answer.header("content-type"), Some("application/jwt"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let (header, content) = decrypted(std::str::from_utf8(answer.response.body()).unwrap());
        assert!(!header.is_nested(), "claims are no JWT");
        assert_eq!(header.kid(), key.public_key().kid().map(|kid| kid.as_str()));
        let claims: Value = serde_json::from_str(&content).unwrap();
        let told = json!({ "sub": "alice", "email": "alice@people.example", "email_verified": true });
        assert_eq!(claims, told);

        let h = harness(sealed(key, enc).with_userinfo_alg(SigningAlg::Es256));
        let answer = h.userinfo(&h.tokens(&asking(), "alice").access_token).accepted();
        let claims = nested(&h, std::str::from_utf8(answer.response.body()).unwrap(), key, enc);
        assert_eq!((&claims["iss"], &claims["aud"]), (&json!("https://op.example"), &json!("sealed")));
        assert_eq!(claims["email"], "alice@people.example");
    }
}

/// One of the two alone leaves the other as it was.
#[test]
fn each_answer_is_encrypted_by_itself() {
    let key = key_for(KeyAlg::EcdhEs);
    let own = metadata().with_jwks(JwkSet::register(&keys([&key])).unwrap());
    let h = harness(own.clone().with_userinfo_encryption(KeyAlg::EcdhEs, ContentEnc::A256Gcm));
    let tokens = h.tokens(&asking(), "alice");
    assert_eq!(tokens.id_claims()["sub"], "alice");
    assert_eq!(h.userinfo(&tokens.access_token).header("content-type"), Some("application/jwt"));
    let h = harness(own.with_id_token_encryption(KeyAlg::EcdhEs, ContentEnc::A256Gcm));
    let tokens = h.tokens(&asking(), "alice");
    assert!(Jwe::parse(tokens.id_token.as_deref().unwrap()).is_ok());
    assert_eq!(h.userinfo(&tokens.access_token).accepted().json()["sub"], "alice");
}

/// A client that asked for encryption gets no code where it would be left without, and never a plain token.
#[test]
fn where_encryption_is_off_the_request_is_returned() {
    let key = key_for(KeyAlg::EcdhEs);
    let all = sealed(&key, ContentEnc::A256Gcm);
    let h = Harness::builder().client(of(all.clone())).build();
    h.authorize(&asking()).returned(Reason::IdTokenEncryptionUnavailable);
    let mut userinfo = all;
    userinfo.id_token_encrypted_response_alg = None;
    userinfo.id_token_encrypted_response_enc = None;
    let h = Harness::builder().client(of(userinfo)).build();
    h.authorize(&asking()).returned(Reason::UserinfoEncryptionUnavailable);
    let bare = h.authorize(&asking().scope("email")).next(Some(&h.login("alice")));
    bare.waits();
}

/// What is taken off again while a token is out is noticed before anything plain goes out.
#[test]
fn a_client_that_registers_encryption_later_gets_no_plain_answer() {
    let h = Harness::builder().client(of(metadata())).build();
    let tokens = h.tokens(&asking(), "alice");
    h.store().insert_client(of(sealed(&key_for(KeyAlg::EcdhEs), ContentEnc::A256Gcm)));
    let refused = h.userinfo(&tokens.access_token);
    assert_eq!(refused.response.status(), 500);
    assert_eq!(refused.json()["error"], "server_error");
    let form = refresh_form("sealed", tokens.refresh_token());
    h.redeem(form).rejected(Reason::IdTokenEncryptionUnavailable).unchanged();
}

/// OpenID Connect Dynamic Client Registration 1.0 section 2: without `enc` it is A128CBC-HS256, which is a choice of the
/// host.
#[test]
fn the_128_bit_pair_is_for_those_who_turn_it_on() {
    let key = key_for(KeyAlg::EcdhEs);
    let mut unsaid = sealed(&key, ContentEnc::A256Gcm);
    unsaid.id_token_encrypted_response_enc = None;
    let h = harness(unsaid.clone());
    let tokens = h.tokens(&asking(), "alice");
    nested(&h, tokens.id_token.as_deref().unwrap(), &key, ContentEnc::A128CbcHs256);

    let strict = |metadata: ClientMetadata| {
        let on = |builder: vouchsafe::provider::ProviderBuilder| builder.with_encryption(Encryption::new());
        Harness::builder().client(of(metadata)).provider(on).build()
    };
    strict(unsaid).authorize(&asking()).returned(Reason::IdTokenEncryptionUnavailable);
    for enc in [ContentEnc::A128Gcm, ContentEnc::A128CbcHs256] {
        let h = strict(sealed(&key, enc));
        h.authorize(&asking()).returned(Reason::IdTokenEncryptionUnavailable);
    }
    let wrapped = sealed(&key_for(KeyAlg::EcdhEsA128Kw), ContentEnc::A256Gcm);
    strict(wrapped).authorize(&asking()).returned(Reason::IdTokenEncryptionUnavailable);
    for enc in DEFAULT_ENCS {
        strict(sealed(&key, enc)).authorize(&asking()).waits();
    }
}

#[test]
fn what_does_not_go_together_is_no_client() {
    let key = key_for(KeyAlg::EcdhEs);
    let own = || metadata().with_jwks(JwkSet::register(&keys([&key])).unwrap());
    let (alg, enc) = (KeyAlg::EcdhEs, ContentEnc::A256Gcm);
    let enc_alone = |change: fn(&mut ClientMetadata)| {
        let mut metadata = own();
        change(&mut metadata);
        metadata
    };
    for (member, set) in [
        ("id_token_encrypted_response_enc", enc_alone(|it| it.id_token_encrypted_response_enc = SOME_ENC)),
        ("userinfo_encrypted_response_enc", enc_alone(|it| it.userinfo_encrypted_response_enc = SOME_ENC)),
        ("request_object_encryption_enc", enc_alone(|it| it.request_object_encryption_enc = SOME_ENC)),
        ("jwks", metadata().with_id_token_encryption(alg, enc)),
        ("jwks", metadata().with_userinfo_encryption(alg, enc)),
        ("jwks", metadata().with_request_object_encryption(alg, enc)),
        ("jwks", own().with_id_token_encryption(KeyAlg::RsaOaep256, enc)),
        ("jwks", own().with_userinfo_encryption(KeyAlg::EcdhEsA256Kw, enc)),
    ] {
        assert_eq!(refused(set).member, member);
    }
}

/// OpenID Connect Core 1.0 section 2: what is encrypted was signed, since everybody can encrypt to a public key.
#[test]
fn none_and_encryption_do_not_go_together() {
    let key = key_for(KeyAlg::EcdhEs);
    let mut unsigned = sealed(&key, ContentEnc::A256Gcm).dangerous_with_unsigned_id_tokens();
    unsigned.response_types = vec![ResponseType::Code];
    assert_eq!(refused(unsigned).member, "id_token_encrypted_response_alg");
    let mut objects = metadata()
        .with_jwks(JwkSet::register(&keys([&key])).unwrap())
        .with_request_object_encryption(KeyAlg::EcdhEs, ContentEnc::A256Gcm);
    objects.request_object_signing_alg = Some(vouchsafe::client::RequestObjectAlg::None);
    assert_eq!(refused(objects).member, "request_object_encryption_alg");
}

#[test]
fn a_key_is_fetched_from_the_address_of_the_client() {
    let h = harness(remote());
    let key = key_for(KeyAlg::EcdhEs);
    h.serve(JWKS_URI, &keys([&key]));
    let visit = h.authorize(&asking());
    let fetched = EventKind::ClientKeysFetched { keys: 2, skipped: 0, exposed: 0 };
    assert!(visit.outcome.events.iter().any(|event| event.kind == fetched));
    let code = visit.approved_by("alice").code();
    let tokens = h.redeem(code_form(&asking(), &code)).issued();
    nested(&h, tokens.id_token.as_deref().unwrap(), &key, ContentEnc::A256Gcm);
    assert_eq!(h.http().take_requests().len(), 1);
}

/// attack 165: keys that lack a fitting one are fetched again, once in ten seconds, and no code is issued meanwhile.
#[test]
fn without_a_key_that_fits_the_request_is_returned_before_a_code_is_issued() {
    let h = harness(remote());
    h.serve(JWKS_URI, &keys([&key_for(KeyAlg::RsaOaep256)]));
    h.authorize(&asking()).returned(Reason::EncryptionKeyMissing);
    h.authorize(&asking().set("response_type", "id_token")).returned(Reason::EncryptionKeyMissing);
    assert_eq!(h.http().take_requests().len(), 1, "there was nothing newer yet");
    h.serve(JWKS_URI, &keys([&key_for(KeyAlg::RsaOaep256), &key_for(KeyAlg::EcdhEs)]));
    h.authorize(&asking()).returned(Reason::EncryptionKeyMissing);
    h.advance(Duration::from_secs(10));
    h.authorize(&asking()).waits();
    assert_eq!(h.http().take_requests().len(), 1);
}

/// The client's new key is used as soon as the old one is gone from the set that is kept.
#[test]
fn another_key_is_used_when_the_client_has_rotated() {
    let all = client_decryption_keys().keys();
    let of_alg = |key: &&vouchsafe::jose::DecryptionRingKey| key.key().algorithm() == KeyAlg::EcdhEs;
    let [first, next] = [0, 1].map(|n| Arc::clone(all.iter().filter(of_alg).nth(n).unwrap().key()));
    let h = harness(remote());
    h.serve(JWKS_URI, &keys([&first]));
    let token = || h.tokens(&asking(), "alice").id_token.unwrap();
    nested(&h, &token(), &first, ContentEnc::A256Gcm);
    h.serve(JWKS_URI, &keys([&next]));
    h.advance(Duration::from_secs(600));
    nested(&h, &token(), &next, ContentEnc::A256Gcm);
}

#[test]
fn keys_that_cannot_be_fetched_have_their_reasons() {
    let h = harness(remote());
    h.http().fail(JWKS_URI, HttpErrorKind::Unreachable);
    let landing = h.authorize(&asking()).returned(Reason::EncryptionKeysUnfetched);
    assert_eq!(landing.value("error"), "temporarily_unavailable");
    let client = of(remote());
    let store = vouchsafe::store::memory::MemoryStore::new();
    store.insert_client(client);
    let signing = vouchsafe::testing::keyring();
    let secrets = vouchsafe::secret::SystemSecrets::generate(h.entropy()).unwrap();
    let stores = vouchsafe::store::Stores::of(Arc::new(store));
    let accounts = Arc::new(vouchsafe::testing::AccountTable::default());
    let events = Arc::new(vouchsafe::testing::RecordedEvents::default());
    let config = h.provider().config().clone();
    let provider = vouchsafe::provider::Provider::builder(config, stores, signing, secrets)
        .accounts(accounts)
        .events(events.clone())
        .with_authorization_code()
        .with_encryption(Encryption::new())
        .build()
        .unwrap();
    let uri = format!("/authorize?{}", asking().encode());
    let request = http::Request::get(uri).body(bytes::Bytes::new()).unwrap();
    let _ = vouchsafe::testing::block_on(provider.handle(&request));
    assert_eq!(vouchsafe::testing::refusals(&events.take()), [Reason::EncryptionKeysNotFetched]);
}

#[test]
fn discovery_and_the_key_set_show_what_is_on() {
    let names = ["id_token", "userinfo", "request_object"]
        .map(|what| ["alg", "enc"].map(|kind| format!("{what}_encryption_{kind}_values_supported")));
    let off = Harness::builder().request_objects().build();
    for name in names.as_flattened() {
        assert_eq!(discovery(&off).get(name), None);
    }
    assert!(get(&off, "/jwks").to_string().contains("sig"));
    assert!(!get(&off, "/jwks").to_string().contains(r#""enc""#));

    let responses =
        |builder: vouchsafe::provider::ProviderBuilder| builder.with_encryption(Encryption::new());
    let h = Harness::builder().request_objects().provider(responses).build();
    for [alg, enc] in &names[..2] {
        assert_eq!(discovery(&h)[alg], json!(["ECDH-ES", "ECDH-ES+A256KW", "RSA-OAEP-256"]));
        assert_eq!(discovery(&h)[enc], json!(["A256GCM", "A256CBC-HS512"]));
    }
    assert_eq!(discovery(&h).get(&names[2][0]), None, "there is no key to encrypt to");

    let h = Harness::builder().request_objects().encryption().build();
    let all = json!(["ECDH-ES", "ECDH-ES+A256KW", "RSA-OAEP-256", "ECDH-ES+A128KW"]);
    assert_eq!(discovery(&h)[&names[0][0]], all);
    let of_keys = json!(["RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW", "ECDH-ES+A128KW"]);
    assert_eq!(discovery(&h)[&names[2][0]], of_keys);
    let encs = json!(["A256GCM", "A256CBC-HS512", "A128GCM", "A128CBC-HS256"]);
    assert_eq!(discovery(&h)[&names[2][1]], encs);
    let h = Harness::builder().encryption().build();
    assert_eq!(discovery(&h).get(&names[2][0]), None, "no request object is taken");
}

/// The public halves are shown and nothing else of them, and a key that is rotated is in the set at once.
#[test]
fn the_keys_to_encrypt_to_are_in_the_key_set_and_rotate() {
    let ring = decryption_keys();
    let encryption = Encryption::new().with_decryption_keys(ring.clone());
    let h = Harness::builder().provider(|builder| builder.with_encryption(encryption)).build();
    let shown = || -> Vec<Value> {
        let set = get(&h, "/jwks");
        let for_encryption = |key: &&Value| key["use"] == "enc";
        set["keys"].as_array().unwrap().iter().filter(for_encryption).cloned().collect()
    };
    let kids = |keys: &[Value]| keys.iter().map(|key| key["kid"].clone()).collect::<Vec<_>>();
    let before = shown();
    assert_eq!(before.len(), 5, "ECDH-ES+A128KW is off, and so are its keys");
    for key in &before {
        assert!(key["alg"].is_string() && key["kid"].is_string());
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert_eq!(key.get(private), None);
        }
    }
    assert_eq!(get(&h, "/jwks")["keys"].as_array().unwrap().len(), 5 + 2);
    let next = Arc::new(DecryptionKey::generate(KeyAlg::EcdhEs).unwrap());
    ring.rotate(Arc::clone(&next)).unwrap();
    let after = kids(&shown());
    assert!(after.contains(&json!(next.public_key().kid().unwrap().as_str())));
    assert_eq!(after.len(), 4, "both others for ECDH-ES are retired");
    let signing = h.provider().keyring();
    signing
        .rotate(Arc::new(vouchsafe::jose::JoseSigner::generate(SigningAlg::Es256).unwrap()), h.now())
        .unwrap();
    assert_eq!(get(&h, "/jwks")["keys"].as_array().unwrap().len(), 4 + 3);
}

/// A client that registers itself hears at once of what is not on.
#[test]
fn what_is_not_on_cannot_be_registered() {
    let own = keys([&key_for(KeyAlg::EcdhEs)]);
    let asks = |mut members: Value| {
        members["jwks"] = own.clone();
        with(members)
    };
    let open = || Harness::builder().provider(|builder| builder.with_registration(Registration::open()));
    let all = json!({
        "id_token_encrypted_response_alg": "ECDH-ES",
        "userinfo_encrypted_response_alg": "ECDH-ES",
        "userinfo_encrypted_response_enc": "A256GCM",
        "request_object_encryption_alg": "RSA-OAEP-256",
        "request_object_encryption_enc": "A256CBC-HS512",
    });
    let h = open().encryption().build();
    let told = register(&h, &asks(all.clone())).accepted().json();
    assert_eq!(told["id_token_encrypted_response_enc"], "A128CBC-HS256", "the default is told");
    for (name, value) in all.as_object().unwrap() {
        assert_eq!(&told[name], value, "{name}");
    }
    let strict = Encryption::new().with_decryption_keys(decryption_keys());
    let strict = open().provider(|builder| builder.with_encryption(strict)).build();
    let keyless = open().provider(|builder| builder.with_encryption(Encryption::new())).build();
    let off = open().build();
    for (h, members) in [
        (
            &off,
            json!({ "id_token_encrypted_response_alg": "ECDH-ES", "id_token_encrypted_response_enc": "A256GCM" }),
        ),
        (&strict, json!({ "id_token_encrypted_response_alg": "ECDH-ES" })),
        (
            &strict,
            json!({ "userinfo_encrypted_response_alg": "ECDH-ES", "userinfo_encrypted_response_enc": "A128GCM" }),
        ),
        (
            &keyless,
            json!({ "request_object_encryption_alg": "ECDH-ES", "request_object_encryption_enc": "A256GCM" }),
        ),
        (&h, json!({ "id_token_encrypted_response_enc": "A256GCM" })),
        (&h, json!({ "request_object_encryption_enc": "A256GCM" })),
        (&h, json!({ "id_token_encrypted_response_alg": "RSA1_5" })),
        (
            &h,
            json!({ "userinfo_encrypted_response_alg": "ECDH-ES", "userinfo_encrypted_response_enc": "A192GCM" }),
        ),
        (&h, json!({ "userinfo_encrypted_response_alg": ["ECDH-ES"] })),
    ] {
        register(h, &asks(members)).rejected(Reason::MetadataEncryption).unchanged();
    }
    let keyless = json!({ "id_token_encrypted_response_alg": "ECDH-ES" });
    register(&h, &with(keyless)).rejected(Reason::MetadataJwks).unchanged();
}
