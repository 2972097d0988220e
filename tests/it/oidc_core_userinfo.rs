//! OpenID Connect Core 1.0 sections 5.1 to 5.4, RFC 6750 sections 2 and 3: userinfo.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use serde_json::json;
use vouchsafe::client::{AccessTokenFormatChoice, Client, ClientAuthMethod, ClientMetadata, ClientSettings};
use vouchsafe::error::Reason;
use vouchsafe::provider::{Config, Provider};
use vouchsafe::store::Stores;
use vouchsafe::testing::{
    AccountTable, Harness, HarnessBuilder, ManualClock, Outcome, authorize_form, code_form, refusals,
    token_form,
};
use vouchsafe::types::{Claims, ClientId, RedirectUri, Subject};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn ask(h: &Harness, method: Method, query: &str, headers: &[(&str, &str)], body: &str) -> Outcome {
    let mut request =
        http::Request::builder().method(method).uri(format!("https://op.example/userinfo{query}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    h.answer(request.body(Bytes::from(body.to_owned())).unwrap())
}

#[test]
fn the_scope_decides_which_claims_are_told() {
    let h = Harness::new();
    let userinfo = |scope: &str| {
        h.userinfo(&h.tokens(&authorize_form().scope(scope), "alice").access_token).accepted().json()
    };
    assert_eq!(userinfo("openid"), json!({"sub": "alice"}));
    assert_eq!(
        userinfo("openid email"),
        json!({"sub": "alice", "email": "alice@people.example", "email_verified": true})
    );
    let all = userinfo("openid profile email address phone");
    assert_eq!(all.as_object().unwrap().len(), 20);
    assert_eq!(all["updated_at"], 1_700_000_000);
    assert_eq!(all["address"]["country"], "United Kingdom");
}

#[test]
fn a_claim_in_another_language_goes_with_the_claim() {
    let h = Harness::new();
    let claims = Claims::new()
        .with("name", "Bob")
        .with("name#ja-Kana-JP", "\u{30dc}\u{30d6}")
        .with("email", "b@x.example")
        .with("email#x", "y")
        .with("sub", "alice")
        .with("admin", true);
    h.accounts().insert(Subject::new("bob").unwrap(), claims);
    let tokens = h.tokens(&authorize_form().scope("openid profile"), "bob");
    let expected = json!({"sub": "bob", "name": "Bob", "name#ja-Kana-JP": "\u{30dc}\u{30d6}"});
    assert_eq!(h.userinfo(&tokens.access_token).json(), expected);
}

#[test]
fn a_token_comes_in_the_header_or_in_the_form() {
    let h = Harness::new();
    let token = h.tokens(&authorize_form(), "alice").access_token;
    let (bearer, lower) = (format!("Bearer {token}"), format!("bearer {token}"));
    let form = format!("access_token={token}");
    let outcomes = [
        ask(&h, Method::GET, "", &[("authorization", &bearer)], ""),
        ask(&h, Method::GET, "?x=1", &[("authorization", &lower)], ""),
        ask(&h, Method::POST, "", &[("authorization", &bearer)], ""),
        ask(&h, Method::POST, "", &[("authorization", &bearer), FORM], "x=1"),
        ask(&h, Method::POST, "", &[FORM], &form),
    ];
    for outcome in outcomes {
        let outcome = outcome.accepted().unchanged();
        assert_eq!(outcome.header("cache-control"), Some("no-store"));
        assert_eq!(outcome.json(), json!({"sub": "alice"}));
    }
}

/// attack 202: without `openid`, and without a person, there is nothing to tell.
#[test]
fn a_token_without_openid_is_not_enough() {
    let h = Harness::new();
    let personal = h.tokens(&authorize_form().scope("profile email"), "alice").access_token;
    let of_client =
        h.redeem(token_form("client_credentials").client("service").scope("read")).issued().access_token;
    for token in [personal, of_client] {
        let outcome = h.userinfo(&token).unchanged().challenged(Reason::AccessTokenScope);
        assert_eq!(outcome.response.status(), 403);
        let challenge = outcome.header("www-authenticate").unwrap();
        assert!(
            challenge.contains("insufficient_scope") && challenge.contains("scope=\"openid\""),
            "{challenge}"
        );
    }
}

/// attack 203: a token in a query is in every log on the way, and is refused even when it would be good.
#[test]
fn a_token_in_the_query_is_refused() {
    let h = Harness::new();
    let token = h.tokens(&authorize_form(), "alice").access_token;
    let bearer = format!("Bearer {token}");
    let query = format!("?access_token={token}");
    for headers in [&[][..], &[("authorization", bearer.as_str())]] {
        let outcome =
            ask(&h, Method::GET, &query, headers, "").unchanged().challenged(Reason::AccessTokenInQuery);
        assert_eq!(outcome.response.status(), 400);
    }
}

/// attack 204: one way of sending a token at a time.
#[test]
fn two_tokens_are_refused() {
    let h = Harness::new();
    let token = h.tokens(&authorize_form(), "alice").access_token;
    let (bearer, form) = (format!("Bearer {token}"), format!("access_token={token}"));
    let both = ask(&h, Method::POST, "", &[("authorization", &bearer), FORM], &form);
    assert_eq!(both.unchanged().challenged(Reason::AccessTokenTwice).response.status(), 400);
    let headers = [("authorization", bearer.as_str()), ("authorization", bearer.as_str())];
    let twice = ask(&h, Method::GET, "", &headers, "");
    assert_eq!(twice.unchanged().challenged(Reason::AuthorizationHeaderMalformed).response.status(), 400);
    let doubled = ask(&h, Method::POST, "", &[FORM], &format!("{form}&{form}"));
    assert_eq!(doubled.unchanged().challenged(Reason::ParameterRepeated).response.status(), 400);
}

/// attack 205: whoever is gone is told of no more.
#[test]
fn the_token_of_somebody_who_is_gone_is_not_valid() {
    let h = Harness::new();
    let token = h.tokens(&authorize_form(), "alice").access_token;
    h.accounts().disable("alice");
    let outcome = h.userinfo(&token).unchanged().challenged(Reason::AccessTokenSubjectGone);
    assert_eq!(outcome.response.status(), 401);
    assert!(outcome.header("www-authenticate").unwrap().contains("invalid_token"));
    h.accounts().enable("alice");
    let _ = h.userinfo(&token).accepted();
}

#[test]
fn a_request_without_a_token_is_told_that_one_is_needed() {
    let h = Harness::new();
    for headers in [&[][..], &[("authorization", "Basic d2ViOng=")], &[("authorization", "Digest x")]] {
        let outcome =
            ask(&h, Method::GET, "", headers, "").unchanged().challenged(Reason::AccessTokenMissing);
        assert_eq!(outcome.response.status(), 401);
        assert_eq!(outcome.header("www-authenticate"), Some("Bearer realm=\"https://op.example\""));
    }
}

/// attack 134: no other credential of ours passes for an access token.
#[test]
fn what_is_no_living_access_token_is_not_valid() {
    let h = Harness::new();
    let form = authorize_form().scope("openid offline_access");
    let tokens = h.tokens(&form, "alice");
    let code = h.code(&form, "alice");
    let others =
        ["x", &code, tokens.refresh_token(), tokens.id_token.as_deref().unwrap(), &tokens.access_token[1..]];
    for text in others {
        let outcome = h.userinfo(text).unchanged().challenged(Reason::AccessTokenInvalid);
        assert_eq!(outcome.response.status(), 401);
    }
    h.advance(Duration::from_secs(3600));
    let _ = h.userinfo(&tokens.access_token).challenged(Reason::AccessTokenInvalid);
}

/// attack 328: only the pages of the token's own client may read the answer.
#[test]
fn only_the_clients_own_origin_may_read() {
    let h = Harness::new();
    let token = h.tokens(&authorize_form().client("spa"), "alice").access_token;
    let bearer = format!("Bearer {token}");
    for (origin, allowed) in [("https://spa.example", true), ("https://web.example", false), ("null", false)]
    {
        let outcome = ask(&h, Method::GET, "", &[("authorization", &bearer), ("origin", origin)], "");
        assert_eq!(outcome.header("access-control-allow-origin"), allowed.then_some(origin), "{origin}");
        assert_eq!(outcome.header("access-control-allow-credentials"), None);
    }
}

#[test]
fn a_failing_directory_is_a_503() {
    let h = Harness::new();
    let token = h.tokens(&authorize_form(), "alice").access_token;
    h.accounts().fail(true);
    let outcome = h.userinfo(&token);
    assert_eq!(outcome.response.status(), 503);
    assert_eq!(outcome.header("www-authenticate"), None);
    assert_eq!(refusals(&outcome.events), [Reason::AccountsUnavailable]);
    assert!(outcome.header("retry-after").is_some());
}

/// attack 328: a host that calls the endpoint by itself answers preflights too.
#[test]
fn a_preflight_is_answered_by_the_endpoint_itself() {
    let h = Harness::new();
    let request = http::Request::options("https://op.example/userinfo")
        .header("origin", "https://evil.example")
        .header("access-control-request-method", "GET")
        .body(Bytes::new())
        .unwrap();
    let outcome =
        h.exchange(request, |provider, request| async move { provider.userinfo(&request).await }).unchanged();
    assert_eq!(outcome.response.status(), 204);
    assert_eq!(outcome.header("access-control-allow-methods"), Some("GET, POST"));
    assert_eq!(outcome.header("access-control-allow-credentials"), None);
    assert_eq!(outcome.events, []);
}

fn with_jwts(format: AccessTokenFormatChoice) -> HarnessBuilder {
    let metadata = ClientMetadata::code_flow([RedirectUri::register("https://jwt.example/cb").unwrap()])
        .with_auth_method(ClientAuthMethod::None);
    let client = Client::builder(ClientId::new("jwt").unwrap(), metadata)
        .settings(ClientSettings::new().with_access_token_format(format));
    Harness::builder().client(client.build().unwrap())
}

/// The `claims` parameter is not lost with a token that has no record: such a token gets one.
#[test]
fn claims_asked_by_name_are_told_for_stateless_tokens_too() {
    let h = with_jwts(AccessTokenFormatChoice::JwtStateless).build();
    let plain = authorize_form().client("jwt");
    let asking = plain.clone().set("claims", r#"{"userinfo":{"email":null}}"#);
    for (form, told, recorded) in [
        (plain, json!({"sub": "alice"}), false),
        (asking, json!({"sub": "alice", "email": "alice@people.example"}), true),
    ] {
        let tokens = h.redeem(code_form(&form, &h.code(&form, "alice"))).issued();
        assert_eq!(h.userinfo(&tokens.access_token).accepted().json(), told);
        assert!(!tokens.access_claims().to_string().contains("email"));
        assert_eq!(h.revoke("jwt", &tokens.access_token).response.status() == 200, recorded);
    }
}

/// RFC 9068 section 2.2: a JWT has an audience, also where nobody configured one; the code is not lost over it.
#[test]
fn a_jwt_without_any_other_audience_is_for_the_issuer() {
    for format in [AccessTokenFormatChoice::Jwt, AccessTokenFormatChoice::JwtStateless] {
        let h = with_jwts(format).build();
        let form = authorize_form().client("jwt");
        let (config, stores) =
            (Config::new("https://op.example".parse().unwrap()), Stores::of(Arc::new(h.store().clone())));
        let keyring = h.provider().keyring().clone();
        let without_audience = Provider::builder(config, stores, keyring, h.system_secrets().clone())
            .clock(Arc::new(ManualClock::default()))
            .accounts(Arc::new(AccountTable::default()))
            .with_authorization_code()
            .build()
            .unwrap();
        let request = h.post("/token", code_form(&form, &h.code(&form, "alice")));
        let redeemed =
            h.exchange(request, |_, request| async move { without_audience.token(&request).await });
        let tokens = redeemed.issued();
        assert_eq!(tokens.access_claims()["aud"], "https://op.example");
        assert_eq!(h.userinfo(&tokens.access_token).accepted().json(), json!({"sub": "alice"}));
    }
}
