//! OpenID Connect Core 1.0 sections 3.2.2 and 5.4: ID tokens from the authorization endpoint without a code.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use vouchsafe::client::{AccessTokenFormatChoice, Client, ClientAuthMethod, ClientMetadata};
use vouchsafe::error::Reason;
use vouchsafe::jose::{JoseSigner, Jws, SigningAlg};
use vouchsafe::policy::{Issuing, Policy};
use vouchsafe::provider::{Approval, GrantFilter};
use vouchsafe::store::Page;
use vouchsafe::testing::{
    AuthorizeForm, Faults, Harness, Landing, Step, authorize_form, block_on, interleave, token_form,
};
use vouchsafe::types::{ClientId, GrantType, RedirectUri, ResponseType, Scope, SessionId, Subject};
use vouchsafe::wire::Response;

fn asks(response_type: &str) -> AuthorizeForm {
    authorize_form().client("front").set("response_type", response_type)
}

fn harness() -> Harness {
    Harness::builder().front_channel().build()
}

#[test]
fn an_id_token_alone_carries_the_claims_of_the_scope() {
    let h = harness();
    let login = h.login("alice").with_acr("gold");
    let form = asks("id_token").scope("openid email");
    let _ = h.authorize(&form).remembered_by("alice");
    let landing = h.authorize(&form).next(Some(&login)).landing();
    let claims = landing.id_claims();
    let expected = json!({
        "iss": "https://op.example",
        "sub": "alice",
        "aud": "front",
        "azp": "front",
        "exp": h.now().unix() + 3600,
        "iat": h.now().unix(),
        "auth_time": login.auth_time.unix(),
        "nonce": "n-0S6_WzA2Mj",
        "acr": "gold",
        "amr": ["pwd"],
        "sid": claims["sid"],
        "email": claims["email"],
        "email_verified": claims["email_verified"],
    });
    assert_eq!(claims, expected, "there is no token to hash, and nothing beyond the scope");
    assert!(claims["email"].is_string() && claims["email_verified"].is_boolean());
    let jws = Jws::parse(landing.value("id_token")).unwrap();
    assert!(jws.header().kid().is_some() && h.provider().keyring().verify(&jws).is_ok());
}

#[test]
fn beside_an_access_token_the_claims_of_the_scope_come_from_userinfo() {
    let h = harness();
    let landing = h.authorize(&asks("id_token token").scope("openid email")).approved_by("alice").landing();
    assert_eq!(landing.id_claims().get("email"), None);
    let userinfo = h.userinfo(landing.value("access_token")).json();
    assert_eq!(userinfo["sub"], landing.id_claims()["sub"]);
    assert!(userinfo["email"].is_string());
}

#[test]
fn claims_asked_for_by_name_are_in_the_id_token() {
    let h = harness();
    let asked = r#"{"id_token":{"email":{"essential":true},"sub":{"value":"alice"}}}"#;
    for response_type in ["id_token", "id_token token", "code id_token", "code id_token token"] {
        let landing = h.authorize(&asks(response_type).set("claims", asked)).approved_by("alice").landing();
        assert!(landing.id_claims()["email"].is_string(), "{response_type}");
        assert_eq!(landing.id_claims()["sub"], "alice");
    }
}

/// The left half of the hash, as section 3.2.2.10 describes it, computed here once more.
fn half(alg: SigningAlg, text: &str) -> String {
    let digest = match alg {
        SigningAlg::Es256 | SigningAlg::Ps256 | SigningAlg::Rs256 => Sha256::digest(text).to_vec(),
        SigningAlg::Es384 => Sha384::digest(text).to_vec(),
        _ => Sha512::digest(text).to_vec(),
    };
    BASE64_URL_SAFE_NO_PAD.encode(&digest[..digest.len() / 2])
}

#[test]
fn the_hashes_are_those_of_the_algorithm() {
    let algorithms = [SigningAlg::Rs256, SigningAlg::Es256, SigningAlg::Es384, SigningAlg::EdDsa];
    for alg in algorithms {
        let metadata =
            ClientMetadata::code_flow([RedirectUri::register("https://picky.example/cb").unwrap()])
                .with_auth_method(ClientAuthMethod::None)
                .with_response_type(ResponseType::IdTokenToken)
                .with_response_type(ResponseType::CodeIdTokenToken)
                .with_id_token_alg(alg);
        let client = Client::builder(ClientId::new("picky").unwrap(), metadata).build().unwrap();
        let h = Harness::builder().front_channel().client(client).build();
        if h.provider().keyring().signer(alg).is_none() {
            h.provider().keyring().rotate(Arc::new(JoseSigner::generate(alg).unwrap()), h.now()).unwrap();
        }
        for (response_type, has_code) in [("id_token token", false), ("code id_token token", true)] {
            let form = asks(response_type).client("picky");
            let landing = h.authorize(&form).approved_by("alice").landing();
            let claims = landing.id_claims();
            assert_eq!(claims["at_hash"], half(alg, landing.value("access_token")), "{alg}");
            let code = landing.params.one("code").unwrap();
            assert_eq!(code.is_some(), has_code);
            assert_eq!(claims["c_hash"].as_str(), code.map(|code| half(alg, code)).as_deref());
            let state = has_code.then(|| half(alg, "af0ifjsldkj"));
            assert_eq!(claims["s_hash"].as_str(), state.as_deref());
        }
    }
}

#[test]
fn a_nonce_is_required_where_an_id_token_comes_through_the_browser() {
    let h = harness();
    for response_type in ["id_token", "id_token token", "code id_token", "code id_token token"] {
        for form in [asks(response_type).without("nonce"), asks(response_type).set("nonce", "")] {
            let landing = h.authorize(&form).returned(Reason::NonceMissing);
            assert_eq!(landing.value("error"), "invalid_request");
        }
    }
    for response_type in ["code", "code token", "token", "none"] {
        let visit = h.authorize(&asks(response_type).without("nonce"));
        assert_eq!(visit.pending().request().nonce, None, "{response_type}");
    }
}

/// attack 23: an ID token is for requests of OpenID Connect alone.
#[test]
fn an_id_token_needs_the_scope_openid() {
    let h = harness();
    for response_type in ["id_token", "id_token token", "code id_token", "code id_token token"] {
        for scope in ["", "read", "profile email"] {
            h.authorize(&asks(response_type).scope(scope)).returned(Reason::IdTokenScopeMissing);
        }
        let visit = h.authorize(&asks(response_type).scope("openid email"));
        let _ = visit.approved_in_part_by("alice", "email").refused(Reason::IdTokenScopeMissing);
        let landing = visit.approved_in_part_by("alice", "openid").landing();
        assert!(landing.id_claims().get("email").is_none(), "what was not agreed to is not told");
    }
}

#[test]
fn an_access_token_says_what_it_is_worth() {
    let h = harness();
    let landing =
        h.authorize(&asks("token").scope("read write")).approved_in_part_by("alice", "read").landing();
    assert_eq!(landing.value("token_type"), "Bearer");
    assert_eq!(landing.value("expires_in"), "3600");
    assert_eq!(landing.value("scope"), "read");
    let token = landing.value("access_token");
    let described = h.introspect("api", token).json();
    assert_eq!((&described["client_id"], &described["sub"]), (&json!("front"), &json!("alice")));
    h.advance(Duration::from_secs(3600));
    assert!(!h.is_active("api", token));
}

#[test]
fn a_token_hangs_on_a_grant_that_can_be_listed_and_revoked() {
    let h = harness();
    for response_type in ["token", "id_token token", "code token", "code id_token token"] {
        let token = h.authorize(&asks(response_type)).approved_by("alice").landing();
        let token = token.value("access_token");
        assert!(h.is_active("api", token));
        let of = GrantFilter::Subject(Subject::new("alice").unwrap());
        let listed = block_on(h.provider().administration().grants(&of, &Page::first(10))).unwrap().items;
        let has_code = response_type.contains("code");
        let came_by = if has_code { "authorization_code" } else { "implicit" };
        assert_eq!(listed.iter().map(|live| live.grant.grant_type.as_str()).collect::<Vec<_>>(), [came_by]);
        let session = GrantFilter::Session(SessionId::new("session of alice").unwrap());
        assert_eq!(block_on(h.provider().administration().revoke_grants(&session)).unwrap(), 1);
        assert!(!h.is_active("api", token), "{response_type}");
    }
}

/// attack 118: whoever is gone gets nothing, though they have just agreed.
#[test]
fn nothing_is_issued_for_a_person_who_is_gone() {
    let h = harness();
    for response_type in ["id_token", "id_token token", "token", "code token", "code id_token", "none"] {
        let before = h.store_state();
        let visit = h.authorize(&asks(response_type)).remembered_by("nobody");
        let landing = visit.outcome.returned(Reason::ApprovalSubjectGone);
        assert_eq!(landing.value("error"), "access_denied", "{response_type}");
        assert!(before == h.store_state(), "nothing is written");
    }
}

/// attack 105: what comes through the browser cannot be asked of the token endpoint.
#[test]
fn the_token_endpoint_knows_no_implicit_grant() {
    let h = harness();
    let _ = h.redeem(token_form("implicit").client("front")).rejected(Reason::GrantTypeUnsupported);
}

/// attack 51: a request that is resumed answers as it was asked.
#[test]
fn a_request_for_tokens_can_be_resumed() {
    let h = harness();
    let visit = h.authorize(&asks("id_token token").scope("openid email").set("response_mode", "form_post"));
    let landing = visit.resumed_after(Duration::from_secs(60)).approved_by("alice").landing();
    assert_eq!(landing.value("scope"), Scope::parse("openid email").unwrap().to_string());
    assert_eq!(landing.id_claims()["nonce"], "n-0S6_WzA2Mj");
}

/// attack 118: a revocation between an approval and its token leaves no token that is active, whenever it comes.
#[test]
fn a_revocation_overtakes_an_approval() {
    let mut reasons = Vec::new();
    for polls in 0..12 {
        let faults = Faults::new();
        let stores = faults.clone();
        let h = Harness::builder().front_channel().stores(move |memory| stores.stores(memory)).build();
        let pending = h.authorize(&asks("id_token token")).pending().clone();
        let approval = Approval::new(h.login("alice"), pending.request().scope.clone());
        let of = GrantFilter::Subject(Subject::new("alice").unwrap());
        faults.pause();
        let approve: Step<'_, Result<Response, u64>> =
            Box::pin(async { Ok(h.provider().approve(pending, approval).await.unwrap()) });
        let revoke: Step<'_, Result<Response, u64>> =
            Box::pin(async { Err(h.provider().administration().revoke_grants(&of).await.unwrap()) });
        let schedule = [vec![0; polls], vec![1; 12]].concat();
        let mut outcomes = interleave(vec![approve, revoke], &schedule).into_iter();
        let (approved, revoked) = (outcomes.next().unwrap().unwrap(), outcomes.next().unwrap().unwrap_err());
        let landing = Landing::of(&approved).unwrap();
        let active =
            landing.params.one("access_token").unwrap().is_some_and(|token| h.is_active("api", token));
        assert_eq!(active, revoked == 0, "after {polls} polls: {landing:?}");
        reasons.extend(landing.params.one("error").unwrap().map(str::to_owned));
        assert!(landing.params.one("error").unwrap().is_none_or(|error| error == "access_denied"));
    }
    assert!(!reasons.is_empty(), "no revocation came in between");
}

/// The shapes of access tokens, and what the stores are asked for them.
#[test]
fn an_access_token_has_the_shape_that_was_configured() {
    for format in [AccessTokenFormatChoice::Jwt, AccessTokenFormatChoice::JwtStateless] {
        let h = Harness::builder()
            .front_channel()
            .config(|config| config.access_token_format = format.clone())
            .build();
        for response_type in ["token", "code id_token token"] {
            let landing = h.authorize(&asks(response_type)).approved_by("alice").landing();
            let token = landing.value("access_token");
            let jws = Jws::parse(token).unwrap();
            assert_eq!(jws.header().typ(), Some("at+jwt"), "{format:?}");
            assert_eq!(landing.value("expires_in"), "600");
            assert_eq!(h.introspect("api", token).json()["client_id"], "front");
        }
    }
}

#[derive(Debug)]
struct Shorter;

impl Policy for Shorter {
    fn access_token_lifetime(&self, issuing: &Issuing<'_>, default: Duration) -> Duration {
        if *issuing.grant_type == GrantType::Implicit { Duration::from_secs(60) } else { default }
    }
}

#[test]
fn a_policy_can_tell_that_a_token_goes_through_the_browser_alone() {
    let h = Harness::builder().front_channel().provider(|builder| builder.policy(Arc::new(Shorter))).build();
    for (response_type, seconds) in [("token", "60"), ("id_token token", "60"), ("code token", "3600")] {
        let landing = h.authorize(&asks(response_type)).approved_by("alice").landing();
        assert_eq!(landing.value("expires_in"), seconds, "{response_type}");
    }
}
