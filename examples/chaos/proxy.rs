//! What stands between the nodes and the database, and loses, refuses or swallows what passes.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

/// What the proxy does with connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Way {
    /// Hands everything on.
    #[default]
    Open,
    /// Hands on what nodes send; of the answers, loses one in so many, and with it the connection: the database has done
    /// what it was asked, and nobody hears of it.
    LosesAnswers {
        /// One in so many.
        one_in: u64,
    },
    /// Closes every connection.
    Refuses,
    /// Takes everything and hands on nothing, as a network does that drops packets.
    Swallows,
}

/// How long the database may take for an answer that is lost.
const LOST_ANSWER: Duration = Duration::from_secs(2);

/// A proxy before one port. Clones are the same proxy.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    port: u16,
    way: Arc<watch::Sender<Way>>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    /// Answers that passed, or did not.
    answers: AtomicU64,
    faults: AtomicU64,
}

impl Proxy {
    /// Listens, for what listens at `target`.
    pub(crate) async fn start(target: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let proxy = Self { port, way: Arc::new(watch::Sender::default()), counts: Arc::default() };
        let accepting = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let proxy = accepting.clone();
                // Either end may go at any time: that is what it is for.
                tokio::spawn(async move { drop(proxy.connect(client, target).await) });
            }
        });
        Ok(proxy)
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Does so from here on, to the connections that are there too.
    pub(crate) fn goes(&self, way: Way) {
        self.way.send_replace(way);
    }

    /// How many answers, connections and pieces of them were lost so far.
    pub(crate) fn faults(&self) -> u64 {
        self.counts.faults.load(Ordering::SeqCst)
    }

    fn fault(&self) {
        self.counts.faults.fetch_add(1, Ordering::SeqCst);
    }

    fn loses_this_one(&self, one_in: u64) -> bool {
        (self.counts.answers.fetch_add(1, Ordering::SeqCst) + 1).is_multiple_of(one_in)
    }

    /// Hands on between both ends until one of them is gone, or is to be.
    async fn connect(self, mut client: TcpStream, target: u16) -> io::Result<()> {
        let mut ways = self.way.subscribe();
        let mut swallowed = false;
        let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (mut asked, mut answered) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
        loop {
            let way = *ways.borrow_and_update();
            match way {
                Way::Refuses => {
                    self.fault();
                    return Ok(());
                }
                // What was swallowed cannot be made up for.
                Way::Open | Way::LosesAnswers { .. } if swallowed => return Ok(()),
                _ => {}
            }
            tokio::select! {
                read = client.read(&mut asked) => match (read?, way) {
                    (0, _) => return Ok(()),
                    (_, Way::Swallows) => {
                        swallowed = true;
                        self.fault();
                    }
                    (length, _) => {
                        server.write_all(&asked[..length]).await?;
                        if let Way::LosesAnswers { one_in } = way && self.loses_this_one(one_in) {
                            drop(timeout(LOST_ANSWER, server.read(&mut answered)).await);
                            self.fault();
                            return Ok(());
                        }
                    }
                },
                read = server.read(&mut answered) => match (read?, way) {
                    (0, _) => return Ok(()),
                    (_, Way::Swallows) => swallowed = true,
                    (length, _) => client.write_all(&answered[..length]).await?,
                },
                changed = ways.changed() => if changed.is_err() { return Ok(()) },
            }
        }
    }
}
