-- lockstep.image(): a row as the log writes it.
SELECT lockstep.image(NULL) IS NULL AS "NULL";
SELECT lockstep.image(ROW(1, 'a', NULL));
SELECT lockstep.image(r) FROM (VALUES (1, 'a'::text, true), (2, NULL, false)) AS r (id, name, "Is It?");
CREATE TABLE t (id integer PRIMARY KEY, gone integer, "Name" text, doc json, at timestamptz);
ALTER TABLE t DROP COLUMN gone;
INSERT INTO t VALUES (1, 'a', '{ }', '2026-01-01 12:00+00');
-- A column that came later, with a default.
ALTER TABLE t ADD COLUMN later numeric DEFAULT 1.50;
SELECT lockstep.image(t) FROM t;
SELECT lockstep.image(t.*) FROM t WHERE id = 1;
-- Of columns, of a join, of aggregates; from a view.
SELECT lockstep.image(r) FROM (SELECT id, doc FROM t) r;
SELECT lockstep.image(r) FROM (SELECT count(*) AS n, array_agg(id) AS ids FROM t) r;
CREATE VIEW v AS SELECT "Name" AS renamed, at FROM t;
SELECT lockstep.image(v) FROM v;
-- Numbers keep their digits on the way through text.
SELECT lockstep.image(r)::text FROM (SELECT 12345678901234567890.0987654321000 AS n, 1e-7::double precision AS f) r;
-- A composite of a composite.
SELECT lockstep.image(r) FROM (SELECT t AS whole FROM (SELECT id, doc FROM t) t) r;
DROP VIEW v;
DROP TABLE t;
