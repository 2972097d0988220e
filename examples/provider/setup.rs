//! From flags to a provider with its pages.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use vouchsafe::adapters::tokio::TokioRuntime;
use vouchsafe::adapters::tracing::TracingEvents;
use vouchsafe::jose::{KeyRotation, Keyring};
use vouchsafe::provider::{Config, Provider, ProviderBuilder};
use vouchsafe::types::Issuer;

use crate::clients::Clients;
use crate::database::Records;
use crate::options::{Database, Options};
use crate::site::sign_in::Hints;
use crate::site::users::Users;
use crate::site::{demo, keys, sign_in};
use crate::{accounts, fetching};

/// The name that people see.
const SERVICE: &str = "Reference Provider";

/// Everything that the server answers, as the flags ask for it, and the records that it works on.
///
/// # Errors
/// One sentence that names the flag or file to mend.
pub(crate) async fn app(options: &Options, issuer: Issuer) -> Result<(Router, Records), String> {
    if options.database != Database::Memory && (options.keys.is_none() || options.secrets.is_none()) {
        return Err(
            "--database sqlite:PATH needs --keys and --secrets, without which it cannot be read again"
                .to_owned(),
        );
    }
    let http_client = fetching::client(options)?;
    let runtime = TokioRuntime::current().map_err(|error| error.to_string())?;
    let secrets = keys::secrets(options.secrets.as_deref())?;
    let clients = match &options.clients {
        Some(path) => read(path, |document| Clients::parse(document, &secrets))?,
        None => Clients::default(),
    };
    let records = Records::open(&options.database).await?;
    let stores = records.stores(Arc::new(clients));
    let (users, hints) = users(options.users.as_deref())?;
    let pages = Arc::new(sign_in::pages(SERVICE).map_err(|error| error.to_string())?);
    let config = Config::new(issuer.clone())
        .with_access_token_format(options.access_token.into())
        .with_default_audience([issuer.as_str()]);
    let (keyring, rotation) = keys::keyring(options.keys.as_deref()).await?;
    rotate_on_signal(keyring.clone(), rotation)?;
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
    let builder = match options.dangerous_allow_unsigned_id_tokens {
        true => builder.dangerous_allow_unsigned_id_tokens(),
        false => builder,
    };
    let builder = options.response_types.iter().copied().fold(builder, ProviderBuilder::with_response_type);
    let provider = request_objects(builder, options).build().map_err(|error| error.to_string())?;
    let app = sign_in::routes(provider, users, pages, hints).map_err(|error| error.to_string())?;
    tokio::spawn(records.clone().keep_swept());
    Ok((app, records))
}

fn request_objects(mut builder: ProviderBuilder, options: &Options) -> ProviderBuilder {
    if options.request_objects {
        builder = builder.with_request_parameter().with_request_uri_parameter();
    }
    if options.dangerous_unsigned_request_objects {
        builder = builder.dangerous_with_unsigned_request_objects();
    }
    builder
}

/// Lets new keys sign at once whenever SIGUSR1 arrives; the old ones are still shown.
#[cfg(unix)]
fn rotate_on_signal(keyring: Keyring, rotation: KeyRotation) -> Result<(), String> {
    use tokio::signal::unix::{SignalKind, signal};
    use vouchsafe::clock::{Clock as _, SystemClock};

    let mut told = signal(SignalKind::user_defined1())
        .map_err(|error| format!("could not listen for signals: {error}"))?;
    tokio::spawn(async move {
        while told.recv().await.is_some() {
            for alg in keys::ALGORITHMS {
                match rotation.rotate(&keyring, alg, SystemClock.now()).await {
                    Ok(kid) => tracing::info!(%alg, %kid, "another key signs"),
                    Err(error) => tracing::warn!(%alg, %error, "could not rotate"),
                }
            }
        }
    });
    Ok(())
}

#[cfg(not(unix))]
fn rotate_on_signal(_: Keyring, _: KeyRotation) -> Result<(), String> {
    Ok(())
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
