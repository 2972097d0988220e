//! RFC 6749 sections 3.3, 4.1.3, 4.4, 5.1 and 10.5, RFC 8707 section 2.2: codes and client credentials become tokens.

use std::collections::BTreeMap;
use std::time::Duration;

use http::StatusCode;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use vouchsafe::client::{Client, ClientMetadata, ClientSettings};
use vouchsafe::error::Reason;
use vouchsafe::event::EventKind;
use vouchsafe::provider::{CodeReuse, GrantFilter, ResourceSettings};
use vouchsafe::testing::{
    AuthorizeForm, DEFAULT_AUDIENCE, Faults, Harness, RESOURCE, Step, TokenForm, authorize_form, block_on,
    code_form, interleave, token_form,
};
use vouchsafe::types::{ClientId, GrantType, Issuer, Scope, Subject};
use vouchsafe::wire::Response;

fn offline() -> AuthorizeForm {
    authorize_form().scope("openid offline_access read")
}

fn service() -> TokenForm {
    token_form("client_credentials").client("service")
}

#[test]
fn a_code_gives_the_tokens_that_were_agreed_to() {
    let h = Harness::new();
    let tokens = h.tokens(&offline(), "alice");
    assert_eq!(tokens.scope.as_deref(), Some("openid offline_access read"));
    assert_eq!(tokens.expires_in, Some(3600));
    assert!(tokens.access_token.starts_with("vs_at_"));
    assert!(tokens.refresh_token().starts_with("vs_rt_"));
    assert_eq!(tokens.id_claims()["nonce"], "n-0S6_WzA2Mj");
    assert_eq!(tokens.id_claims()["sub"], "alice");
    assert!(h.is_active("api", &tokens.access_token));
}

#[test]
fn without_openid_and_offline_access_there_is_an_access_token_alone() {
    let h = Harness::new();
    let tokens = h.tokens(&authorize_form().scope("read"), "alice");
    assert_eq!((tokens.id_token, tokens.refresh_token), (None, None));
    assert_eq!(h.introspect("api", &tokens.access_token).json()["sub"], "alice");
}

#[test]
fn a_success_is_one_event_that_names_client_person_and_grant() {
    let h = Harness::new();
    let code = h.code(&offline(), "alice");
    let outcome = h.redeem(code_form(&offline(), &code)).accepted();
    let [event] = outcome.events.as_slice() else { panic!("{:?}", outcome.events) };
    assert_eq!(event.kind, EventKind::TokensIssued { grant_type: GrantType::AuthorizationCode });
    assert_eq!(event.client.as_ref().map(ClientId::as_str), Some("web"));
    assert_eq!(event.subject.as_ref().map(Subject::as_str), Some("alice"));
    assert!(event.grant.is_some());
}

/// attack 108: the second redemption is refused and ends what the first brought.
#[test]
fn a_replayed_code_revokes_its_grant() {
    let h = Harness::new();
    for wait in [0, 30, 3600] {
        let code = h.code(&offline(), "alice");
        let tokens = h.redeem(code_form(&offline(), &code)).issued();
        h.advance(Duration::from_secs(wait));
        let replayed = h.redeem(code_form(&offline(), &code)).rejected(Reason::CodeReplayed);
        assert!(replayed.events[0].grant.is_some());
        assert!(!h.is_active("api", &tokens.access_token));
        assert!(!h.is_active("web", tokens.refresh_token()));
        let _ = h.userinfo(&tokens.access_token).challenged(Reason::AccessTokenInvalid);
        let refresh = vouchsafe::testing::refresh_form("web", tokens.refresh_token());
        h.redeem(refresh).rejected(Reason::GrantRevoked).unchanged();
    }
}

#[test]
fn a_replay_can_be_refused_without_revoking() {
    let h = Harness::builder().config(|config| config.code_reuse = CodeReuse::DenyOnly).build();
    let code = h.code(&offline(), "alice");
    let tokens = h.redeem(code_form(&offline(), &code)).issued();
    h.redeem(code_form(&offline(), &code)).rejected(Reason::CodeReplayed).unchanged();
    assert!(h.is_active("api", &tokens.access_token));
}

/// attack 109: of a hundred redemptions at once, by threads, one at most brings tokens, and none outlives the replay.
#[test]
fn of_many_redemptions_at_once_one_brings_tokens() {
    let h = Harness::new();
    for _ in 0..8 {
        let code = h.code(&offline(), "alice");
        let answers = h.redeem_at_once((0..100).map(|_| code_form(&offline(), &code)).collect());
        let (issued, refused): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|answer| answer.status() == StatusCode::OK);
        assert!(issued.len() <= 1, "{} redemptions brought tokens", issued.len());
        assert!(refused.iter().all(|answer| answer.status() == StatusCode::BAD_REQUEST));
        for answer in issued {
            let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
            assert!(!h.is_active("api", body["access_token"].as_str().unwrap()));
        }
    }
}

/// attack 109, and the same as a property: for any interleaving of redemptions, step by step.
#[test]
fn no_interleaving_of_redemptions_leaves_a_token_active() {
    let mut runner = TestRunner::new(ProptestConfig { cases: 96, ..ProptestConfig::default() });
    let schedules = (2_usize..6, proptest::collection::vec(0_usize..8, 0..40));
    runner
        .run(&schedules, |(many, schedule)| {
            let faults = Faults::new();
            let stores = faults.clone();
            let h = Harness::builder().stores(move |memory| stores.stores(memory)).build();
            let code = h.code(&offline(), "alice");
            let requests: Vec<_> =
                (0..many).map(|_| h.post("/token", code_form(&offline(), &code))).collect();
            faults.pause();
            let redeem = |request| -> Step<'_, Response> { Box::pin(h.provider().token(request)) };
            let answers = interleave(requests.iter().map(redeem).collect(), &schedule);
            faults.mend();
            let issued: Vec<_> = answers.iter().filter(|answer| answer.status() == 200).collect();
            prop_assert!(issued.len() <= 1);
            for answer in issued {
                let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
                prop_assert!(!h.is_active("api", body["access_token"].as_str().unwrap()));
                prop_assert!(!h.is_active("web", body["refresh_token"].as_str().unwrap()));
            }
            Ok(())
        })
        .unwrap();
}

/// attack 110: another client can neither use nor use up a code, whoever it is.
#[test]
fn a_code_of_another_client_is_refused_and_stays() {
    let h = Harness::new();
    let code = h.code(&authorize_form(), "alice");
    for thief in ["post", "spa", "trusted"] {
        h.redeem(code_form(&authorize_form(), &code).client(thief)).rejected(Reason::CodeForeign).unchanged();
    }
    h.redeem(code_form(&authorize_form(), &code)).accepted();
    h.redeem(code_form(&authorize_form(), &code).client("post")).rejected(Reason::CodeForeign).unchanged();
    let public = authorize_form().client("spa");
    let code = h.code(&public, "alice");
    h.redeem(code_form(&public, &code).client("native")).rejected(Reason::CodeForeign).unchanged();
    h.redeem(code_form(&public, &code)).accepted();
}

/// attack 111, attack 134: only a whole code of this issuer is one; the store is not asked for any other text.
#[test]
fn a_code_that_we_did_not_make_is_refused_unread() {
    let faults = Faults::new();
    let stores = faults.clone();
    let h = Harness::builder().stores(move |memory| stores.stores(memory)).build();
    let tenant: Issuer = "https://op.example/tenant".parse().unwrap();
    let other = Harness::builder().config(|config| config.issuer = tenant).build();
    assert_eq!(h.system_secrets().current(), other.system_secrets().current(), "both share their secrets");
    let tokens = h.tokens(&offline(), "alice");
    let (code, second) = (h.code(&authorize_form(), "alice"), h.code(&authorize_form(), "alice"));
    let spliced = format!("{}{}", &code[..40], &second[40..]);
    let flipped = code.replacen(&code[20..21], if &code[20..21] == "A" { "B" } else { "A" }, 1);
    let foreign = other.code(&authorize_form(), "alice");
    drop(faults.calls());
    for text in [
        spliced.as_str(),
        &flipped,
        &foreign,
        &tokens.access_token,
        tokens.refresh_token(),
        &tokens.access_token.replace("vs_at_", "vs_ac_"),
        &code[6..],
        &format!("{code}="),
        &code.to_uppercase(),
        "vs_ac_",
        "x",
    ] {
        h.redeem(code_form(&authorize_form(), text)).rejected(Reason::CodeMalformed).unchanged();
    }
    assert_eq!(faults.calls(), Vec::<&str>::new());
}

/// attack 112
#[test]
fn a_code_lives_as_long_as_configured() {
    let h = Harness::new();
    let code = h.code(&authorize_form(), "alice");
    h.advance(Duration::from_secs(60));
    h.redeem(code_form(&authorize_form(), &code)).rejected(Reason::CodeExpired).unchanged();
    let code = h.code(&authorize_form(), "alice");
    h.advance(Duration::from_secs(59));
    h.redeem(code_form(&authorize_form(), &code)).accepted();
}

/// Redeems with something wrong, which is refused for `reason` and spends the code, so that the right redemption comes
/// too late.
#[track_caller]
fn spends(h: &Harness, asked: &AuthorizeForm, bend: impl FnOnce(TokenForm) -> TokenForm, reason: Reason) {
    let code = h.code(asked, "alice");
    let refused = h.redeem(bend(code_form(asked, &code))).rejected(reason);
    let grant = refused.events[0].grant.expect("the refusal names the grant");
    let left = block_on(
        h.provider().administration().grants(&GrantFilter::Id(grant), &vouchsafe::store::Page::first(1)),
    );
    assert_eq!(left.unwrap().items, [], "the grant is revoked");
    h.redeem(code_form(asked, &code)).rejected(Reason::CodeReplayed);
}

/// attack 116: the redirect URI of the request, to the byte.
#[test]
fn another_redirect_uri_spends_the_code() {
    let h = Harness::new();
    spends(&h, &authorize_form(), |form| form.without("redirect_uri"), Reason::CodeRedirectUriMismatch);
    for uri in [
        "https://web.example/CB",
        "https://web.example/cb/",
        "https://web.example/c%62",
        "https://web.example/cb?",
        "https://post.example/cb",
        "HTTPS://web.example/cb",
    ] {
        spends(&h, &authorize_form(), |form| form.set("redirect_uri", uri), Reason::CodeRedirectUriMismatch);
    }
}

/// attack 118: whoever is gone by the time of redemption gets nothing, with or without `openid`.
#[test]
fn a_person_who_is_gone_gets_no_tokens() {
    for asked in [authorize_form(), authorize_form().scope("read")] {
        let h = Harness::new();
        let code = h.code(&asked, "alice");
        h.accounts().disable("alice");
        h.redeem(code_form(&asked, &code)).rejected(Reason::SubjectGone);
        h.accounts().enable("alice");
        h.redeem(code_form(&asked, &code)).rejected(Reason::CodeReplayed);
    }
}

/// attack 118: what was taken back between the code and its redemption stays taken back.
#[test]
fn a_grant_that_was_revoked_gives_no_tokens() {
    let h = Harness::new();
    let alice = Subject::new("alice").unwrap();
    let code = h.code(&authorize_form(), "alice");
    assert_eq!(
        block_on(h.provider().administration().revoke_grants(&GrantFilter::Subject(alice.clone()))).unwrap(),
        1
    );
    h.redeem(code_form(&authorize_form(), &code)).rejected(Reason::GrantRevoked);
    let code = h.code(&authorize_form(), "alice");
    block_on(h.provider().administration().revoke_consent(&alice, &ClientId::new("web").unwrap())).unwrap();
    h.redeem(code_form(&authorize_form(), &code)).rejected(Reason::GrantRevoked);
}

#[test]
fn accounts_that_do_not_answer_are_a_503() {
    let h = Harness::new();
    let code = h.code(&authorize_form(), "alice");
    h.accounts().fail(true);
    let outcome = h.redeem(code_form(&authorize_form(), &code)).rejected(Reason::AccountsUnavailable);
    assert_eq!((outcome.response.status().as_u16(), outcome.header("retry-after")), (503, Some("1")));
}

/// attack 121: nothing that prints what passes through here prints a secret of it.
#[test]
fn nothing_that_is_printed_holds_a_secret() {
    let h = Harness::new();
    let code = h.code(&offline(), "alice");
    let request = h.post("/token", code_form(&offline(), &code));
    let head = vouchsafe::wire::RequestHead::read(&request).unwrap();
    let params = vouchsafe::wire::form_post(&request).unwrap();
    h.redeem(code_form(&offline(), &h.code(&offline(), "alice"))).accepted();
    h.assert_discreet(&format!("{head:?} {params:?} {:?} {:?}", h.provider(), h.client("web")));
    let tokens = block_on(h.provider().redeem(&head, params)).unwrap();
    for secret in
        [&tokens.access_token, tokens.refresh_token.as_ref().unwrap(), tokens.id_token.as_ref().unwrap()]
    {
        h.confide(secret.expose());
    }
    h.assert_discreet(&format!("{tokens:?} {:?} {:?}", h.provider(), h.events()));
}

/// attack 142: a client that acts for itself is no person: no ID token, no refresh token, whatever it asks for.
#[test]
fn a_client_gets_an_access_token_for_itself_and_nothing_else() {
    let all = ClientMetadata::service()
        .with_scope(Scope::parse("openid offline_access read").unwrap())
        .with_grant_type(GrantType::RefreshToken);
    let h = Harness::builder().confidential(Client::builder(ClientId::new("all").unwrap(), all)).build();
    let form = token_form("client_credentials").client("all").scope("openid offline_access read");
    let tokens = h.redeem(form).issued();
    assert_eq!((tokens.id_token, tokens.refresh_token), (None, None));
    assert_eq!(tokens.scope.as_deref(), Some("read"));
}

/// attack 53: the `sub` of a client is never that of a person.
#[test]
fn a_client_is_not_taken_for_a_person_of_the_same_name() {
    let alice = Client::builder(ClientId::new("alice").unwrap(), ClientMetadata::service());
    let h = Harness::builder().confidential(alice).build();
    let of_client = h.redeem(token_form("client_credentials").client("alice")).issued();
    let of_person = h.tokens(&authorize_form().scope("read"), "alice");
    assert_eq!(h.introspect("api", &of_client.access_token).json()["sub"], "client:alice");
    assert_eq!(h.introspect("api", &of_person.access_token).json()["sub"], "alice");
}

#[test]
fn a_client_gets_no_more_scope_than_it_registered() {
    let h = Harness::new();
    assert_eq!(h.redeem(service().scope("write read")).issued().scope.as_deref(), Some("write read"));
    assert_eq!(h.redeem(service()).issued().scope, None);
    for scope in ["admin", "read admin", "openid"] {
        h.redeem(service().scope(scope)).rejected(Reason::ScopeNotAllowed).unchanged();
    }
    for scope in ["read\"", "re\u{e9}d", "read\u{7f}"] {
        h.redeem(service().scope(scope)).rejected(Reason::ScopeMalformed).unchanged();
    }
}

#[test]
fn a_client_that_asks_for_no_scope_gets_its_default() {
    let metadata = ClientMetadata::service().with_scope(Scope::parse("read write").unwrap());
    let settings = ClientSettings::new().with_default_scope(Scope::parse("read").unwrap());
    let client = Client::builder(ClientId::new("robot").unwrap(), metadata).settings(settings);
    let h = Harness::builder().confidential(client).build();
    let tokens = h.redeem(token_form("client_credentials").client("robot")).issued();
    assert_eq!(tokens.scope.as_deref(), Some("read"));
}

#[test]
fn a_token_is_for_the_resources_that_were_asked_for() {
    let h = Harness::new();
    let aud = |form: TokenForm| {
        h.introspect("service", &h.redeem(form).issued().access_token).json()["aud"].clone()
    };
    assert_eq!(aud(service()), DEFAULT_AUDIENCE);
    assert_eq!(aud(service().set("resource", RESOURCE)), RESOURCE);
    let both =
        service().set("resource", RESOURCE).also("resource", DEFAULT_AUDIENCE).also("resource", RESOURCE);
    assert_eq!(aud(both), serde_json::json!([RESOURCE, DEFAULT_AUDIENCE]));
    h.redeem(service().set("resource", "https://other.example"))
        .rejected(Reason::ResourceNotAllowed)
        .unchanged();
    for resource in ["files", "https://files.example/#part", "https://files.example#", "://x"] {
        h.redeem(service().set("resource", resource)).rejected(Reason::ResourceMalformed).unchanged();
    }
    let many = (0..17).fold(service(), |form, n| form.also("resource", format!("https://r{n}.example")));
    h.redeem(many).rejected(Reason::ResourceMalformed).unchanged();
}

#[test]
fn a_code_is_narrowed_to_some_of_its_resources() {
    let h = Harness::new();
    let asked = offline().set("resource", RESOURCE).also("resource", DEFAULT_AUDIENCE);
    let code = h.code(&asked, "alice");
    let tokens = h.redeem(code_form(&asked, &code).set("resource", RESOURCE)).issued();
    assert_eq!(h.introspect("web", &tokens.access_token).json()["aud"], RESOURCE);
    let again = h.redeem(vouchsafe::testing::refresh_form("web", tokens.refresh_token())).issued();
    let aud = h.introspect("web", &again.access_token).json()["aud"].clone();
    assert_eq!(aud, serde_json::json!([RESOURCE, DEFAULT_AUDIENCE]));
    let only = authorize_form().set("resource", RESOURCE);
    spends(&h, &only, |form| form.set("resource", DEFAULT_AUDIENCE), Reason::ResourceNotGranted);
}

#[test]
fn the_most_specific_lifetime_wins() {
    let h = Harness::builder()
        .config(|config| {
            let short = ResourceSettings::new().with_access_token_lifetime(Duration::from_secs(90));
            config.resources.insert(RESOURCE.to_owned(), short);
        })
        .client(
            Client::builder(ClientId::new("long").unwrap(), ClientMetadata::service())
                .settings(
                    ClientSettings::new()
                        .with_access_token_lifetime(Duration::from_secs(7200))
                        .with_resources([RESOURCE]),
                )
                .secret(vouchsafe::client::ClientSecret::hash(
                    Harness::new().system_secrets(),
                    &vouchsafe::secret::Secret::new("long"),
                ))
                .build()
                .unwrap(),
        )
        .build();
    let expires_in = |form: TokenForm| h.redeem(form).issued().expires_in;
    let long = || token_form("client_credentials").basic("long", "long");
    assert_eq!(expires_in(service()), Some(3600));
    assert_eq!(expires_in(long()), Some(7200));
    assert_eq!(expires_in(long().set("resource", RESOURCE)), Some(90));
}

#[test]
fn an_access_token_ends_to_the_second() {
    let h = Harness::new();
    let token = h.redeem(service()).issued().access_token;
    h.advance(Duration::from_secs(3599));
    assert!(h.is_active("service", &token));
    h.advance(Duration::from_secs(1));
    assert!(!h.is_active("service", &token));
}

/// Conformance: at least 128 bits long, and over 96 bits of measured entropy, for each of many.
#[test]
fn credentials_are_long_and_random() {
    let h = Harness::new();
    let tokens = h.tokens(&offline(), "alice");
    let mut samples = vec![tokens.refresh_token().to_owned(), h.code(&offline(), "alice")];
    let request = h.post("/token", service());
    let head = vouchsafe::wire::RequestHead::read(&request).unwrap();
    for _ in 0..500 {
        let params = vouchsafe::wire::form_post(&request).unwrap();
        let tokens = block_on(h.provider().redeem(&head, params)).unwrap();
        samples.push(tokens.access_token.expose().to_owned());
    }
    for sample in samples {
        let mut counts = BTreeMap::<char, f64>::new();
        sample.chars().for_each(|c| *counts.entry(c).or_default() += 1.0);
        let length = sample.len() as f64;
        let per_character: f64 = counts.values().map(|n| -(n / length) * (n / length).log2()).sum();
        assert!(sample.len() * 8 >= 128 && per_character * length > 96.0, "{sample}");
        assert!(sample.bytes().all(|b| (0x21..=0x7e).contains(&b)));
    }
}

/// The narrowing of scopes as a property: what is granted is within what was asked and what is allowed, in its order.
#[test]
fn scopes_never_grow() {
    let h = Harness::new();
    let mut runner = TestRunner::new(ProptestConfig { cases: 64, ..ProptestConfig::default() });
    let words = proptest::collection::vec(prop_oneof!["read", "write", "admin", "openid", "x"], 0..4);
    runner
        .run(&words, |words| {
            let asked = Scope::parse(&words.join(" ")).unwrap();
            let outcome = h.redeem(service().scope(&asked.to_string()));
            let allowed = asked.is_subset(&Scope::parse("read write").unwrap());
            prop_assert_eq!(outcome.response.status() == 200, allowed);
            if allowed {
                let granted = outcome.issued().scope.unwrap_or_default();
                prop_assert_eq!(granted, asked.to_string());
            }
            Ok(())
        })
        .unwrap();
}
