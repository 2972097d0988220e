//! RFC 9449 section 7: access tokens that are bound to a key, at userinfo.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::WWW_AUTHENTICATE;
use vouchsafe::error::Reason;
use vouchsafe::event::Endpoint;
use vouchsafe::provider::{DpopConfig, DpopNonces};
use vouchsafe::secret::Secret;
use vouchsafe::testing::{
    Fault, Faults, Form, Harness, HarnessBuilder, JwtForm, Outcome, authorize_form, block_on, client_form,
    code_form, dpop_keys,
};

use crate::mutation::{Draft, Table, refused};
use crate::rfc9449_dpop::{SOUND, UNSOUND, builder, table};

/// An access token of the client `spa` that is bound to the first of [`dpop_keys`].
fn bound(h: &Harness) -> String {
    let asked = authorize_form().client("spa").scope("openid email");
    let code = h.code(&asked, "alice");
    h.redeem(code_form(&asked, &code).proved(&h.token_proof())).issued_as("DPoP").access_token
}

fn ask(h: &Harness, token: &str, proof: &JwtForm) -> Outcome {
    h.userinfo_with("DPoP", token, &[("dpop", &proof.sign())])
}

#[test]
fn a_bound_token_with_its_proof_gets_the_claims() {
    let h = builder().build();
    let token = bound(&h);
    // The scheme is compared in any case (RFC 9110 section 11.1).
    for scheme in ["DPoP", "dpop", "DPOP"] {
        let proof = h.userinfo_proof(&token).sign();
        let claims = h.userinfo_with(scheme, &token, &[("dpop", &proof)]).accepted().json();
        assert_eq!(claims["sub"], "alice");
    }
}

/// attack 167: without its key, a bound token is worth nothing.
#[test]
fn a_bound_token_without_a_proof_is_refused() {
    let h = builder().build();
    let token = bound(&h);
    for scheme in ["Bearer", "bearer"] {
        h.userinfo_with(scheme, &token, &[]).challenged_for_proof(Reason::AccessTokenBound).unchanged();
        let proof = h.userinfo_proof(&token).sign();
        let beside = h.userinfo_with(scheme, &token, &[("dpop", &proof)]);
        beside.challenged_for_proof(Reason::AccessTokenBound).unchanged();
    }
    h.userinfo_with("DPoP", &token, &[]).challenged_for_proof(Reason::AccessTokenProofMissing).unchanged();
    let form = http::Request::post("/userinfo")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(format!("access_token={token}")))
        .unwrap();
    h.answer(form).challenged_for_proof(Reason::AccessTokenBound).unchanged();
    // Nor does the host get claims for it where nobody can prove anything.
    let refused = block_on(h.provider().claims_for(&Secret::new(token)));
    assert_eq!(refused.unwrap_err().reason(), Reason::AccessTokenBound);
}

/// attack 167, attack 171: each of what may be wrong with a proof is a 401 that says what.
#[test]
fn a_proof_that_is_not_sound_is_refused() {
    let h = builder().build();
    let token = bound(&h);
    let fresh = || {
        let form = client_form(Form::new()).unauthenticated();
        let form = form.header("authorization", format!("DPoP {token}"));
        Draft::proved(&h, h.userinfo_proof(&token), form)
    };
    let errors = &["invalid_dpop_proof", "use_dpop_nonce", "invalid_token"];
    let table = Table { statuses: &[401], errors, ..table(&h, Endpoint::Userinfo) };
    table.run(fresh, UNSOUND);
    table.run(fresh, SOUND);
    table.run(
        fresh,
        &[
            refused("no proof", |draft| draft.absent(), Reason::AccessTokenProofMissing),
            refused("ath: missing", |draft| draft.without("ath"), Reason::DpopProofAccessToken),
            refused("ath: a number", |draft| draft.claim("ath", 1), Reason::DpopProofAccessToken),
            refused(
                "ath: of another token",
                |draft| draft.jwt(|proof| proof.presenting("another token")),
                Reason::DpopProofAccessToken,
            ),
            refused("another key", |draft| draft.by(&dpop_keys()[1]), Reason::AccessTokenKeyMismatch),
        ],
    );
}

/// attack 174: a proof is used once here, too.
#[test]
fn a_proof_is_used_once() {
    let h = builder().build();
    let token = bound(&h);
    let proof = h.userinfo_proof(&token);
    let _ = ask(&h, &token, &proof).accepted();
    ask(&h, &token, &proof).challenged_for_proof(Reason::DpopProofReplayed).unchanged();
    let _ = ask(&h, &token, &h.userinfo_proof(&token)).accepted();
}

/// attack 182: fail closed.
#[test]
fn where_proofs_cannot_be_remembered_nothing_is_told() {
    let faults = Faults::new();
    let wrapping = faults.clone();
    let h = builder().stores(move |store| wrapping.stores(store)).build();
    let token = bound(&h);
    faults.break_verb("first_use", Fault::Unavailable);
    let outcome = ask(&h, &token, &h.userinfo_proof(&token));
    assert_eq!(outcome.response.status(), StatusCode::SERVICE_UNAVAILABLE);
    faults.mend();
    let _ = ask(&h, &token, &h.userinfo_proof(&token)).accepted();
}

#[test]
fn a_token_that_is_not_bound_is_a_bearer_token_alone() {
    let h = builder().build();
    let token = h.tokens(&authorize_form(), "alice").access_token;
    let _ = h.userinfo_with("Bearer", &token, &[("dpop", "not looked at")]).accepted();
    ask(&h, &token, &h.userinfo_proof(&token)).challenged_for_proof(Reason::AccessTokenUnbound).unchanged();
}

/// RFC 9449 section 7.1: whoever sends no token is told both ways to send one.
#[test]
fn a_request_without_a_token_is_told_of_both_schemes() {
    let challenges = |h: &Harness| {
        let outcome = h.answer(http::Request::get("/userinfo").body(Bytes::new()).unwrap());
        let headers = outcome.response.headers().get_all(WWW_AUTHENTICATE);
        headers.iter().map(|value| value.to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        challenges(&builder().build()),
        [
            "Bearer realm=\"https://op.example\"",
            "DPoP realm=\"https://op.example\", algs=\"ES256 PS256 EdDSA RS256\""
        ]
    );
    assert_eq!(challenges(&Harness::new()), ["Bearer realm=\"https://op.example\""]);
}

/// What was bound stays bound when proofs are no longer taken.
#[test]
fn a_bound_token_is_refused_where_dpop_was_turned_off() {
    let h = builder().build();
    let token = bound(&h);
    let store = h.store().clone();
    let off = Harness::builder()
        .stores(move |_| {
            let store = std::sync::Arc::new(store);
            vouchsafe::store::Stores::of(std::sync::Arc::clone(&store))
                .with_replays(store.clone())
                .with_registry(store)
        })
        .build();
    off.userinfo(&token).challenged(Reason::AccessTokenBound).unchanged();
    let proof = off.userinfo_proof(&token).sign();
    let sent = off.userinfo_with("DPoP", &token, &[("dpop", &proof)]);
    assert_eq!(sent.response.status(), StatusCode::UNAUTHORIZED);
    assert!(sent.response.headers()[WWW_AUTHENTICATE].to_str().unwrap().starts_with("Bearer"));
}

fn demanding() -> HarnessBuilder {
    Harness::builder().dpop(DpopConfig::new().with_nonces(DpopNonces::Required))
}

/// attack 180, attack 181: the nonce is told with the challenge, to a page of the client too, and takes the place of the
/// clock.
#[test]
fn where_nonces_are_required_the_challenge_tells_one() {
    let h = demanding().build();
    let asked = authorize_form().client("spa").scope("openid email");
    let code = h.code(&asked, "alice");
    let nonce = h.provider().dpop_nonce().unwrap();
    let proof = h.token_proof().claim("nonce", nonce);
    let token = h.redeem(code_form(&asked, &code).proved(&proof)).issued_as("DPoP").access_token;
    let first = h.userinfo_proof(&token).sign();
    let headers = [("dpop", first.as_str()), ("origin", "https://spa.example")];
    let refused = h.userinfo_with("DPoP", &token, &headers).challenged_for_proof(Reason::DpopNonceMissing);
    assert_eq!(refused.header("access-control-allow-origin"), Some("https://spa.example"));
    let nonce = refused.header("dpop-nonce").unwrap().to_owned();
    for hours in [-1, 1] {
        let iat = h.now().unix() + hours * 3600;
        let proof = h.userinfo_proof(&token).claim("nonce", nonce.as_str()).claim("iat", iat);
        let _ = ask(&h, &token, &proof).accepted();
    }
    h.advance(Duration::from_secs(600));
    let stale = h.userinfo_proof(&token).claim("nonce", nonce.as_str());
    let refused = ask(&h, &token, &stale).challenged_for_proof(Reason::DpopNonceStale);
    assert_ne!(refused.header("dpop-nonce"), Some(nonce.as_str()));
}
