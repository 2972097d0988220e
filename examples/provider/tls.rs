//! https, by a certificate of files.

use std::path::Path;

use axum_server::tls_rustls::RustlsConfig;

/// Reads a certificate chain and its key, both PEM.
///
/// # Errors
/// One sentence that names the files.
pub(crate) async fn read(certificate: &Path, key: &Path) -> Result<RustlsConfig, String> {
    // An error says that a provider is installed already, and then it is this one.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    RustlsConfig::from_pem_chain_file(certificate, key)
        .await
        .map_err(|error| format!("could not use {} with {}: {error}", certificate.display(), key.display()))
}
