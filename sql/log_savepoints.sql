-- The log and subtransactions: what is rolled back is gone, all else is there, in the order of writing.
SET client_min_messages = warning;
CREATE TABLE t (id integer PRIMARY KEY, v text);
SELECT lockstep.track('t');

SELECT lockstep.position() AS start \gset
-- Rolled back first, then released.
BEGIN;
INSERT INTO t VALUES (1, 'top');
SAVEPOINT a;
INSERT INTO t VALUES (2, 'gone');
ROLLBACK TO a;
INSERT INTO t VALUES (3, 'after rollback to');
RELEASE a;
INSERT INTO t VALUES (4, 'top');
COMMIT;
-- Nested: the inner is released into one that is rolled back.
BEGIN;
SAVEPOINT a;
INSERT INTO t VALUES (10, 'gone');
SAVEPOINT b;
INSERT INTO t VALUES (11, 'gone too');
RELEASE b;
ROLLBACK TO a;
INSERT INTO t VALUES (12, 'stays');
COMMIT;
-- Nested: the inner is rolled back, the outer released.
BEGIN;
SAVEPOINT a;
INSERT INTO t VALUES (20, 'stays');
SAVEPOINT b;
INSERT INTO t VALUES (21, 'gone');
ROLLBACK TO b;
SAVEPOINT c;
INSERT INTO t VALUES (22, 'stays');
RELEASE c;
INSERT INTO t VALUES (23, 'stays');
RELEASE a;
COMMIT;
-- Back to the same savepoint again and again; of the same name inside itself.
BEGIN;
SAVEPOINT a;
INSERT INTO t VALUES (30, 'gone');
ROLLBACK TO a;
INSERT INTO t VALUES (30, 'gone');
SAVEPOINT a;
INSERT INTO t VALUES (31, 'gone');
ROLLBACK TO a;
RELEASE a;
ROLLBACK TO a;
INSERT INTO t VALUES (32, 'stays');
SAVEPOINT a;
UPDATE t SET v = 'stays as well' WHERE id = 32;
COMMIT;
-- Deep, with every second one rolled back from within.
BEGIN;
SAVEPOINT s1; INSERT INTO t VALUES (41, '1');
SAVEPOINT s2; INSERT INTO t VALUES (42, '2');
SAVEPOINT s3; INSERT INTO t VALUES (43, '3');
SAVEPOINT s4; INSERT INTO t VALUES (44, '4');
ROLLBACK TO s4; INSERT INTO t VALUES (45, '4b');
RELEASE s3;
ROLLBACK TO s2; INSERT INTO t VALUES (46, '2b');
COMMIT;
-- All rolled back: there is no transaction.
BEGIN;
SAVEPOINT a;
INSERT INTO t VALUES (50, 'gone');
ROLLBACK TO a;
COMMIT;
-- Versions go back with the rows.
BEGIN;
UPDATE t SET v = 'x' WHERE id = 1;
SAVEPOINT a;
UPDATE t SET v = 'y' WHERE id = 1;
UPDATE t SET v = 'z' WHERE id = 1;
ROLLBACK TO a;
UPDATE t SET v = 'w' WHERE id = 1;
TRUNCATE t;
ROLLBACK TO a;
COMMIT;
SELECT tx, op, key, version, "row" ->> 'v' AS v, old FROM test.feed(:'start');
SELECT array_agg(id ORDER BY id) FROM t;
SELECT * FROM test.broken_promises(:'start');

-- Errors that are caught: in plpgsql, after the row was written …
SELECT lockstep.position() AS start \gset
DO $$
BEGIN
	INSERT INTO t VALUES (100, 'before');
	BEGIN
		INSERT INTO t VALUES (101, 'gone');
		UPDATE t SET v = 'gone' WHERE id = 100;
		RAISE 'no';
	EXCEPTION WHEN OTHERS THEN
		INSERT INTO t VALUES (102, 'in the handler');
	END;
	UPDATE t SET v = 'after' WHERE id = 100;
	BEGIN
		INSERT INTO t VALUES (103, 'no error');
	EXCEPTION WHEN OTHERS THEN
		RAISE;
	END;
END
$$;
-- … by a constraint, by the guard itself, in a block inside a block, and in each turn of a loop.
DO $$
BEGIN
	FOR i IN 110 .. 114 LOOP
		BEGIN
			INSERT INTO t VALUES (i, 'turn');
			BEGIN
				UPDATE t SET v = 'inner' WHERE id = i;
				IF i = 111 THEN INSERT INTO t VALUES (1, 'twice'); END IF;
				IF i = 112 THEN UPDATE t SET v = 'stale', row_version = 1 WHERE id = i; END IF;
			EXCEPTION WHEN unique_violation THEN
				INSERT INTO t VALUES (i + 10, 'inner handler');
			END;
			IF i = 113 THEN RAISE division_by_zero; END IF;
		EXCEPTION WHEN SQLSTATE 'LS001' THEN
			INSERT INTO t VALUES (i + 10, 'stale');
		WHEN division_by_zero THEN
			NULL;
		END;
	END LOOP;
END
$$;
SELECT tx, op, key, version, "row" ->> 'v' AS v, old FROM test.feed(:'start');
-- A version conflict that is caught leaves the rest of the transaction as it was.
SELECT lockstep.position() AS start \gset
BEGIN;
UPDATE t SET v = 'kept' WHERE id = 100;
SAVEPOINT a;
\set VERBOSITY sqlstate
UPDATE t SET v = 'lost', row_version = 1 WHERE id IN (100, 102, 103);
\set VERBOSITY default
ROLLBACK TO a;
UPDATE t SET v = 'kept' WHERE id = 102;
COMMIT;
SELECT tx, op, key, version, old FROM test.feed(:'start');

-- The feed again, as it is read in a subtransaction of a transaction that writes: only what is committed.
BEGIN;
UPDATE t SET v = 'unseen' WHERE id = 103;
SAVEPOINT a;
UPDATE t SET v = 'unseen' WHERE id = 102;
SELECT tx, op, key, version FROM test.feed(:'start');
SELECT count(*) AS "0" FROM test.feed(lockstep.position());
RELEASE a;
SELECT tx, op, key, version FROM test.feed(:'start');
ROLLBACK;
SELECT * FROM test.broken_promises(:'start');

-- The transaction opens an era, finds it again after a savepoint is rolled back, and is rolled back itself: the next one opens it again.
DELETE FROM lockstep.era;
\c -
SET lockstep.log_buffer_size = '64kB';
CREATE TEMP VIEW unknown_era AS
	SELECT count(*) AS changes FROM lockstep.change c WHERE NOT EXISTS (SELECT FROM lockstep.era e WHERE e.era = c.era);
BEGIN;
INSERT INTO t SELECT g, repeat('x', 2000) FROM generate_series(10001, 10060) g;
SELECT count(*) AS opened FROM lockstep.era;
SAVEPOINT a;
INSERT INTO t SELECT g, repeat('x', 2000) FROM generate_series(10101, 10160) g;
ROLLBACK TO a;
INSERT INTO t SELECT g, repeat('x', 2000) FROM generate_series(10201, 10260) g;
SELECT * FROM unknown_era;
ROLLBACK;
INSERT INTO t VALUES (10001, 'after');
SELECT * FROM unknown_era;

DROP TABLE t;
