-- The number by which the log's index knows a row: a single integer key is its own, whatever its type; everything else is hashed.
CREATE TABLE small_key (id smallint PRIMARY KEY);
CREATE TABLE big_key (id bigint PRIMARY KEY);
CREATE TABLE exact_key (id numeric PRIMARY KEY);
CREATE TABLE text_key (id text PRIMARY KEY);
CREATE TABLE two_keys (a integer, b integer, PRIMARY KEY (a, b));
SELECT lockstep.track(t) FROM unnest(ARRAY['small_key', 'big_key', 'exact_key', 'text_key', 'two_keys']::regclass[]) t;
INSERT INTO small_key VALUES (-32768), (7);
INSERT INTO big_key VALUES (-9223372036854775808), (9223372036854775807), (7);
INSERT INTO exact_key VALUES (7.00), (7.5), (9223372036854775807), (9223372036854775807.4), (9223372036854775808), ('NaN'), ('-Infinity');
INSERT INTO text_key VALUES ('7');
INSERT INTO two_keys VALUES (7, 7);
SELECT root::regclass, key, key_hash = jsonb_hash_extended(key, 0) AS hashed, CASE WHEN key_hash <> jsonb_hash_extended(key, 0) THEN key_hash END AS number
FROM lockstep.change WHERE root IN (SELECT relid FROM lockstep.tracked) AND op = 'i' ORDER BY root::regclass::text, key;
-- A refusal finds the row's story by that number: whatever type the key has, and had.
ALTER TABLE big_key ADD COLUMN note text;
UPDATE big_key SET note = 'a' WHERE id = 7;
ALTER TABLE big_key ALTER COLUMN id TYPE numeric;
SET lockstep.actor = 'alice';
UPDATE big_key SET note = 'b' WHERE id = 7;
RESET lockstep.actor;
\set VERBOSITY terse
UPDATE big_key SET note = 'c', row_version = 2 WHERE id = 7;
\set VERBOSITY default
DROP TABLE small_key, big_key, exact_key, text_key, two_keys;

-- Rows of a batch that are too large for a page stand beside others, and the indexes find all of them.
CREATE TABLE doc (id integer PRIMARY KEY, body text);
ALTER TABLE doc ALTER COLUMN body SET STORAGE EXTERNAL;
SELECT lockstep.track('doc');
CREATE TEMPORARY TABLE here AS SELECT lockstep.position() AS position;
INSERT INTO doc SELECT id, repeat(chr(97 + id % 26), CASE WHEN id % 3 = 0 THEN 20000 ELSE id END) FROM generate_series(1, 100) id;
SELECT count(*), bool_and("row" ->> 'body' = body) AS intact
FROM lockstep.changes((SELECT position FROM here)) c JOIN doc ON doc.id = (c.key ->> 'id')::integer;
BEGIN;
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off;
SELECT count(*) AS "by key" FROM doc, LATERAL (SELECT FROM lockstep.change c WHERE c.root = 'doc'::regclass AND c.key_hash = doc.id AND c.key = jsonb_build_object('id', doc.id)) found;
COMMIT;

-- An index that an administrator has made is kept up; one that cannot be is refused by name, and nothing is written.
CREATE INDEX change_1_keys_idx ON lockstep.change_1 USING gin (key);
INSERT INTO doc SELECT id, 'indexed' FROM generate_series(1001, 1010) id;
INSERT INTO doc VALUES (1011, 'indexed');
BEGIN;
SET LOCAL enable_seqscan = off;
SELECT count(*) AS "by value" FROM lockstep.change_1 WHERE key @> '{"id": 1005}' AND root = 'doc'::regclass AND op = 'i';
COMMIT;
DROP INDEX lockstep.change_1_keys_idx;
CREATE INDEX change_1_body_idx ON lockstep.change_1 (("row" ->> 'body'));
INSERT INTO doc VALUES (2000, 'refused');
DROP INDEX lockstep.change_1_body_idx;
INSERT INTO doc VALUES (2000, 'accepted');
SELECT id, body FROM doc WHERE id = 2000;
-- One whose concurrent build failed, and any while it is being built, is not written to: there is nothing in it yet.
\set VERBOSITY terse
CREATE UNIQUE INDEX CONCURRENTLY change_1_root_idx ON lockstep.change_1 (root);
\set VERBOSITY default
SELECT indisready FROM pg_index WHERE indexrelid = 'lockstep.change_1_root_idx'::regclass;
INSERT INTO doc VALUES (3000, 'one');
INSERT INTO doc VALUES (3001, 'two'), (3002, 'three');
DROP INDEX lockstep.change_1_root_idx;
CREATE INDEX CONCURRENTLY change_1_root_idx ON lockstep.change_1 (root);
INSERT INTO doc VALUES (3003, 'four');
BEGIN;
SET LOCAL enable_seqscan = off;
SELECT count(*) AS "by table" FROM lockstep.change_1 WHERE root = 'doc'::regclass AND (key ->> 'id')::integer >= 3000;
COMMIT;
DROP INDEX lockstep.change_1_root_idx;
DROP TABLE doc, here;
