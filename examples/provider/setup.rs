//! From flags to a provider with its pages.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use vouchsafe::adapters::tokio::TokioRuntime;
use vouchsafe::adapters::tracing::TracingEvents;
use vouchsafe::client::ClientSettings;
use vouchsafe::limiter::WindowLimiter;
use vouchsafe::provider::{Config, DpopConfig, MutualTls, Provider, ProviderBuilder, Registration};
use vouchsafe::types::Issuer;

use crate::admin::{Admin, Rotating};
use crate::ciba::Asked;
use crate::clients::Clients;
use crate::database::Records;
use crate::options::{Options, Profile, RegisteredBy};
use crate::site::sign_in::Hints;
use crate::site::users::Users;
use crate::site::{demo, keys, sign_in};
use crate::{accounts, admin, ciba, demo_client, encryption, fetching};

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
        Some(path) => read(path, |document| Clients::parse(document, &secrets, options.pkce()))?,
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
        None => config,
    };
    let (keyring, rotation) = keys::keyring(options.keys.as_deref()).await?;
    let rotating = Rotating { keyring: keyring.clone(), rotation };
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
    let builder = match options.encryption {
        true => builder.with_encryption(encryption::beside(options.keys.as_deref())?),
        false => builder,
    };
    let asked = options.ciba.then(|| Asked::new(users.clone()));
    let builder = match &asked {
        Some(asked) => builder.with_backchannel_authentication(asked.settings()).limiter(limiter()),
        None => builder,
    };
    let builder = match mtls_alias {
        Some(alias) => builder.with_mutual_tls(mutual_tls(options).with_aliases_at(alias)),
        None => builder,
    };
    let provider = flagged(builder, options).build().map_err(|error| error.to_string())?;
    let registered_by = options.registration.unwrap_or_default();
    let admin = Admin { provider: provider.clone(), rotating, registered_by, asked };
    let mut app = sign_in::routes(provider, users, pages, hints).map_err(|error| error.to_string())?;
    if options.demo_client {
        app = app.merge(demo_client::routes(&issuer)?);
    }
    tokio::spawn(records.clone().keep_swept());
    Ok(Parts { app, admin, records })
}

/// Without authorities no certificate names a client.
fn mutual_tls(options: &Options) -> MutualTls {
    let self_signed = MutualTls::new().with_self_signed_tls_client_auth();
    match options.mtls_ca_file {
        Some(_) => self_signed.with_tls_client_auth(),
        None => self_signed,
    }
}

/// What bounds guesses at codes, and how often people are asked.
fn limiter() -> Arc<WindowLimiter> {
    Arc::new(ciba::bounded(WindowLimiter::for_user_codes()))
}

/// What flags turn on, a profile's among them.
fn flagged(mut builder: ProviderBuilder, options: &Options) -> ProviderBuilder {
    for response_type in &options.response_types {
        builder = builder.with_response_type(*response_type);
    }
    if options.account_creation {
        builder = builder.with_account_creation();
    }
    if options.device {
        builder = builder.limiter(limiter()).with_device_authorization();
    }
    if options.request_objects {
        builder = builder.with_request_parameter().with_request_uri_parameter();
    }
    if options.client_secret_jwt {
        builder = builder.with_client_secret_jwt();
    }
    if options.dpop {
        builder = builder.with_dpop(DpopConfig::new());
    }
    if options.dangerous_unsigned_request_objects {
        builder = builder.dangerous_with_unsigned_request_objects();
    }
    if options.dangerous_allow_unsigned_id_tokens {
        builder = builder.dangerous_allow_unsigned_id_tokens();
    }
    let registration = match options.registration.unwrap_or_default() {
        RegisteredBy::Off => return builder,
        RegisteredBy::Open => Registration::open(),
        RegisteredBy::Token => Registration::by_initial_access_token(),
    };
    let settings = ClientSettings::new().with_pkce(options.pkce());
    let mut registration = registration.with_settings(settings);
    for response_type in &options.response_types {
        registration = registration.with_response_type(*response_type);
    }
    if options.dangerous_allow_loopback_fetch {
        registration = registration.dangerous_allow_inner_addresses();
    }
    builder.with_registration(registration)
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
