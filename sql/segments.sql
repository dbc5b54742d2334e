-- The log's segments: rotated, closed, left out, dropped; and a log that is full.
CREATE TABLE seg (id integer PRIMARY KEY, v text);
SELECT lockstep.track('seg');
-- The worker may hold a lock for a moment: until only the newest is open, and, where asked, there is no other.
CREATE FUNCTION test.settle_segments(dropped boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	LOOP
		PERFORM lockstep.maintain();
		EXIT WHEN (SELECT count(*) FROM lockstep.segment WHERE dropped OR closed_at IS NULL) = 1;
		PERFORM pg_sleep(0.01);
	END LOOP;
END
$$;
SET lockstep.segment_age = '1s';
SET lockstep.log_retention = 0;
SELECT test.settle_segments(dropped => true);
RESET lockstep.log_retention;
RESET lockstep.segment_age;

SELECT lockstep.position() AS start \gset
INSERT INTO seg SELECT i, repeat('x', 100) FROM generate_series(1, 500) i;
UPDATE seg SET v = 'later' WHERE id = 1;
SET lockstep.segment_size = '64kB';
SELECT test.settle_segments(dropped => false);
RESET lockstep.segment_size;
-- Nothing is due: nothing is done.
SELECT lockstep.maintain();
INSERT INTO seg VALUES (501, 'second');

-- What the catalogue says of a closed segment is so.
SELECT s.changes, s.changes = count(*) AS counted, s.first_xid = min(c.xid) AND s.last_xid = max(c.xid) AS xids,
	s.first_seq = min(c.seq) AND s.last_seq = max(c.seq) AS seqs, s.first_era = min(c.era) AND s.last_era = max(c.era) AS eras,
	s.bytes = pg_total_relation_size(s.relation) AS bytes
FROM lockstep.segment s JOIN lockstep.change c ON c.segment = s.number WHERE s.closed_at IS NOT NULL GROUP BY s.number;
SELECT count(*) FILTER (WHERE closed_at IS NULL) AS open, count(*) FILTER (WHERE closed_at IS NOT NULL) AS closed FROM lockstep.segment;
-- Append-only: vacuumed once it is closed, to freeze it, and not before.
SELECT s.closed_at IS NOT NULL AS closed, r.relkind, o.option FROM lockstep.segment s
	JOIN pg_class c ON c.oid = s.relation JOIN pg_class r ON r.oid IN (c.oid, c.reltoastrelid), unnest(r.reloptions) AS o (option) ORDER BY 1, 2, 3;
SELECT s.closed_at IS NOT NULL AS closed, i.indkey FROM lockstep.segment s JOIN pg_index i ON i.indrelid = s.relation ORDER BY s.number, i.indkey::text;

-- The feed goes on over both; and whom the closed one cannot concern does not open it.
SELECT count(*), count(DISTINCT xid) FROM lockstep.changes(:'start');
SELECT * FROM test.broken_promises(:'start');
BEGIN;
SELECT count(*) FROM lockstep.changes(lockstep.position());
SELECT count(*) AS "closed segments opened" FROM pg_locks l JOIN lockstep.segment s ON s.relation = l.relation
WHERE l.pid = pg_backend_pid() AND s.closed_at IS NOT NULL;
SELECT count(*) FROM lockstep.changes(:'start');
SELECT count(*) AS "closed segments opened" FROM pg_locks l JOIN lockstep.segment s ON s.relation = l.relation
WHERE l.pid = pg_backend_pid() AND s.closed_at IS NOT NULL;
COMMIT;

-- A conflict finds its story in a closed segment, in an open one, and in one that lost its index.
SET lockstep.actor = 'ann';
SELECT * FROM test.try('UPDATE seg SET v = ''stale'', row_version = 1 WHERE id = 1');
UPDATE seg SET v = 'open' WHERE id = 501;
SELECT * FROM test.try('UPDATE seg SET v = ''stale'', row_version = 1 WHERE id = 501');
DO $$
DECLARE
	by_key CONSTANT regclass := (SELECT i.indexrelid FROM lockstep.segment s JOIN pg_index i ON i.indrelid = s.relation WHERE i.indkey::text = '7 5');
BEGIN
	EXECUTE format('DROP INDEX %s', by_key);
END
$$;
SELECT * FROM test.try('UPDATE seg SET v = ''stale'', row_version = 1 WHERE id = 1');
RESET lockstep.actor;

-- doctor() tells what nobody looks after, though it says so only after a while.
CREATE VIEW pg_temp.ill AS SELECT regexp_replace(name, '\d+', 'N') AS name, status,
	regexp_replace(detail, '\d\S* (kB|MB|GB)|\d+-\d+-\d+ \d+:\d+:\d+', 'N', 'g') AS detail, hint IS NOT NULL AS hint
FROM lockstep.doctor() WHERE name = 'log' OR name LIKE 'segment %';
BEGIN;
INSERT INTO seg SELECT i, repeat('x', 500) FROM generate_series(1000, 1500) i;
SELECT count(*) > 500 AS written FROM lockstep.change;
SELECT * FROM pg_temp.ill;
SET LOCAL lockstep.segment_size = '64kB';
SELECT * FROM pg_temp.ill;
SET LOCAL lockstep.segment_size = '1GB';
UPDATE lockstep.segment SET opened_at = opened_at - interval '3 days';
SELECT * FROM pg_temp.ill;
UPDATE lockstep.segment SET closed_at = NULL;
SELECT * FROM pg_temp.ill WHERE detail LIKE 'was followed%';
ROLLBACK;
BEGIN;
SET LOCAL lockstep.log_retention = '5min';
UPDATE lockstep.segment SET closed_at = closed_at - interval '1 h', last_at = last_at - interval '1 h';
SELECT * FROM pg_temp.ill WHERE name <> 'log';
ROLLBACK;
SET lockstep.max_log_size = '1kB';
SELECT * FROM pg_temp.ill WHERE name = 'log';
SET lockstep.log_full = 'refuse';
SELECT * FROM pg_temp.ill WHERE name = 'log';
SELECT set_config('lockstep.max_log_size', (lockstep.log_bytes() / 1024 + 1)::text, false) <> '' AS "just above";
SELECT * FROM pg_temp.ill WHERE name = 'log';

-- A cap: refuse.
SET lockstep.max_log_size = '64kB';
SET lockstep.log_full = 'refuse';
SELECT regexp_replace(outcome, 'takes \d+', 'takes N') FROM test.try('INSERT INTO seg VALUES (600)');
SELECT count(*) FROM seg WHERE id = 600;
-- Out of it: another cap, or the oldest go.
SET lockstep.max_log_size = '1GB';
SELECT * FROM test.try('INSERT INTO seg VALUES (600)');
SET lockstep.max_log_size = 0;
SET lockstep.log_full = 'drop_oldest';
SELECT test.settle_segments(dropped => true);
SELECT * FROM test.try('INSERT INTO seg VALUES (601)');
RESET lockstep.max_log_size;
RESET lockstep.log_full;

-- Who needed what is gone is told so; who begins anew is not.
SELECT regexp_replace(outcome, 'back to [^;]+', 'back to T') FROM test.try(format('SELECT * FROM lockstep.changes(%L)', :'start'));
SELECT count(*) FROM lockstep.changes(lockstep.position());
SELECT lockstep.covers(lockstep.position(), position) AS fresh, lockstep.covers(:'start', position) AS start FROM lockstep.retirement;

-- Who has yet to see one of the transactions that wrote to it is told so; one that wrote elsewhere does not matter. What was before the last 10000 that wrote is
-- not known so well: there each does.
CREATE TEMP TABLE ended (n integer, wrote boolean, xid xid8);
CREATE PROCEDURE pg_temp.write(times integer) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. times LOOP
		INSERT INTO ended VALUES (i, true, pg_current_xact_id());
		UPDATE seg SET v = i::text WHERE id = 601;
		COMMIT;
		INSERT INTO ended VALUES (i, false, pg_current_xact_id());
		COMMIT;
	END LOOP;
END
$$;
-- The position without a transaction that it has seen.
CREATE FUNCTION pg_temp.without(seen lockstep.position, xid xid8) RETURNS lockstep.position LANGUAGE plpgsql AS $$
DECLARE
	parts text[] := string_to_array(seen::text, '-');
BEGIN
	parts[6] := xid;
	parts[8] := xid;
	RETURN array_to_string(parts, '-');
END
$$;
SET synchronous_commit = off;
CALL pg_temp.write(10002);
RESET synchronous_commit;
UPDATE seg SET v = 'last' WHERE id = 601;
SELECT lockstep.position() AS seen \gset
SET lockstep.segment_size = '64kB';
SELECT test.settle_segments(dropped => false);
-- Still there, all of it can be read.
SELECT count(*) AS "1" FROM lockstep.changes(pg_temp.without(:'seen', (SELECT xid FROM ended WHERE n = 1 AND wrote)));
SELECT count(*) AS "0" FROM lockstep.changes(pg_temp.without(:'seen', (SELECT xid FROM ended WHERE n = 1 AND NOT wrote)));
SET lockstep.log_retention = 0;
SELECT test.settle_segments(dropped => true);
RESET lockstep.log_retention;
RESET lockstep.segment_size;
SELECT e.n, e.wrote, test.code(format('SELECT * FROM lockstep.changes(%L)', pg_temp.without(:'seen', e.xid))) FROM ended e WHERE n IN (1, 2, 3, 4, 10002) ORDER BY e.xid;
SELECT cardinality(writers), writers[1] = writers_from AS "from the first" FROM lockstep.retirement;
DROP TABLE ended;

-- The newest is dropped by hand. Nobody writes to the one before it, which is closed; maintain() makes another.
SELECT lockstep.make_segment(1 + max(number)) FROM lockstep.segment;
SELECT test.settle_segments(dropped => false);
SELECT relation AS newest FROM lockstep.segment ORDER BY number DESC LIMIT 1 \gset
BEGIN;
DROP TABLE :newest;
INSERT INTO seg VALUES (700);
COMMIT;
BEGIN;
DROP TABLE :newest;
SELECT lockstep.maintain();
COMMIT;
SELECT lockstep.position() AS start \gset
INSERT INTO seg VALUES (701);
SELECT key FROM lockstep.changes(:'start');

-- The newest is dropped while it is open. Who has yet to see what was in it is refused at once, and who begins anew is not.
SELECT lockstep.make_segment(1 + max(number)) FROM lockstep.segment;
SELECT test.settle_segments(dropped => false);
SELECT lockstep.position() AS start, relation AS newest FROM lockstep.segment ORDER BY number DESC LIMIT 1 \gset
INSERT INTO seg VALUES (702);
BEGIN;
DROP TABLE :newest;
SELECT * FROM pg_temp.ill;
COMMIT;
SELECT regexp_replace(outcome, 'back to [^;]+', 'back to T') FROM test.try(format('SELECT * FROM lockstep.changes(%L)', :'start'));
SELECT count(*) FROM lockstep.changes(lockstep.position());
SELECT test.settle_segments(dropped => false);
SELECT lockstep.position() AS start \gset
INSERT INTO seg VALUES (703);
SELECT key FROM lockstep.changes(:'start');

-- None can be emptied by hand, alone or with all, whatever the session is.
SELECT lockstep.make_segment(1 + max(number)) FROM lockstep.segment;
SELECT test.settle_segments(dropped => false);
SET session_replication_role = replica;
SELECT DISTINCT regexp_replace(outcome, 'change_\d+', 'change_N') AS outcome
FROM (SELECT s.relation::text FROM lockstep.segment s UNION SELECT 'lockstep.change') r (relation), test.try('TRUNCATE ' || r.relation) ORDER BY 1;
RESET session_replication_role;

-- A closed one is emptied by hand all the same.
SELECT lockstep.make_segment(1 + max(number)) FROM lockstep.segment;
SELECT test.settle_segments(dropped => false);
SELECT lockstep.position() AS fresh, relation AS emptied FROM lockstep.segment ORDER BY number DESC OFFSET 1 LIMIT 1 \gset
INSERT INTO seg VALUES (705);
BEGIN;
ALTER TABLE :emptied DISABLE TRIGGER lockstep_truncate;
SELECT * FROM pg_temp.ill WHERE name <> 'log';
TRUNCATE :emptied;
SELECT * FROM pg_temp.ill WHERE name <> 'log';
SELECT * FROM test.try(format('SELECT * FROM lockstep.changes(%L)', :'start'));
SELECT key FROM lockstep.changes(:'fresh');
ROLLBACK;
SELECT key FROM lockstep.changes(:'start');
-- Or detached: until that is noted, as maintain() does, and then it is gone.
BEGIN;
ALTER TABLE lockstep.change DETACH PARTITION :emptied;
SELECT * FROM pg_temp.ill WHERE name <> 'log';
SELECT * FROM test.try(format('SELECT * FROM lockstep.changes(%L)', :'start'));
SELECT lockstep.maintain();
SELECT * FROM pg_temp.ill WHERE name <> 'log';
SELECT regexp_replace(outcome, 'back to [^;]+', 'back to T') FROM test.try(format('SELECT * FROM lockstep.changes(%L)', :'start'));
SELECT key FROM lockstep.changes(:'fresh');
ROLLBACK;

-- It has to see what others wrote.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT * FROM test.try('SELECT lockstep.maintain()');
COMMIT;
DROP TABLE seg;
DROP FUNCTION test.settle_segments;
