//! RFC 7009: revocation.

use http::Method;
use vouchsafe::error::Reason;
use vouchsafe::event::EventKind;
use vouchsafe::provider::Provider;
use vouchsafe::testing::{
    AuthorizeForm, Fault, Faults, Form, Harness, Outcome, authorize_form, client_form, code_form,
    refresh_form, refusals, token_form,
};
use vouchsafe::wire::{Request, Response};

fn offline() -> AuthorizeForm {
    authorize_form().scope("openid offline_access read")
}

async fn revocation(provider: Provider, request: Request) -> Response {
    provider.revocation(&request).await
}

/// 200 without a body, which says nothing of the token.
#[track_caller]
fn answered(outcome: &Outcome) {
    assert_eq!(outcome.response.status(), 200);
    assert!(outcome.response.body().is_empty());
    assert_eq!(outcome.header("cache-control"), Some("no-store"));
}

/// attack 200: giving back a refresh token ends everything of its grant.
#[test]
fn a_revoked_refresh_token_takes_its_grant_with_it() {
    let h = Harness::new();
    for client in ["web", "spa"] {
        let first = h.tokens(&offline().client(client), "alice");
        let second = h.redeem(refresh_form(client, first.refresh_token())).issued();
        let outcome = h.revoke(client, second.refresh_token()).accepted();
        answered(&outcome);
        assert_eq!(outcome.events[0].kind, EventKind::Revoked);
        assert!(outcome.events[0].grant.is_some());
        for token in [&first.access_token, &second.access_token] {
            assert!(!h.is_active("api", token));
        }
        h.redeem(refresh_form(client, second.refresh_token())).rejected(Reason::GrantRevoked);
        answered(&h.revoke(client, second.refresh_token()).accepted());
    }
}

#[test]
fn a_revoked_access_token_is_the_only_one() {
    let h = Harness::new();
    let first = h.tokens(&offline(), "alice");
    let second = h.redeem(refresh_form("web", first.refresh_token())).issued();
    answered(&h.revoke("web", &first.access_token).accepted());
    assert!(!h.is_active("api", &first.access_token));
    assert!(h.is_active("api", &second.access_token));
    h.redeem(refresh_form("web", first.refresh_token())).accepted();
}

#[test]
fn a_token_of_a_client_for_itself_can_be_given_back() {
    let h = Harness::new();
    let token = h.redeem(token_form("client_credentials").client("service")).issued().access_token;
    answered(&h.revoke("service", &token).accepted());
    assert!(!h.is_active("service", &token));
}

/// attack 197: a token of another client stays, and the answer does not tell.
#[test]
fn nobody_revokes_what_is_not_theirs() {
    let h = Harness::new();
    let (web, spa) = (h.tokens(&offline(), "alice"), h.tokens(&offline().client("spa"), "alice"));
    let cases = [("post", &web), ("spa", &web), ("native", &spa), ("web", &spa)];
    for (thief, tokens) in cases {
        for token in [&tokens.access_token, tokens.refresh_token.as_ref().unwrap()] {
            let outcome = h.revoke(thief, token).unchanged();
            answered(&outcome);
            assert_eq!(refusals(&outcome.events), [Reason::TokenForeign]);
        }
    }
    assert!(h.is_active("api", &web.access_token) && h.is_active("api", &spa.access_token));
}

/// attack 198: what is not there is none to revoke, and a hint hides nothing.
#[test]
fn an_unknown_token_is_as_good_as_revoked() {
    let h = Harness::new();
    let code = h.code(&offline(), "alice");
    for token in ["x", "vs_at_", "vs_rt_", "vs_at_AAAA", "e30.e30.e30", code.as_str()] {
        let outcome = h.revoke("web", token).unchanged();
        answered(&outcome);
        assert_eq!(refusals(&outcome.events), [Reason::TokenUnknown]);
    }
    h.redeem(code_form(&offline(), &code)).accepted();
    for hint in ["access_token", "refresh_token", "nonsense"] {
        let tokens = h.tokens(&offline(), "alice");
        let form = Form::new().set("token", tokens.refresh_token()).set("token_type_hint", hint);
        answered(&h.revoke_with(client_form(form)).accepted());
        assert!(!h.is_active("api", &tokens.access_token), "{hint}");
    }
}

/// attack 199: where the store does not answer, the client is told to come again, never that it is done.
#[test]
fn a_revocation_that_may_not_have_happened_is_a_503() {
    let faults = Faults::new();
    let stores = faults.clone();
    let h = Harness::builder().stores(move |memory| stores.stores(memory)).build();
    for nth in [0, 1] {
        for fault in [Fault::Unavailable, Fault::AnswerLost] {
            let tokens = h.tokens(&offline(), "alice");
            for token in [&tokens.access_token, tokens.refresh_token.as_ref().unwrap()] {
                drop(faults.calls());
                faults.plan(nth, fault);
                let outcome = h.revoke("web", token).rejected(Reason::StoreUnavailable);
                assert_eq!(outcome.response.status(), 503);
                assert!(outcome.header("retry-after").is_some());
                faults.mend();
                answered(&h.revoke("web", token));
                assert!(!h.is_active("web", token));
            }
        }
    }
}

#[test]
fn a_revocation_takes_two_statements() {
    let faults = Faults::new();
    let stores = faults.clone();
    let h = Harness::builder().stores(move |memory| stores.stores(memory)).build();
    let tokens = h.tokens(&offline(), "alice");
    drop(faults.calls());
    h.revoke("web", &tokens.access_token).accepted();
    assert_eq!(faults.calls(), ["access_token", "revoke_token"]);
    h.revoke("web", tokens.refresh_token()).accepted();
    assert_eq!(faults.calls(), ["grant", "revoke"]);
}

/// attack 201
#[test]
fn a_confidential_client_authenticates_to_revoke() {
    let h = Harness::new();
    let token = h.tokens(&offline(), "alice").refresh_token().to_owned();
    let form = || client_form(Form::new().set("token", &token)).unauthenticated();
    h.revoke_with(form()).rejected(Reason::ClientCredentialsMissing).unchanged();
    h.revoke_with(form().set("client_id", "web")).rejected(Reason::ClientMethodNotRegistered).unchanged();
    h.revoke_with(form().basic("web", "wrong")).rejected(Reason::ClientSecretWrong).unchanged();
    h.revoke_with(client_form(Form::new())).rejected(Reason::TokenMissing).unchanged();
}

/// attack 328
#[test]
fn browsers_of_the_client_may_revoke_and_no_other_method_does() {
    let h = Harness::new();
    let token = h.tokens(&offline().client("spa"), "alice").refresh_token().to_owned();
    for method in [Method::GET, Method::HEAD, Method::TRACE, Method::OPTIONS] {
        let mut request = h.post("/revoke", client_form(Form::new().set("token", &token)).client("spa"));
        *request.method_mut() = method;
        h.exchange(request, revocation).rejected(Reason::MethodNotAllowed).unchanged();
    }
    let mut preflight = h.post("/revoke", client_form(Form::new()).unauthenticated());
    *preflight.method_mut() = Method::OPTIONS;
    preflight.headers_mut().insert("origin", "https://spa.example".parse().unwrap());
    preflight.headers_mut().insert("access-control-request-method", "POST".parse().unwrap());
    assert_eq!(h.exchange(preflight, revocation).unchanged().response.status(), 204);
    for (origin, allowed) in
        [("https://evil.example", None), ("https://spa.example", Some("https://spa.example"))]
    {
        let form = client_form(Form::new().set("token", &token)).client("spa").header("origin", origin);
        let outcome = h.revoke_with(form).accepted();
        assert_eq!(outcome.header("access-control-allow-origin"), allowed);
    }
}
