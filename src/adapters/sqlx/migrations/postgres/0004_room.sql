-- Stores of vouchsafe, version 4: room in the pages, and no checks of what is issued.
--
-- A grant changes with each use of its refresh token, a code once, and a request with each poll. Where its page has room, the
-- new version of such a row goes beside the old one, and no index is written. Pages that are full already stay so.
--
-- A check is read from its text anew by each statement that writes: a seventh of what a refresh costs the server. The statements
-- keep what those of "vouchsafe_issued" said: kinds are 0, 1 and 2; what is not a token alone has "created_at"; a family comes
-- with "seq" and "idle_until".
--
-- Whoever waits here for a long reader holds up everybody else, so it is given up after five seconds, to be tried again.

SET LOCAL lock_timeout = '5s';

ALTER TABLE vouchsafe_issued SET (fillfactor = 80);
ALTER TABLE vouchsafe_codes SET (fillfactor = 50);
ALTER TABLE vouchsafe_deferred SET (fillfactor = 50);

ALTER TABLE vouchsafe_issued
    DROP CONSTRAINT IF EXISTS vouchsafe_issued_kind_check,
    DROP CONSTRAINT IF EXISTS vouchsafe_issued_check,
    DROP CONSTRAINT IF EXISTS vouchsafe_issued_check1;

INSERT INTO vouchsafe_schema (version, name) VALUES (4, 'room');
