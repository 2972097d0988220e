//! Devices and people who are elsewhere, at `examples/provider`.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::running::{Browser, Server, directory};

/// A server with a device that needs no secret and a shop that has one.
fn server(name: &str) -> (Server, String) {
    let clients = directory(name).join("clients.json");
    let registered = json!([
        {
            "client_id": "tv", "client_name": "Television", "token_endpoint_auth_method": "none",
            "grant_types": ["urn:ietf:params:oauth:grant-type:device_code"], "response_types": [],
            "scope": "openid profile",
        },
        {
            "client_id": "shop", "client_secret": "a secret of the shop that is long enough",
            "token_endpoint_auth_method": "client_secret_post",
            "grant_types": ["urn:openid:params:grant-type:ciba"], "response_types": [], "scope": "openid",
            "backchannel_token_delivery_mode": "poll",
        },
    ]);
    std::fs::write(&clients, registered.to_string()).unwrap();
    let clients = clients.to_str().unwrap().to_owned();
    let flags =
        ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--device", "--ciba", "--clients"];
    let mut server = Server::start("provider", &[&flags[..], &[&clients]].concat());
    let admin = server.prints("admin listening on ");
    (server, admin)
}

async fn post(url: &str, pairs: &[(&str, &str)]) -> (StatusCode, Value) {
    let answer = Browser::new().post(url, pairs, &[]).await;
    (answer.status, serde_json::from_str(&answer.body).unwrap_or_default())
}

/// attack 224: the person signs in, looks at the code, sees who asks, and says yes.
#[tokio::test]
async fn a_person_answers_for_a_device() {
    let (server, _) = server("device");
    let (_, device) = post(&server.at("/device"), &[("client_id", "tv"), ("scope", "openid profile")]).await;
    let browser = Browser::new();
    let page = browser.visit(device["verification_uri_complete"].as_str().unwrap()).await;
    let page =
        browser.press(&page, "login-submit", &[("username", "alice"), ("password", "wonderland")]).await;
    let page = browser.follow(page).await;
    let code = device["user_code"].as_str().unwrap();
    assert_eq!(page.field("user_code"), code);
    let page = browser.press(&page, "device-submit", &[]).await;
    assert_eq!(page.text("client-name").as_deref(), Some("Television"));
    assert_eq!(page.text("device-code").as_deref(), Some(code));
    let poll = [
        ("client_id", "tv"),
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("device_code", device["device_code"].as_str().unwrap()),
    ];
    let (_, waiting) = post(&server.at("/token"), &poll).await;
    assert_eq!(waiting["error"], "authorization_pending");
    let page = browser.press(&page, "consent-allow", &[]).await;
    assert!(page.text("device-answered").is_some(), "{}", page.body);
    let (status, tokens) = post(&server.at("/token"), &poll).await;
    assert_eq!((status, tokens["scope"].as_str()), (StatusCode::OK, Some("openid profile")));
    let elsewhere = format!("{}?return_to=https%3A%2F%2Fevil.example%2F", server.at("/device/login"));
    assert_eq!(Browser::new().open(&elsewhere).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn whoever_runs_the_server_answers_for_people_who_are_elsewhere() {
    let (server, admin) = server("ciba");
    let shop = [("client_id", "shop"), ("client_secret", "a secret of the shop that is long enough")];
    for (action, status) in [("allow", StatusCode::OK), ("deny", StatusCode::BAD_REQUEST)] {
        let asked = [&shop[..], &[("scope", "openid"), ("login_hint", "alice")]].concat();
        let (_, answer) = post(&server.at("/backchannel"), &asked).await;
        let auth_req_id = answer["auth_req_id"].as_str().unwrap();
        let call = format!("{admin}/admin/ciba?auth_req_id={auth_req_id}&action={action}");
        assert_eq!(post(&call, &[]).await, (StatusCode::OK, json!({ "answered": action })));
        assert_eq!(post(&call, &[]).await.0, StatusCode::NOT_FOUND);
        let grant_type = ("grant_type", "urn:openid:params:grant-type:ciba");
        let poll = [&shop[..], &[grant_type, ("auth_req_id", auth_req_id)]].concat();
        assert_eq!(post(&server.at("/token"), &poll).await.0, status, "{action}");
    }
    assert_eq!(post(&format!("{admin}/admin/ciba"), &[("action", "maybe")]).await.0, StatusCode::BAD_REQUEST);
}
