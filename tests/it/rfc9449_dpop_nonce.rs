//! RFC 9449 sections 8 and 9: nonces of the provider.

use std::time::Duration;

use vouchsafe::error::Reason;
use vouchsafe::provider::{DpopConfig, DpopNonces};
use vouchsafe::testing::{
    Harness, HarnessBuilder, JwtForm, Outcome, TokenForm, authorize_form, code_form, token_form,
};

use super::rfc9449_dpop::thumbprints;

fn required() -> HarnessBuilder {
    Harness::builder().pushed_requests().dpop(DpopConfig::new().with_nonces(DpopNonces::Required))
}

fn form() -> TokenForm {
    token_form("client_credentials").client("service")
}

fn nonce_of(outcome: &Outcome) -> String {
    outcome.header("dpop-nonce").expect("there is a nonce").to_owned()
}

/// A proof with a nonce, by a client whose clock is an hour behind.
fn proof_with(h: &Harness, nonce: &str) -> JwtForm {
    h.token_proof().claim("nonce", nonce).claim("iat", h.now().unix() - 3600)
}

/// attack 180: a proof that was made beforehand has no nonce, and the client is told which one its next needs.
#[test]
fn where_nonces_are_required_a_proof_without_one_is_told_which() {
    let h = required().build();
    let refused = h.redeem(form().proved(&h.token_proof())).rejected(Reason::DpopNonceMissing).unchanged();
    assert_eq!(refused.json()["error"], "use_dpop_nonce");
    let nonce = nonce_of(&refused);
    assert_eq!(h.provider().dpop_nonce(), Some(nonce.clone()));
    let outcome = h.redeem(form().proved(&proof_with(&h, &nonce)));
    assert_eq!(outcome.header("dpop-nonce"), None);
    let _ = outcome.issued_as("DPoP");
    // It is for many requests, each with a proof of its own.
    let proof = proof_with(&h, &nonce);
    let _ = h.redeem(form().proved(&proof)).issued_as("DPoP");
    h.redeem(form().proved(&proof)).rejected(Reason::DpopProofReplayed);
    let _ = h.redeem(form()).issued();
}

/// attack 117: learning a nonce costs no code.
#[test]
fn a_code_survives_until_the_client_has_its_nonce() {
    let h = required().build();
    let [jkt, _] = thumbprints();
    let asked = authorize_form().client("spa").set("dpop_jkt", &jkt);
    let code = h.code(&asked, "alice");
    let refused = h.redeem(code_form(&asked, &code).proved(&h.token_proof()));
    let nonce = nonce_of(&refused.rejected(Reason::DpopNonceMissing).unchanged());
    let _ = h.redeem(code_form(&asked, &code).proved(&proof_with(&h, &nonce))).issued_as("DPoP");
}

#[test]
fn a_nonce_is_told_where_a_request_is_pushed() {
    let h = required().build();
    let asked = authorize_form().client("spa");
    let proof = || h.dpop_proof("POST", &h.provider().config().paths.pushed_authorization);
    let nonce = nonce_of(&h.push(asked.to_push().proved(&proof())).rejected(Reason::DpopNonceMissing));
    let _ = h.push(asked.to_push().proved(&proof().claim("nonce", nonce))).accepted();
}

/// attack 181: a nonce that is old, made up, or of another issuer is refused with a fresh one, and one that gets old
/// is followed by the next in time.
#[test]
fn a_nonce_gets_old_and_is_followed_by_the_next() {
    let h = Harness::builder().dpop(DpopConfig::new()).build();
    let nonce = h.provider().dpop_nonce().unwrap();
    let use_up = |nonce: &str| h.redeem(form().proved(&proof_with(&h, nonce)));
    let _ = use_up(&nonce).issued_as("DPoP");
    h.advance(Duration::from_secs(300));
    let outcome = use_up(&nonce);
    let next = nonce_of(&outcome);
    assert_ne!(next, nonce);
    let _ = outcome.issued_as("DPoP");
    assert_eq!(use_up(&next).header("dpop-nonce"), None);
    h.advance(Duration::from_secs(300));
    let refused = use_up(&nonce).rejected(Reason::DpopNonceStale).unchanged();
    let _ = use_up(&nonce_of(&refused)).issued_as("DPoP");
    let other = Harness::builder()
        .config(|config| config.issuer = "https://other.example".parse().unwrap())
        .dpop(DpopConfig::new())
        .build();
    other.advance(Duration::from_secs(600));
    for bad in [other.provider().dpop_nonce().unwrap(), "made up".to_owned(), String::new()] {
        let refused = use_up(&bad).rejected(Reason::DpopNonceStale).unchanged();
        assert_eq!(nonce_of(&refused), h.provider().dpop_nonce().unwrap());
    }
}

/// attack 181: nothing is stored, so another node with the same secrets takes the nonces of this one.
#[test]
fn a_nonce_is_good_on_every_node() {
    let (here, there) = (required().build(), required().build());
    let nonce = here.provider().dpop_nonce().unwrap();
    let _ = there.redeem(form().proved(&proof_with(&there, &nonce))).issued_as("DPoP");
}

/// attack 178: a used proof is remembered for as long as its nonce is taken.
#[test]
fn a_used_proof_is_remembered_until_its_nonce_is_old() {
    let h = required().build();
    let proof = proof_with(&h, &h.provider().dpop_nonce().unwrap());
    let _ = h.redeem(form().proved(&proof)).issued_as("DPoP");
    let mut passed = 0;
    loop {
        h.advance(Duration::from_secs(30));
        passed += 30;
        let outcome = h.redeem(form().proved(&proof));
        if vouchsafe::testing::refusals(&outcome.events) == [Reason::DpopNonceStale] {
            break;
        }
        let _ = outcome.rejected(Reason::DpopProofReplayed);
    }
    assert!((300..=600).contains(&passed), "{passed}");
}

/// A browser reads the nonce across origins.
#[test]
fn a_page_of_the_client_may_read_the_nonce() {
    let h = required().build();
    let asked = authorize_form().client("spa");
    let code = h.code(&asked, "alice");
    let from_page = code_form(&asked, &code).header("origin", "https://spa.example");
    let refused = h.redeem(from_page.proved(&h.token_proof())).rejected(Reason::DpopNonceMissing);
    assert_eq!(refused.header("access-control-allow-origin"), Some("https://spa.example"));
    let exposed = refused.header("access-control-expose-headers").unwrap();
    assert!(exposed.contains("dpop-nonce"), "{exposed}");
}
