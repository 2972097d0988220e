//! What the databases that are servers share.

use std::time::Duration;

use sqlx::pool::PoolOptions;
use sqlx::{Connection as _, Database};

use super::options::SqlOptions;

/// Most connections of one store.
const CONNECTIONS: u32 = 10;

/// A connection that nobody used for this long is tested before it is used again.
const IDLE: Duration = Duration::from_secs(1);

/// How a pool of connections to a server is opened.
pub(super) fn pool<DB: Database>(options: &SqlOptions) -> PoolOptions<DB> {
    PoolOptions::new()
        .max_connections(options.connections.unwrap_or(CONNECTIONS))
        .acquire_timeout(options.acquire_timeout)
        .test_before_acquire(false)
        .before_acquire(|connection: &mut DB::Connection, known| {
            Box::pin(async move {
                if known.idle_for >= IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
}
