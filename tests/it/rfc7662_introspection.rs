//! RFC 7662: introspection.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::Method;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::json;
use vouchsafe::client::{Client, ClientMetadata, ClientSettings};
use vouchsafe::clock::Timestamp;
use vouchsafe::error::Reason;
use vouchsafe::event::EventKind;
use vouchsafe::limiter::{Admission, LimitPoint, Limiter};
use vouchsafe::policy::Policy;
use vouchsafe::provider::{GrantFilter, Introspection, Provider};
use vouchsafe::testing::{
    AuthorizeForm, DEFAULT_AUDIENCE, Fault, Faults, Form, Harness, Outcome, RESOURCE, TokenForm,
    authorize_form, block_on, client_form, refresh_form, refusals, token_form,
};
use vouchsafe::types::{ClientId, SessionId, Subject};
use vouchsafe::wire::{Request, RequestHead, Response};

fn offline() -> AuthorizeForm {
    authorize_form().scope("openid offline_access read")
}

async fn introspection(provider: Provider, request: Request) -> Response {
    provider.introspection(&request).await
}

/// The answer that says nothing, for this reason.
#[track_caller]
fn inactive(outcome: Outcome, reason: Reason) {
    assert_eq!(outcome.response.status(), 200);
    assert_eq!(outcome.response.body().as_ref(), br#"{"active":false}"#);
    assert_eq!(outcome.header("cache-control"), Some("no-store"));
    assert_eq!(refusals(&outcome.events), [reason]);
    outcome.unchanged();
}

#[test]
fn an_active_token_is_described() {
    let h = Harness::new();
    let tokens = h.tokens(&offline(), "alice");
    let now = h.now().unix();
    let outcome = h.introspect("api", &tokens.access_token).accepted().unchanged();
    assert_eq!(outcome.events[0].kind, EventKind::Introspected);
    assert_eq!(
        outcome.json(),
        json!({
            "active": true,
            "iss": "https://op.example",
            "client_id": "web",
            "sub": "alice",
            "aud": DEFAULT_AUDIENCE,
            "scope": "openid offline_access read",
            "token_type": "Bearer",
            "iat": now,
            "exp": now + 3600,
            "auth_time": now,
            "amr": ["pwd"],
        })
    );
}

#[test]
fn a_refresh_token_is_described_to_its_own_client() {
    let h = Harness::new();
    let tokens = h.tokens(&offline(), "alice");
    let body = h.introspect("web", tokens.refresh_token()).accepted().json();
    assert_eq!(body["active"], true);
    assert_eq!((&body["sub"], &body["client_id"]), (&json!("alice"), &json!("web")));
    assert_eq!(body["exp"], h.now().unix() + 14 * 24 * 60 * 60);
    inactive(h.introspect("api", tokens.refresh_token()), Reason::TokenForeign);
}

/// attack 191: whoever asks proves who they are.
#[test]
fn only_a_client_that_authenticates_may_ask() {
    let h = Harness::new();
    let token = h.tokens(&offline(), "alice").access_token;
    let form = |token: &str| client_form(Form::new().set("token", token));
    h.introspect_with(form(&token).unauthenticated()).rejected(Reason::ClientCredentialsMissing).unchanged();
    h.introspect_with(form(&token).basic("api", "wrong")).rejected(Reason::ClientSecretWrong).unchanged();
    let bearer = form(&token).unauthenticated().header("authorization", format!("Bearer {token}"));
    h.introspect_with(bearer).rejected(Reason::ClientCredentialsMissing).unchanged();
    h.introspect_with(form(&token).client("spa")).rejected(Reason::ClientNotConfidential).unchanged();
    h.introspect_with(client_form(Form::new()).client("api")).rejected(Reason::TokenMissing).unchanged();
    let twice = form(&token).client("api").also("token", token.as_str());
    h.introspect_with(twice).rejected(Reason::ParameterRepeated).unchanged();
}

/// attack 192: a token is described to its client and to those it is meant for.
#[test]
fn nobody_learns_of_a_token_that_is_not_for_them() {
    let h = Harness::new();
    let for_api = h.tokens(&offline(), "alice").access_token;
    let for_files = h.tokens(&offline().set("resource", RESOURCE), "alice").access_token;
    for caller in ["post", "service", "trusted"] {
        inactive(h.introspect(caller, &for_api), Reason::TokenForeign);
    }
    inactive(h.introspect("api", &for_files), Reason::TokenForeign);
    assert!(h.is_active("api", &for_api));
    assert!(h.is_active("web", &for_files));
}

/// attack 193: whatever is wrong with a token, the answer is the same to the byte.
#[test]
fn a_token_that_is_not_good_is_inactive_and_no_more_is_said() {
    let h = Harness::new();
    let tokens = h.tokens(&offline(), "alice");
    let (revoked, code) = (h.tokens(&offline(), "alice"), h.code(&offline(), "alice"));
    h.revoke("web", &revoked.access_token).accepted();
    let flipped = tokens.access_token.replacen('A', "B", 1);
    let unknown = [
        "x",
        "vs_at_",
        "vs_rt_",
        &revoked.access_token,
        &code,
        &flipped[..flipped.len() - 1],
        tokens.id_token.as_ref().unwrap(),
        "e30.e30.e30",
        "a b",
    ];
    for token in unknown {
        inactive(h.introspect("api", token), Reason::TokenUnknown);
    }
    h.advance(Duration::from_secs(3600));
    inactive(h.introspect("api", &tokens.access_token), Reason::TokenUnknown);
}

/// attack 193: the hint says where to look first, and cannot hide a token.
#[test]
fn a_wrong_hint_changes_nothing() {
    let h = Harness::new();
    let tokens = h.tokens(&offline(), "alice");
    for hint in ["access_token", "refresh_token", "nonsense", ""] {
        for token in [&tokens.access_token, tokens.refresh_token.as_ref().unwrap()] {
            let form = Form::new().set("token", token).set("token_type_hint", hint);
            let body = h.introspect_with(client_form(form)).accepted().json();
            assert_eq!(body["active"], true, "{hint}");
        }
    }
}

/// Only what would be answered is active: the newest refresh token of a family, and its predecessor in grace.
#[test]
fn of_a_family_the_head_and_its_retriable_predecessor_are_active() {
    let h = Harness::builder().provider(|builder| builder.policy(Arc::new(Open))).build();
    let first = h.tokens(&offline().client("spa"), "alice");
    let second = h.redeem(refresh_form("spa", first.refresh_token())).issued();
    let active = |token: &str| h.is_active("api", token);
    let watched = [first.refresh_token(), second.refresh_token()];
    assert_eq!(watched.map(active), [true, true]);
    h.advance(Duration::from_secs(31));
    assert_eq!(watched.map(active), [false, true]);
    let third = h.redeem(refresh_form("spa", second.refresh_token())).issued();
    assert_eq!([second.refresh_token(), third.refresh_token()].map(active), [true, true]);
    h.redeem(refresh_form("spa", third.refresh_token())).accepted();
    assert_eq!([second.refresh_token(), third.refresh_token()].map(active), [false, true]);
}

/// Tells everybody of every token.
#[derive(Debug)]
struct Open;

impl Policy for Open {
    fn may_introspect(&self, _: &Client, _: &ClientId, _: &[String]) -> bool {
        true
    }
}

/// attack 194: asking can be bounded, and what is refused leaves no trace that grows.
#[test]
fn scanning_is_bounded() {
    let h = Harness::builder().provider(|builder| builder.limiter(Arc::new(Closed))).build();
    let outcome = h.introspect("api", "vs_at_x").rejected(Reason::RateLimited).unchanged();
    assert_eq!((outcome.response.status().as_u16(), outcome.header("retry-after")), (429, Some("1")));
}

/// Refuses introspection, and is told who asks.
#[derive(Debug)]
struct Closed;

#[async_trait]
impl Limiter for Closed {
    async fn admit(&self, point: LimitPoint, key: &str, _: Timestamp) -> Admission {
        assert_eq!(key, "api");
        match point {
            LimitPoint::Introspection => Admission::Refused { retry_after: Duration::ZERO },
            _ => Admission::Admitted,
        }
    }
}

/// attack 195, attack 328
#[test]
fn only_post_is_answered() {
    let h = Harness::new();
    let token = h.tokens(&offline(), "alice").access_token;
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::TRACE, Method::OPTIONS] {
        let mut request =
            h.post(&format!("/introspect?token={token}"), client_form(Form::new()).client("api"));
        *request.method_mut() = method.clone();
        request.headers_mut().insert("origin", "https://api.example".parse().unwrap());
        request.headers_mut().insert("access-control-request-method", "POST".parse().unwrap());
        let outcome = h.exchange(request, introspection).rejected(Reason::MethodNotAllowed).unchanged();
        assert_eq!(outcome.header("allow"), Some("POST"), "{method}");
        assert_eq!(outcome.header("access-control-allow-origin"), None, "{method}");
    }
    let query = h.post(&format!("/introspect?token={token}"), client_form(Form::new()).client("api"));
    h.exchange(query, introspection).rejected(Reason::ParameterInQuery).unchanged();
}

/// attack 314, attack 196: a store that does not answer is never taken for an answer, and it is asked every time.
#[test]
fn a_store_that_is_down_makes_no_token_active_or_inactive() {
    let faults = Faults::new();
    let stores = faults.clone();
    let h = Harness::builder().stores(move |memory| stores.stores(memory)).build();
    let tokens = h.tokens(&offline(), "alice");
    drop(faults.calls());
    assert!(h.is_active("api", &tokens.access_token));
    assert_eq!(faults.calls(), ["access_token"], "the budget is one statement");
    for fault in [Fault::Unavailable, Fault::AnswerLost] {
        for (caller, token) in [("api", tokens.access_token.as_str()), ("web", tokens.refresh_token())] {
            faults.plan(0, fault);
            let outcome = h.introspect(caller, token).rejected(Reason::StoreUnavailable).unchanged();
            let told = outcome.header("retry-after").is_some();
            assert_eq!((outcome.response.status().as_u16(), told), (503, true));
            assert!(h.is_active(caller, token));
        }
    }
}

/// Disabling a client ends what it holds, as long as it is disabled.
#[test]
fn tokens_of_a_client_that_is_shut_out_are_inactive() {
    let h = Harness::new();
    let tokens = h.tokens(&offline(), "alice");
    let web = h.client("web");
    let off = Client::builder(ClientId::new("web").unwrap(), web.metadata().clone())
        .settings(ClientSettings::new().with_disabled(true));
    let off = web.secrets().iter().cloned().fold(off, vouchsafe::client::ClientBuilder::secret);
    h.store().insert_client(off.build().unwrap());
    inactive(h.introspect("api", &tokens.access_token), Reason::TokenUnknown);
    h.store().insert_client(web);
    assert!(h.is_active("api", &tokens.access_token));
    h.store().remove_client(&ClientId::new("web").unwrap());
    inactive(h.introspect("api", &tokens.access_token), Reason::TokenUnknown);
}

/// attack 319, attack 134: what somebody wrote into the store, or made with other secrets, is not ours.
#[test]
fn a_token_that_was_not_issued_here_is_inactive() {
    let h = Harness::new();
    let other =
        Harness::builder().config(|config| config.issuer = "https://op.example/b".parse().unwrap()).build();
    let foreign = other.redeem(token_form("client_credentials").client("service")).issued().access_token;
    inactive(h.introspect("service", &foreign), Reason::TokenUnknown);
    assert!(other.is_active("service", &foreign));
}

/// What is issued is active with the same members, and inactive once its grant is revoked, whoever revokes it and how;
/// as a property.
#[test]
fn a_grant_is_active_as_a_whole_or_not_at_all() {
    let mut runner = TestRunner::new(ProptestConfig { cases: 24, ..ProptestConfig::default() });
    let ways = prop_oneof![
        Just(Way::Client),
        Just(Way::Consent),
        Just(Way::RefreshToken),
        Just(Way::Session),
        Just(Way::Subject)
    ];
    runner
        .run(&(ways, prop_oneof!["web", "post", "trusted"], 0_u32..4), |(way, client, refreshes)| {
            let h = Harness::new();
            let asked = offline().client(&client);
            let first = h.tokens(&asked, "alice");
            let mut tokens = vec![first.access_token.clone()];
            for _ in 0..refreshes {
                tokens.push(h.redeem(refresh_form(&client, first.refresh_token())).issued().access_token);
            }
            for token in &tokens {
                let body = h.introspect("api", token).json();
                prop_assert_eq!(&body["scope"], "openid offline_access read");
                prop_assert_eq!((&body["sub"], &body["client_id"]), (&json!("alice"), &json!(client)));
            }
            way.revoke(&h, &client, first.refresh_token());
            tokens.push(first.refresh_token().to_owned());
            for token in &tokens {
                prop_assert!(!h.is_active("api", token) && !h.is_active(&client, token));
            }
            Ok(())
        })
        .unwrap();
}

#[derive(Clone, Copy, Debug)]
enum Way {
    Client,
    Consent,
    RefreshToken,
    Session,
    Subject,
}

impl Way {
    fn revoke(self, h: &Harness, client: &str, refresh_token: &str) {
        let (id, alice) = (ClientId::new(client).unwrap(), Subject::new("alice").unwrap());
        let filter = match self {
            Self::Client => GrantFilter::Client(id),
            Self::Consent => {
                assert_eq!(block_on(h.provider().administration().revoke_consent(&alice, &id)).unwrap(), 1);
                return;
            }
            Self::RefreshToken => {
                h.revoke(client, refresh_token).accepted();
                return;
            }
            Self::Session => GrantFilter::Session(SessionId::new("session of alice").unwrap()),
            Self::Subject => GrantFilter::Subject(alice),
        };
        assert_eq!(block_on(h.provider().administration().revoke_grants(&filter)).unwrap(), 1);
    }
}

#[test]
fn a_host_with_its_own_transport_gets_values() {
    let h = Harness::new();
    let token = h.tokens(&offline(), "alice").access_token;
    let request = h.post("/introspect", watching(&token));
    let head = RequestHead::read(&request).unwrap();
    let params = vouchsafe::wire::form_post(&request).unwrap();
    let Introspection::Active(claims) = block_on(h.provider().introspect(&head, &params)).unwrap() else {
        panic!("the token is active");
    };
    assert_eq!(claims.value("sub"), Some(&json!("alice")));
    let none = vouchsafe::types::Params::default();
    assert_eq!(block_on(h.provider().introspect(&head, &none)).unwrap_err().reason(), Reason::TokenMissing);
}

fn watching(token: &str) -> TokenForm {
    client_form(Form::new().set("token", token)).client("api")
}

#[test]
fn a_resource_server_needs_no_grant_of_its_own() {
    let mut metadata = ClientMetadata::service();
    metadata.grant_types.clear();
    let settings = ClientSettings::new().with_introspects([RESOURCE]);
    let files = Client::builder(ClientId::new("files").unwrap(), metadata).settings(settings);
    let h = Harness::builder().confidential(files).build();
    let token = h.tokens(&offline().set("resource", RESOURCE).also("resource", DEFAULT_AUDIENCE), "alice");
    assert!(h.is_active("files", &token.access_token) && h.is_active("api", &token.access_token));
}
