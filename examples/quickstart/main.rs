//! A provider and an application that people sign in to with it: `cargo run --example quickstart`.
//!
//! Both are in this process, on two ports of the loopback address. `provider` mounts the provider, `app` is the
//! application, and `relying_party` its half of the protocol. Open the address that is printed.

mod app;
mod http;
mod provider;
mod relying_party;
#[path = "../site/mod.rs"]
mod site;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;

use axum::Router;
use axum_server::Handle;
use clap::Parser;

use self::app::App;
use self::site::{demo, serve};

/// A provider and an application that people sign in to with it, on two ports of this machine.
#[derive(Clone, Debug, Parser)]
struct Options {
    /// Where the application listens; port 0 takes a free one
    #[arg(long, env = "QUICKSTART_APP", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    app: SocketAddr,

    /// Where the provider listens; port 0 takes a free one
    #[arg(long, env = "QUICKSTART_PROVIDER", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4444")]
    provider: SocketAddr,

    /// The directory of the database, the keys and the secrets; made when missing
    ///
    /// Without it: `quickstart` beside this program, which is below Cargo's target directory.
    #[arg(long, env = "QUICKSTART_DATA", value_name = "DIRECTORY")]
    data: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("quickstart: {problem}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), String> {
    let (app_listener, app_address) = serve::listen(options.app, "--app")?;
    let (provider_listener, provider_address) = serve::listen(options.provider, "--provider")?;
    let (origin, issuer) = (format!("http://{app_address}"), format!("http://{provider_address}"));
    let data = options.data.map_or_else(beside_this_program, Ok)?;
    let mounted = provider::mount(&issuer, &origin, &data).await;
    let (provider, registration) =
        mounted.map_err(|error| format!("could not make the provider in {}: {error}", data.display()))?;
    let app = App::new(app::Settings { origin: origin.clone(), issuer: issuer.clone(), registration })
        .map_err(|error| format!("could not make the application: {error}"))?;

    let (provider_handle, app_handle) = (Handle::new(), Handle::new());
    let stopped = serve::stop_on_signal(vec![app_handle.clone(), provider_handle.clone()]);
    tokio::spawn(stopped.map_err(|error| format!("could not listen for signals: {error}"))?);
    println!("listening on {origin}");
    println!("Open it in a browser and sign in as {}, with the password {}.", demo::USERNAME, demo::PASSWORD);
    println!("The provider is at {issuer}, its database in {}.", data.display());
    let served = tokio::try_join!(
        serve(provider_listener, provider_handle, provider),
        serve(app_listener, app_handle, app.routes()),
    );
    served.map(|_| ()).map_err(|error| format!("could not serve: {error}"))
}

async fn serve(listener: TcpListener, handle: Handle<SocketAddr>, site: Router) -> std::io::Result<()> {
    axum_server::from_tcp(listener)?.handle(handle).serve(site.into_make_service()).await
}

fn beside_this_program() -> Result<PathBuf, String> {
    let program =
        std::env::current_exe().map_err(|error| format!("could not choose a --data directory: {error}"))?;
    Ok(program.with_file_name("quickstart-data"))
}
