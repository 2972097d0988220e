//! SQLite.

mod code;
mod connections;
mod consent;
mod deferred;
mod grant;
mod key_set;
mod migrate;
mod registry;
mod replay;
mod reseal;
mod row;
mod statements;
mod sweep;
mod ticket;
mod token;

use std::fmt;
use std::sync::Arc;

use sqlx::SqlitePool;

use super::schema::{Migration, SchemaError};
use connections::Connections;

/// The namespace of a store that was given none.
const DEFAULT_NAMESPACE: &str = "";

/// The stores in a SQLite database, but for clients that the host configures. Clones share their connections.
///
/// One process, or several on one machine, may use one file. A verb that waits longer than the busy timeout for
/// another writer is `Unavailable`.
#[derive(Clone)]
pub struct SqliteStore {
    connections: Connections,
    namespace: Arc<str>,
}

impl SqliteStore {
    /// Opens a database: a file, which is created where there is none, or a URL that begins with `sqlite:`.
    ///
    /// The connections use a write-ahead log, flush it to the disk at every commit (`synchronous = FULL`, so that
    /// a code that was used stays used when the power fails), and wait five seconds for other writers. One
    /// connection writes and up to eight read. A database in memory has one connection for both, and ends with it.
    ///
    /// # Errors
    /// [`SchemaError::Newer`] when a later release has migrated the tables, [`SchemaError::Store`] when the
    /// database cannot be opened. Tables that are not there yet are no error: see [`SqliteStore::migrate`].
    pub async fn connect(database: &str) -> Result<Self, SchemaError> {
        let store =
            Self { connections: Connections::open(database).await?, namespace: DEFAULT_NAMESPACE.into() };
        match store.check().await {
            Err(SchemaError::Older { .. }) | Ok(()) => Ok(store),
            Err(error) => Err(error),
        }
    }

    /// Uses the connections of the host for reading and writing.
    ///
    /// How they are opened is the host's decision: what [`SqliteStore::connect`] says is what is advised.
    #[must_use]
    pub fn new(pool: SqlitePool) -> Self {
        Self { connections: Connections::shared(pool), namespace: DEFAULT_NAMESPACE.into() }
    }

    /// The same database under another namespace, which is part of every key: nothing in it is seen from here.
    #[must_use]
    pub fn namespace(&self, name: &str) -> Self {
        Self { connections: self.connections.clone(), namespace: name.into() }
    }

    /// Brings the tables to the version of this release. Several processes may do so at once.
    ///
    /// # Errors
    /// [`SchemaError::Newer`] when they are of a later one; nothing is changed then.
    pub async fn migrate(&self) -> Result<(), SchemaError> {
        migrate::migrate(&self.connections).await
    }

    /// Checks at start that the tables are of the version of this release, for hosts that migrate elsewhere.
    ///
    /// # Errors
    /// [`SchemaError::Newer`] or [`SchemaError::Older`] when they are not.
    pub async fn check(&self) -> Result<(), SchemaError> {
        migrate::check(&self.connections).await
    }

    /// The steps that [`SqliteStore::migrate`] takes, in order.
    #[must_use]
    pub const fn migrations() -> &'static [Migration] {
        migrate::MIGRATIONS
    }

    /// Closes the connections, once the verbs under way have ended. Every later verb is `Unavailable`.
    pub async fn close(&self) {
        self.connections.close().await;
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
