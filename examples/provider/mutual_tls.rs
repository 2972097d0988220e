//! A second listener, which asks for certificates (RFC 8705).
//!
//! TLS proves that a client has the key of its certificate. Whether an authority vouches for that is looked
//! up afterwards, so that a client which signed its own certificate is let in, and is known for what it is.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum_server::accept::Accept;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme, crypto};
use tokio::net::TcpStream;
use tower::Service;
use url::Url;
use vouchsafe::types::Issuer;
use vouchsafe::wire::ClientCertificate;

use crate::tls::{self, Served};

/// Accepts connections with a certificate or without, and hands the certificate on with each request.
#[derive(Clone, Debug)]
pub(crate) struct MutualTlsAcceptor {
    tls: RustlsAcceptor,
    authorities: Option<Arc<dyn ClientCertVerifier>>,
}

impl MutualTlsAcceptor {
    /// Reads the server's certificate and key, and the authorities of its clients, PEM too.
    ///
    /// # Errors
    /// One sentence that names the files.
    pub(crate) fn read(served: Served<'_>, authorities: Option<&Path>) -> Result<Self, String> {
        let crypto = Arc::new(ring::default_provider());
        let anybody = Arc::new(Anybody(crypto.signature_verification_algorithms));
        let config = tls::config(served, anybody)?;
        let authorities = authorities.map(|path| trusting(path, crypto)).transpose()?;
        Ok(Self { tls: RustlsAcceptor::new(RustlsConfig::from_config(config)), authorities })
    }
}

/// What checks that a certificate is of one of the authorities in this file.
fn trusting(path: &Path, crypto: Arc<CryptoProvider>) -> Result<Arc<dyn ClientCertVerifier>, String> {
    let mut roots = RootCertStore::empty();
    for certificate in tls::certificates(path)? {
        roots.add(certificate).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), crypto)
        .build()
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// Where the issuer is over mutual TLS: at the same host and path, by the port of the second listener.
///
/// # Errors
/// One sentence.
pub(crate) fn alias(issuer: &Issuer, port: u16) -> Result<Issuer, String> {
    let unfit = || format!("{issuer} has no alias at port {port}");
    let mut url = Url::parse(issuer.as_str()).map_err(|_| unfit())?;
    url.set_port(Some(port)).map_err(|()| unfit())?;
    url.as_str().trim_end_matches('/').parse().map_err(|_| unfit())
}

impl<S: Send + 'static> Accept<TcpStream, S> for MutualTlsAcceptor {
    type Stream = <RustlsAcceptor as Accept<TcpStream, S>>::Stream;
    type Service = WithCertificate<S>;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let accepting = self.tls.accept(stream, service);
        let authorities = self.authorities.clone();
        Box::pin(async move {
            let (stream, service) = accepting.await?;
            let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
            let certificate = presented(chain, authorities.as_deref());
            Ok((stream, WithCertificate { service, certificate }))
        })
    }
}

/// The first certificate of what the client sent, and whether the others lead from it to an authority.
fn presented(
    chain: &[CertificateDer<'_>],
    authorities: Option<&dyn ClientCertVerifier>,
) -> Option<ClientCertificate> {
    let (leaf, others) = chain.split_first()?;
    let verified =
        authorities.is_some_and(|trusted| trusted.verify_client_cert(leaf, others, UnixTime::now()).is_ok());
    Some(match verified {
        true => ClientCertificate::verified(leaf.to_vec()),
        false => ClientCertificate::unverified(leaf.to_vec()),
    })
}

/// A service whose requests carry the certificate of their connection.
#[derive(Clone, Debug)]
pub(crate) struct WithCertificate<S> {
    service: S,
    certificate: Option<ClientCertificate>,
}

impl<S: Service<http::Request<B>>, B> Service<http::Request<B>> for WithCertificate<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<B>) -> S::Future {
        if let Some(certificate) = &self.certificate {
            request.extensions_mut().insert(certificate.clone());
        }
        self.service.call(request)
    }
}

/// Asks for a certificate, and takes whichever comes whose key the client has.
#[derive(Debug)]
struct Anybody(WebPkiSupportedAlgorithms);

impl ClientCertVerifier for Anybody {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        crypto::verify_tls12_signature(message, certificate, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        crypto::verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
