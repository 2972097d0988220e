//! The statements of PostgreSQL, as plain text: one for each verb.
//!
//! Under READ COMMITTED all parts of a statement read what was committed when it began; only a row that is locked or
//! written is read as it is now, once whoever else has it locked is done. So a decision is made on a row that the same
//! statement has locked or written, in one of two ways:
//!
//! * A guarded write comes first, and the row is looked at, locked, only if nothing was written (`NOT EXISTS`). Its guard
//!   may be decided by what was committed when the statement began: what it refuses then, it refuses for good.
//! * The row is locked first (`FOR SHARE`, `FOR UPDATE`), decided on, and what is decided is written.
//!
//! A statement costs the server its plan, run or not. So what nearly always goes well, redeeming a code and using a refresh
//! token, is a guarded write alone, and why it wrote nothing is asked by a second statement, which decides anew. It locks what
//! it looks at, so that it is answered where the write was, and not by a replica that has not heard of it.
//!
//! Under the higher levels a row that has changed since the statement began is an error instead, and the verb is tried again.

use crate::adapters::sqlx::statements::{
    ByFilter, Families, Guarded, HeadFirst, Resealing, Reseals, Statements, Text, Upsert,
};

/// The beginning of the insertion of a token; what follows says of which grant.
macro_rules! insert_token {
    () => {
        "INSERT INTO vouchsafe_issued (namespace, kind, id, grant_id, client, expires_at, keep_until, secret, payload) \
         SELECT $1, 1, $6, $2, $7, $8, $8, $9, $10 FROM "
    };
}

/// Writes to a grant and, if that was done, inserts the access token where there is one; answers with a row if it was done.
macro_rules! write_with_token {
    ($($write:expr),+ $(,)?) => {
        Text::numbered(concat!(
            "WITH written AS (UPDATE vouchsafe_issued SET ",
            $($write,)+
            " RETURNING grant_id), token AS (",
            insert_token!(),
            "written WHERE $6 IS NOT NULL) SELECT grant_id FROM written"
        ))
    };
}

/// Locks rows by their primary key, but for those that others have locked, and removes them unless their end has moved.
///
/// The earliest moment there is stands here for the planner. Of a table that was never looked at, it takes a range with two
/// ends to be small, and goes by the end of the rows; with one end it would take the primary key, and read a whole namespace.
macro_rules! sweep {
    ($table:literal, $($key:literal)and+, $end:literal) => {
        Text::numbered(concat!(
            "WITH ended AS (SELECT namespace", $(", ", $key,)+ " FROM ", $table,
            " WHERE namespace = $1 AND ", $end, " BETWEEN CAST('-9223372036854775808' AS BIGINT) AND $2 \
             ORDER BY ", $end, " LIMIT $3 FOR UPDATE SKIP LOCKED) \
             DELETE FROM ", $table, " AS gone USING ended WHERE gone.namespace = ended.namespace",
            $(" AND gone.", $key, " = ended.", $key,)+
            " AND gone.", $end, " <= $2"
        ))
    };
}

const FAMILIES: Families = Families::HeadFirst(HeadFirst {
    // Tokens of one grant do not wait for each other, but a revocation waits for them, and they for it.
    insert_token: Text::numbered(concat!(
        "WITH permit AS (SELECT revoked_at, expires_at FROM vouchsafe_issued \
         WHERE namespace = $1 AND kind <> 1 AND grant_id = $2 AND keep_until > $5 FOR SHARE), \
         token AS (",
        insert_token!(),
        "permit WHERE revoked_at IS NULL AND expires_at > $5) \
         SELECT CASE WHEN revoked_at IS NOT NULL THEN 'revoked' WHEN expires_at > $5 THEN 'inserted' \
         ELSE 'absent' END AS outcome FROM permit"
    )),
    begin_family: write_with_token!(
        "family = $3, seq = 0, idle_until = $4 \
         WHERE namespace = $1 AND kind <> 1 AND grant_id = $2 AND family IS NULL AND ",
        active!("$5"),
    ),
    use_head: write_with_token!(
        "seq = CASE WHEN $11 THEN seq + 1 ELSE seq END, \
         first_used_at = CASE WHEN $11 THEN NULL ELSE COALESCE(first_used_at, $5) END, \
         rotated_at = CASE WHEN $11 THEN $5 ELSE rotated_at END, \
         idle_until = $4 \
         WHERE namespace = $1 AND kind <> 1 AND grant_id = $2 AND family IS NOT NULL AND seq = $3 \
         AND (seq < 9223372036854775807 OR NOT $11) AND idle_until > $5 AND ",
        active!("$5"),
    ),
    // Decided on with the row locked: that the head was the one presented after all is to be tried again.
    use_other: Text::numbered(concat!(
        "WITH seen AS (SELECT revoked_at, expires_at, family, seq, first_used_at, rotated_at, idle_until \
         FROM vouchsafe_issued \
         WHERE namespace = $1 AND kind <> 1 AND grant_id = $2 AND keep_until > $5 FOR UPDATE), \
         decided AS (SELECT seq, CASE \
         WHEN family IS NULL THEN 'absent' \
         WHEN seq IS NULL OR idle_until IS NULL THEN 'broken' \
         WHEN revoked_at IS NOT NULL THEN 'revoked' \
         WHEN expires_at <= $5 OR idle_until <= $5 THEN 'expired' \
         WHEN $3 IS NULL OR seq < $3 THEN 'ahead' \
         WHEN seq = $3 AND seq = 9223372036854775807 AND $11 THEN 'overflow' \
         WHEN seq = $3 THEN 'again' \
         WHEN seq - 1 = $3 AND first_used_at IS NULL AND rotated_at >= $12 THEN 'retried' \
         ELSE 'replayed' END AS outcome FROM seen), \
         revoked AS (UPDATE vouchsafe_issued AS permit SET revoked_at = $5 FROM decided \
         WHERE permit.namespace = $1 AND permit.kind <> 1 AND permit.grant_id = $2 AND outcome = 'replayed'), \
         token AS (",
        insert_token!(),
        "decided WHERE outcome = 'retried' AND $6 IS NOT NULL) \
         SELECT seq, outcome FROM decided"
    )),
});

const CONSUME_CODE: Guarded = Guarded::Returning {
    write: Text::numbered(
        "UPDATE vouchsafe_codes SET used_at = $4 WHERE namespace = $1 AND id = $2 AND client = $3 \
         AND used_at IS NULL AND expires_at > $4 AND retain_until > $4 \
         RETURNING grant_id, client, used_at, expires_at, retain_until, secret, payload",
    ),
    look: Text::numbered(
        "SELECT grant_id, client, used_at, expires_at, retain_until, secret, payload FROM vouchsafe_codes \
         WHERE namespace = $1 AND id = $2 AND retain_until > $4 FOR SHARE",
    ),
};

const POLL: Guarded = Guarded::AtOnce(Text::numbered(concat!(
    "WITH polled AS (UPDATE vouchsafe_deferred SET \
     used_at = CASE state WHEN 1 THEN $4 END, \
     hurried = CASE WHEN state = 0 AND polled_at > $4 - pace THEN 1 ELSE 0 END, \
     pace = CASE WHEN state = 0 AND polled_at > $4 - pace THEN LEAST(pace + $5, GREATEST(pace, $6)) ELSE pace END, \
     polled_at = $4 \
     WHERE namespace = $1 AND id = $2 AND client = $3 AND used_at IS NULL AND state <> 2 \
     AND expires_at > $4 AND retain_until > $4 \
     RETURNING state, hurried, grant_id, used_at, ",
    deferred_columns!(),
    "), \
     seen AS (SELECT state, hurried, grant_id, used_at, ",
    deferred_columns!(),
    " FROM vouchsafe_deferred \
     WHERE namespace = $1 AND id = $2 AND retain_until > $4 AND NOT EXISTS (SELECT 1 FROM polled) FOR UPDATE) \
     SELECT CAST(1 AS BIGINT) AS won, state, hurried, grant_id, used_at, ",
    deferred_columns!(),
    " FROM polled \
     UNION ALL \
     SELECT CAST(0 AS BIGINT), state, hurried, grant_id, used_at, ",
    deferred_columns!(),
    " FROM seen"
)));

pub(super) static STATEMENTS: Statements = Statements {
    schema_exists: Text::numbered("SELECT 1 WHERE to_regclass('vouchsafe_schema') IS NOT NULL"),
    schema_version: Text::numbered("SELECT COALESCE(MAX(version), 0) AS version FROM vouchsafe_schema"),
    lossy_settings: Text::numbered(
        "SELECT name, setting AS value FROM pg_settings \
         WHERE name IN ('fsync', 'synchronous_commit') AND setting = 'off' ORDER BY name",
    ),

    insert_code: Text::numbered(
        "INSERT INTO vouchsafe_codes (namespace, id, grant_id, client, expires_at, retain_until, secret, payload) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    ),
    consume_code: CONSUME_CODE,

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
        "",
        concat!(
            "SELECT ",
            grant_columns!(),
            " FROM vouchsafe_issued WHERE namespace = $1 AND kind <> 1 AND (revoked_at IS NULL OR $7) \
             AND keep_until > $4 AND "
        ),
        " AND grant_id > $5 ORDER BY grant_id LIMIT $6"
    ),
    revoke: by_filter!(
        Text::numbered,
        "grant_id",
        "",
        "UPDATE vouchsafe_issued SET revoked_at = $4 \
         WHERE namespace = $1 AND kind <> 1 AND revoked_at IS NULL AND keep_until > $4 AND ",
        ""
    ),
    // Rows that others have locked are waited for: what they do not revoke is left to be revoked here. All lock them in
    // one order.
    revoke_some: by_filter!(
        Text::numbered,
        "grant_id",
        "",
        "WITH live AS (SELECT namespace, id FROM vouchsafe_issued \
         WHERE namespace = $1 AND kind <> 1 AND revoked_at IS NULL AND keep_until > $4 AND ",
        " ORDER BY grant_id LIMIT $5 FOR UPDATE) \
         UPDATE vouchsafe_issued AS permit SET revoked_at = $4 FROM live \
         WHERE permit.namespace = live.namespace AND permit.id = live.id"
    ),

    families: FAMILIES,
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
         SET version = GREATEST(vouchsafe_consents.version + 1, excluded.version), \
         expires_at = excluded.expires_at, secret = excluded.secret, payload = excluded.payload \
         WHERE vouchsafe_consents.expires_at <= $8"
    ))),
    remember_again: Text::numbered(
        "UPDATE vouchsafe_consents \
         SET version = GREATEST(version + 1, $4), expires_at = $5, secret = $6, payload = $7 \
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
         RETURNING CAST(1 AS BIGINT) AS won, open_until, keep_until, secret, payload",
    )),

    lock_subject: Some(Text::numbered(
        "INSERT INTO vouchsafe_deferred_subjects (namespace, subject, keep_until) VALUES ($1, $5, $8) \
         ON CONFLICT (namespace, subject) DO UPDATE \
         SET keep_until = GREATEST(vouchsafe_deferred_subjects.keep_until, excluded.keep_until)",
    )),
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
    poll: POLL,

    register: Text::numbered(
        "INSERT INTO vouchsafe_clients (namespace, client, version, token, secret, payload) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    ),
    registered: Text::numbered(
        "SELECT client, version, token, secret, payload FROM vouchsafe_clients \
         WHERE namespace = $1 AND client = $2",
    ),
    replace_registered: Guarded::AtOnce(Text::numbered(
        "WITH written AS (UPDATE vouchsafe_clients \
         SET version = version + 1, token = $4, secret = $5, payload = $6 \
         WHERE namespace = $1 AND client = $2 AND version = $3 RETURNING client), \
         seen AS (SELECT client FROM vouchsafe_clients \
         WHERE namespace = $1 AND client = $2 AND NOT EXISTS (SELECT 1 FROM written) FOR UPDATE) \
         SELECT CAST(1 AS BIGINT) AS won FROM written UNION ALL SELECT CAST(0 AS BIGINT) FROM seen",
    )),
    unregister: Text::numbered("DELETE FROM vouchsafe_clients WHERE namespace = $1 AND client = $2"),

    registered_clients: Text::numbered(
        "SELECT client, version, token, secret, payload FROM vouchsafe_clients \
         WHERE namespace = $1 AND client > $2 ORDER BY client LIMIT $3",
    ),

    key_set: Text::numbered("SELECT version, secret, payload FROM vouchsafe_keys WHERE namespace = $1"),
    insert_key_set: Text::numbered(
        "INSERT INTO vouchsafe_keys (namespace, version, secret, payload) VALUES ($1, $2, $3, $4)",
    ),
    replace_key_set: Guarded::AtOnce(Text::numbered(
        "WITH written AS (UPDATE vouchsafe_keys SET version = version + 1, secret = $3, payload = $4 \
         WHERE namespace = $1 AND version = $2 RETURNING version), \
         seen AS (SELECT version FROM vouchsafe_keys \
         WHERE namespace = $1 AND NOT EXISTS (SELECT 1 FROM written) FOR UPDATE) \
         SELECT CAST(1 AS BIGINT) AS won FROM written UNION ALL SELECT CAST(0 AS BIGINT) FROM seen",
    )),

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
        sweep!("vouchsafe_replays", "space" and "id", "keep_until"),
        sweep!("vouchsafe_tickets", "id", "keep_until"),
        sweep!("vouchsafe_codes", "id", "retain_until"),
        sweep!("vouchsafe_deferred", "id", "retain_until"),
        sweep!("vouchsafe_deferred_subjects", "subject", "keep_until"),
        sweep!("vouchsafe_issued", "id", "keep_until"),
        sweep!("vouchsafe_consents", "subject" and "client", "expires_at"),
    ],
};
