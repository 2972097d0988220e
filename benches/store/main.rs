//! Every verb on the store in memory and on SQLite, beside a bare script of the same statements over the same pool.
//!
//! The difference between `sqlite` and `bare` is what the store adds to its statements. `map` beside `InsertNew` is
//! the insertion of the same record into one locked map. The first lines printed are what clients ask for, as ratios of rates.

mod bare;
mod verbs;

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use tokio::runtime::Runtime;
use vouchsafe::adapters::sqlx::SqliteStore;
use vouchsafe::store::memory::MemoryStore;
use vouchsafe::types::ClientId;

use self::verbs::{Ported, Rows, Verb, Verbs, ratios, time};

fn measure<V: Verbs>(c: &mut Criterion, runtime: &Runtime, name: &str, open: impl Fn() -> V) {
    for verb in Verb::ALL {
        c.bench_function(&format!("store/{verb:?}/{name}"), |b| {
            b.iter_custom(|times| {
                let store = open();
                runtime.block_on(time(&store, verb, times))
            });
        });
    }
}

/// One locked map, which is the least that any store in memory has to do.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn map(c: &mut Criterion) {
    c.bench_function("store/InsertNew/map", |b| {
        b.iter_custom(|times| {
            let client = ClientId::new("s6BhdRkqt3").expect("this is a client id");
            let rows: Vec<Rows> = (0..times).map(|_| Rows::new(&client)).collect();
            let map = Mutex::new(HashMap::new());
            let start = Instant::now();
            for Rows { grant, token, .. } in rows {
                map.lock().expect("nobody panics").insert(token.key, (grant, token));
            }
            start.elapsed()
        });
    });
}

/// A new database on disk, with the settings that `SqliteStore::connect` advises and one connection.
async fn pool(directory: &Path) -> SqlitePool {
    fs::create_dir_all(directory).expect("the target directory is writable");
    let options = SqliteConnectOptions::new()
        .filename(directory.join("bench.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let pool = SqlitePoolOptions::new().max_connections(1).test_before_acquire(false);
    let pool = pool.connect_with(options).await.expect("the database can be opened");
    SqliteStore::new(pool.clone()).migrate().await.expect("a new database can be migrated");
    pool
}

fn verbs(c: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime can be made");
    map(c);
    measure(c, &runtime, "memory", || Ported(MemoryStore::new()));
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-store");
    let pool = runtime.block_on(pool(&directory));
    ratios(&runtime, "SQLite", &Ported(SqliteStore::new(pool.clone())), &bare::Bare(pool.clone()));
    measure(c, &runtime, "sqlite", || Ported(SqliteStore::new(pool.clone())));
    measure(c, &runtime, "bare", || bare::Bare(pool.clone()));
    runtime.block_on(pool.close());
    fs::remove_dir_all(&directory).expect("the bench's own directory can be removed");
}

criterion_group! {
    name = store;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = verbs
}
criterion_main!(store);
