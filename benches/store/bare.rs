//! The statements of the SQLite store, written down once more, with nothing around them.

use std::hint::black_box;

use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Sqlite, SqlitePool};
use vouchsafe::store::TokenRecord;

use super::verbs::{NOW, Rows, Verb, Verbs, later};

pub(super) struct Bare(pub(super) SqlitePool);

impl Verbs for Bare {
    async fn run(&self, verb: Verb, rows: Rows) {
        match verb {
            Verb::InsertExisting => {
                let mut writing = self.0.begin_with("BEGIN IMMEDIATE").await.expect("the lock is free");
                family(&rows).execute(&mut *writing).await.expect("the grant is there");
                token(&rows.token).execute(&mut *writing).await.expect("the key is free");
                writing.commit().await.expect("a transaction commits");
            }
            Verb::Refresh => {
                let mut writing = self.0.begin_with("BEGIN IMMEDIATE").await.expect("the lock is free");
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

fn statement(verb: Verb, rows: &Rows) -> Query<'_, Sqlite, SqliteArguments> {
    let (key, grant) = (&rows.token.key.as_bytes()[..], &rows.grant.id.as_bytes()[..]);
    match verb {
        Verb::InsertNew | Verb::InsertGrant => insert(verb, rows),
        Verb::InsertCode => sqlx::query(
            "INSERT INTO vouchsafe_codes (namespace, id, grant_id, client, expires_at, retain_until, secret, payload) \
             VALUES ('', $1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(key)
        .bind(grant)
        .bind(rows.code.client.as_str())
        .bind(rows.code.expires_at.unix())
        .bind(rows.code.retain_until.unix())
        .bind(&rows.code.payload.secret().as_bytes()[..])
        .bind(rows.code.payload.as_bytes()),
        Verb::ConsumeCode => sqlx::query(
            "UPDATE vouchsafe_codes SET used_at = $3 WHERE namespace = '' AND id = $1 AND client = $2 \
             AND used_at IS NULL AND expires_at > $3 AND retain_until > $3 \
             RETURNING grant_id, client, expires_at, retain_until, secret, payload",
        )
        .bind(key)
        .bind(rows.code.client.as_str())
        .bind(NOW.unix()),
        Verb::Grant => sqlx::query(
            "SELECT kind, id, grant_id, client, subject, session, created_at, expires_at, keep_until, revoked_at, \
             family, seq, first_used_at, rotated_at, idle_until, secret, payload FROM vouchsafe_issued \
             WHERE namespace = '' AND kind <> 1 AND grant_id = $1 AND keep_until > $2",
        )
        .bind(grant)
        .bind(NOW.unix()),
        Verb::AccessToken => sqlx::query(
            "SELECT token.id, token.grant_id, token.client, token.expires_at, token.secret, token.payload \
             FROM vouchsafe_issued AS token JOIN vouchsafe_issued AS permit \
             ON permit.namespace = token.namespace AND permit.kind <> 1 AND permit.grant_id = token.grant_id \
             WHERE token.namespace = '' AND token.kind <> 0 AND token.id = $1 AND token.expires_at > $2 \
             AND token.revoked_at IS NULL \
             AND permit.revoked_at IS NULL AND permit.expires_at > $2 AND permit.keep_until > $2",
        )
        .bind(key)
        .bind(NOW.unix()),
        Verb::Revoke => sqlx::query(
            "UPDATE vouchsafe_issued SET revoked_at = $2 \
             WHERE namespace = '' AND kind <> 1 AND revoked_at IS NULL AND keep_until > $2 AND grant_id = $1",
        )
        .bind(grant)
        .bind(NOW.unix()),
        Verb::RevokeToken => {
            let revoke = "UPDATE vouchsafe_issued SET revoked_at = $2 \
                          WHERE namespace = '' AND kind <> 0 AND id = $1 AND revoked_at IS NULL";
            sqlx::query(revoke).bind(key).bind(NOW.unix())
        }
        _ => beside(verb, rows),
    }
}

/// The statements that concern neither codes nor grants.
fn beside(verb: Verb, rows: &Rows) -> Query<'_, Sqlite, SqliteArguments> {
    let key = &rows.token.key.as_bytes()[..];
    let (subject, client) = (&rows.consent.subject.as_bytes()[..], rows.consent.client.as_str());
    match verb {
        Verb::Put => sqlx::query(
            "INSERT INTO vouchsafe_tickets (namespace, id, open_until, keep_until, secret, payload) \
             VALUES ('', $1, $2, $3, $4, $5)",
        )
        .bind(key)
        .bind(rows.ticket.open_until.unix())
        .bind(rows.ticket.keep_until.unix())
        .bind(&rows.ticket.payload.secret().as_bytes()[..])
        .bind(rows.ticket.payload.as_bytes()),
        Verb::Get => sqlx::query(
            "SELECT open_until, keep_until, secret, payload FROM vouchsafe_tickets \
             WHERE namespace = '' AND id = $1 AND open_until > $2",
        )
        .bind(key)
        .bind(NOW.unix()),
        Verb::Take => sqlx::query(
            "DELETE FROM vouchsafe_tickets WHERE namespace = '' AND id = $1 AND keep_until > $2 \
             RETURNING open_until, keep_until, secret, payload",
        )
        .bind(key)
        .bind(NOW.unix()),
        Verb::FirstUse => sqlx::query(
            "INSERT INTO vouchsafe_replays (namespace, space, id, keep_until) VALUES ('', 'bench', $1, $2) \
             ON CONFLICT (namespace, space, id) DO UPDATE SET keep_until = excluded.keep_until \
             WHERE vouchsafe_replays.keep_until <= $3",
        )
        .bind(key)
        .bind(later(60).unix())
        .bind(NOW.unix()),
        Verb::Remember => sqlx::query(
            "INSERT INTO vouchsafe_consents (namespace, subject, client, version, expires_at, secret, payload) \
             VALUES ('', $1, $2, $3, $4, $5, $6) ON CONFLICT (namespace, subject, client) DO UPDATE \
             SET version = MAX(version + 1, excluded.version), expires_at = excluded.expires_at, \
             secret = excluded.secret, payload = excluded.payload WHERE vouchsafe_consents.expires_at <= $3",
        )
        .bind(subject)
        .bind(client)
        .bind(NOW.unix())
        .bind(rows.consent.expires_at.unix())
        .bind(&rows.consent.payload.secret().as_bytes()[..])
        .bind(rows.consent.payload.as_bytes()),
        _ => sqlx::query(
            "SELECT subject, client, version, expires_at, secret, payload FROM vouchsafe_consents \
             WHERE namespace = '' AND subject = $1 AND client = $2 AND expires_at > $3",
        )
        .bind(subject)
        .bind(client)
        .bind(NOW.unix()),
    }
}

/// The insertion of a grant, alone or with its token.
fn insert(verb: Verb, rows: &Rows) -> Query<'_, Sqlite, SqliteArguments> {
    let (kind, id) = match verb {
        Verb::InsertNew => (2, &rows.token.key.as_bytes()[..]),
        _ => (0, &rows.grant.id.as_bytes()[..]),
    };
    sqlx::query(
        "INSERT INTO vouchsafe_issued (namespace, kind, id, grant_id, client, subject, created_at, expires_at, \
         keep_until, secret, payload) VALUES ('', $1, $2, $3, $4, $5, $6, $7, $7, $8, $9)",
    )
    .bind(kind)
    .bind(id)
    .bind(&rows.grant.id.as_bytes()[..])
    .bind(rows.grant.client.as_str())
    .bind(rows.grant.subject.as_ref().map(|subject| &subject.as_bytes()[..]))
    .bind(rows.grant.created_at.unix())
    .bind(rows.grant.expires_at.unix())
    .bind(&rows.grant.payload.secret().as_bytes()[..])
    .bind(rows.grant.payload.as_bytes())
}

fn family(rows: &Rows) -> Query<'_, Sqlite, SqliteArguments> {
    sqlx::query(
        "UPDATE vouchsafe_issued SET family = $2, seq = 0, idle_until = $3 \
         WHERE namespace = '' AND kind <> 1 AND grant_id = $1 AND family IS NULL AND revoked_at IS NULL \
         AND expires_at > $4 AND keep_until > $4",
    )
    .bind(&rows.grant.id.as_bytes()[..])
    .bind(&rows.family.key.as_bytes()[..])
    .bind(rows.family.idle_until.unix())
    .bind(NOW.unix())
}

fn rotate(rows: &Rows) -> Query<'_, Sqlite, SqliteArguments> {
    sqlx::query(
        "UPDATE vouchsafe_issued SET seq = seq + 1, first_used_at = NULL, rotated_at = $2, idle_until = $3 \
         WHERE namespace = '' AND kind <> 1 AND grant_id = $1 AND seq = 0 AND idle_until > $2 AND revoked_at IS NULL \
         AND expires_at > $2 AND keep_until > $2",
    )
    .bind(&rows.grant.id.as_bytes()[..])
    .bind(NOW.unix())
    .bind(later(86_400).unix())
}

fn token(token: &TokenRecord) -> Query<'_, Sqlite, SqliteArguments> {
    sqlx::query(
        "INSERT INTO vouchsafe_issued (namespace, kind, id, grant_id, client, expires_at, keep_until, secret, payload) \
         VALUES ('', 1, $1, $2, $3, $4, $4, $5, $6)",
    )
    .bind(&token.key.as_bytes()[..])
    .bind(&token.grant.as_bytes()[..])
    .bind(token.client.as_str())
    .bind(token.expires_at.unix())
    .bind(&token.payload.secret().as_bytes()[..])
    .bind(token.payload.as_bytes())
}
