-- Stores of vouchsafe, version 1.
--
-- Times are whole seconds since the epoch. Keys are hashes, subjects and sessions keyed hashes; a payload is sealed
-- under the system secret that "secret" names. Every key begins with the namespace. Texts are kept as bytes, because collations
-- make texts equal that are not. Each statement may be run again: tables are made outside of transactions.

CREATE TABLE IF NOT EXISTS vouchsafe_schema (
    version BIGINT         NOT NULL PRIMARY KEY,
    name    VARBINARY(255) NOT NULL
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS vouchsafe_codes (
    namespace    VARBINARY(255) NOT NULL,
    id           VARBINARY(32)  NOT NULL,
    grant_id     VARBINARY(16)  NOT NULL,
    client       VARBINARY(255) NOT NULL,
    expires_at   BIGINT         NOT NULL,
    retain_until BIGINT         NOT NULL,
    used_at      BIGINT,
    secret       VARBINARY(4)   NOT NULL,
    payload      MEDIUMBLOB     NOT NULL,
    PRIMARY KEY (namespace, id),
    KEY vouchsafe_codes_end (namespace, retain_until)
) ENGINE = InnoDB;

-- Grants (kind 0), the access tokens under them (kind 1), and tokens that brought their grant along (kind 2: both in
-- one row). The id of a token is its hash, that of a grant its name; "grant_id" names the grant in every row, "permit" in
-- those that are grants. Nothing of a grant is repeated in its tokens, so revoking it is one column of one row.
CREATE TABLE IF NOT EXISTS vouchsafe_issued (
    namespace     VARBINARY(255) NOT NULL,
    kind          TINYINT        NOT NULL CHECK (kind IN (0, 1, 2)),
    id            VARBINARY(32)  NOT NULL,
    grant_id      VARBINARY(16)  NOT NULL,
    permit        VARBINARY(16)  AS (CASE WHEN kind <> 1 THEN grant_id END) STORED,
    client        VARBINARY(255) NOT NULL,
    subject       VARBINARY(32),
    session       VARBINARY(32),
    created_at    BIGINT,
    expires_at    BIGINT         NOT NULL,
    keep_until    BIGINT         NOT NULL,
    revoked_at    BIGINT,
    family        VARBINARY(32),
    seq           BIGINT,
    first_used_at BIGINT,
    rotated_at    BIGINT,
    idle_until    BIGINT,
    secret        VARBINARY(4)   NOT NULL,
    payload       MEDIUMBLOB     NOT NULL,
    PRIMARY KEY (namespace, id),
    UNIQUE KEY vouchsafe_issued_grant (namespace, permit),
    KEY vouchsafe_issued_client (namespace, client, permit),
    KEY vouchsafe_issued_session (namespace, session, permit),
    KEY vouchsafe_issued_subject (namespace, subject, permit),
    KEY vouchsafe_issued_end (namespace, keep_until),
    CHECK (kind = 1 OR created_at IS NOT NULL),
    CHECK ((family IS NULL) = (seq IS NULL) AND (family IS NULL) = (idle_until IS NULL))
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS vouchsafe_consents (
    namespace  VARBINARY(255) NOT NULL,
    subject    VARBINARY(32)  NOT NULL,
    client     VARBINARY(255) NOT NULL,
    version    BIGINT         NOT NULL,
    expires_at BIGINT         NOT NULL,
    secret     VARBINARY(4)   NOT NULL,
    payload    MEDIUMBLOB     NOT NULL,
    PRIMARY KEY (namespace, subject, client),
    KEY vouchsafe_consents_client (namespace, client, subject),
    KEY vouchsafe_consents_end (namespace, expires_at)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS vouchsafe_replays (
    namespace  VARBINARY(255) NOT NULL,
    space      VARBINARY(255) NOT NULL,
    id         VARBINARY(32)  NOT NULL,
    keep_until BIGINT         NOT NULL,
    PRIMARY KEY (namespace, space, id),
    KEY vouchsafe_replays_end (namespace, keep_until)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS vouchsafe_tickets (
    namespace  VARBINARY(255) NOT NULL,
    id         VARBINARY(32)  NOT NULL,
    open_until BIGINT         NOT NULL,
    keep_until BIGINT         NOT NULL,
    secret     VARBINARY(4)   NOT NULL,
    payload    MEDIUMBLOB     NOT NULL,
    PRIMARY KEY (namespace, id),
    KEY vouchsafe_tickets_end (namespace, keep_until)
) ENGINE = InnoDB;

-- Clients that registered themselves; "token" is the hash of the registration access token.
CREATE TABLE IF NOT EXISTS vouchsafe_clients (
    namespace VARBINARY(255) NOT NULL,
    client    VARBINARY(255) NOT NULL,
    version   BIGINT         NOT NULL,
    token     VARBINARY(32)  NOT NULL,
    secret    VARBINARY(4)   NOT NULL,
    payload   MEDIUMBLOB     NOT NULL,
    PRIMARY KEY (namespace, client)
) ENGINE = InnoDB;

INSERT IGNORE INTO vouchsafe_schema (version, name) VALUES (1, 'stores');
