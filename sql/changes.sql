-- lockstep.changes(): from where to where, page by page, and what it refuses.
SET client_min_messages = warning;
CREATE TABLE t (id integer PRIMARY KEY, v text);
SELECT lockstep.track('t');

-- Transactions of one, two, three … changes, a position before each.
SELECT lockstep.position() AS p0 \gset
INSERT INTO t VALUES (11, 'x');
SELECT lockstep.position() AS p1 \gset
INSERT INTO t VALUES (21, 'x'), (22, 'x');
SELECT lockstep.position() AS p2 \gset
INSERT INTO t VALUES (31, 'x'), (32, 'x'), (33, 'x');
SELECT lockstep.position() AS p3 \gset
INSERT INTO t VALUES (41, 'x');
SELECT lockstep.position() AS p4 \gset

CREATE FUNCTION pg_temp.ids(since lockstep.position, upto lockstep.position, max_changes integer) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(key ->> 'id' || CASE WHEN position IS NULL THEN '' ELSE '.' END, ' ' ORDER BY ordinality), 'nothing')
	FROM lockstep.changes(since, upto, max_changes) WITH ORDINALITY AS c $$;

-- From anywhere to anywhere.
SELECT s AS since, u AS upto, pg_temp.ids(since.p, upto.p, NULL)
FROM (VALUES (0, :'p0'::lockstep.position), (1, :'p1'), (2, :'p2'), (3, :'p3'), (4, :'p4')) AS since (s, p),
	(VALUES (0, :'p0'::lockstep.position), (1, :'p1'), (2, :'p2'), (3, :'p3'), (4, :'p4')) AS upto (u, p) ORDER BY s, u;
-- Left out, upto is now; so is NULL.
SELECT count(*) AS "7" FROM lockstep.changes(:'p0');
SELECT count(*) AS "7" FROM lockstep.changes(since => :'p0', upto => NULL);
SELECT count(*) AS "4" FROM lockstep.changes(since => :'p2', max_changes => 1000);

-- Whole transactions until there are that many changes; one that is larger comes whole.
SELECT n AS max_changes, pg_temp.ids(:'p0', :'p4', n) FROM unnest(ARRAY[1, 2, 3, 4, 5, 6, 7, 8, 2147483647]) AS n;
SELECT n AS max_changes, pg_temp.ids(:'p2', :'p4', n) FROM generate_series(1, 4) AS n;
-- Page by page: each begins where the one before ended.
WITH RECURSIVE page AS (
	SELECT 0 AS n, :'p0'::text AS place, '' AS ids
	UNION ALL
	SELECT page.n + 1, c.place, c.ids FROM page CROSS JOIN LATERAL (
		SELECT max(position::text) FILTER (WHERE position IS NOT NULL) AS place, string_agg(key ->> 'id', ' ') AS ids
		FROM lockstep.changes(page.place::lockstep.position, :'p4', 1)) AS c
	WHERE page.place IS NOT NULL AND page.n < 9)
SELECT n, ids, place IS NULL AS "the end" FROM page WHERE n > 0;
-- The last position of all sees as much as upto.
SELECT lockstep.covers(position, :'p4') AS covers FROM lockstep.changes(:'p0', :'p4') WITH ORDINALITY ORDER BY ordinality DESC LIMIT 1;
-- And a chain of positions sees each transaction once.
SELECT string_agg(lockstep.sees(a.position, b.xid)::text, ' ' ORDER BY b.ordinality) FROM
	(SELECT * FROM lockstep.changes(:'p0', :'p4') WITH ORDINALITY WHERE position IS NOT NULL) a,
	(SELECT * FROM lockstep.changes(:'p0', :'p4') WITH ORDINALITY WHERE position IS NOT NULL) b GROUP BY a.ordinality ORDER BY a.ordinality;
SELECT * FROM test.broken_promises(:'p0');

-- Parts that follow one another are the whole.
SELECT pg_temp.ids(:'p0', :'p2', NULL) || ' ' || pg_temp.ids(:'p2', :'p4', NULL) = pg_temp.ids(:'p0', :'p4', NULL) AS whole;
-- seq grows with each change, ordinal with each of a transaction.
SELECT bool_and(seq > before) AS "seq grows" FROM (SELECT seq, lag(seq) OVER (ORDER BY ordinality) AS before FROM lockstep.changes(:'p0', :'p4') WITH ORDINALITY) c;

-- Nothing new.
SELECT count(*) AS "0" FROM lockstep.changes(lockstep.position());
SELECT count(*) AS "0" FROM lockstep.changes(:'p4');
-- Other transactions of the database do not get in the way.
CREATE TABLE untracked (id integer);
INSERT INTO untracked VALUES (1);
SELECT count(*) AS "0" FROM lockstep.changes(:'p4');

-- What it refuses.
SELECT test.code('SELECT * FROM lockstep.changes(NULL)') AS "22004";
SELECT test.code(format('SELECT * FROM lockstep.changes(%L, max_changes => 0)', :'p0')) AS "22023";
SELECT test.code(format('SELECT * FROM lockstep.changes(%L, max_changes => -1)', :'p0')) AS "22023";
SELECT test.code('SELECT * FROM lockstep.changes(''garbage'')') AS "22P02";
SELECT test.code(format('SELECT * FROM lockstep.changes(%L, ''garbage'')', :'p0')) AS "22P02";
-- Another system, another database, another timeline; a place in the WAL that was not reached yet, so that it is from a life that was lost.
CREATE FUNCTION pg_temp.with(place lockstep.position, part integer, value text) RETURNS text LANGUAGE sql AS $$
	SELECT array_to_string(p[:part - 1] || value || p[part + 1:], '-') FROM string_to_array(place::text, '-') AS p $$;
SELECT part, test.code(format('SELECT * FROM lockstep.changes(%L)', pg_temp.with(:'p0', n, value))) AS since,
	test.code(format('SELECT * FROM lockstep.changes(%L, %L)', :'p0', pg_temp.with(:'p4', n, value))) AS upto
FROM (VALUES ('system', 2, '1'), ('database', 3, '1'), ('timeline', 4, '99'), ('timeline', 4, '0'), ('lsn', 5, 'ffffffff00000000')) AS v (part, n, value);
-- Transactions that never began cannot have been seen.
SELECT test.code(format('SELECT * FROM lockstep.changes(%L)', regexp_replace(:'p0', '-\d+-\d+-[\d,]*$', '-900000000-900000000-')));
SELECT test.try(format('SELECT * FROM lockstep.changes(%L)', pg_temp.with(:'p0', 3, '1')));

-- A snapshot older than upto: it would not see all that it is asked for.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM t;
SELECT test.code(format('SELECT * FROM lockstep.changes(%L, ''%s'')', :'p0',
	regexp_replace(lockstep.position()::text, '-\d+-(\d+)-[\d,]*$', '-' || (pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 1) || '-' || (pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 1) || '-'))) AS "55000";
ROLLBACK;

-- From the feed back into SQL: joined, in a subquery, in a cursor, in a function.
SELECT count(*) AS "7" FROM lockstep.changes(:'p0', :'p4') c JOIN t ON t.id = (c.key ->> 'id')::integer;
SELECT (SELECT count(*) FROM lockstep.changes(p, :'p4')) FROM (VALUES (:'p0'::lockstep.position), (:'p3')) v (p);
BEGIN;
DECLARE c CURSOR FOR SELECT key FROM lockstep.changes(:'p0', :'p4');
FETCH 2 FROM c;
INSERT INTO t VALUES (51, 'x');
FETCH 2 FROM c;
CLOSE c;
ROLLBACK;

DROP TABLE t, untracked;
