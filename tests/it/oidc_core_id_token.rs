//! OpenID Connect Core 1.0 sections 2, 3.1.2.1, 3.1.3.3, 3.1.3.6 and 5.4: ID tokens, and as hints.

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use vouchsafe::client::{Client, ClientAuthMethod, ClientMetadata};
use vouchsafe::error::{BoxError, Reason};
use vouchsafe::jose::{self, Jws, SigningAlg, SigningHeader};
use vouchsafe::provider::{ClaimsHook, LoginNeed, Needs};
use vouchsafe::testing::{Harness, authorize_form, block_on, client_key, code_form, token_form};
use vouchsafe::types::{Authentication, Claims, ClientId, RedirectUri};

#[test]
fn an_id_token_says_who_signed_in_when_and_how() {
    let h = Harness::new();
    let login = h.login("alice").with_acr("gold");
    let form = authorize_form().client("trusted").scope("openid profile");
    let code = h.authorize(&form).next(Some(&login)).code();
    let tokens = h.redeem(code_form(&form, &code)).issued();
    let claims = tokens.id_claims();
    let half = &Sha256::digest(tokens.access_token.as_bytes())[..16];
    let expected = json!({
        "iss": "https://op.example",
        "sub": "alice",
        "aud": "trusted",
        "azp": "trusted",
        "exp": h.now().unix() + 3600,
        "iat": h.now().unix(),
        "auth_time": login.auth_time.unix(),
        "nonce": "n-0S6_WzA2Mj",
        "acr": "gold",
        "amr": ["pwd"],
        "at_hash": BASE64_URL_SAFE_NO_PAD.encode(half),
        "sid": claims["sid"],
    });
    assert_eq!(claims, expected, "the claims of the scope come from userinfo");
}

#[test]
fn without_openid_there_is_no_id_token_and_without_nonce_none_is_in_it() {
    let h = Harness::new();
    assert_eq!(h.tokens(&authorize_form().scope("read"), "alice").id_token, None);
    assert!(h.tokens(&authorize_form().without("nonce"), "alice").id_claims().get("nonce").is_none());
}

/// The `sid` is the same for one client and session, and tells clients apart.
#[test]
fn a_sid_is_of_one_client_and_one_session() {
    let h = Harness::new();
    let sid = |client: &str, subject: &str| {
        let claims = h.tokens(&authorize_form().client(client), subject).id_claims();
        claims["sid"].as_str().unwrap().to_owned()
    };
    let web = sid("web", "alice");
    assert_eq!(sid("web", "alice"), web);
    assert_ne!(sid("post", "alice"), web);
    h.accounts().insert(vouchsafe::types::Subject::new("bob").unwrap(), Claims::new());
    assert_ne!(sid("web", "bob"), web);
    assert!(!web.contains("session"));
}

#[test]
fn a_client_gets_the_algorithm_that_it_registered() {
    for alg in [SigningAlg::Rs256, SigningAlg::Ps256, SigningAlg::Es256, SigningAlg::EdDsa] {
        let uri = RedirectUri::register("https://picky.example/cb").unwrap();
        let metadata =
            ClientMetadata::code_flow([uri]).with_auth_method(ClientAuthMethod::None).with_id_token_alg(alg);
        let client = Client::builder(ClientId::new("picky").unwrap(), metadata).build().unwrap();
        let h = Harness::builder().client(client).build();
        if h.provider().keyring().signer(alg).is_none() {
            h.provider()
                .keyring()
                .rotate(std::sync::Arc::new(jose::JoseSigner::generate(alg).unwrap()), h.now())
                .unwrap();
        }
        let id_token = h.tokens(&authorize_form().client("picky"), "alice").id_token.unwrap();
        let jws = Jws::parse(&id_token).unwrap();
        assert_eq!(jws.header().alg(), Some(alg));
        assert!(jws.header().kid().is_some());
        assert!(h.provider().keyring().verify(&jws).is_ok());
    }
}

/// A `kid` leads to one key, which is for this algorithm and for signatures.
#[test]
fn the_kid_of_an_id_token_names_one_key_of_the_key_set() {
    let h = Harness::new();
    let request = http::Request::get("/jwks").body(bytes::Bytes::new()).unwrap();
    let keys = h.answer(request).accepted().json();
    let keys = keys["keys"].as_array().unwrap();
    let kids: std::collections::BTreeSet<_> = keys.iter().map(|key| key["kid"].as_str().unwrap()).collect();
    assert_eq!(kids.len(), keys.len(), "every key has a name of its own");
    let id_token = h.tokens(&authorize_form(), "alice").id_token.unwrap();
    let jws = Jws::parse(&id_token).unwrap();
    let named: Vec<_> = keys.iter().filter(|key| key["kid"] == jws.header().kid().unwrap()).collect();
    let [key] = named.as_slice() else { panic!("{keys:?}") };
    assert_eq!((&key["kty"], &key["use"], &key["alg"]), (&json!("RSA"), &json!("sig"), &json!("RS256")));
    assert_eq!(jws.header().alg_name(), "RS256", "the default of those who register none");
}

#[derive(Debug)]
struct Adds;

#[async_trait]
impl ClaimsHook for Adds {
    async fn id_token(&self, _: &ClientId, _: &Authentication) -> Result<Claims, BoxError> {
        let reserved = [
            "iss",
            "sub",
            "aud",
            "exp",
            "iat",
            "nonce",
            "auth_time",
            "azp",
            "sid",
            "acr",
            "at_hash",
            "jti",
            "nbf",
        ];
        Ok(reserved
            .into_iter()
            .fold(Claims::new().with("tenant", 7), |claims, name| claims.with(name, "evil")))
    }
}

#[test]
fn a_hook_adds_claims_and_replaces_none_of_the_protocol() {
    let h = Harness::builder().provider(|builder| builder.claims_hook(std::sync::Arc::new(Adds))).build();
    let claims = h.tokens(&authorize_form(), "alice").id_claims();
    assert_eq!(claims["tenant"], 7);
    assert!(claims.as_object().unwrap().values().all(|value| value != "evil"), "{claims}");
}

/// attack 39: a hint of our own, though it has expired, names a person; nothing else does, and nobody is signed in.
#[test]
fn a_hint_names_a_person_and_signs_nobody_in() {
    let h = Harness::new();
    let hint = h.tokens(&authorize_form(), "alice").id_token.unwrap();
    h.advance(Duration::from_secs(30 * 24 * 60 * 60));
    let _ = h.authorize(&authorize_form()).remembered_by("alice");
    let form = authorize_form().set("id_token_hint", hint);
    let silent = form.clone().prompt("none");
    h.authorize(&silent).next(None).returned(Reason::LoginNeeded);
    h.authorize(&silent).next(Some(&h.login("bob"))).returned(Reason::LoginOtherSubject);
    assert!(h.authorize(&silent).next(Some(&h.login("alice"))).code().starts_with("vs_ac_"));
    let visit = h.authorize(&form).next(Some(&h.login("bob")));
    assert_eq!(visit.needs(), &Needs::Login(LoginNeed::OtherSubject));
}

/// attack 39: another issuer, no algorithm, another client: no hint at all.
#[test]
fn a_hint_of_anyone_else_says_nothing() {
    let h = Harness::new();
    let claims = json!({"iss": "https://op.example", "sub": "alice", "aud": "web", "iat": 0, "exp": 1});
    let forged =
        block_on(jose::sign(&SigningHeader::new(), claims.to_string().as_bytes(), &*client_key())).unwrap();
    let unsigned = format!(
        "{}.{}.",
        BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#),
        BASE64_URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let of_another_client = h.tokens(&authorize_form().client("post"), "alice").id_token.unwrap();
    let access_token = h.tokens(&authorize_form(), "alice").access_token;
    let _ = h.authorize(&authorize_form()).remembered_by("bob");
    for hint in [forged, unsigned, of_another_client, access_token, "x".to_owned(), "x".repeat(20_000)] {
        let form = authorize_form().set("id_token_hint", hint);
        for login in [None, Some(h.login("bob"))] {
            let silent = h.authorize(&form.clone().prompt("none")).next(login.as_ref());
            let landing = silent.returned(Reason::IdTokenHintInvalid);
            assert_eq!(landing.params.one("error"), Ok(Some("login_required")));
        }
        assert_eq!(h.authorize(&form).next(None).needs(), &Needs::Login(LoginNeed::Absent));
        assert!(h.authorize(&form).next(Some(&h.login("bob"))).code().starts_with("vs_ac_"));
    }
}

/// attack 53: a client named like a person is not taken for that person.
#[test]
fn a_client_is_never_the_person_of_its_name() {
    let service =
        ClientMetadata::service().with_scope(vouchsafe::types::Scope::parse("read openid").unwrap());
    let named = Client::builder(ClientId::new("alice").unwrap(), service);
    let h = Harness::builder().confidential(named).build();
    let tokens = h.redeem(token_form("client_credentials").client("alice").scope("read openid")).issued();
    assert_eq!(tokens.id_token, None);
    assert_eq!(h.introspect("alice", &tokens.access_token).json()["sub"], "client:alice");
    let _ = h.userinfo(&tokens.access_token).challenged(Reason::AccessTokenScope);
}
