//! The statements, as plain text.
//!
//! The guard of a write stands in its `WHERE`; the number of rows it wrote, or the row it returns, decides. `$1` is
//! the namespace everywhere.

use crate::store::Filter;

pub(super) const SCHEMA_EXISTS: &str =
    "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'vouchsafe_schema'";

pub(super) const SCHEMA_VERSION: &str = "SELECT COALESCE(MAX(version), 0) AS version FROM vouchsafe_schema";

pub(super) const INSERT_CODE: &str = "\
    INSERT INTO vouchsafe_codes (namespace, id, grant_id, client, expires_at, retain_until, secret, payload) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

pub(super) const CONSUME_CODE: &str = "\
    UPDATE vouchsafe_codes SET used_at = $4 \
    WHERE namespace = $1 AND id = $2 AND client = $3 AND used_at IS NULL AND expires_at > $4 AND retain_until > $4 \
    RETURNING grant_id, client, expires_at, retain_until, secret, payload";

/// Why a code was not consumed.
pub(super) const CODE: &str = "\
    SELECT grant_id, client, used_at, expires_at FROM vouchsafe_codes \
    WHERE namespace = $1 AND id = $2 AND retain_until > $3";

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

/// Inserts a grant, or a token with the grant that it brings along: the kind is `$2`.
pub(super) const INSERT_GRANT: &str = "\
    INSERT INTO vouchsafe_issued (namespace, kind, id, grant_id, client, subject, session, created_at, expires_at, \
    keep_until, secret, payload) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

/// Inserts a token if its grant, `$3`, takes it at `$8`.
pub(super) const INSERT_TOKEN: &str = concat!(
    "INSERT INTO vouchsafe_issued (namespace, kind, id, grant_id, client, expires_at, keep_until, secret, payload) \
     SELECT $1, 1, $2, grant_id, $4, $5, $5, $6, $7 FROM vouchsafe_issued \
     WHERE namespace = $1 AND kind <> 1 AND grant_id = $3 AND ",
    active!("$8")
);

pub(super) const BEGIN_FAMILY: &str = concat!(
    "UPDATE vouchsafe_issued SET family = $3, seq = 0, idle_until = $4 \
     WHERE namespace = $1 AND kind <> 1 AND grant_id = $2 AND family IS NULL AND ",
    active!("$5")
);

/// Moves the head from `$3`, below the largest number that a column holds, to the next.
pub(super) const ROTATE: &str = concat!(
    "UPDATE vouchsafe_issued SET seq = seq + 1, first_used_at = NULL, rotated_at = $4, idle_until = $5 \
     WHERE namespace = $1 AND kind <> 1 AND grant_id = $2 AND seq = $3 AND seq < 9223372036854775807 \
     AND idle_until > $4 AND ",
    active!("$4")
);

pub(super) const KEEP: &str = concat!(
    "UPDATE vouchsafe_issued SET first_used_at = COALESCE(first_used_at, $4), idle_until = $5 \
     WHERE namespace = $1 AND kind <> 1 AND grant_id = $2 AND seq = $3 AND idle_until > $4 AND ",
    active!("$4")
);

pub(super) const GRANT: &str = concat!(
    "SELECT ",
    grant_columns!(),
    " FROM vouchsafe_issued WHERE namespace = $1 AND kind <> 1 AND grant_id = $2 AND keep_until > $3"
);

/// A token that is active, under a grant that is.
pub(super) const ACCESS_TOKEN: &str = "\
    SELECT token.id, token.grant_id, token.client, token.expires_at, token.secret, token.payload \
    FROM vouchsafe_issued AS token \
    JOIN vouchsafe_issued AS permit \
    ON permit.namespace = token.namespace AND permit.kind <> 1 AND permit.grant_id = token.grant_id \
    WHERE token.namespace = $1 AND token.kind <> 0 AND token.id = $2 AND token.expires_at > $3 \
    AND token.revoked_at IS NULL \
    AND permit.revoked_at IS NULL AND permit.expires_at > $3 AND permit.keep_until > $3";

/// Revokes a token, and the grant in its row if it brought one along.
pub(super) const REVOKE_TOKEN: &str = "\
    UPDATE vouchsafe_issued SET revoked_at = $3 \
    WHERE namespace = $1 AND kind <> 0 AND id = $2 AND revoked_at IS NULL";

/// One text for each filter; `$2` and `$3` are what it names, and `$4` is the moment.
///
/// A plus keeps SQLite from going by the index of a column that many rows share: the ends, which most rows have
/// before them, and the client, where a subject is named too.
pub(super) struct ByFilter {
    id: &'static str,
    client: &'static str,
    session: &'static str,
    subject: &'static str,
    subject_and_client: &'static str,
}

impl ByFilter {
    pub(super) const fn text(&self, of: &Filter) -> &'static str {
        match of {
            Filter::Id(_) => self.id,
            Filter::Client(_) => self.client,
            Filter::Session(_) => self.session,
            Filter::Subject(_) => self.subject,
            Filter::SubjectAndClient(..) => self.subject_and_client,
        }
    }
}

macro_rules! by_filter {
    ($before:expr, $after:expr) => {
        ByFilter {
            id: concat!($before, "grant_id = $2", $after),
            client: concat!($before, "client = $2", $after),
            session: concat!($before, "session = $2", $after),
            subject: concat!($before, "subject = $2", $after),
            subject_and_client: concat!($before, "subject = $2 AND +client = $3", $after),
        }
    };
}

/// A page of grants, with revoked ones if `$7`, behind the id `$5`.
pub(super) const GRANTS: ByFilter = by_filter!(
    concat!(
        "SELECT ",
        grant_columns!(),
        " FROM vouchsafe_issued WHERE namespace = $1 AND kind <> 1 AND (revoked_at IS NULL OR $7) \
         AND +keep_until > $4 AND "
    ),
    " AND grant_id > $5 ORDER BY grant_id LIMIT $6"
);

pub(super) const REVOKE: ByFilter = by_filter!(
    "UPDATE vouchsafe_issued SET revoked_at = $4 \
     WHERE namespace = $1 AND kind <> 1 AND revoked_at IS NULL AND +keep_until > $4 AND ",
    ""
);

/// Revokes at most `$5` grants.
pub(super) const REVOKE_SOME: ByFilter = by_filter!(
    "UPDATE vouchsafe_issued SET revoked_at = $4 WHERE rowid IN (SELECT rowid FROM vouchsafe_issued \
     WHERE namespace = $1 AND kind <> 1 AND revoked_at IS NULL AND +keep_until > $4 AND ",
    " LIMIT $5)"
);

/// Revokes the one grant `$2`, in a transaction that has read it.
pub(super) const REVOKE_ID: &str = "\
    UPDATE vouchsafe_issued SET revoked_at = $3 \
    WHERE namespace = $1 AND kind <> 1 AND grant_id = $2 AND revoked_at IS NULL";

macro_rules! consent_columns {
    () => {
        "subject, client, version, expires_at, secret, payload"
    };
}

/// Writes a consent where there is none, or over one that has expired at `$8`. The version is
/// `ConsentRecord::next_version`; `$4` is that of a first writing.
pub(super) const REMEMBER_FIRST: &str = concat!(
    "INSERT INTO vouchsafe_consents (namespace, ",
    consent_columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6, $7) \
     ON CONFLICT (namespace, subject, client) DO UPDATE \
     SET version = MAX(version + 1, excluded.version), expires_at = excluded.expires_at, \
     secret = excluded.secret, payload = excluded.payload \
     WHERE vouchsafe_consents.expires_at <= $8"
);

/// Writes over the consent whose version is `$8`.
pub(super) const REMEMBER_AGAIN: &str = "\
    UPDATE vouchsafe_consents SET version = MAX(version + 1, $4), expires_at = $5, secret = $6, payload = $7 \
    WHERE namespace = $1 AND subject = $2 AND client = $3 AND version = $8";

pub(super) const REMEMBERED: &str = concat!(
    "SELECT ",
    consent_columns!(),
    " FROM vouchsafe_consents WHERE namespace = $1 AND subject = $2 AND client = $3 AND expires_at > $4"
);

pub(super) const CONSENTS_OF_CLIENT: &str = concat!(
    "SELECT ",
    consent_columns!(),
    " FROM vouchsafe_consents WHERE namespace = $1 AND client = $2 AND expires_at > $3 AND subject > $4 \
     ORDER BY subject LIMIT $5"
);

pub(super) const CONSENTS_OF_SUBJECT: &str = concat!(
    "SELECT ",
    consent_columns!(),
    " FROM vouchsafe_consents WHERE namespace = $1 AND subject = $2 AND expires_at > $3 AND client > $4 \
     ORDER BY client LIMIT $5"
);

pub(super) const FORGET: &str = "\
    DELETE FROM vouchsafe_consents WHERE namespace = $1 AND subject = $2 AND client = $3 AND expires_at > $4";

/// Writes a use where there is none, or over one whose time is over at `$5`.
pub(super) const FIRST_USE: &str = "\
    INSERT INTO vouchsafe_replays (namespace, space, id, keep_until) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (namespace, space, id) DO UPDATE SET keep_until = excluded.keep_until \
    WHERE vouchsafe_replays.keep_until <= $5";

pub(super) const PUT: &str = "\
    INSERT INTO vouchsafe_tickets (namespace, id, open_until, keep_until, secret, payload) \
    VALUES ($1, $2, $3, $4, $5, $6)";

pub(super) const GET: &str = "\
    SELECT open_until, keep_until, secret, payload FROM vouchsafe_tickets \
    WHERE namespace = $1 AND id = $2 AND open_until > $3";

pub(super) const TAKE: &str = "\
    DELETE FROM vouchsafe_tickets WHERE namespace = $1 AND id = $2 AND keep_until > $3 \
    RETURNING open_until, keep_until, secret, payload";

macro_rules! deferred_columns {
    () => {
        "id, user_code, client, subject, pace, expires_at, retain_until, secret, payload"
    };
}

/// Inserts a request unless `$12` of its client, or `$13` of all, wait for its subject `$5` at `$11`.
pub(super) const INSERT_DEFERRED: &str = concat!(
    "INSERT INTO vouchsafe_deferred (namespace, ",
    deferred_columns!(),
    ") SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 WHERE $5 IS NULL OR (\
     (SELECT COUNT(*) FROM vouchsafe_deferred \
     WHERE namespace = $1 AND subject = $5 AND client = $4 AND state = 0 AND expires_at > $11) < $12 \
     AND (SELECT COUNT(*) FROM vouchsafe_deferred \
     WHERE namespace = $1 AND subject = $5 AND state = 0 AND expires_at > $11) < $13)"
);

pub(super) const DEFERRED: &str = concat!(
    "SELECT ",
    deferred_columns!(),
    " FROM vouchsafe_deferred WHERE namespace = $1 AND id = $2 AND state = 0 AND expires_at > $3"
);

pub(super) const BY_USER_CODE: &str = concat!(
    "SELECT ",
    deferred_columns!(),
    " FROM vouchsafe_deferred WHERE namespace = $1 AND user_code = $2 AND state = 0 AND expires_at > $3"
);

pub(super) const DECIDE: &str = "\
    UPDATE vouchsafe_deferred \
    SET state = $4, grant_id = $5, secret = COALESCE($6, secret), payload = COALESCE($7, payload), \
    retain_until = COALESCE($8, retain_until) \
    WHERE namespace = $1 AND id = $2 AND state = 0 AND expires_at > $3";

/// Takes note of a poll at `$4`: one that comes too early adds `$5` to the pace, up to `$6`.
pub(super) const POLL: &str = concat!(
    "UPDATE vouchsafe_deferred SET \
     used_at = CASE state WHEN 1 THEN $4 END, \
     hurried = CASE WHEN state = 0 AND polled_at + pace > $4 THEN 1 ELSE 0 END, \
     pace = CASE WHEN state = 0 AND polled_at + pace > $4 THEN MIN(pace + $5, MAX(pace, $6)) ELSE pace END, \
     polled_at = $4 \
     WHERE namespace = $1 AND id = $2 AND client = $3 AND used_at IS NULL AND state <> 2 AND expires_at > $4 \
     AND retain_until > $4 \
     RETURNING state, hurried, grant_id, ",
    deferred_columns!()
);

/// Why a request was not polled.
pub(super) const UNPOLLED: &str = "\
    SELECT grant_id, client, state, used_at, expires_at FROM vouchsafe_deferred \
    WHERE namespace = $1 AND id = $2 AND retain_until > $3";

pub(super) const REGISTER: &str = "\
    INSERT INTO vouchsafe_clients (namespace, client, version, token, secret, payload) \
    VALUES ($1, $2, $3, $4, $5, $6)";

pub(super) const REGISTERED: &str = "\
    SELECT client, version, token, secret, payload FROM vouchsafe_clients WHERE namespace = $1 AND client = $2";

/// Writes over the client whose version is `$3`.
pub(super) const REPLACE_REGISTERED: &str = "\
    UPDATE vouchsafe_clients SET version = version + 1, token = $4, secret = $5, payload = $6 \
    WHERE namespace = $1 AND client = $2 AND version = $3";

pub(super) const UNREGISTER: &str = "DELETE FROM vouchsafe_clients WHERE namespace = $1 AND client = $2";

/// A page of clients behind the id `$2`.
pub(super) const REGISTERED_CLIENTS: &str = "\
    SELECT client, version, token, secret, payload FROM vouchsafe_clients \
    WHERE namespace = $1 AND client > $2 ORDER BY client LIMIT $3";

pub(super) const KEY_SET: &str = "SELECT version, secret, payload FROM vouchsafe_keys WHERE namespace = $1";

pub(super) const INSERT_KEY_SET: &str = "\
    INSERT INTO vouchsafe_keys (namespace, version, secret, payload) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";

/// Writes over the key set whose version is `$2`.
pub(super) const REPLACE_KEY_SET: &str = "\
    UPDATE vouchsafe_keys SET version = version + 1, secret = $3, payload = $4 \
    WHERE namespace = $1 AND version = $2";

/// What it takes to move the payloads of a table to another system secret, in the order of its primary key.
pub(super) struct Resealing {
    /// `$3` rows behind the key that begins at `$4`, each with its payload if it was sealed under `$2`.
    pub(super) page: &'static str,
    /// Puts the secret `$2` and the payload `$3` in the place of `$4` and `$5` in the row whose key begins at `$6`.
    pub(super) replace: &'static str,
}

macro_rules! resealing {
    ($table:literal, $columns:literal, $order:literal, $after:literal, $key:literal) => {
        Resealing {
            page: concat!(
                "SELECT ",
                $columns,
                ", secret, CASE WHEN secret = $2 THEN payload END AS payload FROM ",
                $table,
                " WHERE namespace = $1 AND ",
                $after,
                " ORDER BY ",
                $order,
                " LIMIT $3"
            ),
            replace: concat!(
                "UPDATE ",
                $table,
                " SET secret = $2, payload = $3 WHERE namespace = $1 AND secret = $4 AND payload = $5 AND ",
                $key
            ),
        }
    };
}

pub(super) const RESEAL_CLIENTS: Resealing =
    resealing!("vouchsafe_clients", "client", "client", "client > $4", "client = $6");
pub(super) const RESEAL_CODES: Resealing = resealing!("vouchsafe_codes", "id", "id", "id > $4", "id = $6");
pub(super) const RESEAL_CONSENTS: Resealing = resealing!(
    "vouchsafe_consents",
    "subject, client",
    "subject, client",
    "(subject, client) > ($4, $5)",
    "subject = $6 AND client = $7"
);
pub(super) const RESEAL_DEFERRED: Resealing =
    resealing!("vouchsafe_deferred", "id", "id", "id > $4", "id = $6");
/// Grants and tokens: the id of a grant is its name.
pub(super) const RESEAL_ISSUED: Resealing =
    resealing!("vouchsafe_issued", "id, kind", "id", "id > $4", "id = $6");
pub(super) const RESEAL_TICKETS: Resealing =
    resealing!("vouchsafe_tickets", "id", "id", "id > $4", "id = $6");

pub(super) const RESEAL_KEY_SET: &str = "\
    UPDATE vouchsafe_keys SET secret = $2, payload = $3 WHERE namespace = $1 AND secret = $4 AND payload = $5";

macro_rules! sweep {
    ($table:literal, $end:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE rowid IN (SELECT rowid FROM ",
            $table,
            " WHERE namespace = $1 AND ",
            $end,
            " <= $2 LIMIT $3)"
        )
    };
}

pub(super) const SWEEP: [&str; 6] = [
    sweep!("vouchsafe_replays", "keep_until"),
    sweep!("vouchsafe_tickets", "keep_until"),
    sweep!("vouchsafe_codes", "retain_until"),
    sweep!("vouchsafe_deferred", "retain_until"),
    sweep!("vouchsafe_issued", "keep_until"),
    sweep!("vouchsafe_consents", "expires_at"),
];
