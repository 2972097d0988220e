//! RFC 9396: authorization details, asked for, agreed to, granted, narrowed and told.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use vouchsafe::client::{AccessTokenFormatChoice, Client, ClientBuilder, ClientMetadata, ClientSettings};
use vouchsafe::entropy::OsEntropy;
use vouchsafe::error::{ErrorCode, Reason};
use vouchsafe::provider::{
    Approval, AuthorizationDetailsType, BuildError, Config, DetailsFor, GrantFilter, Needs, Provider,
    Registration,
};
use vouchsafe::secret::SystemSecrets;
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::store::{Page, Stores};
use vouchsafe::testing::{
    AuthorizeForm, DEFAULT_AUDIENCE, Harness, HarnessBuilder, RESOURCE, TokenForm, authorize_form, block_on,
    code_form, keyring, refresh_form, token_form,
};
use vouchsafe::types::{AuthorizationDetail, AuthorizationDetails, ClientId, GrantType, RedirectUri, Scope};

use super::rfc7591_registration::register;

/// Access to accounts: `actions`, and `accounts`, which a request may leave to the person.
#[derive(Debug)]
struct Accounts;

impl AuthorizationDetailsType for Accounts {
    fn type_name(&self) -> &str {
        "accounts"
    }

    fn check(
        &self,
        _: &Client,
        _: DetailsFor,
        detail: AuthorizationDetail,
    ) -> Result<AuthorizationDetail, Reason> {
        let known = ["type", "actions", "accounts", "locations"];
        if detail.fields().keys().any(|name| !known.contains(&name.as_str())) {
            return Err(Reason::AuthorizationDetailsMalformed);
        }
        if detail.texts("actions").any(|action| !["read", "close"].contains(&action)) {
            return Err(Reason::Custom(ErrorCode::InvalidAuthorizationDetails, "there is no such action"));
        }
        match detail.field("actions") {
            Some(_) => Ok(detail),
            None => {
                detail.with("actions", json!(["read"])).map_err(|_| Reason::AuthorizationDetailsMalformed)
            }
        }
    }

    fn allows_client_itself(&self) -> bool {
        true
    }

    fn narrows(&self, narrower: &AuthorizationDetail, wider: &AuthorizationDetail) -> bool {
        let within =
            |name: &str| narrower.texts(name).all(|text| wider.texts(name).any(|known| known == text));
        let chosen = narrower.field("accounts").is_some() || wider.field("accounts").is_none();
        let accounts = wider.field("accounts").is_none() || within("accounts");
        within("actions") && chosen && accounts && narrower.field("locations") == wider.field("locations")
    }
}

/// A payment: one cannot be less than another.
#[derive(Debug)]
struct Payment;

impl AuthorizationDetailsType for Payment {
    fn type_name(&self) -> &str {
        "payment"
    }

    fn check(
        &self,
        _: &Client,
        _: DetailsFor,
        detail: AuthorizationDetail,
    ) -> Result<AuthorizationDetail, Reason> {
        match detail.field("amount").is_some_and(Value::is_u64) {
            true => Ok(detail),
            false => Err(Reason::AuthorizationDetailsMalformed),
        }
    }

    fn allows_client_itself(&self) -> bool {
        true
    }
}

/// Records of a person, of which a client itself may have those without a name.
#[derive(Debug)]
struct Records {
    allows_client_itself: bool,
}

impl AuthorizationDetailsType for Records {
    fn type_name(&self) -> &str {
        "records"
    }

    fn check(
        &self,
        _: &Client,
        details_for: DetailsFor,
        detail: AuthorizationDetail,
    ) -> Result<AuthorizationDetail, Reason> {
        match (details_for, detail.field("named")) {
            (DetailsFor::Person, _) | (_, None) => Ok(detail),
            (_, Some(_)) => {
                Err(Reason::Custom(ErrorCode::InvalidAuthorizationDetails, "people name their records"))
            }
        }
    }

    fn allows_client_itself(&self) -> bool {
        self.allows_client_itself
    }
}

fn client(id: &str, settings: ClientSettings) -> ClientBuilder {
    let uri = RedirectUri::register(&format!("https://{id}.example/cb")).unwrap();
    let metadata = ClientMetadata::code_flow([uri])
        .with_scope(Scope::parse("openid offline_access read").unwrap())
        .with_grant_type(GrantType::RefreshToken)
        .with_grant_type(GrantType::ClientCredentials)
        .with_authorization_details_types(["accounts", "payment", "records", "gone"]);
    let settings = settings.with_resources([RESOURCE, DEFAULT_AUDIENCE]);
    Client::builder(ClientId::new(id).unwrap(), metadata).settings(settings)
}

fn builder() -> HarnessBuilder {
    let files = ClientSettings::new().with_introspects([RESOURCE]);
    Harness::builder()
        .confidential(client("bank", ClientSettings::new()))
        .confidential(client("files", files))
        .provider(|builder| {
            builder
                .with_authorization_details(Arc::new(Accounts))
                .with_authorization_details(Arc::new(Payment))
        })
}

fn harness() -> Harness {
    builder().build()
}

fn asking(details: &Value) -> AuthorizeForm {
    let form = authorize_form().client("bank").scope("openid offline_access");
    form.set("authorization_details", details.to_string())
}

fn details(value: &Value) -> AuthorizationDetails {
    AuthorizationDetails::parse(&value.to_string()).unwrap()
}

fn redeeming(form: &AuthorizeForm, code: &str, narrower: &Value) -> TokenForm {
    code_form(form, code).set("authorization_details", narrower.to_string())
}

fn service(details: impl Into<String>) -> TokenForm {
    token_form("client_credentials").client("bank").set("authorization_details", details)
}

fn both() -> Value {
    json!([{"type": "accounts", "actions": ["read", "close"]}, {"type": "payment", "amount": 7}])
}

/// Sections 3 and 7: the host sees them typed, as their type has them, and the client is told what it got.
#[test]
fn details_are_shown_agreed_to_and_granted() {
    let h = harness();
    let form = asking(&json!([{"type": "accounts"}, {"type": "payment", "amount": 7}]));
    let visit = h.authorize(&form).next(Some(&h.login("alice")));
    let Needs::Consent(missing) = visit.needs() else { panic!("{visit:?}") };
    let counted = json!([{"type": "accounts", "actions": ["read"]}, {"type": "payment", "amount": 7}]);
    assert_eq!(missing.authorization_details, details(&counted));
    assert_eq!(visit.pending().request().authorization_details, details(&counted));
    let code = visit.resumed_after(Duration::from_secs(60)).approved_by("alice").code();
    let tokens = h.redeem(code_form(&form, &code)).issued();
    assert_eq!(tokens.body["authorization_details"], counted);
    let grants = block_on(
        h.provider()
            .administration()
            .grants(&GrantFilter::Client(ClientId::new("bank").unwrap()), &Page::first(9)),
    );
    assert_eq!(grants.unwrap().items[0].grant.authorization_details, details(&counted));
    assert_eq!(h.introspect("api", &tokens.access_token).json()["authorization_details"], counted);
    let refreshed = h.redeem(refresh_form("bank", tokens.refresh_token())).issued();
    assert_eq!(refreshed.body["authorization_details"], counted);
}

/// attack 144: whatever is wrong with them, the client is told, at the authorization endpoint.
#[test]
fn unsound_details_are_returned_to_the_client() {
    let h = harness();
    let long = json!([{"type": "payment", "amount": 7, "x": "y".repeat(16 * 1024)}]).to_string();
    let deep = format!(r#"[{{"type":"payment","amount":7,"x":{}{}}}]"#, "[".repeat(20), "]".repeat(20));
    let many =
        json!((0..17).map(|n| json!({"type": "payment", "amount": n})).collect::<Vec<_>>()).to_string();
    for (text, reason) in [
        (r#"[{"type":"unknown"}]"#, Reason::AuthorizationDetailsTypeUnknown),
        (r#"[{"type":"gone"}]"#, Reason::AuthorizationDetailsTypeUnknown),
        (r#"[{"type":"accounts"},{"type":"unknown"}]"#, Reason::AuthorizationDetailsTypeUnknown),
        (r#"{"type":"accounts"}"#, Reason::AuthorizationDetailsMalformed),
        ("[]", Reason::AuthorizationDetailsMalformed),
        ("null", Reason::AuthorizationDetailsMalformed),
        (r#"[{"actions":["read"]}]"#, Reason::AuthorizationDetailsMalformed),
        (r#"[{"type":"accounts","type":"payment"}]"#, Reason::AuthorizationDetailsMalformed),
        (r#"[{"type":"accounts","actions":"read"}]"#, Reason::AuthorizationDetailsMalformed),
        (r#"[{"type":"accounts","more":1}]"#, Reason::AuthorizationDetailsMalformed),
        (r#"[{"type":"payment","amount":"7"}]"#, Reason::AuthorizationDetailsMalformed),
        (long.as_str(), Reason::AuthorizationDetailsMalformed),
        (deep.as_str(), Reason::AuthorizationDetailsMalformed),
        (many.as_str(), Reason::AuthorizationDetailsMalformed),
    ] {
        let form = asking(&Value::Null).set("authorization_details", text);
        h.authorize(&form).returned(reason);
    }
    let action = asking(&json!([{"type": "accounts", "actions": ["burn"]}]));
    let told = h
        .authorize(&action)
        .returned(Reason::Custom(ErrorCode::InvalidAuthorizationDetails, "there is no such action"));
    assert_eq!(told.value("error"), "invalid_authorization_details");
    let twice = asking(&both()).also("authorization_details", both().to_string());
    h.authorize(&twice).returned(Reason::ParameterRepeated);
}

/// attack 144: and at the token endpoint, where nothing is issued and the code is left as it was.
#[test]
fn unsound_details_are_refused_at_the_token_endpoint() {
    let h = harness();
    for (text, reason) in [
        (r#"[{"type":"unknown"}]"#, Reason::AuthorizationDetailsTypeUnknown),
        (r#"{"type":"accounts"}"#, Reason::AuthorizationDetailsMalformed),
    ] {
        h.redeem(service(text)).rejected(reason).unchanged();
        let form = asking(&both());
        let code = h.code(&form, "alice");
        let sent = code_form(&form, &code).set("authorization_details", text);
        h.redeem(sent).rejected(reason).unchanged();
        let _ = h.redeem(code_form(&form, &code)).issued();
    }
    let large = json!([{"type": "payment", "amount": 7, "x": "y".repeat(30 * 1024)}]).to_string();
    h.redeem(service(large)).rejected(Reason::AuthorizationDetailsMalformed).unchanged();
    let huge = json!([{"type": "payment", "amount": 7, "x": "y".repeat(200 * 1024)}]).to_string();
    h.redeem(service(huge)).rejected(Reason::BodyTooLarge).unchanged();
}

#[test]
fn a_client_asks_for_the_types_that_it_registered_and_no_others() {
    let h = harness();
    let form = asking(&both()).client("web");
    h.authorize(&form).returned(Reason::AuthorizationDetailsTypeNotAllowed);
    let form = token_form("client_credentials").client("service");
    let form = form.set("authorization_details", both().to_string());
    h.redeem(form).rejected(Reason::AuthorizationDetailsTypeNotAllowed).unchanged();
    // A provider without types refuses them all: to ignore them would leave the client in the dark.
    let without = Harness::builder().confidential(client("bank", ClientSettings::new())).build();
    without.authorize(&asking(&both())).returned(Reason::AuthorizationDetailsTypeUnknown);
}

/// Section 7.1: the person fills in what was left to them, and agrees to less, never to more.
#[test]
fn an_approval_may_enrich_and_narrow_but_not_exceed() {
    let h = harness();
    let form = asking(&json!([{"type": "accounts", "actions": ["read"]}, {"type": "payment", "amount": 7}]));
    let visit = h.authorize(&form);
    let approval = |agreed: &Value| {
        Approval::new(h.login("alice"), visit.pending().request().scope.clone())
            .with_authorization_details(details(agreed))
    };
    for more in [
        json!([{"type": "accounts", "actions": ["read", "close"]}]),
        json!([{"type": "payment", "amount": 8}]),
        json!([{"type": "payment", "amount": 7, "to": "mallory"}]),
        json!([{"type": "accounts", "actions": ["read"], "locations": ["https://elsewhere.example"]}]),
        json!([{"type": "other"}]),
    ] {
        let _ = visit.approved(approval(&more)).refused(Reason::ApprovalDetailsExceed);
    }
    let agreed = json!([{"type": "accounts", "actions": ["read"], "accounts": ["DE02"]}]);
    let code = visit.approved(approval(&agreed)).code();
    let tokens = h.redeem(code_form(&form, &code)).issued();
    assert_eq!(tokens.body["authorization_details"], agreed);
    let nothing = Approval::new(h.login("alice"), Scope::parse("openid").unwrap())
        .with_authorization_details(AuthorizationDetails::empty());
    let code = visit.approved(nothing).code();
    assert_eq!(h.redeem(code_form(&form, &code)).issued().body.get("authorization_details"), None);
}

/// Section 6: a token has what was granted or less, each time anew.
#[test]
fn a_token_narrows_what_was_granted_and_never_widens_it() {
    let h = harness();
    let form = asking(&both());
    let less = json!([{"type": "accounts", "actions": ["read"], "accounts": ["DE02"]}]);
    let code = h.code(&form, "alice");
    let tokens = h.redeem(redeeming(&form, &code, &less)).issued();
    assert_eq!(tokens.body["authorization_details"], less);
    assert_eq!(h.introspect("api", &tokens.access_token).json()["authorization_details"], less);
    let refresh = || refresh_form("bank", tokens.refresh_token());
    let all = h.redeem(refresh()).issued();
    assert_eq!(all.body["authorization_details"], both(), "the grant is as it was");
    let payment = json!([{"type": "payment", "amount": 7}]);
    let narrowed = h.redeem(refresh().set("authorization_details", payment.to_string())).issued();
    assert_eq!(narrowed.body["authorization_details"], payment);
    for more in
        [json!([{"type": "payment", "amount": 8}]), json!([payment[0], {"type": "payment", "amount": 9}])]
    {
        let asked = refresh().set("authorization_details", more.to_string());
        h.redeem(asked).rejected(Reason::AuthorizationDetailsNotGranted).unchanged();
    }
    let _ = h.redeem(refresh()).issued();
}

/// Whoever guesses at the details of a code has spent it, as with its other bindings.
#[test]
fn a_code_is_spent_by_a_request_for_more() {
    let h = harness();
    let form = asking(&json!([{"type": "payment", "amount": 7}]));
    let code = h.code(&form, "alice");
    let more = redeeming(&form, &code, &json!([{"type": "payment", "amount": 70}]));
    let _ = h.redeem(more).rejected(Reason::AuthorizationDetailsNotGranted);
    let _ = h.redeem(code_form(&form, &code)).rejected(Reason::CodeReplayed);
    // Nothing was granted in detail: there is nothing to narrow.
    let plain = authorize_form().client("bank").scope("openid");
    let code = h.code(&plain, "alice");
    let _ = h.redeem(redeeming(&plain, &code, &both())).rejected(Reason::AuthorizationDetailsNotGranted);
}

#[test]
fn a_client_has_details_for_itself() {
    let h = harness();
    let tokens = h.redeem(service(both().to_string())).issued();
    assert_eq!(tokens.body["authorization_details"], both());
    assert_eq!(h.introspect("api", &tokens.access_token).json()["authorization_details"], both());
}

/// A client that registered a type in order to ask people about it would give itself what nobody agreed to.
#[test]
fn a_client_has_no_details_for_itself_that_people_are_to_agree_to() {
    let records = |allows_client_itself| {
        let records = Arc::new(Records { allows_client_itself });
        builder().provider(|builder| builder.with_authorization_details(records)).build()
    };
    let (unnamed, named) = (json!([{"type": "records"}]), json!([{"type": "records", "named": "alice"}]));
    let h = records(false);
    let refused = h.redeem(service(unnamed.to_string()));
    assert_eq!(refused.json()["error"], "invalid_authorization_details");
    refused.rejected(Reason::AuthorizationDetailsForPeople).unchanged();
    let code = h.code(&asking(&named), "alice");
    let tokens = h.redeem(redeeming(&asking(&named), &code, &named)).issued();
    let narrowed = refresh_form("bank", tokens.refresh_token());
    let refreshed = h.redeem(narrowed.set("authorization_details", named.to_string())).issued();
    assert_eq!(refreshed.body["authorization_details"], named);
    // Where a client may have some, the type knows that nobody is asked.
    let h = records(true);
    assert_eq!(h.redeem(service(unnamed.to_string())).issued().body["authorization_details"], unnamed);
    let custom = Reason::Custom(ErrorCode::InvalidAuthorizationDetails, "people name their records");
    h.redeem(service(named.to_string())).rejected(custom).unchanged();
}

/// Remembered consent covers a detail that was agreed to exactly so, and no other.
#[test]
fn a_detail_that_was_not_agreed_to_before_is_asked_for() {
    let h = harness();
    let payment = |amount: u64| json!({"type": "payment", "amount": amount});
    let _ = h.authorize(&asking(&json!([payment(7)]))).remembered_by("alice");
    let login = h.login("alice");
    assert!(h.authorize(&asking(&json!([payment(7)]))).next(Some(&login)).code().starts_with("vs_ac_"));
    let visit = h.authorize(&asking(&json!([payment(7), payment(8)]))).next(Some(&login));
    let Needs::Consent(missing) = visit.needs() else { panic!("{visit:?}") };
    assert_eq!(missing.authorization_details, details(&json!([payment(8)])));
    assert!(missing.scope.is_empty());
    let silent = asking(&json!([payment(8)])).prompt("none");
    h.authorize(&silent).next(Some(&login)).returned(Reason::ConsentNeeded);
    let consents =
        block_on(h.provider().administration().consents_of_subject(&login.subject, &Page::first(9))).unwrap();
    let hashes = &consents.items[0].authorization_details;
    assert_eq!(hashes.len(), 1);
    assert_eq!(*hashes, [details(&json!([payment(7)])).iter().next().unwrap().fingerprint()]);
}

/// What the person chose is remembered, not what the client had left open.
#[test]
fn a_choice_is_not_remembered_as_consent_to_everything() {
    let h = harness();
    let form = asking(&json!([{"type": "accounts", "actions": ["read"]}]));
    let visit = h.authorize(&form);
    let agreed = details(&json!([{"type": "accounts", "actions": ["read"], "accounts": ["DE02"]}]));
    let approval = Approval::new(h.login("alice"), visit.pending().request().scope.clone());
    let _ = visit.approved(approval.with_authorization_details(agreed).remembered()).code();
    let visit = h.authorize(&form).next(Some(&h.login("alice")));
    assert!(matches!(visit.needs(), Needs::Consent(_)), "{visit:?}");
}

#[test]
fn remembered_details_have_an_end() {
    let h = harness();
    for batch in 0..7_u64 {
        let payments: Vec<_> =
            (0..16).map(|n| json!({"type": "payment", "amount": batch * 16 + n})).collect();
        let _ = h.authorize(&asking(&json!(payments))).remembered_by("alice");
    }
    let login = h.login("alice");
    let consents =
        block_on(h.provider().administration().consents_of_subject(&login.subject, &Page::first(9))).unwrap();
    assert_eq!(consents.items[0].authorization_details.len(), 100);
    let oldest = h.authorize(&asking(&json!([{"type": "payment", "amount": 0}]))).next(Some(&login));
    assert!(matches!(oldest.needs(), Needs::Consent(_)), "{oldest:?}");
    let newest = h.authorize(&asking(&json!([{"type": "payment", "amount": 111}]))).next(Some(&login));
    assert!(newest.code().starts_with("vs_ac_"));
}

/// Sections 9.1 and 9.2: each resource server is told what is for it.
#[test]
fn locations_say_which_token_and_which_server_has_a_detail() {
    let h = harness();
    let here =
        json!({"type": "accounts", "actions": ["read"], "locations": [format!("{RESOURCE}/accounts")]});
    let there = json!({"type": "accounts", "actions": ["close"], "locations": [DEFAULT_AUDIENCE]});
    let anywhere = json!({"type": "payment", "amount": 7});
    let form =
        asking(&json!([here, there, anywhere])).set("resource", RESOURCE).also("resource", DEFAULT_AUDIENCE);
    let code = h.code(&form, "alice");
    let tokens = h.redeem(code_form(&form, &code)).issued();
    assert_eq!(tokens.body["authorization_details"], json!([here, there, anywhere]));
    let told =
        |caller: &str, token: &str| h.introspect(caller, token).json()["authorization_details"].clone();
    assert_eq!(told("bank", &tokens.access_token), json!([here, there, anywhere]));
    assert_eq!(told("api", &tokens.access_token), json!([there, anywhere]));
    assert_eq!(told("files", &tokens.access_token), json!([here, anywhere]));
    let one = h.redeem(refresh_form("bank", tokens.refresh_token()).set("resource", RESOURCE)).issued();
    assert_eq!(one.body["authorization_details"], json!([here, anywhere]));
    assert_eq!(told("files", &one.access_token), json!([here, anywhere]));
}

/// A detail that no token of the request could have is refused while somebody can be told.
#[test]
fn locations_must_be_at_what_is_asked_for() {
    let h = harness();
    let there = json!([{"type": "accounts", "actions": ["read"], "locations": [RESOURCE]}]);
    h.authorize(&asking(&there)).returned(Reason::AuthorizationDetailsLocation);
    h.authorize(&asking(&there).set("resource", DEFAULT_AUDIENCE))
        .returned(Reason::AuthorizationDetailsLocation);
    h.authorize(&asking(&there).set("resource", RESOURCE)).waits();
    h.redeem(service(there.to_string())).rejected(Reason::AuthorizationDetailsLocation).unchanged();
}

/// Section 9.1: in a JWT as a claim, recorded and stateless, and read back from both.
#[test]
fn a_jwt_carries_its_details() {
    for format in [AccessTokenFormatChoice::Jwt, AccessTokenFormatChoice::JwtStateless] {
        let h = builder().config(|config| config.access_token_format = format).build();
        let tokens = h.redeem(service(both().to_string())).issued();
        assert_eq!(tokens.access_claims()["authorization_details"], both());
        assert_eq!(h.introspect("api", &tokens.access_token).json()["authorization_details"], both());
    }
}

/// A header takes 16 KiB: what does not fit into a JWT is in its record, and introspection tells it.
#[test]
fn details_too_large_for_a_header_stay_in_the_record() {
    let h =
        builder().config(|config| config.access_token_format = AccessTokenFormatChoice::JwtStateless).build();
    let deep = format!(r#"[{{"type":"payment","amount":7,"x":{}{}}}]"#, "[".repeat(14), "]".repeat(14));
    let deep: Value = serde_json::from_str(&deep).unwrap();
    for large in [json!([{"type": "payment", "amount": 7, "x": "y".repeat(15_000)}]), deep] {
        let tokens = h.redeem(service(large.to_string())).issued();
        assert!(tokens.access_token.len() < 2048);
        assert_eq!(tokens.access_claims().get("authorization_details"), None);
        assert_eq!(tokens.body["authorization_details"], large);
        assert_eq!(h.introspect("api", &tokens.access_token).json()["authorization_details"], large);
    }
}

/// Section 3: they can be pushed, and be in a request object as JSON.
#[test]
fn details_come_in_pushed_requests_and_request_objects() {
    let keys = object_keys();
    let jar = ClientMetadata::code_flow([RedirectUri::register("https://jar.example/cb").unwrap()])
        .with_auth_method(vouchsafe::client::ClientAuthMethod::None)
        .with_jwks(keys)
        .with_authorization_details_types(["payment"]);
    let jar = Client::builder(ClientId::new("jar").unwrap(), jar).build().unwrap();
    let h = builder().request_objects().client(jar).pushed_requests().build();
    let form = authorize_form().client("jar");
    let mut claims = h.object_claims(&form);
    claims["authorization_details"] = json!([{"type": "payment", "amount": 7}]);
    let form = form.set("request", h.request_object(&claims));
    let visit = h.authorize(&form);
    assert_eq!(visit.pending().request().authorization_details, details(&claims["authorization_details"]));
    // What does not fit into a URL waits behind a reference.
    let large = json!([{"type": "payment", "amount": 7, "x": "y".repeat(15_000)}]);
    let pushed = h.pushed(&asking(&large));
    let visit = h.authorize(&vouchsafe::testing::reference_form("bank", &pushed));
    let code = visit.resumed_after(Duration::from_secs(30)).approved_by("alice").code();
    let tokens = h.redeem(code_form(&asking(&large), &code)).issued();
    assert_eq!(tokens.body["authorization_details"], large);
    let unknown = asking(&json!([{"type": "unknown"}])).to_push();
    h.push(unknown).rejected(Reason::AuthorizationDetailsTypeUnknown).unchanged();
}

fn metadata(h: &Harness) -> Value {
    let url = "https://op.example/.well-known/openid-configuration";
    h.answer(http::Request::get(url).body(Bytes::new()).unwrap()).json()
}

fn object_keys() -> vouchsafe::jose::JwkSet {
    let key = vouchsafe::testing::client_key();
    vouchsafe::jose::JwkSet::register(&json!({ "keys": [key.public_key().to_value()] })).unwrap()
}

/// Section 10: discovery lists the types, and clients register them where the host lets them.
#[test]
fn types_are_discovered_and_registered() {
    let h = builder()
        .provider(|builder| {
            builder.with_registration(Registration::open().with_authorization_details_type("payment"))
        })
        .build();
    let said = metadata(&h);
    assert_eq!(said["authorization_details_types_supported"], json!(["accounts", "payment"]));
    assert_eq!(metadata(&Harness::new()).get("authorization_details_types_supported"), None);
    let asked = json!({
        "redirect_uris": ["https://new.example/cb"],
        "authorization_details_types": ["accounts", "payment", "unknown"],
    });
    let told = register(&h, &asked).accepted().json();
    assert_eq!(told["authorization_details_types"], json!(["payment"]));
    let unsound =
        json!({"redirect_uris": ["https://new.example/cb"], "authorization_details_types": "payment"});
    let _ = register(&h, &unsound).rejected(Reason::MetadataDetailsTypes);
}

#[test]
fn two_types_of_one_name_are_refused() {
    let config = Config::new("https://op.example".parse().unwrap());
    let secrets = SystemSecrets::generate(&OsEntropy).unwrap();
    let stores = Stores::of(Arc::new(MemoryStore::new()));
    let built = Provider::builder(config, stores, keyring(), secrets)
        .with_authorization_details(Arc::new(Payment))
        .with_authorization_details(Arc::new(Payment))
        .build();
    assert_eq!(built.unwrap_err(), BuildError::Twice { name: "payment".to_owned() });
}
