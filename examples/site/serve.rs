//! Listening, and stopping without breaking off answers.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum_server::Handle;

/// How long requests may still take once the process was told to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// Takes the address at once, so that the port is known before anything is made that names it.
///
/// # Errors
/// One sentence that names the address and the flag.
pub(crate) fn listen(address: SocketAddr, flag: &str) -> Result<(TcpListener, SocketAddr), String> {
    let named =
        |error: io::Error| format!("could not listen on {address} (choose another with {flag}): {error}");
    let listener = TcpListener::bind(address).map_err(named)?;
    listener.set_nonblocking(true).map_err(named)?;
    let bound = listener.local_addr().map_err(named)?;
    Ok((listener, bound))
}

/// Listens for SIGTERM and SIGINT from now on; what is returned waits for one of them and then lets the servers
/// finish what they are answering.
///
/// # Errors
/// When the process may not handle signals.
pub(crate) fn stop_on_signal(servers: Vec<Handle<SocketAddr>>) -> io::Result<impl Future<Output = ()>> {
    let signalled = signalled()?;
    Ok(async move {
        signalled.await;
        for server in servers {
            server.graceful_shutdown(Some(DRAIN));
        }
    })
}

#[cfg(unix)]
fn signalled() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn signalled() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
