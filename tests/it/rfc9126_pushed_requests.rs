//! RFC 9126 sections 2 to 6: requests that are pushed, and references that are used once.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use serde_json::json;
use vouchsafe::client::{Client, ClientAuthMethod, ClientMetadata};
use vouchsafe::clock::Timestamp;
use vouchsafe::error::Reason;
use vouchsafe::limiter::{Admission, LimitPoint, Limiter};
use vouchsafe::provider::{BuildError, Denial, PushedRequests};
use vouchsafe::store::Stores;
use vouchsafe::testing::{
    AuthorizeForm, Carrier, Fault, Faults, Form, Harness, Visit, authorize_form, client_form, code_form,
    object_form, reference_form,
};
use vouchsafe::types::{ClientId, RedirectUri};

fn refer<'h>(h: &'h Harness, request_uri: &str) -> Visit<'h> {
    h.authorize(&reference_form("web", request_uri))
}

/// A client of which every request has to be pushed.
fn strict() -> Client {
    let uri = RedirectUri::register("https://strict.example/cb").unwrap();
    let metadata = ClientMetadata::code_flow([uri])
        .with_auth_method(ClientAuthMethod::None)
        .with_pushed_authorization_required();
    Client::builder(ClientId::new("strict").unwrap(), metadata).build().unwrap()
}

fn harness() -> Harness {
    Harness::builder().pushed_requests().build()
}

/// A harness whose stores can be made to fail, and tell what they were asked.
fn faulty() -> (Harness, Faults) {
    let faults = Faults::new();
    let wrapping = faults.clone();
    (Harness::builder().pushed_requests().stores(move |store| wrapping.stores(store)).build(), faults)
}

#[test]
fn a_pushed_request_is_answered_like_any_other() {
    let h = harness();
    let form = authorize_form().scope("openid email");
    let answer = h.push(form.to_push()).accepted();
    assert_eq!(answer.response.status(), 201);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.json();
    assert_eq!(body["expires_in"], 60);
    let request_uri = body["request_uri"].as_str().unwrap();
    assert!(request_uri.starts_with("urn:ietf:params:oauth:request_uri:"));
    let visit = refer(&h, request_uri);
    assert_eq!(visit.pending().request().scope.as_str(), "openid email");
    assert_eq!(visit.pending().request().nonce.as_deref(), form.value("nonce"));
    let landing = visit.resumed_after(Duration::from_secs(5)).approved_by("alice").landing();
    assert_eq!(landing.carrier, Carrier::Query);
    assert_eq!(landing.value("state"), form.value("state").unwrap());
    let tokens = h.redeem(code_form(&form, landing.value("code"))).issued();
    assert_eq!(tokens.scope.as_deref(), Some("openid email"));
}

/// attack 62: 32 random bytes, and a mark that refuses what was made up before a store is asked.
#[test]
fn a_reference_cannot_be_guessed() {
    let (h, faults) = faulty();
    let first = h.pushed(&authorize_form());
    let second = h.pushed(&authorize_form());
    let suffix = |uri: &str| uri.rsplit(':').next().unwrap().to_owned();
    assert_eq!(suffix(&first).len(), 64);
    assert_ne!(first, second);
    let mut made_up = first.clone();
    let last = if made_up.ends_with('A') { 'B' } else { 'A' };
    made_up.pop();
    made_up.push(last);
    let _ = faults.calls();
    for uri in [made_up.as_str(), "urn:ietf:params:oauth:request_uri:1", "urn:ietf:params:oauth:request_uri:"]
    {
        refer(&h, uri).shown(Reason::PushedRequestUnknown);
    }
    assert_eq!(faults.calls(), Vec::<&str>::new());
}

/// attack 61: a reload or a bot that previews a link does not spend the reference.
#[test]
fn a_reference_may_be_opened_again_until_it_is_answered() {
    let h = harness();
    let request_uri = h.pushed(&authorize_form());
    refer(&h, &request_uri).waits();
    refer(&h, &request_uri).waits();
    let denied = refer(&h, &request_uri).denied(Denial::Person);
    let _ = denied.returned(Reason::DeniedByUser);
    let _ = refer(&h, &request_uri).approved_by("alice").code();
}

/// attack 60: of all approvals of one reference one is answered, whichever visit they come from.
#[test]
fn a_reference_is_answered_once() {
    let h = harness();
    let request_uri = h.pushed(&authorize_form());
    let other = refer(&h, &request_uri);
    let _ = refer(&h, &request_uri).approved_by("alice").code();
    let again = other.approved_by("alice").returned(Reason::PushedRequestSpent);
    assert_eq!(again.value("error"), "invalid_request_uri");
    refer(&h, &request_uri).shown(Reason::PushedRequestUnknown);
}

/// attack 59
#[test]
fn a_reference_expires_and_what_was_begun_in_time_goes_on() {
    let h = harness();
    let request_uri = h.pushed(&authorize_form());
    h.advance(Duration::from_secs(59));
    let visit = refer(&h, &request_uri);
    visit.waits();
    h.advance(Duration::from_secs(1));
    refer(&h, &request_uri).shown(Reason::PushedRequestUnknown);
    let _ = visit.resumed_after(Duration::from_secs(20 * 60)).approved_by("alice").code();
}

/// attack 58: the reference of another client leads nowhere, and stays good for its own.
#[test]
fn a_reference_of_another_client_is_refused_and_stays() {
    let h = harness();
    let request_uri = h.pushed(&authorize_form());
    h.authorize(&reference_form("spa", &request_uri)).shown(Reason::PushedRequestForeign);
    let _ = refer(&h, &request_uri).approved_by("alice").code();
}

/// attack 63: only what was pushed counts.
#[test]
fn parameters_beside_a_reference_are_ignored() {
    let h = harness();
    let request_uri = h.pushed(&authorize_form());
    let form = reference_form("web", &request_uri)
        .scope("openid email admin")
        .set("redirect_uri", "https://evil.example/")
        .set("state", "other")
        .set("response_mode", "fragment")
        .set("nonce", "other")
        .prompt("none");
    let visit = h.authorize(&form);
    assert_eq!(visit.pending().request().scope.as_str(), "openid");
    assert_eq!(visit.pending().request().nonce, authorize_form().value("nonce").map(str::to_owned));
    let landing = visit.approved_by("alice").landing();
    assert_eq!(landing.value("state"), authorize_form().value("state").unwrap());
    assert_eq!((landing.uri.as_str(), landing.carrier), ("https://web.example/cb", Carrier::Query));
    let both = reference_form("web", &h.pushed(&authorize_form())).set("request", "e30.e30.");
    h.authorize(&both).shown(Reason::RequestSourcesCombined);
}

/// attack 55
#[test]
fn a_reference_is_not_pushed() {
    let h = Harness::builder().pushed_requests().request_objects().build();
    let uri = h.pushed(&authorize_form());
    let beside = authorize_form().set("request_uri", uri.as_str()).to_push();
    let _ = h.push(beside).rejected(Reason::PushedRequestUri).unchanged();
    let mut claims = h.object_claims(&authorize_form().client("jar"));
    claims["request_uri"] = json!(uri);
    let inside = object_form("jar", h.request_object(&claims)).to_push();
    let _ = h.push(inside).rejected(Reason::RequestObjectNested).unchanged();
}

/// attack 56
#[test]
fn the_endpoint_answers_posts_alone() {
    let h = harness();
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let request = http::Request::builder().method(method).uri("https://op.example/par");
        let answer = h.answer(request.body(Bytes::new()).unwrap()).rejected(Reason::MethodNotAllowed);
        assert_eq!(answer.response.status(), 405);
        assert_eq!(answer.header("allow"), Some("POST"));
    }
}

/// attack 57
#[test]
fn a_request_that_is_too_large_is_not_kept() {
    let h = harness();
    let large = authorize_form().set("state", "s".repeat(5 << 20)).to_push();
    let answer = h.push(large).rejected(Reason::BodyTooLarge).unchanged();
    assert_eq!(answer.response.status(), 413);
}

/// attack 65: a confidential client authenticates, with its own method.
#[test]
fn a_confidential_client_authenticates() {
    let h = harness();
    let form = authorize_form();
    let open = form.to_push().unauthenticated();
    let answer = h.push(open).rejected(Reason::ClientMethodNotRegistered).unchanged();
    assert_eq!(answer.response.status(), 401);
    let wrong = form.to_push().without("client_id").basic("web", "wrong");
    let _ = h.push(wrong).rejected(Reason::ClientSecretWrong).unchanged();
    let other = form.clone().client("post").to_push().client("web");
    let _ = h.push(other).rejected(Reason::ClientIdMismatch).unchanged();
    // A client that authenticates need not name itself again, and a public one only names itself.
    let request_uri = h.push(form.to_push().without("client_id")).accepted().json()["request_uri"].clone();
    refer(&h, request_uri.as_str().unwrap()).waits();
    for client in ["post", "signer", "spa"] {
        let form = authorize_form().client(client);
        let request_uri = h.pushed(&form);
        let code = h.authorize(&reference_form(client, &request_uri)).approved_by("alice").code();
        let _ = h.redeem(code_form(&form, &code)).issued();
    }
}

/// attack 64: what was not pushed is shown, and never redirected, since where to was not pushed.
#[test]
fn requests_that_have_to_be_pushed_are_not_taken_otherwise() {
    let h = Harness::builder().pushed_requests().client(strict()).build();
    let form = authorize_form().client("strict");
    h.authorize(&form).shown(Reason::PushedRequestRequired);
    h.authorize(&form.clone().prompt("none")).shown(Reason::PushedRequestRequired);
    let request_uri = h.pushed(&form);
    let _ = h.authorize(&reference_form("strict", &request_uri)).approved_by("alice").code();

    let all = Harness::builder()
        .provider(|builder| builder.with_pushed_authorization_requests(PushedRequests::Required))
        .build();
    all.authorize(&authorize_form()).shown(Reason::PushedRequestRequired);
    let _ = refer(&all, &all.pushed(&authorize_form())).approved_by("alice").code();
}

/// What a browser would be shown, or the client told through it, is told to the client that pushes.
#[test]
fn a_request_that_could_not_be_answered_is_refused_when_it_is_pushed() {
    let h = harness();
    let form = authorize_form;
    let rows: [(AuthorizeForm, Reason); 8] = [
        (form().set("redirect_uri", "https://evil.example/"), Reason::RedirectUriNotRegistered),
        (form().without("redirect_uri"), Reason::RedirectUriMissing),
        (form().without("code_challenge").without("code_challenge_method"), Reason::PkceChallengeMissing),
        (form().set("code_challenge_method", "plain"), Reason::PkceMethodUnsupported),
        (form().set("response_type", "code id_token"), Reason::ResponseTypeUnsupported),
        (form().scope("openid admin"), Reason::ScopeNotAllowed),
        (form().prompt("none login"), Reason::PromptNoneCombined),
        (form().also("state", "twice"), Reason::ParameterRepeated),
    ];
    for (form, reason) in rows {
        let _ = h.push(form.to_push()).rejected(reason).unchanged();
    }
}

/// RFC 9126 section 3: the request may be pushed as a request object; what it says is what counts.
#[test]
fn a_request_object_may_be_pushed() {
    let h = Harness::builder().pushed_requests().request_objects().build();
    let form = authorize_form().client("jar").scope("openid email");
    let object = h.request_object(&h.object_claims(&form));
    let push = object_form("jar", object).to_push().scope("openid profile");
    let request_uri = h.push(push).accepted().json()["request_uri"].as_str().unwrap().to_owned();
    let visit = h.authorize(&reference_form("jar", &request_uri));
    assert_eq!(visit.pending().request().scope.as_str(), "openid email");
    let _ = visit.approved_by("alice").code();
    // attack 80: the same object may be pushed again.
    let again = object_form("jar", h.request_object(&h.object_claims(&form))).to_push();
    let _ = h.push(again).accepted();
}

/// What a client may no longer ask for when the browser comes is refused then.
#[test]
fn a_pushed_request_is_weighed_again_when_the_browser_comes() {
    let h = harness();
    let request_uri = h.pushed(&authorize_form().scope("openid email"));
    let uri = RedirectUri::register("https://web.example/other").unwrap();
    let metadata = ClientMetadata::code_flow([uri]).with_auth_method(ClientAuthMethod::None);
    let moved = Client::builder(ClientId::new("web").unwrap(), metadata);
    h.store().insert_client(moved.build().unwrap());
    refer(&h, &request_uri).shown(Reason::RedirectUriNotRegistered);
}

/// attack 67: one client that floods is told to wait, and nothing more is written for it.
#[test]
fn a_client_that_floods_is_told_to_wait() {
    #[derive(Debug)]
    struct OnlyPost;

    #[async_trait::async_trait]
    impl Limiter for OnlyPost {
        async fn admit(&self, point: LimitPoint, key: &str, _: Timestamp) -> Admission {
            match (point, key) {
                (LimitPoint::PushedAuthorization, "web") => {
                    Admission::Refused { retry_after: Duration::from_secs(7) }
                }
                _ => Admission::Admitted,
            }
        }
    }

    let h =
        Harness::builder().pushed_requests().provider(|builder| builder.limiter(Arc::new(OnlyPost))).build();
    let answer = h.push(authorize_form().to_push()).rejected(Reason::RateLimited).unchanged();
    assert_eq!((answer.response.status().as_u16(), answer.header("retry-after")), (429, Some("7")));
    let _ = h.pushed(&authorize_form().client("post"));
}

#[test]
fn a_store_that_fails_keeps_and_answers_nothing() {
    let (h, faults) = faulty();
    let request_uri = h.pushed(&authorize_form());
    for verb in ["put", "take"] {
        faults.break_verb(verb, Fault::Unavailable);
    }
    let answer = h.push(authorize_form().to_push()).rejected(Reason::StoreUnavailable).unchanged();
    assert_eq!(answer.response.status(), 503);
    let waiting = refer(&h, &request_uri);
    let _ = waiting.approved_by("alice").returned(Reason::StoreUnavailable);
    faults.mend();
    let _ = refer(&h, &request_uri).approved_by("alice").code();
}

/// A push writes once, a visit reads once, and an approval takes once more than it would.
#[test]
fn a_pushed_request_costs_one_statement_each_time() {
    let (h, faults) = faulty();
    let _ = faults.calls();
    let request_uri = h.pushed(&authorize_form());
    assert_eq!(faults.calls(), ["put"]);
    let visit = refer(&h, &request_uri);
    assert_eq!(faults.calls(), ["get"]);
    let _ = visit.approved_by("alice").code();
    assert_eq!(faults.calls(), ["take", "insert_grant", "insert_code"]);
}

#[test]
fn discovery_tells_of_it_where_it_is_on() {
    let metadata = |h: &Harness| {
        let request = http::Request::get("/.well-known/openid-configuration").body(Bytes::new()).unwrap();
        h.answer(request).json()
    };
    let on = metadata(&harness());
    assert_eq!(on["pushed_authorization_request_endpoint"], "https://op.example/par");
    assert_eq!(on["require_pushed_authorization_requests"], false);
    let required = Harness::builder()
        .provider(|builder| builder.with_pushed_authorization_requests(PushedRequests::Required))
        .build();
    assert_eq!(metadata(&required)["require_pushed_authorization_requests"], true);
}

#[test]
fn it_needs_a_ticket_store() {
    use vouchsafe::provider::{Config, Provider};
    use vouchsafe::secret::SystemSecrets;
    use vouchsafe::store::memory::MemoryStore;
    use vouchsafe::testing::{AccountTable, keyring};

    let secrets = SystemSecrets::generate(&vouchsafe::entropy::OsEntropy).unwrap();
    let config = Config::new("https://op.example".parse().unwrap());
    let stores = Stores::of(Arc::new(MemoryStore::new()));
    let refused = Provider::builder(config, stores, keyring(), secrets)
        .accounts(Arc::new(AccountTable::default()))
        .with_authorization_code()
        .with_pushed_authorization_requests(PushedRequests::Accepted)
        .build();
    let needs = BuildError::Needs { feature: "pushed_authorization_requests", port: "TicketStore" };
    assert_eq!(refused.unwrap_err(), needs);
}

#[test]
fn an_empty_form_of_a_public_client_names_what_is_missing() {
    let h = harness();
    let _ = h.push(client_form(Form::new()).client("spa")).rejected(Reason::ResponseTypeMissing).unchanged();
}
