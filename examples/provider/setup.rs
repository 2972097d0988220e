//! From flags to a provider with its pages.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use vouchsafe::adapters::tokio::TokioRuntime;
use vouchsafe::adapters::tracing::TracingEvents;
use vouchsafe::provider::{Config, Provider};
use vouchsafe::types::Issuer;

use crate::admin::{Admin, Rotating};
use crate::ciba::Asked;
use crate::clients::Clients;
use crate::database::Records;
use crate::options::{Options, Profile};
use crate::site::sign_in::Hints;
use crate::site::users::Users;
use crate::site::{demo, keys, sign_in};
use crate::trusted::Trusted;
use crate::{accounts, admin, demo_client, extensions, fetching};

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
    let records = Records::open(&options.database).await?;
    let stores = records.stores(Arc::new(clients));
    let (users, hints) = users(options.users.as_deref())?;
    let pages = Arc::new(sign_in::pages(SERVICE).map_err(|error| error.to_string())?);
    let config = Config::new(issuer.clone())
        .with_access_token_format(options.access_token.into())
        .with_default_audience([issuer.as_str()]);
    let config = match options.profile {
        Some(Profile::Openid) => config.dangerous_with_redirected_errors(),
        _ => config,
    };
    let algorithms = options.signing_algorithms();
    let (keyring, rotation) = keys::keyring(options.keys.as_deref(), algorithms).await?;
    let rotating = Rotating { keyring: keyring.clone(), rotation, algorithms };
    admin::rotate_on_signal(rotating.clone())?;
    let builder = Provider::builder(config, stores, keyring, secrets)
        .accounts(users.clone())
        .error_page(pages.clone())
        .events(Arc::new(TracingEvents))
        .runtime(Arc::new(runtime))
        .http_client(http_client)
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
        .with_session_management();
    let asked = options.extensions.ciba.then(|| Asked::new(users.clone()));
    let builder = match &asked {
        Some(asked) => builder.with_backchannel_authentication(asked.settings(options.profile)),
        None => builder,
    };
    let builder = match &options.extensions.trusted_issuers {
        Some(path) => {
            let trusted = read(path, |document| Trusted::parse(document, users.clone()))?;
            builder.trusted_issuers(Arc::new(trusted)).with_jwt_bearer()
        }
        None => builder,
    };
    let builder = match mtls_alias {
        Some(alias) => builder.with_mutual_tls(extensions::mutual_tls(options).with_aliases_at(alias)),
        None => builder,
    };
    let builder = extensions::turned_on(builder, options, &issuer)?;
    let provider = builder.build().map_err(|error| error.to_string())?;
    let registered_by = options.registration.unwrap_or_default();
    let admin = Admin { provider: provider.clone(), rotating, registered_by, asked };
    let mut app = sign_in::routes(provider, users, pages, hints).map_err(|error| error.to_string())?;
    if options.demo_client {
        app = app.merge(demo_client::routes(&issuer)?);
    }
    tokio::spawn(records.clone().keep_swept());
    Ok(Parts { app, admin, records })
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

fn read<T>(path: &Path, parse: impl FnOnce(&str) -> Result<T, String>) -> Result<T, String> {
    let document = std::fs::read_to_string(path).map_err(|error| error.to_string());
    document.and_then(|document| parse(&document)).map_err(|problem| format!("{}: {problem}", path.display()))
}
