//! What the pages of `examples/provider` say of a client, in its own words.

use http::header::CONTENT_SECURITY_POLICY;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::running::{Browser, Page, Server, directory, signing_keys};

const CALLBACK: &str = "https://client.example/callback";

/// A server whose one client registered these members too.
fn server(test: &str, members: &Value) -> Server {
    server_with(test, members, &[])
}

fn server_with(test: &str, members: &Value, flags: &[&str]) -> Server {
    let mut client = json!({
        "client_id": "web",
        "client_secret": "a-secret-of-the-test-that-is-long-enough",
        "redirect_uris": [CALLBACK],
    });
    client.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    let path = directory(test).join("clients.json");
    std::fs::write(&path, json!([client]).to_string()).unwrap();
    let clients = path.to_string_lossy();
    let own = ["--listen", "127.0.0.1:0", "--keys", signing_keys(), "--clients", &clients];
    Server::start("provider", &[&own, flags].concat())
}

fn request(server: &Server, extra: &str) -> String {
    server.at(&format!(
        "/authorize?client_id=web&response_type=code&redirect_uri={CALLBACK}&scope=openid\
         &code_challenge_method=S256&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM{extra}"
    ))
}

/// The login page and the consent page, for people who prefer these languages.
async fn pages(server: &Server, ui_locales: &str) -> [Page; 2] {
    let browser = Browser::new();
    let login = browser.visit(&request(server, &format!("&ui_locales={ui_locales}"))).await;
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

/// A policy that cannot name where a logo is does without it. A host that would write directives of its own is no page of
/// a client's to begin with.
#[tokio::test]
async fn a_logo_whose_origin_no_policy_can_name_is_not_shown() {
    for (index, logo) in ["https://[2001:db8::1]/logo.png", "https://192.0.2.1/l"].iter().enumerate() {
        let server = server(&format!("no-logo-{index}"), &json!({ "logo_uri": logo }));
        for page in pages(&server, "").await {
            assert!(!page.body.contains("<img"), "{logo}");
            assert!(policy(&page).contains("; img-src data:; frame-ancestors"), "{}", policy(&page));
        }
    }
}

/// The page that offers an account, in a browser of its own.
async fn offered(server: &Server) -> (Browser, Page) {
    let browser = Browser::new();
    let page = browser.visit(&request(server, "&prompt=create")).await;
    assert!(page.body.contains("<h1>Create an account</h1>"), "{}", page.content());
    (browser, page)
}

const NEWCOMER: [(&str, &str); 2] = [("username", "hatter"), ("password", "ten and six")];

#[tokio::test]
async fn an_account_is_created_where_the_client_asks_for_one() {
    let server = server_with("creates", &json!({}), &["--account-creation"]);
    let (browser, page) = offered(&server).await;
    let created = browser.press(&page, "create-submit", &NEWCOMER).await;
    let consent = browser.follow(created).await;
    assert!(consent.body.contains("<strong>hatter</strong>"), "{}", consent.content());
    assert!(browser.press(&consent, "consent-allow", &[]).await.sent_back("code").is_some());

    let later = Browser::new();
    let login = later.visit(&request(&server, "")).await;
    let signed_in = later.press(&login, "login-submit", &NEWCOMER).await;
    assert!(later.follow(signed_in).await.sent_back("code").is_some(), "agreed to before");
}

#[tokio::test]
async fn no_account_is_created_over_another_or_with_a_short_password() {
    let server = server_with("no-creation", &json!({}), &["--account-creation"]);
    let (browser, page) = offered(&server).await;
    for (username, password, says) in [
        ("alice", "ten and six", "another user has the same username"),
        ("hatter", "sixpenc", "the password must have at least 8 characters"),
        (" hatter", "ten and six", "the username must not begin or end with a space"),
        ("", "ten and six", "username must be 1 to 255 bytes"),
    ] {
        let refused =
            browser.press(&page, "create-submit", &[("username", username), ("password", password)]).await;
        assert_eq!(refused.text("create-problem"), Some(format!("That cannot be: {says}.")));
        assert!(refused.cookies().is_empty() && !refused.body.contains(password));
    }
}

#[tokio::test]
async fn whoever_has_an_account_signs_in_instead_or_declines() {
    let server = server_with("existing", &json!({}), &["--account-creation"]);
    let (browser, page) = offered(&server).await;
    let login = browser.press(&page, "create-existing", &[]).await;
    let login = browser.follow(login).await;
    let entered = [("username", "alice"), ("password", "wonderland")];
    let consent = browser.press(&login, "login-submit", &entered).await;
    assert!(browser.follow(consent).await.body.contains("id=\"consent-allow\""));
    let declined = browser.press(&page, "create-cancel", &[]).await;
    assert_eq!(declined.sent_back("error").as_deref(), Some("access_denied"));
}

/// attack 50: neither without the form's own token, nor for a request that asks for no account.
#[tokio::test]
async fn an_account_comes_of_its_own_form_alone() {
    let server = server_with("forged-creation", &json!({}), &["--account-creation"]);
    let (browser, page) = offered(&server).await;
    let forged =
        browser.press(&page, "create-submit", &[NEWCOMER[0], NEWCOMER[1], ("form_token", "x")]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    let login = browser.visit(&request(&server, "")).await;
    let (sealed, token) = (login.field("request"), login.field("form_token"));
    let fields = [NEWCOMER[0], NEWCOMER[1], ("request", &sealed), ("form_token", &token)];
    let other = browser.post(&server.at("/create"), &fields, &[]).await;
    assert_eq!(other.status, StatusCode::FORBIDDEN);
    let refused = browser.press(&login, "login-submit", &NEWCOMER).await;
    assert!(refused.text("login-problem").is_some(), "nobody of that name is there");
}

#[tokio::test]
async fn accounts_are_offered_where_that_is_turned_on_alone() {
    let server = server("no-accounts", &json!({}));
    let answer = Browser::new().open(&request(&server, "&prompt=create")).await;
    assert_eq!(answer.sent_back("error").as_deref(), Some("invalid_request"));
}
