-- Images are written in jsonb's own form, byte for byte. The server's parser is the judge.
CREATE FUNCTION is_canonical(image jsonb) RETURNS boolean LANGUAGE sql AS
$$ SELECT record_image_eq(ROW (image), ROW (image::text::jsonb)) $$;
-- A comparison that can fail: the same value in another form.
SELECT record_image_eq(ROW ('{"a": 1.0}'::jsonb), ROW ('{"a": 1.00}'::jsonb)) AS "other bytes";

-- Every kind of value beside every other, so that each stands at each distance from a four-byte boundary.
CREATE TYPE pair AS (a integer, b jsonb);
CREATE TYPE mood AS ENUM ('calm', 'busy');
CREATE TABLE kinds (
	id integer PRIMARY KEY,
	b boolean, i2 smallint, i4 integer, i8 bigint, f4 real, f8 double precision, n numeric, t text, c char(3), j json, jb jsonb,
	d date, ts timestamptz, reg regclass, ints integer[], texts text[][], p pair, m mood, u uuid, bytes bytea, r int4range
);
INSERT INTO kinds
SELECT id, id % 2 = 0, id, -id, 10 ^ (id % 19), id / 3.0, 'NaN', id * 1.10, repeat('x', id % 5), 'c', '{ "a":1 }',
	(ARRAY['{}', '[]', '1', '"s"', 'null', 'true', '[1,[2,{"k":"v"}]]', '{"k":[1.5,{}],"kk":null}', '12345678901234567890.5']::jsonb[])[1 + id % 9],
	'2026-01-01'::date + id, '2026-01-01 12:00+00'::timestamptz + id * interval '1 s', 'pg_class', ARRAY[1, NULL, id],
	ARRAY[['a', repeat('b', id % 4)], [NULL, 'd']], ROW (id, '{"z":[]}'::jsonb)::pair, 'busy', md5(id::text)::uuid, decode(repeat('ab', id % 6), 'hex'), int4range(1, id + 2)
FROM generate_series(0, 200) id;
INSERT INTO kinds (id, n) VALUES (1000, 'Infinity'), (1001, '-0.0000'), (1002, 1e300);
INSERT INTO kinds (id) VALUES (2000);
SELECT count(*) AS rows, bool_and(is_canonical(lockstep.image(k))) AS canonical FROM kinds k;
-- Any subset of the columns, as `old` has them: columns of other widths before and after each other.
SELECT bool_and(is_canonical(lockstep.image(r))) AS canonical FROM (SELECT t, jb, b FROM kinds) r;
SELECT bool_and(is_canonical(lockstep.image(r))) AS canonical FROM (SELECT jb, ints, c, p FROM kinds) r;

-- Above 32 columns jsonb notes offsets instead of lengths; each column must be found again by name.
DO $$
BEGIN
	EXECUTE 'CREATE TABLE wide (id integer PRIMARY KEY, ' ||
		(SELECT string_agg(format('%I %s', 'c' || n, (ARRAY['text', 'numeric', 'jsonb', 'boolean', 'integer'])[1 + n % 5]), ', ')
		FROM generate_series(1, 300) n) || ')';
	EXECUTE 'INSERT INTO wide SELECT id, ' ||
		(SELECT string_agg(CASE n % 5
			WHEN 0 THEN format('CASE WHEN (id + %s) %% 7 > 0 THEN repeat(''x'', (id * %s) %% 11) END', n, n)
			WHEN 1 THEN format('id * %s / 8.0', n)
			WHEN 2 THEN format('jsonb_build_object(''k'', id, ''list'', jsonb_build_array(%s, NULL))', n)
			WHEN 3 THEN format('(id + %s) %% 3 = 0', n)
			ELSE format('id + %s', n) END, ', ')
		FROM generate_series(1, 300) n) || ' FROM generate_series(1, 20) id';
END
$$;
SELECT count(*) AS rows, bool_and(is_canonical(lockstep.image(w))) AS canonical FROM wide w;
SELECT count(*) AS cells, count(*) FILTER (WHERE lockstep.image(w) -> e.key IS DISTINCT FROM e.value) AS wrong
FROM wide w, jsonb_each(to_jsonb(w)) e;
-- What the log holds is of that form too: whole rows, changed columns, keys.
SELECT lockstep.track('wide');
CREATE TEMPORARY TABLE here AS SELECT lockstep.position() AS position;
UPDATE wide SET c5 = 'other', c40 = NULL, c299 = 7 WHERE id < 10;
UPDATE wide SET id = id + 100 WHERE id > 15;
DELETE FROM wide WHERE id = 3;
SELECT op, count(*), bool_and(is_canonical(key)) AS key, bool_and(is_canonical("row")) AS "row", bool_and(is_canonical(old)) AS old
FROM lockstep.changes((SELECT position FROM here)) GROUP BY op ORDER BY op;
DROP TABLE wide, kinds, here;
DROP TYPE pair, mood;
DROP FUNCTION is_canonical;
