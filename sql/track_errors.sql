-- What lockstep.track() refuses, and that a refusal changes nothing.
SET client_min_messages = warning;
CREATE SCHEMA shop;
CREATE TABLE shop.orders (id integer PRIMARY KEY, status text, code text NOT NULL, place text);

-- The whole catalogue as far as track() could have touched it.
CREATE FUNCTION pg_temp.state() RETURNS text LANGUAGE sql AS $$
	SELECT md5(concat(
		(SELECT string_agg(a::text, ',' ORDER BY a.attrelid, a.attnum) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
			WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND c.relnamespace <> 'pg_toast'::regnamespace AND a.attrelid >= 16384),
		(SELECT string_agg(g::text, ',' ORDER BY g.oid) FROM pg_trigger g),
		(SELECT string_agg(t::text, ',' ORDER BY t.relid) FROM lockstep.tracked t))) $$;
SELECT pg_temp.state() AS before \gset

-- NULLs.
SELECT test.try('SELECT lockstep.track(NULL)');
SELECT test.code('SELECT lockstep.track(''shop.orders'', conflict => NULL)');
SELECT test.try('SELECT lockstep.track(''shop.orders'', version_column => NULL)');
SELECT test.try('SELECT lockstep.track(''shop.orders'', exclude_columns => NULL)');
SELECT test.try('SELECT lockstep.track(''shop.orders'', exclude_columns => ''{NULL}'')');
SELECT test.try('SELECT lockstep.track(''shop.orders'', key_columns => ''{NULL}'')');
SELECT test.code('SELECT lockstep.track(''shop.orders'', delta_columns => NULL)');
SELECT test.code('SELECT lockstep.track(''shop.orders'', uncounted_columns => NULL)');
SELECT test.code('SELECT lockstep.track(''shop.orders'', style => NULL)');
SELECT test.code('SELECT lockstep.track(''shop.orders'', unversioned => NULL)');
SELECT test.try('SELECT lockstep.track(''shop.orders'', enforce_locks => NULL)');

-- Options this version does not know.
SELECT test.try('SELECT lockstep.track(''shop.orders'', conflict => ''merge'')');
SELECT test.try('SELECT lockstep.track(''shop.orders'', conflict => ''nonsense'')');
SELECT test.code('SELECT lockstep.track(''shop.orders'', delta_columns => ''{status}'')');
SELECT test.code('SELECT lockstep.track(''shop.orders'', uncounted_columns => ''{status}'')');
SELECT test.try('SELECT lockstep.track(''shop.orders'', style => ''counter'')');
SELECT test.try('SELECT lockstep.track(''shop.orders'', unversioned => ''reject'')');

-- No such table, no such column.
SELECT test.try('SELECT lockstep.track(''shop.nothing'')');
SELECT test.try('SELECT lockstep.track(0)');
SELECT test.try('SELECT lockstep.track(4294967295)');
SELECT test.try('SELECT lockstep.track(''shop.orders'', key_columns => ''{nothing}'')');
SELECT test.try('SELECT lockstep.track(''shop.orders'', exclude_columns => ''{status,nothing}'')');
SELECT test.try('SELECT lockstep.track(''shop.orders'', exclude_columns => ''{ctid}'')');

-- Columns that cannot be left out.
SELECT test.try('SELECT lockstep.track(''shop.orders'', exclude_columns => ''{id}'')');
SELECT pg_temp.state() = :'before' AS unchanged;
CREATE TABLE shop.versioned (id integer PRIMARY KEY, row_version bigint NOT NULL DEFAULT 1);
SELECT pg_temp.state() AS before \gset
SELECT test.try('SELECT lockstep.track(''shop.versioned'', exclude_columns => ''{row_version}'')');
SELECT test.try('SELECT lockstep.track(''shop.versioned'', version_column => ''id'')');
SELECT test.try('SELECT lockstep.track(''shop.orders'', version_column => '''')');
SELECT test.try('SELECT lockstep.track(''shop.orders'', version_column => ''ctid'')');

SELECT pg_temp.state() = :'before' AS unchanged;
-- Keys that identify no row: no primary key …
CREATE TABLE shop.keyless (id integer NOT NULL, code text NOT NULL, place text, valid boolean);
-- … partial, deferrable, over an expression, not of exactly these columns, or with NULLs.
CREATE UNIQUE INDEX ON shop.keyless (id) WHERE valid;
CREATE UNIQUE INDEX ON shop.keyless (code, place);
CREATE UNIQUE INDEX ON shop.keyless (lower(code));
ALTER TABLE shop.keyless ADD UNIQUE (id, code) DEFERRABLE;
CREATE INDEX ON shop.keyless (code);
SELECT pg_temp.state() AS before \gset
SELECT test.try('SELECT lockstep.track(''shop.keyless'')');
SELECT test.try('SELECT lockstep.track(''shop.keyless'', key_columns => ''{id}'')');
SELECT test.try('SELECT lockstep.track(''shop.keyless'', key_columns => ''{code,place}'')');
SELECT test.try('SELECT lockstep.track(''shop.keyless'', key_columns => ''{code}'')');
SELECT test.try('SELECT lockstep.track(''shop.keyless'', key_columns => ''{id,code}'')');
SELECT test.try('SELECT lockstep.track(''shop.keyless'', key_columns => ''{}'')');
SELECT test.try('SELECT lockstep.track(''shop.orders'', key_columns => ''{id,status}'')');
SELECT pg_temp.state() = :'before' AS unchanged;
CREATE TABLE shop.deferred (id integer PRIMARY KEY DEFERRABLE);
SELECT pg_temp.state() AS before \gset
SELECT test.code('SELECT lockstep.track(''shop.deferred'')');

SELECT pg_temp.state() = :'before' AS unchanged;
-- The version column has another type, or is one that cannot be counted up.
SELECT test.try('SELECT lockstep.track(''shop.orders'', version_column => ''status'')');
CREATE TABLE shop.small (id integer PRIMARY KEY, row_version smallint);
CREATE TABLE shop.textual (id integer PRIMARY KEY, row_version text);
CREATE TABLE shop.exact (id integer PRIMARY KEY, row_version numeric);
CREATE DOMAIN shop.counter AS bigint;
CREATE TABLE shop.of_domain (id integer PRIMARY KEY, row_version shop.counter);
CREATE TABLE shop.calculated (id integer PRIMARY KEY, row_version bigint GENERATED ALWAYS AS (id + 1) STORED);
CREATE TABLE shop.identified (id integer PRIMARY KEY, row_version bigint GENERATED ALWAYS AS IDENTITY);
SELECT pg_temp.state() AS before \gset
SELECT test.try('SELECT lockstep.track(''shop.small'')');
SELECT test.try('SELECT lockstep.track(''shop.textual'')');
SELECT test.try('SELECT lockstep.track(''shop.exact'')');
SELECT test.try('SELECT lockstep.track(''shop.of_domain'')');
SELECT test.try('SELECT lockstep.track(''shop.calculated'')');
SELECT test.try('SELECT lockstep.track(''shop.identified'')');

SELECT pg_temp.state() = :'before' AS unchanged;
-- What is no table that can be tracked.
CREATE VIEW shop.a_view AS SELECT * FROM shop.orders;
CREATE MATERIALIZED VIEW shop.a_matview AS SELECT * FROM shop.orders;
CREATE SEQUENCE shop.a_sequence;
CREATE INDEX an_index ON shop.orders (status);
CREATE TYPE shop.a_type AS (id integer);
CREATE TEMP TABLE a_temp (id integer PRIMARY KEY);
CREATE UNLOGGED TABLE shop.unlogged (id integer PRIMARY KEY);
CREATE FOREIGN DATA WRAPPER regress_lockstep_fdw;
CREATE SERVER regress_lockstep_server FOREIGN DATA WRAPPER regress_lockstep_fdw;
CREATE FOREIGN TABLE shop.a_foreign (id integer) SERVER regress_lockstep_server;
CREATE TABLE shop.parted (id integer PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE shop.parted_1 PARTITION OF shop.parted FOR VALUES FROM (1) TO (100);
CREATE TABLE shop.mixed (id integer PRIMARY KEY) PARTITION BY RANGE (id);
CREATE UNLOGGED TABLE shop.mixed_1 PARTITION OF shop.mixed FOR VALUES FROM (1) TO (100);
CREATE TABLE shop.parent (id integer PRIMARY KEY);
CREATE TABLE shop.child (PRIMARY KEY (id)) INHERITS (shop.parent);
SELECT pg_temp.state() AS before \gset
SELECT test.try('SELECT lockstep.track(''shop.a_view'')');
SELECT test.try('SELECT lockstep.track(''shop.a_matview'')');
SELECT test.try('SELECT lockstep.track(''shop.a_sequence'')');
SELECT test.try('SELECT lockstep.track(''shop.an_index'')');
SELECT test.try('SELECT lockstep.track(''shop.a_type'')');
SELECT test.try('SELECT lockstep.track(''pg_temp.a_temp'')');
SELECT test.try('SELECT lockstep.track(''shop.unlogged'')');
SELECT test.try('SELECT lockstep.track(''shop.a_foreign'')');
SELECT test.try('SELECT lockstep.track(''shop.parted_1'')');
SELECT test.code('SELECT lockstep.track(''shop.mixed'')');
SELECT test.try('SELECT lockstep.track(''shop.parent'')');
SELECT test.try('SELECT lockstep.track(''shop.child'')');
SELECT test.try('SELECT lockstep.track(''pg_class'')');
SELECT test.try('SELECT lockstep.track(''lockstep.mutation'')');
SELECT test.try('SELECT lockstep.track(''lockstep.change'')');

-- Not the owner: neither who may write to the table, nor a member of lockstep_bridge.
CREATE ROLE regress_lockstep_writer IN ROLE lockstep_bridge;
GRANT USAGE ON SCHEMA shop, test TO regress_lockstep_writer;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES ON ALL TABLES IN SCHEMA shop TO regress_lockstep_writer;
SET ROLE regress_lockstep_writer;
SELECT test.try('SELECT lockstep.track(''shop.orders'')');
SELECT test.try('SELECT lockstep.track(''shop.parted'')');
SELECT test.try('INSERT INTO lockstep.tracked_table VALUES (''shop.orders'', ''{id}'', ''status'', ''{}'', ''{}'')');
SELECT test.try('CREATE TRIGGER mine AFTER INSERT ON shop.orders FOR EACH ROW EXECUTE FUNCTION lockstep.log()');
RESET ROLE;

-- Nothing of all this left a trace.
SELECT pg_temp.state() = :'before' AS unchanged;
SELECT count(*) FROM lockstep.tracked;

-- The trigger functions refuse to work where track() did not put them.
CREATE TABLE shop.stray (id integer PRIMARY KEY, row_version bigint NOT NULL DEFAULT 1);
CREATE TRIGGER mine AFTER INSERT ON shop.stray FOR EACH ROW EXECUTE FUNCTION lockstep.log();
SELECT test.try('INSERT INTO shop.stray VALUES (1)');
DROP TRIGGER mine ON shop.stray;
INSERT INTO shop.stray VALUES (1);
CREATE TRIGGER mine BEFORE UPDATE ON shop.stray FOR EACH ROW EXECUTE FUNCTION lockstep.guard();
SELECT test.try('UPDATE shop.stray SET id = 2');
DROP TRIGGER mine ON shop.stray;
CREATE TRIGGER mine AFTER TRUNCATE ON shop.stray EXECUTE FUNCTION lockstep.log_truncate();
SELECT test.try('TRUNCATE shop.stray');
SELECT test.try('SELECT lockstep.log()');

-- Already tracked.
SELECT lockstep.track('shop.orders');
SELECT pg_temp.state() AS before \gset
SELECT test.try('SELECT lockstep.track(''shop.orders'')');
SELECT test.try('SELECT lockstep.track(''shop.orders'', exclude_columns => ''{status}'')');
SELECT pg_temp.state() = :'before' AS unchanged;

DROP SCHEMA shop CASCADE;
DROP TABLE a_temp;
DROP SERVER regress_lockstep_server CASCADE;
DROP FOREIGN DATA WRAPPER regress_lockstep_fdw;
REVOKE USAGE ON SCHEMA test FROM regress_lockstep_writer;
DROP ROLE regress_lockstep_writer;
SELECT count(*) FROM lockstep.tracked;

-- A list of columns is plain, and names each once.
CREATE TABLE listed (id integer PRIMARY KEY, s text);
SELECT test.try('SELECT lockstep.track(''listed'', key_columns => ''{id,id}'')');
SELECT test.try('SELECT lockstep.track(''listed'', exclude_columns => ''{s,s}'')');
SELECT test.code('SELECT lockstep.track(''listed'', key_columns => ''{{id}}'')');
-- A second log trigger would log everything twice.
SELECT lockstep.track('listed', exclude_columns => '{s}');
CREATE TRIGGER mine AFTER INSERT ON listed FOR EACH ROW EXECUTE FUNCTION lockstep.log();
SELECT test.try('INSERT INTO listed VALUES (1)');
DROP TRIGGER mine ON listed;
-- An excluded column that is dropped is forgotten: a later one of its name is another.
ALTER TABLE listed DROP COLUMN s;
ALTER TABLE listed ADD COLUMN s text;
SELECT exclude_columns FROM lockstep.tracked WHERE table_name = 'public.listed';
DROP TABLE listed;
