-- What tells operators how things stand.

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
	ELSIF (SELECT s.closed_at IS NOT NULL FROM pg_inherits i JOIN lockstep.segment s ON s.relation = i.inhrelid
			WHERE i.inhparent = 'lockstep.change'::regclass ORDER BY s.number DESC LIMIT 1) THEN
		status := 'error'; detail := 'the newest segment was dropped by hand: changes of tracked tables fail'; hint := 'Run SELECT lockstep.maintain().';
	END IF;
	SELECT * INTO faulty FROM lockstep.log_size_faults() f;
	IF FOUND THEN
		status := faulty.status; detail := faulty.detail; hint := faulty.hint;
	END IF;
	RETURN NEXT;

	FOR faulty IN SELECT * FROM lockstep.segment_faults() f ORDER BY f.number LOOP
		name := format('segment %s', faulty.number); status := 'warning'; detail := faulty.detail; hint := faulty.hint;
		RETURN NEXT;
	END LOOP;

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

CREATE FUNCTION lockstep.log_size_faults(OUT status text, OUT detail text, OUT hint text) RETURNS SETOF record
	LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
	WITH log AS (
		SELECT lockstep.log_bytes() AS size, pg_size_bytes(current_setting('lockstep.max_log_size')) AS cap,
			current_setting('lockstep.log_full') = 'refuse' AS refuse
	)
	SELECT CASE WHEN refuse AND size >= cap THEN 'error' ELSE 'warning' END,
		format(CASE WHEN refuse AND size >= cap THEN 'full: writes to tracked tables are refused (%s of %s)'
			WHEN refuse THEN 'nearly full: writes to tracked tables will be refused (%s of %s)'
			ELSE 'larger than lockstep.max_log_size (%s of %s)' END, pg_size_pretty(size), pg_size_pretty(cap)),
		CASE WHEN refuse THEN 'Raise lockstep.max_log_size, or set lockstep.log_retention or lockstep.log_full so that the oldest changes are dropped.'
			ELSE 'The oldest segments cannot be dropped: the rows below say what holds them. Without a worker, run lockstep.maintain() now and then.' END
	FROM log WHERE cap >= 0 AND (refuse AND size >= cap * 0.9 OR NOT refuse AND size > cap * 1.25)
$$;
COMMENT ON FUNCTION lockstep.log_size_faults() IS 'internal: part of doctor()';

-- Who holds a table, or the log, in one of these modes: a process, or a transaction that was prepared and forgotten.
CREATE FUNCTION lockstep.lock_holder(relations oid[], modes text[], OUT who text, OUT cure text) RETURNS record
	LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN l.pid IS NULL THEN format('prepared transaction %L', p.gid) ELSE format('process %s', l.pid) END,
		CASE WHEN l.pid IS NULL THEN format('Run COMMIT PREPARED %1$L or ROLLBACK PREPARED %1$L.', p.gid)
			ELSE format('Let its transaction end, or run pg_terminate_backend(%s).', l.pid) END
	-- Whose lock it is where no process has it: who locks the prepared transaction's number too.
	FROM pg_locks l LEFT JOIN (pg_locks t JOIN pg_prepared_xacts p ON p.transaction = t.transactionid)
			ON l.pid IS NULL AND t.pid IS NULL AND t.virtualtransaction = l.virtualtransaction
		LEFT JOIN pg_stat_activity a ON a.pid = l.pid
	WHERE l.locktype = 'relation' AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
		AND l.relation = ANY (relations) AND l.granted AND l.mode = ANY (modes) AND l.pid IS DISTINCT FROM pg_backend_pid()
		AND a.backend_type IS DISTINCT FROM 'lockstep chores'
	ORDER BY l.pid IS NOT NULL, a.xact_start
	LIMIT 1
$$;
COMMENT ON FUNCTION lockstep.lock_holder(oid[], text[]) IS 'internal: part of doctor(): the one who has held it longest';

-- The worker is given some minutes for what it has to wait for.
CREATE FUNCTION lockstep.segment_faults(OUT number integer, OUT detail text, OUT hint text) RETURNS SETOF record
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	patience CONSTANT interval := '5 minutes';
	limits record;
	segment record;
	holder record;
BEGIN
	SELECT * INTO limits FROM lockstep.segment_limit();
	FOR segment IN
		SELECT s.*, lead(s.opened_at) OVER (ORDER BY s.number) AS followed_at,
			EXISTS (SELECT FROM lockstep.retirable_segments() r WHERE r = s.number) AS is_retirable
		FROM lockstep.segment s
	LOOP
		number := segment.number; detail := NULL; hint := NULL;
		IF NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = segment.relation AND i.inhparent = 'lockstep.change'::regclass) THEN
			detail := 'was detached by hand: readers that have yet to see its changes are refused';
			hint := 'Run SELECT lockstep.maintain().';
		ELSIF segment.changes > 0 AND pg_relation_size(segment.relation) = 0 THEN
			detail := 'was emptied by hand: readers that have yet to see its changes are refused';
			hint := format('Run DROP TABLE %s.', segment.relation);
		ELSIF NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = segment.relation AND g.tgfoid = 'lockstep.refuse_truncate()'::regprocedure AND g.tgenabled = 'A') THEN
			detail := 'can be emptied by hand, and readers would miss changes without a word';
			hint := format('Run SELECT lockstep.protect_segment(%L).', segment.relation);
		ELSIF segment.closed_at IS NULL AND segment.followed_at IS NULL THEN
			IF pg_total_relation_size(segment.relation) >= 2 * limits.size
				OR pg_relation_size(segment.relation) > 0 AND clock_timestamp() - segment.opened_at > 2 * limits.age + patience
			THEN
				detail := format('is far past its size or age (%s, since %s), and nothing makes the next',
					pg_size_pretty(pg_total_relation_size(segment.relation)), to_char(segment.opened_at, 'YYYY-MM-DD HH24:MI:SS'));
			END IF;
		ELSIF segment.closed_at IS NULL AND segment.followed_at < clock_timestamp() - patience THEN
			SELECT * INTO holder FROM lockstep.lock_holder(ARRAY[segment.relation]::oid[],
				'{RowExclusiveLock,ShareUpdateExclusiveLock,ShareLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}');
			detail := 'cannot be closed, as ' || holder.who || ' still writes to it';
			hint := holder.cure;
			IF detail IS NULL THEN
				detail := 'was followed by another, and nothing closes it';
			END IF;
		ELSIF segment.is_retirable AND segment.closed_at < clock_timestamp() - patience
			AND (segment.last_at + current_setting('lockstep.log_retention')::interval < clock_timestamp() - patience
				OR current_setting('lockstep.log_retention') = '-1')
		THEN
			SELECT * INTO holder FROM lockstep.lock_holder(ARRAY[segment.relation, 'lockstep.change'::regclass]::oid[],
				'{AccessShareLock,RowShareLock,RowExclusiveLock,ShareUpdateExclusiveLock,ShareLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}');
			detail := 'cannot be dropped, as ' || holder.who || ' still reads the log';
			hint := holder.cure;
			IF detail IS NULL THEN
				detail := 'is to be dropped, and nothing drops it';
			END IF;
		END IF;
		IF detail IS NOT NULL THEN
			hint := coalesce(hint, 'The worker does it, or lockstep.maintain() where the library is not preloaded. If there is a worker, look into the server''s log.');
			RETURN NEXT;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION lockstep.segment_faults() IS 'internal: part of doctor()';
