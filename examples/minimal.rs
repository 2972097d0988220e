//! The smallest provider: `cargo run --example minimal`. One client, one person, nothing kept on disk.

use std::sync::Arc;

use vouchsafe::adapters::axum::router;
use vouchsafe::client::Consent;
use vouchsafe::clock::{Clock as _, SystemClock};
use vouchsafe::entropy::OsEntropy;
use vouchsafe::{
    AccountQuery, Accounts, Authentication, BoxError, Claims, Client, ClientAuthMethod, ClientId,
    ClientMetadata, ClientSettings, Config, Denial, Interaction, Keyring, MemoryStore, Mount, Provider,
    Question, RedirectUri, Request, Response, SigningAlg, Stores, Subject, SystemSecrets, async_trait,
};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:4444".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    let issuer = format!("http://{}", listener.local_addr()?);

    let metadata = ClientMetadata::code_flow([RedirectUri::register("https://app.example/callback")?])
        .with_auth_method(ClientAuthMethod::None);
    let settings = ClientSettings::new().with_consent(Consent::Waived);
    let store = MemoryStore::new();
    store.insert_client(Client::builder(ClientId::new("my-app")?, metadata).settings(settings).build()?);

    let keys = Keyring::generate(&[SigningAlg::Rs256])?;
    let secrets = SystemSecrets::generate(&OsEntropy)?;
    let provider =
        Provider::builder(Config::new(issuer.parse()?), Stores::of(Arc::new(store)), keys, secrets)
            .accounts(Arc::new(Host))
            .with_authorization_code()
            .build()?;

    // Your application's routes stay as they are; the provider's come beside them.
    let app = axum::Router::new().merge(router(Mount::new(provider, Arc::new(Host))));
    println!("listening on {issuer}");
    Ok(axum::serve(listener, app).await?)
}

/// The application that the provider is built into.
#[derive(Debug)]
struct Host;

#[async_trait]
impl Accounts for Host {
    async fn claims(&self, query: AccountQuery<'_>) -> Result<Option<Claims>, BoxError> {
        // Your users table says what is known of a person. Here there is only Alice.
        Ok((query.subject.as_str() == "alice").then(|| Claims::new().with("name", "Alice")))
    }
}

#[async_trait]
impl Interaction for Host {
    async fn authentication(&self, _: &Request) -> Result<Option<Authentication>, BoxError> {
        // Your session says who is signed in, and since when. Here it is Alice, whoever comes.
        Ok(Some(Authentication::new(Subject::new("alice")?, SystemClock.now())))
    }

    async fn ask(&self, question: Question<'_>) -> Result<Response, BoxError> {
        // Your login and consent pages go here, as question.redirect("/login"). Here there are none.
        Ok(question.deny(Denial::Unavailable).await)
    }
}
