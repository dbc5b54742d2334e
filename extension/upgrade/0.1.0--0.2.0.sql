\echo Use "ALTER EXTENSION lockstep UPDATE" to load this file. \quit

-- From 0.1.0 to 0.2.0: what cannot simply be run again. Functions, views, comments and rights follow; the build takes them from extension/install/
-- (extension/upgrade/assemble.awk). Freeze the whole, as extension/lockstep--0.1.0--0.2.0.sql, when 0.2.0 is released.

ALTER TABLE lockstep.era ADD COLUMN beginning uuid;
ALTER TABLE lockstep.beginning ADD COLUMN id uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid();
-- The eras of this database's own timelines go on, and with them the positions that readers have.
UPDATE lockstep.era SET beginning = (SELECT b.id FROM lockstep.beginning b)
WHERE system_identifier OPERATOR(pg_catalog.=) (SELECT c.system_identifier FROM pg_catalog.pg_control_system() c)
	AND database OPERATOR(pg_catalog.=) (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database());

-- What was tracked with triggers switched off had no numbers noted, and would lose its excluded columns at the next change of its shape.
ALTER TABLE lockstep.tracked_table ENABLE ALWAYS TRIGGER note_columns;
UPDATE lockstep.tracked_table SET since = since WHERE column_numbers OPERATOR(pg_catalog.=) '{}';

CREATE TABLE lockstep.segment (
	number integer PRIMARY KEY,
	relation regclass NOT NULL,
	opened_at timestamptz NOT NULL,
	closed_at timestamptz,
	first_era integer,
	last_era integer,
	first_xid xid8,
	last_xid xid8,
	first_seq bigint,
	last_seq bigint,
	first_at timestamptz,
	last_at timestamptz,
	changes bigint,
	bytes bigint,
	writers xid8[]
);

CREATE TABLE lockstep.retirement (
	position lockstep.position,
	last_at timestamptz,
	segments bigint NOT NULL,
	writers xid8[],
	writers_from xid8
);

CREATE FUNCTION lockstep.on_drop_extension() RETURNS event_trigger
	LANGUAGE C AS 'MODULE_PATHNAME', 'lockstep_on_drop_extension';
CREATE EVENT TRIGGER lockstep_drop_extension ON ddl_command_start WHEN TAG IN ('DROP EXTENSION')
	EXECUTE FUNCTION lockstep.on_drop_extension();
ALTER EVENT TRIGGER lockstep_drop_extension ENABLE ALWAYS;
-- It listens to one more command.
DROP EVENT TRIGGER lockstep_ddl;
CREATE EVENT TRIGGER lockstep_ddl ON ddl_command_end
	WHEN TAG IN ('ALTER TABLE', 'CREATE TABLE', 'CREATE TABLE AS', 'ALTER SCHEMA', 'ALTER INDEX', 'ALTER VIEW', 'ALTER SEQUENCE',
		'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE', 'CREATE FOREIGN TABLE', 'ALTER TYPE')
	EXECUTE FUNCTION lockstep.on_ddl();
ALTER EVENT TRIGGER lockstep_ddl ENABLE ALWAYS;

-- The segments that are there, unless somebody writes to them just now: then doctor() tells what to do. (The function as it is to be follows.)
CREATE FUNCTION lockstep.refuse_truncate() RETURNS trigger
	LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a segment of the change log cannot be truncated'; END $$;
DO $$
DECLARE
	segment pg_catalog.regclass;
BEGIN
	FOR segment IN SELECT i.inhrelid FROM pg_catalog.pg_inherits i WHERE i.inhparent OPERATOR(pg_catalog.=) 'lockstep.change'::pg_catalog.regclass LOOP
		BEGIN
			EXECUTE pg_catalog.format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE NOWAIT', segment);
			EXECUTE pg_catalog.format('CREATE TRIGGER lockstep_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION lockstep.refuse_truncate()', segment);
			EXECUTE pg_catalog.format('ALTER TABLE %s ENABLE ALWAYS TRIGGER lockstep_truncate', segment);
		EXCEPTION WHEN lock_not_available THEN
			NULL;
		END;
	END LOOP;
END
$$;

-- @whole 45-version-vectors.sql

-- Row images: what the log holds is written anew, and takes about half the room. While somebody still writes to it that would wait, and make
-- all others wait that come after.
DO $$
BEGIN
	LOCK TABLE lockstep.change IN ACCESS EXCLUSIVE MODE NOWAIT;
EXCEPTION WHEN lock_not_available THEN
	RAISE EXCEPTION USING ERRCODE = '55P03', MESSAGE = 'transactions that began before still write to the log of lockstep, or read it',
		DETAIL = (
			SELECT pg_catalog.string_agg(DISTINCT coalesce('process ' OPERATOR(pg_catalog.||) l.pid, 'prepared transaction "' OPERATOR(pg_catalog.||) x.gid OPERATOR(pg_catalog.||) '"'), ', ')
			FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_prepared_xacts x
				ON l.virtualtransaction OPERATOR(pg_catalog.=) ('-1/' OPERATOR(pg_catalog.||) x.transaction)
			WHERE l.granted AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid() AND l.database OPERATOR(pg_catalog.=) (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())
				AND l.relation OPERATOR(pg_catalog.=) ANY (SELECT t.relid::oid FROM pg_catalog.pg_partition_tree('lockstep.change') t)),
		HINT = 'Let them end, COMMIT PREPARED or ROLLBACK PREPARED what was prepared, and update again.';
END
$$;
-- @whole 15-row-images.sql
CREATE SEQUENCE lockstep.shape_id_seq AS bigint;
CREATE TABLE lockstep.shape (
	id bigint PRIMARY KEY,
	hash bigint NOT NULL,
	names text[] NOT NULL
);
CREATE INDEX shape_hash_idx ON lockstep.shape (hash);
ALTER TABLE lockstep.change
	ALTER COLUMN row TYPE lockstep.row_image USING lockstep.row_image_of_jsonb(row),
	ALTER COLUMN old TYPE lockstep.row_image USING lockstep.row_image_of_jsonb(old);
