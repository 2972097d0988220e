//! The certificate of a TLS connection, as the host's TLS layer hands it on.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName};

use crate::error::Reason;

/// The header of RFC 9440 section 2.2.
const CLIENT_CERT: HeaderName = HeaderName::from_static("client-cert");

/// Most bytes in the `Client-Cert` header: 24 KiB, of which no more than 16 KiB are a certificate.
pub const MAX_CLIENT_CERT_BYTES: usize = 24 * 1024;

/// The certificate that the client of a TLS connection presented, and proved to have the key of.
///
/// It reaches the provider as an [extension](http::Extensions) of the request, and in no other way: no header
/// of a client is read (attack 184). The one who terminates TLS inserts it:
///
/// ```
/// use vouchsafe::wire::{ClientCertificate, Request};
///
/// # let leaf_der: Vec<u8> = Vec::new();
/// # let mut request = Request::default();
/// request.extensions_mut().insert(ClientCertificate::unverified(leaf_der));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    der: Bytes,
    chain: CertificateChain,
}

/// What the TLS layer knows of a certificate's issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateChain {
    /// Nothing: it may be self-signed, or of anybody.
    Unverified,
    /// A path of certificates leads to an authority that the host trusts to name its clients.
    Verified,
}

impl ClientCertificate {
    /// A certificate, its DER, of whose issuer nothing is known. It authenticates by
    /// `self_signed_tls_client_auth`, and tokens can be bound to it.
    pub fn unverified(der: impl Into<Bytes>) -> Self {
        Self { der: der.into(), chain: CertificateChain::Unverified }
    }

    /// A certificate, its DER, that is of an authority which the host trusts to name its clients. It
    /// authenticates by `tls_client_auth` too.
    ///
    /// # Security
    /// Whoever gets a certificate of any name from that authority is the client of that name. An authority of
    /// the public web vouches for names of hosts, and for nothing else in a subject.
    pub fn verified(der: impl Into<Bytes>) -> Self {
        Self { der: der.into(), chain: CertificateChain::Verified }
    }

    /// The certificate in the `Client-Cert` header (RFC 9440 section 2.2) of a proxy that terminates TLS;
    /// `None` where there is no such header. `chain` is what that proxy checks.
    ///
    /// # Security
    /// Anybody can write a header. Only for requests that came through a proxy which takes every
    /// `Client-Cert` of a client out, and which nobody can go around: a request on another way, or through a
    /// proxy that hands on what it was sent, authenticates as whoever it likes (RFC 9440 section 4).
    ///
    /// # Errors
    /// [`Reason::ClientCertificateMalformed`] when the header stands twice, is over 24 KiB, or is no byte
    /// sequence of RFC 8941 section 3.3.5. Refuse the request then.
    pub fn dangerous_from_trusted_proxy(
        headers: &HeaderMap,
        chain: CertificateChain,
    ) -> Result<Option<Self>, Reason> {
        let mut values = headers.get_all(CLIENT_CERT).iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() || value.len() > MAX_CLIENT_CERT_BYTES {
            return Err(Reason::ClientCertificateMalformed);
        }
        let text = value.to_str().ok().map(|text| text.trim_matches(' '));
        let encoded = text.and_then(|text| text.strip_prefix(':')?.strip_suffix(':'));
        let der = encoded.and_then(|encoded| BASE64_STANDARD.decode(encoded).ok());
        let der = der.filter(|der| !der.is_empty()).ok_or(Reason::ClientCertificateMalformed)?;
        Ok(Some(Self { der: der.into(), chain }))
    }

    /// The DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// What is known of its issuer.
    #[must_use]
    pub const fn chain(&self) -> CertificateChain {
        self.chain
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientCertificate({:?}, {} bytes)", self.chain, self.der.len())
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(values: &[&str]) -> Result<Option<ClientCertificate>, Reason> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CLIENT_CERT, HeaderValue::from_str(value).unwrap());
        }
        ClientCertificate::dangerous_from_trusted_proxy(&headers, CertificateChain::Verified)
    }

    #[test]
    fn a_trusted_proxy_says_it_in_one_header() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[":MAA=:"]), Ok(Some(ClientCertificate::verified(vec![0x30, 0]))));
        assert_eq!(read(&[" :MAA=: "]), Ok(Some(ClientCertificate::verified(vec![0x30, 0]))));
    }

    /// attack 189: what is no byte sequence is refused, and so is what is over its cap.
    #[test]
    fn anything_else_in_it_is_refused() {
        let long = format!(":{}:", "A".repeat(MAX_CLIENT_CERT_BYTES));
        let pem = "-----BEGIN CERTIFICATE-----";
        for value in [
            "",
            ":",
            "::",
            "MAA=",
            ":MAA=",
            "MAA=:",
            ":MAA:",
            ":M A=:",
            ":MAA=:;a=1",
            ":MAA=:, :MAA=:",
            pem,
            &long,
        ] {
            assert_eq!(read(&[value]), Err(Reason::ClientCertificateMalformed), "{value}");
        }
        assert_eq!(read(&[":MAA=:", ":MAA=:"]), Err(Reason::ClientCertificateMalformed));
    }
}
