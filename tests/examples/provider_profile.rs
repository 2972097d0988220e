//! `examples/provider --profile openid`: all of OpenID Connect, for whoever registers.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::CONTENT_SECURITY_POLICY;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::running::{Browser, CERTIFICATE, KEY, Page, Server, directory, signing_keys};

/// Nothing listens there.
const CALLBACK: &str = "https://client.example/callback";

const EVERY_RESPONSE_TYPE: [&str; 8] = [
    "code",
    "code id_token",
    "code id_token token",
    "code token",
    "id_token",
    "id_token token",
    "none",
    "token",
];

fn start(flags: &[&str]) -> Server {
    Server::start("provider", &[&["--listen", "127.0.0.1:0", "--keys", signing_keys()], flags].concat())
}

fn openid(flags: &[&str]) -> Server {
    start(&[&["--profile", "openid"], flags].concat())
}

async fn json_of(url: &str) -> Value {
    serde_json::from_str(&Browser::new().open(url).await.body).unwrap()
}

async fn register(server: &Server, client: &Value) -> Value {
    let http = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).build().unwrap();
    let answer = http.post(server.at("/register")).json(client).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    answer.json().await.unwrap()
}

fn request(server: &Server, client_id: &Value) -> String {
    let client_id = client_id.as_str().unwrap();
    server.at(&format!(
        "/authorize?client_id={client_id}&response_type=code&scope=openid&redirect_uri={CALLBACK}"
    ))
}

#[tokio::test]
async fn the_profile_turns_on_all_of_openid_connect() {
    let server = openid(&[]);
    let metadata = json_of(&server.at("/.well-known/openid-configuration")).await;
    let listed = |member: &str| -> Vec<String> {
        let all = metadata[member].as_array().unwrap_or_else(|| panic!("{member}: {metadata}"));
        all.iter().map(|value| value.as_str().unwrap().to_owned()).collect()
    };
    let mut response_types = listed("response_types_supported");
    response_types.sort_unstable();
    assert_eq!(response_types, EVERY_RESPONSE_TYPE);
    assert_eq!(metadata["registration_endpoint"], server.at("/register"));
    assert_eq!(metadata["end_session_endpoint"], server.at("/logout"));
    for member in [
        "request_parameter_supported",
        "request_uri_parameter_supported",
        "backchannel_logout_session_supported",
        "frontchannel_logout_session_supported",
    ] {
        assert_eq!(metadata[member], true, "{member}");
    }
    for member in ["id_token_signing_alg_values_supported", "request_object_signing_alg_values_supported"] {
        assert!(["RS256", "none"].iter().all(|alg| listed(member).contains(&(*alg).to_owned())), "{member}");
    }
    assert_eq!(listed("subject_types_supported"), ["public", "pairwise"]);
}

#[tokio::test]
async fn a_flag_takes_proofs_of_possession() {
    let listed = async |server: &Server| {
        let metadata = json_of(&server.at("/.well-known/openid-configuration")).await;
        metadata.get("dpop_signing_alg_values_supported").cloned()
    };
    let algorithms = json!(["ES256", "PS256", "EdDSA", "RS256"]);
    assert_eq!(listed(&openid(&["--dpop"])).await, Some(algorithms));
    assert_eq!(listed(&openid(&[])).await, None);
}

#[tokio::test]
async fn without_the_profile_none_of_what_it_loosens_is_on() {
    let server = start(&[]);
    let metadata = json_of(&server.at("/.well-known/openid-configuration")).await;
    assert_eq!(metadata["response_types_supported"], json!(["code"]));
    assert_eq!(metadata["request_parameter_supported"], false);
    assert!(metadata["registration_endpoint"].is_null());
    assert!(!metadata["id_token_signing_alg_values_supported"].to_string().contains("none"));
    for path in ["/register", "/demo"] {
        assert_eq!(Browser::new().open(&server.at(path)).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn registration_can_be_off_under_the_profile() {
    let server = openid(&["--registration", "off"]);
    let metadata = json_of(&server.at("/.well-known/openid-configuration")).await;
    assert!(metadata["registration_endpoint"].is_null());
}

/// Clients of strangers name no service of this machine, unless the provider may ask it.
#[tokio::test]
async fn addresses_of_loopback_are_registered_where_they_may_be_fetched() {
    let client = json!({ "redirect_uris": [CALLBACK], "jwks_uri": "https://127.0.0.1:8443/jwks" });
    let careful = openid(&[]);
    let answer = reqwest::Client::new().post(careful.at("/register")).json(&client).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let refused: Value = answer.json().await.unwrap();
    assert_eq!(refused["error"], "invalid_client_metadata");
    let lenient = openid(&["--dangerous-allow-loopback-fetch"]);
    assert_eq!(register(&lenient, &client).await["jwks_uri"], client["jwks_uri"]);
}

/// Neither by file nor by registration does a client that authenticates need a challenge; one that does not, does.
#[tokio::test]
async fn a_challenge_is_demanded_of_public_clients_alone() {
    let client = |id: &str, settings: Value| {
        let redirect_uris = [CALLBACK];
        let secret = "a-secret-of-the-test-that-is-long-enough";
        json!({ "client_id": id, "client_secret": secret, "redirect_uris": redirect_uris, "settings": settings })
    };
    let path = directory("profile-pkce").join("clients.json");
    let listed = [
        client("lenient", json!({})),
        client("careful", json!({ "pkce": "required" })),
        client("waived", json!({ "consent": "waived" })),
    ];
    std::fs::write(&path, json!(listed).to_string()).unwrap();
    let server = openid(&["--clients", &path.to_string_lossy()]);
    let web = json!({ "redirect_uris": [CALLBACK] });
    let mut public = web.clone();
    public["token_endpoint_auth_method"] = json!("none");
    let (web, public) = (register(&server, &web).await, register(&server, &public).await);
    for (client_id, asked) in [
        (&web["client_id"], true),
        (&public["client_id"], false),
        (&json!("lenient"), true),
        (&json!("careful"), false),
        (&json!("waived"), true),
    ] {
        let answer = Browser::new().open(&request(&server, client_id)).await;
        let location = answer.location().unwrap();
        assert_eq!(location.path() == "/login", asked, "{client_id}: {location}");
        let refused = (!asked).then(|| "invalid_request".to_owned());
        assert_eq!(answer.sent_back("error"), refused, "{client_id}");
    }
}

/// The README lets people register this client, for a server at its usual port.
#[tokio::test]
async fn the_client_of_the_readme_registers_for_the_demo() {
    let tls = ["--tls-cert", CERTIFICATE, "--tls-key", KEY];
    let server = openid(&[&["--demo-client", "--dangerous-allow-loopback-fetch"], &tls[..]].concat());
    let port = server.url.rsplit(':').next().unwrap();
    let readme = include_str!("../../README.md");
    let (_, after) = readme.split_once("--json '").unwrap();
    let client = after.split('\'').next().unwrap().replace(":4444", &format!(":{port}"));
    let client: Value = serde_json::from_str(&client).unwrap();
    let registered = register(&server, &client).await;
    for member in ["client_name", "redirect_uris", "response_types", "grant_types"] {
        assert_eq!(registered[member], client[member], "{member}");
    }
    let redirect_uri = Browser::new().open(&at_demo(&server, "/demo")).await.text("redirect-uri").unwrap();
    assert_eq!(client["redirect_uris"], json!([redirect_uri]));
}

/// An address at the host of the demo client.
fn at_demo(server: &Server, path: &str) -> String {
    server.at(path).replace("127.0.0.1", "demo.localhost")
}

/// What the browser shows at the demo client.
async fn shown(browser: &Browser, mut page: Page) -> (Page, Option<String>) {
    if page.location().is_none() {
        // The page that posts the form does so by script.
        let action = page.body.split("action=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        assert!(action.starts_with("https://demo.localhost:"), "{action}");
        page.body = page.body.replace("<button type=\"submit\"", "<button id=\"go\" type=\"submit\"");
        return (browser.press(&page, "go", &[]).await, None);
    }
    let location = page.location().unwrap();
    assert_eq!(location.host_str(), Some("demo.localhost"));
    (browser.open(location.as_str()).await, location.fragment().map(str::to_owned))
}

#[tokio::test]
async fn a_registered_client_signs_in_by_every_response_type_and_mode() {
    let server = openid(&["--demo-client", "--tls-cert", CERTIFICATE, "--tls-key", KEY]);
    let browser = Browser::new();
    let redirect_uri = browser.open(&at_demo(&server, "/demo")).await.text("redirect-uri").unwrap();
    let client = json!({ "redirect_uris": [redirect_uri], "response_types": EVERY_RESPONSE_TYPE });
    let client = register(&server, &client).await;
    let client_id = client["client_id"].as_str().unwrap();
    let demo = browser.open(&at_demo(&server, &format!("/demo?client_id={client_id}"))).await;
    let links: Vec<Url> = demo.body.split(" href=\"").skip(1).map(|rest| link(&demo, rest)).collect();
    let links: Vec<_> = links.into_iter().filter(|url| url.path() == "/authorize").collect();
    assert_eq!(links.len(), 18, "8 types by 2 modes, and those without a token in a query too");
    for link in links {
        let one = |name: &str| link.query_pairs().find(|(n, _)| n == name).unwrap().1.into_owned();
        let (response_type, mode) = (one("response_type"), one("response_mode"));
        let answer = answered(&browser, link.as_str()).await;
        let (page, fragment) = shown(&browser, answer).await;
        let said = match (mode.as_str(), fragment) {
            ("fragment", Some(fragment)) => fragment,
            (_, None) => page.body,
            (_, Some(fragment)) => panic!("{response_type} {mode}: {fragment}"),
        };
        for part in ["code", "id_token", "token"] {
            let part_name = if part == "token" { "access_token" } else { part };
            let is_there =
                said.contains(&format!("id=\"said-{part_name}\"")) || said.contains(&format!("{part_name}="));
            let is_asked = response_type.split(' ').any(|word| word == part);
            assert_eq!(is_there, is_asked, "{response_type} {mode} {part}: {said}");
        }
        assert!(said.contains(&one("state")), "{response_type} {mode}: {said}");
    }
}

fn link(page: &Page, after_href: &str) -> Url {
    let href = after_href.split('"').next().unwrap().replace("&#x2f;", "/").replace("&amp;", "&");
    page.url.join(&href).unwrap()
}

/// The answer that leaves for the client, for alice, who agrees.
async fn answered(browser: &Browser, url: &str) -> Page {
    let page = browser.visit(url).await;
    if !page.body.contains("id=\"login-submit\"") && !page.body.contains("id=\"consent-allow\"") {
        return page;
    }
    let entered = [("username", "alice"), ("password", "wonderland")];
    let signed_in = browser.press(&page, "login-submit", &entered).await;
    let consent = browser.follow(signed_in).await;
    browser.press(&consent, "consent-allow", &[]).await
}

/// A page of a client at the provider's own host would be of the provider's origin.
#[tokio::test]
async fn the_demo_client_answers_at_its_own_host_alone() {
    let server = openid(&["--demo-client", "--tls-cert", CERTIFICATE, "--tls-key", KEY]);
    let browser = Browser::new();
    for path in ["/demo", "/demo/callback", "/demo/front-channel-logout"] {
        assert_eq!(browser.open(&server.at(path)).await.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(browser.open(&at_demo(&server, path)).await.status, StatusCode::OK, "{path}");
    }
}

/// The demo client believes nobody, and shows what it is sent as text.
#[tokio::test]
async fn the_demo_client_shows_what_it_is_sent_as_text() {
    let server = openid(&["--demo-client", "--tls-cert", CERTIFICATE, "--tls-key", KEY]);
    let browser = Browser::new();
    let hostile = "%3Cscript%3Ealert(1)%3C/script%3E";
    for path in ["/demo?client_id=", "/demo/callback?x="] {
        let page = browser.open(&at_demo(&server, &format!("{path}{hostile}"))).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(!page.body.contains("<script>alert"), "{path}: {}", page.content());
    }
    let page = browser.open(&at_demo(&server, "/demo/callback")).await;
    let script = page.body.split("<script>").nth(1).and_then(|rest| rest.split("</script>").next()).unwrap();
    let hash = BASE64_STANDARD.encode(Sha256::digest(script));
    let policies = page.headers.get_all(CONTENT_SECURITY_POLICY).iter();
    let allows = |policy: &str| policy.contains(&format!("script-src 'sha256-{hash}'"));
    assert!(
        policies.map(|policy| policy.to_str().unwrap()).any(allows),
        "the script is the one that may run"
    );

    let token = "e30.eyJzaWQiOiI8Yj4ifQ.x"; // {"sid":"<b>"}
    let told = [("logout_token", token)];
    let heard = browser.post(&server.at("/demo/back-channel-logout"), &told, &[]).await;
    assert_eq!(heard.status, StatusCode::OK);
    browser.open(&at_demo(&server, "/demo/front-channel-logout?iss=a&sid=b")).await;
    let page = browser.open(&at_demo(&server, "/demo")).await.body;
    assert!(page.contains("back channel: {&quot;sid&quot;:&quot;&lt;b&gt;&quot;}"), "{page}");
    assert!(page.contains("front channel: iss=a&amp;sid=b"), "{page}");
}
