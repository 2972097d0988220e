//! A provider behind a real axum server on loopback, and a client that sends whatever bytes it is told to.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// How long a test waits for an answer before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// Serves a router on a free port, until the test ends.
pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// An answer as it came over the wire.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// Sends a request head and body as they are, on a connection of its own, and reads the answer.
///
/// The head's lines are joined by CRLF; `Host` and `Connection: close` are added.
pub(crate) async fn send(server: SocketAddr, head: &[&str], body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(server).await.unwrap();
    let mut request = head.join("\r\n");
    if !head.iter().any(|line| line.starts_with("Host:")) {
        request.push_str("\r\nHost: op.example");
    }
    request.push_str("\r\nConnection: close\r\n\r\n");
    let mut bytes = request.into_bytes();
    bytes.extend_from_slice(body);
    // A server that refuses early closes before it has read everything; its answer is what counts.
    let _broken = stream.write_all(&bytes).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    let _reset = read.expect("the server answers");
    parse(&answer)
}

fn parse(answer: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer but {text:?}"));
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap();
    let pair = |line: &str| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap())
    };
    Answer { status: status.parse().unwrap(), headers: lines.map(pair).collect(), body: body.to_owned() }
}
