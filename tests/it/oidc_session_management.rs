//! OpenID Connect Session Management 1.0 sections 2, 3.2 and 3.3: clients watch who is signed in in a
//! browser.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::header::SET_COOKIE;
use http::{HeaderValue, Method};
use sha2::{Digest as _, Sha256};
use vouchsafe::error::BoxError;
use vouchsafe::provider::{
    BuildError, Denial, Interaction, Mount, Next, Provider, ProviderBuilder, Question,
};
use vouchsafe::store::{Stores, memory::MemoryStore};
use vouchsafe::testing::{Form, Harness, HarnessBuilder, Landing, OneLogin, Visit, authorize_form, block_on};
use vouchsafe::types::{Authentication, SessionId, Subject};
use vouchsafe::wire::{Request, Response};

const COOKIE: &str = "__Host-vs_login_state";

fn watched() -> HarnessBuilder {
    Harness::builder().provider(ProviderBuilder::with_session_management)
}

fn get(path: &str) -> Request {
    http::Request::get(path).body(Bytes::new()).unwrap()
}

/// What the browser's cookie says now.
fn state(h: &Harness) -> Option<String> {
    h.browser().cookie(COOKIE)
}

/// What the page at `check_session_iframe` answers a client that holds this `session_state`.
fn is_unchanged(h: &Harness, client_id: &str, origin: &str, session_state: &str) -> bool {
    let (hash, salt) = session_state.split_once('.').unwrap();
    assert!(hash.len() == 43 && salt.len() == 22 && !session_state.contains(' '), "{session_state}");
    let text = format!("{client_id} {origin} {} {salt}", state(h).unwrap());
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(text)) == hash
}

/// The browser takes an answer in; gives its `session_state`.
fn told(h: &Harness, visit: &Visit<'_>) -> String {
    h.browser().receive_cookies(&visit.outcome.response);
    session_state(&visit.landing()).unwrap()
}

fn session_state(landing: &Landing) -> Option<String> {
    landing.params.one("session_state").unwrap().map(str::to_owned)
}

/// The browser's person signs in, or is signed in, at a client.
fn signs_in(h: &Harness, client_id: &str, subject: &str) -> String {
    told(h, &h.authorize(&authorize_form().client(client_id)).approved_by(subject))
}

/// A silent request while `login` is signed in, with these headers.
fn silent(h: &Harness, login: Option<&Authentication>, headers: &[(&'static str, &str)]) -> Landing {
    let mut request = get(&format!("/authorize?{}", authorize_form().prompt("none").encode()));
    h.browser().send_cookies(&mut request);
    for (name, value) in headers {
        request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
    }
    let host = login.map_or_else(OneLogin::nobody, |login| OneLogin::of(login.clone()));
    let outcome =
        h.exchange(
            request,
            |provider, request| async move { Mount::new(provider, host).answer(&request).await },
        );
    h.browser().receive_cookies(&outcome.response);
    outcome.landing()
}

#[test]
fn it_is_off_by_default() {
    let h = Harness::new();
    let visit = h.authorize(&authorize_form()).approved_by("alice");
    assert_eq!(session_state(&visit.landing()), None);
    assert_eq!(visit.outcome.header("set-cookie"), None);
    assert_eq!(h.answer(get("/check-session")).response.status(), 404);
    let document = h.answer(get("/.well-known/openid-configuration")).json();
    assert_eq!(document.get("check_session_iframe"), None);
    assert_eq!(h.provider().login_state_cookie(None).unwrap(), None);
}

#[test]
fn it_needs_the_authorization_endpoint_and_discovery_names_the_page() {
    let h = watched().config(|config| config.paths.check_session = "/watch".to_owned()).build();
    let document = h.answer(get("/.well-known/openid-configuration")).json();
    assert_eq!(document["check_session_iframe"], "https://op.example/watch");
    assert_eq!(h.answer(get("/watch")).response.status(), 200);
    let (config, keyring) = (h.provider().config().clone(), h.provider().keyring().clone());
    let stores = Stores::of(Arc::new(MemoryStore::new()));
    let builder = Provider::builder(config, stores, keyring, h.system_secrets().clone());
    let refused = builder.with_session_management().build().unwrap_err();
    let needs = BuildError::Needs { feature: "session_management", port: "the authorization endpoint" };
    assert_eq!(refused, needs);
}

#[test]
fn the_page_may_be_framed_and_runs_its_one_script() {
    let h = watched().build();
    let page = h.answer(get("/check-session"));
    let text = std::str::from_utf8(page.response.body()).unwrap();
    let script = text.split_once("<script>").unwrap().1.split_once("</script>").unwrap().0;
    let hash = BASE64_STANDARD.encode(Sha256::digest(script));
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{hash}'; form-action 'none'; frame-ancestors *; base-uri 'none'"
    );
    assert_eq!(page.header("content-security-policy"), Some(policy.as_str()));
    assert_eq!(page.header("x-frame-options"), None);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("cache-control"), Some("public, max-age=600"));
    assert_eq!(page.header("set-cookie"), None);
    assert!(text.contains(&format!("data-cookie=\"{COOKIE}\"")), "the script is told the cookie's name");
    let again = http::Request::get("/check-session").header("if-none-match", page.header("etag").unwrap());
    assert_eq!(h.answer(again.body(Bytes::new()).unwrap()).response.status(), 304);
    let head = h.answer(http::Request::head("/check-session").body(Bytes::new()).unwrap());
    assert!(head.response.status() == 200 && head.response.body().is_empty());
    let posted = h.answer(http::Request::post("/check-session").body(Bytes::new()).unwrap());
    assert_eq!((posted.response.status().as_u16(), posted.header("allow")), (405, Some("GET, HEAD")));
}

#[test]
fn session_state_is_the_salted_hash_of_client_origin_and_cookie() {
    let h = watched().build();
    let [first, second] = [(); 2].map(|()| signs_in(&h, "web", "alice"));
    assert_ne!(first, second, "the salt is new in each response");
    for session_state in [&first, &second] {
        assert!(is_unchanged(&h, "web", "https://web.example", session_state));
        assert!(!is_unchanged(&h, "spa", "https://web.example", session_state), "it is bound to the client");
        assert!(!is_unchanged(&h, "web", "https://evil.example", session_state), "and to the origin");
    }
    let form = authorize_form().client("native").set("redirect_uri", "http://127.0.0.1:5555/cb");
    let native = told(&h, &h.authorize(&form).approved_by("alice"));
    assert!(is_unchanged(&h, "native", "http://127.0.0.1:5555", &native), "a port is part of the origin");
    let form = authorize_form().client("native").set("redirect_uri", "com.example.app:/cb");
    let private = told(&h, &h.authorize(&form).approved_by("alice"));
    assert!(is_unchanged(&h, "native", "null", &private), "a private-use scheme has no origin");
}

#[test]
fn every_mode_and_every_response_type_carries_it() {
    let h = watched().front_channel().build();
    for response_type in
        ["code", "none", "id_token", "code id_token", "id_token token", "code id_token token"]
    {
        let form = authorize_form().client("front").set("response_type", response_type);
        let state = told(&h, &h.authorize(&form).approved_by("alice"));
        assert!(is_unchanged(&h, "front", "https://front.example", &state), "{response_type}");
    }
    let form = authorize_form().set("response_mode", "form_post");
    let posted = told(&h, &h.authorize(&form).approved_by("alice"));
    assert!(is_unchanged(&h, "web", "https://web.example", &posted));
    let oauth = h.authorize(&authorize_form().scope("read")).approved_by("alice");
    assert_eq!(session_state(&oauth.landing()), None, "only OpenID Connect knows it");
    assert_eq!(oauth.outcome.header("set-cookie"), None);
}

#[test]
fn the_cookie_reaches_the_frame_and_its_script() {
    let h = watched().build();
    let visit = h.authorize(&authorize_form()).approved_by("alice");
    let cookie = visit.outcome.response.headers()[SET_COOKIE].clone();
    assert!(cookie.is_sensitive());
    let (pair, attributes) = cookie.to_str().unwrap().split_once("; ").unwrap();
    let (name, value) = pair.split_once('=').unwrap();
    assert_eq!((name, value.len()), (COOKIE, 43));
    let mut attributes: Vec<_> = attributes.split("; ").collect();
    attributes.sort_unstable();
    assert_eq!(attributes, ["Path=/", "SameSite=None", "Secure"], "and not HttpOnly");
    for known in ["alice", "session of alice"] {
        assert!(!value.contains(&BASE64_URL_SAFE_NO_PAD.encode(known)));
    }
    // No browser takes SameSite=None without Secure, and not every one takes Secure over http.
    let h = watched().config(|config| config.issuer = "http://127.0.0.1:4444".parse().unwrap()).build();
    let visit = h.authorize(&authorize_form()).approved_by("alice");
    let cookie = visit.outcome.header("set-cookie").unwrap();
    assert!(cookie.starts_with("vs_login_state_") && cookie.contains("; SameSite=Lax"), "{cookie}");
    assert!(!cookie.contains("Secure") && !cookie.contains("HttpOnly"), "{cookie}");
}

#[test]
fn the_state_lasts_as_long_as_the_session_at_every_client() {
    let h = watched().build();
    let web = signs_in(&h, "web", "alice");
    let before = state(&h);
    h.advance(Duration::from_secs(3600));
    let spa = signs_in(&h, "spa", "alice");
    assert_eq!(state(&h), before, "a newer login in the same session is no other login");
    assert_ne!(web.split_once('.'), spa.split_once('.'));
    assert!(is_unchanged(&h, "web", "https://web.example", &web));
    assert!(is_unchanged(&h, "spa", "https://spa.example", &spa));
    let login = h.login("alice").with_session(SessionId::new("another").unwrap());
    silent(&h, Some(&login), &[]);
    assert!(!is_unchanged(&h, "web", "https://web.example", &web), "another session has answered");
    signs_in(&h, "web", "bob");
    assert_ne!(state(&h), before);
    let h = watched().build();
    signs_in(&h, "web", "alice");
    assert_eq!(state(&h), before, "it is derived under the secrets of the deployment alone");
}

#[test]
fn without_names_for_sessions_the_login_itself_is_watched() {
    let h = watched().build();
    let login = || Authentication::new(Subject::new("alice").unwrap(), h.now());
    let first = login();
    let answers = [first.clone(), first].map(|login| {
        silent(&h, Some(&login), &[]);
        state(&h)
    });
    assert_eq!(answers[0], answers[1]);
    h.advance(Duration::from_secs(1));
    silent(&h, Some(&login()), &[]);
    assert_ne!(state(&h), answers[0]);
}

#[test]
fn a_login_that_is_over_is_noticed_when_a_client_asks() {
    let h = watched().build();
    let web = signs_in(&h, "web", "alice");
    let landing = silent(&h, None, &[]);
    assert_eq!(landing.params.one("error"), Ok(Some("login_required")));
    assert!(!is_unchanged(&h, "web", "https://web.example", &web), "every client is told");
    let after = session_state(&landing).unwrap();
    assert!(is_unchanged(&h, "web", "https://web.example", &after), "and need not ask again");
    let nobody = state(&h);
    let again = session_state(&silent(&h, None, &[])).unwrap();
    assert_eq!(state(&h), nobody, "nobody is signed in, as before");
    assert_ne!(again, after, "section 3.2: it varies with each request");
    h.browser().clear();
    silent(&h, None, &[]);
    assert_ne!(state(&h), nobody, "it cannot be guessed that nobody is signed in");
}

/// attack 235: a frame of another site leaves out the cookies of the login. That nobody seems to be signed in
/// there must not have every client told so.
#[test]
fn a_frame_of_another_site_tells_nobody_that_the_login_is_over() {
    let h = watched().build();
    let web = signs_in(&h, "web", "alice");
    let cookie = state(&h).unwrap();
    h.browser().clear();
    h.browser().plant_cookie(COOKIE, &cookie);
    for headers in [&[][..], &[("sec-fetch-dest", "iframe")]] {
        let landing = silent(&h, None, headers);
        assert_eq!(landing.params.one("error"), Ok(Some("login_required")));
        assert!(is_unchanged(&h, "web", "https://web.example", &web));
        assert!(is_unchanged(&h, "web", "https://web.example", &session_state(&landing).unwrap()));
    }
    let out = h.log_out(&Form::new(), &OneLogin::nobody());
    assert_eq!(out.header("set-cookie"), None);
    // A navigation of the whole window brings all cookies.
    silent(&h, None, &[("sec-fetch-dest", "document")]);
    assert!(!is_unchanged(&h, "web", "https://web.example", &web));
}

#[test]
fn errors_carry_it_and_change_nothing_where_it_is_not_known_who_is_signed_in() {
    let h = watched().build();
    let web = signs_in(&h, "web", "alice");
    let refused = h.authorize(&authorize_form().set("response_type", "code token"));
    let denied = h.authorize(&authorize_form()).denied(Denial::Person);
    let unseen = h.authorize(&authorize_form().set("request", "x"));
    for visit in [refused, denied, unseen] {
        assert!(visit.landing().params.one("error").unwrap().is_some());
        assert_eq!(visit.outcome.header("set-cookie"), None);
        let state = told(&h, &visit);
        assert!(is_unchanged(&h, "web", "https://web.example", &state));
        assert_ne!(state, web);
    }
    let alice = h.login("alice");
    let consent = h.authorize(&authorize_form().prompt("none")).next(Some(&alice));
    assert!(is_unchanged(&h, "web", "https://web.example", &told(&h, &consent)));
    h.browser().clear();
    let first = h.authorize(&authorize_form().set("response_type", "code token"));
    assert!(is_unchanged(&h, "web", "https://web.example", &told(&h, &first)));
}

#[test]
fn a_request_that_went_from_page_to_page_is_answered_alike() {
    let h = watched().build();
    let resumed = || h.authorize(&authorize_form()).resumed_after(Duration::from_secs(60));
    let web = told(&h, &resumed().approved_by("alice"));
    assert!(is_unchanged(&h, "web", "https://web.example", &web));
    let alice = state(&h);
    let denied = resumed().denied(Denial::Person);
    assert_eq!(denied.outcome.header("set-cookie"), None, "a page that denies does not say who is signed in");
    assert!(is_unchanged(&h, "web", "https://web.example", &told(&h, &denied)));
    let unmet = resumed().next(None).denied(Denial::Login);
    told(&h, &unmet);
    assert_ne!(state(&h), alice, "the page that asked for a login has found nobody");
}

#[test]
fn what_is_no_state_of_ours_is_replaced() {
    let h = watched().build();
    signs_in(&h, "web", "alice");
    for planted in ["", "x", "a b", &"A".repeat(44), "%3Cscript%3E"] {
        h.browser().plant_cookie(COOKIE, planted);
        let visit = h.authorize(&authorize_form()).denied(Denial::Person);
        let session_state = told(&h, &visit);
        assert_ne!(state(&h).as_deref(), Some(planted));
        assert!(is_unchanged(&h, "web", "https://web.example", &session_state), "{planted}");
    }
}

/// A host with a page of its own for those who have signed out.
#[derive(Debug)]
struct OwnPage(Arc<OneLogin>);

#[async_trait]
impl Interaction for OwnPage {
    async fn authentication(&self, request: &Request) -> Result<Option<Authentication>, BoxError> {
        self.0.authentication(request).await
    }

    async fn ask(&self, question: Question<'_>) -> Result<Response, BoxError> {
        self.0.ask(question).await
    }

    async fn sign_out(&self, request: &Request) -> Result<Vec<HeaderValue>, BoxError> {
        self.0.sign_out(request).await
    }

    async fn logged_out(&self) -> Result<Response, BoxError> {
        Ok(Response::new(Bytes::from_static(b"bye")))
    }
}

#[test]
fn a_logout_takes_the_state_away_with_whatever_page_it_ends() {
    let h = watched().build();
    let tokens = h.tokens(&authorize_form(), "alice");
    let returning = Form::new()
        .set("id_token_hint", tokens.id_token.unwrap())
        .set("post_logout_redirect_uri", "https://web.example/out");
    for (form, own_page) in
        [(returning.clone(), false), (returning, true), (Form::new(), false), (Form::new(), true)]
    {
        signs_in(&h, "web", "alice");
        assert!(state(&h).is_some());
        let host = OneLogin::of(h.login("alice"));
        let page = h.log_out(&form, &host);
        let last = if own_page { confirmed(&h, &page, &host) } else { pressed(&h, page, &host) };
        let ends = last.headers().get_all(SET_COOKIE).iter().filter(|cookie| {
            let cookie = cookie.to_str().unwrap();
            cookie.starts_with(&format!("{COOKIE}=; ")) && cookie.contains("Max-Age=0")
        });
        assert_eq!(ends.count(), 1);
        assert_eq!((state(&h), host.login()), (None, None));
    }
    let again = h.log_out(&Form::new(), &OneLogin::nobody());
    assert!(again.header("set-cookie").unwrap().contains("Max-Age=0"), "nobody is signed in, for certain");
}

/// The person agrees where they are asked.
fn pressed(h: &Harness, page: vouchsafe::testing::Outcome, host: &Arc<OneLogin>) -> Response {
    match host.login() {
        Some(_) => h.confirm_logout(&page, host).response,
        None => page.response,
    }
}

/// As [`pressed`], at a host with a page of its own.
fn confirmed(h: &Harness, page: &vouchsafe::testing::Outcome, host: &Arc<OneLogin>) -> Response {
    if host.login().is_none() {
        return page.response.clone();
    }
    let form: Form = page.landing().params.iter().collect();
    let mut request = http::Request::post("/logout")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(form.encode()))
        .unwrap();
    h.browser().send_cookies(&mut request);
    let own = Arc::new(OwnPage(Arc::clone(host)));
    let out =
        h.exchange(
            request,
            |provider, request| async move { Mount::new(provider, own).answer(&request).await },
        );
    assert_eq!(out.response.body(), "bye");
    h.browser().receive_cookies(&out.response);
    out.response
}

#[test]
fn a_host_tells_of_logins_outside_of_the_provider() {
    let h = watched().build();
    let set = |login: Option<&Authentication>| {
        let cookie = h.provider().login_state_cookie(login).unwrap().unwrap();
        let mut response = Response::default();
        response.headers_mut().insert(SET_COOKIE, cookie);
        h.browser().receive_cookies(&response);
        state(&h)
    };
    let web = signs_in(&h, "web", "alice");
    let alice = state(&h);
    assert_eq!(set(Some(&h.login("alice"))), alice);
    assert_ne!(set(Some(&h.login("bob"))), alice);
    assert!(!is_unchanged(&h, "web", "https://web.example", &web));
    assert_eq!(set(None), None);
}

/// A host that shows a page whenever something is missing.
#[derive(Debug)]
struct Asks(Authentication);

#[async_trait]
impl Interaction for Asks {
    async fn authentication(&self, _: &Request) -> Result<Option<Authentication>, BoxError> {
        Ok(Some(self.0.clone()))
    }

    async fn ask(&self, _: Question<'_>) -> Result<Response, BoxError> {
        Ok(Response::default())
    }
}

#[test]
fn a_person_who_has_signed_in_is_told_of_before_they_agree() {
    let h = watched().build();
    let web = signs_in(&h, "web", "bob");
    let asks: Arc<dyn Interaction> = Arc::new(Asks(h.login("alice")));
    let denies: Arc<dyn Interaction> = OneLogin::of(h.login("alice"));
    for host in [asks, denies] {
        let mut request = get(&format!("/authorize?{}", authorize_form().encode()));
        h.browser().send_cookies(&mut request);
        let out = h.exchange(request, |provider, request| async move {
            Mount::new(provider, host).answer(&request).await
        });
        assert_eq!(out.response.headers().get_all(SET_COOKIE).iter().count(), 1, "it is told once");
        h.browser().receive_cookies(&out.response);
        assert!(!is_unchanged(&h, "web", "https://web.example", &web));
    }
}

#[test]
fn no_debug_output_tells_the_state() {
    let h = watched().build();
    signs_in(&h, "web", "alice");
    let (state, alice) = (state(&h).unwrap(), h.login("alice"));
    let pending = h.authorize(&authorize_form().prompt("none")).pending().clone();
    let mut seen = format!("{pending:?}");
    let sealed = block_on(h.provider().seal(&pending)).unwrap();
    let mut request = Request::default();
    h.browser().send_cookies(&mut request);
    let resumed = block_on(h.provider().resume(&sealed, &Method::GET, request.headers()));
    let next = block_on(h.provider().next(pending, Some(&alice)));
    seen += &format!("{resumed:?} {next:?}");
    let Next::Respond(response) = next else { panic!("a silent request is answered") };
    seen += &format!("{:?}", response.headers());
    assert!(!seen.contains(&state), "{seen}");
}
