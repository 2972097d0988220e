//! From flags to a provider with its pages.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use vouchsafe::adapters::tokio::TokioRuntime;
use vouchsafe::adapters::tracing::TracingEvents;
use vouchsafe::provider::{Config, Provider, ProviderBuilder, StoredKeys};
use vouchsafe::types::Issuer;

use crate::admin::{Admin, Rotating};
use crate::ciba::Asked;
use crate::clients::Clients;
use crate::database::Records;
use crate::extensions::Around;
use crate::options::{Options, Profile};
use crate::resource::Protection;
use crate::site::sign_in::Hints;
use crate::site::users::Users;
use crate::site::{demo, keys, sign_in};
use crate::{accounts, admin, demo_client, extensions, fetching, resource};

/// The name that people see.
const SERVICE: &str = "Reference Provider";

/// What the server is made of.
pub(crate) struct Parts {
    /// Everything that it answers.
    pub app: Router,
    /// What the one who runs it may ask for.
    pub admin: Admin,
    /// What it works on.
    pub records: Records,
}

/// The server as the flags ask for it.
///
/// # Errors
/// One sentence that names the flag or file to mend.
pub(crate) async fn parts(
    options: &Options,
    issuer: Issuer,
    mtls_alias: Option<Issuer>,
) -> Result<Parts, String> {
    options.check()?;
    let http_client = fetching::client(options)?;
    let runtime = TokioRuntime::current().map_err(|error| error.to_string())?;
    let secrets = keys::secrets(options.secrets.as_deref())?;
    let clients = match &options.clients {
        Some(path) => {
            let defaults = options.client_settings(&issuer);
            read(path, |document| Clients::parse(document, &secrets, &defaults))?
        }
        None => Clients::default(),
    };
    let records = Records::open(options).await?;
    let stores = records.stores(Arc::new(clients));
    let (users, hints) = users(options.users.as_deref())?;
    let pages = Arc::new(sign_in::pages(SERVICE).map_err(|error| error.to_string())?);
    let algorithms = options.signing_algorithms();
    let (keyring, rotation) = match &options.keys {
        Some(path) => keys::keyring(keys::file(path), &path.to_string_lossy(), algorithms).await?,
        None => {
            let stored = StoredKeys::new(records.key_sets(), secrets.clone(), issuer.clone());
            keys::keyring(Arc::new(stored), "the keys in --database", algorithms).await?
        }
    };
    let rotating = Rotating { keyring: keyring.clone(), rotation, algorithms };
    admin::rotate_on_signal(rotating.clone())?;
    let builder = Provider::builder(config(options, &issuer), stores, keyring, secrets.clone())
        .accounts(users.clone())
        .error_page(pages.clone())
        .events(Arc::new(TracingEvents))
        .runtime(Arc::new(runtime))
        .http_client(http_client);
    let asked = options.extensions.ciba.then(|| Asked::new(users.clone()));
    let protection = Protection {
        dpop: extensions::dpop(options).map(|dpop| (dpop, records.replays())),
        secrets,
        mtls_alias: mtls_alias.clone(),
    };
    let around = Around { issuer: &issuer, mtls_alias, users: &users, asked: asked.as_ref() };
    let builder = extensions::turned_on(always(builder), options, around)?;
    let provider = builder.build().map_err(|error| error.to_string())?;
    let registered_by = options.registration.unwrap_or_default();
    let admin = Admin { provider: provider.clone(), rotating, registered_by, asked };
    let protected = resource::routes(provider.clone(), protection)?;
    let app = sign_in::routes(provider, users, pages, hints).map_err(|error| error.to_string())?;
    let mut app = app.merge(protected);
    if options.demo_client {
        app = app.merge(demo_client::routes(&issuer)?);
    }
    tokio::spawn(records.clone().keep_swept());
    Ok(Parts { app, admin, records })
}

fn config(options: &Options, issuer: &Issuer) -> Config {
    let config = Config::new(issuer.clone())
        .with_access_token_format(options.access_token.into())
        .with_default_audience([issuer.as_str()]);
    match options.profile {
        Some(Profile::Openid) => config.dangerous_with_redirected_errors(),
        _ => config,
    }
}

/// What is on without any flag.
fn always(builder: ProviderBuilder) -> ProviderBuilder {
    builder
        .with_authorization_code()
        .with_refresh_token()
        .with_client_credentials()
        .with_private_key_jwt()
        .with_jwks_uri()
        .with_introspection()
        .with_pairwise_subjects()
        .with_revocation()
        .with_rp_initiated_logout()
        .with_back_channel_logout()
        .with_front_channel_logout()
        .with_session_management()
}

/// The users, and what the login page says of them.
fn users(path: Option<&Path>) -> Result<(Arc<Users>, Hints), String> {
    if let Some(path) = path {
        return Ok((Arc::new(read(path, accounts::parse)?), Hints::default()));
    }
    let mut users = Users::new().map_err(|error| error.to_string())?;
    demo::add_to(&mut users).map_err(|invalid| invalid.0.to_owned())?;
    let demo = Some((demo::USERNAME, demo::PASSWORD));
    Ok((Arc::new(users), Hints { demo, home: None }))
}

/// Reads a file, and names it where it is wrong.
pub(crate) fn read<T>(path: &Path, parse: impl FnOnce(&str) -> Result<T, String>) -> Result<T, String> {
    let document = std::fs::read_to_string(path).map_err(|error| error.to_string());
    document.and_then(|document| parse(&document)).map_err(|problem| format!("{}: {problem}", path.display()))
}
