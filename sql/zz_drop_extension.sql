-- DROP EXTENSION: the triggers go, and the log; the tables keep their rows and the version column. (Last, as all else needs it.)
SET client_min_messages = warning;
CREATE TABLE orders (id integer PRIMARY KEY, status text);
CREATE TABLE events (id integer PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (1) TO (100);
SELECT lockstep.track('orders', version_column => 'v', exclude_columns => '{status}'), lockstep.track('events');
INSERT INTO orders VALUES (1, 'open');
UPDATE orders SET status = 'done';
INSERT INTO events VALUES (1);

DROP FUNCTION test.feed, test.broken_promises; -- they depend on its type
-- It may be dropped, the schema alone may not. (test.code() undoes what is accepted.)
SELECT test.code('DROP EXTENSION lockstep');
SELECT test.code('DROP SCHEMA lockstep');
SELECT table_name FROM lockstep.tracked ORDER BY 1;
UPDATE orders SET status = 'shipped' RETURNING v AS "3";

-- In a transaction that is rolled back.
BEGIN;
INSERT INTO orders VALUES (2, 'open');
DROP EXTENSION lockstep;
INSERT INTO orders VALUES (3, 'open');
ROLLBACK;
INSERT INTO orders VALUES (2, 'open');
SELECT c.key, c.op FROM lockstep.change c WHERE c.root = 'orders'::regclass ORDER BY c.seq;

-- In a transaction that wrote to a tracked table before.
SELECT lockstep.position() AS earlier \gset
BEGIN;
UPDATE orders SET status = 'late' WHERE id = 2;
DROP EXTENSION lockstep;
UPDATE orders SET status = 'later', v = 77 WHERE id = 2;
COMMIT;
SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE NOT tgisinternal AND tgrelid IN ('orders'::regclass, 'events'::regclass, 'events_1'::regclass);
SELECT nspname FROM pg_namespace WHERE nspname = 'lockstep';
SELECT evtname FROM pg_event_trigger WHERE evtname LIKE '%lockstep%';
INSERT INTO orders VALUES (4, 'open');
UPDATE orders SET v = 5 WHERE id = 4;
DELETE FROM orders WHERE id = 1;
TRUNCATE events;
TABLE orders ORDER BY id;
ALTER TABLE orders RENAME COLUMN v TO version;
DROP TABLE events;
-- The role belongs to the server, and stays.
SELECT rolname FROM pg_roles WHERE rolname = 'lockstep_bridge';

-- Created again, it knows of nothing, and the same session can go on with it.
CREATE EXTENSION lockstep;
SELECT count(*) AS "0" FROM lockstep.tracked;
SELECT count(*) AS "0" FROM lockstep.change;
SELECT lockstep.track('orders', version_column => 'version');
-- What happened in between is in no log: a position from before is refused.
\set VERBOSITY terse
SELECT * FROM lockstep.changes(:'earlier');
\set VERBOSITY default
SELECT test.code(format('SELECT * FROM lockstep.changes(%L)', :'earlier'));
SELECT lockstep.position() AS start \gset
SELECT count(*) AS "0" FROM lockstep.changes(:'start');
UPDATE orders SET status = 'anew' WHERE id = 4;
SELECT op, key, version, "row", old FROM lockstep.changes(:'start');
DROP TABLE orders;
DROP EXTENSION lockstep;
DROP SCHEMA test CASCADE;
