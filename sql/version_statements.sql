-- Row versions under statements of every kind: each row is judged by itself, and a refusal undoes the statement.
SET client_min_messages = warning;
SET lockstep.actor = 'tester';
CREATE TABLE orders (id integer PRIMARY KEY, status text, row_version bigint NOT NULL DEFAULT 1);
CREATE TABLE lines (id integer PRIMARY KEY, order_id integer REFERENCES orders ON UPDATE CASCADE ON DELETE CASCADE);
CREATE TABLE notes (id integer PRIMARY KEY, order_id integer REFERENCES orders ON UPDATE CASCADE ON DELETE SET NULL);
SELECT lockstep.track('orders'), lockstep.track('lines'), lockstep.track('notes');

-- Many rows.
INSERT INTO orders SELECT i, 'open', i FROM generate_series(1, 6) i;
SELECT lockstep.position() AS start \gset
UPDATE orders SET status = 'all' WHERE id <= 3 RETURNING id, row_version;
UPDATE orders SET status = CASE WHEN id < 3 THEN status ELSE 'some' END RETURNING id, row_version;
-- Rows 1 to 5 would do, row 6 would not, and neither would row 2 here.
SELECT test.code('UPDATE orders SET status = ''none'', row_version = CASE WHEN id = 6 THEN 1 END');
SELECT test.try('UPDATE orders SET status = ''none'', row_version = 2 WHERE id IN (1, 2)');
SELECT id, status, row_version FROM orders ORDER BY id;
SELECT tx, op, key, version, old FROM test.feed(:'start');
-- Each with its own version, from a list.
UPDATE orders SET status = v.status, row_version = v.version FROM (VALUES (1, 2, 'x'), (2, 3, 'y')) AS v (id, version, status)
WHERE orders.id = v.id RETURNING orders.id, row_version;

-- INSERT … ON CONFLICT DO NOTHING changes and logs nothing for the row that is there.
SELECT lockstep.position() AS start \gset
INSERT INTO orders VALUES (1, 'again'), (7, 'new') ON CONFLICT DO NOTHING;
-- DO UPDATE is an UPDATE of the row that is there …
INSERT INTO orders VALUES (1, 'upsert'), (8, 'new') ON CONFLICT (id) DO UPDATE SET status = excluded.status RETURNING id, row_version;
-- … which is judged when it names the version …
INSERT INTO orders AS o VALUES (1, 'upsert 2', 4) ON CONFLICT (id) DO UPDATE SET status = excluded.status, row_version = excluded.row_version
RETURNING id, row_version;
SELECT test.code('INSERT INTO orders VALUES (1, ''upsert 3'', 4) ON CONFLICT (id)
	DO UPDATE SET status = excluded.status, row_version = excluded.row_version');
-- … and which may change nothing.
INSERT INTO orders AS o VALUES (1, 'upsert 2') ON CONFLICT (id) DO UPDATE SET status = excluded.status RETURNING id, row_version;
INSERT INTO orders AS o VALUES (1, 'upsert 4') ON CONFLICT (id) DO UPDATE SET status = excluded.status WHERE false RETURNING id, row_version;
SELECT tx, op, key, version, "row" ->> 'status' AS status, old FROM test.feed(:'start');

-- MERGE, each of its actions.
SELECT lockstep.position() AS start \gset
MERGE INTO orders o USING (VALUES (1, 'merged'), (2, 'gone'), (9, 'new')) AS v (id, status) ON o.id = v.id
WHEN MATCHED AND v.status = 'gone' THEN DELETE
WHEN MATCHED THEN UPDATE SET status = v.status
WHEN NOT MATCHED THEN INSERT VALUES (v.id, v.status, 1);
MERGE INTO orders o USING (VALUES (1, 6, 'checked')) AS v (id, version, status) ON o.id = v.id
WHEN MATCHED THEN UPDATE SET status = v.status, row_version = v.version;
SELECT test.code('MERGE INTO orders o USING (VALUES (1, 6, ''stale'')) AS v (id, version, status) ON o.id = v.id
	WHEN MATCHED THEN UPDATE SET status = v.status, row_version = v.version');
-- One action names the version, the other does not: the row of the other is not checked, and advances.
MERGE INTO orders o USING (VALUES (3, 'unversioned', 0), (4, 'versioned', 5)) AS v (id, status, version) ON o.id = v.id
WHEN MATCHED AND v.version = 0 THEN UPDATE SET status = v.status
WHEN MATCHED THEN UPDATE SET status = v.status, row_version = v.version;
SELECT tx, op, key, version, "row" ->> 'status' AS status, old FROM test.feed(:'start') ORDER BY tx, key;

-- COPY is an INSERT.
SELECT lockstep.position() AS start \gset
COPY orders (id, status) FROM stdin;
20	copied
21	copied
\.
COPY orders FROM stdin;
22	copied	9
\.
SELECT tx, op, key, version, "row" FROM test.feed(:'start');

-- Cascades: rows that a foreign key changes are changed like others.
INSERT INTO lines VALUES (1, 20), (2, 20);
INSERT INTO notes VALUES (1, 20);
SELECT lockstep.position() AS start \gset
UPDATE orders SET id = 30 WHERE id = 20;
SELECT op, table_name, key, version, "row", old FROM test.feed(:'start') ORDER BY table_name, op, key;
SELECT lockstep.position() AS start \gset
DELETE FROM orders WHERE id = 30;
SELECT op, table_name, key, version, "row", old FROM test.feed(:'start') ORDER BY table_name, op, key;
SELECT * FROM test.broken_promises(:'start');

-- Through a view, and by a cursor.
CREATE VIEW open_orders AS SELECT id, status, row_version AS v FROM orders WHERE status = 'copied' WITH CHECK OPTION;
SELECT test.code('UPDATE open_orders SET id = 31, v = 8 WHERE id = 22');
UPDATE open_orders SET id = 31, v = 9 WHERE id = 22 RETURNING id, v AS "10";
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM orders WHERE id = 31 FOR UPDATE;
FETCH c;
UPDATE orders SET status = 'fetched' WHERE CURRENT OF c RETURNING row_version AS "11";
COMMIT;

-- A statement of its own in WITH.
WITH moved AS (DELETE FROM orders WHERE id = 31 RETURNING *)
INSERT INTO orders SELECT 32, status, row_version FROM moved RETURNING id, row_version;

DROP VIEW open_orders;
DROP TABLE orders, lines, notes;
