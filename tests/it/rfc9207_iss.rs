//! RFC 9207 section 2, RFC 9700 section 4.4: the issuer in every authorization response.

use vouchsafe::provider::Denial;
use vouchsafe::testing::{Harness, authorize_form};

/// attack 54: a client can always tell which server answered.
#[test]
fn every_response_names_the_issuer() {
    let h = Harness::new();
    let alice = h.login("alice");
    let silent = authorize_form().client("trusted").prompt("none");
    let responses = [
        h.authorize(&authorize_form()).approved_by("alice"),
        h.authorize(&authorize_form()).denied(Denial::Person),
        h.authorize(&authorize_form().without("code_challenge")),
        h.authorize(&silent).next(Some(&alice)),
        h.authorize(&silent).next(None),
        h.authorize(&authorize_form().set("response_mode", "form_post").without("response_type")),
        h.authorize(&authorize_form().set("response_type", "token")),
    ];
    for visit in responses {
        assert_eq!(visit.landing().params.one("iss"), Ok(Some("https://op.example")), "{visit:?}");
    }
}
