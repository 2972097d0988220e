//! An OpenID provider to run, configured by flags and environment: `cargo run --example provider -- --help`.
//!
//! It is the reference that conformance and interoperability tests talk to, and shows how a host puts a provider
//! together: `setup` makes the parts, `site::sign_in` are the pages, and the rest of the endpoints is the library's.

mod accounts;
mod admin;
mod ciba;
mod clients;
mod database;
mod demo_client;
mod encryption;
mod exchange;
mod extensions;
mod fetching;
mod mutual_tls;
mod options;
mod payments;
mod resource;
mod setup;
#[path = "../site/mod.rs"]
mod site;
mod tls;
mod trusted;

use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;

use axum::Router;
use axum::routing::get;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use clap::Parser as _;
use rustls::server::WebPkiClientVerifier;
use tracing_subscriber::EnvFilter;
use vouchsafe::types::Issuer;

use self::mutual_tls::MutualTlsAcceptor;
use self::options::Options;
use self::setup::Parts;
use self::site::serve;

fn main() -> ExitCode {
    let options = Options::parse().with_profile();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("provider: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<(), String> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(workers) = options.workers {
        runtime.worker_threads(workers.into());
    }
    let runtime =
        runtime.enable_all().build().map_err(|error| format!("could not start the runtime: {error}"))?;
    runtime.block_on(start(options))
}

async fn start(options: Options) -> Result<(), String> {
    let served = options.served();
    let tls = served.map(|served| tls::config(served, WebPkiClientVerifier::no_client_auth())).transpose()?;
    let (listener, bound) = serve::listen(options.listen, "--listen")?;
    let issuer = match &options.issuer {
        Some(issuer) => issuer.clone(),
        None => issuer_at(bound, tls.is_some())?,
    };
    let admin = options.admin_listen.map(|address| admin::listen(address, &options)).transpose()?;
    let mtls = mtls(&options)?;
    let alias = mtls.as_ref().map(|(.., bound)| mutual_tls::alias(&issuer, bound.port())).transpose()?;
    let parts = setup::parts(&options, issuer.clone(), alias.clone()).await?;
    let Parts { app, admin: calls, records } = parts;
    let app = app.route("/healthz", get(async || "ok\n"));
    let handles = [Handle::new(), Handle::new(), Handle::new()];
    let stopped = serve::stop_on_signal(handles.to_vec());
    tokio::spawn(stopped.map_err(|error| format!("could not listen for signals: {error}"))?);
    let [handle, admin_handle, mtls_handle] = handles;
    println!("listening on {issuer}");
    if let Some((listener, bound)) = admin {
        println!("admin listening on http://{bound}");
        let served = answer(listener, None, calls.routes(), admin_handle);
        tokio::spawn(async move { served.await.inspect_err(|problem| tracing::error!("admin: {problem}")) });
    }
    if let (Some((acceptor, listener, _)), Some(alias)) = (mtls, alias) {
        println!("mtls listening on {alias}");
        let server = axum_server::from_tcp(listener).map_err(|error| format!("could not serve: {error}"))?;
        let served = server.acceptor(acceptor).handle(mtls_handle).serve(app.clone().into_make_service());
        tokio::spawn(async move { served.await.inspect_err(|problem| tracing::error!("mtls: {problem}")) });
    }
    let answered = answer(listener, tls.map(RustlsConfig::from_config), app, handle).await;
    records.close().await;
    answered
}

/// The second listener, where the flags ask for it.
fn mtls(options: &Options) -> Result<Option<(MutualTlsAcceptor, TcpListener, SocketAddr)>, String> {
    let (Some(address), Some(served)) = (options.mtls_listen, options.served()) else { return Ok(None) };
    let acceptor = MutualTlsAcceptor::read(served, options.mtls_ca_file.as_deref())?;
    let (listener, bound) = serve::listen(address, "--mtls-listen")?;
    Ok(Some((acceptor, listener, bound)))
}

/// The issuer at an address that was given no name.
fn issuer_at(bound: SocketAddr, tls: bool) -> Result<Issuer, String> {
    let scheme = if tls { "https" } else { "http" };
    format!("{scheme}://{bound}")
        .parse()
        .map_err(|_| format!("{bound} is not a loopback address, so --issuer must name an https URL"))
}

/// Answers until the process is told to stop, and then until the last answer is out.
async fn answer(
    listener: TcpListener,
    tls: Option<RustlsConfig>,
    app: Router,
    handle: Handle<SocketAddr>,
) -> Result<(), String> {
    let app = app.into_make_service();
    let served = match tls {
        Some(tls) => match axum_server::from_tcp_rustls(listener, tls) {
            Ok(server) => server.handle(handle).serve(app).await,
            Err(error) => Err(error),
        },
        None => match axum_server::from_tcp(listener) {
            Ok(server) => server.handle(handle).serve(app).await,
            Err(error) => Err(error),
        },
    };
    served.map_err(|error| format!("could not serve: {error}"))
}
