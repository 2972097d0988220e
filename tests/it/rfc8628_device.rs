//! RFC 8628 sections 3, 5 and 6.1: devices that wait for a person who answers elsewhere.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use vouchsafe::clock::Timestamp;
use vouchsafe::error::Reason;
use vouchsafe::event::EventKind;
use vouchsafe::limiter::{Allowance, LimitPoint, WindowLimiter};
use vouchsafe::provider::{Approval, BuildError, Config, Denial, Provider};
use vouchsafe::secret::{SystemSecrets, TokenHash};
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::store::{DeferredStore, Stores};
use vouchsafe::testing::{
    DEFAULT_AUDIENCE, Fault, Faults, Form, Harness, OneLogin, Outcome, RESOURCE, WaitingDevice, block_on,
    device_form, keyring, refresh_form, token_form,
};
use vouchsafe::types::Scope;

const VERIFY: &str = "https://op.example/device/verify";

fn harness() -> Harness {
    Harness::builder().devices().build()
}

fn alice(h: &Harness) -> Arc<OneLogin> {
    OneLogin::of(h.login("alice"))
}

fn text(outcome: &Outcome) -> &str {
    std::str::from_utf8(outcome.response.body()).unwrap()
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A device whose person has said yes.
fn approved(h: &Harness, scope: &str) -> WaitingDevice {
    let device = h.device("tv", scope);
    h.answer_device(&device, "allow", &alice(h));
    device
}

#[test]
fn a_device_gets_a_code_to_poll_with_and_one_to_show() {
    let h = harness();
    let answer = h.begin_device(device_form("tv", "openid read")).accepted();
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.json();
    let user_code = body["user_code"].as_str().unwrap();
    assert_eq!(user_code.len(), 9);
    assert!(user_code.bytes().all(|b| b == b'-' || b"BCDFGHJKLMNPQRSTVWXZ".contains(&b)), "{user_code}");
    assert!(body["device_code"].as_str().unwrap().starts_with("vs_dc_"));
    assert_eq!(body["verification_uri"], VERIFY);
    assert_eq!(body["verification_uri_complete"], format!("{VERIFY}?user_code={user_code}"));
    assert_eq!((&body["expires_in"], &body["interval"]), (&json!(600), &json!(5)));
    assert!(answer.events.iter().any(|event| event.kind == EventKind::RequestDeferred));
}

#[test]
fn a_device_gets_tokens_when_its_person_has_agreed() {
    let h = harness();
    let device = h.device("tv", "openid offline_access read");
    let _ = h.redeem(device.form()).rejected(Reason::DeferredPending);
    h.answer_device(&device, "allow", &alice(&h));
    h.advance(seconds(5));
    let tokens = h.redeem(device.form()).issued();
    assert_eq!(tokens.scope.as_deref(), Some("openid offline_access read"));
    assert_eq!(tokens.id_claims()["sub"], "alice");
    assert_eq!(tokens.id_claims()["aud"], "tv");
    assert!(h.is_active("api", &tokens.access_token));
    let refreshed = h.redeem(refresh_form("tv", tokens.refresh_token())).issued();
    assert_eq!(refreshed.id_claims()["sub"], "alice");
}

/// attack 220: whoever polls too often is told to slow down, and the interval grows by five seconds each time.
#[test]
fn a_device_that_polls_too_often_is_slowed_down() {
    let h = harness();
    let device = h.device("tv", "openid");
    let _ = h.redeem(device.form()).rejected(Reason::DeferredPending);
    for _ in 0..3 {
        let _ = h.redeem(device.form()).rejected(Reason::DeferredTooEarly);
    }
    h.advance(seconds(19));
    let _ = h.redeem(device.form()).rejected(Reason::DeferredTooEarly);
    h.advance(seconds(25));
    let pending = h.redeem(device.form()).rejected(Reason::DeferredPending);
    assert_eq!(pending.json()["error"], "authorization_pending");
    assert_eq!(pending.response.status(), 400);
}

/// attack 221: the code of another client is refused, and is as it was.
#[test]
fn the_code_of_another_client_is_refused_and_left_alone() {
    let h = harness();
    let web = h.client("web");
    let mut metadata = web.metadata().clone();
    metadata.grant_types.push(vouchsafe::types::GrantType::DeviceCode);
    let other = vouchsafe::client::Client::builder(web.id().clone(), {
        metadata.token_endpoint_auth_method = vouchsafe::client::ClientAuthMethod::None;
        metadata
    });
    h.store().insert_client(other.build().unwrap());
    let device = approved(&h, "openid");
    let stolen = h.redeem(device.form().client("web")).rejected(Reason::DeferredForeign).unchanged();
    assert_eq!(stolen.json()["error"], "invalid_grant");
    let _ = h.redeem(device.form()).issued();
}

/// attack 222: of many polls at once one is answered with tokens, and a second redemption ends them.
#[test]
fn of_many_redemptions_one_wins_and_the_next_revokes() {
    let h = harness();
    let device = approved(&h, "openid offline_access");
    let answers = h.redeem_at_once(vec![device.form(); 50]);
    assert!(answers.iter().filter(|answer| answer.status() == 200).count() <= 1);
    let device = approved(&h, "openid offline_access");
    let tokens = h.redeem(device.form()).issued();
    let replayed = h.redeem(device.form()).rejected(Reason::DeferredReplayed);
    assert_eq!(replayed.json()["error"], "invalid_grant");
    assert!(!h.is_active("api", &tokens.access_token));
    let _ = h.redeem(refresh_form("tv", tokens.refresh_token())).rejected(Reason::GrantRevoked);
}

/// attack 223: after its end a code is expired, approved or not, and after a no it is denied.
#[test]
fn a_code_ends() {
    let h = harness();
    let (waiting, denied) = (h.device("tv", "openid"), h.device("tv", "openid"));
    let ready = approved(&h, "openid");
    h.answer_device(&denied, "deny", &alice(&h));
    let refused = h.redeem(denied.form()).rejected(Reason::DeferredDenied);
    assert_eq!(
        (refused.json()["error"].as_str(), refused.response.status().as_u16()),
        (Some("access_denied"), 400)
    );
    h.advance(seconds(599));
    let _ = h.redeem(waiting.form()).rejected(Reason::DeferredPending);
    h.advance(seconds(1));
    for device in [waiting, ready] {
        let late = h.redeem(device.form()).rejected(Reason::DeferredExpired);
        assert_eq!(late.json()["error"], "expired_token");
    }
    let _ = h.redeem(denied.form()).rejected(Reason::DeferredDenied);
}

/// attack 224: what is granted is what was shown, resources too.
#[test]
fn a_person_is_shown_the_resources() {
    let h = harness();
    let form = device_form("tv", "openid read").set("resource", RESOURCE).also("resource", DEFAULT_AUDIENCE);
    let body = h.begin_device(form).accepted().json();
    let asked = h.type_code(body["user_code"].as_str().unwrap(), &alice(&h)).accepted();
    for resource in [RESOURCE, DEFAULT_AUDIENCE] {
        assert!(text(&asked).contains(&format!("<li>{resource}</li>")), "{}", text(&asked));
    }
    let plain = h.type_code(&h.device("tv", "openid read").user_code, &alice(&h)).accepted();
    assert!(!text(&plain).contains("id=\"resources\""), "{}", text(&plain));
}

/// attack 224: a link with the code in it leads to a form, the form to a question that names client, scope and code, and
/// only the answer to that counts, whoever is signed in and whatever they agreed to before.
#[test]
fn a_link_with_a_code_approves_nothing() {
    let h = harness();
    let host = alice(&h);
    let device = h.device("tv", "openid read");
    let code = device.user_code.clone();
    let page = h.open_device_page(&Form::new().set("user_code", &code), &host).accepted().unchanged();
    assert!(text(&page).contains(&code) && text(&page).contains("id=\"device-submit\""));
    let asked = h.press(&page, ("user_code", &code), &host).accepted().unchanged();
    for shown in ["Television", "openid read", &code, "id=\"device-allow\"", "id=\"device-deny\""] {
        assert!(text(&asked).contains(shown), "{shown}: {}", text(&asked));
    }
    for header in ["x-frame-options", "content-security-policy", "referrer-policy"] {
        assert!(asked.header(header).is_some(), "{header}");
    }
    let _ = h.redeem(device.form()).rejected(Reason::DeferredPending);
    h.press(&asked, ("answer", "allow"), &host).accepted();
    h.advance(seconds(5));
    let _ = h.redeem(device.form()).issued();

    let again = h.device("tv", "openid read");
    let asked = h.type_code(&again.user_code, &host).accepted().unchanged();
    assert!(text(&asked).contains("id=\"device-allow\""), "what was agreed to before does not count");
}

/// attack 225: who was disabled between the approval and the poll gets nothing, nor who is disabled at the approval.
#[test]
fn whoever_is_disabled_meanwhile_gets_nothing() {
    let h = harness();
    let device = approved(&h, "openid");
    h.accounts().disable("alice");
    let refused = h.redeem(device.form()).rejected(Reason::SubjectGone);
    assert_eq!(refused.json()["error"], "invalid_grant");
    h.accounts().enable("alice");
    let _ = h.redeem(device.form()).rejected(Reason::DeferredReplayed);

    let (host, device) = (alice(&h), h.device("tv", "openid"));
    let asked = h.type_code(&device.user_code, &host).accepted();
    h.accounts().disable("alice");
    let _ = h.press(&asked, ("answer", "allow"), &host).shown(Reason::ApprovalSubjectGone).unchanged();
    let _ = h.redeem(device.form()).rejected(Reason::DeferredPending);
}

/// attack 226: a code is the same in any case, with and without what stands between its letters.
#[test]
fn a_code_is_found_however_it_is_typed() {
    let h = harness();
    let host = alice(&h);
    let device = h.device("tv", "openid");
    let plain = device.user_code.replace('-', "").to_lowercase();
    let spaced = format!(" {} {} ", &plain[..3], &plain[3..]);
    for typed in [&*device.user_code, &plain, &spaced, &format!("{}.{}", &plain[..4], &plain[4..])] {
        let asked = h.type_code(typed, &host).accepted();
        assert!(text(&asked).contains("id=\"device-allow\""), "{typed}");
    }
}

/// attack 219: five wrong codes shut a form, and the person is told.
#[test]
fn a_form_is_locked_after_five_wrong_codes() {
    let h = harness();
    let host = alice(&h);
    let device = h.device("tv", "openid");
    let mut page = h.open_device_page(&Form::new(), &host);
    for _ in 0..4 {
        page = h.press(&page, ("user_code", "BBBB-BBBB"), &host);
        assert!(text(&page).contains("id=\"device-missed\""), "{}", text(&page));
        assert_eq!(page.response.status(), 200);
    }
    let locked = h.press(&page, ("user_code", "not a code"), &host).shown(Reason::UserCodeLocked);
    assert_eq!(locked.response.status(), 429);
    let fresh = h.type_code(&device.user_code, &host).accepted();
    assert!(text(&fresh).contains("id=\"device-allow\""));
}

/// attack 219: whoever posts the first form again and again, so that it never comes to five, is stopped by the limiter, and then
/// not even the right code counts.
#[test]
fn a_form_that_is_posted_again_gives_no_more_guesses() {
    let h = harness();
    let host = alice(&h);
    let device = h.device("tv", "openid");
    let page = h.open_device_page(&Form::new(), &host);
    for _ in 0..20 {
        let missed = h.press(&page, ("user_code", "BBBB-BBBB"), &host);
        assert!(text(&missed).contains("id=\"device-missed\""), "{}", text(&missed));
    }
    let stopped = h.press(&page, ("user_code", &device.user_code), &host).shown(Reason::RateLimited);
    assert_eq!((stopped.response.status().as_u16(), stopped.header("retry-after")), (429, Some("600")));
    let _ = h.type_code(&device.user_code, &host).shown(Reason::RateLimited);
    h.advance(seconds(600));
    let again = h.device("tv", "openid");
    assert!(text(&h.type_code(&again.user_code, &host)).contains("id=\"device-allow\""));
}

/// attack 219: guessing is bounded for a person, for whatever the host counts by, and for all together.
#[test]
fn guesses_are_counted() {
    let counted = |each, all| {
        let allowance = Allowance::new(each, all, seconds(600));
        let limiter = Arc::new(WindowLimiter::new().with(LimitPoint::UserCode, allowance));
        Harness::builder().devices().provider(|builder| builder.limiter(limiter)).build()
    };
    let h = counted(3, 100);
    let (device, login) = (h.device("tv", "openid"), h.login("alice"));
    let look_up = |code: &str, by: &[String]| block_on(h.provider().device().look_up(code, &login, by));
    for _ in 0..3 {
        assert_eq!(look_up("BBBB-BBBB", &[]).unwrap_err().reason(), Reason::UserCodeUnknown);
    }
    assert_eq!(look_up(&device.user_code, &[]).unwrap_err().reason(), Reason::RateLimited);
    let page = h.type_code(&device.user_code, &alice(&h)).shown(Reason::RateLimited);
    assert_eq!((page.response.status().as_u16(), page.header("retry-after")), (429, Some("600")));
    h.advance(seconds(600));
    let h = counted(3, 4);
    let (login, bob) = (h.login("alice"), h.login("bob"));
    let look_up = |who, by: &str| {
        let by = [by.to_owned()];
        block_on(h.provider().device().look_up("BBBB-BBBB", who, &by)).unwrap_err().reason()
    };
    for _ in 0..3 {
        assert_eq!(look_up(&login, "address 192.0.2.1"), Reason::UserCodeUnknown);
    }
    assert_eq!(look_up(&bob, "address 192.0.2.1"), Reason::RateLimited, "the address has tried enough");
    assert_eq!(look_up(&bob, "address 192.0.2.2"), Reason::UserCodeUnknown);
    assert_eq!(look_up(&bob, "address 192.0.2.3"), Reason::RateLimited, "all have tried enough");
}

/// attack 219: one who has tried enough goes on trying, and closes the address to nobody who shares it.
#[test]
fn a_person_who_is_refused_uses_up_nothing_of_an_address() {
    let allowance = Allowance::new(3, 100, seconds(600));
    let limiter = Arc::new(WindowLimiter::new().with(LimitPoint::UserCode, allowance));
    let h = Harness::builder().devices().provider(|builder| builder.limiter(limiter)).build();
    let (alice, bob) = (h.login("alice"), h.login("bob"));
    let look_up = |who, by: &str| {
        let by = [by.to_owned()];
        block_on(h.provider().device().look_up("BBBB-BBBB", who, &by)).unwrap_err().reason()
    };
    for _ in 0..3 {
        assert_eq!(look_up(&alice, "address 192.0.2.1"), Reason::UserCodeUnknown);
    }
    for _ in 0..3 {
        assert_eq!(look_up(&alice, "address 192.0.2.2"), Reason::RateLimited);
    }
    assert_eq!(look_up(&bob, "address 192.0.2.2"), Reason::UserCodeUnknown);
}

/// attack 219: where nobody counts there are no codes to guess.
#[test]
fn devices_need_a_limiter_a_store_and_people() {
    let build = |stores: fn(Arc<MemoryStore>) -> Stores| {
        let secrets = SystemSecrets::generate(&vouchsafe::entropy::OsEntropy).unwrap();
        let config = Config::new("https://op.example".parse().unwrap());
        let stores = stores(Arc::new(MemoryStore::new()));
        Provider::builder(config, stores, keyring(), secrets).with_device_authorization()
    };
    let needs = |port| BuildError::Needs { feature: "device_authorization", port };
    let people = Arc::new(vouchsafe::testing::AccountTable::new());
    let with = |stores| build(stores).accounts(people.clone()).with_authorization_code();
    let kept: fn(Arc<MemoryStore>) -> Stores = |store| Stores::of(store.clone()).with_deferred(store);
    assert_eq!(build(Stores::of).build().unwrap_err(), needs("the authorization endpoint"));
    assert_eq!(with(Stores::of).build().unwrap_err(), needs("DeferredStore"));
    assert_eq!(with(kept).build().unwrap_err(), needs("a Limiter of UserCode"));
    assert!(with(kept).limiter(Arc::new(WindowLimiter::for_user_codes())).build().is_ok());
}

#[test]
fn nobody_is_asked_before_they_sign_in() {
    let h = harness();
    let device = h.device("tv", "openid");
    let nobody = OneLogin::nobody();
    let code = device.user_code.to_lowercase();
    let sent = h.open_device_page(&Form::new().set("user_code", code), &nobody).landing();
    assert_eq!(sent.uri, "/login");
    assert_eq!(sent.value("return_to"), format!("{VERIFY}?user_code={}", device.user_code));
    let sent = h.post_device_page(&Form::new().set("user_code", "<script>"), &nobody).landing();
    assert_eq!(sent.value("return_to"), VERIFY);
}

/// attack 50: a form that another site posts, or another browser was shown, is refused.
#[test]
fn only_the_browser_that_was_shown_a_form_posts_it() {
    let h = harness();
    let host = alice(&h);
    let device = h.device("tv", "openid");
    let forged = [
        Form::new().set("user_code", &device.user_code),
        Form::new().set("user_code", &device.user_code).set("form", "AAAA"),
        Form::new().set("confirmation", "AAAA").set("answer", "allow"),
    ];
    for form in forged {
        let refused = h.post_device_page(&form, &host).shown(Reason::DeviceFormForged).unchanged();
        assert_eq!(refused.response.status(), 403);
    }
    let page = h.open_device_page(&Form::new(), &host);
    let asked = h.press(&page, ("user_code", &device.user_code), &host);
    let entry: Form = page.landing().params.iter().collect();
    let yes: Form = asked.landing().params.iter().collect();
    let swapped = Form::new().set("confirmation", page.landing().value("form")).set("answer", "allow");
    h.post_device_page(&swapped, &host).shown(Reason::DeviceFormForged).unchanged();
    h.browser().clear();
    let entry = entry.set("user_code", &device.user_code);
    h.post_device_page(&entry, &host).shown(Reason::DeviceFormForged).unchanged();
    h.post_device_page(&yes.set("answer", "allow"), &host).shown(Reason::DeviceFormForged).unchanged();
    let _ = h.redeem(device.form()).rejected(Reason::DeferredPending);
}

/// attack 53: a yes is of the person who was asked.
#[test]
fn another_person_who_signed_in_meanwhile_is_asked_again() {
    let h = harness();
    let host = alice(&h);
    let device = h.device("tv", "openid");
    let asked = h.type_code(&device.user_code, &host);
    host.change(h.login("bob"));
    let again = h.press(&asked, ("answer", "allow"), &host).accepted().unchanged();
    assert!(text(&again).contains("id=\"device-allow\""), "bob is asked");
    h.accounts().insert(h.login("bob").subject, vouchsafe::types::Claims::new());
    h.press(&again, ("answer", "allow"), &host).accepted();
    assert_eq!(h.redeem(device.form()).issued().id_claims()["sub"], "bob");
}

#[test]
fn an_answer_is_given_once() {
    let h = harness();
    let host = alice(&h);
    let device = h.device("tv", "openid");
    let asked = h.type_code(&device.user_code, &host);
    h.press(&asked, ("answer", "deny"), &host);
    h.press(&asked, ("answer", "allow"), &host).shown(Reason::DeferredAnswered).unchanged();
    let missed = h.type_code(&device.user_code, &host);
    assert!(text(&missed).contains("id=\"device-missed\""), "an answered code is none");
    let _ = h.redeem(device.form()).rejected(Reason::DeferredDenied);
}

#[test]
fn an_approval_stays_within_what_was_asked() {
    let h = harness();
    let (device, login) = (h.device("tv", "openid read"), h.login("alice"));
    let pending = block_on(h.provider().device().look_up(&device.user_code, &login, &[])).unwrap();
    assert_eq!((pending.client().id().as_str(), pending.user_code()), ("tv", &*device.user_code));
    assert_eq!(pending.expires_at(), pending.requested_at().plus(seconds(600)));
    let approve = |scope: &str| {
        let approval = Approval::new(login.clone(), Scope::parse(scope).unwrap());
        block_on(h.provider().device().approve(&pending, approval))
    };
    assert_eq!(approve("openid write").unwrap_err().reason(), Reason::ApprovalExceeds);
    approve("openid").unwrap();
    assert_eq!(approve("openid").unwrap_err().reason(), Reason::DeferredAnswered);
    let denied = block_on(h.provider().device().deny(&pending, Denial::Host));
    assert_eq!(denied.unwrap_err().reason(), Reason::DeferredAnswered);
    assert_eq!(h.redeem(device.form()).issued().scope.as_deref(), Some("openid"));
}

#[test]
fn what_a_device_may_ask_for_is_what_its_client_may() {
    let h = harness();
    let refused = [
        (device_form("tv", "openid admin"), Reason::ScopeNotAllowed),
        (device_form("tv", "a\"b"), Reason::ScopeMalformed),
        (device_form("tv", "openid").set("resource", "https://other.example"), Reason::ResourceNotAllowed),
        (device_form("tv", "openid").also("scope", "read"), Reason::ParameterRepeated),
        (device_form("web", "openid"), Reason::GrantTypeNotAllowed),
        (device_form("web", "openid").basic("web", "wrong"), Reason::ClientSecretWrong),
        (device_form("nobody", "openid").unauthenticated().set("client_id", "nobody"), Reason::ClientUnknown),
    ];
    for (form, reason) in refused {
        let _ = h.begin_device(form).rejected(reason).unchanged();
    }
    let mut device = h.device("tv", "read");
    device.body = h.begin_device(device_form("tv", "read").set("resource", RESOURCE)).json();
    device.device_code = device.body["device_code"].as_str().unwrap().to_owned();
    device.user_code = device.body["user_code"].as_str().unwrap().to_owned();
    h.answer_device(&device, "allow", &alice(&h));
    let wider = device.form().set("resource", DEFAULT_AUDIENCE);
    let _ = h.redeem(wider).rejected(Reason::ResourceNotGranted);
    let _ = h.redeem(device.form()).rejected(Reason::DeferredReplayed);
}

#[test]
fn a_code_that_is_none_is_refused_before_the_store_is_asked() {
    let faults = Faults::new();
    let wrapping = faults.clone();
    let h = Harness::builder().devices().stores(move |store| wrapping.stores(store)).build();
    let form = token_form("urn:ietf:params:oauth:grant-type:device_code").client("tv");
    let _ = h.redeem(form.clone()).rejected(Reason::DeviceCodeMissing);
    let device = h.device("tv", "openid");
    let mut changed = device.device_code.clone();
    changed.replace_range(8..9, if &changed[8..9] == "A" { "B" } else { "A" });
    drop(faults.calls());
    for code in [changed.as_str(), "vs_dc_", "x"] {
        let _ = h.redeem(form.clone().set("device_code", code)).rejected(Reason::DeferredMalformed);
    }
    assert_eq!(faults.calls(), [""; 0]);
}

#[test]
fn a_store_that_fails_gives_nothing_and_loses_nothing() {
    let faults = Faults::new();
    let wrapping = faults.clone();
    let h = Harness::builder().devices().stores(move |store| wrapping.stores(store)).build();
    faults.break_verb("insert_deferred", Fault::Conflict);
    let _ = h.begin_device(device_form("tv", "openid")).rejected(Reason::StoreUnavailable).unchanged();
    faults.mend();
    let device = h.device("tv", "openid");
    let asked = h.type_code(&device.user_code, &alice(&h));
    faults.break_verb("decide", Fault::Unavailable);
    h.press(&asked, ("answer", "allow"), &alice(&h)).shown(Reason::StoreUnavailable);
    faults.mend();
    assert_eq!(
        h.redeem(device.form()).rejected(Reason::DeferredPending).json()["error"],
        "authorization_pending"
    );
    h.press(&asked, ("answer", "allow"), &alice(&h)).accepted();
    faults.break_verb("poll", Fault::Unavailable);
    let _ = h.redeem(device.form()).rejected(Reason::StoreUnavailable);
    faults.mend();
    drop(faults.calls());
    let _ = h.redeem(device.form()).issued();
    assert_eq!(
        faults.calls(),
        ["poll", "grant", "insert_tokens"],
        "the statement budget of a poll that is answered"
    );
}

/// attack 317: whoever writes to the store cannot give a device the grant of somebody else.
#[test]
fn a_record_that_names_another_grant_is_refused() {
    let h = harness();
    let (mine, other) = (h.device("tv", "openid"), approved(&h, "openid"));
    let key = |device: &WaitingDevice| TokenHash::of(&device.device_code);
    let polled = block_on(h.store().poll(&key(&other), h.client("tv").id(), h.now())).unwrap();
    let vouchsafe::store::Polled::Approved { grant, record } = polled else { panic!("{polled:?}") };
    let waiting = block_on(h.store().deferred(&key(&mine), h.now())).unwrap().unwrap();
    let approved =
        |retain_until, payload| vouchsafe::store::Decision::Approved { grant, retain_until, payload };
    let own = approved(waiting.retain_until, waiting.payload);
    assert!(block_on(h.store().decide(&key(&mine), own, h.now())).unwrap());
    let _ = h.redeem(mine.form()).rejected(Reason::DeferredUnreadable);
    let third = h.device("tv", "openid");
    let moved = approved(record.retain_until, record.payload);
    assert!(block_on(h.store().decide(&key(&third), moved, h.now())).unwrap());
    let outcome = h.redeem(third.form()).rejected(Reason::DeferredUnreadable);
    assert!(outcome.events.iter().any(|event| event.kind == EventKind::PayloadUnreadable));
}

/// attack 318: the store sees neither code: what a person types is hashed under a key.
#[test]
fn the_store_sees_hashes_of_both_codes() {
    let h = harness();
    let device = h.device("tv", "openid");
    let record = block_on(h.store().deferred(&TokenHash::of(&device.device_code), h.now())).unwrap().unwrap();
    let plain = TokenHash::of(&device.user_code.replace('-', ""));
    assert!(record.user_code.is_some_and(|kept| kept != plain && kept != TokenHash::of(&device.user_code)));
}

#[test]
fn discovery_tells_of_devices_where_they_are_turned_on() {
    let metadata = |h: &Harness| {
        let url = "https://op.example/.well-known/openid-configuration";
        let request = vouchsafe::wire::Request::new(bytes::Bytes::new());
        let (mut parts, body) = request.into_parts();
        parts.uri = url.parse().unwrap();
        h.answer(vouchsafe::wire::Request::from_parts(parts, body)).json()
    };
    let on = metadata(&harness());
    let grant_type = json!("urn:ietf:params:oauth:grant-type:device_code");
    assert_eq!(on["device_authorization_endpoint"], "https://op.example/device");
    assert!(on["grant_types_supported"].as_array().unwrap().contains(&grant_type));
    let off = metadata(&Harness::new());
    assert_eq!(off.get("device_authorization_endpoint"), None);
    assert!(!off["grant_types_supported"].as_array().unwrap().contains(&grant_type));
}

#[test]
fn a_login_that_is_too_old_for_the_client_is_asked_again() {
    let h = harness();
    let tv = h.client("tv");
    let mut metadata = tv.metadata().clone();
    metadata.default_max_age = Some(60);
    let careful = vouchsafe::client::Client::builder(tv.id().clone(), metadata).build().unwrap();
    h.store().insert_client(careful);
    let mut login = h.login("alice");
    login.auth_time = Timestamp::from_unix(h.now().unix() - 61);
    let host = OneLogin::of(login.clone());
    let device = h.device("tv", "openid");
    let sent = h.type_code(&device.user_code, &host).landing();
    assert_eq!(sent.uri, "/login");
    login.auth_time = h.now();
    host.change(login);
    let asked = h.type_code(&device.user_code, &host).accepted();
    assert!(text(&asked).contains("id=\"device-allow\""));
}
