-- Who did it: lockstep.actor, lockstep.client, lockstep.reason as they stand when the row is changed.
SET client_min_messages = warning;
CREATE TABLE t (id integer PRIMARY KEY, v integer);
SELECT lockstep.track('t');
CREATE FUNCTION pg_temp.who(since lockstep.position) RETURNS TABLE (key jsonb, actor text, client text, reason text, verified boolean) LANGUAGE sql AS $$
	SELECT c.key, CASE c.actor WHEN session_user THEN '(session user)' ELSE c.actor END, c.client, c.reason, c.verified
	FROM lockstep.changes(since) WITH ORDINALITY AS c ORDER BY c.ordinality $$;

SELECT lockstep.position() AS start \gset
-- Nothing set: the session user.
INSERT INTO t VALUES (1);
-- For the session; empty is as not set.
SET lockstep.actor = 'ann';
SET lockstep.client = 'tab-1';
SET lockstep.reason = 'because';
INSERT INTO t VALUES (2);
SET lockstep.reason = '';
SET lockstep.client = '';
INSERT INTO t VALUES (3);
SET lockstep.actor = '';
INSERT INTO t VALUES (4);
RESET lockstep.actor;
INSERT INTO t VALUES (5);
SELECT * FROM pg_temp.who(:'start');

-- For a transaction; changed within it.
SELECT lockstep.position() AS start \gset
SET lockstep.actor = 'session';
BEGIN;
INSERT INTO t VALUES (10);
SET LOCAL lockstep.actor = 'local';
INSERT INTO t VALUES (11);
SELECT set_config('lockstep.reason', 'set_config', true);
INSERT INTO t VALUES (12);
COMMIT;
INSERT INTO t VALUES (13);
BEGIN;
SET LOCAL lockstep.actor = 'rolled back';
INSERT INTO t VALUES (14);
ROLLBACK;
INSERT INTO t VALUES (15);
-- Rolled back to a savepoint, the settings are what they were.
BEGIN;
SET LOCAL lockstep.actor = 'one';
SAVEPOINT a;
SET LOCAL lockstep.actor = 'two';
INSERT INTO t VALUES (20);
SAVEPOINT b;
SET LOCAL lockstep.actor = 'three';
INSERT INTO t VALUES (21);
ROLLBACK TO b;
INSERT INTO t VALUES (22);
RELEASE a;
INSERT INTO t VALUES (23);
SAVEPOINT c;
SET LOCAL lockstep.client = 'gone';
ROLLBACK TO c;
INSERT INTO t VALUES (24);
COMMIT;
INSERT INTO t VALUES (25);
SELECT * FROM pg_temp.who(:'start');

-- In the middle of a statement; by a function's own setting.
SELECT lockstep.position() AS start \gset
CREATE FUNCTION pg_temp.as_actor(name text, id integer) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN PERFORM set_config('lockstep.actor', name, false); RETURN id; END $$;
INSERT INTO t SELECT pg_temp.as_actor('actor ' || i, 30 + i) FROM generate_series(1, 3) i;
CREATE FUNCTION pg_temp.robot(id integer) RETURNS void LANGUAGE sql SET lockstep.actor = 'robot' AS 'INSERT INTO t VALUES (id)';
SELECT pg_temp.robot(40);
INSERT INTO t VALUES (41);
SELECT * FROM pg_temp.who(:'start');

-- Claimed by anyone; the session user stays who it is under SET ROLE and SECURITY DEFINER.
CREATE ROLE regress_lockstep_user;
GRANT INSERT ON t TO regress_lockstep_user;
SELECT lockstep.position() AS start \gset
RESET lockstep.actor;
SET ROLE regress_lockstep_user;
INSERT INTO t VALUES (50);
SET lockstep.actor = 'claimed';
INSERT INTO t VALUES (51);
RESET ROLE;
SET SESSION AUTHORIZATION regress_lockstep_user;
INSERT INTO t VALUES (52);
RESET lockstep.actor;
INSERT INTO t VALUES (53);
RESET SESSION AUTHORIZATION;
SELECT * FROM pg_temp.who(:'start');

-- Any text: quotes, other alphabets, long ones, what looks like NULL.
SELECT lockstep.position() AS start \gset
SET lockstep.actor = 'O''Brien "the" \ admin';
SET lockstep.reason = 'NULL';
INSERT INTO t VALUES (60);
SET lockstep.actor = 'Zoë 日本語';
SET lockstep.reason = ' ';
INSERT INTO t VALUES (61);
SELECT set_config('lockstep.reason', repeat('long ', 2000), false) = '' AS f;
INSERT INTO t VALUES (62);
SELECT key, actor, client, CASE WHEN length(reason) > 100 THEN length(reason)::text ELSE quote_literal(reason) END AS reason FROM pg_temp.who(:'start');
RESET lockstep.actor;
RESET lockstep.reason;

-- Different contexts that differ in one part only are not mixed up.
SELECT lockstep.position() AS start \gset
DO $$
BEGIN
	FOR i IN 1 .. 300 LOOP
		PERFORM set_config('lockstep.actor', 'actor ' || i % 7, true), set_config('lockstep.client', 'client ' || i % 11, true), set_config('lockstep.reason', '', true);
		INSERT INTO t VALUES (1000 + i);
	END LOOP;
END
$$;
SELECT count(*) AS "300", bool_and(actor = 'actor ' || ((key -> 'id')::integer - 1000) % 7 AND client = 'client ' || ((key -> 'id')::integer - 1000) % 11) AS "as set"
FROM pg_temp.who(:'start');
-- Each is written once.
SELECT count(*) AS "0" FROM (SELECT FROM lockstep.origin GROUP BY actor, client, reason, session_user_name, application, address, verified HAVING count(*) > 1) d;
-- With it: who was logged in, and from where.
SET application_name = 'regress lockstep';
INSERT INTO t VALUES (2000);
SELECT o.session_user_name = session_user AS "session user", o.application FROM lockstep.change c JOIN lockstep.origin o ON o.id = c.origin
WHERE c.key = '{"id": 2000}' AND c.root = 't'::regclass;
RESET application_name;

-- What a savepoint wrote about the actor, and was met again after a roll-back further in, is not relied on when it is rolled back itself.
SELECT lockstep.position() AS start \gset
ALTER TABLE t ADD COLUMN w text;
SET lockstep.actor = 'eve';
SET lockstep.log_buffer_size = '64kB';
BEGIN;
SAVEPOINT a;
INSERT INTO t (id, w) VALUES (3000, repeat('large', 20000));
SAVEPOINT b;
ROLLBACK TO b;
INSERT INTO t (id, w) VALUES (3001, repeat('large', 20000));
ROLLBACK TO a;
INSERT INTO t VALUES (3002);
COMMIT;
INSERT INTO t VALUES (3003);
RESET lockstep.log_buffer_size;
RESET lockstep.actor;
SELECT * FROM pg_temp.who(:'start');
DROP TABLE t;
DROP ROLE regress_lockstep_user;
