//! Several issuers in one process, as a service has them that signs in the people of several customers:
//! `cargo run --example several_issuers`. Each has its keys, its records, its clients and its people; what they
//! share is the listener.

use std::sync::Arc;

use axum::Router;
use vouchsafe::adapters::axum::router;
use vouchsafe::client::Consent;
use vouchsafe::clock::{Clock as _, SystemClock};
use vouchsafe::entropy::OsEntropy;
use vouchsafe::{
    AccountQuery, Accounts, Authentication, BoxError, Claims, Client, ClientAuthMethod, ClientId,
    ClientMetadata, ClientSettings, Config, Denial, Interaction, Issuer, Keyring, MemoryStore, Mount,
    Provider, Question, RedirectUri, Request, Response, SigningAlg, Stores, Subject, SystemSecrets,
    async_trait,
};

/// The customers: each is one line here, or one row of a table.
const CUSTOMERS: [&str; 3] = ["bakery", "library", "museum"];

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:4444".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    let origin = format!("http://{}", listener.local_addr()?);

    let mut app = Router::new();
    for customer in CUSTOMERS {
        // A host name for each, as https://bakery.example, does as well: then route by the host first.
        app = app.merge(issuer(format!("{origin}/{customer}").parse()?, customer)?);
    }
    println!("listening on {origin}");
    Ok(axum::serve(listener, app).await?)
}

/// One issuer more.
///
/// The store is its own: two customers may then have clients of one name. Whoever keeps them in one database keeps
/// each in a schema or a file of its own for that reason; rows that are copied from one to another do not open,
/// since they are sealed for their issuer.
fn issuer(issuer: Issuer, customer: &str) -> Result<Router, BoxError> {
    let metadata = ClientMetadata::code_flow([RedirectUri::register("https://app.example/callback")?])
        .with_auth_method(ClientAuthMethod::None);
    let settings = ClientSettings::new().with_consent(Consent::Waived);
    let store = MemoryStore::new();
    store.insert_client(Client::builder(ClientId::new("my-app")?, metadata).settings(settings).build()?);

    let keys = Keyring::generate(&[SigningAlg::Rs256])?;
    let secrets = SystemSecrets::generate(&OsEntropy)?;
    let people = Arc::new(People { only: Subject::new(format!("alice-of-the-{customer}"))? });
    let provider = Provider::builder(Config::new(issuer), Stores::of(Arc::new(store)), keys, secrets)
        .accounts(people.clone())
        .with_authorization_code()
        .build()?;
    Ok(router(Mount::new(provider, people)))
}

/// The people of one customer. Here there is only Alice, who is signed in whoever comes.
#[derive(Debug)]
struct People {
    only: Subject,
}

#[async_trait]
impl Accounts for People {
    async fn claims(&self, query: AccountQuery<'_>) -> Result<Option<Claims>, BoxError> {
        Ok((*query.subject == self.only).then(|| Claims::new().with("name", "Alice")))
    }
}

#[async_trait]
impl Interaction for People {
    async fn authentication(&self, _: &Request) -> Result<Option<Authentication>, BoxError> {
        Ok(Some(Authentication::new(self.only.clone(), SystemClock.now())))
    }

    async fn ask(&self, question: Question<'_>) -> Result<Response, BoxError> {
        Ok(question.deny(Denial::Unavailable).await)
    }
}
