//! How a store connects, and what it demands of the server.

use std::fmt;
use std::time::Duration;

use redis::{Client, ConnectionAddr};

use super::RedisConnectError;
use crate::clock::NODE_SKEW;

/// How long what may be used once is good for by default: client assertions, and DPoP proofs.
const LIFETIME: Duration = Duration::from_secs(300);

/// By how much a clock may be off at most, as [`Config::clock_skew`](crate::provider::Config) allows. It counts twice:
/// an assertion may end later by it, and is accepted for longer by it.
const MAX_LEEWAY: Duration = Duration::from_secs(60);

/// What is above that: a value is remembered in its last second too.
const MARGIN: Duration = Duration::from_secs(60);

/// How long `first_use` is `Unavailable` after the database was found empty: 10 minutes.
///
/// A client assertion ends 300 seconds from now at the latest, and 60 later by a clock that is behind (the most that
/// [`Config::clock_skew`](crate::provider::Config) allows); it is accepted for another 60, on nodes that are up to 120
/// seconds apart. A DPoP proof is good for no longer.
pub const DEFAULT_REPLAY_WINDOW: Duration = Duration::from_secs(
    LIFETIME.as_secs() + 2 * MAX_LEEWAY.as_secs() + NODE_SKEW.as_secs() + MARGIN.as_secs(),
);

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
    /// the default are signed requests of backchannel authentication, which may be good for 60 minutes, and assertions
    /// where [`Config::assertion_lifetime`](crate::provider::Config) or the `max_lifetime` of an issuer was raised.
    ///
    /// Where [`Config::code_challenge_reuse`](crate::provider::Config) is on, challenges are remembered by `first_use` for
    /// a day. Those from before are unknown after this window all the same, and people cannot sign in while it lasts:
    /// keep replays in SQL then.
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
    /// takes those again that were used since, and so does a replica that may be written to.
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
