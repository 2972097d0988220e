-- Stores of vouchsafe, version 3: the signing keys that all nodes share, one row in each namespace.

CREATE TABLE vouchsafe_keys (
    namespace TEXT    NOT NULL,
    version   INTEGER NOT NULL,
    secret    BLOB    NOT NULL,
    payload   BLOB    NOT NULL,
    PRIMARY KEY (namespace)
) STRICT;

INSERT INTO vouchsafe_schema (version, name) VALUES (3, 'keys');
