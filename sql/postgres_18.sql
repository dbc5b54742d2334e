-- What PostgreSQL 18 brought: virtual generated columns, keys WITHOUT OVERLAPS, NOT NULL constraints that are not yet valid.
SET client_min_messages = warning;
SELECT current_setting('server_version_num')::integer < 180000 AS is_older \gset
\if :is_older
\quit
\endif
-- Which line of a function complains is the business of nobody here.
\set SHOW_CONTEXT never
-- A virtual column is in the image like any other: it is computed from the row as it was, and as it became.
CREATE TABLE orders (id integer PRIMARY KEY, net numeric, gross numeric GENERATED ALWAYS AS (net * 1.2) VIRTUAL, note text,
	stored text GENERATED ALWAYS AS (upper(note)) STORED, initial text GENERATED ALWAYS AS (left(note, 1)));
SELECT lockstep.track('orders');
SELECT lockstep.position() AS start \gset
INSERT INTO orders VALUES (1, 10, DEFAULT, 'a'), (2, NULL, DEFAULT, NULL);
UPDATE orders SET net = 11 WHERE id = 1 RETURNING gross, row_version;
-- The first letter stays: only what the update changed is in old.
UPDATE orders SET note = 'abc' WHERE id = 1;
-- Nothing changes.
UPDATE orders SET net = net, note = note;
UPDATE orders SET id = 3, net = 12 WHERE id = 1;
DELETE FROM orders WHERE id = 3;
COPY orders (id, net) FROM STDIN;
4	100
\.
INSERT INTO orders VALUES (4, 1) ON CONFLICT (id) DO UPDATE SET net = orders.net + excluded.net;
SELECT op, version, "row", old FROM test.feed(:'start');
-- A reader's snapshot and the log agree.
SELECT c."row" = lockstep.image(o) AS "t" FROM orders o JOIN lockstep.changes(:'start') c ON c.key = '{"id": 4}' AND c.version = o.row_version
	WHERE o.id = 4;
-- A new expression counts from the next change on, also where the table's facts were known already.
SELECT lockstep.position() AS start \gset
ALTER TABLE orders ALTER COLUMN gross SET EXPRESSION AS (net * 2);
UPDATE orders SET net = 7 WHERE id = 4;
ALTER TABLE orders DROP COLUMN initial, ADD COLUMN half numeric GENERATED ALWAYS AS (net / 2);
UPDATE orders SET net = 8 WHERE id = 4;
ALTER TABLE orders RENAME gross TO twice;
UPDATE orders SET net = 9 WHERE id = 4;
SELECT op, version, "row", old FROM test.feed(:'start');
DROP TABLE orders;

-- An expression that fails for a row does not concern the writer: the value is missing, and the log says so.
CREATE TABLE ratio (id integer PRIMARY KEY, a integer, b integer, share integer GENERATED ALWAYS AS (a / b), total integer GENERATED ALWAYS AS (a + b));
SELECT lockstep.track('ratio');
SELECT lockstep.position() AS start \gset
INSERT INTO ratio VALUES (1, 6, 0);
UPDATE ratio SET a = 7;
UPDATE ratio SET b = 2;
UPDATE ratio SET b = 0;
BEGIN;
SAVEPOINT s;
UPDATE ratio SET a = 8;
ROLLBACK TO s;
DELETE FROM ratio;
COMMIT;
SELECT op, version, "row", old, omitted FROM lockstep.changes(:'start');
DROP TABLE ratio;

-- The writer's settings do not reach the image. A partition may have its columns in another order and expressions of its own; who reads
-- the table finds what the table's expressions say, and so does the log.
CREATE TABLE reading (id integer PRIMARY KEY, value double precision, at timestamptz, label text GENERATED ALWAYS AS (value::text), raw bytea,
	hex text GENERATED ALWAYS AS (raw::text)) PARTITION BY RANGE (id);
CREATE TABLE reading_1 (raw bytea, hex text GENERATED ALWAYS AS (raw::text || '!'), junk integer, label text GENERATED ALWAYS AS (value::text), at timestamptz,
	value double precision, id integer NOT NULL);
ALTER TABLE reading_1 DROP COLUMN junk;
ALTER TABLE reading ATTACH PARTITION reading_1 FOR VALUES FROM (0) TO (10);
CREATE TABLE reading_2 PARTITION OF reading FOR VALUES FROM (10) TO (20);
SELECT lockstep.track('reading');
SELECT lockstep.position() AS start \gset
SET extra_float_digits = -10;
SET bytea_output = escape;
INSERT INTO reading (id, value, raw) VALUES (1, 0.1::double precision + 0.2, 'a');
SHOW extra_float_digits;
SHOW bytea_output;
RESET extra_float_digits;
RESET bytea_output;
SELECT c."row" = lockstep.image(r) AS "t" FROM reading r, lockstep.changes(:'start') c WHERE c.op = 'insert';
SELECT hex FROM ONLY reading_1;
UPDATE reading SET id = 11;
SELECT op, key, version, "row", old FROM test.feed(:'start') WHERE op <> 'schema';
-- Whoever changes the table's expression changes what is logged of the partition's rows.
SELECT lockstep.position() AS start \gset
ALTER TABLE ONLY reading ALTER COLUMN hex SET EXPRESSION AS ('#' || raw::text);
INSERT INTO reading_1 (id, value, raw) VALUES (2, 1, 'b');
SELECT key, "row" = lockstep.image(r) AS "t", "row" FROM reading r, lockstep.changes(:'start') c WHERE c.op = 'insert' AND id = 2;
DROP TABLE reading;

-- Excluded, it is not even computed.
CREATE TABLE pay (id integer PRIMARY KEY, a integer, b integer, share integer GENERATED ALWAYS AS (a / b));
SELECT lockstep.track('pay', exclude_columns => '{share}');
SELECT lockstep.position() AS start \gset
INSERT INTO pay VALUES (1, 1, 0);
SELECT op, "row", omitted FROM lockstep.changes(:'start');
DROP TABLE pay;
CREATE TABLE odd (id integer PRIMARY KEY, version integer GENERATED ALWAYS AS (id));
SELECT lockstep.track('odd', version_column => 'version');
DROP TABLE odd;

-- A key of a value and a period that does not overlap others: no two rows have the same.
CREATE TABLE price (article int4range, valid daterange, amount numeric, PRIMARY KEY (article, valid WITHOUT OVERLAPS));
SELECT lockstep.track('price');
SELECT lockstep.position() AS start \gset
INSERT INTO price VALUES ('[1,2)', '[2026-01-01,2026-07-01)', 10), ('[1,2)', '[2026-07-01,)', 12);
UPDATE price SET amount = 11 WHERE valid @> date '2026-03-01';
UPDATE price SET valid = '[2026-01-01,2026-06-01)' WHERE valid @> date '2026-03-01';
SELECT op, key, version, "row", old FROM test.feed(:'start');
SELECT key_columns FROM lockstep.tracked WHERE relid = 'price'::regclass;
DROP TABLE price;

-- NOT NULL that was not checked for the rows that were there is not NOT NULL enough for a key.
CREATE TABLE parts (code text, name text);
INSERT INTO parts VALUES (NULL, 'no code');
CREATE UNIQUE INDEX parts_code ON parts (code);
ALTER TABLE parts ADD CONSTRAINT code_given NOT NULL code NOT VALID;
SELECT lockstep.track('parts', key_columns => '{code}');
DELETE FROM parts;
ALTER TABLE parts VALIDATE CONSTRAINT code_given;
SELECT lockstep.track('parts', key_columns => '{code}');
DROP TABLE parts;

-- RETURNING old and new see what the guard made of the row.
CREATE TABLE notes (id integer PRIMARY KEY, body text);
SELECT lockstep.track('notes');
INSERT INTO notes VALUES (1, 'a') RETURNING old.row_version, new.row_version;
UPDATE notes SET body = 'b' RETURNING old.row_version, new.row_version;
DELETE FROM notes RETURNING old.row_version, new.row_version;
DROP TABLE notes;
