//! RFC 6749 section 6, RFC 9700 section 4.14.2, OpenID Connect Core 1.0 section 12: refresh tokens.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use vouchsafe::client::Client;
use vouchsafe::clock::Timestamp;
use vouchsafe::error::Reason;
use vouchsafe::event::EventKind;
use vouchsafe::policy::{Policy, Rotation};
use vouchsafe::provider::Provider;
use vouchsafe::secret::SystemSecrets;
use vouchsafe::store::{Advance, Grace, Stores};
use vouchsafe::testing::{
    AccountTable, AuthorizeForm, DEFAULT_AUDIENCE, Fault, Faults, Harness, ManualClock, Outcome, RESOURCE,
    Tokens, authorize_form, block_on, code_form, keyring, refresh_form, token_form,
};
use vouchsafe::types::{ClientId, GrantType, Scope};
use vouchsafe::wire::Response;

fn offline() -> AuthorizeForm {
    authorize_form().scope("openid offline_access read write")
}

fn of(client: &str) -> AuthorizeForm {
    offline().client(client)
}

fn refresh(h: &Harness, client: &str, token: &str) -> Outcome {
    h.redeem(refresh_form(client, token))
}

/// The tokens of a use that was answered.
fn refreshed(h: &Harness, client: &str, token: &str) -> Tokens {
    refresh(h, client, token).issued()
}

#[test]
fn a_confidential_client_keeps_its_refresh_token() {
    let h = Harness::new();
    let first = h.tokens(&offline(), "alice");
    for _ in 0..3 {
        h.advance(Duration::from_secs(3600));
        let next = refreshed(&h, "web", first.refresh_token());
        assert_eq!(next.refresh_token(), first.refresh_token());
        assert_ne!(next.access_token, first.access_token);
        assert_eq!(next.scope.as_deref(), Some("openid offline_access read write"));
    }
}

#[test]
fn a_public_client_gets_a_new_one_with_every_use() {
    let h = Harness::new();
    let mut token = h.tokens(&of("spa"), "alice").refresh_token().to_owned();
    let mut seen = BTreeSet::from([token.clone()]);
    for _ in 0..5 {
        token = refreshed(&h, "spa", &token).refresh_token().to_owned();
        assert!(seen.insert(token.clone()), "a refresh token came twice");
    }
}

/// Conformance: a new ID token, of the same person and login, without the nonce.
#[test]
fn a_refresh_brings_an_id_token_of_the_same_login() {
    let h = Harness::new();
    let first = h.tokens(&offline(), "alice");
    h.advance(Duration::from_secs(100));
    let second = refreshed(&h, "web", first.refresh_token()).id_claims();
    let first = first.id_claims();
    for claim in ["iss", "sub", "aud", "azp", "auth_time", "amr", "sid"] {
        assert_eq!(first[claim], second[claim], "{claim}");
    }
    assert_eq!(second["iat"].as_i64(), first["iat"].as_i64().map(|iat| iat + 100));
    assert_eq!(second.get("nonce"), None);
}

/// attack 122: a rotated token that comes back after its grace ends the family.
#[test]
fn a_used_up_refresh_token_revokes_its_grant() {
    let h = Harness::new();
    let first = h.tokens(&of("spa"), "alice");
    let second = refreshed(&h, "spa", first.refresh_token());
    h.advance(Duration::from_secs(31));
    let refused = refresh(&h, "spa", first.refresh_token()).rejected(Reason::RefreshTokenReplayed);
    assert!(refused.events[0].grant.is_some() && refused.events[0].subject.is_some());
    for token in [&first.access_token, &second.access_token] {
        assert!(!h.is_active("api", token));
    }
    refresh(&h, "spa", second.refresh_token()).rejected(Reason::GrantRevoked).unchanged();
    refresh(&h, "spa", first.refresh_token()).rejected(Reason::GrantRevoked).unchanged();
}

/// Lets a refresh token be used where the clock is `behind` that of the node which wrote the grant last.
fn used_behind(client: &str, behind: u64) -> Vec<EventKind> {
    let h = Harness::new();
    let mut token = h.tokens(&of(client), "alice").refresh_token().to_owned();
    if client == "spa" {
        h.advance(Duration::from_secs(3600));
        token = refreshed(&h, client, &token).refresh_token().to_owned();
    }
    let behind = i64::try_from(behind).unwrap();
    h.clock().set(Timestamp::from_unix(h.now().unix() - behind));
    let outcome = refresh(&h, client, &token);
    let kinds = outcome.events.iter().map(|event| event.kind.clone()).collect();
    let _ = outcome.issued();
    kinds
}

/// attack 323: a grant that was given, or whose token rotated, at a time that has yet to come shows that clocks differ. It is
/// told of, and changes nothing.
#[test]
fn clocks_that_differ_too_much_raise_an_alarm() {
    for client in ["web", "spa"] {
        for (behind, alarms) in [(121, true), (120, false), (0, false)] {
            let skewed = EventKind::ClockSkew { ahead: Duration::from_secs(behind) };
            let issued = EventKind::TokensIssued { grant_type: GrantType::RefreshToken };
            let expected = if alarms { vec![skewed, issued] } else { vec![issued] };
            assert_eq!(used_behind(client, behind), expected, "{client}: {behind} seconds");
        }
    }
}

/// attack 123: a client that lost the answer asks again and gets the same refresh token.
#[test]
fn a_retry_gets_the_same_successor() {
    let h = Harness::new();
    let first = h.tokens(&of("spa"), "alice");
    let successor = refreshed(&h, "spa", first.refresh_token());
    for seconds in [0, 1, 29] {
        h.advance(Duration::from_secs(seconds));
        let outcome = refresh(&h, "spa", first.refresh_token());
        let kinds: Vec<_> = outcome.events.iter().map(|event| event.kind.clone()).collect();
        assert_eq!(kinds, [EventKind::RefreshRetried]);
        let retried = outcome.issued();
        assert_eq!(retried.refresh_token(), successor.refresh_token());
        assert_ne!(retried.access_token, successor.access_token);
    }
    refresh(&h, "spa", successor.refresh_token()).accepted();
}

/// attack 123: without a bound in time for a client that authenticates, should it rotate at all.
#[test]
fn a_confidential_client_that_rotates_may_retry_at_any_time() {
    let h = Harness::builder().provider(|builder| builder.policy(Arc::new(Rotating))).build();
    let first = h.tokens(&offline(), "alice");
    let second = refreshed(&h, "web", first.refresh_token());
    assert_ne!(first.refresh_token(), second.refresh_token());
    h.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(refreshed(&h, "web", first.refresh_token()).refresh_token(), second.refresh_token());
    let third = refreshed(&h, "web", second.refresh_token());
    refresh(&h, "web", first.refresh_token()).rejected(Reason::RefreshTokenReplayed);
    refresh(&h, "web", third.refresh_token()).rejected(Reason::GrantRevoked);
}

/// Every client rotates, and the predecessor is answered until the successor is used.
#[derive(Debug)]
struct Rotating;

impl Policy for Rotating {
    fn rotation(&self, _: &Client, _: Rotation) -> Rotation {
        Rotation { advance: Advance::Rotate, grace: Grace::UntilSuccessorUsed }
    }
}

/// Nobody rotates.
#[derive(Debug)]
struct Keeping;

impl Policy for Keeping {
    fn rotation(&self, _: &Client, _: Rotation) -> Rotation {
        Rotation { advance: Advance::Keep, grace: Grace::For(Duration::from_secs(3600)) }
    }
}

#[test]
fn no_policy_takes_rotation_from_a_public_client() {
    for policy in [Arc::new(Keeping) as Arc<dyn Policy>, Arc::new(Rotating)] {
        let h = Harness::builder().provider(move |builder| builder.policy(policy)).build();
        let first = h.tokens(&of("spa"), "alice");
        let second = refreshed(&h, "spa", first.refresh_token());
        assert_ne!(first.refresh_token(), second.refresh_token());
        h.advance(Duration::from_secs(61));
        refresh(&h, "spa", first.refresh_token()).rejected(Reason::RefreshTokenReplayed);
    }
}

/// attack 124: many uses at once, by threads, make one family with one head.
#[test]
fn many_refreshes_at_once_do_not_fork_the_family() {
    let h = Harness::new();
    for client in ["spa", "web"] {
        let first = h.tokens(&of(client), "alice");
        let forms = (0..100).map(|_| refresh_form(client, first.refresh_token())).collect();
        let answers = h.redeem_at_once(forms);
        assert!(answers.iter().all(|answer| answer.status() == StatusCode::OK));
        let successors: BTreeSet<_> = answers.iter().map(refresh_token).collect();
        assert_eq!(successors.len(), 1, "the family forked");
        let successor = successors.into_iter().next().unwrap();
        h.advance(Duration::from_secs(60));
        refresh(&h, client, &successor).accepted();
    }
}

fn refresh_token(answer: &Response) -> String {
    let body: Value = serde_json::from_slice(answer.body()).unwrap();
    body["refresh_token"].as_str().unwrap().to_owned()
}

/// attack 125: the first use of the successor ends the grace of its predecessor.
#[test]
fn the_grace_ends_when_the_successor_is_used() {
    let h = Harness::new();
    let first = h.tokens(&of("spa"), "alice");
    let second = refreshed(&h, "spa", first.refresh_token());
    let third = refreshed(&h, "spa", second.refresh_token());
    refresh(&h, "spa", first.refresh_token()).rejected(Reason::RefreshTokenReplayed);
    refresh(&h, "spa", third.refresh_token()).rejected(Reason::GrantRevoked);
}

/// attack 126: what is not a client's own is refused, and nothing happens to it.
#[test]
fn a_refresh_token_of_another_client_is_refused_and_stays() {
    let h = Harness::new();
    let (web, spa) = (h.tokens(&offline(), "alice"), h.tokens(&of("spa"), "alice"));
    for _ in 0..3 {
        refresh(&h, "post", web.refresh_token()).rejected(Reason::RefreshTokenForeign).unchanged();
        refresh(&h, "spa", web.refresh_token()).rejected(Reason::RefreshTokenForeign).unchanged();
        refresh(&h, "native", spa.refresh_token()).rejected(Reason::RefreshTokenForeign).unchanged();
    }
    let next = refreshed(&h, "spa", spa.refresh_token());
    h.advance(Duration::from_secs(60));
    refresh(&h, "native", spa.refresh_token()).rejected(Reason::RefreshTokenForeign).unchanged();
    refresh(&h, "spa", next.refresh_token()).accepted();
    refresh(&h, "web", web.refresh_token()).accepted();
}

/// attack 129: a scope narrows for one access token, and never widens. Asking for more costs the token nothing.
#[test]
fn a_scope_narrows_and_never_widens() {
    let h = Harness::new();
    let first = h.tokens(&of("spa").scope("openid offline_access read"), "alice");
    let ask = |token: &str, scope: &str| h.redeem(refresh_form("spa", token).scope(scope));
    for scope in ["write", "read write", "openid profile", "unknown"] {
        ask(first.refresh_token(), scope).rejected(Reason::ScopeNotGranted).unchanged();
    }
    ask(first.refresh_token(), "re\"ad").rejected(Reason::ScopeMalformed).unchanged();
    let narrow = ask(first.refresh_token(), "read").issued();
    assert_eq!((narrow.scope.as_deref(), narrow.id_token.as_deref()), (Some("read"), None));
    let whole = refreshed(&h, "spa", narrow.refresh_token());
    assert_eq!(whole.scope.as_deref(), Some("openid offline_access read"));
    assert!(whole.id_token.is_some());
}

/// attack 130
#[test]
fn a_resource_outside_the_grant_is_refused() {
    let h = Harness::new();
    let default = h.tokens(&offline(), "alice");
    let files = h.tokens(&offline().set("resource", RESOURCE), "alice");
    let ask = |token: &str, resource: &str| h.redeem(refresh_form("web", token).set("resource", resource));
    ask(default.refresh_token(), RESOURCE).rejected(Reason::ResourceNotGranted).unchanged();
    ask(files.refresh_token(), DEFAULT_AUDIENCE).rejected(Reason::ResourceNotGranted).unchanged();
    ask(files.refresh_token(), "https://other.example").rejected(Reason::ResourceNotGranted).unchanged();
    ask(files.refresh_token(), "files").rejected(Reason::ResourceMalformed).unchanged();
    let tokens = ask(files.refresh_token(), RESOURCE).issued();
    assert_eq!(h.introspect("web", &tokens.access_token).json()["aud"], RESOURCE);
    ask(default.refresh_token(), DEFAULT_AUDIENCE).accepted();
}

/// attack 131: once a revocation is answered, no refresh that runs beside it leaves a token.
#[test]
fn a_refresh_beside_a_revocation_leaves_no_token() {
    for _ in 0..20 {
        let h = Harness::new();
        let first = h.tokens(&offline(), "alice");
        let revoke =
            h.post("/revoke", token_form("x").without("grant_type").set("token", first.refresh_token()));
        let uses: Vec<_> =
            (0..8).map(|_| h.post("/token", refresh_form("web", first.refresh_token()))).collect();
        let answers: Vec<Response> = std::thread::scope(|scope| {
            let ask = |request| {
                let provider: Provider = h.provider().clone();
                scope.spawn(move || block_on(provider.token(request)))
            };
            let threads: Vec<_> = uses.iter().map(ask).collect();
            assert_eq!(block_on(h.provider().revocation(&revoke)).status(), StatusCode::OK);
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for answer in answers.iter().filter(|answer| answer.status() == StatusCode::OK) {
            let body: Value = serde_json::from_slice(answer.body()).unwrap();
            assert!(!h.is_active("api", body["access_token"].as_str().unwrap()));
        }
        refresh(&h, "web", first.refresh_token()).rejected(Reason::GrantRevoked);
    }
}

/// attack 132: another process over the same store refuses what this one would.
#[test]
fn a_restart_opens_nothing_again() {
    let h = Harness::new();
    let first = h.tokens(&of("spa"), "alice");
    let second = refreshed(&h, "spa", first.refresh_token());
    h.advance(Duration::from_secs(31));
    let restarted = twin(&h, h.system_secrets().clone());
    let replay = h.post("/token", refresh_form("spa", first.refresh_token()));
    assert_eq!(block_on(restarted.token(&replay)).status(), StatusCode::BAD_REQUEST);
    refresh(&h, "spa", second.refresh_token()).rejected(Reason::GrantRevoked);
}

/// attack 133: a refresh token ends with its person, its client, its idle time and its grant.
#[test]
fn a_refresh_token_ends_with_what_it_hangs_on() {
    let day = Duration::from_secs(24 * 60 * 60);
    let h = Harness::new();
    let token = h.tokens(&offline(), "alice").refresh_token().to_owned();
    h.accounts().disable("alice");
    refresh(&h, "web", &token).rejected(Reason::SubjectGone).unchanged();
    h.accounts().enable("alice");
    refresh(&h, "web", &token).accepted();
    h.advance(day * 14);
    refresh(&h, "web", &token).rejected(Reason::RefreshTokenExpired).unchanged();

    let mut token = h.tokens(&of("spa"), "alice").refresh_token().to_owned();
    for _ in 0..8 {
        h.advance(day * 11);
        token = refreshed(&h, "spa", &token).refresh_token().to_owned();
    }
    // After the absolute limit there is no grant any more.
    h.advance(day * 2);
    refresh(&h, "spa", &token).rejected(Reason::RefreshTokenUnknown).unchanged();

    let token = h.tokens(&offline(), "alice").refresh_token().to_owned();
    h.store().remove_client(&ClientId::new("web").unwrap());
    let form = refresh_form("web", &token).basic("web", h.client_secret("web"));
    h.redeem(form).rejected(Reason::ClientUnknown).unchanged();
}

#[test]
fn a_token_never_outlives_its_grant() {
    let h =
        Harness::builder().config(|config| config.public_grant_lifetime = Duration::from_secs(5000)).build();
    let first = h.tokens(&of("spa"), "alice");
    h.advance(Duration::from_secs(4000));
    let second = refreshed(&h, "spa", first.refresh_token());
    assert_eq!(second.expires_in, Some(1000));
    h.advance(Duration::from_secs(1000));
    assert!(!h.is_active("api", &second.access_token));
    refresh(&h, "spa", second.refresh_token()).rejected(Reason::RefreshTokenUnknown).unchanged();
}

/// attack 134: every kind of credential is good for what it is.
#[test]
fn no_credential_passes_for_another() {
    let h = Harness::new();
    let tokens = h.tokens(&offline(), "alice");
    let code = h.code(&offline(), "alice");
    for text in [&tokens.access_token, &code, tokens.id_token.as_ref().unwrap(), &"vs_rt_".to_owned()] {
        refresh(&h, "web", text).rejected(Reason::RefreshTokenMalformed).unchanged();
    }
    let dressed = tokens.access_token.replace("vs_at_", "vs_rt_");
    refresh(&h, "web", &dressed).rejected(Reason::RefreshTokenMalformed).unchanged();
    refresh(&h, "web", "").rejected(Reason::RefreshTokenMissing).unchanged();
    h.redeem(code_form(&offline(), tokens.refresh_token())).rejected(Reason::CodeMalformed).unchanged();
}

/// attack 135, and the budget of statements: what is refused writes nothing, and a forged token reads nothing.
#[test]
fn refusals_cost_a_lookup_at_most() {
    let faults = Faults::new();
    let stores = faults.clone();
    let h = Harness::builder().stores(move |memory| stores.stores(memory)).build();
    let token = h.tokens(&offline(), "alice").refresh_token().to_owned();
    drop(faults.calls());
    refresh(&h, "web", &token).accepted();
    assert_eq!(faults.calls(), ["grant", "use_refresh_token"]);
    h.advance(Duration::from_secs(14 * 24 * 60 * 60));
    refresh(&h, "web", &token).rejected(Reason::RefreshTokenExpired).unchanged();
    assert_eq!(faults.calls(), ["grant"]);
    let forged = format!("{}A", &token[..token.len() - 1]);
    refresh(&h, "web", if forged == token { "vs_rt_x" } else { &forged })
        .rejected(Reason::RefreshTokenMalformed);
    assert_eq!(faults.calls(), Vec::<&str>::new());
}

/// Another process over the same store at the same moment.
fn twin(h: &Harness, secrets: SystemSecrets) -> Provider {
    let (store, clock) = (Arc::new(h.store().clone()), ManualClock::default());
    clock.set(h.now());
    Provider::builder(h.provider().config().clone(), Stores::of(store), keyring(), secrets)
        .accounts(Arc::new(AccountTable::new()))
        .clock(Arc::new(clock))
        .with_authorization_code()
        .with_refresh_token()
        .with_introspection()
        .build()
        .unwrap()
}

/// The secrets of `h` with a new one in front, or with the new one alone.
fn rotated(h: &Harness, keep_old: bool) -> SystemSecrets {
    let mut document: Value = serde_json::from_str(h.system_secrets().export().expose()).unwrap();
    let secrets = document["secrets"].as_array_mut().unwrap();
    secrets.insert(0, json!("B".repeat(42) + "A"));
    secrets.truncate(if keep_old { 2 } else { 1 });
    SystemSecrets::import(&document.to_string()).unwrap()
}

#[test]
fn a_new_system_secret_ends_no_family_until_the_old_one_is_removed() {
    let h = Harness::new();
    let tokens = h.tokens(&offline(), "alice");
    let after = twin(&h, rotated(&h, true));
    let answer = block_on(after.token(&h.post("/token", refresh_form("web", tokens.refresh_token()))));
    let renewed = refresh_token(&answer);
    assert_ne!(renewed, tokens.refresh_token(), "the same token under a new MAC");
    let again = block_on(after.token(&h.post("/token", refresh_form("web", tokens.refresh_token()))));
    assert_eq!(refresh_token(&again), renewed);
    refresh(&h, "web", tokens.refresh_token()).accepted();
    refresh(&h, "web", &renewed).rejected(Reason::RefreshTokenMalformed).unchanged();
    let without = twin(&h, rotated(&h, false));
    let old = block_on(without.token(&h.post("/token", refresh_form("web", tokens.refresh_token()))));
    assert_eq!(old.status(), StatusCode::BAD_REQUEST);
}

/// A client that keeps the last token that it received, and asks again with the old one when an answer is lost, is
/// never logged out: as a property over losses on the way, in the store, and pauses within the grace.
#[test]
fn a_client_that_loses_answers_is_not_logged_out() {
    let mut runner = TestRunner::new(ProptestConfig { cases: 48, ..ProptestConfig::default() });
    let step =
        prop_oneof![Just(Loss::None), Just(Loss::OnTheWay), Just(Loss::InTheStore), Just(Loss::OfTheStore)];
    let steps = proptest::collection::vec((step, 0_u64..4), 1..14);
    runner
        .run(&(steps, prop_oneof!["spa", "web"]), |(steps, client)| {
            let faults = Faults::new();
            let stores = faults.clone();
            let h = Harness::builder().stores(move |memory| stores.stores(memory)).build();
            let mut token = h.tokens(&of(&client), "alice").refresh_token().to_owned();
            let mut waited = 0;
            for (loss, seconds) in steps {
                waited += seconds;
                h.advance(Duration::from_secs(seconds.min(30_u64.saturating_sub(waited))));
                drop(faults.calls());
                match loss {
                    Loss::InTheStore => faults.plan(1, Fault::AnswerLost),
                    Loss::OfTheStore => faults.plan(1, Fault::Unavailable),
                    Loss::None | Loss::OnTheWay => {}
                }
                let outcome = refresh(&h, &client, &token);
                match loss {
                    Loss::InTheStore | Loss::OfTheStore => {
                        outcome.rejected(Reason::StoreUnavailable);
                    }
                    Loss::OnTheWay => {
                        outcome.accepted();
                    }
                    Loss::None => {
                        token = outcome.issued().refresh_token().to_owned();
                        waited = 0;
                    }
                }
            }
            prop_assert_eq!(refresh(&h, &client, &token).response.status(), 200);
            Ok(())
        })
        .unwrap();
}

#[derive(Clone, Copy, Debug)]
enum Loss {
    None,
    OnTheWay,
    /// It is done, and its answer does not reach the provider.
    InTheStore,
    /// It is not done.
    OfTheStore,
}

/// A thief and the client, in whatever order: once both have used one token and its successor was used, all is over.
#[test]
fn a_stolen_refresh_token_ends_for_both() {
    let h = Harness::new();
    let mut runner = TestRunner::new(ProptestConfig { cases: 32, ..ProptestConfig::default() });
    runner
        .run(&(1_usize..5, proptest::collection::vec(0_u64..60, 6)), |(uses, pauses)| {
            let mut pauses = pauses.into_iter().map(Duration::from_secs).cycle();
            let stolen = h.tokens(&of("spa"), "alice").refresh_token().to_owned();
            let mut ahead = refreshed(&h, "spa", &stolen);
            for _ in 0..uses {
                h.advance(pauses.next().unwrap());
                ahead = refreshed(&h, "spa", ahead.refresh_token());
            }
            h.advance(pauses.next().unwrap());
            refresh(&h, "spa", &stolen).rejected(Reason::RefreshTokenReplayed);
            refresh(&h, "spa", ahead.refresh_token()).rejected(Reason::GrantRevoked);
            prop_assert!(!h.is_active("api", &ahead.access_token));
            Ok(())
        })
        .unwrap();
}

/// Narrowing as a property: along a chain of refreshes no scope is outside the grant's, and none is lost from it.
#[test]
fn scopes_do_not_grow_along_a_chain() {
    let h = Harness::new();
    let mut runner = TestRunner::new(ProptestConfig { cases: 24, ..ProptestConfig::default() });
    let word = prop_oneof!["openid", "offline_access", "read", "write", "profile", "admin"];
    let chains = proptest::collection::vec(proptest::collection::vec(word, 0..4), 1..6);
    runner
        .run(&chains, |chain| {
            let granted = Scope::parse("openid offline_access read").unwrap();
            let asked = of("spa").scope(&granted.to_string());
            let mut token = h.tokens(&asked, "alice").refresh_token().to_owned();
            for words in chain {
                let scope = Scope::parse(&words.join(" ")).unwrap();
                let outcome = h.redeem(refresh_form("spa", &token).scope(&scope.to_string()));
                prop_assert_eq!(outcome.response.status() == 200, scope.is_subset(&granted));
                if outcome.response.status() == 200 {
                    let tokens = outcome.issued();
                    let expected = if scope.is_empty() { granted.to_string() } else { scope.to_string() };
                    prop_assert_eq!(tokens.scope.as_deref(), Some(expected.as_str()));
                    token = tokens.refresh_token().to_owned();
                }
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_refresh_token_is_given_for_offline_access_alone() {
    let h = Harness::new();
    assert_eq!(h.tokens(&authorize_form().scope("openid read"), "alice").refresh_token, None);
    let mut metadata = h.client("web").metadata().clone();
    metadata.grant_types.retain(|grant_type| *grant_type != GrantType::RefreshToken);
    let web = Client::builder(ClientId::new("web").unwrap(), metadata);
    let web = h.client("web").secrets().iter().cloned().fold(web, vouchsafe::client::ClientBuilder::secret);
    h.store().insert_client(web.build().unwrap());
    let code = h.authorize(&offline()).approved_in_part_by("alice", "openid read").code();
    assert_eq!(h.redeem(code_form(&offline(), &code)).issued().refresh_token, None);
}
