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
-- Also where session_replication_role is replica: without numbers, excluded columns would no longer be recognised.
ALTER TABLE lockstep.tracked_table ENABLE ALWAYS TRIGGER note_columns;

-- A name as it is now: by the number it had when it was noted.
CREATE FUNCTION lockstep.present_name(relation regclass, column_name name, numbers jsonb) RETURNS name
	LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
	AS $$ SELECT coalesce((SELECT a.attname FROM pg_attribute a WHERE a.attrelid = $1 AND a.attnum = (numbers ->> column_name)::smallint
		AND NOT a.attisdropped), column_name) $$;
COMMENT ON FUNCTION lockstep.present_name(regclass, name, jsonb) IS 'internal: follows a renamed column';

-- What track() would refuse, a tracked table may not become: its changes would be missing, or lost in a crash. (For partitions that is
-- asked of the table they belong to.)
CREATE FUNCTION lockstep.require_still_trackable(changed oid[]) RETURNS void
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	tracked regclass;
	reason text;
BEGIN
	FOR tracked IN
		SELECT t.relation FROM lockstep.tracked_table t JOIN pg_class r ON r.oid = t.relation
		WHERE t.relation = ANY (changed)
			OR EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = t.relation AND i.inhparent = ANY (changed))
			OR EXISTS (SELECT FROM unnest(changed) c (relid), LATERAL (
				SELECT i.inhparent FROM pg_inherits i WHERE i.inhrelid = c.relid UNION SELECT a.relid FROM pg_partition_ancestors(c.relid) a) p
				WHERE p.inhparent = t.relation)
	LOOP
		BEGIN
			PERFORM lockstep.require_trackable(tracked);
		EXCEPTION WHEN wrong_object_type THEN
			GET STACKED DIAGNOSTICS reason = PG_EXCEPTION_DETAIL;
			RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
				MESSAGE = format('table %s cannot be changed in this way while it is tracked', lockstep.qualified_name(tracked)),
				DETAIL = format('Not all of its changes would be in the log. %s', reason),
				HINT = 'Run lockstep.untrack() first.';
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION lockstep.require_still_trackable(oid[]) IS 'internal: part of the event triggers';

CREATE FUNCTION lockstep.on_ddl() RETURNS event_trigger
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	tracked lockstep.tracked_table;
	newcomers regclass[];
	leaf regclass;
BEGIN
	PERFORM lockstep.require_still_trackable(ARRAY(
		SELECT c.objid FROM pg_event_trigger_ddl_commands() c
		WHERE c.classid = 'pg_class'::regclass AND c.object_type IN ('table', 'foreign table') AND NOT c.in_extension));
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
			-- One that is gone is forgotten: a later column of its name is another. Where no number was noted (triggers can be off), the name counts.
			exclude_columns = ARRAY(SELECT a.attname FROM unnest(t.exclude_columns) WITH ORDINALITY AS u (k, place)
				JOIN pg_attribute a ON a.attrelid = t.relation AND NOT a.attisdropped
					AND CASE WHEN t.column_numbers ? k THEN a.attnum = (t.column_numbers ->> k)::smallint ELSE a.attname = k END
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
	gone lockstep.segment;
BEGIN
	-- Readers are to know at once what the log lost, and at once again where it reaches back to.
	FOR gone IN
		SELECT s.* FROM lockstep.segment s WHERE s.relation IN (
			SELECT o.objid FROM pg_event_trigger_dropped_objects() o WHERE o.classid = 'pg_class'::regclass AND o.objsubid = 0)
	LOOP
		PERFORM lockstep.note_retirement(gone);
	END LOOP;
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
COMMENT ON FUNCTION lockstep.on_drop() IS 'event trigger: forgets tracked tables that are dropped, logs what else is lost with a drop, and notes segments of the log that were';

-- ALTER INDEX and its like rename tables too.
CREATE EVENT TRIGGER lockstep_ddl ON ddl_command_end
	WHEN TAG IN ('ALTER TABLE', 'CREATE TABLE', 'CREATE TABLE AS', 'ALTER SCHEMA', 'ALTER INDEX', 'ALTER VIEW', 'ALTER SEQUENCE',
		'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE', 'CREATE FOREIGN TABLE', 'ALTER TYPE')
	EXECUTE FUNCTION lockstep.on_ddl();
COMMENT ON EVENT TRIGGER lockstep_ddl IS 'logs changes of a tracked table''s shape';
CREATE EVENT TRIGGER lockstep_drop ON sql_drop EXECUTE FUNCTION lockstep.on_drop();
COMMENT ON EVENT TRIGGER lockstep_drop IS 'forgets tracked tables that are dropped';
ALTER EVENT TRIGGER lockstep_ddl ENABLE ALWAYS;
ALTER EVENT TRIGGER lockstep_drop ENABLE ALWAYS;

-- DROP EXTENSION locks the log first and the tracked tables later, as their triggers go; writers do it the other way round. So all of
-- them are locked before it begins.
CREATE FUNCTION lockstep.lock_before_drop() RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM lockstep.lock_patiently('DROP EXTENSION',
		ARRAY(SELECT t.relid::regclass FROM lockstep.tracked t ORDER BY t.relid),
		ARRAY(SELECT d.objid::regclass FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
			WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
				AND d.refobjid = (SELECT e.oid FROM pg_extension e WHERE e.extname = 'lockstep') AND c.relkind IN ('r', 'p')
			ORDER BY d.objid));
END
$$;
COMMENT ON FUNCTION lockstep.lock_before_drop() IS 'internal: part of DROP EXTENSION';

CREATE FUNCTION lockstep.on_drop_extension() RETURNS event_trigger
	LANGUAGE C AS 'MODULE_PATHNAME', 'lockstep_on_drop_extension';
COMMENT ON FUNCTION lockstep.on_drop_extension() IS 'event trigger: before DROP EXTENSION lockstep, locks what it will need';
CREATE EVENT TRIGGER lockstep_drop_extension ON ddl_command_start WHEN TAG IN ('DROP EXTENSION')
	EXECUTE FUNCTION lockstep.on_drop_extension();
COMMENT ON EVENT TRIGGER lockstep_drop_extension IS 'lets DROP EXTENSION lockstep take its locks without blocking writers for long';
ALTER EVENT TRIGGER lockstep_drop_extension ENABLE ALWAYS;
