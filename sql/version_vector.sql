-- Version vectors: text, binary form, jsonb; the orders; what is built of them. (The laws are tested in tests/unit.)
SET client_min_messages = warning;
SET search_path = public, lockstep;

-- Text: one form for each vector, several ways to write it.
SELECT v::lockstep.version_vector FROM (VALUES ('{}'), ('{berlin:3,paris:1}'), (' { paris : 1 , berlin : 3 } '), ('{"berlin":3,"paris":1,oslo:0}'), ('{a-b_c.d/e@f:1}'),
	('{"new york":1,"db1:5432":2,"\"\\":3,"{}":4,",":5}'), ('{zürich:1,z:1}'), ('{a:9223372036854775807}'), ('{a:000000000000000000000000000000001}')) AS t (v);
SELECT v, test.code(format('SELECT %L::lockstep.version_vector', v)) FROM (VALUES (''), ('{'), ('a:1'), ('{a}'), ('{a:}'), ('{:1}'), ('{a:1,}'), ('{,}'), ('{a:1}}'), ('{a:-1}'),
	('{a:1.0}'), ('{a:1e3}'), ('{a:x}'), ('{a b:1}'), ('{"a:1}'), ('{"a\n":1}'), ('{"":1}'), ('{a:1,a:1}'), ('{a:1,"a":0}'), ('{a:9223372036854775808}'),
	('{"a": {"b": 1}}'), ('null'), ('[]')) AS t (v);
SELECT test.try($$SELECT 'Berlin 3'::lockstep.version_vector$$);
SELECT test.try($$SELECT '{berlin:1,oslo:2,berlin:3}'::lockstep.version_vector$$);
SELECT test.try($$SELECT '{"":3}'::lockstep.version_vector$$);
SELECT test.try($$SELECT '{berlin:1,oslo:99999999999999999999}'::lockstep.version_vector$$);
-- A name's length counts in bytes; the message of a longer one is cut between characters.
SELECT test.code(format('SELECT ''{%s:1}''::lockstep.version_vector', repeat(c, n))) FROM (VALUES ('a', 255), ('a', 256), ('ü', 127), ('ü', 128)) AS t (c, n);
SELECT left(outcome, 30), length(convert_to(outcome, 'UTF8')), right(outcome, 20) FROM test.try(format('SELECT ''{%s:99999999999999999999}''::lockstep.version_vector', repeat('ü', 500)))
WHERE outcome LIKE '22003%';
-- As many nodes as there may be, and one more.
CREATE TABLE large AS SELECT ('{' || string_agg(n || ':' || n, ',') || '}')::lockstep.version_vector AS v FROM generate_series(1, 65535) n;
SELECT length(v::text), v = v::text::lockstep.version_vector AS same, lockstep.counter(v, '777'), lockstep.counter(v, '65536') FROM large;
SELECT test.try($$SELECT ('{' || string_agg(n || ':1', ',') || '}')::lockstep.version_vector FROM generate_series(0, 65535) n$$);
SELECT test.try('SELECT lockstep.advance(v, ''0'') FROM large');
SELECT test.try('SELECT lockstep.merge(v, ''{0:1}'') FROM large');
SELECT test.try($$SELECT jsonb_object_agg(n, 1)::lockstep.version_vector FROM generate_series(0, 65535) n$$);
SELECT lockstep.advance(v, '7') > v AS t, lockstep.merge(v, '{7:9}') > v AS t FROM large;

-- Binary form: what was sent is received, and hostile bytes are refused. COPY makes bytes a value.
CREATE TABLE kept (id int PRIMARY KEY, v lockstep.version_vector);
INSERT INTO kept VALUES (1, '{}'), (2, '{berlin:3,paris:1}'), (3, '{zürich:9223372036854775807,"a b":128}'), (4, NULL);
SELECT id, lockstep.version_vector_send(v) FROM kept ORDER BY id;
CREATE FUNCTION test.received(bytes bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	place CONSTANT text := current_setting('data_directory') || '/version_vector.bin';
	-- Gone before the first byte is read.
	program CONSTANT text := format('{ rm ''%1$s''; cat; } <''%1$s''', place);
	big CONSTANT oid := lo_from_bytea(0, '\x5047434f50590aff0d0a00' || decode(repeat('00', 8), 'hex') || '\x0001' || int4send(length(bytes)) || bytes || '\xffff');
	outcome text;
BEGIN
	PERFORM lo_export(big, place), lo_unlink(big);
	CREATE TEMP TABLE received (v lockstep.version_vector);
	BEGIN
		EXECUTE format('COPY received FROM PROGRAM %L (FORMAT binary)', program);
		SELECT r.v INTO outcome FROM received r;
	EXCEPTION WHEN OTHERS THEN
		DECLARE
			detail text;
		BEGIN
			GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
			outcome := concat_ws(': ', SQLSTATE, SQLERRM, nullif(detail, ''));
		END;
	END;
	DROP TABLE received;
	RETURN outcome;
END
$$;
SELECT id, test.received(lockstep.version_vector_send(v)) = v::text AS same FROM kept ORDER BY id;
SELECT test.received(lockstep.version_vector_send(v)) = v::text AS same FROM large;
-- Other clients' order is not ours, and they may say 0.
SELECT test.received('\x00000002' || '\x00000001620000000000000002'::bytea || '\x00000001610000000000000001');
SELECT test.received('\x00000002' || '\x00000001620000000000000002'::bytea || '\x00000001610000000000000000');
SELECT n, test.received(b) FROM (VALUES
	(1, ''::bytea), (2, '\x0000'), (3, '\x00000001'), (4, '\xffffffff'), (5, '\x7fffffff00000001610000000000000001'), (6, '\x0000000100000001610000000000000001ff'),
	(7, '\x00000001ffffffff610000000000000001'), (8, '\x0000000100000005610000000000000001'), (9, '\x00000001000000000000000000000001'),
	(10, '\x000000010000000161ffffffffffffffff'), (11, '\x0000000200000001610000000000000001' || '\x00000001610000000000000002'::bytea),
	(12, '\x0000000100000001000000000000000001'), (13, '\x0000000100000001ff0000000000000001')) AS t (n, b) ORDER BY n;
SELECT test.received('\x00000001' || int4send(256) || convert_to(repeat('a', 256), 'UTF8') || int8send(1));
SELECT test.received(int4send(65536) || string_agg(int4send(5) || convert_to(to_char(n, 'FM00000'), 'UTF8') || int8send(1), '')) FROM generate_series(0, 65535) n;
-- Names go in the client's encoding.
INSERT INTO kept VALUES (5, '{"€":1}');
SET client_encoding = latin1;
SELECT lockstep.version_vector_send(v) FROM kept WHERE id = 3;
SELECT test.code('SELECT lockstep.version_vector_send(v) FROM kept WHERE id = 5');
SELECT test.received(lockstep.version_vector_send(v)) = v::text AS same FROM kept WHERE id = 3;
RESET client_encoding;
DELETE FROM kept WHERE id = 5;

-- jsonb.
SELECT v::jsonb, v::jsonb::lockstep.version_vector = v AS same FROM kept ORDER BY id;
SELECT j::jsonb::lockstep.version_vector FROM (VALUES ('{}'), ('{"paris": 1, "berlin": 3, "oslo": 0}'), ('{"a": 1e2}')) AS t (j);
SELECT j, test.code(format('SELECT %L::jsonb::lockstep.version_vector', j)) FROM (VALUES ('[]'), ('[1]'), ('1'), ('"{}"'), ('null'), ('{"a": "1"}'), ('{"a": 1.5}'), ('{"a": 1.0}'),
	('{"a": null}'), ('{"a": true}'), ('{"a": []}'), ('{"a": {"b": 1}}'), ('{"a": -1}'), ('{"a": 9223372036854775808}'), ('{"a": 1e100}'), ('{"": 1}')) AS t (j);
SELECT test.try($$SELECT '{"a": 1.5}'::jsonb::lockstep.version_vector$$);
SELECT test.try($$SELECT '[]'::jsonb::lockstep.version_vector$$);
SELECT test.try($$SELECT '{"": 1}'::jsonb::lockstep.version_vector$$);
SELECT test.try($$SELECT '{"a": -1}'::jsonb::lockstep.version_vector$$);

-- The partial order, and the operators for it.
SELECT a, b, lockstep.compare(a, b), lockstep.is_concurrent(a, b), a = b AS "=", a <> b AS "<>", a < b AS "<", a <= b AS "<=", a > b AS ">", a >= b AS ">=", a || b AS "||",
	lockstep.merge(a, b)
FROM (VALUES ('{}'::lockstep.version_vector, '{}'::lockstep.version_vector), ('{}', '{a:1}'), ('{a:1}', '{}'), ('{a:1}', '{a:1}'), ('{a:1}', '{a:2}'), ('{a:2,b:1}', '{a:2}'), ('{a:1}', '{b:1}'),
	('{a:2,b:1}', '{a:1,b:2}'), ('{a:1,c:1}', '{b:1}')) AS t (a, b);
SELECT lockstep.compare(NULL, '{}') IS NULL AND lockstep.is_concurrent('{}', NULL) IS NULL AND lockstep.merge(NULL, '{}') IS NULL AND lockstep.advance('{}', NULL) IS NULL
	AND lockstep.counter(NULL, 'a') IS NULL AS "NULL for NULL";
SELECT lockstep.advance('{}', 'a'), lockstep.advance('{b:1}', 'a'), lockstep.advance('{a:127,b:1}', 'a'), lockstep.advance('{b:1}', 'new york');
SELECT lockstep.counter('{a:5}', 'a'), lockstep.counter('{a:5}', 'b'), lockstep.counter('{a:5}', ''), lockstep.counter('{a:5}', repeat('a', 300));
SELECT test.try($$SELECT lockstep.advance('{a:9223372036854775807}', 'a')$$);
SELECT test.try($$SELECT lockstep.advance('{}', '')$$);
SELECT test.code($$SELECT lockstep.advance('{}', repeat('a', 255))$$), test.code($$SELECT lockstep.advance('{}', repeat('a', 256))$$);

-- The aggregate, in parallel too.
SELECT lockstep.merge_all(v) FROM kept;
SELECT lockstep.merge_all(v) IS NULL AS nothing FROM kept WHERE v IS NULL;
CREATE TABLE many AS SELECT n AS id, ('{n' || n % 7 || ':' || n || '}')::lockstep.version_vector AS v FROM generate_series(1, 20000) n;
ANALYZE many;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT lockstep.merge_all(v) FROM many;
SELECT lockstep.merge_all(v) FROM many;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

-- Sorting needs neither the schema in the search path nor an operator's name; what is before comes first.
CREATE TABLE sorted (v lockstep.version_vector);
INSERT INTO sorted VALUES ('{a:2}'), ('{a:1,b:1}'), ('{}'), ('{b:5}'), ('{a:1}'), ('{a:1,c:9}'), ('{c:1}'), (NULL), ('{a:2}');
SET search_path = public;
SELECT v FROM sorted ORDER BY v;
SELECT v, count(*) FROM sorted GROUP BY v ORDER BY v DESC;
SELECT count(DISTINCT v) AS "7" FROM sorted;
SELECT test.code('SELECT v < v FROM sorted') AS "no operator there";
SET search_path = public, lockstep;
SELECT count(*) AS "0" FROM sorted x JOIN sorted y ON x.v < y.v WHERE NOT x.v *< y.v;
SELECT count(*) AS "0" FROM sorted x CROSS JOIN sorted y
WHERE (x.v *< y.v) <> NOT (x.v *>= y.v) OR (x.v *> y.v) <> (y.v *< x.v) OR (x.v *<= y.v) <> (x.v *< y.v OR x.v = y.v) OR (x.v *>= y.v) <> (y.v *<= x.v);
-- The partial order is none to sort by, and negating it is not turning it round.
SELECT test.code('SELECT v FROM sorted ORDER BY v USING <'), test.code('SELECT v FROM sorted ORDER BY v USING *>');
SELECT count(*) AS "not <=", count(*) FILTER (WHERE x.v > y.v) AS ">" FROM sorted x CROSS JOIN sorted y WHERE NOT (x.v <= y.v);

-- What the planner may put in place of an operator means the same.
CREATE FUNCTION test.disagreements(operator regoperator, kind text, other regoperator) RETURNS bigint LANGUAGE plpgsql STRICT AS $$
DECLARE
	judged CONSTANT text[] := ARRAY(SELECT oprcode::regproc::text FROM pg_operator WHERE oid IN (operator, other) ORDER BY oid <> operator);
	number bigint;
BEGIN
	EXECUTE format('SELECT count(*) FROM sorted x CROSS JOIN sorted y WHERE %s(x.v, y.v) <> ' || CASE kind WHEN 'commutator' THEN '%s(y.v, x.v)' ELSE 'NOT %s(x.v, y.v)' END,
		judged[1], coalesce(judged[2], judged[1])) INTO number;
	RETURN number;
END
$$;
SELECT o.oprname AS operator, o.oprcom::regoper AS commutator, test.disagreements(o.oid, 'commutator', o.oprcom) AS "0",
	nullif(o.oprnegate, 0)::regoper AS negator, test.disagreements(o.oid, 'negator', nullif(o.oprnegate, 0)) AS "0 or null", o.oprrest, o.oprjoin
FROM pg_operator o WHERE o.oprnamespace = 'lockstep'::regnamespace ORDER BY o.oprname COLLATE "C";
DROP FUNCTION test.disagreements;

-- Indexes: unique, hash, and none for the partial order.
CREATE UNIQUE INDEX many_v ON many (v);
CREATE INDEX many_hash ON many USING hash (v);
SELECT test.code('INSERT INTO many VALUES (0, ''{n1:1}'')');
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM many WHERE v *<= '{n3:10}' ORDER BY v;
SELECT id FROM many WHERE v *<= '{n3:10}' AND v *> '{n3:3}' ORDER BY v;
EXPLAIN (COSTS OFF) SELECT id FROM many WHERE v <= '{n3:10}';
SELECT id FROM many WHERE v <= '{n3:10}' ORDER BY id;
DROP INDEX many_v;
EXPLAIN (COSTS OFF) SELECT id FROM many WHERE v = '{n3:10}';
SELECT id FROM many WHERE v = '{n3:10}';
RESET enable_seqscan;
RESET enable_bitmapscan;
-- Joins by hash and by merging find the same.
SET enable_nestloop = off;
SET enable_mergejoin = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM many x JOIN many y USING (v);
SELECT count(*) AS "20000" FROM many x JOIN many y USING (v);
SET enable_hashjoin = off;
SET enable_mergejoin = on;
EXPLAIN (COSTS OFF) SELECT count(*) FROM many x JOIN many y USING (v);
SELECT count(*) AS "20000" FROM many x JOIN many y USING (v);
RESET enable_nestloop;
RESET enable_mergejoin;
RESET enable_hashjoin;
-- Partitions by hash use the other of the two hash functions.
CREATE TABLE parted (v lockstep.version_vector) PARTITION BY HASH (v);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parted SELECT v FROM many;
SELECT count(DISTINCT tableoid) AS "2", count(*) AS "20000" FROM parted;
SELECT amname, opcname, opfname, opcdefault, amvalidate(c.oid) AS valid FROM pg_opclass c JOIN pg_am a ON a.oid = c.opcmethod JOIN pg_opfamily f ON f.oid = c.opcfamily
WHERE c.opcintype = 'lockstep.version_vector'::regtype ORDER BY amname;

-- A value that is stored out of line, as a short one, and compressed is the same value.
CREATE TABLE stored (how text, v lockstep.version_vector);
INSERT INTO stored SELECT 'external', v FROM large;
ALTER TABLE stored ALTER v SET STORAGE plain;
INSERT INTO stored SELECT 'plain', '{a:1}';
ALTER TABLE stored ALTER v SET STORAGE main;
INSERT INTO stored SELECT 'main', '{a:1}';
INSERT INTO stored SELECT 'main', ('{' || string_agg(repeat('x', 200) || n || ':1', ',') || '}')::lockstep.version_vector FROM generate_series(1, 100) n;
SELECT how, pg_column_size(s.v) < length(s.v::text) AS smaller, count(*) OVER (PARTITION BY s.v), s.v = s.v::text::lockstep.version_vector AS same FROM stored s ORDER BY s.v, how;

-- In a tracked table: logged as its text, and a change of it is a change.
CREATE TABLE note (id int PRIMARY KEY, edits lockstep.version_vector NOT NULL DEFAULT '{}');
SELECT lockstep.track('note');
SELECT lockstep.position() AS start \gset
INSERT INTO note VALUES (1, '{"new york":1}');
UPDATE note SET edits = lockstep.advance(edits, 'berlin');
UPDATE note SET edits = '{berlin:1,"new york":1}';
SELECT op, version, "row", old FROM test.feed(:'start');

DROP TABLE large, kept, many, sorted, parted, stored, note;
DROP FUNCTION test.received;
