//! The flags, each with its variable of the environment.

mod extensions;
mod values;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use vouchsafe::client::{ClientSettings, PkceRequirement};
use vouchsafe::jose::SigningAlg;
use vouchsafe::secret::Secret;
use vouchsafe::types::{Issuer, Resource};

pub(crate) use self::extensions::Extensions;
pub(crate) use self::values::{AccessTokenShape, Database, Profile, RegisteredBy};
use crate::site::keys;
use crate::tls::{Served, Suites};

/// An OpenID provider for trying out, testing and conformance runs.
///
/// It signs people in with a login and a consent page of its own. Without any flag it listens on loopback, keeps
/// everything in memory, and knows one user: alice, whose password is wonderland.
#[derive(Clone, Debug, Parser)]
#[command(name = "provider", version, max_term_width = 100)]
pub(crate) struct Options {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, env = "PROVIDER_LISTEN", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4444")]
    pub listen: SocketAddr,

    /// The issuer, as clients know it: an https URL, or http for loopback hosts
    ///
    /// Without it: the address that is listened on, https if there is a certificate.
    #[arg(long, env = "PROVIDER_ISSUER", value_name = "URL")]
    pub issuer: Option<Issuer>,

    /// Where records are kept: `memory:`, `sqlite:PATH`, a file that is made when missing, `postgres://…` or
    /// `mysql://…`, whose tables are made when missing
    ///
    /// It needs --secrets, without which what it holds cannot be read. Any number of servers with one issuer, the same
    /// --secrets and the same clients may share a database.
    #[arg(
        long,
        env = "PROVIDER_DATABASE",
        value_name = "URL",
        default_value = "memory:",
        hide_env_values = true
    )]
    pub database: Database,

    /// Keep what lives for minutes in Redis: `redis://…`, or `rediss://…` with TLS
    ///
    /// Codes, pushed requests, used assertions and proofs, and people who are asked elsewhere. The rest stays in
    /// --database.
    #[arg(long, env = "PROVIDER_SHORT_LIVED", value_name = "URL", value_parser = secret, hide_env_values = true)]
    pub short_lived: Option<Secret>,

    /// Say that nobody has used the Redis of --short-lived before
    ///
    /// Otherwise assertions and proofs are refused there for the first ten minutes: used ones may have been forgotten.
    /// It is for one start, so no variable sets it.
    #[arg(long, requires = "short_lived")]
    pub short_lived_is_new: bool,

    /// Everything that a kind of client needs, turned on together; further flags add to it
    #[arg(long, env = "PROVIDER_PROFILE", value_name = "PROFILE", value_enum)]
    pub profile: Option<Profile>,

    /// The signing keys; made, readable by its owner alone, when missing
    ///
    /// They change by themselves every 90 days, and at once on SIGUSR1 or by --admin-listen. Without it they are in
    /// --database, sealed under --secrets, or made anew at every start where that is `memory:`.
    #[arg(long, env = "PROVIDER_KEYS", value_name = "FILE")]
    pub keys: Option<PathBuf>,

    /// The secrets that seal records and mark tokens; made, readable by its owner alone, when missing
    ///
    /// Without it secrets are made anew at every start.
    #[arg(long, env = "PROVIDER_SECRETS", value_name = "FILE")]
    pub secrets: Option<PathBuf>,

    /// The clients: a JSON array of objects with client_id, client_secret and the metadata of RFC 7591
    ///
    /// A member `settings` holds what the provider decides for the client, such as `{"pkce": "nonce_instead"}`.
    #[arg(long, env = "PROVIDER_CLIENTS", value_name = "FILE")]
    pub clients: Option<PathBuf>,

    /// Who registers clients at /register (RFC 7591): by default nobody, and everybody with --profile openid
    #[arg(long, env = "PROVIDER_REGISTRATION", value_name = "WHO", value_enum)]
    pub registration: Option<RegisteredBy>,

    /// The users: a JSON array of objects with username, password and claims
    ///
    /// Without it there is one: alice, whose password is wonderland.
    #[arg(long, env = "PROVIDER_USERS", value_name = "FILE")]
    pub users: Option<PathBuf>,

    /// Offer to create an account where a request has `prompt=create`; accounts last until the server ends
    #[arg(long, env = "PROVIDER_ACCOUNT_CREATION")]
    pub account_creation: bool,

    /// The certificate chain to serve https with, as PEM
    #[arg(long, env = "PROVIDER_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// The private key of the certificate, as PEM
    #[arg(long, env = "PROVIDER_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Where to listen, by https, for clients with certificates of their own (RFC 8705); port 0 takes a free
    /// one
    ///
    /// Clients authenticate there by self_signed_tls_client_auth, and their access tokens are bound where
    /// they asked for that. Discovery lists the endpoints as mtls_endpoint_aliases: at the host of the
    /// issuer, with this port.
    #[arg(long, env = "PROVIDER_MTLS_LISTEN", value_name = "ADDRESS:PORT", requires = "tls_cert")]
    pub mtls_listen: Option<SocketAddr>,

    /// The authorities, as PEM, whose certificates name clients: these may authenticate by tls_client_auth
    #[arg(long, env = "PROVIDER_MTLS_CA_FILE", value_name = "FILE", requires = "mtls_listen")]
    pub mtls_ca_file: Option<PathBuf>,

    /// More certificate authorities, as PEM, to trust for what the provider fetches
    #[arg(long, env = "PROVIDER_CA_FILE", value_name = "FILE")]
    pub ca_file: Option<PathBuf>,

    /// The shape of access tokens, unless a client's settings say otherwise
    #[arg(long, env = "PROVIDER_ACCESS_TOKEN", value_name = "SHAPE", value_enum, default_value_t)]
    pub access_token: AccessTokenShape,

    #[command(flatten)]
    pub extensions: Extensions,

    /// Where to listen, by plain http, for calls of the one who runs the server; port 0 takes a free one
    ///
    /// POST /admin/rotate-keys makes new keys sign at once. With --registration token, POST /admin/initial-access-token
    /// gives a token for one registration; with --ciba, POST /admin/ciba with auth_req_id and action (allow or deny)
    /// answers for a person. Whoever reaches it may do all of that, so that it must be a loopback address.
    #[arg(long, env = "PROVIDER_ADMIN_LISTEN", value_name = "ADDRESS:PORT")]
    pub admin_listen: Option<SocketAddr>,

    /// Let --admin-listen be an address that other machines reach
    #[arg(long, env = "PROVIDER_DANGEROUS_ADMIN_BEYOND_LOOPBACK", requires = "admin_listen")]
    pub dangerous_admin_beyond_loopback: bool,

    /// Serve a client at /demo of demo.localhost that shows whatever it is sent; it needs https and --profile openid
    #[arg(long, env = "PROVIDER_DEMO_CLIENT", requires_all = ["tls_cert", "profile"])]
    pub demo_client: bool,

    /// Threads that answer requests; by default one for each processor
    #[arg(long, env = "PROVIDER_WORKERS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub workers: Option<u16>,

    /// Let the provider fetch from loopback addresses, which lets clients reach services on this machine
    ///
    /// Clients may then register addresses of loopback and of networks too.
    #[arg(long, env = "PROVIDER_DANGEROUS_ALLOW_LOOPBACK_FETCH")]
    pub dangerous_allow_loopback_fetch: bool,
}

fn secret(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text))
}

impl Options {
    /// The options with what their profile turns on.
    pub(crate) fn with_profile(mut self) -> Self {
        match self.profile {
            Some(Profile::Openid) => {
                self.account_creation = true;
                self.registration.get_or_insert(RegisteredBy::Open);
            }
            Some(Profile::Mcp) => {
                self.registration.get_or_insert(RegisteredBy::Open);
            }
            _ => {}
        }
        if let Some(profile) = self.profile {
            self.extensions.turn_on(profile);
        }
        self
    }

    /// Checks what goes with what.
    ///
    /// # Errors
    /// One sentence that names the flags.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.registration == Some(RegisteredBy::Token) && self.admin_listen.is_none() {
            return Err("--registration token needs --admin-listen, which gives the tokens".to_owned());
        }
        if self.extensions.ciba && self.admin_listen.is_none() {
            return Err("--profile fapi-ciba needs --admin-listen, where people are answered for".to_owned());
        }
        if self.profile == Some(Profile::FapiCiba) && self.mtls_listen.is_none() {
            return Err(
                "--profile fapi-ciba needs --mtls-listen, whose certificates bind its tokens".to_owned()
            );
        }
        if self.secrets.is_none() && (self.database != Database::Memory || self.short_lived.is_some()) {
            return Err(
                "--database and --short-lived need --secrets, without which nothing there can be read again"
                    .to_owned(),
            );
        }
        if self.extensions.encryption && self.database != Database::Memory && self.keys.is_none() {
            return Err("--encryption needs --keys beside a --database: its keys are in a file beside them"
                .to_owned());
        }
        if self.demo_client && self.profile != Some(Profile::Openid) {
            return Err("--demo-client needs --profile openid, which lets it ask in every way".to_owned());
        }
        Ok(())
    }

    /// What https is served with.
    pub(crate) fn served(&self) -> Option<Served<'_>> {
        let (certificate, key) = (self.tls_cert.as_deref()?, self.tls_key.as_deref()?);
        let suites = match self.profile {
            Some(Profile::FapiCiba) => Suites::FapiCiba,
            _ => Suites::Recommended,
        };
        Some(Served { certificate, key, suites })
    }

    /// The settings of clients that have none of their own.
    pub(crate) fn client_settings(&self, issuer: &Issuer) -> ClientSettings {
        let pkce = match self.profile {
            Some(Profile::Openid) => PkceRequirement::DangerousNotRequired,
            _ => PkceRequirement::Required,
        };
        let named = &self.extensions.resources;
        let resources: Vec<String> = match self.profile {
            Some(Profile::Mcp) if named.is_empty() => vec![issuer.endpoint("/resource")],
            _ => named.iter().map(Resource::to_string).collect(),
        };
        ClientSettings::new().with_pkce(pkce).with_resources(resources)
    }

    /// What the signing keys are for: of FAPI 2.0 Security Profile section 5.4.1 and FAPI-CIBA, or all.
    pub(crate) const fn signing_algorithms(&self) -> &'static [SigningAlg] {
        match self.profile {
            Some(Profile::FapiCiba) => &[SigningAlg::Ps256, SigningAlg::Es256],
            Some(Profile::Fapi2Security | Profile::Fapi2MessageSigning) => {
                &[SigningAlg::Ps256, SigningAlg::Es256, SigningAlg::EdDsa]
            }
            _ => &keys::ALGORITHMS,
        }
    }

    /// Whether request objects may be where a client says, too.
    pub(crate) fn takes_request_uris(&self) -> bool {
        !self.profile.is_some_and(Profile::is_fapi)
    }
}
