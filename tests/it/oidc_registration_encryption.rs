//! OpenID Connect Dynamic Client Registration 1.0 section 2 and Discovery 1.0 section 3: what of encryption
//! is registered, and what is told of it.

use std::sync::Arc;

use serde_json::{Value, json};
use vouchsafe::client::{Client, ClientMetadata, InvalidClient, RequestObjectAlg};
use vouchsafe::error::Reason;
use vouchsafe::jose::{
    ContentEnc, DecryptionKey, DecryptionKeyState, DecryptionKeys, DecryptionRingKey, JoseSigner, JwkSet,
    KeyAlg, SigningAlg,
};
use vouchsafe::provider::{BuildError, Encryption, Provider, ProviderBuilder, Registration};
use vouchsafe::secret::Secret;
use vouchsafe::store::Stores;
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::testing::{Harness, decryption_keys, keyring};
use vouchsafe::types::{ClientId, ResponseType};

use crate::oidc_core_encryption::{asking, harness, key_for, keys, metadata, nested, of, sealed};
use crate::rfc7591_registration::{register, send, with};

const SOME_ENC: Option<ContentEnc> = Some(ContentEnc::A256Gcm);

const DEFAULT_ENCS: [ContentEnc; 2] = [ContentEnc::A256Gcm, ContentEnc::A256CbcHs512];

fn refused(metadata: ClientMetadata) -> InvalidClient {
    Client::builder(ClientId::new("sealed").unwrap(), metadata).build().unwrap_err()
}

fn discovery(h: &Harness) -> Value {
    get(h, "/.well-known/openid-configuration")
}

fn get(h: &Harness, path: &str) -> Value {
    h.answer(http::Request::get(path).body(bytes::Bytes::new()).unwrap()).accepted().json()
}

/// OpenID Connect Dynamic Client Registration 1.0 section 2: without `enc` it is A128CBC-HS256, which is a
/// choice of the host.
#[test]
fn the_128_bit_pair_is_for_those_who_turn_it_on() {
    let key = key_for(KeyAlg::EcdhEs);
    let mut unsaid = sealed(&key, ContentEnc::A256Gcm);
    unsaid.id_token_encrypted_response_enc = None;
    let h = harness(unsaid.clone());
    let tokens = h.tokens(&asking(), "alice");
    nested(&h, tokens.id_token.as_deref().unwrap(), &key, ContentEnc::A128CbcHs256);

    let strict = |metadata: ClientMetadata| {
        let on = |builder: ProviderBuilder| builder.with_encryption(Encryption::new());
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

/// OpenID Connect Core 1.0 section 2: what is encrypted was signed, since everybody can encrypt to a public
/// key.
#[test]
fn none_and_encryption_do_not_go_together() {
    let key = key_for(KeyAlg::EcdhEs);
    let mut unsigned = sealed(&key, ContentEnc::A256Gcm).dangerous_with_unsigned_id_tokens();
    unsigned.response_types = vec![ResponseType::Code];
    assert_eq!(refused(unsigned).member, "id_token_encrypted_response_alg");
    let mut objects = metadata()
        .with_jwks(JwkSet::register(&keys([&key])).unwrap())
        .with_request_object_encryption(KeyAlg::EcdhEs, ContentEnc::A256Gcm);
    objects.request_object_signing_alg = Some(RequestObjectAlg::None);
    assert_eq!(refused(objects).member, "request_object_encryption_alg");
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

    let responses = |builder: ProviderBuilder| builder.with_encryption(Encryption::new());
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
    signing.rotate(Arc::new(JoseSigner::generate(SigningAlg::Es256).unwrap()), h.now()).unwrap();
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
        "authorization_encrypted_response_alg": "ECDH-ES",
        "authorization_encrypted_response_enc": "A128GCM",
        "introspection_encrypted_response_alg": "ECDH-ES",
    });
    let jwts = |builder: ProviderBuilder| builder.with_jarm().with_introspection_jwt();
    let h = open().encryption().provider(jwts).build();
    let told = register(&h, &asks(all.clone())).accepted().json();
    assert_eq!(told["id_token_encrypted_response_enc"], "A128CBC-HS256", "the default is told");
    for (name, value) in all.as_object().unwrap() {
        assert_eq!(&told[name], value, "{name}");
    }
    assert_eq!(told["introspection_encrypted_response_enc"], "A128CBC-HS256");
    let plain = open().encryption().build();
    let strict = Encryption::new().with_decryption_keys(decryption_keys());
    let strict = open().provider(move |builder| jwts(builder).with_encryption(strict)).build();
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
        (&plain, json!({ "authorization_encrypted_response_alg": "ECDH-ES" })),
        (&plain, json!({ "introspection_encrypted_response_alg": "ECDH-ES" })),
        (&strict, json!({ "introspection_encrypted_response_alg": "ECDH-ES" })),
        (&h, json!({ "introspection_encrypted_response_alg": "RSA1_5" })),
        (&h, json!({ "introspection_encrypted_response_enc": "A256GCM" })),
        (&h, json!({ "authorization_encrypted_response_enc": "A192GCM" })),
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
    let (uri, token) = (&told["registration_client_uri"], &told["registration_access_token"]);
    let mut update = asks(json!({ "id_token_encrypted_response_alg": "RSA1_5" }));
    update["client_id"] = told["client_id"].clone();
    let updated = send(&h, "PUT", uri.as_str().unwrap(), token.as_str(), update.to_string());
    updated.rejected(Reason::MetadataEncryption).unchanged();
    let keyless = json!({ "id_token_encrypted_response_alg": "ECDH-ES" });
    register(&h, &with(keyless)).rejected(Reason::MetadataJwks).unchanged();
}

/// OpenID Connect Discovery 1.0 section 3: a key is for one purpose, and has a name of its own.
#[test]
fn one_key_does_not_sign_and_decrypt() {
    let signing = keyring();
    let rsa = signing.signer(SigningAlg::Rs256).unwrap();
    let decrypts = DecryptionKey::from_jwk(&bare(&rsa.private_jwk().unwrap()), KeyAlg::RsaOaep256).unwrap();
    let published = DecryptionRingKey::new(Arc::new(decrypts), DecryptionKeyState::Published);
    let encryption = Encryption::new().with_decryption_keys(DecryptionKeys::new(vec![published]).unwrap());
    let h = Harness::new();
    let stores = Stores::of(Arc::new(MemoryStore::new()));
    let secrets = h.system_secrets().clone();
    let builder = Provider::builder(h.provider().config().clone(), stores, signing, secrets);
    let refused = builder.with_encryption(encryption).build().unwrap_err();
    assert!(matches!(refused, BuildError::Twice { name } if name.starts_with("the key ")));
}

/// A private JWK without what it is for.
fn bare(jwk: &Secret) -> Secret {
    let mut members: Value = serde_json::from_str(jwk.expose()).unwrap();
    for name in ["use", "alg", "key_ops"] {
        members.as_object_mut().unwrap().remove(name);
    }
    Secret::new(members.to_string())
}
