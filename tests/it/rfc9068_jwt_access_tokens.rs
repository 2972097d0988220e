//! RFC 9068: access tokens as JWTs, recorded and stateless; and the other shapes that a deployment chooses.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use vouchsafe::client::{AccessTokenFormatChoice, Client, ClientMetadata, ClientSettings};
use vouchsafe::error::{BoxError, Reason};
use vouchsafe::jose::{self, AccessTokenVerifier, Jws, SigningAlg, SigningHeader};
use vouchsafe::provider::{
    AccessTokenFormat, BuildError, ClaimsHook, Config, Context, Minted, Presented, Provider, ResourceSettings,
};
use vouchsafe::secret::{Secret, SystemSecrets, TokenHash};
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::store::{AccessToken, Stores};
use vouchsafe::testing::{
    AuthorizeForm, DEFAULT_AUDIENCE, Harness, HarnessBuilder, RESOURCE, SeededEntropy, authorize_form,
    block_on, keyring, refresh_form, refusals, token_form,
};
use vouchsafe::types::{Authentication, Claims, ClientId};

fn offline() -> AuthorizeForm {
    authorize_form().scope("openid offline_access read")
}

fn shaped(format: AccessTokenFormatChoice) -> HarnessBuilder {
    Harness::builder().config(|config| config.access_token_format = format)
}

/// Section 2.1 and 2.2: the header, and every claim that is required.
#[test]
fn a_jwt_says_what_the_profile_asks_for() {
    let h = shaped(AccessTokenFormatChoice::Jwt).build();
    let tokens = h.tokens(&offline(), "alice");
    let now = h.now().unix();
    assert_eq!(tokens.expires_in, Some(600));
    let jws = Jws::parse(&tokens.access_token).unwrap();
    assert_eq!((jws.header().typ(), jws.header().alg_name()), (Some("at+jwt"), "RS256"));
    assert!(jws.header().kid().is_some());
    let mut claims = tokens.access_claims();
    let jti = claims.as_object_mut().unwrap().remove("jti").unwrap();
    assert!(jti.as_str().unwrap().len() >= 43);
    assert_eq!(
        claims,
        json!({
            "iss": "https://op.example",
            "sub": "alice",
            "aud": DEFAULT_AUDIENCE,
            "client_id": "web",
            "scope": "openid offline_access read",
            "iat": now,
            "exp": now + 600,
            "auth_time": now,
            "amr": ["pwd"],
        })
    );
    let verifier = AccessTokenVerifier::new("https://op.example", h.provider().keyring().clone());
    assert!(verifier.verify(&tokens.access_token, h.now()).is_ok());
    h.advance(Duration::from_secs(600));
    assert!(verifier.verify(&tokens.access_token, h.now()).is_err());
}

/// attack 53
#[test]
fn a_client_stands_for_itself_in_a_jwt() {
    let h = shaped(AccessTokenFormatChoice::Jwt).build();
    let tokens = h.redeem(token_form("client_credentials").client("service").scope("read")).issued();
    let claims = tokens.access_claims();
    assert_eq!((&claims["sub"], &claims["client_id"]), (&json!("client:service"), &json!("service")));
    assert_eq!(claims.get("auth_time"), None);
    assert_eq!(h.introspect("service", &tokens.access_token).accepted().json()["sub"], "client:service");
}

#[test]
fn a_recorded_jwt_is_introspected_and_revoked_like_any_other() {
    let h = shaped(AccessTokenFormatChoice::Jwt).build();
    let (first, second) = (h.tokens(&offline(), "alice"), h.tokens(&offline(), "alice"));
    let body = h.introspect("api", &first.access_token).accepted().json();
    assert_eq!((&body["sub"], &body["scope"]), (&json!("alice"), &json!("openid offline_access read")));
    h.revoke("web", &first.access_token).accepted();
    assert!(!h.is_active("api", &first.access_token));
    h.revoke("web", second.refresh_token()).accepted();
    assert!(!h.is_active("api", &second.access_token));
}

#[test]
fn a_stateless_jwt_leaves_no_record_and_is_not_revoked() {
    let h = shaped(AccessTokenFormatChoice::JwtStateless).build();
    let outcome = h.redeem(token_form("client_credentials").client("service").scope("read")).unchanged();
    let token = outcome.issued().access_token;
    let body = h.introspect("service", &token).accepted().json();
    assert_eq!((&body["sub"], &body["scope"]), (&json!("client:service"), &json!("read")));
    assert!(h.is_active("api", &token));
    h.revoke("service", &token).rejected(Reason::TokenNotRevocable).unchanged();
    let foreign = h.revoke("web", &token).unchanged();
    assert_eq!(
        (foreign.response.status().as_u16(), refusals(&foreign.events)),
        (200, vec![Reason::TokenForeign])
    );
    let person = h.tokens(&offline(), "alice");
    let body = h.introspect("api", &person.access_token).accepted().json();
    assert_eq!((&body["sub"], &body["amr"]), (&json!("alice"), &json!(["pwd"])));
    h.advance(Duration::from_secs(600));
    assert!(!h.is_active("api", &person.access_token));
}

/// attack 319, by analogy: who has stolen a signing key, but no system secret, cannot change what a token says here.
#[test]
fn a_stolen_signing_key_makes_no_token_that_counts_here() {
    let h = shaped(AccessTokenFormatChoice::JwtStateless).build();
    let real =
        h.redeem(token_form("client_credentials").client("service").scope("read")).issued().access_token;
    let signer = h.provider().keyring().signer(SigningAlg::Rs256).unwrap();
    let signed = |claims: &Value| {
        let header = SigningHeader::typed("at+jwt");
        block_on(jose::sign(&header, claims.to_string().as_bytes(), &*signer)).unwrap()
    };
    let claims: Value = serde_json::from_slice(Jws::parse(&real).unwrap().unverified_payload()).unwrap();
    assert!(h.is_active("api", &signed(&claims)), "the claims as they were are the token itself");
    let changes = [
        ("sub", json!("alice")),
        ("scope", json!("read write admin")),
        ("exp", json!(claims["exp"].as_i64().unwrap() + 3600)),
        ("client_id", json!("web")),
        ("added", json!(true)),
        ("jti", json!("AgcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw")),
    ];
    for (name, value) in changes {
        let mut changed = claims.clone();
        changed[name] = value;
        assert!(!h.is_active("api", &signed(&changed)), "{name}");
    }
}

/// attack 192: nor does a JWT that everybody can read tell more by introspection than it should.
#[test]
fn a_jwt_for_others_is_inactive() {
    let h = shaped(AccessTokenFormatChoice::JwtStateless).build();
    let token = h.tokens(&offline(), "alice").access_token;
    for caller in ["post", "service"] {
        assert_eq!(refusals(&h.introspect(caller, &token).unchanged().events), [Reason::TokenForeign]);
        assert!(!h.is_active(caller, &token));
    }
}

/// attack 161, attack 162, attack 134: no other JWT that this issuer signs passes for an access token.
#[test]
fn no_other_jwt_of_ours_is_an_access_token() {
    let h = shaped(AccessTokenFormatChoice::Jwt).build();
    let tokens = h.tokens(&offline(), "alice");
    let signer = h.provider().keyring().signer(SigningAlg::Rs256).unwrap();
    let sign = |header: SigningHeader, claims: &Value| {
        block_on(jose::sign(&header, claims.to_string().as_bytes(), &*signer)).unwrap()
    };
    let claims = tokens.access_claims();
    assert!(h.is_active("api", &sign(SigningHeader::typed("at+jwt"), &claims)));
    assert!(h.is_active("api", &sign(SigningHeader::typed("application/AT+JWT"), &claims)));
    let mut unnamed = claims.clone();
    unnamed["jti"] = json!("somebody's own");
    let others = [
        sign(SigningHeader::new(), &claims),
        sign(SigningHeader::typed("JWT"), &claims),
        sign(SigningHeader::typed("logout+jwt"), &claims),
        sign(SigningHeader::typed("at+jwt"), &unnamed),
        tokens.id_token.clone().unwrap(),
    ];
    for token in others {
        assert_eq!(refusals(&h.introspect("api", &token).unchanged().events), [Reason::TokenUnknown]);
    }
}

#[test]
fn the_format_is_the_resources_else_the_clients_else_the_providers() {
    let settings = ClientSettings::new()
        .with_access_token_format(AccessTokenFormatChoice::Opaque)
        .with_resources([RESOURCE, DEFAULT_AUDIENCE]);
    let opaque =
        Client::builder(ClientId::new("opaque").unwrap(), ClientMetadata::service()).settings(settings);
    let h = shaped(AccessTokenFormatChoice::Jwt)
        .config(|config| {
            let stateless =
                ResourceSettings::new().with_access_token_format(AccessTokenFormatChoice::JwtStateless);
            config.resources.insert(RESOURCE.to_owned(), stateless);
        })
        .confidential(opaque)
        .build();
    let token = |client: &str, resource: Option<&str>| {
        let form = token_form("client_credentials").client(client);
        let form = resource.into_iter().fold(form, |form, resource| form.set("resource", resource));
        h.redeem(form).issued().access_token
    };
    assert!(token("service", None).starts_with("ey"));
    assert!(token("opaque", None).starts_with("vs_at_"));
    assert!(token("opaque", Some(RESOURCE)).starts_with("ey"));
    assert!(token("opaque", Some(DEFAULT_AUDIENCE)).starts_with("vs_at_"));
    h.revoke("opaque", &token("opaque", Some(RESOURCE))).rejected(Reason::TokenNotRevocable);
}

#[test]
fn a_jwt_names_every_resource_it_is_for() {
    let h = shaped(AccessTokenFormatChoice::Jwt).build();
    let form = token_form("client_credentials").client("service").set("resource", RESOURCE);
    let tokens = h.redeem(form.also("resource", DEFAULT_AUDIENCE)).issued();
    assert_eq!(tokens.access_claims()["aud"], json!([RESOURCE, DEFAULT_AUDIENCE]));
}

#[test]
fn the_signing_algorithm_is_configured() {
    let h = shaped(AccessTokenFormatChoice::Jwt)
        .config(|config| config.access_token_signing_alg = Some(SigningAlg::Es256))
        .build();
    let token = h.redeem(token_form("client_credentials").client("service")).issued().access_token;
    assert_eq!(Jws::parse(&token).unwrap().header().alg_name(), "ES256");
    assert!(h.is_active("service", &token));
}

/// Adds claims of every kind, those of the protocol among them.
#[derive(Debug)]
struct Generous;

#[async_trait]
impl ClaimsHook for Generous {
    async fn access_token(&self, _: &AccessToken) -> Result<Claims, BoxError> {
        Ok(Claims::new()
            .with("roles", json!(["admin"]))
            .with("sub", "mallory")
            .with("aud", "https://evil.example")
            .with("exp", 9_999_999_999_i64)
            .with("scope", "everything")
            .with("active", true)
            .with("client_id", "evil"))
    }

    async fn id_token(&self, _: &ClientId, _: &Authentication) -> Result<Claims, BoxError> {
        Ok(Claims::new().with("tier", "gold").with("sub", "mallory").with("nonce", "another"))
    }
}

#[test]
fn a_hook_adds_claims_and_replaces_none() {
    for format in
        [AccessTokenFormatChoice::Opaque, AccessTokenFormatChoice::Jwt, AccessTokenFormatChoice::JwtStateless]
    {
        let h = shaped(format.clone()).provider(|builder| builder.claims_hook(Arc::new(Generous))).build();
        let tokens = h.tokens(&offline(), "alice");
        let body = h.introspect("api", &tokens.access_token).accepted().json();
        let mut shown = vec![body];
        if format != AccessTokenFormatChoice::Opaque {
            shown.push(tokens.access_claims());
        }
        for claims in shown {
            assert_eq!(claims["roles"], json!(["admin"]));
            assert_eq!((&claims["sub"], &claims["aud"]), (&json!("alice"), &json!(DEFAULT_AUDIENCE)));
            assert_eq!(claims["scope"], "openid offline_access read");
            assert_eq!(claims["client_id"], "web");
            assert!(claims["exp"].as_i64().unwrap() <= h.now().unix() + 3600);
        }
        let id = tokens.id_claims();
        assert_eq!(
            (&id["tier"], &id["sub"], &id["nonce"]),
            (&json!("gold"), &json!("alice"), &json!("n-0S6_WzA2Mj"))
        );
    }
}

/// Fails.
#[derive(Debug)]
struct Failing;

#[async_trait]
impl ClaimsHook for Failing {
    async fn access_token(&self, _: &AccessToken) -> Result<Claims, BoxError> {
        Err("the hook has its own troubles".into())
    }
}

#[test]
fn a_hook_that_fails_issues_nothing() {
    let h = Harness::builder().provider(|builder| builder.claims_hook(Arc::new(Failing))).build();
    let form = token_form("client_credentials").client("service");
    h.redeem(form).rejected(Reason::InternalFault).unchanged();
}

/// Tokens by numbers, as some host may have them.
#[derive(Debug)]
struct Numbered;

#[async_trait]
impl AccessTokenFormat for Numbered {
    async fn mint(
        &self,
        _: &Context<'_>,
        _: &Client,
        token: &AccessToken,
    ) -> vouchsafe::error::Result<Minted> {
        let text = format!("n.{}", token.grant);
        Ok(Minted::recorded(Secret::new(text.as_str()), TokenHash::of(&text)))
    }

    async fn read(&self, _: &Context<'_>, presented: &str) -> Option<Presented> {
        presented.starts_with("n.").then(|| Presented::Recorded(TokenHash::of(presented)))
    }
}

#[test]
fn a_host_has_a_format_of_its_own() {
    let h = shaped(AccessTokenFormatChoice::Extension("numbered".into()))
        .provider(|builder| builder.access_token_format("numbered", Arc::new(Numbered)))
        .build();
    let token = h.redeem(token_form("client_credentials").client("service")).issued().access_token;
    assert!(token.starts_with("n."));
    assert!(h.is_active("service", &token));
    h.revoke("service", &token).accepted();
    assert!(!h.is_active("service", &token));
    let without = shaped(AccessTokenFormatChoice::Extension("numbered".into())).build();
    let form = token_form("client_credentials").client("service");
    without.redeem(form).rejected(Reason::InternalFault).unchanged();
}

/// A key that was retired still verifies what it signed; one that was removed does not.
#[test]
fn tokens_outlast_the_rotation_of_their_key() {
    let h = shaped(AccessTokenFormatChoice::Jwt).build();
    let tokens = h.tokens(&offline(), "alice");
    let keyring = h.provider().keyring();
    let old = keyring.signer(SigningAlg::Rs256).unwrap().public_key().kid().unwrap().as_str().to_owned();
    keyring.retire(&old, h.now()).unwrap();
    assert!(h.is_active("api", &tokens.access_token));
    let form = token_form("client_credentials").client("service");
    let token = h.redeem(form).issued().access_token;
    assert_eq!(Jws::parse(&token).unwrap().header().alg_name(), "ES256");
    keyring.remove(&old).unwrap();
    assert!(!h.is_active("api", &tokens.access_token));
    let refused = h.redeem(refresh_form("web", tokens.refresh_token()));
    refused.rejected(Reason::InternalFault).unchanged();
}

#[test]
fn a_provider_that_cannot_mint_is_not_built() {
    let build = |change: fn(&mut Config)| {
        let mut config = Config::new("https://op.example".parse().unwrap());
        change(&mut config);
        let secrets = SystemSecrets::generate(&SeededEntropy::new(1)).unwrap();
        let stores = Stores::of(Arc::new(MemoryStore::new()));
        Provider::builder(config, stores, keyring(), secrets).with_client_credentials().build().unwrap_err()
    };
    let needs = |error: BuildError| match error {
        BuildError::Needs { port, .. } => port,
        other => panic!("{other}"),
    };
    let audience = build(|config| config.access_token_format = AccessTokenFormatChoice::Jwt);
    assert_eq!(needs(audience), "Config::default_audience");
    let key = build(|config| config.access_token_signing_alg = Some(SigningAlg::EdDsa));
    assert_eq!(needs(key), "an active key for it");
}
