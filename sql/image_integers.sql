-- Integers in an image are byte for byte what to_jsonb() makes of them (record_image_eq() compares bytes).
SELECT setseed(0.4);
CREATE TABLE number AS
SELECT b, CASE WHEN b BETWEEN -2147483648 AND 2147483647 THEN b::integer END AS i, CASE WHEN b BETWEEN -32768 AND 32767 THEN b::smallint END AS s FROM (
	SELECT sign * least(power(10, exponent)::numeric + off, 9223372036854775807)::bigint AS b FROM generate_series(0, 18) exponent, generate_series(-2, 2) off, (VALUES (1), (-1)) v (sign)
	UNION ALL SELECT ((random() - 0.5) * power(10, random() * 18.9))::bigint FROM generate_series(1, 20000)
	UNION ALL SELECT n * 10000 FROM generate_series(-20000, 20000) n
	UNION ALL VALUES (0::bigint), (9223372036854775807), (-9223372036854775808), (-9223372036854775807), (9999000000000000), (100000001), (32767), (-32768), (2147483647), (-2147483648)) n;
SELECT count(*), count(*) FILTER (WHERE record_image_eq(ROW(lockstep.image(n)), ROW(to_jsonb(n)))) AS same FROM number n;
SELECT b FROM number n WHERE NOT record_image_eq(ROW(lockstep.image(n)), ROW(to_jsonb(n))) ORDER BY b LIMIT 10;
SELECT DISTINCT b, lockstep.image(n) FROM number n WHERE b IN (-9223372036854775808, 0, 10000, 9223372036854775807) ORDER BY b;
DROP TABLE number;
