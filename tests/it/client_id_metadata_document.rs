//! draft-ietf-oauth-client-id-metadata-document sections 3 to 8: clients that are named by the URL of their metadata.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use vouchsafe::client::{Client, ClientMetadata, ClientSettings, Consent, PkceRequirement};
use vouchsafe::error::Reason;
use vouchsafe::event::EventKind;
use vouchsafe::provider::{BuildError, ClientDocumentPolicy, ClientDocuments, Needs, Registration};
use vouchsafe::testing::{
    AuthorizeForm, Form, Harness, OneLogin, Outcome, TokenForm, authorize_form, block_on, client_key,
    code_form, token_form,
};
use vouchsafe::types::{ClientId, ClientIdUrl, RedirectUri};
use vouchsafe::wire::HttpErrorKind;

use crate::rfc7591_registration::{register, with};

/// The name of a client, and where its document is.
const URL: &str = "https://app.example/client.json";

const REDIRECT: &str = "https://app.example/cb";

fn harness(documents: ClientDocuments) -> Harness {
    Harness::builder().provider(|builder| builder.with_client_id_metadata_documents(documents)).build()
}

fn allowing() -> ClientDocuments {
    ClientDocuments::of_hosts(["app.example"])
}

/// A sound document with these members too.
fn document(more: Value) -> Value {
    let mut document = json!({ "client_id": URL, "client_name": "App", "redirect_uris": [REDIRECT] });
    let Value::Object(more) = more else { panic!("the members of an object are asked for") };
    document.as_object_mut().unwrap().extend(more);
    document
}

fn serving(more: Value) -> Harness {
    let h = harness(allowing());
    h.serve(URL, &document(more));
    h
}

fn asking(client_id: &str) -> AuthorizeForm {
    authorize_form().set("client_id", client_id).set("redirect_uri", REDIRECT).scope("openid")
}

/// The same request on the wire.
fn ask(h: &Harness, client_id: &str) -> Outcome {
    let uri = format!("https://op.example/authorize?{}", asking(client_id).encode());
    h.answer(http::Request::get(uri).body(Bytes::new()).unwrap())
}

fn redemption(h: &Harness, asked: &AuthorizeForm) -> TokenForm {
    code_form(asked, &h.code(asked, "alice")).unauthenticated()
}

fn found(h: &Harness, client_id: &str) -> Option<Client> {
    block_on(h.provider().client(&ClientId::new(client_id).unwrap())).unwrap()
}

/// Why the event sink was told that there is no such client.
fn told(outcome: &Outcome) -> Vec<Reason> {
    let reason = |kind: &EventKind| match kind {
        EventKind::ClientDocumentRefused(reason) => Some(*reason),
        _ => None,
    };
    outcome.events.iter().filter_map(|event| reason(&event.kind)).collect()
}

#[test]
fn a_client_signs_people_in_by_its_document() {
    let h = serving(json!({ "client_uri": "https://app.example/", "unheard_of": [1] }));
    let asked = asking(URL);
    let issued = h.redeem(redemption(&h, &asked).set("client_id", URL)).issued();
    assert_eq!(issued.id_claims()["aud"], URL);
    let refreshed = token_form("refresh_token").unauthenticated().set("client_id", URL);
    assert!(issued.refresh_token.is_none(), "the document does not ask for the grant type");
    let _ = h.redeem(refreshed.set("refresh_token", "vs_rt_guess")).rejected(Reason::GrantTypeNotAllowed);
    assert_eq!(h.http().take_requests().len(), 1, "the document is kept");
    let client = found(&h, URL).unwrap();
    assert!(!client.is_confidential());
    assert_eq!(client.metadata().scope.to_string(), "openid profile email address phone offline_access");
}

/// attack 218: whatever is wrong with the document, there is no such client, and nobody outside learns why.
#[test]
fn a_document_that_cannot_be_used_is_an_unknown_client() {
    let unknown = ask(&harness(allowing()), "nobody").shown(Reason::AuthorizeClientUnknown).unchanged();
    let expect = |reason: Reason, serve: &dyn Fn(&Harness)| {
        let h = harness(allowing());
        serve(&h);
        let refused = ask(&h, URL);
        assert_eq!(told(&refused), [reason]);
        let refused = refused.shown(Reason::AuthorizeClientUnknown).unchanged();
        assert_eq!(refused.response.body(), unknown.response.body(), "{reason:?}");
        assert_eq!(refused.response.headers(), unknown.response.headers(), "{reason:?}");
    };
    let answer = |h: &Harness, status: u16, kind: &str, body: String| {
        let response = http::Response::builder().status(status).header("content-type", kind);
        h.http().answer(URL, response.header("location", "https://app.example/").body(body.into()).unwrap());
    };
    let sound = document(json!({})).to_string();
    for (status, kind, body, reason) in [
        (302, "application/json", sound.clone(), Reason::ClientDocumentRedirected),
        (404, "application/json", sound.clone(), Reason::ClientDocumentStatus),
        (201, "application/json", sound.clone(), Reason::ClientDocumentStatus),
        (200, "text/html", sound, Reason::ClientDocumentContentType),
        (200, "application/json", " ".repeat(5 * 1024 * 1024), Reason::ClientDocumentTooLarge),
        (200, "application/json", "[]".to_owned(), Reason::ClientDocumentMalformed),
        (200, "application/json", format!("{{\"a\":{}}}", "[".repeat(900)), Reason::ClientDocumentMalformed),
    ] {
        expect(reason, &|h| answer(h, status, kind, body.clone()));
    }
    for (kind, reason) in [
        (HttpErrorKind::AddressRefused, Reason::ClientDocumentAddressRefused),
        (HttpErrorKind::TimedOut, Reason::ClientDocumentTimedOut),
        (HttpErrorKind::Unreachable, Reason::ClientDocumentUnreachable),
    ] {
        expect(reason, &|h| h.http().fail(URL, kind));
    }
    expect(Reason::ClientDocumentPanicked, &|h| h.http().panic(URL));
}

/// attack 218, attack 213: a document is of the URL that it names, has no shared secret, and nothing beyond the bounds.
#[test]
fn a_document_says_no_more_than_it_may() {
    let rows = [
        (json!({ "client_id": "https://app.example/client.json/" }), Reason::ClientDocumentForeign),
        (json!({ "client_id": "https://app.example:443/client.json" }), Reason::ClientDocumentForeign),
        (json!({ "client_id": null }), Reason::ClientDocumentForeign),
        (json!({ "client_secret": "shared" }), Reason::ClientDocumentSecret),
        (json!({ "client_secret_expires_at": 0 }), Reason::ClientDocumentSecret),
        (json!({ "token_endpoint_auth_method": "client_secret_basic" }), Reason::MetadataAuthMethod),
        (json!({ "token_endpoint_auth_method": "client_secret_post" }), Reason::MetadataAuthMethod),
        (json!({ "token_endpoint_auth_method": "client_secret_jwt" }), Reason::MetadataAuthMethod),
        (json!({ "token_endpoint_auth_method": "private_key_jwt" }), Reason::MetadataJwks),
        (json!({ "jwks": { "keys": [{ "kty": "oct", "k": "AAAA" }] } }), Reason::MetadataJwks),
        (json!({ "redirect_uris": ["https://app.example/*"] }), Reason::MetadataRedirectUris),
        (json!({ "redirect_uris": ["javascript:alert(1)"] }), Reason::MetadataRedirectUris),
        (json!({ "redirect_uris": [] }), Reason::MetadataRedirectUris),
        (json!({ "grant_types": ["client_credentials"] }), Reason::MetadataGrantTypes),
        (json!({ "response_types": ["id_token"] }), Reason::MetadataResponseTypes),
        (json!({ "logo_uri": "http://169.254.169.254/" }), Reason::MetadataPage),
        (json!({ "logo_uri": "https://169.254.169.254/" }), Reason::MetadataAddress),
        (json!({ "jwks_uri": "https://localhost/" }), Reason::MetadataAddress),
        (json!({ "client_name": "\u{202e}knab" }), Reason::MetadataName),
        (json!({ "id_token_encrypted_response_alg": "ECDH-ES" }), Reason::MetadataEncryption),
        (json!({ "introspection_encrypted_response_enc": "A256GCM" }), Reason::MetadataEncryption),
        (json!({ "require_pushed_authorization_requests": true }), Reason::MetadataPushedRequests),
    ];
    for (members, reason) in rows {
        let h = serving(members);
        let refused = ask(&h, URL);
        assert_eq!(told(&refused), [reason]);
        let _ = refused.shown(Reason::AuthorizeClientUnknown).unchanged();
        assert_eq!(h.http().take_requests().len(), 1, "attack 208: nothing that it names is fetched");
    }
}

/// A member that is `null` is as good as absent, as it is where clients register themselves.
#[test]
fn null_says_nothing_in_a_document() {
    let nothing = json!({
        "token_endpoint_auth_method": null,
        "client_secret": null,
        "client_secret_expires_at": null,
        "jwks": null,
        "scope": null,
    });
    let client = found(&serving(nothing), URL).unwrap();
    assert_eq!(client.metadata(), found(&serving(json!({})), URL).unwrap().metadata());
}

/// attack 213: nobody moves into the sector of another by changing what a document says.
#[test]
fn a_document_asks_in_vain_for_pairwise_subjects() {
    #[derive(Debug)]
    struct Pairwise;
    impl ClientDocumentPolicy for Pairwise {
        fn allows(&self, _: &ClientIdUrl) -> bool {
            true
        }

        fn review(&self, _: &ClientIdUrl, metadata: ClientMetadata) -> Option<ClientMetadata> {
            Some(metadata.with_pairwise_subjects())
        }
    }
    let asked = json!({ "subject_type": "pairwise" });
    let by_policy = ClientDocuments::of_policy(Arc::new(Pairwise));
    for (documents, members) in [(allowing(), asked), (by_policy, json!({}))] {
        let pairwise = |builder: vouchsafe::provider::ProviderBuilder| {
            builder.with_pairwise_subjects().with_client_id_metadata_documents(documents)
        };
        let h = Harness::builder().provider(pairwise).build();
        h.serve(URL, &document(members));
        let refused = ask(&h, URL);
        assert_eq!(told(&refused), [Reason::ClientDocumentPairwise]);
        let _ = refused.shown(Reason::AuthorizeClientUnknown).unchanged();
    }
}

/// attack 218: what is no identifier is not asked, and neither is a host that the policy does not allow.
#[test]
fn nothing_is_fetched_from_a_url_that_names_nobody() {
    let h = harness(allowing());
    for url in [
        "http://app.example/client.json",
        "https://app.example",
        "https://app.example/a/../client.json",
        "https://app.example/%2e%2e/client.json",
        "https://app.example/client.json#a",
        "https://user@app.example/client.json",
        "https://127.1/client.json",
    ] {
        let refused = ask(&h, url);
        assert_eq!(told(&refused), [], "{url}");
        let _ = refused.shown(Reason::AuthorizeClientUnknown).unchanged();
    }
    for url in ["https://evil.example/client.json", "https://app.example.evil.example/client.json"] {
        let refused = ask(&h, url);
        assert_eq!(told(&refused), [Reason::ClientDocumentNotAllowed], "{url}");
        let _ = refused.shown(Reason::AuthorizeClientUnknown).unchanged();
    }
    assert_eq!(h.http().take_requests().len(), 0);
}

/// attack 82: at the token endpoint there is no such client either.
#[test]
fn the_token_endpoint_tells_nothing_of_a_document() {
    let h = harness(allowing());
    h.serve(URL, &document(json!({ "client_id": "another" })));
    let redeem = |client_id: &str| {
        h.redeem(
            token_form("authorization_code").unauthenticated().set("client_id", client_id).set("code", "x"),
        )
    };
    let (named, nobody) = (redeem(URL), redeem("nobody"));
    assert_eq!(told(&named), [Reason::ClientDocumentForeign]);
    let (named, nobody) = (named.rejected(Reason::ClientUnknown), nobody.rejected(Reason::ClientUnknown));
    assert_eq!(named.response.body(), nobody.response.body());
}

#[test]
fn a_client_with_keys_authenticates_by_them() {
    let h = serving(json!({
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": { "keys": [client_key().public_key().to_value()] },
        "grant_types": ["authorization_code", "refresh_token"],
    }));
    let asked = asking(URL).scope("openid offline_access").prompt("consent");
    let _ = h
        .redeem(redemption(&h, &asked).set("client_id", URL))
        .rejected(Reason::ClientMethodNotRegistered)
        .unchanged();
    let assertion = h.client_assertion(&h.assertion_claims(URL));
    let keyed = redemption(&h, &asked)
        .set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
        .set("client_assertion", assertion);
    assert!(h.redeem(keyed).issued().refresh_token().starts_with("vs_rt_"));
}

/// P54: a stranger is never waived through, and what answers on a device is asked for each time.
#[test]
fn people_are_asked_about_a_stranger() {
    let settings = ClientSettings::new()
        .with_consent(Consent::DangerousWaivedForNative)
        .with_pkce(PkceRequirement::DangerousNotRequired)
        .with_resources(["https://api.example"]);
    let h = harness(allowing().with_settings(settings));
    h.serve(URL, &document(json!({ "settings": { "consent": "waived" }, "consent": "waived" })));
    let client = found(&h, URL).unwrap();
    assert_eq!(client.settings(), &ClientSettings::new().with_resources(["https://api.example"]));
    let login = h.login("alice");
    assert!(matches!(h.authorize(&asking(URL)).next(Some(&login)).needs(), Needs::Consent(_)));
    let _ = h.authorize(&asking(URL)).remembered_by("alice").code();
    assert!(h.authorize(&asking(URL)).next(Some(&login)).code().starts_with("vs_ac_"));
    let h =
        serving(json!({ "redirect_uris": [REDIRECT, "http://127.0.0.1/cb"], "application_type": "native" }));
    let login = h.login("alice");
    let _ = h.authorize(&asking(URL)).remembered_by("alice").code();
    assert!(matches!(h.authorize(&asking(URL)).next(Some(&login)).needs(), Needs::Consent(_)));
}

#[test]
fn a_document_is_kept_for_a_while() {
    let h = serving(json!({}));
    let fetches = |h: &Harness| h.http().take_requests().len();
    for _ in 0..3 {
        assert!(found(&h, URL).is_some());
    }
    assert_eq!(fetches(&h), 1);
    h.serve(URL, &document(json!({ "client_name": "Renamed" })));
    h.advance(Duration::from_secs(10 * 60));
    assert_eq!(found(&h, URL).unwrap().metadata().client_name.as_deref(), Some("Renamed"));
    assert_eq!(fetches(&h), 1);
    // While its server is down the last good one serves for an hour, and not a moment longer.
    h.http().fail(URL, HttpErrorKind::Unreachable);
    h.advance(Duration::from_secs(59 * 60));
    assert!(found(&h, URL).is_some());
    h.advance(Duration::from_secs(60));
    assert!(found(&h, URL).is_none());
}

/// attack 218: what cannot be used is not kept, and does not make a flood of fetches.
#[test]
fn a_useless_document_is_asked_for_again_after_a_while() {
    let h = serving(json!({ "client_id": "another" }));
    for _ in 0..5 {
        assert!(found(&h, URL).is_none());
    }
    assert_eq!(h.http().take_requests().len(), 1);
    h.serve(URL, &document(json!({})));
    h.advance(Duration::from_secs(10));
    assert!(found(&h, URL).is_some());
    h.serve(URL, &document(json!({ "client_secret": "shared" })));
    h.advance(Duration::from_secs(10 * 60));
    assert!(found(&h, URL).is_none(), "a document that has turned bad takes the client away");
}

#[test]
fn the_clients_of_the_host_and_the_registry_come_first() {
    let metadata = ClientMetadata::code_flow([RedirectUri::register(REDIRECT).unwrap()]);
    let own =
        metadata.with_auth_method(vouchsafe::client::ClientAuthMethod::None).with_name("The host's own");
    let own = Client::builder(ClientId::new(URL).unwrap(), own).build().unwrap();
    let h = Harness::builder()
        .client(own)
        .provider(|builder| {
            builder.with_registration(Registration::open()).with_client_id_metadata_documents(allowing())
        })
        .build();
    h.serve(URL, &document(json!({})));
    assert_eq!(found(&h, URL).unwrap().metadata().client_name.as_deref(), Some("The host's own"));
    let registered = register(&h, &with(json!({}))).accepted().json();
    assert!(found(&h, registered["client_id"].as_str().unwrap()).is_some());
    assert_eq!(h.http().take_requests().len(), 0);
    let other = "https://app.example/other.json";
    h.serve(other, &document(json!({ "client_id": other })));
    assert!(found(&h, other).is_some());
}

#[derive(Debug)]
struct SameHost;

impl ClientDocumentPolicy for SameHost {
    fn allows(&self, client_id: &ClientIdUrl) -> bool {
        client_id.host().ends_with(".example")
    }

    fn review(&self, client_id: &ClientIdUrl, metadata: ClientMetadata) -> Option<ClientMetadata> {
        let host = Some(client_id.host());
        let at_home = metadata.redirect_uris.iter().all(|uri| uri.web_host() == host);
        at_home.then(|| metadata.with_name(client_id.host()))
    }
}

#[test]
fn the_host_changes_or_refuses_what_a_document_says() {
    let h = harness(ClientDocuments::of_policy(Arc::new(SameHost)));
    h.serve(URL, &document(json!({})));
    assert_eq!(found(&h, URL).unwrap().metadata().client_name.as_deref(), Some("app.example"));
    let evil = "https://evil.example/client.json";
    h.serve(evil, &document(json!({ "client_id": evil })));
    assert!(found(&h, evil).is_none());
}

/// attack 234: what a stranger wrote into a document is a link at most.
#[test]
fn an_address_for_after_a_logout_is_offered_and_not_gone_to() {
    let out = "https://app.example/out";
    let h = serving(json!({ "post_logout_redirect_uris": [out] }));
    let form = Form::new().set("client_id", URL).set("post_logout_redirect_uri", out);
    let page = h.log_out(&form, &OneLogin::nobody());
    assert_eq!((page.response.status().as_u16(), page.header("location")), (200, None));
    let page = String::from_utf8(page.response.body().to_vec()).unwrap();
    assert!(page.contains("id=\"logout-continue\"") && page.contains(out), "{page}");
}

#[test]
fn documents_are_off_unless_they_are_turned_on() {
    let supported = |h: &Harness| {
        let request = http::Request::get("/.well-known/oauth-authorization-server");
        h.answer(request.body(Bytes::new()).unwrap())
            .json()
            .get("client_id_metadata_document_supported")
            .cloned()
    };
    assert_eq!(supported(&harness(allowing())), Some(json!(true)));
    let off = Harness::new();
    assert_eq!(supported(&off), None);
    off.serve(URL, &document(json!({})));
    let _ = ask(&off, URL).shown(Reason::AuthorizeClientUnknown);
    assert_eq!(off.http().take_requests().len(), 0);
    let (config, keyring) = (off.provider().config().clone(), off.provider().keyring().clone());
    let stores = vouchsafe::store::Stores::of(Arc::new(off.store().clone()));
    let builder = vouchsafe::Provider::builder(config, stores, keyring, off.system_secrets().clone());
    let error = builder.with_client_id_metadata_documents(allowing()).build().unwrap_err();
    let feature = "client_id_metadata_documents";
    assert_eq!(error, BuildError::Needs { feature, port: "HttpClient" });
}
