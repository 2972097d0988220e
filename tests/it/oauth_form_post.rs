//! OAuth 2.0 Form Post Response Mode section 2, OAuth 2.0 Multiple Response Type Encoding Practices section 2.1.

use vouchsafe::error::Reason;
use vouchsafe::provider::Denial;
use vouchsafe::testing::{AuthorizeForm, Carrier, Harness, authorize_form};

fn mode(response_mode: &str) -> AuthorizeForm {
    authorize_form().set("response_mode", response_mode)
}

#[test]
fn each_mode_carries_good_and_bad_news_alike() {
    let h = Harness::new();
    let modes = [("form_post", Carrier::Post), ("fragment", Carrier::Fragment), ("query", Carrier::Query)];
    for (response_mode, carrier) in modes {
        let approved = h.authorize(&mode(response_mode)).approved_by("alice").landing();
        let denied = h.authorize(&mode(response_mode)).denied(Denial::Person).returned(Reason::DeniedByUser);
        assert!(approved.params.one("code").unwrap().is_some());
        for landing in [approved, denied] {
            assert_eq!((landing.carrier, landing.uri.as_str()), (carrier, "https://web.example/cb"));
            assert_eq!(landing.params.one("state"), Ok(Some("af0ifjsldkj")));
            assert_eq!(landing.params.one("iss"), Ok(Some("https://op.example")));
        }
    }
}

/// attack 29: what a client sends is text in the page, and the page may do one thing.
#[test]
fn a_state_cannot_become_markup() {
    let h = Harness::new();
    let state = "\"><script>alert(1)</script>&quot;'\r\n";
    let visit = h.authorize(&mode("form_post").set("state", state)).approved_by("alice");
    assert_eq!(visit.landing().params.one("state"), Ok(Some(state)));
    let page = String::from_utf8(visit.outcome.response.body().to_vec()).unwrap();
    assert!(!page.contains("<script>alert"));
    assert!(page.contains("<button type=\"submit\">"), "the form can be sent where script is off");
    let policy = visit.outcome.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'; form-action https://web.example; script-src 'sha256-"),
        "{policy}"
    );
    assert!(policy.contains("frame-ancestors 'none'"));
}

/// attack 47, attack 48: no page of the provider can be framed, is kept, or tells where it was.
#[test]
fn pages_cannot_be_framed_and_leak_nothing() {
    let h = Harness::new();
    let posted = h.authorize(&mode("form_post")).approved_by("alice");
    let shown = h.authorize(&authorize_form().set("client_id", "nope"));
    for visit in [posted, shown] {
        assert_eq!(visit.outcome.header("x-frame-options"), Some("DENY"));
        assert_eq!(visit.outcome.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(visit.outcome.header("cache-control"), Some("no-store"));
        assert!(visit.outcome.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
        let page = String::from_utf8(visit.outcome.response.body().to_vec()).unwrap();
        assert!(!page.contains("src=") && !page.contains("<link"), "nothing is loaded from elsewhere");
    }
}

/// attack 27: an error about tokens in the query does not travel in the query.
#[test]
fn a_response_type_with_tokens_is_never_answered_in_the_query() {
    let h = Harness::new();
    for response_type in ["id_token", "token", "id_token token", "code token", "code id_token"] {
        let form = mode("query").set("response_type", response_type);
        let landing = h.authorize(&form).returned(Reason::ResponseModeInsecure);
        assert_eq!(landing.carrier, Carrier::Fragment, "{response_type}");
        assert_eq!(landing.params.one("error"), Ok(Some("invalid_request")));
    }
}

#[test]
fn an_unknown_mode_is_told_in_the_mode_of_the_response_type() {
    let h = Harness::new();
    for response_mode in ["jwt", "form_post.jwt", "QUERY", "web_message"] {
        assert_eq!(
            h.authorize(&mode(response_mode)).returned(Reason::ResponseModeUnsupported).carrier,
            Carrier::Query
        );
    }
}
