-- lockstep.doctor(): finds what would make lockstep miss changes or let writes slip by.
SET client_min_messages = warning;
CREATE SCHEMA clinic;
CREATE TABLE clinic.t (id integer PRIMARY KEY, code text NOT NULL, v text);
CREATE UNIQUE INDEX t_code ON clinic.t (code);
SELECT lockstep.track('clinic.t', key_columns => '{code}');
CREATE TABLE clinic.p (id integer PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE clinic.p_1 PARTITION OF clinic.p FOR VALUES FROM (1) TO (100);
SELECT lockstep.track('clinic.p');
-- All is well.
SELECT name, status, hint FROM lockstep.doctor() WHERE name IN ('version', 'log') OR name LIKE 'table %' ORDER BY name;
SELECT status FROM lockstep.doctor() WHERE status NOT IN ('ok', 'warning', 'error');
SELECT count(*) AS "1" FROM lockstep.doctor() WHERE name = 'worker';

CREATE VIEW pg_temp.ill AS SELECT name, status, detail, hint FROM lockstep.doctor() WHERE name LIKE 'table clinic.%' AND status <> 'ok' ORDER BY name;
CREATE FUNCTION pg_temp.ill_after(VARIADIC commands text[]) RETURNS TABLE (name text, status text, hint boolean) LANGUAGE plpgsql AS $$
DECLARE
	command text;
BEGIN
	FOREACH command IN ARRAY commands LOOP EXECUTE command; END LOOP;
	RETURN QUERY SELECT i.name, i.status, i.hint <> '' FROM pg_temp.ill i;
	RAISE EXCEPTION USING ERRCODE = 'ZZ998';
EXCEPTION WHEN SQLSTATE 'ZZ998' THEN
	RETURN;
END
$$;
-- (RETURN QUERY's rows outlive the exception, as they are kept outside the transaction; the commands' effects do not.)

-- Triggers: disabled, by kind, all of them; enabled, but no longer for replicas, as pg_restore --disable-triggers leaves them.
SELECT * FROM pg_temp.ill_after('ALTER TABLE clinic.t DISABLE TRIGGER "!lockstep_log"');
SELECT * FROM pg_temp.ill_after('ALTER TABLE clinic.t DISABLE TRIGGER "~lockstep_guard"');
SELECT * FROM pg_temp.ill_after('ALTER TABLE clinic.t DISABLE TRIGGER "!lockstep_truncate"');
SELECT * FROM pg_temp.ill_after('ALTER TABLE clinic.t DISABLE TRIGGER ALL');
SELECT * FROM pg_temp.ill_after('ALTER TABLE clinic.t DISABLE TRIGGER USER');
SELECT * FROM pg_temp.ill_after('ALTER TABLE clinic.t DISABLE TRIGGER ALL', 'ALTER TABLE clinic.t ENABLE TRIGGER ALL');
SELECT * FROM pg_temp.ill_after('ALTER TABLE clinic.t ENABLE REPLICA TRIGGER "!lockstep_log"');
SELECT * FROM pg_temp.ill_after('DROP TRIGGER "!lockstep_log" ON clinic.t');
SELECT * FROM pg_temp.ill_after('ALTER TRIGGER "!lockstep_log" ON clinic.t RENAME TO zzz');
-- Of a partition.
SELECT * FROM pg_temp.ill_after('ALTER TABLE clinic.p_1 DISABLE TRIGGER ALL');
SELECT * FROM pg_temp.ill_after('ALTER TABLE clinic.p_1 DISABLE TRIGGER "!lockstep_truncate"');
SELECT * FROM pg_temp.ill_after('DROP TRIGGER "!lockstep_truncate" ON clinic.p_1');
-- Of others: a BEFORE trigger after the guard, an AFTER trigger before the log.
CREATE FUNCTION clinic.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
SELECT * FROM pg_temp.ill_after('CREATE TRIGGER "~~late" BEFORE UPDATE ON clinic.t FOR EACH ROW EXECUTE FUNCTION clinic.nothing()');
SELECT * FROM pg_temp.ill_after('CREATE TRIGGER " early" AFTER UPDATE ON clinic.t FOR EACH ROW EXECUTE FUNCTION clinic.nothing()');
SELECT * FROM pg_temp.ill_after('CREATE TRIGGER " early" AFTER INSERT OR DELETE ON clinic.t FOR EACH ROW EXECUTE FUNCTION clinic.nothing()');
-- Those that are no harm.
SELECT * FROM pg_temp.ill_after('CREATE TRIGGER a BEFORE UPDATE ON clinic.t FOR EACH ROW EXECUTE FUNCTION clinic.nothing()',
	'CREATE TRIGGER z AFTER INSERT OR UPDATE OR DELETE ON clinic.t FOR EACH ROW EXECUTE FUNCTION clinic.nothing()',
	'CREATE TRIGGER " s" AFTER UPDATE ON clinic.t FOR EACH STATEMENT EXECUTE FUNCTION clinic.nothing()',
	'CREATE TRIGGER "~~i" BEFORE INSERT ON clinic.t FOR EACH ROW EXECUTE FUNCTION clinic.nothing()');

-- The key's index is gone, or no longer good; a key column may be NULL; a column is gone.
SELECT * FROM pg_temp.ill_after('DROP INDEX clinic.t_code');
SELECT * FROM pg_temp.ill_after('DROP INDEX clinic.t_code', 'CREATE UNIQUE INDEX t_code ON clinic.t (code) WHERE v IS NULL');
SELECT * FROM pg_temp.ill_after('ALTER TABLE clinic.t ALTER code DROP NOT NULL');
SELECT * FROM pg_temp.ill_after('ALTER TABLE clinic.t DROP COLUMN code');
SELECT * FROM pg_temp.ill_after('ALTER TABLE clinic.t DROP COLUMN row_version');
-- It became a table that could not be tracked, while nobody looked.
SELECT count(*) AS "1" FROM pg_temp.ill_after('ALTER EVENT TRIGGER lockstep_ddl DISABLE', 'ALTER TABLE clinic.t SET UNLOGGED');
SELECT count(*) AS "1" FROM pg_temp.ill_after('ALTER EVENT TRIGGER lockstep_ddl DISABLE', 'CREATE TABLE clinic.heir () INHERITS (clinic.t)');
SELECT count(*) AS "1" FROM pg_temp.ill_after('ALTER TABLE clinic.t ALTER row_version TYPE numeric');

-- Detail and hint tell what and how.
ALTER TABLE clinic.t DISABLE TRIGGER "!lockstep_log";
SELECT * FROM pg_temp.ill;
ALTER TABLE clinic.t ENABLE ALWAYS TRIGGER "!lockstep_log";
CREATE TRIGGER "~~late" BEFORE UPDATE ON clinic.t FOR EACH ROW EXECUTE FUNCTION clinic.nothing();
SELECT * FROM pg_temp.ill;
DROP TRIGGER "~~late" ON clinic.t;
DROP INDEX clinic.t_code;
SELECT * FROM pg_temp.ill;
-- A write is refused rather than counted in a column that cannot count …
CREATE TABLE clinic.n (id integer PRIMARY KEY, v text);
SELECT lockstep.track('clinic.n');
INSERT INTO clinic.n VALUES (1, 'a');
ALTER TABLE clinic.n ALTER row_version TYPE integer;
UPDATE clinic.n SET v = 'b' RETURNING row_version AS "2";
ALTER TABLE clinic.n ALTER row_version TYPE numeric;
SELECT test.code('UPDATE clinic.n SET v = ''c''') <> 'accepted' AS "refused";
ALTER TABLE clinic.n ALTER row_version TYPE bigint;
UPDATE clinic.n SET v = 'd', row_version = 2 RETURNING row_version AS "3";
DROP TABLE clinic.n;
-- … or logged under a key that is none.
ALTER TABLE clinic.t DROP COLUMN code;
SELECT test.code('INSERT INTO clinic.t (id) VALUES (1)') <> 'accepted' AS "refused";
SELECT lockstep.untrack('clinic.t');
INSERT INTO clinic.t (id) VALUES (1);
SELECT lockstep.track('clinic.t');
SELECT * FROM pg_temp.ill;
-- A table that was restored without lockstep's own tables: its writes fail until it is tracked. track() replaces what it finds of them.
CREATE TABLE clinic.alone (id integer PRIMARY KEY, row_version bigint);
CREATE TRIGGER "!lockstep_log" AFTER INSERT OR UPDATE OR DELETE ON clinic.alone FOR EACH ROW EXECUTE FUNCTION lockstep.log();
CREATE TRIGGER "~lockstep_guard" BEFORE UPDATE ON clinic.alone FOR EACH ROW EXECUTE FUNCTION lockstep.guard();
CREATE TRIGGER renamed AFTER TRUNCATE ON clinic.alone FOR EACH STATEMENT EXECUTE FUNCTION lockstep.log_truncate();
INSERT INTO clinic.alone VALUES (1, 1);
SELECT * FROM pg_temp.ill;
SELECT lockstep.track('clinic.alone');
SELECT * FROM pg_temp.ill;
SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'clinic.alone'::regclass AND NOT tgisinternal ORDER BY tgname COLLATE "C";
INSERT INTO clinic.alone VALUES (1, 1);
UPDATE clinic.alone SET row_version = 1 WHERE id = 1;
-- untrack() takes every trigger of lockstep's away, whatever its name is now.
ALTER TRIGGER "!lockstep_truncate" ON clinic.alone RENAME TO renamed;
SELECT lockstep.untrack('clinic.alone');
SELECT count(*) AS "0" FROM pg_trigger WHERE tgrelid = 'clinic.alone'::regclass;
-- A trigger of another that has such a name is not lockstep's to drop.
CREATE TRIGGER "~lockstep_guard" BEFORE UPDATE ON clinic.alone FOR EACH ROW EXECUTE FUNCTION clinic.nothing();
SELECT test.code('SELECT lockstep.track(''clinic.alone'')');
-- A publication of everything takes the log along.
CREATE PUBLICATION regress_some FOR TABLE clinic.t;
CREATE PUBLICATION regress_all FOR ALL TABLES;
SELECT * FROM lockstep.doctor() WHERE name LIKE 'publication %';
DROP PUBLICATION regress_all;
SELECT count(*) AS "0" FROM lockstep.doctor() WHERE name LIKE 'publication %';
DROP PUBLICATION regress_some;
-- An ordinary role may ask.
CREATE ROLE regress_lockstep_user;
SET ROLE regress_lockstep_user;
SELECT name, status FROM lockstep.doctor() WHERE name LIKE 'table clinic.%' ORDER BY name;
RESET ROLE;
DROP ROLE regress_lockstep_user;
DROP SCHEMA clinic CASCADE;
