-- The log beside other triggers: each sees the row as it is written.
SET client_min_messages = warning;
CREATE TABLE orders (id integer PRIMARY KEY, status text, touched integer NOT NULL DEFAULT 0);
CREATE TABLE totals (status text PRIMARY KEY, n integer NOT NULL);
CREATE TABLE audit (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text);
SELECT lockstep.track('orders'), lockstep.track('totals'), lockstep.track('audit');

-- BEFORE: what it puts into the row is logged, and what it leaves out is not.
CREATE FUNCTION prepare() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.status = 'skip' THEN RETURN NULL; END IF;
	NEW.status := upper(NEW.status);
	RETURN NEW;
END $$;
CREATE TRIGGER prepare BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION prepare();
SELECT lockstep.position() AS start \gset
INSERT INTO orders VALUES (1, 'open'), (2, 'skip'), (3, 'open');
UPDATE orders SET status = CASE id WHEN 1 THEN 'skip' ELSE 'done' END;
-- What the trigger turns into no change is none.
UPDATE orders SET status = 'open' WHERE id = 1;
-- A trigger that changes a row which the UPDATE leaves alone: the version advances.
UPDATE orders SET status = 'Done' WHERE id = 3;
SELECT tx, op, key, version, "row", old FROM test.feed(:'start');
DROP TRIGGER prepare ON orders;

-- BEFORE, and it sets the version by itself: the same rule.
CREATE FUNCTION count_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.row_version := OLD.row_version + 1; RETURN NEW; END $$;
CREATE TRIGGER count_up BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION count_up();
UPDATE orders SET status = 'counted' WHERE id = 3 RETURNING row_version AS "3";
DROP TRIGGER count_up ON orders;

-- AFTER, writing to other tracked tables: after the row that caused it.
CREATE FUNCTION total() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO totals AS t VALUES (NEW.status, 1) ON CONFLICT (status) DO UPDATE SET n = t.n + 1;
	IF TG_OP = 'UPDATE' THEN
		UPDATE totals SET n = n - 1 WHERE status = OLD.status;
		DELETE FROM totals WHERE n <= 0;
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER total AFTER INSERT OR UPDATE OF status ON orders FOR EACH ROW EXECUTE FUNCTION total();
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO audit (note) VALUES (TG_OP || ' ' || TG_TABLE_NAME); RETURN NULL; END $$;
CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON totals FOR EACH ROW EXECUTE FUNCTION note();
SELECT lockstep.position() AS start \gset
INSERT INTO orders VALUES (10, 'a');
INSERT INTO orders VALUES (11, 'a');
UPDATE orders SET status = 'b' WHERE id = 10;
UPDATE orders SET status = 'b' WHERE id = 11;
SELECT tx, table_name, op, key, version, "row", old FROM test.feed(:'start');
SELECT * FROM test.broken_promises(:'start');
DROP TRIGGER total ON orders;

-- AFTER, updating its own row: versions in their order.
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN UPDATE orders SET touched = touched + 1 WHERE id = NEW.id AND touched < 2; RETURN NULL; END $$;
CREATE TRIGGER touch AFTER INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch();
SELECT lockstep.position() AS start \gset
INSERT INTO orders VALUES (20, 'self');
SELECT tx, op, key, version, "row", old FROM test.feed(:'start');
DROP TRIGGER touch ON orders;

-- AFTER, changing other rows of the same statement before their turn has come: each row's versions are in their order all the same.
CREATE FUNCTION neighbour() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF pg_trigger_depth() = 1 THEN UPDATE orders SET touched = touched + 1 WHERE id = NEW.id + 1; END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER neighbour AFTER INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION neighbour();
SELECT lockstep.position() AS start \gset
INSERT INTO orders VALUES (60, 'n'), (61, 'n'), (62, 'n');
UPDATE orders SET status = 'm' WHERE id IN (60, 61, 62);
CREATE OR REPLACE FUNCTION neighbour() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF pg_trigger_depth() = 1 AND NEW.id = 60 THEN DELETE FROM orders WHERE id = 61; UPDATE orders SET id = 63 WHERE id = 62; END IF;
	RETURN NULL;
END $$;
UPDATE orders SET status = 'l' WHERE id IN (60, 61, 62);
SELECT tx, key -> 'id' AS id, array_agg(op || ' v' || version ORDER BY n) AS story
FROM (SELECT row_number() OVER () AS n, f.* FROM test.feed(:'start') f) f GROUP BY tx, key ORDER BY tx, key;
-- What changed is told from each version to the next.
SELECT count(*) AS "0" FROM (
	SELECT old, lag("row") OVER (PARTITION BY tx, key ORDER BY n) AS before, op
	FROM (SELECT row_number() OVER () AS n, f.* FROM test.feed(:'start') f) f) f
WHERE op = 'update' AND NOT before @> old;
SELECT * FROM test.broken_promises(:'start');
DROP TRIGGER neighbour ON orders;
DROP FUNCTION neighbour;

-- … and its lives too: a row that the trigger deletes and inserts again, one whose key it changes and gives to another.
CREATE TABLE lives (id integer PRIMARY KEY, v text);
SELECT lockstep.track('lives');
INSERT INTO lives VALUES (1, 'a'), (2, 'a'), (3, 'a');
CREATE FUNCTION rebirth() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF pg_trigger_depth() = 1 AND NEW.id = 1 THEN
		DELETE FROM lives WHERE id = 2;
		INSERT INTO lives VALUES (2, 'new');
		UPDATE lives SET v = 'newer' WHERE id = 2;
		UPDATE lives SET id = 4 WHERE id = 3;
		INSERT INTO lives VALUES (3, 'third');
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER rebirth AFTER UPDATE ON lives FOR EACH ROW EXECUTE FUNCTION rebirth();
SELECT lockstep.position() AS start \gset
UPDATE lives SET v = 'b';
SELECT tx, op, key, version, "row" ->> 'v' AS v, old FROM test.feed(:'start');
TABLE lives ORDER BY id;
SELECT * FROM test.broken_promises(:'start');
DROP TABLE lives;
DROP FUNCTION rebirth;

-- A trigger that catches an error of its own.
CREATE FUNCTION stumble() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		INSERT INTO audit (note) VALUES ('gone');
		INSERT INTO totals VALUES ('b', 99);
	EXCEPTION WHEN unique_violation THEN
		INSERT INTO audit (note) VALUES ('caught');
	END;
	RETURN NULL;
END $$;
CREATE TRIGGER stumble AFTER UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION stumble();
SELECT lockstep.position() AS start \gset
UPDATE orders SET status = 'stumbled' WHERE id IN (10, 11);
SELECT tx, table_name, op, version, "row" - 'id' AS "row" FROM test.feed(:'start');
DROP TRIGGER stumble ON orders;

-- Deferred constraint triggers write at commit, after all else, and write there what fires others.
CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	UPDATE totals SET n = n + 100 WHERE status = 'b';
	INSERT INTO audit (note) VALUES ('at commit ' || NEW.id);
	RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION at_commit();
SELECT lockstep.position() AS start \gset
INSERT INTO orders VALUES (30, 'x');
BEGIN;
INSERT INTO orders VALUES (31, 'x');
SAVEPOINT a;
INSERT INTO orders VALUES (32, 'gone');
ROLLBACK TO a;
INSERT INTO orders VALUES (33, 'x');
UPDATE orders SET status = 'y' WHERE id = 31;
COMMIT;
SELECT tx, table_name, op, "row" -> 'n' AS n, "row" ->> 'note' AS note, key -> 'id' AS id FROM test.feed(:'start');
-- An error at commit: nothing of the transaction is there.
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not at commit'; END $$;
CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse();
SELECT lockstep.position() AS start \gset
BEGIN;
INSERT INTO orders VALUES (40, 'x');
\set SHOW_CONTEXT never
COMMIT;
SELECT count(*) AS "0" FROM test.feed(:'start');
DROP TRIGGER refuse ON orders;
INSERT INTO orders VALUES (40, 'x');
SELECT tx, table_name, op FROM test.feed(:'start');
SELECT * FROM test.broken_promises(:'start');

-- An INSTEAD OF trigger's own writes, and a rule's.
CREATE VIEW order_status AS SELECT id, status FROM orders;
CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN UPDATE orders SET status = NEW.status WHERE id = OLD.id; RETURN NEW; END $$;
CREATE TRIGGER instead INSTEAD OF UPDATE ON order_status FOR EACH ROW EXECUTE FUNCTION instead();
CREATE RULE also AS ON UPDATE TO audit DO ALSO DELETE FROM totals;
SELECT lockstep.position() AS start \gset
UPDATE order_status SET status = 'via view' WHERE id = 40;
UPDATE audit SET note = 'rule' WHERE note = 'at commit 40';
SELECT tx, table_name, op, version FROM test.feed(:'start') ORDER BY tx, table_name, op;

DROP VIEW order_status;
DROP TABLE orders, totals, audit;
DROP FUNCTION prepare, count_up, total, note, touch, stumble, at_commit, refuse, instead;
