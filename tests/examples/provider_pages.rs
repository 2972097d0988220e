//! What the pages of `examples/provider` say of a client, in its own words.

use http::header::CONTENT_SECURITY_POLICY;
use serde_json::{Value, json};

use crate::running::{Browser, Page, Server, directory, signing_keys};

const CALLBACK: &str = "https://client.example/callback";

/// A server whose one client registered these members too.
fn server(test: &str, members: &Value) -> Server {
    let mut client = json!({
        "client_id": "web",
        "client_secret": "a-secret-of-the-test-that-is-long-enough",
        "redirect_uris": [CALLBACK],
    });
    client.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    let path = directory(test).join("clients.json");
    std::fs::write(&path, json!([client]).to_string()).unwrap();
    let clients = path.to_string_lossy();
    Server::start("provider", &["--listen", "127.0.0.1:0", "--keys", signing_keys(), "--clients", &clients])
}

/// The login page and the consent page, for people who prefer these languages.
async fn pages(server: &Server, ui_locales: &str) -> [Page; 2] {
    let browser = Browser::new();
    let login = browser
        .visit(&server.at(&format!(
            "/authorize?client_id=web&response_type=code&redirect_uri={CALLBACK}&scope=openid\
             &code_challenge_method=S256&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
             &ui_locales={ui_locales}"
        )))
        .await;
    assert!(login.body.contains("<h1>Sign in</h1>"), "{}", login.content());
    let entered = [("username", "alice"), ("password", "wonderland")];
    let consent = browser.press(&login, "login-submit", &entered).await;
    let consent = browser.follow(consent).await;
    assert!(consent.body.contains("id=\"consent-allow\""), "{}", consent.content());
    [login, consent]
}

fn policy(page: &Page) -> String {
    let all = page.headers.get_all(CONTENT_SECURITY_POLICY);
    all.iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>().join("; ")
}

fn links() -> Value {
    json!({
        "client_name": "Tea & Cake",
        "client_name#de": "Tee und Kuchen",
        "logo_uri": "https://client.example/logo.png?a=\"1\"&b=<2>".replace(['"', '<', '>'], "'"),
        "policy_uri": "https://client.example/policy?a='1'&b=2",
        "policy_uri#de": "https://client.example/datenschutz",
        "tos_uri": "https://client.example/terms",
    })
}

/// attack 48, attack 217: of elsewhere a page shows the logo, from its one origin, and everything is escaped.
#[tokio::test]
async fn the_pages_show_logo_policy_and_terms() {
    let server = server("logo", &links());
    for page in pages(&server, "").await {
        let body = page.body.replace("&#x2f;", "/");
        for part in [
            "<strong>Tea &amp; Cake</strong>",
            "src=\"https://client.example/logo.png?a=&#x27;1&#x27;&amp;b=&#x27;2&#x27;\"",
            "id=\"client-policy\" href=\"https://client.example/policy?a=&#x27;1&#x27;&amp;b=2\"",
            "id=\"client-terms\" href=\"https://client.example/terms\"",
        ] {
            assert!(body.contains(part), "{part}: {body}");
        }
        assert!(policy(&page).contains("; img-src data: https://client.example; frame-ancestors"));
        assert!(!policy(&page).contains("script-src") && !body.contains("<script"));
    }
}

#[tokio::test]
async fn the_pages_speak_of_the_client_in_the_language_that_is_preferred() {
    let server = server("languages", &links());
    for (preferred, name, policy) in [
        ("de", "Tee und Kuchen", "datenschutz"),
        ("fr+de-AT", "Tee und Kuchen", "datenschutz"),
        ("fr", "Tea &amp; Cake", "policy?"),
    ] {
        for page in pages(&server, preferred).await {
            let body = page.body.replace("&#x2f;", "/");
            assert!(body.contains(&format!("<strong>{name}</strong>")), "{preferred}: {body}");
            assert!(body.contains(&format!("href=\"https://client.example/{policy}")), "{preferred}: {body}");
            assert!(body.contains("href=\"https://client.example/terms\""), "what has no other language");
        }
    }
}

/// A policy that cannot name where a logo is does without it: a host must not write directives of its own.
#[tokio::test]
async fn a_logo_whose_origin_no_policy_can_name_is_not_shown() {
    for (index, logo) in
        ["https://a;script-src/logo.png", "https://[2001:db8::1]/logo.png", "https://192.0.2.1/l"]
            .iter()
            .enumerate()
    {
        let server = server(&format!("no-logo-{index}"), &json!({ "logo_uri": logo }));
        for page in pages(&server, "").await {
            assert!(!page.body.contains("<img"), "{logo}");
            assert!(policy(&page).contains("; img-src data:; frame-ancestors"), "{}", policy(&page));
        }
    }
}
