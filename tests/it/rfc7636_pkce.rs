//! RFC 7636 sections 4.2 to 4.4, RFC 9700 section 2.1.1: the challenge.

use std::sync::Arc;
use std::time::Duration;

use vouchsafe::client::{Client, ClientAuthMethod, ClientMetadata, ClientSettings, PkceRequirement};
use vouchsafe::entropy::OsEntropy;
use vouchsafe::error::Reason;
use vouchsafe::event::{Event, EventKind};
use vouchsafe::pkce::{CodeChallenge, CodeVerifier};
use vouchsafe::provider::{BuildError, CodeChallengeReuse, Config, Provider};
use vouchsafe::secret::SystemSecrets;
use vouchsafe::store::Stores;
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::testing::{
    AuthorizeForm, CODE_CHALLENGE, Fault, Faults, Harness, ISSUER, authorize_form, keyring, refusals,
};
use vouchsafe::types::{ClientId, RedirectUri};

fn unchallenged() -> AuthorizeForm {
    authorize_form().without("code_challenge").without("code_challenge_method")
}

/// A harness whose confidential client `lax` need not send a challenge.
fn lax(requirement: PkceRequirement) -> Harness {
    let metadata = ClientMetadata::code_flow([RedirectUri::register("https://lax.example/cb").unwrap()]);
    let client = Client::builder(ClientId::new("lax").unwrap(), metadata)
        .settings(ClientSettings::new().with_pkce(requirement));
    Harness::builder().confidential(client).build()
}

/// attack 32: no challenge, no code; for no client unless its host decided otherwise.
#[test]
fn a_challenge_is_required_of_every_client() {
    let h = Harness::new();
    for client in ["web", "spa", "native", "trusted"] {
        let landing = h.authorize(&unchallenged().client(client)).returned(Reason::PkceChallengeMissing);
        assert_eq!(landing.params.one("error_description"), Ok(Some("code challenge required")));
    }
    let method_alone = authorize_form().without("code_challenge");
    h.authorize(&method_alone).returned(Reason::PkceChallengeMissing);
}

/// attack 33: `plain` is refused, also where its name is left out.
#[test]
fn plain_is_refused_by_name_and_by_default() {
    let h = Harness::new();
    let bare = authorize_form().without("code_challenge_method");
    for form in [
        bare,
        authorize_form().set("code_challenge_method", "plain"),
        authorize_form().set("code_challenge_method", "s256"),
    ] {
        let landing = h.authorize(&form).returned(Reason::PkceMethodUnsupported);
        assert_eq!(landing.params.one("error_description"), Ok(Some("transform algorithm not supported")));
    }
}

/// attack 34: a challenge is 43 characters of base64url in their one spelling.
#[test]
fn a_malformed_challenge_is_refused() {
    let h = Harness::new();
    let rows = [
        CODE_CHALLENGE[1..].to_owned(),
        format!("{CODE_CHALLENGE}A"),
        format!("{CODE_CHALLENGE}="),
        CODE_CHALLENGE.replace('-', "+"),
        CODE_CHALLENGE.replace('-', "/"),
        "x".repeat(9000),
    ];
    for challenge in rows {
        h.authorize(&authorize_form().set("code_challenge", challenge))
            .returned(Reason::PkceChallengeMalformed);
    }
}

/// attack 35: a challenge is the client's to choose; a repeated one is allowed, and costs nothing.
#[test]
fn a_challenge_may_be_used_again() {
    let (h, faults) = noticing(CodeChallengeReuse::default());
    let first = h.code(&authorize_form(), "alice");
    drop(faults.calls());
    let second = h.authorize(&another("s2")).approved_by("alice");
    assert_eq!(faults.calls(), ["insert_grant", "insert_code"]);
    assert_ne!(first, second.code());
    assert_eq!(kinds(&second.outcome.events), [EventKind::Approved]);
}

/// A harness that treats a challenge that comes back in this way.
fn noticing(reuse: CodeChallengeReuse) -> (Harness, Faults) {
    let faults = Faults::new();
    let stores = faults.clone();
    let builder = Harness::builder().stores(move |memory| stores.stores(memory));
    (builder.config(|config| config.code_challenge_reuse = reuse).build(), faults)
}

/// A request of its own, with the same challenge as every other.
fn another(state: &str) -> AuthorizeForm {
    authorize_form().set("state", state)
}

fn kinds(events: &[Event]) -> Vec<EventKind> {
    events.iter().map(|event| event.kind.clone()).collect()
}

/// attack 35: where it is reported, the code is issued all the same.
#[test]
fn a_challenge_that_comes_back_is_reported_where_that_is_wanted() {
    let (h, faults) = noticing(CodeChallengeReuse::Reported);
    let visits = [h.authorize(&another("s1")), h.authorize(&another("s2"))];
    drop(faults.calls());
    let first = visits[0].approved_by("alice");
    assert_eq!(faults.calls(), ["first_use", "first_use", "insert_grant", "insert_code"]);
    assert_eq!(kinds(&first.outcome.events), [EventKind::Approved]);
    let second = visits[1].approved_by("alice");
    assert_eq!(faults.calls(), ["first_use", "first_use", "insert_grant", "insert_code"]);
    assert_eq!(kinds(&second.outcome.events), [EventKind::PkceChallengeReused, EventKind::Approved]);
    assert_eq!(second.outcome.events[0].client.as_ref().map(ClientId::as_str), Some("web"));
    assert_ne!(first.code(), second.code());
}

/// attack 35: where it is refused, nothing is issued, however often it is tried; also where no page is shown.
#[test]
fn a_challenge_that_comes_back_is_refused_where_that_is_wanted() {
    let (h, faults) = noticing(CodeChallengeReuse::Refused);
    let _ = h.code(&authorize_form(), "alice");
    let again = h.authorize(&another("s2"));
    for _ in 0..3 {
        drop(faults.calls());
        let refused = again.approved_by("alice");
        assert_eq!(faults.calls(), ["first_use", "first_use"]);
        let landing = refused.outcome.returned(Reason::PkceChallengeReused);
        assert_eq!(landing.params.one("state"), Ok(Some("s2")));
    }
    let trusted = another("s3").client("trusted");
    let login = h.login("alice");
    assert!(h.authorize(&trusted).next(Some(&login)).code().starts_with("vs_ac_"));
    let _ = h
        .authorize(&trusted.set("state", "s4"))
        .next(Some(&login))
        .outcome
        .returned(Reason::PkceChallengeReused);
}

/// A request is not another than itself: it may be approved again, after it was resumed too.
#[test]
fn a_request_that_is_approved_again_reuses_nothing() {
    let (h, _) = noticing(CodeChallengeReuse::Refused);
    let visit = h.authorize(&authorize_form());
    let sealed = visit.sealed();
    let codes = [
        visit.approved_by("alice").code(),
        visit.approved_by("alice").code(),
        h.resume(&sealed).approved_by("alice").code(),
        visit.resumed_after(Duration::from_secs(60)).approved_by("alice").code(),
    ];
    assert!(codes.iter().all(|code| code.starts_with("vs_ac_")));
    h.browser().clear();
    let _ = h.authorize(&authorize_form()).approved_by("alice").outcome.returned(Reason::PkceChallengeReused);
}

/// A visit that ends without a code uses nothing up: whoever opens a request does not spoil it for its client.
#[test]
fn only_what_is_approved_uses_a_challenge() {
    let (h, faults) = noticing(CodeChallengeReuse::Refused);
    let seen = h.authorize(&another("s1")).next(Some(&h.login("alice")));
    let _ = seen.approved_in_part_by("alice", "openid admin").refused(Reason::ApprovalExceeds);
    assert!(!faults.calls().contains(&"first_use"));
    assert!(h.code(&another("s2"), "alice").starts_with("vs_ac_"));
}

#[test]
fn each_client_and_each_challenge_counts_by_itself_for_a_day() {
    let (h, _) = noticing(CodeChallengeReuse::Refused);
    let _ = h.code(&authorize_form(), "alice");
    assert!(h.code(&authorize_form().client("spa"), "alice").starts_with("vs_ac_"));
    let fresh = CodeChallenge::of(&CodeVerifier::generate(&OsEntropy).unwrap()).to_string();
    assert!(h.code(&authorize_form().set("code_challenge", fresh), "alice").starts_with("vs_ac_"));
    h.advance(Duration::from_secs(24 * 60 * 60 - 1));
    let _ = h.authorize(&authorize_form()).approved_by("alice").outcome.returned(Reason::PkceChallengeReused);
    h.advance(Duration::from_secs(1));
    assert!(h.code(&authorize_form(), "alice").starts_with("vs_ac_"));
}

/// What is not known is not let through.
#[test]
fn a_store_that_cannot_remember_a_challenge_issues_nothing() {
    for (nth, fault) in [(0, Fault::Unavailable), (0, Fault::AnswerLost), (1, Fault::Unavailable)] {
        let (h, faults) = noticing(CodeChallengeReuse::Refused);
        let visit = h.authorize(&authorize_form());
        drop(faults.calls());
        faults.plan(nth, fault);
        let failed = visit.approved_by("alice");
        assert_eq!(refusals(&failed.outcome.events), [Reason::StoreUnavailable]);
        assert!(!faults.calls().contains(&"insert_grant"));
    }
}

#[test]
fn noticing_needs_a_replay_store() {
    let built = |reuse| {
        let config = Config::new(ISSUER.parse().unwrap()).with_code_challenge_reuse(reuse);
        let secrets = SystemSecrets::generate(&OsEntropy).unwrap();
        Provider::builder(config, Stores::of(Arc::new(MemoryStore::new())), keyring(), secrets).build()
    };
    assert!(built(CodeChallengeReuse::Ignored).is_ok());
    for reuse in [CodeChallengeReuse::Reported, CodeChallengeReuse::Refused] {
        let needs = BuildError::Needs { feature: "code_challenge_reuse", port: "ReplayStore" };
        assert_eq!(built(reuse).unwrap_err(), needs);
    }
}

#[test]
fn a_nonce_replaces_the_challenge_only_where_the_host_says_so() {
    let h = lax(PkceRequirement::NonceInstead);
    assert!(h.code(&unchallenged().client("lax"), "alice").starts_with("vs_ac_"));
    h.authorize(&unchallenged().client("lax").without("nonce")).returned(Reason::PkceChallengeMissing);
    let without_openid = unchallenged().client("lax").scope("");
    h.authorize(&without_openid).returned(Reason::PkceChallengeMissing);
    let h = lax(PkceRequirement::DangerousNotRequired);
    assert!(h.code(&unchallenged().client("lax").without("nonce"), "alice").starts_with("vs_ac_"));
    let plain = authorize_form().client("lax").set("code_challenge_method", "plain");
    h.authorize(&plain).returned(Reason::PkceMethodUnsupported);
}

/// attack 32: what a host may decide for a confidential client does not reach a public one.
#[test]
fn a_public_client_is_never_excused() {
    for requirement in [PkceRequirement::NonceInstead, PkceRequirement::DangerousNotRequired] {
        let uri = RedirectUri::register("https://lax.example/cb").unwrap();
        let metadata = ClientMetadata::code_flow([uri]).with_auth_method(ClientAuthMethod::None);
        let client = Client::builder(ClientId::new("lax").unwrap(), metadata)
            .settings(ClientSettings::new().with_pkce(requirement))
            .build()
            .unwrap();
        let h = Harness::builder().client(client).build();
        h.authorize(&unchallenged().client("lax")).returned(Reason::PkceChallengeMissing);
    }
}
