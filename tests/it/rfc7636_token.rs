//! RFC 7636 sections 4.5 and 4.6: the verifier that answers the challenge of a code.

use vouchsafe::client::{Client, PkceRequirement};
use vouchsafe::error::Reason;
use vouchsafe::testing::{AuthorizeForm, CODE_VERIFIER, Harness, TokenForm, authorize_form, code_form};
use vouchsafe::types::ClientId;

/// A redemption that is refused for `reason` and leaves the code spent.
#[track_caller]
fn spends(h: &Harness, asked: &AuthorizeForm, bend: impl FnOnce(TokenForm) -> TokenForm, reason: Reason) {
    let code = h.code(asked, "alice");
    h.redeem(bend(code_form(asked, &code))).rejected(reason);
    h.redeem(code_form(asked, &code)).rejected(Reason::CodeReplayed);
}

/// attack 113
#[test]
fn a_missing_verifier_spends_the_code() {
    let h = Harness::new();
    for asked in [authorize_form(), authorize_form().client("spa")] {
        spends(&h, &asked, |form| form.without("code_verifier"), Reason::PkceVerifierMissing);
        spends(&h, &asked, |form| form.set("code_verifier", ""), Reason::PkceVerifierMissing);
    }
}

/// attack 114: a wrong guess is the last.
#[test]
fn a_wrong_verifier_spends_the_code() {
    let h = Harness::new();
    for verifier in
        ["a".repeat(43), "a".repeat(128), CODE_VERIFIER.to_uppercase(), format!("{CODE_VERIFIER}a")]
    {
        spends(&h, &authorize_form(), |form| form.set("code_verifier", verifier), Reason::PkceMismatch);
    }
    let challenge = vouchsafe::testing::CODE_CHALLENGE;
    spends(&h, &authorize_form(), |form| form.set("code_verifier", challenge), Reason::PkceMismatch);
}

/// attack 114: what no client sends by mistake for a verifier is malformed, and costs the code nothing.
#[test]
fn a_malformed_verifier_leaves_the_code() {
    let h = Harness::new();
    let code = h.code(&authorize_form(), "alice");
    for verifier in
        ["a".repeat(42), "a".repeat(129), format!("{}=", "a".repeat(43)), format!("{} ", "a".repeat(43))]
    {
        h.redeem(code_form(&authorize_form(), &code).set("code_verifier", verifier))
            .rejected(Reason::PkceVerifierMalformed)
            .unchanged();
    }
    h.redeem(code_form(&authorize_form(), &code)).accepted();
}

/// attack 115: a verifier without a challenge says that somebody took the challenge out of the request.
#[test]
fn a_verifier_that_answers_no_challenge_spends_the_code() {
    let h = Harness::new();
    let web = h.client("web");
    let settings = web.settings().clone().with_pkce(PkceRequirement::NonceInstead);
    let relaxed = Client::builder(ClientId::new("web").unwrap(), web.metadata().clone()).settings(settings);
    let relaxed = web.secrets().iter().cloned().fold(relaxed, vouchsafe::client::ClientBuilder::secret);
    h.store().insert_client(relaxed.build().unwrap());
    let asked = authorize_form().without("code_challenge").without("code_challenge_method");
    spends(&h, &asked, |form| form, Reason::PkceVerifierUnexpected);
    let code = h.code(&asked, "alice");
    h.redeem(code_form(&asked, &code).without("code_verifier")).accepted();
}
