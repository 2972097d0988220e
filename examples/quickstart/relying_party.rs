//! The application's side of the protocol, spoken by the `openidconnect` crate.

use std::time::Duration;

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod,
    CoreGrantType, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
    CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType, CoreUserInfoClaims,
};
use openidconnect::{
    AccessToken, AdditionalProviderMetadata, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, Nonce, OAuth2TokenResponse as _,
    PkceCodeChallenge, PkceCodeVerifier, ProviderMetadata, RedirectUrl, RefreshToken, RevocationUrl, Scope,
    SubjectIdentifier, TokenResponse as _,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vouchsafe::error::BoxError;

use crate::http::Http;
use crate::provider::Registration;

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// The metadata that this application reads beyond that of OpenID Connect Discovery.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Revocation {
    revocation_endpoint: RevocationUrl,
}

impl AdditionalProviderMetadata for Revocation {}

type Metadata = ProviderMetadata<
    Revocation,
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

/// The application as a client of one provider.
pub(crate) struct RelyingParty {
    client: Client,
    registration: Registration,
    issuer: String,
    revocation_endpoint: RevocationUrl,
    http: Http,
}

/// What is kept of a sign-in while the person is at the provider.
#[derive(Clone)]
pub(crate) struct Flow {
    state: String,
    nonce: String,
    verifier: String,
}

/// What the provider sent to the callback.
pub(crate) struct Callback<'a> {
    pub code: Option<&'a str>,
    pub error: Option<&'a str>,
    pub state: Option<&'a str>,
    pub iss: Option<&'a str>,
}

/// What the application holds for a person.
#[derive(Clone)]
pub(crate) struct Tokens {
    subject: String,
    pub access: String,
    pub refresh: Option<String>,
    pub id: String,
    pub expires_in: Option<Duration>,
    pub scope: String,
}

impl RelyingParty {
    /// Learns what the provider says of itself and its keys.
    pub(crate) async fn discover(
        issuer: &str,
        registration: &Registration,
        redirect_uri: String,
    ) -> Result<Self, BoxError> {
        let http = Http::new(reqwest::Client::builder().timeout(Duration::from_secs(10)))?;
        let metadata = Metadata::discover_async(IssuerUrl::new(issuer.to_owned())?, &http).await?;
        let revocation_endpoint = metadata.additional_metadata().revocation_endpoint.clone();
        let id = ClientId::new(registration.client_id.clone());
        let secret = ClientSecret::new(registration.client_secret.expose().to_owned());
        let client = CoreClient::from_provider_metadata(metadata, id, Some(secret))
            .set_redirect_uri(RedirectUrl::new(redirect_uri)?);
        let (registration, issuer) = (registration.clone(), issuer.to_owned());
        Ok(Self { client, registration, issuer, revocation_endpoint, http })
    }

    /// Where to send the person, and what to remember until they are back.
    pub(crate) fn begin(&self) -> (String, Flow) {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let scopes = ["profile", "email", "address", "phone", "offline_access"];
        let (url, state, nonce) = self
            .client
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
            .add_scopes(scopes.map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge)
            .url();
        let verifier = verifier.into_secret();
        (url.into(), Flow { state: state.into_secret(), nonce: nonce.secret().clone(), verifier })
    }

    /// Checks that the answer belongs to the flow and to this provider, and redeems the code: for the tokens and the
    /// claims of the ID token. `None` when the person, or the provider, said no.
    pub(crate) async fn finish(
        &self,
        flow: Flow,
        callback: Callback<'_>,
    ) -> Result<Option<(Tokens, Map<String, Value>)>, BoxError> {
        if callback.state != Some(&flow.state) || callback.iss != Some(&self.issuer) {
            return Err("the answer belongs to another request".into());
        }
        match (callback.code, callback.error) {
            (Some(code), None) => self.redeem(flow, code).await,
            (None, Some("access_denied")) => Ok(None),
            (_, error) => Err(format!("the provider answered {error:?}").into()),
        }
    }

    async fn redeem(&self, flow: Flow, code: &str) -> Result<Option<(Tokens, Map<String, Value>)>, BoxError> {
        let verifier = PkceCodeVerifier::new(flow.verifier);
        let code = AuthorizationCode::new(code.to_owned());
        let response =
            self.client.exchange_code(code)?.set_pkce_verifier(verifier).request_async(&self.http).await?;
        let id_token = response.id_token().ok_or("there is no ID token")?;
        let claims = id_token.claims(&self.client.id_token_verifier(), &Nonce::new(flow.nonce))?;
        let tokens = Tokens {
            subject: claims.subject().to_string(),
            access: response.access_token().secret().clone(),
            refresh: response.refresh_token().map(|token| token.secret().clone()),
            id: id_token.to_string(),
            expires_in: response.expires_in(),
            scope: response.scopes().map(|scopes| joined(scopes)).unwrap_or_default(),
        };
        let claims = object(claims)?;
        Ok(Some((tokens, claims)))
    }

    /// What the provider says of the person whom the ID token names.
    pub(crate) async fn userinfo(
        &self,
        tokens: &Tokens,
        id_claims: &Map<String, Value>,
    ) -> Result<Map<String, Value>, BoxError> {
        let token = AccessToken::new(tokens.access.clone());
        let subject = id_claims.get("sub").and_then(Value::as_str).ok_or("the ID token names nobody")?;
        let subject = SubjectIdentifier::new(subject.to_owned());
        let claims: CoreUserInfoClaims =
            self.client.user_info(token, Some(subject))?.request_async(&self.http).await?;
        object(&claims)
    }

    /// New tokens for old.
    pub(crate) async fn refresh(&self, tokens: &Tokens) -> Result<Tokens, BoxError> {
        let token = RefreshToken::new(tokens.refresh.clone().ok_or("there is no refresh token")?);
        let response = self.client.exchange_refresh_token(&token)?.request_async(&self.http).await?;
        if let Some(id_token) = response.id_token() {
            // A refreshed ID token has no nonce and must be about the same person (OpenID Connect Core 12.2).
            let claims = id_token.claims(&self.client.id_token_verifier(), |_: Option<&Nonce>| Ok(()))?;
            if claims.subject().as_str() != tokens.subject {
                return Err("the refreshed ID token is about someone else".into());
            }
        }
        Ok(Tokens {
            subject: tokens.subject.clone(),
            access: response.access_token().secret().clone(),
            refresh: response
                .refresh_token()
                .map(|token| token.secret().clone())
                .or_else(|| tokens.refresh.clone()),
            id: response.id_token().map_or_else(|| tokens.id.clone(), ToString::to_string),
            expires_in: response.expires_in(),
            scope: response.scopes().map_or_else(|| tokens.scope.clone(), |scopes| joined(scopes)),
        })
    }

    /// Tells the provider that the tokens are no longer wanted: with the refresh token goes all that hangs on it.
    ///
    /// `openidconnect` revokes over https alone, and here both sites are on the loopback address, so this is the
    /// request of RFC 7009 section 2.1 by hand.
    pub(crate) async fn revoke(&self, tokens: &Tokens) -> Result<(), BoxError> {
        let token = tokens.refresh.as_ref().unwrap_or(&tokens.access);
        let Registration { client_id, client_secret } = &self.registration;
        let request = self.http.0.post(self.revocation_endpoint.as_str()).form(&[("token", token)]);
        request.basic_auth(client_id, Some(client_secret.expose())).send().await?.error_for_status()?;
        Ok(())
    }
}

fn joined(scopes: &[Scope]) -> String {
    scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
}

fn object(claims: &impl Serialize) -> Result<Map<String, Value>, BoxError> {
    match serde_json::to_value(claims)? {
        Value::Object(claims) => Ok(claims),
        _ => Err("the claims are no object".into()),
    }
}
