//! A whole provider over PostgreSQL, in process, beside bare rows of equal size: over a pool of as many connections, which
//! is the store's own as `connect` makes it, and once more over the very pool that the rows go through.
//!
//! Each line is a ratio of two rates that were taken in turns: requests of many tasks at once against the provider, and as
//! many single-row statements of as many tasks. The server is on the same machine and as durable as it comes, so both sides
//! wait for the same disk. MariaDB is measured one statement after the other, beside the same statements in the same
//! transactions. `tests/services run cargo bench --features _services --bench databases`.

mod bare;
mod mariadb;
mod rate;
mod served;
#[path = "../store/verbs.rs"]
#[expect(dead_code, reason = "the bench of the stores goes through every verb")]
mod verbs;

use std::env;

use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::runtime::Runtime;
use vouchsafe::adapters::sqlx::{PostgresStore, SqlOptions};

use self::bare::Rows;
use self::rate::{Effort, Measured, is_wanted, ratio};
use self::served::{Beside, Served};

/// How many requests, and how many connections, there are at once.
const AT_ONCE: usize = 16;

fn main() {
    let runtime = Runtime::new().expect("a runtime can be made");
    let _entered = runtime.enter();
    let effort = Effort::asked();
    let pool = runtime.block_on(pool());
    let own = SqlOptions::new().with_connections(AT_ONCE as u32);
    let own = runtime.block_on(PostgresStore::connect_with(&url(), &own)).expect("the database is there");
    for (store, whose) in
        [(own, "a pool of the store's own"), (PostgresStore::new(pool.clone()), "the same pool")]
    {
        let served = Served::over(store, effort);
        let size = runtime.block_on(bare::row_size(&pool));
        let rows = runtime.block_on(Rows::new(pool.clone(), size, effort));
        println!("{AT_ONCE} at once on PostgreSQL over {whose}; a bare row has {size} bytes");
        postgres(&runtime, effort, &served, &rows);
    }
    runtime.block_on(pool.close());
    if is_wanted("MariaDB") {
        mariadb::ratios(&runtime);
    }
}

fn postgres(runtime: &Runtime, effort: Effort, served: &Served, rows: &Rows) {
    let insert = || rows.inserting();
    let select = || rows.selecting();
    let credentials =
        Measured { what: "client_credentials, opaque, of a single-row INSERT", rounds: effort.rounds(4) };
    ratio(runtime, effort, &credentials, || served.client_credentials(), insert);
    for (beside, said) in [(Beside::Nothing, ""), (Beside::IdToken, " with an ID token by ES256")] {
        let what = format!("refresh{said} of a single-row INSERT");
        let refresh = Measured { what: &what, rounds: effort.rounds(3) };
        ratio(runtime, effort, &refresh, || served.refreshing(beside), insert);
        let what = format!("code to tokens{said} of a single-row INSERT");
        let redemption = Measured { what: &what, rounds: effort.rounds(2) };
        ratio(runtime, effort, &redemption, || served.redeeming(beside), insert);
    }
    let introspection = Measured { what: "introspection of a single-row SELECT", rounds: effort.rounds(10) };
    ratio(runtime, effort, &introspection, || served.introspecting(), select);
}

fn url() -> String {
    env::var("VOUCHSAFE_POSTGRES").expect("VOUCHSAFE_POSTGRES names a database: tests/services sets it")
}

async fn pool() -> PgPool {
    let options = PgPoolOptions::new().max_connections(AT_ONCE as u32).test_before_acquire(false);
    let pool = options.connect(&url()).await.expect("the database is there");
    PostgresStore::new(pool.clone()).migrate().await.expect("a database of its own can be migrated");
    pool
}
