//! The statements of the store on MariaDB, written down once more, with nothing around them.

use std::env;
use std::hint::black_box;

use sqlx::mysql::{MySqlArguments, MySqlPoolOptions};
use sqlx::query::Query;
use sqlx::{MySql, MySqlPool};
use tokio::runtime::Runtime;
use vouchsafe::adapters::sqlx::MysqlStore;
use vouchsafe::store::TokenRecord;

use super::verbs::{self, NOW, Ported, Rows, Verb, Verbs, later};

/// Prints the ratios: the store on one connection, and the bare statements on the same.
pub(crate) fn ratios(runtime: &Runtime) {
    let url = env::var("VOUCHSAFE_MYSQL").expect("VOUCHSAFE_MYSQL names a database: tests/services sets it");
    let pool = runtime.block_on(async {
        let pool = MySqlPoolOptions::new().max_connections(1).test_before_acquire(false).connect(&url).await;
        let pool = pool.expect("the database is there");
        MysqlStore::new(pool.clone()).migrate().await.expect("a database of its own can be migrated");
        pool
    });
    verbs::ratios(runtime, "MariaDB", &Ported(MysqlStore::new(pool.clone())), &Bare(pool.clone()));
    runtime.block_on(pool.close());
}

struct Bare(MySqlPool);

impl Verbs for Bare {
    async fn run(&self, verb: Verb, rows: Rows) {
        match verb {
            Verb::ConsumeCode => {
                let mut connection = self.0.acquire().await.expect("the connection is free");
                consume(&rows).execute(&mut *connection).await.expect("a statement runs");
                black_box(code(&rows).fetch_all(&mut *connection).await.expect("a statement runs"));
            }
            Verb::InsertExisting => {
                let mut writing = self.0.begin().await.expect("the connection is free");
                family(&rows).execute(&mut *writing).await.expect("the grant is there");
                token(&rows.token).execute(&mut *writing).await.expect("the key is free");
                writing.commit().await.expect("a transaction commits");
            }
            Verb::Refresh => {
                let mut writing = self.0.begin().await.expect("the connection is free");
                rotate(&rows).execute(&mut *writing).await.expect("the grant is there");
                token(&rows.next_token).execute(&mut *writing).await.expect("the key is free");
                writing.commit().await.expect("a transaction commits");
            }
            _ => {
                let answer = statement(verb, &rows).fetch_all(&self.0).await.expect("a statement runs");
                black_box(answer);
            }
        }
    }
}

fn statement(verb: Verb, rows: &Rows) -> Query<'_, MySql, MySqlArguments> {
    let (key, grant) = (&rows.token.key.as_bytes()[..], &rows.grant.id.as_bytes()[..]);
    match verb {
        Verb::InsertNew | Verb::InsertGrant => insert(verb, rows),
        Verb::InsertCode => sqlx::query(
            "INSERT INTO vouchsafe_codes (namespace, id, grant_id, client, expires_at, retain_until, secret, payload) \
             VALUES ('', ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(key)
        .bind(grant)
        .bind(rows.code.client.as_str())
        .bind(rows.code.expires_at.unix())
        .bind(rows.code.retain_until.unix())
        .bind(&rows.code.payload.secret().as_bytes()[..])
        .bind(rows.code.payload.as_bytes()),
        Verb::Grant => sqlx::query(
            "SELECT kind, id, grant_id, client, subject, session, created_at, expires_at, keep_until, revoked_at, \
             family, seq, first_used_at, rotated_at, idle_until, secret, payload FROM vouchsafe_issued \
             WHERE namespace = '' AND permit = ? AND keep_until > ?",
        )
        .bind(grant)
        .bind(NOW.unix()),
        Verb::AccessToken => sqlx::query(
            "SELECT token.id, token.grant_id, token.client, token.expires_at, token.secret, token.payload \
             FROM vouchsafe_issued AS token JOIN vouchsafe_issued AS above \
             ON above.namespace = token.namespace AND above.permit = token.grant_id \
             WHERE token.namespace = '' AND token.kind <> 0 AND token.id = ? AND token.expires_at > ? \
             AND token.revoked_at IS NULL \
             AND above.revoked_at IS NULL AND above.expires_at > ? AND above.keep_until > ?",
        )
        .bind(key)
        .bind(NOW.unix())
        .bind(NOW.unix())
        .bind(NOW.unix()),
        other => unreachable!("no flow has {other:?}"),
    }
}

fn insert(verb: Verb, rows: &Rows) -> Query<'_, MySql, MySqlArguments> {
    let (kind, id) = match verb {
        Verb::InsertNew => (2, &rows.token.key.as_bytes()[..]),
        _ => (0, &rows.grant.id.as_bytes()[..]),
    };
    sqlx::query(
        "INSERT INTO vouchsafe_issued (namespace, kind, id, grant_id, client, subject, created_at, expires_at, \
         keep_until, secret, payload) VALUES ('', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(kind)
    .bind(id)
    .bind(&rows.grant.id.as_bytes()[..])
    .bind(rows.grant.client.as_str())
    .bind(rows.grant.subject.as_ref().map(|subject| &subject.as_bytes()[..]))
    .bind(rows.grant.created_at.unix())
    .bind(rows.grant.expires_at.unix())
    .bind(rows.grant.keep_until.unix())
    .bind(&rows.grant.payload.secret().as_bytes()[..])
    .bind(rows.grant.payload.as_bytes())
}

fn consume(rows: &Rows) -> Query<'_, MySql, MySqlArguments> {
    sqlx::query(
        "UPDATE vouchsafe_codes SET used_at = ? WHERE namespace = '' AND id = ? AND client = ? \
         AND used_at IS NULL AND expires_at > ? AND retain_until > ?",
    )
    .bind(NOW.unix())
    .bind(&rows.token.key.as_bytes()[..])
    .bind(rows.code.client.as_str())
    .bind(NOW.unix())
    .bind(NOW.unix())
}

fn code(rows: &Rows) -> Query<'_, MySql, MySqlArguments> {
    sqlx::query(
        "SELECT grant_id, client, used_at, expires_at, retain_until, secret, payload FROM vouchsafe_codes \
         WHERE namespace = '' AND id = ? AND retain_until > ?",
    )
    .bind(&rows.token.key.as_bytes()[..])
    .bind(NOW.unix())
}

fn family(rows: &Rows) -> Query<'_, MySql, MySqlArguments> {
    sqlx::query(
        "UPDATE vouchsafe_issued SET family = ?, seq = 0, idle_until = ? \
         WHERE namespace = '' AND permit = ? AND family IS NULL AND revoked_at IS NULL \
         AND expires_at > ? AND keep_until > ?",
    )
    .bind(&rows.family.key.as_bytes()[..])
    .bind(rows.family.idle_until.unix())
    .bind(&rows.grant.id.as_bytes()[..])
    .bind(NOW.unix())
    .bind(NOW.unix())
}

fn rotate(rows: &Rows) -> Query<'_, MySql, MySqlArguments> {
    sqlx::query(
        "UPDATE vouchsafe_issued SET seq = seq + 1, first_used_at = NULL, rotated_at = ?, idle_until = ? \
         WHERE namespace = '' AND permit = ? AND seq = 0 AND idle_until > ? AND revoked_at IS NULL \
         AND expires_at > ? AND keep_until > ?",
    )
    .bind(NOW.unix())
    .bind(later(86_400).unix())
    .bind(&rows.grant.id.as_bytes()[..])
    .bind(NOW.unix())
    .bind(NOW.unix())
    .bind(NOW.unix())
}

fn token(token: &TokenRecord) -> Query<'_, MySql, MySqlArguments> {
    sqlx::query(
        "INSERT INTO vouchsafe_issued (namespace, kind, id, grant_id, client, expires_at, keep_until, secret, payload) \
         VALUES ('', 1, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&token.key.as_bytes()[..])
    .bind(&token.grant.as_bytes()[..])
    .bind(token.client.as_str())
    .bind(token.expires_at.unix())
    .bind(token.expires_at.unix())
    .bind(&token.payload.secret().as_bytes()[..])
    .bind(token.payload.as_bytes())
}
