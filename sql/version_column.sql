-- Version columns: of type integer, without a value, at their end; and rows that come as a replica's.
SET client_min_messages = warning;
SET lockstep.actor = 'tester';
CREATE TABLE counted (id integer PRIMARY KEY, status text, lock_version integer NOT NULL DEFAULT 0);
SELECT lockstep.track('counted', version_column => 'lock_version');
SELECT lockstep.position() AS start \gset
INSERT INTO counted VALUES (1, 'open');
UPDATE counted SET status = 'a' RETURNING lock_version AS "1";
UPDATE counted SET status = 'b', lock_version = 1 RETURNING lock_version AS "2";
UPDATE counted SET status = 'c', lock_version = 3 RETURNING lock_version AS "3";
UPDATE counted SET status = 'd', lock_version = NULL RETURNING lock_version AS "4";
UPDATE counted SET lock_version = 4 RETURNING lock_version AS "4";
SELECT test.try('UPDATE counted SET status = ''e'', lock_version = 3');
SELECT test.try('UPDATE counted SET status = ''e'', lock_version = 6');
DELETE FROM counted;
SELECT op, key, version, "row" FROM test.feed(:'start');

-- At the end of the range there is no next version: an error, not a wrap.
INSERT INTO counted VALUES (2, 'last', 2147483647);
SELECT test.code('UPDATE counted SET status = ''more'' WHERE id = 2');
UPDATE counted SET status = 'last', lock_version = 2147483647 WHERE id = 2 RETURNING lock_version AS "2147483647";
CREATE TABLE endless (id integer PRIMARY KEY, status text, row_version bigint DEFAULT 9223372036854775806);
SELECT lockstep.track('endless');
INSERT INTO endless VALUES (1, 'open');
UPDATE endless SET status = 'last' RETURNING row_version AS "9223372036854775807";
SELECT test.code('UPDATE endless SET status = ''more''');
SELECT test.code('UPDATE endless SET status = ''more'', row_version = row_version');
DELETE FROM endless;

-- A row without a version (the column allowed NULL before): any UPDATE gives it one …
CREATE TABLE loose (id integer PRIMARY KEY, status text, row_version bigint);
INSERT INTO loose VALUES (1, 'open'), (2, 'open'), (3, 'open');
SELECT lockstep.track('loose');
SELECT lockstep.position() AS start \gset
-- … that changes something, or counts by itself. NULL, or the 0 as which the log has it, is not a version to go to.
UPDATE loose SET status = status WHERE id IN (1, 3) RETURNING row_version AS "null";
UPDATE loose SET row_version = NULL WHERE id IN (1, 3) RETURNING row_version AS "null";
UPDATE loose SET row_version = 0 WHERE id IN (1, 3) RETURNING row_version AS "null";
CREATE FUNCTION set_version() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.row_version := 7; RETURN NEW; END $$;
CREATE TRIGGER set_version BEFORE UPDATE ON loose FOR EACH ROW EXECUTE FUNCTION set_version();
UPDATE loose SET status = status WHERE id = 3 RETURNING row_version AS "null";
DROP TRIGGER set_version ON loose;
DROP FUNCTION set_version;
SELECT count(*) AS "0" FROM test.feed(:'start');
UPDATE loose SET row_version = 1 WHERE id = 3 RETURNING row_version AS "1";
UPDATE loose SET status = 'a' WHERE id = 1 RETURNING row_version AS "1";
UPDATE loose SET status = 'a', row_version = NULL WHERE id = 2 RETURNING row_version AS "1";
UPDATE loose SET status = 'a' WHERE id = 1 RETURNING row_version AS "2";
INSERT INTO loose VALUES (6, 'new');
DELETE FROM loose WHERE id = 6;
SELECT op, key, "row" FROM test.feed(:'start');

-- As a replica, rows are taken as they come, the version included, and they are logged.
SELECT lockstep.position() AS start \gset
INSERT INTO counted VALUES (3, 'open', 10);
SET session_replication_role = replica;
INSERT INTO counted VALUES (4, 'open', 20);
UPDATE counted SET status = 'from afar', lock_version = 5 WHERE id = 3 RETURNING lock_version AS "5";
UPDATE counted SET status = 'from farther', lock_version = 500 WHERE id = 3 RETURNING lock_version AS "500";
UPDATE counted SET status = 'unversioned' WHERE id = 3 RETURNING lock_version AS "501";
UPDATE counted SET lock_version = 400 WHERE id = 3 RETURNING lock_version AS "400";
DELETE FROM counted WHERE id = 4;
RESET session_replication_role;
UPDATE counted SET status = 'home' WHERE id = 3 RETURNING lock_version AS "401";
SELECT tx, op, key, version, "row", old FROM test.feed(:'start');

DROP TABLE counted, endless, loose;
