//! A provider in an axum application that has users, sessions and a login page of its own.
//! `cargo run --example mount_axum`
//!
//! `main` mounts it. The module `bakery` is the application as it was; the module `sign_in` is what the provider
//! adds to it: what may be said of the users, who is signed in, and a page that asks for consent.

mod bakery;
mod sign_in;

use std::sync::Arc;

use axum::Router;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{get, post};
use vouchsafe::adapters::axum::router;
use vouchsafe::client::ClientSecret;
use vouchsafe::entropy::OsEntropy;
use vouchsafe::wire::reply;
use vouchsafe::{
    BoxError, Client, ClientId, ClientMetadata, Config, GrantType, Keyring, MemoryStore, Mount, Provider,
    RedirectUri, Scope, Secret, SigningAlg, Stores, SystemSecrets,
};

use self::bakery::Bakery;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:4444".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    let url = format!("http://{}", listener.local_addr()?);

    let bakery = Arc::new(Bakery::default());
    let mount = Mount::new(provider(&url, &bakery)?, Arc::<Bakery>::clone(&bakery));
    let pages = Router::new()
        .route("/", get(bakery::home))
        .route("/login", get(sign_in::login_page).post(sign_in::login))
        .route("/logout", post(bakery::logout))
        .route("/consent", get(sign_in::consent_page).post(sign_in::consent))
        .layer(map_response(async |mut page: Response| {
            // No other site may frame these pages, and they tell no other site where the visitor was.
            reply::security_headers(page.headers_mut());
            page
        }));
    let app = pages.merge(router(mount.clone())).with_state(bakery::Site { bakery, mount });
    println!("listening on {url}");
    Ok(axum::serve(listener, app).await?)
}

/// A provider for the users of the bakery, with one client: the cake club's web site.
fn provider(issuer: &str, bakery: &Arc<Bakery>) -> Result<Provider, BoxError> {
    let secrets = SystemSecrets::generate(&OsEntropy)?;
    let metadata = ClientMetadata::code_flow([RedirectUri::register("https://cake-club.example/callback")?])
        .with_name("The Cake Club")
        .with_scope(Scope::parse("openid profile email offline_access")?)
        .with_grant_type(GrantType::RefreshToken);
    // Made once, shown to the client once, and kept as the hash that goes into the registry.
    let secret = ClientSecret::hash(&secrets, &Secret::new("cake-club-secret-of-at-least-128-random-bits"));
    let store = MemoryStore::new();
    store.insert_client(Client::builder(ClientId::new("cake-club")?, metadata).secret(secret).build()?);

    let keyring = Keyring::generate(&[SigningAlg::Rs256, SigningAlg::Es256])?;
    let config = Config::new(issuer.parse()?);
    Ok(Provider::builder(config, Stores::of(Arc::new(store)), keyring, secrets)
        .accounts(Arc::<Bakery>::clone(bakery))
        .with_authorization_code()
        .with_refresh_token()
        .with_revocation()
        .build()?)
}
