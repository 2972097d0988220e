//! `examples/several_issuers` as a program: issuers that share a listener and nothing else.

use reqwest::StatusCode;
use serde_json::Value;

use crate::running::{Browser, Server};

const CALLBACK: &str = "https://app.example/callback";

/// From RFC 7636 appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

async fn json(url: &str) -> Value {
    let answer = Browser::new().open(url).await;
    assert_eq!(answer.status, StatusCode::OK, "{url}");
    serde_json::from_str(&answer.body).unwrap()
}

async fn code_of(issuer: &str) -> String {
    let asked = format!(
        "{issuer}/authorize?client_id=my-app&response_type=code&redirect_uri={CALLBACK}&scope=openid\
         &code_challenge_method=S256&code_challenge={CHALLENGE}"
    );
    let answer = Browser::new().open(&asked).await;
    assert_eq!(answer.sent_back("iss").as_deref(), Some(issuer));
    answer.sent_back("code").unwrap()
}

async fn redeem(issuer: &str, code: &str) -> Value {
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "my-app"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let answer = Browser::new().post(&format!("{issuer}/token"), &form, &[]).await;
    serde_json::from_str(&answer.body).unwrap()
}

#[tokio::test]
async fn each_issuer_has_metadata_and_keys_of_its_own() {
    let server = Server::start("several_issuers", &["127.0.0.1:0"]);
    let mut kids = Vec::new();
    for customer in ["bakery", "library", "museum"] {
        let issuer = server.at(&format!("/{customer}"));
        let metadata = json(&format!("{issuer}/.well-known/openid-configuration")).await;
        assert_eq!(metadata["issuer"], issuer);
        assert_eq!(metadata["token_endpoint"], format!("{issuer}/token"));
        let other = server.at(&format!("/.well-known/oauth-authorization-server/{customer}"));
        assert_eq!(json(&other).await, metadata);
        kids.push(json(&format!("{issuer}/jwks")).await["keys"][0]["kid"].clone());
    }
    kids.sort_unstable_by_key(Value::to_string);
    kids.dedup();
    assert_eq!(kids.len(), 3);
    let nobody = Browser::new().open(&server.at("/.well-known/openid-configuration")).await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
}

/// What one issuer gave counts at no other, although their clients have one name.
#[tokio::test]
async fn codes_and_tokens_of_one_issuer_are_nothing_to_another() {
    let server = Server::start("several_issuers", &["127.0.0.1:0"]);
    let (bakery, museum) = (server.at("/bakery"), server.at("/museum"));
    let code = code_of(&bakery).await;
    assert_eq!(redeem(&museum, &code).await["error"], "invalid_grant");
    let tokens = redeem(&bakery, &code).await;
    let userinfo = async |issuer: &str| {
        let token = tokens["access_token"].as_str().unwrap();
        let request = reqwest::Client::new().get(format!("{issuer}/userinfo")).bearer_auth(token);
        request.send().await.unwrap()
    };
    assert_eq!(userinfo(&museum).await.status(), StatusCode::UNAUTHORIZED);
    let person: Value = userinfo(&bakery).await.json().await.unwrap();
    assert_eq!(person["sub"], "alice-of-the-bakery");
}
