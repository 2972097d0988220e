-- Stores of vouchsafe, version 2: requests that a person answers elsewhere.
--
-- "id" is the hash of what the client polls with, "user_code" the keyed hash of what the person types. "state" is 0 while
-- the request waits, 1 when it was approved, 2 when it was denied. "hurried" says whether the last poll came too early.
-- "pace" is the interval in seconds.

CREATE TABLE vouchsafe_deferred (
    namespace    TEXT    NOT NULL,
    id           BLOB    NOT NULL,
    user_code    BLOB,
    client       TEXT    NOT NULL,
    subject      BLOB,
    pace         INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    retain_until INTEGER NOT NULL,
    state        INTEGER NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2)),
    grant_id     BLOB,
    polled_at    INTEGER,
    hurried      INTEGER NOT NULL DEFAULT 0,
    used_at      INTEGER,
    secret       BLOB    NOT NULL,
    payload      BLOB    NOT NULL,
    PRIMARY KEY (namespace, id),
    CHECK ((state = 1) = (grant_id IS NOT NULL))
) STRICT;

CREATE UNIQUE INDEX vouchsafe_deferred_user_code ON vouchsafe_deferred (namespace, user_code)
    WHERE user_code IS NOT NULL;
CREATE INDEX vouchsafe_deferred_subject ON vouchsafe_deferred (namespace, subject, client)
    WHERE subject IS NOT NULL AND state = 0;
CREATE INDEX vouchsafe_deferred_end ON vouchsafe_deferred (namespace, retain_until);

INSERT INTO vouchsafe_schema (version, name) VALUES (2, 'deferred');
