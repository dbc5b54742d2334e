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
	command record;
	tracked lockstep.tracked_table;
	leaf regclass;
BEGIN
	FOR command IN
		SELECT DISTINCT c.objid FROM pg_event_trigger_ddl_commands() c
		WHERE c.classid = 'pg_class'::regclass AND c.object_type IN ('table', 'table column') AND NOT c.in_extension
	LOOP
		SELECT t.* INTO tracked FROM lockstep.tracked_table t
		WHERE t.relation = command.objid
			OR t.relation IN (SELECT a.relid FROM pg_partition_ancestors(command.objid) a);
		CONTINUE WHEN NOT FOUND;
		UPDATE lockstep.tracked_table t SET
			key_columns = ARRAY(SELECT lockstep.present_name(t.relation, k, t.column_numbers)
				FROM unnest(t.key_columns) WITH ORDINALITY AS u (k, place) ORDER BY place),
			version_column = lockstep.present_name(t.relation, t.version_column, t.column_numbers),
			exclude_columns = ARRAY(SELECT lockstep.present_name(t.relation, k, t.column_numbers)
				FROM unnest(t.exclude_columns) WITH ORDINALITY AS u (k, place) ORDER BY place)
		WHERE t.relation = tracked.relation AND t.column_numbers <> lockstep.column_numbers(t.relation);
		INSERT INTO lockstep.table_name (relid, table_name) VALUES (tracked.relation, lockstep.qualified_name(tracked.relation))
		ON CONFLICT (relid) DO UPDATE SET table_name = EXCLUDED.table_name WHERE lockstep.table_name.table_name <> EXCLUDED.table_name;
		-- A partition that came later has no TRUNCATE trigger of its own yet. (Row triggers it inherits.)
		FOR leaf IN
			SELECT p.relid FROM pg_partition_tree(tracked.relation) p
			WHERE NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = p.relid AND g.tgname = '!lockstep_truncate')
		LOOP
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
BEGIN
	FOR dropped IN
		SELECT o.objid FROM pg_event_trigger_dropped_objects() o WHERE o.classid = 'pg_class'::regclass AND o.objsubid = 0
	LOOP
		DELETE FROM lockstep.tracked_table t WHERE t.relation = dropped.objid;
		IF FOUND THEN
			PERFORM lockstep.log_schema_change(dropped.objid);
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION lockstep.on_drop() IS 'event trigger: forgets tracked tables that are dropped';

CREATE EVENT TRIGGER lockstep_ddl ON ddl_command_end
	WHEN TAG IN ('ALTER TABLE', 'CREATE TABLE', 'CREATE TABLE AS') EXECUTE FUNCTION lockstep.on_ddl();
COMMENT ON EVENT TRIGGER lockstep_ddl IS 'logs changes of a tracked table''s shape';
CREATE EVENT TRIGGER lockstep_drop ON sql_drop
	WHEN TAG IN ('DROP TABLE', 'DROP SCHEMA', 'DROP OWNED') EXECUTE FUNCTION lockstep.on_drop();
COMMENT ON EVENT TRIGGER lockstep_drop IS 'forgets tracked tables that are dropped';
