-- What all other files need: the extension, and a few functions that make its output deterministic.
CREATE EXTENSION lockstep;

SELECT nspname AS schema, extname AS extension FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace
WHERE extname = 'lockstep';
SELECT rolname, rolcanlogin, rolsuper, rolinherit FROM pg_roles WHERE rolname = 'lockstep_bridge';

-- What the documentation names is there, with its arguments and results.
SELECT p.proname AS name, pg_get_function_identity_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result
FROM pg_proc p
WHERE p.pronamespace = 'lockstep'::regnamespace
	AND p.proname IN ('track', 'untrack', 'position', 'sees', 'covers', 'image', 'mutation_begin', 'mutation_end', 'maintain', 'worker_status',
		'compare', 'is_concurrent', 'merge', 'merge_all', 'advance', 'counter')
ORDER BY p.proname COLLATE "C";
SELECT unnest(p.proargnames) AS changes, format_type(unnest(p.proallargtypes), NULL) AS type, unnest(p.proargmodes) AS mode
FROM pg_proc p WHERE p.oid = 'lockstep.changes'::regproc;
SELECT unnest(p.proargnames) AS doctor, format_type(unnest(p.proallargtypes), NULL) AS type, unnest(p.proargmodes) AS mode
FROM pg_proc p WHERE p.oid = 'lockstep.doctor'::regproc;
SELECT attname AS tracked, format_type(atttypid, atttypmod) AS type FROM pg_attribute
WHERE attrelid = 'lockstep.tracked'::regclass AND attnum > 0 ORDER BY attnum;
SELECT name, setting, unit, context FROM pg_settings WHERE name LIKE 'lockstep.%' ORDER BY name COLLATE "C";

-- Every object is explained …
SELECT pg_describe_object(d.classid, d.objid, 0) AS "without a comment"
FROM pg_depend d
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'lockstep')
	AND d.classid IN ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_event_trigger'::regclass, 'pg_namespace'::regclass,
		'pg_type'::regclass, 'pg_operator'::regclass, 'pg_opclass'::regclass, 'pg_opfamily'::regclass, 'pg_cast'::regclass)
	AND obj_description(d.objid, d.classid::regclass::text::name) IS NULL
ORDER BY 1;
-- … no function that acts for another role trusts the caller's search path …
SELECT p.oid::regprocedure AS "security definer without search_path" FROM pg_proc p
WHERE p.pronamespace = 'lockstep'::regnamespace AND p.prosecdef
	AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c LIKE 'search\_path=%')
ORDER BY 1;
-- … and nobody but the owner may write to lockstep's tables.
SELECT c.relname, a.grantee::regrole, a.privilege_type FROM pg_class c, aclexplode(c.relacl) a
WHERE c.relnamespace = 'lockstep'::regnamespace AND a.grantee <> c.relowner AND a.privilege_type <> 'SELECT'
ORDER BY 1, 2, 3;

CREATE SCHEMA test;

-- Runs a statement and tells how it ended: SQLSTATE, message, DETAIL, HINT. The time of a change is masked, and whether it
-- was there is kept.
CREATE FUNCTION test.try(statement text) RETURNS TABLE (outcome text) LANGUAGE plpgsql AS $$
DECLARE
	sqlstate_ text;
	message text;
	detail text;
	hint text;
BEGIN
	EXECUTE statement;
	outcome := 'ok';
	RETURN NEXT;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS sqlstate_ = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
		hint = PG_EXCEPTION_HINT;
	outcome := sqlstate_ || ': ' || message;
	RETURN NEXT;
	IF detail LIKE '{%' THEN
		-- Written anew: this fails where DETAIL is no JSON.
		outcome := 'DETAIL: ' || CASE WHEN detail::jsonb ->> 'changed_at' IS NULL THEN detail::jsonb::text
			ELSE (detail::jsonb || jsonb_build_object('changed_at',
				CASE WHEN detail::jsonb ->> 'changed_at' ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00$'
					AND abs(extract(epoch FROM clock_timestamp() - (detail::jsonb ->> 'changed_at')::timestamptz)) < 600
				THEN '(just now)' ELSE detail::jsonb ->> 'changed_at' END))::text END;
		RETURN NEXT;
	ELSIF detail <> '' THEN
		outcome := 'DETAIL: ' || detail;
		RETURN NEXT;
	END IF;
	IF hint <> '' THEN
		outcome := 'HINT: ' || hint;
		RETURN NEXT;
	END IF;
END
$$;

-- Only the SQLSTATE; and what is accepted has no effect.
CREATE FUNCTION test.code(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RAISE EXCEPTION USING ERRCODE = 'ZZ999';
EXCEPTION
	WHEN SQLSTATE 'ZZ999' THEN RETURN 'accepted';
	WHEN OTHERS THEN RETURN SQLSTATE;
END
$$;

-- The feed without what differs from run to run: transactions are numbered as they come.
CREATE FUNCTION test.feed(since lockstep.position, upto lockstep.position = NULL)
	RETURNS TABLE (tx bigint, table_name text, op text, key jsonb, version bigint, "row" jsonb, old jsonb) LANGUAGE sql AS $$
	SELECT 1 + count(c.position) OVER (ORDER BY c.ordinality ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
		c.table_name, c.op, c.key, c.version, c.row, c.old
	FROM lockstep.changes(since, coalesce(upto, lockstep.position())) WITH ORDINALITY AS c
	ORDER BY c.ordinality
$$;

-- What holds for every feed, whatever is in it. A row for each promise that is broken.
CREATE FUNCTION test.broken_promises(since lockstep.position) RETURNS TABLE (promise text, change bigint) LANGUAGE plpgsql AS $$
DECLARE
	upto CONSTANT lockstep.position := lockstep.position();
	place lockstep.position := since;
	whole CONSTANT bigint[] := ARRAY(SELECT c.seq FROM lockstep.changes(since, upto) WITH ORDINALITY AS c ORDER BY c.ordinality);
	paged bigint[] := '{}';
	page record;
	size integer;
BEGIN
	DROP TABLE IF EXISTS pg_temp.feed;
	CREATE TEMP TABLE feed AS SELECT c.*, lag(c.xid) OVER w AS before, lead(c.xid) OVER w AS after,
		lag(c.ordinal) OVER (PARTITION BY c.xid ORDER BY c.ordinality) AS ordinal_before
	FROM lockstep.changes(since, upto) WITH ORDINALITY AS c WINDOW w AS (ORDER BY c.ordinality);
	RETURN QUERY SELECT 'numbers are unique', min(f.ordinality) FROM feed f GROUP BY f.seq HAVING count(*) > 1;
	RETURN QUERY SELECT 'transactions are whole', min(f.ordinality) FROM feed f GROUP BY f.xid
		HAVING max(f.ordinality) - min(f.ordinality) + 1 <> count(*);
	RETURN QUERY SELECT 'the last change of a transaction, and no other, has a position', f.ordinality FROM feed f
		WHERE (f.position IS NOT NULL) <> (f.after IS DISTINCT FROM f.xid);
	RETURN QUERY SELECT 'ordinals do not descend in a transaction', f.ordinality FROM feed f WHERE f.ordinal < f.ordinal_before;
	RETURN QUERY SELECT 'since does not see what it is given', f.ordinality FROM feed f WHERE lockstep.sees(since, f.xid);
	RETURN QUERY SELECT 'upto sees what it is given', f.ordinality FROM feed f WHERE NOT lockstep.sees(upto, f.xid);
	RETURN QUERY SELECT 'a position sees the transactions up to it, and none after', min(p.ordinality)
		FROM feed p CROSS JOIN feed f WHERE p.position IS NOT NULL AND f.position IS NOT NULL
			AND lockstep.sees(p.position, f.xid) <> (f.ordinality <= p.ordinality)
		HAVING count(*) > 0;
	RETURN QUERY SELECT 'positions grow', p.ordinality
		FROM (SELECT f.ordinality, f.position AS place, lag(f.position, 1, since) OVER (ORDER BY f.ordinality) AS before
			FROM feed f WHERE f.position IS NOT NULL) p
		WHERE NOT lockstep.covers(p.place, p.before) OR lockstep.covers(p.before, p.place);
	-- Page by page is the same as at once.
	FOR size IN SELECT unnest(ARRAY[1, 3]) LOOP
		paged := '{}';
		place := since;
		LOOP
			SELECT array_agg(c.seq ORDER BY c.ordinality) AS seqs,
				(array_agg(c.position ORDER BY c.ordinality DESC))[1] AS last,
				count(*) - count(*) FILTER (WHERE c.xid = (SELECT l.xid FROM feed l WHERE l.seq = c.seq)) AS strange
			INTO page FROM lockstep.changes(place, upto, size) WITH ORDINALITY AS c;
			EXIT WHEN page.seqs IS NULL OR cardinality(paged) > cardinality(whole);
			paged := paged || page.seqs;
			place := page.last;
		END LOOP;
		IF paged <> whole THEN
			promise := format('pages of %s are the whole', size);
			change := NULL;
			RETURN NEXT;
		END IF;
	END LOOP;
END
$$;
