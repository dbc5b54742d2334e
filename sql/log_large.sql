-- Large values: in the log they are stored out of line, or compressed.
SET client_min_messages = warning;
CREATE TABLE u (id integer PRIMARY KEY, filler text);
SELECT lockstep.track('u');
CREATE FUNCTION pg_temp.noise(kilobytes integer) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(md5(i::text), '') FROM generate_series(1, kilobytes * 32) i $$;

-- Of every size around the limits of a page, alone and in company.
SELECT lockstep.position() AS start \gset
INSERT INTO u SELECT i, left(pg_temp.noise(20), 100 * i) FROM generate_series(1, 200) i;
SELECT count(*), count(DISTINCT f.key), bool_and(f."row" = lockstep.image(u)) AS "as in the table", max(tx)
FROM test.feed(:'start') f JOIN u ON u.id = (f.key ->> 'id')::integer;
UPDATE u SET filler = filler || '!' WHERE id > 10;
SELECT count(*), count(DISTINCT f.key), bool_and(f."row" = lockstep.image(u)) AS "as in the table",
	bool_and(old ->> 'filler' || '!' = "row" ->> 'filler') AS "old as it was", max(tx)
FROM test.feed(:'start') f JOIN u ON u.id = (f.key ->> 'id')::integer WHERE op = 'update';
DELETE FROM u WHERE id > 100;
SELECT count(*), bool_and(length("row" ->> 'filler') = (key ->> 'id')::integer * 100 + 1) AS "as it was" FROM test.feed(:'start') f WHERE op = 'delete';
SELECT * FROM test.broken_promises(:'start');
-- The log is not harmed.
INSERT INTO u VALUES (1000, 'small');
SELECT op, key, version, "row" FROM test.feed(:'start') WHERE tx = 4;
TRUNCATE u;

-- One row that is larger than the buffer, between small ones.
SET lockstep.log_buffer_size = '64kB';
SELECT lockstep.position() AS start \gset
BEGIN;
INSERT INTO u VALUES (1, 'small'), (2, repeat('large', 100000)), (3, 'small');
UPDATE u SET filler = filler || '!' WHERE id = 2;
COMMIT;
SELECT op, key, version, length("row" ->> 'filler') AS length, right("row" ->> 'filler', 6) AS "end", length(old ->> 'filler') AS old_length FROM test.feed(:'start');


-- Twenty million characters, not to be compressed; one that is NULL before and after.
SELECT lockstep.position() AS start \gset
INSERT INTO u VALUES (10, pg_temp.noise(20000)), (11, NULL);
UPDATE u SET filler = NULL WHERE id = 10;
UPDATE u SET filler = 'x' WHERE id = 11;
SELECT op, key, version, length("row" ->> 'filler') AS length, length(old ->> 'filler') AS old_length FROM test.feed(:'start');
SELECT md5("row" ->> 'filler') = md5(pg_temp.noise(20000)) AS same FROM test.feed(:'start') LIMIT 1;

-- A large value that an UPDATE leaves alone is in the row all the same.
SELECT lockstep.position() AS start \gset
CREATE TABLE w (id integer PRIMARY KEY, large text, small integer);
ALTER TABLE w ALTER large SET STORAGE EXTERNAL;
SELECT lockstep.track('w');
INSERT INTO w VALUES (1, repeat('z', 50000), 1);
UPDATE w SET small = 2;
BEGIN;
UPDATE w SET small = 3;
DELETE FROM w;
COMMIT;
SELECT op, version, length("row" ->> 'large') AS length, "row" -> 'small' AS small, old FROM test.feed(:'start') WHERE op <> 'schema';

DROP TABLE u, w;
