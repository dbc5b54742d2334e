-- Images: each type as the log writes it, whatever the session has set. lockstep.image() is the same.
SET client_min_messages = warning;
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TYPE pair AS (x integer, "Y" text);
CREATE TYPE mixed AS (f float8, iv interval, by bytea, ts timestamptz, d date);
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN document AS json;
CREATE TABLE t (id integer PRIMARY KEY,
	b boolean, i2 smallint, i8 bigint, n numeric, f4 real, f8 double precision, m money,
	txt text, vc varchar(10), ch char(5), nm name, c1 "char", by bytea, bits bit(4),
	d date, tm time, tmz timetz, ts timestamp, tz timestamptz, iv interval,
	j json, jb jsonb, u uuid, ip inet, p point,
	e mood, pr pair, pos positive, doc document, r int4range, mr int4multirange, tr tstzrange,
	ai integer[], at text[], an numeric[], aj json[], atz timestamptz[], ap pair[], o oid, cls regclass, tsv tsvector,
	af float8[], ab bytea[], aiv interval[], mx mixed, nr numrange);
SELECT lockstep.track('t');

-- One change, one value a line.
CREATE FUNCTION pg_temp.values(since lockstep.position, change bigint = 1) RETURNS TABLE ("column" text, type text, value text) LANGUAGE sql AS $$
	SELECT e.key, jsonb_typeof(e.value), e.value::text
	FROM lockstep.changes(since) WITH ORDINALITY AS c, jsonb_each(c.row) e
	JOIN pg_attribute a ON a.attrelid = 't'::regclass AND a.attname = e.key
	WHERE c.ordinality = change AND e.value <> 'null' AND e.key NOT IN ('id', 'row_version') ORDER BY a.attnum $$;

-- Everyday values, written by a session with odd settings.
SELECT lockstep.position() AS start \gset
SET DateStyle = 'SQL, DMY';
SET TimeZone = 'America/St_Johns';
SET IntervalStyle = 'sql_standard';
SET extra_float_digits = -15;
SET bytea_output = 'escape';
INSERT INTO t VALUES (1,
	true, -32768, 9007199254740993, 0.10, 0.1, 0.1, 12.5,
	E'a "quoted" \\ text\n€', 'vc', 'ch', 'nm', 'c', '\x00ff27', '1010',
	'2026-02-28', '23:59:59.999999', '12:00:00+03', '2026-11-20 10:00:00.123456', '2026-11-20 10:00:00.123456+00', '1 year 2 mons -3 days 04:05:06.789',
	'{"b":1,  "a":1.0, "b":2}', '{"b":1,  "a":1.0, "b":2}', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '10.0.0.1/8', '(1,2.5)',
	'glad', '(1,"a,b")', 5, '{"z": 1}', '[1,5)', '{[1,3),[5,7)}', '[2026-01-01 00:00+00,infinity)',
	'{{1,2},{3,NULL}}', '{a,NULL,"NULL"}', '{1.50,NaN}', ARRAY['{"a":  1}'::json], '{2026-01-01 00:00+00}', ARRAY['(1,x)'::pair], 4294967295, 'pg_class', 'a fat cat',
	'{0.1}', '{"\\x00ff"}', '{1 year -1 day}', '(0.1,1 year -1 day,"\\x00ff",2026-01-01 00:00+00,2026-02-01)', '[1.50,2.0)');
RESET DateStyle;
RESET TimeZone;
RESET IntervalStyle;
RESET extra_float_digits;
RESET bytea_output;
SELECT * FROM pg_temp.values(:'start') WHERE "column" <> 'm';
-- The same as a snapshot writes them.
SELECT c.row = lockstep.image(t) AS same FROM lockstep.changes(:'start') c, t;
SET TimeZone = 'Asia/Kolkata';
SET DateStyle = 'German';
SET extra_float_digits = 0;
SET bytea_output = 'escape';
SET IntervalStyle = 'iso_8601';
SELECT c.row = lockstep.image(t) AS same FROM lockstep.changes(:'start') c, t;
RESET ALL;
SET client_min_messages = warning;

-- Numbers with all their digits; those that JSON does not know.
SELECT lockstep.position() AS start \gset
INSERT INTO t (id, i8, n, f4, f8, an) VALUES
	(10, 9223372036854775807, 123456789012345678901234567890.123456789012345678901234567890, 3.4028235e38, 1.7976931348623157e308, '{1e-30,100}'),
	(11, -9223372036854775808, 'NaN', 'NaN', 'NaN', '{NaN}'),
	(12, 0, 'Infinity', 'Infinity', 'Infinity', '{Infinity}'),
	(13, 1, '-Infinity', '-Infinity', '-Infinity', '{-Infinity}'),
	(14, -1, 0.00, -0.0, -0.0, '{}'),
	(15, 1, 1e40, 1e-45, 5e-324, '{1.10}'),
	(16, 1, -0.000000000000000000001, 16777217, 9007199254740993, NULL);
SELECT row -> 'id' AS id, row -> 'i8' AS i8, row -> 'n' AS n, row -> 'f4' AS f4, left(row ->> 'f8', 25) AS f8, (row ->> 'f8')::float8 = t.f8 AS "same f8", row -> 'an' AS an
FROM lockstep.changes(:'start') WITH ORDINALITY AS c JOIN t ON t.id = (c.key ->> 'id')::integer ORDER BY c.ordinality;
SELECT bool_and(c.row = lockstep.image(t)) AS same FROM lockstep.changes(:'start') c JOIN t ON t.id = (c.key ->> 'id')::integer;

-- Times without end, before our era, far away, with fractions of seconds.
SELECT lockstep.position() AS start \gset
SET TimeZone = 'Europe/Berlin';
INSERT INTO t (id, d, ts, tz, tm, tmz, iv, tr) VALUES
	(20, 'infinity', 'infinity', 'infinity', '24:00', '24:00-15:59', '0', '(,)'),
	(21, '-infinity', '-infinity', '-infinity', '00:00', '00:00+15:59', '-1 mon +1 day -00:00:00.000001', 'empty'),
	(22, '0044-03-15 BC', '0044-03-15 12:00 BC', '0044-03-15 12:00+00 BC', '12:00:00.5', '12:00:00.5+00:30', '178000000 years', '[0001-01-01 00:00+00 BC,2000-01-01 00:00+00]'),
	(23, '5874897-12-31', '294276-12-31 23:59:59.999999', '294276-12-31 23:59:59.999999+00', '12:00', '12:00Z', '1 day', NULL),
	(24, '2026-06-30', '2026-06-30 12:00', '2026-06-30 12:00:00+05:45', '12:00', '12:00Z', '90 seconds', NULL),
	(25, '0001-01-01', '0001-01-01 00:00:00.1', '1893-04-01 00:00:00+00:53:28', '12:00', '12:00Z', '1 day', NULL);
RESET TimeZone;
SELECT row -> 'id' AS id, row -> 'd' AS d, row -> 'ts' AS ts, row -> 'tz' AS tz FROM lockstep.changes(:'start');
SELECT row -> 'id' AS id, row -> 'tm' AS tm, row -> 'tmz' AS tmz, row -> 'iv' AS iv, row -> 'tr' AS tr FROM lockstep.changes(:'start');
SELECT bool_and(c.row = lockstep.image(t)) AS same FROM lockstep.changes(:'start') c JOIN t ON t.id = (c.key ->> 'id')::integer;

-- json as a string with its exact text, even where it is no jsonb.
SELECT lockstep.position() AS start \gset
INSERT INTO t (id, j, jb, doc) VALUES
	(30, ' { "a" : 1.00 , "a":2 } ', ' { "a" : 1.00 , "a":2 } ', '[ 1 ]'),
	(31, '"\u0000"', 'null', 'null'),
	(32, '1e1000000', '1e100', '1e1000000'),
	(33, 'null', '{"deep": [{"n": 9007199254740993.0001}]}', '"\u00e9 \ud83d\ude00"'),
	(34, '{"a":"\ud83d"}', '"text"', NULL);
SELECT row ->> 'id' AS id, jsonb_typeof(row -> 'j') AS type, row ->> 'j' AS j, row -> 'jb' AS jb, jsonb_typeof(row -> 'doc') AS type, row ->> 'doc' AS doc, omitted
FROM lockstep.changes(:'start');
SELECT bool_and(row ->> 'j' = t.j::text AND row -> 'jb' IS NOT DISTINCT FROM t.jb) AS exact FROM lockstep.changes(:'start') c JOIN t ON t.id = (c.key ->> 'id')::integer;

-- json in arrays and composite types likewise.
CREATE TYPE holder AS (doc json, docs json[]);
CREATE TABLE h (id integer PRIMARY KEY, a json[], c holder);
SELECT lockstep.track('h');
SELECT lockstep.position() AS start \gset
INSERT INTO h VALUES (1, ARRAY['"\u0000"', '{"x":  1.0}', NULL]::json[], ROW('1e1000000', ARRAY['[ ]'::json]));
UPDATE h SET a = NULL;
SELECT op, row -> 'a' AS a, row -> 'c' AS c, old, omitted FROM lockstep.changes(:'start');
DROP TABLE h;
DROP TYPE holder;

-- A value whose output function fails is left out and named, of the old row as of the new one.
CREATE TYPE fragile;
CREATE FUNCTION fragile_in(cstring) RETURNS fragile LANGUAGE internal IMMUTABLE STRICT AS 'oidin';
CREATE FUNCTION fragile_out(fragile) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'enum_out';
CREATE TYPE fragile (INPUT = fragile_in, OUTPUT = fragile_out, INTERNALLENGTH = 4, PASSEDBYVALUE, ALIGNMENT = int4);
CREATE TYPE firm AS ENUM ('firm');
SELECT oid AS firm FROM pg_enum WHERE enumtypid = 'firm'::regtype \gset
CREATE TABLE f (id integer PRIMARY KEY, a fragile, b fragile, c fragile);
SELECT lockstep.track('f');
SELECT lockstep.position() AS start \gset
\set ECHO none
INSERT INTO f VALUES (1, '1', :'firm', '1');
UPDATE f SET a = :'firm', b = '1', c = '2';
UPDATE f SET b = :'firm', c = :'firm';
\set ECHO all
SELECT op, row, old, omitted FROM lockstep.changes(:'start');
DROP TABLE f;
DROP TYPE fragile CASCADE;
DROP TYPE firm;

-- No user's code runs: neither a cast to json, nor an output function found by the search path.
CREATE FUNCTION loud(mood) RETURNS json LANGUAGE plpgsql AS 'BEGIN RAISE ''a cast was called''; END';
CREATE CAST (mood AS json) WITH FUNCTION loud(mood);
INSERT INTO t (id, e) VALUES (45, 'sad');
SELECT lockstep.image(t) ->> 'e' AS e FROM t WHERE id = 45;
DROP CAST (mood AS json);
DROP FUNCTION loud;

-- A session's own search path or types of the same name change nothing.
CREATE SCHEMA trap;
CREATE FUNCTION trap.jsonb_out(integer) RETURNS text LANGUAGE sql AS 'SELECT ''trap''';
SET search_path = trap, public, pg_catalog;
SELECT lockstep.position() AS start \gset
INSERT INTO t (id, cls, e, pr) VALUES (50, 'public.t', 'sad', '(1,)');
SET search_path = '';
INSERT INTO public.t (id, cls, e, pr) VALUES (51, 'public.t', 'sad', '(1,)');
RESET search_path;
SELECT row -> 'e' AS e, row -> 'pr' AS pr FROM lockstep.changes(:'start');
SELECT count(DISTINCT row -> 'cls') AS "1" FROM lockstep.changes(:'start');

-- Names of objects, with their schemas and quoted where they must be, whatever the search path finds first; each can be read back.
CREATE TABLE named (id integer PRIMARY KEY, cls regclass, tp regtype, fn regproc, fns regprocedure, op regoper, ops regoperator, coll regcollation,
	conf regconfig, dict regdictionary, nsp regnamespace, rol regrole, confs regconfig[]);
SELECT lockstep.track('named');
CREATE SCHEMA "Odd";
CREATE FUNCTION "Odd"."Fn"(integer, text) RETURNS integer LANGUAGE sql AS 'SELECT $1';
CREATE OPERATOR "Odd".@@@@ (LEFTARG = integer, RIGHTARG = text, FUNCTION = "Odd"."Fn");
CREATE COLLATION "Odd"."Coll" FROM "C";
CREATE TEXT SEARCH DICTIONARY "Odd"."Dict" (TEMPLATE = simple);
CREATE TEXT SEARCH CONFIGURATION "Odd"."Conf" (COPY = simple);
CREATE DOMAIN "Odd"."Domain" AS integer;
CREATE FUNCTION pg_temp.add_named(first integer) RETURNS void LANGUAGE sql AS $$
	INSERT INTO public.named VALUES
		(first, 'pg_catalog.pg_class', 'integer', 'pg_catalog.now', 'pg_catalog.abs(integer)', 'pg_catalog.||/', 'pg_catalog.+(integer,integer)', 'pg_catalog."C"',
			'pg_catalog.simple', 'pg_catalog.simple', 'pg_catalog', session_user::regrole, '{pg_catalog.simple,NULL}'),
		(first + 1, 'public.named', '"Odd"."Domain"', '"Odd"."Fn"', '"Odd"."Fn"(integer,text)', '"Odd".@@@@', '"Odd".@@@@(integer,text)', '"Odd"."Coll"',
			'"Odd"."Conf"', '"Odd"."Dict"', '"Odd"', session_user::regrole, '{"\"Odd\".\"Conf\""}'),
		(first + 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '{0}'),
		(first + 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, '{1}') $$;
SELECT lockstep.position() AS start \gset
SELECT pg_temp.add_named(1);
SET search_path = "Odd", trap, public, pg_catalog;
SELECT pg_temp.add_named(11);
SET search_path = '';
SET quote_all_identifiers = on;
SELECT pg_temp.add_named(21);
RESET quote_all_identifiers;
RESET search_path;
SELECT e.key, string_agg(e.value::text, ' ' ORDER BY c.row -> 'id') AS values
FROM lockstep.changes(:'start') c JOIN named ON named.id = (c.key ->> 'id')::integer, jsonb_each(c.row) e
WHERE named.id < 10 AND e.key NOT IN ('id', 'row_version', 'rol') GROUP BY e.key ORDER BY e.key COLLATE "C";
SELECT (c.key ->> 'id')::integer % 10 AS id, count(*), count(DISTINCT c.row - 'id') AS "1" FROM lockstep.changes(:'start') c GROUP BY 1 ORDER BY 1;
SET search_path = '';
SELECT bool_and(lockstep.image(n) = c.row) AS same, bool_and(pg_catalog.jsonb_populate_record(NULL::public.named, c.row) = n) AS "read back"
FROM lockstep.changes(:'start') c JOIN public.named n ON n.id = (c.key ->> 'id')::integer;
RESET search_path;
DROP TABLE named;

-- Money: a number of two decimals. Under lc_monetary = 'C' it can be read back, and under many others.
CREATE TABLE paid (id integer PRIMARY KEY, m money, ms money[]);
SELECT lockstep.track('paid');
SELECT lockstep.position() AS start \gset
INSERT INTO paid VALUES (1, 12.5, '{0,NULL,-0.01}'), (2, '92233720368547758.07', '{1234567.8,100}'), (3, '-92233720368547758.08', '{}');
SELECT row - 'row_version' AS "row", jsonb_typeof(row -> 'm') AS type FROM lockstep.changes(:'start');
SET lc_monetary = 'C';
SELECT bool_and(jsonb_populate_record(NULL::paid, c.row) = paid) AS "read back", bool_and((c.row -> 'm')::numeric::money = m) AS "cast back" FROM lockstep.changes(:'start') c JOIN paid ON paid.id = (c.key ->> 'id')::integer;
RESET lc_monetary;
DROP TABLE paid;

DROP SCHEMA trap, "Odd" CASCADE;
DROP TABLE t;
DROP TYPE mood, pair, mixed, positive, document;
