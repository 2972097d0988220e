//! The provider: its parts, and its endpoints beside the sign-in pages.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use vouchsafe::adapters::sqlx::SqliteStore;
use vouchsafe::client::{Client, ClientMetadata, ClientSecret};
use vouchsafe::entropy::OsEntropy;
use vouchsafe::error::BoxError;
use vouchsafe::provider::{Config, Provider};
use vouchsafe::secret::{Secret, SystemSecrets};
use vouchsafe::store::Stores;
use vouchsafe::store::memory::Clients;
use vouchsafe::types::{ClientId, GrantType, RedirectUri, Scope};

use crate::app;
use crate::site::sign_in::Hints;
use crate::site::users::Users;
use crate::site::{demo, keys, sign_in};

/// What the application is told when it is registered.
#[derive(Clone)]
pub(crate) struct Registration {
    pub client_id: String,
    pub client_secret: Secret,
}

/// Mounts a provider, with the application at `home` as its one client and everything it keeps in `data`.
///
/// # Errors
/// Whatever could not be made.
pub(crate) async fn mount(issuer: &str, home: &str, data: &Path) -> Result<(Router, Registration), BoxError> {
    make_private(data)?;
    let secrets = keys::secrets(Some(&data.join("secrets.json")))?;
    let (keyring, _) =
        keys::keyring(keys::file(&data.join("keys.json")), "keys.json", &keys::ALGORITHMS).await?;
    let (client, registration) = register(home, &secrets)?;
    let store = Arc::new(SqliteStore::connect(&data.join("quickstart.sqlite").to_string_lossy()).await?);
    store.migrate().await?;
    let stores = Stores::new(Arc::new(Clients::new([client])?), store.clone(), store.clone(), store);

    let mut users = Users::new()?;
    demo::add_to(&mut users)?;
    let users = Arc::new(users);
    let pages = Arc::new(sign_in::pages(app::PROVIDER)?);
    let provider = Provider::builder(Config::new(issuer.parse()?), stores, keyring, secrets)
        .accounts(users.clone())
        .error_page(pages.clone())
        .with_authorization_code()
        .with_refresh_token()
        .with_revocation()
        .with_rp_initiated_logout()
        .build()?;
    let hints =
        Hints { demo: Some((demo::USERNAME, demo::PASSWORD)), home: Some((app::NAME, home.to_owned())) };
    Ok((sign_in::routes(provider, users, pages, hints)?, registration))
}

/// Makes the directory for its owner alone: a database is made by SQLite, which asks nobody who may read it.
fn make_private(data: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(data)
}

/// Registers the application under a secret of its own.
fn register(home: &str, secrets: &SystemSecrets) -> Result<(Client, Registration), BoxError> {
    let client_id = ClientId::new("tea-party-planner")?;
    let (client_secret, hashed) = ClientSecret::generate(secrets, &OsEntropy)?;
    let metadata = ClientMetadata::code_flow([RedirectUri::register(&format!("{home}/callback"))?])
        .with_name(app::NAME)
        .with_scope(Scope::parse("openid profile email address phone offline_access")?)
        .with_grant_type(GrantType::RefreshToken);
    let client = Client::builder(client_id.clone(), metadata).secret(hashed).build()?;
    Ok((client, Registration { client_id: client_id.to_string(), client_secret }))
}
