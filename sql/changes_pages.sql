-- Pages of the feed, of any size, are the feed: also while transactions with low numbers are still open, as prepared ones are here.
SET client_min_messages = warning;
CREATE TABLE page (id integer PRIMARY KEY, n integer);
SELECT lockstep.track('page');
-- Reads from `since` to the end in pages; returns what came, whether all of it was whole transactions, and where it ended.
CREATE FUNCTION pg_temp.walk(since lockstep.position, size integer, OUT seqs bigint[], OUT pages integer, OUT too_long integer, OUT reached lockstep.position)
LANGUAGE plpgsql AS $$
DECLARE
	got bigint[];
	next lockstep.position;
BEGIN
	seqs := '{}'; pages := 0; too_long := 0; reached := since;
	LOOP
		SELECT array_agg(c.seq ORDER BY c.place), (array_agg(c.position ORDER BY c.place DESC))[1]
		INTO got, next FROM lockstep.changes(reached, max_changes => size)
			WITH ORDINALITY AS c (xid, seq, at, table_name, op, key, version, "row", old, actor, client, reason, verified, position, ordinal, relid, omitted, place);
		EXIT WHEN got IS NULL;
		seqs := seqs || got; pages := pages + 1; reached := next;
		too_long := too_long + (cardinality(got) > size + 2)::integer; -- the longest transaction here has three changes
	END LOOP;
END $$;
-- Twenty transactions, three of which stay open and one of which is rolled back.
CREATE PROCEDURE pg_temp.write(number integer) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 1 + number % 3 LOOP
		INSERT INTO page VALUES (number * 10 + i, 0);
	END LOOP;
END $$;
SELECT lockstep.position() AS start \gset
SELECT format('BEGIN; CALL pg_temp.write(%s); %s', n, CASE WHEN n IN (3, 9, 10) THEN format('PREPARE TRANSACTION ''page %s''', n) WHEN n = 6 THEN 'ROLLBACK' ELSE 'COMMIT' END)
FROM generate_series(1, 20) n \gexec
CREATE TEMPORARY TABLE walks AS SELECT size, (w).* FROM unnest(ARRAY[1, 2, 3, 5, 8, 13, 1000]) size, LATERAL (SELECT pg_temp.walk(:'start', size) AS w) walked;
SELECT size, cardinality(seqs) AS changes, pages, too_long, seqs = (SELECT array_agg(seq) FROM lockstep.changes(:'start')) AS "as in one go",
	lockstep.covers(reached, lockstep.position()) AND lockstep.covers(lockstep.position(), reached) AS "all that is there" FROM walks ORDER BY size;
-- What stayed open comes to each of them once, behind what they have, wherever they stand; two of three are committed first.
COMMIT PREPARED 'page 10';
COMMIT PREPARED 'page 3';
UPDATE page SET n = 1 WHERE id > 100;
SELECT size, more.pages, too_long = 0 AS "whole", more.seqs && walks.seqs AS again, more.seqs = (SELECT array_agg(seq) FROM lockstep.changes(walks.reached)) AS "as in one go"
FROM walks, LATERAL (SELECT (w).* FROM (SELECT pg_temp.walk(walks.reached, walks.size) AS w) x) AS more (seqs, pages, long, reached) ORDER BY size;
COMMIT PREPARED 'page 9';
SELECT size, array_length((SELECT seqs FROM pg_temp.walk(walks.reached, walks.size)), 1) + cardinality(seqs) = (SELECT count(*) FROM lockstep.changes(:'start')) AS "every change"
FROM walks ORDER BY size;
-- A page from elsewhere in between does not disturb the one who goes on.
SELECT position AS first FROM lockstep.changes(:'start', max_changes => 1) WHERE position IS NOT NULL \gset
SELECT count(*) FROM lockstep.changes((SELECT reached FROM walks WHERE size = 5), max_changes => 2);
SELECT (SELECT seqs FROM pg_temp.walk(:'first', 1)) = (SELECT array_agg(seq) FROM lockstep.changes(:'first')) AS "as in one go";
DROP TABLE page;
