//! Whatever a store fails at, in each case listed here: a 503 that says when to come again, or its like for a browser.
//! Never a refusal, which a client would take as final, and never a yes (attack 314).

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};
use vouchsafe::client::Client;
use vouchsafe::entropy::OsEntropy;
use vouchsafe::error::{Reason, StoreError};
use vouchsafe::provider::{
    Approval, Authorize, BackchannelDecision, BuildError, Config, DpopConfig, Provider, Registration,
};
use vouchsafe::secret::SystemSecrets;
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::store::{Around, StoreLimits, Stores};
use vouchsafe::testing::{
    AskingHost, AuthorizeForm, Fault, Faults, Form, Harness, Landing, OneLogin, Outcome, TokenForm, abandon,
    authorize_form, backchannel_form, client_form, code_form, device_form, keyring, reference_form,
    refresh_form, token_form,
};
use vouchsafe::types::ClientId;

use crate::rfc7591_registration::{register, with};
use crate::rfc7592_management::Own;
use crate::{rfc7523_jwt_bearer, rfc8693_token_exchange};

/// What is asked of a provider that was prepared for it.
type Asks = Box<dyn FnOnce(&Harness) -> Outcome>;

/// Prepares a request, and says what is asked then.
type Case = fn(&Harness) -> Asks;

fn offline() -> AuthorizeForm {
    authorize_form().scope("openid offline_access read")
}

const CASES: &[(&str, Case)] = &[
    ("a code is redeemed", |h| {
        let code = h.code(&offline(), "alice");
        Box::new(move |h| h.redeem(code_form(&offline(), &code)))
    }),
    ("a refresh token is used", |h| {
        let token = h.tokens(&offline(), "alice").refresh_token().to_owned();
        Box::new(move |h| h.redeem(refresh_form("web", &token)))
    }),
    ("a client asks for itself", |_| {
        Box::new(|h| h.redeem(token_form("client_credentials").client("service").scope("read")))
    }),
    ("a client signs who it is", |_| {
        Box::new(|h| h.redeem(token_form("client_credentials").client("signer")))
    }),
    ("a client proves a key", |h| {
        let (code, proof) = (h.code(&offline(), "alice"), h.token_proof());
        Box::new(move |h| h.redeem(code_form(&offline(), &code).proved(&proof)))
    }),
    ("a token is exchanged", |h| {
        let token = h.tokens(&offline(), "alice").access_token;
        Box::new(move |h| h.redeem(rfc8693_token_exchange::form("access_token", &token)))
    }),
    ("a trusted issuer vouches for a person", |h| {
        let assertion = h.client_assertion(&rfc7523_jwt_bearer::claims(h));
        Box::new(move |h| h.redeem(rfc7523_jwt_bearer::form(assertion)))
    }),
    ("an access token is introspected", |h| {
        let token = h.tokens(&offline(), "alice").access_token;
        Box::new(move |h| h.introspect("api", &token))
    }),
    ("a refresh token is introspected", |h| {
        let token = h.tokens(&offline(), "alice").refresh_token().to_owned();
        Box::new(move |h| h.introspect("web", &token))
    }),
    ("an access token is revoked", |h| {
        let token = h.tokens(&offline(), "alice").access_token;
        Box::new(move |h| h.revoke("web", &token))
    }),
    ("a refresh token is revoked", |h| {
        let token = h.tokens(&offline(), "alice").refresh_token().to_owned();
        Box::new(move |h| h.revoke("web", &token))
    }),
    ("userinfo", |h| {
        let token = h.tokens(&offline(), "alice").access_token;
        Box::new(move |h| h.userinfo(&token))
    }),
    ("userinfo with a proof", |h| {
        let code = h.code(&offline(), "alice");
        let token = h.redeem(code_form(&offline(), &code).proved(&h.token_proof())).issued_as("DPoP");
        let (token, proof) = (token.access_token.clone(), h.userinfo_proof(&token.access_token).sign());
        Box::new(move |h| h.userinfo_with("DPoP", &token, &[("dpop", &proof)]))
    }),
    ("a request is pushed", |_| Box::new(|h| h.push(authorize_form().to_push()))),
    ("a device asks", |_| Box::new(|h| h.begin_device(device_form("tv", "openid read")))),
    ("a device polls", |h| {
        let device = h.device("tv", "openid read");
        h.answer_device(&device, "allow", &OneLogin::of(h.login("alice")));
        Box::new(move |h| h.redeem(device.form()))
    }),
    ("a client asks for a person", |_| Box::new(|h| h.begin_backchannel(backchannel_form("alice")))),
    ("a client signs for whom it asks", |h| {
        let form = h.signed_backchannel_form(&h.authentication_claims());
        Box::new(move |h| h.begin_backchannel(form))
    }),
    ("a client asks whether its person has answered", |h| {
        let auth_req_id = h.auth_req_id(backchannel_form("alice"));
        let approval = Approval::new(h.login("alice"), "openid".parse().unwrap());
        h.complete(&auth_req_id, BackchannelDecision::Approved(approval)).unwrap();
        Box::new(move |h| h.redeem(h.ciba_form("shop", &auth_req_id)))
    }),
    ("a client registers", |_| Box::new(|h| register(h, &with(json!({}))))),
    ("a client reads what it registered", |h| {
        let own = Own::new(h);
        Box::new(move |h| own.send(h, "GET", &Value::Null))
    }),
    ("a client changes what it registered", |h| {
        let own = Own::new(h);
        Box::new(move |h| own.update(h, json!({ "client_name": "Bakers" })))
    }),
    ("a client that registered goes", |h| {
        let own = Own::new(h);
        Box::new(move |h| own.send(h, "DELETE", &Value::Null))
    }),
    ("a client that registered introspects", |h| {
        let own = Own::new(h);
        let secret = own.body["client_secret"].as_str().unwrap().to_owned();
        let form = client_form(Form::new().set("token", "vs_at_x")).basic(own.id().as_str(), &secret);
        Box::new(move |h| h.introspect_with(form))
    }),
    ("a device's code is typed", |h| {
        let user_code = h.device("tv", "openid read").user_code;
        let host = OneLogin::of(h.login("alice"));
        Box::new(move |h| h.type_code(&user_code, &host))
    }),
    ("a person agrees for a device", |h| {
        let user_code = h.device("tv", "openid read").user_code;
        let host = OneLogin::of(h.login("alice"));
        let asked = h.type_code(&user_code, &host).accepted();
        Box::new(move |h| h.press(&asked, ("answer", "allow"), &host))
    }),
    ("somebody signs out", |h| {
        let login = h.login("alice");
        let form = authorize_form().scope("openid read");
        let visit = h.authorize(&form);
        let scope = visit.pending().request().scope.clone();
        let code = visit.approved(Approval::new(login.clone(), scope)).code();
        let id_token = h.redeem(code_form(&form, &code)).issued().id_token.unwrap();
        let host = OneLogin::of(login);
        Box::new(move |h| h.log_out(&Form::new().set("id_token_hint", id_token), &host))
    }),
    ("a pushed request is opened", |h| {
        let request_uri = h.pushed(&authorize_form());
        Box::new(move |h| h.authorize(&reference_form("web", &request_uri)).outcome)
    }),
    ("consent is looked up", |h| {
        let pending = h.authorize(&authorize_form()).pending().clone();
        let login = h.login("alice");
        Box::new(move |h| h.next(pending, Some(&login)).outcome)
    }),
    ("somebody agrees", |h| {
        let pending = h.authorize(&authorize_form()).pending().clone();
        let scope = pending.request().scope.clone();
        let approval = Approval::new(h.login("alice"), scope);
        Box::new(move |h| h.approve(pending, approval).outcome)
    }),
];

fn over(faults: &Faults) -> Harness {
    let (host, stores) = (AskingHost::new(), faults.clone());
    let bearer = ClientId::new("bearer").unwrap();
    rfc8693_token_exchange::saying(rfc8693_token_exchange::as_asked)
        .confidential(
            Client::builder(bearer, rfc7523_jwt_bearer::metadata()).settings(rfc7523_jwt_bearer::settings()),
        )
        .pushed_requests()
        .backchannel(&host)
        .devices()
        .dpop(DpopConfig::new())
        .provider(|builder| builder.with_jwt_bearer().with_registration(Registration::open()))
        .stores(move |memory| stores.stores(memory))
        .build()
}

/// attack 314: what a client or a browser is told when it may come again.
#[track_caller]
fn comes_again(outcome: &Outcome, what: &str) {
    if let Some(landing) = Landing::of(&outcome.response) {
        assert_eq!(landing.params.one("error"), Ok(Some("temporarily_unavailable")), "{what}");
        assert_eq!(landing.params.one("code"), Ok(None), "{what}");
        return;
    }
    assert_eq!(outcome.response.status(), 503, "{what}");
    assert!(outcome.header("retry-after").is_some(), "{what}");
    let body: Value = serde_json::from_slice(outcome.response.body()).unwrap_or_default();
    for member in ["active", "access_token", "request_uri", "device_code", "client_id", "sub"] {
        assert!(body.get(member).is_none(), "{what}: {member}");
    }
}

/// attack 314: every call of a store in each of the cases above, failed before it is done and after.
#[test]
fn whatever_fails_the_client_may_come_again() {
    for (name, case) in CASES {
        let faults = Faults::new();
        let h = over(&faults);
        let asks = case(&h);
        drop(faults.calls());
        let status = asks(&h).response.status();
        assert!(status.is_success() || status.is_redirection(), "{name}: {status}");
        let calls = faults.calls();
        assert!(!calls.is_empty(), "{name} asks the stores nothing");
        for (nth, verb) in calls.iter().enumerate() {
            for fault in [Fault::Unavailable, Fault::AnswerLost] {
                let faults = Faults::new();
                let h = over(&faults);
                let asks = case(&h);
                drop(faults.calls());
                faults.plan(nth, fault);
                comes_again(&asks(&h), &format!("{name}: {verb} {fault:?}"));
            }
        }
    }
}

/// attack 314: those who meet a failure one after the other are told different times, at every endpoint.
#[test]
fn those_who_may_come_again_are_told_different_times() {
    for (name, case) in CASES {
        let faults = Faults::new();
        let h = over(&faults);
        let asks = [case(&h), case(&h), case(&h)];
        drop(faults.calls());
        let mut told = std::collections::BTreeSet::new();
        for ask in asks {
            faults.plan(0, Fault::Unavailable);
            let outcome = ask(&h);
            if Landing::of(&outcome.response).is_none() {
                told.insert(outcome.header("retry-after").unwrap().to_owned());
            }
            drop(faults.calls());
        }
        assert!(told.is_empty() || told.len() == 3, "{name}: {told:?}");
    }
}

/// Lets as many calls through as it is told to; the others wait.
#[derive(Debug)]
struct Gate(AtomicUsize);

impl Gate {
    fn lets(&self, calls: usize) {
        self.0.store(calls, Ordering::SeqCst);
    }
}

#[async_trait]
impl Around for Gate {
    async fn around(
        &self,
        _: &'static str,
        call: Pin<&mut (dyn Future<Output = Result<(), StoreError>> + Send + '_)>,
    ) -> Result<(), StoreError> {
        poll_fn(|_| {
            let let_through =
                self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            if let_through.is_ok() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        call.await
    }
}

/// A provider behind a gate that is open.
fn behind_gate(limits: StoreLimits) -> (Harness, Arc<Gate>) {
    let gate = Arc::new(Gate(AtomicUsize::new(usize::MAX)));
    let around: Arc<Gate> = Arc::clone(&gate);
    let harness = Harness::builder()
        .config(|config| config.store_limits = limits)
        .stores(move |memory| {
            let memory = Arc::new(memory.clone());
            Stores::of(memory.clone()).with_replays(memory).around(around)
        })
        .build();
    (harness, gate)
}

fn poll<F: Future>(future: &mut Pin<Box<F>>) -> Option<F::Output> {
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Faults R11, R12 and R40 of a store that hangs: who needs it is told to come again within the deadline, or at once where
/// too many wait already. Who does not need it notices nothing.
#[test]
fn a_store_that_hangs_takes_nothing_else_with_it() {
    let (h, gate) = behind_gate(StoreLimits::default().with_at_once(2));
    gate.lets(0);
    let request = h.post("/token", token_form("client_credentials").client("service"));
    let mut waiting: Vec<_> = (0..2).map(|_| Box::pin(h.provider().token(&request))).collect();
    assert!(waiting.iter_mut().all(|request| poll(request).is_none()));
    let refused = poll(&mut Box::pin(h.provider().token(&request))).expect("nobody waits for a place");
    assert_eq!((refused.status().as_u16(), refused.headers().contains_key("retry-after")), (503, true));
    for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/jwks"] {
        let request = http::Request::get(format!("https://op.example{path}")).body(Bytes::new()).unwrap();
        let Some(Authorize::Respond(document)) = abandon(h.provider().handle(&request), 1) else {
            panic!("{path} waits for a store")
        };
        assert_eq!(document.status(), 200, "{path}");
    }
    h.advance(Duration::from_millis(2999));
    assert!(waiting.iter_mut().all(|request| poll(request).is_none()));
    h.advance(Duration::from_millis(1));
    for mut request in waiting {
        let answer = poll(&mut request).expect("its time is over");
        assert_eq!((answer.status().as_u16(), answer.headers().contains_key("retry-after")), (503, true));
    }
    gate.lets(usize::MAX);
    h.redeem(token_form("client_credentials").client("service")).accepted();
}

/// Answers a request to the token endpoint all of whose calls take `pace`, in milliseconds; how many it took.
fn at_pace(h: &Harness, gate: &Gate, pace: u64, form: TokenForm) -> (http::Response<Bytes>, u64) {
    gate.lets(0);
    let request = h.post("/token", form);
    let mut answer = Box::pin(h.provider().token(&request));
    for took in (0..60_000).step_by(100) {
        gate.lets(usize::from(took > 0 && took % pace == 0));
        if let Some(answer) = poll(&mut answer) {
            gate.lets(usize::MAX);
            drop(h.events());
            return (answer, took);
        }
        h.advance(Duration::from_millis(100));
    }
    panic!("it waits for ever");
}

/// Fault R11: the calls of a request share its time: the client, the code and the tokens have three seconds for all of them.
#[test]
fn all_calls_of_a_request_have_one_deadline() {
    let (h, gate) = behind_gate(StoreLimits::default());
    let code = h.code(&offline(), "alice");
    let (answer, took) = at_pace(&h, &gate, 900, code_form(&offline(), &code));
    assert_eq!((answer.status().as_u16(), took), (200, 2700));
    let code = h.code(&offline(), "alice");
    let (answer, took) = at_pace(&h, &gate, 1200, code_form(&offline(), &code));
    assert_eq!((answer.status().as_u16(), answer.headers().contains_key("retry-after")), (503, true));
    assert_eq!(took, 3000);
    // What was used by then is used.
    h.redeem(code_form(&offline(), &code)).rejected(Reason::CodeReplayed);
}

/// attack 108: what a replay ends is ended, also where finding the replay has taken nearly all of the request's time.
#[test]
fn a_revocation_has_its_own_time() {
    let (h, gate) = behind_gate(StoreLimits::default());
    let code = h.code(&offline(), "alice");
    let tokens = h.redeem(code_form(&offline(), &code)).issued();
    let (answer, took) = at_pace(&h, &gate, 1200, code_form(&offline(), &code));
    assert_eq!((answer.status().as_u16(), took), (400, 3600));
    h.redeem(refresh_form("web", tokens.refresh_token())).rejected(Reason::GrantRevoked);
}

/// attack 122: the same of a refresh token that was used up.
#[test]
fn a_replay_of_a_refresh_token_ends_its_grant_though_its_time_is_over() {
    let (h, gate) = behind_gate(StoreLimits::default());
    let first = h.tokens(&offline().client("spa"), "alice");
    let refresh = |token: &str| h.redeem(refresh_form("spa", token)).issued();
    let second = refresh(first.refresh_token());
    let third = refresh(second.refresh_token());
    let (answer, took) = at_pace(&h, &gate, 1200, refresh_form("spa", first.refresh_token()));
    assert_eq!((answer.status().as_u16(), took), (503, 3600));
    h.redeem(refresh_form("spa", third.refresh_token())).rejected(Reason::GrantRevoked);
}

#[test]
fn limits_that_no_store_can_keep_are_refused() {
    let seconds = Duration::from_secs;
    let limits = StoreLimits::default();
    for limits in
        [limits.with_deadline(seconds(0)), limits.with_deadline(seconds(61)), limits.with_at_once(0)]
    {
        let secrets = SystemSecrets::generate(&OsEntropy).unwrap();
        let config = Config::new("https://op.example".parse().unwrap()).with_store_limits(limits);
        let stores = Stores::of(Arc::new(MemoryStore::new()));
        let built = Provider::builder(config, stores, keyring(), secrets).with_client_credentials().build();
        assert!(matches!(built, Err(BuildError::Bounds { .. })), "{limits:?}");
    }
}
