-- Changes of the key: a delete of the old one and an insert of the new one, whose "old" holds the old key.
SET client_min_messages = warning;
CREATE TABLE t (region text, id integer, v text, PRIMARY KEY (region, id));
SELECT lockstep.track('t');
INSERT INTO t VALUES ('n', 1, 'a'), ('n', 2, 'b'), ('n', 3, 'c');

SELECT lockstep.position() AS start \gset
UPDATE t SET region = 's' WHERE id = 1;
UPDATE t SET id = 20, v = 'b2' WHERE id = 2;
UPDATE t SET region = region, id = id, v = 'c2' WHERE id = 3;
SELECT tx, op, key, version, "row", old FROM test.feed(:'start');

-- The version is checked with it.
SELECT lockstep.position() AS start \gset
SELECT test.code('UPDATE t SET id = 30, row_version = 1 WHERE id = 3');
UPDATE t SET id = 30, row_version = 2 WHERE id = 3;
UPDATE t SET id = 31, row_version = 4 WHERE id = 30;
SELECT tx, op, key, version, "row", old FROM test.feed(:'start');

-- Two rows change places, and come back.
SELECT lockstep.position() AS start \gset
BEGIN;
UPDATE t SET id = -1 WHERE id = 1;
UPDATE t SET id = 1 WHERE id = 20;
UPDATE t SET id = 20 WHERE id = -1;
COMMIT;
SELECT op, key, version, "row" ->> 'v' AS v, old FROM test.feed(:'start');
SELECT * FROM test.broken_promises(:'start');

-- Keys that are not the primary key; that are equal but written differently.
CREATE TABLE k (id integer PRIMARY KEY, code numeric NOT NULL UNIQUE, name text COLLATE "C" NOT NULL, at timestamptz NOT NULL, UNIQUE (name, at));
SELECT lockstep.track('k', key_columns => '{name,at}');
INSERT INTO k VALUES (1, 1.0, 'x', '2026-01-01 00:00+00');
SELECT lockstep.position() AS start \gset
UPDATE k SET id = 2;
UPDATE k SET at = '2026-01-01 02:00+02', code = 2;
UPDATE k SET name = 'X';
SET TimeZone = 'Asia/Tokyo';
SET DateStyle = 'German';
UPDATE k SET code = 3;
DELETE FROM k;
RESET TimeZone;
RESET DateStyle;
SELECT tx, op, key, version, "row", old FROM test.feed(:'start');

-- Of all types that a key may have: as the log writes them.
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TABLE m (a bigint, b uuid, c date, d mood, e bytea, f boolean, g numeric, PRIMARY KEY (a, b, c, d, e, f, g));
SELECT lockstep.track('m');
SELECT lockstep.position() AS start \gset
INSERT INTO m VALUES (9223372036854775807, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2026-02-28', 'glad', '\x00ff', true, 12345678901234567890.123456789);
SELECT key, "row" - 'row_version' = key AS "row has the same" FROM test.feed(:'start');

DROP TABLE t, k, m;
DROP TYPE mood;
