-- Version vectors: for data that is edited in more than one database. No other part needs this one; the upgrade takes it as a whole.

CREATE TYPE lockstep.version_vector;

CREATE FUNCTION lockstep.version_vector_in(cstring) RETURNS lockstep.version_vector
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_version_vector_in';
COMMENT ON FUNCTION lockstep.version_vector_in(cstring) IS 'input';

CREATE FUNCTION lockstep.version_vector_out(lockstep.version_vector) RETURNS cstring
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_version_vector_out';
COMMENT ON FUNCTION lockstep.version_vector_out(lockstep.version_vector) IS 'output';

-- Names are in the client's encoding there, so these two are not immutable.
CREATE FUNCTION lockstep.version_vector_recv(internal) RETURNS lockstep.version_vector
	LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_version_vector_recv';
COMMENT ON FUNCTION lockstep.version_vector_recv(internal) IS 'binary input';

CREATE FUNCTION lockstep.version_vector_send(lockstep.version_vector) RETURNS bytea
	LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_version_vector_send';
COMMENT ON FUNCTION lockstep.version_vector_send(lockstep.version_vector) IS 'binary output';

CREATE TYPE lockstep.version_vector (
	INPUT = lockstep.version_vector_in,
	OUTPUT = lockstep.version_vector_out,
	RECEIVE = lockstep.version_vector_recv,
	SEND = lockstep.version_vector_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = extended
);
COMMENT ON TYPE lockstep.version_vector IS 'how many edits of each node a copy of data includes';

CREATE FUNCTION lockstep.version_vector_from_jsonb(jsonb) RETURNS lockstep.version_vector
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_version_vector_from_jsonb';
COMMENT ON FUNCTION lockstep.version_vector_from_jsonb(jsonb) IS 'implementation of the cast from jsonb';

CREATE FUNCTION lockstep.version_vector_to_jsonb(lockstep.version_vector) RETURNS jsonb
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_version_vector_to_jsonb';
COMMENT ON FUNCTION lockstep.version_vector_to_jsonb(lockstep.version_vector) IS 'implementation of the cast to jsonb';

CREATE CAST (jsonb AS lockstep.version_vector) WITH FUNCTION lockstep.version_vector_from_jsonb(jsonb);
COMMENT ON CAST (jsonb AS lockstep.version_vector) IS 'an object of whole numbers, by the names of nodes';
CREATE CAST (lockstep.version_vector AS jsonb) WITH FUNCTION lockstep.version_vector_to_jsonb(lockstep.version_vector);
COMMENT ON CAST (lockstep.version_vector AS jsonb) IS 'an object of whole numbers, by the names of nodes';

-- What people call.

CREATE FUNCTION lockstep.compare(one lockstep.version_vector, other lockstep.version_vector) RETURNS text
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_version_vector_compare';
COMMENT ON FUNCTION lockstep.compare(lockstep.version_vector, lockstep.version_vector) IS
	'how the one stands to the other: before, equal, after or concurrent';

CREATE FUNCTION lockstep.is_concurrent(one lockstep.version_vector, other lockstep.version_vector) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_version_vector_is_concurrent';
COMMENT ON FUNCTION lockstep.is_concurrent(lockstep.version_vector, lockstep.version_vector) IS
	'does each include edits that the other lacks?';

CREATE FUNCTION lockstep.merge(one lockstep.version_vector, other lockstep.version_vector) RETURNS lockstep.version_vector
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_version_vector_merge';
COMMENT ON FUNCTION lockstep.merge(lockstep.version_vector, lockstep.version_vector) IS 'the least vector that includes both';

CREATE AGGREGATE lockstep.merge_all(vectors lockstep.version_vector) (
	SFUNC = lockstep.merge,
	STYPE = lockstep.version_vector,
	COMBINEFUNC = lockstep.merge,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE lockstep.merge_all(lockstep.version_vector) IS 'the least vector that includes all';

CREATE FUNCTION lockstep.advance(vector lockstep.version_vector, node text) RETURNS lockstep.version_vector
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_version_vector_advance';
COMMENT ON FUNCTION lockstep.advance(lockstep.version_vector, text) IS 'the vector after one more edit of the node';

CREATE FUNCTION lockstep.counter(vector lockstep.version_vector, node text) RETURNS bigint
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_version_vector_counter';
COMMENT ON FUNCTION lockstep.counter(lockstep.version_vector, text) IS 'how many edits of the node the vector includes';

-- The partial order. "=" and "<>" are the only two of which one is the other's negation.

CREATE FUNCTION lockstep.version_vector_eq(lockstep.version_vector, lockstep.version_vector) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_version_vector_eq';
COMMENT ON FUNCTION lockstep.version_vector_eq(lockstep.version_vector, lockstep.version_vector) IS 'implementation of = operator';
CREATE OPERATOR lockstep.= (
	LEFTARG = lockstep.version_vector, RIGHTARG = lockstep.version_vector, FUNCTION = lockstep.version_vector_eq,
	COMMUTATOR = OPERATOR(lockstep.=), NEGATOR = OPERATOR(lockstep.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR lockstep.= (lockstep.version_vector, lockstep.version_vector) IS 'both include the same edits';

CREATE FUNCTION lockstep.version_vector_ne(lockstep.version_vector, lockstep.version_vector) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_version_vector_ne';
COMMENT ON FUNCTION lockstep.version_vector_ne(lockstep.version_vector, lockstep.version_vector) IS 'implementation of <> operator';
CREATE OPERATOR lockstep.<> (
	LEFTARG = lockstep.version_vector, RIGHTARG = lockstep.version_vector, FUNCTION = lockstep.version_vector_ne,
	COMMUTATOR = OPERATOR(lockstep.<>), NEGATOR = OPERATOR(lockstep.=), RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR lockstep.<> (lockstep.version_vector, lockstep.version_vector) IS 'one includes edits that the other lacks';

CREATE FUNCTION lockstep.version_vector_le(lockstep.version_vector, lockstep.version_vector) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_version_vector_le';
COMMENT ON FUNCTION lockstep.version_vector_le(lockstep.version_vector, lockstep.version_vector) IS 'implementation of <= operator';
CREATE OPERATOR lockstep.<= (
	LEFTARG = lockstep.version_vector, RIGHTARG = lockstep.version_vector, FUNCTION = lockstep.version_vector_le,
	COMMUTATOR = OPERATOR(lockstep.>=), RESTRICT = matchingsel, JOIN = matchingjoinsel
);
COMMENT ON OPERATOR lockstep.<= (lockstep.version_vector, lockstep.version_vector) IS 'the right one includes all edits of the left one';

CREATE FUNCTION lockstep.version_vector_lt(lockstep.version_vector, lockstep.version_vector) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_version_vector_lt';
COMMENT ON FUNCTION lockstep.version_vector_lt(lockstep.version_vector, lockstep.version_vector) IS 'implementation of < operator';
CREATE OPERATOR lockstep.< (
	LEFTARG = lockstep.version_vector, RIGHTARG = lockstep.version_vector, FUNCTION = lockstep.version_vector_lt,
	COMMUTATOR = OPERATOR(lockstep.>), RESTRICT = matchingsel, JOIN = matchingjoinsel
);
COMMENT ON OPERATOR lockstep.< (lockstep.version_vector, lockstep.version_vector) IS 'the right one includes all edits of the left one, and more';

CREATE FUNCTION lockstep.version_vector_ge(lockstep.version_vector, lockstep.version_vector) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_version_vector_ge';
COMMENT ON FUNCTION lockstep.version_vector_ge(lockstep.version_vector, lockstep.version_vector) IS 'implementation of >= operator';
CREATE OPERATOR lockstep.>= (
	LEFTARG = lockstep.version_vector, RIGHTARG = lockstep.version_vector, FUNCTION = lockstep.version_vector_ge,
	COMMUTATOR = OPERATOR(lockstep.<=), RESTRICT = matchingsel, JOIN = matchingjoinsel
);
COMMENT ON OPERATOR lockstep.>= (lockstep.version_vector, lockstep.version_vector) IS 'the left one includes all edits of the right one';

CREATE FUNCTION lockstep.version_vector_gt(lockstep.version_vector, lockstep.version_vector) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_version_vector_gt';
COMMENT ON FUNCTION lockstep.version_vector_gt(lockstep.version_vector, lockstep.version_vector) IS 'implementation of > operator';
CREATE OPERATOR lockstep.> (
	LEFTARG = lockstep.version_vector, RIGHTARG = lockstep.version_vector, FUNCTION = lockstep.version_vector_gt,
	COMMUTATOR = OPERATOR(lockstep.<), RESTRICT = matchingsel, JOIN = matchingjoinsel
);
COMMENT ON OPERATOR lockstep.> (lockstep.version_vector, lockstep.version_vector) IS 'the left one includes all edits of the right one, and more';

CREATE OPERATOR lockstep.|| (
	LEFTARG = lockstep.version_vector, RIGHTARG = lockstep.version_vector, FUNCTION = lockstep.is_concurrent,
	COMMUTATOR = OPERATOR(lockstep.||), RESTRICT = matchingsel, JOIN = matchingjoinsel
);
COMMENT ON OPERATOR lockstep.|| (lockstep.version_vector, lockstep.version_vector) IS 'each includes edits that the other lacks';

-- A total order that extends the partial one, for sorting and btree indexes alone. Its operators have other names, as those of
-- record_image_ops and text_pattern_ops do.

CREATE FUNCTION lockstep.version_vector_sort_le(lockstep.version_vector, lockstep.version_vector) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_version_vector_sort_le';
COMMENT ON FUNCTION lockstep.version_vector_sort_le(lockstep.version_vector, lockstep.version_vector) IS 'implementation of *<= operator';
CREATE OPERATOR lockstep.*<= (
	LEFTARG = lockstep.version_vector, RIGHTARG = lockstep.version_vector, FUNCTION = lockstep.version_vector_sort_le,
	COMMUTATOR = OPERATOR(lockstep.*>=), NEGATOR = OPERATOR(lockstep.*>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR lockstep.*<= (lockstep.version_vector, lockstep.version_vector) IS 'the left one is sorted before the right one, or is equal';

CREATE FUNCTION lockstep.version_vector_sort_lt(lockstep.version_vector, lockstep.version_vector) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_version_vector_sort_lt';
COMMENT ON FUNCTION lockstep.version_vector_sort_lt(lockstep.version_vector, lockstep.version_vector) IS 'implementation of *< operator';
CREATE OPERATOR lockstep.*< (
	LEFTARG = lockstep.version_vector, RIGHTARG = lockstep.version_vector, FUNCTION = lockstep.version_vector_sort_lt,
	COMMUTATOR = OPERATOR(lockstep.*>), NEGATOR = OPERATOR(lockstep.*>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR lockstep.*< (lockstep.version_vector, lockstep.version_vector) IS 'the left one is sorted before the right one';

CREATE FUNCTION lockstep.version_vector_sort_ge(lockstep.version_vector, lockstep.version_vector) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_version_vector_sort_ge';
COMMENT ON FUNCTION lockstep.version_vector_sort_ge(lockstep.version_vector, lockstep.version_vector) IS 'implementation of *>= operator';
CREATE OPERATOR lockstep.*>= (
	LEFTARG = lockstep.version_vector, RIGHTARG = lockstep.version_vector, FUNCTION = lockstep.version_vector_sort_ge,
	COMMUTATOR = OPERATOR(lockstep.*<=), NEGATOR = OPERATOR(lockstep.*<), RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR lockstep.*>= (lockstep.version_vector, lockstep.version_vector) IS 'the left one is sorted after the right one, or is equal';

CREATE FUNCTION lockstep.version_vector_sort_gt(lockstep.version_vector, lockstep.version_vector) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_version_vector_sort_gt';
COMMENT ON FUNCTION lockstep.version_vector_sort_gt(lockstep.version_vector, lockstep.version_vector) IS 'implementation of *> operator';
CREATE OPERATOR lockstep.*> (
	LEFTARG = lockstep.version_vector, RIGHTARG = lockstep.version_vector, FUNCTION = lockstep.version_vector_sort_gt,
	COMMUTATOR = OPERATOR(lockstep.*<), NEGATOR = OPERATOR(lockstep.*<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR lockstep.*> (lockstep.version_vector, lockstep.version_vector) IS 'the left one is sorted after the right one';

CREATE FUNCTION lockstep.version_vector_sort_order(lockstep.version_vector, lockstep.version_vector) RETURNS integer
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_version_vector_sort_order';
COMMENT ON FUNCTION lockstep.version_vector_sort_order(lockstep.version_vector, lockstep.version_vector) IS 'implementation of the order for sorting';

CREATE OPERATOR FAMILY lockstep.version_vector_ops USING btree;
COMMENT ON OPERATOR FAMILY lockstep.version_vector_ops USING btree IS 'the order for sorting';
CREATE OPERATOR CLASS lockstep.version_vector_ops DEFAULT FOR TYPE lockstep.version_vector USING btree FAMILY lockstep.version_vector_ops AS
	OPERATOR 1 lockstep.*<,
	OPERATOR 2 lockstep.*<=,
	OPERATOR 3 lockstep.=,
	OPERATOR 4 lockstep.*>=,
	OPERATOR 5 lockstep.*>,
	FUNCTION 1 lockstep.version_vector_sort_order(lockstep.version_vector, lockstep.version_vector),
	-- Equal vectors are equal bytes.
	FUNCTION 4 pg_catalog.btequalimage(oid);
COMMENT ON OPERATOR CLASS lockstep.version_vector_ops USING btree IS 'the order for sorting';

CREATE FUNCTION lockstep.version_vector_hash(lockstep.version_vector) RETURNS integer
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_version_vector_hash';
COMMENT ON FUNCTION lockstep.version_vector_hash(lockstep.version_vector) IS 'implementation of hashing';

CREATE FUNCTION lockstep.version_vector_hash_extended(lockstep.version_vector, bigint) RETURNS bigint
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_version_vector_hash_extended';
COMMENT ON FUNCTION lockstep.version_vector_hash_extended(lockstep.version_vector, bigint) IS 'implementation of hashing';

CREATE OPERATOR FAMILY lockstep.version_vector_ops USING hash;
COMMENT ON OPERATOR FAMILY lockstep.version_vector_ops USING hash IS 'hashing';
CREATE OPERATOR CLASS lockstep.version_vector_ops DEFAULT FOR TYPE lockstep.version_vector USING hash FAMILY lockstep.version_vector_ops AS
	OPERATOR 1 lockstep.=,
	FUNCTION 1 lockstep.version_vector_hash(lockstep.version_vector),
	FUNCTION 2 lockstep.version_vector_hash_extended(lockstep.version_vector, bigint);
COMMENT ON OPERATOR CLASS lockstep.version_vector_ops USING hash IS 'hashing';
