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

-- Who holds a lock on one of the tables, told to somebody who could not get his.
CREATE FUNCTION lockstep.lock_holder(tables oid[]) RETURNS text
	LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN l.pid IS NULL
			THEN format('The prepared transaction %L holds %s on %s.',
				(SELECT p.gid FROM pg_prepared_xacts p JOIN pg_locks x ON x.locktype = 'transactionid' AND x.transactionid = p.transaction
					WHERE x.pid IS NULL AND x.virtualtransaction = l.virtualtransaction), l.mode, l.relation::regclass)
			ELSE format('Process %s of %s%s holds %s on %s.', l.pid, coalesce(a.usename, 'the server'),
				CASE WHEN a.application_name <> '' THEN format(' (%s)', a.application_name) END, l.mode, l.relation::regclass) END
	FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
	WHERE l.locktype = 'relation' AND l.granted AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
		AND l.relation = ANY (tables) AND l.pid IS DISTINCT FROM pg_backend_pid()
	ORDER BY a.xact_start NULLS FIRST, l.pid LIMIT 1
$$;
COMMENT ON FUNCTION lockstep.lock_holder(oid[]) IS 'internal: part of lock_patiently()';

CREATE FUNCTION lockstep.lock_until(target regclass, until timestamptz) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = 0
AS $$
BEGIN
	PERFORM set_config('lock_timeout', greatest(1, ceil(extract(epoch FROM until - clock_timestamp()) * 1000))::integer::text, true);
	IF NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = target) THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_table', MESSAGE = format('table with OID %s does not exist', target::oid);
	END IF;
	EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', target);
END
$$;
COMMENT ON FUNCTION lockstep.lock_until(regclass, timestamptz) IS 'internal: part of lock_patiently()';

-- Locks tables with their partitions, then other tables, in ACCESS EXCLUSIVE mode. While one waits for such a lock, everybody else waits
-- behind him. So each attempt is short, and gives up all that it got: then the queue behind it moves on, and nobody is caught in a deadlock.
CREATE FUNCTION lockstep.lock_patiently(command text, roots regclass[], others regclass[] DEFAULT '{}') RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	attempt_ms CONSTANT integer := 100;
	patience CONSTANT interval := current_setting('lockstep.lock_patience')::interval;
	give_up CONSTANT timestamptz := clock_timestamp() + patience;
	pause double precision := 0.1;
	attempt_end timestamptz;
	root regclass;
	target regclass;
	wanted oid[];
BEGIN
	LOOP
		BEGIN
			attempt_end := clock_timestamp() + make_interval(secs => attempt_ms / 1000.0);
			wanted := roots::oid[];
			FOREACH root IN ARRAY roots LOOP
				PERFORM lockstep.lock_until(root, attempt_end);
				-- Only now nobody can add a partition.
				FOR target IN SELECT t.relid FROM pg_partition_tree(root) t WHERE t.relid <> root LOOP
					wanted := wanted || target::oid;
					PERFORM lockstep.lock_until(target, attempt_end);
				END LOOP;
			END LOOP;
			FOREACH target IN ARRAY others LOOP
				wanted := wanted || target::oid;
				PERFORM lockstep.lock_until(target, attempt_end);
			END LOOP;
			RETURN;
		EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
			-- The roll-back let go of everything.
			IF clock_timestamp() >= give_up THEN
				RAISE EXCEPTION USING ERRCODE = 'lock_not_available',
					MESSAGE = format('%s could not get its locks within %s', command, current_setting('lockstep.lock_patience')),
					DETAIL = coalesce(lockstep.lock_holder(wanted), 'Others held them at each attempt.'),
					HINT = 'Let that transaction end, or raise lockstep.lock_patience; nothing was changed.';
			END IF;
		END;
		PERFORM pg_sleep(least(pause, greatest(0.001, extract(epoch FROM give_up - clock_timestamp()))));
		pause := least(pause * 1.5, 1);
	END LOOP;
END
$$;
COMMENT ON FUNCTION lockstep.lock_patiently(text, regclass[], regclass[]) IS 'internal: part of track(), untrack() and DROP EXTENSION';

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
	-- Nobody may change the table, or track it too, until all is in place. At once the strongest lock that will be needed: whoever asks
	-- for more later can meet another who does the same. Nothing below scans the table.
	PERFORM lockstep.lock_patiently('lockstep.track()', ARRAY[table_name]);
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
	IF NOT EXISTS (SELECT FROM lockstep.tracked t WHERE t.relid = table_name) THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_object', MESSAGE = format('table %s is not tracked', table_name);
	END IF;
	PERFORM lockstep.lock_patiently('lockstep.untrack()', ARRAY[table_name]);
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
