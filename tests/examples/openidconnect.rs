//! The `openidconnect` crate as a relying party of `examples/provider`: over https, without which it revokes nothing.

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod,
    CoreGrantType, CoreIdToken, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType,
    CoreSubjectIdentifierType, CoreTokenResponse, CoreUserInfoClaims,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalProviderMetadata, AuthType, AuthorizationCode,
    AuthorizationCodeHash, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet,
    IntrospectionUrl, IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier,
    ProviderMetadata, RedirectUrl, RevocationUrl, Scope, TokenIntrospectionResponse as _, TokenResponse as _,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::http::Http;
use crate::running::{Browser, CERTIFICATE, KEY, Page, Server, directory, signing_keys};

const CALLBACK: &str = "https://client.example/callback";
const SECRET: &str = "a-secret-of-the-test-that-is-long-enough";

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointSet, EndpointSet, EndpointMaybeSet, EndpointMaybeSet>;

#[derive(Clone, Debug, Deserialize, Serialize)]
struct MoreEndpoints {
    introspection_endpoint: IntrospectionUrl,
    revocation_endpoint: RevocationUrl,
}

impl AdditionalProviderMetadata for MoreEndpoints {}

type Metadata = ProviderMetadata<
    MoreEndpoints,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// A provider with a client, and that client.
struct Pair {
    server: Server,
    client: Client,
    http: Http,
}

/// What signing in gave.
struct SignedIn {
    response: CoreTokenResponse,
    nonce: Nonce,
    code: String,
    verifier: String,
}

impl Pair {
    /// A client whose registration has these members too, at a server with these flags.
    async fn new(test: &str, members: serde_json::Value, flags: &[&str]) -> Self {
        let mut client = json!({
            "client_id": "web",
            "client_secret": SECRET,
            "redirect_uris": [CALLBACK],
            "scope": "openid profile email address phone offline_access",
            "grant_types": ["authorization_code", "refresh_token"],
        });
        let registered = client.as_object_mut().unwrap();
        registered.extend(members.as_object().unwrap().clone());
        registered.retain(|_, value| !value.is_null());
        let clients = directory(test).join("clients.json");
        std::fs::write(&clients, json!([client]).to_string()).unwrap();
        let clients = clients.to_string_lossy();
        let own = ["--listen", "127.0.0.1:0", "--keys", signing_keys(), "--clients", &clients];
        let tls = ["--tls-cert", CERTIFICATE, "--tls-key", KEY];
        let server = Server::start("provider", &[&own[..], &tls, flags].concat());
        let certificate = reqwest::Certificate::from_pem(&std::fs::read(CERTIFICATE).unwrap()).unwrap();
        let http = Http::new(reqwest::Client::builder().tls_certs_only([certificate])).unwrap();
        let issuer = IssuerUrl::new(server.url.clone()).unwrap();
        let metadata = Metadata::discover_async(issuer, &http).await.unwrap();
        let MoreEndpoints { introspection_endpoint, revocation_endpoint } =
            metadata.additional_metadata().clone();
        let secret = client.get("client_secret").map(|_| ClientSecret::new(SECRET.to_owned()));
        let client = CoreClient::from_provider_metadata(metadata, ClientId::new("web".to_owned()), secret)
            .set_redirect_uri(RedirectUrl::new(CALLBACK.to_owned()).unwrap())
            .set_introspection_url(introspection_endpoint)
            .set_revocation_url(revocation_endpoint);
        Self { server, client, http }
    }

    async fn sign_in(&self, scopes: &[&str]) -> SignedIn {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let (url, state, nonce) = self
            .client
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
            .add_scopes(scopes.iter().map(|scope| Scope::new((*scope).to_owned())))
            .set_pkce_challenge(challenge)
            .url();
        let back = self.agreed(url.as_str()).await;
        assert_eq!(back.sent_back("state").as_ref(), Some(state.secret()));
        let (code, verifier) = (back.sent_back("code").unwrap(), verifier.into_secret());
        let response = self.redeem(&code, &verifier).await.unwrap();
        SignedIn { response, nonce, code, verifier }
    }

    /// What the browser of alice, who agrees, brings back.
    async fn agreed(&self, url: &str) -> Page {
        let browser = Browser::new();
        let login = browser.visit(url).await;
        let consent =
            browser.press(&login, "login-submit", &[("username", "alice"), ("password", "wonderland")]).await;
        let back = browser.follow(consent).await;
        if back.location().is_some() { back } else { browser.press(&back, "consent-allow", &[]).await }
    }

    async fn redeem(&self, code: &str, verifier: &str) -> Result<CoreTokenResponse, String> {
        let request = self.client.exchange_code(AuthorizationCode::new(code.to_owned())).unwrap();
        let request = request.set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()));
        request.request_async(&self.http).await.map_err(|error| format!("{error:?}"))
    }

    async fn userinfo(&self, response: &CoreTokenResponse) -> Result<CoreUserInfoClaims, String> {
        let request = self.client.user_info(response.access_token().clone(), None).unwrap();
        request.request_async(&self.http).await.map_err(|error| format!("{error:?}"))
    }

    async fn is_active(&self, response: &CoreTokenResponse) -> bool {
        let request = self.client.introspect(response.access_token());
        request.request_async(&self.http).await.unwrap().active()
    }
}

#[tokio::test]
async fn it_signs_a_person_in_and_verifies_the_id_token() {
    let pair = Pair::new("oc-sign-in", json!({}), &[]).await;
    let SignedIn { response, nonce, .. } = pair.sign_in(&["profile", "email"]).await;
    let id_token = response.id_token().unwrap();
    let verifier = pair.client.id_token_verifier();
    let claims = id_token.claims(&verifier, &nonce).unwrap();
    assert_eq!(claims.subject().as_str(), "alice");
    assert_eq!(claims.issuer().as_str(), pair.server.url);
    let (alg, key) = (id_token.signing_alg().unwrap(), id_token.signing_key(&verifier).unwrap());
    let hash = AccessTokenHash::from_token(response.access_token(), alg, key).unwrap();
    assert_eq!(claims.access_token_hash(), Some(&hash));
    assert!(id_token.claims(&verifier, &Nonce::new("another".to_owned())).is_err());
}

#[tokio::test]
async fn it_verifies_an_id_token_from_the_authorization_endpoint_and_its_hashes() {
    let members = json!({
        "response_types": ["code id_token token"],
        "grant_types": ["authorization_code", "implicit"],
    });
    let pair = Pair::new("oc-hybrid", members, &["--response-types", "code id_token token"]).await;
    let flow = CoreAuthenticationFlow::Hybrid(vec![
        CoreResponseType::Code,
        CoreResponseType::IdToken,
        CoreResponseType::Token,
    ]);
    let (challenge, code_verifier) = PkceCodeChallenge::new_random_sha256();
    let request = pair.client.authorize_url(flow, CsrfToken::new_random, Nonce::new_random);
    let (url, state, nonce) = request.set_pkce_challenge(challenge).url();
    let location = pair.agreed(url.as_str()).await.location().unwrap();
    let answer = format!("{CALLBACK}?{}", location.fragment().unwrap()).parse::<reqwest::Url>().unwrap();
    let one = |name: &str| {
        let found = answer.query_pairs().find(|(known, _)| known == name);
        found.unwrap_or_else(|| panic!("{name}: {answer}")).1.into_owned()
    };
    assert_eq!(&one("state"), state.secret());
    let id_token: CoreIdToken = one("id_token").parse().unwrap();
    let verifier = pair.client.id_token_verifier();
    let claims = id_token.claims(&verifier, &nonce).unwrap();
    let (alg, key) = (id_token.signing_alg().unwrap(), id_token.signing_key(&verifier).unwrap());
    let token = AccessTokenHash::from_token(&AccessToken::new(one("access_token")), alg, key).unwrap();
    let code = AuthorizationCodeHash::from_code(&AuthorizationCode::new(one("code")), alg, key).unwrap();
    assert_eq!((claims.access_token_hash(), claims.code_hash()), (Some(&token), Some(&code)));
    let response = pair.redeem(&one("code"), &code_verifier.into_secret()).await.unwrap();
    let back = response.id_token().unwrap().claims(&verifier, &nonce).unwrap();
    assert_eq!((back.issuer(), back.subject()), (claims.issuer(), claims.subject()));
}

#[tokio::test]
async fn it_verifies_every_algorithm_that_a_client_can_register() {
    for (name, alg) in [
        ("RS256", CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256),
        ("PS256", CoreJwsSigningAlgorithm::RsaSsaPssSha256),
        ("ES256", CoreJwsSigningAlgorithm::EcdsaP256Sha256),
        ("EdDSA", CoreJwsSigningAlgorithm::EdDsa),
    ] {
        let pair =
            Pair::new(&format!("oc-{name}"), json!({ "id_token_signed_response_alg": name }), &[]).await;
        let SignedIn { response, nonce, .. } = pair.sign_in(&[]).await;
        let id_token = response.id_token().unwrap();
        assert_eq!(id_token.signing_alg().unwrap(), &alg);
        let verified = id_token.claims(&pair.client.id_token_verifier(), &nonce);
        assert!(verified.is_ok(), "{name}: {verified:?}");
    }
}

#[tokio::test]
async fn it_reads_every_standard_claim_from_userinfo() {
    let pair = Pair::new("oc-userinfo", json!({}), &[]).await;
    let SignedIn { response, .. } = pair.sign_in(&["profile", "email", "address", "phone"]).await;
    let claims = serde_json::to_value(pair.userinfo(&response).await.unwrap()).unwrap();
    for claim in [
        "sub",
        "name",
        "given_name",
        "family_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "updated_at",
        "email",
        "email_verified",
        "address",
        "phone_number",
        "phone_number_verified",
    ] {
        assert!(!claims[claim].is_null(), "{claim}: {claims}");
    }
    let SignedIn { response, .. } = pair.sign_in(&[]).await;
    assert_eq!(
        serde_json::to_value(pair.userinfo(&response).await.unwrap()).unwrap(),
        json!({ "sub": "alice" })
    );
}

/// The relying party checks signature, issuer and audience.
#[tokio::test]
async fn it_verifies_a_signed_userinfo_response_about_a_pairwise_subject() {
    let metadata = json!({ "userinfo_signed_response_alg": "RS256", "subject_type": "pairwise" });
    let pair = Pair::new("oc-signed-userinfo", metadata, &[]).await;
    let SignedIn { response, nonce, .. } = pair.sign_in(&["email"]).await;
    let claims = serde_json::to_value(pair.userinfo(&response).await.unwrap()).unwrap();
    let id_token = response.id_token().unwrap();
    let subject = id_token.claims(&pair.client.id_token_verifier(), &nonce).unwrap().subject().as_str();
    assert_eq!((claims["sub"].as_str(), subject.len()), (Some(subject), 43));
    assert!(claims["email"].is_string());
}

#[tokio::test]
async fn it_refreshes() {
    let pair = Pair::new("oc-refresh", json!({}), &[]).await;
    let SignedIn { response, nonce, .. } = pair.sign_in(&["offline_access"]).await;
    let refresh_token = response.refresh_token().unwrap();
    let request = pair.client.exchange_refresh_token(refresh_token).unwrap();
    let renewed = request.request_async(&pair.http).await.unwrap();
    assert_ne!(renewed.access_token().secret(), response.access_token().secret());
    assert!(pair.userinfo(&renewed).await.is_ok());
    let verifier = pair.client.id_token_verifier();
    let first = response.id_token().unwrap().claims(&verifier, &nonce).unwrap();
    let second = renewed.id_token().unwrap().claims(&verifier, |_: Option<&Nonce>| Ok(())).unwrap();
    assert_eq!((first.subject(), first.auth_time()), (second.subject(), second.auth_time()));

    let plain = pair.sign_in(&[]).await;
    assert!(plain.response.refresh_token().is_none(), "nobody asked for offline_access");
}

#[tokio::test]
async fn it_revokes_and_introspection_knows() {
    let pair = Pair::new("oc-revoke", json!({}), &[]).await;
    let SignedIn { response, .. } = pair.sign_in(&["offline_access"]).await;
    assert!(pair.is_active(&response).await);
    let token = response.refresh_token().unwrap().clone();
    pair.client.revoke_token(token.into()).unwrap().request_async(&pair.http).await.unwrap();
    assert!(!pair.is_active(&response).await, "with the refresh token goes the access token");
    assert!(pair.userinfo(&response).await.is_err());
    let refreshed = pair.client.exchange_refresh_token(response.refresh_token().unwrap()).unwrap();
    assert!(refreshed.request_async(&pair.http).await.is_err());
}

#[tokio::test]
async fn a_code_works_once_and_its_reuse_ends_what_it_gave() {
    let pair = Pair::new("oc-replay", json!({}), &[]).await;
    let SignedIn { response, code, verifier, .. } = pair.sign_in(&[]).await;
    assert!(pair.userinfo(&response).await.is_ok());
    assert!(pair.redeem(&code, &verifier).await.unwrap_err().contains("invalid_grant"));
    assert!(pair.userinfo(&response).await.is_err());
}

#[tokio::test]
async fn it_posts_its_secret_or_has_none() {
    let post = json!({ "token_endpoint_auth_method": "client_secret_post" });
    let mut pair = Pair::new("oc-post", post, &[]).await;
    pair.client = pair.client.set_auth_type(AuthType::RequestBody);
    assert!(pair.sign_in(&[]).await.response.id_token().is_some());

    let public = json!({ "token_endpoint_auth_method": "none", "client_secret": null });
    let pair = Pair::new("oc-public", public, &[]).await;
    assert!(pair.sign_in(&["offline_access"]).await.response.refresh_token().is_some());
}

#[tokio::test]
async fn access_tokens_are_jwts_where_the_server_is_told_so() {
    let pair = Pair::new("oc-jwt", json!({}), &["--access-token", "jwt"]).await;
    let SignedIn { response, .. } = pair.sign_in(&["profile"]).await;
    assert_eq!(response.access_token().secret().split('.').count(), 3);
    assert!(pair.userinfo(&response).await.unwrap().name().is_some());
    assert!(pair.is_active(&response).await);
}
