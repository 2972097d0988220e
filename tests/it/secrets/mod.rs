//! Secrets are in no log, no trace, no event, no error and no `Debug` (fuzz plan, property 10): every endpoint is sent
//! secrets that the test knows, in requests that are answered and in requests that are refused.

mod watch;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::json;
use vouchsafe::adapters::sqlx::SqliteStore;
use vouchsafe::client::{AccessTokenFormatChoice, Client, ClientMetadata, ClientSettings};
use vouchsafe::error::{Error, Internal, Reason};
use vouchsafe::event::{Endpoint, Event, EventKind, EventSink as _};
use vouchsafe::provider::{
    Approval, Authorize, Denial, GrantFilter, InitialTokenUses, Logout, Next, PendingAuthorization,
    Registration,
};
use vouchsafe::secret::{Secret, TokenHash};
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::store::{
    CodeStore as _, ConsentFilter, ConsentStore as _, Filter, GrantStore as _, Page, RevokedGrants, Stores,
    TokenStore as _,
};
use vouchsafe::testing::{
    AuthorizeForm, Fault, Faults, Form, Harness, HarnessBuilder, Landing, TokenForm, authorize_form,
    block_on, client_form, code_form, refresh_form, token_form,
};
use vouchsafe::types::{ClientId, GrantType, Scope, Subject};
use vouchsafe::wire::{Request, RequestHead, Response, form_post};

use self::watch::{EXTENSION, Watch};

/// How many outcomes are seen at each endpoint at least: the reasons of refusals, and that it answered.
const SEEN: [(&str, usize); 12] = [
    ("Administration", 1),
    ("Authorization", 26),
    ("CheckSession", 1),
    ("Discovery", 1),
    ("EndSession", 11),
    ("Introspection", 16),
    ("Jwks", 1),
    ("Registration", 8),
    ("Revocation", 16),
    ("Token", 29),
    ("Unknown", 2),
    ("Userinfo", 11),
];

/// A client with the grant type and the token format of the host, where clients register and watch browsers.
fn extended() -> HarnessBuilder {
    let metadata = ClientMetadata::service().with_grant_type(GrantType::from(EXTENSION));
    let format = AccessTokenFormatChoice::Extension(EXTENSION.into());
    let settings = ClientSettings::new().with_access_token_format(format);
    Harness::builder()
        .provider(|builder| {
            builder.with_registration(Registration::by_initial_access_token()).with_session_management()
        })
        .confidential(Client::builder(ClientId::new("extended").unwrap(), metadata).settings(settings))
}

fn asked() -> AuthorizeForm {
    authorize_form().scope("openid email offline_access read")
}

impl Watch {
    /// Opens the authorization endpoint, as the browser of `cookies` does.
    fn opened(&self, form: &AuthorizeForm, cookies: &HeaderMap) -> (Request, Authorize) {
        let uri = format!("/authorize?{}", form.encode());
        let mut request = http::Request::get(uri).body(Bytes::new()).unwrap();
        *request.headers_mut() = cookies.clone();
        let opened = block_on(self.h.provider().handle(&request));
        self.said().debug("an opened request", &opened);
        (request, opened)
    }

    /// A request that waits for a person, and the cookie that its browser has.
    fn pending(&self, form: &AuthorizeForm) -> (PendingAuthorization, HeaderMap) {
        let (_, opened) = self.opened(form, &HeaderMap::new());
        let Authorize::Interact { pending, set_cookie } = opened else {
            panic!("the request waits: {form:?}")
        };
        let cookie = set_cookie.unwrap();
        let cookie = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        self.secret("the browser's cookie", cookie.split_once('=').unwrap().1);
        let mut cookies = HeaderMap::new();
        cookies.insert(COOKIE, HeaderValue::try_from(cookie).unwrap());
        (pending, cookies)
    }

    /// A request whose secrets are the client's own to know.
    fn confidential(&self, form: AuthorizeForm) -> AuthorizeForm {
        let hint = format!("{}@people.example", self.plain_marker());
        form.set("state", self.marker()).set("nonce", self.marker()).set("login_hint", hint)
    }

    /// The code of a request that alice approves and remembers.
    fn code(&self, form: &AuthorizeForm) -> String {
        let (pending, _) = self.pending(form);
        let approval = Approval::new(self.h.login("alice"), pending.request().scope.clone()).remembered();
        self.said().debug("an approval", &approval);
        let approved = block_on(self.h.provider().approve(pending, approval));
        self.sent_back(&approved.unwrap())
    }

    /// The code that a response carries.
    fn sent_back(&self, response: &Response) -> String {
        let landing = Landing::of(response).unwrap();
        let code = landing.params.one("code").unwrap().unwrap().to_owned();
        self.secret("a code", &code);
        code
    }

    /// Sends a form past the wire, to the three endpoints that can be called so.
    fn call(&self, form: TokenForm) {
        let request = self.h.post("/token", form);
        let (head, params) = (RequestHead::read(&request).unwrap(), form_post(&request).unwrap());
        let provider = self.h.provider();
        let introspected = block_on(provider.introspect(&head, &params));
        self.said().debug("an introspection", &introspected);
        let redeemed = block_on(provider.redeem(&head, params.clone()));
        self.said().debug("a redemption", &redeemed);
        if let Ok(tokens) = &redeemed {
            for token in [Some(&tokens.access_token), tokens.refresh_token.as_ref(), tokens.id_token.as_ref()]
            {
                token.into_iter().for_each(|token| self.secret("a token", token.expose()));
            }
        }
        let revoked = block_on(provider.revoke(&head, &params));
        let errors = [introspected.err(), redeemed.err(), revoked.err()];
        errors.iter().flatten().for_each(|error| self.said().error("an error", error));
    }
}

/// The authorization endpoint, the pages of the host, and every way through and out of them.
fn sign_in(w: &Watch) {
    let form = w.confidential(asked());
    let (pending, cookies) = w.pending(&form);
    w.said().debug("a pending request", &(&pending, pending.request(), pending.redirect_uri()));
    let provider = w.h.provider();
    let sealed = block_on(provider.seal(&pending)).unwrap();
    w.secret("a sealed request", &sealed);
    for (text, method, headers) in [
        (sealed.clone(), Method::GET, cookies.clone()),
        (sealed.clone(), Method::GET, HeaderMap::new()),
        (sealed.clone(), Method::POST, HeaderMap::new()),
        (format!("{sealed}AAAA"), Method::GET, cookies.clone()),
        (w.plain_marker(), Method::POST, cookies.clone()),
    ] {
        w.said().debug("a resumed request", &block_on(provider.resume(&text, &method, &headers)));
    }
    let login = w.h.login("alice");
    for signed_in in [None, Some(&login)] {
        w.said().debug("what is next", &block_on(provider.next(pending.clone(), signed_in)));
    }
    let wider = Approval::new(login.clone(), Scope::parse("openid admin").unwrap());
    w.said().debug("a refused approval", &block_on(provider.approve(pending.clone(), wider)).unwrap_err());
    drop(block_on(provider.deny(&pending, Denial::Person)));
    let waived = w.confidential(asked().client("trusted"));
    let next = block_on(provider.next(w.pending(&waived).0, Some(&login)));
    w.said().debug("what is next", &next);
    let Next::Respond(response) = next else { panic!("consent is waived for this client") };
    let _ = w.sent_back(&response);
}

/// Requests at the authorization endpoint that go wrong, by GET and by POST.
fn sign_in_wrongly(w: &Watch) {
    let form = w.confidential(asked()).set("claims", "{}").set("max_age", "60").set("prompt", "login");
    let (request, _) = w.opened(&form, &w.pending(&form).1);
    w.send_wrongly(&request);
    let posted = http::Request::post("/authorize")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(form.encode()))
        .unwrap();
    w.send_wrongly(&posted);
    let silent = w.confidential(asked()).prompt("none");
    drop(w.send(&w.opened(&silent, &HeaderMap::new()).0));
    for bent in [form.clone().set("redirect_uri", w.marker()), form.set("response_type", w.marker())] {
        w.said().debug("a refused request", &w.opened(&bent, &HeaderMap::new()).1);
    }
}

/// Every grant, for every way to authenticate; used, used again, and used wrongly.
fn redeem(w: &Watch) {
    for client in ["web", "post", "spa", "signer"] {
        let form = w.confidential(asked().client(client));
        let request = w.h.post("/token", code_form(&form, &w.code(&form)));
        w.send_wrongly(&request);
        let body = w.send(&w.h.post("/token", code_form(&form, &w.code(&form))));
        assert_eq!(body.status(), StatusCode::OK, "{client}");
        let body: serde_json::Value = serde_json::from_slice(body.body()).unwrap();
        let refresh_token = body["refresh_token"].as_str().unwrap();
        let refresh = || w.h.post("/token", refresh_form(client, refresh_token));
        w.send_wrongly(&refresh());
        assert_eq!(w.send(&refresh()).status(), StatusCode::OK, "{client}");
        w.h.advance(Duration::from_secs(120));
        drop(w.send(&refresh()));
        w.call(code_form(&form, &w.code(&form)));
        let twice = code_form(&form, &w.code(&form));
        (0..2).for_each(|_| drop(w.send(&w.h.post("/token", twice.clone()))));
    }
    for (client, grant_type) in
        [("service", "client_credentials"), ("extended", EXTENSION), ("web", "password")]
    {
        let request = w.h.post("/token", token_form(grant_type).client(client).set("password", w.marker()));
        drop(w.send(&request));
        w.send_wrongly(&request);
        w.call(token_form(grant_type).client(client).set("token", w.marker()));
    }
}

/// Userinfo, introspection and revocation, of tokens that are good and of others.
fn use_tokens(w: &Watch) {
    let form = w.confidential(asked());
    let response = w.send(&w.h.post("/token", code_form(&form, &w.code(&form))));
    let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
    let (access, refresh) = (body["access_token"].as_str().unwrap(), body["refresh_token"].as_str().unwrap());
    let userinfo = http::Request::get("/userinfo").header(AUTHORIZATION, format!("Bearer {access}"));
    let userinfo = userinfo.body(Bytes::new()).unwrap();
    assert_eq!(w.send(&userinfo).status(), StatusCode::OK);
    w.send_wrongly(&userinfo);
    w.send_wrongly(
        &w.h.post("/userinfo", client_form(Form::new().set("access_token", access)).unauthenticated()),
    );
    for token in [access, refresh, &w.marker(), &format!("vs_at_{}", w.plain_marker())] {
        let claims = block_on(w.h.provider().claims_for(&Secret::new(token)));
        w.said().debug("claims", &claims);
        claims.err().iter().for_each(|error| w.said().error("an error", error));
        for (path, client) in [("/introspect", "api"), ("/introspect", "web"), ("/revoke", "post")] {
            let form =
                || client_form(Form::new().set("token", token).set("token_type_hint", "x")).client(client);
            drop(w.send(&w.h.post(path, form())));
            w.send_wrongly(&w.h.post(path, form()));
            w.call(form());
        }
    }
    keep(w, access);
    for token in [access, refresh] {
        drop(w.send(&w.h.post("/revoke", client_form(Form::new().set("token", token)))));
    }
}

/// What can be listed, and what is in the store.
fn keep(w: &Watch, access: &str) {
    let (h, page, now) = (&w.h, Page::first(1000), w.h.now());
    let (alice, web) = (Subject::new("alice").unwrap(), ClientId::new("web").unwrap());
    w.said().debug(
        "grants",
        &block_on(h.provider().administration().grants(&GrantFilter::Subject(alice.clone()), &page)),
    );
    w.said().debug("consents", &block_on(h.provider().administration().consents_of_subject(&alice, &page)));
    let code = w.code(&w.confidential(asked()));
    w.said().debug("a code", &block_on(h.store().consume_code(&TokenHash::of(&code), &web, now)));
    w.said().debug("a token", &block_on(h.store().access_token(&TokenHash::of(access), now)));
    w.said().debug(
        "the grants",
        &block_on(h.store().grants(&Filter::Client(web.clone()), RevokedGrants::Included, &page, now)),
    );
    w.said().debug(
        "the consents",
        &block_on(h.store().consents(&ConsentFilter::Client(web.clone()), &page, now)),
    );
    w.said().debug("the store", &(h.store(), h.store_state()));
    w.said().debug("the provider", &(h.provider(), h.system_secrets(), h.client("web")));
    w.said().debug("the metadata", h.client("web").metadata());
    assert!(block_on(h.provider().administration().revoke_consent(&alice, &web)).is_ok());
}

/// Registration and its management, with tokens that are good, and without.
fn register(w: &Watch) {
    let minted =
        w.h.provider()
            .administration()
            .mint_initial_access_token(InitialTokenUses::UntilExpiry, Duration::from_secs(3600));
    let initial = block_on(minted).unwrap();
    w.secret("an initial access token", initial.expose());
    let send = |method: Method, uri: &str, token: &str, body: String| {
        let request = http::Request::builder()
            .method(method)
            .uri(uri)
            .header("content-type", "application/json")
            .header(AUTHORIZATION, format!("Bearer {token}"));
        let request = request.body(Bytes::from(body)).unwrap();
        let answer = w.send(&request);
        w.send_with_wrong_heads(&request);
        answer
    };
    let sound = json!({ "redirect_uris": ["https://rp.example/cb"] });
    let registered = send(Method::POST, "/register", initial.expose(), sound.to_string());
    assert_eq!(registered.status(), StatusCode::CREATED);
    for (name, value) in [("redirect_uris", json!([w.marker()])), ("jwks", json!({ "keys": [w.marker()] }))] {
        let mut unsound = sound.clone();
        unsound[name] = value;
        drop(send(Method::POST, "/register", initial.expose(), unsound.to_string()));
    }
    drop(send(Method::POST, "/register", initial.expose(), w.marker()));
    drop(send(Method::POST, "/register", &w.plain_marker(), sound.to_string()));
    let body: serde_json::Value = serde_json::from_slice(registered.body()).unwrap();
    let [uri, token, id, secret] =
        ["registration_client_uri", "registration_access_token", "client_id", "client_secret"]
            .map(|name| body[name].as_str().unwrap());
    drop(send(Method::GET, uri, &w.plain_marker(), String::new()));
    assert_eq!(send(Method::GET, uri, token, String::new()).status(), StatusCode::OK);
    let update = |secret: &str| {
        let mut update = sound.clone();
        (update["client_id"], update["client_secret"]) = (id.into(), secret.into());
        update.to_string()
    };
    drop(send(Method::PUT, uri, token, update(&w.marker())));
    assert_eq!(send(Method::PUT, uri, token, update(secret)).status(), StatusCode::OK);
    let id = ClientId::new(id).unwrap();
    w.said().debug("a registered client", &block_on(w.h.provider().client(&id)));
    let minted =
        block_on(w.h.provider().administration().mint_registration_access_token(&id)).unwrap().unwrap();
    w.secret("the minted registration access token", minted.expose());
    w.said().debug("a minted token", &minted);
    assert_eq!(send(Method::DELETE, uri, minted.expose(), String::new()).status(), StatusCode::NO_CONTENT);
}

/// Logouts of people who are signed in and of nobody, and who is watched meanwhile.
fn sign_out(w: &Watch) {
    let (h, form) = (&w.h, w.confidential(asked()));
    let response = w.send(&h.post("/token", code_form(&form, &w.code(&form))));
    let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
    let hint = body["id_token"].as_str().unwrap();
    let login = h.login("alice");
    let cookie = h.provider().login_state_cookie(Some(&login)).unwrap().unwrap();
    w.secret("the login state", cookie.to_str().unwrap().split([';', '=']).nth(1).unwrap());
    let named =
        Form::new().set("client_id", "web").set("post_logout_redirect_uri", "https://web.example/out");
    let named = named.set("state", w.marker()).set("logout_hint", w.marker());
    for form in [named.clone(), named.set("id_token_hint", hint)] {
        let request = http::Request::get(format!("/logout?{}", form.encode()));
        let request = request.header(COOKIE, cookie.to_str().unwrap().split(';').next().unwrap());
        let request = request.body(Bytes::new()).unwrap();
        drop(w.send(&request));
        w.send_wrongly(&request);
        let logout = block_on(h.provider().logout(&request, Some(&login)));
        w.said().debug("a logout", &logout);
        let pending = match logout {
            Logout::Confirm { pending, set_cookie } => {
                drop(set_cookie);
                let sealed = block_on(async { h.provider().seal_logout(&pending) }).unwrap();
                w.secret("a sealed logout", &sealed);
                let confirmed = Form::new().set("confirmation", sealed).encode();
                let posted = http::Request::post("/logout")
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(Bytes::from(confirmed));
                w.send_wrongly(&posted.unwrap());
                pending
            }
            Logout::End(pending) => pending,
            other => panic!("somebody is signed in: {other:?}"),
        };
        let ended = block_on(h.provider().carry_out_logout(&pending)).unwrap();
        w.said().debug("an ended logout", &(&pending, &ended, ended.response().headers()));
    }
}

/// Documents, and paths of nobody.
fn read_documents(w: &Watch) {
    for path in ["/.well-known/openid-configuration", "/jwks", "/check-session", "/nowhere"] {
        let uri = format!("{path}?access_token={}", w.plain_marker());
        let request = http::Request::get(uri).header(AUTHORIZATION, format!("Bearer {}", w.plain_marker()));
        let request = request.body(Bytes::new()).unwrap();
        drop(w.send(&request));
        w.send_wrongly(&request);
    }
    drop(w.h.provider().refuse(&format!("/{}", w.plain_marker()), Reason::BodyTooLarge));
}

#[test]
fn no_secret_is_told_by_anything_but_its_response() {
    let w = Watch::new(extended());
    w.trace.of(|| {
        sign_in(&w);
        sign_in_wrongly(&w);
        redeem(&w);
        use_tokens(&w);
        register(&w);
        sign_out(&w);
        read_documents(&w);
    });
    let leaks = w.leaks();
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks[..leaks.len().min(5)].join("\n"));
    let outcomes = w.heard.outcomes.lock().unwrap();
    for (endpoint, reasons) in SEEN {
        let seen = outcomes.get(endpoint).unwrap_or_else(|| panic!("nothing was heard of {endpoint}"));
        assert!(seen.len() >= reasons, "{endpoint}: {} {seen:?}", seen.len());
    }
    for endpoint in ["Authorization", "EndSession", "Introspection", "Registration", "Revocation", "Token"] {
        assert!(outcomes[endpoint].contains("answered"), "{endpoint}");
    }
    assert!(w.trace.named("vouchsafe").len() > 500 && w.trace.events().len() > 500);
}

/// What is told of a fault comes from elsewhere: stores, accounts, and what they are asked.
#[test]
fn no_fault_tells_a_secret() {
    let faults = Faults::new();
    let stores = faults.clone();
    let w = Watch::new(extended().stores(move |memory| stores.stores(memory)));
    w.trace.of(|| {
        for fault in [Fault::Unavailable, Fault::Conflict] {
            let form = w.confidential(asked());
            let redeemed = w.send(&w.h.post("/token", code_form(&form, &w.code(&form))));
            let body: serde_json::Value = serde_json::from_slice(redeemed.body()).unwrap();
            let (code, (pending, _)) = (w.code(&form), w.pending(&form));
            let verbs =
                ["access_token", "consume_code", "grant", "insert_grant", "insert_code", "insert_tokens"];
            for verb in verbs.into_iter().chain([
                "first_use",
                "remember",
                "remembered",
                "revoke",
                "use_refresh_token",
            ]) {
                faults.break_verb(verb, fault);
            }
            w.h.accounts().fail(true);
            let refresh_token = body["refresh_token"].as_str().unwrap();
            drop(w.send(&w.h.post("/token", code_form(&form, &code))));
            drop(w.send(&w.h.post("/token", refresh_form("web", refresh_token))));
            drop(w.send(&w.h.post("/token", token_form("client_credentials").client("signer"))));
            let token = || client_form(Form::new().set("token", body["access_token"].as_str().unwrap()));
            drop(w.send(&w.h.post("/introspect", token().client("api"))));
            drop(w.send(&w.h.post("/revoke", token())));
            w.call(code_form(&form, &code));
            let approval = Approval::new(w.h.login("alice"), pending.request().scope.clone());
            w.said().debug("an approval", &block_on(w.h.provider().approve(pending, approval)).map(drop));
            faults.mend();
            w.h.accounts().fail(false);
        }
    });
    assert_eq!(w.leaks(), Vec::<String>::new());
    assert!(w.heard.outcomes.lock().unwrap()["Token"].contains("StoreUnavailable"));
}

/// The watch finds a leak wherever there is one.
#[test]
fn a_planted_leak_is_found() {
    let planted = |plant: fn(&Watch, &str)| {
        let w = Watch::new(extended());
        let secret = w.h.client_secret("web").to_owned();
        w.trace.of(|| plant(&w, &secret));
        w.leaks().len()
    };
    assert_eq!(planted(|_, _| {}), 0);
    assert_eq!(planted(|_, secret| tracing::trace!(target: "elsewhere", secret, "a line")), 1);
    assert_eq!(planted(|_, secret| drop(tracing::trace_span!("a span", secret))), 1);
    let by_event = |w: &Watch, secret: &str| {
        let grant_type = GrantType::from(secret);
        let event = Event::new(w.h.now(), Endpoint::Token, EventKind::TokensIssued { grant_type });
        w.heard.emit(&event);
    };
    assert_eq!(planted(by_event), 2, "by the event and by the line that tracing makes of it");
    let by_source = |w: &Watch, secret: &str| {
        let error = Error::from(Internal::new("could not", secret));
        w.said().error("an error", &error);
    };
    assert_eq!(planted(by_source), 2, "by an error and by what is behind it");
    assert_eq!(planted(|w, _| w.said().debug("a request", &w.h.post("/token", token_form("x")))), 1);
}

/// Whoever has the database has no secret: what is in its files, row by row and in what was deleted.
#[test]
fn no_secret_is_in_the_database() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no_secret_is_in_the_database");
    drop(fs::remove_dir_all(&directory));
    fs::create_dir_all(&directory).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _entered = runtime.enter();
    let file = directory.join("vouchsafe.db");
    let store = runtime.block_on(async {
        let store = SqliteStore::connect(file.to_str().unwrap()).await.unwrap();
        store.migrate().await.unwrap();
        store
    });
    let kept = Arc::new(store.clone());
    let stores = move |memory: &MemoryStore| {
        let clients = Arc::new(memory.clone());
        Stores::new(clients, kept.clone(), kept.clone(), kept.clone())
            .with_registry(kept.clone())
            .with_replays(kept.clone())
            .with_tickets(kept)
    };
    let w = Watch::new(extended().stores(stores));
    let oversized = w.confidential(asked()).set("claims", format!("{{\"{}\":{{}}}}", "c".repeat(4096)));
    let sealed = block_on(w.h.provider().seal(&w.pending(&oversized).0)).unwrap();
    w.secret("a sealed request", &sealed);
    redeem(&w);
    register(&w);
    runtime.block_on(store.close());
    let files = fs::read_dir(&directory).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let bytes: Vec<u8> = files.flatten().collect();
    assert!(bytes.windows(3).any(|window| window == b"spa"), "the rows are in the files that were read");
    assert_eq!(w.taint.borrow().found_in(&bytes), None);
}
