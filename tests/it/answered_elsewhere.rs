//! What device authorization (RFC 8628) and backchannel authentication (CIBA) have in common: requests that a person answers
//! elsewhere than in the client's browser.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use vouchsafe::client::Client;
use vouchsafe::clock::Timestamp;
use vouchsafe::error::Reason;
use vouchsafe::event::EventKind;
use vouchsafe::provider::{Approval, BackchannelDecision, ResourceSettings};
use vouchsafe::secret::TokenHash;
use vouchsafe::store::{DeferredStore as _, Page, Polled, Sweep as _};
use vouchsafe::testing::{
    AskingHost, DEFAULT_AUDIENCE, Fault, Faults, Harness, OneLogin, RESOURCE, backchannel_form, block_on,
    device_form,
};
use vouchsafe::types::{AuthorizationDetails, Scope};

const DETAILS: &str = r#"[{"type":"payment","amount":7}]"#;

fn harness() -> (Harness, Arc<AskingHost>) {
    let host = AskingHost::new();
    (Harness::builder().backchannel(&host).devices().build(), host)
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn approval(h: &Harness, scope: &str) -> Approval {
    Approval::new(h.login("alice"), Scope::parse(scope).unwrap())
}

/// attack 144: details that nobody is shown are refused, and cost nothing (RFC 9396 sections 3 and 5).
#[test]
fn details_that_nobody_is_shown_are_refused() {
    let (h, host) = harness();
    let asked = device_form("tv", "openid").set("authorization_details", DETAILS);
    let refused = h.begin_device(asked).rejected(Reason::AuthorizationDetailsUnavailable).unchanged();
    assert_eq!(refused.json()["error"], "invalid_authorization_details");
    let asked = backchannel_form("alice").set("authorization_details", DETAILS);
    let _ = h.begin_backchannel(asked).rejected(Reason::AuthorizationDetailsUnavailable).unchanged();
    let mut claims = h.authentication_claims();
    claims["authorization_details"] = json!([{"type": "payment"}]);
    let _ = h
        .begin_backchannel(h.signed_backchannel_form(&claims))
        .rejected(Reason::AuthorizationDetailsUnavailable);
    assert_eq!(host.asked().len(), 0);

    let device = h.device("tv", "openid");
    h.answer_device(&device, "allow", &OneLogin::of(h.login("alice")));
    let auth_req_id = h.auth_req_id(backchannel_form("alice"));
    h.agree(&host.asked().remove(0)).unwrap();
    for form in [device.form(), h.ciba_form("shop", &auth_req_id)] {
        let asked = form.clone().set("authorization_details", DETAILS);
        let _ = h.redeem(asked).rejected(Reason::AuthorizationDetailsUnavailable).unchanged();
        let _ = h.redeem(form).issued();
    }
}

/// attack 144: nor is there anything that a host could grant in detail.
#[test]
fn details_that_nobody_asked_for_are_not_granted() {
    let (h, host) = harness();
    let detailed = |details| approval(&h, "openid").with_authorization_details(details);
    let more = || detailed(AuthorizationDetails::parse(DETAILS).unwrap());
    let (device, login) = (h.device("tv", "openid"), h.login("alice"));
    let pending = block_on(h.provider().device().look_up(&device.user_code, &login, &[])).unwrap();
    let approve = |approval| block_on(h.provider().device().approve(&pending, approval));
    assert_eq!(approve(more()).unwrap_err().reason(), Reason::ApprovalDetailsExceed);
    let auth_req_id = h.auth_req_id(backchannel_form("alice"));
    let complete = |approval| h.complete(&auth_req_id, BackchannelDecision::Approved(approval));
    assert_eq!(complete(more()).unwrap_err().reason(), Reason::ApprovalDetailsExceed);
    approve(detailed(AuthorizationDetails::empty())).unwrap();
    complete(detailed(AuthorizationDetails::empty())).unwrap();
    assert_eq!(host.asked().len(), 1);
    let _ = h.redeem(device.form()).issued();
}

/// attack 222, attack 229: what was approved is remembered as long as its tokens may live, and what nobody agreed to is not,
/// so that a client that asks and asks does not fill the store.
#[test]
fn what_nobody_agreed_to_is_soon_forgotten() {
    let (h, _) = harness();
    let waiting = h.device("tv", "openid");
    let approved = h.device("tv", "openid");
    h.answer_device(&approved, "allow", &OneLogin::of(h.login("alice")));
    let _ = h.redeem(approved.form()).issued();
    h.advance(seconds(899));
    let _ = h.redeem(waiting.form()).rejected(Reason::DeferredExpired);
    h.advance(seconds(1));
    let _ = h.redeem(waiting.form()).rejected(Reason::DeferredUnknown);
    block_on(h.store().sweep(1000, h.now())).unwrap();
    let key = TokenHash::of(&waiting.device_code);
    let left = block_on(h.store().poll(&key, h.client("tv").id(), Timestamp::from_unix(0))).unwrap();
    assert_eq!(left, Polled::Absent, "the row is gone");
    h.advance(seconds(24 * 60 * 60 - 1));
    let _ = h.redeem(approved.form()).rejected(Reason::DeferredReplayed);
}

/// A login that is too old for the client does not count, whichever way the answer comes.
#[test]
fn an_answer_is_of_a_login_that_is_recent_enough() {
    let (h, host) = harness();
    for id in ["tv", "bank"] {
        let client = h.client(id);
        let mut metadata = client.metadata().clone();
        metadata.default_max_age = Some(60);
        let careful = Client::builder(client.id().clone(), metadata).settings(client.settings().clone());
        h.store().insert_client(careful.build().unwrap());
    }
    let (device, login) = (h.device("tv", "openid"), h.login("alice"));
    let pending = block_on(h.provider().device().look_up(&device.user_code, &login, &[])).unwrap();
    let mut old = login.clone();
    old.auth_time = Timestamp::from_unix(h.now().unix() - 61);
    let approval = |login| Approval::new(login, Scope::parse("openid").unwrap());
    let approve = |login| block_on(h.provider().device().approve(&pending, approval(login)));
    assert_eq!(approve(old.clone()).unwrap_err().reason(), Reason::LoginNeeded);
    let _ = h.redeem(device.form()).rejected(Reason::DeferredPending);
    approve(login.clone()).unwrap();

    let auth_req_id = h.auth_req_id(h.signed_backchannel_form(&h.authentication_claims()));
    let complete = |login| h.complete(&auth_req_id, BackchannelDecision::Approved(approval(login)));
    assert_eq!(complete(old).unwrap_err().reason(), Reason::LoginNeeded);
    let _ = h.redeem(h.ciba_form("bank", &auth_req_id)).rejected(Reason::DeferredPending);
    complete(login).unwrap();
    assert_eq!(host.asked().len(), 1);
}

/// attack 51: nobody is asked for scope that no token will carry (RFC 8707 section 2).
#[test]
fn nobody_is_asked_for_what_means_nothing_at_the_resources() {
    let host = AskingHost::new();
    let builder = Harness::builder().backchannel(&host).devices().config(|config| {
        let reading = ResourceSettings::new().with_scopes(Scope::parse("read").unwrap());
        config.resources.insert(RESOURCE.to_owned(), reading);
    });
    let h = builder.build();
    let login = h.login("alice");
    for (resource, shown) in [(RESOURCE, "openid read"), (DEFAULT_AUDIENCE, "openid read write")] {
        let form = device_form("tv", "openid read write").set("resource", resource);
        let body = h.begin_device(form).accepted().json();
        let code = body["user_code"].as_str().unwrap();
        let pending = block_on(h.provider().device().look_up(code, &login, &[])).unwrap();
        assert_eq!(pending.scope().as_str(), shown, "{resource}");
        let form = backchannel_form("alice").set("scope", "openid read write").set("resource", resource);
        let _ = h.auth_req_id(form);
        let pending = host.asked().remove(0);
        assert_eq!(pending.scope.as_str(), shown, "{resource}");
        h.refuse(&pending).unwrap();
    }
}

/// Consent is remembered once it counts, and a yes that came too late leaves nothing behind.
#[test]
fn consent_is_remembered_once_the_answer_counts() {
    let (host, faults) = (AskingHost::new(), Faults::new());
    let wrapping = faults.clone();
    let h = Harness::builder().backchannel(&host).stores(move |store| wrapping.stores(store)).build();
    let known = || {
        let subject = h.login("alice").subject;
        block_on(h.provider().administration().consents_of_subject(&subject, &Page::first(9))).unwrap().items
    };
    let remembered = || BackchannelDecision::Approved(approval(&h, "openid").remembered());
    let auth_req_id = h.auth_req_id(backchannel_form("alice"));
    faults.break_verb("decide", Fault::Unavailable);
    assert_eq!(h.complete(&auth_req_id, remembered()).unwrap_err().reason(), Reason::StoreUnavailable);
    faults.mend();
    assert_eq!(known(), []);
    h.complete(&auth_req_id, remembered()).unwrap();
    assert_eq!(known().len(), 1);

    let auth_req_id = h.auth_req_id(backchannel_form("alice"));
    faults.break_verb("remember", Fault::Unavailable);
    h.complete(&auth_req_id, remembered()).unwrap();
    let refused = EventKind::Refused(Reason::StoreUnavailable);
    assert!(h.events().iter().any(|event| event.kind == refused), "the host is told");
    faults.mend();
    let _ = h.redeem(h.ciba_form("shop", &auth_req_id)).issued();
}
