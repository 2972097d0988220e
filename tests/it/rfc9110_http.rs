//! RFC 9110, Fetch: hosts, paths, methods and origins, and what a panic does.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, StatusCode};
use vouchsafe::error::{Reason, Result};
use vouchsafe::event::Endpoint;
use vouchsafe::provider::{Asked, AuthorizationRule, Context};
use vouchsafe::testing::{AskingHost, Harness, Outcome, authorize_form};

fn send(h: &Harness, method: Method, target: &str, headers: &[(&str, &str)]) -> Outcome {
    let mut request = http::Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    h.answer(request.body(Bytes::new()).unwrap())
}

/// attack 326: what a request says about the host changes nothing.
#[test]
fn the_issuer_is_configuration() {
    let h = Harness::new();
    let target =
        format!("https://evil.example/authorize?{}", authorize_form().without("code_challenge").encode());
    let headers = [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "http"),
        ("forwarded", "host=evil.example;proto=http"),
    ];
    let landing = send(&h, Method::GET, &target, &headers).returned(Reason::PkceChallengeMissing);
    assert_eq!(landing.params.one("iss"), Ok(Some("https://op.example")));
    let metadata = send(&h, Method::GET, "/.well-known/openid-configuration", &headers).json();
    assert_eq!(metadata["token_endpoint"], "https://op.example/token");
}

/// attack 327: a path that is not an endpoint's to the byte is nobody's.
#[test]
fn a_path_that_only_resembles_an_endpoint_is_not_found() {
    let h = Harness::new();
    for path in
        ["/token/", "//token", "/token%2f", "/TOKEN", "/tok%65n", "/./token", "/x/../token", "/token;a", "/"]
    {
        let outcome = send(&h, Method::POST, path, &[]).unchanged().rejected(Reason::NotFound);
        assert_eq!(outcome.response.status(), StatusCode::NOT_FOUND);
        assert_eq!(outcome.events[0].endpoint, Endpoint::Unknown);
    }
}

/// attack 328: each endpoint answers its methods, and no other has an effect.
#[test]
fn each_endpoint_answers_its_own_methods() {
    let h = Harness::new();
    for (endpoint, path) in h.provider().paths() {
        let document = matches!(endpoint, Endpoint::Discovery | Endpoint::Jwks);
        for method in
            [Method::TRACE, Method::PUT, Method::DELETE, Method::PATCH, Method::CONNECT, Method::OPTIONS]
        {
            let outcome = send(&h, method, path, &[("origin", "https://web.example")]).unchanged();
            assert_eq!(outcome.response.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
            assert!(outcome.header("allow").is_some(), "{path}");
            assert_eq!(vouchsafe::testing::refusals(&outcome.events), [Reason::MethodNotAllowed], "{path}");
        }
        let head = send(&h, Method::HEAD, path, &[]);
        assert_eq!(head.response.status() == StatusCode::OK, document, "{path}");
        if document {
            let get = send(&h, Method::GET, path, &[]);
            assert!(head.response.body().is_empty());
            assert_eq!(head.header("etag"), get.header("etag"));
            assert_eq!(head.header("content-length"), Some(get.response.body().len().to_string().as_str()));
        }
    }
}

/// attack 328, attack 49: a preflight is answered where browsers may call, for any origin, without credentials.
#[test]
fn a_preflight_is_answered_where_browsers_may_call() {
    let h = Harness::builder().backchannel(&AskingHost::new()).build();
    for (endpoint, path) in h.provider().paths() {
        let headers = [("origin", "https://evil.example"), ("access-control-request-method", "POST")];
        let outcome = send(&h, Method::OPTIONS, path, &headers).unchanged();
        let shut = [
            Endpoint::Authorization,
            // Its clients have a secret, or a key.
            Endpoint::BackchannelAuthentication,
            Endpoint::EndSession,
            Endpoint::Introspection,
        ];
        let open = !shut.contains(&endpoint);
        assert_eq!(outcome.header("access-control-allow-origin"), open.then_some("*"), "{path}");
        assert_eq!(outcome.header("access-control-allow-credentials"), None, "{path}");
        let status = if open { StatusCode::NO_CONTENT } else { StatusCode::METHOD_NOT_ALLOWED };
        assert_eq!(outcome.response.status(), status, "{path}");
    }
}

#[derive(Debug)]
struct Panics;

#[async_trait::async_trait]
impl AuthorizationRule for Panics {
    async fn check(&self, _: &Context<'_>, asked: &Asked<'_>) -> Result<()> {
        assert!(asked.request.scope.contains("openid"), "forced");
        Ok(())
    }
}

/// attack 332: a panic in a handler is a 500 and an event, and the next request is answered.
#[test]
fn a_panic_below_is_contained() {
    let h = Harness::builder().provider(|builder| builder.rule(Arc::new(Panics))).build();
    let visit = h.authorize(&authorize_form().scope("read"));
    assert_eq!(visit.outcome.response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    visit.shown(Reason::HandlerPanicked);
    assert!(h.authorize(&authorize_form()).approved_by("alice").code().starts_with("vs_ac_"));
}
