//! A grant of the host's own at the token endpoint: `cargo run --example custom_grant`
//!
//! A till in a shop has no keyboard and no browser. Its customer asks the shop's app for a code, holds it before the
//! till's scanner, and the till gets an access token for that customer. The provider authenticates the till, asks this
//! grant what the code is worth, and mints, signs and stores what the grant says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::routing::post;
use vouchsafe::adapters::axum::router;
use vouchsafe::client::ClientSecret;
use vouchsafe::clock::{Clock as _, SystemClock, Timestamp};
use vouchsafe::entropy::OsEntropy;
use vouchsafe::error::ErrorCode;
use vouchsafe::provider::{Context, GrantHandler, Issuance, TokenRequest};
use vouchsafe::secret::{TokenHash, generate};
use vouchsafe::store::Grant;
use vouchsafe::types::GrantId;
use vouchsafe::{
    Authentication, BoxError, Client, ClientId, ClientMetadata, Config, GrantType, Keyring, MemoryStore,
    Mount, Provider, Reason, Scope, Secret, SigningAlg, Stores, Subject, SystemSecrets, async_trait,
};

/// The name of the grant: an absolute URI, as RFC 6749 section 4.5 asks.
const GRANT_TYPE: &str = "https://shop.example/grants/till-code";

/// What a till is told when the code is missing, and when it is unknown, used or too old: which of these is nobody's
/// business.
const CODE_MISSING: Reason = Reason::Custom(ErrorCode::InvalidRequest, "till_code is missing");
const CODE_INVALID: Reason = Reason::Custom(ErrorCode::InvalidGrant, "the till code is not valid");

/// How long a code is good for.
const CODE_LIFETIME: Duration = Duration::from_secs(2 * 60);

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:4444".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    let url = format!("http://{}", listener.local_addr()?);

    let codes = Arc::new(TillCodes::default());
    let mount = Mount::headless(provider(&url, codes.clone())?);
    // In the shop's app this is for the customer who is signed in. Here that is always Alice.
    let draw =
        post(async move || codes.draw("alice").map(|code| code.expose().to_owned()).unwrap_or_default());
    let app = axum::Router::new().route("/till-codes", draw).merge(router(mount));

    println!("listening on {url}");
    println!("try: curl -d grant_type={GRANT_TYPE} -d till_code=$(curl -sX POST {url}/till-codes) \\");
    println!("          -u till-7:till-secret-of-at-least-128-random-bits {url}/token");
    Ok(axum::serve(listener, app).await?)
}

fn provider(issuer: &str, codes: Arc<TillCodes>) -> Result<Provider, BoxError> {
    let secrets = SystemSecrets::generate(&OsEntropy)?;
    let secret = ClientSecret::hash(&secrets, &Secret::new("till-secret-of-at-least-128-random-bits"));
    // Only clients that are registered for the grant get as far as its handler.
    let mut metadata = ClientMetadata::service().with_scope(Scope::parse("loyalty")?);
    metadata.grant_types = vec![GrantType::from(GRANT_TYPE)];
    let store = MemoryStore::new();
    store.insert_client(Client::builder(ClientId::new("till-7")?, metadata).secret(secret).build()?);
    let keyring = Keyring::generate(&[SigningAlg::Es256])?;
    let config = Config::new(issuer.parse()?);
    Ok(Provider::builder(config, Stores::of(Arc::new(store)), keyring, secrets).grant(codes).build()?)
}

/// The codes that customers have drawn, by their hashes, each with its customer and the time when it was drawn.
#[derive(Debug, Default)]
struct TillCodes(Mutex<HashMap<TokenHash, (String, Timestamp)>>);

impl TillCodes {
    fn draw(&self, customer: &str) -> Result<Secret, BoxError> {
        let code = generate(&OsEntropy, 128)?;
        self.codes().insert(TokenHash::of(code.expose()), (customer.to_owned(), SystemClock.now()));
        Ok(code)
    }

    fn codes(&self) -> MutexGuard<'_, HashMap<TokenHash, (String, Timestamp)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl GrantHandler for TillCodes {
    fn grant_type(&self) -> GrantType {
        GrantType::from(GRANT_TYPE)
    }

    async fn redeem(&self, cx: &Context<'_>, request: &TokenRequest) -> vouchsafe::error::Result<Issuance> {
        let client = request.client.client();
        let code = request.params.one("till_code")?.ok_or(CODE_MISSING)?;
        let scope = request.scope()?.unwrap_or_else(|| client.metadata().scope.clone());
        if !scope.is_subset(&client.metadata().scope) {
            return Err(Reason::ScopeNotAllowed.into());
        }
        // Taken out in one step, so that of two tills with one code only one gets anything.
        let (customer, drawn_at) = self.codes().remove(&TokenHash::of(code)).ok_or(CODE_INVALID)?;
        if drawn_at.plus(CODE_LIFETIME).has_passed(cx.now) {
            return Err(CODE_INVALID.into());
        }
        let customer = Subject::new(&*customer).map_err(|_| CODE_INVALID)?;
        let grant = Grant::new(
            GrantId::generate(cx.entropy, cx.now)?,
            client.id().clone(),
            self.grant_type(),
            cx.now,
        )
        .with_authentication(Authentication::new(customer, drawn_at))
        .with_scope(scope);
        Ok(Issuance::new(grant))
    }
}
