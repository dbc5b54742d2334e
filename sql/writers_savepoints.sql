-- Random transactions with savepoints that are rolled back to and released in any order, exception blocks, triggers that write to the other
-- table, and a buffer that is always full: the log, replayed, is the table. A failure shows the seed; LOCKSTEP_SEED=… repeats it.
SET client_min_messages = warning;
SET lockstep.log_buffer_size = '64kB';
CREATE TABLE a (id integer PRIMARY KEY, v text);
CREATE TABLE b (id integer PRIMARY KEY, n integer, v text);
SELECT lockstep.track('a'), lockstep.track('b');
CREATE FUNCTION also() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO b VALUES (NEW.id % 5, 1, 'by trigger') ON CONFLICT (id) DO UPDATE SET n = b.n + 1;
	-- Another row of the same table, perhaps of the same statement, perhaps before its turn.
	IF pg_trigger_depth() = 1 AND NEW.id % 3 = 0 THEN UPDATE a SET v = left(v, 5) || '!' WHERE id = NEW.id + 1; END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER zz_also AFTER INSERT OR UPDATE ON a FOR EACH ROW EXECUTE FUNCTION also();
CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN UPDATE b SET n = n + 100 WHERE id = NEW.id % 5; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER at_commit AFTER UPDATE ON a DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.id % 4 = 0) EXECUTE FUNCTION at_commit();

CREATE TEMP TABLE script (n integer GENERATED ALWAYS AS IDENTITY, command text);
CREATE FUNCTION pg_temp.change() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	id CONSTANT integer := 1 + floor(random() * 12);
	filler CONSTANT text := format('repeat(%L, %s)', chr(97 + floor(random() * 26)::integer), (ARRAY[3, 30, 9000])[1 + floor(random() * 3)::integer]);
BEGIN
	RETURN CASE floor(random() * 11)::integer
		WHEN 0 THEN format('DELETE FROM a WHERE id = %s', id)
		WHEN 1 THEN format('DELETE FROM b WHERE id > %s', id % 7)
		WHEN 2 THEN format('INSERT INTO a SELECT i, %s FROM generate_series(%s, %s) i ON CONFLICT DO NOTHING', filler, id, id + 5)
		WHEN 3 THEN format('UPDATE a SET v = %s WHERE id >= %s', filler, id)
		WHEN 4 THEN format('UPDATE a SET id = id + 20 WHERE id = %s AND NOT EXISTS (SELECT FROM a WHERE id = %s)', id, id + 20)
		WHEN 5 THEN format('MERGE INTO a USING (SELECT i FROM generate_series(%s, %s) i) s ON a.id = s.i WHEN MATCHED AND i %% 2 = 0 THEN DELETE '
			|| 'WHEN MATCHED THEN UPDATE SET v = %s WHEN NOT MATCHED THEN INSERT VALUES (s.i, %3$s)', id, id + 3, filler)
		WHEN 6 THEN format('UPDATE b SET n = n - 1, v = %s', filler)
		WHEN 7 THEN 'UPDATE a SET v = v'
		ELSE format('INSERT INTO a VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET v = excluded.v || a.row_version', id, filler)
	END;
END $$;
-- A block with a block within; each may fail, and an error may pass through the inner one.
CREATE FUNCTION pg_temp.block(depth integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	body text := '';
BEGIN
	FOR i IN 0 .. floor(random() * 4) LOOP
		body := body || pg_temp.change() || '; ';
		IF depth < 4 AND random() < 0.4 THEN body := body || pg_temp.block(depth + 1) || ' '; END IF;
	END LOOP;
	IF random() < 0.4 THEN body := body || CASE WHEN random() < 0.5 THEN 'RAISE division_by_zero; ' ELSE 'RAISE unique_violation; ' END; END IF;
	RETURN format('BEGIN %s EXCEPTION WHEN %s THEN %s; END;', body, CASE WHEN random() < 0.5 OR depth = 0 THEN 'OTHERS' ELSE 'division_by_zero' END, pg_temp.change());
END $$;
CREATE FUNCTION pg_temp.generate(seed double precision) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	stack integer[];
	place integer;
	dice double precision;
BEGIN
	PERFORM setseed(seed);
	TRUNCATE script RESTART IDENTITY;
	FOR transaction IN 1 .. 12 LOOP
		INSERT INTO script (command) VALUES ('BEGIN');
		stack := '{}';
		FOR step IN 1 .. 30 LOOP
			dice := random();
			place := 1 + floor(random() * cardinality(stack));
			INSERT INTO script (command) SELECT CASE
				WHEN dice < 0.18 THEN format('SAVEPOINT s%s', step)
				WHEN dice < 0.30 AND cardinality(stack) > 0 THEN format('ROLLBACK TO s%s', stack[place])
				WHEN dice < 0.38 AND cardinality(stack) > 0 THEN format('RELEASE s%s', stack[place])
				WHEN dice < 0.48 THEN format('DO $block$ BEGIN %s END $block$', pg_temp.block(0))
				WHEN dice < 0.50 THEN 'TRUNCATE b'
				WHEN dice < 0.54 THEN 'SET CONSTRAINTS ALL IMMEDIATE'
				WHEN dice < 0.58 THEN 'DO $feed$ BEGIN PERFORM * FROM lockstep.changes(lockstep.position()); END $feed$'
				ELSE pg_temp.change() END;
			IF dice < 0.18 THEN stack := stack || step;
			ELSIF dice < 0.30 AND cardinality(stack) > 0 THEN stack := stack[1:place];
			ELSIF dice < 0.38 AND cardinality(stack) > 0 THEN stack := stack[1:place - 1];
			END IF;
		END LOOP;
		INSERT INTO script (command) VALUES (CASE WHEN random() < 0.9 THEN 'COMMIT' ELSE 'ROLLBACK' END);
	END LOOP;
END $$;

-- Applies the log to copies of the tables as they were, and tells where it does not fit, or where the result is not the table.
CREATE TEMP TABLE copy_of (name text, key jsonb, "row" jsonb, PRIMARY KEY (name, key));
CREATE FUNCTION pg_temp.replay(since lockstep.position) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	c record;
	known jsonb;
BEGIN
	FOR c IN SELECT * FROM lockstep.changes(since) WITH ORDINALITY AS f ORDER BY f.ordinality LOOP
		IF c.op = 'truncate' THEN
			DELETE FROM copy_of WHERE name = c.table_name;
			CONTINUE;
		END IF;
		SELECT o."row" INTO known FROM copy_of o WHERE o.name = c.table_name AND o.key = c.key;
		IF c.op = 'insert' AND known IS NOT NULL OR c.op = 'delete' AND known IS DISTINCT FROM c."row"
			OR c.op = 'update' AND known IS DISTINCT FROM c."row" || c.old THEN
			RETURN NEXT format('%s of %s %s v%s does not fit to %s', c.op, c.table_name, c.key, c.version, left(known::text, 100));
		END IF;
		DELETE FROM copy_of o WHERE o.name = c.table_name AND o.key = c.key;
		IF c.op <> 'delete' THEN
			INSERT INTO copy_of VALUES (c.table_name, c.key, c."row");
		END IF;
	END LOOP;
	RETURN QUERY SELECT format('%s %s is %s, in the log %s', coalesce(t.name, o.name), coalesce(t.key, o.key), left(t."row"::text, 100), left(o."row"::text, 100))
	FROM (SELECT 'public.a' AS name, jsonb_build_object('id', a.id) AS key, lockstep.image(a) AS "row" FROM a
		UNION ALL SELECT 'public.b', jsonb_build_object('id', b.id), lockstep.image(b) FROM b) t
	FULL JOIN copy_of o USING (name, key)
	WHERE t."row" IS DISTINCT FROM o."row";
END $$;

\set seed ''
\getenv seed LOCKSTEP_SEED
SELECT coalesce(nullif(:'seed', '')::double precision, random()) AS seed \gset
\set ECHO none
\o /dev/null
SELECT pg_temp.generate(:seed);
SELECT lockstep.position() AS start \gset
SELECT command FROM script ORDER BY n \gexec
\o
SELECT :seed AS seed, r AS problem FROM pg_temp.replay(:'start') r;
SELECT :seed AS seed, p.promise AS "broken promise" FROM test.broken_promises(:'start') p;
\o /dev/null
SELECT random() AS seed \gset
SELECT pg_temp.generate(:seed);
SELECT lockstep.position() AS start \gset
SELECT command FROM script ORDER BY n \gexec
\o
SELECT :seed AS seed, r AS problem FROM pg_temp.replay(:'start') r;
\o /dev/null
SELECT random() AS seed \gset
SELECT pg_temp.generate(:seed);
SELECT lockstep.position() AS start \gset
SELECT command FROM script ORDER BY n \gexec
\o
SELECT :seed AS seed, r AS problem FROM pg_temp.replay(:'start') r;
\set ECHO all
-- Something happened, and parts of it were written before the commit.
SELECT count(*) > 100 AS changes, count(*) FILTER (WHERE op = 'update') > 0 AS updates FROM lockstep.changes(:'start');
DROP TABLE a, b;
DROP FUNCTION also, at_commit;
