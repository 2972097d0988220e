//! How many statements each verb of the SQLite store, and each operation of a provider over it, runs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "sql/budget.rs"]
mod budget;
#[path = "sql/operations.rs"]
mod operations;
#[expect(dead_code, reason = "other tests use the rest of it")]
mod sql;

use budget::Counted;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use vouchsafe::adapters::sqlx::SqliteStore;

// A harness blocks the thread that it is on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_verb_and_every_operation_keeps_to_its_budget() {
    let options = SqliteConnectOptions::new().in_memory(true);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    let store = SqliteStore::new(pool.clone());
    store.migrate().await.unwrap();
    // The driver reports a statement before it turns to the next command.
    let wait = async || pool.acquire().await.unwrap().ping().await.unwrap();
    let counted = Counted::new(store, wait);
    counted.measure().await;
    counted.measure_operations().await;
}
