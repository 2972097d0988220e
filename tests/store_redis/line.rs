//! A line between a store and a server, on which answers get lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

pub(crate) struct Line {
    port: u16,
    /// Connections with a lower number bring no answers any more; nobody closes them.
    silent_below: Arc<AtomicU64>,
    opened: Arc<AtomicU64>,
}

impl Line {
    /// A line to the server on this port.
    pub(crate) async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (silent_below, opened) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let (silent, count) = (Arc::clone(&silent_below), Arc::clone(&opened));
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let number = count.fetch_add(1, Ordering::SeqCst);
                let (near_read, near_write) = near.into_split();
                let (far_read, far_write) =
                    TcpStream::connect(("127.0.0.1", server)).await.unwrap().into_split();
                tokio::spawn(carry(near_read, far_write, None));
                tokio::spawn(carry(far_read, near_write, Some((number, Arc::clone(&silent)))));
            }
        });
        Self { port, silent_below, opened }
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Lets the answers on all connections of now get lost.
    pub(crate) fn lose_answers(&self) {
        self.silent_below.store(self.opened.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// How many connections there have been.
    pub(crate) fn opened(&self) -> u64 {
        self.opened.load(Ordering::SeqCst)
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, silence: Option<(u64, Arc<AtomicU64>)>) {
    let mut buffer = [0; 4096];
    loop {
        let Ok(read @ 1..) = from.read(&mut buffer).await else { return };
        let lost = silence.as_ref().is_some_and(|(number, below)| *number < below.load(Ordering::SeqCst));
        if !lost && to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
