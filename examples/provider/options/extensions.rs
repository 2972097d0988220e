//! The flags that turn on what is beside plain OpenID Connect.

use std::path::PathBuf;

use clap::Args;
use vouchsafe::types::{Resource, ResponseType};

use super::values::{Profile, Pushed};

// No doc comment: clap would show it instead of that of the whole program.
#[derive(Args, Clone, Debug)]
pub(crate) struct Extensions {
    /// Response types to answer beside `code`, separated by commas, such as `id_token,code id_token`
    #[arg(long, env = "PROVIDER_RESPONSE_TYPES", value_name = "TYPES", value_delimiter = ',')]
    pub response_types: Vec<ResponseType>,

    /// Take authorization requests that clients push to /par (RFC 9126)
    #[arg(long, env = "PROVIDER_PUSHED_REQUESTS", value_name = "WHETHER", value_enum)]
    pub pushed_requests: Option<Pushed>,

    /// Take signed request objects: `request`, and `request_uri` for the addresses that a client registered
    ///
    /// The FAPI profiles take `request` alone.
    #[arg(long, env = "PROVIDER_REQUEST_OBJECTS")]
    pub request_objects: bool,

    /// Take request objects that nobody signed from clients registered with request_object_signing_alg none
    #[arg(long, env = "PROVIDER_DANGEROUS_UNSIGNED_REQUEST_OBJECTS", requires = "request_objects")]
    pub dangerous_unsigned_request_objects: bool,

    /// Answer authorization requests by JWTs where that is asked for (JARM): the response modes that end in `jwt`
    #[arg(long, env = "PROVIDER_JARM")]
    pub jarm: bool,

    /// Take authorization details (RFC 9396) of one type, `payment_initiation`, from clients that registered it
    ///
    /// A payment has an instructedAmount, a creditorName and a creditorAccount, as in RFC 9396 section 2.
    #[arg(long, env = "PROVIDER_AUTHORIZATION_DETAILS")]
    pub authorization_details: bool,

    /// Resources that clients may ask for (RFC 8707), separated by commas, unless their settings name others
    #[arg(long, env = "PROVIDER_RESOURCES", value_name = "URIS", value_delimiter = ',', value_parser = Resource::parse)]
    pub resources: Vec<Resource>,

    /// Let clients authenticate by client_secret_jwt; their secrets are of 32 bytes or more
    #[arg(long, env = "PROVIDER_CLIENT_SECRET_JWT")]
    pub client_secret_jwt: bool,

    /// Encrypt answers for the clients that registered that, and take encrypted request objects
    ///
    /// The keys for it are beside those of --keys, in a file of that name and `.encryption`; without --keys
    /// they are made anew at every start.
    #[arg(long, env = "PROVIDER_ENCRYPTION")]
    pub encryption: bool,

    /// Answer introspection by signed JWTs where that is asked for (RFC 9701)
    #[arg(long, env = "PROVIDER_INTROSPECTION_JWT")]
    pub introspection_jwt: bool,

    /// Bind the tokens of clients that prove a key to it (DPoP, RFC 9449)
    #[arg(long, env = "PROVIDER_DPOP")]
    pub dpop: bool,

    /// Demand a nonce of the provider in every proof, so that none is made beforehand
    #[arg(long, env = "PROVIDER_DPOP_NONCE", requires = "dpop")]
    pub dpop_nonce: bool,

    /// Let devices without a browser wait for people who type a code at /device/verify (RFC 8628)
    #[arg(long, env = "PROVIDER_DEVICE")]
    pub device: bool,

    /// Let clients ask for people who are elsewhere (CIBA); POST /admin/ciba of --admin-listen answers for them
    #[arg(long, env = "PROVIDER_CIBA", requires = "admin_listen")]
    pub ciba: bool,

    /// Let clients exchange access tokens (RFC 8693): their own, and those for what their settings let them introspect
    ///
    /// Such a client is the resource server that a token is for, and gets one for whatever it calls next.
    #[arg(long, env = "PROVIDER_TOKEN_EXCHANGE")]
    pub token_exchange: bool,

    /// Issuers whose assertions clients may send for tokens (RFC 7523): a JSON array of objects
    ///
    /// Each has an issuer, its keys in jwks, and a scope, the most that it gives. It vouches for the users of this
    /// server by their `sub`: for all, or for the one in `subject`.
    #[arg(long, env = "PROVIDER_TRUSTED_ISSUERS", value_name = "FILE")]
    pub trusted_issuers: Option<PathBuf>,

    /// Give clients that registered the algorithm `none` ID tokens that nobody signed
    #[arg(long, env = "PROVIDER_DANGEROUS_ALLOW_UNSIGNED_ID_TOKENS")]
    pub dangerous_allow_unsigned_id_tokens: bool,
}

impl Extensions {
    /// Adds what clients of this kind need.
    pub(super) fn turn_on(&mut self, profile: Profile) {
        match profile {
            Profile::Openid => {
                let beside_code = ResponseType::ALL.into_iter().filter(|known| *known != ResponseType::Code);
                self.response_types.extend(beside_code);
                self.request_objects = true;
                self.dangerous_unsigned_request_objects = true;
                self.client_secret_jwt = true;
                self.encryption = true;
                self.dangerous_allow_unsigned_id_tokens = true;
            }
            Profile::OAuth21 | Profile::Mcp => {}
            Profile::Fapi2Security => self.bind_and_push(),
            Profile::Fapi2MessageSigning => {
                self.bind_and_push();
                self.request_objects = true;
                self.jarm = true;
                self.introspection_jwt = true;
            }
            Profile::FapiCiba => self.ciba = true,
        }
    }

    fn bind_and_push(&mut self) {
        self.pushed_requests = Some(Pushed::Required);
        self.dpop = true;
    }
}
