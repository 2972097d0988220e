//! The load: a thread that keeps some connections busy with one request.
//!
//! It looks for answers without ever going to sleep: waking it would be work of the server's thread, and the more of
//! it the slower the server is.

use std::hint;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use vouchsafe::wire::Request;

/// Connections at once: enough that the server always finds work.
const CONNECTIONS: usize = 16;

/// Connections to one server, and the request that all of them send.
pub(crate) struct Load {
    connections: Vec<TcpStream>,
    request: Vec<u8>,
    response: Vec<u8>,
}

impl Load {
    /// Connects, and learns from one exchange how long an answer is: all are of that length.
    pub(crate) fn new(address: SocketAddr, request: &Request) -> Self {
        let connect = |_| {
            let connection = TcpStream::connect(address).expect("the server listens");
            connection.set_nodelay(true).expect("TCP has the option");
            connection
        };
        let mut connections: Vec<_> = (0..CONNECTIONS).map(connect).collect();
        let request = written(request, address);
        let first = connections.first_mut().expect("there are connections");
        first.write_all(&request).expect("the server reads");
        let response = vec![0; response_length(first)];
        for connection in &connections {
            connection.set_nonblocking(true).expect("TCP has the option");
        }
        Self { connections, request, response }
    }

    /// Sends `requests` and reads the answers; returns the part of the time in which this thread had nothing to do.
    #[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
    pub(crate) fn send(&mut self, requests: usize) -> f64 {
        let (began, mut idle) = (Instant::now(), Duration::ZERO);
        for _ in 0..requests.div_ceil(CONNECTIONS) {
            for connection in &mut self.connections {
                connection.write_all(&self.request).expect("the server reads");
            }
            for connection in &mut self.connections {
                idle += read_whole(connection, &mut self.response);
                assert!(self.response.starts_with(b"HTTP/1.1 200 "), "the server refuses");
            }
        }
        idle.as_secs_f64() / began.elapsed().as_secs_f64()
    }
}

/// Fills `response`, and returns how long there was nothing to read.
#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn read_whole(connection: &mut TcpStream, response: &mut [u8]) -> Duration {
    let (mut filled, mut waiting_since) = (0, None);
    while let Some(rest) = response.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match connection.read(rest) {
            Ok(0) => panic!("the server hangs up"),
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                waiting_since.get_or_insert_with(Instant::now);
                hint::spin_loop();
            }
            Err(error) => panic!("the server answers: {error}"),
        }
    }
    waiting_since.map_or(Duration::ZERO, |since| since.elapsed())
}

fn written(request: &Request, address: SocketAddr) -> Vec<u8> {
    let mut text = format!("{} {} HTTP/1.1\r\nhost: {address}\r\n", request.method(), request.uri().path());
    for (name, value) in request.headers() {
        let value = value.to_str().expect("the headers are text");
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !request.body().is_empty() {
        text.push_str(&format!("content-length: {}\r\n", request.body().len()));
    }
    [text.as_bytes(), b"\r\n", request.body()].concat()
}

/// Reads one answer.
fn response_length(connection: &mut TcpStream) -> usize {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        connection.read_exact(&mut byte).expect("the server answers");
        head.extend(byte);
    }
    let text = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
    let body = length.and_then(|length| length.parse().ok()).expect("the answer names its length");
    connection.read_exact(&mut vec![0; body]).expect("the body follows");
    head.len() + body
}
