-- What a look at the feed costs, counted in pages that it touches: not more where much lies in the log of which nothing is to be delivered.
SET client_min_messages = warning;
CREATE TABLE heavy (id integer PRIMARY KEY, n integer);
SELECT lockstep.track('heavy');
CREATE FUNCTION pg_temp.pages(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE query; -- what is cached shall not count
	EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ' || query INTO plan;
	RETURN (plan -> 0 -> 'Plan' ->> 'Shared Hit Blocks')::bigint + (plan -> 0 -> 'Plan' ->> 'Shared Read Blocks')::bigint;
END $$;
CREATE FUNCTION pg_temp.look(since lockstep.position) RETURNS bigint LANGUAGE sql AS $$
	SELECT pg_temp.pages(format('SELECT * FROM lockstep.changes(%L)', since)) $$;
INSERT INTO heavy VALUES (0, 0);

-- A large transaction that was rolled back, between two that were not; and at the end.
SELECT lockstep.position() AS before \gset
BEGIN;
INSERT INTO heavy SELECT n, 0 FROM generate_series(1, 20000) n;
ROLLBACK;
SELECT pg_temp.pages('SELECT lockstep.position()') < 30 AS "position() costs little";
SELECT pg_temp.look(:'before') < 30 AS "an empty look costs little";
UPDATE heavy SET n = 1 WHERE id = 0;
SELECT count(*) AS "1" FROM lockstep.changes(:'before');
SELECT pg_temp.look(:'before') < 40 AS "so does a look past it";

-- One that is prepared and stays so: also for who still has to see it, and when it is rolled back at last.
BEGIN;
INSERT INTO heavy SELECT n, 0 FROM generate_series(1, 20000) n;
PREPARE TRANSACTION 'heavy';
SELECT lockstep.position() AS during \gset
UPDATE heavy SET n = 2 WHERE id = 0;
SELECT lockstep.position() AS behind \gset
SELECT count(*) AS "1" FROM lockstep.changes(:'during');
SELECT pg_temp.look(:'during') < 40 AS "from before it", pg_temp.look(:'behind') < 30 AS "from behind it", pg_temp.pages('SELECT lockstep.position()') < 30 AS "position()";
ROLLBACK PREPARED 'heavy';
SELECT count(*) AS "0" FROM lockstep.changes(:'behind');
SELECT pg_temp.look(:'during') < 40 AS "from before it", pg_temp.look(:'behind') < 40 AS "from behind it", pg_temp.pages('SELECT lockstep.position()') < 30 AS "position()";

-- Rolled back to a savepoint, in one that was committed: the part that counts comes.
SELECT lockstep.position() AS before \gset
BEGIN;
UPDATE heavy SET n = 3 WHERE id = 0;
SAVEPOINT s;
INSERT INTO heavy SELECT n, 0 FROM generate_series(1, 20000) n;
ROLLBACK TO s;
UPDATE heavy SET n = 4 WHERE id = 0;
COMMIT;
SELECT op, version FROM lockstep.changes(:'before');

-- Rows of one page are read with one look at it.
SELECT lockstep.position() AS before \gset
INSERT INTO heavy SELECT n, 0 FROM generate_series(1, 5000) n;
SELECT count(*) AS "5000" FROM lockstep.changes(:'before');
SELECT pg_temp.look(:'before') < 1000 AS "pages, not rows";

DROP TABLE heavy;
