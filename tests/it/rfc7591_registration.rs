//! RFC 7591 sections 2 and 3, OpenID Connect Dynamic Client Registration 1.0 sections 2 and 3: clients register.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};
use vouchsafe::client::{ClientMetadata, Consent};
use vouchsafe::error::{ErrorCode, Reason, Result};
use vouchsafe::event::EventKind;
use vouchsafe::provider::{
    Context, InitialTokenUses, ProviderBuilder, Registrant, Registration, RegistrationPolicy,
};
use vouchsafe::testing::{Harness, Outcome, block_on, client_form};
use vouchsafe::types::{ClientId, Scope};

pub(crate) fn open() -> Harness {
    Harness::builder().provider(|builder| builder.with_registration(Registration::open())).build()
}

pub(crate) fn send(
    h: &Harness,
    method: &str,
    uri: &str,
    token: Option<&str>,
    body: impl Into<Bytes>,
) -> Outcome {
    let mut request =
        http::Request::builder().method(method).uri(uri).header("content-type", "application/json");
    if let Some(token) = token {
        h.confide(token);
        request = request.header("authorization", format!("Bearer {token}"));
    }
    h.answer(request.body(body.into()).unwrap())
}

pub(crate) fn register(h: &Harness, metadata: &Value) -> Outcome {
    send(h, "POST", "/register", None, metadata.to_string())
}

/// Sound metadata with these members too.
pub(crate) fn with(members: Value) -> Value {
    let mut metadata = json!({ "redirect_uris": ["https://rp.example/cb"] });
    let Value::Object(members) = members else { panic!("the members of an object are asked for") };
    metadata.as_object_mut().unwrap().extend(members);
    metadata
}

#[test]
fn a_client_registers_and_is_told_everything() {
    let h = open();
    let asked = with(json!({
        "client_name": "Bakery",
        "client_name#de": "B\u{e4}ckerei",
        "client_name#not a tag": "left out",
        "contacts": ["ops@rp.example"],
        "logo_uri": "https://rp.example/logo.png",
        "policy_uri": "https://rp.example/policy",
        "tos_uri": "https://rp.example/tos",
        "initiate_login_uri": "https://rp.example/login",
        "subject_type": "public",
        "application_type": "web",
        "request_uris": ["https://rp.example/r"],
        "unheard_of": { "of": [1] },
    }));
    let outcome = register(&h, &asked).accepted();
    assert_eq!(outcome.response.status(), 201);
    assert_eq!(outcome.header("cache-control"), Some("no-store"));
    assert!(outcome.events.iter().any(|event| event.kind == EventKind::ClientRegistered));
    let body = outcome.json();
    let id = body["client_id"].as_str().unwrap();
    for name in
        ["redirect_uris", "client_name", "client_name#de", "contacts", "logo_uri", "policy_uri", "tos_uri"]
    {
        assert_eq!(body[name], asked[name], "{name}");
    }
    assert_eq!(body["initiate_login_uri"], asked["initiate_login_uri"]);
    assert_eq!(body["grant_types"], json!(["authorization_code"]));
    assert_eq!(body["token_endpoint_auth_method"], "client_secret_basic");
    assert_eq!(body["scope"], "openid profile email address phone offline_access");
    assert_eq!(body["client_secret_expires_at"], 0);
    assert_eq!(body["client_id_issued_at"], h.now().unix());
    assert!(body["registration_access_token"].as_str().unwrap().starts_with("vs_ra_"));
    assert_eq!(body["registration_client_uri"], format!("https://op.example/register?client_id={id}"));
    for name in ["client_name#not a tag", "unheard_of", "request_uris"] {
        assert!(body.get(name).is_none(), "{name}");
    }
}

#[test]
fn what_registered_authenticates_as_it_registered() {
    let h = open();
    let body = register(&h, &with(json!({}))).accepted().json();
    let (id, secret) = (body["client_id"].as_str().unwrap(), body["client_secret"].as_str().unwrap());
    let form = || client_form(vouchsafe::testing::Form::new().set("token", "unknown"));
    let revoked = h.answer(h.post("/revoke", form().basic(id, secret)));
    assert_eq!(revoked.response.status(), 200);
    let wrong = h.answer(h.post("/revoke", form().basic(id, "wrong")));
    let _ = wrong.rejected(Reason::ClientSecretWrong);
    let client = block_on(h.provider().client(&ClientId::new(id).unwrap())).unwrap().unwrap();
    assert_eq!(client.settings().consent, Consent::Required);
}

#[test]
fn a_public_client_has_no_secret() {
    let body = register(&open(), &with(json!({ "token_endpoint_auth_method": "none" }))).accepted().json();
    assert!(body.get("client_secret").is_none() && body.get("client_secret_expires_at").is_none());
}

#[test]
fn no_response_type_is_a_registration_too() {
    let body = register(&open(), &json!({ "response_types": [] })).accepted().json();
    assert_eq!((&body["response_types"], &body["grant_types"]), (&json!([]), &json!([])));
}

/// attack 206: nothing but exact URIs that a browser reads as they are written, and not too many.
#[test]
fn a_redirect_uri_that_could_lead_elsewhere_is_refused() {
    let h = open();
    let many: Vec<_> = (0..1000).map(|n| format!("https://rp.example/{n}")).collect();
    let long = format!("https://rp.example/{}", "a".repeat(2048));
    for uris in [
        json!(["javascript:alert(1)"]),
        json!(["https://a.example/*"]),
        json!(["https://a.example/#f"]),
        json!(["http://a.example/cb"]),
        json!(["https://u:p@a.example/"]),
        json!(["https://a.example/cb?code=1"]),
        json!(["https://\u{430}.example/"]),
        json!([long]),
        json!([1]),
        json!("https://a.example/"),
        json!([]),
        json!(many),
    ] {
        let _ = register(&h, &json!({ "redirect_uris": uris }))
            .rejected(Reason::MetadataRedirectUris)
            .unchanged();
    }
    let _ = register(&h, &json!({})).rejected(Reason::MetadataRedirectUris);
}

/// attack 207, attack 208, attack 209: addresses in disguise are refused by their form, with a text that says nothing
/// of any network.
#[test]
fn an_address_that_must_not_be_fetched_is_refused() {
    let h = open();
    for uri in
        ["http://169.254.169.254/", "http://localhost:8500/", "gopher://rp.example/", "file:///etc/passwd"]
    {
        let _ = register(&h, &with(json!({ "jwks_uri": uri }))).rejected(Reason::MetadataJwksUri);
        let sector = register(&h, &with(json!({ "sector_identifier_uri": uri })));
        let _ = sector.rejected(Reason::MetadataSectorIdentifier);
        for page in ["client_uri", "initiate_login_uri", "logo_uri", "policy_uri", "tos_uri"] {
            let _ = register(&h, &with(json!({ page: uri }))).rejected(Reason::MetadataPage);
        }
    }
}

/// attack 207, attack 208, attack 209: nothing that is asked or shown leads into a network, and the text is the same
/// whatever there is in it.
#[test]
fn an_address_of_a_network_is_refused() {
    let everywhere =
        |builder: ProviderBuilder| builder.with_registration(Registration::open()).with_pairwise_subjects();
    let h = Harness::builder().request_objects().provider(everywhere).build();
    let hosts = [
        "169.254.169.254",
        "10.0.0.1",
        "127.0.0.1:8500",
        "[::1]",
        "[fd00::1]",
        "localhost",
        "localhost:8500",
        "rp.localhost",
        "metadata.google.internal",
        "intranet",
    ];
    let members = |host: &str| {
        let uri = format!("https://{host}/x");
        [
            json!({ "jwks_uri": uri }),
            json!({ "request_uris": ["https://rp.example/r", uri] }),
            json!({ "sector_identifier_uri": uri, "subject_type": "pairwise" }),
            json!({ "backchannel_logout_uri": uri }),
            json!({ "frontchannel_logout_uri": uri, "redirect_uris": [format!("https://{host}/cb")] }),
            json!({ "client_uri": uri }),
            json!({ "initiate_login_uri": uri }),
            json!({ "logo_uri": uri }),
            json!({ "logo_uri#de": uri }),
            json!({ "policy_uri": uri }),
            json!({ "tos_uri": uri }),
        ]
    };
    for asked in hosts.iter().flat_map(|host| members(host)) {
        let refused = register(&h, &with(asked)).rejected(Reason::MetadataAddress).unchanged();
        assert_eq!(
            refused.json(),
            json!({
                "error": "invalid_client_metadata",
                "error_description":
                    "the uris of keys, request objects, sectors, logouts and pages must be of public hosts",
            })
        );
    }
    assert!(h.http().take_requests().is_empty(), "nothing was asked");
    let own = register(&h, &with(json!({}))).accepted().json();
    let mut update = with(json!({ "jwks_uri": "https://10.0.0.1/" }));
    update["client_id"] = own["client_id"].clone();
    let (uri, token) = (own["registration_client_uri"].as_str().unwrap(), &own["registration_access_token"]);
    let refused = send(&h, "PUT", uri, token.as_str(), update.to_string());
    let _ = refused.rejected(Reason::MetadataAddress).unchanged();
    let device = json!({
        "application_type": "native",
        "redirect_uris": ["http://127.0.0.1/cb", "http://localhost/cb"],
        "post_logout_redirect_uris": ["http://127.0.0.1/out"],
    });
    let _ = register(&h, &device).accepted();
}

/// Tests and closed networks have such addresses, where the host says so.
#[test]
fn a_host_can_let_addresses_of_a_network_in() {
    let rules = Registration::open().dangerous_allow_inner_addresses();
    let h = Harness::builder().provider(|builder| builder.with_registration(rules)).build();
    for host in ["127.0.0.1:8443", "localhost", "[::1]", "rp", "10.0.0.1"] {
        let uri = format!("https://{host}/x");
        let asked = with(json!({ "logo_uri": uri, "jwks_uri": uri, "backchannel_logout_uri": uri }));
        assert_eq!(register(&h, &asked).accepted().json()["jwks_uri"], uri);
    }
    let _ =
        register(&h, &with(json!({ "jwks_uri": "http://127.0.0.1/x" }))).rejected(Reason::MetadataJwksUri);
}

/// attack 210, attack 211: keys are public, and in one place.
#[test]
fn private_keys_and_keys_in_two_places_are_refused() {
    let h = open();
    let key = vouchsafe::testing::client_key().public_key().to_value();
    let mut private = key.clone();
    private["d"] = json!("AAAA");
    for jwks in [json!({ "keys": [private] }), json!({ "keys": [{ "kty": "oct", "k": "AAAA" }] }), json!([])]
    {
        let _ = register(&h, &with(json!({ "jwks": jwks }))).rejected(Reason::MetadataJwks).unchanged();
    }
    let both = json!({ "jwks": { "keys": [key] }, "jwks_uri": "https://rp.example/jwks" });
    let _ = register(&h, &with(both)).rejected(Reason::MetadataJwks);
    let keyless = json!({ "token_endpoint_auth_method": "private_key_jwt" });
    let _ = register(&h, &with(keyless)).rejected(Reason::MetadataJwks);
}

/// attack 212: nobody registers without a token of the host's, and one that is good once is good once.
#[test]
fn registration_needs_an_initial_access_token() {
    let closed = Registration::by_initial_access_token();
    let h = Harness::builder().provider(|builder| builder.with_registration(closed)).build();
    let body = with(json!({})).to_string();
    let post = |token: Option<&str>| send(&h, "POST", "/register", token, body.clone());
    let mint = |uses| {
        block_on(h.provider().administration().mint_initial_access_token(uses, Duration::from_secs(60)))
            .unwrap()
    };
    let _ = post(None).challenged(Reason::InitialTokenMissing).unchanged();
    let _ = post(Some("vs_ia_guess")).challenged(Reason::InitialTokenInvalid).unchanged();
    let once = mint(InitialTokenUses::Once);
    let _ = send(&h, "POST", "/register", Some(once.expose()), "{}").rejected(Reason::MetadataRedirectUris);
    let first = post(Some(once.expose())).accepted();
    let _ = post(Some(once.expose())).challenged(Reason::InitialTokenInvalid).unchanged();
    // attack 215: neither kind of token passes for the other.
    let other = first.json()["registration_access_token"].as_str().unwrap().to_owned();
    let _ = post(Some(&other)).challenged(Reason::InitialTokenInvalid).unchanged();
    let many = mint(InitialTokenUses::UntilExpiry);
    for _ in 0..2 {
        let _ = post(Some(many.expose())).accepted();
    }
    h.advance(Duration::from_secs(60));
    let _ = post(Some(many.expose())).challenged(Reason::InitialTokenInvalid).unchanged();
}

/// attack 213: what is asked for beyond the bounds is cut off or refused, and what is left out is filled in from them.
#[test]
fn metadata_gives_nothing_beyond_the_bounds() {
    let h = open();
    let registered =
        register(&h, &with(json!({ "scope": "openid admin", "settings": { "consent": "waived" } })));
    assert_eq!(registered.accepted().json()["scope"], "openid");
    for (members, reason) in [
        (json!({ "grant_types": ["client_credentials"] }), Reason::MetadataGrantTypes),
        (json!({ "grant_types": ["authorization_code", "password"] }), Reason::MetadataGrantTypes),
        (json!({ "grant_types": ["refresh_token"], "response_types": ["code"] }), Reason::MetadataGrantTypes),
        (json!({ "response_types": ["id_token"] }), Reason::MetadataResponseTypes),
        (json!({ "response_types": ["everything"] }), Reason::MetadataResponseTypes),
        (json!({ "token_endpoint_auth_method": "tls_client_auth" }), Reason::MetadataAuthMethod),
        (json!({ "token_endpoint_auth_signing_alg": "none" }), Reason::MetadataAuthSigningAlg),
        (json!({ "token_endpoint_auth_signing_alg": "RS512" }), Reason::MetadataAuthSigningAlg),
        (json!({ "id_token_signed_response_alg": "none" }), Reason::MetadataIdTokenAlg),
        (json!({ "id_token_signed_response_alg": "ES512" }), Reason::MetadataIdTokenAlg),
        (json!({ "subject_type": "pairwise" }), Reason::MetadataSubjectType),
        (json!({ "application_type": "other" }), Reason::MetadataApplicationType),
        (json!({ "scope": "a\u{1}b" }), Reason::MetadataScope),
        (json!({ "default_max_age": -1 }), Reason::MetadataDefaults),
        (json!({ "default_acr_values": vec!["a"; 21] }), Reason::MetadataDefaults),
        (json!({ "contacts": ["\u{202e}"] }), Reason::MetadataContacts),
        (json!({ "logo_uri#de": "http://rp.example/" }), Reason::MetadataPage),
        (json!({ "client_name#de": 1 }), Reason::MetadataName),
    ] {
        let _ = register(&h, &with(members)).rejected(reason).unchanged();
    }
}

/// attack 217: a name cannot turn the text around it, nor drown it.
#[test]
fn a_name_that_would_disguise_itself_is_refused() {
    let h = open();
    for name in
        ["\u{202e}knab", "a\u{2066}b", "a\nb", &"a".repeat(201), &"\u{e4}".repeat(101), &"a".repeat(60_000)]
    {
        for member in ["client_name", "client_name#de"] {
            let outcome = register(&h, &with(json!({ member: name })));
            assert_eq!(outcome.json()["error"], "invalid_client_metadata", "{member}");
            let _ = outcome.unchanged();
        }
    }
    let _ = register(&h, &with(json!({ "client_name": "<b>Bakery</b>" }))).accepted();
}

/// attack 330: one JSON object, bounded, with one meaning.
#[test]
fn a_body_that_is_no_sound_json_is_refused() {
    let h = open();
    let deep = format!(r#"{{"a":{}}}"#, "[".repeat(60_000));
    let texts: [&[u8]; 10] = [
        b"",
        b"[]",
        b"{} x",
        b"\xef\xbb\xbf{}",
        br#"{"a":1e400}"#,
        br#"{"a":"\ud800"}"#,
        br#"{"redirect_uris":[],"redirect_uris":["https://a.example/"]}"#,
        b"{\"a\":\"\xff\"}",
        br#"{"a":[[[[[[[[[]]]]]]]]]}"#,
        deep.as_bytes(),
    ];
    for text in texts {
        let _ =
            send(&h, "POST", "/register", None, text.to_vec()).rejected(Reason::JsonMalformed).unchanged();
    }
    let large = send(&h, "POST", "/register", None, vec![b' '; 65_537]);
    let _ = large.rejected(Reason::BodyTooLarge);
    let form = http::Request::post("/register").header("content-type", "application/x-www-form-urlencoded");
    let _ = h.answer(form.body(Bytes::from_static(b"{}")).unwrap()).rejected(Reason::JsonExpected);
    let query = send(&h, "POST", "/register?client_id=a", None, "{}");
    let _ = query.rejected(Reason::ParameterInQuery);
}

#[derive(Debug)]
struct HouseRules;

#[async_trait]
impl RegistrationPolicy for HouseRules {
    async fn review(
        &self,
        _: &Context<'_>,
        _: &Registrant<'_>,
        metadata: ClientMetadata,
    ) -> Result<ClientMetadata> {
        if metadata.client_name.as_deref() == Some("evil") {
            return Err(Reason::Custom(ErrorCode::InvalidClientMetadata, "not here").into());
        }
        Ok(metadata.with_scope(Scope::parse("openid").unwrap()))
    }
}

#[test]
fn the_host_changes_or_refuses_what_is_asked() {
    let rules = Registration::open().with_policy(Arc::new(HouseRules));
    let h = Harness::builder().provider(|builder| builder.with_registration(rules)).build();
    assert_eq!(register(&h, &with(json!({}))).accepted().json()["scope"], "openid");
    let refused = register(&h, &with(json!({ "client_name": "evil" })));
    let _ = refused.rejected(Reason::Custom(ErrorCode::InvalidClientMetadata, "not here")).unchanged();
}

#[test]
fn registration_is_off_unless_it_is_turned_on() {
    let metadata = |h: &Harness| {
        let request = http::Request::get("/.well-known/openid-configuration").body(Bytes::new()).unwrap();
        h.answer(request).json()
    };
    assert_eq!(metadata(&open())["registration_endpoint"], "https://op.example/register");
    let off = Harness::new();
    assert!(metadata(&off).get("registration_endpoint").is_none());
    let _ = register(&off, &with(json!({}))).rejected(Reason::NotFound);
}
