-- Positions: their text, sees(), covers(), and what lockstep.position() sees.
SET client_min_messages = warning;
CREATE TABLE t (id integer PRIMARY KEY, v text);
SELECT lockstep.track('t');

-- The text is kept as it is.
SELECT lockstep.position()::text ~ '^p1-[0-9a-f]+-\d+-\d+-[0-9a-f]+-\d+-\d+-(\d+(,\d+)*)?$' AS "has its form";
SELECT p::text::lockstep.position::text = p::text AS same FROM lockstep.position() p;
SELECT 'p1-1-2-3-4-5-9-5,7'::lockstep.position, 'p1-ffffffffffffffff-4294967295-4294967295-ffffffffffffffff-18446744073709551614-18446744073709551614-'::lockstep.position;
CREATE TABLE kept (p lockstep.position);
INSERT INTO kept SELECT lockstep.position();
INSERT INTO kept VALUES ('p1-1-2-3-4-5-9-5,7'), (NULL);
SELECT p IS NULL AS "NULL", p::text LIKE 'p1-%' AS position FROM kept;
COPY (SELECT p FROM kept WHERE p::text LIKE '%5,7') TO stdout;
DROP TABLE kept;
-- A long one.
SELECT length(('p1-1-2-3-4-1-100001-' || string_agg(i::text, ',' ORDER BY i))::lockstep.position::text) AS length,
	lockstep.sees(('p1-1-2-3-4-1-100001-' || string_agg(i::text, ',' ORDER BY i))::lockstep.position, '100000') AS sees FROM generate_series(1, 100000) i;

-- What is none.
SELECT text, test.code(format('SELECT %L::lockstep.position', text)) FROM (VALUES
	(''), (' '), ('p1'), ('p1-'), ('garbage'), ('p2-1-2-3-4-5-5-'), ('P1-1-2-3-4-5-5-'), (' p1-1-2-3-4-5-5-'), ('p1-1-2-3-4-5-5- '),
	('p1-1-2-3-4-5-5'), ('p1-1-2-3-4-5-'), ('p1-1-2-3-4-5-5-5-'), ('p1-g-2-3-4-5-5-'), ('p1-1-x-3-4-5-5-'), ('p1--2-3-4-5-5-'), ('p1-1--3-4-5-5-'),
	('p1-1-2-3-4--5-5-'), ('p1-+1-2-3-4-5-5-'), ('p1-0x1-2-3-4-5-5-'),
	('p1-1-4294967296-3-4-5-5-'), ('p1-1-2-4294967296-4-5-5-'), ('p1-10000000000000000-2-3-4-5-5-'), ('p1-1-2-3-4-18446744073709551616-18446744073709551616-'),
	('p1-1-2-3-4-6-5-'), ('p1-1-2-3-4-5-6-'), ('p1-1-2-3-4-5-9-5,'), ('p1-1-2-3-4-5-9-,5'), ('p1-1-2-3-4-5-9-5,,7'), ('p1-1-2-3-4-5-9-7,5'), ('p1-1-2-3-4-5-9-5,5'),
	('p1-1-2-3-4-5-9-6'), ('p1-1-2-3-4-5-9-5,9'), ('p1-1-2-3-4-5-9-4,5'), ('p1-1-2-3-4-5-9-5;7'), ('p1-1-2-3-4-5-9-5-7'), ('p1-1-2-3-4-5-9-5,x')) AS v (text);

-- sees(): all below xmax that was not running.
SELECT xid, lockstep.sees('p1-1-2-3-4-5-9-5,7', xid::text::xid8) FROM generate_series(3, 11) AS xid;
SELECT lockstep.sees(NULL, '5') IS NULL AS "NULL", lockstep.sees('p1-1-2-3-4-5-9-5,7', NULL) IS NULL AS "NULL";
SELECT lockstep.sees('p1-1-2-3-4-18446744073709551614-18446744073709551614-', '18446744073709551613') AS t,
	lockstep.sees('p1-1-2-3-4-18446744073709551614-18446744073709551614-', '18446744073709551614') AS f;
-- covers(): not an order; each may know what the other does not.
WITH p (name, place) AS (VALUES ('up to 5', 'p1-1-2-3-4-5-5-'::lockstep.position), ('up to 9', 'p1-1-2-3-4-9-9-'), ('9 without 5', 'p1-1-2-3-4-5-9-5'),
	('9 without 7', 'p1-1-2-3-4-7-9-7'), ('9 without 5, 7', 'p1-1-2-3-4-5-9-5,7'), ('9 without 5 to 8', 'p1-1-2-3-4-5-9-5,6,7,8'), ('up to 5, later in the WAL', 'p1-1-2-3-ff-5-5-'))
SELECT a.name AS position, string_agg(b.name, '; ' ORDER BY b.name) AS covers FROM p a JOIN p b ON lockstep.covers(a.place, b.place) GROUP BY a.name ORDER BY a.name;
SELECT lockstep.covers(NULL, 'p1-1-2-3-4-5-5-') IS NULL AS "NULL", lockstep.covers('p1-1-2-3-4-5-5-', NULL) IS NULL AS "NULL";

-- One's own transaction is not seen, before and after it writes.
BEGIN;
SELECT lockstep.position() AS before \gset
INSERT INTO t VALUES (1, 'a');
SELECT lockstep.position() AS during \gset
SELECT lockstep.sees(:'before', pg_current_xact_id()) AS before, lockstep.sees(:'during', pg_current_xact_id()) AS during;
SAVEPOINT a;
UPDATE t SET v = 'b';
SELECT lockstep.position() AS nested \gset
SELECT lockstep.sees(:'nested', pg_current_xact_id()) AS nested;
RELEASE a;
SELECT pg_current_xact_id() AS xid \gset
COMMIT;
SELECT lockstep.position() AS after \gset
SELECT lockstep.sees(:'after', :'xid') AS after, lockstep.covers(:'after', :'during') AS "covers what was", lockstep.covers(:'during', :'after') AS "not the other way";
SELECT op, version FROM test.feed(:'before');
SELECT op, version FROM test.feed(:'during');
SELECT op, version FROM test.feed(:'nested');
SELECT count(*) AS "0" FROM test.feed(:'after');

-- One that was rolled back may be called seen or not; there is nothing of it.
BEGIN;
INSERT INTO t VALUES (2, 'no');
SELECT lockstep.position() AS aborted \gset
ROLLBACK;
SELECT count(*) AS "0" FROM test.feed(:'aborted');

-- Stable in a statement; and in a transaction that keeps its snapshot.
SELECT count(DISTINCT lockstep.position()::text) AS "1" FROM generate_series(1, 3);
SELECT lockstep.position() AS start \gset
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM t;
SELECT lockstep.position() AS one \gset
INSERT INTO t VALUES (3, 'c');
SELECT lockstep.position() AS two \gset
SELECT lockstep.covers(:'one', :'two') AND lockstep.covers(:'two', :'one') AS same;
SELECT count(*) AS "0" FROM test.feed(:'start');
COMMIT;
SELECT op, key FROM test.feed(:'one');

-- Rows and position of one snapshot fit together.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT array_agg(id ORDER BY id) FROM t;
SELECT lockstep.position() AS place \gset
COMMIT;
INSERT INTO t VALUES (4, 'd');
SELECT op, key FROM test.feed(:'place');

-- Anyone may ask for a position.
CREATE ROLE regress_lockstep_user;
SET ROLE regress_lockstep_user;
SELECT lockstep.position() IS NOT NULL AS allowed;
RESET ROLE;
DROP ROLE regress_lockstep_user;
DROP TABLE t;
