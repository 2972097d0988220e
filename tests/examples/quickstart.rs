//! `examples/quickstart` as a program: a person signs in to the application, uses it, and signs out.

use reqwest::StatusCode;

use crate::running::{Browser, Page, Server, directory, signing_keys};

fn quickstart(test: &str) -> Server {
    let data = directory(test);
    std::fs::copy(signing_keys(), data.join("keys.json")).unwrap();
    let data = data.to_string_lossy();
    Server::start("quickstart", &["--app", "127.0.0.1:0", "--provider", "127.0.0.1:0", "--data", &data])
}

async fn at_the_consent_page(server: &Server, browser: &Browser) -> Page {
    let home = browser.visit(&server.url).await;
    assert!(home.body.contains("href=\"/sign-in\""));
    let login = browser.visit(&server.at("/sign-in")).await;
    assert!(login.body.contains("<kbd>alice</kbd>") && login.body.contains("<kbd>wonderland</kbd>"));
    let signed_in =
        browser.press(&login, "login-submit", &[("username", "alice"), ("password", "wonderland")]).await;
    browser.follow(signed_in).await
}

async fn signed_in(server: &Server) -> (Browser, Page) {
    let browser = Browser::new();
    let consent = at_the_consent_page(server, &browser).await;
    let back = browser.press(&consent, "consent-allow", &[]).await;
    let account = browser.follow(back).await;
    assert_eq!(account.url.as_str(), server.at("/"));
    (browser, account)
}

#[tokio::test]
async fn a_person_signs_in_and_sees_claims_and_tokens() {
    let server = quickstart("quickstart-whole");
    let (_, account) = signed_in(&server).await;
    for shown in
        ["Hello, Alice", "alice@wonderland.example", "Oxford OX1 1DP", "1852-05-04", "offline_access"]
    {
        assert!(account.content().contains(shown), "{shown}: {}", account.content());
    }
    let token = |id| account.text(id).unwrap_or_default();
    assert!(token("access-token").starts_with("vs_at_"));
    assert!(token("refresh-token").starts_with("vs_rt_"));
    assert_eq!(token("id-token").split('.').count(), 3);
}

#[tokio::test]
async fn tokens_are_refreshed_and_revoked() {
    let server = quickstart("quickstart-tokens");
    let (browser, before) = signed_in(&server).await;
    let refreshed = browser.press(&before, "refresh", &[]).await;
    let after = browser.follow(refreshed).await;
    assert_eq!(after.text("notice").as_deref(), Some("The tokens are new."));
    assert_ne!(after.text("access-token"), before.text("access-token"));

    let revoked = browser.press(&after, "revoke", &[]).await;
    let revoked = browser.follow(revoked).await;
    assert_eq!(revoked.text("notice").as_deref(), Some("The tokens are revoked."));
    let refused = browser.press(&revoked, "refresh", &[]).await;
    assert_eq!(refused.status, StatusCode::BAD_GATEWAY, "the provider refuses what was revoked");
}

#[tokio::test]
async fn signing_out_leads_through_both_sites() {
    let server = quickstart("quickstart-out");
    let (browser, account) = signed_in(&server).await;
    let out = browser.press(&account, "sign-out", &[]).await;
    let asked = browser.follow(out).await;
    assert!(
        browser.visit(&server.url).await.body.contains("id=\"sign-in\""),
        "the application has forgotten them"
    );
    let out = browser.press(&asked, "logout-confirm", &[]).await;
    assert!(
        out.body.contains("<h1>You are signed out</h1>") && out.body.contains("Back to Tea Party Planner")
    );
    let login = browser.visit(&server.at("/sign-in")).await;
    assert!(login.body.contains("id=\"password\""), "the provider has forgotten them too");
}

#[tokio::test]
async fn a_person_who_denies_is_told_so_and_not_signed_in() {
    let server = quickstart("quickstart-denied");
    let browser = Browser::new();
    let consent = at_the_consent_page(&server, &browser).await;
    let back = browser.press(&consent, "consent-deny", &[]).await;
    let home = browser.follow(back).await;
    assert_eq!(home.text("notice").as_deref(), Some("You were not signed in: access was denied."));
    assert!(home.body.contains("id=\"sign-in\""));
}

#[tokio::test]
async fn an_answer_that_belongs_to_no_sign_in_of_this_browser_is_refused() {
    let server = quickstart("quickstart-mixed");
    let browser = Browser::new();
    let consent = at_the_consent_page(&server, &browser).await;
    let back = browser.press(&consent, "consent-allow", &[]).await.location().unwrap();
    let elsewhere = Browser::new();
    assert_eq!(elsewhere.open(back.as_str()).await.status, StatusCode::BAD_REQUEST);
    let began = elsewhere.open(&server.at("/sign-in")).await;
    assert_eq!(began.status, StatusCode::SEE_OTHER);
    let refused = elsewhere.open(back.as_str()).await;
    assert_eq!(refused.status, StatusCode::BAD_GATEWAY, "the state is another's");
    assert!(elsewhere.open(&server.url).await.body.contains("id=\"sign-in\""));
}

/// attack 50, at the application: what a signed-in person can do is done by their own page alone.
#[tokio::test]
async fn the_forms_of_the_application_need_its_own_page() {
    let server = quickstart("quickstart-forged");
    let (browser, account) = signed_in(&server).await;
    for button in ["refresh", "revoke", "sign-out"] {
        let forged = browser.press(&account, button, &[("form_token", "forged")]).await;
        assert_eq!(forged.status, StatusCode::FORBIDDEN, "{button}");
    }
    let account = browser.visit(&server.url).await;
    assert!(account.body.contains("Hello, Alice") && account.body.contains("Live."));
}

#[tokio::test]
async fn the_two_sites_share_no_cookie_name() {
    let server = quickstart("quickstart-cookies");
    let browser = Browser::new();
    let began = browser.open(&server.at("/sign-in")).await;
    let authorize = browser.open(began.location().unwrap().as_str()).await;
    let login = browser.open(authorize.location().unwrap().as_str()).await;
    let signed_in =
        browser.press(&login, "login-submit", &[("username", "alice"), ("password", "wonderland")]).await;
    let names = |page: &Page| {
        let cookies = page.cookies().into_iter();
        cookies.map(|cookie| cookie.split('=').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&began), ["app_flow"]);
    // Behind the prefix stands a hash of the issuer, whose port is another each time.
    let bound = names(&authorize);
    assert!(bound.len() == 1 && bound.iter().all(|name| name.starts_with("vs_browser_")), "{bound:?}");
    assert_eq!(names(&login), ["op_form"]);
    assert_eq!(names(&signed_in), ["op_session"]);
}

#[cfg(unix)]
#[test]
fn it_ends_cleanly_when_it_is_told_to() {
    assert_eq!(quickstart("quickstart-signal").signal("TERM").code(), Some(0));
}

#[cfg(unix)]
#[test]
fn what_it_keeps_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let data = directory("quickstart-files").join("made");
    let flags = ["--app", "127.0.0.1:0", "--provider", "127.0.0.1:0", "--data", data.to_str().unwrap()];
    drop(Server::start("quickstart", &flags));
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("keys.json")), 0o600);
    assert_eq!(mode(&data.join("secrets.json")), 0o600);
}
