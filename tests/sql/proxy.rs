//! A wire to a server that can be cut.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;

/// What becomes of what the server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Wire {
    /// It arrives.
    Whole,
    /// It is lost, and the connection with it: the server did what it was asked, and nobody is told.
    Deaf,
    /// There is no connection at all.
    Cut,
    /// Nothing of it arrives on any connection there is, and nobody is told.
    Silent,
}

/// Forwards connections to a server.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    state: Arc<AtomicU8>,
    cut: broadcast::Sender<()>,
}

impl Proxy {
    pub(crate) async fn before(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(AtomicU8::new(Wire::Whole as u8));
        let (cut, _) = broadcast::channel(1);
        let (of_all, cuts) = (Arc::clone(&state), cut.clone());
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                if of_all.load(Ordering::SeqCst) == Wire::Cut as u8 {
                    continue;
                }
                let (server, state, mut cut) = (server.clone(), Arc::clone(&of_all), cuts.subscribe());
                tokio::spawn(async move {
                    let server = TcpStream::connect(server).await.unwrap();
                    let (from_client, to_client) = client.into_split();
                    let (from_server, to_server) = server.into_split();
                    tokio::select! {
                        () = forward(from_client, to_server, None) => {}
                        () = forward(from_server, to_client, Some(state)) => {}
                        _ = cut.recv() => {}
                    }
                });
            }
        });
        Self { address, state, cut }
    }

    pub(crate) fn set(&self, wire: Wire) {
        self.state.store(wire as u8, Ordering::SeqCst);
        if wire == Wire::Cut {
            let _all_are_gone = self.cut.send(());
        }
    }
}

/// Copies until one end is gone, or until something comes that is to be lost.
async fn forward(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    state: Option<Arc<AtomicU8>>,
) {
    let mut buffer = [0; 16 * 1024];
    loop {
        let Ok(read @ 1..) = from.read(&mut buffer).await else { return };
        let now = state.as_ref().map_or(Wire::Whole as u8, |state| state.load(Ordering::SeqCst));
        if now == Wire::Silent as u8 {
            std::future::pending::<()>().await;
        }
        if now != Wire::Whole as u8 || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
