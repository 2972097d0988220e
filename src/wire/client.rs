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
/// * give up after 3 seconds without a connection, after 5 seconds in all, and after 256 KiB of the body, or fewer
///   where the request has a [`BodyCap`] among its extensions, counted after decompression;
/// * answer with the status and the headers as soon as these are there where the request has [`StatusAlone`] among its
///   extensions, and with no body, however long that would be.
///
/// A response of any status is `Ok`. An implementation may allow addresses that are not public behind a switch whose
/// name says that it is dangerous.
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

/// The sender of a request will look at the status of the answer, and at nothing of its body: an extension of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it says all by being there")]
pub struct StatusAlone;

/// Most bytes of the answer's body that the sender of a request will look at: an extension of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BodyCap(pub usize);

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
/// benchmarking, multicast, reserved and broadcast in IPv4, and the one address of a cloud's machine service that looks
/// public; and in IPv6 everything outside 2000::/3, and within
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
        // Routed like a public one, and answered by Azure's own machine service.
        [168, 63, 129, 16] => true,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn public(address: &str) -> bool {
        is_public(address.parse().unwrap())
    }

    #[test]
    fn public_addresses_may_be_asked() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2001:db9::1",
            "2003::1",
            "2606:4700::1111",
            "3ffe:ffff::1",
            "3fff:1000::1",
        ] {
            assert!(public(address), "{address}");
        }
    }

    /// attack 78: no spelling of an address of the deployment's own network passes.
    #[test]
    fn addresses_that_are_not_public_are_refused() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "168.63.129.16",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::8.8.8.8",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::ffff:0:127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b::8.8.8.8",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:1ff::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:808:808::",
            "3fff::1",
            "3fff:fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "ffff::1",
        ] {
            assert!(!public(address), "{address}");
        }
    }

    #[test]
    fn an_error_tells_its_kind_and_keeps_its_source_apart() {
        let error = HttpError::new(HttpErrorKind::Unreachable, "s3cret");
        assert_eq!(error.kind(), HttpErrorKind::Unreachable);
        assert_eq!(error.to_string(), "could not reach a server");
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "s3cret");
    }
}
