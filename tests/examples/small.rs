//! The small examples as programs: each listens, and does the one thing that it shows.

use std::time::SystemTime;

use reqwest::StatusCode;
use serde_json::Value;
use vouchsafe::clock::{Clock as _, SystemClock};

use crate::running::{Browser, Page, Server};

/// Each takes a free port.
const FREE: &[&str] = &["127.0.0.1:0"];

fn request(server: &Server, client_id: &str, callback: &str, scope: &str) -> String {
    server.at(&format!(
        "/authorize?client_id={client_id}&response_type=code&redirect_uri={callback}&scope={scope}&state=s1\
         &code_challenge_method=S256&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    ))
}

/// The JSON of a token response or a refusal.
async fn token(server: &Server, credentials: (&str, &str), form: &[(&str, &str)]) -> Value {
    let request = reqwest::Client::new().post(server.at("/token"));
    let request = request.basic_auth(credentials.0, Some(credentials.1)).form(form);
    request.send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn minimal_gives_a_code_for_whoever_is_signed_in() {
    let server = Server::start("minimal", FREE);
    let url = request(&server, "my-app", "https://app.example/callback", "openid");
    let answer = Browser::new().open(&url).await;
    assert!(answer.sent_back("code").is_some_and(|code| code.starts_with("vs_ac_")));
    assert_eq!(answer.sent_back("iss").as_deref(), Some(server.url.as_str()));
}

#[tokio::test]
async fn custom_store_keeps_the_contract_and_serves_tokens() {
    let server = Server::start("custom_store", FREE);
    let credentials = ("reports", "reports-secret-of-at-least-128-random-bits");
    let issued = token(&server, credentials, &[("grant_type", "client_credentials")]).await;
    let access_token = issued["access_token"].as_str().unwrap();
    let request = reqwest::Client::new().post(server.at("/introspect")).form(&[("token", access_token)]);
    let request = request.basic_auth(credentials.0, Some(credentials.1));
    let found: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(found["active"], true);
}

#[tokio::test]
async fn custom_grant_redeems_a_code_of_its_own_once() {
    let server = Server::start("custom_grant", FREE);
    let drawn = Browser::new().post(&server.at("/till-codes"), &[], &[]).await.body;
    let credentials = ("till-7", "till-secret-of-at-least-128-random-bits");
    let form = [("grant_type", "https://shop.example/grants/till-code"), ("till_code", drawn.as_str())];
    assert_eq!(token(&server, credentials, &form).await["scope"], "loyalty");
    let again = token(&server, credentials, &form).await;
    assert_eq!(again["error"], "invalid_grant");
    assert_eq!(again["error_description"], "the till code is not valid");
    assert_eq!(token(&server, credentials, &form[..1]).await["error"], "invalid_request");
}

#[tokio::test]
async fn mount_actix_signs_somebody_in_through_its_own_http_types() {
    let server = Server::start("mount_actix", FREE);
    let browser = Browser::new();
    let url = request(&server, "guest-book", "https://guest-book.example/callback", "openid");
    let page = browser.visit(&url).await;
    assert!(page.body.contains("The Guest Book asks for: openid."));
    let answer = browser.press(&page, "consent-allow", &[("name", "Alice")]).await;
    assert!(answer.sent_back("code").is_some());
    let denied = browser.press(&page, "consent-deny", &[]).await;
    assert_eq!(denied.sent_back("error").as_deref(), Some("access_denied"));
    let huge = "x".repeat(70 * 1024);
    let refused = browser.post(&server.at("/token"), &[("a", &huge)], &[]).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    let nested = browser.open(&server.at("/token/")).await;
    assert_eq!(nested.status, StatusCode::NOT_FOUND);
}

const CALLBACK: &str = "https://cake-club.example/callback";

/// A browser in front of the bakery's consent page, and that page.
async fn asked_by_the_cake_club(server: &Server) -> (Browser, Page) {
    let browser = Browser::new();
    let login = browser.visit(&request(server, "cake-club", CALLBACK, "openid+email")).await;
    let entered = [("email", "alice@example.org"), ("password", "wonderland")];
    let signed_in = browser.press(&login, "login-submit", &entered).await;
    let page = browser.follow(signed_in).await;
    assert!(page.body.contains("<b>The Cake Club</b> asks for"), "{}", page.body);
    (browser, page)
}

#[tokio::test]
async fn mount_axum_signs_a_customer_in_and_asks_for_consent() {
    let server = Server::start("mount_axum", FREE);
    let home = Browser::new().open(&server.url).await;
    assert!(home.body.contains("to order bread"), "the application's own pages are as they were");
    let (browser, page) = asked_by_the_cake_club(&server).await;
    assert!(page.body.contains("<li>email"));
    let answer = browser.press(&page, "consent-allow", &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(answer.sent_back("code").is_some());
    // Remembered: the next request goes through without a page.
    let again = browser.open(&request(&server, "cake-club", CALLBACK, "openid")).await;
    assert!(again.sent_back("code").is_some());
}

#[tokio::test]
async fn mount_axum_tells_the_client_that_the_customer_refused() {
    let server = Server::start("mount_axum", FREE);
    let (browser, page) = asked_by_the_cake_club(&server).await;
    let answer = browser.press(&page, "consent-deny", &[]).await;
    assert_eq!(answer.sent_back("error").as_deref(), Some("access_denied"));
    assert_eq!(answer.sent_back("state").as_deref(), Some("s1"));
}

/// attack 47, attack 48
#[tokio::test]
async fn the_pages_of_mount_axum_cannot_be_framed_and_send_no_referrer() {
    let server = Server::start("mount_axum", FREE);
    let (_, page) = asked_by_the_cake_club(&server).await;
    let login = Browser::new().visit(&request(&server, "cake-club", CALLBACK, "openid")).await;
    for page in [page, login] {
        let header =
            |name: &str| page.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        assert_eq!((header("x-frame-options"), header("referrer-policy")), ("DENY", "no-referrer"));
        assert!(header("content-security-policy").contains("frame-ancestors 'none'"));
        assert!(header("cache-control").contains("no-store"));
    }
}

/// attack 50, attack 52: neither a consent nor a login can be answered for a request of another browser.
#[tokio::test]
async fn a_request_of_another_browser_is_refused_by_mount_axum() {
    let server = Server::start("mount_axum", FREE);
    let (_, attackers) = asked_by_the_cake_club(&server).await;
    let (victim, own) = asked_by_the_cake_club(&server).await;
    let sealed = attackers.field("request");
    let page = victim.open(&server.at(&format!("/login?request={sealed}"))).await;
    assert_eq!((page.status, page.location()), (StatusCode::BAD_REQUEST, None));
    let answer = victim.press(&own, "consent-allow", &[("request", &sealed)]).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::FORBIDDEN, None));
    // Nor can another site's page answer for the victim, since it cannot know the form's token.
    let form =
        [("request", own.field("request")), ("account", "c-1".to_owned()), ("answer", "allow".to_owned())];
    let mut form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let theirs = attackers.field("form_token");
    form.push(("form_token", &theirs));
    let answer = victim.post(&server.at("/consent"), &form, &[]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

/// Session fixation: a cookie that was there before the login is worth nothing after it.
#[tokio::test]
async fn a_login_to_mount_axum_begins_a_new_session() {
    let server = Server::start("mount_axum", FREE);
    let browser = Browser::new();
    let sign_in = async || {
        let login = browser.open(&server.at("/login")).await;
        let entered = [("email", "alice@example.org"), ("password", "wonderland")];
        let page = browser.press(&login, "login-submit", &entered).await;
        let cookie = page.cookies().into_iter().find(|cookie| cookie.starts_with("bakery_session=")).unwrap();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"));
        cookie.split(';').next().unwrap().to_owned()
    };
    let (first, second) = (sign_in().await, sign_in().await);
    assert_ne!(first, second);
    let old = reqwest::Client::new().get(&server.url).header("cookie", first).send().await.unwrap();
    assert!(old.text().await.unwrap().contains("to order bread"), "the first session is over");
}

#[tokio::test]
async fn mount_axum_says_the_same_of_a_wrong_name_and_a_wrong_password() {
    let server = Server::start("mount_axum", FREE);
    let browser = Browser::new();
    let login = browser.open(&server.at("/login")).await;
    let mut said = Vec::new();
    for entered in [("bob@example.org", "wonderland"), ("alice@example.org", "wrong")] {
        let page =
            browser.press(&login, "login-submit", &[("email", entered.0), ("password", entered.1)]).await;
        assert_eq!(page.cookies().iter().filter(|cookie| cookie.starts_with("bakery_session")).count(), 0);
        said.push(page.body);
    }
    assert!(said[0].contains("Try again") && said[0] == said[1]);
}

/// The web frameworks write `Date`; a provider mounted in one takes nothing of it away.
#[tokio::test]
async fn an_answer_tells_the_present_time() {
    let server = Server::start("minimal", FREE);
    for path in ["/.well-known/openid-configuration", "/userinfo", "/authorize"] {
        let answer = Browser::new().open(&server.at(path)).await;
        let date = answer.headers["date"].to_str().unwrap();
        let told = httpdate::parse_http_date(date).unwrap();
        let told = told.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let apart = SystemClock.now().unix().unsigned_abs().abs_diff(told);
        assert!(apart < 5 * 60, "{path}: {date}");
    }
}
