//! The store over any of the databases.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::connections::Connections;
use super::dialect::{Dialect, Engine};
use super::durability::{self, LossySetting};
use super::migrate;
use super::schema::{Migration, SchemaError};
use super::value::Value;
use crate::error::StoreError;

/// The namespace of a store that was given none.
const DEFAULT_NAMESPACE: &str = "";

/// Most bytes of a namespace, so that a key with it fits into every index.
const MAX_NAMESPACE: usize = 255;

/// The stores in a SQL database, but for clients that the host configures. Clones share their connections.
///
/// It goes by the name of its database: `SqliteStore`, `PostgresStore`, `MysqlStore`.
///
/// A pool tests each connection that comes back to it, which costs a round trip. So a connection that has answered waits
/// in the store for the next verb. It goes back when none came for a tenth of a second, and after 256 verbs; to a pool that is
/// the host's when none came for some milliseconds, and after 16 verbs where the pool has no other.
pub struct SqlStore<E: Engine> {
    pub(super) connections: Connections<E>,
    namespace: Arc<str>,
}

impl<E: Engine> SqlStore<E> {
    pub(super) fn over(connections: Connections<E>) -> Self {
        Self { connections, namespace: DEFAULT_NAMESPACE.into() }
    }

    /// Over connections that were just opened: refuses the tables of a later release.
    pub(super) async fn opened(connections: Connections<E>) -> Result<Self, SchemaError> {
        let store = Self::over(connections);
        match store.check().await {
            Err(SchemaError::Older { .. }) | Ok(()) => Ok(store),
            Err(error) => Err(error),
        }
    }

    /// The same database under another namespace, which is part of every key: nothing in it is seen from here.
    ///
    /// In the place of a name of more than 255 bytes stands its SHA-256, in base64url behind `sha256:`.
    #[must_use]
    pub fn namespace(&self, name: &str) -> Self {
        let namespace = if name.len() > MAX_NAMESPACE {
            format!("sha256:{}", BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(name))).into()
        } else {
            name.into()
        };
        Self { connections: self.connections.clone(), namespace }
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

    /// The settings by which the database may lose what it has acknowledged when its machine fails, for a warning at start;
    /// empty where it keeps all of it.
    ///
    /// PostgreSQL: `fsync` or `synchronous_commit` off. MySQL and MariaDB: `innodb_flush_log_at_trx_commit` other than 1, or
    /// `sync_binlog` other than 1 where there is a binary log. SQLite: `synchronous` below `FULL`. They are those of one
    /// connection now. Whether a standby has what it would take over is not asked.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be asked.
    pub async fn lossy_settings(&self) -> Result<Vec<LossySetting>, StoreError> {
        durability::lossy_settings(&self.connections).await
    }

    /// The steps that [`SqlStore::migrate`] takes, in order.
    #[must_use]
    pub const fn migrations() -> &'static [Migration] {
        E::MIGRATIONS
    }

    /// Closes the connections, once the verbs under way have ended. Every later verb is `Unavailable`.
    pub async fn close(&self) {
        self.connections.close().await;
    }

    /// The first value of every statement.
    pub(super) fn tenant(&self) -> Value<'_> {
        Value::from(&*self.namespace)
    }
}

impl<E: Engine> Clone for SqlStore<E> {
    fn clone(&self) -> Self {
        Self { connections: self.connections.clone(), namespace: Arc::clone(&self.namespace) }
    }
}

impl<E: Engine> fmt::Debug for SqlStore<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(<E as Dialect>::STORE).field("namespace", &self.namespace).finish_non_exhaustive()
    }
}
