-- Values that an update leaves alone are not fetched from where they lie out of line, nor decompressed, to see that.
CREATE TABLE letter (body text, id integer PRIMARY KEY, body2 text, v integer, scan bytea);
ALTER TABLE letter ALTER COLUMN body SET STORAGE EXTERNAL, ALTER COLUMN body2 SET STORAGE EXTERNAL;
SELECT lockstep.track('letter', exclude_columns => '{body}');
INSERT INTO letter VALUES (repeat('a', 10000), 1, NULL, 0), (repeat('a', 10000), 2, repeat('b', 10000), 0);
-- How often this session has lately looked into the TOAST table.
CREATE FUNCTION fetches() RETURNS bigint LANGUAGE sql AS $$
	SELECT pg_stat_get_xact_numscans(i.indexrelid) FROM pg_class c JOIN pg_index i ON i.indrelid = c.reltoastrelid WHERE c.oid = 'letter'::regclass
$$;
BEGIN;
SELECT fetches() AS before \gset
UPDATE letter SET v = 1 WHERE id = 1;
SELECT fetches() - :before AS "nothing is needed";
SELECT fetches() AS before \gset
UPDATE letter SET v = 1 WHERE id = 2;
SELECT fetches() - :before AS "for the image";
COMMIT;
BEGIN;
SELECT fetches() AS before \gset
UPDATE letter SET v = v;
SELECT fetches() - :before AS "for no change";
COMMIT;
-- The same value, stored anew, is no change; another of the same length is one.
UPDATE letter SET body = repeat('a', 10000) WHERE id = 1 RETURNING row_version;
UPDATE letter SET body = repeat('a', 9999) || 'b' WHERE id = 1 RETURNING row_version;
SELECT count(*), count("row" ->> 'body2') AS whole FROM lockstep.change WHERE root = 'letter'::regclass AND op = 'u';
DROP FUNCTION fetches();

-- The version is put into its place behind whatever stands before it.
CREATE TABLE mixed (a "char", b text, id integer PRIMARY KEY, c smallint, d numeric, row_version integer NOT NULL DEFAULT 1, e text);
SELECT lockstep.track('mixed');
INSERT INTO mixed VALUES (NULL, NULL, 1, NULL, NULL, 1, NULL), ('x', 'b', 2, 2, 1.5, 1, 'e'), ('x', repeat('b', 300), 3, NULL, NULL, 1, NULL), (NULL, repeat('b', 100000), 4, 7, NULL, 1, 'e');
UPDATE mixed SET e = 'f';
UPDATE mixed SET c = 9, b = b || 'c';
SELECT a, length(b) AS b, id, c, d, row_version, e FROM mixed ORDER BY id;
ALTER TABLE mixed DROP COLUMN b, ADD COLUMN later text DEFAULT 'later';
UPDATE mixed SET e = 'g';
SELECT * FROM mixed ORDER BY id;
SELECT key, version, "row" -> 'row_version' AS row_version FROM lockstep.change WHERE root = 'mixed'::regclass AND op = 'u' ORDER BY key, version;
DROP TABLE letter, mixed;
