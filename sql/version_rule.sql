-- Row versions: every row of the table in docs/sql.md.
SET client_min_messages = warning;
CREATE TABLE orders (id integer PRIMARY KEY, status text, note text);
SELECT lockstep.track('orders');
INSERT INTO orders (id, status) VALUES (1, 'open');
INSERT INTO orders (id, status, row_version) VALUES (2, 'open', 7);
INSERT INTO orders (id, status, row_version) VALUES (3, 'open', 0), (4, 'open', -5);
-- A new row has the column's default, or what the INSERT says.
TABLE orders ORDER BY id;

SELECT lockstep.position() AS start \gset
-- Not mentioned: the version advances.
UPDATE orders SET status = 'a' WHERE id = 2 RETURNING row_version AS "8";
-- present + 1: accepted.
UPDATE orders SET status = 'b', row_version = 9 WHERE id = 2 RETURNING row_version AS "9";
UPDATE orders SET status = 'c', row_version = row_version + 1 WHERE id = 2 RETURNING row_version AS "10";
-- Equal: checked, and advances.
UPDATE orders SET status = 'd', row_version = 10 WHERE id = 2 RETURNING row_version AS "11";
UPDATE orders SET status = 'e', row_version = row_version WHERE id = 2 RETURNING row_version AS "12";
-- Lower: refused, whatever else is said.
SELECT test.code('UPDATE orders SET status = ''f'', row_version = 11 WHERE id = 2');
SELECT test.code('UPDATE orders SET status = ''f'', row_version = 0 WHERE id = 2');
SELECT test.code('UPDATE orders SET status = ''f'', row_version = -9223372036854775808 WHERE id = 2');
SELECT test.code('UPDATE orders SET status = ''f'', row_version = DEFAULT WHERE id = 2');
-- Higher than present + 1: refused.
SELECT test.code('UPDATE orders SET status = ''f'', row_version = 14 WHERE id = 2');
SELECT test.code('UPDATE orders SET status = ''f'', row_version = 9223372036854775807 WHERE id = 2');
-- NULL: as if not mentioned.
UPDATE orders SET status = 'g', row_version = NULL WHERE id = 2 RETURNING row_version AS "13";
-- All of them are in the log, once.
SELECT op, key, version, "row" ->> 'status' AS status, "row" -> 'row_version' AS row_version, old FROM test.feed(:'start');

-- An UPDATE that changes no other column: the version stays, nothing is logged …
SELECT lockstep.position() AS start \gset
UPDATE orders SET status = status WHERE id = 2 RETURNING row_version AS "13";
UPDATE orders SET status = 'g', note = NULL WHERE id = 2 RETURNING row_version AS "13";
UPDATE orders SET row_version = 13 WHERE id = 2 RETURNING row_version AS "13";
UPDATE orders SET status = 'g', row_version = 13 WHERE id = 2 RETURNING row_version AS "13";
UPDATE orders SET row_version = NULL WHERE id = 2 RETURNING row_version AS "13";
SELECT count(*) AS "0" FROM test.feed(:'start');
-- … but present + 1 is taken …
UPDATE orders SET row_version = 14 WHERE id = 2 RETURNING row_version AS "14";
UPDATE orders SET status = status, row_version = row_version + 1 WHERE id = 2 RETURNING row_version AS "15";
-- … and a stale version, or one that never was, is refused all the same.
SELECT test.code('UPDATE orders SET row_version = 14 WHERE id = 2');
SELECT test.code('UPDATE orders SET status = status, row_version = 14 WHERE id = 2');
SELECT test.code('UPDATE orders SET row_version = 17 WHERE id = 2');
-- So a reader's copy is of version 15.
SELECT version, "row" -> 'row_version' AS row_version FROM test.feed(:'start') ORDER BY version;

-- Values, not their text, are compared; but two texts that differ in any byte differ.
CREATE TABLE measures (id integer PRIMARY KEY, amount numeric, at timestamptz, doc jsonb, raw json, name char(5));
SELECT lockstep.track('measures');
INSERT INTO measures VALUES (1, 1.0, '2026-01-01 12:00+00', '{"a": 1, "b": 2}', '{"a":1}', 'x');
UPDATE measures SET at = '2026-01-01 14:00+02', doc = '{"b": 2, "a": 1}', name = 'x    ' RETURNING row_version AS "1";
UPDATE measures SET raw = '{"a": 1}' RETURNING row_version AS "2";
UPDATE measures SET amount = NULL RETURNING row_version AS "3";
UPDATE measures SET amount = NULL RETURNING row_version AS "3";

-- Numbers below one are versions like others.
UPDATE orders SET status = 'x' WHERE id = 3 RETURNING row_version AS "1";
UPDATE orders SET status = 'x', row_version = -5 WHERE id = 4 RETURNING row_version AS "-4";
UPDATE orders SET status = 'y', row_version = -3 WHERE id = 4 RETURNING row_version AS "-3";

-- A key that is deleted and inserted again begins a new life, with version 1.
DELETE FROM orders WHERE id = 2;
INSERT INTO orders (id, status) VALUES (2, 'anew') RETURNING row_version AS "1";

-- A version tested in WHERE: UPDATE 0 when it is stale.
\set QUIET off
UPDATE orders SET status = 'h' WHERE id = 2 AND row_version = 15;
UPDATE orders SET status = 'h' WHERE id = 2 AND row_version = 1;
DELETE FROM orders WHERE id = 2 AND row_version = 1;
\set QUIET on

-- Writes of one's own transaction count like those of others.
BEGIN;
INSERT INTO orders (id, status) VALUES (5, 'open');
UPDATE orders SET status = 'a', row_version = 1 WHERE id = 5 RETURNING row_version AS "2";
UPDATE orders SET status = 'b', row_version = 2 WHERE id = 5 RETURNING row_version AS "3";
SELECT test.code('UPDATE orders SET status = ''c'', row_version = 2 WHERE id = 5');
ROLLBACK;

DROP TABLE orders, measures;
