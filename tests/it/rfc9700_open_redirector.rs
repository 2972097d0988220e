//! RFC 9700 section 4.11.2: the authorization endpoint leads nobody to a stranger's address before they have signed in.

use http::StatusCode;
use serde_json::json;
use vouchsafe::error::Reason;
use vouchsafe::provider::{ClientDocuments, Denial, Registration};
use vouchsafe::testing::{AuthorizeForm, Harness, HarnessBuilder, Visit, authorize_form};
use vouchsafe::types::ResponseType;

use crate::rfc7591_registration::{register, with};

const URL: &str = "https://app.example/client.json";

fn builder() -> HarnessBuilder {
    Harness::builder().front_channel().provider(|builder| {
        builder
            .with_registration(Registration::open().with_response_type(ResponseType::CodeIdToken))
            .with_client_id_metadata_documents(ClientDocuments::of_hosts(["app.example"]))
    })
}

/// A request of a client that registered itself.
fn registered(h: &Harness) -> AuthorizeForm {
    let metadata = with(json!({
        "token_endpoint_auth_method": "none",
        "response_types": ["code", "code id_token"],
        "grant_types": ["authorization_code", "implicit"],
        "redirect_uris": ["https://rp.example/cb?x=1"],
    }));
    let told = register(h, &metadata).accepted().json();
    let form = authorize_form().set("client_id", told["client_id"].as_str().unwrap());
    form.set("redirect_uri", "https://rp.example/cb?x=1").scope("openid").set("state", "a&\"b")
}

/// A request of a client that is named by the URL of its metadata.
fn documented(h: &Harness) -> AuthorizeForm {
    let redirect_uris = ["https://rp.example/cb?x=1"];
    h.serve(URL, &json!({ "client_id": URL, "client_name": "App", "redirect_uris": redirect_uris }));
    authorize_form()
        .set("client_id", URL)
        .set("redirect_uri", redirect_uris[0])
        .scope("openid")
        .set("state", "a&\"b")
}

/// The refusal is shown, with the client's origin; gives the page.
#[track_caller]
fn left_to_the_person(visit: Visit<'_>, reason: Reason) -> String {
    let outcome = visit.outcome.shown(reason).unchanged();
    assert_eq!(outcome.response.status(), StatusCode::BAD_REQUEST);
    let page = std::str::from_utf8(outcome.response.body()).unwrap();
    assert!(page.contains("<h1>Request rejected</h1>"), "{page}");
    assert!(page.contains("<p>An application at https://rp.example asked for this."), "{page}");
    assert!(!page.contains("<script") && !page.contains("http-equiv"), "{page}");
    page.to_owned()
}

/// Where the link of a page leads.
#[track_caller]
fn link(page: &str) -> String {
    let (_, href) = page.split_once("<a id=\"error-continue\" rel=\"noreferrer\" href=\"").unwrap();
    href.split_once('"').unwrap().0.replace("&amp;", "&")
}

/// Requests that nobody need sign in for to see that they are refused.
fn refused() -> [(&'static str, &'static str, Reason); 3] {
    [
        ("scope", "openid unheard_of", Reason::ScopeNotAllowed),
        ("prompt", "none login", Reason::PromptNoneCombined),
        ("prompt", "unheard_of", Reason::PromptUnknown),
    ]
}

#[test]
fn a_bad_request_of_a_client_that_described_itself_leads_on_by_a_link() {
    let h = builder().build();
    for form in [registered(&h), documented(&h)] {
        for (name, value, reason) in refused() {
            let page = left_to_the_person(h.authorize(&form.clone().set(name, value)), reason);
            let expected =
                format!("https://rp.example/cb?x=1&error={}&error_description=", reason.wire().0.as_str());
            let link = link(&page);
            assert!(link.starts_with(&expected), "{link}");
            assert!(link.ends_with("&state=a%26%22b&iss=https%3A%2F%2Fop.example"), "{link}");
        }
    }
}

#[test]
fn a_client_of_the_hosts_own_is_told_at_once() {
    let h = builder().build();
    for (name, value, reason) in refused() {
        h.authorize(&authorize_form().set(name, value)).returned(reason);
    }
}

/// Every mode brings the error, by hand: a fragment in a link, a form by its button.
#[test]
fn fragments_and_forms_wait_for_the_person_too() {
    let h = builder().build();
    let form = registered(&h).set("prompt", "none login");
    let hybrid = form.clone().set("response_type", "code id_token").set("nonce", "n");
    let page = left_to_the_person(h.authorize(&hybrid), Reason::PromptNoneCombined);
    assert!(link(&page).starts_with("https://rp.example/cb?x=1#error=invalid_request&"), "{page}");
    let visit = h.authorize(&form.set("response_mode", "form_post"));
    let policy = visit.outcome.header("content-security-policy").unwrap().to_owned();
    assert!(policy.contains("form-action https://rp.example;") && !policy.contains("script-src"), "{policy}");
    let page = left_to_the_person(visit, Reason::PromptNoneCombined);
    assert!(page.contains("<form method=\"post\" action=\"https://rp.example/cb?x=1\">"), "{page}");
    for (name, value) in
        [("error", "invalid_request"), ("state", "a&amp;&quot;b"), ("iss", "https://op.example")]
    {
        assert!(
            page.contains(&format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">")),
            "{page}"
        );
    }
    assert!(
        page.contains(
            "<button type=\"submit\" id=\"error-continue\">Continue to https://rp.example</button>"
        )
    );
}

/// OpenID Connect Core 1.0 section 3.1.2.6: a client that asks in silence is told in silence.
#[test]
fn silence_is_answered_whoever_asks() {
    let h = builder().build();
    for form in [registered(&h), documented(&h), authorize_form()] {
        let silent = h.authorize(&form.prompt("none"));
        silent.next(None).returned(Reason::LoginNeeded);
        silent.next(Some(&h.login("alice"))).returned(Reason::ConsentNeeded);
    }
}

#[test]
fn a_no_is_told_at_once() {
    let h = builder().build();
    for form in [registered(&h), documented(&h), authorize_form()] {
        let landing = h.authorize(&form).denied(Denial::Person).returned(Reason::DeniedByUser);
        assert_eq!(landing.params.one("error"), Ok(Some("access_denied")));
    }
}

#[test]
fn a_closed_network_may_tell_everybody_at_once() {
    let h = builder().config(|config| config.dangerous_redirected_errors = true).build();
    for form in [registered(&h), documented(&h)] {
        for (name, value, reason) in refused() {
            h.authorize(&form.clone().set(name, value)).returned(reason);
        }
    }
}
