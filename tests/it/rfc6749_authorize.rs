//! RFC 6749 sections 3.1, 4.1.1 and 4.1.2: the authorization endpoint.

use vouchsafe::testing::{Harness, authorize_form};

#[test]
fn a_sound_request_that_is_approved_gives_a_code() {
    let h = Harness::new();
    let visit = h.authorize(&authorize_form());
    assert!(visit.outcome.before == visit.outcome.after, "nothing is stored before the person agrees");
    let landing = visit.approved_by("alice").landing();
    assert_eq!(landing.uri, "https://web.example/cb");
    assert!(landing.params.one("code").unwrap().unwrap().starts_with("vs_ac_"));
    assert_eq!(landing.params.one("state"), Ok(Some("af0ifjsldkj")));
    assert_eq!(landing.params.one("iss"), Ok(Some("https://op.example")));
}
