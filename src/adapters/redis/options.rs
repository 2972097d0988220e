//! How a store connects, and what it demands of the server.

use std::fmt;
use std::time::Duration;

use redis::{Client, ConnectionAddr};

use super::RedisConnectError;
use crate::clock::NODE_SKEW;

/// How long `first_use` is `Unavailable` after the database was found empty: 8 minutes.
///
/// A client assertion is good for 300 seconds, read by a clock that is up to 60 seconds behind (the most that
/// [`Config::clock_skew`](crate::provider::Config) allows), on nodes that are up to 120 seconds apart. A DPoP proof is
/// good for less.
pub const DEFAULT_REPLAY_WINDOW: Duration = Duration::from_secs(300 + 60 + NODE_SKEW.as_secs());

/// How long connecting may take, with TLS and the first commands.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the server may take to answer.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(3);

/// How a [`RedisStore`](super::RedisStore) connects, and what it demands of the server.
#[derive(Clone)]
#[must_use]
pub struct RedisOptions {
    pub(super) client: Client,
    pub(super) connection_timeout: Duration,
    pub(super) response_timeout: Duration,
    pub(super) replicas: u8,
    pub(super) replay_window: Duration,
    pub(super) checks: Checks,
}

/// Whether the server is asked if it keeps what it is told to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checks {
    Made,
    Skipped,
}

impl RedisOptions {
    /// The server that a URL names: `redis://user:password@host:port/database`, with TLS `rediss://`.
    ///
    /// # Errors
    /// [`RedisConnectError::Url`] when it is no such URL, or asks for TLS without looking at the certificate
    /// (`#insecure`).
    pub fn new(url: &str) -> Result<Self, RedisConnectError> {
        // The error of the library is left out: nothing says that it never quotes the URL, which may have a password.
        let client = Client::open(url).map_err(|_| RedisConnectError::Url)?;
        if matches!(client.get_connection_info().addr(), ConnectionAddr::TcpTls { insecure: true, .. }) {
            return Err(RedisConnectError::Url);
        }
        Ok(Self::of_client(client))
    }

    /// The server of a client that the host has made, as with certificates of its own.
    pub const fn of_client(client: Client) -> Self {
        Self {
            client,
            connection_timeout: CONNECTION_TIMEOUT,
            response_timeout: RESPONSE_TIMEOUT,
            replicas: 0,
            replay_window: DEFAULT_REPLAY_WINDOW,
            checks: Checks::Made,
        }
    }

    /// How long connecting may take, with TLS and the first commands; default 1 second.
    pub const fn with_connection_timeout(mut self, timeout: Duration) -> Self {
        self.connection_timeout = timeout;
        self
    }

    /// How long the server may take to answer; default 3 seconds. A verb that it does not answer in time is
    /// `Unavailable`, and may have happened.
    pub const fn with_response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// Lets a verb that writes answer only when so many replicas have what it wrote; default 0. When fewer say so
    /// within half of the response timeout it is `Unavailable`, and has happened on the primary.
    ///
    /// All verbs of a store share a connection and wait there in turn, so that a store writes about as often in a
    /// second as its replicas can answer one after the other.
    pub const fn with_replicas(mut self, replicas: u8) -> Self {
        self.replicas = replicas;
        self
    }

    /// How long `first_use` is `Unavailable` after the database was found empty; default
    /// [`DEFAULT_REPLAY_WINDOW`].
    ///
    /// It must be longer than whatever may be used once is good for, with the differences of the clocks. Longer than
    /// the default are signed requests of backchannel authentication, which may be good for 60 minutes, and the
    /// assertions of an issuer whose `max_lifetime` was raised.
    pub const fn with_replay_window(mut self, window: Duration) -> Self {
        self.replay_window = window;
        self
    }

    /// Takes a server without asking whether it keeps what it is told to keep, for servers that answer neither `INFO`
    /// nor `CONFIG GET`.
    ///
    /// # Security
    /// A server with another `maxmemory-policy` than `noeviction` drops used `jti` values when its memory is full: who
    /// has seen an assertion or a proof, and can fill the memory, uses it again. One that comes back from a snapshot
    /// takes those again that were used since.
    pub const fn dangerous_skip_server_checks(mut self) -> Self {
        self.checks = Checks::Skipped;
        self
    }
}

/// Leaves out the client, whose address may hold a password.
impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOptions")
            .field("connection_timeout", &self.connection_timeout)
            .field("response_timeout", &self.response_timeout)
            .field("replicas", &self.replicas)
            .field("replay_window", &self.replay_window)
            .field("checks", &self.checks)
            .finish_non_exhaustive()
    }
}
