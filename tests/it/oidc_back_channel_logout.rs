//! OpenID Connect Back-Channel Logout 1.0 sections 2.2, 2.4, 2.5 and 2.8: clients are told that a session has ended.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};
use vouchsafe::client::{Client, ClientAuthMethod, ClientMetadata, FetchErrorKind};
use vouchsafe::event::EventKind;
use vouchsafe::jose::Jws;
use vouchsafe::provider::{Approval, BuildError, GrantFilter, OfflineAccess, Provider, ProviderBuilder};
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::store::{Page, Stores};
use vouchsafe::testing::{AccountTable, Form, Harness, HttpTable, OneLogin, authorize_form, block_on};
use vouchsafe::types::{Claims, ClientId, FetchUrl, GrantType, Params, RedirectUri, SessionId, Subject};
use vouchsafe::wire::HttpErrorKind;

pub(crate) fn url(id: &str) -> String {
    format!("https://{id}.example/backchannel")
}

/// A public client that wants to be told.
pub(crate) fn told(id: &str) -> Client {
    let metadata =
        ClientMetadata::code_flow([RedirectUri::register(&format!("https://{id}.example/cb")).unwrap()])
            .with_auth_method(ClientAuthMethod::None)
            .with_grant_type(GrantType::RefreshToken)
            .with_scope("openid offline_access".parse().unwrap())
            .with_backchannel_logout_uri(FetchUrl::parse(&url(id)).unwrap());
    Client::builder(ClientId::new(id).unwrap(), metadata).build().unwrap()
}

fn harness(ids: &[&str]) -> Harness {
    ids.iter().fold(Harness::builder(), |builder, id| builder.client(told(id))).build()
}

pub(crate) fn answers(h: &Harness, id: &str, status: StatusCode) {
    h.http().answer(url(id), Response::builder().status(status).body(Bytes::new()).unwrap());
}

/// Alice signs in at a client.
fn signs_in(h: &Harness, id: &str) -> Value {
    h.tokens(&authorize_form().client(id), "alice").id_claims()
}

/// Alice grants a client something in a session of this name.
pub(crate) fn granted(h: &Harness, id: &str, session: &str, scope: &str) {
    let login = h.login("alice").with_session(SessionId::new(session).unwrap());
    let visit = h.authorize(&authorize_form().client(id).scope(scope).prompt("consent"));
    let scope = visit.pending().request().scope.clone();
    assert!(!visit.approved(Approval::new(login, scope)).code().is_empty());
}

/// Everything of a client ends, but for what has `offline_access`.
fn ended(h: &Harness, id: &str) {
    let of = GrantFilter::Client(ClientId::new(id).unwrap());
    block_on(h.provider().administration().end_sessions(&of, OfflineAccess::Kept)).unwrap();
    h.runtime().run();
}

/// Alice signs out, and says yes.
fn signs_out(h: &Harness) -> vouchsafe::testing::Outcome {
    let host = OneLogin::of(h.login("alice"));
    let page = h.log_out(&Form::new(), &host);
    let out = h.confirm_logout(&page, &host);
    assert_eq!((out.response.status(), host.login()), (StatusCode::OK, None));
    out
}

/// The logout tokens that were sent since this was last asked, by the URL that they went to.
pub(crate) fn sent(h: &Harness) -> BTreeMap<String, Vec<String>> {
    let mut tokens: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for request in h.http().take_requests() {
        assert_eq!(request.method(), "POST");
        assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
        let params = Params::parse(request.body()).unwrap();
        let pairs: Vec<_> = params.iter().collect();
        let [("logout_token", token)] = pairs[..] else { panic!("{pairs:?}") };
        tokens.entry(request.uri().to_string()).or_default().push(token.to_owned());
    }
    tokens
}

/// What a logout token says.
pub(crate) fn claims(h: &Harness, token: &str) -> Value {
    let jws = Jws::parse(token).unwrap();
    serde_json::from_slice(h.provider().keyring().verify(&jws).unwrap()).unwrap()
}

pub(crate) fn delivered(h: &Harness) -> usize {
    h.events().iter().filter(|event| event.kind == EventKind::LogoutTokenDelivered).count()
}

fn failures(h: &Harness) -> Vec<FetchErrorKind> {
    let failure = |kind: &EventKind| match kind {
        EventKind::LogoutTokenFailed(kind) => Some(*kind),
        _ => None,
    };
    h.events().iter().filter_map(|event| failure(&event.kind)).collect()
}

#[test]
fn a_logout_token_says_what_the_id_token_said_and_what_has_happened() {
    let h = harness(&["a", "b"]);
    let ids = ["a", "b"].map(|id| (id, signs_in(&h, id)));
    signs_in(&h, "web");
    ["a", "b"].iter().for_each(|id| answers(&h, id, StatusCode::OK));
    drop(signs_out(&h));
    h.runtime().run();
    let mut tokens = sent(&h);
    assert_eq!(tokens.len(), 2, "who registered no address is not told");
    let mut names = Vec::new();
    for (id, id_token) in ids {
        let [token] = &tokens.remove(&url(id)).unwrap()[..] else { panic!("one token") };
        assert!(Jws::parse(token).unwrap().header().is_type("logout+jwt"));
        let mut claims = claims(&h, token);
        let jti = claims["jti"].take().as_str().unwrap().to_owned();
        assert_eq!(jti.len(), 43, "32 random bytes");
        names.push(jti);
        assert_eq!(
            claims,
            json!({
                "iss": "https://op.example",
                "aud": id,
                "iat": h.now().unix(),
                "exp": h.now().unix() + 120,
                "jti": null,
                "sub": id_token["sub"],
                "sid": id_token["sid"],
                "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
            })
        );
        assert!(claims["sid"].is_string());
    }
    assert_ne!(names[0], names[1]);
    assert_eq!(delivered(&h), 2);
}

#[test]
fn a_client_is_told_once_however_often_it_was_signed_in_to() {
    let h = harness(&["a"]);
    for _ in 0..3 {
        signs_in(&h, "a");
    }
    answers(&h, "a", StatusCode::NO_CONTENT);
    drop(signs_out(&h));
    h.runtime().run();
    assert_eq!(sent(&h)[&url("a")].len(), 1);
    assert_eq!(delivered(&h), 1);
    drop(signs_out(&h));
    h.runtime().run();
    assert_eq!(sent(&h)[&url("a")].len(), 1, "a logout that is repeated tells it again");
}

#[test]
fn a_client_is_told_although_what_it_was_granted_has_ended() {
    let h = harness(&["a"]);
    let login = h.login("alice");
    let ends = h.now().plus(Duration::from_secs(90 * 24 * 60 * 60));
    let form = authorize_form().client("a");
    let visit = h.authorize(&form);
    let scope = visit.pending().request().scope.clone();
    assert!(!visit.approved(vouchsafe::Approval::new(login.with_session_end(ends), scope)).code().is_empty());
    h.advance(Duration::from_secs(60 * 24 * 60 * 60));
    drop(signs_out(&h));
    h.runtime().run();
    assert_eq!(sent(&h).len(), 1);
}

/// attack 244: with 200 clients, half of them dead, the person is answered at once and the living half is told.
#[test]
fn clients_that_do_not_answer_delay_neither_the_person_nor_the_others() {
    let ids: Vec<String> = (0..200).map(|n| format!("rp{n:03}")).collect();
    let h = harness(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    for (n, id) in ids.iter().enumerate() {
        assert!(!h.code(&authorize_form().client(id), "alice").is_empty());
        match n {
            // The dead ones come first, so that the others would wait behind them.
            0..50 => h.http().hang(url(id)),
            50..100 => h.http().fail(url(id), HttpErrorKind::TimedOut),
            _ => answers(&h, id, StatusCode::OK),
        }
    }
    let before = vouchsafe::runtime::Runtime::elapsed(h.runtime());
    drop(signs_out(&h));
    assert_eq!(vouchsafe::runtime::Runtime::elapsed(h.runtime()), before, "the person waited for nobody");
    h.runtime().run();
    h.advance(Duration::from_millis(400));
    assert_eq!(delivered(&h), 100, "the living are told within 500 ms");
    assert_eq!(sent(&h).len(), 200);
    for _ in 0..120 {
        h.advance(Duration::from_secs(1));
    }
    assert_eq!(failures(&h), vec![FetchErrorKind::TimedOut; 100]);
    let again = sent(&h);
    assert!(again.len() == 100 && again.values().all(|tokens| tokens.len() == 2), "three tries in all");
    assert_eq!(h.runtime().run(), 0, "nothing goes on");
}

/// attack 244: one client that never answers takes no turn from another, whatever it has waiting; and what has waited
/// is told by a token that is fresh.
#[test]
fn a_client_that_hangs_has_eight_turns_at_once_and_tokens_are_made_when_they_are_sent() {
    let h = harness(&["dead", "live"]);
    (0..300).for_each(|n| granted(&h, "dead", &format!("session {n}"), "openid"));
    granted(&h, "live", "one more", "openid");
    h.http().hang(url("dead"));
    answers(&h, "live", StatusCode::OK);
    ended(&h, "dead");
    ended(&h, "live");
    assert_eq!(delivered(&h), 1, "at once");
    let first = sent(&h);
    assert_eq!((first[&url("dead")].len(), first[&url("live")].len()), (8, 1));
    let mut tries = 8;
    for _ in 0..900 {
        h.advance(Duration::from_secs(1));
        let tokens = sent(&h).remove(&url("dead")).unwrap_or_default();
        assert!(tokens.len() <= 8);
        tries += tokens.len();
        for token in tokens {
            assert_eq!(claims(&h, &token)["iat"], h.now().unix(), "a token does not grow old in a line");
        }
    }
    assert_eq!((h.runtime().run(), failures(&h).len()), (0, 300), "all are given up in time");
    assert!((900..=968).contains(&tries), "{tries}: most of three each, within ten minutes");
    assert!(failures(&h).iter().all(|kind| matches!(kind, FetchErrorKind::TimedOut | FetchErrorKind::Busy)));
}

/// attack 244: a client that has filled its share of the queue leaves room for the others.
#[test]
fn a_client_fills_no_more_of_the_queue_than_it_leaves_free() {
    let h = harness(&["dead", "live"]);
    (0..300).for_each(|n| granted(&h, "dead", &format!("session {n}"), "openid offline_access"));
    granted(&h, "live", "one more", "openid");
    h.http().hang(url("dead"));
    answers(&h, "live", StatusCode::OK);
    (0..40).for_each(|_| ended(&h, "dead"));
    let refused = failures(&h);
    assert!(refused.iter().all(|kind| *kind == FetchErrorKind::Busy));
    assert_eq!(refused.len(), 40 * 300 - 5000, "half of 10 000 places");
    ended(&h, "live");
    assert_eq!(delivered(&h), 1);
}

/// attack 244: what cannot get better is not tried again.
#[test]
fn a_client_that_refuses_is_told_once_and_one_that_fails_three_times() {
    for (status, tries, kind) in [
        (400, 1, FetchErrorKind::StatusUnexpected),
        (404, 1, FetchErrorKind::StatusUnexpected),
        (201, 1, FetchErrorKind::StatusUnexpected),
        (302, 1, FetchErrorKind::Redirected),
        (429, 3, FetchErrorKind::Unreachable),
        (500, 3, FetchErrorKind::Unreachable),
        (503, 3, FetchErrorKind::Unreachable),
    ] {
        let h = harness(&["a"]);
        signs_in(&h, "a");
        answers(&h, "a", StatusCode::from_u16(status).unwrap());
        drop(signs_out(&h));
        h.runtime().run();
        for _ in 0..60 {
            h.advance(Duration::from_secs(1));
        }
        let tokens = sent(&h).remove(&url("a")).unwrap();
        assert_eq!((tokens.len(), failures(&h)), (tries, vec![kind]), "{status}");
        let distinct: std::collections::BTreeSet<_> = tokens.iter().collect();
        assert_eq!(distinct.len(), tries, "each try has a token of its own, which has not expired");
    }
}

#[test]
fn a_client_that_comes_back_is_told_at_the_next_try() {
    let h = harness(&["a"]);
    signs_in(&h, "a");
    h.http().fail(url("a"), HttpErrorKind::Unreachable);
    drop(signs_out(&h));
    h.runtime().run();
    answers(&h, "a", StatusCode::OK);
    h.advance(Duration::from_secs(5));
    assert_eq!((sent(&h)[&url("a")].len(), delivered(&h), failures(&h)), (2, 1, vec![]));
}

#[test]
fn an_http_client_that_panics_is_an_event() {
    let h = harness(&["a"]);
    signs_in(&h, "a");
    h.http().panic(url("a"));
    drop(signs_out(&h));
    assert_eq!(h.runtime().run(), 0);
    assert_eq!(failures(&h), [FetchErrorKind::Panicked]);
}

#[test]
fn a_host_ends_sessions_by_person_client_or_session() {
    let bob = Subject::new("bob").unwrap();
    for (of, who) in [
        (GrantFilter::Subject(Subject::new("alice").unwrap()), vec!["a", "b"]),
        (GrantFilter::Client(ClientId::new("a").unwrap()), vec!["a", "a"]),
        (GrantFilter::Session(SessionId::new("session of bob").unwrap()), vec!["a"]),
        (GrantFilter::SubjectAndClient(bob.clone(), ClientId::new("b").unwrap()), vec![]),
    ] {
        let h = harness(&["a", "b"]);
        h.accounts().insert(bob.clone(), Claims::new());
        for (person, id) in [("alice", "a"), ("alice", "b"), ("bob", "a")] {
            answers(&h, id, StatusCode::OK);
            drop(h.tokens(&authorize_form().client(id), person));
        }
        let ended = block_on(h.provider().administration().end_sessions(&of, OfflineAccess::Kept)).unwrap();
        h.runtime().run();
        let tokens = sent(&h);
        let told: Vec<_> = ["a", "b"]
            .into_iter()
            .flat_map(|id| tokens.get(&url(id)).into_iter().flatten().map(move |_| id))
            .collect();
        assert_eq!((usize::try_from(ended).unwrap(), told), (who.len(), who), "{of:?}");
    }
}

/// A client whose grant was revoked may have a session of its own all the same.
#[test]
fn clients_whose_grants_were_revoked_before_are_told() {
    let h = harness(&["a", "b"]);
    ["a", "b"].iter().for_each(|id| answers(&h, id, StatusCode::OK));
    ["a", "b"].iter().for_each(|id| drop(signs_in(&h, id)));
    let alice = Subject::new("alice").unwrap();
    for of in [GrantFilter::Client(ClientId::new("a").unwrap()), GrantFilter::Subject(alice)] {
        assert_eq!(block_on(h.provider().administration().revoke_grants(&of)).unwrap(), 1);
        assert!(
            block_on(h.provider().administration().grants(&of, &Page::first(10))).unwrap().items.is_empty()
        );
    }
    drop(signs_out(&h));
    h.runtime().run();
    assert_eq!(sent(&h).into_keys().collect::<Vec<_>>(), [url("a"), url("b")]);
}

/// Where everything of a person ends, clients of sessions that have ended before are not told once more.
#[test]
fn clients_of_sessions_that_are_over_are_told_once() {
    let h = harness(&["a", "b", "c"]);
    let at = |id: &str, session: &str| {
        granted(&h, id, session, "openid");
        answers(&h, id, StatusCode::OK);
    };
    at("a", "over");
    let over = GrantFilter::Session(SessionId::new("over").unwrap());
    assert_eq!(block_on(h.provider().administration().end_sessions(&over, OfflineAccess::Kept)).unwrap(), 1);
    ["b", "c"].into_iter().for_each(|id| at(id, "open"));
    let of_b = GrantFilter::Client(ClientId::new("b").unwrap());
    assert_eq!(block_on(h.provider().administration().revoke_grants(&of_b)).unwrap(), 1);
    h.runtime().run();
    assert_eq!(sent(&h).into_keys().collect::<Vec<_>>(), [url("a")]);
    let everything = GrantFilter::Subject(Subject::new("alice").unwrap());
    assert_eq!(
        block_on(h.provider().administration().end_sessions(&everything, OfflineAccess::Kept)).unwrap(),
        1
    );
    h.runtime().run();
    assert_eq!(sent(&h).into_keys().collect::<Vec<_>>(), [url("b"), url("c")]);
}

#[test]
fn it_needs_somebody_who_sends_and_a_runtime_and_discovery_tells_of_it() {
    let h = Harness::new();
    let request = http::Request::get("/.well-known/openid-configuration").body(Bytes::new()).unwrap();
    let document = h.answer(request).json();
    for member in ["backchannel_logout_supported", "backchannel_logout_session_supported"] {
        assert_eq!(document[member], true, "{member}");
    }
    let begin = || -> ProviderBuilder {
        Provider::builder(
            h.provider().config().clone(),
            Stores::of(Arc::new(MemoryStore::new())),
            h.provider().keyring().clone(),
            h.system_secrets().clone(),
        )
        .accounts(Arc::new(AccountTable::default()))
        .with_authorization_code()
        .with_back_channel_logout()
    };
    let needs = |port| BuildError::Needs { feature: "back_channel_logout", port };
    assert_eq!(begin().build().unwrap_err(), needs("HttpClient"));
    let sends = begin().http_client(Arc::new(HttpTable::new()));
    assert_eq!(sends.build().unwrap_err(), needs("Runtime"));
}
