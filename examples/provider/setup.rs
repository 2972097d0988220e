//! From flags to a provider with its pages.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use vouchsafe::adapters::tracing::TracingEvents;
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
    fetching::check(options)?;
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
    let builder = Provider::builder(config, stores, keys::keyring(options.keys.as_deref())?, secrets)
        .accounts(users.clone())
        .error_page(pages.clone())
        .events(Arc::new(TracingEvents))
        .with_authorization_code()
        .with_refresh_token()
        .with_client_credentials()
        .with_private_key_jwt()
        .with_introspection()
        .with_revocation();
    let builder = options.response_types.iter().copied().fold(builder, ProviderBuilder::with_response_type);
    let provider = builder.build().map_err(|error| error.to_string())?;
    let app = sign_in::routes(provider, users, pages, hints).map_err(|error| error.to_string())?;
    tokio::spawn(records.clone().keep_swept());
    Ok((app, records))
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
