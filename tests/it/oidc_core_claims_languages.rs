//! OpenID Connect Core 1.0 section 5.2: claims in languages, and the languages that a client prefers.

use std::sync::{Arc, Mutex};

use serde_json::json;
use vouchsafe::client::AccessTokenFormatChoice;
use vouchsafe::testing::{Harness, authorize_form, code_form, refresh_form};
use vouchsafe::types::{Claims, LanguageTag, Subject};
use vouchsafe::{AccountQuery, Accounts, BoxError, async_trait};

/// Answers with the preferred language as a claim, and keeps what it was asked.
#[derive(Debug, Default)]
struct Linguist(Mutex<Vec<Vec<String>>>);

#[async_trait]
impl Accounts for Linguist {
    async fn claims(&self, query: AccountQuery<'_>) -> Result<Option<Claims>, BoxError> {
        let asked: Vec<_> = query.claims_locales.iter().map(|tag| tag.as_str().to_owned()).collect();
        let name = if query.claims_locales.iter().any(|tag| *tag == "de") { "Änne" } else { "Anna" };
        self.0.lock().unwrap().push(asked);
        Ok(Some(Claims::new().with("name", name)))
    }
}

fn harness(format: AccessTokenFormatChoice) -> (Harness, Arc<Linguist>) {
    let linguist = Arc::new(Linguist::default());
    let accounts = linguist.clone();
    let h = Harness::builder()
        .config(|config| config.access_token_format = format)
        .provider(|builder| builder.accounts(accounts))
        .front_channel()
        .build();
    (h, linguist)
}

#[test]
fn the_languages_reach_the_host_wherever_it_is_asked() {
    for format in [AccessTokenFormatChoice::Opaque, AccessTokenFormatChoice::JwtStateless] {
        let (h, linguist) = harness(format);
        let form = authorize_form()
            .scope("openid profile offline_access")
            .set("claims_locales", "fr-CA DE not_a_tag")
            .set("claims", r#"{"id_token":{"name":null}}"#);
        let visit = h.authorize(&form);
        let preferred = &visit.pending().request().claims_locales;
        assert_eq!(*preferred, ["fr-CA", "de"].map(|tag| LanguageTag::parse(tag).unwrap()));
        let tokens = h.redeem(code_form(&form, &visit.approved_by("alice").code())).issued();
        assert_eq!(tokens.id_claims()["name"], "Änne");
        assert_eq!(h.userinfo(&tokens.access_token).accepted().json()["name"], "Änne");
        let refreshed = h.redeem(refresh_form("web", tokens.refresh_token())).issued();
        assert_eq!(refreshed.id_claims()["name"], "Änne");
        assert_eq!(h.userinfo(&refreshed.access_token).accepted().json()["name"], "Änne");
        let asked = std::mem::take(&mut *linguist.0.lock().unwrap());
        assert_eq!(asked, vec![vec!["fr-CA".to_owned(), "DE".to_owned()]; 4]);
    }
}

#[test]
fn the_languages_reach_the_host_for_an_id_token_of_the_browser() {
    let (h, _) = harness(AccessTokenFormatChoice::Opaque);
    let form = authorize_form()
        .client("front")
        .set("response_type", "id_token")
        .scope("openid profile")
        .set("claims_locales", "de");
    let landing = h.authorize(&form).approved_by("alice").landing();
    assert_eq!(landing.id_claims()["name"], "Änne");
}

#[test]
fn a_preference_is_bounded_and_never_an_error() {
    let (h, linguist) = harness(AccessTokenFormatChoice::Opaque);
    let many = vec!["de"; 100].join(" ");
    let tokens = h.tokens(&authorize_form().set("claims_locales", many), "alice");
    let _ = h.userinfo(&tokens.access_token).accepted();
    assert!(linguist.0.lock().unwrap().iter().all(|asked| asked.len() == 16));
    let without = h.tokens(&authorize_form(), "alice");
    let _ = h.userinfo(&without.access_token).accepted();
    assert_eq!(linguist.0.lock().unwrap().last().unwrap(), &Vec::<String>::new());
}

#[test]
fn a_claim_in_a_language_is_asked_for_and_told_by_its_name() {
    let h = Harness::new();
    let account = Claims::new()
        .with("name", "Anna")
        .with("name#de", "Änne")
        .with("website#de", "https://anna.example/de")
        .with("nickname", "Nana");
    h.accounts().insert(Subject::new("anna").unwrap(), account);
    let claims = json!({"userinfo": {"website#de": null}, "id_token": {"name#de": null, "nickname": null}});
    let tokens = h.tokens(&authorize_form().set("claims", claims.to_string()), "anna");
    let id_token = tokens.id_claims();
    assert_eq!((&id_token["name#de"], &id_token["nickname"]), (&json!("Änne"), &json!("Nana")));
    assert!(id_token.get("name").is_none() && id_token.get("website#de").is_none());
    let userinfo = h.userinfo(&tokens.access_token).accepted().json();
    assert_eq!(userinfo, json!({"sub": "anna", "website#de": "https://anna.example/de"}));
}

#[test]
fn discovery_lists_the_languages_of_claims() {
    let h = Harness::builder()
        .config(|config| config.claims_locales_supported = vec![LanguageTag::parse("de").unwrap()])
        .build();
    let request = http::Request::get("/.well-known/openid-configuration");
    let metadata = h.answer(request.body(bytes::Bytes::new()).unwrap()).accepted().json();
    assert_eq!(metadata["claims_locales_supported"], json!(["de"]));
}
