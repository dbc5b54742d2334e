-- as_json() writes letter by letter what jsonb writes itself.
SELECT lockstep.as_json('{"id": 42, "tags": ["new", null, true, {"deep": []}], "note": "say \"hello\"", "price": 12.50}') AS json, lockstep.as_json(NULL) IS NULL AS "null",
	pg_typeof(lockstep.as_json('1'));

SELECT setseed(0.4);
CREATE TABLE value (v jsonb);
INSERT INTO value SELECT v::jsonb FROM (VALUES ('null'), ('true'), ('false'), ('0'), ('-1'), ('""'), ('[]'), ('{}'), ('[[]]'), ('[{}]'), ('{"": {}}'), ('{"": ""}')) n (v);
-- Numbers of every length, with and without a fraction or zeros at either end, and what is no number to JSON but may be written like one.
INSERT INTO value SELECT to_jsonb(sign * (power(10::numeric, exponent) + off) / divisor)
FROM generate_series(0, 40) exponent, generate_series(-1, 1) off, (VALUES (1), (-1)) s (sign), (VALUES (1), (1000), (7)) d (divisor);
INSERT INTO value SELECT to_jsonb(((random() - 0.5) * power(10, random() * 18.9))::bigint) FROM generate_series(1, 5000);
INSERT INTO value SELECT to_jsonb(n * power(10::numeric, n % 20)) FROM generate_series(1, 900) n;
INSERT INTO value SELECT to_jsonb(n::numeric) FROM unnest('{1.0,1.50,0.00,-0.0,1e300,1e-300,0.0001,10000.0000,9999999999999999,10000000000000000}'::text[]) n;
-- Each character, at each place of strings of each length: as a value, and as a key.
INSERT INTO value SELECT jsonb_build_object(string, jsonb_build_array(string)) FROM (
	SELECT repeat('x', place) || chr(code) || repeat('y', rest) AS string
	FROM generate_series(1, 140) code, generate_series(0, 17) place, generate_series(0, 8) rest) s;
INSERT INTO value SELECT to_jsonb(repeat('long "and" ', 20000) || repeat(chr(1), 100000));
-- Many of them in one: what stands where depends on lengths before it.
INSERT INTO value SELECT (SELECT jsonb_agg(v ORDER BY random()) FROM (SELECT v FROM value WHERE n > 0 ORDER BY random() LIMIT n * 5) s) FROM generate_series(0, 40) n;
INSERT INTO value SELECT (SELECT jsonb_object_agg(n || '.' || v::text, v ORDER BY random()) FROM (SELECT v FROM value WHERE n > 0 AND length(v::text) < 1000 ORDER BY random() LIMIT n * 5) s)
FROM generate_series(1, 40) n;
INSERT INTO value SELECT (repeat('[{"a": ', depth) || '1' || repeat('}]', depth))::jsonb FROM generate_series(1, 500, 7) depth;
SELECT count(*) > 25000 AS many, count(*) FILTER (WHERE lockstep.as_json(v)::text IS DISTINCT FROM v::text) AS different FROM value;
SELECT left(v::text, 100) AS v, left(lockstep.as_json(v)::text, 100) AS as_json FROM value WHERE lockstep.as_json(v)::text IS DISTINCT FROM v::text ORDER BY length(v::text) LIMIT 10;
-- As they are stored: compressed, and short ones anywhere in a row.
CREATE TABLE stored AS SELECT 'x'::"char" AS shift, v FROM value;
SELECT count(*) FILTER (WHERE lockstep.as_json(v)::text IS DISTINCT FROM v::text) AS different FROM stored;
DROP TABLE value, stored;
