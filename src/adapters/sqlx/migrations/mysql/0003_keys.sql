-- Stores of vouchsafe, version 3: the signing keys that all nodes share, one row in each namespace.

CREATE TABLE IF NOT EXISTS vouchsafe_keys (
    namespace VARBINARY(255) NOT NULL,
    version   BIGINT         NOT NULL,
    secret    VARBINARY(4)   NOT NULL,
    payload   MEDIUMBLOB     NOT NULL,
    PRIMARY KEY (namespace)
) ENGINE = InnoDB;

INSERT IGNORE INTO vouchsafe_schema (version, name) VALUES (3, 'keys');
