//! `examples/resource_server`: an API in a process of its own, beside `examples/provider`.

use http::StatusCode;
use http::header::AUTHORIZATION;
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use vouchsafe::clock::{Clock as _, SystemClock};
use vouchsafe::entropy::OsEntropy;
use vouchsafe::secret::generate;
use vouchsafe::testing::{CODE_CHALLENGE, CODE_VERIFIER, JwtForm, dpop_keys};

use crate::provider_mtls::{SELF_SIGNED, connecting};
use crate::running::{Browser, CERTIFICATE, KEY, Server, directory, refusal, signing_keys};

const SECRET: &str = "a-secret-of-the-test-that-is-long-enough";

const CALLBACK: &str = "https://client.example/callback";

const TLS: [&str; 4] = ["--tls-cert", CERTIFICATE, "--tls-key", KEY];

/// A provider, and an API that takes its tokens.
struct Pair {
    provider: Server,
    alias: String,
    api: Server,
    http: reqwest::Client,
}

impl Pair {
    /// The provider has a client `worker` of opaque tokens, `jwt` of JWTs, `bound` of bound JWTs, and `web`, where people
    /// sign in.
    fn start(test: &str, flags: &[&str]) -> Self {
        let service = |id: &str, format: &str| {
            json!({
                "client_id": id, "client_secret": SECRET, "scope": "notes other",
                "grant_types": ["client_credentials"], "response_types": [],
                "settings": { "default_scope": "notes", "access_token_format": format },
            })
        };
        let mut bound = service("bound", "jwt");
        bound["tls_client_certificate_bound_access_tokens"] = true.into();
        let web = json!({
            "client_id": "web", "client_secret": SECRET, "redirect_uris": [CALLBACK], "scope": "openid notes",
            "settings": { "access_token_format": "jwt", "consent": "waived" },
        });
        let clients = json!([service("worker", "opaque"), service("jwt", "jwt"), bound, web]);
        let path = directory(test).join("clients.json");
        std::fs::write(&path, clients.to_string()).unwrap();
        let own = ["--listen", "127.0.0.1:0", "--keys", signing_keys(), "--clients", path.to_str().unwrap()];
        let more = ["--dpop", "--mtls-listen", "127.0.0.1:0"];
        let mut provider = Server::start("provider", &[&own[..], &TLS, &more].concat());
        let alias = provider.prints("mtls listening on ");
        let issuer = provider.url.clone();
        let own = ["--listen", "127.0.0.1:0", "--issuer", &issuer, "--audience", &issuer];
        let trust = ["--ca-file", CERTIFICATE, "--dangerous-allow-loopback-fetch"];
        let asking = ["--introspect-client", "worker", "--introspect-secret", SECRET];
        let api = Server::start("resource_server", &[&own[..], &TLS, &trust, &asking, flags].concat());
        Self { provider, alias, api, http: connecting(None) }
    }

    /// A token of a client that acts for itself.
    async fn token(&self, client: &str, form: &[(&str, &str)], headers: &[(&str, String)]) -> String {
        let (http, origin) = match client {
            "bound" => (&connecting(Some(SELF_SIGNED)), &self.alias),
            _ => (&self.http, &self.provider.url),
        };
        let request = http.post(format!("{origin}/token")).basic_auth(client, Some(SECRET));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        let answer: Value = request.form(form).send().await.unwrap().json().await.unwrap();
        answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    async fn own(&self, client: &str) -> String {
        self.token(client, &[("grant_type", "client_credentials")], &[]).await
    }

    /// A token of alice, who has just signed in.
    async fn of_alice(&self) -> String {
        let browser = Browser::new();
        let asked = self.provider.at(&format!(
            "/authorize?client_id=web&response_type=code&redirect_uri={CALLBACK}&scope=openid+notes\
             &code_challenge_method=S256&code_challenge={CODE_CHALLENGE}"
        ));
        let login = browser.visit(&asked).await;
        let alice = [("username", "alice"), ("password", "wonderland")];
        let signed_in = browser.press(&login, "login-submit", &alice).await;
        let code = browser.follow(signed_in).await.sent_back("code").unwrap();
        let grant = [("grant_type", "authorization_code"), ("redirect_uri", CALLBACK)];
        self.token("web", &[&grant[..], &[("code", &code), ("code_verifier", CODE_VERIFIER)]].concat(), &[])
            .await
    }

    fn get(&self, path: &str, token: &str) -> RequestBuilder {
        self.http.get(self.api.at(path)).bearer_auth(token)
    }
}

async fn sent(request: RequestBuilder) -> (StatusCode, Response) {
    let answer = request.send().await.unwrap();
    (answer.status(), answer)
}

fn told(answer: &Response) -> String {
    answer.headers()["www-authenticate"].to_str().unwrap().to_owned()
}

fn proof(method: &str, url: &str, claims: &[(&str, &str)]) -> JwtForm {
    let jti = generate(&OsEntropy, 128).unwrap();
    let own = json!({ "jti": jti.expose(), "htm": method, "htu": url, "iat": SystemClock.now().unix() });
    claims.iter().fold(JwtForm::proof(&dpop_keys()[0], own), |proof, (name, value)| proof.claim(name, *value))
}

/// JWTs by the keys that are fetched, others by introspection.
#[tokio::test]
async fn tokens_of_every_shape_are_taken() {
    let pair = Pair::start("rs-shapes", &[]);
    for client in ["worker", "jwt"] {
        let token = pair.own(client).await;
        let (status, answer) = sent(pair.get("/me", &token)).await;
        assert_eq!(status, StatusCode::OK);
        let body: Value = answer.json().await.unwrap();
        assert_eq!((&body["client_id"], &body["scope"]), (&json!(client), &json!("notes")));
        assert_eq!(sent(pair.get("/notes", &token)).await.0, StatusCode::OK);
    }
    let (status, answer) = sent(pair.get("/me", "made-up")).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(told(&answer).contains("invalid_token"), "{}", told(&answer));
    assert_eq!(pair.api.signal("TERM").code(), Some(0));
}

#[tokio::test]
async fn what_a_token_lacks_is_said() {
    let pair = Pair::start("rs-lacks", &[]);
    let form = [("grant_type", "client_credentials"), ("scope", "other")];
    let token = pair.token("jwt", &form, &[]).await;
    let (status, answer) = sent(pair.get("/notes", &token)).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(told(&answer).contains("scope=\"notes\""), "{}", told(&answer));
    let pay = |token: &str| pair.http.post(pair.api.at("/payments")).bearer_auth(token);
    let (status, answer) = sent(pay(&token)).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(
        told(&answer).contains("insufficient_user_authentication")
            && told(&answer).contains("max_age=\"300\"")
    );
    let (status, answer) = sent(pay(&pair.of_alice().await)).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer.json::<Value>().await.unwrap(), json!({ "paid_by": "alice" }));
}

/// RFC 8705 section 3, RFC 9449 section 7: over real connections, and with nonces of the API's own.
#[tokio::test]
async fn bound_tokens_need_their_proof() {
    let pair = Pair::start("rs-bound", &["--dpop-nonces"]);
    let url = pair.api.at("/me");
    let bound = pair.own("bound").await;
    assert_eq!(sent(pair.get("/me", &bound)).await.0, StatusCode::UNAUTHORIZED);
    let (status, _) = sent(connecting(Some(SELF_SIGNED)).get(&url).bearer_auth(&bound)).await;
    assert_eq!(status, StatusCode::OK);
    let asked = ("dpop", proof("POST", &pair.provider.at("/token"), &[]).sign());
    let keyed = pair.token("jwt", &[("grant_type", "client_credentials")], &[asked]).await;
    let with = |proof: &JwtForm| {
        let proof = proof.clone().presenting(&keyed).sign();
        pair.http.get(&url).header(AUTHORIZATION, format!("DPoP {keyed}")).header("dpop", proof)
    };
    let (status, answer) = sent(with(&proof("GET", &url, &[]))).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(told(&answer).contains("use_dpop_nonce"));
    let nonce = answer.headers()["dpop-nonce"].to_str().unwrap().to_owned();
    let (status, _) = sent(with(&proof("GET", &url, &[("nonce", &nonce)]))).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(sent(pair.get("/me", &keyed)).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_api_describes_itself() {
    let pair = Pair::start("rs-metadata", &[]);
    let (_, answer) = sent(pair.http.get(pair.api.at("/.well-known/oauth-protected-resource"))).await;
    let metadata: Value = answer.json().await.unwrap();
    assert_eq!(metadata["resource"], pair.api.url.as_str());
    assert_eq!(metadata["authorization_servers"], json!([pair.provider.url]));
    assert_eq!(metadata["scopes_supported"], json!(["notes"]));
}

#[test]
fn a_provider_that_is_not_there_is_named() {
    let flags =
        ["--listen", "127.0.0.1:0", "--issuer", "https://127.0.0.1:9", "--dangerous-allow-loopback-fetch"];
    let written = refusal("resource_server", &flags);
    assert!(written.contains("https://127.0.0.1:9/.well-known/openid-configuration"), "{written}");
}
