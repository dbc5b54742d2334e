-- The log's segments: made, closed, dropped. Each step is a transaction of its own where the worker does it; maintain() does them all.

CREATE FUNCTION lockstep.segments_changed() RETURNS void
	LANGUAGE C AS 'MODULE_PATHNAME', 'lockstep_segments_changed';
COMMENT ON FUNCTION lockstep.segments_changed() IS 'internal: tells all backends, once this transaction commits, that lockstep.segment says something else';

CREATE FUNCTION lockstep.retired_position(last_era integer, last_xid xid8, before lockstep.position) RETURNS lockstep.position
	LANGUAGE C AS 'MODULE_PATHNAME', 'lockstep_retired_position';
COMMENT ON FUNCTION lockstep.retired_position(integer, xid8, lockstep.position) IS
	'internal: what a reader must have seen for a segment that nobody writes to, up to this transaction, to hold nothing for it; and for those dropped before';

CREATE FUNCTION lockstep.segment_number(relation oid) RETURNS integer
	LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
	AS $$ SELECT substring(pg_get_expr(c.relpartbound, c.oid) FROM '\d+')::integer FROM pg_class c WHERE c.oid = $1 $$;
COMMENT ON FUNCTION lockstep.segment_number(oid) IS 'internal: the number of a segment''s table';

-- A segment that was restored gets its indexes last; until then, it is not touched.
CREATE FUNCTION lockstep.is_whole_segment(relation oid) RETURNS boolean
	LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
	AS $$ SELECT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = $1 AND i.indkey::text = '1 2' AND i.indisvalid) $$;
COMMENT ON FUNCTION lockstep.is_whole_segment(oid) IS 'internal: has a segment''s table its index on (xid, seq)?';

-- Readers would not notice that changes are missing in a segment that is still written to, and nobody could say which.
CREATE FUNCTION lockstep.refuse_truncate() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
		MESSAGE = format('segment %I of the change log cannot be truncated', TG_TABLE_NAME),
		DETAIL = 'Readers would miss changes without a word.',
		HINT = 'Set lockstep.log_retention or lockstep.max_log_size and run lockstep.maintain(); or drop the segment.';
END
$$;
COMMENT ON FUNCTION lockstep.refuse_truncate() IS 'trigger: on each segment of the change log';

CREATE FUNCTION lockstep.protect_segment(relation regclass) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format('CREATE OR REPLACE TRIGGER lockstep_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION lockstep.refuse_truncate()', relation);
	EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER lockstep_truncate', relation);
END
$$;
COMMENT ON FUNCTION lockstep.protect_segment(regclass) IS 'internal: part of make_segment(); by hand, where doctor() says so';

-- It is made beside the log and then attached, as CREATE TABLE ... PARTITION OF would wait for every reader.
CREATE FUNCTION lockstep.make_segment(number integer) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	name CONSTANT text := format('lockstep.change_%s', number);
BEGIN
	-- Append-only: nothing is to be vacuumed or analyzed until it is closed; then once.
	EXECUTE format('CREATE TABLE %s (LIKE lockstep.change INCLUDING ALL, CHECK (segment = %s))
		WITH (fillfactor = 100, autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_threshold = 2147483647,
			toast.autovacuum_vacuum_insert_threshold = -1)', name, number);
	-- No two entries are equal.
	EXECUTE format('CREATE INDEX ON %s (xid, seq) WITH (deduplicate_items = off)', name);
	PERFORM lockstep.protect_segment(name);
	EXECUTE format('ALTER TABLE lockstep.change ATTACH PARTITION %s FOR VALUES IN (%s)', name, number);
	INSERT INTO lockstep.segment (number, relation, opened_at) VALUES (number, name::regclass, clock_timestamp());
	PERFORM lockstep.segments_changed();
END
$$;
COMMENT ON FUNCTION lockstep.make_segment(integer) IS 'internal: part of rotate_segment()';

-- A table that was detached by hand keeps its name.
CREATE FUNCTION lockstep.next_segment() RETURNS integer
	LANGUAGE sql SET search_path = pg_catalog, pg_temp
	AS $$ SELECT 1 + coalesce(max(n), 0) FROM (
		SELECT s.number FROM lockstep.segment s
		UNION ALL
		SELECT substring(c.relname FROM '^change_([0-9]{1,9})$')::integer FROM pg_class c WHERE c.relnamespace = 'lockstep'::regnamespace) t (n) $$;
COMMENT ON FUNCTION lockstep.next_segment() IS 'internal: the number of the next segment';

-- Segments that nobody entered were restored from a dump; those that are gone were detached by hand.
CREATE FUNCTION lockstep.enter_segments() RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	gone lockstep.segment;
BEGIN
	INSERT INTO lockstep.segment (number, relation, opened_at)
	SELECT lockstep.segment_number(i.inhrelid), i.inhrelid, clock_timestamp() FROM pg_inherits i
	WHERE i.inhparent = 'lockstep.change'::regclass
		AND NOT EXISTS (SELECT FROM lockstep.segment s WHERE s.number = lockstep.segment_number(i.inhrelid));
	FOR gone IN
		SELECT * FROM lockstep.segment s WHERE NOT EXISTS (
			SELECT FROM pg_inherits i WHERE i.inhparent = 'lockstep.change'::regclass AND lockstep.segment_number(i.inhrelid) = s.number)
	LOOP
		PERFORM lockstep.note_retirement(gone);
	END LOOP;
END
$$;
COMMENT ON FUNCTION lockstep.enter_segments() IS 'internal: part of rotate_segment()';

CREATE FUNCTION lockstep.segment_limit(OUT size bigint, OUT age interval) RETURNS record
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	cap CONSTANT bigint := pg_size_bytes(current_setting('lockstep.max_log_size'));
	retention CONSTANT interval := current_setting('lockstep.log_retention');
BEGIN
	size := pg_size_bytes(current_setting('lockstep.segment_size'));
	age := current_setting('lockstep.segment_age');
	-- Only whole segments can be dropped.
	IF cap >= 0 THEN
		size := least(size, cap / 4);
	END IF;
	IF retention >= interval '0' THEN
		age := least(age, retention / 4);
	END IF;
END
$$;
COMMENT ON FUNCTION lockstep.segment_limit() IS 'internal: when a segment is large or old enough to be followed by the next';

-- Is the newest segment to be followed by another?
CREATE FUNCTION lockstep.rotation_is_due() RETURNS boolean
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	newest regclass;
	limits record := lockstep.segment_limit();
	opened timestamptz;
	is_foreign boolean;
BEGIN
	SELECT i.inhrelid INTO newest FROM pg_inherits i WHERE i.inhparent = 'lockstep.change'::regclass
	ORDER BY lockstep.segment_number(i.inhrelid) DESC LIMIT 1;
	IF newest IS NULL THEN
		RETURN EXISTS (SELECT FROM lockstep.tracked_table);
	END IF;
	-- Those after it were dropped by hand.
	IF EXISTS (SELECT FROM lockstep.segment s WHERE s.relation = newest AND s.closed_at IS NOT NULL) THEN
		RETURN true;
	END IF;
	IF NOT lockstep.is_whole_segment(newest) OR pg_relation_size(newest) = 0 THEN
		RETURN false;
	END IF;
	SELECT s.opened_at INTO opened FROM lockstep.segment s WHERE s.relation = newest;
	IF pg_total_relation_size(newest) >= limits.size OR clock_timestamp() - opened >= limits.age THEN
		RETURN true;
	END IF;
	-- A new era begins a new segment: the bounds of one that holds several say little.
	EXECUTE format('SELECT c.era < (SELECT max(e.era) FROM lockstep.era e) FROM (SELECT era FROM %s LIMIT 1) c', newest) INTO is_foreign;
	RETURN coalesce(is_foreign, false);
END
$$;
COMMENT ON FUNCTION lockstep.rotation_is_due() IS 'internal: part of rotate_segment()';

CREATE FUNCTION lockstep.rotate_segment() RETURNS boolean
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT lockstep.rotation_is_due() AND NOT EXISTS (
		SELECT FROM lockstep.segment s FULL JOIN (SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = 'lockstep.change'::regclass) p
			ON p.inhrelid = s.relation
		WHERE s.number IS NULL OR p.inhrelid IS NULL)
	THEN
		RETURN false;
	END IF;
	-- Several sessions may come here at once.
	LOCK TABLE ONLY lockstep.change IN SHARE UPDATE EXCLUSIVE MODE;
	PERFORM lockstep.enter_segments();
	IF NOT lockstep.rotation_is_due() THEN
		RETURN false;
	END IF;
	PERFORM lockstep.make_segment(lockstep.next_segment());
	RETURN true;
END
$$;
COMMENT ON FUNCTION lockstep.rotate_segment() IS 'internal: makes the next segment if the newest is large or old enough, or there is none';

CREATE FUNCTION lockstep.ensure_segment() RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM pg_inherits WHERE inhparent = 'lockstep.change'::regclass) THEN
		RETURN;
	END IF;
	LOCK TABLE ONLY lockstep.change IN SHARE UPDATE EXCLUSIVE MODE;
	IF NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = 'lockstep.change'::regclass) THEN
		PERFORM lockstep.enter_segments();
		PERFORM lockstep.make_segment(lockstep.next_segment());
	END IF;
END
$$;
COMMENT ON FUNCTION lockstep.ensure_segment() IS 'internal: makes the log''s first segment where there is none';

-- A segment is closed once there is a newer one and nobody holds a lock for writing on it any more: whoever gets one now looks again, and goes
-- on to the newer. Waiting for the lock would hold up those who come after, so this does not.
CREATE FUNCTION lockstep.close_segment(which integer) RETURNS boolean
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms'
AS $$
DECLARE
	segment lockstep.segment;
	-- Once, to freeze and to mark what all can see; there is nothing to do afterwards.
	once CONSTANT text := 'autovacuum_vacuum_insert_threshold = 0, autovacuum_vacuum_insert_scale_factor = 0, autovacuum_freeze_min_age = 0';
BEGIN
	SELECT * INTO segment FROM lockstep.segment s WHERE s.number = which AND s.closed_at IS NULL;
	IF NOT FOUND OR NOT lockstep.is_whole_segment(segment.relation)
		OR NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = segment.relation AND i.inhparent = 'lockstep.change'::regclass)
		OR NOT EXISTS (SELECT FROM lockstep.segment s WHERE s.number > which) THEN
		RETURN false;
	END IF;
	BEGIN
		EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE NOWAIT', segment.relation);
	EXCEPTION WHEN lock_not_available OR undefined_table THEN
		RETURN false;
	END;
	IF NOT EXISTS (SELECT FROM lockstep.segment s WHERE s.number = which AND s.closed_at IS NULL) THEN
		RETURN false; -- another session did
	END IF;
	IF NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = segment.relation AND i.indkey::text = '7 5' AND i.indisvalid) THEN
		EXECUTE format('CREATE INDEX ON %s (root, key_hash)', segment.relation);
	END IF;
	EXECUTE format('SELECT min(era), max(era), min(xid), max(xid), min(seq), max(seq), min(at), max(at), count(*) FROM %s', segment.relation)
	INTO segment.first_era, segment.last_era, segment.first_xid, segment.last_xid, segment.first_seq, segment.last_seq,
		segment.first_at, segment.last_at, segment.changes;
	-- (A transaction of which a marker is left has rolled its changes back.)
	EXECUTE format($sql$SELECT array_agg(w.xid ORDER BY w.xid)
		FROM (SELECT DISTINCT c.xid FROM %s c WHERE c.op <> 'm' ORDER BY c.xid DESC LIMIT 10000) w$sql$, segment.relation)
	INTO segment.writers;
	EXECUTE format('ALTER TABLE %s SET (%s, toast.%s), RESET (autovacuum_analyze_threshold)',
		segment.relation, once, replace(once, ', ', ', toast.'));
	UPDATE lockstep.segment s SET closed_at = clock_timestamp(), first_era = segment.first_era, last_era = segment.last_era,
		first_xid = segment.first_xid, last_xid = segment.last_xid, first_seq = segment.first_seq, last_seq = segment.last_seq,
		first_at = segment.first_at, last_at = segment.last_at, changes = segment.changes,
		bytes = pg_total_relation_size(segment.relation), writers = coalesce(segment.writers, '{}')
	WHERE s.number = which;
	PERFORM lockstep.segments_changed();
	RETURN true;
EXCEPTION WHEN lock_not_available THEN
	RETURN false;
END
$$;
COMMENT ON FUNCTION lockstep.close_segment(integer) IS 'internal: part of close_segments()';

CREATE FUNCTION lockstep.close_segments(at_most integer DEFAULT NULL) RETURNS integer
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	which integer;
	closed integer := 0;
BEGIN
	FOR which IN SELECT s.number FROM lockstep.segment s WHERE s.closed_at IS NULL ORDER BY s.number LOOP
		IF closed >= at_most THEN
			EXIT;
		END IF;
		closed := closed + lockstep.close_segment(which)::integer;
	END LOOP;
	RETURN closed;
END
$$;
COMMENT ON FUNCTION lockstep.close_segments(integer) IS 'internal: closes the segments that can be, and says how many';

CREATE FUNCTION lockstep.note_retirement(gone lockstep.segment) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	before lockstep.retirement;
	most CONSTANT integer := 10000;
BEGIN
	SELECT * INTO before FROM lockstep.retirement;
	DELETE FROM lockstep.retirement;
	before.writers_from := coalesce(before.writers_from, '0');
	IF gone.closed_at IS NULL THEN -- by hand: nobody knows what was in it, but who wrote to it has ended
		before.position := lockstep.retired_position(NULL, NULL, before.position);
		before.last_at := clock_timestamp();
		before.writers_from := split_part(before.position::text, '-', 7)::xid8; -- its xmax: this transaction's snapshot may be older
	ELSIF cardinality(gone.writers) > 0 THEN
		before.position := lockstep.retired_position(gone.last_era, gone.writers[cardinality(gone.writers)], before.position);
		before.last_at := greatest(before.last_at, gone.last_at);
		before.writers := ARRAY(SELECT DISTINCT w FROM unnest(before.writers || gone.writers) w ORDER BY w);
		IF cardinality(gone.writers) = most THEN
			before.writers_from := greatest(before.writers_from, gone.writers[1]);
		END IF;
	END IF;
	-- Who reads is a little behind at most: what was long before is told less exactly.
	IF cardinality(before.writers) > most THEN
		before.writers := before.writers[cardinality(before.writers) - most + 1:];
		before.writers_from := greatest(before.writers_from, before.writers[1]);
	END IF;
	INSERT INTO lockstep.retirement (position, last_at, segments, writers, writers_from)
	VALUES (before.position, before.last_at, coalesce(before.segments, 0) + 1, coalesce(before.writers, '{}'), before.writers_from);
	DELETE FROM lockstep.segment s WHERE s.number = gone.number;
	PERFORM lockstep.segments_changed();
END
$$;
COMMENT ON FUNCTION lockstep.note_retirement(lockstep.segment) IS 'internal: part of retire_segment()';

-- Where the log reaches back to only changes while nobody reads which segments there are; a lock that is not free at once is left for later.
CREATE FUNCTION lockstep.retire_segment(which integer) RETURNS boolean
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '20ms'
AS $$
DECLARE
	segment lockstep.segment;
BEGIN
	LOCK TABLE ONLY lockstep.change IN ACCESS EXCLUSIVE MODE NOWAIT;
	SELECT * INTO segment FROM lockstep.segment s WHERE s.number = which AND s.closed_at IS NOT NULL;
	IF NOT FOUND OR NOT EXISTS (SELECT FROM lockstep.segment s WHERE s.number > which) THEN
		RETURN false;
	END IF;
	EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE NOWAIT', segment.relation);
	PERFORM lockstep.note_retirement(segment);
	EXECUTE format('DROP TABLE %s', segment.relation);
	RAISE LOG 'dropped segment % of the change log', which USING DETAIL = format('It held %s changes, the last of %s.', segment.changes, segment.last_at);
	RETURN true;
EXCEPTION WHEN lock_not_available OR object_in_use THEN
	RETURN false;
END
$$;
COMMENT ON FUNCTION lockstep.retire_segment(integer) IS 'internal: part of retire_segments()';

CREATE FUNCTION lockstep.log_bytes() RETURNS bigint
	LANGUAGE sql SET search_path = pg_catalog, pg_temp
	AS $$ SELECT coalesce(sum(coalesce(s.bytes, pg_total_relation_size(i.inhrelid))), 0)::bigint
		FROM pg_inherits i LEFT JOIN lockstep.segment s ON s.relation = i.inhrelid
		WHERE i.inhparent = 'lockstep.change'::regclass $$;
COMMENT ON FUNCTION lockstep.log_bytes() IS 'internal: the size of the log on disk';

-- Closed segments that the settings do not want any more, oldest first.
CREATE FUNCTION lockstep.retirable_segments() RETURNS SETOF integer
	LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
	WITH setting AS (
		SELECT current_setting('lockstep.log_retention')::interval AS retention,
			CASE current_setting('lockstep.log_full') WHEN 'drop_oldest' THEN pg_size_bytes(current_setting('lockstep.max_log_size')) ELSE -1 END AS cap,
			lockstep.log_bytes() AS size
	), closed AS (
		SELECT s.number, s.last_at, s.changes, sum(s.bytes) OVER (ORDER BY s.number) - s.bytes AS bytes_before
		FROM lockstep.segment s
		WHERE s.closed_at IS NOT NULL AND s.number < (SELECT max(n.number) FROM lockstep.segment n)
	)
	SELECT c.number FROM closed c, setting
	WHERE c.changes = 0
		OR setting.retention >= interval '0' AND c.last_at < clock_timestamp() - setting.retention
		OR setting.cap >= 0 AND setting.size - c.bytes_before > setting.cap
	ORDER BY c.number
$$;
COMMENT ON FUNCTION lockstep.retirable_segments() IS 'internal: part of retire_segments()';

CREATE FUNCTION lockstep.retire_segments(at_most integer DEFAULT NULL) RETURNS integer
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	which integer;
	retired integer := 0;
BEGIN
	FOR which IN SELECT lockstep.retirable_segments() LOOP
		IF retired >= at_most THEN
			EXIT;
		END IF;
		retired := retired + lockstep.retire_segment(which)::integer;
	END LOOP;
	RETURN retired;
END
$$;
COMMENT ON FUNCTION lockstep.retire_segments(integer) IS 'internal: drops the segments that the settings do not want any more, and says how many';

-- 0: nothing; 1: what may have to wait for others; 2: what can be done at once.
CREATE FUNCTION lockstep.chores_due() RETURNS integer
	LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE
		WHEN lockstep.rotation_is_due() THEN 2
		WHEN EXISTS (SELECT FROM lockstep.segment s WHERE s.closed_at IS NULL
			AND s.number < (SELECT max(n.number) FROM lockstep.segment n))
			OR EXISTS (SELECT lockstep.retirable_segments()) THEN 1
		ELSE 0 END
$$;
COMMENT ON FUNCTION lockstep.chores_due() IS 'internal: has the log''s worker something to do?';

CREATE FUNCTION lockstep.forget_mutations() RETURNS void
	LANGUAGE sql SET search_path = pg_catalog, pg_temp
	AS $$ DELETE FROM lockstep.mutation m WHERE m.at < now() - interval '1 day' $$;
COMMENT ON FUNCTION lockstep.forget_mutations() IS 'internal: part of maintain()';

CREATE FUNCTION lockstep.maintain() RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
		RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = 'lockstep.maintain() needs a READ COMMITTED transaction',
			DETAIL = 'It has to see what other transactions wrote to the log until now.',
			HINT = 'Run SET default_transaction_isolation = ''read committed'' before it.';
	END IF;
	-- The library knows the settings, and may not be loaded yet: any function in C does that.
	PERFORM lockstep.worker_status();
	PERFORM lockstep.rotate_segment();
	PERFORM lockstep.close_segments();
	PERFORM lockstep.forget_mutations();
	-- Last, as it locks the log until this transaction ends.
	PERFORM lockstep.retire_segments();
END
$$;
COMMENT ON FUNCTION lockstep.maintain() IS 'what the worker does: makes the log''s next segment, closes and drops old ones, forgets old mutation ids';
REVOKE ALL ON FUNCTION lockstep.maintain() FROM PUBLIC;
