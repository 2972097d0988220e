//! RFC 7636 sections 4.2 to 4.4, RFC 9700 section 2.1.1: the challenge.

use vouchsafe::client::{Client, ClientAuthMethod, ClientMetadata, ClientSettings, PkceRequirement};
use vouchsafe::error::Reason;
use vouchsafe::testing::{AuthorizeForm, CODE_CHALLENGE, Harness, authorize_form};
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

/// attack 35: a challenge is the client's to choose; a repeated one is allowed.
#[test]
fn a_challenge_may_be_used_again() {
    let h = Harness::new();
    let (first, second) = (h.code(&authorize_form(), "alice"), h.code(&authorize_form(), "alice"));
    assert_ne!(first, second);
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
