//! [`HttpClient`] over reqwest: outgoing requests under the rules that keep them out of the deployment's network.

use std::error::Error as _;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Response, Url};

use crate::error::BoxError;
use crate::wire::{HttpClient, HttpError, HttpErrorKind, is_public};

/// How long connecting may take, and the whole request with its answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Most bytes of an answer's body, after decompression: 256 KiB.
pub const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// Sends requests to servers that strangers name: https alone, to public addresses alone, without redirects,
/// proxies and cookies, for 5 seconds and 256 KiB at most.
///
/// A name is resolved once for each connection, all its addresses are checked, and the connection goes to one of
/// them; there is no second look-up whose answer could differ.
#[derive(Clone, Debug)]
pub struct ReqwestClient {
    client: Client,
    reach: Reach,
}

/// Begins a [`ReqwestClient`] that differs from the careful one.
#[derive(Debug, Default)]
#[must_use]
pub struct ReqwestClientBuilder {
    roots: Vec<Certificate>,
    reach: Reach,
}

/// The certificates or the settings were refused.
#[derive(Debug, thiserror::Error)]
#[error("could not make an http client")]
pub struct InvalidHttpClient(#[source] reqwest::Error);

/// Which addresses a request may reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reach {
    #[default]
    Public,
    PublicAndLoopback,
}

impl ReqwestClient {
    /// The careful client.
    ///
    /// # Errors
    /// [`InvalidHttpClient`] when the TLS library cannot be set up.
    pub fn new() -> Result<Self, InvalidHttpClient> {
        Self::builder().build()
    }

    /// Begins a client that differs.
    pub fn builder() -> ReqwestClientBuilder {
        ReqwestClientBuilder::default()
    }
}

impl ReqwestClientBuilder {
    /// Trusts the certificates in `pem` besides the system's: one or more, each a certification authority.
    ///
    /// # Errors
    /// [`InvalidHttpClient`] when the text holds none, or one that cannot be read.
    pub fn root_certificates(mut self, pem: &[u8]) -> Result<Self, InvalidHttpClient> {
        self.roots.extend(Certificate::from_pem_bundle(pem).map_err(InvalidHttpClient)?);
        Ok(self)
    }

    /// Lets requests reach loopback addresses too: for development and conformance runs on one machine.
    ///
    /// # Security
    /// Whoever may register a URL can then make this process ask every service of its own machine.
    pub fn dangerous_allow_loopback(mut self) -> Self {
        self.reach = Reach::PublicAndLoopback;
        self
    }

    /// Makes the client.
    ///
    /// # Errors
    /// [`InvalidHttpClient`] when the TLS library cannot be set up.
    pub fn build(self) -> Result<ReqwestClient, InvalidHttpClient> {
        let builder: ClientBuilder = Client::builder()
            .https_only(true)
            .no_proxy()
            .referer(false)
            .redirect(Policy::none())
            .connect_timeout(TIMEOUT)
            .timeout(TIMEOUT)
            .user_agent(concat!("vouchsafe/", env!("CARGO_PKG_VERSION")))
            .tls_certs_merge(self.roots)
            .dns_resolver(CheckedResolver(self.reach));
        let client = builder.build().map_err(InvalidHttpClient)?;
        Ok(ReqwestClient { client, reach: self.reach })
    }
}

#[async_trait]
impl HttpClient for ReqwestClient {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request).map_err(failure)?;
        self.reach.check_url(request.url())?;
        let response = self.client.execute(request).await.map_err(failure)?;
        read(response).await
    }
}

/// Reads an answer, and no more of its body than it may have.
async fn read(mut response: Response) -> Result<http::Response<Bytes>, HttpError> {
    let too_large = || HttpError::from(HttpErrorKind::BodyTooLarge);
    if response.content_length().is_some_and(|length| length > MAX_ANSWER_BYTES as u64) {
        return Err(too_large());
    }
    let mut answer = http::Response::new(Bytes::new());
    *answer.status_mut() = response.status();
    *answer.headers_mut() = response.headers().clone();
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(failure)? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    *answer.body_mut() = body.freeze();
    Ok(answer)
}

fn failure(error: reqwest::Error) -> HttpError {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<RefusedAddress>() {
            return HttpError::new(HttpErrorKind::AddressRefused, error.without_url());
        }
        cause = inner.source();
    }
    let kind = if error.is_timeout() { HttpErrorKind::TimedOut } else { HttpErrorKind::Unreachable };
    HttpError::new(kind, error.without_url())
}

impl Reach {
    /// Checks what the resolver never sees: the scheme, and a host that is an address already.
    fn check_url(self, url: &Url) -> Result<(), HttpError> {
        let allowed = match url.host() {
            Some(url::Host::Ipv4(address)) => self.allows(address.into()),
            Some(url::Host::Ipv6(address)) => self.allows(address.into()),
            Some(url::Host::Domain(_)) => true,
            None => false,
        };
        if url.scheme() == "https" && allowed {
            return Ok(());
        }
        Err(HttpErrorKind::AddressRefused.into())
    }

    fn allows(self, address: IpAddr) -> bool {
        is_public(address) || (self == Self::PublicAndLoopback && address.is_loopback())
    }

    /// All of the addresses, or none of them.
    fn check(self, addresses: Vec<SocketAddr>) -> Result<Addrs, BoxError> {
        if addresses.iter().all(|address| self.allows(address.ip())) {
            return Ok(Box::new(addresses.into_iter()));
        }
        Err(Box::new(RefusedAddress))
    }
}

/// Resolves a name and hands on its addresses if every one of them may be reached.
struct CheckedResolver(Reach);

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let addresses = tokio::net::lookup_host((name.as_str(), 0)).await?;
            reach.check(addresses.collect())
        })
    }
}

/// A name has an address that may not be reached.
#[derive(Debug)]
struct RefusedAddress;

impl fmt::Display for RefusedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address of the host is not public")
    }
}

impl std::error::Error for RefusedAddress {}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn only_https_to_public_addresses_is_sent() {
        let allowed = |reach: Reach, text: &str| reach.check_url(&url(text)).is_ok();
        assert!(allowed(Reach::Public, "https://rp.example/jwks"));
        assert!(allowed(Reach::Public, "https://93.184.216.34/"));
        for refused in [
            "http://rp.example/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://0x7f.1/",
            "https://10.0.0.1/",
        ] {
            assert!(!allowed(Reach::Public, refused), "{refused}");
        }
        assert!(allowed(Reach::PublicAndLoopback, "https://127.0.0.1:8443/"));
        for refused in ["http://127.0.0.1/", "https://169.254.169.254/", "https://10.0.0.1/"] {
            assert!(!allowed(Reach::PublicAndLoopback, refused), "{refused}");
        }
    }

    #[test]
    fn one_private_address_among_public_ones_refuses_the_name() {
        let addresses =
            |list: &[&str]| list.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 0)).collect();
        assert!(Reach::Public.check(addresses(&["93.184.216.34"])).is_ok());
        assert!(Reach::Public.check(addresses(&["93.184.216.34", "192.168.0.1"])).is_err());
        assert!(Reach::Public.check(addresses(&["::1"])).is_err());
        assert!(Reach::PublicAndLoopback.check(addresses(&["::1", "127.0.0.1"])).is_ok());
    }
}
