-- Stores of vouchsafe, version 1.
--
-- Times are whole seconds since the epoch. Keys are hashes, subjects and sessions keyed hashes; a payload is sealed
-- under the system secret that "secret" names. Every key begins with the namespace. Texts compare byte by byte, whatever
-- the collation of the database, so that an index does not depend on the locales of the system.
--
-- The indexes for sweeps begin with the end: one that began with the namespace would be taken in the place of the primary key,
-- as long as the database has no statistics.

CREATE TABLE IF NOT EXISTS vouchsafe_schema (
    version BIGINT           NOT NULL PRIMARY KEY,
    name    TEXT COLLATE "C" NOT NULL
);

CREATE TABLE vouchsafe_codes (
    namespace    TEXT COLLATE "C" NOT NULL,
    id           BYTEA            NOT NULL,
    grant_id     BYTEA            NOT NULL,
    client       TEXT COLLATE "C" NOT NULL,
    expires_at   BIGINT           NOT NULL,
    retain_until BIGINT           NOT NULL,
    used_at      BIGINT,
    secret       BYTEA            NOT NULL,
    payload      BYTEA            NOT NULL,
    PRIMARY KEY (namespace, id)
);

CREATE INDEX vouchsafe_codes_end ON vouchsafe_codes (retain_until, namespace);

-- Grants (kind 0), the access tokens under them (kind 1), and tokens that brought their grant along (kind 2: both in
-- one row). The id of a token is its hash, that of a grant its name; "grant_id" names the grant in every row. Nothing of
-- a grant is repeated in its tokens, so revoking it is one column of one row.
CREATE TABLE vouchsafe_issued (
    namespace     TEXT COLLATE "C" NOT NULL,
    kind          BIGINT           NOT NULL CHECK (kind IN (0, 1, 2)),
    id            BYTEA            NOT NULL,
    grant_id      BYTEA            NOT NULL,
    client        TEXT COLLATE "C" NOT NULL,
    subject       BYTEA,
    session       BYTEA,
    created_at    BIGINT           CHECK (kind = 1 OR created_at IS NOT NULL),
    expires_at    BIGINT           NOT NULL,
    keep_until    BIGINT           NOT NULL,
    revoked_at    BIGINT,
    family        BYTEA,
    seq           BIGINT,
    first_used_at BIGINT,
    rotated_at    BIGINT,
    idle_until    BIGINT,
    secret        BYTEA            NOT NULL,
    payload       BYTEA            NOT NULL,
    PRIMARY KEY (namespace, id),
    CHECK ((family IS NULL) = (seq IS NULL) AND (family IS NULL) = (idle_until IS NULL))
);

CREATE UNIQUE INDEX vouchsafe_issued_grant ON vouchsafe_issued (namespace, grant_id) WHERE kind <> 1;
CREATE INDEX vouchsafe_issued_client ON vouchsafe_issued (namespace, client, grant_id) WHERE kind <> 1;
CREATE INDEX vouchsafe_issued_session ON vouchsafe_issued (namespace, session, grant_id)
    WHERE kind <> 1 AND session IS NOT NULL;
CREATE INDEX vouchsafe_issued_subject ON vouchsafe_issued (namespace, subject, grant_id)
    WHERE kind <> 1 AND subject IS NOT NULL;
CREATE INDEX vouchsafe_issued_end ON vouchsafe_issued (keep_until, namespace);

CREATE TABLE vouchsafe_consents (
    namespace  TEXT COLLATE "C" NOT NULL,
    subject    BYTEA            NOT NULL,
    client     TEXT COLLATE "C" NOT NULL,
    version    BIGINT           NOT NULL,
    expires_at BIGINT           NOT NULL,
    secret     BYTEA            NOT NULL,
    payload    BYTEA            NOT NULL,
    PRIMARY KEY (namespace, subject, client)
);

CREATE INDEX vouchsafe_consents_client ON vouchsafe_consents (namespace, client, subject);
CREATE INDEX vouchsafe_consents_end ON vouchsafe_consents (expires_at, namespace);

CREATE TABLE vouchsafe_replays (
    namespace  TEXT COLLATE "C" NOT NULL,
    space      TEXT COLLATE "C" NOT NULL,
    id         BYTEA            NOT NULL,
    keep_until BIGINT           NOT NULL,
    PRIMARY KEY (namespace, space, id)
);

CREATE INDEX vouchsafe_replays_end ON vouchsafe_replays (keep_until, namespace);

CREATE TABLE vouchsafe_tickets (
    namespace  TEXT COLLATE "C" NOT NULL,
    id         BYTEA            NOT NULL,
    open_until BIGINT           NOT NULL,
    keep_until BIGINT           NOT NULL,
    secret     BYTEA            NOT NULL,
    payload    BYTEA            NOT NULL,
    PRIMARY KEY (namespace, id)
);

CREATE INDEX vouchsafe_tickets_end ON vouchsafe_tickets (keep_until, namespace);

-- Clients that registered themselves; "token" is the hash of the registration access token.
CREATE TABLE vouchsafe_clients (
    namespace TEXT COLLATE "C" NOT NULL,
    client    TEXT COLLATE "C" NOT NULL,
    version   BIGINT           NOT NULL,
    token     BYTEA            NOT NULL,
    secret    BYTEA            NOT NULL,
    payload   BYTEA            NOT NULL,
    PRIMARY KEY (namespace, client)
);

INSERT INTO vouchsafe_schema (version, name) VALUES (1, 'stores');
