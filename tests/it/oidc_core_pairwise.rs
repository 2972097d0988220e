//! OpenID Connect Core 1.0 section 8, Dynamic Client Registration 1.0 section 5: pairwise subjects and their sectors.

use serde_json::json;
use vouchsafe::client::{
    AccessTokenFormatChoice, Client, ClientAuthMethod, ClientMetadata, ClientSettings, Consent, Fetcher,
    SubjectType, check_sector,
};
use vouchsafe::error::{ErrorCode, Reason};
use vouchsafe::provider::{HintedSubject, LoginNeed, Needs};
use vouchsafe::testing::{
    AuthorizeForm, Harness, HarnessBuilder, HttpTable, ManualRuntime, authorize_form, block_on, refresh_form,
};
use vouchsafe::types::{Claims, ClientId, FetchUrl, GrantType, RedirectUri, Scope, Subject};
use vouchsafe::wire::HttpErrorKind;

const SECTOR: &str = "https://bank.example/sector.json";

fn registering(redirect_uris: &[&str]) -> ClientMetadata {
    ClientMetadata::code_flow(redirect_uris.iter().map(|uri| RedirectUri::register(uri).unwrap()))
        .with_auth_method(ClientAuthMethod::None)
        .with_scope(Scope::parse("openid email offline_access read").unwrap())
        .with_grant_type(GrantType::RefreshToken)
        .with_pairwise_subjects()
}

fn built(id: &str, metadata: ClientMetadata, format: AccessTokenFormatChoice) -> Client {
    let settings = ClientSettings::new().with_consent(Consent::Waived).with_access_token_format(format);
    Client::builder(ClientId::new(id).unwrap(), metadata).settings(settings).build().unwrap()
}

fn with(format: &AccessTokenFormatChoice) -> HarnessBuilder {
    let sector = FetchUrl::parse(SECTOR).unwrap();
    let clients = [
        ("bank", registering(&["https://bank.example/cb", "https://bank.example/other"])),
        ("teller", registering(&["https://teller.example/cb", "com.example.app:/cb"]).with_sector(sector)),
        ("shop", registering(&["https://shop.example/cb"])),
    ];
    let turned_on = Harness::builder().provider(|builder| builder.with_pairwise_subjects());
    clients.into_iter().fold(turned_on, |h, (id, metadata)| h.client(built(id, metadata, format.clone())))
}

fn harness() -> Harness {
    with(&AccessTokenFormatChoice::Opaque).build()
}

fn asking(client_id: &str) -> AuthorizeForm {
    authorize_form().client(client_id)
}

fn sub(h: &Harness, client_id: &str, person: &str) -> String {
    h.tokens(&asking(client_id), person).id_claims()["sub"].as_str().unwrap().to_owned()
}

#[test]
fn a_person_is_the_same_within_a_sector_and_somebody_else_outside() {
    let h = harness();
    h.accounts().insert(Subject::new("bob").unwrap(), Claims::new());
    let alice = sub(&h, "bank", "alice");
    assert_eq!(alice.len(), 43, "256 bits in base64url");
    assert_eq!(sub(&h, "bank", "alice"), alice);
    assert_eq!(sub(&h, "teller", "alice"), alice, "the sector is the host of the sector_identifier_uri");
    let others = [sub(&h, "shop", "alice"), sub(&h, "bank", "bob"), sub(&h, "web", "alice")];
    assert!(others.iter().all(|other| *other != alice), "{others:?}");
    assert_eq!(others[2], "alice", "a public client sees the host's own subject");
}

/// Two providers of one deployment do not know people by the same names.
#[test]
fn every_issuer_has_names_of_its_own() {
    let (here, there) = (harness(), with(&AccessTokenFormatChoice::Opaque));
    let there = there.config(|config| config.issuer = "https://op.example/two".parse().unwrap()).build();
    assert_eq!(here.system_secrets().export(), there.system_secrets().export());
    assert_ne!(sub(&here, "bank", "alice"), sub(&there, "bank", "alice"));
}

#[test]
fn every_place_names_the_person_alike_and_the_host_knows_who_it_is() {
    use AccessTokenFormatChoice::{Jwt, JwtStateless, Opaque};
    for format in [Opaque, Jwt, JwtStateless] {
        let h = with(&format).build();
        let form = asking("bank").scope("openid email offline_access read");
        let visit = h.authorize(&form).approved_by("alice");
        let tokens = h.redeem(vouchsafe::testing::code_form(&form, &visit.code())).issued();
        let sub = tokens.id_claims()["sub"].clone();
        assert_ne!(sub, "alice");
        let userinfo = h.userinfo(&tokens.access_token).accepted().json();
        assert_eq!((&userinfo["sub"], &userinfo["email"]), (&sub, &json!("alice@people.example")));
        assert_eq!(h.introspect("api", &tokens.access_token).json()["sub"], sub, "{format:?}");
        if format != Opaque {
            assert_eq!(tokens.access_claims()["sub"], sub);
        }
        let refreshed = h.redeem(refresh_form("bank", tokens.refresh_token())).issued();
        assert_eq!(refreshed.id_claims()["sub"], sub);
        let told = [tokens.body.to_string(), refreshed.body.to_string(), userinfo.to_string()];
        assert!(told.iter().all(|body| !body.contains("\"alice\"")), "{told:?}");
        let _ = h.revoke("bank", &tokens.access_token);
        assert!(
            !h.is_active("api", &tokens.access_token),
            "it is recorded, so it can be revoked: {format:?}"
        );
    }
}

/// attack 39: a hint says who is meant, and signs nobody in.
#[test]
fn a_hint_is_compared_by_the_name_that_the_client_knows() {
    let h = harness();
    let id_token = |client_id| h.tokens(&asking(client_id), "alice").id_token.unwrap();
    let hinted = asking("bank").set("id_token_hint", id_token("bank"));
    let (alice, mallory) = (h.login("alice"), h.login("mallory"));
    let visit = h.authorize(&hinted);
    assert_eq!(visit.pending().request().id_token_hint, HintedSubject::Pairwise(sub(&h, "bank", "alice")));
    assert_eq!(visit.next(Some(&mallory)).needs(), &Needs::Login(LoginNeed::OtherSubject));
    let resumed = visit.resumed_after(std::time::Duration::from_secs(5));
    let _ = resumed.approved_by("mallory").refused(Reason::LoginOtherSubject);
    assert!(resumed.next(Some(&alice)).code().starts_with("vs_ac_"));
    let silent = hinted.clone().prompt("none");
    h.authorize(&silent).next(Some(&mallory)).returned(Reason::LoginOtherSubject);
    assert!(h.authorize(&silent).next(Some(&alice)).code().starts_with("vs_ac_"));
    let foreign = silent.set("id_token_hint", id_token("teller"));
    h.authorize(&foreign).next(Some(&alice)).returned(Reason::IdTokenHintInvalid);
}

/// attack 40: a client cannot ask its way from a pairwise name to the host's own.
#[test]
fn a_requested_sub_is_the_pairwise_one() {
    let h = harness();
    let alice = h.login("alice");
    let claiming = |sub: &str| {
        asking("bank").set("claims", json!({"id_token": {"sub": {"value": sub}}}).to_string()).prompt("none")
    };
    let own = sub(&h, "bank", "alice");
    assert!(h.authorize(&claiming(&own)).next(Some(&alice)).code().starts_with("vs_ac_"));
    for other in ["alice".to_owned(), sub(&h, "shop", "alice")] {
        h.authorize(&claiming(&other)).next(Some(&alice)).returned(Reason::LoginOtherSubject);
    }
}

#[test]
fn pairwise_subjects_are_turned_on_by_a_call() {
    let discovered = |h: &Harness| {
        let request = http::Request::get("/.well-known/openid-configuration");
        let metadata = h.answer(request.body(bytes::Bytes::new()).unwrap()).accepted().json();
        metadata["subject_types_supported"].clone()
    };
    assert_eq!(discovered(&harness()), json!(["public", "pairwise"]));
    let bank = built("bank", registering(&["https://bank.example/cb"]), AccessTokenFormatChoice::Opaque);
    let off = Harness::builder().client(bank).build();
    assert_eq!(discovered(&off), json!(["public"]));
    off.authorize(&asking("bank")).returned(Reason::SubjectTypeUnavailable);
}

/// What is everybody's is no sector: all programs at loopback addresses would know a person by one name.
#[test]
fn a_pairwise_client_has_one_sector() {
    let sector = FetchUrl::parse("https://bank.example:8443/sector.json").unwrap();
    let build = |metadata: ClientMetadata| Client::builder(ClientId::new("x").unwrap(), metadata).build();
    let rows: [&[&str]; 5] = [
        &["https://a.example/cb", "https://b.example/cb"],
        &["http://127.0.0.1/cb"],
        &["http://localhost/cb"],
        &["com.example.app:/cb"],
        &["https://a.example/cb", "com.example.app:/cb"],
    ];
    for uris in rows {
        assert_eq!(build(registering(uris)).unwrap_err().member, "sector_identifier_uri", "{uris:?}");
        let with_sector = build(registering(uris).with_sector(sector.clone())).unwrap();
        assert_eq!(with_sector.sector(), Some("bank.example"));
        let mut public = registering(uris);
        public.subject_type = SubjectType::Public;
        assert_eq!(build(public).unwrap().sector(), None);
    }
    let ports = build(registering(&["https://a.example/cb", "https://a.example:8443/cb"])).unwrap();
    assert_eq!(ports.sector(), Some("a.example"), "a port makes no other host");
    let mut nowhere =
        ClientMetadata::service().with_pairwise_subjects().with_auth_method(ClientAuthMethod::None);
    nowhere.grant_types.clear();
    assert_eq!(build(nowhere).unwrap_err().member, "sector_identifier_uri", "there is no host");
}

fn checked(serve: impl FnOnce(&HttpTable)) -> (Result<(), Reason>, usize) {
    let http = std::sync::Arc::new(HttpTable::new());
    serve(&http);
    let fetcher = Fetcher::new(http.clone(), std::sync::Arc::new(ManualRuntime::default()));
    let uris = ["https://a.example/cb", "https://b.example/cb"];
    let metadata = registering(&uris).with_sector(FetchUrl::parse(SECTOR).unwrap());
    let outcome = block_on(check_sector(&fetcher, &metadata)).map_err(|error| error.reason());
    (outcome, http.take_requests().len())
}

#[test]
fn a_sector_lists_every_redirect_uri_of_its_clients() {
    let (a, b) = ("https://a.example/cb", "https://b.example/cb");
    let missing = Err(Reason::SectorRedirectUriMissing);
    let rows = [
        (json!([b, "https://c.example/cb", a]), Ok(())),
        (json!([a]), missing),
        (json!([]), missing),
        (json!([a, "https://b.example/cb/"]), missing),
        (json!([a, "HTTPS://B.example/cb"]), missing),
        (json!([a, b, 7]), Err(Reason::SectorMalformed)),
        (json!([[a, b]]), Err(Reason::SectorMalformed)),
        (json!({ "redirect_uris": [a, b] }), Err(Reason::SectorMalformed)),
    ];
    for (document, expected) in rows {
        let served = checked(|http| http.serve_json(SECTOR, &document));
        assert_eq!(served, (expected, 1), "{document}");
    }
}

/// attack 208: whatever is at an address that a stranger chose, the answer tells nothing of it.
#[test]
fn a_sector_that_cannot_be_read_fails_the_registration() {
    let status = |status: u16, kind: &'static str| {
        let response = http::Response::builder().status(status).header("content-type", kind);
        move |http: &HttpTable| http.answer(SECTOR, response.body("[]".into()).unwrap())
    };
    let failing = |kind: HttpErrorKind| move |http: &HttpTable| http.fail(SECTOR, kind);
    let large = |http: &HttpTable| http.serve(SECTOR, "application/json", " ".repeat(64 * 1024 + 1));
    let outcomes = [
        (checked(status(302, "application/json")), Reason::SectorRedirected),
        (checked(status(404, "application/json")), Reason::SectorStatus),
        (checked(status(200, "text/html")), Reason::SectorContentType),
        (checked(large), Reason::SectorTooLarge),
        (checked(failing(HttpErrorKind::AddressRefused)), Reason::SectorAddressRefused),
        (checked(failing(HttpErrorKind::TimedOut)), Reason::SectorTimedOut),
        (checked(failing(HttpErrorKind::Unreachable)), Reason::SectorUnreachable),
    ];
    let told = (ErrorCode::InvalidClientMetadata, "sector_identifier_uri could not be read");
    for ((outcome, requests), expected) in outcomes {
        assert_eq!((outcome, requests), (Err(expected), 1), "asked once");
        assert_eq!(expected.wire(), told);
    }
    let without = registering(&["https://a.example/cb"]);
    let fetcher =
        Fetcher::new(std::sync::Arc::new(HttpTable::new()), std::sync::Arc::new(ManualRuntime::default()));
    assert!(block_on(check_sector(&fetcher, &without)).is_ok());
}
