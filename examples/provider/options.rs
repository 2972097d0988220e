//! The flags, each with its variable of the environment.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Parser, ValueEnum};
use vouchsafe::client::{AccessTokenFormatChoice, PkceRequirement};
use vouchsafe::types::{Issuer, ResponseType};

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

    /// Where grants and tokens are kept: `memory:`, or `sqlite:PATH`, a file that is made when missing
    ///
    /// A file needs --keys and --secrets, since what it holds cannot be read without them.
    #[arg(long, env = "PROVIDER_DATABASE", value_name = "URL", default_value = "memory:")]
    pub database: Database,

    /// Everything that a kind of client needs, turned on together; further flags add to it
    #[arg(long, env = "PROVIDER_PROFILE", value_name = "PROFILE", value_enum)]
    pub profile: Option<Profile>,

    /// The signing keys; made, readable by its owner alone, when missing
    ///
    /// They change by themselves every 90 days, and at once on SIGUSR1 or by --admin-listen. Without it keys are made
    /// anew at every start.
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

    /// Response types to answer beside `code`, separated by commas, such as `id_token,code id_token`
    #[arg(long, env = "PROVIDER_RESPONSE_TYPES", value_name = "TYPES", value_delimiter = ',')]
    pub response_types: Vec<ResponseType>,

    /// Take signed request objects: `request`, and `request_uri` for the addresses that a client registered
    #[arg(long, env = "PROVIDER_REQUEST_OBJECTS")]
    pub request_objects: bool,

    /// Take request objects that nobody signed from clients registered with request_object_signing_alg none
    #[arg(long, env = "PROVIDER_DANGEROUS_UNSIGNED_REQUEST_OBJECTS", requires = "request_objects")]
    pub dangerous_unsigned_request_objects: bool,

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

    /// Let clients authenticate by client_secret_jwt; their secrets are of 32 bytes or more
    #[arg(long, env = "PROVIDER_CLIENT_SECRET_JWT")]
    pub client_secret_jwt: bool,

    /// Encrypt answers for the clients that registered that, and take encrypted request objects
    ///
    /// The keys for it are beside those of --keys, in a file of that name and `.encryption`; without --keys
    /// they are made anew at every start.
    #[arg(long, env = "PROVIDER_ENCRYPTION")]
    pub encryption: bool,

    /// Bind the tokens of clients that prove a key to it (DPoP, RFC 9449)
    #[arg(long, env = "PROVIDER_DPOP")]
    pub dpop: bool,

    /// Let devices without a browser wait for people who type a code at /device/verify (RFC 8628)
    #[arg(long, env = "PROVIDER_DEVICE")]
    pub device: bool,

    /// Let clients ask for people who are elsewhere (CIBA); POST /admin/ciba of --admin-listen answers for them
    #[arg(long, env = "PROVIDER_CIBA", requires = "admin_listen")]
    pub ciba: bool,

    /// Threads that answer requests; by default one for each processor
    #[arg(long, env = "PROVIDER_WORKERS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub workers: Option<u16>,

    /// Let the provider fetch from loopback addresses, which lets clients reach services on this machine
    ///
    /// Clients may then register addresses of loopback and of networks too.
    #[arg(long, env = "PROVIDER_DANGEROUS_ALLOW_LOOPBACK_FETCH")]
    pub dangerous_allow_loopback_fetch: bool,

    /// Give clients that registered the algorithm `none` ID tokens that nobody signed
    #[arg(long, env = "PROVIDER_DANGEROUS_ALLOW_UNSIGNED_ID_TOKENS")]
    pub dangerous_allow_unsigned_id_tokens: bool,
}

impl Options {
    /// The options with what their profile turns on.
    pub(crate) fn with_profile(mut self) -> Self {
        match self.profile {
            None => {}
            Some(Profile::Openid) => {
                let beside_code = ResponseType::ALL.into_iter().filter(|known| *known != ResponseType::Code);
                self.response_types.extend(beside_code);
                self.account_creation = true;
                self.request_objects = true;
                self.dangerous_unsigned_request_objects = true;
                self.client_secret_jwt = true;
                self.encryption = true;
                self.dangerous_allow_unsigned_id_tokens = true;
                self.registration.get_or_insert(RegisteredBy::Open);
            }
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
        if self.database != Database::Memory && (self.keys.is_none() || self.secrets.is_none()) {
            return Err(
                "--database sqlite:PATH needs --keys and --secrets, without which it cannot be read again"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// What protects the codes of a client whose settings do not say.
    pub(crate) const fn pkce(&self) -> PkceRequirement {
        match self.profile {
            None => PkceRequirement::Required,
            Some(Profile::Openid) => PkceRequirement::DangerousNotRequired,
        }
    }
}

/// A kind of client that the server is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// All of OpenID Connect, for conformance runs: every response type, PKCE of public clients alone, request objects
    /// and ID tokens that need no signature, encryption, new accounts, registration, and errors that lead at once to
    /// whoever registered
    Openid,
}

/// Who registers clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum RegisteredBy {
    /// Nobody
    #[default]
    Off,
    /// Everybody, in any number
    Open,
    /// Whoever has an initial access token, which --admin-listen gives
    Token,
}

/// Where records are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Database {
    /// In the memory of the process.
    Memory,
    /// In a SQLite file.
    Sqlite(String),
}

impl FromStr for Database {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("memory", "")) => Ok(Self::Memory),
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(path.to_owned())),
            _ => Err("must be memory: or sqlite:PATH".to_owned()),
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::Sqlite(path) => write!(f, "sqlite:{path}"),
        }
    }
}

/// The shape of access tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum AccessTokenShape {
    /// A random text that only this provider can read
    #[default]
    Opaque,
    /// A JWT of RFC 9068
    Jwt,
}

impl From<AccessTokenShape> for AccessTokenFormatChoice {
    fn from(shape: AccessTokenShape) -> Self {
        match shape {
            AccessTokenShape::Opaque => Self::Opaque,
            AccessTokenShape::Jwt => Self::Jwt,
        }
    }
}
