//! The statements of MySQL and MariaDB, as plain text.
//!
//! The guard of a write stands in its `WHERE`, and the number of rows it concerned decides. What counts is the rows that were
//! found, also if they were as they were to be written: sqlx asks every server for that (`CLIENT_FOUND_ROWS`). Where a row has to
//! be known too, it is read afterwards, or locked before.
//!
//! The assignments of an update are made from left to right, each seeing those before it.

use std::sync::LazyLock;

use crate::adapters::sqlx::statements::{
    ByFilter, Families, Guarded, Resealing, Reseals, Statements, Steps, Text, Upsert,
};

macro_rules! sweep {
    ($table:literal, $end:literal) => {
        Text::positional(concat!(
            "DELETE FROM ",
            $table,
            " WHERE namespace = $1 AND ",
            $end,
            " <= $2 ORDER BY ",
            $end,
            " LIMIT $3"
        ))
    };
}

fn steps() -> Steps {
    Steps {
        insert_token: Text::positional(concat!(
            "INSERT INTO vouchsafe_issued \
             (namespace, kind, id, grant_id, client, expires_at, keep_until, secret, payload) \
             SELECT $1, 1, $6, grant_id, $7, $8, $8, $9, $10 FROM vouchsafe_issued \
             WHERE namespace = $1 AND permit = $2 AND ",
            active!("$5")
        )),
        add_token: Text::positional(
            "INSERT INTO vouchsafe_issued \
             (namespace, kind, id, grant_id, client, expires_at, keep_until, secret, payload) \
             VALUES ($1, 1, $6, $2, $7, $8, $8, $9, $10)",
        ),
        begin_family: Text::positional(concat!(
            "UPDATE vouchsafe_issued SET family = $3, seq = 0, idle_until = $4 \
             WHERE namespace = $1 AND permit = $2 AND family IS NULL AND ",
            active!("$5")
        )),
        rotate: Text::positional(concat!(
            "UPDATE vouchsafe_issued SET seq = seq + 1, first_used_at = NULL, rotated_at = $5, idle_until = $4 \
             WHERE namespace = $1 AND permit = $2 AND seq = $3 AND seq < 9223372036854775807 \
             AND idle_until > $5 AND ",
            active!("$5")
        )),
        keep: Text::positional(concat!(
            "UPDATE vouchsafe_issued SET first_used_at = COALESCE(first_used_at, $5), idle_until = $4 \
             WHERE namespace = $1 AND permit = $2 AND seq = $3 AND idle_until > $5 AND ",
            active!("$5")
        )),
        lock: Text::positional(concat!(
            "SELECT ",
            grant_columns!(),
            " FROM vouchsafe_issued WHERE namespace = $1 AND permit = $2 AND keep_until > $5 FOR UPDATE"
        )),
        revoke: Text::positional(
            "UPDATE vouchsafe_issued SET revoked_at = $5 \
             WHERE namespace = $1 AND permit = $2 AND revoked_at IS NULL",
        ),
    }
}

pub(super) static STATEMENTS: LazyLock<Statements> = LazyLock::new(|| Statements {
    schema_exists: Text::positional(
        "SELECT 1 FROM information_schema.tables \
         WHERE table_schema = DATABASE() AND table_name = 'vouchsafe_schema'",
    ),
    schema_version: Text::positional("SELECT COALESCE(MAX(version), 0) AS version FROM vouchsafe_schema"),
    lossy_settings: Text::positional(
        "SELECT CAST('innodb_flush_log_at_trx_commit' AS BINARY) AS name, \
         CAST(@@GLOBAL.innodb_flush_log_at_trx_commit AS BINARY) AS value \
         FROM DUAL WHERE @@GLOBAL.innodb_flush_log_at_trx_commit <> 1 \
         UNION ALL SELECT CAST('sync_binlog' AS BINARY), CAST(@@GLOBAL.sync_binlog AS BINARY) \
         FROM DUAL WHERE @@GLOBAL.log_bin = 1 AND @@GLOBAL.sync_binlog <> 1",
    ),

    insert_code: Text::positional(
        "INSERT INTO vouchsafe_codes (namespace, id, grant_id, client, expires_at, retain_until, secret, payload) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    ),
    consume_code: Guarded::Counted {
        write: Text::positional(
            "UPDATE vouchsafe_codes SET used_at = $4 WHERE namespace = $1 AND id = $2 AND client = $3 \
             AND used_at IS NULL AND expires_at > $4 AND retain_until > $4",
        ),
        look: Text::positional(
            "SELECT grant_id, client, used_at, expires_at, retain_until, secret, payload FROM vouchsafe_codes \
             WHERE namespace = $1 AND id = $2 AND retain_until > $4",
        ),
    },

    insert_grant: Text::positional(
        "INSERT INTO vouchsafe_issued (namespace, kind, id, grant_id, client, subject, session, created_at, expires_at, \
         keep_until, secret, payload) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    ),
    grant: Text::positional(concat!(
        "SELECT ",
        grant_columns!(),
        " FROM vouchsafe_issued WHERE namespace = $1 AND permit = $2 AND keep_until > $3"
    )),
    grants: by_filter!(
        Text::positional,
        "permit",
        "",
        concat!(
            "SELECT ",
            grant_columns!(),
            " FROM vouchsafe_issued WHERE namespace = $1 AND (revoked_at IS NULL OR $7) AND keep_until > $4 AND "
        ),
        " AND permit > $5 ORDER BY permit LIMIT $6"
    ),
    revoke: by_filter!(
        Text::positional,
        "permit",
        "",
        "UPDATE vouchsafe_issued SET revoked_at = $4 \
         WHERE namespace = $1 AND permit IS NOT NULL AND revoked_at IS NULL AND keep_until > $4 AND ",
        ""
    ),
    revoke_some: by_filter!(
        Text::positional,
        "permit",
        "",
        "UPDATE vouchsafe_issued SET revoked_at = $4 \
         WHERE namespace = $1 AND permit IS NOT NULL AND revoked_at IS NULL AND keep_until > $4 AND ",
        " LIMIT $5"
    ),

    families: Families::InSteps(steps()),
    access_token: Text::positional(
        "SELECT token.id, token.grant_id, token.client, token.expires_at, token.secret, token.payload \
         FROM vouchsafe_issued AS token \
         JOIN vouchsafe_issued AS above \
         ON above.namespace = token.namespace AND above.permit = token.grant_id \
         WHERE token.namespace = $1 AND token.kind <> 0 AND token.id = $2 AND token.expires_at > $3 \
         AND token.revoked_at IS NULL \
         AND above.revoked_at IS NULL AND above.expires_at > $3 AND above.keep_until > $3",
    ),
    revoke_token: Text::positional(
        "UPDATE vouchsafe_issued SET revoked_at = $3 \
         WHERE namespace = $1 AND kind <> 0 AND id = $2 AND revoked_at IS NULL",
    ),

    remember_first: Upsert::InsertOrUpdate {
        insert: Text::positional(concat!(
            "INSERT INTO vouchsafe_consents (namespace, ",
            consent_columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7)"
        )),
        update: Text::positional(
            "UPDATE vouchsafe_consents \
             SET version = GREATEST(version + 1, $4), expires_at = $5, secret = $6, payload = $7 \
             WHERE namespace = $1 AND subject = $2 AND client = $3 AND expires_at <= $8",
        ),
    },
    remember_again: Text::positional(
        "UPDATE vouchsafe_consents SET version = GREATEST(version + 1, $4), expires_at = $5, secret = $6, payload = $7 \
         WHERE namespace = $1 AND subject = $2 AND client = $3 AND version = $8",
    ),
    remembered: Text::positional(concat!(
        "SELECT ",
        consent_columns!(),
        " FROM vouchsafe_consents WHERE namespace = $1 AND subject = $2 AND client = $3 AND expires_at > $4"
    )),
    consents_of_client: Text::positional(concat!(
        "SELECT ",
        consent_columns!(),
        " FROM vouchsafe_consents WHERE namespace = $1 AND client = $2 AND expires_at > $3 AND subject > $4 \
         ORDER BY subject LIMIT $5"
    )),
    consents_of_subject: Text::positional(concat!(
        "SELECT ",
        consent_columns!(),
        " FROM vouchsafe_consents WHERE namespace = $1 AND subject = $2 AND expires_at > $3 AND client > $4 \
         ORDER BY client LIMIT $5"
    )),
    forget: Text::positional(
        "DELETE FROM vouchsafe_consents \
         WHERE namespace = $1 AND subject = $2 AND client = $3 AND expires_at > $4",
    ),

    first_use: Upsert::InsertOrUpdate {
        insert: Text::positional(
            "INSERT INTO vouchsafe_replays (namespace, space, id, keep_until) VALUES ($1, $2, $3, $4)",
        ),
        update: Text::positional(
            "UPDATE vouchsafe_replays SET keep_until = $4 \
             WHERE namespace = $1 AND space = $2 AND id = $3 AND keep_until <= $5",
        ),
    },

    put: Text::positional(
        "INSERT INTO vouchsafe_tickets (namespace, id, open_until, keep_until, secret, payload) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    ),
    get: Text::positional(
        "SELECT open_until, keep_until, secret, payload FROM vouchsafe_tickets \
         WHERE namespace = $1 AND id = $2 AND open_until > $3",
    ),
    take: Guarded::Locked {
        look: Text::positional(
            "SELECT 1 AS won, open_until, keep_until, secret, payload FROM vouchsafe_tickets \
             WHERE namespace = $1 AND id = $2 AND keep_until > $3 FOR UPDATE",
        ),
        write: Text::positional("DELETE FROM vouchsafe_tickets WHERE namespace = $1 AND id = $2"),
    },

    lock_subject: Some(Text::positional(
        "INSERT INTO vouchsafe_deferred_subjects (namespace, subject, keep_until) VALUES ($1, $5, $8) \
         ON DUPLICATE KEY UPDATE keep_until = GREATEST(keep_until, $8)",
    )),
    // Counted in a table of its own, because a statement must not select from the table that it inserts into elsewhere.
    insert_deferred: Text::positional(concat!(
        "INSERT INTO vouchsafe_deferred (namespace, ",
        deferred_columns!(),
        ") SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 FROM \
         (SELECT COUNT(*) AS of_all, COALESCE(SUM(client = $4), 0) AS of_client FROM vouchsafe_deferred \
         WHERE namespace = $1 AND subject = $5 AND state = 0 AND expires_at > $11) AS waiting \
         WHERE $5 IS NULL OR (of_client < $12 AND of_all < $13)"
    )),
    deferred: Text::positional(concat!(
        "SELECT ",
        deferred_columns!(),
        " FROM vouchsafe_deferred WHERE namespace = $1 AND id = $2 AND state = 0 AND expires_at > $3"
    )),
    by_user_code: Text::positional(concat!(
        "SELECT ",
        deferred_columns!(),
        " FROM vouchsafe_deferred WHERE namespace = $1 AND user_code = $2 AND state = 0 AND expires_at > $3"
    )),
    decide: Text::positional(
        "UPDATE vouchsafe_deferred \
         SET state = $4, grant_id = $5, secret = COALESCE($6, secret), payload = COALESCE($7, payload), \
         retain_until = COALESCE($8, retain_until) \
         WHERE namespace = $1 AND id = $2 AND state = 0 AND expires_at > $3",
    ),
    poll: Guarded::Locked {
        look: Text::positional(concat!(
            "SELECT (client = $3 AND used_at IS NULL AND state <> 2 AND expires_at > $4) AS won, \
             COALESCE(state = 0 AND polled_at > $4 - pace, 0) AS hurried, state, grant_id, used_at, ",
            deferred_columns!(),
            " FROM vouchsafe_deferred WHERE namespace = $1 AND id = $2 AND retain_until > $4 FOR UPDATE"
        )),
        write: Text::positional(
            "UPDATE vouchsafe_deferred SET \
             used_at = CASE state WHEN 1 THEN $4 END, \
             pace = CASE WHEN state = 0 AND polled_at > $4 - pace \
             THEN LEAST(pace + $5, GREATEST(pace, $6)) ELSE pace END, \
             polled_at = $4 \
             WHERE namespace = $1 AND id = $2",
        ),
    },

    register: Text::positional(
        "INSERT INTO vouchsafe_clients (namespace, client, version, token, secret, payload) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    ),
    registered: Text::positional(
        "SELECT client, version, token, secret, payload FROM vouchsafe_clients \
         WHERE namespace = $1 AND client = $2",
    ),
    replace_registered: Guarded::Locked {
        look: Text::positional(
            "SELECT COALESCE(version = $3, 0) AS won FROM vouchsafe_clients \
             WHERE namespace = $1 AND client = $2 FOR UPDATE",
        ),
        write: Text::positional(
            "UPDATE vouchsafe_clients SET version = version + 1, token = $4, secret = $5, payload = $6 \
             WHERE namespace = $1 AND client = $2",
        ),
    },
    unregister: Text::positional("DELETE FROM vouchsafe_clients WHERE namespace = $1 AND client = $2"),

    registered_clients: Text::positional(
        "SELECT client, version, token, secret, payload FROM vouchsafe_clients \
         WHERE namespace = $1 AND client > $2 ORDER BY client LIMIT $3",
    ),

    key_set: Text::positional("SELECT version, secret, payload FROM vouchsafe_keys WHERE namespace = $1"),
    insert_key_set: Text::positional(
        "INSERT INTO vouchsafe_keys (namespace, version, secret, payload) VALUES ($1, $2, $3, $4)",
    ),
    replace_key_set: Guarded::Locked {
        look: Text::positional(
            "SELECT COALESCE(version = $2, 0) AS won FROM vouchsafe_keys WHERE namespace = $1 FOR UPDATE",
        ),
        write: Text::positional(
            "UPDATE vouchsafe_keys SET version = version + 1, secret = $3, payload = $4 WHERE namespace = $1",
        ),
    },

    reseal: Reseals {
        clients: resealing!(
            Text::positional,
            "vouchsafe_clients",
            "client",
            "client",
            "client > $4",
            "client = $6"
        ),
        codes: resealing!(Text::positional, "vouchsafe_codes", "id", "id", "id > $4", "id = $6"),
        consents: resealing!(
            Text::positional,
            "vouchsafe_consents",
            "subject, client",
            "subject, client",
            "subject >= $4 AND (subject > $4 OR client > $5)",
            "subject = $6 AND client = $7"
        ),
        deferred: resealing!(Text::positional, "vouchsafe_deferred", "id", "id", "id > $4", "id = $6"),
        issued: resealing!(Text::positional, "vouchsafe_issued", "id, kind", "id", "id > $4", "id = $6"),
        tickets: resealing!(Text::positional, "vouchsafe_tickets", "id", "id", "id > $4", "id = $6"),
    },
    reseal_key_set: Text::positional(
        "UPDATE vouchsafe_keys SET secret = $2, payload = $3 \
         WHERE namespace = $1 AND secret = $4 AND payload = $5",
    ),

    sweep: Vec::leak(vec![
        sweep!("vouchsafe_replays", "keep_until"),
        sweep!("vouchsafe_tickets", "keep_until"),
        sweep!("vouchsafe_codes", "retain_until"),
        sweep!("vouchsafe_deferred", "retain_until"),
        sweep!("vouchsafe_deferred_subjects", "keep_until"),
        sweep!("vouchsafe_issued", "keep_until"),
        sweep!("vouchsafe_consents", "expires_at"),
    ]),
});
