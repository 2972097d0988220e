//! What the one who runs `examples/provider` may ask of it, by `--admin-listen`.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::running::{Browser, Server, refusal, signing_keys};

/// A server on keys of the run, and where it takes calls.
fn server(flags: &[&str]) -> (Server, String) {
    let own = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    let mut server = Server::start("provider", &[&own, flags].concat());
    let admin = server.prints("admin listening on ");
    (server, admin)
}

async fn call(admin: &str, path: &str) -> Value {
    let answer = Browser::new().post(&format!("{admin}{path}"), &[], &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

async fn published(server: &Server) -> Vec<Value> {
    let set = Browser::new().open(&server.at("/jwks")).await.body;
    let set: Value = serde_json::from_str(&set).unwrap();
    set["keys"].as_array().unwrap().clone()
}

/// Conformance: another `kid` and another key, and the old ones are still listed.
#[tokio::test]
async fn a_call_lets_new_keys_sign_and_keeps_the_old_ones_listed() {
    let (server, admin) = server(&[]);
    let before = published(&server).await;
    let answer = call(&admin, "/admin/rotate-keys").await;
    let after = published(&server).await;
    assert_eq!(after[..before.len()], before);
    let new = &after[before.len()..];
    let kids: Vec<_> = new.iter().map(|key| key["kid"].clone()).collect();
    assert_eq!((kids.len(), answer), (4, json!({ "kids": kids })));
    for key in new {
        for member in ["kid", "n", "x"].iter().filter(|member| !key[**member].is_null()) {
            assert!(before.iter().all(|old| old[*member] != key[*member]), "{member} is new: {key}");
        }
    }
}

/// A page of any site that a browser on this machine shows can post to loopback addresses, and a name that changes its
/// address could even read the answer.
#[tokio::test]
async fn a_call_of_a_browser_is_refused() {
    let (server, admin) = server(&["--keys", signing_keys(), "--registration", "token"]);
    let before = published(&server).await;
    for path in ["/admin/rotate-keys", "/admin/initial-access-token"] {
        let address = format!("{admin}{path}");
        for header in [("origin", "null"), ("origin", admin.as_str()), ("sec-fetch-site", "none")] {
            let refused = Browser::new().post(&address, &[], &[header]).await;
            assert_eq!((refused.status, refused.body.as_str()), (StatusCode::FORBIDDEN, ""), "{header:?}");
        }
        assert_eq!(Browser::new().open(&address).await.status, StatusCode::METHOD_NOT_ALLOWED);
        let public = Browser::new().post(&server.at(path), &[], &[]).await;
        assert_eq!(public.status, StatusCode::NOT_FOUND, "the listener of everybody has no such call");
    }
    assert_eq!(published(&server).await, before);
}

#[tokio::test]
async fn a_token_of_the_admin_listener_registers_one_client() {
    let (server, admin) = server(&["--keys", signing_keys(), "--registration", "token"]);
    let register = async |token: Option<&str>| {
        let request = reqwest::Client::new().post(server.at("/register"));
        let request = token.iter().fold(request, |request, token| request.bearer_auth(token));
        let client = json!({ "redirect_uris": ["https://client.example/callback"] });
        request.json(&client).send().await.unwrap().status()
    };
    assert_eq!(register(None).await, StatusCode::UNAUTHORIZED);
    let answer = call(&admin, "/admin/initial-access-token").await;
    assert_eq!(answer["expires_in"], 3600);
    let token = answer["initial_access_token"].as_str();
    assert!(token.is_some());
    assert_eq!(register(token).await, StatusCode::CREATED);
    assert_eq!(register(token).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn where_nobody_registers_by_token_there_are_no_tokens() {
    let (_server, admin) = server(&["--keys", signing_keys(), "--registration", "open"]);
    let answer = Browser::new().post(&format!("{admin}/admin/initial-access-token"), &[], &[]).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[cfg(unix)]
#[tokio::test]
async fn it_ends_cleanly_with_both_listeners() {
    let (server, admin) = server(&["--keys", signing_keys()]);
    let browser = Browser::new();
    assert_eq!(browser.open(&server.at("/healthz")).await.status, StatusCode::OK);
    assert_eq!(
        browser.open(&format!("{admin}/admin/rotate-keys")).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    assert_eq!(server.signal("TERM").code(), Some(0));
}

#[test]
fn flags_that_would_let_strangers_administrate_are_refused() {
    let own = ["--listen", "127.0.0.1:0", "--keys", signing_keys()];
    let refused = refusal("provider", &[&own[..], &["--admin-listen", "0.0.0.0:0"]].concat());
    assert!(refused.contains("--admin-listen 0.0.0.0:0 is no loopback address"), "{refused}");
    let refused = refusal("provider", &[&own[..], &["--registration", "token"]].concat());
    assert!(refused.contains("--admin-listen"), "{refused}");
    let flags = ["--admin-listen", "0.0.0.0:0", "--dangerous-admin-beyond-loopback"];
    let mut server = Server::start("provider", &[&own[..], &flags].concat());
    assert!(server.prints("admin listening on ").starts_with("http://0.0.0.0:"));
}
