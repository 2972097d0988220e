//! The stores in SQL databases, over sqlx: `SqliteStore`, `PostgresStore` and `MysqlStore`, each behind the feature of
//! its database.
//!
//! Every verb is one statement where the database allows it: its guard stands in the `WHERE`, and the number of rows
//! decides. Clients are not kept here, but for those that register themselves; they come from the host's registry or its
//! configuration. [The storage contract](crate::manual::storage) tells what each database needs.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use vouchsafe::adapters::sqlx::SqliteStore;
//! use vouchsafe::store::Stores;
//! use vouchsafe::store::memory::Clients;
//!
//! # async fn stores(clients: Clients) -> Result<Stores, Box<dyn std::error::Error>> {
//! let store = SqliteStore::connect("/var/lib/login/vouchsafe.db").await?;
//! store.migrate().await?;
//! let store = Arc::new(store);
//! # Ok(
//! Stores::new(Arc::new(clients), store.clone(), store.clone(), store.clone())
//!     .with_replays(store.clone())
//!     .with_deferred(store.clone())
//!     .with_tickets(store)
//! # )
//! # }
//! ```
//!
//! The functions of [`testing::store_suite`](crate::testing::store_suite) hold for them, over any number of
//! connections and processes.

#[macro_use]
#[allow(unused_macros, reason = "a build without any database has no statements")]
mod fragments;

mod code;
mod connections;
mod consent;
mod deferred;
mod dialect;
mod durability;
mod failure;
mod grant;
mod key_set;
mod lender;
mod lent;
mod migrate;
#[cfg(feature = "mysql")]
mod mysql;
mod options;
#[cfg(feature = "postgres")]
mod postgres;
mod registry;
mod replay;
mod reseal;
mod row;
mod schema;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod server;
#[cfg(feature = "sqlite")]
mod sqlite;
#[allow(dead_code, reason = "which forms of statements there are depends on the databases that are chosen")]
mod statements;
mod steps;
mod store;
mod sweep;
mod ticket;
mod token;
mod value;

pub use dialect::Engine;
pub use durability::LossySetting;
#[cfg(feature = "mysql")]
pub use mysql::{Mysql, MysqlStore};
pub use options::SqlOptions;
#[cfg(feature = "postgres")]
pub use postgres::{Postgres, PostgresStore};
pub use schema::{Migration, SchemaError};
#[cfg(feature = "sqlite")]
pub use sqlite::{Sqlite, SqliteStore};
pub use store::SqlStore;
