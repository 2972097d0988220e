//! How many statements each verb, and each operation of a provider, runs in PostgreSQL and in MySQL. `tests/services run` has
//! the servers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "sql/budget.rs"]
mod budget;
#[path = "sql/operations.rs"]
mod operations;
#[expect(dead_code, reason = "other tests use the rest of it")]
mod sql;

use std::env;

use budget::Counted;
use sqlx::mysql::MySqlPoolOptions;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, MySqlPool, PgPool};
use vouchsafe::adapters::sqlx::{MysqlStore, PostgresStore};
use vouchsafe::entropy::{OsEntropy, random};

fn name() -> String {
    format!("test_{:016x}", u64::from_be_bytes(random(&OsEntropy).unwrap()))
}

/// R34: in PostgreSQL a verb is one statement and one round trip, and a second one says why a code or a token was refused.
// A harness blocks the thread that it is on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_verb_and_every_operation_keeps_to_its_budget() {
    postgres().await;
    mysql().await;
}

async fn postgres() {
    let url = env::var("VOUCHSAFE_POSTGRES").expect("tests/services sets VOUCHSAFE_POSTGRES");
    let name = name();
    let server = PgPool::connect(&url).await.unwrap();
    server.execute(AssertSqlSafe(format!("CREATE SCHEMA {name}"))).await.unwrap();
    let url = format!("{url}?options=-c%20search_path%3D{name}");
    let pool = PgPoolOptions::new().max_connections(1).connect(&url).await.unwrap();
    let store = PostgresStore::new(pool.clone());
    store.migrate().await.unwrap();
    let wait = async || pool.acquire().await.unwrap().ping().await.unwrap();
    let counted = Counted::new(store, wait);
    counted.measure().await;
    counted.measure_operations().await;
}

async fn mysql() {
    let url = env::var("VOUCHSAFE_MYSQL").expect("tests/services sets VOUCHSAFE_MYSQL");
    let name = name();
    let server = MySqlPool::connect(&url).await.unwrap();
    server.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    let (url, _) = url.rsplit_once('/').unwrap();
    let pool = MySqlPoolOptions::new().max_connections(1).connect(&format!("{url}/{name}")).await.unwrap();
    let store = MysqlStore::new(pool.clone());
    store.migrate().await.unwrap();
    let wait = async || pool.acquire().await.unwrap().ping().await.unwrap();
    let counted = Counted::new(store, wait);
    counted.measure().await;
    counted.measure_operations().await;
}
