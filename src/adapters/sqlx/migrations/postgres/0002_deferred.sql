-- Stores of vouchsafe, version 2: requests that a person answers elsewhere.
--
-- "id" is the hash of what the client polls with, "user_code" the keyed hash of what the person types. "state" is 0 while
-- the request waits, 1 when it was approved, 2 when it was denied. "hurried" says whether the last poll came too early.
-- "pace" is the interval in seconds.

CREATE TABLE vouchsafe_deferred (
    namespace    TEXT COLLATE "C" NOT NULL,
    id           BYTEA            NOT NULL,
    user_code    BYTEA,
    client       TEXT COLLATE "C" NOT NULL,
    subject      BYTEA,
    pace         BIGINT           NOT NULL,
    expires_at   BIGINT           NOT NULL,
    retain_until BIGINT           NOT NULL,
    state        BIGINT           NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2)),
    grant_id     BYTEA,
    polled_at    BIGINT,
    hurried      BIGINT           NOT NULL DEFAULT 0,
    used_at      BIGINT,
    secret       BYTEA            NOT NULL,
    payload      BYTEA            NOT NULL,
    PRIMARY KEY (namespace, id),
    CHECK ((state = 1) = (grant_id IS NOT NULL))
);

CREATE UNIQUE INDEX vouchsafe_deferred_user_code ON vouchsafe_deferred (namespace, user_code)
    WHERE user_code IS NOT NULL;
CREATE INDEX vouchsafe_deferred_subject ON vouchsafe_deferred (namespace, subject, client)
    WHERE subject IS NOT NULL AND state = 0;
CREATE INDEX vouchsafe_deferred_end ON vouchsafe_deferred (retain_until, namespace);

-- One row for each subject about whom a request was made: who inserts one locks it, then counts.
CREATE TABLE vouchsafe_deferred_subjects (
    namespace  TEXT COLLATE "C" NOT NULL,
    subject    BYTEA            NOT NULL,
    keep_until BIGINT           NOT NULL,
    PRIMARY KEY (namespace, subject)
);

CREATE INDEX vouchsafe_deferred_subjects_end ON vouchsafe_deferred_subjects (keep_until, namespace);

INSERT INTO vouchsafe_schema (version, name) VALUES (2, 'deferred');
