-- lockstep.track(): what it adds, with every argument.
SET client_min_messages = warning;
CREATE SCHEMA shop;
CREATE TABLE shop.orders (id integer PRIMARY KEY, status text);
INSERT INTO shop.orders VALUES (1, 'open'), (2, 'open');

CREATE FUNCTION pg_temp.columns(regclass) RETURNS TABLE (name name, type text, not_null boolean, "default" text) LANGUAGE sql AS $$
	SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
	FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
	WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum $$;
-- How many of each kind, and which of them fire for replicas too (A).
CREATE FUNCTION pg_temp.triggers(regclass) RETURNS TABLE (name name, level text, timing text, events text, enabled "char") LANGUAGE sql AS $$
	SELECT g.tgname, CASE WHEN g.tgtype & 1 <> 0 THEN 'row' ELSE 'statement' END,
		CASE WHEN g.tgtype & 2 <> 0 THEN 'before' ELSE 'after' END,
		concat_ws(' ', CASE WHEN g.tgtype & 4 <> 0 THEN 'insert' END, CASE WHEN g.tgtype & 16 <> 0 THEN 'update' END,
			CASE WHEN g.tgtype & 8 <> 0 THEN 'delete' END, CASE WHEN g.tgtype & 32 <> 0 THEN 'truncate' END), g.tgenabled
	FROM pg_trigger g WHERE g.tgrelid = $1 AND NOT g.tgisinternal ORDER BY g.tgname COLLATE "C" $$;

-- Nothing but the table: it gets a version column, and triggers that fire for replicas too. It is not rewritten.
SELECT pg_relation_filenode('shop.orders') AS filenode \gset
SELECT lockstep.track('shop.orders');
SELECT pg_relation_filenode('shop.orders') = :filenode AS "not rewritten";
SELECT * FROM pg_temp.columns('shop.orders');
SELECT * FROM pg_temp.triggers('shop.orders');
TABLE shop.orders ORDER BY id;
\x on
SELECT table_name, relid = 'shop.orders'::regclass AS same_relid, key_columns, version_column, conflict, style, unversioned, enforce_locks,
	exclude_columns, since BETWEEN now() - interval '10 min' AND now() AS "since now"
FROM lockstep.tracked WHERE relid = 'shop.orders'::regclass;
\x off

-- Every argument, all at once. A column that exists is used as it is.
CREATE TABLE shop."Order Lines" (order_id integer, line integer, "Lock" integer NOT NULL DEFAULT 5, secret text, note text, code uuid NOT NULL UNIQUE,
	PRIMARY KEY (order_id, line));
SELECT lockstep.track('shop."Order Lines"', conflict => 'reject', version_column => 'Lock', key_columns => '{code}',
	exclude_columns => '{secret,note}', delta_columns => '{}', uncounted_columns => '{}', style => 'auto', unversioned => 'allow',
	enforce_locks => false);
SELECT * FROM pg_temp.columns('shop."Order Lines"');
\x on
SELECT table_name, key_columns, version_column, conflict, style, unversioned, enforce_locks, exclude_columns
FROM lockstep.tracked WHERE relid = 'shop."Order Lines"'::regclass;
\x off

-- Key columns: the primary key in its own order …
CREATE TABLE shop.stock (shelf integer, article text, amount integer, PRIMARY KEY (article, shelf));
SELECT lockstep.track('shop.stock');
SELECT key_columns FROM lockstep.tracked WHERE relid = 'shop.stock'::regclass;
-- … a unique index in whatever order they are named, its INCLUDE columns not counted …
CREATE TABLE shop.people (name text NOT NULL, born date NOT NULL, nick text);
CREATE UNIQUE INDEX ON shop.people (name, born) INCLUDE (nick);
SELECT lockstep.track('shop.people', key_columns => '{born,name}');
SELECT key_columns FROM lockstep.tracked WHERE relid = 'shop.people'::regclass;
-- … or the primary key, named.
CREATE TABLE shop.named (id integer PRIMARY KEY);
SELECT lockstep.track('shop.named', key_columns => '{id}');
SELECT key_columns FROM lockstep.tracked WHERE relid = 'shop.named'::regclass;

-- A name of its own for the version column, which is added.
CREATE TABLE shop.renamed (id integer PRIMARY KEY);
SELECT lockstep.track('shop.renamed', version_column => 'Revision No.');
SELECT * FROM pg_temp.columns('shop.renamed');
INSERT INTO shop.renamed VALUES (1);
UPDATE shop.renamed SET id = 2;
TABLE shop.renamed;

-- A version column that may be NULL, or has no default, is left as it is.
CREATE TABLE shop.loose (id integer PRIMARY KEY, row_version bigint);
SELECT lockstep.track('shop.loose');
SELECT * FROM pg_temp.columns('shop.loose');

-- A partitioned table, with all its partitions.
CREATE TABLE shop.events (id integer, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE shop.events_1 PARTITION OF shop.events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE shop.events_2 PARTITION OF shop.events FOR VALUES FROM ('2026-02-01') TO ('2026-03-01') PARTITION BY LIST (id);
CREATE TABLE shop.events_2_a PARTITION OF shop.events_2 DEFAULT;
SELECT lockstep.track('shop.events');
SELECT table_name FROM lockstep.tracked WHERE table_name LIKE 'shop.events%';
SELECT t.relid, g.* FROM pg_partition_tree('shop.events') t, pg_temp.triggers(t.relid) g ORDER BY t.relid::text, g.name COLLATE "C";
SELECT column_name, table_name FROM information_schema.columns
WHERE table_schema = 'shop' AND table_name LIKE 'events%' AND column_name = 'row_version' ORDER BY table_name;

-- In a transaction that is rolled back nothing remains.
CREATE TABLE shop.undecided (id integer PRIMARY KEY);
BEGIN;
SELECT lockstep.track('shop.undecided');
INSERT INTO shop.undecided VALUES (1);
ROLLBACK;
SELECT * FROM pg_temp.columns('shop.undecided');
SELECT * FROM pg_temp.triggers('shop.undecided');
SELECT count(*) FROM lockstep.tracked WHERE relid = 'shop.undecided'::regclass;
INSERT INTO shop.undecided VALUES (1);

-- The owner need not be superuser, and needs nothing in schema lockstep; everybody may read the view.
CREATE ROLE regress_lockstep_owner;
CREATE ROLE regress_lockstep_reader;
GRANT CREATE, USAGE ON SCHEMA shop TO regress_lockstep_owner;
SET ROLE regress_lockstep_owner;
CREATE TABLE shop.owned (id integer PRIMARY KEY);
SELECT lockstep.track('shop.owned');
INSERT INTO shop.owned VALUES (1);
UPDATE shop.owned SET id = 3;
TABLE shop.owned;
SET ROLE regress_lockstep_reader;
SELECT table_name FROM lockstep.tracked WHERE table_name LIKE 'shop.o%' ORDER BY 1;
RESET ROLE;

-- A member of the owning role owns it as well.
CREATE ROLE regress_lockstep_member IN ROLE regress_lockstep_owner;
SET ROLE regress_lockstep_member;
SELECT lockstep.untrack('shop.owned');
SELECT lockstep.track('shop.owned');
RESET ROLE;

-- The caller's search path does not matter.
CREATE TABLE shop.quiet (id integer PRIMARY KEY);
SET search_path = shop;
SELECT lockstep.track('quiet');
SET search_path = '';
INSERT INTO shop.quiet VALUES (1);
UPDATE shop.quiet SET id = 2;
SELECT key_columns, table_name FROM lockstep.tracked WHERE table_name = 'shop.quiet';
TABLE shop.quiet;
RESET search_path;

DROP SCHEMA shop CASCADE;
SELECT count(*) FROM lockstep.tracked;
DROP ROLE regress_lockstep_member, regress_lockstep_owner, regress_lockstep_reader;
