//! RFC 6749 sections 3.1, 3.3, 4.1.1 and 4.1.2: the authorization endpoint.

use http::Method;
use vouchsafe::client::{Client, ClientAuthMethod, ClientMetadata, ClientSettings};
use vouchsafe::error::{ErrorCode, Reason};
use vouchsafe::event::EventKind;
use vouchsafe::provider::{Asked, AuthorizationRule, Context, Denial, ErrorPage};
use vouchsafe::testing::{AuthorizeForm, Carrier, Harness, authorize_form};
use vouchsafe::types::{ClientId, GrantType, RedirectUri, ResponseType};
use vouchsafe::wire::Response;

#[test]
fn a_sound_request_that_is_approved_gives_a_code() {
    let h = Harness::new();
    let visit = h.authorize(&authorize_form());
    assert!(visit.outcome.before == visit.outcome.after, "nothing is stored before the person agrees");
    let visit = visit.approved_by("alice");
    assert_eq!(visit.outcome.events.len(), 1);
    assert_eq!(visit.outcome.events[0].kind, EventKind::Approved);
    let landing = visit.landing();
    assert_eq!((landing.uri.as_str(), landing.carrier), ("https://web.example/cb", Carrier::Query));
    assert!(landing.params.one("code").unwrap().unwrap().starts_with("vs_ac_"));
    assert_eq!(landing.params.one("state"), Ok(Some("af0ifjsldkj")));
    assert_eq!(landing.params.one("iss"), Ok(Some("https://op.example")));
    assert_eq!(landing.params.iter().count(), 3);
}

#[test]
fn a_posted_request_is_read_like_one_in_the_query() {
    let h = Harness::new();
    let by_post = h.authorize_by_post(&authorize_form());
    let by_get = h.authorize(&authorize_form());
    assert_eq!(by_post.pending().request(), by_get.pending().request());
}

/// attack 1: nothing leads away from the page, and unknown and disabled clients get the same one.
#[test]
fn an_unknown_and_a_disabled_client_get_the_same_page() {
    let h = Harness::builder().client(disabled_client()).build();
    let form = authorize_form().set("redirect_uri", "https://evil.example/");
    let unknown = h.authorize(&form.clone().set("client_id", "nope"));
    let disabled = h.authorize(&form.set("client_id", "disabled"));
    assert_eq!(unknown.outcome.response.body(), disabled.outcome.response.body());
    assert_eq!(unknown.outcome.response.headers(), disabled.outcome.response.headers());
    unknown.shown(Reason::AuthorizeClientUnknown);
    disabled.shown(Reason::AuthorizeClientDisabled);
    for client_id in ["", "\u{e9}", &"a".repeat(256)] {
        let reason =
            if client_id.is_empty() { Reason::ClientIdMissing } else { Reason::AuthorizeClientUnknown };
        h.authorize(&authorize_form().set("client_id", client_id)).shown(reason);
    }
}

fn disabled_client() -> Client {
    let uri = RedirectUri::register("https://disabled.example/cb").unwrap();
    let metadata = ClientMetadata::code_flow([uri]).with_auth_method(ClientAuthMethod::None);
    Client::builder(ClientId::new("disabled").unwrap(), metadata)
        .settings(ClientSettings::new().with_disabled(true))
        .build()
        .unwrap()
}

/// attack 19: what decides where an error goes must stand once, or there is no place to send it.
#[test]
fn a_repeated_decisive_parameter_is_shown() {
    let h = Harness::new();
    let rows = [
        ("client_id", "spa"),
        ("client_id", "web"),
        ("redirect_uri", "https://evil.example/"),
        ("redirect_uri", "https://web.example/cb"),
        ("response_type", "code"),
        ("response_mode", "query"),
    ];
    for (name, value) in rows {
        let form = authorize_form().set("response_mode", "query").also(name, value);
        h.authorize(&form).shown(Reason::ParameterRepeated);
    }
}

/// attack 19: of two values neither is taken.
#[test]
fn any_other_repeated_parameter_is_returned() {
    let h = Harness::new();
    let rows = [
        "state",
        "scope",
        "nonce",
        "prompt",
        "max_age",
        "display",
        "ui_locales",
        "claims_locales",
        "login_hint",
        "acr_values",
        "claims",
        "id_token_hint",
        "code_challenge",
        "code_challenge_method",
        "request",
        "request_uri",
        "registration",
    ];
    for name in rows {
        let landing = h
            .authorize(&authorize_form().also(name, "1").also(name, "2"))
            .returned(Reason::ParameterRepeated);
        let state = (name != "state").then_some("af0ifjsldkj");
        assert_eq!(landing.params.one("state"), Ok(state), "{name}");
    }
}

/// attack 20: a parameter without a value counts as omitted.
#[test]
fn an_empty_parameter_is_an_absent_one() {
    let h = Harness::new();
    let visit = h.authorize(&authorize_form().scope("").prompt("").set("max_age", "").set("claims", ""));
    assert!(visit.pending().request().scope.is_empty());
    assert_eq!(visit.pending().request().max_age, None);
    h.authorize(&authorize_form().set("response_type", "")).returned(Reason::ResponseTypeMissing);
}

/// attack 21: query and body are never mixed.
#[test]
fn parameters_in_query_and_body_are_refused() {
    let h = Harness::new();
    let form = authorize_form().encode();
    h.open_authorization(Method::POST, "?scope=admin", &form).shown(Reason::ParameterInQuery);
    h.open_authorization(Method::POST, &format!("?{form}"), "scope=admin").shown(Reason::ParameterInQuery);
}

/// attack 22, attack 23, attack 24: whatever else is wrong, the address is looked at first.
#[test]
fn no_error_reaches_an_address_that_is_not_registered() {
    let h = Harness::new();
    let stray = authorize_form().set("redirect_uri", "https://evil.example/cb");
    let rows: Vec<AuthorizeForm> = vec![
        stray.clone().set("response_type", "foo"),
        stray.clone().set("response_type", "code id_token").scope("profile"),
        stray.clone().prompt("none").set("max_age", "x"),
        stray.clone().prompt("none").without("code_challenge"),
        stray.clone().set("request", "e30.e30."),
        stray.clone().set("claims", "["),
        stray.set("state", "s".repeat(9000)),
    ];
    for form in rows {
        h.authorize(&form).shown(Reason::RedirectUriNotRegistered);
    }
}

/// attack 25: tokens in the front channel are off, and a client uses only what it registered.
#[test]
fn response_types_are_those_switched_on_and_registered() {
    let mut id_token_only =
        ClientMetadata::code_flow([RedirectUri::register("https://front.example/cb").unwrap()])
            .with_auth_method(ClientAuthMethod::None);
    id_token_only.response_types = vec![ResponseType::IdToken];
    id_token_only.grant_types = vec![GrantType::Implicit];
    let front = Client::builder(ClientId::new("front").unwrap(), id_token_only).build().unwrap();
    let h = Harness::builder().client(front).build();
    for text in [
        "token",
        "id_token token",
        "token id_token",
        "code token",
        "id_token",
        "code id_token",
        "none",
        "foo",
    ] {
        let landing = h
            .authorize(&authorize_form().set("response_type", text))
            .returned(Reason::ResponseTypeUnsupported);
        let in_query = ["none", "foo"].contains(&text);
        assert_eq!(landing.carrier, if in_query { Carrier::Query } else { Carrier::Fragment }, "{text}");
    }
    h.authorize(&authorize_form().without("response_type")).returned(Reason::ResponseTypeMissing);
    let landing = h.authorize(&authorize_form().client("front")).returned(Reason::ResponseTypeNotAllowed);
    assert_eq!(landing.params.one("error"), Ok(Some("unauthorized_client")));
}

/// attack 30: a state comes back byte for byte or not at all, and never ends the header line.
#[test]
fn a_state_is_repeated_exactly_or_refused() {
    let h = Harness::new();
    let long = "s".repeat(2048);
    for state in ["x\r\nSet-Cookie:x=1", "a b+c%20&d=e#f", "\u{1f511}\"<>'", "\u{7f}\t\u{1b}", long.as_str()]
    {
        let visit = h.authorize(&authorize_form().set("state", state)).denied(Denial::Person);
        let location = visit.outcome.header("location").unwrap();
        assert!(location.bytes().all(|b| b.is_ascii_graphic()), "{location}");
        assert_eq!(visit.outcome.header("set-cookie"), None);
        let landing = visit.returned(Reason::DeniedByUser);
        assert_eq!(landing.params.one("state"), Ok(Some(state)));
    }
    for length in [2049, 8192] {
        let form = authorize_form().set("state", "s".repeat(length));
        let landing = h.authorize(&form).returned(Reason::StateTooLong);
        assert_eq!(landing.params.one("state"), Ok(None));
    }
    for state in ["%00", "%ff", "%c3%28", "%"] {
        let query = format!("?{}&state={state}", authorize_form().without("state").encode());
        h.open_authorization(Method::GET, &query, "").shown(Reason::FormMalformed);
    }
}

/// attack 42: a scope of other characters or beyond all bounds is refused.
#[test]
fn a_malformed_scope_is_returned() {
    let h = Harness::new();
    let flood = (0..10_000).map(|i| i.to_string()).collect::<Vec<_>>().join(" ");
    for scope in ["openid a\u{1}", "openid \"", "openid \\", "openid \u{7f}", "openid \u{e9}", &flood] {
        h.authorize(&authorize_form().scope(scope)).returned(Reason::ScopeMalformed);
    }
}

/// attack 43: a client gets no scope that it did not register.
#[test]
fn a_scope_outside_the_registration_is_returned() {
    let h = Harness::new();
    let landing = h.authorize(&authorize_form().scope("openid admin")).returned(Reason::ScopeNotAllowed);
    assert_eq!(landing.params.one("error"), Ok(Some("invalid_scope")));
}

/// attack 45: hints reach the host as they are or not at all, and no page of ours repeats them.
#[test]
fn hints_are_bounded_and_never_reflected() {
    let h = Harness::new();
    let html = "<script>alert(1)</script>";
    let form = authorize_form().set("login_hint", html).set("ui_locales", format!("en {html} de-CH"));
    let visit = h.authorize(&form);
    assert_eq!(visit.pending().request().login_hint.as_deref(), Some(html));
    assert_eq!(visit.pending().request().ui_locales, ["en", "de-CH"]);
    let stray = h.authorize(&form.set("redirect_uri", html));
    assert!(!String::from_utf8_lossy(stray.outcome.response.body()).contains("alert"));
    stray.shown(Reason::RedirectUriNotRegistered);
    for name in ["login_hint", "ui_locales", "claims_locales", "acr_values"] {
        h.authorize_by_post(&authorize_form().set(name, "x".repeat(2049))).returned(Reason::HintMalformed);
        h.authorize_by_post(&authorize_form().set(name, "x".repeat(100_000))).shown(Reason::BodyTooLarge);
    }
    h.authorize(&authorize_form().set("login_hint", "a\nb")).returned(Reason::HintMalformed);
}

/// attack 46: a redirect is a 303 whatever the request was, so that no form is posted on.
#[test]
fn every_redirect_is_a_303() {
    let h = Harness::new();
    let refused = h.authorize_by_post(&authorize_form().without("code_challenge"));
    let denied = h.authorize_by_post(&authorize_form()).denied(Denial::Host);
    let approved = h.authorize_by_post(&authorize_form()).approved_by("alice");
    for visit in [refused, denied, approved] {
        assert_eq!(visit.outcome.response.status(), 303);
        assert_eq!(visit.outcome.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(visit.outcome.header("cache-control"), Some("no-store"));
    }
}

/// attack 49, attack 328: no other page reads the endpoint, and no other method reaches it.
#[test]
fn other_methods_and_origins_get_nothing() {
    let h = Harness::new();
    let query = format!("?{}", authorize_form().encode());
    for method in [Method::OPTIONS, Method::HEAD, Method::TRACE, Method::PUT, Method::DELETE] {
        let visit = h.open_authorization(method, &query, "");
        assert_eq!(visit.outcome.response.status(), 405);
        assert_eq!(visit.outcome.header("allow"), Some("GET, POST"));
        assert!(
            !visit.outcome.response.headers().keys().any(|name| name.as_str().starts_with("access-control"))
        );
        visit.shown(Reason::MethodNotAllowed);
    }
}

#[test]
fn a_denial_is_returned_with_its_own_code() {
    let h = Harness::new();
    let rows = [
        (Denial::Acr, Reason::AcrUnmet, "unmet_authentication_requirements"),
        (Denial::Host, Reason::DeniedByHost, "access_denied"),
        (Denial::Login, Reason::LoginNeeded, "login_required"),
        (Denial::Person, Reason::DeniedByUser, "access_denied"),
    ];
    for (denial, reason, code) in rows {
        let landing = h.authorize(&authorize_form()).denied(denial).returned(reason);
        assert_eq!(landing.params.one("error"), Ok(Some(code)));
    }
}

#[test]
fn what_would_change_the_request_is_refused_with_its_own_code() {
    let h = Harness::new();
    let rows = [
        ("request", "e30.e30.", Reason::RequestObjectUnsupported, "request_not_supported"),
        ("request_uri", "https://web.example/r", Reason::RequestUriUnsupported, "request_uri_not_supported"),
        ("registration", "{}", Reason::RegistrationUnsupported, "registration_not_supported"),
    ];
    for (name, value, reason, code) in rows {
        let landing = h.authorize(&authorize_form().set(name, value)).returned(reason);
        assert_eq!(landing.params.one("error"), Ok(Some(code)));
    }
}

#[test]
fn unknown_parameters_and_the_order_of_all_change_nothing() {
    let h = Harness::new();
    let plain = h.authorize(&authorize_form().scope("openid email"));
    let form = authorize_form().without("scope").also("x", "1").also("x", "2").scope("email openid");
    let other = h.authorize(&form);
    assert!(other.pending().request().scope.is_subset(&plain.pending().request().scope));
    assert_eq!(other.sealed().len(), plain.sealed().len(), "what is not known is not carried along");
}

#[derive(Debug)]
struct NeedsTicket;

#[async_trait::async_trait]
impl AuthorizationRule for NeedsTicket {
    async fn check(&self, _: &Context<'_>, asked: &Asked<'_>) -> vouchsafe::error::Result<()> {
        match asked.params.one("ticket")? {
            Some("7") => Ok(()),
            _ => Err(Reason::Custom(ErrorCode::AccessDenied, "a ticket is needed").into()),
        }
    }

    fn parameters(&self) -> &[&str] {
        &["ticket"]
    }
}

#[test]
fn a_rule_of_the_host_is_asked_again_when_a_request_is_resumed() {
    let h = Harness::builder().provider(|builder| builder.rule(std::sync::Arc::new(NeedsTicket))).build();
    let reason = Reason::Custom(ErrorCode::AccessDenied, "a ticket is needed");
    h.authorize(&authorize_form()).returned(reason);
    let visit = h.authorize(&authorize_form().set("ticket", "7"));
    let sealed = visit.sealed();
    assert!(h.resume(&sealed).approved_by("alice").code().starts_with("vs_ac_"));
}

/// A host that logs the request with `{:?}` tells nothing of the person and no secret of the client.
#[test]
fn what_is_printed_of_a_request_is_discreet() {
    let h = Harness::new();
    let form = authorize_form()
        .set("login_hint", "al@hint.example")
        .set("claims", r#"{"id_token":{"email":{"value":"al@claim.example"}}}"#);
    let printed = format!("{:?}", h.authorize(&form).pending().request());
    assert!(printed.contains("openid"), "{printed}");
    for secret in ["al@hint.example", "al@claim.example", "n-0S6_WzA2Mj"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[derive(Debug)]
struct Careless;

impl ErrorPage for Careless {
    fn page(&self, _: Reason) -> Response {
        let mut page = Response::new("<h1>Sorry</h1>".into());
        page.headers_mut().insert("content-type", "text/html".parse().unwrap());
        page.headers_mut().insert("location", "https://evil.example/".parse().unwrap());
        page.headers_mut().insert("cache-control", "public".parse().unwrap());
        page
    }
}

/// attack 1, attack 47: a page of the host is its own to look at, and leads nowhere all the same.
#[test]
fn a_page_of_the_host_cannot_become_a_redirect() {
    let h = Harness::builder().provider(|builder| builder.error_page(std::sync::Arc::new(Careless))).build();
    let visit = h.authorize(&authorize_form().set("client_id", "nope"));
    assert_eq!(&visit.outcome.response.body()[..], b"<h1>Sorry</h1>");
    assert_eq!(visit.outcome.header("x-frame-options"), Some("DENY"));
    visit.shown(Reason::AuthorizeClientUnknown);
}
