//! FAPI Client Initiated Backchannel Authentication Profile section 5.2, CIBA Core sections 7, 10, 11 and 13 under it.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde_json::{Value, json};
use vouchsafe::client::{Client, TokenDeliveryMode};
use vouchsafe::error::Reason;
use vouchsafe::event::Endpoint;
use vouchsafe::jose::SigningAlg;
use vouchsafe::provider::{Approval, BackchannelDecision, MutualTls, Profile};
use vouchsafe::secret::TokenHash;
use vouchsafe::testing::certificates::{self, unverified, verified};
use vouchsafe::testing::{AskingHost, Form, Harness, NOTIFICATION_ENDPOINT, Outcome, TokenForm, client_form};
use vouchsafe::types::{ClientId, FetchUrl};

use crate::ciba::{UNFIT, UNSOUND, untimed};
use crate::fapi2_message_signing::authenticate_by_certificate;
use crate::mutation::{Draft, Keeps, Mutation, Table, accepted, give_every_key, key_of, refused};

/// A harness under the profile, whose client `bank` signs assertions, and `rival` like it.
fn harness() -> (Harness, Arc<AskingHost>) {
    let host = AskingHost::new();
    let h = Harness::builder()
        .signed_backchannel(&host)
        .provider(|builder| builder.with_mutual_tls(MutualTls::new().with_self_signed_tls_client_auth()))
        .profile(Profile::FapiCiba)
        .build();
    let metadata = h.client("bank").metadata().clone();
    let rival = Client::builder(ClientId::new("rival").unwrap(), metadata);
    h.store().insert_client(rival.settings(h.client("bank").settings().clone()).build().unwrap());
    give_every_key(&h, "bank");
    (h, host)
}

/// The same, where `bank` has its certificate to authenticate by.
fn by_certificate() -> (Harness, Arc<AskingHost>) {
    let (h, host) = harness();
    authenticate_by_certificate(&h, "bank");
    (h, host)
}

/// Sends a form over a connection with the certificate of `bank`.
fn certified(form: TokenForm) -> TokenForm {
    form.certificate(unverified(certificates::SELF_SIGNED))
}

/// Begins a request of `bank` with these claims beside the sound ones.
fn begin(h: &Harness, claims: &[(&str, Value)]) -> Outcome {
    let mut all = h.authentication_claims();
    for (name, value) in claims {
        all[*name] = value.clone();
    }
    h.begin_backchannel(certified(h.signed_backchannel_form(&all)))
}

fn begun(h: &Harness, claims: &[(&str, Value)]) -> String {
    begin(h, claims).accepted().json()["auth_req_id"].as_str().unwrap().to_owned()
}

fn poll(h: &Harness, auth_req_id: &str) -> Outcome {
    h.redeem(certified(h.ciba_form("bank", auth_req_id)))
}

/// So that no request of before waits for a person.
fn wait(h: &Harness) {
    h.advance(Duration::from_secs(600));
}

/// attack 227, attack 230: whatever is wrong, and however the client authenticates, it is `invalid_request` with 400.
#[test]
fn a_request_that_is_not_sound_is_an_invalid_request() {
    let refusals = |keeps| (&[400], &["invalid_request"], keeps);
    for ((h, host), keeps) in
        [(harness(), Keeps::EverythingButReplays), (by_certificate(), Keeps::Everything)]
    {
        let fresh = || {
            wait(&h);
            Draft::of_object(
                &h,
                certified(client_form(Form::new()).client("bank")),
                h.authentication_claims(),
            )
        };
        let untimed = &untimed(Reason::BackchannelObjectTimes);
        for (rows, keeps) in [(UNSOUND, keeps), (untimed, keeps), (UNFIT, Keeps::EverythingButReplays)] {
            let (statuses, errors, keeps) = refusals(keeps);
            let endpoint = Endpoint::BackchannelAuthentication;
            Table { harness: &h, endpoint, statuses, errors, keeps }.run(fresh, rows);
            assert_eq!(host.asked().len(), 1, "for the request that nobody changed");
        }
    }
}

/// What a request may be.
#[test]
fn a_request_may_be_as_long_and_as_old_as_an_hour() {
    const ROWS: &[Mutation] = &[
        accepted("exp: 60 minutes after nbf", |draft| draft.at("exp", 60 * 60)),
        accepted("nbf: 60 minutes ago", |draft| draft.at("nbf", -60 * 60).at("exp", 0)),
        accepted("nbf: in 8 seconds", |draft| draft.at("nbf", 8)),
        accepted("binding_message", |draft| draft.claim("binding_message", "1234")),
        accepted("requested_expiry: a number", |draft| draft.claim("requested_expiry", 30)),
        accepted("requested_expiry: a text", |draft| draft.claim("requested_expiry", "30")),
        accepted("acr_values", |draft| draft.claim("acr_values", "urn:mace:silver")),
    ];
    let (h, _) = harness();
    let fresh = || {
        wait(&h);
        Draft::of_object(&h, certified(client_form(Form::new()).client("bank")), h.authentication_claims())
    };
    let (endpoint, keeps) = (Endpoint::BackchannelAuthentication, Keeps::Everything);
    Table { harness: &h, endpoint, statuses: &[], errors: &[], keeps }.run(fresh, ROWS);
}

/// attack 84, attack 87: who the client is, is told by its assertion.
#[test]
fn a_client_is_who_its_assertion_says() {
    use Reason::{
        ClientAssertionAlgorithm, ClientAssertionIssuer, ClientAssertionSignature, ClientIdMismatch,
        ClientMethodNotRegistered,
    };

    let (h, host) = harness();
    let fresh = || {
        wait(&h);
        let form = certified(h.signed_backchannel_form(&h.authentication_claims()));
        Draft::by_assertion(&h, "bank", form)
    };
    let endpoint = Endpoint::BackchannelAuthentication;
    let (statuses, errors) = (&[401], &["invalid_client"]);
    let table = Table { harness: &h, endpoint, statuses, errors, keeps: Keeps::Everything };
    table.run(
        fresh,
        &[
            refused(
                "another client's client_id",
                |draft| draft.form(|form| form.set("client_id", "rival")),
                ClientIdMismatch,
            ),
            refused("alg: RS256", |draft| draft.by(&key_of(SigningAlg::Rs256)), ClientAssertionAlgorithm),
            refused("altered", |draft| draft.altered(), ClientAssertionSignature),
            refused("no sub", |draft| draft.without("sub"), ClientAssertionIssuer),
            refused(
                "missing",
                |draft| {
                    let draft = draft.absent();
                    draft.form(|form| form.without("client_assertion_type").set("client_id", "bank"))
                },
                ClientMethodNotRegistered,
            ),
        ],
    );
    assert_eq!(host.asked().len(), 1);
}

/// attack 186: and where it authenticates by a certificate, by that.
#[test]
fn a_client_is_who_its_certificate_says() {
    let (h, host) = by_certificate();
    let form = |client: &str, certificate: &str| {
        let form = h.signed_backchannel_form(&h.authentication_claims()).client(client);
        h.begin_backchannel(form.certificate(unverified(certificate)))
    };
    form("bank", certificates::SELF_SIGNED_STRANGER).rejected(Reason::ClientCertificateKey).unchanged();
    form("bank", certificates::CLIENT).rejected(Reason::ClientCertificateKey).unchanged();
    authenticate_by_certificate(&h, "rival");
    // Its own certificate, and the signed request of another.
    form("rival", certificates::SELF_SIGNED).rejected(Reason::BackchannelObjectParties).unchanged();
    let bare = h.signed_backchannel_form(&h.authentication_claims());
    h.begin_backchannel(bare).rejected(Reason::ClientCertificateMissing).unchanged();
    assert_eq!(host.asked().len(), 0);
}

/// attack 188, attack 190: tokens are bound to the certificate, however the client authenticates.
#[test]
fn tokens_are_bound_to_the_certificate_of_the_client() {
    for (h, host) in [harness(), by_certificate()] {
        let auth_req_id = begun(&h, &[]);
        h.agree(&host.asked().remove(0)).unwrap();
        let bare = h.redeem(h.ciba_form("bank", &auth_req_id));
        assert!([400, 401].contains(&bare.response.status().as_u16()), "{bare:?}");
        let _ = bare.unchanged_but_replays();
        let tokens = poll(&h, &auth_req_id).issued();
        let ask = |certificate| {
            let request = http::Request::get("https://op.example/userinfo");
            let request = request.header("authorization", format!("Bearer {}", tokens.access_token));
            let mut request = request.body(Bytes::new()).unwrap();
            request.extensions_mut().insert(certificate);
            h.answer(request)
        };
        ask(unverified(certificates::SELF_SIGNED)).accepted();
        ask(verified(certificates::CLIENT)).challenged(Reason::AccessTokenCertificate);
        let claims = tokens.id_claims();
        assert_eq!((&claims["sub"], &claims["aud"]), (&json!("alice"), &json!("bank")));
        let hash = TokenHash::of(&tokens.access_token);
        assert_eq!(claims["at_hash"], BASE64_URL_SAFE_NO_PAD.encode(&hash.as_bytes()[..16]));
    }
}

#[test]
fn the_id_token_tells_the_acr_that_was_reached() {
    let (h, host) = harness();
    let auth_req_id = begun(&h, &[("acr_values", json!("urn:mace:silver"))]);
    let pending = host.asked().remove(0);
    assert_eq!(pending.acr_values, ["urn:mace:silver"]);
    let login = h.login("alice").with_acr("urn:mace:silver");
    let approval = Approval::new(login, pending.scope.clone());
    h.complete(&auth_req_id, BackchannelDecision::Approved(approval)).unwrap();
    assert_eq!(poll(&h, &auth_req_id).issued().id_claims()["acr"], "urn:mace:silver");
}

#[test]
fn the_metadata_says_what_the_profile_demands() {
    let metadata = harness().0.metadata();
    assert_eq!(metadata["backchannel_authentication_endpoint"], "https://op.example/backchannel");
    assert_eq!(metadata["tls_client_certificate_bound_access_tokens"], true);
    let listed = |name: &str| metadata[name].as_array().unwrap().clone();
    assert!(listed("backchannel_token_delivery_modes_supported").contains(&json!("poll")));
    assert!(listed("backchannel_token_delivery_modes_supported").contains(&json!("ping")));
    assert!(!listed("backchannel_token_delivery_modes_supported").contains(&json!("push")));
    assert!(listed("grant_types_supported").contains(&json!("urn:openid:params:grant-type:ciba")));
    let algs = listed("backchannel_authentication_request_signing_alg_values_supported");
    assert_eq!(algs, [json!("ES256"), json!("PS256")]);
    assert_eq!(metadata["backchannel_user_code_parameter_supported"], true);
}

#[test]
fn a_request_is_answered_with_what_to_poll_by() {
    let (h, _) = harness();
    let answer = begin(&h, &[("binding_message", json!("1234")), ("requested_expiry", json!("120"))]);
    assert_eq!(answer.response.status(), 200);
    let body = answer.accepted().json();
    assert!(body["auth_req_id"].as_str().unwrap().len() > 43, "more than 256 bits");
    assert_eq!((&body["expires_in"], &body["interval"]), (&json!(120), &json!(5)));
}

/// attack 229: every poll is answered by what it is too early, too late or too often for.
#[test]
fn a_poll_is_told_what_it_waits_for() {
    let (h, host) = harness();
    let told = |auth_req_id: &str, reason: Reason, code: &str| {
        let refused = poll(&h, auth_req_id).rejected(reason);
        assert_eq!((refused.response.status().as_u16(), &refused.json()["error"]), (400, &json!(code)));
    };
    let first = begun(&h, &[]);
    told(&first, Reason::DeferredPending, "authorization_pending");
    told(&first, Reason::DeferredTooEarly, "slow_down");
    h.advance(Duration::from_secs(300));
    told(&first, Reason::DeferredExpired, "expired_token");
    drop(host.asked());

    let second = begun(&h, &[]);
    h.refuse(&host.asked().remove(0)).unwrap();
    told(&second, Reason::DeferredDenied, "access_denied");

    let third = begun(&h, &[]);
    h.agree(&host.asked().remove(0)).unwrap();
    let stolen = h.redeem(certified(h.ciba_form("rival", &third))).rejected(Reason::DeferredForeign);
    assert_eq!(stolen.json()["error"], "invalid_grant");
    let _ = poll(&h, &third).issued();
    told(&third, Reason::DeferredReplayed, "invalid_grant");
}

/// A client may be pinged with a token as long as one may be, and is pinged once whatever it answers.
#[test]
fn a_ping_is_what_to_poll_by_and_the_token_of_the_client() {
    let (h, host) = harness();
    let mut metadata = h.client("bank").metadata().clone();
    metadata.backchannel_token_delivery_mode = Some(TokenDeliveryMode::Ping);
    metadata.backchannel_client_notification_endpoint = FetchUrl::parse(NOTIFICATION_ENDPOINT).ok();
    let client = Client::builder(ClientId::new("bank").unwrap(), metadata);
    h.store().insert_client(client.settings(h.client("bank").settings().clone()).build().unwrap());
    let token = "t".repeat(1024);
    for status in [204, 200, 401, 403, 302] {
        let answer = http::Response::builder().status(status).header("location", "https://evil.example/");
        h.http().answer(NOTIFICATION_ENDPOINT, answer.body(Bytes::from_static(b"{\"a\":1}")).unwrap());
        let auth_req_id = begun(&h, &[("client_notification_token", json!(token))]);
        drop(h.http().take_requests());
        h.agree(&host.asked().remove(0)).unwrap();
        for _ in 0..10 {
            h.runtime().run();
            h.advance(Duration::from_secs(5));
        }
        let [told] = &*h.http().take_requests() else { panic!("the client is told once: {status}") };
        assert_eq!((told.method().as_str(), &*told.uri().to_string()), ("POST", NOTIFICATION_ENDPOINT));
        assert_eq!(told.headers()["authorization"], format!("Bearer {token}"));
        let body: Value = serde_json::from_slice(told.body()).unwrap();
        assert_eq!(body, json!({ "auth_req_id": auth_req_id }));
        let _ = poll(&h, &auth_req_id).issued();
    }
}
