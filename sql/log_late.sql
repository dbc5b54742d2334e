-- Changes that the log trigger is told of late, as the row was changed again before its turn in the statement: each row's stand in the order in which
-- they happened.
SET client_min_messages = warning;
-- In the order of the feed: does each change fit to what the one before left of its row, and what the last one left to the table?
CREATE FUNCTION pg_temp.misfits(since lockstep.position, whole regclass) RETURNS TABLE (table_name text, key jsonb, story text) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format($sql$
		WITH feed AS MATERIALIZED (SELECT row_number() OVER () AS n, f.* FROM lockstep.changes($1) f),
		told AS (SELECT f.*, lag(f.op) OVER w AS op_before, lag(f."row") OVER w AS row_before, lead(f.n) OVER w IS NULL AS is_last
			FROM feed f WINDOW w AS (PARTITION BY f.table_name, f.key ORDER BY f.n)),
		misfit AS (SELECT t.table_name, t.key FROM told t LEFT JOIN (SELECT lockstep.image(r) AS image, lockstep.image(r) -> 'id' AS id FROM %s r) r
				ON t.table_name = %L AND t.key -> 'id' = r.id
			WHERE CASE t.op WHEN 'insert' THEN t.op_before <> 'delete'
				WHEN 'update' THEN t.op_before = 'delete' OR t.row_before <> t."row" || t.old
				ELSE t.op_before = 'delete' OR t.row_before <> t."row" END
				OR t.is_last AND t.table_name = %2$L AND CASE t.op WHEN 'delete' THEN r.id IS NOT NULL ELSE t."row" IS DISTINCT FROM r.image END)
		SELECT f.table_name, f.key, string_agg(f.op || ' v' || f.version, ', ' ORDER BY f.n) FROM feed f
		WHERE (f.table_name, f.key) IN (SELECT m.table_name, m.key FROM misfit m) GROUP BY 1, 2 ORDER BY 1, 2 LIMIT 10 $sql$, whole, lockstep.qualified_name(whole)) USING since;
END $$;
CREATE TABLE t (id integer PRIMARY KEY, v integer NOT NULL DEFAULT 0, w text);
CREATE TABLE note (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text);
SELECT lockstep.track('t'), lockstep.track('note');

-- Many: each row changes the next one, most of them long after what was first is written to the log. (A search through all of them for each
-- would take minutes.)
INSERT INTO t (id) SELECT generate_series(1, 100000);
CREATE FUNCTION change_next() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN UPDATE t SET v = v + 1 WHERE id = NEW.id + 1; RETURN NULL; END $$;
CREATE TRIGGER zz_next AFTER UPDATE OF w ON t FOR EACH ROW EXECUTE FUNCTION change_next();
SELECT lockstep.position() AS start \gset
UPDATE t SET w = 'x';
SELECT count(*), count(DISTINCT key) FROM lockstep.changes(:'start');
SELECT * FROM pg_temp.misfits(:'start', 't');
DROP TRIGGER zz_next ON t;

-- The first that comes late comes after much else was written: of this statement, and of those before.
TRUNCATE t;
INSERT INTO t (id) SELECT generate_series(1, 400);
CREATE FUNCTION change_last() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.id = 1 THEN UPDATE t SET v = v + 1 WHERE id > 390; UPDATE t SET v = v + 1 WHERE id > 395; END IF;
	IF NEW.id % 10 = 3 THEN INSERT INTO note (what) VALUES (repeat('n', 1000)); END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER zz_last AFTER UPDATE OF w ON t FOR EACH ROW EXECUTE FUNCTION change_last();
SET lockstep.log_buffer_size = '64kB';
SELECT lockstep.position() AS start \gset
BEGIN;
UPDATE t SET v = v + 1 WHERE id > 380;
UPDATE t SET w = repeat('a', 1000);
SAVEPOINT a;
UPDATE t SET w = repeat('b', 1000);
RELEASE a;
SAVEPOINT b;
UPDATE t SET w = repeat('c', 1000);
ROLLBACK TO b;
DO $$ BEGIN FOR i IN 1 .. 3 LOOP UPDATE t SET w = repeat('d', 1000 + i); END LOOP; END $$;
COMMIT;
SELECT op, count(*), count(DISTINCT key) FROM lockstep.changes(:'start') WHERE table_name = 'public.t' GROUP BY op;
SELECT * FROM pg_temp.misfits(:'start', 't');
RESET lockstep.log_buffer_size;
DROP TRIGGER zz_last ON t;

-- Nothing is put in place before what was rolled back: row 3 comes after all that row 2's trigger did.
TRUNCATE t;
INSERT INTO t (id) SELECT generate_series(1, 4);
CREATE FUNCTION change_and_regret() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.id = 1 THEN UPDATE t SET v = v + 1 WHERE id = 2; END IF;
	IF NEW.id = 2 THEN
		BEGIN
			BEGIN
				UPDATE t SET v = v + 10 WHERE id = 3;
			EXCEPTION WHEN division_by_zero THEN RAISE 'never';
			END;
			UPDATE t SET v = v + 10 WHERE id IN (3, 4);
			RAISE division_by_zero;
		EXCEPTION WHEN division_by_zero THEN
			INSERT INTO note (what) VALUES ('regretted');
			UPDATE t SET v = v + 100 WHERE id = 4;
		END;
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER zz_regret AFTER UPDATE OF w ON t FOR EACH ROW EXECUTE FUNCTION change_and_regret();
SELECT lockstep.position() AS start \gset
UPDATE t SET w = 'x';
SELECT table_name, op, key -> 'id' AS id, version, "row" ->> 'w' AS w, "row" -> 'v' AS v FROM lockstep.changes(:'start') WHERE table_name = 'public.t' OR "row" ->> 'what' = 'regretted';
SELECT * FROM pg_temp.misfits(:'start', 't');
-- The same with a savepoint around the statement, rolled back and done again.
SELECT lockstep.position() AS start \gset
BEGIN;
SAVEPOINT a;
UPDATE t SET w = 'gone';
ROLLBACK TO a;
UPDATE t SET w = 'y';
SAVEPOINT b;
UPDATE t SET w = 'z';
COMMIT;
SELECT * FROM pg_temp.misfits(:'start', 't');
DROP TRIGGER zz_regret ON t;

-- A function that the statement calls changes a row that the statement has changed, and one that it has yet to change.
CREATE FUNCTION touch(which integer) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
BEGIN UPDATE t SET v = v + 1 WHERE id = which; RETURN 'touched'; END $$;
SELECT lockstep.position() AS start \gset
UPDATE t SET w = touch(id - 1) WHERE id > 1;
SELECT key -> 'id' AS id, string_agg(op || ' v' || version, ', ' ORDER BY n) AS story
FROM (SELECT row_number() OVER () AS n, f.* FROM lockstep.changes(:'start') f) f GROUP BY 1 ORDER BY 1;
SELECT * FROM pg_temp.misfits(:'start', 't');

-- Keys that are given up and taken again by one statement, and changed by its trigger before their turn; then the trigger's statement does so as well.
TRUNCATE t;
INSERT INTO t (id) SELECT generate_series(5, 1, -1);
CREATE FUNCTION change_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF pg_trigger_depth() = 1 AND NEW.w = 'once' AND NEW.id = 6 THEN UPDATE t SET v = v + 1 WHERE id BETWEEN 2 AND 5; END IF;
	IF NEW.w = 'twice' AND NEW.id = 7 THEN UPDATE t SET id = id + 1, w = 'inner'; END IF;
	IF NEW.w = 'inner' AND NEW.id = 8 THEN UPDATE t SET v = v + 1; DELETE FROM t WHERE id = 5; INSERT INTO t (id) VALUES (5); END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER zz_moved AFTER UPDATE OF id ON t FOR EACH ROW EXECUTE FUNCTION change_moved();
SELECT lockstep.position() AS start \gset
UPDATE t SET id = id + 1, w = 'once';
SELECT key -> 'id' AS id, string_agg(op || ' v' || version, ', ' ORDER BY n) AS story
FROM (SELECT row_number() OVER () AS n, f.* FROM lockstep.changes(:'start') f) f GROUP BY 1 ORDER BY 1;
SELECT * FROM pg_temp.misfits(:'start', 't');
SELECT lockstep.position() AS start \gset
UPDATE t SET id = id + 1, w = 'twice';
SELECT key -> 'id' AS id, string_agg(op || ' v' || version, ', ' ORDER BY n) AS story
FROM (SELECT row_number() OVER () AS n, f.* FROM lockstep.changes(:'start') f) f GROUP BY 1 ORDER BY 1;
SELECT * FROM pg_temp.misfits(:'start', 't');
DROP TRIGGER zz_moved ON t;
-- Deleted and inserted again by one statement.
TRUNCATE t;
INSERT INTO t (id) VALUES (1), (2);
CREATE FUNCTION change_second() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF OLD.id = 1 THEN UPDATE t SET v = v + 1 WHERE id = 2; END IF; RETURN NULL; END $$;
CREATE TRIGGER zz_second AFTER DELETE ON t FOR EACH ROW EXECUTE FUNCTION change_second();
SELECT lockstep.position() AS start \gset
WITH gone AS (DELETE FROM t RETURNING id) INSERT INTO t (id, w) SELECT id, 'again' FROM gone;
SELECT key -> 'id' AS id, string_agg(op || ' v' || version, ', ' ORDER BY n) AS story
FROM (SELECT row_number() OVER () AS n, f.* FROM lockstep.changes(:'start') f) f GROUP BY 1 ORDER BY 1;
SELECT * FROM pg_temp.misfits(:'start', 't');
DROP TRIGGER zz_second ON t;

-- Foreign keys: what they change waits until all of the statement's own rows had their turn, while other triggers go on.
CREATE TABLE parent (id integer PRIMARY KEY);
CREATE TABLE child (id integer PRIMARY KEY, v integer NOT NULL DEFAULT 0,
	a integer REFERENCES parent ON UPDATE CASCADE ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
	b integer REFERENCES parent ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED,
	c integer REFERENCES parent ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED);
SELECT lockstep.track('parent'), lockstep.track('child');
INSERT INTO parent VALUES (1), (2), (3), (4);
INSERT INTO child (id, a, b, c) VALUES (10, 1, 2, 3);
CREATE FUNCTION change_child() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN UPDATE child SET v = v + 1; IF TG_OP = 'DELETE' THEN INSERT INTO child (id, a) VALUES (20, 14) ON CONFLICT DO NOTHING; END IF; RETURN NULL; END $$;
CREATE TRIGGER zz_child AFTER UPDATE OR DELETE ON parent FOR EACH ROW EXECUTE FUNCTION change_child();
SELECT lockstep.position() AS start \gset
UPDATE parent SET id = id + 10;
SELECT string_agg(op || ' v' || version || COALESCE(' ' || (old - 'row_version')::text, ''), ', ' ORDER BY n)
FROM (SELECT row_number() OVER () AS n, f.* FROM lockstep.changes(:'start') f WHERE table_name = 'public.child') f;
SELECT * FROM pg_temp.misfits(:'start', 'child');
UPDATE child SET b = NULL, c = NULL;
INSERT INTO child (id, a) VALUES (20, 12);
SELECT lockstep.position() AS start \gset
DELETE FROM parent WHERE id < 14;
SELECT key -> 'id' AS id, string_agg(op || ' v' || version, ', ' ORDER BY n) AS story
FROM (SELECT row_number() OVER () AS n, f.* FROM lockstep.changes(:'start') f WHERE table_name = 'public.child') f GROUP BY 1 ORDER BY 1;
SELECT * FROM pg_temp.misfits(:'start', 'child');
DROP TABLE parent, child;

-- Two keys with the same hash.
CREATE TABLE n (id numeric PRIMARY KEY, v integer NOT NULL DEFAULT 0, w text);
SELECT lockstep.track('n');
INSERT INTO n VALUES (0), (5.5), (jsonb_hash_extended('{"id": 5.5}', 0)), (7);
SELECT count(DISTINCT key) AS keys, count(DISTINCT key_hash) AS hashes FROM lockstep.change WHERE root = 'n'::regclass;
CREATE FUNCTION change_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.id = 0 THEN UPDATE n SET v = v + 1 WHERE id = 5.5; UPDATE n SET v = v + 1 WHERE id = 5.5; UPDATE n SET v = v + 2 WHERE id NOT IN (0, 5.5); END IF;
	IF NEW.id = 5.5 THEN UPDATE n SET v = v + 4 WHERE id <> 0; END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER zz_number AFTER UPDATE OF w ON n FOR EACH ROW EXECUTE FUNCTION change_number();
SELECT lockstep.position() AS start \gset
UPDATE n SET w = 'x';
SELECT key -> 'id' AS id, string_agg(op || ' v' || version, ', ' ORDER BY n) AS story
FROM (SELECT row_number() OVER () AS n, f.* FROM lockstep.changes(:'start') f) f GROUP BY 1 ORDER BY 1;
SELECT * FROM pg_temp.misfits(:'start', 'n');
DROP TABLE n, t, note;
DROP FUNCTION change_next, change_last, change_and_regret, touch, change_moved, change_second, change_child, change_number;
