//! Tokens that only this crate can make: of another family key, and ahead of the store.

use super::*;
use crate::entropy::OsEntropy;
use crate::testing::{Harness, Tokens, authorize_form, refresh_form};

const FORM: (&str, &str) = ("vs_rt_", "https://op.example");

fn tokens(h: &Harness) -> Tokens {
    h.tokens(&authorize_form().client("spa").scope("openid offline_access"), "alice")
}

fn decoded(h: &Harness, tokens: &Tokens) -> RefreshToken {
    RefreshToken::decode(h.system_secrets(), FORM, tokens.refresh_token()).unwrap()
}

fn text(h: &Harness, token: &RefreshToken) -> String {
    token.encode(h.system_secrets(), FORM).expose().to_owned()
}

/// attack 319: who has the system secret and a dump of the store, and never held a token of the family, cannot make
/// one; at revocation and introspection neither.
#[test]
fn a_token_with_another_family_key_is_refused_and_an_alarm() {
    let h = Harness::new();
    let tokens = tokens(&h);
    let real = decoded(&h, &tokens);
    for seq in [0, 1, 7] {
        let forged = text(&h, &RefreshToken::first(real.grant(), &OsEntropy).unwrap().at(seq));
        h.redeem(refresh_form("spa", &forged)).rejected(Reason::RefreshTokenForged).unchanged();
        h.revoke("spa", &forged).unchanged();
        assert!(!h.is_active("web", &forged));
    }
    h.redeem(refresh_form("spa", tokens.refresh_token())).accepted();
}

#[test]
fn a_token_ahead_of_the_store_is_an_alarm_and_revokes_nothing() {
    let h = Harness::new();
    let tokens = tokens(&h);
    for seq in [1, 2, u64::MAX] {
        let ahead = text(&h, &decoded(&h, &tokens).at(seq));
        h.redeem(refresh_form("spa", &ahead)).rejected(Reason::RefreshTokenAhead).unchanged();
    }
    h.redeem(refresh_form("spa", tokens.refresh_token())).accepted();
}

#[test]
fn a_token_of_a_grant_that_is_not_there_is_unknown() {
    let h = Harness::new();
    let lost = RefreshToken::first(crate::types::GrantId::from_bytes([7; 16]), &OsEntropy).unwrap();
    h.redeem(refresh_form("spa", &text(&h, &lost))).rejected(Reason::RefreshTokenUnknown).unchanged();
    let without = h.tokens(&authorize_form().client("spa"), "alice");
    assert_eq!(without.refresh_token, None);
}

/// Any token of a family ends it, used up or not.
#[test]
fn a_used_up_token_revokes_its_family() {
    let h = Harness::new();
    let first = tokens(&h);
    let second = h.redeem(refresh_form("spa", first.refresh_token())).issued();
    let third = h.redeem(refresh_form("spa", second.refresh_token())).issued();
    h.revoke("spa", first.refresh_token()).accepted();
    h.redeem(refresh_form("spa", third.refresh_token())).rejected(Reason::GrantRevoked);
}
