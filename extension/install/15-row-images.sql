-- How the log stores rows: extension/row_image.hpp has the form. What an image says never changes, as shapes do not: so all is immutable.

CREATE TYPE lockstep.row_image;

CREATE FUNCTION lockstep.row_image_in(cstring) RETURNS lockstep.row_image
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_row_image_in';
COMMENT ON FUNCTION lockstep.row_image_in(cstring) IS 'input';

CREATE FUNCTION lockstep.row_image_out(lockstep.row_image) RETURNS cstring
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_row_image_out';
COMMENT ON FUNCTION lockstep.row_image_out(lockstep.row_image) IS 'output';

CREATE FUNCTION lockstep.row_image_recv(internal) RETURNS lockstep.row_image
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_row_image_recv';
COMMENT ON FUNCTION lockstep.row_image_recv(internal) IS 'internal: binary input, as of jsonb';

CREATE FUNCTION lockstep.row_image_send(lockstep.row_image) RETURNS bytea
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_row_image_send';
COMMENT ON FUNCTION lockstep.row_image_send(lockstep.row_image) IS 'internal: binary output, as of jsonb';

CREATE TYPE lockstep.row_image (
	INPUT = lockstep.row_image_in,
	OUTPUT = lockstep.row_image_out,
	RECEIVE = lockstep.row_image_recv,
	SEND = lockstep.row_image_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = extended
);
COMMENT ON TYPE lockstep.row_image IS 'columns of a row with their values, as the log stores them; reads and casts as a JSON object';

CREATE FUNCTION lockstep.row_image_to_jsonb(lockstep.row_image) RETURNS jsonb
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_row_image_to_jsonb';
COMMENT ON FUNCTION lockstep.row_image_to_jsonb(lockstep.row_image) IS 'internal: the cast to jsonb';
CREATE CAST (lockstep.row_image AS jsonb) WITH FUNCTION lockstep.row_image_to_jsonb(lockstep.row_image) AS IMPLICIT;
COMMENT ON CAST (lockstep.row_image AS jsonb) IS 'the object that a row image stands for';

CREATE FUNCTION lockstep.row_image_of_jsonb(jsonb) RETURNS lockstep.row_image
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lockstep_row_image_of_jsonb';
COMMENT ON FUNCTION lockstep.row_image_of_jsonb(jsonb) IS 'internal: the cast from jsonb';
CREATE CAST (jsonb AS lockstep.row_image) WITH FUNCTION lockstep.row_image_of_jsonb(jsonb) AS ASSIGNMENT;
COMMENT ON CAST (jsonb AS lockstep.row_image) IS 'an object as a row image that names its columns itself';
