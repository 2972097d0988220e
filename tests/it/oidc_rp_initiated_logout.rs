//! OpenID Connect RP-Initiated Logout 1.0 sections 2, 3, 4 and 6: the logout endpoint.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde_json::{Value, json};
use vouchsafe::error::Reason;
use vouchsafe::event::EventKind;
use vouchsafe::jose::{self, JoseSigner, SigningAlg, SigningHeader};
use vouchsafe::provider::{Approval, Logout, OfflineAccess};
use vouchsafe::testing::{
    Carrier, Fault, Faults, Form, Harness, OneLogin, Outcome, authorize_form, block_on, code_form,
};
use vouchsafe::types::{Authentication, Claims, SessionId, Subject};
use vouchsafe::wire::Request;

pub(crate) const RETURN: &str = "https://web.example/out";

/// An ID token and an access token of this login for `web`, and whether they outlast it.
pub(crate) fn signed_in(h: &Harness, login: &Authentication, scope: &str) -> (String, String) {
    let form = authorize_form().scope(scope);
    let visit = h.authorize(&form);
    let scope = visit.pending().request().scope.clone();
    let code = visit.approved(Approval::new(login.clone(), scope)).code();
    let tokens = h.redeem(code_form(&form, &code)).issued();
    (tokens.id_token.unwrap(), tokens.access_token)
}

pub(crate) fn alice(h: &Harness) -> (Arc<OneLogin>, String, String) {
    let login = h.login("alice");
    let (id_token, access_token) = signed_in(h, &login, "openid read");
    (OneLogin::of(login), id_token, access_token)
}

pub(crate) fn hinted(id_token: &str) -> Form {
    Form::new().set("id_token_hint", id_token).set("post_logout_redirect_uri", RETURN).set("state", "a b&c")
}

pub(crate) fn text(outcome: &Outcome) -> &str {
    std::str::from_utf8(outcome.response.body()).unwrap()
}

/// The person is asked, and nothing has happened yet.
#[track_caller]
pub(crate) fn asked(outcome: Outcome, host: &OneLogin) -> Outcome {
    let outcome = outcome.accepted().unchanged();
    assert!(text(&outcome).contains("id=\"logout-confirm\""), "{}", text(&outcome));
    assert!(host.login().is_some(), "nobody was signed out");
    outcome
}

/// The page after a logout, which leads nowhere.
#[track_caller]
pub(crate) fn signed_out(outcome: &Outcome) {
    assert_eq!(outcome.response.status(), 200);
    assert!(text(outcome).contains("<h1>You are signed out</h1>"), "{}", text(outcome));
    assert_eq!(outcome.header("location"), None);
    assert!(!text(outcome).contains("http-equiv"));
}

#[track_caller]
pub(crate) fn sent_back(outcome: &Outcome) {
    let landing = outcome.landing();
    assert_eq!((landing.uri.as_str(), landing.carrier), (RETURN, Carrier::Query));
    assert_eq!(landing.params.iter().collect::<Vec<_>>(), [("state", "a b&c")], "state and nothing else");
}

#[test]
fn a_hint_of_this_session_signs_out_at_once_and_leads_back_with_the_state() {
    let h = Harness::new();
    let (host, id_token, access_token) = alice(&h);
    let out = h.log_out(&hinted(&id_token), &host);
    sent_back(&out);
    assert_eq!(host.login(), None);
    assert_eq!(out.header("set-cookie"), Some("host_session=; Max-Age=0"));
    assert!(out.events.iter().any(|event| event.kind == EventKind::SessionEnded));
    assert!(!h.is_active("api", &access_token));
    h.authorize(&authorize_form().prompt("none")).next(None).returned(Reason::LoginNeeded);
}

#[test]
fn a_hint_counts_long_after_it_has_expired() {
    let h = Harness::new();
    let (host, id_token, _) = alice(&h);
    h.advance(Duration::from_secs(30 * 24 * 60 * 60));
    sent_back(&h.log_out(&hinted(&id_token), &host));
    assert_eq!(host.login(), None);
}

/// attack 235: a link of another site signs nobody out; the person is asked, and only their yes counts.
#[test]
fn without_a_hint_the_person_is_asked() {
    let h = Harness::new();
    let (host, _, access_token) = alice(&h);
    let page = asked(h.log_out(&Form::new(), &host), &host);
    assert_eq!(page.header("x-frame-options"), Some("DENY"));
    assert!(h.is_active("api", &access_token));
    signed_out(&h.confirm_logout(&page, &host));
    assert_eq!(host.login(), None);
    assert!(!h.is_active("api", &access_token));
}

#[test]
fn a_client_that_only_names_itself_has_the_person_asked_and_gets_them_back() {
    let h = Harness::new();
    let (host, ..) = alice(&h);
    let form = hinted("").without("id_token_hint").set("client_id", "web");
    let page = asked(h.log_out(&form, &host), &host);
    sent_back(&h.confirm_logout(&page, &host));
    assert_eq!(host.login(), None);
    sent_back(&h.confirm_logout(&page, &host));
}

/// attack 50, attack 235: a confirmation of one browser is worth nothing in another, and cannot be made up.
#[test]
fn a_confirmation_counts_in_the_browser_that_was_asked() {
    let h = Harness::new();
    let (host, ..) = alice(&h);
    let page = asked(h.log_out(&Form::new(), &host), &host);
    let confirmation = page.landing().value("confirmation").to_owned();
    let form = Form::new().set("confirmation", confirmation);
    h.log_out(&form, &host).shown(Reason::MethodNotAllowed).unchanged();
    h.browser().clear();
    let forged = h.log_out_by_post(&form, &host).shown(Reason::LogoutForgedForm).unchanged();
    assert_eq!(forged.response.status(), 403);
    asked(h.log_out(&Form::new(), &host), &host);
    let made_up = Form::new().set("confirmation", "x");
    h.log_out_by_post(&made_up, &host).shown(Reason::LogoutForgedForm).unchanged();
    assert!(host.login().is_some());
}

#[test]
fn a_confirmation_does_not_outlast_its_time() {
    let h = Harness::new();
    let (host, ..) = alice(&h);
    let page = asked(h.log_out(&Form::new(), &host), &host);
    h.advance(Duration::from_secs(30 * 60));
    h.confirm_logout(&page, &host).shown(Reason::PendingExpired).unchanged();
    assert!(host.login().is_some());
}

/// attack 236: the hint of another person or session ends neither session unasked.
#[test]
fn a_hint_of_another_session_has_the_person_asked() {
    let h = Harness::new();
    h.accounts().insert(Subject::new("bob").unwrap(), Claims::new());
    let (host, _, access_token) = alice(&h);
    let (of_bob, bobs) = signed_in(&h, &h.login("bob"), "openid read");
    let elsewhere = h.login("alice").with_session(SessionId::new("her phone").unwrap());
    let (of_phone, phones) = signed_in(&h, &elsewhere, "openid read");
    for hint in [of_bob, of_phone] {
        let page = asked(h.log_out(&hinted(&hint), &host), &host);
        assert!([&access_token, &bobs, &phones].iter().all(|token| h.is_active("api", token)));
        drop(page);
    }
    let page = asked(h.log_out(&Form::new(), &host), &host);
    signed_out(&h.confirm_logout(&page, &host));
    assert!(!h.is_active("api", &access_token));
    assert!(h.is_active("api", &bobs) && h.is_active("api", &phones), "the other sessions go on");
}

/// attack 236: a yes is about the person who was signed in when it was asked for.
#[test]
fn who_signs_in_while_the_page_is_open_is_asked_anew() {
    let h = Harness::new();
    h.accounts().insert(Subject::new("bob").unwrap(), Claims::new());
    let (host, _, access_token) = alice(&h);
    let page = asked(h.log_out(&Form::new(), &host), &host);
    host.change(h.login("bob"));
    let again = asked(h.confirm_logout(&page, &host), &host);
    assert!(h.is_active("api", &access_token));
    signed_out(&h.confirm_logout(&again, &host));
    assert_eq!(host.login(), None);
}

/// attack 237, attack 161: what is no ID token of ours says nothing, so that the person is asked and stays here.
#[test]
fn a_hint_that_is_not_ours_counts_as_none() {
    let h = Harness::new();
    let (host, id_token, access_token) = alice(&h);
    let claims: Value =
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(id_token.split('.').nth(1).unwrap()).unwrap())
            .unwrap();
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = format!("{}.{}.", part(&json!({ "alg": "none" })), part(&claims));
    let stranger = JoseSigner::generate(SigningAlg::Rs256).unwrap();
    let sign = |header: SigningHeader, claims: &Value, key: &JoseSigner| {
        block_on(jose::sign(&header, claims.to_string().as_bytes(), key)).unwrap()
    };
    let foreign = sign(SigningHeader::new(), &claims, &stranger);
    let ours = h.provider().keyring().signer(SigningAlg::Rs256).unwrap();
    let signed_by_us = |header: SigningHeader, claims: &Value| {
        block_on(jose::sign(&header, claims.to_string().as_bytes(), &*ours)).unwrap()
    };
    let mut of_another = claims.clone();
    of_another["iss"] = "https://evil.example".into();
    let mut logout_token = claims.clone();
    logout_token["events"] = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
    // Not the last character, of which not every bit counts.
    let (head, tail) = id_token.split_at(id_token.len() - 10);
    let other = if tail.starts_with('A') { 'B' } else { 'A' };
    let changed = format!("{head}{other}{}", &tail[1..]);
    for hint in [
        unsigned.clone(),
        foreign,
        changed,
        signed_by_us(SigningHeader::new(), &of_another),
        signed_by_us(SigningHeader::typed("at+jwt"), &claims),
        signed_by_us(SigningHeader::typed("logout+jwt"), &logout_token),
        signed_by_us(SigningHeader::new(), &logout_token),
    ] {
        let page = asked(h.log_out(&hinted(&hint), &host), &host);
        drop(page);
    }
    for hint in
        ["x", "a.b", "a.b.c", "a.b.c.d.e", &access_token, "..", "a.b.", "e30.e30.", &"x".repeat(20_000)]
    {
        h.log_out(&hinted(hint), &host).shown(Reason::LogoutHintMalformed).unchanged();
    }
    let page = asked(h.log_out(&hinted(&unsigned), &host), &host);
    signed_out(&h.confirm_logout(&page, &host));
}

/// attack 234: no address but those of the client, byte for byte, and none without a client.
#[test]
fn an_address_that_is_not_registered_is_not_gone_to() {
    for uri in [
        "https://evil.example/out",
        "https://web.example/out?x=1",
        "https://web.example/out/",
        "https://web.example/out#x",
        "https://web.example/OUT",
        "https://WEB.example/out",
        "https://web.example:443/out",
        "https://web.example/out/../out",
        "https://web.example/out%2f",
        "https://user@web.example/out",
        "https://web.example.evil.example/out",
        "https://web.example@evil.example/out",
        "//web.example/out",
        "/out",
        "javascript:alert(1)",
        "https://web.example/cb",
        "https://trusted.example/out",
        " https://web.example/out",
        "",
    ] {
        let h = Harness::new();
        let (host, id_token, _) = alice(&h);
        let form = hinted(&id_token).set("post_logout_redirect_uri", uri);
        signed_out(&h.log_out(&form, &host));
        assert_eq!(host.login(), None, "{uri}");
        let page = h.log_out(&form.without("id_token_hint").set("client_id", "web"), &OneLogin::nobody());
        signed_out(&page);
    }
    let h = Harness::new();
    let (host, ..) = alice(&h);
    let page = asked(h.log_out(&Form::new().set("post_logout_redirect_uri", RETURN), &host), &host);
    signed_out(&h.confirm_logout(&page, &host));
    signed_out(&h.log_out(&Form::new().set("post_logout_redirect_uri", RETURN), &OneLogin::nobody()));
}

#[test]
fn an_address_is_not_gone_to_once_it_is_unregistered() {
    let h = Harness::new();
    let (host, ..) = alice(&h);
    let form = hinted("").without("id_token_hint").set("client_id", "web");
    let page = asked(h.log_out(&form, &host), &host);
    let mut metadata = h.client("web").metadata().clone();
    metadata.post_logout_redirect_uris.clear();
    let metadata = metadata.with_auth_method(vouchsafe::ClientAuthMethod::None);
    let client = vouchsafe::Client::builder(h.client("web").id().clone(), metadata).build().unwrap();
    h.store().insert_client(client);
    signed_out(&h.confirm_logout(&page, &host));
}

/// attack 238: a state arrives as it was sent, and stands nowhere raw.
#[test]
fn a_state_is_encoded_and_never_reflected() {
    for state in
        ["\r\nSet-Cookie: x=1", "\"><script>alert(1)</script>", "a&state=b#c", "\u{202e}\u{0}", "'\\"]
    {
        let h = Harness::new();
        let (host, id_token, _) = alice(&h);
        let asks = hinted("").without("id_token_hint").set("client_id", "web").set("state", state);
        if state.contains('\0') {
            let _ = h.log_out(&asks, &host).shown(Reason::FormMalformed);
            continue;
        }
        let page = asked(h.log_out(&asks, &host), &host);
        assert!(!text(&page).contains(state) && !text(&page).contains("<script"));
        let out = h.log_out(&hinted(&id_token).set("state", state), &host);
        assert_eq!(out.landing().value("state"), state);
        let location = out.header("location").unwrap();
        assert!(location.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>'\\".contains(&byte)));
        let gone = h.log_out(&asks.without("client_id"), &OneLogin::nobody());
        signed_out(&gone);
        assert!(!text(&gone).contains(state));
    }
}

#[test]
fn what_is_wrong_with_a_request_is_shown() {
    let h = Harness::new();
    let (host, id_token, _) = alice(&h);
    let long = "x".repeat(2049);
    for (form, reason) in [
        (hinted(&id_token).set("client_id", "trusted"), Reason::LogoutClientMismatch),
        (Form::new().set("client_id", "nobody"), Reason::LogoutClientUnknown),
        (Form::new().set("client_id", "\u{e9}"), Reason::LogoutClientUnknown),
        (hinted(&id_token).also("state", "x"), Reason::ParameterRepeated),
        (hinted(&id_token).also("post_logout_redirect_uri", RETURN), Reason::ParameterRepeated),
        (hinted(&id_token).also("id_token_hint", "x.y.z"), Reason::ParameterRepeated),
        (hinted(&id_token).set("state", &long), Reason::StateTooLong),
        (hinted(&id_token).set("logout_hint", &long), Reason::HintMalformed),
    ] {
        h.log_out(&form, &host).shown(reason).unchanged();
    }
    assert!(host.login().is_some());
    sent_back(&h.log_out(&hinted(&id_token).set("client_id", "web").set("unknown", "x"), &host));
}

#[test]
fn where_nobody_is_signed_in_it_is_over() {
    let h = Harness::new();
    let (_, id_token, access_token) = alice(&h);
    let nobody = OneLogin::nobody();
    signed_out(&h.log_out(&Form::new(), &nobody));
    sent_back(&h.log_out(&hinted(&id_token), &nobody));
    assert!(h.is_active("api", &access_token), "a hint alone ends nothing");
}

#[test]
fn what_the_person_let_a_client_keep_while_away_stays_unless_the_host_asks() {
    let h = Harness::new();
    let login = h.login("alice");
    let (id_token, kept) = signed_in(&h, &login, "openid offline_access read");
    let (_, ended) = signed_in(&h, &login, "openid read");
    sent_back(&h.log_out(&hinted(&id_token), &OneLogin::of(login.clone())));
    assert!(h.is_active("api", &kept) && !h.is_active("api", &ended));
    let request = Request::new(Bytes::new());
    let page = block_on(h.provider().logout(&request, Some(&login)));
    let Logout::Confirm { pending, .. } = page else { panic!("{page:?}") };
    assert_eq!(pending.session(), login.session.as_ref());
    let pending = pending.with_offline_access(OfflineAccess::Ended);
    assert!(!block_on(h.provider().carry_out_logout(&pending)).unwrap().leads_on());
    assert!(!h.is_active("api", &kept));
}

/// The host can ask for it where the person is asked, and say it once for all logouts.
#[test]
fn what_the_host_says_of_offline_access_is_sealed_with_the_question() {
    for (config, own, stays) in [
        (OfflineAccess::Kept, None, true),
        (OfflineAccess::Kept, Some(OfflineAccess::Ended), false),
        (OfflineAccess::Ended, None, false),
        (OfflineAccess::Ended, Some(OfflineAccess::Kept), true),
    ] {
        let change =
            move |builder: &mut vouchsafe::provider::Config| builder.offline_access_at_logout = config;
        let h = Harness::builder().config(change).build();
        h.accounts().insert(Subject::new("bob").unwrap(), Claims::new());
        let (_, kept) = signed_in(&h, &h.login("alice"), "openid offline_access read");
        let bob = OneLogin::of(h.login("bob"));
        let request = Request::new(Bytes::new());
        let page = block_on(h.provider().logout(&request, bob.login().as_ref()));
        let Logout::Confirm { pending, set_cookie } = page else { panic!("{page:?}") };
        h.browser().receive_cookies(
            &http::Response::builder().header("set-cookie", set_cookie.unwrap()).body(Bytes::new()).unwrap(),
        );
        let pending = own.into_iter().fold(pending, |pending, own| pending.with_offline_access(own));
        let sealed = h.provider().seal_logout(&pending).unwrap();
        // Alice has signed in meanwhile, and is asked in turn.
        let alice = OneLogin::of(h.login("alice"));
        let again = asked(h.log_out_by_post(&Form::new().set("confirmation", sealed), &alice), &alice);
        signed_out(&h.confirm_logout(&again, &alice));
        assert_eq!(h.is_active("api", &kept), stays, "{config:?}, {own:?}");
    }
}

/// attack 235: where no session has a name, an old ID token of the person could sign them out for ever.
#[test]
fn a_host_without_names_for_sessions_goes_by_the_person_while_the_hint_is_fresh() {
    let h = Harness::new();
    let login = Authentication::new(Subject::new("alice").unwrap(), h.now());
    let (id_token, access_token) = signed_in(&h, &login, "openid read");
    let host = OneLogin::of(login.clone());
    let out = h.log_out(&hinted(&id_token), &host);
    sent_back(&out);
    assert_eq!(host.login(), None);
    assert!(h.is_active("api", &access_token), "no session tells which grants are its own");
    let kinds: Vec<_> = out.events.iter().map(|event| &event.kind).collect();
    assert!(kinds.contains(&&EventKind::SessionUnnamed) && !kinds.contains(&&EventKind::SessionEnded));
    h.advance(Duration::from_secs(60 * 60));
    let host = OneLogin::of(login);
    let page = asked(h.log_out(&hinted(&id_token), &host), &host);
    sent_back(&h.confirm_logout(&page, &host));
}

#[test]
fn a_logout_that_fails_leaves_the_person_signed_in() {
    let h = Harness::new();
    let (_, id_token, _) = alice(&h);
    let stuck = OneLogin::stuck(h.login("alice"));
    let out = h.log_out(&hinted(&id_token), &stuck);
    assert_eq!((out.response.status().as_u16(), out.header("location")), (503, None));
    assert!(stuck.login().is_some());
}

#[test]
fn a_store_that_fails_leaves_the_person_signed_in() {
    for verb in ["grants", "revoke_some"] {
        let faults = Faults::new();
        let stores = faults.clone();
        let h = Harness::builder().stores(move |memory| stores.stores(memory)).build();
        let (host, id_token, access_token) = alice(&h);
        faults.break_verb(verb, Fault::Unavailable);
        h.log_out(&hinted(&id_token), &host).shown(Reason::StoreUnavailable).unchanged();
        assert!(host.login().is_some());
        faults.mend();
        sent_back(&h.log_out(&hinted(&id_token), &host));
        assert!(!h.is_active("api", &access_token));
    }
}

#[test]
fn it_is_nowhere_unless_it_is_turned_on() {
    let h = Harness::new();
    let document = |h: &Harness| {
        let request = http::Request::get("/.well-known/openid-configuration").body(Bytes::new()).unwrap();
        h.answer(request).json()
    };
    assert_eq!(document(&h)["end_session_endpoint"], "https://op.example/logout");
    let builder = vouchsafe::Provider::builder(
        h.provider().config().clone(),
        vouchsafe::Stores::of(Arc::new(vouchsafe::MemoryStore::new())),
        h.provider().keyring().clone(),
        h.system_secrets().clone(),
    );
    let off = builder.accounts(Arc::new(vouchsafe::testing::AccountTable::default()));
    let off = off.with_authorization_code().build().unwrap();
    assert_eq!(off.route("/logout"), None);
}
