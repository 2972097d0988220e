//! How a store connects.

use std::time::Duration;

/// The longest time that every database takes: its milliseconds are an `i32`.
const LONGEST: Duration = Duration::from_millis(i32::MAX.unsigned_abs() as u64);

/// A timeout as every database takes it. Zero would be none at all in one, and one too long an error in another.
const fn bounded(timeout: Duration) -> Duration {
    match timeout.as_millis() {
        0 => Duration::from_millis(1),
        milliseconds if milliseconds > LONGEST.as_millis() => LONGEST,
        _ => timeout,
    }
}

/// How a store opens its connections, where the defaults do not do.
///
/// ```
/// use std::time::Duration;
///
/// use vouchsafe::adapters::sqlx::SqlOptions;
///
/// let options = SqlOptions::new().with_connections(32).with_acquire_timeout(Duration::from_secs(2));
/// ```
///
/// Timeouts are held between a millisecond and 24 days.
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
        self.acquire_timeout = bounded(timeout);
        self
    }

    /// How long a statement waits for a lock that another holds, 5 seconds by default; then the verb is `Unavailable`.
    ///
    /// In MySQL it is counted in whole seconds, at least one, and a verb waits three times in all. In SQLite it is the busy
    /// timeout.
    pub const fn with_lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = bounded(timeout);
        self
    }

    /// How long a statement runs at most in PostgreSQL, migrations excepted, and a transaction waits for its next one, 10
    /// seconds by default: so nothing that was left alone holds its locks for longer.
    ///
    /// In MySQL it is `wait_timeout`, in whole seconds and at least 30: after that the server gives up a node that vanished.
    pub const fn with_statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = bounded(timeout);
        self
    }
}

impl Default for SqlOptions {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_what_every_database_takes() {
        for (given, taken) in [
            (Duration::ZERO, Duration::from_millis(1)),
            (Duration::from_micros(999), Duration::from_millis(1)),
            (Duration::from_secs(7), Duration::from_secs(7)),
            (Duration::MAX, LONGEST),
        ] {
            let options = SqlOptions::new()
                .with_acquire_timeout(given)
                .with_lock_timeout(given)
                .with_statement_timeout(given);
            assert_eq!(options.acquire_timeout, taken);
            assert_eq!(options.lock_timeout, taken);
            assert_eq!(options.statement_timeout, taken);
        }
    }
}
