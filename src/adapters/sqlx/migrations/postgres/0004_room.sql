-- Stores of vouchsafe, version 4: room in the pages, and no checks of each row that is written.
--
-- A grant changes with each use of its refresh token, and a code or a request once or a few times. Where its page has room,
-- the new version of the row goes beside the old one, and no index is written. Pages that are full already stay so.
--
-- A check is read from its text anew by each statement that writes: a fifth of what writing a token costs. The statements
-- keep what they said: kinds are 0, 1 and 2; what is not a token alone has "created_at"; a family comes with "seq" and
-- "idle_until".

ALTER TABLE vouchsafe_issued SET (fillfactor = 80);
ALTER TABLE vouchsafe_codes SET (fillfactor = 50);
ALTER TABLE vouchsafe_deferred SET (fillfactor = 50);

ALTER TABLE vouchsafe_issued
    DROP CONSTRAINT IF EXISTS vouchsafe_issued_kind_check,
    DROP CONSTRAINT IF EXISTS vouchsafe_issued_check,
    DROP CONSTRAINT IF EXISTS vouchsafe_issued_check1;

INSERT INTO vouchsafe_schema (version, name) VALUES (4, 'room');
