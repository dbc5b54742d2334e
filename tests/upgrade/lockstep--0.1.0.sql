\echo Use "CREATE EXTENSION lockstep" to load this file. \quit

-- The schema is a member of the extension: it comes and goes with it, and nobody can have prepared one.
CREATE SCHEMA lockstep;
COMMENT ON SCHEMA lockstep IS 'lockstep: row versions, change log and live feed';
GRANT USAGE ON SCHEMA lockstep TO PUBLIC;

-- Roles belong to the whole server, so this one may be there from another database.
DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) 'lockstep_bridge') THEN
		CREATE ROLE lockstep_bridge NOLOGIN;
		COMMENT ON ROLE lockstep_bridge IS 'may read the change feed of lockstep; the bridge''s login role is a member';
	END IF;
END
$$;

CREATE TYPE lockstep.position;

CREATE FUNCTION lockstep.position_in(cstring) RETURNS lockstep.position
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_position_in';
COMMENT ON FUNCTION lockstep.position_in(cstring) IS 'input';

CREATE FUNCTION lockstep.position_out(lockstep.position) RETURNS cstring
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_position_out';
COMMENT ON FUNCTION lockstep.position_out(lockstep.position) IS 'output';

CREATE TYPE lockstep.position (
	INPUT = lockstep.position_in,
	OUTPUT = lockstep.position_out,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = double,
	STORAGE = extended
);
COMMENT ON TYPE lockstep.position IS 'a cursor in the change feed: the set of transactions a reader has seen, and the database they belong to';
-- The tables. Columns of those that C code reads or writes stand in extension/log_tables.hpp, in this order.

CREATE TABLE lockstep.tracked_table (
	relation regclass PRIMARY KEY,
	key_columns name[] NOT NULL,
	version_column name NOT NULL,
	exclude_columns name[] NOT NULL,
	options jsonb NOT NULL,
	since timestamptz NOT NULL DEFAULT now(),
	-- The columns' numbers, by which a renamed column is recognised. Not valid after a restore: then the names count.
	column_numbers jsonb NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE lockstep.tracked_table IS 'the tracked tables and their options; read it through lockstep.tracked';

CREATE TABLE lockstep.table_name (
	relid oid PRIMARY KEY,
	table_name text NOT NULL
);
COMMENT ON TABLE lockstep.table_name IS 'the last known name of each table that was ever tracked: the log outlives tables';

CREATE TABLE lockstep.partition (
	relid regclass PRIMARY KEY,
	root regclass NOT NULL
);
COMMENT ON TABLE lockstep.partition IS 'the partitions of tracked tables: when one is dropped, the server no longer tells whose it was';

CREATE TABLE lockstep.era (
	era integer NOT NULL,
	system_identifier bigint NOT NULL,
	database oid NOT NULL,
	timeline integer NOT NULL,
	started timestamptz NOT NULL
);
COMMENT ON TABLE lockstep.era IS 'the lives of this database''s transaction numbers: a restore or a failover begins a new one';

-- Not dumped: who restores a dump begins anew.
CREATE TABLE lockstep.beginning (
	lsn pg_lsn NOT NULL
);
INSERT INTO lockstep.beginning VALUES (pg_catalog.pg_current_wal_insert_lsn());
COMMENT ON TABLE lockstep.beginning IS 'where the WAL was when the extension was created: the log knows nothing from before';

CREATE SEQUENCE lockstep.origin_id_seq AS bigint;
COMMENT ON SEQUENCE lockstep.origin_id_seq IS 'numbers of lockstep.origin';
CREATE TABLE lockstep.origin (
	id bigint PRIMARY KEY,
	hash bigint NOT NULL,
	verified boolean NOT NULL,
	actor text,
	client text,
	reason text,
	session_user_name text,
	application text,
	address text
);
CREATE INDEX origin_hash_idx ON lockstep.origin (hash);
COMMENT ON TABLE lockstep.origin IS 'who changed something, and from where: each distinct context once, or a few times where sessions met it at the same moment';
COMMENT ON COLUMN lockstep.origin.verified IS 'was the actor authenticated by the bridge, or only claimed by SQL?';

-- One draw reserves as many numbers as a batch of the log writer may use (write_batch in extension/log_writer.cpp).
CREATE SEQUENCE lockstep.change_seq AS bigint INCREMENT 1024 CACHE 1;
COMMENT ON SEQUENCE lockstep.change_seq IS 'numbers of changes, in blocks of 1024';

CREATE TABLE lockstep.change (
	xid xid8 NOT NULL,
	seq bigint NOT NULL,
	at timestamptz NOT NULL,
	version bigint,
	key_hash bigint,
	origin bigint NOT NULL,
	root oid NOT NULL,
	leaf oid NOT NULL,
	segment integer NOT NULL,
	era integer NOT NULL,
	ordinal integer NOT NULL,
	op "char" NOT NULL,
	key jsonb,
	row jsonb,
	old jsonb,
	omitted text[]
) PARTITION BY LIST (segment);
-- No index here: a dump would restore each segment's twice, once through the parent. ensure_segment() makes them.
COMMENT ON TABLE lockstep.change IS 'the change log; read it through lockstep.changes()';
COMMENT ON COLUMN lockstep.change.xid IS 'the transaction';
COMMENT ON COLUMN lockstep.change.seq IS 'number of the change; transactions are ordered by their last one';
COMMENT ON COLUMN lockstep.change.at IS 'when the change was written to the log: for most transactions, just before they committed';
COMMENT ON COLUMN lockstep.change.version IS 'the row''s version after an insert or update, before a delete';
COMMENT ON COLUMN lockstep.change.key_hash IS 'the key where it is a single integer, else jsonb_hash_extended(key, 0)';
COMMENT ON COLUMN lockstep.change.op IS 'i insert, u update, d delete, t truncate, s schema change, m end of a transaction written in parts';
COMMENT ON COLUMN lockstep.change.row IS 'the whole row after an insert or update, before a delete';
COMMENT ON COLUMN lockstep.change.old IS 'previous values of the columns that an update changed; the old key where an insert continues a row whose key was changed';
COMMENT ON COLUMN lockstep.change.omitted IS 'columns left out of the images, as their value has no JSON form';

CREATE TABLE lockstep.mutation (
	actor text NOT NULL,
	mutation text NOT NULL,
	at timestamptz NOT NULL DEFAULT now(),
	result jsonb,
	PRIMARY KEY (actor, mutation)
);
CREATE INDEX mutation_at_idx ON lockstep.mutation (at);
COMMENT ON TABLE lockstep.mutation IS 'writes of clients by the id they gave them, so that one sent twice is done once; kept for a day';

-- A dump takes along what the log means. Segments are ordinary tables and are dumped as such.
SELECT pg_catalog.pg_extension_config_dump('lockstep.tracked_table', '');
SELECT pg_catalog.pg_extension_config_dump('lockstep.table_name', '');
SELECT pg_catalog.pg_extension_config_dump('lockstep.partition', '');
SELECT pg_catalog.pg_extension_config_dump('lockstep.era', '');
SELECT pg_catalog.pg_extension_config_dump('lockstep.origin', '');
SELECT pg_catalog.pg_extension_config_dump('lockstep.origin_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('lockstep.change_seq', '');
SELECT pg_catalog.pg_extension_config_dump('lockstep.mutation', '');
-- Positions and the feed.

CREATE FUNCTION lockstep.position() RETURNS lockstep.position
	LANGUAGE C STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'lockstep_position_now';
COMMENT ON FUNCTION lockstep.position() IS 'the position of the present snapshot: the caller''s own transaction counts as not seen';

CREATE FUNCTION lockstep.sees("position" lockstep.position, xid xid8) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_position_sees';
COMMENT ON FUNCTION lockstep.sees(lockstep.position, xid8) IS 'does a reader at this position know the transaction''s changes?';

CREATE FUNCTION lockstep.covers(later lockstep.position, earlier lockstep.position) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_position_covers';
COMMENT ON FUNCTION lockstep.covers(lockstep.position, lockstep.position) IS 'does a reader at the one position know all that a reader at the other knows?';

CREATE FUNCTION lockstep.changes(
	since lockstep.position, upto lockstep.position DEFAULT NULL, max_changes integer DEFAULT NULL,
	OUT xid xid8, OUT seq bigint, OUT at timestamptz, OUT table_name text, OUT op text, OUT key jsonb, OUT version bigint,
	OUT "row" jsonb, OUT old jsonb, OUT actor text, OUT client text, OUT reason text, OUT verified boolean,
	OUT "position" lockstep.position, OUT ordinal integer, OUT relid oid, OUT omitted text[]
) RETURNS SETOF record
	LANGUAGE C STABLE PARALLEL UNSAFE ROWS 100 AS 'MODULE_PATHNAME', 'lockstep_changes';
COMMENT ON FUNCTION lockstep.changes(lockstep.position, lockstep.position, integer) IS
	'the changes that "upto" (the present snapshot, if not given) sees and "since" does not: whole transactions, in an order that respects what depends on what';
REVOKE ALL ON FUNCTION lockstep.changes(lockstep.position, lockstep.position, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lockstep.changes(lockstep.position, lockstep.position, integer) TO lockstep_bridge;

CREATE FUNCTION lockstep.image(record) RETURNS jsonb
	LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_image';
COMMENT ON FUNCTION lockstep.image(record) IS 'a row as the log writes it, whatever the session has set';
-- The trigger functions. They can be attached only by a table's owner, and refuse to work on a table that is not tracked.

CREATE FUNCTION lockstep.guard() RETURNS trigger
	LANGUAGE C AS 'MODULE_PATHNAME', 'lockstep_guard';
COMMENT ON FUNCTION lockstep.guard() IS 'trigger: checks and advances the version of a row that is updated';

CREATE FUNCTION lockstep.log() RETURNS trigger
	LANGUAGE C AS 'MODULE_PATHNAME', 'lockstep_log';
COMMENT ON FUNCTION lockstep.log() IS 'trigger: puts a row''s change into the log';

CREATE FUNCTION lockstep.log_truncate() RETURNS trigger
	LANGUAGE C AS 'MODULE_PATHNAME', 'lockstep_log_truncate';
COMMENT ON FUNCTION lockstep.log_truncate() IS 'trigger: puts a TRUNCATE into the log';
-- Which tables are tracked.

CREATE FUNCTION lockstep.qualified_name(relation regclass) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
	AS $$ SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1 $$;
COMMENT ON FUNCTION lockstep.qualified_name(regclass) IS 'a table''s name with its schema, quoted where SQL needs it';

CREATE VIEW lockstep.tracked AS
	SELECT lockstep.qualified_name(t.relation) AS table_name,
		t.relation::pg_catalog.oid AS relid,
		t.key_columns,
		t.version_column,
		t.options OPERATOR(pg_catalog.->>) 'conflict' AS conflict,
		t.options OPERATOR(pg_catalog.->>) 'style' AS style,
		t.options OPERATOR(pg_catalog.->>) 'unversioned' AS unversioned,
		(t.options OPERATOR(pg_catalog.->>) 'enforce_locks')::boolean AS enforce_locks,
		t.exclude_columns,
		t.since
	FROM lockstep.tracked_table t
	JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) t.relation;
COMMENT ON VIEW lockstep.tracked IS 'the tracked tables, and how they are tracked';
GRANT SELECT ON lockstep.tracked, lockstep.table_name TO PUBLIC;

-- The caller named these columns; each must be there.
CREATE FUNCTION lockstep.require_columns(table_name regclass, columns name[], option text) RETURNS void
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	missing name;
BEGIN
	IF array_ndims(columns) > 1 OR cardinality(columns) <> (SELECT count(DISTINCT c) + count(*) FILTER (WHERE c IS NULL) FROM unnest(columns) AS c) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('%s must be a plain list of different columns', option);
	END IF;
	SELECT c INTO missing FROM unnest(columns) AS c
	WHERE c IS NULL OR NOT EXISTS (
		SELECT FROM pg_attribute a WHERE a.attrelid = table_name AND a.attname = c AND a.attnum > 0 AND NOT a.attisdropped)
	LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_column',
			MESSAGE = format('column %s of table %s does not exist', coalesce(quote_ident(missing), 'NULL'), table_name),
			DETAIL = format('It was named in %s.', option);
	END IF;
END
$$;
COMMENT ON FUNCTION lockstep.require_columns(regclass, name[], text) IS 'internal: part of track()';

-- The primary key, or the given columns where a unique index identifies rows by them.
CREATE FUNCTION lockstep.choose_key(table_name regclass, key_columns name[]) RETURNS name[]
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	chosen name[];
BEGIN
	IF key_columns IS NULL THEN
		SELECT array_agg(a.attname ORDER BY k.place) INTO chosen
		FROM pg_index i
		CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, place)
		JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
		WHERE i.indrelid = table_name AND i.indisprimary AND i.indimmediate AND i.indisvalid AND k.place <= i.indnkeyatts;
		IF chosen IS NULL THEN
			RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
				MESSAGE = format('cannot track table %s without a primary key', table_name),
				DETAIL = 'Readers identify a row by its key. A deferrable one does not identify it at all times.',
				HINT = 'Add a primary key, or pass key_columns that have a unique index and are NOT NULL.';
		END IF;
		RETURN chosen;
	END IF;
	PERFORM lockstep.require_columns(table_name, key_columns, 'key_columns');
	IF NOT EXISTS (
		SELECT FROM pg_index i
		WHERE i.indrelid = table_name AND i.indisunique AND i.indimmediate AND i.indisvalid
			AND i.indpred IS NULL AND i.indexprs IS NULL
			AND (SELECT array_agg(a.attname ORDER BY a.attname)
				FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, place)
				JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
				WHERE k.place <= i.indnkeyatts)
				= (SELECT array_agg(DISTINCT c ORDER BY c) FROM unnest(key_columns) AS c)
	) OR EXISTS (
		SELECT FROM pg_attribute a WHERE a.attrelid = table_name AND a.attname = ANY (key_columns) AND NOT a.attnotnull
	) OR EXISTS ( -- NOT VALID, since PostgreSQL 18: there may be rows with NULL all the same
		SELECT FROM pg_constraint c
		JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
		WHERE c.conrelid = table_name AND c.contype = 'n' AND NOT c.convalidated AND a.attname = ANY (key_columns)
	) THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('columns (%s) do not identify a row of table %s', array_to_string(key_columns, ', '), table_name),
			DETAIL = 'A key needs a unique, immediate, non-partial index on exactly these columns, all of them NOT NULL.',
			HINT = 'Create such an index, or leave key_columns out to use the primary key.';
	END IF;
	RETURN key_columns;
END
$$;
COMMENT ON FUNCTION lockstep.choose_key(regclass, name[]) IS 'internal: part of track()';

CREATE FUNCTION lockstep.require_trackable(table_name regclass) RETURNS void
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	relation pg_class;
	reason text;
	advice text;
BEGIN
	SELECT * INTO relation FROM pg_class WHERE oid = table_name;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_table', MESSAGE = format('table with OID %s does not exist', table_name::oid);
	END IF;
	CASE
		WHEN relation.relkind NOT IN ('r', 'p') THEN
			reason := CASE relation.relkind
				WHEN 'v' THEN 'It is a view.' WHEN 'm' THEN 'It is a materialized view.' WHEN 'f' THEN 'It is a foreign table.'
				ELSE 'It is not a table.' END;
			advice := 'Track the tables it is made from.';
		WHEN relation.relpersistence = 't' THEN
			reason := 'It is a temporary table, which no other session can see.';
		WHEN relation.relpersistence = 'u' THEN
			reason := 'It is an unlogged table, which is emptied by a crash without any change.';
			advice := 'Use ALTER TABLE ... SET LOGGED.';
		WHEN relation.relkind = 'p' AND EXISTS (SELECT FROM pg_partition_tree(table_name) p JOIN pg_class c ON c.oid = p.relid
				WHERE c.relpersistence <> 'p' OR c.relkind NOT IN ('r', 'p')) THEN
			reason := 'It has a partition that is unlogged, temporary or foreign.';
		WHEN relation.relnamespace IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'lockstep'::regnamespace) THEN
			reason := 'It belongs to the system or to lockstep itself.';
		WHEN relation.relispartition THEN
			reason := 'It is a partition.';
			advice := 'Track the partitioned table.';
		WHEN EXISTS (SELECT FROM pg_inherits WHERE inhrelid = table_name) THEN
			reason := 'It inherits from another table.';
		WHEN relation.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits WHERE inhparent = table_name) THEN
			reason := 'Other tables inherit from it.';
			advice := 'Use a partitioned table.';
		ELSE
			RETURN;
	END CASE;
	RAISE EXCEPTION USING ERRCODE = 'wrong_object_type', MESSAGE = format('cannot track %s', table_name), DETAIL = reason,
		HINT = coalesce(advice, '');
END
$$;
COMMENT ON FUNCTION lockstep.require_trackable(regclass) IS 'internal: part of track()';

-- Options that a later version will know are refused now rather than ignored.
CREATE FUNCTION lockstep.require_option(name text, value text, known text[]) RETURNS void
	LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF value IS NULL OR value <> ALL (known) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('invalid value for %s: %s', name, coalesce(quote_literal(value), 'NULL')),
			HINT = format('This version knows: %s.', array_to_string(known, ', '));
	END IF;
END
$$;
COMMENT ON FUNCTION lockstep.require_option(text, text, text[]) IS 'internal: part of track()';

-- Those that are lockstep's own, by the function they call.
CREATE FUNCTION lockstep.drop_triggers(table_name regclass) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	own record;
BEGIN
	FOR own IN
		SELECT g.tgname, g.tgrelid::regclass AS relation FROM pg_trigger g
		WHERE g.tgrelid IN (SELECT p.relid FROM pg_partition_tree(table_name) p UNION SELECT table_name)
			AND g.tgparentid = 0 AND lockstep.is_own_trigger(g.tgfoid)
	LOOP
		EXECUTE format('DROP TRIGGER %I ON %s', own.tgname, own.relation);
	END LOOP;
END
$$;
COMMENT ON FUNCTION lockstep.drop_triggers(regclass) IS 'internal: part of track() and untrack()';

CREATE FUNCTION lockstep.is_own_trigger(trigger_function oid) RETURNS boolean
	LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
	AS $$ SELECT $1 IN ('lockstep.guard()'::regprocedure, 'lockstep.log()'::regprocedure, 'lockstep.log_truncate()'::regprocedure) $$;
COMMENT ON FUNCTION lockstep.is_own_trigger(oid) IS 'internal: is this the function of one of lockstep''s triggers on tracked tables?';

CREATE FUNCTION lockstep.create_triggers(table_name regclass) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	trigger_name text;
	target regclass;
BEGIN
	PERFORM lockstep.drop_triggers(table_name); -- a table that was restored without lockstep's tables has them
	-- Names decide the order: the guard comes after every BEFORE trigger, the log before every AFTER trigger.
	EXECUTE format('CREATE TRIGGER "~lockstep_guard" BEFORE UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION lockstep.guard()', table_name);
	EXECUTE format('CREATE TRIGGER "!lockstep_log" AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION lockstep.log()',
		table_name);
	FOREACH trigger_name IN ARRAY ARRAY['~lockstep_guard', '!lockstep_log'] LOOP
		EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', table_name, trigger_name);
		EXECUTE format('ALTER TRIGGER %I ON %s DEPENDS ON EXTENSION lockstep', trigger_name, table_name);
	END LOOP;
	-- A partitioned table's TRUNCATE triggers do not fire for a partition that is named directly.
	FOR target IN SELECT relid FROM pg_partition_tree(table_name) UNION SELECT table_name LOOP
		PERFORM lockstep.create_truncate_trigger(target);
	END LOOP;
END
$$;
COMMENT ON FUNCTION lockstep.create_triggers(regclass) IS 'internal: part of track()';

CREATE FUNCTION lockstep.create_truncate_trigger(table_name regclass) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
	IF EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = table_name AND g.tgname = '!lockstep_truncate') THEN
		RETURN;
	END IF;
	EXECUTE format('CREATE TRIGGER "!lockstep_truncate" AFTER TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION lockstep.log_truncate()',
		table_name);
	EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER "!lockstep_truncate"', table_name);
	EXECUTE format('ALTER TRIGGER "!lockstep_truncate" ON %s DEPENDS ON EXTENSION lockstep', table_name);
END
$$;
COMMENT ON FUNCTION lockstep.create_truncate_trigger(regclass) IS 'internal: part of track()';

-- What the log and the event triggers have to know of a tracked table even after it, or a partition of it, is gone.
CREATE FUNCTION lockstep.note_table(tracked regclass) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	departed regclass;
BEGIN
	INSERT INTO lockstep.table_name AS n (relid, table_name) VALUES (tracked, lockstep.qualified_name(tracked))
	ON CONFLICT (relid) DO UPDATE SET table_name = EXCLUDED.table_name WHERE n.table_name <> EXCLUDED.table_name;
	FOR departed IN
		DELETE FROM lockstep.partition p WHERE p.root = tracked AND p.relid NOT IN (SELECT t.relid FROM pg_partition_tree(tracked) t)
		RETURNING p.relid
	LOOP
		-- Its row triggers went when it was detached.
		IF EXISTS (SELECT FROM pg_class c WHERE c.oid = departed) THEN
			EXECUTE format('DROP TRIGGER IF EXISTS "!lockstep_truncate" ON %s', departed);
		END IF;
	END LOOP;
	INSERT INTO lockstep.partition (relid, root)
	SELECT t.relid, tracked FROM pg_partition_tree(tracked) t WHERE t.relid <> tracked ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION lockstep.note_table(regclass) IS 'internal: part of track() and the event triggers';

CREATE FUNCTION lockstep.track_as_owner(
	table_name regclass,
	conflict text,
	version_column name,
	key_columns name[],
	exclude_columns name[],
	delta_columns name[],
	uncounted_columns name[],
	style text,
	unversioned text,
	enforce_locks boolean
) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	chosen_key name[];
	version_attribute pg_attribute;
BEGIN
	IF table_name IS NULL OR conflict IS NULL OR version_column IS NULL OR exclude_columns IS NULL OR delta_columns IS NULL
		OR uncounted_columns IS NULL OR style IS NULL OR unversioned IS NULL OR enforce_locks IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'only key_columns may be null';
	END IF;
	PERFORM lockstep.require_trackable(table_name);
	PERFORM lockstep.require_option('conflict', conflict, '{reject}');
	PERFORM lockstep.require_option('style', style, '{auto}');
	PERFORM lockstep.require_option('unversioned', unversioned, '{allow}');
	IF cardinality(delta_columns) > 0 OR cardinality(uncounted_columns) > 0 THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'delta_columns and uncounted_columns are not supported in this version of lockstep';
	END IF;
	-- Nobody may change the table, or track it too, until all is in place.
	EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', table_name);
	IF EXISTS (SELECT FROM lockstep.tracked t WHERE t.relid = table_name) THEN
		RAISE EXCEPTION USING ERRCODE = 'duplicate_object', MESSAGE = format('table %s is already tracked', table_name),
			HINT = 'To track it in another way, call lockstep.untrack() first.';
	END IF;

	chosen_key := lockstep.choose_key(table_name, key_columns);
	PERFORM lockstep.require_columns(table_name, exclude_columns, 'exclude_columns');
	IF exclude_columns && (chosen_key || version_column) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
			MESSAGE = 'exclude_columns cannot contain a key column or the version column';
	END IF;
	IF version_column = ANY (chosen_key) THEN
		RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'the version column cannot be a key column';
	END IF;
	SELECT * INTO version_attribute FROM pg_attribute a
	WHERE a.attrelid = table_name AND a.attname = version_column AND a.attnum > 0 AND NOT a.attisdropped;
	IF NOT FOUND THEN
		-- A constant default: no rewrite.
		EXECUTE format('ALTER TABLE %s ADD COLUMN %I bigint NOT NULL DEFAULT 1', table_name, version_column);
	ELSIF version_attribute.atttypid NOT IN ('bigint'::regtype, 'integer'::regtype) OR version_attribute.attgenerated <> ''
		OR version_attribute.attidentity <> '' THEN
		RAISE EXCEPTION USING ERRCODE = 'datatype_mismatch',
			MESSAGE = format('column %I of table %s cannot hold row versions', version_column, table_name),
			DETAIL = 'A version column is of type bigint or integer, and neither generated nor an identity column.',
			HINT = 'Pass another version_column; one that does not exist is added.';
	END IF;

	PERFORM lockstep.ensure_segment();
	PERFORM lockstep.create_triggers(table_name); -- before the table counts as tracked: these are no changes of its shape
	INSERT INTO lockstep.tracked_table (relation, key_columns, version_column, exclude_columns, options)
	VALUES (table_name, chosen_key, version_column, exclude_columns,
		jsonb_build_object('conflict', conflict, 'style', style, 'unversioned', unversioned, 'enforce_locks', enforce_locks));
	PERFORM lockstep.note_table(table_name);
END
$$;
COMMENT ON FUNCTION lockstep.track_as_owner(regclass, text, name, name[], name[], name[], name[], text, text, boolean) IS 'internal: what track() does';

CREATE FUNCTION lockstep.track(
	table_name regclass,
	conflict text DEFAULT 'reject',
	version_column name DEFAULT 'row_version',
	key_columns name[] DEFAULT NULL,
	exclude_columns name[] DEFAULT '{}',
	delta_columns name[] DEFAULT '{}',
	uncounted_columns name[] DEFAULT '{}',
	style text DEFAULT 'auto',
	unversioned text DEFAULT 'allow',
	enforce_locks boolean DEFAULT true
) RETURNS void
	LANGUAGE C AS 'MODULE_PATHNAME', 'lockstep_track';
COMMENT ON FUNCTION lockstep.track(regclass, text, name, name[], name[], name[], name[], text, text, boolean) IS
	'puts a table under lockstep''s care: row versions, change log, live feed';

CREATE FUNCTION lockstep.untrack_as_owner(table_name regclass, drop_version_column boolean) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	used_version_column name;
BEGIN
	IF table_name IS NULL OR drop_version_column IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'table_name and drop_version_column must not be null';
	END IF;
	EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', table_name);
	SELECT t.version_column INTO used_version_column FROM lockstep.tracked t WHERE t.relid = table_name;
	DELETE FROM lockstep.tracked_table t WHERE t.relation = table_name;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object', MESSAGE = format('table %s is not tracked', table_name);
	END IF;
	DELETE FROM lockstep.partition p WHERE p.root = table_name;
	PERFORM lockstep.log_schema_change(table_name);
	PERFORM lockstep.drop_triggers(table_name);
	IF drop_version_column THEN
		EXECUTE format('ALTER TABLE %s DROP COLUMN %I', table_name, used_version_column);
	END IF;
END
$$;
COMMENT ON FUNCTION lockstep.untrack_as_owner(regclass, boolean) IS 'internal: what untrack() does';

CREATE FUNCTION lockstep.untrack(table_name regclass, drop_version_column boolean DEFAULT false) RETURNS void
	LANGUAGE C AS 'MODULE_PATHNAME', 'lockstep_untrack';
COMMENT ON FUNCTION lockstep.untrack(regclass, boolean) IS 'ends lockstep''s care for a table; what was logged stays';
-- Changes of a tracked table's shape or name, which fire no row trigger.

CREATE FUNCTION lockstep.log_schema_change(relid oid) RETURNS void
	LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'lockstep_log_schema_change';
COMMENT ON FUNCTION lockstep.log_schema_change(oid) IS 'internal: part of the event triggers';
REVOKE ALL ON FUNCTION lockstep.log_schema_change(oid) FROM PUBLIC;

CREATE FUNCTION lockstep.column_numbers(relation regclass) RETURNS jsonb
	LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
	AS $$ SELECT coalesce(jsonb_object_agg(a.attname, a.attnum), '{}') FROM pg_attribute a
		WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped $$;
COMMENT ON FUNCTION lockstep.column_numbers(regclass) IS 'internal: a table''s columns and their numbers';

CREATE FUNCTION lockstep.note_columns() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	NEW.column_numbers := lockstep.column_numbers(NEW.relation);
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION lockstep.note_columns() IS 'trigger: keeps the column numbers of lockstep.tracked_table';
CREATE TRIGGER note_columns BEFORE INSERT OR UPDATE ON lockstep.tracked_table FOR EACH ROW EXECUTE FUNCTION lockstep.note_columns();

-- A name as it is now: by the number it had when it was noted.
CREATE FUNCTION lockstep.present_name(relation regclass, column_name name, numbers jsonb) RETURNS name
	LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
	AS $$ SELECT coalesce((SELECT a.attname FROM pg_attribute a WHERE a.attrelid = $1 AND a.attnum = (numbers ->> column_name)::smallint
		AND NOT a.attisdropped), column_name) $$;
COMMENT ON FUNCTION lockstep.present_name(regclass, name, jsonb) IS 'internal: follows a renamed column';

CREATE FUNCTION lockstep.on_ddl() RETURNS event_trigger
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	tracked lockstep.tracked_table;
	newcomers regclass[];
	leaf regclass;
BEGIN
	FOR tracked IN
		SELECT t.* FROM lockstep.tracked_table t
		WHERE t.relation IN (
			SELECT coalesce(a.relid, c.objid)
			FROM pg_event_trigger_ddl_commands() c LEFT JOIN LATERAL pg_partition_ancestors(c.objid) a ON true
			WHERE c.classid = 'pg_class'::regclass AND NOT c.in_extension
			UNION ALL
			SELECT r.oid FROM pg_event_trigger_ddl_commands() c JOIN pg_class r ON r.relnamespace = c.objid
			WHERE c.classid = 'pg_namespace'::regclass
			UNION ALL
			-- A table that was detached is no partition any more.
			SELECT p.root FROM pg_event_trigger_ddl_commands() c JOIN lockstep.partition p ON p.relid = c.objid
			WHERE c.classid = 'pg_class'::regclass)
	LOOP
		UPDATE lockstep.tracked_table t SET
			key_columns = ARRAY(SELECT lockstep.present_name(t.relation, k, t.column_numbers)
				FROM unnest(t.key_columns) WITH ORDINALITY AS u (k, place) ORDER BY place),
			version_column = lockstep.present_name(t.relation, t.version_column, t.column_numbers),
			-- One that is gone is forgotten: a later column of its name is another.
			exclude_columns = ARRAY(SELECT a.attname FROM unnest(t.exclude_columns) WITH ORDINALITY AS u (k, place)
				JOIN pg_attribute a ON a.attrelid = t.relation AND a.attnum = (t.column_numbers ->> k)::smallint AND NOT a.attisdropped
				ORDER BY place)
		WHERE t.relation = tracked.relation AND t.column_numbers <> lockstep.column_numbers(t.relation);
		newcomers := ARRAY(SELECT t.relid FROM pg_partition_tree(tracked.relation) t
			WHERE t.relid <> tracked.relation AND NOT EXISTS (SELECT FROM lockstep.partition p WHERE p.relid = t.relid AND p.root = tracked.relation));
		PERFORM lockstep.note_table(tracked.relation);
		-- A partition that came later has no TRUNCATE trigger of its own yet. (Row triggers it inherits.) While a dump is restored,
		-- those it knows get theirs from the dump.
		FOREACH leaf IN ARRAY newcomers LOOP
			PERFORM lockstep.create_truncate_trigger(leaf);
		END LOOP;
		PERFORM lockstep.log_schema_change(tracked.relation);
	END LOOP;
END
$$;
COMMENT ON FUNCTION lockstep.on_ddl() IS 'event trigger: logs changes of a tracked table''s shape and follows renamed columns';

CREATE FUNCTION lockstep.on_drop() RETURNS event_trigger
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	dropped record;
	concerned oid;
BEGIN
	FOR dropped IN
		SELECT DISTINCT o.objid, o.objsubid <> 0 AS is_column FROM pg_event_trigger_dropped_objects() o
		WHERE o.classid = 'pg_class'::regclass
	LOOP
		concerned := NULL;
		IF dropped.is_column THEN
			SELECT t.relation INTO concerned FROM lockstep.tracked_table t WHERE t.relation = dropped.objid;
		ELSE
			DELETE FROM lockstep.tracked_table t WHERE t.relation = dropped.objid RETURNING t.relation INTO concerned;
			IF concerned IS NULL THEN
				DELETE FROM lockstep.partition p WHERE p.relid = dropped.objid RETURNING p.root INTO concerned;
			ELSE
				DELETE FROM lockstep.partition p WHERE p.root = concerned;
			END IF;
		END IF;
		IF concerned IS NOT NULL THEN
			PERFORM lockstep.log_schema_change(concerned);
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION lockstep.on_drop() IS 'event trigger: forgets tracked tables that are dropped, and logs what else is lost with a drop';

-- ALTER INDEX and its like rename tables too.
CREATE EVENT TRIGGER lockstep_ddl ON ddl_command_end
	WHEN TAG IN ('ALTER TABLE', 'CREATE TABLE', 'CREATE TABLE AS', 'ALTER SCHEMA', 'ALTER INDEX', 'ALTER VIEW', 'ALTER SEQUENCE',
		'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE', 'ALTER TYPE')
	EXECUTE FUNCTION lockstep.on_ddl();
COMMENT ON EVENT TRIGGER lockstep_ddl IS 'logs changes of a tracked table''s shape';
CREATE EVENT TRIGGER lockstep_drop ON sql_drop EXECUTE FUNCTION lockstep.on_drop();
COMMENT ON EVENT TRIGGER lockstep_drop IS 'forgets tracked tables that are dropped';
ALTER EVENT TRIGGER lockstep_ddl ENABLE ALWAYS;
ALTER EVENT TRIGGER lockstep_drop ENABLE ALWAYS;
-- Writes that a client may send twice.

CREATE FUNCTION lockstep.mutation_begin(actor text, mutation text) RETURNS jsonb
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	earlier jsonb;
BEGIN
	-- NULL for an answer would say: do it.
	IF $1 IS NULL OR $2 IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
			MESSAGE = format('"%s" must not be null', CASE WHEN $1 IS NULL THEN 'actor' ELSE 'mutation' END),
			DETAIL = 'A write is known by both when it is sent again.';
	END IF;
	-- Waits for a transaction that has just inserted the same one, until that ends.
	INSERT INTO lockstep.mutation AS m (actor, mutation) VALUES ($1, $2) ON CONFLICT DO NOTHING;
	IF FOUND THEN
		RETURN NULL;
	END IF;
	SELECT m.result INTO earlier FROM lockstep.mutation m WHERE m.actor = $1 AND m.mutation = $2;
	-- Whoever did it and stored no result has done it all the same.
	RETURN coalesce(earlier, 'null');
END
$$;
COMMENT ON FUNCTION lockstep.mutation_begin(text, text) IS
	'begins a write that has an id: NULL if it is to be done, its result (JSON null where none was stored) if it was done before; waits while it is being done';
REVOKE ALL ON FUNCTION lockstep.mutation_begin(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lockstep.mutation_begin(text, text) TO lockstep_bridge;

CREATE FUNCTION lockstep.mutation_end(actor text, mutation text, result jsonb) RETURNS void
	LANGUAGE sql STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS $$ UPDATE lockstep.mutation m SET result = $3 WHERE m.actor = $1 AND m.mutation = $2 $$;
COMMENT ON FUNCTION lockstep.mutation_end(text, text, jsonb) IS 'stores the result of a write that has an id, in the write''s own transaction';
REVOKE ALL ON FUNCTION lockstep.mutation_end(text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lockstep.mutation_end(text, text, jsonb) TO lockstep_bridge;
-- What operators call.

-- A segment is made beside the log and then attached, as CREATE TABLE ... PARTITION OF would wait for every reader.
CREATE FUNCTION lockstep.ensure_segment() RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM pg_inherits WHERE inhparent = 'lockstep.change'::regclass) THEN
		RETURN;
	END IF;
	-- Two sessions may come here at once.
	LOCK TABLE lockstep.change IN SHARE UPDATE EXCLUSIVE MODE;
	IF EXISTS (SELECT FROM pg_inherits WHERE inhparent = 'lockstep.change'::regclass) THEN
		RETURN;
	END IF;
	-- Append-only: freeze early, in small steps.
	CREATE TABLE lockstep.change_1 (
		LIKE lockstep.change INCLUDING ALL,
		CHECK (segment = 1)
	) WITH (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_vacuum_insert_threshold = 100000,
		autovacuum_freeze_min_age = 0);
	CREATE INDEX change_1_xid_seq_idx ON lockstep.change_1 (xid, seq);
	CREATE INDEX change_1_root_key_hash_idx ON lockstep.change_1 (root, key_hash);
	ALTER TABLE lockstep.change ATTACH PARTITION lockstep.change_1 FOR VALUES IN (1);
END
$$;
COMMENT ON FUNCTION lockstep.ensure_segment() IS 'internal: makes the log''s first segment where there is none';
REVOKE ALL ON FUNCTION lockstep.ensure_segment() FROM PUBLIC;

CREATE FUNCTION lockstep.maintain() RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM lockstep.tracked_table) THEN
		PERFORM lockstep.ensure_segment();
	END IF;
	DELETE FROM lockstep.mutation m WHERE m.at < now() - interval '1 day';
END
$$;
COMMENT ON FUNCTION lockstep.maintain() IS 'what the worker does once a minute: makes the log''s segments, forgets old mutation ids';
REVOKE ALL ON FUNCTION lockstep.maintain() FROM PUBLIC;

CREATE FUNCTION lockstep.worker_status() RETURNS text
	LANGUAGE C AS 'MODULE_PATHNAME', 'lockstep_worker_status';
COMMENT ON FUNCTION lockstep.worker_status() IS 'this database''s worker: running, starting, none; NULL where the library is not preloaded';

CREATE FUNCTION lockstep.request_worker() RETURNS void
	LANGUAGE C AS 'MODULE_PATHNAME', 'lockstep_request_worker';
COMMENT ON FUNCTION lockstep.request_worker() IS 'asks for a worker in this database, where there is none';
REVOKE ALL ON FUNCTION lockstep.request_worker() FROM PUBLIC;

CREATE FUNCTION lockstep.doctor(OUT name text, OUT status text, OUT detail text, OUT hint text) RETURNS SETOF record
	LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	tracked record;
	faulty record;
	extension_version text := (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'lockstep');
	available text := (SELECT e.default_version FROM pg_available_extensions e WHERE e.name = 'lockstep');
	worker text := lockstep.worker_status();
	doorbell text := current_setting('lockstep.doorbell');
BEGIN
	name := 'version'; detail := extension_version; hint := NULL; status := 'ok';
	IF extension_version <> available THEN
		status := 'warning';
		detail := format('%s is installed in this database, %s on the server', extension_version, available);
		hint := 'Run ALTER EXTENSION lockstep UPDATE.';
	END IF;
	RETURN NEXT;

	name := 'worker'; status := 'warning'; hint := NULL;
	CASE
		WHEN worker = 'running' THEN status := 'ok'; detail := 'running';
		WHEN pg_is_in_recovery() THEN status := 'ok'; detail := 'none: this server is a standby';
		WHEN worker IS NULL AND doorbell = 'transaction' THEN status := 'ok'; detail := 'none: transactions notify by themselves';
		WHEN worker IS NULL THEN detail := 'the library is not preloaded: readers learn of changes by polling';
			hint := 'Add lockstep to shared_preload_libraries and restart the server, or set lockstep.doorbell to ''transaction''.';
		WHEN doorbell = 'off' THEN detail := 'none: lockstep.doorbell is off, and readers learn of changes by polling';
			hint := 'Set lockstep.doorbell to ''auto''.';
		WHEN worker = 'starting' THEN detail := 'starting'; hint := 'If this lasts, look into the server''s log; max_worker_processes may be too low.';
		ELSE detail := 'not running'; hint := 'It starts with the first change. If it does not, look into the server''s log.';
	END CASE;
	RETURN NEXT;

	name := 'log'; status := 'ok'; hint := NULL;
	SELECT format('%s segment(s), %s', count(*), pg_size_pretty(coalesce(sum(pg_total_relation_size(i.inhrelid)), 0)))
	INTO detail FROM pg_inherits i WHERE i.inhparent = 'lockstep.change'::regclass;
	IF NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = 'lockstep.change'::regclass) THEN
		IF EXISTS (SELECT FROM lockstep.tracked) THEN
			status := 'error'; detail := 'there is no segment: changes of tracked tables fail'; hint := 'Run SELECT lockstep.maintain().';
		ELSE
			detail := 'empty: nothing is tracked yet';
		END IF;
	END IF;
	RETURN NEXT;

	FOR faulty IN SELECT p.pubname FROM pg_publication p WHERE p.puballtables ORDER BY 1 LOOP
		name := format('publication %I', faulty.pubname); status := 'warning';
		detail := 'publishes lockstep''s own tables too, which belong to this database alone';
		hint := 'Name the tables, or their schemas, in the publication.';
		RETURN NEXT;
	END LOOP;

	FOR tracked IN SELECT * FROM lockstep.tracked ORDER BY table_name LOOP
		name := format('table %s', tracked.table_name); status := 'ok'; detail := 'tracked'; hint := NULL;
		SELECT * INTO faulty FROM lockstep.trigger_faults(tracked.relid) f ORDER BY f.status, f.detail LIMIT 1;
		IF FOUND THEN
			status := faulty.status; detail := faulty.detail; hint := faulty.hint;
		END IF;
		BEGIN
			PERFORM lockstep.require_columns(tracked.relid, tracked.key_columns || tracked.version_column, 'lockstep.tracked');
			PERFORM lockstep.choose_key(tracked.relid, tracked.key_columns);
			PERFORM lockstep.require_trackable(tracked.relid);
			IF NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = tracked.relid AND a.attname = tracked.version_column
					AND a.atttypid IN ('bigint'::regtype, 'integer'::regtype)) THEN
				RAISE EXCEPTION USING ERRCODE = 'datatype_mismatch',
					MESSAGE = format('version column %I is neither integer nor bigint', tracked.version_column);
			END IF;
		EXCEPTION WHEN undefined_column OR object_not_in_prerequisite_state OR wrong_object_type OR datatype_mismatch THEN
			status := 'error'; detail := SQLERRM; hint := 'Undo the change of the table, or run lockstep.untrack() and lockstep.track() again.';
		END;
		RETURN NEXT;
	END LOOP;

	FOR faulty IN
		SELECT DISTINCT g.tgrelid::regclass AS relation FROM pg_trigger g
		WHERE lockstep.is_own_trigger(g.tgfoid) AND NOT EXISTS (
			SELECT FROM lockstep.tracked t WHERE t.relid = g.tgrelid OR t.relid IN (SELECT a.relid FROM pg_partition_ancestors(g.tgrelid) a))
		ORDER BY 1
	LOOP
		name := format('table %s', lockstep.qualified_name(faulty.relation)); status := 'error';
		detail := 'has triggers of lockstep but is not tracked: its writes fail';
		hint := 'Track it with lockstep.track(), or drop the triggers.';
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION lockstep.doctor() IS 'looks for what would make lockstep miss changes or let writes slip by: status is ok, warning or error';

CREATE FUNCTION lockstep.trigger_faults(relid oid, OUT status text, OUT detail text, OUT hint text) RETURNS SETOF record
	LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
	WITH place AS (
		SELECT p.relid AS place FROM pg_partition_tree(relid) p UNION SELECT relid
	), expected AS (
		SELECT place, t AS trigger_name FROM place, unnest(ARRAY['~lockstep_guard', '!lockstep_log', '!lockstep_truncate']) AS t
	)
	SELECT 'error', format('trigger %I of %s is missing', e.trigger_name, e.place::regclass),
		'Run lockstep.untrack() and lockstep.track() again.'
	FROM expected e LEFT JOIN pg_trigger g ON g.tgrelid = e.place AND g.tgname = e.trigger_name
	WHERE g.oid IS NULL
	UNION ALL
	SELECT 'error', format('trigger %I of %s is %s', e.trigger_name, e.place::regclass,
			CASE g.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'enabled for replicas only' ELSE 'not enabled for replicas' END),
		format('Run ALTER TABLE %s ENABLE ALWAYS TRIGGER %I.', e.place::regclass, e.trigger_name)
	FROM expected e JOIN pg_trigger g ON g.tgrelid = e.place AND g.tgname = e.trigger_name
	WHERE g.tgenabled <> 'A'
	UNION ALL
	-- Row triggers fire in the order of their names, bytewise. tgtype: 1 row, 2 before, 4 insert, 8 delete, 16 update.
	SELECT 'warning', format('trigger %I of %s runs %s', g.tgname, p.place::regclass,
			CASE WHEN g.tgtype & 2 <> 0 THEN 'after lockstep''s guard: what it does to the version is not checked'
				ELSE 'before lockstep''s log: changes that it makes are logged in the wrong order' END),
		'Rename it.'
	FROM place p JOIN pg_trigger g ON g.tgrelid = p.place
	WHERE NOT g.tgisinternal AND g.tgtype & 1 <> 0 AND g.tgname NOT LIKE '%lockstep\_%'
		AND (g.tgtype & 2 <> 0 AND g.tgtype & 16 <> 0 AND g.tgname COLLATE "C" > '~lockstep_guard'
			OR g.tgtype & 66 = 0 AND g.tgname COLLATE "C" < '!lockstep_log')
$$;
COMMENT ON FUNCTION lockstep.trigger_faults(oid) IS 'internal: part of doctor()';

-- A worker for this database, once the extension is there.
SELECT lockstep.request_worker();

-- What is internal is nobody else's to call.
DO $$
DECLARE
	internal regprocedure;
BEGIN
	FOR internal IN
		SELECT p.oid FROM pg_catalog.pg_proc p
		WHERE p.pronamespace OPERATOR(pg_catalog.=) 'lockstep'::pg_catalog.regnamespace
			AND pg_catalog.obj_description(p.oid, 'pg_proc') OPERATOR(pg_catalog.~~) 'internal:%'
	LOOP
		EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', internal);
	END LOOP;
END
$$;
