//! OpenID Connect Core 1.0 section 3.3: a code from the authorization endpoint with tokens beside it.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use vouchsafe::error::Reason;
use vouchsafe::event::EventKind;
use vouchsafe::testing::{AuthorizeForm, Harness, Landing, authorize_form, code_form, refresh_form};
use vouchsafe::types::GrantType;

const HYBRID: [&str; 3] = ["code id_token", "code token", "code id_token token"];

fn asks(response_type: &str) -> AuthorizeForm {
    authorize_form().client("front").set("response_type", response_type)
}

fn harness() -> Harness {
    Harness::builder().front_channel().build()
}

fn answered(h: &Harness, form: &AuthorizeForm) -> Landing {
    h.authorize(form).approved_by("alice").landing()
}

/// The left half of SHA-256, as section 3.3.2.11 describes it.
fn half(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(text)[..16])
}

#[test]
fn both_id_tokens_are_of_one_issuer_person_and_login() {
    let h = harness();
    for response_type in ["code id_token", "code id_token token"] {
        let form = asks(response_type);
        let landing = answered(&h, &form);
        let front = landing.id_claims();
        let tokens = h.redeem(code_form(&form, landing.value("code"))).issued();
        let back = tokens.id_claims();
        for claim in ["iss", "sub", "aud", "azp", "nonce", "auth_time", "amr", "sid"] {
            assert_eq!(front[claim], back[claim], "{claim} of {response_type}");
            assert!(!front[claim].is_null(), "{claim}");
        }
        assert_eq!(front["c_hash"], half(landing.value("code")));
        assert_eq!(front["s_hash"], half("af0ifjsldkj"));
        let in_front = landing.params.one("access_token").unwrap();
        assert_eq!(front["at_hash"].as_str(), in_front.map(half).as_deref());
        assert_eq!(back["at_hash"], half(&tokens.access_token));
    }
}

#[test]
fn without_state_there_is_no_hash_of_it() {
    let h = harness();
    let landing = answered(&h, &asks("code id_token").without("state"));
    assert_eq!(landing.id_claims().get("s_hash"), None);
    assert_eq!(landing.params.one("state"), Ok(None));
    let odd = "\u{1f511} \"x\"\r\n";
    let landing = answered(&h, &asks("code id_token").set("state", odd));
    assert_eq!(landing.id_claims()["s_hash"], half(odd));
}

#[test]
fn the_code_brings_another_access_token_under_the_same_grant() {
    let h = harness();
    for response_type in ["code token", "code id_token token"] {
        let form = asks(response_type).scope("openid offline_access");
        let landing = answered(&h, &form);
        let in_front = landing.value("access_token");
        let redeemed = h.redeem(code_form(&form, landing.value("code")));
        let issued = redeemed.events.iter().find_map(|event| match &event.kind {
            EventKind::TokensIssued { grant_type } => Some((grant_type.clone(), event.grant)),
            _ => None,
        });
        let tokens = redeemed.issued();
        assert_ne!(tokens.access_token, in_front);
        assert!(h.is_active("api", in_front) && h.is_active("api", &tokens.access_token));
        let refreshed = h.redeem(refresh_form("front", tokens.refresh_token())).issued();
        let (grant_type, grant) = issued.unwrap();
        assert_eq!(grant_type, GrantType::AuthorizationCode);
        let revoked = h.revoke("front", refreshed.refresh_token());
        assert_eq!(revoked.events.first().and_then(|event| event.grant), grant);
        for token in [in_front, &tokens.access_token, &refreshed.access_token] {
            assert!(!h.is_active("api", token), "a refresh token that is given back ends the grant");
        }
    }
}

/// attack 108: a code that comes back ends what came beside it through the browser too.
#[test]
fn a_replayed_code_ends_the_token_that_came_beside_it() {
    let h = harness();
    for response_type in ["code token", "code id_token token"] {
        let form = asks(response_type);
        let landing = answered(&h, &form);
        let tokens = h.redeem(code_form(&form, landing.value("code"))).issued();
        let _ = h.redeem(code_form(&form, landing.value("code"))).rejected(Reason::CodeReplayed);
        for token in [landing.value("access_token"), &tokens.access_token] {
            assert!(!h.is_active("api", token), "{response_type}");
        }
    }
}

/// attack 114: a verifier that does not fit ends what came beside the code.
#[test]
fn a_code_that_is_guessed_at_ends_the_token_that_came_beside_it() {
    let h = harness();
    let form = asks("code token");
    let landing = answered(&h, &form);
    let guessed = code_form(&form, landing.value("code")).set("code_verifier", "a".repeat(43));
    let _ = h.redeem(guessed).rejected(Reason::PkceMismatch);
    assert!(!h.is_active("api", landing.value("access_token")));
}

/// attack 32, attack 33: beside tokens a code is protected as it is alone.
#[test]
fn a_code_is_protected_as_it_is_alone() {
    let h = harness();
    for response_type in HYBRID {
        h.authorize(&asks(response_type).without("code_challenge")).returned(Reason::PkceChallengeMissing);
        let plain = asks(response_type).set("code_challenge_method", "plain");
        h.authorize(&plain).returned(Reason::PkceMethodUnsupported);
        let form = asks(response_type);
        let code = code_form(&form, answered(&h, &form).value("code")).without("code_verifier");
        let _ = h.redeem(code).rejected(Reason::PkceVerifierMissing);
    }
}

/// What a code token asks for without `openid` is plain OAuth: no ID token, front or back.
#[test]
fn a_code_and_a_token_need_no_openid() {
    let h = harness();
    let form = asks("code token").scope("read").without("nonce");
    let landing = answered(&h, &form);
    assert_eq!(landing.params.one("id_token"), Ok(None));
    assert_eq!(h.redeem(code_form(&form, landing.value("code"))).issued().id_token, None);
}

#[test]
fn silence_is_answered_with_what_was_agreed_to() {
    let h = harness();
    for response_type in HYBRID {
        let form = asks(response_type);
        let _ = h.authorize(&form).remembered_by("alice");
        let landing = h.authorize(&form.prompt("none")).next(Some(&h.login("alice"))).landing();
        assert!(landing.value("code").starts_with("vs_ac_"), "{response_type}");
    }
}
