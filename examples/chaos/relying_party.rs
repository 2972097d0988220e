//! The usual load: a relying party that we did not write, the crate `openidconnect`, which signs people in at one node or
//! the other, verifies ID tokens, refreshes and revokes.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreRequestTokenError, CoreTokenResponse,
};
use openidconnect::{
    AsyncHttpClient, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge,
    RedirectUrl, RefreshToken, Scope, TokenResponse as _,
};
use tokio::task::JoinSet;
use vouchsafe::BoxError;

use crate::history::{Answer, Call, Text, Tokens};
use crate::lab::Stage;
use crate::node::clients::CALLBACK;
use crate::peer::{Login, Peer};

/// How long a client waits that was told to come again, or was told nothing.
const PAUSE: Duration = Duration::from_millis(50);

/// How often a client refreshes what it got by one sign-in.
const REFRESHES: usize = 3;

/// Relying parties at work.
pub(crate) struct Load {
    over: Arc<AtomicBool>,
    parties: JoinSet<()>,
    unverified: Arc<AtomicU64>,
}

impl Load {
    /// Begins with so many at once.
    pub(crate) async fn begin(stage: &Stage<'_>, parties: u64) -> Result<Self, BoxError> {
        let party = Arc::new(RelyingParty::discover(stage).await?);
        let (over, unverified) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let mut load = Self { over, parties: JoinSet::new(), unverified };
        for number in 0..parties {
            let (party, over, unverified) = (party.clone(), load.over.clone(), Arc::clone(&load.unverified));
            load.parties.spawn(async move {
                let mut turn = number;
                while !over.load(Ordering::SeqCst) {
                    if !party.round(turn, &unverified).await {
                        tokio::time::sleep(PAUSE).await;
                    }
                    turn += 1;
                }
            });
        }
        Ok(load)
    }

    /// Ends it, and says how many ID tokens could not be verified.
    pub(crate) async fn end(mut self) -> u64 {
        self.over.store(true, Ordering::SeqCst);
        while self.parties.join_next().await.is_some() {}
        self.unverified.load(Ordering::SeqCst)
    }
}

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

struct RelyingParty {
    client: Client,
    http: Http,
    peer: Peer,
}

impl RelyingParty {
    async fn discover(stage: &Stage<'_>) -> Result<Self, BoxError> {
        let http = Http::new(stage.urls())?;
        let issuer = IssuerUrl::new(stage.urls()[0].clone())?;
        let metadata = CoreProviderMetadata::discover_async(issuer, &http).await?;
        let secret = ClientSecret::new(stage.peer.secret().to_owned());
        let client =
            CoreClient::from_provider_metadata(metadata, ClientId::new("web".to_owned()), Some(secret))
                .set_redirect_uri(RedirectUrl::new(CALLBACK.to_owned())?);
        Ok(Self { client, http, peer: stage.peer.clone() })
    }

    /// Signs in, refreshes, and sometimes revokes; `false` when it got no further.
    async fn round(&self, turn: u64, unverified: &AtomicU64) -> bool {
        let node = self.http.node();
        self.peer.credentials(&node, "service").await;
        let Some((mut refresh_token, access_token)) = self.sign_in(unverified).await else { return false };
        for _ in 0..REFRESHES {
            match self.refresh(&refresh_token).await {
                Answer::Tokens(tokens) => refresh_token = tokens.refresh.unwrap_or(refresh_token),
                // The client was told to come again, and it does with the token it has.
                _ => tokio::time::sleep(PAUSE).await,
            }
        }
        if turn.is_multiple_of(4) {
            self.peer.introspect(&self.http.node(), &access_token).await;
            self.peer.revoke(&self.http.node(), "web", &refresh_token).await;
            self.peer.introspect(&self.http.node(), &access_token).await;
        }
        true
    }

    async fn sign_in(&self, unverified: &AtomicU64) -> Option<(Text, Text)> {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let (url, _, nonce) = self
            .client
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
            .add_scopes(["offline_access", "read"].map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge)
            .url();
        let login = Login { client: "web", ..Login::ALICE };
        let Answer::Code(code) = self.peer.sign_in(url, &self.http.node(), login).await else { return None };
        let begun = self.peer.history().now();
        let request = self.client.exchange_code(AuthorizationCode::new((*code).to_owned())).ok()?;
        let outcome = request.set_pkce_verifier(verifier).request_async(&self.http).await;
        let answer = told(&outcome);
        self.peer.history().note(begun, Call::Redeem { code }, answer.clone());
        let (Answer::Tokens(tokens), Ok(response)) = (answer, outcome) else { return None };
        let verified = response
            .id_token()
            .is_some_and(|token| token.claims(&self.client.id_token_verifier(), &nonce).is_ok());
        unverified.fetch_add(u64::from(!verified), Ordering::SeqCst);
        Some((tokens.refresh?, tokens.access))
    }

    async fn refresh(&self, token: &Text) -> Answer {
        let begun = self.peer.history().now();
        let refresh_token = RefreshToken::new((**token).to_owned());
        let Ok(request) = self.client.exchange_refresh_token(&refresh_token) else { return Answer::Lost };
        let answer = told(&request.request_async(&self.http).await);
        self.peer.history().note(begun, Call::Refresh { token: token.clone() }, answer.clone());
        answer
    }
}

/// What the crate makes of an answer.
fn told(outcome: &Result<CoreTokenResponse, CoreRequestTokenError<reqwest::Error>>) -> Answer {
    match outcome {
        Ok(response) => Answer::Tokens(Tokens {
            access: response.access_token().secret().as_str().into(),
            refresh: response.refresh_token().map(|token| token.secret().as_str().into()),
            id: response.id_token().map(|token| token.to_string().into()),
        }),
        Err(CoreRequestTokenError::ServerResponse(refusal)) => match refusal.error().as_ref() {
            "temporarily_unavailable" => Answer::Unavailable,
            "server_error" => Answer::Fault("server_error".to_owned()),
            error => {
                Answer::Refused(format!("{error}: {}", refusal.error_description().map_or("", |text| text)))
            }
        },
        Err(CoreRequestTokenError::Request(_)) => Answer::Lost,
        Err(error) => Answer::Fault(error.to_string()),
    }
}

/// In the place of an answer that no client may get.
const FAULT: &[u8] = br#"{"error":"server_error"}"#;

/// A client of the crate's that takes one node after the other, whichever the metadata names.
struct Http {
    inner: reqwest::Client,
    nodes: [String; 2],
    turn: AtomicU64,
}

impl Http {
    fn new(nodes: [String; 2]) -> Result<Self, reqwest::Error> {
        let inner = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        Ok(Self { inner: inner.timeout(Duration::from_secs(15)).build()?, nodes, turn: AtomicU64::new(0) })
    }

    /// The node whose turn it is.
    fn node(&self) -> String {
        let even = self.turn.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
        self.nodes[usize::from(!even)].clone()
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = reqwest::Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, reqwest::Error>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let mut request: reqwest::Request = request.try_into()?;
            if let Ok(mut url) = self.node().parse::<reqwest::Url>() {
                url.set_path(request.url().path());
                *request.url_mut() = url;
            }
            let response = self.inner.execute(request).await?;
            let (status, headers) = (response.status(), response.headers().clone());
            let body = response.bytes().await?.to_vec();
            let come_again = String::from_utf8_lossy(&body).contains("temporarily_unavailable");
            let as_it_must =
                come_again == (status == 503) && (!come_again || headers.contains_key("retry-after"));
            // What no client may be told is noted as a fault.
            let mut answer = HttpResponse::new(if as_it_must { body } else { FAULT.to_vec() });
            *answer.status_mut() = status;
            *answer.headers_mut() = headers;
            Ok(answer)
        })
    }
}
