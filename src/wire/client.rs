//! The port for outgoing requests, and the rule that says which addresses they may reach.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::BoxError;

/// Sends requests to other servers: for keys, metadata and notifications that a client's registration names.
///
/// The addresses come from strangers. An implementation must
/// * send to https only, and verify the certificate against the system's roots;
/// * resolve the host itself, refuse the request unless [`is_public`] holds for every address found, and connect
///   to one of these addresses without resolving again, so that a changing DNS answer changes nothing;
/// * follow no redirect, use no proxy that it was not given, send no cookie and no credential of its own;
/// * give up after 5 seconds in all, and after 256 KiB of the body, counted after decompression.
///
/// A response of any status is `Ok`. An implementation may allow loopback addresses behind a switch whose name
/// says that it is dangerous.
#[async_trait]
pub trait HttpClient: fmt::Debug + Send + Sync {
    /// Sends `request` and reads the whole response.
    ///
    /// # Errors
    /// [`HttpError`] when there is no whole response: the address is refused, the server cannot be reached, it is
    /// too slow, or the body is too large.
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError>;
}

const _: fn(&dyn HttpClient) = |_| ();

/// What kept an outgoing request from an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpErrorKind {
    /// The scheme is not https, or the host is, or resolves to, an address that is not public.
    AddressRefused,
    /// The body is over its cap.
    BodyTooLarge,
    /// The whole took too long.
    TimedOut,
    /// There is no connection, no trusted certificate, or no sound response.
    Unreachable,
}

/// An outgoing request without an answer. The source is for logs.
#[derive(Debug)]
pub struct HttpError {
    kind: HttpErrorKind,
    source: Option<BoxError>,
}

impl HttpError {
    /// A failure of `kind`, caused by `source`.
    #[must_use]
    pub fn new(kind: HttpErrorKind, source: impl Into<BoxError>) -> Self {
        Self { kind, source: Some(source.into()) }
    }

    /// The kind of failure.
    #[must_use]
    pub const fn kind(&self) -> HttpErrorKind {
        self.kind
    }
}

impl From<HttpErrorKind> for HttpError {
    fn from(kind: HttpErrorKind) -> Self {
        Self { kind, source: None }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            HttpErrorKind::AddressRefused => "could not send a request: the address is refused",
            HttpErrorKind::BodyTooLarge => "could not read a response: the body is too large",
            HttpErrorKind::TimedOut => "could not read a response: it took too long",
            HttpErrorKind::Unreachable => "could not reach a server",
        })
    }
}

impl std::error::Error for HttpError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Whether `address` is one that the public Internet routes, so that a request to it cannot reach the
/// deployment's own network.
///
/// Refused is every block of the IANA special-purpose registries that is not globally reachable: this network,
/// private use, shared address space, loopback, link-local, protocol assignments, 6to4 relays, documentation,
/// benchmarking, multicast, reserved and broadcast in IPv4; and in IPv6 everything outside 2000::/3, and within
/// it the protocol assignments with Teredo, documentation, and 6to4. An IPv4 address inside an IPv6 one (mapped,
/// NAT64) is refused whatever it is: no public server needs that spelling.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let refused = match address.octets() {
        [0 | 10 | 127, ..] => true,
        [100, second, ..] => second & 0xc0 == 64,
        [169, 254, ..] => true,
        [172, second, ..] => second & 0xf0 == 16,
        [192, 0, 0 | 2, _] => true,
        [192, 88, 99, _] | [192, 168, ..] => true,
        [198, 18 | 19, ..] => true,
        [198, 51, 100, _] | [203, 0, 113, _] => true,
        [first, ..] => first >= 224,
    };
    !refused
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let refused = match segments {
        // 2001::/23 holds Teredo, benchmarking, ORCHID and other protocols.
        [0x2001, second, ..] if second < 0x0200 => true,
        [0x2001, 0x0db8, ..] | [0x2002, ..] => true,
        [0x3fff, second, ..] => second < 0x1000,
        [first, ..] => first & 0xe000 != 0x2000,
    };
    !refused
}
