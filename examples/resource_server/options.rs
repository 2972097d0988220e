//! The flags, each with its variable of the environment.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use vouchsafe::secret::Secret;
use vouchsafe::types::Issuer;

/// An API that takes the access tokens of an OpenID provider.
///
/// The provider must be reached by https when it starts, for its metadata.
#[derive(Clone, Debug, Parser)]
#[command(name = "resource_server", version, max_term_width = 100)]
pub(crate) struct Options {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, env = "RESOURCE_LISTEN", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4450")]
    pub listen: SocketAddr,

    /// Whose tokens are taken
    #[arg(long, env = "RESOURCE_ISSUER", value_name = "URL")]
    pub issuer: Issuer,

    /// The identifier of this API: where it is, as its clients know it; by default the address that is listened on
    #[arg(long, env = "RESOURCE_RESOURCE", value_name = "URL")]
    pub resource: Option<String>,

    /// What tokens for this API name in `aud`, if it is not the identifier; several are separated by commas
    #[arg(long, env = "RESOURCE_AUDIENCE", value_name = "NAMES", value_delimiter = ',')]
    pub audience: Vec<String>,

    /// The client by which the provider is asked about tokens that are no JWTs
    #[arg(long, env = "RESOURCE_INTROSPECT_CLIENT", value_name = "ID", requires = "introspect_secret")]
    pub introspect_client: Option<String>,

    /// The secret of that client
    #[arg(
        long,
        env = "RESOURCE_INTROSPECT_SECRET",
        value_name = "SECRET",
        requires = "introspect_client",
        hide_env_values = true,
        value_parser = secret
    )]
    pub introspect_secret: Option<Secret>,

    /// Demand a nonce of this server in DPoP proofs (RFC 9449 section 9)
    #[arg(long, env = "RESOURCE_DPOP_NONCES")]
    pub dpop_nonces: bool,

    /// The certificate chain to serve https with, as PEM; the certificates of clients are then asked for
    #[arg(long, env = "RESOURCE_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// The private key of the certificate, as PEM
    #[arg(long, env = "RESOURCE_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// More certificate authorities, as PEM, to trust for the provider
    #[arg(long, env = "RESOURCE_CA_FILE", value_name = "FILE")]
    pub ca_file: Option<PathBuf>,

    /// Let the provider be at a loopback address
    #[arg(long, env = "RESOURCE_DANGEROUS_ALLOW_LOOPBACK_FETCH")]
    pub dangerous_allow_loopback_fetch: bool,
}

fn secret(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text))
}
