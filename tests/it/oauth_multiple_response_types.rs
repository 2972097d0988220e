//! OAuth 2.0 Multiple Response Type Encoding Practices sections 2.1, 3, 4 and 5, RFC 6749 section 4.2: which response types
//! are answered, with what, and how they travel.

use std::sync::Arc;

use serde_json::json;
use vouchsafe::client::{Client, ClientAuthMethod, ClientMetadata};
use vouchsafe::entropy::OsEntropy;
use vouchsafe::error::Reason;
use vouchsafe::event::EventKind;
use vouchsafe::jose::{Keyring, SigningAlg};
use vouchsafe::provider::{BuildError, Config, Denial, Provider, ProviderBuilder};
use vouchsafe::secret::SystemSecrets;
use vouchsafe::store::Stores;
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::testing::{
    AccountTable, AuthorizeForm, Carrier, Fault, Faults, Harness, Landing, authorize_form,
};
use vouchsafe::types::{ClientId, GrantType, RedirectUri, ResponseType};

/// Every response type but `code`, with what it brings beside `state` and `iss`.
const ROWS: [(&str, &[&str]); 7] = [
    ("id_token", &["id_token"]),
    ("id_token token", &["access_token", "token_type", "expires_in", "scope", "id_token"]),
    ("code id_token", &["code", "id_token"]),
    ("code token", &["code", "access_token", "token_type", "expires_in", "scope"]),
    ("code id_token token", &["code", "access_token", "token_type", "expires_in", "scope", "id_token"]),
    ("token", &["access_token", "token_type", "expires_in", "scope"]),
    ("none", &[]),
];

fn asks(response_type: &str) -> AuthorizeForm {
    authorize_form().client("front").set("response_type", response_type)
}

fn harness() -> Harness {
    Harness::builder().front_channel().build()
}

/// The modes that a response type may have, with how each travels; the first is what it has when none is asked for.
fn modes(response_type: &str) -> Vec<(Option<&'static str>, Carrier)> {
    let usual = if response_type == "none" { Carrier::Query } else { Carrier::Fragment };
    let mut modes =
        vec![(None, usual), (Some("fragment"), Carrier::Fragment), (Some("form_post"), Carrier::Post)];
    modes.extend((response_type == "none").then_some((Some("query"), Carrier::Query)));
    modes
}

fn in_mode(form: AuthorizeForm, mode: Option<&str>) -> AuthorizeForm {
    match mode {
        Some(mode) => form.set("response_mode", mode),
        None => form,
    }
}

fn names(landing: &Landing) -> Vec<&str> {
    landing.params.iter().map(|(name, _)| name).collect()
}

#[test]
fn each_type_brings_what_it_names_in_every_mode() {
    let h = harness();
    for (response_type, brings) in ROWS {
        for (mode, carrier) in modes(response_type) {
            let form = in_mode(asks(response_type), mode);
            let landing = h.authorize(&form).approved_by("alice").landing();
            assert_eq!((landing.carrier, landing.uri.as_str()), (carrier, "https://front.example/cb"));
            assert_eq!(names(&landing), [brings, &["state", "iss"]].concat(), "{response_type} {mode:?}");
            assert_eq!(landing.value("state"), "af0ifjsldkj");
            assert_eq!(landing.value("iss"), "https://op.example");
        }
    }
}

#[test]
fn each_type_is_refused_and_denied_where_it_would_have_been_answered() {
    let h = harness();
    for (response_type, _) in ROWS {
        for (mode, carrier) in modes(response_type) {
            let form = in_mode(asks(response_type), mode);
            let refused = h.authorize(&form.clone().prompt("none login"));
            let silent = h.authorize(&form.clone().prompt("none")).next(None);
            let denied = h.authorize(&form).denied(Denial::Person);
            for (visit, reason) in [
                (refused, Reason::PromptNoneCombined),
                (silent, Reason::LoginNeeded),
                (denied, Reason::DeniedByUser),
            ] {
                let landing = visit.returned(reason);
                assert_eq!(landing.carrier, carrier, "{response_type} {mode:?}");
                assert_eq!(names(&landing), ["error", "error_description", "state", "iss"]);
            }
        }
    }
}

#[test]
fn the_words_stand_in_any_order() {
    let h = harness();
    for (written, response_type) in [
        ("token id_token", ResponseType::IdTokenToken),
        ("id_token code", ResponseType::CodeIdToken),
        ("token code", ResponseType::CodeToken),
        ("token id_token code", ResponseType::CodeIdTokenToken),
        ("id_token code token", ResponseType::CodeIdTokenToken),
    ] {
        let visit = h.authorize(&asks(written));
        assert_eq!(visit.pending().request().response_type, response_type);
        let landing = visit.approved_by("alice").landing();
        for (name, brought) in [
            ("access_token", response_type.has_token()),
            ("code", response_type.has_code()),
            ("id_token", response_type.has_id_token()),
        ] {
            assert_eq!(landing.params.one(name).unwrap().is_some(), brought, "{written}: {name}");
        }
    }
    for written in ["code none", "none token", "code code", "id_token  token", "token,id_token", "TOKEN"] {
        h.authorize(&asks(written)).returned(Reason::ResponseTypeUnsupported);
    }
}

/// attack 25: what the provider does not offer is refused to every client, registered for it or not.
#[test]
fn a_type_that_is_off_is_refused_though_the_client_registered_it() {
    let registered = Harness::builder().front_channel().build().client("front");
    let h = Harness::builder().client(registered).build();
    for (response_type, _) in ROWS {
        let landing = h.authorize(&asks(response_type)).returned(Reason::ResponseTypeUnsupported);
        assert_eq!(landing.value("error"), "unsupported_response_type", "{response_type}");
        let usual = if response_type == "none" { Carrier::Query } else { Carrier::Fragment };
        assert_eq!(landing.carrier, usual, "{response_type}");
    }
}

/// attack 25: what the provider offers is refused to a client that did not register it.
#[test]
fn a_type_that_the_client_did_not_register_is_refused() {
    let h = harness();
    for (response_type, _) in ROWS {
        let landing =
            h.authorize(&asks(response_type).client("spa")).returned(Reason::ResponseTypeNotAllowed);
        assert_eq!(landing.value("error"), "unauthorized_client", "{response_type}");
    }
    let uri = RedirectUri::register("https://one.example/cb").unwrap();
    for (written, response_type) in
        [("id_token", ResponseType::IdToken), ("code token", ResponseType::CodeToken)]
    {
        let mut metadata = ClientMetadata::code_flow([uri.clone()]).with_auth_method(ClientAuthMethod::None);
        (metadata.response_types, metadata.grant_types) = (Vec::new(), Vec::new());
        let metadata = metadata.with_response_type(response_type);
        let client = Client::builder(ClientId::new("one").unwrap(), metadata).build().unwrap();
        let h = Harness::builder().front_channel().client(client).build();
        for (other, _) in ROWS.iter().filter(|(other, _)| *other != written) {
            h.authorize(&asks(other).client("one")).returned(Reason::ResponseTypeNotAllowed);
        }
        let landing = h.authorize(&asks(written).client("one")).approved_by("alice").landing();
        assert_eq!(landing.params.one("error"), Ok(None));
    }
}

#[test]
fn each_type_is_turned_on_by_its_own_call_and_listed() {
    for (response_type, _) in ROWS {
        let turned_on: ResponseType = response_type.parse().unwrap();
        let h = Harness::builder()
            .client(harness().client("front"))
            .provider(move |builder| builder.with_response_type(turned_on))
            .build();
        let metadata = h.metadata();
        assert_eq!(metadata["response_types_supported"], json!(["code", response_type]));
        let grant_types = metadata["grant_types_supported"].as_array().unwrap();
        assert_eq!(grant_types.contains(&json!("implicit")), response_type != "none", "{response_type}");
        for (other, _) in ROWS {
            let visit = h.authorize(&asks(other));
            match other == response_type {
                true => assert_eq!(visit.pending().request().response_type, turned_on),
                false => drop(visit.returned(Reason::ResponseTypeUnsupported)),
            }
        }
    }
}

#[test]
fn everything_that_is_on_is_listed_once() {
    let metadata = harness().metadata();
    let types = [
        "code",
        "code id_token",
        "code id_token token",
        "code token",
        "id_token",
        "id_token token",
        "none",
        "token",
    ];
    assert_eq!(metadata["response_types_supported"], json!(types));
    assert_eq!(metadata["response_modes_supported"], json!(["query", "fragment", "form_post"]));
    let grant_types = ["authorization_code", "client_credentials", "implicit", "refresh_token"];
    assert_eq!(metadata["grant_types_supported"], json!(grant_types));
}

/// attack 27: tokens never travel in the query, and neither do errors about them.
#[test]
fn a_type_that_is_on_is_never_answered_in_the_query() {
    let h = harness();
    for (response_type, _) in ROWS.iter().filter(|(response_type, _)| *response_type != "none") {
        let form = asks(response_type).set("response_mode", "query");
        for form in [form.clone(), form.clone().prompt("none"), form.set("max_age", "x")] {
            let landing = h.authorize(&form).returned(Reason::ResponseModeInsecure);
            assert_eq!(landing.carrier, Carrier::Fragment, "{response_type}");
            assert_eq!(landing.value("error"), "invalid_request");
        }
    }
}

/// attack 22, attack 23, attack 24: the address is looked at first, whatever is wrong beside it.
#[test]
fn no_error_about_tokens_reaches_an_address_that_is_not_registered() {
    let h = harness();
    for (response_type, _) in ROWS {
        let stray = asks(response_type).set("redirect_uri", "https://evil.example/cb");
        for form in [
            stray.clone(),
            stray.clone().scope("profile"),
            stray.clone().without("nonce"),
            stray.clone().prompt("none"),
            stray.clone().set("response_mode", "query"),
            stray.set("response_mode", "form_post").set("code_challenge", "x"),
        ] {
            h.authorize(&form).shown(Reason::RedirectUriNotRegistered);
        }
    }
}

/// attack 29: a state cannot become markup beside tokens either.
#[test]
fn tokens_can_be_posted_beside_any_state() {
    let h = harness();
    let state = "\"><script>alert(1)</script>\r\n";
    let form = asks("code id_token token").set("response_mode", "form_post").set("state", state);
    let visit = h.authorize(&form).approved_by("alice");
    assert_eq!(visit.landing().value("state"), state);
    let page = String::from_utf8(visit.outcome.response.body().to_vec()).unwrap();
    assert!(!page.contains("<script>alert"));
}

/// attack 32: a challenge is demanded where there is a code to protect, and nowhere else.
#[test]
fn a_challenge_is_demanded_where_there_is_a_code() {
    let h = harness();
    for (response_type, brings) in ROWS {
        let visit =
            h.authorize(&asks(response_type).without("code_challenge").without("code_challenge_method"));
        if brings.contains(&"code") {
            visit.returned(Reason::PkceChallengeMissing);
        } else {
            assert_eq!(visit.pending().request().code_challenge, None, "{response_type}");
            assert_eq!(names(&visit.approved_by("alice").landing()).len(), brings.len() + 2);
        }
    }
}

/// OpenID Connect Core 1.0 section 11: no refresh token can follow, so that none is asked for.
#[test]
fn offline_access_is_ignored_without_a_code() {
    let h = harness();
    for (response_type, brings) in ROWS {
        let visit = h.authorize(&asks(response_type).scope("openid offline_access"));
        let kept = visit.pending().request().scope.contains("offline_access");
        assert_eq!(kept, brings.contains(&"code"), "{response_type}");
        let landing = visit.approved_by("alice").landing();
        assert_eq!(landing.params.one("refresh_token"), Ok(None), "RFC 6749 section 4.2.2");
    }
}

#[test]
fn nothing_is_issued_for_none_but_consent_is_remembered() {
    let faults = Faults::new();
    let given = faults.clone();
    let h = Harness::builder().front_channel().stores(move |memory| given.stores(memory)).build();
    let visit = h.authorize(&asks("none").scope("openid email")).remembered_by("alice");
    assert_eq!(faults.calls(), ["remember"]);
    assert_eq!(names(&visit.landing()), ["state", "iss"]);
    assert_eq!(
        visit.outcome.events.iter().map(|event| &event.kind).collect::<Vec<_>>(),
        [&EventKind::Approved]
    );
    let silent = asks("id_token token").scope("openid email").prompt("none");
    let landing = h.authorize(&silent).next(Some(&h.login("alice"))).landing();
    assert_eq!(landing.value("scope"), "openid email");
    h.authorize(&asks("none").scope("openid phone").prompt("none"))
        .next(Some(&h.login("alice")))
        .returned(Reason::ConsentNeeded);
}

#[test]
fn a_type_asks_the_stores_no_more_than_it_must() {
    let faults = Faults::new();
    let given = faults.clone();
    let h = Harness::builder().front_channel().stores(move |memory| given.stores(memory)).build();
    for (response_type, brings) in ROWS {
        let visit = h.authorize(&asks(response_type));
        assert!(faults.calls().is_empty());
        let _ = visit.approved_by("alice");
        let mut expected: Vec<&str> = Vec::new();
        expected.extend((response_type != "none").then_some("insert_grant"));
        expected.extend(brings.contains(&"code").then_some("insert_code"));
        expected.extend(brings.contains(&"access_token").then_some("insert_tokens"));
        assert_eq!(faults.calls(), expected, "{response_type}");
    }
}

/// A store that fails at any step is told to the client, who gets nothing; what was begun is taken back.
#[test]
fn a_failing_store_brings_nothing() {
    for fault in [Fault::Unavailable, Fault::AnswerLost] {
        for verb in ["insert_grant", "insert_code", "insert_tokens"] {
            let faults = Faults::new();
            let given = faults.clone();
            let h = Harness::builder().front_channel().stores(move |memory| given.stores(memory)).build();
            let visit = h.authorize(&asks("code id_token token"));
            faults.break_verb(verb, fault);
            let landing = visit.approved_by("alice").outcome.returned(Reason::StoreUnavailable);
            assert_eq!(names(&landing), ["error", "error_description", "state", "iss"], "{verb}");
            assert_eq!(landing.carrier, Carrier::Fragment);
            let calls = faults.calls();
            assert_eq!(calls.last(), Some(if verb == "insert_grant" { &verb } else { &"revoke" }));
        }
    }
}

/// attack 321: a key that is taken costs another draw, nothing else.
#[test]
fn a_taken_key_is_drawn_again_for_tokens_too() {
    let faults = Faults::new();
    let given = faults.clone();
    let h = Harness::builder().front_channel().stores(move |memory| given.stores(memory)).build();
    let visit = h.authorize(&asks("token"));
    faults.plan(1, Fault::Conflict);
    let landing = visit.approved_by("alice").landing();
    assert_eq!(faults.calls(), ["insert_grant", "insert_tokens", "insert_tokens"]);
    assert!(h.is_active("api", landing.value("access_token")));
}

#[test]
fn a_client_registers_the_grant_types_of_its_response_types() {
    let (code, implicit) = (GrantType::AuthorizationCode, GrantType::Implicit);
    let rows: [(&str, Vec<GrantType>); 8] = [
        ("code", vec![code.clone()]),
        ("id_token", vec![implicit.clone()]),
        ("id_token token", vec![implicit.clone()]),
        ("token", vec![implicit.clone()]),
        ("code id_token", vec![code.clone(), implicit.clone()]),
        ("code token", vec![code.clone(), implicit.clone()]),
        ("code id_token token", vec![code.clone(), implicit.clone()]),
        ("none", vec![]),
    ];
    for (written, grant_types) in rows {
        let response_type: ResponseType = written.parse().unwrap();
        assert_eq!(response_type.grant_types(), grant_types, "{written}");
        for missing in &grant_types {
            let mut metadata =
                ClientMetadata::code_flow([RedirectUri::register("https://one.example/cb").unwrap()])
                    .with_auth_method(ClientAuthMethod::None);
            metadata.response_types = vec![response_type];
            metadata.grant_types = grant_types.iter().filter(|known| *known != missing).cloned().collect();
            let refused = Client::builder(ClientId::new("one").unwrap(), metadata).build().unwrap_err();
            assert_eq!(refused.member, "grant_types", "{written} without {missing}");
        }
    }
}

#[test]
fn no_token_is_sent_where_any_program_could_take_it() {
    for address in
        ["http://127.0.0.1/cb", "com.example.app:/cb", "https://localhost/cb", "https://127.0.0.1:8443/cb"]
    {
        for (written, brings) in ROWS {
            let uris = ["https://one.example/cb", address].map(|uri| RedirectUri::register(uri).unwrap());
            let metadata = ClientMetadata::code_flow(uris)
                .with_auth_method(ClientAuthMethod::None)
                .with_response_type(written.parse().unwrap());
            let built = Client::builder(ClientId::new("one").unwrap(), metadata).build();
            assert_eq!(built.is_err(), !brings.is_empty(), "{written}");
        }
    }
}

#[test]
fn a_type_needs_what_it_rests_on() {
    let begin = || {
        let config = Config::new("https://op.example".parse().unwrap());
        let keyring = Keyring::generate(&[SigningAlg::Es256]).unwrap();
        let secrets = SystemSecrets::generate(&OsEntropy).unwrap();
        Provider::builder(config, Stores::of(Arc::new(MemoryStore::new())), keyring, secrets)
    };
    let missing = |builder: ProviderBuilder| match builder.build().unwrap_err() {
        BuildError::Needs { port, .. } => port,
        other => panic!("{other:?}"),
    };
    assert_eq!(missing(begin().with_response_type(ResponseType::IdToken)), "Accounts");
    let builder = begin().accounts(Arc::new(AccountTable::default()));
    let hybrid = builder.with_response_type(ResponseType::CodeIdToken);
    assert_eq!(missing(hybrid), "with_authorization_code");
    let implicit =
        begin().accounts(Arc::new(AccountTable::default())).with_response_type(ResponseType::IdToken);
    let paths = implicit.build().unwrap();
    assert!(paths.route("/authorize").is_some());
    assert!(paths.route("/token").is_none(), "there is nothing to redeem");
}
