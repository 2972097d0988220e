//! A store of the host's own: `cargo run --example custom_store`
//!
//! A store implements the ports of `vouchsafe::store`, whose documentation says what each verb must guarantee. Here
//! the tables are ordered maps behind one lock; with a database, the maps are its tables and what happens under the
//! lock is one transaction. What the protocols decide (`RefreshUse::outcome`, `StoredGrant::is_active`) comes from the
//! library, so a store has only to read, ask, and write.
//!
//! `store` has the tables and most ports, `consents` what people agreed to, and `sweep` removes what has ended. Before
//! anything else the program runs the contract, which the library brings as code, against the store.

mod consents;
mod store;
mod sweep;

use std::sync::Arc;

use vouchsafe::adapters::axum::router;
use vouchsafe::adapters::tokio::TokioRuntime;
use vouchsafe::client::ClientSecret;
use vouchsafe::entropy::OsEntropy;
use vouchsafe::store::memory::Clients;
use vouchsafe::testing::store_suite;
use vouchsafe::{
    BoxError, Client, ClientId, ClientMetadata, Config, Keyring, Mount, Provider, Scope, Secret, SigningAlg,
    Stores, SystemSecrets,
};

use self::store::ShelfStore;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    store_suite::all(&[Arc::new(ShelfStore::default())], &TokioRuntime::current()?).await;

    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:4444".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let app = router(Mount::headless(provider(&url)?));
    println!("listening on {url}");
    println!("the store keeps the contract");
    Ok(axum::serve(listener, app).await?)
}

/// A provider over the store, for services that act for themselves.
fn provider(issuer: &str) -> Result<Provider, BoxError> {
    let secrets = SystemSecrets::generate(&OsEntropy)?;
    let secret = ClientSecret::hash(&secrets, &Secret::new("reports-secret-of-at-least-128-random-bits"));
    let metadata = ClientMetadata::service().with_scope(Scope::parse("read")?);
    let client = Client::builder(ClientId::new("reports")?, metadata).secret(secret).build()?;
    // The registry of clients can be another store than the rest: here it is a list.
    let store = Arc::new(ShelfStore::default());
    let stores = Stores::new(Arc::new(Clients::new([client])?), store.clone(), store.clone(), store.clone())
        .with_replays(store.clone())
        .with_tickets(store);
    let keyring = Keyring::generate(&[SigningAlg::Es256])?;
    let config = Config::new(issuer.parse()?).with_default_audience(["https://api.example"]);
    Ok(Provider::builder(config, stores, keyring, secrets)
        .with_client_credentials()
        .with_introspection()
        .build()?)
}
