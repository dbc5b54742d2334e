-- lockstep.untrack(): the triggers go, the rows and what was logged stay.
SET client_min_messages = warning;
CREATE TABLE orders (id integer PRIMARY KEY, status text);
CREATE TABLE events (id integer PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (1) TO (100);
SELECT lockstep.track('orders'), lockstep.track('events');
SELECT lockstep.position() AS start \gset
INSERT INTO orders VALUES (1, 'open');
UPDATE orders SET status = 'done';

-- Only of what is tracked, only by the owner; a refusal changes nothing.
CREATE TABLE plain (id integer PRIMARY KEY, row_version bigint);
SELECT test.try('SELECT lockstep.untrack(''plain'')');
SELECT test.try('SELECT lockstep.untrack(''plain'', true)');
SELECT test.try('SELECT lockstep.untrack(''events_1'')');
SELECT test.code('SELECT lockstep.untrack(NULL)');
SELECT test.code('SELECT lockstep.untrack(''orders'', NULL)');
SELECT test.try('SELECT lockstep.untrack(''nothing'')');
CREATE ROLE regress_lockstep_writer;
GRANT ALL ON orders TO regress_lockstep_writer;
GRANT USAGE ON SCHEMA test TO regress_lockstep_writer;
SET ROLE regress_lockstep_writer;
SELECT test.try('SELECT lockstep.untrack(''orders'')');
RESET ROLE;
SELECT table_name FROM lockstep.tracked ORDER BY table_name;
SELECT attname FROM pg_attribute WHERE attrelid = 'plain'::regclass AND attnum > 0 AND NOT attisdropped;

-- No trigger remains, on partitions neither.
SELECT lockstep.untrack('orders'), lockstep.untrack('events');
SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgrelid IN ('orders'::regclass, 'events'::regclass, 'events_1'::regclass);
SELECT count(*) FROM lockstep.tracked;
INSERT INTO orders VALUES (2, 'open');
UPDATE orders SET status = 'shipped' WHERE id = 1;
UPDATE orders SET row_version = 77 WHERE id = 2;
INSERT INTO events VALUES (1);
TABLE orders ORDER BY id;
-- The log keeps what it had; that the table is no longer tracked is a schema change. Later changes are not in it.
SELECT op, key, version, "row" FROM test.feed(:'start') WHERE table_name = 'public.orders';

-- Tracked again, with the version column that is there.
SELECT lockstep.track('orders', exclude_columns => '{status}');
SELECT lockstep.position() AS start \gset
UPDATE orders SET id = id + 10 WHERE id = 2;
SELECT op, key, version, "row", old FROM test.feed(:'start') WHERE op <> 'schema';

-- The version column goes too, when that is said.
SELECT lockstep.untrack('orders', drop_version_column => true);
TABLE orders ORDER BY id;
SELECT lockstep.track('events', version_column => 'version');
SELECT lockstep.untrack('events', true);
SELECT attname FROM pg_attribute WHERE attrelid = 'events_1'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum;

-- Rolled back, the table is tracked as before.
SELECT lockstep.track('orders');
SELECT lockstep.position() AS start \gset
BEGIN;
SELECT lockstep.untrack('orders', true);
INSERT INTO orders VALUES (20, 'unseen');
ROLLBACK;
INSERT INTO orders VALUES (21, 'seen');
SELECT op, key, version, "row" FROM test.feed(:'start');

-- In one transaction: changes before it are logged, changes after it are not.
SELECT lockstep.position() AS start \gset
BEGIN;
INSERT INTO orders VALUES (22, 'before');
SELECT lockstep.untrack('orders');
INSERT INTO orders VALUES (23, 'after');
SELECT lockstep.track('orders');
INSERT INTO orders VALUES (24, 'again');
COMMIT;
SELECT op, key, version, "row" FROM test.feed(:'start') WHERE op <> 'schema';
SELECT * FROM test.broken_promises(:'start');

DROP TABLE orders, events, plain;
REVOKE USAGE ON SCHEMA test FROM regress_lockstep_writer;
DROP ROLE regress_lockstep_writer;
