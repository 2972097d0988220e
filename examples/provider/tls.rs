//! https, by a certificate of files: what both listeners speak.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::CertifiedKey;
use rustls::{CipherSuite, ServerConfig, SignatureAlgorithm};

/// All of TLS 1.2 that FAPI 1.0 Advanced section 8.5, and with it FAPI-CIBA, takes with the elliptic curves of today.
const FAPI_CIBA: [CipherSuite; 2] =
    [CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384];

/// A certificate chain and its key, both PEM, and which cipher suites they are served by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Served<'a> {
    pub certificate: &'a Path,
    pub key: &'a Path,
    pub suites: Suites,
}

/// The cipher suites of TLS 1.2. Those of TLS 1.3 are all good, and older versions are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suites {
    /// ECDHE with AES-GCM or ChaCha20-Poly1305 (BCP 195).
    Recommended,
    /// ECDHE with RSA and AES-GCM alone.
    FapiCiba,
}

impl Suites {
    fn provider(self) -> CryptoProvider {
        let mut provider = ring::default_provider();
        if self == Self::FapiCiba {
            let kept = |suite: CipherSuite| FAPI_CIBA.contains(&suite);
            provider.cipher_suites.retain(|suite| suite.tls13().is_some() || kept(suite.suite()));
        }
        provider
    }
}

/// The TLS of a listener that asks `clients` for certificates.
///
/// # Errors
/// One sentence that names the files.
pub(crate) fn config(
    served: Served<'_>,
    clients: Arc<dyn ClientCertVerifier>,
) -> Result<Arc<ServerConfig>, String> {
    let Served { certificate, key, suites } = served;
    let unfit = |error: &dyn std::fmt::Display| {
        format!("could not use {} with {}: {error}", certificate.display(), key.display())
    };
    let chain = certificates(certificate)?;
    let key_der = PrivateKeyDer::from_pem_file(key).map_err(|error| format!("{}: {error}", key.display()))?;
    let provider = suites.provider();
    let certified = CertifiedKey::from_der(chain.clone(), key_der.clone_key(), &provider);
    let algorithm = certified.map_err(|error| unfit(&error))?.key.algorithm();
    if suites == Suites::FapiCiba && algorithm != SignatureAlgorithm::RSA {
        return Err(format!(
            "--profile fapi-ciba needs a certificate with an RSA key, and {} has another",
            certificate.display()
        ));
    }
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .and_then(|builder| builder.with_client_cert_verifier(clients).with_single_cert(chain, key_der));
    let mut config = config.map_err(|error| unfit(&error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The certificates of a PEM file.
///
/// # Errors
/// One sentence that names the file.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    read.map_err(|error| format!("{}: {error}", path.display()))
}
