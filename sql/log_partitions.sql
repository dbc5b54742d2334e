-- Partitioned tables: changes bear the name of the table that is tracked, wherever the row lies and however it is reached.
SET client_min_messages = warning;
CREATE TABLE events (id integer, day date, note text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
-- Its columns lie in another order, with one dropped.
CREATE TABLE events_2 (gone integer, note text, day date NOT NULL, id integer NOT NULL, PRIMARY KEY (id, day));
ALTER TABLE events_2 DROP COLUMN gone;
ALTER TABLE events ATTACH PARTITION events_2 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE TABLE events_3 PARTITION OF events FOR VALUES FROM ('2026-03-01') TO ('2026-04-01') PARTITION BY HASH (id);
CREATE TABLE events_3_a PARTITION OF events_3 FOR VALUES WITH (MODULUS 1, REMAINDER 0);
SELECT lockstep.track('events', exclude_columns => '{}');

-- Through the parent.
SELECT lockstep.position() AS start \gset
INSERT INTO events VALUES (1, '2026-01-10', 'a'), (2, '2026-02-10', 'a'), (3, '2026-03-10', 'a');
UPDATE events SET note = 'b' WHERE id = 2;
UPDATE events SET note = 'b', row_version = 1 WHERE id = 3;
SELECT test.code('UPDATE events SET note = ''c'', row_version = 1 WHERE id = 2');
DELETE FROM events WHERE id = 1;
SELECT tx, table_name, op, key, version, "row", old FROM test.feed(:'start');
-- Through the leaf.
SELECT lockstep.position() AS start \gset
INSERT INTO events_2 (id, day, note) VALUES (4, '2026-02-11', 'a');
INSERT INTO events_3_a VALUES (5, '2026-03-11', 'a');
UPDATE events_2 SET note = 'leaf' WHERE id = 4;
UPDATE events_3 SET note = 'middle' WHERE id = 5;
SELECT test.code('UPDATE events_3_a SET note = ''c'', row_version = 1 WHERE id = 5');
DELETE FROM events_2 WHERE id = 4;
COPY events_2 (id, day, note) FROM stdin;
6	2026-02-12	copied
\.
SELECT tx, table_name, op, key, version, "row", old FROM test.feed(:'start');
SELECT DISTINCT relid::regclass FROM lockstep.changes(:'start');

-- Moved to another partition: a delete and an insert. The version advances by one, and is checked.
SELECT lockstep.position() AS start \gset
UPDATE events SET day = '2026-01-05' WHERE id = 6;
SELECT test.code('UPDATE events SET day = ''2026-02-05'', row_version = 1 WHERE id = 6');
UPDATE events SET day = '2026-02-05', row_version = 2 WHERE id = 6;
SELECT tx, table_name, op, key, version, "row" FROM test.feed(:'start');
TABLE events ORDER BY id;
SELECT * FROM test.broken_promises(:'start');

-- A move that does not touch the key.
CREATE TABLE tasks (id integer NOT NULL, state text NOT NULL, note text, UNIQUE (id, state)) PARTITION BY LIST (state);
CREATE TABLE tasks_open PARTITION OF tasks FOR VALUES IN ('open');
CREATE TABLE tasks_done PARTITION OF tasks FOR VALUES IN ('done');
SELECT lockstep.track('tasks', key_columns => '{id,state}');
SELECT lockstep.position() AS start \gset
INSERT INTO tasks VALUES (1, 'open', 'x');
UPDATE tasks SET state = 'done';
SELECT tx, op, key, version, "row" FROM test.feed(:'start');

-- TRUNCATE of all, of a leaf, of one in the middle.
SELECT lockstep.position() AS start \gset
TRUNCATE events_2;
TRUNCATE events_3;
SELECT DISTINCT tx, table_name, op, key, version, "row" FROM test.feed(:'start') ORDER BY tx;
SELECT lockstep.position() AS start \gset
TRUNCATE events;
SELECT DISTINCT tx, table_name, op FROM test.feed(:'start');

-- A partition that comes later is tracked like the others; that it came is a schema change.
SELECT lockstep.position() AS start \gset
CREATE TABLE events_4 PARTITION OF events FOR VALUES FROM ('2026-04-01') TO ('2026-05-01');
CREATE TABLE events_5 (LIKE events INCLUDING ALL);
INSERT INTO events_5 VALUES (50, '2026-05-10', 'was here');
ALTER TABLE events ATTACH PARTITION events_5 FOR VALUES FROM ('2026-05-01') TO ('2026-06-01');
SELECT DISTINCT tx, table_name, op FROM test.feed(:'start') ORDER BY tx;
SELECT lockstep.position() AS start \gset
INSERT INTO events VALUES (40, '2026-04-10', 'a');
INSERT INTO events_4 VALUES (41, '2026-04-11', 'a');
UPDATE events SET note = 'b' WHERE id = 50;
UPDATE events_5 SET note = 'c' WHERE id = 50;
SELECT test.code('UPDATE events_5 SET note = ''d'', row_version = 2 WHERE id = 50');
TRUNCATE events_5;
TRUNCATE events_4;
SELECT tx, table_name, op, key, version, old FROM test.feed(:'start');

-- A partition that leaves: a schema change; its triggers go with it, and it is a table like others.
SELECT lockstep.position() AS start \gset
ALTER TABLE events DETACH PARTITION events_4;
INSERT INTO events_4 VALUES (42, '2026-04-12', 'alone');
UPDATE events_4 SET note = 'still alone', row_version = 77;
TRUNCATE events_4;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'events_4'::regclass AND NOT tgisinternal;
DROP TABLE events_4;
SELECT DISTINCT tx, table_name, op FROM test.feed(:'start') ORDER BY tx;
-- One that is dropped.
SELECT lockstep.position() AS start \gset
DROP TABLE events_5;
SELECT DISTINCT tx, table_name, op FROM test.feed(:'start') ORDER BY tx;
SELECT table_name FROM lockstep.tracked ORDER BY table_name;

DROP TABLE events, tasks;
