-- The log: one change for each row that was changed, in the order of writing, whole transactions.
SET client_min_messages = warning;
CREATE TABLE orders (id integer PRIMARY KEY, status text);
CREATE TABLE lines (id integer PRIMARY KEY, amount integer);
SELECT lockstep.track('orders'), lockstep.track('lines');

SELECT lockstep.position() AS start \gset
INSERT INTO orders VALUES (1, 'open');
UPDATE orders SET status = 'done' WHERE id = 1;
DELETE FROM orders WHERE id = 1;
INSERT INTO lines VALUES (1, 10), (2, 20);
TRUNCATE lines;
SELECT tx, table_name, op, key, version, "row", old FROM test.feed(:'start');
-- The columns that test.feed() leaves out.
SELECT c.xid IS NOT NULL AS xid, c.seq > 0 AS seq, c.at BETWEEN now() - interval '10 min' AND now() AS "at", c.client, c.reason, c.verified,
	c.position IS NOT NULL AS position, c.relid::regclass, c.omitted
FROM lockstep.changes(:'start') c;
SELECT * FROM test.broken_promises(:'start');

-- One transaction, many statements, two tables.
SELECT lockstep.position() AS start \gset
BEGIN;
INSERT INTO orders VALUES (1, 'a'), (2, 'a');
INSERT INTO lines VALUES (1, 1);
UPDATE orders SET status = 'b' WHERE id = 2;
UPDATE lines SET amount = 2;
DELETE FROM orders WHERE id = 1;
UPDATE orders SET status = 'c' WHERE id = 2;
-- Not seen before the commit, by the transaction itself neither.
SELECT count(*) AS "0" FROM test.feed(:'start');
COMMIT;
SELECT tx, table_name, op, key, version, "row", old FROM test.feed(:'start');
SELECT * FROM test.broken_promises(:'start');

-- What is rolled back is not in it, nor what changed nothing.
SELECT lockstep.position() AS start \gset
BEGIN;
INSERT INTO orders VALUES (5, 'no');
TRUNCATE lines;
ROLLBACK;
UPDATE orders SET status = 'no' WHERE id = 99;
DELETE FROM orders WHERE id = 99;
UPDATE orders SET status = status;
INSERT INTO orders SELECT 1, 'no' WHERE false;
BEGIN;
INSERT INTO orders VALUES (5, 'no');
SELECT 1 / 0;
COMMIT;
SELECT count(*) AS "0" FROM test.feed(:'start');

-- An error in mid-statement: the rows before it are not in it either.
SELECT test.try('INSERT INTO orders SELECT 10 - i, ''no'' FROM generate_series(1, 9) i');
SELECT test.try('INSERT INTO lines VALUES (8, 8), (9, 9), (9, 10)');
CREATE FUNCTION refuse_seven() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.amount = 7 THEN RAISE 'seven'; END IF; RETURN NEW; END $$;
CREATE TRIGGER refuse_seven AFTER INSERT OR UPDATE ON lines FOR EACH ROW EXECUTE FUNCTION refuse_seven();
SELECT test.try('INSERT INTO lines SELECT i, i FROM generate_series(5, 9) i');
BEGIN;
INSERT INTO lines VALUES (30, 30);
SAVEPOINT s;
INSERT INTO lines SELECT i, i FROM generate_series(5, 9) i;
ROLLBACK TO s;
INSERT INTO lines VALUES (31, 31);
COMMIT;
SELECT tx, table_name, op, key FROM test.feed(:'start');

-- A row inserted and deleted in one transaction is told as it was.
SELECT lockstep.position() AS start \gset
BEGIN;
INSERT INTO orders VALUES (6, 'brief');
DELETE FROM orders WHERE id = 6;
INSERT INTO orders VALUES (6, 'again');
COMMIT;
SELECT tx, op, key, version, "row" FROM test.feed(:'start');

-- TRUNCATE of several tables; of a table it cascades to; with rows of the same transaction before and after.
CREATE TABLE parts (id integer PRIMARY KEY, line integer REFERENCES lines);
SELECT lockstep.track('parts');
SELECT lockstep.position() AS start \gset
TRUNCATE orders, lines CASCADE;
SELECT tx, table_name, op, key, version, "row", old FROM test.feed(:'start') ORDER BY table_name;
SELECT * FROM test.broken_promises(:'start');
SELECT lockstep.position() AS start \gset
BEGIN;
INSERT INTO orders VALUES (1, 'before');
TRUNCATE orders;
INSERT INTO orders VALUES (1, 'after');
COMMIT;
TRUNCATE orders;
TRUNCATE orders RESTART IDENTITY;
SELECT tx, table_name, op, key, version, "row", old FROM test.feed(:'start');
SELECT * FROM test.broken_promises(:'start');

-- Procedures and DO blocks with their own commits.
SELECT lockstep.position() AS start \gset
DO $$
BEGIN
	FOR i IN 1 .. 4 LOOP
		INSERT INTO orders VALUES (i, 'block');
		IF i % 2 = 0 THEN COMMIT; END IF;
	END LOOP;
	INSERT INTO orders VALUES (5, 'block');
	ROLLBACK;
	INSERT INTO orders VALUES (6, 'block');
END
$$;
SELECT tx, op, key FROM test.feed(:'start');
-- A cursor that is held over the commit, a prepared statement, COMMIT AND CHAIN.
SELECT lockstep.position() AS start \gset
PREPARE change(integer, text) AS UPDATE orders SET status = $2 WHERE id = $1;
EXECUTE change(1, 'p');
BEGIN;
EXECUTE change(2, 'p');
DECLARE held CURSOR WITH HOLD FOR SELECT id FROM orders ORDER BY id;
COMMIT AND CHAIN;
EXECUTE change(3, 'p');
COMMIT;
FETCH 1 FROM held;
CLOSE held;
DEALLOCATE change;
SELECT tx, op, key, old FROM test.feed(:'start');
SELECT * FROM test.broken_promises(:'start');

DROP TABLE orders, lines, parts;
DROP FUNCTION refuse_seven;
