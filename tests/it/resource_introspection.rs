//! RFC 7662: access tokens that a resource server asks their issuer about.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use vouchsafe::async_trait;
use vouchsafe::client::{AccessTokenFormatChoice, ClientCredential};
use vouchsafe::clock::Timestamp;
use vouchsafe::error::Reason;
use vouchsafe::jose::{JoseSigner, SigningAlg};
use vouchsafe::provider::{Authorize, DpopConfig, Provider};
use vouchsafe::resource::{
    HttpIntrospection, IntrospectionError, Refused, Requirement, TokenIntrospection, TrustedIssuer,
};
use vouchsafe::secret::Secret;
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::testing::{
    DEFAULT_AUDIENCE, Form, Harness, HttpTable, ISSUER, JwtForm, ManualRuntime, Step, abandon,
    authorize_form, client_form, client_key, code_form, dpop_keys, interleave, token_form,
};
use vouchsafe::types::{ClientId, FetchUrl, Introspection};
use vouchsafe::wire::{HttpClient, HttpError, HttpErrorKind};

use crate::resource_api::{Api, Call, InProcess, issued, issuing, keys, signed, signed_by, trusted};

const ENDPOINT: &str = "https://op.example/introspect";

const JWKS_URI: &str = "https://op.example/jwks";

const SIGNED: &str = "application/token-introspection+jwt";

fn bearer(token: &str) -> Call {
    Call::with("Bearer", token)
}

/// An API that asks about every token, and whom it asks.
fn asking(h: &Harness) -> (Api, Arc<InProcess>) {
    let provider = InProcess::new(h);
    let api = Api::trusting(trusted().with_introspection(provider.clone()), |builder| builder);
    (api, provider)
}

#[test]
fn a_token_of_any_format_is_described_by_its_issuer() {
    for format in
        [AccessTokenFormatChoice::Opaque, AccessTokenFormatChoice::Jwt, AccessTokenFormatChoice::JwtStateless]
    {
        let h = issuing(format);
        let (api, provider) = asking(&h);
        let access = api.lets_through(&bearer(&issued(&h)));
        assert_eq!((access.subject(), access.client_id()), (Some("alice"), Some("web")));
        assert_eq!((access.issuer(), access.scope().as_str()), (ISSUER, "openid read"));
        assert_eq!((access.audience(), access.auth_time()), (vec![DEFAULT_AUDIENCE], Some(h.now())));
        assert_eq!(provider.asked(), 1);
    }
}

/// With keys, JWTs are verified here, and the others are asked about.
#[test]
fn only_tokens_that_cannot_be_verified_are_asked_about() {
    let (opaque, jwt) = (Harness::new(), issuing(AccessTokenFormatChoice::Jwt));
    let provider = InProcess::new(&opaque);
    let issuer = trusted().with_keys(keys()).with_introspection(provider.clone());
    let api = Api::trusting(issuer, |builder| builder);
    let _ = api.lets_through(&bearer(&issued(&jwt)));
    assert_eq!(provider.asked(), 0);
    let _ = api.lets_through(&bearer(&issued(&opaque)));
    assert_eq!(provider.asked(), 1);
    let mut claims = api.claims();
    claims["iss"] = "https://evil.example".into();
    let _ = api.refuses(&bearer(&signed("at+jwt", &claims)), Reason::AccessTokenIssuer);
    assert_eq!(provider.asked(), 1, "nobody is asked about the tokens of a stranger");
}

/// attack 134, attack 193: a token that is revoked, of another kind, or made up is not active.
#[test]
fn what_is_not_active_is_refused() {
    let h = Harness::new();
    let (api, _) = asking(&h);
    let asked = authorize_form().scope("openid offline_access");
    let tokens = h.redeem(code_form(&asked, &h.code(&asked, "alice"))).issued();
    let code = h.code(&asked, "alice");
    for text in ["x", &code, tokens.refresh_token.as_deref().unwrap(), &tokens.access_token[1..]] {
        let _ = api.refuses(&bearer(text), Reason::AccessTokenInactive);
    }
    let _ = h.revoke("web", &tokens.access_token);
    let _ = api.refuses(&bearer(&tokens.access_token), Reason::AccessTokenInactive);
}

/// attack 192: a token for another resource is none for this one, although it is active.
#[test]
fn a_token_for_another_resource_is_refused() {
    let h = Harness::new();
    let (api, _) = asking(&h);
    let asked = authorize_form().scope("openid read").set("resource", "https://files.example");
    let token = h.redeem(code_form(&asked, &h.code(&asked, "alice"))).issued().access_token;
    let _ = api.refuses(&bearer(&token), Reason::AccessTokenAudience);
}

/// An answer is kept for its time, the token's end counts at every request, and a revocation is seen when it is over.
#[test]
fn answers_are_kept_for_a_while() {
    let h = Harness::new();
    let (api, provider) = asking(&h);
    let advance = |seconds| {
        h.advance(Duration::from_secs(seconds));
        api.advance(Duration::from_secs(seconds));
    };
    let token = issued(&h);
    for _ in 0..5 {
        let _ = api.lets_through(&bearer(&token));
    }
    advance(29);
    let _ = h.revoke("web", &token);
    let _ = api.lets_through(&bearer(&token));
    assert_eq!(provider.asked(), 1);
    advance(1);
    let _ = api.refuses(&bearer(&token), Reason::AccessTokenInactive);
    let _ = api.refuses(&bearer(&token), Reason::AccessTokenInactive);
    assert_eq!(provider.asked(), 2, "that it is not active is kept, too");
    let other = issued(&h);
    advance(3580);
    let _ = api.lets_through(&bearer(&other));
    advance(20);
    let _ = api.refuses(&bearer(&other), Reason::AccessTokenExpired);
    assert_eq!(provider.asked(), 3, "the end of a token is known without asking");
}

#[test]
fn answers_need_not_be_kept() {
    let h = Harness::new();
    let provider = InProcess::new(&h);
    let issuer = trusted().with_introspection(provider.clone());
    let api = Api::trusting(issuer, |builder| builder.introspection_lifetime(Duration::ZERO));
    let token = issued(&h);
    let _ = (api.lets_through(&bearer(&token)), api.lets_through(&bearer(&token)));
    assert_eq!(provider.asked(), 2);
}

/// Proofs are no part of what is kept: each request needs its own (attack 167, attack 174).
#[test]
fn a_proof_is_checked_for_each_request() {
    let h = Harness::builder().dpop(DpopConfig::new()).build();
    let provider = InProcess::new(&h);
    let api = Api::trusting(trusted().with_introspection(provider.clone()), |builder| {
        builder.dpop(DpopConfig::new(), Arc::new(MemoryStore::new()))
    });
    let asked = authorize_form().client("spa").scope("openid read");
    let code = h.code(&asked, "alice");
    let token = h.redeem(code_form(&asked, &code).proved(&h.token_proof())).issued_as("DPoP").access_token;
    let proof = api.proof(&token);
    let call = |proof: &JwtForm| Call::with("DPoP", &token).proved(proof);
    assert_eq!(api.lets_through(&call(&proof)).subject(), Some("alice"));
    let _ = api.refuses(&call(&proof), Reason::DpopProofReplayed);
    let _ = api.refuses(&bearer(&token), Reason::AccessTokenBound);
    let _ = api.refuses(&Call::with("DPoP", &token), Reason::AccessTokenProofMissing);
    let _ = api.refuses(&call(&api.proof(&token).by(&dpop_keys()[1])), Reason::AccessTokenKeyMismatch);
    let _ = api.lets_through(&call(&api.proof(&token)));
    assert_eq!(provider.asked(), 1);
}

/// How often a question is looked at before there is an answer.
const LOOKS: usize = 100;

/// Says what a test has it say, after a while.
#[derive(Debug)]
struct Says {
    answer: Result<Value, fn() -> IntrospectionError>,
    asked: AtomicUsize,
}

impl Says {
    fn active(members: Value) -> Arc<Self> {
        Arc::new(Self { answer: Ok(members), asked: AtomicUsize::new(0) })
    }

    fn fault(fault: fn() -> IntrospectionError) -> Arc<Self> {
        Arc::new(Self { answer: Err(fault), asked: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl TokenIntrospection for Says {
    async fn introspect(&self, _: &Secret, _: Timestamp) -> Result<Introspection, IntrospectionError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut looks = 0;
        poll_fn(|cx| {
            looks += 1;
            cx.waker().wake_by_ref();
            if looks > LOOKS { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        match &self.answer {
            Ok(Value::Object(members)) => {
                Introspection::from_members(members.clone()).ok_or(IntrospectionError::Malformed)
            }
            Ok(_) => panic!("the port has a flaw"),
            Err(fault) => Err(fault()),
        }
    }
}

fn hearing(says: &Arc<Says>) -> Api {
    Api::trusting(trusted().with_introspection(says.clone()), |builder| builder)
}

/// RFC 7662 section 2.2: what an answer says counts.
#[test]
fn an_answer_is_checked() {
    let now = 1_893_456_000;
    for (members, reason) in [
        (json!({ "active": false, "aud": DEFAULT_AUDIENCE }), Reason::AccessTokenInactive),
        (json!({ "active": true }), Reason::AccessTokenAudience),
        (json!({ "active": true, "aud": "https://files.example" }), Reason::AccessTokenAudience),
        (
            json!({ "active": true, "aud": DEFAULT_AUDIENCE, "iss": "https://evil.example" }),
            Reason::AccessTokenIssuer,
        ),
        (json!({ "active": true, "aud": DEFAULT_AUDIENCE, "exp": now }), Reason::AccessTokenExpired),
        (json!({ "active": true, "aud": DEFAULT_AUDIENCE, "exp": "later" }), Reason::AccessTokenClaims),
        (json!({ "active": true, "aud": DEFAULT_AUDIENCE, "nbf": now + 11 }), Reason::AccessTokenNotYetValid),
        (json!({ "active": true, "aud": DEFAULT_AUDIENCE, "scope": 1 }), Reason::AccessTokenClaims),
        (
            json!({ "active": true, "aud": DEFAULT_AUDIENCE, "cnf": { "kid": "1" } }),
            Reason::AccessTokenConfirmation,
        ),
        (
            json!({ "active": true, "aud": DEFAULT_AUDIENCE, "token_type": "DPoP" }),
            Reason::AccessTokenConfirmation,
        ),
        (json!({ "active": "true", "aud": DEFAULT_AUDIENCE }), Reason::IntrospectionMalformed),
        (json!({ "aud": DEFAULT_AUDIENCE }), Reason::IntrospectionMalformed),
        (
            json!({ "active": true, "aud": DEFAULT_AUDIENCE, "a": "b".repeat(16 * 1024) }),
            Reason::IntrospectionMalformed,
        ),
    ] {
        let _ = hearing(&Says::active(members)).refuses(&bearer("opaque"), reason);
    }
    let sparse = hearing(&Says::active(json!({ "active": true, "aud": [DEFAULT_AUDIENCE, "x"] })));
    let access = sparse.lets_through(&bearer("opaque"));
    assert_eq!((access.subject(), access.client_id(), access.expires_at()), (None, None, None));
}

/// A fault is a 503, is not kept, and never lets anybody in.
#[test]
fn where_nobody_answers_nobody_is_let_in() {
    let refusals: [(Arc<Says>, Reason); 4] = [
        (Says::fault(|| IntrospectionError::Refused), Reason::IntrospectionRefused),
        (Says::fault(|| IntrospectionError::Malformed), Reason::IntrospectionMalformed),
        (Says::fault(|| IntrospectionError::Unavailable("down".into())), Reason::IntrospectionUnavailable),
        (Says::active(json!("flawed")), Reason::IntrospectionPanicked),
    ];
    for (says, reason) in refusals {
        let api = hearing(&says);
        for times in 1..3 {
            let refused = api.refuses(&bearer("opaque"), reason);
            assert_eq!(refused.response().status(), 503);
            assert!(!refused.response().headers().contains_key("www-authenticate"));
            assert_eq!(says.asked.load(Ordering::SeqCst), times);
        }
    }
}

fn at_once<'a>(api: &'a Api, calls: usize) -> Vec<Step<'a, Result<(), Reason>>> {
    let call = |_| -> Step<'a, Result<(), Reason>> {
        Box::pin(async move {
            let request =
                http::Request::get("/photos").header("authorization", "Bearer opaque").body(()).unwrap();
            let verified = api.verifier.verify(&request, ANY.get_or_init(Requirement::any)).await;
            verified.map(drop).map_err(|refused: Refused| refused.reason())
        })
    };
    (0..calls).map(call).collect()
}

static ANY: std::sync::OnceLock<Requirement> = std::sync::OnceLock::new();

/// Of many requests with one token one asks; where it fails, all are told.
#[test]
fn one_question_answers_all_who_wait() {
    let says = Says::active(json!({ "active": true, "aud": DEFAULT_AUDIENCE }));
    let api = hearing(&says);
    let answers = interleave(at_once(&api, 50), &[3, 1, 4, 1, 5]);
    assert!(answers.len() == 50 && answers.iter().all(Result::is_ok));
    assert_eq!(says.asked.load(Ordering::SeqCst), 1);
    let says = Says::fault(|| IntrospectionError::Refused);
    let api = hearing(&says);
    let answers = interleave(at_once(&api, 50), &[]);
    assert!(answers.iter().all(|answer| *answer == Err(Reason::IntrospectionRefused)));
    assert_eq!(says.asked.load(Ordering::SeqCst), 1);
}

/// A client that hangs up takes nobody else's answer away, and leaves nothing behind.
#[test]
fn a_request_that_is_gone_does_not_end_the_question() {
    let says = Says::active(json!({ "active": true, "aud": DEFAULT_AUDIENCE }));
    let api = hearing(&says);
    let [first, second] = at_once(&api, 2).try_into().map_err(|_| ()).unwrap();
    let mut second = second;
    let gone = {
        let mut first = first;
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(first.as_mut().poll(&mut context).is_pending());
        assert!(second.as_mut().poll(&mut context).is_pending());
        drop(first);
        second
    };
    assert_eq!(abandon(gone, 2 * LOOKS), Some(Ok(())));
    assert_eq!(says.asked.load(Ordering::SeqCst), 1);
    let api = hearing(&says);
    let [alone] = at_once(&api, 1).try_into().map_err(|_| ()).unwrap();
    assert_eq!(abandon(alone, 1), None);
    let _ = api.lets_through(&bearer("opaque"));
    assert_eq!(says.asked.load(Ordering::SeqCst), 3);
}

/// The HTTP of a provider in this process.
#[derive(Debug)]
struct Wire(Provider);

#[async_trait]
impl HttpClient for Wire {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        match self.0.handle(&request).await {
            Authorize::Respond(response) => Ok(response),
            _ => Err(HttpErrorKind::Unreachable.into()),
        }
    }
}

fn over_http(http: Arc<dyn HttpClient>, credential: ClientCredential) -> Api {
    let endpoint = FetchUrl::parse(ENDPOINT).unwrap();
    let asked = HttpIntrospection::new(endpoint, credential, http, Arc::new(ManualRuntime::new()));
    Api::trusting(trusted().with_introspection(Arc::new(asked)), |builder| builder)
}

fn id(text: &str) -> ClientId {
    ClientId::new(text).unwrap()
}

#[test]
fn an_endpoint_is_asked_with_a_secret() {
    let h = Harness::new();
    let credential = ClientCredential::secret(id("api"), Secret::new(h.client_secret("api")));
    assert_eq!(format!("{credential:?}"), "ClientCredential(api, client_secret_basic)");
    let api = over_http(Arc::new(Wire(h.provider().clone())), credential);
    assert_eq!(api.lets_through(&bearer(&issued(&h))).subject(), Some("alice"));
    let _ = api.refuses(&bearer("made-up"), Reason::AccessTokenInactive);
    let wrong = ClientCredential::secret(id("api"), Secret::new("wrong"));
    let api = over_http(Arc::new(Wire(h.provider().clone())), wrong);
    let _ = api.refuses(&bearer(&issued(&h)), Reason::IntrospectionRefused);
}

/// RFC 7523 section 2.2: with an assertion, which is another for each question.
#[test]
fn an_endpoint_is_asked_with_a_private_key() {
    let h = Harness::new();
    let token =
        h.redeem(token_form("client_credentials").client("signer").scope("read")).issued().access_token;
    let credential = ClientCredential::private_key(id("signer"), ISSUER, client_key());
    let endpoint = FetchUrl::parse(ENDPOINT).unwrap();
    let http = Arc::new(Wire(h.provider().clone()));
    let asked = HttpIntrospection::new(endpoint, credential, http, Arc::new(ManualRuntime::new()));
    let issuer = trusted().with_introspection(Arc::new(asked));
    let api = Api::trusting(issuer, |builder| builder.introspection_lifetime(Duration::ZERO));
    for _ in 0..2 {
        assert_eq!(api.lets_through(&bearer(&token)).subject(), Some("client:signer"));
    }
}

fn signing() -> (Harness, Arc<HttpTable>, Api) {
    signing_by(SigningAlg::DEFAULT_INBOUND)
}

fn signing_by(algs: &[SigningAlg]) -> (Harness, Arc<HttpTable>, Api) {
    let h = Harness::builder().provider(|builder| builder.with_introspection_jwt()).build();
    let http = Arc::new(HttpTable::new());
    http.serve_json(JWKS_URI, &keys().to_value());
    let credential = ClientCredential::secret(id("api"), Secret::new(h.client_secret("api")));
    let endpoint = FetchUrl::parse(ENDPOINT).unwrap();
    let jwks_uri = FetchUrl::parse(JWKS_URI).unwrap();
    let asked = HttpIntrospection::new(endpoint, credential, http.clone(), Arc::new(ManualRuntime::new()));
    let asked = asked.with_algorithms(algs).with_signed_answers(ISSUER, jwks_uri);
    let issuer = trusted().with_introspection(Arc::new(asked));
    let api = Api::trusting(issuer, |builder| builder.introspection_lifetime(Duration::ZERO));
    (h, http, api)
}

/// RFC 9701 section 5: an answer that the issuer has signed for this caller.
#[test]
fn an_answer_may_have_to_be_signed() {
    let (h, http, api) = signing();
    let token = issued(&h);
    let form = client_form(Form::new().set("token", token.as_str())).client("api").header("accept", SIGNED);
    let signed = h.introspect_with(form).response;
    http.answer(ENDPOINT, signed);
    assert_eq!(api.lets_through(&bearer(&token)).subject(), Some("alice"));
    let sent = http.take_requests();
    assert_eq!(sent[0].headers()["accept"], SIGNED);
    // The same answer is worth nothing a while later.
    api.advance(Duration::from_secs(71));
    let _ = api.refuses(&bearer(&token), Reason::IntrospectionUnverified);
}

/// The algorithms are the API's to choose: by default the provider signs by RS256 here.
#[test]
fn an_answer_is_signed_by_an_algorithm_that_is_taken() {
    for (algs, taken) in [(&[SigningAlg::Es256][..], false), (&[SigningAlg::Es256, SigningAlg::Rs256], true)]
    {
        let (h, http, api) = signing_by(algs);
        let token = issued(&h);
        let form =
            client_form(Form::new().set("token", token.as_str())).client("api").header("accept", SIGNED);
        http.answer(ENDPOINT, h.introspect_with(form).response);
        match taken {
            true => assert_eq!(api.lets_through(&bearer(&token)).subject(), Some("alice")),
            false => drop(api.refuses(&bearer(&token), Reason::IntrospectionUnverified)),
        }
    }
}

/// RFC 9701 section 8.1, attack 161: what is not signed by the issuer, or for something or somebody else, is none.
#[test]
fn an_answer_that_is_not_signed_as_it_has_to_be_is_refused() {
    let (_, http, api) = signing();
    let sound = json!({
        "iss": ISSUER, "aud": "api", "iat": api.now().unix(),
        "token_introspection": { "active": true, "aud": DEFAULT_AUDIENCE, "sub": "alice" },
    });
    let with = |name: &str, value: Value| {
        let mut claims = sound.clone();
        claims[name] = value;
        claims
    };
    let without = |name: &str| {
        let mut claims = sound.clone();
        claims.as_object_mut().unwrap().remove(name);
        claims
    };
    let typ = "token-introspection+jwt";
    let stranger = JoseSigner::generate(SigningAlg::Es256).unwrap();
    let serve = |body: String| http.serve(ENDPOINT, SIGNED, body);
    for (body, reason) in [
        (json!({ "active": true, "aud": DEFAULT_AUDIENCE }).to_string(), Reason::IntrospectionUnverified),
        (signed("at+jwt", &sound), Reason::IntrospectionUnverified),
        (signed("JWT", &sound), Reason::IntrospectionUnverified),
        (signed_by(typ, &sound, &stranger), Reason::IntrospectionUnverified),
        (signed(typ, &with("iss", json!("https://evil.example"))), Reason::IntrospectionUnverified),
        (signed(typ, &without("iss")), Reason::IntrospectionUnverified),
        (signed(typ, &with("aud", json!("another"))), Reason::IntrospectionUnverified),
        (signed(typ, &with("aud", json!(["api", "another"]))), Reason::IntrospectionUnverified),
        (signed(typ, &without("aud")), Reason::IntrospectionUnverified),
        (signed(typ, &without("iat")), Reason::IntrospectionUnverified),
        (signed(typ, &with("iat", json!(api.now().unix() + 11))), Reason::IntrospectionUnverified),
        (signed(typ, &without("token_introspection")), Reason::IntrospectionUnverified),
        (signed(typ, &with("token_introspection", json!({}))), Reason::IntrospectionMalformed),
        (signed(typ, &with("token_introspection", json!({ "active": false }))), Reason::AccessTokenInactive),
    ] {
        serve(body);
        let _ = api.refuses(&bearer(&format!("token-{reason:?}")), reason);
    }
    serve(signed(typ, &sound));
    assert_eq!(api.lets_through(&bearer("sound")).subject(), Some("alice"));
}

/// attack 78, attack 194: what is no answer of an introspection endpoint is none.
#[test]
fn an_endpoint_that_does_not_answer_lets_nobody_in() {
    let (http, credential) =
        (Arc::new(HttpTable::new()), ClientCredential::secret(id("api"), Secret::new("a")));
    let api = over_http(http.clone(), credential);
    let answer = |status: u16, body: &str| {
        let response = http::Response::builder().status(status).header("content-type", "application/json");
        http.answer(ENDPOINT, response.body(Bytes::from(body.to_owned())).unwrap());
    };
    let _ = api.refuses(&bearer("a"), Reason::IntrospectionUnavailable);
    for (status, body, reason) in [
        (200, "", Reason::IntrospectionMalformed),
        (200, "[]", Reason::IntrospectionMalformed),
        (200, r#"{"active":true,"active":false}"#, Reason::IntrospectionMalformed),
        (200, r#"{"active":1}"#, Reason::IntrospectionMalformed),
        (200, &"a".repeat(64 * 1024 + 1), Reason::IntrospectionUnavailable),
        (302, "", Reason::IntrospectionUnavailable),
        (401, r#"{"error":"invalid_client"}"#, Reason::IntrospectionRefused),
        (403, "", Reason::IntrospectionRefused),
        (500, r#"{"active":true}"#, Reason::IntrospectionUnavailable),
    ] {
        answer(status, body);
        let _ = api.refuses(&bearer("a"), reason);
    }
    answer(200, &json!({ "active": true, "aud": DEFAULT_AUDIENCE }).to_string());
    let _ = http.take_requests();
    let _ = api.lets_through(&bearer("a b=c".split(' ').next().unwrap()));
    let [sent] = &http.take_requests()[..] else { panic!("one question") };
    assert_eq!(sent.method(), "POST");
    assert_eq!(sent.body().as_ref(), b"token=a&token_type_hint=access_token");
    assert!(sent.headers()["authorization"].is_sensitive());
}

/// Several issuers are told apart by how their tokens begin.
#[test]
fn opaque_tokens_are_told_apart_by_their_beginning() {
    let says = |sub: &str| Says::active(json!({ "active": true, "aud": DEFAULT_AUDIENCE, "sub": sub }));
    let issuer = |name: &str, prefix: &str| {
        TrustedIssuer::new(name).with_introspection(says(name)).with_opaque_prefix(prefix)
    };
    let api = Api::trusting(issuer("https://a.example", "vs_at_"), |builder| {
        builder.issuer(issuer("https://b.example", "vs_at_b_")).issuer(issuer("https://c.example", "gho_"))
    });
    for (token, name) in
        [("vs_at_1", "https://a.example"), ("vs_at_b_1", "https://b.example"), ("gho_1", "https://c.example")]
    {
        let access = api.lets_through(&bearer(token));
        assert_eq!((access.issuer(), access.subject()), (name, Some(name)));
    }
    let _ = api.refuses(&bearer("another"), Reason::AccessTokenUnreadable);
}

/// What the host itself is told by the provider: the same as whoever introspects, and nothing of other kinds of tokens.
#[test]
fn a_provider_describes_its_tokens_to_its_host() {
    let h = issuing(AccessTokenFormatChoice::Opaque);
    let asked = authorize_form().scope("openid offline_access read");
    let tokens = h.redeem(code_form(&asked, &h.code(&asked, "alice"))).issued();
    let described = |token: &str| {
        let answer =
            vouchsafe::testing::block_on(h.provider().introspection_of(&Secret::new(token))).unwrap();
        Value::Object(answer.into_members())
    };
    let _ = h.events();
    let form = client_form(Form::new().set("token", tokens.access_token.as_str()));
    let told = h.introspect_with(form.client("api")).json();
    assert_eq!(described(&tokens.access_token), told);
    assert_eq!(described(tokens.refresh_token.as_deref().unwrap()), json!({ "active": false }));
}
