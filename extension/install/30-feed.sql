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

CREATE FUNCTION lockstep.as_json(value jsonb) RETURNS json
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_as_json';
COMMENT ON FUNCTION lockstep.as_json(jsonb) IS 'the value as json, letter by letter as jsonb is written: what is to be sent is ready much sooner';
