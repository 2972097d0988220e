//! Pieces of statements that are the same in every database.

macro_rules! grant_columns {
    () => {
        "kind, id, grant_id, client, subject, session, created_at, expires_at, keep_until, revoked_at, family, seq, \
         first_used_at, rotated_at, idle_until, secret, payload"
    };
}

/// Whether a grant is neither revoked nor past its limit at the moment given.
macro_rules! active {
    ($now:literal) => {
        concat!("revoked_at IS NULL AND expires_at > ", $now, " AND keep_until > ", $now)
    };
}

macro_rules! consent_columns {
    () => {
        "subject, client, version, expires_at, secret, payload"
    };
}

macro_rules! deferred_columns {
    () => {
        "id, user_code, client, subject, pace, expires_at, retain_until, secret, payload"
    };
}

/// One text for each filter, between two pieces. The column that names a grant, and what stands before the second of two
/// columns, are those of the database, as `$text` is, which makes its statements.
macro_rules! by_filter {
    ($text:path, $grant:literal, $second:literal, $before:expr, $after:expr) => {
        ByFilter {
            id: $text(concat!($before, $grant, " = $2", $after)),
            client: $text(concat!($before, "client = $2", $after)),
            session: $text(concat!($before, "session = $2", $after)),
            subject: $text(concat!($before, "subject = $2", $after)),
            subject_and_client: $text(concat!($before, "subject = $2 AND ", $second, "client = $3", $after)),
        }
    };
}

/// What it takes to re-seal a table; `$text` makes the statements of the database.
macro_rules! resealing {
    ($text:path, $table:literal, $columns:literal, $order:literal, $after:literal, $key:literal) => {
        Resealing {
            page: $text(concat!(
                "SELECT ",
                $columns,
                ", secret, CASE WHEN secret = $2 THEN payload END AS payload FROM ",
                $table,
                " WHERE namespace = $1 AND ",
                $after,
                " ORDER BY ",
                $order,
                " LIMIT $3"
            )),
            replace: $text(concat!(
                "UPDATE ",
                $table,
                " SET secret = $2, payload = $3 WHERE namespace = $1 AND secret = $4 AND payload = $5 AND ",
                $key
            )),
        }
    };
}
