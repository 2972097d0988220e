//! OAuth 2.0 Multiple Response Type Encoding Practices section 2.1: response modes of the host's own.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use serde_json::json;
use vouchsafe::client::Client;
use vouchsafe::entropy::OsEntropy;
use vouchsafe::error::{ErrorCode, Reason, Result};
use vouchsafe::jose::{Keyring, SigningAlg};
use vouchsafe::provider::{
    BuildError, Config, Context, Denial, GrantFilter, Provider, ResponseEncoder, ReturnAddress,
};
use vouchsafe::secret::SystemSecrets;
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::store::{Page, Stores};
use vouchsafe::testing::{AuthorizeForm, Carrier, Harness, authorize_form, block_on, refusals};
use vouchsafe::types::{ClientId, Params};
use vouchsafe::wire::{Response, reply};

/// What the encoder of a test does with a response.
#[derive(Clone, Copy, Debug)]
enum Does {
    /// Gives it to a page, as JSON.
    Answer,
    /// Fails.
    Fail,
    /// Redirects there.
    Redirect(&'static str),
    RedirectTwice,
}

#[derive(Debug)]
struct Mode {
    name: &'static str,
    does: Does,
}

#[async_trait]
impl ResponseEncoder for Mode {
    fn response_mode(&self) -> &str {
        self.name
    }

    fn may_carry_tokens(&self, client: &Client) -> bool {
        ["front", "spa"].contains(&client.id().as_str())
    }

    async fn encode(&self, _: &Context<'_>, back: &ReturnAddress, params: &Params) -> Result<Response> {
        assert!(back.redirect_uri().as_str().ends_with(".example/cb"));
        match self.does {
            Does::Answer => Ok(reply::json(StatusCode::OK, &params.iter().collect::<BTreeMap<_, _>>())),
            Does::Fail => Err(Reason::Custom(ErrorCode::ServerError, "the encoder is broken").into()),
            Does::Redirect(to) => {
                let mut response = Response::default();
                *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
                response.headers_mut().insert(LOCATION, HeaderValue::from_static(to));
                Ok(response)
            }
            Does::RedirectTwice => {
                let mut response = Response::default();
                for to in ["https://web.example/cb", "https://evil.example/"] {
                    response.headers_mut().append(LOCATION, HeaderValue::from_static(to));
                }
                Ok(response)
            }
        }
    }
}

fn harness(does: Does) -> Harness {
    let encoder = Arc::new(Mode { name: "page", does });
    Harness::builder().provider(|builder| builder.response_encoder(encoder)).build()
}

fn in_mode(response_mode: &str) -> AuthorizeForm {
    authorize_form().set("response_mode", response_mode)
}

#[test]
fn a_mode_of_the_host_answers_good_and_bad_news_alike() {
    let h = harness(Does::Answer);
    let approved = h.authorize(&in_mode("page")).approved_by("alice").outcome.json();
    assert!(approved["code"].as_str().unwrap().starts_with("vs_ac_"));
    let denied = h.authorize(&in_mode("page")).denied(Denial::Person).outcome.json();
    assert_eq!(denied["error"], "access_denied");
    let refused = h.authorize(&in_mode("page").prompt("none login")).outcome.json();
    assert_eq!(refused["error"], "invalid_request");
    for body in [approved, denied, refused] {
        assert_eq!((&body["state"], &body["iss"]), (&json!("af0ifjsldkj"), &json!("https://op.example")));
    }
}

/// RFC 9700 section 4.11.2: what the host's page would do by itself waits for the person too, where a stranger asked.
#[test]
fn a_refusal_for_a_client_that_described_itself_does_nothing_by_itself() {
    let strangers = |h: &Harness| {
        let client = h.client("spa");
        let builder = Client::builder(client.id().clone(), client.metadata().clone());
        h.store().insert_client(builder.self_registered().build().unwrap());
    };
    let form = in_mode("page").client("spa").prompt("none login");
    let h = harness(Does::Answer);
    let policies = |h: &Harness| {
        let outcome = h.authorize(&form).outcome;
        assert_eq!(outcome.json()["error"], "invalid_request");
        let policies = outcome.response.headers().get_all("content-security-policy").iter();
        policies.map(|policy| policy.to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(!policies(&h).contains(&"sandbox allow-forms".to_owned()));
    strangers(&h);
    assert!(policies(&h).contains(&"sandbox allow-forms".to_owned()));
    let h = harness(Does::Redirect("https://spa.example/cb#x=1"));
    strangers(&h);
    let shown = h.authorize(&form).outcome.shown(Reason::PromptNoneCombined);
    let page = std::str::from_utf8(shown.response.body()).unwrap().to_owned();
    assert!(
        page.contains("id=\"error-continue\" rel=\"noreferrer\" href=\"https://spa.example/cb#x=1\""),
        "{page}"
    );
}

#[test]
fn a_request_in_a_mode_of_the_host_can_be_resumed() {
    let h = harness(Does::Answer);
    let sealed = h.authorize(&in_mode("page")).sealed();
    assert!(h.resume(&sealed).approved_by("alice").outcome.json()["code"].is_string());
}

/// attack 47, attack 48: whatever the host's encoder makes, it is not kept and cannot be framed.
#[test]
fn what_the_host_encodes_carries_the_security_headers() {
    for does in [Does::Answer, Does::Redirect("https://web.example/cb#x=1")] {
        let h = harness(does);
        let approved = h.authorize(&in_mode("page")).approved_by("alice");
        let refused = h.authorize(&in_mode("page").without("response_type"));
        for outcome in [approved.outcome, refused.outcome] {
            assert_eq!(outcome.header("cache-control"), Some("no-store"));
            assert_eq!(outcome.header("referrer-policy"), Some("no-referrer"));
            assert_eq!(outcome.header("x-content-type-options"), Some("nosniff"));
            assert_eq!(outcome.header("x-frame-options"), Some("DENY"));
            assert!(outcome.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
        }
    }
}

/// attack 46: the host's encoder cannot make a browser post on what it posted here.
#[test]
fn what_the_host_redirects_is_a_303() {
    for to in ["https://web.example/cb", "https://web.example/cb?a=1", "https://web.example/cb#a=1"] {
        let visit = harness(Does::Redirect(to)).authorize(&in_mode("page")).approved_by("alice").outcome;
        assert_eq!((visit.response.status(), visit.header("location")), (StatusCode::SEE_OTHER, Some(to)));
    }
}

#[test]
fn what_the_host_redirects_elsewhere_is_shown_and_leaves_nothing_behind() {
    let elsewhere = [
        "https://evil.example/",
        "https://web.example/cbx",
        "https://web.example/cb/../x",
        "https://web.example/cb&a=1",
        "https://web.example/",
        "//evil.example/",
    ];
    for does in elsewhere.map(Does::Redirect).into_iter().chain([Does::RedirectTwice]) {
        let h = harness(does);
        let outcome = h.authorize(&in_mode("page")).approved_by("alice").outcome;
        assert_eq!(refusals(&outcome.events), [Reason::InternalFault, Reason::InternalFault], "{does:?}");
        assert_eq!((outcome.response.status().as_u16(), outcome.header("location")), (500, None), "{does:?}");
        assert_eq!(live_grants(&h), 0, "{does:?}");
    }
}

#[test]
fn what_the_host_cannot_encode_is_shown_and_leaves_nothing_behind() {
    let h = harness(Does::Fail);
    let broken = Reason::Custom(ErrorCode::ServerError, "the encoder is broken");
    let approved = h.authorize(&in_mode("page")).approved_by("alice").outcome;
    let denied = h.authorize(&in_mode("page")).denied(Denial::Person).outcome;
    assert_eq!(refusals(&approved.events), [broken, broken]);
    assert_eq!(refusals(&denied.events), [Reason::DeniedByUser, broken]);
    for outcome in [approved, denied] {
        assert_eq!((outcome.response.status().as_u16(), outcome.header("location")), (500, None));
        assert!(outcome.header("content-type").unwrap().starts_with("text/html"));
    }
    assert_eq!(live_grants(&h), 0);
}

fn live_grants(h: &Harness) -> usize {
    let of = GrantFilter::Client(ClientId::new("web").unwrap());
    block_on(h.provider().administration().grants(&of, &Page::first(10))).unwrap().items.len()
}

/// attack 27: a mode that may not carry tokens to this client does not carry errors about them either.
#[test]
fn a_mode_says_of_each_client_whether_it_carries_tokens() {
    let h = harness(Does::Answer);
    let form = in_mode("page").set("response_type", "id_token");
    let landing = h.authorize(&form).returned(Reason::ResponseModeInsecure);
    assert_eq!(landing.carrier, Carrier::Fragment);
    let open = h.authorize(&form.client("spa")).outcome;
    assert_eq!(refusals(&open.events), [Reason::ResponseTypeUnsupported]);
    assert_eq!(open.json()["error"], "unsupported_response_type");
}

#[test]
fn a_mode_that_may_carry_tokens_is_given_them() {
    let encoder = Arc::new(Mode { name: "page", does: Does::Answer });
    let builder = Harness::builder().front_channel();
    let h = builder.provider(|builder| builder.response_encoder(encoder)).build();
    let form = in_mode("page").client("front").set("response_type", "code id_token token");
    let body = h.authorize(&form).approved_by("alice").outcome.json();
    for name in ["code", "access_token", "token_type", "expires_in", "id_token", "state", "iss"] {
        assert!(body[name].is_string(), "{name}: {body}");
    }
}

#[test]
fn a_mode_of_the_host_is_listed_after_the_built_in_ones() {
    let request = http::Request::get("/.well-known/openid-configuration").body(bytes::Bytes::new()).unwrap();
    let listed = harness(Does::Answer).answer(request).json()["response_modes_supported"].clone();
    assert_eq!(listed, json!(["query", "fragment", "form_post", "page"]));
}

#[test]
fn two_encoders_of_one_mode_are_refused() {
    let rows = [("page", "page", "page"), ("page", "query", "query"), ("fragment", "page", "fragment")];
    for (first, second, twice) in rows {
        let (config, stores) =
            (Config::new("https://op.example".parse().unwrap()), Stores::of(Arc::new(MemoryStore::new())));
        let keyring = Keyring::generate(&[SigningAlg::Es256]).unwrap();
        let secrets = SystemSecrets::generate(&OsEntropy).unwrap();
        let builder = Provider::builder(config, stores, keyring, secrets)
            .response_encoder(Arc::new(Mode { name: first, does: Does::Answer }))
            .response_encoder(Arc::new(Mode { name: second, does: Does::Answer }));
        assert_eq!(builder.build().unwrap_err(), BuildError::Twice { name: twice.to_owned() });
    }
}
