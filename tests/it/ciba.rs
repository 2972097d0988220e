//! OpenID Connect Client-Initiated Backchannel Authentication Core 1.0 sections 4, 7, 10, 11, 13 and 14: clients that ask for
//! people who are not in their browser.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use vouchsafe::client::{Client, ClientAuthMethod, FetchErrorKind};
use vouchsafe::clock::Timestamp;
use vouchsafe::entropy::OsEntropy;
use vouchsafe::error::Reason;
use vouchsafe::event::{Endpoint, EventKind};
use vouchsafe::jose::{MacAlg, SigningAlg};
use vouchsafe::limiter::{Admission, LimitPoint, Limiter, WindowLimiter};
use vouchsafe::provider::{Approval, Backchannel, BackchannelDecision, BuildError, Config, Provider};
use vouchsafe::secret::SystemSecrets;
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::store::{Stores, WaitingLimit};
use vouchsafe::testing::{
    AccountTable, AskingHost, Form, Harness, NOTIFICATION_ENDPOINT, NOTIFICATION_TOKEN, authorize_form,
    backchannel_form, client_form, keyring, refresh_form,
};
use vouchsafe::types::{ClientId, Scope};
use vouchsafe::wire::HttpErrorKind;

use crate::mutation::{Draft, Keeps, Mutation, Table, key_of, refused, strange_key};

fn harness() -> (Harness, Arc<AskingHost>) {
    let host = AskingHost::new();
    (Harness::builder().backchannel(&host).build(), host)
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Claims with one changed.
fn changed(claims: &Value, name: &str, value: impl Into<Value>) -> Value {
    let mut claims = claims.clone();
    claims[name] = value.into();
    claims
}

#[test]
fn a_client_gets_tokens_when_the_person_has_agreed_elsewhere() {
    let (h, host) = harness();
    let claims = changed(&h.authentication_claims(), "scope", "openid offline_access read");
    let claims = changed(&changed(&claims, "binding_message", "W4SCT"), "acr_values", "urn:mace:silver");
    let answer = h.begin_backchannel(h.signed_backchannel_form(&claims)).accepted();
    assert_eq!((answer.response.status().as_u16(), answer.header("cache-control")), (200, Some("no-store")));
    let body = answer.json();
    let auth_req_id = body["auth_req_id"].as_str().unwrap();
    assert!(auth_req_id.len() > 43, "more than 256 bits");
    assert_eq!((&body["expires_in"], &body["interval"]), (&json!(300), &json!(5)));
    let [pending] = &*host.asked() else { panic!("one person is asked") };
    assert_eq!((pending.subject.as_str(), pending.client.id().as_str()), ("alice", "bank"));
    assert_eq!(pending.binding_message.as_deref(), Some("W4SCT"));
    assert_eq!(pending.acr_values, ["urn:mace:silver"]);
    assert_eq!(pending.scope.as_str(), "openid offline_access read");

    let _ = h.redeem(h.ciba_form("bank", auth_req_id)).rejected(Reason::DeferredPending);
    h.agree(pending).unwrap();
    h.advance(seconds(5));
    let tokens = h.redeem(h.ciba_form("bank", auth_req_id)).issued();
    assert_eq!((&tokens.id_claims()["sub"], &tokens.id_claims()["aud"]), (&json!("alice"), &json!("bank")));
    assert!(tokens.id_claims().get("at_hash").is_some());
    let refreshed = h.redeem(refresh_form("bank", tokens.refresh_token())).issued();
    assert_eq!(refreshed.id_claims()["sub"], "alice");
}

/// attack 233: whoever need not prove who they are could have people asked in the name of any such client.
#[test]
fn a_public_client_asks_for_nobody() {
    let (h, _) = harness();
    let mut metadata = h.client("shop").metadata().clone();
    metadata.token_endpoint_auth_method = ClientAuthMethod::None;
    let refused = Client::builder(ClientId::new("open").unwrap(), metadata).build().unwrap_err();
    assert_eq!(refused.member, "grant_types");
}

/// attack 227: exactly one hint.
#[test]
fn a_request_has_exactly_one_hint() {
    let (h, host) = harness();
    let form = backchannel_form("alice");
    let id_token = h.tokens(&authorize_form().scope("openid"), "alice").id_token.unwrap();
    for form in [
        form.clone().without("login_hint"),
        form.clone().set("login_hint_token", "alice"),
        form.clone().set("id_token_hint", &id_token),
        form.clone().without("login_hint").set("id_token_hint", &id_token).set("login_hint_token", "a"),
    ] {
        let refused = h.begin_backchannel(form).rejected(Reason::BackchannelHints).unchanged();
        assert_eq!(refused.json()["error"], "invalid_request");
    }
    let foreign = form.clone().without("login_hint").set("id_token_hint", &id_token);
    let _ = h.begin_backchannel(foreign).rejected(Reason::BackchannelHintInvalid).unchanged();
    let both = changed(&h.authentication_claims(), "login_hint_token", "alice");
    let _ = h.begin_backchannel(h.signed_backchannel_form(&both)).rejected(Reason::BackchannelHints);
    assert_eq!(host.asked().len(), 0);

    let by_token = form.without("login_hint").set("login_hint_token", "alice");
    let auth_req_id = h.auth_req_id(by_token);
    let pending = host.asked().remove(0);
    h.agree(&pending).unwrap();
    let own = h.redeem(h.ciba_form("shop", &auth_req_id)).issued().id_token.unwrap();
    let known = backchannel_form("x").without("login_hint").set("id_token_hint", own);
    let _ = h.auth_req_id(known);
    assert_eq!(host.asked().remove(0).subject.as_str(), "alice");
}

/// attack 228: a message that a screen could take for more than text is refused, and nobody is asked.
#[test]
fn a_binding_message_is_short_and_plain() {
    let (h, host) = harness();
    for message in [
        &"x".repeat(10 * 1024),
        &"x".repeat(101),
        "<b>1234</b>",
        "pay \u{1f4b8} now",
        "1234\r\nOK",
        "a&b",
        "\u{202e}4321",
        "pay 10 \u{20ac}",
    ] {
        let form = backchannel_form("alice").set("binding_message", message);
        let refused = h.begin_backchannel(form).rejected(Reason::BackchannelMessage).unchanged();
        assert_eq!(refused.json()["error"], "invalid_binding_message");
    }
    let rude = backchannel_form("alice").set("binding_message", "rude");
    let _ = h.begin_backchannel(rude).rejected(Reason::BackchannelMessageRefused).unchanged();
    assert_eq!(host.asked().len(), 0);
    let _ = h.auth_req_id(backchannel_form("alice").set("binding_message", "Order #4-7, 10.00 (EUR)?"));
}

/// attack 229: the request of another client is refused and left alone; it is redeemed once, and a second time revokes.
#[test]
fn a_request_is_redeemed_once_by_its_own_client() {
    let (h, host) = harness();
    let auth_req_id = h.auth_req_id(h.signed_backchannel_form(&h.authentication_claims()));
    h.agree(&host.asked().remove(0)).unwrap();
    let stolen = h.redeem(h.ciba_form("shop", &auth_req_id)).rejected(Reason::DeferredForeign).unchanged();
    assert_eq!(
        (stolen.response.status().as_u16(), stolen.json()["error"].as_str()),
        (400, Some("invalid_grant"))
    );
    let tokens = h.redeem(h.ciba_form("bank", &auth_req_id)).issued();
    let again = h.redeem(h.ciba_form("bank", &auth_req_id)).rejected(Reason::DeferredReplayed);
    assert_eq!(again.json()["error"], "invalid_grant");
    assert!(!h.is_active("api", &tokens.access_token));

    let auth_req_id = h.auth_req_id(backchannel_form("alice"));
    h.agree(&host.asked().remove(0)).unwrap();
    let answers = h.redeem_at_once(vec![h.ciba_form("shop", &auth_req_id); 50]);
    assert!(answers.iter().filter(|answer| answer.status() == 200).count() <= 1);
}

/// attack 230: what may be wrong with a signed request of the client `bank`. All of it is `invalid_request`, with 400.
pub(crate) const UNSOUND: &[Mutation] = {
    use Reason::{
        BackchannelObjectAlgorithm, BackchannelObjectClaims, BackchannelObjectMalformed,
        BackchannelObjectParameter, BackchannelObjectParties, BackchannelObjectSignature,
        BackchannelObjectTimes, BackchannelUnsigned,
    };

    &[
        refused("iss: missing", |draft| draft.without("iss"), BackchannelObjectParties),
        refused("iss: another client", |draft| draft.claim("iss", "shop"), BackchannelObjectParties),
        refused("aud: missing", |draft| draft.without("aud"), BackchannelObjectParties),
        refused("aud: other", |draft| draft.claim("aud", "https://other.example"), BackchannelObjectParties),
        refused("aud: nobody", |draft| draft.claim("aud", json!([])), BackchannelObjectParties),
        refused("iss: a list", |draft| draft.claim("iss", json!(["bank"])), BackchannelObjectParties),
        refused("sub: the client", |draft| draft.claim("sub", "bank"), BackchannelObjectParties),
        refused("client_id: other", |draft| draft.claim("client_id", "shop"), BackchannelObjectParties),
        refused("exp: past", |draft| draft.at("exp", -11), BackchannelObjectTimes),
        refused("exp: in 70 minutes", |draft| draft.at("exp", 70 * 60), BackchannelObjectTimes),
        refused("exp: a text", |draft| draft.claim("exp", "soon"), BackchannelObjectTimes),
        refused(
            "nbf: in 10 minutes",
            |draft| draft.at("nbf", 10 * 60).at("exp", 11 * 60),
            BackchannelObjectTimes,
        ),
        refused("nbf: 70 minutes ago", |draft| draft.at("nbf", -70 * 60), BackchannelObjectTimes),
        refused("iat: missing", |draft| draft.without("iat"), BackchannelObjectClaims),
        refused("nbf: a text", |draft| draft.claim("nbf", "now"), BackchannelObjectTimes),
        refused("iat: a text", |draft| draft.claim("iat", "now"), BackchannelObjectTimes),
        refused("iat: to come", |draft| draft.at("iat", 61), BackchannelObjectTimes),
        refused("jti: missing", |draft| draft.without("jti"), BackchannelObjectClaims),
        refused("jti: a number", |draft| draft.claim("jti", 1), BackchannelObjectClaims),
        refused("jti: empty", |draft| draft.claim("jti", ""), BackchannelObjectClaims),
        refused("jti: too long", |draft| draft.claim("jti", "j".repeat(257)), BackchannelObjectClaims),
        refused("request", |draft| draft.claim("request", "x"), BackchannelObjectParameter),
        refused(
            "a list of hints",
            |draft| draft.claim("login_hint", json!(["alice"])),
            BackchannelObjectParameter,
        ),
        refused("alg: none", |draft| draft.unsigned(), BackchannelUnsigned),
        refused("alg: HS256", |draft| draft.mac_by_public_key(MacAlg::Hs256), BackchannelObjectAlgorithm),
        refused("alg: RS256", |draft| draft.by(&key_of(SigningAlg::Rs256)), BackchannelObjectAlgorithm),
        refused("altered", |draft| draft.altered(), BackchannelObjectSignature),
        refused("by another key", |draft| draft.by(&strange_key()), BackchannelObjectSignature),
        refused("no JWT", |draft| draft.text(|_| "a.b.c".to_owned()), BackchannelObjectMalformed),
        refused("encrypted", |draft| draft.text(|_| "a.b.c.d.e".to_owned()), BackchannelObjectMalformed),
        refused(
            "in the clear",
            |draft| draft.absent().form(|form| form.set("scope", "openid").set("login_hint", "alice")),
            BackchannelUnsigned,
        ),
        refused(
            "beside a request_uri",
            |draft| draft.form(|form| form.set("request_uri", "https://bank.example/r")),
            Reason::BackchannelRequestUri,
        ),
    ]
};

/// Requests that do not say when they begin or end.
pub(crate) const fn untimed(reason: Reason) -> [Mutation; 2] {
    [
        refused("exp: missing", |draft| draft.without("exp"), reason),
        refused("nbf: missing", |draft| draft.without("nbf"), reason),
    ]
}

/// attack 227, attack 228: what may be wrong inside of a signed request that is sound.
pub(crate) const UNFIT: &[Mutation] = &[
    refused("no hint", |draft| draft.without("login_hint"), Reason::BackchannelHints),
    refused("two hints", |draft| draft.claim("login_hint_token", "alice"), Reason::BackchannelHints),
    refused("two other hints", |draft| draft.claim("id_token_hint", "a.b.c"), Reason::BackchannelHints),
    refused("no expiry", |draft| draft.claim("requested_expiry", 0), Reason::BackchannelExpiry),
    refused("an expiry of words", |draft| draft.claim("requested_expiry", "soon"), Reason::BackchannelExpiry),
];

#[test]
fn a_signed_request_that_is_not_sound_is_an_invalid_request() {
    let (h, host) = harness();
    let (endpoint, statuses, errors) = (Endpoint::BackchannelAuthentication, &[400], &["invalid_request"]);
    let table = Table { harness: &h, endpoint, statuses, errors, keeps: Keeps::EverythingButReplays };
    let fresh = || {
        // So that no request of before waits for a person.
        h.advance(seconds(600));
        let form = client_form(Form::new()).client("bank");
        Draft::of_object(&h, form, h.authentication_claims())
    };
    for rows in [UNSOUND, &untimed(Reason::BackchannelObjectClaims), UNFIT] {
        table.run(fresh, rows);
        assert_eq!(host.asked().len(), 1, "for the request that nobody changed");
    }
    h.advance(seconds(600));
    let claims = h.authentication_claims();
    let _ = h.auth_req_id(h.signed_backchannel_form(&claims));
    let again = h.begin_backchannel(h.signed_backchannel_form(&claims));
    assert_eq!(again.rejected(Reason::BackchannelObjectReplayed).json()["error"], "invalid_request");
}

#[test]
fn parameters_beside_a_signed_request_do_not_count() {
    let (h, host) = harness();
    let form = h.signed_backchannel_form(&h.authentication_claims());
    let _ = h
        .auth_req_id(form.set("login_hint", "bob").set("scope", "openid read").set("binding_message", "<x>"));
    let pending = host.asked().remove(0);
    assert_eq!((pending.subject.as_str(), pending.scope.as_str()), ("alice", "openid"));
    assert_eq!(pending.binding_message, None);
}

/// attack 84: a `client_id` beside the signed request is the one that authenticates.
#[test]
fn another_client_id_beside_a_signed_request_fails_the_authentication() {
    let (h, _) = harness();
    let form = h.signed_backchannel_form(&h.authentication_claims()).set("client_id", "shop");
    let refused = h.begin_backchannel(form).rejected(Reason::ClientIdMismatch).unchanged();
    assert_eq!(
        (refused.response.status().as_u16(), refused.json()["error"].as_str()),
        (401, Some("invalid_client"))
    );
}

/// attack 231: who was locked between the start and the redemption gets nothing, nor is anybody asked who is locked.
#[test]
fn whoever_is_locked_meanwhile_gets_nothing() {
    let (h, host) = harness();
    let auth_req_id = h.auth_req_id(backchannel_form("alice"));
    let pending = host.asked().remove(0);
    h.accounts().disable("alice");
    assert_eq!(h.agree(&pending).unwrap_err().reason(), Reason::ApprovalSubjectGone);
    h.accounts().enable("alice");
    h.agree(&pending).unwrap();
    h.accounts().disable("alice");
    let _ = h.redeem(h.ciba_form("shop", &auth_req_id)).rejected(Reason::SubjectGone);
    let _ = h.redeem(h.ciba_form("shop", &auth_req_id)).rejected(Reason::DeferredReplayed);
    let refused = h.begin_backchannel(backchannel_form("alice")).rejected(Reason::BackchannelUserUnknown);
    assert_eq!(refused.json()["error"], "unknown_user_id");
    assert_eq!(host.asked().len(), 0);
}

#[test]
fn a_client_that_wants_to_be_told_is_told_once_there_is_an_answer() {
    let (h, host) = harness();
    h.http().answer(NOTIFICATION_ENDPOINT, http::Response::builder().status(204).body(Bytes::new()).unwrap());
    for agrees in [true, false] {
        let auth_req_id = h.auth_req_id(backchannel_form("alice"));
        let pending = host.asked().remove(0);
        drop(h.http().take_requests());
        if agrees {
            h.agree(&pending).unwrap()
        } else {
            h.refuse(&pending).unwrap()
        }
        h.runtime().run();
        let [told] = &*h.http().take_requests() else { panic!("the client is told once") };
        assert_eq!(
            (told.method().as_str(), told.uri().to_string().as_str()),
            ("POST", NOTIFICATION_ENDPOINT)
        );
        assert_eq!(told.headers()["authorization"], format!("Bearer {NOTIFICATION_TOKEN}"));
        assert_eq!(told.headers()["content-type"], "application/json");
        assert_eq!(
            serde_json::from_slice::<Value>(told.body()).unwrap(),
            json!({ "auth_req_id": auth_req_id })
        );
        assert!(h.events().iter().any(|event| event.kind == EventKind::ClientNotified));
        let form = h.ciba_form("shop", &auth_req_id);
        match agrees {
            true => assert_eq!(h.redeem(form).issued().id_claims()["sub"], "alice"),
            false => {
                assert_eq!(h.redeem(form).rejected(Reason::DeferredDenied).json()["error"], "access_denied")
            }
        }
    }
}

/// attack 232: what a client's endpoint does keeps nobody waiting; no redirect is followed, a 401 is the end, and tries are
/// bounded. Nothing of the token is told.
#[test]
fn an_endpoint_that_misbehaves_costs_the_client_its_notification_alone() {
    let (h, host) = harness();
    let status = |code: u16| {
        let response = http::Response::builder().status(code).header("location", "https://evil.example/");
        h.http().answer(NOTIFICATION_ENDPOINT, response.body(Bytes::from(vec![b'x'; 100_000])).unwrap());
    };
    let table = [
        (302, 1, FetchErrorKind::Redirected),
        (401, 1, FetchErrorKind::StatusUnexpected),
        (403, 1, FetchErrorKind::StatusUnexpected),
        (500, 3, FetchErrorKind::Unreachable),
    ];
    let told = |expected: usize, kind: FetchErrorKind| {
        let auth_req_id = h.auth_req_id(backchannel_form("alice"));
        drop(h.http().take_requests());
        h.agree(&host.asked().remove(0)).unwrap();
        h.runtime().run();
        for _ in 0..20 {
            h.advance(seconds(5));
            h.runtime().run();
        }
        assert_eq!(h.http().take_requests().len(), expected, "{kind:?}");
        let events = h.events();
        assert!(
            events.iter().any(|event| event.kind == EventKind::ClientNotificationFailed(kind)),
            "{events:?}"
        );
        h.assert_discreet(&format!("{events:?}"));
        let _ = h.redeem(h.ciba_form("shop", &auth_req_id)).issued();
    };
    for (code, tries, kind) in table {
        status(code);
        told(tries, kind);
    }
    h.http().hang(NOTIFICATION_ENDPOINT);
    told(3, FetchErrorKind::TimedOut);
    h.http().fail(NOTIFICATION_ENDPOINT, HttpErrorKind::AddressRefused);
    told(1, FetchErrorKind::AddressRefused);
    h.http().panic(NOTIFICATION_ENDPOINT);
    told(1, FetchErrorKind::Panicked);
}

/// attack 232: what a client that was told says to it does not matter, however long it is (sections 10.2 and 10.3).
#[test]
fn a_long_answer_to_a_notification_is_an_answer() {
    let (h, host) = harness();
    h.http().serve(NOTIFICATION_ENDPOINT, "text/html", vec![b'x'; 1_000_000]);
    let _ = h.auth_req_id(backchannel_form("alice"));
    drop(h.http().take_requests());
    h.agree(&host.asked().remove(0)).unwrap();
    h.runtime().run();
    assert_eq!(h.http().take_requests().len(), 1);
    let notified = |event: &vouchsafe::event::Event| event.kind == EventKind::ClientNotified;
    assert!(h.events().iter().any(notified));
}

/// attack 233: one request of each client waits for a person, and five in all.
#[test]
fn nobody_is_bombed_with_requests() {
    let host = AskingHost::new();
    let mut builder = Harness::builder().backchannel(&host);
    for n in 0..5 {
        let (_, shop) = (n, Harness::builder().backchannel(&host).build().client("shop"));
        let id = vouchsafe::types::ClientId::new(format!("shop{n}")).unwrap();
        builder = builder.confidential(vouchsafe::client::Client::builder(id, shop.metadata().clone()));
    }
    let h = builder.build();
    let ask = |client: &str, person: &str| h.begin_backchannel(backchannel_form(person).client(client));
    ask("shop", "alice").accepted();
    for _ in 0..100 {
        let refused = ask("shop", "alice").rejected(Reason::BackchannelCrowded).unchanged();
        assert_eq!(
            (refused.response.status().as_u16(), refused.json()["error"].as_str()),
            (400, Some("slow_down"))
        );
    }
    h.accounts().insert(h.login("bob").subject, vouchsafe::types::Claims::new());
    ask("shop", "bob").accepted();
    for n in 0..4 {
        ask(&format!("shop{n}"), "alice").accepted();
    }
    let _ = ask("shop4", "alice").rejected(Reason::BackchannelCrowded);
    assert_eq!(host.asked().len(), 6);
    h.advance(seconds(300));
    ask("shop4", "alice").accepted();
}

/// attack 233: neither a short life nor a no lets a client ask for a person again and again.
#[test]
fn whoever_says_no_is_left_alone() {
    let host = AskingHost::new();
    let limiter = Arc::new(WindowLimiter::new().with_backchannel_people());
    let h = Harness::builder().backchannel(&host).provider(|builder| builder.limiter(limiter)).build();
    let ask = |person: &str| h.begin_backchannel(backchannel_form(person).set("requested_expiry", "1"));
    assert_eq!(ask("alice").accepted().json()["expires_in"], 60);
    h.advance(seconds(59));
    let _ = ask("alice").rejected(Reason::BackchannelCrowded).unchanged();
    h.advance(seconds(1));
    assert_eq!(host.asked().len(), 1);
    for _ in 0..8 {
        ask("alice").accepted();
        h.refuse(&host.asked().remove(0)).unwrap();
    }
    let refused = ask("alice").rejected(Reason::RateLimited).unchanged();
    assert_eq!((refused.response.status().as_u16(), refused.header("retry-after")), (429, Some("3540")));
    assert_eq!(host.asked().len(), 0, "nobody is asked");
    let _ = h.auth_req_id(h.signed_backchannel_form(&h.authentication_claims()));
    h.accounts().insert(h.login("bob").subject, vouchsafe::types::Claims::new());
    ask("bob").accepted();
    h.advance(seconds(3540));
    ask("alice").accepted();
}

/// Remembers what it is asked.
#[derive(Debug, Default)]
struct Asked(Mutex<Vec<(LimitPoint, String)>>);

#[async_trait::async_trait]
impl Limiter for Asked {
    async fn admit(&self, point: LimitPoint, key: &str, _: Timestamp) -> Admission {
        self.0.lock().unwrap().push((point, key.to_owned()));
        Admission::Admitted
    }
}

/// attack 233: the limiter knows a person and a client apart from others, and not who the person is.
#[test]
fn a_limiter_is_not_told_who_is_asked() {
    let (host, asked) = (AskingHost::new(), Arc::new(Asked::default()));
    let limiter = Arc::clone(&asked);
    let h = Harness::builder().backchannel(&host).provider(|builder| builder.limiter(limiter)).build();
    h.accounts().insert(h.login("bob").subject, vouchsafe::types::Claims::new());
    let key = |form| {
        h.begin_backchannel(form).accepted();
        let mut asked = std::mem::take(&mut *asked.0.lock().unwrap());
        asked.retain(|(point, _)| *point == LimitPoint::BackchannelPerson);
        let [(_, key)] = &*asked else { panic!("it is asked once: {asked:?}") };
        key.clone()
    };
    let alice = key(backchannel_form("alice"));
    let bob = key(backchannel_form("bob"));
    let of_bank = key(h.signed_backchannel_form(&h.authentication_claims()));
    assert!(alice != bob && alice != of_bank && bob != of_bank);
    assert!(!alice.contains("alice"), "{alice}");
    h.refuse(&host.asked().remove(0)).unwrap();
    assert_eq!(key(backchannel_form("alice")), alice);
}

#[test]
fn a_request_waits_as_long_as_it_says_and_no_longer_than_it_may() {
    let (h, _) = harness();
    let limit = |h: &Harness, expiry: Value| {
        let claims = changed(&h.authentication_claims(), "requested_expiry", expiry);
        h.advance(seconds(600));
        let claims = changed(&changed(&claims, "exp", h.now().unix() + 60), "nbf", h.now().unix());
        h.begin_backchannel(h.signed_backchannel_form(&claims))
    };
    for (asked, given) in [(json!(30), 60), (json!("120"), 120), (json!(86_400), 600)] {
        assert_eq!(limit(&h, asked.clone()).accepted().json()["expires_in"], given, "{asked}");
    }
    for asked in [json!(0), json!("-5"), json!("soon"), json!("99999999999")] {
        let refused = limit(&h, asked).rejected(Reason::BackchannelExpiry);
        assert_eq!(refused.json()["error"], "invalid_request");
    }
    h.advance(seconds(600));
    let auth_req_id = h.auth_req_id(backchannel_form("alice").set("requested_expiry", "90"));
    h.advance(seconds(90));
    let late = h.redeem(h.ciba_form("shop", &auth_req_id)).rejected(Reason::DeferredExpired);
    assert_eq!(late.json()["error"], "expired_token");
}

#[test]
fn what_the_host_says_of_a_person_reaches_the_client() {
    let (h, host) = harness();
    let token = |text: &str| backchannel_form("x").without("login_hint").set("login_hint_token", text);
    let table = [
        (backchannel_form("nobody"), Reason::BackchannelUserUnknown, "unknown_user_id", 400),
        (backchannel_form("denied"), Reason::BackchannelDenied, "access_denied", 403),
        (backchannel_form("careful"), Reason::BackchannelUserCodeMissing, "missing_user_code", 400),
        (
            backchannel_form("careful").set("user_code", "0000"),
            Reason::BackchannelUserCodeWrong,
            "invalid_user_code",
            400,
        ),
        (token("old"), Reason::BackchannelHintExpired, "expired_login_hint_token", 400),
        (backchannel_form("alice").set("scope", "read"), Reason::BackchannelScope, "invalid_scope", 400),
        (
            backchannel_form("alice").set("scope", "openid admin"),
            Reason::ScopeNotAllowed,
            "invalid_scope",
            400,
        ),
        (
            backchannel_form("alice").without("client_notification_token"),
            Reason::BackchannelNotificationToken,
            "invalid_request",
            400,
        ),
        (
            backchannel_form("alice").set("client_notification_token", "a b"),
            Reason::BackchannelNotificationToken,
            "invalid_request",
            400,
        ),
        (
            backchannel_form("alice").set("client_notification_token", "x".repeat(1025)),
            Reason::BackchannelNotificationToken,
            "invalid_request",
            400,
        ),
        (backchannel_form("alice").client("web"), Reason::GrantTypeNotAllowed, "unauthorized_client", 400),
        (backchannel_form("alice").basic("shop", "wrong"), Reason::ClientSecretWrong, "invalid_client", 401),
    ];
    for (form, reason, code, status) in table {
        let refused = h.begin_backchannel(form).rejected(reason).unchanged();
        assert_eq!(
            (refused.json()["error"].as_str(), refused.response.status().as_u16()),
            (Some(code), status)
        );
        let members: Vec<String> = refused.json().as_object().unwrap().keys().cloned().collect();
        assert_eq!(members, ["error", "error_description"]);
    }
    assert_eq!(host.asked().len(), 0);
    let _ = h.auth_req_id(backchannel_form("careful").set("user_code", "1234"));
    h.advance(seconds(300));
    let long = "x".repeat(1024);
    let _ = h.auth_req_id(backchannel_form("alice").set("client_notification_token", long));
}

#[test]
fn a_host_that_cannot_ask_leaves_nothing_waiting() {
    let (h, host) = harness();
    host.broken(true);
    let refused = h.begin_backchannel(backchannel_form("alice")).rejected(Reason::HostUnavailable);
    assert_eq!(refused.response.status(), 503);
    assert_eq!(refused.json()["error"], "temporarily_unavailable");
    host.broken(false);
    let _ = h.auth_req_id(backchannel_form("alice"));
    assert_eq!(host.asked().len(), 1, "the one before does not count any more");
}

#[test]
fn an_answer_is_of_the_person_who_was_asked_and_is_given_once() {
    let (h, host) = harness();
    let auth_req_id = h.auth_req_id(backchannel_form("alice"));
    let pending = host.asked().remove(0);
    let approval = |who: &str, scope: &str| {
        BackchannelDecision::Approved(Approval::new(h.login(who), Scope::parse(scope).unwrap()))
    };
    let answer = |decision| h.complete(&auth_req_id, decision).unwrap_err().reason();
    assert_eq!(answer(approval("bob", "openid")), Reason::ApprovalOtherSubject);
    assert_eq!(answer(approval("alice", "openid read")), Reason::ApprovalExceeds);
    assert_eq!(
        h.complete("vs_ar_x", approval("alice", "openid")).unwrap_err().reason(),
        Reason::DeferredUnknown
    );
    h.agree(&pending).unwrap();
    assert_eq!(answer(approval("alice", "openid")), Reason::DeferredAnswered);
    assert_eq!(h.refuse(&pending).unwrap_err().reason(), Reason::DeferredAnswered);
}

#[test]
fn the_grant_types_do_not_pass_for_each_other() {
    let host = AskingHost::new();
    let h = Harness::builder().backchannel(&host).devices().build();
    let auth_req_id = h.auth_req_id(backchannel_form("alice"));
    let form = h.ciba_form("shop", &auth_req_id);
    let _ = h.redeem(form.clone().without("auth_req_id")).rejected(Reason::AuthReqIdMissing);
    let device = h.device("tv", "openid");
    let _ = h.redeem(form.set("auth_req_id", &device.device_code)).rejected(Reason::DeferredMalformed);
    let _ = h.redeem(device.form().set("device_code", &auth_req_id)).rejected(Reason::DeferredMalformed);
    let _ = h.redeem(h.ciba_form("tv", &auth_req_id)).rejected(Reason::GrantTypeNotAllowed);
}

#[test]
fn signed_requests_are_demanded_unless_the_host_says_otherwise() {
    let host = AskingHost::new();
    let strict = Backchannel::new(host.clone()).with_waiting_limit(WaitingLimit { of_client: 2, of_all: 2 });
    let h = Harness::builder()
        .backchannel(&host)
        .provider(|builder| builder.with_backchannel_authentication(strict))
        .build();
    let _ = h.begin_backchannel(backchannel_form("alice")).rejected(Reason::BackchannelUnsigned);
    for _ in 0..2 {
        let _ = h.auth_req_id(h.signed_backchannel_form(&h.authentication_claims()));
    }
    let third = h.signed_backchannel_form(&h.authentication_claims());
    let _ = h.begin_backchannel(third).rejected(Reason::BackchannelCrowded);
}

#[test]
fn discovery_tells_of_it_where_it_is_turned_on() {
    let metadata = |h: &Harness| {
        let url = "https://op.example/.well-known/openid-configuration";
        h.answer(http::Request::get(url).body(Bytes::new()).unwrap()).json()
    };
    let on = metadata(&harness().0);
    assert_eq!(on["backchannel_authentication_endpoint"], "https://op.example/backchannel");
    assert_eq!(on["backchannel_token_delivery_modes_supported"], json!(["poll", "ping"]));
    assert_eq!(on["backchannel_user_code_parameter_supported"], true);
    let algs = on["backchannel_authentication_request_signing_alg_values_supported"].as_array().unwrap();
    assert!(
        algs.contains(&json!("PS256")) && algs.contains(&json!("ES256")) && !algs.contains(&json!("none"))
    );
    let grant_types = on["grant_types_supported"].as_array().unwrap();
    assert!(grant_types.contains(&json!("urn:openid:params:grant-type:ciba")));
    let off = metadata(&Harness::new());
    assert!(
        off.as_object()
            .unwrap()
            .keys()
            .all(|name| !name.starts_with("backchannel_a") && !name.starts_with("backchannel_t"))
    );
}

#[test]
fn it_needs_stores_a_limiter_and_an_authorization_endpoint() {
    let build = |stores: fn(Arc<MemoryStore>) -> Stores| {
        let secrets = SystemSecrets::generate(&OsEntropy).unwrap();
        let config = Config::new("https://op.example".parse().unwrap());
        Provider::builder(config, stores(Arc::new(MemoryStore::new())), keyring(), secrets)
            .with_backchannel_authentication(Backchannel::new(AskingHost::new()))
    };
    let needs = |port| BuildError::Needs { feature: "backchannel_authentication", port };
    let with = |stores| build(stores).accounts(Arc::new(AccountTable::new())).with_authorization_code();
    assert_eq!(build(Stores::of).build().unwrap_err(), needs("the authorization endpoint"));
    assert_eq!(with(Stores::of).build().unwrap_err(), needs("DeferredStore"));
    assert_eq!(
        with(|store| Stores::of(store.clone()).with_deferred(store)).build().unwrap_err(),
        needs("ReplayStore")
    );
    let kept =
        |store: Arc<MemoryStore>| Stores::of(store.clone()).with_deferred(store.clone()).with_replays(store);
    assert_eq!(with(kept).build().unwrap_err(), needs("a Limiter of BackchannelPerson"));
    let limiter = Arc::new(WindowLimiter::new().with_backchannel_people());
    assert!(with(kept).limiter(limiter).build().is_ok());
}

#[test]
fn a_client_registers_what_it_needs_for_it() {
    use vouchsafe::client::{Client, ClientAuthMethod, ClientMetadata, TokenDeliveryMode};
    use vouchsafe::types::{ClientId, GrantType};

    let build = |change: fn(&mut ClientMetadata)| {
        let mut metadata = ClientMetadata::service();
        metadata.grant_types = vec![GrantType::Ciba];
        metadata.backchannel_token_delivery_mode = Some(TokenDeliveryMode::Poll);
        change(&mut metadata);
        Client::builder(ClientId::new("c").unwrap(), metadata).build().map_err(|refused| refused.member)
    };
    assert_eq!(
        build(|metadata| metadata.token_endpoint_auth_method = ClientAuthMethod::None).unwrap_err(),
        "grant_types"
    );
    let mode = |metadata: &mut ClientMetadata| metadata.backchannel_token_delivery_mode = None;
    assert_eq!(build(mode).unwrap_err(), "backchannel_token_delivery_mode");
    let ping = |metadata: &mut ClientMetadata| {
        metadata.backchannel_token_delivery_mode = Some(TokenDeliveryMode::Ping);
    };
    assert_eq!(build(ping).unwrap_err(), "backchannel_client_notification_endpoint");
    let signed = |metadata: &mut ClientMetadata| {
        metadata.backchannel_authentication_request_signing_alg = Some(SigningAlg::Es256);
    };
    assert_eq!(build(signed).unwrap_err(), "jwks");
}
