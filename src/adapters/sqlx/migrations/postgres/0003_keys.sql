-- Stores of vouchsafe, version 3: the signing keys that all nodes share, one row in each namespace.

CREATE TABLE vouchsafe_keys (
    namespace TEXT COLLATE "C" NOT NULL,
    version   BIGINT           NOT NULL,
    secret    BYTEA            NOT NULL,
    payload   BYTEA            NOT NULL,
    PRIMARY KEY (namespace)
);

INSERT INTO vouchsafe_schema (version, name) VALUES (3, 'keys');
