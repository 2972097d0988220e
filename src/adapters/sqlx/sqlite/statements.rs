//! The statements of SQLite, as plain text.
//!
//! The guard of a write stands in its `WHERE`; the number of rows it wrote, or the row it returns, decides.
//!
//! A plus keeps SQLite from going by the index of a column that many rows share: the ends, which most rows have before them,
//! and the client, where a subject is named too.

use crate::adapters::sqlx::statements::{
    ByFilter, Families, Guarded, Resealing, Reseals, Statements, Steps, Text, Upsert,
};

macro_rules! sweep {
    ($table:literal, $end:literal) => {
        Text::numbered(concat!(
            "DELETE FROM ",
            $table,
            " WHERE rowid IN (SELECT rowid FROM ",
            $table,
            " WHERE namespace = $1 AND ",
            $end,
            " <= $2 LIMIT $3)"
        ))
    };
}

const STEPS: Steps = Steps {
    insert_token: Text::numbered(concat!(
        "INSERT INTO vouchsafe_issued (namespace, kind, id, grant_id, client, expires_at, keep_until, secret, payload) \
         SELECT $1, 1, $6, grant_id, $7, $8, $8, $9, $10 FROM vouchsafe_issued \
         WHERE namespace = $1 AND kind <> 1 AND grant_id = $2 AND ",
        active!("$5")
    )),
    add_token: Text::numbered(
        "INSERT INTO vouchsafe_issued (namespace, kind, id, grant_id, client, expires_at, keep_until, secret, payload) \
         VALUES ($1, 1, $6, $2, $7, $8, $8, $9, $10)",
    ),
    begin_family: Text::numbered(concat!(
        "UPDATE vouchsafe_issued SET family = $3, seq = 0, idle_until = $4 \
         WHERE namespace = $1 AND kind <> 1 AND grant_id = $2 AND family IS NULL AND ",
        active!("$5")
    )),
    rotate: Text::numbered(concat!(
        "UPDATE vouchsafe_issued SET seq = seq + 1, first_used_at = NULL, rotated_at = $5, idle_until = $4 \
         WHERE namespace = $1 AND kind <> 1 AND grant_id = $2 AND seq = $3 AND seq < 9223372036854775807 \
         AND idle_until > $5 AND ",
        active!("$5")
    )),
    keep: Text::numbered(concat!(
        "UPDATE vouchsafe_issued SET first_used_at = COALESCE(first_used_at, $5), idle_until = $4 \
         WHERE namespace = $1 AND kind <> 1 AND grant_id = $2 AND seq = $3 AND idle_until > $5 AND ",
        active!("$5")
    )),
    lock: Text::numbered(concat!(
        "SELECT ",
        grant_columns!(),
        " FROM vouchsafe_issued WHERE namespace = $1 AND kind <> 1 AND grant_id = $2 AND keep_until > $5"
    )),
    revoke: Text::numbered(
        "UPDATE vouchsafe_issued SET revoked_at = $5 \
         WHERE namespace = $1 AND kind <> 1 AND grant_id = $2 AND revoked_at IS NULL",
    ),
};

pub(super) static STATEMENTS: Statements = Statements {
    schema_exists: Text::numbered(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'vouchsafe_schema'",
    ),
    schema_version: Text::numbered("SELECT COALESCE(MAX(version), 0) AS version FROM vouchsafe_schema"),
    lossy_settings: Text::numbered(
        "SELECT 'synchronous' AS name, CASE synchronous WHEN 0 THEN 'OFF' ELSE 'NORMAL' END AS value \
         FROM pragma_synchronous WHERE synchronous < 2",
    ),

    insert_code: Text::numbered(
        "INSERT INTO vouchsafe_codes (namespace, id, grant_id, client, expires_at, retain_until, secret, payload) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    ),
    consume_code: Guarded::Returning {
        write: Text::numbered(
            "UPDATE vouchsafe_codes SET used_at = $4 WHERE namespace = $1 AND id = $2 AND client = $3 \
             AND used_at IS NULL AND expires_at > $4 AND retain_until > $4 \
             RETURNING grant_id, client, expires_at, retain_until, secret, payload",
        ),
        look: Text::numbered(
            "SELECT grant_id, client, used_at, expires_at FROM vouchsafe_codes \
             WHERE namespace = $1 AND id = $2 AND retain_until > $4",
        ),
    },

    insert_grant: Text::numbered(
        "INSERT INTO vouchsafe_issued (namespace, kind, id, grant_id, client, subject, session, created_at, expires_at, \
         keep_until, secret, payload) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    ),
    grant: Text::numbered(concat!(
        "SELECT ",
        grant_columns!(),
        " FROM vouchsafe_issued WHERE namespace = $1 AND kind <> 1 AND grant_id = $2 AND keep_until > $3"
    )),
    grants: by_filter!(
        Text::numbered,
        "grant_id",
        "+",
        concat!(
            "SELECT ",
            grant_columns!(),
            " FROM vouchsafe_issued WHERE namespace = $1 AND kind <> 1 AND (revoked_at IS NULL OR $7) \
             AND +keep_until > $4 AND "
        ),
        " AND grant_id > $5 ORDER BY grant_id LIMIT $6"
    ),
    revoke: by_filter!(
        Text::numbered,
        "grant_id",
        "+",
        "UPDATE vouchsafe_issued SET revoked_at = $4 \
         WHERE namespace = $1 AND kind <> 1 AND revoked_at IS NULL AND +keep_until > $4 AND ",
        ""
    ),
    revoke_some: by_filter!(
        Text::numbered,
        "grant_id",
        "+",
        "UPDATE vouchsafe_issued SET revoked_at = $4 WHERE rowid IN (SELECT rowid FROM vouchsafe_issued \
         WHERE namespace = $1 AND kind <> 1 AND revoked_at IS NULL AND +keep_until > $4 AND ",
        " LIMIT $5)"
    ),

    families: Families::InSteps(STEPS),
    access_token: Text::numbered(
        "SELECT token.id, token.grant_id, token.client, token.expires_at, token.secret, token.payload \
         FROM vouchsafe_issued AS token \
         JOIN vouchsafe_issued AS permit \
         ON permit.namespace = token.namespace AND permit.kind <> 1 AND permit.grant_id = token.grant_id \
         WHERE token.namespace = $1 AND token.kind <> 0 AND token.id = $2 AND token.expires_at > $3 \
         AND token.revoked_at IS NULL \
         AND permit.revoked_at IS NULL AND permit.expires_at > $3 AND permit.keep_until > $3",
    ),
    revoke_token: Text::numbered(
        "UPDATE vouchsafe_issued SET revoked_at = $3 \
         WHERE namespace = $1 AND kind <> 0 AND id = $2 AND revoked_at IS NULL",
    ),

    remember_first: Upsert::AtOnce(Text::numbered(concat!(
        "INSERT INTO vouchsafe_consents (namespace, ",
        consent_columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (namespace, subject, client) DO UPDATE \
         SET version = MAX(version + 1, excluded.version), expires_at = excluded.expires_at, \
         secret = excluded.secret, payload = excluded.payload \
         WHERE vouchsafe_consents.expires_at <= $8"
    ))),
    remember_again: Text::numbered(
        "UPDATE vouchsafe_consents SET version = MAX(version + 1, $4), expires_at = $5, secret = $6, payload = $7 \
         WHERE namespace = $1 AND subject = $2 AND client = $3 AND version = $8",
    ),
    remembered: Text::numbered(concat!(
        "SELECT ",
        consent_columns!(),
        " FROM vouchsafe_consents WHERE namespace = $1 AND subject = $2 AND client = $3 AND expires_at > $4"
    )),
    consents_of_client: Text::numbered(concat!(
        "SELECT ",
        consent_columns!(),
        " FROM vouchsafe_consents WHERE namespace = $1 AND client = $2 AND expires_at > $3 AND subject > $4 \
         ORDER BY subject LIMIT $5"
    )),
    consents_of_subject: Text::numbered(concat!(
        "SELECT ",
        consent_columns!(),
        " FROM vouchsafe_consents WHERE namespace = $1 AND subject = $2 AND expires_at > $3 AND client > $4 \
         ORDER BY client LIMIT $5"
    )),
    forget: Text::numbered(
        "DELETE FROM vouchsafe_consents \
         WHERE namespace = $1 AND subject = $2 AND client = $3 AND expires_at > $4",
    ),

    first_use: Upsert::AtOnce(Text::numbered(
        "INSERT INTO vouchsafe_replays (namespace, space, id, keep_until) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (namespace, space, id) DO UPDATE SET keep_until = excluded.keep_until \
         WHERE vouchsafe_replays.keep_until <= $5",
    )),

    put: Text::numbered(
        "INSERT INTO vouchsafe_tickets (namespace, id, open_until, keep_until, secret, payload) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    ),
    get: Text::numbered(
        "SELECT open_until, keep_until, secret, payload FROM vouchsafe_tickets \
         WHERE namespace = $1 AND id = $2 AND open_until > $3",
    ),
    take: Guarded::AtOnce(Text::numbered(
        "DELETE FROM vouchsafe_tickets WHERE namespace = $1 AND id = $2 AND keep_until > $3 \
         RETURNING 1 AS won, open_until, keep_until, secret, payload",
    )),

    lock_subject: None,
    insert_deferred: Text::numbered(concat!(
        "INSERT INTO vouchsafe_deferred (namespace, ",
        deferred_columns!(),
        ") SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 WHERE $5 IS NULL OR (\
         (SELECT COUNT(*) FROM vouchsafe_deferred \
         WHERE namespace = $1 AND subject = $5 AND client = $4 AND state = 0 AND expires_at > $11) < $12 \
         AND (SELECT COUNT(*) FROM vouchsafe_deferred \
         WHERE namespace = $1 AND subject = $5 AND state = 0 AND expires_at > $11) < $13)"
    )),
    deferred: Text::numbered(concat!(
        "SELECT ",
        deferred_columns!(),
        " FROM vouchsafe_deferred WHERE namespace = $1 AND id = $2 AND state = 0 AND expires_at > $3"
    )),
    by_user_code: Text::numbered(concat!(
        "SELECT ",
        deferred_columns!(),
        " FROM vouchsafe_deferred WHERE namespace = $1 AND user_code = $2 AND state = 0 AND expires_at > $3"
    )),
    decide: Text::numbered(
        "UPDATE vouchsafe_deferred \
         SET state = $4, grant_id = $5, secret = COALESCE($6, secret), payload = COALESCE($7, payload), \
         retain_until = COALESCE($8, retain_until) \
         WHERE namespace = $1 AND id = $2 AND state = 0 AND expires_at > $3",
    ),
    poll: Guarded::Returning {
        write: Text::numbered(concat!(
            "UPDATE vouchsafe_deferred SET \
             used_at = CASE state WHEN 1 THEN $4 END, \
             hurried = CASE WHEN state = 0 AND polled_at > $4 - pace THEN 1 ELSE 0 END, \
             pace = CASE WHEN state = 0 AND polled_at > $4 - pace THEN MIN(pace + $5, MAX(pace, $6)) ELSE pace END, \
             polled_at = $4 \
             WHERE namespace = $1 AND id = $2 AND client = $3 AND used_at IS NULL AND state <> 2 \
             AND expires_at > $4 AND retain_until > $4 \
             RETURNING state, hurried, grant_id, ",
            deferred_columns!()
        )),
        look: Text::numbered(
            "SELECT grant_id, client, state, used_at, expires_at FROM vouchsafe_deferred \
             WHERE namespace = $1 AND id = $2 AND retain_until > $4",
        ),
    },

    register: Text::numbered(
        "INSERT INTO vouchsafe_clients (namespace, client, version, token, secret, payload) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    ),
    registered: Text::numbered(
        "SELECT client, version, token, secret, payload FROM vouchsafe_clients \
         WHERE namespace = $1 AND client = $2",
    ),
    replace_registered: Guarded::Returning {
        write: Text::numbered(
            "UPDATE vouchsafe_clients SET version = version + 1, token = $4, secret = $5, payload = $6 \
             WHERE namespace = $1 AND client = $2 AND version = $3 RETURNING 1",
        ),
        look: Text::numbered("SELECT 1 FROM vouchsafe_clients WHERE namespace = $1 AND client = $2"),
    },
    unregister: Text::numbered("DELETE FROM vouchsafe_clients WHERE namespace = $1 AND client = $2"),

    registered_clients: Text::numbered(
        "SELECT client, version, token, secret, payload FROM vouchsafe_clients \
         WHERE namespace = $1 AND client > $2 ORDER BY client LIMIT $3",
    ),

    key_set: Text::numbered("SELECT version, secret, payload FROM vouchsafe_keys WHERE namespace = $1"),
    insert_key_set: Text::numbered(
        "INSERT INTO vouchsafe_keys (namespace, version, secret, payload) VALUES ($1, $2, $3, $4)",
    ),
    replace_key_set: Guarded::Returning {
        write: Text::numbered(
            "UPDATE vouchsafe_keys SET version = version + 1, secret = $3, payload = $4 \
             WHERE namespace = $1 AND version = $2 RETURNING 1",
        ),
        look: Text::numbered("SELECT 1 FROM vouchsafe_keys WHERE namespace = $1"),
    },

    reseal: Reseals {
        clients: resealing!(
            Text::numbered,
            "vouchsafe_clients",
            "client",
            "client",
            "client > $4",
            "client = $6"
        ),
        codes: resealing!(Text::numbered, "vouchsafe_codes", "id", "id", "id > $4", "id = $6"),
        consents: resealing!(
            Text::numbered,
            "vouchsafe_consents",
            "subject, client",
            "subject, client",
            "(subject, client) > ($4, $5)",
            "subject = $6 AND client = $7"
        ),
        deferred: resealing!(Text::numbered, "vouchsafe_deferred", "id", "id", "id > $4", "id = $6"),
        issued: resealing!(Text::numbered, "vouchsafe_issued", "id, kind", "id", "id > $4", "id = $6"),
        tickets: resealing!(Text::numbered, "vouchsafe_tickets", "id", "id", "id > $4", "id = $6"),
    },
    reseal_key_set: Text::numbered(
        "UPDATE vouchsafe_keys SET secret = $2, payload = $3 \
         WHERE namespace = $1 AND secret = $4 AND payload = $5",
    ),

    sweep: &[
        sweep!("vouchsafe_replays", "keep_until"),
        sweep!("vouchsafe_tickets", "keep_until"),
        sweep!("vouchsafe_codes", "retain_until"),
        sweep!("vouchsafe_deferred", "retain_until"),
        sweep!("vouchsafe_issued", "keep_until"),
        sweep!("vouchsafe_consents", "expires_at"),
    ],
};
