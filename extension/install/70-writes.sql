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
