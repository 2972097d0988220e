//! Requests that wait for a person, sealed into the browser (RFC 6819 section 4.4.1.8, RFC 9700 section 4.7).

use std::time::Duration;

use http::{HeaderMap, Method};
use proptest::prelude::*;
use vouchsafe::client::{Client, ClientAuthMethod, ClientMetadata, ClientSettings};
use vouchsafe::clock::Timestamp;
use vouchsafe::error::{Reason, Result};
use vouchsafe::limiter::{Admission, LimitPoint, Limiter};
use vouchsafe::provider::{
    Answer, Approval, Asked, AuthorizationRule, Context, LoginNeed, MAX_SEALED_BYTES, Needs,
};
use vouchsafe::store::Stores;
use vouchsafe::testing::{
    AuthorizeForm, Browser, CODE_VERIFIER, Harness, HarnessBuilder, authorize_form, code_form,
};
use vouchsafe::types::{ClientId, RedirectUri, Scope};
use vouchsafe::wire::Request;

const COOKIE: &str = "__Host-vs_browser";

/// A harness without a place for oversized requests.
fn without_tickets() -> HarnessBuilder {
    Harness::builder().stores(|store| {
        let store = std::sync::Arc::new(store.clone());
        Stores::of(store.clone()).with_replays(store)
    })
}

fn cookies(browser: &Browser) -> HeaderMap {
    let mut request = Request::default();
    browser.send_cookies(&mut request);
    request.headers().clone()
}

#[test]
fn a_request_is_carried_from_page_to_page_whole() {
    let h = Harness::new();
    let form = authorize_form()
        .scope("openid email")
        .set("login_hint", "al")
        .set("max_age", "60")
        .set("claims", "{}");
    let visit = h.authorize(&form);
    let resumed = visit.resumed_after(Duration::from_secs(1));
    assert_eq!(resumed.pending().request(), visit.pending().request());
    assert_eq!(resumed.pending().requested_at(), visit.pending().requested_at());
    assert_eq!(resumed.pending().redirect_uri(), visit.pending().redirect_uri());
    assert!(visit.sealed().len() <= MAX_SEALED_BYTES);
    let tokens = h.redeem(code_form(&form, &resumed.approved_by("alice").code())).issued();
    assert_eq!(tokens.id_claims()["nonce"], "n-0S6_WzA2Mj");
}

#[test]
fn one_cookie_serves_every_tab_and_is_renewed_in_time() {
    let h = Harness::new();
    let first = h.authorize(&authorize_form());
    let cookie = first.outcome.header("set-cookie").unwrap().to_owned();
    for attribute in ["__Host-vs_browser=", "; HttpOnly", "; SameSite=Lax", "; Secure", "; Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Domain") && !cookie.contains("Max-Age"), "{cookie}");
    assert_eq!(h.authorize(&authorize_form()).outcome.header("set-cookie"), None);
    h.advance(Duration::from_secs(23 * 60 * 60 + 1800));
    let late = h.authorize(&authorize_form().set("state", "late"));
    assert!(late.outcome.header("set-cookie").is_some());
    let sealed = late.sealed();
    let renewed = h.authorize(&authorize_form());
    assert_eq!(renewed.outcome.header("set-cookie"), None);
    assert!(h.resume(&sealed).approved_by("alice").code().starts_with("vs_ac_"));
}

/// A cookie cannot have `__Host-` and `Secure` over http, which is for loopback addresses alone.
#[test]
fn over_loopback_http_the_cookie_loses_what_http_cannot_have() {
    let h =
        Harness::builder().config(|config| config.issuer = "http://127.0.0.1:4444".parse().unwrap()).build();
    let visit = h.authorize(&authorize_form());
    let cookie = visit.outcome.header("set-cookie").unwrap();
    assert!(cookie.starts_with("vs_browser_") && !cookie.contains("Secure"), "{cookie}");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    let sealed = visit.sealed();
    assert!(h.resume(&sealed).approved_by("alice").code().starts_with("vs_ac_"));
}

/// What a page opened, and a form posted, by another browser comes to: a page without a redirect that leaves
/// everything as it was.
#[track_caller]
fn is_foreign(h: &Harness, sealed: &str, headers: &HeaderMap) {
    let rows = [
        (Method::GET, Reason::PendingForeignBrowser, 400),
        (Method::HEAD, Reason::PendingForeignBrowser, 400),
        (Method::POST, Reason::PendingForgedForm, 403),
    ];
    for (method, reason, status) in rows {
        let visit = h.resume_with(sealed, &method, headers);
        assert_eq!(visit.outcome.response.status().as_u16(), status, "{method}");
        visit.shown(reason);
    }
}

/// attack 52: a request that somebody else has begun cannot be gone on with, wherever its sealed text is opened.
/// attack 50: nor can its consent be posted, whatever the form holds.
#[test]
fn another_browser_cannot_resume_a_request() {
    let h = Harness::new();
    let sealed = h.authorize(&authorize_form()).sealed();
    let (own, victim) = (h.browser().cookie(COOKIE).unwrap(), Browser::new());
    is_foreign(&h, &sealed, &HeaderMap::new());
    h.browser().clear();
    let _ = h.authorize(&authorize_form());
    is_foreign(&h, &sealed, &cookies(h.browser()));
    for (name, value) in
        [(COOKIE, "x"), (COOKIE, ""), ("vs_browser", own.as_str()), ("__host-vs_browser", own.as_str())]
    {
        victim.clear();
        victim.plant_cookie(name, value);
        is_foreign(&h, &sealed, &cookies(&victim));
    }
    let mut twice = HeaderMap::new();
    twice.append("cookie", format!("{COOKIE}={own}; {COOKIE}=planted").parse().unwrap());
    is_foreign(&h, &sealed, &twice);
    h.browser().plant_cookie(COOKIE, &own);
    for method in [Method::GET, Method::POST] {
        assert!(
            h.resume_with(&sealed, &method, &cookies(h.browser()))
                .approved_by("alice")
                .code()
                .starts_with("vs_ac_")
        );
    }
}

/// attack 26: the sealed text is the request. What is changed of it, or comes from elsewhere, is none.
#[test]
fn an_altered_or_foreign_text_is_no_request() {
    let h = Harness::new();
    let visit = h.authorize(&authorize_form());
    let sealed = visit.sealed();
    let cookie = h.browser().cookie(COOKIE).unwrap();
    for at in (0..sealed.len()).step_by(7) {
        let mut bytes = sealed.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        h.resume(&String::from_utf8(bytes).unwrap()).shown(Reason::PendingUnreadable);
    }
    let longer = format!("{sealed}AAAA");
    for text in
        ["", "AAAA", &sealed[4..], &longer, &cookie, &visit.approved_by("alice").code(), &"A".repeat(100_000)]
    {
        h.resume(text).shown(Reason::PendingUnreadable);
    }
    let elsewhere =
        Harness::builder().config(|config| config.issuer = "https://other.example".parse().unwrap()).build();
    elsewhere.browser().plant_cookie(COOKIE, &cookie);
    elsewhere.resume(&sealed).shown(Reason::PendingUnreadable);
}

#[test]
fn a_request_ends_after_thirty_minutes() {
    let h = Harness::new();
    let visit = h.authorize(&authorize_form());
    let sealed = visit.sealed();
    h.advance(Duration::from_secs(30 * 60 - 1));
    let last = h.resume(&sealed);
    let again = last.sealed();
    h.advance(Duration::from_secs(1));
    h.resume(&sealed).shown(Reason::PendingExpired);
    h.resume(&again).shown(Reason::PendingExpired);
    last.next(Some(&h.login("alice"))).shown(Reason::PendingExpired);
    let _ = last.approved_by("alice").refused(Reason::PendingExpired);
}

/// A request may be approved more than once, each time with a grant and a code of its own.
#[test]
fn a_request_may_be_approved_again() {
    let h = Harness::new();
    let sealed = h.authorize(&authorize_form()).sealed();
    let codes =
        [h.resume(&sealed).approved_by("alice").code(), h.resume(&sealed).approved_by("alice").code()];
    assert_ne!(codes[0], codes[1]);
    for code in codes {
        let _ = h.redeem(code_form(&authorize_form(), &code)).issued();
    }
}

fn changeable(uri: &str, scope: &str, disabled: bool) -> Client {
    let metadata = ClientMetadata::code_flow([RedirectUri::register(uri).unwrap()])
        .with_auth_method(ClientAuthMethod::None)
        .with_scope(Scope::parse(scope).unwrap());
    Client::builder(ClientId::new("changing").unwrap(), metadata)
        .settings(ClientSettings::new().with_disabled(disabled))
        .build()
        .unwrap()
}

/// What a client may do is read anew each time: its redirect URI, its scope, whether it is there at all.
#[test]
fn a_client_that_changed_meanwhile_is_held_to_what_it_is_now() {
    let (uri, scope) = ("https://changing.example/cb", "openid email");
    let h = Harness::builder().client(changeable(uri, scope, false)).build();
    let sealed = h.authorize(&authorize_form().client("changing").scope(scope)).sealed();
    h.store().insert_client(changeable("https://changing.example/new", scope, false));
    h.resume(&sealed).shown(Reason::RedirectUriNotRegistered);
    h.store().insert_client(changeable(uri, scope, true));
    h.resume(&sealed).shown(Reason::AuthorizeClientDisabled);
    h.store().insert_client(changeable(uri, "openid", false));
    h.resume(&sealed).returned(Reason::ScopeNotAllowed);
    h.store().insert_client(changeable(uri, scope, false));
    assert!(h.resume(&sealed).approved_by("alice").code().starts_with("vs_ac_"));
}

fn oversized() -> AuthorizeForm {
    authorize_form().set("state", "s".repeat(2048)).set("nonce", "n".repeat(2048))
}

#[test]
fn an_oversized_request_waits_in_the_ticket_store_or_is_returned() {
    let h = Harness::new();
    let visit = h.authorize(&oversized());
    assert!(visit.outcome.before == visit.outcome.after, "nothing is stored before it has to be");
    let sealed = visit.sealed();
    assert!(sealed.len() <= MAX_SEALED_BYTES);
    let landing = h.resume(&sealed).approved_by("alice").landing();
    assert_eq!(landing.params.one("state"), Ok(Some("s".repeat(2048).as_str())));
    h.advance(Duration::from_secs(30 * 60));
    h.resume(&sealed).shown(Reason::PendingExpired);
    let landing = without_tickets().build().authorize(&oversized()).returned(Reason::PendingTooLarge);
    assert_eq!(landing.params.one("error"), Ok(Some("invalid_request")));
}

/// attack 31: a nonce of 64 and of 384 characters comes back as it was.
#[test]
fn a_nonce_is_repeated_exactly_or_refused() {
    let h = without_tickets().build();
    for nonce in ["n".repeat(64), "n".repeat(384), "a \"\\&<>~".to_owned()] {
        let form = authorize_form().set("nonce", &nonce);
        let code = h.authorize(&form).resumed_after(Duration::ZERO).approved_by("alice").code();
        assert_eq!(h.redeem(code_form(&form, &code)).issued().id_claims()["nonce"], nonce.as_str());
    }
    for nonce in ["n".repeat(2049).as_str(), "\u{e9}", "a\nb", "\u{7f}"] {
        h.authorize(&authorize_form().set("nonce", nonce)).returned(Reason::NonceInvalid);
    }
}

/// attack 51: a policy that has become more generous does not widen what the person was shown.
#[test]
fn what_was_shown_does_not_grow_while_it_is_read() {
    use std::sync::atomic::{AtomicBool, Ordering};
    static GENEROUS: AtomicBool = AtomicBool::new(false);
    #[derive(Debug)]
    struct Changing;
    impl vouchsafe::policy::Policy for Changing {
        fn scope(&self, _: &Client, requested: &Scope) -> Result<Scope, Reason> {
            let all = GENEROUS.load(Ordering::SeqCst);
            Ok(if all { requested.clone() } else { requested.without("write") })
        }
    }
    let h = Harness::builder().provider(|builder| builder.policy(std::sync::Arc::new(Changing))).build();
    let visit = h.authorize(&authorize_form().scope("openid read write"));
    assert_eq!(visit.pending().request().scope.to_string(), "openid read");
    let sealed = visit.sealed();
    GENEROUS.store(true, Ordering::SeqCst);
    assert_eq!(h.resume(&sealed).pending().request().scope.to_string(), "openid read");
}

/// attack 39, attack 40: the one who was hinted at is still the one after sealing, without the token being carried.
#[test]
fn a_hinted_person_is_remembered_with_the_request() {
    let h = Harness::new();
    let hint = h.tokens(&authorize_form(), "alice").id_token.unwrap();
    let visit = h.authorize(&authorize_form().client("trusted").set("id_token_hint", &hint));
    assert_eq!(
        visit.next(Some(&h.login("bob"))).code().len(),
        70,
        "a token for another client says nothing here"
    );
    let visit = h.authorize(&authorize_form().set("id_token_hint", &hint));
    assert!(visit.sealed().len() < 1500);
    let resumed = visit.resumed_after(Duration::from_secs(1));
    assert_eq!(resumed.next(Some(&h.login("bob"))).needs(), &Needs::Login(LoginNeed::OtherSubject));
    let bob = Approval::new(h.login("bob"), resumed.pending().request().scope.clone());
    let _ = resumed.approved(bob).refused(Reason::LoginOtherSubject);
}

proptest! {
    /// Property 6: a code is redeemed by its client, with its redirect URI and its verifier, or not at all.
    #[test]
    fn a_code_is_bound_to_all_that_asked_for_it(
        client in prop_oneof![Just("web"), Just("post"), Just("spa")],
        redirect_uri in prop_oneof![Just("https://web.example/cb"), Just("https://web.example/cb/"), Just("")],
        verifier in prop_oneof![Just(CODE_VERIFIER.to_owned()), Just(CODE_VERIFIER.to_lowercase()), "[a-z]{43}"],
    ) {
        static HARNESS: std::sync::LazyLock<Harness> = std::sync::LazyLock::new(Harness::new);
        let h = &*HARNESS;
        let code = h.code(&authorize_form(), "alice");
        let form = code_form(&authorize_form(), &code)
            .client(client)
            .set("redirect_uri", redirect_uri)
            .set("code_verifier", &verifier);
        let sound = client == "web" && redirect_uri == "https://web.example/cb" && verifier == CODE_VERIFIER;
        prop_assert_eq!(h.redeem(form).response.status() == 200, sound);
    }
}

/// Refuses a request in which it sees a parameter that it did not declare, and one without the one that it did.
#[derive(Debug)]
struct Declaring;

#[async_trait::async_trait]
impl AuthorizationRule for Declaring {
    async fn check(&self, _: &Context<'_>, asked: &Asked<'_>) -> Result<()> {
        let seen = |name| Ok::<_, Reason>(asked.params.one(name)?.is_some());
        match (seen("tenant")?, seen("undeclared")?) {
            (true, false) => Ok(()),
            _ => Err(Reason::HintMalformed.into()),
        }
    }

    fn parameters(&self) -> &[&str] {
        &["tenant"]
    }
}

#[test]
fn a_rule_sees_the_parameters_that_it_declared_on_arrival_and_on_resuming() {
    let h = Harness::builder().provider(|builder| builder.rule(std::sync::Arc::new(Declaring))).build();
    let form = authorize_form().set("undeclared", "1");
    h.authorize(&form).returned(Reason::HintMalformed);
    let visit = h.authorize(&form.set("tenant", "t"));
    assert!(visit.resumed_after(Duration::from_secs(1)).approved_by("alice").code().starts_with("vs_ac_"));
}

/// A form posted from another site brings no cookie of `SameSite=Lax`: what waits in other tabs must outlive it.
#[test]
fn a_post_without_the_cookie_comes_back_by_get_and_ends_no_other_request() {
    let h = Harness::new();
    let sealed = h.authorize(&authorize_form()).sealed();
    let own = h.browser().cookie(COOKIE).unwrap();
    h.browser().clear();
    let form = authorize_form().set("state", "a b&c");
    let posted = h.open_authorization(Method::POST, "", &form.encode());
    assert_eq!((posted.outcome.response.status().as_u16(), posted.outcome.header("set-cookie")), (303, None));
    let landing = posted.landing();
    assert_eq!(landing.uri, "https://op.example/authorize");
    assert_eq!(landing.params.one("state"), Ok(Some("a b&c")));
    h.browser().plant_cookie(COOKIE, &own);
    let query = format!("?{}", landing.params.encode());
    let visit = h.open_authorization(Method::GET, &query, "");
    assert_eq!(visit.outcome.header("set-cookie"), None);
    assert!(visit.approved_by("alice").code().starts_with("vs_ac_"));
    assert!(h.resume(&sealed).approved_by("alice").code().starts_with("vs_ac_"));
}

#[test]
fn a_post_that_is_silent_or_known_is_answered_at_once() {
    let h = Harness::new();
    let post = |form: &AuthorizeForm| h.open_authorization(Method::POST, "", &form.encode());
    let silent = post(&authorize_form().prompt("none"));
    assert_eq!(silent.outcome.header("set-cookie"), None);
    silent.next(None).returned(Reason::LoginNeeded);
    h.authorize(&authorize_form()).waits();
    let known = post(&oversized());
    assert_eq!(known.outcome.header("set-cookie"), None);
    assert!(known.approved_by("alice").code().starts_with("vs_ac_"));
}

/// Padding does not get a foreign form past the browser's cookie: what nobody reads is left out, and what is too long all
/// the same is refused.
#[test]
fn a_long_post_without_the_cookie_ends_no_other_request() {
    let h = Harness::new();
    let post = |form: &AuthorizeForm| h.open_authorization(Method::POST, "", &form.encode());
    let padded = post(&authorize_form().set("padding", "x".repeat(20_000)));
    assert_eq!((padded.outcome.response.status().as_u16(), padded.outcome.header("set-cookie")), (303, None));
    assert_eq!(padded.landing().params.one("padding"), Ok(None));
    let long = post(&authorize_form().set("state", "é".repeat(1024)).set("nonce", "n".repeat(2048)));
    assert_eq!(long.outcome.header("set-cookie"), None);
    let _ = long.returned(Reason::PostedTooLarge);
}

/// Whoever asks costs the store one row at most, however many pages follow.
#[test]
fn an_oversized_request_is_written_once() {
    let h = Harness::new();
    let first = h.authorize(&oversized().prompt("select_account")).sealed();
    let written = h.store_state();
    let visit = h.resume(&first).answered(Answer::Select);
    let again = h.resume(&visit.sealed());
    assert!(h.store_state() == written);
    let alice = h.login("alice");
    assert!(matches!(again.next(Some(&alice)).needs(), Needs::Consent(_)), "the choice is not forgotten");
    assert!(again.approved_by("alice").code().starts_with("vs_ac_"));
}

#[derive(Debug)]
struct Closed;

#[async_trait::async_trait]
impl Limiter for Closed {
    async fn admit(&self, point: LimitPoint, key: &str, _: Timestamp) -> Admission {
        match (point, key) {
            (LimitPoint::Authorization, "web") => Admission::Refused { retry_after: Duration::from_secs(7) },
            _ => Admission::Admitted,
        }
    }
}

#[test]
fn the_limiter_is_asked_before_a_request_is_written() {
    let h = Harness::builder().provider(|builder| builder.limiter(std::sync::Arc::new(Closed))).build();
    let before = h.store_state();
    let visit = h.authorize(&oversized());
    let refused = vouchsafe::testing::block_on(h.provider().seal(visit.pending())).unwrap_err();
    assert_eq!(refused.reason(), Reason::RateLimited);
    assert!(h.store_state() == before);
    assert!(!h.authorize(&authorize_form()).sealed().is_empty(), "nothing is written, so nobody is asked");
}
