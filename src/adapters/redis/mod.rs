//! The short-lived stores in Redis, or a server that speaks as it does.
//!
//! Authorization codes, tickets, used `jti` values and requests that are answered elsewhere live for minutes and are
//! asked for at every sign-in: they may be kept in Redis while grants, tokens and consents stay in SQL.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use vouchsafe::adapters::redis::RedisStore;
//! use vouchsafe::adapters::sqlx::SqliteStore;
//! use vouchsafe::store::Stores;
//! use vouchsafe::store::memory::Clients;
//!
//! # async fn stores(clients: Clients) -> Result<Stores, Box<dyn std::error::Error>> {
//! let lasting = Arc::new(SqliteStore::connect("/var/lib/login/vouchsafe.db").await?);
//! lasting.migrate().await?;
//! let passing = Arc::new(RedisStore::connect("rediss://login:secret@redis.internal").await?);
//! # Ok(
//! Stores::new(Arc::new(clients), passing.clone(), lasting.clone(), lasting)
//!     .with_replays(passing.clone())
//!     .with_deferred(passing.clone())
//!     .with_tickets(passing)
//! # )
//! # }
//! ```
//!
//! # What the server must be
//!
//! Each verb is one script on one primary, so its guarantees are those of that server:
//!
//! * `maxmemory-policy noeviction`. A server that may drop a used `jti` to make room would take it again, so one that
//!   may is refused, at the start and after every reconnection. When its memory is full verbs are `Unavailable`.
//! * `appendonly yes`, and `appendfsync always` where nothing that was answered may be lost when the power fails. With
//!   `everysec` the last second may be: a code that was redeemed in it can be redeemed once more, and an assertion used.
//!   A server that writes snapshots alone is refused where it says so, as it is by default: when it comes back from one it
//!   has forgotten minutes.
//! * It must be a primary: a replica is refused when it is connected, and a server that becomes one refuses the scripts.
//!   A replica takes over what it has received. [`RedisOptions::with_replicas`] lets no verb answer before as many
//!   replicas have its write; without it a failover may lose what was answered last.
//! * Redis 7 or later, or another server that runs its scripts (`#!lua`). In a cluster all keys of a
//!   [namespace](RedisStore::namespace) are in one slot, so a namespace lives on one shard; the store speaks to one
//!   address and follows no redirection, so it must be that shard's primary, or a proxy.
//!
//! # When the server forgets
//!
//! What is lost with the data fails closed by itself: a code, a ticket or a request that is not there is not redeemed.
//! A used `jti` that is not there would be accepted again. So the store keeps a mark in the database, and while the
//! mark is missing or younger than the [replay window](RedisOptions::with_replay_window), `first_use` is `Unavailable`:
//! after a flush no assertion and no proof is accepted until those from before it have expired. So it is in a new
//! database too, unless [`RedisStore::initialize`] says that it is one. An evicted mark cannot be told from a flush.
//!
//! Only the loss of everything is found so. A server that loses a part keeps the mark: after a power failure with
//! `everysec`, after a failover without replicas that were waited for, or from a backup that was restored, used `jti`
//! values are lost as silently as anything else, and can be used again until they expire. After a restored backup
//! delete the database before it is used.
//!
//! Where [`Config::code_challenge_reuse`](crate::provider::Config) is on, `first_use` keeps the challenges of all
//! sign-ins, for a day: after a flush nobody signs in for the length of the window, and challenges from before it are
//! unknown after it. Keep replays in SQL then.
//!
//! # What the store writes
//!
//! Keys are hashes and payloads are sealed: who reads the database finds no token. Each row ends by the clock of the
//! server some minutes after the moment from which no verb answers from it, so no [`Sweep`](crate::store::Sweep) has to
//! run. What a verb answers is decided by its `now` alone.
//!
//! Nothing is sent twice: a verb whose answer was lost is `Unavailable`, and the next one connects anew.

mod checks;
mod code;
mod connection;
mod deferred;
mod failure;
mod keys;
mod moment;
mod options;
mod replay;
mod row;
mod script;
mod sweep;
mod ticket;

use std::fmt;
use std::sync::Arc;

pub use failure::RedisConnectError;
pub use options::{DEFAULT_REPLAY_WINDOW, RedisOptions};

use crate::error::StoreError;
use connection::Connection;
use keys::Keys;
use row::Row;
use script::Call;

/// The namespace of a store that was given none.
const DEFAULT_NAMESPACE: &str = "";

/// The short-lived stores in Redis. Clones share their connection.
///
/// It must be used within a tokio runtime: the one in which it was connected.
#[derive(Clone)]
pub struct RedisStore {
    connection: Arc<Connection>,
    keys: Keys,
    namespace: Arc<str>,
}

impl RedisStore {
    /// Connects to the server that a URL names, `redis://` or `rediss://` with TLS, under the default
    /// [`RedisOptions`].
    ///
    /// # Errors
    /// [`RedisConnectError`]: the URL is none, or the server cannot be reached, or may drop what it was told to keep.
    pub async fn connect(url: &str) -> Result<Self, RedisConnectError> {
        Self::connect_with(RedisOptions::new(url)?).await
    }

    /// Connects under `options`.
    ///
    /// # Errors
    /// [`RedisConnectError`]: the server cannot be reached, or may drop what it was told to keep.
    pub async fn connect_with(options: RedisOptions) -> Result<Self, RedisConnectError> {
        let connection = Arc::new(Connection::new(options));
        connection.open().await?;
        let keys = Keys::new(DEFAULT_NAMESPACE);
        Ok(Self { connection, keys, namespace: DEFAULT_NAMESPACE.into() })
    }

    /// The same server under another namespace, which is part of every key: nothing in it is seen from here.
    #[must_use]
    pub fn namespace(&self, name: &str) -> Self {
        Self { connection: Arc::clone(&self.connection), keys: Keys::new(name), namespace: name.into() }
    }

    /// Runs a script, whose answer begins with a word.
    async fn run(&self, call: Call) -> Result<(String, Row), StoreError> {
        let mut row = Row::new(self.connection.run(&call).await?);
        Ok((row.text()?, row))
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}
