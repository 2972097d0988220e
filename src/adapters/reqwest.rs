//! [`HttpClient`] over reqwest: outgoing requests under the rules that keep them out of the deployment's network.

use std::error::Error as _;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Response, Url};
use tokio::sync::Semaphore;

use crate::error::BoxError;
use crate::wire::{BodyCap, HttpClient, HttpError, HttpErrorKind, StatusAlone, is_public};

/// How long looking up a name and connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long the whole request may take with its answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Most names that are looked up at once.
const MAX_LOOKUPS: usize = 64;

/// Most bytes of an answer's body, after decompression: 256 KiB. A request may ask for fewer by a [`BodyCap`].
pub const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// Sends requests to servers that strangers name: https alone, to public addresses alone, without redirects,
/// proxies and cookies, for 5 seconds and 256 KiB at most.
///
/// A name is resolved once for each connection, all its addresses are checked, and the connection goes to one of
/// them; there is no second look-up whose answer could differ. Each request has a connection of its own, so that no
/// server that a stranger names holds one open.
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

/// Which addresses a request may reach beside public ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Reach {
    loopback: Switch,
    private: Switch,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Switch {
    #[default]
    Off,
    On,
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
        self.reach.loopback = Switch::On;
        self
    }

    /// Lets requests reach private addresses too (RFC 1918, RFC 4193): for conformance runs among containers, and
    /// for deployments whose clients are all in their own network. Addresses where clouds answer a machine about
    /// itself, link-local or not, stay out of reach.
    ///
    /// # Security
    /// Whoever may register a URL can then make this process ask every service of its own network.
    pub fn dangerous_allow_private(mut self) -> Self {
        self.reach.private = Switch::On;
        self
    }

    /// Makes the client.
    ///
    /// # Errors
    /// [`InvalidHttpClient`] when the TLS library cannot be set up.
    pub fn build(self) -> Result<ReqwestClient, InvalidHttpClient> {
        let places = Arc::new(Semaphore::new(MAX_LOOKUPS));
        self.build_with(Arc::new(move |name| Box::pin(system_lookup(name, Arc::clone(&places)))))
    }

    fn build_with(self, lookup: Lookup) -> Result<ReqwestClient, InvalidHttpClient> {
        let builder: ClientBuilder = Client::builder()
            .https_only(true)
            .no_proxy()
            .referer(false)
            .redirect(Policy::none())
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .user_agent(concat!("vouchsafe/", env!("CARGO_PKG_VERSION")))
            .tls_certs_merge(self.roots)
            .dns_resolver(CheckedResolver { reach: self.reach, lookup });
        let client = builder.build().map_err(InvalidHttpClient)?;
        Ok(ReqwestClient { client, reach: self.reach })
    }
}

#[async_trait]
impl HttpClient for ReqwestClient {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        let cap =
            request.extensions().get().map_or(MAX_ANSWER_BYTES, |BodyCap(cap)| MAX_ANSWER_BYTES.min(*cap));
        let status_alone = request.extensions().get::<StatusAlone>().is_some();
        let request = reqwest::Request::try_from(request).map_err(failure)?;
        self.reach.check_url(request.url())?;
        let response = self.client.execute(request).await.map_err(failure)?;
        self.reach.check_peer(&response)?;
        if status_alone { Ok(head(&response)) } else { read(response, cap).await }
    }
}

/// An answer without its body.
fn head(response: &Response) -> http::Response<Bytes> {
    let mut answer = http::Response::new(Bytes::new());
    *answer.status_mut() = response.status();
    *answer.headers_mut() = response.headers().clone();
    answer
}

/// Reads an answer, and no more of its body than `cap` bytes.
async fn read(mut response: Response, cap: usize) -> Result<http::Response<Bytes>, HttpError> {
    let too_large = || HttpError::from(HttpErrorKind::BodyTooLarge);
    if response.content_length().is_some_and(|length| length > cap as u64) {
        return Err(too_large());
    }
    let mut answer = head(&response);
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(failure)? {
        if body.len() + chunk.len() > cap {
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

    /// Checks once more where the answer came from; it was an address that had been checked before.
    fn check_peer(self, response: &Response) -> Result<(), HttpError> {
        match response.remote_addr() {
            Some(peer) if self.allows(peer.ip()) => Ok(()),
            _ => Err(HttpErrorKind::AddressRefused.into()),
        }
    }

    fn allows(self, address: IpAddr) -> bool {
        is_public(address)
            || (self.loopback == Switch::On && address.is_loopback())
            || (self.private == Switch::On && is_private(address))
    }

    /// All of the addresses, or none of them.
    fn check(self, addresses: Vec<SocketAddr>) -> Result<Addrs, BoxError> {
        if addresses.iter().all(|address| self.allows(address.ip())) {
            return Ok(Box::new(addresses.into_iter()));
        }
        Err(Box::new(RefusedAddress))
    }
}

/// RFC 1918 and RFC 4193, but for the blocks in which clouds answer a machine about itself.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_private(),
        IpAddr::V6(address) => {
            let of_a_cloud = matches!(address.segments(), [0xfd00, 0x0ec2, ..] | [0xfd20, 0x00ce, ..]);
            address.is_unique_local() && !of_a_cloud
        }
    }
}

/// Finds the addresses of a name.
type Lookup = Arc<dyn Fn(String) -> Looking + Send + Sync>;

type Looking = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Asks the system, on a thread that cannot be stopped: at most [`MAX_LOOKUPS`] at once, counted until each has ended,
/// however long ago its request gave up.
async fn system_lookup(name: String, places: Arc<Semaphore>) -> io::Result<Vec<SocketAddr>> {
    let place = places.try_acquire_owned().map_err(io::Error::other)?;
    let looking = tokio::task::spawn_blocking(move || {
        let found = (name.as_str(), 0).to_socket_addrs().map(Iterator::collect);
        drop(place);
        found
    });
    looking.await.map_err(io::Error::other)?
}

/// Looks a name up and hands on its addresses if every one of them may be reached.
struct CheckedResolver {
    reach: Reach,
    lookup: Lookup,
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (reach, looking) = (self.reach, (self.lookup)(name.as_str().to_owned()));
        Box::pin(async move { reach.check(looking.await?) })
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
mod tests;
