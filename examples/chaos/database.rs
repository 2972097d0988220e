//! The database of the nodes: the one place that names which.

use vouchsafe::BoxError;
pub(crate) use vouchsafe::adapters::sqlx::PostgresStore as Store;
use vouchsafe::adapters::sqlx::SqlOptions;

/// Connects as a host does that changes nothing but how many connections there are.
pub(crate) async fn open(url: &str, connections: u32) -> Result<Store, BoxError> {
    Ok(Store::connect_with(url, &SqlOptions::new().with_connections(connections)).await?)
}
