//! RFC 6749 sections 3.2, 4.1.3, 4.4, 5 and 6: the token endpoint.

use vouchsafe::testing::{Harness, authorize_form, token_form};

#[test]
fn a_code_gives_tokens() {
    let h = Harness::new();
    let tokens = h.tokens(&authorize_form().scope("openid offline_access read"), "alice");
    assert_eq!(tokens.scope.as_deref(), Some("openid offline_access read"));
    assert_eq!(tokens.expires_in, Some(3600));
    assert!(tokens.access_token.starts_with("vs_at_"));
    assert!(tokens.refresh_token().starts_with("vs_rt_"));
    assert_eq!(tokens.id_claims()["nonce"], "n-0S6_WzA2Mj");
    assert!(h.is_active("api", &tokens.access_token));
}

#[test]
fn a_client_gets_tokens_for_itself() {
    let h = Harness::new();
    let tokens = h.redeem(token_form("client_credentials").client("service").scope("read")).issued();
    assert_eq!(tokens.scope.as_deref(), Some("read"));
    assert!(h.is_active("api", &tokens.access_token));
}
