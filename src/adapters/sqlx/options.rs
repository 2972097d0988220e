//! How a store connects.

use std::time::Duration;

/// How a store opens its connections, where the defaults do not do.
///
/// ```
/// use std::time::Duration;
///
/// use vouchsafe::adapters::sqlx::SqlOptions;
///
/// let options = SqlOptions::new().with_connections(32).with_acquire_timeout(Duration::from_secs(2));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SqlOptions {
    pub(super) connections: Option<u32>,
    pub(super) acquire_timeout: Duration,
    pub(super) lock_timeout: Duration,
    pub(super) statement_timeout: Duration,
}

impl SqlOptions {
    /// What `connect` uses.
    pub const fn new() -> Self {
        Self {
            connections: None,
            acquire_timeout: Duration::from_secs(5),
            lock_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(10),
        }
    }

    /// Most connections at a time; 10 by default. In SQLite this counts those that read, 8 by default: one more writes.
    ///
    /// A verb holds one connection for one statement or one short transaction, and none while it waits for anything but
    /// the database.
    pub const fn with_connections(mut self, connections: u32) -> Self {
        self.connections = Some(connections);
        self
    }

    /// How long a verb waits for a connection that is free, 5 seconds by default; then it is `Unavailable`.
    pub const fn with_acquire_timeout(mut self, timeout: Duration) -> Self {
        self.acquire_timeout = timeout;
        self
    }

    /// How long a statement waits for a lock that another holds, 5 seconds by default; then the verb is `Unavailable`.
    ///
    /// In MySQL it is counted in whole seconds, at least one. In SQLite it is the busy timeout.
    pub const fn with_lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = timeout;
        self
    }

    /// How long a statement runs at most, and a transaction waits for its next one, 10 seconds by default: so nothing
    /// that was left alone holds its locks for longer. PostgreSQL only; migrations are exempt.
    pub const fn with_statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = timeout;
        self
    }
}

impl Default for SqlOptions {
    fn default() -> Self {
        Self::new()
    }
}
