//! OpenID Connect Client-Initiated Backchannel Authentication Core 1.0 sections 4, 10.3, 11 and 12: tokens that are pushed to
//! their client.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use vouchsafe::client::{Client, ClientBuilder, ClientMetadata, FetchErrorKind, IdTokenAlg};
use vouchsafe::entropy::OsEntropy;
use vouchsafe::error::Reason;
use vouchsafe::event::EventKind;
use vouchsafe::jose::{JwkSet, SigningAlg};
use vouchsafe::limiter::WindowLimiter;
use vouchsafe::proof::Certificate;
use vouchsafe::provider::{
    Approval, Backchannel, BackchannelDecision, BuildError, Config, DpopConfig, MutualTls, Provider,
    Registration,
};
use vouchsafe::secret::SystemSecrets;
use vouchsafe::store::Stores;
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::testing::certificates::{self, der, unverified};
use vouchsafe::testing::{
    AccountTable, AskingHost, Fault, Faults, Harness, HttpTable, NOTIFICATION_ENDPOINT, NOTIFICATION_TOKEN,
    PUSH_ENDPOINT, Step, TokenForm, backchannel_form, client_key, interleave, keyring, refresh_form,
    refusals,
};
use vouchsafe::types::{ClientId, GrantType, Scope};
use vouchsafe::wire::HttpErrorKind;

use crate::rfc7591_registration::register;

/// What a client is told that is told nothing.
const NOTHING: [Value; 0] = [];

fn harness() -> (Harness, Arc<AskingHost>) {
    let host = AskingHost::new();
    let h = Harness::builder().pushing(&host).build();
    h.take_pushes(204);
    (h, host)
}

/// A harness whose stores fail when told to.
fn failing() -> (Harness, Arc<AskingHost>, Faults) {
    let (host, faults) = (AskingHost::new(), Faults::new());
    let failing = faults.clone();
    let h = Harness::builder().pushing(&host).stores(move |memory| failing.stores(memory)).build();
    h.take_pushes(204);
    (h, host, faults)
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn desk(who: &str) -> TokenForm {
    backchannel_form(who).client("desk")
}

/// The client `desk` with other metadata.
fn other_desk(change: impl FnOnce(&mut ClientMetadata)) -> ClientBuilder {
    let mut metadata = harness().0.client("desk").metadata().clone();
    change(&mut metadata);
    Client::builder(ClientId::new("desk").unwrap(), metadata)
}

fn half_hash(text: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(text.as_str().unwrap())[..16])
}

/// Lets all the time pass in which a client is told.
fn wait(h: &Harness) {
    for _ in 0..20 {
        h.advance(seconds(5));
    }
}

#[test]
fn tokens_are_pushed_when_the_person_has_agreed() {
    let (h, host) = harness();
    let answer = h.begin_backchannel(desk("alice").set("scope", "openid read")).accepted().json();
    let auth_req_id = answer["auth_req_id"].clone();
    assert_eq!(answer, json!({ "auth_req_id": auth_req_id, "expires_in": 300 }), "there is nothing to poll");
    h.agree(&host.asked().remove(0)).unwrap();
    let tokens = h.pushed_tokens();
    assert!(h.events().iter().any(|event| event.kind == EventKind::ClientNotified));
    let members: Vec<_> = tokens.body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["auth_req_id", "access_token", "token_type", "expires_in", "scope", "id_token"]);
    assert_eq!((&tokens.body["auth_req_id"], &tokens.body["token_type"]), (&auth_req_id, &json!("Bearer")));
    assert_eq!((tokens.scope.as_deref(), tokens.expires_in), (Some("openid read"), Some(3600)));
    assert!(h.is_active("api", &tokens.access_token));
    assert_eq!((&tokens.id_claims()["sub"], &tokens.id_claims()["aud"]), (&json!("alice"), &json!("desk")));
    wait(&h);
    assert_eq!(h.told(), NOTHING, "and once");
}

/// Section 10.3.1: nothing else tells the client that what it was sent belongs together.
#[test]
fn an_id_token_ties_what_is_pushed_together() {
    let (h, host) = harness();
    let auth_req_id = h.auth_req_id(desk("alice").set("scope", "openid offline_access"));
    h.agree(&host.asked().remove(0)).unwrap();
    let tokens = h.pushed_tokens();
    let claims = tokens.id_claims();
    assert_eq!(claims["urn:openid:params:jwt:claim:auth_req_id"], json!(auth_req_id));
    assert_eq!(claims["urn:openid:params:jwt:claim:rt_hash"], half_hash(&tokens.body["refresh_token"]));
    assert_eq!(claims["at_hash"], half_hash(&tokens.body["access_token"]));

    let refreshed = h.redeem(refresh_form("desk", tokens.refresh_token())).issued();
    let claims = refreshed.id_claims();
    assert!(claims.as_object().unwrap().keys().all(|name| !name.starts_with("urn:")), "{claims}");
}

#[test]
fn without_a_refresh_token_there_is_nothing_to_hash() {
    let (h, host) = harness();
    let _ = h.auth_req_id(desk("alice"));
    h.agree(&host.asked().remove(0)).unwrap();
    let tokens = h.pushed_tokens();
    assert_eq!(tokens.refresh_token, None);
    assert_eq!(tokens.id_claims().get("urn:openid:params:jwt:claim:rt_hash"), None);
}

#[test]
fn tokens_that_are_fetched_have_none_of_these_claims() {
    let (h, host) = harness();
    let auth_req_id = h.auth_req_id(backchannel_form("alice").set("scope", "openid offline_access"));
    h.agree(&host.asked().remove(0)).unwrap();
    let claims = h.redeem(h.ciba_form("shop", &auth_req_id)).issued().id_claims();
    assert!(claims.as_object().unwrap().keys().all(|name| !name.starts_with("urn:")), "{claims}");
}

#[test]
fn a_refusal_is_pushed() {
    let (h, host) = harness();
    let auth_req_id = h.auth_req_id(desk("alice"));
    h.refuse(&host.asked().remove(0)).unwrap();
    let refused = json!({
        "auth_req_id": auth_req_id,
        "error": "access_denied",
        "error_description": "the request was denied",
    });
    assert_eq!(h.told(), [refused]);
}

#[test]
fn a_client_is_told_when_nobody_has_answered() {
    let (h, host) = harness();
    let auth_req_id = h.auth_req_id(desk("alice").set("requested_expiry", "90"));
    assert_eq!(h.told(), NOTHING);
    h.advance(seconds(149));
    assert_eq!(h.told(), NOTHING, "an answer of the last moment may be under way");
    h.advance(seconds(1));
    let [expired] = &*h.told() else { panic!("the client is told once") };
    assert_eq!((&expired["auth_req_id"], &expired["error"]), (&json!(auth_req_id), &json!("expired_token")));
    assert_eq!(h.agree(&host.asked().remove(0)).unwrap_err().reason(), Reason::DeferredAnswered);
    wait(&h);
    assert_eq!(h.told(), NOTHING);
}

#[test]
fn whoever_was_told_in_time_hears_nothing_of_the_end() {
    let (h, host) = harness();
    for agrees in [true, false] {
        let _ = h.auth_req_id(desk("alice"));
        let pending = host.asked().remove(0);
        if agrees { h.agree(&pending) } else { h.refuse(&pending) }.unwrap();
        assert_eq!(h.told().len(), 1);
        h.advance(seconds(600));
        assert_eq!(h.told(), NOTHING);
    }
}

/// attack 229: what is pushed is not for whoever asks, before or after, by whatever client.
#[test]
fn a_client_that_is_pushed_to_cannot_poll() {
    let (h, host) = harness();
    let auth_req_id = h.auth_req_id(desk("alice"));
    let polled = h.redeem(h.ciba_form("desk", &auth_req_id)).rejected(Reason::BackchannelPushed).unchanged();
    assert_eq!(
        (polled.response.status().as_u16(), polled.json()["error"].as_str()),
        (400, Some("unauthorized_client"))
    );
    h.agree(&host.asked().remove(0)).unwrap();
    let _ = h.redeem(h.ciba_form("desk", &auth_req_id)).rejected(Reason::BackchannelPushed).unchanged();
    let _ = h.redeem(h.ciba_form("shop", &auth_req_id)).rejected(Reason::DeferredForeign).unchanged();
    let tokens = h.pushed_tokens();
    let _ = h.redeem(h.ciba_form("desk", &auth_req_id)).rejected(Reason::BackchannelPushed).unchanged();
    assert!(h.is_active("api", &tokens.access_token));
}

/// attack 229: a client that takes to polling between the request and the answer gets the tokens by no way at all.
#[test]
fn a_mode_that_changed_meanwhile_gives_no_second_way() {
    let (h, host) = harness();
    let auth_req_id = h.auth_req_id(desk("alice"));
    h.agree(&host.asked().remove(0)).unwrap();
    let polling = other_desk(|metadata| {
        metadata.backchannel_token_delivery_mode = Some(vouchsafe::client::TokenDeliveryMode::Poll);
    });
    let secrets = h.client("desk").secrets().first().cloned().unwrap();
    h.store().insert_client(polling.secret(secrets).build().unwrap());
    let _ = h.redeem(h.ciba_form("desk", &auth_req_id)).rejected(Reason::BackchannelPushed);
    let [failed] = &*h.told() else { panic!("the client is told once") };
    assert_eq!(failed["error"], "transaction_failed");
}

/// attack 229: however many answers come at once, one counts, and one delivery follows.
#[test]
fn one_delivery_follows_from_one_decision() {
    for schedule in [[0; 16], [1; 16], [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0]] {
        let (h, host, faults) = failing();
        let _ = h.auth_req_id(desk("alice"));
        let pending = host.asked().remove(0);
        faults.pause();
        let answers = (0..3).map(|_| -> Step<'_, bool> {
            let approval = Approval::new(h.login("alice"), pending.scope.clone());
            let decision = BackchannelDecision::Approved(approval);
            Box::pin(async {
                h.provider().complete_backchannel(&pending.auth_req_id, decision).await.is_ok()
            })
        });
        let taken = interleave(answers.collect(), &schedule);
        assert_eq!(taken.iter().filter(|taken| **taken).count(), 1);
        assert!(h.is_active("api", &h.pushed_tokens().access_token));
    }
}

/// attack 231: who is locked before the answer, or right after it, gives nothing.
#[test]
fn whoever_is_locked_meanwhile_gives_nothing() {
    let (h, host) = harness();
    let _ = h.auth_req_id(desk("alice"));
    let pending = host.asked().remove(0);
    h.accounts().disable("alice");
    assert_eq!(h.agree(&pending).unwrap_err().reason(), Reason::ApprovalSubjectGone);
    h.accounts().enable("alice");
    h.agree(&pending).unwrap();
    h.accounts().disable("alice");
    let [refused] = &*h.told() else { panic!("the client is told once") };
    assert_eq!(refused["error"], "access_denied");
    assert_eq!(refusals(&h.events()).last(), Some(&Reason::SubjectGone));
}

/// Section 12: what goes wrong on this side is told, and nothing is left that could be used.
#[test]
fn tokens_that_cannot_be_made_are_a_transaction_that_failed() {
    for verb in ["poll", "grant", "insert_tokens"] {
        let (h, host, faults) = failing();
        let auth_req_id = h.auth_req_id(desk("alice"));
        faults.break_verb(verb, Fault::Unavailable);
        h.agree(&host.asked().remove(0)).unwrap();
        let failed = json!({
            "auth_req_id": auth_req_id,
            "error": "transaction_failed",
            "error_description": "the tokens could not be made",
        });
        assert_eq!(h.told(), [failed], "{verb}");
        assert_eq!(refusals(&h.events()).last(), Some(&Reason::StoreUnavailable));
    }
}

/// attack 232: tokens that were taken are not revoked, however long the answer is (section 10.3.1).
#[test]
fn a_long_answer_to_tokens_is_an_answer() {
    let (h, host) = harness();
    h.http().serve(PUSH_ENDPOINT, "text/html", vec![b'x'; 1_000_000]);
    let _ = h.auth_req_id(desk("alice"));
    h.agree(&host.asked().remove(0)).unwrap();
    let tokens = h.pushed_tokens();
    wait(&h);
    assert_eq!(h.told(), NOTHING);
    assert!(h.is_active("api", &tokens.access_token));
}

/// attack 232: no redirect is followed, a 401 is the end, and tries are bounded; tokens that did not
/// arrive are of no use, and nothing of them is told.
#[test]
fn tokens_that_nobody_has_received_are_revoked() {
    let (h, host) = harness();
    let lost = |expected: usize, kind: FetchErrorKind| {
        let _ = h.auth_req_id(desk("alice").set("scope", "openid offline_access"));
        h.agree(&host.asked().remove(0)).unwrap();
        let mut pushed = h.told();
        wait(&h);
        pushed.extend(h.told());
        assert_eq!(pushed.len(), expected, "{kind:?}");
        assert!(pushed.iter().all(|again| *again == pushed[0]), "it is the same tokens at each try");
        let token = |name: &str| pushed[0][name].as_str().unwrap().to_owned();
        ["access_token", "refresh_token", "id_token"]
            .map(token)
            .into_iter()
            .for_each(|token| h.confide(token));
        let events = h.events();
        h.assert_discreet(&format!("{events:?}"));
        let grant =
            events.iter().find(|event| event.kind == EventKind::TokensUndelivered(kind)).unwrap().grant;
        assert!(grant.is_some());
        assert!(events.iter().any(|event| event.kind == EventKind::Revoked && event.grant == grant));
        assert!(!h.is_active("api", &token("access_token")));
        let _ = h.redeem(refresh_form("desk", &token("refresh_token"))).rejected(Reason::GrantRevoked);
    };
    let answer = |status: u16| {
        let response = http::Response::builder().status(status).header("location", "https://evil.example/");
        h.http().answer(PUSH_ENDPOINT, response.body(Bytes::from(vec![b'x'; 100_000])).unwrap());
    };
    for (status, tries, kind) in [
        (302, 1, FetchErrorKind::Redirected),
        (401, 1, FetchErrorKind::StatusUnexpected),
        (403, 1, FetchErrorKind::StatusUnexpected),
        (500, 3, FetchErrorKind::Unreachable),
    ] {
        answer(status);
        lost(tries, kind);
    }
    h.http().hang(PUSH_ENDPOINT);
    lost(3, FetchErrorKind::TimedOut);
    h.http().fail(PUSH_ENDPOINT, HttpErrorKind::AddressRefused);
    lost(1, FetchErrorKind::AddressRefused);
    h.http().panic(PUSH_ENDPOINT);
    lost(1, FetchErrorKind::Panicked);
}

/// attack 232: a client whose endpoint hangs keeps no other from its tokens.
#[test]
fn a_client_that_hangs_delays_no_other() {
    let (h, host) = harness();
    h.http().hang(NOTIFICATION_ENDPOINT);
    for _ in 0..70 {
        let _ = h.auth_req_id(backchannel_form("alice"));
        h.agree(&host.asked().remove(0)).unwrap();
        h.runtime().run();
    }
    h.take_pushes(204);
    let _ = h.auth_req_id(desk("alice"));
    h.agree(&host.asked().remove(0)).unwrap();
    let told: Vec<_> = h.told().into_iter().filter(|body| body.get("access_token").is_some()).collect();
    assert_eq!(told.len(), 1);
}

/// attack 232: a client that is back in time gets what it missed.
#[test]
fn a_client_that_fails_once_is_sent_the_same_again() {
    let (h, host) = harness();
    h.take_pushes(503);
    let _ = h.auth_req_id(desk("alice"));
    h.agree(&host.asked().remove(0)).unwrap();
    let first = h.told();
    h.take_pushes(200);
    h.advance(seconds(5));
    assert_eq!(h.told(), first);
    wait(&h);
    assert!(h.is_active("api", first[0]["access_token"].as_str().unwrap()));
}

#[test]
fn undelivered_tokens_are_revoked_once_the_store_is_back() {
    let (h, host, faults) = failing();
    h.take_pushes(401);
    let _ = h.auth_req_id(desk("alice"));
    h.agree(&host.asked().remove(0)).unwrap();
    faults.break_verb("revoke", Fault::Unavailable);
    let pushed = h.told();
    faults.mend();
    let token = pushed[0]["access_token"].as_str().unwrap();
    assert!(h.is_active("api", token));
    h.advance(seconds(5));
    assert!(!h.is_active("api", token));
}

/// A refusal that does not arrive costs the client its notice alone.
#[test]
fn a_refusal_that_does_not_arrive_revokes_nothing() {
    let (h, host) = harness();
    h.take_pushes(401);
    let _ = h.auth_req_id(desk("alice"));
    h.refuse(&host.asked().remove(0)).unwrap();
    assert_eq!(h.told().len(), 1);
    let failed = EventKind::ClientNotificationFailed(FetchErrorKind::StatusUnexpected);
    assert!(h.events().iter().any(|event| event.kind == failed));
}

/// RFC 8705 section 3: tokens are bound to the certificate of the connection that asked for them.
#[test]
fn tokens_are_bound_to_the_certificate_of_the_request() {
    let host = AskingHost::new();
    let bound = other_desk(|metadata| {
        let keys = json!({ "keys": [client_key().public_key().to_value()] });
        metadata.jwks = JwkSet::register(&keys).ok();
        metadata.backchannel_authentication_request_signing_alg = Some(SigningAlg::Es256);
        metadata.tls_client_certificate_bound_access_tokens = true;
    });
    let h = Harness::builder()
        .pushing(&host)
        .confidential(bound)
        .provider(|builder| builder.with_mutual_tls(MutualTls::new()))
        .build();
    h.take_pushes(204);
    let mut claims = h.authentication_claims();
    claims["iss"] = "desk".into();
    claims["client_notification_token"] = NOTIFICATION_TOKEN.into();
    let signed = h.signed_backchannel_form(&claims).client("desk");
    // The request is good once, and this does not use it up.
    let _ = h.begin_backchannel(signed.clone()).rejected(Reason::CertificateNeeded).unchanged();
    let certificate = unverified(certificates::SELF_SIGNED);
    let _ = h.auth_req_id(signed.certificate(certificate));
    h.agree(&host.asked().remove(0)).unwrap();
    let token = h.pushed_tokens().access_token;
    let thumbprint = Certificate::parse(&der(certificates::SELF_SIGNED)).unwrap().thumbprint();
    let cnf = h.introspect("api", &token).accepted().json()["cnf"].clone();
    assert_eq!(cnf, json!({ "x5t#S256": thumbprint.to_string() }));
}

/// A proof of DPoP is for one request, and the tokens are made at none (RFC 9449 section 5).
#[test]
fn a_client_whose_tokens_need_a_dpop_key_is_refused() {
    let host = AskingHost::new();
    let h = Harness::builder()
        .pushing(&host)
        .confidential(other_desk(|metadata| metadata.dpop_bound_access_tokens = true))
        .provider(|builder| builder.with_dpop(DpopConfig::default()))
        .build();
    let refused = h.begin_backchannel(desk("alice")).rejected(Reason::BackchannelPushDpop).unchanged();
    assert_eq!(refused.json()["error"], "unauthorized_client");
    assert_eq!(host.asked().len(), 0);
}

#[test]
fn a_request_names_the_token_that_the_client_is_told_by() {
    let (h, host) = harness();
    let form = desk("alice").without("client_notification_token");
    let _ = h.begin_backchannel(form).rejected(Reason::BackchannelNotificationToken).unchanged();
    assert_eq!(host.asked().len(), 0);
}

/// Nothing else would tell the client for which request the tokens are.
#[test]
fn an_approval_without_openid_is_not_carried_out() {
    let (h, host) = harness();
    let auth_req_id = h.auth_req_id(desk("alice").set("scope", "openid read"));
    let pending = host.asked().remove(0);
    let approval = Approval::new(h.login("alice"), Scope::parse("read").unwrap());
    let refused = h.complete(&auth_req_id, BackchannelDecision::Approved(approval)).unwrap_err();
    assert_eq!(refused.reason(), Reason::IdTokenScopeMissing);
    h.agree(&pending).unwrap();
    assert_eq!(h.pushed_tokens().body["auth_req_id"], json!(auth_req_id));
}

/// What cannot be sent is not made, and a no counts all the same.
#[test]
fn a_client_without_an_endpoint_any_more_gets_nothing_made() {
    let (h, host) = harness();
    let _ = h.auth_req_id(desk("alice"));
    let pending = host.asked().remove(0);
    let gone = other_desk(|metadata| {
        metadata.backchannel_token_delivery_mode = Some(vouchsafe::client::TokenDeliveryMode::Poll);
        metadata.backchannel_client_notification_endpoint = None;
    });
    h.store().insert_client(gone.secret(h.client("desk").secrets()[0].clone()).build().unwrap());
    assert_eq!(h.agree(&pending).unwrap_err().reason(), Reason::BackchannelUndeliverable);
    h.refuse(&pending).unwrap();
    assert_eq!(h.told(), NOTHING);
}

#[test]
fn it_is_off_by_default_and_discovery_tells_of_it() {
    let modes = |h: &Harness| {
        let url = "https://op.example/.well-known/openid-configuration";
        let metadata = h.answer(http::Request::get(url).body(Bytes::new()).unwrap()).json();
        metadata["backchannel_token_delivery_modes_supported"].clone()
    };
    assert_eq!(modes(&harness().0), json!(["poll", "ping", "push"]));
    let host = AskingHost::new();
    let h = Harness::builder().backchannel(&host).confidential(other_desk(|_| {})).build();
    assert_eq!(modes(&h), json!(["poll", "ping"]));
    let refused = h.begin_backchannel(desk("alice")).rejected(Reason::BackchannelModeUnavailable).unchanged();
    assert_eq!(refused.json()["error"], "unauthorized_client");
}

#[test]
fn it_needs_somebody_who_sends_and_somebody_who_waits() {
    let build = || {
        let secrets = SystemSecrets::generate(&OsEntropy).unwrap();
        let config = Config::new("https://op.example".parse().unwrap());
        let store = Arc::new(MemoryStore::new());
        let stores = Stores::of(store.clone()).with_deferred(store.clone()).with_replays(store);
        Provider::builder(config, stores, keyring(), secrets)
            .accounts(Arc::new(AccountTable::new()))
            .limiter(Arc::new(WindowLimiter::new().with_backchannel_people()))
            .with_authorization_code()
            .with_backchannel_authentication(Backchannel::new(AskingHost::new()).with_push())
    };
    let needs = |port| BuildError::Needs { feature: "backchannel_authentication by push", port };
    assert_eq!(build().build().unwrap_err(), needs("HttpClient"));
    assert_eq!(build().http_client(Arc::new(HttpTable::new())).build().unwrap_err(), needs("Runtime"));
}

#[test]
fn a_client_registers_an_endpoint_and_signed_id_tokens() {
    let refused = |change: fn(&mut ClientMetadata)| other_desk(change).build().unwrap_err().member;
    assert_eq!(
        refused(|metadata| metadata.backchannel_client_notification_endpoint = None),
        "backchannel_client_notification_endpoint"
    );
    assert_eq!(
        refused(|metadata| metadata.id_token_signed_response_alg = IdTokenAlg::DangerousNone),
        "id_token_signed_response_alg"
    );
}

#[test]
fn a_stranger_registers_for_it_where_it_is_turned_on() {
    let open = || Registration::open().with_grant_type(GrantType::Ciba);
    let asked = json!({
        "grant_types": ["urn:openid:params:grant-type:ciba"],
        "response_types": [],
        "scope": "openid",
        "backchannel_token_delivery_mode": "push",
        "backchannel_client_notification_endpoint": PUSH_ENDPOINT,
    });
    let host = AskingHost::new();
    let h =
        Harness::builder().pushing(&host).provider(move |builder| builder.with_registration(open())).build();
    let told = register(&h, &asked).accepted().json();
    assert_eq!(told["backchannel_token_delivery_mode"], "push");
    let mut nowhere = asked.clone();
    nowhere.as_object_mut().unwrap().remove("backchannel_client_notification_endpoint");
    let _ = register(&h, &nowhere).rejected(Reason::MetadataBackchannel).unchanged();
    let off = Harness::builder()
        .backchannel(&host)
        .provider(move |builder| builder.with_registration(open()))
        .build();
    let _ = register(&off, &asked).rejected(Reason::MetadataBackchannel).unchanged();
}
