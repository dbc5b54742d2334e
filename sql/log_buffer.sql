-- A transaction larger than the buffer: part of it is written before the commit, and nothing shows it.
SET client_min_messages = warning;
CREATE TABLE t (id integer PRIMARY KEY, n integer, filler text);
SELECT lockstep.track('t');
SET lockstep.log_buffer_size = '64kB';

-- Does the feed since a position hold exactly these ids, in this order?
CREATE FUNCTION pg_temp.compare(since lockstep.position, expected integer[]) RETURNS TABLE (changes bigint, transactions bigint, "as expected" boolean)
	LANGUAGE sql AS $$
	SELECT count(*), max(f.tx), array_agg((f.key ->> 'id')::integer) = expected FROM test.feed(since) f $$;

-- Many rows in one statement; an update and a delete of all of them.
SELECT lockstep.position() AS start \gset
INSERT INTO t SELECT i, 0, repeat('x', 40) FROM generate_series(1, 5000) i;
SELECT * FROM pg_temp.compare(:'start', ARRAY(SELECT generate_series(1, 5000)));
SELECT * FROM test.broken_promises(:'start');
SELECT lockstep.position() AS start \gset
BEGIN;
UPDATE t SET n = 1;
DELETE FROM t WHERE id % 2 = 0;
COMMIT;
SELECT op, count(*), max(tx) AS tx, min(version), max(version), bool_and("row" -> 'n' = '1') AS n, bool_and(old IS NULL OR old = '{"n": 0, "row_version": 1}') AS old
FROM test.feed(:'start') GROUP BY op ORDER BY op;
SELECT * FROM pg_temp.compare(:'start', ARRAY(SELECT generate_series(1, 5000)) || ARRAY(SELECT generate_series(2, 5000, 2)));

-- Order across tables and statements.
CREATE TABLE u (id integer PRIMARY KEY, filler text);
SELECT lockstep.track('u');
SELECT lockstep.position() AS start \gset
DO $$
BEGIN
	FOR i IN 1 .. 2000 LOOP
		INSERT INTO u VALUES (i, repeat('y', 40));
		UPDATE t SET n = 2 WHERE id = 2 * i - 1;
	END LOOP;
END
$$;
SELECT * FROM pg_temp.compare(:'start', ARRAY(SELECT unnest(ARRAY[i, 2 * i - 1]) FROM generate_series(1, 2000) i));
TRUNCATE u;

-- Rolled back after parts were written: nothing.
SELECT lockstep.position() AS start \gset
BEGIN;
INSERT INTO u SELECT i, repeat('y', 40) FROM generate_series(1, 5000) i;
ROLLBACK;
SELECT test.code('INSERT INTO u SELECT least(i, 4999), repeat(''y'', 40) FROM generate_series(1, 5000) i');
SELECT count(*) AS "0" FROM test.feed(:'start');

-- Overflow in a subtransaction that is rolled back, and in one that is released, with rows of the outer one still in the buffer.
BEGIN;
INSERT INTO u VALUES (1, 'outer');
SAVEPOINT a;
INSERT INTO u SELECT i, repeat('y', 40) FROM generate_series(1001, 4000) i;
ROLLBACK TO a;
INSERT INTO u VALUES (2, 'outer');
SAVEPOINT b;
INSERT INTO u SELECT i, repeat('y', 40) FROM generate_series(5001, 8000) i;
SAVEPOINT c;
INSERT INTO u SELECT i, repeat('y', 40) FROM generate_series(10001, 13000) i;
ROLLBACK TO c;
INSERT INTO u VALUES (3, 'in b');
RELEASE b;
INSERT INTO u VALUES (4, 'outer');
COMMIT;
SELECT * FROM pg_temp.compare(:'start', ARRAY[1, 2] || ARRAY(SELECT generate_series(5001, 8000)) || ARRAY[3, 4]);
SELECT * FROM test.broken_promises(:'start');
TRUNCATE u;

-- An inner one fills the buffer; then the outer one is rolled back.
SELECT lockstep.position() AS start \gset
BEGIN;
INSERT INTO u VALUES (1, 'top');
SAVEPOINT a;
INSERT INTO u VALUES (2, 'a');
SAVEPOINT b;
INSERT INTO u SELECT i, repeat('y', 40) FROM generate_series(1001, 4000) i;
RELEASE b;
INSERT INTO u VALUES (3, 'a');
ROLLBACK TO a;
INSERT INTO u VALUES (5, 'a again');
COMMIT;
SELECT * FROM pg_temp.compare(:'start', ARRAY[1, 5]);
TRUNCATE u;

-- Exception blocks, each with more than the buffer holds, every second one failing.
SELECT lockstep.position() AS start \gset
DO $$
BEGIN
	FOR i IN 0 .. 9 LOOP
		INSERT INTO u VALUES (i, 'outer');
		BEGIN
			INSERT INTO u SELECT 1000 * (i + 1) + j, repeat('y', 200) FROM generate_series(1, 400) j;
			IF i % 2 = 1 THEN RAISE division_by_zero; END IF;
		EXCEPTION WHEN division_by_zero THEN
			NULL;
		END;
	END LOOP;
END
$$;
SELECT * FROM pg_temp.compare(:'start', ARRAY(SELECT unnest(i || CASE WHEN i % 2 = 0 THEN ARRAY(SELECT 1000 * (i + 1) + j FROM generate_series(1, 400) j ORDER BY j)
	ELSE '{}' END) FROM generate_series(0, 9) i ORDER BY i));
SELECT array_agg(id ORDER BY id) = (SELECT array_agg(id ORDER BY id) FROM (SELECT (key ->> 'id')::integer AS id FROM test.feed(:'start')) f) AS "log and table agree"
FROM u;
SELECT * FROM test.broken_promises(:'start');
TRUNCATE u;

-- A hundred subtransactions inside one another, the buffer overflowing anywhere; the fiftieth is rolled back.
SELECT lockstep.position() AS start \gset
CREATE FUNCTION pg_temp.nest(depth integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO u SELECT 1000 * depth + j, repeat('y', 100) FROM generate_series(1, 30) j;
	IF depth < 100 THEN PERFORM pg_temp.nest(depth + 1); END IF;
	IF depth = 50 THEN RAISE division_by_zero; END IF;
	INSERT INTO u VALUES (1000 * depth + 31, 'on the way back');
EXCEPTION WHEN division_by_zero THEN
	INSERT INTO u VALUES (1000 * depth + 32, 'caught');
END
$$;
SELECT pg_temp.nest(1);
SELECT * FROM pg_temp.compare(:'start',
	ARRAY(SELECT 1000 * i + j FROM generate_series(1, 49) i, generate_series(1, 30) j ORDER BY i, j) || 50032
	|| ARRAY(SELECT 1000 * i + 31 FROM generate_series(1, 49) i ORDER BY i DESC));
SELECT count(*) FROM u;
SELECT * FROM test.broken_promises(:'start');
TRUNCATE u;

-- Changed in the middle of a transaction.
SELECT lockstep.position() AS start \gset
BEGIN;
INSERT INTO u SELECT i, repeat('y', 40) FROM generate_series(11, 1000) i;
SET LOCAL lockstep.log_buffer_size = '10MB';
INSERT INTO u SELECT i, repeat('y', 40) FROM generate_series(1001, 2000) i;
SET LOCAL lockstep.log_buffer_size = '64kB';
INSERT INTO u SELECT i, repeat('y', 40) FROM generate_series(2001, 3000) i;
COMMIT;
SELECT * FROM pg_temp.compare(:'start', ARRAY(SELECT generate_series(11, 3000)));

-- COPY, and deferred triggers which overflow it at commit.
CREATE FUNCTION pg_temp.many() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO u SELECT NEW.id * 10000 + j, repeat('y', 40) FROM generate_series(1, 2000) j;
	RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER many AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION pg_temp.many();
SELECT lockstep.position() AS start \gset
COPY t (id, n) FROM stdin;
10001	1
10002	1
\.
SELECT * FROM pg_temp.compare(:'start', ARRAY[10001, 10002] || ARRAY(SELECT i * 10000 + j FROM generate_series(10001, 10002) i, generate_series(1, 2000) j ORDER BY i, j));

-- Only a superuser may set the size.
SELECT test.code('SET lockstep.log_buffer_size = 1');
SELECT test.code('SET lockstep.log_buffer_size = -1');
CREATE ROLE regress_lockstep_user;
GRANT USAGE ON SCHEMA test TO regress_lockstep_user;
SET ROLE regress_lockstep_user;
SELECT test.code('SET lockstep.log_buffer_size = ''2MB''');
SELECT test.code('SET lockstep.doorbell = ''off''');
RESET ROLE;
REVOKE USAGE ON SCHEMA test FROM regress_lockstep_user;
DROP ROLE regress_lockstep_user;
DROP TABLE t, u;
