//! OpenID Connect Core 1.0 sections 2, 5.3.2, 10.2 and 16.14: ID tokens and userinfo responses that are
//! encrypted.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use vouchsafe::client::{Client, ClientAuthMethod, ClientMetadata};
use vouchsafe::error::Reason;
use vouchsafe::event::EventKind;
use vouchsafe::jose::{
    ContentEnc, DecryptionKey, DecryptionRingKey, JoseError, Jwe, JwkSet, Jws, KeyAlg, SigningAlg,
};
use vouchsafe::provider::{Encryption, Provider};
use vouchsafe::secret::SystemSecrets;
use vouchsafe::store::Stores;
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::testing::{
    AccountTable, AuthorizeForm, Form, Harness, OneLogin, RecordedEvents, authorize_form, block_on,
    client_decryption_keys, client_key, code_form, decrypted, keyring, refresh_form, refusals,
};
use vouchsafe::types::{ClientId, FetchUrl, GrantType, Params, RedirectUri, ResponseType, Scope};
use vouchsafe::wire::HttpErrorKind;

const JWKS_URI: &str = "https://sealed.example/jwks";

pub(crate) fn metadata() -> ClientMetadata {
    let uri = RedirectUri::register("https://sealed.example/cb").unwrap();
    ClientMetadata::code_flow([uri])
        .with_auth_method(ClientAuthMethod::None)
        .with_scope(Scope::parse("openid email offline_access").unwrap())
        .with_grant_type(GrantType::RefreshToken)
        .with_response_type(ResponseType::CodeIdToken)
        .with_response_type(ResponseType::IdToken)
}

pub(crate) fn keys<'a>(keys: impl IntoIterator<Item = &'a Arc<DecryptionKey>>) -> Value {
    let keys = keys.into_iter().map(|key| key.public_key().to_value());
    // The key that the client signs with is first, and is never encrypted to.
    let all: Vec<_> = std::iter::once(client_key().public_key().to_value()).chain(keys).collect();
    json!({ "keys": all })
}

pub(crate) fn of(metadata: ClientMetadata) -> Client {
    Client::builder(ClientId::new("sealed").unwrap(), metadata).build().unwrap()
}

/// A client of this key, which wants everything encrypted to it.
pub(crate) fn sealed(key: &Arc<DecryptionKey>, enc: ContentEnc) -> ClientMetadata {
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

pub(crate) fn key_for(alg: KeyAlg) -> Arc<DecryptionKey> {
    let all = client_decryption_keys().keys();
    Arc::clone(all.iter().find(|key| key.key().algorithm() == alg).unwrap().key())
}

pub(crate) fn harness(metadata: ClientMetadata) -> Harness {
    Harness::builder().front_channel().encryption().client(of(metadata)).build()
}

pub(crate) fn asking() -> AuthorizeForm {
    authorize_form().client("sealed").scope("openid email offline_access")
}

/// The verified claims inside of a nested token that was encrypted to `key`.
#[track_caller]
pub(crate) fn nested(h: &Harness, token: &str, key: &DecryptionKey, enc: ContentEnc) -> Value {
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

/// attack 165: keys that lack a fitting one are fetched again, once in ten seconds, and no code is issued
/// meanwhile.
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
    let of_alg = |key: &&DecryptionRingKey| key.key().algorithm() == KeyAlg::EcdhEs;
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
    let store = MemoryStore::new();
    store.insert_client(client);
    let signing = keyring();
    let secrets = SystemSecrets::generate(h.entropy()).unwrap();
    let stores = Stores::of(Arc::new(store));
    let accounts = Arc::new(AccountTable::default());
    let events = Arc::new(RecordedEvents::default());
    let config = h.provider().config().clone();
    let provider = Provider::builder(config, stores, signing, secrets)
        .accounts(accounts)
        .events(events.clone())
        .with_authorization_code()
        .with_encryption(Encryption::new())
        .build()
        .unwrap();
    let uri = format!("/authorize?{}", asking().encode());
    let request = http::Request::get(uri).body(bytes::Bytes::new()).unwrap();
    let _ = block_on(provider.handle(&request));
    assert_eq!(refusals(&events.take()), [Reason::EncryptionKeysNotFetched]);
}

/// OpenID Connect Back-Channel Logout 1.0 sections 2.4 and 2.6: a client whose ID tokens are encrypted may
/// refuse a logout token that is not.
#[test]
fn a_logout_token_is_encrypted_like_an_id_token() {
    let (key, enc) = (key_for(KeyAlg::EcdhEs), ContentEnc::A256Gcm);
    let uri = "https://sealed.example/backchannel";
    let h = harness(sealed(&key, enc).with_backchannel_logout_uri(FetchUrl::parse(uri).unwrap()));
    h.http().answer(uri, http::Response::new(bytes::Bytes::new()));
    let _ = h.tokens(&asking(), "alice");
    let host = OneLogin::of(h.login("alice"));
    let page = h.log_out(&Form::new(), &host);
    let _ = h.confirm_logout(&page, &host);
    h.runtime().run();
    let posted = h.http().take_requests();
    let params = Params::parse(posted[0].body()).unwrap();
    let claims = nested(&h, params.one("logout_token").unwrap().unwrap(), &key, enc);
    assert_eq!((&claims["sub"], &claims["aud"]), (&json!("alice"), &json!("sealed")));
    assert!(claims["events"].is_object());
}
