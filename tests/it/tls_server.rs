//! A server on loopback that answers over TLS, and clients that may ask it.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::Request;
use axum::middleware::map_request;
use axum_server::tls_rustls::RustlsConfig;
use vouchsafe::adapters::reqwest::{ReqwestClient, ReqwestClientBuilder};

/// Serves `app` for `localhost` and 127.0.0.1, and counts the requests that reach it.
pub(crate) async fn serve(app: Router) -> (SocketAddr, Arc<AtomicUsize>) {
    // An error says that a provider is installed already, and then it is this one.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let (certificate, key) = (include_bytes!("tls/server.pem"), include_bytes!("tls/server.key"));
    let config = RustlsConfig::from_pem(certificate.to_vec(), key.to_vec()).await.unwrap();
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    let app = app.layer(map_request(move |request: Request| {
        counter.fetch_add(1, Ordering::SeqCst);
        async { request }
    }));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let server = axum_server::from_tcp_rustls(listener, config).unwrap();
    tokio::spawn(server.serve(app.into_make_service()));
    (address, seen)
}

/// Begins a client that trusts the server's certificate.
pub(crate) fn trusting() -> ReqwestClientBuilder {
    ReqwestClient::builder().root_certificates(include_bytes!("tls/authority.pem")).unwrap()
}

/// A client that trusts the server's certificate and may ask loopback addresses.
pub(crate) fn loopback() -> ReqwestClient {
    trusting().dangerous_allow_loopback().build().unwrap()
}
