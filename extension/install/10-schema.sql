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
