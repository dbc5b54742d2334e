-- The log stores rows in a form of its own, which says exactly what lockstep.image() says: the same jsonb, byte for byte.
CREATE SCHEMA packed;
SET search_path = packed;
SET timezone = 'UTC';
\pset format unaligned

-- Bytes differ where a number is written otherwise, even if it is equal.
CREATE FUNCTION same(image lockstep.row_image, object jsonb) RETURNS boolean LANGUAGE sql AS $$
	SELECT pg_column_size(image::jsonb || '{}') = pg_column_size(object || '{}') AND jsonb_send(image) = jsonb_send(object)
		AND image::jsonb = object AND jsonb_hash_extended(image, 7) = jsonb_hash_extended(object, 7)
$$;

CREATE TABLE any_type (
	id bigint PRIMARY KEY, s smallint, i integer, n numeric, f double precision, t text, c char(5), b boolean,
	d date, ts timestamp, tz timestamptz, tm time, j json, jb jsonb, a integer[], o oid, u uuid, by bytea, r int4range,
	"a longer name of a column" text
);
SELECT lockstep.track('any_type');
SELECT lockstep.position() AS since \gset
INSERT INTO any_type (id) SELECT generate_series(1, 3);
INSERT INTO any_type VALUES
	(10, -32768, -2147483648, 'NaN', 'NaN', '', '', false, '-infinity', '-infinity', '-infinity', '00:00', '1', '1', '{}', 0,
		'00000000-0000-0000-0000-000000000000', '', 'empty', ''),
	(11, 32767, 2147483647, 'Infinity', '-Infinity', 'ä€😀"\', 'ab', true, 'infinity', 'infinity', 'infinity', '24:00', '{"b": 1, "a":  2}',
		'"text"', '{1,NULL,3}', 4294967295, 'ffffffff-ffff-ffff-ffff-ffffffffffff', '\x00ff', '[1,5)', 'x'),
	(12, 0, 0, 0, 0, 'x', 'x', true, '0001-01-01', '0001-01-01', '0001-01-01', '12:34:56.789', 'null', 'null', '{{1,2},{3,4}}', 1, NULL, NULL, NULL, NULL),
	(13, -1, -1, -1.500, 1e20, repeat('x', 15), 'x', true, '9999-12-31', '9999-12-31 23:59:59.999999', '9999-12-31 23:59:59.999999+00', NULL, '[]', '[]', NULL, NULL, NULL, NULL, NULL, NULL),
	(14, 15, 16, 1e30, -0.0, repeat('x', 16), 'x', true, '0001-01-01 BC', '0044-03-15 BC', '12345-01-01', NULL, '{}', '{}', NULL, NULL, NULL, NULL, NULL, NULL),
	(15, 127, 128, 1e-20, 1e-20, repeat('x', 130), 'x', true, '2000-01-01', '2000-01-01', '2000-01-01', NULL, '{}', '{"a": {"b": [1, {"c": null}]}, "": ""}', NULL, NULL, NULL, NULL, NULL, NULL);
-- Each length of an integer's bytes, and the border where one is stored as a numeric.
INSERT INTO any_type (id, i) SELECT id, 1 FROM (
	SELECT sign * ((1::numeric * 2 ^ bits)::numeric + off) AS id FROM generate_series(4, 62) bits, (VALUES (-1), (0), (1)) o (off), (VALUES (1), (-1)) s (sign)) n
	WHERE id BETWEEN -9223372036854775807 AND 9223372036854775807 AND id NOT BETWEEN 1 AND 15 ON CONFLICT DO NOTHING;
INSERT INTO any_type (id) VALUES (9223372036854775807), (-9223372036854775808), (0);
-- Dates and times on both sides of every border there is.
INSERT INTO any_type (id, d, ts, tz) SELECT 1000000 + n, day, day + time '23:59:59.999999', (day - time '00:00:00.000001') AT TIME ZONE 'UTC'
	FROM generate_series(1, 4000) n, LATERAL (SELECT ('0001-01-02'::date + n * 913)) d (day);

SELECT count(*) > 4000 AS many, bool_and(same(c.row, lockstep.image(whole))) AS same
FROM lockstep.change c JOIN any_type whole ON c.key_hash = whole.id WHERE c.root = 'any_type'::regclass AND c.op = 'i';
SELECT count(*) FROM lockstep.change c JOIN any_type whole ON c.key_hash = whole.id WHERE c.root = 'any_type'::regclass AND NOT same(c.row, lockstep.image(whole));
SELECT c.row FROM lockstep.change c WHERE c.root = 'any_type'::regclass AND c.key_hash IN (10, 11, 15) ORDER BY c.key_hash;

-- Previous values: of each single column, of some, of all.
UPDATE any_type SET i = coalesce(i, 0) + 1 WHERE id IN (1, 10);
UPDATE any_type SET t = 'new', jb = '{"new": true}', "a longer name of a column" = NULL WHERE id IN (11, 15);
UPDATE any_type SET (s, i, n, f, t, c, b, d, ts, tz, tm, j, jb, a, o, u, by, r, "a longer name of a column") =
	(SELECT s, i, n, f, t, c, b, d, ts, tz, tm, j, jb, a, o, u, by, r, "a longer name of a column" FROM any_type WHERE id = 13) WHERE id = 12;
SELECT key, old FROM lockstep.change WHERE root = 'any_type'::regclass AND op = 'u' ORDER BY seq;
-- changes() says the same.
SELECT bool_and(same(l.row, c.row) AND (l.old IS NULL) = (c.old IS NULL) AND coalesce(same(l.old, c.old), true)) AS same, count(*) > 4000 AS many
FROM lockstep.changes(:'since') c JOIN lockstep.change l USING (seq);

-- More columns than jsonb keeps lengths of in a row, none at all beside the key, and one that is dropped and made again.
\set ECHO none
SELECT format('CREATE TABLE wide (id integer PRIMARY KEY, %s)', string_agg(format('%s integer DEFAULT %s', repeat(chr(97 + n % 26), 1 + n / 26 * 3), n), ', '))
FROM generate_series(0, 99) n \gexec
\set ECHO all
SELECT lockstep.track('wide');
INSERT INTO wide (id) VALUES (1);
UPDATE wide SET a = -1, z = NULL, aaaa = 7 WHERE id = 1;
SELECT bool_and(same(c.row, CASE c.op WHEN 'u' THEN lockstep.image(whole) ELSE lockstep.image(whole) || c2.old::jsonb || '{"row_version": 1}' END)) AS same
FROM lockstep.change c, lockstep.change c2, wide whole WHERE c.root = 'wide'::regclass AND c2.root = c.root AND c2.op = 'u';
SELECT old FROM lockstep.change WHERE root = 'wide'::regclass AND op = 'u';
CREATE TABLE narrow (id integer PRIMARY KEY);
SELECT lockstep.track('narrow');
INSERT INTO narrow VALUES (1);
ALTER TABLE narrow ADD note text DEFAULT 'first';
UPDATE narrow SET note = 'second';
ALTER TABLE narrow DROP note;
ALTER TABLE narrow ADD note integer DEFAULT 7;
UPDATE narrow SET note = 8;
ALTER TABLE narrow RENAME note TO remark;
DELETE FROM narrow;
SELECT op, row, old FROM lockstep.change WHERE root = 'narrow'::regclass AND op <> 's' ORDER BY seq;

-- A shape is written by the first who needs it; when he is rolled back, by the next.
CREATE FUNCTION shapes() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM lockstep.shape WHERE names @> '{only here}' $$;
CREATE TABLE first (id integer PRIMARY KEY, "only here" text);
SELECT lockstep.track('first');
BEGIN;
SAVEPOINT a;
INSERT INTO first VALUES (1, 'rolled back');
ROLLBACK TO a;
SELECT shapes();
INSERT INTO first VALUES (2, 'rolled back');
SELECT shapes();
ROLLBACK;
SELECT shapes();
BEGIN;
INSERT INTO first VALUES (3, 'prepared');
PREPARE TRANSACTION 'shape';
INSERT INTO first VALUES (4, 'in between');
SELECT shapes();
COMMIT PREPARED 'shape';
INSERT INTO first VALUES (5, 'after');
SELECT shapes();
SELECT key, row ->> 'only here' AS "only here" FROM lockstep.change WHERE root = 'first'::regclass ORDER BY seq;

-- A value of the type, from text and bytes and back: it names its columns itself then.
SELECT '{"b": 1, "a": [1, {"c": null}], "longer": "x", "t": true, "n": null}'::lockstep.row_image;
SELECT '{}'::lockstep.row_image, ('{"a": 1.50}'::jsonb)::lockstep.row_image ->> 'a' AS a;
SELECT test.try($$SELECT '[1]'::lockstep.row_image$$);
SELECT test.try($$SELECT '1'::lockstep.row_image$$);
SELECT test.try($$SELECT '{"a"'::lockstep.row_image$$);
SELECT test.try($$SELECT ('"text"'::jsonb)::lockstep.row_image$$);
CREATE TABLE copied (image lockstep.row_image);
INSERT INTO copied SELECT row FROM lockstep.change WHERE root = 'any_type'::regclass;
CREATE TABLE restored (image lockstep.row_image);
DO $$
BEGIN
	EXECUTE format('COPY copied TO %L (FORMAT binary)', current_setting('data_directory') || '/row_images.copy');
	EXECUTE format('COPY restored FROM %L (FORMAT binary)', current_setting('data_directory') || '/row_images.copy');
END
$$;
SELECT (SELECT count(*) FROM copied) = (SELECT count(*) FROM restored) AS all,
	(SELECT count(*) FROM copied) = (SELECT count(*) FROM (SELECT image::text FROM copied INTERSECT ALL SELECT image::text FROM restored) s) AS same;
-- It takes less than half of what jsonb takes.
SELECT sum(pg_column_size(image)) * 2 < sum(pg_column_size(image::jsonb)) AS small FROM copied;

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA packed CASCADE;
RESET client_min_messages;
\pset format aligned
