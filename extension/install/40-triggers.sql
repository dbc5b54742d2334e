-- The trigger functions. They can be attached only by a table's owner, and refuse to work on a table that is not tracked.

CREATE FUNCTION lockstep.guard() RETURNS trigger
	LANGUAGE C AS 'MODULE_PATHNAME', 'lockstep_guard';
COMMENT ON FUNCTION lockstep.guard() IS 'trigger: checks and advances the version of a row that is updated';

CREATE FUNCTION lockstep.log() RETURNS trigger
	LANGUAGE C AS 'MODULE_PATHNAME', 'lockstep_log';
COMMENT ON FUNCTION lockstep.log() IS 'trigger: puts a row''s change into the log';

CREATE FUNCTION lockstep.log_truncate() RETURNS trigger
	LANGUAGE C AS 'MODULE_PATHNAME', 'lockstep_log_truncate';
COMMENT ON FUNCTION lockstep.log_truncate() IS 'trigger: puts a TRUNCATE into the log';
