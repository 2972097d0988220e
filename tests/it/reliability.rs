//! What holds at the token, introspection and revocation endpoints when things break: faults and lost answers of the
//! store, abandoned requests, a random source that fails or repeats, panics, and rows that were tampered with.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use http::StatusCode;
use serde_json::Value;
use vouchsafe::error::{Reason, StoreError};
use vouchsafe::event::EventKind;
use vouchsafe::provider::{
    Approval, Authorize, Context, GrantFilter, GrantHandler, Issuance, LiveGrant, Mount, TokenRequest,
};
use vouchsafe::seal::Sealed;
use vouchsafe::secret::TokenHash;
use vouchsafe::store::{
    Around, Filter, GrantRecord, GrantStore as _, GrantedToken, Issued, Page, Stores, TokenRecord,
    TokenStore as _,
};
use vouchsafe::testing::{
    AuthorizeForm, Fault, Faults, Form, Harness, TokenForm, abandon, authorize_form, block_on, client_form,
    code_form, refresh_form, refusals, token_form,
};
use vouchsafe::types::{ClientId, GrantId, GrantType, Scope, Subject};

fn offline() -> AuthorizeForm {
    authorize_form().scope("openid offline_access read")
}

fn service() -> TokenForm {
    token_form("client_credentials").client("service").scope("read")
}

fn over(faults: &Faults) -> Harness {
    let stores = faults.clone();
    Harness::builder().stores(move |memory| stores.stores(memory)).build()
}

/// The grants of alice that are not revoked.
fn live_grants(h: &Harness) -> Vec<LiveGrant> {
    let alice = GrantFilter::Subject(Subject::new("alice").unwrap());
    block_on(h.provider().administration().grants(&alice, &Page::first(100))).unwrap().items
}

/// The budgets of the design, where clients are in memory.
#[test]
fn every_request_keeps_its_budget_of_statements() {
    let faults = Faults::new();
    let h = over(&faults);
    let code = h.code(&offline(), "alice");
    drop(faults.calls());
    h.redeem(service()).accepted();
    assert_eq!(faults.calls(), ["insert_granted_token"]);
    h.redeem(code_form(&offline(), &code)).accepted();
    assert_eq!(faults.calls(), ["consume_code", "insert_tokens"]);
    h.redeem(token_form("client_credentials").client("signer")).accepted();
    assert_eq!(faults.calls(), ["first_use", "insert_granted_token"]);
}

/// attack 315, attack 314: a store that fails or whose answer is lost, at any step of a redemption, is a 503, and never a
/// second set of tokens.
#[test]
fn no_fault_makes_two_sets_of_tokens_of_one_code() {
    for nth in 0..2 {
        for fault in [Fault::Unavailable, Fault::AnswerLost] {
            let faults = Faults::new();
            let h = over(&faults);
            let code = h.code(&offline(), "alice");
            drop(faults.calls());
            faults.plan(nth, fault);
            let outcome = h.redeem(code_form(&offline(), &code)).rejected(Reason::StoreUnavailable);
            assert_eq!((outcome.response.status().as_u16(), outcome.header("retry-after")), (503, Some("1")));
            let again = h.redeem(code_form(&offline(), &code));
            if (nth, fault) == (0, Fault::Unavailable) {
                again.accepted();
                assert_eq!(live_grants(&h).len(), 1);
            } else {
                again.rejected(Reason::CodeReplayed);
                assert_eq!(live_grants(&h), []);
            }
        }
    }
}

/// A replay that could not be answered by a revocation is not answered as one.
#[test]
fn a_replay_is_refused_only_after_its_grant_is_revoked() {
    let faults = Faults::new();
    let h = over(&faults);
    let code = h.code(&offline(), "alice");
    let tokens = h.redeem(code_form(&offline(), &code)).issued();
    faults.break_verb("revoke", Fault::Unavailable);
    h.redeem(code_form(&offline(), &code)).rejected(Reason::StoreUnavailable).unchanged();
    assert!(h.is_active("api", &tokens.access_token));
    faults.mend();
    h.redeem(code_form(&offline(), &code)).rejected(Reason::CodeReplayed);
    assert!(!h.is_active("api", &tokens.access_token));
}

/// attack 320: a store that gives up is a 503, and the client that comes again is served.
#[test]
fn no_fault_logs_a_client_out() {
    for nth in 0..2 {
        for fault in [Fault::Unavailable, Fault::AnswerLost] {
            for client in ["spa", "web"] {
                let faults = Faults::new();
                let h = over(&faults);
                let token = h.tokens(&offline().client(client), "alice").refresh_token().to_owned();
                drop(faults.calls());
                faults.plan(nth, fault);
                let outcome = h.redeem(refresh_form(client, &token)).rejected(Reason::StoreUnavailable);
                assert_eq!(outcome.response.status(), StatusCode::SERVICE_UNAVAILABLE);
                let next = h.redeem(refresh_form(client, &token)).issued();
                h.redeem(refresh_form(client, next.refresh_token())).accepted();
            }
        }
    }
}

/// attack 321: keys that exist are drawn again, within a bound.
#[test]
fn a_random_collision_is_drawn_again() {
    let faults = Faults::new();
    let h = over(&faults);
    let before = h.entropy().position();
    let first = h.redeem(service()).issued();
    h.entropy().rewind(before);
    let second = h.redeem(service()).issued();
    assert_ne!(first.access_token, second.access_token);
    assert!(h.is_active("service", &first.access_token) && h.is_active("service", &second.access_token));
    let code = h.code(&offline(), "alice");
    drop(faults.calls());
    (1..3).for_each(|nth| faults.plan(nth, Fault::Conflict));
    h.redeem(code_form(&offline(), &code)).accepted();
    assert_eq!(faults.calls(), ["consume_code", "insert_tokens", "insert_tokens", "insert_tokens"]);
    faults.break_verb("insert_granted_token", Fault::Conflict);
    h.redeem(service()).rejected(Reason::InternalFault).unchanged();
    assert_eq!(faults.calls().len(), 3);
}

#[test]
fn without_randomness_nothing_is_issued() {
    let h = Harness::new();
    let (code, tokens) = (h.code(&offline(), "alice"), h.tokens(&offline(), "alice"));
    h.entropy().fail();
    h.redeem(service()).rejected(Reason::InternalFault).unchanged();
    h.redeem(refresh_form("web", tokens.refresh_token())).rejected(Reason::InternalFault).unchanged();
    h.redeem(code_form(&offline(), &code)).rejected(Reason::InternalFault);
    h.entropy().recover();
    h.redeem(code_form(&offline(), &code)).rejected(Reason::CodeReplayed);
    h.redeem(refresh_form("web", tokens.refresh_token())).accepted();
}

/// Polls a request of this form `times` and drops it, for every number of times until it is answered.
fn abandoned_everywhere(
    path: &str,
    prepare: impl Fn(&Harness) -> TokenForm,
    check: impl Fn(&Harness, TokenForm),
) {
    for times in 0.. {
        let faults = Faults::new();
        let h = over(&faults);
        let form = prepare(&h);
        faults.pause();
        let request = h.post(path, form.clone());
        let answered = abandon(h.provider().handle(&request), times).is_some();
        check(&h, form);
        if answered {
            assert!(times > 1, "the request was never abandoned");
            return;
        }
    }
}

/// attack 120: wherever a redemption is dropped, the code is unused, or used without tokens, or used with all of them;
/// coming again either succeeds or ends the grant.
#[test]
fn an_abandoned_redemption_leaves_no_half() {
    abandoned_everywhere(
        "/token",
        |h| code_form(&offline(), &h.code(&offline(), "alice")),
        |h, form| {
            let again = h.redeem(form);
            if again.response.status() == StatusCode::OK {
                assert_eq!(live_grants(h).len(), 1);
            } else {
                again.rejected(Reason::CodeReplayed);
                assert_eq!(live_grants(h), []);
            }
        },
    );
}

/// attack 123
#[test]
fn an_abandoned_refresh_can_be_tried_again() {
    for client in ["spa", "web"] {
        abandoned_everywhere(
            "/token",
            |h| refresh_form(client, h.tokens(&offline().client(client), "alice").refresh_token()),
            |h, form| {
                let next = h.redeem(form).issued();
                h.redeem(refresh_form(client, next.refresh_token())).accepted();
            },
        );
    }
}

/// Nothing that a replayed code or a refusal revokes comes back because the request was dropped.
#[test]
fn an_abandoned_refusal_is_refused_again() {
    abandoned_everywhere(
        "/token",
        |h| {
            let code = h.code(&offline(), "alice");
            h.redeem(code_form(&offline(), &code)).accepted();
            code_form(&offline(), &code)
        },
        |h, form| {
            h.redeem(form).rejected(Reason::CodeReplayed);
            assert_eq!(live_grants(h), []);
        },
    );
    abandoned_everywhere(
        "/token",
        |h| code_form(&offline(), &h.code(&offline(), "alice")).set("code_verifier", "a".repeat(43)),
        |h, form| {
            let again = h.redeem(form);
            assert!(
                [vec![Reason::PkceMismatch], vec![Reason::CodeReplayed]].contains(&refusals(&again.events))
            );
            assert_eq!(live_grants(h), []);
        },
    );
}

#[test]
fn an_abandoned_revocation_is_finished_by_the_next() {
    abandoned_everywhere(
        "/revoke",
        |h| client_form(Form::new().set("token", h.tokens(&offline(), "alice").refresh_token())),
        |h, form| {
            h.revoke_with(form).accepted();
            assert_eq!(live_grants(h), []);
        },
    );
}

/// Panics after it has done half of something.
#[derive(Debug)]
struct Panicking;

#[async_trait]
impl GrantHandler for Panicking {
    fn grant_type(&self) -> GrantType {
        "urn:example:panic".into()
    }

    async fn redeem(&self, cx: &Context<'_>, _: &TokenRequest) -> vouchsafe::error::Result<Issuance> {
        GrantId::generate(cx.entropy, cx.now)?;
        panic!("a handler of the host panics");
    }
}

/// attack 332
#[test]
fn a_panic_takes_nothing_with_it() {
    let mut metadata =
        vouchsafe::client::ClientMetadata::service().with_grant_type("urn:example:panic".into());
    metadata.scope = vouchsafe::types::Scope::parse("read").unwrap();
    let client = vouchsafe::client::Client::builder(ClientId::new("service").unwrap(), metadata);
    let h = Harness::builder()
        .confidential(client)
        .provider(|builder| builder.grant(Arc::new(Panicking)))
        .build();
    for _ in 0..20 {
        let outcome =
            h.redeem(token_form("urn:example:panic").client("service")).rejected(Reason::HandlerPanicked);
        assert_eq!(outcome.unchanged().response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
    h.redeem(service()).accepted();
}

/// attack 317, attack 319: a row that somebody wrote or moved is not found, and is an alarm.
#[test]
fn a_row_that_was_tampered_with_is_not_found_and_an_alarm() {
    let (h, other) = (Harness::new(), Harness::new());
    assert_eq!(h.system_secrets().current(), other.system_secrets().current());
    other.redeem(service()).accepted();
    let token = other.redeem(service()).issued().access_token;
    let real = h.redeem(service()).issued().access_token;
    let now = h.now();
    let stolen = block_on(h.store().access_token(&TokenHash::of(&real), now)).unwrap().unwrap();
    let grant = block_on(h.store().grant(&stolen.grant, now)).unwrap().unwrap().record;
    let moved = TokenRecord { key: TokenHash::of(&token), ..stolen.clone() };
    let issued = Issued { access: Some(moved), family: None };
    let inserted = block_on(h.store().insert_tokens(&grant.id, issued, now));
    assert!(inserted.is_ok());
    assert_alarm(&h, &token);
    let payload = Sealed::from_parts(stolen.payload.secret(), vec![1; 80]);
    let (key, id) = (TokenHash::of("vs_at_x"), GrantId::from_bytes([9; 16]));
    let token = TokenRecord { key, grant: id, payload, ..stolen };
    let GrantRecord { subject, session, created_at, keep_until, .. } = grant;
    let garbage = GrantedToken { token, subject, session, created_at, keep_until };
    assert!(block_on(h.store().insert_granted_token(garbage, now)).is_ok());
    let service = GrantFilter::Client(ClientId::new("service").unwrap());
    let listed = block_on(h.provider().administration().grants(&service, &Page::first(10))).unwrap().items;
    assert_eq!(listed.len(), 1, "the grant whose payload was moved is left out");
    assert_eq!(block_on(h.store().revoke(&Filter::Id(id), now)).unwrap(), 1);
    assert!(h.is_active("service", &real));
}

#[track_caller]
fn assert_alarm(h: &Harness, token: &str) {
    let outcome = h.introspect("service", token).unchanged();
    assert_eq!(outcome.json(), serde_json::json!({ "active": false }));
    let kinds: Vec<_> = outcome.events.iter().map(|event| event.kind.clone()).collect();
    assert_eq!(kinds, [EventKind::PayloadUnreadable, EventKind::Refused(Reason::TokenUnknown)]);
}

/// attack 318: what a store sees is no token, no name and no scope.
#[test]
fn a_dump_of_the_store_opens_nothing() {
    let h = Harness::new();
    let code = h.code(&offline(), "alice");
    let tokens = h.redeem(code_form(&offline(), &code)).issued();
    let id_token = tokens.id_token.clone().unwrap();
    let key = TokenHash::of(&tokens.access_token);
    let record = block_on(h.store().access_token(&key, h.now())).unwrap().unwrap();
    let grant = block_on(h.store().grant(&record.grant, h.now())).unwrap().unwrap();
    let dump = [record.payload.as_bytes(), grant.record.payload.as_bytes()].concat();
    let contains = |text: &str| dump.windows(text.len()).any(|window| window == text.as_bytes());
    for text in ["alice", "offline_access", &code, &tokens.access_token, tokens.refresh_token(), &id_token] {
        assert!(!contains(text), "{text} is in the store");
    }
    h.assert_discreet(&format!("{record:?} {grant:?} {:?}", h.store_state()));
}

/// Grants of a host's own are issued in the same place as all others.
#[derive(Debug)]
struct Gift;

#[async_trait]
impl GrantHandler for Gift {
    fn grant_type(&self) -> GrantType {
        "urn:example:gift".into()
    }

    async fn redeem(&self, cx: &Context<'_>, request: &TokenRequest) -> vouchsafe::error::Result<Issuance> {
        if request.params.one("wrapped")?.is_none() {
            return Err(Reason::Custom(
                vouchsafe::error::ErrorCode::InvalidGrant,
                "the gift must be wrapped",
            )
            .into());
        }
        let client = request.client.client().id().clone();
        let grant = vouchsafe::store::Grant::new(
            GrantId::generate(cx.entropy, cx.now)?,
            client,
            self.grant_type(),
            cx.now,
        );
        Ok(Issuance::new(grant.with_scope(request.scope()?.unwrap_or_default())))
    }
}

#[test]
fn a_host_has_a_grant_of_its_own() {
    let metadata = vouchsafe::client::ClientMetadata::service().with_grant_type("urn:example:gift".into());
    let client = vouchsafe::client::Client::builder(ClientId::new("guest").unwrap(), metadata);
    let h = Harness::builder().confidential(client).provider(|builder| builder.grant(Arc::new(Gift))).build();
    let form = || token_form("urn:example:gift").client("guest").scope("cake");
    let refused = h.redeem(form()).unchanged().json();
    assert_eq!(
        (&refused["error"], &refused["error_description"]),
        (&Value::from("invalid_grant"), &Value::from("the gift must be wrapped"))
    );
    let tokens = h.redeem(form().set("wrapped", "yes")).issued();
    assert_eq!(h.introspect("guest", &tokens.access_token).json()["scope"], "cake");
    h.redeem(form().client("service")).rejected(Reason::GrantTypeNotAllowed).unchanged();
    let metadata = block_on(h.provider().handle(&get("/.well-known/oauth-authorization-server")));
    let vouchsafe::provider::Authorize::Respond(metadata) = metadata else { panic!("metadata is answered") };
    assert!(String::from_utf8_lossy(metadata.body()).contains("urn:example:gift"));
}

fn get(path: &str) -> vouchsafe::wire::Request {
    http::Request::get(format!("https://op.example{path}")).body(bytes::Bytes::new()).unwrap()
}

/// Panics at every call while it is armed.
#[derive(Debug, Default)]
struct Armed(AtomicBool);

#[async_trait]
impl Around for Armed {
    async fn around(
        &self,
        verb: &'static str,
        call: Pin<&mut (dyn Future<Output = Result<(), StoreError>> + Send + '_)>,
    ) -> Result<(), StoreError> {
        assert!(!self.0.load(Ordering::SeqCst), "{verb} panics");
        call.await
    }
}

/// attack 332: what handlers of the host call to go on with a request answers too.
#[test]
fn a_panic_below_a_page_of_the_host_is_a_500() {
    let armed = Arc::new(Armed::default());
    let around = Arc::clone(&armed);
    let h = Harness::builder()
        .stores(move |memory| {
            let store = Arc::new(memory.clone());
            Stores::of(store.clone()).with_replays(store.clone()).with_tickets(store).around(around)
        })
        .build();
    let mount = Mount::headless(h.provider().clone());
    let uri = format!("https://op.example/authorize?{}", authorize_form().encode());
    let request = http::Request::get(uri).body(bytes::Bytes::new()).unwrap();
    let asked = || match block_on(h.provider().authorize(&request)) {
        Authorize::Interact { pending, .. } => pending,
        other => panic!("a person is needed, not {other:?}"),
    };
    let (first, second) = (asked(), asked());
    let (login, scope) = (h.login("alice"), Scope::parse("openid").unwrap());
    armed.0.store(true, Ordering::SeqCst);
    let proceeded = block_on(mount.proceed(first, Some(&login)));
    let approved = block_on(mount.approve(second, Approval::new(login, scope)));
    assert_eq!([proceeded.status(), approved.status()], [StatusCode::INTERNAL_SERVER_ERROR; 2]);
}
