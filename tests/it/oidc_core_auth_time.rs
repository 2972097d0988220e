//! OpenID Connect Core 1.0 sections 2 and 3.1.2.1: `max_age` and `auth_time`.

use std::time::Duration;

use vouchsafe::client::{Client, ClientAuthMethod, ClientMetadata, ClientSettings, Consent};
use vouchsafe::error::Reason;
use vouchsafe::provider::{Approval, LoginNeed, Needs};
use vouchsafe::testing::{AuthorizeForm, Harness, authorize_form, code_form};
use vouchsafe::types::{ClientId, RedirectUri};

fn aged(max_age: &str) -> AuthorizeForm {
    authorize_form().client("trusted").set("max_age", max_age)
}

/// attack 38: what is no count of seconds is refused, and nothing overflows.
#[test]
fn a_malformed_max_age_is_returned() {
    let h = Harness::new();
    for max_age in ["-1", "99999999999999999999", "1e9", "+5", "1.5", " 5", "0x10", "4294967296", "\u{0661}"]
    {
        h.authorize(&aged(max_age)).returned(Reason::MaxAgeMalformed);
    }
    let alice = h.login("alice");
    assert!(h.authorize(&aged("4294967295")).next(Some(&alice)).code().starts_with("vs_ac_"));
}

/// attack 38: zero means a login for this request.
#[test]
fn zero_needs_a_login_after_the_request() {
    let h = Harness::new();
    let alice = h.login("alice");
    h.advance(Duration::from_secs(1));
    let visit = h.authorize(&aged("0"));
    assert_eq!(visit.next(Some(&alice)).needs(), &Needs::Login(LoginNeed::TooOld));
    assert!(visit.next(Some(&h.login("alice"))).code().starts_with("vs_ac_"));
}

#[test]
fn a_login_is_too_old_from_the_second_after_its_age() {
    let h = Harness::new();
    let alice = h.login("alice");
    h.advance(Duration::from_secs(60));
    assert!(h.authorize(&aged("60")).next(Some(&alice)).code().starts_with("vs_ac_"));
    h.advance(Duration::from_secs(1));
    let visit = h.authorize(&aged("60"));
    assert_eq!(visit.next(Some(&alice)).needs(), &Needs::Login(LoginNeed::TooOld));
    let silent = h.authorize(&aged("60").prompt("none")).next(Some(&alice));
    silent.returned(Reason::LoginNeeded);
}

/// What met the request when it was made still meets it when the person has read the page.
#[test]
fn the_age_is_weighed_as_of_the_request() {
    let h = Harness::new();
    let alice = h.login("alice");
    h.advance(Duration::from_secs(30));
    let visit = h.authorize(&aged("60").client("web"));
    let scope = visit.pending().request().scope.clone();
    let resumed = visit.resumed_after(Duration::from_secs(600));
    assert!(resumed.approved(Approval::new(alice, scope)).code().starts_with("vs_ac_"));
}

/// A `max_age` of the client's registration counts where the request has none.
#[test]
fn the_default_of_the_client_counts() {
    let uri = RedirectUri::register("https://bank.example/cb").unwrap();
    let mut metadata = ClientMetadata::code_flow([uri]).with_auth_method(ClientAuthMethod::None);
    metadata.default_max_age = Some(10);
    metadata.default_acr_values = vec!["gold".to_owned()];
    let bank = Client::builder(ClientId::new("bank").unwrap(), metadata)
        .settings(ClientSettings::new().with_consent(Consent::Waived))
        .build()
        .unwrap();
    let h = Harness::builder().client(bank).build();
    let alice = h.login("alice");
    h.advance(Duration::from_secs(11));
    let visit = h.authorize(&authorize_form().client("bank"));
    assert_eq!(visit.pending().request().acr_values, ["gold"]);
    assert_eq!(visit.next(Some(&alice)).needs(), &Needs::Login(LoginNeed::TooOld));
    let lax = authorize_form().client("bank").set("max_age", "60");
    assert!(h.authorize(&lax).next(Some(&alice)).code().starts_with("vs_ac_"));
}

/// The time in the token is that of the login, however long the session lasts, and a refresh keeps it.
#[test]
fn auth_time_is_when_the_person_signed_in() {
    let h = Harness::new();
    let (signed_in, alice) = (h.now(), h.login("alice"));
    h.advance(Duration::from_secs(300));
    let form = aged("15000").scope("openid offline_access");
    let code = h.authorize(&form).next(Some(&alice)).code();
    let tokens = h.redeem(code_form(&form, &code)).issued();
    assert_eq!(tokens.id_claims()["auth_time"], signed_in.unix());
    h.advance(Duration::from_secs(300));
    let refreshed = h.redeem(vouchsafe::testing::refresh_form("trusted", tokens.refresh_token())).issued();
    assert_eq!(refreshed.id_claims()["auth_time"], signed_in.unix());
    assert_eq!(refreshed.id_claims()["iat"], h.now().unix());
}
