//! `examples/provider` as a program: its pages, its flags, its files, its end.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_FRAME_OPTIONS};
use reqwest::StatusCode;
use serde_json::json;
use vouchsafe::clock::{Clock as _, SystemClock};
use vouchsafe::jose::{self, SigningHeader};
use vouchsafe::testing::{client_decryption_keys, client_key, decrypted};

use crate::running::{Browser, CERTIFICATE, KEY, Page, Server, directory, refusal, signing_keys};

/// From RFC 7636 appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The secret of the client.
const SECRET: &str = "a-secret-of-the-test-that-is-long-enough";

/// The pages send people there; nothing listens.
const CALLBACK: &str = "https://client.example/callback";

/// A server with one confidential client, `web`.
fn server(test: &str, flags: &[&str]) -> Server {
    let clients = clients(test, &json!([client()]));
    let own = ["--listen", "127.0.0.1:0", "--keys", signing_keys(), "--clients", &clients];
    Server::start("provider", &[&own, flags].concat())
}

fn client() -> serde_json::Value {
    json!({
        "client_id": "web",
        "client_secret": SECRET,
        "client_name": "Web <b>Shop</b>",
        "redirect_uris": [CALLBACK],
        "scope": "openid profile email offline_access",
        "grant_types": ["authorization_code", "refresh_token"],
    })
}

fn clients(test: &str, document: &serde_json::Value) -> String {
    let path = directory(test).join("clients.json");
    std::fs::write(&path, document.to_string()).unwrap();
    text(&path)
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn request(server: &Server, extra: &str) -> String {
    server.at(&format!(
        "/authorize?client_id=web&response_type=code&redirect_uri={CALLBACK}&scope=openid+profile&state=s1\
         &code_challenge_method=S256&code_challenge={CHALLENGE}{extra}"
    ))
}

/// A browser in which alice is signed in and asked for consent.
async fn asked_for_consent(server: &Server) -> (Browser, Page) {
    let browser = Browser::new();
    let login = browser.visit(&request(server, "")).await;
    let signed_in =
        browser.press(&login, "login-submit", &[("username", "alice"), ("password", "wonderland")]).await;
    let consent = browser.follow(signed_in).await;
    assert!(consent.body.contains("id=\"consent-allow\""), "{}", consent.content());
    (browser, consent)
}

/// attack 46: after a form, as everywhere, 303 is the only redirect ([`Page::location`] accepts no other).
#[tokio::test]
async fn a_person_signs_in_agrees_and_is_sent_back_with_a_code() {
    let server = server("whole", &[]);
    let (browser, consent) = asked_for_consent(&server).await;
    assert!(consent.body.contains("Web &lt;b&gt;Shop&lt;&#x2f;b&gt;"), "the client's name is escaped");
    let back = browser.press(&consent, "consent-allow", &[]).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER);
    assert!(back.location().unwrap().as_str().starts_with(CALLBACK));
    assert!(back.sent_back("code").is_some());
    assert_eq!(back.sent_back("state").as_deref(), Some("s1"));
    assert_eq!(back.sent_back("iss").as_deref(), Some(server.url.as_str()));

    let again = browser.open(&request(&server, "")).await;
    assert!(again.sent_back("code").is_some(), "agreed to once, it is not asked again");
    let asked = browser.visit(&request(&server, "&prompt=consent")).await;
    assert!(asked.body.contains("id=\"consent-allow\""));
}

#[tokio::test]
async fn a_person_who_denies_is_sent_back_without_a_code() {
    let server = server("denies", &[]);
    let (browser, consent) = asked_for_consent(&server).await;
    let back = browser.press(&consent, "consent-deny", &[]).await;
    assert_eq!(back.sent_back("error").as_deref(), Some("access_denied"));
    assert_eq!(back.sent_back("code"), None);

    let browser = Browser::new();
    let login = browser.visit(&request(&server, "")).await;
    let back = browser.press(&login, "login-cancel", &[]).await;
    assert_eq!(back.sent_back("error").as_deref(), Some("access_denied"));
}

/// attack 82, for people: which half was wrong is not to be told from the answer.
#[tokio::test]
async fn a_wrong_password_reads_like_an_unknown_username() {
    let server = server("wrong", &[]);
    let browser = Browser::new();
    let login = browser.visit(&request(&server, "")).await;
    let attempt = async |username, password| {
        let page =
            browser.press(&login, "login-submit", &[("username", username), ("password", password)]).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.cookies().is_empty());
        assert!(!page.body.contains(password), "a password is never shown again");
        (page.text("login-problem"), page.body.replace(&format!("value=\"{username}\""), ""))
    };
    let unknown = attempt("nobody", "looking-glass").await;
    assert_eq!(attempt("alice", "looking-glass").await, unknown);
    assert_eq!(unknown.0.as_deref(), Some("The username or the password is wrong."));
}

/// attack 50: an answer that no page of ours asked this browser for is refused, and changes nothing.
#[tokio::test]
async fn a_form_without_a_token_of_this_browser_is_refused() {
    let server = server("forged", &[]);
    let (victim, consent) = asked_for_consent(&server).await;
    let (attacker, theirs) = asked_for_consent(&server).await;
    let (sealed, token) = (consent.field("request"), consent.field("form_token"));
    let consent_url = server.at("/consent");
    let allow = async |browser: &Browser, token: &str, headers: &[(&str, &str)]| {
        let pairs = [("action", "allow"), ("request", &sealed), ("form_token", token)];
        browser.post(&consent_url, &pairs, headers).await.status
    };
    let foreign = theirs.field("form_token");
    assert_eq!(allow(&victim, "", &[]).await, StatusCode::FORBIDDEN);
    assert_eq!(allow(&victim, &foreign, &[]).await, StatusCode::FORBIDDEN);
    assert_eq!(allow(&attacker, &token, &[]).await, StatusCode::FORBIDDEN);
    assert_eq!(allow(&Browser::new(), &token, &[]).await, StatusCode::FORBIDDEN);
    for header in [
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        assert_eq!(allow(&victim, &token, &[header]).await, StatusCode::FORBIDDEN, "{header:?}");
    }
    let own = [("origin", "null"), ("sec-fetch-site", "same-origin")];
    assert_eq!(allow(&victim, &token, &own).await, StatusCode::SEE_OTHER);

    let login = Browser::new().visit(&request(&server, "")).await;
    let fields = [("username", "alice"), ("password", "wonderland"), ("request", &login.field("request"))];
    let refused = Browser::new().post(&server.at("/login"), &fields, &[]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.cookies().is_empty(), "nobody is signed in by it");
}

/// attack 51: what is agreed to is what was shown.
#[tokio::test]
async fn a_request_that_is_swapped_after_it_was_shown_is_refused() {
    let server = server("swapped", &[]);
    let (browser, shown) = asked_for_consent(&server).await;
    let other = browser.visit(&request(&server, "&prompt=consent").replace("profile", "profile+email")).await;
    let refused = browser.press(&shown, "consent-allow", &[("request", &other.field("request"))]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

/// attack 51: nor does a page take protocol parameters from the browser, whoever put them there (attack 26).
#[tokio::test]
async fn the_pages_read_the_request_from_its_seal_alone() {
    let server = server("sealed-alone", &[]);
    let (browser, consent) = asked_for_consent(&server).await;
    let added =
        [("scope", "openid profile email"), ("redirect_uri", "https://evil.example/"), ("state", "evil")];
    let back = browser.press(&consent, "consent-allow", &added).await;
    assert!(back.location().unwrap().as_str().starts_with(CALLBACK));
    assert_eq!(back.sent_back("state").as_deref(), Some("s1"));
}

/// attack 52: a request begun in one browser goes nowhere in another.
#[tokio::test]
async fn another_browser_cannot_go_on_with_a_request() {
    let server = server("another-browser", &[]);
    let login = Browser::new().visit(&request(&server, "")).await;
    let (victim, _) = asked_for_consent(&server).await;
    for page in ["/login", "/consent"] {
        let address = server.at(&format!("{page}?request={}", login.field("request")));
        for browser in [&victim, &Browser::new()] {
            let refused = browser.open(&address).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST);
            assert_eq!(refused.location(), None);
            assert!(refused.body.contains("<h1>Request rejected</h1>"), "{}", refused.content());
        }
    }
}

/// attack 279: the cookie that was there before a login is worth nothing after it.
#[tokio::test]
async fn a_login_has_a_cookie_value_of_its_own() {
    let server = server("fixation", &[]);
    let browser = Browser::new();
    let login = browser.visit(&request(&server, "")).await;
    let credentials = [("username", "alice"), ("password", "wonderland")];
    let session = |page: &Page| {
        let cookies = page.cookies();
        let cookie =
            cookies.iter().find(|cookie| cookie.starts_with("op_session=")).expect("a session begins");
        assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
        cookie.split(';').next().unwrap().to_owned()
    };
    let first = session(&browser.press(&login, "login-submit", &credentials).await);
    let again = browser.visit_until(&request(&server, "&prompt=login"), "login-submit").await;
    assert_eq!(again.text("login-problem").as_deref(), Some("Please sign in again to go on."));
    let second = session(&browser.press(&again, "login-submit", &credentials).await);
    assert_ne!(first, second);
    let marked = Browser::new().open(&request(&server, "")).await;
    let cookies = marked.cookies();
    let known = cookies.iter().find_map(|cookie| cookie.split_once(';')).expect("the browser is marked").0;
    let both = format!("{known}; {second}");
    let live = Browser::new().post(&server.at("/logout"), &[], &[("cookie", &both)]).await;
    assert!(live.body.contains("id=\"logout-confirm\""), "the new one is alice's, who is asked first");
    let planted = format!("{known}; {first}");
    let planted = Browser::new().post(&server.at("/logout"), &[], &[("cookie", &planted)]).await;
    assert!(planted.body.contains("You are signed out"), "the old value is nobody's");
    let forged = [("confirmation", "x")];
    let forged = Browser::new().post(&server.at("/logout"), &forged, &[("cookie", &second)]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN, "nobody else answers for her");
}

#[tokio::test]
async fn a_form_that_is_sent_twice_is_answered_twice() {
    let server = server("twice", &[]);
    let (browser, consent) = asked_for_consent(&server).await;
    let first = browser.press(&consent, "consent-allow", &[]).await.sent_back("code");
    let second = browser.press(&consent, "consent-allow", &[]).await.sent_back("code");
    assert!(first.is_some() && second.is_some());
    assert_ne!(first, second);
}

#[tokio::test]
async fn signing_out_ends_the_session_and_asks_first() {
    let server = server("signs-out", &[]);
    let (browser, _) = asked_for_consent(&server).await;
    let asked = browser.open(&server.at("/logout")).await;
    assert_eq!(
        browser.press(&asked, "logout-confirm", &[("confirmation", "x")]).await.status,
        StatusCode::FORBIDDEN
    );
    let out = browser.press(&asked, "logout-confirm", &[]).await;
    assert!(out.body.contains("You are signed out"));
    let silent = browser.open(&request(&server, "&prompt=none")).await;
    assert_eq!(silent.sent_back("error").as_deref(), Some("login_required"));
}

#[tokio::test]
async fn a_chosen_account_goes_on_without_a_password() {
    let server = server("chooses", &[]);
    let (browser, _) = asked_for_consent(&server).await;
    let choice = browser.visit_until(&request(&server, "&prompt=select_account"), "login-continue").await;
    let consent = browser.press(&choice, "login-continue", &[]).await;
    assert!(browser.follow(consent).await.body.contains("id=\"consent-allow\""));
}

/// The page names a person. Somebody else may have signed in in another tab before its button is pressed, and have agreed
/// to this client: they would be sent there unasked, and the person at the page as somebody else.
#[tokio::test]
async fn a_chosen_account_is_the_one_that_was_shown() {
    let users = directory("shown-users").join("users.json");
    let user = |name: &str| json!({ "username": name, "password": "wonderland", "claims": { "sub": name, "name": name } });
    std::fs::write(&users, json!([user("alice"), user("bob")]).to_string()).unwrap();
    let server = server("shown", &["--users", &text(&users)]);
    let (browser, _) = asked_for_consent(&server).await;
    let choice = browser.visit_until(&request(&server, "&prompt=select_account"), "login-continue").await;
    assert!(choice.body.contains("Continue as alice"), "{}", choice.content());

    let login = browser.visit(&request(&server, "&prompt=login")).await;
    let signed_in =
        browser.press(&login, "login-submit", &[("username", "bob"), ("password", "wonderland")]).await;
    let consent = browser.follow(signed_in).await;
    assert!(browser.press(&consent, "consent-allow", &[]).await.sent_back("code").is_some());

    let again = browser.press(&choice, "login-continue", &[]).await;
    assert_eq!((again.status, again.sent_back("code")), (StatusCode::OK, None));
    assert!(again.body.contains("Continue as bob") && again.body.contains("id=\"login-problem\""));
    assert!(browser.press(&again, "login-continue", &[]).await.sent_back("code").is_some());
}

/// attack 47, attack 48: no page can be framed, tells where it was, is kept, or loads anything.
#[tokio::test]
async fn every_page_is_shut_to_frames_and_loads_nothing() {
    let server = server("framed", &[]);
    let (browser, consent) = asked_for_consent(&server).await;
    let pages = [
        Browser::new().visit(&request(&server, "")).await,
        consent,
        browser.open(&server.at("/logout")).await,
        Browser::new().open(&server.at("/logout")).await,
        browser.open(&server.at("/login?request=x")).await,
        browser.open(&server.at("/authorize?client_id=nobody")).await,
    ];
    for page in &pages {
        let header = |name| {
            page.headers.get_all(name).iter().map(|v| v.to_str().unwrap()).collect::<Vec<_>>().join("; ")
        };
        let policy = header(CONTENT_SECURITY_POLICY);
        assert!(
            policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"),
            "{policy}"
        );
        assert_eq!(header(X_FRAME_OPTIONS), "DENY");
        assert_eq!(header(REFERRER_POLICY), "no-referrer");
        assert_eq!(header(http::header::CACHE_CONTROL), "no-store");
        for foreign in ["<script", "src=", "@import", "url(", "style=\""] {
            assert!(!page.body.contains(foreign), "{}: {foreign}", page.url);
        }
    }
}

#[tokio::test]
async fn hostile_forms_are_refused_and_nothing_is_reflected() {
    let server = server("hostile", &[]);
    let browser = Browser::new();
    let login = browser.visit(&request(&server, "&login_hint=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")).await;
    assert!(!login.body.contains("<script"));
    assert_eq!(login.field("username"), "\"><script>alert(1)</script>");
    assert_eq!(browser.visit(&request(&server, "")).await.field("username"), "");
    let long = "x".repeat(70_000);
    let refused = browser.press(&login, "login-submit", &[("username", "alice"), ("password", &long)]).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    let twice = [("form_token", "a"), ("form_token", "b"), ("request", "x")];
    assert_eq!(browser.post(&server.at("/login"), &twice, &[]).await.status, StatusCode::BAD_REQUEST);
    let get = browser.open(&server.at("/login?username=alice&password=wonderland")).await;
    assert_eq!(get.status, StatusCode::BAD_REQUEST, "nobody signs in by an address");
}

#[tokio::test]
async fn it_is_well_and_lists_its_endpoints() {
    let server = server("well", &[]);
    let browser = Browser::new();
    assert_eq!(browser.open(&server.at("/healthz")).await.body, "ok\n");
    let metadata = browser.open(&server.at("/.well-known/openid-configuration")).await;
    let metadata: serde_json::Value = serde_json::from_str(&metadata.body).unwrap();
    for (member, path) in [
        ("authorization_endpoint", "/authorize"),
        ("token_endpoint", "/token"),
        ("userinfo_endpoint", "/userinfo"),
        ("jwks_uri", "/jwks"),
        ("introspection_endpoint", "/introspect"),
        ("revocation_endpoint", "/revoke"),
        ("end_session_endpoint", "/logout"),
        ("check_session_iframe", "/check-session"),
    ] {
        assert_eq!(metadata[member], server.at(path), "{member}");
    }
    let keys = browser.open(&server.at("/jwks")).await;
    assert!(["RS256", "ES256", "PS256", "EdDSA"].iter().all(|alg| keys.body.contains(alg)), "{}", keys.body);
}

#[tokio::test]
async fn with_a_certificate_it_serves_https_and_hardens_its_cookies() {
    let server = server("tls", &["--tls-cert", CERTIFICATE, "--tls-key", KEY]);
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);
    let browser = Browser::new();
    let login = browser.visit(&request(&server, "")).await;
    let signed_in =
        browser.press(&login, "login-submit", &[("username", "alice"), ("password", "wonderland")]).await;
    for cookie in login.cookies().into_iter().chain(signed_in.cookies()) {
        assert!(cookie.starts_with("__Host-") && cookie.contains("; Secure"), "{cookie}");
    }
    assert!(browser.follow(signed_in).await.body.contains("id=\"consent-allow\""));
}

/// A connection that a client keeps open between requests does not hold the end up.
#[cfg(unix)]
#[tokio::test]
async fn it_ends_cleanly_when_it_is_told_to() {
    for signal in ["TERM", "INT"] {
        let server = server(&format!("signal-{signal}"), &["--workers", "1"]);
        let browser = Browser::new();
        assert_eq!(browser.open(&server.at("/healthz")).await.status, StatusCode::OK);
        assert_eq!(server.signal(signal).code(), Some(0), "{signal}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn keys_and_secrets_are_made_once_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = directory("files");
    let [keys, secrets, database] =
        ["keys.json", "secrets.json", "db.sqlite"].map(|name| directory.join(name));
    let sqlite = format!("sqlite:{}", database.display());
    let flags = [
        "--listen",
        "127.0.0.1:0",
        "--keys",
        &text(&keys),
        "--secrets",
        &text(&secrets),
        "--database",
        &sqlite,
    ];
    let published = async |server: &Server| Browser::new().open(&server.at("/jwks")).await.body;
    let first = Server::start("provider", &flags);
    let before = published(&first).await;
    for file in [&keys, &secrets] {
        assert_eq!(
            std::fs::metadata(file).unwrap().permissions().mode() & 0o777,
            0o600,
            "{}",
            file.display()
        );
    }
    assert_eq!(first.signal("TERM").code(), Some(0));
    assert_eq!(published(&Server::start("provider", &flags)).await, before);

    std::fs::set_permissions(&secrets, std::fs::Permissions::from_mode(0o640)).unwrap();
    let refused = refusal("provider", &flags);
    assert!(refused.contains("secrets.json: others may read"), "{refused}");
}

/// A program that ends while it writes leaves a draft, and in a container the next one has the same process id.
#[tokio::test]
async fn a_draft_that_a_crash_left_does_not_keep_the_files_from_being_written() {
    let directory = directory("drafts");
    let [keys, secrets] = ["keys.json", "secrets.json"].map(|name| directory.join(name));
    let drafts = ["keys.json.new", "secrets.json.new"].map(|name| directory.join(name));
    for draft in &drafts {
        std::fs::write(draft, "{\"version\":").unwrap();
    }
    let flags = ["--listen", "127.0.0.1:0", "--keys", &text(&keys), "--secrets", &text(&secrets)];
    drop(Server::start("provider", &flags));
    assert!(keys.exists() && secrets.exists());
    assert!(drafts.iter().all(|draft| !draft.exists()));
}

/// Conformance: an administrator's call gives new keys at once, the old ones are still listed, and a restart loses
/// neither.
#[cfg(unix)]
#[tokio::test]
async fn a_signal_lets_new_keys_sign_and_keeps_the_old_ones_listed() {
    let keys = directory("rotation").join("keys.json");
    std::fs::copy(signing_keys(), &keys).unwrap();
    let keys = text(&keys);
    let flags = ["--listen", "127.0.0.1:0", "--keys", &keys];
    let server = Server::start("provider", &flags);
    let browser = Browser::new();
    let published = async |server: &Server| -> Vec<String> {
        let set = browser.open(&server.at("/jwks")).await.body;
        let set: serde_json::Value = serde_json::from_str(&set).unwrap();
        set["keys"].as_array().unwrap().iter().map(|key| format!("{} {}", key["kid"], key["alg"])).collect()
    };
    let before = published(&server).await;
    server.tell("USR1");
    let all = async {
        loop {
            let now = published(&server).await;
            if now.len() == 2 * before.len() {
                break now;
            }
        }
    };
    let after = tokio::time::timeout(std::time::Duration::from_secs(60), all).await.unwrap();
    assert!(after.starts_with(&before));
    assert!(after[before.len()..].iter().all(|key| !before.contains(key)));
    assert_eq!(server.signal("TERM").code(), Some(0));
    assert_eq!(published(&Server::start("provider", &flags)).await, after);
}

#[test]
fn a_database_needs_the_secrets_without_which_it_cannot_be_read() {
    for [flag, url] in [["--database", "sqlite:/nowhere/db"], ["--short-lived", "redis://127.0.0.1:1/"]] {
        let refused = refusal("provider", &["--listen", "127.0.0.1:0", flag, url]);
        assert!(refused.contains("--secrets"), "{refused}");
    }
}

#[test]
fn a_wrong_clients_file_is_refused_by_client_and_member() {
    let mut cases = Vec::new();
    let mut case = |member: &str, value: serde_json::Value, says: &[&str]| {
        let mut wrong = client();
        wrong[member] = value;
        cases.push((json!([client_two(), wrong]), says.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()));
    };
    case(
        "redirect_url",
        json!("https://client.example/"),
        &["client \"web\"", "unknown member \"redirect_url\""],
    );
    case("redirect_uris", json!("https://client.example/"), &["client \"web\"", "member \"redirect_uris\""]);
    case("redirect_uris", json!(["javascript:alert(1)"]), &["client \"web\"", "member \"redirect_uris\""]);
    case("token_endpoint_auth_method", json!("none"), &["client \"web\"", "token_endpoint_auth_method"]);
    case("client_secret", json!(7), &["client \"web\"", "member \"client_secret\""]);
    case("settings", json!({ "pkce": "never" }), &["client \"web\"", "member \"settings\"", "\"pkce\""]);
    case("settings", json!({ "consents": "waived" }), &["client \"web\"", "unknown member \"consents\""]);
    case("client_id", json!("two"), &["client \"two\"", "twice"]);
    case("client_id", json!(null), &["client number 2", "client_id"]);
    for (index, (document, says)) in cases.iter().enumerate() {
        let file = clients(&format!("clients-{index}"), document);
        let refused = refusal("provider", &["--listen", "127.0.0.1:0", "--clients", &file]);
        assert!(refused.contains(&file), "{refused}");
        for part in says {
            assert!(refused.contains(part), "{part}: {refused}");
        }
        assert!(!refused.contains("a-secret-of-the-test"), "{refused}");
    }
}

fn client_two() -> serde_json::Value {
    json!({ "client_id": "two", "token_endpoint_auth_method": "none", "redirect_uris": [CALLBACK] })
}

#[test]
fn a_wrong_users_file_is_refused_without_showing_a_password() {
    for (entry, says) in [
        (json!({ "username": "bob", "password": 4711 }), "user \"bob\": member \"password\""),
        (
            json!({ "username": "bob", "password": "4711", "email": "x" }),
            "user \"bob\": unknown member \"email\"",
        ),
        (json!({ "username": "client:bob", "password": "4711" }), "user \"client:bob\": claims.sub"),
        (json!({ "password": "4711" }), "user number 1: member \"username\" is missing"),
    ] {
        let path = directory("users").join("users.json");
        std::fs::write(&path, json!([entry]).to_string()).unwrap();
        let refused = refusal("provider", &["--listen", "127.0.0.1:0", "--users", &text(&path)]);
        assert!(refused.contains(says), "{refused}");
        assert!(!refused.contains("4711"), "{refused}");
    }
}

#[tokio::test]
async fn the_users_of_a_file_sign_in_and_nobody_else_does() {
    let path = directory("bob").join("users.json");
    let bob =
        json!([{ "username": "bob", "password": "builder", "claims": { "sub": "b-1", "name": "Bob" } }]);
    std::fs::write(&path, bob.to_string()).unwrap();
    let server = server("bob-clients", &["--users", &text(&path)]);
    let browser = Browser::new();
    let login = browser.visit(&request(&server, "")).await;
    assert!(!login.body.contains("wonderland"), "there is no demo user to tell of");
    let refused =
        browser.press(&login, "login-submit", &[("username", "alice"), ("password", "wonderland")]).await;
    assert!(refused.text("login-problem").is_some());
    let consent =
        browser.press(&login, "login-submit", &[("username", "bob"), ("password", "builder")]).await;
    assert!(browser.follow(consent).await.body.contains("<strong>Bob</strong>"));
}

/// Serves the keys that [`client_key`] belongs to, by the certificate of the tests, and gives their URL.
async fn key_set() -> String {
    // An error says that a provider is installed already, and then it is this one.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let config = axum_server::tls_rustls::RustlsConfig::from_pem_file(CERTIFICATE, KEY).await.unwrap();
    let keys = json!({ "keys": [client_key().public_key().to_value()] });
    let app = axum::Router::new().route("/jwks", axum::routing::get(async || axum::Json(keys)));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("https://{}/jwks", listener.local_addr().unwrap());
    tokio::spawn(axum_server::from_tcp_rustls(listener, config).unwrap().serve(app.into_make_service()));
    url
}

/// Lets the client `robot` ask `server` for a token, by an assertion that it signs.
async fn robot(server: &Server) -> StatusCode {
    let now = SystemClock.now();
    let claims = json!({
        "iss": "robot",
        "sub": "robot",
        "aud": server.url,
        "jti": format!("{}-{}", std::process::id(), server.url),
        "exp": now.plus(Duration::from_secs(60)).unix(),
    });
    let header = SigningHeader::typed("JWT");
    let assertion = jose::sign(&header, claims.to_string().as_bytes(), &*client_key()).await.unwrap();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", &assertion),
    ];
    Browser::new().post(&server.at("/token"), &form, &[]).await.status
}

/// attack 207: keys on this machine are fetched under both flags, and without either they are not.
#[tokio::test]
async fn keys_are_fetched_from_loopback_under_the_dangerous_flag_alone() {
    let robot_of = json!([{
        "client_id": "robot",
        "token_endpoint_auth_method": "private_key_jwt",
        "grant_types": ["client_credentials"],
        "response_types": [],
        "jwks_uri": key_set().await,
    }]);
    let file = clients("robot", &robot_of);
    let own = ["--listen", "127.0.0.1:0", "--keys", signing_keys(), "--clients", &file];
    let (trusted, loopback) = (["--ca-file", CERTIFICATE], ["--dangerous-allow-loopback-fetch"]);
    for (flags, expected) in [
        ([&trusted[..], &loopback[..]].concat(), StatusCode::OK),
        (trusted.to_vec(), StatusCode::UNAUTHORIZED),
        (loopback.to_vec(), StatusCode::UNAUTHORIZED),
    ] {
        let server = Server::start("provider", &[&own[..], &flags].concat());
        assert_eq!(robot(&server).await, expected, "{flags:?}");
    }
}

#[tokio::test]
async fn other_response_types_are_answered_where_they_are_turned_on() {
    let mut client = client();
    client["response_types"] = json!(["code", "code id_token"]);
    client["grant_types"] = json!(["authorization_code", "implicit"]);
    let clients = clients("response-types", &json!([client]));
    let own = ["--listen", "127.0.0.1:0", "--keys", signing_keys(), "--clients", &clients];
    let server = Server::start("provider", &[&own, &["--response-types", "code id_token,none"][..]].concat());
    let browser = Browser::new();
    let asked = request(&server, "&nonce=n1").replace("response_type=code", "response_type=id_token+code");
    let login = browser.visit(&asked).await;
    let consent =
        browser.press(&login, "login-submit", &[("username", "alice"), ("password", "wonderland")]).await;
    let consent = browser.follow(consent).await;
    let location = browser.press(&consent, "consent-allow", &[]).await.location().unwrap();
    assert!(location.as_str().starts_with(CALLBACK) && location.query().is_none(), "{location}");
    let fragment = location.fragment().unwrap();
    assert!(fragment.contains("code=vs_ac_") && fragment.contains("&id_token=ey"), "{fragment}");
}

/// Keys to encrypt to are made beside the signing keys, for their owner alone, and kept.
#[cfg(unix)]
#[tokio::test]
async fn tokens_are_encrypted_where_that_is_turned_on() {
    use std::os::unix::fs::PermissionsExt as _;

    let mut sealed = client();
    let keys: Vec<_> = client_decryption_keys().public_keys().iter().map(|key| key.to_value()).collect();
    sealed["jwks"] = json!({ "keys": keys });
    sealed["id_token_encrypted_response_alg"] = "ECDH-ES".into();
    let clients = clients("encryption", &json!([sealed]));
    let directory = directory("encryption-keys");
    let signing = directory.join("keys.json");
    std::fs::copy(signing_keys(), &signing).unwrap();
    std::fs::set_permissions(&signing, std::fs::Permissions::from_mode(0o600)).unwrap();
    let own = ["--listen", "127.0.0.1:0", "--keys", &text(&signing), "--clients", &clients, "--encryption"];
    let server = Server::start("provider", &own);
    let (browser, consent) = asked_for_consent(&server).await;
    let code = browser.press(&consent, "consent-allow", &[]).await.sent_back("code").unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
    ];
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("web:{SECRET}")));
    let answer = browser.post(&server.at("/token"), &form, &[("authorization", &basic)]).await;
    let answer: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let (header, signed) = decrypted(answer["id_token"].as_str().unwrap());
    assert!(header.is_nested() && jose::Jws::parse(&signed).is_ok(), "signed and then encrypted");

    let published = async |server: &Server| Browser::new().open(&server.at("/jwks")).await.body;
    let before = published(&server).await;
    assert_eq!(before.matches(r#""use":"enc""#).count(), 3);
    let mode = std::fs::metadata(directory.join("keys.json.encryption")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    drop(server);
    assert_eq!(published(&Server::start("provider", &own)).await, before);
}
