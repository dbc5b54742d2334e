// Logical replication into tracked tables: the initial copy, inserts, updates, deletes, TRUNCATE; with the version column on both sides, and
// with a publisher that has none. Nothing that the guard could say stops the apply.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Cluster } from '../harness/cluster.js';
import { until } from '../harness/wait.js';

let publisher;
let subscriber;
let start;

const feed = async () => (await subscriber.sql(`SELECT c.table_name, c.op, c.key ->> 'id', c.version, c.row ->> 'v' FROM lockstep.changes('${start}') WITH ORDINALITY AS c
	WHERE c.op <> 'schema' ORDER BY c.ordinality`)).map((row) => row.join(' ').trim());
const caughtUp = async () => {
	const [[lsn]] = await publisher.sql('SELECT pg_current_wal_lsn()');
	await until('the subscriber has what the publisher wrote',
		async () => (await publisher.sql(`SELECT count(*) FROM pg_stat_replication WHERE replay_lsn >= '${lsn}' AND application_name = 'branch'`))[0][0] === '1');
};

before(async () => {
	publisher = await Cluster.start('publisher', { wal_level: 'logical' });
	subscriber = await Cluster.start('subscriber', { wal_level: 'logical' });
	await publisher.sql(`CREATE EXTENSION lockstep;
		CREATE TABLE shared (id integer PRIMARY KEY, v text);
		SELECT lockstep.track('shared');
		CREATE TABLE plain (id integer PRIMARY KEY, v text, long text);
		CREATE TABLE parted (id integer PRIMARY KEY, v text);
		INSERT INTO shared VALUES (1, 'copied', 7);
		INSERT INTO plain VALUES (1, 'copied', repeat('x', 10)), (2, 'copied', NULL);
		INSERT INTO parted VALUES (1, 'copied'), (200, 'copied');
		CREATE PUBLICATION main FOR TABLE shared, plain, parted`);
	await subscriber.sql(`CREATE EXTENSION lockstep;
		CREATE TABLE shared (id integer PRIMARY KEY, v text);
		CREATE TABLE plain (id integer PRIMARY KEY, v text, long text);
		CREATE TABLE parted (id integer PRIMARY KEY, v text) PARTITION BY RANGE (id);
		CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (100);
		CREATE TABLE parted_high PARTITION OF parted FOR VALUES FROM (100) TO (1000);
		SELECT lockstep.track('shared'), lockstep.track('plain'), lockstep.track('parted')`);
	[[start]] = await subscriber.sql('SELECT lockstep.position()');
	const conninfo = (await publisher.conninfo('postgres', 'postgres')).replaceAll("'", "''");
	await subscriber.sql(`CREATE SUBSCRIPTION branch CONNECTION '${conninfo}' PUBLICATION main`);
	await until('the tables are copied', async () => (await subscriber.sql("SELECT count(*) FROM pg_subscription_rel WHERE srsubstate <> 'r'"))[0][0] === '0');
});

after(async () => {
	await subscriber?.sql('DROP SUBSCRIPTION branch').catch(() => {});
	await subscriber?.remove();
	await publisher?.remove();
});

test('the initial copy is logged', async () => {
	assert.deepEqual((await feed()).sort(), ['public.parted insert 1 1 copied', 'public.parted insert 200 1 copied',
		'public.plain insert 1 1 copied', 'public.plain insert 2 1 copied', 'public.shared insert 1 7 copied']);
});

test('versions come with the rows, whatever the subscriber has', async () => {
	[[start]] = await subscriber.sql('SELECT lockstep.position()');
	// A conflict for the guard, if it judged: the subscriber's row has gone on.
	await subscriber.sql("UPDATE shared SET v = 'local'; UPDATE shared SET v = 'local again'");
	await publisher.sql("UPDATE shared SET v = 'afar' WHERE id = 1; INSERT INTO shared VALUES (2, 'new')");
	await publisher.sql('DELETE FROM shared WHERE id = 2');
	await caughtUp();
	assert.deepEqual(await feed(), ['public.shared update 1 8 local', 'public.shared update 1 9 local again', 'public.shared update 1 8 afar', 'public.shared insert 2 1 new', 'public.shared delete 2 1 new']);
});

test('from a publisher without versions, the subscriber\'s go on', async () => {
	[[start]] = await subscriber.sql('SELECT lockstep.position()');
	await publisher.sql("UPDATE plain SET v = 'one' WHERE id = 1");
	await publisher.sql("UPDATE plain SET v = 'two' WHERE id = 1; UPDATE plain SET v = 'two' WHERE id = 1");
	await publisher.sql('DELETE FROM plain WHERE id = 2');
	await caughtUp();
	// (plain's second update to the same changes nothing.)
	assert.deepEqual(await feed(), ['public.plain update 1 2 one', 'public.plain update 1 3 two', 'public.plain delete 2 1 copied']);
	await assert.rejects(subscriber.sql("UPDATE plain SET v = 'stale', row_version = 1 WHERE id = 1"), /was changed by/);
});

test('into partitions, and from one to the other', async () => {
	[[start]] = await subscriber.sql('SELECT lockstep.position()');
	await publisher.sql("UPDATE parted SET v = 'stays' WHERE id = 1");
	await publisher.sql('UPDATE parted SET id = 201 WHERE id = 1');
	await caughtUp();
	// The apply moves a row by a delete and an insert, and fires no UPDATE trigger. The key is another, since it holds the partition's column.
	assert.deepEqual(await feed(), ['public.parted update 1 2 stays', 'public.parted delete 1 2 stays', 'public.parted insert 201 2 stays']);
});

test('TRUNCATE, of several tables at once', async () => {
	[[start]] = await subscriber.sql('SELECT lockstep.position()');
	await publisher.sql('TRUNCATE shared, plain, parted');
	await caughtUp();
	assert.deepEqual([...new Set(await feed())].sort(), ['public.parted truncate', 'public.plain truncate', 'public.shared truncate']);
});

test('a subscriber whose triggers became ordinary ones misses what is applied, and doctor() says so', async () => {
	await subscriber.sql('ALTER TABLE plain ENABLE TRIGGER ALL');
	[[start]] = await subscriber.sql('SELECT lockstep.position()');
	await publisher.sql("INSERT INTO plain VALUES (5, 'unseen')");
	await caughtUp();
	assert.deepEqual(await feed(), []);
	const advice = await subscriber.sql("SELECT DISTINCT hint FROM lockstep.doctor() WHERE name = 'table public.plain' AND status = 'error'");
	assert.match(advice[0][0], /ENABLE ALWAYS TRIGGER/);
	for (const trigger of ['~lockstep_guard', '!lockstep_log', '!lockstep_truncate']) {
		await subscriber.sql(`ALTER TABLE plain ENABLE ALWAYS TRIGGER "${trigger}"`);
	}
	await publisher.sql("INSERT INTO plain VALUES (6, 'seen')");
	await caughtUp();
	assert.deepEqual(await feed(), ['public.plain insert 6 1 seen']);
});
