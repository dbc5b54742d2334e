-- Tables of every shape and writers of every kind, as far as no other file has them.
SET client_min_messages = warning;
-- Rows that a foreign key changes: to NULL, to a default, along a chain and back to the same table; a key that is cascaded.
CREATE TABLE firm (id integer PRIMARY KEY);
CREATE TABLE staff (id integer PRIMARY KEY, firm integer NOT NULL DEFAULT 1 REFERENCES firm ON DELETE SET DEFAULT ON UPDATE CASCADE,
	boss integer REFERENCES staff ON DELETE CASCADE, deputy integer REFERENCES staff ON DELETE SET NULL);
CREATE TABLE desk (staff integer PRIMARY KEY REFERENCES staff ON DELETE CASCADE ON UPDATE CASCADE, place text);
SELECT lockstep.track('firm'), lockstep.track('staff'), lockstep.track('desk');
INSERT INTO firm VALUES (1), (2);
INSERT INTO staff VALUES (1, 2, NULL, NULL), (2, 2, 1, NULL), (3, 2, 2, NULL), (4, 2, NULL, 3);
INSERT INTO desk VALUES (1, 'a'), (3, 'b');
SELECT lockstep.position() AS start \gset
DELETE FROM staff WHERE id = 1;
SELECT table_name, op, key, version, old FROM test.feed(:'start') ORDER BY table_name, key::text;
SELECT lockstep.position() AS start \gset
DELETE FROM firm WHERE id = 2;
UPDATE firm SET id = 10;
SELECT tx, table_name, op, key, version, "row", old FROM test.feed(:'start');
SELECT * FROM test.broken_promises(:'start');
DROP TABLE firm, staff, desk;

-- A foreign key to a partitioned table, and its row that moves to another partition.
CREATE TABLE whole (id integer, k integer, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE whole_1 PARTITION OF whole FOR VALUES IN (1);
CREATE TABLE whole_2 PARTITION OF whole FOR VALUES IN (2);
CREATE TABLE part (id integer PRIMARY KEY, w integer, k integer, FOREIGN KEY (w, k) REFERENCES whole ON UPDATE CASCADE ON DELETE CASCADE);
SELECT lockstep.track('whole'), lockstep.track('part');
INSERT INTO whole VALUES (1, 1);
INSERT INTO part VALUES (1, 1, 1);
SELECT lockstep.position() AS start \gset
UPDATE whole SET k = 2;
DELETE FROM whole_2;
SELECT tx, table_name, op, key, version, "row", old FROM test.feed(:'start');
-- A partition with levels below that is attached at once; TRUNCATE of one below. One that is detached while others go on.
CREATE TABLE whole_3 (LIKE whole INCLUDING ALL) PARTITION BY RANGE (id);
CREATE TABLE whole_3_low PARTITION OF whole_3 FOR VALUES FROM (0) TO (100);
ALTER TABLE whole ATTACH PARTITION whole_3 FOR VALUES IN (3);
SELECT lockstep.position() AS start \gset
INSERT INTO whole VALUES (3, 3);
TRUNCATE whole_3_low CASCADE;
INSERT INTO whole_3_low VALUES (4, 3);
ALTER TABLE whole DETACH PARTITION whole_1 CONCURRENTLY;
INSERT INTO whole_1 VALUES (5, 1);
TRUNCATE whole_1;
SELECT tx, table_name, op, key FROM test.feed(:'start');
SELECT status, detail FROM lockstep.doctor() WHERE name = 'table public.whole';
SELECT tgname FROM pg_trigger WHERE tgrelid = 'whole_1'::regclass AND NOT tgisinternal;
DROP TABLE whole, part, whole_1;

-- What track() refuses a tracked table may not become.
CREATE TABLE base (id integer PRIMARY KEY, v text);
CREATE TABLE other (id integer PRIMARY KEY, v text);
CREATE TABLE leaves (id integer PRIMARY KEY, row_version bigint NOT NULL) PARTITION BY RANGE (id);
SELECT lockstep.track('base');
SELECT test.try('CREATE TABLE heir () INHERITS (base)');
SELECT test.code('ALTER TABLE other INHERIT base');
SELECT test.code('ALTER TABLE base INHERIT other');
SELECT test.try('ALTER TABLE base SET UNLOGGED');
SELECT lockstep.track('leaves');
SELECT test.try('CREATE UNLOGGED TABLE leaf PARTITION OF leaves DEFAULT');
CREATE FOREIGN DATA WRAPPER regress_lockstep_fdw;
CREATE SERVER regress_lockstep_server FOREIGN DATA WRAPPER regress_lockstep_fdw;
CREATE TABLE plain_leaves (id integer) PARTITION BY RANGE (id);
CREATE TABLE for_attach (id integer PRIMARY KEY, row_version bigint NOT NULL DEFAULT 1);
SELECT lockstep.track('for_attach');
CREATE TABLE untracked_root (id integer, row_version bigint NOT NULL) PARTITION BY RANGE (id);
SELECT test.try('ALTER TABLE untracked_root ATTACH PARTITION for_attach DEFAULT');
SELECT lockstep.untrack('for_attach');
ALTER TABLE untracked_root ATTACH PARTITION for_attach DEFAULT;
-- Others may.
CREATE TABLE heir () INHERITS (other);
ALTER TABLE other SET UNLOGGED;
CREATE FOREIGN TABLE far PARTITION OF plain_leaves DEFAULT SERVER regress_lockstep_server;
DROP TABLE heir, other, leaves, untracked_root, plain_leaves;
DROP SERVER regress_lockstep_server;
DROP FOREIGN DATA WRAPPER regress_lockstep_fdw;

-- COPY: with a trigger of the user's, frozen into an empty table, in binary form.
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.v = 'skip' THEN RETURN NULL; END IF; NEW.v := upper(NEW.v); RETURN NEW; END $$;
SELECT lockstep.position() AS start \gset
BEGIN;
TRUNCATE base;
COPY base FROM stdin (FREEZE);
1	a	1
2	b	5
\.
UPDATE base SET v = 'c' WHERE id = 2;
COMMIT;
CREATE TRIGGER shout BEFORE INSERT ON base FOR EACH ROW EXECUTE FUNCTION shout();
COPY base (id, v) FROM stdin;
3	loud
4	skip
\.
CREATE TEMP TABLE copied AS SELECT 5 AS id, 'binary'::text AS v, 9::bigint AS row_version;
SELECT current_setting('data_directory') || '/lockstep_copy' AS file \gset
COPY copied TO :'file' (FORMAT binary);
COPY base FROM :'file' (FORMAT binary);
SELECT tx, op, key, version, "row", old FROM test.feed(:'start');
DROP TRIGGER shout ON base;

-- Read-only from half-way on; serializable; and CREATE TABLE AS makes a table like others.
SELECT lockstep.position() AS start \gset
BEGIN; INSERT INTO base VALUES (10, 'x'); SET TRANSACTION READ ONLY; COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE; INSERT INTO base VALUES (11, 'x'); COMMIT;
CREATE TABLE base_copy AS SELECT * FROM base;
SELECT * INTO base_copy_2 FROM base;
CREATE TABLE base_like (LIKE base INCLUDING ALL);
INSERT INTO base_copy VALUES (12, 'x', 1);
INSERT INTO base_like VALUES (12, 'x', 1);
SELECT tx, table_name, op, key, version FROM test.feed(:'start');
DROP TABLE base_copy, base_copy_2, base_like;

-- Changes in WITH, read by a cursor that is fetched by halves; one WITH HOLD whose query writes when it commits; functions in SQL.
CREATE FUNCTION bump(integer) RETURNS bigint LANGUAGE sql AS $$ UPDATE base SET v = v || '+' WHERE id = $1 RETURNING row_version $$;
CREATE FUNCTION bump_all() RETURNS SETOF bigint LANGUAGE sql AS $$ UPDATE base SET v = v || '*' WHERE id < 3 RETURNING row_version $$;
SELECT lockstep.position() AS start \gset
BEGIN;
DECLARE halves CURSOR FOR SELECT id, bump(id) FROM generate_series(1, 3) AS id;
FETCH 1 FROM halves;
SAVEPOINT a;
FETCH 1 FROM halves;
ROLLBACK TO a;
COMMIT;
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT id, bump(id) FROM generate_series(1, 2) AS id;
COMMIT;
FETCH 2 FROM held;
CLOSE held;
SELECT * FROM bump_all() LIMIT 1;
WITH changed AS (UPDATE base SET v = 'w' WHERE id IN (10, 11) RETURNING id) SELECT id FROM changed ORDER BY id LIMIT 1;
SELECT tx, op, key, version, "row" ->> 'v' AS v FROM test.feed(:'start') ORDER BY tx, key;
SELECT * FROM test.broken_promises(:'start');

-- A procedure that commits and rolls back on its way, called within an exception block it may not.
CREATE PROCEDURE in_steps() LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 3 LOOP
		UPDATE base SET v = 'step ' || i WHERE id = 1;
		IF i = 2 THEN ROLLBACK; ELSE COMMIT; END IF;
	END LOOP;
END $$;
SELECT lockstep.position() AS start \gset
CALL in_steps();
DO $$ BEGIN UPDATE base SET v = 'outer' WHERE id = 2; CALL in_steps(); EXCEPTION WHEN invalid_transaction_termination THEN NULL; END $$;
SELECT tx, op, key, version, "row" ->> 'v' AS v FROM test.feed(:'start');
DROP PROCEDURE in_steps;
DROP FUNCTION bump, bump_all, shout;
DROP TABLE base;

-- Names of every kind; a key in another order than its columns.
CREATE SCHEMA "Odd ""Schema";
CREATE TABLE "Odd ""Schema"."Table 'x'" ("a""b" integer, "Key €" text, "row" text, "new" text, "old" text, "NULL" integer, "%s" text, PRIMARY KEY ("Key €", "a""b"));
SELECT lockstep.track('"Odd ""Schema"."Table ''x''"', version_column => 'Row "v"', exclude_columns => '{"new"}');
SELECT lockstep.position() AS start \gset
INSERT INTO "Odd ""Schema"."Table 'x'" VALUES (1, 'k', 'r', 'n', 'o', NULL, '%s');
UPDATE "Odd ""Schema"."Table 'x'" SET "new" = 'N', "old" = 'O';
UPDATE "Odd ""Schema"."Table 'x'" SET "Key €" = 'K', "Row ""v""" = 2;
SELECT test.try('UPDATE "Odd ""Schema"."Table ''x''" SET "old" = '''', "Row ""v""" = 2');
SELECT tx, table_name, op, key, version, "row", old FROM test.feed(:'start');
DROP SCHEMA "Odd ""Schema" CASCADE;

-- As many columns as a table can have.
CREATE FUNCTION pg_temp.make_wide(name text, columns integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN EXECUTE format('CREATE TABLE %I (id integer PRIMARY KEY, ', name) || (SELECT string_agg(format('c%s integer', i), ', ') FROM generate_series(2, columns) i) || ')'; END $$;
SELECT pg_temp.make_wide('wide', 1599), pg_temp.make_wide('wider', 1600);
SELECT lockstep.track('wide');
SELECT lockstep.position() AS start \gset
INSERT INTO wide (id, c2, c1599) VALUES (1, 1, 2);
UPDATE wide SET c1599 = 3;
SELECT op, key, version, (SELECT count(*) FROM jsonb_object_keys("row")) AS columns, "row" -> 'c1599' AS last, old FROM test.feed(:'start');
SELECT test.try('SELECT lockstep.track(''wider'')');
DROP TABLE wide, wider;

-- Row-level security, and a writer who may not even look into schema lockstep: what he may change is logged, a conflict tells its story.
CREATE ROLE regress_lockstep_writer;
CREATE TABLE own (id integer PRIMARY KEY, who text, v text);
SELECT lockstep.track('own');
INSERT INTO own VALUES (1, 'regress_lockstep_writer', 'a'), (2, 'other', 'a');
ALTER TABLE own ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON own USING (who = current_user) WITH CHECK (who = current_user);
GRANT ALL ON own TO regress_lockstep_writer;
GRANT USAGE ON SCHEMA test TO regress_lockstep_writer;
REVOKE USAGE ON SCHEMA lockstep FROM PUBLIC;
SELECT lockstep.position() AS start \gset
SET ROLE regress_lockstep_writer;
UPDATE own SET v = 'b';
UPDATE own SET v = 'c', row_version = 1 WHERE id = 2;
INSERT INTO own VALUES (3, 'regress_lockstep_writer', 'n');
SELECT test.code('INSERT INTO own VALUES (4, ''other'', ''n'')');
SELECT split_part(test.try('UPDATE own SET v = ''c'', row_version = 1 WHERE id = 1'), ' by ', 1) LIMIT 1;
DELETE FROM own;
RESET ROLE;
GRANT USAGE ON SCHEMA lockstep TO PUBLIC;
SELECT tx, op, key, version, old FROM test.feed(:'start');
REVOKE USAGE ON SCHEMA test FROM regress_lockstep_writer;
DROP TABLE own;
DROP ROLE regress_lockstep_writer;

-- Arrays with other bounds are written as their elements: a change of the bounds alone is a change, which JSON cannot show.
CREATE TABLE arrays (id integer PRIMARY KEY, a integer[], b text[]);
SELECT lockstep.track('arrays');
SELECT lockstep.position() AS start \gset
INSERT INTO arrays VALUES (1, '[2:3]={1,2}', '[-1:0][5:6]={{a,b},{c,NULL}}'), (2, '{}', NULL);
UPDATE arrays SET a = '{1,2}' WHERE id = 1;
SELECT op, key, version, "row", old FROM test.feed(:'start');
-- REPLICA IDENTITY, whatever it is, and a table in another form of storage.
ALTER TABLE arrays REPLICA IDENTITY FULL;
ALTER TABLE arrays SET (fillfactor = 50);
ALTER TABLE arrays ALTER a SET STORAGE EXTERNAL;
SELECT lockstep.position() AS start \gset
UPDATE arrays SET a = a || 3 WHERE id = 2;
SELECT op, key, version, old FROM test.feed(:'start') WHERE op <> 'schema';
DROP TABLE arrays;

-- A value that no jsonb can hold is left out, and said so; the write goes on.
CREATE TABLE huge (id integer PRIMARY KEY, v text, small integer);
SELECT lockstep.track('huge');
SELECT lockstep.position() AS start \gset
INSERT INTO huge VALUES (1, repeat('x', 270000000), 1);
UPDATE huge SET small = 2, v = 'x';
SELECT op, version, "row", old, omitted FROM lockstep.changes(:'start');
DROP TABLE huge;
