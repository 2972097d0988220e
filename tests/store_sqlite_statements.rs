//! How many statements each verb of the SQLite store runs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "sql/budget.rs"]
mod budget;
#[expect(dead_code, reason = "other tests use the rest of it")]
mod sql;

use budget::Counted;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use vouchsafe::adapters::sqlx::SqliteStore;

#[tokio::test]
async fn every_verb_keeps_to_its_budget() {
    let options = SqliteConnectOptions::new().in_memory(true);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    let store = SqliteStore::new(pool.clone());
    store.migrate().await.unwrap();
    // The driver reports a statement before it turns to the next command.
    let wait = async || pool.acquire().await.unwrap().ping().await.unwrap();
    Counted::new(store, wait).measure().await;
}
