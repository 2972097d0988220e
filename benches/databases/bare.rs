//! Rows with a key and a payload, and nothing around them: each statement takes its connection from the pool, and gives it
//! back, which is another round trip.

use sqlx::{PgPool, Row as _};
use vouchsafe::entropy::{OsEntropy, random};

use super::rate::{Effort, Work};

/// How many bytes the values of a token's row have, on the average of those that are there.
pub(crate) async fn row_size(pool: &PgPool) -> usize {
    let row = sqlx::query(
        "SELECT COALESCE(AVG(pg_column_size(vouchsafe_issued.*)), 0)::BIGINT FROM vouchsafe_issued",
    );
    let size: i64 = row.fetch_one(pool).await.expect("the table is there").get(0);
    usize::try_from(size).expect("a size is no negative number")
}

pub(crate) struct Rows {
    pool: PgPool,
    /// Of the payload, so that a whole row is as large as one of the provider.
    size: usize,
    there: Vec<[u8; 32]>,
    effort: Effort,
}

/// Bytes of a row beside its payload: the key, and what PostgreSQL keeps of every row.
const BESIDE: usize = 32 + 24 + 2;

impl Rows {
    /// A table of such rows, with one for each run of a turn.
    pub(crate) async fn new(pool: PgPool, row_size: usize, effort: Effort) -> Self {
        for text in [
            "DROP TABLE IF EXISTS bare_rows",
            "CREATE TABLE bare_rows (id BYTEA PRIMARY KEY, payload BYTEA NOT NULL)",
        ] {
            sqlx::query(text).execute(&pool).await.expect("the database is this bench's own");
        }
        let mut rows = Self { pool, size: row_size.saturating_sub(BESIDE).max(1), there: Vec::new(), effort };
        for _ in 0..effort.runs {
            let key = key();
            rows.insert(key).await;
            rows.there.push(key);
        }
        rows
    }

    pub(crate) fn inserting(&self) -> Vec<Work> {
        (0..self.effort.runs).map(|_| self.insert(key())).collect()
    }

    pub(crate) fn selecting(&self) -> Vec<Work> {
        self.there.iter().map(|key| self.select(*key)).collect()
    }

    fn insert(&self, key: [u8; 32]) -> Work {
        let (pool, payload) = (self.pool.clone(), vec![7_u8; self.size]);
        Box::pin(async move {
            let insert = sqlx::query("INSERT INTO bare_rows (id, payload) VALUES ($1, $2)");
            insert.bind(&key[..]).bind(payload).execute(&pool).await.expect("the key is free");
        })
    }

    fn select(&self, key: [u8; 32]) -> Work {
        let pool = self.pool.clone();
        Box::pin(async move {
            let select = sqlx::query("SELECT id, payload FROM bare_rows WHERE id = $1").bind(&key[..]);
            let row = select.fetch_one(&pool).await.expect("the row is there");
            assert!(!row.get::<&[u8], _>("payload").is_empty());
        })
    }
}

fn key() -> [u8; 32] {
    random(&OsEntropy).expect("a machine has a random source")
}
