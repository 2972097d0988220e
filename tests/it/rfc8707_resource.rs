//! RFC 8707: resource indicators, what differs for the tokens of each resource, and who may ask for which.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use vouchsafe::client::{AccessTokenFormatChoice, Client, ClientBuilder, ClientMetadata, ClientSettings};
use vouchsafe::entropy::OsEntropy;
use vouchsafe::error::Reason;
use vouchsafe::jose::{ContentEnc, JoseError, Jws, KeyAlg, SigningAlg};
use vouchsafe::policy::{AudienceStrategy, ScopeStrategy, StrategicPolicy};
use vouchsafe::provider::{BuildError, Config, Provider, ResourceEncryption, ResourceSettings};
use vouchsafe::secret::SystemSecrets;
use vouchsafe::store::Stores;
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::testing::{
    AuthorizeForm, DEFAULT_AUDIENCE, Harness, HarnessBuilder, RESOURCE, TokenForm, authorize_form,
    client_decryption_keys, code_form, decrypted, keyring, refresh_form, token_form,
};
use vouchsafe::types::{ClientId, GrantType, RedirectUri, Scope};

/// A resource whose tokens only it can read.
const VAULT: &str = "https://vault.example";

/// A resource with an algorithm, a format and a scope of its own.
const PRINTER: &str = "https://printer.example";

const ENC: ContentEnc = ContentEnc::A256Gcm;

fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

fn encryption() -> ResourceEncryption {
    let key = client_decryption_keys()
        .public_keys()
        .into_iter()
        .find(|key| ResourceEncryption::new(key, KeyAlg::EcdhEs, ENC).is_ok());
    ResourceEncryption::new(&key.unwrap(), KeyAlg::EcdhEs, ENC).unwrap()
}

fn client(id: &str) -> ClientBuilder {
    let uri = RedirectUri::register(&format!("https://{id}.example/cb")).unwrap();
    let metadata = ClientMetadata::code_flow([uri])
        .with_scope(scope("openid offline_access email read write print"))
        .with_grant_type(GrantType::RefreshToken)
        .with_grant_type(GrantType::ClientCredentials);
    let settings = ClientSettings::new().with_resources([RESOURCE, DEFAULT_AUDIENCE, VAULT, PRINTER]);
    Client::builder(ClientId::new(id).unwrap(), metadata).settings(settings)
}

fn builder() -> HarnessBuilder {
    let vault = ClientSettings::new().with_introspects([VAULT]);
    Harness::builder().confidential(client("app")).confidential(client("vault").settings(vault)).config(
        |config| {
            let vault = ResourceSettings::new().with_access_token_encryption(encryption());
            let printer = ResourceSettings::new()
                .with_scopes(scope("print read"))
                .with_access_token_format(AccessTokenFormatChoice::Jwt)
                .with_access_token_signing_alg(SigningAlg::Es256);
            config.resources.insert(VAULT.to_owned(), vault);
            config.resources.insert(PRINTER.to_owned(), printer);
        },
    )
}

fn harness() -> Harness {
    builder().build()
}

fn asking(resources: &[&str]) -> AuthorizeForm {
    let form = authorize_form().client("app").scope("openid offline_access email read write print");
    resources.iter().fold(form, |form, resource| form.also("resource", *resource))
}

fn service(resources: &[&str]) -> TokenForm {
    let form = token_form("client_credentials").client("app").scope("read write print");
    resources.iter().fold(form, |form, resource| form.also("resource", *resource))
}

/// Section 2.2: several resources in the grant, one token for each.
#[test]
fn a_grant_for_several_resources_gives_a_token_for_each() {
    let h = harness();
    let form = asking(&[RESOURCE, PRINTER, VAULT]);
    let code = h.code(&form, "alice");
    let first = h.redeem(code_form(&form, &code).set("resource", RESOURCE)).issued();
    assert!(first.access_token.starts_with("vs_at_"));
    assert_eq!(h.introspect("app", &first.access_token).json()["aud"], RESOURCE);
    let refresh = |resource: &str| {
        h.redeem(refresh_form("app", first.refresh_token()).set("resource", resource)).issued()
    };
    let printer = refresh(PRINTER);
    assert_eq!(printer.access_claims()["aud"], PRINTER);
    assert_eq!(Jws::parse(&printer.access_token).unwrap().header().alg_name(), "ES256");
    let vault = refresh(VAULT);
    let (_, signed) = decrypted(&vault.access_token);
    assert_eq!(Jws::parse(&signed).unwrap().header().typ(), Some("at+jwt"));
    let again = refresh(RESOURCE);
    assert_eq!(h.introspect("app", &again.access_token).json()["aud"], RESOURCE);
}

/// attack 130: no token is for a resource that was not granted.
#[test]
fn a_resource_that_was_not_granted_is_refused() {
    let h = harness();
    let form = asking(&[RESOURCE]);
    let code = h.code(&form, "alice");
    let tokens = h.redeem(code_form(&form, &code)).issued();
    for other in [PRINTER, DEFAULT_AUDIENCE, "https://files.example/", "https://files.example/a"] {
        let asked = refresh_form("app", tokens.refresh_token()).set("resource", other);
        h.redeem(asked).rejected(Reason::ResourceNotGranted).unchanged();
    }
    h.redeem(service(&["https://other.example"])).rejected(Reason::ResourceNotAllowed).unchanged();
}

/// The scope of a resource: the person is asked for what means something there, and the token has no more.
#[test]
fn a_token_has_the_scope_of_its_resources() {
    let h = harness();
    let visit = h.authorize(&asking(&[PRINTER]));
    let shown = visit.pending().request().scope.to_string();
    assert_eq!(shown, "openid offline_access email read print");
    let form = asking(&[PRINTER, RESOURCE]);
    let code = h.code(&form, "alice");
    let both = h.redeem(code_form(&form, &code)).issued();
    assert_eq!(both.scope.as_deref(), Some("openid offline_access email read write print"));
    let one = h.redeem(refresh_form("app", both.refresh_token()).set("resource", PRINTER)).issued();
    assert_eq!(one.scope.as_deref(), Some("openid offline_access email read print"));
    assert_eq!(one.access_claims()["scope"], "openid offline_access email read print");
    let tokens = h.redeem(service(&[PRINTER])).issued();
    assert_eq!(tokens.scope.as_deref(), Some("read print"));
    assert_eq!(h.redeem(service(&[RESOURCE])).issued().scope.as_deref(), Some("read write print"));
}

/// The narrowing by resource as a property: no token has a scope that its grant or its resource has not.
#[test]
fn narrowing_by_resource_never_widens() {
    let h = harness();
    let mut runner = TestRunner::new(ProptestConfig { cases: 48, ..ProptestConfig::default() });
    let words = proptest::collection::vec(prop_oneof!["read", "write", "print"], 1..4);
    let resources = proptest::sample::subsequence(vec![RESOURCE, DEFAULT_AUDIENCE, PRINTER], 1..=3);
    runner
        .run(&(words, resources), |(words, resources)| {
            let asked = scope(&words.join(" "));
            let outcome = h.redeem(service(&resources).scope(asked.as_str()));
            let granted = scope(&outcome.issued().scope.unwrap_or_default());
            prop_assert!(granted.is_subset(&asked));
            if resources == [PRINTER] {
                prop_assert!(granted.is_subset(&scope("print read")));
            } else {
                prop_assert_eq!(granted, asked);
            }
            Ok(())
        })
        .unwrap();
}

/// A token that is encrypted is for one resource: it is asked for by name, or the first of the grant.
#[test]
fn what_is_encrypted_for_one_is_for_no_other() {
    let h = harness();
    h.redeem(service(&[VAULT, RESOURCE])).rejected(Reason::ResourcesNotCombined).unchanged();
    let form = asking(&[VAULT, RESOURCE]);
    let code = h.code(&form, "alice");
    let tokens = h.redeem(code_form(&form, &code)).issued();
    assert_eq!(h.introspect("vault", &tokens.access_token).json()["aud"], VAULT);
    let asked = || refresh_form("app", tokens.refresh_token()).set("resource", RESOURCE);
    h.redeem(asked().also("resource", VAULT)).rejected(Reason::ResourcesNotCombined).unchanged();
    assert!(h.redeem(asked()).issued().access_token.starts_with("vs_at_"));
}

/// Who signs must be agreed on too.
#[test]
fn resources_with_different_algorithms_share_no_token() {
    let h = builder()
        .config(|config| {
            let other = ResourceSettings::new().with_access_token_signing_alg(SigningAlg::Rs256);
            config.resources.insert(RESOURCE.to_owned(), other);
        })
        .build();
    h.redeem(service(&[PRINTER, RESOURCE])).rejected(Reason::ResourcesNotCombined).unchanged();
    let _ = h.redeem(service(&[PRINTER, DEFAULT_AUDIENCE])).issued();
}

/// The resource decrypts and verifies; the provider knows the token as it was sent, and can end it.
#[test]
fn an_encrypted_token_is_introspected_and_revoked_as_it_is_sent() {
    for format in [AccessTokenFormatChoice::Jwt, AccessTokenFormatChoice::JwtStateless] {
        let h = builder()
            .config(|config| {
                let vault = ResourceSettings::new().with_access_token_format(format.clone());
                let vault = vault.with_access_token_encryption(encryption());
                config.resources.insert(VAULT.to_owned(), vault);
            })
            .build();
        let token = h.redeem(service(&[VAULT])).issued().access_token;
        assert_eq!(token.split('.').count(), 5);
        let (header, signed) = decrypted(&token);
        assert_eq!((header.alg(), header.enc()), (Some(KeyAlg::EcdhEs), Some(ENC)));
        let claims: Value =
            serde_json::from_slice(Jws::parse(&signed).unwrap().unverified_payload()).unwrap();
        assert_eq!((&claims["aud"], &claims["client_id"]), (&json!(VAULT), &json!("app")));
        assert!(h.is_active("vault", &token) && h.is_active("app", &token));
        assert!(!h.is_active("api", &token), "it is for another");
        let _ = h.introspect("vault", &signed).unchanged();
        assert!(!h.is_active("vault", &signed), "what is inside has no record of its own");
        let _ = h.revoke("app", &token).accepted();
        assert!(!h.is_active("vault", &token));
    }
}

#[test]
fn what_only_looks_encrypted_is_nobodys() {
    let h = harness();
    for made_up in ["a.b.c.d.e", "....", "e.e.e.e.e.e", &"x.".repeat(20_000)] {
        let _ = h.userinfo(made_up.get(..200).unwrap_or(made_up)).challenged(Reason::AccessTokenInvalid);
        assert!(!h.is_active("vault", made_up));
    }
}

fn build(config: impl FnOnce(&mut Config)) -> Result<Provider, BuildError> {
    let mut settings =
        Config::new("https://op.example".parse().unwrap()).with_default_audience([DEFAULT_AUDIENCE]);
    config(&mut settings);
    let secrets = SystemSecrets::generate(&OsEntropy).unwrap();
    Provider::builder(settings, Stores::of(Arc::new(MemoryStore::new())), keyring(), secrets)
        .with_client_credentials()
        .build()
}

#[test]
fn settings_that_cannot_be_met_are_refused() {
    let add = |settings: ResourceSettings| {
        build(|config| {
            *config = std::mem::replace(config, Config::new("https://x.example".parse().unwrap()))
                .with_resource(VAULT, settings)
        })
    };
    let opaque = ResourceSettings::new()
        .with_access_token_encryption(encryption())
        .with_access_token_format(AccessTokenFormatChoice::Opaque);
    let refused = add(opaque).unwrap_err();
    assert_eq!(
        refused,
        BuildError::Needs {
            feature: "resource access_token_encryption",
            port: "a format of jwts for the resource"
        }
    );
    let keyless = ResourceSettings::new().with_access_token_signing_alg(SigningAlg::Ps512);
    let refused = add(keyless).unwrap_err();
    let feature = "resource access_token_signing_alg";
    assert_eq!(refused, BuildError::Needs { feature, port: "an active key for it" });
    let shared = build(|config| {
        config.default_audience.push(VAULT.to_owned());
        let vault = ResourceSettings::new().with_access_token_encryption(encryption());
        config.resources.insert(VAULT.to_owned(), vault);
    });
    let port = "resources that can share a token";
    assert_eq!(shared.unwrap_err(), BuildError::Needs { feature: "default_audience", port });
    let signing = client_decryption_keys().public_keys().into_iter().map(|key| {
        ResourceEncryption::new(&key, KeyAlg::EcdhEs, ENC).and(ResourceEncryption::new(
            &key,
            KeyAlg::RsaOaep256,
            ENC,
        ))
    });
    assert!(signing.into_iter().all(|made| made.unwrap_err() == JoseError::NoKey), "a key has one algorithm");
}

/// The default audience has settings like any other resource.
#[test]
fn the_default_audience_has_its_own_settings() {
    let h = builder()
        .config(|config| {
            let settings = ResourceSettings::new().with_access_token_encryption(encryption());
            config.resources.insert(DEFAULT_AUDIENCE.to_owned(), settings);
        })
        .build();
    let token = h.redeem(service(&[])).issued().access_token;
    assert_eq!(token.split('.').count(), 5);
    assert!(h.is_active("api", &token));
}

fn strategic(policy: StrategicPolicy, registered: &str, resources: &[&str]) -> Harness {
    let metadata = ClientMetadata::service().with_scope(scope(registered));
    let settings = ClientSettings::new().with_resources(resources.to_vec());
    let client = Client::builder(ClientId::new("worker").unwrap(), metadata).settings(settings);
    Harness::builder().confidential(client).provider(move |builder| builder.policy(Arc::new(policy))).build()
}

#[test]
fn scopes_are_compared_by_the_strategy() {
    let ask = |strategy: ScopeStrategy, registered: &str, asked: &str| {
        let h = strategic(StrategicPolicy::new().with_scope(strategy), registered, &[]);
        let outcome = h.redeem(token_form("client_credentials").client("worker").scope(asked));
        match outcome.response.status().is_success() {
            true => outcome.issued().scope,
            false => {
                let _ = outcome.rejected(Reason::ScopeNotAllowed);
                None
            }
        }
    };
    assert_eq!(ask(ScopeStrategy::Exact, "photos", "photos.read"), None);
    assert_eq!(ask(ScopeStrategy::Hierarchic, "photos", "photos.read").as_deref(), Some("photos.read"));
    assert_eq!(ask(ScopeStrategy::Hierarchic, "photos.read", "photos"), None);
    assert_eq!(ask(ScopeStrategy::Wildcard, "photos.*", "photos.read").as_deref(), Some("photos.read"));
    assert_eq!(ask(ScopeStrategy::Wildcard, "photos.*", "photos.read albums"), None);
    assert_eq!(ask(ScopeStrategy::Exact, "photos.*", "photos.read"), None);
}

/// attack 44, attack 130: below a registered resource, and nowhere beside it.
#[test]
fn resources_are_compared_by_the_strategy() {
    let policy = StrategicPolicy::new().with_audience(AudienceStrategy::UrlPrefix);
    let h = strategic(policy, "read", &["https://files.example/photos"]);
    let ask = |resource: &str| token_form("client_credentials").client("worker").set("resource", resource);
    let token = h.redeem(ask("https://files.example/photos/7")).issued().access_token;
    assert_eq!(h.introspect("worker", &token).json()["aud"], "https://files.example/photos/7");
    for beside in [
        "https://files.example",
        "https://files.example/photoshop",
        "https://files.example/photos/../keys",
        "https://files.example/photos/%2e%2e/keys",
        "https://files.example.evil.example/photos/7",
    ] {
        h.redeem(ask(beside)).rejected(Reason::ResourceNotAllowed).unchanged();
    }
    let exact = strategic(StrategicPolicy::new(), "read", &["https://files.example/photos"]);
    exact.redeem(ask("https://files.example/photos/7")).rejected(Reason::ResourceNotAllowed).unchanged();
}
