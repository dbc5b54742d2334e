-- LS001 and LS005: message, DETAIL and HINT.
SET client_min_messages = warning;
CREATE TABLE orders (id integer PRIMARY KEY, status text, note text, amount numeric, secret text);
SELECT lockstep.track('orders', exclude_columns => '{secret}');
INSERT INTO orders (id, status, row_version, secret) VALUES (42, 'new', 6, 'hidden');
SET lockstep.actor = 'ann';
UPDATE orders SET note = 'n' WHERE id = 42;
SET lockstep.actor = 'bob';
UPDATE orders SET status = 'open' WHERE id = 42;
UPDATE orders SET status = 'shipped', secret = 'also hidden' WHERE id = 42;
RESET lockstep.actor;

-- The example of the documentation.
SELECT test.try('UPDATE orders SET status = ''done'', row_version = 7 WHERE id = 42');
-- What changed since: newest change first, each column once. Who and when: of the last change.
SELECT test.try('UPDATE orders SET status = ''done'', row_version = 6 WHERE id = 42');
SET lockstep.actor = 'ann';
UPDATE orders SET note = 'm', amount = 5 WHERE id = 42;
SELECT test.try('UPDATE orders SET status = ''done'', row_version = 7 WHERE id = 42');
SELECT test.try('UPDATE orders SET status = ''done'', row_version = 9 WHERE id = 42');
-- A column that is excluded is not named, as the log does not know of it.
UPDATE orders SET secret = 'x' WHERE id = 42;
SELECT test.try('UPDATE orders SET status = ''done'', row_version = 10 WHERE id = 42');
RESET lockstep.actor;
-- Without an actor: the session user.
UPDATE orders SET amount = NULL WHERE id = 42;
SELECT outcome LIKE format('LS001: record 42 of "orders" was changed by %s since it was read: version 11 was expected, 12 is current', session_user)
	OR outcome LIKE format('DETAIL: %%"changed_by": "%s"%%', session_user) AS "names the session user"
FROM test.try('UPDATE orders SET status = ''done'', row_version = 11 WHERE id = 42') WHERE outcome NOT LIKE 'HINT%';
SET lockstep.actor = 'fay';
UPDATE orders SET amount = 6 WHERE id = 42;
RESET lockstep.actor;
-- A check that changes nothing is refused alike.
SELECT test.try('UPDATE orders SET row_version = 9 WHERE id = 42');
-- A version from before the row's life, or before the log's: everything since is told.
SELECT test.try('UPDATE orders SET row_version = 2 WHERE id = 42');

-- Where the log does not know: a row from before it was tracked.
CREATE TABLE old (id integer PRIMARY KEY, status text, row_version bigint);
INSERT INTO old VALUES (1, 'open', 5);
SELECT lockstep.track('old');
SELECT test.try('UPDATE old SET status = ''done'', row_version = 4');
-- Changed while it was not tracked.
SET lockstep.actor = 'hal';
UPDATE old SET status = 'a';
RESET lockstep.actor;
SELECT lockstep.untrack('old');
UPDATE old SET row_version = 9, status = 'b';
SELECT lockstep.track('old');
SELECT test.try('UPDATE old SET status = ''done'', row_version = 8');
-- The log knows of version 6, but the last change was another.
SELECT test.try('UPDATE old SET status = ''done'', row_version = 5');

-- A change of this very transaction counts, and is not put down to whoever came before.
BEGIN;
SET LOCAL lockstep.actor = 'gil';
UPDATE orders SET status = 'mine' WHERE id = 42 RETURNING row_version AS "14";
SELECT test.code('UPDATE orders SET status = ''done'', row_version = 13 WHERE id = 42');
SELECT 'put down to fay' AS wrong FROM test.try('UPDATE orders SET status = ''done'', row_version = 12 WHERE id = 42')
WHERE outcome LIKE 'DETAIL: %"changed_by": "fay"%';
ROLLBACK;

-- Keys of several columns, text keys, names that need quotes, names in other schemas.
CREATE SCHEMA "Shop's";
CREATE TABLE "Shop's"."Order ""Lines""" ("Order" text, line integer, "No." text, "Version" integer NOT NULL DEFAULT 3, PRIMARY KEY ("Order", line));
SELECT lockstep.track('"Shop''s"."Order ""Lines"""', version_column => 'Version');
SET lockstep.actor = 'eve "the" \admin';
INSERT INTO "Shop's"."Order ""Lines""" VALUES ('A "1"', 2, 'x');
UPDATE "Shop's"."Order ""Lines""" SET "No." = 'y';
SELECT test.try('UPDATE "Shop''s"."Order ""Lines""" SET "No." = ''z'', "Version" = 3');
RESET lockstep.actor;
CREATE TABLE people (name text PRIMARY KEY, born date);
SELECT lockstep.track('people');
INSERT INTO people VALUES ('Zoë', '1990-01-01');
UPDATE people SET born = '1991-01-01';
SET lockstep.actor = 'dan';
UPDATE people SET born = '1992-01-01';
SELECT test.try('UPDATE people SET born = NULL, row_version = 1');
-- A key that is changed is one of the columns that changed.
UPDATE people SET name = 'Chloë';
SELECT test.try('UPDATE people SET born = NULL, row_version = 3');
RESET lockstep.actor;

-- A version that never was.
SELECT test.try('UPDATE orders SET status = ''done'', row_version = 15 WHERE id = 42');
SELECT test.try('UPDATE "Shop''s"."Order ""Lines""" SET "No." = ''z'', "Version" = 2000000000');

-- Under row-level security a row that is hidden stays "0 rows".
CREATE ROLE regress_lockstep_clerk;
GRANT SELECT, UPDATE ON orders TO regress_lockstep_clerk;
GRANT USAGE ON SCHEMA test TO regress_lockstep_clerk;
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON orders USING (id < 10);
INSERT INTO orders (id, status) VALUES (1, 'open');
UPDATE orders SET status = 'a' WHERE id = 1;
SET ROLE regress_lockstep_clerk;
\set QUIET off
UPDATE orders SET status = 'done', row_version = 1 WHERE id = 42;
\set QUIET on
-- What can be seen is explained, to those too who may not read the log.
SELECT test.code('UPDATE orders SET status = ''done'', row_version = 1 WHERE id = 1');
UPDATE orders SET status = 'b', row_version = 2 WHERE id = 1 RETURNING row_version AS "3";
SELECT test.code('SELECT * FROM lockstep.change');
RESET ROLE;

DROP TABLE orders, old, people;
DROP SCHEMA "Shop's" CASCADE;
REVOKE USAGE ON SCHEMA test FROM regress_lockstep_clerk;
DROP ROLE regress_lockstep_clerk;

-- Of many rows, each changed by several people: each story is right, newest change first.
CREATE TABLE many (id integer PRIMARY KEY, a integer, b integer, c integer);
SELECT lockstep.track('many');
INSERT INTO many SELECT i FROM generate_series(1, 300) i;
SET lockstep.actor = 'ann';
UPDATE many SET a = 1;
SET lockstep.actor = 'bob';
UPDATE many SET b = 1;
SET lockstep.actor = 'cid';
UPDATE many SET c = 1;
RESET lockstep.actor;
DO $$
DECLARE
	story text;
	expected CONSTANT jsonb[] := ARRAY['["c", "b", "a"]', '["c", "b"]', '["c"]'];
BEGIN
	FOR i IN 1 .. 300 LOOP
		BEGIN
			UPDATE many SET row_version = i % 3 + 1 WHERE id = i;
			RAISE 'version % of row % was accepted', i % 3 + 1, i;
		EXCEPTION WHEN SQLSTATE 'LS001' THEN
			GET STACKED DIAGNOSTICS story = PG_EXCEPTION_DETAIL;
			IF story::jsonb ->> 'changed_by' IS DISTINCT FROM 'cid' OR story::jsonb -> 'columns' <> expected[i % 3 + 1] THEN
				RAISE 'the story of row %, expected at version %: %', i, i % 3 + 1, story::jsonb - 'changed_at';
			END IF;
		END;
	END LOOP;
END
$$;
DROP TABLE many;
