use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::request_object;

/// What may stand inside, near the border of a rule.
fn claim() -> impl Strategy<Value = (String, Value)> {
    let names = vec![
        "client_id",
        "redirect_uri",
        "response_type",
        "response_mode",
        "scope",
        "state",
        "nonce",
        "max_age",
        "claims",
        "prompt",
        "resource",
        "request",
        "request_uri",
        "iss",
        "aud",
        "sub",
        "exp",
        "nbf",
        "login_hint",
        "x",
    ];
    let values = vec![
        json!("unsigned"),
        json!("https://unsigned.example/cb"),
        json!("https://evil.example/"),
        json!("code"),
        json!("token"),
        json!("openid"),
        json!("openid write admin"),
        json!(""),
        json!("a\u{0}b"),
        json!(7),
        json!(1.5),
        json!(true),
        json!(null),
        json!([]),
        json!(["https://files.example"]),
        json!({}),
        json!("https://op.example"),
        json!("query"),
        json!("fragment"),
        json!("none"),
        json!({ "userinfo": { "name": null } }),
    ];
    (prop::sample::select(names).prop_map(str::to_owned), prop::sample::select(values))
}

proptest! {
    /// attack 81 by chance, and what else may stand inside and beside
    #[test]
    fn objects(
        changes in prop::collection::vec(claim(), 0..4),
        dropped in prop::option::of(prop::sample::select(&["redirect_uri", "response_type", "scope", "nonce", "state"][..])),
        beside in prop::collection::vec(prop::sample::select(&[
            "&response_type=code", "&redirect_uri=https%3A%2F%2Funsigned.example%2Fcb", "&redirect_uri=https%3A%2F%2Fevil.example%2F",
            "&state=outer", "&scope=openid+write", "&nonce=outer", "&prompt=none", "&request_uri=x", "&client_id=web",
        ][..]), 0..4),
    ) {
        let sound = json!({
            "client_id": "unsigned",
            "response_type": "code",
            "redirect_uri": "https://unsigned.example/cb",
            "scope": "openid profile",
            "state": "inner",
            "nonce": "n",
            "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            "code_challenge_method": "S256",
        });
        let mut claims: Map<String, Value> = sound.as_object().cloned().unwrap_or_default();
        claims.extend(changes);
        claims.retain(|name, _| dropped != Some(name.as_str()));
        let query = format!("client_id=unsigned{}", beside.concat());
        request_object(format!("{query}\n{}", Value::Object(claims)).as_bytes());
    }
}
