-- Who may do what: the feed is for members of lockstep_bridge and superusers; writing to tracked tables is for whoever may write to them.
SET client_min_messages = warning;
CREATE SCHEMA shop;
CREATE TABLE shop.orders (id integer PRIMARY KEY, status text);
SELECT lockstep.track('shop.orders');
CREATE ROLE regress_lockstep_clerk;
CREATE ROLE regress_lockstep_bridge IN ROLE lockstep_bridge;
CREATE ROLE regress_lockstep_stranger;
GRANT USAGE ON SCHEMA shop, test TO regress_lockstep_clerk, regress_lockstep_bridge, regress_lockstep_stranger;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON shop.orders TO regress_lockstep_clerk;
SELECT lockstep.position() AS start \gset

-- A clerk writes, and it is logged, though the clerk may touch nothing of lockstep's own.
SET ROLE regress_lockstep_clerk;
INSERT INTO shop.orders VALUES (1, 'open');
UPDATE shop.orders SET status = 'done', row_version = 1;
DELETE FROM shop.orders;
TRUNCATE shop.orders;
-- But the clerk gets nothing else by way of lockstep.
SELECT test.code(format('SELECT * FROM lockstep.changes(%L)', :'start')) AS changes,
	test.code('SELECT lockstep.mutation_begin(''a'', ''b'')') AS mutation_begin,
	test.code('SELECT lockstep.mutation_end(''a'', ''b'', ''{}'')') AS mutation_end,
	test.code('SELECT lockstep.maintain()') AS maintain,
	test.code('SELECT lockstep.ensure_segment()') AS ensure_segment,
	test.code('SELECT lockstep.log_schema_change(1)') AS log_schema_change;
SELECT DISTINCT test.code(format('DELETE FROM lockstep.%I', c.relname)) AS "delete" FROM pg_class c
WHERE c.relnamespace = 'lockstep'::regnamespace AND c.relkind IN ('r', 'p');
SELECT c.relname, test.code(format('SELECT FROM lockstep.%I', c.relname)) AS "select" FROM pg_class c
WHERE c.relnamespace = 'lockstep'::regnamespace AND c.relname IN ('change', 'change_1', 'origin', 'mutation') ORDER BY c.relname COLLATE "C";
SELECT DISTINCT test.code(format('SELECT nextval(''lockstep.%I'')', c.relname)) AS nextval FROM pg_class c
WHERE c.relnamespace = 'lockstep'::regnamespace AND c.relkind = 'S';
SELECT test.code('CREATE TABLE lockstep.mine (id integer)') AS "create";
-- Open to all.
SELECT lockstep.position() IS NOT NULL AS position, lockstep.image(ROW(1)) AS image, test.code('SELECT lockstep.worker_status()') AS worker_status,
	(SELECT count(*) FROM lockstep.tracked) AS tracked, lockstep.sees('p1-1-2-3-4-5-5-', '4') AS sees;
SET ROLE regress_lockstep_stranger;
SELECT test.code('INSERT INTO shop.orders VALUES (2)') AS insert, test.code(format('SELECT * FROM lockstep.changes(%L)', :'start')) AS changes;
RESET ROLE;

-- A member of lockstep_bridge reads the feed, and gets no right to the tables by that.
SET ROLE regress_lockstep_bridge;
SELECT op, key, version FROM lockstep.changes(:'start');
SELECT op FROM lockstep.changes(:'start', lockstep.position(), 1);
SELECT test.code('SELECT * FROM shop.orders') AS "table", test.code('SELECT * FROM lockstep.change') AS log, test.code('DELETE FROM lockstep.change') AS "delete",
	test.code('SELECT lockstep.maintain()') AS maintain;
LISTEN lockstep;
UNLISTEN lockstep;
SELECT lockstep.mutation_begin('regress', 'privileges') IS NULL AS "to be done";
SELECT table_name, key_columns, version_column FROM lockstep.tracked;
RESET ROLE;

-- The trigger functions serve no one who is not allowed to make triggers.
SET ROLE regress_lockstep_clerk;
SELECT test.code('CREATE TRIGGER mine AFTER INSERT ON shop.orders FOR EACH ROW EXECUTE FUNCTION lockstep.log()') AS "trigger",
	test.code('ALTER TABLE shop.orders DISABLE TRIGGER "!lockstep_log"') AS disable, test.code('DROP TRIGGER "~lockstep_guard" ON shop.orders') AS "drop";
-- DDL of an ordinary role works beside lockstep's event triggers.
RESET ROLE;
GRANT CREATE ON SCHEMA shop TO regress_lockstep_clerk;
SET ROLE regress_lockstep_clerk;
CREATE TABLE shop.mine (id integer PRIMARY KEY);
SELECT lockstep.track('shop.mine', version_column => 'v');
ALTER TABLE shop.mine ADD COLUMN note text;
ALTER TABLE shop.mine RENAME v TO version;
INSERT INTO shop.mine VALUES (1);
UPDATE shop.mine SET note = 'x' RETURNING version AS "2";
CREATE TABLE shop.other (id integer);
ALTER TABLE shop.other ADD note text;
DROP TABLE shop.mine, shop.other;
RESET ROLE;
SELECT table_name, op FROM test.feed(:'start') WHERE table_name = 'shop.mine' AND op <> 'schema';

DROP SCHEMA shop CASCADE;
REVOKE USAGE ON SCHEMA test FROM regress_lockstep_clerk, regress_lockstep_bridge, regress_lockstep_stranger;
DELETE FROM lockstep.mutation WHERE actor = 'regress';
DROP ROLE regress_lockstep_clerk, regress_lockstep_bridge, regress_lockstep_stranger;
