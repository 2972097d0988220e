-- Stores of vouchsafe, version 1.
--
-- Times are whole seconds since the epoch. Keys are hashes, subjects and sessions keyed hashes; a payload is sealed
-- under the system secret that "secret" names. Every key begins with the namespace.

CREATE TABLE vouchsafe_schema (
    version INTEGER NOT NULL PRIMARY KEY,
    name    TEXT    NOT NULL
) STRICT;

CREATE TABLE vouchsafe_codes (
    namespace    TEXT    NOT NULL,
    id           BLOB    NOT NULL,
    grant_id     BLOB    NOT NULL,
    client       TEXT    NOT NULL,
    expires_at   INTEGER NOT NULL,
    retain_until INTEGER NOT NULL,
    used_at      INTEGER,
    secret       BLOB    NOT NULL,
    payload      BLOB    NOT NULL,
    PRIMARY KEY (namespace, id)
) STRICT;

CREATE INDEX vouchsafe_codes_end ON vouchsafe_codes (namespace, retain_until);

-- Grants (kind 0), the access tokens under them (kind 1), and tokens that brought their grant along (kind 2: both in
-- one row). The id of a token is its hash, that of a grant its name; "grant_id" names the grant in every row. Nothing of
-- a grant is repeated in its tokens, so revoking it is one column of one row.
CREATE TABLE vouchsafe_issued (
    namespace     TEXT    NOT NULL,
    kind          INTEGER NOT NULL CHECK (kind IN (0, 1, 2)),
    id            BLOB    NOT NULL,
    grant_id      BLOB    NOT NULL,
    client        TEXT    NOT NULL,
    subject       BLOB,
    session       BLOB,
    created_at    INTEGER CHECK (kind = 1 OR created_at IS NOT NULL),
    expires_at    INTEGER NOT NULL,
    keep_until    INTEGER NOT NULL,
    revoked_at    INTEGER,
    family        BLOB,
    seq           INTEGER,
    first_used_at INTEGER,
    rotated_at    INTEGER,
    idle_until    INTEGER,
    secret        BLOB    NOT NULL,
    payload       BLOB    NOT NULL,
    PRIMARY KEY (namespace, id),
    CHECK ((family IS NULL) = (seq IS NULL) AND (family IS NULL) = (idle_until IS NULL))
) STRICT;

CREATE UNIQUE INDEX vouchsafe_issued_grant ON vouchsafe_issued (namespace, grant_id) WHERE kind <> 1;
CREATE INDEX vouchsafe_issued_client ON vouchsafe_issued (namespace, client, grant_id) WHERE kind <> 1;
CREATE INDEX vouchsafe_issued_session ON vouchsafe_issued (namespace, session, grant_id)
    WHERE kind <> 1 AND session IS NOT NULL;
CREATE INDEX vouchsafe_issued_subject ON vouchsafe_issued (namespace, subject, grant_id)
    WHERE kind <> 1 AND subject IS NOT NULL;
CREATE INDEX vouchsafe_issued_end ON vouchsafe_issued (namespace, keep_until);

CREATE TABLE vouchsafe_consents (
    namespace  TEXT    NOT NULL,
    subject    BLOB    NOT NULL,
    client     TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    secret     BLOB    NOT NULL,
    payload    BLOB    NOT NULL,
    PRIMARY KEY (namespace, subject, client)
) STRICT;

CREATE INDEX vouchsafe_consents_client ON vouchsafe_consents (namespace, client, subject);
CREATE INDEX vouchsafe_consents_end ON vouchsafe_consents (namespace, expires_at);

CREATE TABLE vouchsafe_replays (
    namespace  TEXT    NOT NULL,
    space      TEXT    NOT NULL,
    id         BLOB    NOT NULL,
    keep_until INTEGER NOT NULL,
    PRIMARY KEY (namespace, space, id)
) STRICT;

CREATE INDEX vouchsafe_replays_end ON vouchsafe_replays (namespace, keep_until);

CREATE TABLE vouchsafe_tickets (
    namespace  TEXT    NOT NULL,
    id         BLOB    NOT NULL,
    open_until INTEGER NOT NULL,
    keep_until INTEGER NOT NULL,
    secret     BLOB    NOT NULL,
    payload    BLOB    NOT NULL,
    PRIMARY KEY (namespace, id)
) STRICT;

CREATE INDEX vouchsafe_tickets_end ON vouchsafe_tickets (namespace, keep_until);

INSERT INTO vouchsafe_schema (version, name) VALUES (1, 'stores');
