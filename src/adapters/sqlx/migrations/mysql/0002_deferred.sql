-- Stores of vouchsafe, version 2: requests that a person answers elsewhere.
--
-- "id" is the hash of what the client polls with, "user_code" the keyed hash of what the person types. "state" is 0 while
-- the request waits, 1 when it was approved, 2 when it was denied. "pace" is the interval in seconds.

CREATE TABLE IF NOT EXISTS vouchsafe_deferred (
    namespace    VARBINARY(255) NOT NULL,
    id           VARBINARY(32)  NOT NULL,
    user_code    VARBINARY(32),
    client       VARBINARY(255) NOT NULL,
    subject      VARBINARY(32),
    pace         BIGINT         NOT NULL,
    expires_at   BIGINT         NOT NULL,
    retain_until BIGINT         NOT NULL,
    state        TINYINT        NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2)),
    grant_id     VARBINARY(16),
    polled_at    BIGINT,
    used_at      BIGINT,
    secret       VARBINARY(4)   NOT NULL,
    payload      MEDIUMBLOB     NOT NULL,
    PRIMARY KEY (namespace, id),
    UNIQUE KEY vouchsafe_deferred_user_code (namespace, user_code),
    KEY vouchsafe_deferred_subject (namespace, subject, client),
    KEY vouchsafe_deferred_end (namespace, retain_until),
    CHECK ((state = 1) = (grant_id IS NOT NULL))
) ENGINE = InnoDB;

-- One row for each subject about whom a request was made: who inserts one locks it, then counts.
CREATE TABLE IF NOT EXISTS vouchsafe_deferred_subjects (
    namespace  VARBINARY(255) NOT NULL,
    subject    VARBINARY(32)  NOT NULL,
    keep_until BIGINT         NOT NULL,
    PRIMARY KEY (namespace, subject),
    KEY vouchsafe_deferred_subjects_end (namespace, keep_until)
) ENGINE = InnoDB;

INSERT IGNORE INTO vouchsafe_schema (version, name) VALUES (2, 'deferred');
